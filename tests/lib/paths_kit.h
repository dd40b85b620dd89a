/* SPDX-License-Identifier: MIT */
/*
 * paths_kit: names of ours in the calls of a program, which is this process. Who
 * serves descriptors and memory is a few lines here; so are the functions of a
 * run, whose names are those of dev/pci/sysfs.h.
 */
#ifndef PATHS_KIT_H
#define PATHS_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/devices.h"
#include "super/faultsys.h"
#include "super/files.h"
#include "super/names.h"
#include "super/paths.h"
#include "super/task.h"

/* ---- the neighbours ----------------------------------------------------- */

static struct ioas_run_options options;
static struct ioas_super super;
static struct ioas_process process;
static struct ioas_task task;
static struct ioas_call call;
static char *tree;

/* A descriptor that is taken to be of a file of ours, and its name. */
static int our_fd = -1;
static const char *our_name;
/* What a call was answered with. */
static struct {
	unsigned int context;
	bool is_context, is_text, is_device, is_group;
	unsigned int number;
	int fd;
	int flags;
	char name[64];
} sent;
static struct ioas_client_mm *one_mm;

struct ioas_sfile {
	char unused;
};
static struct ioas_sfile our_file;
static unsigned int our_refs;

struct ioas_call *ioas_call_current(void)
{
	return &call;
}

int ioas_call_enter(struct ioas_call *c)
{
	ioas_caller_enter(&c->caller);
	return 0;
}

void ioas_call_leave(struct ioas_call *c)
{
	(void)c;
	ioas_caller_leave(NULL);
}

int ioas_call_read(struct ioas_call *c, void *dst, uint64_t src, size_t length)
{
	(void)c;
	if (src < 4096)
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, length);
	return 0;
}

int ioas_call_write(struct ioas_call *c, uint64_t dst, const void *src,
		    size_t length)
{
	(void)c;
	if (dst < 4096)
		return -EFAULT;
	memcpy((void *)(uintptr_t)dst, src, length);
	return 0;
}

int ioas_call_string(struct ioas_call *c, uint64_t src, char *dst, size_t room)
{
	const char *s = (const char *)(uintptr_t)src;

	(void)c;
	if (src < 4096)
		return -EFAULT;
	if (strlen(s) >= room)
		return -ENAMETOOLONG;
	strcpy(dst, s);
	return (int)strlen(s);
}

int ioas_task_by_tid(struct ioas_super *s, pid_t tid, struct ioas_task **out)
{
	(void)s;
	if (tid != task.tid)
		return -ESRCH;
	task.refs++;
	*out = &task;
	return 0;
}

void ioas_task_put(struct ioas_task *t)
{
	t->refs--;
}

void ioas_tasks_each_mm(struct ioas_tasks *t,
			void (*fn)(struct ioas_client_mm *mm, void *data),
			void *data)
{
	(void)t;
	if (one_mm)
		fn(one_mm, data);
}

int ioas_fd_look(struct ioas_call *c, int fd, struct ioas_fd_look *out)
{
	(void)c;
	*out = (struct ioas_fd_look){ .fd = dup(fd) };
	if (out->fd < 0)
		return -EBADF;
	if (fd == our_fd) {
		out->file = &our_file;
		our_refs++;
	}
	return 0;
}

void ioas_sfile_put(struct ioas_sfile *file)
{
	if (file)
		our_refs--;
}

void ioas_fd_look_done(struct ioas_fd_look *look)
{
	close(look->fd);
	ioas_sfile_put(look->file);
}

const char *ioas_sfile_name(const struct ioas_sfile *file)
{
	(void)file;
	return our_name;
}

bool ioas_sfiles_is_ours(struct ioas_sfiles *f, uint64_t dev, uint64_t ino)
{
	(void)f;
	(void)dev;
	(void)ino;
	return false;
}

static struct ioas_ufile context_file, function_file;
/* NULL: what @our_fd is of is a small text file. */
static struct ioas_ufile *our_ufile;

struct ioas_ufile *ioas_sfile_ufile(const struct ioas_sfile *file)
{
	assert_ptr_equal(file, &our_file);
	return our_ufile;
}

struct ioas_iommufd *ioas_iommufd_of_file(struct ioas_ufile *f)
{
	static struct ioas_iommufd ictx;

	return f == &context_file ? &ictx : NULL;
}

int ioas_iommufd_open(struct ioas_uapi *uapi, unsigned int flags,
		      struct ioas_ufile **out)
{
	(void)uapi;
	assert_ptr_equal(ioas_caller_current(), &call.caller);
	sent.context = flags;
	if (ioas_fault_point(IOAS_FP_ALLOC_SPACE))
		return -ENOMEM;
	*out = &context_file;
	return 0;
}

