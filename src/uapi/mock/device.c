/* SPDX-License-Identifier: MIT */
/*
 * device: mock devices, and the operations on them (4.2 to 4.4, 4.15 to 4.21)
 *
 *   SELFTEST object   struct ioas_mock_device, the owner
 *        | bind (weak: keeps no context alive)
 *   DEVICE object     struct ioas_idev
 *        | attach, at the RID and at PASIDs
 *   HWPT
 *
 * What an attach may refuse (3.3 to 3.5):
 *
 *   PASID 1024   (idle) --attach--> (armed)
 *                   ^                  |
 *                   +-- detach; or an attach or replace that fails, -ENOMEM
 *
 * Locks: the group's guards what an attach remembers; no others.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/veventq.h"

#define DEVICE_FLAGS                          \
	(IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY | \
	 IOAS_ABI_MOCK_FLAGS_DEVICE_PASID)

/* ---- what the front end asks of a device -------------------------------- */

static struct ioas_mock_device *device_of(struct ioas_udevice *dev)
{
	return ioas_container_of(dev, struct ioas_mock_device, dev);
}

static int rid_attach(struct ioas_mock_device *d, const struct ioas_hwpt *to)
{
	const struct ioas_vdevice *vdev = d->dev.idev ? d->dev.idev->vdev :
							NULL;

	if (d->no_dirty && to->dirty)
		return -EINVAL;
	if (to->viommu && (!vdev || vdev->viommu != to->viommu))
		return -ENOENT;
	/* From one HWPT of a VIOMMU to the next it stays who it was. */
	if (d->viommu == to->viommu)
		return 0;
	d->viommu = to->viommu;
	d->virt_id = to->viommu ? vdev->virt_id : 0;
	return 0;
}

static int mock_attach(struct ioas_udevice *dev, uint32_t pasid,
		       struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	struct ioas_mock_device *d = device_of(dev);

	(void)from;
	if (pasid == IOAS_PASID_RID)
		return rid_attach(d, to);
	if (pasid != IOAS_ABI_TEST_PASID_RESERVED)
		return 0;
	d->armed = !d->armed;
	return d->armed ? 0 : -ENOMEM;
}

static void mock_detach(struct ioas_udevice *dev, uint32_t pasid,
			struct ioas_hwpt *from)
{
	struct ioas_mock_device *d = device_of(dev);

	(void)from;
	if (pasid == IOAS_ABI_TEST_PASID_RESERVED)
		d->armed = false;
	if (pasid != IOAS_PASID_RID)
		return;
	d->viommu = NULL;
	d->virt_id = 0;
}

/* No page_response: an answer has no further effect (4.16). */
static const struct ioas_udevice_ops mock_device_ops = {
	.name = "mock",
	.attach = mock_attach,
	.detach = mock_detach,
};

struct ioas_mock_device *ioas_mock_device_of(struct ioas_udevice *dev)
{
	return dev->ops == &mock_device_ops ? device_of(dev) : NULL;
}

/* ---- the handle --------------------------------------------------------- */

static struct ioas_mock_device *stdev_of(struct ioas_object *obj)
{
	return ioas_container_of(obj, struct ioas_mock_device, obj);
}

static void stdev_destroy(struct ioas_object *obj)
{
	struct ioas_mock_device *d = stdev_of(obj);

	if (d->idev) {
		ioas_idev_detach(d->idev, IOAS_PASID_RID);
		ioas_idev_unbind(d->idev);
	}
	if (d->dev.group)
		ioas_igroup_put(d->dev.group);
}

static const struct ioas_object_class stdev_class = {
	.type = IOAS_OBJECT_SELFTEST,
	.size = sizeof(struct ioas_mock_device),
	.destroy = stdev_destroy,
};

/* NULL: -ENOENT. Put back with ioas_object_put(&d->obj). */
static struct ioas_mock_device *stdev_get(struct ioas_ucmd *ucmd, uint32_t id)
{
	struct ioas_object *obj = ioas_object_get(ucmd->ictx, id,
						  IOAS_OBJECT_SELFTEST);

	return obj ? stdev_of(obj) : NULL;
}

/* ---- making one --------------------------------------------------------- */

static int device_init(struct ioas_mock_device *d, const struct ioas_mock *mock,
		       uint32_t flags)
{
	d->no_dirty = flags & IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY;
	for (uint32_t i = 0; i < IOAS_ABI_MOCK_DEV_CACHE_NUM; i++)
		atomic_store_explicit(&d->cache[i],
				      IOAS_ABI_TEST_DEV_CACHE_DEFAULT,
				      memory_order_relaxed);
	d->dev = (struct ioas_udevice){
		.ops = &mock_device_ops,
		.iommu = &ioas_mock_iommu,
		.iommu_instance = mock,
		.group = ioas_igroup_create(),
		.pasid_bits = flags & IOAS_ABI_MOCK_FLAGS_DEVICE_PASID ?
				      IOAS_ABI_MOCK_PASID_WIDTH :
				      0,
		.coherent = true,
	};
	return d->dev.group ? 0 : -ENOMEM;
}

