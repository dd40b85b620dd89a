/* SPDX-License-Identifier: MIT */
/*
 * walker decode: every bit of every word has one name
 *
 * The fields of a word are put together again and must give the word; where
 * the tables of page-tables section 8 have a field, it stands there.
 */
#include "walker_test.h"

#include "prng.h"

#define AMD WALKER_AMDV1
#define VTD WALKER_VTDSS
#define X86 WALKER_X86_64
#define S1 WALKER_ARM64_S1
#define S2 WALKER_ARM64_S2
#define RV WALKER_RISCV64
#define RV4 WALKER_RISCV64_X4
#define MOCK WALKER_MOCK

/* ---- coverage ----------------------------------------------------------- */

static void check_fields(const struct walker_config *cfg, unsigned int level,
			 uint64_t word)
{
	uint64_t covered = 0, again = 0;
	unsigned int low = 0;
	struct walker_entry e;

	walker_decode(cfg, level, word, &e);
	assert_in_range(e.nr_fields, 1, WALKER_MAX_FIELDS);
	for (unsigned int i = 0; i < e.nr_fields; i++) {
		const struct walker_field *f = &e.field[i];
		uint64_t bits;

		assert_non_null(f->name);
		assert_int_not_equal(f->name[0], 0);
		assert_non_null(f->meaning);
		assert_in_range(f->bits, 1, 64);
		assert_true(f->low + f->bits <= 64);
		assert_true(f->low >= low);
		low = f->low;
		bits = BITS(f->low + f->bits - 1, f->low);
		if (covered & bits)
			fail_msg("%s level %u 0x%llx: %s overlaps",
				 walker_format_name(cfg->format), level,
				 (unsigned long long)word, f->name);
		assert_int_equal(f->value & ~(bits >> f->low), 0);
		covered |= bits;
		again |= f->value << f->low;
	}
	if (covered != UINT64_MAX || again != word)
		fail_msg("%s level %u 0x%llx: covered 0x%llx, again 0x%llx",
			 walker_format_name(cfg->format), level,
			 (unsigned long long)word, (unsigned long long)covered,
			 (unsigned long long)again);
	assert_int_equal(!e.why, e.kind != WALKER_INVALID);
	if (e.kind != WALKER_LEAF)
		assert_true(!e.oa && !e.lg2 && !e.tracked && !e.dirty);
	if (e.kind != WALKER_TABLE)
		assert_true(!e.child && !e.child_level);
}

/* @word, with each bit the other way, and with each pair. */
static void check_around(const struct walker_config *cfg, unsigned int level,
			 uint64_t word)
{
	check_fields(cfg, level, word);
	for (unsigned int i = 0; i < 64; i++) {
		check_fields(cfg, level, word ^ BIT(i));
		for (unsigned int k = 0; k < i; k += 7)
			check_fields(cfg, level, word ^ BIT(i) ^ BIT(k));
	}
}

static const struct walker_config shapes[] = {
	{ AMD, 6, 64, 52, 12, 0, 0, 0 },
	{ AMD, 6, 64, 52, 12, 0, BIT(47), 0 },
	{ AMD, 6, 64, 52, 12, 0, BIT(51), 0 },
	{ AMD, 6, 64, 40, 12, 0, BIT(30), 0 },
	{ VTD, 5, 57, 52, 12, 0, 0, 0 },
	{ X86, 5, 57, 52, 12, WALKER_SIGN_EXTEND, 0, 0 },
	{ X86, 4, 47, 52, 12, WALKER_DIRTY, BIT(47), 0 },
	{ X86, 4, 47, 52, 12, 0, BIT(30), 0 },
	{ S1, 4, 48, 48, 12, 0, 0, 0 },
	{ S1, 4, 48, 48, 14, WALKER_CONTIGUOUS, 0, 0 },
	{ S1, 3, 52, 52, 16, WALKER_CONTIGUOUS | WALKER_DIRTY, 0, 0 },
	{ S1, 3, 48, 48, 16, 0, 0, 0 },
	{ S2, 4, 48, 48, 12, WALKER_CONTIGUOUS, 0, 0 },
	{ S2, 3, 47, 48, 14, WALKER_S2FWB, 0, 0 },
	{ S2, 3, 52, 52, 16, 0, 0, 0 },
	{ RV, 5, 57, 56, 12, WALKER_SIGN_EXTEND, 0, 0 },
	{ RV, 3, 39, 56, 12, WALKER_SIGN_EXTEND | WALKER_CONTIGUOUS, 0, 0 },
	{ RV4, 5, 59, 56, 12, WALKER_CONTIGUOUS | WALKER_DIRTY, 0, 0 },
	{ MOCK, 7, 64, 64, 9, 0, 0, 0 },
	{ MOCK, 4, 48, 48, 12, 0, 0, 0 },
	{ MOCK, 1, 64, 64, 63, 0, 0, 0 },
};

