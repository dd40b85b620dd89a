/* SPDX-License-Identifier: MIT */
/*
 * walker rules: what each architecture faults on, and what it allows
 *
 * The bits of page-tables section 8 once more, as masks: which must be zero,
 * which change nothing. One case per rule that is no single bit.
 */
#include "walker_test.h"

#define AMD WALKER_AMDV1
#define VTD WALKER_VTDSS
#define X86 WALKER_X86_64
#define S1 WALKER_ARM64_S1
#define S2 WALKER_ARM64_S2
#define RV WALKER_RISCV64
#define RV4 WALKER_RISCV64_X4
#define MOCK WALKER_MOCK

/* ---- single bits -------------------------------------------------------- */

struct masks {
	enum walker_format format;
	uint8_t granule_lg2;
	uint8_t oa_bits; /* 0: the usual */
	uint8_t level;
	bool leaf;
	uint64_t zero;
	uint64_t harmless;
};

static const struct masks masks[] = {
	/* 8.1.2 */
	{ AMD, 12, 0, 3, false, BITS(60, 52), BITS(8, 1) | BIT(63) },
	{ AMD, 12, 0, 1, false, BITS(60, 52), BITS(8, 1) | BIT(63) },
	{ AMD, 12, 0, 0, true, BITS(58, 52),
	  BITS(8, 1) | BITS(60, 59) | BIT(63) },
	{ AMD, 12, 0, 1, true, BITS(58, 52) | BITS(20, 12),
	  BITS(8, 1) | BITS(60, 59) | BIT(63) },
	{ AMD, 12, 0, 2, true, BITS(58, 52) | BITS(29, 12),
	  BITS(8, 1) | BITS(60, 59) | BIT(63) },
	{ AMD, 12, 44, 0, true, BITS(58, 44), BITS(8, 1) },
	{ AMD, 12, 44, 1, false, BITS(60, 44), BITS(8, 1) },
	/* 8.2.1 */
	{ VTD, 12, 0, 3, false, BIT(7),
	  BITS(6, 3) | BITS(11, 8) | BITS(63, 52) },
	{ VTD, 12, 0, 2, false, 0, BITS(6, 3) | BITS(11, 8) | BITS(63, 52) },
	{ VTD, 12, 0, 0, true, 0, BITS(11, 3) | BITS(63, 52) },
	{ VTD, 12, 0, 1, true, BITS(20, 12),
	  BITS(6, 3) | BITS(11, 8) | BITS(63, 52) },
	{ VTD, 12, 0, 2, true, BITS(29, 12),
	  BITS(6, 3) | BITS(11, 8) | BITS(63, 52) },
	{ VTD, 12, 46, 0, true, BITS(51, 46), BITS(63, 52) },
	{ VTD, 12, 46, 1, false, BITS(51, 46), BITS(63, 52) },
	/* 8.2.2 */
	{ X86, 12, 0, 3, false, BIT(7),
	  BITS(6, 3) | BITS(11, 8) | BITS(62, 52) },
	{ X86, 12, 0, 1, false, 0, BITS(6, 3) | BITS(11, 8) | BITS(62, 52) },
	{ X86, 12, 0, 0, true, 0,
	  BITS(5, 3) | BITS(11, 7) | BITS(62, 52) },
	{ X86, 12, 0, 1, true, BITS(20, 13),
	  BITS(5, 3) | BITS(12, 8) | BITS(62, 52) },
	{ X86, 12, 0, 2, true, BITS(29, 13),
	  BITS(5, 3) | BITS(12, 8) | BITS(62, 52) },
	{ X86, 12, 48, 0, true, BITS(51, 48), 0 },
	{ X86, 12, 48, 2, false, BITS(51, 48), 0 },
	/* 8.3.2 */
	{ S1, 12, 0, 3, false, BITS(50, 48),
	  BITS(11, 2) | BITS(58, 51) | BIT(63) },
	{ S1, 14, 0, 1, false, BITS(50, 48) | BITS(13, 12),
	  BITS(11, 2) | BITS(58, 51) | BIT(63) },
	{ S1, 16, 0, 1, false, BITS(50, 48) | BITS(15, 12),
	  BITS(11, 2) | BITS(58, 51) | BIT(63) },
	{ S1, 16, 52, 1, false, BITS(50, 48),
	  BITS(11, 2) | BITS(58, 51) | BIT(63) },
	{ S1, 12, 0, 0, true, BIT(1) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BIT(11) | BITS(52, 51) | BITS(58, 55) },
	{ S1, 12, 0, 1, true, BITS(20, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BIT(11) | BITS(52, 51) | BITS(58, 55) },
	{ S1, 12, 0, 2, true, BITS(29, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 14, 0, 1, true, BITS(24, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 16, 0, 0, true,
	  BIT(1) | BITS(15, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 16, 0, 1, true, BITS(28, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 16, 52, 1, true, BITS(28, 16) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 16, 52, 2, true, BITS(41, 16) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	{ S1, 12, 44, 0, true, BIT(1) | BITS(50, 44), 0 },
	{ S1, 12, 44, 2, false, BITS(50, 44), 0 },
	{ S2, 12, 0, 2, false, BITS(50, 48) | BITS(63, 59),
	  BITS(11, 2) | BITS(58, 51) },
	{ S2, 12, 0, 0, true, BIT(1) | BIT(11) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(52, 51) | BITS(58, 55) },
	{ S2, 14, 0, 1, true,
	  BIT(11) | BITS(24, 12) | BITS(50, 48) | BITS(63, 59),
	  BITS(5, 2) | BITS(9, 8) | BITS(58, 55) },
	/* 8.4.2 */
	{ RV, 12, 0, 3, false, BIT(4) | BITS(7, 6) | BITS(63, 54),
	  BIT(5) | BITS(9, 8) },
	{ RV, 12, 0, 0, true, BITS(60, 54) | BIT(63),
	  BIT(5) | BITS(9, 8) | BITS(62, 61) },
	{ RV, 12, 0, 1, true, BITS(18, 10) | BITS(60, 54) | BIT(63),
	  BIT(5) | BITS(9, 8) | BITS(62, 61) },
	{ RV, 12, 0, 3, true, BITS(36, 10) | BITS(60, 54) | BIT(63),
	  BIT(5) | BITS(9, 8) | BITS(62, 61) },
	{ RV, 12, 50, 0, true, BITS(53, 48), 0 },
	{ RV, 12, 50, 1, false, BITS(53, 48), 0 },
	{ RV4, 12, 0, 1, false, BIT(4) | BITS(7, 6) | BITS(63, 54),
	  BIT(5) | BITS(9, 8) },
	{ RV4, 12, 0, 2, true, BIT(4) | BITS(27, 10) | BITS(60, 54) | BIT(63),
	  BIT(5) | BITS(9, 8) | BITS(62, 61) },
	/* the mock format's head */
	{ MOCK, 12, 0, 1, false, BITS(6, 0) | BITS(11, 9), BIT(7) },
	{ MOCK, 12, 0, 0, true, BITS(11, 8), BITS(4, 3) | BITS(7, 6) },
	{ MOCK, 12, 0, 2, true, BITS(29, 8), BITS(4, 3) | BITS(7, 6) },
	{ MOCK, 12, 60, 0, true, BITS(63, 60), 0 },
	{ MOCK, 12, 60, 1, false, BITS(63, 60), 0 },
};

static struct walker_config config_of(const struct masks *m)
{
	struct walker_config cfg = usual(m->format);

	cfg.granule_lg2 = m->granule_lg2;
	/* 16 and 64 KiB: three full levels fit in 47 and 48 bits. */
	if (m->granule_lg2 > 12)
		cfg.levels = 3;
	if (m->granule_lg2 == 14)
		cfg.va_bits = 47;
	if (m->oa_bits)
		cfg.oa_bits = m->oa_bits;
	assert_null(walker_check(&cfg));
	return cfg;
}

static void check_bit(const struct walker_config *cfg, const struct masks *m,
		      uint64_t word, unsigned int bit)
{
	struct walker_entry before, after;
	bool zero = m->zero & BIT(bit);

	walker_decode(cfg, m->level, word, &before);
	walker_decode(cfg, m->level, word ^ BIT(bit), &after);
	assert_int_equal(before.kind, m->leaf ? WALKER_LEAF : WALKER_TABLE);
	if (zero != (after.kind == WALKER_INVALID))
		fail_msg("row %td, bit %u: kind %d %s", m - masks, bit,
			 after.kind, after.why ? after.why : "");
	if (zero)
		assert_non_null(after.why);
	if (!(m->harmless & BIT(bit)))
		return;
	if (after.kind != before.kind || after.access != before.access)
		fail_msg("row %td, bit %u is not harmless", m - masks, bit);
	assert_int_equal(after.oa, before.oa);
	assert_int_equal(after.lg2, before.lg2);
	assert_int_equal(after.child, before.child);
	assert_int_equal(after.child_level, before.child_level);
}

/* Bits with a rule of their own are in neither mask and not tried. */
static void reserved_bits_fault_and_ignored_bits_do_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_OF(masks); i++) {
		const struct masks *m = &masks[i];
		struct walker_config cfg = config_of(m);
		uint64_t word = m->leaf ?
				leaf_word(m->format, m->level, 0) :
				table_word(m->format, m->level, 0);

		for (unsigned int bit = 0; bit < 64; bit++) {
			if ((m->zero | m->harmless) & BIT(bit))
				check_bit(&cfg, m, word, bit);
		}
	}
}

/* The same through a walk and an enumeration, at each level of the path. */
static void one_bad_entry_ends_walk_and_enumeration(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t i = 0; i < NR_OF(masks); i++) {
		const struct masks *m = &masks[i];
		unsigned int bit = 63;
		struct walker_config cfg = config_of(m);
		uint64_t word;

		if (m->leaf || !m->zero)
			continue;
		while (!(m->zero & BIT(bit)))
			bit--;
		bench_init(&b, &cfg);
		bench_put(&b, TABLE(0), 0, leaf_word(m->format, 0, 0));
		assert_int_equal(bench_walk(&b, 0, R, &r), WALKER_OK);
		assert_tree(&b, NULL);
		word = bench_get(&b, table_at(&b, m->level), 0) ^ BIT(bit);
		bench_put(&b, table_at(&b, m->level), 0, word);
		assert_int_equal(bench_walk(&b, 0, R, &r), WALKER_MALFORMED);
		assert_int_equal(r.step[r.nr_steps - 1].kind, WALKER_INVALID);
		assert_int_equal(r.step[r.nr_steps - 1].level, m->level);
		assert_tree(&b, r.why);
	}
}

static void what_is_not_present_is_empty_whatever_else_it_holds(void **state)
{
	static const uint64_t present[WALKER_NR_FORMATS] = {
		[AMD] = 1, [VTD] = 7, [X86] = 1, [S1] = 1,
		[S2] = 1, [RV] = 1, [RV4] = 1, [MOCK] = UINT64_MAX,
	};
	struct walker_entry e;

	(void)state;
	for (int f = 0; f < WALKER_NR_FORMATS; f++) {
		struct walker_config cfg = usual((enum walker_format)f);

		for (unsigned int level = 0; level < 4; level++) {
			walker_decode(&cfg, level, ~present[f], &e);
			assert_int_equal(e.kind, WALKER_EMPTY);
			assert_int_equal(e.access, 0);
			walker_decode(&cfg, level, 0, &e);
			assert_int_equal(e.kind, WALKER_EMPTY);
		}
	}
}

/* ---- levels of leaves --------------------------------------------------- */

static enum walker_kind kind_of(const struct walker_config *cfg,
				unsigned int level, uint64_t word)
{
	struct walker_entry e;

	walker_decode(cfg, level, word, &e);
	return e.kind;
}

static void leaves_stand_on_the_levels_that_have_them(void **state)
{
	static const struct {
		enum walker_format format;
		uint8_t granule, va, oa, levels;
		/* Bit n: leaves of one item at level n. */
		uint8_t may;
	} rows[] = {
		/* 512 GiB, level 3 of amdv1, is excluded. */
		{ AMD, 12, 64, 52, 6, 0x17 }, { X86, 12, 57, 52, 5, 0x07 },
		{ VTD, 12, 57, 52, 5, 0x07 }, { S1, 12, 48, 48, 4, 0x07 },
		{ S1, 14, 48, 48, 4, 0x03 }, { S1, 16, 48, 48, 3, 0x03 },
		{ S1, 16, 52, 52, 3, 0x07 }, { S2, 12, 48, 48, 4, 0x07 },
		{ S2, 16, 52, 52, 3, 0x07 }, { RV, 12, 57, 56, 5, 0x1f },
		{ RV4, 12, 59, 56, 5, 0x1f }, { MOCK, 9, 63, 63, 6, 0x3f },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		struct walker_config cfg = usual(rows[i].format);

		cfg.granule_lg2 = rows[i].granule;
		cfg.va_bits = rows[i].va;
		cfg.oa_bits = rows[i].oa;
		cfg.levels = rows[i].levels;
		assert_null(walker_check(&cfg));
		for (unsigned int level = 0; level < cfg.levels; level++) {
			uint64_t word = leaf_word(cfg.format, level, 0);
			bool leaf = kind_of(&cfg, level, word) == WALKER_LEAF;

			/* PS at upper levels is a bit of a table entry. */
			if (leaf != !!(rows[i].may & BIT(level)))
				fail_msg("row %zu, level %u", i, level);
		}
	}
}

/* ---- amdv1 -------------------------------------------------------------- */

static void amd_levels_must_descend(void **state)
{
	struct walker_config cfg = usual(AMD);
	struct walker_entry e;

	(void)state;
	cfg.levels = 6;
	cfg.va_bits = 64;
	for (unsigned int level = 0; level < 6; level++) {
		for (unsigned int next = 1; next < 7; next++) {
			walker_decode(&cfg, level,
				      table_word(AMD, next, 0x1000), &e);
			assert_int_equal(e.kind, next <= level ?
					 WALKER_TABLE : WALKER_INVALID);
			if (next <= level) {
				assert_int_equal(e.child_level, next - 1);
				assert_int_equal(e.child, 0x1000);
			}
		}
	}
}

/* The root points past levels 2 and 1, or past one of them. */
static void amd_skipped_levels_want_zeros(void **state)
{
	static struct bench b;
	struct walker_result r;
	struct walker_tally t;

	(void)state;
	bench_of(&b, AMD);
	bench_put(&b, TABLE(0), 7, leaf_word(AMD, 0, TARGET));
	bench_put(&b, ROOT, 2, table_word(AMD, 1, TABLE(0)));
	bench_put(&b, ROOT, 0, 0);
	assert_int_equal(bench_walk(&b, 2 * BIT(39) + 0x7123, R | W, &r),
			 WALKER_OK);
	assert_int_equal(r.oa, TARGET + 0x123);
	assert_int_equal(r.nr_steps, 2);
	assert_int_equal(r.step[1].level, 0);
	for (unsigned int bit = 21; bit < 39; bit++)
		assert_int_equal(bench_walk(&b, 2 * BIT(39) + BIT(bit) + 0x7000,
					    0, &r), WALKER_NOT_MAPPED);
	assert_true(walker_for_each(&b.cfg, &b.io, NULL, NULL, &t, NULL));
	assert_int_equal(t.leaves, 1);
	assert_int_equal(t.tables, 2);

	/* One level skipped: index bits of level 1 matter again. */
	bench_put(&b, TABLE(0), 7, 0);
	bench_put(&b, TABLE(1), 0, 0);
	bench_put(&b, TABLE(1), 9, leaf_word(AMD, 1, TARGET));
	bench_put(&b, ROOT, 2, table_word(AMD, 2, TABLE(1)));
	assert_int_equal(bench_walk(&b, 2 * BIT(39) + 9 * BIT(21), R, &r),
			 WALKER_OK);
	assert_int_equal(bench_walk(&b, 2 * BIT(39) + 9 * BIT(21) + BIT(30),
				    R, &r), WALKER_NOT_MAPPED);
}

static uint64_t amd_coded(uint64_t oa, unsigned int lg2)
{
	return oa | (lg2 > 13 ? BITS(lg2 - 2, 12) : 0) | BIT(62) | BIT(61) |
	       7 << 9 | 1;
}

static void amd_sizes_are_those_of_the_level(void **state)
{
	struct walker_config cfg = usual(AMD);
	struct walker_entry e;

	(void)state;
	cfg.levels = 6;
	cfg.va_bits = 64;
	for (unsigned int level = 0; level < 6; level++) {
		unsigned int item = 12 + 9 * level;

		for (unsigned int lg2 = 13; lg2 < 52; lg2++) {
			bool fits = level < 5 && lg2 > item && lg2 < item + 9;
			uint64_t oa = lg2 < 51 ? BIT(lg2) * 3 & BITS(51, 0) : 0;

			walker_decode(&cfg, level, amd_coded(oa, lg2), &e);
			assert_int_equal(e.kind,
					 fits ? WALKER_LEAF : WALKER_INVALID);
			if (fits) {
				assert_int_equal(e.lg2, lg2);
				assert_int_equal(e.oa, oa);
			}
		}
		/* 2^52, and a code without an end */
		assert_int_equal(kind_of(&cfg, level, amd_coded(0, 52)),
				 WALKER_INVALID);
		assert_int_equal(kind_of(&cfg, level, amd_coded(0, 53)),
				 WALKER_INVALID);
	}
}

static void amd_encryption_bit_is_no_address(void **state)
{
	static const unsigned int bits[] = { 47, 51 };
	static struct bench b;
	struct walker_result r;
	struct walker_entry e;

	(void)state;
	for (size_t i = 0; i < NR_OF(bits); i++) {
		struct walker_config cfg = usual(AMD);
		uint64_t c = BIT(bits[i]);

		cfg.c_bit = c;
		cfg.root = ROOT | c;
		assert_null(walker_check(&cfg));
		cfg.root = ROOT;
		bench_init(&b, &cfg);
		for (unsigned int level = 1; level < 4; level++)
			bench_put(&b, table_at(&b, level), 0,
				  table_word(AMD, level, TABLE(level - 1)) | c);
		bench_put(&b, TABLE(0), 0, leaf_word(AMD, 0, TARGET) | c);
		bench_put(&b, TABLE(0), 1, leaf_word(AMD, 0, TARGET));
		b.cfg.root |= c;
		for (uint64_t iova = 0; iova < 0x2000; iova += 0x1000) {
			assert_int_equal(bench_walk(&b, iova, R, &r),
					 WALKER_OK);
			assert_int_equal(r.oa, TARGET);
		}
		assert_tree(&b, NULL);
		walker_decode(&b.cfg, 1, amd_coded(TARGET, 24) | c, &e);
		assert_int_equal(e.kind, WALKER_LEAF);
		assert_int_equal(e.lg2, 24);
		assert_int_equal(e.oa, TARGET);
	}
}

/* ---- permissions along the path ----------------------------------------- */

/* What a word at @level allows when @bits of it are flipped. */
static uint32_t path_access_with(uint32_t flags, enum walker_format format,
				 unsigned int level, uint64_t bits)
{
	static struct bench b;
	struct walker_result r;
	uint64_t table;

	bench_of(&b, format);
	b.cfg.flags |= flags;
	bench_put(&b, TABLE(0), 0, leaf_word(format, 0, TARGET));
	table = table_at(&b, level);
	bench_put(&b, table, 0, bench_get(&b, table, 0) ^ bits);
	assert_int_equal(bench_walk(&b, 0, 0, &r), WALKER_OK);
	for (uint32_t access = 0; access < 8; access++) {
		struct walker_result again;

		assert_int_equal(bench_walk(&b, 0, access, &again),
				 access & ~r.access ? WALKER_DENIED :
						      WALKER_OK);
		assert_int_equal(again.access, r.access);
		assert_int_equal(again.oa, TARGET);
	}
	return r.access;
}

static uint32_t path_access(enum walker_format format, unsigned int level,
			    uint64_t bits)
{
	return path_access_with(0, format, level, bits);
}

static void permissions_are_the_and_of_the_path(void **state)
{
	static const struct {
		enum walker_format format;
		uint64_t bits;
		uint32_t access;
	} rows[] = {
		{ AMD, BIT(61), W }, { AMD, BIT(62), R | X },
		{ AMD, BIT(61) | BIT(62), 0 },
		{ VTD, BIT(0), W | X }, { VTD, BIT(1), R | X },
		{ VTD, BIT(2), R | W }, { VTD, BIT(0) | BIT(1), X },
		{ X86, BIT(1), R | X }, { X86, BIT(63), R | W },
		{ X86, BIT(2), 0 }, { X86, BIT(1) | BIT(63), R },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		for (unsigned int level = 0; level < 4; level++)
			assert_int_equal(path_access(rows[i].format, level,
						     rows[i].bits),
					 rows[i].access);
	}
}

static void arm_tables_restrict_stage_1(void **state)
{
	static const struct {
		uint64_t bits;
		uint32_t access;
	} rows[] = {
		{ 0, R | W | X }, { BIT(59), R | W }, { BIT(60), R | W },
		{ BIT(61), 0 }, { BIT(62), R | X }, { BIT(63), R | W | X },
		{ BIT(62) | BIT(60), R },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		for (unsigned int level = 1; level < 4; level++)
			assert_int_equal(path_access(S1, level, rows[i].bits),
					 rows[i].access);
	}
}

static void leaves_have_the_permissions_of_their_bits(void **state)
{
	static const struct {
		enum walker_format format;
		uint64_t bits;
		uint32_t access;
	} rows[] = {
		/* AP[2], AP[1], AF, XN */
		{ S1, BIT(7), R | X }, { S1, BIT(6), 0 }, { S1, BIT(10), 0 },
		{ S1, BIT(53), R | W }, { S1, BIT(54), R | W },
		/* DBM means nothing unless hardware updates. */
		{ S1, BIT(51), R | W | X }, { S1, BIT(51) | BIT(7), R | X },
		{ S2, BIT(6), W }, { S2, BIT(7), R | X },
		{ S2, BIT(6) | BIT(7), 0 }, { S2, BIT(10), 0 },
		{ S2, BIT(53), R | W }, { S2, BIT(51) | BIT(7), R | X },
		{ RV, BIT(3), R | W }, { RV, BIT(2), R | X },
		{ RV, BIT(1) | BIT(2), X }, { RV, BIT(4), 0 },
		{ RV, BIT(6), 0 }, { RV, BIT(7), R | X },
		{ RV4, BIT(7), R | X }, { RV4, BIT(3) | BIT(2), R },
		{ X86, BIT(6), R | X },
		{ MOCK, BIT(1), R | X }, { MOCK, BIT(0), W },
		{ MOCK, BIT(5), R | W },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++)
		assert_int_equal(path_access(rows[i].format, 0, rows[i].bits),
				 rows[i].access);
}

/* Hardware that updates marks what is not marked yet. */
static void updating_hardware_wants_no_marks(void **state)
{
	static const struct {
		enum walker_format format;
		uint64_t bits;
		uint32_t access;
	} rows[] = {
		{ S1, BIT(10), R | W | X }, { S1, BIT(7), R | X },
		{ S1, BIT(51) | BIT(7), R | W | X },
		{ S1, BIT(51) | BIT(7) | BIT(6), 0 },
		{ S2, BIT(10), R | W | X }, { S2, BIT(7), R | X },
		{ S2, BIT(51) | BIT(7), R | W | X },
		{ RV, BIT(6) | BIT(7), R | W | X }, { RV, BIT(2), R | X },
		{ RV4, BIT(6), R | W | X }, { RV4, BIT(7), R | W | X },
		{ X86, BIT(5) | BIT(6), R | W | X }, { X86, BIT(1), R | X },
	};

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++)
		assert_int_equal(path_access_with(WALKER_DIRTY, rows[i].format,
						  0, rows[i].bits),
				 rows[i].access);
}

/* ---- riscv -------------------------------------------------------------- */

static void riscv_reserved_combinations_fault(void **state)
{
	static const enum walker_format formats[] = { RV, RV4 };

	(void)state;
	for (size_t i = 0; i < NR_OF(formats); i++) {
		struct walker_config cfg = usual(formats[i]);

		for (unsigned int level = 0; level < 4; level++) {
			/* V, U, A, D and R, W, X */
			for (uint64_t rwx = 1; rwx < 8; rwx++)
				assert_int_equal(
					kind_of(&cfg, level, 0xd1 | rwx << 1),
					(rwx & 3) == 2 ? WALKER_INVALID :
							 WALKER_LEAF);
			/* PBMT */
			for (uint64_t m = 0; m < 4; m++)
				assert_int_equal(
					kind_of(&cfg, level, 0xdf | m << 61),
					m == 3 ? WALKER_INVALID : WALKER_LEAF);
		}
		/* A table below level 0 */
		assert_int_equal(kind_of(&cfg, 0, 1), WALKER_INVALID);
		assert_int_equal(kind_of(&cfg, 1, 1), WALKER_TABLE);
	}
}

static void napot_has_one_pattern_at_level_0(void **state)
{
	struct walker_config cfg = usual(RV);
	struct walker_entry e;

	(void)state;
	cfg.flags |= WALKER_CONTIGUOUS;
	for (uint64_t low = 0; low < 16; low++) {
		uint64_t word = leaf_word(RV, 0, TARGET) | BIT(63) | low << 10;

		walker_decode(&cfg, 0, word, &e);
		assert_int_equal(e.kind,
				 low == 8 ? WALKER_LEAF : WALKER_INVALID);
		if (low == 8) {
			assert_int_equal(e.lg2, 16);
			assert_int_equal(e.oa, TARGET);
		}
		for (unsigned int level = 1; level < 4; level++)
			assert_int_equal(kind_of(&cfg, level, word),
					 WALKER_INVALID);
	}
	cfg.flags &= ~(uint32_t)WALKER_CONTIGUOUS;
	assert_int_equal(kind_of(&cfg, 0, leaf_word(RV, 0, TARGET) | BIT(63) |
					  8 << 10), WALKER_INVALID);
}

/* ---- arm64 -------------------------------------------------------------- */

static void arm_64k_packs_the_address(void **state)
{
	static const enum walker_format formats[] = { S1, S2 };
	struct walker_entry e;

	(void)state;
	for (size_t i = 0; i < NR_OF(formats); i++) {
		struct walker_config cfg = usual(formats[i]);

		cfg.granule_lg2 = 16;
		cfg.levels = 3;
		cfg.oa_bits = 52;
		walker_decode(&cfg, 0, leaf_word(formats[i], 0, 0) |
			      UINT64_C(0x0000bcde5678a000), &e);
		assert_int_equal(e.kind, WALKER_LEAF);
		assert_int_equal(e.oa, UINT64_C(0xabcde56780000));
		walker_decode(&cfg, 1, table_word(formats[i], 1, 0) |
			      UINT64_C(0x0000bcde5678a000), &e);
		assert_int_equal(e.kind, WALKER_TABLE);
		assert_int_equal(e.child, UINT64_C(0xabcde56780000));
		cfg.oa_bits = 48;
		assert_int_equal(kind_of(&cfg, 0,
					 leaf_word(formats[i], 0, 0) |
					 BIT(12)), WALKER_INVALID);
	}
}

static void arm_groups_have_the_size_of_granule_and_level(void **state)
{
	static const struct {
		uint8_t granule, levels, oa;
		uint8_t lg2[3];
	} rows[] = {
		{ 12, 4, 48, { 16, 25, 34 } }, { 14, 4, 48, { 21, 30, 0 } },
		{ 16, 3, 52, { 21, 34, 0 } },
	};
	struct walker_entry e;

	(void)state;
	for (size_t i = 0; i < NR_OF(rows); i++) {
		struct walker_config cfg = usual(S1);

		cfg.granule_lg2 = rows[i].granule;
		cfg.levels = rows[i].levels;
		cfg.oa_bits = rows[i].oa;
		for (unsigned int level = 0; level < 3; level++) {
			uint64_t word = leaf_word(S1, level, 0) | BIT(52);
			unsigned int lg2 = rows[i].lg2[level];
			unsigned int item = rows[i].granule +
					    level * (rows[i].granule - 3u);

			cfg.flags = WALKER_CONTIGUOUS;
			walker_decode(&cfg, level, word, &e);
			assert_int_equal(e.kind,
					 lg2 ? WALKER_LEAF : WALKER_INVALID);
			assert_int_equal(e.lg2, lg2);
			/* Who does not know groups ignores the bit. */
			cfg.flags = 0;
			walker_decode(&cfg, level, word, &e);
			assert_int_equal(e.lg2,
					 e.kind == WALKER_LEAF ? item : 0);
		}
	}
	/* A root of four items has no group of sixteen. */
	struct walker_config cfg = usual(S1);

	cfg.levels = 3;
	cfg.va_bits = 32;
	cfg.flags = WALKER_CONTIGUOUS;
	assert_null(walker_check(&cfg));
	assert_int_equal(kind_of(&cfg, 2, leaf_word(S1, 2, 0) | BIT(52)),
			 WALKER_INVALID);
}

/* Concatenated tables are one: the index is wider. */
static void arm_concatenated_roots_are_one_table(void **state)
{
	static struct bench b;
	struct walker_config cfg = usual(S2);
	struct walker_result r;

	(void)state;
	cfg.levels = 3;
	cfg.va_bits = 42;
	cfg.oa_bits = 42;
	bench_init(&b, &cfg);
	bench_table(&b, ROOT, 0x8000);
	bench_put(&b, ROOT, 0, 0);
	bench_put(&b, ROOT, 4095, leaf_word(S2, 2, BIT(41)));
	assert_int_equal(bench_walk(&b, BIT(42) - 1, R | W, &r), WALKER_OK);
	assert_int_equal(r.oa, BIT(41) + BIT(30) - 1);
	assert_int_equal(r.step[0].index, 4095);
	assert_tree(&b, NULL);
}

/* ---- widths ------------------------------------------------------------- */

static void the_last_output_address_must_fit(void **state)
{
	struct walker_config cfg = usual(RV);

	(void)state;
	cfg.oa_bits = 30;
	assert_int_equal(kind_of(&cfg, 2, leaf_word(RV, 2, 0)), WALKER_LEAF);
	cfg.oa_bits = 29;
	assert_int_equal(kind_of(&cfg, 2, leaf_word(RV, 2, 0)),
			 WALKER_INVALID);
	assert_int_equal(kind_of(&cfg, 1, leaf_word(RV, 1, 0)), WALKER_LEAF);
}

static void mock_sizes_are_those_of_the_level(void **state)
{
	struct walker_config cfg = usual(MOCK);
	struct walker_entry e;

	(void)state;
	cfg.granule_lg2 = 9;
	cfg.levels = 7;
	cfg.va_bits = 64;
	for (unsigned int level = 0; level < 7; level++) {
		unsigned int item = 9 + 9 * level;

		for (unsigned int lg2 = 10; lg2 < 64; lg2++) {
			uint64_t ones = lg2 > 10 ? BITS(lg2 - 2, 9) : 0;
			bool fits = lg2 > item && lg2 < item + 9;
			uint64_t oa = lg2 < 63 ? BIT(lg2 + 1) : 0;

			walker_decode(&cfg, level, oa | ones | 7, &e);
			assert_int_equal(e.kind,
					 fits ? WALKER_LEAF : WALKER_INVALID);
			if (fits) {
				assert_int_equal(e.lg2, lg2);
				assert_int_equal(e.oa, oa);
			}
		}
		assert_int_equal(kind_of(&cfg, level, BITS(63, 9) | 7),
				 WALKER_INVALID);
		assert_int_equal(kind_of(&cfg, level, BITS(62, 9) | 7),
				 WALKER_INVALID);
	}
	assert_int_equal(kind_of(&cfg, 0, 0x1000), WALKER_INVALID);
	walker_decode(&cfg, 0, 0x1100, &e);
	assert_int_equal(e.kind, WALKER_INVALID);
	assert_string_equal(e.why, "points below the last level");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			reserved_bits_fault_and_ignored_bits_do_nothing),
		cmocka_unit_test(one_bad_entry_ends_walk_and_enumeration),
		cmocka_unit_test(
			what_is_not_present_is_empty_whatever_else_it_holds),
		cmocka_unit_test(leaves_stand_on_the_levels_that_have_them),
		cmocka_unit_test(amd_levels_must_descend),
		cmocka_unit_test(amd_skipped_levels_want_zeros),
		cmocka_unit_test(amd_sizes_are_those_of_the_level),
		cmocka_unit_test(amd_encryption_bit_is_no_address),
		cmocka_unit_test(permissions_are_the_and_of_the_path),
		cmocka_unit_test(arm_tables_restrict_stage_1),
		cmocka_unit_test(leaves_have_the_permissions_of_their_bits),
		cmocka_unit_test(updating_hardware_wants_no_marks),
		cmocka_unit_test(riscv_reserved_combinations_fault),
		cmocka_unit_test(napot_has_one_pattern_at_level_0),
		cmocka_unit_test(arm_64k_packs_the_address),
		cmocka_unit_test(arm_groups_have_the_size_of_granule_and_level),
		cmocka_unit_test(arm_concatenated_roots_are_one_table),
		cmocka_unit_test(the_last_output_address_must_fit),
		cmocka_unit_test(mock_sizes_are_those_of_the_level),
	};

	return cmocka_run_group_tests_name("walker rules", tests, NULL, NULL);
}
