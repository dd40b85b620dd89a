/* SPDX-License-Identifier: MIT */
/*
 * Names of ours in the calls of a program (src/super/paths.c, names.c,
 * statcall.c, tree.c, procstatus.c), without functions (t_super_devnames.c).
 */
#include "paths_kit.h"

#include <limits.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "super/procstatus.h"

/* ---- open --------------------------------------------------------------- */

static void devices_open_as_contexts(void **state)
{
	const int dev = open("/dev", O_RDONLY | O_DIRECTORY);

	(void)state;
	begin(false);
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_CLOEXEC), SENT);
	assert_true(sent.is_context);
	assert_int_equal(sent.context, 0);
	assert_int_equal(sent.flags, O_RDWR | O_CLOEXEC);
	assert_int_equal(do_open("/dev/vfio/vfio", O_RDONLY), SENT);
	assert_int_equal(sent.context, IOAS_OPEN_VFIO);
	assert_int_equal(do_openat(dev, "iommu", O_RDWR), SENT);
	assert_int_equal(do_openat(dev, "vfio/../iommu", O_RDWR), SENT);
	assert_int_equal(do_open("/dev/../dev//iommu", O_RDWR), SENT);
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_CREAT | O_TRUNC),
			 SENT);
	assert_int_equal(do_open("/dev/null", O_RDWR), GOES_ON);
	assert_int_equal(do_open("/tmp/iommu", O_RDWR), GOES_ON);
	assert_int_equal(do_openat(-5, "iommu", O_RDWR), GOES_ON);
	close(dev);
	end();
}

static void devices_refuse_as_devices(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_CREAT | O_EXCL),
			 -EEXIST);
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_TMPFILE), -ENOTDIR);
	assert_int_equal(do_open("/dev/iommu/", O_RDWR), -ENOTDIR);
	assert_int_equal(do_open("/dev/iommu/.", O_RDWR), -ENOTDIR);
	assert_int_equal(do_open("/dev/iommu/x", O_RDWR), -ENOTDIR);
	assert_int_equal(do_open("/dev/vfio/12", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/12", O_RDWR | O_CREAT), -EACCES);
	assert_false(sent.is_context);
	end();
}

static void opening_a_device_is_made_of_points(void **state)
{
	(void)state;
	begin(true);
	call.caller.fault = &task.fault;
	task.fault.nth = 1;
	/* The copy of the path; then what is allocated. */
	assert_int_equal(do_open("/dev/iommu", O_RDWR | O_DIRECTORY), -EFAULT);
	task.fault.nth = 2;
	assert_int_equal(do_open("/dev/iommu", O_RDWR), -ENOMEM);
	assert_int_equal(do_open("/dev/iommu", O_RDWR), SENT);
	end();
}

static void a_descriptor_opens_again_by_its_name(void **state)
{
	static struct ioas_ufile queue_file;

	(void)state;
	begin(true);
	our_fd = 0;
	our_name = "/dev/vfio/vfio";
	our_ufile = &context_file;
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), SENT);
	assert_true(sent.is_context);
	assert_int_equal(sent.context, IOAS_OPEN_VFIO);
	assert_int_equal(do_open("/dev/fd/0", O_RDWR | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(do_open("/dev/fd/1", O_RDWR), GOES_ON);
	our_name = "anon_inode:[iommufd-pgfault]";
	our_ufile = &queue_file;
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), -ENXIO);
	our_name = "/sys/kernel/debug/failslab/times";
	our_ufile = NULL;
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), SENT);
	assert_true(sent.is_text);
	end();
}

