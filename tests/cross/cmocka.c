/* SPDX-License-Identifier: MIT */
/*
 * cmocka: run a group of tests; a failed assertion jumps out of its function
 *
 *   run_case:  setup --0--> test --> teardown      each under its own jump
 *                |           |          |
 *              failed    failed or    failed       what counts is the worst
 *                         skipped
 *
 * Lines are flushed one by one, so that a program that dies has said which
 * test it was in.
 */
#include "cmocka.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verdict { PASSED, SKIPPED, FAILED };

/* Where an assertion jumps to, if @running, leaving its @verdict. */
static jmp_buf out;
static enum verdict verdict;
static bool running;

/* A verdict outside of any test has nobody to answer for it. */
static void leave(enum verdict why)
{
	if (!running)
		exit(1);
	verdict = why;
	longjmp(out, 1);
}

void print_message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

void print_error(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

void _fail(const char *file, int line)
{
	print_error("%s:%d: failed\n", file, line);
	leave(FAILED);
}

void _skip(const char *file, int line)
{
	(void)file;
	(void)line;
	leave(SKIPPED);
}

void cm_true(int good, const char *what, const char *file, int line)
{
	if (good)
		return;
	print_error("false: %s\n", what);
	_fail(file, line);
}

void cm_equal(uint64_t a, uint64_t b, int same, const char *file, int line)
{
	if ((a == b) == !!same)
		return;
	print_error("%#" PRIx64 " %s %#" PRIx64 "\n", a, same ? "!=" : "==", b);
	_fail(file, line);
}

void cm_range(uint64_t value, uint64_t min, uint64_t max, const char *file,
	      int line)
{
	if (value >= min && value <= max)
		return;
	print_error("%" PRIu64 " is not in %" PRIu64 "..%" PRIu64 "\n", value,
		    min, max);
	_fail(file, line);
}

void cm_string(const char *a, const char *b, int same, const char *file,
	       int line)
{
	if (!strcmp(a, b) == !!same)
		return;
	print_error("\"%s\" %s \"%s\"\n", a, same ? "!=" : "==", b);
	_fail(file, line);
}

void cm_memory(const void *a, const void *b, size_t size, const char *file,
	       int line)
{
	const unsigned char *x = a, *y = b;
	size_t i = 0;

	while (i < size && x[i] == y[i])
		i++;
	if (i == size)
		return;
	print_error("byte %zu of %zu: %#x != %#x\n", i, size, x[i], y[i]);
	_fail(file, line);
}

static enum verdict run_fixture(CMFixtureFunction fixture, void **state)
{
	verdict = PASSED;
	running = true;
	if (!setjmp(out) && fixture && fixture(state))
		verdict = FAILED;
	running = false;
	return verdict;
}

static enum verdict run_test(CMUnitTestFunction test, void **state)
{
	verdict = PASSED;
	running = true;
	if (!setjmp(out))
		test(state);
	running = false;
	return verdict;
}

static enum verdict run_case(const struct CMUnitTest *t, void *state)
{
	enum verdict worst, after;

	worst = run_fixture(t->setup_func, &state);
	if (worst != PASSED)
		return worst;
	worst = run_test(t->test_func, &state);
	after = run_fixture(t->teardown_func, &state);
	return after > worst ? after : worst;
}

int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *tests,
			    size_t nr, CMFixtureFunction group_setup,
			    CMFixtureFunction group_teardown)
{
	void *state = NULL;
	int failed = 0;

	print_message("1..%zu\n", nr);
	if (run_fixture(group_setup, &state) != PASSED) {
		print_message("Bail out! %s: the setup failed\n", group);
		return -1;
	}
	for (size_t i = 0; i < nr; i++) {
		const struct CMUnitTest *t = tests + i;
		const enum verdict v = run_case(
			t, t->initial_state ? t->initial_state : state);

		failed += v == FAILED;
		print_message("%s %zu - %s%s\n", v == FAILED ? "not ok" : "ok",
			      i + 1, t->name, v == SKIPPED ? " # SKIP" : "");
	}
	if (run_fixture(group_teardown, &state) != PASSED) {
		print_error("%s: the teardown failed\n", group);
		return -1;
	}
	return failed;
}
