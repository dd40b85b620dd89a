/* SPDX-License-Identifier: MIT */
/*
 * resolve: from what a call says to an absolute path without "." and ".."
 *
 *   "../self//fd/3" at /proc/bus --> "/proc/4711/fd/3"
 *
 * Work on strings alone, but for one link of /proc where a path is relative.
 * Symbolic links are not followed, except those that everybody uses:
 * /proc/self, /proc/thread-self, /dev/fd.
 *
 * Locks: none.
 */
#ifndef IOAS_SUPER_RESOLVE_H
#define IOAS_SUPER_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum ioas_resolve_flags {
	/* openat2(2): the directory is the root; nothing is outside of it. */
	IOAS_RESOLVE_IN_ROOT = 1u << 0,
	IOAS_RESOLVE_BENEATH = 1u << 1,
};

/* Who asks. */
struct ioas_resolver {
	pid_t tgid;
	pid_t tid;
	/* Names below it are those that it stands for; NULL: no tree. */
	const char *tree;
	/*
	 * Where the directory @dirfd is, AT_FDCWD: the working directory; into
	 * @path, terminated. Return: its length or -errno.
	 */
	int (*directory)(const struct ioas_resolver *r, int dirfd, char *path,
			 size_t room);
};

struct ioas_resolved {
	/* Absolute; "" stands for "/". */
	char path[PATH_MAX];
	size_t length;
	/* It ended in a slash or a dot: a directory is meant. */
	bool slash;
	/* It led through a symbolic link: "self". */
	bool linked;
};

/*
 * A first look, which must be cheap: false: no name of ours can be meant. @fds:
 * names of descriptors count.
 */
bool ioas_path_hint(const char *path, bool fds);

/*
 * Return: 0; -EXDEV: leaves the directory, which @flags forbid; -ENAMETOOLONG;
 * what the directory of a relative path said.
 */
int ioas_resolve(const struct ioas_resolver *r, int dirfd, const char *path,
		 unsigned int flags, struct ioas_resolved *out);

/* ---- what a path names -------------------------------------------------- */

enum ioas_node_kind {
	IOAS_NODE_NONE, /* not ours */
	IOAS_NODE_IOMMU, /* /dev/iommu */
	IOAS_NODE_VFIO, /* /dev/vfio/vfio */
	IOAS_NODE_TREE, /* in or below a directory of ours: the tree knows */
	IOAS_NODE_FAIL_NTH, /* of a task */
	IOAS_NODE_MAKE_IT_FAIL,
	IOAS_NODE_STATUS,
	IOAS_NODE_FD, /* a descriptor of a task */
};

struct ioas_node {
	enum ioas_node_kind kind;
	/* TREE: what the tree has not, does not exist. */
	bool closed;
	/* Of /proc: the process; the task, which is its main one if not said. */
	pid_t pid;
	pid_t tid;
	int fd;
};

/* @faults: fault injection is offered. */
void ioas_node_parse(const char *path, bool faults, struct ioas_node *out);

#endif
