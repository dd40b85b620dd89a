/* SPDX-License-Identifier: MIT */
/*
 * cases of the sweep: contexts, spaces and page tables
 * (fault-injection A.2: context, IOAS, HWPT)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi_sweep.h"

#define ok(call) assert_int_equal((call), 0)

static void setup_nothing(struct uw *w)
{
	(void)w;
}

/* ---- context ------------------------------------------------------------ */

static int64_t call_open(struct uw *w)
{
	return sim_open(w->h, 0);
}

static int64_t call_open_vfio(struct uw *w)
{
	return sim_open(w->h, IOAS_OPEN_VFIO);
}

/* ---- spaces ------------------------------------------------------------- */

static int64_t call_ioas_alloc(struct uw *w)
{
	return uc_ioas_alloc(&w->c, &w->ioas2);
}

static const struct ioas_abi_iova_range allow_list[] = {
	{ UW_IOVA, UW_IOVA + 0xfffff },
	{ UW_IOVA + 0x200000, UW_IOVA + 0x2fffff },
	{ UW_IOVA + 0x300000, UW_IOVA + 0x3fffff },
};

static void setup_allowed(struct uw *w)
{
	setup_areas(w);
	ok(uc_allow(&w->c, w->ioas, allow_list + 1, 1));
}

static int64_t call_allow(struct uw *w)
{
	return uc_allow(&w->c, w->ioas, allow_list, 3);
}

static int64_t call_ranges(struct uw *w)
{
	struct ioas_abi_iova_range r[4];
	uint64_t alignment;
	uint32_t nr = 4;

	return uc_ranges(&w->c, w->ioas, r, &nr, &alignment);
}

static int64_t call_map_fixed(struct uw *w)
{
	return uc_map_fixed(&w->c, w->ioas, UW_VA + 20 * 4096, 40 * 4096,
			    UC_RW, UW_IOVA + 0x100000);
}

static int64_t call_map_auto(struct uw *w)
{
	return uc_map(&w->c, w->ioas, UW_VB + 12 * 4096, 24 * 4096, UC_R,
		      &w->iova);
}

static int64_t map_fd(struct uw *w, int fd, uint64_t length)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW,
					    .ioas_id = w->ioas,
					    .fd = fd,
					    .start = 8192,
					    .length = length };

	return uc_map_file(&w->c, &s);
}

static int64_t call_map_file(struct uw *w)
{
	return map_fd(w, w->file, 24 * 4096);
}

static void setup_dmabuf(struct uw *w)
{
	setup_areas(w);
	w->dmabuf = uc_dmabuf_get(&w->c, 8 * 4096, 0);
	assert_true(w->dmabuf >= 0);
}

static int64_t call_map_dmabuf(struct uw *w)
{
	return map_fd(w, w->dmabuf, 6 * 4096);
}

/* The end of one area, all of the next one. */
static int64_t call_copy(struct uw *w)
{
	struct ioas_abi_ioas_copy s = { .flags = UC_RW,
					.dst_ioas_id = w->ioas2,
					.src_ioas_id = w->ioas,
					.length = 24 * 4096,
					.src_iova = UW_IOVA + 8 * 4096 };

	return uc_copy(&w->c, &s);
}

static void setup_mapped_two(struct uw *w)
{
	setup_mapped(w);
	ok(uc_ioas_alloc(&w->c, &w->ioas2));
	ok(uc_mock_domain(&w->c, w->ioas2, &w->dev2));
}

static void setup_copy_onto(struct uw *w)
{
	setup_areas(w);
	w->ioas2 = w->ioas;
}

static int64_t call_option_get(struct uw *w)
{
	uint64_t val = 7;

	return uc_option(&w->c, IOAS_ABI_OPTION_HUGE_PAGES,
			 IOAS_ABI_OPTION_OP_GET, w->ioas, &val);
}

static int64_t call_option_set(struct uw *w)
{
	return uc_huge_pages(&w->c, w->ioas, 0);
}

static void setup_resource(struct uw *w)
{
	simhost_task(w->h)->caller.resource = true;
}

static int64_t call_option_rlimit(struct uw *w)
{
	return uc_rlimit_mode(&w->c, 1);
}

/* The files of one process are another one's from now on. */
static void setup_change(struct uw *w)
{
	setup_device(w);
	uw_map_file(w, 0, 8 * 4096, UW_IOVA);
	uw_map_file(w, 4096, 8 * 4096, UW_IOVA + 0x100000);
	w->other = simhost_process(w->h, 1);
	w->c.fd = sim_send(w->h, w->c.fd, w->other);
	simhost_enter(w->h, w->other);
}

static int64_t call_change(struct uw *w)
{
	return uc_change_process(&w->c);
}

