/* SPDX-License-Identifier: MIT */
/*
 * client: a program that knows nothing of ioas, below libioas-preload.so
 *
 * It links libc alone. What any client of /dev/iommu may expect stands in
 * tests/run/clients; here is what a preloaded object may get wrong: numbers,
 * flags, fork() and exec(), signals, and descriptors of others.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>

#include "../run/clients/client.h"

static const char *self;

#define want_error(call, value)      \
	do {                         \
		errno = 0;           \
		want((call), -1);    \
		want(errno, (value)); \
	} while (0)

/* Through an address space with memory at IOVA; -1 and errno. */
static int works(int fd)
{
	const struct uclient c = iommu_at(fd);
	uint32_t id;
	const int ret = uc_ioas_alloc(&c, &id);

	errno = -ret;
	return ret ? -1 : 0;
}

static int open_plain(void)
{
	return (int)must(iommu_open_flags(O_RDWR));
}

/* ---- the interface ------------------------------------------------------- */

static void memory(void)
{
	struct uclient c = iommu_open();
	const uint32_t a = ioas_new(&c), b = ioas_new(&c);
	struct ioas_abi_ioas_copy copy = {
		.flags = IOAS_ABI_IOAS_MAP_FIXED_IOVA |
			 IOAS_ABI_IOAS_MAP_READABLE |
			 IOAS_ABI_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = b,
		.src_ioas_id = a,
		.length = PAGE,
		.dst_iova = IOVA + 4 * PAGE,
		.src_iova = IOVA,
	};
	char *p = memory_private(2), word[8] = "";
	uint64_t bytes;
	int fd;

	want_ok(uc_map_fixed(&c, a, va(p), 2 * PAGE, UC_RW, IOVA));
	want(uc_map_fixed(&c, a, va(p), PAGE, UC_RW, IOVA), -EEXIST);
	want_ok(uc_copy(&c, &copy));
	want_ok(uc_access_create(&c, b, 0, &fd));
	want(fd > c.fd, 1);
	strcpy(p, "before");
	want_ok(uc_access_rw(&c, fd, copy.dst_iova, word, 7, 0));
	want_ok(strcmp(word, "before"));
	want_ok(uc_unmap(&c, a, IOVA, 2 * PAGE, &bytes));
	want(bytes, 2 * PAGE);
	want(uc_unmap(&c, a, IOVA, PAGE, &bytes), -ENOENT);
	close(fd);
	close(c.fd);
}

static void ranges(void)
{
	struct ioas_abi_iova_range r[4] = { { 1, 0 } };
	struct uclient c = iommu_open();
	struct ioas_abi_ioas_iova_ranges s = {
		.size = sizeof(s),
		.ioas_id = ioas_new(&c),
		.num_iovas = 4,
		.allowed_iovas = va(r),
	};

	want_ok(uc_call(&c, IOAS_ABI_IOAS_IOVA_RANGES, &s, sizeof(s)));
	want(s.num_iovas, 1);
	want(r[0].start, 0);
	want(r[0].last, UINT64_MAX);
	close(c.fd);
}

static void container(void)
{
	const int fd = (int)must(open("/dev/vfio/vfio", O_RDWR));
	const struct uclient c = iommu_at(fd);

	want(uc_vfio_version(&c), 0);
	want(uc_vfio_extension(&c, 1), 1);
	want(uc_vfio_extension(&c, 99), 0);
	close(fd);
}

