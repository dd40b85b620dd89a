/* SPDX-License-Identifier: MIT */
/*
 * client: what our own clients of `ioas run` share
 *
 * A client is a plain program: it opens /dev/iommu, makes system calls, and
 * checks what it gets. It exits with 0, with 1 and a message about what does not
 * hold, or with 77 if there is nothing to check here, and why. A program has
 * cases; argv[1] says which, without it all of them run.
 */
#ifndef TESTS_RUN_CLIENT_H
#define TESTS_RUN_CLIENT_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uclient.h"

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))
/* Inside the aperture of the mock. */
#define IOVA UINT64_C(0x2000000)
#define SKIPPED 77

#define want(call, value) \
	want_at((long long)(call), (long long)(value), #call, __FILE__, __LINE__)
#define want_ok(call) want(call, 0)
/* The result, which is no error. */
#define must(call) must_at((long long)(call), #call, __FILE__, __LINE__)

static inline void want_at(long long got, long long value, const char *call,
			   const char *file, int line)
{
	if (got == value)
		return;
	fprintf(stderr, "%s:%d: %s\n\tgot %lld, want %lld", file, line, call,
		got, value);
	if (got < 0 && got > -4096)
		fprintf(stderr, " (got %s)", strerror((int)-got));
	fprintf(stderr, "; errno %d\n", errno);
	_exit(1);
}

static inline long long must_at(long long got, const char *call,
				const char *file, int line)
{
	if (got < 0) {
		fprintf(stderr, "%s:%d: %s\n\tgot %lld, errno %d (%s)\n", file,
			line, call, got, errno, strerror(errno));
		_exit(1);
	}
	return got;
}

static inline void skip(const char *why)
{
	printf("%s\n", why);
	fflush(stdout);
	_exit(SKIPPED);
}

/* Not through the compiler's idea of what open() may do. */
static inline int iommu_open_flags(int flags)
{
	return open("/dev/iommu", flags);
}

static inline struct uclient iommu_open(void)
{
	const int fd = (int)must(iommu_open_flags(O_RDWR | O_CLOEXEC));

	return (struct uclient){ .transport = &uc_system, .fd = fd };
}

static inline struct uclient iommu_at(int fd)
{
	return (struct uclient){ .transport = &uc_system, .fd = fd };
}

static inline void *memory_private(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

/*
 * Of a file that is open, so that whoever maps it can be followed there without
 * privileges (docs/supervisor.md).
 */
static inline void *memory_shared(size_t pages)
{
	const int fd = (int)must(memfd_create("client", MFD_CLOEXEC));
	void *p;

	must(ftruncate(fd, (off_t)(pages * PAGE)));
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

static inline uint64_t va(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* An address of nothing, which the compiler cannot see through. */
static inline void *nowhere(void)
{
	static volatile uintptr_t address = 16;

	return (void *)address;
}

static inline uint32_t ioas_new(const struct uclient *c)
{
	uint32_t id = 0;

	want_ok(uc_ioas_alloc(c, &id));
	return id;
}

static inline struct uc_mock mock_new(const struct uclient *c, uint32_t pt)
{
	struct uc_mock m = { 0, 0, 0 };

	want_ok(uc_mock_domain(c, pt, &m));
	return m;
}

/* Is each page of @p held so often? By all contexts there are. */
static inline int refs_are(const struct uclient *c, const void *p, size_t pages,
			   uint32_t refs)
{
	return uc_check_refs(c, va(p), pages * PAGE, refs);
}

/* The child must have said yes. */
static inline void want_child(pid_t pid)
{
	int status = -1;

	want(waitpid(pid, &status, 0), pid);
	want(WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status, 0);
}

/* ---- a line to another process ------------------------------------------ */

static inline void say(int fd)
{
	want(write(fd, "x", 1), 1);
}

static inline void hear(int fd)
{
	char byte;
	ssize_t ret;

	do
		ret = read(fd, &byte, 1);
	while (ret < 0 && errno == EINTR);
	want(ret, 1);
}

/* ---- cases --------------------------------------------------------------- */

struct client_case {
	const char *name;
	void (*run)(void);
};

static inline int client_main(int argc, char **argv,
			      const struct client_case *cases, size_t nr)
{
	unsigned int done = 0;

	for (size_t i = 0; i < nr; i++) {
		if (argc > 1 && strcmp(argv[1], cases[i].name))
			continue;
		cases[i].run();
		printf("ok %s\n", cases[i].name);
		fflush(stdout);
		done++;
	}
	if (!done)
		fprintf(stderr, "%s: no such case\n", argc > 1 ? argv[1] : "");
	return done ? 0 : 2;
}

#define CLIENT_MAIN(cases)                                    \
	int main(int argc, char **argv)                       \
	{                                                     \
		return client_main(argc, argv, (cases),       \
				   sizeof(cases) / sizeof((cases)[0])); \
	}

#endif
