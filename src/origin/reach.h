/* SPDX-License-Identifier: MIT */
/*
 * reach: memory that may be gone at any moment, without a signal
 *
 * Both let the kernel do the access, so that a hole, a protection or the end of
 * a file is an error and not a SIGSEGV or a SIGBUS. A copy that meets one has
 * copied what lies before it.
 */
#ifndef IOAS_ORIGIN_REACH_H
#define IOAS_ORIGIN_REACH_H

#include "base/types.h"

/* Can this kernel do it (Linux 5.14)? Return: 0 or -EOPNOTSUPP. */
int ioas_reach_check(void);
/*
 * Copy between @address, which is anything, and @buffer, which is ours; @write:
 * to @address. Return: 0 or -EFAULT.
 */
int ioas_reach_copy(uint64_t address, void *buffer, uint64_t length,
		    bool write);
/*
 * Let @nr pages from @address on be present, and not shared with a child if
 * @write. *@done is how many are. Return: 0 if any, -ENOMEM or -EFAULT.
 */
int ioas_reach_populate(uint64_t address, uint64_t nr, uint8_t page_lg2,
			bool write, uint64_t *done);

#endif
