/* SPDX-License-Identifier: MIT */
/*
 * compare: a projection of the core onto the model
 *
 *    core                                     model
 *    areas of the tree, in order        ==    areas, in order
 *    reserved, allowed, alignment       ==    the same
 *    pages objects: records, store,     ==    pins, A and D, frames
 *      counters, references
 *    domains: every byte                ==    areas and frames
 *    totals of users and processes      ==    sums
 *    pins of the simulated memory       ==    held pages
 *
 * Everything that the core knows and the model has is looked at, after each
 * operation; the core's own validators come first.
 */
#include "universe.h"

#include <stdlib.h>
#include <string.h>

#include "domain/flat.h"
#include "domain/table.h"

typedef unsigned long long ull;

/* ---- spaces ------------------------------------------------------------- */

static void compare_area(struct world *w, uint8_t id, const struct ioas_area *r)
{
	const struct m_area *a = w->area + id;
	struct m_object *g = w->object + a->object;
	const uint32_t pins = area_pins(w, id), locks = area_locks(w, id);

	if (r->iova != a->iova || r->last != a->last) {
		fail(w, "space %u has an area %#llx..%#llx; the model's next is %#llx..%#llx",
		     a->space, (ull)r->iova, (ull)r->last, (ull)a->iova,
		     (ull)a->last);
		return;
	}
	if (!g->real)
		g->real = r->pages;
	if (g->real != r->pages)
		fail(w, "area %#llx: another pages object", (ull)a->iova);
	if (r->state != IOAS_AREA_LIVE)
		fail(w, "area %#llx: state %u", (ull)a->iova, r->state);
	if (r->prot != a->prot || r->index != area_first_page(w, a) ||
	    r->page_offset != a->byte % w->page)
		fail(w, "area %#llx: prot %#x, index %llu, offset %#x; "
			"the model says %#x, %llu, %#llx",
		     (ull)a->iova, r->prot, (ull)r->index, r->page_offset,
		     a->prot, (ull)area_first_page(w, a),
		     (ull)(a->byte % w->page));
	if (r->closing != a->closing || r->nr_accesses != pins ||
	    r->nr_locks != locks)
		fail(w, "area %#llx: closing %d, %u accesses, %u locks; the model says %d, %u, %u",
		     (ull)a->iova, r->closing, r->nr_accesses, r->nr_locks,
		     a->closing, pins, locks);
}

static int range_order(const void *a, const void *b)
{
	const struct m_range *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->last > y->last) - (x->last < y->last);
}

/* The members of a tree, in order, against a list. */
static void compare_ranges(struct world *w, uint8_t s,
			   const struct ioas_itree *t, const struct m_range *r,
			   uint32_t nr, const char *what)
{
	struct m_range sorted[2 * MAX_RANGES];
	struct ioas_itree_node *n = ioas_itree_first(t, 0, UINT64_MAX);

	memcpy(sorted, r, nr * sizeof(*r));
	qsort(sorted, nr, sizeof(*r), range_order);
	for (uint32_t i = 0; i < nr; i++, n = ioas_itree_next(n, 0, UINT64_MAX))
		if (!n || n->first != sorted[i].first ||
		    n->last != sorted[i].last) {
			fail(w, "space %u: %s range %#llx..%#llx is missing",
			     s, what, (ull)sorted[i].first,
			     (ull)sorted[i].last);
			return;
		}
	if (n)
		fail(w, "space %u: %s range %#llx..%#llx is not the model's",
		     s, what, (ull)n->first, (ull)n->last);
}

static bool has_domain(const struct ioas *s, const struct ioas_domain *d)
{
	for (uint32_t i = 0; i < s->nr_domains; i++)
		if (s->domains[i] == d)
			return true;
	return false;
}

