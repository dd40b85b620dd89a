/* SPDX-License-Identifier: MIT */
/*
 * cases of the sweep: what releases something (fault-injection A.3)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi_sweep.h"

#define ok(call) assert_int_equal((call), 0)

/* ---- DESTROY ------------------------------------------------------------ */

static int64_t destroy_ioas(struct uw *w)
{
	return uc_destroy(&w->c, w->ioas);
}

static int64_t destroy_hwpt2(struct uw *w)
{
	return uc_destroy(&w->c, w->hwpt2);
}

static int64_t destroy_stdev(struct uw *w)
{
	return uc_destroy(&w->c, w->dev.stdev);
}

static int64_t destroy_nested(struct uw *w)
{
	return uc_destroy(&w->c, w->nested);
}

static int64_t destroy_viommu(struct uw *w)
{
	return uc_destroy(&w->c, w->viommu);
}

static int64_t destroy_vdevice(struct uw *w)
{
	return uc_destroy(&w->c, w->vdevice);
}

static int64_t destroy_veventq(struct uw *w)
{
	return uc_destroy(&w->c, w->veventq);
}

static int64_t destroy_fault(struct uw *w)
{
	return uc_destroy(&w->c, w->fault);
}

static int64_t destroy_hw_queue(struct uw *w)
{
	return uc_destroy(&w->c, w->hw_queue);
}

/* The automatic table has but one area of an object shared with another. */
static void setup_copied(struct uw *w)
{
	struct ioas_abi_ioas_copy s = { .flags = UC_RW,
					.length = 8 * 4096,
					.src_iova = UW_IOVA + 4 * 4096 };

	setup_full(w);
	s.src_ioas_id = w->ioas;
	s.dst_ioas_id = w->ioas2;
	ok(uc_copy(&w->c, &s));
}

static void setup_bare_viommu(struct uw *w)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 5 };
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data),
	};

	setup_parent(w);
	s.dev_id = w->dev.idev;
	s.hwpt_id = w->hwpt2;
	ok(uc_viommu_alloc(&w->c, &s, &data));
	w->viommu = s.out_viommu_id;
	w->iova = data.out_mmap_offset;
}

static void setup_hw_queue(struct uw *w)
{
	struct ioas_abi_hw_queue_alloc s = {
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = UW_IOVA,
		.length = 4096,
	};

	setup_bare_viommu(w);
	s.viommu_id = w->viommu;
	ok(uc_hw_queue(&w->c, &s));
	w->hw_queue = s.out_hw_queue_id;
}

/* Its descriptor is closed, and what is queued stays. */
static void setup_veventq_closed(struct uw *w)
{
	setup_viommu(w);
	ok(uc_vevent(&w->c, w->dev.idev));
	ok(uc_close(&w->c, w->veventq_fd));
}

static void setup_fault_closed(struct uw *w)
{
	uint32_t pt;

	setup_fault(w);
	pt = w->ioas;
	ok(uc_mock_replace(&w->c, w->dev.stdev, &pt));
	ok(uc_destroy(&w->c, w->nested));
	ok(uc_close(&w->c, w->fault_fd));
}

/* ---- UNMAP -------------------------------------------------------------- */

static int64_t unmap_one(struct uw *w)
{
	return uc_unmap(&w->c, w->ioas, UW_IOVA, 20 * 4096, &w->iova);
}

static int64_t unmap_all(struct uw *w)
{
	return uc_unmap_all(&w->c, w->ioas, &w->iova);
}

static int64_t vfio_unmap(struct uw *w)
{
	uint64_t size = 20 * 4096;

	return uc_vfio_unmap(&w->c, UW_IOVA, &size, 0);
}

static int64_t vfio_unmap_all(struct uw *w)
{
	uint64_t size = 0;

	return uc_vfio_unmap(&w->c, 0, &size,
			     IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL);
}

/* ---- accesses, PASIDs --------------------------------------------------- */

static int64_t unpin(struct uw *w)
{
	return uc_access_unpin(&w->c, w->access, w->item);
}

static int64_t close_access(struct uw *w)
{
	return uc_close(&w->c, w->access);
}

/* The frames are known to the access alone. */
static void setup_item_alone(struct uw *w)
{
	setup_item(w);
	ok(uc_destroy(&w->c, w->dev.stdev));
	ok(uc_destroy(&w->c, w->hwpt2));
}

static void setup_pasid(struct uw *w)
{
	uint32_t pt;

	setup_device(w);
	uw_map(w, UW_VA, 8 * 4096, UW_IOVA);
	ok(uc_hwpt(&w->c, w->dev.idev, w->ioas, IOAS_ABI_HWPT_ALLOC_PASID,
		   &w->hwpt2));
	pt = w->hwpt2;
	ok(uc_mock_replace(&w->c, w->dev.stdev, &pt));
	ok(uc_pasid_attach(&w->c, w->dev.stdev, 7, &pt));
}

static int64_t pasid_detach(struct uw *w)
{
	return uc_pasid_detach(&w->c, w->dev.stdev, 7);
}

/* ---- descriptors -------------------------------------------------------- */

static int64_t close_iommufd(struct uw *w)
{
	const int fd = w->c.fd;

	w->c.fd = -1;
	return uc_close(&w->c, fd);
}

