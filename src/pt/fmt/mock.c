/* SPDX-License-Identifier: MIT */
/*
 * mock: a format of our own, for tests and emulated devices
 *
 * Any set of page sizes whose smallest is 512 bytes or more; 512 items per
 * table, so an item of level n spans granule << 9n; up to 64 bits on both
 * sides. The flags fit below the smallest granule:
 *
 *   bit     leaf                              table entry
 *   0       R  device may read                0
 *   1       W  device may write               0
 *   2       C  size is coded in the address   0
 *   3       D  dirty                          0
 *   4       cache                             0
 *   5       noexec                            0
 *   6       mmio                              0
 *   7       priv                              flushed (page-tables 6.1)
 *   8       0                                 T = 1
 *   63:9    output address, size code         address of the table
 *
 * Empty is zero. A leaf has R or W, so there is no present bit. The address of
 * a leaf begins at the granule g. A leaf of one item stores it as it is, with
 * C clear. A larger leaf, of 2^k bytes, stands in each of its items with the
 * same word: C set, bits g .. k-2 one, bit k-1 zero. The lowest zero bit from
 * g upward gives the size; the address is aligned to 2^k, so its bits below k
 * are free for that.
 *
 * Reading the dirty state clears what it read even if only a part of the leaf
 * was asked for.
 */
#include "pt/impl.h"

#define MOCK_READ ((uint64_t)1 << 0)
#define MOCK_WRITE ((uint64_t)1 << 1)
#define MOCK_CODED ((uint64_t)1 << 2)
#define MOCK_DIRTY ((uint64_t)1 << 3)
#define MOCK_CACHE ((uint64_t)1 << 4)
#define MOCK_NOEXEC ((uint64_t)1 << 5)
#define MOCK_MMIO ((uint64_t)1 << 6)
#define MOCK_PRIV ((uint64_t)1 << 7)
#define MOCK_TABLE ((uint64_t)1 << 8)
#define MOCK_FLAGS (((uint64_t)1 << 9) - 1)
#define MOCK_ATTRS \
	(MOCK_FLAGS & ~(MOCK_CODED | MOCK_DIRTY | MOCK_TABLE))

#define FMT_DIRTY MOCK_DIRTY
#define FMT_ACCESSED 0
#define FMT_VOLATILE MOCK_DIRTY
/* Means nothing to a walker in a table entry. */
#define FMT_FLUSHED MOCK_PRIV
#define FMT_CLEAR_PARTIAL true
#define FMT_INDEX_LG2 9
#define FMT_ROOT_OWN false
#define FMT_GROWS false
#define FMT_OA_STEP_LG2 64

static inline unsigned int fmt_granule_lg2(const struct ioas_pt *pt)
{
	return pt->granule_lg2;
}

static inline bool fmt_is_table(unsigned int level, uint64_t e)
{
	(void)level;
	return e & MOCK_TABLE;
}

static inline bool fmt_is_leaf(unsigned int level, uint64_t e)
{
	(void)level;
	return e & (MOCK_READ | MOCK_WRITE);
}

static inline uint64_t fmt_make_table(const struct ioas_pt *pt,
				      unsigned int level, uint64_t pa)
{
	(void)pt;
	(void)level;
	return pa | MOCK_TABLE;
}

static inline uint64_t fmt_table_pa(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	return e & ~MOCK_FLAGS;
}

/* The permission word in two parts, so that translating it costs nothing. */
#define PROT_LOW ((uint32_t)(IOAS_PT_READ | IOAS_PT_WRITE))
#define PROT_HIGH                                                  \
	((uint32_t)(IOAS_PT_CACHE | IOAS_PT_NOEXEC | IOAS_PT_MMIO | \
		    IOAS_PT_PRIV))

_Static_assert(MOCK_READ == IOAS_PT_READ && MOCK_WRITE == IOAS_PT_WRITE &&
	       MOCK_CACHE == IOAS_PT_CACHE << 2 &&
	       MOCK_NOEXEC == IOAS_PT_NOEXEC << 2 &&
	       MOCK_MMIO == IOAS_PT_MMIO << 2 &&
	       MOCK_PRIV == IOAS_PT_PRIV << 2,
	       "permissions stand in the order of the permission word");

