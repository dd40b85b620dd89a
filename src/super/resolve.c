/* SPDX-License-Identifier: MIT */
/*
 * resolve: paths as strings
 *
 * A relative path costs a readlink of /proc, so the first look decides by words
 * that every name of ours has in it, or by the last component alone.
 */
#include "super/resolve.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "super/attribute.h"

/* ---- the first look ----------------------------------------------------- */

static bool is_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

bool ioas_path_hint(const char *path, bool fds)
{
	static const char *const words[] = {
		"iommu", "vfio", "debug", "fail", "status", "ioas-run-",
	};
	const char *last = strrchr(path, '/');

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(words); i++) {
		if (strstr(path, words[i]))
			return true;
	}
	if (fds && strstr(path, "fd/"))
		return true;
	if (*path == '/')
		return false;
	/* At a directory of ours, or of descriptors. */
	last = last ? last + 1 : path;
	return ioas_knob_is_name(last, strlen(last)) ||
	       (fds && is_digits(last));
}

/* ---- components --------------------------------------------------------- */

static bool begins(const char *path, const char *prefix)
{
	const size_t n = strlen(prefix);

	return !strncmp(path, prefix, n) && (!path[n] || path[n] == '/');
}

static void set(struct ioas_resolved *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void set(struct ioas_resolved *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out->path, sizeof(out->path), fmt, ap);
	va_end(ap);
	out->length = strlen(out->path);
	out->linked = true;
}

/* The links that everybody uses, once the path is one of them. */
static void follow(const struct ioas_resolver *r, struct ioas_resolved *out)
{
	if (!strcmp(out->path, "/proc/self"))
		set(out, "/proc/%d", (int)r->tgid);
	else if (!strcmp(out->path, "/proc/thread-self"))
		set(out, "/proc/%d/task/%d", (int)r->tgid, (int)r->tid);
	else if (!strcmp(out->path, "/dev/fd"))
		set(out, "/proc/%d/fd", (int)r->tgid);
}

static int push(const struct ioas_resolver *r, struct ioas_resolved *out,
		const char *name, size_t n)
{
	if (n > NAME_MAX || out->length + n + 2 > sizeof(out->path))
		return -ENAMETOOLONG;
	out->path[out->length++] = '/';
	memcpy(out->path + out->length, name, n);
	out->length += n;
	out->path[out->length] = '\0';
	follow(r, out);
	return 0;
}

static int pop(struct ioas_resolved *out, size_t floor, unsigned int flags)
{
	char *slash;

	if (out->length <= floor)
		return flags & IOAS_RESOLVE_BENEATH ? -EXDEV : 0;
	slash = strrchr(out->path, '/');
	*slash = '\0';
	out->length = (size_t)(slash - out->path);
	return 0;
}

/* Every component of @path; ".." does not lead above @floor bytes. */
static int append(const struct ioas_resolver *r, struct ioas_resolved *out,
		  const char *path, size_t floor, unsigned int flags)
{
	int ret = 0;

	while (!ret) {
		size_t n;

		path += strspn(path, "/");
		n = strcspn(path, "/");
		if (!n)
			break;
		out->slash = path[n] == '/' || (n == 1 && path[0] == '.') ||
			     (n == 2 && path[0] == '.' && path[1] == '.');
		if (n == 2 && path[0] == '.' && path[1] == '.')
			ret = pop(out, floor, flags);
		else if (n != 1 || path[0] != '.')
			ret = push(r, out, path, n);
		path += n;
	}
	return ret;
}

/* A name of the tree is that of the place which it stands for. */
static void leave_tree(const struct ioas_resolver *r, struct ioas_resolved *out)
{
	const size_t n = r->tree ? strlen(r->tree) : 0;

	if (!n || !begins(out->path, r->tree))
		return;
	memmove(out->path, out->path + n, out->length - n + 1);
	out->length -= n;
}

