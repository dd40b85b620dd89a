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

/* Of @width bytes at @offset of the file: 0 or -EINVAL. */
static int register_check(const struct ioas_vdev *v, uint64_t offset,
			  uint32_t width)
{
	const uint64_t bar = offset >> IOAS_ABI_VFIO_PCI_OFFSET_SHIFT;
	const uint64_t pos =
		offset & ((UINT64_C(1) << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT) - 1);

	if (bar >= IOAS_VDEV_BARS || pos + width > v->bars[bar].size)
		return -EINVAL;
	if (v->msix_length && bar == v->msix_bar &&
	    pos < v->msix_first + v->msix_length && pos + width > v->msix_first)
		return -EINVAL;
	return width == sizeof(uint64_t) ? -EINVAL : 0;
}

int64_t ioas_vdev_ioeventfd(struct ioas_vdev_file *f, uint64_t arg)
{
	const size_t least = IOAS_ABI_VFIO_DEVICE_IOEVENTFD_MIN_SIZE;
	struct ioas_abi_vfio_device_ioeventfd io = { 0 };
	struct ioas_host *host = ioas_vdev_host(f->v);
	struct ioas_uevent *event;
	int ret = ioas_copy_from(&io, arg, least);

	if (ret)
		return ret;
	if (io.argsz < least ||
	    io.flags & ~IOAS_ABI_VFIO_DEVICE_IOEVENTFD_SIZE_MASK ||
	    !ioas_is_pow2(io.flags) || io.fd < -1)
		return -EINVAL;
	/* The bit of a width has its value. */
	ret = register_check(f->v, io.offset, io.flags);
	if (ret)
		return ret;
	if (io.fd < 0)
		return -ENODEV;
	if (!host->ops->event_get)
		return -EOPNOTSUPP;
	ret = host->ops->event_get(host, io.fd, &event);
	if (ret)
		return ret;
	host->ops->event_put(host, event);
	return -EOPNOTSUPP;
}
