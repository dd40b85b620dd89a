/* SPDX-License-Identifier: MIT */
/*
 * t_pt_walk: tables come and go, frames are taken, cursors, split, dirty state
 *
 * By way of the mock format. Counts stand for the times that they make true:
 * walks from the root, tables allocated, invalidations.
 */
#include "pt_mock_test.h"

#include <stdlib.h>
#include <string.h>

/* ---- tables come and go ------------------------------------------------- */

struct hook_log {
	unsigned int invalidations, syncs, maps;
	uint64_t iova, last;
	bool tables;
};

static void log_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			   bool tables)
{
	struct hook_log *log = ctx;

	log->invalidations++;
	log->iova = iova;
	log->last = last;
	log->tables = tables;
}

static void log_sync(void *ctx)
{
	((struct hook_log *)ctx)->syncs++;
}

static void log_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct hook_log *log = ctx;

	log->maps++;
	log->iova = iova;
	log->last = last;
}

static const struct ioas_pt_hooks log_hooks = {
	.invalidate = log_invalidate, .sync = log_sync, .mapped = log_mapped,
};

static void walkers_are_told_exact_ranges(void **state)
{
	struct hook_log log = { 0 };
	const struct ioas_pt_params params = {
		.pgsizes = 0x201000, .last = UINT64_MAX, .hooks = &log_hooks,
		.hooks_ctx = &log,
	};
	struct ioas_pt *pt = NULL;

	(void)state;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &params, &pt), 0);
	assert_int_equal(map_bytes(pt, 2 * MIB, 4096, 4 * MIB, RW), 0);
	assert_int_equal(log.maps, 1);
	assert_int_equal(log.iova, 2 * MIB);
	assert_int_equal(log.last, 6 * MIB - 1);
	unmap_bytes(pt, 2 * MIB, 4 * MIB + 4095);
	assert_int_equal(log.invalidations, 1);
	assert_int_equal(log.iova, 2 * MIB);
	assert_int_equal(log.last, 4 * MIB + 4095);
	/* [2M, 4M) lost its table, the next one is still there. */
	assert_true(log.tables);
	unmap_bytes(pt, 4 * MIB + 4096, 6 * MIB - 1);
	assert_false(log.tables);
	assert_int_equal(log.syncs, 0);
	ioas_pt_sync(pt);
	assert_int_equal(log.syncs, 1);
	/* A leaf where there is an empty table: first invalidate, then map. */
	assert_int_equal(map_bytes(pt, 4 * MIB, 0, 2 * MIB, RW), 0);
	assert_int_equal(nr_leaves(pt), 1);
	assert_int_equal(log.invalidations, 3);
	assert_int_equal(log.syncs, 2);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

static void a_gigabyte_is_one_walk(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, ((uint64_t)1 << 48) - 1);
	struct ioas_pt_stats before, after;
	uint64_t memory = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		ioas_pt_stats(pt, &before);
		assert_int_equal(map_bytes(pt, GIB, 0, GIB, RW), 0);
		ioas_pt_stats(pt, &after);
		assert_int_equal(after.walks - before.walks, 1);
		assert_int_equal(after.leaves_written - before.leaves_written,
				 262144);
		/* 512 leaf tables, one above them; others stay. */
		assert_int_equal(after.tables_allocated -
				 before.tables_allocated, round ? 513 : 514);
		unmap_bytes(pt, GIB, 2 * GIB - 1);
		ioas_pt_stats(pt, &before);
		assert_int_equal(before.walks - after.walks, 1);
		assert_int_equal(before.tables_freed - after.tables_freed,
				 513);
		ioas_pt_sync(pt);
		if (round)
			assert_int_equal(ioas_pt_memory(pt), memory);
		memory = ioas_pt_memory(pt);
		assert_true(ioas_pt_validate(pt));
	}
	ioas_pt_destroy(pt);
}