static void a_path_alone_is_the_trees(void **state)
{
	struct stat st;
	char path[64];
	int fd;

	(void)state;
	begin(false);
	assert_int_equal(do_open("/dev/iommu", O_PATH), SENT);
	assert_false(sent.is_context);
	/* Which still says that it is a device. */
	assert_int_equal(do_stat(sent.fd, "", AT_EMPTY_PATH, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	/* By whatever name, and it opens as one. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", sent.fd);
	assert_int_equal(do_stat(AT_FDCWD, path, 0, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	fd = dup(sent.fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(do_open(path, O_RDWR), SENT);
	assert_true(sent.is_context);
	close(fd);
	assert_int_equal(do_open(path, O_RDWR), GOES_ON);
	assert_int_equal(do_open("/dev/iommu", O_PATH | O_DIRECTORY), -ENOTDIR);
	end();
}

static void directories_can_be_listed_and_lead_back(void **state)
{
	int dir;

	(void)state;
	begin(true);
	assert_int_equal(do_open("/sys/kernel/debug",
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC),
			 SENT);
	dir = dup(sent.fd);
	assert_true(lists(dir, "failslab"));
	assert_true(lists(dir, "fail_iommufd"));
	assert_int_equal(do_openat(dir, "failslab/ignore-gfp-wait", O_WRONLY),
			 SENT);
	assert_true(sent.is_text);
	assert_string_equal(sent.name,
			    "/sys/kernel/debug/failslab/ignore-gfp-wait");
	assert_int_equal(do_openat(dir, "failslab", O_RDONLY), SENT);
	close(dir);
	dir = dup(sent.fd);
	assert_true(lists(dir, "probability"));
	assert_int_equal(do_openat(dir, "times", O_RDWR), SENT);
	assert_string_equal(sent.name, "/sys/kernel/debug/failslab/times");
	assert_int_equal(do_openat(dir, "nothing-fails", O_RDWR), -ENOENT);
	assert_int_equal(do_openat(dir, "../../../../dev/iommu", O_RDWR), SENT);
	close(dir);
	assert_int_equal(do_open("/dev/vfio", O_RDONLY), SENT);
	assert_true(lists(sent.fd, "vfio"));
	assert_int_equal(do_open("/dev/vfio", O_RDWR), -EISDIR);
	assert_int_equal(do_open("/dev/vfio", O_RDONLY | O_CREAT), -EISDIR);
	assert_int_equal(do_open("/dev/vfio", O_RDWR | O_TMPFILE), -EOPNOTSUPP);
	/* The system's, if it has one. */
	assert_int_equal(do_open("/sys/kernel/debug/tracing", O_RDONLY),
			 GOES_ON);
	end();
}

static void without_fault_injection_there_is_none(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(do_open("/sys/kernel/debug/failslab/times", O_RDWR),
			 GOES_ON);
	assert_int_equal(do_open("/sys/kernel/debug", O_RDONLY), GOES_ON);
	assert_int_equal(do_open("/proc/self/fail-nth", O_RDWR), GOES_ON);
	end();
}

static void counters_are_found_by_every_name(void **state)
{
	char path[64];

	(void)state;
	begin(true);
	assert_int_equal(do_open("/proc/self/fail-nth", O_RDWR), SENT);
	assert_true(sent.is_text);
	assert_int_equal(do_open("/proc/thread-self/fail-nth", O_RDWR), SENT);
	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth",
		 (int)task.tid);
	assert_int_equal(do_open(path, O_RDWR), SENT);
	assert_int_equal(do_open("/proc/self/make-it-fail", O_RDWR), SENT);
	assert_int_equal(do_open("/proc/self/fail-nth/", O_RDWR), -ENOTDIR);
	assert_int_equal(do_open("/proc/1/fail-nth", O_RDWR), GOES_ON);
	end();
}

static void a_link_to_a_device_is_followed_once(void **state)
{
	char dir[] = "/tmp/t_super_paths-XXXXXX", link[64], more[64];

	(void)state;
	begin(false);
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/iommu", dir);
	assert_int_equal(symlink("/dev/iommu", link), 0);
	assert_int_equal(do_open(link, O_RDWR), SENT);
	assert_true(sent.is_context);
	assert_int_equal(do_open(link, O_RDWR | O_NOFOLLOW), GOES_ON);
	assert_int_equal(do_open(link, O_RDWR | O_CREAT), GOES_ON);
	unlink(link);
	assert_int_equal(symlink("../../dev/iommu", link), 0);
	assert_int_equal(do_open(link, O_RDWR), SENT);
	snprintf(more, sizeof(more), "%s/vfio", dir);
	assert_int_equal(symlink("iommu", more), 0);
	assert_int_equal(do_open(more, O_RDWR), GOES_ON);
	unlink(link);
	unlink(more);
	rmdir(dir);
	end();
}

/* ---- openat2 ------------------------------------------------------------ */

static void openat2_is_checked_as_the_kernel_does(void **state)
{
	struct {
		struct open_how how;
		uint64_t more;
	} big = { .how = { .flags = O_RDWR } };
	struct open_how how = { .flags = O_RDWR };
	const char *path = "/dev/iommu";

	(void)state;
	begin(false);
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how)), SENT);
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how) - 1),
			 GOES_ON);
	assert_int_equal(do_openat2(AT_FDCWD, path, &big.how, sizeof(big)),
			 SENT);
	big.more = 1;
	assert_int_equal(do_openat2(AT_FDCWD, path, &big.how, sizeof(big)),
			 GOES_ON);
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, 5000), GOES_ON);
	how.mode = 0600;
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how)),
			 GOES_ON);
	how = (struct open_how){ .flags = UINT64_C(1) << 40 };
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how)),
			 GOES_ON);
	how = (struct open_how){ .flags = O_RDWR, .resolve = 1 << 20 };
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how)),
			 GOES_ON);
	how = (struct open_how){ .flags = O_PATH | O_RDWR };
	assert_int_equal(do_openat2(AT_FDCWD, path, &how, sizeof(how)),
			 GOES_ON);
	end();
}

