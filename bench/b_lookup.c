/* SPDX-License-Identifier: MIT */
/*
 * b_lookup: find an area, choose an IOVA
 *
 * The map of areas itself, random lookups over areas of 2 MiB (performance.md
 * section 3), and the choice of an IOVA among many areas (section 5, row 9).
 *
 *   twin    a B+tree without augmentation: binary search in nodes of 32;
 *           first fit by a scan of its leaves
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/iova.h"
#include "core/rangemap.h"
#include "twin_btree.h"
#include "world.h"

#define AREA ((uint64_t)2 << 20)

/* ---- find --------------------------------------------------------------- */

struct find_case {
	struct ioas_rangemap map;
	struct twin_btree twin;
	uint64_t *where;
	uint64_t nr;
};

static double find_core(void *ctx)
{
	const struct find_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t i = 0; i < c->nr; i++)
		sum += (uintptr_t)ioas_rangemap_find(&c->map, c->where[i]);
	start = bench_now() - start;
	bench_use(sum);
	return (double)start;
}

static double find_twin(void *ctx)
{
	const struct find_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t i = 0; i < c->nr; i++)
		sum += (uintptr_t)twin_find(&c->twin, c->where[i]);
	start = bench_now() - start;
	bench_use(sum);
	return (double)start;
}

/* Value of area @i; any pointer but NULL. */
static void *area_value(uint64_t i)
{
	return (void *)(uintptr_t)(i + 1);
}

/* Every other 2 MiB is an area; inserted in random order, as a guest does. */
static void find_fill(struct find_case *c, uint32_t areas)
{
	uint32_t *order = bench_permutation(areas);

	ioas_rangemap_init(&c->map);
	twin_init(&c->twin);
	for (uint32_t k = 0; k < areas; k++) {
		uint64_t i = order[k], first = i * 2 * AREA;

		bench_check(!ioas_rangemap_insert(&c->map, first,
						  first + (AREA - 1),
						  area_value(i)) &&
				    twin_insert(&c->twin, first,
						first + (AREA - 1),
						area_value(i)),
			    "insert");
	}
	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t a = bench_random() % areas;

		c->where[i] = a * 2 * AREA + bench_random() % AREA;
		bench_check(ioas_rangemap_find(&c->map, c->where[i]) ==
					    area_value(a) &&
				    twin_find(&c->twin, c->where[i]) ==
					    area_value(a),
			    "find");
	}
	free(order);
}

static void measure_find(uint32_t areas, double target)
{
	struct find_case c = { .nr = bench_scale(1000000) };
	char name[64];
	struct bench_row row = {
		.name = name,
		.unit = "lookup",
		.ops = (double)c.nr,
		.budget = target,
		.contender = {
			{ "rangemap", find_core, &c },
			{ "twin: plain B+tree", find_twin, &c },
		},
	};

	snprintf(name, sizeof(name), "find one of %u areas", areas);
	c.where = bench_memory(c.nr * sizeof(*c.where));
	find_fill(&c, (uint32_t)bench_scale(areas));
	bench_run(&row);
	ioas_rangemap_fini(&c.map);
	twin_fini(&c.twin);
	free(c.where);
}

/* ---- choose ------------------------------------------------------------- */

/*
 *   regular   4 KiB used, 4 KiB free, ...: 4 KiB fit at once, 8 KiB behind all
 *   aligned   8 KiB used across every fourth MiB: each hole is large enough
 *             for 2 MiB, none has 2 MiB at the alignment that large leaves
 *             want. The largest gap of a subtree does not tell: each hole is
 *             tried. The worst that was found.
 */
struct pattern {
	const char *name;
	uint64_t first;
	uint64_t used;
	uint64_t pitch;
	uint32_t areas;
	uint64_t length;
	/* The right answer, and whether it counts from the last area on. */
	uint64_t answer;
	bool behind;
	/* Choices in a round. */
	uint64_t calls;
	double budget;
};

