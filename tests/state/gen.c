/* SPDX-License-Identifier: MIT */
/*
 * gen: what to do next
 *
 *   70 %  at a border of what exists (areas, reserved and allowed ranges, pins,
 *         ends of windows), or one granule beside it
 *   20 %  anywhere in the windows
 *   10 %  nonsense
 *
 * It looks at the model, and at frames of the simulated memory. An operation is
 * a handful of numbers; nothing here is needed to repeat one. What is about
 * domains is in gen_domain.c.
 */
#include "gen.h"

#include <string.h>

#include "domain/ops.h"

static const uint8_t weights[NR_OPS] = {
	[OP_SPACE_CREATE] = 6,	  [OP_SPACE_DESTROY] = 1,
	[OP_MAP_USER] = 50,	  [OP_MAP_FILE] = 22,
	[OP_MAP_DEVICE] = 8,	  [OP_COPY] = 34,
	[OP_UNMAP] = 44,	  [OP_UNMAP_ALL] = 3,
	[OP_DOMAIN_CREATE] = 8,	  [OP_DOMAIN_DESTROY] = 3,
	[OP_ATTACH] = 24,	  [OP_DETACH] = 7,
	[OP_RESERVE] = 7,	  [OP_UNRESERVE] = 5,
	[OP_ALLOW] = 9,		  [OP_RANGES] = 5,
	[OP_SPLIT] = 16,	  [OP_SMALL_PAGES] = 6,
	[OP_CLIENT_CREATE] = 7,	  [OP_CLIENT_DESTROY] = 2,
	[OP_CLIENT_ATTACH] = 10,  [OP_CLIENT_DETACH] = 4,
	[OP_CLIENT_REPLACE] = 6,  [OP_CLIENT_PATIENCE] = 6,
	[OP_PIN] = 46,		  [OP_UNPIN] = 40,
	[OP_RW] = 34,		  [OP_DIRTY_SET] = 9,
	[OP_DIRTY_MARK] = 24,	  [OP_DIRTY_READ] = 20,
	[OP_CUT] = 16,		  [OP_REMAP] = 8,
	[OP_HOLE] = 4,		  [OP_FILL_HOLE] = 8,
	[OP_PROTECT] = 5,	  [OP_DIE] = 1,
	[OP_ORIGIN_CREATE] = 4,	  [OP_LIMIT] = 8,
	[OP_CHANGE_PROCESS] = 6,  [OP_POLICY] = 3,
	[OP_REVOKE] = 1,	  [OP_TUNING] = 3,
	[OP_PIN_MODE] = 3,
};

/* ---- slots -------------------------------------------------------------- */

uint8_t some_space(struct world *w)
{
	uint8_t s = (uint8_t)below(w, NR_SPACES);

	for (int i = 0; i < NR_SPACES; i++, s = (uint8_t)((s + 1) % NR_SPACES))
		if (w->space[s].real)
			return s;
	return 0;
}

/* A space with areas, if there is one. */
static uint8_t full_space(struct world *w)
{
	uint8_t s = (uint8_t)below(w, NR_SPACES);

	for (int i = 0; i < NR_SPACES; i++, s = (uint8_t)((s + 1) % NR_SPACES))
		if (w->space[s].real && w->space[s].nr_areas)
			return s;
	return some_space(w);
}

static uint8_t some_client(struct world *w, bool attached)
{
	uint8_t c = (uint8_t)below(w, NR_CLIENTS);

	for (int i = 0; i < NR_CLIENTS;
	     i++, c = (uint8_t)((c + 1) % NR_CLIENTS))
		if (w->client[c].real && (!attached || w->client[c].space >= 0))
			return c;
	return c;
}

/* One in a space with areas, if there is one. */
static uint8_t busy_client(struct world *w)
{
	uint8_t c = (uint8_t)below(w, NR_CLIENTS);

	for (int i = 0; i < NR_CLIENTS;
	     i++, c = (uint8_t)((c + 1) % NR_CLIENTS))
		if (w->client[c].real && w->client[c].space >= 0 &&
		    w->space[w->client[c].space].nr_areas)
			return c;
	return some_client(w, true);
}