static void tables_wait_for_a_sync_before_they_are_used_again(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);
	uint64_t oa = 5 * MIB, *table, *again;

	(void)state;
	assert_int_equal(map_bytes(pt, 0, oa, 2 * MIB, RW), 0);
	table = raw_item(pt, 0, 12, 0);
	unmap_bytes(pt, 0, 2 * MIB - 1);
	assert_int_equal(map_bytes(pt, 0, oa, 2 * MIB, RW), 0);
	again = raw_item(pt, 0, 12, 0);
	assert_ptr_not_equal(table, again);
	unmap_bytes(pt, 0, 2 * MIB - 1);
	/* Who still holds the pointer sees a hole or the old page. */
	assert_int_equal(raw_word(again[0]) & 511, 0);
	assert_int_equal(raw_word(again[1]) & ~UINT64_C(511), oa + 4096);
	ioas_pt_sync(pt);
	assert_int_equal(map_bytes(pt, 0, oa, 2 * MIB, RW), 0);
	assert_true(raw_item(pt, 0, 12, 0) == table ||
		    raw_item(pt, 0, 12, 0) == again);
	ioas_pt_destroy(pt);
}

static void part_of_a_table_leaves_it_in_the_tree(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);
	struct ioas_pt_stats stats;

	(void)state;
	assert_int_equal(map_bytes(pt, 4096, 0, 6 * MIB - 8192, RW), 0);
	unmap_bytes(pt, 4096, 6 * MIB - 4097);
	ioas_pt_stats(pt, &stats);
	assert_int_equal(stats.tables_freed, 1);
	assert_int_equal(nr_leaves(pt), 0);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

/* While the walkers are being told, another thread maps. */
struct busy_hook {
	struct ioas_pt *pt;
	const uint64_t *retired;
	bool reused;
};

static void busy_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			    bool tables)
{
	(void)ctx;
	(void)iova;
	(void)last;
	(void)tables;
}

static void busy_sync(void *ctx)
{
	struct busy_hook *b = ctx;

	assert_int_equal(map_bytes(b->pt, 2 * MIB, 0, 2 * MIB, RW), 0);
	b->reused = raw_item(b->pt, 2 * MIB, 12, 0) == b->retired;
}

static void tables_wait_until_the_sync_is_complete(void **state)
{
	static const struct ioas_pt_hooks hooks = {
		.invalidate = busy_invalidate, .sync = busy_sync,
	};
	struct busy_hook b = { .reused = true };
	const struct ioas_pt_params params = {
		.pgsizes = 0x1000, .last = GIB - 1, .hooks = &hooks,
		.hooks_ctx = &b,
	};

	(void)state;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &params, &b.pt), 0);
	assert_int_equal(map_bytes(b.pt, 0, 0, 2 * MIB, RW), 0);
	b.retired = raw_item(b.pt, 0, 12, 0);
	unmap_bytes(b.pt, 0, 2 * MIB - 1);
	ioas_pt_sync(b.pt);
	assert_false(b.reused);
	assert_true(ioas_pt_validate(b.pt));
	ioas_pt_destroy(b.pt);
}

/* Tables in memory that a guest sees at another address. */
struct arena {
	char *base;
	size_t used, size;
	unsigned int live;
};

#define ARENA_PA UINT64_C(0x7000000000)

static void *arena_alloc(void *ctx, size_t bytes)
{
	struct arena *a = ctx;

	if (a->used + bytes > a->size)
		return NULL;
	a->used += bytes;
	a->live++;
	return a->base + a->used - bytes;
}

static void arena_free(void *ctx, void *table, size_t bytes)
{
	struct arena *a = ctx;

	memset(table, 0xff, bytes);
	a->live--;
}

static uint64_t arena_to_pa(void *ctx, const void *table)
{
	struct arena *a = ctx;

	return ARENA_PA + (uint64_t)((const char *)table - a->base);
}

static void *arena_from_pa(void *ctx, uint64_t pa)
{
	struct arena *a = ctx;

	assert_in_range(pa, ARENA_PA, ARENA_PA + a->size - 1);
	return a->base + (pa - ARENA_PA);
}

