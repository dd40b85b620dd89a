/* SPDX-License-Identifier: MIT */
/*
 * drain: out of domains, back to the origin (ioas-core 11.4 - 11.6)
 *
 *  frames    100 101 102 103 104 | 300 301 | 77
 *  indices    0   1   2   3   4  |  5   6  |  7
 *  held by someone else:  3, 4, 5
 *  hole 0..2: unmap, collecting 100..102, and go on to 103, 104, which continue
 *             the run; stop at 300.        unpin 0-2; carry 103, 104
 *  held 3..5: drop the carry; 5 is not read
 *  hole 6..7: unmap from 5 on, collecting 301 and 77.        unpin 6, 7
 *
 * Frames can be read only before they are unmapped, may be unpinned only after
 * the domains were synced (C5), and an unmap may end only where frames are
 * discontiguous (B5), while holders begin and end anywhere. The domain hands
 * frames back in the walk that unmaps them; a queue of one run is enough to be
 * correct, a longer one saves invalidations.
 */
#include "core/drain.h"

#include "core/span.h"
#include "seam/trace.h"

void ioas_sync(struct ioas_domain *const *domains, uint32_t nr)
{
	for (uint32_t d = 0; d < nr; d++) {
		ioas_trace(IOAS_TP_SYNC, (uintptr_t)domains[d], 0, 0);
		domains[d]->ops->sync(domains[d]);
	}
}

void ioas_area_unmap(struct ioas_area *area, struct ioas_domain *domain,
		     uint64_t first, uint64_t last)
{
	const struct ioas_unmap_request rq = {
		.iova = ioas_area_iova_first(area, first),
		.want_last = ioas_area_iova_last(area, last),
		.last = ioas_area_iova_last(area, last),
	};

	ioas_assert_held(&area->pages->mutex);
	IOAS_CHECK(domain->ops->unmap(domain, &rq) != rq.last);
}

/* ---- collecting --------------------------------------------------------- */

struct collect {
	struct ioas_unmap_sink sink;
	const struct ioas_area *area;
	struct ioas_batch *queue;
	/* Held pages before this index are unmapped and forgotten. */
	uint64_t wanted;
	/* Pages below this were seen: a piece may end inside a page. */
	uint64_t next;
};

static bool collect_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			uint64_t addr, uint64_t length)
{
	struct collect *c = ioas_container_of(sink, struct collect, sink);
	const uint8_t lg2 = c->area->pages->page_lg2;
	const uint64_t byte = ioas_area_byte(c->area, iova);
	const uint64_t in_page = byte & (((uint64_t)1 << lg2) - 1);
	const uint64_t end = ((byte + length - 1) >> lg2) + 1;
	uint64_t index = byte >> lg2;
	const uint64_t from = ioas_max(index, ioas_max(c->next, c->wanted));

	if (from < end &&
	    !ioas_batch_append(c->queue,
			       ((addr - in_page) >> lg2) + (from - index),
			       end - from, IOAS_KIND_CPU))
		return false;
	c->next = ioas_max(c->next, end);
	return true;
}

/* What is being drained, from where, and how far it got. */
struct drain {
	struct ioas_area *area;
	struct ioas_domain *domain;
	struct ioas_domain *const *domains;
	uint32_t nr;
	uint64_t last;
	/* Everything before it is unmapped. */
	uint64_t cut;
	struct ioas_batch *queue;
	/* Unmapped since the last sync. */
	bool stale;
	/* Somebody else holds some of what was unmapped. */
	bool shared;
};

/*
 * Unmap from the cut on, at least to the end of the hole, @hole_last, unless
 * the queue refuses; collect from @pos on.
 */
static void drain_collect(struct drain *d, uint64_t pos, uint64_t hole_last)
{
	struct collect c = {
		.sink.add = collect_add,
		.area = d->area,
		.queue = d->queue,
		.wanted = pos,
		.next = d->cut,
	};
	const struct ioas_unmap_request rq = {
		.iova = ioas_area_iova_first(d->area, d->cut),
		.want_last = ioas_area_iova_last(d->area, hole_last),
		.last = ioas_area_iova_last(d->area, d->last),
		.sink = &c.sink,
	};
	ioas_iova_t removed = d->domain->ops->unmap(d->domain, &rq);

	d->cut = ioas_area_index(d->area, removed) + 1;
	d->stale = true;
	IOAS_CHECK(d->cut != c.next);
}

