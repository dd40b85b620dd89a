/* SPDX-License-Identifier: MIT */
/*
 * compare_tables: what hardware makes of a page table
 *
 *   src/walker    every leaf  ==  every leaf    src/pt
 *                     |
 *                 every page  ==  areas and frames of the model
 *
 * The library's own translation is compared elsewhere, after each operation;
 * here two readings of the reference meet. Reading all tables takes its time,
 * so it is done when a hook said that something changed, and now and then.
 */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "domain/table.h"

typedef unsigned long long ull;

/* The leaves of one domain, both ways. */
static struct {
	struct walker_leaf *walked;
	struct ioas_pt_leaf *told;
	uint32_t nr_walked, nr_told, cap;
} seen;

static void seen_room(void)
{
	if (seen.nr_walked < seen.cap && seen.nr_told < seen.cap)
		return;
	seen.cap = seen.cap ? 2 * seen.cap : 1024;
	seen.walked = realloc(seen.walked, seen.cap * sizeof(*seen.walked));
	seen.told = realloc(seen.told, seen.cap * sizeof(*seen.told));
	if (!seen.walked || !seen.told)
		abort();
}

static bool see_walked(void *ctx, const struct walker_leaf *leaf)
{
	(void)ctx;
	seen_room();
	seen.walked[seen.nr_walked++] = *leaf;
	return true;
}

static bool see_told(void *ctx, const struct ioas_pt_leaf *leaf)
{
	(void)ctx;
	seen_room();
	seen.told[seen.nr_told++] = *leaf;
	return true;
}

static uint64_t leaf_last(const struct walker_leaf *leaf)
{
	return leaf->iova + ((UINT64_C(1) << leaf->lg2) - 1);
}

