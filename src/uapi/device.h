/* SPDX-License-Identifier: MIT */
/*
 * device: bound devices, their groups, and what they are attached to
 * (docs/reference/iommufd-uapi.md 7)
 *
 *   struct ioas_udevice   the device's own: ops, IOMMU kind, group
 *        | bind                       ^ attach, detach, page answers
 *   struct ioas_idev      DEVICE object of one context
 *        | attach (pasid)
 *   group: pasid -> HWPT, and which of its devices are on it
 *
 * This is the interface through which the mock device, and every emulated PCI
 * device, meets page tables.
 *
 * Invariants of a group (ioas_igroup_validate()):
 *  G1  all devices of a group that are attached at a PASID are on one HWPT;
 *  G2  an HWPT has a user per (device, PASID) on it;
 *  G3  a device's reserved regions are in the space of its RID's HWPT, exactly
 *      while it is attached;
 *  G4  every HWPT at a PASID other than 0 allows PASIDs, and the RID's too while
 *      there is one.
 *
 * Locks: group->lock (rank GROUP) guards attachments, the devices' list and
 * idev->vdev. Device ops run under it.
 */
#ifndef IOAS_UAPI_DEVICE_H
#define IOAS_UAPI_DEVICE_H

#include "core/iopt.h"
#include "uapi/hwpt.h"
#include "uapi/iommufd.h"

struct ioas_idev;
struct ioas_vdevice;

/* PASID of an attachment without PASID. */
#define IOAS_PASID_RID 0u

struct ioas_udevice_ops {
	const char *name;
	/*
	 * DMA with @pasid goes through @to from now on, and through @from (NULL:
	 * nowhere) no more. Under the group's lock. Return: 0; -EINVAL: they do
	 * not fit together; -ENOENT, -ENOMEM: as they are. An error changes
	 * nothing.
	 */
	int (*attach)(struct ioas_udevice *dev, uint32_t pasid,
		      struct ioas_hwpt *to, struct ioas_hwpt *from);
	/* DMA with @pasid is blocked when it returns. Cannot fail. */
	void (*detach)(struct ioas_udevice *dev, uint32_t pasid,
		       struct ioas_hwpt *from);
	/*
	 * The answer to a page request (IOAS_ABI_PAGE_RESP_*). Under the lock
	 * of the queue: must not block or call back. May be NULL.
	 */
	void (*page_response)(struct ioas_udevice *dev, uint32_t pasid,
			      uint32_t grpid, uint32_t code);
	/* Back to the state after power-on; attachments stay. May be NULL. */
	void (*reset)(struct ioas_udevice *dev);
};

/* One device, bound or not. Its owner allocates it. */
struct ioas_udevice {
	/* Set once. */
	const struct ioas_udevice_ops *ops;
	const struct ioas_iommu_ops *iommu;
	/* The instance of that kind: VIOMMUs do not cross it. */
	const void *iommu_instance;
	struct ioas_igroup *group;
	/* IOVA that must not be mapped while it is attached. */
	const struct ioas_iova_range *reserved;
	uint32_t nr_reserved;
	/* PASIDs are below 2^pasid_bits; 0: none. */
	uint8_t pasid_bits;
	/* DMA does not bypass the caches; otherwise it cannot be bound. */
	bool coherent;
	/* Guarded by group->lock. NULL: not bound. */
	struct ioas_idev *idev;
};

/* Devices that cannot be told apart by their IOMMU. */
struct ioas_igroup {
	_Atomic uint32_t refs;
	struct ioas_mutex lock;
	/* The rest is guarded. Context that owns it, while a device is bound. */
	struct ioas_iommufd *ictx;
	/* struct ioas_idev, bound ones. */
	struct ioas_list devices;
	/* struct ioas_attach at [pasid, pasid], one per PASID in use. */
	struct ioas_itree attaches;
};

/* Return: a group with one reference, or NULL. */
struct ioas_igroup *ioas_igroup_create(void);
struct ioas_igroup *ioas_igroup_get(struct ioas_igroup *g);
void ioas_igroup_put(struct ioas_igroup *g);

/* A kind of IOMMU. */
struct ioas_iommu_ops {
	const char *name;
	/* Every transaction snoops (VFIO's DMA_CC_IOMMU). */
	bool enforces_coherency;
	/* PASID tables are the program's: requests fall to the RID (8.4). */
	bool user_pasid_table;

	/* IOAS_ABI_HW_CAP_* of @dev. May be NULL: none. */
	uint64_t (*capabilities)(const struct ioas_udevice *dev);
	/*
	 * *@type: in what is asked for, out what it is. Up to *@length bytes (in:
	 * room, at least 64) to @data. Return: 0 or -EOPNOTSUPP. NULL: type NONE.
	 */
	int (*hw_info)(const struct ioas_udevice *dev, uint32_t *type,
		       void *data, uint32_t *length);

