/* SPDX-License-Identifier: MIT */
/*
 * irqs: where the interrupts of a function go
 * (docs/reference/vfio-device-uapi.md 7)
 *
 *   SET_IRQS --> [events] <--signal-- vector n of MSI, MSI-X
 *                    ^
 *                    '--- INTx:  line up, unmasked, not disabled
 *                                   --> signal, and masked
 *                                masked --UNMASK--> line still up? again
 *
 *   index   none --EVENTFD--> INTx | MSI | MSI-X --NONE, 0--> none
 *
 * A set of one request is not atomic, as the reference has it: on an error the
 * vectors of the request up to the bad one have no eventfd. An eventfd that
 * unmasks is watched by the host; it is not among those that are signalled.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

#define INTX IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX
#define MSI IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX
#define MSIX IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX
#define DATA_NONE IOAS_ABI_VFIO_IRQ_SET_DATA_NONE
#define DATA_BOOL IOAS_ABI_VFIO_IRQ_SET_DATA_BOOL
#define DATA_EVENTFD IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD
#define DATA IOAS_ABI_VFIO_IRQ_SET_DATA_TYPE_MASK
#define ACTION IOAS_ABI_VFIO_IRQ_SET_ACTION_TYPE_MASK
#define HEAD ((uint32_t)sizeof(struct ioas_abi_vfio_device_set_irqs))

/* A request, checked as far as all of them are. */
struct request {
	uint32_t data;
	uint32_t action;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* Of which there are count; NULL: none. */
	const uint8_t *bools;
	const int32_t *fds;
};

static void irqs_lock(struct ioas_vdev *v) __acquires(v->irqs.lock)
{
	ioas_mutex_lock(&v->irqs.lock, IOAS_RANK_IRQ);
}

static void irqs_unlock(struct ioas_vdev *v) __releases(v->irqs.lock)
{
	ioas_mutex_unlock(&v->irqs.lock);
}

/* Does sub-index @i of the request get what is asked? */
static bool selected(const struct request *rq, uint32_t i)
{
	return rq->data == DATA_NONE || (rq->bools && rq->bools[i]);
}

/* ---- eventfds ----------------------------------------------------------- */

static void event_put(struct ioas_vdev *v, struct ioas_uevent *event)
{
	struct ioas_host *host = ioas_vdev_host(v);

	if (event)
		host->ops->event_put(host, event);
}

/* Below 0 is nobody. Return: 0, -EBADF, -EINVAL, -ENOMEM, -EOPNOTSUPP. */
static int event_get(struct ioas_vdev *v, int32_t fd, struct ioas_uevent **out)
{
	struct ioas_host *host = ioas_vdev_host(v);

	*out = NULL;
	if (fd < 0)
		return 0;
	if (!host->ops->event_get)
		return -EOPNOTSUPP;
	if (ioas_fault_point(IOAS_FP_FD))
		return -ENOMEM;
	return host->ops->event_get(host, fd, out);
}

/* Takes the reference of @event; what was there is put. */
static void slot_set(struct ioas_vdev *v, struct ioas_uevent **slot,
		     struct ioas_uevent *event)
{
	struct ioas_uevent *old;

	irqs_lock(v);
	old = *slot;
	*slot = event;
	irqs_unlock(v);
	event_put(v, old);
}

static void event_signal(struct ioas_vdev *v, struct ioas_uevent *event)
	__must_hold(v->irqs.lock)
{
	struct ioas_host *host = ioas_vdev_host(v);

	ioas_assert_held(&v->irqs.lock);
	if (event)
		host->ops->event_signal(host, event);
}

static void slot_signal(struct ioas_vdev *v, struct ioas_uevent **slot)
{
	irqs_lock(v);
	event_signal(v, *slot);
	irqs_unlock(v);
}

/* ---- an index is enabled, or none --------------------------------------- */

static void changed(struct ioas_vdev *v, uint32_t index, uint32_t nr)
{
	if (v->ops->irqs_changed)
		v->ops->irqs_changed(v, index, nr);
}

/* @nr vectors of @index, none of which goes anywhere. */
static int index_enable(struct ioas_vdev *v, uint32_t index, uint32_t nr)
{
	struct ioas_vdev_irqs *q = &v->irqs;
	const uint32_t room = v->nr_irqs[index];
	struct ioas_uevent **events =
		ioas_zalloc(room * sizeof(*events), IOAS_FP_ALLOC_LIST);

	if (!events)
		return -ENOMEM;
	irqs_lock(v);
	q->index = index;
	q->nr = nr;
	q->events = events;
	q->nr_events = room;
	q->masked = false;
	irqs_unlock(v);
	changed(v, index, nr);
	return 0;
}

