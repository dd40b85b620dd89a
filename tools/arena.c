/* SPDX-License-Identifier: MIT */
#include "arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd.h"

/* Bounds what a file can ask for, in memory and in time: 4 M leaves. */
#define ARENA_SIZE ((size_t)32 << 20)
/* Tables are aligned to their size, of at least this. */
#define UNIT 64
#define JUNK 0xa5

struct arena {
	unsigned char *memory;
	size_t size;
	size_t used;
	uint64_t base;
	/* By unit: log2 of the table that begins there, or 0. */
	uint8_t *begins;
};

static void *map_pages(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct arena *ioas_arena_create(unsigned int width)
{
	struct arena *a;

	if (width < 20 || width > 64)
		return NULL;
	a = ioas_xcalloc(1, sizeof(*a));
	/* A quarter of the space lies above it, an eighth is it. */
	a->base = (uint64_t)3 << (width - 3);
	a->size = ARENA_SIZE;
	if (width - 3 < 25)
		a->size = (size_t)1 << (width - 3);
	a->memory = map_pages(a->size);
	a->begins = map_pages(a->size / UNIT);
	if (a->memory && a->begins)
		return a;
	ioas_arena_destroy(a);
	return NULL;
}

void ioas_arena_destroy(struct arena *a)
{
	if (!a)
		return;
	if (a->memory)
		munmap(a->memory, a->size);
	if (a->begins)
		munmap(a->begins, a->size / UNIT);
	free(a);
}

/* ---- for who makes tables ------------------------------------------------ */

static void *arena_alloc(void *ctx, size_t bytes)
{
	struct arena *a = ctx;
	size_t at;

	if (bytes < UNIT || bytes & (bytes - 1) || bytes > a->size)
		return NULL;
	/* The base is a multiple of the size. */
	at = (a->used + bytes - 1) & ~(bytes - 1);
	if (at > a->size - bytes)
		return NULL;
	a->used = at + bytes;
	a->begins[at / UNIT] = (uint8_t)__builtin_ctzll(bytes);
	return memset(a->memory + at, JUNK, bytes);
}

/* Everything goes with the arena. */
static void arena_free(void *ctx, void *table, size_t bytes)
{
	(void)ctx;
	(void)table;
	(void)bytes;
}

static uint64_t arena_to_pa(void *ctx, const void *table)
{
	const struct arena *a = ctx;

	return a->base + (uint64_t)((const unsigned char *)table - a->memory);
}

static void *arena_from_pa(void *ctx, uint64_t pa)
{
	struct arena *a = ctx;

	return a->memory + (pa - a->base);
}

const struct ioas_pt_mem_ops ioas_arena_ops = {
	.alloc = arena_alloc,
	.free = arena_free,
	.to_pa = arena_to_pa,
	.from_pa = arena_from_pa,
};

/* ---- for who walks them -------------------------------------------------- */

static uint64_t *word_at(struct arena *a, uint64_t pa)
{
	if (pa % 8 || pa < a->base || pa - a->base >= a->used)
		return NULL;
	return (uint64_t *)(void *)(a->memory + (pa - a->base));
}

static uint64_t as_le(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(word);
#else
	return word;
#endif
}

static bool arena_read(void *ctx, uint64_t pa, uint64_t *word)
{
	const uint64_t *at = word_at(ctx, pa);

	if (!at)
		return false;
	*word = as_le(__atomic_load_n(at, __ATOMIC_ACQUIRE));
	return true;
}

static bool arena_replace(void *ctx, uint64_t pa, uint64_t old, uint64_t new)
{
	uint64_t *at = word_at(ctx, pa), expected = as_le(old);

	return at && __atomic_compare_exchange_n(at, &expected, as_le(new),
						 false, __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED);
}

struct walker_memory ioas_arena_memory(struct arena *a)
{
	return (struct walker_memory){ arena_read, arena_replace, a };
}

uint64_t ioas_arena_table(const struct arena *a, uint64_t pa)
{
	unsigned int lg2;

	if (pa < a->base || pa - a->base >= a->used || pa % UNIT)
		return 0;
	lg2 = a->begins[(pa - a->base) / UNIT];
	return lg2 ? (uint64_t)1 << lg2 : 0;
}
