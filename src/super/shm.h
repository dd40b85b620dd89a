/* SPDX-License-Identifier: MIT */
/*
 * shm: memory of ours that clients map: of a file of theirs, or lent to it
 *
 *   region of an iommufd   a range of the client's memfd, for good
 *   BAR                    a memfd of ours; while it is lent, a range of the
 *                          client's in its place, with the contents
 *
 * Locks: none; whoever uses the memory keeps away while it changes place.
 */
#ifndef IOAS_SUPER_SHM_H
#define IOAS_SUPER_SHM_H

#include "uapi/host.h"

/* [@offset, @offset + @length) of @memfd, zeroed. Return: 0 or -ENOMEM. */
int ioas_shm_of_file(int memfd, uint64_t offset, uint64_t length,
		     struct ioas_shm *out);
/* Of no file. Return: 0 or -ENOMEM. */
int ioas_shm_of_own(uint64_t length, struct ioas_shm *out);
void ioas_shm_fini(struct ioas_shm *shm);

/*
 * Of no file: it is in @memfd, at @offset, not 0, from now on. The position of
 * @memfd is nobody's. Return: 0 or -ENOMEM.
 */
int ioas_shm_lend(struct ioas_shm *shm, int memfd, uint64_t offset);
/* In none again; nothing if it is so already. */
void ioas_shm_return(struct ioas_shm *shm);

#endif
