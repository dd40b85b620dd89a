/* SPDX-License-Identifier: MIT */
/*
 * crowd ops: every request there is, and what it may answer
 *
 * An id comes from the board of the context, as likely stale as not, and
 * sometimes from nowhere; a descriptor likewise from the table of the process.
 * So -ENOENT and -EBADF are always among the answers, and -ENOTTY, where the
 * number of a context that was closed became that of another file. What is not
 * among them is: -EDEADLK of an unmap, since every access lets go when it is
 * asked to, and -EIO, -EBADE and such where nobody should say them.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "crowd.h"

#define IOVA UINT64_C(0x2000000)
/* Pages of IOVA that are used. */
#define WINDOW 48u
#define EVENTS IOAS_ABI_VEVENTQ_TYPE_SELFTEST

/* ---- what an answer may be ----------------------------------------------- */

/* True: it is a success. @legal ends with 0. */
static bool said(struct actor *a, int64_t ret, const int *legal)
{
	if (ret >= 0) {
		atomic_fetch_add(&crowd.worked, 1);
		return true;
	}
	if (a->armed || ret == -ENOENT || ret == -EBADF || ret == -ENOTTY)
		return false;
	while (*legal && *legal != ret)
		legal++;
	if (!*legal)
		crowd_wrong(a, "answer", ret);
	return false;
}

#define SAID(a, ret, ...) said((a), (ret), (const int[]){ __VA_ARGS__, 0 })

/* ---- choices ------------------------------------------------------------- */

static uint32_t any_id(struct actor *a, enum crowd_thing what)
{
	if (!below(a, 16))
		return below(a, 48);
	return atomic_load(&a->board->ids[what][below(a, SLOTS)]);
}

/* What was there before goes, or is left to itself. */
static void id_put(struct actor *a, enum crowd_thing what, uint32_t id)
{
	_Atomic uint32_t *slot = &a->board->ids[what][below(a, SLOTS)];
	const uint32_t old = atomic_exchange(slot, id);

	if (old && below(a, 4))
		SAID(a, uc_destroy(&a->c, old), -EBUSY);
}

static int any_file(struct actor *a, enum crowd_file what)
{
	if (!below(a, 32))
		what = below(a, NR_FILES);
	return atomic_load(&crowd.files[a->process][what][below(a, SLOTS)]);
}

static void file_close(struct actor *a, int fd)
{
	if (fd >= 0 && uc_close(&a->c, fd))
		crowd_wrong(a, "close", fd);
}

static void file_put(struct actor *a, enum crowd_file what, int fd)
{
	_Atomic int *slot = &crowd.files[a->process][what][below(a, SLOTS)];

	file_close(a, atomic_exchange(slot, fd));
}

/* On half a page now and then, as a mock device can. */
static uint64_t any_iova(struct actor *a)
{
	return IOVA + (uint64_t)below(a, WINDOW) * PAGE +
	       (below(a, 16) ? 0 : PAGE / 2);
}

static uint64_t any_length(struct actor *a, unsigned int pages)
{
	return (uint64_t)(1 + below(a, pages)) * PAGE;
}

static uint64_t any_address(struct actor *a)
{
	return crowd.host->memory(a) + (uint64_t)below(a, PAGES_ALL) * PAGE +
	       (below(a, 16) ? 0 : PAGE / 2);
}

static uint32_t any_prot(struct actor *a)
{
	static const uint32_t prots[] = { UC_RW, UC_RW, UC_R, UC_W };

	return prots[below(a, 4)];
}

/* ---- spaces -------------------------------------------------------------- */

/* With some memory from the start: all of it, as far as there is any. */
static void do_space(struct actor *a)
{
	const uint64_t at = crowd.host->memory(a) + PAGES_ANY * PAGE;
	uint32_t id = 0;

	if (!SAID(a, uc_ioas_alloc(&a->c, &id), 0))
		return;
	id_put(a, SPACE, id);
	for (unsigned int i = 0; i < WINDOW; i += 8)
		SAID(a,
		     uc_map_fixed(&a->c, id, at, 8 * PAGE, UC_RW,
				  IOVA + i * PAGE),
		     -EEXIST, -EINVAL, -ENOMEM);
}

