/* SPDX-License-Identifier: MIT */
/*
 * cells: the model of dirty memory
 *
 *   domain   [ leaf ][ leaf ][      leaf      ]  hole  [ leaf ]
 *   cells            [ dirty]                          [ dirty]
 *
 * A cell is what a device wrote since it was last cleared: a granule of a flat
 * domain, a leaf of a page table. Which leaf a page table uses is its own
 * business, so it is asked. Cells are kept in order of IOVA.
 */
#include "universe.h"

#include <stdlib.h>
#include <string.h>

#include "domain/table.h"

void cells_fini(struct m_domain *d)
{
	free(d->dirty);
	d->dirty = NULL;
	d->nr_dirty = d->cap_dirty = 0;
}

/* The first cell that ends at or after @iova. */
static uint32_t cell_index(const struct m_domain *d, uint64_t iova)
{
	uint32_t low = 0, high = d->nr_dirty;

	while (low < high) {
		const uint32_t mid = (low + high) / 2;

		if (d->dirty[mid].last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void cell_add(struct m_domain *d, const struct m_cell *cell)
{
	const uint32_t i = cell_index(d, cell->first);

	if (i < d->nr_dirty && d->dirty[i].first <= cell->last)
		return;
	if (d->nr_dirty == d->cap_dirty) {
		d->cap_dirty = d->cap_dirty ? 2 * d->cap_dirty : 64;
		d->dirty = realloc(d->dirty, d->cap_dirty * sizeof(*cell));
		if (!d->dirty)
			abort();
	}
	memmove(d->dirty + i + 1, d->dirty + i,
		(d->nr_dirty - i) * sizeof(*cell));
	d->dirty[i] = *cell;
	d->nr_dirty++;
}

bool cells_hit(const struct m_domain *d, uint64_t first, uint64_t last)
{
	const uint32_t i = cell_index(d, first);

	return i < d->nr_dirty && d->dirty[i].first <= last;
}

/* The leaf at @iova of a page table. */
static bool leaf_cell(const struct m_domain *d, uint64_t iova,
		      struct m_cell *cell)
{
	struct ioas_pt_leaf leaf;

	if (ioas_pt_leaf(ioas_table_domain_pt(d->real), iova, &leaf))
		return false;
	cell->first = leaf.iova;
	cell->last = leaf.iova + ((UINT64_C(1) << leaf.lg2) - 1);
	return true;
}

bool cell_at(const struct world *w, const struct m_domain *d, uint64_t iova,
	     struct m_cell *cell)
{
	const int id = d->space < 0 ? -1 : area_at(w, (uint8_t)d->space, iova);

	if (id < 0 || !area_is_mapped(w, w->area + id))
		return false;
	if (d->table)
		return leaf_cell(d, iova, cell);
	cell->first = ioas_align_down(iova, d->granule);
	cell->last = cell->first + d->granule - 1;
	return true;
}

/* Every leaf from @first to @last, which are mapped without a gap. */
static void cells_add_leaves(struct m_domain *d, uint64_t first, uint64_t last)
{
	struct m_cell cell;

	for (uint64_t at = first; leaf_cell(d, at, &cell); at = cell.last + 1) {
		cell_add(d, &cell);
		if (cell.last >= last)
			break;
	}
}

void cells_recut(struct m_domain *d)
{
	struct m_cell *old = d->dirty;
	const uint32_t nr = d->nr_dirty;

	d->dirty = NULL;
	d->nr_dirty = d->cap_dirty = 0;
	for (uint32_t i = 0; i < nr; i++)
		cells_add_leaves(d, old[i].first, old[i].last);
	free(old);
}

static bool is_born_in(const struct world *w, const struct m_domain *d,
		       const struct m_area *a)
{
	return a->used && d->real && d->space == a->space &&
	       area_is_mapped(w, a);
}

/* Areas that came since the last time. */
static void cells_born(const struct world *w, struct m_domain *d)
{
	const bool dirty = d->real && kind_born_dirty(d->kind, d->pt_flags);

	for (int i = 0; i < MAX_AREAS; i++) {
		const struct m_area *a = w->area + i;
		const bool was = d->born[i];

		d->born[i] = is_born_in(w, d, a);
		if (dirty && d->born[i] && !was && a->prot & IOAS_PROT_WRITE)
			cells_add_leaves(d, a->iova, a->last);
	}
}

void cells_refresh(const struct world *w, struct m_domain *d)
{
	const struct m_space *sp = d->space < 0 ? NULL : w->space + d->space;
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; sp && i < d->nr_dirty; i++) {
		const struct m_cell *c = d->dirty + i;

		while (k < sp->nr_areas &&
		       w->area[sp->area[k]].last < c->first)
			k++;
		if (k < sp->nr_areas &&
		    w->area[sp->area[k]].iova <= c->first &&
		    area_is_mapped(w, w->area + sp->area[k]))
			d->dirty[n++] = *c;
	}
	d->nr_dirty = n;
	cells_born(w, d);
}
