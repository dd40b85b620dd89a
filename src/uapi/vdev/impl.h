/* SPDX-License-Identifier: MIT */
/*
 * impl: what the files of this directory share
 */
#ifndef IOAS_UAPI_VDEV_IMPL_H
#define IOAS_UAPI_VDEV_IMPL_H

#include "base/bits.h"
#include "base/errno.h"
#include "uapi/uaccess.h"
#include "uapi/vdev/vdev.h"

/* One open of a function. */
struct ioas_vdev_file {
	struct ioas_ufile file;
	/* Set once. */
	struct ioas_vdev *v;
	/* From the group's node, which is kept open. NULL: from its own. */
	struct ioas_ufile *group;
	/*
	 * Rises once, after the function has a user for it: what the function
	 * is asked is good.
	 */
	_Atomic bool bound;
};

static inline struct ioas_host *ioas_vdev_host(const struct ioas_vdev *v)
{
	return v->vgroup->uapi->host;
}

static inline void ioas_vgroup_lock(struct ioas_vgroup *g) __acquires(g->lock)
{
	ioas_mutex_lock(&g->lock, IOAS_RANK_VDEV);
}

static inline void ioas_vgroup_unlock(struct ioas_vgroup *g) __releases(g->lock)
{
	ioas_mutex_unlock(&g->lock);
}

/* ---- cdev.c ------------------------------------------------------------- */

/* A file that is not bound yet. Return: 0 or -ENOMEM. */
int ioas_vdev_file_create(struct ioas_vdev *v, struct ioas_ufile *group,
			  struct ioas_vdev_file **out);
/*
 * One user more, of @ictx: the first one binds and enables. Return: 0, or
 * what bind and enable say.
 */
int ioas_vdev_use(struct ioas_vdev *v, struct ioas_iommufd *ictx)
	__must_hold(v->vgroup->lock);
/* One less: the last one undoes that, and everything that was done since. */
void ioas_vdev_unuse(struct ioas_vdev *v) __must_hold(v->vgroup->lock);

/* ---- group.c ------------------------------------------------------------ */

/* A device's file that came from the group goes. */
void ioas_vgroup_device_gone(struct ioas_vgroup *g) __must_hold(g->lock);

/* ---- requests of a bound file; @arg: the program's struct --------------- */

typedef int64_t ioas_vdev_fn(struct ioas_vdev_file *f, uint64_t arg);

ioas_vdev_fn ioas_vdev_get_info, ioas_vdev_get_region_info,
	ioas_vdev_get_irq_info; /* info.c */
ioas_vdev_fn ioas_vdev_set_irqs; /* irqs.c */
ioas_vdev_fn ioas_vdev_reset, ioas_vdev_get_pci_hot_reset_info,
	ioas_vdev_pci_hot_reset; /* reset.c */
ioas_vdev_fn ioas_vdev_feature; /* feature.c */
ioas_vdev_fn ioas_vdev_ioeventfd; /* ioeventfd.c */

/* ---- irqs.c ------------------------------------------------------------- */

/* Everything is disabled, every eventfd released. */
void ioas_vdev_irqs_fini(struct ioas_vdev *v) __must_hold(v->vgroup->lock);

/* ---- ioeventfd.c -------------------------------------------------------- */

/* None is left. */
void ioas_vdev_ioeventfds_fini(struct ioas_vdev *v)
	__must_hold(v->vgroup->lock);

/* ---- regions.c ---------------------------------------------------------- */

/* What GET_REGION_INFO says of @index, which is below the number of regions. */
struct ioas_vdev_region {
	uint64_t size;
	/* IOAS_ABI_VFIO_REGION_INFO_FLAG_* */
	uint32_t flags;
};

/* The region that @offset is in, by either of a BAR's offsets. */
uint64_t ioas_vdev_region_index(uint64_t offset);
struct ioas_vdev_region ioas_vdev_region(const struct ioas_vdev *v,
					 uint32_t index);
/* Of a bound file; the descriptor's own position is the host's affair. */
int64_t ioas_vdev_read(struct ioas_vdev_file *f, uint64_t buffer,
		       uint64_t count, uint64_t offset);
int64_t ioas_vdev_write(struct ioas_vdev_file *f, uint64_t buffer,
			uint64_t count, uint64_t offset);
int ioas_vdev_mmap(struct ioas_vdev_file *f, const struct ioas_mmap_request *rq,
		   struct ioas_region **out);

#endif
