/* SPDX-License-Identifier: MIT */
/*
 * iova: reserved and allowed ranges, alignment, the choice of an IOVA
 *
 *   windows   [ allowed ]      [   allowed   ]      none: all but the ends
 *   reserved       rrrr            rr    rrrrr
 *   areas     aa a       a     aaa    a
 *   candidates         ^       first hole that fits, from below
 *
 * The rangemap finds the next gap between areas that is long enough in
 * O(log n); only alignment can make it look at more than one.
 */
#include "core/iova.h"

#include "base/errno.h"
#include "core/access.h"
#include "seam/fault.h"

static struct ioas_iova_entry *entry_of(struct ioas_itree_node *n)
{
	return ioas_container_of(n, struct ioas_iova_entry, node);
}

static struct ioas_iova_entry *entry_create(ioas_iova_t first,
					    ioas_iova_t last,
					    const void *owner)
{
	struct ioas_iova_entry *e = ioas_zalloc(sizeof(*e),
						IOAS_FP_ALLOC_RANGE);

	if (e) {
		e->node.first = first;
		e->node.last = last;
		e->owner = owner;
	}
	return e;
}

static void entries_free(struct ioas_itree *t)
{
	struct ioas_itree_node *n;

	while ((n = t->root)) {
		ioas_itree_remove(t, n);
		ioas_free(entry_of(n), sizeof(struct ioas_iova_entry));
	}
}

/* ---- reserved ----------------------------------------------------------- */

bool ioas_iova_reserved(const struct ioas *ioas, ioas_iova_t first,
			ioas_iova_t last)
{
	return ioas_itree_first(&ioas->reserved, first, last);
}

static int reserve_one(struct ioas *ioas, const struct ioas_iova_range *r,
		       struct ioas_itree *fresh, const void *owner)
	__must_hold(ioas->iova_lock)
{
	struct ioas_iova_entry *e;
	struct ioas_range area;

	if (r->last < r->first)
		return -EINVAL;
	if (ioas_rangemap_first(&ioas->areas, r->first, r->last, &area) ||
	    ioas_itree_first(&ioas->allowed, r->first, r->last))
		return -EADDRINUSE;
	e = entry_create(r->first, r->last, owner);
	if (!e)
		return -ENOMEM;
	ioas_itree_insert(fresh, &e->node);
	return 0;
}

int ioas_iova_reserve(struct ioas *ioas, const struct ioas_iova_range *ranges,
		      uint32_t nr, const void *owner, bool aperture)
{
	struct ioas_itree fresh = { 0 };
	struct ioas_itree_node *n;

	ioas_assert_write(&ioas->iova_lock);
	for (uint32_t i = 0; i < nr; i++) {
		int ret = reserve_one(ioas, &ranges[i], &fresh, owner);

		if (ret) {
			entries_free(&fresh);
			return ret;
		}
	}
	while ((n = fresh.root)) {
		ioas_itree_remove(&fresh, n);
		entry_of(n)->aperture = aperture;
		ioas_itree_insert(&ioas->reserved, n);
	}
	return 0;
}

void ioas_iova_unreserve(struct ioas *ioas, const void *owner, bool aperture)
{
	struct ioas_itree_node *n, *next;

	ioas_assert_write(&ioas->iova_lock);
	n = ioas_itree_first(&ioas->reserved, 0, IOAS_U64_MAX);
	for (; n; n = next) {
		next = ioas_itree_next(n, 0, IOAS_U64_MAX);
		if (entry_of(n)->owner != owner ||
		    entry_of(n)->aperture != aperture)
			continue;
		ioas_itree_remove(&ioas->reserved, n);
		ioas_free(entry_of(n), sizeof(struct ioas_iova_entry));
	}
}

int ioas_iopt_reserve(struct ioas *ioas, const struct ioas_iova_range *ranges,
		      uint32_t nr, const void *owner)
{
	int ret;

	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ret = ioas_iova_reserve(ioas, ranges, nr, owner, false);
	ioas_write_unlock(&ioas->iova_lock);
	return ret;
}

void ioas_iopt_unreserve(struct ioas *ioas, const void *owner)
{
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_iova_unreserve(ioas, owner, false);
	ioas_write_unlock(&ioas->iova_lock);
}

/* ---- allowed ------------------------------------------------------------ */

