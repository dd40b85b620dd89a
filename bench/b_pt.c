/* SPDX-License-Identifier: MIT */
/*
 * b_pt: page tables of every format, without a domain around them
 *
 *   ours    ioas_pt_map(), ioas_pt_unmap(), ioas_pt_lookup(), ..
 *   floor   the walk alone through plain pointers, the stores alone, the scan
 *           of the words alone, or a memset of as many bytes
 *
 * A page is the granule, 2^18 of them a GiB if it has 4 KiB; a large leaf is an
 * item one level up (2 MiB, or 512 MiB), a giant leaf one of the next.
 *
 * Tables have been touched before anything is timed, but for the walks that
 * are cold because the tables do not fit a cache. An unmap includes the sync
 * after which tables may be used again; nobody caches, so no walker is told.
 * (performance.md sections 3 and 3b)
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt_world.h"
#include "world.h"

/* As many pages as a GiB has of 4 KiB. */
#define MANY 262144
/* Level-1 leaves in one map: 64 GiB of 2 MiB. */
#define LARGE 32768
/* Runs of one page each in one call. */
#define RUNS 256

struct map_case {
	struct pt_world *w;
	/* Pages, or leaves of 2^@lg2 bytes, that one run of it maps. */
	uint64_t nr;
	uint64_t repeat;
	unsigned int lg2;
	/* Pages in random order, and a run of one page for each. */
	uint32_t *order;
	struct ioas_run *runs;
	uint64_t *entries;
	/* What was taken. */
	uint64_t taken;
};

/* @ns of @run(); @c as below. */
struct map_row {
	const char *what;
	const char *unit;
	double per;
	double budget;
	struct bench_contender contender[BENCH_CONTENDERS];
};

static void row(const struct map_case *c, const struct map_row *r)
{
	char name[96];
	struct bench_row row = {
		.name = name,
		.unit = r->unit,
		.ops = (double)c->repeat * r->per,
		.budget = r->budget,
	};

	snprintf(name, sizeof(name), "%s: %s", c->w->kind->name, r->what);
	memcpy(row.contender, r->contender, sizeof(row.contender));
	bench_run(&row);
}

/* ---- one page ----------------------------------------------------------- */

static struct ioas_pt_map one_page(const struct pt_world *w,
				   const struct ioas_run *run)
{
	return (struct ioas_pt_map){
		.runs = run,
		.nr_runs = 1,
		.page_lg2 = (uint8_t)w->page_lg2,
		.length = (uint64_t)1 << w->page_lg2,
		.prot = PT_RW,
		.max_leaf = (uint64_t)1 << w->page_lg2,
	};
}

/* Every page of order[], each by a call of its own. */
static int map_singles(const struct map_case *c, uint64_t *cursor)
{
	struct ioas_run run = { .nr = 1 };
	struct ioas_pt_map rq = one_page(c->w, &run);
	int ret = 0;

	rq.cursor = cursor;
	for (uint64_t i = 0; i < c->nr; i++) {
		rq.iova = PT_IOVA + ((uint64_t)c->order[i] << c->w->page_lg2);
		run.pfn = c->runs[i].pfn;
		ret |= ioas_pt_map(c->w->pt, &rq);
	}
	return ret;
}

/* Without the first page, so that the table does not go away. */
static double single_map(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;
	int ret = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		ret |= map_singles(c, NULL);
		sum += bench_now() - start;
		pt_world_drop(c->w, 1, c->nr);
	}
	bench_check(!ret, "map one page");
	return (double)sum;
}

/* The cursor has seen the table: by two pages, which take the long way. */
static double single_map_cursor(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;
	int ret = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t cursor[4] = { 0 }, start;
		const struct ioas_run run = { .pfn = 1, .nr = 2 };
		struct ioas_pt_map rq = one_page(c->w, &run);

		rq.iova = PT_IOVA + ((uint64_t)1 << c->w->page_lg2);
		rq.length *= 2;
		rq.cursor = cursor;
		ret |= ioas_pt_map(c->w->pt, &rq);
		pt_world_drop(c->w, 1, 2);
		start = bench_now();
		ret |= map_singles(c, cursor);
		sum += bench_now() - start;
		pt_world_drop(c->w, 1, c->nr);
	}
	bench_check(!ret, "map one page");
	return (double)sum;
}

