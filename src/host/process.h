/* SPDX-License-Identifier: MIT */
/*
 * process: who calls, for the front end
 *
 * Normally there is one, this process. Tests make more, which differ in
 * accounting and in the identity of their address space, not in memory.
 */
#ifndef IOAS_HOST_PROCESS_H
#define IOAS_HOST_PROCESS_H

#include "core/account.h"
#include "host/local.h"
#include "origin/backing.h"
#include "seam/caller.h"

/* Set once but for what is atomic. */
struct ioas_local_process {
	/* In the instance's list, if a test made it. */
	struct ioas_list link;
	/* struct ioas_caller.mm: NULL for this process. */
	const void *mm;
	const struct ioas_uaccess_ops *uaccess;
	struct ioas_local_rights rights;
	struct ioas_principal *principal;
	/* Its memory. */
	struct ioas_origin *origin;
	_Atomic bool lock_unlimited;
	_Atomic bool resource;
};

/*
 * @p is zeroed, but for mm, uaccess and rights. A NULL @user: one of its own.
 * Return: 0 or -ENOMEM; then ioas_process_fini() is due as well.
 */
int ioas_process_init(struct ioas_local_process *p, struct ioas_user *user,
		      struct ioas_backings *b);
void ioas_process_fini(struct ioas_local_process *p);
/* Ask for capabilities, where the rights do not say. */
void ioas_process_refresh(struct ioas_local_process *p);

/* Signals and system calls (guard.h); system calls only. */
extern const struct ioas_uaccess_ops ioas_process_guarded;
extern const struct ioas_uaccess_ops ioas_process_syscalls;

/* What of an address tells at once that it is no program's. */
static inline bool ioas_process_address(uint64_t address)
{
#if defined(__x86_64__)
	return !(address >> 63);
#elif defined(__aarch64__)
	return !(address >> 55 & 1);
#else
	return (uintptr_t)address == address;
#endif
}

#endif