uint8_t some_domain(struct world *w, bool attached)
{
	uint8_t d = (uint8_t)below(w, NR_DOMAINS);

	for (int i = 0; i < NR_DOMAINS;
	     i++, d = (uint8_t)((d + 1) % NR_DOMAINS))
		if (w->domain[d].real && (w->domain[d].space >= 0) == attached)
			return d;
	return d;
}

const struct m_area *some_area(struct world *w, uint8_t s)
{
	const struct m_space *sp = w->space + s;

	return sp->nr_areas ? w->area + sp->area[below(w, sp->nr_areas)] : NULL;
}

/* ---- addresses ---------------------------------------------------------- */

/* What a step of one is in this space. */
static uint64_t unit(struct world *w, uint8_t s)
{
	const uint64_t align = space_alignment(w, s);

	if (chance(w, 2))
		return 1;
	if (chance(w, 75))
		return w->page;
	return ioas_max(align, w->page / (chance(w, 50) ? 2 : 8));
}

static uint64_t nonsense(struct world *w)
{
	static const uint64_t odd[] = { 0, 1, 7, UINT64_MAX, UINT64_MAX - 1,
					UINT64_C(1) << 63,
					(UINT64_C(1) << 63) - 1 };

	if (chance(w, 60))
		return odd[below(w, IOAS_ARRAY_SIZE(odd))];
	return rng_next(&w->rng);
}

uint64_t in_windows(struct world *w)
{
	return w->window[below(w, NR_WINDOWS)] + below(w, w->window_size);
}

static uint64_t border(struct world *w, uint8_t s)
{
	const struct m_space *sp = w->space + s;
	const struct m_area *a = some_area(w, s);
	const struct m_pin *pin = w->pin + below(w, MAX_PINS);
	const struct m_range *r;

	switch (below(w, 8)) {
	case 0:
	case 1:
		return a ? a->iova : in_windows(w);
	case 2:
	case 3:
		return a ? a->last + 1 : in_windows(w);
	case 4:
		if (sp->nr_reserved) {
			r = sp->reserved + below(w, sp->nr_reserved);
			return chance(w, 50) ? r->first : r->last + 1;
		}
		return w->window[below(w, NR_WINDOWS)] + w->window_size / 2;
	case 5:
		if (sp->nr_allowed) {
			r = sp->allowed + below(w, sp->nr_allowed);
			return chance(w, 50) ? r->first : r->last + 1;
		}
		return w->window[below(w, NR_WINDOWS)];
	case 6:
		return pin->used ? pin->iova : w->window[2];
	default:
		return w->window[below(w, NR_WINDOWS)] +
		       (chance(w, 50) ? w->window_size : 0);
	}
}

uint64_t some_iova(struct world *w, uint8_t s)
{
	const uint64_t step = unit(w, s);
	const uint32_t kind = (uint32_t)below(w, 100);
	uint64_t at;

	if (kind >= 97)
		return nonsense(w);
	if (kind >= 70)
		return in_windows(w) / step * step;
	at = border(w, s);
	if (chance(w, 30))
		at += chance(w, 50) ? step : -step;
	return at;
}

/* Where @length bytes can go, if three attempts find a place. */
static uint64_t some_place(struct world *w, uint8_t s, uint64_t length)
{
	uint64_t at = some_iova(w, s), last;

	for (int i = 0; i < 3; i++) {
		if (ioas_last(at, length, &last) &&
		    !hits_area(w, s, at, last) && !hits_reserved(w, s, at, last))
			break;
		at = some_iova(w, s);
		/* Or so that it ends where something begins. */
		if (chance(w, 30))
			at -= length;
	}
	return at;
}

