/* SPDX-License-Identifier: MIT */
/*
 * validate: the invariants of ioas-core 7 that can be seen in a quiet moment
 *
 * Each violation goes to the platform with the invariant's name. To be called
 * while nothing changes the space: in tests after every operation, from a
 * debugger whenever it stands. docs/invariants.md says where the invariants
 * that are not here are held.
 */
#include "core/access.h"
#include "core/iova.h"
#include "core/span.h"
#include "seam/fault.h"

struct report {
	unsigned int violations;
};

static void expect_at(struct report *r, bool holds, const char *what, int line)
{
	if (holds)
		return;
	r->violations++;
	ioas_plat_check_failed(what, "src/core/validate.c", line, "validate");
}

#define EXPECT(r, holds, what) expect_at(r, holds, "INV-" what, __LINE__)

/* ---- areas (A) ---------------------------------------------------------- */

static void validate_area(struct report *r, const struct ioas *ioas,
			  const struct ioas_area *a)
	__must_hold_shared(ioas->iova_lock)
{
	const uint64_t page = ioas_page_size(ioas->ctx);
	const uint64_t ends = a->iova | (a->last - a->iova + 1);

	EXPECT(r, a->ioas == ioas, "A1: area in the tree of its space");
	EXPECT(r, ioas_is_aligned(ends | a->page_offset, ioas->alignment),
	       "A2: alignment of an area");
	EXPECT(r, !ioas_iova_reserved(ioas, a->iova, a->last),
	       "A3: area in a reserved range");
	EXPECT(r, ioas_area_last_index(a) < a->pages->nr_pages &&
		       a->page_offset < page,
	       "A5: slice beyond its pages object");
	EXPECT(r, a->state == IOAS_AREA_LIVE, "A7: area in transition");
	EXPECT(r, atomic_load(&a->pages->refs), "A6: area without reference");
	EXPECT(r, !(a->prot & IOAS_PROT_WRITE) || a->pages->writable,
	       "A8: writable area of read-only pages");
	EXPECT(r, a->nr_locks <= a->nr_accesses, "D3: more locks than pins");
}

static void validate_ranges(struct report *r, const struct ioas *ioas)
	__must_hold_shared(ioas->domains_lock)
		__must_hold_shared(ioas->iova_lock)
{
	struct ioas_itree_node *n;

	EXPECT(r, ioas_rangemap_validate(&ioas->areas), "A1: tree of areas");
	EXPECT(r, ioas_itree_validate(&ioas->reserved), "A3: reserved ranges");
	EXPECT(r, ioas_itree_validate(&ioas->allowed), "A4: allowed ranges");
	n = ioas_itree_first(&ioas->allowed, 0, IOAS_U64_MAX);
	for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX))
		EXPECT(r, !ioas_iova_reserved(ioas, n->first, n->last),
		       "A4: reserved range is allowed");
	EXPECT(r, ioas_is_pow2(ioas->alignment) &&
		       ioas->alignment >= ioas_iova_demand(ioas) &&
		       ioas->alignment <= ioas_page_size(ioas->ctx),
	       "A9: alignment of the space");
}

/* ---- what domains hold (B) ---------------------------------------------- */

/* The same bytes at the same addresses in @d as in the storage domain. */
static void validate_copy(struct report *r, const struct ioas_area *a,
			  struct ioas_domain *d)
	__must_hold(a->pages->mutex)
{
	uint64_t want, got, want_nr, got_nr, n;

	for (ioas_iova_t at = a->iova;; at += n) {
		const int missing =
			a->storage->ops->translate_run(a->storage, at, a->last,
						       NULL, &want, &want_nr) |
			d->ops->translate_run(d, at, a->last, NULL, &got,
					      &got_nr);

		EXPECT(r, !missing, "B1: hole in a domain");
		EXPECT(r, missing || want == got, "B4: domains disagree");
		if (missing || want != got)
			return;
		n = ioas_min(want_nr, got_nr);
		if (a->last - at < n)
			return;
	}
}

