/* SPDX-License-Identifier: MIT */
/*
 * paths: open, readlink and access of names of ours
 *
 *   open --> device:  a new context, or a function, behind a descriptor (files.h)
 *            knob:    a small text file (faultsys.h)
 *            status, fdinfo: a snapshot of the kernel's, with what we know
 *            else:    the tree's file or directory, as the client asked for it
 *
 * Bad flags and structs are left to the kernel: it refuses them before it looks
 * at the path, as we do by not answering.
 */
#include "super/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "origin/vma.h"
#include "super/devices.h"
#include "super/faultsys.h"
#include "super/files.h"
#include "super/names.h"
#include "super/procstatus.h"
#include "super/task.h"

/* A status file is about 1.5 KiB; lists of processors make it longer. */
#define STATUS_MAX 16384

static enum ioas_verdict reply(int64_t result, int64_t *value)
{
	*value = result;
	return IOAS_CALL_RETURN;
}

/* ---- what open was asked for -------------------------------------------- */

struct request {
	int dirfd;
	uint64_t path;
	int flags;
	/* RESOLVE_*. */
	uint64_t resolve;
};

#define PATH_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* The kernel's; libc has 0 where files are large anyway. */
#if defined(__aarch64__)
#define LARGE_FILE 0400000
#else
#define LARGE_FILE 0100000
#endif
#define KNOWN_FLAGS                                                          \
	(PATH_FLAGS | O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC |    \
	 O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT |     \
	 O_NOATIME | O_TMPFILE | LARGE_FILE)
#define KNOWN_RESOLVE                                                        \
	((uint64_t)(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS |                \
		    RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | \
		    RESOLVE_CACHED))

/* Would the kernel take such a struct? */
static bool how_is_good(const struct open_how *how)
{
	const uint64_t both = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
	const bool creates = how->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY));

	if (how->flags & ~(uint64_t)KNOWN_FLAGS ||
	    how->resolve & ~KNOWN_RESOLVE || (how->resolve & both) == both)
		return false;
	if (creates ? how->mode & ~(uint64_t)07777 : how->mode != 0)
		return false;
	if (how->resolve & RESOLVE_CACHED && (creates || how->flags & O_TRUNC))
		return false;
	return !(how->flags & O_PATH) || !(how->flags & ~(uint64_t)PATH_FLAGS);
}

/* openat2's: a struct that may grow; what we do not know must be zero. */
static bool how_read(struct ioas_call *c, struct request *rq)
{
	const uint64_t size = c->n.arg[3];
	uint8_t bytes[4096];
	struct open_how how;

	if (size < sizeof(how) || size > sizeof(bytes) ||
	    ioas_call_read(c, bytes, c->n.arg[2], (size_t)size))
		return false;
	for (size_t i = sizeof(how); i < size; i++) {
		if (bytes[i])
			return false;
	}
	memcpy(&how, bytes, sizeof(how));
	rq->flags = (int)how.flags;
	rq->resolve = how.resolve;
	return how_is_good(&how);
}

/* False: the kernel refuses it by itself. */
static bool request_read(struct ioas_call *c, struct request *rq)
{
	*rq = (struct request){ .dirfd = AT_FDCWD, .path = c->n.arg[0] };
	switch (c->n.nr) {
#ifdef __NR_open
	case __NR_open:
		rq->flags = (int)c->n.arg[1];
		break;
	case __NR_creat:
		rq->flags = O_CREAT | O_WRONLY | O_TRUNC;
		break;
#endif
	case __NR_openat:
		rq->flags = (int)c->n.arg[2];
		rq->dirfd = (int)c->n.arg[0];
		rq->path = c->n.arg[1];
		break;
	case __NR_openat2:
		rq->dirfd = (int)c->n.arg[0];
		rq->path = c->n.arg[1];
		if (!how_read(c, rq))
			return false;
		break;
	default:
		return false;
	}
	/* The older calls ignore what has no meaning with O_PATH. */
	if (rq->flags & O_PATH)
		rq->flags &= PATH_FLAGS;
	return true;
}

/* ---- kinds of nodes ----------------------------------------------------- */

