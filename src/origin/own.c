/* SPDX-License-Identifier: MIT */
/*
 * own: the memory of this process, trusted
 *
 *   page index = frame = virtual address / page size
 *
 * For programs that map what they own, as a virtual machine monitor or a
 * driver in user space does. No device of ours bypasses the processor's page
 * tables, so nothing has to be nailed down: an address is its memory.
 *
 * What this waives of docs/reference/ioas-core.md 4.2:
 *  - Nothing is pinned. If the program unmaps or remaps an address that it has
 *    mapped here, devices see what is there now, or the program crashes: the
 *    stability of INV-C6 is the program's promise.
 *  - Nothing is checked. A hole or read-only memory shows when it is used.
 *    Only addresses that no memory can have are refused (-EFAULT).
 *  - There is no aliveness guard: the process is this one.
 * Counting is not waived: npinned and charges are kept by the core as for any
 * other origin.
 *
 * No locks, no system calls. A pin is one run, however long.
 */
#include "origin/own.h"

#include "base/bits.h"
#include "base/mem.h"
#include "origin/frames.h"
#include "seam/fault.h"

static int own_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	uint64_t limit = (uint64_t)1
			 << (IOAS_FRAMES_IDENTITY_LG2 - o->page_lg2);

	if (IOAS_CHECK(!rq->nr || !rq->max_runs))
		return -EINVAL;
	if (ioas_fault_point(IOAS_FP_PIN) || rq->first >= limit)
		return -EFAULT;
	rq->nr_pinned = ioas_min(rq->nr, limit - rq->first);
	rq->runs[0] = (struct ioas_run){ rq->first, rq->nr_pinned };
	rq->nr_runs = 1;
	return 0;
}

static void own_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		      bool dirty)
{
	(void)o;
	(void)pfn;
	(void)nr;
	(void)dirty;
}

static void *own_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	return (void *)(uintptr_t)(pfn << o->page_lg2);
}

static int own_copy(struct ioas_origin *o, uint64_t offset, void *buffer,
		    uint64_t length, unsigned int flags)
{
	void *p = (void *)(uintptr_t)offset;
	uint64_t last;

	(void)o;
	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (!length)
		return 0;
	if (!ioas_last(offset, length, &last) ||
	    last >> IOAS_FRAMES_IDENTITY_LG2)
		return -EFAULT;
	/* Not memcpy: both may be the same memory. */
	if (flags & IOAS_COPY_WRITE)
		memmove(p, buffer, (size_t)length);
	else
		memmove(buffer, p, (size_t)length);
	return 0;
}

static void own_destroy(struct ioas_origin *o)
{
	ioas_free(o, sizeof(*o));
}

static const struct ioas_origin_ops own_ops = {
	.name = "own",
	.pin = own_pin,
	.unpin = own_unpin,
	.pointer = own_pointer,
	.copy = own_copy,
	.destroy = own_destroy,
};

int ioas_origin_own_create(uint8_t page_lg2, struct ioas_origin **out)
{
	struct ioas_origin *o;

	if (page_lg2 < IOAS_FRAMES_PAGE_LG2_MIN ||
	    page_lg2 > IOAS_FRAMES_PAGE_LG2_MAX)
		return -EINVAL;
	o = ioas_zalloc(sizeof(*o), IOAS_FP_ALLOC_SPACE);
	if (!o)
		return -ENOMEM;
	ioas_origin_init(o, &own_ops, page_lg2, 0);
	*out = o;
	return 0;
}
