/* SPDX-License-Identifier: MIT */
/*
 * walker: one address, from the root to its leaf
 *
 * Reference: docs/reference/page-tables.md section 7, in its order.
 */
#include "walker/walker_impl.h"

#include <string.h>

/* How often a write tries if the entry changes under it. */
#define MAX_TRIES 64

static uint32_t index_of(const struct walker_config *cfg, unsigned int level,
			 uint64_t iova)
{
	return (uint32_t)(iova >> walker_item_lg2(cfg, level)) &
	       (walker_nr_items(cfg, level) - 1);
}

/* IOVA bits that a table of @child, entered from @level, does not resolve. */
static uint64_t skipped(const struct walker_config *cfg, unsigned int level,
			unsigned int child, uint64_t iova)
{
	unsigned int low = walker_item_lg2(cfg, child + 1);
	unsigned int high = walker_item_lg2(cfg, level);

	return high > low ? iova & walker_mask(low, high - 1) : 0;
}

static void fill_leaf(const struct walker_config *cfg,
		      const struct walker_memory *mem, uint64_t iova,
		      const struct walker_entry *e, struct walker_result *r)
{
	const struct walker_step *last = &r->step[r->nr_steps - 1];
	unsigned int item = walker_item_lg2(cfg, last->level);
	struct walker_group group = {
		.cfg = cfg,
		.level = last->level,
		.table = last->table,
		.index = last->index,
		.word = last->word,
		.entry = e,
	};

	/* Items with addresses of their own translate what they cover. */
	if (!walker_ops(cfg->format)->strided)
		item = e->lg2;
	r->oa = e->oa + (iova & walker_ones(item));
	r->leaf_iova = iova & ~walker_ones(e->lg2);
	r->leaf_oa = walker_leaf_oa(e);
	r->lg2 = e->lg2;
	r->dirty = walker_group_dirty(&group, mem);
}

/*
 * One item further. WALKER_OK: @e is a table, whose address and level are in
 * @table and @level, or a leaf.
 */
static enum walker_status step(const struct walker_config *cfg,
			       const struct walker_memory *mem, uint64_t iova,
			       uint64_t *table, unsigned int *level,
			       struct walker_entry *e, struct walker_result *r)
{
	uint32_t index = index_of(cfg, *level, iova);
	uint64_t word;

	if (!walker_read(mem, *table, index, &word))
		return WALKER_NO_MEMORY;
	walker_item(cfg, *level, word, e);
	r->step[r->nr_steps++] = (struct walker_step){
		.level = (uint8_t)*level,
		.index = index,
		.table = *table,
		.word = word,
		.kind = e->kind,
	};
	r->access &= e->access;
	switch (e->kind) {
	case WALKER_EMPTY:
		return WALKER_NOT_MAPPED;
	case WALKER_INVALID:
		r->why = e->why;
		return WALKER_MALFORMED;
	case WALKER_LEAF:
		return WALKER_OK;
	case WALKER_TABLE:
		break;
	}
	if (skipped(cfg, *level, e->child_level, iova))
		return WALKER_NOT_MAPPED;
	*table = e->child;
	*level = e->child_level;
	return WALKER_OK;
}

static enum walker_status walk(const struct walker_config *cfg,
			       const struct walker_memory *mem, uint64_t iova,
			       uint32_t access, struct walker_result *r)
{
	unsigned int level = cfg->levels - 1u;
	uint64_t table = walker_root(cfg);
	struct walker_aperture a;
	struct walker_entry e;
	enum walker_status status;

	walker_aperture(cfg, &a);
	if (!walker_inside(&a, iova, iova))
		return WALKER_OUT_OF_APERTURE;
	r->access = WALKER_ALL;
	/* Levels descend, or the item is invalid: it ends. */
	do {
		status = step(cfg, mem, iova, &table, &level, &e, r);
	} while (status == WALKER_OK && e.kind == WALKER_TABLE);
	if (status != WALKER_OK) {
		r->access = 0;
		return status;
	}
	fill_leaf(cfg, mem, iova, &e, r);
	return access & ~r->access ? WALKER_DENIED : WALKER_OK;
}

enum walker_status walker_walk(const struct walker_config *cfg,
			       const struct walker_memory *mem, uint64_t iova,
			       uint32_t access, struct walker_result *result)
{
	const char *why = walker_check(cfg);

	memset(result, 0, sizeof(*result));
	if (why) {
		result->why = why;
		result->status = WALKER_MALFORMED;
	} else {
		result->status = walk(cfg, mem, iova, access, result);
	}
	return result->status;
}

/* False: the item changed since it was read, or cannot be written. */
static bool soil(const struct walker_config *cfg,
		 const struct walker_memory *mem, struct walker_result *r)
{
	const struct walker_ops *ops = walker_ops(cfg->format);
	struct walker_step *last = &r->step[r->nr_steps - 1];

	if (!ops->tracked(cfg, last->word) || ops->dirty(cfg, last->word))
		return true;
	if (!mem->replace ||
	    !mem->replace(mem->ctx, last->table + (uint64_t)last->index * 8,
			  last->word, ops->soil(last->word)))
		return false;
	last->word = ops->soil(last->word);
	r->dirty = true;
	return true;
}

enum walker_status walker_write(const struct walker_config *cfg,
				const struct walker_memory *mem, uint64_t iova,
				struct walker_result *result)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		if (walker_walk(cfg, mem, iova, WALKER_WRITE, result) !=
		    WALKER_OK)
			return result->status;
		if (soil(cfg, mem, result))
			return WALKER_OK;
	}
	/* Memory that never is what it was is none. */
	result->status = WALKER_NO_MEMORY;
	return result->status;
}
