/* SPDX-License-Identifier: MIT */
/*
 * rig: memory of tables, and the hooks of who walks them
 */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_BYTES ((uint64_t)64 << 20)

typedef unsigned long long ull;

bool rig_fail(struct rig *r, const char *format, ...)
{
	va_list args;

	if (!r->failed) {
		va_start(args, format);
		vsnprintf(r->message, sizeof(r->message), format, args);
		va_end(args);
	}
	r->failed = true;
	return false;
}

/* ---- arena -------------------------------------------------------------- */

/* One for all rigs, made once: the private half, then the copy. */
static char *arena_memory(void)
{
	static char *base;

	if (!base) {
		base = mmap(NULL, 2 * ARENA_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);
		if (base == MAP_FAILED)
			abort();
	}
	return base;
}

/*
 * Low, at the end of what a table entry can hold, or (where addresses are
 * stored in two parts) across the border of the parts.
 */
static void arena_init(struct rig *r)
{
	struct arena *a = &r->arena;
	uint64_t oa_last = r->cfg->oa_last;
	bool parts = r->cfg->granule_lg2 == 16 && r->walker.oa_bits == 52;

	a->base = arena_memory();
	a->shadow = a->base + ARENA_BYTES;
	a->bytes = ARENA_BYTES;
	while (a->bytes > oa_last / 2 + 1)
		a->bytes /= 2;
	switch (prng_below(&r->rng, parts ? 3 : 2)) {
	case 0:
		a->pa = a->bytes;
		break;
	case 1:
		a->pa = oa_last - (a->bytes - 1);
		break;
	default:
		a->pa = ((uint64_t)1 << 48) - a->bytes / 2;
		/* So that the first tables lie below, the next above. */
		a->fresh = a->bytes / 2 - ((uint64_t)1 << 18);
		break;
	}
}

static void *arena_alloc(void *ctx, size_t bytes)
{
	struct rig *r = ctx;
	struct arena *a = &r->arena;
	uint64_t at = (a->fresh + bytes - 1) & ~(uint64_t)(bytes - 1);

	if (at + bytes > a->bytes) {
		a->exhausted = true;
		return NULL;
	}
	a->fresh = at + bytes;
	a->outstanding += bytes;
	/* Nobody promised zeros, and the copy never saw any. */
	memset(a->base + at, 0xa5, bytes);
	if (r->mode == RIG_SHADOW)
		memset(a->shadow + at, 0x5f, bytes);
	return a->base + at;
}

static void arena_free(void *ctx, void *table, size_t bytes)
{
	struct rig *r = ctx;
	struct arena *a = &r->arena;
	uint64_t at = (uint64_t)((char *)table - a->base);

	if (at >= a->fresh || bytes > a->outstanding)
		rig_fail(r, "memory is freed that was not allocated");
	a->outstanding -= bytes;
	memset(table, 0xee, bytes);
}

static uint64_t arena_to_pa(void *ctx, const void *table)
{
	const struct rig *r = ctx;

	return r->arena.pa + (uint64_t)((const char *)table - r->arena.base);
}

static void *arena_from_pa(void *ctx, uint64_t pa)
{
	struct rig *r = ctx;
	uint64_t at = pa - r->arena.pa;

	if (at >= r->arena.fresh) {
		rig_fail(r, "a table is asked for at 0x%llx", (ull)pa);
		at = 0;
	}
	return r->arena.base + at;
}

/* ---- what a device reads ------------------------------------------------ */

static uint64_t *word_at(struct rig *r, uint64_t pa)
{
	uint64_t at = pa - r->arena.pa;

	if (r->mode == RIG_IDENTITY)
		return (uint64_t *)(uintptr_t)pa;
	if (at >= r->arena.fresh)
		return NULL;
	return (uint64_t *)(void *)((r->mode == RIG_SHADOW ? r->arena.shadow :
							     r->arena.base) +
				    at);
}

static uint64_t le64(uint64_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(n);
#else
	return n;
#endif
}

static bool memory_read(void *ctx, uint64_t pa, uint64_t *word)
{
	const uint64_t *at = word_at(ctx, pa);

	if (at)
		*word = le64(__atomic_load_n(at, __ATOMIC_ACQUIRE));
	return at;
}

static bool memory_replace(void *ctx, uint64_t pa, uint64_t old, uint64_t new)
{
	uint64_t *at = word_at(ctx, pa);

	old = le64(old);
	return at && __atomic_compare_exchange_n(at, &old, le64(new), false,
						 __ATOMIC_ACQ_REL,
						 __ATOMIC_RELAXED);
}

