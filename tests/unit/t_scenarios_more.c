/* SPDX-License-Identifier: MIT */
/*
 * scenarios more: of S1 to S32 those that are no scripts: loops over failures
 * (S8, S10, S11), callbacks with a mind of their own (S14, S16), contents
 * (S22), arrays (S27), sizes (S31)
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger.h"
#include "limit_matrix.h"
#include "script.h"

#define IO UINT64_C(0x1000000)
#define VA (16 * P)
#define TOP UINT64_MAX

static void fixture(struct world *w, const struct world_limits *limits,
		    uint64_t pages, enum ioas_sim_layout layout)
{
	world_init(w, limits);
	world_process(w, 0);
	world_map_memory(w, 0, 16, pages, layout, 0);
	assert_int_equal(world_space(w, 0), 0);
}

static void new_domain(struct world *w, unsigned int d)
{
	assert_int_equal(world_domain(w, d, PAGES_ALL, 0, TOP), 0);
}

static int map_at(struct world *w, unsigned int s, uint64_t start,
		  uint64_t length, ioas_iova_t iova)
{
	return ioas_iopt_map(w->spaces[s], w->origins[0], start, length, RW,
			     IOAS_MAP_FIXED, &iova);
}

static void new_client(struct world *w, unsigned int c, unsigned int s)
{
	assert_int_equal(world_client(w, c, IOAS_ACCESS_PINS), 0);
	assert_int_equal(ioas_access_attach(w->clients[c].access, w->spaces[s]),
			 0);
}

/* ---- S8, S10, S11: the k-th map call of a domain fails ------------------ */

static int with_kth_map_failing(struct world *w, unsigned int k,
				int (*op)(struct world *w))
{
	char *before = world_snapshot(w), *after;
	int ret;

	ledger_fail_point(IOAS_FP_DOMAIN_MAP, k);
	ret = op(w);
	ledger_fail_point(IOAS_NR_FAULT_POINTS, 0);
	if (ret) {
		after = world_snapshot(w);
		assert_true(world_equal(before, after));
		free(after);
		world_check(w, "after the failure");
	}
	free(before);
	return ret;
}

static int map_eight(struct world *w)
{
	return map_at(w, 0, VA, 8 * P, IO);
}

static void s8_map_fails_at_every_run_of_every_domain(void **state)
{
	(void)state;
	for (unsigned int nr = 1; nr <= 3; nr++)
		for (unsigned int i = 0; i < LIMITS_ALL; i += 7)
			for (unsigned int k = 1; k <= 8 * nr + 1; k++) {
				const struct world_limits limits = limits_at(i);
				struct world w;

				fixture(&w, &limits, 8, IOAS_SIM_SCATTERED);
				for (unsigned int d = 0; d < nr; d++) {
					new_domain(&w, d);
					assert_int_equal(world_attach(&w, 0, d),
							 0);
				}
				/* Eight runs in each domain, and no more. */
				assert_int_equal(
					with_kth_map_failing(&w, k, map_eight),
					k <= 8 * nr ? -ENOMEM : 0);
				assert_int_equal(ioas_sim_total_pins(w.sim),
						 k <= 8 * nr ? 0 : 8);
				if (k <= 8 * nr)
					assert_int_equal(map_eight(&w), 0);
				assert_int_equal(world_charged(&w), 8);
				world_fini(&w);
			}
}

static int attach_second(struct world *w)
{
	return world_attach(w, 0, 1);
}

static void attach_fails_at_every_area(bool first)
{
	for (unsigned int i = 0; i < LIMITS_ALL; i += 7)
		for (unsigned int k = 1; k <= 7; k++) {
			const struct world_limits limits = limits_at(i);
			const uint64_t held = first ? 0 : 6;
			struct world w;

			fixture(&w, &limits, 8, IOAS_SIM_SCATTERED);
			new_domain(&w, 0);
			new_domain(&w, 1);
			if (!first)
				assert_int_equal(world_attach(&w, 0, 0), 0);
			for (unsigned int a = 0; a < 3; a++)
				assert_int_equal(map_at(&w, 0, VA + a * 2 * P,
							2 * P, IO + a * 4 * P),
						 0);
			assert_int_equal(
				with_kth_map_failing(&w, k, attach_second),
				k <= 6 ? -ENOMEM : 0);
			assert_int_equal(ioas_sim_total_pins(w.sim),
					 k <= 6 ? held : 6);
			if (k <= 6)
				assert_int_equal(attach_second(&w), 0);
			assert_int_equal(world_charged(&w), 6);
			world_check(&w, "at the end");
			world_fini(&w);
		}
}

