/* SPDX-License-Identifier: MIT */
/*
 * maps: regions that this process has mapped (iommufd-uapi 10)
 *
 * A region is shared anonymous memory of ours; a mapping of it is a second view
 * of the same pages, at an address of the program's. Each piece of a mapping
 * holds its region. What the program does to its mappings with the system's own
 * calls is not seen: their regions stay held until ioas_maps_fini().
 */
#ifndef IOAS_HOST_MAPS_H
#define IOAS_HOST_MAPS_H

#include "base/list.h"
#include "seam/lock.h"
#include "uapi/region.h"

/* Embedded in an instance. */
struct ioas_maps {
	/* Rank LEAF; held while address space changes. */
	struct ioas_mutex lock;
	/* struct piece, in no order. Guarded. */
	struct ioas_list pieces;
};

/* What mmap(2) was asked for. */
struct ioas_maps_request {
	void *hint;
	/* A multiple of the page size, not zero. */
	size_t length;
	/* The system's PROT_* and MAP_*. */
	int prot;
	int flags;
};

void ioas_maps_init(struct ioas_maps *m);
/* Unmaps everything. Accepts a zeroed @m. */
void ioas_maps_fini(struct ioas_maps *m);

/* As struct ioas_host_ops. */
int ioas_maps_shm_create(uint64_t length, struct ioas_shm *out);
void ioas_maps_shm_destroy(struct ioas_shm *shm);

/*
 * Free addresses for a mapping, in *@at; with MAP_FIXED there is nothing to be
 * done. Return: 0 or what mmap(2) says: -ENOMEM, -EEXIST, -EINVAL, -EPERM.
 */
int ioas_maps_reserve(const struct ioas_maps_request *rq, void **at);
void ioas_maps_cancel(const struct ioas_maps_request *rq, void *at);
/*
 * Map @region, whose reference is taken on success, to *@at, which was
 * reserved. Return: as above.
 */
int ioas_maps_add(struct ioas_maps *m, const struct ioas_maps_request *rq,
		  struct ioas_region *region, void **at);
/* munmap(2) of anything. Return: 0, -EINVAL, -ENOMEM. */
int ioas_maps_remove(struct ioas_maps *m, void *at, size_t length);

#endif
