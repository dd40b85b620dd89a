/* SPDX-License-Identifier: MIT */
/*
 * container requests (docs/reference/iommufd-uapi.md 11)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

#define V_R IOAS_ABI_VFIO_DMA_MAP_FLAG_READ
#define V_RW (V_R | IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE)
#define V_ALL IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL
/* A chain with one range: what GET_INFO asks for. */
#define INFO_SIZE(ranges) (24u + 16u + 16u + 16u * (ranges))

/* A space, and it is the container's. */
static uint32_t compat_new(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_vfio_ioas_set(&t->c, id));
	return id;
}

/* ... with pages of their own, as for type 1 of old. */
static uint32_t compat_new_v1(struct uapi_test *t)
{
	const uint32_t id = compat_new(t);

	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	return id;
}

/* ---- 11.1, 11.2 ---------------------------------------------------------- */

static void api_version_is_zero(void **state)
{
	struct uapi_test *t = *state;

	expect_ok(uc_vfio_version(&t->c));
	expect_ok(sim_ioctl(t->h, t->c.fd, IOAS_ABI_VFIO_GET_API_VERSION,
			    VA_HOLE));
}

static void extensions_without_a_compat_space(void **state)
{
	struct uapi_test *t = *state;

	for (uint64_t value = 0; value < 64; value++) {
		const bool have = value == IOAS_ABI_VFIO_TYPE1_IOMMU ||
				  value == IOAS_ABI_VFIO_TYPE1v2_IOMMU ||
				  value == IOAS_ABI_VFIO_UNMAP_ALL;

		if (value == IOAS_ABI_VFIO_DMA_CC_IOMMU)
			expect_errno(uc_vfio_extension(&t->c, value), -ENODEV);
		else
			expect_ret(uc_vfio_extension(&t->c, value), have);
	}
	expect_ret(uc_vfio_extension(&t->c, U64), 0);
	/* All 64 bits count. */
	expect_ret(uc_vfio_extension(&t->c, ((uint64_t)1 << 32) + 1), 0);
}

static void coherency_of_a_space_without_page_tables_is_one(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	expect_ret(uc_vfio_extension(&t->c, IOAS_ABI_VFIO_DMA_CC_IOMMU), 1);
}

static void dirty_pages_and_others_are_enotty(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	expect_errno(sim_ioctl(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_DIRTY_PAGES,
			       VA_HOLE),
		     -ENOTTY);
	expect_errno(sim_ioctl(t->h, t->c.fd, 0x3b73, VA_HOLE), -ENOTTY);
	expect_errno(sim_ioctl(t->h, t->c.fd, 0x3b74, VA_HOLE), -ENOTTY);
}

/* ---- 11.3 SET_IOMMU ------------------------------------------------------ */

static void set_iommu_other_value_is_einval(void **state)
{
	struct uapi_test *t = *state;
	static const uint64_t values[] = { 0, 2, 4, 6, 8, 9, U64,
					   ((uint64_t)1 << 32) + 1 };

	for (unsigned int compat = 0; compat < 2; compat++) {
		for (unsigned int i = 0; i < 8; i++)
			expect_errno(uc_vfio_set_iommu(&t->c, values[i]),
				     -EINVAL);
		compat_new(t);
	}
}

static void set_iommu_without_a_compat_space_is_enodev(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU),
		     -ENODEV);
	expect_errno(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU),
		     -ENODEV);
}

static void set_iommu_v2_changes_nothing(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	assert_int_equal(alignment_of(t, id), 1);
	/* Nor back. */
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	assert_int_equal(alignment_of(t, id), PAGE);
}

static void set_iommu_v1_disables_large_pages(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);
	uint64_t val = 7;

	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	expect_ok(uc_option(&t->c, IOAS_ABI_OPTION_HUGE_PAGES,
			    IOAS_ABI_OPTION_OP_GET, id, &val));
	assert_int_equal(val, 0);
}

static void set_iommu_v1_with_domain_and_area_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	mock_new(t, id);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE / 2, UC_R, IOVA));
	expect_errno(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU),
		     -EINVAL);
}

static void set_iommu_v1_over_misaligned_areas_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE / 2, UC_R, IOVA));
	expect_errno(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU),
		     -EADDRINUSE);
}

/* ---- 11.4 GET_INFO ------------------------------------------------------- */

struct info {
	struct ioas_abi_vfio_iommu_get_info head;
	uint8_t chain[4096];
};

