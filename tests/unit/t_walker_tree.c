/* SPDX-License-Identifier: MIT */
/*
 * walker tree: enumeration, groups, and writes of a device
 *
 * Trees that point in circles, share tables, end in holes of memory, and words
 * at random: enumeration and walks must tell the same.
 */
#include "walker_test.h"

#include "prng.h"

#define TWICE "a table is reached twice"
#define INCOMPLETE "a group is not complete"
#define DISAGREE "items of a group disagree"

static const uint32_t sign = WALKER_SIGN_EXTEND;
static const uint32_t groups = WALKER_CONTIGUOUS;

/* ---- shape of the tree -------------------------------------------------- */

static void circles_and_shared_tables_are_found(void **state)
{
	static struct bench b;

	(void)state;
	for (int f = 0; f < WALKER_NR_FORMATS; f++) {
		enum walker_format format = (enum walker_format)f;

		for (unsigned int level = 1; level < 4; level++) {
			/* Up to itself and to every table above it. */
			for (unsigned int up = level; up < 4; up++) {
				bench_of(&b, format);
				bench_put(&b, table_at(&b, level), 7,
					  table_word(format, level,
						     table_at(&b, up)));
				assert_tree(&b, TWICE);
			}
			/* Its child once more. */
			bench_of(&b, format);
			bench_put(&b, table_at(&b, level), 7,
				  table_word(format, level,
					     table_at(&b, level - 1)));
			assert_tree(&b, TWICE);
			bench_put(&b, table_at(&b, level), 7, 0);
			assert_tree(&b, NULL);
		}
	}
}

/* However many tables came in between. */
static void a_table_that_was_left_long_ago_is_remembered(void **state)
{
	static struct bench b;

	(void)state;
	for (uint32_t first = 1; first < 50; first += 6) {
		bench_of(&b, WALKER_VTDSS);
		for (uint32_t i = 1; i < 50; i++) {
			bench_page(&b, TABLE(10 + i));
			bench_put(&b, TABLE(1), i,
				  table_word(WALKER_VTDSS, 1, TABLE(10 + i)));
		}
		assert_tree(&b, NULL);
		bench_put(&b, TABLE(1), 511,
			  table_word(WALKER_VTDSS, 1, TABLE(10 + first)));
		assert_tree(&b, TWICE);
	}
}

/* A walk through a circle ends all the same. */
static void a_walk_through_a_circle_ends(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (int f = 0; f < WALKER_NR_FORMATS; f++) {
		bench_of(&b, (enum walker_format)f);
		for (unsigned int level = 1; level < 4; level++)
			bench_put(&b, table_at(&b, level), 0,
				  table_word(b.cfg.format, level, ROOT));
		bench_walk(&b, 0, 0, &r);
		assert_in_range(r.nr_steps, 1, 4);
		assert_int_equal(b.nr_reads, r.nr_steps);
	}
}

/* Roots of another size than tables: overlaps in part. */
static void a_table_inside_a_root_is_found(void **state)
{
	static struct bench b;
	struct walker_config cfg = usual(WALKER_RISCV64_X4);

	(void)state;
	for (uint64_t k = 0; k < 0x5000; k += 0x1000) {
		bench_init(&b, &cfg);
		bench_page(&b, ROOT + 0x4000);
		bench_put(&b, TABLE(2), 9,
			  table_word(cfg.format, 2, ROOT + k));
		assert_tree(&b, k < 0x4000 ? TWICE : NULL);
	}
	/* A root of 64 bytes in the middle of a page */
	cfg = usual(WALKER_ARM64_S1);
	cfg.levels = 3;
	cfg.va_bits = 32;
	cfg.root = ROOT + 0x840;
	bench_init(&b, &cfg);
	bench_page(&b, ROOT + 0x1000);
	bench_put(&b, TABLE(1), 9, table_word(cfg.format, 1, ROOT));
	assert_tree(&b, TWICE);
	bench_put(&b, TABLE(1), 9, table_word(cfg.format, 1, ROOT + 0x1000));
	assert_tree(&b, NULL);
}