static void tables_live_where_their_owner_wants(void **state)
{
	static const struct ioas_pt_mem_ops ops = {
		arena_alloc, arena_free, arena_to_pa, arena_from_pa,
	};
	struct arena a = { .size = 64 * KIB };
	const struct ioas_pt_params params = {
		.pgsizes = 0x201000, .last = UINT64_MAX, .mem = &ops,
		.mem_ctx = &a,
	};
	struct ioas_pt *pt = NULL;
	struct ioas_pt_root root;

	(void)state;
	a.base = aligned_alloc(4096, a.size);
	assert_non_null(a.base);
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &params, &pt), 0);
	ioas_pt_root(pt, &root);
	assert_int_equal(root.pa, ARENA_PA);
	assert_int_equal(map_bytes(pt, 4096, 0, 2 * MIB, RW), 0);
	assert_int_equal(translate(pt, 2 * MIB), 2 * MIB - 4096);
	unmap_bytes(pt, 4096, 2 * MIB + 4095);
	/* More tables than there is memory. */
	assert_int_equal(map_bytes(pt, 0, 4096, 128 * MIB, RW), -ENOMEM);
	assert_int_equal(nr_leaves(pt), 0);
	ioas_pt_sync(pt);
	assert_true(ioas_pt_validate(pt));
	assert_int_equal(map_bytes(pt, 0, 4096, 4 * MIB, RW), 0);
	ioas_pt_destroy(pt);
	assert_int_equal(a.live, 0);
	free(a.base);
}

/* ---- taking frames ------------------------------------------------------ */

struct taker {
	unsigned int capacity;
	unsigned int nr;
	struct {
		uint64_t iova, oa, length;
	} piece[8];
};

static bool take(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	struct taker *t = ctx;

	if (t->nr && t->piece[t->nr - 1].oa + t->piece[t->nr - 1].length ==
			     oa) {
		t->piece[t->nr - 1].length += length;
		return true;
	}
	if (t->nr == t->capacity)
		return false;
	t->piece[t->nr].iova = iova;
	t->piece[t->nr].oa = oa;
	t->piece[t->nr++].length = length;
	return true;
}

static void unmap_goes_on_only_while_frames_are_contiguous(void **state)
{
	/* Pages 1 2 3 | 4, contiguous by chance | 9 9 | 600 in a new table */
	const struct ioas_run runs[] = { { 1, 3 }, { 4, 1 }, { 9, 1 },
					 { 9, 1 }, { 600, 600 } };
	struct ioas_pt_map map = {
		.iova = 2 * MIB, .runs = runs, .nr_runs = 5, .page_lg2 = 12,
		.length = 606 * 4096, .prot = RW,
	};
	/* want_last's page and capacity -> pages gone */
	static const unsigned int cases[][3] = {
		{ 0, 8, 4 }, { 3, 8, 4 }, { 4, 8, 5 }, { 4, 1, 4 },
		{ 5, 8, 6 }, { 6, 3, 6 }, { 6, 4, 606 }, { 605, 4, 606 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);
		struct taker t = { .capacity = cases[i][1] };
		struct ioas_pt_unmap rq = {
			.iova = map.iova,
			.want_last = map.iova + cases[i][0] * 4096 + 4095,
			.last = map.iova + map.length - 1,
			.take = take, .ctx = &t,
		};
		uint64_t gone, length = 0;

		assert_int_equal(ioas_pt_map(pt, &map), 0);
		gone = ioas_pt_unmap(pt, &rq);
		assert_int_equal((gone + 1 - map.iova) / 4096, cases[i][2]);
		assert_int_equal(nr_leaves(pt), 606 - cases[i][2]);
		for (unsigned int k = 0; k < t.nr; k++)
			length += t.piece[k].length;
		assert_int_equal(length, gone + 1 - map.iova);
		assert_int_equal(t.piece[0].oa, 4096);
		assert_true(ioas_pt_validate(pt));
		ioas_pt_destroy(pt);
	}
}

static void the_end_of_a_table_above_leaves_its_beginning(void **state)
{
	uint64_t first = 512 * MIB, last = 3 * 512 * MIB - 1;

	(void)state;
	for (int taking = 0; taking < 2; taking++) {
		struct ioas_pt *pt = pt_new(0x1000, 0, 4 * GIB - 1);
		struct taker t = { .capacity = 1 };
		const struct ioas_pt_unmap rq = {
			.iova = first, .want_last = last, .last = last,
			.take = taking ? take : NULL, .ctx = &t,
		};

		assert_int_equal(map_bytes(pt, 4096, 0, 4096, RW), 0);
		assert_int_equal(map_bytes(pt, first, 0, GIB, RW), 0);
		assert_int_equal(ioas_pt_unmap(pt, &rq), last);
		assert_int_equal(translate(pt, 4096), 0);
		assert_int_equal(nr_leaves(pt), 1);
		assert_true(ioas_pt_validate(pt));
		ioas_pt_destroy(pt);
	}
}

