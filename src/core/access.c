/* SPDX-License-Identifier: MIT */
/*
 * access: life of a software client, and what it is told
 *
 * A notification holds no lock while a callback runs; it marks the attachment
 * as being notified, and whoever takes the attachment off the list waits for
 * that mark first. The mark changes under access_lock, and its word is what
 * the waiter sleeps on.
 */
#include "core/access.h"

#include "base/errno.h"
#include "core/iova.h"
#include "core/unmap.h"
#include "seam/fault.h"
#include "seam/trace.h"

int ioas_access_create(struct ioas_context *ctx,
		       const struct ioas_access_ops *ops, void *data,
		       unsigned int flags, struct ioas_access **out)
{
	struct ioas_access *a = ioas_zalloc(sizeof(*a), IOAS_FP_ALLOC_SPACE);

	if (!a)
		return -ENOMEM;
	a->ctx = ctx;
	a->ops = ops;
	a->data = data;
	a->flags = flags;
	*out = a;
	return 0;
}

/* ---- notification ------------------------------------------------------- */

void ioas_access_notify(struct ioas *ioas, ioas_iova_t iova, uint64_t length)
{
	ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &ioas->accesses) {
		struct ioas_attachment *at =
			ioas_list_entry(l, struct ioas_attachment, link);
		struct ioas_access *a = at->access;

		if ((a->flags & IOAS_ACCESS_INTERNAL) || at->leaving)
			continue;
		atomic_fetch_add(&at->notifying, 1);
		ioas_mutex_unlock(&ioas->access_lock);
		ioas_trace(IOAS_TP_NOTIFY, (uintptr_t)a, iova, length);
		a->ops->unmap(a->data, iova, length);
		ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
		/* The mark kept it on the list, so its neighbour is known. */
		if (atomic_fetch_sub(&at->notifying, 1) == 1 && at->leaving)
			ioas_plat_wake(&at->notifying);
	}
	ioas_mutex_unlock(&ioas->access_lock);
}

/* No callback of this attachment is running or will run (D7). */
static void attachment_quiesce(struct ioas_attachment *at, struct ioas *ioas)
{
	uint32_t running;

	ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	at->leaving = true;
	while ((running = atomic_load(&at->notifying))) {
		ioas_mutex_unlock(&ioas->access_lock);
		ioas_plat_wait(&at->notifying, running);
		ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	}
	ioas_mutex_unlock(&ioas->access_lock);
}

/* ---- joining and leaving a space ---------------------------------------- */

/* Make @ioas ready for @a; on error it is as it was. */
static int join_prepare(const struct ioas_access *a, struct ioas *ioas)
	__must_hold(ioas->domains_lock) __must_hold(ioas->iova_lock)
{
	int ret = 0;

	if (a->flags & IOAS_ACCESS_PINS)
		ret = ioas_iova_raise(ioas, ioas_page_size(ioas->ctx));
	if (!ret && ioas->nr_accesses >= IOAS_MAX_ACCESSES) {
		ioas_iova_realign(ioas);
		ret = -EBUSY;
	}
	return ret;
}

static int space_join(struct ioas_access *a, struct ioas *ioas,
		      struct ioas_attachment **out)
{
	struct ioas_attachment *at;
	int ret;

	at = ioas_zalloc(sizeof(*at), IOAS_FP_ALLOC_LIST);
	if (!at)
		return -ENOMEM;
	at->access = a;
	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ret = join_prepare(a, ioas);
	if (!ret) {
		ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
		ioas_list_add_tail(&ioas->accesses, &at->link);
		ioas_mutex_unlock(&ioas->access_lock);
		ioas->nr_accesses++;
	}
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	if (ret) {
		ioas_free(at, sizeof(*at));
		return ret;
	}
	*out = at;
	return 0;
}

