/* SPDX-License-Identifier: MIT */
/*
 * viommu: a guest's share of an IOMMU, the devices in it, and its queues
 *
 *   VIOMMU <-- HWPT_NESTED      users of the VIOMMU
 *          <-- VDEVICE          virt_id -> device
 *          <-- VEVENTQ          one per type
 *          <-- HW_QUEUE         pins guest memory through the parent's IOAS
 *
 * Locks: lock (rank VIOMMU) guards vdevs and veventqs. Order: group's lock,
 * then this one.
 */
#ifndef IOAS_UAPI_VIOMMU_H
#define IOAS_UAPI_VIOMMU_H

#include "uapi/device.h"

struct ioas_hw_queue;
struct ioas_uaccess_client;
struct ioas_vdevice;

struct ioas_viommu_ops {
	/* HWPT_INVALIDATE; NULL: -EOPNOTSUPP. */
	int (*invalidate)(struct ioas_viommu *v, struct ioas_invalidation *inv);
	/*
	 * Make the nested HWPT (6.10 step 7c); NULL: -EOPNOTSUPP. As
	 * ioas_iommu_ops.nested_alloc.
	 */
	int (*nested_alloc)(struct ioas_viommu *v, struct ioas_udevice *dev,
			    struct ioas_hwpt *hwpt, uint32_t flags,
			    const struct ioas_user_data *data);
	/*
	 * A VDEVICE comes and goes; it is not in vdevs then. Under the group's
	 * lock and viommu->lock. Either may be NULL. vdevice_fini undoes
	 * vdevice_init, and is not called if that fails.
	 */
	int (*vdevice_init)(struct ioas_vdevice *vdev);
	void (*vdevice_fini)(struct ioas_vdevice *vdev);
	/* 6.21 step 5: 0 or -EOPNOTSUPP. NULL: none. */
	int (*hw_queue_check)(struct ioas_viommu *v, uint32_t type);
	/*
	 * 6.21 step 9: @q's index, base frame and length are set. hw_queue_fini
	 * undoes it, and is not called if this fails. No lock is held: several
	 * queues may come and go at once. A queue on which another one depends
	 * is held with ioas_hw_queue_tryget(). NULL: as no hw_queue_check.
	 */
	int (*hw_queue_init)(struct ioas_hw_queue *q);
	void (*hw_queue_fini)(struct ioas_hw_queue *q);
	void (*destroy)(struct ioas_viommu *v);
};

struct ioas_viommu {
	struct ioas_object obj;
	/* Set once. A user of @parent. */
	struct ioas_hwpt *parent;
	const struct ioas_iommu_ops *iommu;
	const void *iommu_instance;
	uint32_t type;
	const struct ioas_viommu_ops *ops;
	void *driver;

	struct ioas_mutex lock;
	/* Guarded. struct ioas_vdevice, at [virt_id, virt_id]. */
	struct ioas_itree vdevs;
	/* Guarded. struct ioas_veventq. */
	struct ioas_list veventqs;
};

struct ioas_viommu *ioas_viommu_get(struct ioas_iommufd *ictx, uint32_t id);

/* A device of a VIOMMU. */
struct ioas_vdevice {
	struct ioas_object obj;
	/* Set once. A user of @viommu. */
	struct ioas_viommu *viommu;
	struct ioas_idev *idev;
	uint64_t virt_id;
	/* In viommu->vdevs, if @listed. Guarded by viommu->lock. */
	struct ioas_itree_node node;
	bool listed;
	/* vdevice_init() succeeded. Guarded by viommu->lock. */
	bool inited;
	/* Has its id. Guarded by the group's lock. */
	bool published;
};

/* The VDEVICE of that virt_id; NULL: none. viommu->lock is held. */
struct ioas_vdevice *ioas_viommu_find(struct ioas_viommu *v, uint64_t virt_id)
	__must_hold(v->lock);
/*
 * From unbind, no lock held: bury the VDEVICE of @idev, if it has one; waits
 * for who is creating, destroying or using it. In this order: idev->unbinding
 * is set under the group's lock; this; @idev may go. Waiting for users of @idev
 * may come before or after. When it returns, idev->vdev is NULL for good, and
 * nobody who found @idev through its VDEVICE still looks at it.
 */
void ioas_vdevice_bury(struct ioas_idev *idev);

/* A queue in guest memory. */
struct ioas_hw_queue {
	struct ioas_object obj;
	/* Set once. A user of @viommu. */
	struct ioas_viommu *viommu;
	/* The internal access that pins its memory (access.h). */
	struct ioas_uaccess_client *client;
	uint32_t type;
	uint32_t index;
	/* Whole pages that are pinned. */
	ioas_iova_t iova;
	uint64_t length;
	bool pinned;
	/* Their frames; the queue begins @offset bytes in, as asked for. */
	struct ioas_run frames;
	uint32_t offset;
	uint64_t base_iova;
	uint64_t queue_length;
	/* hw_queue_init() succeeded. */
	bool inited;
	/* Nothing of its creation can fail any more. */
	atomic_bool ready;
};

/*
 * A user more of a queue that its driver found in a table of its own, which the
 * queue leaves in hw_queue_fini(), under the lock of that table. False: it is
 * being created or destroyed, so to a program it does not exist.
 */
bool ioas_hw_queue_tryget(struct ioas_hw_queue *q);

#endif
