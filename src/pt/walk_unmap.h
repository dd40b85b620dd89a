/* SPDX-License-Identifier: MIT */
/*
 * walk_unmap: part of the walker; see walk.h
 *
 *   range          |<-------------------------------->|
 *   tables     [ a    b ][      c      ][      d      ][ e     ]
 *              part:       whole: they leave the tree   part:
 *              items       with their items as they     items
 *              cleared     are, nothing is written      cleared
 *
 * Frames are read and handed to the owner before anything of a piece changes;
 * what the owner refuses was never touched. A table is taken out of the tree
 * when its whole span is gone, so never under somebody else's mapping.
 */
#ifndef IOAS_PT_WALK_UNMAP_H
#define IOAS_PT_WALK_UNMAP_H

#include "pt/walk.h"

struct unmap_op {
	const struct ioas_pt_unmap *rq;
	/* Last IOVA that is gone; before the first step: one less than iova. */
	uint64_t gone;
	/* Output address that continues what was taken last. */
	uint64_t next_oa;
	/* The owner refused, or contiguity ended beyond want_last. */
	bool stop;
	struct pt_list freed;
	struct pos pos;
};

/* Table items are dropped unread if nobody wants what is below. */
static bool unmap_whole(const struct unmap_op *op, uint64_t first,
			unsigned int level)
{
	uint64_t last = walk_item_last(op->pos.pt, first, 1, level);

	return !op->rq->take && level == 1 && first >= op->rq->iova &&
	       last <= op->rq->last;
}

static uint64_t unmap_find(struct unmap_op *op, uint64_t iova)
{
	struct pos *p = &op->pos;
	uint64_t mask, e;

	pos_climb(p, iova, 0);
	if (op->rq->take)
		return pos_descend(p, 0);
	/* Stop above the lowest table, if that need not be looked at. */
	e = pos_descend(p, 1);
	if (p->low != 1 || !fmt_is_table(1, e))
		return e;
	mask = ((uint64_t)1 << walk_item_lg2(p->pt, 1)) - 1;
	return unmap_whole(op, iova & ~mask, 1) ? e : pos_descend(p, 0);
}

/*
 * Hand leaves from @i on to the owner, a piece of contiguous ones at a time.
 * Returns the first item that stays: a table, or refused, or @end.
 */
static unsigned int unmap_take(struct unmap_op *op, unsigned int i,
			       unsigned int end)
{
	const struct ioas_pt_unmap *rq = op->rq;
	struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low, item_lg2 = walk_item_lg2(pt, level);
	const uint64_t *table = op->pos.table[level];
	uint64_t iova = op->gone + 1;

	while (i < end) {
		uint64_t e = item_load_table(&table[i]), oa, length;
		unsigned int lg2, per_leaf, stop, next;

		if (!fmt_is_leaf(level, e))
			break;
		lg2 = fmt_leaf_lg2(pt, level, e);
		per_leaf = 1u << (lg2 - item_lg2);
		oa = fmt_leaf_oa(pt, level, e);
		/* Nothing is before output address 0. */
		if (iova > rq->want_last && (!oa || oa != op->next_oa)) {
			op->stop = true;
			break;
		}
		IOAS_CHECK(!ioas_is_aligned(iova, (uint64_t)1 << lg2));
		stop = i + (unsigned int)ioas_min(
			       (end - i), walk_oa_room(pt, oa, lg2) *
						  per_leaf);
		next = walk_scan(table, i + per_leaf, stop,
				 e + fmt_leaf_step(lg2), lg2, per_leaf);
		IOAS_CHECK(next > end);
		length = (uint64_t)(next - i) << item_lg2;
		/* Who takes nothing at all would make an unmap endless. */
		if (!rq->take(rq->ctx, iova, oa, length) &&
		    !IOAS_CHECK(iova == rq->iova)) {
			op->stop = true;
			break;
		}
		op->next_oa = oa + length;
		iova += length;
		i = next;
	}
	op->gone = iova - 1;
	return i;
}

/*
 * No leaf begins before item @from or ends after item @to - 1; that it does
 * not end inside that item is checked when the unmap is done.
 */
