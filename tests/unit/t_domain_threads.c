/* SPDX-License-Identifier: MIT */
/*
 * t_domain_threads: operations on disjoint ranges of one domain at a time
 *
 *   IOVA    |0123|0123|0123|0123| ...     each digit a stripe of its thread
 *   tables  [   leaf table   ][   ...     stripes share tables at every level
 *
 * Each thread checks that its stripes translate as it mapped them, whatever
 * its neighbours do to the tables meanwhile. Under TSan this is the proof that
 * the walker needs no lock of the domain.
 */
#include "pt_test.h"

#include <pthread.h>
#include <stdlib.h>

#include "domain/flat.h"
#include "domain/table.h"

#define NR_THREADS 4
#define NR_STRIPES 12
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

struct shared {
	struct ioas_domain *d;
	/* Pages of a stripe; the first page of the first. */
	uint64_t pages;
	uint64_t first;
	unsigned int steps;
	/* Nobody begins before all can. */
	pthread_barrier_t start;
	/* Marks a page of the domain as written; NULL: no dirty state. */
	void (*mark)(struct ioas_domain *d, uint64_t iova, uint64_t last);
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	uint64_t self;
	uint64_t seed;
	/* Page frame where each stripe begins; 0: not mapped. */
	uint64_t pfn[NR_STRIPES];
	const char *wrong;
};

static uint64_t stripe_iova(const struct worker *w, unsigned int i)
{
	const struct shared *s = w->shared;

	return s->first + (i * NR_THREADS + w->self) * s->pages * 4096;
}

static void stripe_map(struct worker *w, unsigned int i)
{
	struct shared *s = w->shared;
	uint64_t pfn = 1 + rng_below(&w->seed, 1 << 20);
	const struct ioas_run runs[] = {
		{ pfn, 1 }, { pfn + 1, s->pages - 1 },
	};
	struct ioas_domain_cursor cursor = { { 0 } };
	const struct ioas_map_request rq = {
		.iova = stripe_iova(w, i), .runs = runs, .nr_runs = 2,
		.page_lg2 = 12, .length = s->pages * 4096, .prot = RW,
		.cursor = &cursor,
	};

	if (s->d->ops->map(s->d, &rq))
		w->wrong = "map fails";
	w->pfn[i] = pfn;
}

struct checker {
	struct ioas_unmap_sink sink;
	uint64_t iova;
	uint64_t addr;
	bool wrong;
};

static bool checker_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			uint64_t addr, uint64_t length)
{
	struct checker *c = (struct checker *)sink;

	if (iova != c->iova || addr != c->addr)
		c->wrong = true;
	c->iova += length;
	c->addr += length;
	return true;
}

static void stripe_unmap(struct worker *w, unsigned int i)
{
	struct shared *s = w->shared;
	uint64_t iova = stripe_iova(w, i), last = iova + s->pages * 4096 - 1;
	struct checker c = { { checker_add }, iova, w->pfn[i] << 12, false };
	const struct ioas_unmap_request rq = {
		.iova = iova, .want_last = last, .last = last,
		.sink = rng_below(&w->seed, 2) ? &c.sink : NULL,
	};

	if (s->d->ops->unmap(s->d, &rq) != last ||
	    (rq.sink && (c.wrong || c.iova != last + 1)))
		w->wrong = "unmap is wrong";
	w->pfn[i] = 0;
	if (rng_below(&w->seed, 2))
		s->d->ops->sync(s->d);
}

static void stripe_read(struct worker *w, unsigned int i)
{
	struct shared *s = w->shared;
	uint64_t page = rng_below(&w->seed, s->pages);
	uint64_t iova = stripe_iova(w, i) + page * 4096, addr, length;
	uint64_t last = iova + (s->pages - page) * 4096 - 1;
	int ret = s->d->ops->translate_run(s->d, iova, last, NULL, &addr,
					   &length);

	if (!w->pfn[i] ? ret != -ENOENT :
			 ret || addr != (w->pfn[i] + page) << 12 ||
				 length != last - iova + 1)
		w->wrong = "translation is wrong";
}

static void count_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		       ioas_iova_t last)
{
	(void)sink;
	(void)iova;
	(void)last;
}

