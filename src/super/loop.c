/* SPDX-License-Identifier: MIT */
/*
 * loop: leader, watcher, and what happens when a call does not end
 *
 *   seat 1: a thread waits for a notice      (the leader)
 *   seat 0: whoever had it serves a call; back from it, it takes the seat again,
 *           or ends, if somebody else has it
 *
 * Locks: none; the seat is an atomic.
 */
#include "super/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "super/launch.h"
#include "super/task.h"

/* A call is long if it is met at two looks, this many milliseconds apart. */
#define TICK_MS 10
/* Looks without a new call until the watcher goes to sleep. */
#define TICKS_IDLE 20
/* Calls that can be stuck at a time; then the next ones wait. */
#define THREADS_MAX 64
/* For what the program started and leaves behind. */
#define GRACE_MS 50
/* One that nobody sends to whole groups, which the guardian tells us of. */
#define STOP_SIGNAL SIGRTMAX

struct loop {
	struct ioas_super *s;
	_Atomic uint32_t seat;
	/* Notices received. */
	_Atomic uint32_t serial;
	_Atomic uint32_t threads;
	_Atomic bool stop;
	/* The watcher sleeps without a clock; to be woken through @kick. */
	_Atomic bool drowsy;
	int kick;
	int children;
	/* The program, until it has ended; and who waits for it knows. */
	pid_t pid;
	int *status;
	bool left;
};

/* ---- leader ------------------------------------------------------------- */

static bool seat_take(struct loop *l)
{
	uint32_t empty = 0;

	return atomic_compare_exchange_strong(&l->seat, &empty, 1);
}

static void watcher_wake(struct loop *l)
{
	/* After the serial was raised, which the watcher looks at last. */
	if (atomic_load(&l->drowsy) && atomic_exchange(&l->drowsy, false))
		eventfd_write(l->kick, 1);
}

static void *thread_main(void *data)
{
	struct loop *l = data;
	struct ioas_super *s = l->s;
	struct ioas_notice n;

	while (!atomic_load(&l->stop) && seat_take(l)) {
		const int ret = ioas_notify_recv(s->notify, &n);

		atomic_fetch_add(&l->serial, 1);
		atomic_store(&l->seat, 0);
		if (ret)
			continue;
		watcher_wake(l);
		ioas_super_call_begin(s);
		ioas_call_serve(s, &n);
		ioas_super_call_end(s);
	}
	atomic_fetch_sub(&l->threads, 1);
	return NULL;
}

static int thread_start(struct loop *l)
{
	pthread_t t;
	int ret;

	if (atomic_fetch_add(&l->threads, 1) >= THREADS_MAX) {
		atomic_fetch_sub(&l->threads, 1);
		return 0;
	}
	ret = pthread_create(&t, NULL, thread_main, l);
	if (ret) {
		atomic_fetch_sub(&l->threads, 1);
		return -ret;
	}
	return pthread_detach(t);
}

/* ---- watcher ------------------------------------------------------------ */

/*
 * The program is gone. Usually so is everything that it started; what is a
 * daemon keeps us, and whoever waits for the program is told.
 */
static void program_ended(struct loop *l)
{
	struct pollfd p = { .fd = l->s->notify };

	if (poll(&p, 1, GRACE_MS) == 1 && p.revents & POLLHUP)
		return;
	ioas_super_drain(l->s);
	l->left = true;
	ioas_super_ended(l->s, *l->status);
}

/* The program, and what was left to us by who started it. */
static void children_reap(struct loop *l)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(l->children, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != l->pid)
			continue;
		if (WIFSTOPPED(status)) {
			ioas_launch_stopped(WSTOPSIG(status));
			continue;
		}
		l->pid = 0;
		*l->status = status;
	}
	if (!l->pid && !l->left)
		program_ended(l);
}