struct record {
	struct walker_leaf leaf[600];
	unsigned int nr;
	unsigned int stop_at;
};

static bool record(void *ctx, const struct walker_leaf *leaf)
{
	struct record *rec = ctx;

	assert_true(rec->nr < NR_OF(rec->leaf));
	rec->leaf[rec->nr++] = *leaf;
	return rec->nr != rec->stop_at;
}

static void leaves_come_in_order_with_what_the_path_allows(void **state)
{
	static struct bench b;
	static struct record rec;
	struct walker_tally t;

	(void)state;
	bench_of(&b, WALKER_X86_64);
	rec.nr = 0;
	/* Lower half, upper half, and one level up in between. */
	bench_put(&b, TABLE(0), 3, leaf_word(WALKER_X86_64, 0, 0x5000));
	bench_put(&b, TABLE(1), 2, leaf_word(WALKER_X86_64, 1, BIT(21)));
	bench_put(&b, ROOT, 511, table_word(WALKER_X86_64, 3, TABLE(10)));
	bench_table(&b, TABLE(10), 0x1000);
	bench_put(&b, TABLE(10), 511, leaf_word(WALKER_X86_64, 2, BIT(30)));
	bench_put(&b, ROOT, 0, bench_get(&b, ROOT, 0) & ~BIT(1));
	assert_true(walker_for_each(&b.cfg, &b.io, record, &rec, &t, NULL));
	assert_int_equal(rec.nr, 3);
	assert_int_equal(rec.leaf[0].iova, 0x3000);
	assert_int_equal(rec.leaf[0].oa, 0x5000);
	assert_int_equal(rec.leaf[0].lg2, 12);
	assert_int_equal(rec.leaf[0].level, 0);
	assert_int_equal(rec.leaf[0].access, R | X);
	assert_true(rec.leaf[0].dirty);
	assert_int_equal(rec.leaf[1].iova, 2 * BIT(21));
	assert_int_equal(rec.leaf[1].level, 1);
	assert_int_equal(rec.leaf[2].iova, -BIT(30));
	assert_int_equal(rec.leaf[2].lg2, 30);
	assert_int_equal(rec.leaf[2].access, R | W | X);
	assert_int_equal(t.tables, 5);
	assert_int_equal(t.table_bytes, 5 * 4096);
	assert_int_equal(t.leaves, 3);
	assert_int_equal(t.mapped, BIT(30) + BIT(21) + BIT(12));
	assert_int_equal(t.by_lg2[12] + t.by_lg2[21] + t.by_lg2[30], 3);
}

static void who_has_seen_enough_stops(void **state)
{
	static struct bench b;
	static struct record rec;
	struct walker_tally t;

	(void)state;
	bench_of(&b, WALKER_VTDSS);
	for (uint32_t i = 0; i < 512; i++)
		bench_put(&b, TABLE(0), i, leaf_word(WALKER_VTDSS, 0, TARGET));
	/* What comes later is not looked at. */
	bench_put(&b, TABLE(1), 1, leaf_word(WALKER_VTDSS, 1, 0x1000));
	rec.nr = 0;
	rec.stop_at = 5;
	assert_true(walker_for_each(&b.cfg, &b.io, record, &rec, &t, NULL));
	assert_int_equal(rec.nr, 5);
	assert_int_equal(t.leaves, 5);
	rec.nr = 0;
	rec.stop_at = 0;
	assert_false(walker_for_each(&b.cfg, &b.io, record, &rec, &t, NULL));
	assert_int_equal(rec.nr, 512);
}

