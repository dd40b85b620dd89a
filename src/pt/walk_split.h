/* SPDX-License-Identifier: MIT */
/*
 * walk_split: part of the walker; see walk.h
 *
 *   leaf   [      L      |      L      ]       two items of 2M: one of 4M
 *   image  [   table     |   table     ]       built where nobody sees it
 *               |               |
 *             512 leaves      512 leaves       same output, same attributes
 *
 * Then the items are exchanged one by one; whatever a walker finds meanwhile
 * translates alike (page-tables 4.6). Formats that need break-before-make do
 * not offer it.
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

/* Nobody has seen @table, of @level, and what is below it. */
static void split_discard(struct ioas_pt *pt, uint64_t *table,
			  unsigned int level)
{
	struct pt_list list = { 0 };
	uint64_t *next;

	walk_collect(pt, table, level, &list);
	for (uint64_t *t = list.head; t; t = next) {
		next = pt_list_next(t);
		ioas_pt_table_unused(pt, t);
	}
}

/* A table full of small leaves that stand for the item at @oa. */
static uint64_t *split_table(const struct split_op *op, unsigned int level,
			     uint64_t oa)
{
	uint64_t *table = map_new_table(op->pt, true);

	if (table && !split_fill(op, table, level, walk_nr_items(op->pt), oa)) {
		split_discard(op->pt, table, level);
		return NULL;
	}
	return table;
}

/* The first @nr items of @table, of @level, shall translate to @oa onward. */
static bool split_fill(const struct split_op *op, uint64_t *table,
		       unsigned int level, unsigned int nr, uint64_t oa)
{
	struct ioas_pt *pt = op->pt;
	unsigned int item_lg2 = walk_item_lg2(pt, level);

	if (walk_level_of(pt, op->lg2) == level) {
		const struct map_fill f = {
			.word = fmt_make_leaf(pt, level, oa, op->lg2,
					      op->attrs),
			.level = level, .lg2 = op->lg2, .nr_items = nr,
			.group_lg2 = op->lg2 - item_lg2,
		};

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

/* Replace the leaf @e, where the position stands, by leaves of 2^@lg2. */
static int split_leaf(struct pos *p, uint64_t e, unsigned int lg2)
{
	struct ioas_pt *pt = p->pt;
	unsigned int old_lg2 = fmt_leaf_lg2(pt, p->low, e);
	unsigned int nr = 1u << (old_lg2 - walk_item_lg2(pt, p->low));
	unsigned int index = walk_index(pt, p->iova, p->low) & ~(nr - 1);
	uint64_t *items = p->table[p->low] + index;
	uint64_t first = ioas_align_down(p->iova, (uint64_t)1 << old_lg2);
	uint64_t last = first + (((uint64_t)1 << old_lg2) - 1);
	struct split_op op = { pt, lg2, fmt_leaf_attrs(pt, e) };
	uint64_t *image = map_new_table(pt, true);
	bool dirty = false;

	if (!image)
		return -ENOMEM;
	if (!split_fill(&op, image, p->low, nr, fmt_leaf_oa(pt, p->low, e))) {
		split_discard(pt, image, p->low);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t old = item_exchange(&items[i], item_load(&image[i]));

		dirty |= fmt_is_dirty(old);
	}
	/* What was dirty stays so: all of it, nobody knows which part. */
	if (dirty)
		walk_mark_dirty(pt, first, last);
	ioas_pt_invalidate(pt, first, last, true);
	ioas_pt_table_unused(pt, image);
	return 0;
}

static int walk_split(struct ioas_pt *pt, ioas_iova_t iova)
{
	struct pos p;

	if (!ioas_is_aligned(iova, pt->pgsizes & -pt->pgsizes))
		return -EINVAL;
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

#endif
