/* SPDX-License-Identifier: MIT */
/*
 * transfer: ioctl, read, write and mmap
 *
 * Arrays of buffers are copied once, by the guard, as the kernel would. None of
 * our files has positions: with an offset it is ESPIPE.
 */
#include <limits.h>
#include <stdarg.h>

#include "host/guard.h"
#include "preload/preload.h"

/* ---- ioctl -------------------------------------------------------------- */

static int ioctl_slowly(int fd, unsigned long cmd, void *arg)
{
	struct ioas_local *l;
	uint64_t done;
	int64_t ret;

	do {
		done = ioas_preload_dups_done();
		switch (ioas_preload_ask(fd, &l)) {
		case IOAS_PRELOAD_HERE:
			break;
		case IOAS_PRELOAD_GONE:
			return (int)preload_result(ioas_preload_lost(fd));
		default:
			return NEXT(ioctl)(fd, cmd, arg);
		}
		ret = ioas_local_ioctl(l, fd, (uint32_t)cmd, (uintptr_t)arg);
	} while (ret == -EBADF && ioas_preload_dups_since(done));
	return (int)preload_result(ret);
}

static inline int ioctl_marked(int fd, unsigned long cmd, void *arg)
{
	struct ioas_local *l = ioas_preload_look();
	int64_t ret = -EBADF;

	/* Usually it is ours, and needs one look only. */
	if (ioas_likely(l))
		ret = ioas_local_ioctl(l, fd, (uint32_t)cmd, (uintptr_t)arg);
	return ioas_likely(ret != -EBADF) ? (int)preload_result(ret) :
					    ioctl_slowly(fd, cmd, arg);
}

int ioctl(int fd, unsigned long cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return preload_marked(fd) ? ioctl_marked(fd, cmd, arg) :
				    NEXT(ioctl)(fd, cmd, arg);
}

/* ---- read and write ----------------------------------------------------- */

typedef int64_t local_fn(struct ioas_local *l, int fd, uint64_t buffer,
			 uint64_t count);

/* What moves: one buffer, or several if @v is not NULL. */
struct move {
	local_fn *fn;
	uint64_t buffer;
	size_t n;
	const struct iovec *v;
	int nr;
};

/* One buffer after the other, until one is not filled. */
static int64_t move_all(struct ioas_local *l, int fd, const struct move *m)
{
	int64_t total = 0, n;
	struct iovec one;

	if (m->nr < 0 || m->nr > IOV_MAX)
		return -EINVAL;
	for (int i = 0; i < m->nr; i++) {
		if (ioas_guard_copy(&one, &m->v[i], sizeof(one)))
			return total ? total : -EFAULT;
		if (!one.iov_len)
			continue;
		n = m->fn(l, fd, (uintptr_t)one.iov_base, one.iov_len);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < one.iov_len)
			break;
	}
	return total;
}

/* False: not ours. */
static bool move_marked(int fd, const struct move *m, ssize_t *out)
{
	enum ioas_preload_is is;
	struct ioas_local *l;
	uint64_t done;
	int64_t ret;

	do {
		done = ioas_preload_dups_done();
		is = ioas_preload_ask(fd, &l);
		if (is == IOAS_PRELOAD_OTHER)
			return false;
		if (is == IOAS_PRELOAD_GONE)
			ret = ioas_preload_lost(fd);
		else if (m->v)
			ret = move_all(l, fd, m);
		else
			ret = m->fn(l, fd, m->buffer, m->n);
	} while (ret == -EBADF && ioas_preload_dups_since(done));
	if (is == IOAS_PRELOAD_HERE)
		ioas_preload_resync(l, fd);
	*out = preload_result(ret);
	return true;
}

static inline bool move(int fd, local_fn *fn, uint64_t buffer, size_t n,
			ssize_t *out)
{
	const struct move m = { .fn = fn, .buffer = buffer, .n = n };

	return ioas_unlikely(preload_marked(fd)) && move_marked(fd, &m, out);
}

static inline bool move_vector(int fd, local_fn *fn, const struct iovec *v,
			       int nr, ssize_t *out)
{
	/* A bad address, and none at all, are for the loop to find out. */
	const struct move m = { .fn = fn,
				.v = v ? v : (const struct iovec *)8,
				.nr = nr };

	return ioas_unlikely(preload_marked(fd)) && move_marked(fd, &m, out);
}

/* False: not ours. */
static bool seek(int fd)
{
	struct ioas_local *l;
	enum ioas_preload_is is;

	if (ioas_likely(!preload_marked(fd)))
		return false;
	is = ioas_preload_ask(fd, &l);
	if (is == IOAS_PRELOAD_OTHER)
		return false;
	errno = is == IOAS_PRELOAD_GONE ? -ioas_preload_lost(fd) : ESPIPE;
	return true;
}

ssize_t read(int fd, void *buffer, size_t n)
{
	ssize_t ret;

	return move(fd, ioas_local_read, (uintptr_t)buffer, n, &ret) ?
		       ret :
		       NEXT(read)(fd, buffer, n);
}

ssize_t __read_chk(int fd, void *buffer, size_t n, size_t size)
{
	ssize_t ret;

	if (n <= size && move(fd, ioas_local_read, (uintptr_t)buffer, n, &ret))
		return ret;
	return NEXT(__read_chk)(fd, buffer, n, size);
}

ssize_t write(int fd, const void *buffer, size_t n)
{
	ssize_t ret;

	return move(fd, ioas_local_write, (uintptr_t)buffer, n, &ret) ?
		       ret :
		       NEXT(write)(fd, buffer, n);
}

ssize_t readv(int fd, const struct iovec *v, int nr)
{
	ssize_t ret;

	return move_vector(fd, ioas_local_read, v, nr, &ret) ?
		       ret :
		       NEXT(readv)(fd, v, nr);
}

