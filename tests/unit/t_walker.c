/* SPDX-License-Identifier: MIT */
/*
 * walker: the 99 vectors, configurations, apertures, memory
 *
 * The vectors carry tables that others wrote and checked: each is walked,
 * enumerated and decoded here, and must say what it is listed to say.
 */
#include "walker_test.h"

#include "vectors.h"

#include <stdio.h>

#ifndef VECTORS_JSON
#define VECTORS_JSON "tests/data/page-table-vectors.json"
#endif

/* ---- vectors ------------------------------------------------------------ */

static struct vectors *vectors;

static int load(void **state)
{
	(void)state;
	vectors = vectors_load(VECTORS_JSON);
	return vectors ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	vectors_free(vectors);
	return 0;
}

static void check_walk(struct vector *v, const struct vector_walk *w)
{
	struct walker_memory io = vector_memory(v);
	struct walker_result r;
	enum walker_status status =
		walker_walk(&v->cfg, &io, w->iova, w->access, &r);

	if (w->fault != (status != WALKER_OK))
		fail_msg("%s: 0x%llx: status %d %s", v->id,
			 (unsigned long long)w->iova, status,
			 r.why ? r.why : "");
	/* No vector is malformed. */
	assert_int_not_equal(status, WALKER_MALFORMED);
	assert_int_not_equal(status, WALKER_NO_MEMORY);
	if (!w->fault) {
		assert_int_equal(r.oa, w->pa);
		assert_int_equal(w->iova - r.leaf_iova, w->pa - r.leaf_oa);
	}
}

static void vectors_walk_as_listed(void **state)
{
	unsigned int nr_walks = 0, per_format[WALKER_NR_FORMATS] = { 0 };

	(void)state;
	assert_int_equal(vectors->nr, 99);
	for (uint32_t i = 0; i < vectors->nr; i++) {
		struct vector *v = &vectors->v[i];
		const char *why = walker_check(&v->cfg);

		if (why)
			fail_msg("%s: %s", v->id, why);
		for (uint32_t k = 0; k < v->nr_walks; k++)
			check_walk(v, &v->walks[k]);
		nr_walks += v->nr_walks;
		per_format[v->cfg.format]++;
	}
	assert_int_equal(nr_walks, 197);
	for (int f = 0; f < WALKER_MOCK; f++)
		assert_true(per_format[f] >= 3);
}

struct listing {
	const struct vector *v;
	uint32_t nr;
};

static bool next_leaf(void *ctx, const struct walker_leaf *leaf)
{
	struct listing *l = ctx;
	const struct vector_leaf *expected = &l->v->leaves[l->nr];

	if (l->nr == l->v->nr_leaves)
		fail_msg("%s: one leaf too many, 0x%llx", l->v->id,
			 (unsigned long long)leaf->iova);
	assert_int_equal(leaf->iova, expected->iova);
	assert_int_equal(leaf->oa, expected->oa);
	assert_int_equal(leaf->lg2, expected->lg2);
	l->nr++;
	return true;
}

static void vectors_enumerate_as_listed(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < vectors->nr; i++) {
		struct vector *v = &vectors->v[i];
		struct walker_memory io = vector_memory(v);
		struct listing l = { .v = v };
		struct walker_tally t;
		uint64_t bytes = 0, mapped = 0;
		const char *why = NULL;

		if (!walker_for_each(&v->cfg, &io, next_leaf, &l, &t, &why))
			fail_msg("%s: %s", v->id, why);
		for (uint32_t k = 0; k < v->nr_tables; k++)
			bytes += v->tables[k].nr_words * 8;
		for (uint32_t k = 0; k < v->nr_leaves; k++)
			mapped += BIT(v->leaves[k].lg2);
		assert_int_equal(l.nr, v->nr_leaves);
		assert_int_equal(t.leaves, v->nr_leaves);
		assert_int_equal(t.mapped, mapped);
		assert_int_equal(t.tables, v->nr_tables);
		assert_int_equal(t.table_bytes, bytes);
	}
}

