/* SPDX-License-Identifier: MIT */
/*
 * t_pt_ops: map and translate in every format
 *
 * The rules are those of docs/reference/page-tables.md 3, 4.1, 4.2, 4.4, 9.
 * After each case a walker that shares no code finds in the mirror what the
 * page table says (pt_kit.h).
 */
#include "pt_each_test.h"

#include <string.h>

#define NR(a) (sizeof(a) / sizeof((a)[0]))

/* ---- errors, in order of precedence (4.1) ------------------------------- */

/* The request fails so, and nothing is mapped that was not. */
static void refused(struct kit *k, uint64_t iova, uint64_t oa, uint64_t length,
		    uint32_t prot, int expected)
{
	struct kit_leaves before, after;
	int ret;

	kit_leaves(k->pt, &before);
	ret = kit_map(k, iova, oa, length, prot);
	if (ret != expected)
		fail_msg("%s: map %llx -> %llx of %llx: %d, not %d",
			 k->f->name, (unsigned long long)iova,
			 (unsigned long long)oa, (unsigned long long)length,
			 ret, expected);
	kit_leaves(k->pt, &after);
	assert_true(kit_leaves_equal(&before, &after));
	kit_leaves_free(&before);
	kit_leaves_free(&after);
}

/* An output address that is too wide; 0: the format has all 64 bits. */
static uint64_t wide_oa(const struct kit *k)
{
	return oa_last_of(k) + 1;
}

/* An IOVA outside, behind the lower half, with room for an overflow or not. */
static uint64_t outside(const struct kit *k)
{
	return kit_last(k->f) + 1;
}

#define UNKNOWN (KIT_RW | 1u << 31)

static void no_permission_comes_first_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	refused(k, 0, 0, g, 0, -EINVAL);
	refused(k, 0, 0, g, IOAS_PT_CACHE | IOAS_PT_NOEXEC | IOAS_PT_MMIO |
			    IOAS_PT_PRIV, -EINVAL);
	refused(k, 0, wide_oa(k), g, 0, -EINVAL);
	refused(k, (uint64_t)-g, 0, 2 * g, 0, -EINVAL);
	refused(k, outside(k), 0, g, 0, -EINVAL);
}

EACH_FORMAT(no_permission_comes_first)

static void a_wide_output_comes_second_of(struct kit *k)
{
	uint64_t g = granule_of(k), oa = wide_oa(k);

	if (!oa)
		return;
	refused(k, 0, oa, g, KIT_RW, -ERANGE);
	refused(k, 0, oa, g, UNKNOWN, -ERANGE);
	refused(k, 0, oa, 0, KIT_RW, -ERANGE);
	refused(k, (uint64_t)-g, oa, 2 * g, KIT_RW, -ERANGE);
	refused(k, 1, oa, g, KIT_RW, -ERANGE);
	/* The last of the request counts as well (9.8). */
	refused(k, 0, oa - g, 2 * g, KIT_RW, -ERANGE);
	refused(k, 0, oa - g, 2 * g, UNKNOWN, -ERANGE);
	refused(k, 0, oa - g, g + 1, KIT_RW, -ERANGE);
	kit_mapped(k, 0, oa - g, g);
}

EACH_FORMAT(a_wide_output_comes_second)

/* What cannot be said in 64 bits is too wide for each format. */
static void an_output_of_more_than_64_bits_is_erange_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	const struct ioas_run run = { UINT64_MAX, 1 };
	const struct ioas_pt_map rq = { .runs = &run, .nr_runs = 1,
					.page_lg2 = k->f->granule_lg2,
					.length = g, .prot = UNKNOWN };

	assert_int_equal(ioas_pt_map(k->pt, &rq), -ERANGE);
	refused(k, 0, (uint64_t)-g, 2 * g, UNKNOWN, -ERANGE);
	refused(k, 0, (uint64_t)-g, 2 * g, KIT_RW, -ERANGE);
}

EACH_FORMAT(an_output_of_more_than_64_bits_is_erange)

static void a_permission_that_cannot_be_said_comes_third_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	refused(k, 0, 0, g, UNKNOWN, -EINVAL);
	refused(k, 0, 0, g, KIT_RW | 64, -EINVAL);
	refused(k, (uint64_t)-g, 0, 2 * g, UNKNOWN, -EINVAL);
	refused(k, outside(k), 0, g, UNKNOWN, -EINVAL);
}

