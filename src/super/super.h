/* SPDX-License-Identifier: MIT */
/*
 * super: one run, and one trapped call of it
 *
 *   notice --> loop.h    a thread of ours takes it, drains closes first
 *                |
 *             calls.c    by number of the call
 *                |-- paths.h    open, stat, readlink, access: by path
 *                |-- files.h    ioctl, read, write, dup, mmap: by descriptor
 *                `-- task.h     execve; whose memory, limits, rights, faults
 *                       |
 *                    uapi       with the host of host.h, in the caller's name
 *
 * Everything a client passes is copied once, through the task's memory, after
 * the notice was found valid (docs/reference/supervisor.md 4).
 */
#ifndef IOAS_SUPER_SUPER_H
#define IOAS_SUPER_SUPER_H

#include <pthread.h>

#include "origin/backing.h"
#include "seam/caller.h"
#include "super/filter.h"
#include "super/notify.h"
#include "super/run.h"
#include "uapi/iommufd.h"

struct ioas_client_mm;
struct ioas_closer;
struct ioas_devices;
struct ioas_dmafaults;
struct ioas_event;
struct ioas_eventfds;
struct ioas_faultsys;
struct ioas_paths;
struct ioas_report;
struct ioas_sfile;
struct ioas_sfiles;
struct ioas_smaps;
struct ioas_task;
struct ioas_tasks;
struct ioas_trace;
struct ioas_watches;

/* Set once but for what the parts guard themselves. */
struct ioas_super {
	const struct ioas_run_options *opts;
	/* Notices of the filter; descriptors it can tell. */
	int notify;
	struct ioas_fd_range range;
	/* Namespaces were had: the tree is mounted over the real one. */
	bool namespace;
	/* Names of ours as files: ioas_tree_create()'s. Borrowed. */
	const char *tree;
	/* Capabilities of ours: a client has none that we lack. */
	uint64_t capabilities;
	/* What ioas_super_drain() looks at (struct ioas_source), and who does. */
	int epoll;
	pthread_mutex_t draining;
	/* What they close, if a call that is served or a device may hold it up. */
	struct ioas_closer *closer;
	/* A close was seen that may be the last: drain again soon. */
	_Atomic bool doubt;
	_Atomic unsigned int serving;

	struct ioas_host host;
	struct ioas_host_ops host_ops;
	struct ioas_frames frames;
	struct ioas_backings backings;
	struct ioas_uapi *uapi;
	struct ioas_eventfds *eventfds;
	struct ioas_watches *watches;

	struct ioas_tasks *tasks;
	struct ioas_sfiles *files;
	struct ioas_smaps *maps;
	struct ioas_paths *paths;
	/* NULL: there are none. Borrowed. */
	struct ioas_devices *devices;
	/* With devices. */
	struct ioas_dmafaults *dmafaults;
	/* The guardian knows that the program has ended. */
	bool told;
	/* NULL: not asked for. */
	struct ioas_faultsys *faults;
	struct ioas_trace *trace;
	struct ioas_report *report;
};

/*
 * What tells us something by a descriptor: a last close, a process that ended.
 * @fire runs in a drain, so one at a time; it may free its own source.
 */
struct ioas_source {
	void (*fire)(struct ioas_super *s, struct ioas_source *self,
		     uint32_t events);
};

/* Return: 0, -ENOMEM, -ENOSPC. */
int ioas_super_listen(struct ioas_super *s, int fd, uint32_t events,
		      struct ioas_source *source);
/*
 * Handle all that happened before: a close is complete before its thread's next
 * call, so who drains after a notice and before it serves it keeps the order.
 */
void ioas_super_drain(struct ioas_super *s);
/*
 * Around a call that is served: the first drains. While none is between the two,
 * no lock of the front end is held but by devices; without such, what is closed
 * is released at once.
 */
void ioas_super_call_begin(struct ioas_super *s);
void ioas_super_call_end(struct ioas_super *s);

enum ioas_verdict {
	IOAS_CALL_CONTINUE, /* not ours: the kernel runs it */
	IOAS_CALL_RETURN, /* @value is the result or -errno */
	IOAS_CALL_SENT, /* answered already */
};

/* One call, on the stack of the thread that serves it. */
struct ioas_call {
	struct ioas_super *s;
	struct ioas_notice n;
	/* Who calls: a reference while the call lasts. */
	struct ioas_task *task;
	/* Its memory, once the front end is at work: a reference; or NULL. */
	struct ioas_client_mm *mm;
	/* Installed while the front end is at work. */
	struct ioas_caller caller;
	/* When the notice was last found valid: coarse nanoseconds; 0: not yet. */
	uint64_t valid_at;
	/* A file whose number is reserved and that is not yet the client's. */
	struct ioas_sfile *pending;
	/* The number, while it is in the list of those chosen (files.c); or 0. */
	struct ioas_list number_link;
	int number;
	/* A file of anybody's, to be closed without locks (FUSE); -1: none. */
	int unwanted;
	/* What is said of the call in trace and report; NULL: nothing. */
	struct ioas_event *event;
};

/*
 * Before the front end is called in the client's name: finds its memory and
 * installs the caller. Return: 0, -ESRCH, -EPERM, -ENOMEM; then there is
 * nothing to end.
 */
int ioas_call_enter(struct ioas_call *c);
void ioas_call_leave(struct ioas_call *c);
/* @fd, which is ours, with locks held: its close may wait for the client. */
void ioas_call_close_later(struct ioas_call *c, int fd);

static inline struct ioas_call *ioas_call_of(struct ioas_caller *c)
{
	return ioas_container_of(c, struct ioas_call, caller);
}

/* The call that this thread serves; NULL: none. */
struct ioas_call *ioas_call_current(void);

/* ---- memory of the calling task; no fault points ------------------------ */

/* Return: 0 or -EFAULT. */
int ioas_call_read(struct ioas_call *c, void *dst, uint64_t src, size_t length);
int ioas_call_write(struct ioas_call *c, uint64_t dst, const void *src,
		    size_t length);
/* A string with its end. Return: its length, -EFAULT, -ENAMETOOLONG. */
int ioas_call_string(struct ioas_call *c, uint64_t src, char *dst, size_t room);

/* ---- messages: "ioas: run: ..." on stderr ------------------------------- */

void ioas_super_error(const struct ioas_super *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Not with --quiet. */
void ioas_super_warn(const struct ioas_super *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* With -v. */
void ioas_super_note(const struct ioas_super *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Serve the run until the last task is gone: the supervisor's main. @pid is the
 * program, whose status as waitpid(2) gives it goes to *@status; the guardian is
 * told by ioas_launch_ended(). Return: 0 or enum ioas_run_exit, with a message.
 */
int ioas_super_serve(struct ioas_super *s, pid_t pid, int *status);

#endif