static void every_bit_is_in_one_field(void **state)
{
	struct prng rng = { 7 };

	(void)state;
	for (size_t i = 0; i < NR_OF(shapes); i++) {
		const struct walker_config *cfg = &shapes[i];
		enum walker_format f = cfg->format;

		assert_null(walker_check(cfg));
		for (unsigned int level = 0; level < cfg->levels; level++) {
			check_around(cfg, level, 0);
			check_around(cfg, level, UINT64_MAX);
			check_around(cfg, level, table_word(f, level, 0));
			check_around(cfg, level, leaf_word(f, level, 0));
			/* Groups of amdv1, arm64, riscv64, mock */
			check_around(cfg, level,
				     leaf_word(f, level, 0) | 7 << 9);
			check_around(cfg, level,
				     leaf_word(f, level, 0) | BIT(52));
			check_around(cfg, level,
				     leaf_word(f, level, 0) | BIT(63));
			check_around(cfg, level, leaf_word(f, level, 0) | 4);
			for (int n = 0; n < 2000; n++)
				check_fields(cfg, level, prng_next(&rng));
		}
	}
}

/* ---- where fields stand ------------------------------------------------- */

struct place {
	enum walker_format format;
	uint8_t granule;
	uint8_t level;
	bool leaf;
	/* Added to the usual word. */
	uint64_t more;
	const char *name;
	uint8_t high, low;
	uint64_t value;
	/* NULL: whatever it says */
	const char *meaning;
};

