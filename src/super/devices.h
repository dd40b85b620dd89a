/* SPDX-License-Identifier: MIT */
/*
 * devices: the emulated PCI functions of a run
 *
 *   --device nvme,file=disk.img  --> function (function/function.h), its address,
 *   --device dma,addr=02:00.0        group and number (devspec.h)
 *        |
 *   before the program is started: models open their files; names in the tree
 *   in the supervisor: started; opened by /dev/vfio/devices/vfioN and /dev/vfio/G
 *
 * Locks: none; what is here is set once, by create and start. That nobody opens
 * one before start has returned, or after stop was called, is the caller's.
 */
#ifndef IOAS_SUPER_DEVICES_H
#define IOAS_SUPER_DEVICES_H

#include "dev/pci/sysfs.h"
#include "super/super.h"

struct ioas_devices;

/*
 * What @opts asks for; *@out is NULL if that is nothing. Descriptors that it
 * opens are closed on exec. Return: 0; -EINVAL: the options are no such; another
 * -errno: what they name cannot be had. An error says a line.
 */
int ioas_devices_create(const struct ioas_run_options *opts,
			struct ioas_devices **out);
/*
 * Accepts NULL. They are not started. In a process that has them from fork, its
 * copy of them.
 */
void ioas_devices_destroy(struct ioas_devices *d);

/*
 * In the supervisor, whose front end is there: drivers may come. Return: 0 or
 * -errno with a line; then none is started.
 */
int ioas_devices_start(struct ioas_devices *d, struct ioas_super *s);
/* No file of one is open. Accepts NULL, and what was not started. */
void ioas_devices_stop(struct ioas_devices *d);

/*
 * The entries of sysfs and /dev/vfio, all below "/sys" and "/dev". Return: 0, or
 * what ops->add returned.
 */
int ioas_devices_sysfs(const struct ioas_devices *d,
		       const struct ioas_sysfs_ops *ops, void *ctx);

/* /dev/vfio/devices/vfioN. Return: 0, -ENOENT, -ENOMEM. */
int ioas_devices_open(struct ioas_devices *d, unsigned int vfio,
		      struct ioas_ufile **out);
/* /dev/vfio/G. Return: 0, -ENOENT, -EBUSY, -ENOMEM. */
int ioas_devices_open_group(struct ioas_devices *d, unsigned int group,
			    struct ioas_ufile **out);

/* The numbers of the nodes. False: there is none. */
bool ioas_devices_number(const struct ioas_devices *d, unsigned int vfio,
			 struct ioas_sysfs_number *out);
bool ioas_devices_group_number(const struct ioas_devices *d, unsigned int group,
			       struct ioas_sysfs_number *out);

/*
 * What a descriptor of @file is called: "/dev/vfio/devices/vfio0", "/dev/vfio/0",
 * "anon_inode:[vfio-device]" if it came from a group; NULL: it is neither a
 * function's nor a group's. @d may be NULL.
 */
const char *ioas_devices_name(const struct ioas_devices *d,
			      struct ioas_ufile *file);
/*
 * "/sys/devices/pci0000:01/0000:01:00.0" of a function's file, however it was
 * opened; or NULL. @d may be NULL.
 */
const char *ioas_devices_syspath(const struct ioas_devices *d,
				 struct ioas_ufile *file);

struct ioas_function;

/* Every function, in the order of the options. @d may be NULL. */
void ioas_devices_each(const struct ioas_devices *d,
		       void (*fn)(struct ioas_function *f, void *data),
		       void *data);

#endif