int ioas_resolve(const struct ioas_resolver *r, int dirfd, const char *path,
		 unsigned int flags, struct ioas_resolved *out)
{
	size_t floor = 0;
	int ret;

	out->path[0] = '\0';
	out->length = 0;
	out->slash = false;
	out->linked = false;
	if (*path == '/' && flags & IOAS_RESOLVE_BENEATH)
		return -EXDEV;
	if (*path != '/' || flags & IOAS_RESOLVE_IN_ROOT) {
		ret = r->directory(r, dirfd, out->path, sizeof(out->path));
		if (ret < 0)
			return ret;
		/* A pipe, a socket, a memfd: the kernel knows the error. */
		if (out->path[0] != '/')
			return -ENOTDIR;
		out->length = ret == 1 ? 0 : (size_t)ret;
		out->path[out->length] = '\0';
		leave_tree(r, out);
		if (flags)
			floor = out->length;
	}
	ret = append(r, out, path, floor, flags);
	if (!ret)
		leave_tree(r, out);
	return ret;
}

/* ---- nodes -------------------------------------------------------------- */

/* Takes a number as the system writes it; NULL: there is none. */
static const char *number(const char *s, int *out)
{
	int64_t n = 0;

	if (*s < '0' || *s > '9' || (*s == '0' && s[1] >= '0' && s[1] <= '9'))
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (*s - '0');
		if (n > INT_MAX)
			return NULL;
	}
	*out = (int)n;
	return s;
}

/* Takes "/proc/PID" and perhaps "/task/TID". */
static const char *task(const char *path, struct ioas_node *out)
{
	const char *s = path;
	int pid, tid;

	if (strncmp(s, "/proc/", 6))
		return NULL;
	s = number(s + 6, &pid);
	if (!s || !pid)
		return NULL;
	out->pid = pid;
	out->tid = pid;
	if (strncmp(s, "/task/", 6))
		return s;
	s = number(s + 6, &tid);
	if (s)
		out->tid = tid;
	return s;
}

static void proc_parse(const char *path, bool faults, struct ioas_node *out)
{
	const char *s = task(path, out);

	if (!s)
		return;
	if (!strncmp(s, "/fd/", 4)) {
		s = number(s + 4, &out->fd);
		if (s && !*s)
			out->kind = IOAS_NODE_FD;
	} else if (!strcmp(s, "/status")) {
		out->kind = IOAS_NODE_STATUS;
	} else if (faults && !strcmp(s, "/fail-nth")) {
		out->kind = IOAS_NODE_FAIL_NTH;
	} else if (faults && !strcmp(s, "/make-it-fail")) {
		out->kind = IOAS_NODE_MAKE_IT_FAIL;
	}
}

/* Where the tree is asked. The first that fits counts. */
static const struct {
	const char *prefix;
	/* What the tree has not, does not exist, whatever the system has. */
	bool closed;
	/* Only with fault injection. */
	bool faults;
} places[] = {
	{ "/dev/iommu", true, false },
	{ "/dev/vfio", true, false },
	{ "/sys/kernel/debug/failslab", true, true },
	{ "/sys/kernel/debug/fail_page_alloc", true, true },
	{ "/sys/kernel/debug/fail_usercopy", true, true },
	{ "/sys/kernel/debug/fail_iommufd", true, true },
	{ "/sys/kernel/debug", false, true },
};

void ioas_node_parse(const char *path, bool faults, struct ioas_node *out)
{
	*out = (struct ioas_node){ .kind = IOAS_NODE_NONE, .fd = -1 };
	proc_parse(path, faults, out);
	if (!strcmp(path, "/dev/iommu"))
		out->kind = IOAS_NODE_IOMMU;
	else if (!strcmp(path, "/dev/vfio/vfio"))
		out->kind = IOAS_NODE_VFIO;
	if (out->kind != IOAS_NODE_NONE)
		return;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(places); i++) {
		if ((faults || !places[i].faults) &&
		    begins(path, places[i].prefix)) {
			out->kind = IOAS_NODE_TREE;
			out->closed = places[i].closed;
			return;
		}
	}
}