EACH_FORMAT(a_permission_that_cannot_be_said_comes_third)

static void require_write(struct ioas_pt_params *params)
{
	params->flags |= IOAS_PT_REQUIRE_WRITE;
}

static void vtdss_can_require_write(void **state)
{
	struct kit *k = kit_new(kit_find("vtdss 3 levels"), require_write);

	(void)state;
	refused(k, 0, 0, 4096, IOAS_PT_READ, -EINVAL);
	refused(k, (uint64_t)-4096, 0, 8192, IOAS_PT_READ, -EINVAL);
	refused(k, 0, wide_oa(k), 4096, IOAS_PT_READ, -ERANGE);
	assert_int_equal(kit_map(k, 0, 0, 4096, IOAS_PT_WRITE), 0);
	kit_check(k);
	kit_free(k);
}

static void no_length_comes_fourth_of(struct kit *k)
{
	refused(k, 0, 0, 0, KIT_RW, -EINVAL);
	refused(k, UINT64_MAX, 0, 0, KIT_RW, -EINVAL);
	refused(k, outside(k), 0, 0, KIT_RW, -EINVAL);
}

EACH_FORMAT(no_length_comes_fourth)

static void overflow_comes_fifth_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	refused(k, (uint64_t)-g, 0, 2 * g, KIT_RW, -EOVERFLOW);
	refused(k, (uint64_t)-g, 0, g + 1, KIT_RW, -EOVERFLOW);
	refused(k, (uint64_t)-g + 1, 0, g, KIT_RW, -EOVERFLOW);
	refused(k, (uint64_t)-g, 1, 2 * g, KIT_RW, -EOVERFLOW);
}

EACH_FORMAT(overflow_comes_fifth)

/* Heads and tails, before anything is mapped (9.5). */
static void misalignment_comes_sixth_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	refused(k, 1, 0, g, KIT_RW, -EINVAL);
	refused(k, g / 2, 0, g, KIT_RW, -EINVAL);
	refused(k, 0, g / 2, g, KIT_RW, -EINVAL);
	refused(k, 0, 0, g / 2, KIT_RW, -EINVAL);
	refused(k, 0, 0, g + 1, KIT_RW, -EINVAL);
	refused(k, 0, 0, 5 * g - 1, KIT_RW, -EINVAL);
	if (outside(k)) {
		refused(k, outside(k) + g / 2, 0, g, KIT_RW, -EINVAL);
		refused(k, outside(k) - g, 0, g + 1, KIT_RW, -EINVAL);
	}
	kit_mapped(k, 0, 0, g);
	refused(k, 0, 0, g / 2, KIT_RW, -EINVAL);
	/* No table was made for any of them. */
	assert_true(k->live <= 1u + k->f->levels);
}

EACH_FORMAT(misalignment_comes_sixth)

static void outside_comes_seventh_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);

	if (last == UINT64_MAX)
		return;
	refused(k, last + 1, 0, g, KIT_RW, -ERANGE);
	refused(k, last + 1 - g, 0, 2 * g, KIT_RW, -ERANGE);
	kit_mapped(k, last + 1 - g, 0, g);
	refused(k, last + 1 - g, 0, 2 * g, KIT_RW, -ERANGE);
	refused(k, ((uint64_t)1 << 63) - g, 0, 2 * g, KIT_RW, -ERANGE);
	if (!kit_signed(k->f))
		refused(k, (uint64_t)-g, 0, g, KIT_RW, -ERANGE);
}

EACH_FORMAT(outside_comes_seventh)

/* Both ends have to lie in the same half (9.1). */
static void a_range_stays_in_its_half_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f), upper = ~last;

	if (!kit_signed(k->f))
		return;
	refused(k, last + 1 - g, 0, 2 * g, KIT_RW, -ERANGE);
	refused(k, upper - g, 0, 2 * g, KIT_RW, -ERANGE);
	/* From one half into the other: both ends are canonical. */
	refused(k, last + 1 - g, 0, upper - last - 1 + 2 * g, KIT_RW,
		oa_last_of(k) < upper - last ? -ERANGE : 0);
	refused(k, last + 1, 0, g, KIT_RW, -ERANGE);
	refused(k, upper - g, 0, g, KIT_RW, -ERANGE);
	kit_mapped(k, last + 1 - g, 0, g);
	kit_mapped(k, upper, g, g);
	kit_mapped(k, (uint64_t)-g, 2 * g, g);
	assert_true(kit_oa(k->pt, last) == g - 1);
	assert_true(kit_oa(k->pt, upper) == g);
	assert_true(kit_oa(k->pt, UINT64_MAX) == 3 * g - 1);
	assert_true(kit_oa(k->pt, last + 1) == UINT64_MAX);
	assert_true(kit_oa(k->pt, upper - 1) == UINT64_MAX);
}

