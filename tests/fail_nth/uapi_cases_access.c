/* SPDX-License-Identifier: MIT */
/*
 * cases of the sweep: accesses, container requests, and what else the test
 * request can do (fault-injection A.2: accesses, VFIO compat)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "uapi_sweep.h"

#define ok(call) assert_int_equal((call), 0)

/* ---- accesses ----------------------------------------------------------- */

static int64_t call_create(struct uw *w)
{
	return uc_access_create(
		&w->c, w->ioas,
		IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES, &w->access);
}

static int64_t call_create_plain(struct uw *w)
{
	return uc_access_create(&w->c, w->ioas, 0, &w->access);
}

static void setup_item_two(struct uw *w)
{
	setup_item(w);
	ok(uc_ioas_alloc(&w->c, &w->ioas2));
}

static int64_t call_replace(struct uw *w)
{
	return uc_access_replace(&w->c, w->access, w->ioas2);
}

/* From one area into the next one. */
static int64_t call_pin(struct uw *w)
{
	return uc_access_pin(&w->c, w->access,
			     IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE,
			     UW_IOVA + 14 * 4096, 10 * 4096, &w->item);
}

static int64_t call_pin_compare(struct uw *w)
{
	struct ioas_abi_test_access_pages s = { .iova = UW_IOVA + 2 * 4096,
						.length = 4 * 4096,
						.uptr = UW_VA + 2 * 4096 };

	return uc_access_pages(&w->c, w->access, &s);
}

/* Nothing is pinned yet, and nothing charged. */
static void setup_access_alone(struct uw *w)
{
	setup_mapped(w);
	ok(call_create(w));
}

static int64_t rw(struct uw *w, uint64_t iova, size_t length, uint32_t flags)
{
	unsigned char data[5 * 4096] = { 1, 2, 3 };

	return uc_access_rw(&w->c, w->access, iova, data, length, flags);
}

static int64_t call_read(struct uw *w)
{
	return rw(w, UW_IOVA + 18 * 4096, 4 * 4096, 0);
}

static int64_t call_write(struct uw *w)
{
	return rw(w, UW_IOVA + 18 * 4096, 4 * 4096,
		  IOAS_ABI_MOCK_ACCESS_RW_WRITE);
}

static int64_t call_read_slow(struct uw *w)
{
	return rw(w, UW_IOVA + 17 * 4096 + 100, 4 * 4096,
		  IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH);
}

static int64_t call_write_slow(struct uw *w)
{
	return rw(w, UW_IOVA + 17 * 4096 + 100, 4 * 4096,
		  IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH |
			  IOAS_ABI_MOCK_ACCESS_RW_WRITE);
}

static int64_t call_read_file(struct uw *w)
{
	return rw(w, UW_IOVA + 41 * 4096, 2 * 4096, 0);
}

/* Another process calls; its scratch memory is behind nothing yet. */
static void setup_remote(struct uw *w)
{
	const int fd = w->c.fd;
	int access;

	setup_access_alone(w);
	w->other = simhost_process(w->h, 1);
	w->c.fd = sim_send(w->h, fd, w->other);
	access = sim_send(w->h, w->access, w->other);
	w->access = access;
	simhost_enter(w->h, w->other);
}

/* Pinning for a table, on behalf of another one. */
static void setup_remote_table(struct uw *w)
{
	setup_device(w);
	uw_map(w, UW_VA, 4 * 4096, UW_IOVA);
	w->other = simhost_process(w->h, 1);
	w->c.fd = sim_send(w->h, w->c.fd, w->other);
	simhost_enter(w->h, w->other);
	ok(uc_destroy(&w->c, w->dev.stdev));
}

static int64_t call_domain(struct uw *w)
{
	return uc_mock_domain(&w->c, w->ioas, &w->dev);
}

static int64_t call_read_page(struct uw *w)
{
	return rw(w, UW_IOVA + 3 * 4096 + 8, 64, 0);
}

