/* SPDX-License-Identifier: MIT */
/*
 * what devices wrote (docs/reference/iommufd-uapi.md 6.12, 6.13;
 * iommufd-test-abi.md 3.3)
 *
 *    IOVA   | page 0    | page 1    | ...     of a space without large pages
 *    dirty  | half half | half half |         a bit per half page
 *    bitmap   by page_size: bit i of byte i / 8, i mod 8
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_device.h"

#define HALF IOAS_ABI_MOCK_PAGE_SIZE
#define LARGE IOAS_ABI_MOCK_HUGE_PAGE_SIZE
#define ENABLE IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE
#define NO_CLEAR IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR
/* Half pages of VA_RUN. */
#define HALVES (2 * VA_PAGES)
/* 16 pages that can be read and written, for bitmaps. */
#define VA_BITMAP 0x600000u
#define BITMAP_PAGES 16u

struct tracked {
	struct uc_mock m;
	uint32_t ioas;
	/* Tracking is on. */
	uint32_t hwpt;
};

/* Zeroed. */
static void bitmap_memory(struct uapi_test *t)
{
	static const uint8_t none[PAGE];

	sim_map_memory(t->h, VA_BITMAP, BITMAP_PAGES * PAGE,
		       IOAS_SIM_SCATTERED, 0);
	for (unsigned int i = 0; i < BITMAP_PAGES; i++)
		sim_poke(t->h, VA_BITMAP + i * PAGE, none, sizeof(none));
}

/* A space of separate pages with VA_RUN at IOVA, and a table that tracks. */
static struct tracked tracked_new(struct uapi_test *t)
{
	struct tracked d = { .m = device_new(t, 0),
			     .ioas = ioas_new_aligned(t) };

	expect_ok(uc_map_fixed(&t->c, d.ioas, VA_RUN, VA_PAGES * PAGE, UC_RW,
			       IOVA));
	d.hwpt = hwpt_new(t, d.m.idev, d.ioas, DIRTY);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
	bitmap_memory(t);
	return d;
}

/* A device writes to @length bytes. */
static void soil(struct uapi_test *t, uint32_t hwpt, uint64_t iova,
		 uint64_t length)
{
	struct ioas_abi_test_dirty s = { .iova = iova,
					 .length = length,
					 .page_size = length };
	const uint8_t bit = 1;

	expect_ok(uc_dirty(&t->c, hwpt, &s, &bit));
	assert_int_equal(s.out_nr_dirty, 1);
}

static int get(struct uapi_test *t, struct ioas_abi_hwpt_get_dirty_bitmap s)
{
	return uc_dirty_get(&t->c, &s, NULL);
}

/* Bits of pages of @page in [@iova, @iova + @length). */
static void read_bits(struct uapi_test *t, uint32_t hwpt, uint64_t iova,
		      uint64_t length, uint64_t page, uint32_t flags,
		      uint8_t *bitmap)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = hwpt,
						    .flags = flags,
						    .iova = iova,
						    .length = length,
						    .page_size = page };

	expect_ok(uc_dirty_get(&t->c, &s, bitmap));
}

/* The first 64 bits from @iova on. */
static uint64_t word_of(struct uapi_test *t, uint32_t hwpt, uint64_t iova,
			uint64_t length, uint64_t page, uint32_t flags)
{
	uint8_t bytes[8] = { 0 };
	uint64_t word = 0;

	assert_true(length / page <= 64);
	read_bits(t, hwpt, iova, length, page, flags, bytes);
	for (unsigned int i = 0; i < 8; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

/* ---- 6.12 SET_DIRTY_TRACKING --------------------------------------------- */

static void set_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	for (unsigned int bit = 1; bit < 32; bit++)
		expect_errno(uc_dirty_set(&t->c, NO_ID, 1u << bit),
			     -EOPNOTSUPP);
}

static void set_of_no_paging_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t nested = nested_new(t, m.idev, parent_new(t, m.idev), 0);
	const uint32_t ids[] = { 0, NO_ID, m.idev, ioas_new(t), nested };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_dirty_set(&t->c, ids[i], ENABLE), -ENOENT);
}

