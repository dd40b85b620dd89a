/* SPDX-License-Identifier: MIT */
/*
 * table: the core's domain ops over a page table
 *
 *   core -- ops.h --> table -- pt.h --> walker of a format
 *
 * The two vocabularies are alike on purpose, so that this file moves fields and
 * nothing else: permissions have the same bits, a cursor is the same words.
 * src/pt may not include ops.h, because it serves domains that others build.
 *
 * What the page table tells (hooks) goes to the views of the domain first, then
 * to whoever made the domain.
 *
 * Locks: none of its own. @track is switched while nothing else runs on the
 * domain's ranges, and read by devices at any time.
 */
#include "domain/table.h"

#include "base/bits.h"
#include "domain/view_impl.h"
#include "seam/fault.h"

_Static_assert((int)IOAS_PROT_READ == (int)IOAS_PT_READ &&
	       (int)IOAS_PROT_WRITE == (int)IOAS_PT_WRITE &&
	       (int)IOAS_PROT_CACHE == (int)IOAS_PT_CACHE &&
	       (int)IOAS_PROT_NOEXEC == (int)IOAS_PT_NOEXEC &&
	       (int)IOAS_PROT_MMIO == (int)IOAS_PT_MMIO &&
	       (int)IOAS_PROT_PRIV == (int)IOAS_PT_PRIV,
	       "a permission word is handed through");

struct table_domain {
	struct ioas_domain domain;
	struct ioas_pt *pt;
	/* Set once. 0: none. */
	uint64_t small_leaf;
	atomic_bool track;
	struct ioas_views views;
	/* Set once: ours, and whose they are, or NULL. */
	struct ioas_pt_hooks hooks;
	const struct ioas_pt_hooks *next;
	void *next_ctx;
};

static struct table_domain *table_of(struct ioas_domain *d)
{
	return ioas_container_of(d, struct table_domain, domain);
}

/* The core checked for overflow: what is left of it is "does not fit". */
static int table_error(int ret)
{
	return ret == -EOVERFLOW ? -ERANGE : ret;
}

/* The bound that the core asks for, or ours if that is a page or less. */
static uint64_t table_max_leaf(const struct table_domain *t,
			       const struct ioas_map_request *rq)
{
	const uint64_t page = (uint64_t)1 << rq->page_lg2;

	if (!t->small_leaf || !rq->max_leaf || rq->max_leaf > page)
		return rq->max_leaf;
	return ioas_min(rq->max_leaf, t->small_leaf);
}

static int table_map(struct ioas_domain *d, const struct ioas_map_request *rq)
{
	const struct ioas_pt_map map = {
		.iova = rq->iova,
		.runs = rq->runs,
		.nr_runs = rq->nr_runs,
		.page_lg2 = rq->page_lg2,
		.head = rq->head,
		.length = rq->length,
		.prot = rq->prot,
		.max_leaf = table_max_leaf(table_of(d), rq),
		.cursor = rq->cursor ? rq->cursor->word : NULL,
	};

	return table_error(ioas_pt_map(table_of(d)->pt, &map));
}

static bool table_take(void *ctx, ioas_iova_t iova, uint64_t oa,
		       uint64_t length)
{
	struct ioas_unmap_sink *sink = ctx;

	return sink->add(sink, iova, oa, length);
}

static ioas_iova_t table_unmap(struct ioas_domain *d,
			       const struct ioas_unmap_request *rq)
{
	const struct ioas_pt_unmap unmap = {
		.iova = rq->iova,
		.want_last = rq->want_last,
		.last = rq->last,
		.take = rq->sink ? table_take : NULL,
		.ctx = rq->sink,
	};

	return ioas_pt_unmap(table_of(d)->pt, &unmap);
}

static int table_translate_run(struct ioas_domain *d, ioas_iova_t iova,
			       ioas_iova_t last,
			       struct ioas_domain_cursor *cursor,
			       uint64_t *addr, uint64_t *length)
{
	return ioas_pt_translate_run(table_of(d)->pt, iova, last,
				     cursor ? cursor->word : NULL, addr,
				     length);
}

static void table_sync(struct ioas_domain *d)
{
	ioas_pt_sync(table_of(d)->pt);
}

static void table_mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct ioas_dirty_sink *sink = ctx;

	sink->mark(sink, iova, last);
}

static int table_read_and_clear_dirty(struct ioas_domain *d, ioas_iova_t iova,
				      ioas_iova_t last, unsigned int flags,
				      struct ioas_dirty_sink *sink)
{
	return ioas_pt_read_dirty(table_of(d)->pt, iova, last,
				  !(flags & IOAS_DIRTY_NO_CLEAR),
				  sink ? table_mark : NULL, sink);
}

static int table_set_dirty_tracking(struct ioas_domain *d, bool on)
{
	struct table_domain *t = table_of(d);

	atomic_store_explicit(&t->track, on, memory_order_release);
	/* A view may know a leaf whose dirty bit nobody wanted. */
	if (on) {
		ioas_views_invalidate(&t->views, 0, IOAS_U64_MAX);
		ioas_views_sync(&t->views);
	}
	return 0;
}

