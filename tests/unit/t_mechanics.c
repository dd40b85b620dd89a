/* SPDX-License-Identifier: MIT */
/*
 * t_mechanics: the structure that makes the speed, asserted by counts
 *
 * Timings belong to bench/. What must stay true for them is counted here:
 * walks, table allocations, map calls, invalidations, allocations of the core
 * (docs/reference/performance.md sections 1 and 4, D1 to D13).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/access.h"
#include "domain/table.h"
#include "origin/own.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

#define K ((uint64_t)1 << 10)
#define M ((uint64_t)1 << 20)
#define G ((uint64_t)1 << 30)

#define SMALL_LEAVES ((uint64_t)1 << 12)
#define ALL_LEAVES (SMALL_LEAVES | 2 * M | G)

/* Every page its own run: page i has frame 2 i. */
static unsigned int nr_pin_calls;

static int scattered_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	(void)o;
	nr_pin_calls++;
	rq->nr_pinned = ioas_min(rq->nr, rq->max_runs);
	rq->nr_runs = (uint32_t)rq->nr_pinned;
	for (uint32_t i = 0; i < rq->nr_runs; i++)
		rq->runs[i] = (struct ioas_run){ 2 * (rq->first + i), 1 };
	return 0;
}

static void scattered_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
			    bool dirty)
{
	(void)o;
	(void)pfn;
	(void)nr;
	(void)dirty;
}

static void scattered_destroy(struct ioas_origin *o)
{
	(void)o;
}

static const struct ioas_origin_ops scattered_ops = {
	.name = "scattered",
	.pin = scattered_pin,
	.unpin = scattered_unpin,
	.destroy = scattered_destroy,
};

struct fixture {
	struct ioas_context ctx;
	struct ioas *ioas;
	struct ioas_origin *own;
	struct ioas_origin scattered;
	struct ioas_caller caller;
	struct ioas_fault fault;
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){
		.scattered = { .ops = &scattered_ops,
			       .refs = 1,
			       .page_lg2 = 12 },
	};
	f.caller.fault = &f.fault;
	ioas_context_init(&f.ctx, 12, 21);
	assert_int_equal(ioas_iopt_create(&f.ctx, &f.ioas), 0);
	assert_int_equal(ioas_origin_own_create(12, &f.own), 0);
	nr_pin_calls = 0;
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ioas_context_validate(&f->ctx), 0);
	assert_int_equal(ioas_iopt_destroy(f->ioas), 0);
	ioas_origin_put(f->own);
	ioas_context_fini(&f->ctx);
	return 0;
}

static struct ioas_domain *attach(struct fixture *f, uint64_t pgsizes)
{
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = pgsizes,
			.last = ((uint64_t)1 << 48) - 1,
			.count = true },
	};
	struct ioas_domain *d;

	assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
	assert_int_equal(ioas_iopt_attach(f->ioas, d), 0);
	return d;
}

static void drop(struct fixture *f, struct ioas_domain *d)
{
	ioas_iopt_detach(f->ioas, d);
	d->ops->destroy(d);
}

static struct ioas_pt_stats stats(struct ioas_domain *d)
{
	struct ioas_pt_stats s;

	ioas_pt_stats(ioas_table_domain_pt(d), &s);
	return s;
}

static void map(struct fixture *f, struct ioas_origin *o, uint64_t start,
		uint64_t length, ioas_iova_t iova)
{
	assert_int_equal(ioas_iopt_map(f->ioas, o, start, length,
				       IOAS_PROT_READ | IOAS_PROT_WRITE,
				       IOAS_MAP_FIXED, &iova),
			 0);
}

static void unmap(struct fixture *f, ioas_iova_t iova, uint64_t length)
{
	uint64_t unmapped;

	assert_int_equal(ioas_iopt_unmap(f->ioas, iova, length, &unmapped), 0);
	assert_int_equal(unmapped, length);
}

static void one_run_is_one_map_call_and_one_walk(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, SMALL_LEAVES);
	struct ioas_pt_stats before = stats(d), after;

	map(f, f->own, G, G, 8 * G);
	after = stats(d);
	assert_int_equal(after.runs_mapped - before.runs_mapped, 1);
	assert_int_equal(after.leaves_written - before.leaves_written,
			 G / SMALL_LEAVES);
	assert_in_range(after.walks - before.walks, 0, 1);
	/* 512 tables of leaves, and at most one above them per level. */
	assert_in_range(after.tables_allocated - before.tables_allocated, 512,
			515);
	drop(f, d);
}

static void an_aligned_gigabyte_is_one_leaf(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, ALL_LEAVES);
	struct ioas_pt_stats before = stats(d), after;

	map(f, f->own, G, G, 8 * G);
	after = stats(d);
	assert_int_equal(after.leaves_written - before.leaves_written, 1);
	drop(f, d);
}

static void a_chosen_iova_lets_large_leaves_line_up(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, ALL_LEAVES);
	struct ioas_pt_stats before = stats(d), after;
	ioas_iova_t iova = 0;

	map(f, f->own, 64 * K, 4 * K, 4 * K);
	assert_int_equal(ioas_iopt_map(f->ioas, f->own, G, 16 * M,
				       IOAS_PROT_READ, 0, &iova),
			 0);
	after = stats(d);
	assert_int_equal(iova % (2 * M), 0);
	assert_int_equal(after.leaves_written - before.leaves_written, 1 + 8);
	drop(f, d);
}

