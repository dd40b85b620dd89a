/* SPDX-License-Identifier: MIT */
/*
 * b_run: what `ioas run` costs a program
 *
 *                 .--> ioas run -- run_calls      ours
 *   b_run --told--+--> run_calls --floor 1, 2     an empty notification with
 *                 |                               copies of its argument
 *                 `--> run_calls                  without any filter
 *
 * All of them live from beginning to end and take turns. A process cannot be
 * under two supervisors, so the floor is a process of its own, with the
 * smallest supervisor that can be written.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* IOAS, RUN_CALLS and PYTHON are paths, from the build. */
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define MAX_ARGS 16
/* A call over its floor (docs/reference/performance.md 5). */
#define BUDGET 1.3
/* Another test that was skipped. */
#define SKIP 77

extern char **environ;

/* ---- programs that are told what to do ---------------------------------- */

struct peer {
	pid_t pid;
	FILE *to;
	FILE *from;
};

static struct peer ours, floor_1, floor_2, bare;

static pid_t start(char *const argv[], int in, int out)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	if (in >= 0) {
		posix_spawn_file_actions_adddup2(&actions, in, 0);
		posix_spawn_file_actions_adddup2(&actions, out, 1);
	}
	bench_check(!posix_spawn(&pid, argv[0], &actions, NULL, argv, environ),
		    argv[0]);
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static int end(pid_t pid)
{
	int status;

	bench_check(waitpid(pid, &status, 0) == pid, "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void peer_create(struct peer *p, const char *const argv[])
{
	int in[2], out[2];

	bench_check(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe");
	p->pid = start((char *const *)(uintptr_t)argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	p->to = fdopen(in[1], "w");
	p->from = fdopen(out[0], "r");
	bench_check(p->to && p->from, "pipe");
}

static void peer_destroy(struct peer *p)
{
	fclose(p->to);
	bench_check(!end(p->pid), "a program ends");
	fclose(p->from);
}

static double tell(struct peer *p, const char *call, uint64_t nr,
		   const char *arg)
{
	char line[32];

	fprintf(p->to, "%s %llu %s\n", call, (unsigned long long)nr, arg);
	fflush(p->to);
	bench_check(fgets(line, sizeof(line), p->from), call);
	return strtod(line, NULL);
}

/* ---- contenders --------------------------------------------------------- */

struct work {
	struct peer *peer;
	const char *call;
	uint64_t nr;
	const char *arg;
	/* The fewest nanoseconds of a run; 0: none yet. */
	double best;
};

static double work_run(void *ctx)
{
	struct work *w = ctx;
	const double ns = tell(w->peer, w->call, w->nr, w->arg);

	if (w->best <= 0 || ns < w->best)
		w->best = ns;
	return ns;
}

/* What is compared of a row. */
static void report(const char *name, const char *what, const char *unit,
		   double value, double budget)
{
	char text[96];
	const struct bench_size size = {
		.name = text,
		.unit = unit,
		.value = value,
		.budget = budget,
	};

	snprintf(text, sizeof(text), "%s: %s", name, what);
	bench_report_size(&size);
}

/* @floors: empty notifications that one of @call is measured by. */
static void against_floor(const char *name, const char *call, const char *arg,
			  uint64_t nr, unsigned int floors, double budget)
{
	struct work w = { &ours, call, bench_scale(nr), arg, 0 };
	struct work f = { &floor_1, "empty", w.nr * floors, "", 0 };
	const struct bench_row row = {
		.name = name,
		.unit = "call",
		.ops = (double)w.nr,
		.contender = {
			{ "ioas run", work_run, &w },
			{ "floor: empty notification, copies", work_run, &f },
		},
	};

	bench_run(&row);
	if (w.best > 0)
		report(name, "over its floor", "times", w.best / f.best,
		       budget);
}

/* Without a filter beside it; @budget in nanoseconds more; 0: none. */
static void against_bare(const char *name, const char *call, uint64_t nr,
			 double budget)
{
	struct work w = { &ours, call, bench_scale(nr), "", 0 };
	struct work b = { &bare, call, w.nr, "", 0 };
	const struct bench_row row = {
		.name = name,
		.unit = "call",
		.ops = (double)w.nr,
		.contender = {
			{ "ioas run", work_run, &w },
			{ "floor: without", work_run, &b },
		},
	};

	bench_run(&row);
	if (w.best > 0)
		report(name, "what is added", "ns",
		       (w.best - b.best) / (double)w.nr, budget);
}

static void two_threads(void)
{
	struct work w = { &ours, "ranges2", bench_scale(50000), "", 0 };
	struct work f = { &floor_2, "empty2", w.nr, "", 0 };
	struct work one = { &ours, "ranges", w.nr, "", 0 };
	const struct bench_row row = {
		.name = "IOVA_RANGES by two threads, a context each",
		.unit = "call of one of them",
		.ops = (double)w.nr,
		.contender = {
			{ "ioas run", work_run, &w },
			{ "floor: empty notification, copies, two threads",
			  work_run, &f },
			{ "one thread alone", work_run, &one },
		},
	};

	bench_run(&row);
}

/* ---- map and unmap ------------------------------------------------------ */

static void map_rows(bool device)
{
	static const struct {
		const char *text;
		uint64_t length;
		uint64_t nr;
	} sizes[] = {
		{ "4 KiB", 4096, 20000 },
		{ "64 KiB", 65536, 10000 },
		{ "2 MiB", 2 * MIB, 2000 },
		{ "1 GiB", GIB, 20 },
	};
	static const char *const kinds[] = { "private", "memfd" };
	char name[96], arg[64];

	for (size_t i = 0; i < 8; i++) {
		const uint64_t length = sizes[i / 2].length;
		uint64_t nr = sizes[i / 2].nr;

		if (bench_smoke() && length > 2 * MIB)
			continue;
		if (device)
			nr = length > 65536 ? nr / 20 : nr / 2;
		snprintf(arg, sizeof(arg), "%s %llu", kinds[i % 2],
			 (unsigned long long)length);
		snprintf(name, sizeof(name), "MAP, UNMAP of %s, %s%s",
			 sizes[i / 2].text, kinds[i % 2],
			 device ? ", device" : "");
		/* Pages that are pinned are no matter of the call. */
		against_floor(name, "map", arg, nr, 2, device ? 0 : BUDGET);
	}
}

/* ---- starting a program ------------------------------------------------- */

struct launch {
	const char *argv[MAX_ARGS];
	unsigned int nr;
	double best;
};

static double launch_run(void *ctx)
{
	struct launch *l = ctx;
	const uint64_t before = bench_now();
	double ns;

	for (unsigned int i = 0; i < l->nr; i++)
		bench_check(!end(start((char *const *)(uintptr_t)l->argv, -1,
				       -1)),
			    "a program ends well");
	ns = (double)(bench_now() - before);
	if (l->best <= 0 || ns < l->best)
		l->best = ns;
	return ns;
}

static void launch_row(const char *name, const char *program, const char *arg,
		       const char *arg_2)
{
	const unsigned int nr = bench_smoke() ? 1 : 10;
	struct launch with = { .argv = { IOAS, "run", "-q", "--mode", "auto",
					 "--", program, arg, arg_2 },
			       .nr = nr };
	struct launch trap = { .argv = { IOAS, "run", "-q", "--mode", "trap",
					 "--", program, arg, arg_2 },
			       .nr = nr };
	struct launch without = { .argv = { program, arg, arg_2 }, .nr = nr };
	const struct bench_row row = {
		.name = name,
		.unit = "start",
		.ops = nr,
		.contender = {
			{ "ioas run", launch_run, &with },
			{ "ioas run --mode trap", launch_run, &trap },
			{ "floor: without", launch_run, &without },
		},
	};

	bench_run(&row);
	if (with.best > 0)
		report(name, "what is added", "ms",
		       (with.best - without.best) / nr / 1e6, 60);
}

/* ---- all of it ---------------------------------------------------------- */

static void skip_if_not_possible(void)
{
	char *const argv[] = { (char *)(uintptr_t)IOAS,
			       (char *)(uintptr_t)"doctor", NULL };
	int in[2], out[2];

	bench_check(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC), "pipe");
	if (end(start(argv, in[0], out[1]))) {
		fprintf(stderr, "b_run: `ioas run` does not work here; see "
				"`ioas doctor`\n");
		exit(SKIP);
	}
	for (int i = 0; i < 2; i++) {
		close(in[i]);
		close(out[i]);
	}
}

static void peers_create(void)
{
	static const char *const under[] = { IOAS, "run", "-q", "--test-abi",
					     "--memlock", "unlimited", "--",
					     RUN_CALLS, NULL };
	static const char *const empty_1[] = { RUN_CALLS, "--floor", "1",
					       NULL };
	static const char *const empty_2[] = { RUN_CALLS, "--floor", "2",
					       NULL };
	static const char *const plain[] = { RUN_CALLS, NULL };

	peer_create(&ours, under);
	peer_create(&floor_1, empty_1);
	peer_create(&floor_2, empty_2);
	peer_create(&bare, plain);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "run");
	skip_if_not_possible();
	peers_create();
	against_floor("IOVA_RANGES", "ranges", "", 50000, 1, BUDGET);
	against_floor("IOAS_ALLOC, DESTROY", "alloc", "", 20000, 2, BUDGET);
	map_rows(false);
	tell(&ours, "attach", 1, "");
	map_rows(true);
	tell(&ours, "detach", 1, "");
	two_threads();
	against_bare("getppid", "getppid", 1000000, 80);
	against_bare("read of a byte of /dev/zero", "read", 1000000, 80);
	against_bare("open, close of /dev/null", "open", 50000, 0);
	against_bare("stat of /dev/null", "stat", 50000, 0);
	launch_row("a small static program", RUN_CALLS, "--exit", NULL);
	launch_row("python3 -c pass", PYTHON, "-c", "pass");
	peer_destroy(&bare);
	peer_destroy(&floor_2);
	peer_destroy(&floor_1);
	peer_destroy(&ours);
	return bench_finish();
}
