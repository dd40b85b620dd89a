/* SPDX-License-Identifier: MIT */
/*
 * tables: domains with a page table, and the devices that use it
 *
 *   page table --hooks--> what a device has cached     until it is told
 *       | flush           (INV-C5: what it can reach is pinned)
 *       v
 *   arena [ tables ]      at the top of the output addresses, or nowhere:
 *   copy  [ tables ]      then walkers read what the library wrote
 *
 * A domain is created in one of the configurations of kinds.c, and has to be
 * what the reference says. Its tables are read back by src/walker, which knows
 * nothing of src/pt; what compare_tables.c makes of it is compared with areas
 * and frames of the model.
 */
#include "tables.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/errno.h"
#include "domain/table.h"

/* ---- arenas ------------------------------------------------------------- */

#define ARENA_BYTES ((size_t)32 << 20)
#define ARENA_TABLES 4096
/* What nobody wrote is no entry of any format. */
#define GARBAGE 0xa5

struct m_arena {
	struct world *w;
	char *base;
	/* What walkers see; NULL: @base. */
	char *copy;
	uint64_t pa;
	size_t used;
	uint32_t nr;
	/* A byte from the library's allocator, so that the ledger knows. */
	struct {
		void *table, *token;
		size_t bytes;
	} live[ARENA_TABLES];
};

static char *arena_map(void)
{
	void *p = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *arena_alloc(void *ctx, size_t bytes)
{
	struct m_arena *a = ctx;
	const size_t at = (size_t)ioas_align_up(a->used, bytes);
	void *token;

	if (a->nr == ARENA_TABLES || at + bytes > ARENA_BYTES)
		return NULL;
	token = ioas_plat_alloc(1);
	if (!token)
		return NULL;
	a->used = at + bytes;
	memset(a->base + at, GARBAGE, bytes);
	if (a->copy)
		memset(a->copy + at, GARBAGE, bytes);
	a->live[a->nr].table = a->base + at;
	a->live[a->nr].token = token;
	a->live[a->nr++].bytes = bytes;
	return a->base + at;
}

static void arena_free(void *ctx, void *table, size_t bytes)
{
	struct m_arena *a = ctx;

	for (uint32_t i = 0; i < a->nr; i++) {
		if (a->live[i].table != table || a->live[i].bytes != bytes)
			continue;
		ioas_plat_free(a->live[i].token, 1);
		a->live[i] = a->live[--a->nr];
		return;
	}
	fail(a->w, "a table of %zu bytes is handed back that was not taken",
	     bytes);
}

static uint64_t arena_pa(void *ctx, const void *table)
{
	struct m_arena *a = ctx;

	return a->pa + (uint64_t)((const char *)table - a->base);
}

static void *arena_at(void *ctx, uint64_t pa)
{
	struct m_arena *a = ctx;

	/* Nothing sensible can follow. */
	if (pa < a->pa || pa - a->pa >= a->used)
		abort();
	return a->base + (pa - a->pa);
}

static const struct ioas_pt_mem_ops arena_ops = {
	.alloc = arena_alloc,
	.free = arena_free,
	.to_pa = arena_pa,
	.from_pa = arena_at,
};

static void arena_destroy(struct m_arena *a)
{
	if (!a)
		return;
	if (a->nr)
		fail(a->w, "%u tables were not handed back", a->nr);
	if (a->base)
		munmap(a->base, ARENA_BYTES);
	if (a->copy)
		munmap(a->copy, ARENA_BYTES);
	free(a);
}

/* In the upper half of what the kind's entries can hold. */
static struct m_arena *arena_create(struct world *w, const struct kind *k,
				    bool copy)
{
	struct m_arena *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->w = w;
	a->pa = kind_oa_last(k) / 2 + 1;
	a->base = arena_map();
	a->copy = copy ? arena_map() : NULL;
	if (!a->base || (copy && !a->copy))
		abort();
	return a;
}

/* ---- what devices have cached ------------------------------------------- */

void cache_add(struct m_domain *d, uint64_t iova, uint64_t last, uint64_t oa)
{
	if (d->nr_cached == d->cap_cached) {
		d->cap_cached = d->cap_cached ? 2 * d->cap_cached : 64;
		d->cached = realloc(d->cached,
				    d->cap_cached * sizeof(*d->cached));
		if (!d->cached)
			abort();
	}
	d->cached[d->nr_cached++] = (struct m_cached){ iova, last, oa, false };
}

static void hook_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			    bool tables)
{
	struct m_domain *d = ctx;

	(void)tables;
	d->touched = true;
	for (uint32_t i = 0; i < d->nr_cached; i++)
		if (d->cached[i].iova <= last && iova <= d->cached[i].last)
			d->cached[i].stale = true;
}

static void hook_sync(void *ctx)
{
	struct m_domain *d = ctx;
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->nr_cached; i++)
		if (!d->cached[i].stale)
			d->cached[n++] = d->cached[i];
	d->nr_cached = n;
}

