/* SPDX-License-Identifier: MIT */
/*
 * arm64: VMSAv8-64, stage 1 and 2, granules of 4, 16 and 64 KiB
 * (page-tables 8.3)
 *
 *   bit     leaf                                table entry
 *   1:0     3 at level 0, 1 above (block)       3
 *   5:2     memory type                         0
 *   6       stage 1: AP[1]; stage 2: read       0
 *   7       stage 1: AP[2]; stage 2: write      0
 *   9:8     SH shareability                     0
 *   10      AF = 1                              0
 *   11      stage 1: nG = 1                     0
 *   47:g    output address                      address of the table
 *   15:12   64 KiB: address bits 51:48          the same
 *   51      DBM: writable, bit 7 says if dirty  0
 *   52      part of a contiguous group          0
 *   54:53   execute never                       0
 *
 * Levels count from the bottom: this level is 3 - Arm's. Each entry of a group
 * has its own output address. The root may have few items, or be up to sixteen
 * concatenated tables (stage 2).
 *
 * With DBM a leaf is writable. Stage 1: AP[2] set means clean; stage 2: the
 * write bit set means dirty. What is mapped writable begins as dirty.
 *
 * Compiled once for each ARM_STAGE and ARM_GRANULE_LG2.
 */
#ifndef IOAS_PT_FMT_ARM64_H
#define IOAS_PT_FMT_ARM64_H

#include "pt/impl.h"

#define ARM_TABLE ((uint64_t)3)
#define ARM_BLOCK ((uint64_t)1)
#define ARM_PAGE ((uint64_t)3)
#define ARM_TYPE ((uint64_t)3)
#define ARM_MEM_SHIFT 2
#define ARM_BIT6 ((uint64_t)1 << 6)
#define ARM_BIT7 ((uint64_t)1 << 7)
#define ARM_SH_OUTER ((uint64_t)2 << 8)
#define ARM_SH_INNER ((uint64_t)3 << 8)
#define ARM_AF ((uint64_t)1 << 10)
#define ARM_NG ((uint64_t)1 << 11)
#define ARM_DBM ((uint64_t)1 << 51)
#define ARM_CONT ((uint64_t)1 << 52)
#define ARM_XN ((uint64_t)3 << 53)
/* All that says how a leaf is used, but not where and how large it is. */
#define ARM_ATTRS                                                  \
	((uint64_t)0xffc | ARM_DBM | ARM_XN)

#define ARM_ADDR \
	(((uint64_t)1 << 48) - ((uint64_t)1 << ARM_GRANULE_LG2))
/* Where address bits 51:48 stand with the largest granule. */
#define ARM_HIGH ((uint64_t)0xf << 12)
#define ARM_HIGH_SHIFT 36

#define FMT_INDEX_LG2 (ARM_GRANULE_LG2 - 3)
#define FMT_ROOT_OWN true
#define FMT_GROWS false
#define FMT_OA_STEP_LG2 (ARM_GRANULE_LG2 == 16 ? 48 : 64)
#define FMT_ACCESSED 0
#define FMT_VOLATILE ARM_BIT7
#define FMT_FLUSHED ((uint64_t)1 << 55)
#define FMT_CLEAR_PARTIAL false

static inline unsigned int fmt_granule_lg2(const struct ioas_pt *pt)
{
	(void)pt;
	return ARM_GRANULE_LG2;
}

static inline bool fmt_is_table(unsigned int level, uint64_t e)
{
	return level && (e & ARM_TYPE) == ARM_TABLE;
}

static inline bool fmt_is_leaf(unsigned int level, uint64_t e)
{
	return (e & ARM_TYPE) == (level ? ARM_BLOCK : ARM_PAGE);
}

static inline uint64_t arm_pack(uint64_t oa)
{
	if (ARM_GRANULE_LG2 == 16)
		return (oa & ARM_ADDR) | (oa >> ARM_HIGH_SHIFT & ARM_HIGH);
	return oa;
}

