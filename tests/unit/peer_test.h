/* SPDX-License-Identifier: MIT */
/*
 * peer_test: a child that does what it is told, and its memory as a peer
 *
 *   case --order--> child     read, write, map, execve, ...
 *        <--result-
 *
 * It inherits the mappings of the case at the same addresses. After execve it
 * serves on, as "--child" (serve()). Included after cmocka.h.
 */
#ifndef TESTS_UNIT_PEER_TEST_H
#define TESTS_UNIT_PEER_TEST_H

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "memory_test.h"
#include "origin/peer.h"

/* What a process serves on, so that the next image finds it. */
#define CHILD_FD 100

/* ---- the other process -------------------------------------------------- */

struct order {
	char what;
	uint64_t at;
	uint64_t n;
	int64_t arg;
};

struct child {
	pid_t pid;
	int fd;
};

static inline int sleeper(void *arg)
{
	(void)arg;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
	return 0;
}

/* A process with the memory of this one. */
static inline int64_t share(void)
{
	static char stack[16384] __attribute__((aligned(16)));

	return clone(sleeper, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
}

static inline int64_t obey(const struct order *o)
{
	volatile uint8_t *at = (volatile uint8_t *)(uintptr_t)o->at;
	char *const argv[] = { (char *)"t_peer", (char *)"--child", NULL };

	switch (o->what) {
	case 'r':
		return *at;
	case 'w':
		*at = (uint8_t)o->arg;
		return 0;
	case 'p':
		return mprotect((void *)(uintptr_t)o->at, o->n, (int)o->arg);
	case 'u':
		return munmap((void *)(uintptr_t)o->at, o->n);
	case 'm':
		if (mmap((void *)(uintptr_t)o->at, o->n,
			 PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) == MAP_FAILED)
			return -1;
		memset((void *)(uintptr_t)o->at, (int)o->arg, o->n);
		return 0;
	case 's':
		return share();
	case 'x':
		execv("/proc/self/exe", argv);
		return -1;
	}
	_exit(0);
}

static inline void serve(void)
{
	struct order o;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(CHILD_FD, &o, sizeof(o)) == sizeof(o)) {
		const int64_t ret = obey(&o);

		if (write(CHILD_FD, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

static inline struct child child_fork(void)
{
	struct child c;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
				    ends), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (!c.pid) {
		dup2(ends[1], CHILD_FD);
		close(ends[0]);
		serve();
	}
	close(ends[1]);
	c.fd = ends[0];
	return c;
}

static inline int64_t tell(const struct child *c, char what, const void *at,
			   uint64_t n, int64_t arg)
{
	const struct order o = { what, (uintptr_t)at, n, arg };
	int64_t ret;

	assert_int_equal(write(c->fd, &o, sizeof(o)), sizeof(o));
	assert_int_equal(read(c->fd, &ret, sizeof(ret)), sizeof(ret));
	return ret;
}

static inline int child_get(const struct child *c, const void *at)
{
	return (int)tell(c, 'r', at, 0, 0);
}

static inline void child_set(const struct child *c, const void *at,
			     uint8_t byte)
{
	assert_int_equal(tell(c, 'w', at, 0, byte), 0);
}

static inline void child_unmap(const struct child *c, const void *at,
			       size_t pages)
{
	assert_int_equal(tell(c, 'u', at, pages * page_size, 0), 0);
}

/* Another image, which answers. */
static inline void child_execute(const struct child *c)
{
	const struct order o = { .what = 'x' };

	assert_int_equal(write(c->fd, &o, sizeof(o)), sizeof(o));
	assert_int_equal(tell(c, 'm', (void *)(uintptr_t)0x10000000, page_size,
			      1), 0);
}

static inline void child_exit(struct child *c)
{
	const struct order o = { .what = 'q' };

	/* Its brothers have the descriptor, too. */
	assert_int_equal(write(c->fd, &o, sizeof(o)), sizeof(o));
	close(c->fd);
	assert_int_equal(waitpid(c->pid, NULL, 0), c->pid);
}

/* ---- a peer ------------------------------------------------------------- */

static struct {
	unsigned int nr_lost;
	uint64_t lost;
	pid_t pid;
	uint64_t deny_dev;
	uint64_t deny_ino;
} seen;

static inline bool on_deny(void *data, uint64_t dev, uint64_t ino)
{
	assert_ptr_equal(data, &seen);
	return dev == seen.deny_dev && ino == seen.deny_ino;
}

static inline void on_lost(void *data, pid_t pid, uint64_t address)
{
	assert_ptr_equal(data, &seen);
	assert_int_equal(pid, seen.pid);
	seen.nr_lost++;
	seen.lost = address;
}

static const struct ioas_peer_ops ops = { .deny = on_deny, .lost = on_lost };
static const char tag;

static inline struct ioas_peer *peer_of(const struct child *c)
{
	struct ioas_peer *p = NULL;

	memset(&seen, 0, sizeof(seen));
	seen.pid = c->pid;
	assert_int_equal(ioas_peer_create(&mt.b, c->pid, &tag, &ops, &seen,
					  &p), 0);
	assert_true(ioas_peer_alive(p));
	return p;
}

/* Its memory; the peer lives as long as the origin and its pins. */
static inline struct ioas_origin *memory_of(const struct child *c)
{
	struct ioas_peer *p = peer_of(c);
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_peer_create(p, &o), 0);
	assert_int_equal(o->page_lg2, page_lg2);
	assert_int_equal(o->flags, 0);
	ioas_peer_put(p);
	return o;
}

static inline void pin_one(struct ioas_origin *o, const void *at, bool write,
			   struct pin *p)
{
	assert_int_equal(pin_at(o, at, 1, write, p), 0);
	assert_int_equal(p->rq.nr_pinned, 1);
}

static inline void expect_lost(unsigned int nr, const void *at)
{
	assert_int_equal(seen.nr_lost, nr);
	if (nr)
		assert_int_equal(seen.lost, (uintptr_t)at);
}

#endif