/* What is watched calls with the lock that guards the mask, so none is held. */
static void unmask_forget(struct ioas_vdev *v)
{
	struct ioas_host *host = ioas_vdev_host(v);

	if (!v->irqs.unmask)
		return;
	host->ops->event_unwatch(host, v->irqs.unmask, v, v);
	event_put(v, v->irqs.unmask);
	v->irqs.unmask = NULL;
}

static void index_disable(struct ioas_vdev *v)
{
	struct ioas_vdev_irqs *q = &v->irqs;
	struct ioas_uevent **events;
	uint32_t nr;

	if (q->index == IOAS_VDEV_IRQ_NONE)
		return;
	unmask_forget(v);
	irqs_lock(v);
	events = q->events;
	nr = q->nr_events;
	q->index = IOAS_VDEV_IRQ_NONE;
	q->nr = 0;
	q->events = NULL;
	q->nr_events = 0;
	irqs_unlock(v);
	for (uint32_t i = 0; i < nr; i++)
		event_put(v, events[i]);
	ioas_free(events, nr * sizeof(struct ioas_uevent *));
	changed(v, IOAS_VDEV_IRQ_NONE, 0);
}

void ioas_vdev_irqs_fini(struct ioas_vdev *v)
{
	index_disable(v);
	slot_set(v, &v->irqs.err, NULL);
	slot_set(v, &v->irqs.req, NULL);
}

/* ---- INTx --------------------------------------------------------------- */

/* The line is up and nothing is in the way: once, until it is unmasked. */
static void intx_deliver(struct ioas_vdev *v) __must_hold(v->irqs.lock)
{
	struct ioas_vdev_irqs *q = &v->irqs;

	ioas_assert_held(&q->lock);
	if (q->index != INTX || !q->line || q->masked || q->disabled)
		return;
	q->masked = true;
	event_signal(v, q->events[0]);
}

static int intx_set(struct ioas_vdev *v, const struct request *rq)
{
	struct ioas_uevent *event;
	int ret = event_get(v, rq->fds[0], &event);

	if (ret)
		return ret;
	if (v->irqs.index != INTX)
		ret = index_enable(v, INTX, 1);
	if (ret) {
		event_put(v, event);
		return ret;
	}
	slot_set(v, &v->irqs.events[0], event);
	irqs_lock(v);
	intx_deliver(v);
	irqs_unlock(v);
	return 0;
}

static int intx_trigger(struct ioas_vdev *v, const struct request *rq)
{
	const uint32_t index = v->irqs.index;

	if (rq->data == DATA_NONE && !rq->count && index == INTX) {
		index_disable(v);
		return 0;
	}
	if (rq->start || rq->count != 1 ||
	    (index != INTX && index != IOAS_VDEV_IRQ_NONE))
		return -EINVAL;
	if (rq->data == DATA_EVENTFD)
		return intx_set(v, rq);
	if (index != INTX)
		return -EINVAL;
	if (selected(rq, 0))
		slot_signal(v, &v->irqs.events[0]);
	return 0;
}

static int intx_mask(struct ioas_vdev *v, const struct request *rq)
{
	if (v->irqs.index != INTX || rq->start || rq->count != 1)
		return -EINVAL;
	if (rq->data == DATA_EVENTFD)
		return -ENOTTY;
	irqs_lock(v);
	if (selected(rq, 0))
		v->irqs.masked = true;
	irqs_unlock(v);
	return 0;
}

static void intx_open(void *ctx)
{
	struct ioas_vdev *v = ctx;

	irqs_lock(v);
	v->irqs.masked = false;
	intx_deliver(v);
	irqs_unlock(v);
}

/* 7.3: an eventfd that unmasks, or none. */
static int unmask_set(struct ioas_vdev *v, int32_t fd)
{
	struct ioas_host *host = ioas_vdev_host(v);
	struct ioas_uevent *event;
	int ret;

	if (fd < 0) {
		unmask_forget(v);
		return 0;
	}
	if (!host->ops->event_watch)
		return -EOPNOTSUPP;
	ret = event_get(v, fd, &event);
	if (ret)
		return ret;
	ret = v->irqs.unmask ? -EBUSY :
			       host->ops->event_watch(host, event, v, intx_open,
						      v);
	if (ret)
		event_put(v, event);
	else
		v->irqs.unmask = event;
	return ret;
}

