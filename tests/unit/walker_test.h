/* SPDX-License-Identifier: MIT */
/*
 * walker test: a little memory, and a path of tables in it
 *
 *   ROOT --item 0--> TABLE(levels - 2) --item 0--> .. --item 0--> TABLE(0)
 *
 * Words are put together here from page-tables section 8, by hand.
 */
#ifndef WALKER_TEST_H
#define WALKER_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "walker/walker.h"

#define BIT(n) (UINT64_C(1) << (n))
/* Bits @low to @high. */
#define BITS(high, low) \
	((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))
#define NR_OF(a) (sizeof(a) / sizeof((a)[0]))

#define ROOT UINT64_C(0x200000)
/* Table @n, aligned for every format; 0 lies on the path at level 0, .. */
#define TABLE(n) (UINT64_C(0x400000) + (uint64_t)(n) * 0x10000)
/* A place for what leaves point to; aligned to 1 TiB, fits 41 bits. */
#define TARGET UINT64_C(0x10000000000)

#define R WALKER_READ
#define W WALKER_WRITE
#define X WALKER_EXEC

#define MAX_PAGES 64

struct page {
	uint64_t pa;
	uint64_t word[512];
};

struct bench {
	struct walker_config cfg;
	struct walker_memory io;
	struct page page[MAX_PAGES];
	unsigned int nr_pages;
	/* How many replacements are to fail, with this put there instead. */
	unsigned int nr_races;
	uint64_t race;
	unsigned int nr_reads;
};

static inline uint64_t *bench_at(struct bench *b, uint64_t pa)
{
	for (unsigned int i = 0; i < b->nr_pages; i++) {
		if ((pa & ~UINT64_C(0xfff)) == b->page[i].pa)
			return &b->page[i].word[(pa & 0xfff) / 8];
	}
	return NULL;
}

/* Memory at @pa: a page of zeros if there is none. */
static inline void bench_page(struct bench *b, uint64_t pa)
{
	if (bench_at(b, pa))
		return;
	assert_true(b->nr_pages < MAX_PAGES);
	b->page[b->nr_pages] = (struct page){ .pa = pa & ~UINT64_C(0xfff) };
	b->nr_pages++;
}

static inline void bench_put(struct bench *b, uint64_t table, uint32_t index,
			     uint64_t word)
{
	uint64_t pa = table + (uint64_t)index * 8;

	bench_page(b, pa);
	*bench_at(b, pa) = word;
}

static inline uint64_t bench_get(struct bench *b, uint64_t table,
				 uint32_t index)
{
	const uint64_t *at = bench_at(b, table + (uint64_t)index * 8);

	assert_non_null(at);
	return *at;
}

static inline bool bench_read(void *ctx, uint64_t pa, uint64_t *word)
{
	struct bench *b = ctx;
	const uint64_t *at = bench_at(b, pa);

	b->nr_reads++;
	assert_int_equal(pa % 8, 0);
	if (at)
		*word = *at;
	return at;
}

static inline bool bench_replace(void *ctx, uint64_t pa, uint64_t old,
				 uint64_t new)
{
	struct bench *b = ctx;
	uint64_t *at = bench_at(b, pa);

	assert_non_null(at);
	if (b->nr_races) {
		b->nr_races--;
		*at = b->race;
		return false;
	}
	if (*at != old)
		return false;
	*at = new;
	return true;
}

/* What most tests want of a format. */
static inline struct walker_config usual(enum walker_format format)
{
	static const struct walker_config cfgs[WALKER_NR_FORMATS] = {
		[WALKER_AMDV1] = { .levels = 4, .va_bits = 48, .oa_bits = 52 },
		[WALKER_VTDSS] = { .levels = 4, .va_bits = 48, .oa_bits = 52 },
		[WALKER_X86_64] = { .levels = 4, .va_bits = 48, .oa_bits = 52,
				    .flags = WALKER_SIGN_EXTEND },
		[WALKER_ARM64_S1] = { .levels = 4, .va_bits = 48,
				      .oa_bits = 48 },
		[WALKER_ARM64_S2] = { .levels = 4, .va_bits = 48,
				      .oa_bits = 48 },
		[WALKER_RISCV64] = { .levels = 4, .va_bits = 48, .oa_bits = 56,
				     .flags = WALKER_SIGN_EXTEND },
		[WALKER_RISCV64_X4] = { .levels = 4, .va_bits = 50,
					.oa_bits = 56 },
		[WALKER_MOCK] = { .levels = 4, .va_bits = 48, .oa_bits = 64 },
	};
	struct walker_config cfg = cfgs[format];

	cfg.format = format;
	cfg.granule_lg2 = 12;
	cfg.root = ROOT;
	return cfg;
}