static double single_unmap(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start;

		pt_world_map(c->w, c->w->page_lg2, 1, c->nr);
		start = bench_now();
		for (uint64_t k = 0; k < c->nr; k++)
			pt_world_drop(c->w, c->order[k], 1);
		sum += bench_now() - start;
	}
	return (double)sum;
}

/* Walk, look whether it is empty, store. */
static double single_floor(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t sum = 0, used = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t k = 0; k < c->nr; k++) {
			uint64_t *item = radix_item(&c->w->radix, c->order[k]);

			used |= *item & 1;
			*item = c->runs[k].pfn << 12;
		}
		sum += bench_now() - start;
	}
	bench_check(!used, "empty");
	return (double)sum;
}

/* Walk, look whether it is there, zero. */
static double single_floor_unmap(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t sum = 0, used = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t k = 0; k < c->nr; k++) {
			uint64_t *item = radix_item(&c->w->radix, c->order[k]);

			used |= *item & 1;
			*item = 0;
		}
		sum += bench_now() - start;
	}
	bench_check(!used, "there");
	return (double)sum;
}

static void rows_single(struct pt_world *w)
{
	struct map_case c = { .w = w, .nr = 511, .repeat = bench_scale(200) };
	const double n = (double)c.nr;

	radix_fill(&w->radix, 512);
	for (uint64_t i = 0; i < 512; i++)
		*radix_item(&w->radix, i) = 0;
	/* 1 .. 511 */
	c.order = bench_permutation(511);
	c.runs = bench_memory(511 * sizeof(*c.runs));
	for (uint32_t i = 0; i < 511; i++) {
		c.order[i]++;
		c.runs[i].pfn = 2 * c.order[i];
		c.runs[i].nr = 1;
	}
	row(&c, &(struct map_row){
			"map one page, tables there", "map", n, 20,
			{ { "map, random order", single_map, &c },
			  { "floor: walk, test, store", single_floor, &c } } });
	row(&c, &(struct map_row){
			"map one page with a cursor", "map", n, 0,
			{ { "map, random order", single_map_cursor, &c },
			  { "floor: walk, test, store", single_floor, &c } } });
	row(&c, &(struct map_row){
			"unmap one page and sync", "unmap", n, 0,
			{ { "unmap, random order", single_unmap, &c },
			  { "floor: walk, test, zero", single_floor_unmap,
			    &c } } });
	free(c.runs);
	free(c.order);
}

/* ---- many runs in a call ------------------------------------------------ */

static double runs_map(void *ctx)
{
	struct map_case *c = ctx;
	struct ioas_pt_map rq = one_page(c->w, c->runs);
	uint64_t sum = 0;
	int ret = 0;

	rq.iova = PT_IOVA + ((uint64_t)1 << c->w->page_lg2);
	rq.nr_runs = (uint32_t)c->nr;
	rq.length = c->nr << c->w->page_lg2;
	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		ret |= ioas_pt_map(c->w->pt, &rq);
		sum += bench_now() - start;
		pt_world_drop(c->w, 1, c->nr);
	}
	bench_check(!ret, "map runs");
	return (double)sum;
}

static double runs_floor(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t sum = 0, used = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t k = 0; k < c->nr; k++) {
			const struct ioas_run *run = &c->runs[k];
			uint64_t e = run->pfn << c->w->page_lg2 | 3;

			for (uint64_t j = 0; j < run->nr; j++) {
				used |= c->entries[k + j];
				c->entries[k + j] = e;
				e += (uint64_t)1 << c->w->page_lg2;
			}
		}
		sum += bench_now() - start;
	}
	bench_use(used);
	return (double)sum;
}

