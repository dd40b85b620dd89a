/* SPDX-License-Identifier: MIT */
/*
 * count: what the library has allocated
 *
 *    library --> ioas_plat_alloc()  --wrap--> count --> the platform
 *
 * The linker redirects the calls (bench/meson.build), so it is the library
 * that ships that is counted. Sizes are those asked for, without what the
 * allocator adds. One thread.
 */
#ifndef IOAS_BENCH_COUNT_H
#define IOAS_BENCH_COUNT_H

#include <stdint.h>

/* Bytes and blocks alive now, and blocks since the program began. */
struct count {
	uint64_t bytes;
	uint64_t blocks;
	uint64_t total;
};

struct count count_now(void);

#endif
