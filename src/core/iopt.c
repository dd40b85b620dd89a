/* SPDX-License-Identifier: MIT */
/*
 * iopt: spaces, map and copy
 *
 * A mapping under construction is a chain of areas at relative IOVAs, each
 * with a reference of its pages object:
 *
 *   prepare   chain: [0 .. a] [a+1 .. b] ...     everything allocated
 *   place     checks in the order of ioas-core 12.1; inserted as SETUP
 *   fill      every domain, without the IOVA lock
 *   publish   LIVE, all at once
 *
 * The domain lock is held shared from place to publish, so a domain that is
 * being attached finds either no trace of the mapping or all of it.
 */
#include "core/iopt.h"

#include "base/errno.h"
#include "core/iova.h"
#include "core/transfer.h"
#include "core/unmap.h"
#include "seam/fault.h"
#include "seam/trace.h"

int ioas_iopt_create(struct ioas_context *ctx, struct ioas **out)
{
	struct ioas *ioas = ioas_zalloc(sizeof(*ioas), IOAS_FP_ALLOC_SPACE);

	if (!ioas)
		return -ENOMEM;
	ioas->ctx = ctx;
	ioas->alignment = 1;
	ioas_rangemap_init(&ioas->areas);
	ioas_list_init(&ioas->accesses);
	ioas_write_lock(&ctx->create_lock, IOAS_RANK_CONTEXT);
	ioas_list_add_tail(&ctx->spaces, &ioas->link);
	ioas_write_unlock(&ctx->create_lock);
	*out = ioas;
	return 0;
}

static bool iopt_busy(struct ioas *ioas)
{
	bool busy;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	busy = ioas->nr_domains || !ioas_list_empty(&ioas->accesses);
	ioas_read_unlock(&ioas->domains_lock);
	return busy;
}

int ioas_iopt_destroy(struct ioas *ioas)
{
	uint64_t unmapped;

	if (!ioas)
		return 0;
	if (iopt_busy(ioas))
		return -EBUSY;
	ioas_write_lock(&ioas->ctx->create_lock, IOAS_RANK_CONTEXT);
	ioas_list_del(&ioas->link);
	ioas_write_unlock(&ioas->ctx->create_lock);
	/* Nobody is left who could pin: this cannot fail. */
	IOAS_CHECK(ioas_iopt_unmap_all(ioas, &unmapped));
	ioas_iova_fini(ioas);
	ioas_rangemap_fini(&ioas->areas);
	ioas_free(ioas->domains, ioas->cap_domains * sizeof(*ioas->domains));
	ioas_free(ioas, sizeof(*ioas));
	return 0;
}

bool ioas_iopt_nth(struct ioas *ioas, uint32_t n, ioas_iova_t *iova)
{
	struct ioas_range r;
	bool found = false;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		found = !n--;
		if (found)
			break;
	}
	if (found)
		*iova = r.first;
	ioas_read_unlock(&ioas->iova_lock);
	return found;
}

/* ---- place -------------------------------------------------------------- */

static int fixed_check(struct ioas *ioas, ioas_iova_t iova, uint64_t length)
	__must_hold(ioas->iova_lock)
{
	struct ioas_range r;
	ioas_iova_t last;

	if (!ioas_is_aligned(iova, ioas->alignment))
		return -EINVAL;
	if (!ioas_last(iova, length, &last))
		return -EOVERFLOW;
	if (ioas_iova_reserved(ioas, iova, last))
		return -EINVAL;
	if (ioas_rangemap_first(&ioas->areas, iova, last, &r))
		return -EEXIST;
	return 0;
}

static int piece_insert(struct ioas *ioas, struct ioas_area *a,
			ioas_iova_t base, uint32_t prot)
	__must_hold(ioas->iova_lock)
{
	if ((prot & IOAS_PROT_WRITE) && !a->pages->writable)
		return -EPERM;
	if (!ioas_is_aligned((base + a->iova) | (a->last - a->iova + 1) |
				     a->page_offset,
			     ioas->alignment))
		return -EINVAL;
	a->ioas = ioas;
	a->iova += base;
	a->last += base;
	a->prot = (uint8_t)prot;
	a->state = IOAS_AREA_SETUP;
	return ioas_rangemap_insert(&ioas->areas, a->iova, a->last, a);
}

