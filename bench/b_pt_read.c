/* SPDX-License-Identifier: MIT */
/*
 * b_pt_read: walks, dirty state and memory; part of b_pt
 *
 *   hot     one address, or random ones in the span of one table
 *   cold    random ones over 64 GiB of 4 KiB pages: 128 MiB of tables
 *
 * "One after another": the next address depends on the last answer, so it is
 * the time until the answer is there. Otherwise the CPU may overlap them.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pt_world.h"
#include "world.h"

/* As many pages as 64 GiB, and as a GiB, has of 4 KiB. */
#define COLD ((uint64_t)1 << 24)
#define MANY ((uint64_t)1 << 18)
#define LOOKUPS 4096

struct read_case {
	struct pt_world *w;
	/* Pages that are asked for, and how often all of them. */
	uint32_t *page;
	uint64_t nr;
	uint64_t repeat;
	uint64_t *entries;
	/* Bytes reported dirty. */
	uint64_t dirty;
	/* Sum of the output addresses of page[], less the first one's. */
	uint64_t expect;
};

static void row(const struct read_case *c, const char *what, const char *unit,
		double budget, const struct bench_contender contender[2])
{
	char name[96];
	struct bench_row row = {
		.name = name,
		.unit = unit,
		.ops = (double)c->repeat * (double)c->nr,
		.budget = budget,
		.contender = { contender[0], contender[1] },
	};

	snprintf(name, sizeof(name), "%s: %s", c->w->kind->name, what);
	bench_run(&row);
}

/* ---- walks -------------------------------------------------------------- */

static uint64_t address(const struct read_case *c, uint64_t i)
{
	return PT_IOVA + ((uint64_t)c->page[i] << c->w->page_lg2);
}

static double read_lookup(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;
	int ret = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i++) {
			struct ioas_pt_hit hit;

			ret |= ioas_pt_lookup(c->w->pt, address(c, i), &hit);
			sum += hit.oa - PT_OA;
		}
	start = bench_now() - start;
	bench_check(!ret && sum == c->repeat * c->expect, "lookup");
	return (double)start;
}

/* Zero, but only an answer tells: the output addresses are below 2^60. */
static uint64_t zero(uint64_t oa)
{
	return oa >> 60;
}

static double read_lookup_chain(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;
	struct ioas_pt_hit hit = { 0 };
	int ret = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i++) {
			ret |= ioas_pt_lookup(c->w->pt,
					      address(c, i) + zero(hit.oa),
					      &hit);
			sum += hit.oa - PT_OA;
		}
	start = bench_now() - start;
	bench_check(!ret && sum == c->repeat * c->expect, "lookup");
	return (double)start;
}

static double read_translate(void *ctx)
{
	struct read_case *c = ctx;
	const uint64_t more = ((uint64_t)1 << c->w->page_lg2) - 1;
	uint64_t start = bench_now(), sum = 0;
	int ret = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i++) {
			uint64_t iova = address(c, i), oa = 0, length;

			ret |= ioas_pt_translate_run(c->w->pt, iova,
						     iova + more, NULL, &oa,
						     &length);
			sum += oa - PT_OA;
		}
	start = bench_now() - start;
	bench_check(!ret && sum == c->repeat * c->expect, "translate");
	return (double)start;
}

static double read_cursor(void *ctx)
{
	struct read_case *c = ctx;
	const uint64_t more = ((uint64_t)1 << c->w->page_lg2) - 1;
	uint64_t start = bench_now(), sum = 0;
	int ret = 0;

	for (uint64_t k = 0; k < c->repeat; k++) {
		uint64_t cursor[4] = { 0 };

		for (uint64_t i = 0; i < c->nr; i++) {
			uint64_t iova = address(c, i), oa = 0, length;

			ret |= ioas_pt_translate_run(c->w->pt, iova,
						     iova + more, cursor, &oa,
						     &length);
			sum += oa - PT_OA;
		}
	}
	start = bench_now() - start;
	bench_check(!ret && sum == c->repeat * c->expect, "translate");
	return (double)start;
}

static double read_floor(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i++)
			sum += *radix_item(&c->w->radix, c->page[i])
			       << c->w->page_lg2;
	start = bench_now() - start;
	bench_check(sum == c->repeat * c->expect, "floor");
	return (double)start;
}

