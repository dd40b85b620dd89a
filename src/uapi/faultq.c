/* SPDX-License-Identifier: MIT */
/*
 * faultq: page requests, read and answered through a file
 * (docs/reference/iommufd-uapi.md 6.15, 8)
 *
 *   deliver -> queued -> reading -> outstanding -> answered
 *                 ^         |            |
 *                 +--fault--+            | cookie -> group:
 *                                        '- chunk[n / 256] -> slot[n % 256]
 *
 * A request comes alone: it is its group's last page, so that one record is one
 * group.
 *
 * Invariants:
 *  Q1  a group is in one place of the picture, and nr counts them all;
 *  Q2  a cookie is taken exactly while its group is being read or outstanding;
 *  Q3  a group's device and HWPT live: the end of their attachment, which needs
 *      the lock, takes the group away;
 *  Q4  without a file there is no group.
 *
 * A group can be taken away while its record is copied: reading is NULL, then,
 * and the record that the program gets has a cookie that nobody knows. An
 * answer waits for the read to end (reader), so that it knows the cookie.
 */
#include "uapi/faultq.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/command.h"

#define CHUNK_SLOTS 256u
#define CHUNKS (IOAS_FAULTQ_MAX / CHUNK_SLOTS)

struct ioas_fault_group {
	/* In queued or outstanding; empty while it is being read. */
	struct ioas_list link;
	/* In groups, at group_key(). */
	struct ioas_itree_node node;
	/* The attachment that received it. */
	struct ioas_idev *idev;
	struct ioas_hwpt *hwpt;
	uint32_t pasid;
	/* 0: none yet. */
	uint32_t cookie;
	struct ioas_page_request rq;
};

struct chunk {
	struct ioas_fault_group *slot[CHUNK_SLOTS];
	uint32_t nr;
};

/* Cookie n is in slot n - 1. As many as there can be groups. */
struct ioas_fault_cookies {
	/* Chunks below are full. */
	uint32_t first;
	/* Stay, once there. */
	struct chunk *chunk[CHUNKS];
};

/* What a descriptor leads to: a user of the queue, and of its context. */
struct faultq_file {
	struct ioas_ufile file;
	struct ioas_faultq *q;
};

static struct ioas_fault_group *group_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct ioas_fault_group, link);
}

/* ---- cookies ------------------------------------------------------------ */

/* The lowest one that is free. Return: 0 or -ENOMEM. */
static int cookie_take(struct ioas_fault_cookies *c, struct ioas_fault_group *g)
{
	struct chunk *k;
	uint32_t i = 0;

	if (ioas_fault_point(IOAS_FP_ID))
		return -ENOMEM;
	while (c->first < CHUNKS && c->chunk[c->first] &&
	       c->chunk[c->first]->nr == CHUNK_SLOTS)
		c->first++;
	if (IOAS_CHECK(c->first == CHUNKS))
		return -ENOMEM;
	k = c->chunk[c->first];
	if (!k) {
		k = ioas_zalloc(sizeof(*k), IOAS_FP_ALLOC_NODE);
		if (!k)
			return -ENOMEM;
		c->chunk[c->first] = k;
	}
	while (k->slot[i])
		i++;
	k->slot[i] = g;
	k->nr++;
	g->cookie = c->first * CHUNK_SLOTS + i + 1;
	return 0;
}

static void cookie_release(struct ioas_fault_cookies *c, uint32_t cookie)
{
	const uint32_t n = (cookie - 1) / CHUNK_SLOTS;

	c->chunk[n]->slot[(cookie - 1) % CHUNK_SLOTS] = NULL;
	c->chunk[n]->nr--;
	if (n < c->first)
		c->first = n;
}

/* NULL: unknown. */
static struct ioas_fault_group *cookie_find(const struct ioas_fault_cookies *c,
					    uint32_t cookie)
{
	const struct chunk *k;

	if (!cookie || cookie > IOAS_FAULTQ_MAX)
		return NULL;
	k = c->chunk[(cookie - 1) / CHUNK_SLOTS];
	return k ? k->slot[(cookie - 1) % CHUNK_SLOTS] : NULL;
}

