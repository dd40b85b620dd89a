/* SPDX-License-Identifier: MIT */
/*
 * lock: the platform's locks, with their order checked
 *
 * Every acquisition names its rank; a thread may only take locks of rising
 * rank (docs/locking.md). Debug builds check that, and ioas_assert_held(),
 * per thread; release builds compile to the platform's call alone.
 */
#ifndef IOAS_SEAM_LOCK_H
#define IOAS_SEAM_LOCK_H

#include "seam/plat.h"

enum ioas_rank {
	IOAS_RANK_VDEV = 1, /* who uses the functions of a group */
	IOAS_RANK_SPACE, /* automatic page tables of an IOAS object */
	IOAS_RANK_GROUP, /* attachments of a group of devices */
	IOAS_RANK_VIOMMU, /* what a VIOMMU consists of */
	IOAS_RANK_READER, /* who reads a queue file */
	IOAS_RANK_QUEUE, /* a queue of faults or events */
	IOAS_RANK_FUNCTION, /* an emulated function: registers, views, model */
	IOAS_RANK_IRQ, /* where interrupts of a function go */
	IOAS_RANK_UAPI, /* contexts of one instance */
	IOAS_RANK_OBJECTS, /* ids and objects of the front end */
	IOAS_RANK_CONTEXT, /* creation of spaces */
	IOAS_RANK_CLIENT, /* an access's current and unpin space */
	IOAS_RANK_DOMAINS, /* a space's domains and accesses */
	IOAS_RANK_IOVA, /* a space's areas, reserved and allowed ranges */
	IOAS_RANK_EXPORTER, /* the exporter of device memory */
	IOAS_RANK_PAGES, /* everything of a pages object */
	IOAS_RANK_ORIGIN, /* an origin's own books; a process's memory lock */
	IOAS_RANK_ACCOUNT, /* principals */
	IOAS_RANK_TABLE, /* a domain's table memory and pending flushes */
	IOAS_RANK_LEAF, /* client list, frame space, free lists */
};

static inline void ioas_mutex_lock(struct ioas_mutex *m, enum ioas_rank rank)
	__acquires(*m)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_acquire(m, rank, false, false);
	ioas_plat_mutex_lock(m);
}

static inline void ioas_mutex_unlock(struct ioas_mutex *m) __releases(*m)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_release(m);
	ioas_plat_mutex_unlock(m);
}

static inline void ioas_read_lock(struct ioas_rwlock *l, enum ioas_rank rank)
	__acquires_shared(*l)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_acquire(l, rank, true, false);
	ioas_plat_rwlock_read_lock(l);
}

static inline void ioas_read_unlock(struct ioas_rwlock *l)
	__releases_shared(*l)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_release(l);
	ioas_plat_rwlock_read_unlock(l);
}

static inline void ioas_write_lock(struct ioas_rwlock *l, enum ioas_rank rank)
	__acquires(*l)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_acquire(l, rank, false, false);
	ioas_plat_rwlock_write_lock(l);
}

/*
 * One of many locks of one rank, taken in an order that the caller fixes:
 * change of process only (ioas-core 12.13). Not recorded, so not asserted.
 */
static inline void ioas_write_lock_nested(struct ioas_rwlock *l,
					  enum ioas_rank rank) __acquires(*l)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_acquire(l, rank, false, true);
	ioas_plat_rwlock_write_lock(l);
}

static inline void ioas_write_unlock(struct ioas_rwlock *l) __releases(*l)
{
	if (IOAS_DEBUG)
		ioas_plat_lock_release(l);
	ioas_plat_rwlock_write_unlock(l);
}

static inline void ioas_assert_held(struct ioas_mutex *m) __asserts_held(*m)
{
	IOAS_DCHECK(!ioas_plat_lock_held(m, true));
}

static inline void ioas_assert_read(struct ioas_rwlock *l)
	__asserts_held_shared(*l)
{
	IOAS_DCHECK(!ioas_plat_lock_held(l, false));
}

static inline void ioas_assert_write(struct ioas_rwlock *l) __asserts_held(*l)
{
	IOAS_DCHECK(!ioas_plat_lock_held(l, true));
}

#endif
