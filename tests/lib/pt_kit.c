/* SPDX-License-Identifier: MIT */
/*
 * pt kit: formats, memory and mirror, what both say; see pt_kit.h
 */
#include "pt_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/errno.h"

/* Room for some hundred tables; those of 64 KiB are a fifth as many. */
#define SIZE_4K (4 * KIT_MIB)
#define SIZE_64K (24 * KIT_MIB)

/* ---- formats ------------------------------------------------------------ */

#define DIRTY IOAS_PT_DIRTY
#define CONT IOAS_PT_CONTIGUOUS
#define BREAK IOAS_PT_BREAK
#define SIGN IOAS_PT_SIGN_EXTEND
#define FC IOAS_PT_FORCE_COHERENT

#define AMD(levels, va, flags, c, sizes) \
	&ioas_pt_amdv1, WALKER_AMDV1, 12, 9, levels, va, 52, flags, c, sizes
#define VTD(levels, va, oa, flags) \
	&ioas_pt_vtdss, WALKER_VTDSS, 12, 9, levels, va, oa, flags, 0, \
	0x40201000
#define X86(levels, va, flags, c) \
	&ioas_pt_x86_64, WALKER_X86_64, 12, 9, levels, va, 52, flags, c, \
	0x40201000
#define ARM(stage, granule, lg2, levels, va, oa, flags, sizes) \
	&ioas_pt_arm64_s##stage##_##granule, WALKER_ARM64_S##stage, lg2, \
	lg2 - 3, levels, va, oa, flags, 0, sizes
#define RISCV(levels, flags, sizes) \
	&ioas_pt_riscv64, WALKER_RISCV64, 12, 9, levels, 12 + 9 * levels, 56, \
	SIGN | flags, 0, sizes
#define X4(levels, flags, sizes) \
	&ioas_pt_riscv64_x4, WALKER_RISCV64_X4, 12, 9, levels, \
	14 + 9 * levels, 56, flags, 0, sizes

const struct kit_format kit_formats[] = {
	{ "amdv1 grows", AMD(3, 64, IOAS_PT_GROW | FC, 0,
			     0x000fff7ffffff000) },
	{ "amdv1 4 levels", AMD(4, 48, 0, 0, 0x0000ff7ffffff000) },
	{ "amdv1 encrypted", AMD(3, 39, FC, UINT64_C(1) << 47,
				 0x0000007ffffff000) },
	{ "vtdss 3 levels", VTD(3, 39, 52, 0) },
	{ "vtdss 4 levels", VTD(4, 48, 46, FC) },
	{ "vtdss 5 levels", VTD(5, 50, 52, 0) },
	{ "x86_64 sign", X86(4, 48, SIGN | DIRTY, 0) },
	{ "x86_64 5 levels", X86(5, 57, SIGN, 0) },
	{ "x86_64 encrypted", X86(4, 47, 0, UINT64_C(1) << 47) },
	{ "arm64_s1 4K", ARM(1, 4k, 12, 4, 48, 48, DIRTY | CONT | BREAK,
			     0x0000000442211000) },
	{ "arm64_s1 4K small root", ARM(1, 4k, 12, 3, 32, 40, 0, 0x40201000) },
	{ "arm64_s1 16K", ARM(1, 16k, 14, 2, 36, 48, DIRTY | CONT,
			      0x0000000042204000) },
	{ "arm64_s1 64K", ARM(1, 64k, 16, 3, 52, 52, DIRTY | CONT,
			      0x0000040420210000) },
	{ "arm64_s2 4K two roots", ARM(2, 4k, 12, 3, 40, 40, CONT | BREAK,
				       0x0000000442211000) },
	{ "arm64_s2 4K eight roots", ARM(2, 4k, 12, 3, 42, 42,
					 DIRTY | IOAS_PT_S2FWB, 0x40201000) },
	{ "arm64_s2 16K sixteen roots", ARM(2, 16k, 14, 2, 40, 40, DIRTY | CONT,
					    0x0000000042204000) },
	{ "arm64_s2 16K two roots", ARM(2, 16k, 14, 3, 48, 48, 0, 0x2004000) },
	{ "arm64_s2 64K", ARM(2, 64k, 16, 2, 40, 48, CONT | BREAK,
			      0x0000000420210000) },
	{ "riscv64 Sv39", RISCV(3, CONT, 0x40211000) },
	{ "riscv64 Sv48", RISCV(4, CONT | DIRTY, 0x0000008040211000) },
	{ "riscv64 Sv57", RISCV(5, 0, 0x0001008040201000) },
	{ "riscv64_x4 Sv39x4", X4(3, CONT | DIRTY, 0x40211000) },
	{ "riscv64_x4 Sv48x4", X4(4, 0, 0x0000008040201000) },
	{ "riscv64_x4 Sv57x4", X4(5, CONT, 0x0001008040211000) },
	{ "mock", &ioas_pt_mock, WALKER_MOCK, 12, 9, 4, 48, 64, 0, 0,
	  0x0000000040611000 },
};

