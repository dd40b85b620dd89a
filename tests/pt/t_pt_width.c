/* SPDX-License-Identifier: MIT */
/*
 * t_pt_width: the first and the last address of everything
 *
 *   IOVA    ..0 [first ......... last] hole [first ......... last]
 *             x  =                 =  x x  x  =                 =  x
 *   output      [0 ............ oa_last]
 *                                    =  x
 *
 * = maps and translates, x is refused; for every configuration.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include "rig.h"

#define RW ((uint32_t)IOAS_PT_READ | IOAS_PT_WRITE)

typedef unsigned long long ull;

static struct rig rig;
static bool running;
static uint64_t granule;

static void check(struct rig *r)
{
	if (r->failed)
		fail_msg("%s: %s", r->cfg->name, r->message);
}

static void begin(const struct config *cfg)
{
	running = true;
	rig_init(&rig, cfg, RIG_ARENA, cfg->granule_lg2);
	check(&rig);
	granule = cfg->pgsizes & -cfg->pgsizes;
}

static void end(void)
{
	rig_compare(&rig);
	check(&rig);
	rig_fini(&rig);
	check(&rig);
	running = false;
}

/* What a map answers; the oracle is asked as well, and has to agree. */
static void map(uint64_t iova, uint64_t oa, uint64_t length, int expect)
{
	const struct ioas_run run = { oa >> 9, (length + 511) >> 9 };
	const struct ioas_pt_map rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 9,
		.head = (uint32_t)(oa & 511), .length = length, .prot = RW,
	};
	int ret;

	rig.expect = EXPECT_HOLE;
	ret = ioas_pt_map(rig.pt, &rq);
	rig.expect = EXPECT_NONE;
	if (ret != expect)
		fail_msg("%s: map 0x%llx -> 0x%llx + 0x%llx: %d, not %d",
			 rig.cfg->name, (ull)iova, (ull)oa, (ull)length, ret,
			 expect);
	assert_int_equal(oracle_map(&rig.oracle, &rq), expect);
}

static void clear(void)
{
	const struct oracle *o = &rig.oracle;

	rig.expect = EXPECT_HOLE;
	while (o->nr) {
		uint64_t iova = o->leaf[0].iova;
		uint64_t length = leaf_last(&o->leaf[0]) - iova + 1;
		uint32_t tables;

		assert_int_equal(ioas_pt_remove(rig.pt, iova, length, NULL),
				 length);
		oracle_remove(&rig.oracle, iova, length, &tables);
	}
	rig.expect = EXPECT_NONE;
}

/* Both ends of the leaf at @iova, as everybody sees them. */
static void look(uint64_t iova)
{
	const struct leaf *l = oracle_at(&rig.oracle, iova);

	rig_walk(&rig, l->iova, RW);
	rig_walk(&rig, leaf_last(l), RW);
	rig_walk(&rig, l->iova - 1, 0);
	rig_walk(&rig, leaf_last(l) + 1, 0);
	check(&rig);
}

/* Nothing is there, and nobody says anything else. */
static void nothing_at(uint64_t iova)
{
	struct ioas_pt_leaf leaf;
	struct ioas_pt_hit hit;
	uint64_t oa, length;

	assert_int_equal(ioas_pt_leaf(rig.pt, iova, &leaf), -ENOENT);
	assert_int_equal(ioas_pt_lookup(rig.pt, iova, &hit), -ENOENT);
	assert_int_equal(ioas_pt_translate_run(rig.pt, iova, UINT64_MAX, NULL,
					       &oa, &length),
			 -ENOENT);
	assert_int_equal(ioas_pt_remove(rig.pt, iova, granule, NULL), 0);
	assert_int_equal(ioas_pt_split_to(rig.pt, iova,
					  (unsigned int)
						  __builtin_ctzll(granule)),
			 -ENOENT);
}

/* ---- input -------------------------------------------------------------- */

/* The first granule and the last. */
static void ends_of(const struct window *w)
{
	uint64_t last = w->last - (granule - 1);

	map(w->first, 0, granule, 0);
	look(w->first);
	map(last, granule, granule, 0);
	look(last);
	assert_int_equal(rig.oracle.leaf[rig.oracle.nr - 1].iova, last);
	rig_compare(&rig);
	check(&rig);
	clear();
}

/* The largest leaf at each end that fits there. */
static void large_ends_of(const struct window *w)
{
	const struct config *cfg = rig.cfg;

	for (unsigned int lg2 = 9; lg2 < 64; lg2++) {
		uint64_t mask = ((uint64_t)1 << lg2) - 1;

		if (!(cfg->pgsizes >> lg2 & 1) || mask > cfg->oa_last ||
		    w->last - w->first < mask)
			continue;
		if (!(w->first & mask)) {
			map(w->first, 0, mask + 1, 0);
			look(w->first);
			clear();
		}
		if ((w->last & mask) == mask) {
			map(w->last - mask, 0, mask + 1, 0);
			assert_int_equal(rig.oracle.nr, 1);
			look(w->last);
			clear();
		}
	}
}

