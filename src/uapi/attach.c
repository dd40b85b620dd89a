/* SPDX-License-Identifier: MIT */
/*
 * attach: which page table the DMA of a device goes through
 * (docs/reference/iommufd-uapi.md 7.2 to 7.5, 8.4)
 *
 *   group->attaches   [pasid] -> struct ioas_attach -> HWPT, a user per member
 *                                  | members
 *                                  '-> device -> device ...
 *
 *   attach    (none) ---------> member of the attach of its PASID
 *   replace   all members of an attach move to another HWPT, or none
 *   detach    member ---------> (none); frees, and needs no memory
 *
 * An IOAS stands for one of its automatic HWPTs. Two threads that attach to one
 * IOAS must not make two of them, so its lock is held from the search of the
 * list until the new one is in it; the group's lock is taken inside.
 *
 * Invariants: G1 to G4 of device.h. The last user of an automatic HWPT destroys
 * it, which takes the lock of its space: users are put with no lock held.
 */
#include "uapi/device.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/command.h"
#include "uapi/faultq.h"

/* One PASID of a group. */
struct ioas_attach {
	/* In group->attaches, at [pasid, pasid]. */
	struct ioas_itree_node node;
	struct ioas_hwpt *hwpt;
	/* struct member; at least one. */
	struct ioas_list members;
};

/* A device that is attached. */
struct member {
	struct ioas_list link;
	struct ioas_idev *idev;
};

/* An attach or a replace on its way. */
struct change {
	struct ioas_idev *idev;
	uint32_t pasid;
	bool replace;
	/* The HWPT is new, to be filled and published on the way. */
	bool fresh;
	/* Out: that was done. */
	bool published;
	/* Out, of a replace: what was left, with so many users to put. */
	struct ioas_hwpt *from;
	uint32_t nr_from;
};

static struct ioas_attach *attach_of(struct ioas_itree_node *n)
{
	return n ? ioas_container_of(n, struct ioas_attach, node) : NULL;
}

static struct ioas_attach *attach_find(const struct ioas_igroup *g,
				       uint32_t pasid)
{
	return attach_of(ioas_itree_first(&g->attaches, pasid, pasid));
}

static struct member *member_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct member, link);
}

static struct member *member_find(const struct ioas_attach *a,
				  const struct ioas_idev *idev)
{
	ioas_list_for_each(l, &a->members)
		if (member_of(l)->idev == idev)
			return member_of(l);
	return NULL;
}

/* ---- the steps ---------------------------------------------------------- */

/* The regions of a RID; a PASID has none. */
static int regions_add(const struct ioas_udevice *dev, uint32_t pasid,
		       const struct ioas_hwpt *to)
{
	if (pasid != IOAS_PASID_RID)
		return 0;
	if (ioas_fault_point(IOAS_FP_REGIONS))
		return -EINVAL;
	if (!dev->nr_reserved)
		return 0;
	return ioas_iopt_reserve(ioas_hwpt_space(to)->ioas, dev->reserved,
				 dev->nr_reserved, dev);
}

static void regions_remove(const struct ioas_udevice *dev, uint32_t pasid,
			   const struct ioas_hwpt *from)
{
	if (pasid == IOAS_PASID_RID && dev->nr_reserved)
		ioas_iopt_unreserve(ioas_hwpt_space(from)->ioas, dev);
}

/* May @to be at @pasid beside what the group has elsewhere (7.4)? */
static int pasid_check(const struct ioas_idev *idev, uint32_t pasid,
		       const struct ioas_hwpt *to)
{
	const struct ioas_igroup *g = idev->dev->group;
	const struct ioas_attach *rid;

	if (pasid == IOAS_PASID_RID) {
		const bool others = ioas_itree_first(
			&g->attaches, IOAS_PASID_RID + 1, UINT32_MAX);

		return to->pasid || !others ? 0 : -EINVAL;
	}
	rid = attach_find(g, IOAS_PASID_RID);
	if (!to->pasid || (rid && !rid->hwpt->pasid) || !idev->dev->pasid_bits)
		return -EINVAL;
	ioas_list_for_each(l, &g->devices) {
		const struct ioas_udevice *d =
			ioas_list_entry(l, struct ioas_idev, link)->dev;

		if (d->pasid_bits && (uint64_t)pasid >> d->pasid_bits)
			return -EINVAL;
	}
	return 0;
}

