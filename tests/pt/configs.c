/* SPDX-License-Identifier: MIT */
/*
 * configs: the rows
 */
#include "configs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CONFIGS 768
#define BIT(n) ((uint64_t)1 << (n))
#define RW ((uint32_t)IOAS_PT_READ | IOAS_PT_WRITE)
#define ALL_PROT ((uint32_t)63)

static struct config configs[MAX_CONFIGS];
static size_t nr_configs;

/* The low @bits bits. */
static uint64_t ones(unsigned int bits)
{
	return bits < 64 ? BIT(bits) - 1 : UINT64_MAX;
}

static struct config *config_new(const char *name)
{
	struct config *c = &configs[nr_configs++];

	if (nr_configs > MAX_CONFIGS) {
		fprintf(stderr, "there are more configurations than room\n");
		abort();
	}
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

/* Append to the name of @c. */
static void name_add(struct config *c, const char *part)
{
	size_t at = strlen(c->name);

	snprintf(c->name + at, sizeof(c->name) - at, "-%s", part);
}

/* The aperture of section 1.5, cut where params say so. */
static void set_windows(struct config *c, unsigned int va_bits, bool extends)
{
	const struct ioas_pt_params *p = &c->params;
	uint64_t last = ones(extends ? va_bits - 1 : va_bits);

	c->nr_windows = extends ? 2 : 1;
	c->window[0] = (struct window){ p->first, p->last ? p->last : last };
	c->window[1] = (struct window){ ~last, UINT64_MAX };
}

/* ---- formats whose levels and widths stand in a row --------------------- */

struct row {
	const char *name;
	uint8_t levels;
	uint8_t va_bits;
	uint8_t oa_bits;
	/* amdv1 that grows: where to. */
	uint8_t max_levels;
	uint32_t flags;
	uint64_t c_bit;
	struct window cut;
	bool basic;
};

static struct config *config_row(const struct row *row,
				 const struct ioas_pt_format *format,
				 enum walker_format walker)
{
	struct config *c = config_new(row->name);

