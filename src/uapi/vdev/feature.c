/* SPDX-License-Identifier: MIT */
/*
 * feature: what a function can do beside, and does not here
 * (docs/reference/vfio-device-uapi.md 9, 10)
 *
 * No feature is offered. An eventfd cannot trigger a register write: that would
 * need somebody who waits for it; requests are judged, then refused.
 */
#include "uapi/vdev/impl.h"

#define METHODS \
	(IOAS_ABI_VFIO_DEVICE_FEATURE_GET | IOAS_ABI_VFIO_DEVICE_FEATURE_SET)

int64_t ioas_vdev_feature(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_feature feature;
	int ret = ioas_copy_from(&feature, arg, sizeof(feature));

	(void)f;
	if (ret)
		return ret;
	if (feature.argsz < sizeof(feature) ||
	    feature.flags & ~(IOAS_ABI_VFIO_DEVICE_FEATURE_MASK | METHODS |
			      IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if ((feature.flags & METHODS) == METHODS &&
	    !(feature.flags & IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if ((feature.flags & IOAS_ABI_VFIO_DEVICE_FEATURE_MASK) ==
	    IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2)
		return -EINVAL;
	return -ENOTTY;
}
