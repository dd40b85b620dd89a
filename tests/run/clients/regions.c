/* SPDX-License-Identifier: MIT */
/*
 * regions: memory of a VIOMMU that the program maps (iommufd-uapi 10)
 *
 *   mmap is seen, munmap is not: whoever destroys the VIOMMU finds out then.
 */
#include <pthread.h>
#include <signal.h>

#include "client.h"

#define WORD 0xfeedcafe

struct region {
	struct uclient c;
	uint32_t viommu;
	uint64_t offset, length;
};

static struct region region_new(void)
{
	struct ioas_abi_viommu_alloc s = { .type =
						   IOAS_ABI_VIOMMU_TYPE_SELFTEST };
	struct ioas_abi_viommu_data_selftest d = { .in_data = WORD };
	struct region r = { .c = iommu_open() };
	const uint32_t ioas = ioas_new(&r.c);
	const struct uc_mock m = mock_new(&r.c, ioas);

	want_ok(uc_hwpt(&r.c, m.idev, ioas, IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
			&s.hwpt_id));
	s.dev_id = m.idev;
	s.data_len = sizeof(d);
	want_ok(uc_viommu_alloc(&r.c, &s, &d));
	r.viommu = s.out_viommu_id;
	r.offset = d.out_mmap_offset;
	r.length = d.out_mmap_length;
	return r;
}

static long map_errno(const struct region *r, size_t length, int prot,
		      int flags, uint64_t offset)
{
	void *p = mmap(NULL, length, prot, flags, r->c.fd, (off_t)offset);

	return p == MAP_FAILED ? errno : 0;
}

static uint32_t *map(const struct region *r)
{
	void *p = mmap(NULL, r->length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       r->c.fd, (off_t)r->offset);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

static void refused(void)
{
	const struct region r = region_new();

	want(map_errno(&r, r.length, PROT_READ, MAP_PRIVATE, r.offset), EINVAL);
	want(map_errno(&r, r.length, PROT_EXEC, MAP_SHARED, r.offset), EPERM);
	want(map_errno(&r, r.length, PROT_READ, MAP_SHARED, 0), ENXIO);
	want(map_errno(&r, PAGE, PROT_READ, MAP_SHARED, r.offset), ENXIO);
	want(map_errno(&r, r.length, PROT_READ, MAP_SHARED, r.offset + PAGE),
	     ENXIO);
	want(map_errno(&r, 0, PROT_READ, MAP_SHARED, r.offset), EINVAL);
	/* Nobody holds anything. */
	want_ok(uc_destroy(&r.c, r.viommu));
	want(map_errno(&r, r.length, PROT_READ, MAP_SHARED, r.offset), ENXIO);
	close(r.c.fd);
}

static void shared(void)
{
	const struct region r = region_new();
	volatile uint32_t *a = map(&r), *b = map(&r);

	want(a[0], WORD);
	a[1] = 17;
	want(b[1], 17);
	want(uc_destroy(&r.c, r.viommu), -EBUSY);
	must(munmap((void *)(uintptr_t)a, r.length));
	want(uc_destroy(&r.c, r.viommu), -EBUSY);
	/* Half of it is as good as all. */
	must(munmap((void *)(uintptr_t)b, PAGE));
	want(uc_destroy(&r.c, r.viommu), -EBUSY);
	must(munmap((char *)(uintptr_t)b + PAGE, r.length - PAGE));
	want_ok(uc_destroy(&r.c, r.viommu));
	close(r.c.fd);
}

static void inherited(void)
{
	const struct region r = region_new();
	volatile uint32_t *p = map(&r);
	const pid_t pid = (pid_t)must(fork());
	int status;

	if (!pid)
		for (;;)
			pause();
	must(munmap((void *)(uintptr_t)p, r.length));
	want(uc_destroy(&r.c, r.viommu), -EBUSY);
	must(kill(pid, SIGKILL));
	want(waitpid(pid, &status, 0), pid);
	want_ok(uc_destroy(&r.c, r.viommu));
	close(r.c.fd);
}

/* Mapped by one, which then sleeps; unmapped by another. */
static int line[2];
static uint32_t *mapped;

static void *mapper(void *data)
{
	mapped = map(data);
	say(line[1]);
	pause();
	return NULL;
}

static void threads(void)
{
	struct region r = region_new();
	pthread_t t;

	must(pipe(line));
	must(-pthread_create(&t, NULL, mapper, &r));
	hear(line[0]);
	want(mapped[0], WORD);
	want(uc_destroy(&r.c, r.viommu), -EBUSY);
	must(munmap(mapped, r.length));
	want_ok(uc_destroy(&r.c, r.viommu));
	close(r.c.fd);
}

/* The mapping keeps the context. */
static void closed(void)
{
	const struct region r = region_new();
	volatile uint32_t *p = map(&r);

	want_ok(close(r.c.fd));
	close(iommu_open().fd);
	want(p[0], WORD);
	p[1] = 1;
	must(munmap((void *)(uintptr_t)p, r.length));
	close(iommu_open().fd);
}

static const struct client_case cases[] = {
	{ "refused", refused },	    { "shared", shared },
	{ "inherited", inherited }, { "threads", threads },
	{ "closed", closed },
};

CLIENT_MAIN(cases)
