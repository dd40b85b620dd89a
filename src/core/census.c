/* SPDX-License-Identifier: MIT */
/*
 * census: how many pages objects hold a frame
 *
 *   run asked for              |------------|
 *   store of an object    [====]       [==]     [=======]
 *   its linked areas         [=====================]      in their domains
 *   added                         ##########
 *
 * Every object is walked in runs, whatever their length; what does not reach
 * into the run that is asked for costs one comparison.
 *
 * Locks: create_lock, exclusive, so that no copy carries an object from a space
 * that was not visited into one that was, and for the marks of visited objects;
 * then of each space its IOVA lock, shared, and the pages locks one at a time.
 */
#include "core/census.h"

#include "base/errno.h"
#include "core/iopt.h"
#include "core/reader.h"

struct census {
	struct ioas_run run;
	uint32_t *counts;
};

/* @run is held once more. */
static void census_add(const struct census *c, struct ioas_run run)
{
	const ioas_pfn_t base = c->run.pfn;
	const ioas_pfn_t last = run.pfn + (run.nr - 1);
	const ioas_pfn_t end = base + (c->run.nr - 1);

	if (!ioas_intersects(run.pfn, last, base, end))
		return;
	for (uint64_t i = ioas_max(run.pfn, base) - base;
	     i <= ioas_min(last, end) - base; i++)
		if (c->counts[i] < UINT32_MAX)
			c->counts[i]++;
}

static int census_store(const struct census *c, const struct ioas_pages *pages,
			uint64_t first, uint64_t last) __must_hold(pages->mutex)
{
	struct ioas_store_cursor at = { 0 };

	for (uint64_t i = first; i <= last;) {
		const struct ioas_run run =
			ioas_store_next(&pages->access->store, &at, i, last);

		if (IOAS_CHECK(!run.nr)) /* C3 */
			return -EFAULT;
		census_add(c, run);
		i += run.nr;
	}
	return 0;
}

static int census_domain(const struct census *c,
			 const struct ioas_pages *pages, uint64_t first,
			 uint64_t last) __must_hold(pages->mutex)
{
	struct ioas_domain_cursor cursor = { { 0 } };
	const struct ioas_area *a = NULL;
	struct ioas_run run;

	for (uint64_t i = first; i <= last; i += run.nr) {
		if (!a || i > ioas_area_last_index(a)) {
			a = ioas_pages_area_at(pages, i);
			cursor = (struct ioas_domain_cursor){ { 0 } };
		}
		if (IOAS_CHECK(!a)) /* B3 */
			return -EFAULT;
		ioas_assert_held(&a->pages->mutex);
		if (ioas_area_frames(a, i, last, &cursor, &run))
			return -EFAULT;
		census_add(c, run);
	}
	return 0;
}

static int census_pages(const struct census *c, const struct ioas_pages *pages)
	__must_hold(pages->mutex)
{
	struct ioas_cset one;
	struct ioas_dspan s;
	int ret = 0;

	if (!pages->nr_pinned)
		return 0;
	ioas_dspan_start(&s, ioas_pages_access_set(pages),
			 ioas_pages_linked_set(pages, &one), 0,
			 pages->nr_pages - 1);
	for (; !ret && !s.done; ioas_dspan_next(&s)) {
		if (s.label == IOAS_T1)
			ret = census_store(c, pages, s.first, s.last);
		else if (s.label == IOAS_T2)
			ret = census_domain(c, pages, s.first, s.last);
	}
	return ret;
}

/* @c NULL: only take the marks off. */
static int census_space(const struct census *c, struct ioas *ioas)
{
	struct ioas_range r;
	int ret = 0;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		struct ioas_pages *pages = ((struct ioas_area *)r.value)->pages;
		const bool seen = pages->seen;

		pages->seen = c != NULL;
		if (ret || !c || seen)
			continue;
		ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
		ret = census_pages(c, pages);
		ioas_mutex_unlock(&pages->mutex);
	}
	ioas_read_unlock(&ioas->iova_lock);
	return ret;
}

int ioas_context_holders(struct ioas_context *ctx, struct ioas_run run,
			 uint32_t *counts)
{
	const struct census c = { run, counts };
	int ret = 0;

	if (!run.nr)
		return 0;
	ioas_write_lock(&ctx->create_lock, IOAS_RANK_CONTEXT);
	ioas_list_for_each(l, &ctx->spaces)
		if (!ret)
			ret = census_space(
				&c, ioas_list_entry(l, struct ioas, link));
	ioas_list_for_each(l, &ctx->spaces)
		census_space(NULL, ioas_list_entry(l, struct ioas, link));
	ioas_write_unlock(&ctx->create_lock);
	return ret;
}
