/* SPDX-License-Identifier: MIT */
/*
 * flat: the oracle; see flat.h
 *
 *   runs    sorted by IOVA:  [first last -> addr, id] [ ... ] ...
 *   limbo   output addresses removed since the last sync
 *   dirty   granules, sorted
 *   active  ranges that some thread works on now
 *
 * One entry for each map call in the sense of INV-B5: with max_leaf a run is as
 * many calls as it has pages, cut where the output address is a multiple of
 * it. Entries come and go whole, so an unmap never needs to split one, and
 * needs no memory: limbo has room for everything that is mapped, because map
 * reserved it.
 *
 * Invariants (ioas_flat_domain_validate() checks each under its number):
 *  F1  runs are sorted, disjoint, not empty, inside the aperture.
 *  F2  limbo has room for all runs.
 *  F3  dirty granules are sorted, aligned, and mapped.
 *
 * Lock: @lock guards all of it. It is dropped around calls of a sink, which may
 * take locks of its own; the active range keeps others out meanwhile, and
 * makes operations on overlapping ranges that run at the same time visible.
 */
#include "domain/flat_runs.h"

#include "base/mem.h"
#include "seam/fault.h"
#include "seam/lock.h"

struct flat_span {
	uint64_t addr;
	uint64_t last;
};

struct flat_active {
	struct flat_active *next;
	ioas_iova_t iova;
	ioas_iova_t last;
	bool writes;
};

struct flat_domain {
	struct ioas_domain domain;
	enum ioas_flat_answer answer;
	struct ioas_mutex lock;
	bool track;
	uint64_t next_id;
	struct flat_runs runs;
	struct flat_span *limbo;
	size_t nr_limbo;
	size_t limbo_capacity;
	ioas_iova_t *dirty;
	size_t nr_dirty;
	size_t dirty_capacity;
	struct flat_active *active;
	struct ioas_flat_stats stats;
};

static struct flat_domain *flat_of(struct ioas_domain *d)
{
	return ioas_container_of(d, struct flat_domain, domain);
}

static void flat_lock(struct flat_domain *f) __acquires(f->lock)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_TABLE);
}

static void flat_unlock(struct flat_domain *f) __releases(f->lock)
{
	ioas_mutex_unlock(&f->lock);
}

/* @a lives on the stack of the operation until flat_done(). */
static void flat_begin(struct flat_domain *f, struct flat_active *a)
{
	flat_lock(f);
	for (struct flat_active *o = f->active; o; o = o->next)
		IOAS_CHECK((a->writes || o->writes) &&
			   ioas_intersects(a->iova, a->last, o->iova,
					   o->last));
	a->next = f->active;
	f->active = a;
	flat_unlock(f);
}

static void flat_done(struct flat_domain *f, struct flat_active *a)
{
	struct flat_active **at = &f->active;

	flat_lock(f);
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	flat_unlock(f);
}

/* Room for @nr elements of @size bytes in the array; doubles. */
static bool array_reserve(void **array, size_t *capacity, size_t used,
			  size_t nr, size_t size)
{
	size_t want = nr * 2;
	void *bigger;

	if (nr <= *capacity)
		return true;
	bigger = ioas_alloc(want * size, IOAS_FP_TABLE);
	if (!bigger)
		return false;
	if (*array) {
		memcpy(bigger, *array, used * size);
		ioas_free(*array, *capacity * size);
	}
	*array = bigger;
	*capacity = want;
	return true;
}

static bool flat_inside(const struct flat_domain *f, ioas_iova_t iova,
			ioas_iova_t last)
{
	return iova >= f->domain.first && last <= f->domain.last &&
	       iova <= last;
}

/* ---- map ---------------------------------------------------------------- */

/* The pieces of a request, one after the other. */
struct flat_cut {
	const struct ioas_map_request *rq;
	uint32_t run;
	/* Within the run, bytes. */
	uint64_t offset;
	uint64_t left;
	ioas_iova_t iova;
};

static struct flat_cut cut_begin(const struct ioas_map_request *rq)
{
	return (struct flat_cut){ .rq = rq, .offset = rq->head,
				  .left = rq->length, .iova = rq->iova };
}

