/* SPDX-License-Identifier: MIT */
/*
 * t_pt_sweep: page tables of every format, with every fault point failing once
 *
 *   setup    no faults
 *   before   the leaves
 *   n = 1    operation fails: -ENOMEM, the leaves as before, mirror as well
 *            again: succeeds, the leaves as in the clean run
 *   n = 2    ...                  until the operation does not reach the n-th
 *
 * The same once more with the owner's memory running out instead. What takes
 * away reaches no point at all.
 */
#include "pt_kit.h"

#include "base/bits.h"
#include "base/errno.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

struct scenario {
	const char *name;
	/* NULL: nothing */
	void (*setup)(struct kit *k);
	int (*operation)(struct kit *k);
	/* Formats that it makes sense for; NULL: all. */
	bool (*suits)(const struct kit_format *f);
	/* Leaves may have been cut already; outputs are what they were. */
	bool cuts;
	/* Sets what a page table is created with. */
	void (*change)(struct ioas_pt_params *params);
};

/* How often each point failed. */
static uint64_t nr_failed[IOAS_NR_FAULT_POINTS];

static uint64_t granule_of(const struct kit *k)
{
	return KIT_PGSIZE(k->f->granule_lg2);
}

static uint64_t table_of(const struct kit *k)
{
	return KIT_PGSIZE(kit_item_lg2(k->f, 1));
}

/* ---- operations --------------------------------------------------------- */

static int map_page(struct kit *k)
{
	return kit_map(k, table_of(k) + granule_of(k), 0, granule_of(k),
		       KIT_RW);
}

/* The end of a table, one as a whole, the beginning of another. */
static int map_tables(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_of(k);

	return kit_map(k, table - 2 * g, g, table + 5 * g, KIT_RW);
}

static int map_runs(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_of(k);
	const struct ioas_run runs[] = {
		{ 3 * g, 4 * g }, { 9 * g, g }, { 5 * g, 2 * g }, { g, g },
	};
	const struct ioas_pt_map rq = {
		.iova = table - 5 * g, .runs = runs, .nr_runs = 4,
		.length = 8 * g, .prot = KIT_RW,
	};

	return ioas_pt_map(k->pt, &rq);
}

static int map_far(struct kit *k)
{
	return kit_map(k, kit_last(k->f) + 1 - granule_of(k), 0, granule_of(k),
		       KIT_RW);
}

static int map_upper_half(struct kit *k)
{
	return kit_map(k, ~kit_last(k->f), 0, granule_of(k), KIT_RW);
}

/* Where a table of pages was, and its neighbour, which has none. */
static void empty_a_table(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_of(k);

	kit_mapped(k, table + 3 * g, 0, g);
	kit_unmap(k, table + 3 * g, table + 4 * g - 1);
}

static int map_over_empty(struct kit *k)
{
	uint64_t table = table_of(k);

	return kit_map(k, table, 0, table + granule_of(k), KIT_RW);
}

static void something(struct kit *k)
{
	kit_mapped(k, 0, 0, 3 * granule_of(k));
}

/* A leaf as large as all that two levels span. */
static int map_as_large_as_the_root(struct kit *k)
{
	return kit_map(k, 0, KIT_GIB, KIT_GIB, KIT_RW);
}

static void halves_of_it(struct kit *k)
{
	kit_mapped(k, 0, KIT_GIB, KIT_GIB / 2);
	kit_mapped(k, KIT_GIB / 2, KIT_GIB + KIT_GIB / 2, KIT_GIB / 2);
}

static int merge_as_large_as_the_root(struct kit *k)
{
	return ioas_pt_merge(k->pt, 0, 30);
}

/* The size of an item of level 1; the largest below 4 GiB. */
static unsigned int block_lg2(const struct kit_format *f)
{
	return kit_item_lg2(f, 1);
}

static unsigned int large_lg2(const struct kit_format *f)
{
	uint64_t sizes = f->pgsizes & (KIT_PGSIZE(32) - 1);

	return ioas_log2(sizes);
}

static void a_block(struct kit *k)
{
	uint64_t size = KIT_PGSIZE(block_lg2(k->f));

	kit_mapped(k, size, size, size);
}

