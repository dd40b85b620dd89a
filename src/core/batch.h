/* SPDX-License-Identifier: MIT */
/*
 * batch: a bounded vector of runs that carries frames between tiers
 *
 *    runs   [ pfn, nr ][ pfn, nr ] ... [ pfn, nr ] . . . .
 *             0          1               nr_runs-1     cap
 *
 * Invariants:
 *  H1  total is the sum of the counts; all runs are of one kind.
 *
 * A refused append is back-pressure, not an error. Not locked: it lives on the
 * stack of one operation, its runs on the stack or in one allocation.
 */
#ifndef IOAS_CORE_BATCH_H
#define IOAS_CORE_BATCH_H

#include "base/run.h"
#include "core/context.h"
#include "origin/ops.h"

enum ioas_kind {
	IOAS_KIND_CPU,
	/* Device memory: mapped uncached (IOAS_PROT_MMIO). */
	IOAS_KIND_MMIO,
};

/* Runs on the stack of the operation: 336 bytes. */
#define IOAS_BATCH_INLINE 21

struct ioas_batch {
	struct ioas_run *runs;
	uint32_t nr_runs;
	uint32_t cap;
	uint64_t total;
	enum ioas_kind kind;
	/* Size of the allocation behind @runs; 0: it is somebody else's. */
	size_t allocated;
};

/* On @nr runs that the caller owns. */
void ioas_batch_init(struct ioas_batch *b, struct ioas_run *runs, uint32_t nr);
/*
 * For filling a range of @pages: on @runs if they are enough, else room for
 * the range, at most 64 KiB, at least one page. 0 or -ENOMEM.
 */
int ioas_batch_init_fill(struct ioas_batch *b, struct ioas_run *runs,
			 uint32_t nr, uint64_t pages,
			 const struct ioas_tuning *tuning);
/* For draining: the same, but falls back to @runs and cannot fail. */
void ioas_batch_init_drain(struct ioas_batch *b, struct ioas_run *runs,
			   uint32_t nr, uint64_t pages,
			   const struct ioas_tuning *tuning);
void ioas_batch_fini(struct ioas_batch *b);

static inline void ioas_batch_clear(struct ioas_batch *b)
{
	b->nr_runs = 0;
	b->total = 0;
	b->kind = IOAS_KIND_CPU;
}

/* Lengthen the last run, or use a new one; false refuses, and nothing changed. */
static inline bool ioas_batch_append(struct ioas_batch *b, ioas_pfn_t pfn,
				     uint64_t nr, enum ioas_kind kind)
{
	uint64_t total;

	if (ioas_add_overflow(b->total, nr, &total))
		return false;
	if (b->nr_runs && b->kind != kind)
		return false;
	if (!ioas_runs_append(b->runs, &b->nr_runs, b->cap, pfn, nr))
		return false;
	b->kind = kind;
	b->total = total;
	return true;
}

/* H1; true if sound. */
bool ioas_batch_validate(const struct ioas_batch *b);

/*
 * Hand the first @nr pages back to @origin and drop them. What remains is a
 * carry: it lies in one run (checked).
 */
void ioas_batch_unpin_head(struct ioas_batch *b, struct ioas_origin *origin,
			   uint64_t nr, bool dirty);
/* Drop the first @nr pages, or all; what remains lies in one run (checked). */
void ioas_batch_skip_head(struct ioas_batch *b, uint64_t nr);
/* Hand @nr pages that begin @skip pages into the batch back to @origin. */
void ioas_batch_unpin(const struct ioas_batch *b, struct ioas_origin *origin,
		      uint64_t skip, uint64_t nr, bool dirty);
/*
 * Copy @length bytes between @buffer and the frames, from byte @offset of the
 * batch on; @write: towards the frames. 0, or -EFAULT: no way to them.
 */
int ioas_batch_copy(const struct ioas_batch *b, struct ioas_origin *origin,
		    uint8_t page_lg2, uint64_t offset, void *buffer,
		    uint64_t length, bool write);

#endif