static bool cut_next(struct flat_cut *c, struct flat_entry *e)
{
	const struct ioas_map_request *rq = c->rq;
	const struct ioas_run *run = &rq->runs[c->run];
	uint64_t bytes, addr;

	if (!c->left)
		return false;
	addr = (run->pfn << rq->page_lg2) + c->offset;
	bytes = ioas_min(c->left, (run->nr << rq->page_lg2) - c->offset);
	if (rq->max_leaf)
		bytes = ioas_min(bytes, rq->max_leaf -
						(addr & (rq->max_leaf - 1)));
	*e = (struct flat_entry){
		.run = { .iova = c->iova, .last = c->iova + (bytes - 1),
			 .addr = addr, .prot = rq->prot },
		.page_lg2 = rq->page_lg2,
	};
	c->iova += bytes;
	c->left -= bytes;
	c->offset += bytes;
	if (c->offset == run->nr << rq->page_lg2) {
		c->offset = 0;
		c->run++;
	}
	return true;
}

/* The runs hold exactly the bytes that are asked for; every sum fits. */
static bool map_runs_right(const struct ioas_map_request *rq)
{
	uint64_t page = (uint64_t)1 << rq->page_lg2, total = 0, end, last;

	for (uint32_t i = 0; i < rq->nr_runs; i++) {
		const struct ioas_run *run = &rq->runs[i];
		uint64_t bytes = run->nr << rq->page_lg2;

		if (!run->nr || bytes >> rq->page_lg2 != run->nr ||
		    run->pfn << rq->page_lg2 >> rq->page_lg2 != run->pfn ||
		    !ioas_last(run->pfn << rq->page_lg2, bytes, &last) ||
		    ioas_add_overflow(total, bytes, &total))
			return false;
	}
	return !ioas_add_overflow(rq->length, rq->head, &end) &&
	       end <= total && total - end < page;
}

static bool map_right(const struct flat_domain *f,
		      const struct ioas_map_request *rq)
{
	uint64_t granule = ioas_domain_granule(&f->domain), last;

	if (IOAS_CHECK(!ioas_last(rq->iova, rq->length, &last)) ||
	    IOAS_CHECK(!flat_inside(f, rq->iova, last)) ||
	    IOAS_CHECK(!ioas_is_aligned(rq->iova | rq->length | rq->head,
					granule)) ||
	    IOAS_CHECK(rq->page_lg2 > 63 || rq->head >> rq->page_lg2) ||
	    IOAS_CHECK(granule >> rq->page_lg2 > 1) ||
	    IOAS_CHECK(rq->max_leaf && (!ioas_is_pow2(rq->max_leaf) ||
					rq->max_leaf < granule)) ||
	    IOAS_CHECK(!map_runs_right(rq)))
		return false;
	return true;
}

/* All that can fail: the pieces, memory for them and for their removal. */
static int map_prepare(struct flat_domain *f,
		       const struct ioas_map_request *rq)
	__must_hold(&f->lock)
{
	struct flat_cut cut = cut_begin(rq);
	size_t i = ioas_flat_runs_find(&f->runs, rq->iova), nr = 0;
	const void *runs = f->runs.entries, *limbo = f->limbo;
	struct flat_entry e;

	if (IOAS_CHECK(i < f->runs.nr && flat_runs_at(&f->runs, i)->run.iova <=
						 rq->iova + (rq->length - 1)))
		return -EADDRINUSE;
	for (; cut_next(&cut, &e); nr++)
		if (ioas_fault_point(IOAS_FP_DOMAIN_MAP))
			return -ENOMEM;
	if (!ioas_flat_runs_reserve(&f->runs, nr) ||
	    !array_reserve((void **)&f->limbo, &f->limbo_capacity, f->nr_limbo,
			   f->nr_limbo + f->runs.nr + nr, sizeof(*f->limbo)))
		return -ENOMEM;
	f->stats.allocations += f->runs.entries != runs ? 1 : 0;
	f->stats.allocations += f->limbo != limbo ? 1 : 0;
	return 0;
}

static void map_commit(struct flat_domain *f,
		       const struct ioas_map_request *rq)
	__must_hold(&f->lock)
{
	struct flat_cut cut = cut_begin(rq);
	size_t i = ioas_flat_runs_find(&f->runs, rq->iova);
	struct flat_entry e;

	while (cut_next(&cut, &e)) {
		e.run.id = ++f->next_id;
		ioas_flat_runs_insert(&f->runs, i++, &e);
		f->stats.runs++;
	}
	f->stats.maps++;
	f->stats.bytes += rq->length;
}

