/* SPDX-License-Identifier: MIT */
/*
 * namespace: our tree, mounted where only the program sees it
 *
 *   tree/dev/iommu             /dev: a tmpfs with what was there, and ours
 *   tree/sys/kernel/debug/...  over a real directory that has nothing to show
 *
 * What has no place to be mounted over is left to the trapped calls (paths.h).
 */
#ifndef IOAS_SUPER_NAMESPACE_H
#define IOAS_SUPER_NAMESPACE_H

#include <stdbool.h>

/*
 * Give this process, which has a single thread, mounts of its own, with @tree
 * in them. Without CAP_SYS_ADMIN that takes a user namespace; @strict: even if
 * this costs privileges that the process has. Return: 0, or -errno, and *@what
 * could not be done: then the process is good for nothing but to end.
 */
int ioas_namespace_enter(const char *tree, bool strict, const char **what);

#endif
