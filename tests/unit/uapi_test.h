/* SPDX-License-Identifier: MIT */
/*
 * uapi_test: a machine with one process, and devices that are not a mock's
 *
 *   world    host (descriptors, the process's memory), instance, context
 *   device   a struct ioas_udevice that remembers what it was told
 *
 * Two kinds of IOMMU, whose page tables do not fit each other. Every case ends
 * with as many blocks of memory as it began with. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_UAPI_TEST_H
#define TESTS_UNIT_UAPI_TEST_H

#include <string.h>

#include "base/errno.h"
#include "domain/flat.h"
#include "origin/sim.h"
#include "plat/common/fault_arm.h"
#include "plat/posix/memory.h"
#include "seam/caller.h"
#include "uapi/command.h"
#include "uapi/device.h"
#include "uapi/faultq.h"
#include "uapi/hwpt.h"
#include "uapi/space.h"

#define PAGE UINT64_C(4096)
/* The process has pages [MEMORY, MEMORY + NR_PAGES). */
#define MEMORY UINT64_C(256)
#define NR_PAGES UINT64_C(64)
/* Nothing below this address can be copied. */
#define BAD_ADDRESS UINT64_C(4096)

#define MAX_FDS 32
#define MAX_PASIDS 8
#define MAX_DEVICES 4

struct device {
	struct ioas_udevice dev;
	struct ioas_idev *idev;
	struct ioas_iova_range reserved;
	/* What is attached at a PASID; PASIDs of the tests are small. */
	struct ioas_hwpt *at[MAX_PASIDS];
	/* What an attach says instead of working, once, after @skip more. */
	int refuse;
	unsigned int skip;
	/* Answers to page requests, by code. */
	unsigned int answers[2];
};

struct world {
	struct ioas_host host;
	struct ioas_sim *sim;
	struct ioas_origin *process;
	struct ioas_ufile *fd[MAX_FDS];
	unsigned int changed;

	struct ioas_uapi *uapi;
	struct ioas_ufile *file;
	struct ioas_iommufd *ictx;
	struct ioas_caller caller;
	struct ioas_fault fault;
	struct device devices[MAX_DEVICES];
	struct ioas_igroup *group;
	size_t blocks;
};

static struct world w;

/* ---- host --------------------------------------------------------------- */

static inline int host_user_origin(struct ioas_host *h,
				   struct ioas_origin **out)
{
	(void)h;
	*out = w.process;
	return 0;
}

static inline int host_file_origin(struct ioas_host *h, int32_t fd,
				   struct ioas_origin **out)
{
	(void)h;
	(void)fd;
	(void)out;
	return -EBADF;
}

/* A reserved number is marked with the world itself. */
static inline int host_fd_reserve(struct ioas_host *h, unsigned int flags,
				  int32_t *fd)
{
	(void)h;
	assert_int_equal(flags, IOAS_FD_CLOEXEC);
	for (int32_t i = 0; i < MAX_FDS; i++) {
		if (w.fd[i])
			continue;
		w.fd[i] = (struct ioas_ufile *)&w;
		*fd = i;
		return 0;
	}
	return -EMFILE;
}

static inline void host_fd_commit(struct ioas_host *h, int32_t fd,
				  struct ioas_ufile *file)
{
	(void)h;
	w.fd[fd] = file;
}

static inline void host_fd_cancel(struct ioas_host *h, int32_t fd)
{
	(void)h;
	w.fd[fd] = NULL;
}

static inline void fd_close(int32_t fd)
{
	struct ioas_ufile *f = w.fd[fd];

	w.fd[fd] = NULL;
	ioas_ufile_put(f);
}

static inline unsigned int fds_open(void)
{
	unsigned int nr = 0;

	for (int i = 0; i < MAX_FDS; i++)
		nr += w.fd[i] != NULL;
	return nr;
}

static inline void host_file_changed(struct ioas_host *h,
				     struct ioas_ufile *file)
{
	(void)h;
	assert_non_null(file);
	w.changed++;
}