/* A cursor belongs to one domain. */
static void flat_cursor(const struct flat_domain *f,
			struct ioas_domain_cursor *cursor)
{
	if (!cursor)
		return;
	IOAS_CHECK(cursor->word[0] &&
		   cursor->word[0] != (uint64_t)(uintptr_t)f);
	cursor->word[0] = (uint64_t)(uintptr_t)f;
}

static int flat_map(struct ioas_domain *d, const struct ioas_map_request *rq)
{
	struct flat_domain *f = flat_of(d);
	struct flat_active a = { .iova = rq->iova, .writes = true };
	int ret;

	if (!map_right(f, rq) ||
	    !(rq->prot & (IOAS_PROT_READ | IOAS_PROT_WRITE)))
		return -EINVAL;
	a.last = rq->iova + (rq->length - 1);
	flat_begin(f, &a);
	flat_lock(f);
	flat_cursor(f, rq->cursor);
	ret = map_prepare(f, rq);
	if (!ret)
		map_commit(f, rq);
	flat_unlock(f);
	flat_done(f, &a);
	return ret;
}

/* ---- unmap -------------------------------------------------------------- */

/* Mapped without gaps, and no run reaches over either end (INV-B5). */
static bool unmap_right(const struct flat_domain *f,
			const struct ioas_unmap_request *rq)
{
	ioas_iova_t next = rq->iova;
	size_t i = ioas_flat_runs_find(&f->runs, rq->iova);

	if (IOAS_CHECK(!flat_inside(f, rq->iova, rq->last)) ||
	    IOAS_CHECK(rq->want_last < rq->iova || rq->want_last > rq->last) ||
	    IOAS_CHECK(!rq->sink && rq->want_last != rq->last))
		return false;
	for (; i < f->runs.nr; i++) {
		const struct ioas_flat_run *run =
			&flat_runs_at(&f->runs, i)->run;

		if (IOAS_CHECK(run->iova != next))
			return false;
		if (run->last >= rq->last)
			return !IOAS_CHECK(run->last != rq->last);
		next = run->last + 1;
	}
	return !IOAS_CHECK(i == f->runs.nr);
}

