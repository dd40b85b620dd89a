/* SPDX-License-Identifier: MIT */
/*
 * watch: a thread over an epoll set
 *
 * A client's eventfd is its own: the client may read it, too, and may have made
 * it so that reads wait. So the count is taken without waiting, and who finds
 * none calls all the same: it was there when the kernel told us, or somebody
 * else who watches the same counter has taken it.
 */
#include "super/watch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/list.h"

/* Events taken at a time: watches of one eventfd are told together. */
#define BATCH 64

struct watch {
	/* In w->list; the key of epoll is a number that is never used again. */
	struct ioas_list link;
	uint64_t key;
	int fd;
	void (*fn)(void *ctx);
	void *ctx;
};

struct ioas_watches {
	int epoll;
	int stop;
	pthread_t thread;
	pthread_mutex_t lock;
	/* The rest is guarded. */
	bool running;
	uint64_t next_key;
	struct ioas_list list;
};

static struct watch *watch_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct watch, link);
}

/* ---- the thread --------------------------------------------------------- */

static void take_count(int fd)
{
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	/* Nobody cares how often, or whether another one was faster. */
	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0)
		return;
}

/* What is gone is not found. Return: the thread is to end. */
static bool serve(struct ioas_watches *w, const struct epoll_event *e, int n)
{
	bool stop = false;

	for (int i = 0; i < n; i++) {
		pthread_mutex_lock(&w->lock);
		ioas_list_for_each(l, &w->list) {
			struct watch *one = watch_of(l);

			if (one->key != e[i].data.u64)
				continue;
			take_count(one->fd);
			one->fn(one->ctx);
			break;
		}
		pthread_mutex_unlock(&w->lock);
		stop |= !e[i].data.u64;
	}
	return stop;
}

static void *run(void *arg)
{
	struct ioas_watches *w = arg;
	struct epoll_event e[BATCH];
	bool stop = false;

	while (!stop) {
		const int n = epoll_wait(w->epoll, e, BATCH, -1);

		stop = serve(w, e, n);
	}
	return NULL;
}

static int start(struct ioas_watches *w)
{
	sigset_t all, old;
	int ret;

	if (w->running)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->running = !ret;
	return ret ? -ENOMEM : 0;
}

/* ---- watches ------------------------------------------------------------ */

static int listen_to(struct ioas_watches *w, int fd, uint64_t key)
{
	/* Each signal is an edge, whether or not the count could be taken. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLET,
				 .data.u64 = key };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &e) ? -ENOMEM : 0;
}

int ioas_watches_add(struct ioas_watches *w, int fd, void (*fn)(void *ctx),
		     void *ctx)
{
	struct watch *one = calloc(1, sizeof(*one));
	int ret;

	if (!one)
		return -ENOMEM;
	one->fd = fd;
	one->fn = fn;
	one->ctx = ctx;
	pthread_mutex_lock(&w->lock);
	one->key = w->next_key++;
	ret = start(w);
	if (!ret)
		ret = listen_to(w, fd, one->key);
	if (!ret)
		ioas_list_add_tail(&w->list, &one->link);
	pthread_mutex_unlock(&w->lock);
	if (ret)
		free(one);
	return ret;
}

void ioas_watches_remove(struct ioas_watches *w, void *ctx)
{
	struct watch *found = NULL;

	pthread_mutex_lock(&w->lock);
	ioas_list_for_each(l, &w->list) {
		if (watch_of(l)->ctx == ctx)
			found = watch_of(l);
	}
	if (found) {
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, found->fd, NULL);
		ioas_list_del(&found->link);
	}
	pthread_mutex_unlock(&w->lock);
	free(found);
}

/* ---- life --------------------------------------------------------------- */

int ioas_watches_create(struct ioas_watches **out)
{
	struct ioas_watches *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	ioas_list_init(&w->list);
	w->next_key = 1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->stop = eventfd(0, EFD_CLOEXEC);
	if (w->epoll < 0 || w->stop < 0 || listen_to(w, w->stop, 0)) {
		ioas_watches_destroy(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void ioas_watches_destroy(struct ioas_watches *w)
{
	if (!w)
		return;
	if (w->running) {
		eventfd_write(w->stop, 1);
		pthread_join(w->thread, NULL);
	}
	if (w->epoll >= 0)
		close(w->epoll);
	if (w->stop >= 0)
		close(w->stop);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
