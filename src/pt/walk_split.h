/* SPDX-License-Identifier: MIT */
/*
 * walk_split: part of the walker; see walk.h. Leaves are cut, or made one.
 *
 *   leaf   [      L      |      L      ]       two items of 2M: one of 4M
 *   image  [   table     |   table     ]       built where nobody sees it
 *               |               |
 *             512 leaves      512 leaves       same output, same attributes
 *
 * Then the items are exchanged one by one; whatever a walker finds meanwhile
 * translates alike (page-tables 4.6). Where that is not allowed (8.3.6,
 * IOAS_PT_BREAK) the items are empty first, until nobody remembers them.
 *
 * A merge is the same backwards: a second image remembers the tables that go,
 * and their dirty state is read when nobody can change it any more.
 */
#ifndef IOAS_PT_WALK_SPLIT_H
#define IOAS_PT_WALK_SPLIT_H

#include "pt/walk_map.h"
#include "pt/walk_read.h"

struct split_op {
	struct ioas_pt *pt;
	/* The new leaves. */
	unsigned int lg2;
	uint64_t attrs;
};

static bool split_fill(const struct split_op *op, uint64_t *table,
		       unsigned int level, unsigned int nr, uint64_t oa);

/*
 * Nobody has seen @table, of @level, and what is below it. It may stand for a
 * part of a root that is no table like others.
 */
static void split_discard(struct ioas_pt *pt, uint64_t *table,
			  unsigned int level)
{
	struct pt_list list = { 0 };
	uint64_t *next;

	for (unsigned int i = 0; level && i < TABLE_ITEMS; i++) {
		uint64_t e = item_load(&table[i]);

		if (fmt_is_table(level, e))
			walk_collect(pt, walk_child(pt, e), level - 1, &list);
	}
	pt_list_push(&list, table);
	for (uint64_t *t = list.head; t; t = next) {
		next = pt_list_next(t);
		ioas_pt_table_unused(pt, t);
	}
}

/* A table full of small leaves that stand for the item at @oa. */
static uint64_t *split_table(const struct split_op *op, unsigned int level,
			     uint64_t oa)
{
	uint64_t *table = walk_new_table(op->pt, true);

	if (!table)
		return NULL;
	if (!split_fill(op, table, level, TABLE_ITEMS, oa)) {
		split_discard(op->pt, table, level);
		return NULL;
	}
	pt_flush(op->pt, table, TABLE_ITEMS);
	return table;
}

/* The first @nr items of @table, of @level, shall translate to @oa onward. */
static bool split_fill(const struct split_op *op, uint64_t *table,
		       unsigned int level, unsigned int nr, uint64_t oa)
{
	struct ioas_pt *pt = op->pt;
	unsigned int item_lg2 = walk_item_lg2(pt, level);

	if (walk_level_of(pt, op->lg2) == level) {
		struct map_fill f = {
			.word = fmt_make_leaf(pt, level, oa, op->lg2,
					      op->attrs),
			.nr_items = nr,
		};

		fill_choose(&f, pt, op->lg2);
		fill_hidden(table, &f);
		return true;
	}
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t *below = split_table(
			op, level - 1, oa + ((uint64_t)i << item_lg2));

		if (!below)
			return false;
		item_store(&table[i], fmt_make_table(pt, level,
						     pt_table_pa(pt, below)));
	}
	return true;
}

/* The items of a leaf, where a position stands on one of them. */
struct group {
	struct pos *pos;
	uint64_t *items;
	unsigned int nr;
	uint64_t first;
	uint64_t last;
};

static struct group group_of(struct pos *p, unsigned int lg2)
{
	unsigned int nr = 1u << walk_group_lg2(p->pt, p->low, lg2);
	uint64_t mask = ((uint64_t)1 << lg2) - 1;

	return (struct group){
		.pos = p,
		.items = p->table[p->low] +
			 (walk_index(p->pt, p->iova, p->low) & ~(nr - 1)),
		.nr = nr,
		.first = p->iova & ~mask,
		.last = p->iova | mask,
	};
}

