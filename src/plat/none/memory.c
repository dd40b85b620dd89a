/* SPDX-License-Identifier: MIT */
/*
 * memory: blocks of powers of two out of one static array
 *
 *   arena  |###used###|--- not yet used -------------------|
 *                     ^ next
 *   free[c]  blocks of 2^c bytes, each at a multiple of 2^c, in a list that
 *            runs through the blocks themselves
 *
 *  N1  A block lies at a multiple of its size, so any alignment up to the size
 *      comes for free.
 *  N2  The bytes skipped to get there are not lost: they are cut into blocks
 *      of their own.
 *
 * A request takes a free block, else cuts a larger free one in halves, else
 * new memory. Blocks are never merged again, so a program that keeps changing
 * its sizes may run out; this platform has no such program.
 *
 * Locks: none, there is one thread.
 */
#include "base/mem.h"
#include "seam/plat.h"

#define ARENA_SIZE ((size_t)4 << 20)
/* Room for the link of a free block, and aligned for any type. */
#define MIN_LG2 5u
#define MAX_LG2 22u

_Static_assert(ARENA_SIZE == (size_t)1 << MAX_LG2, "a block is within");

struct free_block {
	struct free_block *next;
};

static _Alignas(1u << MIN_LG2) unsigned char arena[ARENA_SIZE];
static size_t next;
static struct free_block *free_blocks[MAX_LG2 + 1];

/* The size of block that serves @size; above MAX_LG2 if none does. */
static unsigned block_lg2(size_t size)
{
	return size <= 1u << MIN_LG2 ? MIN_LG2 : ioas_log2(size - 1) + 1;
}

static void block_push(void *p, unsigned lg2)
{
	struct free_block *b = p;

	b->next = free_blocks[lg2];
	free_blocks[lg2] = b;
}

/* Address of the arena's byte @at. */
static uintptr_t arena_addr(size_t at)
{
	return (uintptr_t)arena + at;
}

/* New memory at a multiple of 2^@lg2, by way of free blocks (N2). */
static void *block_carve(unsigned lg2)
{
	uintptr_t addr = arena_addr(next);
	uintptr_t first = (uintptr_t)ioas_align_up(addr, UINT64_C(1) << lg2);
	void *p;

	if (first - addr > ARENA_SIZE - next ||
	    (size_t)1 << lg2 > ARENA_SIZE - next - (first - addr))
		return NULL;
	while ((addr = arena_addr(next)) < first) {
		unsigned skipped = ioas_ctz(addr);

		block_push(&arena[next], skipped);
		next += (size_t)1 << skipped;
	}
	p = &arena[next];
	next += (size_t)1 << lg2;
	return p;
}

/* The smallest free block that is large enough, cut down to 2^@lg2. */
static void *block_pop(unsigned lg2)
{
	unsigned have = lg2;
	struct free_block *b;

	while (have <= MAX_LG2 && !free_blocks[have])
		have++;
	if (have > MAX_LG2)
		return NULL;
	b = free_blocks[have];
	free_blocks[have] = b->next;
	while (have-- > lg2)
		block_push((unsigned char *)b + ((size_t)1 << have), have);
	return b;
}

void *ioas_plat_alloc(size_t size)
{
	unsigned lg2 = block_lg2(size);
	void *p;

	if (lg2 > MAX_LG2)
		return NULL;
	p = block_pop(lg2);
	return p ? p : block_carve(lg2);
}

void *ioas_plat_zalloc(size_t size)
{
	void *p = ioas_plat_alloc(size);

	return p ? memset(p, 0, size) : NULL;
}

void ioas_plat_free(void *p, size_t size)
{
	if (p)
		block_push(p, block_lg2(size));
}

/* @align is at most @size, so N1 has seen to it. */
void *ioas_plat_alloc_aligned(size_t size, size_t align)
{
	(void)align;
	return ioas_plat_alloc(size);
}

void ioas_plat_free_aligned(void *p, size_t size, size_t align)
{
	(void)align;
	ioas_plat_free(p, size);
}

void ioas_plat_use_whole(void *p, size_t size)
{
	(void)p;
	(void)size;
}
