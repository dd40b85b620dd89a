/* SPDX-License-Identifier: MIT */
/*
 * b_map: map and unmap through the core into one table domain
 *
 *   ours    pin -> batch -> domain; unmap hands the runs back; unpin
 *   floor   the entries alone: fill a flat array of 64-bit words, run by run;
 *           read it back, melting runs, and zero it
 *   twin    page after page through the same domain, without the core: map
 *           one page; translate one page, unmap it
 *
 * Tables keep their memory when they are unmapped, so after the round that
 * warms up it has been touched, as the array has. (performance.md section 5,
 * rows 1 to 3)
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct map_case {
	struct bench_world *w;
	/* A domain of its own for the twin, equal to the world's. */
	struct ioas_domain *twin;
	uint64_t *entries;
	/* What the twin maps at a time, and how often in all. */
	uint64_t leaf;
	uint64_t nr;
	/* Of the whole; the work is so short that a clock would be seen. */
	uint64_t repeat;
};

static double map_core(void *ctx)
{
	struct map_case *c = ctx;
	const uint64_t length = c->nr * c->leaf;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++) {
		bench_map(c->w, 0, length);
		bench_unmap(c->w, length);
	}
	start = bench_now() - start;
	bench_check(bench_origin_clean(c->w->origin), "frames came back");
	return (double)start;
}

/* The entries of leaf @i of the array. */
static uint64_t entry(const struct map_case *c, uint64_t i)
{
	uint64_t page = i * (c->leaf >> PAGE_LG2);

	return bench_frame(c->w->origin, page) << PAGE_LG2 | 3;
}

/* As an entry of a table is: one after another, run by run. */
static void floor_fill(const struct map_case *c)
{
	const uint64_t run = c->w->origin->run * PAGE / c->leaf;
	const uint64_t step = run ? run : c->nr;

	for (uint64_t i = 0; i < c->nr; i += step) {
		uint64_t e = entry(c, i), end = ioas_min(i + step, c->nr);

		for (uint64_t k = i; k < end; k++, e += c->leaf)
			c->entries[k] = e;
	}
}

/* Number of runs read back. */
static uint64_t floor_drain(const struct map_case *c)
{
	uint64_t runs = 0, expect = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		runs += c->entries[i] != expect;
		expect = c->entries[i] + c->leaf;
	}
	memset(c->entries, 0, c->nr * sizeof(*c->entries));
	return runs;
}

static double map_floor(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++) {
		floor_fill(c);
		bench_use(floor_drain(c));
	}
	return (double)(bench_now() - start);
}

static void twin_map(struct map_case *c)
{
	struct ioas_run run = { .nr = c->leaf >> PAGE_LG2 };
	struct ioas_map_request rq = {
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = PAGE_LG2,
		.length = c->leaf,
		.prot = RW,
	};
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		rq.iova = c->w->iova + i * c->leaf;
		run.pfn = bench_frame(c->w->origin, i * run.nr);
		ret |= c->twin->ops->map(c->twin, &rq);
	}
	bench_check(!ret, "twin maps");
}

static void twin_unmap(struct map_case *c)
{
	struct ioas_unmap_request rq = { 0 };
	uint64_t addr, length, sum = 0;
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		rq.iova = c->w->iova + i * c->leaf;
		rq.last = rq.want_last = rq.iova + (c->leaf - 1);
		ret |= c->twin->ops->translate_run(c->twin, rq.iova, rq.last,
						   NULL, &addr, &length);
		sum += addr >> PAGE_LG2;
		c->twin->ops->unmap(c->twin, &rq);
	}
	c->twin->ops->sync(c->twin);
	bench_check(!ret, "twin translates");
	bench_use(sum);
}

static double map_twin(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++) {
		twin_map(c);
		twin_unmap(c);
	}
	return (double)(bench_now() - start);
}

struct shape {
	const char *name;
	const char *unit;
	uint64_t pgsizes;
	/* Pages per run; bytes per leaf; bytes in all. */
	uint64_t run;
	uint64_t leaf;
	uint64_t length;
	uint64_t repeat;
	/* Leaves count, or whole map and unmap pairs. */
	bool per_leaf;
	double budget;
};

static const struct shape shapes[] = {
	{ "map+unmap 1 GiB, 4 KiB entries, one run", "page", SMALL, 0, PAGE,
	  GIB, 4, true, 4 },
	{ "map+unmap 1 GiB, 4 KiB entries, runs of 6", "page", SMALL, 6, PAGE,
	  GIB, 2, true, 8 },
	{ "map+unmap 1 GiB, 4 KiB entries, single frames", "page", SMALL, 1,
	  PAGE, GIB, 1, true, 20 },
	{ "map+unmap 64 GiB, 2 MiB leaves, 2 MiB frames", "2 MiB", HUGE, 512,
	  (uint64_t)2 << 20, 64 * GIB, 4, true, 60 },
	{ "map+unmap 1 GiB, 2 MiB leaves, one run", "2 MiB", HUGE, 0,
	  (uint64_t)2 << 20, GIB, 100, true, 60 },
	{ "map+unmap 1 GiB, one leaf", "call pair", GIANT, 0, GIB, GIB, 2000,
	  false, 2000 },
};

static void measure(const struct shape *s)
{
	struct map_case c = {
		.w = bench_world_create(s->run, s->pgsizes),
		.twin = bench_domain(s->pgsizes),
		.leaf = s->leaf,
		.nr = bench_scale(s->length / s->leaf),
		.repeat = bench_scale(s->repeat),
	};
	struct bench_row row = {
		.name = s->name,
		.unit = s->unit,
		.ops = (double)(c.repeat * (s->per_leaf ? c.nr : 1)),
		.budget = s->budget,
		.contender = {
			{ "core + table domain", map_core, &c },
			{ "floor: fill, read back, zero an array", map_floor,
			  &c },
			{ "twin: leaf by leaf, same domain, no core", map_twin,
			  &c },
		},
	};

	c.entries = bench_memory(c.nr * sizeof(*c.entries));
	bench_map(c.w, 0, c.nr * c.leaf);
	bench_check_map(c.w, c.w->domain, c.nr * c.leaf);
	bench_unmap(c.w, c.nr * c.leaf);
	bench_run(&row);
	free(c.entries);
	c.twin->ops->destroy(c.twin);
	bench_world_destroy(c.w);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "map");
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(shapes); i++)
		measure(&shapes[i]);
	return bench_finish();
}
