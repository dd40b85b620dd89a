/* SPDX-License-Identifier: MIT */
/*
 * memory: libc's, counted in debug builds; huge pages where they suit
 *
 * The count catches what a leak checker does not: a release with another size
 * than the allocation had, which breaks allocators that believe the size.
 */
#include "plat/posix/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "seam/plat.h"

/* Smaller blocks stay as they are. */
#define HUGE_BYTES ((size_t)2 << 20)
/* Linux 6.1: make huge pages of what is there, now. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static _Atomic size_t nr_blocks;
static _Atomic size_t bytes;

static void *memory_count(void *p, size_t size)
{
	if (IOAS_DEBUG && p) {
		atomic_fetch_add_explicit(&nr_blocks, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&bytes, size, memory_order_relaxed);
	}
	return p;
}

static void memory_release(void *p, size_t size)
{
	if (IOAS_DEBUG && p) {
		atomic_fetch_sub_explicit(&nr_blocks, 1, memory_order_relaxed);
		atomic_fetch_sub_explicit(&bytes, size, memory_order_relaxed);
	}
	free(p);
}

void *ioas_plat_alloc(size_t size)
{
	return memory_count(malloc(size), size);
}

void *ioas_plat_zalloc(size_t size)
{
	return memory_count(calloc(1, size), size);
}

void ioas_plat_free(void *p, size_t size)
{
	memory_release(p, size);
}

void *ioas_plat_alloc_aligned(size_t size, size_t align)
{
	/* aligned_alloc() may refuse alignments that every block has. */
	if (align <= _Alignof(max_align_t))
		return ioas_plat_alloc(size);
	return memory_count(aligned_alloc(align, size), size);
}

void ioas_plat_free_aligned(void *p, size_t size, size_t align)
{
	(void)align;
	memory_release(p, size);
}

/*
 * What was not touched becomes a huge page when it is; what was, at once, or
 * when an older kernel comes around to it. Refused where nobody wants huge
 * pages, which is fine.
 */
void ioas_plat_use_whole(void *p, size_t size)
{
	if (size < HUGE_BYTES || (uintptr_t)p % HUGE_BYTES)
		return;
	if (!madvise(p, size, MADV_HUGEPAGE))
		(void)madvise(p, size, MADV_COLLAPSE);
}

void ioas_memory_stats_get(struct ioas_memory_stats *stats)
{
	stats->nr_blocks =
		atomic_load_explicit(&nr_blocks, memory_order_relaxed);
	stats->bytes = atomic_load_explicit(&bytes, memory_order_relaxed);
}
