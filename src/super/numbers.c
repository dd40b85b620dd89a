/* SPDX-License-Identifier: MIT */
/*
 * numbers: what a number is to the task that calls, and which ones are free
 *
 *   range that the filter can tell   | taken | free | chosen | free ...
 *
 * A number is chosen some time before the client has a descriptor there, in a
 * process whose other threads open and close as they like. So it is chosen where
 * only we put something, and each choice is known to all calls until it is made
 * true.
 *
 * Locks: that of the table of files guards the list of choices.
 */
#include <errno.h>
#include <linux/kcmp.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/files_impl.h"

/* ---- descriptors of the client ------------------------------------------- */

/*
 * A thread may have its own, and the leader of a process may have left it, and
 * has none then.
 */
static bool has_own_files(const struct ioas_call *c)
{
	const pid_t pid = c->task->process->pid, tid = c->task->tid;

	return tid != pid &&
	       syscall(SYS_kcmp, pid, tid, KCMP_FILES, 0L, 0L) > 0;
}

/* What the thread that calls has as @fd, or -errno. */
int ioas_client_fd(const struct ioas_call *c, int fd)
{
	int pidfd = c->task->process->pidfd, thread = -1, ret;

	/* Linux 6.9; before, the leader is all that can be asked. */
	if (has_own_files(c))
		thread = (int)syscall(SYS_pidfd_open, c->task->tid,
				      IOAS_PIDFD_THREAD);
	if (thread >= 0)
		pidfd = thread;
	ret = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (ret < 0)
		ret = -errno;
	if (thread >= 0)
		close(thread);
	return ret;
}

/* ---- numbers that the filter can tell ----------------------------------- */

static bool number_is_free(const struct ioas_call *c, int fd)
{
	const int copy = ioas_client_fd(c, fd);

	if (copy >= 0)
		close(copy);
	return copy == -EBADF;
}

/*
 * Another call of the same process may have it in mind: until the client has
 * the descriptor, the number is this call's.
 */
static bool number_take(struct ioas_call *c, int fd)
{
	struct ioas_sfiles *f = c->s->files;
	bool taken = false;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &f->numbered) {
		const struct ioas_call *other =
			ioas_list_entry(l, struct ioas_call, number_link);

		if (other->number == fd &&
		    other->task->process == c->task->process)
			taken = true;
	}
	if (!taken) {
		c->number = fd;
		ioas_list_add_tail(&f->numbered, &c->number_link);
	}
	ioas_mutex_unlock(&f->lock);
	return !taken;
}

void ioas_sfiles_number_done(struct ioas_call *c)
{
	struct ioas_sfiles *f = c->s->files;

	if (!c->number)
		return;
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	ioas_list_del(&c->number_link);
	ioas_mutex_unlock(&f->lock);
	c->number = 0;
}

int ioas_sfiles_number(struct ioas_call *c, int least)
{
	const struct ioas_fd_range *r = &c->s->range;
	int first = least > r->base ? least : r->base;
	uint64_t limit;
	int last = r->base + r->nr;

	/* 0 is none. */
	if (!first)
		first = 1;
	if (ioas_process_limit(c->task->process->pid, RLIMIT_NOFILE, &limit))
		return -ESRCH;
	if (limit < (uint64_t)last)
		last = (int)limit;
	ioas_sfiles_number_done(c);
	/* From the end: the system gives out the lowest, so they rarely meet. */
	for (int fd = last - 1; fd >= first; fd--) {
		if (!number_is_free(c, fd) || !number_take(c, fd))
			continue;
		/* It may have been given away between the two. */
		if (number_is_free(c, fd))
			return fd;
		ioas_sfiles_number_done(c);
	}
	return -EMFILE;
}