EACH_FORMAT(a_range_stays_in_its_half)

static void what_is_mapped_comes_before_memory_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	kit_mapped(k, 0, 0, g);
	k->budget = 0;
	refused(k, 0, 0, g, KIT_RW, -EADDRINUSE);
	/* Needs no table. */
	kit_mapped(k, g, 4 * g, g);
	refused(k, 0, 0, 3 * g, KIT_RW, -EADDRINUSE);
	refused(k, outside(k) ? outside(k) - g : (uint64_t)-g, 0, g, KIT_RW,
		-ENOMEM);
}

EACH_FORMAT(what_is_mapped_comes_before_memory)

/* The first piece fits, the second meets what is mapped. */
static void work_in_part_is_undone_of(struct kit *k)
{
	uint64_t g = granule_of(k), at = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	struct kit_leaves one;

	kit_mapped(k, at + g, 7 * g, g);
	refused(k, at - 3 * g, 0, 6 * g, KIT_RW, -EADDRINUSE);
	refused(k, at - 3 * g, at - 3 * g, 6 * g, KIT_RW, -EADDRINUSE);
	refused(k, 0, 0, at + 2 * g, KIT_RW, -EADDRINUSE);
	refused(k, at, at, g * 2, KIT_RW, -EADDRINUSE);
	kit_leaves(k->pt, &one);
	assert_int_equal(one.nr, 1);
	kit_leaves_free(&one);
}

EACH_FORMAT(work_in_part_is_undone)

static void a_page_under_a_leaf_is_refused_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);

		if (!fits(k, lg2))
			continue;
		kit_mapped(k, size, size, size);
		refused(k, size, 0, g, KIT_RW, -EADDRINUSE);
		refused(k, size + size / 2, 0, g, KIT_RW,
			lg2 == k->f->granule_lg2 ? -EINVAL : -EADDRINUSE);
		refused(k, 2 * size - g, 0, g, KIT_RW, -EADDRINUSE);
		refused(k, size, size, size, KIT_RW, -EADDRINUSE);
		kit_unmap(k, size, 2 * size - 1);
	}
}

EACH_FORMAT(a_page_under_a_leaf_is_refused)

/* ---- sizes (3) ---------------------------------------------------------- */

/* The three conditions, one size after the other. */
static unsigned int best_size(uint64_t sizes, uint64_t iova, uint64_t oa,
			      uint64_t left)
{
	for (unsigned int lg2 = 63; lg2; lg2--) {
		uint64_t size = KIT_PGSIZE(lg2);

		if (sizes & size && !(iova % size) && !(oa % size) &&
		    size <= left)
			return lg2;
	}
	fail_msg("no size fits");
	return 0;
}

/* Leaves of a page table in which only @rq is mapped. */
static uint64_t check_sizes(struct kit *k, const struct kit_request *rq,
			    uint64_t sizes)
{
	uint64_t iova = rq->iova, oa = rq->oa, left = rq->length;
	struct kit_leaves l;
	size_t i;

	kit_leaves(k->pt, &l);
	for (i = 0; left; i++) {
		unsigned int lg2 = best_size(sizes, iova, oa, left);

		assert_true(i < l.nr);
		if (l.leaf[i].iova != iova || l.leaf[i].oa != oa ||
		    l.leaf[i].lg2 != lg2)
			fail_msg("%s: leaf %zu is 2^%u, not 2^%u", k->f->name,
				 i, l.leaf[i].lg2, lg2);
		iova += KIT_PGSIZE(lg2);
		oa += KIT_PGSIZE(lg2);
		left -= KIT_PGSIZE(lg2);
	}
	assert_int_equal(i, l.nr);
	kit_leaves_free(&l);
	return i;
}

/*
 * One walk and a word for each leaf, also where leaves are groups: units of
 * items and of leaves are not mixed up (9.9).
 */
