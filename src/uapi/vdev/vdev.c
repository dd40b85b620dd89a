/* SPDX-License-Identifier: MIT */
/*
 * vdev: functions and their groups come and go, and are looked at
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

int ioas_vgroup_init(struct ioas_vgroup *g, struct ioas_uapi *uapi, uint32_t id)
{
	*g = (struct ioas_vgroup){ .uapi = uapi, .id = id };
	ioas_list_init(&g->vdevs);
	g->igroup = ioas_igroup_create();
	return g->igroup ? 0 : -ENOMEM;
}

void ioas_vgroup_fini(struct ioas_vgroup *g)
{
	IOAS_CHECK(!ioas_list_empty(&g->vdevs) || g->opened || g->container ||
		   g->nr_devices);
	ioas_igroup_put(g->igroup);
}

void ioas_vdev_init(struct ioas_vdev *v, struct ioas_vgroup *g)
{
	IOAS_CHECK(v->msix_first % sizeof(uint64_t) ||
		   v->msix_length % sizeof(uint64_t));
	v->vgroup = g;
	v->dev.group = g->igroup;
	v->users = 0;
	v->idev = NULL;
	ioas_list_init(&v->attaching);
	atomic_store_explicit(&v->nr_files, 0, memory_order_relaxed);
	ioas_list_init(&v->ioeventfds);
	v->nr_ioeventfds = 0;
	v->irqs = (struct ioas_vdev_irqs){ .index = IOAS_VDEV_IRQ_NONE };
	ioas_list_add_tail(&g->vdevs, &v->link);
}

void ioas_vdev_fini(struct ioas_vdev *v)
{
	IOAS_CHECK(atomic_load_explicit(&v->nr_files, memory_order_acquire));
	IOAS_CHECK(v->users || v->idev || !ioas_list_empty(&v->attaching));
	ioas_list_del(&v->link);
}

/* ---- validation --------------------------------------------------------- */

/* Eventfds where none may be. */
static bool events_stray(const struct ioas_vdev_irqs *q)
{
	for (uint32_t i = q->nr; i < q->nr_events; i++)
		if (q->events[i])
			return true;
	return false;
}

static bool irqs_sound(struct ioas_vdev *v)
{
	struct ioas_vdev_irqs *q = &v->irqs;
	bool sound;

	ioas_mutex_lock(&q->lock, IOAS_RANK_IRQ);
	if (q->index == IOAS_VDEV_IRQ_NONE)
		sound = !q->nr && !q->events && !q->nr_events;
	else
		sound = v->users && q->events &&
			q->index <= IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX && q->nr &&
			q->nr <= q->nr_events &&
			q->nr_events == v->nr_irqs[q->index] &&
			!events_stray(q);
	if (!v->users && (q->err || q->req))
		sound = false;
	ioas_mutex_unlock(&q->lock);
	return sound;
}

static unsigned int vdev_validate(struct ioas_vgroup *g, struct ioas_vdev *v)
	__must_hold(g->lock)
{
	unsigned int bad = 0;

	ioas_assert_held(&g->lock);
	bad += IOAS_CHECK(!v->users != !v->idev); /* D1 */
	bad += IOAS_CHECK(!g->opened && v->users > 1); /* D2 */
	bad += IOAS_CHECK(g->opened && v->users && !g->container); /* D2 */
	bad += IOAS_CHECK(!irqs_sound(v)); /* D3 */
	bad += IOAS_CHECK(!v->users && (v->nr_ioeventfds || v->irqs.unmask));
	return bad;
}

unsigned int ioas_vgroup_validate(struct ioas_vgroup *g)
{
	uint64_t users = 0;
	unsigned int bad = 0;

	ioas_vgroup_lock(g);
	ioas_list_for_each(l, &g->vdevs) {
		struct ioas_vdev *v =
			ioas_list_entry(l, struct ioas_vdev, link);

		bad += vdev_validate(g, v);
		users += v->users;
	}
	bad += IOAS_CHECK(g->opened && users > g->nr_devices);
	ioas_vgroup_unlock(g);
	return bad + ioas_igroup_validate(g->igroup);
}
