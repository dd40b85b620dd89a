/* SPDX-License-Identifier: MIT */
/*
 * sysfs: what a driver reads about a function before it opens it
 *
 *     /sys/bus/pci/devices/BDF -----------+     /dev/vfio/devices/vfioN
 *     /sys/bus/pci/drivers/vfio-pci/BDF --+     /dev/vfio/G
 *     /sys/kernel/iommu_groups/G/devices/BDF       ^
 *            ^                            |        | name, number
 *            | iommu_group                v        |
 *            +------- /sys/devices/pciSSSS:BB/BDF -+
 *                        vendor, resource, ...     vfio-dev/vfioN/dev
 *
 * Section 11 of docs/reference/vfio-device-uapi.md as data: a list of entries,
 * for whoever can make them. Each directory comes before what is in it, and
 * nothing comes twice. Links lead to entries of the list.
 *
 * Not in it: the container's /dev/vfio/vfio and /dev/iommu, which are there
 * without a device; resourceN, as a BAR can be had from VFIO only; and writes,
 * which nobody would act on.
 */
#ifndef IOAS_DEV_PCI_SYSFS_H
#define IOAS_DEV_PCI_SYSFS_H

#include <ioas/dev/model.h>
#include <stddef.h>
#include <stdint.h>

#include "dev/pci/bdf.h"

enum ioas_sysfs_kind {
	IOAS_SYSFS_DIRECTORY,
	/* What is at data: text with its newlines, or bytes. */
	IOAS_SYSFS_TEXT,
	IOAS_SYSFS_BINARY,
	/* The target is at data, with a zero behind it. */
	IOAS_SYSFS_LINK,
	/* A character device. */
	IOAS_SYSFS_NODE,
};

struct ioas_sysfs_entry {
	/* "/sys/bus", without a slash at the end. */
	const char *path;
	enum ioas_sysfs_kind kind;
	/* Permissions, as of chmod(). */
	unsigned int mode;
	const void *data;
	size_t length;
	unsigned int major, minor;
};

struct ioas_sysfs_ops {
	/* @entry is gone after it. Return: 0, or -errno, which ends it all. */
	int (*add)(void *ctx, const struct ioas_sysfs_entry *entry);
};

/* A character device's number. */
struct ioas_sysfs_number {
	unsigned int major, minor;
};

struct ioas_sysfs_function {
	/* Of the model. */
	const struct ioas_identity *id;
	struct ioas_pci_bdf bdf;
	/* By ioas_pci_window_place(). */
	uint64_t address[IOAS_MODEL_BARS];
	/* Those of one group have one number of it. */
	unsigned int group;
	struct ioas_sysfs_number group_number;
	/* N of vfioN. */
	unsigned int vfio;
	struct ioas_sysfs_number vfio_number;
};

struct ioas_sysfs {
	const struct ioas_sysfs_function *functions;
	size_t nr;
	/* The window of message interrupts, reserved; none if last is less. */
	uint64_t msi_first, msi_last;
	/* CPUs of the machine, for local_cpus. */
	unsigned int cpus;
};

/* Most CPUs that local_cpus tells of, and functions. */
#define IOAS_SYSFS_CPUS 1024u
#define IOAS_SYSFS_FUNCTIONS 256u

/*
 * Adds all entries. Return: 0; -EINVAL: an identity is not possible, or there
 * are too many functions; -EEXIST: two functions have one BDF, vfioN or number,
 * or a group two numbers; nothing was added. Or what add returned.
 */
int ioas_sysfs_make(const struct ioas_sysfs *s,
		    const struct ioas_sysfs_ops *ops, void *ctx);

#endif
