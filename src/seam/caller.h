/* SPDX-License-Identifier: MIT */
/*
 * caller: on whose behalf an operation runs
 *
 * The thread that serves a request is not the client that made it. Who pays,
 * whose limits and capabilities count, how its memory is reached and which of
 * its fault points fails all belong to the caller, which whoever calls the
 * core installs for the duration of the call:
 *
 *	struct ioas_caller *old = ioas_caller_enter(&client->caller);
 *	ret = ioas_iopt_map(...);
 *	ioas_caller_leave(old);
 *
 * Without one, the process itself is the caller.
 */
#ifndef IOAS_SEAM_CALLER_H
#define IOAS_SEAM_CALLER_H

#include "seam/fault.h"

struct ioas_principal;

/* How the caller's memory is reached. Return 0 or -EFAULT. */
struct ioas_uaccess_ops {
	int (*copy_from)(struct ioas_caller *caller, void *dst, uint64_t src,
			 size_t length);
	int (*copy_to)(struct ioas_caller *caller, uint64_t dst,
		       const void *src, size_t length);
};

struct ioas_caller {
	/* NULL: an address is a pointer of this process. */
	const struct ioas_uaccess_ops *uaccess;
	/* Who pays for pinned memory (src/core/account.h); NULL: nobody. */
	struct ioas_principal *principal;
	/* Identity of its address space, compared only; NULL: this process. */
	const void *mm;
	/* May lock memory without limit (CAP_IPC_LOCK). */
	bool lock_unlimited;
	/* May change the accounting policy (CAP_SYS_RESOURCE). */
	bool resource;
	/*
	 * Brings the two up to date before they are asked for, and then is NULL;
	 * so is it if they are. Any lock of the core may be held.
	 */
	void (*rights)(struct ioas_caller *caller);
	/* NULL: no faults are injected. */
	struct ioas_fault *fault;
};

static inline struct ioas_caller *ioas_caller_current(void)
{
	return ioas_plat_thread()->caller;
}

static inline bool ioas_caller_lock_unlimited(struct ioas_caller *c)
{
	if (c->rights)
		c->rights(c);
	return c->lock_unlimited;
}

static inline bool ioas_caller_resource(struct ioas_caller *c)
{
	if (c->rights)
		c->rights(c);
	return c->resource;
}

static inline struct ioas_caller *ioas_caller_enter(struct ioas_caller *c)
{
	struct ioas_thread *t = ioas_plat_thread();
	struct ioas_caller *old = t->caller;

	t->caller = c;
	return old;
}

static inline void ioas_caller_leave(struct ioas_caller *old)
{
	ioas_plat_thread()->caller = old;
}

#endif