/* What the store knows is what the storage domain says (C4). */
static void validate_store(struct report *r, const struct ioas_area *a)
	__must_hold(a->pages->mutex)
{
	const struct ioas_pages *pages = a->pages;
	const uint64_t last = ioas_area_last_index(a);
	uint64_t addr, length;

	if (ioas_pages_is_device(pages) || !pages->access)
		return;
	for (uint64_t i = a->index; i <= last; i++) {
		const struct ioas_run run =
			ioas_store_get(&pages->access->store, i, i);
		const ioas_iova_t iova = ioas_area_iova_first(a, i);

		if (!run.nr)
			continue;
		EXPECT(r, !a->storage->ops->translate_run(
				  a->storage, iova, iova, NULL, &addr,
				  &length) &&
			       addr == (run.pfn << pages->page_lg2) +
					       ioas_area_head(a, i),
		       "C4: store and domain disagree");
	}
}

/* @sound: the linked set may be asked for areas. */
static void validate_linked(struct report *r, const struct ioas *ioas,
			    const struct ioas_area *a, bool sound)
	__must_hold_shared(ioas->domains_lock) __must_hold(a->pages->mutex)
{
	struct ioas_pages *pages = a->pages;

	ioas_assert_held(&pages->mutex);
	EXPECT(r, !a->storage == !ioas->nr_domains,
	       "B3: storage domain if and only if there is a domain");
	if (!a->storage)
		return;
	EXPECT(r, ioas_domain_index(ioas, a->storage) < ioas->nr_domains,
	       "B3: stale storage domain");
	if (!sound)
		return;
	EXPECT(r, ioas_pages_area_at(pages, a->index) &&
		       ioas_pages_area_at(pages, ioas_area_last_index(a)),
	       "B3: linked area is not in the linked set");
	if (ioas_pages_is_device(pages) && pages->device->revoked)
		return;
	for (uint32_t d = 0; d < ioas->nr_domains; d++)
		validate_copy(r, a, ioas->domains[d]);
	validate_store(r, a);
}

/* ---- pages objects (C, D, E) -------------------------------------------- */

/* Held indexes, and D1, C3 on the way. */
static uint64_t validate_tiers(struct report *r,
			       const struct ioas_pages *pages)
	__must_hold(pages->mutex)
{
	const struct ioas_access_set *set = pages->access;
	struct ioas_cset one;
	struct ioas_dspan s;
	uint64_t held = 0;

	ioas_dspan_start(&s, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &one), 0,
			 pages->nr_pages - 1);
	for (; !s.done; ioas_dspan_next(&s)) {
		if (s.label != IOAS_HOLE)
			held += s.last - s.first + 1;
		if (!set)
			continue;
		for (uint64_t i = s.first, n; i <= s.last; i += n) {
			const struct ioas_run run =
				ioas_store_get(&set->store, i, s.last);

			EXPECT(r, !run.nr == (s.label != IOAS_T1),
			       "C3: store is not the access set");
			n = run.nr ? run.nr : s.last - i + 1;
			if (!run.nr && s.label == IOAS_T1)
				break;
		}
	}
	return held;
}

static uint64_t validate_records(struct report *r,
				 const struct ioas_access_set *set)
{
	const struct ioas_itree_node *prev = NULL;
	uint64_t users = 0;

	if (!set)
		return 0;
	EXPECT(r, ioas_itree_validate(&set->records) &&
		       ioas_cset_validate(&set->set) &&
		       ioas_store_validate(&set->store),
	       "D1: structure of the access set");
	for (struct ioas_itree_node *n =
		     ioas_itree_first(&set->records, 0, IOAS_U64_MAX);
	     n; prev = n, n = ioas_itree_next(n, 0, IOAS_U64_MAX)) {
		const struct ioas_record *rec =
			ioas_container_of(n, struct ioas_record, node);

		EXPECT(r, rec->users, "D1: record without users");
		EXPECT(r, !prev || prev->first != n->first ||
			       prev->last != n->last,
		       "D1: two records of one range");
		EXPECT(r, ioas_cset_count(&set->set, n->first) &&
			       ioas_cset_count(&set->set, n->last),
		       "C3: record outside the access set");
		users += rec->users;
	}
	EXPECT(r, users, "D1: access set without records");
	return users;
}

