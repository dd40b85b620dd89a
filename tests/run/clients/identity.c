/* SPDX-License-Identifier: MIT */
/*
 * identity: what the files look like, what they cannot do, and who pays
 *
 *   stat       a character device by every call there is
 *   names      what /proc/self/fd says of each
 *   refused    epoll, resizing, mmap of nothing, requests of others
 *   locked     VmPin in /proc/self/status
 *   limited    RLIMIT_MEMLOCK; "limited PAGES" expects a limit that is set
 *   unlimited  with the capability there is none
 */
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <poll.h>

#include "client.h"

static void is_device(mode_t mode, dev_t rdev)
{
	want(S_ISCHR(mode), 1);
	want(major(rdev), 10);
}

static void by_stat(void)
{
	const int dir = (int)must(open("/dev", O_RDONLY | O_DIRECTORY));
	const int fd = (int)must(iommu_open_flags(O_RDWR));
	struct stat path, file;
	struct statx x;

	want_ok(stat("/dev/iommu", &path));
	is_device(path.st_mode, path.st_rdev);
	want_ok(lstat("/dev/iommu", &file));
	is_device(file.st_mode, file.st_rdev);
	want_ok(fstat(fd, &file));
	is_device(file.st_mode, file.st_rdev);
	want(file.st_rdev, path.st_rdev);
	want_ok(fstatat(dir, "iommu", &file, 0));
	want(file.st_rdev, path.st_rdev);
	want_ok(fstatat(fd, "", &file, AT_EMPTY_PATH));
	want(file.st_rdev, path.st_rdev);
	want_ok(statx(AT_FDCWD, "/dev/iommu", 0, STATX_BASIC_STATS, &x));
	is_device(x.stx_mode, makedev(x.stx_rdev_major, x.stx_rdev_minor));
	want_ok(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x));
	is_device(x.stx_mode, makedev(x.stx_rdev_major, x.stx_rdev_minor));
	want_ok(access("/dev/iommu", R_OK | W_OK));
	want_ok(faccessat(dir, "iommu", R_OK, 0));
	close((int)must(openat(dir, "iommu", O_RDWR)));
	close(dir);
	close(fd);
}

static void by_path(void)
{
	const int dir = (int)must(open("/dev", O_RDONLY | O_DIRECTORY));
	struct stat st;

	want(open("/dev/iommu/x", O_RDWR), -1);
	want(errno, ENOTDIR);
	want(open("/dev/iommu2", O_RDWR), -1);
	want(errno, ENOENT);
	want(open("/dev/iommu", O_RDWR | O_DIRECTORY), -1);
	want(errno, ENOTDIR);
	want(open("/dev/iommu", O_RDWR | O_CREAT | O_EXCL, 0600), -1);
	want(errno, EEXIST);
	must(open("/dev/./../dev//iommu", O_RDWR | O_CREAT, 0600));
	want_ok(fchdir(dir));
	must(open("iommu", O_RDWR));
	must(open("./iommu", O_RDWR));
	want_ok(stat("iommu", &st));
	want(open(nowhere(), O_RDWR), -1);
	want(errno, EFAULT);
	want(stat(nowhere(), &st), -1);
	want(errno, EFAULT);
	close(dir);
}

static void is_named(int fd, const char *name)
{
	char link[64], text[128] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	must(readlink(link, text, sizeof(text) - 1));
	if (strcmp(text, name)) {
		fprintf(stderr, "%s: %s, not %s\n", link, text, name);
		_exit(1);
	}
}

static void names(void)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char text[8] = "1234567";
	uint32_t id;
	int fd;

	is_named(c.fd, "/dev/iommu");
	want(readlink("/dev/iommu", text, sizeof(text)), -1);
	want(errno, EINVAL);
	want_ok(uc_access_create(&c, ioas, 0, &fd));
	is_named(fd, "anon_inode:[iommufd_test_staccess]");
	want_ok(uc_fault_queue(&c, &id, &fd));
	is_named(fd, "anon_inode:[iommufd-pgfault]");
	close(c.fd);
}

static void refused(void)
{
	struct uclient c = iommu_open();
	struct epoll_event e = { .events = EPOLLIN };
	const int ep = epoll_create1(0);
	struct pollfd p = { c.fd, POLLIN | POLLOUT, 0 };
	char byte = 0;

	want(poll(&p, 1, 0), 1);
	want(p.revents, POLLIN | POLLOUT);
	want(epoll_ctl(ep, EPOLL_CTL_ADD, c.fd, &e), -1);
	want(errno, EPERM);
	want(ftruncate(c.fd, 0) < 0, 1);
	want(ioctl(c.fd, 0x5401, &byte), -1);
	want(errno, ENOTTY);
	want(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, c.fd, 0) == MAP_FAILED, 1);
	want(errno, ENXIO);
	close(ep);
	close(c.fd);
}

/* In pages; of /proc/self/status. */
static long pinned(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	want(f != NULL, 1);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmPin: %ld kB", &kb) == 1)
			break;
	fclose(f);
	return kb < 0 ? kb : kb * 1024 / (long)PAGE;
}

static void locked(void)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(16);

	want(pinned(), 0);
	mock_new(&c, ioas);
	want_ok(uc_map_fixed(&c, ioas, va(p), 16 * PAGE, UC_RW, IOVA));
	want(pinned(), 16);
	want_ok(uc_map_fixed(&c, ioas, va(p), PAGE, UC_RW, IOVA + 16 * PAGE));
	want(pinned(), 17);
	want_ok(uc_unmap_all(&c, ioas, NULL));
	want(pinned(), 0);
	close(c.fd);
}

static void limit_is(uint64_t pages)
{
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(pages + 2);

	mock_new(&c, ioas);
	want(uc_map_fixed(&c, ioas, va(p), (pages + 1) * PAGE, UC_RW, IOVA),
	     -ENOMEM);
	want_ok(uc_map_fixed(&c, ioas, va(p), pages * PAGE, UC_RW, IOVA));
	want(uc_map_fixed(&c, ioas, va(p), PAGE, UC_RW, IOVA + pages * PAGE),
	     -ENOMEM);
	want_ok(uc_unmap_all(&c, ioas, NULL));
	want_ok(uc_map_fixed(&c, ioas, va(p), PAGE, UC_RW, IOVA));
	close(c.fd);
}

static void limited(void)
{
	const struct rlimit rl = { 16 * PAGE, 16 * PAGE };

	/* Asked for whenever something is charged. */
	want_ok(setrlimit(RLIMIT_MEMLOCK, &rl));
	limit_is(16);
}

static void unlimited(void)
{
	const struct rlimit rl = { 4 * PAGE, 4 * PAGE };
	struct uclient c = iommu_open();
	const uint32_t ioas = ioas_new(&c);
	char *p = memory_private(64);

	want_ok(setrlimit(RLIMIT_MEMLOCK, &rl));
	mock_new(&c, ioas);
	want_ok(uc_map_fixed(&c, ioas, va(p), 64 * PAGE, UC_RW, IOVA));
	close(c.fd);
}

static const struct client_case cases[] = {
	{ "stat", by_stat },
	{ "path", by_path },
	{ "names", names },
	{ "refused", refused },
	{ "locked", locked },
	{ "limited", limited },
	{ "unlimited", unlimited },
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "limited")) {
		limit_is(strtoull(argv[2], NULL, 0));
		return 0;
	}
	return client_main(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
}
