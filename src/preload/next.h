/* SPDX-License-Identifier: MIT */
/*
 * next: the functions that ours hide
 *
 *   program --> ours (preload.map) --NEXT--> the next object's, at last libc's
 *   rooms ----> __wrap_<name> -------NEXT-------^
 *
 * Calls may come before our constructor, and out of the search itself (an
 * allocator that asks for memory). A pointer that is not known yet leads to the
 * system call, or fails with ENOSYS.
 */
#ifndef IOAS_PRELOAD_NEXT_H
#define IOAS_PRELOAD_NEXT_H

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bits.h"

/* What headers do not declare, or only with options of the compiler. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t n, size_t size);
ssize_t __pread_chk(int fd, void *buffer, size_t n, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void *buffer, size_t n, off64_t at, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t nr, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
		const sigset_t *mask, size_t size);
ssize_t __readlink_chk(const char *path, char *buffer, size_t n, size_t size);
ssize_t __readlinkat_chk(int dir, const char *path, char *buffer, size_t n,
			 size_t size);
int __xstat(int version, const char *path, struct stat *st);
int __xstat64(int version, const char *path, struct stat64 *st);
int __lxstat(int version, const char *path, struct stat *st);
int __lxstat64(int version, const char *path, struct stat64 *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __fxstatat(int version, int dir, const char *path, struct stat *st,
	       int flags);
int __fxstatat64(int version, int dir, const char *path, struct stat64 *st,
		 int flags);
sighandler_t bsd_signal(int sig, sighandler_t handler);
sighandler_t ssignal(int sig, sighandler_t handler);
sighandler_t sysv_signal(int sig, sighandler_t handler);
sighandler_t __sysv_signal(int sig, sighandler_t handler);

#define IOAS_NEXT_ALL(X)                                                       \
	X(open) X(open64) X(openat) X(openat64)                                \
	X(__open_2) X(__open64_2) X(__openat_2) X(__openat64_2)                \
	X(close) X(close_range) X(closefrom) X(dup) X(dup2) X(dup3)            \
	X(fcntl) X(fcntl64) X(ioctl) X(read) X(write) X(readv) X(writev)       \
	X(pread) X(pread64) X(pwrite) X(pwrite64)                              \
	X(preadv) X(preadv64) X(pwritev) X(pwritev64)                          \
	X(preadv2) X(preadv64v2) X(pwritev2) X(pwritev64v2)                    \
	X(__read_chk) X(__pread_chk) X(__pread64_chk) X(lseek) X(lseek64)      \
	X(mmap) X(mmap64) X(munmap) X(poll) X(ppoll) X(__poll_chk)             \
	X(__ppoll_chk) X(stat) X(stat64) X(lstat) X(lstat64) X(fstat)          \
	X(fstat64) X(fstatat) X(fstatat64) X(__xstat) X(__xstat64)             \
	X(__lxstat) X(__lxstat64) X(__fxstat) X(__fxstat64) X(__fxstatat)      \
	X(__fxstatat64) X(statx) X(access) X(faccessat) X(eaccess)             \
	X(euidaccess) X(readlink) X(readlinkat) X(__readlink_chk)              \
	X(__readlinkat_chk) X(getxattr) X(lgetxattr) X(listxattr)              \
	X(llistxattr) X(sigaction) X(signal) X(sysv_signal)

#define IOAS_NEXT_FIELD(name) __typeof__(name) *name;

struct ioas_next {
	IOAS_NEXT_ALL(IOAS_NEXT_FIELD)
};

/* Written once each, by whoever comes first: pointers, so at one stroke. */
extern struct ioas_next ioas_next;
extern _Atomic bool ioas_next_known;

/* Find them all. What cannot be found stays as it is. */
void ioas_next_find(void);

static inline const struct ioas_next *next_get(void)
{
	if (ioas_unlikely(!atomic_load_explicit(&ioas_next_known,
						memory_order_acquire)))
		ioas_next_find();
	return &ioas_next;
}

#define NEXT(name) (next_get()->name)

#endif