static uint64_t some_length(struct world *w, uint8_t s)
{
	const uint64_t step = unit(w, s);
	const uint32_t kind = (uint32_t)below(w, 100);

	if (kind < 3)
		return nonsense(w);
	if (kind < 15)
		return (1 + below(w, 8)) * step;
	if (kind < 75)
		return ((1 + below(w, 6)) * w->page) / step * step;
	return ((1 + below(w, chance(w, 70) ? 20 : 60)) * w->page +
		below(w, 3) * step) /
	       step * step;
}

/* A range in terms of the areas of a space: [*iova, + *length). */
void area_range(struct world *w, uint8_t s, uint64_t *iova, uint64_t *length)
{
	const struct m_area *a = some_area(w, s);
	const struct m_area *b = a;
	const uint64_t step = unit(w, s);
	const uint32_t kind = (uint32_t)below(w, 100);
	const int next = a && a->last != UINT64_MAX ?
				 area_at(w, s, a->last + 1) :
				 -1;
	uint64_t last;

	*iova = some_iova(w, s);
	*length = some_length(w, s);
	if (!a || kind >= 90)
		return;
	if (next >= 0 && chance(w, 50))
		b = w->area + next;
	*iova = a->iova;
	last = b->last;
	if (kind >= 45) {
		/* A part: begins and ends inside, mostly on pages. */
		const uint64_t pages = (a->last - a->iova) / w->page + 1;
		const uint64_t skip = below(w, pages) * w->page;

		*iova += skip - (a->byte % w->page && skip ?
					 a->byte % w->page :
					 0);
		last = *iova + (1 + below(w, 5)) * w->page - 1;
		if (last > b->last && chance(w, 80))
			last = b->last;
	}
	if (kind >= 80) {
		*iova += chance(w, 50) ? step : -step;
		last += chance(w, 50) ? step : -step;
	}
	*length = last - *iova + 1;
}

static uint32_t some_prot(struct world *w)
{
	const uint32_t kind = (uint32_t)below(w, 100);

	if (kind < 55)
		return IOAS_PROT_READ | IOAS_PROT_WRITE;
	if (kind < 80)
		return IOAS_PROT_READ;
	if (kind < 88)
		return IOAS_PROT_WRITE;
	if (kind < 94)
		return IOAS_PROT_READ | IOAS_PROT_WRITE | IOAS_PROT_CACHE;
	if (kind < 97)
		return IOAS_PROT_READ | (uint32_t)below(w, 64);
	return kind & 1 ? 0 : IOAS_PROT_CACHE;
}

/* ---- operations --------------------------------------------------------- */

/*
 * As far from a multiple of 64 pages as the frame is, so that leaves can be
 * large; or at one, so that tables become full. Near a window, if there is
 * room.
 */
static uint64_t congruent_place(struct world *w, const struct op *op)
{
	const uint64_t span = 64 * w->page;
	uint64_t at = op->v[2], off = 0, last;
	ioas_pfn_t pfn;

	if (chance(w, 75) &&
	    ioas_sim_frame_at(w->origin[op->b].real, op->v[0] >> w->page_lg2,
			      &pfn))
		off = ((pfn << w->page_lg2) + op->v[0] % w->page) % span;
	for (int i = 0; i < 6; i++) {
		at = ioas_align_down(at, span) + off;
		if (ioas_last(at, op->v[1], &last) &&
		    !hits_area(w, op->a, at, last) &&
		    !hits_reserved(w, op->a, at, last))
			break;
		at = in_windows(w) + (below(w, 5) - 2) * span;
	}
	return at;
}

