/* SPDX-License-Identifier: MIT */
/*
 * t_pt_mock: words of the mock format, choice of sizes, requests and errors
 *
 * Words of tables are read by a decoder of the test's own, sizes are chosen by
 * a loop that tries them all.
 */
#include "pt_mock_test.h"

#include <string.h>

static const uint64_t size_sets[] = {
	0x1000, 0x200, 0x10000, 0x201000, 0x40201000, 0x101000, ALL_SIZES,
	0x3E00, ~UINT64_C(511), UINT64_C(0x8000000000001000),
};

/* ---- format ------------------------------------------------------------- */

static void every_size_is_coded_as_documented(void **state)
{
	(void)state;
	for (unsigned int g = 9; g <= 16; g++) {
		uint64_t sizes = ~(((uint64_t)1 << g) - 1);

		for (unsigned int lg2 = g; lg2 < 63; lg2++) {
			struct ioas_pt *pt = pt_new(sizes, 0, UINT64_MAX);
			uint64_t size = (uint64_t)1 << lg2, word, *item;
			uint64_t oa = size * 3;
			unsigned int level = (lg2 - g) / 9;
			unsigned int nr = 1u << ((lg2 - g) % 9);

			assert_int_equal(map_bytes(pt, size, oa, size, RW), 0);
			assert_int_equal(nr_leaves(pt), 1);
			word = oa | 3;
			if (nr > 1) {
				word |= 4;
				for (unsigned int b = g; b <= lg2 - 2; b++)
					word |= (uint64_t)1 << b;
			}
			item = raw_item(pt, size, g, level);
			for (unsigned int i = 0; i < nr; i++)
				assert_int_equal(raw_word(item[i]), word);
			assert_int_equal(item[-1], 0);
			assert_true(ioas_pt_validate(pt));
			ioas_pt_destroy(pt);
		}
	}
}

static void permissions_have_their_bits(void **state)
{
	static const uint32_t prots[][2] = {
		{ IOAS_PT_READ, 1 }, { IOAS_PT_WRITE, 2 },
		{ IOAS_PT_READ | IOAS_PT_CACHE, 1 | 16 },
		{ IOAS_PT_READ | IOAS_PT_NOEXEC, 1 | 32 },
		{ IOAS_PT_READ | IOAS_PT_MMIO, 1 | 64 },
		{ IOAS_PT_READ | IOAS_PT_PRIV, 1 | 128 },
		{ 63, 1 | 2 | 16 | 32 | 64 | 128 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
		struct ioas_pt *pt = pt_new(0x200, 0, 0xffff);
		struct ioas_pt_leaf leaf;

		assert_int_equal(map_bytes(pt, 512, ~UINT64_C(511), 512,
					   prots[i][0]), 0);
		assert_int_equal(raw_word(*raw_item(pt, 512, 9, 0)),
				 ~UINT64_C(511) | prots[i][1]);
		assert_int_equal(ioas_pt_leaf(pt, 700, &leaf), 0);
		assert_int_equal(leaf.prot, prots[i][0]);
		assert_int_equal(leaf.oa, ~UINT64_C(511));
		ioas_pt_destroy(pt);
	}
}

/* ---- size selection ----------------------------------------------------- */

struct expected {
	uint64_t pgsizes;
	uint64_t iova;
	uint64_t oa;
	uint64_t left;
	bool wrong;
};

/* The largest size that fits here, by trying all of them. */
static uint64_t best_size(const struct expected *x)
{
	for (int lg2 = 63; lg2 >= 0; lg2--) {
		uint64_t size = (uint64_t)1 << lg2;

		if (x->pgsizes & size && size <= x->left &&
		    !(x->iova % size) && !(x->oa % size))
			return size;
	}
	return 0;
}

static bool expect_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	struct expected *x = ctx;
	uint64_t size = (uint64_t)1 << leaf->lg2;

	x->wrong = leaf->iova != x->iova || leaf->oa != x->oa ||
		   size != best_size(x);
	x->iova += size;
	x->oa += size;
	x->left -= size;
	return !x->wrong;
}