static void s10_attach_of_a_second_domain_fails_at_every_area(void **state)
{
	(void)state;
	attach_fails_at_every_area(false);
}

static void s11_attach_of_the_first_domain_fails_at_every_area(void **state)
{
	(void)state;
	attach_fails_at_every_area(true);
}

/* ---- S14, S16: callbacks ------------------------------------------------ */

/* A client that does one more thing when it is told to let go. */
struct stubborn {
	struct world *w;
	struct ioas_access *access;
	unsigned int calls;
	/* What it got for what it tried. */
	int tried;
	bool pins_again;
	bool maps;
};

static void stubborn_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct stubborn *c = data;

	(void)iova;
	(void)length;
	if (c->calls++)
		return;
	if (c->maps)
		c->tried = map_at(c->w, 0, VA, 2 * P, IO);
	ioas_access_unpin(c->access, IO + 4 * P, 2 * P);
	if (c->pins_again)
		c->tried = ioas_access_pin(c->access, IO + 4 * P, 2 * P, 0,
					   NULL);
}

static const struct ioas_access_ops stubborn_ops = { stubborn_unmap };

/* Two areas of two pages, at IO and IO + 4 pages; the second is pinned. */
static void stubborn_init(struct stubborn *c, struct world *w)
{
	fixture(w, NULL, 8, IOAS_SIM_SCATTERED);
	new_domain(w, 0);
	assert_int_equal(world_attach(w, 0, 0), 0);
	c->w = w;
	assert_int_equal(ioas_access_create(&w->ctx, &stubborn_ops, c,
					    IOAS_ACCESS_PINS, &c->access),
			 0);
	assert_int_equal(ioas_access_attach(c->access, w->spaces[0]), 0);
	assert_int_equal(map_at(w, 0, VA, 2 * P, IO), 0);
	assert_int_equal(map_at(w, 0, VA + 2 * P, 2 * P, IO + 4 * P), 0);
	assert_int_equal(ioas_access_pin(c->access, IO + 4 * P, 2 * P, 0, NULL),
			 0);
}

static void s14_a_closing_area_cannot_be_pinned_again(void **state)
{
	struct stubborn c = { .pins_again = true };
	struct world w;
	uint64_t bytes;

	(void)state;
	stubborn_init(&c, &w);
	assert_int_equal(ioas_iopt_unmap(w.spaces[0], IO + 4 * P, 2 * P,
					 &bytes),
			 0);
	assert_int_equal(bytes, 2 * P);
	assert_int_equal(c.calls, 1);
	assert_int_equal(c.tried, -EINVAL);
	ioas_access_destroy(c.access);
	world_fini(&w);
}

/*
 * The first area is gone when the second one's client is told, without locks;
 * whatever is mapped into the hole then is not what the unmap was about.
 */
static void s16_what_is_mapped_into_the_hole_survives_the_unmap(void **state)
{
	struct stubborn c = { .maps = true };
	struct world w;
	uint64_t bytes;

	(void)state;
	stubborn_init(&c, &w);
	assert_int_equal(ioas_iopt_unmap(w.spaces[0], IO, 6 * P, &bytes), 0);
	assert_int_equal(bytes, 4 * P);
	assert_int_equal(c.tried, 0);
	assert_int_equal(world_areas(&w, 0), 1);
	assert_non_null(ioas_rangemap_find(&w.spaces[0]->areas, IO));
	assert_int_equal(ioas_sim_total_pins(w.sim), 2);
	world_check(&w, "after the unmap");
	ioas_access_destroy(c.access);
	world_fini(&w);
}

/* ---- S22: read and write ------------------------------------------------ */

enum s22_state { S22_IDLE, S22_ACC, S22_DOM, S22_BOTH, S22_STATES };

static void s22_init(struct world *w, unsigned int how, enum s22_state pages)
{
	const struct world_limits limits = { .tuning = { .slow_copy =
								 how == 3 } };

	fixture(w, &limits, 4, IOAS_SIM_SCATTERED);
	new_client(w, 0, 0);
	new_domain(w, 0);
	assert_int_equal(map_at(w, 0, VA, 4 * P, IO), 0);
	if (pages == S22_ACC || pages == S22_BOTH)
		assert_int_equal(world_pin(w, 0, IO + P, 2 * P, 0), 0);
	if (pages == S22_DOM || pages == S22_BOTH)
		assert_int_equal(world_attach(w, 0, 0), 0);
	/* 0: own process; 1: another; 2: another, may adopt; 3: slow. */
	w->caller.mm = how == 0 ? ioas_sim_mm(w->origins[0]) : NULL;
}

