/* SPDX-License-Identifier: MIT */
/*
 * pages: a slice of an origin, pinned at most once, shared by any number of
 * areas
 *
 *    area A [iova] --slice-->  +---+---+---+---+---+   index 0 .. nr_pages-1
 *    area B [iova] --slice-->  |   |   |   |   |   |
 *                              +---+---+---+---+---+
 *    who knows the frame of index i?    1. the store, if a record covers it
 *    ask in this order                  2. a domain, if a linked area does
 *                                       3. the origin, which pins it now
 *
 * Invariants (validate.c checks each under its number, but for C1, which only
 * an origin's books show):
 *  C1  index i is pinned once if a record or a linked area covers it, else not;
 *  C2  nr_pinned is the number of covered indexes (0 for device memory);
 *  C3  the store holds exactly the indexes that records cover;
 *  C4  tiers that know a frame agree;
 *  D1  one record per exact range, with users >= 1;
 *  D2  the areas' access counts add up to the records' users;
 *  E1  nr_charged equals nr_pinned whenever the mutex is free.
 *
 * Locks: mutex guards every field below "guarded", and of each area that uses
 * the object its storage domain and link. Rank PAGES; never two at once (I3).
 */
#ifndef IOAS_CORE_PAGES_H
#define IOAS_CORE_PAGES_H

#include "base/list.h"
#include "core/account.h"
#include "core/itree.h"
#include "core/stepmap.h"
#include "domain/ops.h"
#include "origin/ops.h"
#include "seam/lock.h"

struct ioas_area;

/* One exact range pinned by clients. */
struct ioas_record {
	struct ioas_itree_node node;
	uint32_t users;
};

/* What clients pinned. Exists while there are records. */
struct ioas_access_set {
	struct ioas_itree records;
	/* Which indexes they cover. */
	struct ioas_cset set;
	/* The frames of exactly these (C3). */
	struct ioas_store store;
};

/* An area as member of a linked set that has several. */
struct ioas_link {
	struct ioas_itree_node node;
	struct ioas_area *area;
};

/* Slices of areas that have a storage domain, once there are several. */
struct ioas_linked {
	struct ioas_itree areas;
	struct ioas_cset set;
	uint32_t nr;
};

/* Device memory: which domain maps it through which area. */
struct ioas_device_pair {
	/* At the address of @area: copies make as many as they like. */
	struct ioas_itree_node node;
	struct ioas_area *area;
	struct ioas_domain *domain;
};

struct ioas_device {
	struct ioas_itree pairs;
	bool revoked;
};

struct ioas_pages {
	struct ioas_mutex mutex;
	_Atomic uint32_t refs;

	/* Set once. */
	struct ioas_origin *origin;
	/* First page of the slice in the origin. */
	uint64_t base;
	uint64_t nr_pages;
	uint8_t page_lg2;
	/* Pinned for writing (C7). */
	bool writable;
	/* enum ioas_account_mode; changes only with the principal. */
	uint8_t mode;
	/*
	 * Mark of a walk over all areas of a context, so that a shared object
	 * counts once. Guarded by the context's create_lock, exclusive.
	 */
	bool seen;
	/*
	 * Shares its allocation with an area (struct ioas_area_block), if not
	 * 0: who of the two is left, of enum ioas_block_part. Not a byte: some
	 * machines change an atomic byte by calling a library.
	 */
	_Atomic uint32_t block;

	/* Guarded. */
	uint64_t nr_pinned;
	uint64_t nr_charged;
	struct ioas_principal *principal;
	/*
	 * The linked set: 0, the only linked area, or a struct ioas_linked
	 * with bit 0 set.
	 */
	uintptr_t linked;
	union {
		/* NULL while nobody has pinned anything. */
		struct ioas_access_set *access;
		/* Device memory, which nobody can pin. */
		struct ioas_device *device;
	};
};

static inline bool ioas_pages_is_device(const struct ioas_pages *pages)
{
	return pages->origin->flags & IOAS_ORIGIN_DEVICE;
}

/*
 * Could @length bytes at byte @start of @origin be a pages object? Return: 0,
 * -EOVERFLOW (the range wraps), -EINVAL (zero length, or too long).
 */
int ioas_pages_check(const struct ioas_origin *origin, uint8_t page_lg2,
		     uint64_t start, uint64_t length);

/*
 * In place, with one reference: @length bytes at byte @start of @origin,
 * charged to the current caller. Takes a reference of @origin.
 *
 * Return: 0, the errors of ioas_pages_check(), -EINVAL (beyond a device's end),
 * -ENOMEM, -ENODEV (device memory was revoked).
 */
int ioas_pages_init(struct ioas_pages *pages, struct ioas_origin *origin,
		    uint8_t page_lg2, uint64_t start, uint64_t length,
		    bool writable, bool account_mm);

static inline struct ioas_pages *ioas_pages_get(struct ioas_pages *pages)
{
	atomic_fetch_add_explicit(&pages->refs, 1, memory_order_relaxed);
	return pages;
}

/* Accepts NULL. The last reference frees (C9); no pages lock is held. */
void ioas_pages_put(struct ioas_pages *pages);

/* The linked and the access set, to walk. @tmp is room for a set of one. */
const struct ioas_cset *ioas_pages_linked_set(const struct ioas_pages *pages,
					      struct ioas_cset *tmp)
	__must_hold(pages->mutex);
const struct ioas_cset *ioas_pages_access_set(const struct ioas_pages *pages)
	__must_hold(pages->mutex);
/* Any linked area that covers @index, or NULL. */
struct ioas_area *ioas_pages_area_at(const struct ioas_pages *pages,
				     uint64_t index)
	__must_hold(pages->mutex);
/* Put @area's slice into the linked set: 0 or -ENOMEM. */
int ioas_pages_link(struct ioas_pages *pages, struct ioas_area *area)
	__must_hold(pages->mutex);
/* Take it out. Cannot fail. */
void ioas_pages_unlink(struct ioas_pages *pages, struct ioas_area *area)
	__must_hold(pages->mutex);

/* Is the linked set sound, and each member an area that stores (B3)? */
bool ioas_pages_linked_validate(const struct ioas_pages *pages)
	__must_hold(pages->mutex);

/* Pages were pinned or handed back: counter and statistic. */
void ioas_pages_pinned(struct ioas_pages *pages, int64_t nr)
	__must_hold(pages->mutex);
/*
 * Bring the charge in line with what is pinned (14.2). 0, or -ENOMEM (limit),
 * which cannot happen when less is pinned than charged.
 */
int ioas_pages_settle(struct ioas_pages *pages) __must_hold(pages->mutex);

/* ---- device memory: src/core/device.c ----------------------------------- */

/* Part of ioas_pages_init() and of the last ioas_pages_put(). */
int ioas_device_open(struct ioas_pages *pages);
void ioas_device_close(struct ioas_pages *pages);
/*
 * Every fill registers the pair before it maps, every drain unregisters it.
 * Return: 0 or -ENOMEM.
 */
int ioas_device_register(struct ioas_pages *pages, struct ioas_area *area,
			 struct ioas_domain *domain)
	__must_hold(pages->mutex);
void ioas_device_unregister(struct ioas_pages *pages, struct ioas_area *area,
			    struct ioas_domain *domain)
	__must_hold(pages->mutex);

/* Number of violations, each reported through @report. */
unsigned int ioas_pages_validate(struct ioas_pages *pages);

#endif
