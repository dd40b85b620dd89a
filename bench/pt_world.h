/* SPDX-License-Identifier: MIT */
/*
 * pt_world: a page table of one format, and beside it the least there could be
 *
 *   ours     struct ioas_pt, four levels (three where the granule is 64 KiB)
 *   radix    as many levels of plain pointers over the same pages; no size of
 *            leaf, no permission, no check, nothing shared, nothing freed
 *
 * Sizes are in pages of the format, so that every format does the same work: a
 * GiB of 4 KiB pages is 262,144 pages, which is 16 GiB where they are larger.
 */
#ifndef IOAS_BENCH_PT_WORLD_H
#define IOAS_BENCH_PT_WORLD_H

#include "bench.h"
#include "pt/pt.h"

#define PT_RW (IOAS_PT_READ | IOAS_PT_WRITE | IOAS_PT_CACHE)

/* Every size of leaf that is mapped here divides both. */
#define PT_IOVA ((ioas_iova_t)1 << 46)
#define PT_OA ((uint64_t)1 << 44)

struct pt_kind {
	const char *name;
	const struct ioas_pt_format *format;
	struct ioas_pt_params params;
};

extern const struct pt_kind pt_kinds[];
extern const unsigned int pt_nr_kinds;

struct radix {
	uint64_t *root;
	unsigned int levels;
	unsigned int index_lg2;
	/* Where tables come from: @arena, of which @used items are taken. */
	uint64_t *arena;
	uint64_t used;
	uint64_t room;
};

struct pt_world {
	const struct pt_kind *kind;
	struct ioas_pt *pt;
	struct radix radix;
	unsigned int page_lg2;
	/* log2 of the items of a table */
	unsigned int index_lg2;
	unsigned int levels;
};

/* @pages: how many the radix tree has room for. */
struct pt_world *pt_world_create(const struct pt_kind *kind, uint64_t pages);
void pt_world_destroy(struct pt_world *w);

/* @nr leaves of 2^@lg2 bytes at leaf @at as one run, with frames alike. */
void pt_world_map(struct pt_world *w, unsigned int lg2, uint64_t at,
		  uint64_t nr);
/* Without sync. @take may be NULL. */
void pt_world_unmap(struct pt_world *w, unsigned int lg2, uint64_t at,
		    uint64_t nr, ioas_pt_take_fn *take, void *ctx);
/* pt_world_unmap() of pages that nobody takes, and sync. */
void pt_world_drop(struct pt_world *w, uint64_t at, uint64_t nr);

/* log2 of the bytes of an item of @level. */
static inline unsigned int pt_lg2(const struct pt_world *w, unsigned int level)
{
	return w->page_lg2 + level * w->index_lg2;
}

/* The item of page @page, which has been made. */
static inline uint64_t *radix_item(const struct radix *r, uint64_t page)
{
	const uint64_t mask = ((uint64_t)1 << r->index_lg2) - 1;
	unsigned int shift = (r->levels - 1) * r->index_lg2;
	uint64_t *table = r->root;

	for (; shift; shift -= r->index_lg2)
		table = (uint64_t *)(uintptr_t)table[page >> shift & mask];
	return &table[page & mask];
}

/* Empty, with room for @pages; radix_fini() frees it. */
void radix_init(struct radix *r, unsigned int levels, unsigned int index_lg2,
		uint64_t pages);
void radix_fini(struct radix *r);
/* Makes the way to the first @pages, each with the word that it is. */
void radix_fill(struct radix *r, uint64_t pages);

/* Aligned to 2 MiB and on huge pages, as tables are; free() it. */
void *pt_memory(uint64_t bytes);

/* ---- rows --------------------------------------------------------------- */

/* b_pt_read.c */
void pt_read_rows(const struct pt_kind *kind);

#endif