static void the_end_of_the_output_space_continues_nowhere(void **state)
{
	const struct ioas_run runs[] = { { UINT64_MAX >> 12, 1 }, { 0, 1 } };
	const struct ioas_pt_map map = {
		.iova = 0, .runs = runs, .nr_runs = 2, .page_lg2 = 12,
		.length = 8192, .prot = RW,
	};
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);
	struct taker t = { .capacity = 8 };
	const struct ioas_pt_unmap rq = {
		.want_last = 4095, .last = 8191, .take = take, .ctx = &t,
	};
	uint64_t oa, length;

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &map), 0);
	assert_int_equal(ioas_pt_translate_run(pt, 0, 8191, NULL, &oa,
					       &length), 0);
	assert_int_equal(length, 4096);
	assert_int_equal(ioas_pt_unmap(pt, &rq), 4095);
	assert_int_equal(nr_leaves(pt), 1);
	ioas_pt_destroy(pt);
}

/* ---- cursors ------------------------------------------------------------ */

static void a_cursor_spares_the_walk_from_the_root(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, ((uint64_t)1 << 48) - 1);
	uint64_t cursor[4] = { 0 }, reader[4] = { 0 }, oa, length;
	struct ioas_run run = { 0, 1 };
	struct ioas_pt_map rq = {
		.runs = &run, .nr_runs = 1, .page_lg2 = 12, .length = 4096,
		.prot = RW, .cursor = cursor,
	};
	struct ioas_pt_stats stats;

	(void)state;
	for (uint64_t i = 0; i < 4096; i++) {
		rq.iova = GIB - 4 * MIB + i * 4096;
		run.pfn = i * 3;
		assert_int_equal(ioas_pt_map(pt, &rq), 0);
	}
	ioas_pt_stats(pt, &stats);
	/* The first one, and where a new gigabyte begins. */
	assert_int_equal(stats.walks, 2);
	for (uint64_t i = 0; i < 4096; i++) {
		assert_int_equal(ioas_pt_translate_run(
			pt, GIB - 4 * MIB + i * 4096, UINT64_MAX, reader,
			&oa, &length), 0);
		assert_int_equal(oa, i * 3 * 4096);
		assert_int_equal(length, 4096);
	}
	ioas_pt_stats(pt, &stats);
	/* The reader looks over that border once before it goes there. */
	assert_int_equal(stats.walks, 5);
	ioas_pt_destroy(pt);
}

static void a_cursor_is_void_when_tables_have_gone(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);
	uint64_t cursor[4] = { 0 };
	struct ioas_run run = { 0, 512 };
	struct ioas_pt_map rq = {
		.runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 2 * MIB, .prot = RW, .cursor = cursor,
	};

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	unmap_bytes(pt, 0, 2 * MIB - 1);
	ioas_pt_sync(pt);
	/* Its table is in use elsewhere now. */
	assert_int_equal(map_bytes(pt, 512 * MIB, 0, 2 * MIB, RW), 0);
	run.pfn = 77;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	assert_int_equal(translate(pt, 0), 77 * 4096);
	assert_int_equal(translate(pt, 512 * MIB), 0);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

/* ---- split -------------------------------------------------------------- */

struct failing_split {
	struct ioas_pt *pt;
	uint64_t iova;
};

static int do_split(void *arg)
{
	struct failing_split *f = arg;

	return ioas_pt_split(f->pt, f->iova);
}

static bool straddles(struct ioas_pt *pt, uint64_t border)
{
	struct ioas_pt_leaf leaf;

	return !ioas_pt_leaf(pt, border, &leaf) && leaf.iova != border;
}