static void compare_members(struct world *w, uint8_t s)
{
	const struct ioas *r = w->space[s].real;
	uint32_t clients = 0;

	if (r->nr_domains != w->space[s].nr_domains)
		fail(w, "space %u: %u domains; the model says %u", s,
		     r->nr_domains, w->space[s].nr_domains);
	for (int d = 0; d < NR_DOMAINS; d++)
		if (w->domain[d].real && w->domain[d].space == s &&
		    !has_domain(r, w->domain[d].real))
			fail(w, "space %u: domain %d is missing", s, d);
	ioas_list_for_each(l, &r->accesses)
		clients++;
	for (int c = 0; c < NR_CLIENTS; c++) {
		if (!w->client[c].real || w->client[c].space != s)
			continue;
		clients--;
		if (!ioas_access_validate(w->client[c].real))
			fail(w, "client %d is not sound", c);
	}
	if (clients)
		fail(w, "space %u: %d clients more than the model has", s,
		     (int)clients);
}

static void compare_space(struct world *w, uint8_t s)
{
	const struct m_space *m = w->space + s;
	const struct ioas *r = m->real;
	struct ioas_range it;
	bool ok = ioas_rangemap_first(&r->areas, 0, UINT64_MAX, &it);

	for (uint32_t i = 0; i < m->nr_areas && !w->failed; i++) {
		if (!ok) {
			fail(w, "space %u: area %#llx is missing", s,
			     (ull)w->area[m->area[i]].iova);
			return;
		}
		compare_area(w, m->area[i], it.value);
		ok = ioas_rangemap_next(&r->areas, UINT64_MAX, &it);
	}
	if (ok)
		fail(w, "space %u: area %#llx..%#llx is not the model's", s,
		     (ull)it.first, (ull)it.last);
	if (r->alignment != space_alignment(w, s))
		fail(w, "space %u: alignment %#x; the model says %#llx", s,
		     r->alignment, (ull)space_alignment(w, s));
	if (r->small_pages != m->small_pages)
		fail(w, "space %u: small pages %d", s, r->small_pages);
	compare_ranges(w, s, &r->reserved, m->reserved, m->nr_reserved,
		       "reserved");
	compare_ranges(w, s, &r->allowed, m->allowed, m->nr_allowed,
		       "allowed");
	compare_members(w, s);
}

/* ---- pages objects ------------------------------------------------------ */

/* Users of the record of exactly these pages. */
static uint32_t users(const struct world *w, uint8_t object, uint64_t first,
		      uint64_t last)
{
	uint32_t n = 0;

	for (int p = 0; p < MAX_PINS; p++)
		for (uint32_t i = 0; w->pin[p].used && i < w->pin[p].nr_parts;
		     i++) {
			const struct m_part *t = w->pin[p].part + i;

			n += w->area[t->area].object == object &&
			     t->first == first && t->last == last;
		}
	return n;
}

/* D1: each record has the users that the model counts, and none is missing. */
static void compare_records(struct world *w, uint8_t object)
{
	const struct m_object *g = w->object + object;
	const struct ioas_access_set *set = g->real->access;
	struct ioas_itree_node *n =
		set ? ioas_itree_first(&set->records, 0, UINT64_MAX) : NULL;
	uint32_t sum = 0, parts = 0;

	if (!set != !g->A)
		fail(w, "object %u: access set %s", object,
		     set ? "without a pin" : "missing");
	for (; n; n = ioas_itree_next(n, 0, UINT64_MAX)) {
		const struct ioas_record *rec =
			ioas_container_of(n, struct ioas_record, node);
		const uint32_t want = users(w, object, n->first, n->last);

		if (!want || rec->users != want)
			fail(w, "object %u: record %llu..%llu has %u users; the model says %u",
			     object, (ull)n->first, (ull)n->last, rec->users,
			     want);
		sum += rec->users;
	}
	for (int p = 0; p < MAX_PINS; p++)
		for (uint32_t i = 0; w->pin[p].used && i < w->pin[p].nr_parts;
		     i++)
			parts += w->area[w->pin[p].part[i].area].object ==
				 object;
	if (sum != parts)
		fail(w, "object %u: %u users in all; the model says %u",
		     object, sum, parts);
}

