/* SPDX-License-Identifier: MIT */
/*
 * census: pins of frames, counted from the tiers, against the machine's books
 *
 * The simulated machine knows how often every frame is pinned. As long as the
 * only origin's pins are those of one context, that is the number of pages of
 * pages objects that hold it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "core/census.h"
#include "limit_matrix.h"
#include "prng.h"
#include "script.h"

#define IO UINT64_C(0x1000000)
#define VA (16 * P)
#define NR 32u

static uint32_t holders(struct world *w, ioas_pfn_t pfn)
{
	const struct ioas_run one = { pfn, 1 };
	uint32_t count = 0;

	assert_int_equal(ioas_context_holders(&w->ctx, one, &count), 0);
	return count;
}

static ioas_pfn_t frame(struct world *w, uint64_t page)
{
	ioas_pfn_t pfn;

	assert_true(ioas_sim_frame_at(w->origins[0], page, &pfn));
	return pfn;
}

/* Every frame of the memory, one at a time and in windows of several. */
static void check_all(struct world *w)
{
	uint32_t counts[2 * NR];
	ioas_pfn_t low = UINT64_MAX, high = 0;

	for (unsigned int i = 0; i < NR; i++) {
		const ioas_pfn_t pfn = frame(w, 16 + i);
		const struct ioas_sim_pins p = ioas_sim_pins(w->sim, pfn);

		assert_int_equal(holders(w, pfn), p.read + p.write);
		low = ioas_min(low, pfn);
		high = ioas_max(high, pfn);
	}
	for (ioas_pfn_t at = low - 3; at <= high; at += 2 * NR - 5) {
		const struct ioas_run run = { at, 2 * NR };

		memset(counts, 0, sizeof(counts));
		assert_int_equal(ioas_context_holders(&w->ctx, run, counts), 0);
		for (unsigned int i = 0; i < 2 * NR; i++) {
			const struct ioas_sim_pins p =
				ioas_sim_pins(w->sim, at + i);

			assert_int_equal(counts[i], p.read + p.write);
		}
	}
	assert_int_equal(ioas_context_validate(&w->ctx), 0);
}

static int map_some(struct world *w, struct prng *r, unsigned int s)
{
	const uint64_t a = prng_below(r, NR), n = 1 + prng_below(r, NR - a);
	ioas_iova_t iova = 0;

	return ioas_iopt_map(w->spaces[s], w->origins[0], VA + a * P, n * P, RW,
			     0, &iova);
}

/* Any part of any area of space 0 into any space. */
static int copy_some(struct world *w, struct prng *r, unsigned int s)
{
	ioas_iova_t first, iova = 0;
	const struct ioas_area *a;
	uint64_t skip, n;

	if (!ioas_iopt_nth(w->spaces[0], (uint32_t)prng_below(r, 4), &first))
		return 0;
	a = ioas_rangemap_find(&w->spaces[0]->areas, first);
	n = (a->last - a->iova + 1) / P;
	skip = prng_below(r, n);
	n = 1 + prng_below(r, n - skip);
	return ioas_iopt_copy(w->spaces[s], w->spaces[0], first + skip * P,
			      n * P, RW, 0, &iova);
}

static int pin_some(struct world *w, struct prng *r)
{
	ioas_iova_t first;

	if (w->clients[0].nr_pins == WORLD_PINS ||
	    !ioas_iopt_nth(w->spaces[0], (uint32_t)prng_below(r, 4), &first))
		return 0;
	return world_pin(w, 0, first, P, 0);
}

static void unmap_some(struct world *w, struct prng *r, unsigned int s)
{
	const struct ioas_area *a;
	ioas_iova_t first;
	uint64_t bytes;

	if (!ioas_iopt_nth(w->spaces[s], (uint32_t)prng_below(r, 4), &first))
		return;
	a = ioas_rangemap_find(&w->spaces[s]->areas, first);
	assert_int_equal(ioas_iopt_unmap(w->spaces[s], first,
					 a->last - first + 1, &bytes),
			 0);
}

static void toggle_domain(struct world *w, unsigned int d)
{
	if (w->domain_space[d] < 0)
		assert_int_equal(world_attach(w, d, d), 0);
	else
		world_detach(w, d);
}

static void step(struct world *w, struct prng *r)
{
	const unsigned int s = (unsigned int)prng_below(r, 2);

	switch (prng_below(r, 8)) {
	case 0:
	case 1:
		assert_int_equal(map_some(w, r, s), 0);
		break;
	case 2:
	case 3:
		assert_int_equal(copy_some(w, r, s), 0);
		break;
	case 4:
	case 5:
		assert_int_equal(pin_some(w, r), 0);
		break;
	case 6:
		unmap_some(w, r, s);
		break;
	default:
		toggle_domain(w, s);
	}
}

static void counts_are_the_pins_of_the_machine(void **state)
{
	const uint64_t seed = 11;
	struct prng r = { seed };

	(void)state;
	print_message("# seed %" PRIu64 "\n", seed);
	for (unsigned int round = 0; round < 60; round++) {
		struct world_limits limits = limits_at(round * 7 % LIMITS_ALL);
		struct world w;

		limits.table = round & 1;
		world_init(&w, &limits);
		world_process(&w, 0);
		world_map_memory(&w, 0, 16, NR / 2,
				 (enum ioas_sim_layout)prng_below(&r, 4), 0);
		/* The other half are the same frames again. */
		assert_int_equal(ioas_sim_alias(w.origins[0], 16 + NR / 2,
						NR / 2, w.origins[0], 16),
				 0);
		for (unsigned int s = 0; s < 2; s++) {
			assert_int_equal(world_space(&w, s), 0);
			assert_int_equal(world_domain(&w, s, PAGES_ALL, 0,
						      UINT64_MAX),
					 0);
		}
		assert_int_equal(world_client(&w, 0, IOAS_ACCESS_PINS), 0);
		assert_int_equal(ioas_access_attach(w.clients[0].access,
						    w.spaces[0]),
				 0);
		for (unsigned int i = 0; i < 40; i++) {
			step(&w, &r);
			check_all(&w);
		}
		world_fini(&w);
	}
}

