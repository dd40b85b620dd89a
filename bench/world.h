/* SPDX-License-Identifier: MIT */
/*
 * world: the space, the domains and the origin that most rows need
 *
 * Every call that cannot fail here ends the program if it does: a benchmark
 * of an operation that failed would be the fastest of all.
 */
#ifndef IOAS_BENCH_WORLD_H
#define IOAS_BENCH_WORLD_H

#include "bench.h"
#include "bench_origin.h"
#include "core/access.h"
#include "core/context.h"
#include "core/dirty.h"
#include "core/iopt.h"
#include "domain/table.h"

#define PAGE_LG2 12
#define PAGE ((uint64_t)1 << PAGE_LG2)
#define GIB ((uint64_t)1 << 30)
/* Sets of page sizes. */
#define SMALL (PAGE)
#define HUGE (PAGE | (uint64_t)1 << 21)
#define GIANT (HUGE | GIB)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE | IOAS_PROT_CACHE)

struct bench_world {
	struct ioas_context ctx;
	struct ioas *ioas;
	struct bench_origin *origin;
	/* Attached; NULL: none. */
	struct ioas_domain *domain;
	/* Where a mapping is that belongs to the setup. */
	ioas_iova_t iova;
};

/*
 * A space over an origin with runs of @run pages, with a table domain of
 * @pgsizes, or without one if that is 0.
 */
struct bench_world *bench_world_create(uint64_t run, uint64_t pgsizes);
/* Unmaps everything first; checks that every frame came back. */
void bench_world_destroy(struct bench_world *w);

/* A table domain, not attached, with 48 bits of IOVA. */
struct ioas_domain *bench_domain(uint64_t pgsizes);
void bench_attach(struct bench_world *w, struct ioas_domain *d);

/* Bytes [@start, @start + @length) of the origin at w->iova, fixed. */
void bench_map(struct bench_world *w, uint64_t start, uint64_t length);
void bench_unmap(struct bench_world *w, uint64_t length);
/* A sample of the pages mapped by bench_map(w, 0, @length) translate right. */
void bench_check_map(struct bench_world *w, struct ioas_domain *d,
		     uint64_t length);

/* Not NULL, or the program ends. */
void *bench_memory(size_t bytes);
/* 0, 1, .. n - 1 in random order; free() it. */
uint32_t *bench_permutation(uint32_t n);

/* Pages of 1 GiB; a few in a smoke run. */
static inline uint64_t bench_gib_pages(void)
{
	return bench_scale(GIB >> PAGE_LG2);
}

#endif