static void unmap_reads_and_removes_in_one_walk_and_one_flush(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, SMALL_LEAVES);
	struct ioas_pt_stats before, after;

	map(f, f->own, G, G, 8 * G);
	before = stats(d);
	unmap(f, 8 * G, G);
	after = stats(d);
	assert_int_equal(after.unmaps - before.unmaps, 1);
	assert_int_equal(after.syncs - before.syncs, 1);
	assert_in_range(after.walks - before.walks, 0, 1);
	drop(f, d);
}

/* D13: gathered unmap. */
static void a_hundred_areas_share_one_flush(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, SMALL_LEAVES);
	struct ioas_pt_stats before, after;

	for (uint64_t i = 0; i < 100; i++)
		map(f, f->own, G + 8 * K * i, 4 * K, 8 * G + 4 * K * i);
	before = stats(d);
	unmap(f, 8 * G, 400 * K);
	after = stats(d);
	assert_int_equal(after.unmaps - before.unmaps, 100);
	assert_int_equal(after.syncs - before.syncs, 1);
	drop(f, d);
}

/* A batch holds 4,096 runs: that many single frames per flush. */
static void scattered_frames_are_flushed_by_the_batch(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, SMALL_LEAVES);
	struct ioas_pt_stats before, after;

	map(f, &f->scattered, 0, 64 * M, 8 * G);
	before = stats(d);
	unmap(f, 8 * G, 64 * M);
	after = stats(d);
	assert_in_range(after.unmaps - before.unmaps, 4, 5);
	assert_in_range(after.syncs - before.syncs, 4, 5);
	drop(f, d);
}

static void a_second_domain_pins_nothing(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *first = attach(f, SMALL_LEAVES), *second;
	struct ioas_pt_stats before, after;
	unsigned int calls;

	map(f, &f->scattered, 0, 16 * M, 8 * G);
	map(f, f->own, G, G, 16 * G);
	calls = nr_pin_calls;
	before = stats(first);
	second = attach(f, SMALL_LEAVES);
	after = stats(first);
	assert_int_equal(nr_pin_calls, calls);
	/* A walk per area: the cursor spares the others. */
	assert_in_range(after.walks - before.walks, 1, 2);
	before = stats(first);
	drop(f, second);
	after = stats(first);
	assert_int_equal(after.walks - before.walks, 0);
	drop(f, first);
}

/* Allocations of the core: by kind, while mapping @length with a domain. */
static void count_allocations(struct fixture *f, uint64_t length,
			      uint64_t *reached)
{
	struct ioas_caller *old = ioas_caller_enter(&f->caller);

	f->fault = (struct ioas_fault){ 0 };
	ioas_fault_arm(&f->fault);
	map(f, f->own, G, length, 8 * G);
	for (unsigned int i = 0; i < IOAS_NR_FAULT_POINTS; i++)
		reached[i] = f->fault.reached[i];
	ioas_fault_disarm();
	ioas_caller_leave(old);
	unmap(f, 8 * G, length);
}

/* INV of performance.md 1.5: nothing is stored twice. */
static void memory_of_the_core_does_not_grow_with_the_pages(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, ALL_LEAVES);
	uint64_t small[IOAS_NR_FAULT_POINTS], large[IOAS_NR_FAULT_POINTS];

	count_allocations(f, 2 * M, small);
	/* As much as every machine has addresses for. */
	count_allocations(f, sizeof(void *) > 4 ? 64 * G : 2 * G, large);
	small[IOAS_FP_TABLE] = 0;
	large[IOAS_FP_TABLE] = 0;
	assert_memory_equal(small, large, sizeof(small));
	assert_int_equal(small[IOAS_FP_ALLOC_PAGES], 1);
	assert_int_equal(small[IOAS_FP_ALLOC_AREA], 0);
	assert_int_equal(small[IOAS_FP_PIN], large[IOAS_FP_PIN]);
	drop(f, d);
}

static void nothing(void *data, ioas_iova_t iova, uint64_t length)
{
	(void)data;
	(void)iova;
	(void)length;
}

static void a_pin_of_what_is_held_does_not_ask_the_origin(void **state)
{
	static const struct ioas_access_ops ops = { .unmap = nothing };
	struct fixture *f = *state;
	struct ioas_domain *d = attach(f, SMALL_LEAVES);
	struct ioas_access *a;
	unsigned int calls;

	map(f, &f->scattered, 0, 4 * M, 8 * G);
	calls = nr_pin_calls;
	assert_int_equal(ioas_access_create(&f->ctx, &ops, NULL,
					    IOAS_ACCESS_PINS, &a),
			 0);
	assert_int_equal(ioas_access_attach(a, f->ioas), 0);
	assert_int_equal(ioas_access_pin(a, 8 * G, 2 * M, 0, NULL), 0);
	assert_int_equal(ioas_access_pin(a, 8 * G + M, 2 * M, 0, NULL), 0);
	assert_int_equal(nr_pin_calls, calls);
	ioas_access_unpin(a, 8 * G, 2 * M);
	ioas_access_unpin(a, 8 * G + M, 2 * M);
	ioas_access_destroy(a);
	drop(f, d);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(one_run_is_one_map_call_and_one_walk),
		CASE(an_aligned_gigabyte_is_one_leaf),
		CASE(a_chosen_iova_lets_large_leaves_line_up),
		CASE(unmap_reads_and_removes_in_one_walk_and_one_flush),
		CASE(a_hundred_areas_share_one_flush),
		CASE(scattered_frames_are_flushed_by_the_batch),
		CASE(a_second_domain_pins_nothing),
		CASE(memory_of_the_core_does_not_grow_with_the_pages),
		CASE(a_pin_of_what_is_held_does_not_ask_the_origin),
	};

	return cmocka_run_group_tests_name("mechanics", tests, NULL, NULL);
}
