/* SPDX-License-Identifier: MIT */
/*
 * b_memory: bytes and counts instead of nanoseconds
 *
 * Bytes are those that the library asks its platform for (count.h). The
 * memory of page tables is not counted where a row says so: it is the same for
 * every core. (performance.md section 5, the memory rows and D13)
 */
#include <stdio.h>
#include <stdlib.h>

#include "count.h"
#include "world.h"

static void report(const char *name, const char *unit, double value,
		   double budget)
{
	const struct bench_size size = { name, unit, value, budget };

	bench_report_size(&size);
}

static uint64_t table_bytes(const struct bench_world *w)
{
	return w->domain ? ioas_pt_memory(ioas_table_domain_pt(w->domain)) : 0;
}

/* Chunks are accounted for by what they are, whatever of them is in use. */
static uint64_t core_bytes(const struct bench_world *w)
{
	return count_now().bytes - table_bytes(w);
}

static void map_pages(struct bench_world *w, uint32_t n, bool in_order)
{
	uint32_t *order = in_order ? NULL : bench_permutation(n);

	for (uint32_t k = 0; k < n; k++) {
		uint64_t i = order ? order[k] : k;
		ioas_iova_t iova = w->iova + i * PAGE;

		bench_check(!ioas_iopt_map(w->ioas, &w->origin->origin,
					   i * PAGE, PAGE, RW, IOAS_MAP_FIXED,
					   &iova),
			    "map");
	}
	free(order);
}

static void fixed_cost(void)
{
	uint64_t before = count_now().bytes;
	struct bench_world *w = bench_world_create(0, GIANT);

	report("a space with one domain, empty", "bytes",
	       (double)(count_now().bytes - before), 16384);
	bench_map(w, 0, PAGE);
	/* Three more tables, if it is the first mapping. */
	report("a space with one domain, 4 KiB mapped", "bytes",
	       (double)(count_now().bytes - before), 0);
	bench_world_destroy(w);
	bench_check(count_now().bytes == before, "nothing is left");
}

/* Areas of one page: their objects, and the tree that finds them. */
static void per_area(bool in_order, const char *name)
{
	struct bench_world *w = bench_world_create(0, 0);
	const uint32_t n = (uint32_t)bench_scale(100000);
	uint64_t before = count_now().bytes, blocks = count_now().blocks;
	double bytes, tree;
	char text[96];

	map_pages(w, n, in_order);
	bytes = (double)(count_now().bytes - before);
	tree = (double)ioas_rangemap_memory(&w->ioas->areas);
	snprintf(text, sizeof(text), "%s: area + pages object", name);
	report(text, "bytes per area", (bytes - tree) / n, 160);
	snprintf(text, sizeof(text), "%s: index of areas", name);
	report(text, "bytes per area", tree / n, 64);
	snprintf(text, sizeof(text), "%s: allocations alive", name);
	report(text, "blocks per area",
	       (double)(count_now().blocks - blocks) / n, 0);
	bench_world_destroy(w);
}

/* What a region of a space with a domain costs besides entries of tables. */
static void per_region(void)
{
	struct bench_world *w = bench_world_create(0, SMALL);
	const uint32_t n = (uint32_t)bench_scale(100000);
	uint64_t before = core_bytes(w);

	map_pages(w, n, true);
	report("10^5 areas in order, one domain: all beyond table entries",
	       "bytes per area", (double)(core_bytes(w) - before) / n, 64);
	bench_world_destroy(w);
}

/* Nothing per page while a domain holds the frames (INV-C3, principle 5). */
static void per_page(void)
{
	struct bench_world *w = bench_world_create(1, SMALL);
	uint64_t before, small, pages = bench_gib_pages();

	before = core_bytes(w);
	bench_map(w, 0, PAGE);
	small = core_bytes(w) - before;
	bench_unmap(w, PAGE);
	before = core_bytes(w);
	bench_map(w, 0, pages * PAGE);
	/* The list of chunks that tables come from is the tables'. */
	report("a GiB of single frames in a domain, beyond one page",
	       "bytes per page",
	       (double)(core_bytes(w) - before - small) / (double)pages, 0.01);
	bench_unmap(w, pages * PAGE);
	bench_world_destroy(w);
}

static void unmap_never(void *data, ioas_iova_t iova, uint64_t length)
{
	(void)data;
	(void)iova;
	(void)length;
}

static const struct ioas_access_ops access_ops = { .unmap = unmap_never };

