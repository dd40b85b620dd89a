/* SPDX-License-Identifier: MIT */
/*
 * report: names, what happened how often, and what never did
 */
#include "uops.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/errno.h"

static const char *const op_names[NR_OPS] = {
	[OP_IOAS_ALLOC] = "ioas_alloc",
	[OP_DESTROY] = "destroy",
	[OP_MAP] = "map",
	[OP_MAP_FILE] = "map_file",
	[OP_COPY] = "copy",
	[OP_UNMAP] = "unmap",
	[OP_UNMAP_ALL] = "unmap_all",
	[OP_ALLOW] = "allow_iovas",
	[OP_RESERVE] = "add_reserved",
	[OP_RANGES] = "iova_ranges",
	[OP_HUGE_PAGES] = "huge_pages",
	[OP_RLIMIT_MODE] = "rlimit_mode",
	[OP_VFIO_IOAS] = "vfio_ioas",
	[OP_VFIO_SET_IOMMU] = "vfio_set_iommu",
	[OP_VFIO_EXTENSION] = "vfio_extension",
	[OP_VFIO_INFO] = "vfio_get_info",
	[OP_VFIO_MAP] = "vfio_map_dma",
	[OP_VFIO_UNMAP] = "vfio_unmap_dma",
	[OP_DEVICE] = "mock_domain",
	[OP_REPLACE] = "mock_replace",
	[OP_HWPT_ALLOC] = "hwpt_alloc",
	[OP_SET_DIRTY] = "set_dirty",
	[OP_DIRTY] = "dirty",
	[OP_GET_DIRTY] = "get_dirty",
	[OP_CHECK_MAP] = "check_map",
	[OP_CHECK_REFS] = "check_refs",
	[OP_ACCESS_CREATE] = "create_access",
	[OP_ACCESS_CLOSE] = "close_access",
	[OP_ACCESS_REPLACE] = "access_replace",
	[OP_PIN] = "access_pages",
	[OP_UNPIN] = "destroy_pages",
	[OP_RW] = "access_rw",
	[OP_DMABUF_GET] = "dmabuf_get",
	[OP_DMABUF_CLOSE] = "dmabuf_close",
	[OP_DMABUF_REVOKE] = "dmabuf_revoke",
	[OP_CHANGE_PROCESS] = "change_process",
	[OP_LIMIT] = "limit",
	[OP_REMAP] = "remap",
	[OP_PROCESS] = "process",
	[OP_EXIT] = "exit",
	[OP_TEMP_LIMIT] = "temp_limit",
};

static const char *const mark_names[NR_MARKS] = {
	[MARK_CHOSEN] = "an IOVA chosen",
	[MARK_TOP] = "an area at the end of 64 bits",
	[MARK_SHARED_HWPT] = "an automatic table found again",
	[MARK_TWO_TABLES] = "a map into several tables",
	[MARK_LARGE_DIRTY] = "a large entry made dirty",
	[MARK_SMALL_DIRTY] = "half a page made dirty",
	[MARK_CUT] = "an area cut",
	[MARK_NOTIFIED] = "an item dropped by an unmap",
	[MARK_MANY_PIECES] = "a copy of several areas",
	[MARK_EFFECT_STAYS] = "an effect that stayed without an answer",
	[MARK_MOVED_CHARGE] = "a charge that moved",
	[MARK_MAP_MATCHES] = "a translation that matched",
	[MARK_REFS_MANY] = "a page with several pins",
};

#define ERRNOS(X)                                                        \
	X(EPERM) X(ENOENT) X(EIO) X(E2BIG) X(EBADF) X(ENOMEM) X(EFAULT)  \
	X(EBUSY) X(EEXIST) X(ENODEV) X(EINVAL) X(EMFILE) X(ENOTTY)       \
	X(ENOSPC) X(ERANGE) X(EDEADLK) X(EOVERFLOW) X(EMSGSIZE) X(EBADE) \
	X(EBADFD) X(EOPNOTSUPP) X(EADDRINUSE)

static const struct {
	int error;
	const char *name;
} errors[] = {
#define ERRNO_ROW(e) { e, #e },
	ERRNOS(ERRNO_ROW)
#undef ERRNO_ROW
};

