/* SPDX-License-Identifier: MIT */
/*
 * model: what follows from areas, pins and domains
 *
 *   refresh():  masks A and D of every pages object, from nothing
 *               page was IDLE and is not      --> ask for its frame
 *               page was not IDLE and is now  --> count it, if writable
 *   plan:       a copy of the masks and totals, to say beforehand whether an
 *               operation that holds more pages can succeed
 *
 * Loops over everything; there is nothing clever to be wrong.
 */
#include "universe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errno.h"

void fail(struct world *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, fmt);
	vsnprintf(w->message, sizeof(w->message), fmt, ap);
	va_end(ap);
}

/* ---- spaces ------------------------------------------------------------- */

uint64_t space_alignment(const struct world *w, uint8_t s)
{
	uint64_t align = w->space[s].small_pages ? w->page : 1;

	for (int d = 0; d < NR_DOMAINS; d++)
		if (w->domain[d].real && w->domain[d].space == s)
			align = ioas_max(align, w->domain[d].granule);
	for (int c = 0; c < NR_CLIENTS; c++)
		if (w->client[c].real && w->client[c].space == s &&
		    w->client[c].flags & IOAS_ACCESS_PINS)
			align = ioas_max(align, w->page);
	return align;
}

bool space_conforms(const struct world *w, uint8_t s, uint64_t align)
{
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const struct m_area *a = w->area + w->space[s].area[i];

		if (a->iova % align || (a->last - a->iova + 1) % align ||
		    a->byte % w->page % align)
			return false;
	}
	return true;
}

int area_at(const struct world *w, uint8_t s, uint64_t iova)
{
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const uint8_t a = w->space[s].area[i];

		if (w->area[a].iova <= iova && iova <= w->area[a].last)
			return a;
	}
	return -1;
}

bool hits_area(const struct world *w, uint8_t s, uint64_t first, uint64_t last)
{
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const struct m_area *a = w->area + w->space[s].area[i];

		if (a->iova <= last && first <= a->last)
			return true;
	}
	return false;
}

bool hits_reserved(const struct world *w, uint8_t s, uint64_t first,
		   uint64_t last)
{
	for (uint32_t i = 0; i < w->space[s].nr_reserved; i++) {
		const struct m_range *r = w->space[s].reserved + i;

		if (r->first <= last && first <= r->last)
			return true;
	}
	return false;
}

bool hits_allowed(const struct world *w, uint8_t s, uint64_t first,
		  uint64_t last)
{
	for (uint32_t i = 0; i < w->space[s].nr_allowed; i++) {
		const struct m_range *r = w->space[s].allowed + i;

		if (r->first <= last && first <= r->last)
			return true;
	}
	return false;
}

/* ---- areas, pins, pages objects ----------------------------------------- */

static uint32_t count_parts(const struct world *w, uint8_t area, bool internal)
{
	uint32_t n = 0;

	for (int p = 0; p < MAX_PINS; p++) {
		const struct m_pin *pin = w->pin + p;

		if (!pin->used || (internal && !(w->client[pin->client].flags &
						 IOAS_ACCESS_INTERNAL)))
			continue;
		for (uint32_t i = 0; i < pin->nr_parts; i++)
			n += pin->part[i].area == area;
	}
	return n;
}

uint32_t area_pins(const struct world *w, uint8_t area)
{
	return count_parts(w, area, false);
}

uint32_t area_locks(const struct world *w, uint8_t area)
{
	return count_parts(w, area, true);
}

bool object_pinned(const struct world *w, uint8_t object)
{
	return w->object[object].A;
}

uint32_t object_areas(const struct world *w, uint8_t object)
{
	uint32_t n = 0;

	for (int a = 0; a < MAX_AREAS; a++)
		n += w->area[a].used && w->area[a].object == object;
	return n;
}

int area_slot(const struct world *w)
{
	for (int a = 0; a < MAX_AREAS; a++)
		if (!w->area[a].used)
			return a;
	return -1;
}

int object_slot(const struct world *w)
{
	for (int g = 0; g < MAX_OBJECTS; g++)
		if (!w->object[g].used)
			return g;
	return -1;
}

void area_insert(struct world *w, uint8_t area)
{
	struct m_space *sp = w->space + w->area[area].space;
	uint32_t i = sp->nr_areas++;

	for (; i && w->area[sp->area[i - 1]].iova > w->area[area].iova; i--)
		sp->area[i] = sp->area[i - 1];
	sp->area[i] = area;
	w->area[area].used = true;
}