/* Every leaf also translates at both ends and nowhere around it. */
static void vectors_translate_where_leaves_are(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < vectors->nr; i++) {
		struct vector *v = &vectors->v[i];
		struct walker_memory io = vector_memory(v);
		struct walker_result r;

		for (uint32_t k = 0; k < v->nr_leaves; k++) {
			const struct vector_leaf *f = &v->leaves[k];
			uint64_t last = f->iova + BIT(f->lg2) - 1;
			bool met = k + 1 < v->nr_leaves &&
				   last + 1 == f[1].iova;

			walker_walk(&v->cfg, &io, f->iova, 0, &r);
			assert_int_equal(r.status, WALKER_OK);
			assert_int_equal(r.oa, f->oa);
			walker_walk(&v->cfg, &io, last, 0, &r);
			assert_int_equal(r.status, WALKER_OK);
			assert_int_equal(r.oa, f->oa + BIT(f->lg2) - 1);
			assert_int_equal(r.lg2, f->lg2);
			assert_int_equal(r.leaf_iova, f->iova);
			assert_int_equal(r.leaf_oa, f->oa);
			walker_walk(&v->cfg, &io, last + 1, 0, &r);
			assert_int_equal(r.status == WALKER_OK, met);
		}
	}
}

static void check_entry(const struct vector *v, const struct vector_table *t,
			const struct vector_entry *e, uint32_t nr)
{
	unsigned int g = v->cfg.granule_lg2;
	unsigned int item = g + t->level * (is_arm(v->cfg.format) ? g - 3 : 9);
	struct walker_entry d;

	walker_decode(&v->cfg, t->level, t->words[e->index + nr], &d);
	assert_int_equal(d.kind, e->leaf ? WALKER_LEAF : WALKER_TABLE);
	if (e->leaf) {
		assert_int_equal(d.lg2, e->lg2);
		/* Of the whole leaf, whichever item says it. */
		assert_int_equal(d.oa, e->oa + (((uint64_t)nr << item) &
						-BIT(e->lg2)));
	} else {
		assert_int_equal(d.child, e->child_pa + nr * e->stride);
		assert_int_equal(d.child_level, t->level - 1);
	}
}

static void vectors_decode_as_listed(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < vectors->nr; i++) {
		const struct vector *v = &vectors->v[i];

		for (uint32_t k = 0; k < v->nr_tables; k++) {
			const struct vector_table *t = &v->tables[k];

			for (uint32_t n = 0; n < t->nr_entries; n++) {
				const struct vector_entry *e = &t->entries[n];

				for (uint32_t c = 0; c < e->count; c++)
					check_entry(v, t, e, c);
			}
		}
	}
}

/* A page table that was spoiled anywhere on a path no longer says the same. */
static void vectors_notice_every_missing_word(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < vectors->nr; i++) {
		struct vector *v = &vectors->v[i];
		struct walker_memory io = vector_memory(v);

		for (uint32_t k = 0; k < v->nr_tables; k++) {
			struct vector_table *t = &v->tables[k];

			for (uint32_t n = 0; n < t->nr_entries; n++) {
				uint64_t *word =
					&t->words[t->entries[n].index];
				uint64_t kept = *word;
				struct walker_tally tally;
				bool sound;

				*word = 0;
				sound = walker_for_each(&v->cfg, &io, NULL,
							NULL, &tally, NULL);
				*word = kept;
				assert_true(!sound ||
					    tally.leaves < v->nr_leaves ||
					    tally.tables < v->nr_tables);
			}
		}
	}
}

/* ---- names and configurations ------------------------------------------- */