static const struct place places[] = {
	/* 8.1.2 */
	{ AMD, 12, 1, false, 0, "PR", 0, 0, 1, "present" },
	{ AMD, 12, 1, false, 0, "ignored", 4, 1, 0, "" },
	{ AMD, 12, 1, false, BIT(5), "A", 5, 5, 1, "accessed" },
	{ AMD, 12, 1, false, 0, "NextLevel", 11, 9, 1, "table of AMD level 1" },
	{ AMD, 12, 3, false, 0x1000, "address", 51, 12, 1, "" },
	{ AMD, 12, 1, false, 0, "reserved", 60, 52, 0, "" },
	{ AMD, 12, 1, false, BIT(55), "reserved", 60, 52, 8, "must be 0" },
	{ AMD, 12, 1, false, 0, "IR", 61, 61, 1, "read" },
	{ AMD, 12, 1, false, 0, "IW", 62, 62, 1, "write" },
	{ AMD, 12, 0, true, 0, "D", 6, 6, 1, "dirty" },
	{ AMD, 12, 0, true, 0, "NextLevel", 11, 9, 0, "leaf of one item" },
	{ AMD, 12, 0, true, 0x3000, "address", 51, 12, 3, "" },
	{ AMD, 12, 0, true, 0x7e00, "size", 15, 12, 7, "" },
	{ AMD, 12, 0, true, 0x17e00, "address", 51, 16, 1, "" },
	{ AMD, 12, 0, true, 0, "reserved", 58, 52, 0, "" },
	{ AMD, 12, 0, true, BIT(59), "U", 59, 59, 1, "" },
	{ AMD, 12, 0, true, BIT(60), "FC", 60, 60, 1, "coherent" },
	/* 8.2.1 */
	{ VTD, 12, 1, false, 0, "R", 0, 0, 1, "read" },
	{ VTD, 12, 1, false, 0, "W", 1, 1, 1, "write" },
	{ VTD, 12, 1, false, 0, "X", 2, 2, 1, "execute" },
	{ VTD, 12, 3, false, BIT(7), "PS", 7, 7, 1, "must be 0" },
	{ VTD, 12, 1, false, BIT(8), "A", 8, 8, 1, "accessed" },
	{ VTD, 12, 1, false, 0x2000, "address", 51, 12, 2, "" },
	{ VTD, 12, 0, true, 0x28, "memory type", 5, 3, 5, "" },
	{ VTD, 12, 0, true, BIT(6), "IPAT", 6, 6, 1, "" },
	{ VTD, 12, 0, true, 0, "ignored", 7, 7, 0, "" },
	{ VTD, 12, 1, true, 0, "PS", 7, 7, 1, "large page" },
	{ VTD, 12, 0, true, 0, "D", 9, 9, 1, "dirty" },
	{ VTD, 12, 0, true, BIT(10), "software", 10, 10, 1, "" },
	{ VTD, 12, 0, true, BIT(11), "SNP", 11, 11, 1, "snooped" },
	{ VTD, 12, 1, true, 0, "address low", 20, 12, 0, "" },
	{ VTD, 12, 1, true, BIT(21), "address", 51, 21, 1, "" },
	{ VTD, 12, 2, true, BIT(30), "address", 51, 30, 1, "" },
	{ VTD, 12, 0, true, BIT(62), "TM", 62, 62, 1, "" },
	/* 8.2.2 */
	{ X86, 12, 1, false, 0, "P", 0, 0, 1, "present" },
	{ X86, 12, 1, false, 0, "R/W", 1, 1, 1, "write" },
	{ X86, 12, 1, false, 0, "U/S", 2, 2, 1, "user" },
	{ X86, 12, 0, true, BIT(3), "PWT", 3, 3, 1, "" },
	{ X86, 12, 0, true, BIT(4), "PCD", 4, 4, 1, "" },
	{ X86, 12, 0, true, 0, "A", 5, 5, 1, "accessed" },
	{ X86, 12, 0, true, 0, "D", 6, 6, 1, "dirty" },
	{ X86, 12, 0, true, BIT(7), "PAT", 7, 7, 1, "" },
	{ X86, 12, 1, true, 0, "PS", 7, 7, 1, "large page" },
	{ X86, 12, 1, true, BIT(12), "PAT", 12, 12, 1, "" },
	{ X86, 12, 0, true, BIT(8), "G", 8, 8, 1, "global" },
	{ X86, 12, 0, true, 0x1000, "address", 51, 12, 1, "" },
	{ X86, 12, 2, true, BIT(30), "address", 51, 30, 1, "" },
	{ X86, 12, 2, true, 0, "address low", 29, 13, 0, "" },
	{ X86, 12, 0, true, BIT(63), "XD", 63, 63, 1, "execute never" },
	/* 8.3.2 */
	{ S1, 12, 1, false, 0, "type", 1, 0, 3, "table" },
	{ S1, 12, 1, true, 0, "type", 1, 0, 1, "block" },
	{ S1, 12, 0, true, 0, "type", 1, 0, 3, "page" },
	{ S1, 12, 1, false, BIT(60), "UXNTable", 60, 60, 1, NULL },
	{ S1, 12, 1, false, BIT(59), "PXNTable", 59, 59, 1, NULL },
	{ S1, 12, 1, false, BIT(61), "APTable[0]", 61, 61, 1, NULL },
	{ S1, 12, 1, false, BIT(62), "APTable[1]", 62, 62, 1, NULL },
	{ S1, 12, 1, false, BIT(63), "NSTable", 63, 63, 1, NULL },
	{ S1, 12, 0, true, 0, "AttrIndx", 4, 2, 1, "write-back" },
	{ S1, 12, 0, true, BIT(5), "NS", 5, 5, 1, "" },
	{ S1, 12, 0, true, 0, "AP[1]", 6, 6, 1, "" },
	{ S1, 12, 0, true, BIT(7), "AP[2]", 7, 7, 1, "read only" },
	{ S1, 12, 0, true, 0, "SH", 9, 8, 3, "inner shareable" },
	{ S1, 12, 0, true, 0, "AF", 10, 10, 1, "accessed" },
	{ S1, 12, 0, true, 0, "nG", 11, 11, 1, "not global" },
	{ S1, 12, 0, true, 0x1000, "address", 47, 12, 1, "" },
	{ S1, 12, 1, true, BIT(21), "address", 47, 21, 1, "" },
	{ S1, 14, 0, true, BIT(14), "address", 47, 14, 1, "" },
	{ S1, 16, 0, true, BIT(16), "address", 47, 16, 1, "" },
	{ S1, 16, 0, true, BIT(15), "address[51:48]", 15, 12, 8, "" },
	{ S1, 16, 1, false, BIT(15), "address[51:48]", 15, 12, 8, "" },
	{ S1, 12, 0, true, 0, "reserved", 50, 48, 0, "" },
	{ S1, 12, 0, true, BIT(51), "DBM", 51, 51, 1, NULL },
	{ S1, 12, 0, true, BIT(52), "Contiguous", 52, 52, 1, NULL },
	{ S1, 12, 0, true, BITS(54, 53), "XN", 54, 53, 3, "execute never" },
	{ S1, 12, 0, true, BIT(55), "software", 58, 55, 1, "" },
	{ S2, 12, 0, true, 0, "MemAttr", 5, 2, 15, "write-back" },
	{ S2, 12, 0, true, 0, "S2AP[0]", 6, 6, 1, "read" },
	{ S2, 12, 0, true, 0, "S2AP[1]", 7, 7, 1, "write" },
	{ S2, 12, 0, true, 0, "SH", 9, 8, 3, "inner shareable" },
	/* 8.4.2 */
	{ RV, 12, 1, false, 0, "V", 0, 0, 1, "valid" },
	{ RV, 12, 1, false, 0x400, "page number", 53, 10, 1, "" },
	{ RV, 12, 1, false, BIT(6), "A", 6, 6, 1, "must be 0" },
	{ RV, 12, 0, true, 0, "R", 1, 1, 1, "read" },
	{ RV, 12, 0, true, 0, "W", 2, 2, 1, "write" },
	{ RV, 12, 0, true, 0, "X", 3, 3, 1, "execute" },
	{ RV, 12, 0, true, 0, "U", 4, 4, 1, "user" },
	{ RV, 12, 0, true, BIT(5), "G", 5, 5, 1, "global" },
	{ RV, 12, 0, true, 0, "A", 6, 6, 1, "accessed" },
	{ RV, 12, 0, true, 0, "D", 7, 7, 1, "dirty" },
	{ RV, 12, 0, true, BIT(9), "software", 9, 8, 2, "" },
	{ RV, 12, 0, true, 0x800, "page number", 53, 10, 2, "" },
	{ RV, 12, 1, true, 0, "page number low", 18, 10, 0, "" },
	{ RV, 12, 1, true, BIT(19), "page number", 53, 19, 1, "" },
	{ RV, 12, 0, true, 0, "reserved", 60, 54, 0, "" },
	{ RV, 12, 0, true, BIT(62), "PBMT", 62, 61, 2, "I/O" },
	{ RV, 12, 0, true, BIT(63) | 0x2000, "N", 63, 63, 1, NULL },
	{ RV, 12, 0, true, BIT(63) | 0x2000, "NAPOT", 13, 10, 8, NULL },
	{ RV4, 12, 0, true, 0, "U", 4, 4, 1, "user" },
	/* mock */
	{ MOCK, 12, 0, true, 0, "R", 0, 0, 1, "read" },
	{ MOCK, 12, 0, true, 0, "W", 1, 1, 1, "write" },
	{ MOCK, 12, 0, true, 0, "D", 3, 3, 1, "dirty" },
	{ MOCK, 12, 0, true, BIT(4), "cache", 4, 4, 1, NULL },
	{ MOCK, 12, 0, true, BIT(5), "noexec", 5, 5, 1, NULL },
	{ MOCK, 12, 0, true, BIT(6), "mmio", 6, 6, 1, NULL },
	{ MOCK, 12, 0, true, BIT(7), "priv", 7, 7, 1, NULL },
	{ MOCK, 12, 0, true, 0, "T", 8, 8, 0, "leaf" },
	{ MOCK, 12, 1, false, 0, "T", 8, 8, 1, "table" },
	{ MOCK, 12, 0, true, 0x3000, "address", 63, 12, 3, "" },
	{ MOCK, 12, 0, true, 0x3004, "size", 14, 12, 3, "" },
	{ MOCK, 12, 1, false, 0x1000, "address", 63, 9, 8, "" },
};