static void leaves_are_as_large_as_they_can_be_of(struct kit *k)
{
	struct prng rng = { 5 };

	for (int n = 0; n < 24; n++) {
		struct ioas_pt_stats before, after;
		struct kit_request rq;

		kit_random(k->f, &rng, &rq);
		ioas_pt_stats(k->pt, &before);
		kit_mapped(k, rq.iova, rq.oa, rq.length);
		ioas_pt_stats(k->pt, &after);
		assert_int_equal(after.leaves_written - before.leaves_written,
				 check_sizes(k, &rq, k->f->pgsizes));
		assert_true(after.walks - before.walks <= 2);
		kit_empty(k);
	}
}

EACH_FORMAT(leaves_are_as_large_as_they_can_be)

static void fewer_sizes_give_smaller_leaves_of(struct kit *k)
{
	struct prng rng = { 6 };
	uint64_t granule = granule_of(k);

	for (int n = 0; n < 12; n++) {
		uint64_t sizes = (k->f->pgsizes & prng_next(&rng)) | granule;
		struct kit_request rq;

		kit_random(k->f, &rng, &rq);
		if (rq.length > 900 * granule)
			rq.length = 900 * granule;
		assert_int_equal(ioas_pt_set_pgsizes(k->pt, sizes), 0);
		kit_mapped(k, rq.iova, rq.oa, rq.length);
		check_sizes(k, &rq, sizes);
		kit_empty(k);
	}
}

EACH_FORMAT(fewer_sizes_give_smaller_leaves)

static void a_larger_granule_is_asked_of_all_addresses_of(struct kit *k)
{
	uint64_t g = granule_of(k), sizes = k->f->pgsizes & ~g;
	uint64_t larger = sizes & -sizes;

	assert_int_equal(ioas_pt_set_pgsizes(k->pt, sizes), 0);
	refused(k, g, 0, larger, KIT_RW, -EINVAL);
	refused(k, 0, g, larger, KIT_RW, -EINVAL);
	refused(k, 0, 0, larger + g, KIT_RW, -EINVAL);
	kit_mapped(k, larger, 0, larger);
	kit_assert_leaf(k, larger, larger, 0, ioas_ctz(larger));
}

EACH_FORMAT(a_larger_granule_is_asked_of_all_addresses)

static void leaves_are_no_larger_than_their_bound_of(struct kit *k)
{
	uint64_t g = granule_of(k), length = 3 * KIT_PGSIZE(
		kit_item_lg2(k->f, 1));
	const struct ioas_run run = { 0, length };

	if (length - 1 > oa_last_of(k) || length > 9000 * g)
		length = 512 * g;
	for (uint64_t bound = 1; bound && bound <= length; bound *= 2) {
		uint64_t sizes = k->f->pgsizes & (2 * bound - 1);
		const struct ioas_pt_map rq = {
			.runs = &run, .nr_runs = 1, .length = length,
			.prot = KIT_RW, .max_leaf = bound + bound / 2,
		};
		const struct kit_request check = { .length = length };

		if (!sizes) {
			assert_int_equal(ioas_pt_map(k->pt, &rq), -EINVAL);
			continue;
		}
		if (run.nr != length)
			continue;
		assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
		check_sizes(k, &check, sizes);
		kit_empty(k);
	}
}

EACH_FORMAT(leaves_are_no_larger_than_their_bound)

static void leaves_keep_to_their_runs_of(struct kit *k)
{
	uint64_t g = granule_of(k), sizes = k->f->pgsizes & ~g;
	uint64_t size = sizes & -sizes;
	const struct ioas_run runs[] = {
		{ size, size - g }, { 2 * size - g, g }, { 2 * size, size },
	};
	const struct ioas_pt_map rq = {
		.iova = size, .runs = runs, .nr_runs = 3, .length = 2 * size,
		.prot = KIT_RW,
	};
	uint64_t oa, length;

	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	kit_assert_leaf(k, 2 * size - g, 2 * size - g, 2 * size - g,
			k->f->granule_lg2);
	kit_assert_leaf(k, 2 * size, 2 * size, 2 * size, ioas_ctz(size));
	/* They are contiguous all the same. */
	assert_int_equal(ioas_pt_translate_run(k->pt, size, UINT64_MAX, NULL,
					       &oa, &length), 0);
	assert_int_equal(oa, size);
	assert_int_equal(length, 2 * size);
}

