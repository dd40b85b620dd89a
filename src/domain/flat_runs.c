/* SPDX-License-Identifier: MIT */
/*
 * flat runs: see flat_runs.h
 */
#include "domain/flat_runs.h"

#include "base/mem.h"
#include "seam/fault.h"

static void hole_move(struct flat_runs *r, size_t to)
{
	size_t spare = r->capacity - r->nr, size = sizeof(*r->entries);
	struct flat_entry *e = r->entries;

	if (to < r->hole)
		memmove(&e[to + spare], &e[to], (r->hole - to) * size);
	else if (to > r->hole)
		memmove(&e[r->hole], &e[r->hole + spare],
			(to - r->hole) * size);
	r->hole = to;
}

bool ioas_flat_runs_reserve(struct flat_runs *r, size_t nr)
{
	size_t capacity = (r->nr + nr) * 2, size = sizeof(*r->entries);
	struct flat_entry *entries;

	if (nr <= r->capacity - r->nr)
		return true;
	entries = ioas_alloc(capacity * size, IOAS_FP_TABLE);
	if (!entries)
		return false;
	if (r->entries) {
		hole_move(r, r->nr);
		memcpy(entries, r->entries, r->nr * size);
		ioas_free(r->entries, r->capacity * size);
	}
	r->entries = entries;
	r->capacity = capacity;
	r->hole = r->nr;
	return true;
}

size_t ioas_flat_runs_find(const struct flat_runs *r, ioas_iova_t iova)
{
	size_t low = 0, high = r->nr;

	/* Runs before low end before @iova; those from high on do not. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (flat_runs_at(r, mid)->run.last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void ioas_flat_runs_insert(struct flat_runs *r, size_t i,
			   const struct flat_entry *e)
{
	hole_move(r, i);
	r->entries[r->hole++] = *e;
	r->nr++;
}

void ioas_flat_runs_remove(struct flat_runs *r, size_t i)
{
	hole_move(r, i);
	r->nr--;
}

void ioas_flat_runs_fini(struct flat_runs *r)
{
	if (r->entries)
		ioas_free(r->entries, r->capacity * sizeof(*r->entries));
}
