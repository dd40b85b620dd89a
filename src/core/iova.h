/* SPDX-License-Identifier: MIT */
/*
 * iova: which IOVAs of a space may be used, and the choice among them
 */
#ifndef IOAS_CORE_IOVA_H
#define IOAS_CORE_IOVA_H

#include "core/iopt.h"

/*
 * The lowest suitable IOVA for @length bytes whose first byte has address
 * @address in its origin (docs/reference/iommufd-uapi.md 5.8). Return: 0,
 * -EOVERFLOW (too long), -EINVAL (cannot be aligned enough), -ENOSPC.
 */
int ioas_iova_choose(struct ioas *ioas, uint64_t address, uint64_t length,
		     ioas_iova_t *iova) __must_hold(ioas->iova_lock);

/* Does the range intersect a reserved one? */
bool ioas_iova_reserved(const struct ioas *ioas, ioas_iova_t first,
			ioas_iova_t last) __must_hold_shared(ioas->iova_lock);

/*
 * As ioas_iopt_reserve() and ioas_iopt_unreserve(), with the lock held.
 * @aperture: what a domain cannot use. It is told from the reservations of
 * others, who may have the same pointer as token.
 */
int ioas_iova_reserve(struct ioas *ioas, const struct ioas_iova_range *ranges,
		      uint32_t nr, const void *owner, bool aperture)
	__must_hold(ioas->iova_lock);
void ioas_iova_unreserve(struct ioas *ioas, const void *owner, bool aperture)
	__must_hold(ioas->iova_lock);

/* Every area is a multiple of @alignment in IOVA, length and page offset. */
bool ioas_iova_conforms(const struct ioas *ioas, uint64_t alignment)
	__must_hold_shared(ioas->iova_lock);
/*
 * Raise the alignment to @alignment. 0, or -EADDRINUSE: an area does not
 * conform, and nothing changed.
 */
int ioas_iova_raise(struct ioas *ioas, uint64_t alignment)
	__must_hold(ioas->iova_lock);
/* Lower it to what domains, accesses and small-page mode ask for (A9). */
void ioas_iova_realign(struct ioas *ioas) __must_hold(ioas->domains_lock)
	__must_hold(ioas->iova_lock);
/* What they ask for. */
uint64_t ioas_iova_demand(const struct ioas *ioas)
	__must_hold_shared(ioas->domains_lock)
		__must_hold_shared(ioas->iova_lock);

/* Free reserved and allowed ranges: the space is going. */
void ioas_iova_fini(struct ioas *ioas);

#endif