/* A granule below the first, one above the last, and what reaches there. */
static void beyond(const struct window *w)
{
	uint64_t last = w->last - (granule - 1);

	if (w->first) {
		map(w->first - granule, 0, granule, -ERANGE);
		map(w->first - granule, 0, 2 * granule, -ERANGE);
		nothing_at(w->first - granule);
		nothing_at(w->first - 1);
	}
	if (w->last == UINT64_MAX) {
		map(last, 0, 2 * granule, -EOVERFLOW);
		map(last, 0, rig.cfg->oa_last / 2 + 1, -EOVERFLOW);
		return;
	}
	map(w->last + 1, 0, granule, -ERANGE);
	map(last, 0, 2 * granule, -ERANGE);
	nothing_at(w->last + 1);
	assert_int_equal(ioas_pt_split(rig.pt, w->last + 1), -EINVAL);
}

/* What begins inside goes no further than the end of it. */
static void reads_end_at(const struct window *w)
{
	uint64_t last = w->last - (granule - 1), oa, length;

	map(last, granule, granule, 0);
	assert_int_equal(ioas_pt_translate_run(rig.pt, last, UINT64_MAX, NULL,
					       &oa, &length),
			 0);
	assert_int_equal(length, granule);
	rig.expect = EXPECT_HOLE;
	assert_int_equal(ioas_pt_remove(rig.pt, last, UINT64_MAX, NULL),
			 granule);
	rig.expect = EXPECT_NONE;
	rig.oracle.nr = 0;
}

static void apertures_end_where_they_do(const struct config *cfg)
{
	begin(cfg);
	for (unsigned int i = 0; i < cfg->nr_windows; i++) {
		beyond(&cfg->window[i]);
		ends_of(&cfg->window[i]);
		large_ends_of(&cfg->window[i]);
		beyond(&cfg->window[i]);
		reads_end_at(&cfg->window[i]);
	}
	end();
}

/* Section 9, item 1: from one half into the hole, or over it. */
static void no_range_leaves_its_half(const struct config *cfg)
{
	const struct window *w = cfg->window;
	uint64_t last, width;

	if (cfg->nr_windows < 2)
		return;
	begin(cfg);
	last = w[0].last - (granule - 1);
	map(last, 0, 2 * granule, -ERANGE);
	/* As long as outputs go; the other half is beyond that, or not. */
	map(last, 0, (cfg->oa_last + 1) & ~(granule - 1), -ERANGE);
	map(w[0].last + 1, 0, granule, -ERANGE);
	map((w[0].last / 2 + w[1].first / 2) & ~(granule - 1), 0, granule,
	    -ERANGE);
	map(w[1].first - granule, 0, 2 * granule, -ERANGE);
	map(w[1].first - granule, 0, granule, -ERANGE);
	/* Aliases, for who forgets the high bits. */
	map(last, 0, granule, 0);
	map(w[1].first, granule, granule, 0);
	width = 2 * ~w[1].first + 1;
	nothing_at(w[1].first & width);
	nothing_at(last | ~width);
	rig_walk(&rig, w[1].first & width, 0);
	rig_walk(&rig, last | ~width, 0);
	check(&rig);
	assert_int_equal(rig.oracle.nr, 2);
	end();
}

/* Dirty queries over everything find both ends of every half. */
static void all_of_it_is_read(const struct config *cfg)
{
	static struct spans expected;

	begin(cfg);
	for (unsigned int i = 0; i < cfg->nr_windows; i++) {
		map(cfg->window[i].first, 0, granule, 0);
		map(cfg->window[i].last - (granule - 1), 0, granule, 0);
	}
	ioas_pt_mark_dirty(rig.pt, 0, UINT64_MAX);
	oracle_mark(&rig.oracle, 0, UINT64_MAX);
	rig_compare(&rig);
	check(&rig);
	rig.expect = EXPECT_SAME;
	assert_int_equal(ioas_pt_read_dirty(rig.pt, 0, UINT64_MAX, true, NULL,
					    NULL),
			 cfg->tracks ? 0 : -EOPNOTSUPP);
	rig.expect = EXPECT_NONE;
	oracle_read_dirty(&rig.oracle, 0, UINT64_MAX, true, &expected);
	end();
}

/* ---- output ------------------------------------------------------------- */

static void outputs_end_where_they_do(const struct config *cfg)
{
	uint64_t iova = cfg->window[0].first, oa_last = cfg->oa_last;
	uint64_t oa;

	begin(cfg);
	oa = oa_last - (granule - 1);
	map(iova, oa, granule, 0);
	look(iova);
	assert_int_equal(rig.oracle.leaf[0].oa + (granule - 1), oa_last);
	clear();
	map(iova, oa, 2 * granule, -ERANGE);
	map(iova, 0, granule, 0);
	clear();
	if (oa_last != UINT64_MAX) {
		map(iova, oa_last + 1, granule, -ERANGE);
		map(iova, oa_last + 1 + granule, granule, -ERANGE);
		map(iova, UINT64_MAX - (granule - 1), granule, -ERANGE);
	}
	/* Of what is wrong in several ways, this is said first (4.1). */
	map(iova, oa, 3 * granule - 1, -ERANGE);
	map(UINT64_MAX - (granule - 1), oa, 2 * granule, -ERANGE);
	end();
}

