/* SPDX-License-Identifier: MIT */
/*
 * fill_store: into the pinned store and out of it, and copies that need neither
 * (ioas-core 11.7 - 11.9)
 *
 *   a record comes                       a record goes
 *   access  stored already: only list    another record needs it: leave it
 *   linked  read from a domain, store    drop the entries
 *   hole    pin, store                   drop the entries, unpin
 */
#include "base/errno.h"
#include "core/access.h"
#include "core/reader.h"
#include "core/transfer.h"
#include "seam/trace.h"

/* NULL: nobody wants the frames. */
static int list_add(struct ioas_run_list *list, ioas_pfn_t pfn, uint64_t nr)
{
	if (!list || ioas_runs_append(list->runs, &list->nr, list->max, pfn,
				      nr))
		return 0;
	return -EMSGSIZE;
}

int ioas_pages_list_store(const struct ioas_pages *pages, uint64_t first,
			  uint64_t last, struct ioas_run_list *list)
{
	struct ioas_store_cursor at = { 0 };
	int ret = 0;

	for (uint64_t i = first; list && !ret && i <= last;) {
		struct ioas_run run = ioas_store_next(&pages->access->store,
						      &at, i, last);

		if (IOAS_CHECK(!run.nr)) /* C3 */
			return -EFAULT;
		ret = list_add(list, run.pfn, run.nr);
		i += run.nr;
	}
	return ret;
}

/* Store the batch in hand; *@done follows what is stored. */
static int store_batch(const struct ioas_reader *r, uint64_t *done,
		       struct ioas_run_list *list)
	__must_hold(r->pages->mutex)
{
	struct ioas_store *store = &r->pages->access->store;

	for (uint32_t i = 0; i < r->batch.nr_runs; i++) {
		const struct ioas_run run = r->batch.runs[i];
		int ret = ioas_store_insert(store, *done, run);

		if (ret)
			return ret;
		*done += run.nr;
		ret = list_add(list, run.pfn, run.nr);
		if (ret)
			return ret;
	}
	return 0;
}

/* A span that is not stored yet; of the batch in hand, undo what is not. */
static int store_span(struct ioas_pages *pages, const struct ioas_dspan *s,
		      const struct ioas_tuning *tuning, uint64_t *done,
		      struct ioas_run_list *list) __must_hold(pages->mutex)
{
	struct ioas_reader r;
	uint64_t rest;
	int ret = ioas_reader_init(&r, pages, s->first, s->last, tuning);

	if (ret)
		return ret;
	ioas_assert_held(&r.pages->mutex);
	while (!ret && !ioas_reader_done(&r)) {
		ret = store_batch(&r, done, list);
		if (!ret)
			ret = ioas_reader_next(&r);
	}
	rest = r.bend - *done;
	if (ret && rest && s->label == IOAS_HOLE) {
		ioas_batch_unpin(&r.batch, pages->origin, *done - r.bstart,
				 rest, false);
		ioas_pages_pinned(pages, -(int64_t)rest);
	}
	ioas_reader_fini(&r);
	return ret;
}

int ioas_pages_fill_store(struct ioas_pages *pages, uint64_t first,
			  uint64_t last, const struct ioas_tuning *tuning,
			  struct ioas_run_list *list)
{
	struct ioas_cset one;
	struct ioas_dspan s;
	uint64_t done = first;
	int ret = 0;

	ioas_assert_held(&pages->mutex);
	ioas_dspan_start(&s, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &one), first, last);
	for (; !ret && !s.done; ioas_dspan_next(&s)) {
		if (s.label == IOAS_T1) {
			ret = ioas_pages_list_store(pages, s.first, s.last,
						    list);
			done = ret ? done : s.last + 1;
		} else {
			ret = store_span(pages, &s, tuning, &done, list);
		}
	}
	if (!ret)
		ret = ioas_pages_settle(pages);
	if (ret && done > first)
		ioas_pages_drain_store(pages, first, done - 1);
	return ret;
}

static void drain_hole(struct ioas_pages *pages, uint64_t first, uint64_t last)
	__must_hold(pages->mutex)
{
	struct ioas_origin *o = pages->origin;
	struct ioas_store_cursor at = { 0 };

	for (uint64_t i = first; i <= last;) {
		struct ioas_run run = ioas_store_next(&pages->access->store,
						      &at, i, last);

		if (IOAS_CHECK(!run.nr)) /* C3 */
			return;
		ioas_trace(IOAS_TP_UNPIN, run.pfn, run.nr, pages->writable);
		o->ops->unpin(o, run.pfn, run.nr, pages->writable);
		i += run.nr;
	}
	ioas_pages_pinned(pages, -(int64_t)(last - first + 1));
}

void ioas_pages_drain_store(struct ioas_pages *pages, uint64_t first,
			    uint64_t last)
{
	struct ioas_cset one;
	struct ioas_dspan s;

	ioas_assert_held(&pages->mutex);
	ioas_dspan_start(&s, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &one), first, last);
	for (; !s.done; ioas_dspan_next(&s)) {
		if (s.label == IOAS_T1)
			continue;
		if (s.label == IOAS_HOLE)
			drain_hole(pages, s.first, s.last);
		ioas_store_remove(&pages->access->store, s.first, s.last);
	}
	/* Less is pinned than charged: this cannot fail. */
	IOAS_CHECK(ioas_pages_settle(pages));
}

int ioas_pages_copy(struct ioas_pages *pages, uint64_t offset, void *buffer,
		    uint64_t length, bool write,
		    const struct ioas_tuning *tuning)
{
	const uint8_t lg2 = pages->page_lg2;
	struct ioas_reader r;
	char *buf = buffer;
	int ret = ioas_reader_init(&r, pages, offset >> lg2,
				   (offset + length - 1) >> lg2, tuning);

	if (ret)
		return ret;
	ioas_assert_held(&r.pages->mutex);
	while (!ret && !ioas_reader_done(&r)) {
		const uint64_t skip = offset - (r.bstart << lg2);
		const uint64_t n =
			ioas_min(length, (r.batch.total << lg2) - skip);

		ret = ioas_batch_copy(&r.batch, pages->origin, lg2, skip, buf,
				      n, write);
		ioas_reader_release_batch(&r, write);
		buf += n;
		offset += n;
		length -= n;
		if (!ret)
			ret = ioas_reader_next(&r);
	}
	ioas_reader_fini(&r);
	return ret;
}
