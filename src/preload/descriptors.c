/* SPDX-License-Identifier: MIT */
/*
 * descriptors: open, close, dup and fcntl
 *
 * A path is looked at after the kernel has read it: a bad address is EFAULT, as
 * ever, and programs that have nothing to do with us make no other system call
 * than before, which a sandbox of theirs might not allow. Where the machine has
 * the real device it is opened for a moment. With O_CREAT, which might make a
 * file of that name, the kernel reads the path for O_PATH first.
 */
#include <stdarg.h>
#include <string.h>

#include "preload/preload.h"

enum ioas_preload_node ioas_preload_node(const char *path)
{
	if (strncmp(path, "/dev/", 5) != 0)
		return IOAS_PRELOAD_NO_NODE;
	if (!strcmp(path + 5, "iommu"))
		return IOAS_PRELOAD_IOMMU;
	if (!strcmp(path + 5, "vfio/vfio"))
		return IOAS_PRELOAD_VFIO;
	return IOAS_PRELOAD_NO_NODE;
}

/* ---- open --------------------------------------------------------------- */

static int node_open(enum ioas_preload_node node, int flags)
{
	int ret;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		ret = -EEXIST;
	else if (flags & O_DIRECTORY)
		ret = -ENOTDIR;
	else
		ret = ioas_preload_open(
			node == IOAS_PRELOAD_VFIO ? IOAS_OPEN_VFIO : 0,
			flags & O_CLOEXEC);
	return (int)preload_result(ret);
}

/* What @path is, if it is ours and can be read; keeps errno. */
static enum ioas_preload_node node_probe(const char *path)
{
	const int saved = errno;
	const int fd = NEXT(openat)(AT_FDCWD, path, O_PATH | O_CLOEXEC);
	const bool bad = fd < 0 && errno == EFAULT;

	if (fd >= 0)
		NEXT(close)(fd);
	errno = saved;
	return bad ? IOAS_PRELOAD_NO_NODE : ioas_preload_node(path);
}

/* After the kernel's answer @fd. */
static int open_end(const char *path, int flags, int fd)
{
	enum ioas_preload_node node;

	if (fd >= 0)
		ioas_preload_heal(fd);
	else if (errno == EFAULT)
		return fd;
	node = ioas_preload_node(path);
	if (ioas_likely(!node) || flags & O_PATH)
		return fd;
	if (fd >= 0)
		NEXT(close)(fd);
	return node_open(node, flags);
}

/* True: the answer is in *@fd. */
static bool open_begin(const char *path, int flags, int *fd)
{
	enum ioas_preload_node node;

	if (!(flags & O_CREAT))
		return false;
	node = node_probe(path);
	if (node)
		*fd = node_open(node, flags);
	return node;
}

/* As libc does: it is read only if it is there. */
static mode_t open_mode(int flags, va_list ap)
{
	if (flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE)
		return va_arg(ap, mode_t);
	return 0;
}

#define DEFINE_OPEN(name)                                                      \
	int name(const char *path, int flags, ...)                             \
	{                                                                      \
		mode_t mode;                                                   \
		va_list ap;                                                    \
		int fd;                                                        \
									\
		va_start(ap, flags);                                           \
		mode = open_mode(flags, ap);                                   \
		va_end(ap);                                                    \
		if (open_begin(path, flags, &fd))                              \
			return fd;                                             \
		return open_end(path, flags, NEXT(name)(path, flags, mode));   \
	}

#define DEFINE_OPENAT(name)                                                    \
	int name(int dir, const char *path, int flags, ...)                    \
	{                                                                      \
		mode_t mode;                                                   \
		va_list ap;                                                    \
		int fd;                                                        \
									\
		va_start(ap, flags);                                           \
		mode = open_mode(flags, ap);                                   \
		va_end(ap);                                                    \
		if (open_begin(path, flags, &fd))                              \
			return fd;                                             \
		fd = NEXT(name)(dir, path, flags, mode);                       \
		return open_end(path, flags, fd);                              \
	}

DEFINE_OPEN(open)
DEFINE_OPEN(open64)
DEFINE_OPENAT(openat)
DEFINE_OPENAT(openat64)

int creat(const char *path, mode_t mode)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
	return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/* Of _FORTIFY_SOURCE. Their own check is that there is no O_CREAT. */
int __open_2(const char *path, int flags)
{
	return open_end(path, flags, NEXT(__open_2)(path, flags));
}

int __open64_2(const char *path, int flags)
{
	return open_end(path, flags, NEXT(__open64_2)(path, flags));
}

int __openat_2(int dir, const char *path, int flags)
{
	return open_end(path, flags, NEXT(__openat_2)(dir, path, flags));
}

int __openat64_2(int dir, const char *path, int flags)
{
	return open_end(path, flags, NEXT(__openat64_2)(dir, path, flags));
}

/* ---- close -------------------------------------------------------------- */

int close(int fd)
{
	return ioas_unlikely(preload_marked(fd)) ? ioas_preload_close(fd) :
						   NEXT(close)(fd);
}

/*
 * What is ours, first: the kernel does not tell us. Then the rest, around what
 * is hidden. Return: as close_range().
 */
