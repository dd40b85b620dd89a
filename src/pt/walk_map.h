/* SPDX-License-Identifier: MIT */
/*
 * walk_map: part of the walker; see walk.h
 *
 *    run       |<------------------ contiguous ------------------>|
 *    leaves    |4K|4K|..|    2M    |    2M    |  ..  |4K|4K|..    |
 *              one pass |    one pass: map_leaves()  | one pass
 *
 * The size is chosen once per stretch in which it cannot change. A stretch
 * fills table after table. What stood in the items is read before the first
 * is written, so a table is changed completely or not at all.
 *
 * On error everything that this call mapped is unmapped again.
 */
#ifndef IOAS_PT_WALK_MAP_H
#define IOAS_PT_WALK_MAP_H

#include "pt/walk_grow.h"
#include "pt/walk_unmap.h"

struct map_op {
	struct pos pos;
	uint64_t sizes;
	/* The second of them; UINT64_MAX: there is one size only. */
	uint64_t larger;
	/*
	 * Next byte to map, from where. Not side by side: two that are written
	 * one by one and then read as a pair make a CPU wait.
	 */
	uint64_t iova;
	uint64_t attrs;
	uint64_t oa;
	uint64_t leaves;
	/* Tables that made room for leaves. */
	struct pt_list freed;
};

/*
 * A stretch of leaves inside one table: @copies items hold @word, as many the
 * word @step further, and so on.
 */
struct map_fill {
	uint64_t word;
	uint64_t step;
	unsigned int copies;
	unsigned int level;
	unsigned int index;
	unsigned int nr_items;
};

/* Leaves of 2^@lg2 bytes. Where a group's items differ, they are a sequence. */
static inline void fill_choose(struct map_fill *f, const struct ioas_pt *pt,
			       unsigned int lg2)
{
	unsigned int level = walk_level_of(pt, lg2);

	f->level = level;
	f->step = fmt_item_step(level, lg2);
	f->copies = 1;
	if (!f->step) {
		f->step = fmt_leaf_step(lg2);
		f->copies = 1u << walk_group_lg2(pt, level, lg2);
	}
}

/* The table is visible: one store for each item. */
static inline void fill_items(uint64_t *item, const struct map_fill *f)
{
	const uint64_t *end = item + f->nr_items;
	uint64_t word = f->word, step = f->step;

	if (f->copies == 1) {
		for (; item < end; item++, word += step)
			item_store(item, word);
		return;
	}
	for (; item < end; word += step)
		for (unsigned int i = 0; i < f->copies; i++)
			item_store(item++, word);
}

/*
 * Nobody sees it yet: two items at a time. Not left to the compiler: which loops
 * it makes wide differs, and gcc 12 gets one with four sums wrong.
 */
static inline void fill_hidden(uint64_t *item, const struct map_fill *f)
{
	const uint64_t *last = item + f->nr_items - 1;
	uint64_t step = f->copies == 1 ? f->step : 0;
	item_pair pair = { f->word, f->word + step }, two = { 0 };

	for (; f->copies > 1 && item < last; pair += f->step)
		for (unsigned int i = 0; i < f->copies; i += 2, item += 2)
			item_store_pair(item, &pair);
	for (two += 2 * step; item < last; item += 2, pair += two)
		item_store_pair(item, &pair);
	if (item == last)
		item_store(item, pair[0]);
}

/* Is one of the items in use? */
static inline bool items_used(const uint64_t *items, unsigned int nr)
{
	uint64_t a = 0, b = 0, c = 0, d = 0;

	for (; nr >= 4; nr -= 4, items += 4) {
		a |= item_load(&items[0]);
		b |= item_load(&items[1]);
		c |= item_load(&items[2]);
		d |= item_load(&items[3]);
	}
	for (; nr; nr--, items++)
		a |= item_load(items);
	return a | b | c | d;
}

/*
 * Table entries from level @from down to where the position stands: if nobody
 * has said that a walker sees them, make it so, whoever stored them. So no map
 * returns before the way to what it mapped is visible (page-tables 6.1).
 */
