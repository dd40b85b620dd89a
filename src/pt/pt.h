/* SPDX-License-Identifier: MIT */
/*
 * pt: IO page tables, one vocabulary for all formats
 *
 *   level 2   [ item | item | item | ... ]         item: one 64-bit word
 *                |      `- leaf: 2^item_lg2(2) bytes, or a group of items
 *                v table entry
 *   level 1   [ item | item | item | ... ]
 *                |
 *                v
 *   level 0   [ leaf | leaf | leaf | ... ]         the granule
 *
 * An item is empty, points to a table one level below, or is (part of) a leaf.
 * A leaf larger than an item is a contiguous group: 2^n items of one table,
 * aligned to their number. Levels count from the bottom.
 *
 * This room knows nothing of the core. What it works on is a struct ioas_pt;
 * what a table looks like is a struct ioas_pt_format. The walker is written
 * once (walk.h) and compiled into every format (fmt/).
 *
 * Invariants (ioas_pt_validate() checks each under its number):
 *  T1  an item is empty, a table entry or a leaf; nothing else.
 *  T2  a leaf has a size of @pgsizes, belongs to the level it stands on and is
 *      aligned to its size in both addresses.
 *  T3  all items of a group say the same size and addresses that fit.
 *  T4  every leaf lies inside the aperture.
 *  T5  tables in the tree, pending and free are all tables that were allocated.
 *
 * Concurrency: operations on disjoint ranges may run at the same time; whoever
 * calls serialises those that overlap. Items are read and written as single
 * 64-bit words; a table becomes visible complete, by compare-and-swap. A table
 * leaves the tree only with an operation that owns its whole span, and its
 * memory is used again only after ioas_pt_sync(). @mem.lock guards the lists
 * of free and pending tables, nothing else.
 *
 * Reference: docs/reference/page-tables.md sections 1 to 6.
 */
#ifndef IOAS_PT_PT_H
#define IOAS_PT_PT_H

#include "base/types.h"
#include "seam/plat.h"

/* Permission word (page-tables 1.4). */
enum ioas_pt_prot {
	IOAS_PT_READ = 1u << 0,
	IOAS_PT_WRITE = 1u << 1,
	IOAS_PT_CACHE = 1u << 2,
	IOAS_PT_NOEXEC = 1u << 3,
	IOAS_PT_MMIO = 1u << 4,
	IOAS_PT_PRIV = 1u << 5,
};

struct ioas_pt;
struct ioas_pt_format;

/*
 * Where the memory of tables comes from. A table entry holds the address that
 * to_pa() gives. Tables are handed back when the page table is destroyed.
 */
struct ioas_pt_mem_ops {
	/* Contents do not matter; aligned to @bytes, a power of two. */
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *table, size_t bytes);
	/* Both NULL: the address of this process. */
	uint64_t (*to_pa)(void *ctx, const void *table);
	void *(*from_pa)(void *ctx, uint64_t pa);
};

/* Who walks the tables and may have cached what it saw (page-tables 6.2). */
struct ioas_pt_hooks {
	/*
	 * [@iova, @last] changed; @tables: so did table entries over it. May
	 * queue. Called after the items changed, before memory is reused.
	 */
	void (*invalidate)(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			   bool tables);
	/* What was queued before the call is complete when it returns. */
	void (*sync)(void *ctx);
	/* NULL, or: [@iova, @last] became present (page-tables 6.3). */
	void (*mapped)(void *ctx, ioas_iova_t iova, ioas_iova_t last);
};

struct ioas_pt_params {
	/* Page sizes that may be used; lowest bit: the granule. */
	uint64_t pgsizes;
	/* Aperture. */
	ioas_iova_t first;
	ioas_iova_t last;
	/* Output addresses are below 2^oa_bits; 0: as wide as the format. */
	uint8_t oa_bits;
	/* Keep the counters of struct ioas_pt_stats. */
	bool count;
	/* NULL: chunks from the platform. */
	const struct ioas_pt_mem_ops *mem;
	void *mem_ctx;
	/* NULL: nobody caches. */
	const struct ioas_pt_hooks *hooks;
	void *hooks_ctx;
};

/* A page is 2^page_lg2 bytes; runs[0] begins @head bytes in. */
struct ioas_pt_map {
	ioas_iova_t iova;
	const struct ioas_run *runs;
	uint32_t nr_runs;
	uint8_t page_lg2;
	uint32_t head;
	uint64_t length;
	/* enum ioas_pt_prot */
	uint32_t prot;
	/* Largest leaf, bytes; 0: no bound. */
	uint64_t max_leaf;
	/* Four words that start as zero, or NULL. */
	uint64_t *cursor;
};

/*
 * Takes @length bytes that were mapped at @iova to @oa. False: refused, they
 * stay. What continues the previous call in both addresses is not refused.
 */
