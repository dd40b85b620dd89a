/* SPDX-License-Identifier: MIT */
/*
 * arena: the world of a race, and the operations on it
 *
 * It is a struct world, so that the projection can print it, but made without
 * the ledger and without cmocka: neither can be used inside of the scheduler's
 * threads.
 */
#ifndef TESTS_CONCURRENCY_ARENA_H
#define TESTS_CONCURRENCY_ARENA_H

#include "race.h"
#include "world.h"

#define ARENA_CLIENTS 2

struct arena;

struct arena_client {
	struct arena *a;
	/* The client's own: its pins, and their list in struct world_client. */
	struct ioas_mutex lock;
	/* Spaces that may call it, as bits; calls that are running. */
	unsigned int spaces;
	unsigned int running;
};

struct arena_result {
	bool done;
	int ret;
	uint64_t value;
	/* When: equal clocks are never given twice. */
	unsigned int begin;
	unsigned int end;
};

struct arena {
	struct world w;
	struct arena_client clients[ARENA_CLIENTS];
	struct arena_result results[RACE_THREADS][RACE_OPS];
	unsigned int clock;
	/* First frame of the device. */
	ioas_pfn_t device;
};

/* With the operations of @before done, which must succeed. */
struct arena *arena_create(const struct race_op *before);
/* Adds to @r: its value; its return code is that of the last part. */
void arena_exec(struct arena *a, const struct race_op *op,
		struct arena_result *r);
/* Results and state. Freed by the caller. */
char *arena_text(struct arena *a);
/* What is wrong with the state as such, or NULL. */
const char *arena_wrong(struct arena *a);
/* Dismantle and free it. What was left over, or NULL. */
const char *arena_destroy(struct arena *a);

#endif