const unsigned int kit_nr_formats =
	sizeof(kit_formats) / sizeof(kit_formats[0]);

const struct kit_format *kit_find(const char *name)
{
	for (unsigned int i = 0; i < kit_nr_formats; i++)
		if (!strcmp(kit_formats[i].name, name))
			return &kit_formats[i];
	fail_msg("no format %s", name);
	return NULL;
}

void kit_params(const struct kit_format *f, struct ioas_pt_params *params)
{
	bool mock = f->walker == WALKER_MOCK;

	*params = (struct ioas_pt_params){
		.pgsizes = mock ? f->pgsizes : 0,
		.va_bits = f->va_bits,
		.oa_bits = f->oa_bits,
		.levels = mock ? 0 : f->levels,
		.flags = f->flags,
		.c_bit = f->c_bit,
		.count = true,
	};
}

bool kit_tracks(const struct kit_format *f)
{
	return f->flags & DIRTY || f->walker == WALKER_AMDV1 ||
	       f->walker == WALKER_VTDSS || f->walker == WALKER_MOCK;
}

bool kit_signed(const struct kit_format *f)
{
	return f->flags & SIGN;
}

uint64_t kit_last(const struct kit_format *f)
{
	return UINT64_MAX >> (64 - (f->va_bits - kit_signed(f)));
}

unsigned int kit_item_lg2(const struct kit_format *f, unsigned int level)
{
	return f->granule_lg2 + level * f->index_lg2;
}

unsigned int kit_level_of(const struct kit_format *f, unsigned int lg2)
{
	return (lg2 - f->granule_lg2) / f->index_lg2;
}

/* ---- memory and hooks --------------------------------------------------- */

/* Whoever walks the mirror may do so now: word by word. */
static void fill_mirror(struct kit *k, size_t at, size_t bytes)
{
	uint64_t *words = (uint64_t *)(void *)(k->mirror + at);

	for (size_t i = 0; i < bytes / 8; i++)
		__atomic_store_n(&words[i], UINT64_MAX, __ATOMIC_RELAXED);
}

/* One at a time: the page table sees to that. */
static void *mem_alloc(void *ctx, size_t bytes)
{
	struct kit *k = ctx;
	size_t at = (k->used + bytes - 1) & ~(bytes - 1);

	assert_true(bytes >= 64 && !(bytes & (bytes - 1)));
	if (!k->budget || at + bytes > k->size)
		return NULL;
	k->budget--;
	if (!k->used)
		k->root_bytes = bytes;
	memset(k->memory + at, 0xff, bytes);
	fill_mirror(k, at, bytes);
	__atomic_store_n(&k->used, at + bytes, __ATOMIC_RELAXED);
	k->live++;
	return k->memory + at;
}

static void mem_free(void *ctx, void *table, size_t bytes)
{
	struct kit *k = ctx;

	memset(table, 0xee, bytes);
	k->live--;
}

static uint64_t mem_to_pa(void *ctx, const void *table)
{
	struct kit *k = ctx;

	return KIT_PA + (uint64_t)((const char *)table - k->memory);
}

static void *mem_from_pa(void *ctx, uint64_t pa)
{
	struct kit *k = ctx;

	if (pa < KIT_PA || pa - KIT_PA >= k->size)
		fail_msg("no table is at %llx", (unsigned long long)pa);
	return k->memory + (pa - KIT_PA);
}