static void map_flush_path(const struct pos *p, unsigned int from)
{
	for (unsigned int level = from; level > p->low; level--) {
		uint64_t *item = &p->table[level][walk_index(p->pt, p->iova,
							     level)];

		if (item_load_table(item) & FMT_FLUSHED)
			continue;
		pt_flush(p->pt, item, 1);
		item_fetch_or(item, FMT_FLUSHED);
	}
}

/*
 * Down to the table of @level, making what is missing. 1: only that table is
 * missing, @whole says that the caller makes it, and the position is above.
 */
static int map_reach(struct map_op *op, unsigned int level, bool whole)
{
	struct pos *p = &op->pos;
	unsigned int from;
	int ret = 0;

	pos_climb(p, op->iova, level);
	from = p->low;
	while (p->low != level) {
		uint64_t e = pos_descend(p, level);
		uint64_t *table;

		if (p->low == level)
			break;
		if (e) {
			ret = -EADDRINUSE;
			break;
		}
		if (whole && p->low == level + 1) {
			ret = 1;
			break;
		}
		table = walk_new_table(p->pt, true);
		if (!table)
			return -ENOMEM;
		e = fmt_make_table(p->pt, p->low, pt_table_pa(p->pt, table));
		if (!item_publish(pos_item(p), e))
			ioas_pt_table_unused(p->pt, table);
	}
	if (ioas_unlikely(p->pt->hooks) && p->pt->hooks->flush)
		map_flush_path(p, from);
	return ret;
}

/* A table that this stretch fills: not zeroed, filled before it is visible. */
static int map_whole_table(struct map_op *op, const struct map_fill *f)
{
	struct pos *p = &op->pos;
	uint64_t *table = walk_new_table(p->pt, false);
	unsigned int above = p->low;
	uint64_t e;

	if (!table)
		return -ENOMEM;
	fill_hidden(table, f);
	pt_flush(p->pt, table, TABLE_ITEMS);
	e = fmt_make_table(p->pt, p->low, pt_table_pa(p->pt, table));
	/* Who else made a table here maps inside our range. */
	if (IOAS_CHECK(!item_publish(pos_item(p), e))) {
		ioas_pt_table_unused(p->pt, table);
		return -EADDRINUSE;
	}
	pos_enter(p, e);
	if (ioas_unlikely(p->pt->hooks) && p->pt->hooks->flush)
		map_flush_path(p, above);
	return 0;
}

/*
 * Items of the stretch are in use. Leaves: an error. Tables without a leaf in
 * them make room (page-tables 4.2): who walks may hold the old pointer, so the
 * invalidation is complete before the leaf is there.
 */
static int map_make_room(struct map_op *op, uint64_t *items,
			 const struct map_fill *f)
{
	struct ioas_pt *pt = op->pos.pt;
	unsigned int below = f->level - 1, lg2 = walk_item_lg2(pt, f->level);
	/* Items that change: the first, and one past the last. */
	unsigned int from = 0, to = 0;

	for (unsigned int i = 0; i < f->nr_items; i++) {
		uint64_t e = item_load_table(&items[i]);

		if (e && (!fmt_is_table(f->level, e) ||
			  walk_has_leaf(pt, walk_child(pt, e), below)))
			return -EADDRINUSE;
	}
	for (unsigned int i = 0; i < f->nr_items; i++) {
		uint64_t e = item_load_table(&items[i]);

		if (!e)
			continue;
		item_store(&items[i], 0);
		walk_collect(pt, walk_child(pt, e), below, &op->freed);
		if (!to)
			from = i;
		to = i + 1;
	}
	pt_flush(pt, &items[from], to - from);
	ioas_pt_invalidate(pt, op->iova + ((uint64_t)from << lg2),
			   op->iova + (((uint64_t)to << lg2) - 1), true);
	if (pt->hooks)
		pt->hooks->sync(pt->hooks_ctx);
	return 0;
}

static int map_items(struct map_op *op, const struct map_fill *f)
{
	uint64_t *items = op->pos.table[f->level] + f->index;

	if (ioas_unlikely(items_used(items, f->nr_items))) {
		int ret = f->level ? map_make_room(op, items, f) : -EADDRINUSE;

		if (ret)
			return ret;
	}
	fill_items(items, f);
	pt_flush(op->pos.pt, items, f->nr_items);
	return 0;
}

