/* SPDX-License-Identifier: MIT */
/*
 * closer: a queue, and as many threads as are stuck, and one more
 *
 *   ticket   1 .. given_up | .. tickets
 *            not waited for| nr_waited of them are not done yet
 *
 *  C1  nr_waited counts what was added with a ticket above given_up and is not
 *      released.
 *  C2  While the queue is not empty, a thread is on its way to it, or there are
 *      as many threads as there may be.
 */
#include "super/closer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* A release that takes longer waits for somebody; in milliseconds. */
#define PATIENCE_MS 20
/* Releases that can be stuck at a time; then the next ones wait. */
#define THREADS_MAX 64

struct ioas_closer {
	pthread_mutex_t lock;
	/* All below is guarded. There is work; something was done. */
	pthread_cond_t work;
	pthread_cond_t done;
	/* struct ioas_closing. */
	struct ioas_list queue;
	uint64_t tickets;
	uint64_t given_up;
	unsigned int nr_waited;
	unsigned int nr_queued;
	unsigned int nr_threads;
	unsigned int nr_idle;
	bool stop;
};

/* ---- threads ------------------------------------------------------------ */

/* Takes the lock off and on again. */
static void serve_one(struct ioas_closer *c)
{
	struct ioas_closing *what = ioas_list_entry(
		c->queue.next, struct ioas_closing, link);
	const uint64_t ticket = what->ticket;

	ioas_list_del(&what->link);
	c->nr_queued--;
	pthread_mutex_unlock(&c->lock);
	what->release(what);
	pthread_mutex_lock(&c->lock);
	if (ticket > c->given_up)
		c->nr_waited--;
	pthread_cond_broadcast(&c->done);
}

/* One that is idle is enough: the others end. */
static void *thread_main(void *data)
{
	struct ioas_closer *c = data;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		while (!ioas_list_empty(&c->queue))
			serve_one(c);
		if (c->stop || c->nr_idle)
			break;
		c->nr_idle++;
		pthread_cond_wait(&c->work, &c->lock);
		c->nr_idle--;
	}
	c->nr_threads--;
	pthread_cond_broadcast(&c->done);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Return: a thread will come. The lock is held. */
static bool thread_get(struct ioas_closer *c)
{
	sigset_t all, old;
	pthread_t t;
	int ret;

	/* It may have been woken already, for what was queued before. */
	if (c->nr_idle && c->nr_queued == 1) {
		pthread_cond_signal(&c->work);
		return true;
	}
	if (c->nr_threads == THREADS_MAX)
		return true;
	/* Signals that stop others must not be spent on it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&t, NULL, thread_main, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return c->nr_threads;
	pthread_detach(t);
	c->nr_threads++;
	return true;
}

/* ---- external ----------------------------------------------------------- */

void ioas_closer_add(struct ioas_closer *c, struct ioas_closing *what)
{
	bool later;

	pthread_mutex_lock(&c->lock);
	what->ticket = ++c->tickets;
	ioas_list_add_tail(&c->queue, &what->link);
	c->nr_queued++;
	c->nr_waited++;
	later = thread_get(c);
	/* Nobody else is there, or will be. */
	if (!later)
		serve_one(c);
	pthread_mutex_unlock(&c->lock);
}

void ioas_closer_wait(struct ioas_closer *c)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PATIENCE_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&c->lock);
	while (c->nr_waited) {
		if (pthread_cond_timedwait(&c->done, &c->lock, &until) !=
		    ETIMEDOUT)
			continue;
		c->given_up = c->tickets;
		c->nr_waited = 0;
	}
	pthread_mutex_unlock(&c->lock);
}

int ioas_closer_create(struct ioas_closer **out)
{
	struct ioas_closer *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;

	if (!c)
		return -ENOMEM;
	ioas_list_init(&c->queue);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->done, &attr);
	pthread_condattr_destroy(&attr);
	*out = c;
	return 0;
}

void ioas_closer_destroy(struct ioas_closer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_broadcast(&c->work);
	while (c->nr_threads)
		pthread_cond_wait(&c->done, &c->lock);
	pthread_mutex_unlock(&c->lock);
	pthread_cond_destroy(&c->work);
	pthread_cond_destroy(&c->done);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
