/* SPDX-License-Identifier: MIT */
/*
 * mem: memory of tables
 *
 * Chunks grow from 8 KiB to 2 MiB: a small domain costs two tables, a large
 * one sits on few large chunks that the platform can back by huge pages, which
 * makes random walks through it about twice as fast. It is told when a chunk is
 * full, because until then one page too many would be held; sooner only where
 * a chunk is little beside the tables that exist.
 *
 * Memory is handed back when the page table goes, not before; until then an
 * unmapped range costs the tables it once had, and mapping again touches warm
 * memory.
 *
 * The root is a table like others where it has their size; if not, it has
 * memory of its own, because it neither goes away nor comes back.
 *
 * Locks, both of rank TABLE and never nested: mem.lock, held for a few
 * instructions or for the allocation of a chunk; grow_lock, held while the root
 * is raised.
 */
#include "pt/impl.h"

#define CHUNK_MIN ((size_t)8 << 10)
#define CHUNK_MAX ((size_t)2 << 20)

/* A chunk is little beside so many. */
#define LITTLE 64

/* Twice what exists already, within bounds. */
static size_t chunk_bytes(const struct pt_mem *m)
{
	size_t bytes = (size_t)ioas_max(CHUNK_MIN, 2 * (size_t)m->table_bytes);

	while (bytes < CHUNK_MAX && bytes / m->table_bytes <= m->nr_tables)
		bytes *= 2;
	return bytes;
}

static bool chunk_add(struct pt_mem *m) __must_hold(&m->lock)
{
	size_t bytes = chunk_bytes(m);
	struct pt_chunk *c = ioas_plat_alloc(sizeof(*c));

	if (!c)
		return false;
	c->bytes = bytes;
	/* Only what can be a huge page need begin where one does. */
	c->align = bytes < CHUNK_MAX ? m->table_bytes : bytes;
	c->base = ioas_plat_alloc_aligned(bytes, c->align);
	if (!c->base) {
		ioas_plat_free(c, sizeof(*c));
		return false;
	}
	c->next = m->chunks;
	m->chunks = c;
	m->fresh = c->base;
	m->fresh_bytes = bytes;
	if (bytes / m->table_bytes <= m->nr_tables / LITTLE)
		ioas_plat_use_whole(c->base, bytes);
	return true;
}

/* @full: the chunk of which this is the last table. */
static uint64_t *mem_new(struct pt_mem *m, const struct pt_chunk **full)
	__must_hold(&m->lock)
{
	uint64_t *table;

	if (m->ops) {
		table = m->ops->alloc(m->ctx, m->table_bytes);
	} else {
		if (!m->fresh_bytes && !chunk_add(m))
			return NULL;
		table = (uint64_t *)(void *)m->fresh;
		m->fresh += m->table_bytes;
		m->fresh_bytes -= m->table_bytes;
		if (!m->fresh_bytes)
			*full = m->chunks;
	}
	if (table)
		m->nr_tables++;
	return table;
}

uint64_t *ioas_pt_table_alloc(struct ioas_pt *pt)
{
	struct pt_mem *m = &pt->mem;
	const struct pt_chunk *full = NULL;
	uint64_t *table;

	if (ioas_fault_point(IOAS_FP_TABLE))
		return NULL;
	ioas_mutex_lock(&m->lock, IOAS_RANK_TABLE);
	table = m->free.head;
	if (table) {
		m->free.head = pt_list_next(table);
		m->free.nr--;
	} else {
		table = mem_new(m, &full);
	}
	ioas_mutex_unlock(&m->lock);
	if (ioas_unlikely(full))
		ioas_plat_use_whole(full->base, full->bytes);
	if (table)
		pt_count(pt, PT_STAT_ALLOC, 1);
	return table;
}

void ioas_pt_table_unused(struct ioas_pt *pt, uint64_t *table)
{
	struct pt_mem *m = &pt->mem;

	ioas_mutex_lock(&m->lock, IOAS_RANK_TABLE);
	pt_list_push(&m->free, table);
	ioas_mutex_unlock(&m->lock);
	pt_count(pt, PT_STAT_FREE, 1);
}

/* Moves all of @from to the front of @to. */
static void list_splice(struct pt_list *to, struct pt_list *from)
{
	if (!from->head)
		return;
	item_store(from->tail, (uint64_t)(uintptr_t)to->head);
	if (!to->head)
		to->tail = from->tail;
	to->head = from->head;
	to->nr += from->nr;
	*from = (struct pt_list){ 0 };
}