/* @argsz bytes are asked for; nothing behind them may change. */
static int get_info(struct uapi_test *t, uint32_t argsz, struct info *info)
{
	const uint8_t *bytes = (const uint8_t *)info;
	int ret;

	memset(info, 0xa5, sizeof(*info));
	info->head.argsz = argsz;
	ret = uc_vfio_info(&t->c, info, sizeof(*info));
	for (size_t i = argsz < 4 ? 4 : argsz; i < sizeof(*info); i++)
		if (bytes[i] != 0xa5)
			fail_msg("argsz %u: byte %zu was written", argsz, i);
	return ret;
}

static void info_unreadable_is_efault(void **state)
{
	struct uapi_test *t = *state;

	/* With too small an argsz, and no space. */
	expect_errno(sim_ioctl(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_GET_INFO,
			       VA_HOLE),
		     -EFAULT);
	for (uint64_t length = 0; length < 16; length++)
		expect_errno(sim_ioctl(t->h, t->c.fd,
				       IOAS_ABI_VFIO_IOMMU_GET_INFO,
				       sim_struct_at(t->h, length, false)),
			     -EFAULT);
}

static void info_argsz_below_16_is_einval(void **state)
{
	struct uapi_test *t = *state;
	struct info info;

	for (uint32_t argsz = 0; argsz < 16; argsz++)
		expect_errno(get_info(t, argsz, &info), -EINVAL);
}

static void info_without_a_compat_space_is_enodev(void **state)
{
	struct info info;

	for (uint32_t argsz = 16; argsz < 100; argsz++)
		expect_errno(get_info(*state, argsz, &info), -ENODEV);
}

static void info_of_exactly_the_head_tells_how_much_there_is(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_vfio_iommu_get_info s = { .argsz = 24,
						  .cap_offset = 9, .pad = 9 };

	compat_new(t);
	/* A hole follows. */
	expect_ok(uc_vfio_info(&t->c, &s, sizeof(s)));
	assert_int_equal(s.argsz, INFO_SIZE(1));
	assert_int_equal(s.flags, IOAS_ABI_VFIO_IOMMU_INFO_PGSIZES |
					  IOAS_ABI_VFIO_IOMMU_INFO_CAPS);
	assert_int_equal(s.iova_pgsizes, ~(uint64_t)(PAGE - 1));
	assert_int_equal(s.cap_offset, 0);
	assert_int_equal(s.pad, 0);
	/* The first version ends after 16 bytes. */
	memset(&s, 0, sizeof(s));
	s.argsz = 16;
	expect_ok(uc_vfio_info(&t->c, &s, 16));
	assert_int_equal(s.argsz, INFO_SIZE(1));
	assert_int_equal(s.iova_pgsizes, ~(uint64_t)(PAGE - 1));
}

static void info_never_writes_behind_argsz(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);
	struct info info;

	expect_ok(uc_add_reserved(&t->c, id, 0x10000, 0x10000));
	expect_ok(uc_add_reserved(&t->c, id, 0x30000, 0x10000));
	for (uint32_t argsz = 16; argsz < INFO_SIZE(3); argsz++) {
		expect_ok(get_info(t, argsz, &info));
		assert_int_equal(info.head.argsz, INFO_SIZE(3));
		if (argsz >= 20)
			assert_int_equal(info.head.cap_offset, 0);
	}
	expect_ok(get_info(t, INFO_SIZE(3), &info));
	assert_int_equal(info.head.cap_offset, 24);
	expect_ok(get_info(t, INFO_SIZE(3) + 7, &info));
	assert_int_equal(info.head.cap_offset, 24);
}

