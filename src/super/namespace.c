/* SPDX-License-Identifier: MIT */
/*
 * namespace: mounts for one program
 *
 *   old /dev (held open)          new /dev: tmpfs
 *     null, tty, kvm ...    -->     bound over empty files
 *     pts/, shm/, ...       -->     bound with all below them
 *     fd -> /proc/self/fd   -->     made again
 *   tree/dev/iommu, vfio    -->     bound on top of it
 *
 *   old /sys/devices                new /sys/devices: tmpfs, as it lacked ours
 *     system, pci0000:00 ...  -->     bound with all below them
 *   tree/.../pci0000:01       -->     bound
 *   tree/.../iommu_groups     -->     bound over the real one: it is all ours
 *
 * Mounts are copied by open_tree(2) and put by move_mount(2) (Linux 5.2, older
 * than what the filter needs), from one open directory to another: nothing
 * depends on a path that is covered meanwhile, nor on /proc.
 */
#include "super/namespace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/resolve.h"

/* The same on every architecture; libc may be older than they are. */
#define SYS_OPEN_TREE 428
#define SYS_MOVE_MOUNT 429
#define TREE_CLONE 1u
#define TREE_RECURSIVE 0x8000u
#define TREE_FLAGS (TREE_CLONE | TREE_RECURSIVE | O_CLOEXEC)
#define MOVE_FROM_DESCRIPTOR 4u

/* Directories below each other in a tree. */
#define DEPTH_MAX 8

struct caps {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
};

/* ---- privileges --------------------------------------------------------- */

static void caps_get(struct caps *c)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct d[2] = { 0 };

	*c = (struct caps){ 0 };
	if (syscall(SYS_capget, &head, d))
		return;
	c->effective = (uint64_t)d[1].effective << 32 | d[0].effective;
	c->permitted = (uint64_t)d[1].permitted << 32 | d[0].permitted;
	c->inheritable = (uint64_t)d[1].inheritable << 32 | d[0].inheritable;
}

/* Capabilities that execve(2) could give; -1: there is no such number. */
static uint64_t bounding_set(void)
{
	uint64_t set = 0;

	for (unsigned int i = 0; i < 64; i++) {
		const int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (has < 0)
			break;
		if (has)
			set |= UINT64_C(1) << i;
	}
	return set;
}

/*
 * A new user namespace gives everything; execve(2) gives root what is in the
 * bounding set. The program shall not believe that it may what it could not
 * before.
 */
static int bound_privileges(uint64_t keep)
{
	const uint64_t set = bounding_set();

	for (unsigned int i = 0; i < 64; i++) {
		const uint64_t bit = UINT64_C(1) << i;

		if ((set & bit) && !(keep & bit) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0))
			return -errno;
	}
	return 0;
}

/* ---- namespaces --------------------------------------------------------- */

static int write_file(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	const size_t length = strlen(text);
	ssize_t n;
	int ret;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	ret = n == (ssize_t)length ? 0 : n < 0 ? -errno : -EIO;
	close(fd);
	return ret;
}

static int map_ids(uid_t uid, gid_t gid)
{
	char line[64];
	int ret = write_file("/proc/self/setgroups", "deny");

	if (ret && ret != -ENOENT)
		return ret;
	snprintf(line, sizeof(line), "%u %u 1\n", uid, uid);
	ret = write_file("/proc/self/uid_map", line);
	if (ret)
		return ret;
	snprintf(line, sizeof(line), "%u %u 1\n", gid, gid);
	return write_file("/proc/self/gid_map", line);
}

static int enter_user(const struct caps *had, bool strict, const char **what)
{
	const uid_t uid = geteuid();
	const gid_t gid = getegid();
	uint64_t keep = bounding_set();
	int ret;

	*what = "a user namespace that leaves all privileges";
	if (!strict && (!uid || had->permitted))
		return -EPERM;
	if (!uid)
		keep = had->permitted | had->inheritable;
	*what = "a user namespace";
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	*what = "ids of a user namespace";
	ret = map_ids(uid, gid);
	return ret ? ret : bound_privileges(keep);
}

static int enter(bool strict, const char **what)
{
	struct caps had;

	caps_get(&had);
	if (!(had.effective & UINT64_C(1) << CAP_SYS_ADMIN))
		return enter_user(&had, strict, what);
	*what = "a mount namespace";
	return unshare(CLONE_NEWNS) ? -errno : 0;
}

/* ---- mounts ------------------------------------------------------------- */

/* Mount what is at @name below @from also on @onto below @at. */
static int bind(int from, const char *name, int at, const char *onto)
{
	const long tree = syscall(SYS_OPEN_TREE, from, name, TREE_FLAGS);
	int ret = 0;

	if (tree < 0)
		return -errno;
	if (syscall(SYS_MOVE_MOUNT, (int)tree, "", at, onto,
		    MOVE_FROM_DESCRIPTOR))
		ret = -errno;
	close((int)tree);
	return ret;
}