/* Index of the first dirty granule at or after @iova. */
static size_t dirty_find(const struct flat_domain *f, ioas_iova_t iova)
{
	size_t low = 0, high = f->nr_dirty;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->dirty[mid] < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void dirty_forget(struct flat_domain *f, ioas_iova_t iova,
			 ioas_iova_t last)
{
	size_t from = dirty_find(f, iova), to = from;

	while (to < f->nr_dirty && f->dirty[to] <= last)
		to++;
	if (from == to)
		return;
	memmove(&f->dirty[from], &f->dirty[to],
		(f->nr_dirty - to) * sizeof(*f->dirty));
	f->nr_dirty -= to - from;
}

static void unmap_one(struct flat_domain *f, const struct ioas_flat_run *run)
{
	uint64_t length = run->last - run->iova + 1;

	flat_lock(f);
	f->limbo[f->nr_limbo++] = (struct flat_span){
		run->addr, run->addr + (length - 1)
	};
	dirty_forget(f, run->iova, run->last);
	ioas_flat_runs_remove(&f->runs,
			      ioas_flat_runs_find(&f->runs, run->iova));
	f->stats.removed++;
	f->stats.bytes -= length;
	flat_unlock(f);
}

/* Does the caller's sink take @run, which would @continue the one before? */
static bool unmap_offer(const struct ioas_unmap_request *rq,
			const struct ioas_flat_run *run, bool continues)
{
	if (!rq->sink || rq->sink->add(rq->sink, run->iova, run->addr,
				       run->last - run->iova + 1))
		return true;
	IOAS_CHECK(continues);
	/* As a table does: go on, so that the unmap makes progress. */
	return IOAS_CHECK(run->iova == rq->iova);
}

static ioas_iova_t unmap_runs(struct flat_domain *f,
			      const struct ioas_unmap_request *rq)
{
	ioas_iova_t gone = rq->iova - 1;
	uint64_t next_addr = 0;

	do {
		struct ioas_flat_run run;
		bool continues;

		flat_lock(f);
		run = flat_runs_at(&f->runs,
				   ioas_flat_runs_find(&f->runs, gone + 1))
			      ->run;
		flat_unlock(f);
		continues = run.iova != rq->iova && next_addr &&
			    run.addr == next_addr;
		if (run.iova > rq->want_last && !continues)
			break;
		if (!unmap_offer(rq, &run, continues))
			break;
		unmap_one(f, &run);
		next_addr = run.addr + (run.last - run.iova) + 1;
		gone = run.last;
	} while (gone != rq->last);
	return gone;
}

static ioas_iova_t flat_unmap(struct ioas_domain *d,
			      const struct ioas_unmap_request *rq)
{
	struct flat_domain *f = flat_of(d);
	struct flat_active a = { .iova = rq->iova, .last = rq->last,
				 .writes = true };
	ioas_iova_t gone = rq->last;
	bool right;

	flat_begin(f, &a);
	flat_lock(f);
	f->stats.unmaps++;
	right = unmap_right(f, rq);
	flat_unlock(f);
	if (right)
		gone = unmap_runs(f, rq);
	flat_done(f, &a);
	return gone;
}

/* ---- translation -------------------------------------------------------- */

/* Last IOVA that the answer for @iova, in run @i, may cover. */
static ioas_iova_t translate_last(const struct flat_domain *f, size_t i,
				  ioas_iova_t iova)
{
	const struct flat_entry *e = flat_runs_at(&f->runs, i);
	uint64_t addr = e->run.addr + (iova - e->run.iova);
	ioas_iova_t last = e->run.last;

	if (f->answer == IOAS_FLAT_SHORT) {
		uint64_t mask = ((uint64_t)1 << e->page_lg2) - 1;

		/* The end of the page may be beyond the end of the space. */
		return iova + ioas_min(last - iova, (addr | mask) - addr);
	}
	while (++i < f->runs.nr) {
		const struct flat_entry *next = flat_runs_at(&f->runs, i);

		if (next->run.iova != last + 1 || !next->run.addr ||
		    next->run.addr != addr + (last - iova) + 1)
			break;
		last = next->run.last;
	}
	return last;
}

static int flat_translate_run(struct ioas_domain *d, ioas_iova_t iova,
			      ioas_iova_t last,
			      struct ioas_domain_cursor *cursor,
			      uint64_t *addr, uint64_t *length)
{
	struct flat_domain *f = flat_of(d);
	struct flat_active a = { .iova = iova, .last = last };
	int ret = -ENOENT;
	size_t i;

	if (IOAS_CHECK(iova > last))
		return -ENOENT;
	flat_begin(f, &a);
	flat_lock(f);
	flat_cursor(f, cursor);
	f->stats.translates++;
	i = ioas_flat_runs_find(&f->runs, iova);
	if (i < f->runs.nr && flat_runs_at(&f->runs, i)->run.iova <= iova) {
		const struct ioas_flat_run *run =
			&flat_runs_at(&f->runs, i)->run;

		last = ioas_min(last, translate_last(f, i, iova));
		*addr = run->addr + (iova - run->iova);
		*length = last - iova + 1;
		ret = 0;
	}
	flat_unlock(f);
	flat_done(f, &a);
	return ret;
}

/* Unmaps that were complete before the call. */
static void flat_sync(struct ioas_domain *d)
{
	struct flat_domain *f = flat_of(d);

	flat_lock(f);
	f->nr_limbo = 0;
	f->stats.syncs++;
	flat_unlock(f);
}

/* ---- dirty -------------------------------------------------------------- */

/*
 * The next stretch of dirty granules in [*iova, @last], clipped to the range;
 * clears what it returns if asked to.
 */
static bool dirty_next(struct flat_domain *f, ioas_iova_t iova,
		       ioas_iova_t last, bool clear, ioas_iova_t *first,
		       ioas_iova_t *end)
{
	uint64_t granule = ioas_domain_granule(&f->domain);
	size_t i, n;
	bool found;

	flat_lock(f);
	i = dirty_find(f, ioas_align_down(iova, granule));
	found = i < f->nr_dirty && f->dirty[i] <= last;
	if (found) {
		for (n = i + 1; n < f->nr_dirty && f->dirty[n] <= last &&
				f->dirty[n] == f->dirty[n - 1] + granule;)
			n++;
		*first = ioas_max(f->dirty[i], iova);
		*end = ioas_min(f->dirty[n - 1] + (granule - 1), last);
		if (clear)
			dirty_forget(f, f->dirty[i], f->dirty[n - 1]);
	}
	flat_unlock(f);
	return found;
}

static int flat_read_and_clear_dirty(struct ioas_domain *d, ioas_iova_t iova,
				     ioas_iova_t last, unsigned int flags,
				     struct ioas_dirty_sink *sink)
{
	struct flat_domain *f = flat_of(d);
	struct flat_active a = { .iova = iova, .last = last };
	bool clear = !(flags & IOAS_DIRTY_NO_CLEAR);
	ioas_iova_t first, end;

	if (IOAS_CHECK(iova > last))
		return 0;
	flat_begin(f, &a);
	flat_lock(f);
	f->stats.dirty_reads++;
	flat_unlock(f);
	while (dirty_next(f, iova, last, clear, &first, &end)) {
		if (sink)
			sink->mark(sink, first, end);
		if (end == last)
			break;
		iova = end + 1;
	}
	flat_done(f, &a);
	return 0;
}

static int flat_set_dirty_tracking(struct ioas_domain *d, bool on)
{
	struct flat_domain *f = flat_of(d);

	flat_lock(f);
	f->track = on;
	flat_unlock(f);
	return 0;
}

/* A granule that is mapped. */
static ioas_iova_t flat_leaf_last(struct ioas_domain *d, ioas_iova_t iova)
{
	return iova | (ioas_domain_granule(d) - 1);
}

static bool dirty_add(struct flat_domain *f, ioas_iova_t granule)
	__must_hold(&f->lock)
{
	size_t i = dirty_find(f, granule);

	if (i < f->nr_dirty && f->dirty[i] == granule)
		return true;
	if (!array_reserve((void **)&f->dirty, &f->dirty_capacity, f->nr_dirty,
			   f->nr_dirty + 1, sizeof(*f->dirty)))
		return false;
	memmove(&f->dirty[i + 1], &f->dirty[i],
		(f->nr_dirty - i) * sizeof(*f->dirty));
	f->dirty[i] = granule;
	f->nr_dirty++;
	return true;
}

int ioas_flat_domain_mark_dirty(struct ioas_domain *d, ioas_iova_t iova,
				ioas_iova_t last)
{
	struct flat_domain *f = flat_of(d);
	uint64_t granule = ioas_domain_granule(d);
	int ret = 0;

	flat_lock(f);
	for (size_t i = ioas_flat_runs_find(&f->runs, iova);
	     f->track && i < f->runs.nr; i++) {
		const struct ioas_flat_run *run =
			&flat_runs_at(&f->runs, i)->run;
		ioas_iova_t at = ioas_max(run->iova,
					  ioas_align_down(iova, granule));
		ioas_iova_t to = ioas_min(run->last, last);

		if (run->iova > last)
			break;
		for (; !ret; at += granule) {
			if (!dirty_add(f, at))
				ret = -ENOMEM;
			if (to - at < granule)
				break;
		}
	}
	flat_unlock(f);
	return ret;
}

bool ioas_flat_domain_is_dirty(struct ioas_domain *d, ioas_iova_t iova)
{
	struct flat_domain *f = flat_of(d);
	ioas_iova_t granule = ioas_align_down(iova, ioas_domain_granule(d));
	size_t i;
	bool dirty;

	flat_lock(f);
	i = dirty_find(f, granule);
	dirty = i < f->nr_dirty && f->dirty[i] == granule;
	flat_unlock(f);
	return dirty;
}

bool ioas_flat_domain_tracks_dirty(struct ioas_domain *d)
{
	struct flat_domain *f = flat_of(d);
	bool track;

	flat_lock(f);
	track = f->track;
	flat_unlock(f);
	return track;
}

/* ---- the domain --------------------------------------------------------- */

static void flat_destroy(struct ioas_domain *d)
{
	struct flat_domain *f = flat_of(d);

	IOAS_CHECK(f->active);
	ioas_flat_runs_fini(&f->runs);
	if (f->limbo)
		ioas_free(f->limbo, f->limbo_capacity * sizeof(*f->limbo));
	if (f->dirty)
		ioas_free(f->dirty, f->dirty_capacity * sizeof(*f->dirty));
	ioas_free(f, sizeof(*f));
}

static const struct ioas_domain_ops flat_ops = {
	.name = "flat",
	.map = flat_map,
	.unmap = flat_unmap,
	.translate_run = flat_translate_run,
	.sync = flat_sync,
	.destroy = flat_destroy,
};

static const struct ioas_domain_ops flat_dirty_ops = {
	.name = "flat",
	.map = flat_map,
	.unmap = flat_unmap,
	.translate_run = flat_translate_run,
	.sync = flat_sync,
	.read_and_clear_dirty = flat_read_and_clear_dirty,
	.set_dirty_tracking = flat_set_dirty_tracking,
	.leaf_last = flat_leaf_last,
	.destroy = flat_destroy,
};

int ioas_flat_domain_create(const struct ioas_flat_options *opts,
			    struct ioas_domain **out)
{
	struct flat_domain *f;

	if (!opts->pgsizes || opts->first > opts->last)
		return -EINVAL;
	f = ioas_zalloc(sizeof(*f), IOAS_FP_ALLOC_SPACE);
	if (!f)
		return -ENOMEM;
	f->domain = (struct ioas_domain){
		.ops = opts->dirty ? &flat_dirty_ops : &flat_ops,
		.pgsizes = opts->pgsizes,
		.first = opts->first,
		.last = opts->last,
	};
	f->answer = opts->answer;
	*out = &f->domain;
	return 0;
}

bool ioas_flat_domain_next(struct ioas_domain *d, ioas_iova_t iova,
			   struct ioas_flat_run *run)
{
	struct flat_domain *f = flat_of(d);
	bool found;
	size_t i;

	flat_lock(f);
	i = ioas_flat_runs_find(&f->runs, iova);
	found = i < f->runs.nr;
	if (found)
		*run = flat_runs_at(&f->runs, i)->run;
	flat_unlock(f);
	return found;
}

bool ioas_flat_domain_find(struct ioas_domain *d, ioas_iova_t iova,
			   struct ioas_flat_run *run)
{
	struct ioas_flat_run found;

	if (!ioas_flat_domain_next(d, iova, &found) || found.iova > iova)
		return false;
	*run = found;
	return true;
}

bool ioas_flat_domain_reaches(struct ioas_domain *d, uint64_t addr,
			      uint64_t addr_last)
{
	struct flat_domain *f = flat_of(d);
	bool reaches = false;

	flat_lock(f);
	for (size_t i = 0; i < f->runs.nr && !reaches; i++) {
		const struct ioas_flat_run *run =
			&flat_runs_at(&f->runs, i)->run;

		reaches = ioas_intersects(addr, addr_last, run->addr,
					  run->addr +
						  (run->last - run->iova));
	}
	for (size_t i = 0; i < f->nr_limbo && !reaches; i++)
		reaches = ioas_intersects(addr, addr_last, f->limbo[i].addr,
					  f->limbo[i].last);
	flat_unlock(f);
	return reaches;
}

void ioas_flat_domain_stats(struct ioas_domain *d,
			    struct ioas_flat_stats *stats)
{
	struct flat_domain *f = flat_of(d);

	flat_lock(f);
	*stats = f->stats;
	stats->entries = f->runs.nr;
	stats->unsynced = f->nr_limbo;
	flat_unlock(f);
}

/* F3 for the granule at index @i. */
static bool dirty_valid(struct flat_domain *f, size_t i)
{
	uint64_t granule = ioas_domain_granule(&f->domain);
	size_t at = ioas_flat_runs_find(&f->runs, f->dirty[i]);

	return ioas_is_aligned(f->dirty[i], granule) &&
	       (!i || f->dirty[i - 1] < f->dirty[i]) && at < f->runs.nr &&
	       flat_runs_at(&f->runs, at)->run.iova <= f->dirty[i];
}

bool ioas_flat_domain_validate(struct ioas_domain *d)
{
	struct flat_domain *f = flat_of(d);
	bool valid;

	flat_lock(f);
	/* F2 */
	valid = f->limbo_capacity - f->nr_limbo >= f->runs.nr;
	for (size_t i = 0; i < f->runs.nr && valid; i++) {
		const struct ioas_flat_run *run =
			&flat_runs_at(&f->runs, i)->run;

		/* F1 */
		valid = flat_inside(f, run->iova, run->last) &&
			(!i || flat_runs_at(&f->runs, i - 1)->run.last <
				       run->iova);
	}
	for (size_t i = 0; i < f->nr_dirty && valid; i++)
		valid = dirty_valid(f, i);
	flat_unlock(f);
	return valid;
}
