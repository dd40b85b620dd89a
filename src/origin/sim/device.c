/* SPDX-License-Identifier: MIT */
/*
 * device: memory of a device, which its exporter may take back
 *
 *   usable --ioas_sim_revoke()--> revoking --every watcher called--> revoked
 *            lock(exporter)                                      unlock
 *
 * A pin answers with the frames, all in one run, and counts nothing
 * (docs/reference/ioas-core.md 16). While the watchers are being called it
 * still answers: the core may be filling one pages object while another is
 * told. Once all have been told, nobody may ask: that is a violation.
 *
 * Locks: exporter (IOAS_RANK_EXPORTER) guards the watchers, and is held while
 * they are called, so that withdrawing one waits until its call is over. It is
 * taken outside the core's pages locks. sim->lock guards the state.
 */
#include "base/bits.h"
#include "origin/sim/internal.h"

struct watcher {
	struct ioas_list link; /* device->watchers */
	void (*revoke)(void *data);
	void *data;
};

enum device_state {
	DEVICE_USABLE,
	DEVICE_REVOKING,
	DEVICE_REVOKED,
};

struct device {
	struct ioas_sim_origin so;
	/* Set once. */
	struct ioas_sim_window *window;
	struct ioas_mutex exporter;
	/* Under exporter. */
	struct ioas_list watchers;
	/* Under sim->lock. */
	enum device_state state;
};

static struct device *so_device(struct ioas_sim_origin *so)
{
	return ioas_container_of(so, struct device, so);
}

static struct device *origin_device(struct ioas_origin *o)
{
	return o->ops == &ioas_sim_device_ops ? so_device(sim_origin(o)) : NULL;
}

static int device_at(struct ioas_sim_origin *so, uint64_t page,
		     unsigned int flags, ioas_pfn_t *pfn)
{
	struct ioas_sim_window *w = so_device(so)->window;

	(void)flags;
	if (page >= w->nr)
		return -EFAULT;
	*pfn = w->first + page;
	return 0;
}

static int device_pin(struct ioas_sim_answer *a)
{
	struct device *d = so_device(a->so);
	uint64_t page = a->rq->first;
	ioas_pfn_t pfn;
	uint64_t nr;

	sim_held(a->sim);
	if (device_at(a->so, page, 0, &pfn))
		return -EINVAL;
	if (d->state == DEVICE_REVOKED)
		breach_note(&a->breach, "pin of revoked memory", pfn);
	/* Nothing is pinned, so nothing can run short. */
	a->limit = a->rq->nr;
	nr = ioas_sim_answer_room(a, pfn, d->window->nr - page);
	if (nr)
		ioas_sim_answer_run(a, pfn, nr);
	return 0;
}

static const struct ioas_sim_kind device_kind = {
	.pin = device_pin,
	.at = device_at,
};

/* Change the state, or the number of watchers by @more. */
static void device_note(struct device *d, enum device_state state, int more)
{
	sim_lock(d->so.sim);
	d->state = state;
	d->so.watchers += (uint64_t)(int64_t)more;
	sim_unlock(d->so.sim);
}

static enum device_state device_state(struct device *d)
{
	enum device_state state;

	sim_lock(d->so.sim);
	state = d->state;
	sim_unlock(d->so.sim);
	return state;
}

static void watcher_free(struct device *d, struct watcher *w)
{
	ioas_assert_held(&d->exporter);
	ioas_list_del(&w->link);
	ioas_plat_free(w, sizeof(*w));
	device_note(d, device_state(d), -1);
}

/* Withdrawing one that was called already, or never came, is harmless. */
static void watcher_withdraw(struct device *d, const void *data)
{
	ioas_list_for_each(l, &d->watchers) {
		struct watcher *w = ioas_list_entry(l, struct watcher, link);

		if (w->data == data) {
			watcher_free(d, w);
			return;
		}
	}
}

static int watcher_add(struct device *d, void (*revoke)(void *data),
		       void *data)
{
	struct watcher *w;

	if (device_state(d) != DEVICE_USABLE)
		return -ENODEV;
	w = ioas_alloc(sizeof(*w), IOAS_FP_ALLOC_LIST);
	if (!w)
		return -ENOMEM;
	w->revoke = revoke;
	w->data = data;
	ioas_list_add_tail(&d->watchers, &w->link);
	device_note(d, DEVICE_USABLE, 1);
	return 0;
}

static int device_watch(struct ioas_origin *o, void (*revoke)(void *data),
			void *data)
{
	struct device *d = origin_device(o);
	int ret = 0;

	ioas_mutex_lock(&d->exporter, IOAS_RANK_EXPORTER);
	if (revoke)
		ret = watcher_add(d, revoke, data);
	else
		watcher_withdraw(d, data);
	ioas_mutex_unlock(&d->exporter);
	return ret;
}

static void device_destroy(struct ioas_origin *o)
{
	struct device *d = origin_device(o);
	struct ioas_sim *sim = d->so.sim;

	ioas_sim_origin_fini(&d->so);
	ioas_mutex_lock(&d->exporter, IOAS_RANK_EXPORTER);
	while (!ioas_list_empty(&d->watchers))
		watcher_free(d, ioas_list_entry(d->watchers.next,
						struct watcher, link));
	ioas_mutex_unlock(&d->exporter);
	sim_lock(sim);
	ioas_sim_window_put(sim, d->window);
	sim_unlock(sim);
	ioas_plat_free(d, sizeof(*d));
}

const struct ioas_origin_ops ioas_sim_device_ops = {
	.name = "sim device",
	.pin = ioas_sim_op_pin,
	.unpin = ioas_sim_op_unpin,
	.pointer = ioas_sim_op_pointer,
	.watch = device_watch,
	.destroy = device_destroy,
};

int ioas_sim_device_create(struct ioas_sim *sim, uint64_t nr_pages,
			   struct ioas_origin **out)
{
	struct device *d;
	int ret;

	if (!nr_pages)
		return -EINVAL;
	d = ioas_plat_zalloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	ioas_list_init(&d->watchers);
	sim_lock(sim);
	ret = ioas_sim_window_create(sim, nr_pages, true, &d->window);
	sim_unlock(sim);
	if (ret) {
		ioas_plat_free(d, sizeof(*d));
		return ret;
	}
	ioas_sim_origin_init(&d->so, sim, &ioas_sim_device_ops, &device_kind);
	d->so.o.flags = IOAS_ORIGIN_DEVICE;
	*out = &d->so.o;
	return 0;
}

void ioas_sim_revoke(struct ioas_origin *o)
{
	struct device *d = origin_device(o);

	if (IOAS_CHECK(!d))
		return;
	ioas_mutex_lock(&d->exporter, IOAS_RANK_EXPORTER);
	if (device_state(d) != DEVICE_USABLE)
		goto out_unlock;
	device_note(d, DEVICE_REVOKING, 0);
	while (!ioas_list_empty(&d->watchers)) {
		struct watcher *w = ioas_list_entry(d->watchers.next,
						    struct watcher, link);

		w->revoke(w->data);
		watcher_free(d, w);
	}
	device_note(d, DEVICE_REVOKED, 0);
out_unlock:
	ioas_mutex_unlock(&d->exporter);
}

bool ioas_sim_revoked(struct ioas_origin *o)
{
	struct device *d = origin_device(o);

	return !IOAS_CHECK(!d) && device_state(d) != DEVICE_USABLE;
}
