/* SPDX-License-Identifier: MIT */
/*
 * tree: names of ours as a real directory
 *
 *   ioas-run-PID-XXXXXX/       of this user alone, in memory if possible
 *     lock                     locked while a process of the run lives
 *     tree/dev/iommu           /dev/iommu
 *     tree/sys/kernel/debug    /sys/kernel/debug, with fault injection
 *     tree/sys/bus/pci, ...    emulated functions; links lead to places in it
 *
 * A run that was killed leaves its directory; the next of the same user finds
 * that nobody holds the lock, and removes it. A lock is taken before it has its
 * name, so one that is found is locked or left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "super/attribute.h"
#include "super/devices.h"
#include "super/paths.h"
#include "super/resolve.h"

#define NAME "ioas-run-"
#define DEBUGFS "sys/kernel/debug"
/* No tree of ours is deeper; one that is was made by somebody else. */
#define DEPTH_MAX 16
/* A directory without a lock is one in the making, for so many seconds. */
#define MAKING 60

struct tree {
	/* Keeps the lock: of all processes that have it from us. */
	int lock;
	/* The length of the directory's path, before "/tree". */
	size_t root;
	char path[];
};

static const struct {
	const char *path;
	bool directory;
	mode_t mode;
	/* Only with fault injection. */
	bool faults;
} entries[] = {
	{ "dev", true, 0755, false },
	{ "dev/iommu", false, 0666, false },
	{ "dev/vfio", true, 0755, false },
	{ "dev/vfio/vfio", false, 0666, false },
	{ "sys", true, 0755, true },
	{ "sys/kernel", true, 0755, true },
	{ DEBUGFS, true, 0700, true },
};

/* ---- removal ------------------------------------------------------------ */

static void remove_at(int dir, const char *name, unsigned int depth);

/* @fd is closed. */
static void empty(int fd, unsigned int depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			remove_at(dirfd(d), e->d_name, depth + 1);
	}
	closedir(d);
}

/* What it is is asked of what is opened, so a link is never followed. */
static void remove_at(int dir, const char *name, unsigned int depth)
{
	int fd;

	if (!unlinkat(dir, name, 0) || errno == ENOENT || depth > DEPTH_MAX)
		return;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	fchmod(fd, 0700);
	empty(fd, depth);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* A name that create_below() gives: nobody else's directory is touched. */
static bool is_name(const char *name)
{
	size_t digits;

	if (strncmp(name, NAME, strlen(NAME)))
		return false;
	name += strlen(NAME);
	digits = strspn(name, "0123456789");
	return digits && name[digits] == '-' && strlen(name + digits + 1) == 6;
}

/* Is the run over that the directory @fd is of? */
static bool is_stale(int fd)
{
	struct stat st;
	int lock;
	bool stale;

	if (fstat(fd, &st) || st.st_uid != geteuid() ||
	    (st.st_mode & 07777) != 0700)
		return false;
	lock = openat(fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (lock < 0)
		return errno == ENOENT && st.st_mtime + MAKING < time(NULL);
	stale = !flock(lock, LOCK_EX | LOCK_NB);
	close(lock);
	return stale;
}

static void remove_stale(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		int fd;

		if (!is_name(e->d_name))
			continue;
		fd = openat(dirfd(d), e->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_stale(fd))
			remove_at(dirfd(d), e->d_name, 0);
		close(fd);
	}
	closedir(d);
}

/* ---- making ------------------------------------------------------------- */

static int make_file(int dir, const char *path, mode_t mode, const void *data,
		     size_t n)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int ret = 0;

	if (fd < 0)
		return -errno;
	/* Whatever the umask. */
	if (fchmod(fd, mode) || (n && write(fd, data, n) != (ssize_t)n))
		ret = errno ? -errno : -EIO;
	close(fd);
	return ret;
}

static int make_directory(int dir, const char *path, mode_t mode)
{
	if (mkdirat(dir, path, mode) || fchmodat(dir, path, mode, 0))
		return -errno;
	return 0;
}

static int make_attribute(int dir, enum ioas_attribute_id id)
{
	const char *name = ioas_attribute_name(id);
	struct ioas_attribute defaults;
	char path[128], text[IOAS_KNOB_TEXT];
	int ret;

	ioas_attribute_init(&defaults);
	snprintf(path, sizeof(path), DEBUGFS "/%s", name);
	ret = make_directory(dir, path, 0700);
	for (unsigned int k = 0; !ret && k < IOAS_NR_KNOBS; k++) {
		const char *knob = ioas_knob_name(id, k);

		if (!knob)
			continue;
		snprintf(path, sizeof(path), DEBUGFS "/%s/%s", name, knob);
		ioas_knob_show(&defaults, k, text);
		ret = make_file(dir, path, 0600, text, strlen(text));
	}
	return ret;
}