static int device_attach(struct ioas_udevice *dev, uint32_t pasid,
			 struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	/* A page table is of its own kind of IOMMU. */
	if (to->iommu != dev->iommu)
		return -EINVAL;
	if (ioas_fault_point(IOAS_FP_ATTACH))
		return -ENOMEM;
	return dev->ops->attach(dev, pasid, to, from);
}

static int fresh_finish(struct change *c, struct ioas_hwpt *to)
{
	int ret;

	if (!c->fresh)
		return 0;
	ret = ioas_hwpt_finish_auto(to);
	c->published = !ret;
	return ret;
}

/* ---- attach ------------------------------------------------------------- */

/* Steps 3 and 4 of 7.2: all of them or none. */
static int attach_device(struct change *c, struct ioas_hwpt *to)
{
	struct ioas_udevice *dev = c->idev->dev;
	int ret = regions_add(dev, c->pasid, to);

	if (ret)
		return ret;
	ret = pasid_check(c->idev, c->pasid, to);
	if (!ret)
		ret = device_attach(dev, c->pasid, to, NULL);
	if (!ret) {
		ret = fresh_finish(c, to);
		if (ret)
			dev->ops->detach(dev, c->pasid, to);
	}
	if (ret)
		regions_remove(dev, c->pasid, to);
	return ret;
}

/* Without members, and not in the tree. */
static struct ioas_attach *attach_create(uint32_t pasid, struct ioas_hwpt *to)
{
	struct ioas_attach *a = ioas_zalloc(sizeof(*a), IOAS_FP_ALLOC_LIST);

	if (!a)
		return NULL;
	a->node.first = pasid;
	a->node.last = pasid;
	a->hwpt = to;
	ioas_list_init(&a->members);
	return a;
}

static int attach_locked(struct change *c, struct ioas_igroup *g,
			 struct ioas_hwpt *to) __must_hold(g->lock)
{
	struct ioas_attach *a = attach_find(g, c->pasid);
	struct member *m;
	int ret = -ENOMEM;

	ioas_assert_held(&g->lock);
	if (c->idev->unbinding)
		return -ENOENT;
	if (a && member_find(a, c->idev))
		return -EBUSY;
	if (a && a->hwpt != to)
		return -EINVAL;
	m = ioas_alloc(sizeof(*m), IOAS_FP_ALLOC_LIST);
	if (!m)
		return -ENOMEM;
	if (!a)
		a = attach_create(c->pasid, to);
	if (!a)
		goto err_member;
	ret = attach_device(c, to);
	if (ret)
		goto err_attach;
	ioas_object_hold(&to->obj);
	m->idev = c->idev;
	if (ioas_list_empty(&a->members))
		ioas_itree_insert(&g->attaches, &a->node);
	ioas_list_add_tail(&a->members, &m->link);
	return 0;

err_attach:
	if (ioas_list_empty(&a->members))
		ioas_free(a, sizeof(*a));
err_member:
	ioas_free(m, sizeof(*m));
	return ret;
}

/* ---- replace ------------------------------------------------------------ */

static bool same_space(const struct ioas_hwpt *a, const struct ioas_hwpt *b)
{
	return ioas_hwpt_space(a) == ioas_hwpt_space(b);
}

/* Regions of the members before @end out of the space of @hwpt. */
static void members_forget(const struct ioas_attach *a,
			   const struct ioas_list *end,
			   const struct ioas_hwpt *hwpt)
{
	for (struct ioas_list *l = a->members.next; l != end; l = l->next)
		regions_remove(member_of(l)->idev->dev, (uint32_t)a->node.first,
			       hwpt);
}

static int members_reserve(const struct ioas_attach *a,
			   const struct ioas_hwpt *to)
{
	ioas_list_for_each(l, &a->members) {
		int ret = regions_add(member_of(l)->idev->dev,
				      (uint32_t)a->node.first, to);

		if (ret) {
			members_forget(a, l, to);
			return ret;
		}
	}
	return 0;
}

