/* SPDX-License-Identifier: MIT */
/*
 * walk: the walker, compiled into every format
 *
 * A file of fmt/ defines the functions below as static inlines, includes
 * walk_all.h, and fills a struct ioas_pt_format with what that defines. So the
 * inner loops know the layout of an entry; a call per entry through a table of
 * functions would cost more than the work.
 *
 *   unsigned fmt_granule_lg2(pt)       log2 of the span of an item of level 0
 *   bool     fmt_is_table(level, e), fmt_is_leaf(level, e)  else it is empty
 *   uint64_t fmt_make_table(pt, level, pa), fmt_table_pa(pt, e)
 *   int      fmt_attrs(pt, prot, &attrs)              once per map call
 *   uint64_t fmt_make_leaf(pt, level, oa, lg2, attrs) word of the first item
 *   unsigned fmt_leaf_lg2(pt, level, e)
 *   uint64_t fmt_leaf_oa(pt, level, e)                of the whole leaf
 *   uint64_t fmt_leaf_attrs(pt, e)        as fmt_attrs(), of a clean leaf, and
 *                                         with what FMT_ACCESSED is set
 *   uint32_t fmt_leaf_prot(e)
 *   uint64_t fmt_item_step(level, lg2), fmt_leaf_step(lg2)  from one item of a
 *                        leaf to the next, from a leaf to what continues it
 *   bool     fmt_is_dirty(e)
 *   void     fmt_clean(item)               one atomic operation
 *   bool     fmt_soil(item, e)             if the item still is e
 *   bool     fmt_all_clean(items, nr)      the loop over clean ones
 *   FMT_INDEX_LG2      log2 of the items of a table
 *   FMT_ROOT_OWN       the root has more or fewer: pt->root_index_lg2
 *   FMT_GROWS          the root may rise
 *   FMT_OA_STEP_LG2    fmt_leaf_step() does not lead across a multiple of
 *                      2^this; 64: there is no such
 *   FMT_ACCESSED       bits that a device sets when it uses a leaf
 *   FMT_VOLATILE       those, and bits that say whether it was written
 *   FMT_FLUSHED        a bit of table entries that walkers ignore (6.1)
 *   FMT_CLEAR_PARTIAL  a leaf that a read covers in part becomes clean
 *
 * A position is the way from the root to where the walker stands. Stepping to
 * a near address climbs as little as needed:
 *
 *   table[3] -- [2] -- [1] -- [0]     next table: up to [1], down to [0]
 *   high                      low     same table: nothing
 */
#ifndef IOAS_PT_WALK_H
#define IOAS_PT_WALK_H

#include "pt/impl.h"

struct pos {
	struct ioas_pt *pt;
	uint32_t generation;
	/* Tables of levels low to high span @iova; the root is at @top. */
	unsigned int low;
	unsigned int high;
	unsigned int top;
	uint64_t iova;
	uint64_t *table[PT_MAX_LEVELS];
};

#define TABLE_ITEMS (1u << FMT_INDEX_LG2)

static inline bool walk_is_own_root(const struct ioas_pt *pt,
				    unsigned int level)
{
	return FMT_ROOT_OWN && level == pt->root_level;
}

static inline unsigned int walk_nr_items(const struct ioas_pt *pt,
					 unsigned int level)
{
	if (walk_is_own_root(pt, level))
		return 1u << pt->root_index_lg2;
	return TABLE_ITEMS;
}

static inline unsigned int walk_item_lg2(const struct ioas_pt *pt,
					 unsigned int level)
{
	return fmt_granule_lg2(pt) + level * FMT_INDEX_LG2;
}

static inline unsigned int walk_level_of(const struct ioas_pt *pt,
					 unsigned int lg2)
{
	return (lg2 - fmt_granule_lg2(pt)) / FMT_INDEX_LG2;
}

/* log2 of the items of a leaf of 2^@lg2 bytes. */
static inline unsigned int walk_group_lg2(const struct ioas_pt *pt,
					  unsigned int level, unsigned int lg2)
{
	return lg2 - walk_item_lg2(pt, level);
}

/* Items of the leaf that has the word @e. */
static inline unsigned int walk_leaf_items(const struct ioas_pt *pt,
					   unsigned int level, uint64_t e)
{
	return 1u << walk_group_lg2(pt, level, fmt_leaf_lg2(pt, level, e));
}

