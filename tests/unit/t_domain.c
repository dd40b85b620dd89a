/* SPDX-License-Identifier: MIT */
/*
 * t_domain: what the flat domain notices of its caller's mistakes
 *
 * It is the oracle of the others, so its checks have tests of their own;
 * t_domain_kinds.c holds it and the page tables to the contract. Breaches are
 * reported to this file instead of the platform's abort.
 */
#include "domain_test.h"

static struct ioas_domain *flat_new(uint64_t pgsizes, uint64_t first,
				    uint64_t last,
				    enum ioas_flat_answer answer)
{
	const struct ioas_flat_options opts = {
		.pgsizes = pgsizes, .first = first, .last = last,
		.answer = answer, .dirty = true,
	};
	struct ioas_domain *d = NULL;

	assert_int_equal(ioas_flat_domain_create(&opts, &d), 0);
	return d;
}

static struct ioas_domain *make_flat(void)
{
	return flat_new(0x1000, 0, 0xffffffff, IOAS_FLAT_FULL);
}

static const struct ioas_run five[] = { { 10, 1 }, { 11, 1 }, { 20, 2 },
					{ 30, 1 } };

static int map_five(struct ioas_domain *d)
{
	const struct ioas_map_request rq = {
		.iova = 0x8000, .runs = five, .nr_runs = 4, .page_lg2 = 12,
		.length = 5 * 4096, .prot = RW,
	};

	return d->ops->map(d, &rq);
}

static void pages_of_eight_bytes_work(void **state)
{
	struct ioas_domain *d = flat_new(1, 0, 255, IOAS_FLAT_FULL);
	const struct ioas_run runs[] = { { 4, 2 }, { 9, 1 } };
	const struct ioas_map_request rq = {
		.iova = 3, .runs = runs, .nr_runs = 2, .page_lg2 = 3,
		.head = 5, .length = 15, .prot = RW,
	};
	uint64_t addr, length;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	for (uint64_t i = 0; i < 15; i++) {
		uint64_t want = i < 11 ? 37 + i : 72 + i - 11;

		assert_int_equal(d->ops->translate_run(d, 3 + i, 255, NULL,
						       &addr, &length), 0);
		assert_int_equal(addr, want);
		assert_int_equal(length, i < 11 ? 11 - i : 15 - i);
	}
	assert_int_equal(d->ops->translate_run(d, 18, 18, NULL, &addr,
					       &length), -ENOENT);
	assert_int_equal(d->ops->translate_run(d, 2, 2, NULL, &addr, &length),
			 -ENOENT);
	d->ops->destroy(d);
}