static void a_large_leaf(struct kit *k)
{
	kit_mapped(k, 0, 0, KIT_PGSIZE(large_lg2(k->f)));
}

static int split_block(struct kit *k)
{
	uint64_t size = KIT_PGSIZE(block_lg2(k->f));

	return ioas_pt_split_to(k->pt, size, k->f->granule_lg2);
}

/* As far as some tables. */
static int split_large(struct kit *k)
{
	unsigned int lg2 = block_lg2(k->f);
	uint64_t sizes = k->f->pgsizes &
			 (KIT_PGSIZE(large_lg2(k->f)) - 1);

	if (large_lg2(k->f) > lg2 + 3u && sizes >> lg2)
		return ioas_pt_split_to(k->pt, 0, ioas_log2(sizes));
	return ioas_pt_split_to(k->pt, 0, k->f->granule_lg2);
}

static int split_at_a_page(struct kit *k)
{
	return ioas_pt_split(k->pt, 3 * granule_of(k));
}

static void pages_of_a_block(struct kit *k)
{
	uint64_t size = KIT_PGSIZE(block_lg2(k->f));

	assert_int_equal(ioas_pt_set_pgsizes(k->pt, granule_of(k)), 0);
	kit_mapped(k, size, size, size);
	assert_int_equal(ioas_pt_set_pgsizes(k->pt, k->f->pgsizes), 0);
}

static int merge_block(struct kit *k)
{
	unsigned int lg2 = block_lg2(k->f);

	return ioas_pt_merge(k->pt, KIT_PGSIZE(lg2), lg2);
}

static bool has_block(const struct kit_format *f)
{
	return f->pgsizes >> block_lg2(f) & 1;
}

static bool has_halves(const struct kit_format *f)
{
	return kit_signed(f);
}

static bool grows(const struct kit_format *f)
{
	return f->flags & IOAS_PT_GROW;
}

static void two_levels(struct ioas_pt_params *params)
{
	params->levels = 2;
}

static const struct scenario scenarios[] = {
	{ "a page", NULL, map_page, NULL, false, NULL },
	{ "a page beside others", something, map_page, NULL, false, NULL },
	{ "tables", NULL, map_tables, NULL, false, NULL },
	{ "runs", NULL, map_runs, NULL, false, NULL },
	{ "the last page", something, map_far, NULL, false, NULL },
	{ "the upper half", something, map_upper_half, has_halves, false,
	  NULL },
	{ "over an empty table", empty_a_table, map_over_empty, has_block,
	  false, NULL },
	{ "a page far up", something, map_far, grows, false, two_levels },
	{ "as large as the root", NULL, map_as_large_as_the_root, grows, false,
	  two_levels },
	{ "merged as large as the root", halves_of_it,
	  merge_as_large_as_the_root, grows, false, two_levels },
	{ "a block cut", a_block, split_block, has_block, false, NULL },
	{ "a large leaf cut", a_large_leaf, split_large, NULL, false, NULL },
	{ "a border", a_large_leaf, split_at_a_page, NULL, true, NULL },
	{ "a block merged", pages_of_a_block, merge_block, has_block, false,
	  NULL },
};

#define NR_SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

/* ---- one failure -------------------------------------------------------- */

/* The @nth point fails; false: it was not reached. */
static bool fail_nth(struct kit *k, const struct scenario *s, uint64_t nth,
		     int *ret)
{
	struct ioas_fault fault = { .nth = nth,
				    .failed = IOAS_NR_FAULT_POINTS };
	struct ioas_caller caller = { .fault = &fault }, *old;

	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	*ret = s->operation(k);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	if (fault.failed != IOAS_NR_FAULT_POINTS)
		nr_failed[fault.failed]++;
	return fault.failed != IOAS_NR_FAULT_POINTS;
}

/* Or the owner has memory for @nth - 1 tables. */
static bool fail_memory(struct kit *k, const struct scenario *s, uint64_t nth,
			int *ret)
{
	k->budget = (unsigned int)nth - 1;
	*ret = s->operation(k);
	k->budget = UINT32_MAX;
	return *ret != 0;
}

