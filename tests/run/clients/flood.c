/* SPDX-License-Identifier: MIT */
/*
 * flood: many of everything, and nothing of it given back
 *
 *   contexts   until there are no descriptors left
 *   mappings   more than a thousand in one space
 *   forget     a child leaves all of it to its exit
 */
#include <sys/resource.h>

#include "client.h"

#define NR_FILES 200
/* Within the lock limit that is usual. */
#define NR_MAPPINGS 1500

static void descriptors(unsigned int nr)
{
	const struct rlimit rl = { nr, nr };

	want_ok(setrlimit(RLIMIT_NOFILE, &rl));
}

static void fill_up(void)
{
	int fd[64], nr = 0, ret;

	descriptors(48);
	while ((ret = iommu_open_flags(O_RDWR)) >= 0) {
		want(nr < 64, 1);
		fd[nr++] = ret;
	}
	want(errno, EMFILE);
	want(nr > 30, 1);
	want(fd[nr - 1], 47);
	/* One goes, one can be had. */
	want_ok(close(fd[5]));
	want(iommu_open_flags(O_RDWR), fd[5]);
	want(iommu_open_flags(O_RDWR), -1);
	for (int i = 0; i < nr; i++)
		want(ioas_new(&(struct uclient){ &uc_system, NULL, fd[i] }), 1);
}

static void in_child(void (*f)(void))
{
	const pid_t pid = (pid_t)must(fork());

	if (!pid) {
		f();
		_exit(0);
	}
	want_child(pid);
}

static void contexts(void)
{
	in_child(fill_up);
}

static void mappings(void)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(1);
	uint64_t bytes = 0;

	mock_new(&c, ioas);
	for (unsigned int i = 0; i < NR_MAPPINGS; i++)
		want_ok(uc_map_fixed(&c, ioas, va(p), PAGE, UC_RW,
				     IOVA + i * PAGE));
	/* Each has a source of its own (iommufd-test-abi 4.6). */
	want_ok(refs_are(&c, p, 1, NR_MAPPINGS));
	want_ok(uc_unmap_all(&c, ioas, &bytes));
	want(bytes, NR_MAPPINGS * PAGE);
	want_ok(refs_are(&c, p, 1, 0));
	want_ok(close(c.fd));
}

static char *the_memory;

static void leave_all(void)
{
	descriptors(NR_FILES * 2 + 64);
	for (unsigned int i = 0; i < NR_FILES; i++) {
		struct uclient c = iommu_open();
		const uint32_t ioas = ioas_new(&c);
		uint32_t id;
		int fd;

		mock_new(&c, ioas);
		want_ok(uc_map_fixed(&c, ioas, va(the_memory), 2 * PAGE, UC_RW,
				     IOVA));
		if (i % 4 == 0)
			want_ok(uc_fault_queue(&c, &id, &fd));
		if (i % 4 == 1)
			want_ok(uc_access_create(&c, ioas, 0, &fd));
	}
}

static void forget(void)
{
	struct uclient c = iommu_open();

	the_memory = memory_shared(2);
	in_child(leave_all);
	want_ok(refs_are(&c, the_memory, 2, 0));
	want_ok(close(c.fd));
}

static const struct client_case cases[] = {
	{ "contexts", contexts },
	{ "mappings", mappings },
	{ "forget", forget },
};

CLIENT_MAIN(cases)
