/* SPDX-License-Identifier: MIT */
/*
 * t_pt_small: every alignment and length, around every kind of border
 *
 *              - R/2                  border                   + R/2
 *   granules     . . [start . . . length . . . . .] . . . . . . .
 *   outputs      as many granules out of step with it as matter
 *
 * The borders are those of a table (at both ends of the aperture, and where a
 * root has to grow) and of a group. Each mapping is compared with what
 * section 3 of the reference chooses, walked, and taken away: as a whole, in
 * every piece that unmap allows, and from every start for every length as
 * remove does. A second sweep does the same around the borders of each leaf
 * size with ends that are a few granules off. A third reads the dirty state of
 * parts of large leaves, one item of which was written.
 *
 * Configurations that are one of their kind get all of it, others a part.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define RW ((uint32_t)IOAS_PT_READ | IOAS_PT_WRITE)
#define BIT(n) ((uint64_t)1 << (n))
/* Granules of the dense sweep; of the thin one. */
#define DENSE 20
#define THIN 10
/* More leaves than this are not worth the time. */
#define MAX_LEAVES 2300

struct sweep {
	struct rig rig;
	uint64_t granule;
	/* Mappings so far. */
	unsigned int nr;
	/* Granules around a border; every so many mappings are cut up. */
	unsigned int range;
	unsigned int cut_each;
};

static unsigned long total;
/* Of all; --part N keeps one in N, for slow builds. */
static unsigned int part = 1;

static void check(struct sweep *s)
{
	if (s->rig.failed)
		fail_msg("%s: %s", s->rig.cfg->name, s->rig.message);
}

/* ---- steps -------------------------------------------------------------- */

static void map(struct sweep *s, uint64_t iova, uint64_t oa, uint64_t length)
{
	unsigned int lg2 = (unsigned int)__builtin_ctzll(s->granule);
	const struct ioas_run run = { oa >> lg2, length >> lg2 };
	const struct ioas_pt_map rq = {
		.iova = iova, .runs = &run, .nr_runs = 1,
		.page_lg2 = (uint8_t)lg2, .length = length, .prot = RW,
	};
	int ret;

	s->rig.expect = EXPECT_HOLE;
	ret = ioas_pt_map(s->rig.pt, &rq);
	if (ret)
		rig_fail(&s->rig, "map of 0x%llx bytes at 0x%llx: %d",
			 (unsigned long long)length, (unsigned long long)iova,
			 ret);
	assert_int_equal(oracle_map(&s->rig.oracle, &rq), 0);
	check(s);
}

/* Leaves, and both ends of the first and the last of them. */
static void compare(struct sweep *s)
{
	struct rig *r = &s->rig;
	const struct oracle *o = &r->oracle;

	s->rig.expect = EXPECT_NONE;
	/* To find a leaf too many takes long in large tables. */
	if (r->cfg->index_lg2 == 9 || s->nr % 8 == 0)
		rig_compare_leaves(r);
	else
		for (size_t i = 0; i < o->nr; i++)
			rig_walk(r, o->leaf[i].iova, 0);
	if (o->nr) {
		uint64_t first = o->leaf[0].iova;
		uint64_t last = leaf_last(&o->leaf[o->nr - 1]);

		rig_walk(r, first, RW);
		rig_walk(r, leaf_last(&o->leaf[0]), WALKER_READ);
		rig_walk(r, last, WALKER_WRITE);
		rig_walk(r, first - 1, 0);
		rig_walk(r, last + 1, 0);
	}
	rig_check_cached(r);
	if (s->nr % 97 == 0)
		rig_compare(r);
	check(s);
}

static void remove_range(struct sweep *s, uint64_t iova, uint64_t length)
{
	struct rig *r = &s->rig;
	uint32_t tables = 0, expect_tables;
	uint64_t removed, expect;

	r->expect = EXPECT_HOLE;
	removed = ioas_pt_remove(r->pt, iova, length, &tables);
	expect = oracle_remove(&r->oracle, iova, length, &expect_tables);
	if (removed != expect || tables != expect_tables)
		rig_fail(r, "removal of 0x%llx at 0x%llx: 0x%llx, %u tables, "
			 "not 0x%llx, %u",
			 (unsigned long long)length, (unsigned long long)iova,
			 (unsigned long long)removed, tables,
			 (unsigned long long)expect, expect_tables);
	check(s);
}