/* C3: the store has exactly the pages that records cover. */
static void compare_store(struct world *w, uint8_t object)
{
	const struct m_object *g = w->object + object;
	const struct ioas_store *store = &g->real->access->store;

	for (uint32_t i = 0; i < g->nr_pages; i++) {
		const struct ioas_run run = ioas_store_get(store, i, i);

		if (!run.nr != !(g->A >> i & 1) ||
		    (run.nr && run.pfn != g->frame[i]))
			fail(w, "object %u: the store has %#llx (%llu) at page %u; "
				"the model says %#llx (%d)",
			     object, (ull)run.pfn, (ull)run.nr, i,
			     (ull)g->frame[i], (int)(g->A >> i & 1));
	}
}

static void compare_object(struct world *w, uint8_t object)
{
	struct m_object *g = w->object + object;
	const struct ioas_pages *r = g->real;
	const struct ioas_principal *payer =
		g->payer < 0 ? NULL : w->principal[g->payer];
	const uint64_t held = is_device(w, g) ?
				      0 :
				      (uint64_t)__builtin_popcountll(g->A |
								     g->D);

	if (r->origin != w->origin[g->origin].real || r->base != g->base ||
	    r->nr_pages != g->nr_pages || r->writable != g->writable)
		fail(w, "object %u: base %llu, %llu pages, writable %d; "
			"the model says %llu, %u, %d",
		     object, (ull)r->base, (ull)r->nr_pages, r->writable,
		     (ull)g->base, g->nr_pages, g->writable);
	if (r->mode != g->mode || r->principal != payer)
		fail(w, "object %u: mode %u, or another pays; the model says %u",
		     object, r->mode, g->mode);
	if (r->nr_pinned != held || r->nr_charged != held)
		fail(w, "object %u: %llu pinned, %llu charged; the model says %llu",
		     object, (ull)r->nr_pinned, (ull)r->nr_charged, (ull)held);
	if (atomic_load(&r->refs) != object_areas(w, object))
		fail(w, "object %u: %u references; the model says %u", object,
		     atomic_load(&r->refs), object_areas(w, object));
	if (is_device(w, g))
		return;
	compare_records(w, object);
	if (!w->failed && r->access)
		compare_store(w, object);
}

/* Two objects of the model are two in the core. */
static void compare_objects(struct world *w)
{
	for (uint8_t i = 0; i < MAX_OBJECTS && !w->failed; i++) {
		if (!w->object[i].used)
			continue;
		for (uint8_t j = 0; j < i; j++)
			if (w->object[j].used &&
			    w->object[j].real == w->object[i].real)
				fail(w, "objects %u and %u are one", j, i);
		compare_object(w, i);
	}
}

/* ---- domains ------------------------------------------------------------ */

uint64_t address_of(const struct world *w, const struct m_area *a,
		    uint64_t iova)
{
	const struct m_object *g = w->object + a->object;
	const uint64_t byte = a->byte + (iova - a->iova);
	ioas_pfn_t pfn = 0;

	if (is_device(w, g))
		ioas_sim_frame_at(w->origin[g->origin].real,
				  g->base + (byte >> w->page_lg2), &pfn);
	else
		pfn = g->frame[byte >> w->page_lg2];
	return (pfn << w->page_lg2) + byte % w->page;
}

uint32_t area_prot(const struct world *w, const struct m_area *a)
{
	if (!is_device(w, w->object + a->object))
		return a->prot;
	return (a->prot & ~(uint32_t)IOAS_PROT_CACHE) | IOAS_PROT_MMIO;
}

