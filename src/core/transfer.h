/* SPDX-License-Identifier: MIT */
/*
 * transfer: moving frames between the tiers (ioas-core 11)
 *
 *                     fill: map                fill_store
 *      origin, store ------------> domains    domains, origin ----> store
 *             ^                       |                               |
 *             +----- drain: unpin ----+        drain_store: unpin ----+
 *
 * Everything here runs under the pages lock of the pages object concerned. A
 * hole is an index in neither set. What decides is always the sets without
 * the member that is coming or going.
 */
#ifndef IOAS_CORE_TRANSFER_H
#define IOAS_CORE_TRANSFER_H

#include "core/iopt.h"
#include "core/batch.h"

/*
 * Map the area's slice into @nr domains, from whatever tier holds it; with
 * @link, put it into the linked set with the first of them as storage domain.
 * All or nothing. Return: 0, -ENOMEM, errors of the origin and the domains.
 */
int ioas_area_fill(struct ioas_area *area, struct ioas_domain *const *domains,
		   uint32_t nr, bool link) __must_hold(area->pages->mutex);

/*
 * Unmap pages [first, last] of the area; reads nothing, hands nothing back,
 * leaves the invalidation to a sync.
 */
void ioas_area_unmap(struct ioas_area *area, struct ioas_domain *domain,
		     uint64_t first, uint64_t last)
	__must_hold(area->pages->mutex);

/*
 * Take a chain of areas, linked by next, out of the linked sets and out of all
 * @nr domains, which are those of their space; they have no storage domain
 * then. One invalidation serves as many of them as the batch holds (performance
 * D13). Takes the pages locks, one at a time. Cannot fail, needs no memory.
 */
void ioas_areas_drain(struct ioas_area *chain,
		      struct ioas_domain *const *domains, uint32_t nr,
		      const struct ioas_tuning *tuning);

/* Where a pin puts its frames (access.h). */
struct ioas_run_list;

/*
 * Store the frames of [first, last] for a record that is not in the access set
 * yet, and append them to @list, which may be NULL. All or nothing but for the
 * list. Return: 0, -ENOMEM, -EMSGSIZE, errors of the origin.
 */
int ioas_pages_fill_store(struct ioas_pages *pages, uint64_t first,
			  uint64_t last, const struct ioas_tuning *tuning,
			  struct ioas_run_list *list)
	__must_hold(pages->mutex);
/* The frames of [first, last], all stored, to @list. 0 or -EMSGSIZE. */
int ioas_pages_list_store(const struct ioas_pages *pages, uint64_t first,
			  uint64_t last, struct ioas_run_list *list)
	__must_hold(pages->mutex);
/*
 * Drop the stored frames of [first, last] that no record needs, and unpin
 * those that no domain holds. The range was stored for a record that is not in
 * the access set any more. Cannot fail, does not allocate.
 */
void ioas_pages_drain_store(struct ioas_pages *pages, uint64_t first,
			    uint64_t last) __must_hold(pages->mutex);

/*
 * Copy @length bytes at byte @offset of the pages object, from any tier; what
 * no tier holds is pinned for the purpose and never charged. Return: 0,
 * -ENOMEM, -EFAULT, errors of the origin; earlier bytes stay copied.
 */
int ioas_pages_copy(struct ioas_pages *pages, uint64_t offset, void *buffer,
		    uint64_t length, bool write,
		    const struct ioas_tuning *tuning)
	__must_hold(pages->mutex);

#endif
