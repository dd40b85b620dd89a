/* SPDX-License-Identifier: MIT */
/*
 * flat runs: a sorted array of disjoint mapped runs, with a hole where the last
 * change was
 *
 *    [ r0 r1 r2 . . . . . r3 r4 r5 ]      . spare
 *               ^hole                     index 3 is r3
 *
 * Changes come in order of address, so the hole mostly is where the next one
 * happens, and a change moves few runs instead of half of them.
 */
#ifndef IOAS_DOMAIN_FLAT_RUNS_H
#define IOAS_DOMAIN_FLAT_RUNS_H

#include "domain/flat.h"

struct flat_entry {
	struct ioas_flat_run run;
	uint8_t page_lg2;
};

/* Locked by the owner. */
struct flat_runs {
	struct flat_entry *entries;
	size_t nr;
	size_t capacity;
	size_t hole;
};

static inline struct flat_entry *flat_runs_at(const struct flat_runs *r,
					      size_t i)
{
	return &r->entries[i < r->hole ? i : i + (r->capacity - r->nr)];
}

/* Make room for @nr more. False: no memory, and nothing changed. */
bool ioas_flat_runs_reserve(struct flat_runs *r, size_t nr);
/* Index of the first run that ends at or after @iova; r->nr if none does. */
size_t ioas_flat_runs_find(const struct flat_runs *r, ioas_iova_t iova);
/* Before index @i. There is room. */
void ioas_flat_runs_insert(struct flat_runs *r, size_t i,
			   const struct flat_entry *e);
void ioas_flat_runs_remove(struct flat_runs *r, size_t i);
void ioas_flat_runs_fini(struct flat_runs *r);

#endif
