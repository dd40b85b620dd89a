/* SPDX-License-Identifier: MIT */
/*
 * file: what a program holds a descriptor of
 *
 *   iommufd, fault queue, event queue, access, dma-buf
 *      |
 *   descriptor(s) of the host  --reference-->  struct ioas_ufile  --release-->
 *
 * The front end does not know what a descriptor is: the host (host.h) leads
 * from the number that a program uses to the file, and calls the ops. A buffer
 * is an address of the current caller's memory.
 *
 * Results are those of the system call: a count or value, or -errno.
 */
#ifndef IOAS_UAPI_FILE_H
#define IOAS_UAPI_FILE_H

#include <stdatomic.h>

#include "base/types.h"

struct ioas_origin;
struct ioas_region;
struct ioas_ufile;

/* The values are the system's. */
enum ioas_poll {
	IOAS_POLLIN = 0x0001,
	IOAS_POLLOUT = 0x0004,
	IOAS_POLLRDNORM = 0x0040,
	IOAS_POLLWRNORM = 0x0100,
};

/* What mmap(2) was asked for. */
struct ioas_mmap_request {
	uint64_t offset;
	/* As given to mmap: it rounds up to pages. */
	uint64_t length;
	bool shared;
	bool exec;
};

struct ioas_ufile_ops {
	/* What readlink(2) on the descriptor says. */
	const char *name;
	/* NULL: -ENOTTY. */
	int64_t (*ioctl)(struct ioas_ufile *f, uint32_t cmd, uint64_t arg);
	/* NULL: -EINVAL. Never block. */
	int64_t (*read)(struct ioas_ufile *f, uint64_t buffer, uint64_t count);
	int64_t (*write)(struct ioas_ufile *f, uint64_t buffer, uint64_t count);
	/*
	 * Of a file with positions: pread(2), pwrite(2), and, at the position
	 * that the host keeps for the descriptor, read and write. NULL: -ESPIPE.
	 */
	int64_t (*read_at)(struct ioas_ufile *f, uint64_t buffer,
			   uint64_t count, uint64_t offset);
	int64_t (*write_at)(struct ioas_ufile *f, uint64_t buffer,
			    uint64_t count, uint64_t offset);
	/* enum ioas_poll; NULL: no poll operation, always ready. */
	uint32_t (*poll)(struct ioas_ufile *f);
	/* A reference in *@out (region.h). NULL: -ENODEV. */
	int (*mmap)(struct ioas_ufile *f, const struct ioas_mmap_request *rq,
		    struct ioas_region **out);
	/*
	 * dma-buf: the origin behind the file, which stays the file's. Return:
	 * 0, or -EINVAL (beyond its size). NULL: not a dma-buf.
	 */
	int (*origin)(struct ioas_ufile *f, uint64_t start, uint64_t length,
		      struct ioas_origin **out);
	/* The last reference is gone. Frees. */
	void (*release)(struct ioas_ufile *f);
};

/* The head of every file. */
struct ioas_ufile {
	const struct ioas_ufile_ops *ops;
	_Atomic uint32_t refs;
};

static inline void ioas_ufile_init(struct ioas_ufile *f,
				   const struct ioas_ufile_ops *ops)
{
	f->ops = ops;
	atomic_store_explicit(&f->refs, 1, memory_order_relaxed);
}

static inline struct ioas_ufile *ioas_ufile_get(struct ioas_ufile *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

/* Accepts NULL. No lock is held. */
static inline void ioas_ufile_put(struct ioas_ufile *f)
{
	if (f && atomic_fetch_sub_explicit(&f->refs, 1,
					   memory_order_acq_rel) == 1)
		f->ops->release(f);
}

#endif
