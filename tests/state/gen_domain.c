/* SPDX-License-Identifier: MIT */
/*
 * gen_domain: what to do next with domains
 *
 * A domain can be of any kind, in any configuration that the kind has, and now
 * and then of one that it has not. Cuts and merges are aimed at leaves, so here
 * page tables are looked at.
 */
#include "gen.h"

#include "domain/ops.h"

/* ---- create ------------------------------------------------------------- */

/* Sizes of a kind that may use any: from the granule up. */
static uint64_t some_sizes(struct world *w, uint64_t least)
{
	const uint64_t granule = ioas_max(
		least, w->page >> (chance(w, 55) ? 0 : 1 + below(w, 3)));

	if (chance(w, 2))
		return 2 * w->page;
	if (chance(w, 70))
		return granule | w->page | w->page << (1 + below(w, 4));
	return granule;
}

/* Some of those that the format has, the smallest not above the page. */
static uint64_t sizes_of(struct world *w, const struct kind *k, uint32_t flags)
{
	uint64_t sizes = kind_sizes(k, flags);

	if (k->walker == WALKER_AMDV1 && chance(w, 50))
		return some_sizes(w, 4096) & sizes;
	for (uint64_t all = sizes; all; all &= all - 1)
		if (chance(w, 30))
			sizes &= ~(all & -all);
	if (!sizes || (sizes & -sizes) > w->page)
		sizes |= kind_sizes(k, flags) & -kind_sizes(k, flags);
	/* What the format lacks. */
	return chance(w, 3) ? sizes | w->page << 13 : sizes;
}

/* An aperture of a domain in which addresses end with @last. */
static void some_aperture(struct world *w, struct op *op, uint64_t last)
{
	op->v[2] = last;
	switch (below(w, 14)) {
	case 0:
		op->v[2] = w->window[1] + w->window_size - 1;
		break;
	case 1:
		op->v[1] = w->page * (1 + below(w, 3));
		break;
	case 2:
		op->v[2] = last - w->page * (1 + below(w, 3));
		break;
	case 3:
		op->v[1] = w->window[1] - w->window_size;
		op->v[2] = last - w->window_size / 2;
		break;
	default:
		if (chance(w, 50))
			op->flags |= CREATE_ALL;
		break;
	}
	/* Windows may be those of a wider kind. */
	op->v[2] = ioas_min(op->v[2], last);
	if (op->v[1] > op->v[2])
		op->v[1] = 0;
	/* One byte more than there is. */
	if (chance(w, 1) && last != UINT64_MAX) {
		op->v[2] = last + 1;
		op->flags &= ~(uint32_t)CREATE_ALL;
	}
}

/* Does everything in the space lie in the aperture of the domain? */
bool has_room(const struct world *w, uint8_t s, uint8_t d)
{
	const struct m_domain *dom = w->domain + d;
	const uint64_t last = dom->last;

	if (!dom->real || dom->space >= 0)
		return true;
	return !(dom->first && hits_area(w, s, 0, dom->first - 1)) &&
	       !(last != UINT64_MAX && hits_area(w, s, last + 1, UINT64_MAX));
}

/* What only domains with a page table can be asked for. */
static void gen_table(struct world *w, struct op *op, const struct kind *k)
{
	static const uint32_t flags[] = {
		IOAS_PT_FORCE_COHERENT, IOAS_PT_CONTIGUOUS, IOAS_PT_BREAK,
		IOAS_PT_S2FWB
	};
	static const uint32_t where[] = { 0, 0, CREATE_ARENA, CREATE_SHADOW };

	for (uint32_t i = 0; i < IOAS_ARRAY_SIZE(flags); i++)
		if (chance(w, k->options & flags[i] ? 60 : 1))
			op->prot |= flags[i];
	if (chance(w, op->flags & CREATE_DIRTY ? 95 : 20))
		op->prot |= IOAS_PT_DIRTY;
	if (!kind_is_hardware(k))
		op->v[0] = some_sizes(w, 512);
	else if (chance(w, 60))
		op->v[0] = sizes_of(w, k, op->prot);
	some_aperture(w, op, kind_last(k));
	if (!op->v[0] && !(op->flags & CREATE_ALL) && kind_is_hardware(k) &&
	    op->v[2] <= kind_last(k) && chance(w, 40))
		op->flags |= CREATE_NARROW;
	op->flags |= where[below(w, 4)];
	if (chance(w, 20))
		op->flags |= CREATE_SMALL;
}