static void set_of_an_hwpt_that_does_not_track_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { m.hwpt, hwpt_new(t, m.idev, ioas_new(t), 0) };

	for (unsigned int i = 0; i < 2; i++) {
		expect_errno(uc_dirty_set(&t->c, ids[i], ENABLE), -EOPNOTSUPP);
		expect_errno(uc_dirty_set(&t->c, ids[i], 0), -EOPNOTSUPP);
	}
}

static void set_reserved_member_is_not_looked_at(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_hwpt_set_dirty_tracking s = {
		.flags = ENABLE,
		.hwpt_id = d.hwpt,
		.__reserved = UINT32_MAX,
	};

	expect_ok(uc_do(&t->c, IOAS_ABI_HWPT_SET_DIRTY_TRACKING, &s));
	/* Nothing is written back, either. */
	expect_ok(do_read_only(t, IOAS_ABI_HWPT_SET_DIRTY_TRACKING, &s));
}

static void set_enable_forgets_what_was_dirty(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	/* Also a second time. */
	for (unsigned int i = 0; i < 2; i++) {
		soil(t, d.hwpt, IOVA, HALF);
		soil(t, d.hwpt, IOVA + (VA_PAGES - 1) * PAGE, HALF);
		expect_ok(uc_dirty_set(&t->c, d.hwpt, ENABLE));
		assert_int_equal(word_of(t, d.hwpt, IOVA, VA_PAGES * PAGE,
					 PAGE, 0),
				 0);
	}
}

static void set_off_keeps_what_was_dirty_for_the_reader(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_test_dirty s = { .iova = IOVA,
					 .length = HALF,
					 .page_size = HALF };
	const uint8_t bit = 1;

	soil(t, d.hwpt, IOVA + PAGE, HALF);
	expect_ok(uc_dirty_set(&t->c, d.hwpt, 0));
	expect_ok(uc_dirty_set(&t->c, d.hwpt, 0));
	/* Nothing is added. */
	expect_errno(uc_dirty(&t->c, d.hwpt, &s, &bit), -EINVAL);
	assert_int_equal(word_of(t, d.hwpt, IOVA, VA_PAGES * PAGE, PAGE, 0),
			 2);
	assert_int_equal(word_of(t, d.hwpt, IOVA, VA_PAGES * PAGE, PAGE, 0),
			 0);
}

static void set_is_off_at_first_and_can_be_read(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t hwpt = hwpt_new(t, m.idev, ioas, DIRTY);
	struct ioas_abi_test_dirty s = { .iova = IOVA,
					 .length = HALF,
					 .page_size = HALF };
	const uint8_t bit = 1;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_errno(uc_dirty(&t->c, hwpt, &s, &bit), -EINVAL);
	assert_int_equal(word_of(t, hwpt, IOVA, PAGE, PAGE, 0), 0);
}

/* ---- 6.13 GET_DIRTY_BITMAP: the rows ------------------------------------- */

static void get_unknown_flag_or_reserved_member_is_eopnotsupp(void **state)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = NO_ID,
						    .iova = U64,
						    .length = 3,
						    .data = VA_HOLE };

	for (unsigned int bit = 1; bit < 32; bit++) {
		s.flags = 1u << bit;
		expect_errno(get(*state, s), -EOPNOTSUPP);
	}
	s.flags = 0;
	s.__reserved = 1;
	expect_errno(get(*state, s), -EOPNOTSUPP);
}

static void get_of_no_paging_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t nested = nested_new(t, m.idev, parent_new(t, m.idev), 0);
	const uint32_t ids[] = { 0, NO_ID, m.idev, ioas_new(t), nested };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
					    .hwpt_id = ids[i],
					    .iova = U64,
					    .length = 3 }),
			     -ENOENT);
}