/* ---- hooks -------------------------------------------------------------- */

static void hook_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			    bool tables)
{
	struct rig *r = ctx;

	if (r->expect == EXPECT_NONE || last < iova) {
		rig_fail(r, "an invalidation of 0x%llx to 0x%llx for nothing",
			 (ull)iova, (ull)last);
		return;
	}
	rig_check_expect(r, iova, last);
	rig_forget(r, iova, last, tables);
}

static void hook_sync(void *ctx)
{
	(void)ctx;
}

static void hook_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct rig *r = ctx;

	r->nr_mapped++;
	r->mapped = (struct span){ iova, last };
}

static void hook_flush(void *ctx, const uint64_t *items, size_t nr)
{
	struct rig *r = ctx;
	struct arena *a = &r->arena;
	uint64_t at = (uint64_t)((const char *)items - a->base);

	if (at > a->fresh || nr * 8 > a->fresh - at) {
		rig_fail(r, "a flush of items that are in no table");
		return;
	}
	memcpy(a->shadow + at, items, nr * 8);
}

static void hook_grown(void *ctx, uint64_t pa, unsigned int level)
{
	struct rig *r = ctx;

	if (level < r->walker.levels || level >= r->cfg->max_levels)
		rig_fail(r, "the root rose from level %u to %u",
			 r->walker.levels - 1u, level);
	/* All that the device is told. */
	r->walker.root = pa;
	r->walker.levels = (uint8_t)(level + 1);
}

/* ---- a rig -------------------------------------------------------------- */

bool rig_mode_fits(const struct config *cfg, enum rig_mode mode)
{
	/* Addresses of a process need up to 48 bits. */
	return mode != RIG_IDENTITY || cfg->oa_last >> 47;
}

static void init_ops(struct rig *r, struct ioas_pt_params *params)
{
	r->hooks = (struct ioas_pt_hooks){
		.invalidate = hook_invalidate,
		.sync = hook_sync,
		.mapped = hook_mapped,
		.grown = hook_grown,
		.flush = r->mode == RIG_SHADOW ? hook_flush : NULL,
	};
	params->hooks = &r->hooks;
	params->hooks_ctx = r;
	r->memory = (struct walker_memory){ memory_read, memory_replace, r };
	if (r->mode == RIG_IDENTITY)
		return;
	arena_init(r);
	r->mem = (struct ioas_pt_mem_ops){
		arena_alloc, arena_free, arena_to_pa, arena_from_pa,
	};
	params->mem = &r->mem;
	params->mem_ctx = r;
}

/* What was asked for is what there is. */
static bool check_made(struct rig *r)
{
	const struct config *cfg = r->cfg;
	struct ioas_pt_root root;
	uint64_t first, last;
	const char *why;

	ioas_pt_root(r->pt, &root);
	r->walker.root = root.pa;
	if (root.level + 1u != cfg->walker.levels)
		return rig_fail(r, "it has %u levels, not %u",
				root.level + 1u, cfg->walker.levels);
	if (ioas_pt_pgsizes(r->pt) != cfg->pgsizes)
		return rig_fail(r, "sizes are 0x%llx, not 0x%llx",
				(ull)ioas_pt_pgsizes(r->pt),
				(ull)cfg->pgsizes);
	ioas_pt_aperture(r->pt, &first, &last);
	if (first != cfg->window[0].first || last != cfg->window[0].last)
		return rig_fail(r, "the aperture is 0x%llx to 0x%llx",
				(ull)first, (ull)last);
	if (ioas_pt_tracks_dirty(r->pt) != cfg->tracks)
		return rig_fail(r, "dirty state is kept, or not");
	why = walker_check(&r->walker);
	return why ? rig_fail(r, "no walker can do this: %s", why) : true;
}

bool rig_init(struct rig *r, const struct config *cfg, enum rig_mode mode,
	      uint64_t seed)
{
	struct ioas_pt_params params = cfg->params;
	int ret;

	memset(r, 0, sizeof(*r));
	r->cfg = cfg;
	r->mode = mode;
	r->rng.state = seed;
	r->walker = cfg->walker;
	oracle_init(&r->oracle, cfg);
	init_ops(r, &params);
	ret = ioas_pt_create(cfg->format, &params, &r->pt);
	if (ret)
		return rig_fail(r, "it cannot be made: %d", ret);
	return check_made(r);
}

void rig_fini(struct rig *r)
{
	ioas_pt_destroy(r->pt);
	oracle_fini(&r->oracle);
	if (r->arena.outstanding)
		rig_fail(r, "%llu bytes of tables are left",
			 (ull)r->arena.outstanding);
}
