/* SPDX-License-Identifier: MIT */
/*
 * frames: what a frame number means, for a whole context
 *
 *   0             identity limit                       2^(64 - page_lg2) - 1
 *   |-- own memory --|--- numbers given out or registered ----------------|
 *    frame = address      frame -> range -> (owner, page, pointer)
 *            / page
 *
 * A device gets an output address from a page table and wants memory; areas of
 * several origins may share that table. So frame numbers are unique in a
 * context: each origin registers the ranges of numbers that it backs, and one
 * lookup leads from a number to its owner.
 *
 * The memory of this process needs no registration: its frames are its virtual
 * addresses. Ranges are kept in a radix tree with leaves at every level, as in
 * a page table, so that a range of 2^50 frames costs as little as one of one.
 *
 * Lookups take no lock and write nothing. They may run beside registration and
 * removal of other ranges. That the range looked up stays registered meanwhile
 * is what a pin is for, and the caller's promise.
 */
#ifndef IOAS_ORIGIN_FRAMES_H
#define IOAS_ORIGIN_FRAMES_H

#include "base/types.h"
#include "seam/plat.h"

/* lg2 of the bytes of address space whose frames are virtual addresses. */
#if UINTPTR_MAX <= UINT32_MAX
#define IOAS_FRAMES_IDENTITY_LG2 32
#elif defined(__x86_64__)
#define IOAS_FRAMES_IDENTITY_LG2 47
#else
#define IOAS_FRAMES_IDENTITY_LG2 48
#endif

/* Page sizes that a frame space can have: P = 8 is for exhaustive tests. */
#define IOAS_FRAMES_PAGE_LG2_MIN 3
#define IOAS_FRAMES_PAGE_LG2_MAX 30

/* Pieces that an owner is asked for at once. */
#define IOAS_FRAMES_BATCH 128u

struct ioas_frames_piece;

/* Memory that is not one linear piece of this process. */
struct ioas_frames_ops {
	/*
	 * Address of page @page of @owner (pages count from the start of the
	 * range), or NULL if the processor cannot reach it. Any thread, no lock
	 * held but perhaps those below IOAS_RANK_ORIGIN.
	 */
	void *(*pointer)(void *owner, uint64_t page);
	/*
	 * Copy bytes where there is no pointer, in pages of this range only;
	 * @offset counts from @page. 0 or -EFAULT. NULL: it cannot be done.
	 */
	int (*copy)(void *owner, uint64_t page, uint64_t offset, void *buffer,
		    uint64_t length, bool write);
	/*
	 * The same of many pieces, at most IOAS_FRAMES_BATCH, whose frames
	 * count from the start of the range, in order; *@done as
	 * ioas_frames_copy_pieces() has it. NULL: piece by piece.
	 */
	int (*copy_pieces)(void *owner, const struct ioas_frames_piece *pieces,
			   uint32_t nr, bool write, uint64_t *done);
};

/* What is registered. Copied; @owner and @base stay the registrant's. */
struct ioas_frames_owner {
	/* May be NULL if @base is not. */
	const struct ioas_frames_ops *ops;
	void *owner;
	/* Memory of page 0, the others follow; NULL: ask @ops. */
	void *base;
};

struct ioas_frames_node;

/* Embedded in a context. Set once but for what @lock guards. */
struct ioas_frames {
	struct ioas_mutex lock;
	uint8_t page_lg2;
	/* Levels of the tree, each of 9 bits. */
	uint8_t levels;
	/* First frame number that is not an address of this process. */
	uint64_t identity_nr;
	/* Last frame number of all. */
	uint64_t last;
	/* Last number given out while others are free (ioas_frames_alloc). */
	uint64_t ceiling;
	struct ioas_frames_node *root;
	/* Under lock: where the search for free numbers goes on, and the last
	 * that it reaches before it begins again. */
	uint64_t next;
	uint64_t lap;
	/* Under lock: ranges registered. */
	uint64_t nr_ranges;
};

/* Return: 0, -EINVAL (page size) or -ENOMEM. */
int ioas_frames_init(struct ioas_frames *fs, uint8_t page_lg2);
/* Every range has been given back. Accepts a zeroed @fs. */
void ioas_frames_fini(struct ioas_frames *fs);

/*
 * Give @nr frames numbers that nobody else has, in *@first. They lie above the
 * identity range and start at a multiple of 2^18. Addresses stay below 2^52,
 * which is what most page tables can hold, as long as there is room.
 * Return: 0, -EINVAL (@nr zero, no memory named), -ENOSPC or -ENOMEM.
 */
int ioas_frames_alloc(struct ioas_frames *fs, uint64_t nr,
		      const struct ioas_frames_owner *owner, ioas_pfn_t *first);
/*
 * The same with numbers of the caller's choice.
 * Return: 0, -EINVAL (as above; beyond the last frame), -EEXIST or -ENOMEM.
 */
int ioas_frames_register(struct ioas_frames *fs, ioas_pfn_t first, uint64_t nr,
			 const struct ioas_frames_owner *owner);
/* Undo either of the above, given the @first of it. Cannot fail. */
void ioas_frames_free(struct ioas_frames *fs, ioas_pfn_t first);

/*
 * Who backs @pfn: false if nobody. For this process's own memory *@owner is
 * NULL and *@page is @pfn.
 */
bool ioas_frames_lookup(const struct ioas_frames *fs, ioas_pfn_t pfn,
			void **owner, uint64_t *page);
/* Where @pfn is in this process; NULL if nowhere. */
void *ioas_frames_pointer(const struct ioas_frames *fs, ioas_pfn_t pfn);
/*
 * As above, and in *@nr how many frames from @pfn on follow each other in
 * memory (0 with NULL).
 */
void *ioas_frames_run(const struct ioas_frames *fs, ioas_pfn_t pfn,
		      uint64_t *nr);
/*
 * Copy @length bytes between @buffer and consecutive frames, from byte @offset
 * of @pfn on, by pointer or by the owners' copy; @write: towards the frames.
 * Return: 0, or -EFAULT: no memory there; earlier bytes may be copied.
 */
int ioas_frames_copy(const struct ioas_frames *fs, ioas_pfn_t pfn,
		     uint64_t offset, void *buffer, uint64_t length,
		     bool write);

/* A piece of a copy: @length bytes at byte @offset of frame @pfn and beyond. */
struct ioas_frames_piece {
	ioas_pfn_t pfn;
	uint64_t offset;
	void *buffer;
	uint64_t length;
	/*
	 * @buffer is in a mapping of a file, which somebody may cut: only the
	 * kernel touches it, and what is gone is -EFAULT.
	 */
	bool fragile;
};

/*
 * The same of many pieces, in order; those of one owner with as few calls as
 * that can. *@done, also of an error: bytes that were copied for sure, in order
 * from the first. Return: 0 or -EFAULT.
 *
 * An aligned piece of 1, 2, 4 or 8 bytes in memory that has a pointer is one
 * load (acquire) or one store (release): whoever sees it never sees half of it,
 * and sees the pieces before it as well.
 */
int ioas_frames_copy_pieces(const struct ioas_frames *fs,
			    const struct ioas_frames_piece *pieces, uint32_t nr,
			    bool write, uint64_t *done);

#endif