int ioas_allow_add(struct ioas_allow *allow, ioas_iova_t first,
		   ioas_iova_t last)
{
	struct ioas_iova_entry *e;

	if (first >= last || ioas_itree_first(&allow->ranges, first, last))
		return -EINVAL;
	e = entry_create(first, last, NULL);
	if (!e)
		return -ENOMEM;
	ioas_itree_insert(&allow->ranges, &e->node);
	return 0;
}

void ioas_allow_drop(struct ioas_allow *allow)
{
	entries_free(&allow->ranges);
}

static bool allow_is_reserved(const struct ioas *ioas,
			      const struct ioas_itree *t)
	__must_hold_shared(ioas->iova_lock)
{
	struct ioas_itree_node *n = ioas_itree_first(t, 0, IOAS_U64_MAX);

	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX))
		if (ioas_iova_reserved(ioas, n->first, n->last))
			return true;
	return false;
}

int ioas_allow_commit(struct ioas *ioas, struct ioas_allow *allow)
{
	struct ioas_itree old = { 0 };
	int ret = 0;

	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	if (allow_is_reserved(ioas, &allow->ranges)) {
		ret = -EADDRINUSE;
	} else {
		old = ioas->allowed;
		ioas->allowed = allow->ranges;
		allow->ranges = (struct ioas_itree){ 0 };
	}
	ioas_write_unlock(&ioas->iova_lock);
	entries_free(&old);
	return ret;
}

int ioas_iopt_allow(struct ioas *ioas, const struct ioas_iova_range *ranges,
		    uint32_t nr)
{
	struct ioas_allow allow = { 0 };
	int ret = 0;

	for (uint32_t i = 0; !ret && i < nr; i++)
		ret = ioas_allow_add(&allow, ranges[i].first, ranges[i].last);
	if (!ret)
		ret = ioas_allow_commit(ioas, &allow);
	ioas_allow_drop(&allow);
	return ret;
}

void ioas_iova_fini(struct ioas *ioas)
{
	entries_free(&ioas->reserved);
	entries_free(&ioas->allowed);
}

int ioas_iopt_ranges(struct ioas *ioas, struct ioas_iova_range *ranges,
		     uint32_t *nr, uint64_t *alignment)
{
	const uint32_t room = *nr;
	uint64_t first = 0, last;
	uint32_t n = 0;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	for (;; first = last + 1) {
		last = IOAS_U64_MAX;
		if (!ioas_itree_span(&ioas->reserved, first, &last)) {
			if (n < room) {
				ranges[n].first = first;
				ranges[n].last = last;
			}
			n++;
		}
		if (last == IOAS_U64_MAX)
			break;
	}
	*alignment = ioas->alignment;
	ioas_read_unlock(&ioas->iova_lock);
	*nr = n;
	return n > room ? -EMSGSIZE : 0;
}

/* ---- alignment ---------------------------------------------------------- */

bool ioas_iova_conforms(const struct ioas *ioas, uint64_t alignment)
{
	struct ioas_range r;

	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		const struct ioas_area *a = r.value;

		if (!ioas_is_aligned(a->iova | (a->last - a->iova + 1) |
					     a->page_offset,
				     alignment))
			return false;
	}
	return true;
}

int ioas_iova_raise(struct ioas *ioas, uint64_t alignment)
{
	ioas_assert_write(&ioas->iova_lock);
	if (alignment <= ioas->alignment)
		return 0;
	if (!ioas_iova_conforms(ioas, alignment))
		return -EADDRINUSE;
	ioas->alignment = (uint32_t)alignment;
	return 0;
}

uint64_t ioas_iova_demand(const struct ioas *ioas)
{
	const uint64_t page = ioas_page_size(ioas->ctx);
	uint64_t demand = ioas->small_pages ? page : 1;

	for (uint32_t d = 0; d < ioas->nr_domains; d++)
		demand = ioas_max(demand,
				  ioas_domain_granule(ioas->domains[d]));
	ioas_list_for_each(l, &ioas->accesses) {
		const struct ioas_attachment *a =
			ioas_list_entry(l, struct ioas_attachment, link);

		if (a->access->flags & IOAS_ACCESS_PINS)
			demand = ioas_max(demand, page);
	}
	return demand;
}