ssize_t writev(int fd, const struct iovec *v, int nr)
{
	ssize_t ret;

	return move_vector(fd, ioas_local_write, v, nr, &ret) ?
		       ret :
		       NEXT(writev)(fd, v, nr);
}

#define DEFINE_AT(name, buffer_type, off_type)                                 \
	ssize_t name(int fd, buffer_type buffer, size_t n, off_type at)        \
	{                                                                      \
		return seek(fd) ? -1 : NEXT(name)(fd, buffer, n, at);          \
	}

#define DEFINE_CHK_AT(name, off_type)                                          \
	ssize_t name(int fd, void *buffer, size_t n, off_type at, size_t size) \
	{                                                                      \
		return seek(fd) ? -1 : NEXT(name)(fd, buffer, n, at, size);    \
	}

#define DEFINE_VECTOR_AT(name, off_type)                                       \
	ssize_t name(int fd, const struct iovec *v, int nr, off_type at)       \
	{                                                                      \
		return seek(fd) ? -1 : NEXT(name)(fd, v, nr, at);              \
	}

/* An offset of -1 is none. */
#define DEFINE_VECTOR_AT2(name, fn, off_type)                                  \
	ssize_t name(int fd, const struct iovec *v, int nr, off_type at,       \
		     int flags)                                                \
	{                                                                      \
		ssize_t ret;                                                   \
									\
		if (at == -1 && move_vector(fd, fn, v, nr, &ret))              \
			return ret;                                            \
		return seek(fd) ? -1 : NEXT(name)(fd, v, nr, at, flags);       \
	}

DEFINE_AT(pread, void *, off_t)
DEFINE_AT(pread64, void *, off64_t)
DEFINE_AT(pwrite, const void *, off_t)
DEFINE_AT(pwrite64, const void *, off64_t)
DEFINE_CHK_AT(__pread_chk, off_t)
DEFINE_CHK_AT(__pread64_chk, off64_t)
DEFINE_VECTOR_AT(preadv, off_t)
DEFINE_VECTOR_AT(preadv64, off64_t)
DEFINE_VECTOR_AT(pwritev, off_t)
DEFINE_VECTOR_AT(pwritev64, off64_t)
DEFINE_VECTOR_AT2(preadv2, ioas_local_read, off_t)
DEFINE_VECTOR_AT2(preadv64v2, ioas_local_read, off64_t)
DEFINE_VECTOR_AT2(pwritev2, ioas_local_write, off_t)
DEFINE_VECTOR_AT2(pwritev64v2, ioas_local_write, off64_t)

off_t lseek(int fd, off_t at, int whence)
{
	return seek(fd) ? -1 : NEXT(lseek)(fd, at, whence);
}

off64_t lseek64(int fd, off64_t at, int whence)
{
	return seek(fd) ? -1 : NEXT(lseek64)(fd, at, whence);
}

/* ---- mmap --------------------------------------------------------------- */

/* Around everything of ours that was mapped: what is outside is not ours. */
static _Atomic uint64_t mapped_first = UINT64_MAX, mapped_last;
/* An allocator of the program's, called by us, gives memory back. */
static _Thread_local bool unmapping __attribute__((tls_model("initial-exec")));

static void mapped_note(uint64_t first, uint64_t last)
{
	uint64_t was = atomic_load(&mapped_first);

	while (first < was &&
	       !atomic_compare_exchange_weak(&mapped_first, &was, first))
		;
	was = atomic_load(&mapped_last);
	while (last > was &&
	       !atomic_compare_exchange_weak(&mapped_last, &was, last))
		;
}

/* False: not ours. */
static bool map(int fd, void *at, size_t length, int prot, int flags,
		uint64_t offset, void **out)
{
	enum ioas_preload_is is;
	struct ioas_local *l;
	int ret;

	if (ioas_likely(!preload_marked(fd)) || flags & MAP_ANONYMOUS)
		return false;
	is = ioas_preload_ask(fd, &l);
	if (is == IOAS_PRELOAD_OTHER)
		return false;
	ret = is == IOAS_PRELOAD_GONE ?
		      ioas_preload_lost(fd) :
		      ioas_local_mmap(l, fd, at, length, prot, flags, offset,
				      out);
	if (ret) {
		errno = -ret;
		*out = MAP_FAILED;
	} else {
		mapped_note((uintptr_t)*out, (uintptr_t)*out + length - 1);
	}
	return true;
}

void *mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
	void *p;

	return map(fd, at, length, prot, flags, (uint64_t)offset, &p) ?
		       p :
		       NEXT(mmap)(at, length, prot, flags, fd, offset);
}

void *mmap64(void *at, size_t length, int prot, int flags, int fd,
	     off64_t offset)
{
	void *p;

	return map(fd, at, length, prot, flags, (uint64_t)offset, &p) ?
		       p :
		       NEXT(mmap64)(at, length, prot, flags, fd, offset);
}

int munmap(void *at, size_t length)
{
	struct ioas_local *l;
	uint64_t last;
	int ret;

	/* Whole pages go: round up as far as any page does. */
	if (ioas_likely(
		    !ioas_last((uintptr_t)at, length ? length : 1, &last) ||
		    last + 0xffff < atomic_load(&mapped_first) ||
		    (uintptr_t)at > atomic_load(&mapped_last)) ||
	    unmapping)
		return NEXT(munmap)(at, length);
	l = ioas_preload_look();
	if (!l || !ioas_preload_owner())
		return NEXT(munmap)(at, length);
	unmapping = true;
	ret = ioas_local_munmap(l, at, length);
	unmapping = false;
	return (int)preload_result(ret);
}