static void split_at_every_border_keeps_the_output(void **state)
{
	static const uint64_t sets[] = { 0x201000, 0x40001000, 0x601000,
					 0x401000, ALL_SIZES };

	(void)state;
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		uint64_t length = sets[s] == 0x40001000 ? GIB : 8 * MIB;

		for (uint64_t at = 4096; at < length; at = at * 3 - 4096) {
			struct ioas_pt *pt = pt_new(sets[s], 0, UINT64_MAX);
			uint64_t oa, got;

			assert_int_equal(map_bytes(pt, 0, length, length, RW),
					 0);
			ioas_pt_mark_dirty(pt, 0, 0);
			assert_int_equal(ioas_pt_split(pt, at), 0);
			assert_false(straddles(pt, at));
			assert_int_equal(ioas_pt_translate_run(
				pt, 0, UINT64_MAX, NULL, &oa, &got), 0);
			assert_int_equal(oa, length);
			assert_int_equal(got, length);
			assert_true(ioas_pt_validate(pt));
			assert_int_equal(unmap_bytes(pt, at, length - 1),
					 length - 1);
			assert_int_equal(translate(pt, at), UINT64_MAX);
			assert_int_equal(translate(pt, at - 1),
					 length + at - 1);
			ioas_pt_destroy(pt);
			if (sets[s] == 0x40001000)
				break;
		}
	}
}

static void split_that_fails_at_any_point_keeps_the_output(void **state)
{
	uint64_t nth = 0;
	bool failed;

	(void)state;
	do {
		struct failing_split f = { .pt = pt_new(0x1001000, 0, GIB - 1),
					 .iova = 4096 };
		uint64_t oa, length;
		int ret;

		assert_int_equal(map_bytes(f.pt, 0, 0, 16 * MIB, RW), 0);
		failed = fault_run(++nth, do_split, &f, &ret);
		assert_int_equal(ret, failed ? -ENOMEM : 0);
		assert_int_equal(nr_leaves(f.pt), failed ? 1 : 4096);
		assert_int_equal(ioas_pt_translate_run(f.pt, 0, UINT64_MAX,
						       NULL, &oa, &length), 0);
		assert_int_equal(length, 16 * MIB);
		assert_true(ioas_pt_validate(f.pt));
		ioas_pt_destroy(f.pt);
	} while (failed);
	/* The image, and one table for each of the eight items. */
	assert_int_equal(nth, 10);
}

static void split_over_two_levels_can_fail_in_between(void **state)
{
	/* The image, one table above, 512 below it; then none is left. */
	static const uint64_t points[] = { 1, 2, 3, 4, 300, 514, 515 };

	(void)state;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		struct failing_split f = { .pt = pt_new(0x40001000, 0, GIB - 1),
					 .iova = 4096 };
		bool failed;
		int ret;

		assert_int_equal(map_bytes(f.pt, 0, 0, GIB, RW), 0);
		failed = fault_run(points[i], do_split, &f, &ret);
		assert_int_equal(failed, points[i] < 515);
		assert_int_equal(ret, failed ? -ENOMEM : 0);
		assert_int_equal(nr_leaves(f.pt), failed ? 1 : 262144);
		assert_true(ioas_pt_validate(f.pt));
		ioas_pt_destroy(f.pt);
	}
}

static void what_is_dirty_stays_dirty_when_split(void **state)
{
	struct ioas_pt *pt = pt_new(0x3000, 0, GIB - 1);
	struct ioas_pt_leaf leaf;

	(void)state;
	assert_int_equal(map_bytes(pt, 0, 0, 16 * KIB, RW), 0);
	ioas_pt_mark_dirty(pt, 5000, 5000);
	assert_int_equal(ioas_pt_split(pt, 4096), 0);
	assert_int_equal(ioas_pt_split(pt, 12288), 0);
	assert_int_equal(ioas_pt_split(pt, 512), -EINVAL);
	assert_int_equal(ioas_pt_split(pt, GIB), -EINVAL);
	assert_int_equal(nr_leaves(pt), 4);
	for (uint64_t i = 0; i < 4; i++) {
		assert_int_equal(ioas_pt_leaf(pt, i * 4096, &leaf), 0);
		assert_int_equal(leaf.dirty, i < 2);
		assert_int_equal(leaf.prot, RW);
	}
	ioas_pt_destroy(pt);
}

/* ---- dirty -------------------------------------------------------------- */

struct marks {
	unsigned int nr;
	struct {
		uint64_t first, last;
	} m[8];
};

