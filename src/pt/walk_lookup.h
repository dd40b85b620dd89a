/* SPDX-License-Identifier: MIT */
/*
 * walk_lookup: part of the walker; see walk.h. What lock-free readers do.
 *
 * Each item is read once. A table that left the tree meanwhile keeps what it
 * held, but for its first item, which then reads as empty; it is not used for
 * something else before the reader is done (pt.h).
 */
#ifndef IOAS_PT_WALK_LOOKUP_H
#define IOAS_PT_WALK_LOOKUP_H

#include "pt/walk.h"

static int walk_lookup(struct ioas_pt *pt, ioas_iova_t iova,
		       struct ioas_pt_hit *hit)
{
	unsigned int level;
	uint64_t e;

	hit->item = walk_down(pt, iova, &level, &e);
	if (!fmt_is_leaf(level, e))
		return -ENOENT;
	hit->oa = fmt_leaf_oa(pt, level, e);
	hit->lg2 = (uint8_t)fmt_leaf_lg2(pt, level, e);
	hit->prot = fmt_leaf_prot(e);
	hit->dirty = !pt->tracks || fmt_is_dirty(e);
	hit->word = e;
	return 0;
}

static bool walk_soil(uint64_t *item, uint64_t word)
{
	return fmt_soil(item, word);
}

#endif
