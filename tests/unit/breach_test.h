/* SPDX-License-Identifier: MIT */
/*
 * breach: a test that breaks promises on purpose
 *
 * In place of the platform's: a failed check is counted, and ends the program
 * unless the test expects it. To be included by one file of a program.
 */
#ifndef TESTS_UNIT_BREACH_TEST_H
#define TESTS_UNIT_BREACH_TEST_H

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

static unsigned int nr_breaches;
static bool breaches_expected;

void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	nr_breaches++;
	if (breaches_expected)
		return;
	fprintf(stderr, "%s:%d %s: %s\n", file, line, func, cond);
	abort();
}

#endif