static void names_and_formats_go_together(void **state)
{
	static const char *const names[WALKER_NR_FORMATS] = {
		"amdv1", "vtdss", "x86_64", "arm64_s1",
		"arm64_s2", "riscv64", "riscv64_x4", "mock",
	};

	(void)state;
	for (int i = 0; i < WALKER_NR_FORMATS; i++) {
		assert_string_equal(walker_format_name((enum walker_format)i),
				    names[i]);
		assert_int_equal(walker_format_find(names[i]), i);
	}
	assert_null(walker_format_name(WALKER_NR_FORMATS));
	assert_null(walker_format_name((enum walker_format)-1));
	assert_int_equal(walker_format_find("amdv"), -1);
	assert_int_equal(walker_format_find(""), -1);
	assert_int_equal(walker_format_find(NULL), -1);
}

struct setup {
	enum walker_format format;
	uint8_t levels, va_bits, oa_bits, granule_lg2;
	uint32_t flags;
	uint64_t c_bit, root;
};

static const char *check_setup(const struct setup *s)
{
	struct walker_config cfg = {
		.format = s->format,
		.levels = s->levels,
		.va_bits = s->va_bits,
		.oa_bits = s->oa_bits,
		.granule_lg2 = s->granule_lg2,
		.flags = s->flags,
		.c_bit = s->c_bit,
		.root = s->root,
	};

	return walker_check(&cfg);
}

#define S WALKER_SIGN_EXTEND
static const struct setup good_setups[] = {
	{ WALKER_AMDV1, 1, 64, 52, 0, 0, 0, 0 },
	{ WALKER_AMDV1, 6, 64, 52, 0, 0, BIT(47), BIT(51) - 4096 },
	{ WALKER_AMDV1, 3, 1, 1, 0, 0, BIT(30), 0 },
	{ WALKER_VTDSS, 3, 39, 52, 0, 0, 0, 0 },
	{ WALKER_VTDSS, 4, 39, 52, 0, 0, 0, 0 },
	{ WALKER_VTDSS, 5, 57, 52, 0, 0, 0, 0 },
	{ WALKER_X86_64, 4, 48, 52, 0, S, 0, 0 },
	{ WALKER_X86_64, 4, 47, 52, 0, 0, BIT(51), 0 },
	{ WALKER_X86_64, 5, 57, 52, 0, S, 0, 0 },
	{ WALKER_ARM64_S1, 4, 48, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 3, 32, 40, 12, 0, 0, 64 },
	{ WALKER_ARM64_S1, 3, 52, 52, 16, 0, 0, 0x2000 },
	{ WALKER_ARM64_S2, 3, 40, 40, 12, 0, 0, 0x2000 },
	{ WALKER_ARM64_S2, 3, 43, 44, 12, 0, 0, 0x10000 },
	{ WALKER_ARM64_S2, 2, 40, 40, 14, 0, 0, 0x40000 },
	{ WALKER_ARM64_S2, 3, 48, 48, 14, 0, 0, 0x8000 },
	{ WALKER_RISCV64, 3, 39, 56, 0, S, 0, 0 },
	{ WALKER_RISCV64, 5, 57, 56, 0, 0, 0, 0 },
	{ WALKER_RISCV64_X4, 3, 41, 56, 0, 0, 0, 0x4000 },
	{ WALKER_RISCV64_X4, 5, 59, 56, 0, 0, 0, 0x4000 },
	{ WALKER_MOCK, 7, 64, 64, 9, 0, 0, 0 },
	{ WALKER_MOCK, 1, 64, 64, 63, 0, 0, 0 },
};

