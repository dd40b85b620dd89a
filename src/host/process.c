/* SPDX-License-Identifier: MIT */
/*
 * process: limits, capabilities and memory of who calls
 *
 * RLIMIT_MEMLOCK can change at any time, by a call of any thread or by prlimit
 * of another process. So it is read when it counts, before each charge: a few
 * dozen nanoseconds beside pins that cost more, and nothing in other calls.
 */
#include "host/process.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/guard.h"
#include "origin/user.h"

/* ---- memory ------------------------------------------------------------- */

static int guarded_from(struct ioas_caller *c, void *dst, uint64_t src,
			size_t length)
{
	(void)c;
	if (ioas_unlikely(!ioas_process_address(src)))
		return -EFAULT;
	return ioas_guard_copy(dst, (const void *)(uintptr_t)src, length);
}

static int guarded_to(struct ioas_caller *c, uint64_t dst, const void *src,
		      size_t length)
{
	(void)c;
	if (ioas_unlikely(!ioas_process_address(dst)))
		return -EFAULT;
	return ioas_guard_copy((void *)(uintptr_t)dst, src, length);
}

static int syscall_from(struct ioas_caller *c, void *dst, uint64_t src,
			size_t length)
{
	(void)c;
	if (!ioas_process_address(src))
		return -EFAULT;
	return ioas_guard_syscall(dst, (const void *)(uintptr_t)src, length);
}

static int syscall_to(struct ioas_caller *c, uint64_t dst, const void *src,
		      size_t length)
{
	(void)c;
	if (!ioas_process_address(dst))
		return -EFAULT;
	return ioas_guard_syscall((void *)(uintptr_t)dst, src, length);
}

const struct ioas_uaccess_ops ioas_process_guarded = {
	.copy_from = guarded_from,
	.copy_to = guarded_to,
};

const struct ioas_uaccess_ops ioas_process_syscalls = {
	.copy_from = syscall_from,
	.copy_to = syscall_to,
};

/* ---- rights ------------------------------------------------------------- */

static uint64_t limit_pages(uint64_t bytes)
{
	return bytes >> ioas_log2((uint64_t)sysconf(_SC_PAGESIZE));
}

/* ioas_principal.ask */
static void limit_ask(struct ioas_principal *p)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r))
		return;
	atomic_store_explicit(&p->limit,
			      r.rlim_cur == RLIM_INFINITY ?
				      IOAS_U64_MAX :
				      limit_pages(r.rlim_cur),
			      memory_order_relaxed);
}

static bool capable(unsigned int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[cap / 32].effective >> cap % 32 & 1;
}

static bool answer(enum ioas_local_answer a, unsigned int cap)
{
	return a == IOAS_LOCAL_ASK ? capable(cap) : a == IOAS_LOCAL_YES;
}

void ioas_process_refresh(struct ioas_local_process *p)
{
	const int saved = errno;

	atomic_store_explicit(&p->lock_unlimited,
			      answer(p->rights.lock_unlimited, CAP_IPC_LOCK),
			      memory_order_relaxed);
	atomic_store_explicit(&p->resource,
			      answer(p->rights.resource, CAP_SYS_RESOURCE),
			      memory_order_relaxed);
	errno = saved;
}

/* ---- life --------------------------------------------------------------- */

static struct ioas_principal *principal_create(struct ioas_user *user,
					       uint64_t limit)
{
	struct ioas_user *own = user ? NULL : ioas_user_create();
	struct ioas_mm *mm = ioas_mm_create();
	struct ioas_principal *p = NULL;

	if (mm && (user || own))
		p = ioas_principal_create(user ? user : own, mm, limit);
	ioas_user_put(own);
	ioas_mm_put(mm);
	return p;
}

/* An origin is of the caller that creates it. */
static int origin_create(struct ioas_local_process *p, struct ioas_backings *b)
{
	struct ioas_caller *now = ioas_caller_current(), caller = {
		.mm = p->mm,
		.fault = now ? now->fault : NULL,
	};
	int ret;

	now = ioas_caller_enter(&caller);
	ret = ioas_origin_user_create(b, &p->origin);
	ioas_caller_leave(now);
	return ret;
}

int ioas_process_init(struct ioas_local_process *p, struct ioas_user *user,
		      struct ioas_backings *b)
{
	p->principal =
		principal_create(user, limit_pages(p->rights.lock_limit));
	if (!p->principal)
		return -ENOMEM;
	if (!p->rights.own_limit)
		p->principal->ask = limit_ask;
	ioas_process_refresh(p);
	return origin_create(p, b);
}

void ioas_process_fini(struct ioas_local_process *p)
{
	ioas_origin_put(p->origin);
	ioas_principal_put(p->principal);
}

void ioas_local_process_exit(struct ioas_local_process *p)
{
	atomic_store(&p->principal->mm->gone, true);
}