static inline unsigned int walk_index(const struct ioas_pt *pt, uint64_t iova,
				      unsigned int level)
{
	return (unsigned int)(iova >> walk_item_lg2(pt, level)) &
	       (walk_nr_items(pt, level) - 1);
}

/* First IOVA of the table of @level that spans @iova. */
static inline uint64_t walk_base(const struct ioas_pt *pt, uint64_t iova,
				 unsigned int level)
{
	unsigned int lg2 = walk_item_lg2(pt, level + 1);

	if (walk_is_own_root(pt, level))
		return 0;
	return lg2 < 64 ? ioas_align_down(iova, (uint64_t)1 << lg2) : 0;
}

/* Are both in the span of one lowest table? */
static inline bool walk_near(const struct ioas_pt *pt, uint64_t a, uint64_t b)
{
	unsigned int lg2 = walk_item_lg2(pt, 1);

	/* Of huge granules the lowest table is the only one. */
	return lg2 > 63 || !((a ^ b) >> lg2);
}

/* Last IOVA of the first @nr items of that table; @nr is not zero. */
static inline uint64_t walk_item_last(const struct ioas_pt *pt, uint64_t base,
				      unsigned int nr, unsigned int level)
{
	return base + ((uint64_t)(nr - 1) << walk_item_lg2(pt, level)) +
	       (((uint64_t)1 << walk_item_lg2(pt, level)) - 1);
}

/* One past the last index that [.., @last] has in the table at @base. */
static inline unsigned int walk_end(const struct ioas_pt *pt, uint64_t base,
				    uint64_t last, unsigned int level)
{
	uint64_t nr = ((last - base) >> walk_item_lg2(pt, level)) + 1;

	return (unsigned int)ioas_min(nr, walk_nr_items(pt, level));
}

/* How many leaves from @oa on differ by fmt_leaf_step(), and exist. */
static inline uint64_t walk_oa_room(const struct ioas_pt *pt, uint64_t oa,
				    unsigned int lg2)
{
	uint64_t last = pt->oa_last;

	if (FMT_OA_STEP_LG2 < 64)
		last = ioas_min(last,
				oa | (((uint64_t)1 << (FMT_OA_STEP_LG2 & 63)) -
				      1));
	return ((last - oa) >> lg2) + 1;
}

static inline void pos_root(struct pos *p)
{
	uint64_t *root = pt_top(p->pt, &p->top);

	p->low = p->high = p->top;
	p->table[p->low] = root;
	pt_count(p->pt, PT_STAT_WALK, 1);
}

static inline void pos_init(struct pos *p, struct ioas_pt *pt)
{
	p->pt = pt;
	p->iova = 0;
	pos_root(p);
}

/*
 * A cursor is the lowest two tables of a position: the table, with its level
 * in the bits that its alignment leaves, the IOVA, the table above, and the
 * generation. A table that left the tree since voids all cursors.
 */
static inline void pos_load(struct pos *p, struct ioas_pt *pt,
			    const uint64_t *cursor)
{
	unsigned int level;

	p->generation = atomic_load_explicit(&pt->generation,
					     memory_order_relaxed);
	if (!cursor || !cursor[0] || cursor[3] != p->generation) {
		pos_init(p, pt);
		return;
	}
	level = cursor[0] & 7;
	p->pt = pt;
	pt_top(pt, &p->top);
	p->low = p->high = level;
	p->table[level] = (uint64_t *)(uintptr_t)(cursor[0] - level);
	if (cursor[2])
		p->table[++p->high] = (uint64_t *)(uintptr_t)cursor[2];
	p->iova = cursor[1];
}

static inline void pos_save(const struct pos *p, uint64_t *cursor)
{
	if (!cursor)
		return;
	cursor[0] = (uint64_t)(uintptr_t)p->table[p->low] | p->low;
	cursor[1] = p->iova;
	cursor[2] = 0;
	if (p->high > p->low)
		cursor[2] = (uint64_t)(uintptr_t)p->table[p->low + 1];
	cursor[3] = p->generation;
}

/* To the lowest table in hand, of @level or above, that spans @iova. */
static inline void pos_climb(struct pos *p, uint64_t iova, unsigned int level)
{
	const struct ioas_pt *pt = p->pt;
	uint64_t diff = p->iova ^ iova;
	unsigned int low = p->low;

	p->iova = iova;
	if (low < level)
		low = level;
	while (low < p->top && diff >> walk_item_lg2(pt, low + 1))
		low++;
	p->low = low;
	if (ioas_unlikely(low > p->high))
		pos_root(p);
}