EACH_FORMAT(leaves_keep_to_their_runs)

/* The second run is too wide, or does not fit the granule. */
static void later_runs_are_checked_too_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	struct ioas_run runs[] = { { 0, g }, { wide_oa(k), g } };
	struct ioas_pt_map rq = { .runs = runs, .nr_runs = 2,
				  .length = 2 * g, .prot = KIT_RW };

	if (wide_oa(k))
		assert_int_equal(ioas_pt_map(k->pt, &rq), -ERANGE);
	runs[1].pfn = wide_oa(k) - g / 2;
	assert_int_equal(ioas_pt_map(k->pt, &rq), -ERANGE);
	runs[1].pfn = g / 2;
	assert_int_equal(ioas_pt_map(k->pt, &rq), -EINVAL);
	runs[1] = (struct ioas_run){ g, g / 2 };
	assert_int_equal(ioas_pt_map(k->pt, &rq), -EINVAL);
	runs[1] = (struct ioas_run){ g, 0 };
	assert_int_equal(ioas_pt_map(k->pt, &rq), -EINVAL);
	assert_true(kit_oa(k->pt, 0) == UINT64_MAX);
}

EACH_FORMAT(later_runs_are_checked_too)

/* ---- emptied tables (4.2, 9.3) ------------------------------------------ */

/* While walkers are told, the item that pointed to a table is empty. */
static void item_is_empty(struct kit *k, const struct kit_event *e)
{
	const uint64_t *const *item = k->probe_ctx;

	if (e->kind == KIT_INVALIDATE || e->kind == KIT_SYNC)
		assert_int_equal(**item, 0);
}

/*
 * One page in item @n of a leaf of 2^@lg2 bytes was mapped and is gone; its
 * tables, of as many levels as there are, make room for the leaf.
 */
static void replace_emptied(struct kit *k, unsigned int lg2, unsigned int n)
{
	unsigned int level = kit_level_of(k->f, lg2);
	uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);
	uint64_t item_size = KIT_PGSIZE(kit_item_lg2(k->f, level));
	uint64_t at = size + n * item_size;
	const uint64_t *item;
	struct ioas_pt_stats before, after;

	kit_mapped(k, at + item_size - g, 0, g);
	kit_unmap(k, at + item_size - g, at + item_size - 1);
	ioas_pt_sync(k->pt);
	item = kit_item(k, at, level);
	assert_non_null(kit_child(k, level, item_load(item)));
	kit_forget(k);
	k->probe = item_is_empty;
	k->probe_ctx = &item;
	ioas_pt_stats(k->pt, &before);
	kit_mapped(k, size, 2 * size, size);
	ioas_pt_stats(k->pt, &after);
	k->probe = NULL;
	kit_assert_invalidated(k, at, at + item_size - 1, true);
	assert_int_equal(kit_count(k, KIT_SYNC), 1);
	assert_int_equal(after.tables_freed - before.tables_freed, level);
	kit_assert_leaf(k, at, size, 2 * size, lg2);
	kit_check(k);
	kit_unmap(k, size, 2 * size - 1);
	ioas_pt_sync(k->pt);
}

static void emptied_tables_make_room_for_a_leaf_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		if (!fits(k, lg2) || !kit_level_of(k->f, lg2))
			continue;
		replace_emptied(k, lg2, 0);
		replace_emptied(k, lg2, nr_items_of(k, lg2) - 1);
		replace_emptied(k, lg2, nr_items_of(k, lg2) / 2);
	}
}

EACH_FORMAT(emptied_tables_make_room_for_a_leaf)

/* Only the items that changed: from the first to the last of them. */
static void replacing_tables_invalidates_no_more_of(struct kit *k)
{
	unsigned int lg2 = kit_item_lg2(k->f, 1);
	uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);

	if (!(k->f->pgsizes & size) || !fits(k, lg2 + 3) ||
	    9 * size - 1 > oa_last_of(k))
		return;
	kit_mapped(k, 3 * size, 0, g);
	kit_mapped(k, 5 * size, 0, g);
	kit_unmap(k, 3 * size, 3 * size + g - 1);
	kit_unmap(k, 5 * size, 5 * size + g - 1);
	kit_forget(k);
	kit_mapped(k, size, 0, 8 * size);
	kit_assert_invalidated(k, 3 * size, 6 * size - 1, true);
}