typedef bool ioas_pt_take_fn(void *ctx, ioas_iova_t iova, uint64_t oa,
			     uint64_t length);
/* [@iova, @last] is dirty. */
typedef void ioas_pt_mark_fn(void *ctx, ioas_iova_t iova, ioas_iova_t last);

struct ioas_pt_unmap {
	ioas_iova_t iova;
	/* Go on towards @last only while output addresses are contiguous. */
	ioas_iova_t want_last;
	ioas_iova_t last;
	/* NULL: nobody wants the addresses. */
	ioas_pt_take_fn *take;
	void *ctx;
};

/* What one leaf says, for dumps and validators. */
struct ioas_pt_leaf {
	ioas_iova_t iova;
	uint64_t oa;
	uint8_t lg2;
	uint8_t level;
	uint32_t prot;
	bool dirty;
};

/* Counted only with params.count; structural tests compare them. */
struct ioas_pt_stats {
	uint64_t walks; /* descents that began at the root */
	uint64_t tables_allocated;
	uint64_t tables_freed; /* taken out of the tree */
	uint64_t runs_mapped;
	uint64_t leaves_written;
	uint64_t unmaps;
	uint64_t syncs;
	uint64_t invalidations;
};

extern const struct ioas_pt_format ioas_pt_mock;

/**
 * ioas_pt_create() - an empty page table
 * @format: how tables look
 * @params: read during the call; ops and contexts in it are borrowed
 * @out:    written on success
 *
 * Return: 0, -EINVAL (no page size, sizes the format lacks, empty aperture, too
 * many output bits), -EOPNOTSUPP (aperture the format cannot decode), -ENOMEM.
 */
int ioas_pt_create(const struct ioas_pt_format *format,
		   const struct ioas_pt_params *params, struct ioas_pt **out);
/* Frees every table, mapped or not. NULL is ignored. */
void ioas_pt_destroy(struct ioas_pt *pt);

/*
 * All or nothing; tables made on the way may stay. Leaves never straddle two
 * runs. Errors in order of page-tables 4.1: -EINVAL, -ERANGE, -EOVERFLOW,
 * -EADDRINUSE, -ENOMEM.
 */
int ioas_pt_map(struct ioas_pt *pt, const struct ioas_pt_map *rq);

/*
 * Remove a range that is mapped without gaps and cuts no leaf. Allocates
 * nothing. Return: the last IOVA removed; less than want_last only if @take
 * refused.
 */
ioas_iova_t ioas_pt_unmap(struct ioas_pt *pt, const struct ioas_pt_unmap *rq);

/*
 * Output address of @iova, and how many bytes follow contiguously up to @last.
 * @cursor: as in map. Return: 0 or -ENOENT.
 */
int ioas_pt_translate_run(struct ioas_pt *pt, ioas_iova_t iova,
			  ioas_iova_t last, uint64_t *cursor, uint64_t *oa,
			  uint64_t *length);

/* The leaf that holds @iova. Return: 0 or -ENOENT. */
int ioas_pt_leaf(struct ioas_pt *pt, ioas_iova_t iova,
		 struct ioas_pt_leaf *leaf);

/* As a device that wrote would: unmapped parts are skipped. */
void ioas_pt_mark_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			ioas_iova_t last);
/* Report what is dirty, clipped to the range; @mark may be NULL. */
void ioas_pt_read_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			ioas_iova_t last, bool clear, ioas_pt_mark_fn *mark,
			void *ctx);

/*
 * Cut leaves so that none straddles the border before @iova.
 * Return: 0, -EINVAL (not a multiple of the granule), -ENOMEM; a leaf may have
 * been cut less far then, with the same output.
 */
int ioas_pt_split(struct ioas_pt *pt, ioas_iova_t iova);

/* Completes invalidation; tables that left the tree may be used again. */
void ioas_pt_sync(struct ioas_pt *pt);

/* The memory a walker starts from, and the level it stands on. */
uint64_t ioas_pt_root(const struct ioas_pt *pt, unsigned int *level);
/* Sizes and aperture as published. */
uint64_t ioas_pt_pgsizes(const struct ioas_pt *pt);
void ioas_pt_stats(const struct ioas_pt *pt, struct ioas_pt_stats *stats);
/* Bytes of tables held, in use or not. */
uint64_t ioas_pt_memory(struct ioas_pt *pt);
/* No operation may be running. True if T1 to T5 hold. */
bool ioas_pt_validate(struct ioas_pt *pt);
/* Leaves in order; false from @fn stops. */
void ioas_pt_for_each_leaf(struct ioas_pt *pt,
			   bool (*fn)(void *ctx,
				      const struct ioas_pt_leaf *leaf),
			   void *ctx);
/* Every leaf as a line of the platform's log. */
void ioas_pt_dump(struct ioas_pt *pt);

#endif
