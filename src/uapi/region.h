/* SPDX-License-Identifier: MIT */
/*
 * region: memory of an object that a program maps (iommufd-uapi 10)
 *
 *   offsets of an iommufd:  | never | region | hole | region | ...
 *                           0     base
 *
 * A region belongs to an object, whose driver made it. While a program has it
 * mapped (who asked mmap holds a reference), its object is busy. A BAR is in no
 * list: it has ops, and keeps the file open that it was mapped from.
 *
 * The host makes the memory for a range that is already taken, and destroys it
 * before the range is free: it may be part of the file that programs map.
 *
 * Locks: regions->lock (rank QUEUE) guards the list.
 */
#ifndef IOAS_UAPI_REGION_H
#define IOAS_UAPI_REGION_H

#include "base/list.h"
#include "seam/lock.h"
#include "uapi/host.h"

struct ioas_iommufd;
struct ioas_object;

struct ioas_regions {
	struct ioas_mutex lock;
	/* struct ioas_region, ascending offsets. Guarded. */
	struct ioas_list list;
};

/* Of memory that no object has: another mapping of it, and the end of one. */
struct ioas_region_ops {
	void (*dup)(struct ioas_region *region);
	void (*unmap)(struct ioas_region *region);
};

struct ioas_region {
	/* In regions->list, if it is an object's. */
	struct ioas_list link;
	/* Set once. NULL: it is an object's. */
	const struct ioas_region_ops *ops;
	struct ioas_object *owner;
	uint64_t offset;
	uint64_t length;
	/* Guarded: its length is 0 while the range has no memory. */
	struct ioas_shm shm;
};

void ioas_regions_init(struct ioas_regions *r);
void ioas_regions_fini(struct ioas_regions *r);

/*
 * @length bytes (a multiple of the page size) of zeroed memory for @owner, at
 * the lowest free offset. Return: 0, -ENOMEM, -ENOSPC.
 */
int ioas_region_create(struct ioas_object *owner, uint64_t length,
		       struct ioas_region **out);
/* From @owner's destroy: nobody has it mapped. Accepts NULL. */
void ioas_region_destroy(struct ioas_region *region);

/*
 * The checks of section 10 in their order; holds the owner. Return: 0, -EINVAL,
 * -EPERM, -ENXIO.
 */
int ioas_region_map(struct ioas_iommufd *ictx,
		    const struct ioas_mmap_request *rq,
		    struct ioas_region **out);
/* Another mapping of it, by fork; and the end of one. */
void ioas_region_dup(struct ioas_region *region);
void ioas_region_unmap(struct ioas_region *region);

#endif
