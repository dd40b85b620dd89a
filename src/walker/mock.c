/* SPDX-License-Identifier: MIT */
/*
 * mock: the library's own format, for tests and emulated devices
 *
 *   63 .. 9               8    7    6    5  4  3  2  1  0
 *   address (size code)   0    priv mmio NX C  D  S  W  R   leaf
 *   address of the table  T=1  sw   0    0  0  0  0  0  0   table
 *
 * There is no present bit: empty is zero, a leaf has R or W. With S the leaf
 * has several items and its size, 2^k, is in the address: bits k-2 down to the
 * granule are one, bit k-1 is zero.
 *
 * Reference: the bit table at the head of the format's mapper.
 */
#include "walker/walker_impl.h"

#define R UINT64_C(1)
#define W (UINT64_C(1) << 1)
#define SIZED (UINT64_C(1) << 2)
#define D (UINT64_C(1) << 3)
#define NOEXEC (UINT64_C(1) << 5)
#define TABLE (UINT64_C(1) << 8)

static const char *const readable[] = { "no read", "read" };
static const char *const writable[] = { "no write", "write" };
static const char *const sized[] = { "one item", "size in the address" };
static const char *const dirty[] = { "clean", "dirty" };
static const char *const cached[] = { "", "cacheable" };
static const char *const never[] = { "", "execute never" };
static const char *const mmio[] = { "", "device memory" };
static const char *const privileged[] = { "", "privileged only" };
static const char *const types[] = { "leaf", "table" };

static const struct walker_bits leaf_bits[] = {
	{ "R", 0, 1, false, readable },
	{ "W", 1, 1, false, writable },
	{ "C", 2, 1, false, sized },
	{ "D", 3, 1, false, dirty },
	{ "cache", 4, 1, false, cached },
	{ "noexec", 5, 1, false, never },
	{ "mmio", 6, 1, false, mmio },
	{ "priv", 7, 1, false, privileged },
	{ "T", 8, 1, false, types },
};

static const struct walker_bits table_bits[] = {
	{ "reserved", 0, 7, true, NULL },
	{ "software", 7, 1, false, NULL },
	{ "T", 8, 1, false, types },
};

/* log2 of the size that the lowest zero from the granule up tells; 65: none. */
static unsigned int coded_lg2(const struct walker_config *cfg, uint64_t word)
{
	uint64_t zeros = ~word & ~walker_ones(cfg->granule_lg2);

	return zeros ? (unsigned int)__builtin_ctzll(zeros) + 1 : 65;
}

static void decode_coded(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);
	unsigned int lg2 = coded_lg2(cfg, word);
	unsigned int below = lg2 > 64 ? 64 : lg2;

	walker_lay_run(cfg, e, word, cfg->granule_lg2, below - 1, "size",
		       NULL);
	if (below < 64)
		walker_lay_run(cfg, e, word, below, 63, "address", NULL);
	if (lg2 <= item || lg2 > item + 8 || lg2 > 63)
		walker_fault(e, "the coded size is none of this level");
	e->oa = word & ~walker_ones(lg2);
	e->lg2 = (uint8_t)lg2;
}

static void decode_single(const struct walker_config *cfg, unsigned int level,
			  uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);

	if (level)
		walker_lay_run(cfg, e, word, cfg->granule_lg2, item - 1,
			       "address low",
			       "the output is not aligned to the leaf");
	walker_lay_run(cfg, e, word, item, 63, "address", NULL);
	e->oa = word & ~walker_ones(item);
	e->lg2 = (uint8_t)item;
}

static void decode_leaf(const struct walker_config *cfg, unsigned int level,
			uint64_t word, struct walker_entry *e)
{
	/* R and W stand in the order of enum walker_access. */
	e->access = (uint32_t)word & (WALKER_READ | WALKER_WRITE);
	if ((word & R) && !(word & NOEXEC))
		e->access |= WALKER_EXEC;
	walker_lay(e, word, leaf_bits, WALKER_NR(leaf_bits));
	if (cfg->granule_lg2 > 9)
		walker_lay_run(cfg, e, word, 9, cfg->granule_lg2 - 1u,
			       "reserved", "a reserved bit is set");
	if (word & SIZED)
		decode_coded(cfg, level, word, e);
	else
		decode_single(cfg, level, word, e);
}

static void decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *e)
{
	if (word & TABLE) {
		e->kind = WALKER_TABLE;
		e->access = WALKER_ALL;
		walker_lay(e, word, table_bits, WALKER_NR(table_bits));
		walker_lay_run(cfg, e, word, 9, 63, "address", NULL);
		if (!level)
			walker_fault(e, "points below the last level");
		e->child = word & walker_mask(9, 63);
		e->child_level = (uint8_t)(level - 1);
		return;
	}
	if (word) {
		e->kind = WALKER_LEAF;
		if (!(word & (R | W)))
			walker_fault(e, "neither read nor write is set");
	}
	decode_leaf(cfg, level, word, e);
}

static uint64_t soft(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	(void)word;
	return D;
}

static bool tracked(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	(void)word;
	return true;
}

static bool is_dirty(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	return word & D;
}

static uint64_t soil(uint64_t word)
{
	return word | D;
}

const struct walker_ops walker_mock = {
	.name = "mock",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = is_dirty,
	.soil = soil,
};
