/* SPDX-License-Identifier: MIT */
/*
 * shrink: the fewest operations that still fail
 *
 *   nr operations --> without the first half? --> without the second? --> ...
 *                     quarters, eighths, ..., one by one, until a round of
 *                     ones drops nothing
 *
 * Each attempt is a child process, because failing may mean to crash. An
 * operation whose objects are gone is skipped, so any part of a trace is a
 * trace.
 */
#include "universe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef unsigned long long ull;

/* A child that takes longer than this hangs, which is a failure. */
#define CHILD_SECONDS 20

static struct world world;
static struct stats stats;

static void silence(void)
{
	const int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
}

static int replay(const struct options *opts, uint64_t epoch,
		  const struct op *ops, uint32_t nr)
{
	struct world *w = &world;

	if (!world_init(w, opts, &stats, epoch))
		return 1;
	for (uint32_t i = 0; i < nr && !w->failed; i++) {
		char line[512];

		print_op(line, sizeof(line), ops + i);
		printf("# %4u  %s\n", i, line);
		fflush(stdout);
		execute(w, ops + i);
	}
	if (!w->failed)
		world_fini(w);
	if (w->failed)
		printf("# %s\n", w->message);
	fflush(stdout);
	return w->failed;
}

static bool fails(const struct options *opts, uint64_t epoch,
		  const struct op *ops, uint32_t nr, bool quiet)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (quiet)
			silence();
		alarm(CHILD_SECONDS);
		_exit(replay(opts, epoch, ops, nr));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

/* Without [at, at + n)? True, and gone, if the rest fails. */
static bool drop(const struct options *opts, uint64_t epoch, struct op *ops,
		 uint32_t *nr, uint32_t at, uint32_t n)
{
	const uint32_t rest = *nr - n;
	struct op *less = malloc((rest + 1) * sizeof(*less));
	bool still;

	if (!less)
		return false;
	memcpy(less, ops, at * sizeof(*ops));
	memcpy(less + at, ops + at + n, (rest - at) * sizeof(*ops));
	still = fails(opts, epoch, less, rest, true);
	if (still) {
		memcpy(ops, less, rest * sizeof(*ops));
		*nr = rest;
	}
	free(less);
	return still;
}

void shrink(const struct options *opts, uint64_t epoch, struct op *ops,
	    uint32_t nr)
{
	uint32_t n = nr;
	bool dropped;

	if (!fails(opts, epoch, ops, nr, true)) {
		printf("# the trace alone does not fail again\n");
		return;
	}
	do {
		n = n > 1 ? n / 2 : 1;
		dropped = false;
		for (uint32_t at = 0; at < nr;) {
			const uint32_t part = nr - at < n ? nr - at : n;

			if (drop(opts, epoch, ops, &nr, at, part))
				dropped = true;
			else
				at += part;
		}
	} while (n > 1 || dropped);
	printf("# %u operations of epoch %llu are left:\n", nr, (ull)epoch);
	fails(opts, epoch, ops, nr, false);
}