static void gen_map(struct world *w, struct op *op)
{
	const struct m_origin *o;
	const uint64_t step = unit(w, op->a);
	uint64_t pages;

	op->b = op->kind == OP_MAP_USER ? (uint8_t)below(w, NR_PROCESSES) :
		op->kind == OP_MAP_FILE ?
				  (uint8_t)(NR_PROCESSES + below(w, NR_FILES)) :
				  (uint8_t)(NR_PROCESSES + NR_FILES +
					    below(w, NR_DEVICES));
	o = w->origin + op->b;
	op->prot = some_prot(w);
	op->v[1] = some_length(w, op->a);
	if (o->kind == M_PROCESS) {
		const struct m_chunk *c = o->chunk + chance(w, 20);

		op->v[0] = (c->first + below(w, c->nr)) << w->page_lg2;
	} else {
		op->v[0] = below(w, o->nr_pages + 1) << w->page_lg2;
		pages = o->nr_pages - (op->v[0] >> w->page_lg2);
		if (chance(w, 85) && op->v[1] > pages << w->page_lg2)
			op->v[1] = (1 + below(w, pages + 1)) << w->page_lg2;
	}
	/* All there is, in one piece. */
	if (chance(w, w->large ? 40 : 8)) {
		op->v[0] = o->chunk[0].first << w->page_lg2;
		op->v[1] = (o->kind == M_PROCESS ? o->chunk[0].nr :
						   o->nr_pages)
			   << w->page_lg2;
	} else if (chance(w, 25)) {
		op->v[0] += below(w, w->page) / step * step;
	}
	if (chance(w, 2))
		op->v[0] = nonsense(w);
	if (chance(w, 55)) {
		op->flags = IOAS_MAP_FIXED;
		op->v[2] = some_place(w, op->a, op->v[1]);
		if (chance(w, w->large ? 90 : 50))
			op->v[2] = congruent_place(w, op);
	} else if (chance(w, 50)) {
		op->v[2] = nonsense(w);
	}
}

static void gen_copy(struct world *w, struct op *op)
{
	op->b = full_space(w);
	op->prot = some_prot(w);
	area_range(w, op->b, &op->v[0], &op->v[1]);
	if (chance(w, 60)) {
		op->flags = IOAS_MAP_FIXED;
		op->v[2] = some_place(w, op->a, op->v[1]);
	}
}

static void gen_unmap(struct world *w, struct op *op)
{
	op->a = full_space(w);
	area_range(w, op->a, &op->v[0], &op->v[1]);
	/* A superset of several: from a border to a border. */
	if (chance(w, 12)) {
		op->v[0] = border(w, op->a);
		op->v[1] = border(w, op->a) - op->v[0];
	}
}

static void gen_range(struct world *w, uint8_t s, uint64_t *first,
		      uint64_t *last)
{
	uint64_t length = some_length(w, s);

	*first = some_iova(w, s);
	if (chance(w, 8)) {
		*last = some_iova(w, s);
		return;
	}
	*last = *first + length - 1;
	if (*last < *first)
		*last = UINT64_MAX;
}

static void gen_ranges(struct world *w, struct op *op)
{
	op->n = (uint8_t)below(w, MAX_LIST + 1);
	op->b = (uint8_t)below(w, NR_OWNERS);
	/* A reservation of all there is, or a promise, seldom. */
	for (int i = 0; i < op->n; i++)
		gen_range(w, op->a, &op->v[2 * i], &op->v[2 * i + 1]);
}

static void gen_split(struct world *w, struct op *op)
{
	op->a = full_space(w);
	op->n = chance(w, 70) ? 1 : (uint8_t)(1 + below(w, MAX_LIST));
	for (int i = 0; i < op->n; i++) {
		const struct m_area *a = some_area(w, op->a);
		const uint64_t step = unit(w, op->a);

		/* What is closing stays so, and is not to be cut. */
		for (int j = 0; a && !a->closing && j < 3; j++)
			a = some_area(w, op->a);
		op->v[i] = a && chance(w, 80) ?
				   a->iova +
					   (1 + below(w, (a->last - a->iova) /
								   step +
							   1)) *
						   step -
					   1 :
				   some_iova(w, op->a) - 1;
	}
}

static void gen_client(struct world *w, struct op *op)
{
	const uint32_t kind = (uint32_t)below(w, 10);

	op->a = (uint8_t)below(w, NR_CLIENTS);
	for (uint8_t c = 0; c < NR_CLIENTS; c++)
		if (!w->client[c].real)
			op->a = c;
	op->flags = kind < 6 ? IOAS_ACCESS_PINS :
		    kind < 8 ? 0 :
			       IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL;
}

