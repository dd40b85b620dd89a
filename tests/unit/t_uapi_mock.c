/* SPDX-License-Identifier: MIT */
/*
 * the test request, and its operations that look into tables and count pins
 * (docs/reference/iommufd-test-abi.md 1, 3.3, 4.1, 4.5, 4.6, 4.12 to 4.14)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_nest.h"

#define PAGES(n) ((uint64_t)(n) * PAGE)
#define HALF (PAGE / 2)
#define LAST_PAGE (U64 - PAGE + 1)
#define DIRTY_FLAG IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING
#define ENABLE IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE

/* ---- 1: the request ------------------------------------------------------ */

static void unknown_op_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	static const uint32_t ops[] = { 0, 24, 25, 255, 256, UINT32_MAX };

	for (unsigned int i = 0; i < 6; i++) {
		struct ioas_abi_test_cmd s = { .op = ops[i], .id = NO_ID };

		expect_errno(uc_test(&t->c, &s), -EOPNOTSUPP);
	}
}

static void request_of_the_minimum_size_works(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_test_cmd s = {
		.size = 67,
		.op = IOAS_ABI_TEST_OP_ADD_RESERVED,
		.id = ioas_new(t),
		.add_reserved = { .start = IOVA, .length = PAGE },
	};

	expect_errno(uc_call(&t->c, IOAS_ABI_TEST_CMD, &s, 68), -EINVAL);
	s.size = 68;
	expect_ok(uc_call(&t->c, IOAS_ABI_TEST_CMD, &s, 68));
	s.size = 72;
	expect_ok(uc_call(&t->c, IOAS_ABI_TEST_CMD, &s, 72));
}

static void request_with_a_tail_must_end_in_zero(void **state)
{
	struct uapi_test *t = *state;
	struct {
		struct ioas_abi_test_cmd s;
		uint8_t tail[8];
	} r = { .s = { .size = sizeof(r), .op = 255 }, .tail = { [7] = 1 } };

	expect_errno(uc_call(&t->c, IOAS_ABI_TEST_CMD, &r, sizeof(r)), -E2BIG);
	r.tail[7] = 0;
	expect_errno(uc_call(&t->c, IOAS_ABI_TEST_CMD, &r, sizeof(r)),
		     -EOPNOTSUPP);
}

static void members_that_are_not_examined_may_be_anything(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_SET_TEMP_MEMORY_LIMIT,
		.id = NO_ID,
		.__reserved = UINT32_MAX,
		.set_temp_memory_limit.limit = 65536,
		.last = UINT32_MAX,
		.padding = UINT32_MAX,
	};

	expect_ok(uc_test(&t->c, &s));
}

static void without_the_test_abi_there_is_no_aid_in_copy(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_copy s = {
		.flags = UC_R | IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ,
		.dst_ioas_id = NO_ID,
		.src_ioas_id = NO_ID,
	};

	expect_errno(uc_copy(&t->c, &s), -EOPNOTSUPP);
	expect_errno(uc_temp_limit(&t->c, 65536), -ENOTTY);
}

/* ---- 4.1 ADD_RESERVED ---------------------------------------------------- */

static void reserve_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_add_reserved(&t->c, NO_ID, U64, 0), -EINVAL);
}

static void reserve_end_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_add_reserved(&t->c, NO_ID, U64, 2), -EOVERFLOW);
	expect_errno(uc_add_reserved(&t->c, NO_ID, 2, U64), -EOVERFLOW);
}

static void reserve_in_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	struct uc_mock m = mock_new(t, ioas_new(t));
	const uint32_t ids[] = { 0, NO_ID, m.hwpt, m.stdev, m.idev };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_add_reserved(&t->c, ids[i], U64, 1), -ENOENT);
}

static void reserve_over_an_area_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(uc_add_reserved(&t->c, id, IOVA, 1), -EADDRINUSE);
	expect_errno(uc_add_reserved(&t->c, id, IOVA + PAGE - 1, 1),
		     -EADDRINUSE);
	expect_errno(uc_add_reserved(&t->c, id, 0, U64), -EADDRINUSE);
	/* Up to its ends. */
	expect_ok(uc_add_reserved(&t->c, id, 0, IOVA));
	expect_ok(uc_add_reserved(&t->c, id, IOVA + PAGE, 1));
}