/* What something can be mounted on, unless it is there. */
static int mount_point(int at, const char *name, bool directory)
{
	int fd;

	if (directory)
		return mkdirat(at, name, 0755) && errno != EEXIST ? -errno : 0;
	fd = openat(at, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int copy_link(int from, int at, const char *name)
{
	char target[PATH_MAX];
	const ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return symlinkat(target, at, name) ? -errno : 0;
}

/* One entry of the real /dev. */
static int dev_keep(int from, int at, const char *name)
{
	struct stat st;
	int ret;

	/* Ours. */
	if (!fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	/* Gone meanwhile. */
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISLNK(st.st_mode))
		return copy_link(from, at, name);
	ret = mount_point(at, name, S_ISDIR(st.st_mode));
	if (!ret)
		ret = bind(from, name, at, name);
	/* A socket of some daemon is no reason to do without the rest. */
	if (ret == -ENOENT || S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode))
		return 0;
	return ret;
}

/* One of ours. */
static int dev_add(int from, int at, const char *name)
{
	struct stat st;
	int ret;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	ret = mount_point(at, name, S_ISDIR(st.st_mode));
	return ret ? ret : bind(from, name, at, name);
}

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

static int each_entry(DIR *from, int at,
		      int (*fn)(int from, int at, const char *name))
{
	const struct dirent *e;
	int ret = 0;

	while (!ret && (e = readdir(from)))
		if (!is_dots(e->d_name))
			ret = fn(dirfd(from), at, e->d_name);
	return ret;
}

static int dev_fill(DIR *old, DIR *ours)
{
	const int at = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (at < 0)
		return -errno;
	/* Ours first: a real one of the same name is not kept. */
	ret = each_entry(ours, at, dev_add);
	if (!ret)
		ret = each_entry(old, at, dev_keep);
	close(at);
	return ret;
}

/* Both directories are open before one covers the other. */
static int dev_make(int tree)
{
	const int fd = openat(tree, "dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *ours, *old;
	int ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ours = fdopendir(fd);
	if (!ours) {
		close(fd);
		return -ENOMEM;
	}
	old = opendir("/dev");
	if (!old)
		ret = -errno;
	else if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755"))
		ret = -errno;
	else
		ret = dev_fill(old, ours);
	if (old)
		closedir(old);
	closedir(ours);
	return ret;
}

/* ---- other directories -------------------------------------------------- */

/* Has this directory nothing that we would hide? */
static bool shows_nothing(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool nothing = true;

	if (!d)
		return errno == EACCES || errno == EPERM;
	while (nothing && (e = readdir(d)))
		nothing = is_dots(e->d_name);
	closedir(d);
	return nothing;
}

/* Is what is there really not to be seen, as all of it is ours? */
static bool is_ours(const char *path)
{
	struct ioas_node node;

	ioas_node_parse(path, IOAS_NODES_DEVICES, &node);
	return node.closed || node.whole == strlen(path);
}

static int add_missing(int from, int at, const char *name)
{
	struct stat st;

	return fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) ?
		       dev_add(from, at, name) :
		       0;
}

static bool lacks_some(DIR *ours, const char *path)
{
	const int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	bool lacks = false;
	struct stat st;

	if (at < 0)
		return false;
	while (!lacks && (e = readdir(ours)))
		lacks = !is_dots(e->d_name) &&
			fstatat(at, e->d_name, &st, AT_SYMLINK_NOFOLLOW);
	close(at);
	rewinddir(ours);
	return lacks;
}

/* The directory at @path again, with what is there and what it lacks of ours. */
static void complete(DIR *ours, const char *path)
{
	DIR *old = opendir(path);
	int at, ret;

	if (!old)
		return;
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")) {
		closedir(old);
		return;
	}
	at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret = at < 0 ? -errno : each_entry(old, at, dev_keep);
	if (!ret)
		ret = each_entry(ours, at, add_missing);
	/* Half of it would hide what programs need. */
	if (ret)
		umount2(path, MNT_DETACH);
	if (at >= 0)
		close(at);
	closedir(old);
	rewinddir(ours);
}

/*
 * Cover what exists and is empty or ours, for listings; calls with a path work
 * in any case, so nothing here is an error. @path: "/sys", below the tree and
 * really. @devices: what lacks ours gets them, for who goes there (chdir).
 */
static void cover(int tree, const char *path, bool devices, unsigned int depth)
{
	const int fd = openat(tree, path + 1,
			      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	char below[PATH_MAX];
	const struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (devices && lacks_some(d, path))
		complete(d, path);
	while ((e = readdir(d))) {
		const int n = snprintf(below, sizeof(below), "%s/%s", path,
				       e->d_name);

		if (is_dots(e->d_name) || n >= (int)sizeof(below) ||
		    fstatat(tree, below + 1, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISDIR(st.st_mode) || lstat(below, &st) ||
		    !S_ISDIR(st.st_mode))
			continue;
		if (is_ours(below) || shows_nothing(below))
			bind(tree, below + 1, -1, below);
		else if (depth < DEPTH_MAX)
			cover(tree, below, devices, depth + 1);
	}
	closedir(d);
}

/* ---- the whole ---------------------------------------------------------- */

int ioas_namespace_enter(const char *tree, bool strict, const char **what)
{
	char cwd[PATH_MAX];
	const bool known = getcwd(cwd, sizeof(cwd)) != NULL;
	int fd, ret = enter(strict, what);

	if (ret)
		return ret;
	/* Later mounts of the system come in; ours do not get out. */
	*what = "mounts of its own";
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL))
		return -errno;
	*what = "the tree of files";
	fd = open(tree, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*what = "a /dev of its own";
	ret = dev_make(fd);
	if (!ret)
		cover(fd, "/sys",
		      !faccessat(fd, "sys/bus/pci/devices", F_OK, 0), 0);
	close(fd);
	/* Else it would stay in the directory that is covered. */
	if (!ret && known && !strncmp(cwd, "/dev", 4))
		ret = chdir(cwd) ? -errno : 0;
	/* What is not in ours is no place to be, but for who is there. */
	if (!ret && known && !strncmp(cwd, "/sys", 4) && chdir(cwd))
		ret = errno == ENOENT ? 0 : -errno;
	return ret;
}
