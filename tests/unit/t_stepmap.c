/* SPDX-License-Identifier: MIT */
/*
 * stepmap: the counted set and the pinned store against plain arrays
 *
 * The twins hold one element per index: a count, or a frame. Every removal
 * here runs with the allocator off. All small sets first, then long runs.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "base/errno.h"
#include "core/stepmap.h"
#include "range_test.h"

_Static_assert(sizeof(struct ioas_cset) <= 32, "embedded in pages objects");
_Static_assert(sizeof(struct ioas_store) <= 32, "embedded in pages objects");

#define SMALL 8u
#define UNIVERSE 4096u
/* The other end of the 64-bit space, for a universe of @n indexes. */
#define TOP(n) (UINT64_MAX - (n) + 1)

struct range {
	uint64_t first, last;
};

/* All ranges over @n values. */
static unsigned int all_ranges(struct range *r, unsigned int n)
{
	unsigned int nr = 0;
	uint64_t a, b;

	for (a = 0; a < n; a++)
		for (b = a; b < n; b++)
			r[nr++] = (struct range){ a, b };
	return nr;
}

static struct range random_range(struct prng *rng, uint64_t n, uint64_t most)
{
	struct range r = { .first = prng_below(rng, n) };

	r.last = ioas_min(r.first + prng_below(rng, most), n - 1);
	return r;
}

/* ==== counted set ============================================================ */

struct set_twin {
	uint64_t base;
	unsigned int n;
	unsigned int members;
	uint16_t count[UNIVERSE];
};

static void twin_change(struct set_twin *t, struct range r, int delta)
{
	uint64_t i;

	for (i = r.first; i <= r.last; i++)
		t->count[i] = (uint16_t)(t->count[i] + delta);
	t->members = (unsigned int)((int)t->members + delta);
}

static void set_add(struct ioas_cset *s, struct set_twin *t, struct range r)
{
	assert_int_equal(ioas_cset_add(s, t->base + r.first, t->base + r.last),
			 0);
	twin_change(t, r, 1);
}

static void set_del(struct ioas_cset *s, struct set_twin *t, struct range r)
{
	struct faulty f;

	alloc_off_begin(&f);
	ioas_cset_del(s, t->base + r.first, t->base + r.last);
	assert_false(faulty_end(&f));
	twin_change(t, r, -1);
}

static void assert_span(const struct ioas_cset *s, const struct set_twin *t,
			struct range q)
{
	struct ioas_span span =
		ioas_cset_span(s, t->base + q.first, t->base + q.last);
	uint64_t i = q.first, holes = 0;

	while (i < q.last && !t->count[i + 1] == !t->count[i])
		i++;
	assert_int_equal(span.first, t->base + q.first);
	assert_int_equal(span.last, t->base + i);
	assert_int_equal(span.used, t->count[q.first] != 0);
	for (i = q.first; i <= q.last; i++)
		holes += !t->count[i];
	assert_int_equal(
		ioas_cset_holes(s, t->base + q.first, t->base + q.last), holes);
}

static void assert_set(const struct ioas_cset *s, const struct set_twin *t)
{
	uint64_t i;

	assert_true(ioas_cset_validate(s));
	assert_int_equal(ioas_cset_empty(s), !t->members);
	for (i = 0; i < t->n; i++)
		assert_int_equal(ioas_cset_count(s, t->base + i), t->count[i]);
	if (t->base) {
		assert_int_equal(ioas_cset_count(s, t->base - 1), 0);
		assert_int_equal(ioas_cset_count(s, 0), 0);
	} else {
		assert_int_equal(ioas_cset_count(s, t->n), 0);
		assert_int_equal(ioas_cset_count(s, UINT64_MAX), 0);
	}
}

static void assert_spans(const struct ioas_cset *s, const struct set_twin *t)
{
	struct range q[SMALL * (SMALL + 1) / 2];
	unsigned int i, nr = all_ranges(q, t->n);

	for (i = 0; i < nr; i++)
		assert_span(s, t, q[i]);
}

