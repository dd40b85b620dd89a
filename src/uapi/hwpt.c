/* SPDX-License-Identifier: MIT */
/*
 * hwpt: page tables come and go (docs/reference/iommufd-uapi.md 6.10, 6.14)
 *
 *   pt_id        makes          which uses       filled by
 *   IOAS         HWPT_PAGING    the IOAS         the core, at once
 *   HWPT_PAGING  HWPT_NESTED    the parent       the program
 *   VIOMMU       HWPT_NESTED    it, its parent   the program
 *   (attach)     automatic one  the IOAS         the core, with a device on it
 *
 * An HWPT is half made until its command is over: its destroy undoes as much as
 * there is. An automatic one that a lookup kept from being destroyed goes with
 * that lookup.
 */
#include "uapi/hwpt.h"

#include "base/errno.h"
#include "domain/ops.h"
#include "uapi/command.h"
#include "uapi/faultq.h"
#include "uapi/viommu.h"

#define FLAGS_NESTED (IOAS_ABI_HWPT_FAULT_ID_VALID | IOAS_ABI_HWPT_ALLOC_PASID)
#define FLAGS_PAGING                                      \
	(FLAGS_NESTED | IOAS_ABI_HWPT_ALLOC_NEST_PARENT | \
	 IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING)

/* ---- classes ------------------------------------------------------------ */

static void fault_put(struct ioas_hwpt *h)
{
	if (h->fault)
		ioas_object_put(&h->fault->obj);
}

static void paging_destroy(struct ioas_object *obj)
{
	struct ioas_hwpt *h = ioas_hwpt_of(obj);

	/* Set once, before anybody else could see it. */
	if (h->listed) {
		ioas_mutex_lock(&h->space->lock, IOAS_RANK_SPACE);
		ioas_list_del(&h->link);
		ioas_mutex_unlock(&h->space->lock);
	}
	if (h->attached)
		ioas_iopt_detach(h->space->ioas, h->domain);
	if (h->domain)
		h->domain->ops->destroy(h->domain);
	fault_put(h);
	if (h->space)
		ioas_object_put(&h->space->obj);
}

static void nested_destroy(struct ioas_object *obj)
{
	struct ioas_hwpt *h = ioas_hwpt_of(obj);

	if (h->nested_ops)
		h->nested_ops->destroy(h);
	fault_put(h);
	if (h->viommu)
		ioas_object_put(&h->viommu->obj);
	if (h->parent)
		ioas_object_put(&h->parent->obj);
}

static const struct ioas_object_class paging_class = {
	.type = IOAS_OBJECT_HWPT_PAGING,
	.size = sizeof(struct ioas_hwpt),
	.destroy = paging_destroy,
};

static const struct ioas_object_class nested_class = {
	.type = IOAS_OBJECT_HWPT_NESTED,
	.size = sizeof(struct ioas_hwpt),
	.destroy = nested_destroy,
};

struct ioas_hwpt *ioas_hwpt_get_paging(struct ioas_iommufd *ictx, uint32_t id)
{
	struct ioas_object *obj =
		ioas_object_get(ictx, id, IOAS_OBJECT_HWPT_PAGING);

	return obj ? ioas_hwpt_of(obj) : NULL;
}

struct ioas_hwpt *ioas_hwpt_get_nested(struct ioas_iommufd *ictx, uint32_t id)
{
	struct ioas_object *obj =
		ioas_object_get(ictx, id, IOAS_OBJECT_HWPT_NESTED);

	return obj ? ioas_hwpt_of(obj) : NULL;
}

void ioas_hwpt_put_attachment(struct ioas_hwpt *h)
{
	if (h->automatic)
		ioas_object_put_destroy(&h->obj);
	else
		ioas_object_put(&h->obj);
}

void ioas_pt_put(struct ioas_object *obj)
{
	if (obj->class->type == IOAS_OBJECT_HWPT_PAGING)
		ioas_hwpt_put_attachment(ioas_hwpt_of(obj));
	else
		ioas_object_put(obj);
}

/* ---- paging ------------------------------------------------------------- */

/* Give @h its domain, which is empty and attached to nothing. */
static int paging_domain(struct ioas_hwpt *h, struct ioas_space *space,
			 struct ioas_udevice *dev, uint32_t flags,
			 const struct ioas_user_data *data)
{
	h->iommu = dev->iommu;
	h->space = space;
	ioas_object_hold(&space->obj);
	return dev->iommu->domain_alloc(dev, flags, data, &h->domain);
}

static int paging_attach(struct ioas_hwpt *h)
{
	int ret = ioas_iopt_attach(h->space->ioas, h->domain);

	h->attached = !ret;
	return ret;
}