const struct ioas_pt_mem_ops kit_mem_ops = {
	mem_alloc, mem_free, mem_to_pa, mem_from_pa,
};

static void note(struct kit *k, const struct kit_event *e)
{
	if (k->quiet)
		return;
	if (k->nr_events < KIT_NR_EVENTS)
		k->event[k->nr_events] = *e;
	k->nr_events++;
	k->count[e->kind]++;
	if (e->kind == KIT_INVALIDATE)
		k->invalidated = *e;
	if (k->probe)
		k->probe(k, e);
}

static void on_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			  bool tables)
{
	note(ctx, &(struct kit_event){ .kind = KIT_INVALIDATE, .iova = iova,
				       .last = last, .tables = tables });
}

static void on_sync(void *ctx)
{
	note(ctx, &(struct kit_event){ .kind = KIT_SYNC });
}

static void on_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	note(ctx, &(struct kit_event){ .kind = KIT_MAPPED, .iova = iova,
				       .last = last });
}

static void on_flush(void *ctx, const uint64_t *items, size_t nr)
{
	struct kit *k = ctx;
	size_t at = (size_t)((const char *)items - k->memory);
	uint64_t *to = (uint64_t *)(void *)(k->mirror + at);

	assert_true(at < k->size && nr * 8 <= k->size - at);
	for (size_t i = 0; i < nr; i++)
		__atomic_store_n(&to[i],
				 __atomic_load_n(&items[i], __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
	note(k, &(struct kit_event){ .kind = KIT_FLUSH, .items = items,
				     .nr = nr });
}

static void on_grown(void *ctx, uint64_t pa, unsigned int level)
{
	note(ctx, &(struct kit_event){ .kind = KIT_GROWN, .pa = pa,
				       .level = level });
}

const struct ioas_pt_hooks kit_hooks = {
	.invalidate = on_invalidate, .sync = on_sync, .mapped = on_mapped,
	.flush = on_flush, .grown = on_grown,
};

struct kit *kit_begin(const struct kit_format *f)
{
	struct kit *k = calloc(1, sizeof(*k));

	assert_non_null(k);
	k->f = f;
	k->size = f->granule_lg2 == 16 ? SIZE_64K : SIZE_4K;
	k->budget = UINT32_MAX;
	/* Pages, so that what is not used costs nothing. */
	k->pages = mmap(NULL, 2 * k->size + KIT_MIB, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(k->pages != MAP_FAILED);
	k->memory = k->pages + (-(uintptr_t)k->pages & (KIT_MIB - 1));
	k->mirror = k->memory + k->size;
	return k;
}

struct kit *kit_new(const struct kit_format *f,
		    void (*change)(struct ioas_pt_params *params))
{
	struct kit *k = kit_begin(f);
	struct ioas_pt_params params;
	int ret;

	kit_params(f, &params);
	params.mem = &kit_mem_ops;
	params.mem_ctx = k;
	params.hooks = &kit_hooks;
	params.hooks_ctx = k;
	if (change)
		change(&params);
	ret = ioas_pt_create(f->format, &params, &k->pt);
	if (ret)
		fail_msg("%s: %d", f->name, ret);
	return k;
}

void kit_free(struct kit *k)
{
	unsigned int live;

	ioas_pt_destroy(k->pt);
	live = k->live;
	if (live)
		fail_msg("%s: %u tables are lost", k->f->name, live);
	munmap(k->pages, 2 * k->size + KIT_MIB);
	free(k);
}

/* ---- operations --------------------------------------------------------- */

int kit_map(struct kit *k, uint64_t iova, uint64_t oa, uint64_t length,
	    uint32_t prot)
{
	const struct ioas_run run = { oa, length };
	const struct ioas_pt_map rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .length = length,
		.prot = prot,
	};

	return ioas_pt_map(k->pt, &rq);
}

void kit_mapped(struct kit *k, uint64_t iova, uint64_t oa, uint64_t length)
{
	int ret = kit_map(k, iova, oa, length, KIT_RW);

	if (ret)
		fail_msg("%s: map %llx of %llx: %d", k->f->name,
			 (unsigned long long)iova, (unsigned long long)length,
			 ret);
}

void kit_unmap(struct kit *k, uint64_t iova, uint64_t last)
{
	const struct ioas_pt_unmap rq = {
		.iova = iova, .want_last = last, .last = last,
	};

	assert_int_equal(ioas_pt_unmap(k->pt, &rq), last);
}

uint64_t kit_oa(struct ioas_pt *pt, uint64_t iova)
{
	uint64_t oa, length;

	if (ioas_pt_translate_run(pt, iova, iova, NULL, &oa, &length))
		return UINT64_MAX;
	assert_int_equal(length, 1);
	return oa;
}

void kit_assert_leaf(struct kit *k, uint64_t iova, uint64_t leaf_iova,
		     uint64_t oa, unsigned int lg2)
{
	struct ioas_pt_leaf leaf;

	if (ioas_pt_leaf(k->pt, iova, &leaf))
		fail_msg("%s: nothing at %llx", k->f->name,
			 (unsigned long long)iova);
	if (leaf.iova != leaf_iova || leaf.oa != oa || leaf.lg2 != lg2)
		fail_msg("%s: %llx -> %llx of 2^%u, not %llx -> %llx of 2^%u",
			 k->f->name, (unsigned long long)leaf.iova,
			 (unsigned long long)leaf.oa, leaf.lg2,
			 (unsigned long long)leaf_iova, (unsigned long long)oa,
			 lg2);
}

bool kit_dirty(struct ioas_pt *pt, uint64_t iova)
{
	struct ioas_pt_leaf leaf;

	assert_int_equal(ioas_pt_leaf(pt, iova, &leaf), 0);
	return leaf.dirty;
}

/* ---- what both say ------------------------------------------------------ */

static void leaves_add(struct kit_leaves *l, const struct ioas_pt_leaf *leaf)
{
	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->leaf = realloc(l->leaf, l->room * sizeof(*l->leaf));
		assert_non_null(l->leaf);
	}
	l->leaf[l->nr++] = *leaf;
}

static bool add_pt_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	leaves_add(ctx, leaf);
	return true;
}

