/* SPDX-License-Identifier: MIT */
/*
 * reader: walks a range of a pages object and delivers batches of frames, from
 * whatever tier holds them, pinning where none does
 *
 *   first            bstart         bend        wend               last
 *     |----delivered----|====batch====|~~pinned~~|....untouched......|
 *                                      read-ahead
 *
 * Invariants:
 *  H2  every index of the range is delivered exactly once, in order;
 *  H3  two batches meet at a discontinuity of frames, a change of kind, or a
 *      limit that the drain would respect equally;
 *  C6  read-ahead never crosses the end of a hole: what is held is not pinned
 *      again.
 *
 * Locks: the pages lock is held from init to fini, so both sets and all
 * storage domains are frozen.
 */
#ifndef IOAS_CORE_READER_H
#define IOAS_CORE_READER_H

#include "core/area.h"
#include "core/batch.h"
#include "core/span.h"

/* Runs pinned ahead on the stack: 128 bytes; more are allocated. */
#define IOAS_WINDOW_INLINE 8

struct ioas_reader {
	struct ioas_pages *pages;
	const struct ioas_tuning *tuning;
	uint64_t last;
	/* T1: access set, T2: linked set. */
	struct ioas_dspan spans;
	struct ioas_cset linked_one;

	struct ioas_batch batch;
	uint64_t bstart;
	uint64_t bend;

	/* Pinned and not delivered: window[wpos..wnr), pages up to wend. */
	struct ioas_run *window;
	uint32_t wcap;
	uint32_t wnr;
	uint32_t wpos;
	uint64_t wend;
	size_t wallocated;
	bool alive;

	/* Where the walk of the storage domain of @area left off. */
	struct ioas_area *area;
	struct ioas_domain_cursor cursor;

	struct ioas_run batch_room[IOAS_BATCH_INLINE];
	struct ioas_run window_room[IOAS_WINDOW_INLINE];
};

/*
 * Start at @first and deliver the first batch. On error nothing is pinned and
 * nothing is left to finish. Return: 0, -ENOMEM, errors of the origin.
 */
int ioas_reader_init(struct ioas_reader *r, struct ioas_pages *pages,
		     uint64_t first, uint64_t last,
		     const struct ioas_tuning *tuning)
	__must_hold(pages->mutex);
/*
 * Deliver the next batch; it is empty when the range is done. On error the
 * batch is empty, and what was delivered before is the caller's.
 */
int ioas_reader_next(struct ioas_reader *r) __must_hold(r->pages->mutex);
/*
 * Hand back those pages of the current batch that this reader pinned: the
 * holes of both sets. For copying, and for what could not be used.
 */
void ioas_reader_release_batch(struct ioas_reader *r, bool dirty)
	__must_hold(r->pages->mutex);
/* Release read-ahead that was not delivered, and free. */
void ioas_reader_fini(struct ioas_reader *r) __must_hold(r->pages->mutex);

/*
 * The frames that the storage domain of @area, which is linked, has from page
 * @index on, in *@run: not beyond @last or the area. @cursor is zeroed at
 * first, and follows indexes that rise. Return: 0, or -EFAULT (checked).
 */
int ioas_area_frames(const struct ioas_area *area, uint64_t index,
		     uint64_t last, struct ioas_domain_cursor *cursor,
		     struct ioas_run *run) __must_hold(area->pages->mutex);

/* The current batch is empty: every index was delivered before. */
static inline bool ioas_reader_done(const struct ioas_reader *r)
{
	return r->bstart > r->last;
}

#endif
