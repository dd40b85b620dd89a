/* SPDX-License-Identifier: MIT */
/*
 * reader: one round per span and tier until the batch refuses more
 *
 * Device memory is read from its origin whatever the sets say: its frames are
 * arithmetic, and nothing of it is pinned (ioas-core 16).
 */
#include "core/reader.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "seam/trace.h"

/* The window's memory at most (ioas-core 10.3). */
#define WINDOW_BYTES ((size_t)64 << 10)

/* ---- read-ahead window -------------------------------------------------- */

static bool window_empty(const struct ioas_reader *r)
{
	return r->wpos == r->wnr;
}

/* Room for the rest of the range, @pages, taken when the first hole is met. */
static int window_alloc(struct ioas_reader *r, uint64_t pages)
{
	const uint32_t tuned = r->tuning->window_runs;
	size_t bytes = WINDOW_BYTES;

	if (r->wcap)
		return 0;
	r->window = r->window_room;
	r->wcap = IOAS_WINDOW_INLINE;
	if (pages > IOAS_WINDOW_INLINE) {
		if (pages < WINDOW_BYTES / sizeof(struct ioas_run))
			bytes = (size_t)pages * sizeof(struct ioas_run);
		r->window = ioas_alloc(bytes, IOAS_FP_WINDOW);
		r->wallocated = r->window ? bytes : 0;
		r->wcap = (uint32_t)(r->wallocated / sizeof(struct ioas_run));
		if (!r->window)
			return -ENOMEM;
	}
	if (tuned && tuned < r->wcap)
		r->wcap = tuned;
	return 0;
}

static int reader_alive(struct ioas_reader *r)
{
	struct ioas_origin *o = r->pages->origin;
	int ret = 0;

	if (!r->alive && o->ops->get_alive)
		ret = o->ops->get_alive(o);
	if (!ret)
		r->alive = true;
	return ret;
}

/* Pin from bend on, not beyond @last, the end of the hole (C6). */
static int window_fill(struct ioas_reader *r, uint64_t last)
	__must_hold(r->pages->mutex)
{
	struct ioas_pages *pages = r->pages;
	struct ioas_origin *o = pages->origin;
	struct ioas_pin_request rq = {
		.first = pages->base + r->bend,
		.nr = last - r->bend + 1,
		.write = pages->writable,
	};
	int ret;

	ioas_assert_held(&pages->mutex);
	if (r->tuning->window_pages)
		rq.nr = ioas_min(rq.nr, r->tuning->window_pages);
	ret = window_alloc(r, r->last - r->bend + 1);
	if (!ret)
		ret = reader_alive(r);
	if (ret)
		return ret;
	rq.runs = r->window;
	rq.max_runs = r->wcap;
	ret = o->ops->pin(o, &rq);
	if (ret)
		return ret;
	if (IOAS_CHECK(!rq.nr_pinned || rq.nr_pinned > rq.nr))
		return -EFAULT;
	ioas_trace(IOAS_TP_PIN, rq.runs[0].pfn, rq.nr_pinned, rq.write);
	r->wpos = 0;
	r->wnr = rq.nr_runs;
	r->wend = r->bend + rq.nr_pinned;
	if (!ioas_pages_is_device(pages))
		ioas_pages_pinned(pages, (int64_t)rq.nr_pinned);
	return 0;
}

/* Move what the batch accepts out of the window; false when it is full. */
static bool window_drain(struct ioas_reader *r)
{
	const enum ioas_kind kind = ioas_pages_is_device(r->pages) ?
					    IOAS_KIND_MMIO :
					    IOAS_KIND_CPU;

	for (; !window_empty(r); r->wpos++) {
		const struct ioas_run *w = r->window + r->wpos;

		if (!ioas_batch_append(&r->batch, w->pfn, w->nr, kind))
			return false;
		r->bend += w->nr;
	}
	return true;
}

/* Hand back what was pinned ahead and never delivered: nobody wrote it. */
static void window_release(struct ioas_reader *r)
	__must_hold(r->pages->mutex)
{
	struct ioas_origin *o = r->pages->origin;

	if (window_empty(r))
		return;
	if (!ioas_pages_is_device(r->pages)) {
		ioas_pages_pinned(r->pages, -(int64_t)(r->wend - r->bend));
		for (; !window_empty(r); r->wpos++) {
			const struct ioas_run *w = r->window + r->wpos;

			ioas_trace(IOAS_TP_UNPIN, w->pfn, w->nr, false);
			o->ops->unpin(o, w->pfn, w->nr, false);
		}
	}
	r->wpos = r->wnr;
}

/* ---- one round per tier ------------------------------------------------- */

/*
 * Each appends to the batch from bend on, not beyond @last, and moves bend.
 * Return: 0 (the tier is exhausted up to @last), 1 (the batch is full), or an
 * error.
 */
static int read_store(struct ioas_reader *r, uint64_t last)
{
	const struct ioas_store *store = &r->pages->access->store;
	struct ioas_store_cursor at = { 0 };

	while (r->bend <= last) {
		struct ioas_run run = ioas_store_next(store, &at, r->bend,
						      last);

		if (IOAS_CHECK(!run.nr)) /* C3 */
			return -EFAULT;
		if (!ioas_batch_append(&r->batch, run.pfn, run.nr,
				       IOAS_KIND_CPU))
			return 1;
		r->bend += run.nr;
	}
	return 0;
}