static void paging_list(struct ioas_hwpt *h) __must_hold(h->space->lock)
{
	ioas_assert_held(&h->space->lock);
	ioas_list_add_tail(&h->space->hwpts, &h->link);
	h->listed = true;
}

int ioas_hwpt_create_auto(struct ioas_space *space, struct ioas_udevice *dev,
			  struct ioas_hwpt **out)
{
	const struct ioas_user_data none = { 0 };
	struct ioas_object *obj;
	struct ioas_hwpt *h;
	int ret;

	ioas_assert_held(&space->lock);
	ret = ioas_object_alloc(space->obj.ictx, &paging_class, &obj);
	if (ret)
		return ret;
	h = ioas_hwpt_of(obj);
	h->automatic = true;
	ret = paging_domain(h, space, dev, 0, &none);
	if (ret)
		ioas_object_abort(obj);
	else
		*out = h;
	return ret;
}

int ioas_hwpt_finish_auto(struct ioas_hwpt *h)
{
	int ret;

	ioas_assert_held(&h->space->lock);
	ret = paging_attach(h);
	if (ret)
		return ret;
	paging_list(h);
	ioas_object_publish(&h->obj);
	return 0;
}

/* ---- alloc -------------------------------------------------------------- */

struct request {
	struct ioas_ucmd *ucmd;
	struct ioas_udevice *dev;
	uint32_t flags;
	struct ioas_user_data data;
	/* Out. */
	struct ioas_hwpt *hwpt;
};

static int request_object(struct request *rq,
			  const struct ioas_object_class *class)
{
	struct ioas_object *obj;
	int ret = ioas_ucmd_object(rq->ucmd, class, &obj);

	if (ret)
		return ret;
	rq->hwpt = ioas_hwpt_of(obj);
	rq->hwpt->iommu = rq->dev->iommu;
	rq->hwpt->pasid = rq->flags & IOAS_ABI_HWPT_ALLOC_PASID;
	return 0;
}

/* 5a to 5d. */
static int paging_check(const struct request *rq)
{
	const struct ioas_iommu_ops *iommu = rq->dev->iommu;
	const uint64_t caps =
		iommu->capabilities ? iommu->capabilities(rq->dev) : 0;

	if (iommu->plain && (rq->flags || rq->data.length))
		return -EOPNOTSUPP;
	if (rq->flags & ~FLAGS_PAGING)
		return -EOPNOTSUPP;
	if (rq->flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING &&
	    !(caps & IOAS_ABI_HW_CAP_DIRTY_TRACKING))
		return -EOPNOTSUPP;
	if (rq->flags & IOAS_ABI_HWPT_FAULT_ID_VALID &&
	    rq->flags & IOAS_ABI_HWPT_ALLOC_NEST_PARENT)
		return -EOPNOTSUPP;
	return 0;
}

static int alloc_paging(struct request *rq, struct ioas_space *space)
{
	struct ioas_hwpt *h;
	int ret = paging_check(rq);

	if (!ret)
		ret = request_object(rq, &paging_class);
	if (ret)
		return ret;
	h = rq->hwpt;
	h->nest_parent = rq->flags & IOAS_ABI_HWPT_ALLOC_NEST_PARENT;
	h->dirty = rq->flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING;
	ret = paging_domain(h, space, rq->dev, rq->flags, &rq->data);
	if (!ret)
		ret = paging_attach(h);
	if (ret)
		return ret;
	ioas_mutex_lock(&space->lock, IOAS_RANK_SPACE);
	ioas_assert_held(&h->space->lock);
	paging_list(h);
	ioas_mutex_unlock(&space->lock);
	return 0;
}

/* 6a, 7b: what every nested HWPT is asked for. */
static bool nested_request(const struct request *rq)
{
	return !(rq->flags & ~FLAGS_NESTED) && rq->data.length;
}

/* The object, on @parent; @v may be NULL. */
static int nested_object(struct request *rq, struct ioas_hwpt *parent,
			 struct ioas_viommu *v)
{
	int ret = request_object(rq, &nested_class);

	if (ret)
		return ret;
	rq->hwpt->parent = parent;
	ioas_object_hold(&parent->obj);
	if (v) {
		rq->hwpt->viommu = v;
		ioas_object_hold(&v->obj);
	}
	return 0;
}

/* What a driver filled in before it failed is its own. */
static int nested_result(struct request *rq, int ret)
{
	if (ret)
		rq->hwpt->nested_ops = NULL;
	return ret;
}

static int alloc_nested(struct request *rq, struct ioas_hwpt *parent)
{
	const struct ioas_iommu_ops *iommu = rq->dev->iommu;
	int ret;

	if (!nested_request(rq) || !iommu->nested_alloc)
		return -EOPNOTSUPP;
	if (parent->automatic || !parent->nest_parent || parent->iommu != iommu)
		return -EINVAL;
	ret = nested_object(rq, parent, NULL);
	if (ret)
		return ret;
	ret = iommu->nested_alloc(rq->dev, rq->hwpt, rq->flags, &rq->data);
	return nested_result(rq, ret);
}