/* Items that no IOVA reaches are not read, nor is memory behind them. */
static void the_aperture_bounds_what_is_read(void **state)
{
	static struct bench b;
	struct walker_config cfg = usual(WALKER_VTDSS);

	(void)state;
	cfg.va_bits = 39;
	bench_init(&b, &cfg);
	bench_put(&b, ROOT, 1, table_word(WALKER_VTDSS, 3, TABLE(60)));
	assert_tree(&b, NULL);
	/* A leaf that only begins inside it */
	cfg.va_bits = 20;
	bench_init(&b, &cfg);
	bench_put(&b, TABLE(1), 0, leaf_word(WALKER_VTDSS, 1, 0));
	assert_tree(&b, "a leaf reaches beyond the aperture");
	/* 128 items of amdv1's level 5 */
	cfg = usual(WALKER_AMDV1);
	cfg.levels = 6;
	cfg.va_bits = 64;
	bench_init(&b, &cfg);
	bench_put(&b, ROOT, 128, table_word(WALKER_AMDV1, 5, TABLE(60)));
	assert_tree(&b, NULL);
	bench_put(&b, ROOT, 127, table_word(WALKER_AMDV1, 5, TABLE(60)));
	assert_tree(&b, "a table lies where there is no memory");
	/* 4 of a short root on Arm */
	cfg = usual(WALKER_ARM64_S1);
	cfg.levels = 3;
	cfg.va_bits = 32;
	bench_init(&b, &cfg);
	bench_put(&b, ROOT, 4, table_word(WALKER_ARM64_S1, 2, TABLE(60)));
	assert_tree(&b, NULL);
	bench_put(&b, ROOT, 3, table_word(WALKER_ARM64_S1, 2, TABLE(60)));
	assert_tree(&b, "a table lies where there is no memory");
}

/* The hole between two halves that are smaller than the tables decode. */
static void the_hole_is_not_read(void **state)
{
	static struct bench b;
	struct walker_config cfg = usual(WALKER_X86_64);

	(void)state;
	cfg.va_bits = 40;
	cfg.flags = sign;
	for (uint32_t i = 1; i < 512; i++) {
		bench_init(&b, &cfg);
		bench_put(&b, ROOT, i,
			  table_word(WALKER_X86_64, 3, TABLE(60)));
		assert_tree(&b, i < 511 ? NULL :
			    "a table lies where there is no memory");
	}
}

/* ---- groups ------------------------------------------------------------- */

struct group {
	enum walker_format format;
	uint8_t level;
	uint16_t items;
	uint8_t lg2;
	uint32_t flags;
	uint64_t word; /* for TARGET; added to by @stride */
	uint64_t stride;
	/* Hardware may change these in one item. */
	uint64_t soft;
	uint64_t dirty;
};

static const struct group group_rows[] = {
	{ WALKER_AMDV1, 0, 16, 16, 0,
	  TARGET | BITS(62, 61) | BITS(14, 12) | 7 << 9 | 1, 0,
	  BIT(5) | BIT(6), BIT(6) },
	{ WALKER_AMDV1, 1, 2, 22, 0,
	  TARGET | BITS(62, 61) | BITS(20, 12) | 7 << 9 | 1, 0,
	  BIT(5) | BIT(6), BIT(6) },
	{ WALKER_AMDV1, 2, 256, 38, 0,
	  TARGET | BITS(62, 61) | BITS(36, 12) | 7 << 9 | 1, 0,
	  BIT(5) | BIT(6), BIT(6) },
	{ WALKER_ARM64_S1, 0, 16, 16, WALKER_CONTIGUOUS | WALKER_DIRTY,
	  TARGET | BITS(52, 51) | 0xfc7, 0x1000, BIT(10) | BIT(7), BIT(7) },
	/* Without DBM no dirty state: AP[2] is a permission. */
	{ WALKER_ARM64_S1, 0, 16, 16, WALKER_CONTIGUOUS | WALKER_DIRTY,
	  TARGET | BIT(52) | 0xf47, 0x1000, BIT(10), 0 },
	{ WALKER_ARM64_S1, 1, 16, 25, WALKER_CONTIGUOUS,
	  TARGET | BIT(52) | 0xf45, BIT(21), 0, 0 },
	{ WALKER_ARM64_S2, 0, 16, 16, WALKER_CONTIGUOUS | WALKER_DIRTY,
	  TARGET | BITS(52, 51) | 0x77f, 0x1000, BIT(10) | BIT(7), BIT(7) },
	{ WALKER_RISCV64, 0, 16, 16,
	  WALKER_CONTIGUOUS | WALKER_DIRTY | WALKER_SIGN_EXTEND,
	  TARGET >> 2 | BIT(63) | 0x2000 | 0x5f, 0, BIT(6) | BIT(7), BIT(7) },
	{ WALKER_RISCV64, 0, 16, 16, WALKER_CONTIGUOUS | WALKER_SIGN_EXTEND,
	  TARGET >> 2 | BIT(63) | 0x2000 | 0xdf, 0, 0, 0 },
	{ WALKER_RISCV64_X4, 0, 16, 16, WALKER_CONTIGUOUS,
	  TARGET >> 2 | BIT(63) | 0x2000 | 0xdf, 0, 0, 0 },
	{ WALKER_MOCK, 0, 4, 14, 0, TARGET | 0x1007, 0, BIT(3), BIT(3) },
	{ WALKER_MOCK, 1, 256, 29, 0, TARGET | BITS(27, 12) | 7, 0, BIT(3),
	  BIT(3) },
};