EACH_FORMAT(replacing_tables_invalidates_no_more)

/* A live leaf of any size, at the end of the place where the leaf would be. */
static void a_leaf_over_a_live_one_is_refused_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2);

		for (unsigned int s = lg2; fits(k, lg2) && s; ) {
			uint64_t small;

			s = size_below(k, s);
			if (!s)
				break;
			small = KIT_PGSIZE(s);
			kit_mapped(k, 2 * size - small, 0, small);
			kit_forget(k);
			refused(k, size, size, size, KIT_RW, -EADDRINUSE);
			refused(k, 0, 0, 2 * size, KIT_RW, -EADDRINUSE);
			assert_true(kit_oa(k->pt, 2 * size - 1) == small - 1);
			kit_empty(k);
		}
	}
}

EACH_FORMAT(a_leaf_over_a_live_one_is_refused)

/* ---- translation (4.4, 9.4) --------------------------------------------- */

static void output_address_0_is_an_address_of(struct kit *k)
{
	uint64_t g = granule_of(k), oa = 1, length = 0;

	kit_mapped(k, g, 0, g);
	assert_int_equal(ioas_pt_translate_run(k->pt, g, 2 * g - 1, NULL, &oa,
					       &length), 0);
	assert_int_equal(oa, 0);
	assert_int_equal(length, g);
}

EACH_FORMAT(output_address_0_is_an_address)

static void what_is_not_mapped_is_enoent_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);
	const uint64_t at[] = { 0, 2 * g, last - g + 1, last, last + 1,
				UINT64_MAX, (uint64_t)1 << 63 };

	kit_mapped(k, g, 0, g);
	for (unsigned int i = 0; i < NR(at); i++) {
		struct ioas_pt_leaf leaf;
		struct ioas_pt_hit hit;
		uint64_t oa = 7, length = 7;

		assert_int_equal(ioas_pt_translate_run(k->pt, at[i],
						       UINT64_MAX, NULL, &oa,
						       &length), -ENOENT);
		assert_int_equal(oa, 7);
		assert_int_equal(ioas_pt_leaf(k->pt, at[i], &leaf), -ENOENT);
		assert_int_equal(ioas_pt_lookup(k->pt, at[i], &hit), -ENOENT);
	}
}

EACH_FORMAT(what_is_not_mapped_is_enoent)

/* Every size, first and last byte, at both ends of each half. */
static void each_size_translates_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), last = kit_last(k->f);
		uint64_t at[] = { size, last + 1 - size, ~last, -size };

		if (!fits(k, lg2))
			continue;
		for (unsigned int i = 0; i < (kit_signed(k->f) ? 4 : 2); i++) {
			struct ioas_pt_hit hit;

			kit_mapped(k, at[i], 2 * size, size);
			kit_assert_leaf(k, at[i], at[i], 2 * size, lg2);
			assert_true(kit_oa(k->pt, at[i]) == 2 * size);
			assert_true(kit_oa(k->pt, at[i] + size - 1) ==
				    3 * size - 1);
			assert_int_equal(ioas_pt_lookup(k->pt,
							at[i] + size / 3,
							&hit), 0);
			assert_true(hit.oa == 2 * size && hit.lg2 == lg2);
			assert_int_equal(hit.prot & KIT_RW, KIT_RW);
			kit_check(k);
			kit_unmap(k, at[i], at[i] + size - 1);
			ioas_pt_sync(k->pt);
		}
	}
}

EACH_FORMAT(each_size_translates)

/* Over leaves and tables, as far as outputs go on and no further. */
static void a_run_goes_on_while_outputs_do_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	uint64_t oa, length, cursor[4] = { 0 };

	kit_mapped(k, table - 9 * g, 3 * g, 12 * g);
	kit_mapped(k, table + 3 * g, 15 * g, 2 * g);
	kit_mapped(k, table + 5 * g, 18 * g, g);
	for (unsigned int i = 0; i < 14; i++) {
		assert_int_equal(ioas_pt_translate_run(
			k->pt, table - 9 * g + i * g + 1, UINT64_MAX,
			i % 2 ? cursor : NULL, &oa, &length), 0);
		assert_true(oa == 3 * g + i * g + 1);
		assert_true(length == (14 - i) * g - 1);
	}
	assert_int_equal(ioas_pt_translate_run(k->pt, table, table + g / 2,
					       cursor, &oa, &length), 0);
	assert_int_equal(length, g / 2 + 1);
}

