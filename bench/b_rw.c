/* SPDX-License-Identifier: MIT */
/*
 * b_rw: a client reads and writes this process's memory through a space
 *
 *   floor     memcpy between a lock and an unlock of a mutex
 *   memcpy    the copy alone
 *
 * 64 bytes and 4 KiB at random places of 4,096 areas of 4 KiB, 16 MiB in all;
 * 1 MiB within one area of 16 MiB. All contenders touch the same bytes in the
 * same order. (performance.md section 5, row 10)
 */
#include <stdlib.h>
#include <string.h>

#include "origin/own.h"
#include "world.h"

#define AREAS 4096
#define MEMORY ((size_t)AREAS << PAGE_LG2)
#define BASE ((ioas_iova_t)1 << 32)

struct rw_case {
	struct ioas_access *access;
	struct ioas_mutex mutex;
	/* What is mapped. */
	char *memory;
	char *buffer;
	/* Offsets in it. */
	uint64_t *where;
	uint64_t nr;
	uint64_t bytes;
	bool write;
};

static double rw_core(void *ctx)
{
	struct rw_case *c = ctx;
	const unsigned int flags = c->write ? IOAS_ACCESS_WRITE : 0;
	uint64_t start = bench_now();
	int ret = 0;

	for (uint64_t i = 0; i < c->nr; i++)
		ret |= ioas_access_rw(c->access, BASE + c->where[i], c->buffer,
				      c->bytes, flags);
	start = bench_now() - start;
	bench_check(!ret && !memcmp(c->buffer,
				    c->memory + c->where[c->nr - 1], c->bytes),
		    "copy");
	return (double)start;
}

static void copy(struct rw_case *c, uint64_t offset)
{
	char *p = c->memory + offset;

	if (c->write)
		memcpy(p, c->buffer, c->bytes);
	else
		memcpy(c->buffer, p, c->bytes);
}

static double rw_floor(void *ctx)
{
	struct rw_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->nr; i++) {
		ioas_plat_mutex_lock(&c->mutex);
		copy(c, c->where[i]);
		ioas_plat_mutex_unlock(&c->mutex);
	}
	return (double)(bench_now() - start);
}

static double rw_memcpy(void *ctx)
{
	struct rw_case *c = ctx;
	uint64_t start = bench_now();

	for (uint64_t i = 0; i < c->nr; i++) {
		copy(c, c->where[i]);
		bench_use((uint64_t)c->buffer[0]);
	}
	return (double)(bench_now() - start);
}

struct shape {
	const char *name;
	uint64_t areas;
	uint64_t bytes;
	uint64_t nr;
	bool write;
	double budget;
};

static const struct shape shapes[] = {
	{ "read 64 B, 4096 areas", AREAS, 64, 200000, false, 40 },
	{ "write 64 B, 4096 areas", AREAS, 64, 200000, true, 40 },
	{ "read 4 KiB, 4096 areas", AREAS, PAGE, 20000, false, 0 },
	{ "write 4 KiB, 4096 areas", AREAS, PAGE, 20000, true, 0 },
	{ "read 1 MiB, one area", 1, 256 * PAGE, 200, false, 0 },
	{ "write 1 MiB, one area", 1, 256 * PAGE, 200, true, 0 },
};

/* Random places where @bytes lie in one area, aligned to 64. */
static void choose_places(struct rw_case *c, uint64_t areas)
{
	const uint64_t size = MEMORY / areas;

	c->where = bench_memory(c->nr * sizeof(*c->where));
	for (uint64_t i = 0; i < c->nr; i++) {
		uint64_t slack = (size - c->bytes) / 64 + 1;

		c->where[i] = bench_random() % areas * size +
			      bench_random() % slack * 64;
	}
}

static void map_own(struct ioas *ioas, struct ioas_origin *own, char *memory,
		    uint64_t areas)
{
	const uint64_t size = MEMORY / areas;

	for (uint64_t i = 0; i < areas; i++) {
		ioas_iova_t iova = BASE + i * size;

		bench_check(!ioas_iopt_map(ioas, own,
					   (uintptr_t)memory + i * size, size,
					   RW, IOAS_MAP_FIXED, &iova),
			    "map");
	}
}

static void run_row(const struct shape *s, struct rw_case *c)
{
	const struct bench_row row = {
		.name = s->name,
		.unit = "call",
		.ops = (double)c->nr,
		.budget = s->budget,
		.contender = {
			{ "core: ioas_access_rw()", rw_core, c },
			{ "floor: memcpy within a mutex", rw_floor, c },
			{ "floor: memcpy alone", rw_memcpy, c },
		},
	};

	bench_run(&row);
}

static void measure(const struct shape *s, char *memory, char *buffer)
{
	struct bench_world *w = bench_world_create(0, 0);
	struct rw_case c = {
		.memory = memory,
		.buffer = buffer,
		.nr = bench_scale(s->nr),
		.bytes = s->bytes,
		.write = s->write,
	};
	struct ioas_origin *own;

	bench_check(!ioas_origin_own_create(PAGE_LG2, &own), "origin");
	map_own(w->ioas, own, memory, s->areas);
	bench_check(!ioas_access_create(&w->ctx, NULL, NULL,
					IOAS_ACCESS_INTERNAL, &c.access) &&
			    !ioas_access_attach(c.access, w->ioas),
		    "access");
	choose_places(&c, s->areas);
	run_row(s, &c);
	ioas_access_destroy(c.access);
	bench_world_destroy(w);
	ioas_origin_put(own);
	free(c.where);
}

int main(int argc, char **argv)
{
	char *memory = aligned_alloc(PAGE, MEMORY);
	char *buffer = bench_memory(256 * PAGE);

	bench_start(argc, argv, "rw");
	bench_check(memory, "out of memory");
	for (size_t i = 0; i < MEMORY; i++)
		memory[i] = (char)(i * 31);
	memset(buffer, 7, 256 * PAGE);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(shapes); i++)
		measure(&shapes[i], memory, buffer);
	free(memory);
	free(buffer);
	return bench_finish();
}
