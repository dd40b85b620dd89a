/* SPDX-License-Identifier: MIT */
/*
 * sweep scenarios: S1 to S32, and a wide one that needs every kind of memory,
 * with every fault point failing once
 *
 * Under four settings of the limits: the default, everything one, batches that
 * end where windows do not, and page tables for domains. Families are swept in
 * a few of their variants.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "scenarios.h"
#include "sweep.h"

#define MAX_TESTS 64
#define IO UINT64_C(0x1000000)

static struct sweep total;

static const struct world_limits settings[] = {
	{ .pin_mode = IOAS_SIM_PIN_ALL, .answer = IOAS_FLAT_FULL },
	{ .tuning = { 1, 1, 1, 1, false },
	  .pin_mode = IOAS_SIM_PIN_ONE,
	  .answer = IOAS_FLAT_SHORT,
	  .bitmap_window = 1 },
	{ .tuning = { 3, 2, 2, 5, true },
	  .pin_mode = IOAS_SIM_PIN_ALL,
	  .answer = IOAS_FLAT_FULL },
	{ .pin_mode = IOAS_SIM_PIN_ALL, .table = true },
};

/*
 * More pages than batches and windows have room on the stack, more runs, pins
 * and areas than a node of a tree, three linked areas, domains of both kinds.
 */
static const struct op wide[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 16, 200, IOAS_SIM_SCATTERED) },
	{ FILE_PAGES(1, 64, IOAS_SIM_FOLIO_MIXED) },
	{ DEVICE_PAGES(2, 8) },
	{ SPACE(0) },
	{ SPACE(1) },
	{ CLIENT(0, IOAS_ACCESS_PINS) },
	{ CLIENT(1, IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL) },
	{ JOIN(0, 0) },
	{ JOIN(1, 1) },
	{ RESERVE(0, 0, P - 1, 1) },
	{ ALLOW(0, P, UINT64_MAX >> 1) },
	{ DOMAIN(0, PAGES_ALL) },
	{ DOMAIN(1, PAGES_4K) },
	{ MAP(0, 0, 16 * P, 100 * P, IO, RW) },
	{ MAP_ANY(0, 1, P, 40 * P, RW), .out = P },
	{ MAP(0, 2, P, 4 * P, IO + 200 * P, RW) },
	{ PIN(0, IO + 10 * P, 40 * P, IOAS_ACCESS_WRITE) },
	{ PIN(0, IO + 30 * P, 40 * P, 0) },
	{ PIN(0, IO + 5 * P, 2 * P, 0) },
	{ HELD(62, 62, 62) },
	{ ATTACH(0, 0) },
	{ HELD(140, 62, 140) },
	{ COPY(1, 0, IO + 20 * P, 60 * P, IO, RW) },
	{ COPY(1, 0, IO + 60 * P, 40 * P, IO + 100 * P, RD) },
	{ ATTACH(1, 1) },
	{ PIN(1, IO + 3 * P, 4 * P, 0) },
	{ HELD(140, 62, 140) },
	{ DIRTY_SET(0, 0, 1) },
	{ TOUCH(0, IO + 4 * P, 9 * P) },
	{ DIRTY_READ(0, 0, IO, 100 * P, P, 0, 9) },
	{ COPY_BYTES(0, IO + 8, 9 * P, IOAS_ACCESS_WRITE) },
	{ COPY_BYTES(0, IO + 8, 16, 0) },
	{ COPY_BYTES(0, P, 12 * P, 0) },
	{ DETACH(0) },
	{ COPY_BYTES(0, IO, 9 * P, 0) },
	{ COPY_BYTES(0, IO, 16, 0) },
	{ COPY_BYTES(0, P, 12 * P, 0) },
	{ UNPIN(0, IO + 10 * P, 40 * P) },
	{ UNMAP(0, IO, 100 * P, 100 * P) },
	{ UNPIN(1, IO + 3 * P, 4 * P) },
	{ UNMAP_ALL(1, 100 * P) },
	{ HELD(0, 0, 0) },
};

static const struct op many_pins[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 16, 64, IOAS_SIM_DESCENDING) },
	{ SPACE(0) },
	{ CLIENT(0, IOAS_ACCESS_PINS) },
	{ JOIN(0, 0) },
	{ DOMAIN(0, PAGES_ALL) },
	{ MAP(0, 0, 16 * P, 64 * P, IO, RW) },
	{ PIN(0, IO, P, 0) },
	{ PIN(0, IO + 2 * P, P, 0) },
	{ PIN(0, IO + 4 * P, P, 0) },
	{ PIN(0, IO + 6 * P, P, 0) },
	{ PIN(0, IO + 8 * P, P, 0) },
	{ PIN(0, IO + 10 * P, P, 0) },
	{ PIN(0, IO + 12 * P, P, 0) },
	{ PIN(0, IO + 14 * P, P, 0) },
	{ PIN(0, IO + 1 * P, 40 * P, 0) },
	{ HELD(41, 41, 41) },
	{ ATTACH(0, 0) },
	{ HELD(64, 41, 64) },
	{ PIN(0, IO, 64 * P, 0) },
	{ UNPIN(0, IO + P, 40 * P) },
	{ DETACH(0) },
	{ UNPIN(0, IO, 64 * P) },
	{ HELD(8, 8, 8) },
};

static const struct script more[] = {
	SCRIPT("wide", wide),
	SCRIPT("many pins", many_pins),
};

static void sweep_scenario(void **state)
{
	const struct scenario *s = *state;
	const unsigned int step = 1 + s->variants / 12;
	struct op room[SCENARIO_OPS];

	for (unsigned int v = 0; v < s->variants; v += step)
		for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(settings); i++) {
			const struct script script =
				scenario_script(s, v, room);

			/* Giants cannot be walked page by page. */
			if (i && s->giant)
				break;
			sweep_script(&total, &script, &settings[i]);
		}
}

static void sweep_more(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < IOAS_ARRAY_SIZE(more); k++)
		for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(settings); i++)
			sweep_script(&total, &more[k], &settings[i]);
}

static void every_point_of_the_core_failed(void **state)
{
	(void)state;
	sweep_report(&total);
}

int main(void)
{
	static struct CMUnitTest tests[MAX_TESTS] = {
		cmocka_unit_test_teardown(sweep_more, sweep_teardown),
	};
	size_t n = 1;

	for (size_t i = 0; scenario_at(i) && n < MAX_TESTS - 1; i++)
		tests[n++] = (struct CMUnitTest){
			.name = scenario_at(i)->name,
			.test_func = sweep_scenario,
			.teardown_func = sweep_teardown,
			.initial_state = (void *)(uintptr_t)scenario_at(i),
		};
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(
		every_point_of_the_core_failed);
	return _cmocka_run_group_tests("sweep_scenarios", tests, n, NULL, NULL);
}
