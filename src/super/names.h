/* SPDX-License-Identifier: MIT */
/*
 * names: the path of a call, looked up
 *
 *   path --resolve.h--> node --the tree, /proc--> is it there, and what is it
 *
 * A path that is not ours, that cannot be read or that is too long goes on to
 * the kernel, which knows the error and the order of errors.
 *
 * Locks: none; everything here is set once.
 */
#ifndef IOAS_SUPER_NAMES_H
#define IOAS_SUPER_NAMES_H

#include <sys/stat.h>

#include "super/resolve.h"
#include "super/super.h"

struct ioas_paths {
	/* The tree; which device it is on. */
	int tree;
	dev_t dev;
	/* What a file without a name looks like, as the kernel says it. */
	struct statx anon;
};

struct ioas_name {
	/* As the client wrote it, and where that is. */
	char raw[PATH_MAX];
	struct ioas_resolved at;
	struct ioas_node node;
	/* There is no such thing, or not like this: -ENOENT, -ENOTDIR. */
	int error;
	/* The file of the tree, if it is there. */
	bool in_tree;
	struct statx stx;
};

enum ioas_name_flags {
	/* Names of descriptors count: /proc/self/fd/3. */
	IOAS_NAME_FDS = 1u << 0,
	/* Look where a symbolic link leads that is called like a node. */
	IOAS_NAME_FOLLOW = 1u << 1,
};

/* The string at @path into @name->raw. False: it cannot be read. */
bool ioas_name_read(struct ioas_call *c, uint64_t path, struct ioas_name *name);
/*
 * What @name->raw means to who calls. @resolve: enum ioas_resolve_flags; with
 * NO_FOLLOW @name may be a link of the tree. False: nothing of ours.
 */
bool ioas_name_find(struct ioas_call *c, int dirfd, unsigned int resolve,
		    unsigned int flags, struct ioas_name *name);
/* The same of an absolute path that is ours to begin with. */
bool ioas_name_of_path(struct ioas_call *c, const char *path,
		       struct ioas_name *name);

/*
 * The same of what @name is a descriptor of (IOAS_NODE_FD), if that is a file of
 * the tree: opened as a path alone, or a directory.
 */
bool ioas_name_of_tree_fd(struct ioas_call *c, struct ioas_name *name);

/* ---- attributes: statcall.c --------------------------------------------- */

/* What stat says of @name, which is there. Return: 0 or -errno. */
int ioas_name_attributes(const struct ioas_call *c,
			 const struct ioas_name *name, struct statx *out);
/* For the older calls. */
void ioas_stat_of_statx(const struct statx *x, struct stat *out);

/* ---- descriptors: paths.c ----------------------------------------------- */

/*
 * Is the descriptor that @node names one of ours? The file, with a reference,
 * or NULL.
 */
struct ioas_sfile *ioas_name_descriptor(struct ioas_call *c,
					const struct ioas_node *node);

#endif