/* Protection, and in small-page mode the size, of what holds @iova. */
static void compare_leaf(struct world *w, uint8_t d, const struct m_area *a,
			 uint64_t iova)
{
	const struct m_domain *dom = w->domain + d;
	struct ioas_flat_run run = { 0 };
	struct ioas_pt_leaf leaf = { 0 };
	uint64_t size;
	uint32_t prot, want;

	if (dom->table) {
		ioas_pt_leaf(ioas_table_domain_pt(dom->real), iova, &leaf);
		prot = leaf.prot;
		size = UINT64_C(1) << leaf.lg2;
	} else {
		ioas_flat_domain_find(dom->real, iova, &run);
		prot = run.prot;
		size = run.last - run.iova + 1;
	}
	want = kind_prot(dom->kind, area_prot(w, a));
	if (prot != want)
		fail(w, "domain %u: protection %#x at %#llx; the model says %#x",
		     d, prot, (ull)iova, want);
	if (w->space[a->space].small_pages &&
	    (size > w->page || (!dom->table && size != w->page)))
		fail(w, "B6: domain %u has %#llx bytes in one piece at %#llx",
		     d, (ull)size, (ull)iova);
	if (w->space[a->space].small_pages && dom->small_leaf &&
	    size > dom->small_leaf)
		fail(w, "domain %u has a leaf of %#llx bytes at %#llx", d,
		     (ull)size, (ull)iova);
}

/* Every page of the area, in the domain. Returns the bytes. */
static uint64_t compare_mapping(struct world *w, uint8_t d,
				const struct m_area *a)
{
	const struct m_domain *dom = w->domain + d;
	struct ioas_domain_cursor cursor = { { 0 } };

	for (uint64_t at = a->iova;;) {
		const uint64_t byte = a->byte + (at - a->iova);
		const uint64_t rest = w->page - byte % w->page - 1;
		const uint64_t end = a->last - at < rest ? a->last : at + rest;
		uint64_t addr, length;

		if (dom->real->ops->translate_run(dom->real, at, end, &cursor,
						  &addr, &length)) {
			fail(w, "B1: nothing at %#llx in domain %u", (ull)at,
			     d);
			return 0;
		}
		if (!length || length - 1 > end - at)
			fail(w, "B1: domain %u answers %#llx bytes for %#llx..%#llx",
			     d, (ull)length, (ull)at, (ull)end);
		if (addr != address_of(w, a, at))
			fail(w, "B1: domain %u has %#llx at %#llx; the model says %#llx",
			     d, (ull)addr, (ull)at, (ull)address_of(w, a, at));
		compare_leaf(w, d, a, at);
		if (w->failed || at + (length - 1) == a->last)
			break;
		at += length;
	}
	return a->last - a->iova + 1;
}

static bool add_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	*(uint64_t *)ctx += UINT64_C(1) << leaf->lg2;
	return true;
}

static uint64_t bytes_mapped(const struct m_domain *d)
{
	struct ioas_flat_stats st;
	uint64_t bytes = 0;

	if (d->table) {
		ioas_pt_for_each_leaf(ioas_table_domain_pt(d->real), add_leaf,
				      &bytes);
		return bytes;
	}
	ioas_flat_domain_stats(d->real, &st);
	return st.bytes;
}

/* What is dirty, at both ends of each cell and of each area (flat only). */
static void compare_dirty(struct world *w, uint8_t d)
{
	const struct m_domain *dom = w->domain + d;

	if (dom->table || !dom->can_dirty)
		return;
	if (ioas_flat_domain_tracks_dirty(dom->real) != dom->tracking)
		fail(w, "domain %u: tracking %d", d, !dom->tracking);
	for (uint32_t i = 0; i < dom->nr_dirty; i++)
		if (!ioas_flat_domain_is_dirty(dom->real, dom->dirty[i].first))
			fail(w, "domain %u: %#llx is not dirty", d,
			     (ull)dom->dirty[i].first);
}

static void compare_domain(struct world *w, uint8_t d)
{
	const struct m_domain *dom = w->domain + d;
	const struct m_space *s = dom->space < 0 ? NULL :
						   w->space + dom->space;
	/* All of a page table takes its time: when a hook said something. */
	const bool all = !dom->table || dom->touched || !(w->nr % 16);
	uint64_t bytes = 0;

	for (uint32_t i = 0; s && i < s->nr_areas && !w->failed; i++) {
		const struct m_area *a = w->area + s->area[i];

		if (area_is_mapped(w, a))
			bytes += compare_mapping(w, d, a);
	}
	if (!w->failed && all && bytes_mapped(dom) != bytes)
		fail(w, "B2: %#llx bytes are mapped in domain %u; the model says %#llx",
		     (ull)bytes_mapped(dom), d, (ull)bytes);
	if (!w->failed)
		compare_dirty(w, d);
	if (!w->failed && all && dom->table)
		compare_table(w, d);
	if (all && !(dom->table ? ioas_table_domain_validate(dom->real) :
			   ioas_flat_domain_validate(dom->real)))
		fail(w, "domain %u is not sound", d);
}

