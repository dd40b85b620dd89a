/* SPDX-License-Identifier: MIT */
/*
 * notify: the ioctls of a seccomp listener
 *
 * The kernel's structs may grow; those that we know are their prefix, and the
 * kernel copies no more than it was asked for by the number of the request.
 */
#include "super/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

/* Linux 6.6; the host's headers may be older. */
#define NOTIFY_SET_FLAGS _IOW('!', 4, uint64_t)
#define NOTIFY_SYNC_WAKE_UP 1ul

void ioas_notify_init(int fd)
{
	/* A kernel without it wakes us as it wakes anybody. */
	ioctl(fd, NOTIFY_SET_FLAGS, NOTIFY_SYNC_WAKE_UP);
}

int ioas_notify_recv(int fd, struct ioas_notice *n)
{
	struct seccomp_notif rq;

	memset(&rq, 0, sizeof(rq));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &rq))
		return -errno;
	*n = (struct ioas_notice){
		.id = rq.id,
		.tid = (pid_t)rq.pid,
		.nr = rq.data.nr,
		.arch = rq.data.arch,
	};
	for (unsigned int i = 0; i < 6; i++)
		n->arg[i] = rq.data.args[i];
	return 0;
}

bool ioas_notify_valid(int fd, const struct ioas_notice *n)
{
	uint64_t id = n->id;

	return !ioctl(fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
}

static void respond(int fd, struct seccomp_notif_resp *r)
{
	/* -ENOENT: the task was killed. Nobody waits for the answer. */
	while (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, r) && errno == EINTR)
		;
}

void ioas_notify_return(int fd, const struct ioas_notice *n, int64_t value)
{
	struct seccomp_notif_resp r = { .id = n->id };

	if (value < 0)
		r.error = (int)value;
	else
		r.val = value;
	respond(fd, &r);
}

void ioas_notify_continue(int fd, const struct ioas_notice *n)
{
	struct seccomp_notif_resp r = {
		.id = n->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	respond(fd, &r);
}

int ioas_notify_addfd(int fd, const struct ioas_notice *n, int src, int at,
		      unsigned int flags)
{
	struct seccomp_notif_addfd a = {
		.id = n->id,
		.srcfd = (uint32_t)src,
	};
	int ret;

	if (at >= 0) {
		a.newfd = (uint32_t)at;
		a.flags |= SECCOMP_ADDFD_FLAG_SETFD;
	}
	if (flags & IOAS_ADDFD_SEND)
		a.flags |= SECCOMP_ADDFD_FLAG_SEND;
	if (flags & IOAS_ADDFD_CLOEXEC)
		a.newfd_flags = O_CLOEXEC;
	do {
		ret = ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &a);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}