/* The group begins at item @items of its table: aligned, and not the first. */
static void put_group(struct bench *b, const struct group *g)
{
	struct walker_config cfg = usual(g->format);
	uint64_t table;

	cfg.flags = g->flags;
	bench_init(b, &cfg);
	table = table_at(b, g->level);
	for (uint32_t i = 0; i < g->items; i++)
		bench_put(b, table, g->items + i, g->word + i * g->stride);
}

static void groups_are_one_leaf(void **state)
{
	static struct bench b;
	static struct record rec;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];
		uint64_t size = BIT(g->lg2);
		struct walker_result r;

		put_group(&b, g);
		rec = (struct record){ 0 };
		assert_true(walker_for_each(&b.cfg, &b.io, record, &rec, NULL,
					    NULL));
		assert_int_equal(rec.nr, 1);
		assert_int_equal(rec.leaf[0].iova, size);
		assert_int_equal(rec.leaf[0].oa, TARGET);
		assert_int_equal(rec.leaf[0].lg2, g->lg2);
		for (uint64_t k = 0; k < size; k += size / 32) {
			bench_walk(&b, size + k + 0x123, R, &r);
			assert_int_equal(r.status, WALKER_OK);
			assert_int_equal(r.oa, TARGET + k + 0x123);
			assert_int_equal(r.leaf_oa, TARGET);
			assert_int_equal(r.leaf_iova, size);
			assert_int_equal(r.lg2, g->lg2);
		}
	}
}

static void every_gap_in_a_group_is_found(void **state)
{
	static struct bench b;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];

		for (uint32_t i = 0; i < g->items; i++) {
			put_group(&b, g);
			bench_put(&b, table_at(&b, g->level), g->items + i, 0);
			assert_tree(&b, i ? DISAGREE : INCOMPLETE);
		}
	}
}

/* Any bit of any item but those that hardware changes. */
static void every_difference_in_a_group_is_found(void **state)
{
	static struct bench b;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];
		uint32_t step = g->items > 16 ? 51 : 1;

		for (uint32_t i = 0; i < g->items; i += step) {
			for (unsigned int bit = 0; bit < 64; bit++) {
				uint64_t *word;
				bool sound;

				put_group(&b, g);
				word = bench_at(&b, table_at(&b, g->level) +
						8 * (g->items + i));
				*word ^= BIT(bit);
				sound = walker_for_each(&b.cfg, &b.io, NULL,
							NULL, NULL, NULL);
				if (sound != !!(g->soft & BIT(bit)))
					fail_msg("row %zu, item %u, bit %u",
						 n, i, bit);
			}
		}
	}
}