static void gen_pin(struct world *w, struct op *op)
{
	const struct m_pin *pin = w->pin + below(w, MAX_PINS);
	int8_t s;

	op->a = chance(w, 90) ? busy_client(w) : some_client(w, true);
	s = w->client[op->a].space;
	op->flags = chance(w, 40) ? IOAS_ACCESS_WRITE : 0;
	op->n = chance(w, 70) ? UINT8_MAX :
		chance(w, 50) ? 0 :
				(uint8_t)(1 + below(w, 5));
	area_range(w, s < 0 ? some_space(w) : (uint8_t)s, &op->v[0],
		   &op->v[1]);
	if (pin->used && chance(w, 20)) {
		op->v[0] = pin->iova;
		op->v[1] = pin->length;
	}
}

static void gen_rw(struct world *w, struct op *op)
{
	int8_t s;

	op->a = chance(w, 90) ? busy_client(w) : some_client(w, true);
	s = w->client[op->a].space;
	op->flags = (chance(w, 50) ? IOAS_ACCESS_WRITE : 0u) |
		    (chance(w, 20) ? IOAS_ACCESS_ADOPT : 0u);
	area_range(w, s < 0 ? some_space(w) : (uint8_t)s, &op->v[0],
		   &op->v[1]);
	if (chance(w, 40))
		op->v[1] = 1 + below(w, 9);
	if (chance(w, 20))
		op->v[0] += below(w, w->page);
	if (op->v[1] > MAX_COPY) {
		/* Across the border of a page, if pages are large. */
		op->v[0] = ((op->v[0] >> w->page_lg2) + 1) << w->page_lg2;
		op->v[0] -= below(w, ioas_min(w->page, MAX_COPY));
		op->v[1] = 1 + below(w, MAX_COPY);
	}
}

static void gen_memory(struct world *w, struct op *op)
{
	static const uint8_t layouts[] = { IOAS_SIM_CONSECUTIVE,
					   IOAS_SIM_SCATTERED, IOAS_SIM_RUNS,
					   IOAS_SIM_DESCENDING };
	const struct m_chunk *c;
	uint32_t at;

	op->a = (uint8_t)below(w, NR_PROCESSES);
	c = w->origin[op->a].chunk + chance(w, 20);
	if (!c->nr)
		return;
	at = (uint32_t)below(w, c->nr);
	/* Most holes are filled again: look for one. */
	if (op->kind == OP_FILL_HOLE)
		for (uint32_t i = 0; i < c->nr && c->mapped >> at & 1; i++)
			at = (at + 1) % c->nr;
	op->v[0] = c->first + at;
	op->n = (uint8_t)(1 + below(w, ioas_min(4, c->nr - at)));
	if (op->kind == OP_FILL_HOLE)
		op->n = 1;
	op->flags = layouts[below(w, IOAS_ARRAY_SIZE(layouts))];
	if (op->kind == OP_PROTECT)
		op->flags = chance(w, 40) ? IOAS_SIM_READ_ONLY : 0;
}

static void gen_limit(struct world *w, struct op *op)
{
	const struct m_caller *c;

	op->a = (uint8_t)below(w, NR_CALLERS);
	c = w->caller + op->a;
	op->v[0] = chance(w, 40) ? 1000 :
		   chance(w, 70) ? w->totals.user[c->user] + below(w, 8) :
				   below(w, 40);
}

static void gen_tuning(struct world *w, struct op *op)
{
	static const uint8_t sizes[] = { 0, 1, 1, 2, 3, 7 };

	for (int i = 0; i < 4; i++)
		op->v[i] = sizes[below(w, IOAS_ARRAY_SIZE(sizes))];
	op->flags = chance(w, 20);
}