static void info_chain_is_dma_avail_then_the_ranges(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);
	struct ioas_abi_vfio_info_cap_dma_avail avail;
	struct ioas_abi_vfio_info_cap_iova_range cap;
	struct ioas_abi_vfio_iova_range r[2];
	struct info info;

	expect_ok(uc_add_reserved(&t->c, id, 0x10000, 0x10000));
	expect_ok(get_info(t, sizeof(info), &info));
	assert_int_equal(info.head.argsz, INFO_SIZE(2));
	assert_int_equal(info.head.cap_offset, 24);
	memcpy(&avail, info.chain, sizeof(avail));
	assert_int_equal(avail.header.id,
			 IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL);
	assert_int_equal(avail.header.version, 1);
	assert_int_equal(avail.header.next, 40);
	assert_int_equal(avail.avail, UINT32_MAX);
	memcpy(&cap, info.chain + 16, sizeof(cap));
	assert_int_equal(cap.header.id,
			 IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE);
	assert_int_equal(cap.header.version, 1);
	assert_int_equal(cap.header.next, 0);
	assert_int_equal(cap.nr_iovas, 2);
	assert_int_equal(cap.reserved, 0);
	memcpy(r, info.chain + 32, sizeof(r));
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].end, 0xffff);
	assert_int_equal(r[1].start, 0x20000);
	assert_int_equal(r[1].end, U64);
	for (uint32_t i = INFO_SIZE(2) - 24; i < sizeof(info.chain); i++)
		assert_int_equal(info.chain[i], 0xa5);
}

static void info_page_sizes_are_those_of_all_domains(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);
	struct uc_mock m = mock_new(t, id);
	struct ioas_abi_hwpt_data_selftest huge = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE
	};
	struct info info;

	expect_ok(get_info(t, 24, &info));
	assert_int_equal(info.head.iova_pgsizes, 0x3ffffff000);
	expect_ok(uc_hwpt_mock(&t->c, m.idev, id, 0, &huge, NULL));
	expect_ok(get_info(t, 24, &info));
	/* 0x101000 of the one, of the other what is not below a page. */
	assert_int_equal(info.head.iova_pgsizes, 0x101000);
}

/* ---- 11.5 MAP_DMA -------------------------------------------------------- */

static int map_dma(struct uapi_test *t, struct ioas_abi_vfio_iommu_map_dma s)
{
	/* Nothing is copied back. */
	return sim_cmd_read_only(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_MAP_DMA,
				 &s, sizeof(s));
}

static void map_dma_unreadable_is_efault(void **state)
{
	struct uapi_test *t = *state;

	for (uint64_t length = 0; length < 32; length++)
		expect_errno(sim_ioctl(t->h, t->c.fd,
				       IOAS_ABI_VFIO_IOMMU_MAP_DMA,
				       sim_struct_at(t->h, length, false)),
			     -EFAULT);
}

static void map_dma_small_argsz_or_other_flag_is_einval(void **state)
{
	for (uint32_t argsz = 0; argsz < 32; argsz++)
		expect_errno(map_dma(*state,
				     (struct ioas_abi_vfio_iommu_map_dma){
					     .argsz = argsz,
					     .flags = V_R }),
			     -EINVAL);
	for (unsigned int bit = 2; bit < 32; bit++)
		expect_errno(map_dma(*state,
				     (struct ioas_abi_vfio_iommu_map_dma){
					     .argsz = 32,
					     .flags = 1u << bit | V_R,
					     .vaddr = U64,
					     .size = U64 }),
			     -EINVAL);
}

static void map_dma_without_a_compat_space_is_enodev(void **state)
{
	expect_errno(map_dma(*state, (struct ioas_abi_vfio_iommu_map_dma){
					     .argsz = 32,
					     .flags = V_R,
					     .vaddr = U64,
					     .iova = U64,
					     .size = U64 }),
		     -ENODEV);
}

static void map_dma_then_is_judged_as_map_at_a_fixed_iova(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new_v1(t);
	struct ioas_abi_vfio_iommu_map_dma s = { .argsz = 32, .flags = V_RW,
						 .vaddr = U64, .iova = 1,
						 .size = U64 - 1 };

	expect_errno(map_dma(t, s), -EOVERFLOW);
	s.vaddr = 0;
	expect_errno(map_dma(t, s), -EINVAL);
	s.size = 0;
	expect_errno(map_dma(t, s), -EINVAL);
	/* Misaligned size, where the IOVA would be EOVERFLOW. */
	s.vaddr = VA_RUN + 1;
	s.size = 2 * PAGE - 1;
	s.iova = U64 - PAGE + 1;
	expect_errno(map_dma(t, s), -EINVAL);
	s.size = 2 * PAGE;
	s.iova = U64 - PAGE;
	expect_errno(map_dma(t, s), -EINVAL);
	s.iova = U64 - PAGE + 1;
	expect_errno(map_dma(t, s), -EOVERFLOW);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_add_reserved(&t->c, id, IOVA + PAGE, 1));
	s.iova = IOVA;
	expect_errno(map_dma(t, s), -EINVAL);
	s.iova = IOVA - PAGE;
	expect_errno(map_dma(t, s), -EEXIST);
	s.iova = IOVA + 2 * PAGE;
	expect_errno(map_dma(t, s), -EINVAL);
	s.vaddr = VA_RUN;
	expect_ok(map_dma(t, s));
}