/* A walk sees the dirty state of all items, wherever it goes. */
static void one_dirty_item_makes_the_leaf_dirty(void **state)
{
	static struct bench b;
	static struct record rec;
	struct walker_result r;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];
		unsigned int item;
		uint64_t table;

		if (!g->dirty)
			continue;
		put_group(&b, g);
		table = table_at(&b, g->level);
		item = g->lg2 - (unsigned int)__builtin_ctz(g->items);
		bench_walk(&b, BIT(g->lg2), R, &r);
		assert_false(r.dirty);
		*bench_at(&b, table + 12ull * g->items) ^=
			g->dirty;
		for (uint32_t i = 0; i < g->items; i++) {
			bench_walk(&b, BIT(g->lg2) + ((uint64_t)i << item), R,
				   &r);
			assert_int_equal(r.status, WALKER_OK);
			assert_true(r.dirty);
		}
		rec = (struct record){ 0 };
		assert_true(walker_for_each(&b.cfg, &b.io, record, &rec, NULL,
					    NULL));
		assert_true(rec.leaf[0].dirty);
	}
}

/* What stands where an item should be, and is another leaf, is not asked. */
static void dirty_neighbours_are_not_of_the_leaf(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];

		put_group(&b, g);
		if (!g->dirty)
			continue;
		bench_put(&b, table_at(&b, g->level), g->items + 1,
			  leaf_word(g->format, g->level, TARGET));
		bench_walk(&b, BIT(g->lg2), R, &r);
		assert_int_equal(r.status, WALKER_OK);
		assert_false(r.dirty);
	}
}

/* Arm: the first output is aligned to the group, the others follow. */
static void outputs_of_an_arm_group_follow_each_other(void **state)
{
	static struct bench b;
	const struct group *g = &group_rows[3];
	uint64_t table = TABLE(0);

	(void)state;
	put_group(&b, g);
	for (uint32_t i = 0; i < 16; i++)
		bench_put(&b, table, 16 + i, g->word + (i + 1) * 0x1000);
	assert_tree(&b, DISAGREE);
	put_group(&b, g);
	bench_put(&b, table, 20, g->word + 5 * 0x1000);
	bench_put(&b, table, 21, g->word + 4 * 0x1000);
	assert_tree(&b, DISAGREE);
}

/* ---- a device that writes ----------------------------------------------- */

struct dirt {
	enum walker_format format;
	uint8_t level;
	uint32_t flags;
	uint64_t clean; /* for TARGET */
	uint64_t dirty;
};

static const struct dirt dirt_rows[] = {
	{ WALKER_AMDV1, 0, 0, TARGET | BIT(62) | 1,
	  TARGET | BIT(62) | BIT(6) | 1 },
	{ WALKER_VTDSS, 0, 0, TARGET | 3, TARGET | 3 | BIT(9) },
	{ WALKER_VTDSS, 2, 0, TARGET | 0x83, TARGET | 0x83 | BIT(9) },
	{ WALKER_X86_64, 0, WALKER_DIRTY, TARGET | 0x27, TARGET | 0x67 },
	{ WALKER_X86_64, 1, WALKER_DIRTY, TARGET | 0xa7, TARGET | 0xe7 },
	{ WALKER_ARM64_S1, 0, WALKER_DIRTY, TARGET | BIT(51) | 0xfc7,
	  TARGET | BIT(51) | 0xf47 },
	{ WALKER_ARM64_S1, 1, WALKER_DIRTY, TARGET | BIT(51) | 0xfc5,
	  TARGET | BIT(51) | 0xf45 },
	/* Without DBM there is no dirty state. */
	{ WALKER_ARM64_S1, 0, WALKER_DIRTY, TARGET | 0xf47, TARGET | 0xf47 },
	{ WALKER_ARM64_S2, 0, WALKER_DIRTY, TARGET | BIT(51) | 0x77f,
	  TARGET | BIT(51) | 0x7ff },
	{ WALKER_RISCV64, 0, WALKER_DIRTY, TARGET >> 2 | 0x57,
	  TARGET >> 2 | 0xd7 },
	{ WALKER_RISCV64_X4, 2, WALKER_DIRTY, TARGET >> 2 | 0x57,
	  TARGET >> 2 | 0xd7 },
	/* No accessed bit */
	{ WALKER_RISCV64, 0, WALKER_DIRTY, TARGET >> 2 | 0x17,
	  TARGET >> 2 | 0x97 },
	{ WALKER_RISCV64, 0, 0, TARGET >> 2 | 0xd7, TARGET >> 2 | 0xd7 },
	{ WALKER_X86_64, 0, 0, TARGET | 0x67, TARGET | 0x67 },
	{ WALKER_MOCK, 0, 0, TARGET | 3, TARGET | 0xb },
};

