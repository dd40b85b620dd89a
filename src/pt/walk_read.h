/* SPDX-License-Identifier: MIT */
/*
 * walk_read: part of the walker; see walk.h
 *
 * Operations that find leaves where there may be none: translation, dirty
 * state, enumeration, validation; and the split of a leaf.
 */
#ifndef IOAS_PT_WALK_READ_H
#define IOAS_PT_WALK_READ_H

#include "pt/walk.h"

/* The leaf of word @e, where the position stands. */
static void walk_describe(const struct pos *p, uint64_t e,
			  struct ioas_pt_leaf *leaf)
{
	const struct ioas_pt *pt = p->pt;
	unsigned int lg2 = fmt_leaf_lg2(pt, p->low, e);
	unsigned int nr = 1u << (lg2 - walk_item_lg2(pt, p->low));
	const uint64_t *group = p->table[p->low] +
				(walk_index(pt, p->iova, p->low) & ~(nr - 1));

	leaf->iova = ioas_align_down(p->iova, (uint64_t)1 << lg2);
	leaf->oa = fmt_leaf_oa(pt, p->low, e);
	leaf->lg2 = (uint8_t)lg2;
	leaf->level = (uint8_t)p->low;
	leaf->prot = fmt_leaf_prot(e);
	leaf->dirty = pt->tracks && !fmt_all_clean(group, nr);
}

static int walk_leaf(struct ioas_pt *pt, ioas_iova_t iova,
		     struct ioas_pt_leaf *leaf)
{
	struct pos p;
	uint64_t e;

	pos_init(&p, pt);
	e = pos_find(&p, iova);
	if (!fmt_is_leaf(p.low, e))
		return -ENOENT;
	walk_describe(&p, e, leaf);
	return 0;
}

/*
 * Last IOVA of the leaf @e, and of the leaves of its table that go on from
 * there. In scattered memory the next one does not, so that is looked at
 * before anything is computed.
 */
static inline uint64_t translate_stretch(const struct pos *p, uint64_t e,
					 unsigned int lg2, uint64_t last)
{
	const struct ioas_pt *pt = p->pt;
	unsigned int level = p->low;
	unsigned int per_leaf = 1u << (lg2 - walk_item_lg2(pt, level));
	unsigned int index = walk_index(pt, p->iova, level);
	unsigned int next = (index & ~(per_leaf - 1)) + per_leaf, end;
	const uint64_t *table = p->table[level];
	uint64_t leaf_last = p->iova | (((uint64_t)1 << lg2) - 1), base, room;

	if (leaf_last >= last || next == walk_nr_items(pt, level))
		return leaf_last;
	/* Leaves after this one, in items. */
	room = (walk_oa_room(pt, fmt_leaf_oa(pt, level, e), lg2) - 1) *
	       per_leaf;
	e -= (index & (per_leaf - 1)) * fmt_item_step(level, lg2);
	e += fmt_leaf_step(lg2);
	if ((item_load(&table[next]) ^ e) & ~FMT_VOLATILE)
		return leaf_last;
	base = walk_base(pt, p->iova, level);
	end = walk_end(pt, base, last, level);
	end = next + (unsigned int)ioas_min(end - next, room);
	next = walk_scan(table, next, end, e, lg2, per_leaf);
	return walk_item_last(pt, base, next, level);
}

/* Is it worth to look what @iova translates to? Cheap, in scattered memory. */
static inline bool translate_goes_on(const struct pos *p, uint64_t iova,
				     uint64_t oa)
{
	unsigned int index = walk_index(p->pt, iova, p->low);
	uint64_t e;

	if (!index)
		return true;
	e = item_load_table(&p->table[p->low][index]);
	if (fmt_is_leaf(p->low, e))
		return fmt_leaf_oa(p->pt, p->low, e) == oa;
	return p->low && fmt_is_table(p->low, e);
}

/* One leaf tells all that was asked for; no position is needed for that. */
static inline bool translate_one(struct ioas_pt *pt, ioas_iova_t iova,
				 ioas_iova_t last, uint64_t *oa,
				 uint64_t *length)
{
	unsigned int level;
	uint64_t e, mask;

	walk_down(pt, iova, &level, &e);
	if (!fmt_is_leaf(level, e))
		return false;
	mask = ((uint64_t)1 << fmt_leaf_lg2(pt, level, e)) - 1;
	if ((iova | mask) < last)
		return false;
	*oa = fmt_leaf_oa(pt, level, e) + (iova & mask);
	*length = last - iova + 1;
	pt_count(pt, PT_STAT_WALK, 1);
	return true;
}

