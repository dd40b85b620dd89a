/* SPDX-License-Identifier: MIT */
/*
 * arm64: Arm VMSAv8-64, stages 1 and 2, granules of 4, 16 and 64 KiB
 *
 *         63..59        58..55 54 53 52   51  50..48 47 .. 12  11 10 9..8 ...
 *   leaf  0             sw     XN    Cont DBM 0      address   nG AF SH
 *   table hierarchical  sw     ignored        0      address   ignored
 *
 *                ... 7      6      5   4..2           1..0
 *   stage 1          AP[2]  AP[1]  NS  AttrIndx       type
 *   stage 2          S2AP   S2AP   MemAttr            type
 *
 * With 64 KiB, bits 15:12 are bits 51:48 of the address. Our level is 3 less
 * Arm's.
 *
 * Requests are those of an unprivileged device: AP[1] = 0 denies them.
 *
 * Reference: docs/reference/page-tables.md 8.3.
 */
#include "walker/walker_impl.h"

#define VALID UINT64_C(1)
#define AP1 (UINT64_C(1) << 6) /* and S2AP[0]: read */
#define AP2 (UINT64_C(1) << 7) /* and S2AP[1]: write */
#define AF (UINT64_C(1) << 10)
#define DBM (UINT64_C(1) << 51)
#define CONTIGUOUS (UINT64_C(1) << 52)
#define XN (UINT64_C(3) << 53)
#define XN_TABLE (UINT64_C(3) << 59)
#define AP1_TABLE (UINT64_C(1) << 61)
#define AP2_TABLE (UINT64_C(1) << 62)

static const char *const types[] = { "invalid", "block", "invalid", "table" };
static const char *const last_types[] = {
	"invalid", "reserved", "invalid", "page",
};
static const char *const unprivileged[] = { "privileged only", "" };
static const char *const read_only[] = { "write", "read only" };
static const char *const readable[] = { "no read", "read" };
static const char *const writable[] = { "no write", "write" };
static const char *const shareable[] = {
	"not shareable", "reserved", "outer shareable", "inner shareable",
};
static const char *const accessed[] = { "not accessed", "accessed" };
static const char *const not_global[] = { "global", "not global" };
static const char *const modifier[] = { "", "writable; dirty state is kept" };
static const char *const contiguous[] = { "", "one of a group" };
static const char *const never[] = {
	"", "privileged execute never", "unprivileged execute never",
	"execute never",
};
static const char *const attr_index[] = {
	"non-cacheable", "write-back", "device",
	"inner non-cacheable, outer write-back", "", "", "", "",
};
static const char *const mem_attr[] = {
	"", "device", "", "", "", "non-cacheable", "", "",
	"", "", "", "", "", "", "", "write-back",
};
static const char *const mem_attr_fwb[] = {
	"", "device", "", "", "", "non-cacheable", "forced write-back", "",
	"", "", "", "", "", "", "", "",
};
static const char *const no_exec[] = { "", "execute never below" };
static const char *const no_user[] = { "", "privileged only below" };
static const char *const no_write[] = { "", "read only below" };

static const struct walker_bits empty_bits[] = {
	{ "type", 0, 2, false, types },
	{ "ignored", 2, 62, false, NULL },
};

static const struct walker_bits table_bits[] = {
	{ "type", 0, 2, false, types },
	{ "ignored", 2, 10, false, NULL },
	{ "reserved", 48, 3, true, NULL },
	{ "ignored", 51, 4, false, NULL },
	{ "software", 55, 4, false, NULL },
};

static const struct walker_bits hierarchical[] = {
	{ "PXNTable", 59, 1, false, no_exec },
	{ "UXNTable", 60, 1, false, no_exec },
	{ "APTable[0]", 61, 1, false, no_user },
	{ "APTable[1]", 62, 1, false, no_write },
	{ "NSTable", 63, 1, false, NULL },
};