static void put_dirt(struct bench *b, const struct dirt *d, uint64_t word)
{
	struct walker_config cfg = usual(d->format);

	cfg.flags = (cfg.flags & sign) | d->flags;
	bench_init(b, &cfg);
	bench_put(b, table_at(b, d->level), 9, word);
}

static void a_write_sets_the_dirty_bit(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t n = 0; n < NR_OF(dirt_rows); n++) {
		const struct dirt *d = &dirt_rows[n];
		uint64_t iova, table;

		put_dirt(&b, d, d->clean);
		table = table_at(&b, d->level);
		iova = 9ull << item_lg2(&b, d->level);
		if (d->clean != d->dirty) {
			bench_walk(&b, iova, W, &r);
			assert_int_equal(r.status, WALKER_OK);
			assert_false(r.dirty);
			assert_int_equal(bench_get(&b, table, 9), d->clean);
		}
		for (int i = 0; i < 2; i++) {
			walker_write(&b.cfg, &b.io, iova + 0x123, &r);
			if (r.status != WALKER_OK)
				fail_msg("row %zu: %d", n, r.status);
			assert_int_equal(r.oa, TARGET + 0x123);
			assert_int_equal(bench_get(&b, table, 9), d->dirty);
			assert_int_equal(r.step[r.nr_steps - 1].word,
					 d->dirty);
			assert_true(r.dirty || d->clean == d->dirty);
		}
	}
}

static void a_write_that_is_denied_changes_nothing(void **state)
{
	static const struct dirt rows[] = {
		{ WALKER_AMDV1, 0, 0, TARGET | BIT(61) | 1, 0 },
		{ WALKER_VTDSS, 0, 0, TARGET | 1, 0 },
		{ WALKER_X86_64, 0, WALKER_DIRTY, TARGET | 0x25, 0 },
		{ WALKER_X86_64, 0, 0, TARGET | 0x27, 0 },
		{ WALKER_ARM64_S1, 0, WALKER_DIRTY, TARGET | 0xfc7, 0 },
		{ WALKER_ARM64_S1, 0, 0, TARGET | BIT(51) | 0xfc7, 0 },
		{ WALKER_ARM64_S2, 0, WALKER_DIRTY, TARGET | 0x77f, 0 },
		{ WALKER_RISCV64, 0, WALKER_DIRTY, TARGET >> 2 | 0x53, 0 },
		{ WALKER_RISCV64, 0, 0, TARGET >> 2 | 0x57, 0 },
		{ WALKER_RISCV64, 0, 0, TARGET >> 2 | 0x97, 0 },
		{ WALKER_MOCK, 0, 0, TARGET | 1, 0 },
	};
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t n = 0; n < NR_OF(rows); n++) {
		put_dirt(&b, &rows[n], rows[n].clean);
		if (walker_write(&b.cfg, &b.io, 9 * 0x1000, &r) !=
		    WALKER_DENIED)
			fail_msg("row %zu: %d", n, r.status);
		assert_int_equal(bench_get(&b, TABLE(0), 9), rows[n].clean);
	}
	/* A table above it denies as well. */
	put_dirt(&b, &dirt_rows[5], dirt_rows[5].clean);
	bench_put(&b, TABLE(1), 0, bench_get(&b, TABLE(1), 0) | BIT(62));
	assert_int_equal(walker_write(&b.cfg, &b.io, 9 * 0x1000, &r),
			 WALKER_DENIED);
	assert_int_equal(bench_get(&b, TABLE(0), 9), dirt_rows[5].clean);
}