/* Memory of an object, which stays while it is mapped. */
static void region(void)
{
	struct uclient c = iommu_open();
	struct ioas_abi_viommu_data_selftest data = { .in_data = 0x1234 };
	struct ioas_abi_viommu_alloc v = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data),
	};
	const uint32_t ioas = ioas_new(&c);
	const struct uc_mock m = mock_new(&c, ioas);
	volatile char *p, *q;
	size_t n;

	want_ok(uc_hwpt(&c, m.idev, ioas, IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
			&v.hwpt_id));
	v.dev_id = m.idev;
	want_ok(uc_viommu_alloc(&c, &v, &data));
	n = data.out_mmap_length;
	p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd,
		 (off_t)data.out_mmap_offset);
	want(p != MAP_FAILED, 1);
	q = mmap(NULL, n, PROT_READ, MAP_SHARED, c.fd,
		 (off_t)data.out_mmap_offset);
	want(q != MAP_FAILED, 1);
	p[1] = 42;
	want(q[1], 42);
	want(uc_destroy(&c, v.out_viommu_id), -EBUSY);
	want_ok(munmap((void *)p, n));
	want_ok(munmap((void *)q, n));
	want_ok(uc_destroy(&c, v.out_viommu_id));
	errno = 0;
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, c.fd, 0);
	want(p == MAP_FAILED && errno, 1);
	/* The descriptor does not matter here. */
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, c.fd, 0);
	want(p[0], 0);
	close(c.fd);
}

static void bad_addresses(void)
{
	struct uclient c = iommu_open();
	char *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	const struct iovec v = { none, 8 };
	char link[8];

	want_error(ioctl(c.fd, IOAS_ABI_IOAS_ALLOC, nowhere()), EFAULT);
	want_error(ioctl(c.fd, IOAS_ABI_IOAS_ALLOC, none), EFAULT);
	want_error(open(none, O_RDWR), EFAULT);
	want_error(open(none, O_RDWR | O_CREAT, 0600), EFAULT);
	want_error(openat(AT_FDCWD, nowhere(), O_RDONLY), EFAULT);
	want_error(access(none, F_OK), EFAULT);
	want_error(stat("/dev/iommu", nowhere()), EFAULT);
	want_error(fstat(c.fd, nowhere()), EFAULT);
	want_error(readlink(none, link, 8), EFAULT);
	want_error(readv(c.fd, nowhere(), 1), EFAULT);
	want_error(readv(c.fd, &v, 1), EINVAL);
	want_error(poll(nowhere(), 1, 0), EFAULT);
	want_error(ioctl(c.fd, 0x1234, 0), ENOTTY);
	want_error(read(c.fd, none, 8), EINVAL);
	want_error(lseek(c.fd, 0, SEEK_SET), ESPIPE);
	want_error(pread(c.fd, none, 8, 0), ESPIPE);
	want_ok(works(c.fd));
	close(c.fd);
}

/* ---- names --------------------------------------------------------------- */

static void same_file(const struct stat *a, const struct stat *b)
{
	want(a->st_dev == b->st_dev && a->st_ino == b->st_ino, 1);
	want(a->st_rdev == b->st_rdev, 1);
	want(a->st_mode, b->st_mode);
}

static void node(const char *path, unsigned int minor)
{
	const int fd = (int)must(open(path, O_RDWR | O_CLOEXEC));
	struct stat byfd, st;
	struct statx stx;
	char link[64], name[64];

	want_ok(fstat(fd, &byfd));
	want(S_ISCHR(byfd.st_mode), 1);
	want(major(byfd.st_rdev), 10);
	if (minor)
		want(minor(byfd.st_rdev), minor);
	want_ok(stat(path, &st));
	same_file(&st, &byfd);
	want_ok(lstat(path, &st));
	same_file(&st, &byfd);
	want_ok(fstatat(AT_FDCWD, path, &st, 0));
	same_file(&st, &byfd);
	want_ok(fstatat(fd, "", &st, AT_EMPTY_PATH));
	same_file(&st, &byfd);
	want_ok(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx));
	want(stx.stx_ino, byfd.st_ino);
	want(makedev(stx.stx_rdev_major, stx.stx_rdev_minor) == byfd.st_rdev,
	     1);
	want_ok(access(path, R_OK | W_OK));
	want_error(access(path, X_OK), EACCES);
	want_error(access(path, 64), EINVAL);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	want(readlink(link, name, sizeof(name)), strlen(path));
	want_ok(memcmp(name, path, strlen(path)));
	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)getpid(), fd);
	want(readlink(link, name, 4), 4);
	want_ok(memcmp(name, "/dev", 4));
	close(fd);
	want_error(readlink(link, name, 4), ENOENT);
}