static void map_dma_of_missing_memory_with_a_domain_is_efault(void **state)
{
	struct uapi_test *t = *state;

	mock_new(t, compat_new(t));
	expect_errno(uc_vfio_map(&t->c, VA_HOLE, IOVA, PAGE, V_RW), -EFAULT);
	expect_errno(uc_vfio_map(&t->c, VA_READ_ONLY, IOVA, PAGE, V_RW),
		     -EFAULT);
	atomic_store(&t->p->principal->limit, 1);
	expect_errno(uc_vfio_map(&t->c, VA_RUN, IOVA, 2 * PAGE, V_RW),
		     -ENOMEM);
	assert_int_equal(pins(t), 0);
	expect_ok(uc_vfio_map(&t->c, VA_RUN, IOVA, PAGE, V_RW));
}

static void map_dma_without_protection_fails_only_in_a_domain(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	expect_ok(uc_vfio_map(&t->c, VA_RUN, IOVA, PAGE, 0));
	expect_errno(uc_mock_domain(&t->c, id, NULL), -EINVAL);
	expect_ok(uc_unmap(&t->c, id, IOVA, PAGE, NULL));
	mock_new(t, id);
	expect_errno(uc_vfio_map(&t->c, VA_RUN, IOVA, PAGE, 0), -EINVAL);
	assert_int_equal(pins(t), 0);
}

static void map_dma_larger_argsz_is_accepted(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	expect_ok(map_dma(t, (struct ioas_abi_vfio_iommu_map_dma){
				     .argsz = UINT32_MAX,
				     .flags = V_R,
				     .vaddr = VA_RUN,
				     .iova = IOVA,
				     .size = PAGE }));
}

/* ---- 11.6 UNMAP_DMA ------------------------------------------------------ */

static int unmap_dma(struct uapi_test *t,
		     struct ioas_abi_vfio_iommu_unmap_dma s)
{
	const struct ioas_abi_vfio_iommu_unmap_dma before = s;
	int ret = uc_call(&t->c, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, &s, sizeof(s));

	/* Errors of steps 1 to 5 write nothing. */
	assert_memory_equal(&s, &before, sizeof(s));
	return ret;
}

/* The size that comes back. */
static uint64_t unmap_size(struct uapi_test *t, uint64_t iova, uint64_t size,
			   uint32_t flags, int want)
{
	expect_ret(uc_vfio_unmap(&t->c, iova, &size, flags), want);
	return size;
}

static void unmap_dma_unreadable_is_efault(void **state)
{
	struct uapi_test *t = *state;

	for (uint64_t length = 0; length < 24; length++)
		expect_errno(sim_ioctl(t->h, t->c.fd,
				       IOAS_ABI_VFIO_IOMMU_UNMAP_DMA,
				       sim_struct_at(t->h, length, false)),
			     -EFAULT);
}

static void unmap_dma_small_argsz_or_other_flag_is_einval(void **state)
{
	for (uint32_t argsz = 0; argsz < 24; argsz++)
		expect_errno(unmap_dma(*state,
				       (struct ioas_abi_vfio_iommu_unmap_dma){
					       .argsz = argsz,
					       .flags = V_ALL,
					       .iova = 1 }),
			     -EINVAL);
	for (unsigned int bit = 0; bit < 32; bit++)
		if (1u << bit != V_ALL)
			expect_errno(
				unmap_dma(*state,
					  (struct ioas_abi_vfio_iommu_unmap_dma){
						  .argsz = 24,
						  .flags = 1u << bit | V_ALL,
						  .size = 3 }),
				-EINVAL);
}

static void unmap_dma_without_a_compat_space_is_enodev(void **state)
{
	expect_errno(unmap_dma(*state, (struct ioas_abi_vfio_iommu_unmap_dma){
					       .argsz = 24,
					       .flags = V_ALL,
					       .iova = 1,
					       .size = 1 }),
		     -ENODEV);
}

static void unmap_dma_all_with_a_range_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .flags = V_ALL,
					  .iova = 1 }),
		     -EINVAL);
	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .flags = V_ALL,
					  .size = U64 }),
		     -EINVAL);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	assert_int_equal(unmap_size(t, 0, 0, V_ALL, 0), PAGE);
}

