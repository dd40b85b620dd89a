/* SPDX-License-Identifier: MIT */
/*
 * uclient_impl: what the files of the client share
 */
#ifndef TESTS_LIB_UCLIENT_IMPL_H
#define TESTS_LIB_UCLIENT_IMPL_H

#include <errno.h>

#include "uclient.h"

static inline int uc_out(int ret, uint32_t value, uint32_t *out)
{
	if (ret >= 0 && out)
		*out = value;
	return ret;
}

static inline int uc_out64(int ret, uint64_t value, uint64_t *out)
{
	if (ret >= 0 && out)
		*out = value;
	return ret;
}

static inline void uc_out_fd(int ret, uint32_t value, int *out)
{
	if (ret >= 0 && out)
		*out = (int)value;
}

/* The address to send for @buffer; without one @address. */
static inline uint64_t uc_lend(const struct uclient *c, const void *buffer,
			       size_t size, uint64_t address)
{
	if (!buffer)
		return address;
	if (!c->transport->lend)
		return (uintptr_t)buffer;
	return c->transport->lend(c->ctx, buffer, size);
}

static inline void uc_fetch(const struct uclient *c, uint64_t address,
			    void *buffer, size_t size)
{
	if (buffer && c->transport->fetch)
		c->transport->fetch(c->ctx, address, buffer, size);
}

/* Bytes of a bitmap with a bit per @page of @length. */
static inline size_t uc_bitmap_size(uint64_t length, uint64_t page)
{
	return page ? (size_t)((length / page + 7) / 8) : 0;
}

#endif
