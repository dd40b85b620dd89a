/* SPDX-License-Identifier: MIT */
/*
 * maps: regions of our files that clients have mapped (iommufd-uapi 10)
 *
 *   mmap, trapped: checks of the ABI --> the kernel maps the client's memfd
 *   munmap: not trapped. Before an object is destroyed, whoever can have a
 *           region mapped is asked whether it does, by its list of mappings
 *
 * Between our answer and the kernel's mapping there is a time in which no list
 * shows it. Until the task that maps is known to be out of the call, nothing is
 * concluded from the lists.
 *
 * Locks: one mutex (rank LEAF) guards the list.
 */
#ifndef IOAS_SUPER_MAPS_H
#define IOAS_SUPER_MAPS_H

#include "super/files.h"

struct ioas_smaps;

int ioas_smaps_create(struct ioas_super *s, struct ioas_smaps **out);
/* Gives back every region. Accepts NULL. */
void ioas_smaps_destroy(struct ioas_smaps *m);

/* mmap(2) of @file, which is ours. Return: IOAS_CALL_CONTINUE if it may be. */
enum ioas_verdict ioas_smaps_mmap(struct ioas_call *c, struct ioas_smaps *m,
				  struct ioas_sfile *file, int64_t *value);
/*
 * Task @tid makes another call, so it has left its last one. At the begin of
 * each call; cheap if nobody maps just now.
 */
void ioas_smaps_task_back(struct ioas_smaps *m, pid_t tid);
/*
 * Give back the regions that no task maps any more. Cheap if none is mapped. No
 * lock of the front end is held.
 */
void ioas_smaps_sweep(struct ioas_smaps *m);
/*
 * The inode's last descriptor and its last mapping by a client are gone: give
 * back its regions, without a look. @dev as ioas_sfile_inode() says. As above;
 * accepts NULL.
 */
void ioas_smaps_closed(struct ioas_smaps *m, uint64_t dev, uint64_t ino);

#endif