static void clear(struct sweep *s)
{
	const struct oracle *o = &s->rig.oracle;

	while (o->nr)
		remove_range(s, o->leaf[0].iova,
			     leaf_last(&o->leaf[o->nr - 1]) - o->leaf[0].iova +
				     1);
	ioas_pt_sync(s->rig.pt);
}

static bool take(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	struct sweep *s = ctx;
	uint64_t expect = 0, room = 0;

	oracle_translate(&s->rig.oracle, iova, iova + (length - 1), &expect,
			 &room);
	if (expect != oa || room != length)
		rig_fail(&s->rig, "a piece at 0x%llx is wrong",
			 (unsigned long long)iova);
	return true;
}

static void unmap(struct sweep *s, uint64_t iova, uint64_t last, bool with_take)
{
	struct rig *r = &s->rig;
	const struct ioas_pt_unmap rq = {
		.iova = iova, .want_last = last, .last = last,
		.take = with_take ? take : NULL, .ctx = s,
	};
	struct ioas_pt_stats before, after;

	ioas_pt_stats(r->pt, &before);
	r->expect = EXPECT_HOLE;
	if (ioas_pt_unmap(r->pt, &rq) != last)
		rig_fail(r, "unmap stopped early");
	ioas_pt_stats(r->pt, &after);
	if (after.tables_freed - before.tables_freed !=
	    oracle_unmap(&r->oracle, iova, last))
		rig_fail(r, "unmap freed other tables");
	check(s);
}

/* ---- one mapping, taken apart in all ways ------------------------------- */

struct mapping {
	uint64_t iova;
	uint64_t oa;
	uint64_t length;
};

static void map_again(struct sweep *s, const struct mapping *m)
{
	clear(s);
	map(s, m->iova, m->oa, m->length);
}

/* From every leaf to every leaf. */
static void cut_unmap(struct sweep *s, const struct mapping *m)
{
	const struct oracle *o = &s->rig.oracle;
	size_t nr = o->nr;

	for (size_t i = 0; i < nr; i++)
		for (size_t k = i; k < nr; k++) {
			unmap(s, o->leaf[i].iova, leaf_last(&o->leaf[k]),
			      (i + k) & 1);
			compare(s);
			map_again(s, m);
		}
}

/* From every granule, and from the middle of one, for every length. */
static void cut_remove(struct sweep *s, const struct mapping *m)
{
	uint64_t half = s->granule / 2;
	uint64_t ends = m->length + 2 * s->granule;

	for (uint64_t at = 0; at < ends; at += half)
		for (uint64_t length = half; length <= ends; length += half) {
			size_t nr = s->rig.oracle.nr;

			remove_range(s, m->iova - s->granule + at, length);
			if (s->rig.oracle.nr == nr)
				continue;
			compare(s);
			map_again(s, m);
		}
}

static void one_mapping(struct sweep *s, const struct mapping *m)
{
	map(s, m->iova, m->oa, m->length);
	compare(s);
	if (++s->nr % s->cut_each == 0 && m->length <= 24 * s->granule) {
		cut_unmap(s, m);
		cut_remove(s, m);
	}
	unmap(s, m->iova, m->iova + (m->length - 1), s->nr & 1);
	compare(s);
	/* Else what left waits, and new tables are made. */
	if (s->nr % 3)
		ioas_pt_sync(s->rig.pt);
}

/* ---- sweeps ------------------------------------------------------------- */

/* An output in the middle of what there is, aligned to all of it. */
static uint64_t middle_oa(const struct sweep *s)
{
	uint64_t last = s->rig.cfg->oa_last;

	return (last / 2 + 1) & ~(BIT(31) - 1) & last;
}

static void dense(struct sweep *s, uint64_t border, unsigned int step)
{
	static const uint8_t offsets[] = { 0, 1, 2, 3, 4, 6, 8, 12, 16 };
	uint64_t base = border - s->range / 2 * s->granule;
	uint64_t oa = middle_oa(s) + (s->granule * 256);

	if (oa + 64 * s->granule > s->rig.cfg->oa_last)
		oa = 0;
	oa += (base / s->granule % 256) * s->granule;
	if (oa + 64 * s->granule > s->rig.cfg->oa_last)
		oa = 0;
	for (unsigned int start = 0; start < s->range; start++)
		for (unsigned int nr = 1; nr <= s->range - start; nr++)
			for (size_t i = 0; i < sizeof(offsets); i += step) {
				const struct mapping m = {
					base + start * s->granule,
					oa + (start + offsets[i]) * s->granule,
					nr * s->granule,
				};

				if ((start + nr + i) % part == 0)
					one_mapping(s, &m);
			}
}

