/* SPDX-License-Identifier: MIT */
/*
 * sim_test: what the tests of the simulated machine share
 *
 * Every case starts with the same random state and ends with as many blocks of
 * memory as it began with. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_SIM_TEST_H
#define TESTS_UNIT_SIM_TEST_H

#include <string.h>

#include "origin/sim.h"
#include "plat/posix/memory.h"
#include "seam/fault.h"

static uint64_t sim_test_rng;
static size_t sim_test_blocks;

/* 0 .. @n - 1 */
static inline uint64_t random_below(uint64_t n)
{
	sim_test_rng ^= sim_test_rng << 13;
	sim_test_rng ^= sim_test_rng >> 7;
	sim_test_rng ^= sim_test_rng << 17;
	return sim_test_rng % n;
}

static inline size_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

static inline int case_begin(void **state)
{
	(void)state;
	sim_test_rng = 0x5eed;
	sim_test_blocks = blocks_now();
	return 0;
}

static inline int case_end(void **state)
{
	(void)state;
	return blocks_now() == sim_test_blocks ? 0 : -1;
}

#define sim_case(f) cmocka_unit_test_setup_teardown(f, case_begin, case_end)

/* The broken promise that is still to be looked at, if @nr is 1. */
struct breaches {
	unsigned int nr;
	const char *what;
	ioas_pfn_t pfn;
	/* What may_unpin was asked. */
	struct ioas_run unpin;
	bool dirty;
};

static inline void breach_seen(void *data, const char *what, ioas_pfn_t pfn)
{
	struct breaches *b = data;

	b->nr++;
	b->what = what;
	b->pfn = pfn;
}

static inline void expect_breach(struct breaches *b, const char *what,
				 ioas_pfn_t pfn)
{
	assert_int_equal(b->nr, 1);
	assert_string_equal(b->what, what);
	assert_int_equal(b->pfn, pfn);
	b->nr = 0;
}

static inline struct ioas_sim_hooks breach_hooks(struct breaches *b)
{
	return (struct ioas_sim_hooks){ .data = b, .violation = breach_seen };
}

/* Without @b a broken promise ends the program. */
static inline struct ioas_sim *sim_new(uint8_t page_lg2, uint64_t seed,
				       struct breaches *b)
{
	struct ioas_sim_options opts = { .page_lg2 = page_lg2, .seed = seed };
	struct ioas_sim *sim = NULL;

	if (b)
		opts.hooks = breach_hooks(b);
	assert_int_equal(ioas_sim_create(&opts, &sim), 0);
	return sim;
}

static inline void sim_end(struct ioas_sim *sim)
{
	assert_true(ioas_sim_idle(sim));
	assert_true(ioas_sim_validate(sim));
	ioas_sim_destroy(sim);
}

static inline struct ioas_origin *process_new(struct ioas_sim *sim)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_sim_process_create(sim, &o), 0);
	return o;
}

static inline ioas_pfn_t frame_of(struct ioas_origin *o, uint64_t page)
{
	ioas_pfn_t pfn = 0;

	assert_true(ioas_sim_frame_at(o, page, &pfn));
	return pfn;
}

static inline void guard(struct ioas_origin *o, bool take)
{
	if (take)
		assert_int_equal(o->ops->get_alive(o), 0);
	else
		o->ops->put_alive(o);
}

#define PIN_RUNS 64u

struct pinned {
	int ret;
	struct ioas_pin_request rq;
	struct ioas_run runs[PIN_RUNS];
};

static inline struct pinned pin(struct ioas_origin *o, uint64_t first,
				uint64_t nr, bool write, uint32_t max_runs)
{
	struct pinned p = { .ret = 0 };

	assert_true(max_runs <= PIN_RUNS);
	p.rq.first = first;
	p.rq.nr = nr;
	p.rq.write = write;
	p.rq.runs = p.runs;
	p.rq.max_runs = max_runs;
	p.ret = o->ops->pin(o, &p.rq);
	p.rq.runs = NULL;
	if (p.ret)
		assert_int_equal(p.rq.nr_pinned, 0);
	return p;
}

static inline void unpin_all(struct ioas_origin *o, const struct pinned *p,
			     bool dirty)
{
	for (uint32_t r = 0; r < p->rq.nr_runs; r++)
		o->ops->unpin(o, p->runs[r].pfn, p->runs[r].nr, dirty);
}

#endif
