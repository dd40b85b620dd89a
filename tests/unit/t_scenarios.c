/* SPDX-License-Identifier: MIT */
/*
 * scenarios: the scripts of tests/lib/scenarios*.c under every limit
 *
 * S1 to S12: all 600 combinations of limits. The others: the selection in which
 * every pair of values occurs. The invariants are checked after every row in
 * some of the runs, at the end of the script in the others.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "limit_matrix.h"
#include "scenarios.h"

#define MAX_TESTS 64

/* The @i-th limits for @s; false after the last. */
static bool limits_of(const struct scenario *s, unsigned int i,
		      struct world_limits *limits)
{
	const bool all = scenario_number(s) <= 12;

	if (i >= (all ? LIMITS_ALL : limits_nr_pairwise()))
		return false;
	*limits = all ? limits_at(i) : limits_pairwise(i);
	if (s->giant) {
		limits->pin_mode = IOAS_SIM_PIN_ALL;
		limits->answer = IOAS_FLAT_FULL;
		limits->tuning.window_pages = 0;
	}
	return true;
}

static void run_scenario(void **state)
{
	const struct scenario *s = *state;
	struct op room[SCENARIO_OPS];
	struct world_limits limits;

	for (unsigned int v = 0; v < s->variants; v++) {
		const struct script script = scenario_script(s, v, room);

		assert_true(script.nr > 0);
		assert_true(s->ops || script.nr <= SCENARIO_OPS);
		limits = limits_default();
		script_run(&script, &limits, true);
		limits.table = !s->giant;
		script_run(&script, &limits, true);
		for (unsigned int i = 0; limits_of(s, i, &limits); i++)
			script_run(&script, &limits, i % 50 == 0);
	}
}

int main(void)
{
	static struct CMUnitTest tests[MAX_TESTS];
	size_t n = 0;

	for (; scenario_at(n) && n < MAX_TESTS; n++)
		tests[n] = (struct CMUnitTest){
			.name = scenario_at(n)->name,
			.test_func = run_scenario,
			.teardown_func = script_teardown,
			.initial_state = (void *)(uintptr_t)scenario_at(n),
		};
	return _cmocka_run_group_tests("scenarios", tests, n, NULL, NULL);
}