static void unmap_check_cut(const struct unmap_op *op, const uint64_t *table,
			    unsigned int from, unsigned int to)
{
	struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low, lg2 = walk_item_lg2(pt, level);
	uint64_t e = item_load_table(&table[from]);

	if (fmt_is_leaf(level, e))
		IOAS_CHECK(!ioas_is_aligned(
			op->gone + 1,
			(uint64_t)1 << fmt_leaf_lg2(pt, level, e)));
	e = item_load_table(&table[to - 1]);
	if (fmt_is_leaf(level, e))
		IOAS_CHECK(to & ((1u << (fmt_leaf_lg2(pt, level, e) - lg2)) -
				 1));
}

/* As above, when nobody wants the addresses. */
static unsigned int unmap_drop(struct unmap_op *op, unsigned int i,
			       unsigned int end)
{
	struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low, start = i;
	unsigned int item_lg2 = walk_item_lg2(pt, level);
	uint64_t *table = op->pos.table[level];

	for (; level && i < end; i++) {
		uint64_t e = item_load_table(&table[i]);
		uint64_t first = op->gone + 1 +
				 ((uint64_t)(i - start) << item_lg2);

		if (!fmt_is_table(level, e))
			continue;
		if (!unmap_whole(op, first, level))
			break;
		pt_list_push(&op->freed, walk_child(pt, e));
	}
	if (!level)
		i = end;
	if (i > start)
		unmap_check_cut(op, table, start, i);
	op->gone += (uint64_t)(i - start) << item_lg2;
	return i;
}

/* Take the table that the walk stands on, and tables it empties, off. */
static void unmap_retire(struct unmap_op *op)
{
	struct pos *p = &op->pos;
	struct ioas_pt *pt = p->pt;
	uint64_t base;

	do {
		uint64_t *table = p->table[p->low++];

		p->iova = op->gone;
		item_store(pos_item(p), 0);
		pt_flush(pt, pos_item(p), 1);
		pt_list_push(&op->freed, table);
		base = walk_base(pt, op->gone, p->low);
	} while (p->low < p->top && base >= op->rq->iova &&
		 op->gone == walk_item_last(pt, base, TABLE_ITEMS, p->low));
}

/* Items [@from, @to) of the table the walk stands on are gone. */
static void unmap_clear(struct unmap_op *op, unsigned int from,
			unsigned int to)
{
	uint64_t *table = op->pos.table[op->pos.low];
	bool hole = false;

	for (unsigned int i = from; i < to; i++) {
		hole |= !item_load(&table[i]);
		item_store(&table[i], 0);
	}
	pt_flush(op->pos.pt, &table[from], to - from);
	IOAS_CHECK(hole);
}

/* One table, as far as leaves go. */
static void unmap_step(struct unmap_op *op)
{
	struct pos *p = &op->pos;
	struct ioas_pt *pt = p->pt;
	uint64_t iova = op->gone + 1;
	uint64_t e = unmap_find(op, iova);
	unsigned int level = p->low;
	uint64_t base = walk_base(pt, iova, level);
	unsigned int from = walk_index(pt, iova, level);
	unsigned int end = walk_end(pt, base, op->rq->last, level), to;

	/* A promise of the caller's is broken; go on, so that unmap ends. */
	if (IOAS_CHECK(!e)) {
		op->gone = ioas_min(
			walk_item_last(pt, base, from + 1, level),
			op->rq->last);
		return;
	}
	if (op->rq->take)
		to = unmap_take(op, from, end);
	else
		to = unmap_drop(op, from, end);
	if (level < p->top && to == TABLE_ITEMS && base >= op->rq->iova)
		unmap_retire(op);
	else
		unmap_clear(op, from, to);
}

static ioas_iova_t walk_unmap(struct ioas_pt *pt,
			      const struct ioas_pt_unmap *rq)
{
	struct unmap_op op;
	bool tables;

	op.rq = rq;
	op.gone = rq->iova - 1;
	op.next_oa = 0;
	op.stop = false;
	op.freed = (struct pt_list){ 0 };
	pos_init(&op.pos, pt);
	do {
		unmap_step(&op);
	} while (!op.stop && op.gone < rq->last);
	IOAS_CHECK(op.gone > rq->last);
	tables = op.freed.head;
	ioas_pt_invalidate(pt, rq->iova, op.gone, tables);
	ioas_pt_tables_retire(pt, &op.freed);
	pt_count(pt, PT_STAT_UNMAP, 1);
	return op.gone;
}

