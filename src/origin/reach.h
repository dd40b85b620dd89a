/* SPDX-License-Identifier: MIT */
/*
 * reach: memory that may be gone at any moment, without a signal
 *
 * All let the kernel do the access, so that a hole, a protection or the end of
 * a file is an error and not a SIGSEGV or a SIGBUS. A copy that meets one has
 * copied what lies before it.
 */
#ifndef IOAS_ORIGIN_REACH_H
#define IOAS_ORIGIN_REACH_H

#include <sys/types.h>

#include "base/types.h"

struct iovec;

/* Bytes here and there, which belong together one by one. */
struct ioas_reach_vector {
	/* Ours; and anything, of the same length each. */
	const struct iovec *local;
	const struct iovec *remote;
	/* At most IOV_MAX. */
	uint32_t nr;
};

/* Can this kernel do it (Linux 5.14)? Return: 0 or -EOPNOTSUPP. */
int ioas_reach_check(void);
/*
 * Copy between @address, which is anything, and @buffer, which is ours; @write:
 * to @address. Return: 0 or -EFAULT.
 */
int ioas_reach_copy(uint64_t address, void *buffer, uint64_t length,
		    bool write);
/*
 * The same of any process, and many pieces, in order: with one call unless one
 * of them fails. *@done: bytes copied before what failed. Return: 0, -EFAULT;
 * -ESRCH, -EPERM: the number helps no more.
 */
int ioas_reach_vector(pid_t pid, const struct ioas_reach_vector *v, bool write,
		      uint64_t *done);
/*
 * Read a byte of each of @nr pages of another process. *@done: how many pages
 * there were in a row. As above.
 */
int ioas_reach_probe(pid_t pid, uint64_t address, uint64_t nr, uint8_t page_lg2,
		     uint64_t *done);
/*
 * Let @nr pages from @address on be present, and not shared with a child if
 * @write. *@done is how many are. Return: 0 if any, -ENOMEM or -EFAULT.
 */
int ioas_reach_populate(uint64_t address, uint64_t nr, uint8_t page_lg2,
			bool write, uint64_t *done);

#endif