const struct uapi_case uapi_space_cases[] = {
	{ "open", setup_nothing, call_open, 0 },
	{ "open vfio", setup_areas, call_open_vfio, 0 },
	{ "IOAS_ALLOC", setup_nothing, call_ioas_alloc, 0 },
	{ "IOAS_ALLOC, one more", setup_areas, call_ioas_alloc, 0 },
	{ "ALLOW_IOVAS", setup_allowed, call_allow, 0 },
	{ "IOVA_RANGES", setup_areas, call_ranges, 0 },
	{ "MAP without a table", setup_ioas, call_map_fixed, UC_KEEPS },
	{ "MAP into tables", setup_areas, call_map_fixed, UC_KEEPS },
	{ "MAP into tables, IOVA chosen", setup_areas, call_map_auto,
	  UC_KEEPS },
	{ "MAP_FILE without a table", setup_ioas, call_map_file, UC_KEEPS },
	{ "MAP_FILE into tables", setup_areas, call_map_file, UC_KEEPS },
	{ "MAP_FILE of a dma-buf", setup_dmabuf, call_map_dmabuf, UC_KEEPS },
	{ "COPY from tables into a table", setup_full, call_copy, UC_KEEPS },
	{ "COPY into a table", setup_mapped_two, call_copy, UC_KEEPS },
	{ "COPY onto itself", setup_copy_onto, call_copy, UC_KEEPS },
	{ "OPTION GET", setup_ioas, call_option_get, 0 },
	{ "OPTION SET HUGE_PAGES", setup_mapped, call_option_set, UC_KEEPS },
	{ "OPTION SET RLIMIT_MODE", setup_resource, call_option_rlimit,
	  UC_KEEPS },
	{ "CHANGE_PROCESS", setup_change, call_change, 0 },
	{ NULL, NULL, NULL, 0 },
};

/* ---- page tables -------------------------------------------------------- */

static int64_t call_hwpt(struct uw *w)
{
	return uc_hwpt(&w->c, w->dev.idev, w->ioas,
		       IOAS_ABI_HWPT_ALLOC_PASID |
			       IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
		       &w->hwpt2);
}

static int64_t call_hwpt_mock(struct uw *w)
{
	const struct ioas_abi_hwpt_data_selftest huge = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE
	};

	return uc_hwpt_mock(&w->c, w->dev.idev, w->ioas,
			    IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &huge,
			    &w->hwpt2);
}

static int64_t hwpt_with(struct uw *w, uint32_t pt, uint32_t flags)
{
	const struct ioas_abi_hwpt_data_selftest data = {
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

	return uc_hwpt_alloc(&w->c, &s, &data);
}

static int64_t call_hwpt_fault(struct uw *w)
{
	return hwpt_with(w, w->ioas, IOAS_ABI_HWPT_FAULT_ID_VALID);
}

static int64_t call_hwpt_nested(struct uw *w)
{
	return hwpt_with(w, w->hwpt2, 0);
}

static int64_t call_hwpt_viommu(struct uw *w)
{
	return hwpt_with(w, w->viommu,
			 IOAS_ABI_HWPT_FAULT_ID_VALID |
				 IOAS_ABI_HWPT_ALLOC_PASID);
}

static int64_t call_hw_info(struct uw *w)
{
	struct ioas_abi_get_hw_info s = { .dev_id = w->dev.idev,
					  .data_len = 24 };
	unsigned char data[24];

	return uc_hw_info(&w->c, &s, data);
}

static int64_t mark_dirty(struct uw *w)
{
	static const unsigned char bits[4] = { 0x81, 0x24, 0, 0xff };
	struct ioas_abi_test_dirty s = { .iova = UW_IOVA,
					 .length = 32 * 4096,
					 .page_size = 4096 };

	return uc_dirty(&w->c, w->hwpt2, &s, bits);
}

static void setup_tracking(struct uw *w)
{
	setup_areas(w);
	ok(uc_dirty_set(&w->c, w->hwpt2,
			IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	ok(mark_dirty(w));
}

static int64_t call_dirty_on(struct uw *w)
{
	return uc_dirty_set(&w->c, w->hwpt2,
			    IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE);
}

static int64_t call_dirty_off(struct uw *w)
{
	return uc_dirty_set(&w->c, w->hwpt2, 0);
}

static int64_t get_dirty(struct uw *w, uint32_t flags)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = w->hwpt2,
						    .flags = flags,
						    .iova = UW_IOVA,
						    .length = 32 * 4096,
						    .page_size = 4096 };
	unsigned char bits[4] = { 0 };

	return uc_dirty_get(&w->c, &s, bits);
}

static int64_t call_dirty_get(struct uw *w)
{
	return get_dirty(w, 0);
}

static int64_t call_dirty_look(struct uw *w)
{
	return get_dirty(w, IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR);
}

const struct uapi_case uapi_table_cases[] = {
	{ "HWPT_ALLOC of a full IOAS", setup_areas, call_hwpt, 0 },
	{ "HWPT_ALLOC of an empty one", setup_device, call_hwpt, 0 },
	{ "HWPT_ALLOC with data", setup_areas, call_hwpt_mock, 0 },
	{ "HWPT_ALLOC with a fault queue", setup_viommu, call_hwpt_fault, 0 },
	{ "HWPT_ALLOC nested", setup_parent, call_hwpt_nested, 0 },
	{ "HWPT_ALLOC of a VIOMMU", setup_viommu, call_hwpt_viommu, 0 },
	{ "GET_HW_INFO", setup_device, call_hw_info, 0 },
	{ "SET_DIRTY_TRACKING on", setup_tracking, call_dirty_on, 0 },
	{ "SET_DIRTY_TRACKING off", setup_tracking, call_dirty_off, 0 },
	{ "GET_DIRTY_BITMAP", setup_tracking, call_dirty_get, UC_LOSSY },
	{ "GET_DIRTY_BITMAP, no clear", setup_tracking, call_dirty_look,
	  UC_LOSSY },
	{ NULL, NULL, NULL, 0 },
};
