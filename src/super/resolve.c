/* SPDX-License-Identifier: MIT */
/*
 * resolve: paths as strings
 *
 * A relative path costs a readlink of /proc, so the first look decides by words
 * that every name of ours has in it, or by the last component alone. With
 * functions there are names like any other, and every relative path is resolved.
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

static bool has_word(const char *path, const char *const *words, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (strstr(path, words[i]))
			return true;
	}
	return false;
}

bool ioas_path_hint(const char *path, bool fds, bool devices)
{
	static const char *const words[] = {
		"iommu", "vfio", "debug", "fail", "status", "ioas-run-",
	};
	static const char *const more[] = { "/sys", "fdinfo" };
	const char *last = strrchr(path, '/');

	if (has_word(path, words, IOAS_ARRAY_SIZE(words)))
		return true;
	if (devices && has_word(path, more, IOAS_ARRAY_SIZE(more)))
		return true;
	if (fds && strstr(path, "fd/"))
		return true;
	if (*path == '/')
		return false;
	/* Names below a function are like any others: "device", "config". */
	if (devices)
		return true;
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

/* A name of the tree is that of the place which it stands for. */
static void leave_tree(const struct ioas_resolver *r, struct ioas_resolved *out)
{
	const size_t n = r->tree ? strlen(r->tree) : 0;

	if (!n || !begins(out->path, r->tree))
		return;
	memmove(out->path, out->path + n, out->length - n + 1);
	out->length -= n;
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
	leave_tree(r, out);
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

static int append(const struct ioas_resolver *r, struct ioas_resolved *out,
		  const char *path, size_t floor, unsigned int flags);

/*
 * Where the link of ours leads that @out has become, if it is one. Those lead
 * from where they are.
 */
static int follow_ours(const struct ioas_resolver *r, struct ioas_resolved *out,
		       size_t floor, unsigned int flags)
{
	char target[IOAS_LINK_MAX + 1];
	const bool slash = out->slash;
	int ret;

	if (!r->link || !begins(out->path, "/sys") ||
	    !r->link(r, out->path, target))
		return 0;
	out->linked = true;
	if (++out->links > IOAS_LINKS_MAX)
		return -ELOOP;
	ret = pop(out, 0, 0);
	if (!ret)
		ret = append(r, out, target, floor,
			     flags & ~(unsigned int)IOAS_RESOLVE_NO_FOLLOW);
	out->slash = slash;
	return ret;
}

/*
 * Every component of @path; ".." does not lead above @floor bytes. Calls itself
 * for links, of which there is a most.
 */
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
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			ret = pop(out, floor, flags);
		} else if (n != 1 || path[0] != '.') {
			ret = push(r, out, path, n);
			if (!ret && (path[n] ||
				     !(flags & IOAS_RESOLVE_NO_FOLLOW)))
				ret = follow_ours(r, out, floor, flags);
		}
		path += n;
	}
	return ret;
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
	out->links = 0;
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
		if (flags & (IOAS_RESOLVE_IN_ROOT | IOAS_RESOLVE_BENEATH))
			floor = out->length;
	}
	return append(r, out, path, floor, flags);
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

static void proc_parse(const char *path, unsigned int offered,
		       struct ioas_node *out)
{
	const bool faults = offered & IOAS_NODES_FAULTS;
	const char *s = task(path, out);

	if (!s)
		return;
	if (!strncmp(s, "/fd/", 4)) {
		s = number(s + 4, &out->fd);
		if (s && !*s)
			out->kind = IOAS_NODE_FD;
	} else if (offered & IOAS_NODES_DEVICES && !strncmp(s, "/fdinfo/", 8)) {
		s = number(s + 8, &out->fd);
		if (s && !*s)
			out->kind = IOAS_NODE_FDINFO;
	} else if (!strcmp(s, "/status")) {
		out->kind = IOAS_NODE_STATUS;
	} else if (faults && !strcmp(s, "/fail-nth")) {
		out->kind = IOAS_NODE_FAIL_NTH;
	} else if (faults && !strcmp(s, "/make-it-fail")) {
		out->kind = IOAS_NODE_MAKE_IT_FAIL;
	}
}

static void dev_parse(const char *path, unsigned int offered,
		      struct ioas_node *out)
{
	static const char devices[] = "/dev/vfio/devices/vfio";
	static const char groups[] = "/dev/vfio/";
	const bool device = !strncmp(path, devices, sizeof(devices) - 1);
	const char *end;
	int n;