static const struct ioas_host_ops host_ops = {
	.user_origin = host_user_origin,
	.file_origin = host_file_origin,
	.fd_reserve = host_fd_reserve,
	.fd_commit = host_fd_commit,
	.fd_cancel = host_fd_cancel,
	.file_changed = host_file_changed,
};

static inline int user_from(struct ioas_caller *c, void *dst, uint64_t src,
			    size_t n)
{
	(void)c;
	if (src < BAD_ADDRESS)
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, n);
	return 0;
}

static inline int user_to(struct ioas_caller *c, uint64_t dst, const void *src,
			  size_t n)
{
	(void)c;
	if (dst < BAD_ADDRESS)
		return -EFAULT;
	memcpy((void *)(uintptr_t)dst, src, n);
	return 0;
}

static const struct ioas_uaccess_ops user_ops = { user_from, user_to };

static inline uint64_t addr(const void *p)
{
	return (uintptr_t)p;
}

/* ---- devices ------------------------------------------------------------ */

static inline struct device *device_of(struct ioas_udevice *dev)
{
	return ioas_container_of(dev, struct device, dev);
}

static inline int device_attach(struct ioas_udevice *dev, uint32_t pasid,
				struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	struct device *d = device_of(dev);
	const int ret = d->skip ? 0 : d->refuse;

	if (d->skip)
		d->skip--;
	else
		d->refuse = 0;
	if (ret)
		return ret;
	assert_true(d->at[pasid] == from || !d->at[pasid]);
	d->at[pasid] = to;
	return 0;
}

static inline void device_detach(struct ioas_udevice *dev, uint32_t pasid,
				 struct ioas_hwpt *from)
{
	struct device *d = device_of(dev);

	/* NULL: it is blocked since it could not go back. */
	assert_true(d->at[pasid] == from || !d->at[pasid]);
	d->at[pasid] = NULL;
}

static inline void device_answer(struct ioas_udevice *dev, uint32_t pasid,
				 uint32_t grpid, uint32_t code)
{
	(void)pasid;
	(void)grpid;
	device_of(dev)->answers[code]++;
}

static const struct ioas_udevice_ops device_ops = {
	.name = "test",
	.attach = device_attach,
	.detach = device_detach,
	.page_response = device_answer,
};

static inline int iommu_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
				     const struct ioas_user_data *data,
				     struct ioas_domain **out)
{
	const struct ioas_flat_options opts = {
		.pgsizes = PAGE | PAGE << 9,
		.last = UINT64_MAX,
		.dirty = flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING,
	};

	(void)dev;
	return data->length ? -EOPNOTSUPP :
			      ioas_flat_domain_create(&opts, out);
}

static inline uint64_t iommu_capabilities(const struct ioas_udevice *dev)
{
	(void)dev;
	return IOAS_ABI_HW_CAP_DIRTY_TRACKING;
}

static inline int nested_invalidate(struct ioas_hwpt *hwpt,
				    struct ioas_invalidation *inv)
{
	(void)hwpt;
	/* The third entry is a bad one. */
	inv->done = inv->entry_num < 2 ? inv->entry_num : 2;
	return inv->done < inv->entry_num ? -EINVAL : 0;
}

static inline void nested_destroy(struct ioas_hwpt *hwpt)
{
	assert_non_null(hwpt->parent);
}

static const struct ioas_nested_ops nested_ops = {
	.invalidate = nested_invalidate,
	.destroy = nested_destroy,
};

static inline int iommu_nested_alloc(struct ioas_udevice *dev,
				     struct ioas_hwpt *hwpt, uint32_t flags,
				     const struct ioas_user_data *data)
{
	(void)dev;
	(void)flags;
	if (data->type != 7)
		return -EOPNOTSUPP;
	hwpt->nested_ops = &nested_ops;
	return 0;
}

static const struct ioas_iommu_ops iommu_one = {
	.name = "one",
	.user_pasid_table = true,
	.capabilities = iommu_capabilities,
	.domain_alloc = iommu_domain_alloc,
	.nested_alloc = iommu_nested_alloc,
};

