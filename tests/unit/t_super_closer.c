/* SPDX-License-Identifier: MIT */
/* closer: releases that wait, and who does not wait for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

/* Its limits as well. */
#include "../../src/super/closer.c"

/* Ends when it may. */
struct thing {
	struct ioas_closing closing;
	sem_t may;
	_Atomic bool begun;
	/* Its place among those that ended; 0: not yet. */
	_Atomic unsigned int ended;
};

static _Atomic unsigned int nr_ended;

static void thing_release(struct ioas_closing *self)
{
	struct thing *t = ioas_container_of(self, struct thing, closing);

	t->begun = true;
	sem_wait(&t->may);
	t->ended = atomic_fetch_add(&nr_ended, 1) + 1;
}

static unsigned int locked(struct ioas_closer *c, const unsigned int *nr)
{
	unsigned int n;

	pthread_mutex_lock(&c->lock);
	n = *nr;
	pthread_mutex_unlock(&c->lock);
	return n;
}

static void thing_init(struct thing *t, unsigned int may)
{
	*t = (struct thing){ .closing.release = thing_release };
	ioas_list_init(&t->closing.link);
	assert_int_equal(sem_init(&t->may, 0, may), 0);
}

static int setup(void **state)
{
	struct ioas_closer *c;

	nr_ended = 0;
	assert_int_equal(ioas_closer_create(&c), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	ioas_closer_destroy(*state);
	return 0;
}

static void what_does_not_wait_is_done_in_order(void **state)
{
	struct ioas_closer *c = *state;
	struct thing t[100];

	for (unsigned int round = 0; round < 10; round++) {
		for (unsigned int i = 0; i < 100; i++) {
			thing_init(&t[i], 1);
			ioas_closer_add(c, &t[i].closing);
			/* All at once, and one by one. */
			if (round & 1)
				ioas_closer_wait(c);
		}
		while (nr_ended < 100 * (round + 1))
			ioas_closer_wait(c);
		for (unsigned int i = 0; i < 100 && round & 1; i++)
			assert_int_equal(t[i].ended, 100 * round + i + 1);
	}
	ioas_closer_wait(c);
}

static void one_that_is_stuck_holds_up_nobody(void **state)
{
	struct ioas_closer *c = *state;
	struct thing stuck[8], t;

	for (unsigned int i = 0; i < 8; i++) {
		thing_init(&stuck[i], 0);
		ioas_closer_add(c, &stuck[i].closing);
		ioas_closer_wait(c);
		thing_init(&t, 1);
		ioas_closer_add(c, &t.closing);
		while (!t.ended)
			ioas_closer_wait(c);
		assert_int_equal(nr_ended, i + 1);
		assert_true(stuck[i].begun);
	}
	for (unsigned int i = 0; i < 8; i++)
		sem_post(&stuck[i].may);
	while (nr_ended < 16)
		sched_yield();
	ioas_closer_wait(c);
	assert_int_equal(locked(c, &c->nr_waited), 0);
}

/* What was given up is not counted when it ends after all. */
static void an_end_after_all_is_no_news(void **state)
{
	struct ioas_closer *c = *state;
	struct thing late, t;

	thing_init(&late, 0);
	ioas_closer_add(c, &late.closing);
	ioas_closer_wait(c);
	assert_int_equal(late.ended, 0);
	thing_init(&t, 0);
	ioas_closer_add(c, &t.closing);
	sem_post(&late.may);
	while (!late.ended)
		sched_yield();
	assert_int_equal(locked(c, &c->nr_waited), 1);
	sem_post(&t.may);
	while (!t.ended)
		ioas_closer_wait(c);
	assert_true(locked(c, &c->nr_threads) <= 2);
}

/* Then somebody must end before the next begins. */
static void there_is_a_limit(void **state)
{
	static struct thing stuck[THREADS_MAX + 1];
	struct ioas_closer *c = *state;

	for (unsigned int i = 0; i <= THREADS_MAX; i++) {
		thing_init(&stuck[i], 0);
		ioas_closer_add(c, &stuck[i].closing);
	}
	for (unsigned int i = 0; i < THREADS_MAX; i++)
		while (!stuck[i].begun)
			sched_yield();
	ioas_closer_wait(c);
	assert_false(stuck[THREADS_MAX].begun);
	assert_int_equal(locked(c, &c->nr_threads), THREADS_MAX);
	sem_post(&stuck[5].may);
	while (!stuck[THREADS_MAX].begun)
		sched_yield();
	for (unsigned int i = 0; i <= THREADS_MAX; i++)
		sem_post(&stuck[i].may);
}

static void the_end_waits_for_all(void **state)
{
	struct ioas_closer *c;
	struct thing t[20];

	(void)state;
	assert_int_equal(ioas_closer_create(&c), 0);
	for (unsigned int i = 0; i < 20; i++) {
		thing_init(&t[i], 1);
		ioas_closer_add(c, &t[i].closing);
	}
	ioas_closer_destroy(c);
	assert_int_equal(nr_ended, 20);
	ioas_closer_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_does_not_wait_is_done_in_order),
		TEST(one_that_is_stuck_holds_up_nobody),
		TEST(an_end_after_all_is_no_news),
		TEST(there_is_a_limit),
		TEST(the_end_waits_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
