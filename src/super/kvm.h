/* SPDX-License-Identifier: MIT */
/*
 * kvm: a machine is told which devices it has, and some of them are ours
 *
 *   KVM_SET_DEVICE_ATTR of KVM's VFIO device, a descriptor behind a pointer
 *      ours    0: there is nothing that KVM could do for it
 *      other   the kernel's
 */
#ifndef IOAS_SUPER_KVM_H
#define IOAS_SUPER_KVM_H

#include <linux/kvm.h>

#include "super/super.h"

/* ioctl(2) of that command. Return: as ioas_paths_open(). */
enum ioas_verdict ioas_kvm_ioctl(struct ioas_call *c, int64_t *value);

#endif
