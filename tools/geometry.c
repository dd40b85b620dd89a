/* SPDX-License-Identifier: MIT */
/*
 * geometry: from what the command line says of a table to a walker
 *
 * Levels and width follow from each other (page-tables 1.1, 8); where neither
 * is given the format has a usual one. What hardware cannot be set up for is
 * for walker_check() to say.
 */
#include "source.h"

static bool is_arm(int format)
{
	return format == WALKER_ARM64_S1 || format == WALKER_ARM64_S2;
}

static unsigned int granule_of(const struct pt_options *o)
{
	return o->granule ? (unsigned int)__builtin_ctzll(o->granule) : 12;
}

/* log2 of the items of a table */
static unsigned int index_bits(const struct pt_options *o)
{
	return is_arm(o->format) ? granule_of(o) - 3 : 9;
}

/* Bits above those of full tables (x4) or not used (x86 without a sign). */
static int odd_bits(const struct pt_options *o, uint32_t flags)
{
	if (o->format == WALKER_RISCV64_X4)
		return 2;
	if (o->format == WALKER_X86_64 && !(flags & WALKER_SIGN_EXTEND))
		return -1;
	return 0;
}

static unsigned int usual_levels(int format)
{
	switch (format) {
	case WALKER_VTDSS:
	case WALKER_X86_64:
		return 4;
	case WALKER_MOCK:
		return 6;
	default:
		return 3;
	}
}

static unsigned int fewest_levels(int format)
{
	switch (format) {
	case WALKER_X86_64:
		return 4;
	case WALKER_VTDSS:
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return 3;
	case WALKER_AMDV1:
		return 2;
	default:
		return 1;
	}
}

static unsigned int width_of(const struct pt_options *o, unsigned int levels,
			     uint32_t flags)
{
	int width = (int)(granule_of(o) + index_bits(o) * levels) +
		    odd_bits(o, flags);
	/* What is beyond has no encoding (8.3.1). */
	int most = !is_arm(o->format) ? 64 : granule_of(o) == 16 ? 52 : 48;

	return (unsigned int)(width < most ? width : most);
}

/* Upper levels that stage 2 replaces by concatenated tables (8.3.1). */
static bool concatenates(const struct pt_options *o, unsigned int levels,
			 unsigned int va_bits, unsigned int oa_bits)
{
	switch (granule_of(o)) {
	case 12:
		return levels == 4 && (oa_bits == 40 || oa_bits == 42);
	case 14:
		return (levels == 4 && (oa_bits == 48 || va_bits == 48)) ||
		       (levels == 3 && oa_bits == 40);
	default:
		return false;
	}
}

static unsigned int levels_of(const struct pt_options *o,
			      unsigned int va_bits, unsigned int oa_bits,
			      uint32_t flags)
{
	int above = (int)va_bits - (int)granule_of(o) - odd_bits(o, flags);
	unsigned int bits = index_bits(o), levels;

	levels = above > 0 ? ((unsigned int)above + bits - 1) / bits : 1;
	if (levels < fewest_levels(o->format))
		levels = fewest_levels(o->format);
	if (o->format == WALKER_ARM64_S2 &&
	    concatenates(o, levels, va_bits, oa_bits))
		levels--;
	return levels;
}

static uint32_t flag(int given, bool usual, uint32_t bit)
{
	return (given < 0 ? usual : given) ? bit : 0;
}

static unsigned int usual_oa_bits(int format)
{
	switch (format) {
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		return 48;
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return 56;
	case WALKER_MOCK:
		return 64;
	default:
		return 52;
	}
}

int ioas_pt_geometry(const struct pt_options *o, struct walker_config *cfg)
{
	bool sign = o->format == WALKER_X86_64 || o->format == WALKER_RISCV64;
	uint32_t flags = flag(o->sign_extend, sign, WALKER_SIGN_EXTEND) |
			 flag(o->contiguous, true, WALKER_CONTIGUOUS) |
			 flag(o->dirty, false, WALKER_DIRTY) |
			 flag(o->s2fwb, false, WALKER_S2FWB);
	unsigned int levels = (unsigned int)o->levels;
	unsigned int va_bits = (unsigned int)o->va_bits;
	unsigned int oa_bits = (unsigned int)o->oa_bits;
	const char *wrong;

	if (o->granule && !is_arm(o->format) && o->format != WALKER_MOCK &&
	    o->granule != 4096)
		return ioas_say_misuse("--granule: that of %s is 4 KiB",
				       walker_format_name(
					       (enum walker_format)o->format));
	if (!oa_bits)
		oa_bits = usual_oa_bits(o->format);
	if (!levels && !va_bits && is_arm(o->format))
		va_bits = o->format == WALKER_ARM64_S2 ? oa_bits : 48;
	if (!levels)
		levels = va_bits ? levels_of(o, va_bits, oa_bits, flags) :
				   usual_levels(o->format);
	if (!va_bits)
		va_bits = width_of(o, levels, flags);
	*cfg = (struct walker_config){
		.format = (enum walker_format)o->format,
		.levels = (uint8_t)levels,
		.va_bits = (uint8_t)va_bits,
		.oa_bits = (uint8_t)oa_bits,
		.granule_lg2 = (uint8_t)granule_of(o),
		.flags = flags,
		.c_bit = o->c_bit,
	};
	wrong = walker_check(cfg);
	if (!wrong)
		return IOAS_EXIT_DONE;
	return ioas_say_misuse("geometry of %s (%u levels, %u IOVA bits, "
			       "%u output bits): %s",
			       walker_format_name(cfg->format), levels,
			       va_bits, oa_bits, wrong);
}