/* The same outputs, cut elsewhere perhaps. */
static bool same_outputs(const struct kit_leaves *a, struct kit *k)
{
	for (size_t i = 0; i < a->nr; i++) {
		const struct ioas_pt_leaf *leaf = &a->leaf[i];
		uint64_t oa, length, size = KIT_PGSIZE(leaf->lg2);

		if (ioas_pt_translate_run(k->pt, leaf->iova,
					  leaf->iova + (size - 1), NULL, &oa,
					  &length) ||
		    oa != leaf->oa || length != size)
			return false;
	}
	return true;
}

static void check_unchanged(struct kit *k, const struct scenario *s,
			    const struct kit_leaves *before)
{
	struct kit_leaves after;

	if (s->cuts) {
		assert_true(same_outputs(before, k));
	} else {
		kit_leaves(k->pt, &after);
		if (!kit_leaves_equal(before, &after))
			fail_msg("%s: %s: something changed", k->f->name,
				 s->name);
		kit_leaves_free(&after);
	}
	kit_check(k);
}

typedef bool fail_fn(struct kit *k, const struct scenario *s, uint64_t nth,
		     int *ret);

/* False: everything went well, because so many points are not reached. */
static bool one_failure(const struct kit_format *f, const struct scenario *s,
			fail_fn *how, uint64_t nth,
			const struct kit_leaves *clean)
{
	struct kit *k = kit_new(f, s->change);
	struct kit_leaves before, after;
	bool failed;
	int ret;

	k->quiet = true;
	if (s->setup)
		s->setup(k);
	kit_leaves(k->pt, &before);
	failed = how(k, s, nth, &ret);
	if (ret != (failed ? -ENOMEM : 0))
		fail_msg("%s: %s: point %llu: %d", f->name, s->name,
			 (unsigned long long)nth, ret);
	if (failed) {
		check_unchanged(k, s, &before);
		assert_int_equal(s->operation(k), 0);
	}
	kit_leaves(k->pt, &after);
	assert_true(kit_leaves_equal(clean, &after));
	kit_check(k);
	kit_leaves_free(&before);
	kit_leaves_free(&after);
	kit_free(k);
	return failed;
}

static void sweep(const struct kit_format *f, const struct scenario *s,
		  fail_fn *how)
{
	struct kit *k = kit_new(f, s->change);
	struct kit_leaves clean;
	uint64_t nth = 1;

	if (s->setup)
		s->setup(k);
	assert_int_equal(s->operation(k), 0);
	kit_leaves(k->pt, &clean);
	kit_free(k);
	while (one_failure(f, s, how, nth, &clean))
		nth++;
	/* Points were there at all, but where a table was to spare. */
	assert_true(nth > 1 || how == fail_memory);
	kit_leaves_free(&clean);
}

static void sweep_all(fail_fn *how)
{
	for (unsigned int i = 0; i < kit_nr_formats; i++)
		for (unsigned int n = 0; n < NR_SCENARIOS; n++)
			if (!scenarios[n].suits ||
			    scenarios[n].suits(&kit_formats[i]))
				sweep(&kit_formats[i], &scenarios[n], how);
}

static void every_point_may_fail_once(void **state)
{
	(void)state;
	sweep_all(fail_nth);
	assert_true(nr_failed[IOAS_FP_TABLE] > kit_nr_formats);
	assert_true(nr_failed[IOAS_FP_DOMAIN_MAP] > kit_nr_formats);
}

static void memory_may_end_anywhere(void **state)
{
	(void)state;
	sweep_all(fail_memory);
}

static void a_gigabyte(struct kit *k)
{
	kit_mapped(k, 0, 0, KIT_GIB);
}

static int split_a_gigabyte(struct kit *k)
{
	return ioas_pt_split_to(k->pt, 0, 12);
}