/* ---- totals and pins ---------------------------------------------------- */

static void compare_totals(struct world *w)
{
	for (int u = 0; u < NR_USERS; u++)
		if (atomic_load(&w->user[u]->charged) != w->totals.user[u])
			fail(w, "E2: user %d is charged %llu; the model says %llu",
			     u, (ull)atomic_load(&w->user[u]->charged),
			     (ull)w->totals.user[u]);
	for (int c = 0; c < NR_CALLERS; c++) {
		const struct ioas_mm *mm = w->mm[c];

		if (!mm || w->caller[c].gone)
			continue;
		if (atomic_load(&mm->charged) != w->totals.mm[c] ||
		    atomic_load(&mm->pinned) != w->totals.pinned[c])
			fail(w, "E2, E5: process %d: %llu charged, %llu pinned; "
				"the model says %llu, %llu",
			     c, (ull)atomic_load(&mm->charged),
			     (ull)atomic_load(&mm->pinned),
			     (ull)w->totals.mm[c], (ull)w->totals.pinned[c]);
	}
}

static int pfn_order(const void *a, const void *b)
{
	const ioas_pfn_t x = *(const ioas_pfn_t *)a, y = *(const ioas_pfn_t *)b;

	return (x > y) - (x < y);
}

/*
 * C1: one pin for each page that an object holds. If the sum is right and each
 * held frame has what the model counts, no other frame can have any.
 */
static void compare_pins(struct world *w)
{
	static ioas_pfn_t held[MAX_OBJECTS * MAX_PAGES];
	uint32_t n = 0;

	for (int i = 0; i < MAX_OBJECTS; i++) {
		const struct m_object *g = w->object + i;

		if (!g->used || is_device(w, g))
			continue;
		for (uint32_t p = 0; p < g->nr_pages; p++)
			if ((g->A | g->D) >> p & 1)
				held[n++] = g->frame[p];
	}
	if (ioas_sim_total_pins(w->sim) != n)
		fail(w, "C1: %llu pins; the model says %u",
		     (ull)ioas_sim_total_pins(w->sim), n);
	qsort(held, n, sizeof(held[0]), pfn_order);
	for (uint32_t i = 0, j; i < n && !w->failed; i = j) {
		struct ioas_sim_pins p;

		for (j = i; j < n && held[j] == held[i];)
			j++;
		p = ioas_sim_pins(w->sim, held[i]);
		if (p.read + p.write != j - i)
			fail(w, "C1: frame %#llx has %llu pins; the model says %u",
			     (ull)held[i], (ull)(p.read + p.write), j - i);
	}
}

/* Pins that a callback let go of, and the model did not. */
static void compare_released(struct world *w)
{
	for (int p = 0; p < MAX_PINS; p++)
		if (w->pin[p].used && w->pin[p].released)
			fail(w, "the core told client %u to let go of pin %d; the model did not",
			     w->pin[p].client, p);
}

void compare_all(struct world *w)
{
	if (w->failed)
		return;
	compare_released(w);
	for (uint8_t s = 0; s < NR_SPACES && !w->failed; s++)
		if (w->space[s].real)
			compare_space(w, s);
	if (!w->failed)
		compare_objects(w);
	for (uint8_t d = 0; d < NR_DOMAINS && !w->failed; d++)
		if (w->domain[d].real)
			compare_domain(w, d);
	compare_totals(w);
	if (!w->failed)
		compare_pins(w);
	if (!w->failed && ioas_context_validate(&w->ctx))
		fail(w, "the core's validators object");
}
