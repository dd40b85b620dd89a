/* SPDX-License-Identifier: MIT */
/*
 * wait: poll and ppoll, exact
 *
 * The kernel waits, for our placeholders as for everything else (ready.c): so
 * select and epoll need no help. What a placeholder cannot say is put right
 * here: POLLRDNORM and POLLWRNORM, queues that cannot be written, and a queue
 * that was emptied by another reader meanwhile.
 *
 *   program's set --copy, events as a placeholder knows them--> kernel
 *   revents       <--others: the kernel's; ours: the file's----
 *   nothing left, but time is --> again
 */
#include <string.h>
#include <time.h>

#include "host/guard.h"
#include "preload/preload.h"
#include "uapi/file.h"

/* On the stack; larger sets are mapped. */
#define SET_SMALL 64u

#define EVENTS_IN (POLLIN | POLLRDNORM)
#define EVENTS_OUT (POLLOUT | POLLWRNORM)

/* One call. */
struct wait {
	struct ioas_local *l;
	/* The program's. */
	struct pollfd *set;
	nfds_t nr;
	const sigset_t *mask;
	bool forever;
	struct timespec until;
	/* Ours: a copy. */
	struct pollfd *copy;
};

/* Is one of ours among them? Not exact: a mark may be old. */
static bool set_marked(struct pollfd *set, nfds_t nr)
{
	struct pollfd one;

	for (nfds_t i = 0; i < nr; i++) {
		if (ioas_guard_copy(&one, &set[i], sizeof(one)))
			return false;
		if (ioas_unlikely(preload_marked(one.fd)))
			return true;
	}
	return false;
}

static bool is_ours(const struct wait *w, int fd)
{
	struct ioas_local *l;

	return preload_marked(fd) && w->l &&
	       ioas_preload_ask(fd, &l) == IOAS_PRELOAD_HERE;
}

static short events_of(const struct wait *w, const struct pollfd *p)
{
	const int mask = ioas_local_poll_mask(w->l, p->fd);
	int events = p->events & ~(EVENTS_IN | EVENTS_OUT);

	if (p->events & EVENTS_IN)
		events |= POLLIN;
	/* All of ours can be written always, or never. */
	if (p->events & EVENTS_OUT && mask > 0 && mask & IOAS_POLLOUT)
		events |= POLLOUT;
	return (short)events;
}

static int wait_kernel(struct wait *w)
{
	struct timespec left = { 0 }, now;

	if (!w->forever) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = w->until.tv_sec - now.tv_sec;
		left.tv_nsec = w->until.tv_nsec - now.tv_nsec;
		if (left.tv_nsec < 0) {
			left.tv_sec--;
			left.tv_nsec += 1000000000L;
		}
		if (left.tv_sec < 0)
			left = (struct timespec){ 0 };
	}
	return NEXT(ppoll)(w->copy, w->nr, w->forever ? NULL : &left, w->mask);
}

/* Return: how many are ready, -EFAULT. */
static int wait_answer(struct wait *w)
{
	int ready = 0, mask;

	for (nfds_t i = 0; i < w->nr; i++) {
		struct pollfd *p = &w->copy[i];
		struct pollfd asked;

		if (ioas_guard_copy(&asked, &w->set[i], sizeof(asked)))
			return -EFAULT;
		if (p->fd >= 0 && is_ours(w, p->fd)) {
			mask = ioas_local_poll_mask(w->l, p->fd);
			if (p->revents & POLLIN && mask >= 0 &&
			    !(mask & IOAS_POLLIN))
				ioas_preload_resync(w->l, p->fd);
			p->revents = mask < 0 ? POLLNVAL :
						(short)(mask & asked.events);
		}
		ready += p->revents != 0;
		if (ioas_guard_copy(&w->set[i].revents, &p->revents,
				    sizeof(p->revents)))
			return -EFAULT;
	}
	return ready;
}

static bool wait_over(const struct wait *w)
{
	struct timespec now;

	if (w->forever)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > w->until.tv_sec ||
	       (now.tv_sec == w->until.tv_sec &&
		now.tv_nsec >= w->until.tv_nsec);
}