/* The removal of page-tables 4.3, which promises nothing beforehand. */
struct remove_op {
	struct ioas_pt *pt;
	/* Next byte to remove; @done: there is none. */
	uint64_t iova;
	uint64_t last;
	bool done;
	struct pt_list freed;
};

/* What lies before @next is removed. */
static void remove_until(struct remove_op *op, uint64_t next)
{
	op->iova = next;
	op->done = !next || next > op->last;
}

/* The leaf @e at @item is removed, if the position is its start. */
static bool remove_leaf(struct remove_op *op, uint64_t *item,
			unsigned int level, uint64_t e)
{
	struct ioas_pt *pt = op->pt;
	unsigned int lg2 = fmt_leaf_lg2(pt, level, e);
	unsigned int nr = 1u << walk_group_lg2(pt, level, lg2);
	uint64_t size = (uint64_t)1 << lg2;

	if (!ioas_is_aligned(op->iova, size))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		item_store(&item[i], 0);
	remove_until(op, op->iova + size);
	return true;
}

static bool remove_below(struct remove_op *op, uint64_t *table,
			 unsigned int level);

/* What @item of a table of @level holds; false: something stopped it. */
static bool remove_item(struct remove_op *op, uint64_t *item,
			unsigned int level)
{
	struct ioas_pt *pt = op->pt;
	uint64_t e = item_load_table(item), from = op->iova;
	uint64_t size = (uint64_t)1 << walk_item_lg2(pt, level);

	if (fmt_is_leaf(level, e))
		return remove_leaf(op, item, level, e);
	if (!level || !fmt_is_table(level, e) ||
	    !remove_below(op, walk_child(pt, e), level - 1))
		return false;
	/* Its whole span was asked for. */
	if (ioas_is_aligned(from, size) && op->last - from >= size - 1) {
		item_store(item, 0);
		pt_list_push(&op->freed, walk_child(pt, e));
	}
	return true;
}

/* Below @table, of @level; false: something stopped it. */
static bool remove_below(struct remove_op *op, uint64_t *table,
			 unsigned int level)
{
	struct ioas_pt *pt = op->pt;
	unsigned int nr = walk_nr_items(pt, level);
	unsigned int start = walk_index(pt, op->iova, level), i = start;
	bool on = true;

	while (on && i < nr && !op->done) {
		uint64_t from = op->iova;

		on = remove_item(op, &table[i], level);
		/* At least the item; those of a leaf that it is one of. */
		if (on)
			i += (unsigned int)ioas_max(
				1, (op->iova - from) >>
					   walk_item_lg2(pt, level));
	}
	/* Tables that were removed from in part stay; at both ends. */
	while (i > start && item_load(&table[start]))
		start++;
	while (i > start && item_load(&table[i - 1]))
		i--;
	if (i > start)
		pt_flush(pt, &table[start], i - start);
	return on;
}

static uint64_t walk_remove(struct ioas_pt *pt, ioas_iova_t iova,
			    ioas_iova_t last, uint32_t *tables)
{
	struct remove_op op = { .pt = pt, .iova = iova, .last = last };
	unsigned int level;
	uint64_t *root = pt_top(pt, &level);

	remove_below(&op, root, level);
	/* All 2^64 bytes, if it is done. */
	if (op.iova == iova && !op.done)
		return 0;
	*tables = op.freed.nr;
	ioas_pt_invalidate(pt, iova, op.iova - 1, op.freed.head);
	ioas_pt_tables_retire(pt, &op.freed);
	pt_count(pt, PT_STAT_UNMAP, 1);
	return op.iova - iova;
}

/* What a failed map had mapped already. */
static void unmap_range(struct ioas_pt *pt, uint64_t iova, uint64_t last)
{
	const struct ioas_pt_unmap rq = {
		.iova = iova, .want_last = last, .last = last,
	};

	walk_unmap(pt, &rq);
}

#endif
