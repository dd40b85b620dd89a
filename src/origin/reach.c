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

static ssize_t vector_copy(pid_t pid, const struct iovec *local,
			   const struct iovec *remote, uint32_t nr, bool write)
{
	return write ? process_vm_writev(pid, local, nr, remote, nr, 0) :
		       process_vm_readv(pid, local, nr, remote, nr, 0);
}

static struct iovec vector_rest(const struct iovec *from, size_t skip)
{
	return (struct iovec){ (char *)from->iov_base + skip,
			       from->iov_len - skip };
}

int ioas_reach_vector(pid_t pid, const struct ioas_reach_vector *v, bool write,
		      uint64_t *done)
{
	/* Bytes done of the first piece that is not done. */
	size_t skip = 0;

	*done = 0;
	for (uint32_t i = 0;;) {
		const struct iovec *local = v->local + i, *remote;
		struct iovec rest[2];
		uint32_t nr = v->nr - i;
		ssize_t got;

		for (; nr && skip >= local->iov_len; nr--)
			skip -= local++->iov_len;
		if (!nr)
			return 0;
		i = v->nr - nr;
		remote = v->remote + i;
		if (skip) {
			rest[0] = vector_rest(local, skip);
			rest[1] = vector_rest(remote, skip);
			local = &rest[0];
			remote = &rest[1];
			nr = 1;
		}
		got = vector_copy(pid, local, remote, nr, write);
		if (got <= 0)
			return got ? process_error() : -EFAULT;
		/* A short count, as of 2 GiB, is followed by the error if any. */
		*done += (uint64_t)got;
		skip += (size_t)got;
	}
}

int ioas_reach_copy(uint64_t address, void *buffer, uint64_t length, bool write)
{
	const struct iovec local = { buffer, (size_t)length };
	const struct iovec remote = { (void *)(uintptr_t)address,
				      (size_t)length };
	const struct ioas_reach_vector v = { &local, &remote, 1 };
	uint64_t done;

	if ((uintptr_t)address != address || local.iov_len != length)
		return -EFAULT;
	return ioas_reach_vector(getpid(), &v, write, &done) ? -EFAULT : 0;
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
