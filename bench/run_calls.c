/* SPDX-License-Identifier: MIT */
/*
 * run_calls: the program of b_run: makes system calls when told to
 *
 *   b_run --"NAME NR [ARGUMENT]"--> stdin    NR times NAME
 *         <------nanoseconds------- stdout
 *
 *   run_calls             under `ioas run`, or as it is
 *   run_calls --floor N   under a supervisor of its own with N threads, which
 *                         does nothing but receive a call, copy its argument in
 *                         and out, and answer
 *   run_calls --exit      ends at once: what starting a program costs
 *
 * It is linked statically, so that starting it is cheap.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <ioas/abi/iommufd_test.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

/* In the mock's aperture, and on a boundary that its large entries like. */
#define IOVA UINT64_C(0x20000000)

static void must(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "run_calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- calls that are let go ---------------------------------------------- */

static uint64_t run_getppid(uint64_t nr, const char *arg)
{
	const uint64_t start = now();

	(void)arg;
	for (uint64_t i = 0; i < nr; i++)
		must(syscall(SYS_getppid) > 0, "getppid");
	return now() - start;
}

static uint64_t run_read(uint64_t nr, const char *arg)
{
	const int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	uint64_t start;
	char byte;

	(void)arg;
	must(fd >= 0, "/dev/zero");
	start = now();
	for (uint64_t i = 0; i < nr; i++)
		must(read(fd, &byte, 1) == 1, "read");
	start = now() - start;
	close(fd);
	return start;
}

static uint64_t run_open(uint64_t nr, const char *arg)
{
	const uint64_t start = now();

	(void)arg;
	for (uint64_t i = 0; i < nr; i++) {
		const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		must(fd >= 0, "open");
		close(fd);
	}
	return now() - start;
}

static uint64_t run_stat(uint64_t nr, const char *arg)
{
	const uint64_t start = now();
	struct stat st;

	(void)arg;
	for (uint64_t i = 0; i < nr; i++)
		must(!stat("/dev/null", &st), "stat");
	return now() - start;
}

/* ---- calls of /dev/iommu ------------------------------------------------ */

static struct {
	int fd;
	uint32_t ioas_id;
	uint32_t stdev_id;
} space = { .fd = -1 };

static void command(int fd, unsigned long cmd, void *arg)
{
	must(!ioctl(fd, cmd, arg), "ioctl");
}

static int new_space(uint32_t *ioas_id)
{
	struct ioas_abi_ioas_alloc alloc = { .size = sizeof(alloc) };
	const int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	must(fd >= 0, "/dev/iommu");
	command(fd, IOAS_ABI_IOAS_ALLOC, &alloc);
	*ioas_id = alloc.out_ioas_id;
	return fd;
}

static void need_space(void)
{
	if (space.fd < 0)
		space.fd = new_space(&space.ioas_id);
}

/* From here on, what is mapped is pinned and has a page table. */
static uint64_t run_attach(uint64_t nr, const char *arg)
{
	struct ioas_abi_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
	};

	(void)nr;
	(void)arg;
	need_space();
	cmd.id = space.ioas_id;
	command(space.fd, IOAS_ABI_TEST_CMD, &cmd);
	space.stdev_id = cmd.mock_domain.out_stdev_id;
	return 1;
}

static uint64_t run_detach(uint64_t nr, const char *arg)
{
	struct ioas_abi_destroy destroy = {
		.size = sizeof(destroy),
		.id = space.stdev_id,
	};

	(void)nr;
	(void)arg;
	command(space.fd, IOAS_ABI_DESTROY, &destroy);
	return 1;
}

static uint64_t ranges(int fd, uint32_t ioas_id, uint64_t nr)
{
	struct ioas_abi_iova_range range[4];
	struct ioas_abi_ioas_iova_ranges ask = {
		.size = sizeof(ask),
		.ioas_id = ioas_id,
		.allowed_iovas = (uintptr_t)range,
	};
	const uint64_t start = now();

	for (uint64_t i = 0; i < nr; i++) {
		ask.num_iovas = 4;
		command(fd, IOAS_ABI_IOAS_IOVA_RANGES, &ask);
	}
	return now() - start;
}