/* What the watcher saw when it looked last. */
struct look {
	bool awake;
	/* When to look again, in milliseconds. */
	uint64_t next;
	/* loop.serial, and for how many looks it has been that. */
	uint32_t serial;
	unsigned int quiet;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void watcher_up(struct loop *l, struct look *k)
{
	eventfd_t nothing;

	atomic_store(&l->drowsy, false);
	eventfd_read(l->kick, &nothing);
	*k = (struct look){ .awake = true, .next = now_ms() + TICK_MS };
}

static void watcher_look(struct loop *l, struct look *k)
{
	const uint32_t serial = atomic_load(&l->serial);

	k->next = now_ms() + TICK_MS;
	if (atomic_load(&l->s->doubt)) {
		ioas_super_drain(l->s);
		k->quiet = 0;
	}
	if (serial != k->serial) {
		k->serial = serial;
		k->quiet = 0;
	} else if (!atomic_load(&l->seat)) {
		/* At one call all the time. */
		thread_start(l);
	} else if (++k->quiet > TICKS_IDLE) {
		k->awake = false;
		atomic_store(&l->drowsy, true);
		/* Who received a notice before that did not see it. */
		if (atomic_load(&l->serial) != serial)
			watcher_wake(l);
	}
}

static void watch(struct loop *l)
{
	struct pollfd p[] = {
		/* Asked for nothing, it says when the last task is gone. */
		{ .fd = l->s->notify },
		{ .fd = l->children, .events = POLLIN },
		{ .fd = l->s->epoll, .events = POLLIN },
		{ .fd = l->kick, .events = POLLIN },
	};
	struct look look = { .awake = true, .next = now_ms() + TICK_MS };

	while (!(p[0].revents & POLLHUP)) {
		if (poll(p, IOAS_ARRAY_SIZE(p), look.awake ? TICK_MS : -1) < 0)
			continue;
		if (p[1].revents)
			children_reap(l);
		if (p[2].revents)
			ioas_super_drain(l->s);
		if (p[3].revents || (!look.awake && atomic_load(&l->s->doubt)))
			watcher_up(l, &look);
		if (look.awake && now_ms() >= look.next)
			watcher_look(l, &look);
	}
}

/* ---- life --------------------------------------------------------------- */

static void stop_signal(int sig)
{
	(void)sig;
}

/* Threads inherit the mask: all blocked but the one that stops them. */
static int signals_init(struct loop *l)
{
	struct sigaction stop = { .sa_handler = stop_signal };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	l->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (l->children < 0)
		return -errno;
	sigaction(STOP_SIGNAL, &stop, NULL);
	sigfillset(&set);
	sigdelset(&set, STOP_SIGNAL);
	return -pthread_sigmask(SIG_SETMASK, &set, NULL);
}

/*
 * A thread may be about to wait when the signal comes, so more than one. One
 * that waits for memory which a stranger provides (FUSE) may never come back.
 * Return: all have ended.
 */
static bool threads_stop(struct loop *l)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	atomic_store(&l->stop, true);
	for (unsigned int ms = 0; atomic_load(&l->threads); ms++) {
		if (ms == IOAS_STOP_MS)
			return false;
		kill(getpid(), STOP_SIGNAL);
		nanosleep(&pause, NULL);
	}
	return true;
}

/* The listener may say that no task is left before its status is there. */
static void program_reap(struct loop *l)
{
	int status;

	if (l->pid && waitpid(l->pid, &status, 0) == l->pid)
		*l->status = status;
}

int ioas_loop_run(struct ioas_super *s, pid_t pid, int *status)
{
	struct loop l = { .s = s, .pid = pid, .status = status };
	sigset_t stop;
	int ret = signals_init(&l);
	bool all;

	l.kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!ret && l.kick < 0)
		ret = -errno;
	if (!ret)
		ret = thread_start(&l);
	if (!ret) {
		/* The threads get it, not the watcher. */
		sigemptyset(&stop);
		sigaddset(&stop, STOP_SIGNAL);
		pthread_sigmask(SIG_BLOCK, &stop, NULL);
		watch(&l);
		all = threads_stop(&l);
		program_reap(&l);
		/* It holds locks: there is no other way out. */
		if (!all)
			ioas_super_leave(s, *l.status);
		ioas_super_drain(s);
	}
	if (l.kick >= 0)
		close(l.kick);
	if (l.children >= 0)
		close(l.children);
	return ret;
}
