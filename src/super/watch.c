/* SPDX-License-Identifier: MIT */
/*
 * watch: for each owner a thread over an epoll set
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
	/* In lane->list; the key of epoll is a number that is never used again. */
	struct ioas_list link;
	uint64_t key;
	int fd;
	void (*fn)(void *ctx);
	void *ctx;
};

struct lane {
	/* In w->lanes. Set once, as all up to the lock. */
	struct ioas_list link;
	const struct ioas_vdev *owner;
	int epoll;
	int stop;
	pthread_t thread;
	pthread_mutex_t lock;
	/* The rest is guarded. */
	uint64_t next_key;
	struct ioas_list list;
};

struct ioas_watches {
	pthread_mutex_t lock;
	/* struct lane; guarded. None goes before the end. */
	struct ioas_list lanes;
};

static struct watch *watch_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct watch, link);
}

/* ---- the thread of a lane ----------------------------------------------- */

static void take_count(int fd)
{
	uint64_t count;
	struct iovec iov = { &count, sizeof(count) };

	/* Nobody cares how often, or whether another one was faster. */
	if (preadv2(fd, &iov, 1, -1, RWF_NOWAIT) < 0)
		return;
}

/* What is gone is not found. Return: the thread is to end. */
static bool serve(struct lane *lane, const struct epoll_event *e, int n)
{
	bool stop = false;

	for (int i = 0; i < n; i++) {
		pthread_mutex_lock(&lane->lock);
		ioas_list_for_each(l, &lane->list) {
			struct watch *one = watch_of(l);

			if (one->key != e[i].data.u64)
				continue;
			take_count(one->fd);
			one->fn(one->ctx);
			break;
		}
		pthread_mutex_unlock(&lane->lock);
		stop |= !e[i].data.u64;
	}
	return stop;
}

static void *run(void *arg)
{
	struct lane *lane = arg;
	struct epoll_event e[BATCH];
	bool stop = false;

	while (!stop) {
		const int n = epoll_wait(lane->epoll, e, BATCH, -1);

		stop = serve(lane, e, n);
	}
	return NULL;
}

static int start(struct lane *lane)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&lane->thread, NULL, run, lane);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return ret ? -ENOMEM : 0;
}

/* ---- lanes -------------------------------------------------------------- */

static int listen_to(struct lane *lane, int fd, uint64_t key)
{
	/* Each signal is an edge, whether or not the count could be taken. */
	struct epoll_event e = { .events = EPOLLIN | EPOLLET,
				 .data.u64 = key };

	return epoll_ctl(lane->epoll, EPOLL_CTL_ADD, fd, &e) ? -ENOMEM : 0;
}

/* Its thread has ended, or was never there. */
static void lane_free(struct lane *lane)
{
	if (lane->epoll >= 0)
		close(lane->epoll);
	if (lane->stop >= 0)
		close(lane->stop);
	pthread_mutex_destroy(&lane->lock);
	free(lane);
}

static struct lane *lane_create(const struct ioas_vdev *owner)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->owner = owner;
	pthread_mutex_init(&lane->lock, NULL);
	ioas_list_init(&lane->list);
	lane->next_key = 1;
	lane->epoll = epoll_create1(EPOLL_CLOEXEC);
	lane->stop = eventfd(0, EFD_CLOEXEC);
	if (lane->epoll < 0 || lane->stop < 0 ||
	    listen_to(lane, lane->stop, 0) || start(lane)) {
		lane_free(lane);
		return NULL;
	}
	return lane;
}

/* @owner's; if there is none, a new one with @make, or NULL. */
static struct lane *lane_get(struct ioas_watches *w,
			     const struct ioas_vdev *owner, bool make)
{
	struct lane *lane = NULL;

	pthread_mutex_lock(&w->lock);
	ioas_list_for_each(l, &w->lanes) {
		lane = ioas_list_entry(l, struct lane, link);
		if (lane->owner == owner)
			break;
		lane = NULL;
	}
	if (!lane && make) {
		lane = lane_create(owner);
		if (lane)
			ioas_list_add_tail(&w->lanes, &lane->link);
	}
	pthread_mutex_unlock(&w->lock);
	return lane;
}

/* ---- watches ------------------------------------------------------------ */

int ioas_watches_add(struct ioas_watches *w, const struct ioas_vdev *owner,
		     int fd, void (*fn)(void *ctx), void *ctx)
{
	struct lane *lane = lane_get(w, owner, true);
	struct watch *one = lane ? calloc(1, sizeof(*one)) : NULL;
	int ret;

	if (!one)
		return -ENOMEM;
	one->fd = fd;
	one->fn = fn;
	one->ctx = ctx;
	pthread_mutex_lock(&lane->lock);
	one->key = lane->next_key++;
	ret = listen_to(lane, fd, one->key);
	if (!ret)
		ioas_list_add_tail(&lane->list, &one->link);
	pthread_mutex_unlock(&lane->lock);
	if (ret)
		free(one);
	return ret;
}

void ioas_watches_remove(struct ioas_watches *w, const struct ioas_vdev *owner,
			 void *ctx)
{
	struct lane *lane = lane_get(w, owner, false);
	struct watch *found = NULL;

	if (!lane)
		return;
	pthread_mutex_lock(&lane->lock);
	ioas_list_for_each(l, &lane->list) {
		if (watch_of(l)->ctx == ctx)
			found = watch_of(l);
	}
	if (found) {
		epoll_ctl(lane->epoll, EPOLL_CTL_DEL, found->fd, NULL);
		ioas_list_del(&found->link);
	}
	pthread_mutex_unlock(&lane->lock);
	free(found);
}

/* ---- life --------------------------------------------------------------- */

int ioas_watches_create(struct ioas_watches **out)
{
	struct ioas_watches *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	ioas_list_init(&w->lanes);
	*out = w;
	return 0;
}

void ioas_watches_destroy(struct ioas_watches *w)
{
	if (!w)
		return;
	ioas_list_for_each_safe(l, tmp, &w->lanes) {
		struct lane *lane = ioas_list_entry(l, struct lane, link);

		eventfd_write(lane->stop, 1);
		pthread_join(lane->thread, NULL);
		lane_free(lane);
	}
	pthread_mutex_destroy(&w->lock);
	free(w);
}