static void short_answers_end_with_the_page(void **state)
{
	struct ioas_domain *d = flat_new(0x800, 0, 0xffff, IOAS_FLAT_SHORT);
	const struct ioas_run run = { 4, 3 };
	const struct ioas_map_request rq = {
		.iova = 0x800, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.head = 0x800, .length = 0x2000, .prot = RW,
	};
	uint64_t addr, length;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	assert_int_equal(d->ops->translate_run(d, 0x801, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(addr, 0x4801);
	assert_int_equal(length, 0x7ff);
	assert_int_equal(d->ops->translate_run(d, 0x1000, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(length, 0x1000);
	assert_int_equal(d->ops->translate_run(d, 0x2000, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(length, 0x800);
	d->ops->destroy(d);
}

static void small_pages_are_map_calls_of_their_own(void **state)
{
	struct ioas_domain *d = flat_new(0x800, 0, 0xffff, IOAS_FLAT_FULL);
	const struct ioas_run run = { 4, 3 };
	struct ioas_map_request rq = {
		.iova = 0x800, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.head = 0x800, .length = 0x2000, .prot = RW,
		.max_leaf = 0x1000,
	};
	static const uint64_t starts[] = { 0x800, 0x1000, 0x2000 };
	struct ioas_flat_stats stats;
	struct ioas_flat_run r;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	ioas_flat_domain_stats(d, &stats);
	assert_int_equal(stats.runs, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(ioas_flat_domain_find(d, starts[i], &r));
		assert_int_equal(r.iova, starts[i]);
		assert_int_equal(r.id, i + 1);
	}
	assert_false(ioas_flat_domain_find(d, 0x2800, &r));
	d->ops->destroy(d);
}

static void frames_are_within_reach_until_the_sync(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0x9fff, .last = 0x9fff,
	};
	struct ioas_flat_stats stats;

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_true(ioas_flat_domain_reaches(d, 10 << 12, 10 << 12));
	assert_false(ioas_flat_domain_reaches(d, 12 << 12, (20 << 12) - 1));
	d->ops->unmap(d, &rq);
	ioas_flat_domain_stats(d, &stats);
	assert_int_equal(stats.unsynced, 2);
	assert_int_equal(stats.entries, 2);
	assert_true(ioas_flat_domain_reaches(d, (11 << 12) + 5, 12 << 12));
	d->ops->sync(d);
	assert_false(ioas_flat_domain_reaches(d, 10 << 12, 12 << 12));
	assert_true(ioas_flat_domain_reaches(d, 21 << 12, 21 << 12));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->destroy(d);
}

static void dirty_granules_go_with_their_mapping(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request rq = {
		.iova = 0xa000, .want_last = 0xbfff, .last = 0xbfff,
	};

	(void)state;
	d->ops->set_dirty_tracking(d, true);
	assert_true(ioas_flat_domain_tracks_dirty(d));
	assert_int_equal(map_five(d), 0);
	assert_int_equal(ioas_flat_domain_mark_dirty(d, 0x9800, 0xfffff), 0);
	assert_false(ioas_flat_domain_is_dirty(d, 0x8000));
	assert_true(ioas_flat_domain_is_dirty(d, 0x9000));
	assert_true(ioas_flat_domain_is_dirty(d, 0xbfff));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->unmap(d, &rq);
	assert_false(ioas_flat_domain_is_dirty(d, 0xa000));
	assert_true(ioas_flat_domain_is_dirty(d, 0xc000));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->destroy(d);
}

/* ---- breaches ----------------------------------------------------------- */

static uint64_t unmap_range(struct ioas_domain *d, uint64_t iova,
			    uint64_t last)
{
	const struct ioas_unmap_request rq = {
		.iova = iova, .want_last = last, .last = last,
	};

	return d->ops->unmap(d, &rq);
}

static void flat_notices_wrong_unmaps(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request open_end = {
		.iova = 0x8000, .want_last = 0x8fff, .last = 0x9fff,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	/* Inside the run [0xa000, 0xbfff], both ends; gaps; nothing at all. */
	assert_breach(unmap_range(d, 0x8000, 0xafff));
	assert_breach(unmap_range(d, 0xb000, 0xcfff));
	assert_breach(unmap_range(d, 0x7000, 0xcfff));
	assert_breach(unmap_range(d, 0x8000, 0xdfff));
	assert_breach(unmap_range(d, 0x100000, 0x100fff));
	assert_breach(unmap_range(d, 0x9000, 0x8fff));
	assert_breach(d->ops->unmap(d, &open_end));
	assert_int_equal(unmap_range(d, 0x8000, 0xcfff), 0xcfff);
	d->ops->destroy(d);
}

static int map_one(struct ioas_domain *d, uint64_t iova, uint64_t pfn,
		   uint64_t nr, uint64_t length)
{
	const struct ioas_run run = { pfn, nr };
	const struct ioas_map_request rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = length, .prot = RW,
	};

	return d->ops->map(d, &rq);
}

static void flat_notices_wrong_maps(void **state)
{
	struct ioas_domain *d = make_flat();
	struct ioas_domain_cursor cursor = { { 1 } };
	const struct ioas_run run = { 1, 1 };
	const struct ioas_map_request strange = {
		.iova = 0x1000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 4096, .prot = RW, .cursor = &cursor,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(map_one(d, 0xc000, 1, 1, 4096));
	assert_breach(map_one(d, 0x7000, 1, 2, 8192));
	assert_breach(map_one(d, 0x1800, 1, 1, 4096));
	assert_breach(map_one(d, 0x1000, 1, 1, 2048));
	assert_breach(map_one(d, 0x1000, 1, 2, 4096));
	assert_breach(map_one(d, 0x1000, 1, 1, 8192));
	assert_breach(map_one(d, 0x1000, UINT64_MAX, 1, 4096));
	assert_breach(map_one(d, 0xfffff000, 1, 2, 8192));
	assert_breach(map_one(d, 0x1000, 1, 0, 0));
	assert_breach(d->ops->map(d, &strange));
	d->ops->destroy(d);
}

struct meddler {
	struct ioas_unmap_sink sink;
	struct ioas_domain *d;
	bool refuse;
	unsigned int nr;
};

static bool meddler_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			uint64_t addr, uint64_t length)
{
	struct meddler *m = (struct meddler *)sink;
	uint64_t a, l;

	(void)addr;
	(void)length;
	m->nr++;
	if (m->refuse)
		return m->nr == 1;
	m->d->ops->translate_run(m->d, iova, iova, NULL, &a, &l);
	return true;
}

static void flat_notices_a_refused_continuation(void **state)
{
	struct ioas_domain *d = make_flat();
	struct meddler m = { { meddler_add }, d, true, 0 };
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0xcfff, .last = 0xcfff,
		.sink = &m.sink,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(d->ops->unmap(d, &rq));
	d->ops->destroy(d);
}

static void flat_notices_overlap_in_time(void **state)
{
	struct ioas_domain *d = make_flat();
	struct meddler m = { { meddler_add }, d, false, 0 };
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0xcfff, .last = 0xcfff,
		.sink = &m.sink,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(d->ops->unmap(d, &rq));
	d->ops->destroy(d);
}

static void a_hundred_thousand_runs_are_no_trouble(void **state)
{
	enum { N = 100000 };
	struct ioas_domain *d = flat_new(0x1000, 0, UINT64_MAX,
					 IOAS_FLAT_FULL);
	struct ioas_flat_run run;
	uint64_t addr, length;

	(void)state;
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(map_one(d, i * 8192, i, 1, 4096), 0);
	for (uint64_t i = 0; i < N; i += 7) {
		assert_int_equal(d->ops->translate_run(d, i * 8192 + 1,
						       UINT64_MAX, NULL, &addr,
						       &length), 0);
		assert_int_equal(addr, i * 4096 + 1);
	}
	assert_true(ioas_flat_domain_validate(d));
	for (uint64_t i = 0; i < N; i++)
		unmap_range(d, i * 8192, i * 8192 + 4095);
	assert_false(ioas_flat_domain_next(d, 0, &run));
	d->ops->destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_of_eight_bytes_work),
		cmocka_unit_test(short_answers_end_with_the_page),
		cmocka_unit_test(small_pages_are_map_calls_of_their_own),
		cmocka_unit_test(frames_are_within_reach_until_the_sync),
		cmocka_unit_test(dirty_granules_go_with_their_mapping),
		cmocka_unit_test(flat_notices_wrong_unmaps),
		cmocka_unit_test(flat_notices_wrong_maps),
		cmocka_unit_test(flat_notices_a_refused_continuation),
		cmocka_unit_test(flat_notices_overlap_in_time),
		cmocka_unit_test(a_hundred_thousand_runs_are_no_trouble),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