/* Only the item that was used. */
static void a_write_to_a_group_marks_one_item(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t n = 0; n < NR_OF(group_rows); n++) {
		const struct group *g = &group_rows[n];
		uint32_t used = g->items / 2 + 1;
		unsigned int item;
		uint64_t table;

		put_group(&b, g);
		if (used == g->items)
			used = 0;
		table = table_at(&b, g->level);
		item = g->lg2 - (unsigned int)__builtin_ctz(g->items);
		walker_write(&b.cfg, &b.io,
			     BIT(g->lg2) + ((uint64_t)used << item), &r);
		assert_int_equal(r.status, WALKER_OK);
		for (uint32_t i = 0; i < g->items; i++)
			assert_int_equal(bench_get(&b, table, g->items + i),
					 (g->word + i * g->stride) ^
					 (i == used ? g->dirty : 0));
		assert_tree(&b, NULL);
	}
}

static void a_write_looks_again_when_the_entry_changed(void **state)
{
	static struct bench b;
	const struct dirt *d = &dirt_rows[0];
	struct walker_result r;

	(void)state;
	put_dirt(&b, d, d->clean);
	b.nr_races = 3;
	b.race = d->clean | BIT(5);
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r), WALKER_OK);
	assert_int_equal(bench_get(&b, TABLE(0), 9), d->dirty | BIT(5));
	/* It is gone meanwhile, or may no longer be written. */
	put_dirt(&b, d, d->clean);
	b.nr_races = 1;
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r),
			 WALKER_NOT_MAPPED);
	put_dirt(&b, d, d->clean);
	b.nr_races = 1;
	b.race = TARGET | BIT(61) | 1;
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r),
			 WALKER_DENIED);
	/* It never holds still. */
	put_dirt(&b, d, d->clean);
	b.nr_races = ~0u;
	b.race = d->clean;
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r),
			 WALKER_NO_MEMORY);
	/* Memory that cannot be written, clean and dirty. */
	put_dirt(&b, d, d->clean);
	b.io.replace = NULL;
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r),
			 WALKER_NO_MEMORY);
	bench_put(&b, TABLE(0), 9, d->dirty);
	assert_int_equal(walker_write(&b.cfg, &b.io, 0x9000, &r), WALKER_OK);
}

/* ---- words at random ---------------------------------------------------- */

/* Tables, leaves and noise; some bits flipped in some of them. */
static uint64_t random_word(struct prng *rng, const struct bench *b,
			    unsigned int level)
{
	enum walker_format format = b->cfg.format;
	unsigned int item = item_lg2(b, level);
	uint64_t word, oa = BIT(item) * prng_below(rng, 8);
	uint64_t kind = prng_below(rng, 48);

	if (!kind)
		return prng_next(rng);
	if (kind == 1)
		word = table_word(format, level, TABLE(prng_below(rng, 6)));
	else if (kind < 32)
		word = leaf_word(format, level, oa);
	else
		return 0;
	if (!prng_below(rng, 32))
		word ^= BIT(prng_below(rng, 64));
	return word;
}

struct agreement {
	struct bench *b;
	uint64_t next;
	unsigned int nr;
};

