/* SPDX-License-Identifier: MIT */
/*
 * dirty: tracking on and off, and the bitmap that receives what was found
 *
 *   locks held:  domain --marks--> stage, a stretch of the bitmap on the stack
 *   none held:                     stage --> bitmap in the caller's memory
 *
 * The caller's memory may block for as long as the caller likes, and would
 * block whoever wants to change the space. So stretch by stretch is read under
 * the locks, and copied without. What changes in between is seen from there on.
 *
 * A leaf that is read in part would stay dirty, or be forgotten as a whole. So
 * a stretch ends with a leaf, and all of the last leaf that the stage has no
 * room for is one piece more, the tail:
 *
 *   leaves   | 4K | 4K | ...     | 4K |         2M           | 4K | ...
 *   stretch  |==========================================|  next ...
 *   stage    |----------- 4096 bits --------|--- tail --|
 *
 *   bitmap   | window 0 | window 1 | ...      in the caller's memory
 *                ^ read, or bits in, write back
 *
 * The bitmap is reached through the caller's uaccess only, a window at a time;
 * a range that crosses windows is recorded completely. A window that gets no
 * bit is neither read nor written.
 *
 * If faults are skipped (iommufd-uapi 6.13), no window crosses a page of the
 * caller's, so that exactly the bits of pages that cannot be reached are lost:
 *
 *   pages    |  reachable  |     not     | read only  |
 *   windows  | 0 | 1 |  2  |3 lost       | 4 | 5 |  6 |   4 - 6: not written
 */
#include "core/dirty.h"

#include "base/errno.h"
#include "base/mem.h"

/* Bytes of the bitmap in hand at a time, on the stack: 2048 pages. */
#define WINDOW_DEFAULT 256

/* ---- bitmap ------------------------------------------------------------- */

static int user_read(void *dst, uint64_t src, size_t n)
{
	struct ioas_caller *c = ioas_caller_current();

	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (c && c->uaccess)
		return c->uaccess->copy_from(c, dst, src, n);
	memcpy(dst, (const void *)(uintptr_t)src, n);
	return 0;
}

static int user_write(uint64_t dst, const void *src, size_t n)
{
	struct ioas_caller *c = ioas_caller_current();

	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (c && c->uaccess)
		return c->uaccess->copy_to(c, dst, src, n);
	memcpy((void *)(uintptr_t)dst, src, n);
	return 0;
}

static void window_flush(struct ioas_bitmap *b)
{
	const bool write = b->window_dirty && !b->error;

	b->window_dirty = false;
	if (write &&
	    user_write(b->address + b->window_first, b->window,
		       b->window_bytes) &&
	    !b->page)
		b->error = -EFAULT;
}

/* Up to @max bytes, but not beyond the end of the bitmap. */
static void window_size(struct ioas_bitmap *b, uint64_t max)
{
	const uint64_t last_bit = (b->last - b->base) >> b->granularity_lg2;

	max = ioas_min(max, (last_bit >> 3) - b->window_first + 1);
	b->window_bytes = (uint32_t)ioas_min(max, UINT32_MAX);
}

/* Read it, or skip to the end of the page. */
static void window_read(struct ioas_bitmap *b)
{
	uint64_t at, last, rest = UINT64_MAX;
	bool wraps;

	wraps = ioas_add_overflow(b->address, b->window_first, &at);
	if (b->page)
		rest = b->page - (at & (b->page - 1));
	window_size(b, ioas_min(b->window_cap, rest));
	wraps |= !ioas_last(at, b->window_bytes, &last);
	b->window_lost = wraps || user_read(b->window, at, b->window_bytes);
	if (b->window_lost && b->page)
		window_size(b, rest);
	else if (b->window_lost)
		b->error = -EFAULT;
}

/* Have @byte of the bitmap in hand; false after an error. */
static bool window_move(struct ioas_bitmap *b, uint64_t byte)
{
	if (b->window_bytes && byte >= b->window_first &&
	    byte - b->window_first < b->window_bytes)
		return !b->error;
	window_flush(b);
	if (b->error)
		return false;
	b->window_first = byte;
	window_read(b);
	return !b->error;
}