static uint64_t run_ranges(uint64_t nr, const char *arg)
{
	(void)arg;
	need_space();
	return ranges(space.fd, space.ioas_id, nr);
}

static uint64_t run_alloc(uint64_t nr, const char *arg)
{
	uint64_t start;

	(void)arg;
	need_space();
	start = now();
	for (uint64_t i = 0; i < nr; i++) {
		struct ioas_abi_ioas_alloc alloc = { .size = sizeof(alloc) };
		struct ioas_abi_destroy destroy = { .size = sizeof(destroy) };

		command(space.fd, IOAS_ABI_IOAS_ALLOC, &alloc);
		destroy.id = alloc.out_ioas_id;
		command(space.fd, IOAS_ABI_DESTROY, &destroy);
	}
	return now() - start;
}

/* @length is a whole number of pages; all are there. */
static void *memory(const char *kind, size_t length)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;
	void *p;

	if (!strcmp(kind, "memfd")) {
		fd = memfd_create("run_calls", MFD_CLOEXEC);
		must(fd >= 0 && !ftruncate(fd, (off_t)length), "memfd");
		flags = MAP_SHARED;
	}
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd,
		 0);
	must(p != MAP_FAILED, "memory");
	if (fd >= 0)
		close(fd);
	return p;
}

/* @arg: "KIND LENGTH", of memory that is kept from one round to the next. */
static void *kept_memory(const char *arg, size_t *length)
{
	static size_t kept_length;
	static char kept[64];
	static void *p;
	char kind[32];

	must(sscanf(arg, "%31s %zu", kind, length) == 2, "argument");
	if (strcmp(kept, arg)) {
		if (p)
			munmap(p, kept_length);
		p = memory(kind, *length);
		kept_length = *length;
		snprintf(kept, sizeof(kept), "%s", arg);
	}
	return p;
}

static uint64_t run_map(uint64_t nr, const char *arg)
{
	struct ioas_abi_ioas_map map = {
		.size = sizeof(map),
		.flags = IOAS_ABI_IOAS_MAP_FIXED_IOVA |
			 IOAS_ABI_IOAS_MAP_READABLE |
			 IOAS_ABI_IOAS_MAP_WRITEABLE,
		.iova = IOVA,
	};
	struct ioas_abi_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.iova = IOVA,
	};
	size_t length;
	uint64_t start;

	need_space();
	map.ioas_id = unmap.ioas_id = space.ioas_id;
	map.user_va = (uintptr_t)kept_memory(arg, &length);
	map.length = unmap.length = length;
	start = now();
	for (uint64_t i = 0; i < nr; i++) {
		command(space.fd, IOAS_ABI_IOAS_MAP, &map);
		command(space.fd, IOAS_ABI_IOAS_UNMAP, &unmap);
	}
	return now() - start;
}

/* ---- several threads ---------------------------------------------------- */

struct crew {
	pthread_barrier_t begin;
	/* What each of them does @nr times. */
	uint64_t (*work)(uint64_t nr);
	uint64_t nr;
};

static void *crew_main(void *ctx)
{
	struct crew *c = ctx;

	pthread_barrier_wait(&c->begin);
	c->work(c->nr);
	return NULL;
}

/* Nanoseconds until both are done. */
static uint64_t crew_run(uint64_t (*work)(uint64_t nr), uint64_t nr)
{
	struct crew c = { .work = work, .nr = nr };
	pthread_t thread[2];
	uint64_t start;

	pthread_barrier_init(&c.begin, NULL, 3);
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&thread[i], NULL, crew_main, &c), "thread");
	pthread_barrier_wait(&c.begin);
	start = now();
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	start = now() - start;
	pthread_barrier_destroy(&c.begin);
	return start;
}

/* A context each. */
static uint64_t ranges_of_own(uint64_t nr)
{
	uint32_t ioas_id;
	const int fd = new_space(&ioas_id);
	const uint64_t ns = ranges(fd, ioas_id, nr);

	close(fd);
	return ns;
}

static uint64_t run_ranges_2(uint64_t nr, const char *arg)
{
	(void)arg;
	return crew_run(ranges_of_own, nr);
}

/* ---- the floor ---------------------------------------------------------- */

