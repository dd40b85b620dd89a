/* SPDX-License-Identifier: MIT */
/*
 * x86_64: the format of CPUs, AMD's guest tables, VT-d first stage
 * (page-tables 8.2.2)
 *
 *   bit     leaf                                table entry
 *   0       P present                           P
 *   1       R/W: write                          1
 *   2       U/S = 1                             1
 *   5       A = 1                               A = 1
 *   6       D: 1 if write, unless tracked       0
 *   7       PS: 1 above level 0                 0
 *   51:12   output address                      address of the table
 *
 * What is present can be read. A and D are set beforehand, so that hardware
 * has nothing to update; with IOAS_PT_DIRTY, D is left to it. Four or five
 * levels; the upper half of a sign-extended space is that of the root.
 */
#include "pt/impl.h"

#define X86_P ((uint64_t)1 << 0)
#define X86_RW ((uint64_t)1 << 1)
#define X86_US ((uint64_t)1 << 2)
#define X86_A ((uint64_t)1 << 5)
#define X86_D ((uint64_t)1 << 6)
#define X86_PS ((uint64_t)1 << 7)

#define FMT_TABLE_BITS(pt) (X86_P | X86_RW | X86_US | X86_A | (pt)->c_bit)
#define FMT_PRESENT X86_P
#define FMT_PS X86_PS
#define FMT_DIRTY X86_D
#define FMT_ACCESSED X86_A
#define FMT_FLUSHED ((uint64_t)1 << 9)

#include "pt/fmt/x86.h"

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	*attrs = X86_P | X86_US | X86_A;
	if (prot & IOAS_PT_WRITE)
		*attrs |= X86_RW | (pt->tracks ? 0 : X86_D);
	if (!(prot & IOAS_PT_MMIO))
		*attrs |= pt->c_bit;
	return prot & ~PT_PROT_ALL ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	return IOAS_PT_READ | (e & X86_RW ? IOAS_PT_WRITE : 0u);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	return e & (X86_P | X86_RW | X86_US | X86_A | pt->c_bit |
		    (pt->tracks ? 0 : X86_D));
}

#include "pt/walk_all.h"

static int x86_64_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	pt->tracks = pt->flags & IOAS_PT_DIRTY;
	/* Zero-extended, one bit less: right under both readings. */
	return x86_init(pt, params, 4,
			pt->flags & IOAS_PT_SIGN_EXTEND ? 0 : 1);
}

static void x86_64_describe(const struct ioas_pt *pt,
			    struct ioas_pt_root *root)
{
	(void)pt;
	root->code = (uint8_t)(root->level + 1);
}

const struct ioas_pt_format ioas_pt_x86_64 = {
	.name = "x86_64",
	.va_bits = 57,
	.oa_bits = 52,
	.granule_lg2 = 12,
	.index_lg2 = FMT_INDEX_LG2,
	.flags = IOAS_PT_SIGN_EXTEND | IOAS_PT_DIRTY,
	.knows_c_bit = true,
	.init = x86_64_init,
	.describe = x86_64_describe,
	WALK_OPS,
};