/* Bits [first, last] of the bitmap, byte by byte: whole bytes at a time. */
static void bitmap_set(struct ioas_bitmap *b, uint64_t first, uint64_t last)
{
	for (uint64_t byte = first >> 3; byte <= last >> 3; byte++) {
		const unsigned int lo = byte == first >> 3 ? first & 7 : 0;
		const unsigned int hi = byte == last >> 3 ? last & 7 : 7;

		if (!window_move(b, byte))
			return;
		if (b->window_lost) {
			byte = b->window_first + (b->window_bytes - 1);
			continue;
		}
		b->window[byte - b->window_first] |=
			(uint8_t)((0xffu << lo) & (0xffu >> (7 - hi)));
		b->window_dirty = true;
	}
}

static void bitmap_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
			ioas_iova_t last)
{
	struct ioas_bitmap *b = ioas_container_of(sink, struct ioas_bitmap,
						  sink);

	if (b->error || !ioas_intersects(iova, last, b->base, b->last))
		return;
	iova = ioas_max(iova, b->base) - b->base;
	last = ioas_min(last, b->last) - b->base;
	bitmap_set(b, iova >> b->granularity_lg2, last >> b->granularity_lg2);
}

void ioas_bitmap_init(struct ioas_bitmap *b, const struct ioas_dirty_request *rq,
		      uint8_t page_lg2, uint8_t *room, uint32_t cap)
{
	*b = (struct ioas_bitmap){
		.sink.mark = bitmap_mark,
		.base = rq->iova,
		.last = rq->iova + (rq->length - 1),
		.granularity_lg2 = (uint8_t)ioas_log2(rq->granularity),
		.address = rq->bitmap,
		.page = rq->skip_faults ? (uint64_t)1 << page_lg2 : 0,
		.window = room,
		.window_cap = rq->window ? (uint32_t)ioas_min(rq->window, cap) :
					   cap,
	};
}

int ioas_bitmap_finish(struct ioas_bitmap *b)
{
	window_flush(b);
	return b->error;
}

/* ---- stage -------------------------------------------------------------- */

#define STAGE_BYTES 512u

/* What has been found and not yet copied. */
struct stage {
	struct ioas_dirty_sink sink;
	const struct ioas_bitmap *b;
	/* The first byte of the bitmap that @bytes stands for. */
	uint64_t first;
	/* There are bits; of them in the tail, all of one leaf. */
	bool any;
	bool tail;
	uint64_t tail_first;
	uint64_t tail_last;
	uint8_t bytes[STAGE_BYTES];
};

/* The last bit that there is room for. */
static uint64_t stage_last(const struct stage *s)
{
	uint64_t last;

	return ioas_last(s->first * 8, STAGE_BYTES * 8, &last) ? last :
								IOAS_U64_MAX;
}

static void stage_set(struct stage *s, uint64_t first, uint64_t last)
{
	for (uint64_t byte = first >> 3; byte <= last >> 3; byte++) {
		const unsigned int lo = byte == first >> 3 ? first & 7 : 0;
		const unsigned int hi = byte == last >> 3 ? last & 7 : 7;

		s->bytes[byte - s->first] |=
			(uint8_t)((0xffu << lo) & (0xffu >> (7 - hi)));
	}
}

static void stage_set_tail(struct stage *s, uint64_t first, uint64_t last)
{
	s->tail_first = s->tail ? ioas_min(s->tail_first, first) : first;
	s->tail_last = s->tail ? ioas_max(s->tail_last, last) : last;
	s->tail = true;
}

static void stage_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		       ioas_iova_t last)
{
	struct stage *s = ioas_container_of(sink, struct stage, sink);
	const uint64_t end = stage_last(s);
	const uint8_t lg2 = s->b->granularity_lg2;
	const uint64_t first_bit = (iova - s->b->base) >> lg2;
	const uint64_t last_bit = (last - s->b->base) >> lg2;

	s->any = true;
	if (first_bit <= end)
		stage_set(s, first_bit, ioas_min(last_bit, end));
	if (last_bit > end)
		stage_set_tail(s, ioas_max(first_bit, end + 1), last_bit);
}

