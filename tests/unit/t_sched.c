/* SPDX-License-Identifier: MIT */
/*
 * sched: the controlled scheduler finds what is planted, counts what there is
 *
 * The number of schedules of small programs is compared with a count by
 * recursion that knows nothing of trails and replay.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "scheduler.h"
#include "seam/lock.h"

/* ---- counting ----------------------------------------------------------- */

#define MAX_ORDERS 177147 /* 3^11: at most 11 steps */

/* Threads that pass points, and who was where in which order. */
struct steps {
	unsigned nr_points[3];
	/* The threads of the steps, as digits of a number to the base 3. */
	unsigned order;
	/* Orders of all schedules so far. */
	bool seen[MAX_ORDERS];
};

static void *steps_setup(void *arg)
{
	struct steps *s = arg;

	s->order = 0;
	return s;
}

static void steps_thread(void *world)
{
	struct steps *s = world;
	int self = sched_self();

	for (unsigned i = 0; i <= s->nr_points[self]; i++) {
		if (i)
			sched_point();
		s->order = s->order * 3 + (unsigned)self;
	}
}

static const char *steps_check(void *world)
{
	struct steps *s = world;

	if (s->seen[s->order])
		return "this order has been run before";
	s->seen[s->order] = true;
	return NULL;
}

/*
 * Orders of the steps that are left, if @last ran last (-1: nobody) and may
 * be preempted @preemptions times.
 */
static uint64_t orders(const unsigned left[3], int last, uint32_t preemptions)
{
	bool goes_on = last >= 0 && left[last];
	uint64_t n = 0;

	if (!left[0] && !left[1] && !left[2])
		return 1;
	for (int i = 0; i < 3; i++) {
		unsigned next[3] = { left[0], left[1], left[2] };
		bool preempts = goes_on && i != last;

		if (!left[i] || (preempts && !preemptions))
			continue;
		next[i]--;
		n += orders(next, i, preemptions - preempts);
	}
	return n;
}

static void every_order_is_run_exactly_once(void **state)
{
	static const uint32_t bounds[] = { 0, 1, 2, 3, SCHED_NO_LIMIT };
	static struct steps s;
	struct sched_result r;

	(void)state;
	for (unsigned i = 0; i < 4 * 4 * 3 * 5; i++) {
		unsigned p[3] = { i % 4, i / 4 % 4, i / 16 % 3 };
		unsigned left[3] = { p[0] + 1, p[1] + 1, p[2] + 1 };
		struct sched_test t = {
			.name = "orders",
			.setup = steps_setup,
			.arg = &s,
			.threads = { steps_thread, steps_thread, steps_thread },
			.check = steps_check,
			.max_preemptions = bounds[i / 48],
			.quiet = true,
		};

		memcpy(s.nr_points, p, sizeof(p));
		memset(s.seen, 0, sizeof(s.seen));
		assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
		assert_int_equal(r.nr_schedules,
				 orders(left, -1, t.max_preemptions));
	}
}