static void rows_runs(struct pt_world *w)
{
	struct map_case c = { .w = w, .nr = RUNS, .repeat = bench_scale(400) };

	c.runs = bench_memory(RUNS * sizeof(*c.runs));
	c.entries = pt_memory(RUNS * sizeof(*c.entries));
	for (uint64_t i = 0; i < RUNS; i++)
		c.runs[i] = (struct ioas_run){ .pfn = 3 * i + 1, .nr = 1 };
	row(&c, &(struct map_row){
			"map 256 runs of one page in a call", "page", RUNS, 0,
			{ { "map", runs_map, &c },
			  { "floor: test, store, run by run", runs_floor,
			    &c } } });
	free(c.entries);
	free(c.runs);
}

/* ---- one long run ------------------------------------------------------- */

static double bulk_map(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		pt_world_map(c->w, c->lg2, 0, c->nr);
		sum += bench_now() - start;
		pt_world_unmap(c->w, c->lg2, 0, c->nr, NULL, NULL);
		ioas_pt_sync(c->w->pt);
	}
	return (double)sum;
}

/* Two at a time, which every machine of 64 bits can store at once. */
static void fill(uint64_t *entries, uint64_t nr, uint64_t e, uint64_t step)
{
	typedef uint64_t pair __attribute__((vector_size(16), may_alias));
	pair two = { e, e + step }, *at = (pair *)(void *)entries;

	for (const pair *end = at + nr / 2; at < end; two += 2 * step)
		*at++ = two;
}

static double bulk_floor(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++)
		fill(c->entries, c->nr, PT_OA | 3, (uint64_t)1 << c->lg2);
	start = bench_now() - start;
	bench_use(c->entries[c->nr - 1]);
	return (double)start;
}

static double bulk_memset(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++)
		memset(c->entries, (int)(i + 1), c->nr * sizeof(*c->entries));
	start = bench_now() - start;
	bench_use(c->entries[c->nr - 1]);
	return (double)start;
}

static bool take_all(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	struct map_case *c = ctx;

	bench_check(oa - PT_OA == iova - PT_IOVA || c->runs, "taken");
	c->taken += length;
	return true;
}

static double bulk_unmap(struct map_case *c, ioas_pt_take_fn *take)
{
	uint64_t sum = 0;

	c->taken = 0;
	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start;

		pt_world_map(c->w, c->lg2, 0, c->nr);
		start = bench_now();
		pt_world_unmap(c->w, c->lg2, 0, c->nr, take, c);
		ioas_pt_sync(c->w->pt);
		sum += bench_now() - start;
	}
	bench_check(!take || c->taken == c->repeat * c->nr << c->lg2, "taken");
	return (double)sum;
}

static double unmap_drop(void *ctx)
{
	return bulk_unmap(ctx, NULL);
}

static double unmap_take(void *ctx)
{
	return bulk_unmap(ctx, take_all);
}

/* What points to as many tables is looked at and zeroed. */
static double unmap_floor(void *ctx)
{
	const struct map_case *c = ctx;
	const uint64_t tables = c->nr >> c->w->index_lg2;
	uint64_t start = bench_now(), used = 0;

	for (uint64_t i = 0; i < c->repeat; i++)
		for (uint64_t k = 0; k < tables; k++) {
			used |= c->entries[k];
			c->entries[k] = 0;
		}
	start = bench_now() - start;
	bench_use(used);
	return (double)start;
}

/* Each word is compared with the one before it. */
static double unmap_floor_scan(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t start, sum = 0, breaks = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t expect = PT_OA | 3;

		fill(c->entries, c->nr, expect, (uint64_t)1 << c->lg2);
		start = bench_now();
		for (uint64_t k = 0; k < c->nr; k++) {
			breaks += c->entries[k] != expect;
			expect += (uint64_t)1 << c->lg2;
		}
		sum += bench_now() - start;
	}
	bench_check(!breaks, "floor");
	return (double)sum;
}

