/* SPDX-License-Identifier: MIT */
/*
 * veventq: VEVENTQ_ALLOC and its file (iommufd-uapi 6.20, 9)
 *
 * Invariants, while q->lock is free:
 *  E1  nr is the number of elements of the list beside the LOST one, and not
 *      above depth;
 *  E2  the LOST element is not in the list, or its last;
 *  E3  sequences ascend along the list, modulo 2^31.
 *
 * The file is part of the object. While it is open it is a user of the object
 * and holds the context, so the last thing a release does is to put both.
 *
 * From its creation on a queue is in its VIOMMU's list, where reports find it:
 * that is what keeps a second one of its type from being made. Events that come
 * before the program has the descriptor wait for it. A report holds the lock of
 * the VIOMMU throughout and needs no reference: under it a queue leaves the
 * list.
 *
 * A read does not hold the lock while it writes to the program, and removes the
 * head only if it is what was written: a LOST element may have been overtaken
 * by a normal one, or got a new number. Normal ones stay, as only reads remove
 * them, and reads take turns.
 */
#include "uapi/veventq.h"

#include "base/errno.h"
#include "base/mem.h"
#include "seam/fault.h"
#include "uapi/command.h"

#define SEQUENCE_MAX 0x7fffffffu

/* The record is the header and what follows it in memory. */
struct event {
	struct ioas_list link;
	/* Of the record. */
	size_t length;
	struct ioas_abi_vevent_header header;
};

_Static_assert(sizeof(struct event) ==
		       offsetof(struct event, header) +
			       sizeof(struct ioas_abi_vevent_header),
	       "data begin where the header ends");

struct veventq {
	struct ioas_object obj;
	struct ioas_ufile file;
	/* Set once. A user of @viommu. */
	struct ioas_viommu *viommu;
	uint32_t type;
	uint32_t depth;
	/* In viommu->veventqs. Guarded by viommu->lock. */
	struct ioas_list link;

	struct ioas_mutex reader;
	struct ioas_mutex lock;
	/* struct event; the rest, too, is guarded by lock. */
	struct ioas_list events;
	uint32_t nr;
	/* Of the next event. */
	uint32_t sequence;
	/* In events, if not empty. Its own, as there may be no memory. */
	struct event lost;
	/* @file is referenced. */
	bool open;
};

static struct veventq *veventq_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct veventq, link);
}

static struct veventq *file_queue(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct veventq, file);
}

/* ---- reports ------------------------------------------------------------ */

static struct veventq *veventq_find(struct ioas_viommu *v, uint32_t type)
	__must_hold(v->lock)
{
	ioas_assert_held(&v->lock);
	ioas_list_for_each(l, &v->veventqs)
		if (veventq_of(l)->type == type)
			return veventq_of(l);
	return NULL;
}

static struct event *event_create(const void *data, uint32_t length)
{
	struct event *ev =
		ioas_alloc(sizeof(*ev) + length, IOAS_FP_ALLOC_LIST);

	if (!ev)
		return NULL;
	ev->length = sizeof(ev->header) + length;
	ev->header = (struct ioas_abi_vevent_header){ 0 };
	if (length)
		memcpy(ev + 1, data, length);
	return ev;
}

static void event_destroy(struct event *ev)
{
	ioas_free(ev, sizeof(*ev) - sizeof(ev->header) + ev->length);
}

/* The next number, also of what is lost. */
static uint32_t sequence_take(struct veventq *q) __must_hold(q->lock)
{
	const uint32_t sequence = q->sequence;

	q->sequence = sequence == SEQUENCE_MAX ? 0 : sequence + 1;
	return sequence;
}

/* 9.2. @data of @length bytes, or the news that they are lost. */
static void event_queue(struct veventq *q, const void *data, uint32_t length)
	__must_hold(q->lock)
{
	struct event *ev = NULL;

	ioas_assert_held(&q->lock);
	if (q->nr < q->depth)
		ev = event_create(data, length);
	if (ev)
		q->nr++;
	else
		ev = &q->lost;
	ev->header.sequence = sequence_take(q);
	/* Obsolete before a normal event; to be updated otherwise. */
	ioas_list_del(&q->lost.link);
	ioas_list_add_tail(&q->events, &ev->link);
}

int ioas_viommu_report(struct ioas_viommu *v, uint32_t type, const void *data,
		       uint32_t length)
{
	const struct ioas_host_ops *host = ioas_host_of(v->obj.ictx);
	struct veventq *q;

	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	q = veventq_find(v, type);
	if (q) {
		ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
		event_queue(q, data, length);
		if (q->open && host->file_changed)
			host->file_changed(v->obj.ictx->uapi->host, &q->file);
		ioas_mutex_unlock(&q->lock);
	}
	ioas_mutex_unlock(&v->lock);
	return q ? 0 : -EOPNOTSUPP;
}

/* ---- the file ----------------------------------------------------------- */

/* The head, and its header as it is now; NULL: empty. */
static struct event *head_peek(struct veventq *q,
			       struct ioas_abi_vevent_header *header)
{
	struct event *ev = NULL;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	if (!ioas_list_empty(&q->events)) {
		ev = ioas_list_entry(q->events.next, struct event, link);
		*header = ev->header;
	}
	ioas_mutex_unlock(&q->lock);
	return ev;
}

/* @ev was delivered with @sequence: remove it, unless it has changed. */
static void head_remove(struct veventq *q, struct event *ev, uint32_t sequence)
{
	bool same;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	same = q->events.next == &ev->link && ev->header.sequence == sequence;
	if (same)
		ioas_list_del(&ev->link);
	if (ev != &q->lost)
		q->nr--;
	ioas_mutex_unlock(&q->lock);
	if (ev == &q->lost || IOAS_CHECK(!same))
		return;
	event_destroy(ev);
}

