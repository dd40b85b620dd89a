/* SPDX-License-Identifier: MIT */
/*
 * dirty: which pages devices wrote, as a bitmap
 *
 * Bit n stands for IOVA [base + n*G, base + (n+1)*G - 1]; it is bit n mod 8 of
 * byte n div 8. Bits are only ever set (ioas-core 15).
 */
#ifndef IOAS_CORE_DIRTY_H
#define IOAS_CORE_DIRTY_H

#include "core/iopt.h"
#include "seam/caller.h"

struct ioas_dirty_request {
	ioas_iova_t iova;
	uint64_t length;
	/* Bytes per bit; a power of two. */
	uint64_t granularity;
	/* Address of the bitmap in the current caller's memory. */
	uint64_t bitmap;
	/* IOAS_DIRTY_NO_CLEAR */
	unsigned int flags;
	/* Bytes of the bitmap kept in hand at a time; 0: the default. */
	uint32_t window;
	/*
	 * Pages of the caller's memory that cannot be read or written are left
	 * out: what is dirty there is lost, and everything else reported.
	 */
	bool skip_faults;
};

/*
 * On: forget what was dirty, then track. Idempotent. Return: 0, -EOPNOTSUPP
 * (the domain cannot), -ENOENT (not attached to @ioas).
 */
int ioas_dirty_set(struct ioas *ioas, struct ioas_domain *domain, bool on);

/*
 * Set the bits of what is dirty, and clear it in the domain. Return: 0;
 * -EOVERFLOW (wraps); -EINVAL (zero length, misaligned, granularity no power of
 * two, a gap: what was found before it is reported); -EFAULT (bitmap, unless
 * faults are skipped); -EOPNOTSUPP; -ENOENT.
 */
int ioas_dirty_read(struct ioas *ioas, struct ioas_domain *domain,
		    const struct ioas_dirty_request *rq);

/* Sets bits of a bitmap in a caller's memory, window by window. */
struct ioas_bitmap {
	struct ioas_dirty_sink sink;
	ioas_iova_t base;
	ioas_iova_t last;
	uint8_t granularity_lg2;
	uint64_t address;
	/* Bytes [window_first, window_first + window_bytes) are in hand. */
	uint8_t *window;
	uint32_t window_cap;
	uint32_t window_bytes;
	uint64_t window_first;
	bool window_dirty;
	/* Its memory cannot be read: bits in it are dropped. */
	bool window_lost;
	/*
	 * Bytes of a page of the caller's memory: no window crosses a page, and
	 * one that cannot be reached is skipped. 0: the first fault ends it.
	 */
	uint64_t page;
	/* First error; 0 or -EFAULT. */
	int error;
};

/* @room holds @cap bytes of the window; @page_lg2: of the caller's memory. */
void ioas_bitmap_init(struct ioas_bitmap *b, const struct ioas_dirty_request *rq,
		      uint8_t page_lg2, uint8_t *room, uint32_t cap);
/* Writes the window back. Return: 0 or -EFAULT. */
int ioas_bitmap_finish(struct ioas_bitmap *b);

#endif