/* Room for @bytes on each side of @border? */
static bool has_room(const struct sweep *s, uint64_t border, uint64_t bytes)
{
	return border - bytes < border && border + bytes - 1 > border &&
	       config_window(s->rig.cfg, border - bytes, border + bytes - 1);
}

static void dense_around(struct sweep *s, uint64_t border, unsigned int step)
{
	if (has_room(s, border, s->range * s->granule))
		dense(s, border, step);
}

/* The borders of tables next to the ends of the aperture, and in the middle. */
static void dense_all(struct sweep *s, unsigned int step)
{
	const struct config *cfg = s->rig.cfg;
	uint64_t span = BIT(config_item_lg2(cfg, 1));
	uint64_t group = cfg->pgsizes & (span - 1) & ~s->granule;

	for (unsigned int i = 0; i < cfg->nr_windows; i++) {
		const struct window *w = &cfg->window[i];

		dense_around(s, (w->first + 2 * span) & ~(span - 1), step);
		dense_around(s, w->last & ~(span - 1), step + 1);
		/* A window smaller than a table has borders of its own. */
		if (w->last - w->first < span)
			dense_around(s, w->first + s->range * s->granule,
				     step + 1);
		if (group)
			dense_around(s, ((w->first + 2 * span) & ~(span - 1)) +
					(BIT(63) >> __builtin_clzll(group)),
				     step);
	}
	/* Where the root ends, and has to rise. */
	if (cfg->max_levels > cfg->walker.levels)
		dense_around(s, BIT(config_item_lg2(cfg, cfg->walker.levels)),
			     step + 1);
}

/* Ends near the borders of two leaves of @size. */
static void sparse(struct sweep *s, uint64_t border, uint64_t size)
{
	const uint64_t outputs[] = { 0, s->granule, size / 2,
				     size - s->granule };
	const struct config *cfg = s->rig.cfg;
	uint64_t at[9], base = border - size - s->granule;
	uint64_t oa = middle_oa(s) & ~(2 * size - 1);

	for (unsigned int i = 0; i < 9; i++)
		at[i] = i / 3 * size + i % 3 * s->granule;
	for (unsigned int i = 0; i < 9; i++)
		for (unsigned int k = i + 1; k < 9; k++)
			for (unsigned int j = 0; j < 4; j++) {
				const struct mapping m = {
					base + at[i],
					oa + outputs[j] + size + at[i] -
						s->granule,
					at[k] - at[i],
				};

				if (at[k] <= at[i] || (i + k + j) % part ||
				    m.oa + m.length - 1 > cfg->oa_last ||
				    m.oa + m.length < m.oa ||
				    oracle_count(cfg->pgsizes, m.iova, m.oa,
						 m.length, MAX_LEAVES) ==
					    MAX_LEAVES)
					continue;
				one_mapping(s, &m);
			}
}

static void sparse_all(struct sweep *s)
{
	const struct config *cfg = s->rig.cfg;
	const struct window *w = &cfg->window[cfg->nr_windows - 1];

	for (unsigned int lg2 = cfg->granule_lg2 + 1; lg2 < 62; lg2++) {
		uint64_t size = BIT(lg2);
		uint64_t border = (w->first + 3 * size) & ~(2 * size - 1);

		if ((cfg->pgsizes & size) && has_room(s, border, 2 * size))
			sparse(s, border, size);
	}
}

/* ---- dirty state of one large leaf -------------------------------------- */

/* Items of a leaf of @nr that stand at a border of something. */
static size_t border_items(uint64_t nr, uint64_t *at)
{
	const uint64_t all[] = { 0, 1, 15, 16, 31, nr / 2 - 1, nr / 2,
				 nr - 17, nr - 16, nr - 2, nr - 1 };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i] < nr)
			at[n++] = all[i];
	return n;
}

static void mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	spans_add(ctx, iova, last);
}

static void read_dirty(struct sweep *s, uint64_t iova, uint64_t last,
		       bool clear)
{
	static struct spans seen, expected;
	struct rig *r = &s->rig;

	seen.nr = 0;
	r->expect = EXPECT_SAME;
	assert_int_equal(ioas_pt_read_dirty(r->pt, iova, last, clear, mark,
					    &seen),
			 0);
	r->expect = EXPECT_NONE;
	oracle_read_dirty(&r->oracle, iova, last, clear, &expected);
	if (seen.nr != expected.nr ||
	    memcmp(seen.span, expected.span, seen.nr * sizeof(*seen.span)))
		rig_fail(r, "0x%llx to 0x%llx: %zu dirty ranges, not %zu",
			 (unsigned long long)iova, (unsigned long long)last,
			 seen.nr, expected.nr);
	check(s);
}