static int alloc_nested_viommu(struct request *rq, struct ioas_viommu *v)
{
	int ret;

	if (v->iommu_instance != rq->dev->iommu_instance)
		return -EINVAL;
	if (!nested_request(rq) || !v->ops->nested_alloc)
		return -EOPNOTSUPP;
	ret = nested_object(rq, v->parent, v);
	if (ret)
		return ret;
	ret = v->ops->nested_alloc(v, rq->dev, rq->hwpt, rq->flags, &rq->data);
	return nested_result(rq, ret);
}

/* Steps 4 to 7. */
static int alloc_on(struct request *rq, uint32_t pt_id)
{
	struct ioas_object *pt =
		ioas_object_get(rq->ucmd->ictx, pt_id, IOAS_OBJECT_ANY);
	int ret = -EINVAL;

	if (!pt)
		return -EINVAL;
	switch (pt->class->type) {
	case IOAS_OBJECT_IOAS:
		ret = alloc_paging(
			rq, ioas_container_of(pt, struct ioas_space, obj));
		break;
	case IOAS_OBJECT_HWPT_PAGING:
		ret = alloc_nested(rq, ioas_hwpt_of(pt));
		break;
	case IOAS_OBJECT_VIOMMU:
		ret = alloc_nested_viommu(
			rq, ioas_container_of(pt, struct ioas_viommu, obj));
		break;
	default:
		break;
	}
	ioas_pt_put(pt);
	return ret;
}

static int alloc_fault(struct request *rq, uint32_t fault_id)
{
	if (!(rq->flags & IOAS_ABI_HWPT_FAULT_ID_VALID))
		return 0;
	rq->hwpt->fault = ioas_faultq_get(rq->ucmd->ictx, fault_id);
	return rq->hwpt->fault ? 0 : -ENOENT;
}

int ioas_cmd_hwpt_alloc(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_hwpt_alloc *cmd = ucmd->cmd;
	struct request rq = {
		.ucmd = ucmd,
		.flags = cmd->flags,
		.data = { cmd->data_type, cmd->data_len, cmd->data_uptr },
	};
	struct ioas_idev *idev;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if ((cmd->data_type == IOAS_ABI_HWPT_DATA_NONE) != !cmd->data_len)
		return -EINVAL;
	idev = ioas_idev_get(ucmd->ictx, cmd->dev_id);
	if (!idev)
		return -ENOENT;
	rq.dev = idev->dev;
	ret = alloc_on(&rq, cmd->pt_id);
	if (!ret)
		ret = alloc_fault(&rq, cmd->fault_id);
	ioas_object_put(&idev->obj);
	if (ret)
		return ret;
	cmd->out_hwpt_id = rq.hwpt->obj.id;
	return ioas_ucmd_respond(ucmd);
}

/* ---- invalidate --------------------------------------------------------- */

static int invalidate_on(struct ioas_object *obj, struct ioas_invalidation *inv)
{
	struct ioas_viommu *v;
	struct ioas_hwpt *h;

	switch (obj->class->type) {
	case IOAS_OBJECT_HWPT_NESTED:
		h = ioas_hwpt_of(obj);
		return h->nested_ops->invalidate ?
			       h->nested_ops->invalidate(h, inv) :
			       -EOPNOTSUPP;
	case IOAS_OBJECT_VIOMMU:
		v = ioas_container_of(obj, struct ioas_viommu, obj);
		return v->ops->invalidate ? v->ops->invalidate(v, inv) :
					    -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int invalidate(struct ioas_ucmd *ucmd,
		      const struct ioas_abi_hwpt_invalidate *cmd,
		      struct ioas_invalidation *inv)
{
	struct ioas_object *obj;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->entry_num && (!cmd->data_uptr || !cmd->entry_len))
		return -EINVAL;
	obj = ioas_object_get(ucmd->ictx, cmd->hwpt_id, IOAS_OBJECT_ANY);
	if (!obj)
		return -ENOENT;
	ret = invalidate_on(obj, inv);
	ioas_pt_put(obj);
	return ret;
}

/* The number of entries done is written whatever happened (3.3). */
int ioas_cmd_hwpt_invalidate(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_hwpt_invalidate *cmd = ucmd->cmd;
	struct ioas_invalidation inv = {
		.type = cmd->data_type,
		.entry_len = cmd->entry_len,
		.entry_num = cmd->entry_num,
		.address = cmd->data_uptr,
	};
	int ret = invalidate(ucmd, cmd, &inv);

	cmd->entry_num = inv.done;
	return ioas_ucmd_respond(ucmd) ? -EFAULT : ret;
}
