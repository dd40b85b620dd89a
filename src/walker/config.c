/* SPDX-License-Identifier: MIT */
/*
 * config: widths, levels and roots that hardware can be given
 *
 *   IOVA  [ beyond | root index | index | .. | index | offset ]
 *                    |            level_bits each     granule
 *                    `- what is left of the width: fewer bits (arm64, amdv1
 *                       level 5) or more (concatenated roots, Sv*x4)
 *
 * Reference: docs/reference/page-tables.md 1.5, 4.8 and the geometry of each
 * format in section 8.
 */
#include "walker/walker_impl.h"

#define FLAGS ((uint32_t)WALKER_SIGN_EXTEND | WALKER_CONTIGUOUS | \
	       WALKER_DIRTY | WALKER_S2FWB)

static bool is_arm(const struct walker_config *cfg)
{
	return cfg->format == WALKER_ARM64_S1 || cfg->format == WALKER_ARM64_S2;
}

unsigned int walker_granule(const struct walker_config *cfg)
{
	if (is_arm(cfg) || cfg->format == WALKER_MOCK)
		return cfg->granule_lg2;
	return 12;
}

unsigned int walker_level_bits(const struct walker_config *cfg)
{
	/* A table fills a granule; one of the mock format does not. */
	return is_arm(cfg) ? cfg->granule_lg2 - 3u : 9;
}

unsigned int walker_item_lg2(const struct walker_config *cfg,
			     unsigned int level)
{
	return walker_granule(cfg) + level * walker_level_bits(cfg);
}

static unsigned int root_bits(const struct walker_config *cfg)
{
	unsigned int shift = walker_item_lg2(cfg, cfg->levels - 1u);

	if (is_arm(cfg))
		return cfg->va_bits - shift;
	if (cfg->format == WALKER_RISCV64_X4)
		return 11;
	return 64 - shift < 9 ? 64 - shift : 9;
}

uint32_t walker_nr_items(const struct walker_config *cfg, unsigned int level)
{
	return 1u << (level == cfg->levels - 1u ? root_bits(cfg) :
						  walker_level_bits(cfg));
}

uint64_t walker_table_bytes(const struct walker_config *cfg,
			    unsigned int level)
{
	uint64_t bytes = (uint64_t)8 << walker_level_bits(cfg);

	/* Elsewhere a root that is not used up is as large as a table. */
	if (level == cfg->levels - 1u &&
	    (is_arm(cfg) || cfg->format == WALKER_RISCV64_X4)) {
		bytes = (uint64_t)8 << root_bits(cfg);
		if (bytes < 64)
			bytes = 64;
	}
	return bytes;
}

uint64_t walker_root(const struct walker_config *cfg)
{
	return cfg->root & ~cfg->c_bit;
}

/* Bits of IOVA that the tables resolve. */
static unsigned int decoded(const struct walker_config *cfg)
{
	return walker_item_lg2(cfg, cfg->levels - 1u) + root_bits(cfg);
}

void walker_aperture(const struct walker_config *cfg,
		     struct walker_aperture *a)
{
	unsigned int width = decoded(cfg);

	a->upper = cfg->flags & WALKER_SIGN_EXTEND;
	a->canonical = a->upper ? (uint64_t)1 << (width - 1) : 0;
	if (cfg->va_bits < width)
		width = cfg->va_bits;
	/* RISC-V extends the sign; without the flag half of it is not used. */
	if (a->upper || cfg->format == WALKER_RISCV64)
		width--;
	a->low_last = walker_ones(width);
	a->high_first = a->upper ? ~a->low_last : 0;
}

bool walker_inside(const struct walker_aperture *a, uint64_t first,
		   uint64_t last)
{
	if (last < first)
		return false;
	return last <= a->low_last || (a->upper && first >= a->high_first);
}

/* ---- what can be set up ------------------------------------------------- */

static const char *check_depth(const struct walker_config *cfg,
			       unsigned int fewest, unsigned int most)
{
	if (cfg->levels < fewest || cfg->levels > most)
		return "the format has no such number of levels";
	return NULL;
}

static const char *check_amdv1(const struct walker_config *cfg)
{
	/* Wider than the levels: the root may have grown less than it can. */
	if (cfg->va_bits > 64)
		return "input addresses have at most 64 bits";
	return check_depth(cfg, 1, 6);
}

static const char *check_x86(const struct walker_config *cfg)
{
	const char *why =
		check_depth(cfg, cfg->format == WALKER_VTDSS ? 3 : 4, 5);

	if (!why && cfg->va_bits > decoded(cfg))
		why = "input addresses are wider than the levels decode";
	return why;
}

static const char *check_riscv(const struct walker_config *cfg)
{
	const char *why = check_depth(cfg, 3, 5);

	if (!why && cfg->va_bits != decoded(cfg))
		why = "the width of input addresses is not that of the mode";
	return why;
}

