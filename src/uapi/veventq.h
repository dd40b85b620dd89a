/* SPDX-License-Identifier: MIT */
/*
 * veventq: events of a VIOMMU on their way to a program (iommufd-uapi 9)
 *
 *   report --> [ event 0 | event 1 | ... | LOST n ] --read--> program
 *                 at most depth          only at the tail
 *
 * Locks: reader (rank READER) serialises reads; lock (rank QUEUE) guards the
 * list and the numbers, and is never held while the caller's memory is written.
 * viommu->lock comes before.
 */
#ifndef IOAS_UAPI_VEVENTQ_H
#define IOAS_UAPI_VEVENTQ_H

#include "uapi/viommu.h"

/*
 * Report an event of @type with @length bytes of @data. Return: 0, also for one
 * that is lost; -EOPNOTSUPP (no queue of that type). Never fails otherwise.
 */
int ioas_viommu_report(struct ioas_viommu *v, uint32_t type, const void *data,
		       uint32_t length);

#endif