static void unmap_dma_all_of_nothing_succeeds(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	assert_int_equal(unmap_size(t, 0, 0, V_ALL, 0), 0);
}

static void unmap_dma_size_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	assert_int_equal(unmap_size(t, IOVA, 0, 0, -EINVAL), 0);
}

static void unmap_dma_of_a_hole_succeeds_with_size_zero(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	assert_int_equal(unmap_size(t, IOVA, PAGE, 0, 0), 0);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	assert_int_equal(unmap_size(t, IOVA + PAGE, 4 * PAGE, 0, 0), 0);
	assert_int_equal(unmap_size(t, 0, IOVA, 0, 0), 0);
	assert_int_equal(unmap_size(t, IOVA - PAGE, 4 * PAGE, 0, 0), PAGE);
}

static void unmap_dma_v2_of_a_part_is_enoent_with_the_size_so_far(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);

	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_R,
				       IOVA + 4 * i * PAGE));
	assert_int_equal(unmap_size(t, IOVA + PAGE, PAGE, 0, -ENOENT), 0);
	assert_int_equal(unmap_size(t, IOVA, PAGE, 0, -ENOENT), 0);
	assert_int_equal(unmap_size(t, IOVA, 5 * PAGE, 0, -ENOENT), 4 * PAGE);
	assert_int_equal(unmap_size(t, IOVA, 8 * PAGE, 0, 0), 4 * PAGE);
}

static void unmap_dma_range_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;

	compat_new(t);
	assert_int_equal(unmap_size(t, U64, 2, 0, -EOVERFLOW), 0);
}

static void unmap_dma_v1_cuts_at_both_ends(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new_v1(t);
	struct uc_mock m = mock_new(t, id);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 8 * PAGE, UC_RW, IOVA));
	assert_int_equal(unmap_size(t, IOVA + 2 * PAGE, 3 * PAGE, 0, 0),
			 3 * PAGE);
	assert_int_equal(pins(t), 5);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE, VA_RUN));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + 5 * PAGE, 3 * PAGE,
			       VA_RUN + 5 * PAGE));
	for (unsigned int i = 2; i < 5; i++)
		expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + i * PAGE, PAGE,
					  VA_RUN + i * PAGE),
			     -EINVAL);
	/* Two areas of their own, now. */
	expect_ok(uc_unmap(&t->c, id, IOVA, 2 * PAGE, NULL));
	expect_ok(uc_unmap(&t->c, id, IOVA + 5 * PAGE, 3 * PAGE, NULL));
}

static void unmap_dma_v1_at_the_ends_of_an_area_cuts_nothing(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new_v1(t);

	for (unsigned int i = 0; i < 3; i++)
		expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 2 * PAGE, UC_RW,
				       IOVA + 2 * i * PAGE));
	assert_int_equal(unmap_size(t, IOVA + 2 * PAGE, 2 * PAGE, 0, 0),
			 2 * PAGE);
	expect_ok(uc_unmap(&t->c, id, IOVA, 2 * PAGE, NULL));
	expect_ok(uc_unmap(&t->c, id, IOVA + 4 * PAGE, 2 * PAGE, NULL));
}

static void unmap_dma_cuts_however_large_pages_were_disabled(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	expect_ok(uc_vfio_ioas_set(&t->c, id));
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	assert_int_equal(unmap_size(t, IOVA, PAGE, 0, 0), PAGE);
}

static void unmap_dma_v1_misaligned_cut_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new_v1(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .iova = IOVA,
					  .size = PAGE + 1 }),
		     -EINVAL);
	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .iova = IOVA + 2,
					  .size = 4 * PAGE - 2 }),
		     -EINVAL);
	/* A cut at the first byte is none; but then it is a part. */
	assert_int_equal(unmap_size(t, IOVA + 1, 4 * PAGE - 1, 0, -ENOENT), 0);
	expect_ok(uc_unmap(&t->c, id, IOVA, 4 * PAGE, NULL));
}

static void unmap_dma_v1_cut_of_a_pinned_area_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new_v1(t);
	int access = access_new(t, id);
	uint32_t item = 0;

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(uc_access_pin(&t->c, access, 0, IOVA, 2 * PAGE, &item));
	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .iova = IOVA + PAGE,
					  .size = PAGE }),
		     -EINVAL);
	/* Whole areas are taken from the access. */
	assert_int_equal(unmap_size(t, IOVA, 4 * PAGE, 0, 0), 4 * PAGE);
	expect_errno(uc_access_unpin(&t->c, access, item), -ENOENT);
}

