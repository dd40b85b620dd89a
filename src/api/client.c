/* SPDX-License-Identifier: MIT */
/*
 * client: software that uses a space
 *
 * The core knows it as an access. Frames that a pin returns become output
 * addresses here:
 *
 *    runs        [ pfn, nr ][ pfn, nr ] ... [ pfn, nr ]    whole pages
 *    segments    [ address, length ]    ... [ address, .. up to the last byte
 */
#include "api/api.h"

#include "base/errno.h"
#include "base/mem.h"
#include "core/access.h"

/* Runs that need no allocation: 512 bytes of stack. */
#define RUNS_INLINE 32

struct ioas_client {
	/* Set once. */
	struct ioas_context *ctx;
	struct ioas_access *access;
	struct ioas_access_ops ops;
};

int ioas_client_create(struct ioas_context *ctx,
		       const struct ioas_client_options *opts,
		       struct ioas_client **client)
{
	struct ioas_client_options o;
	struct ioas_client *c;
	unsigned int flags = 0;
	int ret;

	ret = ioas_api_options(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.flags & ~(unsigned int)IOAS_CLIENT_PINS)
		return -EOPNOTSUPP;
	if (o.flags & IOAS_CLIENT_PINS)
		flags |= IOAS_ACCESS_PINS;
	if (!o.unmap)
		flags |= IOAS_ACCESS_INTERNAL;
	c = ioas_zalloc(sizeof(*c), IOAS_FP_ALLOC_SPACE);
	if (!c)
		return -ENOMEM;
	c->ctx = ctx;
	c->ops.unmap = o.unmap;
	ret = ioas_access_create(ctx, o.unmap ? &c->ops : NULL, o.data, flags,
				 &c->access);
	if (ret) {
		ioas_free(c, sizeof(*c));
		return ret;
	}
	atomic_fetch_add(&ioas_api_context(ctx)->users, 1);
	*client = c;
	return 0;
}

void ioas_client_destroy(struct ioas_client *client)
{
	struct ioas_api_call call;

	if (!client)
		return;
	ioas_api_enter(&call, client->ctx);
	ioas_access_destroy(client->access);
	ioas_api_leave(&call);
	atomic_fetch_sub(&ioas_api_context(client->ctx)->users, 1);
	ioas_free(client, sizeof(*client));
}

int ioas_client_attach(struct ioas_client *client, struct ioas *ioas)
{
	struct ioas_api_call call;
	int ret;

	if (ioas->ctx != client->ctx)
		return -EINVAL;
	ioas_api_enter(&call, client->ctx);
	ret = ioas_access_attach(client->access, ioas);
	ioas_api_leave(&call);
	return ret;
}

int ioas_client_detach(struct ioas_client *client)
{
	struct ioas_api_call call;
	int ret;

	ioas_api_enter(&call, client->ctx);
	ret = ioas_access_detach(client->access);
	ioas_api_leave(&call);
	return ret;
}

int ioas_client_replace(struct ioas_client *client, struct ioas *ioas)
{
	struct ioas_api_call call;
	int ret;

	if (ioas->ctx != client->ctx)
		return -EINVAL;
	ioas_api_enter(&call, client->ctx);
	ret = ioas_access_replace(client->access, ioas);
	ioas_api_leave(&call);
	return ret;
}

/* The last page may be pinned for its first bytes only. */
static void segments_fill(struct ioas_segment *segments,
			  const struct ioas_run_list *list, uint8_t page_lg2,
			  uint64_t length)
{
	for (uint32_t i = 0; i < list->nr; i++) {
		uint64_t bytes = list->runs[i].nr << page_lg2;

		bytes = ioas_min(bytes, length);
		segments[i].address = list->runs[i].pfn << page_lg2;
		segments[i].length = bytes;
		length -= bytes;
	}
}

static int pin_segments(struct ioas_client *client, uint64_t iova,
			uint64_t length, unsigned int flags,
			struct ioas_segment *segments, uint32_t *nr)
{
	struct ioas_run room[RUNS_INLINE];
	struct ioas_run_list list = { .runs = room, .max = *nr };
	size_t size = 0;
	int ret;

	if (*nr > RUNS_INLINE) {
		size = *nr * sizeof(*list.runs);
		if (size / sizeof(*list.runs) != *nr)
			return -ENOMEM;
		list.runs = ioas_alloc(size, IOAS_FP_ALLOC_LIST);
		if (!list.runs)
			return -ENOMEM;
	}
	ret = ioas_access_pin(client->access, iova, length, flags, &list);
	if (!ret) {
		segments_fill(segments, &list, client->ctx->page_lg2, length);
		*nr = list.nr;
	}
	if (size)
		ioas_free(list.runs, size);
	return ret;
}

int ioas_client_pin(struct ioas_client *client, uint64_t iova, uint64_t length,
		    unsigned int flags, struct ioas_segment *segments,
		    uint32_t *nr)
{
	struct ioas_api_call call;
	unsigned int core;
	int ret;

	if (flags & ~(unsigned int)(IOAS_READ | IOAS_WRITE))
		return -EOPNOTSUPP;
	core = flags & IOAS_WRITE ? IOAS_ACCESS_WRITE : 0;
	ioas_api_enter(&call, client->ctx);
	if (segments)
		ret = pin_segments(client, iova, length, core, segments, nr);
	else
		ret = ioas_access_pin(client->access, iova, length, core,
				      NULL);
	ioas_api_leave(&call);
	return ret;
}

void ioas_client_unpin(struct ioas_client *client, uint64_t iova,
		       uint64_t length)
{
	struct ioas_api_call call;

	ioas_api_enter(&call, client->ctx);
	ioas_access_unpin(client->access, iova, length);
	ioas_api_leave(&call);
}

static int client_rw(struct ioas_client *client, uint64_t iova, void *buffer,
		     uint64_t length, unsigned int flags)
{
	struct ioas_api_call call;
	int ret;

	ioas_api_enter(&call, client->ctx);
	ret = ioas_access_rw(client->access, iova, buffer, length, flags);
	ioas_api_leave(&call);
	return ret;
}

int ioas_client_read(struct ioas_client *client, uint64_t iova, void *buffer,
		     uint64_t length)
{
	return client_rw(client, iova, buffer, length, 0);
}

int ioas_client_write(struct ioas_client *client, uint64_t iova,
		      const void *buffer, uint64_t length)
{
	/* The core copies from it only. */
	return client_rw(client, iova, (void *)(uintptr_t)buffer, length,
			 IOAS_ACCESS_WRITE);
}