/*
 * The members before @end go back. A driver may have lost what it needs for
 * that: its DMA is blocked, then, until the next replace or detach.
 */
static void members_return(const struct ioas_attach *a,
			   const struct ioas_list *end, struct ioas_hwpt *to)
{
	const uint32_t pasid = (uint32_t)a->node.first;

	for (struct ioas_list *l = a->members.next; l != end; l = l->next) {
		struct ioas_udevice *dev = member_of(l)->idev->dev;

		if (dev->ops->attach(dev, pasid, a->hwpt, to))
			dev->ops->detach(dev, pasid, to);
	}
}

static int members_switch(const struct ioas_attach *a, struct ioas_hwpt *to)
{
	ioas_list_for_each(l, &a->members) {
		int ret = device_attach(member_of(l)->idev->dev,
					(uint32_t)a->node.first, to, a->hwpt);

		if (ret) {
			members_return(a, l, to);
			return ret;
		}
	}
	return 0;
}

/*
 * A fresh HWPT is filled before the devices move, not after as in an attach:
 * the way back from a failure must not lead through a driver.
 */
static int replace_devices(struct change *c, const struct ioas_attach *a,
			   struct ioas_hwpt *to)
{
	const bool moves = !same_space(a->hwpt, to);
	int ret = moves ? members_reserve(a, to) : 0;

	if (ret)
		return ret;
	ret = pasid_check(c->idev, c->pasid, to);
	if (!ret)
		ret = fresh_finish(c, to);
	if (!ret)
		ret = members_switch(a, to);
	if (ret && moves)
		members_forget(a, &a->members, to);
	return ret;
}

static int replace_locked(struct change *c, const struct ioas_igroup *g,
			  struct ioas_hwpt *to) __must_hold(g->lock)
{
	struct ioas_attach *a = attach_find(g, c->pasid);
	struct ioas_hwpt *from;
	int ret;

	if (!a || !member_find(a, c->idev))
		return -EINVAL;
	from = a->hwpt;
	if (from == to)
		return 0;
	ret = replace_devices(c, a, to);
	if (ret)
		return ret;
	a->hwpt = to;
	c->from = from;
	ioas_list_for_each(l, &a->members) {
		if (from->fault)
			ioas_faultq_flush(from->fault, member_of(l)->idev, from,
					  c->pasid);
		ioas_object_hold(&to->obj);
		c->nr_from++;
	}
	if (!same_space(from, to))
		members_forget(a, &a->members, from);
	return 0;
}

/* ---- an IOAS, or an HWPT ------------------------------------------------ */

static int change_run(struct change *c, struct ioas_hwpt *to)
{
	struct ioas_igroup *g = c->idev->dev->group;
	int ret;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	ret = c->replace ? replace_locked(c, g, to) : attach_locked(c, g, to);
	ioas_mutex_unlock(&g->lock);
	return ret;
}

/*
 * Automatic HWPTs in order of creation, up to one that fits: *@out, with a
 * user. Return: 0; -EINVAL: none fits; another error of one.
 */
static int space_try(struct change *c, struct ioas_space *space, bool *refused,
		     struct ioas_hwpt **out) __must_hold(space->lock)
{
	ioas_list_for_each(l, &space->hwpts) {
		struct ioas_hwpt *h =
			ioas_list_entry(l, struct ioas_hwpt, link);
		int ret;

		if (!h->automatic || !ioas_object_tryget(&h->obj))
			continue;
		ret = change_run(c, h);
		if (!ret) {
			*out = h;
			return 0;
		}
		/* In the list, so in memory, while we hold the lock. */
		ioas_object_put(&h->obj);
		*refused = true;
		if (ret != -EINVAL)
			return ret;
	}
	return -EINVAL;
}

/* *@out, with a user, also on error: an HWPT that was made for nothing. */
static int space_fresh(struct change *c, struct ioas_space *space,
		       struct ioas_hwpt **out) __must_hold(space->lock)
{
	int ret = ioas_hwpt_create_auto(space, c->idev->dev, out);

