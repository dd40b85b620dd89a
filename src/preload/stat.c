/* SPDX-License-Identifier: MIT */
/*
 * stat: what programs ask about our nodes by name and by descriptor
 *
 * The node looks like /dev/null, a device that everybody may open, with a
 * number and an inode of its own; the kernel checks the caller's buffer when it
 * fills that in. Queues are anonymous files, as their placeholders are.
 */
#include <string.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "host/guard.h"
#include "preload/preload.h"

/* Misc devices; that of iommu is dynamic: from 256. As under a supervisor. */
#define MISC_MAJOR 10u
#define IOMMU_MINOR 290u
#define VFIO_MINOR 196u
/* Far from what a file system of devices has. */
#define NODE_INO 0x6961730000u

#define MODEL "/dev/null"

/* ---- stat --------------------------------------------------------------- */

static unsigned int node_minor(enum ioas_preload_node node)
{
	return node == IOAS_PRELOAD_VFIO ? VFIO_MINOR : IOMMU_MINOR;
}

enum ioas_preload_node ioas_preload_node_of(struct ioas_local *l, int fd)
{
	const char *name;

	return ioas_local_link_name(l, fd, &name) ? IOAS_PRELOAD_NO_NODE :
						    ioas_preload_node(name);
}

/* The node behind a descriptor; NO_NODE: let the kernel say. */
static enum ioas_preload_node node_of(int fd)
{
	struct ioas_local *l;

	if (ioas_likely(!preload_marked(fd)) ||
	    ioas_preload_ask(fd, &l) != IOAS_PRELOAD_HERE)
		return IOAS_PRELOAD_NO_NODE;
	return ioas_preload_node_of(l, fd);
}

/* The node of a path, which the kernel has read and answered with @ret. */
static enum ioas_preload_node node_after(const char *path, int ret)
{
	if (ret && errno == EFAULT)
		return IOAS_PRELOAD_NO_NODE;
	return ioas_preload_node(path);
}

/* As node_after(), of the calls with a directory and flags. */
static enum ioas_preload_node node_at(int dir, const char *path, int flags,
				      int ret)
{
	if (ret && (errno == EFAULT || errno == EINVAL))
		return IOAS_PRELOAD_NO_NODE;
	if (!path || !*path)
		return flags & AT_EMPTY_PATH ? node_of(dir) :
					       IOAS_PRELOAD_NO_NODE;
	return ioas_preload_node(path);
}

#define PATCH(st, node)                                                        \
	((st)->st_ino = NODE_INO + (node),                                     \
	 (st)->st_rdev = makedev(MISC_MAJOR, node_minor(node)))

/* @st is filled by the kernel from here on. */
static int stat_node(enum ioas_preload_node node, struct stat *st)
{
	const int ret = NEXT(stat)(MODEL, st);

	if (!ret)
		PATCH(st, node);
	return ret;
}

static int stat64_node(enum ioas_preload_node node, struct stat64 *st)
{
	const int ret = NEXT(stat64)(MODEL, st);

	if (!ret)
		PATCH(st, node);
	return ret;
}

/* What programs built with an older libc call; one layout on 64 bits. */
static int xstat_node(int version, enum ioas_preload_node node,
		      struct stat *st)
{
	const int ret = NEXT(__xstat)(version, MODEL, st);

	if (!ret)
		PATCH(st, node);
	return ret;
}

static int xstat64_node(int version, enum ioas_preload_node node,
			struct stat64 *st)
{
	const int ret = NEXT(__xstat64)(version, MODEL, st);

	if (!ret)
		PATCH(st, node);
	return ret;
}

#define DEFINE_STAT(name, type, fill)                                          \
	int name(const char *path, type *st)                                   \
	{                                                                      \
		const int ret = NEXT(name)(path, st);                          \
		enum ioas_preload_node node = node_after(path, ret);           \
									\
		return ioas_unlikely(node) ? fill(node, st) : ret;             \
	}