static void rows_bulk(struct pt_world *w)
{
	struct map_case c = { .w = w, .nr = MANY, .lg2 = w->page_lg2,
			      .repeat = bench_scale(10) };

	c.entries = pt_memory(MANY * sizeof(*c.entries));
	row(&c, &(struct map_row){
			"map 2^18 pages, one run", "page", MANY, 0.3,
			{ { "map", bulk_map, &c },
			  { "floor: the stores, wide", bulk_floor, &c },
			  { "floor: memset", bulk_memset, &c } } });
	row(&c, &(struct map_row){
			"unmap 2^18 pages", "call", 1, 15000,
			{ { "unmap, sync", unmap_drop, &c },
			  { "floor: read and zero table entries", unmap_floor,
			    &c } } });
	row(&c, &(struct map_row){
			"unmap 2^18 pages, frames taken", "page", MANY, 0,
			{ { "unmap, sync", unmap_take, &c },
			  { "floor: compare the words", unmap_floor_scan,
			    &c } } });
	free(c.entries);
}

/* ---- frames that do not follow one another ------------------------------ */

static int scattered_map(const struct map_case *c)
{
	struct ioas_pt_map rq = one_page(c->w, c->runs);
	uint64_t cursor[4] = { 0 };
	int ret = 0;

	rq.nr_runs = RUNS;
	rq.length = (uint64_t)RUNS << c->w->page_lg2;
	rq.cursor = cursor;
	for (uint64_t at = 0; at < c->nr; at += RUNS) {
		rq.iova = PT_IOVA + (at << c->w->page_lg2);
		ret |= ioas_pt_map(c->w->pt, &rq);
	}
	return ret;
}

static double scattered_unmap(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;
	int ret = 0;

	c->taken = 0;
	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start;

		ret |= scattered_map(c);
		start = bench_now();
		pt_world_unmap(c->w, c->lg2, 0, c->nr, take_all, c);
		ioas_pt_sync(c->w->pt);
		sum += bench_now() - start;
	}
	bench_check(!ret && c->taken == c->repeat * c->nr << c->lg2, "taken");
	return (double)sum;
}

static double scattered_floor(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;

	c->taken = 0;
	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t k = 0; k < c->nr; k++)
			take_all(c, k, c->entries[k], 1);
		sum += bench_now() - start;
	}
	bench_check(c->taken == c->repeat * c->nr, "taken");
	return (double)sum;
}

static void rows_scattered(struct pt_world *w)
{
	struct map_case c = { .w = w, .nr = MANY, .lg2 = w->page_lg2,
			      .repeat = bench_scale(2) };

	c.runs = bench_memory(RUNS * sizeof(*c.runs));
	c.entries = pt_memory(MANY * sizeof(*c.entries));
	for (uint64_t i = 0; i < RUNS; i++)
		c.runs[i] = (struct ioas_run){ .pfn = 3 * i + 1, .nr = 1 };
	row(&c, &(struct map_row){
			"unmap 2^18 pages, single frames taken", "page", MANY, 0,
			{ { "unmap, sync", scattered_unmap, &c },
			  { "floor: load and call", scattered_floor, &c } } });
	free(c.entries);
	free(c.runs);
}

/* ---- one table full ----------------------------------------------------- */

/* Tables that a round fills, one by one; so a clock is not seen. */
#define TABLES 32

static double table_map(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t t = 0; t < TABLES; t++)
			pt_world_map(c->w, c->lg2, t * c->nr, c->nr);
		sum += bench_now() - start;
		pt_world_drop(c->w, 0, TABLES * c->nr);
	}
	return (double)sum;
}

/* The tables stay, because no unmap covers one. */
static double table_refill(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t sum = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t t = 0; t < TABLES; t++)
			pt_world_map(c->w, c->lg2, t * c->nr, c->nr);
		sum += bench_now() - start;
		for (uint64_t t = 0; t < 2 * TABLES; t++)
			pt_world_drop(c->w, t * c->nr / 2, c->nr / 2);
	}
	/* For who comes after us. */
	pt_world_map(c->w, c->lg2, 0, TABLES * c->nr);
	pt_world_drop(c->w, 0, TABLES * c->nr);
	return (double)sum;
}

static double table_floor(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++)
		for (uint64_t t = 0; t < TABLES; t++)
			fill(c->entries + t * c->nr, c->nr, PT_OA | 3,
			     (uint64_t)1 << c->lg2);
	start = bench_now() - start;
	bench_use(c->entries[c->nr - 1]);
	return (double)start;
}