/* All sets of up to @more members more, taken from @r in order. */
static void small_sets(struct ioas_cset *s, struct set_twin *t,
		       const struct range *r, unsigned int nr,
		       unsigned int more)
{
	unsigned int i;

	assert_set(s, t);
	assert_spans(s, t);
	for (i = 0; more && i < nr; i++) {
		set_add(s, t, r[i]);
		small_sets(s, t, r + i, nr - i, more - 1);
		set_del(s, t, r[i]);
	}
}

static struct set_twin set_twin;

static void set_twin_init(uint64_t base, unsigned int n)
{
	memset(&set_twin, 0, sizeof(set_twin));
	set_twin.base = base;
	set_twin.n = n;
}

static void all_small_sets_answer_all_queries(void **state)
{
	const uint64_t base[] = { 0, TOP(SMALL) };
	struct range r[SMALL * (SMALL + 1) / 2];
	struct ioas_cset s;
	unsigned int i, nr = all_ranges(r, SMALL);

	(void)state;
	for (i = 0; i < IOAS_ARRAY_SIZE(base); i++) {
		set_twin_init(base[i], SMALL);
		ioas_cset_init(&s);
		small_sets(&s, &set_twin, r, nr, i ? 4 : 3);
		assert_int_equal(ioas_cset_memory(&s), 0);
		ioas_cset_fini(&s);
	}
}