/* Every alignment of both ends around page borders. */
static void s22_copy_all(struct world *w, unsigned int flags)
{
	static const uint32_t ends[] = { 0,    1,    7,	   4095, 4096,
					 4097, 8191, 8192, 8193, 16383 };
	static unsigned char want[4 * 4096], got[4 * 4096];

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(ends); i++)
		for (unsigned int j = i; j < IOAS_ARRAY_SIZE(ends); j++) {
			const size_t at = ends[i], n = ends[j] - at + 1;

			for (size_t k = 0; k < sizeof(want); k++)
				want[k] = (unsigned char)(k * 7 + k / 256 + i);
			assert_int_equal(ioas_sim_write(w->origins[0], VA, want,
							sizeof(want)),
					 0);
			memset(got, 0xee, sizeof(got));
			assert_int_equal(ioas_access_rw(w->clients[0].access,
							IO + at, got, n, flags),
					 0);
			assert_memory_equal(got, want + at, n);
			for (uint64_t k = 0; k < n; k++)
				want[at + k] = got[k] = (unsigned char)(~k * 3);
			assert_int_equal(
				ioas_access_rw(w->clients[0].access, IO + at,
					       got, n,
					       flags | IOAS_ACCESS_WRITE),
				0);
			assert_int_equal(ioas_sim_read(w->origins[0], VA, got,
						       sizeof(got)),
					 0);
			assert_memory_equal(got, want, sizeof(want));
		}
}

static void s22_every_method_copies_the_same_bytes(void **state)
{
	(void)state;
	for (unsigned int how = 0; how < 4; how++)
		for (unsigned int pages = 0; pages < S22_STATES; pages++) {
			struct world w;
			char *before, *after;

			s22_init(&w, how, (enum s22_state)pages);
			before = world_snapshot(&w);
			s22_copy_all(&w, how == 2 ? IOAS_ACCESS_ADOPT : 0);
			after = world_snapshot(&w);
			assert_true(world_equal(before, after));
			free(before);
			free(after);
			world_fini(&w);
		}
}

/* ---- S27: query ranges -------------------------------------------------- */

static void s27_ranges_fit_or_the_number_is_told(void **state)
{
	static const struct ioas_iova_range reserved[] = {
		{ 0, P - 1 },
		{ 8 * P, 9 * P - 1 },
		{ 9 * P, 10 * P - 1 },
		{ TOP - P + 1, TOP },
	};
	static const struct ioas_iova_range usable[] = {
		{ P, 8 * P - 1 },
		{ 10 * P, TOP - P },
	};
	struct ioas_iova_range got[4];
	uint64_t alignment;
	struct world w;

	(void)state;
	fixture(&w, NULL, 4, IOAS_SIM_SCATTERED);
	new_client(&w, 0, 0);
	assert_int_equal(ioas_iopt_reserve(w.spaces[0], reserved, 4, &w), 0);
	/* Areas and what is allowed do not count. */
	assert_int_equal(map_at(&w, 0, VA, P, 2 * P), 0);
	assert_int_equal(ioas_iopt_allow(w.spaces[0], usable, 1), 0);
	for (uint32_t room = 0; room < 4; room++) {
		uint32_t nr = room;

		memset(got, 0xee, sizeof(got));
		assert_int_equal(ioas_iopt_ranges(w.spaces[0], got, &nr,
						  &alignment),
				 room < 2 ? -EMSGSIZE : 0);
		assert_int_equal(nr, 2);
		assert_int_equal(alignment, P);
		assert_memory_equal(got, usable,
				    (room < 2 ? room : 2) * sizeof(*got));
		for (uint32_t i = room; i < 4; i++)
			assert_int_equal(got[i].first & 0xff, 0xee);
	}
	world_fini(&w);
}

/* All or none of a device's ranges. */
static void s27_reserving_is_all_or_nothing(void **state)
{
	static const struct ioas_iova_range ranges[] = {
		{ 64 * P, 65 * P - 1 },
		{ 70 * P, 71 * P - 1 },
		{ 2 * P, 3 * P - 1 },
	};
	struct world w;
	char *before, *after;

	(void)state;
	fixture(&w, NULL, 4, IOAS_SIM_SCATTERED);
	assert_int_equal(map_at(&w, 0, VA, P, 2 * P), 0);
	before = world_snapshot(&w);
	assert_int_equal(ioas_iopt_reserve(w.spaces[0], ranges, 3,
					   (void *)(uintptr_t)1),
			 -EADDRINUSE);
	after = world_snapshot(&w);
	assert_true(world_equal(before, after));
	free(before);
	free(after);
	assert_int_equal(ioas_iopt_reserve(w.spaces[0], ranges, 2,
					   (void *)(uintptr_t)1),
			 0);
	world_fini(&w);
}