static void check_sizes(struct ioas_pt *pt, uint64_t pgsizes, uint64_t iova,
			uint64_t oa, uint64_t length)
{
	struct expected x = { pgsizes, iova, oa, length, false };
	uint64_t got_oa, got_length;
	int ret = map_bytes(pt, iova, oa, length, RW);

	if (ret)
		fail_msg("map %#llx -> %#llx + %#llx: %d",
			 (unsigned long long)iova, (unsigned long long)oa,
			 (unsigned long long)length, ret);
	ioas_pt_for_each_leaf(pt, expect_leaf, &x);
	if (x.wrong || x.left)
		fail_msg("sizes %#llx: map %#llx -> %#llx + %#llx",
			 (unsigned long long)pgsizes, (unsigned long long)iova,
			 (unsigned long long)oa, (unsigned long long)length);
	assert_int_equal(ioas_pt_translate_run(pt, iova, UINT64_MAX, NULL,
					       &got_oa, &got_length), 0);
	assert_int_equal(got_oa, oa);
	assert_int_equal(got_length, length);
	assert_int_equal(unmap_bytes(pt, iova, iova + (length - 1)),
			 iova + (length - 1));
	assert_int_equal(nr_leaves(pt), 0);
	ioas_pt_sync(pt);
}

static void every_small_run_gets_the_largest_leaves(void **state)
{
	static const uint64_t sets[] = { 0x3E00, 0x200, 0x1200, 0x2A00 };

	(void)state;
	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		struct ioas_pt *pt = pt_new(sets[s], 0, 64 * KIB - 1);

		for (uint64_t iova = 0; iova < 18; iova++)
			for (uint64_t oa = 0; oa < 18; oa++)
				for (uint64_t nr = 1; nr < 36; nr++)
					check_sizes(pt, sets[s], iova * 512,
						    oa * 512, nr * 512);
		assert_true(ioas_pt_validate(pt));
		ioas_pt_destroy(pt);
	}
}

static void random_runs_get_the_largest_leaves(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (size_t s = 0; s < sizeof(size_sets) / sizeof(size_sets[0]); s++) {
		uint64_t sizes = size_sets[s], granule = sizes & -sizes;
		struct ioas_pt *pt = NULL;

		for (int i = 0; i < 400; i++) {
			unsigned int big = (unsigned int)rng_below(&seed, 20);
			uint64_t nr = 1 + rng_below(&seed, 3000);
			uint64_t iova = rng_next(&seed) << big;
			uint64_t oa = rng_next(&seed) << big;

			/* Unmapped ranges leave tables: not too many. */
			if (!(i % 20)) {
				ioas_pt_destroy(pt);
				pt = pt_new(sizes, 0, UINT64_MAX);
			}
			iova &= UINT64_MAX / 2 & ~(granule - 1);
			oa &= UINT64_MAX / 2 & ~(granule - 1);
			if (i & 1)
				oa = (oa & ~(64 * MIB - 1)) |
				     (iova & (64 * MIB - 1));
			check_sizes(pt, sizes, iova, oa, nr * granule);
		}
		assert_true(ioas_pt_validate(pt));
		ioas_pt_destroy(pt);
	}
}

static void max_leaf_bounds_the_size(void **state)
{
	struct ioas_pt *pt = pt_new(ALL_SIZES, 0, UINT64_MAX);
	const struct ioas_run run = { 0, 1024 }, page = { 0, 1 };
	struct ioas_pt_map rq = {
		.iova = 0, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 4 * MIB, .prot = RW,
	};

	(void)state;
	for (uint64_t max = 2 * KIB; max <= 4 * MIB; max *= 2) {
		rq.max_leaf = max;
		assert_int_equal(ioas_pt_map(pt, &rq), 0);
		assert_int_equal(nr_leaves(pt), 4 * MIB / max);
		unmap_bytes(pt, 0, 4 * MIB - 1);
	}
	rq.max_leaf = KIB;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	ioas_pt_destroy(pt);

	/* Of one table, so that a short run takes the short way at once. */
	pt = pt_new(0x1000, 0, MIB - 1);
	rq.length = 4 * KIB;
	rq.runs = &page;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	rq.max_leaf = 4 * KIB;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	ioas_pt_destroy(pt);
}