static uint8_t some_kind_of_domain(struct world *w)
{
	const uint64_t all = w->opts->kinds;
	uint64_t mask = chance(w, 97) || !all ? w->usable : all;
	uint64_t n;

	/* Flat ones are quick, and know most of the contract. */
	if (w->usable & 1 && chance(w, 30))
		return KIND_FLAT;
	for (n = below(w, (uint64_t)__builtin_popcountll(mask)); n; n--)
		mask &= mask - 1;
	return (uint8_t)__builtin_ctzll(mask);
}

void gen_domain(struct world *w, struct op *op)
{
	const struct kind *k;

	op->a = some_domain(w, false);
	for (uint8_t d = 0; d < NR_DOMAINS; d++)
		if (!w->domain[d].real)
			op->a = d;
	op->b = some_kind_of_domain(w);
	k = kind_get(op->b);
	op->flags = chance(w, 75) ? CREATE_DIRTY : 0;
	if (k->format) {
		gen_table(w, op, k);
		return;
	}
	op->flags |= chance(w, 30) ? CREATE_SHORT : 0;
	op->v[0] = some_sizes(w, 1);
	some_aperture(w, op, UINT64_MAX);
	op->flags &= ~(uint32_t)CREATE_ALL;
}

/* ---- dirty -------------------------------------------------------------- */

/* One that tracks what is dirty, if there is one. */
static uint8_t tracking_domain(struct world *w)
{
	uint8_t d = (uint8_t)below(w, NR_DOMAINS);

	for (int i = 0; i < NR_DOMAINS;
	     i++, d = (uint8_t)((d + 1) % NR_DOMAINS))
		if (w->domain[d].real && w->domain[d].tracking)
			return d;
	return some_domain(w, true);
}

/* A part of what is dirty, to be read: in granules, and inside the area. */
static void cell_part(struct world *w, struct op *op, const struct m_domain *d)
{
	const struct m_cell *c = d->dirty + below(w, d->nr_dirty);
	const uint64_t step = ioas_max(space_alignment(w, op->a), d->granule);
	uint64_t first, last;
	int at;

	/* Rather one that can be read in part. */
	for (int i = 0; i < 8 && c->last - c->first < step; i++)
		c = d->dirty + below(w, d->nr_dirty);
	at = area_at(w, op->a, c->first);
	if (at < 0)
		return;
	first = ioas_align_down(c->first + below(w, c->last - c->first + 1),
				step);
	first = ioas_max(first, w->area[at].iova);
	last = (first | (step - 1)) + below(w, 4) * step;
	last = ioas_min(last, w->area[at].last);
	op->v[0] = first;
	op->v[1] = last - first + 1;
}

void gen_dirty(struct world *w, struct op *op)
{
	const struct m_domain *d;
	const struct m_area *a;

	op->b = some_domain(w, !chance(w, 5));
	if (op->kind != OP_DIRTY_SET && chance(w, 80))
		op->b = tracking_domain(w);
	d = w->domain + op->b;
	op->a = d->space >= 0 && !chance(w, 3) ? (uint8_t)d->space :
						 some_space(w);
	op->n = chance(w, 85);
	if (op->kind == OP_DIRTY_SET)
		return;
	a = some_area(w, op->a);
	if (op->kind == OP_DIRTY_MARK) {
		op->a = op->b;
		op->n = chance(w, 60);
		if (!a || !d->real)
			return;
		op->v[0] = a->iova + below(w, a->last - a->iova + 1);
		op->v[1] = op->v[0] +
			   below(w, (chance(w, 70) ? 2 : 12) * w->page);
		if (op->v[1] < op->v[0])
			op->v[1] = UINT64_MAX;
		return;
	}
	op->n = chance(w, 50) ? 0 : (uint8_t)(1 + below(w, 4));
	op->flags = chance(w, 30) ? IOAS_DIRTY_NO_CLEAR : 0;
	area_range(w, op->a, &op->v[0], &op->v[1]);
	if (d->nr_dirty && chance(w, 70)) {
		const int at = area_at(w, op->a,
				       d->dirty[below(w, d->nr_dirty)].first);

		if (at >= 0) {
			op->v[0] = w->area[at].iova;
			op->v[1] = w->area[at].last - op->v[0] + 1;
		}
	}
	if (d->nr_dirty && chance(w, 60))
		cell_part(w, op, d);
	op->v[2] = d->real && chance(w, 60) ?
			   ioas_max(d->granule, w->page >> below(w, 4)) :
			   w->page;
	if (chance(w, 10))
		op->v[2] = w->page << below(w, 3);
	if (d->real && chance(w, 25))
		op->v[2] = ioas_max(1, d->granule >> below(w, 4));
	if (chance(w, 4))
		op->v[2] = below(w, 4);
}