/* ---- S31: many of everything -------------------------------------------- */

#define MANY 100000u
#define MANY_RECORDS 10000u

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/*
 * The bounds are those of something that is not quadratic: 10^5 steps of 10^5
 * would take minutes. Timings are printed, not judged.
 */
static void s31_many_areas(void **state)
{
	struct world w;
	double begin;

	(void)state;
	fixture(&w, NULL, 64, IOAS_SIM_SCATTERED);
	new_domain(&w, 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	begin = seconds();
	for (uint64_t i = 0; i < MANY; i++)
		assert_int_equal(map_at(&w, 0, VA + i % 64 * P, P,
					IO + 2 * i * P),
				 0);
	print_message("# map %.2f s\n", seconds() - begin);
	assert_int_equal(world_areas(&w, 0), MANY);
	assert_int_equal(ioas_sim_total_pins(w.sim), MANY);
	/* Nobody but this frame's holders may be looked at for each page. */
	w.giant = true;
	begin = seconds();
	world_fini(&w);
	print_message("# unmap %.2f s\n", seconds() - begin);
}

static void s31_many_records(void **state)
{
	struct ioas_access *access;
	struct world w;
	double begin;

	(void)state;
	fixture(&w, NULL, 2 * MANY_RECORDS, IOAS_SIM_SCATTERED);
	new_client(&w, 0, 0);
	access = w.clients[0].access;
	assert_int_equal(map_at(&w, 0, VA, 2 * MANY_RECORDS * P, IO), 0);
	begin = seconds();
	for (uint64_t i = 0; i < MANY_RECORDS; i++)
		assert_int_equal(ioas_access_pin(access, IO + 2 * i * P, P, 0,
						 NULL),
				 0);
	assert_int_equal(world_stored(&w), MANY_RECORDS);
	assert_int_equal(ioas_access_pin(access, IO, 2 * MANY_RECORDS * P, 0,
					 NULL),
			 0);
	assert_int_equal(world_stored(&w), 2 * MANY_RECORDS);
	ioas_access_unpin(access, IO, 2 * MANY_RECORDS * P);
	assert_int_equal(world_stored(&w), MANY_RECORDS);
	for (uint64_t i = 0; i < MANY_RECORDS; i++)
		ioas_access_unpin(access, IO + 2 * i * P, P);
	print_message("# records %.2f s\n", seconds() - begin);
	assert_int_equal(ioas_sim_total_pins(w.sim), 0);
	world_fini(&w);
}

static void s31_many_reserved(void **state)
{
	struct world w;
	double begin;

	(void)state;
	fixture(&w, NULL, 64, IOAS_SIM_SCATTERED);
	begin = seconds();
	for (uint64_t i = 0; i < MANY; i++) {
		const struct ioas_iova_range r = { IO + 2 * i * P,
						   IO + (2 * i + 1) * P - 1 };

		assert_int_equal(ioas_iopt_reserve(w.spaces[0], &r, 1,
						   (void *)(uintptr_t)(1 +
								       i % 2)),
				 0);
	}
	ioas_iopt_unreserve(w.spaces[0], (void *)(uintptr_t)1);
	assert_int_equal(map_at(&w, 0, VA, P, IO), 0);
	assert_int_equal(map_at(&w, 0, VA, P, IO + 2 * P), -EINVAL);
	print_message("# reserved %.2f s\n", seconds() - begin);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(s8_map_fails_at_every_run_of_every_domain),
		cmocka_unit_test(
			s10_attach_of_a_second_domain_fails_at_every_area),
		cmocka_unit_test(
			s11_attach_of_the_first_domain_fails_at_every_area),
		cmocka_unit_test(s14_a_closing_area_cannot_be_pinned_again),
		cmocka_unit_test(
			s16_what_is_mapped_into_the_hole_survives_the_unmap),
		cmocka_unit_test(s22_every_method_copies_the_same_bytes),
		cmocka_unit_test(s27_ranges_fit_or_the_number_is_told),
		cmocka_unit_test(s27_reserving_is_all_or_nothing),
		cmocka_unit_test(s31_many_areas),
		cmocka_unit_test(s31_many_records),
		cmocka_unit_test(s31_many_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
