/* SPDX-License-Identifier: MIT */
/*
 * sched: choose who runs, and come back to choose otherwise
 *
 *   points   0     1        2     3          where more than one can run, a
 *   trail   [0|1] [0|2]*   [1|2] [0|1]       choice: option taken | options
 *                                             * a preemption
 *   next:   [0|1] [0|2]*   replayed, then option 0 of each new choice,
 *           after the last choice that has an option left took the next one
 *
 *  S1  Option 0 is to go on with the running thread; if it cannot, the lowest
 *      that can. The others follow in the order of their numbers.
 *  S2  With all preemptions used up, a thread that can go on is the only
 *      option; the choice is still a digit of the schedule, so a schedule means
 *      the same whatever the bound.
 *  S3  Every schedule within the bound is run exactly once: the trail is the
 *      path to a leaf of the tree of choices, and leaves are visited in order.
 *
 * All state is of the process: one exploration runs at a time.
 */
#include "scheduler_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_SCHEDULES 1000000

struct choice {
	uint8_t taken;
	uint8_t nr_options;
	/* Who could run, as a set of bits: must be the same when replayed. */
	uint8_t ready;
};

enum policy {
	/* Follow the trail, then option 0. */
	POLICY_TRAIL,
	POLICY_RANDOM,
	/* Follow the digits, then option 0. */
	POLICY_DIGITS,
};

static struct {
	const struct sched_test *test;
	struct sched_result *result;
	enum policy policy;
	const char *digits;
	uint64_t random;

	/* The schedule that runs. */
	struct fiber outside;
	struct sched_thread threads[SCHED_MAX_THREADS];
	unsigned nr_threads;
	struct sched_thread *current;
	void *world;
	unsigned nr_alive;
	unsigned nr_points;
	unsigned nr_preemptions;
	unsigned nr_choices;

	/* The path to it; @trail_length choices of it are prescribed. */
	struct choice trail[SCHED_MAX_CHOICES];
	unsigned trail_length;
} sched;

static struct {
	char name[128];
	const char *digits;
} wanted;

struct sched_thread *sched_current(void)
{
	return sched.current;
}

struct sched_thread *sched_thread_at(unsigned int i)
{
	return i < sched.nr_threads ? &sched.threads[i] : NULL;
}

int sched_self(void)
{
	return sched.current ? (int)(sched.current - sched.threads) : -1;
}

/* ---- ends --------------------------------------------------------------- */

/* The first thing that goes wrong counts. A thread never returns from here. */
static void give_up(enum sched_outcome outcome, const char *format,
		    va_list args)
{
	struct sched_thread *t = sched.current;

	if (sched.result->outcome == SCHED_PASSED) {
		sched.result->outcome = outcome;
		vsnprintf(sched.result->message,
			  sizeof(sched.result->message), format, args);
	}
	if (t) {
		t->parked = false;
		sched.current = NULL;
		fiber_switch(&t->fiber, &sched.outside, true);
	}
}

static __attribute__((format(printf, 2, 3))) void
give_up_as(enum sched_outcome outcome, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	give_up(outcome, format, args);
	va_end(args);
}

void sched_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	give_up(SCHED_WRONG, format, args);
	va_end(args);
}

static void deadlock(void)
{
	static const char *const what[] = {
		[SCHED_WAIT_NOTHING] = "runs",
		[SCHED_WAIT_MUTEX] = "waits for mutex",
		[SCHED_WAIT_READ] = "waits to read under",
		[SCHED_WAIT_WRITE] = "waits to write under",
		[SCHED_WAIT_WORD] = "sleeps on word",
		[SCHED_WAIT_FOREVER] = "has ended",
	};
	const struct sched_thread *t;
	char text[200];
	size_t n = 0;

	for (unsigned i = 0; i < sched.nr_threads && n < sizeof(text); i++) {
		t = &sched.threads[i];
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s%u %s %p", i ? ", " : "", i,
				      what[t->wait], t->object);
	}
	give_up_as(SCHED_DEADLOCK, "deadlock: thread %s", text);
}

/* ---- choices ------------------------------------------------------------ */

/* splitmix64, as in src/plat/common/fault.c: any seed is good. */
static uint64_t random_next(void)
{
	uint64_t z = sched.random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned ready_set(void)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < sched.nr_threads; i++)
		if (sched_thread_ready(&sched.threads[i]))
			ready |= 1u << i;
	return ready;
}

/* The thread behind option @n of @ready, where @self is -1 or in @ready. */
static unsigned option(unsigned ready, int self, unsigned n)
{
	if (self >= 0) {
		if (!n--)
			return (unsigned)self;
		ready &= ~(1u << self);
	}
	while (n--)
		ready &= ready - 1;
	return ioas_ctz(ready);
}

