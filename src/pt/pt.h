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

/* How a page table is made; what a format does not know is -EOPNOTSUPP. */
enum ioas_pt_flags {
	/* x86_64, riscv64: the upper half, with all high bits set, is usable. */
	IOAS_PT_SIGN_EXTEND = 1u << 0,
	/* amdv1: the root begins at @levels and rises when it has to. */
	IOAS_PT_GROW = 1u << 1,
	/* amdv1 FC, vtdss SNP: leaves ignore the no-snoop attribute. */
	IOAS_PT_FORCE_COHERENT = 1u << 2,
	/* vtdss: what may not be written is refused (8.2.1). */
	IOAS_PT_REQUIRE_WRITE = 1u << 3,
	/* Leaves are made so that a write shows. amdv1, vtdss, mock: always. */
	IOAS_PT_DIRTY = 1u << 4,
	/* arm64: groups with the Contiguous bit; riscv64: Svnapot. */
	IOAS_PT_CONTIGUOUS = 1u << 5,
	/* arm64_s2: memory attributes for forced write-back. */
	IOAS_PT_S2FWB = 1u << 6,
	/* arm64: who walks needs break-before-make (8.3.6). */
	IOAS_PT_BREAK = 1u << 7,
};

struct ioas_pt;
struct ioas_pt_format;

/*
 * Where the memory of tables comes from. A table entry holds the address that
 * to_pa() gives. Tables are handed back when the page table is destroyed.
 *
 * Tables are trusted: frames are read back from them. Nobody else may write
 * this memory, but for the accessed and dirty bits of leaves. Where a guest can
 * write what it walks, keep the tables private and publish a copy: to_pa()
 * gives the place of the copy, hooks.flush says what to copy when.
 */
struct ioas_pt_mem_ops {
	/*
	 * Contents do not matter; aligned to @bytes, a power of two from 64.
	 * Tables of a format have one size, its root may have another.
	 */
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
	/*
	 * NULL, or: @nr items from @items on have new values, for walkers that
	 * do not see this memory (page-tables 6.1). A new table comes before
	 * the entry that points to it; once per stretch of a table. Threads on
	 * disjoint ranges call it at the same time, also for one entry.
	 */
	void (*flush)(void *ctx, const uint64_t *items, size_t nr);
	/*
	 * NULL, or: the root is now the table at @pa, of @level (4.7). Nothing
	 * is mapped above the old one before this returns.
	 */
	void (*grown)(void *ctx, uint64_t pa, unsigned int level);
};

struct ioas_pt_params {
	/* Page sizes that may be used; lowest bit: the granule. 0: all. */
	uint64_t pgsizes;
	/*
	 * Aperture, of the lower half if there are two. Both 0: everything that
	 * the width decodes.
	 */
	ioas_iova_t first;
	ioas_iova_t last;
	/* Width of IOVAs (page-tables 1.5, 4.8); 0: from @last and @levels. */
	uint8_t va_bits;
	/* Output addresses are below 2^oa_bits; 0: as wide as the format. */
	uint8_t oa_bits;
	/* Levels of tables at the beginning; 0: as the width asks. */
	uint8_t levels;
	/* enum ioas_pt_flags */
	uint32_t flags;
	/*
	 * amdv1, x86_64: memory encryption bit, set but in MMIO leaves; or 0.
	 * One of bits 51 to 30; output addresses and tables lie below it.
	 */
	uint64_t c_bit;
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

/* What the registers and device tables of a walker hold (page-tables 8). */
struct ioas_pt_root {
	uint64_t pa;
	/* Of the root table. */
	uint8_t level;
	/* amdv1 mode, vtdss aw, x86_64 levels, riscv64 mode. */
	uint8_t code;
	/* arm64: T0SZ, TG0, physical size, start level, and stage 2's SL0. */
	uint8_t tsz;
	uint8_t tg0;
	uint8_t ps;
	uint8_t start_level;
	uint8_t sl0;
};

/* What a look from a lock-free reader found. */
struct ioas_pt_hit {
	uint64_t oa; /* of the whole leaf */
	uint64_t *item; /* that was used, and what it held */
	uint64_t word;
	uint8_t lg2;
	bool dirty; /* as this item has it; true if nothing is tracked */
	uint32_t prot;
};

extern const struct ioas_pt_format ioas_pt_mock;
extern const struct ioas_pt_format ioas_pt_amdv1;
extern const struct ioas_pt_format ioas_pt_vtdss;
extern const struct ioas_pt_format ioas_pt_x86_64;
/* By stage and granule. */
extern const struct ioas_pt_format ioas_pt_arm64_s1_4k;
extern const struct ioas_pt_format ioas_pt_arm64_s1_16k;
extern const struct ioas_pt_format ioas_pt_arm64_s1_64k;
extern const struct ioas_pt_format ioas_pt_arm64_s2_4k;
extern const struct ioas_pt_format ioas_pt_arm64_s2_16k;
extern const struct ioas_pt_format ioas_pt_arm64_s2_64k;
extern const struct ioas_pt_format ioas_pt_riscv64;
extern const struct ioas_pt_format ioas_pt_riscv64_x4;

/*
 * By name ("amdv1", "arm64_s1") and, for arm64, granule; @granule_lg2 0: the
 * smallest. NULL: there is none.
 */
const struct ioas_pt_format *ioas_pt_format_find(const char *name,
						 unsigned int granule_lg2);
const char *ioas_pt_format_name(const struct ioas_pt_format *format);

/**
 * ioas_pt_create() - an empty page table
 * @format: how tables look
 * @params: read during the call; ops and contexts in it are borrowed
 * @out:    written on success
 *
 * Return: 0, -EINVAL (sizes the format lacks, empty aperture, widths above the
 * format's, c_bit that is no address bit), -EOPNOTSUPP (depth the format lacks,
 * width that the depth cannot decode, flag or c_bit that the format does not
 * know), -ENOMEM. (4.8)
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
/*
 * Report what is dirty, clipped to the range; @mark may be NULL. A leaf that
 * the range covers in part stays dirty (but for the mock format).
 * Return: 0 or -EOPNOTSUPP (leaves are not tracked).
 */
int ioas_pt_read_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			ioas_iova_t last, bool clear, ioas_pt_mark_fn *mark,
			void *ctx);