static uint64_t empty(uint64_t nr)
{
	struct ioas_abi_ioas_iova_ranges ask = { .size = sizeof(ask) };
	const uint64_t start = now();

	for (uint64_t i = 0; i < nr; i++)
		command(-1, IOAS_ABI_IOAS_IOVA_RANGES, &ask);
	return now() - start;
}

static uint64_t run_empty(uint64_t nr, const char *arg)
{
	(void)arg;
	return empty(nr);
}

static uint64_t run_empty_2(uint64_t nr, const char *arg)
{
	(void)arg;
	return crew_run(empty, nr);
}

/* ioctls of our type are handed over, and nothing else. Return: the listener. */
static int floor_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 4),
		/* The low half, which is the first. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff00),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x3b00, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog prog = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
		       "the filter looks at the low half first");
	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER |
				    SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			    &prog);
}

/* Receive, copy in, copy out, answer: what any supervisor has to do. */
static void *floor_serve(void *ctx)
{
	const int listener = *(const int *)ctx;
	struct ioas_abi_ioas_iova_ranges arg;
	struct iovec here = { &arg, sizeof(arg) }, there = here;
	struct seccomp_notif_resp answer = { 0 };
	struct seccomp_notif n;

	for (;;) {
		memset(&n, 0, sizeof(n));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return NULL;
		}
		there.iov_base = (void *)(uintptr_t)n.data.args[2];
		must(process_vm_readv((pid_t)n.pid, &here, 1, &there, 1, 0) ==
				     (ssize_t)sizeof(arg),
		     "copy in");
		must(process_vm_writev((pid_t)n.pid, &here, 1, &there, 1, 0) ==
				     (ssize_t)sizeof(arg),
		     "copy out");
		answer.id = n.id;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	}
}

/* The parent: serve @child until it ends. Does not return. */
static void floor_supervise(pid_t child, int number, int threads)
{
	const int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	static int listener;
	pthread_t thread;
	int status;

	listener = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	must(listener >= 0, "listener");
	/* Older kernels wake as they do. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
	      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	for (int i = 0; i < threads; i++)
		must(!pthread_create(&thread, NULL, floor_serve, &listener),
		     "thread");
	must(waitpid(child, &status, 0) == child, "wait");
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/*
 * Returns in a child that is under the filter, which keeps the listener open as
 * well: a call that comes early waits for the threads.
 */
static void floor_begin(int threads)
{
	int said[2], number;
	pid_t child;

	must(!pipe(said), "pipe");
	child = fork();
	must(child >= 0, "fork");
	if (child) {
		must(read(said[0], &number, sizeof(number)) ==
			     (ssize_t)sizeof(number),
		     "the filter's number");
		floor_supervise(child, number, threads);
	}
	must(!prctl(PR_SET_PDEATHSIG, SIGKILL), "death signal");
	number = floor_filter();
	must(number >= 0, "filter");
	must(write(said[1], &number, sizeof(number)) ==
		     (ssize_t)sizeof(number),
	     "the filter's number");
}

/* ---- what is told ------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t (*run)(uint64_t nr, const char *arg);
} calls[] = {
	{ "getppid", run_getppid }, { "read", run_read },
	{ "open", run_open },	    { "stat", run_stat },
	{ "attach", run_attach },   { "detach", run_detach },
	{ "ranges", run_ranges },   { "ranges2", run_ranges_2 },
	{ "alloc", run_alloc },	    { "map", run_map },
	{ "empty", run_empty },	    { "empty2", run_empty_2 },
};

static uint64_t serve(const char *line)
{
	char name[16], arg[64] = "";
	unsigned long long nr;

	must(sscanf(line, "%15s %llu %63[^\n]", name, &nr, arg) >= 2, line);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(calls[i].name, name))
			return calls[i].run(nr, arg);
	must(false, name);
	return 0;
}

int main(int argc, char **argv)
{
	char line[128];

	if (argc > 1 && !strcmp(argv[1], "--exit"))
		return 0;
	if (argc > 2 && !strcmp(argv[1], "--floor"))
		floor_begin(atoi(argv[2]));
	while (fgets(line, sizeof(line), stdin)) {
		printf("%llu\n", (unsigned long long)serve(line));
		fflush(stdout);
	}
	return 0;
}