static void do_map(struct actor *a)
{
	const uint32_t flags = any_prot(a) | (below(a, 4) ? UC_FIXED : 0);
	uint64_t iova = any_iova(a);

	SAID(a,
	     uc_map(&a->c, any_id(a, SPACE), any_address(a), any_length(a, 8),
		    flags, &iova),
	     -EEXIST, -EINVAL, -EFAULT, -ENOSPC, -ENOMEM);
}

/* Memory of a file, or a dma-buf. */
static void do_map_file(struct actor *a)
{
	struct ioas_abi_ioas_map_file s = {
		.flags = any_prot(a) | UC_FIXED,
		.ioas_id = any_id(a, SPACE),
		.fd = below(a, 2) ? crowd.host->file(a) :
				    any_file(a, DMABUF_FILE),
		.start = (uint64_t)below(a, 4) * PAGE,
		.length = any_length(a, 4),
		.iova = any_iova(a),
	};

	SAID(a, uc_map_file(&a->c, &s), -EEXIST, -EINVAL, -EFAULT, -ENOMEM,
	     -ENODEV);
}

static void do_copy(struct actor *a)
{
	struct ioas_abi_ioas_copy s = {
		.flags = any_prot(a) | (below(a, 4) ? UC_FIXED : 0),
		.dst_ioas_id = any_id(a, SPACE),
		.src_ioas_id = any_id(a, SPACE),
		.length = any_length(a, 8),
		.dst_iova = any_iova(a),
		.src_iova = any_iova(a),
	};

	SAID(a, uc_copy(&a->c, &s), -EEXIST, -EINVAL, -EFAULT, -ENOSPC, -ENOMEM,
	     -EPERM, -ENODEV);
}

static void do_unmap(struct actor *a)
{
	if (below(a, 16))
		SAID(a,
		     uc_unmap(&a->c, any_id(a, SPACE), any_iova(a),
			      any_length(a, 16), NULL),
		     -EBUSY);
	else
		SAID(a, uc_unmap_all(&a->c, any_id(a, SPACE), NULL), -EBUSY);
}

static void do_ranges(struct actor *a)
{
	struct ioas_abi_iova_range r[4] = {
		{ IOVA, IOVA + WINDOW / 2 * PAGE - 1 },
		{ IOVA + WINDOW * PAGE, IOVA + 2 * WINDOW * PAGE },
	};
	uint32_t nr = below(a, 4);
	const uint32_t id = any_id(a, SPACE);

	switch (below(a, 8)) {
	case 0:
		SAID(a, uc_allow(&a->c, id, r, below(a, 3)), -EADDRINUSE);
		break;
	case 1:
		/* In the window, it spoils the space: rarely. */
		SAID(a,
		     uc_add_reserved(&a->c, id,
				     below(a, 8) ? 0x1000 : any_iova(a),
				     1 + below(a, PAGE)),
		     -EADDRINUSE);
		break;
	default:
		SAID(a, uc_ranges(&a->c, id, r, &nr, NULL), -EMSGSIZE);
	}
}

static void do_option(struct actor *a)
{
	uint64_t val = 0;

	switch (below(a, 4)) {
	case 0:
		SAID(a, uc_rlimit_mode(&a->c, below(a, 2)), -EBUSY);
		break;
	case 1:
		SAID(a,
		     uc_option(&a->c, below(a, 2), IOAS_ABI_OPTION_OP_GET,
			       any_id(a, SPACE), &val),
		     -EOPNOTSUPP);
		break;
	default:
		SAID(a, uc_huge_pages(&a->c, any_id(a, SPACE), below(a, 2)),
		     -EINVAL, -EADDRINUSE);
	}
}

/* Memory of a process is in every space, as a rule, and refuses it. */
static void do_change(struct actor *a)
{
	SAID(a, uc_change_process(&a->c), -EINVAL, -ENOMEM);
}

static void do_destroy(struct actor *a)
{
	SAID(a, uc_destroy(&a->c, any_id(a, below(a, NR_THINGS))), -EBUSY);
}

/* ---- container requests -------------------------------------------------- */

static void do_vfio_space(struct actor *a)
{
	uint32_t id = any_id(a, SPACE);

	/* Set more often than cleared. */
	SAID(a,
	     uc_vfio_ioas(&a->c, (uint16_t)(below(a, 8) ? below(a, 2) : 2),
			  &id),
	     -ENODEV);
}