static int walk_translate_run(struct ioas_pt *pt, ioas_iova_t iova,
			      ioas_iova_t last, uint64_t *cursor,
			      uint64_t *oa, uint64_t *length)
{
	uint64_t e, at, next_oa;
	unsigned int lg2;
	struct pos p;

	if (!cursor && translate_one(pt, iova, last, oa, length))
		return 0;
	pos_load(&p, pt, cursor);
	e = pos_find(&p, iova);
	if (!fmt_is_leaf(p.low, e))
		return -ENOENT;
	lg2 = fmt_leaf_lg2(pt, p.low, e);
	*oa = fmt_leaf_oa(pt, p.low, e) +
	      (iova & (((uint64_t)1 << lg2) - 1));
	for (;;) {
		at = translate_stretch(&p, e, lg2, last);
		pos_save(&p, cursor);
		next_oa = *oa + (at - iova) + 1;
		/* The end of the output space is no place to go on from. */
		if (at >= last || !next_oa ||
		    !translate_goes_on(&p, at + 1, next_oa))
			break;
		e = pos_find(&p, at + 1);
		if (!fmt_is_leaf(p.low, e) ||
		    fmt_leaf_oa(pt, p.low, e) != next_oa)
			break;
		lg2 = fmt_leaf_lg2(pt, p.low, e);
	}
	*length = ioas_min(at, last) - iova + 1;
	return 0;
}

/*
 * Last IOVA of the empty items of the table from where the position stands. A
 * top table that decodes more than 64 bits wraps to the last of all.
 */
static uint64_t walk_hole(const struct pos *p)
{
	const struct ioas_pt *pt = p->pt;
	const uint64_t *table = p->table[p->low];
	unsigned int i = walk_index(pt, p->iova, p->low);

	do {
		i++;
	} while (i < walk_nr_items(pt, p->low) && !item_load(&table[i]));
	return walk_item_last(pt, walk_base(pt, p->iova, p->low), i, p->low);
}

/*
 * The first leaf that ends at or after @iova and begins up to @last; the
 * position stands on its item.
 */
static bool walk_next(struct pos *p, uint64_t iova, uint64_t last, uint64_t *e)
{
	for (;;) {
		uint64_t end;

		*e = pos_find(p, iova);
		if (fmt_is_leaf(p->low, *e))
			return true;
		end = walk_hole(p);
		if (end >= last)
			return false;
		iova = end + 1;
	}
}

static bool walk_for_each_leaf(struct ioas_pt *pt, ioas_iova_t iova,
			       ioas_iova_t last,
			       bool (*fn)(void *ctx,
					  const struct ioas_pt_leaf *leaf),
			       void *ctx)
{
	struct pos p;
	uint64_t e;

	pos_init(&p, pt);
	while (walk_next(&p, iova, last, &e)) {
		struct ioas_pt_leaf leaf;

		walk_describe(&p, e, &leaf);
		iova = leaf.iova + (((uint64_t)1 << leaf.lg2) - 1);
		if (!fn(ctx, &leaf))
			return false;
		if (iova >= last)
			break;
		iova++;
	}
	return true;
}

/*
 * Leaves of one table from item @i on. One item of a leaf says enough: a leaf
 * is dirty if any of them is. Returns the first item that is no leaf's, or
 * lies behind @end.
 */
static unsigned int mark_items(const struct pos *p, unsigned int i,
			       unsigned int end)
{
	struct ioas_pt *pt = p->pt;
	unsigned int level = p->low;
	uint64_t *table = p->table[level];

	while (i < end) {
		uint64_t e = item_load_table(&table[i]);
		unsigned int nr;

		if (!fmt_is_leaf(level, e))
			break;
		/* It changed under our eyes: once more. */
		if (!fmt_is_dirty(e)) {
			if (!fmt_soil(&table[i], e))
				continue;
			pt_flush(p->pt, &table[i], 1);
		}
		nr = walk_leaf_items(pt, level, e);
		i = (i | (nr - 1)) + 1;
	}
	return i;
}