/* The root is to be of @level, which is that of a leaf. */
static int map_raise(struct map_op *op, unsigned int level)
{
	int ret = walk_grow(op->pos.pt, op->iova, level);

	if (!ret)
		pos_root(&op->pos);
	return ret;
}

/* @nr leaves of 2^@lg2 bytes, table after table. */
static inline int map_leaves(struct map_op *op, unsigned int lg2, uint64_t nr)
{
	struct ioas_pt *pt = op->pos.pt;
	struct map_fill f;
	unsigned int group_lg2;

	fill_choose(&f, pt, lg2);
	group_lg2 = walk_group_lg2(pt, f.level, lg2);
	if (FMT_GROWS && ioas_unlikely(f.level > op->pos.top)) {
		int ret = map_raise(op, f.level);

		if (ret)
			return ret;
	}
	while (nr) {
		uint64_t room, n;
		int ret;

		f.index = walk_index(pt, op->iova, f.level);
		room = (walk_nr_items(pt, f.level) - f.index) >> group_lg2;
		n = ioas_min(nr, room);
		if (FMT_OA_STEP_LG2 < 64)
			n = ioas_min(n, walk_oa_room(pt, op->oa, lg2));
		f.nr_items = (unsigned int)n << group_lg2;
		f.word = fmt_make_leaf(pt, f.level, op->oa, lg2, op->attrs);
		ret = map_reach(op, f.level,
				f.nr_items == walk_nr_items(pt, f.level));
		if (!ret)
			ret = map_items(op, &f);
		else if (ret > 0)
			ret = map_whole_table(op, &f);
		if (ret)
			return ret;
		op->iova += n << lg2;
		op->oa += n << lg2;
		op->leaves += n;
		nr -= n;
	}
	return 0;
}

/* Bytes until a larger leaf than 2^@lg2 becomes possible (page-tables 3). */
static inline uint64_t map_stretch(const struct map_op *op, unsigned int lg2,
				   uint64_t length)
{
	uint64_t larger = op->sizes & ~(((uint64_t)2 << lg2) - 1);
	uint64_t next = larger & -larger;

	if (!larger || ((op->iova ^ op->oa) & (next - 1)))
		return length;
	return ioas_min(length, next - (op->iova & (next - 1)));
}

/* @length bytes that are contiguous on both sides. */
static inline int map_run(struct map_op *op, uint64_t length)
{
	while (length) {
		uint64_t bound = op->iova | op->oa |
				 (uint64_t)1 << ioas_log2(length);
		uint64_t fits = op->sizes &
				(((uint64_t)2 << ioas_ctz(bound)) - 1);
		unsigned int lg2;
		uint64_t stretch;
		int ret;

		/* The granule fits always. */
		lg2 = ioas_log2(fits);
		stretch = map_stretch(op, lg2, length);
		ret = map_leaves(op, lg2, stretch >> lg2);
		if (ret)
			return ret;
		/* Less than a leaf is left over: chosen again. */
		length -= ioas_align_down(stretch, (uint64_t)1 << lg2);
	}
	return 0;
}

/* Pages; what is longer is worth a loop that is quick. */
#define SHORT_RUN 32

/*
 * A run of a few leaves of one size in the lowest table at hand, the common
 * case of fragmented memory: nothing to choose, nowhere to go. It spares two
 * thirds of the time of a page. The leaves are granules, because the run is
 * too short for more, or one leaf as long as the run. False: take the long
 * way.
 */
static inline bool map_short(struct map_op *op, uint64_t length)
{
	struct ioas_pt *pt = op->pos.pt;
	unsigned int lg2 = fmt_granule_lg2(pt);
	uint64_t nr = length >> lg2, word, step, *item, used = 0;
	unsigned int index = walk_index(pt, op->iova, 0);

	if (op->pos.low || !walk_near(pt, op->pos.iova, op->iova) ||
	    nr > SHORT_RUN || nr > TABLE_ITEMS - index ||
	    !(op->sizes >> lg2 & 1))
		return false;
	if (FMT_OA_STEP_LG2 < 64 && nr > walk_oa_room(pt, op->oa, lg2))
		return false;
	step = fmt_leaf_step(lg2);
	if (length >= op->larger) {
		if (!(op->sizes & length) || !ioas_is_pow2(length) ||
		    (op->iova | op->oa) & (length - 1))
			return false;
		lg2 = ioas_ctz(length);
		step = fmt_item_step(0, lg2);
	}
	item = &op->pos.table[0][index];
	for (unsigned int i = 0; i < nr; i++)
		used |= item_load(&item[i]);
	if (used)
		return false;
	word = fmt_make_leaf(pt, 0, op->oa, lg2, op->attrs);
	for (unsigned int i = 0; i < nr; i++, word += step)
		item_store(&item[i], word);
	pt_flush(pt, item, (size_t)nr);
	op->iova += length;
	op->leaves += length >> lg2;
	return true;
}

