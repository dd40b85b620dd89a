/* SPDX-License-Identifier: MIT */
/*
 * shrink: the fewest operations that still fail
 *
 *   nr operations --> without the first half? --> without the second? --> ..
 *                     quarters, eighths, .., one by one, until a round of
 *                     ones drops nothing
 *
 * Each attempt is a child process, because failing may mean to crash. An
 * operation that makes no sense any more is skipped, so any part of a trace is
 * a trace.
 */
#include "shrink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that takes longer than this hangs, which is a failure. */
#define CHILD_SECONDS 20

static void silence(void)
{
	const int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
}

static bool fails(const struct trace *t, const struct op *ops, uint32_t nr,
		  bool quiet)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		bool ok;

		if (quiet)
			silence();
		signal(SIGABRT, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGALRM, SIG_DFL);
		alarm(CHILD_SECONDS);
		ok = trace_replay(t, ops, nr, !quiet);
		fflush(stdout);
		_exit(!ok);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* Without [@at, @at + @n)? True, and they are gone, if the rest fails. */
static bool drop(const struct trace *t, struct op *ops, uint32_t *nr,
		 uint32_t at, uint32_t n)
{
	static struct op rest[MAX_TRACE];

	memcpy(rest, ops, at * sizeof(*ops));
	memcpy(rest + at, ops + at + n, (*nr - at - n) * sizeof(*ops));
	if (!fails(t, rest, *nr - n, true))
		return false;
	*nr -= n;
	memcpy(ops, rest, *nr * sizeof(*ops));
	return true;
}

static void thin(const struct trace *t, struct op *ops, uint32_t *nr)
{
	uint32_t step = *nr / 2 ? *nr / 2 : 1;
	bool dropped;

	do {
		dropped = false;
		for (uint32_t at = 0; at + step <= *nr;) {
			if (drop(t, ops, nr, at, step))
				dropped = true;
			else
				at += step;
		}
		if (step > 1)
			step /= 2;
		else if (!dropped)
			break;
	} while (step);
}

int shrink_run(struct trace *t, int (*fn)(void))
{
	static struct op ops[MAX_TRACE];
	uint32_t nr;
	pid_t pid;
	int status;

	fflush(stdout);
	configs_init();
	pid = fork();
	if (!pid)
		exit(fn());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	nr = t->nr;
	memcpy(ops, t->op, nr * sizeof(*ops));
	if (!fails(t, ops, nr, true)) {
		printf("# the operations alone do not fail\n");
		return 1;
	}
	thin(t, ops, &nr);
	printf("# these operations are enough:\n");
	fails(t, ops, nr, false);
	return 1;
}
