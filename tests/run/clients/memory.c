/* SPDX-License-Identifier: MIT */
/*
 * memory: every kind of memory that a program can map, and what happens to it
 *
 *   program writes --> device reads the same (ACCESS_RW, MD_CHECK_MAP)
 *   device writes  --> program reads the same
 *
 * What a kernel would keep by a pin and another process cannot (private memory
 * that is unmapped, docs/reference/supervisor.md 6) may be gone, and says so:
 * EFAULT, never other data.
 */
#include <sys/prctl.h>

#include "client.h"

#define PAGES 8
#define WRITE IOAS_ABI_MOCK_ACCESS_RW_WRITE

struct device {
	struct uclient c;
	uint32_t ioas;
	struct uc_mock m;
	int access;
};

static struct device device_new(void)
{
	struct device d = { .c = iommu_open() };

	d.ioas = ioas_new(&d.c);
	d.m = mock_new(&d.c, d.ioas);
	want_ok(uc_access_create(
		&d.c, d.ioas,
		IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES, &d.access));
	return d;
}

static void device_end(struct device *d)
{
	want_ok(close(d->access));
	want_ok(close(d->c.fd));
}

static int map_at(const struct device *d, const void *p, size_t pages,
		  uint32_t flags)
{
	return uc_map_fixed(&d->c, d->ioas, va(p), pages * PAGE, flags, IOVA);
}

/* Both ways, and across the borders of pages. */
static void goes_both_ways(const struct device *d, char *p)
{
	char there[3000], back[3000];

	for (size_t i = 0; i < sizeof(there); i++)
		there[i] = (char)(i * 7 + 1);
	for (size_t at = 0; at + sizeof(there) <= PAGES * PAGE; at += 1777) {
		memcpy(p + at, there, sizeof(there));
		memset(back, 0, sizeof(back));
		want_ok(uc_access_rw(&d->c, d->access, IOVA + at, back,
				     sizeof(back), 0));
		want_ok(memcmp(there, back, sizeof(back)));
		there[at % sizeof(there)] ^= 0x55;
		want_ok(uc_access_rw(&d->c, d->access, IOVA + at, there,
				     sizeof(there), WRITE));
		want_ok(memcmp(p + at, there, sizeof(there)));
	}
}

static void usual(char *p)
{
	struct device d = device_new();
	uint64_t bytes;

	want_ok(map_at(&d, p, PAGES, UC_RW));
	want_ok(uc_check_map(&d.c, d.m.hwpt, IOVA, PAGES * PAGE, va(p)));
	want(uc_check_map(&d.c, d.m.hwpt, IOVA, PAGE, va(p + PAGE)), -EINVAL);
	want_ok(refs_are(&d.c, p, PAGES, 1));
	goes_both_ways(&d, p);
	want_ok(uc_unmap(&d.c, d.ioas, IOVA, PAGES * PAGE, &bytes));
	want(bytes, PAGES * PAGE);
	want_ok(refs_are(&d.c, p, PAGES, 0));
	device_end(&d);
	want_ok(munmap(p, PAGES * PAGE));
}

static void private(void)
{
	usual(memory_private(PAGES));
}

static void shared(void)
{
	usual(memory_shared(PAGES));
}