/* Of what exists and is no directory. */
static int flags_check(int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

/*
 * Not to be read, written or asked: the tree's file will do. Opened for reading,
 * as a descriptor that is a path alone cannot be given to another task.
 */
static enum ioas_verdict open_as_path(struct ioas_call *c,
				      const struct ioas_name *name, int flags,
				      int64_t *value)
{
	const int fd = openat(c->s->paths->tree, name->at.path + 1,
			      (flags & PATH_FLAGS & ~O_PATH) | O_NOFOLLOW |
				      O_CLOEXEC);

	if (fd < 0)
		return reply(-errno, value);
	return ioas_sfiles_hand_over(c, fd, flags, value);
}

static bool is_device(const struct ioas_node *node)
{
	return node->kind == IOAS_NODE_IOMMU || node->kind == IOAS_NODE_VFIO ||
	       node->kind == IOAS_NODE_DEVICE || node->kind == IOAS_NODE_GROUP;
}

static int device_open(struct ioas_super *s, const struct ioas_node *node,
		       struct ioas_ufile **out)
{
	switch (node->kind) {
	case IOAS_NODE_DEVICE:
		return ioas_devices_open(s->devices, node->number, out);
	case IOAS_NODE_GROUP:
		return ioas_devices_open_group(s->devices, node->number, out);
	default:
		return ioas_iommufd_open(
			s->uapi,
			node->kind == IOAS_NODE_VFIO ? IOAS_OPEN_VFIO : 0, out);
	}
}

static enum ioas_verdict open_device(struct ioas_call *c,
				     const struct ioas_name *name, int flags,
				     int64_t *value)
{
	struct ioas_ufile *ufile;
	/* The path was copied, which is the first point of an open. */
	int ret = ioas_faultsys_copy(c);

	if (!ret)
		ret = flags_check(flags);
	if (!ret)
		ret = ioas_call_enter(c);
	if (ret)
		return reply(ret, value);
	ret = device_open(c->s, &name->node, &ufile);
	ioas_call_leave(c);
	if (ret)
		return reply(ret, value);
	return ioas_sfiles_open(c, ufile, flags, value);
}

/* A directory, or a file that says something. */
static enum ioas_verdict open_in_tree(struct ioas_call *c,
				      const struct ioas_name *name, int flags,
				      int64_t *value)
{
	const bool writes = (flags & O_ACCMODE) != O_RDONLY;
	int ret = 0, fd;

	if (S_ISDIR(name->stx.stx_mode)) {
		if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			ret = -EEXIST;
		else if ((flags & O_TMPFILE) == O_TMPFILE)
			ret = -EOPNOTSUPP;
		else if (flags & O_CREAT || writes)
			ret = -EISDIR;
	} else {
		ret = flags_check(flags);
		if (!ret && (writes || !(name->stx.stx_mode & 0400)))
			ret = -EACCES;
	}
	if (ret)
		return reply(ret, value);
	flags &= ~(O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_NOATIME);
	fd = openat(c->s->paths->tree, name->at.path + 1, flags | O_CLOEXEC);
	if (fd < 0)
		return reply(-errno, value);
	return ioas_sfiles_hand_over(c, fd, flags, value);
}

/* ---- status of a process, fdinfo ---------------------------------------- */

struct totals {
	pid_t pid;
	uint64_t charged;
	uint64_t pinned;
};

/* The last one counts: an earlier one is of a program that is no more. */
static void totals_add(struct ioas_client_mm *mm, void *data)
{
	struct totals *t = data;

	if (mm->pid != t->pid)
		return;
	t->charged = atomic_load(&mm->principal->mm->charged);
	t->pinned = atomic_load(&mm->principal->mm->pinned);
}

static ssize_t read_whole(const char *path, char *text, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (have < room &&
	       (n = read(fd, text + have, room - have)) > 0)
		have += (size_t)n;
	close(fd);
	return n < 0 ? -EIO : (ssize_t)have;
}

/* A file of @length bytes that can only be read. Return: a descriptor, -errno. */
static int snapshot(const char *text, size_t length)
{
	const int fd = memfd_create("snapshot", MFD_CLOEXEC);
	char link[32];
	int again;

	if (fd < 0)
		return -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = write(fd, text, length) == (ssize_t)length ?
			open(link, O_RDONLY | O_CLOEXEC) :
			-1;
	close(fd);
	return again < 0 ? -ENOMEM : again;
}

struct addition {
	struct ioas_procstatus numbers;
	/* Of a function's file. */
	const char *syspath;
};

/* Return: there is something to add. */
static bool status_look(struct ioas_call *c, const struct ioas_name *name,
			struct addition *out)
{
	struct totals t = { .pid = name->node.pid };

	/* "/proc/TID" is a thread's, too. */
	if (t.pid == c->task->tid)
		t.pid = c->task->process->pid;
	ioas_tasks_each_mm(c->s->tasks, totals_add, &t);
	out->numbers.locked = t.charged << c->s->host.page_lg2 >> 10;
	out->numbers.pinned = t.pinned << c->s->host.page_lg2 >> 10;
	return t.charged || t.pinned;
}

static bool fdinfo_look(struct ioas_call *c, const struct ioas_name *name,
			struct addition *out)
{
	struct ioas_sfile *file = ioas_name_descriptor(c, &name->node);
	struct ioas_ufile *ufile = file ? ioas_sfile_ufile(file) : NULL;

	/* The function's, which is there for as long as we are. */
	if (ufile)
		out->syspath = ioas_devices_syspath(c->s->devices, ufile);
	ioas_sfile_put(file);
	return out->syspath;
}

/* Only where we have something to say; else the kernel's file, always fresh. */
static enum ioas_verdict open_added_to(struct ioas_call *c,
				       const struct ioas_name *name, int flags,
				       int64_t *value)
{
	char text[STATUS_MAX], more[STATUS_MAX + 256];
	struct addition add = { .syspath = NULL };
	ssize_t n;
	int fd;

	if ((flags & ~(O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | LARGE_FILE)) !=
	    O_RDONLY)
		return IOAS_CALL_CONTINUE;
	if (name->node.kind == IOAS_NODE_STATUS ?
		    !status_look(c, name, &add) :
		    !fdinfo_look(c, name, &add))
		return IOAS_CALL_CONTINUE;
	n = read_whole(name->at.path, text, sizeof(text));
	if (n >= 0 && add.syspath)
		n = ioas_procstatus_add_function(text, (size_t)n, add.syspath,
						 more, sizeof(more));
	else if (n >= 0)
		n = ioas_procstatus_add(text, (size_t)n, &add.numbers, more,
					sizeof(more));
	fd = n < 0 ? (int)n : snapshot(more, (size_t)n);
	/* Ours is better than none, the kernel's than none of either. */
	if (fd < 0)
		return IOAS_CALL_CONTINUE;
	return ioas_sfiles_hand_over(c, fd, flags, value);
}

/* ---- open --------------------------------------------------------------- */

static enum ioas_verdict open_missing(const struct ioas_name *name, int flags,
				      int64_t *value)
{
	/* Nobody makes files in directories of devices. */
	if (name->error == -ENOENT && flags & O_CREAT)
		return reply(-EACCES, value);
	return reply(name->error, value);
}

static enum ioas_verdict open_node(struct ioas_call *c,
				   const struct ioas_name *name, int flags,
				   int64_t *value)
{
	enum ioas_verdict verdict;

	if (name->error)
		return open_missing(name, flags, value);
	if (ioas_node_is_added_to(&name->node))
		return open_added_to(c, name, flags, value);
	/* Linux refuses it since 6.4 before it looks at the path. */
	if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return reply(-EINVAL, value);
	if (flags & O_PATH)
		return name->in_tree ? open_as_path(c, name, flags, value) :
				       IOAS_CALL_CONTINUE;
	if (is_device(&name->node))
		return open_device(c, name, flags, value);
	verdict = ioas_faultsys_open(c, name->at.path, flags, value);
	if (verdict == IOAS_CALL_CONTINUE && name->in_tree)
		verdict = open_in_tree(c, name, flags, value);
	return verdict;
}

/*
 * Opened again through the name of a descriptor: a device is opened anew, and
 * nothing else that has no name can be opened. To the kernel it would be our
 * memfd, whose last close is not to be told from the first; or a file of the
 * tree, if it was opened as a path before.
 */
static enum ioas_verdict open_again(struct ioas_call *c, struct ioas_name *name,
				    int flags, int64_t *value)
{
	struct ioas_sfile *file = ioas_name_descriptor(c, &name->node);
	struct ioas_ufile *ufile = file ? ioas_sfile_ufile(file) : NULL;
	enum ioas_verdict verdict = IOAS_CALL_CONTINUE;
	const char *path = file ? ioas_sfile_name(file) : NULL;

	if (file && ioas_name_of_path(c, path, name))
		verdict = open_node(c, name, flags, value);
	else if (ufile)
		verdict = reply(-ENXIO, value);
	else if (!file && ioas_name_of_tree_fd(c, name))
		verdict = open_node(c, name, flags, value);
	ioas_sfile_put(file);
	return verdict;
}

enum ioas_verdict ioas_paths_open(struct ioas_call *c, int64_t *value)
{
	struct ioas_name name;
	struct request rq;
	unsigned int resolve = 0, flags = IOAS_NAME_FDS;

	if (!request_read(c, &rq) || !ioas_name_read(c, rq.path, &name))
		return IOAS_CALL_CONTINUE;
	if (rq.resolve & RESOLVE_IN_ROOT)
		resolve |= IOAS_RESOLVE_IN_ROOT;
	if (rq.resolve & RESOLVE_BENEATH)
		resolve |= IOAS_RESOLVE_BENEATH;
	if (!(rq.flags & (O_CREAT | O_NOFOLLOW)) && !rq.resolve)
		flags |= IOAS_NAME_FOLLOW;
	if (rq.flags & O_NOFOLLOW ||
	    (rq.flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		resolve |= IOAS_RESOLVE_NO_FOLLOW;
	if (!ioas_name_find(c, rq.dirfd, resolve, flags, &name))
		return IOAS_CALL_CONTINUE;
	if (rq.resolve & RESOLVE_NO_SYMLINKS && name.at.linked)
		return reply(-ELOOP, value);
	if (name.node.kind == IOAS_NODE_FD)
		return rq.flags & O_NOFOLLOW || rq.resolve ?
			       IOAS_CALL_CONTINUE :
			       open_again(c, &name, rq.flags, value);
	/* Devices, /proc and /sys are file systems of their own. */
	if (rq.resolve & RESOLVE_NO_XDEV && name.raw[0] == '/')
		return reply(-EXDEV, value);
	return open_node(c, &name, rq.flags, value);
}

/* ---- readlink ----------------------------------------------------------- */

/*
 * Of another process it is first asked by inode, so that a program which reads
 * every descriptor of every process does not make us know them all.
 */
static bool may_be_ours(struct ioas_call *c, const struct ioas_node *node)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)node->tid,
		 node->fd);
	return !stat(path, &st) &&
	       ioas_sfiles_is_ours(c->s->files,
				   ioas_vma_dev(major(st.st_dev),
						minor(st.st_dev)),
				   st.st_ino);
}

