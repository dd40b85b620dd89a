/* SPDX-License-Identifier: MIT */
/*
 * diag: failed checks, the log and trace listeners of the POSIX platform
 *
 * What a process prints or dies of is looked at from its parent.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errno.h"
#include "plat/posix/trace_listen.h"
#include "seam/plat.h"

static char output[16384];

/* Run @fn in a child; its stderr is in output[]. Return: its wait status. */
static int run_child(void (*fn)(void))
{
	const struct rlimit no_core = { 0, 0 };
	size_t length = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(fds[1], STDERR_FILENO);
		fn();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], output + length,
			 sizeof(output) - 1 - length)) > 0)
		length += (size_t)n;
	output[length] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static unsigned count_lines(void)
{
	unsigned n = 0;

	for (const char *p = output; *p; p++)
		n += *p == '\n';
	return n;
}

/* ---- checks ------------------------------------------------------------- */

static void fail_two_checks(void)
{
	unsetenv("IOAS_ABORT_ON_CHECK");
	for (int i = 0; i < 3; i++) {
		if (!IOAS_CHECK(i < 3) || IOAS_CHECK(i > 2))
			_exit(9);
		IOAS_CHECK(i >= 0);
	}
}

static void check_reports_once_for_each_place(void **state)
{
	int status = run_child(fail_two_checks);

	(void)state;
	assert_non_null(strstr(output, "ioas: check failed: i < 3 at "));
	assert_non_null(strstr(output, "t_diag.c:"));
	assert_non_null(strstr(output, " in fail_two_checks\n"));
	if (IOAS_DEBUG) {
		assert_int_equal(count_lines(), 1);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
		return;
	}
	assert_int_equal(count_lines(), 2);
	assert_non_null(strstr(output, "i >= 0"));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void fail_a_check_under_test(void)
{
	setenv("IOAS_ABORT_ON_CHECK", "1", 1);
	IOAS_CHECK(1);
}

static void check_aborts_if_the_environment_says_so(void **state)
{
	int status = run_child(fail_a_check_under_test);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(count_lines(), 1);
}

/* More places than the table has room for: none may be lost. */
static void fail_many_checks(void)
{
	unsetenv("IOAS_ABORT_ON_CHECK");
	for (int line = 1; line <= 300; line++)
		ioas_plat_check_failed("c", "f", line, __func__);
}

static void check_table_may_overflow(void **state)
{
	(void)state;
	run_child(fail_many_checks);
	/* A debug build ends with the first one. */
	assert_int_equal(count_lines(), IOAS_DEBUG ? 1 : 300);
}

/* ---- log ---------------------------------------------------------------- */

static void log_each_severity(void)
{
	for (int severity = 0; severity <= 7; severity++)
		ioas_plat_log(severity, "a line");
}

static void log_shows_what_the_environment_asks_for(void **state)
{
	static const struct {
		const char *level;
		unsigned nr_lines;
	} cases[] = {
		{ NULL, 4 }, { "0", 1 }, { "3", 4 }, { "7", 8 }, { "x", 4 },
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		unsetenv("IOAS_LOG");
		if (cases[i].level)
			setenv("IOAS_LOG", cases[i].level, 1);
		assert_int_equal(run_child(log_each_severity), 0);
		assert_int_equal(count_lines(), cases[i].nr_lines);
		assert_int_equal(strncmp(output, "ioas: a line\n", 13), 0);
	}
	unsetenv("IOAS_LOG");
}

/* ---- trace -------------------------------------------------------------- */

struct ear {
	_Atomic unsigned nr_events;
	_Atomic bool deaf;
	_Atomic unsigned nr_late;
	uint64_t last[4];
};

static void ear_event(void *arg, unsigned int point, uint64_t a, uint64_t b,
		      uint64_t c)
{
	struct ear *e = arg;
	const uint64_t event[] = { point, a, b, c };

	if (atomic_load(&e->deaf))
		atomic_fetch_add(&e->nr_late, 1);
	if (!atomic_fetch_add(&e->nr_events, 1))
		memcpy(e->last, event, sizeof(event));
	/* Stay a little, so that unlisten finds somebody inside. */
	sched_yield();
	if (atomic_load(&e->deaf))
		atomic_fetch_add(&e->nr_late, 1);
}

static void listener_hears_until_it_leaves(void **state)
{
	struct ear ear = { .deaf = false };
	struct ear other = { .deaf = false };
	const struct ioas_trace_listener l = { ear_event, &ear };
	const struct ioas_trace_listener l2 = { ear_event, &other };

	(void)state;
	ioas_trace(IOAS_TP_MAP, 1, 2, 3);
	assert_int_equal(ear.nr_events, 0);
	assert_int_equal(ioas_trace_listen(&l), 0);
	assert_int_equal(ioas_trace_listen(&l2), -EBUSY);
	ioas_trace(IOAS_TP_UNMAP, 1, 2, UINT64_MAX);
	assert_int_equal(ear.nr_events, 1);
	assert_int_equal(ear.last[0], IOAS_TP_UNMAP);
	assert_int_equal(ear.last[1], 1);
	assert_int_equal(ear.last[2], 2);
	assert_true(ear.last[3] == UINT64_MAX);
	ioas_trace_unlisten();
	ioas_trace(IOAS_TP_MAP, 1, 2, 3);
	assert_int_equal(ear.nr_events, 1);
	assert_int_equal(ioas_trace_listen(&l2), 0);
	ioas_trace(IOAS_TP_MAP, 1, 2, 3);
	assert_int_equal(other.nr_events, 1);
	ioas_trace_unlisten();
}

static _Atomic bool stop;

static void *pass_points(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop))
		ioas_trace(IOAS_TP_PIN, 0, 0, 0);
	return NULL;
}

static void no_event_arrives_after_unlisten(void **state)
{
	struct ear ear = { .deaf = false };
	const struct ioas_trace_listener l = { ear_event, &ear };
	pthread_t threads[2];

	(void)state;
	atomic_store(&stop, false);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, pass_points,
						NULL),
				 0);
	for (unsigned i = 0; i < 200; i++) {
		unsigned nr_events = atomic_load(&ear.nr_events);

		atomic_store(&ear.deaf, false);
		assert_int_equal(ioas_trace_listen(&l), 0);
		while (atomic_load(&ear.nr_events) == nr_events)
			sched_yield();
		ioas_trace_unlisten();
		atomic_store(&ear.deaf, true);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ear.nr_late, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_reports_once_for_each_place),
		cmocka_unit_test(check_aborts_if_the_environment_says_so),
		cmocka_unit_test(check_table_may_overflow),
		cmocka_unit_test(log_shows_what_the_environment_asks_for),
		cmocka_unit_test(listener_hears_until_it_leaves),
		cmocka_unit_test(no_event_arrives_after_unlisten),
	};

	alarm(50);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