static void get_range_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	/* It does not track. */
	const struct uc_mock m = device_new(t, 0);

	expect_errno(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
				    .hwpt_id = m.hwpt,
				    .iova = U64,
				    .length = 3 }),
		     -EOVERFLOW);
	expect_errno(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
				    .hwpt_id = m.hwpt,
				    .iova = PAGE,
				    .length = U64 - PAGE + 2 }),
		     -EOVERFLOW);
}

static void get_of_no_byte_above_zero_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = d.hwpt,
						    .iova = IOVA,
						    .page_size = PAGE };

	expect_errno(get(t, s), -EOVERFLOW);
	s.iova = 1;
	expect_errno(get(t, s), -EOVERFLOW);
}

static void get_of_no_byte_at_zero_reports_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = d.hwpt };

	/* The later rows hold for it. */
	expect_errno(get(t, s), -EINVAL);
	s.page_size = PAGE;
	s.data = VA_HOLE;
	expect_ok(get(t, s));
	s.hwpt_id = d.m.hwpt;
	expect_errno(get(t, s), -EOPNOTSUPP);
}

static void get_misaligned_range_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	/* Of another space that has the same alignment, and does not track. */
	const uint32_t plain = hwpt_new(t, d.m.idev, ioas_new_aligned(t), 0);
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = plain,
						    .iova = IOVA + HALF,
						    .length = PAGE,
						    .page_size = HALF };

	expect_errno(get(t, s), -EINVAL);
	s.iova = IOVA;
	s.length = HALF;
	expect_errno(get(t, s), -EINVAL);
	s.length = 1;
	s.page_size = 1;
	expect_errno(get(t, s), -EINVAL);
	/* Both ends count, not the length. */
	s.iova = IOVA + HALF;
	s.length = HALF;
	expect_errno(get(t, s), -EINVAL);
}

static void get_alignment_is_that_of_the_space(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = hwpt_new(t, m.idev, ioas, DIRTY),
		.iova = IOVA + HALF,
		.length = PAGE,
		.page_size = HALF,
		.data = VA_RUN,
	};

	expect_ok(get(t, s));
	hwpt_huge_new(t, m.idev, ioas, 0);
	expect_errno(get(t, s), -EINVAL);
}

static void get_misaligned_to_the_page_size_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .hwpt_id = m.hwpt,
						    .iova = IOVA,
						    .length = PAGE };
	const uint64_t sizes[] = { 0, 2 * PAGE, UINT64_C(1) << 63, U64 };

	/* It does not track: EOPNOTSUPP, later. */
	for (unsigned int i = 0; i < 4; i++) {
		s.page_size = sizes[i];
		expect_errno(get(t, s), -EINVAL);
	}
	s.iova = IOVA + PAGE;
	s.page_size = 2 * PAGE;
	expect_errno(get(t, s), -EINVAL);
}

static void get_of_an_hwpt_that_does_not_track_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = m.hwpt,
		.iova = IOVA,
		.length = PAGE,
		.page_size = PAGE,
		.data = VA_HOLE,
	};

	expect_errno(get(t, s), -EOPNOTSUPP);
	s.hwpt_id = hwpt_new(t, m.idev, ioas_new(t), 0);
	expect_errno(get(t, s), -EOPNOTSUPP);
}

static void get_of_the_last_byte_of_all_is_no_overflow(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = d.hwpt,
		.iova = U64 - PAGE + 1,
		.length = PAGE,
		.page_size = PAGE,
		.data = VA_HOLE,
	};

	expect_ok(get(t, s));
	/* All that can be named, in bits of a byte: nothing is at zero. */
	s.iova = 0;
	s.length = U64 - PAGE + 1;
	s.page_size = 1;
	expect_ok(get(t, s));
}

/* ---- the bitmap ---------------------------------------------------------- */