/* Three members in, and out in each order. */
static void in_and_out(const struct range r[3])
{
	static const unsigned char order[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct ioas_cset s;
	unsigned int i, k;

	ioas_cset_init(&s);
	for (i = 0; i < 6; i++) {
		for (k = 0; k < 3; k++)
			set_add(&s, &set_twin, r[k]);
		for (k = 0; k < 3; k++) {
			set_del(&s, &set_twin, r[order[i][k]]);
			assert_set(&s, &set_twin);
		}
		assert_int_equal(ioas_cset_memory(&s), 0);
	}
}

static void members_leave_in_any_order(void **state)
{
	struct range r[5 * 6 / 2], pick[3];
	unsigned int nr = all_ranges(r, 5), a, b, c;

	(void)state;
	set_twin_init(TOP(5), 5);
	for (a = 0; a < nr; a++)
		for (b = 0; b < nr; b++)
			for (c = 0; c < nr; c++) {
				pick[0] = r[a];
				pick[1] = r[b];
				pick[2] = r[c];
				in_and_out(pick);
			}
}

static void common_sets_take_no_memory(void **state)
{
	struct ioas_cset s;
	unsigned int i;

	(void)state;
	ioas_cset_init(&s);
	for (i = 0; i < 1000; i++)
		assert_int_equal(ioas_cset_add(&s, 5, 9), 0);
	assert_int_equal(ioas_cset_memory(&s), 0);
	assert_int_equal(ioas_cset_count(&s, 9), 1000);
	for (i = 0; i < 1000; i++)
		ioas_cset_del(&s, 5, 9);
	assert_true(ioas_cset_empty(&s));
	/* An area is split: the halves come, then the whole goes. */
	assert_int_equal(ioas_cset_add(&s, 0, 3), 0);
	assert_int_equal(ioas_cset_add(&s, 4, UINT64_MAX), 0);
	assert_int_equal(ioas_cset_memory(&s), 0);
	assert_int_equal(ioas_cset_holes(&s, 1, UINT64_MAX), 0);
	ioas_cset_del(&s, 0, 3);
	assert_int_equal(ioas_cset_count(&s, 3), 0);
	assert_int_equal(ioas_cset_count(&s, 4), 1);
	ioas_cset_del(&s, 4, UINT64_MAX);
	assert_true(ioas_cset_empty(&s));
	ioas_cset_fini(&s);
}

#define MEMBERS 1500u

/* Members come and go; their number is steered by the phase. */
static void set_random_run(uint64_t seed, uint64_t base, uint64_t most)
{
	static struct range member[MEMBERS];
	struct prng rng = { seed };
	struct ioas_cset s;
	unsigned int step, nr = 0, i;

	set_twin_init(base, UNIVERSE);
	ioas_cset_init(&s);
	for (step = 0; step < 9000 || nr; step++) {
		unsigned int grow = step < 4000 ? 12 : step < 8000 ? 8 : 2;

		if (nr < MEMBERS && step < 9000 &&
		    prng_below(&rng, 16) < grow) {
			member[nr] = random_range(&rng, UNIVERSE, most);
			set_add(&s, &set_twin, member[nr++]);
		} else if (nr) {
			i = (unsigned int)prng_below(&rng, nr);
			set_del(&s, &set_twin, member[i]);
			member[i] = member[--nr];
		}
		assert_span(&s, &set_twin,
			    random_range(&rng, UNIVERSE, UNIVERSE));
		if (step % 128 == 0 || nr < 12)
			assert_true(ioas_cset_validate(&s));
		if (step % 512 == 0)
			assert_set(&s, &set_twin);
	}
	assert_int_equal(ioas_cset_memory(&s), 0);
	ioas_cset_fini(&s);
}

static void random_sets_agree_with_an_array_of_counts(void **state)
{
	(void)state;
	print_message("# seeds 0xc5e7 to 0xc5e9\n");
	set_random_run(0xc5e7, 0, 6);
	set_random_run(0xc5e8, TOP(UNIVERSE), 200);
	set_random_run(0xc5e9, 1 << 20, 2);
}

/*
 * Adjacent members are one step; removing every other one makes a step of each
 * of the rest, all from memory that was there.
 */
static void adjacent_members_come_apart_without_allocation(void **state)
{
	struct ioas_cset s;
	unsigned int i;

	(void)state;
	set_twin_init(0, UNIVERSE);
	ioas_cset_init(&s);
	for (i = 0; i < UNIVERSE; i++)
		set_add(&s, &set_twin, (struct range){ i, i });
	assert_int_equal(ioas_cset_span(&s, 0, UINT64_MAX).last, UNIVERSE - 1);
	for (i = 0; i < UNIVERSE; i += 2)
		set_del(&s, &set_twin, (struct range){ i, i });
	assert_set(&s, &set_twin);
	for (i = 1; i < UNIVERSE; i += 2)
		set_del(&s, &set_twin, (struct range){ i, i });
	assert_true(ioas_cset_empty(&s));
	assert_int_equal(ioas_cset_memory(&s), 0);
	ioas_cset_fini(&s);
}

static void a_failed_add_changes_nothing(void **state)
{
	static struct range member[600];
	struct prng rng = { 3 };
	unsigned int i, nth, failures = 0;
	struct ioas_cset s;
	struct faulty f;
	bool hit;
	int ret;

	(void)state;
	set_twin_init(0, UNIVERSE);
	ioas_cset_init(&s);
	for (i = 0; i < IOAS_ARRAY_SIZE(member); i++) {
		struct range r = random_range(&rng, UNIVERSE, 40);

		member[i] = r;
		for (nth = 1;; nth++) {
			fail_nth_begin(&f, nth);
			ret = ioas_cset_add(&s, r.first, r.last);
			hit = faulty_end(&f);
			assert_int_equal(ret, hit ? -ENOMEM : 0);
			if (!hit)
				break;
			failures++;
			assert_set(&s, &set_twin);
		}
		twin_change(&set_twin, r, 1);
	}
	assert_true(failures > 60);
	for (i = 0; i < IOAS_ARRAY_SIZE(member); i++)
		set_del(&s, &set_twin, member[i]);
	ioas_cset_fini(&s);
}

/* ==== pinned store ============================================================ */

/* The twin's frame of an index where nothing is stored. */
#define HOLE UINT64_MAX

struct store_twin {
	uint64_t base;
	unsigned int n;
	uint64_t pfn[UNIVERSE];
};

static struct store_twin store_twin;

static void store_twin_init(uint64_t base, unsigned int n)
{
	memset(&store_twin, 0xff, sizeof(store_twin));
	store_twin.base = base;
	store_twin.n = n;
}

static void store_put(struct ioas_store *s, struct range r, uint64_t pfn)
{
	struct ioas_run run = { pfn, r.last - r.first + 1 };
	uint64_t i;

	assert_int_equal(ioas_store_insert(s, store_twin.base + r.first, run),
			 0);
	for (i = r.first; i <= r.last; i++)
		store_twin.pfn[i] = pfn + (i - r.first);
}

static void store_cut(struct ioas_store *s, struct range r)
{
	struct faulty f;
	uint64_t i;

	alloc_off_begin(&f);
	ioas_store_remove(s, store_twin.base + r.first,
			  store_twin.base + r.last);
	assert_false(faulty_end(&f));
	for (i = r.first; i <= r.last; i++)
		store_twin.pfn[i] = HOLE;
}

/* Does the twin continue from @i - 1 to @i? */
static bool twin_continues(uint64_t i)
{
	return store_twin.pfn[i - 1] != HOLE &&
	       store_twin.pfn[i] == store_twin.pfn[i - 1] + 1;
}

static void assert_get(const struct ioas_store *s, struct range q)
{
	uint64_t i = q.first;
	struct ioas_run run = ioas_store_get(s, store_twin.base + q.first,
					     store_twin.base + q.last);

	if (store_twin.pfn[i] == HOLE) {
		assert_int_equal(run.nr, 0);
		return;
	}
	while (i < q.last && twin_continues(i + 1))
		i++;
	assert_int_equal(run.pfn, store_twin.pfn[q.first]);
	assert_int_equal(run.nr, i - q.first + 1);
}

/* Run after run, the search spared. */
static void assert_walk(const struct ioas_store *s)
{
	struct ioas_store_cursor c = { 0 };
	uint64_t i = 0;

	while (i < store_twin.n) {
		struct ioas_run run =
			ioas_store_next(s, &c, store_twin.base + i,
					store_twin.base + store_twin.n - 1);

		if (store_twin.pfn[i] == HOLE) {
			assert_int_equal(run.nr, 0);
			i++;
			continue;
		}
		assert_int_equal(run.pfn, store_twin.pfn[i]);
		assert_in_range(run.nr, 1, store_twin.n - i);
		while (--run.nr)
			assert_true(twin_continues(++i));
		if (++i < store_twin.n)
			assert_false(twin_continues(i));
	}
}

static void assert_store(const struct ioas_store *s)
{
	uint64_t i, runs = 0, pages = 0;

	assert_true(ioas_store_validate(s));
	for (i = 0; i < store_twin.n; i++) {
		assert_get(s, (struct range){ i, store_twin.n - 1 });
		pages += store_twin.pfn[i] != HOLE;
		runs += store_twin.pfn[i] != HOLE && (!i || !twin_continues(i));
	}
	assert_int_equal(ioas_store_runs(s), runs);
	assert_int_equal(ioas_store_pages(s), pages);
	assert_walk(s);
}

/* Index @i of pattern @code, a digit of base 3 each: hole, or one of two runs. */
static uint64_t pattern_pfn(unsigned int code, uint64_t i)
{
	while (i--)
		code /= 3;
	return code % 3 ? 100 * (code % 3) : HOLE;
}

/* Fill the empty store with the pattern, one page at a time. */
static void pattern_fill(struct ioas_store *s, unsigned int code, bool rising)
{
	uint64_t k, i, n = store_twin.n;

	for (k = 0; k < n; k++) {
		i = rising ? k : n - 1 - k;
		if (pattern_pfn(code, i) != HOLE)
			store_put(s, (struct range){ i, i },
				  pattern_pfn(code, i) + i);
	}
}

/* Remove, and put back, whatever of @r can be. */
static void pattern_change(struct ioas_store *s, struct range r)
{
	uint64_t i, nr = 0;

	for (i = r.first; i <= r.last; i++)
		nr += store_twin.pfn[i] != HOLE;
	if (nr == r.last - r.first + 1) {
		store_cut(s, r);
		assert_store(s);
		for (i = r.first; i <= r.last; i++)
			store_put(s, (struct range){ i, i }, 100 + i);
		assert_store(s);
		store_cut(s, r);
	} else if (!nr) {
		store_put(s, r, 200 + r.first);
		assert_store(s);
		store_cut(s, r);
		assert_store(s);
	}
}

static void clear(struct ioas_store *s)
{
	uint64_t i;

	for (i = 0; i < store_twin.n; i++)
		if (store_twin.pfn[i] != HOLE)
			store_cut(s, (struct range){ i, i });
}

static void all_patterns_take_all_changes(void **state)
{
	const uint64_t base[] = { 0, TOP(6) };
	struct range r[6 * 7 / 2];
	unsigned int nr = all_ranges(r, 6), code, i, k;
	struct ioas_store s;

	(void)state;
	for (k = 0; k < IOAS_ARRAY_SIZE(base); k++) {
		store_twin_init(base[k], 6);
		ioas_store_init(&s);
		assert_int_equal(ioas_store_reserve(&s, 2), 0);
		for (code = 0; code < 729; code++) {
			for (i = 0; i < nr; i++) {
				pattern_fill(&s, code, i & 1);
				assert_store(&s);
				pattern_change(&s, r[i]);
				clear(&s);
			}
			assert_int_equal(ioas_store_pages(&s), 0);
		}
		ioas_store_unreserve(&s, 2);
		assert_int_equal(ioas_store_memory(&s), 0);
		ioas_store_fini(&s);
	}
}

static void a_run_of_any_size_is_one_run(void **state)
{
	struct ioas_store s;
	struct ioas_run run;

	(void)state;
	ioas_store_init(&s);
	assert_int_equal(ioas_store_reserve(&s, 1), 0);
	run = (struct ioas_run){ 0, UINT64_MAX };
	assert_int_equal(ioas_store_insert(&s, 0, run), 0);
	assert_int_equal(ioas_store_runs(&s), 1);
	assert_int_equal(ioas_store_pages(&s), UINT64_MAX);
	assert_int_equal(ioas_store_get(&s, 5, UINT64_MAX).nr, UINT64_MAX - 5);
	assert_int_equal(ioas_store_get(&s, UINT64_MAX, UINT64_MAX).nr, 0);
	ioas_store_remove(&s, 7, UINT64_MAX - 3);
	assert_int_equal(ioas_store_runs(&s), 2);
	assert_int_equal(ioas_store_get(&s, UINT64_MAX - 2, UINT64_MAX).pfn,
			 UINT64_MAX - 2);
	assert_true(ioas_store_validate(&s));
	ioas_store_fini(&s);
	/* The last index of all. */
	run = (struct ioas_run){ UINT64_MAX - 2, 2 };
	assert_int_equal(ioas_store_insert(&s, UINT64_MAX - 1, run), 0);
	run = ioas_store_get(&s, UINT64_MAX, UINT64_MAX);
	assert_int_equal(run.pfn, UINT64_MAX - 1);
	assert_int_equal(run.nr, 1);
	assert_true(ioas_store_validate(&s));
	ioas_store_remove(&s, UINT64_MAX - 1, UINT64_MAX);
	assert_int_equal(ioas_store_memory(&s), 0);
}

/* The widest range around @i that is all stored, or all empty. */
static struct range alike(uint64_t i)
{
	bool hole = store_twin.pfn[i] == HOLE;
	struct range r = { i, i };

	while (r.first && (store_twin.pfn[r.first - 1] == HOLE) == hole)
		r.first--;
	while (r.last + 1 < store_twin.n &&
	       (store_twin.pfn[r.last + 1] == HOLE) == hole)
		r.last++;
	return r;
}

static void store_random_step(struct ioas_store *s, struct prng *rng,
			      uint64_t most, bool grow)
{
	struct range r = random_range(rng, store_twin.n, most), a;
	uint64_t pfn = 1000 + r.first;

	a = alike(r.first);
	r.last = ioas_min(r.last, a.last);
	if (store_twin.pfn[r.first] != HOLE) {
		if (!grow)
			store_cut(s, r);
		return;
	}
	/* One in two continues what such runs at other indexes hold. */
	if (prng_below(rng, 2))
		pfn = prng_below(rng, 1 << 20) << 20;
	store_put(s, r, pfn);
}

/*
 * A bunch of removals is promised, done, and given back, in turns with
 * insertions at random places and at the end.
 */
static void store_random_run(uint64_t seed, uint64_t base, uint64_t most)
{
	struct prng rng = { seed };
	struct ioas_store s;
	unsigned int round, i, k;

	store_twin_init(base, UNIVERSE);
	ioas_store_init(&s);
	for (round = 0; round < 300; round++) {
		k = (unsigned int)prng_below(&rng, 40);
		for (i = 0; i < 2 * k; i++)
			store_random_step(&s, &rng, most, true);
		assert_int_equal(ioas_store_reserve(&s, k), 0);
		for (i = 0; i < k; i++)
			store_random_step(&s, &rng, most, true);
		for (i = 0; i < k; i++)
			store_random_step(&s, &rng, most, false);
		ioas_store_unreserve(&s, k);
		assert_true(ioas_store_validate(&s));
		assert_get(&s, random_range(&rng, UNIVERSE, UNIVERSE));
		if (round % 16 == 0)
			assert_store(&s);
	}
	assert_store(&s);
	clear(&s);
	assert_int_equal(ioas_store_memory(&s), 0);
}

static void random_stores_agree_with_an_array_of_frames(void **state)
{
	(void)state;
	print_message("# seeds 0x5704e to 0x57050\n");
	store_random_run(0x5704e, 0, 3);
	store_random_run(0x5704f, TOP(UNIVERSE), 60);
	store_random_run(0x57050, 1 << 20, 8);
}

#define RECORDS 700u

/* Remove what of @r no member of @s covers, piece by piece. */
static void drain(struct ioas_store *store, const struct ioas_cset *s,
		  struct range r)
{
	uint64_t i = r.first;

	while (i <= r.last) {
		struct ioas_span span = ioas_cset_span(s, i, r.last);

		if (!span.used)
			store_cut(store, (struct range){ i, span.last });
		i = span.last + 1;
	}
}

/*
 * As access records do: the store holds what the records cover, there is one
 * promise per record, and a record that goes is drained in as many pieces as
 * the others leave of it.
 */
static void records_drain_in_pieces_without_allocation(void **state)
{
	static struct range r[RECORDS];
	struct prng rng = { 0x9ec0 };
	struct ioas_store store;
	struct ioas_cset set;
	unsigned int i, nr = 0;
	uint64_t x;

	(void)state;
	store_twin_init(0, UNIVERSE);
	ioas_store_init(&store);
	ioas_cset_init(&set);
	r[0] = (struct range){ 0, UNIVERSE - 1 };
	for (nr = 0; nr < RECORDS; nr++) {
		/* Small ones, and now and then one over many of them. */
		if (nr)
			r[nr] = random_range(&rng, UNIVERSE,
					     nr % 16 ? 4 : UNIVERSE);
		assert_int_equal(ioas_store_reserve(&store, 1), 0);
		for (x = r[nr].first; x <= r[nr].last; x++)
			if (store_twin.pfn[x] == HOLE)
				store_put(&store, (struct range){ x, x },
					  x / 700 * 5000 + x);
		assert_int_equal(ioas_cset_add(&set, r[nr].first, r[nr].last),
				 0);
	}
	/* The wide ones first: their drains leave the most pieces. */
	for (i = 0; i < RECORDS; i++) {
		unsigned int k = i < RECORDS / 16 ? i * 16 : i;

		while (r[k].first > r[k].last)
			k = (k + 1) % RECORDS;
		ioas_cset_del(&set, r[k].first, r[k].last);
		drain(&store, &set, r[k]);
		ioas_store_unreserve(&store, 1);
		r[k] = (struct range){ 1, 0 };
		assert_true(ioas_store_validate(&store));
		if (i % 64 == 0)
			assert_store(&store);
	}
	assert_int_equal(ioas_store_memory(&store), 0);
	assert_true(ioas_cset_empty(&set));
}

static void a_failed_insert_or_reserve_changes_nothing(void **state)
{
	struct ioas_store s;
	struct faulty f;
	unsigned int nth, failures = 0;
	uint64_t i, at;
	bool hit;
	int ret;

	(void)state;
	store_twin_init(0, UNIVERSE);
	ioas_store_init(&s);
	for (i = 0; i < 1200; i++) {
		struct ioas_run run = { 77777 * i, 2 };

		at = i * 613 % 1201 * 3;
		for (nth = 1;; nth++) {
			fail_nth_begin(&f, nth);
			ret = ioas_store_insert(&s, at, run);
			hit = faulty_end(&f);
			assert_int_equal(f.fault.reached[IOAS_FP_STORE], 1);
			assert_int_equal(ret, hit ? -ENOMEM : 0);
			if (!hit)
				break;
			if (failures++ % 16 == 0)
				assert_store(&s);
		}
		store_twin.pfn[at] = run.pfn;
		store_twin.pfn[at + 1] = run.pfn + 1;
		if (i % 100)
			continue;
		fail_nth_begin(&f, 1);
		ret = ioas_store_reserve(&s, 200);
		assert_int_equal(ret, faulty_end(&f) ? -ENOMEM : 0);
		assert_store(&s);
		if (!ret)
			ioas_store_unreserve(&s, 200);
	}
	assert_true(failures > 1250);
	assert_store(&s);
	ioas_store_fini(&s);
}

static void ascending_runs_are_packed(void **state)
{
	struct ioas_store s;
	uint64_t i, at = 0, nr = 100000;

	(void)state;
	ioas_store_init(&s);
	assert_int_equal(ioas_store_reserve(&s, 1), 0);
	for (i = 0; i < nr; i++) {
		struct ioas_run run = { i * 64, 1 + i % 7 };

		assert_int_equal(ioas_store_insert(&s, at, run), 0);
		at += run.nr;
		if (i == 0)
			assert_in_range(ioas_store_memory(&s), 1, 192);
		if (i < 2000)
			assert_true(ioas_store_validate(&s));
	}
	assert_true(ioas_store_validate(&s));
	assert_int_equal(ioas_store_runs(&s), nr);
	assert_int_equal(ioas_store_pages(&s), at);
	assert_in_range(ioas_store_memory(&s), 16 * nr, 18 * nr);
	ioas_store_remove(&s, 0, at - 1);
	ioas_store_unreserve(&s, 1);
	assert_int_equal(ioas_store_memory(&s), 0);
}

/* What reserve promises, alone: one run, cut @k times. */
static void each_promise_pays_for_one_cut(void **state)
{
	struct ioas_store s;
	unsigned int k, i;

	(void)state;
	ioas_store_init(&s);
	for (k = 1; k < 300; k++) {
		store_twin_init(0, 2 * k + 1);
		store_put(&s, (struct range){ 0, 2 * k }, 77);
		assert_int_equal(ioas_store_reserve(&s, k), 0);
		for (i = 0; i < k; i++)
			store_cut(&s, (struct range){ 2 * i + 1, 2 * i + 1 });
		assert_store(&s);
		assert_int_equal(ioas_store_runs(&s), k + 1);
		clear(&s);
		ioas_store_unreserve(&s, k);
		assert_int_equal(ioas_store_memory(&s), 0);
	}
}

/* Far apart in a packed tree, so that each cut splits nodes up to the root. */
static void promises_hold_in_full_nodes(void **state)
{
	struct ioas_store s;
	struct faulty f;
	uint64_t i, nr = 32768;

	(void)state;
	ioas_store_init(&s);
	assert_int_equal(ioas_store_reserve(&s, 3), 0);
	for (i = 0; i < nr; i++)
		assert_int_equal(
			ioas_store_insert(&s, i * 3,
					  (struct ioas_run){ i * 9, 3 }),
			0);
	alloc_off_begin(&f);
	for (i = 1; i < 4; i++)
		ioas_store_remove(&s, i * nr / 4 * 3 + 1, i * nr / 4 * 3 + 1);
	assert_false(faulty_end(&f));
	assert_true(ioas_store_validate(&s));
	assert_int_equal(ioas_store_runs(&s), nr + 3);
	ioas_store_fini(&s);
}

/* The head of a run goes, its end, and what is left, from full nodes. */
static void a_removal_that_cuts_nothing_needs_no_promise(void **state)
{
	struct ioas_store s;
	uint64_t i, nr = 256;

	(void)state;
	store_twin_init(0, UNIVERSE);
	ioas_store_init(&s);
	for (i = 0; i < nr; i++)
		store_put(&s, (struct range){ i * 8, i * 8 + 3 }, i * 100);
	for (i = 0; i < nr; i++)
		store_cut(&s, (struct range){ i * 8, i * 8 });
	for (i = 0; i < nr; i++)
		store_cut(&s, (struct range){ i * 8 + 3, i * 8 + 3 });
	assert_store(&s);
	assert_int_equal(ioas_store_runs(&s), nr);
	for (i = 0; i < nr; i++)
		store_cut(&s, (struct range){ i * 8 + 1, i * 8 + 2 });
	assert_int_equal(ioas_store_memory(&s), 0);
}

/* One page after another of the same run melts. */
static void pages_of_one_run_are_one_row(void **state)
{
	struct ioas_store s;
	uint64_t i;

	(void)state;
	ioas_store_init(&s);
	for (i = 0; i < 10000; i++)
		assert_int_equal(
			ioas_store_insert(&s, 9 + i,
					  (struct ioas_run){ 5000 + i, 1 }),
			0);
	assert_int_equal(ioas_store_runs(&s), 1);
	assert_in_range(ioas_store_memory(&s), 1, 192);
	assert_int_equal(ioas_store_get(&s, 10, UINT64_MAX).nr, 9999);
	ioas_store_remove(&s, 9, 10008);
	assert_int_equal(ioas_store_memory(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		range_case(all_small_sets_answer_all_queries),
		range_case(members_leave_in_any_order),
		range_case(common_sets_take_no_memory),
		range_case(random_sets_agree_with_an_array_of_counts),
		range_case(adjacent_members_come_apart_without_allocation),
		range_case(a_failed_add_changes_nothing),
		range_case(all_patterns_take_all_changes),
		range_case(a_run_of_any_size_is_one_run),
		range_case(random_stores_agree_with_an_array_of_frames),
		range_case(records_drain_in_pieces_without_allocation),
		range_case(each_promise_pays_for_one_cut),
		range_case(promises_hold_in_full_nodes),
		range_case(a_removal_that_cuts_nothing_needs_no_promise),
		range_case(a_failed_insert_or_reserve_changes_nothing),
		range_case(ascending_runs_are_packed),
		range_case(pages_of_one_run_are_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