static void drain_sync(struct drain *d)
{
	if (d->stale)
		ioas_sync(d->domains, d->nr);
	d->stale = false;
}

/*
 * One hole. The queue is empty or begins at the hole's first page. With
 * @defer, the end of the range may stay in the queue; true if it does.
 */
static bool drain_hole(struct drain *d, uint64_t first, uint64_t last,
		       bool defer) __must_hold(d->area->pages->mutex)
{
	struct ioas_pages *pages = d->area->pages;

	ioas_assert_held(&pages->mutex);
	for (uint64_t pos = first, nr; pos <= last; pos += nr) {
		if (!d->queue->total)
			drain_collect(d, pos, last);
		if (IOAS_CHECK(!d->queue->total))
			return false;
		if (defer && last == d->last && d->cut > last)
			return true;
		drain_sync(d);
		nr = ioas_min(d->queue->total, last - pos + 1);
		ioas_batch_unpin_head(d->queue, pages->origin, nr,
				      pages->writable);
		ioas_pages_pinned(pages, -(int64_t)nr);
	}
	return false;
}

/* True if the end of the range waits in the queue to be unpinned. */
static bool drain_run(struct drain *d, bool defer)
	__must_hold(d->area->pages->mutex)
{
	struct ioas_pages *pages = d->area->pages;
	bool deferred = false;
	struct ioas_cset one;
	struct ioas_dspan s;

	ioas_assert_held(&pages->mutex);
	ioas_trace(IOAS_TP_DRAIN, (uintptr_t)pages, d->cut, d->last);
	ioas_dspan_start(&s, ioas_pages_linked_set(pages, &one),
			 ioas_pages_access_set(pages), d->cut, d->last);
	for (; !s.done; ioas_dspan_next(&s)) {
		d->shared |= s.label != IOAS_HOLE;
		if (s.label == IOAS_HOLE)
			deferred = drain_hole(d, s.first, s.last, defer);
		else
			ioas_batch_skip_head(d->queue, s.last - s.first + 1);
	}
	if (d->cut <= d->last) {
		ioas_area_unmap(d->area, d->domain, d->cut, d->last);
		d->stale = true;
	}
	return deferred;
}

void ioas_area_drain(struct ioas_area *area, struct ioas_domain *domain,
		     struct ioas_domain *const *domains, uint32_t nr,
		     uint64_t first, uint64_t last)
{
	struct ioas_run room[IOAS_BATCH_INLINE];
	struct ioas_batch queue;
	struct drain d = {
		.area = area,
		.domain = domain,
		.domains = domains,
		.nr = nr,
		.last = last,
		.cut = first,
		.queue = &queue,
		/* The caller unmapped the other domains. */
		.stale = true,
	};

	ioas_assert_held(&area->pages->mutex);
	if (ioas_pages_is_device(area->pages)) {
		ioas_area_unmap(area, domain, first, last);
	} else {
		ioas_batch_init_drain(&queue, room, IOAS_BATCH_INLINE,
				      last - first + 1,
				      &area->ioas->ctx->tuning);
		ioas_assert_held(&d.area->pages->mutex);
		drain_run(&d, false);
		ioas_batch_fini(&queue);
	}
	ioas_sync(domains, nr);
}

/* ---- gathering ---------------------------------------------------------- */

/*
 *   batch   a0: runs | a1: runs | a3: runs | free ...
 *   chain   [a0] -> [a1] -> a2 -> [a3] -> a4 -> ...
 *            ^pending                     ^current
 *
 * The frames of the areas from pending on wait in the batch, in order, until
 * the domains were synced. An area that shares its pages with another holder
 * may have had its frames disposed of at once, like a2.
 */
struct gather {
	struct ioas_domain *const *domains;
	uint32_t nr_domains;
	struct ioas_area *pending;
	struct ioas_batch batch;
	struct ioas_run room[IOAS_BATCH_INLINE];
};

