/* SPDX-License-Identifier: MIT */
/*
 * riscv64: Sv39, Sv48, Sv57 and their x4 forms (page-tables 8.4)
 *
 *   bit     leaf                                table entry
 *   0       V valid                             V
 *   1..3    R, W, X                             0
 *   4       U = 1                               0
 *   6       A = 1                               0
 *   7       D: 1 if write, unless tracked       0
 *   53:10   output page number, NAPOT code      page number of the table
 *   63      N: part of a 64 KiB leaf            0
 *
 * A 64 KiB leaf stands in sixteen items with the same word: N, and 1000 in the
 * low bits of the page number. Every level may hold leaves.
 *
 * Compiled with RISCV_X4 false or true: the second stage decodes two more bits
 * in a root of four tables, and its space is not sign-extended.
 */
#ifndef IOAS_PT_FMT_RISCV64_H
#define IOAS_PT_FMT_RISCV64_H

#include "pt/impl.h"

#define RV_V ((uint64_t)1 << 0)
#define RV_R ((uint64_t)1 << 1)
#define RV_W ((uint64_t)1 << 2)
#define RV_X ((uint64_t)1 << 3)
#define RV_U ((uint64_t)1 << 4)
#define RV_A ((uint64_t)1 << 6)
#define RV_D ((uint64_t)1 << 7)
#define RV_PPN (((uint64_t)1 << 54) - ((uint64_t)1 << 10))
/* From an address to the page number in its place. */
#define RV_PPN_SHIFT 2
#define RV_N ((uint64_t)1 << 63)
#define RV_NAPOT_LG2 16
#define RV_NAPOT_CODE ((uint64_t)8 << 10)

#define FMT_INDEX_LG2 9
#define FMT_ROOT_OWN RISCV_X4
#define FMT_GROWS false
#define FMT_OA_STEP_LG2 64
#define FMT_DIRTY RV_D
#define FMT_ACCESSED RV_A
#define FMT_VOLATILE (RV_A | RV_D)
#define FMT_FLUSHED ((uint64_t)1 << 8)
#define FMT_CLEAR_PARTIAL false

static inline unsigned int fmt_granule_lg2(const struct ioas_pt *pt)
{
	(void)pt;
	return 12;
}

static inline bool fmt_is_table(unsigned int level, uint64_t e)
{
	return level && (e & (RV_V | RV_R | RV_W | RV_X)) == RV_V;
}

static inline bool fmt_is_leaf(unsigned int level, uint64_t e)
{
	return (e & RV_V) && (!level || e & (RV_R | RV_W | RV_X));
}

static inline uint64_t fmt_make_table(const struct ioas_pt *pt,
				      unsigned int level, uint64_t pa)
{
	(void)pt;
	(void)level;
	return pa >> RV_PPN_SHIFT | RV_V;
}

static inline uint64_t fmt_table_pa(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	return (e & RV_PPN) << RV_PPN_SHIFT;
}

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	*attrs = RV_V | RV_U | RV_A | RV_R;
	if (prot & IOAS_PT_WRITE)
		*attrs |= RV_W | (pt->tracks ? 0 : RV_D);
	if (!(prot & IOAS_PT_NOEXEC))
		*attrs |= RV_X;
	return prot & ~PT_PROT_ALL ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	return (e & RV_R ? IOAS_PT_READ : 0u) |
	       (e & RV_W ? IOAS_PT_WRITE : 0u) |
	       (e & RV_X ? 0u : IOAS_PT_NOEXEC);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	return e & (RV_V | RV_R | RV_W | RV_X | RV_U | RV_A |
		    (pt->tracks ? 0 : RV_D));
}

static inline uint64_t fmt_make_leaf(const struct ioas_pt *pt,
				     unsigned int level, uint64_t oa,
				     unsigned int lg2, uint64_t attrs)
{
	uint64_t e = oa >> RV_PPN_SHIFT | attrs;

	(void)pt;
	(void)level;
	return lg2 == RV_NAPOT_LG2 ? e | RV_N | RV_NAPOT_CODE : e;
}

static inline unsigned int fmt_leaf_lg2(const struct ioas_pt *pt,
					unsigned int level, uint64_t e)
{
	(void)pt;
	return !level && e & RV_N ? RV_NAPOT_LG2 : 12 + 9 * level;
}

static inline uint64_t fmt_leaf_oa(const struct ioas_pt *pt,
				   unsigned int level, uint64_t e)
{
	return ioas_align_down(fmt_table_pa(pt, e),
			       (uint64_t)1 << fmt_leaf_lg2(pt, level, e));
}

static inline uint64_t fmt_item_step(unsigned int level, unsigned int lg2)
{
	(void)level;
	(void)lg2;
	return 0;
}

static inline uint64_t fmt_leaf_step(unsigned int lg2)
{
	return (uint64_t)1 << (lg2 - RV_PPN_SHIFT);
}

#include "pt/fmt/dirty_bit.h"
#include "pt/walk_all.h"

/* Widths are exact: what the tables decode, or nothing was said. */
static int riscv_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	const unsigned int more = RISCV_X4 ? 2 : 0;
	unsigned int levels = params->levels, width = pt->va_bits;

	if (!RISCV_X4)
		pt->flags |= IOAS_PT_SIGN_EXTEND;
	if (!width)
		width = pt_asked_width(pt, params);
	if (!levels)
		levels = width ? 3 : 4;
	while (!params->levels && levels < 5 && 12 + 9 * levels + more < width)
		levels++;
	if (levels < 3 || levels > 5 || width > 12 + 9 * levels + more)
		return -EOPNOTSUPP;
	if (pt->va_bits && pt->va_bits != 12 + 9 * levels + more)
		return -EOPNOTSUPP;
	pt->va_bits = (uint8_t)(12 + 9 * levels + more);
	pt->root_level = pt->max_level = (uint8_t)(levels - 1);
	pt->root_index_lg2 = (uint8_t)(FMT_INDEX_LG2 + more);
	for (unsigned int i = 0; i < levels; i++)
		pt->leaf_sizes |= (uint64_t)1 << (12 + 9 * i);
	if (pt->flags & IOAS_PT_CONTIGUOUS)
		pt->leaf_sizes |= (uint64_t)1 << RV_NAPOT_LG2;
	pt->leaf_sizes = pt_sizes_below(pt->leaf_sizes, pt->oa_bits);
	pt->tracks = pt->flags & IOAS_PT_DIRTY;
	return 0;
}

static void riscv_describe(const struct ioas_pt *pt, struct ioas_pt_root *root)
{
	(void)pt;
	root->code = (uint8_t)(root->level + 6);
}

#define RISCV_FORMAT                                  \
	.oa_bits = 56,                                \
	.granule_lg2 = 12,                            \
	.index_lg2 = FMT_INDEX_LG2,                   \
	.init = riscv_init,                           \
	.describe = riscv_describe,                   \
	WALK_OPS

#endif