void area_remove(struct world *w, uint8_t area)
{
	struct m_space *sp = w->space + w->area[area].space;
	uint32_t i = 0;

	while (sp->area[i] != area)
		i++;
	for (sp->nr_areas--; i < sp->nr_areas; i++)
		sp->area[i] = sp->area[i + 1];
	w->area[area].used = false;
}

/* ---- holding ------------------------------------------------------------ */

static void page_held(struct world *w, struct m_object *g, uint32_t page)
{
	const struct m_origin *o = w->origin + g->origin;
	ioas_pfn_t pfn;

	w->newly_held++;
	if (!ioas_sim_frame_at(o->real, g->base + page, &pfn)) {
		fail(w, "page %llu of origin %u is held, and the origin has no frame",
		     (unsigned long long)(g->base + page), g->origin);
		return;
	}
	g->frame[page] = pfn;
}

static void object_refresh(struct world *w, struct m_object *g, uint64_t A,
			   uint64_t D)
{
	const uint64_t was_A = g->A, was_D = g->D;

	g->A = A;
	g->D = D;
	if (is_device(w, g))
		return;
	for (uint32_t i = 0; i < g->nr_pages; i++) {
		const uint64_t was = (was_A >> i & 1) << 1 | (was_D >> i & 1);
		const uint64_t is = (A >> i & 1) << 1 | (D >> i & 1);

		if (was != is)
			w->stats->tier[was][is]++;
		if (!was && is)
			page_held(w, g, i);
		w->released_writable += was && !is && g->writable;
	}
}

static void refresh_totals(struct world *w)
{
	struct m_totals *t = &w->totals;

	memset(t, 0, sizeof(*t));
	for (int i = 0; i < MAX_OBJECTS; i++) {
		const struct m_object *g = w->object + i;
		uint64_t n;

		if (!g->used || g->payer < 0 || is_device(w, g))
			continue;
		n = (uint64_t)__builtin_popcountll(g->A | g->D);
		t->pinned[g->payer] += n;
		if (g->mode == IOAS_ACCOUNT_USER)
			t->user[w->caller[g->payer].user] += n;
		if (g->mode == IOAS_ACCOUNT_MM)
			t->mm[g->payer] += n;
	}
}

bool area_is_mapped(const struct world *w, const struct m_area *a)
{
	const struct m_object *g = w->object + a->object;

	return !is_device(w, g) || !w->origin[g->origin].revoked;
}

void refresh(struct world *w)
{
	uint64_t A[MAX_OBJECTS] = { 0 }, D[MAX_OBJECTS] = { 0 };
	bool used[MAX_OBJECTS] = { false };

	w->newly_held = 0;
	w->released_writable = 0;
	for (int s = 0; s < NR_SPACES; s++) {
		w->space[s].nr_domains = 0;
		for (int d = 0; d < NR_DOMAINS; d++)
			w->space[s].nr_domains += w->domain[d].real &&
						  w->domain[d].space == s;
	}
	for (int i = 0; i < MAX_AREAS; i++) {
		const struct m_area *a = w->area + i;

		if (!a->used)
			continue;
		used[a->object] = true;
		if (w->space[a->space].nr_domains)
			D[a->object] |= area_mask(w, a);
	}
	for (int p = 0; p < MAX_PINS; p++)
		for (uint32_t i = 0; w->pin[p].used && i < w->pin[p].nr_parts;
		     i++) {
			const struct m_part *t = w->pin[p].part + i;

			A[w->area[t->area].object] |= mask_of(t->first,
							      t->last);
		}
	for (int i = 0; i < MAX_OBJECTS; i++) {
		struct m_object *g = w->object + i;

		if (!g->used || (A[i] == g->A && D[i] == g->D && used[i]))
			continue;
		object_refresh(w, g, A[i], D[i]);
		g->used = used[i];
	}
	refresh_totals(w);
	for (int d = 0; d < NR_DOMAINS; d++)
		cells_refresh(w, w->domain + d);
}

int origin_error(const struct world *w, uint8_t origin, uint64_t page,
		 bool write)
{
	const struct m_origin *o = w->origin + origin;

	if (o->kind == M_DEVICE)
		return 0;
	if (o->kind == M_FILE)
		return page < o->nr_pages ? 0 : -EINVAL;
	if (o->dead)
		return -EFAULT;
	for (int c = 0; c < NR_CHUNKS; c++) {
		const struct m_chunk *ch = o->chunk + c;
		const uint64_t bit = page - ch->first;

		if (page < ch->first || bit >= ch->nr ||
		    !(ch->mapped >> bit & 1))
			continue;
		return write && ch->read_only >> bit & 1 ? -EFAULT : 0;
	}
	return -EFAULT;
}