	if (ret)
		return ret;
	ioas_object_hold(&(*out)->obj);
	c->fresh = true;
	return change_run(c, *out);
}

/* An automatic HWPT without users; with one. */
static struct ioas_hwpt *space_idle(struct ioas_space *space)
{
	struct ioas_hwpt *found = NULL;

	ioas_mutex_lock(&space->lock, IOAS_RANK_SPACE);
	ioas_list_for_each(l, &space->hwpts) {
		struct ioas_hwpt *h =
			ioas_list_entry(l, struct ioas_hwpt, link);

		if (h->automatic &&
		    !atomic_load_explicit(&h->obj.users,
					  memory_order_relaxed) &&
		    ioas_object_tryget(&h->obj)) {
			found = h;
			break;
		}
	}
	ioas_mutex_unlock(&space->lock);
	return found;
}

/*
 * While we tried an HWPT and were refused, its last attachment may have ended
 * and left the destruction to us.
 */
static void space_sweep(struct ioas_space *space)
{
	struct ioas_hwpt *h;

	while ((h = space_idle(space)))
		ioas_hwpt_put_attachment(h);
}

/* *@out on success: what was chosen, with a user. */
static int change_space(struct change *c, struct ioas_space *space,
			struct ioas_hwpt **out)
{
	struct ioas_hwpt *h = NULL;
	bool refused = false;
	int ret;

	ioas_mutex_lock(&space->lock, IOAS_RANK_SPACE);
	ret = space_try(c, space, &refused, &h);
	if (ret == -EINVAL)
		ret = space_fresh(c, space, &h);
	ioas_mutex_unlock(&space->lock);
	if (refused)
		space_sweep(space);
	if (!ret) {
		*out = h;
	} else if (c->published) {
		ioas_hwpt_put_attachment(h);
	} else if (h) {
		ioas_object_put(&h->obj);
		ioas_object_abort(&h->obj);
	}
	return ret;
}

static int change_object(struct change *c, struct ioas_object *obj,
			 struct ioas_hwpt **out)
{
	switch (obj->class->type) {
	case IOAS_OBJECT_IOAS:
		return change_space(
			c, ioas_container_of(obj, struct ioas_space, obj), out);
	case IOAS_OBJECT_HWPT_PAGING:
	case IOAS_OBJECT_HWPT_NESTED:
		*out = ioas_hwpt_of(obj);
		ioas_object_hold(obj);
		return change_run(c, *out);
	default:
		return -EINVAL;
	}
}

static int idev_change(struct change *c, uint32_t *pt_id)
{
	struct ioas_object *obj =
		ioas_object_get(c->idev->obj.ictx, *pt_id, IOAS_OBJECT_ANY);
	struct ioas_hwpt *to = NULL;
	int ret;

	if (!obj)
		return -ENOENT;
	ret = change_object(c, obj, &to);
	if (!ret)
		*pt_id = to->obj.id;
	if (to)
		ioas_hwpt_put_attachment(to);
	for (; c->nr_from; c->nr_from--)
		ioas_hwpt_put_attachment(c->from);
	ioas_pt_put(obj);
	return ret;
}

int ioas_idev_attach(struct ioas_idev *idev, uint32_t pasid, uint32_t *pt_id)
{
	struct change c = { .idev = idev, .pasid = pasid };

	return idev_change(&c, pt_id);
}

int ioas_idev_replace(struct ioas_idev *idev, uint32_t pasid, uint32_t *pt_id)
{
	struct change c = { .idev = idev, .pasid = pasid, .replace = true };

	return idev_change(&c, pt_id);
}

/* ---- detach ------------------------------------------------------------- */

/* Return: the HWPT whose user the caller puts; NULL: it was not attached. */
static struct ioas_hwpt *detach_locked(struct ioas_idev *idev,
				       struct ioas_attach *a)
{
	const uint32_t pasid = (uint32_t)a->node.first;
	struct ioas_udevice *dev = idev->dev;
	struct member *m = member_find(a, idev);
	struct ioas_hwpt *hwpt = a->hwpt;

