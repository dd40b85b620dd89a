/* SPDX-License-Identifier: MIT */
/*
 * local_test: what the tests of the front end for this process share
 *
 * Every case ends with as many blocks of memory and descriptors as it began
 * with. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_LOCAL_TEST_H
#define TESTS_UNIT_LOCAL_TEST_H

#include <sys/eventfd.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "host/local.h"
#include "memory_test.h"
#include "plat/common/fault_arm.h"

static struct ioas_local *l;

static inline void begin(const struct ioas_local_options *opts)
{
	mt.blocks = blocks_now();
	mt.fds = fds_now();
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	assert_int_equal(ioas_local_create(opts, &l), 0);
}

/* An instance with the test ABI, which looks at RLIMIT_MEMLOCK. */
static inline void begin_test(void)
{
	const struct ioas_local_options opts = {
		.test_abi = true,
		.rights.lock_unlimited = IOAS_LOCAL_NO,
	};

	begin(&opts);
}

static inline void end(void)
{
	ioas_local_destroy(l);
	l = NULL;
	assert_int_equal(blocks_now(), mt.blocks);
	assert_int_equal(fds_now(), mt.fds);
}

static inline int open_one(void)
{
	int fd = ioas_local_open(l, 0, IOAS_FD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The lowest number that is free. */
static inline int lowest(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static inline int64_t call(int fd, uint32_t cmd, void *arg)
{
	return ioas_local_ioctl(l, fd, cmd, (uintptr_t)arg);
}

static inline uint32_t ioas_new(int fd)
{
	struct ioas_abi_ioas_alloc a = { .size = sizeof(a) };

	assert_int_equal(call(fd, IOAS_ABI_IOAS_ALLOC, &a), 0);
	return a.out_ioas_id;
}

static inline int64_t destroy(int fd, uint32_t id)
{
	struct ioas_abi_destroy d = { .size = sizeof(d), .id = id };

	return call(fd, IOAS_ABI_DESTROY, &d);
}

#endif
