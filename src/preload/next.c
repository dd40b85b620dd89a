/* SPDX-License-Identifier: MIT */
/*
 * next: the search, what serves before it, and the way of our own rooms
 */
#include "preload/next.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include "preload/preload.h"

typedef void any_fn(void);

/* ---- before the search -------------------------------------------------- */

/* Whatever it stands for: integers come and go the same way. */
static long no_call(void)
{
	errno = ENOSYS;
	return -1;
}

static int raw_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

static int raw_open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int raw_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static ssize_t raw_read(int fd, void *buffer, size_t n)
{
	return syscall(SYS_read, fd, buffer, n);
}

static ssize_t raw_write(int fd, const void *buffer, size_t n)
{
	return syscall(SYS_write, fd, buffer, n);
}

static void *raw_mmap(void *at, size_t length, int prot, int flags, int fd,
		      off_t offset)
{
	return (void *)syscall(SYS_mmap, at, length, prot, flags, fd, offset);
}

static int raw_munmap(void *at, size_t length)
{
	return (int)syscall(SYS_munmap, at, length);
}

#define NEXT_NONE(name) .name = (__typeof__(name) *)(any_fn *)no_call,

/* What allocators call when they start has a system call. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#endif
struct ioas_next ioas_next = {
	IOAS_NEXT_ALL(NEXT_NONE)
	.open = raw_open,
	.open64 = raw_open,
	.openat = raw_openat,
	.openat64 = raw_openat,
	.close = raw_close,
	.read = raw_read,
	.write = raw_write,
	.mmap = raw_mmap,
	.mmap64 = raw_mmap,
	.munmap = raw_munmap,
};
#pragma GCC diagnostic pop

/* ---- the search --------------------------------------------------------- */

_Atomic bool ioas_next_known;
static _Atomic bool searching;

static void find(const char *name, void *slot)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (p)
		__atomic_store((void **)slot, &p, __ATOMIC_RELAXED);
}

#define NEXT_FIND(name) find(#name, &ioas_next.name);

void ioas_next_find(void)
{
	const int saved = errno;

	/* Another thread, or ourselves inside dlsym(): with what there is. */
	if (atomic_exchange(&searching, true))
		return;
	IOAS_NEXT_ALL(NEXT_FIND)
	atomic_store_explicit(&ioas_next_known, true, memory_order_release);
	errno = saved;
}

__attribute__((constructor)) static void preload_begin(void)
{
	next_get();
	ioas_preload_config();
}

/* ---- calls of our rooms ------------------------------------------------- */

/*
 * The linker leads them here (--wrap). A missing one stops the link: it has to
 * be thought about. That of eventfd is in instance.c.
 */
int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fcntl(int fd, int cmd, ...);
int __wrap_fcntl64(int fd, int cmd, ...);
int __wrap_ioctl(int fd, unsigned long cmd, ...);

static int rooms_open(const char *path, int flags, mode_t mode)
{
	return ioas_preload_hide(NEXT(open64)(path, flags, mode));
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return rooms_open(path, flags, mode);
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return rooms_open(path, flags, mode);
}

int __wrap_close(int fd)
{
	if (ioas_preload_keeps(fd))
		return 0;
	ioas_preload_unhide(fd);
	return NEXT(close)(fd);
}

static int rooms_fcntl(int fd, int cmd, void *arg)
{
	fd = NEXT(fcntl)(fd, cmd, arg);
	return cmd == F_DUPFD_CLOEXEC ? ioas_preload_hide(fd) : fd;
}

int __wrap_fcntl(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return rooms_fcntl(fd, cmd, arg);
}

int __wrap_fcntl64(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return rooms_fcntl(fd, cmd, arg);
}

/*
 * FIOCLEX and the like, of a placeholder: it stays as it is (preload.h), so all
 * that is left of FIONBIO is whether its argument can be read.
 */
int __wrap_ioctl(int fd, unsigned long cmd, ...)
{
	const int on = 1;
	void *arg;
	va_list ap;
	int ret;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (cmd == FIOCLEX || cmd == FIONCLEX) {
		ioas_preload_set_cloexec(fd, cmd == FIOCLEX);
		return 0;
	}
	ret = NEXT(ioctl)(fd, cmd, arg);
	if (!ret && cmd == FIONBIO)
		NEXT(ioctl)(fd, cmd, &on);
	return ret;
}

/* What is about no descriptor of ours, or only looks at one. */
#define PAST_US(type, name, parameters, arguments)                             \
	type __wrap_##name parameters;                                         \
	type __wrap_##name parameters                                          \
	{                                                                      \
		return NEXT(name) arguments;                                   \
	}

PAST_US(void *, mmap,
	(void *at, size_t n, int prot, int flags, int fd, off_t offset),
	(at, n, prot, flags, fd, offset))
PAST_US(void *, mmap64,
	(void *at, size_t n, int prot, int flags, int fd, off64_t offset),
	(at, n, prot, flags, fd, offset))
PAST_US(int, munmap, (void *at, size_t n), (at, n))
PAST_US(int, fstat, (int fd, struct stat *st), (fd, st))
PAST_US(int, fstat64, (int fd, struct stat64 *st), (fd, st))
PAST_US(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
PAST_US(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
PAST_US(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
PAST_US(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at),
	(fd, p, n, at))
PAST_US(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at),
	(fd, p, n, at))
PAST_US(ssize_t, writev, (int fd, const struct iovec *v, int nr), (fd, v, nr))
PAST_US(off64_t, lseek64, (int fd, off64_t at, int whence), (fd, at, whence))
PAST_US(ssize_t, readlink, (const char *path, char *p, size_t n), (path, p, n))
PAST_US(int, poll, (struct pollfd * set, nfds_t nr, int timeout),
	(set, nr, timeout))
PAST_US(int, sigaction,
	(int sig, const struct sigaction *act, struct sigaction *old),
	(sig, act, old))