#define DEFINE_FSTAT(name, type, fill)                                         \
	int name(int fd, type *st)                                             \
	{                                                                      \
		enum ioas_preload_node node = node_of(fd);                     \
									\
		return ioas_unlikely(node) ? fill(node, st) :                  \
					     NEXT(name)(fd, st);               \
	}

#define DEFINE_FSTATAT(name, type, fill)                                       \
	int name(int dir, const char *path, type *st, int flags)               \
	{                                                                      \
		const int ret = NEXT(name)(dir, path, st, flags);              \
		enum ioas_preload_node node = node_at(dir, path, flags, ret);  \
									\
		return ioas_unlikely(node) ? fill(node, st) : ret;             \
	}

#define DEFINE_XSTAT(name, type, fill)                                         \
	int name(int version, const char *path, type *st)                      \
	{                                                                      \
		const int ret = NEXT(name)(version, path, st);                 \
		enum ioas_preload_node node = node_after(path, ret);           \
									\
		return ioas_unlikely(node) ? fill(version, node, st) : ret;    \
	}

#define DEFINE_FXSTAT(name, type, fill)                                        \
	int name(int version, int fd, type *st)                                \
	{                                                                      \
		enum ioas_preload_node node = node_of(fd);                     \
									\
		return ioas_unlikely(node) ? fill(version, node, st) :         \
					     NEXT(name)(version, fd, st);      \
	}

#define DEFINE_FXSTATAT(name, type, fill)                                      \
	int name(int version, int dir, const char *path, type *st, int flags)  \
	{                                                                      \
		const int ret = NEXT(name)(version, dir, path, st, flags);     \
		enum ioas_preload_node node = node_at(dir, path, flags, ret);  \
									\
		return ioas_unlikely(node) ? fill(version, node, st) : ret;    \
	}

DEFINE_STAT(stat, struct stat, stat_node)
DEFINE_STAT(stat64, struct stat64, stat64_node)
DEFINE_STAT(lstat, struct stat, stat_node)
DEFINE_STAT(lstat64, struct stat64, stat64_node)
DEFINE_FSTAT(fstat, struct stat, stat_node)
DEFINE_FSTAT(fstat64, struct stat64, stat64_node)
DEFINE_FSTATAT(fstatat, struct stat, stat_node)
DEFINE_FSTATAT(fstatat64, struct stat64, stat64_node)
DEFINE_XSTAT(__xstat, struct stat, xstat_node)
DEFINE_XSTAT(__xstat64, struct stat64, xstat64_node)
DEFINE_XSTAT(__lxstat, struct stat, xstat_node)
DEFINE_XSTAT(__lxstat64, struct stat64, xstat64_node)
DEFINE_FXSTAT(__fxstat, struct stat, xstat_node)
DEFINE_FXSTAT(__fxstat64, struct stat64, xstat64_node)
DEFINE_FXSTATAT(__fxstatat, struct stat, xstat_node)
DEFINE_FXSTATAT(__fxstatat64, struct stat64, xstat64_node)

int statx(int dir, const char *path, int flags, unsigned int mask,
	  struct statx *st)
{
	const int ret = NEXT(statx)(dir, path, flags, mask, st);
	enum ioas_preload_node node = node_at(dir, path, flags, ret);

	if (ioas_likely(!node))
		return ret;
	flags &= AT_STATX_SYNC_TYPE;
	if (NEXT(statx)(AT_FDCWD, MODEL, flags, mask, st))
		return -1;
	st->stx_ino = NODE_INO + node;
	st->stx_rdev_major = MISC_MAJOR;
	st->stx_rdev_minor = node_minor(node);
	return 0;
}

/* ---- access ------------------------------------------------------------- */

static int access_end(const char *path, int mode, int ret)
{
	if (ret && (errno == EFAULT || errno == EINVAL))
		return ret;
	if (ioas_likely(!ioas_preload_node(path)))
		return ret;
	return (int)preload_result(mode & X_OK ? -EACCES : 0);
}