/* The client lets go of everything; then the space forgets it. */
static void space_leave(struct ioas_access *a, struct ioas *ioas,
			struct ioas_attachment *at)
{
	if (!(a->flags & IOAS_ACCESS_INTERNAL))
		a->ops->unmap(a->data, 0, IOAS_U64_MAX);
	attachment_quiesce(at, ioas);
	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	ioas_list_del(&at->link);
	ioas_mutex_unlock(&ioas->access_lock);
	ioas->nr_accesses--;
	ioas_iova_realign(ioas);
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	ioas_free(at, sizeof(*at));
}

int ioas_access_attach(struct ioas_access *a, struct ioas *ioas)
{
	int ret = -EINVAL;

	ioas_mutex_lock(&a->lock, IOAS_RANK_CLIENT);
	if (!a->unpin_ioas && a->ctx == ioas->ctx)
		ret = space_join(a, ioas, &a->attachment);
	if (!ret) {
		a->ioas = ioas;
		a->unpin_ioas = ioas;
	}
	ioas_mutex_unlock(&a->lock);
	return ret;
}

/*
 * From here on nothing new is pinned, and nobody else changes the access.
 * 0, -ENOENT or -EBUSY.
 */
static int change_begin(struct ioas_access *a) __must_hold(a->lock)
{
	ioas_assert_held(&a->lock);
	if (a->changing)
		return -EBUSY;
	if (!a->ioas)
		return -ENOENT;
	a->changing = true;
	a->ioas = NULL;
	return 0;
}

static void change_end(struct ioas_access *a, struct ioas *ioas,
		       struct ioas_attachment *at) __must_hold(a->lock)
{
	a->changing = false;
	a->ioas = ioas;
	a->unpin_ioas = ioas;
	a->attachment = at;
}

/* Leave the current space, for @next if it is not NULL. */
static int access_change(struct ioas_access *a, struct ioas *next)
{
	struct ioas_attachment *old_at, *at = NULL;
	struct ioas *old;
	int ret;

	ioas_mutex_lock(&a->lock, IOAS_RANK_CLIENT);
	old = a->unpin_ioas;
	old_at = a->attachment;
	if (next && a->ioas == next) {
		ioas_mutex_unlock(&a->lock);
		return 0;
	}
	ret = next && next->ctx != a->ctx ? -EINVAL : change_begin(a);
	if (!ret && next) {
		ret = space_join(a, next, &at);
		if (ret)
			change_end(a, old, old_at);
	}
	ioas_mutex_unlock(&a->lock);
	if (ret)
		return ret;
	space_leave(a, old, old_at);
	ioas_mutex_lock(&a->lock, IOAS_RANK_CLIENT);
	change_end(a, next, at);
	ioas_mutex_unlock(&a->lock);
	return 0;
}

int ioas_access_detach(struct ioas_access *a)
{
	return access_change(a, NULL);
}

int ioas_access_replace(struct ioas_access *a, struct ioas *ioas)
{
	return access_change(a, ioas);
}

void ioas_access_destroy(struct ioas_access *a)
{
	int ret;

	if (!a)
		return;
	ret = ioas_access_detach(a);
	/* Nobody may be changing what somebody destroys. */
	if (IOAS_CHECK(ret == -EBUSY))
		return;
	ioas_free(a, sizeof(*a));
}

/* Is @at on the list of @ioas, and @a's? */
static bool attachment_valid(const struct ioas_access *a,
			     const struct ioas_attachment *at,
			     struct ioas *ioas)
{
	bool listed = false;

	ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &ioas->accesses)
		listed |= l == &at->link;
	ioas_mutex_unlock(&ioas->access_lock);
	return listed && at->access == a;
}

bool ioas_access_validate(struct ioas_access *a)
{
	bool valid;

	ioas_mutex_lock(&a->lock, IOAS_RANK_CLIENT);
	if (a->changing) /* the attachment may be going */
		valid = !a->ioas && a->unpin_ioas;
	else if (a->unpin_ioas)
		valid = a->ioas == a->unpin_ioas && a->attachment &&
			attachment_valid(a, a->attachment, a->ioas);
	else
		valid = !a->ioas && !a->attachment;
	ioas_mutex_unlock(&a->lock);
	return valid;
}