/*
 * Give the items of @g the words of @image; was an old leaf dirty? @wait: when
 * it returns no walker uses the old ones, else the caller's sync sees to that.
 */
static bool group_replace(const struct group *g, const uint64_t *image,
			  bool wait)
{
	struct ioas_pt *pt = g->pos->pt;
	bool brk = pt->flags & IOAS_PT_BREAK, dirty = false;

	for (unsigned int i = 0; i < g->nr; i++) {
		uint64_t e = brk ? 0 : item_load(&image[i]);
		uint64_t old = item_exchange(&g->items[i], e);

		dirty |= fmt_is_leaf(g->pos->low, old) && fmt_is_dirty(old);
	}
	pt_flush(pt, g->items, g->nr);
	ioas_pt_invalidate(pt, g->first, g->last, true);
	if (pt->hooks && (brk || wait))
		pt->hooks->sync(pt->hooks_ctx);
	if (brk) {
		for (unsigned int i = 0; i < g->nr; i++)
			item_publish(&g->items[i], item_load(&image[i]));
		pt_flush(pt, g->items, g->nr);
	}
	return dirty && pt->tracks;
}

/* Attributes of a leaf: it was used, if one of its items was. */
static uint64_t group_attrs(const struct group *g)
{
	uint64_t attrs = fmt_leaf_attrs(g->pos->pt, item_load(g->items));

	for (unsigned int i = 1; FMT_ACCESSED && i < g->nr; i++)
		attrs |= item_load(&g->items[i]) & FMT_ACCESSED;
	return attrs;
}

/* Replace the leaf @e, where the position stands, by leaves of 2^@lg2. */
static int split_leaf(struct pos *p, uint64_t e, unsigned int lg2)
{
	struct ioas_pt *pt = p->pt;
	const struct group g = group_of(p, fmt_leaf_lg2(pt, p->low, e));
	const struct split_op op = { pt, lg2, group_attrs(&g) };
	uint64_t *image = walk_new_table(pt, true);

	if (!image)
		return -ENOMEM;
	if (!split_fill(&op, image, p->low, g.nr,
			fmt_leaf_oa(pt, p->low, e))) {
		split_discard(pt, image, p->low);
		return -ENOMEM;
	}
	/* What was dirty stays so: all of it, nobody knows which part. */
	if (group_replace(&g, image, false))
		walk_mark_dirty(pt, g.first, g.last);
	ioas_pt_table_unused(pt, image);
	return 0;
}

static int walk_split(struct ioas_pt *pt, ioas_iova_t iova)
{
	struct pos p;

	pos_init(&p, pt);
	for (;;) {
		uint64_t e = pos_find(&p, iova), size;
		int ret;

		if (!fmt_is_leaf(p.low, e))
			return 0;
		size = (uint64_t)1 << fmt_leaf_lg2(pt, p.low, e);
		if (ioas_is_aligned(iova, size))
			return 0;
		/* Not empty: the granule divides @iova. */
		ret = split_leaf(&p, e, ioas_log2(pt->pgsizes & (size - 1)));
		if (ret)
			return ret;
	}
}

static int walk_split_to(struct ioas_pt *pt, ioas_iova_t iova,
			 unsigned int lg2)
{
	struct pos p;
	uint64_t e;

	pos_init(&p, pt);
	e = pos_find(&p, iova);
	if (!fmt_is_leaf(p.low, e))
		return -ENOENT;
	return fmt_leaf_lg2(pt, p.low, e) > lg2 ? split_leaf(&p, e, lg2) : 0;
}

struct merge_op {
	struct pos pos;
	uint64_t iova;
	uint64_t last;
	unsigned int lg2;
	uint64_t attrs;
	uint64_t oa;
};