/* What has to have happened in a run of the usual size. */
static const struct {
	uint8_t kind;
	int error;
} required[] = {
	{ OP_DESTROY, EBUSY },	      { OP_DESTROY, ENOENT },
	{ OP_MAP, EOPNOTSUPP },	      { OP_MAP, EOVERFLOW },
	{ OP_MAP, EINVAL },	      { OP_MAP, ENOENT },
	{ OP_MAP, EEXIST },	      { OP_MAP, ENOSPC },
	{ OP_MAP, EFAULT },	      { OP_MAP, ENOMEM },
	{ OP_MAP_FILE, EINVAL },      { OP_MAP_FILE, EBADF },
	{ OP_MAP_FILE, ENODEV },      { OP_MAP_FILE, EEXIST },
	{ OP_MAP_FILE, ENOMEM },      { OP_COPY, EINVAL },
	{ OP_COPY, ENOENT },	      { OP_COPY, EPERM },
	{ OP_COPY, EEXIST },	      { OP_COPY, EFAULT },
	{ OP_COPY, ENOMEM },	      { OP_COPY, ENOSPC },
	{ OP_UNMAP, ENOENT },	      { OP_UNMAP, EINVAL },
	{ OP_UNMAP, EOVERFLOW },      { OP_ALLOW, EINVAL },
	{ OP_ALLOW, EFAULT },	      { OP_ALLOW, EADDRINUSE },
	{ OP_RESERVE, EINVAL },	      { OP_RESERVE, EOVERFLOW },
	{ OP_RESERVE, EADDRINUSE },   { OP_RANGES, EMSGSIZE },
	{ OP_HUGE_PAGES, EINVAL },    { OP_HUGE_PAGES, EADDRINUSE },
	{ OP_HUGE_PAGES, EOPNOTSUPP }, { OP_RLIMIT_MODE, EPERM },
	{ OP_RLIMIT_MODE, EBUSY },    { OP_VFIO_IOAS, ENODEV },
	{ OP_VFIO_IOAS, ENOENT },     { OP_VFIO_SET_IOMMU, EINVAL },
	{ OP_VFIO_SET_IOMMU, ENODEV }, { OP_VFIO_MAP, EINVAL },
	{ OP_VFIO_MAP, ENODEV },      { OP_VFIO_MAP, EEXIST },
	{ OP_VFIO_UNMAP, EINVAL },    { OP_VFIO_UNMAP, ENOENT },
	{ OP_DEVICE, ENOENT },	      { OP_DEVICE, EINVAL },
	{ OP_DEVICE, EADDRINUSE },    { OP_DEVICE, EFAULT },
	{ OP_DEVICE, ENOMEM },	      { OP_REPLACE, ENOENT },
	{ OP_REPLACE, EINVAL },	      { OP_REPLACE, EADDRINUSE },
	{ OP_HWPT_ALLOC, EOPNOTSUPP }, { OP_HWPT_ALLOC, EINVAL },
	{ OP_HWPT_ALLOC, EADDRINUSE }, { OP_HWPT_ALLOC, EFAULT },
	{ OP_SET_DIRTY, EOPNOTSUPP }, { OP_SET_DIRTY, ENOENT },
	{ OP_DIRTY, EINVAL },	      { OP_GET_DIRTY, EOVERFLOW },
	{ OP_GET_DIRTY, EINVAL },     { OP_GET_DIRTY, EOPNOTSUPP },
	{ OP_CHECK_MAP, EINVAL },     { OP_CHECK_MAP, EFAULT },
	{ OP_CHECK_REFS, EIO },	      { OP_CHECK_REFS, EFAULT },
	{ OP_ACCESS_CREATE, EADDRINUSE }, { OP_ACCESS_REPLACE, EADDRINUSE },
	{ OP_ACCESS_REPLACE, EBADFD }, { OP_PIN, EPERM },
	{ OP_PIN, ENOENT },	      { OP_PIN, EINVAL },
	{ OP_PIN, EFAULT },	      { OP_PIN, ENOMEM },
	{ OP_PIN, EBADE },	      { OP_PIN, EOPNOTSUPP },
	{ OP_UNPIN, ENOENT },	      { OP_RW, EPERM },
	{ OP_RW, ENOENT },	      { OP_RW, EINVAL },
	{ OP_RW, EFAULT },	      { OP_DMABUF_REVOKE, EBADF },
	{ OP_CHANGE_PROCESS, EINVAL }, { OP_CHANGE_PROCESS, ENOMEM },
};

const char *op_name(uint8_t kind)
{
	return op_names[kind];
}

const char *errno_name(int error)
{
	static char other[4][24];
	static unsigned int turn;
	char *text = other[turn++ % 4];

	if (!error)
		return "success";
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(errors); i++)
		if (errors[i].error == error || errors[i].error == -error)
			return errors[i].name;
	snprintf(text, sizeof(other[0]), "%d", error);
	return text;
}

void print_stats(const struct stats *st)
{
	printf("# %llu operations in %llu epochs\n", (ull)st->ops,
	       (ull)st->epochs);
	for (uint8_t k = 0; k < NR_OPS; k++) {
		printf("# %-15s ok %llu, injected %llu, absorbed %llu, skipped %llu;",
		       op_name(k), (ull)st->ok[k], (ull)st->injected[k],
		       (ull)st->absorbed[k], (ull)st->skipped[k]);
		for (int e = 0; e < MAX_ERRNO; e++)
			if (st->refused[k][e])
				printf(" %s %llu", errno_name(e),
				       (ull)st->refused[k][e]);
		printf("\n");
	}
	for (int i = 0; i < NR_MARKS; i++)
		printf("# %s: %llu\n", mark_names[i], (ull)st->marks[i]);
}

static unsigned int missing(bool happened, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static unsigned int missing(bool happened, const char *fmt, ...)
{
	va_list ap;

	if (happened)
		return 0;
	printf("# never happened: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return 1;
}

unsigned int print_missing(const struct stats *st)
{
	unsigned int n = 0;

	for (uint8_t k = 0; k < NR_OPS; k++)
		n += missing(st->ok[k], "%s that succeeds", op_name(k));
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(required); i++)
		n += missing(st->refused[required[i].kind][required[i].error],
			     "%s refused with %s", op_name(required[i].kind),
			     errno_name(required[i].error));
	for (int i = 0; i < NR_MARKS; i++)
		n += missing(st->marks[i], "%s", mark_names[i]);
	return n;
}
