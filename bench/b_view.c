/* SPDX-License-Identifier: MIT */
/*
 * b_view: what a device's thread pays for a translation
 *
 *   ours    enter, translate, exit of a view of a vtdss domain
 *   floor   an array of two levels by region, or plain pointers in as many
 *           levels as the tables have; no lock, no permission, no unmap
 *   twin    a B+tree of regions
 *
 * A region has 2 MiB and is followed by a hole as large; its output address
 * follows from nothing. It is one leaf, or 512 of 4 KiB. (performance.md
 * sections 3 and 5)
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/view.h"
#include "pt_world.h"
#include "twin_btree.h"
#include "world.h"

#define REGION_LG2 21
#define REGION ((uint64_t)1 << REGION_LG2)
/* Pages of a region, and lookups of one section where they share it. */
#define PAGES 512
#define SHARE 64

struct view_case {
	struct ioas_domain *d;
	struct ioas_dview *view;
	bool small;
	uint32_t regions;
	/* What is asked for, and the sum of the answers. */
	uint64_t *where;
	uint64_t nr;
	uint64_t expect;
	/* By region: levels of 10 bits, of which the upper one is @top. */
	uint64_t **top;
	struct radix radix;
	struct twin_btree twin;
};

/* Where region @i is, and where it leads to. */
static uint64_t region_iova(uint64_t i)
{
	return i * 2 * REGION;
}

static uint64_t region_addr(uint64_t i)
{
	return (i * 5 + 3) << REGION_LG2;
}

static uint64_t address(uint64_t iova)
{
	return region_addr(iova / (2 * REGION)) + iova % REGION;
}

static void map(struct ioas_domain *d, uint64_t iova, uint64_t addr,
		uint64_t length)
{
	const struct ioas_run run = { addr >> PAGE_LG2, length >> PAGE_LG2 };
	const struct ioas_map_request rq = {
		.iova = iova,
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = PAGE_LG2,
		.length = length,
		.prot = RW,
	};

	bench_check(!d->ops->map(d, &rq), "map");
}

static void unmap(struct ioas_domain *d, uint64_t iova, uint64_t length)
{
	const uint64_t last = iova + (length - 1);
	const struct ioas_unmap_request rq = {
		.iova = iova,
		.want_last = last,
		.last = last,
	};

	bench_check(d->ops->unmap(d, &rq) == last, "unmap");
	d->ops->sync(d);
}

static struct ioas_domain *domain(bool small, bool dirty)
{
	const struct ioas_table_options o = {
		.format = &ioas_pt_vtdss,
		.pt = { .pgsizes = small ? SMALL : HUGE, .va_bits = 48 },
		.dirty = dirty,
	};
	struct ioas_domain *d = NULL;

	bench_check(!ioas_table_domain_create(&o, &d), "domain");
	return d;
}

static struct ioas_dview *view_of(struct ioas_domain *d)
{
	struct ioas_dview *v = NULL;

	bench_check(!ioas_dview_create(d, NULL, NULL, &v), "view");
	return v;
}

/* ---- the contenders ----------------------------------------------------- */

/* Each lookup is a section of its own. */
static uint64_t look(struct ioas_dview *v, const uint64_t *where, uint64_t nr)
{
	uint64_t sum = 0, addr = 0, length;
	int ret = 0;

	for (uint64_t i = 0; i < nr; i++) {
		ioas_dview_enter(v);
		ret |= ioas_dview_translate(v, where[i], where[i],
					    IOAS_PROT_READ, &addr, &length);
		sum += addr;
		ioas_dview_exit(v);
	}
	bench_check(!ret, "translate");
	return sum;
}

static double view_each(void *ctx)
{
	const struct view_case *c = ctx;
	uint64_t start = bench_now();
	uint64_t sum = look(c->view, c->where, c->nr);

	start = bench_now() - start;
	bench_check(sum == c->expect, "translate");
	return (double)start;
}

static double view_share(void *ctx)
{
	const struct view_case *c = ctx;
	uint64_t start = bench_now(), sum = 0, addr = 0, length;
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i += SHARE) {
		ioas_dview_enter(c->view);
		for (uint64_t k = i; k < i + SHARE; k++) {
			ret |= ioas_dview_translate(c->view, c->where[k],
						    c->where[k],
						    IOAS_PROT_READ, &addr,
						    &length);
			sum += addr;
		}
		ioas_dview_exit(c->view);
	}
	start = bench_now() - start;
	bench_check(!ret && sum == c->expect, "translate");
	return (double)start;
}

static double floor_array(void *ctx)
{
	const struct view_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t n = c->where[i] >> REGION_LG2;

		sum += c->top[n >> 10][n & 1023] + c->where[i] % REGION;
	}
	start = bench_now() - start;
	bench_check(sum == c->expect, "floor");
	return (double)start;
}

