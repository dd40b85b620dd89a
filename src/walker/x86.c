/* SPDX-License-Identifier: MIT */
/*
 * x86: vtdss, VT-d's second stage; x86_64, the format of the CPU
 *
 *           63 62 61..52  51 .. 12  11  10 9  8 7      6    5..3   2   1   0
 *   vtdss   .  TM .       address   SNP sw D  A PS|.   IPAT type   X   W   R
 *
 *           63 62..52     51 .. 12  11 10 9   8 7      6  5  4   3   2   1   0
 *   x86_64  XD .          address   .  EA sw  G PS|PAT D  A  PCD PWT U/S R/W P
 *
 * PS makes a leaf at levels 1 and 2 and is reserved above; the low bits of the
 * address of such a leaf are 0, but for PAT in bit 12 of x86_64.
 *
 * Reference: docs/reference/page-tables.md 8.2.
 */
#include "walker/walker_impl.h"

#define P UINT64_C(1)
#define RW (UINT64_C(1) << 1)
#define US (UINT64_C(1) << 2)
#define D_X86 (UINT64_C(1) << 6)
#define PS (UINT64_C(1) << 7)
#define D_VTD (UINT64_C(1) << 9)
#define XD (UINT64_C(1) << 63)

static const char *const present[] = { "not present", "present" };
static const char *const accessed[] = { "not accessed", "accessed" };
static const char *const dirty[] = { "clean", "dirty" };
static const char *const readable[] = { "no read", "read" };
static const char *const writable[] = { "no write", "write" };
static const char *const executable[] = { "", "execute" };
static const char *const never[] = { "", "execute never" };
static const char *const user[] = { "supervisor only", "user" };
static const char *const snooped[] = { "", "snooped" };
static const char *const large[] = { "", "large page" };
static const char *const global[] = { "", "global" };

/* ---- vtdss -------------------------------------------------------------- */

static const struct walker_bits vtdss_empty[] = {
	{ "R", 0, 1, false, readable },
	{ "W", 1, 1, false, writable },
	{ "X", 2, 1, false, executable },
	{ "ignored", 3, 61, false, NULL },
};

static const struct walker_bits vtdss_table[] = {
	{ "R", 0, 1, false, readable },
	{ "W", 1, 1, false, writable },
	{ "X", 2, 1, false, executable },
	{ "ignored", 3, 4, false, NULL },
	{ "PS", 7, 1, true, large },
	{ "A", 8, 1, false, accessed },
	{ "ignored", 9, 1, false, NULL },
	{ "software", 10, 1, false, NULL },
	{ "ignored", 11, 1, false, NULL },
	{ "ignored", 52, 12, false, NULL },
};

static const struct walker_bits vtdss_leaf[] = {
	{ "R", 0, 1, false, readable },
	{ "W", 1, 1, false, writable },
	{ "X", 2, 1, false, executable },
	{ "memory type", 3, 3, false, NULL },
	{ "IPAT", 6, 1, false, NULL },
	{ "A", 8, 1, false, accessed },
	{ "D", 9, 1, false, dirty },
	{ "software", 10, 1, false, NULL },
	{ "SNP", 11, 1, false, snooped },
	{ "ignored", 52, 10, false, NULL },
	{ "TM", 62, 1, false, NULL },
	{ "ignored", 63, 1, false, NULL },
};

static const struct walker_bits vtdss_bit_7[][1] = {
	{ { "ignored", 7, 1, false, NULL } },
	{ { "PS", 7, 1, false, large } },
};

static uint64_t address(const struct walker_config *cfg, uint64_t word)
{
	return word & walker_mask(12, 51) & ~cfg->c_bit;
}

static void decode_child(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	walker_lay_run(cfg, e, word, 12, 51, "address", NULL);
	e->child = address(cfg, word);
	e->child_level = (uint8_t)(level - 1);
}

/* From bit @low up to the size of the leaf the address is 0. */
static void decode_output(const struct walker_config *cfg, unsigned int level,
			  unsigned int low, uint64_t word,
			  struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);

	if (level)
		walker_lay_run(cfg, e, word, low, item - 1, "address low",
			       "the output is not aligned to the leaf");
	walker_lay_run(cfg, e, word, item, 51, "address", NULL);
	e->oa = address(cfg, word);
	e->lg2 = (uint8_t)item;
}

static bool is_leaf(unsigned int level, uint64_t word)
{
	return !level || (level <= 2 && (word & PS));
}

static void decode_vtdss(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	if (!(word & 7)) {
		walker_lay(e, word, vtdss_empty, WALKER_NR(vtdss_empty));
		return;
	}
	/* R, W and X stand in the order of enum walker_access. */
	e->access = (uint32_t)word & 7;
	if (is_leaf(level, word)) {
		e->kind = WALKER_LEAF;
		walker_lay(e, word, vtdss_leaf, WALKER_NR(vtdss_leaf));
		walker_lay(e, word, vtdss_bit_7[level != 0], 1);
		decode_output(cfg, level, 12, word, e);
	} else {
		e->kind = WALKER_TABLE;
		walker_lay(e, word, vtdss_table, WALKER_NR(vtdss_table));
		decode_child(cfg, level, word, e);
	}
}

