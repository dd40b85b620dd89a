/* SPDX-License-Identifier: MIT */
/*
 * paths: names that are ours
 *
 *   path of a call --cwd or directory, ".", "..", self--> "/dev/iommu"
 *        |
 *   node: device | text (knob, fail-nth) | snapshot (status, fdinfo) | file,
 *         link or directory of the tree, a real directory that is ours
 *
 * In both modes calls with a path come here; with namespaces the tree is also
 * mounted where there is something to mount it over, so that listings show it.
 * docs/supervisor.md lists the paths, and what is not covered.
 */
#ifndef IOAS_SUPER_PATHS_H
#define IOAS_SUPER_PATHS_H

#include "super/super.h"

int ioas_paths_create(struct ioas_super *s, struct ioas_paths **out);
void ioas_paths_destroy(struct ioas_paths *p);

/*
 * Before the program is started: make the tree, below a directory that only
 * this user can see. *@tree is its path; ioas_tree_remove() removes it.
 * What it contains is where it belongs: "tree/dev/iommu" is /dev/iommu.
 * @devices: with their entries of sysfs and /dev/vfio; NULL: there are none.
 * Return: 0 or -errno, with a message.
 */
int ioas_tree_create(const struct ioas_run_options *opts,
		     const struct ioas_devices *devices, char **tree);
void ioas_tree_remove(char *tree);

/* Calls, by group. The number says which of the group. */
enum ioas_verdict ioas_paths_open(struct ioas_call *c, int64_t *value);
enum ioas_verdict ioas_paths_stat(struct ioas_call *c, int64_t *value);
enum ioas_verdict ioas_paths_readlink(struct ioas_call *c, int64_t *value);
enum ioas_verdict ioas_paths_access(struct ioas_call *c, int64_t *value);
enum ioas_verdict ioas_paths_xattr(struct ioas_call *c, int64_t *value);

#endif