/* ---- vectors of runs ---------------------------------------------------- */

static void head_and_tail_cut_the_first_and_last_page(void **state)
{
	struct ioas_pt *pt = pt_new(ALL_SIZES, 0, UINT64_MAX);
	const struct ioas_run runs[] = { { 10, 1 }, { 20, 2 }, { 5, 1 } };
	const struct ioas_pt_map rq = {
		.iova = 2 * KIB, .runs = runs, .nr_runs = 3, .page_lg2 = 12,
		.head = 2048, .length = 12 * KIB, .prot = RW,
	};

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	for (uint64_t i = 0; i < 12 * KIB; i += 512) {
		uint64_t at = i + 2048, page = at >> 12;
		uint64_t pfn = page == 0 ? 10 : page == 3 ? 5 : 19 + page;

		assert_int_equal(translate(pt, 2 * KIB + i),
				 pfn << 12 | (at & 4095));
	}
	assert_int_equal(translate(pt, 14 * KIB), UINT64_MAX);
	assert_int_equal(translate(pt, 0), UINT64_MAX);
	ioas_pt_destroy(pt);
}

static void leaves_do_not_straddle_runs_that_meet_by_chance(void **state)
{
	struct ioas_pt *pt = pt_new(0x3000, 0, UINT64_MAX);
	const struct ioas_run runs[] = { { 0, 1 }, { 1, 2 }, { 3, 1 } };
	const struct ioas_pt_map rq = {
		.iova = 0, .runs = runs, .nr_runs = 3, .page_lg2 = 12,
		.length = 16 * KIB, .prot = RW,
	};

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	assert_int_equal(nr_leaves(pt), 4);
	/* One unmap may cover them all, another begin between them. */
	assert_int_equal(unmap_bytes(pt, 4 * KIB, 12 * KIB - 1),
			 12 * KIB - 1);
	assert_int_equal(nr_leaves(pt), 2);
	ioas_pt_destroy(pt);
}

static void runs_that_do_not_match_the_length_are_refused(void **state)
{
	struct ioas_pt *pt = pt_new(0x1000, 0, UINT64_MAX);
	const struct ioas_run runs[] = { { 1, 2 }, { 9, 2 }, { 7, 0 } };
	struct ioas_pt_map rq = {
		.runs = runs, .nr_runs = 2, .page_lg2 = 12,
		.length = 20 * KIB, .prot = RW,
	};

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	rq.length = 8 * KIB;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	rq.length = 16 * KIB;
	rq.nr_runs = 3;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	rq.length = 20 * KIB;
	assert_int_equal(ioas_pt_map(pt, &rq), -EINVAL);
	assert_int_equal(nr_leaves(pt), 0);
	ioas_pt_destroy(pt);
}

/* ---- errors ------------------------------------------------------------- */

