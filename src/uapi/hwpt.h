/* SPDX-License-Identifier: MIT */
/*
 * hwpt: page tables as objects: paging ones of an IOAS, nested ones
 *
 *   IOAS <--- HWPT_PAGING (domain of the core's space) <--- HWPT_NESTED
 *                         nest parent <--- VIOMMU <--------'
 *
 * An arrow is a user. An automatic HWPT is made by attaching a device to an
 * IOAS, and goes with the last attachment (iommufd-uapi 4.3).
 */
#ifndef IOAS_UAPI_HWPT_H
#define IOAS_UAPI_HWPT_H

#include "uapi/space.h"
#include "uapi/uaccess.h"

struct ioas_domain;
struct ioas_faultq;
struct ioas_hwpt;
struct ioas_iommu_ops;
struct ioas_udevice;
struct ioas_viommu;

/* An array of invalidation requests, and how far it was processed. */
struct ioas_invalidation {
	uint32_t type;
	uint32_t entry_len;
	uint32_t entry_num;
	uint64_t address;
	/* Out, also of errors. */
	uint32_t done;
};

/* What a kind of IOMMU keeps for a nested HWPT. */
struct ioas_nested_ops {
	/* NULL: -EOPNOTSUPP. Processes in order up to the first bad entry. */
	int (*invalidate)(struct ioas_hwpt *hwpt, struct ioas_invalidation *inv);
	void (*destroy)(struct ioas_hwpt *hwpt);
};

struct ioas_hwpt {
	struct ioas_object obj;
	/* All set once. */
	const struct ioas_iommu_ops *iommu;
	/* Where page requests go; a user of it. NULL: refused. */
	struct ioas_faultq *fault;
	/* Made with IOMMU_HWPT_ALLOC_PASID. */
	bool pasid;

	/* Paging. */
	struct ioas_space *space;
	struct ioas_domain *domain;
	/* @domain is attached to the space. */
	bool attached;
	/* In space->hwpts, if @listed. Guarded by the space's lock. */
	struct ioas_list link;
	bool listed;
	bool automatic;
	bool nest_parent;
	bool dirty;

	/* Nested: a user of its parent, and of its VIOMMU if it has one. */
	struct ioas_hwpt *parent;
	struct ioas_viommu *viommu;
	const struct ioas_nested_ops *nested_ops;
	void *nested;
};

static inline bool ioas_hwpt_is_nested(const struct ioas_hwpt *h)
{
	return h->obj.class->type == IOAS_OBJECT_HWPT_NESTED;
}

/* The space that devices on @h reach in the end. */
static inline struct ioas_space *ioas_hwpt_space(const struct ioas_hwpt *h)
{
	return h->parent ? h->parent->space : h->space;
}

/* NULL: -ENOENT. Put back with ioas_pt_put(&hwpt->obj). */
struct ioas_hwpt *ioas_hwpt_get_paging(struct ioas_iommufd *ictx, uint32_t id);
struct ioas_hwpt *ioas_hwpt_get_nested(struct ioas_iommufd *ictx, uint32_t id);
static inline struct ioas_hwpt *ioas_hwpt_of(struct ioas_object *obj)
{
	return ioas_container_of(obj, struct ioas_hwpt, obj);
}

/*
 * An automatic HWPT of @space for @dev: has its id, is neither published nor
 * listed nor attached to the core's space yet. @space->lock is held.
 * Return: 0, -ENOMEM, -EBUSY, the IOMMU's own.
 */
int ioas_hwpt_create_auto(struct ioas_space *space, struct ioas_udevice *dev,
			  struct ioas_hwpt **out);
/*
 * Its second half: fill the domain with the space's areas, list, publish.
 * @space->lock is held. On error it is neither: ioas_object_abort() it.
 */
int ioas_hwpt_finish_auto(struct ioas_hwpt *hwpt);

/*
 * The caller's attachment of @hwpt is over: put, and destroy if automatic. No
 * lock is held.
 */
void ioas_hwpt_put_attachment(struct ioas_hwpt *hwpt);
/*
 * The same for the user of a lookup, of an HWPT or of anything else: the last
 * detach may have come in the meantime, and have left the destruction to us.
 */
void ioas_pt_put(struct ioas_object *obj);

#endif
