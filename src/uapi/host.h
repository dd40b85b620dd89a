/* SPDX-License-Identifier: MIT */
/*
 * host: what the front end asks of whoever runs it
 *
 *   test, fuzzer, process with a library, supervisor
 *        |  caller (seam/caller.h): on whose behalf
 *   -----v------------------------------------------
 *   front end  -- descriptors, memory of callers --> host
 *
 * Every entry into the front end runs with a caller installed
 * (ioas_caller_enter()): it says how memory is reached, who pays and what is
 * allowed. Every op here is about the current caller, too. Descriptor numbers
 * are the caller's.
 *
 * Any thread may call, with no lock of the front end held.
 */
#ifndef IOAS_UAPI_HOST_H
#define IOAS_UAPI_HOST_H

#include "uapi/file.h"

struct ioas_frames;

enum ioas_fd_flags {
	IOAS_FD_CLOEXEC = 1u << 0,
};

/* Zeroed memory of ours that programs can map. */
struct ioas_shm {
	void *memory;
	uint64_t length;
	/* What a program maps; -1 if the host does it otherwise. */
	int fd;
	/* Where in it the memory begins. */
	uint64_t offset;
	/* The host's own, of memory that is lent. */
	int lent;
};

struct ioas_host;
struct ioas_iommufd;
struct ioas_vdev;
/* An eventfd of a program; the host's. */
struct ioas_uevent;

/* A request that has been handled. Good for the duration of the call. */
struct ioas_host_command {
	struct ioas_iommufd *ictx;
	uint32_t cmd;
	/* Bytes of the struct that we know; 0: none, or it was never copied. */
	uint32_t size;
	/* Our copy of it, as it came and as the handler left it. */
	const void *in;
	const void *out;
	/* Or -errno. */
	int64_t result;
};

struct ioas_host_ops {
	/*
	 * The memory of the caller's address space: the same origin for every
	 * call from one address space, good until this one is over. Return: 0
	 * or -ENOMEM.
	 */
	int (*user_origin)(struct ioas_host *h, struct ioas_origin **out);
	/*
	 * The same for containers of VFIO, which take BARs of functions that are
	 * mapped there as memory, too. NULL: user_origin.
	 */
	int (*container_origin)(struct ioas_host *h, struct ioas_origin **out);
	/*
	 * The memory of a file that is not ours, with a reference. Return: 0,
	 * -EBADF, -ENOMEM.
	 */
	int (*file_origin)(struct ioas_host *h, int32_t fd,
			   struct ioas_origin **out);

	/*
	 * A new descriptor in two steps: a number that nobody can use yet, then
	 * @file behind it, or never. fd_commit takes the reference of @file and
	 * cannot fail. Return: 0, -EMFILE or -ENOMEM.
	 */
	int (*fd_reserve)(struct ioas_host *h, struct ioas_ufile *file,
			  unsigned int flags, int32_t *fd);
	void (*fd_commit)(struct ioas_host *h, int32_t fd,
			  struct ioas_ufile *file);
	void (*fd_cancel)(struct ioas_host *h, int32_t fd);
	/*
	 * The file of ours behind @fd, with a reference. Return: 0, -EBADF (not
	 * open), -EINVAL (open, but not ours).
	 */
	int (*fd_get)(struct ioas_host *h, int32_t fd, struct ioas_ufile **out);

	/*
	 * Memory that programs will map through @file, an iommufd, at @offset;
	 * multiples of the page size. No two that live overlap. @file may be
	 * closed before the memory is destroyed. @file NULL: it is lent to files
	 * by shm_lend, and there need not be a caller. Return: 0 or -ENOMEM.
	 */
	int (*shm_create)(struct ioas_host *h, struct ioas_ufile *file,
			  uint64_t offset, uint64_t length,
			  struct ioas_shm *out);
	void (*shm_destroy)(struct ioas_host *h, struct ioas_shm *shm);
	/*
	 * Memory of no file is what programs map through @file at @offset from
	 * now on, with its contents; @file NULL: through none again. It stays at
	 * @shm->memory, where nobody looks meanwhile but perhaps other devices,
	 * whose writes may be lost. Return: 0 or -ENOMEM; if @file is NULL, it
	 * cannot fail. NULL: it need not be told, as programs map @shm->fd.
	 */
	int (*shm_lend)(struct ioas_host *h, struct ioas_shm *shm,
			struct ioas_ufile *file, uint64_t offset);

	/*
	 * What ops->poll of @file answers may have changed. Called with locks
	 * of the front end held: must neither block nor call back. May be NULL.
	 */
	void (*file_changed)(struct ioas_host *h, struct ioas_ufile *file);

	/*
	 * An ioctl of an iommufd has been handled, or refused. What it made is
	 * there for all by now. May be NULL.
	 */
	void (*command)(struct ioas_host *h, const struct ioas_host_command *c);

	/*
	 * The eventfd behind @fd, with a reference. Return: 0, -EBADF (not
	 * open), -EINVAL (something else), -ENOMEM. NULL: -EOPNOTSUPP.
	 */
	int (*event_get)(struct ioas_host *h, int32_t fd,
			 struct ioas_uevent **out);
	void (*event_put)(struct ioas_host *h, struct ioas_uevent *event);
	/*
	 * Add 1 to its counter. Called with locks of the front end held: must
	 * neither block nor call back. Any thread, also without a caller.
	 */
	void (*event_signal)(struct ioas_host *h, struct ioas_uevent *event);
	/*
	 * Whenever somebody signals @event, take its count and call @fn: in a
	 * thread of the host's, with no lock held and no caller. @fn may wait for
	 * @owner, which holds up no watch of others. Watches of one event differ
	 * in @ctx, as those of one owner do. Return: 0, -ENOMEM. NULL:
	 * -EOPNOTSUPP.
	 */
	int (*event_watch)(struct ioas_host *h, struct ioas_uevent *event,
			   const struct ioas_vdev *owner,
			   void (*fn)(void *ctx), void *ctx);
	/* When it returns, no call is in progress. No lock of @fn's is held. */
	void (*event_unwatch)(struct ioas_host *h, struct ioas_uevent *event,
			      const struct ioas_vdev *owner, void *ctx);
};

struct ioas_host {
	const struct ioas_host_ops *ops;
	/* lg2 of the page size, and of the size that IOVAs are aligned to. */
	uint8_t page_lg2;
	uint8_t huge_lg2;
	/* Where origins register their frames. */
	struct ioas_frames *frames;
};

#endif