static const struct walker_field *find(const struct walker_entry *e,
				       const struct place *p)
{
	for (unsigned int i = 0; i < e->nr_fields; i++) {
		const struct walker_field *f = &e->field[i];

		if (f->low == p->low && f->low + f->bits - 1 == p->high &&
		    !strcmp(f->name, p->name))
			return f;
	}
	return NULL;
}

static void fields_stand_where_the_reference_has_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_OF(places); i++) {
		const struct place *p = &places[i];
		struct walker_config cfg = usual(p->format);
		const struct walker_field *f;
		struct walker_entry e;
		uint64_t word = p->leaf ? leaf_word(p->format, p->level, 0) :
					  table_word(p->format, p->level, 0);

		cfg.flags |= WALKER_CONTIGUOUS;
		cfg.granule_lg2 = p->granule;
		if (p->granule == 16)
			cfg.levels = 3, cfg.oa_bits = 52;
		walker_decode(&cfg, p->level, word | p->more, &e);
		f = find(&e, p);
		if (!f)
			fail_msg("row %zu: no %s", i, p->name);
		assert_int_equal(f->value, p->value);
		if (p->meaning)
			assert_string_equal(f->meaning, p->meaning);
	}
}

static void the_encryption_bit_has_its_name(void **state)
{
	static const enum walker_format formats[] = { AMD, X86 };
	const struct place c = { .name = "C", .high = 47, .low = 47 };
	const struct place low = { .name = "address", .high = 46, .low = 12 };
	const struct place high = { .name = "address", .high = 51, .low = 48 };

	(void)state;
	for (size_t i = 0; i < NR_OF(formats); i++) {
		struct walker_config cfg = usual(formats[i]);
		struct walker_entry e;

		cfg.c_bit = BIT(47);
		walker_decode(&cfg, 0, leaf_word(formats[i], 0, 0x1000) |
			      BIT(47) | BIT(48), &e);
		assert_int_equal(e.oa, BIT(48) | 0x1000);
		assert_string_equal(find(&e, &c)->meaning, "encrypted");
		assert_int_equal(find(&e, &c)->value, 1);
		assert_int_equal(find(&e, &low)->value, 1);
		assert_int_equal(find(&e, &high)->value, 1);
		walker_decode(&cfg, 0, leaf_word(formats[i], 0, 0x1000), &e);
		assert_string_equal(find(&e, &c)->meaning, "not encrypted");
	}
}