static void openat2_resolves_as_it_is_told(void **state)
{
	const int dev = open("/dev", O_RDONLY | O_DIRECTORY);
	struct open_how how = { .flags = O_RDWR, .resolve = RESOLVE_BENEATH };

	(void)state;
	begin(true);
	assert_int_equal(do_openat2(dev, "iommu", &how, sizeof(how)), SENT);
	assert_int_equal(do_openat2(dev, "/dev/iommu", &how, sizeof(how)),
			 GOES_ON);
	assert_int_equal(do_openat2(dev, "../dev/iommu", &how, sizeof(how)),
			 GOES_ON);
	how.resolve = RESOLVE_IN_ROOT;
	assert_int_equal(do_openat2(dev, "/../iommu", &how, sizeof(how)), SENT);
	how.resolve = RESOLVE_NO_XDEV;
	assert_int_equal(do_openat2(dev, "/dev/iommu", &how, sizeof(how)),
			 -EXDEV);
	assert_int_equal(do_openat2(dev, "iommu", &how, sizeof(how)), SENT);
	how.resolve = RESOLVE_NO_SYMLINKS;
	assert_int_equal(do_openat2(AT_FDCWD, "/proc/self/fail-nth", &how,
				    sizeof(how)),
			 -ELOOP);
	assert_int_equal(do_openat2(AT_FDCWD, "/dev/iommu", &how, sizeof(how)),
			 SENT);
	close(dev);
	end();
}

/* ---- stat --------------------------------------------------------------- */

static void every_field_goes_over(void **state)
{
	struct stat want, got;
	struct statx x;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &want), 0);
	assert_int_equal(statx(AT_FDCWD, "/proc/self/exe", 0,
			       STATX_BASIC_STATS, &x),
			 0);
	ioas_stat_of_statx(&x, &got);
	assert_memory_equal(&got, &want, sizeof(want));
	assert_int_equal(stat("/dev/null", &want), 0);
	assert_int_equal(statx(AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &x),
			 0);
	ioas_stat_of_statx(&x, &got);
	assert_memory_equal(&got, &want, sizeof(want));
}

