/* SPDX-License-Identifier: MIT */
/*
 * eventfd: a counter is raised by the kernel, not by write(2)
 *
 *   signal --> io_submit(read 0 bytes of /dev/null, tell this eventfd)
 *                 done at once, and told: the counter rises by 1
 *
 * A write to an eventfd whose counter is full waits, unless the open file says
 * otherwise, which is the client's too. To look first whether there is room
 * does not do: the client can fill it between the look and the write, and would
 * stop a thread of ours that holds locks. What the kernel itself adds never
 * waits, and a counter that cannot rise further says POLLERR, which is also
 * what programs know of real devices. A ring of asynchronous I/O is the way to
 * have it done: one system call for each signal, and another one for every some
 * hundred to take the results out. That is 0.9 us; a look and a write are 0.7.
 *
 * Without a ring (there is a limit for all of the machine) it is the look and
 * the write, and such a client can stop the thread until it reads.
 */
#include "super/eventfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Results that fit, at least, and that are taken out at a time. */
#define RING 256
#define REAP 64
/* Others may use up what was made free. */
#define ROUNDS 16

struct ioas_eventfds {
	/* Guards made. */
	pthread_mutex_t lock;
	bool made;
	/* Set once, with the first event; 0: there is none. */
	aio_context_t ring;
	int null;
};

struct ioas_uevent {
	int fd;
};

/* ---- signal ------------------------------------------------------------- */

static bool submit(const struct ioas_eventfds *e, int fd)
{
	struct iocb read_nothing = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)e->null,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *list[] = { &read_nothing };

	return syscall(SYS_io_submit, e->ring, 1L, list) == 1;
}

static void reap(const struct ioas_eventfds *e)
{
	struct io_event results[REAP];
	struct timespec none = { 0 };

	syscall(SYS_io_getevents, e->ring, 0L, (long)REAP, results, &none);
}

static bool signal_by_ring(const struct ioas_eventfds *e, int fd)
{
	for (unsigned int i = 0; e->ring && i < ROUNDS; i++) {
		if (submit(e, fd))
			return true;
		if (errno != EAGAIN)
			break;
		reap(e);
	}
	return false;
}

/* A full counter has been seen by nobody: one more would tell nothing. */
static void signal_by_write(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT)
		eventfd_write(fd, 1);
}

void ioas_eventfd_signal(const struct ioas_eventfds *e,
			 const struct ioas_uevent *event)
{
	if (!signal_by_ring(e, event->fd))
		signal_by_write(event->fd);
}

/* ---- events ------------------------------------------------------------- */

bool ioas_fd_is_called(int fd, const char *name)
{
	char path[32], link[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link));
	/* What has a path begins with a slash, so it cannot be taken for one. */
	return n == (ssize_t)strlen(name) && !memcmp(link, name, (size_t)n);
}

/* Only where there is a use for it: its end takes the kernel some 20 ms. */
static void make_ring(struct ioas_eventfds *e)
{
	pthread_mutex_lock(&e->lock);
	if (!e->made) {
		e->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (e->null < 0 || syscall(SYS_io_setup, (long)RING, &e->ring))
			e->ring = 0;
		e->made = true;
	}
	pthread_mutex_unlock(&e->lock);
}

int ioas_eventfd_open(struct ioas_eventfds *e, int fd,
		      struct ioas_uevent **out)
{
	const int flags = fcntl(fd, F_GETFL);
	struct ioas_uevent *event = NULL;
	int ret = -EINVAL;

	if (flags < 0 || flags & O_PATH) {
		ret = -EBADF;
	} else if (ioas_fd_is_called(fd, "anon_inode:[eventfd]")) {
		event = malloc(sizeof(*event));
		ret = event ? 0 : -ENOMEM;
	}
	if (ret)
		return ret;
	make_ring(e);
	event->fd = fd;
	*out = event;
	return 0;
}

int ioas_eventfd_fd(const struct ioas_uevent *event)
{
	return event->fd;
}

void ioas_eventfd_close(struct ioas_uevent *event)
{
	close(event->fd);
	free(event);
}

/* ---- life --------------------------------------------------------------- */

int ioas_eventfds_create(struct ioas_eventfds **out)
{
	struct ioas_eventfds *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	e->null = -1;
	*out = e;
	return 0;
}

void ioas_eventfds_destroy(struct ioas_eventfds *e)
{
	if (!e)
		return;
	if (e->ring)
		syscall(SYS_io_destroy, e->ring);
	if (e->null >= 0)
		close(e->null);
	pthread_mutex_destroy(&e->lock);
	free(e);
}