void ioas_pt_tables_retire(struct ioas_pt *pt, struct pt_list *list)
{
	struct pt_mem *m = &pt->mem;

	if (!list->head)
		return;
	pt_count(pt, PT_STAT_FREE, list->nr);
	atomic_fetch_add_explicit(&pt->generation, 1, memory_order_relaxed);
	ioas_mutex_lock(&m->lock, IOAS_RANK_TABLE);
	list_splice(&m->pending, list);
	atomic_store_explicit(&m->nr_pending, m->pending.nr,
			      memory_order_relaxed);
	ioas_mutex_unlock(&m->lock);
}

/*
 * Only tables that were pending when the invalidation began are covered by
 * it, so they are taken off the list first.
 */
void ioas_pt_mem_sync(struct ioas_pt *pt)
{
	struct pt_mem *m = &pt->mem;
	struct pt_list done = { 0 };

	if (atomic_load_explicit(&m->nr_pending, memory_order_relaxed)) {
		ioas_mutex_lock(&m->lock, IOAS_RANK_TABLE);
		list_splice(&done, &m->pending);
		atomic_store_explicit(&m->nr_pending, 0, memory_order_relaxed);
		ioas_mutex_unlock(&m->lock);
	}
	if (pt->hooks)
		pt->hooks->sync(pt->hooks_ctx);
	if (!done.head)
		return;
	ioas_mutex_lock(&m->lock, IOAS_RANK_TABLE);
	list_splice(&m->free, &done);
	ioas_mutex_unlock(&m->lock);
}

static void *root_own_alloc(struct ioas_pt *pt)
{
	const struct pt_mem *m = &pt->mem;
	size_t bytes = pt_root_bytes(pt);

	if (ioas_fault_point(IOAS_FP_TABLE))
		return NULL;
	if (m->ops)
		return m->ops->alloc(m->ctx, bytes);
	return ioas_plat_alloc_aligned(bytes, bytes);
}

static void root_own_free(struct ioas_pt *pt)
{
	const struct pt_mem *m = &pt->mem;
	size_t bytes = pt_root_bytes(pt);
	unsigned int level;
	void *root = pt_top(pt, &level);

	if (m->ops)
		m->ops->free(m->ctx, root, bytes);
	else
		ioas_plat_free_aligned(root, bytes, bytes);
}

int ioas_pt_root_alloc(struct ioas_pt *pt)
{
	void *root;

	pt->root_own = pt_root_bytes(pt) != pt->mem.table_bytes;
	root = pt->root_own ? root_own_alloc(pt) : ioas_pt_table_alloc(pt);
	if (!root)
		return -ENOMEM;
	memset(root, 0, pt_root_bytes(pt));
	pt_flush(pt, root, (size_t)1 << pt->root_index_lg2);
	atomic_store_explicit(&pt->top, (uintptr_t)root | pt->root_level,
			      memory_order_release);
	return 0;
}

bool ioas_pt_raise(struct ioas_pt *pt, uintptr_t old, uint64_t *root,
		   unsigned int level)
{
	bool raised;

	ioas_mutex_lock(&pt->grow_lock, IOAS_RANK_TABLE);
	raised = atomic_load_explicit(&pt->top, memory_order_relaxed) == old;
	if (raised && pt->hooks && pt->hooks->grown)
		pt->hooks->grown(pt->hooks_ctx, pt_table_pa(pt, root), level);
	if (raised)
		atomic_store_explicit(&pt->top, (uintptr_t)root | level,
				      memory_order_release);
	ioas_mutex_unlock(&pt->grow_lock);
	return raised;
}

void ioas_pt_mem_init(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	struct pt_mem *m = &pt->mem;

	m->ops = params->mem;
	m->ctx = params->mem_ctx;
	m->identity = !m->ops || !m->ops->to_pa;
	m->table_bytes = 8u << pt->format->index_lg2;
}

static void mem_free_list(struct pt_mem *m, struct pt_list *list)
{
	uint64_t *next;

	for (uint64_t *t = list->head; t; t = next) {
		next = pt_list_next(t);
		m->ops->free(m->ctx, t, m->table_bytes);
	}
}

void ioas_pt_mem_fini(struct ioas_pt *pt)
{
	struct pt_mem *m = &pt->mem;
	struct pt_chunk *next;
	unsigned int level;
	bool rooted = pt_top(pt, &level);

	if (m->ops) {
		struct pt_list tree = { 0 };

		if (rooted)
			pt->format->collect(pt, &tree);
		mem_free_list(m, &tree);
		mem_free_list(m, &m->pending);
		mem_free_list(m, &m->free);
	}
	if (rooted && pt->root_own)
		root_own_free(pt);
	for (struct pt_chunk *c = m->chunks; c; c = next) {
		next = c->next;
		ioas_plat_free_aligned(c->base, c->bytes, c->align);
		ioas_plat_free(c, sizeof(*c));
	}
}