void plan_init(const struct world *w, struct plan *p)
{
	for (int i = 0; i < MAX_OBJECTS; i++)
		p->held[i] = w->object[i].used ?
				     w->object[i].A | w->object[i].D :
				     0;
	p->totals = w->totals;
}

/* Charge @n pages: -ENOMEM above the limit. */
static int plan_charge(const struct world *w, struct m_totals *t,
		       const struct m_object *g, uint64_t n)
{
	const struct m_caller *c;
	uint64_t *total;

	if (!n || g->payer < 0 || g->mode == IOAS_ACCOUNT_NONE)
		return 0;
	c = w->caller + g->payer;
	if (g->mode == IOAS_ACCOUNT_MM && c->gone)
		return 0;
	total = g->mode == IOAS_ACCOUNT_USER ? t->user + c->user :
					       t->mm + g->payer;
	if (*total + n > c->limit)
		return -ENOMEM;
	*total += n;
	return 0;
}

int plan_hold(const struct world *w, struct plan *p, const struct m_object *g,
	      uint32_t slot, uint64_t mask)
{
	const uint64_t newly = mask & ~p->held[slot];
	int ret;

	if (is_device(w, g))
		return 0;
	for (uint32_t i = 0; i < MAX_PAGES; i++) {
		if (!(newly >> i & 1))
			continue;
		ret = origin_error(w, g->origin, g->base + i, g->writable);
		if (ret)
			return ret;
	}
	ret = plan_charge(w, &p->totals, g,
			  (uint64_t)__builtin_popcountll(newly));
	if (!ret)
		p->held[slot] |= mask;
	return ret;
}

void may_also(struct world *w, int error)
{
	if (!w->alt[0] || w->alt[0] == error)
		w->alt[0] = error;
	else
		w->alt[1] = error;
}

/* ---- filling domains ---------------------------------------------------- */

#define NO_PAGE UINT64_MAX

/* The frame that the page has, or will have; false: nobody knows. */
static bool frame_of(const struct world *w, const struct m_object *g,
		     uint64_t page, ioas_pfn_t *pfn)
{
	if (g->used && !is_device(w, g) && (g->A | g->D) >> page & 1) {
		*pfn = g->frame[page];
		return true;
	}
	return ioas_sim_frame_at(w->origin[g->origin].real, g->base + page,
				 pfn);
}

/* The first page that lies beyond what the domain can say. */
static uint64_t first_high(const struct world *w, const struct passage *at,
			   const struct m_domain *d)
{
	const uint64_t limit = kind_oa_last(d->kind) >> w->page_lg2;
	ioas_pfn_t pfn;

	for (uint64_t i = at->first; i <= at->last; i++)
		if (frame_of(w, at->g, i, &pfn) && pfn > limit)
			return i;
	return NO_PAGE;
}

/* The first page that cannot be pinned, and why. */
static uint64_t first_bad(const struct world *w, const struct plan *p,
			  const struct passage *at, int *error)
{
	for (uint64_t i = at->first; i <= at->last; i++) {
		if (p->held[at->slot] >> i & 1)
			continue;
		*error = origin_error(w, at->g->origin, at->g->base + i,
				      at->g->writable);
		if (*error)
			return i;
	}
	return NO_PAGE;
}

/*
 * A page is pinned before it is mapped, and the domains are asked before
 * anybody pays. How many pages are pinned at a time is nobody's promise.
 */
int plan_fill(struct world *w, struct plan *p, const struct passage *at)
{
	const bool device = is_device(w, at->g);
	uint64_t high = NO_PAGE, bad = NO_PAGE;
	int refused = 0, error = 0;

	if (device && w->origin[at->g->origin].revoked)
		return 0;
	for (uint32_t i = 0; i < at->nr; i++) {
		const struct m_domain *d = at->domains[i];

		high = ioas_min(high, first_high(w, at, d));
		if (kind_refuses(d->kind, at->prot))
			refused = kind_refuses(d->kind, at->prot);
	}
	if (!device)
		bad = first_bad(w, p, at, &error);
	if (bad != NO_PAGE && (refused || high < bad))
		may_also(w, error);
	/* Nobody maps what may neither be read nor written. */
	if (refused && high < bad &&
	    at->prot & (IOAS_PROT_READ | IOAS_PROT_WRITE))
		may_also(w, -ERANGE);
	if (refused)
		return refused;
	if (high < bad)
		return -ERANGE;
	return plan_hold(w, p, at->g, (uint32_t)at->slot,
			 mask_of(at->first, at->last));
}