static void reserve_over_what_is_allowed_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range r = { IOVA, IOVA + 9 };

	expect_ok(uc_allow(&t->c, id, &r, 1));
	expect_errno(uc_add_reserved(&t->c, id, IOVA + 9, 1), -EADDRINUSE);
	expect_errno(uc_add_reserved(&t->c, id, IOVA - 5, 6), -EADDRINUSE);
	expect_ok(uc_add_reserved(&t->c, id, IOVA + 10, 1));
	expect_ok(uc_add_reserved(&t->c, id, IOVA - 5, 5));
}

static void reserved_ranges_may_overlap_and_be_odd(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct ioas_abi_iova_range r[4];
	uint32_t nr = 4;

	expect_ok(uc_add_reserved(&t->c, id, 3, 10));
	expect_ok(uc_add_reserved(&t->c, id, 3, 10));
	expect_ok(uc_add_reserved(&t->c, id, 7, 20));
	/* Also the last byte. */
	expect_ok(uc_add_reserved(&t->c, id, U64, 1));
	expect_ok(uc_ranges(&t->c, id, r, &nr, NULL));
	assert_int_equal(nr, 2);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].last, 2);
	assert_int_equal(r[1].start, 27);
	assert_int_equal(r[1].last, U64 - 1);
}

static void reserved_ranges_stay_when_devices_go(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);

	expect_ok(uc_add_reserved(&t->c, id, IOVA, PAGE));
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA),
		     -EINVAL);
	/* And are no users. */
	expect_ok(uc_destroy(&t->c, id));
}

/* ---- 4.5 MD_CHECK_MAP ---------------------------------------------------- */

/* A space with eight pages of VA_RUN at IOVA, and its HWPT. */
static struct uc_mock mapped_new(struct uapi_test *t, uint32_t *ioas)
{
	struct uc_mock m;

	*ioas = ioas_new(t);
	m = mock_new(t, *ioas);
	expect_ok(uc_map_fixed(&t->c, *ioas, VA_RUN, PAGES(8), UC_R, IOVA));
	return m;
}

static void check_map_of_no_paging_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.idev,
				 nested_new(t, n.dev.idev, n.parent, 0) };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_check_map(&t->c, ids[i], 1, U64, VA_HOLE),
			     -ENOENT);
}

static void check_map_misaligned_is_einval(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + HALF / 2, PAGE,
				  VA_HOLE),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, HALF / 2, VA_HOLE),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGE, VA_HOLE + 1),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, 1, 0, 0), -EINVAL);
}

static void check_map_memory_that_wraps_is_einval(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(2), LAST_PAGE),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, LAST_PAGE, VA_RUN),
		     -EINVAL);
}

static void check_map_of_missing_memory_is_efault(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	/* Nothing is mapped there, either. */
	expect_errno(uc_check_map(&t->c, m.hwpt, 0, PAGE, VA_HOLE), -EFAULT);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(8),
				  RUN_END - PAGES(8) + PAGE),
		     -EINVAL);
	/* After what is right. */
	sim_unmap_memory(t->h, VA_RUN + PAGES(5), PAGE);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(8), VA_RUN),
		     -EFAULT);
}

static void check_map_compares_page_and_offset(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(8), VA_RUN));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + HALF, PAGES(3),
			       VA_RUN + HALF));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + PAGES(8) - HALF, HALF,
			       VA_RUN + PAGES(8) - HALF));
	/* The same page at another offset. */
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, HALF, VA_RUN + HALF),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + HALF, HALF, VA_RUN),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGE, VA_RUN + PAGE),
		     -EINVAL);
}

static void check_map_of_what_is_not_mapped_is_einval(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA - PAGE, PAGE, VA_RUN),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(9), VA_RUN),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + PAGES(8), HALF,
				  VA_RUN + PAGES(8)),
		     -EINVAL);
	/* Outside the aperture, and at the end of all. */
	expect_errno(uc_check_map(&t->c, m.hwpt, 0, PAGE, VA_RUN), -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, LAST_PAGE, PAGE, VA_RUN),
		     -EINVAL);
	expect_errno(uc_check_map(&t->c, m.hwpt, LAST_PAGE, PAGES(2), VA_RUN),
		     -EINVAL);
}

static void check_map_length_zero_succeeds(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_ok(uc_check_map(&t->c, m.hwpt, 0, 0, VA_HOLE));
	expect_ok(uc_check_map(&t->c, m.hwpt, LAST_PAGE, 0, LAST_PAGE));
}