/* The first leaf that ends at or after @iova. */
static uint32_t leaf_index(uint64_t iova)
{
	uint32_t low = 0, high = seen.nr_walked;

	while (low < high) {
		const uint32_t mid = (low + high) / 2;

		if (leaf_last(seen.walked + mid) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void see_all(struct world *w, const struct m_domain *d,
		    const struct walker_config *cfg,
		    const struct walker_memory *mem)
{
	struct ioas_pt *pt = ioas_table_domain_pt(d->real);
	struct walker_tally tally;
	const char *why = "?";

	seen.nr_walked = seen.nr_told = 0;
	if (!walker_for_each(cfg, mem, see_walked, NULL, &tally, &why)) {
		fail(w, "%s: %s", d->kind->name, why);
		return;
	}
	ioas_pt_for_each_leaf(pt, see_told, NULL);
	if (tally.table_bytes > ioas_pt_memory(pt))
		fail(w, "%s: %llu bytes of tables, of %llu", d->kind->name,
		     (ull)tally.table_bytes, (ull)ioas_pt_memory(pt));
	w->stats->walked[d->kind - kind_get(0)]++;
	for (uint32_t i = 0; i < seen.nr_walked; i++)
		w->stats->leaves[d->kind - kind_get(0)][seen.walked[i].lg2]++;
}

/* Both enumerations, leaf by leaf. */
static void compare_leaves(struct world *w, const struct m_domain *d)
{
	const bool tracks = kind_tracks(d->kind, d->pt_flags);

	if (seen.nr_walked != seen.nr_told)
		fail(w, "%s: %u leaves; a walker finds %u", d->kind->name,
		     seen.nr_told, seen.nr_walked);
	for (uint32_t i = 0; i < seen.nr_walked && !w->failed; i++) {
		const struct walker_leaf *a = seen.walked + i;
		const struct ioas_pt_leaf *b = seen.told + i;
		const bool dirty = cells_hit(d, a->iova, leaf_last(a));

		if (a->iova != b->iova || a->oa != b->oa || a->lg2 != b->lg2 ||
		    a->level != b->level)
			fail(w, "%s: %#llx to %#llx (2^%u); a walker finds %#llx to %#llx (2^%u)",
			     d->kind->name, (ull)b->iova, (ull)b->oa, b->lg2,
			     (ull)a->iova, (ull)a->oa, a->lg2);
		if (!(d->real->pgsizes >> a->lg2 & 1))
			fail(w, "%s: a leaf of 2^%u at %#llx", d->kind->name,
			     a->lg2, (ull)a->iova);
		if (a->dirty != dirty && tracks)
			fail(w, "%s: %#llx is dirty for a walker: %d; the model says %d",
			     d->kind->name, (ull)a->iova, a->dirty, dirty);
		if (b->dirty != dirty)
			fail(w, "%s: %#llx is dirty: %d; the model says %d",
			     d->kind->name, (ull)b->iova, b->dirty, dirty);
	}
}

/* The leaves of one area, which are at @i; returns what follows. */
static uint32_t compare_area_leaves(struct world *w, const struct m_domain *d,
				    const struct m_area *a, uint32_t i)
{
	const uint32_t access = kind_access(d->kind, area_prot(w, a));
	uint64_t at = a->iova;

	for (;; i++) {
		const struct walker_leaf *l = seen.walked + i;
		uint64_t rest;

		if (i == seen.nr_walked || l->iova != at ||
		    leaf_last(l) > a->last) {
			fail(w, "%s: a walker finds no leaf at %#llx that ends up to %#llx",
			     d->kind->name, (ull)at, (ull)a->last);
			return i;
		}
		if (l->access != access)
			fail(w, "%s: a walker may do %#x at %#llx; the model says %#x",
			     d->kind->name, l->access, (ull)at, access);
		for (;; at += rest + 1) {
			rest = w->page - 1 -
			       (a->byte + (at - a->iova)) % w->page;
			if (l->oa + (at - l->iova) != address_of(w, a, at))
				fail(w, "%s: a walker finds %#llx at %#llx; the model says %#llx",
				     d->kind->name,
				     (ull)(l->oa + (at - l->iova)), (ull)at,
				     (ull)address_of(w, a, at));
			if (leaf_last(l) - at <= rest)
				break;
		}
		at = leaf_last(l);
		if (at == a->last || w->failed)
			return i + 1;
		at++;
	}
}

/* What the leaf that the walk ended with says beyond permissions. */
static void compare_attributes(struct world *w, const struct m_domain *d,
			       const struct m_area *a,
			       const struct walker_result *r)
{
	const uint64_t word = r->step[r->nr_steps - 1].word;
	uint64_t mask, want;

	want = kind_attributes(d->kind, d->pt_flags, area_prot(w, a), &mask);
	if ((word & mask) != want)
		fail(w, "%s: the leaf at %#llx is %#llx; of %#llx the model says %#llx",
		     d->kind->name, (ull)r->leaf_iova, (ull)word, (ull)mask,
		     (ull)want);
}

/* One access: allowed, denied, and where there is nothing. */
static void compare_walk(struct world *w, const struct m_domain *d,
			 const struct walker_config *cfg,
			 const struct walker_memory *mem, uint64_t iova)
{
	const int id = d->space < 0 ? -1 : area_at(w, (uint8_t)d->space, iova);
	const struct m_area *a = id < 0 ? NULL : w->area + id;
	uint32_t access;
	struct walker_result r;

	if (!a || !area_is_mapped(w, a)) {
		walker_walk(cfg, mem, iova, 0, &r);
		if (r.status != WALKER_NOT_MAPPED &&
		    r.status != WALKER_OUT_OF_APERTURE)
			fail(w, "%s: a walk to %#llx, which is not mapped, ends with %d",
			     d->kind->name, (ull)iova, r.status);
		return;
	}
	access = kind_access(d->kind, area_prot(w, a));
	if (walker_walk(cfg, mem, iova, access, &r) != WALKER_OK ||
	    r.oa != address_of(w, a, iova))
		fail(w, "%s: a walk to %#llx ends with %d and %#llx; the model says %#llx",
		     d->kind->name, (ull)iova, r.status, (ull)r.oa,
		     (ull)address_of(w, a, iova));
	else
		compare_attributes(w, d, a, &r);
	for (uint32_t bit = WALKER_READ; bit <= WALKER_EXEC; bit <<= 1)
		if (!(access & bit) &&
		    walker_walk(cfg, mem, iova, bit, &r) != WALKER_DENIED)
			fail(w, "%s: access %u to %#llx is not denied",
			     d->kind->name, bit, (ull)iova);
}

/* At both borders of each area. */
static void compare_walks(struct world *w, const struct m_domain *d,
			  const struct walker_config *cfg,
			  const struct walker_memory *mem)
{
	const struct m_space *s = d->space < 0 ? NULL : w->space + d->space;

	for (uint32_t i = 0; s && i < s->nr_areas && !w->failed; i++) {
		const struct m_area *a = w->area + s->area[i];

		compare_walk(w, d, cfg, mem, a->iova);
		compare_walk(w, d, cfg, mem, a->last);
		compare_walk(w, d, cfg, mem, a->iova - 1);
		compare_walk(w, d, cfg, mem, a->last + 1);
	}
	for (int i = 0; i < NR_WINDOWS && !w->failed; i++)
		compare_walk(w, d, cfg, mem,
			     w->window[i] + w->window_size / 2);
}

/* What a device has cached is what it would find; now it finds everything. */
static void compare_cached(struct world *w, struct m_domain *d)
{
	for (uint32_t i = 0; i < d->nr_cached; i++) {
		const struct m_cached *c = d->cached + i;
		uint32_t k = leaf_index(c->iova);
		uint64_t at = c->iova;

		for (;; k++) {
			const struct walker_leaf *l = seen.walked + k;

			if (k == seen.nr_walked || l->iova > at ||
			    l->oa + (at - l->iova) != c->oa + (at - c->iova)) {
				fail(w, "%s: a device may still use %#llx to %#llx",
				     d->kind->name, (ull)at,
				     (ull)(c->oa + (at - c->iova)));
				return;
			}
			if (leaf_last(l) >= c->last)
				break;
			at = leaf_last(l) + 1;
		}
	}
	d->nr_cached = 0;
	for (uint32_t i = 0; i < seen.nr_walked; i++)
		cache_add(d, seen.walked[i].iova, leaf_last(seen.walked + i),
			  seen.walked[i].oa);
}

void compare_table(struct world *w, uint8_t id)
{
	struct m_domain *d = w->domain + id;
	const struct m_space *s = d->space < 0 ? NULL : w->space + d->space;
	struct walker_config cfg;
	struct walker_memory mem;
	uint32_t i = 0;

	device_config(d, &cfg);
	device_memory(d, &mem);
	if (!w->failed)
		see_all(w, d, &cfg, &mem);
	if (!w->failed)
		compare_leaves(w, d);
	for (uint32_t k = 0; s && k < s->nr_areas && !w->failed; k++)
		if (area_is_mapped(w, w->area + s->area[k]))
			i = compare_area_leaves(w, d, w->area + s->area[k], i);
	if (!w->failed && i != seen.nr_walked)
		fail(w, "%s: a walker finds a leaf at %#llx", d->kind->name,
		     (ull)seen.walked[i].iova);
	if (!w->failed)
		compare_walks(w, d, &cfg, &mem);
	if (!w->failed)
		compare_cached(w, d);
	d->touched = false;
}