EACH_FORMAT(a_run_goes_on_while_outputs_do)

static bool take_all(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	uint64_t *next = ctx;

	(void)iova;
	assert_true(oa == *next);
	*next += length;
	return true;
}

/*
 * Where the high bits of an output stand below the others (8.3.2): neither in
 * pages nor in blocks does a step lead over 2^48.
 */
static void outputs_go_on_over_the_border_of_48_bits(void **state)
{
	(void)state;
	for (unsigned int lg2 = 16; lg2 <= 42; lg2 += 13) {
		struct kit *k = kit_new(kit_find("arm64_s1 64K"), NULL);
		uint64_t size = KIT_PGSIZE(lg2), oa, length;
		uint64_t from = KIT_PGSIZE(48) - 3 * size, next = from;
		/* Never a group: the IOVA is off by one leaf. */
		const struct ioas_pt_unmap rq = {
			.iova = 2 * size, .want_last = 8 * size - 1,
			.last = 8 * size - 1, .take = take_all, .ctx = &next,
		};

		kit_mapped(k, 2 * size, from, 6 * size);
		for (unsigned int i = 0; i < 6; i++)
			kit_assert_leaf(k, (2 + i) * size, (2 + i) * size,
					from + i * size, lg2);
		assert_int_equal(ioas_pt_translate_run(k->pt, 2 * size,
						       UINT64_MAX, NULL, &oa,
						       &length), 0);
		assert_true(oa == from && length == 6 * size);
		kit_check(k);
		assert_true(ioas_pt_unmap(k->pt, &rq) == 8 * size - 1);
		assert_true(next == from + 6 * size);
		kit_free(k);
	}
}

/* A few pages in the table where the run before them ended. */
static void a_short_run_goes_over_that_border_too(void **state)
{
	struct kit *k = kit_new(kit_find("arm64_s1 64K"), NULL);
	uint64_t g = granule_of(k), from = KIT_PGSIZE(48) - g;
	const struct ioas_run runs[] = { { 5 * g, g }, { from, 2 * g } };
	const struct ioas_pt_map rq = { .iova = g, .runs = runs, .nr_runs = 2,
					.length = 3 * g, .prot = KIT_RW };

	(void)state;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	assert_true(kit_oa(k->pt, 2 * g) == from);
	assert_true(kit_oa(k->pt, 3 * g) == from + g);
	kit_check(k);
	kit_free(k);
}

static void permissions_are_kept_as_the_format_can(void **state)
{
	static const uint32_t all = 63;
	static const struct { enum walker_format walker; uint32_t keeps; }
	rows[] = {
		{ WALKER_AMDV1, KIT_RW }, { WALKER_VTDSS, KIT_RW },
		{ WALKER_X86_64, KIT_RW },
		{ WALKER_ARM64_S1, KIT_RW | IOAS_PT_CACHE | IOAS_PT_NOEXEC |
				   IOAS_PT_PRIV },
		{ WALKER_ARM64_S2, KIT_RW | IOAS_PT_CACHE | IOAS_PT_NOEXEC },
		{ WALKER_RISCV64, KIT_RW | IOAS_PT_NOEXEC },
		{ WALKER_RISCV64_X4, KIT_RW | IOAS_PT_NOEXEC },
		{ WALKER_MOCK, all },
	};

	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i], NULL);
		const enum walker_format w = k->f->walker;
		uint32_t keeps = 0;
		/* What is there can be read. */
		bool implies_read = w == WALKER_X86_64 ||
				    w == WALKER_ARM64_S1 ||
				    w == WALKER_RISCV64 ||
				    w == WALKER_RISCV64_X4;

		for (unsigned int r = 0; r < NR(rows); r++)
			if (rows[r].walker == w)
				keeps = rows[r].keeps;
		for (uint32_t prot = 1; prot <= all; prot++) {
			uint64_t iova = prot * granule_of(k);
			struct ioas_pt_leaf leaf;

			if (!(prot & KIT_RW))
				continue;
			assert_int_equal(kit_map(k, iova, 0, granule_of(k),
						 prot), 0);
			assert_int_equal(ioas_pt_leaf(k->pt, iova, &leaf), 0);
			assert_int_equal(leaf.prot, (prot & keeps) |
				(implies_read ? (uint32_t)IOAS_PT_READ : 0));
		}
		kit_check(k);
		kit_free(k);
	}
}