/* A descriptor of the task that @c is of. */
static struct ioas_sfile *descriptor(struct ioas_call *c, int fd)
{
	struct ioas_sfile *file;
	struct ioas_fd_look look;

	if (ioas_fd_look(c, fd, &look))
		return NULL;
	file = look.file;
	look.file = NULL;
	ioas_fd_look_done(&look);
	return file;
}

struct ioas_sfile *ioas_name_descriptor(struct ioas_call *c,
					const struct ioas_node *node)
{
	struct ioas_call other = { .s = c->s, .n = c->n };
	struct ioas_sfile *file;

	if (node->pid == c->task->process->pid)
		return descriptor(c, node->fd);
	if (!may_be_ours(c, node) ||
	    ioas_task_by_tid(c->s, node->tid, &other.task))
		return NULL;
	file = descriptor(&other, node->fd);
	ioas_task_put(other.task);
	return file;
}

struct link_request {
	int dirfd;
	uint64_t path;
	uint64_t buffer;
	int size;
};

static bool link_request_read(const struct ioas_notice *n,
			      struct link_request *rq)
{
	const uint64_t *arg = n->arg;

	rq->dirfd = AT_FDCWD;
	if (n->nr == __NR_readlinkat)
		rq->dirfd = (int)*arg++;
	rq->path = arg[0];
	rq->buffer = arg[1];
	rq->size = (int)arg[2];
	/* Else the kernel says EINVAL before all. */
	return rq->size > 0;
}

