/* SPDX-License-Identifier: MIT */
/*
 * unmap: whole areas, in ascending order (ioas-core 12.4)
 *
 *   select   IL(w)  areas from start on that may go: LIVE -> TEARDOWN;
 *                   stops at the first that may not
 *   drain    -      out of every domain; one invalidation for all (D13)
 *   remove   IL(w)  out of the tree
 *   then            report the refusal, or tell the clients and select again
 *
 * DL is held shared over the three. start moves past what was removed: a range
 * that somebody maps into the hole meanwhile is not ours to unmap.
 */
#include "core/unmap.h"

#include "base/errno.h"
#include "core/transfer.h"
#include "seam/trace.h"

/* Areas that one section of the IOVA lock selects. */
#define SELECT_MAX 1024

/* Notifications after the first that a client may leave without effect. */
#define RETRIES 100

struct unmap {
	struct ioas *ioas;
	ioas_iova_t start;
	ioas_iova_t last;
	uint64_t bytes;
	/* Selected in this round. */
	struct ioas_area *chain;
	/* The area that clients hold, and how often they were told in vain. */
	ioas_iova_t held_first;
	ioas_iova_t held_last;
	unsigned int told;
};

/* What stopped a selection, if it was not a refusal. */
enum verdict { NOTHING_LEFT, COME_AGAIN, WAIT };

/* NOTHING_LEFT: the area may go. */
static int unmap_judge(const struct unmap *u, const struct ioas_area *a)
	__must_hold(u->ioas->iova_lock)
{
	if (a->state != IOAS_AREA_LIVE || a->nr_locks)
		return -EBUSY;
	if (a->iova < u->start || a->last > u->last)
		return -ENOENT;
	return a->nr_accesses ? WAIT : NOTHING_LEFT;
}

/* The chain of what may go, up to what may not. A verdict or an error. */
static int unmap_select(struct unmap *u) __must_hold(u->ioas->iova_lock)
{
	struct ioas_area **tail = &u->chain;
	unsigned int n = 0;
	struct ioas_range r;

	ioas_assert_write(&u->ioas->iova_lock);
	u->chain = NULL;
	ioas_for_each_range(&r, &u->ioas->areas, u->start, u->last) {
		struct ioas_area *a = r.value;
		int ret = n++ < SELECT_MAX ? unmap_judge(u, a) : COME_AGAIN;

		if (ret == WAIT) {
			a->closing = true;
			if (u->chain || u->held_first != a->iova)
				u->told = 0;
			u->held_first = a->iova;
			u->held_last = a->last;
		}
		if (ret)
			return ret;
		a->state = IOAS_AREA_TEARDOWN;
		a->next = NULL;
		*tail = a;
		tail = &a->next;
	}
	return NOTHING_LEFT;
}

static void unmap_remove(struct unmap *u) __must_hold(u->ioas->iova_lock)
{
	ioas_assert_write(&u->ioas->iova_lock);
	for (struct ioas_area *a = u->chain; a; a = a->next) {
		ioas_rangemap_remove(&u->ioas->areas, a->iova);
		u->bytes += a->last - a->iova + 1;
		if (a->last < u->last)
			u->start = a->last + 1;
	}
}

/* One round of the head comment. */
static int unmap_round(struct unmap *u)
{
	struct ioas *ioas = u->ioas;
	int ret;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_assert_write(&u->ioas->iova_lock);
	ret = unmap_select(u);
	if (u->chain && ioas->nr_domains) {
		ioas_write_unlock(&ioas->iova_lock);
		ioas_areas_drain(u->chain, ioas->domains, ioas->nr_domains,
				 &ioas->ctx->tuning);
		ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	}
	unmap_remove(u);
	ioas_write_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
	ioas_areas_free(u->chain);
	return ret;
}

static int unmap_run(struct unmap *u)
{
	int ret;

	for (;;) {
		ret = unmap_round(u);
		if (ret < 0 || ret == NOTHING_LEFT)
			return ret;
		if (ret == COME_AGAIN)
			continue;
		if (u->told++ > RETRIES)
			return -EDEADLK;
		/* What is mapped into a hole below it meanwhile is not ours. */
		u->start = u->held_first;
		ioas_access_notify(u->ioas, u->held_first,
				   u->held_last - u->held_first + 1);
	}
}

static int unmap_range(struct ioas *ioas, ioas_iova_t first, ioas_iova_t last,
		       uint64_t *unmapped)
{
	struct unmap u = {
		.ioas = ioas,
		.start = first,
		.last = last,
	};
	int ret = unmap_run(&u);

	ioas_trace(IOAS_TP_UNMAP, first, last, u.bytes);
	*unmapped = u.bytes;
	return ret;
}

int ioas_iopt_unmap(struct ioas *ioas, ioas_iova_t iova, uint64_t length,
		    uint64_t *unmapped)
{
	ioas_iova_t last;

	*unmapped = 0;
	if (!length)
		return -EINVAL;
	if (!ioas_last(iova, length, &last))
		return -EOVERFLOW;
	return unmap_range(ioas, iova, last, unmapped);
}

int ioas_iopt_unmap_all(struct ioas *ioas, uint64_t *unmapped)
{
	return unmap_range(ioas, 0, IOAS_U64_MAX, unmapped);
}
