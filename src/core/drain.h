/* SPDX-License-Identifier: MIT */
/*
 * drain: the part of draining that a fill needs to undo itself
 */
#ifndef IOAS_CORE_DRAIN_H
#define IOAS_CORE_DRAIN_H

#include "core/transfer.h"

/*
 * Remove pages [first, last] of the area from @domain and unpin those that
 * nobody else holds, once all of @domains are synced. The area is not in the
 * linked set. Cannot fail, does not need memory. Settles nothing.
 */
void ioas_area_drain(struct ioas_area *area, struct ioas_domain *domain,
		     struct ioas_domain *const *domains, uint32_t nr,
		     uint64_t first, uint64_t last)
	__must_hold(area->pages->mutex);

void ioas_sync(struct ioas_domain *const *domains, uint32_t nr);

#endif