/* ---- groups ------------------------------------------------------------- */

static bool faultq_readable(const struct ioas_faultq *q)
{
	return !ioas_list_empty(&q->queued) || q->reading;
}

/* Poll may say something else than before. */
static void faultq_changed(const struct ioas_faultq *q)
{
	struct ioas_host *host = q->obj.ictx->uapi->host;

	if (q->file && host->ops->file_changed)
		host->ops->file_changed(host, q->file);
}

/* Of a group that is in no list any more: the device gets its answer. */
static void group_answer(struct ioas_faultq *q, struct ioas_fault_group *g,
			 uint32_t code) __must_hold(q->lock)
{
	struct ioas_udevice *dev = g->idev->dev;

	if (g->cookie)
		cookie_release(q->cookies, g->cookie);
	if (dev->ops->page_response)
		dev->ops->page_response(dev, g->rq.pasid, g->rq.grpid, code);
	ioas_itree_remove(&q->groups, &g->node);
	q->nr--;
	ioas_free(g, sizeof(*g));
}

/* What has the same key may still be of another attachment. */
static uint64_t group_key(const struct ioas_idev *idev, uint32_t pasid)
{
	/* Alignment leaves four bits more: room for PASIDs of 20 bits. */
	return (uint64_t)(uintptr_t)idev << 16 ^ pasid;
}

/* NULL is everybody. */
static bool group_is_of(const struct ioas_fault_group *g,
			const struct ioas_idev *idev,
			const struct ioas_hwpt *hwpt, uint32_t pasid)
{
	return !idev ||
	       (g->idev == idev && g->hwpt == hwpt && g->pasid == pasid);
}

/* Take away what an attachment, or everybody, has here. */
static void faultq_drop(struct ioas_faultq *q, const struct ioas_idev *idev,
			const struct ioas_hwpt *hwpt, uint32_t pasid)
	__must_hold(q->lock)
{
	const uint64_t first = idev ? group_key(idev, pasid) : 0;
	const uint64_t last = idev ? first : IOAS_U64_MAX;
	const bool readable = faultq_readable(q);
	struct ioas_itree_node *n, *next;

	for (n = ioas_itree_first(&q->groups, first, last); n; n = next) {
		struct ioas_fault_group *g =
			ioas_container_of(n, struct ioas_fault_group, node);

		next = ioas_itree_next(n, first, last);
		if (!group_is_of(g, idev, hwpt, pasid))
			continue;
		if (g == q->reading)
			q->reading = NULL;
		ioas_list_del(&g->link);
		group_answer(q, g, IOAS_ABI_PAGE_RESP_INVALID);
	}
	if (readable && !faultq_readable(q))
		faultq_changed(q);
}

int ioas_faultq_deliver(struct ioas_faultq *q, struct ioas_idev *idev,
			struct ioas_hwpt *hwpt, uint32_t pasid,
			const struct ioas_page_request *rq)
{
	struct ioas_fault_group *g = ioas_alloc(sizeof(*g), IOAS_FP_ALLOC_LIST);
	bool full;

	if (!g)
		return -ENOMEM;
	*g = (struct ioas_fault_group){
		.idev = idev,
		.hwpt = hwpt,
		.pasid = pasid,
		.rq = *rq,
	};
	g->node.first = group_key(idev, pasid);
	g->node.last = g->node.first;
	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	full = !q->file || q->nr == IOAS_FAULTQ_MAX;
	if (!full) {
		ioas_list_add_tail(&q->queued, &g->link);
		ioas_itree_insert(&q->groups, &g->node);
		q->nr++;
		faultq_changed(q);
	}
	ioas_mutex_unlock(&q->lock);
	if (!full)
		return 0;
	ioas_free(g, sizeof(*g));
	return -ENOMEM;
}

void ioas_faultq_flush(struct ioas_faultq *q, struct ioas_idev *idev,
		       struct ioas_hwpt *hwpt, uint32_t pasid)
{
	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	faultq_drop(q, idev, hwpt, pasid);
	ioas_mutex_unlock(&q->lock);
}

/* ---- read --------------------------------------------------------------- */

