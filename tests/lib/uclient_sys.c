/* SPDX-License-Identifier: MIT */
/*
 * uclient sys: the transport of system calls, to whatever /dev/iommu is
 *
 * Nothing of ioas is linked with it: for programs that run below `ioas run`.
 */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "uclient.h"

static int sys_tr_call(void *ctx, int fd, uint32_t cmd, void *arg, size_t size)
{
	const int ret = ioctl(fd, cmd, arg);

	(void)ctx;
	(void)size;
	return ret < 0 ? -errno : ret;
}

static int sys_tr_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	const int ret = ioctl(fd, cmd, (unsigned long)arg);

	(void)ctx;
	return ret < 0 ? -errno : ret;
}

static int64_t sys_tr_read(void *ctx, int fd, void *buffer, size_t count)
{
	const ssize_t ret = read(fd, buffer, count);

	(void)ctx;
	return ret < 0 ? -errno : ret;
}

static int64_t sys_tr_write(void *ctx, int fd, const void *buffer,
			    size_t count)
{
	const ssize_t ret = write(fd, buffer, count);

	(void)ctx;
	return ret < 0 ? -errno : ret;
}

static int sys_tr_poll(void *ctx, int fd)
{
	struct pollfd p = { .fd = fd,
			    .events = POLLIN | POLLOUT | POLLRDNORM | POLLPRI };
	const int ret = poll(&p, 1, 0);

	(void)ctx;
	return ret < 0 ? -errno : p.revents;
}

static int sys_tr_close(void *ctx, int fd)
{
	(void)ctx;
	return close(fd) < 0 ? -errno : 0;
}

const struct uc_transport uc_system = {
	.call = sys_tr_call,
	.value = sys_tr_value,
	.read = sys_tr_read,
	.write = sys_tr_write,
	.poll = sys_tr_poll,
	.close = sys_tr_close,
};
