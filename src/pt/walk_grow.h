/* SPDX-License-Identifier: MIT */
/*
 * walk_grow: part of the walker; see walk.h
 *
 *   [ root ]        ==>     [ new root ]            item 0 of each new table
 *                             |                     leads to the one before
 *                           [ .. ]
 *                             |
 *                           [ root ] as it was
 *
 * Nothing that was mapped moves, so nothing has to be invalidated
 * (page-tables 4.7). Threads may grow the root at the same time: one wins.
 */
#ifndef IOAS_PT_WALK_GROW_H
#define IOAS_PT_WALK_GROW_H

#include "pt/walk.h"

static uint64_t *walk_new_table(struct ioas_pt *pt, bool zero)
{
	uint64_t *table = ioas_pt_table_alloc(pt);

	if (table && zero) {
		memset(table, 0, sizeof(*table) * TABLE_ITEMS);
		pt_flush(pt, table, TABLE_ITEMS);
	}
	return table;
}

static uint64_t grow_span_last(const struct ioas_pt *pt, unsigned int level)
{
	unsigned int lg2 = walk_item_lg2(pt, level + 1);

	return lg2 < 64 ? ((uint64_t)1 << lg2) - 1 : IOAS_U64_MAX;
}

/* It mostly does. */
static inline bool grow_reaches(const struct ioas_pt *pt, uint64_t last)
{
	unsigned int level;

	pt_top(pt, &level);
	return last <= grow_span_last(pt, level);
}

/* The tables above @root of @level, up to @table[@nr - 1], never seen. */
static void grow_discard(struct ioas_pt *pt, uint64_t *const *table,
			 unsigned int nr)
{
	while (nr)
		ioas_pt_table_unused(pt, table[--nr]);
}

/* One attempt: 1, 0 if somebody else raised the root meanwhile, -ENOMEM. */
static int grow_once(struct ioas_pt *pt, uintptr_t top, uint64_t last,
		     unsigned int leaf_level)
{
	uint64_t *below = (uint64_t *)(top & ~PT_LEVEL_MASK);
	unsigned int level = (unsigned int)(top & PT_LEVEL_MASK), nr = 0;
	uint64_t *table[PT_MAX_LEVELS];

	do {
		uint64_t pa = pt_table_pa(pt, below);

		below = walk_new_table(pt, true);
		if (!below) {
			grow_discard(pt, table, nr);
			return -ENOMEM;
		}
		table[nr++] = below;
		item_store(&below[0], fmt_make_table(pt, ++level, pa));
		pt_flush(pt, &below[0], 1);
	} while (last > grow_span_last(pt, level) || level < leaf_level);
	if (ioas_pt_raise(pt, top, below, level))
		return 1;
	grow_discard(pt, table, nr);
	return 0;
}

/*
 * Until the root spans @last, which the aperture does, and is not below a leaf
 * of @leaf_level: one that is as large as all that the root spans needs one
 * more level.
 */
static int walk_grow(struct ioas_pt *pt, uint64_t last,
		     unsigned int leaf_level)
{
	for (;;) {
		uintptr_t top = atomic_load_explicit(&pt->top,
						     memory_order_acquire);
		unsigned int level = (unsigned int)(top & PT_LEVEL_MASK);
		int ret;

		if (last <= grow_span_last(pt, level) && level >= leaf_level)
			return 0;
		if (level >= pt->max_level)
			return -ERANGE;
		ret = grow_once(pt, top, last, leaf_level);
		if (ret < 0)
			return ret;
	}
}

#endif
