/* SPDX-License-Identifier: MIT */
/*
 * uclient local: the transport to the front end for this process
 *
 * The memory of a buffer is the program's own, so nothing is lent.
 */
#include "host/local.h"
#include "uclient.h"

static int local_tr_call(void *ctx, int fd, uint32_t cmd, void *arg,
			 size_t size)
{
	(void)size;
	return (int)ioas_local_ioctl(ctx, fd, cmd, (uintptr_t)arg);
}

static int local_tr_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	return (int)ioas_local_ioctl(ctx, fd, cmd, arg);
}

static int64_t local_tr_read(void *ctx, int fd, void *buffer, size_t count)
{
	return ioas_local_read(ctx, fd, (uintptr_t)buffer, count);
}

static int64_t local_tr_write(void *ctx, int fd, const void *buffer,
			      size_t count)
{
	return ioas_local_write(ctx, fd, (uintptr_t)buffer, count);
}

static int local_tr_poll(void *ctx, int fd)
{
	return ioas_local_poll_mask(ctx, fd);
}

static int local_tr_close(void *ctx, int fd)
{
	return ioas_local_close(ctx, fd);
}

const struct uc_transport uc_local = {
	.call = local_tr_call,
	.value = local_tr_value,
	.read = local_tr_read,
	.write = local_tr_write,
	.poll = local_tr_poll,
	.close = local_tr_close,
};