static void bad_requests_have_their_errors(void **state)
{
	const struct ioas_pt_params narrow = {
		.pgsizes = 0x1000, .first = 64 * KIB, .last = GIB - 1,
		.oa_bits = 32,
	};
	struct ioas_pt *pt = NULL;

	(void)state;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &narrow, &pt), 0);
	assert_int_equal(map_bytes(pt, MIB, 0, 4096, 0), -EINVAL);
	assert_int_equal(map_bytes(pt, MIB, 0, 4096, IOAS_PT_MMIO), -EINVAL);
	assert_int_equal(map_bytes(pt, MIB, 0, 4096, RW | 64), -EINVAL);
	assert_int_equal(map_bytes(pt, MIB, 4 * GIB, 4096, RW), -ERANGE);
	assert_int_equal(map_bytes(pt, MIB, 4 * GIB - 4096, 8192, RW),
			 -ERANGE);
	assert_int_equal(map_bytes(pt, ~UINT64_C(4095), 0, 8192, RW),
			 -EOVERFLOW);
	assert_int_equal(map_bytes(pt, MIB + 512, 0, 4096, RW), -EINVAL);
	assert_int_equal(map_bytes(pt, MIB, 512, 4096, RW), -EINVAL);
	assert_int_equal(map_bytes(pt, MIB, 0, 4096 + 512, RW), -EINVAL);
	assert_int_equal(map_bytes(pt, 60 * KIB, 0, 8192, RW), -ERANGE);
	assert_int_equal(map_bytes(pt, GIB - 4096, 0, 8192, RW), -ERANGE);
	assert_int_equal(nr_leaves(pt), 0);
	assert_int_equal(map_bytes(pt, 64 * KIB, 0, 4096, RW), 0);
	assert_int_equal(map_bytes(pt, GIB - 4096, 4 * GIB - 4096, 4096, RW),
			 0);
	assert_int_equal(translate(pt, 60 * KIB), UINT64_MAX);
	assert_int_equal(translate(pt, GIB), UINT64_MAX);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

static void bad_parameters_have_their_errors(void **state)
{
	struct ioas_pt_params p = { .pgsizes = 0x1000, .last = GIB - 1 };
	struct ioas_pt *pt = NULL;

	(void)state;
	p.pgsizes = 0;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &p, &pt), -EINVAL);
	p.pgsizes = 0x1100;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &p, &pt), -EINVAL);
	p.pgsizes = 0x1000;
	p.oa_bits = 65;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &p, &pt), -EINVAL);
	p.oa_bits = 0;
	p.first = GIB;
	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &p, &pt), -EINVAL);
	assert_null(pt);
	ioas_pt_destroy(NULL);
}

/* What is in the way, at every place, for every kind of leaf in the way. */
static void map_over_something_changes_nothing(void **state)
{
	static const uint64_t lengths[] = { 4 * KIB, 8 * KIB, 2 * MIB,
					    4 * MIB };

	(void)state;
	for (size_t l = 0; l < 4; l++) {
		struct ioas_pt *pt = pt_new(0x40603000, 0, UINT64_MAX);

		for (uint64_t at = 0; at < 16 * MIB; at += 4 * MIB) {
			struct ioas_pt_leaf leaf;

			assert_int_equal(map_bytes(pt, at, 64 * MIB,
						   lengths[l], RW), 0);
			assert_int_equal(map_bytes(pt, 0, 0, 16 * MIB, RW),
					 -EADDRINUSE);
			assert_int_equal(map_bytes(pt, 0, 4096, 16 * MIB, RW),
					 -EADDRINUSE);
			assert_int_equal(nr_leaves(pt), 1);
			assert_int_equal(ioas_pt_leaf(pt, at, &leaf), 0);
			assert_int_equal(leaf.oa, 64 * MIB);
			unmap_bytes(pt, at, at + lengths[l] - 1);
			ioas_pt_sync(pt);
			assert_true(ioas_pt_validate(pt));
		}
		ioas_pt_destroy(pt);
	}
}