static double table_floor_test(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t sum = 0, used = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		uint64_t start = bench_now();

		for (uint64_t t = 0; t < TABLES; t++) {
			uint64_t *entries = c->entries + t * c->nr;

			for (uint64_t k = 0; k < c->nr; k++)
				used |= entries[k];
			fill(entries, c->nr, PT_OA | 3,
			     (uint64_t)1 << c->lg2);
		}
		sum += bench_now() - start;
	}
	bench_use(used);
	return (double)sum;
}

static void rows_table(struct pt_world *w)
{
	struct map_case c = { .w = w, .lg2 = w->page_lg2,
			      .nr = (uint64_t)1 << w->index_lg2 };
	/* 2 MiB as 4 KiB pages. */
	const double budget = w->index_lg2 == 9 ? 150 : 0;

	c.repeat = bench_scale(w->index_lg2 == 9 ? 200 : 8);
	c.entries = pt_memory(TABLES * c.nr * sizeof(*c.entries));
	row(&c, &(struct map_row){
			"map a table full of pages, a new one", "call", TABLES, budget,
			{ { "map", table_map, &c },
			  { "floor: the stores, wide", table_floor, &c } } });
	row(&c, &(struct map_row){
			"map a table full of pages, it is there", "call", TABLES, 0,
			{ { "map", table_refill, &c },
			  { "floor: test, store, wide", table_floor_test,
			    &c } } });
	free(c.entries);
}

/* ---- large leaves ------------------------------------------------------- */

static double giant_pair(void *ctx)
{
	struct map_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->repeat; i++) {
		pt_world_map(c->w, c->lg2, 0, 1);
		pt_world_unmap(c->w, c->lg2, 0, 1, NULL, NULL);
		ioas_pt_sync(c->w->pt);
	}
	return (double)(bench_now() - start);
}

static double giant_floor(void *ctx)
{
	const struct map_case *c = ctx;
	uint64_t start = bench_now(), used = 0;

	for (uint64_t i = 0; i < c->repeat; i++) {
		volatile uint64_t *item = radix_item(&c->w->radix, i & 1);

		used |= *item;
		*item = PT_OA | 3;
		item = radix_item(&c->w->radix, i & 1);
		used |= *item & 1 ? 0 : 1;
		*item = 0;
	}
	start = bench_now() - start;
	bench_check(!used, "empty, then not");
	return (double)start;
}

static void rows_large(struct pt_world *w)
{
	struct map_case c = { .w = w, .nr = LARGE, .lg2 = pt_lg2(w, 1),
			      .repeat = bench_scale(20) };

	c.entries = pt_memory(LARGE * sizeof(*c.entries));
	row(&c, &(struct map_row){
			"map 2^15 large leaves, one run", "leaf", LARGE, 0.3,
			{ { "map", bulk_map, &c },
			  { "floor: the stores, wide", bulk_floor, &c },
			  { "floor: memset", bulk_memset, &c } } });
	c.nr = 1;
	c.lg2 = pt_lg2(w, 2);
	c.repeat = bench_scale(10000);
	row(&c, &(struct map_row){
			"map, unmap, sync a giant leaf", "three calls", 1, 0,
			{ { "map, unmap, sync", giant_pair, &c },
			  { "floor: walk, test, store, twice", giant_floor,
			    &c } } });
	free(c.entries);
}

static void map_rows(const struct pt_kind *kind)
{
	struct pt_world *w = pt_world_create(kind, 512);

	rows_single(w);
	rows_runs(w);
	rows_bulk(w);
	rows_scattered(w);
	rows_table(w);
	rows_large(w);
	bench_check(ioas_pt_validate(w->pt), "the page table is sound");
	pt_world_destroy(w);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "pt");
	/* Else what is freed raises it, and large blocks are never new. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	for (unsigned int i = 0; i < pt_nr_kinds; i++) {
		map_rows(&pt_kinds[i]);
		pt_read_rows(&pt_kinds[i]);
	}
	return bench_finish();
}