/* An area that covers bend, with the cursor of its storage domain. */
static struct ioas_area *reader_area(struct ioas_reader *r)
	__must_hold(r->pages->mutex)
{
	struct ioas_area *a = r->area;

	if (!a || r->bend < a->index || r->bend > ioas_area_last_index(a)) {
		a = ioas_pages_area_at(r->pages, r->bend);
		r->area = a;
		r->cursor = (struct ioas_domain_cursor){ { 0 } };
	}
	return a;
}

int ioas_area_frames(const struct ioas_area *a, uint64_t index, uint64_t last,
		     struct ioas_domain_cursor *cursor, struct ioas_run *run)
{
	const uint64_t end = ioas_min(last, ioas_area_last_index(a));
	const uint32_t head = ioas_area_head(a, index);
	const uint8_t lg2 = a->pages->page_lg2;
	uint64_t addr, length;

	if (IOAS_CHECK(a->storage->ops->translate_run(
		    a->storage, ioas_area_iova_first(a, index),
		    ioas_area_iova_last(a, end), cursor, &addr,
		    &length))) /* B1 */
		return -EFAULT;
	run->pfn = (addr - head) >> lg2;
	run->nr = ((head + length - 1) >> lg2) + 1;
	return 0;
}

static int read_domain(struct ioas_reader *r, uint64_t last)
	__must_hold(r->pages->mutex)
{
	while (r->bend <= last) {
		struct ioas_area *a = reader_area(r);
		struct ioas_run run;

		if (IOAS_CHECK(!a)) /* B3 */
			return -EFAULT;
		ioas_assert_held(&a->pages->mutex);
		if (ioas_area_frames(a, r->bend, last, &r->cursor, &run))
			return -EFAULT;
		if (!ioas_batch_append(&r->batch, run.pfn, run.nr,
				       IOAS_KIND_CPU))
			return 1;
		r->bend += run.nr;
	}
	return 0;
}

static int read_origin(struct ioas_reader *r, uint64_t last)
	__must_hold(r->pages->mutex)
{
	int ret;

	while (r->bend <= last) {
		if (window_empty(r)) {
			ret = window_fill(r, last);
			if (ret)
				return ret;
		}
		if (!window_drain(r))
			return 1;
	}
	return 0;
}

static int read_span(struct ioas_reader *r) __must_hold(r->pages->mutex)
{
	if (r->spans.label == IOAS_HOLE || ioas_pages_is_device(r->pages))
		return read_origin(r, r->spans.last);
	if (r->spans.label == IOAS_T1)
		return read_store(r, r->spans.last);
	return read_domain(r, r->spans.last);
}

/* ---- the reader --------------------------------------------------------- */

void ioas_reader_release_batch(struct ioas_reader *r, bool dirty)
{
	struct ioas_pages *pages = r->pages;
	struct ioas_cset one;
	struct ioas_dspan s;

	ioas_assert_held(&pages->mutex);
	if (r->bstart == r->bend || ioas_pages_is_device(pages))
		return;
	ioas_dspan_start(&s, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &one), r->bstart,
			 r->bend - 1);
	for (; !s.done; ioas_dspan_next(&s)) {
		const uint64_t nr = s.last - s.first + 1;

		if (s.label != IOAS_HOLE)
			continue;
		ioas_batch_unpin(&r->batch, pages->origin, s.first - r->bstart,
				 nr, dirty);
		ioas_pages_pinned(pages, -(int64_t)nr);
	}
}

int ioas_reader_next(struct ioas_reader *r)
{
	int ret = 0;

	ioas_batch_clear(&r->batch);
	r->bstart = r->bend;
	while (!ret && r->bend <= r->last) {
		ret = read_span(r);
		if (!ret)
			ioas_dspan_next(&r->spans);
	}
	if (ret < 0) {
		window_release(r);
		ioas_reader_release_batch(r, false);
		r->bend = r->bstart;
		ioas_batch_clear(&r->batch);
		return ret;
	}
	IOAS_DCHECK(!ioas_batch_validate(&r->batch)); /* H1 */
	IOAS_CHECK(r->batch.total != r->bend - r->bstart); /* H2 */
	return 0;
}

int ioas_reader_init(struct ioas_reader *r, struct ioas_pages *pages,
		     uint64_t first, uint64_t last,
		     const struct ioas_tuning *tuning)
{
	int ret;

	r->pages = pages;
	ioas_assert_held(&r->pages->mutex);
	r->tuning = tuning;
	r->last = last;
	r->bend = first;
	r->wcap = 0;
	r->wnr = 0;
	r->wpos = 0;
	r->wallocated = 0;
	r->alive = false;
	r->area = NULL;
	ret = ioas_batch_init_fill(&r->batch, r->batch_room,
				   IOAS_BATCH_INLINE, last - first + 1, tuning);
	if (ret)
		return ret;
	ioas_dspan_start(&r->spans, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &r->linked_one), first,
			 last);
	ret = ioas_reader_next(r);
	if (ret)
		ioas_reader_fini(r);
	return ret;
}

void ioas_reader_fini(struct ioas_reader *r)
{
	struct ioas_origin *o = r->pages->origin;

	window_release(r);
	if (r->alive && o->ops->put_alive)
		o->ops->put_alive(o);
	r->alive = false;
	if (r->wallocated)
		ioas_free(r->window, r->wallocated);
	r->wallocated = 0;
	ioas_batch_fini(&r->batch);
}
