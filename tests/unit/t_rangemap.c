/* SPDX-License-Identifier: MIT */
/*
 * rangemap: disjoint ranges against a plain sorted array
 *
 * All sets of ranges over eight values, at both ends of the 64-bit space, with
 * all queries; then long runs with thousands of members, deep enough for three
 * levels and every kind of split, merge and move between siblings.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "core/rangemap.h"
#include "range_test.h"

_Static_assert(sizeof(struct ioas_rangemap) <= 24, "embedded in every space");

/* ---- the twin ----------------------------------------------------------- */

#define TWIN_MAX 8192u

struct twin {
	unsigned int nr;
	struct ioas_range r[TWIN_MAX];
};

/* Number of members that begin up to @x. */
static unsigned int twin_rank(const struct twin *t, uint64_t x)
{
	unsigned int lo = 0, hi = t->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (t->r[mid].first <= x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool twin_free(const struct twin *t, uint64_t first, uint64_t last)
{
	unsigned int i = twin_rank(t, last);

	return !i || t->r[i - 1].last < first;
}

static void twin_insert(struct twin *t, uint64_t first, uint64_t last,
			void *value)
{
	unsigned int i = twin_rank(t, first);

	assert_true(t->nr < TWIN_MAX);
	memmove(&t->r[i + 1], &t->r[i], (t->nr - i) * sizeof(t->r[0]));
	t->r[i] = (struct ioas_range){ first, last, value };
	t->nr++;
}

static void twin_remove(struct twin *t, unsigned int i)
{
	t->nr--;
	memmove(&t->r[i], &t->r[i + 1], (t->nr - i) * sizeof(t->r[0]));
}

/* One gap after another, from below. */
static bool twin_gap(const struct twin *t, uint64_t lo, uint64_t hi,
		     uint64_t length, uint64_t *g_first, uint64_t *g_last)
{
	uint64_t from = lo;
	unsigned int i;

	for (i = 0; i < t->nr && lo <= hi; i++) {
		const struct ioas_range *r = &t->r[i];

		if (r->last < from)
			continue;
		if (r->first > from) {
			uint64_t to = ioas_min(r->first - 1, hi);

			if (from <= to && to - from >= length - 1) {
				*g_first = from;
				*g_last = to;
				return true;
			}
		}
		if (r->last >= hi)
			return false;
		from = r->last + 1;
	}
	*g_first = from;
	*g_last = hi;
	return from <= hi && hi - from >= length - 1;
}

/* ---- comparison --------------------------------------------------------- */

static void assert_members(const struct ioas_rangemap *m, const struct twin *t)
{
	struct ioas_range r;
	unsigned int i = 0;
	bool ok;

	assert_true(ioas_rangemap_validate(m));
	assert_int_equal(ioas_rangemap_count(m), t->nr);
	for (ok = ioas_rangemap_first(m, 0, UINT64_MAX, &r); ok;
	     ok = ioas_rangemap_next(m, UINT64_MAX, &r), i++) {
		assert_in_range(i, 0, t->nr - 1);
		assert_int_equal(r.first, t->r[i].first);
		assert_int_equal(r.last, t->r[i].last);
		assert_ptr_equal(r.value, t->r[i].value);
	}
	assert_int_equal(i, t->nr);
}

static void assert_find(const struct ioas_rangemap *m, const struct twin *t,
			uint64_t x)
{
	unsigned int i = twin_rank(t, x);
	void *value = NULL;

	if (i && t->r[i - 1].last >= x)
		value = t->r[i - 1].value;
	assert_ptr_equal(ioas_rangemap_find(m, x), value);
}

/* The lowest that intersects [a, b]. */
static void assert_first(const struct ioas_rangemap *m, const struct twin *t,
			 uint64_t a, uint64_t b)
{
	struct ioas_range r = { 1, 2, NULL };
	unsigned int i = twin_rank(t, a);
	bool ok;

	if (i && t->r[i - 1].last >= a)
		i--;
	ok = i < t->nr && t->r[i].first <= b;
	assert_int_equal(ioas_rangemap_first(m, a, b, &r), ok);
	assert_int_equal(r.first, ok ? t->r[i].first : 1);
	assert_int_equal(r.last, ok ? t->r[i].last : 2);
	if (!ok)
		return;
	ok = ++i < t->nr && t->r[i].first <= b;
	assert_int_equal(ioas_rangemap_next(m, b, &r), ok);
	if (ok)
		assert_int_equal(r.first, t->r[i].first);
}

static void assert_gap(const struct ioas_rangemap *m, const struct twin *t,
		       uint64_t lo, uint64_t hi, uint64_t length)
{
	uint64_t g = 0, h = 0, tg = 0, th = 0;
	bool ok = twin_gap(t, lo, hi, length, &tg, &th);

	assert_int_equal(ioas_rangemap_gap(m, lo, hi, length, &g, &h), ok);
	if (ok) {
		assert_int_equal(g, tg);
		assert_int_equal(h, th);
	} else {
		assert_int_equal(g, 0);
		assert_int_equal(h, 0);
	}
}

/* ---- small universes ---------------------------------------------------- */

#define SMALL 8u

static void small_check(const struct ioas_rangemap *m, const struct twin *t,
			uint64_t base)
{
	uint64_t a, b, length;

	assert_members(m, t);
	for (a = 0; a < SMALL; a++) {
		assert_find(m, t, base + a);
		for (b = a; b < SMALL; b++) {
			assert_first(m, t, base + a, base + b);
			for (length = 1; length <= SMALL + 1; length++)
				assert_gap(m, t, base + a, base + b, length);
		}
	}
	assert_gap(m, t, 0, UINT64_MAX, UINT64_MAX);
	assert_gap(m, t, 0, UINT64_MAX, UINT64_MAX - SMALL + 1);
	assert_gap(m, t, 5, UINT64_MAX, UINT64_MAX - SMALL);
	assert_gap(m, t, 0, UINT64_MAX - 5, UINT64_MAX - SMALL);
}

/* All continuations of the members below @at. */
static void small_sets(struct ioas_rangemap *m, struct twin *t, uint64_t base,
		       uint64_t at)
{
	uint64_t last;

	small_check(m, t, base);
	for (; at < SMALL; at++) {
		for (last = at; last < SMALL; last++) {
			void *value = &t->r[at * SMALL + last];

			assert_int_equal(ioas_rangemap_insert(m, base + at,
							      base + last,
							      value),
					 0);
			twin_insert(t, base + at, base + last, value);
			small_sets(m, t, base, last + 1);
			assert_ptr_equal(ioas_rangemap_remove(m, base + at),
					 value);
			twin_remove(t, t->nr - 1);
		}
	}
}

static struct twin twin;

static void all_small_sets_answer_all_queries(void **state)
{
	const uint64_t base[] = { 0, 1000, UINT64_MAX - SMALL + 1 };
	struct ioas_rangemap m;
	unsigned int i;

	(void)state;
	for (i = 0; i < IOAS_ARRAY_SIZE(base); i++) {
		ioas_rangemap_init(&m);
		twin.nr = 0;
		small_sets(&m, &twin, base[i], 0);
		assert_int_equal(ioas_rangemap_memory(&m), 0);
		ioas_rangemap_fini(&m);
	}
}

static void one_member_can_be_everything(void **state)
{
	struct ioas_rangemap m;
	struct ioas_range r;
	uint64_t g, h;

	(void)state;
	ioas_rangemap_init(&m);
	assert_false(ioas_rangemap_first(&m, 0, UINT64_MAX, &r));
	assert_null(ioas_rangemap_find(&m, 0));
	assert_true(ioas_rangemap_gap(&m, 0, UINT64_MAX, 1, &g, &h));
	assert_int_equal(g, 0);
	assert_int_equal(h, UINT64_MAX);
	assert_int_equal(ioas_rangemap_insert(&m, 0, UINT64_MAX, &m), 0);
	assert_true(ioas_rangemap_validate(&m));
	assert_ptr_equal(ioas_rangemap_find(&m, 0), &m);
	assert_ptr_equal(ioas_rangemap_find(&m, UINT64_MAX), &m);
	assert_false(ioas_rangemap_gap(&m, 0, UINT64_MAX, 1, &g, &h));
	assert_true(ioas_rangemap_first(&m, UINT64_MAX, UINT64_MAX, &r));
	assert_false(ioas_rangemap_next(&m, UINT64_MAX, &r));
	assert_int_equal(ioas_rangemap_split(&m, 0, UINT64_MAX - 1, &g, &h), 0);
	assert_true(ioas_rangemap_validate(&m));
	assert_ptr_equal(ioas_rangemap_find(&m, UINT64_MAX), &h);
	assert_ptr_equal(ioas_rangemap_find(&m, UINT64_MAX - 1), &g);
	ioas_rangemap_fini(&m);
}

/* ---- long runs ---------------------------------------------------------- */

/* Where the random members lie: dense enough for narrow gaps. */
#define SPREAD (UINT64_C(1) << 20)

static void random_insert(struct ioas_rangemap *m, struct twin *t,
			  struct prng *rng, uint64_t base)
{
	uint64_t first = prng_below(rng, SPREAD);
	uint64_t last = first + prng_below(rng, 200);

	if (last >= SPREAD)
		last = SPREAD - 1;
	if (!twin_free(t, base + first, base + last))
		return;
	assert_int_equal(ioas_rangemap_insert(m, base + first, base + last,
					      &t->r[first % TWIN_MAX]),
			 0);
	twin_insert(t, base + first, base + last, &t->r[first % TWIN_MAX]);
}

static void random_remove(struct ioas_rangemap *m, struct twin *t,
			  struct prng *rng)
{
	unsigned int i;

	if (!t->nr)
		return;
	i = (unsigned int)prng_below(rng, t->nr);
	assert_ptr_equal(ioas_rangemap_remove(m, t->r[i].first), t->r[i].value);
	twin_remove(t, i);
}

static void random_split(struct ioas_rangemap *m, struct twin *t,
			 struct prng *rng)
{
	struct ioas_range r;
	uint64_t cut;
	unsigned int i;

	if (!t->nr)
		return;
	i = (unsigned int)prng_below(rng, t->nr);
	r = t->r[i];
	if (r.first == r.last)
		return;
	cut = r.first + prng_below(rng, r.last - r.first);
	assert_int_equal(
		ioas_rangemap_split(m, r.first, cut, &t->r[1], &t->r[2]), 0);
	t->r[i] = (struct ioas_range){ r.first, cut, &t->r[1] };
	twin_insert(t, cut + 1, r.last, &t->r[2]);
}

static void random_set(struct ioas_rangemap *m, struct twin *t,
		       struct prng *rng)
{
	unsigned int i;

	if (!t->nr)
		return;
	i = (unsigned int)prng_below(rng, t->nr);
	t->r[i].value = &t->r[3];
	ioas_rangemap_set(m, t->r[i].first, &t->r[3]);
}

static void random_questions(const struct ioas_rangemap *m,
			     const struct twin *t, struct prng *rng,
			     uint64_t base)
{
	uint64_t a = base + prng_below(rng, SPREAD), b;

	b = a + prng_below(rng, base + SPREAD - 1 - a + 1);
	assert_find(m, t, a);
	assert_first(m, t, a, b);
	assert_gap(m, t, a, b, 1 + prng_below(rng, 2000));
	assert_gap(m, t, 0, UINT64_MAX, 1 + prng_below(rng, 4000));
}

/* Up to thousands, to and fro, and down to nothing. */
static void random_run(uint64_t seed, uint64_t base)
{
	struct prng rng = { seed };
	struct ioas_rangemap m;
	unsigned int step;

	ioas_rangemap_init(&m);
	twin.nr = 0;
	for (step = 0; step < 24000 || twin.nr; step++) {
		/* In sixteenths: how many steps insert, by phase. */
		unsigned int grow = step < 8000 ? 14 : step < 16000 ? 8 : 2;
		unsigned int what = (unsigned int)prng_below(&rng, 16);

		if (what < grow && step < 24000)
			random_insert(&m, &twin, &rng, base);
		else
			random_remove(&m, &twin, &rng);
		if (what == 3 && step < 20000)
			random_split(&m, &twin, &rng);
		if (what == 4)
			random_set(&m, &twin, &rng);
		if (step % 8 == 0)
			random_questions(&m, &twin, &rng, base);
		if (step % 256 == 0 || twin.nr < 40)
			assert_members(&m, &twin);
	}
	assert_int_equal(ioas_rangemap_memory(&m), 0);
	ioas_rangemap_fini(&m);
}

static void random_runs_agree_with_a_sorted_array(void **state)
{
	const uint64_t base[] = { 0, 12345, UINT64_MAX - SPREAD + 1 };
	uint64_t i;

	(void)state;
	for (i = 0; i < IOAS_ARRAY_SIZE(base); i++) {
		print_message("# seed %u\n", (unsigned int)(0x7a11 + i));
		random_run(0x7a11 + i, base[i]);
	}
}

/* @order of insertion, then of removal: 0 rising, 1 falling, 2 inside out. */
static uint64_t ordered(unsigned int order, uint64_t i, uint64_t nr)
{
	if (order == 0)
		return i;
	if (order == 1)
		return nr - 1 - i;
	return i & 1 ? nr / 2 - 1 - i / 2 : nr / 2 + i / 2;
}

static void ordered_run(unsigned int in, unsigned int out, uint64_t nr)
{
	struct ioas_rangemap m;
	uint64_t i, at;

	ioas_rangemap_init(&m);
	for (i = 0; i < nr; i++) {
		at = ordered(in, i, nr) * 16;
		assert_int_equal(ioas_rangemap_insert(&m, at, at + 9, &m), 0);
		if (i % 61 == 0)
			assert_true(ioas_rangemap_validate(&m));
	}
	assert_true(ioas_rangemap_validate(&m));
	for (i = 0; i < nr; i++) {
		at = ordered(out, i, nr) * 16;
		assert_ptr_equal(ioas_rangemap_find(&m, at + 9), &m);
		assert_ptr_equal(ioas_rangemap_remove(&m, at), &m);
		assert_null(ioas_rangemap_find(&m, at));
		if (i % 61 == 0)
			assert_true(ioas_rangemap_validate(&m));
	}
	assert_int_equal(ioas_rangemap_memory(&m), 0);
	ioas_rangemap_fini(&m);
}

static void any_order_in_and_out_keeps_the_structure(void **state)
{
	unsigned int in, out;

	(void)state;
	for (in = 0; in < 3; in++)
		for (out = 0; out < 3; out++)
			ordered_run(in, out, 2500);
}

/* ---- memory ------------------------------------------------------------- */

static void a_failed_allocation_changes_nothing(void **state)
{
	struct ioas_rangemap m;
	struct faulty f;
	uint64_t i, nth, failures = 0;
	size_t before;
	bool hit;
	int ret;

	(void)state;
	ioas_rangemap_init(&m);
	twin.nr = 0;
	for (i = 0; i < 3000; i++) {
		/* Scattered, so that inner nodes split as well. */
		uint64_t at = i * 1021 % 3001 * 32;

		for (nth = 1;; nth++) {
			before = blocks_now();
			fail_nth_begin(&f, nth);
			ret = ioas_rangemap_insert(&m, at, at + 20, &f);
			hit = faulty_end(&f);
			assert_int_equal(ret, hit ? -ENOMEM : 0);
			if (!hit)
				break;
			assert_int_equal(blocks_now(), before);
			if (failures++ % 8 == 0)
				assert_members(&m, &twin);
		}
		twin_insert(&twin, at, at + 20, &f);
	}
	assert_true(failures > 100);
	assert_members(&m, &twin);
	ioas_rangemap_fini(&m);
}

static void a_failed_split_changes_nothing(void **state)
{
	struct ioas_rangemap m;
	struct faulty f;
	uint64_t nth = 1, at;
	int ret;

	(void)state;
	ioas_rangemap_init(&m);
	twin.nr = 0;
	for (at = 0; at < 1024; at++) {
		assert_int_equal(
			ioas_rangemap_insert(&m, at * 8, at * 8 + 6, &f), 0);
		twin_insert(&twin, at * 8, at * 8 + 6, &f);
	}
	/* Every node is full: leaf, parent and a new root. */
	do {
		fail_nth_begin(&f, nth++);
		ret = ioas_rangemap_split(&m, 512, 515, &m, &twin);
		assert_int_equal(ret, faulty_end(&f) ? -ENOMEM : 0);
		if (ret)
			assert_members(&m, &twin);
	} while (ret);
	assert_int_equal(nth - 1, 4);
	assert_true(ioas_rangemap_validate(&m));
	assert_ptr_equal(ioas_rangemap_find(&m, 515), &m);
	assert_ptr_equal(ioas_rangemap_find(&m, 516), &twin);
	ioas_rangemap_fini(&m);
}

static void removal_works_with_the_allocator_off(void **state)
{
	struct prng rng = { 77 };
	struct ioas_rangemap m;
	struct faulty f;

	(void)state;
	ioas_rangemap_init(&m);
	twin.nr = 0;
	while (twin.nr < 3000)
		random_insert(&m, &twin, &rng, 0);
	alloc_off_begin(&f);
	while (twin.nr) {
		random_remove(&m, &twin, &rng);
		if (twin.nr % 64 == 0)
			assert_true(ioas_rangemap_validate(&m));
	}
	assert_false(faulty_end(&f));
	ioas_rangemap_fini(&m);
}

static void a_few_members_take_little_memory(void **state)
{
	struct ioas_rangemap m;
	uint64_t i;

	(void)state;
	ioas_rangemap_init(&m);
	assert_int_equal(ioas_rangemap_insert(&m, 1, 1, &m), 0);
	assert_in_range(ioas_rangemap_memory(&m), 1, 128);
	for (i = 1; i < 100000; i++)
		assert_int_equal(ioas_rangemap_insert(&m, i * 8, i * 8, &m), 0);
	for (i = 1; i < 1000; i++)
		assert_ptr_equal(ioas_rangemap_remove(&m, (100000 - i) * 8),
				 &m);
	/* 24 bytes a row, packed by ascending insertion; no empty node. */
	assert_in_range(ioas_rangemap_memory(&m), 2376000, 2520000);
	ioas_rangemap_fini(&m);
	assert_int_equal(ioas_rangemap_memory(&m), 0);
}

/* The first row of a new last leaf comes and goes; the full one stays. */
static void an_emptied_leaf_goes(void **state)
{
	struct ioas_rangemap m;
	uint64_t i;
	size_t full;

	(void)state;
	ioas_rangemap_init(&m);
	for (i = 0; i < 32; i++)
		assert_int_equal(ioas_rangemap_insert(&m, i, i, &m), 0);
	full = ioas_rangemap_memory(&m);
	assert_int_equal(ioas_rangemap_insert(&m, i, i, &m), 0);
	assert_int_equal(ioas_rangemap_memory(&m), 3 * full);
	assert_ptr_equal(ioas_rangemap_remove(&m, i), &m);
	assert_int_equal(ioas_rangemap_memory(&m), full);
	assert_true(ioas_rangemap_validate(&m));
	ioas_rangemap_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		range_case(all_small_sets_answer_all_queries),
		range_case(one_member_can_be_everything),
		range_case(random_runs_agree_with_a_sorted_array),
		range_case(any_order_in_and_out_keeps_the_structure),
		range_case(a_failed_allocation_changes_nothing),
		range_case(a_failed_split_changes_nothing),
		range_case(removal_works_with_the_allocator_off),
		range_case(a_few_members_take_little_memory),
		range_case(an_emptied_leaf_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