/* No leaf has two items. */
static uint64_t soft(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	(void)word;
	return 0;
}

static bool vtdss_tracked(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	(void)word;
	return true;
}

static bool vtdss_dirty(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	return word & D_VTD;
}

static uint64_t vtdss_soil(uint64_t word)
{
	return word | D_VTD;
}

const struct walker_ops walker_vtdss = {
	.name = "vtdss",
	.decode = decode_vtdss,
	.soft = soft,
	.tracked = vtdss_tracked,
	.dirty = vtdss_dirty,
	.soil = vtdss_soil,
};

/* ---- x86_64 ------------------------------------------------------------- */

static const struct walker_bits x86_empty[] = {
	{ "P", 0, 1, false, present },
	{ "ignored", 1, 63, false, NULL },
};

static const struct walker_bits x86_table[] = {
	{ "P", 0, 1, false, present },
	{ "R/W", 1, 1, false, writable },
	{ "U/S", 2, 1, false, user },
	{ "PWT", 3, 1, false, NULL },
	{ "PCD", 4, 1, false, NULL },
	{ "A", 5, 1, false, accessed },
	{ "ignored", 6, 1, false, NULL },
	{ "PS", 7, 1, true, large },
	{ "ignored", 8, 1, false, NULL },
	{ "software", 9, 1, false, NULL },
	{ "EA", 10, 1, false, NULL },
	{ "software", 11, 1, false, NULL },
	{ "ignored", 52, 11, false, NULL },
	{ "XD", 63, 1, false, never },
};

static const struct walker_bits x86_leaf[] = {
	{ "P", 0, 1, false, present },
	{ "R/W", 1, 1, false, writable },
	{ "U/S", 2, 1, false, user },
	{ "PWT", 3, 1, false, NULL },
	{ "PCD", 4, 1, false, NULL },
	{ "A", 5, 1, false, accessed },
	{ "D", 6, 1, false, dirty },
	{ "G", 8, 1, false, global },
	{ "software", 9, 1, false, NULL },
	{ "EA", 10, 1, false, NULL },
	{ "software", 11, 1, false, NULL },
	{ "ignored", 52, 11, false, NULL },
	{ "XD", 63, 1, false, never },
};

static const struct walker_bits x86_small[] = {
	{ "PAT", 7, 1, false, NULL },
};

static const struct walker_bits x86_large[] = {
	{ "PS", 7, 1, false, large },
	{ "PAT", 12, 1, false, NULL },
};

/* Requests of devices are those of a user. */
static uint32_t x86_access(uint64_t word)
{
	uint32_t access = WALKER_READ;

	if (!(word & US))
		return 0;
	if (word & RW)
		access |= WALKER_WRITE;
	if (!(word & XD))
		access |= WALKER_EXEC;
	return access;
}

static void decode_x86_leaf(const struct walker_config *cfg,
			    unsigned int level, uint64_t word,
			    struct walker_entry *e)
{
	e->kind = WALKER_LEAF;
	walker_lay(e, word, x86_leaf, WALKER_NR(x86_leaf));
	if (level)
		walker_lay(e, word, x86_large, WALKER_NR(x86_large));
	else
		walker_lay(e, word, x86_small, WALKER_NR(x86_small));
	/* Bit 12 is PAT, then. */
	decode_output(cfg, level, 13, word, e);
	if (level)
		e->oa &= ~(UINT64_C(1) << 12);
	/* What nobody can make dirty must be dirty to be written. */
	if (!(word & D_X86) && !(cfg->flags & WALKER_DIRTY))
		e->access &= ~(uint32_t)WALKER_WRITE;
}

static void decode_x86(const struct walker_config *cfg, unsigned int level,
		       uint64_t word, struct walker_entry *e)
{
	if (!(word & P)) {
		walker_lay(e, word, x86_empty, WALKER_NR(x86_empty));
		return;
	}
	e->access = x86_access(word);
	if (is_leaf(level, word)) {
		decode_x86_leaf(cfg, level, word, e);
	} else {
		e->kind = WALKER_TABLE;
		walker_lay(e, word, x86_table, WALKER_NR(x86_table));
		decode_child(cfg, level, word, e);
	}
}

static bool x86_tracked(const struct walker_config *cfg, uint64_t word)
{
	(void)word;
	return cfg->flags & WALKER_DIRTY;
}

static bool x86_dirty(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	return word & D_X86;
}

static uint64_t x86_soil(uint64_t word)
{
	return word | D_X86;
}

const struct walker_ops walker_x86_64 = {
	.name = "x86_64",
	.decode = decode_x86,
	.soft = soft,
	.tracked = x86_tracked,
	.dirty = x86_dirty,
	.soil = x86_soil,
};
