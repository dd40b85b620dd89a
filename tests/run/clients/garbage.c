/* SPDX-License-Identifier: MIT */
/*
 * garbage: requests that make no sense, at every kind of file of ours
 *
 * Half are of a known number with random members, half are anything. Addresses
 * are in an arena of this process, or lead nowhere: what is written by a request
 * that happens to be right must not hit what this program stands on. Whatever
 * comes back is right; after it a new context has to work as ever.
 */
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "client.h"
#include "prng.h"

#define ARENA_PAGES 64
#define LIMIT_FDS 200

static struct prng rng;
static char *arena;

static uint64_t below(uint64_t n)
{
	return prng_below(&rng, n);
}

static uint64_t some_address(void)
{
	switch (below(6)) {
	case 0:
		return 0;
	case 1:
		return prng_next(&rng) | UINT64_C(1) << 63;
	case 2:
		return UINT64_MAX - below(64);
	case 3:
		/* Runs into the hole behind it. */
		return va(arena) + ARENA_PAGES * PAGE - below(64);
	default:
		return va(arena) + below(32) * PAGE + below(2) * below(PAGE);
	}
}

static uint64_t some_word(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return below(16);
	case 3:
		return below(64) * PAGE;
	case 4:
		return IOVA + below(64) * PAGE;
	case 5:
		return prng_next(&rng) | UINT64_C(1) << 63;
	default:
		return some_address();
	}
}

static uint32_t some_command(void)
{
	switch (below(10)) {
	case 0:
		return (uint32_t)prng_next(&rng);
	case 1:
		return 0x3b00u | (uint32_t)below(256);
	case 2:
		return 0x3b64u + (uint32_t)below(18);
	case 3:
	case 4:
		return IOAS_ABI_TEST_CMD;
	default:
		return IOAS_ABI_DESTROY + (uint32_t)below(0x15);
	}
}

/* Where a struct is: at the end of its page, in the arena, or nowhere. */
static unsigned long some_request(void)
{
	const uint64_t size = 8 * (1 + below(10));
	char *at = arena + (32 + below(31)) * PAGE;
	uint64_t word;

	if (!below(20))
		return (unsigned long)some_address();
	if (below(2))
		at += PAGE - size;
	for (uint64_t i = 0; i < size; i += 8) {
		word = some_word();
		if (below(3) == 0)
			word = below(24) << 32 | below(24);
		memcpy(at + i, &word, 8);
	}
	if (below(8)) {
		const uint32_t first = (uint32_t)size;

		memcpy(at, &first, 4);
	}
	return (unsigned long)(uintptr_t)at;
}

static void some_transfer(int fd)
{
	void *at = (void *)(uintptr_t)some_address();
	const size_t count = below(3) ? below(200) : (size_t)prng_next(&rng);
	struct iovec iov = { at, count };
	ssize_t ret;

	switch (below(6)) {
	case 0:
		ret = write(fd, at, count);
		break;
	case 1:
		ret = readv(fd, &iov, 1);
		break;
	case 2:
		ret = pread(fd, at, count, (off_t)below(1 << 20));
		break;
	case 3:
		ret = pwrite(fd, at, count, (off_t)(prng_next(&rng) >> 1));
		break;
	case 4:
		ret = writev(fd, &iov, 1);
		break;
	default:
		ret = read(fd, at, count);
		break;
	}
	(void)ret;
}

static void some_call(int first)
{
	const int fd = first + (int)below(24);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	size_t length;
	void *m;

	switch (below(24)) {
	case 0:
	case 1:
		some_transfer(fd);
		break;
	case 2:
		length = PAGE * (1 + below(3));
		m = mmap(NULL, length, PROT_READ | PROT_WRITE,
			 below(2) ? MAP_SHARED : MAP_PRIVATE, fd,
			 (off_t)((prng_next(&rng) >> (1 + below(50))) &
				 ~(uint64_t)(PAGE - 1)));
		if (m != MAP_FAILED)
			munmap(m, length);
		break;
	case 3:
		if (lseek(fd, (off_t)below(4096), SEEK_SET) < 0)
			must(poll(&p, 1, 0));
		break;
	case 4:
		close(fd);
		break;
	case 5:
		(void)!iommu_open_flags((int)below(4));
		break;
	case 6:
		(void)!dup(fd);
		break;
	default:
		ioctl(fd, some_command(), some_request());
		break;
	}
}

/* A file of each kind, from @first on. */
static void some_files(void)
{
	struct uclient c = iommu_at(iommu_open_flags(O_RDWR));
	struct ioas_abi_hwpt_alloc nest = { .flags =
						    IOAS_ABI_HWPT_ALLOC_NEST_PARENT };
	uint32_t ioas, id, viommu;
	struct uc_mock m;
	int fd;

	if (c.fd < 0 || uc_ioas_alloc(&c, &ioas) < 0 ||
	    uc_mock_domain(&c, ioas, &m) < 0)
		return;
	nest.dev_id = m.idev;
	nest.pt_id = ioas;
	if (uc_hwpt_alloc(&c, &nest, NULL) ||
	    uc_viommu(&c, m.idev, nest.out_hwpt_id, &viommu))
		return;
	uc_veventq(&c, viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 3, &id, &fd);
	uc_fault_queue(&c, &id, &fd);
	uc_access_create(&c, ioas, (uint32_t)below(2), &fd);
	uc_dmabuf_get(&c, 4096, O_CLOEXEC);
	uc_map_fixed(&c, ioas, va(arena), 4 * PAGE, UC_RW, IOVA);
}

static void storm(uint64_t seed, unsigned int calls)
{
	const struct rlimit rl = { LIMIT_FDS, LIMIT_FDS };
	const int first = (int)must(open("/dev/null", O_RDONLY)) + 1;

	rng.state = seed;
	want_ok(setrlimit(RLIMIT_NOFILE, &rl));
	arena = memory_shared(ARENA_PAGES + 1);
	want_ok(munmap(arena + ARENA_PAGES * PAGE, PAGE));
	for (unsigned int i = 0; i < calls; i++) {
		if (i % 250 == 0) {
			closefrom(first);
			some_files();
		}
		some_call(first);
	}
	closefrom(first);
}

int main(int argc, char **argv)
{
	const uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	const unsigned int calls = argc > 2 ? (unsigned int)atoi(argv[2]) : 4000;
	struct uclient c;
	uint64_t bytes;
	uint32_t ioas;

	storm(seed, calls);
	c = iommu_open();
	ioas = ioas_new(&c);
	want(ioas, 1);
	mock_new(&c, ioas);
	want_ok(refs_are(&c, arena, ARENA_PAGES, 0));
	want_ok(uc_map_fixed(&c, ioas, va(arena), PAGE, UC_RW, IOVA));
	want_ok(uc_unmap_all(&c, ioas, &bytes));
	want(bytes, PAGE);
	printf("ok garbage\n");
	return 0;
}