static void stripe_dirty(struct worker *w, unsigned int i)
{
	struct shared *s = w->shared;
	uint64_t iova = stripe_iova(w, i), last = iova + s->pages * 4096 - 1;
	struct ioas_dirty_sink sink = { count_mark };

	s->mark(s->d, iova, last);
	s->d->ops->read_and_clear_dirty(s->d, iova, last, 0, &sink);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	pthread_barrier_wait(&w->shared->start);
	for (unsigned int step = 0; step < w->shared->steps; step++) {
		unsigned int i = (unsigned int)rng_below(&w->seed, NR_STRIPES);

		stripe_read(w, i);
		if (rng_below(&w->seed, 4) == 0 && w->shared->mark)
			stripe_dirty(w, i);
		if (w->pfn[i])
			stripe_unmap(w, i);
		else
			stripe_map(w, i);
		stripe_read(w, i);
	}
	for (unsigned int i = 0; i < NR_STRIPES; i++)
		if (w->pfn[i])
			stripe_unmap(w, i);
	return NULL;
}

static void threads_run(struct shared *s)
{
	struct worker w[NR_THREADS] = { 0 };

	pthread_barrier_init(&s->start, NULL, NR_THREADS);
	for (uint64_t i = 0; i < NR_THREADS; i++) {
		w[i].shared = s;
		w[i].self = i;
		w[i].seed = 77 + i;
		assert_int_equal(pthread_create(&w[i].thread, NULL,
						worker_run, &w[i]), 0);
	}
	for (size_t i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
	pthread_barrier_destroy(&s->start);
	for (size_t i = 0; i < NR_THREADS; i++)
		if (w[i].wrong)
			fail_msg("thread %zu: %s, seeds 77 on", i, w[i].wrong);
}

static void mark_table(struct ioas_domain *d, uint64_t iova, uint64_t last)
{
	ioas_table_domain_mark_dirty(d, iova, last);
}

static bool found_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	(void)leaf;
	*(bool *)ctx = true;
	return false;
}

static void table_run(uint64_t pgsizes, uint64_t pages, uint64_t first,
		      unsigned int steps)
{
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = pgsizes, .last = UINT64_MAX },
		.dirty = true,
	};
	struct shared s = { .pages = pages, .first = first, .steps = steps,
			    .mark = mark_table };
	bool found = false;

	assert_int_equal(ioas_table_domain_create(&opts, &s.d), 0);
	s.d->ops->set_dirty_tracking(s.d, true);
	threads_run(&s);
	assert_true(ioas_table_domain_validate(s.d));
	ioas_pt_for_each_leaf(ioas_table_domain_pt(s.d), found_leaf, &found);
	assert_false(found);
	s.d->ops->destroy(s.d);
}

/* Stripes of a few pages: all in one or two leaf tables. */
static void small_stripes_share_leaf_tables(void **state)
{
	(void)state;
	table_run(0x1000, 3, (uint64_t)500 << 12, 10000);
	table_run(UINT64_C(0x3FFFFFF800), 5, 0, 10000);
}

/* Tables come and go with each stripe, those above are shared. */
static void large_stripes_share_the_tables_above(void **state)
{
	(void)state;
	table_run(0x1000, 1024, UINT64_C(1) << 40, 200);
	table_run(0x201000, 700, 0, 300);
}

/* Several threads find the same item empty and make a table for it. */
static void all_race_for_the_first_tables(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 300; round++)
		table_run(0x1000, 3, (uint64_t)round << 50, 2);
}

static void flat_serves_threads_too(void **state)
{
	const struct ioas_flat_options opts = {
		.pgsizes = 0x1000, .last = UINT64_MAX,
	};
	struct shared s = { .pages = 3, .steps = 5000 };
	struct ioas_flat_run run;

	(void)state;
	assert_int_equal(ioas_flat_domain_create(&opts, &s.d), 0);
	threads_run(&s);
	assert_true(ioas_flat_domain_validate(s.d));
	assert_false(ioas_flat_domain_next(s.d, 0, &run));
	s.d->ops->destroy(s.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_stripes_share_leaf_tables),
		cmocka_unit_test(large_stripes_share_the_tables_above),
		cmocka_unit_test(all_race_for_the_first_tables),
		cmocka_unit_test(flat_serves_threads_too),
	};

	return cmocka_run_group_tests_name("domain threads", tests, NULL,
					   NULL);
}
