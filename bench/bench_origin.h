/* SPDX-License-Identifier: MIT */
/*
 * bench_origin: memory that is arithmetic, so that what is timed is the core
 *
 *   page     0 1 2 3 4 5 | 6 7 8 9 10 11 | 12 ...        run length 6
 *   block        0       |       1       |  2
 *   frame    place(0)+0..5 place(1)+0..5
 *
 * A block's place is a bijection of its number under which neighbours are far
 * apart, so no two runs melt. A pin costs O(1) per run and an unpin two
 * additions: what comes back is added up, frame by frame, so that a benchmark
 * can tell that exactly the frames that were pinned came back.
 *
 * It waives of docs/reference/ioas-core.md 4.2 what `own` does. One thread.
 */
#ifndef IOAS_BENCH_BENCH_ORIGIN_H
#define IOAS_BENCH_BENCH_ORIGIN_H

#include "base/bits.h"
#include "origin/ops.h"

struct bench_origin {
	struct ioas_origin origin;
	/* Pages per run; 0: all memory is one run. */
	uint64_t run;
	/* log2 of the pages between two places. */
	unsigned int stride_lg2;
	/* Pages pinned now, and the sum of their frames modulo 2^64. */
	uint64_t pages;
	uint64_t sum;
};

/* @run: pages per run; 0: all. 4 KiB pages. NULL: no memory. */
struct bench_origin *bench_origin_create(uint64_t run);

/* Nothing is pinned: what came back is what was given. */
bool bench_origin_clean(const struct bench_origin *o);

/* Odd, so that it is a bijection modulo any power of two; 2^64 / phi. */
#define BENCH_SCATTER UINT64_C(0x9e3779b97f4a7c15)
#define BENCH_BLOCKS_LG2 28

/* First frame of block @b. Frame 0 is nobody's. */
static inline ioas_pfn_t bench_place(const struct bench_origin *o, uint64_t b)
{
	const uint64_t mask = ((uint64_t)1 << BENCH_BLOCKS_LG2) - 1;

	return ((((b + 1) * BENCH_SCATTER) & mask) + 1) << o->stride_lg2;
}

/* Frame of page @index. */
static inline ioas_pfn_t bench_frame(const struct bench_origin *o,
				     uint64_t index)
{
	if (!o->run)
		return index + ((uint64_t)1 << 20);
	return bench_place(o, index / o->run) + index % o->run;
}

#endif
