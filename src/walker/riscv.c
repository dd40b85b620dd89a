/* SPDX-License-Identifier: MIT */
/*
 * riscv: riscv64, Sv39 to Sv57; riscv64_x4, the second stage
 *
 *   63 62..61 60..54 53 .. 10        9..8 7 6 5 4 3 2 1 0
 *   N  PBMT   0      page number     sw   D A G U X W R V   leaf
 *   0  0      0      page number     sw   0 0 G 0 0 0 0 V   table
 *
 * R = W = X = 0 makes a table above level 0. With N the low four bits of the
 * page number are 1000 and those of the IOVA take their place.
 *
 * Reference: docs/reference/page-tables.md 8.4.
 */
#include "walker/walker_impl.h"

#define V UINT64_C(1)
#define R (UINT64_C(1) << 1)
#define W (UINT64_C(1) << 2)
#define X (UINT64_C(1) << 3)
#define U (UINT64_C(1) << 4)
#define A (UINT64_C(1) << 6)
#define D (UINT64_C(1) << 7)
#define N (UINT64_C(1) << 63)

static const char *const valid[] = { "invalid", "valid" };
static const char *const readable[] = { "no read", "read" };
static const char *const writable[] = { "no write", "write" };
static const char *const executable[] = { "no execute", "execute" };
static const char *const user[] = { "supervisor only", "user" };
static const char *const global[] = { "", "global" };
static const char *const accessed[] = { "not accessed", "accessed" };
static const char *const dirty[] = { "clean", "dirty" };
static const char *const memory[] = {
	"", "non-cacheable", "I/O", "reserved",
};
static const char *const napot[] = { "", "sixteen items" };

static const struct walker_bits empty_bits[] = {
	{ "V", 0, 1, false, valid },
	{ "ignored", 1, 63, false, NULL },
};

static const struct walker_bits table_bits[] = {
	{ "V", 0, 1, false, valid },
	{ "R", 1, 1, false, NULL },
	{ "W", 2, 1, false, NULL },
	{ "X", 3, 1, false, NULL },
	{ "U", 4, 1, true, NULL },
	{ "G", 5, 1, false, global },
	{ "A", 6, 1, true, NULL },
	{ "D", 7, 1, true, NULL },
	{ "software", 8, 2, false, NULL },
	{ "reserved", 54, 7, true, NULL },
	{ "PBMT", 61, 2, true, memory },
	{ "N", 63, 1, true, napot },
};

static const struct walker_bits leaf_bits[] = {
	{ "V", 0, 1, false, valid },
	{ "R", 1, 1, false, readable },
	{ "W", 2, 1, false, writable },
	{ "X", 3, 1, false, executable },
	{ "U", 4, 1, false, user },
	{ "G", 5, 1, false, global },
	{ "A", 6, 1, false, accessed },
	{ "D", 7, 1, false, dirty },
	{ "software", 8, 2, false, NULL },
	{ "reserved", 54, 7, true, NULL },
	{ "PBMT", 61, 2, false, memory },
	{ "N", 63, 1, false, napot },
};

static bool updates(const struct walker_config *cfg)
{
	return cfg->flags & WALKER_DIRTY;
}

static uint64_t address(uint64_t word)
{
	return walker_cut(word, 10, 53) << 12;
}

/* Requests of devices are those of a user. */
static uint32_t leaf_access(const struct walker_config *cfg, uint64_t word)
{
	/* R, W and X stand in the order of enum walker_access. */
	uint32_t access = (uint32_t)walker_cut(word, 1, 3);

	if (!(word & U) || (!(word & A) && !updates(cfg)))
		return 0;
	if (!(word & D) && !updates(cfg))
		access &= ~(uint32_t)WALKER_WRITE;
	return access;
}

static void decode_napot(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	walker_lay_run(cfg, e, word, 10, 13, "NAPOT", NULL);
	walker_lay_run(cfg, e, word, 14, 53, "page number", NULL);
	if (!(cfg->flags & WALKER_CONTIGUOUS))
		walker_fault(e, "N is reserved without Svnapot");
	else if (level)
		walker_fault(e, "N is for level 0 only");
	else if (walker_cut(word, 10, 13) != 8)
		walker_fault(e, "no such NAPOT size");
	e->oa = address(word) & ~walker_ones(16);
	e->lg2 = 16;
}

static void decode_plain(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);

	if (level)
		walker_lay_run(cfg, e, word, 10, item - 3, "page number low",
			       "the output is not aligned to the leaf");
	walker_lay_run(cfg, e, word, item - 2, 53, "page number", NULL);
	e->oa = address(word);
	e->lg2 = (uint8_t)item;
}

static void decode_leaf(const struct walker_config *cfg, unsigned int level,
			uint64_t word, struct walker_entry *e)
{
	e->kind = WALKER_LEAF;
	walker_lay(e, word, leaf_bits, WALKER_NR(leaf_bits));
	if (!(word & (R | W | X)))
		walker_fault(e, "points below the last level");
	else if ((word & W) && !(word & R))
		walker_fault(e, "write without read is reserved");
	else if (walker_cut(word, 61, 62) == 3)
		walker_fault(e, "the memory type is reserved");
	else if (cfg->format == WALKER_RISCV64_X4 && !(word & U))
		walker_fault(e, "U is clear in the second stage");
	if (word & N)
		decode_napot(cfg, level, word, e);
	else
		decode_plain(cfg, level, word, e);
	e->access = leaf_access(cfg, word);
}

static void decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *e)
{
	if (!(word & V)) {
		walker_lay(e, word, empty_bits, WALKER_NR(empty_bits));
		return;
	}
	if (!level || (word & (R | W | X))) {
		decode_leaf(cfg, level, word, e);
		return;
	}
	e->kind = WALKER_TABLE;
	walker_lay(e, word, table_bits, WALKER_NR(table_bits));
	walker_lay_run(cfg, e, word, 10, 53, "page number", NULL);
	e->child = address(word);
	e->child_level = (uint8_t)(level - 1);
	e->access = WALKER_ALL;
}

static uint64_t soft(const struct walker_config *cfg, uint64_t word)
{
	(void)word;
	return updates(cfg) ? A | D : 0;
}

static bool tracked(const struct walker_config *cfg, uint64_t word)
{
	(void)word;
	return updates(cfg);
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

const struct walker_ops walker_riscv64 = {
	.name = "riscv64",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = is_dirty,
	.soil = soil,
};

const struct walker_ops walker_riscv64_x4 = {
	.name = "riscv64_x4",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = is_dirty,
	.soil = soil,
};
