/* SPDX-License-Identifier: MIT */
/*
 * viommu: VIOMMU_ALLOC and VDEVICE_ALLOC (iommufd-uapi 6.17, 6.18)
 *
 * A VDEVICE is tied to its device from both sides, and is no user of it: an
 * unbind does not ask the program, it buries the VDEVICE.
 *
 *   idev->vdev   NULL --alloc--> taken --publish--> published
 *                 ^                |                   |
 *                 +--- destroy ----+-------------------+
 *                      from abort     from IOMMU_DESTROY, or a burial
 *
 * Invariants:
 *  V1  idev->vdev is NULL, or a VDEVICE whose idev it is;
 *  V2  it is NULL for good once ioas_vdevice_bury() has returned;
 *  V3  virt_ids in viommu->vdevs differ.
 *
 * Who creates, destroys and unbinds at once:
 *  - Every edge is taken under the group's lock and counted in idev->vdev_seq,
 *    on which a burial sleeps. The edge to NULL is the last that a VDEVICE has
 *    to do with its device: a burial that has seen NULL under that lock knows
 *    that nobody will touch the idev any more. (The lock itself is kept by a
 *    reference of the group.)
 *  - An unbind sets idev->unbinding first: it is not taken after that. If it
 *    was before, it becomes published, or NULL; the burial waits for it.
 *  - The handler publishes, in the same hold of the group's lock that marks the
 *    VDEVICE as published. Left to whoever called the handler, an unbind could
 *    not tell an object that is about to appear from one that is about to go.
 *  - A burial claims the VDEVICE under the group's lock, so the pointer is good
 *    until the id is dead. If it cannot, IOMMU_DESTROY is at work and takes the
 *    edge to NULL: there is no tombstone then. Without the lock, id and address
 *    could both belong to the next VDEVICE by the time they are looked at.
 */
#include "uapi/viommu.h"

#include "base/errno.h"
#include "uapi/command.h"

/* ---- VIOMMU ------------------------------------------------------------- */

static void viommu_destroy(struct ioas_object *obj)
{
	struct ioas_viommu *v = ioas_container_of(obj, struct ioas_viommu, obj);

	if (!v->parent)
		return;
	IOAS_CHECK(v->vdevs.root || !ioas_list_empty(&v->veventqs));
	if (v->ops && v->ops->destroy)
		v->ops->destroy(v);
	ioas_object_put(&v->parent->obj);
}

static const struct ioas_object_class viommu_class = {
	.type = IOAS_OBJECT_VIOMMU,
	.size = sizeof(struct ioas_viommu),
	.destroy = viommu_destroy,
};

struct ioas_viommu *ioas_viommu_get(struct ioas_iommufd *ictx, uint32_t id)
{
	struct ioas_object *obj =
		ioas_object_get(ictx, id, IOAS_OBJECT_VIOMMU);

	return obj ? ioas_container_of(obj, struct ioas_viommu, obj) : NULL;
}

/* An object on @parent whose driver knows nothing of it yet. */
static int viommu_create(struct ioas_ucmd *ucmd, struct ioas_udevice *dev,
			 struct ioas_hwpt *parent, struct ioas_viommu **out)
{
	const struct ioas_abi_viommu_alloc *cmd = ucmd->cmd;
	struct ioas_viommu *v;
	struct ioas_object *obj;
	int ret = ioas_ucmd_object(ucmd, &viommu_class, &obj);

	if (ret)
		return ret;
	v = ioas_container_of(obj, struct ioas_viommu, obj);
	ioas_list_init(&v->veventqs);
	v->iommu = dev->iommu;
	v->iommu_instance = dev->iommu_instance;
	v->type = cmd->type;
	ioas_object_hold(&parent->obj);
	v->parent = parent;
	*out = v;
	return 0;
}

static int viommu_init(struct ioas_ucmd *ucmd, struct ioas_viommu *v)
{
	const struct ioas_abi_viommu_alloc *cmd = ucmd->cmd;
	const struct ioas_user_data data = {
		.type = cmd->type,
		.length = cmd->data_len,
		.address = cmd->data_uptr,
	};
	int ret;

	/* No driver knows what to do with another one's page table. */
	if (v->parent->iommu != v->iommu)
		return -EINVAL;
	ret = v->iommu->viommu_init(v, cmd->type, &data);
	if (ret)
		v->ops = NULL;
	return ret;
}