/*
 * Cut leaves so that none straddles the border before @iova.
 * Return: 0, -EINVAL (not a multiple of the granule), -ENOMEM; a leaf may have
 * been cut less far then, with the same output.
 */
int ioas_pt_split(struct ioas_pt *pt, ioas_iova_t iova);
/*
 * Cut the leaf that holds @iova into leaves of 2^@lg2 bytes. Return: 0 (also if
 * it is not larger), -ENOENT, -EINVAL (no such size), -ENOMEM. (4.6)
 */
int ioas_pt_split_to(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2);
/*
 * Make one leaf of 2^@lg2 bytes of those in [@iova, @iova + 2^@lg2). Dirty if
 * one was. Completes an invalidation. Return: 0 (also if it is one leaf as
 * large or larger), -EINVAL (no such size, misaligned, outputs or attributes
 * do not fit), -ENOENT (a hole), -ENOMEM. (4.6)
 */
int ioas_pt_merge(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2);

/*
 * Remove what is mapped from @iova on as page-tables 4.3 says: stops at a hole
 * or inside a leaf; a leaf that the range ends in goes as a whole. For owners
 * who do not keep books of their own. @tables, may be NULL: how many left the
 * tree. Return: bytes removed.
 */
uint64_t ioas_pt_remove(struct ioas_pt *pt, ioas_iova_t iova, uint64_t length,
			uint32_t *tables);

/*
 * The leaf at @iova, for readers that take no lock. May run during any other
 * operation if tables that left the tree are not used again before the caller
 * is done: see domain/view.h. Return: 0 or -ENOENT.
 */
int ioas_pt_lookup(struct ioas_pt *pt, ioas_iova_t iova,
		   struct ioas_pt_hit *hit);
/* Makes what was found dirty; false: it changed meanwhile, look again. */
bool ioas_pt_soil(struct ioas_pt *pt, const struct ioas_pt_hit *hit);

/* Completes invalidation; tables that left the tree may be used again. */
void ioas_pt_sync(struct ioas_pt *pt);

/* Where a walker starts, and how it is told. */
void ioas_pt_root(const struct ioas_pt *pt, struct ioas_pt_root *root);
/* Sizes in use; the whole width, of the lower half if there are two. */
uint64_t ioas_pt_pgsizes(const struct ioas_pt *pt);
void ioas_pt_aperture(const struct ioas_pt *pt, ioas_iova_t *first,
		      ioas_iova_t *last);
/*
 * From now on only these sizes. Nothing may be running. Return: 0 or -EINVAL
 * (none, or one that the page table lacks).
 */
int ioas_pt_set_pgsizes(struct ioas_pt *pt, uint64_t pgsizes);
/* Leaves are made so that a write shows. */
bool ioas_pt_tracks_dirty(const struct ioas_pt *pt);
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