static struct ioas_faultq *faultq_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct faultq_file, file)->q;
}

/*
 * Move the first group to reading: its record in *@out. Return: 1; 0: there is
 * none; -ENOMEM.
 */
static int read_begin(struct ioas_faultq *q, struct ioas_abi_pgfault *out)
{
	struct ioas_fault_group *g;
	int ret = 0;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	if (ioas_list_empty(&q->queued))
		goto out_unlock;
	g = group_of(q->queued.next);
	ret = cookie_take(q->cookies, g);
	if (ret)
		goto out_unlock;
	ioas_list_del(&g->link);
	q->reading = g;
	*out = (struct ioas_abi_pgfault){
		.flags = g->rq.flags,
		.dev_id = g->idev->obj.id,
		.pasid = g->rq.pasid,
		.grpid = g->rq.grpid,
		.perm = g->rq.perm,
		.addr = g->rq.addr,
		.cookie = g->cookie,
	};
	ret = 1;
out_unlock:
	ioas_mutex_unlock(&q->lock);
	return ret;
}

/* The record was copied, or could not be. */
static void read_end(struct ioas_faultq *q, bool copied)
{
	struct ioas_fault_group *g;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	g = q->reading;
	q->reading = NULL;
	if (g && copied) {
		ioas_list_add_tail(&q->outstanding, &g->link);
		if (!faultq_readable(q))
			faultq_changed(q);
	} else if (g) {
		cookie_release(q->cookies, g->cookie);
		g->cookie = 0;
		/* The first again. */
		ioas_list_add_tail(q->queued.next, &g->link);
	}
	ioas_mutex_unlock(&q->lock);
}

/* One record. Return: 1; 0: there is none; -ENOMEM, -EFAULT. */
static int read_one(struct ioas_faultq *q, uint64_t buffer)
{
	struct ioas_abi_pgfault record;
	int ret = read_begin(q, &record);

	if (ret <= 0)
		return ret;
	ret = ioas_copy_to(buffer, &record, sizeof(record));
	read_end(q, !ret);
	return ret ? ret : 1;
}

static int64_t faultq_read(struct ioas_ufile *f, uint64_t buffer,
			   uint64_t count)
{
	const uint64_t size = sizeof(struct ioas_abi_pgfault);
	struct ioas_faultq *q = faultq_of(f);
	uint64_t done = 0;
	int ret = 1;

	if (count % size)
		return -ESPIPE;
	ioas_mutex_lock(&q->reader, IOAS_RANK_READER);
	while (done < count) {
		ret = read_one(q, buffer + done);
		if (ret <= 0)
			break;
		done += size;
	}
	ioas_mutex_unlock(&q->reader);
	return ret < 0 && !done ? ret : (int64_t)done;
}

/* ---- write -------------------------------------------------------------- */

static int write_one(struct ioas_faultq *q, uint64_t buffer)
{
	struct ioas_abi_page_response response;
	struct ioas_fault_group *g;

	if (ioas_copy_from(&response, buffer, sizeof(response)))
		return -EFAULT;
	if (response.code != IOAS_ABI_PAGE_RESP_SUCCESS &&
	    response.code != IOAS_ABI_PAGE_RESP_INVALID)
		return -EINVAL;
	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	/* Nothing is being read: the caller is the reader. */
	g = cookie_find(q->cookies, response.cookie);
	if (g) {
		ioas_list_del(&g->link);
		group_answer(q, g, response.code);
	}
	ioas_mutex_unlock(&q->lock);
	return g ? 0 : -EINVAL;
}

static int64_t faultq_write(struct ioas_ufile *f, uint64_t buffer,
			    uint64_t count)
{
	const uint64_t size = sizeof(struct ioas_abi_page_response);
	struct ioas_faultq *q = faultq_of(f);
	uint64_t done = 0;
	int ret = 0;

	if (count % size)
		return -ESPIPE;
	ioas_mutex_lock(&q->reader, IOAS_RANK_READER);
	/* Ends with the first cookie that is unknown, if not before. */
	while (done < count) {
		ret = write_one(q, buffer + done);
		if (ret)
			break;
		done += size;
	}
	ioas_mutex_unlock(&q->reader);
	return ret && !done ? ret : (int64_t)done;
}