static void add_mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct marks *k = ctx;

	assert_in_range(k->nr, 0, 7);
	k->m[k->nr].first = iova;
	k->m[k->nr++].last = last;
}

static struct marks dirty(struct ioas_pt *pt, uint64_t iova, uint64_t last,
			  bool clear)
{
	struct marks k = { 0 };

	ioas_pt_read_dirty(pt, iova, last, clear, add_mark, &k);
	return k;
}

static void dirty_leaves_are_reported_clipped_and_cleared(void **state)
{
	struct ioas_pt *pt = pt_new(ALL_SIZES, 0, UINT64_MAX);
	struct marks k;

	(void)state;
	/* 64K as one leaf, a gap, 4K, 4K; and far away 2M. */
	assert_int_equal(map_bytes(pt, 0, 0, 64 * KIB, RW), 0);
	assert_int_equal(map_bytes(pt, 68 * KIB, 0, 4 * KIB, RW), 0);
	assert_int_equal(map_bytes(pt, 72 * KIB, 0, 4 * KIB, RW), 0);
	assert_int_equal(map_bytes(pt, GIB, 0, 2 * MIB, RW), 0);
	assert_int_equal(dirty(pt, 0, UINT64_MAX, true).nr, 0);

	ioas_pt_mark_dirty(pt, 60 * KIB, 70 * KIB);
	ioas_pt_mark_dirty(pt, 75 * KIB, GIB + 1);
	k = dirty(pt, 0, UINT64_MAX, false);
	assert_int_equal(k.nr, 3);
	assert_int_equal(k.m[0].first, 0);
	assert_int_equal(k.m[0].last, 64 * KIB - 1);
	assert_int_equal(k.m[1].first, 68 * KIB);
	assert_int_equal(k.m[1].last, 76 * KIB - 1);
	assert_int_equal(k.m[2].first, GIB);
	assert_int_equal(k.m[2].last, GIB + 2 * MIB - 1);

	/* A leaf has one state; the mock clears it if it reads any of it. */
	k = dirty(pt, 8 * KIB, 12 * KIB - 1, true);
	assert_int_equal(k.nr, 1);
	assert_int_equal(k.m[0].first, 8 * KIB);
	assert_int_equal(k.m[0].last, 12 * KIB - 1);
	k = dirty(pt, 0, 70 * KIB, true);
	assert_int_equal(k.nr, 1);
	assert_int_equal(k.m[0].first, 68 * KIB);
	assert_int_equal(k.m[0].last, 70 * KIB);
	ioas_pt_read_dirty(pt, GIB + MIB, GIB + MIB, true, NULL, NULL);
	k = dirty(pt, 0, UINT64_MAX, true);
	assert_int_equal(k.nr, 1);
	assert_int_equal(k.m[0].first, 72 * KIB);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

/* Its bit may stand in any of 256 items, in or out of the range. */
static void a_large_leaf_is_dirty_wherever_its_bit_stands(void **state)
{
	struct ioas_pt *pt = pt_new(ALL_SIZES, 0, UINT64_MAX);

	(void)state;
	assert_int_equal(map_bytes(pt, 0, 0, 512 * KIB, RW), 0);
	assert_int_equal(nr_leaves(pt), 1);
	for (uint64_t bit = 0; bit < 512 * KIB; bit += 2 * KIB) {
		ioas_pt_mark_dirty(pt, bit, bit);
		assert_int_equal(dirty(pt, 8 * KIB, 100 * KIB, false).nr, 1);
		assert_int_equal(dirty(pt, 0, 64 * KIB - 1, false).nr, 1);
		assert_int_equal(dirty(pt, 256 * KIB, 512 * KIB, true).nr, 1);
		assert_int_equal(dirty(pt, 0, UINT64_MAX, false).nr, 0);
	}
	ioas_pt_destroy(pt);
}

/* Every set of dirty pages that one page makes, seen from every range. */
static void each_dirty_page_is_seen_from_every_range(void **state)
{
	enum { PAGES = 40, BASE = 500 };
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);

	(void)state;
	/* Over the end of a table. */
	assert_int_equal(map_bytes(pt, BASE * 4096, 0, PAGES * 4096, RW), 0);
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t iova = (BASE + page) * 4096;

		ioas_pt_mark_dirty(pt, iova + 7, iova + 7);
		for (uint64_t a = 0; a < PAGES; a++)
			for (uint64_t b = a; b < PAGES; b++) {
				struct marks k = dirty(pt, (BASE + a) * 4096,
						       (BASE + b) * 4096 + 9,
						       false);

				assert_int_equal(k.nr, a <= page && page <= b);
				if (k.nr)
					assert_int_equal(k.m[0].first, iova);
			}
		ioas_pt_read_dirty(pt, iova, iova, true, NULL, NULL);
	}
	assert_int_equal(dirty(pt, 0, GIB - 1, true).nr, 0);
	ioas_pt_destroy(pt);
}