/* Does the link "/sys/..." that leads to @target end up in the tree? */
static bool stays_inside(const char *path, const char *target)
{
	size_t depth = 0;

	if (*target == '/')
		return false;
	for (const char *s = path; *s; s++)
		depth += *s == '/';
	/* Where it is, its own name is none. */
	depth--;
	while (*target) {
		const size_t n = strcspn(target, "/");

		if (n == 2 && !memcmp(target, "..", 2)) {
			if (!depth--)
				return false;
		} else if (n && (n != 1 || *target != '.')) {
			depth++;
		}
		target += n;
		target += *target == '/';
	}
	return true;
}

/* struct ioas_sysfs_ops'. Some directories are there already. */
static int make_sysfs_entry(void *ctx, const struct ioas_sysfs_entry *e)
{
	const int dir = *(const int *)ctx;
	const char *path = e->path + 1;
	int ret;

	if (*e->path != '/')
		return -EINVAL;
	switch (e->kind) {
	case IOAS_SYSFS_DIRECTORY:
		ret = make_directory(dir, path, (mode_t)e->mode);
		return ret == -EEXIST ? 0 : ret;
	case IOAS_SYSFS_LINK:
		if (e->length > IOAS_LINK_MAX || !stays_inside(e->path, e->data))
			return -EINVAL;
		return symlinkat(e->data, dir, path) ? -errno : 0;
	case IOAS_SYSFS_NODE:
		/* Which device it is, stat is told from elsewhere. */
		return make_file(dir, path, (mode_t)e->mode, NULL, 0);
	default:
		return make_file(dir, path, (mode_t)e->mode, e->data,
				 e->length);
	}
}

static int make_entries(int dir, const struct ioas_run_options *opts,
			const struct ioas_devices *devices)
{
	static const struct ioas_sysfs_ops ops = { make_sysfs_entry };
	int ret = 0;

	for (size_t i = 0; !ret && i < IOAS_ARRAY_SIZE(entries); i++) {
		if (entries[i].faults && !opts->fault_injection)
			continue;
		if (entries[i].directory)
			ret = make_directory(dir, entries[i].path,
					     entries[i].mode);
		else
			ret = make_file(dir, entries[i].path, entries[i].mode,
					NULL, 0);
	}
	for (unsigned int id = 0;
	     !ret && opts->fault_injection && id < IOAS_NR_ATTRIBUTES; id++)
		ret = make_attribute(dir, id);
	if (!ret && devices)
		ret = ioas_devices_sysfs(devices, &ops, &dir);
	return ret;
}

static int make_lock(int root)
{
	int fd = openat(root, "new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return -errno;
	if (!flock(fd, LOCK_EX) && !renameat(root, "new", root, "lock"))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* In @t->path, whose directory is there: the lock and the tree. */
static int make_tree(struct tree *t, const struct ioas_run_options *opts,
		     const struct ioas_devices *devices)
{
	int root = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int dir = -1, ret;

	if (root < 0)
		return -errno;
	ret = t->lock = make_lock(root);
	if (ret >= 0)
		ret = make_directory(root, "tree", 0755);
	if (!ret) {
		dir = openat(root, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ret = dir < 0 ? -errno : make_entries(dir, opts, devices);
	}
	if (dir >= 0)
		close(dir);
	close(root);
	return ret;
}

/* Below @base, which may be NULL. */
static int create_below(const char *base, const struct ioas_run_options *opts,
			const struct ioas_devices *devices, char **tree)
{
	struct tree *t;
	size_t room;
	char *real;
	int ret;

	if (!base || *base != '/')
		return -ENOENT;
	/* As the system names it, of whom we ask where a descriptor is. */
	real = realpath(base, NULL);
	if (!real)
		return -errno;
	room = strlen(real) + 64;
	t = malloc(sizeof(*t) + room);
	if (!t) {
		free(real);
		return -ENOMEM;
	}
	t->lock = -1;
	snprintf(t->path, room, "%s/" NAME "%d-XXXXXX", real, (int)getpid());
	free(real);
	if (!mkdtemp(t->path)) {
		ret = -errno;
		free(t);
		return ret;
	}
	t->root = strlen(t->path);
	ret = make_tree(t, opts, devices);
	strcpy(t->path + t->root, "/tree");
	if (ret) {
		ioas_tree_remove(t->path);
		return ret;
	}
	*tree = t->path;
	return 0;
}

int ioas_tree_create(const struct ioas_run_options *opts,
		     const struct ioas_devices *devices, char **tree)
{
	const char *const bases[] = {
		"/dev/shm",
		getenv("XDG_RUNTIME_DIR"),
		"/tmp",
	};
	int ret = -ENOENT;

	/* In all of them: where one was made, another may not be. */
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(bases); i++)
		if (bases[i])
			remove_stale(bases[i]);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(bases); i++) {
		if (!bases[i])
			continue;
		ret = create_below(bases[i], opts, devices, tree);
		if (!ret)
			return 0;
	}
	ioas_super_error(NULL, "no place for a directory of ours: %s",
			 strerror(-ret));
	return ret;
}

void ioas_tree_remove(char *tree)
{
	struct tree *t;

	if (!tree)
		return;
	t = ioas_container_of(tree, struct tree, path);
	tree[t->root] = '\0';
	remove_at(AT_FDCWD, tree, 0);
	if (t->lock >= 0)
		close(t->lock);
	free(t);
}