/* 1: there is one leaf already. Else the leaves fit (0), or not (< 0). */
static int merge_check(struct merge_op *op)
{
	const struct ioas_pt *pt = op->pos.pt;
	uint64_t iova = op->iova;

	for (;;) {
		uint64_t e = pos_find(&op->pos, iova), attrs, oa;
		unsigned int level = op->pos.low, lg2;
		struct group g;

		if (!fmt_is_leaf(level, e))
			return -ENOENT;
		lg2 = fmt_leaf_lg2(pt, level, e);
		if (lg2 >= op->lg2)
			return 1;
		g = group_of(&op->pos, lg2);
		attrs = group_attrs(&g);
		oa = fmt_leaf_oa(pt, level, e);
		if (iova == op->iova) {
			op->attrs = attrs;
			op->oa = oa;
		}
		/* Used, if one of them was. */
		op->attrs |= attrs & FMT_ACCESSED;
		if (((attrs ^ op->attrs) & ~(uint64_t)FMT_ACCESSED) ||
		    oa - op->oa != iova - op->iova ||
		    !ioas_is_aligned(op->oa, (uint64_t)1 << op->lg2))
			return -EINVAL;
		iova += (uint64_t)1 << lg2;
		if (iova - 1 >= op->last)
			return 0;
	}
}

/* Is a leaf of the detached subtree dirty? */
static bool merge_dirty(struct ioas_pt *pt, const uint64_t *table,
			unsigned int level)
{
	for (unsigned int i = 0; i < TABLE_ITEMS; i++) {
		uint64_t e = item_load_table(&table[i]);

		if (fmt_is_leaf(level, e) ? fmt_is_dirty(e) :
		    level && fmt_is_table(level, e) &&
		    merge_dirty(pt, walk_child(pt, e), level - 1))
			return true;
	}
	return false;
}

/* @image: the new words. @old: the tables that they replace. */
static void merge_replace(struct merge_op *op, uint64_t *image, uint64_t *old)
{
	struct pos *p = &op->pos;
	struct ioas_pt *pt = p->pt;
	const struct group g = group_of(p, op->lg2);
	struct map_fill f = {
		.word = fmt_make_leaf(pt, p->low, op->oa, op->lg2, op->attrs),
		.nr_items = g.nr,
	};
	struct pt_list freed = { 0 };
	bool dirty;

	fill_choose(&f, pt, op->lg2);
	fill_hidden(image, &f);
	/* Nobody else changes them: the range is ours. */
	for (unsigned int i = 0; i < g.nr; i++)
		item_store(&old[i], item_load_table(&g.items[i]));
	dirty = group_replace(&g, image, true);
	for (unsigned int i = 0; i < g.nr; i++) {
		uint64_t e = item_load(&old[i]);

		if (!fmt_is_table(p->low, e))
			continue;
		dirty |= pt->tracks &&
			 merge_dirty(pt, walk_child(pt, e), p->low - 1);
		walk_collect(pt, walk_child(pt, e), p->low - 1, &freed);
	}
	if (dirty)
		walk_mark_dirty(pt, g.first, g.last);
	ioas_pt_tables_retire(pt, &freed);
}

static int walk_merge(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2)
{
	struct merge_op op = {
		.iova = iova, .last = iova + (((uint64_t)1 << lg2) - 1),
		.lg2 = lg2,
	};
	uint64_t *image, *old;
	int ret;

	pos_init(&op.pos, pt);
	ret = merge_check(&op);
	if (ret)
		return ret < 0 ? ret : 0;
	if (FMT_GROWS && walk_level_of(pt, lg2) > op.pos.top) {
		ret = walk_grow(pt, op.last, walk_level_of(pt, lg2));
		if (ret)
			return ret;
		pos_root(&op.pos);
	}
	image = walk_new_table(pt, true);
	if (!image)
		return -ENOMEM;
	old = walk_new_table(pt, true);
	if (!old) {
		ioas_pt_table_unused(pt, image);
		return -ENOMEM;
	}
	pos_climb(&op.pos, iova, walk_level_of(pt, lg2));
	pos_descend(&op.pos, walk_level_of(pt, lg2));
	merge_replace(&op, image, old);
	ioas_pt_table_unused(pt, image);
	ioas_pt_table_unused(pt, old);
	return 0;
}

#endif