static void two_threads_interleave_as_the_binomial_says(void **state)
{
	static struct steps s = { .nr_points = { 3, 3 } };
	struct sched_test t = {
		.name = "binomial",
		.setup = steps_setup,
		.arg = &s,
		.threads = { steps_thread, steps_thread },
		.check = steps_check,
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	/* 8 choose 4. */
	assert_int_equal(r.nr_schedules, 70);
}

/* ---- worlds with faults ------------------------------------------------- */

struct world {
	struct ioas_mutex a, b;
	struct ioas_rwlock l;
	_Atomic uint32_t word;
	unsigned counter;
	unsigned order[SCHED_MAX_THREADS];
	unsigned nr_order;
	/* What the case wants to know of all its schedules. */
	unsigned seen;
};

static struct world world;

static void *world_setup(void *arg)
{
	unsigned seen = world.seen;

	(void)arg;
	memset(&world, 0, sizeof(world));
	world.seen = seen;
	return &world;
}

static const char *counter_is_two(void *arg)
{
	struct world *w = arg;

	return w->counter == 2 ? NULL : "an update was lost";
}

static void add_without_lock(void *arg)
{
	struct world *w = arg;
	unsigned counter = w->counter;

	sched_point();
	w->counter = counter + 1;
}

static void add_with_lock(void *arg)
{
	struct world *w = arg;

	ioas_mutex_lock(&w->a, IOAS_RANK_PAGES);
	add_without_lock(w);
	ioas_mutex_unlock(&w->a);
}

static void lost_update_takes_one_preemption(void **state)
{
	struct sched_test t = {
		.name = "lost_update",
		.setup = world_setup,
		.threads = { add_without_lock, add_without_lock },
		.check = counter_is_two,
		.quiet = true,
	};
	struct sched_result r, again;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_int_equal(r.nr_schedules, 2);
	t.max_preemptions = 1;
	assert_int_equal(sched_explore(&t, &r), SCHED_WRONG);
	assert_int_equal(r.nr_preemptions, 1);
	assert_string_equal(r.message, "an update was lost");

	assert_int_equal(sched_replay(&t, r.schedule, &again), SCHED_WRONG);
	assert_string_equal(again.schedule, r.schedule);
	assert_string_equal(again.message, r.message);
	assert_int_equal(again.nr_schedules, 1);
}

static void mutex_prevents_the_lost_update(void **state)
{
	struct sched_test t = {
		.name = "mutex_prevents_the_lost_update",
		.setup = world_setup,
		.threads = { add_with_lock, add_with_lock },
		.check = counter_is_two,
		.max_preemptions = SCHED_NO_LIMIT,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_true(r.nr_schedules > 2);
}

static void lock_a_then_b(void *arg)
{
	struct world *w = arg;

	ioas_plat_mutex_lock(&w->a);
	ioas_plat_mutex_lock(&w->b);
	ioas_plat_mutex_unlock(&w->b);
	ioas_plat_mutex_unlock(&w->a);
}

static void lock_b_then_a(void *arg)
{
	struct world *w = arg;

	ioas_plat_mutex_lock(&w->b);
	ioas_plat_mutex_lock(&w->a);
	ioas_plat_mutex_unlock(&w->a);
	ioas_plat_mutex_unlock(&w->b);
}

static void deadlock_of_two_mutexes_is_found(void **state)
{
	struct sched_test t = {
		.name = "ab_ba",
		.setup = world_setup,
		.threads = { lock_a_then_b, lock_b_then_a },
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	t.max_preemptions = 1;
	assert_int_equal(sched_explore(&t, &r), SCHED_DEADLOCK);
	assert_non_null(strstr(r.message, "thread 0 waits for mutex"));
	assert_non_null(strstr(r.message, "1 waits for mutex"));
	t.threads[1] = lock_a_then_b;
	t.max_preemptions = SCHED_NO_LIMIT;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
}

/* ---- rwlock ------------------------------------------------------------- */

static void note_order(struct world *w)
{
	w->order[w->nr_order++] = (unsigned)sched_self();
}

__no_lock_analysis static void read_twice(void *arg)
{
	struct world *w = arg;

	ioas_plat_rwlock_read_lock(&w->l);
	ioas_plat_rwlock_read_lock(&w->l);
	ioas_plat_rwlock_read_unlock(&w->l);
	ioas_plat_rwlock_read_unlock(&w->l);
}

static void read_once(void *arg)
{
	struct world *w = arg;

	ioas_plat_rwlock_read_lock(&w->l);
	w->counter++;
	sched_point();
	w->seen |= w->counter > 1;
	note_order(w);
	w->counter--;
	ioas_plat_rwlock_read_unlock(&w->l);
}

static void write_once(void *arg)
{
	struct world *w = arg;

	ioas_plat_rwlock_write_lock(&w->l);
	SCHED_ASSERT(!w->counter);
	w->counter = 1;
	sched_point();
	SCHED_ASSERT(w->counter == 1);
	w->counter = 0;
	note_order(w);
	ioas_plat_rwlock_write_unlock(&w->l);
}

static void waiting_writer_stops_the_second_read(void **state)
{
	struct sched_test t = {
		.name = "read_twice",
		.setup = world_setup,
		.threads = { read_twice, write_once },
		.max_preemptions = 1,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_DEADLOCK);
	assert_non_null(strstr(r.message, "0 waits to read"));
	assert_non_null(strstr(r.message, "1 waits to write"));
}

/* Bits of @seen: 0 two readers at once; 1 + n: n-th order of the threads. */
static const char *order_check(void *arg)
{
	struct world *w = arg;

	w->seen |= 2u << (w->order[0] * 3 + w->order[1]);
	return w->nr_order == 3 ? NULL : "a thread is missing";
}

static void readers_share_writers_do_not_in_every_order(void **state)
{
	struct sched_test t = {
		.name = "readers_share_writers_do_not_in_every_order",
		.setup = world_setup,
		.threads = { read_once, write_once, read_once },
		.check = order_check,
		.max_preemptions = 2,
	};
	struct sched_result r;

	(void)state;
	world.seen = 0;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	/* Together, and 01 02 10 12 20 21. */
	assert_int_equal(world.seen,
			 1 | 2u << 1 | 2u << 2 | 2u << 3 | 2u << 5 | 2u << 6 |
				 2u << 7);
}

/* Thread 1 waits to write and thread 2 to read while thread 0 writes. */
static void reader_that_waited_may_overtake_a_waiting_writer(void **state)
{
	struct sched_test t = {
		.name = "overtake",
		.setup = world_setup,
		.threads = { write_once, write_once, read_once },
		.check = order_check,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	world.seen = 0;
	t.max_preemptions = 2;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_true(world.seen & 2u << 1);
	assert_true(world.seen & 2u << 2);
}

/* ---- wait and wake ------------------------------------------------------ */

static void wait_for_word(void *arg)
{
	struct world *w = arg;

	while (!atomic_load(&w->word))
		ioas_plat_wait(&w->word, 0);
}

static void set_word_and_wake(void *arg)
{
	struct world *w = arg;

	atomic_store(&w->word, 1);
	ioas_plat_wake(&w->word);
}

static void set_word(void *arg)
{
	struct world *w = arg;

	atomic_store(&w->word, 1);
}

static void forgotten_wake_is_a_deadlock(void **state)
{
	struct sched_test t = {
		.name = "forgotten_wake",
		.setup = world_setup,
		.threads = { wait_for_word, wait_for_word, set_word_and_wake },
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	t.threads[2] = set_word;
	assert_int_equal(sched_explore(&t, &r), SCHED_DEADLOCK);
	assert_non_null(strstr(r.message, "sleeps on word"));
}

/* ---- what else goes wrong ----------------------------------------------- */

static void never_end(void *arg)
{
	(void)arg;
	for (;;)
		sched_point();
}

static void fail_a_check(void *arg)
{
	struct world *w = arg;

	IOAS_CHECK(!w->counter);
}

__no_lock_analysis static void unlock_only(void *arg)
{
	struct world *w = arg;

	ioas_plat_mutex_unlock(&w->a);
}

/* Each schedule has one point less than the one before. */
static void depend_on_the_past(void *arg)
{
	static unsigned nr_points = 100;
	struct world *w = arg;

	w->counter = 2;
	for (unsigned i = 0; i < nr_points; i++)
		sched_point();
	nr_points--;
}

static void idle(void *arg)
{
	(void)arg;
	sched_point();
}

static void each_way_to_go_wrong_is_named(void **state)
{
	static const struct {
		void (*thread)(void *world);
		enum sched_outcome outcome;
		const char *message;
	} ways[] = {
		{ never_end, SCHED_ENDLESS, "no end after" },
		{ fail_a_check, SCHED_WRONG, "check failed: !w->counter" },
		{ unlock_only, SCHED_WRONG, "not locked" },
		{ depend_on_the_past, SCHED_WRONG, "before its schedule" },
	};
	struct sched_test t = {
		.name = "ways",
		.setup = world_setup,
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(ways); i++) {
		t.threads[0] = ways[i].thread;
		t.threads[1] = ways[i].thread == never_end ? NULL : idle;
		assert_int_equal(sched_explore(&t, &r), ways[i].outcome);
		assert_non_null(strstr(r.message, ways[i].message));
	}
}

static void *kept;

static void allocate(void *arg)
{
	(void)arg;
	kept = ioas_plat_alloc(8);
}

static const char *free_kept(void *arg)
{
	(void)arg;
	ioas_plat_free(kept, 8);
	return NULL;
}

static void memory_left_after_check_is_wrong(void **state)
{
	struct sched_test t = {
		.name = "leak",
		.threads = { allocate, idle },
		.check = free_kept,
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	t.check = NULL;
	assert_int_equal(sched_explore(&t, &r), SCHED_WRONG);
	assert_string_equal(r.message, "1 blocks of memory are left");
	free_kept(NULL);
}

/* ---- the rest ----------------------------------------------------------- */

static void random_schedules_repeat_with_their_seed(void **state)
{
	struct sched_test t = {
		.name = "random",
		.setup = world_setup,
		.threads = { add_without_lock, add_without_lock,
			     add_without_lock },
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r, same, other;

	(void)state;
	assert_int_equal(sched_random(&t, 1, 50, &r), SCHED_PASSED);
	assert_int_equal(r.nr_schedules, 50);
	assert_int_equal(sched_random(&t, 1, 50, &same), SCHED_PASSED);
	assert_string_equal(r.schedule, same.schedule);
	assert_int_equal(sched_random(&t, 1, 49, &other), SCHED_PASSED);
	assert_string_not_equal(r.schedule, other.schedule);
	t.threads[2] = NULL;
	t.check = counter_is_two;
	assert_int_equal(sched_random(&t, 1, 50, &r), SCHED_WRONG);
	assert_int_equal(sched_replay(&t, r.schedule, &same), SCHED_WRONG);
}

static void limit_is_not_a_pass(void **state)
{
	struct sched_test t = {
		.name = "limit",
		.setup = world_setup,
		.threads = { add_with_lock, add_with_lock },
		.check = counter_is_two,
		.max_preemptions = SCHED_NO_LIMIT,
		.max_schedules = 3,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_UNFINISHED);
	assert_int_equal(r.nr_schedules, 3);
}

static void impossible_digits_are_refused(void **state)
{
	static const char *const digits[] = { "2", "x", "00000" };
	struct sched_test t = {
		.name = "digits",
		.setup = world_setup,
		.threads = { add_without_lock, add_without_lock },
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(digits); i++)
		assert_int_equal(sched_replay(&t, digits[i], &r), SCHED_WRONG);
	assert_int_equal(sched_replay(&t, "0", &r), SCHED_PASSED);
	assert_string_equal(r.schedule, "00");
}

static void argument_replaces_the_exploration_of_its_name(void **state)
{
	char *argv[] = { (char *)"t", (char *)"--schedule",
			 (char *)"by_argument:01" };
	struct sched_test t = {
		.name = "by_argument",
		.setup = world_setup,
		.threads = { add_without_lock, add_without_lock },
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	sched_args(3, argv);
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_int_equal(r.nr_schedules, 1);
	t.name = "another";
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_int_equal(r.nr_schedules, 6);
}

static void own_thread_block(void *arg)
{
	struct ioas_thread *t = ioas_plat_thread();

	(void)arg;
	SCHED_ASSERT(!t->caller);
	t->caller = (struct ioas_caller *)arg;
	sched_point();
	SCHED_ASSERT(ioas_plat_thread() == t && t->caller == arg);
}

static void threads_have_a_fresh_block_each(void **state)
{
	struct sched_test t = {
		.name = "blocks",
		.setup = world_setup,
		.threads = { own_thread_block, own_thread_block },
		.max_preemptions = SCHED_NO_LIMIT,
		.quiet = true,
	};
	struct sched_result r;

	(void)state;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	assert_null(ioas_plat_thread()->caller);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_is_run_exactly_once),
		cmocka_unit_test(two_threads_interleave_as_the_binomial_says),
		cmocka_unit_test(lost_update_takes_one_preemption),
		cmocka_unit_test(mutex_prevents_the_lost_update),
		cmocka_unit_test(deadlock_of_two_mutexes_is_found),
		cmocka_unit_test(waiting_writer_stops_the_second_read),
		cmocka_unit_test(readers_share_writers_do_not_in_every_order),
		cmocka_unit_test(
			reader_that_waited_may_overtake_a_waiting_writer),
		cmocka_unit_test(forgotten_wake_is_a_deadlock),
		cmocka_unit_test(each_way_to_go_wrong_is_named),
		cmocka_unit_test(memory_left_after_check_is_wrong),
		cmocka_unit_test(random_schedules_repeat_with_their_seed),
		cmocka_unit_test(limit_is_not_a_pass),
		cmocka_unit_test(impossible_digits_are_refused),
		cmocka_unit_test(argument_replaces_the_exploration_of_its_name),
		cmocka_unit_test(threads_have_a_fresh_block_each),
	};

	sched_args(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