/* First output address of @run, or false: 64 bits do not hold it. */
static inline bool run_oa(const struct ioas_run *run, unsigned int page_lg2,
			  uint64_t head, uint64_t *oa)
{
	uint64_t page = run->pfn << page_lg2;

	return page >> page_lg2 == run->pfn &&
	       !ioas_add_overflow(page, head, oa);
}

/*
 * Bytes that @nr pages contribute to @left, beginning @head bytes in. Counted
 * less one, because 2^64 bytes of pages are legal.
 */
static inline uint64_t run_length(uint64_t nr, unsigned int page_lg2,
				  uint64_t head, uint64_t left)
{
	if (nr - 1 > (left - 1) >> page_lg2)
		return left;
	return ioas_min(left - 1, (nr << page_lg2) - head - 1) + 1;
}

static int map_runs(struct map_op *op, const struct ioas_pt_map *rq)
{
	const struct ioas_pt *pt = op->pos.pt;
	uint64_t left = rq->length, head = rq->head;
	uint64_t granule = pt->pgsizes & -pt->pgsizes;
	const struct ioas_run *run = rq->runs, *end = run + rq->nr_runs;

	for (; left && run < end; run++, head = 0) {
		uint64_t length, last;
		int ret;

		if (ioas_fault_point(IOAS_FP_DOMAIN_MAP))
			return -ENOMEM;
		if (!run->nr)
			return -EINVAL;
		length = run_length(run->nr, rq->page_lg2, head, left);
		if (!run_oa(run, rq->page_lg2, head, &op->oa) ||
		    !ioas_last(op->oa, length, &last) || last > pt->oa_last)
			return -ERANGE;
		if (!ioas_is_aligned(op->oa | length, granule))
			return -EINVAL;
		left -= length;
		if (map_short(op, length))
			continue;
		ret = map_run(op, length);
		if (ret)
			return ret;
	}
	return left || run < end ? -EINVAL : 0;
}

/*
 * In the order of page-tables 4.1. Out: attributes of leaves, output address
 * of the first run; if that is the only one, it is known to fit.
 */
static int map_check(struct ioas_pt *pt, const struct ioas_pt_map *rq,
		     uint64_t *attrs, uint64_t *first_oa)
{
	uint64_t granule = pt->pgsizes & -pt->pgsizes;
	uint64_t last, oa;
	int ret;

	if (!(rq->prot & (IOAS_PT_READ | IOAS_PT_WRITE)) || !rq->nr_runs ||
	    rq->page_lg2 > 63 || (uint64_t)rq->head >> rq->page_lg2)
		return -EINVAL;
	if (!run_oa(&rq->runs[0], rq->page_lg2, rq->head, &oa) ||
	    oa > pt->oa_last ||
	    (rq->nr_runs == 1 && rq->length > pt->oa_last - oa + 1 &&
	     pt->oa_last - oa + 1))
		return -ERANGE;
	ret = fmt_attrs(pt, rq->prot, attrs);
	if (ret)
		return ret;
	if (!rq->length)
		return -EINVAL;
	if (!ioas_last(rq->iova, rq->length, &last))
		return -EOVERFLOW;
	if (!ioas_is_aligned(rq->iova | rq->length | oa, granule))
		return -EINVAL;
	if (!pt_in_aperture(pt, rq->iova, last))
		return -ERANGE;
	*first_oa = oa;
	return FMT_GROWS && !grow_reaches(pt, last) ? walk_grow(pt, last, 0) :
						      0;
}

static uint64_t map_sizes(const struct ioas_pt *pt, uint64_t max_leaf)
{
	if (!max_leaf)
		return pt->pgsizes;
	return pt->pgsizes & (((uint64_t)2 << ioas_log2(max_leaf)) - 1);
}