static double floor_walk(void *ctx)
{
	const struct view_case *c = ctx;
	const unsigned int lg2 = c->small ? PAGE_LG2 : REGION_LG2;
	const uint64_t mask = ((uint64_t)1 << lg2) - 1;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t i = 0; i < c->nr; i++)
		sum += *radix_item(&c->radix, c->where[i] >> lg2) +
		       (c->where[i] & mask);
	start = bench_now() - start;
	bench_check(sum == c->expect, "floor");
	return (double)start;
}

static double twin_tree(void *ctx)
{
	const struct view_case *c = ctx;
	uint64_t start = bench_now(), sum = 0;

	for (uint64_t i = 0; i < c->nr; i++)
		sum += (uintptr_t)twin_find(&c->twin, c->where[i]) +
		       c->where[i] % REGION;
	start = bench_now() - start;
	bench_check(sum == c->expect, "twin");
	return (double)start;
}

/* ---- setup -------------------------------------------------------------- */

static void fill_array(struct view_case *c)
{
	const uint64_t nr = 2ull * c->regions, tops = (nr >> 10) + 1;

	c->top = bench_memory(tops * sizeof(*c->top));
	c->top[0] = pt_memory(tops * 1024 * sizeof(**c->top));
	for (uint64_t i = 1; i < tops; i++)
		c->top[i] = c->top[0] + i * 1024;
	for (uint64_t i = 0; i < c->regions; i++)
		c->top[0][2 * i] = region_addr(i);
}

static void fill_radix(struct view_case *c)
{
	const uint64_t pages = 2ull * c->regions * (c->small ? PAGES : 1);
	const unsigned int lg2 = c->small ? PAGE_LG2 : REGION_LG2;

	radix_init(&c->radix, c->small ? 4 : 3, 9, pages);
	radix_fill(&c->radix, pages);
	for (uint64_t i = 0; i < pages; i++)
		*radix_item(&c->radix, i) = address(i << lg2);
}

static void fill_twin(struct view_case *c)
{
	twin_init(&c->twin);
	for (uint64_t i = 0; i < c->regions; i++)
		bench_check(twin_insert(&c->twin, region_iova(i),
					region_iova(i) + (REGION - 1),
					(void *)(uintptr_t)region_addr(i)),
			    "insert");
}

static void choose(struct view_case *c, bool ordered)
{
	c->expect = 0;
	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t r = ordered ? i / PAGES : bench_random();
		uint64_t at = ordered ? i % PAGES * PAGE :
					bench_random() % REGION;

		c->where[i] = region_iova(r % c->regions) + at;
		c->expect += address(c->where[i]);
	}
}

static struct view_case *view_case_create(uint32_t regions, bool small)
{
	struct view_case *c = bench_memory(sizeof(*c));

	*c = (struct view_case){
		.d = domain(small, false),
		.small = small,
		.regions = regions,
		.nr = bench_scale((uint64_t)1 << 18),
	};
	c->where = bench_memory(c->nr * sizeof(*c->where));
	for (uint64_t i = 0; i < regions; i++)
		map(c->d, region_iova(i), region_addr(i), REGION);
	c->view = view_of(c->d);
	fill_array(c);
	fill_radix(c);
	fill_twin(c);
	return c;
}

static void view_case_destroy(struct view_case *c)
{
	ioas_dview_destroy(c->view);
	for (uint64_t i = 0; i < c->regions; i++)
		unmap(c->d, region_iova(i), REGION);
	c->d->ops->destroy(c->d);
	twin_fini(&c->twin);
	radix_fini(&c->radix);
	free(c->top[0]);
	free(c->top);
	free(c->where);
	free(c);
}

/* ---- one thread --------------------------------------------------------- */

static void row_lookup(struct view_case *c, const char *order, bench_fn *ours,
		       const char *how, double budget)
{
	char name[96];
	struct bench_row row = {
		.name = name,
		.unit = "lookup",
		.ops = (double)c->nr,
		.budget = budget,
		.contender = {
			{ how, ours, c },
			{ "floor: array of two levels", floor_array, c },
			{ "floor: plain pointers", floor_walk, c },
		},
	};

	/* Once is enough: it is slow. */
	if (budget > 0 && ours == view_each)
		row.contender[3] = (struct bench_contender){
			"twin: B+tree", twin_tree, c
		};
	snprintf(name, sizeof(name), "view: %s, %u regions, leaves of %s",
		 order, c->regions, c->small ? "4 KiB" : "2 MiB");
	bench_run(&row);
}

static void rows_one(struct view_case *c, double budget)
{
	choose(c, false);
	row_lookup(c, "random", view_each, "enter, translate, exit", budget);
	row_lookup(c, "random, 64 a section", view_share, "translate", budget);
	choose(c, true);
	row_lookup(c, "in order", view_share, "translate, 64 a section", 3);
}

