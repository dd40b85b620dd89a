/* SPDX-License-Identifier: MIT */
/*
 * vdev: PCI functions as VFIO shows them (docs/reference/vfio-device-uapi.md)
 *
 *   /dev/vfio/devices/vfioN    /dev/vfio/G --GET_DEVICE_FD--.
 *            | bind                  | one open             |
 *            v                       v                      v
 *   struct ioas_vdev ------> struct ioas_vgroup      a file that is bound
 *     | ops          ^ signals                       already, to the
 *     v              |                               container's iommufd
 *   the function: registers, configuration, a model
 *     | attach, detach, page answers: struct ioas_udevice (uapi/device.h)
 *
 * Whoever emulates a function fills in a struct ioas_vdev, which says what does
 * not change about it, and is asked for the rest through its ops. What a file
 * is allowed to, what a struct means and where an interrupt goes is decided
 * here.
 *
 *   unbound --BIND, or GET_DEVICE_FD--> bound --last close--> unbound
 *             idev, enable                      interrupts off, disable,
 *                                               detach all, idev gone
 *
 * Invariants (ioas_vgroup_validate()):
 *  D1  a function is enabled, and has an idev, exactly while users is not 0;
 *  D2  through its own file it has one user at most, and none while the group's
 *      node is open;
 *  D3  INTx, MSI or MSI-X, one of them at most, is enabled, and only of a
 *      function with users; an eventfd is set for no other, and writes no
 *      register of one.
 *
 * Locks: vgroup->lock (rank VDEV) guards who uses the functions of a group, and
 * serialises whatever changes them; ops but those of registers run under it.
 * irqs.lock (rank IRQ) guards where interrupts go.
 */
#ifndef IOAS_UAPI_VDEV_VDEV_H
#define IOAS_UAPI_VDEV_VDEV_H

#include <ioas/abi/vfio.h>

#include "uapi/device.h"

#define IOAS_VDEV_BARS 6u
#define IOAS_VDEV_AREAS 2u
/*
 * BARs have high offsets, so that those of all regions can be told from those of
 * plain files; region << 40, which programs have hard-coded, is good as well.
 */
#define IOAS_VDEV_BAR_INDEX 0x10u
/* No index of interrupts is enabled. */
#define IOAS_VDEV_IRQ_NONE UINT32_MAX

struct ioas_vdev;
struct ioas_vgroup;

struct ioas_vdev_ops {
	/*
	 * For a driver: memory decoding on, bus mastering off, as after reset.
	 * Return: 0 or -errno.
	 */
	int (*enable)(struct ioas_vdev *v);
	/*
	 * The driver is gone: DMA has stopped and configuration is what it was
	 * before enable when it returns. Cannot fail.
	 */
	void (*disable)(struct ioas_vdev *v);
	/*
	 * Back to the state after power-on; configuration stays. NULL: it cannot
	 * be reset. Return: 0, -EAGAIN, -EIO.
	 */
	int (*reset)(struct ioas_vdev *v);
	/*
	 * @width bytes (1, 2, 4, 8) at @pos, which is a multiple of it, of a BAR;
	 * shared memory included. No lock is held. Return: 0; -EIO: memory is
	 * not decoded.
	 */
	int (*bar_read)(struct ioas_vdev *v, unsigned int bar, uint64_t pos,
			unsigned int width, uint64_t *value);
	int (*bar_write)(struct ioas_vdev *v, unsigned int bar, uint64_t pos,
			 unsigned int width, uint64_t value);
	/* The same of configuration, in 1, 2 or 4 bytes. Cannot fail. */
	uint32_t (*config_read)(struct ioas_vdev *v, uint32_t pos,
				unsigned int width);
	void (*config_write)(struct ioas_vdev *v, uint32_t pos,
			     unsigned int width, uint32_t value);
	/*
	 * From now on @nr vectors of @index (MSI, MSI-X), or INTx, or nothing
	 * (IOAS_VDEV_IRQ_NONE) is enabled: what configuration shows. May be NULL.
	 */
	void (*irqs_changed)(struct ioas_vdev *v, uint32_t index, uint32_t nr);
	/*
	 * @file, a bound one of it, is about to map a BAR, and need not be the
	 * first. Return: 0; -EBUSY: another file has them; -ENOMEM. May be NULL:
	 * each may.
	 */
	int (*map)(struct ioas_vdev *v, struct ioas_ufile *file);
	/* @file, a bound one, is closed: nothing is mapped through it. May be NULL. */
	void (*closed)(struct ioas_vdev *v, struct ioas_ufile *file);
};

/* Where BAR @bar begins in the file, as GET_REGION_INFO says. */
static inline uint64_t ioas_vdev_bar_offset(uint32_t bar)
{
	return (uint64_t)(IOAS_VDEV_BAR_INDEX + bar)
	       << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT;
}

/* [@first, @first + @length) of a BAR: multiples of the page size. */
struct ioas_vdev_area {
	uint64_t first;
	uint64_t length;
};

struct ioas_vdev_bar {
	/* 0: there is none. */
	uint64_t size;
	/*
	 * What programs map; memory NULL: nothing. As long as the function, as
	 * large as the BAR, but at least a page.
	 */
	struct ioas_shm shm;
	/* Only these can be mapped; none: all of it. */
	struct ioas_vdev_area areas[IOAS_VDEV_AREAS];
	uint32_t nr_areas;
};