/* True if the linked set is sound, and so may be asked for areas. */
static bool validate_object(struct report *r, const struct ioas_pages *pages)
	__must_hold(pages->mutex)
{
	const bool linked = ioas_pages_linked_validate(pages);

	EXPECT(r, pages->nr_charged == pages->nr_pinned,
	       "E1: charged is not pinned");
	EXPECT(r, linked, "B3: linked set");
	if (ioas_pages_is_device(pages)) {
		EXPECT(r, !pages->nr_pinned, "C2: pinned device memory");
	} else {
		EXPECT(r, validate_tiers(r, pages) == pages->nr_pinned,
		       "C2: pinned is not held");
		validate_records(r, pages->access);
	}
	return linked;
}

unsigned int ioas_pages_validate(struct ioas_pages *pages)
{
	struct report r = { 0 };

	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	validate_object(&r, pages);
	ioas_mutex_unlock(&pages->mutex);
	return r.violations;
}

/* ---- a space, a context ------------------------------------------------- */

unsigned int ioas_iopt_validate(struct ioas *ioas)
{
	struct report r = { 0 };
	struct ioas_range e;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	validate_ranges(&r, ioas);
	ioas_for_each_range(&e, &ioas->areas, 0, IOAS_U64_MAX) {
		struct ioas_area *a = e.value;

		EXPECT(&r, a->iova == e.first && a->last == e.last,
		       "A1: area and its place in the tree");
		validate_area(&r, ioas, a);
		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		validate_linked(&r, ioas, a, validate_object(&r, a->pages));
		ioas_mutex_unlock(&a->pages->mutex);
	}
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
	return r.violations;
}

/*
 * D2 needs every area of a pages object, whatever its space: add the areas'
 * counts up in one walk, take the records' users off in another.
 */
static void validate_counts(struct report *r, struct ioas_context *ctx)
	__no_lock_analysis
{
	uint64_t counts = 0, users = 0;

	ioas_list_for_each(l, &ctx->spaces) {
		struct ioas *ioas = ioas_list_entry(l, struct ioas, link);
		struct ioas_range e;

		ioas_for_each_range(&e, &ioas->areas, 0, IOAS_U64_MAX) {
			struct ioas_area *a = e.value;
			struct ioas_pages *pages = a->pages;

			counts += a->nr_accesses;
			if (pages->seen || ioas_pages_is_device(pages))
				continue;
			pages->seen = true;
			users += validate_records(r, pages->access);
		}
	}
	EXPECT(r, counts == users, "D2: access counts are not the users");
	ioas_list_for_each(l, &ctx->spaces) {
		struct ioas *ioas = ioas_list_entry(l, struct ioas, link);
		struct ioas_range e;

		ioas_for_each_range(&e, &ioas->areas, 0, IOAS_U64_MAX)
			((struct ioas_area *)e.value)->pages->seen = false;
	}
}

unsigned int ioas_context_validate(struct ioas_context *ctx)
{
	struct report r = { 0 };

	ioas_write_lock(&ctx->create_lock, IOAS_RANK_CONTEXT);
	ioas_list_for_each(l, &ctx->spaces)
		r.violations += ioas_iopt_validate(
			ioas_list_entry(l, struct ioas, link));
	validate_counts(&r, ctx);
	ioas_write_unlock(&ctx->create_lock);
	return r.violations;
}
