/* SPDX-License-Identifier: MIT */
/*
 * names: from a call's path to a node, and whether it is there
 */
#include "super/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "super/task.h"

/* ---- directories of who calls ------------------------------------------- */

static int link_read(const char *link, char *path, size_t room)
{
	const ssize_t n = readlink(link, path, room);

	if (n < 0)
		return -errno;
	if ((size_t)n >= room)
		return -ENAMETOOLONG;
	path[n] = '\0';
	return (int)n;
}

/* struct ioas_resolver's. */
static int directory(const struct ioas_resolver *r, int dirfd, char *path,
		     size_t room)
{
	char link[64];

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/task/%d/cwd",
			 (int)r->tgid, (int)r->tid);
	else
		snprintf(link, sizeof(link), "/proc/%d/task/%d/fd/%d",
			 (int)r->tgid, (int)r->tid, dirfd);
	return link_read(link, path, room);
}

/* struct ioas_resolver's. */
static int tree_link(const struct ioas_resolver *r, const char *path,
		     char target[IOAS_LINK_MAX + 1])
{
	const struct ioas_paths *p = r->data;
	const ssize_t n = readlinkat(p->tree, path + 1, target,
				     IOAS_LINK_MAX + 1);

	if (n <= 0 || n > IOAS_LINK_MAX)
		return 0;
	target[n] = '\0';
	return (int)n;
}

static struct ioas_resolver resolver_of(const struct ioas_call *c)
{
	return (struct ioas_resolver){
		.tgid = c->task->process->pid,
		.tid = c->task->tid,
		.tree = c->s->tree,
		.directory = directory,
		.link = c->s->devices ? tree_link : NULL,
		.data = c->s->paths,
	};
}

/* ---- what is there ------------------------------------------------------ */

static int tree_look(const struct ioas_paths *p, struct ioas_name *name)
{
	const char *path = name->at.path + 1;

	if (!statx(p->tree, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
		   &name->stx))
		return 0;
	return -errno;
}

/* The system's own, which shows more than ours. */
static bool system_has(const struct ioas_name *name)
{
	struct stat st;

	return !lstat(name->at.path, &st);
}

/* Is what the tree has not of @name missing altogether? */
static bool is_closed(const struct ioas_paths *p, const struct ioas_name *name)
{
	char path[PATH_MAX];
	struct stat st;

	/* Behind a link that the system has not, it has nothing. */
	if (name->node.closed || name->at.links)
		return true;
	if (!name->node.whole)
		return false;
	snprintf(path, sizeof(path), "%.*s", (int)name->node.whole - 1,
		 name->at.path + 1);
	return !fstatat(p->tree, path, &st, AT_SYMLINK_NOFOLLOW);
}

/* Of a node that the tree has, or should have. False: not ours. */
static bool tree_find(struct ioas_call *c, struct ioas_name *name)
{
	int ret;

	if (name->node.parent && !name->at.links && system_has(name))
		return false;
	ret = tree_look(c->s->paths, name);
	name->in_tree = !ret;
	if (ret == -ENOTDIR ||
	    (ret == -ENOENT && is_closed(c->s->paths, name)))
		name->error = ret;
	else if (ret)
		return false;
	else if (name->at.slash && !S_ISDIR(name->stx.stx_mode))
		name->error = -ENOTDIR;
	return true;
}

/* What is at @name->at. */
static bool look(struct ioas_call *c, unsigned int flags,
		 struct ioas_name *name)
{
	const unsigned int offered =
		(c->s->faults ? IOAS_NODES_FAULTS : 0) |
		(c->s->devices ? IOAS_NODES_DEVICES : 0);

	name->error = 0;
	name->in_tree = false;
	ioas_node_parse(name->at.path, offered, &name->node);
	switch (name->node.kind) {
	case IOAS_NODE_NONE:
		if (name->at.links)
			name->error = -ENOENT;
		return name->at.links;
	case IOAS_NODE_IOMMU:
	case IOAS_NODE_VFIO:
	case IOAS_NODE_DEVICE:
	case IOAS_NODE_GROUP:
	case IOAS_NODE_TREE:
		return tree_find(c, name);
	case IOAS_NODE_FD:
		return flags & IOAS_NAME_FDS && !name->at.slash;
	default:
		if (name->at.slash)
			name->error = -ENOTDIR;
		return true;
	}
}

/* ---- links that people make --------------------------------------------- */

/* Is the last component the name of a node that links are made to? */
static bool is_node_name(const char *path)
{
	const char *last = strrchr(path, '/');

	return last && (!strcmp(last, "/iommu") || !strcmp(last, "/vfio"));
}

/*
 * Where the link at @name->at leads, into its place. One step: who makes more
 * of them is not served (docs/supervisor.md).
 */
static bool follow(const struct ioas_resolver *r, struct ioas_name *name)
{
	char link[PATH_MAX + 64], target[PATH_MAX];
	struct ioas_resolved *at = &name->at;
	int n;

	if (at->slash || !is_node_name(at->path))
		return false;
	snprintf(link, sizeof(link), "/proc/%d/root%s", (int)r->tgid, at->path);
	n = link_read(link, target, sizeof(target));
	if (n <= 0)
		return false;
	if (target[0] != '/') {
		*(strrchr(at->path, '/') + 1) = '\0';
		n = snprintf(link, sizeof(link), "%s%s", at->path, target);
	} else {
		n = snprintf(link, sizeof(link), "%s", target);
	}
	if (n >= PATH_MAX || ioas_resolve(r, AT_FDCWD, link, 0, at))
		return false;
	at->linked = true;
	return true;
}

/* ---- look-up ------------------------------------------------------------ */

bool ioas_name_read(struct ioas_call *c, uint64_t path, struct ioas_name *name)
{
	return ioas_call_string(c, path, name->raw, sizeof(name->raw)) >= 0;
}

bool ioas_name_find(struct ioas_call *c, int dirfd, unsigned int resolve,
		    unsigned int flags, struct ioas_name *name)
{
	const struct ioas_resolver r = resolver_of(c);

	if (!name->raw[0] ||
	    !ioas_path_hint(name->raw, flags & IOAS_NAME_FDS,
			    c->s->devices) ||
	    ioas_resolve(&r, dirfd, name->raw, resolve, &name->at))
		return false;
	if (look(c, flags, name))
		return true;
	return flags & IOAS_NAME_FOLLOW && follow(&r, name) &&
	       look(c, flags, name);
}

bool ioas_name_of_path(struct ioas_call *c, const char *path,
		       struct ioas_name *name)
{
	const struct ioas_resolver r = resolver_of(c);

	return *path == '/' &&
	       !ioas_resolve(&r, AT_FDCWD, path, 0, &name->at) &&
	       look(c, 0, name);
}

bool ioas_name_of_tree_fd(struct ioas_call *c, struct ioas_name *name)
{
	const char *tree = c->s->tree;
	char link[64];

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)name->node.tid,
		 name->node.fd);
	return link_read(link, name->raw, sizeof(name->raw)) > 0 &&
	       !strncmp(name->raw, tree, strlen(tree)) &&
	       ioas_name_of_path(c, name->raw, name);
}