/* Not terminated, and cut where the buffer ends. */
static enum ioas_verdict put_link(struct ioas_call *c, const char *target,
				  const struct link_request *rq, int64_t *value)
{
	size_t n = strlen(target);

	if (n > (size_t)rq->size)
		n = (size_t)rq->size;
	if (ioas_call_write(c, rq->buffer, target, n))
		return reply(-EFAULT, value);
	return reply((int64_t)n, value);
}

/* Of a name that is no descriptor: is it a link of the tree? */
static enum ioas_verdict tree_readlink(struct ioas_call *c,
				       const struct ioas_name *name,
				       const struct link_request *rq,
				       int64_t *value)
{
	char target[IOAS_LINK_MAX + 1];
	ssize_t n;

	if (name->error)
		return reply(name->error, value);
	if (!name->in_tree || !S_ISLNK(name->stx.stx_mode))
		return reply(-EINVAL, value);
	n = readlinkat(c->s->paths->tree, name->at.path + 1, target,
		       sizeof(target) - 1);
	if (n < 0)
		return reply(-errno, value);
	target[n] = '\0';
	return put_link(c, target, rq, value);
}

enum ioas_verdict ioas_paths_readlink(struct ioas_call *c, int64_t *value)
{
	enum ioas_verdict verdict;
	struct ioas_sfile *file;
	struct link_request rq;
	struct ioas_name name;