/* The inverse; @nr if @thread is not among the first @nr options. */
static unsigned option_of(unsigned ready, int self, unsigned nr,
			  unsigned thread)
{
	unsigned n = 0;

	while (n < nr && option(ready, self, n) != thread)
		n++;
	return n;
}

/* What the policy takes of @nr options. Anything not below @nr is refused. */
static unsigned take(unsigned ready, int self, unsigned nr)
{
	unsigned k = sched.nr_choices;
	unsigned bit;

	if (sched.policy == POLICY_RANDOM)
		return (unsigned)(random_next() % nr);
	if (sched.policy == POLICY_DIGITS) {
		if (!*sched.digits)
			return 0;
		bit = (unsigned)(*sched.digits++ - '0');
		return option_of(ready, self, nr, bit);
	}
	if (k >= sched.trail_length)
		return 0;
	return sched.trail[k].ready == ready ? sched.trail[k].taken : nr;
}

/* More than one of @ready: choose, and write down what was chosen. */
static unsigned choose(unsigned ready, int self)
{
	bool bound = self >= 0 && sched.policy != POLICY_DIGITS &&
		     sched.nr_preemptions >= sched.test->max_preemptions;
	unsigned nr = bound ? 1 : (unsigned)__builtin_popcount(ready);
	unsigned k = sched.nr_choices;
	unsigned n, thread;

	if (k == SCHED_MAX_CHOICES) {
		give_up_as(SCHED_ENDLESS, "more than %u choices", k);
		return 0;
	}
	n = take(ready, self, nr);
	if (n >= nr) {
		sched_fail("choice %u of the schedule is not possible", k);
		return 0;
	}
	thread = option(ready, self, n);
	sched.trail[k] = (struct choice){
		.taken = (uint8_t)n,
		.nr_options = (uint8_t)nr,
		.ready = (uint8_t)ready,
	};
	sched.result->schedule[k] = (char)('0' + thread);
	sched.nr_choices = k + 1;
	if (self >= 0 && n)
		sched.nr_preemptions++;
	return thread;
}

/*
 * Give the turn to whoever has it next. Returns when the running thread has it
 * again, if that has ended in the next schedule; never, if the schedule fails.
 */
static void turn(void)
{
	struct sched_thread *from = sched.current;
	unsigned ready = ready_set();
	int self = sched_self();
	unsigned next;

	if (self >= 0 && !(ready & 1u << self))
		self = -1;
	if (!ready)
		deadlock();
	if (sched.nr_points++ == SCHED_MAX_POINTS)
		give_up_as(SCHED_ENDLESS, "no end after %u points",
			   SCHED_MAX_POINTS);
	next = ready & (ready - 1) ? choose(ready, self) : ioas_ctz(ready);
	/* Only outside of threads does giving up come back. */
	if (sched.result->outcome != SCHED_PASSED)
		return;
	sched.current = &sched.threads[next];
	if (sched.current != from)
		fiber_switch(from ? &from->fiber : &sched.outside,
			     &sched.current->fiber, false);
}

void sched_point(void)
{
	if (sched.current)
		turn();
}

void sched_released(void)
{
	if (!sched.test->no_release_points)
		sched_point();
}

void sched_wait_for(enum sched_wait wait, const void *object)
{
	struct sched_thread *t = sched.current;

	if (!t) {
		sched_fail("setup or check waits for %p", object);
		return;
	}
	t->wait = wait;
	t->object = object;
	t->released = false;
	turn();
	t->wait = SCHED_WAIT_NOTHING;
	t->object = NULL;
}

/* ---- one schedule ------------------------------------------------------- */

/*
 * A thread that has ended parks, and runs again in the next schedule: to start
 * it anew is slow under sanitizers.
 */
static void thread_main(void)
{
	struct sched_thread *t = sched.current;

	for (;;) {
		t->parked = false;
		sched.test->threads[t - sched.threads](sched.world);
		t->parked = true;
		t->wait = SCHED_WAIT_FOREVER;
		if (--sched.nr_alive) {
			turn();
			continue;
		}
		sched.current = NULL;
		fiber_switch(&t->fiber, &sched.outside, false);
	}
}

static void threads_start(void)
{
	unsigned i;

	for (i = 0; i < SCHED_MAX_THREADS && sched.test->threads[i]; i++) {
		struct sched_thread *t = &sched.threads[i];

		memset(&t->plat, 0, sizeof(t->plat));
		t->wait = SCHED_WAIT_NOTHING;
		t->object = NULL;
		if (!t->parked)
			fiber_start(&t->fiber, thread_main);
	}
	sched.nr_threads = i;
	sched.nr_alive = i;
}