/* All is clean, @written is written, [@from, @to] is read. */
static void read_part(struct sweep *s, const struct span *all,
		      uint64_t written, uint64_t from, uint64_t to, bool clear)
{
	/* In small leaves borders meet. */
	if (to < from)
		return;
	read_dirty(s, all->first, all->last, true);
	ioas_pt_mark_dirty(s->rig.pt, written, written);
	oracle_mark(&s->rig.oracle, written, written);
	read_dirty(s, from, to, clear);
	compare(s);
}

/* Each item of the leaf at @iova, and each part of the leaf, or more. */
static void read_parts(struct sweep *s, uint64_t iova, uint64_t size,
		       uint64_t item)
{
	const struct span all = { iova - s->granule,
				  iova + size + s->granule - 1 };
	uint64_t at[12], n = border_items(size / item, at);

	for (size_t i = 0; i < n; i++)
		at[i] = iova + at[i] * item;
	for (size_t w = 0; w < n; w++) {
		read_part(s, &all, at[w], all.first, all.last, w & 1);
		for (size_t i = 0; i < n; i++) {
			read_part(s, &all, at[w], all.first, at[i] + item - 1,
				  (w + i) & 1);
			read_part(s, &all, at[w], at[i], all.last - item / 2,
				  (w + i) & 2);
			for (size_t k = i; k < n; k++)
				read_part(s, &all, at[w], at[i],
					  at[k] + item - 1, (i + k) & 1);
		}
	}
}

/* Leaves of several items, with a small one on each side. */
static void dirty_all(struct sweep *s)
{
	const struct config *cfg = s->rig.cfg;
	const struct window *w = &cfg->window[cfg->nr_windows - 1];

	for (unsigned int lg2 = cfg->granule_lg2; lg2 < 62; lg2++) {
		uint64_t size = BIT(lg2), iova, oa = middle_oa(s);
		uint64_t item = BIT(config_item_lg2(cfg,
						    config_level(cfg, lg2)));

		iova = (w->first + 2 * size) & ~(size - 1);
		oa = ((oa & ~(size - 1)) ? oa & ~(size - 1) : size) -
		     s->granule;
		if (!(cfg->pgsizes & size) || !has_room(s, iova, 2 * size) ||
		    oa + size + 2 * s->granule - 1 > cfg->oa_last)
			continue;
		clear(s);
		map(s, iova - s->granule, oa, size + 2 * s->granule);
		read_parts(s, iova, size, item);
	}
	clear(s);
}

/* ---- programs ----------------------------------------------------------- */

static void every_alignment_and_length(void **state)
{
	static struct sweep s;
	const struct config *cfg = *state;
	size_t i = (size_t)(strlen(cfg->name) + cfg->granule_lg2);
	enum rig_mode mode = (enum rig_mode)(i % RIG_NR_MODES);

	memset(&s, 0, sizeof(s));
	if (!rig_mode_fits(cfg, mode))
		mode = RIG_ARENA;
	rig_init(&s.rig, cfg, mode, i);
	check(&s);
	s.granule = cfg->pgsizes & -cfg->pgsizes;
	s.range = cfg->basic ? DENSE : THIN;
	s.cut_each = (cfg->basic ? 149 : 271) * part;
	dense_all(&s, cfg->basic ? 1 : 4);
	if (cfg->basic)
		sparse_all(&s);
	if (cfg->tracks && cfg->basic)
		dirty_all(&s);
	rig_compare(&s.rig);
	check(&s);
	rig_fini(&s.rig);
	check(&s);
	total += s.nr;
}

int main(int argc, char **argv)
{
	size_t nr = configs_init();
	struct CMUnitTest *tests = calloc(nr, sizeof(*tests));
	int ret;

	if (argc == 3 && !strcmp(argv[1], "--part"))
		part = (unsigned int)strtoul(argv[2], NULL, 10);
	if (!tests || !part)
		return 2;
	for (size_t i = 0; i < nr; i++)
		tests[i] = (struct CMUnitTest){
			.name = config_at(i)->name,
			.test_func = every_alignment_and_length,
			.initial_state = (void *)(uintptr_t)config_at(i),
		};
	ret = _cmocka_run_group_tests("every_alignment_and_length", tests, nr,
				      NULL, NULL);
	printf("# %lu mappings\n", total);
	free(tests);
	return ret;
}