struct stop {
	unsigned int nr;
	unsigned int most;
	uint64_t at[8];
};

static bool stop_after(void *ctx, const struct ioas_pt_leaf *leaf)
{
	struct stop *s = ctx;

	s->at[s->nr++] = leaf->iova;
	return s->nr < s->most;
}

/* The upper half comes last, as the addresses do. */
static void leaves_are_listed_in_order_until_told_to_stop_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);
	const uint64_t at[] = { g, last + 1 - g, ~last, (uint64_t)-g };
	unsigned int nr = kit_signed(k->f) ? 4 : 2;

	for (unsigned int i = nr; i; i--)
		kit_mapped(k, at[i - 1], 0, g);
	for (unsigned int most = 1; most <= nr; most++) {
		struct stop s = { .most = most };

		ioas_pt_for_each_leaf(k->pt, stop_after, &s);
		assert_int_equal(s.nr, most);
		for (unsigned int i = 0; i < most; i++)
			assert_true(s.at[i] == at[i]);
	}
}

EACH_FORMAT(leaves_are_listed_in_order_until_told_to_stop)

/* ---- cursors ------------------------------------------------------------ */

/* One behind the other, as a caller does that has more than runs[] holds. */
static void a_cursor_saves_the_way_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	uint64_t cursor[4] = { 0 }, at = table - 20 * g;
	struct ioas_pt_stats before, after;

	ioas_pt_stats(k->pt, &before);
	for (unsigned int i = 0; i < 40; i++) {
		const struct ioas_run run = { (3 * i + 1) * g, g };
		const struct ioas_pt_map rq = {
			.iova = at + i * g, .runs = &run, .nr_runs = 1,
			.length = g, .prot = KIT_RW, .cursor = cursor,
		};

		assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	}
	ioas_pt_stats(k->pt, &after);
	assert_true(after.walks - before.walks <= 3);
	for (unsigned int i = 0; i < 40; i++)
		assert_true(kit_oa(k->pt, at + i * g) == (3 * i + 1) * g);
}

EACH_FORMAT(a_cursor_saves_the_way)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_permission_comes_first),
		cmocka_unit_test(a_wide_output_comes_second),
		cmocka_unit_test(an_output_of_more_than_64_bits_is_erange),
		cmocka_unit_test(a_permission_that_cannot_be_said_comes_third),
		cmocka_unit_test(vtdss_can_require_write),
		cmocka_unit_test(no_length_comes_fourth),
		cmocka_unit_test(overflow_comes_fifth),
		cmocka_unit_test(misalignment_comes_sixth),
		cmocka_unit_test(outside_comes_seventh),
		cmocka_unit_test(a_range_stays_in_its_half),
		cmocka_unit_test(what_is_mapped_comes_before_memory),
		cmocka_unit_test(work_in_part_is_undone),
		cmocka_unit_test(a_page_under_a_leaf_is_refused),
		cmocka_unit_test(leaves_are_as_large_as_they_can_be),
		cmocka_unit_test(fewer_sizes_give_smaller_leaves),
		cmocka_unit_test(a_larger_granule_is_asked_of_all_addresses),
		cmocka_unit_test(leaves_are_no_larger_than_their_bound),
		cmocka_unit_test(leaves_keep_to_their_runs),
		cmocka_unit_test(later_runs_are_checked_too),
		cmocka_unit_test(emptied_tables_make_room_for_a_leaf),
		cmocka_unit_test(replacing_tables_invalidates_no_more),
		cmocka_unit_test(a_leaf_over_a_live_one_is_refused),
		cmocka_unit_test(output_address_0_is_an_address),
		cmocka_unit_test(what_is_not_mapped_is_enoent),
		cmocka_unit_test(each_size_translates),
		cmocka_unit_test(a_run_goes_on_while_outputs_do),
		cmocka_unit_test(outputs_go_on_over_the_border_of_48_bits),
		cmocka_unit_test(a_short_run_goes_over_that_border_too),
		cmocka_unit_test(permissions_are_kept_as_the_format_can),
		cmocka_unit_test(leaves_are_listed_in_order_until_told_to_stop),
		cmocka_unit_test(a_cursor_saves_the_way),
	};

	return cmocka_run_group_tests_name("pt_ops", tests, NULL, NULL);
}
