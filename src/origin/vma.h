/* SPDX-License-Identifier: MIT */
/*
 * vma: what is mapped at an address of a process, and on what file system
 *
 *   address --> [start, last]  readable, writable, shared; file and offset
 *   dev     --> file system    (mount table)
 *
 * An answer is a look at what was there; the process may change it at once.
 * Whoever acts on it looks again afterwards, or does not mind.
 *
 * No locks. Nothing here crashes on any address.
 */
#ifndef IOAS_ORIGIN_VMA_H
#define IOAS_ORIGIN_VMA_H

#include <sys/types.h>

#include "base/types.h"

/* The values are the kernel's (PROCMAP_QUERY). */
enum ioas_vma_flags {
	IOAS_VMA_READ = 1u << 0,
	IOAS_VMA_WRITE = 1u << 1,
	IOAS_VMA_SHARED = 1u << 3,
};

struct ioas_vma {
	/* Bytes [start, last] of the address space. */
	uint64_t start;
	uint64_t last;
	/* Byte of the file at @start; which file that is. */
	uint64_t offset;
	uint64_t dev;
	uint64_t ino;
	/* enum ioas_vma_flags */
	unsigned int flags;
};

/* Where to ask. Set once. */
struct ioas_vmas {
	int fd;
	/* The kernel only has the text (before Linux 6.11). */
	bool text;
	/* Another process: the descriptor alone is sure to be of its memory. */
	bool peer;
};

/* Return: 0, -EOPNOTSUPP (no /proc) or -ENOMEM. */
int ioas_vmas_open(struct ioas_vmas *v);
/*
 * Of another process: of the memory it has now, whatever it executes later.
 * Return: 0, -EPERM (not ours to see), -ESRCH, -EMFILE, -ENOMEM.
 */
int ioas_vmas_open_peer(struct ioas_vmas *v, pid_t pid);
/*
 * Does a process use this memory still? Return: 0, -ESRCH, -EOPNOTSUPP (the
 * text does not say).
 */
int ioas_vmas_used(const struct ioas_vmas *v);
/* The result for a file of another process that cannot be opened. */
int ioas_vmas_error(int error);
void ioas_vmas_close(struct ioas_vmas *v);
/* What is mapped at @address. Return: 0, -EFAULT (nothing) or -ENOMEM. */
int ioas_vma_find(const struct ioas_vmas *v, uint64_t address,
		  struct ioas_vma *vma);

/* A device number in one piece. */
static inline uint64_t ioas_vma_dev(unsigned int major, unsigned int minor)
{
	return (uint64_t)major << 32 | minor;
}

/* What a shared mapping of a file means for who wants its pages. */
enum ioas_mount_kind {
	/* Device, pseudo file, ramfs: nobody writes its pages back. */
	IOAS_MOUNT_OTHER,
	/* tmpfs, hugetlbfs: the file is its memory. */
	IOAS_MOUNT_MEMORY,
	/* Pages are copies, and written back. */
	IOAS_MOUNT_STORAGE,
};

/* Of the mounts that this process sees. Return: 0 or -ENOMEM. */
int ioas_mount_find(uint64_t dev, enum ioas_mount_kind *kind);

#endif