static int intx_unmask(struct ioas_vdev *v, const struct request *rq)
{
	if (v->irqs.index != INTX || rq->start || rq->count != 1)
		return -EINVAL;
	if (rq->data == DATA_EVENTFD)
		return unmask_set(v, rq->fds[0]);
	if (selected(rq, 0))
		intx_open(v);
	return 0;
}

/* ---- MSI and MSI-X ------------------------------------------------------ */

/* Beyond those enabled: MSI-X gets one more. */
static int vector_add(struct ioas_vdev *v, uint32_t vector)
{
	if (v->irqs.index != MSIX)
		return -EINVAL;
	irqs_lock(v);
	v->irqs.nr = vector + 1;
	irqs_unlock(v);
	changed(v, MSIX, vector + 1);
	return 0;
}

static int vector_set(struct ioas_vdev *v, uint32_t vector, int32_t fd)
{
	struct ioas_uevent *event;
	int ret;

	if (vector >= v->irqs.nr && v->irqs.index != MSIX)
		return -EINVAL;
	ret = event_get(v, fd, &event);
	if (ret)
		return ret;
	if (event && vector >= v->irqs.nr)
		ret = vector_add(v, vector);
	if (ret)
		event_put(v, event);
	else
		slot_set(v, &v->irqs.events[vector], event);
	return ret;
}

/* What was set before a vector that could not be goes with it. */
static int vectors_set(struct ioas_vdev *v, const struct request *rq)
{
	for (uint32_t i = 0; i < rq->count; i++) {
		int ret = vector_set(v, rq->start + i, rq->fds[i]);

		if (!ret)
			continue;
		for (uint32_t k = 0; k <= i; k++)
			slot_set(v, &v->irqs.events[rq->start + k], NULL);
		return ret;
	}
	return 0;
}

static int vectors_first_set(struct ioas_vdev *v, const struct request *rq)
{
	int ret;

	/* No vector at all is not enabled. */
	if (!(rq->start + rq->count))
		return -EINVAL;
	ret = index_enable(v, rq->index, rq->start + rq->count);
	if (ret)
		return ret;
	ret = vectors_set(v, rq);
	if (ret)
		index_disable(v);
	return ret;
}

static int vectors_trigger(struct ioas_vdev *v, const struct request *rq)
{
	const uint32_t index = v->irqs.index;

	if (rq->data == DATA_NONE && !rq->count && index == rq->index) {
		index_disable(v);
		return 0;
	}
	if (index != rq->index && index != IOAS_VDEV_IRQ_NONE)
		return -EINVAL;
	if (rq->data == DATA_EVENTFD)
		return index == rq->index ? vectors_set(v, rq) :
					    vectors_first_set(v, rq);
	if (index != rq->index)
		return -EINVAL;
	for (uint32_t i = 0; i < rq->count; i++)
		if (selected(rq, i))
			slot_signal(v, &v->irqs.events[rq->start + i]);
	return 0;
}

/* ---- ERR and REQ -------------------------------------------------------- */

static int single_set(struct ioas_vdev *v, struct ioas_uevent **slot,
		      int32_t fd)
{
	struct ioas_uevent *event;
	int ret = fd < -1 ? -EINVAL : event_get(v, fd, &event);

	if (!ret)
		slot_set(v, slot, event);
	return ret;
}

static int single_trigger(struct ioas_vdev *v, struct ioas_uevent **slot,
			  const struct request *rq)
{
	if (rq->start || rq->count > 1)
		return -EINVAL;
	if (rq->data == DATA_NONE && !*slot)
		return -EINVAL;
	if (rq->data == DATA_NONE && !rq->count) {
		slot_set(v, slot, NULL);
		return 0;
	}
	if (!rq->count)
		return -EINVAL;
	if (rq->data == DATA_EVENTFD)
		return single_set(v, slot, rq->fds[0]);
	if (selected(rq, 0))
		slot_signal(v, slot);
	return 0;
}

/* ---- the request -------------------------------------------------------- */