static void do_vfio(struct actor *a)
{
	/* argsz first. */
	uint32_t info[64] = { sizeof(info) };
	uint64_t size = any_length(a, 8);

	switch (below(a, 8)) {
	case 0:
		SAID(a, uc_vfio_extension(&a->c, below(a, 12)), -ENODEV);
		break;
	case 1:
		SAID(a, uc_vfio_set_iommu(&a->c, 1 + 2 * below(a, 2)), -ENODEV,
		     -EINVAL, -EADDRINUSE);
		break;
	case 2:
		SAID(a, uc_vfio_info(&a->c, info, sizeof(info)), -ENODEV,
		     -EINVAL);
		break;
	case 3:
	case 4:
		SAID(a, uc_vfio_unmap(&a->c, any_iova(a), &size, 0), -ENODEV,
		     -EBUSY, -EINVAL, -EOPNOTSUPP, -ENOMEM);
		break;
	default:
		SAID(a,
		     uc_vfio_map(&a->c, any_address(a), any_iova(a), size,
				 1 + below(a, 3)),
		     -ENODEV, -EEXIST, -EINVAL, -EFAULT, -ENOMEM);
	}
}

/* ---- devices and page tables --------------------------------------------- */

static void do_device(struct actor *a)
{
	const uint32_t pt = any_id(a, below(a, 4) ? SPACE : TABLE);
	struct uc_mock m = { 0, 0, 0 };
	const uint32_t flags =
		below(a, 3) ? IOAS_ABI_MOCK_FLAGS_DEVICE_PASID : 0;

	if (!SAID(a, uc_mock_domain_flags(&a->c, pt, flags, &m), -EINVAL,
		  -EFAULT, -EADDRINUSE, -ENOMEM, -EBUSY))
		return;
	id_put(a, STDEV, m.stdev);
	atomic_store(&a->board->ids[IDEV][below(a, SLOTS)], m.idev);
	if (!below(a, 2))
		atomic_store(&a->board->ids[TABLE][below(a, SLOTS)], m.hwpt);
}

static void do_replace(struct actor *a)
{
	uint32_t pt = any_id(a, below(a, 3));

	SAID(a, uc_mock_replace(&a->c, any_id(a, STDEV), &pt), -EINVAL, -EFAULT,
	     -EADDRINUSE, -ENOMEM);
}

static void do_pasid(struct actor *a)
{
	static const uint32_t pasids[] = { 1, 2, 1024, 0 };
	const uint32_t stdev = any_id(a, STDEV), pasid = pasids[below(a, 4)];
	/* Or a space, by chance: for the RID that is as good. */
	uint32_t pt = any_id(a, 1 + below(a, 2));

	switch (below(a, 4)) {
	case 0:
		SAID(a, uc_pasid_attach(&a->c, stdev, pasid, &pt), -EINVAL,
		     -EBUSY, -EFAULT, -EADDRINUSE, -ENOMEM);
		break;
	case 1:
		SAID(a, uc_pasid_replace(&a->c, stdev, pasid, &pt), -EINVAL,
		     -EFAULT, -EADDRINUSE, -ENOMEM);
		break;
	case 2:
		SAID(a, uc_pasid_check(&a->c, stdev, pasid, pt), -EINVAL);
		break;
	default:
		SAID(a, uc_pasid_detach(&a->c, stdev, pasid), 0);
	}
}

static void do_table(struct actor *a)
{
	static const uint32_t flags[] = {
		IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
		IOAS_ABI_HWPT_ALLOC_NEST_PARENT | IOAS_ABI_HWPT_ALLOC_PASID,
		IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING,
		IOAS_ABI_HWPT_FAULT_ID_VALID | IOAS_ABI_HWPT_ALLOC_PASID,
	};
	struct ioas_abi_hwpt_alloc s = { .flags = flags[below(a, 4)],
					 .dev_id = any_id(a, IDEV),
					 .pt_id = any_id(a, SPACE),
					 .fault_id = any_id(a, FAULT) };

	if (SAID(a, uc_hwpt_alloc(&a->c, &s, NULL), -EINVAL, -EFAULT,
		 -EADDRINUSE, -ENOMEM, -EOPNOTSUPP))
		id_put(a, TABLE, s.out_hwpt_id);
}