/* The device is quick: it uses what was mapped at once. */
static void hook_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct m_domain *d = ctx;
	uint64_t oa, length;

	d->touched = true;
	for (;; iova += length) {
		if (ioas_pt_translate_run(ioas_table_domain_pt(d->real), iova,
					  last, NULL, &oa, &length)) {
			fail(d->world, "told that %#llx is mapped, and it is not",
			     (unsigned long long)iova);
			return;
		}
		cache_add(d, iova, iova + (length - 1), oa);
		if (last - iova < length)
			return;
	}
}

static void hook_flush(void *ctx, const uint64_t *items, size_t nr)
{
	struct m_domain *d = ctx;
	struct m_arena *a = d->arena;
	const size_t at = (size_t)((const char *)items - a->base);

	d->touched = true;
	if (at > a->used || nr * sizeof(*items) > a->used - at)
		fail(d->world, "told that %zu items have values that are none",
		     nr);
	else
		memcpy(a->copy + at, items, nr * sizeof(*items));
}

static void hook_grown(void *ctx, uint64_t pa, unsigned int level)
{
	struct m_domain *d = ctx;

	d->touched = true;
	d->root = pa;
	d->root_level = level;
	d->world->stats->grown++;
}

static const struct ioas_pt_hooks hooks = {
	.invalidate = hook_invalidate,
	.sync = hook_sync,
	.mapped = hook_mapped,
	.grown = hook_grown,
};

static const struct ioas_pt_hooks hooks_shadow = {
	.invalidate = hook_invalidate,
	.sync = hook_sync,
	.mapped = hook_mapped,
	.flush = hook_flush,
	.grown = hook_grown,
};

bool table_reaches(const struct m_domain *d, uint64_t first, uint64_t last)
{
	for (uint32_t i = 0; i < d->nr_cached; i++) {
		const struct m_cached *c = d->cached + i;

		if (c->oa <= last && first <= c->oa + (c->last - c->iova))
			return true;
	}
	return false;
}

/* ---- create and destroy ------------------------------------------------- */

int table_expected(const struct op *op)
{
	const struct kind *k = kind_get(op->b);
	const uint32_t flags = k->flags | op->prot;

	if (op->prot & ~k->options)
		return -EOPNOTSUPP;
	if (op->v[0] & ~kind_sizes(k, flags) ||
	    (!op->v[0] && !kind_is_hardware(k)))
		return -EINVAL;
	if (!(op->flags & CREATE_ALL) && op->v[2] > kind_last(k))
		return -EOPNOTSUPP;
	if (op->flags & CREATE_DIRTY && !kind_tracks(k, flags))
		return -EOPNOTSUPP;
	return 0;
}

/* Does the domain say what was asked for? */
static void check_domain(struct world *w, const struct op *op,
			 const struct m_domain *d)
{
	const uint64_t sizes = kind_sizes(d->kind, d->pt_flags);
	const uint64_t want = op->v[0] ? op->v[0] : sizes;
	const uint64_t got = d->real->pgsizes;

	if (d->real->first != d->first || d->real->last != d->last)
		fail(w, "%s: aperture %#llx..%#llx; the model says %#llx..%#llx",
		     d->kind->name, (unsigned long long)d->real->first,
		     (unsigned long long)d->real->last,
		     (unsigned long long)d->first,
		     (unsigned long long)d->last);
	/* With fewer levels there are fewer sizes. */
	if (op->flags & CREATE_NARROW ? !got || got & ~want :
					got != want)
		fail(w, "%s: page sizes %#llx; the model says %#llx",
		     d->kind->name, (unsigned long long)got,
		     (unsigned long long)want);
}

static void table_params(const struct op *op, struct m_domain *d,
			 struct ioas_pt_params *p)
{
	const struct kind *k = d->kind;
	const bool narrow = op->flags & CREATE_NARROW;

	p->pgsizes = op->v[0];
	if (!(op->flags & CREATE_ALL)) {
		p->first = op->v[1];
		p->last = op->v[2];
	}
	p->va_bits = narrow ? 0 : k->va_bits;
	p->oa_bits = k->oa_bits;
	p->levels = narrow ? 0 : k->levels;
	p->flags = d->pt_flags;
	p->c_bit = k->c_bit;
	p->hooks = d->arena && d->arena->copy ? &hooks_shadow : &hooks;
	p->hooks_ctx = d;
	if (!d->arena)
		return;
	p->mem = &arena_ops;
	p->mem_ctx = d->arena;
}

