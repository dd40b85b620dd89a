/* SPDX-License-Identifier: MIT */
/*
 * dmabuf: memory that its exporter may take back (4.22, 4.23)
 *
 *   file (struct ioas_ufile) --> exporter (struct ioas_origin) --> memory
 *                                    |   frames: one run of a frame space
 *   areas of any context  -----------+-- watchers: whom to tell
 *
 * One origin for the whole life of a buffer. To revoke it, and to make it
 * usable again, tells every watcher, once, that its mapping is over; the core
 * keeps its pages object empty from then on. Only whether new ones are let in
 * differs.
 *
 * Locks: exporter (rank EXPORTER, outside the core's pages locks) guards the
 * watchers and is held while they are told, so that withdrawing one waits until
 * its call is over.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "core/itree.h"
#include "origin/frames.h"
#include "origin/ops.h"
#include "seam/fault.h"

#define PAGES_MAX 512u
/* O_CLOEXEC of open(2). */
#define OPEN_CLOEXEC 02000000u

struct exporter {
	struct ioas_origin o;
	/* Set once. Contiguous, and so are its frames. */
	struct ioas_frames *frames;
	char *memory;
	size_t bytes;
	ioas_pfn_t first;

	struct ioas_mutex lock;
	/*
	 * struct watcher, by the address of its data: a program makes as many
	 * as it likes, and one withdraws with each mapping that goes. Guarded,
	 * as is the rest.
	 */
	struct ioas_itree watchers;
	bool revoked;
};

struct watcher {
	struct ioas_itree_node node;
	void (*revoke)(void *data);
	void *data;
};

struct dmabuf {
	struct ioas_ufile file;
	/* A reference. */
	struct exporter *exporter;
};

/* ---- the origin --------------------------------------------------------- */

static struct exporter *exporter_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct exporter, o);
}

static uint64_t exporter_pages(const struct exporter *e)
{
	return e->bytes >> e->o.page_lg2;
}

/* Device memory stays where it is: nothing is pinned. */
static int exporter_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	const struct exporter *e = exporter_of(o);
	const uint64_t nr = exporter_pages(e);

	if (ioas_fault_point(IOAS_FP_PIN))
		return -EFAULT;
	if (rq->first >= nr)
		return -EINVAL;
	rq->nr_pinned = ioas_min(rq->nr, nr - rq->first);
	rq->runs[0] = (struct ioas_run){ e->first + rq->first, rq->nr_pinned };
	rq->nr_runs = 1;
	return 0;
}

static void exporter_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
			   bool dirty)
{
	(void)o;
	(void)pfn;
	(void)nr;
	(void)dirty;
}

static void *exporter_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	const struct exporter *e = exporter_of(o);

	return e->memory + ((pfn - e->first) << o->page_lg2);
}

static struct watcher *watcher_of(struct ioas_itree_node *n)
{
	return ioas_container_of(n, struct watcher, node);
}

static int watcher_add(struct exporter *e, void (*revoke)(void *data),
		       void *data) __must_hold(e->lock)
{
	struct watcher *w;

	ioas_assert_held(&e->lock);
	if (e->revoked)
		return -ENODEV;
	w = ioas_alloc(sizeof(*w), IOAS_FP_ALLOC_LIST);
	if (!w)
		return -ENOMEM;
	w->node.first = (uintptr_t)data;
	w->node.last = (uintptr_t)data;
	w->revoke = revoke;
	w->data = data;
	ioas_itree_insert(&e->watchers, &w->node);
	return 0;
}

static void watcher_free(struct exporter *e, struct watcher *w)
	__must_hold(e->lock)
{
	ioas_assert_held(&e->lock);
	ioas_itree_remove(&e->watchers, &w->node);
	ioas_free(w, sizeof(*w));
}

/* One that has been told is gone already. */
static void watcher_withdraw(struct exporter *e, const void *data)
	__must_hold(e->lock)
{
	const uint64_t key = (uintptr_t)data;
	struct ioas_itree_node *n;

	ioas_assert_held(&e->lock);
	while ((n = ioas_itree_first(&e->watchers, key, key)))
		watcher_free(e, watcher_of(n));
}

static int exporter_watch(struct ioas_origin *o, void (*revoke)(void *data),
			  void *data)
{
	struct exporter *e = exporter_of(o);
	int ret = 0;

	ioas_mutex_lock(&e->lock, IOAS_RANK_EXPORTER);
	if (revoke)
		ret = watcher_add(e, revoke, data);
	else
		watcher_withdraw(e, data);
	ioas_mutex_unlock(&e->lock);
	return ret;
}

/* Also of one that was made by half. */
static void exporter_destroy(struct ioas_origin *o)
{
	struct exporter *e = exporter_of(o);

	IOAS_CHECK(e->watchers.root);
	if (e->first)
		ioas_frames_free(e->frames, e->first);
	if (e->memory)
		ioas_plat_free_aligned(e->memory, e->bytes,
				       (size_t)1 << o->page_lg2);
	ioas_free(e, sizeof(*e));
}