const struct uapi_case uapi_access_cases[] = {
	{ "CREATE_ACCESS, pinning", setup_areas, call_create, 0 },
	{ "CREATE_ACCESS", setup_mapped, call_create_plain, 0 },
	{ "ACCESS_REPLACE_IOAS", setup_item_two, call_replace, 0 },
	{ "ACCESS_PAGES", setup_access, call_pin, 0 },
	{ "ACCESS_PAGES beside an item", setup_item, call_pin, 0 },
	{ "ACCESS_PAGES without a table", setup_access_alone, call_pin, 0 },
	{ "ACCESS_PAGES, compared", setup_access_alone, call_pin_compare, 0 },
	{ "ACCESS_RW, read", setup_access, call_read, 0 },
	{ "ACCESS_RW, write", setup_access, call_write, 0 },
	{ "ACCESS_RW, slow read", setup_item, call_read_slow, 0 },
	{ "ACCESS_RW, slow write", setup_access_alone, call_write_slow, 0 },
	{ "ACCESS_RW of a file", setup_access_alone, call_read_file, 0 },
	{ "ACCESS_RW by another process", setup_remote, call_read, 0 },
	{ "ACCESS_RW of a page, by another", setup_remote, call_read_page, 0 },
	{ "ACCESS_RW, slow read by another", setup_remote, call_read_slow, 0 },
	{ "ACCESS_PAGES by another process", setup_remote, call_pin, 0 },
	{ "MOCK_DOMAIN by another process", setup_remote_table, call_domain,
	  0 },
	{ NULL, NULL, NULL, 0 },
};

/* ---- container requests ------------------------------------------------- */

static int64_t call_vfio_set(struct uw *w)
{
	return uc_vfio_ioas_set(&w->c, w->ioas);
}

static int64_t call_vfio_get(struct uw *w)
{
	uint32_t id = 0;

	return uc_vfio_ioas(&w->c, IOAS_ABI_VFIO_IOAS_GET, &id);
}

static int64_t call_vfio_clear(struct uw *w)
{
	uint32_t id = 0;

	return uc_vfio_ioas(&w->c, IOAS_ABI_VFIO_IOAS_CLEAR, &id);
}

static int64_t call_extension(struct uw *w)
{
	return uc_vfio_extension(&w->c, IOAS_ABI_VFIO_DMA_CC_IOMMU);
}

static void setup_compat(struct uw *w)
{
	setup_mapped(w);
	ok(uc_vfio_ioas_set(&w->c, w->ioas));
}

static int64_t call_set_iommu(struct uw *w)
{
	return uc_vfio_set_iommu(&w->c, IOAS_ABI_VFIO_TYPE1_IOMMU);
}

static int64_t call_info(struct uw *w)
{
	struct {
		struct ioas_abi_vfio_iommu_get_info info;
		unsigned char chain[200];
	} s = { .info = { .argsz = sizeof(s) } };

	return uc_vfio_info(&w->c, &s, sizeof(s));
}

static int64_t call_vfio_map(struct uw *w)
{
	return uc_vfio_map(&w->c, UW_VB + 12 * 4096, UW_IOVA + 0x100000,
			   20 * 4096, 3);
}

/* The end of one area, and the beginning of the next. */
static int64_t call_vfio_cut(struct uw *w)
{
	uint64_t size = 12 * 4096;

	return uc_vfio_unmap(&w->c, UW_IOVA + 14 * 4096, &size, 0);
}

