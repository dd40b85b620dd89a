/* SPDX-License-Identifier: MIT */
/*
 * memory: what is allocated now, in debug builds; otherwise always zero
 */
#ifndef IOAS_PLAT_POSIX_MEMORY_H
#define IOAS_PLAT_POSIX_MEMORY_H

#include "base/types.h"

struct ioas_memory_stats {
	size_t nr_blocks;
	/* As given to the allocation, and to be given to the release. */
	size_t bytes;
};

void ioas_memory_stats_get(struct ioas_memory_stats *stats);

#endif