static const struct setup bad_setups[] = {
	{ WALKER_NR_FORMATS, 4, 48, 48, 12, 0, 0, 0 },
	/* levels */
	{ WALKER_AMDV1, 0, 48, 52, 0, 0, 0, 0 },
	{ WALKER_AMDV1, 7, 64, 52, 0, 0, 0, 0 },
	{ WALKER_VTDSS, 2, 30, 52, 0, 0, 0, 0 },
	{ WALKER_VTDSS, 6, 57, 52, 0, 0, 0, 0 },
	{ WALKER_X86_64, 3, 39, 52, 0, 0, 0, 0 },
	{ WALKER_X86_64, 6, 57, 52, 0, 0, 0, 0 },
	{ WALKER_ARM64_S1, 5, 48, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 0, 48, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 3, 48, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 4, 39, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S2, 4, 39, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S2, 3, 44, 44, 12, 0, 0, 0 },
	{ WALKER_RISCV64, 2, 30, 56, 0, S, 0, 0 },
	{ WALKER_RISCV64_X4, 6, 59, 56, 0, 0, 0, 0 },
	{ WALKER_MOCK, 8, 64, 64, 9, 0, 0, 0 },
	{ WALKER_MOCK, 0, 64, 64, 9, 0, 0, 0 },
	{ WALKER_MOCK, 9, 64, 64, 9, 0, 0, 0 },
	/* start levels that stage 2 must not use */
	{ WALKER_ARM64_S2, 4, 40, 40, 12, 0, 0, 0 },
	{ WALKER_ARM64_S2, 4, 42, 42, 12, 0, 0, 0 },
	{ WALKER_ARM64_S2, 4, 48, 48, 14, 0, 0, 0 },
	{ WALKER_ARM64_S2, 4, 48, 44, 14, 0, 0, 0 },
	{ WALKER_ARM64_S2, 3, 40, 40, 14, 0, 0, 0 },
	/* input widths */
	{ WALKER_AMDV1, 3, 0, 52, 0, 0, 0, 0 },
	{ WALKER_AMDV1, 3, 65, 52, 0, 0, 0, 0 },
	{ WALKER_VTDSS, 3, 40, 52, 0, 0, 0, 0 },
	{ WALKER_X86_64, 4, 49, 52, 0, S, 0, 0 },
	{ WALKER_ARM64_S1, 4, 49, 48, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 4, 52, 48, 14, 0, 0, 0 },
	{ WALKER_ARM64_S1, 3, 53, 52, 16, 0, 0, 0 },
	{ WALKER_RISCV64, 3, 38, 56, 0, S, 0, 0 },
	{ WALKER_RISCV64_X4, 3, 39, 56, 0, 0, 0, 0 },
	{ WALKER_MOCK, 7, 65, 64, 9, 0, 0, 0 },
	/* output widths */
	{ WALKER_AMDV1, 3, 39, 0, 0, 0, 0, 0 },
	{ WALKER_AMDV1, 3, 39, 53, 0, 0, 0, 0 },
	{ WALKER_ARM64_S1, 4, 48, 52, 12, 0, 0, 0 },
	{ WALKER_ARM64_S1, 4, 48, 47, 12, 0, 0, 0 },
	{ WALKER_RISCV64, 3, 39, 57, 0, S, 0, 0 },
	{ WALKER_MOCK, 7, 64, 65, 9, 0, 0, 0 },
	/* granules */
	{ WALKER_ARM64_S1, 4, 48, 48, 13, 0, 0, 0 },
	{ WALKER_ARM64_S1, 4, 48, 48, 0, 0, 0, 0 },
	{ WALKER_MOCK, 4, 48, 48, 8, 0, 0, 0 },
	{ WALKER_MOCK, 1, 48, 48, 64, 0, 0, 0 },
	/* flags and encryption */
	{ WALKER_AMDV1, 3, 39, 52, 0, BIT(4), 0, 0 },
	{ WALKER_AMDV1, 3, 39, 52, 0, S, 0, 0 },
	{ WALKER_RISCV64_X4, 3, 41, 56, 0, S, 0, 0 },
	{ WALKER_AMDV1, 3, 39, 52, 0, 0, BIT(51) | BIT(47), 0 },
	{ WALKER_AMDV1, 3, 39, 52, 0, 0, BIT(52), 0 },
	{ WALKER_X86_64, 4, 47, 52, 0, 0, BIT(29), 0 },
	{ WALKER_VTDSS, 4, 48, 52, 0, 0, BIT(47), 0 },
	/* roots */
	{ WALKER_AMDV1, 3, 39, 52, 0, 0, 0, 0x800 },
	{ WALKER_AMDV1, 3, 39, 32, 0, 0, 0, BIT(32) },
	{ WALKER_ARM64_S1, 3, 32, 40, 12, 0, 0, 32 },
	{ WALKER_ARM64_S2, 3, 40, 40, 12, 0, 0, 0x1000 },
	{ WALKER_RISCV64_X4, 3, 41, 56, 0, 0, 0, 0x1000 },
};