void kit_leaves(struct ioas_pt *pt, struct kit_leaves *out)
{
	*out = (struct kit_leaves){ 0 };
	ioas_pt_for_each_leaf(pt, add_pt_leaf, out);
}

void kit_leaves_free(struct kit_leaves *leaves)
{
	free(leaves->leaf);
	*leaves = (struct kit_leaves){ 0 };
}

static bool leaf_equal(const struct ioas_pt_leaf *a,
		       const struct ioas_pt_leaf *b)
{
	return a->iova == b->iova && a->oa == b->oa && a->lg2 == b->lg2 &&
	       a->level == b->level && a->prot == b->prot &&
	       a->dirty == b->dirty;
}

bool kit_leaves_equal(const struct kit_leaves *a, const struct kit_leaves *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (!leaf_equal(&a->leaf[i], &b->leaf[i]))
			return false;
	return true;
}

/* What a device may do with a leaf. */
static uint32_t access_of(const struct kit_format *f, uint32_t prot)
{
	if (f->walker == WALKER_ARM64_S1 && prot & IOAS_PT_PRIV)
		return 0;
	return (prot & IOAS_PT_READ ? (uint32_t)WALKER_READ : 0) |
	       (prot & IOAS_PT_WRITE ? (uint32_t)WALKER_WRITE : 0);
}

struct comparison {
	struct kit *k;
	struct kit_leaves ours;
	size_t nr;
};

static bool compare_leaf(void *ctx, const struct walker_leaf *leaf)
{
	struct comparison *c = ctx;
	const struct kit_format *f = c->k->f;
	const struct ioas_pt_leaf *our = &c->ours.leaf[c->nr];
	uint32_t access = leaf->access &
			  ((uint32_t)WALKER_READ | WALKER_WRITE);

	if (c->nr == c->ours.nr || our->iova != leaf->iova ||
	    our->oa != leaf->oa || our->lg2 != leaf->lg2 ||
	    our->level != leaf->level || access_of(f, our->prot) != access ||
	    (kit_tracks(f) && our->dirty != leaf->dirty))
		fail_msg("%s: a walker sees %llx -> %llx 2^%u access %x "
			 "dirty %d", f->name, (unsigned long long)leaf->iova,
			 (unsigned long long)leaf->oa, leaf->lg2, access,
			 leaf->dirty);
	c->nr++;
	return true;
}

