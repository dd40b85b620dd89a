/* SPDX-License-Identifier: MIT */
/*
 * pt_world: set up and taken down
 */
#include "pt_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define HUGE_BYTES ((uint64_t)2 << 20)

const struct pt_kind pt_kinds[] = {
	{ "mock", &ioas_pt_mock,
	  { .pgsizes = GIANT, .last = ((ioas_iova_t)1 << 48) - 1 } },
	{ "amdv1", &ioas_pt_amdv1,
	  { .pgsizes = GIANT, .va_bits = 48, .levels = 4 } },
	{ "vtdss", &ioas_pt_vtdss, { .va_bits = 48 } },
	{ "x86_64", &ioas_pt_x86_64,
	  { .va_bits = 47, .flags = IOAS_PT_DIRTY } },
	{ "arm64 4K", &ioas_pt_arm64_s1_4k,
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY } },
	{ "arm64 64K", &ioas_pt_arm64_s1_64k,
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY } },
	{ "riscv64", &ioas_pt_riscv64,
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY } },
};
const unsigned int pt_nr_kinds = IOAS_ARRAY_SIZE(pt_kinds);

void *pt_memory(uint64_t bytes)
{
	const uint64_t size = ioas_align_up(bytes, HUGE_BYTES);
	void *p = aligned_alloc(HUGE_BYTES, size);

	bench_check(p, "out of memory");
	madvise(p, size, MADV_HUGEPAGE);
	memset(p, 0, size);
	return p;
}

static uint64_t *radix_table(struct radix *r)
{
	uint64_t *table = r->arena + r->used;

	r->used += (uint64_t)1 << r->index_lg2;
	bench_check(r->used <= r->room, "room for the radix tree");
	return table;
}

void radix_init(struct radix *r, unsigned int levels, unsigned int index_lg2,
		uint64_t pages)
{
	const uint64_t items = (uint64_t)1 << index_lg2;

	r->levels = levels;
	r->index_lg2 = index_lg2;
	/* Leaf tables, and a table of each level for 512 of the one below. */
	r->room = (pages / items + 1) * items * 2 + 8 * items;
	r->arena = pt_memory(r->room * sizeof(*r->arena));
	r->used = 0;
	r->root = radix_table(r);
}

void radix_fini(struct radix *r)
{
	free(r->arena);
}

void radix_fill(struct radix *r, uint64_t pages)
{
	const uint64_t mask = ((uint64_t)1 << r->index_lg2) - 1;

	for (uint64_t page = 0; page < pages; page++) {
		unsigned int shift = (r->levels - 1) * r->index_lg2;
		uint64_t *table = r->root;

		for (; shift; shift -= r->index_lg2) {
			uint64_t *item = &table[page >> shift & mask];

			if (!*item)
				*item = (uintptr_t)radix_table(r);
			table = (uint64_t *)(uintptr_t)*item;
		}
		table[page & mask] = page;
	}
}

struct pt_world *pt_world_create(const struct pt_kind *kind, uint64_t pages)
{
	struct pt_world *w = bench_memory(sizeof(*w));
	struct ioas_pt_root root;
	uint64_t sizes;

	w->kind = kind;
	bench_check(!ioas_pt_create(kind->format, &kind->params, &w->pt),
		    "page table");
	ioas_pt_root(w->pt, &root);
	sizes = ioas_pt_pgsizes(w->pt);
	w->page_lg2 = ioas_ctz(sizes);
	w->index_lg2 = w->page_lg2 - 3;
	w->levels = root.level + 1u;
	radix_init(&w->radix, w->levels, w->index_lg2, pages);
	return w;
}

void pt_world_destroy(struct pt_world *w)
{
	ioas_pt_destroy(w->pt);
	radix_fini(&w->radix);
	free(w);
}

void pt_world_map(struct pt_world *w, unsigned int lg2, uint64_t at,
		  uint64_t nr)
{
	const struct ioas_run run = {
		.pfn = (PT_OA + (at << lg2)) >> w->page_lg2,
		.nr = nr << (lg2 - w->page_lg2),
	};
	const struct ioas_pt_map rq = {
		.iova = PT_IOVA + (at << lg2),
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = (uint8_t)w->page_lg2,
		.length = nr << lg2,
		.prot = PT_RW,
		.max_leaf = (uint64_t)1 << lg2,
	};

	bench_check(!ioas_pt_map(w->pt, &rq), "map");
}

void pt_world_unmap(struct pt_world *w, unsigned int lg2, uint64_t at,
		    uint64_t nr, ioas_pt_take_fn *take, void *ctx)
{
	const uint64_t last = PT_IOVA + ((at + nr) << lg2) - 1;
	const struct ioas_pt_unmap rq = {
		.iova = PT_IOVA + (at << lg2),
		.want_last = last,
		.last = last,
		.take = take,
		.ctx = ctx,
	};

	bench_check(ioas_pt_unmap(w->pt, &rq) == last, "unmap");
}

void pt_world_drop(struct pt_world *w, uint64_t at, uint64_t nr)
{
	pt_world_unmap(w, w->page_lg2, at, nr, NULL, NULL);
	ioas_pt_sync(w->pt);
}