const struct uapi_case uapi_vfio_cases[] = {
	{ "VFIO_IOAS SET", setup_mapped, call_vfio_set, 0 },
	{ "VFIO_IOAS GET", setup_vfio, call_vfio_get, 0 },
	{ "VFIO_IOAS CLEAR", setup_vfio, call_vfio_clear, 0 },
	{ "VFIO_CHECK_EXTENSION", setup_vfio, call_extension, UC_NO_POINTS },
	{ "VFIO_SET_IOMMU", setup_compat, call_set_iommu, UC_NO_POINTS },
	{ "VFIO_IOMMU_GET_INFO", setup_vfio, call_info, 0 },
	{ "VFIO_IOMMU_MAP_DMA", setup_vfio, call_vfio_map, 0 },
	{ "VFIO_IOMMU_MAP_DMA, small pages", setup_vfio_v1, call_vfio_map, 0 },
	/* Cuts that were made may stay. */
	{ "VFIO_IOMMU_UNMAP_DMA, cutting", setup_vfio_v1, call_vfio_cut,
	  UC_PARTIAL },
	{ NULL, NULL, NULL, 0 },
};

/* ---- the rest of the test request --------------------------------------- */

static int64_t call_reserve(struct uw *w)
{
	return uc_add_reserved(&w->c, w->ioas, UW_IOVA + 0x300000, 4096);
}

static int64_t call_check_map(struct uw *w)
{
	return uc_check_map(&w->c, w->hwpt, UW_IOVA, 20 * 4096, UW_VA);
}

static int64_t call_check_refs(struct uw *w)
{
	return uc_check_refs(&w->c, UW_VA, 20 * 4096, 1);
}

static int64_t call_temp_limit(struct uw *w)
{
	return uc_temp_limit(&w->c, 4096);
}

static void setup_dirty(struct uw *w)
{
	setup_areas(w);
	ok(uc_dirty_set(&w->c, w->hwpt2,
			IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
}

static int64_t call_dirty(struct uw *w)
{
	static const unsigned char bits[4] = { 1, 2, 3, 4 };
	struct ioas_abi_test_dirty s = { .iova = UW_IOVA,
					 .length = 32 * 4096,
					 .page_size = 4096 };

	return uc_dirty(&w->c, w->hwpt2, &s, bits);
}

static int64_t call_dmabuf(struct uw *w)
{
	return uc_dmabuf_get(&w->c, 8 * 4096, 0);
}

static void setup_dmabuf(struct uw *w)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW,
					    .length = 4096 };

	setup_areas(w);
	w->dmabuf = uc_dmabuf_get(&w->c, 8 * 4096, 0);
	assert_true(w->dmabuf >= 0);
	s.ioas_id = w->ioas;
	s.fd = w->dmabuf;
	ok(uc_map_file(&w->c, &s));
}

static int64_t call_revoke(struct uw *w)
{
	return uc_dmabuf_revoke(&w->c, w->dmabuf, 1);
}

static int64_t call_unrevoke(struct uw *w)
{
	return uc_dmabuf_revoke(&w->c, w->dmabuf, 0);
}

static int64_t call_iotlb(struct uw *w)
{
	return uc_check_iotlb(&w->c, w->nested, 0,
			      IOAS_ABI_TEST_IOTLB_DEFAULT);
}

static int64_t call_cache(struct uw *w)
{
	return uc_check_cache(&w->c, w->dev.idev, 0,
			      IOAS_ABI_TEST_DEV_CACHE_DEFAULT);
}

const struct uapi_case uapi_test_cases[] = {
	{ "ADD_RESERVED", setup_areas, call_reserve, 0 },
	{ "MD_CHECK_MAP", setup_areas, call_check_map, 0 },
	{ "MD_CHECK_REFS", setup_areas, call_check_refs, 0 },
	{ "SET_TEMP_MEMORY_LIMIT", setup_ioas, call_temp_limit, 0 },
	{ "DIRTY", setup_dirty, call_dirty, UC_KEEPS },
	{ "DMABUF_GET", setup_ioas, call_dmabuf, 0 },
	{ "DMABUF_REVOKE", setup_dmabuf, call_revoke, 0 },
	{ "DMABUF_REVOKE, back", setup_dmabuf, call_unrevoke, 0 },
	{ "MD_CHECK_IOTLB", setup_nested, call_iotlb, 0 },
	{ "DEV_CHECK_CACHE", setup_device, call_cache, 0 },
	{ NULL, NULL, NULL, 0 },
};