enum ioas_verdict ioas_sfiles_open(struct ioas_call *c, struct ioas_ufile *ufile,
				   int flags, int64_t *value)
{
	(void)c;
	(void)value;
	assert_true(ufile == &context_file || ufile == &function_file);
	sent.is_context = ufile == &context_file;
	sent.flags = flags;
	return IOAS_CALL_SENT;
}

enum ioas_verdict ioas_sfiles_open_text(struct ioas_call *c,
					const struct ioas_vfile_ops *ops,
					void *data, const char *name, int flags,
					int64_t *value)
{
	(void)c;
	(void)value;
	if (ops->release)
		ops->release(data);
	sent.is_text = true;
	sent.flags = flags;
	snprintf(sent.name, sizeof(sent.name), "%s", name);
	return IOAS_CALL_SENT;
}

enum ioas_verdict ioas_sfiles_hand_over(struct ioas_call *c, int fd, int flags,
					int64_t *value)
{
	(void)c;
	(void)value;
	/* The kernel would not take it. */
	assert_false(fcntl(fd, F_GETFL) & O_PATH);
	sent.fd = fd;
	sent.flags = flags;
	return IOAS_CALL_SENT;
}

/* Functions, if there are: two in group 0, one alone in group 5. */
struct ioas_devices {
	struct ioas_sysfs sysfs;
};

static const struct ioas_identity identity = {
	.vendor = 0x1b36,
	.device = 0x0010,
	.class_code = 0x010802,
	.bar = { { .size = 0x4000, .flags = IOAS_BAR_64 } },
	.vectors = 4,
	.msix_pba = 0x1000,
};

static const struct ioas_sysfs_function functions[] = {
	{ .id = &identity, .bdf = { 0, 0xe1, 0, 0 }, .group = 0, .vfio = 0,
	  .group_number = { 240, 0 }, .vfio_number = { 511, 0 } },
	{ .id = &identity, .bdf = { 0, 0xe1, 1, 2 }, .group = 0, .vfio = 1,
	  .group_number = { 240, 0 }, .vfio_number = { 511, 1 } },
	{ .id = &identity, .bdf = { 3, 0xe2, 0, 0 }, .group = 5, .vfio = 7,
	  .group_number = { 240, 5 }, .vfio_number = { 511, 7 } },
};

static struct ioas_devices devices = {
	{ .functions = functions, .nr = 3, .cpus = 2 },
};

#define FIRST "0000:e1:00.0"
#define SECOND "0000:e1:01.2"
#define THIRD "0003:e2:00.0"

/* One more entry, if it has a path; and how the tree comes out then. */
static struct ioas_sysfs_entry extra;
static int tree_error;

int ioas_devices_sysfs(const struct ioas_devices *d,
		       const struct ioas_sysfs_ops *ops, void *ctx)
{
	const int ret = ioas_sysfs_make(&d->sysfs, ops, ctx);

	return !ret && extra.path ? ops->add(ctx, &extra) : ret;
}

bool ioas_devices_number(const struct ioas_devices *d, unsigned int vfio,
			 struct ioas_sysfs_number *out)
{
	for (size_t i = 0; i < d->sysfs.nr; i++) {
		if (functions[i].vfio == vfio) {
			*out = functions[i].vfio_number;
			return true;
		}
	}
	return false;
}

bool ioas_devices_group_number(const struct ioas_devices *d, unsigned int group,
			       struct ioas_sysfs_number *out)
{
	for (size_t i = 0; i < d->sysfs.nr; i++) {
		if (functions[i].group == group) {
			*out = functions[i].group_number;
			return true;
		}
	}
	return false;
}

int ioas_devices_open(struct ioas_devices *d, unsigned int vfio,
		      struct ioas_ufile **out)
{
	struct ioas_sysfs_number n;

	assert_ptr_equal(ioas_caller_current(), &call.caller);
	if (!ioas_devices_number(d, vfio, &n))
		return -ENOENT;
	sent.is_device = true;
	sent.number = vfio;
	*out = &function_file;
	return 0;
}

/* What a group is opened with is this. */
static int group_error;

int ioas_devices_open_group(struct ioas_devices *d, unsigned int group,
			    struct ioas_ufile **out)
{
	struct ioas_sysfs_number n;

	assert_ptr_equal(ioas_caller_current(), &call.caller);
	if (!ioas_devices_group_number(d, group, &n))
		return -ENOENT;
	sent.is_group = true;
	sent.number = group;
	*out = &function_file;
	return group_error;
}