/* One element. Its bytes; 0: there is none that fits; -EFAULT. */
static int64_t element_read(struct veventq *q, uint64_t dst, uint64_t room)
	__must_hold(q->reader)
{
	struct ioas_abi_vevent_header header;
	struct event *ev = head_peek(q, &header);
	const void *record = &header;
	int ret;

	ioas_assert_held(&q->reader);
	if (!ev || ev->length > room)
		return 0;
	/* Normal elements do not change; the LOST one is its header. */
	if (ev != &q->lost)
		record = (const uint8_t *)ev + offsetof(struct event, header);
	ret = ioas_copy_to(dst, record, ev->length);
	if (ret)
		return ret;
	room = ev->length;
	head_remove(q, ev, header.sequence);
	return (int64_t)room;
}

/* Bounded: each element takes 8 bytes or more of the program's count. */
static int64_t veventq_read(struct ioas_ufile *f, uint64_t buffer,
			    uint64_t count)
{
	struct veventq *q = file_queue(f);
	int64_t n, done = 0;

	count = ioas_min(count, INT64_MAX);
	ioas_mutex_lock(&q->reader, IOAS_RANK_READER);
	do {
		n = element_read(q, buffer + (uint64_t)done,
				 count - (uint64_t)done);
		if (n > 0)
			done += n;
	} while (n > 0);
	ioas_mutex_unlock(&q->reader);
	return done ? done : n;
}

static uint32_t veventq_poll(struct ioas_ufile *f)
{
	struct veventq *q = file_queue(f);
	bool empty;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	empty = ioas_list_empty(&q->events);
	ioas_mutex_unlock(&q->lock);
	return empty ? 0 : IOAS_POLLIN | IOAS_POLLRDNORM;
}

static void veventq_release(struct ioas_ufile *f)
{
	struct veventq *q = file_queue(f);
	struct ioas_iommufd *ictx = q->obj.ictx;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	q->open = false;
	ioas_mutex_unlock(&q->lock);
	ioas_object_put(&q->obj);
	ioas_iommufd_put(ictx);
}

static const struct ioas_ufile_ops veventq_file_ops = {
	.name = "anon_inode:[iommufd-viommu-event]",
	.read = veventq_read,
	.poll = veventq_poll,
	.release = veventq_release,
};

/* ---- the object --------------------------------------------------------- */

static void veventq_destroy(struct ioas_object *obj)
{
	struct veventq *q = ioas_container_of(obj, struct veventq, obj);
	struct ioas_viommu *v = q->viommu;

	if (!v)
		return;
	IOAS_CHECK(q->open);
	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	ioas_list_del(&q->link);
	ioas_mutex_unlock(&v->lock);
	ioas_list_for_each_safe(l, tmp, &q->events) {
		struct event *ev = ioas_list_entry(l, struct event, link);

		if (ev != &q->lost)
			event_destroy(ev);
	}
	ioas_object_put(&v->obj);
}

static const struct ioas_object_class veventq_class = {
	.type = IOAS_OBJECT_VEVENTQ,
	.size = sizeof(struct veventq),
	.destroy = veventq_destroy,
};

static void veventq_init(struct veventq *q, uint32_t type, uint32_t depth)
{
	q->type = type;
	q->depth = depth;
	ioas_list_init(&q->events);
	ioas_list_init(&q->lost.link);
	q->lost.length = sizeof(q->lost.header);
	q->lost.header.flags = IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS;
}

/* Step 4, and the object, listed. */
static int veventq_create(struct ioas_ucmd *ucmd, struct ioas_viommu *v,
			  struct veventq **out)
{
	const struct ioas_abi_veventq_alloc *cmd = ucmd->cmd;
	struct ioas_object *obj;
	struct veventq *q;
	int ret = -EEXIST;

	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	if (!veventq_find(v, cmd->type))
		ret = ioas_ucmd_object(ucmd, &veventq_class, &obj);
	if (!ret) {
		q = ioas_container_of(obj, struct veventq, obj);
		veventq_init(q, cmd->type, cmd->veventq_depth);
		ioas_object_hold(&v->obj);
		q->viommu = v;
		ioas_list_add_tail(&v->veventqs, &q->link);
		*out = q;
	}
	ioas_mutex_unlock(&v->lock);
	return ret;
}

/* The descriptor. If it fails, the file is released. */
static int veventq_open(struct ioas_ucmd *ucmd, struct veventq *q, int32_t *fd)
{
	ioas_ufile_init(&q->file, &veventq_file_ops);
	ioas_object_hold(&q->obj);
	ioas_iommufd_get(ucmd->ictx);
	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	q->open = true;
	ioas_mutex_unlock(&q->lock);
	return ioas_ucmd_file(ucmd, &q->file, IOAS_FD_CLOEXEC, fd);
}

int ioas_cmd_veventq_alloc(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_veventq_alloc *cmd = ucmd->cmd;
	struct ioas_viommu *v;
	struct veventq *q;
	int32_t fd;
	int ret;

	if (cmd->flags || cmd->__reserved || !cmd->type)
		return -EOPNOTSUPP;
	if (!cmd->veventq_depth)
		return -EINVAL;
	v = ioas_viommu_get(ucmd->ictx, cmd->viommu_id);
	if (!v)
		return -ENOENT;
	ret = veventq_create(ucmd, v, &q);
	ioas_object_put(&v->obj);
	if (!ret)
		ret = veventq_open(ucmd, q, &fd);
	if (ret)
		return ret;
	cmd->out_veventq_id = q->obj.id;
	cmd->out_veventq_fd = (uint32_t)fd;
	return ioas_ucmd_respond(ucmd);
}