static inline int fmt_attrs(const struct ioas_pt *pt, uint32_t prot,
			    uint64_t *attrs)
{
	(void)pt;
	*attrs = (prot & PROT_LOW) | (prot & PROT_HIGH) << 2;
	return prot & ~(PROT_LOW | PROT_HIGH) ? -EINVAL : 0;
}

static inline uint32_t fmt_leaf_prot(uint64_t e)
{
	return ((uint32_t)e & PROT_LOW) | ((uint32_t)(e >> 2) & PROT_HIGH);
}

static inline uint64_t fmt_leaf_attrs(const struct ioas_pt *pt, uint64_t e)
{
	(void)pt;
	return e & MOCK_ATTRS;
}

static inline uint64_t fmt_make_leaf(const struct ioas_pt *pt,
				     unsigned int level, uint64_t oa,
				     unsigned int lg2, uint64_t attrs)
{
	uint64_t granule = (uint64_t)1 << pt->granule_lg2;

	if (lg2 == pt->granule_lg2 + 9 * level)
		return oa | attrs;
	return oa | attrs | MOCK_CODED | (((uint64_t)1 << (lg2 - 1)) - granule);
}

static inline unsigned int fmt_leaf_lg2(const struct ioas_pt *pt,
					unsigned int level, uint64_t e)
{
	if (!(e & MOCK_CODED))
		return pt->granule_lg2 + 9 * level;
	return pt->granule_lg2 + 1 + ioas_ctz(~(e >> pt->granule_lg2));
}

static inline uint64_t fmt_leaf_oa(const struct ioas_pt *pt,
				   unsigned int level, uint64_t e)
{
	return ioas_align_down(e, (uint64_t)1 << fmt_leaf_lg2(pt, level, e));
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

/* Does an aligned block of 2^@lg2 bytes lie in the aperture? */
static bool size_fits(const struct ioas_pt_params *params, unsigned int lg2)
{
	uint64_t mask = ((uint64_t)1 << lg2) - 1;
	uint64_t start = (params->first + mask) & ~mask;

	/* If start wraps, the last IOVA asks for the highest level anyway. */
	return start <= params->last && params->last - start >= mask;
}

/*
 * The lowest level whose table spans the aperture and that has items for the
 * largest leaf which fits in it.
 */
static unsigned int mock_level(const struct ioas_pt *pt,
			       const struct ioas_pt_params *params)
{
	unsigned int top = 0;

	if (params->last >> pt->granule_lg2)
		top = walk_level_of(pt, ioas_log2(params->last));
	for (unsigned int lg2 = 63; lg2 > pt->granule_lg2; lg2--)
		if (params->pgsizes >> lg2 & 1 && size_fits(params, lg2))
			return (unsigned int)ioas_max(top,
						      walk_level_of(pt, lg2));
	return top;
}

static int mock_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	struct ioas_pt_params all = *params;

	if (!all.pgsizes || all.pgsizes & MOCK_FLAGS)
		return -EINVAL;
	if (params->levels)
		return -EOPNOTSUPP;
	pt->leaf_sizes = all.pgsizes;
	pt->granule_lg2 = (uint8_t)ioas_ctz(all.pgsizes);
	if (!pt->va_bits)
		pt->va_bits = 64;
	if (!all.first && !all.last)
		all.last = IOAS_U64_MAX >> (64 - pt->va_bits);
	pt->root_level = pt->max_level = (uint8_t)mock_level(pt, &all);
	pt->root_index_lg2 = FMT_INDEX_LG2;
	pt->tracks = true;
	return 0;
}

const struct ioas_pt_format ioas_pt_mock = {
	.name = "mock",
	.va_bits = 64,
	.oa_bits = 64,
	.index_lg2 = FMT_INDEX_LG2,
	.flags = IOAS_PT_DIRTY,
	.init = mock_init,
	WALK_OPS,
};