/* An image, a table, and 512 below it: some points of many. */
static void two_levels_are_cut_or_not(void **state)
{
	static const uint64_t nths[] = { 1, 2, 3, 300, 514, 515 };
	const struct scenario s = { "two levels cut", a_gigabyte,
				    split_a_gigabyte, NULL, false, NULL };
	const char *const names[] = { "x86_64 sign", "riscv64_x4 Sv39x4" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		const struct kit_format *f = kit_find(names[i]);
		struct kit *k = kit_new(f, NULL);
		struct kit_leaves clean;

		k->quiet = true;
		s.setup(k);
		assert_int_equal(s.operation(k), 0);
		kit_leaves(k->pt, &clean);
		kit_free(k);
		for (unsigned int n = 0; n < 6; n++)
			assert_int_equal(one_failure(f, &s, fail_nth, nths[n],
						     &clean), n < 5);
		kit_leaves_free(&clean);
	}
}

/* ---- create ------------------------------------------------------------- */

static void a_page_table_is_made_or_not(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		const struct kit_format *f = &kit_formats[i];
		struct ioas_pt_params params;
		uint64_t nth = 0;
		int ret;

		kit_params(f, &params);
		do {
			struct ioas_fault fault = { .nth = ++nth };
			struct ioas_caller caller = { .fault = &fault }, *old;
			struct ioas_pt *pt = NULL;

			ioas_fault_arm(&fault);
			old = ioas_caller_enter(&caller);
			ret = ioas_pt_create(f->format, &params, &pt);
			ioas_caller_leave(old);
			ioas_fault_disarm();
			assert_int_equal(ret, fault.nth ? 0 : -ENOMEM);
			assert_int_equal(!pt, ret != 0);
			ioas_pt_destroy(pt);
		} while (ret);
		/* Itself, and its root. */
		assert_int_equal(nth, 3);
	}
}

/* The owner has no memory for a root; nothing is handed back twice. */
static void without_a_root_there_is_no_page_table(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_begin(&kit_formats[i]);
		struct ioas_pt_params params;

		kit_params(k->f, &params);
		params.mem = &kit_mem_ops;
		params.mem_ctx = k;
		k->budget = 0;
		assert_int_equal(ioas_pt_create(k->f->format, &params, &k->pt),
				 -ENOMEM);
		assert_null(k->pt);
		assert_int_equal(k->live, 0);
		k->budget = 1;
		assert_int_equal(ioas_pt_create(k->f->format, &params, &k->pt),
				 0);
		kit_free(k);
	}
}

/* ---- what cannot fail --------------------------------------------------- */

static void take_everything_away(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_of(k), oa, length;
	const struct ioas_pt_unmap rq = {
		.iova = table, .want_last = 2 * table - 1,
		.last = 2 * table - 1,
	};
	struct ioas_pt_leaf leaf;
	struct ioas_pt_hit hit;

	ioas_pt_mark_dirty(k->pt, 0, UINT64_MAX);
	ioas_pt_read_dirty(k->pt, 0, UINT64_MAX, true, NULL, NULL);
	assert_int_equal(ioas_pt_leaf(k->pt, table, &leaf), 0);
	assert_int_equal(ioas_pt_lookup(k->pt, table, &hit), 0);
	assert_int_equal(ioas_pt_translate_run(k->pt, table, UINT64_MAX, NULL,
					       &oa, &length), 0);
	assert_true(ioas_pt_unmap(k->pt, &rq) == 2 * table - 1);
	ioas_pt_sync(k->pt);
	assert_true(ioas_pt_remove(k->pt, 0, g, NULL) == g);
	ioas_pt_destroy(k->pt);
	k->pt = NULL;
}

static void what_takes_away_reaches_no_point(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i], NULL);
		struct ioas_fault fault = { .nth = 1, .sticky = true };
		struct ioas_caller caller = { .fault = &fault }, *old;

		k->quiet = true;
		kit_mapped(k, 0, 0, granule_of(k));
		kit_mapped(k, table_of(k), granule_of(k), table_of(k));
		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		take_everything_away(k);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++)
			assert_int_equal(fault.reached[p], 0);
		kit_free(k);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_may_fail_once),
		cmocka_unit_test(memory_may_end_anywhere),
		cmocka_unit_test(two_levels_are_cut_or_not),
		cmocka_unit_test(a_page_table_is_made_or_not),
		cmocka_unit_test(without_a_root_there_is_no_page_table),
		cmocka_unit_test(what_takes_away_reaches_no_point),
	};

	return cmocka_run_group_tests_name("pt_sweep", tests, NULL, NULL);
}
