/* SPDX-License-Identifier: MIT */
/*
 * command: from an ioctl to a function (docs/reference/iommufd-uapi.md 3)
 *
 *   ioctl(cmd, arg)
 *     | nr in the table?  no --> container requests (vfio.h)
 *     | size, number, minimum, zero tail         dispatch.c
 *     | one copy-in
 *     v
 *   handler(struct ioas_ucmd *)     checks in the order of the reference
 *     | ioas_ucmd_respond()         copy-out
 *     v
 *   new object published, new descriptor committed; or both undone
 *     | host op command: the copy before and after, and the result
 */
#ifndef IOAS_UAPI_COMMAND_H
#define IOAS_UAPI_COMMAND_H

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "uapi/iommufd.h"
#include "uapi/uaccess.h"

/* Room for the largest struct of all commands. */
#define IOAS_UCMD_MAX 72

struct ioas_ucmd {
	struct ioas_iommufd *ictx;
	/* Address of the program's struct, and how much of it there is. */
	uint64_t user;
	uint32_t user_size;
	/* Bytes of the struct that we know; 0: it has not been copied. */
	uint32_t size;
	/* The copy: missing bytes are zero. */
	void *cmd;
	/* Room for the copy as it came; NULL: the host does not ask. */
	void *in;

	/* Set by a handler once it has made them; see the picture. */
	struct ioas_object *new_object;
	/* A reserved descriptor, and the file that will be behind it. */
	struct ioas_ufile *new_file;
	int32_t new_fd;
};

/* 0, a result, or -errno. */
typedef int ioas_ucmd_fn(struct ioas_ucmd *ucmd);

/* ucmd->cmd has been copied, of @size bytes that we know. */
static inline void ioas_ucmd_copied(struct ioas_ucmd *ucmd, size_t size)
{
	ucmd->size = (uint32_t)size;
	if (ioas_unlikely(ucmd->in != NULL))
		memcpy(ucmd->in, ucmd->cmd, size);
}

/* Write the struct back. Return: 0 or -EFAULT. */
int ioas_ucmd_respond(struct ioas_ucmd *ucmd);
/*
 * An object for this command to create: in ucmd->new_object. Return: 0 with the
 * object in *@out, -ENOMEM, -EBUSY.
 */
int ioas_ucmd_object(struct ioas_ucmd *ucmd,
		     const struct ioas_object_class *class,
		     struct ioas_object **out);
/*
 * A descriptor for @file, committed on success of the command. Takes the
 * reference of @file, also on error. Return: 0, -EMFILE, -ENOMEM.
 */
int ioas_ucmd_file(struct ioas_ucmd *ucmd, struct ioas_ufile *file,
		   unsigned int flags, int32_t *fd);

/* The ioctl of an iommufd. */
int64_t ioas_iommufd_ioctl(struct ioas_iommufd *ictx, uint32_t cmd,
			   uint64_t arg);

/* Handlers, by file. */
ioas_ucmd_fn ioas_cmd_destroy, ioas_cmd_option; /* option.c */
ioas_ucmd_fn ioas_cmd_ioas_alloc, ioas_cmd_ioas_allow_iovas,
	ioas_cmd_ioas_copy, ioas_cmd_ioas_iova_ranges, ioas_cmd_ioas_map,
	ioas_cmd_ioas_map_file, ioas_cmd_ioas_unmap,
	ioas_cmd_ioas_change_process; /* space.c */
ioas_ucmd_fn ioas_cmd_vfio_ioas; /* vfio.c */
ioas_ucmd_fn ioas_cmd_hwpt_alloc, ioas_cmd_hwpt_invalidate; /* hwpt.c */
ioas_ucmd_fn ioas_cmd_hwpt_set_dirty_tracking,
	ioas_cmd_hwpt_get_dirty_bitmap; /* dirty.c */
ioas_ucmd_fn ioas_cmd_get_hw_info; /* device.c */
ioas_ucmd_fn ioas_cmd_fault_queue_alloc; /* faultq.c */
ioas_ucmd_fn ioas_cmd_viommu_alloc, ioas_cmd_vdevice_alloc; /* viommu.c */
ioas_ucmd_fn ioas_cmd_veventq_alloc; /* veventq.c */
ioas_ucmd_fn ioas_cmd_hw_queue_alloc; /* hw_queue.c */
ioas_ucmd_fn ioas_cmd_test; /* mock/test.c */
/*
 * Ops of the test request that release something: like DESTROY and UNMAP they
 * have no fault points. mock/test.c
 */
bool ioas_test_op_releases(uint32_t op);

/* Container requests (11): ucmd->user is the argument. vfio.c */
int64_t ioas_vfio_ioctl(struct ioas_ucmd *ucmd, uint32_t cmd);

#endif
