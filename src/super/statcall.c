/* SPDX-License-Identifier: MIT */
/*
 * statcall: stat and its kin
 *
 *   stat lstat newfstatat statx   a path: a node of ours, else the kernel's
 *   fstat, AT_EMPTY_PATH          a descriptor: a file of ours, else the kernel's
 *
 * Attributes start from those of a real file, the tree's or one of /proc, so
 * owner, times and file system are such as belong together, and what makes the
 * node what it is is set over it. A name and a descriptor of it say the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "super/devices.h"
#include "super/files.h"
#include "super/names.h"
#include "super/paths.h"
#include "super/task.h"

/* What each file of sysfs says that it has, whatever is in it. */
#define SYSFS_SIZE 4096
/* Misc devices. /dev/iommu has what the system gives it: numbers from 256. */
#define MISC_MAJOR 10
#define IOMMU_MINOR 290
#define VFIO_MINOR 196

/* ---- attributes --------------------------------------------------------- */

void ioas_stat_of_statx(const struct statx *x, struct stat *out)
{
	memset(out, 0, sizeof(*out));
	out->st_dev = makedev(x->stx_dev_major, x->stx_dev_minor);
	out->st_ino = x->stx_ino;
	out->st_mode = x->stx_mode;
	out->st_nlink = (nlink_t)x->stx_nlink;
	out->st_uid = x->stx_uid;
	out->st_gid = x->stx_gid;
	out->st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor);
	out->st_size = (off_t)x->stx_size;
	out->st_blksize = (blksize_t)x->stx_blksize;
	out->st_blocks = (blkcnt_t)x->stx_blocks;
	out->st_atim.tv_sec = x->stx_atime.tv_sec;
	out->st_atim.tv_nsec = (long)x->stx_atime.tv_nsec;
	out->st_mtim.tv_sec = x->stx_mtime.tv_sec;
	out->st_mtim.tv_nsec = (long)x->stx_mtime.tv_nsec;
	out->st_ctim.tv_sec = x->stx_ctime.tv_sec;
	out->st_ctim.tv_nsec = (long)x->stx_ctime.tv_nsec;
}

static void set_mode(struct statx *x, unsigned int mode)
{
	x->stx_mode = (uint16_t)mode;
	x->stx_size = 0;
	x->stx_blocks = 0;
	x->stx_nlink = 1;
}

static void set_device(struct statx *x, uint32_t minor)
{
	set_mode(x, S_IFCHR | 0666);
	x->stx_rdev_major = MISC_MAJOR;
	x->stx_rdev_minor = minor;
	x->stx_uid = 0;
	x->stx_gid = 0;
}

/* A node of functions, of who runs the program: no other user has it. */
static int set_function(const struct ioas_call *c, const struct ioas_node *node,
			struct statx *x)
{
	struct ioas_sysfs_number number;
	const bool there =
		node->kind == IOAS_NODE_GROUP ?
			ioas_devices_group_number(c->s->devices, node->number,
						  &number) :
			ioas_devices_number(c->s->devices, node->number,
					    &number);

	if (!there)
		return -ENOENT;
	set_mode(x, S_IFCHR | 0600);
	x->stx_rdev_major = number.major;
	x->stx_rdev_minor = number.minor;
	return 0;
}

/* A file of /proc that the system has not: its neighbour's, with a difference. */
static int proc_attributes(const struct ioas_node *node, struct statx *out)
{
	char path[64];

	if (node->pid == node->tid)
		snprintf(path, sizeof(path), "/proc/%d/status", (int)node->pid);
	else
		snprintf(path, sizeof(path), "/proc/%d/task/%d/status",
			 (int)node->pid, (int)node->tid);
	if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, out))
		return -errno;
	set_mode(out, S_IFREG | 0644);
	out->stx_ino ^= (uint64_t)node->kind << 48;
	return 0;
}

int ioas_name_attributes(const struct ioas_call *c,
			 const struct ioas_name *name, struct statx *out)
{
	*out = name->stx;
	switch (name->node.kind) {
	case IOAS_NODE_IOMMU:
		set_device(out, IOMMU_MINOR);
		return 0;
	case IOAS_NODE_VFIO:
		set_device(out, VFIO_MINOR);
		return 0;
	case IOAS_NODE_DEVICE:
	case IOAS_NODE_GROUP:
		return set_function(c, &name->node, out);
	case IOAS_NODE_FAIL_NTH:
	case IOAS_NODE_MAKE_IT_FAIL:
		return proc_attributes(&name->node, out);
	default:
		/* A file of ours says what is in it when it is read. */
		if (S_ISREG(out->stx_mode))
			set_mode(out, out->stx_mode);
		if (S_ISREG(out->stx_mode) && name->node.sysfs)
			out->stx_size = SYSFS_SIZE;
		return 0;
	}
}

/* Of an open file of ours. */
static int file_attributes(struct ioas_call *c, const struct ioas_sfile *file,
			   struct statx *out)
{
	const char *path = ioas_sfile_name(file);
	struct ioas_name name;

	if (ioas_name_of_path(c, path, &name)) {
		if (!name.error)
			name.error = ioas_name_attributes(c, &name, out);
		/* A file outlives the task that it is of. */
		if (!name.error)
			return 0;
	}
	*out = c->s->paths->anon;
	if (*path == '/')
		set_mode(out, S_IFREG | 0600);
	return 0;
}