static void check_map_of_a_huge_table_counts_in_pages(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct uc_mock m = mock_new(t, ioas);
	const struct ioas_abi_hwpt_data_selftest data = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE,
	};
	uint32_t huge = 0;

	expect_ok(uc_hwpt_mock(&t->c, m.idev, ioas, 0, &data, &huge));
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGES(8), UC_R, IOVA));
	expect_ok(uc_check_map(&t->c, huge, IOVA, PAGES(8), VA_RUN));
	expect_errno(uc_check_map(&t->c, huge, IOVA, HALF, VA_RUN), -EINVAL);
	expect_errno(uc_check_map(&t->c, huge, IOVA + HALF, PAGE,
				  VA_RUN + HALF),
		     -EINVAL);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, HALF, VA_RUN));
}

static void check_map_spans_areas_that_are_neighbours(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN + PAGES(8), PAGES(2), UC_R,
			       IOVA + PAGES(8)));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(10), VA_RUN));
	/* It leaves no pin behind. */
	assert_int_equal(pins(t), 10);
}

static void check_map_is_about_the_memory_of_now(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;
	struct uc_mock m = mapped_new(t, &ioas);

	assert_int_equal(ioas_sim_remap(t->p->memory, VA_RUN / PAGE + 3, 1,
					IOAS_SIM_SCATTERED),
			 0);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(3), VA_RUN));
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(4), VA_RUN),
		     -EINVAL);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + PAGES(4), PAGES(4),
			       VA_RUN + PAGES(4)));
}

/* ---- 4.6 MD_CHECK_REFS --------------------------------------------------- */

static void check_refs_misaligned_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_check_refs(&t->c, VA_HOLE + HALF, PAGE, 1), -EINVAL);
	expect_errno(uc_check_refs(&t->c, VA_HOLE, HALF, 1), -EINVAL);
	expect_errno(uc_check_refs(&t->c, VA_HOLE, 1, 1), -EINVAL);
}

static void check_refs_that_wraps_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_check_refs(&t->c, LAST_PAGE, PAGES(2), 1), -EINVAL);
	expect_errno(uc_check_refs(&t->c, PAGES(2), LAST_PAGE, 1), -EINVAL);
}

static void check_refs_of_missing_memory_is_efault(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_check_refs(&t->c, VA_HOLE, PAGE, 1), -EFAULT);
	expect_errno(uc_check_refs(&t->c, RUN_END - PAGE, PAGES(2), 0),
		     -EFAULT);
	/* What comes first decides. */
	expect_errno(uc_check_refs(&t->c, RUN_END - PAGE, PAGES(2), 1), -EIO);
}

static void check_refs_other_number_is_eio(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas;

	mapped_new(t, &ioas);
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 1));
	expect_errno(uc_check_refs(&t->c, VA_RUN, PAGES(8), 0), -EIO);
	expect_errno(uc_check_refs(&t->c, VA_RUN, PAGES(8), 2), -EIO);
	expect_errno(uc_check_refs(&t->c, VA_RUN, PAGES(9), 1), -EIO);
	expect_errno(uc_check_refs(&t->c, VA_RUN + PAGES(7), PAGES(2), 0),
		     -EIO);
}

static void check_refs_counts_sources_of_all_contexts(void **state)
{
	struct uapi_test *t = *state;
	struct uclient other = t->c;
	uint32_t ioas, theirs = 0;

	mapped_new(t, &ioas);
	/* More domains on a source are no more pins. */
	mock_new(t, ioas);
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 1));
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGES(4), UC_R, 2 * IOVA));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(4), 2));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(4), PAGES(4), 1));
	other.fd = sim_open(t->h, 0);
	expect_ok(uc_ioas_alloc(&other, &theirs));
	expect_ok(uc_mock_domain(&other, theirs, NULL));
	expect_ok(uc_map_fixed(&other, theirs, VA_RUN, PAGES(2), UC_R, IOVA));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(2), 3));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(2), PAGES(2), 2));
	expect_ok(sim_close(t->h, t->c.fd));
	expect_ok(uc_check_refs(&other, VA_RUN, PAGES(2), 1));
}

static void check_refs_on_a_fresh_context_finds_leaks(void **state)
{
	struct uapi_test *t = *state;
	struct uclient fresh = t->c;
	uint32_t ioas;

	mapped_new(t, &ioas);
	expect_ok(sim_close(t->h, t->c.fd));
	fresh.fd = sim_open(t->h, 0);
	expect_ok(uc_check_refs(&fresh, VA_RUN, PAGES(VA_PAGES), 0));
	expect_ok(uc_check_refs(&fresh, VA_READ_ONLY, PAGE, 0));
}