/* Operations on what is around the core; the rest need no numbers. */
static void gen_around(struct world *w, struct op *op)
{
	switch (op->kind) {
	case OP_REMAP:
	case OP_HOLE:
	case OP_FILL_HOLE:
	case OP_PROTECT:
		gen_memory(w, op);
		break;
	case OP_DIE:
		op->a = (uint8_t)below(w, NR_PROCESSES);
		break;
	case OP_ORIGIN_CREATE:
		op->a = (uint8_t)below(w, NR_ORIGINS);
		op->v[0] = rng_next(&w->rng);
		break;
	case OP_REVOKE:
		op->a = (uint8_t)(NR_PROCESSES + NR_FILES +
				  below(w, NR_DEVICES));
		break;
	case OP_LIMIT:
		gen_limit(w, op);
		break;
	case OP_POLICY:
		op->n = chance(w, 50);
		break;
	case OP_TUNING:
		gen_tuning(w, op);
		break;
	case OP_PIN_MODE:
		op->n = (uint8_t)below(w, 3);
		break;
	default:
		break;
	}
}

/* The numbers of an operation of a kind that is chosen. */
static void gen_numbers(struct world *w, struct op *op)
{
	op->a = some_space(w);
	switch (op->kind) {
	case OP_SPACE_CREATE:
		op->a = (uint8_t)below(w, NR_SPACES);
		break;
	case OP_MAP_USER:
	case OP_MAP_FILE:
	case OP_MAP_DEVICE:
		gen_map(w, op);
		break;
	case OP_COPY:
		gen_copy(w, op);
		break;
	case OP_UNMAP:
		gen_unmap(w, op);
		break;
	case OP_DOMAIN_CREATE:
		gen_domain(w, op);
		break;
	case OP_DOMAIN_DESTROY:
		op->a = some_domain(w, false);
		break;
	case OP_ATTACH:
		op->b = some_domain(w, chance(w, 5));
		if (w->domain[op->b].space >= 0)
			op->a = (uint8_t)w->domain[op->b].space;
		for (int i = 0; i < 3 && !has_room(w, op->a, op->b); i++)
			op->a = some_space(w);
		break;
	case OP_DETACH:
		op->b = some_domain(w, true);
		if (w->domain[op->b].space >= 0)
			op->a = (uint8_t)w->domain[op->b].space;
		break;
	case OP_RESERVE:
	case OP_ALLOW:
		gen_ranges(w, op);
		break;
	case OP_UNRESERVE:
		op->b = (uint8_t)below(w, NR_OWNERS);
		break;
	case OP_RANGES:
		op->n = (uint8_t)below(w, chance(w, 50) ? 4 : MAX_USABLE);
		break;
	case OP_SPLIT:
		gen_split(w, op);
		break;
	case OP_SMALL_PAGES:
		op->n = chance(w, 60);
		break;
	case OP_CLIENT_CREATE:
		gen_client(w, op);
		break;
	case OP_CLIENT_ATTACH:
		op->a = some_client(w, false);
		for (uint8_t c = 0; c < NR_CLIENTS && chance(w, 90); c++)
			if (w->client[c].real && w->client[c].space < 0)
				op->a = c;
		op->b = full_space(w);
		break;
	case OP_CLIENT_DESTROY:
	case OP_CLIENT_DETACH:
	case OP_CLIENT_REPLACE:
	case OP_CLIENT_PATIENCE:
		op->a = some_client(w, chance(w, 90));
		op->b = some_space(w);
		op->n = chance(w, 35) ? 0 :
			chance(w, 85) ? (uint8_t)(1 + below(w, 5)) :
					(uint8_t)(60 + below(w, 120));
		break;
	case OP_PIN:
		gen_pin(w, op);
		break;
	case OP_UNPIN:
		op->a = (uint8_t)below(w, MAX_PINS);
		for (int i = 0; i < MAX_PINS && !w->pin[op->a].used; i++)
			op->a = (uint8_t)((op->a + 1) % MAX_PINS);
		break;
	case OP_RW:
		gen_rw(w, op);
		break;
	case OP_DIRTY_SET:
	case OP_DIRTY_MARK:
	case OP_DIRTY_READ:
		gen_dirty(w, op);
		break;
	case OP_CUT:
		gen_cut(w, op);
		break;
	default:
		gen_around(w, op);
		break;
	}
}