	/*
	 * A domain for @dev. @flags: IOAS_ABI_HWPT_*; @data->length 0: none.
	 * Does 5e of iommufd-uapi 6.10; 5a to 5d are done before. Return: 0,
	 * -EOPNOTSUPP, -EINVAL, -EFAULT, -E2BIG, -ENOMEM.
	 */
	int (*domain_alloc)(struct ioas_udevice *dev, uint32_t flags,
			    const struct ioas_user_data *data,
			    struct ioas_domain **out);
	/* Plain domains only: flags and data are refused (5a). */
	bool plain;

	/*
	 * Fill in @hwpt->nested_ops and @hwpt->nested; parent and viommu (or
	 * NULL) are set. Flags were checked. NULL: no nesting.
	 */
	int (*nested_alloc)(struct ioas_udevice *dev, struct ioas_hwpt *hwpt,
			    uint32_t flags, const struct ioas_user_data *data);

	/*
	 * Is there a VIOMMU of @type for @dev? (6.17 step 3.) NULL: no.
	 * Return: 0 or -EOPNOTSUPP.
	 */
	int (*viommu_check)(struct ioas_udevice *dev, uint32_t type);
	/*
	 * Fill in @viommu->ops and @viommu->driver; object, parent and device's
	 * IOMMU are set. May update the payload in place. Undone by
	 * ops->destroy, which is not called if this fails.
	 */
	int (*viommu_init)(struct ioas_viommu *viommu, uint32_t type,
			   const struct ioas_user_data *data);
};

/* A device of a context. */
struct ioas_idev {
	struct ioas_object obj;
	/* Set once. */
	struct ioas_udevice *dev;
	/* In group->devices. */
	struct ioas_list link;
	/* Guarded by group->lock. */
	struct ioas_vdevice *vdev;
	bool unbinding;
	/* Counts changes of vdev: what ioas_vdevice_bury() sleeps on. */
	_Atomic uint32_t vdev_seq;
	/* The owner's reference of the context (not the mock's). */
	bool holds_context;
};

enum ioas_bind_flags {
	/* The device does not keep the context alive (mock). */
	IOAS_BIND_WEAK = 1u << 0,
};

/*
 * Make @dev a DEVICE of @ictx; published. Return: 0, -EINVAL (not coherent),
 * -EPERM (the group belongs to another context), -EBUSY (bound), -ENOMEM.
 */
int ioas_idev_bind(struct ioas_iommufd *ictx, struct ioas_udevice *dev,
		   unsigned int flags, struct ioas_idev **out);
/* Detaches what is attached, buries its VDEVICE, waits for ioctls. */
void ioas_idev_unbind(struct ioas_idev *idev);

/* NULL: -ENOENT. Put back with ioas_object_put(&idev->obj). */
struct ioas_idev *ioas_idev_get(struct ioas_iommufd *ictx, uint32_t id);

/*
 * Attach or replace (7.2, 7.3); *@pt_id in and out: written on success with the
 * id of the HWPT. Return: 0, -ENOENT, -EINVAL, -EBUSY, -EADDRINUSE, -EFAULT,
 * -ENOMEM, the device's own.
 */
int ioas_idev_attach(struct ioas_idev *idev, uint32_t pasid, uint32_t *pt_id);
int ioas_idev_replace(struct ioas_idev *idev, uint32_t pasid, uint32_t *pt_id);
/* Not attached: nothing. Cannot fail (7.5). */
void ioas_idev_detach(struct ioas_idev *idev, uint32_t pasid);
/* Everything that is left. From unbind. */
void ioas_idev_detach_all(struct ioas_idev *idev);
/* The HWPT at @pasid, with a user more; NULL: none. */
struct ioas_hwpt *ioas_idev_hwpt(struct ioas_idev *idev, uint32_t pasid);

/* A page request of a device. */
struct ioas_page_request {
	/* IOAS_ABI_PGFAULT_FLAGS_* */
	uint32_t flags;
	uint32_t pasid;
	uint32_t grpid;
	/* IOAS_ABI_PGFAULT_PERM_* */
	uint32_t perm;
	uint64_t addr;
};

/*
 * Deliver to the queue of the HWPT that answers for it (8.4). Where there is
 * none, or no memory, the device is answered "invalid". @rq carries LAST_PAGE.
 */
void ioas_idev_page_request(struct ioas_idev *idev,
			    const struct ioas_page_request *rq);
/*
 * The device forgets what it asked for, as by a reset: answered "invalid", of
 * which it hears in this call; later answers of programs are nobody's.
 */
void ioas_idev_page_flush(struct ioas_idev *idev);

/* Number of violations of G1 to G4, reported. Takes the lock. */
unsigned int ioas_igroup_validate(struct ioas_igroup *g);

#endif