	if (!m)
		return NULL;
	dev->ops->detach(dev, pasid, hwpt);
	if (hwpt->fault)
		ioas_faultq_flush(hwpt->fault, idev, hwpt, pasid);
	regions_remove(dev, pasid, hwpt);
	ioas_list_del(&m->link);
	ioas_free(m, sizeof(*m));
	if (ioas_list_empty(&a->members)) {
		ioas_itree_remove(&dev->group->attaches, &a->node);
		ioas_free(a, sizeof(*a));
	}
	return hwpt;
}

void ioas_idev_detach(struct ioas_idev *idev, uint32_t pasid)
{
	struct ioas_igroup *g = idev->dev->group;
	struct ioas_hwpt *hwpt = NULL;
	struct ioas_attach *a;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	a = attach_find(g, pasid);
	if (a)
		hwpt = detach_locked(idev, a);
	ioas_mutex_unlock(&g->lock);
	if (hwpt)
		ioas_hwpt_put_attachment(hwpt);
}

void ioas_idev_detach_all(struct ioas_idev *idev)
{
	struct ioas_igroup *g = idev->dev->group;
	uint64_t pasid = 0;

	for (bool more = true; more;) {
		struct ioas_hwpt *hwpt = NULL;
		struct ioas_attach *a;

		ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
		a = attach_of(
			ioas_itree_first(&g->attaches, pasid, IOAS_U64_MAX));
		more = a;
		if (a) {
			pasid = a->node.first + 1;
			hwpt = detach_locked(idev, a);
		}
		ioas_mutex_unlock(&g->lock);
		if (hwpt)
			ioas_hwpt_put_attachment(hwpt);
	}
}

/* ---- looking ------------------------------------------------------------ */

static struct ioas_hwpt *hwpt_at(const struct ioas_idev *idev, uint32_t pasid)
{
	const struct ioas_attach *a = attach_find(idev->dev->group, pasid);

	return a && member_find(a, idev) ? a->hwpt : NULL;
}

struct ioas_hwpt *ioas_idev_hwpt(struct ioas_idev *idev, uint32_t pasid)
{
	struct ioas_igroup *g = idev->dev->group;
	struct ioas_hwpt *hwpt;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	hwpt = hwpt_at(idev, pasid);
	if (hwpt)
		ioas_object_hold(&hwpt->obj);
	ioas_mutex_unlock(&g->lock);
	return hwpt;
}

/* The HWPT that answers for *@pasid, and where it is attached (8.4). */
static struct ioas_hwpt *hwpt_answering(const struct ioas_idev *idev,
					uint32_t *pasid)
{
	struct ioas_hwpt *hwpt = hwpt_at(idev, *pasid);

	if (hwpt || !idev->dev->iommu->user_pasid_table)
		return hwpt;
	*pasid = IOAS_PASID_RID;
	hwpt = hwpt_at(idev, IOAS_PASID_RID);
	return hwpt && ioas_hwpt_is_nested(hwpt) ? hwpt : NULL;
}

void ioas_idev_page_request(struct ioas_idev *idev,
			    const struct ioas_page_request *rq)
{
	struct ioas_udevice *dev = idev->dev;
	uint32_t pasid = rq->flags & IOAS_ABI_PGFAULT_FLAGS_PASID_VALID ?
				 rq->pasid :
				 IOAS_PASID_RID;
	struct ioas_hwpt *hwpt;

	ioas_mutex_lock(&dev->group->lock, IOAS_RANK_GROUP);
	hwpt = hwpt_answering(idev, &pasid);
	if ((!hwpt || !hwpt->fault ||
	     ioas_faultq_deliver(hwpt->fault, idev, hwpt, pasid, rq)) &&
	    dev->ops->page_response)
		dev->ops->page_response(dev, rq->pasid, rq->grpid,
					IOAS_ABI_PAGE_RESP_INVALID);
	ioas_mutex_unlock(&dev->group->lock);
}

