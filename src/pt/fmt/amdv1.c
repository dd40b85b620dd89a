/* SPDX-License-Identifier: MIT */
/*
 * amdv1: the AMD IOMMU's host page table (page-tables 8.1)
 *
 *   bit     leaf                                table entry
 *   0       PR present                          PR
 *   5       A accessed                          A
 *   6       D dirty                             0
 *   11:9    0: as large as the item             level of this table
 *           7: size is coded in the address
 *   51:12   output address, size code           address of the table
 *   60      FC force coherent                   0
 *   61, 62  IR, IW: read, write                 1
 *
 * A leaf of 2^k bytes that is larger than an item stands in each of its items
 * with the same word: bits 12 .. k-2 one, bit k-1 zero. Every power of two is
 * possible but 512 GiB, which hardware gets wrong. Two to six levels; the root
 * may rise.
 */
#include "pt/impl.h"

#define AMD_PR ((uint64_t)1 << 0)
#define AMD_A ((uint64_t)1 << 5)
#define AMD_D ((uint64_t)1 << 6)
#define AMD_NEXT_SHIFT 9
#define AMD_NEXT ((uint64_t)7 << AMD_NEXT_SHIFT)
#define AMD_ADDR (((uint64_t)1 << 52) - ((uint64_t)1 << 12))
#define AMD_FC ((uint64_t)1 << 60)
#define AMD_IR ((uint64_t)1 << 61)
#define AMD_IW ((uint64_t)1 << 62)

/* Next-level field of leaves. */
#define NEXT_LEAF ((uint64_t)0)
#define NEXT_CODED ((uint64_t)7 << AMD_NEXT_SHIFT)

#define AMD_MAX_LEVELS 6

#define FMT_INDEX_LG2 9
#define FMT_ROOT_OWN false
#define FMT_GROWS true
#define FMT_OA_STEP_LG2 64
#define FMT_DIRTY AMD_D
#define FMT_ACCESSED AMD_A
#define FMT_VOLATILE (AMD_A | AMD_D)
#define FMT_FLUSHED ((uint64_t)1 << 4)
#define FMT_CLEAR_PARTIAL false

static inline unsigned int fmt_granule_lg2(const struct ioas_pt *pt)
{
	(void)pt;
	return 12;
}

static inline bool amd_says_leaf(unsigned int level, uint64_t e)
{
	uint64_t next = e & AMD_NEXT;

	return !level || next == NEXT_LEAF || next == NEXT_CODED;
}

static inline bool fmt_is_table(unsigned int level, uint64_t e)
{
	return (e & AMD_PR) && !amd_says_leaf(level, e);
}

static inline bool fmt_is_leaf(unsigned int level, uint64_t e)
{
	return (e & AMD_PR) && amd_says_leaf(level, e);
}

static inline uint64_t fmt_make_table(const struct ioas_pt *pt,
				      unsigned int level, uint64_t pa)
{
	return pa | AMD_PR | (uint64_t)level << AMD_NEXT_SHIFT | AMD_IR |
	       AMD_IW | pt->c_bit;
}

static inline uint64_t fmt_table_pa(const struct ioas_pt *pt, uint64_t e)
{
	return e & AMD_ADDR & ~pt->c_bit;
}

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	uint64_t e = AMD_PR;

	if (pt->flags & IOAS_PT_FORCE_COHERENT)
		e |= AMD_FC;
	if (prot & IOAS_PT_READ)
		e |= AMD_IR;
	if (prot & IOAS_PT_WRITE)
		e |= AMD_IW;
	if (!(prot & IOAS_PT_MMIO))
		e |= pt->c_bit;
	*attrs = e;
	return prot & ~PT_PROT_ALL ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	return (e & AMD_IR ? IOAS_PT_READ : 0u) |
	       (e & AMD_IW ? IOAS_PT_WRITE : 0u);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	return e & (AMD_PR | AMD_A | AMD_FC | AMD_IR | AMD_IW | pt->c_bit);
}

static inline uint64_t fmt_make_leaf(const struct ioas_pt *pt,
				     unsigned int level, uint64_t oa,
				     unsigned int lg2, uint64_t attrs)
{
	(void)pt;
	if (lg2 == 12 + 9 * level)
		return oa | attrs | NEXT_LEAF;
	return oa | attrs | NEXT_CODED | (((uint64_t)1 << (lg2 - 1)) - 4096);
}

static inline unsigned int fmt_leaf_lg2(const struct ioas_pt *pt,
					unsigned int level, uint64_t e)
{
	(void)pt;
	if ((e & AMD_NEXT) != NEXT_CODED)
		return 12 + 9 * level;
	return 13 + ioas_ctz(~(e >> 12));
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
	return (uint64_t)1 << lg2;
}

#include "pt/fmt/dirty_bit.h"
#include "pt/walk_all.h"

/* Sizes of leaves up to @level: 2^12 to 2^51 but for 2^39. */
static uint64_t amd_sizes(unsigned int level)
{
	unsigned int end = level < 4 ? 21 + 9 * level : 52;

	return (((uint64_t)1 << end) - 4096) & ~((uint64_t)1 << 39);
}

/* Bits that @levels of tables decode. */
static unsigned int amd_width(unsigned int levels)
{
	return levels < AMD_MAX_LEVELS ? 12 + 9 * levels : 64;
}

static int amd_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	bool grows = pt->flags & IOAS_PT_GROW;
	unsigned int levels = params->levels, width;

	width = pt_asked_width(pt, params);
	if (!levels)
		levels = grows || !width ? 3 : 2;
	while (!params->levels && !grows && amd_width(levels) < width)
		levels++;
	if (levels < 2 || levels > AMD_MAX_LEVELS ||
	    (!grows && width > amd_width(levels)))
		return -EOPNOTSUPP;
	if (!pt->va_bits)
		pt->va_bits = (uint8_t)(grows ? 64 : amd_width(levels));
	pt->root_level = pt->max_level = (uint8_t)(levels - 1);
	/* One more, while an item of it is less than the width. */
	while (grows && pt->max_level + 1 < AMD_MAX_LEVELS &&
	       12 + 9 * (pt->max_level + 1) < pt->va_bits)
		pt->max_level++;
	pt->root_index_lg2 = FMT_INDEX_LG2;
	pt->leaf_sizes = pt_sizes_below(amd_sizes(pt->max_level), pt->oa_bits);
	pt->tracks = true;
	return 0;
}

static void amd_describe(const struct ioas_pt *pt, struct ioas_pt_root *root)
{
	(void)pt;
	root->code = (uint8_t)(root->level + 1);
}

const struct ioas_pt_format ioas_pt_amdv1 = {
	.name = "amdv1",
	.va_bits = 64,
	.oa_bits = 52,
	.granule_lg2 = 12,
	.index_lg2 = FMT_INDEX_LG2,
	.flags = IOAS_PT_GROW | IOAS_PT_FORCE_COHERENT | IOAS_PT_DIRTY,
	.knows_c_bit = true,
	.init = amd_init,
	.describe = amd_describe,
	WALK_OPS,
};