static void unmap_dma_v1_cut_of_a_dmabuf_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = compat_new_v1(t),
		.fd = uc_dmabuf_get(&t->c, 4 * PAGE, 0),
		.length = 4 * PAGE,
		.iova = IOVA,
	};

	expect_ok(uc_map_file(&t->c, &s));
	expect_errno(unmap_dma(t, (struct ioas_abi_vfio_iommu_unmap_dma){
					  .argsz = 24, .iova = IOVA,
					  .size = PAGE }),
		     -EOPNOTSUPP);
	assert_int_equal(unmap_size(t, IOVA, 4 * PAGE, 0, 0), 4 * PAGE);
}

static void unmap_dma_write_back_fault_is_efault_and_it_is_gone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = compat_new(t);
	struct ioas_abi_vfio_iommu_unmap_dma s = { .argsz = 24, .iova = IOVA,
						   .size = PAGE };

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(sim_cmd_read_only(t->h, t->c.fd,
				       IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, &s,
				       sizeof(s)),
		     -EFAULT);
	expect_errno(uc_unmap(&t->c, id, IOVA, PAGE, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(api_version_is_zero),
		uapi_case(extensions_without_a_compat_space),
		uapi_case(coherency_of_a_space_without_page_tables_is_one),
		uapi_case(dirty_pages_and_others_are_enotty),
		uapi_case(set_iommu_other_value_is_einval),
		uapi_case(set_iommu_without_a_compat_space_is_enodev),
		uapi_case(set_iommu_v2_changes_nothing),
		uapi_case(set_iommu_v1_disables_large_pages),
		uapi_case(set_iommu_v1_with_domain_and_area_is_einval),
		uapi_case(set_iommu_v1_over_misaligned_areas_is_eaddrinuse),
		uapi_case(info_unreadable_is_efault),
		uapi_case(info_argsz_below_16_is_einval),
		uapi_case(info_without_a_compat_space_is_enodev),
		uapi_case(info_of_exactly_the_head_tells_how_much_there_is),
		uapi_case(info_never_writes_behind_argsz),
		uapi_case(info_chain_is_dma_avail_then_the_ranges),
		uapi_case(info_page_sizes_are_those_of_all_domains),
		uapi_case(map_dma_unreadable_is_efault),
		uapi_case(map_dma_small_argsz_or_other_flag_is_einval),
		uapi_case(map_dma_without_a_compat_space_is_enodev),
		uapi_case(map_dma_then_is_judged_as_map_at_a_fixed_iova),
		uapi_case(map_dma_of_missing_memory_with_a_domain_is_efault),
		uapi_case(map_dma_without_protection_fails_only_in_a_domain),
		uapi_case(map_dma_larger_argsz_is_accepted),
		uapi_case(unmap_dma_unreadable_is_efault),
		uapi_case(unmap_dma_small_argsz_or_other_flag_is_einval),
		uapi_case(unmap_dma_without_a_compat_space_is_enodev),
		uapi_case(unmap_dma_all_with_a_range_is_einval),
		uapi_case(unmap_dma_all_of_nothing_succeeds),
		uapi_case(unmap_dma_size_zero_is_einval),
		uapi_case(unmap_dma_of_a_hole_succeeds_with_size_zero),
		uapi_case(
			unmap_dma_v2_of_a_part_is_enoent_with_the_size_so_far),
		uapi_case(unmap_dma_range_that_wraps_is_eoverflow),
		uapi_case(unmap_dma_v1_cuts_at_both_ends),
		uapi_case(unmap_dma_v1_at_the_ends_of_an_area_cuts_nothing),
		uapi_case(unmap_dma_cuts_however_large_pages_were_disabled),
		uapi_case(unmap_dma_v1_misaligned_cut_is_einval),
		uapi_case(unmap_dma_v1_cut_of_a_pinned_area_is_einval),
		uapi_case(unmap_dma_v1_cut_of_a_dmabuf_is_eopnotsupp),
		uapi_case(unmap_dma_write_back_fault_is_efault_and_it_is_gone),
	};

	return cmocka_run_group_tests_name("the container", tests, NULL, NULL);
}
