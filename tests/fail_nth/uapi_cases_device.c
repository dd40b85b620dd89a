/* SPDX-License-Identifier: MIT */
/*
 * cases of the sweep: devices, virtual IOMMUs and their queues
 * (fault-injection A.2: devices, VIOMMU family, queues)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi_sweep.h"

#define ok(call) assert_int_equal((call), 0)

/* ---- attach and replace ------------------------------------------------- */

static int64_t call_domain(struct uw *w)
{
	return uc_mock_domain(&w->c, w->ioas, &w->dev2);
}

static int64_t call_domain_flags(struct uw *w)
{
	return uc_mock_domain_flags(&w->c, w->ioas,
				    IOAS_ABI_MOCK_FLAGS_DEVICE_PASID |
					    IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY,
				    &w->dev2);
}

static int64_t call_domain_hwpt(struct uw *w)
{
	return uc_mock_domain(&w->c, w->hwpt2, &w->dev2);
}

/* Its IOAS has a HUGE table, but no automatic one. */
static void setup_manual(struct uw *w)
{
	uint32_t pt;

	setup_areas(w);
	pt = w->hwpt2;
	ok(uc_mock_replace(&w->c, w->dev.stdev, &pt));
}

static int64_t replace(struct uw *w, uint32_t pt)
{
	return uc_mock_replace(&w->c, w->dev.stdev, &pt);
}

static int64_t call_replace_hwpt(struct uw *w)
{
	return replace(w, w->hwpt2);
}

static int64_t call_replace_ioas(struct uw *w)
{
	return replace(w, w->ioas2);
}

static int64_t call_replace_back(struct uw *w)
{
	return replace(w, w->ioas);
}

static int64_t call_replace_nested(struct uw *w)
{
	return replace(w, w->nested);
}

/* Another IOAS, with areas for a table that is not there yet. */
static void setup_move(struct uw *w)
{
	struct ioas_abi_ioas_copy s = { .flags = UC_RW | UC_FIXED,
					.length = 32 * 4096,
					.dst_iova = UW_IOVA,
					.src_iova = UW_IOVA };

	setup_areas(w);
	ok(uc_ioas_alloc(&w->c, &w->ioas2));
	s.src_ioas_id = w->ioas;
	s.dst_ioas_id = w->ioas2;
	ok(uc_copy(&w->c, &s));
	ok(uc_map_fixed(&w->c, w->ioas2, UW_VA + 20 * 4096, 8 * 4096, UC_RW,
			UW_IOVA + 0x200000));
}

/* A group of page requests is outstanding, and another one queued. */
static void setup_outstanding(struct uw *w)
{
	struct ioas_abi_test_trigger_iopf s = { .grpid = 4 };
	struct ioas_abi_pgfault record;

	setup_fault(w);
	assert_int_equal(uc_read(&w->c, w->fault_fd, &record, sizeof(record)),
			 sizeof(record));
	s.dev_id = w->dev.idev;
	ok(uc_iopf(&w->c, &s));
}

static void alloc_pasid(struct uw *w, uint32_t *hwpt)
{
	ok(uc_hwpt(&w->c, w->dev.idev, w->ioas, IOAS_ABI_HWPT_ALLOC_PASID,
		   hwpt));
}

/* The RID is on a table that allows PASIDs, and another one is there. */
static void setup_pasid(struct uw *w)
{
	uint32_t pt;

	setup_device(w);
	uw_map(w, UW_VA, 8 * 4096, UW_IOVA);
	alloc_pasid(w, &w->hwpt);
	alloc_pasid(w, &w->hwpt2);
	pt = w->hwpt;
	ok(uc_mock_replace(&w->c, w->dev.stdev, &pt));
}

static void setup_pasid_attached(struct uw *w)
{
	uint32_t pt;

	setup_pasid(w);
	pt = w->hwpt;
	ok(uc_pasid_attach(&w->c, w->dev.stdev, 7, &pt));
}

