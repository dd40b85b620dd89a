/* SPDX-License-Identifier: MIT */
/*
 * group: leaves of several items
 *
 *   table  [ .. | A | A | A | A | .. ]      amdv1, riscv64, mock: one word
 *   table  [ .. | A |A+1|A+2|A+3| .. ]      arm64: consecutive addresses
 *               ^ aligned to the number of items
 *
 * Hardware uses one item and never compares; it sets accessed and dirty bits in
 * the one that it used. So a walk asks the others for dirty state only, and
 * enumeration asks whether they agree.
 */
#include "walker/walker_impl.h"

uint64_t walker_leaf_oa(const struct walker_entry *e)
{
	return e->oa & ~walker_ones(e->lg2);
}

uint32_t walker_group_items(const struct walker_group *g)
{
	return 1u << (g->entry->lg2 - walker_item_lg2(g->cfg, g->level));
}

uint32_t walker_group_first(const struct walker_group *g)
{
	return g->index & ~(walker_group_items(g) - 1);
}

bool walker_group_agrees(const struct walker_group *g, uint32_t index,
			 uint64_t word)
{
	const struct walker_ops *ops = walker_ops(g->cfg->format);
	unsigned int item = walker_item_lg2(g->cfg, g->level);
	uint64_t own = ops->soft(g->cfg, g->word) | ops->strided;
	struct walker_entry e;

	if ((word ^ g->word) & ~own)
		return false;
	if (!ops->strided)
		return true;
	walker_item(g->cfg, g->level, word, &e);
	return e.kind == WALKER_LEAF && e.lg2 == g->entry->lg2 &&
	       e.oa == walker_leaf_oa(g->entry) +
		       ((uint64_t)(index - walker_group_first(g)) << item);
}

bool walker_read(const struct walker_memory *mem, uint64_t table,
		 uint32_t index, uint64_t *word)
{
	return mem && mem->read &&
	       mem->read(mem->ctx, table + (uint64_t)index * 8, word);
}

bool walker_group_dirty(const struct walker_group *g,
			const struct walker_memory *mem)
{
	const struct walker_ops *ops = walker_ops(g->cfg->format);
	uint32_t first = walker_group_first(g), nr = walker_group_items(g);
	uint64_t word;

	if (g->entry->dirty)
		return true;
	for (uint32_t i = first; i - first < nr; i++) {
		if (i != g->index && walker_read(mem, g->table, i, &word) &&
		    walker_group_agrees(g, i, word) && ops->dirty(g->cfg, word))
			return true;
	}
	return false;
}