static bool is_teardown(uint8_t kind)
{
	return kind == OP_SPACE_DESTROY || kind == OP_UNMAP ||
	       kind == OP_UNMAP_ALL || kind == OP_DETACH ||
	       kind == OP_UNRESERVE || kind == OP_CLIENT_DESTROY ||
	       kind == OP_CLIENT_DETACH || kind == OP_UNPIN;
}

static void gen_fault(struct world *w, struct op *op)
{
	const uint32_t kind = (uint32_t)below(w, 100);

	if (is_teardown(op->kind)) {
		op->fail_mode = kind < 8  ? FAIL_NTH :
				kind < 16 ? FAIL_NO_MEMORY :
					    FAIL_NONE;
		op->fail = 1;
		return;
	}
	/* Several cuts, and bits that were read, are not undone. */
	if ((op->kind == OP_SPLIT && op->n > 1) ||
	    (op->kind == OP_DIRTY_READ && !(op->flags & IOAS_DIRTY_NO_CLEAR)))
		return;
	if (kind < 10) {
		op->fail_mode = FAIL_NTH;
		op->fail = (uint16_t)(1 + below(w, chance(w, 50) ? 6 : 24));
	} else if (kind < 14) {
		op->fail_mode = FAIL_BUDGET;
		op->fail = (uint16_t)below(w, 12);
	}
}

/* Is there what the operation is about? */
static bool sensible(const struct world *w, uint8_t kind)
{
	bool pin = false, joined = false, apart = false, client = false;
	bool space = false, domain = false;

	for (int p = 0; p < MAX_PINS; p++)
		pin |= w->pin[p].used;
	for (int d = 0; d < NR_DOMAINS; d++) {
		joined |= w->domain[d].real && w->domain[d].space >= 0;
		apart |= w->domain[d].real && w->domain[d].space < 0;
		domain |= !w->domain[d].real;
	}
	for (int s = 0; s < NR_SPACES; s++)
		space |= !w->space[s].real;
	for (int c = 0; c < NR_CLIENTS; c++)
		client |= w->client[c].real && w->client[c].space >= 0 &&
			  w->space[w->client[c].space].nr_areas;
	switch (kind) {
	case OP_SPACE_CREATE:
		return space;
	case OP_DOMAIN_CREATE:
		return domain;
	case OP_ATTACH:
	case OP_DOMAIN_DESTROY:
		return apart;
	case OP_DETACH:
	case OP_DIRTY_SET:
	case OP_DIRTY_MARK:
	case OP_DIRTY_READ:
	case OP_CUT:
		return joined;
	case OP_PIN:
	case OP_RW:
		return client;
	case OP_UNPIN:
		return pin;
	default:
		return true;
	}
}

static uint8_t some_kind(struct world *w)
{
	uint32_t total = 0, x;
	uint8_t kind = 0;

	for (int i = 0; i < NR_OPS; i++)
		total += w->off[i] ? 0 : weights[i];
	x = (uint32_t)below(w, total);
	for (;; kind++) {
		if (w->off[kind])
			continue;
		if (x < weights[kind])
			return kind;
		x -= weights[kind];
	}
}

void generate(struct world *w, struct op *op)
{
	memset(op, 0, sizeof(*op));
	op->kind = some_kind(w);
	for (int i = 0; i < 4 && !sensible(w, op->kind); i++)
		op->kind = some_kind(w);
	/* Large leaves are rare: do with them what can be done. */
	if (w->large && chance(w, 20))
		op->kind = (uint8_t)(OP_DIRTY_SET + below(w, 4));
	/* The policy can change only before there is a space. */
	if (!w->nr && chance(w, 50))
		op->kind = OP_POLICY;
	op->caller = (uint8_t)below(w, NR_CALLERS);
	gen_numbers(w, op);
	gen_fault(w, op);
}