/* Begin anew, with the bit of @iova. */
static void stage_begin(struct stage *s, ioas_iova_t iova)
{
	s->first = (iova - s->b->base) >> s->b->granularity_lg2 >> 3;
	s->any = false;
	s->tail = false;
	memset(s->bytes, 0, sizeof(s->bytes));
}

/* No lock is held. Leaves nothing to be copied. */
static void stage_copy(struct stage *s, struct ioas_bitmap *b)
{
	if (!s->any)
		return;
	for (unsigned int i = 0; i < STAGE_BYTES; i++) {
		const uint64_t byte = s->first + i;

		if (s->bytes[i] && window_move(b, byte) && !b->window_lost) {
			b->window[byte - b->window_first] |= s->bytes[i];
			b->window_dirty = true;
		}
	}
	if (s->tail)
		bitmap_set(b, s->tail_first, s->tail_last);
	s->any = false;
}

/* ---- tracking ----------------------------------------------------------- */

/* 0, -ENOENT: not of this space, -EOPNOTSUPP: it cannot. */
static int domain_check(const struct ioas *ioas, const struct ioas_domain *d)
	__must_hold_shared(ioas->iova_lock)
{
	if (ioas_domain_index(ioas, d) == ioas->nr_domains)
		return -ENOENT;
	return d->ops->read_and_clear_dirty ? 0 : -EOPNOTSUPP;
}

/* The part [first, last] of a LIVE area. */
static int area_dirty(const struct ioas_area *a, struct ioas_domain *d,
		      ioas_iova_t first, ioas_iova_t last, unsigned int flags,
		      struct ioas_dirty_sink *sink)
{
	struct ioas_pages *pages = a->pages;
	int ret = 0;

	if (!ioas_pages_is_device(pages))
		return d->ops->read_and_clear_dirty(d, first, last, flags,
						    sink);
	/* A revocation unmaps under the pages lock alone: keep it out. */
	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	if (!pages->device->revoked)
		ret = d->ops->read_and_clear_dirty(d, first, last, flags,
						   sink);
	ioas_mutex_unlock(&pages->mutex);
	return ret;
}

/* Forget what was dirty, for a clean start. */
static int dirty_forget(const struct ioas *ioas, struct ioas_domain *d)
	__must_hold_shared(ioas->iova_lock)
{
	struct ioas_range r;
	int ret = 0;

	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		const struct ioas_area *a = r.value;

		if (a->state != IOAS_AREA_LIVE)
			continue;
		ret = area_dirty(a, d, a->iova, a->last, 0, NULL);
		if (ret)
			break;
	}
	d->ops->sync(d);
	return ret;
}

int ioas_dirty_set(struct ioas *ioas, struct ioas_domain *domain, bool on)
{
	int ret;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ret = domain_check(ioas, domain);
	if (!ret && on)
		ret = dirty_forget(ioas, domain);
	if (!ret)
		ret = domain->ops->set_dirty_tracking(domain, on);
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
	return ret;
}

static int request_check(const struct ioas *ioas,
			 const struct ioas_dirty_request *rq, ioas_iova_t *last)
	__must_hold_shared(ioas->iova_lock)
{
	const uint64_t ends = rq->iova | (rq->iova + rq->length);

	if (!rq->length)
		return -EINVAL;
	if (!ioas_last(rq->iova, rq->length, last))
		return -EOVERFLOW;
	if (!ioas_is_aligned(ends, ioas->alignment) ||
	    !ioas_is_pow2(rq->granularity) ||
	    !ioas_is_aligned(ends, rq->granularity))
		return -EINVAL;
	return 0;
}