static const struct walker_bits not_hierarchical[] = {
	{ "reserved", 59, 5, true, NULL },
};

static const struct walker_bits leaf_bits[] = {
	{ "SH", 8, 2, false, shareable },
	{ "AF", 10, 1, false, accessed },
	{ "reserved", 48, 3, true, NULL },
	{ "DBM", 51, 1, false, modifier },
	{ "Contiguous", 52, 1, false, contiguous },
	{ "XN", 53, 2, false, never },
	{ "software", 55, 4, false, NULL },
	{ "reserved", 59, 5, true, NULL },
};

static const struct walker_bits leaf_s1[] = {
	{ "AttrIndx", 2, 3, false, attr_index },
	{ "NS", 5, 1, false, NULL },
	{ "AP[1]", 6, 1, false, unprivileged },
	{ "AP[2]", 7, 1, false, read_only },
	{ "nG", 11, 1, false, not_global },
};

static const struct walker_bits leaf_s2[] = {
	{ "S2AP[0]", 6, 1, false, readable },
	{ "S2AP[1]", 7, 1, false, writable },
	{ "reserved", 11, 1, true, NULL },
};

static const struct walker_bits memory_s2[][1] = {
	{ { "MemAttr", 2, 4, false, mem_attr } },
	{ { "MemAttr", 2, 4, false, mem_attr_fwb } },
};

static const struct walker_bits type_bits[][1] = {
	{ { "type", 0, 2, false, last_types } },
	{ { "type", 0, 2, false, types } },
};

static bool is_s1(const struct walker_config *cfg)
{
	return cfg->format == WALKER_ARM64_S1;
}

static bool updates(const struct walker_config *cfg)
{
	return cfg->flags & WALKER_DIRTY;
}

/* log2 of the number of items in a group; 0: none at this level. */
static unsigned int group_lg2(const struct walker_config *cfg,
			      unsigned int level)
{
	static const uint8_t groups[][3] = {
		{ 4, 4, 4 }, { 7, 5, 0 }, { 5, 5, 0 },
	};

	return level < 3 ? groups[(cfg->granule_lg2 - 12) / 2][level] : 0;
}

static bool may_block(const struct walker_config *cfg, unsigned int level)
{
	if (level == 2)
		return cfg->granule_lg2 == 12 ||
		       (cfg->granule_lg2 == 16 && cfg->oa_bits == 52);
	return level == 1;
}

/* Bits 47:12, and what they say; below bit @floor they must be zero. */
static uint64_t decode_address(const struct walker_config *cfg,
			       unsigned int floor, uint64_t word,
			       struct walker_entry *e)
{
	unsigned int g = cfg->granule_lg2;
	uint64_t address = word & walker_mask(floor, 47);

	if (g == 16) {
		walker_lay_run(cfg, e, word, 12, 15, "address[51:48]", NULL);
		address |= walker_cut(word, 12, 15) << 48;
	} else if (g == 14) {
		walker_lay_run(cfg, e, word, 12, 13, "reserved",
			       "a reserved bit is set");
	}
	if (floor > g)
		walker_lay_run(cfg, e, word, g, floor - 1, "address low",
			       "the output is not aligned to the leaf");
	walker_lay_run(cfg, e, word, floor, 47, "address", NULL);
	return address;
}

/* Stage 2 has none of these bits: there they are a fault. */
static uint32_t table_access(uint64_t word)
{
	uint32_t access = WALKER_ALL;

	if (word & AP1_TABLE)
		return 0;
	if (word & AP2_TABLE)
		access &= ~(uint32_t)WALKER_WRITE;
	if (word & XN_TABLE)
		access &= ~(uint32_t)WALKER_EXEC;
	return access;
}

static bool may_write(const struct walker_config *cfg, uint64_t word)
{
	if ((word & DBM) && updates(cfg))
		return true;
	return is_s1(cfg) ? !(word & AP2) : !!(word & AP2);
}