static void walk_mark_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			    ioas_iova_t last)
{
	struct pos p;
	uint64_t e;

	pos_init(&p, pt);
	while (walk_next(&p, iova, last, &e)) {
		/* Of the leaf, which may be behind a hole. */
		uint64_t base = walk_base(pt, p.iova, p.low);
		unsigned int end = walk_end(pt, base, last, p.low);

		end = mark_items(&p, walk_index(pt, p.iova, p.low), end);
		iova = walk_item_last(pt, base, end, p.low);
		if (iova >= last)
			break;
		iova++;
	}
}

struct dirty_op {
	struct pos pos;
	uint64_t iova;
	uint64_t last;
	bool clear;
	/* What was cleared may be cached: from here to there. */
	bool cleared;
	uint64_t cleared_first;
	uint64_t cleared_last;
	/* Adjacent dirty leaves, not yet reported. */
	bool pending;
	uint64_t first;
	uint64_t end;
	ioas_pt_mark_fn *mark;
	void *ctx;
};

static void dirty_report(struct dirty_op *op)
{
	if (op->pending && op->mark)
		op->mark(op->ctx, op->first, op->end);
	op->pending = false;
}

/* A dirty leaf [@first, @last]. */
static void dirty_found(struct dirty_op *op, uint64_t first, uint64_t last)
{
	first = ioas_max(first, op->iova);
	last = ioas_min(last, op->last);
	if (op->pending && op->end + 1 == first) {
		op->end = last;
		return;
	}
	dirty_report(op);
	op->pending = true;
	op->first = first;
	op->end = last;
}

static void dirty_clear(struct dirty_op *op, uint64_t *items, unsigned int nr,
			uint64_t first, uint64_t last)
{
	if (!op->clear || (!FMT_CLEAR_PARTIAL &&
			   (first < op->iova || last > op->last)))
		return;
	for (unsigned int i = 0; i < nr; i++)
		fmt_clean(&items[i]);
	pt_flush(op->pos.pt, items, nr);
	if (!op->cleared)
		op->cleared_first = first;
	op->cleared = true;
	op->cleared_last = last;
}

/* Clean items are passed by so many at a time: two cache lines. */
#define CLEAN_STEP 16

/* Leaves of one table from item @i on; stops at a table, returns where. */
static unsigned int dirty_items(struct dirty_op *op, unsigned int i,
				unsigned int end)
{
	const struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low, lg2 = walk_item_lg2(pt, level);
	uint64_t *table = op->pos.table[level];
	uint64_t base = walk_base(pt, op->pos.iova, level);

	while (i < end) {
		unsigned int nr, group;
		uint64_t e, first, last;

		if (!level && !(i % CLEAN_STEP) && i + CLEAN_STEP <= end &&
		    fmt_all_clean(&table[i], CLEAN_STEP)) {
			i += CLEAN_STEP;
			continue;
		}
		e = item_load_table(&table[i]);
		if (fmt_is_table(level, e))
			break;
		if (!fmt_is_leaf(level, e)) {
			i++;
			continue;
		}
		nr = walk_leaf_items(pt, level, e);
		group = i & ~(nr - 1);
		i = group + nr;
		if (fmt_all_clean(&table[group], nr))
			continue;
		first = base + ((uint64_t)group << lg2);
		last = walk_item_last(pt, first, nr, level);
		dirty_found(op, first, last);
		dirty_clear(op, &table[group], nr, first, last);
	}
	return i;
}

/* A large leaf has its bit in any item: go on to the end of the last one. */
static unsigned int dirty_end(const struct dirty_op *op, uint64_t base)
{
	const struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low;
	unsigned int end = walk_end(pt, base, op->last, level), nr = 1;
	uint64_t e = item_load_table(&op->pos.table[level][end - 1]);

	if (fmt_is_leaf(level, e))
		nr = walk_leaf_items(pt, level, e);
	return ((end - 1) | (nr - 1)) + 1;
}

/* And begin at the start of the first. */
static unsigned int dirty_begin(const struct dirty_op *op, uint64_t e)
{
	const struct ioas_pt *pt = op->pos.pt;
	unsigned int level = op->pos.low, nr = 1;

	if (fmt_is_leaf(level, e))
		nr = walk_leaf_items(pt, level, e);
	return walk_index(pt, op->pos.iova, level) & ~(nr - 1);
}