static void chain_remove(struct ioas *ioas, struct ioas_area *chain,
			 const struct ioas_area *end)
	__must_hold(ioas->iova_lock)
{
	for (; chain != end; chain = chain->next)
		ioas_rangemap_remove(&ioas->areas, chain->iova);
}

/* Address in the origin of the first byte of @a. */
static uint64_t area_address(const struct ioas_area *a)
{
	return ((a->pages->base + a->index) << a->pages->page_lg2) +
	       a->page_offset;
}

static int chain_place(struct ioas *ioas, struct ioas_area *chain,
		       uint64_t length, uint32_t prot, unsigned int flags,
		       ioas_iova_t *iova) __must_hold(ioas->iova_lock)
{
	int ret;

	if (!ioas_is_aligned(length, ioas->alignment))
		return -EINVAL;
	ret = flags & IOAS_MAP_FIXED ?
		      fixed_check(ioas, *iova, length) :
		      ioas_iova_choose(ioas, area_address(chain), length,
				       iova);
	for (struct ioas_area *a = chain; !ret && a; a = a->next) {
		ret = piece_insert(ioas, a, *iova, prot);
		if (ret)
			chain_remove(ioas, chain, a);
	}
	return ret;
}

/* ---- fill --------------------------------------------------------------- */

static int chain_fill(struct ioas *ioas, struct ioas_area *chain)
	__must_hold_shared(ioas->domains_lock)
{
	struct ioas_area *prev = NULL;

	ioas_assert_read(&ioas->domains_lock);
	for (struct ioas_area *a = chain; a; prev = a, a = a->next) {
		int ret;

		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		ret = ioas_area_fill(a, ioas->domains, ioas->nr_domains, true);
		ioas_mutex_unlock(&a->pages->mutex);
		if (!ret)
			continue;
		if (prev) {
			prev->next = NULL;
			ioas_areas_drain(chain, ioas->domains,
					 ioas->nr_domains,
					 &ioas->ctx->tuning);
			prev->next = a;
		}
		return ret;
	}
	return 0;
}

static void chain_publish(struct ioas *ioas, struct ioas_area *chain)
	__must_hold(ioas->iova_lock)
{
	ioas_assert_write(&ioas->iova_lock);
	for (; chain; chain = chain->next)
		chain->state = IOAS_AREA_LIVE;
}

/*
 * @iova: in with IOAS_MAP_FIXED; out, also where it failed. On error the chain
 * is in no tree, and the caller's to free.
 */
static int chain_map(struct ioas *ioas, struct ioas_area *chain,
		     uint64_t length, uint32_t prot, unsigned int flags,
		     ioas_iova_t *iova)
{
	int ret;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ret = chain_place(ioas, chain, length, prot, flags, iova);
	if (!ret && !ioas->nr_domains)
		chain_publish(ioas, chain);
	ioas_write_unlock(&ioas->iova_lock);
	if (!ret && ioas->nr_domains) {
		ret = chain_fill(ioas, chain);
		ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		if (ret)
			chain_remove(ioas, chain, NULL);
		else
			chain_publish(ioas, chain);
		ioas_write_unlock(&ioas->iova_lock);
	}
	ioas_read_unlock(&ioas->domains_lock);
	return ret;
}

void ioas_areas_free(struct ioas_area *chain)
{
	struct ioas_area *next;

	for (; chain; chain = next) {
		struct ioas_pages *pages = chain->pages;

		next = chain->next;
		ioas_area_free(chain);
		ioas_pages_put(pages);
	}
}

/* ---- map ---------------------------------------------------------------- */

