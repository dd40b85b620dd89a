/* SPDX-License-Identifier: MIT */
/*
 * span: the walk over two sets against an array of bits
 *
 * All pairs of sets over seven values that up to three members can make, at
 * both ends of the 64-bit space; all query ranges; from every span, advance to
 * every position. A set is built in two ways: of its maximal ranges, and of
 * pieces that overlap and touch.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "core/span.h"
#include "range_test.h"

#define N 7u
#define NR_MASKS (1u << N)

struct sets {
	uint64_t base;
	/* By the bits of the indexes that are covered; NULL: too many ranges. */
	struct ioas_cset *whole[NR_MASKS];
	struct ioas_cset *pieces[NR_MASKS];
	struct ioas_cset room[2 * NR_MASKS];
};

static struct sets sets;

static bool bit(unsigned int mask, uint64_t i)
{
	return mask >> i & 1;
}

/* Number of maximal ranges of @mask; adds them to @whole and @pieces. */
static unsigned int mask_ranges(unsigned int mask, struct ioas_cset *whole,
				struct ioas_cset *pieces)
{
	unsigned int nr = 0;
	uint64_t a, b, i;

	for (a = 0; a < N; a = b + 1) {
		b = a;
		if (!bit(mask, a))
			continue;
		while (b + 1 < N && bit(mask, b + 1))
			b++;
		nr++;
		assert_int_equal(
			ioas_cset_add(whole, sets.base + a, sets.base + b), 0);
		/* [a, a] and [a + 1, b], and [i, i + 1] in between. */
		assert_int_equal(
			ioas_cset_add(pieces, sets.base + a, sets.base + a), 0);
		if (a < b)
			assert_int_equal(ioas_cset_add(pieces,
						       sets.base + a + 1,
						       sets.base + b),
					 0);
		for (i = a + 1; i < b; i++)
			assert_int_equal(ioas_cset_add(pieces, sets.base + i,
						       sets.base + i + 1),
					 0);
	}
	return nr;
}

static void sets_init(uint64_t base)
{
	unsigned int mask;

	sets.base = base;
	for (mask = 0; mask < NR_MASKS; mask++) {
		struct ioas_cset *whole = &sets.room[2 * mask];
		struct ioas_cset *pieces = whole + 1;

		ioas_cset_init(whole);
		ioas_cset_init(pieces);
		if (mask_ranges(mask, whole, pieces) > 3) {
			ioas_cset_fini(whole);
			ioas_cset_fini(pieces);
			whole = NULL;
			pieces = NULL;
		}
		sets.whole[mask] = whole;
		sets.pieces[mask] = pieces;
	}
}

static void sets_fini(void)
{
	unsigned int i;

	for (i = 0; i < IOAS_ARRAY_SIZE(sets.room); i++)
		ioas_cset_fini(&sets.room[i]);
}

static enum ioas_label label_at(unsigned int m1, unsigned int m2, uint64_t i)
{
	if (bit(m1, i))
		return IOAS_T1;
	return bit(m2, i) ? IOAS_T2 : IOAS_HOLE;
}

/*
 * The current span begins at @from, is as long as it can be up to @end, and
 * says what the bits say. Returns its last index.
 */
static uint64_t assert_dspan(const struct ioas_dspan *d, unsigned int m1,
			     unsigned int m2, uint64_t from, uint64_t end)
{
	enum ioas_label label = label_at(m1, m2, from);
	uint64_t last = from;

	while (last < end && label_at(m1, m2, last + 1) == label)
		last++;
	if (d->done || d->first != sets.base + from ||
	    d->last != sets.base + last || d->label != label)
		fail_msg("T1 %#x T2 %#x: [%u, %u] label %d, "
			 "not [%u, %u] label %d",
			 m1, m2, (unsigned int)(d->first - sets.base),
			 (unsigned int)(d->last - sets.base), (int)d->label,
			 (unsigned int)from, (unsigned int)last, (int)label);
	return last;
}

/* From here to the end; and from each span, advance to each position. */
static void assert_rest(struct ioas_dspan d, unsigned int m1, unsigned int m2,
			uint64_t from, uint64_t end, bool advance)
{
	for (;; from++) {
		uint64_t to, last = assert_dspan(&d, m1, m2, from, end);

		for (to = from; advance && to <= end; to++) {
			struct ioas_dspan e = d;

			ioas_dspan_advance(&e, sets.base + to);
			assert_rest(e, m1, m2, to, end, false);
		}
		ioas_dspan_next(&d);
		from = last;
		if (from == end)
			break;
	}
	assert_true(d.done);
	ioas_dspan_next(&d);
	assert_true(d.done);
}