static uint32_t leaf_access(const struct walker_config *cfg, uint64_t word)
{
	uint32_t access = 0;

	if (!(word & AF) && !updates(cfg))
		return 0;
	if (word & AP1)
		access |= WALKER_READ;
	else if (is_s1(cfg))
		return 0;
	if (may_write(cfg, word))
		access |= WALKER_WRITE;
	if ((access & WALKER_READ) && !(word & XN))
		access |= WALKER_EXEC;
	return access;
}

static void decode_table(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	e->kind = WALKER_TABLE;
	walker_lay(e, word, table_bits, WALKER_NR(table_bits));
	if (is_s1(cfg))
		walker_lay(e, word, hierarchical, WALKER_NR(hierarchical));
	else
		walker_lay(e, word, not_hierarchical, 1);
	e->child = decode_address(cfg, cfg->granule_lg2, word, e);
	e->child_level = (uint8_t)(level - 1);
	e->access = table_access(word);
}

static void decode_leaf(const struct walker_config *cfg, unsigned int level,
			uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level), group = 0;

	e->kind = WALKER_LEAF;
	if (!level && walker_cut(word, 0, 1) != 3)
		walker_fault(e, "the type is reserved at this level");
	walker_lay(e, word, type_bits[level != 0], 1);
	walker_lay(e, word, leaf_bits, WALKER_NR(leaf_bits));
	if (is_s1(cfg)) {
		walker_lay(e, word, leaf_s1, WALKER_NR(leaf_s1));
	} else {
		walker_lay(e, word, leaf_s2, WALKER_NR(leaf_s2));
		walker_lay(e, word,
			   memory_s2[!!(cfg->flags & WALKER_S2FWB)], 1);
	}
	/* A block that may not be here can be larger than the address. */
	if (level && !may_block(cfg, level)) {
		walker_fault(e, "no block at this level");
		item = cfg->granule_lg2;
	}
	e->oa = decode_address(cfg, item, word, e);
	/* Who does not know groups ignores the hint. */
	if ((word & CONTIGUOUS) && (cfg->flags & WALKER_CONTIGUOUS)) {
		group = group_lg2(cfg, level);
		/* The root can be smaller than a group. */
		if (!group || walker_nr_items(cfg, level) >> group == 0)
			walker_fault(e, "no groups in this table");
	}
	e->lg2 = (uint8_t)(item + group);
	e->access = leaf_access(cfg, word);
}

static void decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *e)
{
	if (!(word & VALID)) {
		walker_lay(e, word, empty_bits, WALKER_NR(empty_bits));
		return;
	}
	if (level && walker_cut(word, 0, 1) == 3) {
		decode_table(cfg, level, word, e);
		return;
	}
	decode_leaf(cfg, level, word, e);
}

static bool tracked(const struct walker_config *cfg, uint64_t word)
{
	return updates(cfg) && (word & DBM);
}

static uint64_t soft(const struct walker_config *cfg, uint64_t word)
{
	if (!updates(cfg))
		return 0;
	return word & DBM ? AF | AP2 : AF;
}

static bool dirty_s1(const struct walker_config *cfg, uint64_t word)
{
	return tracked(cfg, word) && !(word & AP2);
}

static uint64_t soil_s1(uint64_t word)
{
	return word & ~AP2;
}

static bool dirty_s2(const struct walker_config *cfg, uint64_t word)
{
	return tracked(cfg, word) && (word & AP2);
}

static uint64_t soil_s2(uint64_t word)
{
	return word | AP2;
}

const struct walker_ops walker_arm64_s1 = {
	.name = "arm64_s1",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = dirty_s1,
	.soil = soil_s1,
	.strided = UINT64_C(0x0000fffffffff000),
};

const struct walker_ops walker_arm64_s2 = {
	.name = "arm64_s2",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = dirty_s2,
	.soil = soil_s2,
	.strided = UINT64_C(0x0000fffffffff000),
};