	if (!strcmp(path, "/dev/iommu"))
		out->kind = IOAS_NODE_IOMMU;
	else if (!strcmp(path, "/dev/vfio/vfio"))
		out->kind = IOAS_NODE_VFIO;
	if (out->kind != IOAS_NODE_NONE || !(offered & IOAS_NODES_DEVICES))
		return;
	if (!device && strncmp(path, groups, sizeof(groups) - 1) != 0)
		return;
	end = number(path + (device ? sizeof(devices) : sizeof(groups)) - 1,
		     &n);
	if (!end || *end)
		return;
	out->kind = device ? IOAS_NODE_DEVICE : IOAS_NODE_GROUP;
	out->number = (unsigned int)n;
	out->closed = true;
}

/* Where the tree is asked. The first that fits counts. */
static const struct {
	const char *prefix;
	/* What the tree has not, does not exist, whatever the system has. */
	bool closed;
	/* Only with these: enum ioas_nodes. */
	unsigned int only;
} places[] = {
	{ "/dev/iommu", true, 0 },
	{ "/dev/vfio", true, 0 },
	{ "/sys/kernel/debug/failslab", true, IOAS_NODES_FAULTS },
	{ "/sys/kernel/debug/fail_page_alloc", true, IOAS_NODES_FAULTS },
	{ "/sys/kernel/debug/fail_usercopy", true, IOAS_NODES_FAULTS },
	{ "/sys/kernel/debug/fail_iommufd", true, IOAS_NODES_FAULTS },
	{ "/sys/kernel/debug", false, IOAS_NODES_FAULTS },
	{ "/sys/bus/pci/devices", true, IOAS_NODES_DEVICES },
	{ "/sys/bus/pci/drivers/vfio-pci", true, IOAS_NODES_DEVICES },
	{ "/sys/bus/pci/drivers_probe", true, IOAS_NODES_DEVICES },
	{ "/sys/class/vfio-dev", true, IOAS_NODES_DEVICES },
	{ "/sys/kernel/iommu_groups", true, IOAS_NODES_DEVICES },
	{ "/sys/module/vfio", true, IOAS_NODES_DEVICES },
	{ "/sys/module/vfio_iommu_type1", true, IOAS_NODES_DEVICES },
	{ "/sys/module/vfio_pci", true, IOAS_NODES_DEVICES },
};

/* What leads to those. */
static const char *const parents[] = {
	"/sys",		"/sys/bus",    "/sys/bus/pci", "/sys/bus/pci/drivers",
	"/sys/class",	"/sys/devices", "/sys/kernel",	"/sys/module",
};

/* "/sys/devices/pci0000:01" and below it. */
static void bus_parse(const char *path, struct ioas_node *out)
{
	static const char prefix[] = "/sys/devices/pci";
	const char *s;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return;
	out->kind = IOAS_NODE_TREE;
	s = strchr(path + sizeof(prefix) - 1, '/');
	if (s)
		out->whole = (size_t)(s - path) + 1 + strcspn(s + 1, "/");
	else
		out->parent = true;
}

static void place_parse(const char *path, unsigned int offered,
			struct ioas_node *out)
{
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(places); i++) {
		if ((places[i].only & offered) == places[i].only &&
		    begins(path, places[i].prefix)) {
			out->kind = IOAS_NODE_TREE;
			out->closed = places[i].closed;
			out->sysfs = places[i].only == IOAS_NODES_DEVICES;
			return;
		}
	}
	if (!(offered & IOAS_NODES_DEVICES))
		return;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(parents); i++) {
		if (!strcmp(path, parents[i])) {
			out->kind = IOAS_NODE_TREE;
			out->parent = true;
		}
	}
	bus_parse(path, out);
	out->sysfs = out->kind == IOAS_NODE_TREE;
}

void ioas_node_parse(const char *path, unsigned int offered,
		     struct ioas_node *out)
{
	*out = (struct ioas_node){ .kind = IOAS_NODE_NONE, .fd = -1 };
	proc_parse(path, offered, out);
	if (out->kind == IOAS_NODE_NONE)
		dev_parse(path, offered, out);
	if (out->kind == IOAS_NODE_NONE)
		place_parse(path, offered, out);
}
