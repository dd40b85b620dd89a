/* SPDX-License-Identifier: MIT */
/*
 * view: the public face of a view of a domain
 *
 *   ioas_view_map()     IOVA --domain/view.h--> output address
 *                            --frame space----> pointer
 *
 * Copies enter and leave by themselves, piece by piece, so that who unmaps does
 * not wait for the end of a long one.
 */
#include "api/api.h"

#include "base/errno.h"
#include "domain/view.h"

/* Bytes that are copied in one section: a few microseconds. */
#define PIECE ((uint64_t)64 << 10)

/* Segments in hand at a time, on the stack: 512 bytes. */
#define NR_SOME 32

#define RW ((unsigned int)(IOAS_READ | IOAS_WRITE))

_Static_assert((int)IOAS_READ == (int)IOAS_PROT_READ &&
	       (int)IOAS_WRITE == (int)IOAS_PROT_WRITE &&
	       (int)IOAS_VIEW_NOT_MAPPED == (int)IOAS_DVIEW_NOT_MAPPED &&
	       (int)IOAS_VIEW_DENIED == (int)IOAS_DVIEW_DENIED,
	       "handed through");

struct ioas_view {
	/* Set once. */
	struct ioas_dview *dview;
	const struct ioas_frames *frames;
	struct ioas_context *ctx;
	void (*fault)(void *data, const struct ioas_view_fault *fault);
	void *data;
};

static void view_fault(void *ctx, const struct ioas_dview_fault *fault)
{
	const struct ioas_view *v = ctx;
	const struct ioas_view_fault f = {
		.iova = fault->iova,
		.access = fault->access,
		.reason = (unsigned int)fault->reason,
	};

	v->fault(v->data, &f);
}

int ioas_view_create(struct ioas_context *ctx, struct ioas_domain *domain,
		     const struct ioas_view_options *opts,
		     struct ioas_view **view)
{
	struct ioas_view_options o;
	struct ioas_view *v;
	int ret;

	ret = ioas_api_options(&o, sizeof(o), opts);
	if (ret)
		return ret;
	v = ioas_zalloc(sizeof(*v), IOAS_FP_ALLOC_SPACE);
	if (!v)
		return -ENOMEM;
	v->ctx = ctx;
	v->frames = &ioas_api_context(ctx)->frames;
	v->fault = o.fault;
	v->data = o.data;
	ret = ioas_dview_create(domain, o.fault ? view_fault : NULL, v,
				&v->dview);
	if (ret) {
		ioas_free(v, sizeof(*v));
		return ret;
	}
	atomic_fetch_add(&ioas_api_context(ctx)->users, 1);
	*view = v;
	return 0;
}

void ioas_view_destroy(struct ioas_view *view)
{
	if (!view)
		return;
	ioas_dview_destroy(view->dview);
	atomic_fetch_sub(&ioas_api_context(view->ctx)->users, 1);
	ioas_free(view, sizeof(*view));
}

void ioas_view_enter(struct ioas_view *view)
{
	ioas_dview_enter(view->dview);
}

void ioas_view_exit(struct ioas_view *view)
{
	ioas_dview_exit(view->dview);
}

/* 0, and *@last; -EOPNOTSUPP, -EINVAL, -EOVERFLOW. */
static int range_check(uint64_t iova, uint64_t length, unsigned int flags,
		       uint64_t *last)
{
	if (ioas_unlikely(flags & ~RW))
		return -EOPNOTSUPP;
	if (ioas_unlikely(!length || !flags))
		return -EINVAL;
	return ioas_likely(ioas_last(iova, length, last)) ? 0 : -EOVERFLOW;
}

int ioas_view_translate(struct ioas_view *view, uint64_t iova, uint64_t length,
			unsigned int flags, uint64_t *address, uint64_t *got)
{
	uint64_t last;
	int ret;

	ret = range_check(iova, length, flags, &last);
	if (ret)
		return ret;
	return ioas_dview_translate(view->dview, iova, last, flags, address,
				    got);
}

int ioas_view_map(struct ioas_view *view, uint64_t iova, uint64_t length,
		  unsigned int flags, void **pointer, uint64_t *got)
{
	const struct ioas_frames *fs = view->frames;
	uint64_t address, bytes, offset, nr;
	char *base;
	int ret;

	ret = ioas_view_translate(view, iova, length, flags, &address, &bytes);
	if (ioas_unlikely(ret))
		return ret;
	base = ioas_frames_run(fs, address >> fs->page_lg2, &nr);
	if (ioas_unlikely(!base))
		return -EFAULT;
	offset = address & (((uint64_t)1 << fs->page_lg2) - 1);
	*pointer = base + offset;
	*got = ioas_min(bytes, (nr << fs->page_lg2) - offset);
	return 0;
}

int ioas_view_segments(struct ioas_view *view, uint64_t iova, uint64_t length,
		       unsigned int flags, struct ioas_segment *segments,
		       uint32_t *nr, uint64_t *done)
{
	struct ioas_dview_segment some[NR_SOME];
	const uint32_t room = *nr;
	uint64_t last, bytes, ignored;
	uint32_t n;
	int ret;

	done = done ? done : &ignored;
	*done = 0;
	*nr = 0;
	ret = range_check(iova, length, flags, &last);
	if (ret)
		return ret;
	do {
		n = (uint32_t)ioas_min(room - *nr, NR_SOME);
		/* What begins the next call does not continue this one. */
		ret = ioas_dview_segments(view->dview, iova + *done, last,
					  flags, some, &n, &bytes);
		for (uint32_t i = 0; i < n; i++)
			segments[(*nr)++] = (struct ioas_segment){
				some[i].addr, some[i].length };
		*done += bytes;
	} while (ret == -EMSGSIZE && *nr < room);
	return ret;
}

/* One section's worth, not beyond @last; how much in *@bytes. */
static int copy_piece(struct ioas_view *v, uint64_t iova, uint64_t last,
		      uint8_t *buffer, unsigned int flags, uint64_t *bytes)
{
	const struct ioas_frames *fs = v->frames;
	const uint64_t mask = ((uint64_t)1 << fs->page_lg2) - 1;
	uint64_t address;
	int ret;

	last = iova + ioas_min(PIECE - 1, last - iova);
	ioas_dview_enter(v->dview);
	ret = ioas_dview_translate(v->dview, iova, last, flags, &address,
				   bytes);
	if (!ret)
		ret = ioas_frames_copy(fs, address >> fs->page_lg2,
				       address & mask, buffer, *bytes,
				       flags & IOAS_WRITE);
	ioas_dview_exit(v->dview);
	return ret;
}

static int view_copy(struct ioas_view *v, uint64_t iova, void *buffer,
		     uint64_t length, unsigned int flags)
{
	uint8_t *at = buffer;
	uint64_t last, bytes;
	int ret;

	ret = range_check(iova, length, flags, &last);
	for (; !ret && length; length -= bytes) {
		ret = copy_piece(v, iova, last, at, flags, &bytes);
		if (ret)
			break;
		iova += bytes;
		at += bytes;
	}
	return ret;
}

int ioas_view_read(struct ioas_view *view, uint64_t iova, void *buffer,
		   uint64_t length)
{
	return view_copy(view, iova, buffer, length, IOAS_READ);
}

int ioas_view_write(struct ioas_view *view, uint64_t iova, const void *buffer,
		    uint64_t length)
{
	/* It is copied from only. */
	return view_copy(view, iova, (void *)(uintptr_t)buffer, length,
			 IOAS_WRITE);
}