static const struct ioas_iommu_ops iommu_two = {
	.name = "two",
	.domain_alloc = iommu_domain_alloc,
	.plain = true,
};

/* Device @n, of the world's group and the first kind. */
static inline struct device *device_init(unsigned int n)
{
	struct device *d = &w.devices[n];

	*d = (struct device){
		.dev = {
			.ops = &device_ops,
			.iommu = &iommu_one,
			.iommu_instance = &iommu_one,
			.group = w.group,
			.reserved = &d->reserved,
			.pasid_bits = 3,
			.coherent = true,
		},
	};
	return d;
}

static inline struct device *device_bind(unsigned int n)
{
	struct device *d = device_init(n);

	assert_int_equal(ioas_idev_bind(w.ictx, &d->dev, IOAS_BIND_WEAK,
					&d->idev), 0);
	return d;
}

/* A group of its own; dropped when the device is unbound. */
static inline struct device *device_bind_alone(unsigned int n)
{
	struct device *d = device_init(n);

	d->dev.group = ioas_igroup_create();
	assert_non_null(d->dev.group);
	assert_int_equal(ioas_idev_bind(w.ictx, &d->dev, IOAS_BIND_WEAK,
					&d->idev), 0);
	ioas_igroup_put(d->dev.group);
	return d;
}

static inline void device_unbind(struct device *d)
{
	ioas_idev_unbind(d->idev);
	assert_null(d->dev.idev);
	d->idev = NULL;
	for (unsigned int i = 0; i < MAX_PASIDS; i++)
		assert_null(d->at[i]);
}

static inline void device_reserve(struct device *d, uint64_t first,
				  uint64_t last)
{
	d->reserved = (struct ioas_iova_range){ first, last };
	d->dev.nr_reserved = 1;
}

static inline int attach(struct device *d, uint32_t pasid, uint32_t pt_id)
{
	return ioas_idev_attach(d->idev, pasid, &pt_id);
}

static inline int replace(struct device *d, uint32_t pasid, uint32_t pt_id)
{
	return ioas_idev_replace(d->idev, pasid, &pt_id);
}

/* Id of the HWPT at @pasid; 0: none. */
static inline uint32_t hwpt_at(struct device *d, uint32_t pasid)
{
	struct ioas_hwpt *h = ioas_idev_hwpt(d->idev, pasid);
	uint32_t id = 0;

	assert_ptr_equal(h, d->at[pasid]);
	if (h) {
		id = h->obj.id;
		ioas_object_put(&h->obj);
	}
	return id;
}

/* ---- commands ----------------------------------------------------------- */

static inline int command(uint32_t cmd, void *arg)
{
	return (int)ioas_iommufd_ioctl(w.ictx, cmd, addr(arg));
}

