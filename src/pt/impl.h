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
/* The level of the root stands in the bits that its alignment leaves. */
#define PT_ROOT_ALIGN 64
#define PT_LEVEL_MASK ((uintptr_t)7)
/* Every bit of enum ioas_pt_prot. */
#define PT_PROT_ALL ((uint32_t)(2 * IOAS_PT_PRIV - 1))

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

struct pt_window {
	ioas_iova_t first;
	ioas_iova_t last;
};

struct ioas_pt {
	/* Set once, but for @pgsizes. */
	const struct ioas_pt_format *format;
	/* What a map may use; what leaves may have. */
	uint64_t pgsizes;
	uint64_t leaf_sizes;
	uint64_t oa_last;
	uint64_t c_bit;
	/* The aperture; two halves with IOAS_PT_SIGN_EXTEND. */
	struct pt_window window[2];
	uint8_t nr_windows;
	/* enum ioas_pt_flags */
	uint32_t flags;
	/* An item of level 0 spans 2^granule_lg2 bytes. */
	uint8_t granule_lg2;
	uint8_t va_bits;
	uint8_t oa_bits;
	/* Of the first root, and of the highest that may follow. */
	uint8_t root_level;
	uint8_t max_level;
	/* log2 of the items of the first root */
	uint8_t root_index_lg2;
	/* It is no table like others: never grows, comes from no list. */
	bool root_own;
	/* Leaves say whether they were written. */
	bool tracks;
	bool count;
	const struct ioas_pt_hooks *hooks;
	void *hooks_ctx;

	/* Address and level of the root, so that both change at once. */
	_Atomic(uintptr_t) top;
	/* Who raises the root. */
	struct ioas_mutex grow_lock;
	/* Grows when a table leaves the tree: older cursors are void. */
	_Atomic uint32_t generation;
	struct pt_mem mem;
	_Atomic uint64_t stats[PT_NR_STATS];
};

struct ioas_pt_format {
	const char *name;
	/* Widest; arm64 and the like have less in some configurations. */
	uint8_t va_bits;
	uint8_t oa_bits;
	/* 0: the owner's choice */
	uint8_t granule_lg2;
	/* log2 of the items of a table below the root */
	uint8_t index_lg2;
	/* Those it knows. */
	uint32_t flags;
	bool knows_c_bit;

	/*
	 * Set va_bits, root_level, max_level, root_index_lg2, leaf_sizes and
	 * tracks of @pt, in which va_bits and oa_bits are as asked for (va_bits
	 * 0: the least that does). Return: 0, -EINVAL, -EOPNOTSUPP.
	 */
	int (*init)(struct ioas_pt *pt, const struct ioas_pt_params *params);
	/* All but pa and level. NULL: there is no more. */
	void (*describe)(const struct ioas_pt *pt, struct ioas_pt_root *root);

