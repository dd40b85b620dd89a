/* SPDX-License-Identifier: MIT */
/*
 * b_attach: a second domain comes and goes
 *
 *   ours    frames are read out of the first domain as runs and written into
 *           the second; leaving reads nothing and unpins nothing
 *   floor   copy the entries from array to array; zero them
 *   twin    leaf after leaf: translate in the first, map in the second; unmap
 *
 * (performance.md section 5, rows 4 and 5)
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

struct attach_case {
	struct bench_world *w;
	struct ioas_domain *second;
	/* Of the twin. */
	struct ioas_domain *twin;
	uint64_t *from;
	uint64_t *to;
	uint64_t leaf;
	uint64_t nr;
};

/* Nanoseconds of the one half; the other is not counted. */
static double core_halves(struct attach_case *c, bool attach)
{
	uint64_t start = bench_now(), middle;

	bench_attach(c->w, c->second);
	middle = bench_now();
	if (attach)
		start = middle - start;
	bench_check_map(c->w, c->second, c->nr * c->leaf);
	middle = bench_now();
	ioas_iopt_detach(c->w->ioas, c->second);
	return (double)(attach ? start : bench_now() - middle);
}

static double attach_core(void *ctx)
{
	return core_halves(ctx, true);
}

static double detach_core(void *ctx)
{
	return core_halves(ctx, false);
}

static double attach_floor(void *ctx)
{
	struct attach_case *c = ctx;
	uint64_t start = bench_now();

	memcpy(c->to, c->from, c->nr * sizeof(*c->to));
	bench_use(c->to[c->nr / 2]);
	return (double)(bench_now() - start);
}

static double detach_floor(void *ctx)
{
	struct attach_case *c = ctx;
	uint64_t start = bench_now();

	memset(c->to, 0, c->nr * sizeof(*c->to));
	bench_use(c->to[c->nr / 2]);
	return (double)(bench_now() - start);
}

static void twin_fill(struct attach_case *c)
{
	struct ioas_domain *d = c->w->domain;
	struct ioas_run run = { .nr = c->leaf >> PAGE_LG2 };
	struct ioas_map_request rq = {
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = PAGE_LG2,
		.length = c->leaf,
		.prot = RW,
	};
	uint64_t addr, length;
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		rq.iova = c->w->iova + i * c->leaf;
		ret |= d->ops->translate_run(d, rq.iova,
					     rq.iova + (c->leaf - 1), NULL,
					     &addr, &length);
		run.pfn = addr >> PAGE_LG2;
		ret |= c->twin->ops->map(c->twin, &rq);
	}
	bench_check(!ret, "twin attaches");
}

static void twin_drop(struct attach_case *c)
{
	struct ioas_unmap_request rq = { 0 };

	for (uint64_t i = 0; i < c->nr; i++) {
		rq.iova = c->w->iova + i * c->leaf;
		rq.last = rq.want_last = rq.iova + (c->leaf - 1);
		c->twin->ops->unmap(c->twin, &rq);
	}
	c->twin->ops->sync(c->twin);
}

static double twin_halves(struct attach_case *c, bool attach)
{
	uint64_t start = bench_now(), middle;

	twin_fill(c);
	middle = bench_now();
	twin_drop(c);
	return (double)(attach ? middle - start : bench_now() - middle);
}

static double attach_twin(void *ctx)
{
	return twin_halves(ctx, true);
}

static double detach_twin(void *ctx)
{
	return twin_halves(ctx, false);
}

struct shape {
	const char *attach;
	const char *detach;
	const char *unit;
	uint64_t pgsizes;
	uint64_t run;
	uint64_t leaf;
	uint64_t length;
	bool per_leaf;
	double attach_budget;
	double detach_budget;
};

#define MIB2 ((uint64_t)2 << 20)

static const struct shape shapes[] = {
	{ "attach second domain, 1 GiB of 4 KiB entries, one run",
	  "detach non-last domain, 1 GiB of 4 KiB entries, one run", "page",
	  SMALL, 0, PAGE, GIB, true, 3, 0.5 },
	{ "attach second domain, 1 GiB of 4 KiB entries, runs of 6",
	  "detach non-last domain, 1 GiB of 4 KiB entries, runs of 6", "page",
	  SMALL, 6, PAGE, GIB, true, 3, 0.5 },
	{ "attach second domain, 1 GiB of 4 KiB entries, single frames",
	  "detach non-last domain, 1 GiB of 4 KiB entries, single frames",
	  "page", SMALL, 1, PAGE, GIB, true, 3, 0.5 },
	{ "attach second domain, 1 TiB of 2 MiB runs",
	  "detach non-last domain, 1 TiB of 2 MiB runs", "call", HUGE, 512,
	  MIB2, 1024 * GIB, false, 50e6, 10e6 },
};

static void run_rows(const struct shape *s, struct attach_case *c)
{
	const double ops = s->per_leaf ? (double)c->nr : 1;
	const struct bench_row rows[] = {
		{ .name = s->attach,
		  .unit = s->unit,
		  .ops = ops,
		  .budget = s->attach_budget,
		  .contender = {
			  { "core: attach", attach_core, c },
			  { "floor: copy an array", attach_floor, c },
			  { "twin: leaf by leaf, no core", attach_twin, c },
		  } },
		{ .name = s->detach,
		  .unit = s->unit,
		  .ops = ops,
		  .budget = s->detach_budget,
		  .contender = {
			  { "core: detach", detach_core, c },
			  { "floor: zero an array", detach_floor, c },
			  { "twin: leaf by leaf, no core", detach_twin, c },
		  } },
	};

	bench_run(&rows[0]);
	bench_run(&rows[1]);
}

static void measure(const struct shape *s)
{
	struct attach_case c = {
		.w = bench_world_create(s->run, s->pgsizes),
		.second = bench_domain(s->pgsizes),
		.twin = bench_domain(s->pgsizes),
		.leaf = s->leaf,
		.nr = bench_scale(s->length / s->leaf),
	};

	c.from = bench_memory(c.nr * sizeof(*c.from));
	c.to = bench_memory(c.nr * sizeof(*c.to));
	memset(c.from, 1, c.nr * sizeof(*c.from));
	bench_map(c.w, 0, c.nr * c.leaf);
	run_rows(s, &c);
	free(c.from);
	free(c.to);
	c.second->ops->destroy(c.second);
	c.twin->ops->destroy(c.twin);
	bench_world_destroy(c.w);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "attach");
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(shapes); i++)
		measure(&shapes[i]);
	return bench_finish();
}
