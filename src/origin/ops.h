/* SPDX-License-Identifier: MIT */
/*
 * origin ops: the contract between the core and what gives memory
 *
 * An origin is an array of pages that can be pinned: the memory of a process,
 * a file, a device's memory. A pages object is a slice of one. A pin turns
 * page indexes into runs of frames and keeps them where they are until they
 * are unpinned; what a frame number means is the origin's business, and only
 * the origin (or the frame space, src/origin/frames.h) makes a pointer of it.
 *
 * One pin per page: a pin of n pages is undone by unpins that add up to these
 * n pages, in any order and in any cut. An origin whose mechanism releases
 * larger units hides that.
 *
 * Normative: docs/reference/ioas-core.md 4.2.
 */
#ifndef IOAS_ORIGIN_OPS_H
#define IOAS_ORIGIN_OPS_H

#include <stdatomic.h>

#include "base/types.h"

struct ioas_origin;

struct ioas_pin_request {
	/* First page of the origin to pin, and how many. */
	uint64_t first;
	uint64_t nr;
	bool write;
	/* Room for the answer. */
	struct ioas_run *runs;
	uint32_t max_runs;
	/* Answer: runs used, and pages in them: 1..nr on success. */
	uint32_t nr_runs;
	uint64_t nr_pinned;
};

enum ioas_copy_flags {
	/* Towards the origin; otherwise from it. */
	IOAS_COPY_WRITE = 1u << 0,
	/* The caller is a service thread that may adopt an address space. */
	IOAS_COPY_ADOPT = 1u << 1,
};

/* What an origin is, for the few decisions of the core that depend on it. */
enum ioas_origin_flags {
	/* Does not depend on a process: change of process is possible. */
	IOAS_ORIGIN_FILE = 1u << 0,
	/* Device memory: contiguous, revocable, neither pinned nor charged. */
	IOAS_ORIGIN_DEVICE = 1u << 1,
};

struct ioas_origin_ops {
	const char *name;

	/*
	 * Pin up to @nr pages in order. A failure on the first page is an
	 * error, a later one a short count. Device memory answers with its
	 * frames and pins nothing.
	 *
	 * Return: 0, -EFAULT (no such memory, or not with this access),
	 * -ENOMEM, -EINVAL (beyond the end of a file).
	 */
	int (*pin)(struct ioas_origin *o, struct ioas_pin_request *rq);

	/* Cannot fail, does not allocate. @dirty: contents may have changed. */
	void (*unpin)(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		      bool dirty);

	/*
	 * Address of a pinned frame in this process; the frames that follow in
	 * one run need not follow in memory. NULL: there is none, or none that
	 * is safe to use: then @copy_frame, if the origin has it.
	 */
	void *(*pointer)(struct ioas_origin *o, ioas_pfn_t pfn);

	/*
	 * Copy @length bytes between @buffer and pinned frames, from byte
	 * @offset of @pfn on into the frames that follow; @write: towards them.
	 * For memory that may vanish in spite of the pin. May be NULL.
	 * Return: 0, or -EFAULT: it has; earlier bytes may be copied.
	 */
	int (*copy_frame)(struct ioas_origin *o, ioas_pfn_t pfn,
			  uint64_t offset, void *buffer, uint64_t length,
			  bool write);

	/*
	 * Guard that keeps the memory of another process usable, taken once per
	 * reader; NULL if not needed. Return: 0 or -EFAULT (gone).
	 */
	int (*get_alive)(struct ioas_origin *o);
	void (*put_alive)(struct ioas_origin *o);

	/*
	 * Fast copy of @length bytes at byte @offset of the origin, looking at
	 * what is there now, without pinning (ioas-core 13.5); NULL: always the
	 * slow path. @flags are IOAS_COPY_*.
	 * Return: 0, -EFAULT, or -EAGAIN: use the slow path.
	 */
	int (*copy)(struct ioas_origin *o, uint64_t offset, void *buffer,
		    uint64_t length, unsigned int flags);

	/*
	 * Device memory: @revoke(@data) is to be called, once, when the
	 * exporter takes the memory back; NULL @revoke withdraws. Called with
	 * no pages lock held. Return: 0, -ENODEV (revoked already), -ENOMEM.
	 */
	int (*watch)(struct ioas_origin *o, void (*revoke)(void *data),
		     void *data);

	void (*destroy)(struct ioas_origin *o);
};

/* The head of every origin. */
struct ioas_origin {
	const struct ioas_origin_ops *ops;
	_Atomic uint32_t refs;
	/* lg2 of the page size that first, nr and pfn count in. */
	uint8_t page_lg2;
	/* enum ioas_origin_flags */
	uint8_t flags;
};

/* The head of a new origin, with one reference. */
static inline void ioas_origin_init(struct ioas_origin *o,
				    const struct ioas_origin_ops *ops,
				    uint8_t page_lg2, uint8_t flags)
{
	o->ops = ops;
	atomic_store_explicit(&o->refs, 1, memory_order_relaxed);
	o->page_lg2 = page_lg2;
	o->flags = flags;
}

static inline struct ioas_origin *ioas_origin_get(struct ioas_origin *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

/* Accepts NULL. */
static inline void ioas_origin_put(struct ioas_origin *o)
{
	if (o && atomic_fetch_sub_explicit(&o->refs, 1,
					   memory_order_acq_rel) == 1)
		o->ops->destroy(o);
}

#endif