int ioas_iopt_map(struct ioas *ioas, struct ioas_origin *origin,
		  uint64_t start, uint64_t length, uint32_t prot,
		  unsigned int flags, ioas_iova_t *iova)
{
	const struct ioas_context *ctx = ioas->ctx;
	ioas_iova_t at = flags & IOAS_MAP_FIXED ? *iova : 0;
	struct ioas_area_block *block;
	struct ioas_area *area;
	int ret = ioas_pages_check(origin, ctx->page_lg2, start, length);

	if (ret)
		return ret;
	block = ioas_zalloc(sizeof(*block), IOAS_FP_ALLOC_PAGES);
	if (!block)
		return -ENOMEM;
	ret = ioas_pages_init(&block->pages, origin, ctx->page_lg2, start,
			      length, prot & IOAS_PROT_WRITE, ctx->account_mm);
	if (ret) {
		ioas_free(block, sizeof(*block));
		return ret;
	}
	atomic_store_explicit(&block->pages.block,
			      IOAS_BLOCK_AREA | IOAS_BLOCK_PAGES,
			      memory_order_relaxed);
	area = &block->area;
	area->in_block = true;
	area->pages = &block->pages;
	area->page_offset = (uint32_t)(start & (ioas_page_size(ctx) - 1));
	area->last = length - 1;
	ret = chain_map(ioas, area, length, prot, flags, &at);
	ioas_trace(IOAS_TP_MAP, at, at + length - 1, (uint64_t)ret);
	if (ret)
		ioas_areas_free(area);
	else
		*iova = at;
	return ret;
}

/* ---- copy --------------------------------------------------------------- */

/* The part [first, last] of @from, at the IOVA that it has relative to @base. */
static struct ioas_area *piece_create(const struct ioas_area *from,
				      ioas_iova_t first, ioas_iova_t last,
				      ioas_iova_t base)
{
	const uint64_t byte = ioas_area_byte(from, first);
	const uint8_t lg2 = from->pages->page_lg2;
	struct ioas_area *a = ioas_zalloc(sizeof(*a), IOAS_FP_ALLOC_AREA);

	if (!a)
		return NULL;
	a->pages = ioas_pages_get(from->pages);
	a->index = byte >> lg2;
	a->page_offset = (uint32_t)(byte & (((uint64_t)1 << lg2) - 1));
	a->iova = first - base;
	a->last = last - base;
	return a;
}

static int copy_collect(struct ioas *src, ioas_iova_t iova, ioas_iova_t last,
			struct ioas_area **chain)
	__must_hold_shared(src->iova_lock)
{
	struct ioas_area **tail = chain;

	ioas_assert_read(&src->iova_lock);
	for (ioas_iova_t at = iova;;) {
		const struct ioas_area *from = ioas_rangemap_find(&src->areas,
								  at);
		ioas_iova_t end;

		if (!from || from->state != IOAS_AREA_LIVE)
			return -ENOENT;
		end = ioas_min(last, from->last);
		*tail = piece_create(from, at, end, iova);
		if (!*tail)
			return -ENOMEM;
		if (end == last)
			return 0;
		tail = &(*tail)->next;
		at = end + 1;
	}
}

int ioas_iopt_copy(struct ioas *dst, struct ioas *src, ioas_iova_t src_iova,
		   uint64_t length, uint32_t prot, unsigned int flags,
		   ioas_iova_t *dst_iova)
{
	ioas_iova_t last, at = flags & IOAS_MAP_FIXED ? *dst_iova : 0;
	struct ioas_area *chain = NULL;
	int ret;

	if (!length || dst->ctx != src->ctx)
		return -EINVAL;
	if (!ioas_last(src_iova, length, &last))
		return -EOVERFLOW;
	/* A change of process must find none of its pages objects in flight. */
	ioas_read_lock(&src->ctx->create_lock, IOAS_RANK_CONTEXT);
	ioas_read_lock(&src->iova_lock, IOAS_RANK_IOVA);
	ret = copy_collect(src, src_iova, last, &chain);
	ioas_read_unlock(&src->iova_lock);
	if (!ret)
		ret = chain_map(dst, chain, length, prot, flags, &at);
	ioas_read_unlock(&src->ctx->create_lock);
	ioas_trace(IOAS_TP_COPY, src_iova, last, (uint64_t)ret);
	if (ret)
		ioas_areas_free(chain);
	else
		*dst_iova = at;
	return ret;
}