	c->format = format;
	c->params = (struct ioas_pt_params){
		.levels = row->levels,
		.va_bits = row->va_bits,
		.oa_bits = row->oa_bits,
		.flags = row->flags,
		.c_bit = row->c_bit,
		.first = row->cut.first,
		.last = row->cut.last,
		.count = true,
	};
	c->walker = (struct walker_config){
		.format = walker,
		.levels = row->levels,
		.va_bits = row->va_bits,
		.oa_bits = row->oa_bits,
		.granule_lg2 = 12,
		.c_bit = row->c_bit,
	};
	c->max_levels = row->max_levels ? row->max_levels : row->levels;
	c->granule_lg2 = 12;
	c->index_lg2 = 9;
	/* The encryption bit is no part of an address. */
	c->oa_last = ones(row->oa_bits);
	if (row->c_bit && c->oa_last >= row->c_bit)
		c->oa_last = row->c_bit - 1;
	c->basic = row->basic;
	return c;
}

/* ---- amdv1 -------------------------------------------------------------- */

#define FC IOAS_PT_FORCE_COHERENT
#define GROW IOAS_PT_GROW

static const struct row amd_rows[] = {
	{ "amdv1-2", 2, 30, 52, 0, 0, 0, { 0 }, true },
	{ "amdv1-3", 3, 39, 52, 0, 0, 0, { 0 }, false },
	{ "amdv1-4", 4, 48, 52, 0, 0, 0, { 0 }, false },
	{ "amdv1-5", 5, 57, 52, 0, 0, 0, { 0 }, false },
	{ "amdv1-6", 6, 64, 52, 0, 0, 0, { 0 }, false },
	{ "amdv1-2-fc", 2, 30, 52, 0, FC, 0, { 0 }, false },
	{ "amdv1-3-fc", 3, 39, 52, 0, FC, 0, { 0 }, false },
	{ "amdv1-4-fc", 4, 48, 52, 0, FC, 0, { 0 }, false },
	{ "amdv1-5-fc", 5, 57, 52, 0, FC, 0, { 0 }, false },
	{ "amdv1-6-fc", 6, 64, 52, 0, FC, 0, { 0 }, false },
	{ "amdv1-4-c47", 4, 48, 52, 0, FC, BIT(47), { 0 }, true },
	{ "amdv1-6-c51", 6, 64, 52, 0, 0, BIT(51), { 0 }, false },
	{ "amdv1-3-narrow", 3, 35, 36, 0, 0, 0, { 0 }, false },
	{ "amdv1-4-narrow", 4, 44, 40, 0, FC, 0, { 0 }, false },
	{ "amdv1-5-narrow", 5, 52, 48, 0, 0, 0, { 0 }, false },
	{ "amdv1-6-narrow", 6, 60, 46, 0, 0, 0, { 0 }, false },
	{ "amdv1-4-cut", 4, 48, 52, 0, 0, 0, { 0x1000, 0xfffefff }, false },
	{ "amdv1-grow-2", 2, 64, 52, 6, GROW, 0, { 0 }, true },
	{ "amdv1-grow-3", 3, 64, 52, 6, GROW, 0, { 0 }, false },
	{ "amdv1-grow-4", 4, 64, 52, 6, GROW, 0, { 0 }, false },
	{ "amdv1-grow-5", 5, 64, 52, 6, GROW, 0, { 0 }, false },
	{ "amdv1-grow-6", 6, 64, 52, 6, GROW, 0, { 0 }, false },
	{ "amdv1-grow-2-fc", 2, 64, 52, 6, GROW | FC, 0, { 0 }, false },
	{ "amdv1-grow-3-fc", 3, 64, 52, 6, GROW | FC, 0, { 0 }, false },
	{ "amdv1-grow-2-c51", 2, 64, 52, 6, GROW | FC, BIT(51), { 0 }, false },
	{ "amdv1-grow-3-c47", 3, 64, 52, 6, GROW, BIT(47), { 0 }, false },
	{ "amdv1-grow-2-narrow", 2, 35, 40, 3, GROW, 0, { 0 }, false },
	{ "amdv1-grow-3-narrow", 3, 48, 48, 4, GROW, 0, { 0 }, false },
	{ "amdv1-grow-3-wide", 3, 49, 52, 5, GROW, 0, { 0 }, false },
	{ "amdv1-grow-2-cut", 2, 50, 52, 5, GROW, 0,
	  { BIT(21), BIT(49) + 0x4fff }, false },
};

/* Section 8.1.3, for tables up to @levels. */
static uint64_t amd_sizes(unsigned int levels, unsigned int oa_bits)
{
	uint64_t sizes = 0;

	for (unsigned int level = 0; level < levels && level < 5; level++)
		for (unsigned int k = 0; k <= 8; k++) {
			unsigned int lg2 = 12 + 9 * level + k;

			if (lg2 <= 51 && lg2 != 39 && lg2 < oa_bits)
				sizes |= BIT(lg2);
		}
	return sizes;
}

static void add_amdv1(void)
{
	for (size_t i = 0; i < sizeof(amd_rows) / sizeof(*amd_rows); i++) {
		const struct row *row = &amd_rows[i];
		struct config *c = config_row(row, &ioas_pt_amdv1,
					      WALKER_AMDV1);

		c->pgsizes = amd_sizes(c->max_levels, row->oa_bits);
		set_windows(c, row->va_bits, false);
		c->tracks = true;
		c->kept = RW | (row->c_bit ? IOAS_PT_MMIO : 0);
		c->shown = RW;
	}
}

/* ---- vtdss and x86_64 --------------------------------------------------- */

#define MUST_WRITE IOAS_PT_REQUIRE_WRITE
#define EXTEND IOAS_PT_SIGN_EXTEND

static const struct row vtd_rows[] = {
	{ "vtdss-3", 3, 39, 52, 0, 0, 0, { 0 }, true },
	{ "vtdss-4", 4, 48, 52, 0, 0, 0, { 0 }, false },
	{ "vtdss-5", 5, 57, 52, 0, 0, 0, { 0 }, true },
	{ "vtdss-3-snoop", 3, 39, 52, 0, FC, 0, { 0 }, false },
	{ "vtdss-4-snoop", 4, 48, 52, 0, FC, 0, { 0 }, false },
	{ "vtdss-5-snoop", 5, 57, 52, 0, FC, 0, { 0 }, false },
	{ "vtdss-4-write", 4, 48, 52, 0, MUST_WRITE, 0, { 0 }, false },
	{ "vtdss-3-narrow", 3, 36, 36, 0, 0, 0, { 0 }, false },
	{ "vtdss-4-narrow", 4, 39, 46, 0, FC, 0, { 0 }, false },
	{ "vtdss-5-narrow", 5, 50, 39, 0, 0, 0, { 0 }, false },
	{ "vtdss-4-small", 4, 20, 20, 0, 0, 0, { 0 }, false },
	{ "vtdss-4-cut", 4, 48, 52, 0, 0, 0,
	  { 0x100000, 0x80000fffff }, false },
};

static const struct row x86_rows[] = {
	{ "x86_64-4-se", 4, 48, 52, 0, EXTEND, 0, { 0 }, true },
	{ "x86_64-5-se", 5, 57, 52, 0, EXTEND, 0, { 0 }, true },
	{ "x86_64-4-ze", 4, 47, 52, 0, 0, 0, { 0 }, true },
	{ "x86_64-5-ze", 5, 56, 52, 0, 0, 0, { 0 }, false },
	{ "x86_64-4-se-c47", 4, 48, 52, 0, EXTEND, BIT(47), { 0 }, false },
	{ "x86_64-5-se-c51", 5, 57, 52, 0, EXTEND, BIT(51), { 0 }, false },
	{ "x86_64-4-ze-c51", 4, 47, 52, 0, 0, BIT(51), { 0 }, false },
	{ "x86_64-5-ze-c47", 5, 56, 52, 0, 0, BIT(47), { 0 }, false },
	{ "x86_64-4-se-narrow", 4, 40, 44, 0, EXTEND, 0, { 0 }, false },
	{ "x86_64-5-se-narrow", 5, 50, 46, 0, EXTEND, 0, { 0 }, false },
	{ "x86_64-4-ze-narrow", 4, 33, 32, 0, 0, 0, { 0 }, false },
	{ "x86_64-4-se-cut", 4, 48, 52, 0, EXTEND, 0,
	  { 0x10000, 0x7fffffffefff }, false },
};

/* Sizes of section 2. */
static uint64_t x86_sizes(unsigned int oa_bits)
{
	return 0x40201000 & ones(oa_bits);
}

static void add_vtdss(void)
{
	for (size_t i = 0; i < sizeof(vtd_rows) / sizeof(*vtd_rows); i++) {
		const struct row *row = &vtd_rows[i];
		struct config *c = config_row(row, &ioas_pt_vtdss,
					      WALKER_VTDSS);

		c->pgsizes = x86_sizes(row->oa_bits);
		set_windows(c, row->va_bits, false);
		c->tracks = true;
		c->kept = RW;
		c->shown = RW;
	}
}

static void add_x86_64(const struct row *row, bool tracks)
{
	struct config *c = config_row(row, &ioas_pt_x86_64, WALKER_X86_64);

	if (tracks) {
		name_add(c, "dirty");
		c->params.flags |= IOAS_PT_DIRTY;
		c->walker.flags |= WALKER_DIRTY;
	}
	if (row->flags & EXTEND)
		c->walker.flags |= WALKER_SIGN_EXTEND;
	c->pgsizes = x86_sizes(row->oa_bits);
	set_windows(c, row->va_bits, row->flags & EXTEND);
	c->tracks = tracks;
	c->implied = IOAS_PT_READ;
	c->kept = IOAS_PT_WRITE | (row->c_bit ? IOAS_PT_MMIO : 0);
	c->shown = RW;
	c->basic = row->basic && tracks;
}

/* ---- riscv64 ------------------------------------------------------------ */

static const struct row riscv_rows[] = {
	{ "riscv64-sv39", 3, 39, 56, 0, 0, 0, { 0 }, true },
	{ "riscv64-sv48", 4, 48, 56, 0, 0, 0, { 0 }, false },
	{ "riscv64-sv57", 5, 57, 56, 0, 0, 0, { 0 }, true },
	{ "riscv64-sv48-narrow", 4, 48, 44, 0, 0, 0, { 0 }, false },
};

static const struct row riscv_x4_rows[] = {
	{ "riscv64_x4-sv39", 3, 41, 56, 0, 0, 0, { 0 }, true },
	{ "riscv64_x4-sv48", 4, 50, 56, 0, 0, 0, { 0 }, false },
	{ "riscv64_x4-sv57", 5, 59, 56, 0, 0, 0, { 0 }, false },
	{ "riscv64_x4-sv39-narrow", 3, 41, 34, 0, 0, 0, { 0 }, false },
};

static void add_riscv(const struct row *row, bool x4, bool napot, bool tracks)
{
	struct config *c = config_row(row,
				      x4 ? &ioas_pt_riscv64_x4 :
					   &ioas_pt_riscv64,
				      x4 ? WALKER_RISCV64_X4 : WALKER_RISCV64);

	if (napot) {
		name_add(c, "napot");
		c->params.flags |= IOAS_PT_CONTIGUOUS;
		c->walker.flags |= WALKER_CONTIGUOUS;
		c->pgsizes |= BIT(16);
	}
	if (tracks) {
		name_add(c, "dirty");
		c->params.flags |= IOAS_PT_DIRTY;
		c->walker.flags |= WALKER_DIRTY;
	}
	if (!x4)
		c->walker.flags |= WALKER_SIGN_EXTEND;
	/* Every level may hold leaves. */
	for (unsigned int level = 0; level < row->levels; level++)
		c->pgsizes |= BIT(12 + 9 * level);
	c->pgsizes &= ones(row->oa_bits);
	set_windows(c, row->va_bits, !x4);
	c->tracks = tracks;
	c->implied = IOAS_PT_READ;
	c->kept = c->shown = RW | IOAS_PT_NOEXEC;
	c->basic = row->basic && tracks && napot;
}

/* ---- arm64 -------------------------------------------------------------- */

static const struct arm_row {
	uint8_t stage;
	uint8_t granule_lg2;
	uint8_t ias;
	uint8_t oas;
	uint8_t levels;
	bool basic;
} arm_rows[] = {
	{ 1, 12, 48, 48, 4, false },
	{ 1, 12, 39, 48, 3, true },
	/* A root of two entries, of four, of sixteen, of two. */
	{ 1, 12, 40, 42, 4, false },
	{ 1, 12, 32, 40, 3, false },
	{ 1, 12, 25, 36, 2, false },
	{ 1, 12, 22, 32, 2, true },
	{ 1, 14, 48, 48, 4, false },
	{ 1, 14, 47, 48, 3, true },
	{ 1, 14, 37, 44, 3, false },
	{ 1, 14, 36, 40, 2, false },
	{ 1, 14, 26, 32, 2, false },
	{ 1, 16, 52, 52, 3, true },
	{ 1, 16, 48, 52, 3, false },
	{ 1, 16, 48, 48, 3, false },
	{ 1, 16, 43, 48, 3, false },
	{ 1, 16, 42, 44, 2, true },
	{ 1, 16, 30, 32, 2, false },
	{ 2, 12, 48, 48, 4, false },
	{ 2, 12, 44, 44, 4, false },
	/* Two concatenated tables, four, eight, sixteen. */
	{ 2, 12, 40, 40, 3, true },
	{ 2, 12, 41, 42, 3, false },
	{ 2, 12, 42, 42, 3, false },
	{ 2, 12, 43, 42, 3, false },
	{ 2, 12, 39, 40, 3, false },
	{ 2, 12, 32, 32, 3, false },
	{ 2, 12, 30, 36, 2, false },
	{ 2, 14, 48, 48, 3, true },
	{ 2, 14, 47, 48, 3, false },
	{ 2, 14, 44, 44, 3, false },
	{ 2, 14, 40, 40, 2, true },
	{ 2, 14, 38, 40, 2, false },
	{ 2, 14, 36, 36, 2, false },
	{ 2, 14, 32, 32, 2, false },
	{ 2, 16, 52, 52, 3, true },
	{ 2, 16, 48, 48, 3, false },
	{ 2, 16, 42, 42, 2, false },
	{ 2, 16, 40, 40, 2, false },
	{ 2, 16, 32, 36, 2, false },
};

static const struct ioas_pt_format *const arm_formats[2][3] = {
	{ &ioas_pt_arm64_s1_4k, &ioas_pt_arm64_s1_16k, &ioas_pt_arm64_s1_64k },
	{ &ioas_pt_arm64_s2_4k, &ioas_pt_arm64_s2_16k, &ioas_pt_arm64_s2_64k },
};

/* Blocks and groups (8.3.1, 8.3.4): log2 by granule and level; 0: none. */
static const uint8_t arm_blocks[3][3] = {
	{ 12, 21, 30 }, { 14, 25, 0 }, { 16, 29, 42 },
};
static const uint8_t arm_groups[3][3] = {
	{ 16, 25, 34 }, { 21, 30, 0 }, { 21, 34, 0 },
};

static uint64_t arm_sizes(const struct arm_row *row, bool contiguous)
{
	unsigned int g = (row->granule_lg2 - 12u) / 2;
	uint64_t sizes = 0;

	for (unsigned int level = 0; level < row->levels && level < 3;
	     level++) {
		if (arm_blocks[g][level] == 42 && row->oas != 52)
			continue;
		if (arm_blocks[g][level])
			sizes |= BIT(arm_blocks[g][level]);
		if (contiguous && arm_groups[g][level])
			sizes |= BIT(arm_groups[g][level]);
	}
	return sizes & ones(row->oas);
}

static void arm_name(struct config *c, const struct arm_row *row,
		     uint32_t flags)
{
	snprintf(c->name, sizeof(c->name), "arm64_s%u-%uk-i%u-o%u", row->stage,
		 1u << (row->granule_lg2 - 10), row->ias, row->oas);
	if (flags & IOAS_PT_CONTIGUOUS)
		name_add(c, "cont");
	if (flags & IOAS_PT_DIRTY)
		name_add(c, "dirty");
	if (flags & IOAS_PT_BREAK)
		name_add(c, "break");
	if (flags & IOAS_PT_S2FWB)
		name_add(c, "fwb");
}

static void arm_walker(struct config *c, const struct arm_row *row,
		       uint32_t flags)
{
	c->walker = (struct walker_config){
		.format = row->stage == 1 ? WALKER_ARM64_S1 : WALKER_ARM64_S2,
		.levels = row->levels,
		.va_bits = row->ias,
		.oa_bits = row->oas,
		.granule_lg2 = row->granule_lg2,
	};
	if (flags & IOAS_PT_CONTIGUOUS)
		c->walker.flags |= WALKER_CONTIGUOUS;
	if (flags & IOAS_PT_DIRTY)
		c->walker.flags |= WALKER_DIRTY;
	if (flags & IOAS_PT_S2FWB)
		c->walker.flags |= WALKER_S2FWB;
}

static void add_arm64(const struct arm_row *row, uint32_t flags)
{
	struct config *c = config_new("");

	arm_name(c, row, flags);
	arm_walker(c, row, flags);
	c->format = arm_formats[row->stage - 1][(row->granule_lg2 - 12) / 2];
	c->params = (struct ioas_pt_params){
		.va_bits = row->ias,
		.oa_bits = row->oas,
		.flags = flags,
		.count = true,
	};
	c->max_levels = row->levels;
	c->granule_lg2 = row->granule_lg2;
	c->index_lg2 = row->granule_lg2 - 3u;
	c->oa_last = ones(row->oas);
	c->pgsizes = arm_sizes(row, flags & IOAS_PT_CONTIGUOUS);
	set_windows(c, row->ias, false);
	c->tracks = flags & IOAS_PT_DIRTY;
	c->born_dirty = c->write_to_soil = true;
	/* Every bit makes another word, but what the stage has no place for. */
	if (row->stage == 1) {
		c->implied = IOAS_PT_READ;
		c->kept = ALL_PROT & ~(uint32_t)IOAS_PT_READ;
	} else {
		c->kept = ALL_PROT & ~(uint32_t)IOAS_PT_PRIV;
	}
	c->shown = ALL_PROT & ~(uint32_t)IOAS_PT_MMIO;
	c->basic = row->basic &&
		   (flags == IOAS_PT_CONTIGUOUS || flags == IOAS_PT_DIRTY);
}

static void add_arm64_all(void)
{
	static const uint32_t options[] = {
		IOAS_PT_CONTIGUOUS, IOAS_PT_DIRTY, IOAS_PT_BREAK,
		IOAS_PT_S2FWB,
	};

	for (size_t i = 0; i < sizeof(arm_rows) / sizeof(*arm_rows); i++) {
		unsigned int nr = arm_rows[i].stage == 1 ? 3 : 4;

		for (unsigned int set = 0; set < 1u << nr; set++) {
			uint32_t flags = 0;

			for (unsigned int k = 0; k < nr; k++)
				flags |= set >> k & 1 ? options[k] : 0;
			add_arm64(&arm_rows[i], flags);
		}
	}
}

/* ---- mock --------------------------------------------------------------- */

static const struct mock_row {
	const char *name;
	uint64_t pgsizes;
	uint8_t levels;
	uint8_t va_bits;
	uint8_t oa_bits;
	struct window cut;
	bool basic;
} mock_rows[] = {
	{ "mock-all", 0x3ffffff800, 6, 64, 64, { 0 }, true },
	{ "mock-x86", 0x40201000, 6, 64, 64, { 0 }, false },
	{ "mock-4k", 0x1000, 6, 64, 64, { 0 }, false },
	{ "mock-512", 0x200, 7, 64, 64, { 0 }, true },
	{ "mock-sparse", 0x8000100010400, 6, 64, 64, { 0 }, true },
	{ "mock-64k", 0x410000, 6, 64, 64, { 0 }, false },
	{ "mock-huge", 0x8000000000000800, 6, 64, 64, { 0 }, false },
	{ "mock-40", 0xfffffff000, 4, 40, 48, { 0 }, false },
	{ "mock-cut", 0x211000, 2, 64, 64, { 0x1000, 0x7fffff }, false },
	{ "mock-low", 0x3000, 1, 64, 64, { 0x2000, 0x1fefff }, false },
	/* A root above what the aperture needs, for the largest leaf. */
	{ "mock-top", 0x211000, 2, 64, 64, { 0, 0x1fffff }, false },
};

static void add_mock(const struct mock_row *row)
{
	struct config *c = config_new(row->name);

	c->format = &ioas_pt_mock;
	c->params = (struct ioas_pt_params){
		.pgsizes = row->pgsizes,
		.va_bits = row->va_bits,
		.oa_bits = row->oa_bits,
		.first = row->cut.first,
		.last = row->cut.last,
		.count = true,
	};
	c->pgsizes = row->pgsizes;
	c->granule_lg2 = (unsigned int)__builtin_ctzll(row->pgsizes);
	c->index_lg2 = 9;
	c->max_levels = row->levels;
	c->walker = (struct walker_config){
		.format = WALKER_MOCK,
		.levels = row->levels,
		.va_bits = row->va_bits,
		.oa_bits = row->oa_bits,
		.granule_lg2 = (uint8_t)c->granule_lg2,
	};
	c->oa_last = ones(row->oa_bits);
	set_windows(c, row->va_bits, false);
	c->tracks = true;
	c->clears_partial = true;
	c->kept = c->shown = ALL_PROT;
	c->basic = row->basic;
}

/* ---- all ---------------------------------------------------------------- */

size_t configs_init(void)
{
	if (nr_configs)
		return nr_configs;
	add_amdv1();
	add_vtdss();
	for (unsigned int i = 0; i < sizeof(x86_rows) / sizeof(*x86_rows) * 2;
	     i++)
		add_x86_64(&x86_rows[i / 2], i & 1);
	for (unsigned int i = 0;
	     i < sizeof(riscv_rows) / sizeof(*riscv_rows) * 8; i++)
		add_riscv(i & 1 ? &riscv_x4_rows[i / 8] : &riscv_rows[i / 8],
			  i & 1, i & 2, i & 4);
	add_arm64_all();
	for (size_t i = 0; i < sizeof(mock_rows) / sizeof(*mock_rows); i++)
		add_mock(&mock_rows[i]);
	return nr_configs;
}

const struct config *config_at(size_t i)
{
	return &configs[i];
}

const struct window *config_window(const struct config *cfg, uint64_t first,
				   uint64_t last)
{
	for (unsigned int i = 0; i < cfg->nr_windows; i++)
		if (first >= cfg->window[i].first &&
		    last <= cfg->window[i].last && first <= last)
			return &cfg->window[i];
	return NULL;
}

uint32_t config_access(const struct config *cfg, uint32_t attrs)
{
	uint32_t access = 0;

	/* Devices are not privileged. */
	if (cfg->walker.format == WALKER_ARM64_S1 && (attrs & IOAS_PT_PRIV))
		return 0;
	if (attrs & IOAS_PT_READ)
		access |= WALKER_READ;
	if (attrs & IOAS_PT_WRITE)
		access |= WALKER_WRITE;
	/* VT-d's second stage has a bit of its own, which nobody sets. */
	if ((attrs & IOAS_PT_READ) && !(attrs & IOAS_PT_NOEXEC) &&
	    cfg->walker.format != WALKER_VTDSS)
		access |= WALKER_EXEC;
	return access;
}