struct choose_case {
	struct bench_world *w;
	struct twin_btree twin;
	const struct pattern *p;
	uint32_t areas;
	uint64_t calls;
	uint64_t expect;
};

static double choose_core(void *ctx)
{
	struct choose_case *c = ctx;
	struct ioas *ioas = c->w->ioas;
	uint64_t start = bench_now(), sum = 0;
	int ret = 0;

	for (uint64_t i = 0; i < c->calls; i++) {
		ioas_iova_t iova;

		ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		ret |= ioas_iova_choose(ioas, (uint64_t)1 << 40, c->p->length,
					&iova);
		ioas_write_unlock(&ioas->iova_lock);
		sum += iova;
	}
	start = bench_now() - start;
	bench_check(!ret && sum == c->calls * c->expect, "choose");
	return (double)start;
}

/* Once: it is slow enough. Without alignment. */
static double choose_twin(void *ctx)
{
	struct choose_case *c = ctx;
	uint64_t start = bench_now();

	bench_use(twin_first_fit(&c->twin, PAGE, c->p->length));
	return (double)(bench_now() - start) * (double)c->calls;
}

static void choose_fill(struct choose_case *c)
{
	const struct pattern *p = c->p;

	twin_init(&c->twin);
	for (uint64_t i = 0; i < c->areas; i++) {
		ioas_iova_t iova = p->first + i * p->pitch;

		bench_check(!ioas_iopt_map(c->w->ioas, &c->w->origin->origin,
					   0, p->used, RW, IOAS_MAP_FIXED,
					   &iova) &&
				    twin_insert(&c->twin, iova,
						iova + (p->used - 1), c),
			    "insert");
	}
}

static void measure_choose(const struct pattern *p)
{
	struct choose_case c = {
		.w = bench_world_create(0, 0),
		.p = p,
		.areas = (uint32_t)bench_scale(p->areas),
		.calls = bench_scale(p->calls),
	};
	const struct bench_row row = {
		.name = p->name,
		.unit = "choice",
		.ops = (double)c.calls,
		.budget = p->budget,
		.contender = {
			{ "choose", choose_core, &c },
			{ "twin: first fit, unaligned, by a scan", choose_twin,
			  &c },
		},
	};

	choose_fill(&c);
	c.expect = p->answer + (p->behind ? c.areas * p->pitch : 0);
	bench_run(&row);
	twin_fini(&c.twin);
	bench_world_destroy(c.w);
}

#define MIB ((uint64_t)1 << 20)

static const struct pattern patterns[] = {
	{ "choose 4 KiB, first of 16384 holes", PAGE, PAGE, 2 * PAGE, 16384,
	  PAGE, 2 * PAGE, false, 20000, 1000 },
	{ "choose 4 KiB, first of 10^6 holes", PAGE, PAGE, 2 * PAGE, 1000000,
	  PAGE, 2 * PAGE, false, 20000, 1000 },
	{ "choose 8 KiB behind 16384 areas", PAGE, PAGE, 2 * PAGE, 16384,
	  2 * PAGE, 0, true, 20000, 1000 },
	{ "choose 8 KiB behind 10^6 areas", PAGE, PAGE, 2 * PAGE, 1000000,
	  2 * PAGE, 0, true, 20000, 1000 },
	{ "choose 2 MiB behind 10^6 holes without alignment (worst found)",
	  4 * MIB - PAGE, 2 * PAGE, 4 * MIB, 1000000, 2 * MIB, 2 * MIB, true,
	  1, 0 },
};

int main(int argc, char **argv)
{
	bench_start(argc, argv, "lookup");
	measure_find(16, 10);
	measure_find(256, 15);
	measure_find(4096, 30);
	measure_find(65536, 80);
	measure_find(1048576, 700);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(patterns); i++)
		measure_choose(&patterns[i]);
	return bench_finish();
}
