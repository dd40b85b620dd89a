/* SPDX-License-Identifier: MIT */
/*
 * choose: which IOVA a map gets, and which are usable
 *
 *   0      b1        b2     b3                         2^64-1
 *   | cell | cell    | cell | ...                      |
 *
 * Every border of an area, a reserved or an allowed range cuts the 64-bit space
 * into cells in which nothing changes; a cell is free, allowed, or not. So the
 * whole space is an array of at most a hundred cells, and the steps of
 * docs/reference/iommufd-uapi.md 5.8 are loops over it.
 */
#include "universe.h"

#include <stdlib.h>

#include "base/errno.h"

#define MAX_CUTS (2 * (SPACE_AREAS + 2 * MAX_RANGES + MAX_LIST) + 4)

struct cells {
	/* First value of each cell; a cell ends before the next. */
	uint64_t first[MAX_CUTS];
	uint32_t nr;
};

static int compare_u64(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void cut(struct cells *c, uint64_t first, uint64_t last)
{
	c->first[c->nr++] = first;
	if (last != UINT64_MAX)
		c->first[c->nr++] = last + 1;
}

static void cells_init(struct cells *c, const struct world *w, uint8_t s)
{
	const struct m_space *sp = w->space + s;
	uint32_t n = 0;

	c->nr = 0;
	cut(c, 0, w->page - 1);
	cut(c, UINT64_MAX - w->page + 1, UINT64_MAX);
	for (uint32_t i = 0; i < sp->nr_areas; i++)
		cut(c, w->area[sp->area[i]].iova, w->area[sp->area[i]].last);
	for (uint32_t i = 0; i < sp->nr_reserved; i++)
		cut(c, sp->reserved[i].first, sp->reserved[i].last);
	for (uint32_t i = 0; i < sp->nr_allowed; i++)
		cut(c, sp->allowed[i].first, sp->allowed[i].last);
	qsort(c->first, c->nr, sizeof(c->first[0]), compare_u64);
	for (uint32_t i = 0; i < c->nr; i++)
		if (!i || c->first[i] != c->first[n - 1])
			c->first[n++] = c->first[i];
	c->nr = n;
}

static uint64_t cell_last(const struct cells *c, uint32_t i)
{
	return i + 1 < c->nr ? c->first[i + 1] - 1 : UINT64_MAX;
}

/* May an IOVA of this cell be chosen at all: step 5. */
static bool in_window(const struct world *w, uint8_t s, uint64_t x)
{
	if (x < w->page || x > UINT64_MAX - w->page)
		return false;
	return !w->space[s].nr_allowed || hits_allowed(w, s, x, x);
}

static bool is_gap(const struct world *w, uint8_t s, uint64_t x)
{
	return !hits_area(w, s, x, x) && !hits_reserved(w, s, x, x);
}

/* First candidate in [g, h]: steps 6 and 7. */
static bool candidate(uint64_t g, uint64_t h, uint64_t align, uint64_t off,
		      uint64_t length, uint64_t *d)
{
	const uint64_t rest = g % align;

	*d = g;
	if (rest && ioas_add_overflow(g, align - rest, d))
		return false;
	*d |= off;
	return *d < h && h - *d >= length - 1;
}

static uint64_t wanted_align(const struct world *w, uint64_t source,
			     uint64_t length)
{
	uint64_t align = 1;

	while (align < length)
		align *= 2;
	if (source)
		align = ioas_min(align, source & -source);
	return ioas_min(align, UINT64_C(1) << w->huge_lg2);
}

int choose_iova(const struct world *w, uint8_t s, uint64_t source,
		uint64_t length, uint64_t *out)
{
	const uint64_t off = source % w->page;
	struct cells c;
	uint64_t align;

	if (length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	align = wanted_align(w, source, length);
	if (align < space_alignment(w, s))
		return -EINVAL;
	cells_init(&c, w, s);
	for (uint32_t i = 0; i < c.nr; i++) {
		uint32_t end = i, j;
		uint64_t from;

		if (!in_window(w, s, c.first[i]))
			continue;
		while (end + 1 < c.nr && in_window(w, s, c.first[end + 1]))
			end++;
		if (!candidate(c.first[i], cell_last(&c, end), align, off,
			       length, &from)) {
			i = end;
			continue;
		}
		for (j = i; j <= end; j++) {
			uint64_t g, h;

			if (!is_gap(w, s, c.first[j]) || cell_last(&c, j) < from)
				continue;
			g = ioas_max(c.first[j], from);
			while (j + 1 <= end && is_gap(w, s, c.first[j + 1]))
				j++;
			h = cell_last(&c, j);
			if (candidate(g, h, align, off, length, out))
				return 0;
		}
		i = end;
	}
	return -ENOSPC;
}

uint32_t usable_ranges(const struct world *w, uint8_t s,
		       struct ioas_iova_range *out, uint32_t max)
{
	struct cells c;
	uint32_t n = 0;

	cells_init(&c, w, s);
	for (uint32_t i = 0; i < c.nr; i++) {
		const uint64_t first = c.first[i];

		if (hits_reserved(w, s, first, first))
			continue;
		while (i + 1 < c.nr && !hits_reserved(w, s, c.first[i + 1],
						      c.first[i + 1]))
			i++;
		if (n < max) {
			out[n].first = first;
			out[n].last = cell_last(&c, i);
		}
		n++;
	}
	return n;
}
