/* SPDX-License-Identifier: MIT */
/*
 * resolve: from what a call says to an absolute path without "." and ".."
 *
 *   "../self//fd/3" at /proc/bus --> "/proc/4711/fd/3"
 *   "/sys/bus/pci/devices/0000:01:00.0/iommu_group/../1"
 *                                --> "/sys/kernel/iommu_groups/1"
 *
 * Work on strings alone, but for one link of /proc where a path is relative, and
 * one look at the tree for each name that may be a link of ours. Other symbolic
 * links are not followed, except those that everybody uses: /proc/self,
 * /proc/thread-self, /dev/fd.
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
	/* A link of ours at the end is meant itself. */
	IOAS_RESOLVE_NO_FOLLOW = 1u << 2,
};

/* A link of ours is not longer; a path does not lead through more. */
#define IOAS_LINK_MAX 255
#define IOAS_LINKS_MAX 40

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
	/*
	 * Where the link of ours at @path leads, terminated. Return: its
	 * length; 0: there is none. NULL: there are none at all.
	 */
	int (*link)(const struct ioas_resolver *r, const char *path,
		    char target[IOAS_LINK_MAX + 1]);
	/* For the two. */
	const void *data;
};

struct ioas_resolved {
	/* Absolute; "" stands for "/". */
	char path[PATH_MAX];
	size_t length;
	/* It ended in a slash or a dot: a directory is meant. */
	bool slash;
	/* It led through a symbolic link: "self". */
	bool linked;
	/* Through so many of ours, so that the kernel would get nowhere. */
	unsigned int links;
};

/*
 * A first look, which must be cheap: false: no name of ours can be meant. @fds:
 * names of descriptors count; @devices: those of functions as well.
 */
bool ioas_path_hint(const char *path, bool fds, bool devices);

/*
 * Return: 0; -EXDEV: leaves the directory, which @flags forbid; -ENAMETOOLONG;
 * -ELOOP; what the directory of a relative path said.
 */
int ioas_resolve(const struct ioas_resolver *r, int dirfd, const char *path,
		 unsigned int flags, struct ioas_resolved *out);

/* ---- what a path names -------------------------------------------------- */

enum ioas_node_kind {
	IOAS_NODE_NONE, /* not ours */
	IOAS_NODE_IOMMU, /* /dev/iommu */
	IOAS_NODE_VFIO, /* /dev/vfio/vfio */
	IOAS_NODE_DEVICE, /* /dev/vfio/devices/vfioN */
	IOAS_NODE_GROUP, /* /dev/vfio/G */
	IOAS_NODE_TREE, /* in or below a directory of ours: the tree knows */
	IOAS_NODE_FAIL_NTH, /* of a task */
	IOAS_NODE_MAKE_IT_FAIL,
	IOAS_NODE_STATUS,
	IOAS_NODE_FDINFO,
	IOAS_NODE_FD, /* a descriptor of a task */
};

/* Which names are offered. */
enum ioas_nodes {
	IOAS_NODES_FAULTS = 1u << 0, /* fault injection */
	IOAS_NODES_DEVICES = 1u << 1, /* emulated functions */
};

struct ioas_node {
	enum ioas_node_kind kind;
	/* TREE: what the tree has not, does not exist. */
	bool closed;
	/*
	 * TREE: the same if the tree has what the path's first @whole bytes
	 * name: a function is all ours or not at all.
	 */
	size_t whole;
	/* TREE: a directory of the system, ours only where that has none. */
	bool parent;
	/* TREE: of functions: files can be read and not be written. */
	bool sysfs;
	/* Of /proc: the process; the task, which is its main one if not said. */
	pid_t pid;
	pid_t tid;
	int fd;
	/* DEVICE, GROUP. */
	unsigned int number;
};

/* @offered: enum ioas_nodes. */
void ioas_node_parse(const char *path, unsigned int offered,
		     struct ioas_node *out);

/* A file of the kernel's, to which we add something when it is read. */
static inline bool ioas_node_is_added_to(const struct ioas_node *node)
{
	return node->kind == IOAS_NODE_STATUS ||
	       node->kind == IOAS_NODE_FDINFO;
}

#endif