/* A leaf of each size, up to the last output address. */
static void large_outputs_end_there_too(const struct config *cfg)
{
	begin(cfg);
	for (unsigned int lg2 = 9; lg2 < 64; lg2++) {
		const struct window *w = &cfg->window[cfg->nr_windows - 1];
		uint64_t mask = ((uint64_t)1 << lg2) - 1;
		uint64_t iova = (w->first + mask) & ~mask;

		if (!(cfg->pgsizes >> lg2 & 1) || mask > cfg->oa_last ||
		    iova < w->first || iova + mask > w->last ||
		    iova + mask < iova)
			continue;
		map(iova, cfg->oa_last - mask, mask + 1, 0);
		assert_int_equal(rig.oracle.nr, 1);
		look(iova);
		clear();
	}
	end();
}

/* The second run of a vector, and none of the first is left. */
static void later_runs_end_there_too(const struct config *cfg)
{
	unsigned int lg2;
	uint64_t iova = cfg->window[0].first;
	struct ioas_run run[2];
	struct ioas_pt_map rq = { .runs = run, .nr_runs = 2, .prot = RW };

	begin(cfg);
	lg2 = (unsigned int)__builtin_ctzll(granule);
	run[0] = (struct ioas_run){ 1, 1 };
	run[1] = (struct ioas_run){ cfg->oa_last >> lg2, 1 };
	rq.iova = iova;
	rq.page_lg2 = (uint8_t)lg2;
	rq.length = 2 * granule;
	rig.expect = EXPECT_HOLE;
	assert_int_equal(ioas_pt_map(rig.pt, &rq), 0);
	oracle_map(&rig.oracle, &rq);
	look(iova + granule);
	clear();
	run[1].nr = 2;
	rq.length += granule;
	rig.expect = EXPECT_HOLE;
	assert_int_equal(ioas_pt_map(rig.pt, &rq), -ERANGE);
	/* Pages so high that their bytes have no number. */
	run[1] = (struct ioas_run){ UINT64_MAX / 2, 2 };
	assert_int_equal(ioas_pt_map(rig.pt, &rq), -ERANGE);
	rig.expect = EXPECT_NONE;
	end();
}

/* ---- pages -------------------------------------------------------------- */

/* The head is a number of 32 bits; a page need not be. */
static void regress_a_head_in_a_page_of_a_terabyte(const struct config *cfg)
{
	const struct ioas_run run = { 0, 1 };
	struct ioas_pt_map rq = {
		.runs = &run, .nr_runs = 1, .page_lg2 = 40, .prot = RW,
	};

	begin(cfg);
	rq.iova = cfg->window[0].first;
	rq.length = granule;
	rq.head = (uint32_t)granule;
	rig.expect = EXPECT_HOLE;
	assert_int_equal(ioas_pt_map(rig.pt, &rq), 0);
	assert_int_equal(oracle_map(&rig.oracle, &rq), 0);
	assert_int_equal(rig.oracle.leaf[0].oa, granule);
	look(rq.iova);
	end();
}

/* ---- programs ----------------------------------------------------------- */

struct claim {
	const char *name;
	void (*run)(const struct config *cfg);
};

static void everywhere(void **state)
{
	const struct claim *claim = *state;
	size_t nr = configs_init();

	for (size_t i = 0; i < nr; i++)
		claim->run(config_at(i));
}

/* The name of a case says what, this says where. */
static int say_where(void **state)
{
	(void)state;
	if (running)
		print_message("# in configuration %s\n", rig.cfg->name);
	running = false;
	return 0;
}

int main(void)
{
	static struct claim claims[] = {
		{ "apertures_end_where_they_do", apertures_end_where_they_do },
		{ "no_range_leaves_its_half", no_range_leaves_its_half },
		{ "all_of_it_is_read", all_of_it_is_read },
		{ "outputs_end_where_they_do", outputs_end_where_they_do },
		{ "large_outputs_end_there_too", large_outputs_end_there_too },
		{ "later_runs_end_there_too", later_runs_end_there_too },
		{ "regress_a_head_in_a_page_of_a_terabyte",
		  regress_a_head_in_a_page_of_a_terabyte },
	};
	struct CMUnitTest tests[sizeof(claims) / sizeof(*claims)];

	for (size_t i = 0; i < sizeof(claims) / sizeof(*claims); i++)
		tests[i] = (struct CMUnitTest){
			.name = claims[i].name,
			.test_func = everywhere,
			.teardown_func = say_where,
			.initial_state = &claims[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