static void devices_are_character_devices(void **state)
{
	struct stat st, other;
	struct statx x;
	int64_t value;

	(void)state;
	begin(false);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/iommu", 0, &st), 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0666);
	assert_int_equal(major(st.st_rdev), 10);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/vfio/vfio",
				 AT_SYMLINK_NOFOLLOW, &st),
			 0);
	assert_int_equal(st.st_rdev, makedev(10, 196));
	assert_int_equal(do_stat(AT_FDCWD, "/dev/vfio", 0, &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(do_stat(AT_FDCWD, "/dev/vfio/7", 0, &st), -ENOENT);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/iommu/", 0, &st), -ENOTDIR);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/null", 0, &st), GOES_ON);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/iommu", 0, NULL), -EFAULT);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/iommu", 1 << 20, &st),
			 GOES_ON);
	/* The descriptor is the name's. */
	our_fd = 0;
	our_name = "/dev/iommu";
	assert_int_equal(do_stat(AT_FDCWD, "/dev/iommu", 0, &st), 0);
	assert_int_equal(do_stat(0, "", AT_EMPTY_PATH, &other), 0);
	assert_memory_equal(&st, &other, sizeof(st));
	assert_int_equal(do_stat(0, NULL, AT_EMPTY_PATH, &other), 0);
	assert_int_equal(do_stat(0, "", 0, &other), GOES_ON);
	set_call(SYS_statx, AT, P("/dev/iommu"), 0, STATX_ALL, P(&x));
	assert_int_equal(ioas_paths_stat(&call, &value), IOAS_CALL_RETURN);
	assert_int_equal(value, 0);
	assert_int_equal(x.stx_mode, S_IFCHR | 0666);
	assert_int_equal(x.stx_ino, st.st_ino);
	assert_int_equal(x.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	set_call(SYS_statx, AT, P("/dev/iommu"), 0, STATX__RESERVED, P(&x));
	assert_int_equal(ioas_paths_stat(&call, &value), IOAS_CALL_CONTINUE);
	end();
}