static char *memory_anonymous(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

static void anonymous(void)
{
	usual(memory_anonymous(PAGES));
}

static int a_memfd(size_t pages)
{
	const int fd = (int)must(memfd_create("client", MFD_CLOEXEC));

	want_ok(ftruncate(fd, (off_t)(pages * PAGE)));
	return fd;
}

static char *map_of(int fd, int flags)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

static void memfd(void)
{
	const int fd = a_memfd(PAGES);

	usual(map_of(fd, MAP_SHARED));
	close(fd);
}

static void file(void)
{
	char name[] = "memory-XXXXXX";
	const int fd = (int)must(mkstemp(name));

	want_ok(unlink(name));
	want_ok(ftruncate(fd, (off_t)(PAGES * PAGE)));
	usual(map_of(fd, MAP_PRIVATE));
	close(fd);
}

static char in_data[16 * 4096] __attribute__((aligned(4096))) = "data";
static char in_bss[16 * 4096] __attribute__((aligned(4096)));

/* The program's own, and its stack. */
static void program(void)
{
	struct device d = device_new();
	char on_stack[64] = "stack", back[8] = "";
	uint64_t iova = 0;

	want_ok(map_at(&d, in_data, 1, UC_RW));
	want_ok(uc_access_rw(&d.c, d.access, IOVA, back, 5, 0));
	want_ok(strcmp(back, "data"));
	want_ok(uc_unmap_all(&d.c, d.ioas, NULL));
	want_ok(map_at(&d, in_bss, PAGES, UC_RW));
	goes_both_ways(&d, in_bss);
	want_ok(uc_map(&d.c, d.ioas, va(on_stack) & ~(uint64_t)(PAGE - 1), PAGE,
		       UC_RW, &iova));
	want_ok(uc_access_rw(&d.c, d.access, iova + va(on_stack) % PAGE, back, 6,
			     0));
	want_ok(strcmp(back, "stack"));
	device_end(&d);
}

/* MAP_FILE: no address at all. */
static void by_file(void)
{
	struct device d = device_new();
	const int fd = a_memfd(PAGES);
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW | UC_FIXED,
					    .ioas_id = d.ioas,
					    .fd = fd,
					    .length = PAGES * PAGE,
					    .iova = IOVA };
	char *p = map_of(fd, MAP_SHARED);

	want_ok(uc_map_file(&d.c, &s));
	want_ok(uc_check_map(&d.c, d.m.hwpt, IOVA, PAGES * PAGE, va(p)));
	goes_both_ways(&d, p);
	want_ok(munmap(p, PAGES * PAGE));
	close(fd);
	/* The mapping has the file. */
	want_ok(uc_access_rw(&d.c, d.access, IOVA, in_bss, PAGE, 0));
	s.fd = 999;
	s.iova += PAGES * PAGE;
	want(uc_map_file(&d.c, &s), -EBADF);
	device_end(&d);
}