static void do_nested(struct actor *a)
{
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb = 7 };
	struct ioas_abi_hwpt_alloc s = {
		.flags = below(a, 2) ? IOAS_ABI_HWPT_FAULT_ID_VALID |
					       IOAS_ABI_HWPT_ALLOC_PASID :
				       IOAS_ABI_HWPT_ALLOC_PASID,
		.dev_id = any_id(a, IDEV),
		.pt_id = any_id(a, below(a, 2) ? TABLE : VIOMMU),
		.fault_id = any_id(a, FAULT),
		.data_type = IOAS_ABI_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
	};

	/* A random id may be an IOAS: a paging one, then. */
	if (SAID(a, uc_hwpt_alloc(&a->c, &s, &data), -EINVAL, -EFAULT,
		 -EADDRINUSE, -ENOMEM, -EOPNOTSUPP))
		id_put(a, NESTED, s.out_hwpt_id);
}

static void do_look(struct actor *a)
{
	struct ioas_abi_get_hw_info info = { .data_len = 8 };
	uint64_t data = 0;
	int ret;

	info.dev_id = any_id(a, IDEV);
	switch (below(a, 5)) {
	case 0:
		SAID(a, uc_hw_info(&a->c, &info, &data), 0);
		break;
	case 1:
		SAID(a,
		     uc_check_map(&a->c, any_id(a, TABLE), any_iova(a),
				  any_length(a, 4), any_address(a)),
		     -EINVAL, -EFAULT);
		break;
	case 2:
		/* There may be any number. */
		ret = uc_check_refs(&a->c, crowd.host->memory(a), 4 * PAGE, 1);
		SAID(a, ret, -EIO, -EFAULT);
		break;
	case 3:
		SAID(a,
		     uc_check_iotlb(&a->c, any_id(a, NESTED), below(a, 4), 7),
		     -EINVAL);
		break;
	default:
		SAID(a, uc_check_cache(&a->c, any_id(a, IDEV), below(a, 4), 0),
		     -EINVAL);
	}
}

static void do_dirty(struct actor *a)
{
	struct ioas_abi_hwpt_get_dirty_bitmap get = {
		.hwpt_id = any_id(a, TABLE),
		.flags = below(a, 2),
		.iova = any_iova(a),
		.length = 8 * PAGE,
		.page_size = PAGE / 2,
	};
	struct ioas_abi_test_dirty dirty = { .iova = get.iova,
					     .length = 8 * PAGE,
					     .page_size = PAGE / 2 };
	uint16_t bitmap = 0x8421;

	switch (below(a, 3)) {
	case 0:
		SAID(a, uc_dirty_set(&a->c, get.hwpt_id, below(a, 4) != 0),
		     -EOPNOTSUPP);
		break;
	case 1:
		SAID(a, uc_dirty(&a->c, get.hwpt_id, &dirty, &bitmap), -EINVAL);
		break;
	default:
		SAID(a, uc_dirty_get(&a->c, &get, &bitmap), -EINVAL,
		     -EOPNOTSUPP);
	}
}

/* ---- faults -------------------------------------------------------------- */

static void do_fault_queue(struct actor *a)
{
	uint32_t id = 0;
	int fd = -1;

	if (!SAID(a, uc_fault_queue(&a->c, &id, &fd), -EMFILE))
		return;
	file_put(a, FAULT_FILE, fd);
	id_put(a, FAULT, id);
}

static void do_request(struct actor *a)
{
	const struct ioas_abi_test_trigger_iopf s = {
		.dev_id = any_id(a, IDEV),
		.pasid = below(a, 3),
		.grpid = a->index,
		.addr = IOVA,
	};

	SAID(a, uc_iopf(&a->c, &s), 0);
}