static ioas_iova_t table_leaf_last(struct ioas_domain *d, ioas_iova_t iova)
{
	struct ioas_pt_leaf leaf;

	if (ioas_pt_leaf(table_of(d)->pt, iova, &leaf))
		return iova;
	return leaf.iova + (((uint64_t)1 << leaf.lg2) - 1);
}

static int table_split(struct ioas_domain *d, ioas_iova_t iova)
{
	return ioas_pt_split(table_of(d)->pt, iova);
}

static void table_destroy(struct ioas_domain *d)
{
	struct table_domain *t = table_of(d);

	if (!ioas_views_fini(&t->views))
		return;
	ioas_pt_destroy(t->pt);
	ioas_free(t, sizeof(*t));
}

static const struct ioas_domain_ops table_ops = {
	.name = "table",
	.map = table_map,
	.unmap = table_unmap,
	.translate_run = table_translate_run,
	.sync = table_sync,
	.split = table_split,
	.destroy = table_destroy,
};

static const struct ioas_domain_ops table_dirty_ops = {
	.name = "table",
	.map = table_map,
	.unmap = table_unmap,
	.translate_run = table_translate_run,
	.sync = table_sync,
	.read_and_clear_dirty = table_read_and_clear_dirty,
	.set_dirty_tracking = table_set_dirty_tracking,
	.leaf_last = table_leaf_last,
	.split = table_split,
	.destroy = table_destroy,
};

static void hook_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			    bool tables)
{
	struct table_domain *t = ctx;

	ioas_views_invalidate(&t->views, iova, last);
	if (t->next)
		t->next->invalidate(t->next_ctx, iova, last, tables);
}

static void hook_sync(void *ctx)
{
	struct table_domain *t = ctx;

	ioas_views_sync(&t->views);
	if (t->next)
		t->next->sync(t->next_ctx);
}

static void hook_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct table_domain *t = ctx;

	t->next->mapped(t->next_ctx, iova, last);
}

static void hook_flush(void *ctx, const uint64_t *items, size_t nr)
{
	struct table_domain *t = ctx;

	t->next->flush(t->next_ctx, items, nr);
}

static void hook_grown(void *ctx, uint64_t pa, unsigned int level)
{
	struct table_domain *t = ctx;

	t->next->grown(t->next_ctx, pa, level);
}

/* What nobody listens to costs no call. */
static void table_hook(struct table_domain *t, struct ioas_pt_params *params)
{
	t->next = params->hooks;
	t->next_ctx = params->hooks_ctx;
	t->hooks = (struct ioas_pt_hooks){
		.invalidate = hook_invalidate,
		.sync = hook_sync,
		.mapped = t->next && t->next->mapped ? hook_mapped : NULL,
		.flush = t->next && t->next->flush ? hook_flush : NULL,
		.grown = t->next && t->next->grown ? hook_grown : NULL,
	};
	params->hooks = &t->hooks;
	params->hooks_ctx = t;
}

int ioas_table_domain_create(const struct ioas_table_options *opts,
			     struct ioas_domain **out)
{
	struct ioas_pt_params params = opts->pt;
	const struct ioas_pt_format *format =
		opts->format ? opts->format : &ioas_pt_mock;
	struct table_domain *t;
	int ret;

	t = ioas_zalloc(sizeof(*t), IOAS_FP_ALLOC_SPACE);
	if (!t)
		return -ENOMEM;
	table_hook(t, &params);
	ret = ioas_pt_create(format, &params, &t->pt);
	if (!ret && opts->dirty && !ioas_pt_tracks_dirty(t->pt)) {
		ioas_pt_destroy(t->pt);
		ret = -EOPNOTSUPP;
	}
	if (ret) {
		ioas_free(t, sizeof(*t));
		return ret;
	}
	t->domain = (struct ioas_domain){
		.ops = opts->dirty ? &table_dirty_ops : &table_ops,
		.pgsizes = ioas_pt_pgsizes(t->pt),
	};
	ioas_pt_aperture(t->pt, &t->domain.first, &t->domain.last);
	t->small_leaf = opts->small_leaf;
	ioas_views_init(&t->views, t->pt, &t->track);
	*out = &t->domain;
	return 0;
}

struct ioas_pt *ioas_table_domain_pt(struct ioas_domain *d)
{
	if (d->ops != &table_ops && d->ops != &table_dirty_ops)
		return NULL;
	return table_of(d)->pt;
}

struct ioas_views *ioas_table_domain_views(struct ioas_domain *d)
{
	return ioas_table_domain_pt(d) ? &table_of(d)->views : NULL;
}

bool ioas_table_domain_tracks_dirty(struct ioas_domain *d)
{
	return ioas_table_domain_pt(d) &&
	       atomic_load_explicit(&table_of(d)->track, memory_order_acquire);
}

void ioas_table_domain_mark_dirty(struct ioas_domain *d, ioas_iova_t iova,
				  ioas_iova_t last)
{
	if (ioas_table_domain_tracks_dirty(d))
		ioas_pt_mark_dirty(table_of(d)->pt, iova, last);
}

bool ioas_table_domain_validate(struct ioas_domain *d)
{
	struct ioas_pt *pt = ioas_table_domain_pt(d);

	return pt && ioas_pt_validate(pt);
}