int access(const char *path, int mode)
{
	return access_end(path, mode, NEXT(access)(path, mode));
}

int eaccess(const char *path, int mode)
{
	return access_end(path, mode, NEXT(eaccess)(path, mode));
}

int euidaccess(const char *path, int mode)
{
	return access_end(path, mode, NEXT(euidaccess)(path, mode));
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	return access_end(path, mode, NEXT(faccessat)(dir, path, mode, flags));
}

/* ---- attributes --------------------------------------------------------- */

/* It has none. @none: what says so, -errno or a size. */
static ssize_t xattr_end(const char *path, ssize_t ret, int none)
{
	if (ret >= 0 || errno == EFAULT)
		return ret;
	if (ioas_likely(!ioas_preload_node(path)))
		return ret;
	return preload_result(none);
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
{
	return xattr_end(path, NEXT(getxattr)(path, name, value, size),
			 -ENODATA);
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	return xattr_end(path, NEXT(lgetxattr)(path, name, value, size),
			 -ENODATA);
}

ssize_t listxattr(const char *path, char *list, size_t size)
{
	return xattr_end(path, NEXT(listxattr)(path, list, size), 0);
}

ssize_t llistxattr(const char *path, char *list, size_t size)
{
	return xattr_end(path, NEXT(llistxattr)(path, list, size), 0);
}

/* ---- readlink ----------------------------------------------------------- */

static const char *skip(const char *s, const char *prefix)
{
	const size_t n = strlen(prefix);

	return s && !strncmp(s, prefix, n) ? s + n : NULL;
}

/* A number, and nothing behind it but @after; NULL otherwise. */
static const char *skip_number(const char *s, const char *after, long *nr)
{
	char *end;

	if (!s || *s < '0' || *s > '9')
		return NULL;
	*nr = strtol(s, &end, 10);
	return skip(end, after);
}

/* The descriptor that a path of /proc is about; -1: none of this process. */
static int path_fd(const char *path)
{
	const char *s = skip(path, "/proc/"), *t;
	long pid = 0, fd = -1;

	t = skip(s, "self/fd/");
	if (!t)
		t = skip(s, "thread-self/fd/");
	if (!t) {
		t = skip_number(s, "/fd/", &pid);
		t = t && pid == getpid() ? t : skip(path, "/dev/fd/");
	}
	t = skip_number(t, "", &fd);
	return t && !*t && fd < (long)IOAS_PRELOAD_FDS ? (int)fd : -1;
}

/* After the kernel's answer @ret, which has shown @path to be there. */
static ssize_t link_end(const char *path, char *buffer, size_t size,
			ssize_t ret)
{
	struct ioas_local *l;
	const char *name;
	size_t n;
	int fd;

	if (ret < 0 || ioas_likely(!ioas_preload_look()))
		return ret;
	fd = path_fd(path);
	if (!preload_marked(fd) ||
	    ioas_preload_ask(fd, &l) != IOAS_PRELOAD_HERE ||
	    ioas_local_link_name(l, fd, &name))
		return ret;
	n = ioas_min(strlen(name), size);
	return preload_result(ioas_guard_copy(buffer, name, n) ? -EFAULT :
								 (int64_t)n);
}

ssize_t readlink(const char *path, char *buffer, size_t size)
{
	return link_end(path, buffer, size, NEXT(readlink)(path, buffer, size));
}

ssize_t readlinkat(int dir, const char *path, char *buffer, size_t size)
{
	return link_end(path, buffer, size,
			NEXT(readlinkat)(dir, path, buffer, size));
}

ssize_t __readlink_chk(const char *path, char *buffer, size_t n, size_t size)
{
	return link_end(path, buffer, n,
			NEXT(__readlink_chk)(path, buffer, n, size));
}

ssize_t __readlinkat_chk(int dir, const char *path, char *buffer, size_t n,
			 size_t size)
{
	return link_end(path, buffer, n,
			NEXT(__readlinkat_chk)(dir, path, buffer, n, size));
}