/* Leaves ascend, and a walk says the same of their ends. */
static bool agree(void *ctx, const struct walker_leaf *leaf)
{
	struct agreement *a = ctx;
	uint64_t last = BIT(leaf->lg2) - 1;
	struct walker_result r;

	assert_true(!a->nr || leaf->iova >= a->next);
	assert_int_equal(leaf->iova & last, 0);
	assert_int_equal(leaf->oa & last, 0);
	a->next = leaf->iova + last + 1;
	a->nr++;
	for (int end = 0; end < 2; end++) {
		uint64_t k = end ? last : 0;

		assert_int_equal(bench_walk(a->b, leaf->iova + k, 0, &r),
				 WALKER_OK);
		assert_int_equal(r.oa, leaf->oa + k);
		assert_int_equal(r.leaf_iova, leaf->iova);
		assert_int_equal(r.leaf_oa, leaf->oa);
		assert_int_equal(r.lg2, leaf->lg2);
		assert_int_equal(r.access, leaf->access);
		assert_int_equal(r.dirty, leaf->dirty);
	}
	return true;
}

static void random_table(struct prng *rng, struct bench *b,
			 unsigned int level, uint64_t table)
{
	for (int i = 0; i < 6; i++)
		bench_put(b, table, (uint32_t)prng_below(rng, 24),
			  random_word(rng, b, level));
}

static void random_walks(struct prng *rng, struct bench *b)
{
	struct walker_result r;

	for (int i = 0; i < 40; i++) {
		uint64_t iova = prng_next(rng) >> prng_below(rng, 60);

		bench_walk(b, iova, (uint32_t)prng_below(rng, 8), &r);
		assert_int_equal(!r.why, r.status != WALKER_MALFORMED);
		for (unsigned int k = 1; k < r.nr_steps; k++)
			assert_true(r.step[k].level < r.step[k - 1].level);
		walker_write(&b->cfg, &b->io, iova, &r);
	}
}

static void words_at_random_never_mislead(void **state)
{
	static struct bench b;
	struct prng rng = { 1 };
	unsigned int sound = 0, leaves = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct walker_config cfg =
			usual((enum walker_format)(i % WALKER_NR_FORMATS));
		struct agreement a = { .b = &b };
		struct walker_tally t;
		const char *why = NULL;

		if (prng_below(&rng, 2))
			cfg.flags |= WALKER_DIRTY;
		if (prng_below(&rng, 2))
			cfg.flags |= groups;
		bench_init(&b, &cfg);
		for (unsigned int level = 0; level < 4; level++)
			random_table(&rng, &b, level, table_at(&b, level));
		if (walker_for_each(&b.cfg, &b.io, agree, &a, &t, &why))
			sound++;
		else
			assert_non_null(why);
		assert_int_equal(t.leaves, a.nr);
		assert_true(t.tables <= b.nr_pages + 1);
		leaves += a.nr;
		random_walks(&rng, &b);
	}
	/* Both outcomes happen, and not for want of leaves. */
	assert_in_range(sound, 300, 2700);
	assert_true(leaves > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(circles_and_shared_tables_are_found),
		cmocka_unit_test(a_table_that_was_left_long_ago_is_remembered),
		cmocka_unit_test(a_walk_through_a_circle_ends),
		cmocka_unit_test(a_table_inside_a_root_is_found),
		cmocka_unit_test(
			leaves_come_in_order_with_what_the_path_allows),
		cmocka_unit_test(who_has_seen_enough_stops),
		cmocka_unit_test(the_aperture_bounds_what_is_read),
		cmocka_unit_test(the_hole_is_not_read),
		cmocka_unit_test(groups_are_one_leaf),
		cmocka_unit_test(every_gap_in_a_group_is_found),
		cmocka_unit_test(every_difference_in_a_group_is_found),
		cmocka_unit_test(one_dirty_item_makes_the_leaf_dirty),
		cmocka_unit_test(dirty_neighbours_are_not_of_the_leaf),
		cmocka_unit_test(outputs_of_an_arm_group_follow_each_other),
		cmocka_unit_test(a_write_sets_the_dirty_bit),
		cmocka_unit_test(a_write_that_is_denied_changes_nothing),
		cmocka_unit_test(a_write_to_a_group_marks_one_item),
		cmocka_unit_test(a_write_looks_again_when_the_entry_changed),
		cmocka_unit_test(words_at_random_never_mislead),
	};

	return cmocka_run_group_tests_name("walker tree", tests, NULL, NULL);
}
