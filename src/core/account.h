/* SPDX-License-Identifier: MIT */
/*
 * account: who pays for pinned memory
 *
 *   principal  = one process as one user, with the process's lock limit
 *      |-- user   total charged in mode USER, shared by all its processes
 *      +-- mm     total charged in mode MM; statistic of pages pinned
 *
 * A pages object captures a principal and a mode when it is made, and settles
 * once per operation: what it has pinned is then what it is charged for.
 *
 * Invariants (ioas-core 7):
 *  E2  for each total: the sum of what pages objects charged to it;
 *  E3  a charge that would pass the limit changes nothing;
 *  E5  mm->pinned counts every pinned page, in every mode.
 *
 * Locks: none; totals are atomics. References keep the objects alive.
 */
#ifndef IOAS_CORE_ACCOUNT_H
#define IOAS_CORE_ACCOUNT_H

#include <stdatomic.h>

#include "base/annotations.h"
#include "base/types.h"

enum ioas_account_mode {
	IOAS_ACCOUNT_NONE,
	IOAS_ACCOUNT_USER,
	IOAS_ACCOUNT_MM,
};

struct ioas_user {
	_Atomic uint32_t refs;
	/* Pages. */
	_Atomic uint64_t charged;
};

struct ioas_mm {
	_Atomic uint32_t refs;
	/* The process is gone: its totals are settled silently (14.2). */
	_Atomic bool gone;
	_Atomic uint64_t charged;
	_Atomic uint64_t pinned;
};

struct ioas_principal {
	_Atomic uint32_t refs;
	struct ioas_user *user;
	struct ioas_mm *mm;
	/* Lock limit of the process, in pages. May change at any time. */
	_Atomic uint64_t limit;
	/*
	 * Before a charge: brings limit up to date; NULL: it is. Set once, by
	 * who made the principal. Any lock of the core may be held.
	 */
	void (*ask)(struct ioas_principal *p);
};

/* Each returns an object with one reference, or NULL for lack of memory. */
struct ioas_user *ioas_user_create(void);
struct ioas_mm *ioas_mm_create(void);
/* Takes references of its own to @user and @mm. */
struct ioas_principal *ioas_principal_create(struct ioas_user *user,
					     struct ioas_mm *mm,
					     uint64_t limit);
/* Accept NULL. */
void ioas_user_put(struct ioas_user *user);
void ioas_mm_put(struct ioas_mm *mm);
void ioas_principal_put(struct ioas_principal *p);
/* Accepts and returns NULL. */
struct ioas_principal *ioas_principal_get(struct ioas_principal *p);

/*
 * Add @pages to the total that @mode names; -ENOMEM above the limit, and then
 * nothing changed. Mode NONE, a NULL principal and an mm that is gone succeed
 * without an effect.
 */
int __must_use ioas_principal_charge(struct ioas_principal *p,
				     enum ioas_account_mode mode,
				     uint64_t pages);
/* Cannot fail. */
void ioas_principal_uncharge(struct ioas_principal *p,
			     enum ioas_account_mode mode, uint64_t pages);
/* The statistic of pinned pages (E5). */
void ioas_principal_pinned(struct ioas_principal *p, int64_t pages);

#endif
