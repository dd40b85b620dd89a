/* SPDX-License-Identifier: MIT */
/*
 * backing: whose memory a frame of a client is, for a whole context
 *
 *   private memory   (process, address)   one range of frame numbers each
 *   shared memory    (file, page)         a chunk per GiB of a file
 *
 *    user  va ---VMA---> private ---------------> process + va / page size
 *    peer          \---> private ---------------> that one + va / page size
 *                   `--> memfd, tmpfs, ... -\
 *    file  offset ------------------------- chunk of (dev, ino, page / 2^18)
 *
 * What devices of ours show to clients is memory of this process, at an address
 * that stays: its frames are addresses, which nobody registers (frames.h).
 *
 * So a page of a memfd is one frame however it is reached: through two
 * mappings, or as a file. A chunk lives while pages of it are pinned; it has
 * mappings of its own (views), so that shared memory outlives the client's
 * mapping and its descriptor.
 *
 * No access to client memory may crash us, and a file may be truncated at any
 * moment. Frames therefore have a pointer only where that cannot happen: memfds
 * sealed against shrinking, mapped from their descriptor. All others are
 * reached by ioas_frames_copy(), at the price of a system call.
 *
 * Owned by a context, beside its frame space, and outlives its origins.
 */
#ifndef IOAS_ORIGIN_BACKING_H
#define IOAS_ORIGIN_BACKING_H

#include "base/list.h"
#include "base/run.h"
#include "origin/frames.h"
#include "origin/ops.h"
#include "origin/vspace.h"

#define IOAS_BACKINGS_SLOTS 64
/* The kernel's own mounts: memfds and anonymous memory; one per huge size. */
#define IOAS_BACKINGS_MOUNTS 4

/* Embedded in a context. Set once but for what @lock guards. */
struct ioas_backings {
	struct ioas_frames *frames;
	/* This process. */
	struct ioas_vspace self;
	/* Device numbers of file systems that are memory; [0]: of memfds. */
	uint64_t memory_dev[IOAS_BACKINGS_MOUNTS];
	/* Pages that are pinned by address, of all address spaces. */
	_Atomic uint64_t address_pins;
	/* And pages of devices of ours, whose frames nobody registers. */
	_Atomic uint64_t device_pins;
	/* Address spaces of other processes that have frames (checked). */
	_Atomic uint32_t nr_peers;

	struct ioas_mutex lock;
	/* Guarded. struct ioas_chunk, by hash. */
	struct ioas_list chunks[IOAS_BACKINGS_SLOTS];
	uint64_t nr_chunks;
	uint64_t chunk_pins;
};

/*
 * @frames has the page size of the machine. Return: 0, -EINVAL (it has not),
 * -EOPNOTSUPP (a kernel before 5.14, no /proc), -ENOSPC, -ENOMEM.
 */
int ioas_backings_init(struct ioas_backings *b, struct ioas_frames *frames);
/* Every page has been unpinned (checked). Accepts a zeroed @b. */
void ioas_backings_fini(struct ioas_backings *b);

/* Pages pinned now, and chunks that exist. */
uint64_t ioas_backings_pinned(struct ioas_backings *b);
uint64_t ioas_backings_chunks(struct ioas_backings *b);

/* ---- for the origins of this room --------------------------------------- */

/* The head of an origin whose frames these are, and its ops. */
struct ioas_backed_origin {
	struct ioas_origin head;
	/* Set once. */
	struct ioas_backings *b;
};

void ioas_backed_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty);
void *ioas_backed_pointer(struct ioas_origin *o, ioas_pfn_t pfn);
int ioas_backed_copy_frame(struct ioas_origin *o, ioas_pfn_t pfn,
			   uint64_t offset, void *buffer, uint64_t length,
			   bool write);
/* Is there room in @rq for @pfn? Then @nr frames from it on are appended. */
static inline bool ioas_request_room(const struct ioas_pin_request *rq,
				     ioas_pfn_t pfn)
{
	return ioas_runs_room(rq->runs, rq->nr_runs, rq->max_runs, pfn);
}

static inline void ioas_request_append(struct ioas_pin_request *rq,
				       ioas_pfn_t pfn, uint64_t nr)
{
	ioas_runs_append(rq->runs, &rq->nr_runs, rq->max_runs, pfn, nr);
	rq->nr_pinned += nr;
}

/*
 * What every pin begins with: an empty answer. Return: 0, -EINVAL (a request
 * that asks for nothing, or has no room), -EFAULT (a fault point).
 */
int ioas_backed_pin_start(struct ioas_pin_request *rq);

/*
 * Where a view of a file comes from: a descriptor, or else a client's VMA, in
 * an address space with a way to open it or, with NULL, in this process.
 */
struct ioas_chunk_source {
	uint64_t dev;
	uint64_t ino;
	int fd; /* -1: none */
	const struct ioas_vma *vma;
	struct ioas_vspace *space;
};

/*
 * Is a shared mapping of this file known by the file? Return: 0, -EFAULT (it
 * may not be pinned for writing), -EOPNOTSUPP (by address), -ENOMEM.
 */
int ioas_backings_admit(struct ioas_backings *b, uint64_t dev, uint64_t ino,
			uint64_t page, bool write);
/*
 * Pin pages [@page, @page + @nr) of a file and append them to @rq, as many as
 * there is room for. Return: 0; or an error, of the page after those appended:
 * -EFAULT, -ENOMEM, -EOPNOTSUPP (the file cannot be mapped).
 */
int ioas_backings_pin_file(struct ioas_backings *b,
			   const struct ioas_chunk_source *src, uint64_t page,
			   uint64_t nr, struct ioas_pin_request *rq);
/* Pin @nr pages of @vma at @address of @s; else as above. */
int ioas_vspace_pin_address(struct ioas_vspace *s, const struct ioas_vma *vma,
			    uint64_t address, uint64_t nr,
			    struct ioas_pin_request *rq);
/* Frames of any kind. Cannot fail. */
void ioas_backings_unpin(struct ioas_backings *b, ioas_pfn_t pfn, uint64_t nr);

/* ---- address spaces ----------------------------------------------------- */

/*
 * Frames for @s, whose vmas are set. Return: 0, -ENOSPC, -ENOMEM.
 */
int ioas_vspace_init(struct ioas_vspace *s, struct ioas_backings *b,
		     const struct ioas_vspace_ops *ops);
/* Nothing of it is pinned. */
void ioas_vspace_fini(struct ioas_vspace *s);

/* The head of an origin that is an address space: bytes are addresses. */
struct ioas_vspace_origin {
	struct ioas_backed_origin o;
	/* Set once. */
	struct ioas_vspace *space;
	/* ioas_caller.mm of who has this memory. */
	const void *mm;
	/* Memory of devices of ours can be pinned, too (ops->device). */
	bool devices;
};

void ioas_vspace_origin_init(struct ioas_vspace_origin *o,
			     const struct ioas_origin_ops *ops,
			     struct ioas_vspace *space, const void *mm);
/* Ops. */
int ioas_vspace_pin(struct ioas_origin *o, struct ioas_pin_request *rq);
int ioas_vspace_copy(struct ioas_origin *o, uint64_t offset, void *buffer,
		     uint64_t length, unsigned int flags);

#endif