/* Area by area; a gap ends it. */
static int dirty_walk(const struct ioas *ioas, struct ioas_domain *d,
		      ioas_iova_t first, ioas_iova_t last, unsigned int flags,
		      struct ioas_dirty_sink *sink)
	__must_hold_shared(ioas->iova_lock)
{
	for (ioas_iova_t at = first;;) {
		const struct ioas_area *a = ioas_rangemap_find(&ioas->areas,
							       at);
		ioas_iova_t end;
		int ret;

		if (!a || a->state != IOAS_AREA_LIVE)
			return -EINVAL;
		end = ioas_min(last, a->last);
		ret = area_dirty(a, d, at, end, flags, sink);
		if (ret || end == last)
			return ret;
		at = end + 1;
	}
}

/* Where the leaf at @at ends, clipped to @last; @at if there is none. */
static ioas_iova_t leaf_end(const struct ioas *ioas, struct ioas_domain *d,
			    ioas_iova_t at, ioas_iova_t last)
	__must_hold_shared(ioas->iova_lock)
{
	const struct ioas_area *a = ioas_rangemap_find(&ioas->areas, at);
	struct ioas_pages *pages;
	ioas_iova_t end = at;

	if (!a || a->state != IOAS_AREA_LIVE)
		return at;
	pages = a->pages;
	if (!ioas_pages_is_device(pages)) {
		end = d->ops->leaf_last(d, at);
	} else {
		ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
		if (!pages->device->revoked)
			end = d->ops->leaf_last(d, at);
		ioas_mutex_unlock(&pages->mutex);
	}
	return ioas_min(end, last);
}

/* Where the stretch of the stage ends. */
static ioas_iova_t stretch_last(const struct ioas *ioas, struct ioas_domain *d,
				const struct stage *s)
	__must_hold_shared(ioas->iova_lock)
{
	const struct ioas_bitmap *b = s->b;
	const uint64_t end = stage_last(s);

	if (end >= (b->last - b->base) >> b->granularity_lg2)
		return b->last;
	return leaf_end(ioas, d,
			b->base + (((end + 1) << b->granularity_lg2) - 1),
			b->last);
}

/*
 * Read from *@at on until something is found, and move on. Return: 0, 1 (there
 * is no more), or -errno, for what comes after that which was found.
 */
static int dirty_step(const struct ioas *ioas, struct ioas_domain *d,
		      unsigned int flags, struct stage *s, ioas_iova_t *at)
	__must_hold_shared(ioas->iova_lock)
{
	int ret = 0;

	while (!ret && !s->any) {
		ioas_iova_t last;

		stage_begin(s, *at);
		last = stretch_last(ioas, d, s);
		ret = dirty_walk(ioas, d, *at, last, flags, &s->sink);
		if (!ret && last == s->b->last)
			ret = 1;
		*at = last + 1;
	}
	if (!(flags & IOAS_DIRTY_NO_CLEAR))
		d->ops->sync(d);
	return ret;
}

int ioas_dirty_read(struct ioas *ioas, struct ioas_domain *domain,
		    const struct ioas_dirty_request *rq)
{
	uint8_t room[WINDOW_DEFAULT];
	struct ioas_bitmap bitmap;
	struct stage stage = { .sink.mark = stage_mark, .b = &bitmap };
	ioas_iova_t at = rq->iova, last;
	bool begun = false;
	int ret, error;

	do {
		ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
		ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		ret = domain_check(ioas, domain);
		if (!ret && !begun)
			ret = request_check(ioas, rq, &last);
		if (!ret && !begun)
			ioas_bitmap_init(&bitmap, rq, ioas->ctx->page_lg2,
					 room, sizeof(room));
		begun |= !ret;
		if (!ret)
			ret = dirty_step(ioas, domain, rq->flags, &stage, &at);
		ioas_read_unlock(&ioas->iova_lock);
		ioas_read_unlock(&ioas->domains_lock);
		if (begun)
			stage_copy(&stage, &bitmap);
	} while (!ret);
	if (!begun)
		return ret;
	error = ioas_bitmap_finish(&bitmap);
	return ret < 0 ? ret : error;
}
