/* SPDX-License-Identifier: MIT */
/*
 * every request at any time, by several threads, over two hosts
 *
 *	t_uapi_stress --seconds 600 --seed 7 --threads 4 --host local
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crowd.h"

/* On the command line, for each host; 0: not said. */
static struct crowd_options options = { .seed = 1 };

static void run(const struct crowd_host *host, double seconds,
		unsigned int threads)
{
	struct crowd_options o = options;

	if (o.seconds <= 0)
		o.seconds = seconds;
	if (!o.threads)
		o.threads = threads;
	crowd_run(host, &o);
}

static void a_simulated_machine_survives(void **state)
{
	(void)state;
	run(&crowd_sim, 1.5, 4);
}

static void this_process_survives(void **state)
{
	(void)state;
	run(&crowd_local, 1, 3);
}

static void arguments(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "--seconds"))
			options.seconds = strtod(value, NULL);
		else if (!strcmp(argv[i], "--seed"))
			options.seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--threads"))
			options.threads = (unsigned int)strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--host"))
			cmocka_set_test_filter(
				!strcmp(value, "sim") ? "a_*" : "this_*");
	}
	if (options.threads > CROWD_MAX)
		options.threads = CROWD_MAX;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_simulated_machine_survives),
		cmocka_unit_test(this_process_survives),
	};

	arguments(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