static void a_leaf_takes_the_place_of_empty_tables_only(void **state)
{
	struct ioas_pt *pt = pt_new(0x40201000, 0, 4 * GIB - 1);
	struct ioas_pt_stats stats;

	(void)state;
	/* Tables of two levels below [1G, 2G), pages in two of them. */
	assert_int_equal(map_bytes(pt, GIB, 4096, 4096, RW), 0);
	assert_int_equal(map_bytes(pt, 2 * GIB - 4096, 0, 4096, RW), 0);
	unmap_bytes(pt, GIB, GIB + 4095);
	assert_int_equal(map_bytes(pt, 0, 0, 2 * GIB, RW), -EADDRINUSE);
	assert_int_equal(nr_leaves(pt), 1);
	unmap_bytes(pt, 2 * GIB - 4096, 2 * GIB - 1);
	assert_int_equal(map_bytes(pt, 0, 0, 2 * GIB, RW), 0);
	assert_int_equal(nr_leaves(pt), 2);
	ioas_pt_stats(pt, &stats);
	assert_int_equal(stats.tables_freed, 3);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

/* Runs of one page take a way of their own. */
static void a_page_over_a_page_is_refused(void **state)
{
	const struct ioas_run runs[] = { { 7, 1 }, { 5, 1 }, { 3, 1 } };
	const struct ioas_pt_map rq = {
		.runs = runs, .nr_runs = 3, .page_lg2 = 12,
		.length = 3 * 4096, .prot = RW,
	};
	struct ioas_pt *pt = pt_new(0x1000, 0, GIB - 1);

	(void)state;
	for (uint64_t at = 0; at < 3; at++) {
		assert_int_equal(map_bytes(pt, at * 4096, MIB, 4096, RW), 0);
		assert_int_equal(ioas_pt_map(pt, &rq), -EADDRINUSE);
		assert_int_equal(nr_leaves(pt), 1);
		assert_int_equal(translate(pt, at * 4096), MIB);
		unmap_bytes(pt, at * 4096, at * 4096 + 4095);
	}
	ioas_pt_destroy(pt);
}

struct failing_map {
	struct ioas_pt *pt;
	struct ioas_pt_map rq;
};

static int failing_map(void *arg)
{
	struct failing_map *f = arg;

	return ioas_pt_map(f->pt, &f->rq);
}

static void map_that_fails_at_any_point_changes_nothing(void **state)
{
	/* Leaves of three levels, and tables on the way. */
	const struct ioas_run runs[] = { { 1, 700 }, { 4096, 1536 }, { 7, 3 } };
	uint64_t nth = 0, cursor[4];
	bool failed;

	(void)state;
	do {
		struct failing_map f = {
			.pt = pt_new(0x201000, 0, UINT64_MAX),
			.rq = { .iova = GIB + 4 * MIB - 700 * 4096,
				.runs = runs, .nr_runs = 3, .page_lg2 = 12,
				.length = 2239 * 4096, .prot = RW,
				.cursor = cursor },
		};
		uint64_t before = f.rq.iova - 4096;
		int ret;

		memset(cursor, 0, sizeof(cursor));
		assert_int_equal(map_bytes(f.pt, before, 0, 4096, RW), 0);
		failed = fault_run(++nth, failing_map, &f, &ret);
		assert_int_equal(ret, failed ? -ENOMEM : 0);
		assert_int_equal(translate(f.pt, before), 0);
		if (failed)
			assert_int_equal(nr_leaves(f.pt), 1);
		ioas_pt_sync(f.pt);
		assert_true(ioas_pt_validate(f.pt));
		if (failed) {
			assert_int_equal(ioas_pt_map(f.pt, &f.rq), 0);
			assert_int_equal(translate(f.pt, f.rq.iova), 4096);
		}
		ioas_pt_destroy(f.pt);
	} while (failed);
	/* Three runs, and tables of both lower levels. */
	assert_in_range(nth, 6, 20);
}

/* ---- apertures ---------------------------------------------------------- */

static void both_ends_of_every_aperture_map(void **state)
{
	static const uint64_t lasts[] = {
		64 * KIB - 1, MIB - 1, GIB - 1, ((uint64_t)1 << 31) - 1,
		((uint64_t)1 << 48) - 1, ((uint64_t)1 << 57) - 1, UINT64_MAX,
	};

	(void)state;
	for (size_t s = 0; s < sizeof(size_sets) / sizeof(size_sets[0]); s++) {
		uint64_t granule = size_sets[s] & -size_sets[s];

		for (size_t l = 0; l < sizeof(lasts) / sizeof(lasts[0]); l++) {
			struct ioas_pt *pt = pt_new(size_sets[s], 0, lasts[l]);
			uint64_t end = lasts[l] - (granule - 1);

			assert_int_equal(map_bytes(pt, 0, granule, granule,
						   RW), 0);
			if (end)
				assert_int_equal(map_bytes(pt, end, 0, granule,
							   RW), 0);
			if (end)
				assert_int_equal(translate(pt, lasts[l]),
						 granule - 1);
			assert_int_equal(translate(pt, 1), granule + 1);
			assert_true(ioas_pt_validate(pt));
			if (end)
				assert_int_equal(unmap_bytes(pt, end,
							     lasts[l]),
						 lasts[l]);
			assert_int_equal(nr_leaves(pt), 1);
			ioas_pt_destroy(pt);
		}
	}
}

static void the_upper_half_is_one_leaf(void **state)
{
	uint64_t half = (uint64_t)1 << 63, oa, length;
	struct ioas_pt *pt = pt_new(~UINT64_C(4095), 0, UINT64_MAX);

	(void)state;
	assert_int_equal(map_bytes(pt, half, 0, half, RW), 0);
	assert_int_equal(nr_leaves(pt), 1);
	assert_int_equal(ioas_pt_translate_run(pt, half + 5, UINT64_MAX, NULL,
					       &oa, &length), 0);
	assert_int_equal(oa, 5);
	assert_int_equal(length, half - 5);
	assert_int_equal(unmap_bytes(pt, half, UINT64_MAX), UINT64_MAX);
	assert_int_equal(nr_leaves(pt), 0);
	ioas_pt_destroy(pt);
}

/* No shift may be as wide as the word. */
static void a_granule_of_a_quarter_of_the_space_maps(void **state)
{
	const uint64_t size = (uint64_t)1 << 62;
	struct ioas_pt *pt = pt_new(size, 0, UINT64_MAX);
	const struct ioas_run runs[] = { { 3, 1 }, { 1, 1 } };
	uint64_t cursor[4] = { 0 };
	struct ioas_pt_map rq = {
		.runs = runs, .nr_runs = 2, .page_lg2 = 62,
		.length = 2 * size, .prot = RW, .cursor = cursor };

	(void)state;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	rq.iova = 2 * size;
	rq.nr_runs = 1;
	rq.length = size;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	rq.iova = 3 * size;
	assert_int_equal(ioas_pt_map(pt, &rq), 0);
	assert_int_equal(ioas_pt_map(pt, &rq), -EADDRINUSE);
	assert_int_equal(translate(pt, 5), 3 * size + 5);
	assert_int_equal(translate(pt, size + 5), size + 5);
	assert_int_equal(translate(pt, 3 * size + 5), 3 * size + 5);
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_coded_as_documented),
		cmocka_unit_test(a_granule_of_a_quarter_of_the_space_maps),
		cmocka_unit_test(permissions_have_their_bits),
		cmocka_unit_test(every_small_run_gets_the_largest_leaves),
		cmocka_unit_test(random_runs_get_the_largest_leaves),
		cmocka_unit_test(max_leaf_bounds_the_size),
		cmocka_unit_test(head_and_tail_cut_the_first_and_last_page),
		cmocka_unit_test(
			leaves_do_not_straddle_runs_that_meet_by_chance),
		cmocka_unit_test(runs_that_do_not_match_the_length_are_refused),
		cmocka_unit_test(bad_requests_have_their_errors),
		cmocka_unit_test(bad_parameters_have_their_errors),
		cmocka_unit_test(map_over_something_changes_nothing),
		cmocka_unit_test(a_leaf_takes_the_place_of_empty_tables_only),
		cmocka_unit_test(a_page_over_a_page_is_refused),
		cmocka_unit_test(map_that_fails_at_any_point_changes_nothing),
		cmocka_unit_test(both_ends_of_every_aperture_map),
		cmocka_unit_test(the_upper_half_is_one_leaf),
	};

	return cmocka_run_group_tests_name("pt mock", tests, NULL, NULL);
}