/* Process 0 with two pages; the rest is for the case. */
static void world_small(struct world *w)
{
	world_init(w, NULL);
	world_process(w, 0);
	world_map_memory(w, 0, 16, 4, IOAS_SIM_SCATTERED, 0);
	assert_int_equal(world_space(w, 0), 0);
}

static void map_at(struct world *w, unsigned int o, uint64_t start,
		   uint64_t length, ioas_iova_t iova)
{
	assert_int_equal(ioas_iopt_map(w->spaces[0], w->origins[o], start,
				       length, RW, IOAS_MAP_FIXED, &iova),
			 0);
}

/* A promise is no pin. */
static void what_is_only_mapped_is_not_counted(void **state)
{
	struct world w;

	(void)state;
	world_small(&w);
	map_at(&w, 0, VA, 4 * P, IO);
	assert_int_equal(holders(&w, frame(&w, 16)), 0);
	assert_int_equal(world_domain(&w, 0, PAGES_ALL, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	assert_int_equal(holders(&w, frame(&w, 16)), 1);
	/* Another object over the same memory. */
	map_at(&w, 0, VA, P, IO + 16 * P);
	assert_int_equal(holders(&w, frame(&w, 16)), 2);
	assert_int_equal(holders(&w, frame(&w, 17)), 1);
	world_fini(&w);
}

/* Two areas share page 1; both ends of the second object are half pages. */
static void half_pages_count_as_pages(void **state)
{
	struct world w;

	(void)state;
	world_small(&w);
	assert_int_equal(world_domain(&w, 0, P / 2, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	map_at(&w, 0, VA + P / 2, 2 * P, IO);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(holders(&w, frame(&w, 16 + i)), i < 3);
	map_at(&w, 0, VA + 3 * P / 2, P / 2, IO + 16 * P);
	assert_int_equal(holders(&w, frame(&w, 17)), 2);
	world_fini(&w);
}

/* The frames of then, not those that the memory has now. */
static void what_is_held_counts_not_what_is_there(void **state)
{
	ioas_pfn_t old;
	struct world w;

	(void)state;
	world_small(&w);
	assert_int_equal(world_client(&w, 0, IOAS_ACCESS_PINS), 0);
	assert_int_equal(ioas_access_attach(w.clients[0].access, w.spaces[0]),
			 0);
	map_at(&w, 0, VA, 4 * P, IO);
	assert_int_equal(world_pin(&w, 0, IO, P, 0), 0);
	old = frame(&w, 16);
	assert_int_equal(ioas_sim_remap(w.origins[0], 16, 1,
					IOAS_SIM_SCATTERED),
			 0);
	assert_int_not_equal(frame(&w, 16), old);
	assert_int_equal(holders(&w, frame(&w, 16)), 0);
	assert_int_equal(holders(&w, old), 1);
	world_fini(&w);
}

static void device_memory_is_not_counted(void **state)
{
	struct ioas_domain *d;
	uint64_t addr, length;
	struct world w;

	(void)state;
	world_small(&w);
	world_device(&w, 1, 4);
	assert_int_equal(world_domain(&w, 0, PAGES_ALL, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	map_at(&w, 1, 0, 4 * P, IO);
	d = w.domains[0];
	assert_int_equal(d->ops->translate_run(d, IO, IO, NULL, &addr, &length),
			 0);
	assert_int_equal(holders(&w, addr / P), 0);
	world_fini(&w);
}

/* What is there is added to; no frames are none. */
static void counts_are_added_to(void **state)
{
	const struct ioas_run none = { 0, 0 };
	uint32_t count = 5;
	struct ioas_run one;
	struct world w;

	(void)state;
	world_small(&w);
	assert_int_equal(world_domain(&w, 0, PAGES_ALL, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	map_at(&w, 0, VA, P, IO);
	one = (struct ioas_run){ frame(&w, 16), 1 };
	assert_int_equal(ioas_context_holders(&w.ctx, none, &count), 0);
	assert_int_equal(count, 5);
	assert_int_equal(ioas_context_holders(&w.ctx, one, &count), 0);
	assert_int_equal(count, 6);
	count = UINT32_MAX;
	assert_int_equal(ioas_context_holders(&w.ctx, one, &count), 0);
	assert_int_equal(count, UINT32_MAX);
	world_fini(&w);
}

/* 2^50 pages in one run cost no more than one. */
static void giant_objects_are_walked_in_runs(void **state)
{
	const uint64_t giant = UINT64_C(1) << 50;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_process(&w, 0);
	world_map_memory(&w, 0, 16, giant, IOAS_SIM_GIANT, 0);
	assert_int_equal(world_space(&w, 0), 0);
	assert_int_equal(world_domain(&w, 0, PAGES_ALL, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	map_at(&w, 0, VA, giant * P, IO);
	assert_int_equal(holders(&w, frame(&w, 16 + giant - 1)), 1);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_the_pins_of_the_machine),
		cmocka_unit_test(what_is_only_mapped_is_not_counted),
		cmocka_unit_test(half_pages_count_as_pages),
		cmocka_unit_test(what_is_held_counts_not_what_is_there),
		cmocka_unit_test(device_memory_is_not_counted),
		cmocka_unit_test(counts_are_added_to),
		cmocka_unit_test(giant_objects_are_walked_in_runs),
	};

	return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
