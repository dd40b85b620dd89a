/* SPDX-License-Identifier: MIT */
/*
 * kvm: files of ours that are handed to KVM
 *
 * A monitor adds the group or the device to KVM's VFIO device, so that KVM knows
 * of devices with caches of their own, and gives up if it cannot. The kernel
 * would not know our file. We do: no function of ours has a side effect on
 * a machine's memory that KVM must be told of.
 *
 * What is not for us goes on to the kernel, which looks for itself: it does not
 * matter whether the program changes what we have read meanwhile.
 */
#include "super/kvm.h"

#include <unistd.h>

#include "super/devices.h"
#include "super/eventfd.h"
#include "super/files.h"

static bool is_vfio_device(struct ioas_call *c)
{
	const int fd = ioas_client_fd(c, (int)c->n.arg[0]);
	bool ret;

	if (fd < 0)
		return false;
	ret = ioas_fd_is_called(fd, "anon_inode:kvm-vfio");
	close(fd);
	return ret;
}

/* The descriptor of a file that is added or taken away; -1: something else. */
static int32_t fd_of(struct ioas_call *c)
{
	struct kvm_device_attr attr;
	int32_t fd;

	if (ioas_call_read(c, &attr, c->n.arg[2], sizeof(attr)) ||
	    attr.group != KVM_DEV_VFIO_GROUP ||
	    (attr.attr != KVM_DEV_VFIO_GROUP_ADD &&
	     attr.attr != KVM_DEV_VFIO_GROUP_DEL) ||
	    ioas_call_read(c, &fd, attr.addr, sizeof(fd)))
		return -1;
	return fd;
}

static bool is_device(struct ioas_call *c, int32_t fd)
{
	struct ioas_fd_look look;
	struct ioas_ufile *u;
	bool ret;

	if (fd < 0 || ioas_fd_look(c, fd, &look))
		return false;
	u = look.file ? ioas_sfile_ufile(look.file) : NULL;
	ret = u && ioas_devices_name(c->s->devices, u);
	ioas_fd_look_done(&look);
	return ret;
}

enum ioas_verdict ioas_kvm_ioctl(struct ioas_call *c, int64_t *value)
{
	if (!c->s->devices || !is_vfio_device(c) || !is_device(c, fd_of(c)))
		return IOAS_CALL_CONTINUE;
	*value = 0;
	return IOAS_CALL_RETURN;
}