static int wait_run(struct wait *w)
{
	int ret;

	if (ioas_guard_copy(w->copy, w->set, w->nr * sizeof(*w->copy)))
		return (int)preload_result(-EFAULT);
	for (nfds_t i = 0; i < w->nr; i++) {
		if (is_ours(w, w->copy[i].fd))
			w->copy[i].events = events_of(w, &w->copy[i]);
	}
	do {
		ret = wait_kernel(w);
		if (ret < 0)
			return ret;
		ret = wait_answer(w);
	} while (!ret && !wait_over(w));
	return (int)preload_result(ret);
}

static int wait_begin(struct wait *w, const struct timespec *timeout)
{
	struct pollfd few[SET_SMALL];
	const size_t size = w->nr * sizeof(few[0]);
	int ret;

	w->l = ioas_preload_look();
	w->forever = !timeout;
	if (timeout) {
		clock_gettime(CLOCK_MONOTONIC, &w->until);
		w->until.tv_sec += timeout->tv_sec;
		w->until.tv_nsec += timeout->tv_nsec;
		if (w->until.tv_nsec >= 1000000000L) {
			w->until.tv_sec++;
			w->until.tv_nsec -= 1000000000L;
		}
	}
	w->copy = few;
	if (w->nr > SET_SMALL) {
		w->copy = NEXT(mmap)(NULL, size, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (w->copy == MAP_FAILED)
			return (int)preload_result(-ENOMEM);
	}
	ret = wait_run(w);
	if (w->copy != few) {
		const int saved = errno;

		NEXT(munmap)(w->copy, size);
		errno = saved;
	}
	return ret;
}

/* More than the kernel lets a process poll: it says so. */
static bool is_for_us(struct pollfd *set, nfds_t nr)
{
	return ioas_unlikely(ioas_preload_look()) && nr <= IOAS_PRELOAD_FDS &&
	       set_marked(set, nr);
}

static int poll_ours(struct pollfd *set, nfds_t nr, int timeout)
{
	struct wait w = { .set = set, .nr = nr };
	const struct timespec t = {
		.tv_sec = timeout / 1000,
		.tv_nsec = timeout % 1000 * 1000000L,
	};

	return wait_begin(&w, timeout < 0 ? NULL : &t);
}

static int ppoll_ours(struct pollfd *set, nfds_t nr,
		      const struct timespec *timeout, const sigset_t *mask)
{
	struct wait w = { .set = set, .nr = nr, .mask = mask };
	struct timespec t;

	if (timeout && ioas_guard_copy(&t, timeout, sizeof(t)))
		return (int)preload_result(-EFAULT);
	if (timeout &&
	    (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec > 999999999L))
		return (int)preload_result(-EINVAL);
	/* For ever, as good as. */
	if (timeout && t.tv_sec > INT32_MAX)
		timeout = NULL;
	return wait_begin(&w, timeout ? &t : NULL);
}

int poll(struct pollfd *set, nfds_t nr, int timeout)
{
	return is_for_us(set, nr) ? poll_ours(set, nr, timeout) :
				    NEXT(poll)(set, nr, timeout);
}

int ppoll(struct pollfd *set, nfds_t nr, const struct timespec *timeout,
	  const sigset_t *mask)
{
	return is_for_us(set, nr) ? ppoll_ours(set, nr, timeout, mask) :
				    NEXT(ppoll)(set, nr, timeout, mask);
}

int __poll_chk(struct pollfd *set, nfds_t nr, int timeout, size_t size)
{
	return size / sizeof(*set) >= nr && is_for_us(set, nr) ?
		       poll_ours(set, nr, timeout) :
		       NEXT(__poll_chk)(set, nr, timeout, size);
}

int __ppoll_chk(struct pollfd *set, nfds_t nr, const struct timespec *timeout,
		const sigset_t *mask, size_t size)
{
	return size / sizeof(*set) >= nr && is_for_us(set, nr) ?
		       ppoll_ours(set, nr, timeout, mask) :
		       NEXT(__ppoll_chk)(set, nr, timeout, mask, size);
}