static void nodes(void)
{
	node("/dev/iommu", 0);
	node("/dev/vfio/vfio", 196);
	want_error(open("/dev/iommu", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	want_error(open("/dev/iommu", O_RDONLY | O_DIRECTORY), ENOTDIR);
	want_error(open("/dev/iommus", O_RDWR), ENOENT);
	close((int)must(creat("/dev/iommu", 0600)));
}

/* ---- numbers ------------------------------------------------------------- */

static void duplicates(void)
{
	const int fd = open_plain(), other = (int)must(dup(0));
	const int event = (int)must(eventfd(0, EFD_NONBLOCK));
	int copy = (int)must(dup(fd));
	eventfd_t count;

	want(copy, event + 1);
	want_ok(close(fd));
	want_error(works(fd), EBADF);
	want_error(close(fd), EBADF);
	want_ok(works(copy));
	want(fcntl(copy, F_DUPFD, 100), 100);
	want(fcntl(copy, F_DUPFD_CLOEXEC, 100), 101);
	want(fcntl(100, F_GETFD), 0);
	want(fcntl(101, F_GETFD), FD_CLOEXEC);
	want(dup2(copy, 50), 50);
	want(dup2(copy, copy), copy);
	want(dup3(copy, 51, O_CLOEXEC), 51);
	want_error(dup3(copy, copy, 0), EINVAL);
	want_error(dup2(copy, -1), EBADF);
	want_error(dup2(copy, 1 << 30), EBADF);
	want_error(fcntl(copy, F_DUPFD, 1 << 30), EINVAL);
	close(copy);
	close(50);
	close(51);
	close(100);
	want_ok(works(101));
	/* Something else over ours, and ours over something else. */
	want(dup2(other, 101), 101);
	want_error(works(101), ENOTTY);
	/* It looks as what is behind ours does. */
	copy = open_plain();
	want(dup2(event, copy), copy);
	want_ok(eventfd_write(copy, 7));
	want_ok(eventfd_read(event, &count));
	want(count, 7);
	want_error(works(copy), ENOTTY);
	close(event);
	close(copy);
	copy = open_plain();
	want(dup2(copy, other), other);
	want_ok(works(other));
	close(101);
	close(copy);
	close(other);
}

static void ranges_closed(void)
{
	int fd = open_plain(), again;

	want(dup2(fd, 60), 60);
	want_ok(close_range(60, 70, 0));
	want_error(works(60), EBADF);
	want_ok(works(fd));
	closefrom(3);
	want_error(works(fd), EBADF);
	/* What we need ourselves is still there. */
	again = open_plain();
	want(again, fd);
	close(again);
	memory();
}

static void flags(void)
{
	int fd = open_plain(), on = 1;

	want(fcntl(fd, F_GETFD), 0);
	want_ok(fcntl(fd, F_SETFD, FD_CLOEXEC));
	want(fcntl(fd, F_GETFD), FD_CLOEXEC);
	want_ok(ioctl(fd, FIONCLEX));
	want(fcntl(fd, F_GETFD), 0);
	want(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	want_ok(fcntl(fd, F_SETFL, O_NONBLOCK));
	want_ok(ioctl(fd, FIONBIO, &on));
	want_error(ioctl(fd, FIONBIO, nowhere()), EFAULT);
	close(fd);
}

/* The kernel closes a number without us: it is whose it is then. */
static void closed_past_us(void)
{
	const int fd = open_plain();
	char byte;

	want_ok(syscall(SYS_close, fd));
	want(open("/dev/zero", O_RDONLY), fd);
	want(read(fd, &byte, 1), 1);
	close(fd);
}

static void queue_is_selected(void)
{
	struct uclient c = iommu_open();
	struct ioas_abi_hwpt_alloc s = {
		.flags = IOAS_ABI_HWPT_FAULT_ID_VALID,
		.pt_id = ioas_new(&c),
	};
	struct uc_mock m = mock_new(&c, s.pt_id);
	struct ioas_abi_test_trigger_iopf f = { .dev_id = m.idev, .grpid = 1,
						.perm = 1 };
	struct timeval now = { 0, 0 };
	struct ioas_abi_pgfault r;
	struct pollfd p[2];
	int fd, copy, zero = (int)must(open("/dev/zero", O_RDONLY));
	uint32_t pt;
	fd_set set;

	want_ok(uc_fault_queue(&c, &s.fault_id, &fd));
	s.dev_id = m.idev;
	want_ok(uc_hwpt_alloc(&c, &s, NULL));
	pt = s.out_hwpt_id;
	want_ok(uc_mock_replace(&c, m.stdev, &pt));
	/* The number that it came with is closed: a copy is as good. */
	copy = (int)must(dup(fd));
	want_ok(close(fd));
	FD_ZERO(&set);
	FD_SET(copy, &set);
	want(select(copy + 1, &set, NULL, NULL, &now), 0);
	want_ok(uc_iopf(&c, &f));
	FD_SET(copy, &set);
	want(select(copy + 1, &set, NULL, NULL, NULL), 1);
	p[0] = (struct pollfd){ copy, POLLIN | POLLRDNORM, 0 };
	p[1] = (struct pollfd){ zero, POLLIN, 0 };
	want(poll(p, 2, -1), 2);
	want(p[0].revents, POLLIN | POLLRDNORM);
	want(p[1].revents, POLLIN);
	p[0].events = POLLRDNORM;
	p[1].fd = -1;
	want(poll(p, 2, -1), 1);
	want(p[0].revents, POLLRDNORM);
	want(read(copy, &r, sizeof(r)), sizeof(r));
	FD_SET(copy, &set);
	want(select(copy + 1, &set, NULL, NULL, &now), 0);
	want(poll(p, 2, 1), 0);
	close(copy);
	close(zero);
	close(c.fd);
}

/* ---- processes ----------------------------------------------------------- */

static void forked(void)
{
	const int fd = open_plain();
	char byte;
	pid_t pid;
	int copy, new;

	pid = (pid_t)must(fork());
	if (!pid) {
		want_error(works(fd), EIO);
		want_error(read(fd, &byte, 1), EIO);
		want_error(lseek(fd, 0, SEEK_SET), EIO);
		copy = (int)must(dup(fd));
		want_error(works(copy), EIO);
		want_ok(close(fd));
		want_error(works(fd), EBADF);
		/* One of its own. */
		new = open_plain();
		want(new, fd);
		want_ok(works(new));
		want_error(works(copy), EIO);
		closefrom(3);
		want(open("/dev/zero", O_RDONLY), 3);
		want(read(3, &byte, 1), 1);
		close(3);
		memory();
		_exit(0);
	}
	want_child(pid);
	want_ok(works(fd));
	close(fd);
}

/* It has our memory, and its own descriptors. */
static void vforked(void)
{
	const int fd = open_plain();
	pid_t pid;

	pid = (pid_t)must(vfork());
	if (!pid) {
		if (open("/dev/iommu", O_RDWR) >= 0)
			_exit(2);
		closefrom(3);
		dup2(0, fd);
		close(fd);
		_exit(0);
	}
	want_child(pid);
	want_ok(works(fd));
	close(fd);
}

static int after_exec(const char *number)
{
	want_error(fcntl(atoi(number), F_GETFD), EBADF);
	return 0;
}

/* Whatever its flag says: it would be of no use. */
static void executed(void)
{
	const int fd = open_plain();
	char number[16];
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	pid = (pid_t)must(fork());
	if (!pid) {
		execl(self, self, "after", number, NULL);
		_exit(3);
	}
	want_child(pid);
	want_ok(works(fd));
	close(fd);
}

/* ---- signals ------------------------------------------------------------- */

static volatile sig_atomic_t handled;
static char *protected;

static void on_segv(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	handled += info->si_addr == protected;
	mprotect(protected, PAGE, PROT_READ | PROT_WRITE);
}

static void plain(int sig)
{
	(void)sig;
	_exit(9);
}

/* A handler that comes after us, and a fault for each of us. */
static void handlers(void)
{
	struct sigaction act = { .sa_flags = SA_SIGINFO }, old;
	struct uclient c = iommu_open();

	protected = memory_private(1);
	want_ok(sigaction(SIGSEGV, NULL, &old));
	want(old.sa_handler == SIG_DFL, 1);
	act.sa_sigaction = on_segv;
	want_ok(sigaction(SIGSEGV, &act, NULL));
	want_error(ioctl(c.fd, IOAS_ABI_IOAS_ALLOC, nowhere()), EFAULT);
	want(handled, 0);
	want_ok(mprotect(protected, PAGE, PROT_NONE));
	*(volatile char *)protected = 1;
	want(handled, 1);
	want_ok(sigaction(SIGSEGV, NULL, &old));
	want(old.sa_sigaction == on_segv, 1);
	want(signal(SIGSEGV, plain) == (sighandler_t)(void *)on_segv, 1);
	want(signal(SIGSEGV, SIG_DFL) == plain, 1);
	want_error(ioctl(c.fd, IOAS_ABI_IOAS_ALLOC, nowhere()), EFAULT);
	close(c.fd);
}

/* ---- threads ------------------------------------------------------------- */

static void *churn(void *arg)
{
	(void)arg;
	for (int i = 0; i < 200; i++) {
		int fd = open_plain(), zero, copy;
		char byte;

		want_ok(works(fd));
		copy = (int)must(dup(fd));
		close(fd);
		zero = (int)must(open("/dev/zero", O_RDONLY));
		want(read(zero, &byte, 1), 1);
		want_ok(works(copy));
		close(zero);
		close(copy);
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t[4];

	for (size_t i = 0; i < 4; i++)
		want_ok(pthread_create(&t[i], NULL, churn, NULL));
	for (size_t i = 0; i < 4; i++)
		want_ok(pthread_join(t[i], NULL));
}

/* ---- what the environment says ------------------------------------------- */

/* Of IOAS_PRELOAD_MEMLOCK: two pages, and a device that pins. */
static void limited(void)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(3);

	mock_new(&c, ioas);
	want(uc_map_fixed(&c, ioas, va(p), 3 * PAGE, UC_RW, IOVA), -ENOMEM);
	want_ok(uc_map_fixed(&c, ioas, va(p), 2 * PAGE, UC_RW, IOVA));
	close(c.fd);
}

static void no_mock(void)
{
	struct uclient c = iommu_open();
	struct uc_mock m;

	want(uc_mock_domain(&c, ioas_new(&c), &m), -ENOTTY);
	close(c.fd);
}

static const struct client_case cases[] = {
	{ "memory", memory },
	{ "ranges", ranges },
	{ "container", container },
	{ "region", region },
	{ "bad_addresses", bad_addresses },
	{ "nodes", nodes },
	{ "duplicates", duplicates },
	{ "ranges_closed", ranges_closed },
	{ "flags", flags },
	{ "closed_past_us", closed_past_us },
	{ "queue_is_selected", queue_is_selected },
	{ "forked", forked },
	{ "vforked", vforked },
	{ "executed", executed },
	{ "handlers", handlers },
	{ "threads", threads },
	{ "limited", limited },
	{ "no_mock", no_mock },
};

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 3 && !strcmp(argv[1], "after"))
		return after_exec(argv[2]);
	return client_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
