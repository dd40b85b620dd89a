/* SPDX-License-Identifier: MIT */
/*
 * ioeventfd: eventfds that write a register of a function
 * (docs/reference/vfio-device-uapi.md 9)
 *
 *   program signals the eventfd --> the host's watch --> bar_write(offset, data)
 *
 * One value at one place is written for one eventfd at most; the same eventfd may
 * write several, as each is a watch of its own.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

#define NR_MOST 1000u

struct ioas_ioeventfd {
	/* In v->ioeventfds. */
	struct ioas_list link;
	/* Set once. */
	struct ioas_vdev *v;
	struct ioas_uevent *event;
	uint64_t offset;
	uint64_t data;
	uint32_t width;
};

static uint64_t position(uint64_t offset)
{
	return offset & ((UINT64_C(1) << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT) - 1);
}

/* Of @width bytes at @offset of the file: 0 or -EINVAL. */
static int register_check(const struct ioas_vdev *v, uint64_t offset,
			  uint32_t width)
{
	const uint64_t bar = ioas_vdev_region_index(offset);
	const uint64_t pos = position(offset);

	if (bar >= IOAS_VDEV_BARS || pos + width > v->bars[bar].size)
		return -EINVAL;
	if (v->msix_length && bar == v->msix_bar &&
	    pos < v->msix_first + v->msix_length && pos + width > v->msix_first)
		return -EINVAL;
	return width == sizeof(uint64_t) ? -EINVAL : 0;
}

/*
 * By accesses that are aligned, as registers want them. Memory that is not
 * decoded drops it, as a bus would.
 */
static void fire(void *ctx)
{
	const struct ioas_ioeventfd *io = ctx;
	const unsigned int bar =
		(unsigned int)ioas_vdev_region_index(io->offset);
	uint64_t pos = position(io->offset), data = io->data;
	uint32_t left = io->width, width;

	for (; left; left -= width, pos += width, data >>= 8 * width) {
		width = sizeof(uint32_t);
		while (width > left || pos & (width - 1))
			width /= 2;
		io->v->ops->bar_write(io->v, bar, pos, width,
				      data & ((UINT64_C(1) << 8 * width) - 1));
	}
}

static struct ioas_ioeventfd *
find(struct ioas_vdev *v, const struct ioas_abi_vfio_device_ioeventfd *rq)
	__must_hold(v->vgroup->lock)
{
	ioas_assert_held(&v->vgroup->lock);
	ioas_list_for_each(l, &v->ioeventfds) {
		struct ioas_ioeventfd *io =
			ioas_list_entry(l, struct ioas_ioeventfd, link);

		if (io->offset == rq->offset && io->data == rq->data &&
		    io->width == rq->flags)
			return io;
	}
	return NULL;
}

static void release(struct ioas_ioeventfd *io)
{
	struct ioas_host *host = ioas_vdev_host(io->v);

	host->ops->event_unwatch(host, io->event, io->v, io);
	host->ops->event_put(host, io->event);
	ioas_list_del(&io->link);
	io->v->nr_ioeventfds--;
	ioas_free(io, sizeof(*io));
}

static int watch(struct ioas_ioeventfd *io, int32_t fd)
{
	struct ioas_host *host = ioas_vdev_host(io->v);
	int ret;

	if (ioas_fault_point(IOAS_FP_FD))
		return -ENOMEM;
	ret = host->ops->event_get(host, fd, &io->event);
	if (ret)
		return ret;
	ret = host->ops->event_watch(host, io->event, io->v, fire, io);
	if (ret)
		host->ops->event_put(host, io->event);
	return ret;
}

static int add(struct ioas_vdev *v,
	       const struct ioas_abi_vfio_device_ioeventfd *rq)
	__must_hold(v->vgroup->lock)
{
	struct ioas_ioeventfd *io;
	int ret;

	ioas_assert_held(&v->vgroup->lock);
	if (!ioas_vdev_host(v)->ops->event_watch)
		return -EOPNOTSUPP;
	io = ioas_zalloc(sizeof(*io), IOAS_FP_ALLOC_RECORD);
	if (!io)
		return -ENOMEM;
	io->v = v;
	io->offset = rq->offset;
	io->data = rq->data;
	/* The bit of a width has its value. */
	io->width = rq->flags;
	ret = watch(io, rq->fd);
	if (ret) {
		ioas_free(io, sizeof(*io));
		return ret;
	}
	ioas_list_add_tail(&v->ioeventfds, &io->link);
	v->nr_ioeventfds++;
	return 0;
}

static int change(struct ioas_vdev *v,
		  const struct ioas_abi_vfio_device_ioeventfd *rq)
	__must_hold(v->vgroup->lock)
{
	struct ioas_ioeventfd *old = find(v, rq);

	ioas_assert_held(&v->vgroup->lock);
	if (rq->fd < 0) {
		if (!old)
			return -ENODEV;
		release(old);
		return 0;
	}
	if (old)
		return -EEXIST;
	return v->nr_ioeventfds < NR_MOST ? add(v, rq) : -ENOSPC;
}

int64_t ioas_vdev_ioeventfd(struct ioas_vdev_file *f, uint64_t arg)
{
	const size_t least = IOAS_ABI_VFIO_DEVICE_IOEVENTFD_MIN_SIZE;
	struct ioas_abi_vfio_device_ioeventfd rq = { 0 };
	struct ioas_vdev *v = f->v;
	int ret = ioas_copy_from(&rq, arg, least);

	if (ret)
		return ret;
	if (rq.argsz < least ||
	    rq.flags & ~IOAS_ABI_VFIO_DEVICE_IOEVENTFD_SIZE_MASK ||
	    !ioas_is_pow2(rq.flags) || rq.fd < -1)
		return -EINVAL;
	ret = register_check(v, rq.offset, rq.flags);
	if (ret)
		return ret;
	ioas_vgroup_lock(v->vgroup);
	ret = change(v, &rq);
	ioas_vgroup_unlock(v->vgroup);
	return ret;
}

void ioas_vdev_ioeventfds_fini(struct ioas_vdev *v)
{
	ioas_assert_held(&v->vgroup->lock);
	ioas_list_for_each_safe(l, tmp, &v->ioeventfds)
		release(ioas_list_entry(l, struct ioas_ioeventfd, link));
}
