/* SPDX-License-Identifier: MIT */
/*
 * b_pin: a client pins 1 GiB that a domain maps already
 *
 *   first     nobody holds the frames but the domain: they are read out of it
 *             as runs, stored by runs, and listed for the client
 *   second    all but the first page, while the first pin lasts: the frames
 *             are in the store
 *   same      the very range of the first: a count
 *   unpin     the first pin, alone; nothing is unpinned from the origin
 *
 *   floor     melt an array of entries into runs; copy a list of runs; forget
 *   twin      page after page, as a store of an entry per page would: translate
 *             in the domain and store; copy the entries; zero them
 *
 * (performance.md section 5, row 6)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum phase { FIRST, SECOND, SAME, UNPIN };

struct pin_case {
	struct bench_world *w;
	struct ioas_access *access;
	struct ioas_run_list list;
	uint64_t pages;
	/* Of the whole range. */
	uint32_t nr_runs;
	/* The page table as an array; what the twin stores, and hands out. */
	uint64_t *entries;
	uint64_t *store;
	uint64_t *out;
	/* Of the floor. */
	struct ioas_run *runs;
};

struct pin_phase {
	struct pin_case *c;
	enum phase phase;
};

static void unmap_never(void *data, ioas_iova_t iova, uint64_t length)
{
	(void)data;
	(void)iova;
	(void)length;
}

static const struct ioas_access_ops access_ops = { .unmap = unmap_never };

/* Pin all pages but the first @skip; the list is right at its end. */
static void core_pin(struct pin_case *c, uint64_t skip)
{
	const ioas_iova_t iova = c->w->iova + skip * PAGE;

	bench_check(!ioas_access_pin(c->access, iova, (c->pages - skip) * PAGE,
				     IOAS_ACCESS_WRITE, &c->list),
		    "pin");
}

static void core_unpin(struct pin_case *c, uint64_t skip)
{
	ioas_access_unpin(c->access, c->w->iova + skip * PAGE,
			  (c->pages - skip) * PAGE);
}

static void check_list(const struct pin_case *c, uint64_t skip)
{
	uint64_t page = skip;

	for (uint32_t i = 0; i < c->list.nr; i++) {
		bench_check(c->list.runs[i].pfn ==
				    bench_frame(c->w->origin, page),
			    "frame of the list");
		page += c->list.runs[i].nr;
	}
	bench_check(page == c->pages, "pages of the list");
}

static double pin_core(void *ctx)
{
	const struct pin_phase *p = ctx;
	struct pin_case *c = p->c;
	uint64_t at[5];

	at[0] = bench_now();
	core_pin(c, 0);
	at[1] = bench_now();
	check_list(c, 0);
	c->nr_runs = c->list.nr;
	at[2] = bench_now();
	core_pin(c, p->phase == SAME ? 0 : 1);
	at[3] = bench_now();
	check_list(c, p->phase == SAME ? 0 : 1);
	core_unpin(c, p->phase == SAME ? 0 : 1);
	at[4] = bench_now();
	core_unpin(c, 0);
	if (p->phase == UNPIN)
		return (double)(bench_now() - at[4]);
	if (p->phase == FIRST)
		return (double)(at[1] - at[0]);
	return (double)(at[3] - at[2]);
}

/* Runs of the array of entries. */
static uint32_t melt(const struct pin_case *c, struct ioas_run *runs)
{
	struct ioas_run *r = runs;

	r->pfn = c->entries[0] >> PAGE_LG2;
	r->nr = 1;
	for (uint64_t i = 1; i < c->pages; i++) {
		uint64_t pfn = c->entries[i] >> PAGE_LG2;

		if (r->pfn + r->nr == pfn)
			r->nr++;
		else
			*++r = (struct ioas_run){ pfn, 1 };
	}
	return (uint32_t)(r - runs + 1);
}

static double pin_floor(void *ctx)
{
	const struct pin_phase *p = ctx;
	struct pin_case *c = p->c;
	uint64_t at[4];
	uint32_t nr;

	at[0] = bench_now();
	nr = melt(c, c->runs);
	at[1] = bench_now();
	memcpy(c->list.runs, c->runs, nr * sizeof(*c->runs));
	at[2] = bench_now();
	memset(c->runs, 0, nr * sizeof(*c->runs));
	at[3] = bench_now();
	bench_check(nr == c->nr_runs, "runs of the floor");
	if (p->phase == UNPIN)
		return (double)(at[3] - at[2]);
	if (p->phase == FIRST)
		return (double)(at[1] - at[0]);
	return (double)(at[2] - at[1]);
}