void ioas_idev_page_flush(struct ioas_idev *idev)
{
	struct ioas_igroup *g = idev->dev->group;
	struct ioas_itree_node *n;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	for (n = ioas_itree_first(&g->attaches, 0, IOAS_U64_MAX); n;
	     n = ioas_itree_next(n, 0, IOAS_U64_MAX)) {
		const struct ioas_attach *a = attach_of(n);

		if (a->hwpt->fault && member_find(a, idev))
			ioas_faultq_flush(a->hwpt->fault, idev, a->hwpt,
					  (uint32_t)n->first);
	}
	ioas_mutex_unlock(&g->lock);
}

/* ---- validate ----------------------------------------------------------- */

static uint32_t members_count(const struct ioas_attach *a)
{
	uint32_t nr = 0;

	ioas_list_for_each(l, &a->members)
		nr++;
	return nr;
}

static uint32_t regions_count(struct ioas *ioas, const void *owner)
{
	struct ioas_itree_node *n;
	uint32_t nr = 0;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	n = ioas_itree_first(&ioas->reserved, 0, IOAS_U64_MAX);
	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX))
		nr += ioas_container_of(n, struct ioas_iova_entry, node)
			      ->owner == owner;
	ioas_read_unlock(&ioas->iova_lock);
	return nr;
}

/* G3: in the space of its RID, and in no other. */
static unsigned int regions_validate(const struct ioas_idev *idev)
{
	struct ioas_context *core = &idev->obj.ictx->core;
	const struct ioas_hwpt *hwpt = hwpt_at(idev, IOAS_PASID_RID);
	unsigned int bad = 0;

	ioas_read_lock(&core->create_lock, IOAS_RANK_CONTEXT);
	ioas_list_for_each(l, &core->spaces) {
		struct ioas *ioas = ioas_list_entry(l, struct ioas, link);
		const uint32_t nr = regions_count(ioas, idev->dev);

		if (hwpt && ioas_hwpt_space(hwpt)->ioas == ioas)
			bad += IOAS_CHECK(nr != idev->dev->nr_reserved);
		else
			bad += IOAS_CHECK(nr);
	}
	ioas_read_unlock(&core->create_lock);
	return bad;
}

/* Users that the group alone is of @hwpt. */
static uint32_t users_count(const struct ioas_igroup *g,
			    const struct ioas_hwpt *hwpt)
{
	struct ioas_itree_node *n =
		ioas_itree_first(&g->attaches, 0, IOAS_U64_MAX);
	uint32_t nr = 0;

	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX))
		if (attach_of(n)->hwpt == hwpt)
			nr += members_count(attach_of(n));
	return nr;
}

static unsigned int attach_validate(const struct ioas_igroup *g,
				    const struct ioas_attach *a)
{
	const struct ioas_attach *rid = attach_find(g, IOAS_PASID_RID);
	const uint32_t users = atomic_load(&a->hwpt->obj.users);
	unsigned int bad = 0;

	/* G1 */
	bad += IOAS_CHECK(attach_find(g, (uint32_t)a->node.first) != a);
	bad += IOAS_CHECK(ioas_list_empty(&a->members));
	bad += IOAS_CHECK(users == IOAS_OBJECT_DEAD ||
			  users < users_count(g, a->hwpt)); /* G2 */
	ioas_list_for_each(l, &a->members) {
		const struct ioas_idev *idev = member_of(l)->idev;

		bad += IOAS_CHECK(idev->dev->group != g ||
				  member_find(a, idev) != member_of(l));
	}
	if (a->node.first != IOAS_PASID_RID) /* G4 */
		bad += IOAS_CHECK(!a->hwpt->pasid ||
				  (rid && !rid->hwpt->pasid));
	return bad;
}

unsigned int ioas_igroup_validate(struct ioas_igroup *g)
{
	struct ioas_itree_node *n;
	unsigned int bad = 0;

	ioas_mutex_lock(&g->lock, IOAS_RANK_GROUP);
	bad += IOAS_CHECK(!ioas_itree_validate(&g->attaches));
	n = ioas_itree_first(&g->attaches, 0, IOAS_U64_MAX);
	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX))
		bad += attach_validate(g, attach_of(n));
	ioas_list_for_each(l, &g->devices)
		bad += regions_validate(
			ioas_list_entry(l, struct ioas_idev, link));
	ioas_mutex_unlock(&g->lock);
	return bad;
}
