/* SPDX-License-Identifier: MIT */
/*
 * device: devices become objects of a context, and tell about themselves
 *
 *   group    owned by no context --bind--> by one --last unbind--> by none
 *   device   unbound --bind--> DEVICE object --unbind--> unbound
 *                                  | unbinding: no attach, no VDEVICE
 *                                  | detach all, bury its VDEVICE
 *                                  ' wait for ioctls that use the object
 *
 * (docs/reference/iommufd-uapi.md 6.11, 7.1)
 */
#include "uapi/device.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/command.h"
#include "uapi/viommu.h"

/* Room for what a kind of IOMMU tells of itself; the largest has 40 bytes. */
#define HW_INFO_MAX 64u

/* ---- groups ------------------------------------------------------------- */

struct ioas_igroup *ioas_igroup_create(void)
{
	struct ioas_igroup *g = ioas_zalloc(sizeof(*g), IOAS_FP_ALLOC_SPACE);

	if (!g)
		return NULL;
	atomic_store_explicit(&g->refs, 1, memory_order_relaxed);
	ioas_list_init(&g->devices);
	return g;
}

struct ioas_igroup *ioas_igroup_get(struct ioas_igroup *g)
{
	atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
	return g;
}

void ioas_igroup_put(struct ioas_igroup *g)
{
	if (!g ||
	    atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) != 1)
		return;
	IOAS_CHECK(!ioas_list_empty(&g->devices));
	IOAS_CHECK(g->attaches.root);
	ioas_free(g, sizeof(*g));
}

/* ---- bind --------------------------------------------------------------- */

static void device_destroy(struct ioas_object *obj)
{
	struct ioas_idev *idev = ioas_container_of(obj, struct ioas_idev, obj);
	struct ioas_igroup *g = idev->dev->group;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	idev->dev->idev = NULL;
	ioas_list_del(&idev->link);
	if (ioas_list_empty(&g->devices))
		g->ictx = NULL;
	ioas_mutex_unlock(&g->lock);
	ioas_igroup_put(g);
}

static const struct ioas_object_class device_class = {
	.type = IOAS_OBJECT_DEVICE,
	.size = sizeof(struct ioas_idev),
	.owned = true,
	.destroy = device_destroy,
};

static int bind_locked(struct ioas_iommufd *ictx, struct ioas_udevice *dev,
		       unsigned int flags, struct ioas_idev **out)
	__must_hold(dev->group->lock)
{
	struct ioas_igroup *g = dev->group;
	struct ioas_object *obj;
	struct ioas_idev *idev;
	int ret;

	if (g->ictx && g->ictx != ictx)
		return -EPERM;
	if (dev->idev)
		return -EBUSY;
	ret = ioas_object_alloc(ictx, &device_class, &obj);
	if (ret)
		return ret;
	idev = ioas_container_of(obj, struct ioas_idev, obj);
	idev->dev = dev;
	idev->holds_context = !(flags & IOAS_BIND_WEAK);
	if (idev->holds_context)
		ioas_iommufd_get(ictx);
	ioas_igroup_get(g);
	g->ictx = ictx;
	ioas_list_add_tail(&g->devices, &idev->link);
	dev->idev = idev;
	ioas_object_publish(obj);
	*out = idev;
	return 0;
}

int ioas_idev_bind(struct ioas_iommufd *ictx, struct ioas_udevice *dev,
		   unsigned int flags, struct ioas_idev **out)
{
	int ret;

	if (!dev->coherent)
		return -EINVAL;
	ioas_mutex_lock(&dev->group->lock, IOAS_RANK_GROUP);
	ret = bind_locked(ictx, dev, flags, out);
	ioas_mutex_unlock(&dev->group->lock);
	return ret;
}

void ioas_idev_unbind(struct ioas_idev *idev)
{
	struct ioas_iommufd *ictx = idev->obj.ictx;
	struct ioas_igroup *g = idev->dev->group;
	const bool holds_context = idev->holds_context;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	idev->unbinding = true;
	ioas_mutex_unlock(&g->lock);
	ioas_idev_detach_all(idev);
	ioas_vdevice_bury(idev);
	ioas_object_remove(&idev->obj);
	if (holds_context)
		ioas_iommufd_put(ictx);
}

struct ioas_idev *ioas_idev_get(struct ioas_iommufd *ictx, uint32_t id)
{
	struct ioas_object *obj = ioas_object_get(ictx, id, IOAS_OBJECT_DEVICE);

	return obj ? ioas_container_of(obj, struct ioas_idev, obj) : NULL;
}

/* ---- what a device is behind -------------------------------------------- */

/* *@type and *@length in and out, as for ioas_iommu_ops.hw_info. */
static int hw_info_ask(const struct ioas_udevice *dev, uint32_t *type,
		       void *data, uint32_t *length)
{
	int ret;

	if (dev->iommu->hw_info) {
		ret = dev->iommu->hw_info(dev, type, data, length);
		if (!ret && IOAS_CHECK(*length > HW_INFO_MAX))
			*length = HW_INFO_MAX;
		return ret;
	}
	if (*type != IOAS_ABI_HW_INFO_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	*type = IOAS_ABI_HW_INFO_TYPE_NONE;
	*length = 0;
	return 0;
}

/* What does not fit is left out, what is too much is zeroed (step 5). */
static int hw_info_write(const struct ioas_abi_get_hw_info *cmd,
			 const void *data, uint32_t length)
{
	uint64_t last;
	int ret;

	if (!cmd->data_len)
		return 0;
	if (!ioas_last(cmd->data_uptr, cmd->data_len, &last))
		return -EFAULT;
	length = (uint32_t)ioas_min(length, cmd->data_len);
	ret = ioas_copy_to(cmd->data_uptr, data, length);
	if (!ret && length < cmd->data_len)
		ret = ioas_clear_user(cmd->data_uptr + length,
				      cmd->data_len - length);
	return ret;
}

static int hw_info(const struct ioas_udevice *dev,
		   struct ioas_abi_get_hw_info *cmd)
{
	uint64_t data[HW_INFO_MAX / sizeof(uint64_t)] = { 0 };
	uint32_t length = sizeof(data);
	uint32_t type = IOAS_ABI_HW_INFO_TYPE_DEFAULT;
	int ret;

	if (cmd->flags & IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE)
		type = cmd->in_data_type;
	ret = hw_info_ask(dev, &type, data, &length);
	if (!ret)
		ret = hw_info_write(cmd, data, length);
	if (ret)
		return ret;
	cmd->data_len = length;
	cmd->out_data_type = type;
	cmd->out_max_pasid_log2 = dev->pasid_bits;
	cmd->out_capabilities =
		dev->iommu->capabilities ? dev->iommu->capabilities(dev) : 0;
	return 0;
}

int ioas_cmd_get_hw_info(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_get_hw_info *cmd = ucmd->cmd;
	struct ioas_idev *idev;
	int ret;

	if (cmd->flags & ~IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE ||
	    cmd->__reserved[0] || cmd->__reserved[1] || cmd->__reserved[2])
		return -EOPNOTSUPP;
	idev = ioas_idev_get(ucmd->ictx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	ret = hw_info(idev->dev, cmd);
	ioas_object_put(&idev->obj);
	return ret ? ret : ioas_ucmd_respond(ucmd);
}