static void walk_read_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			    ioas_iova_t last, bool clear,
			    ioas_pt_mark_fn *mark, void *ctx)
{
	struct dirty_op op = { .iova = iova, .last = last, .clear = clear,
			       .mark = mark, .ctx = ctx };

	pos_init(&op.pos, pt);
	for (;;) {
		uint64_t e = pos_find(&op.pos, iova);
		uint64_t base = walk_base(pt, iova, op.pos.low);
		unsigned int from = dirty_begin(&op, e);
		unsigned int to = dirty_items(&op, from, dirty_end(&op, base));

		/* A neighbour put a table where there was nothing. */
		if (to == from)
			continue;
		iova = walk_item_last(pt, base, to, op.pos.low);
		if (iova >= last)
			break;
		iova++;
	}
	dirty_report(&op);
	if (op.cleared)
		ioas_pt_invalidate(pt, op.cleared_first, op.cleared_last,
				   false);
}

/* T2 to T4 for the leaf whose first item is @i. */
static bool check_leaf(const struct ioas_pt *pt, const uint64_t *table,
		       unsigned int level, unsigned int i, uint64_t iova)
{
	uint64_t e = item_load(&table[i]);
	unsigned int lg2 = fmt_leaf_lg2(pt, level, e), nr;
	uint64_t oa = fmt_leaf_oa(pt, level, e), size, word;

	if (lg2 > 63 || !(pt->leaf_sizes >> lg2 & 1) ||
	    walk_level_of(pt, lg2) != level)
		return false;
	size = (uint64_t)1 << lg2;
	nr = 1u << (lg2 - walk_item_lg2(pt, level));
	if (!ioas_is_aligned(iova | oa, size) || oa > pt->oa_last ||
	    size - 1 > pt->oa_last - oa)
		return false;
	word = fmt_make_leaf(pt, level, oa, lg2, fmt_leaf_attrs(pt, e));
	for (unsigned int k = i; k < i + nr; k++) {
		if ((item_load(&table[k]) ^ word) & ~FMT_VOLATILE)
			return false;
		word += fmt_item_step(level, lg2);
	}
	return pt_in_aperture(pt, iova, iova + (size - 1));
}

/* First IOVA of item @i of the table of @level at @base. */
static uint64_t check_iova(const struct ioas_pt *pt, uint64_t base,
			   unsigned int i, unsigned int level)
{
	uint64_t iova = base + ((uint64_t)i << walk_item_lg2(pt, level));
	uint64_t half = (uint64_t)1 << (pt->va_bits - 1);

	/* The upper half is where all high bits are set. */
	if (pt->flags & IOAS_PT_SIGN_EXTEND && iova & half)
		iova |= ~(half - 1);
	return iova;
}

/* T1, and the rest for what is below; counts the tables for T5. */
static bool check_table(struct ioas_pt *pt, const uint64_t *table,
			unsigned int level, uint64_t base, uint64_t *nr_tables)
{
	unsigned int lg2 = walk_item_lg2(pt, level), nr;
	uint64_t items = walk_nr_items(pt, level);

	/* The top table may decode more than 64 bits. */
	if (lg2 + FMT_INDEX_LG2 > 64)
		items = (uint64_t)1 << (64 - lg2);
	++*nr_tables;
	for (unsigned int i = 0; i < walk_nr_items(pt, level); i += nr) {
		uint64_t e = item_load_table(&table[i]);
		uint64_t iova = check_iova(pt, base, i, level);

		nr = 1;
		if (!e)
			continue;
		if (i >= items)
			return false;
		if (fmt_is_leaf(level, e)) {
			if (!check_leaf(pt, table, level, i, iova))
				return false;
			nr = walk_leaf_items(pt, level, e);
		} else if (!level || !fmt_is_table(level, e) ||
			   !check_table(pt, walk_child(pt, e), level - 1, iova,
					nr_tables)) {
			return false;
		}
	}
	return true;
}

static bool walk_validate(struct ioas_pt *pt, uint64_t *nr_tables)
{
	unsigned int level;
	uint64_t *root = pt_top(pt, &level);

	*nr_tables = 0;
	return check_table(pt, root, level, 0, nr_tables);
}

#endif