/* Steps 3 to 6. */
static int viommu_alloc(struct ioas_ucmd *ucmd, struct ioas_udevice *dev,
			struct ioas_viommu **out)
{
	const struct ioas_abi_viommu_alloc *cmd = ucmd->cmd;
	const struct ioas_iommu_ops *iommu = dev->iommu;
	struct ioas_hwpt *parent;
	int ret;

	if (!iommu->viommu_check || !iommu->viommu_init)
		return -EOPNOTSUPP;
	ret = iommu->viommu_check(dev, cmd->type);
	if (ret)
		return ret;
	parent = ioas_hwpt_get_paging(ucmd->ictx, cmd->hwpt_id);
	if (!parent)
		return -ENOENT;
	ret = -EINVAL;
	if (parent->nest_parent)
		ret = viommu_create(ucmd, dev, parent, out);
	if (!ret)
		ret = viommu_init(ucmd, *out);
	ioas_pt_put(&parent->obj);
	return ret;
}

int ioas_cmd_viommu_alloc(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_viommu_alloc *cmd = ucmd->cmd;
	struct ioas_viommu *v;
	struct ioas_idev *idev;
	int ret;

	if (cmd->flags || cmd->type == IOAS_ABI_VIOMMU_TYPE_DEFAULT)
		return -EOPNOTSUPP;
	idev = ioas_idev_get(ucmd->ictx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	ret = viommu_alloc(ucmd, idev->dev, &v);
	ioas_object_put(&idev->obj);
	if (ret)
		return ret;
	cmd->out_viommu_id = v->obj.id;
	return ioas_ucmd_respond(ucmd);
}

/* ---- VDEVICE ------------------------------------------------------------ */

struct ioas_vdevice *ioas_viommu_find(struct ioas_viommu *v, uint64_t virt_id)
{
	struct ioas_itree_node *n;

	ioas_assert_held(&v->lock);
	n = ioas_itree_first(&v->vdevs, virt_id, virt_id);
	return n ? ioas_container_of(n, struct ioas_vdevice, node) : NULL;
}

/* An edge of the picture. The group's lock is held. */
static void idev_set(struct ioas_idev *idev, struct ioas_vdevice *vdev)
{
	ioas_assert_held(&idev->dev->group->lock);
	idev->vdev = vdev;
	atomic_fetch_add(&idev->vdev_seq, 1);
	ioas_plat_wake(&idev->vdev_seq);
}

/* Steps 8 and 9. */
static int vdevice_join(struct ioas_vdevice *vdev)
{
	struct ioas_viommu *v = vdev->viommu;
	int ret = 0;

	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	if (ioas_viommu_find(v, vdev->virt_id))
		ret = -EEXIST;
	else if (v->ops->vdevice_init)
		ret = v->ops->vdevice_init(vdev);
	if (!ret) {
		vdev->inited = true;
		vdev->listed = true;
		ioas_itree_insert(&v->vdevs, &vdev->node);
	}
	ioas_mutex_unlock(&v->lock);
	return ret;
}

static void vdevice_leave(struct ioas_vdevice *vdev)
{
	struct ioas_viommu *v = vdev->viommu;

	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	if (vdev->listed)
		ioas_itree_remove(&v->vdevs, &vdev->node);
	vdev->listed = false;
	if (vdev->inited && v->ops->vdevice_fini)
		v->ops->vdevice_fini(vdev);
	vdev->inited = false;
	ioas_mutex_unlock(&v->lock);
}

static void vdevice_destroy(struct ioas_object *obj)
{
	struct ioas_vdevice *vdev =
		ioas_container_of(obj, struct ioas_vdevice, obj);
	struct ioas_igroup *g;

	if (!vdev->idev)
		return;
	/* The idev may go once it has no VDEVICE, and the group with it. */
	g = ioas_igroup_get(vdev->idev->dev->group);
	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	vdevice_leave(vdev);
	idev_set(vdev->idev, NULL);
	ioas_mutex_unlock(&g->lock);
	ioas_igroup_put(g);
	ioas_object_put(&vdev->viommu->obj);
}

static const struct ioas_object_class vdevice_class = {
	.type = IOAS_OBJECT_VDEVICE,
	.size = sizeof(struct ioas_vdevice),
	.destroy = vdevice_destroy,
};

/* Steps 7 to 9: take the device, then join. The group's lock is held. */
static int vdevice_create(struct ioas_ucmd *ucmd, struct ioas_viommu *v,
			  struct ioas_idev *idev, struct ioas_vdevice **out)
{
	const struct ioas_abi_vdevice_alloc *cmd = ucmd->cmd;
	struct ioas_vdevice *vdev;
	struct ioas_object *obj;
	int ret = ioas_ucmd_object(ucmd, &vdevice_class, &obj);

	if (ret)
		return ret;
	vdev = ioas_container_of(obj, struct ioas_vdevice, obj);
	ioas_object_hold(&v->obj);
	vdev->viommu = v;
	vdev->idev = idev;
	vdev->virt_id = cmd->virt_id;
	vdev->node.first = cmd->virt_id;
	vdev->node.last = cmd->virt_id;
	idev_set(idev, vdev);
	*out = vdev;
	return vdevice_join(vdev);
}

/* Nothing may fail after this. The caller is a user of the device. */
static void vdevice_publish(struct ioas_ucmd *ucmd, struct ioas_vdevice *vdev)
{
	struct ioas_idev *idev = vdev->idev;
	struct ioas_igroup *g = idev->dev->group;

	ucmd->new_object = NULL;
	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	vdev->published = true;
	ioas_object_publish(&vdev->obj);
	idev_set(idev, vdev);
	ioas_mutex_unlock(&g->lock);
}

/* From step 4 on. */
static int vdevice_alloc(struct ioas_ucmd *ucmd, struct ioas_viommu *v,
			 struct ioas_idev *idev)
{
	struct ioas_abi_vdevice_alloc *cmd = ucmd->cmd;
	struct ioas_igroup *g = idev->dev->group;
	struct ioas_vdevice *vdev;
	int ret;

	if (v->iommu != idev->dev->iommu ||
	    v->iommu_instance != idev->dev->iommu_instance)
		return -EINVAL;
	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	if (idev->unbinding)
		ret = -ENOENT;
	else if (idev->vdev)
		ret = -EEXIST;
	else
		ret = vdevice_create(ucmd, v, idev, &vdev);
	ioas_mutex_unlock(&g->lock);
	if (ret)
		return ret;
	cmd->out_vdevice_id = vdev->obj.id;
	ret = ioas_ucmd_respond(ucmd);
	if (!ret)
		vdevice_publish(ucmd, vdev);
	return ret;
}

int ioas_cmd_vdevice_alloc(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_vdevice_alloc *cmd = ucmd->cmd;
	struct ioas_viommu *v;
	struct ioas_idev *idev;
	int ret = -ENOENT;

	if ((unsigned long)cmd->virt_id != cmd->virt_id)
		return -EINVAL;
	v = ioas_viommu_get(ucmd->ictx, cmd->viommu_id);
	if (!v)
		return -ENOENT;
	idev = ioas_idev_get(ucmd->ictx, cmd->dev_id);
	if (idev) {
		ret = vdevice_alloc(ucmd, v, idev);
		ioas_object_put(&idev->obj);
	}
	ioas_object_put(&v->obj);
	return ret;
}

/* ---- burial ------------------------------------------------------------- */

/*
 * One look at the VDEVICE of @idev. True: there is none, or the caller has
 * claimed the one in *@out. False: wait for a change of *@seq.
 */
static bool bury_look(struct ioas_idev *idev, struct ioas_vdevice **out,
		      uint32_t *seq)
{
	struct ioas_igroup *g = idev->dev->group;
	struct ioas_vdevice *vdev;
	bool ready;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	IOAS_CHECK(!idev->unbinding);
	vdev = idev->vdev;
	*seq = atomic_load(&idev->vdev_seq);
	ready = !vdev || (vdev->published && ioas_object_claim(&vdev->obj));
	ioas_mutex_unlock(&g->lock);
	*out = vdev;
	return ready;
}

void ioas_vdevice_bury(struct ioas_idev *idev)
{
	struct ioas_vdevice *vdev;
	uint32_t seq;

	while (!bury_look(idev, &vdev, &seq))
		ioas_plat_wait(&idev->vdev_seq, seq);
	if (vdev)
		ioas_object_finish(&vdev->obj);
}