static inline uint64_t arm_unpack(uint64_t e)
{
	if (ARM_GRANULE_LG2 == 16)
		return (e & ARM_ADDR) | (e & ARM_HIGH) << ARM_HIGH_SHIFT;
	return e & ARM_ADDR;
}

static inline uint64_t fmt_make_table(const struct ioas_pt *pt,
				      unsigned int level, uint64_t pa)
{
	(void)pt;
	(void)level;
	return arm_pack(pa) | ARM_TABLE;
}

static inline uint64_t fmt_table_pa(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	return arm_unpack(e);
}

/* log2 of the items of a group of @level. */
static inline unsigned int arm_group_lg2(unsigned int level)
{
	if (ARM_GRANULE_LG2 == 14)
		return level ? 5 : 7;
	return ARM_GRANULE_LG2 == 12 ? 4 : 5;
}

/* Memory type and permission of stage 1 (8.3.3). */
static inline uint64_t arm_stage1(const struct ioas_pt *pt, uint32_t prot)
{
	uint64_t attrs = ARM_NG;

	if (!(prot & IOAS_PT_WRITE))
		attrs |= ARM_BIT7;
	else if (pt->tracks)
		attrs |= ARM_DBM;
	if (!(prot & IOAS_PT_PRIV))
		attrs |= ARM_BIT6;
	if (prot & IOAS_PT_MMIO)
		attrs |= (uint64_t)2 << ARM_MEM_SHIFT;
	else if (prot & IOAS_PT_CACHE)
		attrs |= (uint64_t)1 << ARM_MEM_SHIFT;
	return attrs;
}

static inline uint64_t arm_stage2(const struct ioas_pt *pt, uint32_t prot)
{
	bool fwb = pt->flags & IOAS_PT_S2FWB;
	uint64_t mem = 5, attrs = 0;

	if (prot & IOAS_PT_READ)
		attrs |= ARM_BIT6;
	if (prot & IOAS_PT_WRITE)
		attrs |= ARM_BIT7 | (pt->tracks ? ARM_DBM : 0);
	if (prot & IOAS_PT_MMIO)
		mem = 1;
	else if (prot & IOAS_PT_CACHE)
		mem = fwb ? 6 : 15;
	return attrs | mem << ARM_MEM_SHIFT;
}

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	*attrs = ARM_AF | (ARM_STAGE == 1 ? arm_stage1(pt, prot) :
					    arm_stage2(pt, prot));
	*attrs |= prot & IOAS_PT_CACHE ? ARM_SH_INNER : ARM_SH_OUTER;
	if (prot & IOAS_PT_NOEXEC)
		*attrs |= ARM_XN;
	return prot & ~PT_PROT_ALL ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	uint32_t prot = 0;

	/* Stage 1 says what is forbidden, stage 2 what is allowed. */
	if (e & ARM_DBM || (e & ARM_BIT7) == (ARM_STAGE == 1 ? 0 : ARM_BIT7))
		prot |= IOAS_PT_WRITE;
	if (ARM_STAGE == 1 || e & ARM_BIT6)
		prot |= IOAS_PT_READ;
	if (ARM_STAGE == 1 && !(e & ARM_BIT6))
		prot |= IOAS_PT_PRIV;
	if ((e & ARM_SH_INNER) == ARM_SH_INNER)
		prot |= IOAS_PT_CACHE;
	return prot | (e & ARM_XN ? IOAS_PT_NOEXEC : 0u);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	e &= ARM_ATTRS;
	if (!(e & ARM_DBM))
		return e;
	return ARM_STAGE == 1 ? e | ARM_BIT7 : e & ~ARM_BIT7;
}

static inline uint64_t fmt_make_leaf(const struct ioas_pt *pt,
				     unsigned int level, uint64_t oa,
				     unsigned int lg2, uint64_t attrs)
{
	uint64_t e = arm_pack(oa) | attrs | (level ? ARM_BLOCK : ARM_PAGE);

	(void)pt;
	if (lg2 != ARM_GRANULE_LG2 + level * FMT_INDEX_LG2)
		e |= ARM_CONT;
	return e;
}

