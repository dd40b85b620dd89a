/* SPDX-License-Identifier: MIT */
/*
 * uclient sim: the transport to a simulated host
 */
#include "simhost.h"
#include "uclient.h"

static int sim_tr_call(void *ctx, int fd, uint32_t cmd, void *arg, size_t size)
{
	return sim_cmd(ctx, fd, cmd, arg, size);
}

static int sim_tr_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	return sim_ioctl(ctx, fd, cmd, arg);
}

static int64_t sim_tr_read(void *ctx, int fd, void *buffer, size_t count)
{
	const uint64_t at = sim_put(ctx, buffer, count);
	int64_t ret = sim_read(ctx, fd, at, count);

	sim_peek(ctx, at, buffer, count);
	return ret;
}

static int64_t sim_tr_write(void *ctx, int fd, const void *buffer,
			    size_t count)
{
	return sim_write(ctx, fd, sim_put(ctx, buffer, count), count);
}

static int sim_tr_poll(void *ctx, int fd)
{
	return sim_poll(ctx, fd);
}

static int sim_tr_close(void *ctx, int fd)
{
	return sim_close(ctx, fd);
}

static uint64_t sim_tr_lend(void *ctx, const void *buffer, size_t size)
{
	return sim_put(ctx, buffer, size);
}

static void sim_tr_fetch(void *ctx, uint64_t address, void *buffer,
			 size_t size)
{
	sim_peek(ctx, address, buffer, size);
}

const struct uc_transport uc_simhost = {
	.call = sim_tr_call,
	.value = sim_tr_value,
	.read = sim_tr_read,
	.write = sim_tr_write,
	.poll = sim_tr_poll,
	.close = sim_tr_close,
	.lend = sim_tr_lend,
	.fetch = sim_tr_fetch,
};