	/* Ranges are inside a window and below the root's span. */
	int (*map)(struct ioas_pt *pt, const struct ioas_pt_map *rq);
	ioas_iova_t (*unmap)(struct ioas_pt *pt,
			     const struct ioas_pt_unmap *rq);
	uint64_t (*remove)(struct ioas_pt *pt, ioas_iova_t iova,
			   ioas_iova_t last, uint32_t *tables);
	int (*translate_run)(struct ioas_pt *pt, ioas_iova_t iova,
			     ioas_iova_t last, uint64_t *cursor, uint64_t *oa,
			     uint64_t *length);
	int (*lookup)(struct ioas_pt *pt, ioas_iova_t iova,
		      struct ioas_pt_hit *hit);
	bool (*soil)(uint64_t *item, uint64_t word);
	int (*leaf)(struct ioas_pt *pt, ioas_iova_t iova,
		    struct ioas_pt_leaf *leaf);
	void (*mark_dirty)(struct ioas_pt *pt, ioas_iova_t iova,
			   ioas_iova_t last);
	void (*read_dirty)(struct ioas_pt *pt, ioas_iova_t iova,
			   ioas_iova_t last, bool clear,
			   ioas_pt_mark_fn *mark, void *ctx);
	int (*split)(struct ioas_pt *pt, ioas_iova_t iova);
	int (*split_to)(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2);
	int (*merge)(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2);
	/* False: @fn stopped it. */
	bool (*for_each_leaf)(struct ioas_pt *pt, ioas_iova_t iova,
			      ioas_iova_t last,
			      bool (*fn)(void *ctx,
					 const struct ioas_pt_leaf *leaf),
			      void *ctx);
	/* T1 to T4; counts the tables below the root and with it. */
	bool (*validate)(struct ioas_pt *pt, uint64_t *nr_tables);
	/* Puts every table on @list, but for a root of its own kind. */
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

static inline uint64_t pt_table_pa(const struct ioas_pt *pt,
				   const uint64_t *table)
{
	if (ioas_likely(pt->mem.identity))
		return (uint64_t)(uintptr_t)table;
	return pt->mem.ops->to_pa(pt->mem.ctx, table);
}

static inline uint64_t *pt_table_at(const struct ioas_pt *pt, uint64_t pa)
{
	if (ioas_likely(pt->mem.identity))
		return (uint64_t *)(uintptr_t)pa;
	return pt->mem.ops->from_pa(pt->mem.ctx, pa);
}

static inline uint64_t *pt_top(const struct ioas_pt *pt, unsigned int *level)
{
	uintptr_t top = atomic_load_explicit(&pt->top, memory_order_acquire);

	*level = (unsigned int)(top & PT_LEVEL_MASK);
	return (uint64_t *)(top & ~PT_LEVEL_MASK);
}

static inline size_t pt_root_bytes(const struct ioas_pt *pt)
{
	size_t bytes = (size_t)8 << pt->root_index_lg2;

	return bytes < PT_ROOT_ALIGN ? PT_ROOT_ALIGN : bytes;
}

/* Does one half of the aperture hold [@iova, @last]? */
static inline bool pt_in_aperture(const struct ioas_pt *pt, ioas_iova_t iova,
				  ioas_iova_t last)
{
	if (iova >= pt->window[0].first && last <= pt->window[0].last)
		return true;
	return pt->nr_windows == 2 && iova >= pt->window[1].first;
}

/* @nr items from @items on are new; for walkers that have to be told. */
static inline void pt_flush(struct ioas_pt *pt, const uint64_t *items,
			    size_t nr)
{
	if (ioas_unlikely(pt->hooks) && pt->hooks->flush)
		pt->hooks->flush(pt->hooks_ctx, items, nr);
}

/*
 * For init: bits of IOVA that the owner said are needed: the width, or what the
 * aperture takes; 0: nothing was said.
 */
static inline unsigned int pt_asked_width(const struct ioas_pt *pt,
					  const struct ioas_pt_params *params)
{
	if (pt->va_bits || !params->last)
		return pt->va_bits;
	return ioas_log2(params->last) + 1u +
	       (pt->flags & IOAS_PT_SIGN_EXTEND ? 1u : 0u);
}

/* For init: those of @sizes that are less than 2^@bits. */
static inline uint64_t pt_sizes_below(uint64_t sizes, unsigned int bits)
{
	return bits < 64 ? sizes & (((uint64_t)1 << bits) - 1) : sizes;
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

/* The root, zeroed, at pt->root_level. Return: 0 or -ENOMEM. */
int ioas_pt_root_alloc(struct ioas_pt *pt);
/*
 * Make @root, of @level, the root if @old still is. False: somebody else was
 * faster. The hook has returned before anybody uses it.
 */
bool ioas_pt_raise(struct ioas_pt *pt, uintptr_t old, uint64_t *root,
		   unsigned int level);

void ioas_pt_mem_init(struct ioas_pt *pt, const struct ioas_pt_params *params);
/* Nobody reaches the tree any more. */
void ioas_pt_mem_fini(struct ioas_pt *pt);
void ioas_pt_mem_sync(struct ioas_pt *pt);

#endif