	if (!link_request_read(&c->n, &rq) ||
	    !ioas_name_read(c, rq.path, &name) ||
	    !ioas_name_find(c, rq.dirfd, IOAS_RESOLVE_NO_FOLLOW, IOAS_NAME_FDS,
			    &name) ||
	    ioas_node_is_added_to(&name.node))
		return IOAS_CALL_CONTINUE;
	if (name.node.kind != IOAS_NODE_FD)
		return tree_readlink(c, &name, &rq, value);
	file = ioas_name_descriptor(c, &name.node);
	if (!file)
		return IOAS_CALL_CONTINUE;
	verdict = put_link(c, ioas_sfile_name(file), &rq, value);
	ioas_sfile_put(file);
	return verdict;
}

/* ---- access ------------------------------------------------------------- */

/* May it be used in the way of @mode: R_OK, W_OK, X_OK. */
static int access_check(const struct ioas_name *name, int mode)
{
	const bool directory = name->in_tree && S_ISDIR(name->stx.stx_mode);
	const bool link = name->in_tree && S_ISLNK(name->stx.stx_mode);

	/* Asked about itself, a link can be used in every way. */
	if (name->error || link)
		return name->error;
	/* Directories are entered and not changed; of files it is vice versa. */
	if (directory)
		return mode & W_OK ? -EACCES : 0;
	if (name->node.sysfs &&
	    (mode & W_OK || (mode & R_OK && !(name->stx.stx_mode & 0400))))
		return -EACCES;
	return mode & X_OK ? -EACCES : 0;
}

enum ioas_verdict ioas_paths_access(struct ioas_call *c, int64_t *value)
{
	const int known = AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	const uint64_t *arg = c->n.arg;
	struct ioas_name name;
	int dirfd = AT_FDCWD, flags = 0, mode;

	if (c->n.nr == __NR_faccessat || c->n.nr == __NR_faccessat2)
		dirfd = (int)*arg++;
	if (c->n.nr == __NR_faccessat2)
		flags = (int)arg[2];
	mode = (int)arg[1];
	if (mode & ~(R_OK | W_OK | X_OK) || flags & ~known ||
	    !ioas_name_read(c, arg[0], &name) ||
	    !ioas_name_find(c, dirfd,
			    flags & AT_SYMLINK_NOFOLLOW ?
				    IOAS_RESOLVE_NO_FOLLOW :
				    0,
			    flags & AT_SYMLINK_NOFOLLOW ? 0 : IOAS_NAME_FOLLOW,
			    &name) ||
	    ioas_node_is_added_to(&name.node))
		return IOAS_CALL_CONTINUE;
	return reply(access_check(&name, mode), value);
}

/* ---- extended attributes ------------------------------------------------ */

/* Ours have none; ls -l asks, and where nothing is mounted must hear it. */
enum ioas_verdict ioas_paths_xattr(struct ioas_call *c, int64_t *value)
{
	const bool list = c->n.nr == __NR_listxattr ||
			  c->n.nr == __NR_llistxattr;
	struct ioas_name name;

	if (!ioas_name_read(c, c->n.arg[0], &name) ||
	    !ioas_name_find(c, AT_FDCWD, 0, IOAS_NAME_FOLLOW, &name) ||
	    ioas_node_is_added_to(&name.node))
		return IOAS_CALL_CONTINUE;
	if (name.error)
		return reply(name.error, value);
	return reply(list ? 0 : -ENODATA, value);
}

/* ---- life --------------------------------------------------------------- */

/* What the kernel says of a file without a name: each is like any other. */
static int anon_look(struct statx *out)
{
	const int fd = eventfd(0, EFD_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, out))
		ret = -errno;
	close(fd);
	return ret;
}

int ioas_paths_create(struct ioas_super *s, struct ioas_paths **out)
{
	struct ioas_paths *p = calloc(1, sizeof(*p));
	struct stat st;
	int ret;

	if (!p)
		return -ENOMEM;
	p->tree = s->tree ? open(s->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC) :
			    -1;
	if (p->tree < 0 || fstat(p->tree, &st)) {
		ret = s->tree ? -errno : -ENOENT;
		goto err_free;
	}
	p->dev = st.st_dev;
	ret = anon_look(&p->anon);
	if (ret)
		goto err_close;
	*out = p;
	return 0;

err_close:
	close(p->tree);
err_free:
	free(p);
	return ret;
}

void ioas_paths_destroy(struct ioas_paths *p)
{
	if (!p)
		return;
	close(p->tree);
	free(p);
}