static void bit_of_each_half_page_is_the_one_it_should_be(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	for (unsigned int i = 0; i < HALVES; i++) {
		uint8_t seen[HALVES / 8] = { 0 }, want[HALVES / 8] = { 0 };

		want[i / 8] = (uint8_t)(1u << i % 8);
		soil(t, d.hwpt, IOVA + i * HALF, HALF);
		read_bits(t, d.hwpt, IOVA, VA_PAGES * PAGE, HALF, 0, seen);
		assert_memory_equal(seen, want, sizeof(want));
	}
}

static void first_bit_is_the_iova_asked_for(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	soil(t, d.hwpt, IOVA + 2 * PAGE, HALF);
	soil(t, d.hwpt, IOVA + 5 * PAGE, HALF);
	soil(t, d.hwpt, IOVA + 9 * PAGE, HALF);
	assert_int_equal(word_of(t, d.hwpt, IOVA + 3 * PAGE, 6 * PAGE, PAGE, 0),
			 1u << 2);
	/* What was not asked for stays. */
	assert_int_equal(word_of(t, d.hwpt, IOVA, 16 * PAGE, PAGE, 0),
			 1u << 2 | 1u << 9);
}

static void reading_clears_what_it_reports(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	soil(t, d.hwpt, IOVA + 3 * PAGE, HALF);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, 0), 8);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, 0), 0);
}

static void no_clear_keeps_what_it_reports(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	soil(t, d.hwpt, IOVA + 3 * PAGE, HALF);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE,
					 NO_CLEAR),
				 8);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, 0), 8);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, NO_CLEAR),
			 0);
}

static void bits_are_only_set_and_none_beyond_the_length(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	uint8_t bytes[4] = { 0xc0, 0x5a, 0x81, 0x99 };

	for (unsigned int i = 0; i < 16; i++)
		soil(t, d.hwpt, IOVA + i * PAGE, HALF);
	sim_poke(t->h, VA_BITMAP, bytes, sizeof(bytes));
	/* Five bits; then eleven bits, of which none is dirty. */
	expect_ok(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
				 .hwpt_id = d.hwpt,
				 .iova = IOVA,
				 .length = 5 * PAGE,
				 .page_size = PAGE,
				 .data = VA_BITMAP }));
	expect_ok(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
				 .hwpt_id = d.hwpt,
				 .iova = IOVA + 20 * PAGE,
				 .length = 11 * PAGE,
				 .page_size = PAGE,
				 .data = VA_BITMAP + 1 }));
	sim_peek(t->h, VA_BITMAP, bytes, sizeof(bytes));
	assert_int_equal(bytes[0], 0xdf);
	assert_int_equal(bytes[1], 0x5a);
	assert_int_equal(bytes[2], 0x81);
	assert_int_equal(bytes[3], 0x99);
}

static void bitmap_may_have_any_alignment(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint64_t end = VA_BITMAP + PAGE;

	/* Over the end of a page of the bitmap, too. */
	for (uint64_t at = end - 17; at < end + 8; at++) {
		static const uint8_t none[18];
		uint8_t seen[18];

		for (unsigned int i = 0; i < HALVES; i += 2)
			soil(t, d.hwpt, IOVA + i * HALF, HALF);
		sim_poke(t->h, at - 1, none, sizeof(none));
		expect_ok(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
					 .hwpt_id = d.hwpt,
					 .iova = IOVA,
					 .length = VA_PAGES * PAGE,
					 .page_size = HALF,
					 .data = at }));
		sim_peek(t->h, at - 1, seen, sizeof(seen));
		assert_int_equal(seen[0], 0);
		assert_int_equal(seen[17], 0);
		for (unsigned int i = 1; i < 17; i++)
			assert_int_equal(seen[i], 0x55);
	}
}

