/* SPDX-License-Identifier: MIT */
/*
 * api: what stands between the public header and the core
 *
 *   public                          core
 *   struct ioas_context   is        api_context.core, with a frame space and
 *                                   a principal around it
 *   struct ioas           is        struct ioas
 *   struct ioas_origin    is        struct ioas_origin
 *   struct ioas_domain    is        struct ioas_domain; user: its space
 *   struct ioas_client    holds     struct ioas_access
 *   struct ioas_view      holds     struct ioas_dview
 *
 * This room checks what the core takes for granted (flags, sizes of structs,
 * one space per domain, one context per copy), says on whose behalf the core
 * works, and translates between the structs of both. It has no lock.
 */
#ifndef IOAS_API_API_H
#define IOAS_API_API_H

#include <ioas/ioas.h>

#include "core/context.h"
#include "core/iopt.h"
#include "origin/frames.h"
#include "seam/caller.h"

struct ioas_api_context {
	struct ioas_context core;
	/* Set once. */
	struct ioas_frames frames;
	struct ioas_principal *principal;
	/* Spaces, clients and views that were made and not destroyed. */
	_Atomic uint32_t users;
};

static inline struct ioas_api_context *
ioas_api_context(struct ioas_context *ctx)
{
	return ioas_container_of(ctx, struct ioas_api_context, core);
}

/* For the duration of a call the context's principal pays. */
struct ioas_api_call {
	struct ioas_caller caller;
	struct ioas_caller *old;
};

static inline void ioas_api_enter(struct ioas_api_call *call,
				  struct ioas_context *ctx)
{
	struct ioas_caller *old = ioas_caller_current();

	call->caller = (struct ioas_caller){
		.principal = ioas_api_context(ctx)->principal,
		.fault = old ? old->fault : NULL,
	};
	call->old = ioas_caller_enter(&call->caller);
}

static inline void ioas_api_leave(struct ioas_api_call *call)
{
	ioas_caller_leave(call->old);
}

/*
 * Copy the sized struct @given, which may be NULL, to @known: what the caller
 * does not have is zero. Return: 0, -EINVAL (no size), -E2BIG (more than we
 * know, and not zero).
 */
int ioas_api_options(void *known, size_t known_size, const void *given);
/*
 * Copy the sized struct @known to @out, as far as it fits; its size field
 * stays. Return: 0 or -EINVAL (no size).
 */
int ioas_api_answer(void *out, void *known, size_t known_size);

#endif