int table_create(struct world *w, const struct op *op, struct m_domain *d)
{
	const struct kind *k = kind_get(op->b);
	const bool shadow = op->flags & CREATE_SHADOW;
	struct ioas_table_options o = {
		.format = k->format,
		.dirty = op->flags & CREATE_DIRTY,
	};
	struct ioas_pt_root root;
	int ret;

	d->kind = k;
	d->pt_flags = k->flags | op->prot;
	d->narrow = op->flags & CREATE_NARROW;
	/* This process has addresses of 47 bits. */
	if (shadow || op->flags & CREATE_ARENA || k->oa_bits < 48)
		d->arena = arena_create(w, k, shadow);
	table_params(op, d, &o.pt);
	if (op->flags & CREATE_SMALL)
		d->small_leaf = op->v[0] ? op->v[0] & -op->v[0] :
					   k->sizes & -k->sizes;
	o.small_leaf = d->small_leaf;
	ret = ioas_table_domain_create(&o, &d->real);
	if (ret) {
		arena_destroy(d->arena);
		d->arena = NULL;
		return ret;
	}
	d->first = op->flags & CREATE_ALL ? 0 : op->v[1];
	d->last = op->flags & CREATE_ALL ? kind_last(k) : op->v[2];
	check_domain(w, op, d);
	ioas_pt_root(ioas_table_domain_pt(d->real), &root);
	d->root = root.pa;
	d->root_level = root.level;
	w->stats->shadowed += shadow;
	return 0;
}

void table_destroy(struct m_domain *d)
{
	d->real->ops->destroy(d->real);
	arena_destroy(d->arena);
	d->arena = NULL;
	free(d->cached);
	d->cached = NULL;
	d->nr_cached = d->cap_cached = 0;
}

/* ---- what hardware is given --------------------------------------------- */

static const uint64_t *word_at(const struct m_arena *a, uint64_t pa)
{
	if (!a)
		return (const uint64_t *)(uintptr_t)pa;
	if (pa < a->pa || pa - a->pa >= a->used)
		return NULL;
	return (const uint64_t *)(const void *)((a->copy ? a->copy : a->base) +
						(pa - a->pa));
}

static bool memory_read(void *ctx, uint64_t pa, uint64_t *word)
{
	const uint64_t *at = word_at(ctx, pa);

	if (at)
		*word = le64toh(*at);
	return at;
}

static bool memory_replace(void *ctx, uint64_t pa, uint64_t old, uint64_t new)
{
	uint64_t *at = (uint64_t *)(uintptr_t)word_at(ctx, pa);

	if (!at || le64toh(*at) != old)
		return false;
	*at = htole64(new);
	return true;
}

void device_memory(const struct m_domain *d, struct walker_memory *mem)
{
	*mem = (struct walker_memory){
		.read = memory_read,
		.replace = table_is_shadowed(d) ? NULL : memory_replace,
		.ctx = d->arena,
	};
}

/* Where no width was asked for: the one that the levels decode. */
static uint8_t narrow_width(const struct m_domain *d,
			    const struct ioas_pt_root *root)
{
	const unsigned int decoded = 21u + 9u * root->level;

	switch (d->kind->walker) {
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		return (uint8_t)(64 - root->tsz);
	case WALKER_X86_64:
		return (uint8_t)(d->kind->flags & IOAS_PT_SIGN_EXTEND ?
					 decoded :
					 decoded - 1);
	case WALKER_RISCV64_X4:
		return (uint8_t)(decoded + 2);
	case WALKER_VTDSS:
	case WALKER_RISCV64:
		return (uint8_t)decoded;
	default:
		return 64;
	}
}

void device_config(const struct m_domain *d, struct walker_config *cfg)
{
	const struct kind *k = d->kind;
	struct ioas_pt_root root;
	uint32_t flags = 0;

	ioas_pt_root(ioas_table_domain_pt(d->real), &root);
	if (d->pt_flags & IOAS_PT_SIGN_EXTEND)
		flags |= WALKER_SIGN_EXTEND;
	if (d->pt_flags & IOAS_PT_CONTIGUOUS)
		flags |= WALKER_CONTIGUOUS;
	if (d->pt_flags & IOAS_PT_DIRTY)
		flags |= WALKER_DIRTY;
	if (d->pt_flags & IOAS_PT_S2FWB)
		flags |= WALKER_S2FWB;
	*cfg = (struct walker_config){
		.format = k->walker,
		.levels = (uint8_t)(root.level + 1),
		.va_bits = d->narrow ? narrow_width(d, &root) : k->va_bits,
		.oa_bits = k->oa_bits,
		.granule_lg2 = k->granule_lg2,
		.flags = flags,
		.c_bit = k->c_bit,
		.root = root.pa | k->c_bit,
	};
	if (!kind_is_hardware(k))
		cfg->granule_lg2 = (uint8_t)ioas_ctz(d->real->pgsizes);
	if (root.pa != d->root || root.level != d->root_level)
		fail(d->world, "%s: the root is at %#llx; a device was told %#llx",
		     k->name, (unsigned long long)root.pa,
		     (unsigned long long)d->root);
}

bool table_is_shadowed(const struct m_domain *d)
{
	return d->arena && d->arena->copy;
}

bool table_write(struct m_domain *d, uint64_t iova)
{
	struct walker_config cfg;
	struct walker_memory mem;
	struct walker_result r;

	device_config(d, &cfg);
	device_memory(d, &mem);
	d->world->stats->soiled++;
	return walker_write(&cfg, &mem, iova, &r) == WALKER_OK;
}