static void smaller_page_size_sets_all_bits_of_an_entry(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	uint8_t bytes[PAGE / 8] = { 0 };

	soil(t, d.hwpt, IOVA + HALF, HALF);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 2 * PAGE, 512, 0), 0xf0);
	soil(t, d.hwpt, IOVA + HALF, HALF);
	/* One bit for each byte. */
	read_bits(t, d.hwpt, IOVA, PAGE, 1, 0, bytes);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], i < sizeof(bytes) / 2 ? 0 : 0xff);
}

static void larger_page_size_joins_the_bits_of_its_entries(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	soil(t, d.hwpt, IOVA + 3 * PAGE + HALF, HALF);
	soil(t, d.hwpt, IOVA + 8 * PAGE, HALF);
	soil(t, d.hwpt, IOVA + 9 * PAGE, HALF);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 16 * PAGE, 4 * PAGE,
				 NO_CLEAR),
			 1u << 0 | 1u << 2);
	/* Larger than the whole: one bit, if the end allows it. */
	assert_int_equal(word_of(t, d.hwpt, IOVA, 64 * PAGE, 64 * PAGE, 0), 1);
}

static void page_size_of_several_bits_counts_by_its_lowest(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = d.hwpt,
		.iova = IOVA,
		.length = 4 * PAGE,
		.page_size = 3 * PAGE,
		.data = VA_BITMAP,
	};
	uint8_t byte = 0;

	soil(t, d.hwpt, IOVA + PAGE, HALF);
	soil(t, d.hwpt, IOVA + 3 * PAGE, HALF);
	expect_ok(get(t, s));
	sim_peek(t->h, VA_BITMAP, &byte, 1);
	assert_int_equal(byte, 1u << 1 | 1u << 3);
	/* The mask is of one less: bit 1 of pages is in it, bit 0 is not. */
	s.length = PAGE;
	expect_ok(get(t, s));
	s.length = 2 * PAGE;
	expect_errno(get(t, s), -EINVAL);
	s.length = 3 * PAGE;
	expect_errno(get(t, s), -EINVAL);
	/* Of both ends, not of the length. */
	s.iova = IOVA + PAGE;
	expect_ok(get(t, s));
	s.length = PAGE;
	expect_errno(get(t, s), -EINVAL);
}

static void report_ends_at_the_first_gap(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint64_t next = IOVA + VA_PAGES * PAGE;

	/* | 64 pages | 2 pages | gap | 2 pages | */
	expect_ok(uc_map_fixed(&t->c, d.ioas, VA_SCATTERED, 2 * PAGE, UC_RW,
			       next));
	expect_ok(uc_map_fixed(&t->c, d.ioas, VA_SCATTERED, 2 * PAGE, UC_RW,
			       next + 3 * PAGE));
	soil(t, d.hwpt, next - PAGE, HALF);
	soil(t, d.hwpt, next + PAGE, HALF);
	soil(t, d.hwpt, next + 3 * PAGE, HALF);
	/* Over the border of two areas, not over the gap. */
	assert_int_equal(word_of(t, d.hwpt, next - 2 * PAGE, 8 * PAGE, PAGE, 0),
			 1u << 1 | 1u << 3);
	/* From a gap on: nothing. */
	assert_int_equal(word_of(t, d.hwpt, next + 2 * PAGE, 4 * PAGE, PAGE, 0),
			 0);
	assert_int_equal(word_of(t, d.hwpt, IOVA - PAGE, 4 * PAGE, PAGE, 0),
			 0);
	/* What was not reported is still there. */
	assert_int_equal(word_of(t, d.hwpt, next + 3 * PAGE, 4 * PAGE, PAGE, 0),
			 1);
}