/* ---- validation --------------------------------------------------------- */

static void validate_finds_what_is_planted(void **state)
{
	static const uint64_t wrong[] = {
		4,			/* neither empty, table nor leaf */
		256 | 3 | 4096,		/* leaf and table */
		7 | 1 << 12 | 1 << 20,	/* a size the set lacks */
		7 | 3 << 12,		/* a size of another level's */
		7,			/* a group of one */
		1 | 512,		/* address below the granule */
	};
	struct ioas_pt *pt = pt_new(0x3000, 0, GIB - 1);
	uint64_t *item;

	(void)state;
	assert_int_equal(map_bytes(pt, 4096, 4096, 4096, RW), 0);
	assert_int_equal(map_bytes(pt, 8192, 8192, 8192, RW), 0);
	item = raw_item(pt, 0, 12, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_true(ioas_pt_validate(pt));
		item[0] = raw_word(wrong[i]);
		if (ioas_pt_validate(pt))
			fail_msg("word %#llx passes",
				 (unsigned long long)wrong[i]);
		item[0] = 0;
	}
	item[3] ^= raw_word(1);
	assert_false(ioas_pt_validate(pt));
	item[3] ^= raw_word(1 | 8);
	/* One item of a group may be dirty alone. */
	assert_true(ioas_pt_validate(pt));
	/* A table that nobody allocated. */
	*raw_item(pt, 2 * MIB, 12, 1) = *raw_item(pt, 0, 12, 1);
	assert_false(ioas_pt_validate(pt));
	*raw_item(pt, 2 * MIB, 12, 1) = 0;
	ioas_pt_dump(pt);
	ioas_pt_destroy(pt);

	/* Only 128 items of this top table are inside 64 bits. */
	pt = pt_new(~UINT64_C(4095), 0, UINT64_MAX);
	item = raw_item(pt, 0, 12, 5);
	item[127] = raw_word(3);
	assert_true(ioas_pt_validate(pt));
	item[128] = raw_word(3);
	assert_false(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walkers_are_told_exact_ranges),
		cmocka_unit_test(a_gigabyte_is_one_walk),
		cmocka_unit_test(
			tables_wait_for_a_sync_before_they_are_used_again),
		cmocka_unit_test(part_of_a_table_leaves_it_in_the_tree),
		cmocka_unit_test(tables_wait_until_the_sync_is_complete),
		cmocka_unit_test(tables_live_where_their_owner_wants),
		cmocka_unit_test(
			unmap_goes_on_only_while_frames_are_contiguous),
		cmocka_unit_test(the_end_of_a_table_above_leaves_its_beginning),
		cmocka_unit_test(the_end_of_the_output_space_continues_nowhere),
		cmocka_unit_test(a_cursor_spares_the_walk_from_the_root),
		cmocka_unit_test(a_cursor_is_void_when_tables_have_gone),
		cmocka_unit_test(split_at_every_border_keeps_the_output),
		cmocka_unit_test(
			split_that_fails_at_any_point_keeps_the_output),
		cmocka_unit_test(split_over_two_levels_can_fail_in_between),
		cmocka_unit_test(what_is_dirty_stays_dirty_when_split),
		cmocka_unit_test(dirty_leaves_are_reported_clipped_and_cleared),
		cmocka_unit_test(a_large_leaf_is_dirty_wherever_its_bit_stands),
		cmocka_unit_test(each_dirty_page_is_seen_from_every_range),
		cmocka_unit_test(validate_finds_what_is_planted),
	};

	return cmocka_run_group_tests_name("pt walk", tests, NULL, NULL);
}
