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

/*
 * Where a thread says which file it uses (files.c, F1 to F3). Aligned, so that
 * each has a cache line of its own.
 */
struct ioas_seat {
	_Alignas(64) _Atomic(struct ioas_ufile *) use;
	_Atomic(struct ioas_ufile *) left;
	/* Of the list of seats, and guarded by its lock. */
	bool taken;
	bool asked;
	struct ioas_seat *next;
};

struct ioas_slots {
	/* Set once. The one before, which a reader may still look at. */
	struct ioas_slots *older;
	uint32_t nr;
	_Atomic(struct ioas_ufile *) file[];
};

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

/* ---- use ---------------------------------------------------------------- */

/* NULL: none yet. One access without a call, also from a shared library. */
extern _Thread_local struct ioas_seat *ioas_files_my_seat
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* NULL: the number is beyond the table. */
static inline _Atomic(struct ioas_ufile *) *
ioas_files_slot(struct ioas_files *t, int fd)
{
	struct ioas_slots *s =
		atomic_load_explicit(&t->slots, memory_order_acquire);

	return s && (unsigned int)fd < s->nr ? &s->file[fd] : NULL;
}

static inline struct ioas_ufile *ioas_files_look(struct ioas_files *t, int fd)
{
	_Atomic(struct ioas_ufile *) *slot = ioas_files_slot(t, fd);

	return slot ? atomic_load_explicit(slot, memory_order_acquire) : NULL;
}

/* In a slot: a number without a file yet. Not looked into. */
#define IOAS_FILES_RESERVED ((struct ioas_ufile *)1)

static inline bool ioas_files_is_file(const struct ioas_ufile *f)
{
	return (uintptr_t)f > 1;
}

/* Whatever is not the usual case of the two below. */
int ioas_files_use_slowly(struct ioas_files *t, int fd, struct ioas_use *use);
void ioas_files_done_slowly(struct ioas_use *use);

/* May release the file. */
static inline void ioas_files_done(struct ioas_use *use)
{
	struct ioas_seat *seat = use->seat;

	if (ioas_likely(seat)) {
		atomic_store_explicit(&seat->use, NULL, memory_order_release);
		/* The other half is the closer's barrier. */
		atomic_signal_fence(memory_order_seq_cst);
	}
	if (ioas_unlikely(!seat || atomic_load_explicit(&seat->left,
							memory_order_relaxed)))
		ioas_files_done_slowly(use);
}

/* Return: 0 or -EBADF; then there is nothing to be done with @use. */
static inline int ioas_files_use(struct ioas_files *t, int fd,
				 struct ioas_use *use)
{
	struct ioas_ufile *f = ioas_files_look(t, fd);
	struct ioas_seat *seat = ioas_files_my_seat;

	if (ioas_unlikely(
		    !ioas_files_is_file(f) || !seat ||
		    atomic_load_explicit(&seat->use, memory_order_relaxed)))
		return ioas_files_use_slowly(t, fd, use);
	atomic_store_explicit(&seat->use, f, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	use->seat = seat;
	use->file = f;
	if (ioas_likely(ioas_files_look(t, fd) == f))
		return 0;
	/* Closed, or another file now: as if we had come first. */
	ioas_files_done(use);
	return ioas_files_use_slowly(t, fd, use);
}

#endif