static void map_done(struct ioas_pt *pt, const struct ioas_pt_map *rq,
		     uint64_t leaves)
{
	pt_count(pt, PT_STAT_RUN, rq->nr_runs);
	pt_count(pt, PT_STAT_LEAF, leaves);
	if (pt->hooks && pt->hooks->mapped)
		pt->hooks->mapped(pt->hooks_ctx, rq->iova,
				  rq->iova + (rq->length - 1));
}

/* Does the cursor stand on the lowest table over @iova? */
static inline bool map_one_near(const uint64_t *cursor, const struct ioas_pt *pt,
				uint64_t iova, uint32_t generation)
{
	return !(cursor[0] & PT_LEVEL_MASK) && cursor[3] == generation &&
	       walk_near(pt, cursor[1], iova);
}

/*
 * The item of @iova in a lowest table, or NULL: there is none, or a cursor that
 * stands elsewhere may lead there from near. @e: what it held.
 */
static inline uint64_t *map_one_item(struct ioas_pt *pt, uint64_t iova,
				     uint64_t *cursor, uint64_t *e)
{
	unsigned int index = walk_index(pt, iova, 0), level;
	uint32_t generation = atomic_load_explicit(&pt->generation,
						   memory_order_relaxed);
	uint64_t *item;

	if (cursor && cursor[0]) {
		if (!map_one_near(cursor, pt, iova, generation))
			return NULL;
		item = (uint64_t *)(uintptr_t)cursor[0] + index;
		*e = item_load(item);
		return item;
	}
	item = walk_down(pt, iova, &level, e);
	if (level)
		return NULL;
	pt_count(pt, PT_STAT_WALK, 1);
	if (cursor) {
		cursor[0] = (uint64_t)(uintptr_t)(item - index);
		cursor[1] = iova;
		cursor[2] = 0;
		cursor[3] = generation;
	}
	return item;
}

/*
 * One granule, into a table that is there: what a driver asks for that maps
 * page by page. Neither sizes nor a position are needed, which makes it twice
 * as fast. False: take the long way, on which is found out why.
 */
static inline bool map_one(struct ioas_pt *pt, const struct ioas_pt_map *rq,
			   uint64_t oa, uint64_t attrs)
{
	const uint64_t size = (uint64_t)1 << fmt_granule_lg2(pt);
	uint64_t *item, e;

	if (rq->length != size || !(pt->pgsizes & size) ||
	    rq->max_leaf - 1 < size - 1 || rq->nr_runs != 1 ||
	    !rq->runs->nr || run_length(rq->runs->nr, rq->page_lg2, rq->head,
					size) != size)
		return false;
	if (ioas_faults_armed() || (pt->hooks && pt->hooks->flush))
		return false;
	item = map_one_item(pt, rq->iova, rq->cursor, &e);
	if (!item || e)
		return false;
	item_store(item, fmt_make_leaf(pt, 0, oa, fmt_granule_lg2(pt), attrs));
	map_done(pt, rq, 1);
	return true;
}

static int walk_map(struct ioas_pt *pt, const struct ioas_pt_map *rq)
{
	struct map_op op;
	int ret;

	ret = map_check(pt, rq, &op.attrs, &op.oa);
	if (ret)
		return ret;
	if (map_one(pt, rq, op.oa, op.attrs))
		return 0;
	op.sizes = map_sizes(pt, rq->max_leaf);
	if (!op.sizes)
		return -EINVAL;
	op.larger = op.sizes & (op.sizes - 1);
	op.larger = op.larger ? op.larger & -op.larger : UINT64_MAX;
	op.leaves = 0;
	op.freed = (struct pt_list){ 0 };
	op.iova = rq->iova;
	pos_load(&op.pos, pt, rq->cursor);
	ret = map_runs(&op, rq);
	if (ioas_unlikely(op.freed.head))
		ioas_pt_tables_retire(pt, &op.freed);
	if (ret) {
		if (op.iova != rq->iova)
			unmap_range(pt, rq->iova, op.iova - 1);
		return ret;
	}
	pos_save(&op.pos, rq->cursor);
	map_done(pt, rq, op.leaves);
	return 0;
}

#endif