/* A table entry in a table of @level for @child; any permission. */
static inline uint64_t table_word(enum walker_format format,
				  unsigned int level, uint64_t child)
{
	switch (format) {
	case WALKER_AMDV1:
		return child | BIT(62) | BIT(61) | (uint64_t)level << 9 | 1;
	case WALKER_VTDSS:
		return child | 7;
	case WALKER_X86_64:
		return child | 0x27;
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		return child | 3;
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return child >> 2 | 1;
	default:
		return child | BIT(8);
	}
}

/* A leaf of one item, for reading, writing and fetching, dirty. */
static inline uint64_t leaf_word(enum walker_format format, unsigned int level,
				 uint64_t oa)
{
	switch (format) {
	case WALKER_AMDV1:
		return oa | BIT(62) | BIT(61) | BIT(6) | 1;
	case WALKER_VTDSS:
		return oa | BIT(9) | 7 | (level ? BIT(7) : 0);
	case WALKER_X86_64:
		return oa | 0x67 | (level ? BIT(7) : 0);
	case WALKER_ARM64_S1:
		return oa | 0xf44 | (level ? 1 : 3);
	case WALKER_ARM64_S2:
		return oa | 0x7fc | (level ? 1 : 3);
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return oa >> 2 | 0xdf;
	default:
		return oa | BIT(3) | 3;
	}
}

static inline bool is_arm(enum walker_format format)
{
	return format == WALKER_ARM64_S1 || format == WALKER_ARM64_S2;
}

static inline bool is_riscv(enum walker_format format)
{
	return format == WALKER_RISCV64 || format == WALKER_RISCV64_X4;
}

/* Where the path has its table of @level. */
static inline uint64_t table_at(const struct bench *b, unsigned int level)
{
	return level == b->cfg.levels - 1u ? b->cfg.root : TABLE(level);
}

static inline unsigned int item_lg2(const struct bench *b, unsigned int level)
{
	unsigned int g = b->cfg.granule_lg2;

	return g + level * (is_arm(b->cfg.format) ? g - 3 : 9);
}

/* Memory of a whole table. */
static inline void bench_table(struct bench *b, uint64_t table, uint64_t bytes)
{
	for (uint64_t k = 0; k < bytes; k += 0x1000)
		bench_page(b, table + k);
}

/* A path of tables through the items 0; @b is reset. */
static inline void bench_init(struct bench *b, const struct walker_config *cfg)
{
	unsigned int top = cfg->levels - 1u;

	memset(b, 0, sizeof(*b));
	b->cfg = *cfg;
	b->io = (struct walker_memory){ bench_read, bench_replace, b };
	for (unsigned int level = 0; level <= top; level++) {
		uint64_t bytes = is_arm(cfg->format) ?
					 (uint64_t)1 << cfg->granule_lg2 :
					 0x1000;

		if (level == top && cfg->format == WALKER_RISCV64_X4)
			bytes = 0x4000;
		bench_table(b, table_at(b, level), bytes);
		if (level)
			bench_put(b, table_at(b, level), 0,
				  table_word(cfg->format, level,
					     table_at(b, level - 1)));
	}
}

static inline struct bench *bench_of(struct bench *b,
				     enum walker_format format)
{
	struct walker_config cfg = usual(format);

	bench_init(b, &cfg);
	return b;
}

static inline enum walker_status bench_walk(struct bench *b, uint64_t iova,
					    uint32_t access,
					    struct walker_result *r)
{
	enum walker_status status =
		walker_walk(&b->cfg, &b->io, iova, access, r);

	assert_int_equal(status, r->status);
	assert_true(r->nr_steps <= b->cfg.levels);
	return status;
}

/* The enumeration ends with this reason; NULL: it is sound. */
static inline void assert_tree(struct bench *b, const char *expected)
{
	const char *why = NULL;
	bool sound = walker_for_each(&b->cfg, &b->io, NULL, NULL, NULL, &why);

	if (expected) {
		assert_false(sound);
		assert_string_equal(why, expected);
	} else if (!sound) {
		fail_msg("the tree should be sound: %s", why);
	}
}

#endif