/* ---- two threads -------------------------------------------------------- */

struct reader {
	struct view_case *c;
	struct ioas_dview *view;
	pthread_barrier_t *start;
	uint64_t ns;
	uint64_t sum;
};

static void *reader_run(void *arg)
{
	struct reader *r = arg;
	uint64_t start;

	pthread_barrier_wait(r->start);
	start = bench_now();
	r->sum = look(r->view, r->c->where, r->c->nr);
	r->ns = bench_now() - start;
	return NULL;
}

/* The mean of both. */
static double view_two(void *ctx)
{
	struct view_case *c = ctx;
	pthread_barrier_t start;
	struct reader r[2] = {
		{ .c = c, .view = c->view, .start = &start },
		{ .c = c, .view = view_of(c->d), .start = &start },
	};
	pthread_t other;

	bench_check(!pthread_barrier_init(&start, NULL, 2), "barrier");
	bench_check(!pthread_create(&other, NULL, reader_run, &r[1]), "thread");
	reader_run(&r[0]);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&start);
	ioas_dview_destroy(r[1].view);
	bench_check(r[0].sum == c->expect && r[1].sum == c->expect,
		    "translate");
	return (double)(r[0].ns + r[1].ns) / 2;
}

/* A neighbour, on the same domain, behind all regions. */
struct mapper {
	struct ioas_domain *d;
	uint64_t iova;
	atomic_bool running;
	atomic_bool stop;
};

static void *mapper_run(void *arg)
{
	struct mapper *m = arg;

	while (!atomic_load(&m->stop)) {
		map(m->d, m->iova, 0, REGION);
		unmap(m->d, m->iova, REGION);
		atomic_store(&m->running, true);
	}
	return NULL;
}

static double view_disturbed(void *ctx)
{
	struct view_case *c = ctx;
	struct mapper m = { .d = c->d, .iova = (uint64_t)1 << 46 };
	pthread_t other;
	double ns;

	bench_check(!pthread_create(&other, NULL, mapper_run, &m), "thread");
	while (!atomic_load(&m.running))
		;
	ns = view_each(c);
	atomic_store(&m.stop, true);
	pthread_join(other, NULL);
	return ns;
}

static void row_threads(struct view_case *c, const char *what, bench_fn *ours,
			const char *how)
{
	char name[96];
	const struct bench_row row = {
		.name = name,
		.unit = "lookup",
		.ops = (double)c->nr,
		.contender = {
			{ how, ours, c },
			{ "one thread, alone", view_each, c },
		},
	};

	snprintf(name, sizeof(name), "view: %s, %u regions, leaves of %s",
		 what, c->regions, c->small ? "4 KiB" : "2 MiB");
	bench_run(&row);
}

static void rows_two(struct view_case *c)
{
	choose(c, false);
	row_threads(c, "two threads, random", view_two, "two at once");
	row_threads(c, "random, another maps, unmaps", view_disturbed,
		    "while another maps and unmaps");
}

/* ---- writes ------------------------------------------------------------- */

struct write_case {
	struct ioas_domain *d;
	struct ioas_dview *view;
	/* Bytes of a GiB that a write has, and the leaf. */
	uint64_t length;
	bool fresh;
	uint64_t nr;
	uint8_t *bits;
	uint64_t dirty;
};

static void count_dirty(struct ioas_dirty_sink *sink, ioas_iova_t iova,
			ioas_iova_t last)
{
	(void)sink;
	bench_use(last - iova);
}

static void harvest(const struct write_case *c)
{
	struct ioas_dirty_sink sink = { .mark = count_dirty };

	bench_check(!c->d->ops->read_and_clear_dirty(c->d, 0, GIB - 1, 0,
						     &sink),
		    "harvest");
	c->d->ops->sync(c->d);
}

/* The GiB is contiguous: one segment each. */
static void write_segments(const struct write_case *c)
{
	struct ioas_dview_segment s;

	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t iova = i * c->length, done;
		uint32_t nr = 1;
		int ret;

		ioas_dview_enter(c->view);
		ret = ioas_dview_segments(c->view, iova, iova + c->length - 1,
					  IOAS_PROT_WRITE, &s, &nr, &done);
		ioas_dview_exit(c->view);
		bench_check(!ret && done == c->length, "write");
	}
}

static void write_pages(const struct write_case *c)
{
	uint64_t sum = 0;
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t iova = i * PAGE, addr, length = 0;

		ioas_dview_enter(c->view);
		ret |= ioas_dview_translate(c->view, iova, iova + (PAGE - 1),
					    IOAS_PROT_WRITE, &addr, &length);
		ioas_dview_exit(c->view);
		sum += length;
	}
	bench_check(!ret && sum == c->nr * PAGE, "write");
}

