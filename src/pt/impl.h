/* SPDX-License-Identifier: MIT */
/*
 * impl: what a page table is made of; for src/pt only
 *
 *        alloc                   out of the tree            sync
 *  free ------> in the tree ------------------> pending ---------> free
 *   ^
 *   `--- chunks of the platform, or the owner's ops
 *
 * Free and pending tables are linked through their first item. A link reads as
 * an empty item in every format, because tables are aligned and no format
 * knows an entry whose low bits are zero: a walker that is still inside a
 * pending table sees a hole there, never a wild pointer.
 *
 * What a table on a list contains otherwise is unknown. So an unmap leaves
 * the items of a table that goes away as they are, and a map that fills a
 * whole table does not zero it first.
 */
#ifndef IOAS_PT_IMPL_H
#define IOAS_PT_IMPL_H

#include "base/mem.h"
#include "pt/item.h"
#include "pt/pt.h"
#include "seam/fault.h"
#include "seam/lock.h"

/* Granule 512, nine bits a level: 9 + 9 * 6 = 63. */
#define PT_MAX_LEVELS 7

struct pt_list {
	uint64_t *head;
	uint64_t *tail;
	uint32_t nr;
};

struct pt_chunk {
	struct pt_chunk *next;
	void *base;
	size_t bytes;
	size_t align;
};

/* Guarded by @lock but for the first four, which do not change. */
struct pt_mem {
	const struct ioas_pt_mem_ops *ops; /* NULL: chunks */
	void *ctx;
	bool identity; /* entries hold addresses of this process */
	uint32_t table_bytes;
	struct ioas_mutex lock;
	struct pt_list free;
	struct pt_list pending;
	/* Written under @lock; read without to see that there is nothing. */
	_Atomic uint32_t nr_pending;
	/* Tables that exist, free and pending ones included. */
	uint64_t nr_tables;
	/* The rest of the newest chunk. */
	char *fresh;
	size_t fresh_bytes;
	struct pt_chunk *chunks;
};

enum pt_stat {
	PT_STAT_WALK,
	PT_STAT_ALLOC,
	PT_STAT_FREE,
	PT_STAT_RUN,
	PT_STAT_LEAF,
	PT_STAT_UNMAP,
	PT_STAT_SYNC,
	PT_STAT_INVALIDATE,
	PT_NR_STATS
};

struct ioas_pt {
	/* All of these are set once. */
	const struct ioas_pt_format *format;
	uint64_t pgsizes;
	ioas_iova_t first;
	ioas_iova_t last;
	uint64_t oa_last;
	uint64_t *root;
	uint8_t granule_lg2;
	uint8_t top_level;
	bool count;
	const struct ioas_pt_hooks *hooks;
	void *hooks_ctx;

	/* Grows when a table leaves the tree: older cursors are void. */
	_Atomic uint32_t generation;
	struct pt_mem mem;
	_Atomic uint64_t stats[PT_NR_STATS];
};

struct ioas_pt_format {
	const char *name;
	/* Sizes that an entry can express. */
	uint64_t pgsizes;
	uint8_t oa_bits;
	uint8_t va_bits;
	/* log2 of the items of a table */
	uint8_t index_lg2;

	int (*map)(struct ioas_pt *pt, const struct ioas_pt_map *rq);
	ioas_iova_t (*unmap)(struct ioas_pt *pt,
			     const struct ioas_pt_unmap *rq);
	int (*translate_run)(struct ioas_pt *pt, ioas_iova_t iova,
			     ioas_iova_t last, uint64_t *cursor, uint64_t *oa,
			     uint64_t *length);
	int (*leaf)(struct ioas_pt *pt, ioas_iova_t iova,
		    struct ioas_pt_leaf *leaf);
	void (*mark_dirty)(struct ioas_pt *pt, ioas_iova_t iova,
			   ioas_iova_t last);
	void (*read_dirty)(struct ioas_pt *pt, ioas_iova_t iova,
			   ioas_iova_t last, bool clear,
			   ioas_pt_mark_fn *mark, void *ctx);
	int (*split)(struct ioas_pt *pt, ioas_iova_t iova);
	void (*for_each_leaf)(struct ioas_pt *pt,
			      bool (*fn)(void *ctx,
					 const struct ioas_pt_leaf *leaf),
			      void *ctx);
	/* T1 to T4; counts the tables below the root and with it. */
	bool (*validate)(struct ioas_pt *pt, uint64_t *nr_tables);
	/* Puts every table on @list. */
	void (*collect)(struct ioas_pt *pt, struct pt_list *list);
};

static inline void pt_count(struct ioas_pt *pt, enum pt_stat stat, uint64_t n)
{
	if (ioas_unlikely(pt->count))
		atomic_fetch_add_explicit(&pt->stats[stat], n,
					  memory_order_relaxed);
}

static inline void pt_list_push(struct pt_list *list, uint64_t *table)
{
	item_store(table, (uint64_t)(uintptr_t)list->head);
	if (!list->head)
		list->tail = table;
	list->head = table;
	list->nr++;
}

static inline uint64_t *pt_list_next(const uint64_t *table)
{
	return (uint64_t *)(uintptr_t)item_load(table);
}

static inline uint64_t pt_table_pa(struct ioas_pt *pt, const uint64_t *table)
{
	if (ioas_likely(pt->mem.identity))
		return (uint64_t)(uintptr_t)table;
	return pt->mem.ops->to_pa(pt->mem.ctx, table);
}

static inline uint64_t *pt_table_at(struct ioas_pt *pt, uint64_t pa)
{
	if (ioas_likely(pt->mem.identity))
		return (uint64_t *)(uintptr_t)pa;
	return pt->mem.ops->from_pa(pt->mem.ctx, pa);
}

/* A table of unknown content, or NULL. */
uint64_t *ioas_pt_table_alloc(struct ioas_pt *pt);
/* Back, because nobody has seen it. */
void ioas_pt_table_unused(struct ioas_pt *pt, uint64_t *table);
/* They left the tree; usable again after a sync. Empties @list. */
void ioas_pt_tables_retire(struct ioas_pt *pt, struct pt_list *list);
/* Tell those who cache. */
void ioas_pt_invalidate(struct ioas_pt *pt, ioas_iova_t iova, ioas_iova_t last,
		   bool tables);

void ioas_pt_mem_init(struct ioas_pt *pt, const struct ioas_pt_params *params);
/* Nobody reaches the tree any more. */
void ioas_pt_mem_fini(struct ioas_pt *pt);
void ioas_pt_mem_sync(struct ioas_pt *pt);

#endif
