/* SPDX-License-Identifier: MIT */
/*
 * Names of functions in the calls of a program (src/super/paths.c, names.c,
 * resolve.c, statcall.c, tree.c). The kernel is the oracle: what it makes of a
 * path within the tree alone is what we make of it everywhere.
 */
#include "paths_kit.h"

#include <limits.h>
#include <sys/sysmacros.h>

#include "base/bits.h"
#include "prng.h"
#include "super/procstatus.h"

#define PCI "/sys/bus/pci/devices/"
#define HOME "/sys/devices/pci0000:e1/" FIRST

/* ---- files, links, directories ------------------------------------------ */

static void expect_text(int dirfd, const char *path, const char *want)
{
	char text[4096];
	ssize_t n;

	if (do_openat(dirfd, path, O_RDONLY | O_CLOEXEC) != SENT)
		fail_msg("%s", path);
	n = read(sent.fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	if (strcmp(text, want) != 0)
		fail_msg("%s: %s, not %s", path, text, want);
}

static void files_are_found_through_links(void **state)
{
	(void)state;
	begin_with(false, &devices);
	expect_text(AT_FDCWD, HOME "/vendor", "0x1b36\n");
	expect_text(AT_FDCWD, PCI FIRST "/vendor", "0x1b36\n");
	expect_text(AT_FDCWD, PCI FIRST "/driver/" SECOND "/class",
		    "0x010802\n");
	expect_text(AT_FDCWD, PCI THIRD "/vfio-dev/vfio7/dev", "511:7\n");
	expect_text(AT_FDCWD, "/sys/class/vfio-dev/vfio1/device/device",
		    "0x0010\n");
	expect_text(AT_FDCWD, PCI FIRST "/iommu_group/type", "DMA\n");
	/* Behind a link ".." is the parent of where it leads. */
	expect_text(AT_FDCWD, PCI FIRST "/iommu_group/../5/type", "DMA\n");
	expect_text(AT_FDCWD, PCI FIRST "/../" SECOND "/numa_node", "-1\n");
	expect_text(AT_FDCWD, PCI "../devices/" FIRST "/revision", "0x00\n");
	expect_text(AT_FDCWD, PCI FIRST "/subsystem/devices/" THIRD "/irq",
		    "0\n");
	expect_text(AT_FDCWD, "/sys/module/vfio_pci/drivers/pci:vfio-pci/module"
			      "/initstate",
		    "live\n");
	end();
}

static void names_are_relative_to_directories_of_ours(void **state)
{
	char cwd[PATH_MAX];
	int all, one;

	(void)state;
	begin_with(false, &devices);
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(do_open(PCI, O_RDONLY | O_DIRECTORY), SENT);
	all = dup(sent.fd);
	expect_text(all, FIRST "/vendor", "0x1b36\n");
	expect_text(all, FIRST "/iommu_group/devices/" SECOND "/vendor",
		    "0x1b36\n");
	assert_int_equal(do_openat(all, SECOND, O_RDONLY | O_DIRECTORY), SENT);
	one = dup(sent.fd);
	expect_text(one, "vendor", "0x1b36\n");
	expect_text(one, "../" FIRST "/vendor", "0x1b36\n");
	expect_text(one, "iommu_group/../0/type", "DMA\n");
	assert_int_equal(fchdir(one), 0);
	expect_text(AT_FDCWD, "device", "0x0010\n");
	expect_text(AT_FDCWD, "driver/" THIRD "/device", "0x0010\n");
	assert_int_equal(chdir(cwd), 0);
	close(one);
	close(all);
	end();
}

static void directories_list_what_is_ours_alone(void **state)
{
	(void)state;
	begin_with(false, &devices);
	assert_int_equal(do_open("/sys/bus/pci/devices", O_RDONLY), SENT);
	assert_true(lists(sent.fd, FIRST));
	assert_true(lists(sent.fd, THIRD));
	assert_false(lists(sent.fd, "0000:00:00.0"));
	assert_int_equal(do_open("/sys/kernel/iommu_groups/", O_RDONLY), SENT);
	assert_true(lists(sent.fd, "0"));
	assert_true(lists(sent.fd, "5"));
	assert_int_equal(do_open(PCI FIRST "/iommu_group/devices", O_RDONLY),
			 SENT);
	assert_true(lists(sent.fd, FIRST));
	assert_true(lists(sent.fd, SECOND));
	assert_false(lists(sent.fd, THIRD));
	assert_int_equal(do_open(PCI FIRST "/driver", O_RDONLY | O_DIRECTORY),
			 SENT);
	assert_true(lists(sent.fd, THIRD));
	assert_int_equal(do_open(PCI FIRST, O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(do_open("/dev/vfio/devices", O_RDONLY), SENT);
	assert_true(lists(sent.fd, "vfio7"));
	/* What there is not in ours, is not. */
	assert_int_equal(do_open(PCI "0000:00:00.0/vendor", O_RDONLY), -ENOENT);
	assert_int_equal(do_open("/sys/kernel/iommu_groups/1", O_RDONLY),
			 -ENOENT);
	assert_int_equal(do_open(HOME "/nothing", O_RDONLY), -ENOENT);
	assert_int_equal(do_open(PCI FIRST "/vendor/", O_RDONLY), -ENOTDIR);
	assert_int_equal(do_open(PCI FIRST "/subsystem/slots", O_RDONLY),
			 -ENOENT);
	assert_int_equal(do_open(PCI FIRST "/../../../..", O_RDONLY), -ENOENT);
	assert_int_equal(do_open(PCI FIRST "/../0000:e1:05.0/vendor", O_RDONLY),
			 -ENOENT);
	/* The rest is the system's. */
	assert_int_equal(do_open("/sys/devices/pci0000:e1/0000:e1:05.0/vendor",
				 O_RDONLY),
			 GOES_ON);
	assert_int_equal(do_open("/sys/bus/pci/slots", O_RDONLY), GOES_ON);
	assert_int_equal(do_open("/sys/devices/system/cpu/online", O_RDONLY),
			 GOES_ON);
	end();
}

/* Of a directory above ours: the system's, else the tree's. */
static void parents_are_the_systems_if_it_has_them(void **state)
{
	static const char *const parents[] = {
		"/sys",		"/sys/bus",	"/sys/bus/pci",
		"/sys/class",	"/sys/devices", "/sys/bus/pci/drivers",
		"/sys/module",	"/sys/kernel",	"/sys/devices/pci0000:e1",
		"/sys/devices/pci0003:e2",
	};
	char buffer[64];
	struct stat st;

	(void)state;
	begin_with(false, &devices);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(parents); i++) {
		const bool has = !lstat(parents[i], &st);

		assert_int_equal(do_open(parents[i], O_RDONLY),
				 has ? GOES_ON : SENT);
		assert_int_equal(do_stat(AT_FDCWD, parents[i], 0, &st),
				 has ? GOES_ON : 0);
		assert_int_equal(do_access(parents[i], R_OK | X_OK),
				 has ? GOES_ON : 0);
		/* As realpath(3) asks. */
		assert_int_equal(do_readlink(parents[i], buffer, 64),
				 has ? GOES_ON : -EINVAL);
	}
	assert_int_equal(do_open(PCI FIRST "/subsystem", O_RDONLY), SENT);
	assert_true(lists(sent.fd, "drivers"));
	end();
}

static void without_functions_nothing_is_ours(void **state)
{
	static const char *const names[] = {
		PCI FIRST, "/sys", "/sys/bus/pci/devices", HOME "/vendor",
		"/sys/kernel/iommu_groups", "/proc/self/fdinfo/0",
	};
	struct stat st;

	(void)state;
	begin(true);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(names); i++) {
		assert_int_equal(do_open(names[i], O_RDONLY), GOES_ON);
		assert_int_equal(do_stat(AT_FDCWD, names[i], 0, &st), GOES_ON);
	}
	assert_int_equal(do_open("/dev/vfio/5", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/devices/vfio0", O_RDWR), -ENOENT);
	end();
}

static void links_say_where_they_lead(void **state)
{
	static const struct {
		const char *path, *target;
	} links[] = {
		{ PCI FIRST, "../../../devices/pci0000:e1/" FIRST },
		{ PCI THIRD, "../../../devices/pci0003:e2/" THIRD },
		{ PCI FIRST "/iommu_group", "../../../kernel/iommu_groups/0" },
		{ HOME "/driver", "../../../bus/pci/drivers/vfio-pci" },
		{ PCI FIRST "/../" SECOND "/subsystem", "../../../bus/pci" },
	};
	char buffer[256];
	struct stat st, at;

	(void)state;
	begin_with(false, &devices);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(links); i++) {
		const size_t n = strlen(links[i].target);

		assert_int_equal(do_readlink(links[i].path, buffer, 256), n);
		assert_memory_equal(buffer, links[i].target, n);
		assert_int_equal(do_readlink(links[i].path, buffer, 4), 4);
		assert_int_equal(do_stat(AT_FDCWD, links[i].path,
					 AT_SYMLINK_NOFOLLOW, &st),
				 0);
		assert_true(S_ISLNK(st.st_mode));
		assert_int_equal(do_stat(AT_FDCWD, links[i].path, 0, &at), 0);
		assert_true(S_ISDIR(at.st_mode));
	}
	/* A slash behind it is where it leads. */
	assert_int_equal(do_stat(AT_FDCWD, PCI FIRST "/", AT_SYMLINK_NOFOLLOW,
				 &st),
			 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(do_stat(AT_FDCWD, HOME, 0, &at), 0);
	assert_int_equal(st.st_ino, at.st_ino);
	assert_int_equal(do_readlink(PCI FIRST "/", buffer, 256), -EINVAL);
	assert_int_equal(do_readlink(PCI FIRST "/vendor", buffer, 256),
			 -EINVAL);
	assert_int_equal(do_readlink(PCI "0000:00:00.0", buffer, 256), -ENOENT);
	end();
}

static void openat2_knows_links_of_ours(void **state)
{
	struct open_how how = { .flags = O_RDONLY };
	int all;

	(void)state;
	begin_with(false, &devices);
	assert_int_equal(do_open(PCI, O_RDONLY | O_DIRECTORY), SENT);
	all = dup(sent.fd);
	close(sent.fd);
	how.resolve = RESOLVE_NO_SYMLINKS;
	assert_int_equal(do_openat2(AT_FDCWD, PCI FIRST "/vendor", &how,
				    sizeof(how)),
			 -ELOOP);
	assert_int_equal(do_openat2(AT_FDCWD, HOME "/vendor", &how,
				    sizeof(how)),
			 SENT);
	close(sent.fd);
	/* They lead out of it. */
	how.resolve = RESOLVE_BENEATH;
	assert_int_equal(do_openat2(all, FIRST "/vendor", &how, sizeof(how)),
			 GOES_ON);
	how.resolve = RESOLVE_IN_ROOT;
	assert_int_equal(do_openat2(all, FIRST "/vendor", &how, sizeof(how)),
			 -ENOENT);
	close(all);
	end();
}

/*
 * Pieces at random: where the kernel gets to in the tree, and nothing but it, we
 * get to as well.
 */
static void paths_lead_where_the_kernel_gets_to(void **state)
{
	static const char *const pieces[] = {
		"..", ".", "", FIRST, SECOND, THIRD, "driver", "iommu_group",
		"subsystem", "devices", "vfio-dev", "vfio7", "device", "vendor",
		"bus", "pci", "kernel", "iommu_groups", "0", "5", "module",
		"drivers", "vfio-pci", "pci0000:e1", "type", "..",
	};
	static const char *const starts[] = {
		PCI FIRST, PCI SECOND, "/sys/kernel/iommu_groups/0",
		"/sys/bus/pci/drivers/vfio-pci", "/sys/class/vfio-dev/vfio1",
	};
	struct open_how how = { .flags = O_PATH, .resolve = RESOLVE_IN_ROOT };
	struct prng prng = { 1 };
	unsigned int same = 0;
	struct stat want, got;
	char path[1024];

	(void)state;
	begin_with(false, &devices);
	for (unsigned int round = 0; round < 4000; round++) {
		const unsigned int n = (unsigned int)prng_below(&prng, 7);
		const bool follow = prng_below(&prng, 2);
		size_t length = (size_t)sprintf(
			path, "%s",
			starts[prng_below(&prng, IOAS_ARRAY_SIZE(starts))]);
		int64_t ret;
		int fd;

		for (unsigned int i = 0; i < n; i++)
			length += (size_t)sprintf(
				path + length, "/%s",
				pieces[prng_below(&prng,
						  IOAS_ARRAY_SIZE(pieces))]);
		how.flags = O_PATH | (follow ? 0 : O_NOFOLLOW);
		fd = (int)syscall(SYS_openat2, super.paths->tree, path, &how,
				  sizeof(how));
		want = (struct stat){ .st_ino = 0 };
		if (fd >= 0 && fstat(fd, &want))
			fail();
		if (fd >= 0)
			close(fd);
		ret = do_stat(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW,
			      &got);
		/* Where the system may have something, it is asked. */
		if (ret == GOES_ON)
			continue;
		same += fd >= 0;
		/* "nothing/.." is nothing to the kernel, and less to us. */
		if (fd < 0 && !ret && strstr(path, ".."))
			continue;
		if ((fd < 0) != (ret != 0) ||
		    (!ret && (want.st_ino != got.st_ino ||
			      want.st_dev != got.st_dev)))
			fail_msg("%s %d: %lld, %lu not %lu", path, follow,
				 (long long)ret, (unsigned long)got.st_ino,
				 (unsigned long)want.st_ino);
	}
	assert_true(same > 400);
	end();
}

/* ---- what is in the tree ------------------------------------------------ */

static void files_look_as_those_of_sysfs(void **state)
{
	struct stat st;

	(void)state;
	begin_with(false, &devices);
	assert_int_equal(do_stat(AT_FDCWD, PCI FIRST "/vendor", 0, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_size, 4096);
	assert_int_equal(do_stat(AT_FDCWD, PCI FIRST "/reset", 0, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0200);
	assert_int_equal(do_access(PCI FIRST "/vendor", R_OK), 0);
	assert_int_equal(do_access(PCI FIRST "/vendor", W_OK), -EACCES);
	assert_int_equal(do_access(PCI FIRST "/driver_override", W_OK),
			 -EACCES);
	assert_int_equal(do_access(PCI FIRST "/reset", R_OK), -EACCES);
	assert_int_equal(do_access(PCI FIRST, R_OK | X_OK), 0);
	assert_int_equal(do_open(PCI FIRST "/driver_override", O_WRONLY),
			 -EACCES);
	assert_int_equal(do_open(PCI FIRST "/reset", O_RDONLY), -EACCES);
	assert_int_equal(do_open(PCI FIRST "/new", O_WRONLY | O_CREAT),
			 -EACCES);
	assert_int_equal(do_open(PCI FIRST "/config", O_RDONLY), SENT);
	end();
}

static void what_is_known_of_a_link_is_not_of_its_target(void **state)
{
	char buffer[16];

	(void)state;
	begin_with(false, &devices);
	set_call(SYS_listxattr, P(PCI FIRST), P(buffer), 16, 0, 0);
	assert_int_equal(outcome(ioas_paths_xattr), 0);
	set_call(SYS_lgetxattr, P(PCI FIRST), P("user.x"), P(buffer), 16, 0);
	assert_int_equal(outcome(ioas_paths_xattr), -ENODATA);
	set_call(SYS_faccessat2, AT, P(PCI FIRST), W_OK, AT_SYMLINK_NOFOLLOW,
		 0);
	assert_int_equal(outcome(ioas_paths_access), 0);
	set_call(SYS_faccessat2, AT, P(PCI FIRST), W_OK, 0, 0);
	assert_int_equal(outcome(ioas_paths_access), -EACCES);
	end();
}

static void a_tree_has_no_links_that_leave_it(void **state)
{
	static const struct {
		const char *path, *target;
		bool inside;
	} cases[] = {
		{ "/sys/x", "../dev", true },
		{ "/sys/x", "..", true },
		{ "/sys/x", "../..", false },
		{ "/sys/x", "a/../../b", true },
		{ "/sys/x", "a/../../../b", false },
		{ "/sys/x", "./../../", false },
		{ "/sys/x", "/etc", false },
		{ "/x", "sys", true },
		{ "/x", "../sys", false },
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		extra = (struct ioas_sysfs_entry){
			.path = cases[i].path, .kind = IOAS_SYSFS_LINK,
			.data = cases[i].target,
			.length = strlen(cases[i].target),
		};
		tree_error = cases[i].inside ? 0 : -EINVAL;
		begin_with(false, &devices);
		if (!tree_error)
			end();
	}
	tree_error = 0;
	extra = (struct ioas_sysfs_entry){ .path = NULL };
}

/* ---- nodes -------------------------------------------------------------- */

static void nodes_open_functions_and_groups(void **state)
{
	int dir;

	(void)state;
	begin_with(true, &devices);
	assert_int_equal(do_open("/dev/vfio/devices/vfio7", O_RDWR | O_CLOEXEC),
			 SENT);
	assert_true(sent.is_device);
	assert_int_equal(sent.number, 7);
	assert_int_equal(sent.flags, O_RDWR | O_CLOEXEC);
	assert_int_equal(do_open("/dev/vfio/5", O_RDWR), SENT);
	assert_true(sent.is_group);
	assert_int_equal(sent.number, 5);
	assert_int_equal(do_open("/dev/vfio/vfio", O_RDWR), SENT);
	assert_true(sent.is_context);
	assert_int_equal(do_open("/dev/vfio", O_RDONLY | O_DIRECTORY), SENT);
	dir = dup(sent.fd);
	assert_int_equal(do_openat(dir, "0", O_RDWR), SENT);
	close(dir);
	assert_true(sent.is_group);
	group_error = -EBUSY;
	assert_int_equal(do_open("/dev/vfio/0", O_RDWR), -EBUSY);
	group_error = 0;
	assert_int_equal(do_open("/dev/vfio/1", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/devices/vfio2", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/devices/vfio", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/devices/vfio07", O_RDWR), -ENOENT);
	assert_int_equal(do_open("/dev/vfio/0/x", O_RDWR), -ENOTDIR);
	assert_int_equal(do_open("/dev/vfio/0", O_RDWR | O_CREAT | O_EXCL),
			 -EEXIST);
	/* The copy of the path is a point. */
	call.caller.fault = &task.fault;
	task.fault.nth = 1;
	assert_int_equal(do_open("/dev/vfio/devices/vfio0", O_RDWR), -EFAULT);
	assert_false(sent.is_device);
	task.fault.nth = 1;
	assert_int_equal(do_open("/dev/vfio/0", O_RDWR), -EFAULT);
	assert_false(sent.is_group);
	end();
}

static void nodes_are_character_devices_of_the_user(void **state)
{
	struct stat st, other;

	(void)state;
	begin_with(false, &devices);
	assert_int_equal(do_stat(AT_FDCWD, "/dev/vfio/devices/vfio7", 0, &st),
			 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0600);
	assert_int_equal(st.st_rdev, makedev(511, 7));
	assert_int_equal(st.st_uid, geteuid());
	/* The descriptor is the name's. */
	our_fd = 0;
	our_ufile = &function_file;
	our_name = "/dev/vfio/devices/vfio7";
	assert_int_equal(do_stat(0, "", AT_EMPTY_PATH, &other), 0);
	assert_memory_equal(&st, &other, sizeof(st));
	/* One that came from a group has none. */
	our_name = "anon_inode:[vfio-device]";
	assert_int_equal(do_stat(0, "", AT_EMPTY_PATH, &other), 0);
	assert_false(S_ISCHR(other.st_mode));
	assert_int_equal(do_stat(AT_FDCWD, "/dev/vfio/5", AT_SYMLINK_NOFOLLOW,
				 &st),
			 0);
	assert_int_equal(st.st_mode, S_IFCHR | 0600);
	assert_int_equal(st.st_rdev, makedev(240, 5));
	assert_int_equal(do_access("/dev/vfio/5", R_OK | W_OK), 0);
	assert_int_equal(do_access("/dev/vfio/5", X_OK), -EACCES);
	assert_int_equal(do_access("/dev/vfio/6", F_OK), -ENOENT);
	/* A path alone says the same. */
	our_fd = -1;
	assert_int_equal(do_open("/dev/vfio/5", O_PATH), SENT);
	assert_int_equal(do_stat(sent.fd, "", AT_EMPTY_PATH, &other), 0);
	assert_int_equal(other.st_rdev, makedev(240, 5));
	end();
}

static void a_function_opens_again_by_its_descriptor(void **state)
{
	(void)state;
	begin_with(false, &devices);
	our_fd = 0;
	our_ufile = &function_file;
	our_name = "/dev/vfio/devices/vfio1";
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), SENT);
	assert_true(sent.is_device);
	assert_int_equal(sent.number, 1);
	our_name = "anon_inode:[vfio-device]";
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), -ENXIO);
	our_name = "/dmabuf:";
	assert_int_equal(do_open("/proc/self/fd/0", O_RDWR), -ENXIO);
	end();
}

static void fdinfo_says_which_function_it_is(void **state)
{
	static const char line[] =
		"\nvfio-device-syspath: /sys/devices/pci0000:e1/" FIRST "\n";
	char text[4096], path[64];
	struct stat st;
	ssize_t n;

	(void)state;
	begin_with(false, &devices);
	our_fd = 0;
	our_ufile = &function_file;
	our_name = "anon_inode:[vfio-device]";
	snprintf(path, sizeof(path), "/proc/self/task/%d/fdinfo/0",
		 (int)task.tid);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(do_open(i ? path : "/proc/self/fdinfo/0",
					 O_RDONLY),
				 SENT);
		n = read(sent.fd, text, sizeof(text) - 1);
		assert_true(n > (ssize_t)sizeof(line));
		text[n] = '\0';
		assert_int_equal(strncmp(text, "pos:", 4), 0);
		assert_string_equal(text + n - (sizeof(line) - 1), line);
	}
	assert_int_equal(do_open("/proc/self/fdinfo/0", O_RDWR), GOES_ON);
	assert_int_equal(do_stat(AT_FDCWD, "/proc/self/fdinfo/0", 0, &st),
			 GOES_ON);
	assert_int_equal(do_open("/proc/self/fdinfo/1", O_RDONLY), GOES_ON);
	our_ufile = &context_file;
	assert_int_equal(do_open("/proc/self/fdinfo/0", O_RDONLY), GOES_ON);
	end();
	assert_int_equal(ioas_procstatus_add_function("a\n", 2, "/x", text, 26),
			 -ENOSPC);
	assert_int_equal(ioas_procstatus_add_function("a\n", 2, "/x", text, 27),
			 26);
	assert_string_equal(text, "a\nvfio-device-syspath: /x\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found_through_links),
		cmocka_unit_test(names_are_relative_to_directories_of_ours),
		cmocka_unit_test(directories_list_what_is_ours_alone),
		cmocka_unit_test(parents_are_the_systems_if_it_has_them),
		cmocka_unit_test(without_functions_nothing_is_ours),
		cmocka_unit_test(links_say_where_they_lead),
		cmocka_unit_test(openat2_knows_links_of_ours),
		cmocka_unit_test(paths_lead_where_the_kernel_gets_to),
		cmocka_unit_test(files_look_as_those_of_sysfs),
		cmocka_unit_test(what_is_known_of_a_link_is_not_of_its_target),
		cmocka_unit_test(a_tree_has_no_links_that_leave_it),
		cmocka_unit_test(nodes_open_functions_and_groups),
		cmocka_unit_test(nodes_are_character_devices_of_the_user),
		cmocka_unit_test(a_function_opens_again_by_its_descriptor),
		cmocka_unit_test(fdinfo_says_which_function_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
