/* SPDX-License-Identifier: MIT */
/*
 * reach: process_vm_readv(), and madvise() on this process
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
/* Pages looked at in a call: 4 KiB of vectors. */
#define PROBE_PAGES 256u

int ioas_reach_check(void)
{
	return madvise(NULL, 0, REACH_POPULATE_READ) ? -EOPNOTSUPP : 0;
}

static int process_error(void)
{
	return errno == ESRCH || errno == EPERM ? -errno : -EFAULT;
}

int ioas_reach_process(pid_t pid, uint64_t address, void *buffer,
		       uint64_t length, bool write, uint64_t *done)
{
	char *buf = buffer;

	*done = 0;
	while (*done < length) {
		const size_t n =
			(size_t)ioas_min(length - *done, REACH_COPY_MAX);
		struct iovec local = { buf + *done, n };
		struct iovec remote = { (void *)(uintptr_t)address, n };
		ssize_t got;

		if ((uintptr_t)address != address)
			return -EFAULT;
		got = write ? process_vm_writev(pid, &local, 1, &remote, 1, 0) :
			      process_vm_readv(pid, &local, 1, &remote, 1, 0);
		if (got <= 0)
			return got ? process_error() : -EFAULT;
		/* A short count is followed by the error. */
		*done += (uint64_t)got;
		address += (uint64_t)got;
	}
	return 0;
}

int ioas_reach_copy(uint64_t address, void *buffer, uint64_t length, bool write)
{
	uint64_t done;

	return ioas_reach_process(getpid(), address, buffer, length, write,
				  &done) ?
		       -EFAULT :
		       0;
}

int ioas_reach_probe(pid_t pid, uint64_t address, uint64_t nr, uint8_t page_lg2,
		     uint64_t *done)
{
	struct iovec remote[PROBE_PAGES];
	char bytes[PROBE_PAGES];

	for (*done = 0; *done < nr;) {
		const size_t n = (size_t)ioas_min(nr - *done, PROBE_PAGES);
		struct iovec local = { bytes, n };
		ssize_t got;

		for (size_t i = 0; i < n; i++) {
			const uint64_t at = address + ((*done + i) << page_lg2);

			remote[i].iov_base = (void *)(uintptr_t)at;
			remote[i].iov_len = 1;
		}
		got = process_vm_readv(pid, &local, 1, remote, n, 0);
		if (got <= 0)
			return got ? process_error() : -EFAULT;
		*done += (uint64_t)got;
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