static void what_hardware_can_be_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < NR_OF(good_setups); i++) {
		const char *why = check_setup(&good_setups[i]);

		if (why)
			fail_msg("good %zu: %s", i, why);
	}
	for (size_t i = 0; i < NR_OF(bad_setups); i++) {
		if (!check_setup(&bad_setups[i]))
			fail_msg("bad %zu passes", i);
	}
}

static void a_bad_configuration_is_refused_everywhere(void **state)
{
	static struct bench b;
	struct walker_result r;
	struct walker_entry e;

	(void)state;
	bench_of(&b, WALKER_AMDV1);
	b.cfg.levels = 9;
	assert_int_equal(walker_walk(&b.cfg, &b.io, 0, 0, &r),
			 WALKER_MALFORMED);
	assert_string_equal(r.why, walker_check(&b.cfg));
	assert_int_equal(walker_write(&b.cfg, &b.io, 0, &r), WALKER_MALFORMED);
	assert_tree(&b, walker_check(&b.cfg));
	walker_decode(&b.cfg, 0, 5, &e);
	assert_int_equal(e.kind, WALKER_INVALID);
	assert_int_equal(e.nr_fields, 1);
	assert_int_equal(e.field[0].value, 5);
	b.cfg.levels = 4;
	walker_decode(&b.cfg, 4, 5, &e);
	assert_int_equal(e.kind, WALKER_INVALID);
	assert_int_equal(b.nr_reads, 0);
}

/* ---- apertures ---------------------------------------------------------- */

static void assert_beyond(struct bench *b, uint64_t iova, bool beyond)
{
	struct walker_result r;
	enum walker_status status = bench_walk(b, iova, 0, &r);

	if ((status == WALKER_OUT_OF_APERTURE) != beyond)
		fail_msg("0x%llx: status %d", (unsigned long long)iova, status);
	if (beyond)
		assert_int_equal(r.nr_steps, 0);
}

static void zero_extended_apertures_end_at_their_width(void **state)
{
	static const struct setup s[] = {
		{ WALKER_AMDV1, 4, 48, 52, 12, 0, 0, ROOT },
		{ WALKER_AMDV1, 3, 20, 52, 12, 0, 0, ROOT },
		{ WALKER_VTDSS, 4, 39, 52, 12, 0, 0, ROOT },
		{ WALKER_VTDSS, 5, 57, 52, 12, 0, 0, ROOT },
		{ WALKER_X86_64, 4, 47, 52, 12, 0, 0, ROOT },
		{ WALKER_ARM64_S1, 3, 32, 48, 12, 0, 0, ROOT },
		{ WALKER_ARM64_S2, 3, 40, 40, 12, 0, 0, ROOT },
		{ WALKER_RISCV64_X4, 3, 41, 56, 12, 0, 0, ROOT },
		{ WALKER_MOCK, 4, 44, 56, 12, 0, 0, ROOT },
	};
	static struct bench b;

	(void)state;
	for (size_t i = 0; i < NR_OF(s); i++) {
		struct walker_config cfg = usual(s[i].format);

		cfg.levels = s[i].levels;
		cfg.va_bits = s[i].va_bits;
		cfg.oa_bits = s[i].oa_bits;
		cfg.flags = 0;
		bench_init(&b, &cfg);
		assert_beyond(&b, 0, false);
		assert_beyond(&b, BIT(cfg.va_bits) - 1, false);
		assert_beyond(&b, BIT(cfg.va_bits), true);
		assert_beyond(&b, BIT(63), true);
		assert_beyond(&b, UINT64_MAX, true);
	}
}

