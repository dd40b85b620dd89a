/* SPDX-License-Identifier: MIT */
/*
 * b_dirty: devices mark pages, the owner collects the marks
 *
 *   floor     the same work on an array of entries without a tree: test and
 *             set a bit in each; or the entries together
 *   twin      the core's way page after page: read and clear one page at a time
 *
 * The marks live in the entries of the table. performance.md section 5 hopes
 * for less per MiB and per GiB than an entry per page can give: those two
 * budgets ask for a bitmap beside the table. (section 5, rows 8 and 11)
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define DIRTY ((uint64_t)1 << 3)

struct dirty_case {
	struct bench_world *w;
	uint64_t pages;
	_Atomic uint64_t *entries;
	uint8_t *bitmap;
	/* Pages dirty before each collection. */
	bool all;
	bool keep;
	/* Marks: pages at a time, and whether they are dirty already. */
	uint64_t at_once;
	bool again;
};

static void mark_all(struct dirty_case *c)
{
	ioas_table_domain_mark_dirty(c->w->domain, c->w->iova,
				     c->w->iova + (c->pages * PAGE - 1));
}

static uint64_t bits_set(const struct dirty_case *c)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < c->pages / 8; i++)
		n += (unsigned int)__builtin_popcount(c->bitmap[i]);
	return n;
}

/* ---- collect ------------------------------------------------------------ */

static double collect_core(void *ctx)
{
	struct dirty_case *c = ctx;
	const struct ioas_dirty_request rq = {
		.iova = c->w->iova,
		.length = c->pages * PAGE,
		.granularity = PAGE,
		.bitmap = (uintptr_t)c->bitmap,
		.flags = c->keep ? IOAS_DIRTY_NO_CLEAR : 0,
	};
	uint64_t start;
	int ret;

	if (c->all)
		mark_all(c);
	memset(c->bitmap, 0, c->pages / 8);
	start = bench_now();
	ret = ioas_dirty_read(c->w->ioas, c->w->domain, &rq);
	start = bench_now() - start;
	bench_check(!ret && bits_set(c) == (c->all ? c->pages : 0), "bits");
	return (double)start;
}

/* A row of entries without a dirty one needs no more than to be read. */
static double collect_floor(void *ctx)
{
	struct dirty_case *c = ctx;
	uint64_t start;

	for (uint64_t i = 0; i < c->pages; i++)
		atomic_store_explicit(&c->entries[i], c->all ? DIRTY : 0,
				      memory_order_relaxed);
	memset(c->bitmap, 0, c->pages / 8);
	start = bench_now();
	for (uint64_t i = 0; i < c->pages; i++) {
		if (!(atomic_load_explicit(&c->entries[i],
					   memory_order_relaxed) &
		      DIRTY))
			continue;
		atomic_fetch_and_explicit(&c->entries[i], ~DIRTY,
					  memory_order_relaxed);
		c->bitmap[i / 8] |= (uint8_t)(1u << i % 8);
	}
	start = bench_now() - start;
	bench_check(bits_set(c) == (c->all ? c->pages : 0), "bits");
	return (double)start;
}

struct twin_sink {
	struct ioas_dirty_sink sink;
	struct dirty_case *c;
};

static void twin_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		      ioas_iova_t last)
{
	struct dirty_case *c =
		ioas_container_of(sink, struct twin_sink, sink)->c;
	uint64_t i = (iova - c->w->iova) >> PAGE_LG2;

	(void)last;
	c->bitmap[i / 8] |= (uint8_t)(1u << i % 8);
}

static double collect_twin(void *ctx)
{
	struct dirty_case *c = ctx;
	struct ioas_domain *d = c->w->domain;
	const unsigned int flags = c->keep ? IOAS_DIRTY_NO_CLEAR : 0;
	struct twin_sink s = { .sink.mark = twin_mark, .c = c };
	uint64_t start;

	if (c->all)
		mark_all(c);
	memset(c->bitmap, 0, c->pages / 8);
	start = bench_now();
	for (uint64_t i = 0; i < c->pages; i++) {
		ioas_iova_t iova = c->w->iova + i * PAGE;

		d->ops->read_and_clear_dirty(d, iova, iova + (PAGE - 1), flags,
					     &s.sink);
	}
	d->ops->sync(d);
	start = bench_now() - start;
	bench_check(bits_set(c) == (c->all ? c->pages : 0), "bits");
	return (double)start;
}