/* ---- the calls ---------------------------------------------------------- */

struct request {
	int dirfd;
	/* 0 with @fd_only: fstat. */
	uint64_t path;
	int flags;
	bool fd_only;
	bool is_statx;
	uint64_t buffer;
};

#define KNOWN_FLAGS                                                     \
	(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH |        \
	 AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC)

/* False: the kernel refuses it by itself. */
static bool parse(const struct ioas_notice *n, struct request *rq)
{
	*rq = (struct request){ .dirfd = AT_FDCWD };
	switch (n->nr) {
#ifdef __NR_stat
	case __NR_stat:
	case __NR_lstat:
		rq->path = n->arg[0];
		rq->buffer = n->arg[1];
		rq->flags = n->nr == __NR_lstat ? AT_SYMLINK_NOFOLLOW : 0;
		return true;
#endif
#ifdef __NR_fstat
	case __NR_fstat:
		rq->dirfd = (int)n->arg[0];
		rq->buffer = n->arg[1];
		rq->fd_only = true;
		return true;
#endif
#ifdef __NR_newfstatat
	case __NR_newfstatat:
		rq->buffer = n->arg[2];
		rq->flags = (int)n->arg[3];
		break;
#endif
	case __NR_statx:
		rq->is_statx = true;
		rq->flags = (int)n->arg[2];
		rq->buffer = n->arg[4];
		if (n->arg[3] & STATX__RESERVED ||
		    (rq->flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
			return false;
		break;
	default:
		return false;
	}
	rq->dirfd = (int)n->arg[0];
	rq->path = n->arg[1];
	return !(rq->flags & ~KNOWN_FLAGS);
}

static enum ioas_verdict answer(struct ioas_call *c, const struct request *rq,
				int error, const struct statx *stx,
				int64_t *value)
{
	struct stat st;

	if (!error && rq->is_statx) {
		error = ioas_call_write(c, rq->buffer, stx, sizeof(*stx));
	} else if (!error) {
		ioas_stat_of_statx(stx, &st);
		error = ioas_call_write(c, rq->buffer, &st, sizeof(st));
	}
	*value = error;
	return IOAS_CALL_RETURN;
}

/*
 * A file of the tree that was opened as a path alone: what it stands for, not
 * the file that it is.
 */
static bool by_tree_fd(struct ioas_call *c, int fd, struct statx *stx)
{
	struct ioas_name name;
	struct stat st;
	char link[32];
	ssize_t n;

	if (fstat(fd, &st) || st.st_dev != c->s->paths->dev)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name.raw, sizeof(name.raw) - 1);
	if (n <= 0)
		return false;
	name.raw[n] = '\0';
	return ioas_name_of_path(c, name.raw, &name) && !name.error &&
	       !ioas_name_attributes(c, &name, stx);
}

static enum ioas_verdict by_descriptor(struct ioas_call *c,
				       const struct request *rq, int64_t *value)
{
	struct ioas_fd_look look;
	struct statx stx;
	bool ours = true;
	int ret = 0;

	if (rq->dirfd < 0 || ioas_fd_look(c, rq->dirfd, &look))
		return IOAS_CALL_CONTINUE;
	if (look.file)
		ret = file_attributes(c, look.file, &stx);
	else
		ours = by_tree_fd(c, look.fd, &stx);
	ioas_fd_look_done(&look);
	return ours ? answer(c, rq, ret, &stx, value) : IOAS_CALL_CONTINUE;
}

static enum ioas_verdict by_path(struct ioas_call *c, const struct request *rq,
				 struct ioas_name *name, int64_t *value)
{
	const bool follow = !(rq->flags & AT_SYMLINK_NOFOLLOW);
	struct ioas_sfile *file;
	struct statx stx;
	int ret;

	if (!ioas_name_find(c, rq->dirfd,
			    follow ? 0 : IOAS_RESOLVE_NO_FOLLOW,
			    follow ? IOAS_NAME_FDS | IOAS_NAME_FOLLOW : 0,
			    name) ||
	    ioas_node_is_added_to(&name->node))
		return IOAS_CALL_CONTINUE;
	ret = name->error;
	if (!ret && name->node.kind == IOAS_NODE_FD) {
		file = ioas_name_descriptor(c, &name->node);
		if (file)
			ret = file_attributes(c, file, &stx);
		else if (ioas_name_of_tree_fd(c, name) && !name->error)
			ret = ioas_name_attributes(c, name, &stx);
		else
			return IOAS_CALL_CONTINUE;
		ioas_sfile_put(file);
	} else if (!ret) {
		ret = ioas_name_attributes(c, name, &stx);
	}
	return answer(c, rq, ret, &stx, value);
}

enum ioas_verdict ioas_paths_stat(struct ioas_call *c, int64_t *value)
{
	struct ioas_name name;
	struct request rq;

	if (!parse(&c->n, &rq))
		return IOAS_CALL_CONTINUE;
	/* Since Linux 6.11 there need not be a path. */
	if (rq.fd_only || (!rq.path && rq.flags & AT_EMPTY_PATH))
		return by_descriptor(c, &rq, value);
	if (!ioas_name_read(c, rq.path, &name))
		return IOAS_CALL_CONTINUE;
	if (!name.raw[0] && rq.flags & AT_EMPTY_PATH)
		return by_descriptor(c, &rq, value);
	return by_path(c, &rq, &name, value);
}