static void other_files_look_as_the_kernels(void **state)
{
	const int fd = eventfd(0, EFD_CLOEXEC);
	struct stat st, want;

	(void)state;
	begin(true);
	assert_int_equal(fstat(fd, &want), 0);
	assert_int_equal(do_stat(fd, "", AT_EMPTY_PATH, &st), GOES_ON);
	our_fd = fd;
	our_name = "anon_inode:[iommufd-pgfault]";
	assert_int_equal(do_stat(fd, "", AT_EMPTY_PATH, &st), 0);
	assert_int_equal(st.st_mode, want.st_mode);
	assert_int_equal(st.st_ino, want.st_ino);
	assert_int_equal(st.st_dev, want.st_dev);
	our_name = "/dmabuf:";
	assert_int_equal(do_stat(fd, "", AT_EMPTY_PATH, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	our_name = "/sys/kernel/debug/failslab/times";
	assert_int_equal(do_stat(fd, "", AT_EMPTY_PATH, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 0);
	/* Its task is gone. */
	our_name = "/proc/2147483647/fail-nth";
	assert_int_equal(do_stat(fd, "", AT_EMPTY_PATH, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(do_stat(fd + 100, "", AT_EMPTY_PATH, &st), GOES_ON);
	close(fd);
	end();
}

static void files_of_proc_are_of_their_process(void **state)
{
	struct stat st, status;

	(void)state;
	begin(true);
	assert_int_equal(stat("/proc/self/status", &status), 0);
	assert_int_equal(do_stat(AT_FDCWD, "/proc/self/fail-nth", 0, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_uid, status.st_uid);
	assert_int_equal(st.st_dev, status.st_dev);
	assert_int_not_equal(st.st_ino, status.st_ino);
	assert_int_equal(do_stat(AT_FDCWD, "/proc/2147483647/fail-nth", 0, &st),
			 -ENOENT);
	assert_int_equal(do_stat(AT_FDCWD, "/proc/self/status", 0, &st),
			 GOES_ON);
	end();
}

/* ---- readlink, access --------------------------------------------------- */

static void links_of_descriptors_say_our_names(void **state)
{
	char buffer[64], path[64];

	(void)state;
	begin(false);
	our_fd = 0;
	our_name = "/dev/vfio/vfio";
	memset(buffer, '#', sizeof(buffer));
	assert_int_equal(do_readlink("/proc/self/fd/0", buffer, 64), 14);
	assert_memory_equal(buffer, "/dev/vfio/vfio#", 15);
	memset(buffer, '#', sizeof(buffer));
	assert_int_equal(do_readlink("/dev/fd/0", buffer, 4), 4);
	assert_memory_equal(buffer, "/dev#", 5);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/0", (int)process.pid,
		 (int)task.tid);
	assert_int_equal(do_readlink(path, buffer, 64), 14);
	assert_int_equal(do_readlink(path, buffer, 0), GOES_ON);
	assert_int_equal(do_readlink(path, buffer, -1), GOES_ON);
	assert_int_equal(do_readlink(path, NULL, 64), -EFAULT);
	assert_int_equal(do_readlink("/proc/self/fd/1", buffer, 64), GOES_ON);
	assert_int_equal(do_readlink("/proc/self/fd/0/", buffer, 64), GOES_ON);
	assert_int_equal(do_readlink("/proc/1/fd/0", buffer, 64), GOES_ON);
	assert_int_equal(do_readlink("/dev/iommu", buffer, 64), -EINVAL);
	assert_int_equal(do_readlink("/dev/vfio/5", buffer, 64), -ENOENT);
	end();
}

static void access_says_what_open_would(void **state)
{
	(void)state;
	begin(true);
	assert_int_equal(do_access("/dev/iommu", F_OK), 0);
	assert_int_equal(do_access("/dev/iommu", R_OK | W_OK), 0);
	assert_int_equal(do_access("/dev/iommu", X_OK), -EACCES);
	assert_int_equal(do_access("/dev/vfio", R_OK | X_OK), 0);
	assert_int_equal(do_access("/dev/vfio", W_OK), -EACCES);
	assert_int_equal(do_access("/dev/vfio/9", F_OK), -ENOENT);
	assert_int_equal(do_access("/sys/kernel/debug/failslab/times", W_OK),
			 0);
	assert_int_equal(do_access("/proc/self/fail-nth", W_OK), 0);
	assert_int_equal(do_access("/proc/self/fd/0", R_OK), GOES_ON);
	assert_int_equal(do_access("/dev/iommu", 8), GOES_ON);
	assert_int_equal(do_access("/dev/null", R_OK), GOES_ON);
	end();
}

/* ---- status ------------------------------------------------------------- */

static void status_lines_are_added_to(void **state)
{
	static const char text[] = "Name:\tx\nVmLck:\t      64 kB\n"
				   "VmPin:\t       0 kB\nThreads:\t1";
	static const char want[] = "Name:\tx\nVmLck:\t      68 kB\n"
				   "VmPin:\t123456789 kB\nThreads:\t1";
	const struct ioas_procstatus add = { 4, 123456789 };
	char out[sizeof(want)];
	int n;

	(void)state;
	n = ioas_procstatus_add(text, sizeof(text) - 1, &add, out, sizeof(out));
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(out, want, sizeof(want) - 1);
	for (size_t room = 0; room < sizeof(want) - 1; room++)
		assert_int_equal(ioas_procstatus_add(text, sizeof(text) - 1,
						     &add, out, room),
				 -ENOSPC);
	assert_int_equal(ioas_procstatus_add("VmPin", 5, &add, out, 64), 5);
	assert_int_equal(ioas_procstatus_add("", 0, &add, out, 0), 0);
}

static void status_is_ours_if_we_have_something_to_say(void **state)
{
	struct ioas_mm mm = { .charged = 0 };
	struct ioas_principal principal = { .mm = &mm };
	struct ioas_client_mm client = { .principal = &principal,
					 .pid = getpid() };
	char text[8192], *line;
	ssize_t n;

	(void)state;
	begin(false);
	assert_int_equal(do_open("/proc/self/status", O_RDONLY), GOES_ON);
	one_mm = &client;
	assert_int_equal(do_open("/proc/self/status", O_RDONLY), GOES_ON);
	atomic_store(&mm.pinned, 1000000);
	assert_int_equal(do_open("/proc/self/status", O_RDWR), GOES_ON);
	assert_int_equal(do_open("/proc/1/status", O_RDONLY), GOES_ON);
	assert_int_equal(do_open("/proc/thread-self/status", O_RDONLY), SENT);
	n = read(sent.fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	line = strstr(text, "\nVmPin:\t");
	assert_non_null(line);
	assert_true(strtoull(line + 8, NULL, 10) >= 4000000);
	assert_non_null(strstr(text, "\nnonvoluntary_ctxt_switches:"));
	assert_int_equal(write(sent.fd, "x", 1), -1);
	end();
}

/* ---- tree --------------------------------------------------------------- */

static void the_tree_has_what_was_asked_for(void **state)
{
	struct stat st;
	char path[PATH_MAX];

	(void)state;
	for (int faults = 0; faults < 2; faults++) {
		begin(faults);
		snprintf(path, sizeof(path), "%s/dev/iommu", tree);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0666);
		snprintf(path, sizeof(path),
			 "%s/sys/kernel/debug/fail_usercopy/times", tree);
		assert_int_equal(stat(path, &st), faults ? 0 : -1);
		snprintf(path, sizeof(path), "%s/..", tree);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		end();
	}
}

static void removal_does_not_follow_links(void **state)
{
	char dir[] = "/tmp/t_super_paths-XXXXXX", path[PATH_MAX];
	struct stat st;

	(void)state;
	begin(false);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/kept", dir);
	assert_true(close(open(path, O_CREAT | O_WRONLY, 0600)) == 0);
	snprintf(path, sizeof(path), "%s/dev/link", tree);
	assert_int_equal(symlink(dir, path), 0);
	snprintf(path, sizeof(path), "%s/dev/vfio/vfio", tree);
	assert_int_equal(unlink(path), 0);
	end();
	snprintf(path, sizeof(path), "%s/kept", dir);
	assert_int_equal(stat(path, &st), 0);
	unlink(path);
	rmdir(dir);
}

static void what_a_killed_run_left_is_removed_later(void **state)
{
	char stale[] = "/dev/shm/ioas-run-1-XXXXXX", path[64], new[64];
	struct stat st;
	int lock;

	(void)state;
	if (access("/dev/shm", W_OK))
		skip();
	assert_non_null(mkdtemp(stale));
	snprintf(new, sizeof(new), "%s/new", stale);
	snprintf(path, sizeof(path), "%s/lock", stale);
	lock = open(new, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(rename(new, path), 0);
	begin(false);
	end();
	assert_int_equal(stat(stale, &st), 0);
	close(lock);
	begin(false);
	end();
	assert_int_equal(stat(stale, &st), -1);
	/* One that is being made has no lock yet. */
	assert_int_equal(mkdir(stale, 0700), 0);
	begin(false);
	end();
	assert_int_equal(stat(stale, &st), 0);
	rmdir(stale);
}

/* By their names, or open to others: a lock that is free is no reason. */
static void what_others_made_is_left_alone(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} others[] = {
		{ "/dev/shm/ioas-run-notes", 0700 },
		{ "/dev/shm/ioas-run-1-longer-than-ours", 0700 },
		{ "/dev/shm/ioas-run-1-abcdef", 0755 },
	};
	char path[80];
	struct stat st;
	int fd;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(others); i++) {
		snprintf(path, sizeof(path), "%s/lock", others[i].name);
		assert_int_equal(mkdir(others[i].name, 0700), 0);
		assert_int_equal(chmod(others[i].name, others[i].mode), 0);
		fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		assert_true(fd >= 0);
		close(fd);
		begin(false);
		end();
		assert_int_equal(stat(path, &st), 0);
		unlink(path);
		rmdir(others[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices_open_as_contexts),
		cmocka_unit_test(devices_refuse_as_devices),
		cmocka_unit_test(opening_a_device_is_made_of_points),
		cmocka_unit_test(a_descriptor_opens_again_by_its_name),
		cmocka_unit_test(a_path_alone_is_the_trees),
		cmocka_unit_test(directories_can_be_listed_and_lead_back),
		cmocka_unit_test(without_fault_injection_there_is_none),
		cmocka_unit_test(counters_are_found_by_every_name),
		cmocka_unit_test(a_link_to_a_device_is_followed_once),
		cmocka_unit_test(openat2_is_checked_as_the_kernel_does),
		cmocka_unit_test(openat2_resolves_as_it_is_told),
		cmocka_unit_test(every_field_goes_over),
		cmocka_unit_test(devices_are_character_devices),
		cmocka_unit_test(other_files_look_as_the_kernels),
		cmocka_unit_test(files_of_proc_are_of_their_process),
		cmocka_unit_test(links_of_descriptors_say_our_names),
		cmocka_unit_test(access_says_what_open_would),
		cmocka_unit_test(status_lines_are_added_to),
		cmocka_unit_test(status_is_ours_if_we_have_something_to_say),
		cmocka_unit_test(the_tree_has_what_was_asked_for),
		cmocka_unit_test(removal_does_not_follow_links),
		cmocka_unit_test(what_a_killed_run_left_is_removed_later),
		cmocka_unit_test(what_others_made_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