static int close_between(unsigned int first, unsigned int last)
{
	const unsigned int end = (unsigned int)ioas_preload_end();
	unsigned int start = first;

	for (unsigned int fd = first; fd <= last && fd < end; fd++) {
		if (ioas_likely(!preload_marked((int)fd)))
			continue;
		if (!ioas_preload_hidden((int)fd)) {
			ioas_preload_forget((int)fd);
			continue;
		}
		if (start < fd && NEXT(close_range)(start, fd - 1, 0))
			return -1;
		start = fd + 1;
	}
	return start <= last ? NEXT(close_range)(start, last, 0) : 0;
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	/* Ours are close-on-exec anyway. */
	return first > last || flags ? NEXT(close_range)(first, last, flags) :
				       close_between(first, last);
}

void closefrom(int low)
{
	/* Where there is no close_range(), what is hidden goes, too. */
	if (close_between(low < 0 ? 0 : (unsigned int)low, UINT32_MAX))
		NEXT(closefrom)(low);
}

/* ---- dup ---------------------------------------------------------------- */

/*
 * Ours to a number; for others' the answer is false. In a child of vfork() a
 * number of ours is the placeholder's.
 */
static bool dup_ours(int fd, const struct ioas_preload_dup *to, int *out)
{
	struct ioas_local *l;

	if (ioas_likely(!preload_marked(fd)) || !ioas_preload_owner() ||
	    ioas_preload_ask(fd, &l) != IOAS_PRELOAD_HERE)
		return false;
	if (to->place == IOAS_PRELOAD_EXACT && ioas_preload_hidden(to->number))
		*out = (int)preload_result(-EBUSY);
	else
		*out = (int)preload_result(ioas_preload_dup(l, fd, to));
	return true;
}

/* The kernel made @copy of @fd, which is not ours, unless it was lost. */
static int dup_end(int fd, int copy)
{
	if (copy < 0)
		return copy;
	ioas_preload_heal(copy);
	if (ioas_unlikely(preload_marked(fd)) &&
	    (unsigned int)copy < IOAS_PRELOAD_FDS &&
	    atomic_load(&ioas_preload_marks[fd]) == IOAS_PRELOAD_LOST)
		atomic_store(&ioas_preload_marks[copy], IOAS_PRELOAD_LOST);
	return copy;
}

int dup(int fd)
{
	const struct ioas_preload_dup to = { .place = IOAS_PRELOAD_LEAST };
	int copy;

	return dup_ours(fd, &to, &copy) ? copy : dup_end(fd, NEXT(dup)(fd));
}

/* @call: dup2 or dup3 of others, perhaps to a number of ours. */
static int dup_over(int fd, int number, int flags, bool three)
{
	struct ioas_ufile *was = NULL;
	int ret;

	if (ioas_unlikely(ioas_preload_hidden(number)))
		return (int)preload_result(-EBUSY);
	if (ioas_unlikely(preload_marked(number)) && ioas_preload_owner())
		was = ioas_preload_unwatch(number);
	ret = three ? NEXT(dup3)(fd, number, flags) : NEXT(dup2)(fd, number);
	if (ret < 0 && was)
		ioas_preload_watch(was, number);
	return ret >= 0 && fd != number ? dup_end(fd, ret) : ret;
}

int dup2(int fd, int number)
{
	const struct ioas_preload_dup to = { .place = IOAS_PRELOAD_EXACT,
					     .number = number };
	int copy;

	if (fd != number && dup_ours(fd, &to, &copy))
		return copy;
	return dup_over(fd, number, 0, false);
}

int dup3(int fd, int number, int flags)
{
	const struct ioas_preload_dup to = { .place = IOAS_PRELOAD_EXACT,
					     .number = number,
					     .cloexec = flags & O_CLOEXEC };
	int copy;

	if (fd != number && !(flags & ~O_CLOEXEC) && dup_ours(fd, &to, &copy))
		return copy;
	return dup_over(fd, number, flags, true);
}

/* ---- fcntl -------------------------------------------------------------- */

/* The flags of a placeholder are not the program's (preload.h). */
static int fcntl_marked(int fd, int cmd, void *arg)
{
	struct ioas_local *l;
	int ret;

	if (ioas_preload_ask(fd, &l) != IOAS_PRELOAD_HERE)
		return NEXT(fcntl)(fd, cmd, arg);
	switch (cmd) {
	case F_GETFD:
		return ioas_preload_cloexec(fd) ? FD_CLOEXEC : 0;
	case F_SETFD:
		ioas_preload_set_cloexec(fd, (intptr_t)arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		ret = NEXT(fcntl)(fd, F_GETFL);
		return ret < 0 ? ret : ret & ~O_NONBLOCK;
	case F_SETFL:
		return NEXT(fcntl)(fd, F_SETFL,
				   (int)(intptr_t)arg | O_NONBLOCK);
	default:
		return NEXT(fcntl)(fd, cmd, arg);
	}
}

static int fcntl_dup(int fd, int cmd, void *arg)
{
	const struct ioas_preload_dup to = {
		.place = IOAS_PRELOAD_LEAST,
		.number = (int)(intptr_t)arg,
		.cloexec = cmd == F_DUPFD_CLOEXEC,
	};
	int copy;

	return dup_ours(fd, &to, &copy) ?
		       copy :
		       dup_end(fd, NEXT(fcntl)(fd, cmd, arg));
}

static int fcntl_any(int fd, int cmd, void *arg)
{
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return fcntl_dup(fd, cmd, arg);
	return ioas_unlikely(preload_marked(fd)) ? fcntl_marked(fd, cmd, arg) :
						   NEXT(fcntl)(fd, cmd, arg);
}

int fcntl(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_any(fd, cmd, arg);
}

int fcntl64(int fd, int cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl_any(fd, cmd, arg);
}