/* Everything at once, and faults that nobody answered. */
static void setup_everything(struct uw *w)
{
	struct ioas_abi_pgfault record;
	struct ioas_abi_hw_queue_alloc s = {
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = UW_IOVA,
		.length = 4096,
	};

	setup_fault(w);
	s.viommu_id = w->viommu;
	ok(uc_hw_queue(&w->c, &s));
	assert_int_equal(uc_read(&w->c, w->fault_fd, &record, sizeof(record)),
			 sizeof(record));
	ok(uc_vevent(&w->c, w->dev.idev));
	ok(uc_mock_domain(&w->c, w->ioas, &w->dev2));
	w->dmabuf = uc_dmabuf_get(&w->c, 4096, 0);
	ok(uc_close(&w->c, w->fault_fd));
	ok(uc_close(&w->c, w->veventq_fd));
}

static int64_t close_fault(struct uw *w)
{
	return uc_close(&w->c, w->fault_fd);
}

static int64_t close_veventq(struct uw *w)
{
	return uc_close(&w->c, w->veventq_fd);
}

static void setup_mmap(struct uw *w)
{
	struct ioas_mmap_request rq = { .length = 8192, .shared = true };

	setup_bare_viommu(w);
	rq.offset = w->iova;
	w->mapping = sim_mmap(w->h, w->c.fd, &rq);
	assert_true(w->mapping >= 0);
}

static int64_t munmap_region(struct uw *w)
{
	sim_munmap(w->h, w->mapping);
	return 0;
}

/* The context lives on by another process's descriptor. */
static void setup_sent(struct uw *w)
{
	int fd;

	setup_item(w);
	w->other = simhost_process(w->h, 1);
	fd = sim_send(w->h, w->c.fd, w->other);
	simhost_enter(w->h, w->other);
	sim_room(w->h, (size_t)SIM_SCRATCH_PAGES << w->h->host.page_lg2);
	w->c.fd = fd;
	ok(uc_vfio_version(&w->c));
}

static int64_t exit_other(struct uw *w)
{
	simhost_exit(w->h->processes);
	return 0;
}

const struct uapi_case uapi_release_cases[] = {
	{ "DESTROY an IOAS with areas", setup_mapped, destroy_ioas,
	  UC_RELEASE },
	{ "DESTROY a table", setup_areas, destroy_hwpt2, UC_RELEASE },
	{ "DESTROY a table under an item", setup_item, destroy_hwpt2,
	  UC_RELEASE },
	{ "DESTROY a device", setup_copied, destroy_stdev, UC_RELEASE },
	{ "DESTROY a device under an item", setup_item, destroy_stdev,
	  UC_RELEASE },
	{ "DESTROY a device with a VDEVICE", setup_viommu, destroy_stdev,
	  UC_RELEASE },
	{ "DESTROY a device with faults", setup_fault, destroy_stdev,
	  UC_RELEASE },
	{ "DESTROY a nested table", setup_nested, destroy_nested, UC_RELEASE },
	{ "DESTROY a VIOMMU", setup_bare_viommu, destroy_viommu, UC_RELEASE },
	{ "DESTROY a VDEVICE", setup_viommu, destroy_vdevice, UC_RELEASE },
	{ "DESTROY an event queue", setup_veventq_closed, destroy_veventq,
	  UC_RELEASE },
	{ "DESTROY a fault queue", setup_fault_closed, destroy_fault,
	  UC_RELEASE },
	{ "DESTROY a hardware queue", setup_hw_queue, destroy_hw_queue,
	  UC_RELEASE },
	{ "UNMAP", setup_areas, unmap_one, UC_RELEASE },
	{ "UNMAP under an item", setup_item, unmap_one, UC_RELEASE },
	{ "UNMAP of a copied area", setup_copied, unmap_one, UC_RELEASE },
	{ "UNMAP everything", setup_item, unmap_all, UC_RELEASE },
	{ "UNMAP what only an item holds", setup_item_alone, unmap_all,
	  UC_RELEASE },
	{ "VFIO_IOMMU_UNMAP_DMA", setup_vfio, vfio_unmap, UC_RELEASE },
	{ "VFIO_IOMMU_UNMAP_DMA, all", setup_vfio, vfio_unmap_all,
	  UC_RELEASE },
	{ "VFIO_IOMMU_UNMAP_DMA, all, small pages", setup_vfio_v1,
	  vfio_unmap_all, UC_RELEASE },
	{ "DESTROY_ACCESS_PAGES", setup_item, unpin, UC_RELEASE },
	{ "DESTROY_ACCESS_PAGES, last holder", setup_item_alone, unpin,
	  UC_RELEASE },
	{ "close of an access", setup_item, close_access, UC_RELEASE },
	{ "close of an access, last holder", setup_item_alone, close_access,
	  UC_RELEASE },
	{ "PASID_DETACH", setup_pasid, pasid_detach, UC_RELEASE },
	{ "DESTROY a device with a PASID", setup_pasid, destroy_stdev,
	  UC_RELEASE },
	{ "close of a fault queue", setup_fault, close_fault, UC_RELEASE },
	{ "close of an event queue", setup_viommu, close_veventq,
	  UC_RELEASE },
	{ "munmap", setup_mmap, munmap_region, UC_RELEASE },
	{ "exit", setup_sent, exit_other, UC_RELEASE },
	{ "close", setup_copied, close_iommufd, UC_RELEASE },
	{ "close with everything open", setup_everything, close_iommufd,
	  UC_RELEASE },
	{ NULL, NULL, NULL, 0 },
};