/* ---- cut and merge ------------------------------------------------------ */

/* One of @sizes, as a logarithm; 12 if there is none. */
static uint64_t some_size(struct world *w, uint64_t sizes)
{
	uint64_t n = sizes ? below(w, (uint64_t)__builtin_popcountll(sizes)) :
			     0;

	while (n--)
		sizes &= sizes - 1;
	return sizes ? (uint64_t)__builtin_ctzll(sizes) : 12;
}

/* Can what @a maps from @first on be one leaf of that size? */
static bool can_merge(const struct world *w, const struct m_area *a,
		      uint64_t first, uint64_t size)
{
	const uint64_t last = first + (size - 1);

	return first >= a->iova && last <= a->last && last > first &&
	       !(address_of(w, a, first) & (size - 1)) &&
	       address_of(w, a, last) == address_of(w, a, first) + (size - 1);
}

/* A leaf that can be cut, or leaves that can be merged, if it finds some. */
static bool find_cut(struct world *w, struct op *op, const struct m_domain *d)
{
	const struct m_area *a = some_area(w, (uint8_t)d->space);
	struct m_cell leaf;
	uint64_t at, size;

	if (!a || !area_is_mapped(w, a))
		return false;
	at = a->iova + below(w, a->last - a->iova + 1);
	if (d->nr_dirty && chance(w, 30))
		at = d->dirty[below(w, d->nr_dirty)].first;
	at = ioas_align_down(at, d->granule);
	if (!cell_at(w, d, at, &leaf))
		return false;
	size = leaf.last - leaf.first + 1;
	a = w->area + area_at(w, (uint8_t)d->space, at);
	op->v[0] = at;
	op->v[1] = some_size(w, d->real->pgsizes & (size - 1));
	if (op->n != 2)
		return size > d->granule;
	op->v[1] = some_size(w, d->real->pgsizes & -(2 * size) &
					(128 * w->page - 1));
	if (chance(w, 50))
		op->v[1] = ioas_max(op->v[1], 21);
	size = UINT64_C(1) << op->v[1];
	op->v[0] = ioas_align_down(at, size);
	return d->real->pgsizes & size && leaf.last - leaf.first < size - 1 &&
	       can_merge(w, a, op->v[0], size);
}

void gen_cut(struct world *w, struct op *op)
{
	const struct m_domain *d;
	const struct m_area *a;

	op->a = chance(w, 50) ? tracking_domain(w) :
				some_domain(w, !chance(w, 3));
	for (int i = 0; i < 8 && !w->domain[op->a].table; i++)
		op->a = some_domain(w, true);
	d = w->domain + op->a;
	if (!d->real)
		return;
	op->n = (uint8_t)below(w, 3);
	for (int i = 0; i < 24 && d->table && d->space >= 0; i++)
		if (find_cut(w, op, d))
			return;
	a = d->space < 0 ? NULL : some_area(w, (uint8_t)d->space);
	op->v[0] = a && chance(w, 90) ?
			   a->iova + below(w, a->last - a->iova + 1) :
			   some_iova(w, some_space(w));
	if (chance(w, 95))
		op->v[0] = ioas_align_down(op->v[0], d->granule);
	op->v[1] = some_size(w, d->real->pgsizes & (64 * w->page - 1));
	if (chance(w, 3))
		op->v[1] = below(w, 70);
	if (op->n == 2 && op->v[1] < 64 && chance(w, 95))
		op->v[0] = ioas_align_down(op->v[0], UINT64_C(1) << op->v[1]);
}