static void store_report(const struct bench_world *w, uint64_t run,
			 uint64_t bytes, uint64_t pages)
{
	struct ioas_area *a = ioas_rangemap_find(&w->ioas->areas, w->iova);
	const struct ioas_store *store = &a->pages->access->store;
	char text[96];

	bench_check(ioas_store_pages(store) == pages, "all pages stored");
	snprintf(text, sizeof(text), "client pin, runs of %llu: store",
		 (unsigned long long)run);
	report(text, "bytes per run",
	       (double)ioas_store_memory(store) /
		       (double)ioas_store_runs(store),
	       24);
	snprintf(text, sizeof(text), "client pin, runs of %llu: all",
		 (unsigned long long)run);
	report(text, "bytes per page", (double)bytes / (double)pages, 0);
}

static void store(uint64_t run)
{
	struct bench_world *w = bench_world_create(run, 0);
	const uint64_t pages = ioas_max(bench_gib_pages(), 16 * run);
	struct ioas_access *access;
	uint64_t before;

	bench_check(!ioas_access_create(&w->ctx, &access_ops, NULL,
					IOAS_ACCESS_PINS, &access) &&
			    !ioas_access_attach(access, w->ioas),
		    "access");
	bench_map(w, 0, pages * PAGE);
	before = count_now().bytes;
	bench_check(!ioas_access_pin(access, w->iova, pages * PAGE, 0, NULL),
		    "pin");
	store_report(w, run, count_now().bytes - before, pages);
	ioas_access_unpin(access, w->iova, pages * PAGE);
	bench_check(count_now().bytes == before, "nothing is left");
	ioas_access_destroy(access);
	bench_world_destroy(w);
}

/* Records of one page each, side by side. */
static void records(void)
{
	struct bench_world *w = bench_world_create(0, SMALL);
	const uint32_t n = (uint32_t)bench_scale(100000);
	struct ioas_access *access;
	uint64_t before;

	bench_check(!ioas_access_create(&w->ctx, &access_ops, NULL,
					IOAS_ACCESS_PINS, &access) &&
			    !ioas_access_attach(access, w->ioas),
		    "access");
	bench_map(w, 0, n * PAGE);
	before = count_now().bytes;
	for (uint32_t i = 0; i < n; i++)
		bench_check(!ioas_access_pin(access, w->iova + i * PAGE, PAGE,
					     0, NULL),
			    "pin");
	report("access record", "bytes", (double)sizeof(struct ioas_record),
	       64);
	report("10^5 pins of a page, side by side: record, sets and reserve",
	       "bytes per pin", (double)(count_now().bytes - before) / n, 0);
	for (uint32_t i = 0; i < n; i++)
		ioas_access_unpin(access, w->iova + i * PAGE, PAGE);
	ioas_access_destroy(access);
	bench_world_destroy(w);
}

/* A domain that counts, in a space without one. */
static struct ioas_domain *counting_domain(struct bench_world *w)
{
	const struct ioas_table_options o = {
		.pt = {
			.pgsizes = SMALL,
			.last = ((ioas_iova_t)1 << 48) - 1,
			.count = true,
		},
	};
	struct ioas_domain *d = NULL;

	bench_check(!ioas_table_domain_create(&o, &d), "domain");
	bench_attach(w, d);
	return d;
}

static struct ioas_pt_stats stats_of(struct ioas_domain *d)
{
	struct ioas_pt_stats s;

	ioas_pt_stats(ioas_table_domain_pt(d), &s);
	return s;
}

static void invalidations(void)
{
	struct bench_world *w = bench_world_create(6, 0);
	struct ioas_domain *d = counting_domain(w);
	const uint32_t n = 100;
	const uint64_t pages = bench_gib_pages();
	struct ioas_pt_stats before;
	uint64_t total;

	map_pages(w, n, true);
	before = stats_of(d);
	bench_unmap(w, n * PAGE);
	report("unmap of 100 areas", "syncs per area",
	       (double)(stats_of(d).syncs - before.syncs) / n, 0);
	before = stats_of(d);
	total = count_now().total;
	bench_map(w, 0, pages * PAGE);
	report("map of a GiB, runs of 6", "walks from the root",
	       (double)(stats_of(d).walks - before.walks), 0);
	report("map of a GiB, runs of 6, tables' memory included",
	       "allocations", (double)(count_now().total - total), 0);
	before = stats_of(d);
	bench_unmap(w, pages * PAGE);
	report("unmap of a GiB, runs of 6", "walks from the root",
	       (double)(stats_of(d).walks - before.walks), 0);
	report("unmap of a GiB, runs of 6", "syncs",
	       (double)(stats_of(d).syncs - before.syncs), 0);
	ioas_iopt_detach(w->ioas, d);
	d->ops->destroy(d);
	bench_world_destroy(w);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "memory");
	fixed_cost();
	per_area(true, "10^5 areas in order");
	per_area(false, "10^5 areas in random order");
	per_region();
	per_page();
	store(1);
	store(6);
	store(512);
	records();
	invalidations();
	return bench_finish();
}
