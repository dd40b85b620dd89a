/* SPDX-License-Identifier: MIT */
/* replay: one vector, and how what is there differs from it */
#ifndef IOAS_TOOLS_REPLAY_H
#define IOAS_TOOLS_REPLAY_H

#include "arena.h"
#include "cmd.h"
#include "vectors.h"

struct replay {
	const struct vector *v;
	struct arena *arena;
	struct ioas_pt *pt;
	/* Differences, as an array of objects; and how many were not kept. */
	struct json_object *differences;
	uint64_t nr_more;
	/* Bytes mapped after the last operation. */
	uint64_t mapped;
};

/* A piece of text in a difference, from printf. */
struct replay_text {
	char text[160];
};

struct replay_text ioas_replay_text(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));
/* @what is not as expected. */
void ioas_replay_differs(struct replay *r, struct replay_text what,
			 struct replay_text expected, struct replay_text got);

/* The walker's view of the page table as it is now. */
void ioas_replay_walker(const struct replay *r, struct walker_config *cfg);

/* Root and tables against those of the vector. */
void ioas_replay_tables(struct replay *r);

#endif
