/* SPDX-License-Identifier: MIT */
/*
 * dirty_bit: dirty state of formats in which it is one bit, FMT_DIRTY, that is
 * set when the leaf was written
 */
#ifndef IOAS_PT_FMT_DIRTY_BIT_H
#define IOAS_PT_FMT_DIRTY_BIT_H

#include "pt/item.h"

static inline bool fmt_is_dirty(uint64_t e)
{
	return e & FMT_DIRTY;
}

static inline void fmt_clean(uint64_t *item)
{
	if (item_load(item) & FMT_DIRTY)
		item_fetch_clear(item, FMT_DIRTY);
}

static inline bool fmt_soil(uint64_t *item, uint64_t e)
{
	return item_replace(item, e, e | FMT_DIRTY);
}

static inline bool fmt_all_clean(const uint64_t *items, unsigned int nr)
{
	uint64_t any = 0;

	for (; nr >= 4; nr -= 4, items += 4)
		any |= item_load(&items[0]) | item_load(&items[1]) |
		       item_load(&items[2]) | item_load(&items[3]);
	for (; nr; nr--, items++)
		any |= item_load(items);
	return !(any & FMT_DIRTY);
}

#endif