static int perform(struct ioas_vdev *v, const struct request *rq)
	__must_hold(v->vgroup->lock)
{
	const bool trigger = rq->action == IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER;

	switch (rq->index) {
	case INTX:
		if (rq->action == IOAS_ABI_VFIO_IRQ_SET_ACTION_MASK)
			return intx_mask(v, rq);
		if (rq->action == IOAS_ABI_VFIO_IRQ_SET_ACTION_UNMASK)
			return intx_unmask(v, rq);
		return trigger ? intx_trigger(v, rq) : -ENOTTY;
	case MSI:
	case MSIX:
		return trigger ? vectors_trigger(v, rq) : -ENOTTY;
	case IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX:
		return trigger ? single_trigger(v, &v->irqs.err, rq) : -ENOTTY;
	default:
		return trigger ? single_trigger(v, &v->irqs.req, rq) : -ENOTTY;
	}
}

/* Steps 2 to 4 of 7.1; bytes of data in *@length. */
static int request_check(const struct ioas_vdev *v,
			 const struct ioas_abi_vfio_device_set_irqs *s,
			 uint32_t *length)
{
	uint32_t nr;

	if (s->argsz < HEAD || s->index >= IOAS_ABI_VFIO_PCI_NUM_IRQS ||
	    s->count >= UINT32_MAX - s->start || s->flags & ~(DATA | ACTION))
		return -EINVAL;
	nr = v->nr_irqs[s->index];
	if (s->start >= nr || s->start + s->count > nr)
		return -EINVAL;
	switch (s->flags & DATA) {
	case DATA_NONE:
		*length = 0;
		break;
	case DATA_BOOL:
		*length = s->count;
		break;
	case DATA_EVENTFD:
		*length = s->count * (uint32_t)sizeof(int32_t);
		break;
	default:
		return -EINVAL;
	}
	return s->argsz - HEAD < *length ? -EINVAL : 0;
}

static int request_run(struct ioas_vdev *v,
		       const struct ioas_abi_vfio_device_set_irqs *s,
		       const void *data)
{
	const struct request rq = {
		.data = s->flags & DATA,
		.action = s->flags & ACTION,
		.index = s->index,
		.start = s->start,
		.count = s->count,
		.bools = s->flags & DATA_BOOL ? data : NULL,
		.fds = s->flags & DATA_EVENTFD ? data : NULL,
	};
	int ret;

	ioas_vgroup_lock(v->vgroup);
	ret = perform(v, &rq);
	ioas_vgroup_unlock(v->vgroup);
	return ret;
}

int64_t ioas_vdev_set_irqs(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_set_irqs s;
	uint32_t length;
	void *data = NULL;
	int ret = ioas_copy_from(&s, arg, HEAD);

	if (!ret)
		ret = request_check(f->v, &s, &length);
	if (ret)
		return ret;
	/* As many as the function has interrupts, at most. */
	if (length) {
		data = ioas_alloc(length, IOAS_FP_ALLOC_LIST);
		if (!data)
			return -ENOMEM;
		ret = ioas_copy_from(data, arg + HEAD, length);
	}
	if (!ret)
		ret = request_run(f->v, &s, data);
	if (data)
		ioas_free(data, length);
	return ret;
}

/* ---- from the function -------------------------------------------------- */

bool ioas_vdev_signal(struct ioas_vdev *v, uint32_t vector)
{
	const struct ioas_vdev_irqs *q = &v->irqs;
	bool on;

	irqs_lock(v);
	on = q->index == MSI || q->index == MSIX;
	if (on && vector < q->nr)
		event_signal(v, q->events[vector]);
	irqs_unlock(v);
	return on;
}

void ioas_vdev_intx(struct ioas_vdev *v, bool line)
{
	irqs_lock(v);
	v->irqs.line = line;
	intx_deliver(v);
	irqs_unlock(v);
}

void ioas_vdev_intx_disable(struct ioas_vdev *v, bool disabled)
{
	irqs_lock(v);
	/* Taking the bit back unmasks (7.2): what is still asserted is told. */
	if (v->irqs.disabled && !disabled)
		v->irqs.masked = false;
	v->irqs.disabled = disabled;
	intx_deliver(v);
	irqs_unlock(v);
}

void ioas_vdev_signal_err(struct ioas_vdev *v)
{
	slot_signal(v, &v->irqs.err);
}

void ioas_vdev_signal_req(struct ioas_vdev *v)
{
	slot_signal(v, &v->irqs.req);
}