static int64_t call_pasid_attach(struct uw *w)
{
	uint32_t pt = w->hwpt2;

	return uc_pasid_attach(&w->c, w->dev.stdev, 7, &pt);
}

static int64_t call_pasid_replace(struct uw *w)
{
	uint32_t pt = w->hwpt2;

	return uc_pasid_replace(&w->c, w->dev.stdev, 7, &pt);
}

static int64_t call_pasid_check(struct uw *w)
{
	return uc_pasid_check(&w->c, w->dev.stdev, 7, w->hwpt);
}

const struct uapi_case uapi_device_cases[] = {
	{ "MOCK_DOMAIN, a table with areas", setup_mapped, call_domain, 0 },
	/* What does not go to one automatic table goes to a new one. */
	{ "MOCK_DOMAIN, a table that is there", setup_areas, call_domain,
	  UC_LOSSY },
	{ "MOCK_DOMAIN beside a table", setup_manual, call_domain, 0 },
	{ "MOCK_DOMAIN of a page table", setup_areas, call_domain_hwpt, 0 },
	{ "MOCK_DOMAIN_FLAGS", setup_mapped, call_domain_flags, 0 },
	{ "REPLACE by a page table", setup_areas, call_replace_hwpt, 0 },
	{ "REPLACE by a nested one", setup_nested, call_replace_nested, 0 },
	{ "REPLACE by another IOAS", setup_move, call_replace_ioas, 0 },
	{ "REPLACE, to an automatic table", setup_manual, call_replace_back,
	  0 },
	{ "REPLACE with faults outstanding", setup_outstanding,
	  call_replace_back, UC_FORGETS },
	{ "PASID_ATTACH", setup_pasid, call_pasid_attach, 0 },
	{ "PASID_REPLACE", setup_pasid_attached, call_pasid_replace, 0 },
	{ "PASID_CHECK_HWPT", setup_pasid_attached, call_pasid_check, 0 },
	{ NULL, NULL, NULL, 0 },
};

/* ---- virtual IOMMUs ----------------------------------------------------- */

static int64_t call_viommu(struct uw *w)
{
	return uc_viommu(&w->c, w->dev.idev, w->hwpt2, &w->viommu);
}

static int64_t call_viommu_data(struct uw *w)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 5 };
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.dev_id = w->dev.idev,
		.hwpt_id = w->hwpt2,
		.data_len = sizeof(data),
	};

	return uc_viommu_alloc(&w->c, &s, &data);
}

static void setup_bare_viommu(struct uw *w)
{
	setup_parent(w);
	ok(uc_viommu(&w->c, w->dev.idev, w->hwpt2, &w->viommu));
}

static int64_t call_vdevice(struct uw *w)
{
	return uc_vdevice(&w->c, w->viommu, w->dev.idev, 7, &w->vdevice);
}

static int64_t call_veventq(struct uw *w)
{
	return uc_veventq(&w->c, w->viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 3,
			  &w->veventq, &w->veventq_fd);
}

static int64_t hw_queue(struct uw *w, uint32_t index, uint64_t iova)
{
	struct ioas_abi_hw_queue_alloc s = {
		.viommu_id = w->viommu,
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.index = index,
		.nesting_parent_iova = iova,
		.length = 4096,
	};
	const int ret = uc_hw_queue(&w->c, &s);

	w->hw_queue = s.out_hw_queue_id;
	return ret;
}

static int64_t call_hw_queue(struct uw *w)
{
	return hw_queue(w, 0, UW_IOVA);
}

static void setup_hw_queue(struct uw *w)
{
	setup_bare_viommu(w);
	ok(hw_queue(w, 0, UW_IOVA));
}

static int64_t call_hw_queue_next(struct uw *w)
{
	return hw_queue(w, 1, UW_IOVA + 8 * 4096);
}