static void twin_pin(struct pin_case *c)
{
	struct ioas_domain *d = c->w->domain;
	int ret = 0;

	for (uint64_t i = 0; i < c->pages; i++) {
		const ioas_iova_t iova = c->w->iova + i * PAGE;
		uint64_t addr, length;

		ret |= d->ops->translate_run(d, iova, iova, NULL, &addr,
					     &length);
		c->store[i] = addr >> PAGE_LG2;
		c->out[i] = c->store[i];
	}
	bench_check(!ret, "twin pins");
}

static double pin_twin(void *ctx)
{
	const struct pin_phase *p = ctx;
	struct pin_case *c = p->c;
	uint64_t at[4];

	at[0] = bench_now();
	twin_pin(c);
	at[1] = bench_now();
	memcpy(c->out, c->store, c->pages * sizeof(*c->out));
	at[2] = bench_now();
	memset(c->store, 0, c->pages * sizeof(*c->store));
	at[3] = bench_now();
	bench_use(c->out[c->pages / 2] + c->store[c->pages / 2]);
	if (p->phase == UNPIN)
		return (double)(at[3] - at[2]);
	if (p->phase == FIRST)
		return (double)(at[1] - at[0]);
	return (double)(at[2] - at[1]);
}

struct shape {
	const char *name;
	const char *unit;
	uint64_t pgsizes;
	uint64_t run;
	bool per_page;
	double budget[4];
};

static const struct shape shapes[] = {
	{ "4 KiB entries, one run", "page", SMALL, 0, true, { 4, 1, 0, 4 } },
	{ "4 KiB entries, runs of 6", "page", SMALL, 6, true, { 4, 1, 0, 4 } },
	{ "4 KiB entries, single frames", "page", SMALL, 1, true, { 0 } },
	{ "2 MiB leaves", "call", HUGE, 512, false,
	  { 20000, 20000, 0, 20000 } },
};

static void run_row(const struct shape *s, struct pin_case *c,
		    enum phase phase)
{
	static const char *const what[] = {
		"first pin over a domain",
		"second, overlapping pin",
		"second pin of the same range",
		"unpin the last",
	};
	struct pin_phase p = { c, phase };
	char name[96] = "";
	const struct bench_row row = {
		.name = name,
		.unit = s->unit,
		.ops = s->per_page ? (double)c->pages : 1,
		.budget = s->budget[phase],
		.contender = {
			{ "core", pin_core, &p },
			{ "floor: the same with arrays of runs", pin_floor,
			  &p },
			{ "twin: an entry per page", pin_twin, &p },
		},
	};

	snprintf(name, sizeof(name), "%s, 1 GiB, %s", what[phase], s->name);
	bench_run(&row);
}

static void case_init(struct pin_case *c, const struct shape *s)
{
	*c = (struct pin_case){
		.w = bench_world_create(s->run, s->pgsizes),
		.pages = s->pgsizes == SMALL ? bench_gib_pages() :
					       GIB >> PAGE_LG2,
	};
	bench_check(!ioas_access_create(&c->w->ctx, &access_ops, NULL,
					IOAS_ACCESS_PINS, &c->access) &&
			    !ioas_access_attach(c->access, c->w->ioas),
		    "access");
	bench_map(c->w, 0, c->pages * PAGE);
	c->list.max = (uint32_t)c->pages;
	c->list.runs = bench_memory(c->pages * sizeof(*c->list.runs));
	c->runs = bench_memory(c->pages * sizeof(*c->runs));
	c->entries = bench_memory(c->pages * sizeof(*c->entries));
	c->store = bench_memory(c->pages * sizeof(*c->store));
	c->out = bench_memory(c->pages * sizeof(*c->out));
	for (uint64_t i = 0; i < c->pages; i++)
		c->entries[i] = bench_frame(c->w->origin, i) << PAGE_LG2;
}

static void case_fini(struct pin_case *c)
{
	ioas_access_destroy(c->access);
	bench_world_destroy(c->w);
	free(c->list.runs);
	free(c->runs);
	free(c->entries);
	free(c->store);
	free(c->out);
}

int main(int argc, char **argv)
{
	bench_start(argc, argv, "pin");
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(shapes); i++) {
		struct pin_case c;

		case_init(&c, &shapes[i]);
		for (enum phase p = FIRST; p <= UNPIN; p++)
			run_row(&shapes[i], &c, p);
		case_fini(&c);
	}
	return bench_finish();
}