static void assert_pair(unsigned int m1, unsigned int m2)
{
	uint64_t first, last;
	struct ioas_dspan d;

	for (first = 0; first < N; first++) {
		for (last = first; last < N; last++) {
			ioas_dspan_start(&d, sets.whole[m1], sets.pieces[m2],
					 sets.base + first, sets.base + last);
			assert_rest(d, m1, m2, first, last, true);
			ioas_dspan_start(&d, sets.pieces[m1], sets.whole[m2],
					 sets.base + first, sets.base + last);
			assert_rest(d, m1, m2, first, last, false);
		}
	}
}

static void all_pairs(uint64_t base)
{
	unsigned int m1, m2;

	sets_init(base);
	for (m1 = 0; m1 < NR_MASKS; m1++)
		for (m2 = 0; m2 < NR_MASKS; m2++)
			if (sets.whole[m1] && sets.whole[m2])
				assert_pair(m1, m2);
	sets_fini();
}

static void all_pairs_of_sets_at_the_bottom(void **state)
{
	(void)state;
	all_pairs(0);
}

static void all_pairs_of_sets_at_the_top(void **state)
{
	(void)state;
	all_pairs(UINT64_MAX - N + 1);
}

static void a_missing_set_is_empty(void **state)
{
	unsigned int mask;
	struct ioas_dspan d;

	(void)state;
	sets_init(40);
	for (mask = 0; mask < NR_MASKS; mask++) {
		if (!sets.whole[mask])
			continue;
		ioas_dspan_start(&d, sets.whole[mask], NULL, 40, 40 + N - 1);
		assert_rest(d, mask, 0, 0, N - 1, true);
		ioas_dspan_start(&d, NULL, sets.whole[mask], 40, 40 + N - 1);
		assert_rest(d, 0, mask, 0, N - 1, true);
	}
	ioas_dspan_start(&d, NULL, NULL, 0, UINT64_MAX);
	assert_false(d.done);
	assert_int_equal(d.label, IOAS_HOLE);
	assert_int_equal(d.last, UINT64_MAX);
	ioas_dspan_next(&d);
	assert_true(d.done);
	sets_fini();
}

static void an_empty_query_and_an_advance_past_the_end_are_done(void **state)
{
	struct ioas_dspan d;

	(void)state;
	ioas_dspan_start(&d, NULL, NULL, 5, 4);
	assert_true(d.done);
	ioas_dspan_start(&d, NULL, NULL, 5, 9);
	ioas_dspan_advance(&d, 9);
	assert_false(d.done);
	assert_int_equal(d.first, 9);
	ioas_dspan_advance(&d, 10);
	assert_true(d.done);
	ioas_dspan_advance(&d, 7);
	assert_true(d.done);
}

/* The indexes that the walk calls holes, as bits. */
static unsigned int hole_mask(const struct ioas_cset *t1,
			      const struct ioas_cset *t2)
{
	unsigned int mask = 0;
	struct ioas_dspan d;
	uint64_t i;

	ioas_dspan_start(&d, t1, t2, 0, N - 1);
	for (; !d.done; ioas_dspan_next(&d))
		for (i = d.first; d.label == IOAS_HOLE && i <= d.last; i++)
			mask |= 1u << i;
	return mask;
}

/* Which indexes neither set holds does not depend on their order. */
static void swapping_the_sets_keeps_the_holes(void **state)
{
	unsigned int m1, m2, holes;

	(void)state;
	sets_init(0);
	for (m1 = 0; m1 < NR_MASKS; m1++) {
		for (m2 = 0; m2 < m1; m2++) {
			if (!sets.whole[m1] || !sets.whole[m2])
				continue;
			holes = hole_mask(sets.whole[m1], sets.pieces[m2]);
			assert_int_equal(holes, ~(m1 | m2) & (NR_MASKS - 1));
			assert_int_equal(
				hole_mask(sets.pieces[m2], sets.whole[m1]),
				holes);
		}
	}
	sets_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		range_case(all_pairs_of_sets_at_the_bottom),
		range_case(all_pairs_of_sets_at_the_top),
		range_case(a_missing_set_is_empty),
		range_case(an_empty_query_and_an_advance_past_the_end_are_done),
		range_case(swapping_the_sets_keeps_the_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