/* Not seldom what it reads from is another kind of file. */
static void do_fault_file(struct actor *a)
{
	struct ioas_abi_page_response s = { .cookie = 1 + below(a, 6) };
	const int fd = any_file(a, FAULT_FILE);
	struct ioas_abi_pgfault faults[3];
	int64_t got;

	switch (below(a, 3)) {
	case 0:
		SAID(a, uc_poll(&a->c, fd), 0);
		break;
	case 1:
		SAID(a, uc_write(&a->c, fd, &s, sizeof(s)), -EINVAL);
		break;
	default:
		memset(faults, 0, sizeof(faults));
		got = uc_read(&a->c, fd, faults, sizeof(faults));
		if (!SAID(a, got, -EINVAL) || got < (int64_t)sizeof(faults[0]))
			break;
		s.cookie = faults[0].cookie;
		SAID(a, uc_write(&a->c, fd, &s, sizeof(s)), -EINVAL);
	}
}

/* ---- VIOMMUs ------------------------------------------------------------- */

static void do_viommu(struct actor *a)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 3 };
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.dev_id = any_id(a, IDEV),
		.hwpt_id = any_id(a, TABLE),
		.data_len = below(a, 2) ? sizeof(data) : 0,
	};

	if (!SAID(a, uc_viommu_alloc(&a->c, &s, s.data_len ? &data : NULL),
		  -EINVAL))
		return;
	if (s.data_len)
		atomic_store(&a->board->offsets[below(a, SLOTS)],
			     data.out_mmap_offset);
	id_put(a, VIOMMU, s.out_viommu_id);
}

static void do_vdevice(struct actor *a)
{
	uint32_t id = 0;

	if (SAID(a,
		 uc_vdevice(&a->c, any_id(a, VIOMMU), any_id(a, IDEV),
			    below(a, 4), &id),
		 -EEXIST))
		id_put(a, VDEVICE, id);
}

/*
 * All that a guest's device needs, on the board as soon as it is there. Others
 * may have had their hands on any of it before the next step.
 */
static void do_guest(struct actor *a)
{
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb = 7 };
	const uint32_t space = any_id(a, SPACE);
	uint32_t parent = 0, viommu = 0, vdevice = 0, nested = 0;
	struct uc_mock m = { 0, 0, 0 };

	if (uc_mock_domain(&a->c, space, &m) ||
	    uc_hwpt(&a->c, m.idev, space, IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
		    &parent)) {
		SAID(a, uc_destroy(&a->c, m.stdev), -EBUSY);
		return;
	}
	id_put(a, STDEV, m.stdev);
	atomic_store(&a->board->ids[IDEV][below(a, SLOTS)], m.idev);
	id_put(a, TABLE, parent);
	if (!SAID(a, uc_viommu(&a->c, m.idev, parent, &viommu), -EINVAL))
		return;
	id_put(a, VIOMMU, viommu);
	if (SAID(a,
		 uc_vdevice(&a->c, viommu, m.idev, 1 + below(a, 4), &vdevice),
		 -EEXIST))
		id_put(a, VDEVICE, vdevice);
	if (!SAID(a, uc_hwpt_mock(&a->c, m.idev, viommu, 0, &data, &nested),
		  -EINVAL, -EOPNOTSUPP, -ENOMEM, -EFAULT, -EADDRINUSE))
		return;
	id_put(a, NESTED, nested);
	SAID(a, uc_mock_replace(&a->c, m.stdev, &nested), -EINVAL, -EFAULT,
	     -EADDRINUSE, -ENOMEM);
}

static void do_event_queue(struct actor *a)
{
	uint32_t id = 0;
	int fd = -1;

	if (!SAID(a,
		  uc_veventq(&a->c, any_id(a, VIOMMU), EVENTS, 1 + below(a, 4),
			     &id, &fd),
		  -EEXIST, -EMFILE))
		return;
	file_put(a, EVENT_FILE, fd);
	id_put(a, EVENTQ, id);
}

static void do_event(struct actor *a)
{
	const int fd = any_file(a, EVENT_FILE);
	uint8_t buffer[64];

	switch (below(a, 4)) {
	case 0:
		SAID(a, uc_poll(&a->c, fd), 0);
		break;
	case 1:
		/* Not whole records, if it is a fault queue. */
		SAID(a, uc_read(&a->c, fd, buffer, sizeof(buffer)), -EINVAL,
		     -ESPIPE);
		break;
	default:
		SAID(a, uc_vevent(&a->c, any_id(a, IDEV)), -EOPNOTSUPP);
	}
}

