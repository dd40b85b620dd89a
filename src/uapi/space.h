/* SPDX-License-Identifier: MIT */
/*
 * space: an IOAS object: the core's space, with its page tables
 *
 * Locks: lock (rank SPACE) guards hwpts, and is held while a device is attached
 * to "the IOAS", so that two of them do not make two automatic page tables.
 */
#ifndef IOAS_UAPI_SPACE_H
#define IOAS_UAPI_SPACE_H

#include "core/iopt.h"
#include "uapi/object.h"

struct ioas_space {
	struct ioas_object obj;
	/* Set once. */
	struct ioas *ioas;
	struct ioas_mutex lock;
	/* struct ioas_hwpt, paging ones, in order of creation. Guarded. */
	struct ioas_list hwpts;
};

/* Put it back with ioas_object_put(&space->obj). NULL: -ENOENT. */
struct ioas_space *ioas_space_get(struct ioas_iommufd *ictx, uint32_t id);

/* What may be mapped (6.5): @nr in all, of which @cap are in @ranges. */
struct ioas_space_ranges {
	struct ioas_iova_range *ranges;
	uint32_t cap;
	uint32_t nr;
	uint64_t alignment;
};

/* Collect up to @room of them. Return: 0 or -ENOMEM. */
int ioas_space_collect(struct ioas_space *space, uint32_t room,
		       struct ioas_space_ranges *out);
void ioas_space_ranges_free(struct ioas_space_ranges *r);
/*
 * To an array of pairs (first, last) in the caller's memory, as IOVA_RANGES and
 * VFIO's capability have it. Return: 0 or -EFAULT.
 */
int ioas_space_write_ranges(uint64_t user, const struct ioas_iova_range *ranges,
			    uint32_t nr);

/*
 * An IOAS, published. Put it back as one that was looked up. Return: 0,
 * -ENOMEM, -EBUSY (no id is left).
 */
int ioas_space_create(struct ioas_iommufd *ictx, struct ioas_space **out);

/* Are large pages enabled? */
bool ioas_space_huge_pages(struct ioas_space *space);
/* OPTION HUGE_PAGES and VFIO_SET_IOMMU (6.8, 11.3). */
int ioas_space_set_huge_pages(struct ioas_space *space, bool on);

/* A compat IOAS, if there is none (11.7). Return: 0, -ENOMEM, -EBUSY. vfio.c */
int ioas_vfio_compat_make(struct ioas_iommufd *ictx);
/* Its id. Return: 0 or -ENODEV. vfio.c */
int ioas_vfio_compat_id(struct ioas_iommufd *ictx, uint32_t *id);

#endif