/* Attribute encodings of page-tables 8.3.1 and 8.3.3. */
static void arm_attributes_say_what_they_are(void **state)
{
	static const struct {
		enum walker_format format;
		uint32_t flags;
		uint64_t attr;
		const char *meaning;
	} rows[] = {
		{ S1, 0, 0, "non-cacheable" }, { S1, 0, 1, "write-back" },
		{ S1, 0, 2, "device" },
		{ S1, 0, 3, "inner non-cacheable, outer write-back" },
		{ S2, 0, 1, "device" }, { S2, 0, 5, "non-cacheable" },
		{ S2, 0, 15, "write-back" },
		{ S2, WALKER_S2FWB, 1, "device" },
		{ S2, WALKER_S2FWB, 5, "non-cacheable" },
		{ S2, WALKER_S2FWB, 6, "forced write-back" },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		struct walker_config cfg = usual(rows[i].format);
		struct walker_entry e;
		uint64_t word = leaf_word(cfg.format, 0, 0) & ~BITS(5, 2);

		cfg.flags |= rows[i].flags;
		walker_decode(&cfg, 0, word | rows[i].attr << 2, &e);
		assert_int_equal(e.field[1].low, 2);
		assert_int_equal(e.field[1].value, rows[i].attr);
		assert_string_equal(e.field[1].meaning, rows[i].meaning);
	}
}

static void dirty_state_is_what_the_format_keeps(void **state)
{
	static const struct {
		enum walker_format format;
		uint32_t flags;
		uint64_t flip;
		bool tracked, dirty;
	} rows[] = {
		{ AMD, 0, 0, true, true }, { AMD, 0, BIT(6), true, false },
		{ VTD, 0, 0, true, true }, { VTD, 0, BIT(9), true, false },
		{ X86, 0, 0, false, true },
		{ X86, WALKER_DIRTY, 0, true, true },
		{ X86, WALKER_DIRTY, BIT(6), true, false },
		{ S1, 0, BIT(51), false, false },
		{ S1, WALKER_DIRTY, 0, false, false },
		{ S1, WALKER_DIRTY, BIT(51), true, true },
		{ S1, WALKER_DIRTY, BIT(51) | BIT(7), true, false },
		{ S2, WALKER_DIRTY, 0, false, false },
		{ S2, WALKER_DIRTY, BIT(51), true, true },
		{ S2, WALKER_DIRTY, BIT(51) | BIT(7), true, false },
		{ RV, 0, 0, false, true },
		{ RV, WALKER_DIRTY, 0, true, true },
		{ RV4, WALKER_DIRTY, BIT(7), true, false },
		{ MOCK, 0, 0, true, true }, { MOCK, 0, BIT(3), true, false },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		struct walker_config cfg = usual(rows[i].format);
		struct walker_entry e;

		cfg.flags |= rows[i].flags;
		walker_decode(&cfg, 0,
			      leaf_word(cfg.format, 0, 0) ^ rows[i].flip, &e);
		assert_int_equal(e.kind, WALKER_LEAF);
		if (e.tracked != rows[i].tracked || e.dirty != rows[i].dirty)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bit_is_in_one_field),
		cmocka_unit_test(fields_stand_where_the_reference_has_them),
		cmocka_unit_test(the_encryption_bit_has_its_name),
		cmocka_unit_test(arm_attributes_say_what_they_are),
		cmocka_unit_test(dirty_state_is_what_the_format_keeps),
	};

	return cmocka_run_group_tests_name("walker decode", tests, NULL, NULL);
}
