/* SPDX-License-Identifier: MIT */
/*
 * cmocka: as much of that library as our tests use, for machines without it
 *
 * The sources of tests/unit and tests/lib compile against this header as they
 * do against the real one, so a target needs its libc and nothing else. The
 * answers are TAP. Nothing is known of mocking, and a signal is not turned
 * into a failed test: a program that dies is one failure of its own.
 *
 * Integers are compared with 64 bits everywhere, so a test means the same on
 * a machine of 32. One thread runs a group, and only it may end a test.
 */
#ifndef TESTS_CROSS_CMOCKA_H
#define TESTS_CROSS_CMOCKA_H

#include <stddef.h>
#include <stdint.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
	const char *name;
	CMUnitTestFunction test_func;
	CMFixtureFunction setup_func;
	CMFixtureFunction teardown_func;
	void *initial_state;
};

/* clang-format off */
#define cmocka_unit_test_prestate_setup_teardown(f, setup, teardown, state) \
	{ #f, f, setup, teardown, state }
#define cmocka_unit_test_setup_teardown(f, setup, teardown) \
	{ #f, f, setup, teardown, NULL }
#define cmocka_unit_test_setup(f, setup) { #f, f, setup, NULL, NULL }
#define cmocka_unit_test_teardown(f, teardown) { #f, f, NULL, teardown, NULL }
#define cmocka_unit_test(f) { #f, f, NULL, NULL, NULL }
/* clang-format on */

/* How many tests failed; -1 if it was the fixture of the group. */
int _cmocka_run_group_tests(const char *group, const struct CMUnitTest *tests,
			    size_t nr, CMFixtureFunction group_setup,
			    CMFixtureFunction group_teardown);
#define cmocka_run_group_tests_name(group, tests, setup, teardown)       \
	_cmocka_run_group_tests(group, tests,                            \
				sizeof(tests) / sizeof(*(tests)), setup, \
				teardown)
#define cmocka_run_group_tests(tests, setup, teardown) \
	cmocka_run_group_tests_name(#tests, tests, setup, teardown)

void print_message(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void print_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* These two end the test. */
void _fail(const char *file, int line);
void _skip(const char *file, int line);
#define fail() _fail(__FILE__, __LINE__)
#define skip() _skip(__FILE__, __LINE__)
#define fail_msg(msg, ...)                                      \
	do {                                                    \
		print_error("ERROR: " msg "\n", ##__VA_ARGS__); \
		fail();                                         \
	} while (0)

/* What each assertion below becomes; @what is its text. */
void cm_true(int good, const char *what, const char *file, int line);
void cm_equal(uint64_t a, uint64_t b, int same, const char *file, int line);
void cm_range(uint64_t value, uint64_t min, uint64_t max, const char *file,
	      int line);
void cm_string(const char *a, const char *b, int same, const char *file,
	       int line);
void cm_memory(const void *a, const void *b, size_t size, const char *file,
	       int line);

#define assert_true(c) cm_true(!!(c), #c, __FILE__, __LINE__)
#define assert_false(c) cm_true(!(c), "!(" #c ")", __FILE__, __LINE__)
#define assert_null(p) cm_true(!(p), #p " == NULL", __FILE__, __LINE__)
#define assert_non_null(p) cm_true(!!(p), #p " != NULL", __FILE__, __LINE__)
#define assert_int_equal(a, b) \
	cm_equal((uint64_t)(a), (uint64_t)(b), 1, __FILE__, __LINE__)
#define assert_int_not_equal(a, b) \
	cm_equal((uint64_t)(a), (uint64_t)(b), 0, __FILE__, __LINE__)
#define assert_ptr_equal(a, b) \
	cm_equal((uintptr_t)(a), (uintptr_t)(b), 1, __FILE__, __LINE__)
#define assert_ptr_not_equal(a, b) \
	cm_equal((uintptr_t)(a), (uintptr_t)(b), 0, __FILE__, __LINE__)
#define assert_in_range(value, min, max)                              \
	cm_range((uint64_t)(value), (uint64_t)(min), (uint64_t)(max), \
		 __FILE__, __LINE__)
#define assert_string_equal(a, b) cm_string(a, b, 1, __FILE__, __LINE__)
#define assert_string_not_equal(a, b) cm_string(a, b, 0, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size) \
	cm_memory(a, b, size, __FILE__, __LINE__)

#endif