static void check_refs_length_zero_succeeds(void **state)
{
	struct uapi_test *t = *state;

	expect_ok(uc_check_refs(&t->c, VA_HOLE, 0, 99));
}

/* ---- 4.12 SET_TEMP_MEMORY_LIMIT ------------------------------------------ */

static void temp_limit_below_12_is_einval(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t limit = 0; limit < 12; limit++)
		expect_errno(uc_temp_limit(&t->c, limit), -EINVAL);
}

static void temp_limit_changes_nothing_that_shows(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t limits[] = { 12, 65536, UINT32_MAX };

	for (unsigned int i = 0; i < 3; i++) {
		uint32_t ioas;
		struct uc_mock m;

		expect_ok(uc_temp_limit(&t->c, limits[i]));
		m = mapped_new(t, &ioas);
		expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(8), VA_RUN));
	}
}

/* ---- 4.14 MD_CHECK_IOTLB ------------------------------------------------- */

static void check_iotlb_of_no_nested_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.parent, n.viommu };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_check_iotlb(&t->c, ids[i], 4, 0), -ENOENT);
}

static void check_iotlb_beyond_the_last_entry_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	const uint32_t id = nested_new(t, n.dev.idev, n.parent, 0);

	expect_errno(uc_check_iotlb(&t->c, id, 4, IOAS_ABI_TEST_IOTLB_DEFAULT),
		     -EINVAL);
	expect_errno(uc_check_iotlb(&t->c, id, UINT32_MAX,
				    IOAS_ABI_TEST_IOTLB_DEFAULT),
		     -EINVAL);
}

static void check_iotlb_compares_the_value(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	const uint32_t id = nested_new(t, n.dev.idev, n.parent, 0);

	for (uint32_t i = 0; i < 4; i++) {
		expect_ok(uc_check_iotlb(&t->c, id, i,
					 IOAS_ABI_TEST_IOTLB_DEFAULT));
		expect_errno(uc_check_iotlb(&t->c, id, i, 0), -EINVAL);
	}
}

/* ---- 4.13 DIRTY ---------------------------------------------------------- */

/* A space whose leaves are pages, and an HWPT that tracks. */
struct tracked {
	uint32_t ioas;
	uint32_t hwpt;
	struct uc_mock m;
};

static struct tracked tracked_new(struct uapi_test *t)
{
	struct tracked d = { .ioas = ioas_new_aligned(t) };

	d.m = mock_new(t, d.ioas);
	expect_ok(uc_hwpt(&t->c, d.m.idev, d.ioas, DIRTY_FLAG, &d.hwpt));
	expect_ok(uc_map_fixed(&t->c, d.ioas, VA_RUN, PAGES(16), UC_RW, IOVA));
	return d;
}

static int dirty(struct uapi_test *t, uint32_t hwpt,
		 struct ioas_abi_test_dirty s)
{
	return uc_dirty(&t->c, hwpt, &s, NULL);
}

static void dirty_of_wrong_shape_is_einval(void **state)
{
	static const struct ioas_abi_test_dirty bad[] = {
		{ .iova = IOVA, .length = PAGE, .uptr = VA_HOLE },
		{ .iova = IOVA, .page_size = PAGE, .uptr = VA_HOLE },
		{ .iova = IOVA + HALF,
		  .length = PAGE,
		  .page_size = PAGE,
		  .uptr = VA_HOLE },
		{ .iova = IOVA,
		  .length = HALF,
		  .page_size = PAGE,
		  .uptr = VA_HOLE },
		{ .iova = IOVA, .length = PAGE, .page_size = PAGE },
	};

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(dirty(*state, NO_ID, bad[i]), -EINVAL);
}

#define SOME_DIRTY                                             \
	(struct ioas_abi_test_dirty)                           \
	{                                                      \
		.iova = IOVA, .length = PAGE, .page_size = PAGE, \
		.uptr = VA_HOLE                                \
	}

static void dirty_of_no_paging_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.idev,
				 nested_new(t, n.dev.idev, n.parent, 0) };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(dirty(t, ids[i], SOME_DIRTY), -ENOENT);
}

static void dirty_without_tracking_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	expect_errno(dirty(t, d.m.hwpt, SOME_DIRTY), -EINVAL);
	/* It could track, but does not. */
	expect_errno(dirty(t, d.hwpt, SOME_DIRTY), -EINVAL);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	expect_errno(dirty(t, d.hwpt, SOME_DIRTY), -EFAULT);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, 0));
	expect_errno(dirty(t, d.hwpt, SOME_DIRTY), -EINVAL);
}

