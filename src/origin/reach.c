/* SPDX-License-Identifier: MIT */
/*
 * reach: process_vm_readv() and madvise() on this process
 *
 * /proc/self/mem would do for reading, but it writes through protections.
 */
#include "origin/reach.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"

/* Linux 5.14; the host's headers may be older. */
#define REACH_POPULATE_READ 22
#define REACH_POPULATE_WRITE 23
/* The kernel moves less than 2 GiB in a call. */
#define REACH_COPY_MAX ((uint64_t)1 << 30)

int ioas_reach_check(void)
{
	return madvise(NULL, 0, REACH_POPULATE_READ) ? -EOPNOTSUPP : 0;
}

int ioas_reach_copy(uint64_t address, void *buffer, uint64_t length, bool write)
{
	const pid_t self = getpid();
	char *buf = buffer;

	while (length) {
		const size_t n = (size_t)ioas_min(length, REACH_COPY_MAX);
		struct iovec local = { buf, n };
		struct iovec remote = { (void *)(uintptr_t)address, n };
		ssize_t got;

		if ((uintptr_t)address != address)
			return -EFAULT;
		got = write ? process_vm_writev(self, &local, 1, &remote, 1,
						0) :
			      process_vm_readv(self, &local, 1, &remote, 1, 0);
		if (got <= 0)
			return -EFAULT;
		/* A short count is followed by the error. */
		buf += got;
		address += (uint64_t)got;
		length -= (uint64_t)got;
	}
	return 0;
}

static int populate(uint64_t address, uint64_t length, bool write)
{
	if ((uintptr_t)address != address || (size_t)length != length)
		return -EFAULT;
	if (!madvise((void *)(uintptr_t)address, (size_t)length,
		     write ? REACH_POPULATE_WRITE : REACH_POPULATE_READ))
		return 0;
	return errno == ENOMEM ? -ENOMEM : -EFAULT;
}

int ioas_reach_populate(uint64_t address, uint64_t nr, uint8_t page_lg2,
			bool write, uint64_t *done)
{
	/* Pages [0, good) are there, and among [0, bad) one cannot be. */
	uint64_t good = 0, bad = nr;
	int ret = populate(address, nr << page_lg2, write);

	*done = nr;
	if (!ret)
		return 0;
	while (bad - good > 1) {
		const uint64_t mid = good + (bad - good) / 2;
		const int err = populate(address + (good << page_lg2),
					 (mid - good) << page_lg2, write);

		if (err) {
			bad = mid;
			ret = err;
		} else {
			good = mid;
		}
	}
	*done = good;
	return good ? 0 : ret;
}