/* 4.2. The object is undone by who called us, if anything fails. */
static int domain_create(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd,
			 uint32_t flags)
{
	struct ioas_mock_device *d;
	uint32_t pt_id = cmd->id;
	struct ioas_object *obj;
	int ret = ioas_ucmd_object(ucmd, &stdev_class, &obj);

	if (ret)
		return ret;
	d = stdev_of(obj);
	ret = device_init(d, ioas_mock_of(ucmd), flags);
	if (!ret)
		ret = ioas_idev_bind(ucmd->ictx, &d->dev, IOAS_BIND_WEAK,
				     &d->idev);
	if (!ret)
		ret = ioas_idev_attach(d->idev, IOAS_PASID_RID, &pt_id);
	if (ret)
		return ret;
	cmd->mock_domain.out_stdev_id = obj->id;
	cmd->mock_domain.out_hwpt_id = pt_id;
	cmd->mock_domain.out_idev_id = d->idev->obj.id;
	return ioas_ucmd_respond(ucmd);
}

int ioas_test_mock_domain(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd)
{
	return domain_create(ucmd, cmd, 0);
}

/* 4.3. The results stand where those of 4.2 do. */
int ioas_test_mock_domain_flags(struct ioas_ucmd *ucmd,
				struct ioas_abi_test_cmd *cmd)
{
	const uint32_t flags = cmd->mock_domain_flags.dev_flags;

	if (flags & ~DEVICE_FLAGS)
		return -EINVAL;
	return domain_create(ucmd, cmd, flags);
}

/* ---- attach, replace, detach -------------------------------------------- */

/*
 * Replace, and tell the id of the HWPT in *@pt_id, a member of the struct. If
 * it cannot be told, go back: the old HWPT is kept meanwhile, an automatic one
 * would be gone. The way back needs no memory, and no fault is injected there.
 * Where the device refuses it, the new one stays.
 */
static int replace(struct ioas_ucmd *ucmd, struct ioas_idev *idev,
		   uint32_t pasid, uint32_t *pt_id)
{
	struct ioas_hwpt *old = ioas_idev_hwpt(idev, pasid);
	uint32_t id = *pt_id;
	int ret = ioas_idev_replace(idev, pasid, &id);

	if (!ret) {
		*pt_id = id;
		ret = ioas_ucmd_respond(ucmd);
		if (ret && old) {
			struct ioas_fault *fault = ioas_faults_off();

			id = old->obj.id;
			(void)ioas_idev_replace(idev, pasid, &id);
			ioas_faults_on(fault);
		}
	}
	if (old)
		ioas_hwpt_put_attachment(old);
	return ret;
}

/* 4.4 */
int ioas_test_mock_domain_replace(struct ioas_ucmd *ucmd,
				  struct ioas_abi_test_cmd *cmd)
{
	struct ioas_mock_device *d = stdev_get(ucmd, cmd->id);
	int ret;

	if (!d)
		return -ENOENT;
	ret = replace(ucmd, d->idev, IOAS_PASID_RID,
		      &cmd->mock_domain_replace.pt_id);
	ioas_object_put(&d->obj);
	return ret;
}

/* 4.18 */
int ioas_test_pasid_attach(struct ioas_ucmd *ucmd,
			   struct ioas_abi_test_cmd *cmd)
{
	struct ioas_abi_test_pasid_attach *a = &cmd->pasid_attach;
	struct ioas_mock_device *d = stdev_get(ucmd, cmd->id);
	int ret;

	if (!d)
		return -ENOENT;
	ret = ioas_idev_attach(d->idev, a->pasid, &a->pt_id);
	if (!ret) {
		ret = ioas_ucmd_respond(ucmd);
		if (ret)
			ioas_idev_detach(d->idev, a->pasid);
	}
	ioas_object_put(&d->obj);
	return ret;
}

/* 4.19 */
int ioas_test_pasid_replace(struct ioas_ucmd *ucmd,
			    struct ioas_abi_test_cmd *cmd)
{
	struct ioas_mock_device *d = stdev_get(ucmd, cmd->id);
	int ret;

	if (!d)
		return -ENOENT;
	ret = replace(ucmd, d->idev, cmd->pasid_replace.pasid,
		      &cmd->pasid_replace.pt_id);
	ioas_object_put(&d->obj);
	return ret;
}