static void dirty_bitmap_that_cannot_be_read_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_test_dirty s = SOME_DIRTY;
	static const uint8_t ones = 0xff;

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	/* Eight bits are a byte, nine are two. */
	sim_poke(t->h, RUN_END - 1, &ones, 1);
	s.uptr = RUN_END - 1;
	s.length = PAGES(9);
	expect_errno(dirty(t, d.hwpt, s), -EFAULT);
	s.length = PAGES(8);
	expect_ok(dirty(t, d.hwpt, s));
}

/* Mark by a bitmap, of bits of @page_size from IOVA on; how many it says. */
static uint64_t soil(struct uapi_test *t, uint32_t hwpt, uint64_t length,
		     uint64_t page_size, const uint8_t *bits)
{
	struct ioas_abi_test_dirty s = { .flags = UINT32_MAX,
					 .iova = IOVA,
					 .length = length,
					 .page_size = page_size,
					 .out_nr_dirty = NO_ID };

	expect_ok(uc_dirty(&t->c, hwpt, &s, bits));
	return s.out_nr_dirty;
}

/* Dirty pages from IOVA on, 64 of them at most; they are clean then. */
static uint64_t dirty_pages(struct uapi_test *t, uint32_t hwpt,
			    uint64_t page_size)
{
	uint64_t bits = 0;
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = hwpt,
						    .iova = IOVA,
						    .length = 64 * page_size,
						    .page_size = page_size };

	expect_ok(uc_dirty_get(&t->c, &s, &bits));
	return bits;
}

static void dirty_marks_the_entries_of_its_bits(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint8_t bits[2] = { 0x81, 0x18 };

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0);
	assert_int_equal(soil(t, d.hwpt, PAGES(16), PAGE, bits), 4);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0x1881);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0);
}

static void dirty_counts_bits_that_are_not_mapped(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	uint8_t bits[8];

	memset(bits, 0xff, sizeof(bits));
	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	assert_int_equal(soil(t, d.hwpt, PAGES(64), PAGE, bits), 64);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0xffff);
	/* Bits behind the last are not looked at. */
	assert_int_equal(soil(t, d.hwpt, PAGES(3), PAGE, bits), 3);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0x7);
}

static void dirty_page_size_is_any_divisor(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint8_t bits = 0x12;

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	/* The entry at the first byte of each. */
	assert_int_equal(soil(t, d.hwpt, PAGES(16), PAGES(2), &bits), 2);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 1u << 2 | 1u << 8);
	assert_int_equal(soil(t, d.hwpt, 8 * 512, 512, &bits), 2);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 1);
}

static void dirty_bits_of_small_leaves_are_of_half_a_page(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint8_t bits = 0x05;

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	assert_int_equal(soil(t, d.hwpt, 8 * HALF, HALF, &bits), 2);
	assert_int_equal(dirty_pages(t, d.hwpt, HALF), 0x5);
}

static void dirty_of_any_byte_is_of_its_huge_leaf(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t huge = IOAS_ABI_MOCK_HUGE_PAGE_SIZE;
	const uint32_t ioas = ioas_new(t);
	struct uc_mock m = mock_new(t, ioas);
	const struct ioas_abi_hwpt_data_selftest data = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE,
	};
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = ioas,
		.length = 2 * huge,
		.iova = IOVA,
	};
	uint8_t bits[64] = { [9] = 0x40 };
	struct ioas_origin *file = NULL;
	uint32_t hwpt = 0;

	/* A file of two folios of a megabyte, which are huge pages. */
	s.fd = sim_open_other(t->h);
	assert_int_equal(ioas_sim_file_create(t->h->sim, 2 * huge / PAGE, 8,
					      IOAS_SIM_SCATTERED, &file),
			 0);
	t->p->fds[s.fd].memory = file;
	expect_ok(uc_hwpt_mock(&t->c, m.idev, ioas, DIRTY_FLAG, &data, &hwpt));
	expect_ok(uc_map_file(&t->c, &s));
	expect_ok(uc_dirty_set(&t->c, hwpt, ENABLE));
	/* A page in the first. */
	assert_int_equal(soil(t, hwpt, 2 * huge, PAGE, bits), 1);
	assert_int_equal(dirty_pages(t, hwpt, huge), 1);
	assert_int_equal(soil(t, hwpt, 2 * huge, PAGE, bits), 1);
	/* All of it is dirty. */
	assert_int_equal(dirty_pages(t, hwpt, PAGES(16)), 0xffff);
}

