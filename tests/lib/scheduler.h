/* SPDX-License-Identifier: MIT */
/*
 * sched: run a few threads through every interleaving that matters
 *
 * A platform (src/seam/plat.h) whose threads are coroutines of one thread. One
 * runs at a time, and another one gets its turn only at
 *
 *   - a lock operation: before taking, and after releasing unless
 *     @no_release_points is set;
 *   - ioas_plat_wait(), ioas_plat_wake(), ioas_plat_writer_barrier();
 *   - sched_point(), which fakes and callbacks of a test call.
 *
 * So an interleaving is the list of the threads that were chosen where more
 * than one could run, written as digits: "0110". sched_explore() tries them
 * all, depth first, each time from the start:
 *
 *	static void *setup(void *arg)       a fresh world
 *	static void mapper(void *world)     runs as thread 0
 *	static void unmapper(void *world)   runs as thread 1
 *	static const char *check(void *world)
 *	                                    after both; NULL if all is well, or
 *	                                    what is wrong; tears the world down
 *
 *	static const struct sched_test test = {
 *		.name = "map_against_unmap",
 *		.setup = setup,
 *		.threads = { mapper, unmapper },
 *		.check = check,
 *		.max_preemptions = 3,
 *	};
 *	struct sched_result r;
 *
 *	assert_int_equal(sched_explore(&test, &r), SCHED_PASSED);
 *
 * Taking the turn from a thread that could go on is a preemption; a turn after
 * it blocks or ends is free. Most races need one or two preemptions, and their
 * bound turns an exponential number of interleavings into a polynomial.
 *
 * The first schedule that goes wrong ends the exploration and is printed; run
 * the program with `--schedule map_against_unmap:0110` to see it alone, say in
 * a debugger. Its world is left as it is: threads are inside it. Going wrong is
 * what check() says, SCHED_ASSERT(), a failed IOAS_CHECK, a deadlock, a run
 * that does not end, a misused lock, and memory of ioas_plat_alloc() that is
 * still there after check(). cmocka's assertions jump, so they must not be used
 * in threads or check().
 *
 * The same choices must lead to the same points: no addresses, clocks or
 * leftovers of the schedule before may decide anything; where that is seen to
 * be broken, the outcome is wrong too.
 *
 * A blocked thread counts as able to run when its lock is free for it. Readers
 * that waited while a writer was inside may go before a writer that waits, and
 * may not: both happen on real platforms.
 *
 * Link with tests/lib/scheduler*.c and src/plat/common, not with plat/posix.
 */
#ifndef IOAS_TESTS_LIB_SCHEDULER_H
#define IOAS_TESTS_LIB_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

/* A thread is one digit of a schedule. */
#define SCHED_MAX_THREADS 8
/* Choices in one schedule. */
#define SCHED_MAX_CHOICES 2048
/* As many points without an end are taken for a loop without one. */
#define SCHED_MAX_POINTS 100000
#define SCHED_NO_LIMIT UINT32_MAX

enum sched_outcome {
	SCHED_PASSED,
	SCHED_WRONG,
	SCHED_DEADLOCK,
	SCHED_ENDLESS,
	/* Nothing went wrong in max_schedules schedules; there are more. */
	SCHED_UNFINISHED,
};

struct sched_test {
	const char *name;
	/* May be NULL; then the world is @arg. */
	void *(*setup)(void *arg);
	void *arg;
	/* As many as are set. */
	void (*threads[SCHED_MAX_THREADS])(void *world);
	/* May be NULL. */
	const char *(*check)(void *world);
	/* SCHED_NO_LIMIT: any number. */
	uint32_t max_preemptions;
	/* 0: a million. */
	uint64_t max_schedules;
	bool no_release_points;
	/* Do not print: the test wants to see it fail. */
	bool quiet;
};

struct sched_result {
	enum sched_outcome outcome;
	uint64_t nr_schedules;
	/* Choices of the longest schedule. */
	unsigned int longest;
	/* The last schedule: the one that went wrong, if one did. */
	char schedule[SCHED_MAX_CHOICES + 1];
	unsigned int nr_preemptions;
	char message[256];
};

/* Takes `--schedule NAME:DIGITS` from the arguments of main(). */
void sched_args(int argc, char **argv);

/* All with at most max_preemptions; or the one that sched_args() found. */
enum sched_outcome sched_explore(const struct sched_test *t,
				 struct sched_result *r);
/* @runs schedules at random, within max_preemptions. */
enum sched_outcome sched_random(const struct sched_test *t, uint64_t seed,
				uint64_t runs, struct sched_result *r);
/* One schedule. Where @digits end, the running thread goes on. */
enum sched_outcome sched_replay(const struct sched_test *t, const char *digits,
				struct sched_result *r);

/* Another thread may get its turn here. No effect in setup() and check(). */
void sched_point(void);
/* Number of the thread that runs; -1 in setup() and check(). */
int sched_self(void);
/* Ends the schedule as wrong; in setup() and check() it returns. */
void sched_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define SCHED_ASSERT(cond)                                               \
	((cond) ? (void)0 :                                              \
		  sched_fail("%s:%d: not so: %s", __FILE__, __LINE__, #cond))

#endif