void kit_walker(const struct kit *k, struct walker_config *cfg)
{
	const struct kit_format *f = k->f;
	struct ioas_pt_root root;

	ioas_pt_root(k->pt, &root);
	*cfg = (struct walker_config){
		.format = f->walker,
		.levels = (uint8_t)(root.level + 1),
		.va_bits = f->va_bits,
		.oa_bits = f->oa_bits,
		.granule_lg2 = f->granule_lg2,
		.flags = (f->flags & SIGN ? WALKER_SIGN_EXTEND : 0u) |
			 (f->flags & CONT ? WALKER_CONTIGUOUS : 0u) |
			 (f->flags & DIRTY ? WALKER_DIRTY : 0u) |
			 (f->flags & IOAS_PT_S2FWB ? WALKER_S2FWB : 0u),
		.c_bit = f->c_bit,
		.root = root.pa,
	};
}

static bool mirror_read(void *ctx, uint64_t pa, uint64_t *word)
{
	struct kit *k = ctx;
	const uint64_t *at;

	if (pa < KIT_PA ||
	    pa - KIT_PA >= __atomic_load_n(&k->used, __ATOMIC_RELAXED))
		return false;
	at = (const uint64_t *)(void *)(k->mirror + (pa - KIT_PA));
	*word = __atomic_load_n(at, __ATOMIC_RELAXED);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*word = __builtin_bswap64(*word);
#endif
	return true;
}

struct walker_memory kit_walker_memory(struct kit *k)
{
	return (struct walker_memory){ .read = mirror_read, .ctx = k };
}

void kit_check(struct kit *k)
{
	struct walker_memory io = kit_walker_memory(k);
	struct comparison c = { .k = k };
	struct walker_config cfg;
	const char *why = NULL;

	if (!ioas_pt_validate(k->pt))
		fail_msg("%s: not valid", k->f->name);
	kit_walker(k, &cfg);
	kit_leaves(k->pt, &c.ours);
	if (!walker_for_each(&cfg, &io, compare_leaf, &c, NULL, &why))
		fail_msg("%s: %s", k->f->name, why);
	if (c.nr != c.ours.nr)
		fail_msg("%s: a walker sees %zu leaves of %zu", k->f->name,
			 c.nr, c.ours.nr);
	kit_leaves_free(&c.ours);
}

uint64_t *kit_item(struct kit *k, uint64_t iova, unsigned int level)
{
	struct walker_memory io = kit_walker_memory(k);
	struct walker_config cfg;
	struct walker_result r;

	kit_walker(k, &cfg);
	walker_walk(&cfg, &io, iova, 0, &r);
	for (unsigned int i = 0; i < r.nr_steps; i++)
		if (r.step[i].level == level)
			return (uint64_t *)(void *)
				       (k->memory + (r.step[i].table - KIT_PA)) +
			       r.step[i].index;
	return NULL;
}

uint64_t *kit_child(struct kit *k, unsigned int level, uint64_t word)
{
	struct walker_entry e = { 0 };
	struct walker_config cfg;

	kit_walker(k, &cfg);
	walker_decode(&cfg, level, word, &e);
	if (e.kind != WALKER_TABLE)
		return NULL;
	return mem_from_pa(k, e.child);
}

/* ---- events ------------------------------------------------------------- */

void kit_forget(struct kit *k)
{
	k->nr_events = 0;
	memset(k->count, 0, sizeof(k->count));
}

unsigned int kit_count(const struct kit *k, enum kit_kind kind)
{
	return k->count[kind];
}