static void inaccessible_page_of_the_bitmap_is_skipped(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	/* With a bit for each byte eight pages of bitmap: 2 and 5 are not. */
	const uint64_t at = VA_BITMAP + 4 * PAGE;

	sim_unmap_memory(t->h, at + 2 * PAGE, PAGE);
	assert_int_equal(ioas_sim_protect(t->p->memory, at / PAGE + 5, 1,
					  IOAS_SIM_READ_ONLY),
			 0);
	for (unsigned int i = 0; i < HALVES; i++)
		soil(t, d.hwpt, IOVA + i * HALF, HALF);
	expect_ok(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
				 .hwpt_id = d.hwpt,
				 .iova = IOVA,
				 .length = VA_PAGES * PAGE,
				 .page_size = 1,
				 .data = at }));
	for (unsigned int i = 0; i < 8; i++) {
		uint8_t seen[2];

		if (i == 2)
			continue;
		sim_peek(t->h, at + i * PAGE, &seen[0], 1);
		sim_peek(t->h, at + i * PAGE + PAGE - 1, &seen[1], 1);
		assert_int_equal(seen[0], i == 5 ? 0 : 0xff);
		assert_int_equal(seen[1], i == 5 ? 0 : 0xff);
	}
}

static void inaccessible_bitmap_is_no_error(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint64_t at[] = { 0, VA_HOLE, VA_READ_ONLY, U64, U64 - 7 };

	for (unsigned int i = 0; i < 5; i++) {
		soil(t, d.hwpt, IOVA, HALF);
		soil(t, d.hwpt, IOVA + 63 * PAGE, HALF);
		expect_ok(get(t, (struct ioas_abi_hwpt_get_dirty_bitmap){
					 .hwpt_id = d.hwpt,
					 .iova = IOVA,
					 .length = VA_PAGES * PAGE,
					 .page_size = HALF,
					 .data = at[i] }));
	}
}

/* ---- what is dirty ------------------------------------------------------- */

static void each_hwpt_has_its_own_state(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const uint32_t other = hwpt_new(t, d.m.idev, d.ioas, DIRTY);

	expect_ok(uc_dirty_set(&t->c, other, ENABLE));
	soil(t, d.hwpt, IOVA, HALF);
	soil(t, other, IOVA + PAGE, HALF);
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, 0), 1);
	assert_int_equal(word_of(t, other, IOVA, 8 * PAGE, PAGE, 0), 2);
}

static void unmapped_memory_takes_its_state_along(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);

	soil(t, d.hwpt, IOVA + PAGE, HALF);
	expect_ok(uc_unmap(&t->c, d.ioas, IOVA, VA_PAGES * PAGE, NULL));
	expect_ok(uc_map_fixed(&t->c, d.ioas, VA_RUN, VA_PAGES * PAGE, UC_RW,
			       IOVA));
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, PAGE, 0), 0);
}

static void software_that_writes_makes_nothing_dirty(void **state)
{
	struct uapi_test *t = *state;
	const struct tracked d = tracked_new(t);
	const int access = access_new(t, d.ioas);
	uint8_t data[16] = { 1 };

	expect_ok(uc_access_rw(&t->c, access, IOVA, data, sizeof(data),
			       IOAS_ABI_MOCK_ACCESS_RW_WRITE));
	assert_int_equal(word_of(t, d.hwpt, IOVA, 8 * PAGE, HALF, 0), 0);
}

/*
 * @length bytes of memory in one run that begins at a multiple of a large page;
 * the address.
 */
static uint64_t large_memory(struct uapi_test *t, uint64_t length)
{
	const uint64_t va = 0x8000000, large = LARGE / PAGE;
	ioas_pfn_t pfn;

	sim_map_memory(t->h, va, length + LARGE, IOAS_SIM_CONSECUTIVE, 0);
	assert_true(ioas_sim_frame_at(t->p->memory, va / PAGE, &pfn));
	return va + (large - pfn % large) % large * PAGE;
}

static uint32_t huge_tracked(struct uapi_test *t, uint32_t ioas)
{
	const struct uc_mock m = device_new(t, 0);
	const uint32_t hwpt = hwpt_huge_new(t, m.idev, ioas, DIRTY);

	expect_ok(uc_dirty_set(&t->c, hwpt, ENABLE));
	return hwpt;
}