static int64_t call_invalidate(struct uw *w)
{
	const struct ioas_abi_hwpt_invalidate_selftest e = { .iotlb_id = 2 };
	struct ioas_abi_hwpt_invalidate s = {
		.hwpt_id = w->nested,
		.data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(e),
		.entry_num = 1,
	};

	return uc_invalidate(&w->c, &s, &e);
}

static int64_t call_invalidate_viommu(struct uw *w)
{
	const struct ioas_abi_viommu_invalidate_selftest e = {
		.vdev_id = 0x99, .cache_id = 1
	};
	struct ioas_abi_hwpt_invalidate s = {
		.hwpt_id = w->viommu,
		.data_type = IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST,
		.entry_len = sizeof(e),
		.entry_num = 1,
	};

	return uc_invalidate(&w->c, &s, &e);
}

/* ---- queues ------------------------------------------------------------- */

static int64_t call_fault_queue(struct uw *w)
{
	return uc_fault_queue(&w->c, &w->fault, &w->fault_fd);
}

static int64_t call_iopf(struct uw *w)
{
	const struct ioas_abi_test_trigger_iopf s = { .dev_id = w->dev.idev };

	return uc_iopf(&w->c, &s);
}

static int64_t read_faults(struct uw *w, size_t nr)
{
	struct ioas_abi_pgfault record[2];

	return uc_read(&w->c, w->fault_fd, record, nr * sizeof(record[0]));
}

static int64_t call_fault_read(struct uw *w)
{
	return read_faults(w, 1);
}

static void setup_two_faults(struct uw *w)
{
	setup_fault(w);
	ok(call_iopf(w));
}

static int64_t call_fault_read_two(struct uw *w)
{
	return read_faults(w, 2);
}

static int64_t call_fault_write(struct uw *w)
{
	const struct ioas_abi_page_response r = { .cookie = 1 };

	return uc_write(&w->c, w->fault_fd, &r, sizeof(r));
}

static int64_t call_vevent(struct uw *w)
{
	return uc_vevent(&w->c, w->dev.idev);
}

static void setup_vevent(struct uw *w)
{
	setup_viommu(w);
	ok(call_vevent(w));
}

static int64_t call_vevent_read(struct uw *w)
{
	unsigned char record[12];

	return uc_read(&w->c, w->veventq_fd, record, sizeof(record));
}

const struct uapi_case uapi_queue_cases[] = {
	{ "VIOMMU_ALLOC", setup_parent, call_viommu, 0 },
	{ "VIOMMU_ALLOC with data", setup_parent, call_viommu_data, 0 },
	{ "VDEVICE_ALLOC", setup_bare_viommu, call_vdevice, 0 },
	{ "VEVENTQ_ALLOC", setup_bare_viommu, call_veventq, 0 },
	{ "HW_QUEUE_ALLOC", setup_bare_viommu, call_hw_queue, 0 },
	{ "HW_QUEUE_ALLOC, the next", setup_hw_queue, call_hw_queue_next, 0 },
	/* Entries that were handled stay so; the answer tells how many. */
	{ "HWPT_INVALIDATE, nested", setup_nested, call_invalidate,
	  UC_PARTIAL },
	{ "HWPT_INVALIDATE, VIOMMU", setup_viommu, call_invalidate_viommu,
	  UC_PARTIAL },
	{ "FAULT_QUEUE_ALLOC", setup_device, call_fault_queue, 0 },
	/* It always succeeds; who cannot be asked is told "invalid". */
	{ "TRIGGER_IOPF", setup_viommu, call_iopf, UC_LOSSY },
	{ "read of a fault queue", setup_fault, call_fault_read, 0 },
	{ "read of two faults", setup_two_faults, call_fault_read_two,
	  UC_LOSSY },
	{ "write of a fault queue", setup_outstanding, call_fault_write, 0 },
	/* An event for which there is no memory is a lost one. */
	{ "TRIGGER_VEVENT", setup_viommu, call_vevent, UC_LOSSY },
	{ "read of an event queue", setup_vevent, call_vevent_read, 0 },
	{ NULL, NULL, NULL, 0 },
};