static void hugepage(void)
{
	const size_t huge = 2u << 20;
	char *p = mmap(NULL, huge, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	struct device d;

	if (p == MAP_FAILED) {
		printf("# no huge pages here\n");
		return;
	}
	d = device_new();
	want_ok(map_at(&d, p, huge / PAGE, UC_RW));
	want_ok(uc_check_map(&d.c, d.m.hwpt, IOVA, huge, va(p)));
	goes_both_ways(&d, p);
	device_end(&d);
	munmap(p, huge);
}

/* ---- memory that cannot be had ------------------------------------------ */

static void protected(void)
{
	struct device d = device_new();
	char *p = memory_private(4);

	memset(p, 'a', PAGE);
	want_ok(mprotect(p, PAGE, PROT_READ));
	want_ok(mprotect(p + PAGE, PAGE, PROT_NONE));
	want_ok(munmap(p + 3 * PAGE, PAGE));
	want(map_at(&d, p, 1, UC_RW), -EFAULT);
	want(map_at(&d, p, 1, UC_W), -EFAULT);
	want_ok(map_at(&d, p, 1, UC_R));
	want_ok(uc_access_rw(&d.c, d.access, IOVA, in_bss, 8, 0));
	want_ok(memcmp(in_bss, "aaaaaaaa", 8));
	want(uc_access_rw(&d.c, d.access, IOVA, in_bss, 8, WRITE), -EPERM);
	want_ok(uc_unmap_all(&d.c, d.ioas, NULL));
	want(map_at(&d, p + PAGE, 1, UC_R), -EFAULT);
	want(map_at(&d, p, 3, UC_R), -EFAULT);
	want_ok(map_at(&d, p + 2 * PAGE, 1, UC_RW));
	want_ok(uc_unmap_all(&d.c, d.ioas, NULL));
	want(map_at(&d, p + 2 * PAGE, 2, UC_R), -EFAULT);
	want(map_at(&d, p + 3 * PAGE, 1, UC_R), -EFAULT);
	want(map_at(&d, NULL, 1, UC_R), -EFAULT);
	want(uc_map_fixed(&d.c, d.ioas, UINT64_C(1) << 63, PAGE, UC_R, IOVA),
	     -EFAULT);
	/* Nothing of all that is left. */
	want_ok(refs_are(&d.c, p, 1, 0));
	want_ok(refs_are(&d.c, p + 2 * PAGE, 1, 0));
	want(uc_unmap(&d.c, d.ioas, IOVA, PAGE, NULL), -ENOENT);
	device_end(&d);
}

/* Requests in such memory, and buffers. */
static void arguments(void)
{
	struct device d = device_new();
	char *p = memory_private(2);
	struct ioas_abi_ioas_alloc *s = (void *)p;
	struct ioas_abi_test_access_rw rw = { .iova = IOVA, .length = 16 };

	*s = (struct ioas_abi_ioas_alloc){ .size = sizeof(*s) };
	want_ok(mprotect(p, PAGE, PROT_READ));
	want(uc_call(&d.c, IOAS_ABI_IOAS_ALLOC, p, sizeof(*s)), -EFAULT);
	want(s->out_ioas_id, 0);
	want(uc_call(&d.c, IOAS_ABI_IOAS_ALLOC, nowhere(), 16), -EFAULT);
	want_ok(map_at(&d, p + PAGE, 1, UC_RW));
	rw.uptr = va(p);
	want(uc_access_rw_at(&d.c, d.access, &rw), -EFAULT);
	rw.flags = WRITE;
	want_ok(uc_access_rw_at(&d.c, d.access, &rw));
	rw.uptr = 16;
	want(uc_access_rw_at(&d.c, d.access, &rw), -EFAULT);
	/* It has not written through the protection. */
	want_ok(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	want(s->size, sizeof(*s));
	device_end(&d);
}

/* ---- memory that goes ---------------------------------------------------- */

/* Whatever is said of @p's old place: that it is gone, or what it was. */
static void gone_or_same(const struct device *d, char byte)
{
	char back[8];
	const int ret = uc_access_rw(&d->c, d->access, IOVA, back, 8, 0);

	if (ret != -EFAULT) {
		want_ok(ret);
		for (int i = 0; i < 8; i++)
			want(back[i], byte);
	}
}

static void unmapped(void)
{
	struct device d = device_new();
	const int fd = a_memfd(PAGES);
	char *p = map_of(fd, MAP_SHARED), *q = map_of(fd, MAP_SHARED);
	uint64_t bytes;

	memset(p, 's', PAGES * PAGE);
	want_ok(map_at(&d, p, PAGES, UC_RW));
	want_ok(munmap(p, PAGES * PAGE));
	close(fd);
	/* Shared memory has a file, which is held. */
	want_ok(uc_check_map(&d.c, d.m.hwpt, IOVA, PAGES * PAGE, va(q)));
	want_ok(refs_are(&d.c, q, PAGES, 1));
	gone_or_same(&d, 's');
	want_ok(munmap(q, PAGES * PAGE));
	want_ok(uc_unmap(&d.c, d.ioas, IOVA, PAGES * PAGE, &bytes));
	want(bytes, PAGES * PAGE);
	p = memory_anonymous(PAGES);
	memset(p, 'a', PAGES * PAGE);
	want_ok(map_at(&d, p, PAGES, UC_RW));
	want_ok(munmap(p, PAGES * PAGE));
	gone_or_same(&d, 'a');
	want_ok(uc_unmap_all(&d.c, d.ioas, NULL));
	p = memory_private(PAGES);
	memset(p, 'p', PAGES * PAGE);
	want_ok(map_at(&d, p, PAGES, UC_RW));
	want_ok(munmap(p, PAGES * PAGE));
	gone_or_same(&d, 'p');
	q = mmap(p, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	want(q == p, 1);
	want_ok(uc_unmap_all(&d.c, d.ioas, &bytes));
	want(bytes, PAGES * PAGE);
	want_ok(refs_are(&d.c, q, 1, 0));
	device_end(&d);
	munmap(q, PAGE);
}

/* The mapper exits; another process has the context. */
static void exited(void)
{
	struct device d = device_new();
	char *p = memory_shared(1), byte = 0;
	uint64_t bytes;
	pid_t pid = (pid_t)must(fork());

	if (!pid) {
		want_ok(map_at(&d, p, 1, UC_RW));
		_exit(0);
	}
	want_child(pid);
	*p = 'x';
	want_ok(uc_access_rw(&d.c, d.access, IOVA, &byte, 1, 0));
	want(byte, 'x');
	want_ok(uc_check_map(&d.c, d.m.hwpt, IOVA, PAGE, va(p)));
	want_ok(uc_unmap_all(&d.c, d.ioas, &bytes));
	want(bytes, PAGE);
	pid = (pid_t)must(fork());
	if (!pid) {
		char *own = memory_private(PAGES);

		memset(own, 'y', PAGES * PAGE);
		want_ok(map_at(&d, own, PAGES, UC_RW));
		_exit(0);
	}
	want_child(pid);
	gone_or_same(&d, 'y');
	want_ok(uc_unmap_all(&d.c, d.ioas, &bytes));
	want(bytes, PAGES * PAGE);
	device_end(&d);
}

/* The memory is the mapper's, whoever asks, and the caller's buffer is his. */
static void whose(void)
{
	struct device d = device_new();
	char *p = memory_private(1), *buffer = memory_private(1);
	pid_t pid;

	strcpy(p, "parent");
	want_ok(map_at(&d, p, 1, UC_RW));
	pid = (pid_t)must(fork());
	if (!pid) {
		strcpy(p, "child");
		want_ok(uc_access_rw(&d.c, d.access, IOVA, buffer, 7, 0));
		want_ok(strcmp(buffer, "parent"));
		strcpy(buffer, "device");
		want_ok(uc_access_rw(&d.c, d.access, IOVA, buffer, 7, WRITE));
		want_ok(strcmp(p, "child"));
		want_ok(uc_map_fixed(&d.c, d.ioas, va(p), PAGE, UC_RW,
				     IOVA + PAGE));
		want_ok(uc_access_rw(&d.c, d.access, IOVA + PAGE, buffer, 6, 0));
		want_ok(strcmp(buffer, "child"));
		_exit(0);
	}
	want_child(pid);
	want_ok(strcmp(p, "device"));
	want(buffer[0], 0);
	device_end(&d);
}

/* A process that nobody may look into: an answer, whichever. */
static void secret(void)
{
	struct uclient c;
	int fd, ret;
	uint32_t id;

	want_ok(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0));
	fd = iommu_open_flags(O_RDWR);
	if (fd >= 0) {
		c = iommu_at(fd);
		ret = uc_ioas_alloc(&c, &id);
		want(ret == 0 || ret == -EPERM, 1);
		close(fd);
	} else {
		want(errno == EPERM || errno == ENOENT, 1);
	}
	want_ok(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static const struct client_case cases[] = {
	{ "private", private },
	{ "shared", shared },
	{ "anonymous", anonymous },
	{ "memfd", memfd },
	{ "file", file },
	{ "program", program },
	{ "by_file", by_file },
	{ "hugepage", hugepage },
	{ "protected", protected },
	{ "arguments", arguments },
	{ "unmapped", unmapped },
	{ "exited", exited },
	{ "whose", whose },
	{ "secret", secret },
};

CLIENT_MAIN(cases)
