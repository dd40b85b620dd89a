/* SPDX-License-Identifier: MIT */
/*
 * uapi setup: the states that cases of the sweep begin with
 *
 *    IOAS   UW_IOVA: |--- VA, 20 pages ---|- VB, 12 -|   hole   |- file, 8 -|
 *             |             scattered        in runs              in runs
 *             |- DEFAULT table, automatic <- device
 *             `- HUGE table, tracks what is dirty
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "uapi_sweep.h"

#define ok(call) assert_int_equal((call), 0)

/* A file of folios of four pages. */
static int open_file(struct simhost *h)
{
	struct ioas_origin *o;
	int fd;

	ok(ioas_sim_file_create(h->sim, 32, 2, IOAS_SIM_RUNS, &o));
	fd = sim_open_memory(h, o);
	ioas_origin_put(o);
	return fd;
}

void uw_init(struct uw *w)
{
	static const struct simhost_options opts = { .lock_limit = 1000 };

	memset(w, 0, sizeof(*w));
	w->h = simhost_create(&opts);
	sim_map_memory(w->h, UW_VA, UW_BYTES, IOAS_SIM_SCATTERED, 0);
	sim_map_memory(w->h, UW_VB, UW_BYTES, IOAS_SIM_RUNS, 0);
	w->c.transport = &uc_simhost;
	w->c.ctx = w->h;
	w->c.fd = sim_open(w->h, 0);
	w->file = open_file(w->h);
	w->access = w->fault_fd = w->veventq_fd = w->dmabuf = w->mapping = -1;
	/*
	 * So that the simulator has memory behind it, when there is none to be
	 * had. The call makes the room free again.
	 */
	sim_room(w->h, (size_t)SIM_SCRATCH_PAGES << w->h->host.page_lg2);
	ok(uc_vfio_version(&w->c));
}

void uw_fini(struct uw *w)
{
	simhost_destroy(w->h);
}

void uw_map(struct uw *w, uint64_t va, uint64_t length, uint64_t iova)
{
	ok(uc_map_fixed(&w->c, w->ioas, va, length, UC_RW, iova));
}

void uw_map_file(struct uw *w, uint64_t start, uint64_t length, uint64_t iova)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW | UC_FIXED,
					    .ioas_id = w->ioas,
					    .fd = w->file,
					    .start = start,
					    .length = length,
					    .iova = iova };

	ok(uc_map_file(&w->c, &s));
}

/* ---- spaces ------------------------------------------------------------- */

void setup_ioas(struct uw *w)
{
	ok(uc_ioas_alloc(&w->c, &w->ioas));
}

void setup_two(struct uw *w)
{
	setup_ioas(w);
	ok(uc_ioas_alloc(&w->c, &w->ioas2));
}

void setup_device(struct uw *w)
{
	setup_ioas(w);
	ok(uc_mock_domain_flags(&w->c, w->ioas,
				IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, &w->dev));
	w->hwpt = w->dev.hwpt;
}

void setup_tables(struct uw *w)
{
	const struct ioas_abi_hwpt_data_selftest huge = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE
	};

	setup_device(w);
	ok(uc_hwpt_mock(&w->c, w->dev.idev, w->ioas,
			IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &huge, &w->hwpt2));
}

static void map_areas(struct uw *w)
{
	uw_map(w, UW_VA, 20 * 4096, UW_IOVA);
	uw_map(w, UW_VB, 12 * 4096, UW_IOVA + 20 * 4096);
	uw_map_file(w, 4096, 8 * 4096, UW_IOVA + 40 * 4096);
}

void setup_areas(struct uw *w)
{
	setup_tables(w);
	map_areas(w);
}

void setup_full(struct uw *w)
{
	setup_areas(w);
	ok(uc_ioas_alloc(&w->c, &w->ioas2));
	ok(uc_mock_domain(&w->c, w->ioas2, &w->dev2));
}

void setup_mapped(struct uw *w)
{
	setup_ioas(w);
	map_areas(w);
}

/* ---- accesses ----------------------------------------------------------- */

void setup_access(struct uw *w)
{
	setup_areas(w);
	ok(uc_access_create(&w->c, w->ioas,
			    IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
			    &w->access));
}

void setup_item(struct uw *w)
{
	setup_access(w);
	ok(uc_access_pin(&w->c, w->access, IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE,
			 UW_IOVA + 16 * 4096, 8 * 4096, &w->item));
}

/* ---- virtual IOMMUs ----------------------------------------------------- */

static void alloc_nested(struct uw *w, uint32_t pt, uint32_t flags)
{
	static const struct ioas_abi_hwpt_data_selftest data = {
		.iotlb = IOAS_ABI_TEST_IOTLB_DEFAULT
	};
	struct ioas_abi_hwpt_alloc s = {
		.flags = flags,
		.dev_id = w->dev.idev,
		.pt_id = pt,
		.data_type = IOAS_ABI_HWPT_DATA_SELFTEST,
		.data_len = sizeof(data),
		.fault_id = w->fault,
	};

	ok(uc_hwpt_alloc(&w->c, &s, &data));
	w->nested = s.out_hwpt_id;
}

void setup_parent(struct uw *w)
{
	setup_device(w);
	map_areas(w);
	ok(uc_hwpt(&w->c, w->dev.idev, w->ioas, IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
		   &w->hwpt2));
}

void setup_nested(struct uw *w)
{
	setup_parent(w);
	alloc_nested(w, w->hwpt2, 0);
}

void setup_viommu(struct uw *w)
{
	setup_parent(w);
	ok(uc_fault_queue(&w->c, &w->fault, &w->fault_fd));
	ok(uc_viommu(&w->c, w->dev.idev, w->hwpt2, &w->viommu));
	ok(uc_vdevice(&w->c, w->viommu, w->dev.idev, 0x99, &w->vdevice));
	alloc_nested(w, w->viommu, IOAS_ABI_HWPT_FAULT_ID_VALID);
	w->hwpt = w->nested;
	ok(uc_mock_replace(&w->c, w->dev.stdev, &w->hwpt));
	ok(uc_veventq(&w->c, w->viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 2,
		      &w->veventq, &w->veventq_fd));
}

void setup_fault(struct uw *w)
{
	const struct ioas_abi_test_trigger_iopf s = {
		.grpid = 3, .perm = 1, .addr = UW_IOVA
	};
	struct ioas_abi_test_trigger_iopf iopf = s;

	setup_viommu(w);
	iopf.dev_id = w->dev.idev;
	ok(uc_iopf(&w->c, &iopf));
}

/* ---- container requests ------------------------------------------------- */

static void vfio_areas(struct uw *w)
{
	ok(uc_vfio_map(&w->c, UW_VA, UW_IOVA, 20 * 4096, 3));
	ok(uc_vfio_map(&w->c, UW_VB, UW_IOVA + 20 * 4096, 12 * 4096, 3));
}

void setup_vfio(struct uw *w)
{
	setup_device(w);
	ok(uc_vfio_ioas_set(&w->c, w->ioas));
	vfio_areas(w);
}

void setup_vfio_v1(struct uw *w)
{
	setup_ioas(w);
	ok(uc_vfio_ioas_set(&w->c, w->ioas));
	ok(uc_vfio_set_iommu(&w->c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	ok(uc_mock_domain(&w->c, w->ioas, &w->dev));
	vfio_areas(w);
}