static void measure_collect(struct dirty_case *c, const char *name,
			    const char *unit, double ops, double budget)
{
	const struct bench_row row = {
		.name = name,
		.unit = unit,
		.ops = ops,
		.budget = budget,
		.contender = {
			{ "core: read dirty", collect_core, c },
			{ "floor: scan an array of entries", collect_floor,
			  c },
			{ "twin: page by page", collect_twin, c },
		},
	};

	bench_run(&row);
}

/* ---- mark --------------------------------------------------------------- */

static void forget(struct dirty_case *c)
{
	struct ioas_domain *d = c->w->domain;

	d->ops->read_and_clear_dirty(d, c->w->iova,
				     c->w->iova + (c->pages * PAGE - 1), 0,
				     NULL);
	for (uint64_t i = 0; i < c->pages; i++)
		atomic_store_explicit(&c->entries[i], c->again ? DIRTY : 0,
				      memory_order_relaxed);
	if (c->again)
		mark_all(c);
}

static double mark_core(void *ctx)
{
	struct dirty_case *c = ctx;
	const uint64_t step = c->at_once * PAGE;
	uint64_t start;

	forget(c);
	start = bench_now();
	for (uint64_t i = 0; i < c->pages / c->at_once; i++) {
		ioas_iova_t iova = c->w->iova + i * step;

		ioas_table_domain_mark_dirty(c->w->domain, iova,
					     iova + (step - 1));
	}
	return (double)(bench_now() - start);
}

static double mark_floor(void *ctx)
{
	struct dirty_case *c = ctx;
	uint64_t start;

	forget(c);
	start = bench_now();
	for (uint64_t i = 0; i < c->pages; i++)
		if (!(atomic_load_explicit(&c->entries[i],
					   memory_order_relaxed) &
		      DIRTY))
			atomic_fetch_or_explicit(&c->entries[i], DIRTY,
						 memory_order_relaxed);
	return (double)(bench_now() - start);
}

static void measure_mark(struct dirty_case *c, const char *name,
			 double budget)
{
	const struct bench_row row = {
		.name = name,
		.unit = "mark",
		.ops = (double)(c->pages / c->at_once),
		.budget = budget,
		.contender = {
			{ "table domain: mark dirty", mark_core, c },
			{ "floor: test and set in an array", mark_floor, c },
		},
	};

	bench_run(&row);
}

static void marks(struct dirty_case *c)
{
	c->at_once = 1;
	c->again = true;
	measure_mark(c, "mark 4 KiB that is dirty, in order", 1.5);
	c->again = false;
	measure_mark(c, "mark 4 KiB that is clean, in order", 2.5);
	c->at_once = ioas_min(256, c->pages);
	c->again = true;
	measure_mark(c, "mark 1 MiB that is dirty", 20);
	c->again = false;
	measure_mark(c, "mark 1 MiB that is clean", 20);
}

int main(int argc, char **argv)
{
	struct dirty_case c = { 0 };

	bench_start(argc, argv, "dirty");
	c.w = bench_world_create(6, SMALL);
	c.pages = bench_gib_pages();
	c.entries = bench_memory(c.pages * sizeof(*c.entries));
	c.bitmap = bench_memory(c.pages / 8);
	bench_map(c.w, 0, c.pages * PAGE);
	bench_check(!ioas_dirty_set(c.w->ioas, c.w->domain, true), "track");
	measure_collect(&c, "read and clear a clean GiB", "page",
			(double)c.pages, 0.2);
	measure_collect(&c, "collect and clear a clean GiB, as a whole",
			"call", 1, 3000);
	c.keep = true;
	measure_collect(&c, "read a clean GiB, keep", "page", (double)c.pages,
			0.2);
	c.keep = false;
	c.all = true;
	measure_collect(&c, "read and clear a GiB that is all dirty", "page",
			(double)c.pages, 0);
	marks(&c);
	bench_world_destroy(c.w);
	free(c.entries);
	free(c.bitmap);
	return bench_finish();
}