/* A width that the levels do not decode yet (amdv1 grows). */
static void levels_bound_the_aperture(void **state)
{
	static struct bench b;
	struct walker_config cfg = usual(WALKER_AMDV1);

	(void)state;
	cfg.va_bits = 64;
	for (cfg.levels = 1; cfg.levels < 6; cfg.levels++) {
		unsigned int bits = 12u + 9u * cfg.levels;

		bench_init(&b, &cfg);
		assert_beyond(&b, BIT(bits) - 1, false);
		assert_beyond(&b, BIT(bits), true);
	}
	bench_init(&b, &cfg);
	assert_beyond(&b, UINT64_MAX, false);
	cfg = usual(WALKER_MOCK);
	cfg.va_bits = 64;
	bench_init(&b, &cfg);
	assert_beyond(&b, BIT(48) - 1, false);
	assert_beyond(&b, BIT(48), true);
}

static void sign_extended_apertures_have_two_halves(void **state)
{
	static const struct setup s[] = {
		{ WALKER_X86_64, 4, 48, 52, 12, S, 0, ROOT },
		{ WALKER_X86_64, 5, 57, 52, 12, S, 0, ROOT },
		{ WALKER_X86_64, 4, 40, 52, 12, S, 0, ROOT },
		{ WALKER_RISCV64, 3, 39, 56, 12, S, 0, ROOT },
		{ WALKER_RISCV64, 5, 57, 56, 12, S, 0, ROOT },
	};
	static struct bench b;

	(void)state;
	for (size_t i = 0; i < NR_OF(s); i++) {
		struct walker_config cfg = usual(s[i].format);
		uint64_t half = BIT(s[i].va_bits - 1);

		cfg.levels = s[i].levels;
		cfg.va_bits = s[i].va_bits;
		bench_init(&b, &cfg);
		assert_beyond(&b, 0, false);
		assert_beyond(&b, half - 1, false);
		assert_beyond(&b, half, true);
		assert_beyond(&b, BIT(63), true);
		assert_beyond(&b, ~half, true);
		assert_beyond(&b, -half - 1, true);
		assert_beyond(&b, -half, false);
		assert_beyond(&b, UINT64_MAX, false);
	}
}

/* RISC-V hardware extends the sign in any case. */
static void without_the_flag_riscv_has_the_lower_half(void **state)
{
	static struct bench b;

	(void)state;
	bench_of(&b, WALKER_RISCV64);
	b.cfg.flags = 0;
	assert_beyond(&b, BIT(47) - 1, false);
	assert_beyond(&b, BIT(47), true);
	assert_beyond(&b, UINT64_MAX, true);
}

static void the_upper_half_has_the_upper_items(void **state)
{
	static const enum walker_format formats[] = {
		WALKER_X86_64, WALKER_RISCV64,
	};
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (size_t i = 0; i < NR_OF(formats); i++) {
		bench_of(&b, formats[i]);
		for (unsigned int level = 3; level; level--) {
			bench_put(&b, table_at(&b, level), 0, 0);
			bench_put(&b, table_at(&b, level), 511,
				  table_word(formats[i], level,
					     table_at(&b, level - 1)));
		}
		bench_put(&b, TABLE(0), 511,
			  leaf_word(formats[i], 0, TARGET));
		assert_int_equal(bench_walk(&b, UINT64_MAX, R | W | X, &r),
				 WALKER_OK);
		assert_int_equal(r.oa, TARGET + 0xfff);
		assert_int_equal(r.leaf_iova, ~UINT64_C(0xfff));
		assert_tree(&b, NULL);
	}
}

/* ---- memory ------------------------------------------------------------- */