/* ---- file and object ---------------------------------------------------- */

static uint32_t faultq_poll(struct ioas_ufile *f)
{
	struct ioas_faultq *q = faultq_of(f);
	uint32_t ready = IOAS_POLLOUT;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	if (faultq_readable(q))
		ready |= IOAS_POLLIN | IOAS_POLLRDNORM;
	ioas_mutex_unlock(&q->lock);
	return ready;
}

/* Nobody is left to answer: devices that wait, or ask, get "invalid". */
static void faultq_release(struct ioas_ufile *f)
{
	struct faultq_file *file =
		ioas_container_of(f, struct faultq_file, file);
	struct ioas_faultq *q = file->q;
	struct ioas_iommufd *ictx = q->obj.ictx;

	ioas_mutex_lock(&q->lock, IOAS_RANK_QUEUE);
	q->file = NULL;
	faultq_drop(q, NULL, NULL, 0);
	ioas_mutex_unlock(&q->lock);
	ioas_free(file, sizeof(*file));
	ioas_object_put(&q->obj);
	ioas_iommufd_put(ictx);
}

static const struct ioas_ufile_ops faultq_file_ops = {
	.name = "anon_inode:[iommufd-pgfault]",
	.read = faultq_read,
	.write = faultq_write,
	.poll = faultq_poll,
	.release = faultq_release,
};

static void faultq_destroy(struct ioas_object *obj)
{
	struct ioas_faultq *q = ioas_container_of(obj, struct ioas_faultq, obj);
	struct ioas_fault_cookies *c = q->cookies;

	/* Its file was a user. */
	IOAS_CHECK(q->file || q->nr || q->groups.root);
	if (!c)
		return;
	for (uint32_t i = 0; i < CHUNKS; i++)
		ioas_free(c->chunk[i], sizeof(*c->chunk[i]));
	ioas_free(c, sizeof(*c));
}

static const struct ioas_object_class faultq_class = {
	.type = IOAS_OBJECT_FAULT,
	.size = sizeof(struct ioas_faultq),
	.destroy = faultq_destroy,
};

struct ioas_faultq *ioas_faultq_get(struct ioas_iommufd *ictx, uint32_t id)
{
	struct ioas_object *obj = ioas_object_get(ictx, id, IOAS_OBJECT_FAULT);

	return obj ? ioas_container_of(obj, struct ioas_faultq, obj) : NULL;
}

/* Everything but the descriptor. Return: 0 or -ENOMEM. */
static int faultq_open(struct ioas_faultq *q)
{
	struct faultq_file *file;

	ioas_list_init(&q->queued);
	ioas_list_init(&q->outstanding);
	q->cookies = ioas_zalloc(sizeof(*q->cookies), IOAS_FP_ALLOC_RECORD);
	if (!q->cookies)
		return -ENOMEM;
	file = ioas_zalloc(sizeof(*file), IOAS_FP_ALLOC_RECORD);
	if (!file)
		return -ENOMEM;
	ioas_ufile_init(&file->file, &faultq_file_ops);
	file->q = q;
	q->file = &file->file;
	ioas_object_hold(&q->obj);
	ioas_iommufd_get(q->obj.ictx);
	return 0;
}

int ioas_cmd_fault_queue_alloc(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_fault_queue_alloc *cmd = ucmd->cmd;
	struct ioas_object *obj;
	struct ioas_faultq *q;
	int32_t fd;
	int ret;

	if (cmd->flags)
		return -EOPNOTSUPP;
	ret = ioas_ucmd_object(ucmd, &faultq_class, &obj);
	if (ret)
		return ret;
	q = ioas_container_of(obj, struct ioas_faultq, obj);
	ret = faultq_open(q);
	if (!ret)
		ret = ioas_ucmd_file(ucmd, q->file, IOAS_FD_CLOEXEC, &fd);
	if (ret)
		return ret;
	cmd->out_fault_id = obj->id;
	cmd->out_fault_fd = (uint32_t)fd;
	return ioas_ucmd_respond(ucmd);
}