/* Unpin the runs of one area, which begin at @runs. */
static void gather_unpin(struct ioas_area *area, struct ioas_run *runs,
			 uint32_t nr)
{
	struct ioas_pages *pages = area->pages;
	struct ioas_batch b = { .runs = runs, .nr_runs = nr, .cap = nr };

	for (uint32_t i = 0; i < nr; i++)
		b.total += runs[i].nr;
	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	ioas_batch_unpin(&b, pages->origin, 0, b.total, pages->writable);
	ioas_pages_pinned(pages, -(int64_t)b.total);
	/* Less is pinned than charged: this cannot fail. */
	IOAS_CHECK(ioas_pages_settle(pages));
	ioas_mutex_unlock(&pages->mutex);
}

/* Dispose of what waits; the next to wait is @current. */
static void gather_flush(struct gather *g, struct ioas_area *current)
{
	struct ioas_run *runs = g->batch.runs;

	ioas_sync(g->domains, g->nr_domains);
	for (struct ioas_area *a = g->pending; a != current; a = a->next) {
		const uint32_t nr = (uint32_t)a->gathered;

		if (!nr)
			continue;
		a->gathered = 0;
		gather_unpin(a, runs, nr);
		runs += nr;
	}
	g->pending = current;
	ioas_batch_clear(&g->batch);
}

/*
 * Out of every domain; true if frames wait in @queue. Those may be reachable
 * until the flush. What others hold may not: as soon as the pages lock is free
 * they can let go of it, and its exporter can take device memory back (C5).
 */
static bool gather_unmap(struct gather *g, struct ioas_area *area,
			 struct ioas_batch *queue)
	__must_hold(area->pages->mutex)
{
	struct drain d = {
		.area = area,
		.domain = area->storage,
		.domains = g->domains,
		.nr = g->nr_domains,
		.last = ioas_area_last_index(area),
		.cut = area->index,
		.queue = queue,
		.stale = true,
	};
	const bool device = ioas_pages_is_device(area->pages);
	bool waits = false;

	ioas_assert_held(&d.area->pages->mutex);
	if (device && area->pages->device->revoked)
		return false;
	for (uint32_t i = 0; i < g->nr_domains; i++)
		if (g->domains[i] != area->storage || device)
			ioas_area_unmap(area, g->domains[i], area->index,
					d.last);
	if (!device)
		waits = drain_run(&d, true);
	if (device || d.shared)
		drain_sync(&d);
	return waits;
}

/*
 * Enough for every page of the area, or for half a batch: an area that has to
 * dispose of its frames in a short queue syncs often.
 */
static bool gather_has_room(const struct gather *g,
			    const struct ioas_area *area)
{
	const uint64_t pages = ioas_area_last_index(area) - area->index + 1;
	const uint32_t half = g->batch.cap / 2 + 1;

	return g->batch.cap - g->batch.nr_runs >= ioas_min(pages, half);
}

static void gather_area(struct gather *g, struct ioas_area *area)
{
	struct ioas_pages *pages = area->pages;
	struct ioas_batch queue;

	ioas_batch_init(&queue, g->batch.runs + g->batch.nr_runs,
			g->batch.cap - g->batch.nr_runs);
	ioas_mutex_lock(&area->pages->mutex, IOAS_RANK_PAGES);
	ioas_assert_held(&pages->mutex);
	ioas_pages_unlink(pages, area);
	if (gather_unmap(g, area, &queue)) {
		area->gathered = queue.nr_runs;
		g->batch.nr_runs += queue.nr_runs;
	}
	if (ioas_pages_is_device(pages))
		for (uint32_t i = 0; i < g->nr_domains; i++)
			ioas_device_unregister(pages, area, g->domains[i]);
	area->storage = NULL;
	IOAS_CHECK(ioas_pages_settle(pages));
	ioas_mutex_unlock(&area->pages->mutex);
}

void ioas_areas_drain(struct ioas_area *chain,
		      struct ioas_domain *const *domains, uint32_t nr,
		      const struct ioas_tuning *tuning)
{
	struct gather g = {
		.domains = domains,
		.nr_domains = nr,
		.pending = chain,
	};
	uint64_t pages = 0;

	for (struct ioas_area *a = chain; a; a = a->next)
		pages += ioas_area_last_index(a) - a->index + 1;
	ioas_batch_init_drain(&g.batch, g.room, IOAS_BATCH_INLINE, pages,
			      tuning);
	for (struct ioas_area *a = chain; a; a = a->next) {
		if (!gather_has_room(&g, a))
			gather_flush(&g, a);
		gather_area(&g, a);
	}
	gather_flush(&g, NULL);
	ioas_batch_fini(&g.batch);
}
