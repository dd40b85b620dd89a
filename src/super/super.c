/* SPDX-License-Identifier: MIT */
/*
 * super: what a run consists of, made and taken apart; messages; drains
 */
#include "super/super.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "super/closer.h"
#include "super/devices.h"
#include "super/dmafault.h"
#include "super/faultsys.h"
#include "super/files.h"
#include "super/host.h"
#include "super/launch.h"
#include "super/loop.h"
#include "super/maps.h"
#include "super/paths.h"
#include "super/task.h"
#include "super/trace.h"

/* ---- messages ----------------------------------------------------------- */

static void say(const char *fmt, va_list ap)
{
	char line[512];

	/* One write, so that lines of several processes do not mix. */
	vsnprintf(line, sizeof(line), fmt, ap);
	dprintf(STDERR_FILENO, "ioas: run: %s\n", line);
}

void ioas_super_error(const struct ioas_super *s, const char *fmt, ...)
{
	va_list ap;

	(void)s;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void ioas_super_warn(const struct ioas_super *s, const char *fmt, ...)
{
	va_list ap;

	if (s->opts->quiet)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void ioas_super_note(const struct ioas_super *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->opts->verbose)
		return;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

/* ---- sources ------------------------------------------------------------ */

/* Events taken from the kernel at a time. */
#define DRAIN_BATCH 32
#define DRAIN_ROUNDS 1024

int ioas_super_listen(struct ioas_super *s, int fd, uint32_t events,
		      struct ioas_source *source)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

/*
 * What is released is released before the lock is let go: a call that another
 * thread serves meanwhile must find it done, as after a close in the kernel.
 */
static void drain(struct ioas_super *s)
{
	struct epoll_event e[DRAIN_BATCH];
	unsigned int rounds = 0;
	int n;

	do {
		n = epoll_wait(s->epoll, e, DRAIN_BATCH, 0);
		for (int i = 0; i < n; i++) {
			struct ioas_source *source = e[i].data.ptr;

			source->fire(s, source, e[i].events);
		}
		/* Clients can make more of it than we ever get done. */
	} while (n == DRAIN_BATCH && ++rounds < DRAIN_ROUNDS);
	if (s->files)
		atomic_store(&s->doubt, ioas_sfiles_look_again(s->files));
	ioas_closer_wait(s->closer);
}

void ioas_super_drain(struct ioas_super *s)
{
	pthread_mutex_lock(&s->draining);
	drain(s);
	pthread_mutex_unlock(&s->draining);
}

void ioas_super_call_begin(struct ioas_super *s)
{
	pthread_mutex_lock(&s->draining);
	drain(s);
	atomic_fetch_add(&s->serving, 1);
	pthread_mutex_unlock(&s->draining);
}

void ioas_super_call_end(struct ioas_super *s)
{
	atomic_fetch_sub(&s->serving, 1);
}

/* ---- life --------------------------------------------------------------- */

static uint64_t capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

/* What is made is taken apart by super_fini(), also after an error. */
static int super_init(struct ioas_super *s)
{
	const struct ioas_run_options *o = s->opts;
	int ret = 0;

	s->capabilities = capabilities();
	pthread_mutex_init(&s->draining, NULL);
	ioas_notify_init(s->notify);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return -errno;
	/* First of all: it says itself what is wrong with a file's name. */
	if (o->trace)
		ret = ioas_trace_create(s, o->trace, &s->trace);
	if (!ret)
		ret = ioas_closer_create(&s->closer);
	if (!ret)
		ret = ioas_super_host_init(s);
	if (!ret)
		ret = ioas_tasks_create(s, &s->tasks);
	if (!ret)
		ret = ioas_sfiles_create(s, &s->files);
	if (!ret)
		ret = ioas_smaps_create(s, &s->maps);
	if (!ret)
		ret = ioas_paths_create(s, &s->paths);
	if (!ret && o->fault_injection)
		ret = ioas_faultsys_create(s, &s->faults);
	if (!ret && o->report)
		ret = ioas_report_create(s, &s->report);
	/* Last: from here on drivers may come, and faults be said. */
	if (!ret && s->devices)
		ret = ioas_dmafaults_create(s, &s->dmafaults);
	if (!ret && s->devices)
		ret = ioas_devices_start(s->devices, s);
	return ret;
}

static void super_fini(struct ioas_super *s)
{
	/* Contexts go first, while everything that they need is there. */
	ioas_closer_destroy(s->closer);
	s->closer = NULL;
	ioas_smaps_destroy(s->maps);
	/* A file that is closed below has no regions mapped any more. */
	s->maps = NULL;
	ioas_sfiles_destroy(s->files);
	ioas_paths_destroy(s->paths);
	ioas_tasks_destroy(s->tasks);
	ioas_faultsys_destroy(s->faults);
	/* No file of one is open; their memory and groups are the front end's. */
	ioas_devices_stop(s->devices);
	ioas_super_host_fini(s);
	ioas_trace_destroy(s->trace);
	if (s->epoll >= 0)
		close(s->epoll);
}

/* What is to be said of the run comes before the guardian learns of the end. */
void ioas_super_ended(struct ioas_super *s, int status)
{
	if (!s->told)
		ioas_dmafaults_flush(s->dmafaults);
	if (s->report && !s->told)
		ioas_report_write(s->report, status);
	if (!s->told)
		ioas_launch_ended(status);
	s->told = true;
}

void ioas_super_leave(struct ioas_super *s, int status)
{
	ioas_super_ended(s, status);
	ioas_launch_leave();
}

/*
 * A device may wait for memory that a stranger provides (userfaultfd, FUSE), or
 * for its file, with its lock held; and who takes it apart waits for the lock.
 */
struct watchdog {
	struct ioas_super *s;
	int status;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	/* Guarded. */
	bool called_off;
};

static void *watchdog_main(void *data)
{
	struct watchdog *w = data;
	struct timespec until;
	int ret = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IOAS_STOP_MS / 1000;
	pthread_mutex_lock(&w->lock);
	while (!w->called_off && !ret)
		ret = pthread_cond_timedwait(&w->cond, &w->lock, &until);
	/* With the lock: who comes to call it off now, comes no further. */
	if (!w->called_off)
		ioas_super_leave(w->s, w->status);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* super_fini(), for so long and no longer. */
static void super_fini_in_time(struct ioas_super *s, int status)
{
	struct watchdog w = { .s = s, .status = status };
	pthread_condattr_t attr;
	bool guarded;

	pthread_mutex_init(&w.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w.cond, &attr);
	pthread_condattr_destroy(&attr);
	guarded = s->devices &&
		  !pthread_create(&w.thread, NULL, watchdog_main, &w);
	super_fini(s);
	if (guarded) {
		pthread_mutex_lock(&w.lock);
		w.called_off = true;
		pthread_cond_signal(&w.cond);
		pthread_mutex_unlock(&w.lock);
		pthread_join(w.thread, NULL);
	}
	pthread_cond_destroy(&w.cond);
	pthread_mutex_destroy(&w.lock);
}

int ioas_super_serve(struct ioas_super *s, pid_t pid, int *status)
{
	int ret = super_init(s);

	if (ret)
		ioas_super_error(s, "cannot start: %s", strerror(-ret));
	else
		ret = ioas_loop_run(s, pid, status);
	if (ret)
		super_fini(s);
	else
		super_fini_in_time(s, *status);
	if (!ret)
		ioas_super_ended(s, *status);
	ioas_report_destroy(s->report);
	/* The report told of them. */
	ioas_dmafaults_destroy(s->dmafaults);
	return ret ? IOAS_RUN_FAILED : 0;
}