static double write_view(void *ctx)
{
	const struct write_case *c = ctx;
	uint64_t start;

	if (c->fresh)
		harvest(c);
	start = bench_now();
	if (c->length == PAGE)
		write_pages(c);
	else
		write_segments(c);
	return (double)(bench_now() - start);
}

/* A bit for each page, tested first. */
static double write_floor(void *ctx)
{
	const struct write_case *c = ctx;
	const uint64_t pages = c->length >> PAGE_LG2;
	uint64_t start;

	memset(c->bits, c->fresh ? 0 : 0xff, (GIB >> PAGE_LG2) / 8);
	start = bench_now();
	for (uint64_t i = 0; i < c->nr * pages; i++) {
		uint8_t *byte = &c->bits[i / 8], bit = (uint8_t)(1 << i % 8);

		if (!(__atomic_load_n(byte, __ATOMIC_RELAXED) & bit))
			__atomic_fetch_or(byte, bit, __ATOMIC_RELAXED);
	}
	return (double)(bench_now() - start);
}

static double harvest_clean(void *ctx)
{
	const struct write_case *c = ctx;
	uint64_t start;

	harvest(c);
	start = bench_now();
	harvest(c);
	return (double)(bench_now() - start);
}

/* As many words as there are leaves of 4 KiB, or their bits. */
static double harvest_floor(void *ctx)
{
	const struct write_case *c = ctx;
	const uint64_t *word = (const uint64_t *)(const void *)c->bits;
	uint64_t start, any = 0;

	memset(c->bits, 0, (GIB >> PAGE_LG2) / 8);
	start = bench_now();
	for (uint64_t i = 0; i < (GIB >> PAGE_LG2) / 64; i++)
		any |= word[i];
	start = bench_now() - start;
	bench_check(!any, "floor");
	return (double)start;
}

static void row_write(struct write_case *c, const char *what, const char *leaf,
		      double budget)
{
	char name[96];
	const struct bench_row row = {
		.name = name,
		.unit = "write",
		.ops = (double)c->nr,
		.budget = budget,
		.contender = {
			{ c->length == PAGE ? "enter, translate, exit" :
					      "enter, segments, exit",
			  write_view, c },
			{ "floor: test and set a bit per page", write_floor,
			  c },
		},
	};

	snprintf(name, sizeof(name), "view: write %s, leaves of %s", what,
		 leaf);
	bench_run(&row);
}

static void rows_write(bool small)
{
	struct write_case c = { .d = domain(small, true) };
	const char *leaf = small ? "4 KiB" : "2 MiB";
	char name[96];
	const struct bench_row row = {
		.name = name,
		.unit = "GiB",
		.ops = 1,
		.budget = 3000,
		.contender = {
			{ "read and clear, sync", harvest_clean, &c },
			{ "floor: scan a bitmap", harvest_floor, &c },
		},
	};

	map(c.d, 0, GIB, GIB);
	c.d->ops->set_dirty_tracking(c.d, true);
	c.view = view_of(c.d);
	c.bits = pt_memory((GIB >> PAGE_LG2) / 8);
	c.length = PAGE;
	c.nr = bench_gib_pages();
	row_write(&c, "4 KiB that are dirty, in order", leaf, 1.5);
	c.fresh = true;
	row_write(&c, "4 KiB that are clean, in order", leaf, 2.5);
	c.length = PAGE << 8;
	c.nr = bench_scale(GIB >> 20);
	row_write(&c, "1 MiB that is clean, in order", leaf, 20);
	c.fresh = false;
	row_write(&c, "1 MiB that is dirty, in order", leaf, 20);
	snprintf(name, sizeof(name), "view: harvest a clean GiB, leaves of %s",
		 leaf);
	bench_run(&row);
	ioas_dview_destroy(c.view);
	unmap(c.d, 0, GIB);
	c.d->ops->destroy(c.d);
	free(c.bits);
}

/* ------------------------------------------------------------------------- */

static void measure(uint32_t regions, bool small, bool threads, double budget)
{
	struct view_case *c = view_case_create((uint32_t)bench_scale(regions),
					       small);

	rows_one(c, budget);
	if (threads)
		rows_two(c);
	view_case_destroy(c);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "view");
	measure(1, false, true, 3);
	measure(64, false, false, 3);
	measure(1024, false, true, 4);
	measure(16384, false, false, 10);
	measure(262144, false, true, 10);
	measure(1, true, false, 0);
	measure(64, true, false, 0);
	measure(1024, true, true, 0);
	measure(16384, true, false, 0);
	rows_write(false);
	rows_write(true);
	return bench_finish();
}