static void world_check(uint64_t nr_blocks)
{
	const char *wrong = NULL;

	if (sched.test->check)
		wrong = sched.test->check(sched.world);
	if (wrong)
		sched_fail("%s", wrong);
	if (sched_nr_blocks() != nr_blocks)
		sched_fail("%lld blocks of memory are left",
			   (long long)(sched_nr_blocks() - nr_blocks));
}

static void schedule_run(void)
{
	const struct sched_test *t = sched.test;
	struct sched_result *r = sched.result;
	uint64_t nr_blocks = sched_nr_blocks();

	sched.nr_points = 0;
	sched.nr_preemptions = 0;
	sched.nr_choices = 0;
	sched.nr_threads = 0;
	sched.world = t->setup ? t->setup(t->arg) : t->arg;
	if (r->outcome == SCHED_PASSED) {
		threads_start();
		if (sched.nr_alive)
			turn();
		sched.nr_threads = 0;
	}
	if (r->outcome == SCHED_PASSED &&
	    (*sched.digits || sched.nr_choices < sched.trail_length))
		sched_fail("the run has ended before its schedule");
	if (r->outcome == SCHED_PASSED)
		world_check(nr_blocks);
	r->schedule[sched.nr_choices] = '\0';
	r->nr_preemptions = sched.nr_preemptions;
	r->nr_schedules++;
	if (sched.nr_choices > r->longest)
		r->longest = sched.nr_choices;
}

/* ---- many --------------------------------------------------------------- */

static void begin(const struct sched_test *t, struct sched_result *r,
		  enum policy policy)
{
	memset(r, 0, sizeof(*r));
	sched.test = t;
	sched.result = r;
	sched.policy = policy;
	sched.digits = "";
	sched.trail_length = 0;
}

static enum sched_outcome end(void)
{
	const struct sched_test *t = sched.test;
	const struct sched_result *r = sched.result;

	if (t->quiet)
		return r->outcome;
	fprintf(stderr, "# sched %s: %llu schedules, at most %u choices\n",
		t->name, (unsigned long long)r->nr_schedules, r->longest);
	if (r->outcome != SCHED_PASSED)
		fprintf(stderr, "# sched %s: %s\n", t->name, r->message);
	if (r->outcome != SCHED_PASSED && r->outcome != SCHED_UNFINISHED)
		fprintf(stderr, "# again with: --schedule %s:%s\n", t->name,
			r->schedule);
	return r->outcome;
}

/* The next leaf of the tree; false if that was the last. */
static bool trail_next(void)
{
	unsigned k = sched.nr_choices;

	while (k &&
	       sched.trail[k - 1].taken + 1 == sched.trail[k - 1].nr_options)
		k--;
	if (k)
		sched.trail[k - 1].taken++;
	sched.trail_length = k;
	return k;
}

enum sched_outcome sched_explore(const struct sched_test *t,
				 struct sched_result *r)
{
	uint64_t limit = t->max_schedules ? t->max_schedules :
					    DEFAULT_MAX_SCHEDULES;

	if (wanted.digits && !strcmp(wanted.name, t->name))
		return sched_replay(t, wanted.digits, r);
	begin(t, r, POLICY_TRAIL);
	do {
		if (r->nr_schedules == limit) {
			give_up_as(SCHED_UNFINISHED, "not all schedules run");
			break;
		}
		schedule_run();
	} while (r->outcome == SCHED_PASSED && trail_next());
	return end();
}

enum sched_outcome sched_random(const struct sched_test *t, uint64_t seed,
				uint64_t runs, struct sched_result *r)
{
	if (wanted.digits && !strcmp(wanted.name, t->name))
		return sched_replay(t, wanted.digits, r);
	begin(t, r, POLICY_RANDOM);
	sched.random = seed;
	while (r->outcome == SCHED_PASSED && r->nr_schedules < runs)
		schedule_run();
	return end();
}

enum sched_outcome sched_replay(const struct sched_test *t, const char *digits,
				struct sched_result *r)
{
	begin(t, r, POLICY_DIGITS);
	sched.digits = digits;
	schedule_run();
	return end();
}

void sched_args(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i++) {
		const char *colon = strrchr(argv[i + 1], ':');
		size_t length = colon ? (size_t)(colon - argv[i + 1]) : 0;

		if (strcmp(argv[i], "--schedule"))
			continue;
		if (!length || length >= sizeof(wanted.name)) {
			fprintf(stderr, "usage: --schedule NAME:DIGITS\n");
			exit(2);
		}
		memcpy(wanted.name, argv[i + 1], length);
		wanted.name[length] = '\0';
		wanted.digits = colon + 1;
	}
}