static void do_hw_queue(struct actor *a)
{
	struct ioas_abi_hw_queue_alloc s = {
		.viommu_id = any_id(a, VIOMMU),
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.index = below(a, 2),
		.nesting_parent_iova = any_iova(a),
		.length = 64 + below(a, 2 * PAGE),
	};

	if (SAID(a, uc_hw_queue(&a->c, &s), -EADDRINUSE, -EINVAL, -EPERM,
		 -EFAULT, -ENOMEM, -EEXIST, -EIO))
		id_put(a, HW_QUEUE, s.out_hw_queue_id);
}

static void do_invalidate(struct actor *a)
{
	struct ioas_abi_viommu_invalidate_selftest v = { .vdev_id = below(a, 4),
							 .cache_id =
								 below(a, 4) };
	struct ioas_abi_hwpt_invalidate_selftest h = { .iotlb_id =
							       below(a, 4) };
	struct ioas_abi_hwpt_invalidate s = {
		.data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_num = 1,
	};

	if (below(a, 2)) {
		s.hwpt_id = any_id(a, NESTED);
		s.entry_len = sizeof(h);
		SAID(a, uc_invalidate(&a->c, &s, &h), -EINVAL, -EOPNOTSUPP);
	} else {
		s.hwpt_id = any_id(a, VIOMMU);
		s.entry_len = sizeof(v);
		SAID(a, uc_invalidate(&a->c, &s, &v), -EINVAL, -EOPNOTSUPP);
	}
}

/* Another mapping for one that there is, or only its end. */
static void do_region(struct actor *a)
{
	const uint64_t offset =
		atomic_load(&a->board->offsets[below(a, SLOTS)]);
	int ret = 0;
	void *region = NULL;

	if (below(a, 2))
		region = crowd.host->region_map(a, a->c.fd, offset, 2 * PAGE,
						&ret);
	SAID(a, ret, -ENXIO, -ENODEV, -EINVAL);
	region = atomic_exchange(&crowd.regions[below(a, SLOTS)], region);
	if (region)
		crowd.host->region_unmap(region);
}

/* ---- accesses and dma-bufs ----------------------------------------------- */

static void do_access(struct actor *a)
{
	int fd = -1;

	if (SAID(a,
		 uc_access_create(&a->c, any_id(a, SPACE), below(a, 4) != 0,
				  &fd),
		 -EADDRINUSE, -EMFILE))
		file_put(a, ACCESS_FILE, fd);
}

static void do_access_move(struct actor *a)
{
	SAID(a,
	     uc_access_replace(&a->c, any_file(a, ACCESS_FILE),
			       any_id(a, SPACE)),
	     -EBADFD, -EADDRINUSE);
}

static void do_pin(struct actor *a)
{
	struct ioas_abi_test_access_pages s = {
		.flags = below(a, 2),
		.iova = any_iova(a),
		.length = any_length(a, 4),
		.uptr = below(a, 4) ? 0 : any_address(a),
	};
	const int fd = any_file(a, ACCESS_FILE);

	if (below(a, 3))
		SAID(a, uc_access_pages(&a->c, fd, &s), -EBADFD, -EOPNOTSUPP,
		     -EINVAL, -EPERM, -EFAULT, -ENOMEM, s.uptr ? -EBADE : 0);
	else
		SAID(a, uc_access_unpin(&a->c, fd, below(a, 64)), -EBADFD);
}

static void do_rw(struct actor *a)
{
	static const uint32_t flags[] = {
		0, IOAS_ABI_MOCK_ACCESS_RW_WRITE,
		IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH,
		IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH |
			IOAS_ABI_MOCK_ACCESS_RW_WRITE
	};
	char buffer[300] = "";

	SAID(a,
	     uc_access_rw(&a->c, any_file(a, ACCESS_FILE),
			  any_iova(a) + below(a, PAGE), buffer,
			  1 + below(a, sizeof(buffer)), flags[below(a, 4)]),
	     -EBADFD, -EINVAL, -EPERM, -EFAULT);
}