const char *ioas_devices_syspath(const struct ioas_devices *d,
				 struct ioas_ufile *file)
{
	assert_ptr_equal(d, &devices);
	return file == &function_file ? "/sys/devices/pci0000:e1/" FIRST : NULL;
}

void ioas_super_error(const struct ioas_super *s, const char *fmt, ...)
{
	(void)s;
	if (!tree_error)
		fail_msg("%s", fmt);
}

/* ---- set-up ------------------------------------------------------------- */

static void begin_with(bool faults, struct ioas_devices *d)
{
	options = (struct ioas_run_options){ .fault_injection = faults };
	assert_int_equal(ioas_tree_create(&options, d, &tree), tree_error);
	if (tree_error)
		return;
	process.pid = getpid();
	task = (struct ioas_task){
		.refs = 1, .tid = (pid_t)syscall(SYS_gettid),
		.process = &process,
	};
	super = (struct ioas_super){ .opts = &options, .tree = tree,
				     .devices = d,
				     .host = { .page_lg2 = 12 } };
	if (faults)
		assert_int_equal(ioas_faultsys_create(&super, &super.faults),
				 0);
	assert_int_equal(ioas_paths_create(&super, &super.paths), 0);
	call = (struct ioas_call){ .s = &super, .task = &task };
	memset(&sent, 0, sizeof(sent));
	sent.fd = -1;
	our_fd = -1;
	our_ufile = NULL;
	one_mm = NULL;
}

static inline void begin(bool faults)
{
	begin_with(faults, NULL);
}

static void end(void)
{
	struct stat st;
	char *copy = strdup(tree);

	if (sent.fd >= 0)
		close(sent.fd);
	ioas_paths_destroy(super.paths);
	ioas_faultsys_destroy(super.faults);
	ioas_tree_remove(tree);
	assert_int_equal(stat(copy, &st), -1);
	*strrchr(copy, '/') = '\0';
	assert_int_equal(stat(copy, &st), -1);
	free(copy);
	assert_int_equal(task.refs, 1);
	assert_int_equal(our_refs, 0);
}

#define P(x) ((uint64_t)(uintptr_t)(x))

static void set_call(int nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
		     uint64_t e)
{
	call.n.nr = nr;
	call.n.arg[0] = a;
	call.n.arg[1] = b;
	call.n.arg[2] = c;
	call.n.arg[3] = d;
	call.n.arg[4] = e;
}

#define AT ((uint64_t)(int64_t)AT_FDCWD)
/* What a call can come to that is not a number: it went on; it was answered. */
#define GOES_ON 1000001
#define SENT 1000002

static int64_t outcome(enum ioas_verdict (*serve)(struct ioas_call *c,
						  int64_t *value))
{
	int64_t value = 0;
	const enum ioas_verdict verdict = serve(&call, &value);

	return verdict == IOAS_CALL_CONTINUE ? GOES_ON :
	       verdict == IOAS_CALL_SENT     ? SENT :
					       value;
}

static int64_t do_openat(int dirfd, const char *path, int flags)
{
	if (sent.fd >= 0)
		close(sent.fd);
	memset(&sent, 0, sizeof(sent));
	sent.fd = -1;
	set_call(SYS_openat, (uint64_t)(int64_t)dirfd, P(path), (uint64_t)flags,
		 0, 0);
	return outcome(ioas_paths_open);
}

static inline int64_t do_open(const char *path, int flags)
{
	return do_openat(AT_FDCWD, path, flags);
}

static inline int64_t do_openat2(int dirfd, const char *path,
			  const struct open_how *how, size_t size)
{
	memset(&sent, 0, sizeof(sent));
	sent.fd = -1;
	set_call(SYS_openat2, (uint64_t)(int64_t)dirfd, P(path), P(how), size,
		 0);
	return outcome(ioas_paths_open);
}

static inline int64_t do_stat(int dirfd, const char *path, int flags, struct stat *st)
{
	set_call(SYS_newfstatat, (uint64_t)(int64_t)dirfd, P(path), P(st),
		 (uint64_t)flags, 0);
	return outcome(ioas_paths_stat);
}

static inline int64_t do_readlink(const char *path, char *buffer, int size)
{
	set_call(SYS_readlinkat, AT, P(path), P(buffer),
		 (uint64_t)(int64_t)size, 0);
	return outcome(ioas_paths_readlink);
}

static inline int64_t do_access(const char *path, int mode)
{
	set_call(SYS_faccessat, AT, P(path), (uint64_t)mode, 0, 0);
	return outcome(ioas_paths_access);
}

static inline bool lists(int fd, const char *name)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	bool found = false;

	rewinddir(d);
	while ((e = readdir(d)))
		found |= !strcmp(e->d_name, name);
	closedir(d);
	return found;
}

#endif
