/* SPDX-License-Identifier: MIT */
/*
 * vtdss: Intel VT-d, second stage (page-tables 8.2.1)
 *
 *   bit     leaf                                table entry
 *   0, 1    R, W: read, write                   1
 *   7       PS: 1 above level 0                 0
 *   8       A accessed                          A
 *   9       D dirty                             0
 *   11      SNP snoop                           0
 *   51:12   output address                      address of the table
 *
 * No present bit: an entry that allows nothing is not there. Three to five
 * levels; leaves of 4 KiB, 2 MiB, 1 GiB.
 */
#include "pt/impl.h"

#define VTD_R ((uint64_t)1 << 0)
#define VTD_W ((uint64_t)1 << 1)
#define VTD_PS ((uint64_t)1 << 7)
#define VTD_A ((uint64_t)1 << 8)
#define VTD_D ((uint64_t)1 << 9)
#define VTD_SNP ((uint64_t)1 << 11)

#define FMT_TABLE_BITS(pt) (VTD_R | VTD_W)
#define FMT_PRESENT (VTD_R | VTD_W)
#define FMT_PS VTD_PS
#define FMT_DIRTY VTD_D
#define FMT_ACCESSED VTD_A
#define FMT_FLUSHED ((uint64_t)1 << 10)

#include "pt/fmt/x86.h"

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	*attrs = 0;
	if (prot & IOAS_PT_READ)
		*attrs |= VTD_R;
	if (prot & IOAS_PT_WRITE)
		*attrs |= VTD_W;
	else if (pt->flags & IOAS_PT_REQUIRE_WRITE)
		return -EINVAL;
	if (pt->flags & IOAS_PT_FORCE_COHERENT)
		*attrs |= VTD_SNP;
	return prot & ~PT_PROT_ALL ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	return (e & VTD_R ? IOAS_PT_READ : 0u) |
	       (e & VTD_W ? IOAS_PT_WRITE : 0u);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	return e & (VTD_R | VTD_W | VTD_A | VTD_SNP);
}

#include "pt/walk_all.h"

static int vtd_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	pt->tracks = true;
	return x86_init(pt, params, 3, 0);
}

static void vtd_describe(const struct ioas_pt *pt, struct ioas_pt_root *root)
{
	(void)pt;
	root->code = (uint8_t)(root->level - 1);
}

const struct ioas_pt_format ioas_pt_vtdss = {
	.name = "vtdss",
	.va_bits = 57,
	.oa_bits = 52,
	.granule_lg2 = 12,
	.index_lg2 = FMT_INDEX_LG2,
	.flags = IOAS_PT_FORCE_COHERENT | IOAS_PT_REQUIRE_WRITE |
		 IOAS_PT_DIRTY,
	.init = vtd_init,
	.describe = vtd_describe,
	WALK_OPS,
};
