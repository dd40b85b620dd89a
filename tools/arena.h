/* SPDX-License-Identifier: MIT */
/*
 * arena: physical memory for the tables of a replay
 *
 *   pa    [ base ........................... base + size )
 *         [ table | table | .. used .. | free            )
 *
 * Tables get addresses of their own, with high bits set, so that an entry is
 * right only if the whole address is. Fresh memory is full of junk: who relies
 * on zeros is found out.
 */
#ifndef IOAS_TOOLS_ARENA_H
#define IOAS_TOOLS_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "pt/pt.h"
#include "walker/walker.h"

/* @width: addresses are below 2^width. NULL: none so small, or no memory. */
struct arena *ioas_arena_create(unsigned int width);
void ioas_arena_destroy(struct arena *a);

extern const struct ioas_pt_mem_ops ioas_arena_ops;
struct walker_memory ioas_arena_memory(struct arena *a);
/* Bytes of the table that begins at @pa; 0: none does. */
uint64_t ioas_arena_table(const struct arena *a, uint64_t pa);

#endif
