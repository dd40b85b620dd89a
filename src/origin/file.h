/* SPDX-License-Identifier: MIT */
/*
 * file: memory that is a file: memfd, tmpfs, hugetlbfs
 *
 * Bytes of the origin are bytes of the file. What it waives of
 * docs/reference/ioas-core.md 4.2 stands in file.c.
 */
#ifndef IOAS_ORIGIN_FILE_H
#define IOAS_ORIGIN_FILE_H

#include "origin/backing.h"

/*
 * @fd is duplicated. Any kind of file is accepted; one whose memory cannot be
 * used shows when it is pinned. @b outlives the origin. Return: 0 with a
 * reference in *@out, -EBADF or -ENOMEM.
 */
int ioas_origin_file_create(struct ioas_backings *b, int fd,
			    struct ioas_origin **out);

#endif