static void a_walk_reads_one_word_per_level(void **state)
{
	static struct bench b;
	struct walker_result r;

	(void)state;
	for (int f = 0; f < WALKER_NR_FORMATS; f++) {
		bench_of(&b, (enum walker_format)f);
		bench_put(&b, TABLE(0), 5, leaf_word(b.cfg.format, 0, TARGET));
		assert_int_equal(bench_walk(&b, 0x5678, R | W | X, &r),
				 WALKER_OK);
		assert_int_equal(r.oa, TARGET + 0x678);
		assert_int_equal(r.leaf_oa, TARGET);
		assert_int_equal(r.leaf_iova, 0x5000);
		assert_int_equal(r.lg2, 12);
		assert_int_equal(r.access, R | W | X);
		assert_int_equal(r.nr_steps, 4);
		assert_int_equal(b.nr_reads, 4);
		for (unsigned int i = 0; i < 4; i++) {
			assert_int_equal(r.step[i].level, 3 - i);
			assert_int_equal(r.step[i].index, i == 3 ? 5 : 0);
			assert_int_equal(r.step[i].table,
					 table_at(&b, 3 - i));
			assert_int_equal(r.step[i].kind, i == 3 ?
					 WALKER_LEAF : WALKER_TABLE);
			assert_int_equal(r.step[i].word,
					 bench_get(&b, r.step[i].table,
						   r.step[i].index));
		}
		assert_int_equal(bench_walk(&b, 0x6000, 0, &r),
				 WALKER_NOT_MAPPED);
		assert_int_equal(r.nr_steps, 4);
		assert_int_equal(r.step[3].kind, WALKER_EMPTY);
	}
}

static void tables_without_memory_end_a_walk(void **state)
{
	static struct bench b;
	const struct walker_memory none = { 0 };
	struct walker_result r;
	const char *why;

	(void)state;
	for (int f = 0; f < WALKER_NR_FORMATS; f++) {
		for (unsigned int level = 1; level < 4; level++) {
			bench_of(&b, (enum walker_format)f);
			bench_put(&b, table_at(&b, level), 0,
				  table_word(b.cfg.format, level, TABLE(40)));
			assert_int_equal(bench_walk(&b, 0x5000, 0, &r),
					 WALKER_NO_MEMORY);
			assert_int_equal(r.nr_steps, 4 - level);
			assert_int_equal(walker_write(&b.cfg, &b.io, 0, &r),
					 WALKER_NO_MEMORY);
			assert_tree(&b, "a table lies where there is no "
					"memory");
		}
		assert_int_equal(walker_walk(&b.cfg, &none, 0, 0, &r),
				 WALKER_NO_MEMORY);
		assert_int_equal(walker_walk(&b.cfg, NULL, 0, 0, &r),
				 WALKER_NO_MEMORY);
		assert_int_equal(walker_write(&b.cfg, NULL, 0, &r),
				 WALKER_NO_MEMORY);
		assert_false(walker_for_each(&b.cfg, NULL, NULL, NULL, NULL,
					     &why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_walk_as_listed),
		cmocka_unit_test(vectors_enumerate_as_listed),
		cmocka_unit_test(vectors_translate_where_leaves_are),
		cmocka_unit_test(vectors_decode_as_listed),
		cmocka_unit_test(vectors_notice_every_missing_word),
		cmocka_unit_test(names_and_formats_go_together),
		cmocka_unit_test(what_hardware_can_be_is_told),
		cmocka_unit_test(a_bad_configuration_is_refused_everywhere),
		cmocka_unit_test(zero_extended_apertures_end_at_their_width),
		cmocka_unit_test(levels_bound_the_aperture),
		cmocka_unit_test(sign_extended_apertures_have_two_halves),
		cmocka_unit_test(without_the_flag_riscv_has_the_lower_half),
		cmocka_unit_test(the_upper_half_has_the_upper_items),
		cmocka_unit_test(a_walk_reads_one_word_per_level),
		cmocka_unit_test(tables_without_memory_end_a_walk),
	};

	return cmocka_run_group_tests_name("walker", tests, load, unload);
}