static const struct ioas_origin_ops exporter_ops = {
	.name = "mock dma-buf",
	.pin = exporter_pin,
	.unpin = exporter_unpin,
	.pointer = exporter_pointer,
	.watch = exporter_watch,
	.destroy = exporter_destroy,
};

/* Zeroed memory with frames of its own. */
static int exporter_fill(struct exporter *e)
{
	struct ioas_frames_owner owner = { .owner = e };

	if (ioas_fault_point(IOAS_FP_DEVICE))
		return -ENOMEM;
	e->memory = ioas_plat_alloc_aligned(e->bytes,
					    (size_t)1 << e->o.page_lg2);
	if (!e->memory)
		return -ENOMEM;
	memset(e->memory, 0, e->bytes);
	owner.base = e->memory;
	/* Frame 0 is an address of this process, so 0 says: none. */
	return ioas_frames_alloc(e->frames, exporter_pages(e), &owner,
				 &e->first) ?
		       -ENOMEM :
		       0;
}

static struct exporter *exporter_create(const struct ioas_host *host,
					uint64_t bytes)
{
	struct exporter *e = ioas_zalloc(sizeof(*e), IOAS_FP_ALLOC_SPACE);

	if (!e)
		return NULL;
	ioas_origin_init(&e->o, &exporter_ops, host->page_lg2,
			 IOAS_ORIGIN_DEVICE);
	e->frames = host->frames;
	e->bytes = (size_t)bytes;
	if (exporter_fill(e)) {
		ioas_origin_put(&e->o);
		return NULL;
	}
	return e;
}

/* Every mapping is over; whether there may be new ones. */
static void exporter_revoke(struct exporter *e, bool revoked)
{
	ioas_mutex_lock(&e->lock, IOAS_RANK_EXPORTER);
	e->revoked = revoked;
	while (e->watchers.root) {
		struct watcher *w = watcher_of(e->watchers.root);

		w->revoke(w->data);
		watcher_free(e, w);
	}
	ioas_mutex_unlock(&e->lock);
}

/* ---- the file ----------------------------------------------------------- */

static struct dmabuf *dmabuf_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct dmabuf, file);
}

static int dmabuf_origin(struct ioas_ufile *f, uint64_t start, uint64_t length,
			 struct ioas_origin **out)
{
	struct exporter *e = dmabuf_of(f)->exporter;
	uint64_t last;

	if (!ioas_last(start, length, &last) || last >= e->bytes)
		return -EINVAL;
	*out = &e->o;
	return 0;
}

static void dmabuf_release(struct ioas_ufile *f)
{
	struct dmabuf *d = dmabuf_of(f);

	ioas_origin_put(&d->exporter->o);
	ioas_free(d, sizeof(*d));
}

static const struct ioas_ufile_ops dmabuf_ops = {
	.name = "/dmabuf:",
	.origin = dmabuf_origin,
	.release = dmabuf_release,
};

/* 4.22 */
int ioas_test_dmabuf_get(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_dmabuf_get *g = &cmd->dmabuf_get;
	const struct ioas_host *host = ioas_mock_host(ioas_mock_of(ucmd));
	const uint64_t page = UINT64_C(1) << host->page_lg2;
	const uint64_t bytes = ioas_align_up(g->length, page);
	struct dmabuf *d;
	int32_t fd;
	int ret;

	if (!bytes || bytes > PAGES_MAX * page)
		return -EINVAL;
	d = ioas_zalloc(sizeof(*d), IOAS_FP_ALLOC_SPACE);
	if (!d)
		return -ENOMEM;
	d->exporter = exporter_create(host, bytes);
	if (!d->exporter) {
		ioas_free(d, sizeof(*d));
		return -ENOMEM;
	}
	ioas_ufile_init(&d->file, &dmabuf_ops);
	ret = ioas_ucmd_file(ucmd, &d->file,
			     g->open_flags & OPEN_CLOEXEC ? IOAS_FD_CLOEXEC : 0,
			     &fd);
	return ret ? ret : fd;
}

/* 4.23 */
int ioas_test_dmabuf_revoke(struct ioas_ucmd *ucmd,
			    struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_dmabuf_revoke *r = &cmd->dmabuf_revoke;
	struct ioas_host *host = ioas_mock_host(ioas_mock_of(ucmd));
	struct ioas_ufile *f;
	int ret = host->ops->fd_get(host, r->dmabuf_fd, &f);

	if (ret)
		return ret;
	if (!f->ops->origin)
		ret = -EINVAL;
	else if (f->ops != &dmabuf_ops)
		ret = -EOPNOTSUPP;
	else
		exporter_revoke(dmabuf_of(f)->exporter, r->revoked);
	ioas_ufile_put(f);
	return ret;
}
