/* SPDX-License-Identifier: MIT */
/*
 * access: ACCESS objects, the software users of an IOAS (iommufd-uapi 7.6)
 *
 * An emulated device, or the test ABI, that reads, writes or pins memory of a
 * program by itself. The object gives the core's access an id and keeps the
 * IOAS busy.
 *
 * Locks: none of its own; attach and replace of one access exclude each other by
 * the caller.
 */
#ifndef IOAS_UAPI_ACCESS_H
#define IOAS_UAPI_ACCESS_H

#include "core/access.h"
#include "uapi/space.h"

struct ioas_uaccess_client {
	struct ioas_object obj;
	/* Set once. */
	struct ioas_access *access;
	/* Attached to it: a user. Guarded by the core's access lock's owner. */
	struct ioas_space *space;
};

/*
 * Published, attached to nothing; keeps no context alive. @flags are
 * IOAS_ACCESS_*. Return: 0, -ENOMEM, -EBUSY.
 */
int ioas_uaccess_create(struct ioas_iommufd *ictx,
			const struct ioas_access_ops *ops, void *data,
			unsigned int flags, struct ioas_uaccess_client **out);
/* Drops everything. Accepts NULL. */
void ioas_uaccess_destroy(struct ioas_uaccess_client *c);

/* Return: 0, -ENOENT (not an IOAS), -EINVAL (attached), -EADDRINUSE, -EBUSY. */
int ioas_uaccess_attach(struct ioas_uaccess_client *c, uint32_t ioas_id);
/* The same for who has the space already. */
int ioas_uaccess_attach_space(struct ioas_uaccess_client *c,
			      struct ioas_space *space);
/* Return: as above; -ENOENT also: not attached. The same IOAS: nothing. */
int ioas_uaccess_replace(struct ioas_uaccess_client *c, uint32_t ioas_id);

#endif
