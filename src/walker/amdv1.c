/* SPDX-License-Identifier: MIT */
/*
 * amdv1: AMD IOMMU v1 host page table
 *
 *          63  62 61 60 59 58..52 51 .. 12        11..9 8..7 6   5 4..1 0
 *   leaf   ign IW IR FC U  0      address (code)  level ign  D   A ign  PR
 *   table  ign IW IR 0  0  0      address         level ign  ign A ign  PR
 *
 * The level of a table entry is that of the table it points to, as AMD counts:
 * ours and one. 0 and 7 make a leaf.
 *
 * Reference: docs/reference/page-tables.md 8.1.
 */
#include "walker/walker_impl.h"

#define PR UINT64_C(1)
#define ACCESSED (UINT64_C(1) << 5)
#define DIRTY (UINT64_C(1) << 6)
#define IR (UINT64_C(1) << 61)
#define IW (UINT64_C(1) << 62)
#define CODED 7

static const char *const present[] = { "not present", "present" };
static const char *const accessed[] = { "", "accessed" };
static const char *const dirty[] = { "clean", "dirty" };
static const char *const coherent[] = { "", "coherent" };
static const char *const readable[] = { "no read", "read" };
static const char *const writable[] = { "no write", "write" };
static const char *const next_level[] = {
	"leaf of one item", "table of AMD level 1", "table of AMD level 2",
	"table of AMD level 3", "table of AMD level 4",
	"table of AMD level 5", "table of AMD level 6",
	"leaf with its size in the address",
};

static const struct walker_bits empty_bits[] = {
	{ "PR", 0, 1, false, present },
	{ "ignored", 1, 63, false, NULL },
};

static const struct walker_bits table_bits[] = {
	{ "PR", 0, 1, false, present },
	{ "ignored", 1, 4, false, NULL },
	{ "A", 5, 1, false, accessed },
	{ "ignored", 6, 3, false, NULL },
	{ "NextLevel", 9, 3, false, next_level },
	{ "reserved", 52, 9, true, NULL },
	{ "IR", 61, 1, false, readable },
	{ "IW", 62, 1, false, writable },
	{ "ignored", 63, 1, false, NULL },
};

static const struct walker_bits leaf_bits[] = {
	{ "PR", 0, 1, false, present },
	{ "ignored", 1, 4, false, NULL },
	{ "A", 5, 1, false, accessed },
	{ "D", 6, 1, false, dirty },
	{ "ignored", 7, 2, false, NULL },
	{ "NextLevel", 9, 3, false, next_level },
	{ "reserved", 52, 7, true, NULL },
	{ "U", 59, 1, false, NULL },
	{ "FC", 60, 1, false, coherent },
	{ "IR", 61, 1, false, readable },
	{ "IW", 62, 1, false, writable },
	{ "ignored", 63, 1, false, NULL },
};

static uint64_t address(const struct walker_config *cfg, uint64_t word)
{
	return word & walker_mask(12, 51) & ~cfg->c_bit;
}

static void decode_table(const struct walker_config *cfg, uint64_t word,
			 struct walker_entry *e)
{
	e->kind = WALKER_TABLE;
	walker_lay(e, word, table_bits, WALKER_NR(table_bits));
	walker_lay_run(cfg, e, word, 12, 51, "address", NULL);
	e->child = address(cfg, word);
	/* Ours is one less. walker_item() sees that it descends. */
	e->child_level = (uint8_t)(walker_cut(word, 9, 11) - 1);
}

/* log2 of the size that the lowest zero of the address tells; 53: none. */
static unsigned int coded_lg2(const struct walker_config *cfg, uint64_t word)
{
	uint64_t zeros = ~address(cfg, word) & walker_mask(12, 52);

	return (unsigned int)__builtin_ctzll(zeros) + 1;
}

static void decode_coded(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);
	unsigned int lg2 = coded_lg2(cfg, word);
	unsigned int below = lg2 > 52 ? 52 : lg2;

	walker_lay_run(cfg, e, word, 12, below - 1, "size", NULL);
	if (below < 52)
		walker_lay_run(cfg, e, word, below, 51, "address", NULL);
	if (lg2 <= item || lg2 > item + 8 || lg2 > 51)
		walker_fault(e, "the coded size is none of this level");
	e->oa = address(cfg, word) & ~walker_ones(lg2);
	e->lg2 = (uint8_t)lg2;
}

static void decode_single(const struct walker_config *cfg, unsigned int level,
			  uint64_t word, struct walker_entry *e)
{
	unsigned int item = walker_item_lg2(cfg, level);

	/* At level 5, where no leaf is, an item spans more than an address. */
	if (level == 5)
		item = 12;
	if (item > 12)
		walker_lay_run(cfg, e, word, 12, item - 1, "address low",
			       "the output is not aligned to the leaf");
	walker_lay_run(cfg, e, word, item, 51, "address", NULL);
	if (item == 39)
		walker_fault(e, "leaves of 512 GiB are excluded");
	e->oa = address(cfg, word);
	e->lg2 = (uint8_t)item;
}

static void decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *e)
{
	unsigned int next = (unsigned int)walker_cut(word, 9, 11);

	if (!(word & PR)) {
		walker_lay(e, word, empty_bits, WALKER_NR(empty_bits));
		return;
	}
	/* There is no execute control: who may read may fetch. */
	if (word & IR)
		e->access = WALKER_READ | WALKER_EXEC;
	if (word & IW)
		e->access |= WALKER_WRITE;
	if (level && next && next != CODED) {
		decode_table(cfg, word, e);
		return;
	}
	e->kind = WALKER_LEAF;
	walker_lay(e, word, leaf_bits, WALKER_NR(leaf_bits));
	if (level == 5)
		walker_fault(e, "no leaf at this level");
	else if (next && next != CODED)
		walker_fault(e, "the table is not of a lower level");
	if (next == CODED)
		decode_coded(cfg, level, word, e);
	else
		decode_single(cfg, level, word, e);
}

static uint64_t soft(const struct walker_config *cfg, uint64_t word)
{
	(void)cfg;
	(void)word;
	return ACCESSED | DIRTY;
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
	return word & DIRTY;
}

static uint64_t soil(uint64_t word)
{
	return word | DIRTY;
}

const struct walker_ops walker_amdv1 = {
	.name = "amdv1",
	.decode = decode,
	.soft = soft,
	.tracked = tracked,
	.dirty = is_dirty,
	.soil = soil,
};