static void large_entry_is_dirty_as_a_whole(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t va = large_memory(t, 2 * LARGE);
	const uint32_t ioas = ioas_new(t), hwpt = huge_tracked(t, ioas);
	uint8_t bytes[2 * LARGE / PAGE / 8] = { 0 };

	expect_ok(uc_map_fixed(&t->c, ioas, va, 2 * LARGE, UC_RW, IOVA));
	/* One byte of the second. */
	soil(t, hwpt, IOVA + LARGE + 12345, 1);
	read_bits(t, hwpt, IOVA, 2 * LARGE, PAGE, NO_CLEAR, bytes);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], i < sizeof(bytes) / 2 ? 0 : 0xff);
	assert_int_equal(word_of(t, hwpt, IOVA, 2 * LARGE, LARGE, NO_CLEAR),
			 2);
	/* A page of it tells as well. */
	assert_int_equal(word_of(t, hwpt, IOVA + LARGE, PAGE, PAGE, 0), 1);
}

static void largest_page_size_has_one_bit(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t), hwpt = huge_tracked(t, ioas);
	const uint64_t half = UINT64_C(1) << 63;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, 0));
	assert_int_equal(word_of(t, hwpt, 0, half, half, 0), 0);
	soil(t, hwpt, HALF, 1);
	assert_int_equal(word_of(t, hwpt, 0, half, half, 0), 1);
}

static void misaligned_memory_has_no_large_entry(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t va = large_memory(t, 2 * LARGE);
	const uint32_t ioas = ioas_new(t), hwpt = huge_tracked(t, ioas);
	const uint64_t at[] = { IOVA, IOVA + 4 * LARGE + PAGE };

	/* The memory is not aligned; the IOVA is not. */
	expect_ok(uc_map_fixed(&t->c, ioas, va + PAGE, LARGE, UC_RW, at[0]));
	expect_ok(uc_map_fixed(&t->c, ioas, va, LARGE, UC_RW, at[1]));
	for (unsigned int i = 0; i < 2; i++) {
		soil(t, hwpt, at[i] + 3 * PAGE, 1);
		assert_int_equal(word_of(t, hwpt, at[i], 64 * PAGE, PAGE, 0),
				 8);
	}
}

static void scattered_memory_has_no_large_entry(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t), hwpt = huge_tracked(t, ioas);

	expect_ok(uc_map_fixed(&t->c, ioas, VA_SCATTERED, VA_PAGES * PAGE,
			       UC_RW, IOVA));
	soil(t, hwpt, IOVA + 7 * PAGE + 1, 1);
	assert_int_equal(word_of(t, hwpt, IOVA, 64 * PAGE, PAGE, 0), 1u << 7);
	/* Half of an entry is asked for: both are. */
	soil(t, hwpt, IOVA + PAGE + HALF, HALF);
	assert_int_equal(word_of(t, hwpt, IOVA, 4 * PAGE, HALF, 0),
			 1u << 2 | 1u << 3);
}

static void without_large_pages_no_entry_is_large(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t va = large_memory(t, 2 * LARGE);
	const uint32_t ioas = ioas_new_aligned(t), hwpt = huge_tracked(t, ioas);

	expect_ok(uc_map_fixed(&t->c, ioas, va, LARGE, UC_RW, IOVA));
	soil(t, hwpt, IOVA + PAGE + 1, 1);
	assert_int_equal(word_of(t, hwpt, IOVA, 64 * PAGE, PAGE, 0), 2);
}

