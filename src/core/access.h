/* SPDX-License-Identifier: MIT */
/*
 * access: a software client of an address space
 *
 *   attach --> [current = unpin = S] --detach/replace--> current := other
 *                                       unmap callback for everything
 *                                       unpin := other
 *
 * Pins go through the current space, unpins through the unpin space; they
 * differ only while the access is leaving. Invariants D1-D7 of ioas-core 7:
 * in particular no callback runs with a core lock held (D6), and none runs
 * after detach or destroy returned (D7).
 *
 * Locks: lock (CL) guards the two spaces and is taken before any lock of a
 * space.
 */
#ifndef IOAS_CORE_ACCESS_H
#define IOAS_CORE_ACCESS_H

#include "core/iopt.h"

/* Accesses that one space can have (iommufd-uapi 14.2). */
#define IOAS_MAX_ACCESSES 65536u

struct ioas_access_ops {
	/*
	 * Stop using every pin that intersects the range and release it before
	 * returning. Any thread, several at once, any number of times, also
	 * for ranges in which there is nothing (ioas-core 4.3).
	 */
	void (*unmap)(void *data, ioas_iova_t iova, uint64_t length);
};

enum ioas_access_flags {
	/* Will pin: asks for an alignment of a page. */
	IOAS_ACCESS_PINS = 1u << 0,
	/* Has no callback; its pins lock the area (13.6). */
	IOAS_ACCESS_INTERNAL = 1u << 1,
};

/* One access as member of one space; two of them during a replacement. */
struct ioas_attachment {
	/* In ioas->accesses; like the rest guarded by its access_lock. */
	struct ioas_list link;
	struct ioas_access *access;
	/* Callbacks that are running; who leaves waits for them (D7). */
	_Atomic uint32_t notifying;
	bool leaving;
};

struct ioas_access {
	/* Set once. */
	struct ioas_context *ctx;
	const struct ioas_access_ops *ops;
	void *data;
	unsigned int flags;

	struct ioas_mutex lock;
	/* Guarded by lock. */
	struct ioas *ioas;
	struct ioas *unpin_ioas;
	struct ioas_attachment *attachment;
	bool changing;
};

/* Where a pin puts its frames: runs in order of IOVA, melted where contiguous. */
struct ioas_run_list {
	struct ioas_run *runs;
	uint32_t max;
	/* Out. */
	uint32_t nr;
};

enum ioas_access_rw_flags {
	IOAS_ACCESS_WRITE = 1u << 0,
	/* The caller may adopt another address space (13.5). */
	IOAS_ACCESS_ADOPT = 1u << 1,
};

/* @ops may be NULL for an internal access. Return: 0 or -ENOMEM. */
int ioas_access_create(struct ioas_context *ctx,
		       const struct ioas_access_ops *ops, void *data,
		       unsigned int flags, struct ioas_access **out);
/* Detaches first. Accepts NULL. */
void ioas_access_destroy(struct ioas_access *access);

/*
 * The two spaces and the attachment agree; true if sound. Takes the access's
 * lock and the space's list lock.
 */
bool ioas_access_validate(struct ioas_access *access);

/*
 * Return: 0, -EINVAL (attached already), -EADDRINUSE (alignment), -EBUSY (the
 * space has as many as it can), -ENOMEM.
 */
int ioas_access_attach(struct ioas_access *access, struct ioas *ioas);
/* Return: 0, -ENOENT (not attached), -EBUSY (a change is in progress). */
int ioas_access_detach(struct ioas_access *access);
/*
 * Join @ioas, then leave the old space. Nothing can be pinned meanwhile.
 * Return: 0, -ENOENT (not attached), -EBUSY (also as in an attachment),
 * -EADDRINUSE, -ENOMEM; on error the access is where it was.
 */
int ioas_access_replace(struct ioas_access *access, struct ioas *ioas);

/**
 * ioas_access_pin() - keep the pages behind a range, and learn their frames
 * @access: attached client
 * @iova:   first byte; its place in the pages object is page aligned
 * @length: bytes
 * @flags:  IOAS_ACCESS_WRITE
 * @list:   where the frames go; NULL if nobody wants them
 *
 * All or nothing (ioas-core 13.2). One page per page touched.
 *
 * Return: 0; -EINVAL (zero length, misaligned, closing, device memory);
 * -EOVERFLOW (wraps); -ENOENT (not attached, or a gap); -EPERM; -EMSGSIZE
 * (@list is too short); -ENOMEM (memory or limit); errors of the origin.
 */
int ioas_access_pin(struct ioas_access *access, ioas_iova_t iova,
		    uint64_t length, unsigned int flags,
		    struct ioas_run_list *list);
/* Same range as a pin. Cannot fail; a mismatch is reported and ignored. */
void ioas_access_unpin(struct ioas_access *access, ioas_iova_t iova,
		       uint64_t length);

/**
 * ioas_access_rw() - copy bytes in or out
 * @access: attached client
 * @iova:   first byte
 * @buffer: memory of the library's process
 * @length: bytes
 * @flags:  IOAS_ACCESS_WRITE: into the space; IOAS_ACCESS_ADOPT
 *
 * What was copied before an error stays copied (ioas-core 13.5).
 *
 * Return: 0; -EINVAL (zero length, closing, device memory); -EOVERFLOW;
 * -ENOENT; -EPERM; -EFAULT; -ENOMEM.
 */
int ioas_access_rw(struct ioas_access *access, ioas_iova_t iova, void *buffer,
		   uint64_t length, unsigned int flags);

#endif
