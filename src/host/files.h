/* SPDX-License-Identifier: MIT */
/*
 * files: descriptors of this process that have a file of ours behind them
 *
 *   number --> slot --> struct ioas_ufile      our table
 *     |
 *     +------> placeholder, an eventfd         the kernel's table
 *
 * The placeholder makes the number real: the kernel chose it, as the lowest one
 * that is free, and nobody else gets it; EMFILE comes from the limit of the
 * process. It is no memory, so it is not mistaken for a file that can be
 * mapped.
 *
 * The kernel is not asked again. If a placeholder is closed behind our back,
 * its slot is stale until the number is reserved again or closed by
 * ioas_files_close(): till then the number means our file.
 *
 * A use (ioas_files_use()) is how a call gets its file: no lock, no counter, no
 * write to what threads share. A close meanwhile does not wait, and hands its
 * reference over to who uses the file.
 */
#ifndef IOAS_HOST_FILES_H
#define IOAS_HOST_FILES_H

#include "seam/lock.h"
#include "uapi/file.h"

struct ioas_slots;
struct ioas_seat;

/* Embedded in an instance. */
struct ioas_files {
	/* Rank LEAF: writers. */
	struct ioas_mutex lock;
	/* NULL: no descriptor yet. Written under lock. */
	_Atomic(struct ioas_slots *) slots;
	/* What fstat() says of a placeholder; set with the first. */
	uint64_t dev;
	uint64_t ino;
};

/* One call on a file, by one thread. */
struct ioas_use {
	struct ioas_ufile *file;
	/* NULL: by a reference. */
	struct ioas_seat *seat;
};

void ioas_files_init(struct ioas_files *t);
/* Closes everything. Nobody uses a file. Accepts a zeroed @t. */
void ioas_files_fini(struct ioas_files *t);

/* As in host.h; @flags is enum ioas_fd_flags. */
int ioas_files_reserve(struct ioas_files *t, unsigned int flags, int *fd);
void ioas_files_commit(struct ioas_files *t, int fd, struct ioas_ufile *file);
void ioas_files_cancel(struct ioas_files *t, int fd);
/* Return: 0, -EBADF (not open, or reserved), -EINVAL (open, but not ours). */
int ioas_files_get(struct ioas_files *t, int fd, struct ioas_ufile **out);
/* Is the number reserved, and not open yet? */
bool ioas_files_reserved(struct ioas_files *t, int fd);
/* Return: 0 or -EBADF: nothing of ours. Only a placeholder is closed. */
int ioas_files_close(struct ioas_files *t, int fd);

/* Return: 0 or -EBADF; then there is nothing to be done with @use. */
int ioas_files_use(struct ioas_files *t, int fd, struct ioas_use *use);
/* May release the file. */
void ioas_files_done(struct ioas_use *use);

#endif