void ioas_iova_realign(struct ioas *ioas)
{
	ioas_assert_write(&ioas->domains_lock);
	ioas_assert_write(&ioas->iova_lock);
	ioas->alignment = (uint32_t)ioas_iova_demand(ioas);
}

uint64_t ioas_iopt_alignment(struct ioas *ioas)
{
	uint64_t alignment;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	alignment = ioas->alignment;
	ioas_read_unlock(&ioas->iova_lock);
	return alignment;
}

uint64_t ioas_iopt_pgsizes(struct ioas *ioas, uint64_t *alignment)
{
	uint64_t pgsizes = IOAS_U64_MAX;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	for (uint32_t d = 0; d < ioas->nr_domains; d++)
		pgsizes &= ioas->domains[d]->pgsizes;
	*alignment = ioas_iopt_alignment(ioas);
	ioas_read_unlock(&ioas->domains_lock);
	return pgsizes;
}

/* ---- choice ------------------------------------------------------------- */

struct choice {
	const struct ioas *ioas;
	uint64_t length;
	uint64_t align;
	/* Offset in its page of the first byte, kept in the result. */
	uint64_t offset;
	ioas_iova_t found;
};

/* First candidate in [first, ..]; false if rounding wraps. */
static bool candidate(const struct choice *c, uint64_t first, uint64_t *start)
{
	if (first > IOAS_U64_MAX - (c->align - 1))
		return false;
	*start = ioas_align_up(first, c->align) | c->offset;
	return true;
}

static bool fits(const struct choice *c, uint64_t first, uint64_t last,
		 uint64_t *start)
{
	return candidate(c, first, start) && *start < last &&
	       last - *start >= c->length - 1;
}

/* [first, last] is free of reserved ranges. */
static bool choose_between(struct choice *c, uint64_t first, uint64_t last)
{
	const uint64_t least = ioas_max(c->length, 2);
	uint64_t g, h;

	while (ioas_rangemap_gap(&c->ioas->areas, first, last, least, &g, &h)) {
		if (fits(c, g, h, &c->found))
			return true;
		if (h == last)
			return false;
		first = h + 1;
	}
	return false;
}

/* [first, last] is a window. */
static bool choose_in(struct choice *c, uint64_t first, uint64_t last)
{
	uint64_t start, span;

	if (!fits(c, first, last, &start))
		return false;
	for (;; start = span + 1) {
		span = last;
		if (!ioas_itree_span(&c->ioas->reserved, start, &span) &&
		    choose_between(c, start, span))
			return true;
		if (span == last)
			return false;
	}
}

static bool choose_allowed(struct choice *c, uint64_t first, uint64_t last)
{
	uint64_t span;

	for (;; first = span + 1) {
		span = last;
		if (ioas_itree_span(&c->ioas->allowed, first, &span) &&
		    choose_in(c, first, span))
			return true;
		if (span == last)
			return false;
	}
}

/* The alignment that a large leaf could use, bounded by the platform's. */
static uint64_t wanted_alignment(const struct ioas_context *ctx,
				 uint64_t address, uint64_t length)
{
	const uint64_t huge = (uint64_t)1 << ctx->huge_lg2;
	/* Rounded up to a power of two; @length is below 2^63. */
	uint64_t align =
		length > 1 ? (uint64_t)2 << ioas_log2(length - 1) : 1;

	if (address)
		align = ioas_min(align, address & -address);
	return ioas_min(align, huge);
}

int ioas_iova_choose(struct ioas *ioas, uint64_t address, uint64_t length,
		     ioas_iova_t *iova)
{
	const uint64_t page = ioas_page_size(ioas->ctx);
	struct choice c = {
		.ioas = ioas,
		.length = length,
		.offset = address & (page - 1),
	};
	bool found;

	ioas_assert_write(&ioas->iova_lock);
	if (!length || length >= IOAS_U64_MAX / 2)
		return -EOVERFLOW;
	c.align = wanted_alignment(ioas->ctx, address, length);
	if (c.align < ioas->alignment)
		return -EINVAL;
	found = ioas->allowed.root ?
			choose_allowed(&c, page, IOAS_U64_MAX - page) :
			choose_in(&c, page, IOAS_U64_MAX - page);
	if (!found)
		return -ENOSPC;
	*iova = c.found;
	return 0;
}