/* Where interrupts go. */
struct ioas_vdev_irqs {
	struct ioas_mutex lock;
	/* The rest is guarded. INTx, MSI, MSI-X, or IOAS_VDEV_IRQ_NONE. */
	uint32_t index;
	/* Vectors enabled. */
	uint32_t nr;
	/* As many as the index has interrupts; NULL in it: nobody. */
	struct ioas_uevent **events;
	uint32_t nr_events;
	/* ERR and REQ. */
	struct ioas_uevent *err;
	struct ioas_uevent *req;
	/*
	 * Unmasks INTx when it is signalled; NULL: none. Guarded by the group's
	 * lock instead.
	 */
	struct ioas_uevent *unmask;
	/* INTx: the line; by the driver, or since it was told; by command. */
	bool line;
	bool masked;
	bool disabled;
};

/* One function. Its owner allocates it, and fills in what is set once. */
struct ioas_vdev {
	/* Set once: by the owner. */
	const struct ioas_vdev_ops *ops;
	/* The owner's too; ioas_vdev_init() sets its group. */
	struct ioas_udevice dev;
	/* "0000:00:03.0", and the numbers of it. */
	const char *name;
	uint16_t segment;
	uint8_t bus;
	uint8_t devfn;
	struct ioas_vdev_bar bars[IOAS_VDEV_BARS];
	/* 256 or 4096. */
	uint32_t config_size;
	/* Of each index; 0: none. REQ has one. */
	uint32_t nr_irqs[IOAS_ABI_VFIO_PCI_NUM_IRQS];
	/* [first, first + length) of the BAR is the table of MSI-X. */
	unsigned int msix_bar;
	uint64_t msix_first;
	uint64_t msix_length;

	/* Set once: by ioas_vdev_init(). */
	struct ioas_vgroup *vgroup;
	/* In vgroup->vdevs. */
	struct ioas_list link;
	/* Guarded by vgroup->lock. Files that are bound. */
	uint32_t users;
	struct ioas_idev *idev;
	/* Attaches that have yet to tell (cdev.c); guarded by the same. */
	struct ioas_list attaching;

	/* struct ioas_ioeventfd; guarded by the same. */
	struct ioas_list ioeventfds;
	uint32_t nr_ioeventfds;

	/* Files of it. */
	_Atomic uint32_t nr_files;
	struct ioas_vdev_irqs irqs;
};

/* Functions that cannot be told apart by the IOMMU. */
struct ioas_vgroup {
	/* Set once. */
	struct ioas_uapi *uapi;
	uint32_t id;
	struct ioas_igroup *igroup;
	struct ioas_mutex lock;
	/* struct ioas_vdev. Complete before a program knows of one. */
	struct ioas_list vdevs;
	/* Guarded. The one open of the node; NULL: it is closed. */
	struct ioas_ufile *opened;
	/* Its container: a reference. NULL: none is set. */
	struct ioas_iommufd *container;
	/* Device files that came from it. */
	uint32_t nr_devices;
};

/* ---- for who has functions ---------------------------------------------- */

/* Return: 0 or -ENOMEM. */
int ioas_vgroup_init(struct ioas_vgroup *g, struct ioas_uapi *uapi,
		     uint32_t id);
/* No function is in it any more. */
void ioas_vgroup_fini(struct ioas_vgroup *g);
/* @v, otherwise complete, becomes one of @g. Cannot fail. */
void ioas_vdev_init(struct ioas_vdev *v, struct ioas_vgroup *g);
/* No file of it is open (checked). */
void ioas_vdev_fini(struct ioas_vdev *v);

/* open(2) of /dev/vfio/devices/vfioN. Return: 0 or -ENOMEM. */
int ioas_vdev_open(struct ioas_vdev *v, struct ioas_ufile **out);
/* open(2) of /dev/vfio/G. Return: 0, -EBUSY, -ENOMEM. */
int ioas_vgroup_open(struct ioas_vgroup *g, struct ioas_ufile **out);
/* NULL: not a device's file. */
struct ioas_vdev *ioas_vdev_of_file(struct ioas_ufile *f);
/*
 * What is mapped at @offset of a file of @v: memory that lasts as long as the
 * function, *@length bytes from there on at most, cut to what follows in one
 * piece. NULL: that cannot be mapped. Takes no lock.
 */
void *ioas_vdev_memory(const struct ioas_vdev *v, uint64_t offset,
		       uint64_t *length);
/* The group whose node is behind @f; NULL: it is no such file. */
struct ioas_vgroup *ioas_vgroup_of_file(struct ioas_ufile *f);

/*
 * Interrupts; any thread, and any lock up to rank IRQ may be held. A vector:
 * false: neither MSI nor MSI-X is enabled. INTx: the line rises or falls; the
 * bit of the command register that keeps it quiet changes.
 */
bool ioas_vdev_signal(struct ioas_vdev *v, uint32_t vector);
void ioas_vdev_intx(struct ioas_vdev *v, bool line);
void ioas_vdev_intx_disable(struct ioas_vdev *v, bool disabled);
/* An error was reported; the host wants the function back. */
void ioas_vdev_signal_err(struct ioas_vdev *v);
void ioas_vdev_signal_req(struct ioas_vdev *v);

/* Number of violations of D1 to D3, reported. Takes the locks. */
unsigned int ioas_vgroup_validate(struct ioas_vgroup *g);

/*
 * Kinds of IOMMU that functions are behind: page tables of 48 bits with leaves
 * of 4 KiB, 2 MiB and 1 GiB. Interrupt messages go to a window that cannot be
 * mapped. NULL: there is no kind of that name, no @index-th one.
 */
const struct ioas_iommu_ops *ioas_vdev_iommu_find(const char *name);
const struct ioas_iommu_ops *ioas_vdev_iommu_at(unsigned int index);
/* The first of them, "vtdss", which tracks dirty pages. */
extern const struct ioas_iommu_ops ioas_vdev_iommu;
extern const struct ioas_iova_range ioas_vdev_reserved[1];
/* All that they do not reach; ends with an empty range. */
extern const struct ioas_iova_range ioas_vdev_holes[3];

#endif