static void do_dmabuf(struct actor *a)
{
	int fd;

	if (!below(a, 3)) {
		fd = uc_dmabuf_get(&a->c, 1 + below(a, 4 * PAGE), 0);
		if (SAID(a, fd, -EMFILE))
			file_put(a, DMABUF_FILE, fd);
		return;
	}
	SAID(a, uc_dmabuf_revoke(&a->c, any_file(a, DMABUF_FILE), below(a, 2)),
	     -EINVAL);
}

/* ---- the files themselves ------------------------------------------------ */

static void do_close(struct actor *a)
{
	const enum crowd_file what = below(a, NR_FILES);
	_Atomic int *slot = &crowd.files[a->process][what][below(a, SLOTS)];

	file_close(a, atomic_exchange(slot, -1));
}

/* A new context for everybody; the old one lives as long as it is used. */
static void do_context(struct actor *a)
{
	const struct crowd_host *host = crowd.host;
	int fd, old;

	if (below(a, 4))
		return;
	fd = host->open(below(a, 4) ? 0 : IOAS_OPEN_VFIO);
	if (!SAID(a, fd, -EMFILE))
		return;
	for (unsigned int p = 0; p < host->nr_processes; p++) {
		const int there = p == a->process ? fd : host->send(a, fd, p);

		old = atomic_exchange(&crowd.contexts[p][a->nr_board], there);
		if (old >= 0 && p == a->process)
			file_close(a, old);
		else if (old >= 0)
			host->close_there(a, old, p);
	}
}

static void do_meddle(struct actor *a)
{
	crowd.host->meddle(a);
}

/* ---- one ----------------------------------------------------------------- */

/* How often of all that stands here. */
static const struct {
	const char *name;
	unsigned int chance;
	void (*run)(struct actor *a);
} doings[] = {
	{ "space", 4, do_space },
	{ "map", 40, do_map },
	{ "map file", 24, do_map_file },
	{ "copy", 24, do_copy },
	{ "unmap", 24, do_unmap },
	{ "ranges", 8, do_ranges },
	{ "option", 8, do_option },
	{ "change process", 4, do_change },
	{ "destroy", 24, do_destroy },
	{ "vfio space", 6, do_vfio_space },
	{ "vfio", 24, do_vfio },
	{ "device", 16, do_device },
	{ "replace", 16, do_replace },
	{ "pasid", 16, do_pasid },
	{ "table", 20, do_table },
	{ "nested", 16, do_nested },
	{ "look", 16, do_look },
	{ "dirty", 20, do_dirty },
	{ "fault queue", 6, do_fault_queue },
	{ "request", 16, do_request },
	{ "fault file", 20, do_fault_file },
	{ "viommu", 14, do_viommu },
	{ "vdevice", 16, do_vdevice },
	{ "guest", 8, do_guest },
	{ "event queue", 6, do_event_queue },
	{ "event", 20, do_event },
	{ "hw queue", 12, do_hw_queue },
	{ "invalidate", 8, do_invalidate },
	{ "region", 8, do_region },
	{ "access", 8, do_access },
	{ "access move", 8, do_access_move },
	{ "pin", 32, do_pin },
	{ "rw", 24, do_rw },
	{ "dma-buf", 8, do_dmabuf },
	{ "close", 8, do_close },
	{ "context", 1, do_context },
	{ "meddle", 16, do_meddle },
};

#define NR_DOINGS (sizeof(doings) / sizeof(doings[0]))

static unsigned int chances(void)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < NR_DOINGS; i++)
		sum += doings[i].chance;
	return sum;
}

void crowd_act(struct actor *a)
{
	unsigned int at = below(a, chances()), i = 0;

	while (at >= doings[i].chance)
		at -= doings[i++].chance;
	a->nr_board = below(a, BOARDS);
	a->board = &crowd.boards[a->nr_board];
	a->c = (struct uclient){
		.transport = crowd.host->transport,
		.ctx = crowd.ctx,
		.fd = atomic_load(&crowd.contexts[a->process][a->nr_board]),
	};
	atomic_store(&a->doing, doings[i].name);
	a->armed = !below(a, 8);
	if (a->armed) {
		a->fault = (struct ioas_fault){ .nth = 1 + below(a, 24) };
		crowd.host->fault(a, &a->fault);
	}
	doings[i].run(a);
	if (a->armed)
		crowd.host->fault(a, NULL);
}