static double read_floor_chain(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now(), sum = 0, oa = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i++) {
			oa = *radix_item(&c->w->radix, c->page[i] + zero(oa))
			     << c->w->page_lg2;
			sum += oa;
		}
	start = bench_now() - start;
	bench_check(sum == c->repeat * c->expect, "floor");
	return (double)start;
}

/* Random ones of the first @pages; @step: that many apart, in order. */
static void choose(struct read_case *c, uint64_t pages, bool ordered)
{
	c->expect = 0;
	for (uint64_t i = 0; i < c->nr; i++) {
		c->page[i] = (uint32_t)((ordered ? i : bench_random()) %
					pages);
		c->expect += (uint64_t)c->page[i] << c->w->page_lg2;
	}
}

static void rows_walk(struct pt_world *w)
{
	struct read_case c = { .w = w, .nr = LOOKUPS,
			       .repeat = bench_scale(20) };

	c.page = bench_memory(c.nr * sizeof(*c.page));
	choose(&c, 1, false);
	row(&c, "walk, hot, one address", "lookup", 13,
	    (struct bench_contender[]){
		    { "lookup", read_lookup, &c },
		    { "floor: plain pointers", read_floor, &c } });
	choose(&c, 512, false);
	row(&c, "walk, hot, random in a table", "lookup", 13,
	    (struct bench_contender[]){
		    { "lookup", read_lookup, &c },
		    { "floor: plain pointers", read_floor, &c } });
	row(&c, "walk, hot, one after another", "lookup", 13,
	    (struct bench_contender[]){
		    { "lookup", read_lookup_chain, &c },
		    { "floor: plain pointers", read_floor_chain, &c } });
	row(&c, "translate_run, hot, random in a table", "lookup", 13,
	    (struct bench_contender[]){
		    { "translate_run", read_translate, &c },
		    { "floor: plain pointers", read_floor, &c } });
	choose(&c, LOOKUPS, true);
	row(&c, "translate_run in order, with a cursor", "lookup", 0,
	    (struct bench_contender[]){
		    { "translate_run", read_cursor, &c },
		    { "floor: plain pointers", read_floor, &c } });
	free(c.page);
}

static void rows_cold(struct pt_world *w, uint64_t pages)
{
	struct read_case c = { .w = w, .nr = bench_scale((uint64_t)1 << 16),
			       .repeat = 1 };

	c.page = bench_memory(c.nr * sizeof(*c.page));
	choose(&c, pages, false);
	row(&c, "walk, random in 2^24 pages", "lookup", 0,
	    (struct bench_contender[]){
		    { "lookup", read_lookup, &c },
		    { "floor: plain pointers", read_floor, &c } });
	choose(&c, pages, false);
	row(&c, "walk, random in 2^24 pages, one after another", "lookup", 0,
	    (struct bench_contender[]){
		    { "lookup", read_lookup_chain, &c },
		    { "floor: plain pointers", read_floor_chain, &c } });
	free(c.page);
}

/* ---- dirty state -------------------------------------------------------- */

static void count_dirty(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct read_case *c = ctx;

	c->dirty += last - iova + 1;
}

static void read_dirty(struct read_case *c, bool clear)
{
	const uint64_t bytes = c->nr << c->w->page_lg2;

	bench_check(!ioas_pt_read_dirty(c->w->pt, PT_IOVA,
					PT_IOVA + bytes - 1, clear,
					count_dirty, c),
		    "read dirty");
}

static double dirty_clean(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now();

	c->dirty = 0;
	for (uint64_t k = 0; k < c->repeat; k++)
		read_dirty(c, true);
	start = bench_now() - start;
	bench_check(!c->dirty, "clean");
	return (double)start;
}

static double dirty_all(void *ctx)
{
	struct read_case *c = ctx;
	const uint64_t bytes = c->nr << c->w->page_lg2;
	uint64_t sum = 0;

	c->dirty = 0;
	for (uint64_t k = 0; k < c->repeat; k++) {
		uint64_t start;

		ioas_pt_mark_dirty(c->w->pt, PT_IOVA, PT_IOVA + bytes - 1);
		start = bench_now();
		read_dirty(c, true);
		sum += bench_now() - start;
	}
	bench_check(c->dirty == c->repeat * bytes, "dirty");
	return (double)sum;
}

