/* SPDX-License-Identifier: MIT */
/*
 * x86: what vtdss and x86_64 have in common (page-tables 8.2)
 *
 * Tables of 512 items, addresses in bits 51:12, leaves at levels 0 to 2, a bit
 * FMT_PS that tells a leaf from a table above level 0, no groups.
 */
#ifndef IOAS_PT_FMT_X86_H
#define IOAS_PT_FMT_X86_H

#include "pt/impl.h"

#define X86_ADDR (((uint64_t)1 << 52) - ((uint64_t)1 << 12))
#define X86_MAX_LEVELS 5

#define FMT_INDEX_LG2 9
#define FMT_ROOT_OWN false
#define FMT_GROWS false
#define FMT_OA_STEP_LG2 64
#define FMT_VOLATILE (FMT_ACCESSED | FMT_DIRTY)
#define FMT_CLEAR_PARTIAL false

static inline unsigned int fmt_granule_lg2(const struct ioas_pt *pt)
{
	(void)pt;
	return 12;
}

static inline bool fmt_is_table(unsigned int level, uint64_t e)
{
	return level && (e & FMT_PRESENT) && !(e & FMT_PS);
}

static inline bool fmt_is_leaf(unsigned int level, uint64_t e)
{
	return (e & FMT_PRESENT) && (!level || e & FMT_PS);
}

static inline uint64_t fmt_make_table(const struct ioas_pt *pt,
				      unsigned int level, uint64_t pa)
{
	(void)pt;
	(void)level;
	return pa | FMT_TABLE_BITS(pt);
}

static inline uint64_t fmt_table_pa(const struct ioas_pt *pt, uint64_t e)
{
	return e & X86_ADDR & ~pt->c_bit;
}

static inline uint64_t fmt_make_leaf(const struct ioas_pt *pt,
				     unsigned int level, uint64_t oa,
				     unsigned int lg2, uint64_t attrs)
{
	(void)pt;
	(void)lg2;
	return oa | attrs | (level ? FMT_PS : 0);
}

static inline unsigned int fmt_leaf_lg2(const struct ioas_pt *pt,
					unsigned int level, uint64_t e)
{
	(void)pt;
	(void)e;
	return 12 + 9 * level;
}

static inline uint64_t fmt_leaf_oa(const struct ioas_pt *pt,
				   unsigned int level, uint64_t e)
{
	return ioas_align_down(fmt_table_pa(pt, e),
			       (uint64_t)1 << (12 + 9 * level));
}

static inline uint64_t fmt_item_step(unsigned int level, unsigned int lg2)
{
	(void)level;
	(void)lg2;
	return 0;
}

static inline uint64_t fmt_leaf_step(unsigned int lg2)
{
	return (uint64_t)1 << lg2;
}

#include "pt/fmt/dirty_bit.h"

/*
 * From @min_levels to five, the least that does, four if nothing is asked for;
 * the width is @less than what they decode.
 */
static int x86_init(struct ioas_pt *pt, const struct ioas_pt_params *params,
		    unsigned int min_levels, unsigned int less)
{
	unsigned int levels = params->levels;
	unsigned int width = pt_asked_width(pt, params);

	if (!levels)
		levels = width ? min_levels : 4;
	while (!params->levels && levels < X86_MAX_LEVELS &&
	       12 + 9 * levels - less < width)
		levels++;
	if (levels < min_levels || levels > X86_MAX_LEVELS ||
	    width > 12 + 9 * levels - less)
		return -EOPNOTSUPP;
	if (!pt->va_bits)
		pt->va_bits = (uint8_t)(12 + 9 * levels - less);
	pt->root_level = pt->max_level = (uint8_t)(levels - 1);
	pt->root_index_lg2 = FMT_INDEX_LG2;
	pt->leaf_sizes = pt_sizes_below(0x40201000, pt->oa_bits);
	return 0;
}

#endif