void kit_assert_invalidated(const struct kit *k, uint64_t iova, uint64_t last,
			    bool tables)
{
	const struct kit_event *e = &k->invalidated;

	assert_int_equal(kit_count(k, KIT_INVALIDATE), 1);
	if (e->iova != iova || e->last != last || e->tables != tables)
		fail_msg("%s: invalidated [%llx, %llx] %d, not [%llx, %llx] %d",
			 k->f->name, (unsigned long long)e->iova,
			 (unsigned long long)e->last, e->tables,
			 (unsigned long long)iova, (unsigned long long)last,
			 tables);
}

/* ---- random requests ---------------------------------------------------- */

uint64_t kit_spot(const struct kit_format *f, struct prng *rng)
{
	uint64_t last = kit_last(f), at;
	unsigned int top = f->levels > 1 ? f->levels - 1u : 1;

	switch (prng_below(rng, kit_signed(f) ? 5 : 4)) {
	case 0:
		return 0;
	case 1:
		/* The end of a table, of any level below the root. */
		at = KIT_PGSIZE(kit_item_lg2(
			f, 1 + (unsigned int)prng_below(rng, top)));
		return at <= last ? at : 0;
	case 2:
		return last + 1 - KIT_PGSIZE(f->granule_lg2 + 5);
	case 3:
		/* Nowhere in particular. */
		at = KIT_PGSIZE(kit_item_lg2(f, 1));
		return prng_next(rng) & last & ~(at - 1);
	default:
		/* The upper half begins or ends. */
		return prng_below(rng, 2) ?
			       ~last : 0 - KIT_PGSIZE(f->granule_lg2 + 5);
	}
}

/* How many sizes may be as large as this. */
static unsigned int some_size(const struct kit_format *f, struct prng *rng)
{
	uint64_t sizes = f->pgsizes & (((uint64_t)2 << (f->va_bits - 2)) - 1);
	unsigned int nr, lg2 = f->granule_lg2;

	if (f->oa_bits < f->va_bits)
		sizes &= KIT_PGSIZE(f->oa_bits - 1) - 1;
	nr = (unsigned int)prng_below(
		rng, (uint64_t)__builtin_popcountll(sizes));
	/* Small ones are more likely. */
	if (prng_below(rng, 2))
		nr /= 4;
	while (nr--) {
		sizes &= sizes - 1;
		lg2 = (unsigned int)ioas_ctz(sizes);
	}
	return lg2;
}

/* Output bits that are no encryption bit. */
static uint64_t oa_mask(const struct kit_format *f)
{
	uint64_t bits = UINT64_MAX >> (64 - f->oa_bits);

	return f->c_bit ? bits & (f->c_bit - 1) : bits;
}

void kit_random(const struct kit_format *f, struct prng *rng,
		struct kit_request *rq)
{
	static const uint32_t prots[] = {
		KIT_RW, KIT_RW | IOAS_PT_CACHE, IOAS_PT_READ,
		IOAS_PT_WRITE | IOAS_PT_NOEXEC, KIT_RW | IOAS_PT_MMIO,
		IOAS_PT_READ | IOAS_PT_PRIV,
	};
	uint64_t granule = KIT_PGSIZE(f->granule_lg2);
	unsigned int lg2 = some_size(f, rng);
	uint64_t size = KIT_PGSIZE(lg2), room, mask = oa_mask(f);

	rq->iova = kit_spot(f, rng) + prng_below(rng, 32) * granule;
	if (prng_below(rng, 2))
		rq->iova &= ~(size - 1);
	rq->length = (1 + prng_below(rng, 3)) * size +
		     prng_below(rng, 8) * granule;
	room = (rq->iova > kit_last(f) ? UINT64_MAX : kit_last(f)) - rq->iova;
	if (rq->length - 1 > room)
		rq->length = room + 1;
	rq->oa = prng_next(rng) & mask & ~(granule - 1);
	if (prng_below(rng, 3))
		rq->oa = (rq->oa & ~(size - 1)) | (rq->iova & (size - 1));
	else if (rq->length > 700 * granule)
		rq->length = 700 * granule;
	if (rq->length - 1 > mask - rq->oa)
		rq->oa = rq->iova & (size - 1) & mask;
	if (rq->length - 1 > mask - rq->oa)
		rq->length = mask - rq->oa + 1;
	rq->prot = prots[prng_below(rng, sizeof(prots) / sizeof(prots[0]))];
}
