/* SPDX-License-Identifier: MIT */
/*
 * fill: from the tiers into domains (ioas-core 11.1 - 11.3)
 *
 *   batch:   b0        b1        b2
 *   d0     mapped    mapped    mapped
 *   d1     mapped    mapped    FAILS        k = 1
 *   d2     mapped    mapped                 the keeper
 *
 * Undoing goes in an order that never leaves a domain with a page that is not
 * pinned (C5): unmap every domain but the last over what it received; drain
 * the last, which has the batches that all have; only then hand back the
 * batch in hand and what was pinned ahead.
 */
#include "core/transfer.h"

#include "base/errno.h"
#include "core/drain.h"
#include "core/reader.h"
#include "seam/fault.h"
#include "seam/trace.h"

/* Domains that get a cursor of their own; further ones walk per batch. */
#define FILL_CURSORS 2

struct fill {
	struct ioas_area *area;
	struct ioas_domain *const *domains;
	uint32_t nr;
	struct ioas_reader reader;
	struct ioas_domain_cursor cursor[FILL_CURSORS];
};

static uint32_t area_prot(const struct ioas_area *area, enum ioas_kind kind)
{
	if (kind == IOAS_KIND_CPU)
		return area->prot;
	return (area->prot & ~(uint32_t)IOAS_PROT_CACHE) | IOAS_PROT_MMIO;
}

/* The current batch into domain @k, all of it or nothing. */
static int fill_batch(struct fill *f, uint32_t k)
{
	const struct ioas_reader *r = &f->reader;
	const struct ioas_area *a = f->area;
	const ioas_iova_t iova = ioas_area_iova_first(a, r->bstart);
	struct ioas_domain_cursor fresh = { { 0 } };
	const struct ioas_map_request rq = {
		.iova = iova,
		.runs = r->batch.runs,
		.nr_runs = r->batch.nr_runs,
		.page_lg2 = a->pages->page_lg2,
		.head = ioas_area_head(a, r->bstart),
		.length = ioas_area_iova_last(a, r->bend - 1) - iova + 1,
		.prot = area_prot(a, r->batch.kind),
		.max_leaf = a->ioas->small_pages ?
				    ioas_page_size(a->ioas->ctx) :
				    0,
		.cursor = k < FILL_CURSORS ? &f->cursor[k] : &fresh,
	};

	return f->domains[k]->ops->map(f->domains[k], &rq);
}

/* Domains below @k have the batch in hand, all have those before it. */
static void fill_undo(struct fill *f, uint32_t k)
	__must_hold(f->area->pages->mutex)
{
	struct ioas_area *a = f->area;
	struct ioas_reader *r = &f->reader;
	const uint64_t first = a->index;

	ioas_assert_held(&a->pages->mutex);
	ioas_assert_held(&r->pages->mutex);
	for (uint32_t d = 0; d + 1 < f->nr; d++) {
		const uint64_t end = d < k ? r->bend : r->bstart;

		if (end > first)
			ioas_area_unmap(a, f->domains[d], first, end - 1);
	}
	if (r->bstart > first)
		ioas_area_drain(a, f->domains[f->nr - 1], f->domains, f->nr,
				first, r->bstart - 1);
	ioas_sync(f->domains, f->nr);
	ioas_reader_release_batch(r, a->pages->writable);
	ioas_reader_fini(r);
}

static int fill_run(struct fill *f, bool link)
	__must_hold(f->area->pages->mutex)
{
	struct ioas_area *a = f->area;
	struct ioas_pages *pages = a->pages;
	struct ioas_reader *r = &f->reader;
	uint32_t k = 0;
	int ret;

	ioas_assert_held(&pages->mutex);
	ret = ioas_reader_init(r, pages, a->index, ioas_area_last_index(a),
			       &a->ioas->ctx->tuning);
	if (ret)
		return ret;
	ioas_assert_held(&r->pages->mutex);
	for (; !ioas_reader_done(r); k = 0) {
		for (; k < f->nr; k++) {
			ret = fill_batch(f, k);
			if (ret)
				goto err_undo;
		}
		ret = ioas_reader_next(r);
		if (ret)
			goto err_undo_all;
	}
	if (link) {
		ret = ioas_pages_link(pages, a);
		if (ret)
			goto err_undo_all;
	}
	ret = ioas_pages_settle(pages);
	if (ret)
		goto err_unlink;
	ioas_reader_fini(r);
	return 0;

err_unlink:
	if (link)
		ioas_pages_unlink(pages, a);
err_undo_all:
	k = 0; /* the batch in hand is empty */
err_undo:
	fill_undo(f, k);
	return ret;
}

static void unregister_pairs(struct ioas_area *area,
			     struct ioas_domain *const *domains, uint32_t nr)
	__must_hold(area->pages->mutex)
{
	while (nr--)
		ioas_device_unregister(area->pages, area, domains[nr]);
}

static int register_pairs(struct ioas_area *area,
			  struct ioas_domain *const *domains, uint32_t nr)
	__must_hold(area->pages->mutex)
{
	for (uint32_t d = 0; d < nr; d++) {
		int ret = ioas_device_register(area->pages, area, domains[d]);

		if (ret) {
			unregister_pairs(area, domains, d);
			return ret;
		}
	}
	return 0;
}

int ioas_area_fill(struct ioas_area *area, struct ioas_domain *const *domains,
		   uint32_t nr, bool link)
{
	struct ioas_pages *pages = area->pages;
	const bool device = ioas_pages_is_device(pages);
	struct fill f;
	int ret = 0;

	ioas_assert_held(&pages->mutex);
	ioas_trace(IOAS_TP_FILL, (uintptr_t)pages, area->index,
		   ioas_area_last_index(area));
	if (device)
		ret = register_pairs(area, domains, nr);
	if (ret)
		return ret;
	if (device && pages->device->revoked) {
		ret = link ? ioas_pages_link(pages, area) : 0;
	} else {
		f.area = area;
		f.domains = domains;
		f.nr = nr;
		for (unsigned int i = 0; i < FILL_CURSORS; i++)
			f.cursor[i] = (struct ioas_domain_cursor){ { 0 } };
		ioas_assert_held(&f.area->pages->mutex);
		ret = fill_run(&f, link);
	}
	if (ret && device)
		unregister_pairs(area, domains, nr);
	if (!ret && link)
		area->storage = domains[0];
	return ret;
}