static const char *check_mock(const struct walker_config *cfg)
{
	if (cfg->granule_lg2 < 9 || cfg->granule_lg2 > 63)
		return "the granule is not 2^9 to 2^63 bytes";
	if (cfg->va_bits > 64)
		return "input addresses have at most 64 bits";
	if (cfg->levels < 1 || cfg->levels > WALKER_MAX_LEVELS ||
	    cfg->granule_lg2 + 9u * (cfg->levels - 1u) > 63)
		return "the levels decode more than 64 bits";
	return NULL;
}

static bool is_output_width(const struct walker_config *cfg)
{
	switch (cfg->oa_bits) {
	case 32: case 36: case 40: case 42: case 44: case 48:
		return true;
	case 52:
		return cfg->granule_lg2 == 16;
	}
	return false;
}

/* Upper levels that stage 2 must not use (page-tables 8.3.1). */
static bool must_concatenate(const struct walker_config *cfg)
{
	unsigned int start = 4u - cfg->levels;

	if (cfg->granule_lg2 == 12)
		return start == 0 && (cfg->oa_bits == 40 || cfg->oa_bits == 42);
	if (cfg->granule_lg2 == 14)
		return (start == 0 &&
			(cfg->oa_bits == 48 || cfg->va_bits == 48)) ||
		       (start == 1 && cfg->oa_bits == 40);
	return false;
}

static const char *check_arm64(const struct walker_config *cfg)
{
	unsigned int g = cfg->granule_lg2, most, shift;

	if (g != 12 && g != 14 && g != 16)
		return "the granule is not 4, 16 or 64 KiB";
	if (cfg->va_bits > (g == 16 ? 52 : 48))
		return "input addresses are wider than the granule allows";
	if (!is_output_width(cfg))
		return "output addresses have no such width";
	if (cfg->levels < 1 || cfg->levels > 4)
		return "the format has no such number of levels";
	/* Stage 2 may concatenate 16 tables. */
	most = g - 3 + (cfg->format == WALKER_ARM64_S2 ? 4 : 0);
	shift = walker_item_lg2(cfg, cfg->levels - 1u);
	if (cfg->va_bits <= shift || cfg->va_bits - shift > most)
		return "the width of input addresses does not fit the levels";
	if (cfg->format == WALKER_ARM64_S2 && must_concatenate(cfg))
		return "stage 2 must begin one level lower";
	return NULL;
}

static const char *check_format(const struct walker_config *cfg)
{
	switch (cfg->format) {
	case WALKER_AMDV1:
		return check_amdv1(cfg);
	case WALKER_VTDSS:
	case WALKER_X86_64:
		return check_x86(cfg);
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		return check_arm64(cfg);
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return check_riscv(cfg);
	case WALKER_MOCK:
		return check_mock(cfg);
	case WALKER_NR_FORMATS:
		break;
	}
	return "there is no such format";
}

static unsigned int widest_output(const struct walker_config *cfg)
{
	switch (cfg->format) {
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return 56;
	case WALKER_MOCK:
		return 64;
	default:
		return 52;
	}
}

/* Below the flags and above the offset in every leaf of x86_64. */
static bool is_c_bit(const struct walker_config *cfg)
{
	if (cfg->format != WALKER_AMDV1 && cfg->format != WALKER_X86_64)
		return false;
	return !(cfg->c_bit & (cfg->c_bit - 1)) &&
	       (cfg->c_bit & walker_mask(30, 51));
}

static const char *check_flags(const struct walker_config *cfg)
{
	if (cfg->flags & ~FLAGS)
		return "unknown flags";
	if ((cfg->flags & WALKER_SIGN_EXTEND) &&
	    cfg->format != WALKER_X86_64 && cfg->format != WALKER_RISCV64)
		return "the format does not extend the sign";
	if (cfg->c_bit && !is_c_bit(cfg))
		return "the encryption bit is not one of bits 51 to 30, or "
		       "the format has none";
	return NULL;
}

const char *walker_check(const struct walker_config *cfg)
{
	const char *why;

	if (!walker_ops(cfg->format))
		return "there is no such format";
	if (!cfg->va_bits)
		return "input addresses have no width";
	if (!cfg->oa_bits || cfg->oa_bits > widest_output(cfg))
		return "output addresses have no such width";
	why = check_flags(cfg);
	if (!why)
		why = check_format(cfg);
	if (why)
		return why;
	if (walker_root(cfg) & (walker_table_bytes(cfg, cfg->levels - 1u) - 1))
		return "the root is not aligned";
	if (walker_root(cfg) & ~walker_ones(cfg->oa_bits))
		return "the root is beyond the output width";
	return NULL;
}