static inline unsigned int fmt_leaf_lg2(const struct ioas_pt *pt,
					unsigned int level, uint64_t e)
{
	unsigned int lg2 = ARM_GRANULE_LG2 + level * FMT_INDEX_LG2;

	(void)pt;
	return e & ARM_CONT ? lg2 + arm_group_lg2(level) : lg2;
}

static inline uint64_t fmt_leaf_oa(const struct ioas_pt *pt,
				   unsigned int level, uint64_t e)
{
	return ioas_align_down(arm_unpack(e),
			       (uint64_t)1 << fmt_leaf_lg2(pt, level, e));
}

static inline uint64_t fmt_item_step(unsigned int level, unsigned int lg2)
{
	(void)lg2;
	return (uint64_t)1 << (ARM_GRANULE_LG2 + level * FMT_INDEX_LG2);
}

static inline uint64_t fmt_leaf_step(unsigned int lg2)
{
	return (uint64_t)1 << lg2;
}

/* Bit 7 of what is dirty. */
#define ARM_DIRTY (ARM_STAGE == 1 ? 0 : ARM_BIT7)

static inline bool fmt_is_dirty(uint64_t e)
{
	return (e & (ARM_DBM | ARM_BIT7)) == (ARM_DBM | ARM_DIRTY);
}

/* Never touches what has no DBM. */
static inline void fmt_clean(uint64_t *item)
{
	if (!fmt_is_dirty(item_load(item)))
		return;
	if (ARM_STAGE == 1)
		item_fetch_or(item, ARM_BIT7);
	else
		item_fetch_clear(item, ARM_BIT7);
}

static inline bool fmt_soil(uint64_t *item, uint64_t e)
{
	if (!(e & ARM_DBM))
		return true;
	return item_replace(item, e, (e & ~ARM_BIT7) | ARM_DIRTY);
}

/*
 * First by what all of them have in common: nothing is writable, or bit 7 says
 * clean everywhere. Else one by one.
 */
static inline bool fmt_all_clean(const uint64_t *items, unsigned int nr)
{
	uint64_t any = 0, all = ~(uint64_t)0;
	const uint64_t *item = items, *end = items + nr;

	for (; end - item >= 4; item += 4) {
		uint64_t a = item_load(&item[0]), b = item_load(&item[1]);
		uint64_t c = item_load(&item[2]), d = item_load(&item[3]);

		any |= a | b | c | d;
		all &= a & b & c & d;
	}
	for (; item < end; item++) {
		uint64_t e = item_load(item);

		any |= e;
		all &= e;
	}
	if (!(any & ARM_DBM) || (ARM_STAGE == 1 ? all : ~any) & ARM_BIT7)
		return true;
	for (item = items; item < end; item++)
		if (fmt_is_dirty(item_load(item)))
			return false;
	return true;
}

#include "pt/walk_all.h"

/* Index of @bits in the list of output widths; -1: hardware has no such. */
static int arm_ps(unsigned int bits)
{
	static const uint8_t widths[] = { 32, 36, 40, 42, 44, 48, 52 };

	for (unsigned int i = 0; i < sizeof(widths); i++)
		if (widths[i] == bits)
			return (int)i;
	return -1;
}

/* Must stage 2 concatenate, given that @levels would do (8.3.1)? */
static bool arm_must_concatenate(unsigned int levels, unsigned int ias,
				 unsigned int oas)
{
	if (ARM_STAGE == 1)
		return false;
	if (ARM_GRANULE_LG2 == 12)
		return levels == 4 && (oas == 40 || oas == 42);
	if (ARM_GRANULE_LG2 == 14)
		return (levels == 4 && (oas == 48 || ias == 48)) ||
		       (levels == 3 && oas == 40);
	return false;
}