static void dirty_copy_out_fault_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	static const uint8_t bits = 1;
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DIRTY,
		.id = d.hwpt,
		.dirty = { .iova = IOVA,
			   .length = PAGE,
			   .page_size = PAGE,
			   .uptr = VA_RUN },
	};

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	sim_poke(t->h, VA_RUN, &bits, 1);
	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
}

static void dirty_at_the_end_of_all_iova_is_skipped(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint8_t bits = 0xff;
	struct ioas_abi_test_dirty s = { .iova = LAST_PAGE,
					 .length = PAGES(8),
					 .page_size = PAGE };

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	/* It wraps, and no area is there. */
	expect_ok(uc_dirty(&t->c, d.hwpt, &s, &bits));
	assert_int_equal(s.out_nr_dirty, 8);
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0);
}

static void set_tracking_clears_what_is_dirty(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint8_t bits = 0xff;

	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	assert_int_equal(soil(t, d.hwpt, PAGES(8), PAGE, &bits), 8);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0);
	/* Switching off does not. */
	assert_int_equal(soil(t, d.hwpt, PAGES(8), PAGE, &bits), 8);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, 0));
	assert_int_equal(dirty_pages(t, d.hwpt, PAGE), 0xff);
}

static struct simhost_options no_test_abi = { .no_test_abi = true };

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(unknown_op_is_eopnotsupp),
		uapi_case(request_of_the_minimum_size_works),
		uapi_case(request_with_a_tail_must_end_in_zero),
		uapi_case(members_that_are_not_examined_may_be_anything),
		uapi_case_with(without_the_test_abi_there_is_no_aid_in_copy,
			       &no_test_abi),
		uapi_case(reserve_length_zero_is_einval),
		uapi_case(reserve_end_that_wraps_is_eoverflow),
		uapi_case(reserve_in_no_space_is_enoent),
		uapi_case(reserve_over_an_area_is_eaddrinuse),
		uapi_case(reserve_over_what_is_allowed_is_eaddrinuse),
		uapi_case(reserved_ranges_may_overlap_and_be_odd),
		uapi_case(reserved_ranges_stay_when_devices_go),
		uapi_case(check_map_of_no_paging_hwpt_is_enoent),
		uapi_case(check_map_misaligned_is_einval),
		uapi_case(check_map_memory_that_wraps_is_einval),
		uapi_case(check_map_of_missing_memory_is_efault),
		uapi_case(check_map_compares_page_and_offset),
		uapi_case(check_map_of_what_is_not_mapped_is_einval),
		uapi_case(check_map_length_zero_succeeds),
		uapi_case(check_map_of_a_huge_table_counts_in_pages),
		uapi_case(check_map_spans_areas_that_are_neighbours),
		uapi_case(check_map_is_about_the_memory_of_now),
		uapi_case(check_refs_misaligned_is_einval),
		uapi_case(check_refs_that_wraps_is_einval),
		uapi_case(check_refs_of_missing_memory_is_efault),
		uapi_case(check_refs_other_number_is_eio),
		uapi_case(check_refs_counts_sources_of_all_contexts),
		uapi_case(check_refs_on_a_fresh_context_finds_leaks),
		uapi_case(check_refs_length_zero_succeeds),
		uapi_case(temp_limit_below_12_is_einval),
		uapi_case(temp_limit_changes_nothing_that_shows),
		uapi_case(check_iotlb_of_no_nested_hwpt_is_enoent),
		uapi_case(check_iotlb_beyond_the_last_entry_is_einval),
		uapi_case(check_iotlb_compares_the_value),
		uapi_case(dirty_of_wrong_shape_is_einval),
		uapi_case(dirty_of_no_paging_hwpt_is_enoent),
		uapi_case(dirty_without_tracking_is_einval),
		uapi_case(dirty_bitmap_that_cannot_be_read_is_efault),
		uapi_case(dirty_marks_the_entries_of_its_bits),
		uapi_case(dirty_counts_bits_that_are_not_mapped),
		uapi_case(dirty_page_size_is_any_divisor),
		uapi_case(dirty_bits_of_small_leaves_are_of_half_a_page),
		uapi_case(dirty_of_any_byte_is_of_its_huge_leaf),
		uapi_case(dirty_copy_out_fault_is_efault),
		uapi_case(dirty_at_the_end_of_all_iova_is_skipped),
		uapi_case(set_tracking_clears_what_is_dirty),
	};

	return cmocka_run_group_tests_name("mock operations", tests, NULL, NULL);
}