static inline uint64_t *pos_item(const struct pos *p)
{
	return &p->table[p->low][walk_index(p->pt, p->iova, p->low)];
}

/* Enter the table that @e points to. */
static inline void pos_enter(struct pos *p, uint64_t e)
{
	p->low--;
	p->table[p->low] = pt_table_at(p->pt, fmt_table_pa(p->pt, e));
}

/*
 * Follow table entries towards IOVA, not below @level; the item where that
 * ends. Written with local variables, because this chain of loads is most of
 * the time of a small operation.
 */
static inline uint64_t pos_descend(struct pos *p, unsigned int level)
{
	struct ioas_pt *pt = p->pt;
	unsigned int low = p->low, lg2 = walk_item_lg2(pt, low);
	uint64_t *table = p->table[low], iova = p->iova, e;

	for (;;) {
		e = item_load_table(
			&table[(iova >> lg2) & (walk_nr_items(pt, low) - 1)]);
		if (low <= level || !fmt_is_table(low, e))
			break;
		table = pt_table_at(pt, fmt_table_pa(pt, e));
		p->table[--low] = table;
		lg2 -= FMT_INDEX_LG2;
	}
	p->low = low;
	return e;
}

/* To the item that says what @iova translates to: a leaf, or empty. */
static inline uint64_t pos_find(struct pos *p, uint64_t iova)
{
	pos_climb(p, iova, 0);
	return pos_descend(p, 0);
}

/*
 * First item at or after @i that is not @expect, the leaf that would continue
 * those before it.
 */
static inline unsigned int walk_scan(const uint64_t *table, unsigned int i,
				     unsigned int end, uint64_t expect,
				     unsigned int lg2, unsigned int per_leaf)
{
	uint64_t step = fmt_leaf_step(lg2);

	while (i < end && !((item_load(&table[i]) ^ expect) & ~FMT_VOLATILE)) {
		expect += step;
		i += per_leaf;
	}
	return i;
}

static inline uint64_t *walk_child(const struct ioas_pt *pt, uint64_t e)
{
	return pt_table_at(pt, fmt_table_pa(pt, e));
}

/*
 * From the root to the item that says what @iova translates to; @level and @e:
 * where it stands and what it held. No position, for who takes one look. Above
 * a root that may rise there is an empty item.
 */
static inline uint64_t *walk_down(struct ioas_pt *pt, uint64_t iova,
				  unsigned int *level, uint64_t *e)
{
	unsigned int low;
	uint64_t *table = pt_top(pt, &low), *item;
	unsigned int lg2 = walk_item_lg2(pt, low);

	*level = low;
	*e = 0;
	if (FMT_GROWS && lg2 + FMT_INDEX_LG2 < 64 &&
	    iova >> (lg2 + FMT_INDEX_LG2))
		return NULL;
	for (;;) {
		item = &table[(iova >> lg2) & (walk_nr_items(pt, low) - 1)];
		*e = item_load_table(item);
		if (!low || !fmt_is_table(low, *e))
			break;
		table = walk_child(pt, *e);
		low--;
		lg2 -= FMT_INDEX_LG2;
	}
	*level = low;
	return item;
}

/* Does the subtree hold a leaf? */
static bool walk_has_leaf(struct ioas_pt *pt, const uint64_t *table,
			  unsigned int level)
{
	for (unsigned int i = 0; i < walk_nr_items(pt, level); i++) {
		uint64_t e = item_load_table(&table[i]);

		if (fmt_is_leaf(level, e))
			return true;
		if (level && fmt_is_table(level, e) &&
		    walk_has_leaf(pt, walk_child(pt, e), level - 1))
			return true;
	}
	return false;
}

/* Put @table, of @level, and the tables below it on @list. */
static void walk_collect(struct ioas_pt *pt, uint64_t *table,
			 unsigned int level, struct pt_list *list)
{
	for (unsigned int i = 0; level && i < walk_nr_items(pt, level); i++) {
		uint64_t e = item_load_table(&table[i]);

		if (fmt_is_table(level, e))
			walk_collect(pt, walk_child(pt, e), level - 1, list);
	}
	if (!walk_is_own_root(pt, level) || !pt->root_own)
		pt_list_push(list, table);
}

static void walk_collect_all(struct ioas_pt *pt, struct pt_list *list)
{
	unsigned int level;
	uint64_t *root = pt_top(pt, &level);

	walk_collect(pt, root, level, list);
}

#endif