static unsigned int arm_root_bits(unsigned int levels, unsigned int ias)
{
	return ias - ARM_GRANULE_LG2 - FMT_INDEX_LG2 * (levels - 1);
}

/* What @levels decode without concatenation, up to 48. */
static unsigned int arm_width(unsigned int levels)
{
	unsigned int bits = ARM_GRANULE_LG2 + FMT_INDEX_LG2 * levels;

	return bits < 48 ? bits : 48;
}

static uint64_t arm_sizes(const struct ioas_pt *pt, unsigned int levels)
{
	/* Levels that have blocks: down from Arm's level 1, or 2. */
	unsigned int nr = ARM_GRANULE_LG2 == 12 ||
			  (ARM_GRANULE_LG2 == 16 && pt->oa_bits == 52) ? 3 : 2;
	uint64_t sizes = 0;

	for (unsigned int i = 0; i < nr && i < levels; i++) {
		unsigned int lg2 = ARM_GRANULE_LG2 + i * FMT_INDEX_LG2;

		sizes |= (uint64_t)1 << lg2;
		/* The largest block of the largest granule has no groups. */
		if (pt->flags & IOAS_PT_CONTIGUOUS &&
		    !(ARM_GRANULE_LG2 == 16 && i == 2))
			sizes |= (uint64_t)1 << (lg2 + arm_group_lg2(i));
	}
	return pt_sizes_below(sizes, pt->oa_bits);
}

static int arm_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	unsigned int ias = pt_asked_width(pt, params), levels;

	if (arm_ps(pt->oa_bits) < 0)
		return -EINVAL;
	if (!ias)
		ias = params->levels ? arm_width(params->levels) : 48;
	if (ias > pt->format->va_bits)
		return -EOPNOTSUPP;
	/* Narrower than this, hardware begins no walk: two levels at least. */
	if (ias <= ARM_GRANULE_LG2 + FMT_INDEX_LG2)
		ias = ARM_GRANULE_LG2 + FMT_INDEX_LG2 + 1;
	if (pt->va_bits && pt->va_bits != ias)
		return -EOPNOTSUPP;
	levels = (ias - ARM_GRANULE_LG2 + FMT_INDEX_LG2 - 1) / FMT_INDEX_LG2;
	if (arm_must_concatenate(levels, ias, pt->oa_bits) &&
	    arm_root_bits(levels - 1, ias) <= FMT_INDEX_LG2 + 4)
		levels--;
	if (params->levels && params->levels != levels)
		return -EOPNOTSUPP;
	pt->va_bits = (uint8_t)ias;
	pt->root_level = pt->max_level = (uint8_t)(levels - 1);
	pt->root_index_lg2 = (uint8_t)arm_root_bits(levels, ias);
	pt->leaf_sizes = arm_sizes(pt, levels);
	pt->tracks = pt->flags & IOAS_PT_DIRTY;
	return 0;
}

static void arm_describe(const struct ioas_pt *pt, struct ioas_pt_root *root)
{
	root->tsz = (uint8_t)(64 - pt->va_bits);
	root->tg0 = ARM_GRANULE_LG2 == 12 ? 0 : ARM_GRANULE_LG2 == 16 ? 1 : 2;
	root->ps = (uint8_t)arm_ps(pt->oa_bits);
	root->start_level = (uint8_t)(3 - root->level);
	if (ARM_STAGE == 2)
		root->sl0 = (uint8_t)((ARM_GRANULE_LG2 == 12 ? 2 : 3) -
				      root->start_level);
}

#define ARM_FORMAT                                            \
	.va_bits = ARM_GRANULE_LG2 == 16 ? 52 : 48,           \
	.oa_bits = ARM_GRANULE_LG2 == 16 ? 52 : 48,           \
	.granule_lg2 = ARM_GRANULE_LG2,                       \
	.index_lg2 = FMT_INDEX_LG2,                           \
	.init = arm_init,                                     \
	.describe = arm_describe,                             \
	WALK_OPS

#endif