static inline uint32_t space_new(void)
{
	struct ioas_abi_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(command(IOAS_ABI_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static inline int destroy(uint32_t id)
{
	struct ioas_abi_destroy cmd = { sizeof(cmd), id };

	return command(IOAS_ABI_DESTROY, &cmd);
}

/* One page of the process at @page to @iova. */
static inline int map(uint32_t space, uint64_t page, uint64_t iova)
{
	struct ioas_abi_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOAS_ABI_IOAS_MAP_FIXED_IOVA |
			 IOAS_ABI_IOAS_MAP_READABLE |
			 IOAS_ABI_IOAS_MAP_WRITEABLE,
		.ioas_id = space,
		.user_va = page * PAGE,
		.length = PAGE,
		.iova = iova,
	};

	return command(IOAS_ABI_IOAS_MAP, &cmd);
}

static inline int unmap_all(uint32_t space)
{
	struct ioas_abi_ioas_unmap cmd = {
		.size = sizeof(cmd), .ioas_id = space, .length = UINT64_MAX,
	};

	return command(IOAS_ABI_IOAS_UNMAP, &cmd);
}

static inline struct ioas_abi_hwpt_alloc
hwpt_request(const struct device *d, uint32_t pt_id, uint32_t flags)
{
	return (struct ioas_abi_hwpt_alloc){
		.size = sizeof(struct ioas_abi_hwpt_alloc),
		.flags = flags,
		.dev_id = d->idev->obj.id,
		.pt_id = pt_id,
	};
}

static inline uint32_t hwpt_new(const struct device *d, uint32_t pt_id,
				uint32_t flags)
{
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(d, pt_id, flags);

	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

/* A nested one; @fault 0: none. */
static inline uint32_t nested_new(const struct device *d, uint32_t parent,
				  uint32_t flags, uint32_t fault)
{
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(d, parent, flags);

	cmd.data_type = 7;
	cmd.data_len = 4;
	cmd.data_uptr = addr(&cmd);
	if (fault)
		cmd.flags |= IOAS_ABI_HWPT_FAULT_ID_VALID;
	cmd.fault_id = fault;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

/* Objects that are visible in the context. */
static inline unsigned int objects(void)
{
	struct ioas_object *obj;
	unsigned int nr = 0;
	uint32_t id = 0;

	while ((obj = ioas_object_next(w.ictx, id, IOAS_OBJECT_ANY))) {
		id = obj->id;
		ioas_object_put(obj);
		nr++;
	}
	return nr;
}

/* ---- fixture ------------------------------------------------------------ */

static inline int world_begin(void **state)
{
	const struct ioas_sim_options sim = { .page_lg2 = 12, .seed = 1 };
	const struct ioas_uapi_options opts = { .host = &w.host };
	struct ioas_memory_stats st;

	(void)state;
	memset(&w, 0, sizeof(w));
	ioas_memory_stats_get(&st);
	w.blocks = st.nr_blocks;
	w.host.ops = &host_ops;
	w.host.page_lg2 = 12;
	w.host.huge_lg2 = 21;
	assert_int_equal(ioas_sim_create(&sim, &w.sim), 0);
	assert_int_equal(ioas_sim_process_create(w.sim, &w.process), 0);
	assert_int_equal(ioas_sim_map(w.process, MEMORY, NR_PAGES,
				      IOAS_SIM_SCATTERED, 0), 0);
	assert_int_equal(ioas_uapi_create(&opts, &w.uapi), 0);
	assert_int_equal(ioas_iommufd_open(w.uapi, 0, &w.file), 0);
	w.ictx = ioas_iommufd_of_file(w.file);
	w.caller.uaccess = &user_ops;
	assert_null(ioas_caller_enter(&w.caller));
	w.group = ioas_igroup_create();
	assert_non_null(w.group);
	return 0;
}

static inline int world_end(void **state)
{
	struct ioas_memory_stats st;

	(void)state;
	for (unsigned int i = 0; i < MAX_DEVICES; i++)
		if (w.devices[i].idev)
			device_unbind(&w.devices[i]);
	ioas_igroup_put(w.group);
	for (int32_t fd = 0; fd < MAX_FDS; fd++)
		fd_close(fd);
	ioas_ufile_put(w.file);
	ioas_uapi_destroy(w.uapi);
	ioas_caller_leave(NULL);
	ioas_origin_put(w.process);
	assert_true(ioas_sim_idle(w.sim));
	ioas_sim_destroy(w.sim);
	ioas_memory_stats_get(&st);
	assert_int_equal(st.nr_blocks, w.blocks);
	return 0;
}

#define uapi_case(f) cmocka_unit_test_setup_teardown(f, world_begin, world_end)

/* The groups are sound, and so is everything below. */
static inline void world_check(void)
{
	for (unsigned int i = 0; i < MAX_DEVICES; i++)
		if (w.devices[i].idev)
			assert_int_equal(ioas_igroup_validate(
						 w.devices[i].dev.group), 0);
	assert_int_equal(ioas_iommufd_validate(w.ictx), 0);
}

/* The @nth point from now on fails. */
static inline void fault_begin(uint64_t nth)
{
	w.fault = (struct ioas_fault){ .nth = nth };
	ioas_fault_arm(&w.fault);
	w.caller.fault = &w.fault;
}

/* Did it? */
static inline bool fault_end(void)
{
	w.caller.fault = NULL;
	ioas_fault_disarm();
	return !w.fault.nth;
}

#endif