static void entries_of_the_default_table_report_what_they_cover(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t hwpt = hwpt_new(t, m.idev, ioas, DIRTY);

	/* Whatever their size: what was written is among it, then gone. */
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, VA_PAGES * PAGE, UC_RW,
			       IOVA));
	expect_ok(uc_dirty_set(&t->c, hwpt, ENABLE));
	for (unsigned int i = 0; i < VA_PAGES; i++) {
		soil(t, hwpt, IOVA + i * PAGE, HALF);
		assert_true(word_of(t, hwpt, IOVA, 64 * PAGE, PAGE, 0) >> i &
			    1);
		assert_int_equal(word_of(t, hwpt, IOVA, 64 * PAGE, PAGE, 0),
				 0);
	}
}

static void half_pages_at_the_ends_are_reported(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t hwpt = hwpt_new(t, m.idev, ioas, DIRTY);

	/* | half page | page | half page | */
	expect_ok(uc_map_fixed(&t->c, ioas, VA_SCATTERED + HALF, 2 * PAGE,
			       UC_RW, IOVA + HALF));
	expect_ok(uc_dirty_set(&t->c, hwpt, ENABLE));
	soil(t, hwpt, IOVA + HALF, HALF);
	soil(t, hwpt, IOVA + 2 * PAGE, HALF);
	assert_int_equal(word_of(t, hwpt, IOVA + HALF, 2 * PAGE, HALF, 0),
			 1u << 0 | 1u << 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(set_unknown_flag_is_eopnotsupp),
		uapi_case(set_of_no_paging_hwpt_is_enoent),
		uapi_case(set_of_an_hwpt_that_does_not_track_is_eopnotsupp),
		uapi_case(set_reserved_member_is_not_looked_at),
		uapi_case(set_enable_forgets_what_was_dirty),
		uapi_case(set_off_keeps_what_was_dirty_for_the_reader),
		uapi_case(set_is_off_at_first_and_can_be_read),
		uapi_case(get_unknown_flag_or_reserved_member_is_eopnotsupp),
		uapi_case(get_of_no_paging_hwpt_is_enoent),
		uapi_case(get_range_that_wraps_is_eoverflow),
		uapi_case(get_of_no_byte_above_zero_is_eoverflow),
		uapi_case(get_of_no_byte_at_zero_reports_nothing),
		uapi_case(get_misaligned_range_is_einval),
		uapi_case(get_alignment_is_that_of_the_space),
		uapi_case(get_misaligned_to_the_page_size_is_einval),
		uapi_case(get_of_an_hwpt_that_does_not_track_is_eopnotsupp),
		uapi_case(get_of_the_last_byte_of_all_is_no_overflow),
		uapi_case(bit_of_each_half_page_is_the_one_it_should_be),
		uapi_case(first_bit_is_the_iova_asked_for),
		uapi_case(reading_clears_what_it_reports),
		uapi_case(no_clear_keeps_what_it_reports),
		uapi_case(bits_are_only_set_and_none_beyond_the_length),
		uapi_case(bitmap_may_have_any_alignment),
		uapi_case(smaller_page_size_sets_all_bits_of_an_entry),
		uapi_case(larger_page_size_joins_the_bits_of_its_entries),
		uapi_case(page_size_of_several_bits_counts_by_its_lowest),
		uapi_case(report_ends_at_the_first_gap),
		uapi_case(inaccessible_page_of_the_bitmap_is_skipped),
		uapi_case(inaccessible_bitmap_is_no_error),
		uapi_case(each_hwpt_has_its_own_state),
		uapi_case(unmapped_memory_takes_its_state_along),
		uapi_case(software_that_writes_makes_nothing_dirty),
		uapi_case(large_entry_is_dirty_as_a_whole),
		uapi_case(largest_page_size_has_one_bit),
		uapi_case(misaligned_memory_has_no_large_entry),
		uapi_case(scattered_memory_has_no_large_entry),
		uapi_case(without_large_pages_no_entry_is_large),
		uapi_case(entries_of_the_default_table_report_what_they_cover),
		uapi_case(half_pages_at_the_ends_are_reported),
	};

	return cmocka_run_group_tests_name("dirty pages", tests, NULL, NULL);
}