/* What a scan does at least: a bit of any of the words, 512 at a time. */
static double dirty_floor(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t start = bench_now(), dirty = 0;

	for (uint64_t k = 0; k < c->repeat; k++)
		for (uint64_t i = 0; i < c->nr; i += 512) {
			uint64_t any = 0;

			for (uint64_t j = 0; j < 512; j++)
				any |= c->entries[i + j];
			dirty |= any & 4;
		}
	start = bench_now() - start;
	bench_check(!dirty, "floor");
	return (double)start;
}

static double dirty_floor_all(void *ctx)
{
	struct read_case *c = ctx;
	uint64_t sum = 0, dirty = 0;

	for (uint64_t k = 0; k < c->repeat; k++) {
		uint64_t start;

		for (uint64_t i = 0; i < c->nr; i++)
			c->entries[i] = 7;
		start = bench_now();
		for (uint64_t i = 0; i < c->nr; i++)
			dirty += __atomic_fetch_and(&c->entries[i],
						    ~(uint64_t)4,
						    __ATOMIC_RELAXED) & 4;
		sum += bench_now() - start;
	}
	bench_check(dirty == 4 * c->nr * c->repeat, "floor");
	return (double)sum;
}

static void rows_dirty(struct pt_world *w)
{
	struct read_case c = { .w = w, .nr = MANY, .repeat = bench_scale(10) };

	c.entries = pt_memory(MANY * sizeof(*c.entries));
	for (uint64_t i = 0; i < c.nr; i++)
		c.entries[i] = 3;
	/* Arm's leaves begin dirty. */
	read_dirty(&c, true);
	row(&c, "read and clear dirty state, all clean", "page", 0.47,
	    (struct bench_contender[]){
		    { "read_dirty", dirty_clean, &c },
		    { "floor: OR of the words", dirty_floor, &c } });
	c.repeat = 1;
	row(&c, "read and clear dirty state, all dirty", "page", 0,
	    (struct bench_contender[]){
		    { "read_dirty", dirty_all, &c },
		    { "floor: atomic AND of each", dirty_floor_all, &c } });
	free(c.entries);
}

/* ---- memory ------------------------------------------------------------- */

/* Bytes of this process that the kernel holds pages for. */
static uint64_t resident(void)
{
	unsigned long pages = 0;
	FILE *f;

	/* What free() kept would hide what is touched next. */
	malloc_trim(0);
	f = fopen("/proc/self/statm", "r");
	bench_check(f && fscanf(f, "%*u %lu", &pages) == 1, "statm");
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void report(const char *kind, const char *what, const char *how,
		   double value, double budget)
{
	char name[96];
	const struct bench_size size = { name, "of what is in use", value,
					 budget };

	snprintf(name, sizeof(name), "%s: tables of %s, %s", kind, what, how);
	bench_report_size(&size);
}

/* Bytes held for each byte of the tables in the tree. */
static void rows_memory(const struct pt_kind *kind, const char *what,
			uint64_t pages)
{
	struct pt_kind counted = *kind;
	struct ioas_pt_stats stats;
	struct pt_world *w;
	uint64_t before, after;
	double used;

	counted.params.count = true;
	w = pt_world_create(&counted, 512);
	before = resident();
	pt_world_map(w, w->page_lg2, 0, pages);
	after = resident();
	ioas_pt_stats(w->pt, &stats);
	used = (double)((stats.tables_allocated - stats.tables_freed)
			<< (w->index_lg2 + 3));
	report(kind->name, what, "resident memory",
	       (double)(after - before) / used, 1.0 + 1.0 / 64);
	report(kind->name, what, "memory and address space",
	       (double)ioas_pt_memory(w->pt) / used, 0);
	pt_world_destroy(w);
}

void pt_read_rows(const struct pt_kind *kind)
{
	const uint64_t pages = bench_smoke() ? MANY : COLD;
	struct pt_world *w = pt_world_create(kind, pages);

	radix_fill(&w->radix, pages);
	pt_world_map(w, w->page_lg2, 0, pages);
	rows_walk(w);
	rows_cold(w, pages);
	rows_dirty(w);
	pt_world_destroy(w);
	rows_memory(kind, "2^18 pages", MANY);
	rows_memory(kind, "2^24 pages", pages);
}