/* 4.20. A release. */
int ioas_test_pasid_detach(struct ioas_ucmd *ucmd,
			   struct ioas_abi_test_cmd *cmd)
{
	struct ioas_object *obj = ioas_object_get_sure(ucmd->ictx, cmd->id,
						       IOAS_OBJECT_SELFTEST);

	if (!obj)
		return -ENOENT;
	ioas_idev_detach(stdev_of(obj)->idev, cmd->pasid_detach.pasid);
	ioas_object_put(obj);
	return 0;
}

/* Is @hwpt_id, not 0, an HWPT, and @attached? */
static int hwpt_is(struct ioas_ucmd *ucmd, uint32_t hwpt_id,
		   const struct ioas_hwpt *attached)
{
	struct ioas_object *obj = ioas_object_get(ucmd->ictx, hwpt_id,
						  IOAS_OBJECT_ANY);
	bool same;

	if (!obj)
		return -ENOENT;
	same = (obj->class->type == IOAS_OBJECT_HWPT_PAGING ||
		obj->class->type == IOAS_OBJECT_HWPT_NESTED) &&
	       ioas_hwpt_of(obj) == attached;
	ioas_pt_put(obj);
	return same ? 0 : -EINVAL;
}

/* 4.21 */
int ioas_test_pasid_check_hwpt(struct ioas_ucmd *ucmd,
			       struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_pasid_check_hwpt *c = &cmd->pasid_check_hwpt;
	struct ioas_mock_device *d = stdev_get(ucmd, cmd->id);
	struct ioas_hwpt *attached;
	int ret;

	if (!d)
		return -ENOENT;
	attached = ioas_idev_hwpt(d->idev, c->pasid);
	if (c->hwpt_id)
		ret = hwpt_is(ucmd, c->hwpt_id, attached);
	else
		ret = attached ? -EINVAL : 0;
	/* Perhaps nobody else is on it any more. */
	if (attached)
		ioas_hwpt_put_attachment(attached);
	ioas_object_put(&d->obj);
	return ret;
}

/* ---- triggers, cache ---------------------------------------------------- */

/* 4.16 */
int ioas_test_trigger_iopf(struct ioas_ucmd *ucmd,
			   struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_trigger_iopf *t = &cmd->trigger_iopf;
	const struct ioas_page_request rq = {
		.flags = IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE |
			 (t->pasid ? IOAS_ABI_PGFAULT_FLAGS_PASID_VALID : 0),
		.pasid = t->pasid,
		.grpid = t->grpid,
		.perm = t->perm,
		.addr = t->addr,
	};
	struct ioas_idev *idev = ioas_idev_get(ucmd->ictx, t->dev_id);

	if (!idev)
		return -ENOENT;
	ioas_idev_page_request(idev, &rq);
	ioas_object_put(&idev->obj);
	return 0;
}

/* The group's lock keeps the VIOMMU, through the HWPT that is attached. */
static int vevent_report(struct ioas_mock_device *d)
{
	struct ioas_igroup *g = d->dev.group;
	struct ioas_abi_vevent_selftest event;
	int ret = -ENOENT;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	event.virt_id = (uint32_t)d->virt_id;
	if (d->viommu && d->virt_id)
		ret = ioas_viommu_report(d->viommu,
					 IOAS_ABI_VEVENTQ_TYPE_SELFTEST, &event,
					 sizeof(event));
	ioas_mutex_unlock(&g->lock);
	return ret;
}

/* 4.17 */
int ioas_test_trigger_vevent(struct ioas_ucmd *ucmd,
			     struct ioas_abi_test_cmd *cmd)
{
	struct ioas_idev *idev = ioas_idev_get(ucmd->ictx,
					       cmd->trigger_vevent.dev_id);
	struct ioas_mock_device *d;
	int ret = -ENOENT;

	if (!idev)
		return ret;
	d = ioas_mock_device_of(idev->dev);
	if (d)
		ret = vevent_report(d);
	ioas_object_put(&idev->obj);
	return ret;
}

/* 4.15 */
int ioas_test_dev_check_cache(struct ioas_ucmd *ucmd,
			      struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_dev_check_cache *c = &cmd->dev_check_cache;
	struct ioas_idev *idev = ioas_idev_get(ucmd->ictx, cmd->id);
	struct ioas_mock_device *d;
	int ret = -EINVAL;

	if (!idev)
		return -ENOENT;
	d = ioas_mock_device_of(idev->dev);
	if (d && c->id <= IOAS_ABI_MOCK_DEV_CACHE_ID_MAX &&
	    atomic_load_explicit(&d->cache[c->id], memory_order_relaxed) ==
		    c->cache)
		ret = 0;
	ioas_object_put(&idev->obj);
	return ret;
}
