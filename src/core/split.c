/* SPDX-License-Identifier: MIT */
/*
 * split: cut an area in two that share its pages object (ioas-core 12.11)
 *
 *   before   [            area             ]      index i0 ........ i1
 *   after    [   left    ][     right      ]            i0 .. k, k' .. i1
 *                        ^ cut, the last IOVA of left
 *
 * Domains are not touched and no page changes state. If the cut falls inside
 * a page, both halves cover that page.
 */
#include "base/errno.h"
#include "core/iopt.h"
#include "seam/fault.h"

/* A part [first, last] of @a that is going to replace it; no reference yet. */
static struct ioas_area *half_create(const struct ioas_area *a,
				     ioas_iova_t first, ioas_iova_t last)
{
	const uint64_t byte = ioas_area_byte(a, first);
	struct ioas_area *half = ioas_zalloc(sizeof(*half), IOAS_FP_ALLOC_AREA);

	if (!half)
		return NULL;
	half->ioas = a->ioas;
	half->iova = first;
	half->last = last;
	half->pages = a->pages;
	half->index = byte >> a->pages->page_lg2;
	half->page_offset =
		(uint32_t)(byte & (((uint64_t)1 << a->pages->page_lg2) - 1));
	half->prot = a->prot;
	half->state = IOAS_AREA_LIVE;
	half->storage = a->storage;
	return half;
}

/* Both halves into the linked set, if @a is in it; @a stays for now. */
static int halves_link(const struct ioas_area *a, struct ioas_area *left,
		       struct ioas_area *right) __must_hold(a->pages->mutex)
{
	int ret;

	if (!a->storage)
		return 0;
	ret = ioas_pages_link(a->pages, left);
	if (ret)
		return ret;
	ret = ioas_pages_link(a->pages, right);
	if (ret)
		ioas_pages_unlink(a->pages, left);
	return ret;
}

static int split_pages(struct ioas_area *a, struct ioas_area *left,
		       struct ioas_area *right)
	__must_hold(a->ioas->iova_lock) __must_hold(a->pages->mutex)
{
	struct ioas_pages *pages = a->pages;
	int ret;

	ioas_assert_held(&pages->mutex);
	/* It may have been mapped by leaves that straddle the cut. */
	if (a->nr_accesses || (a->storage && !a->ioas->small_pages))
		return -EINVAL;
	ret = halves_link(a, left, right);
	if (ret)
		return ret;
	ret = ioas_rangemap_split(&a->ioas->areas, a->iova, left->last, left,
				  right);
	if (ret && a->storage) {
		ioas_pages_unlink(pages, left);
		ioas_pages_unlink(pages, right);
	}
	if (ret)
		return ret;
	if (a->storage)
		ioas_pages_unlink(pages, a);
	ioas_pages_get(pages);
	return 0;
}

static bool cut_is_aligned(const struct ioas_area *a, ioas_iova_t cut)
{
	return ioas_is_aligned((cut + 1) | ioas_area_byte(a, cut + 1),
			       a->ioas->alignment);
}

static int split_area(struct ioas_area *a, ioas_iova_t cut)
	__must_hold(a->ioas->iova_lock)
{
	struct ioas_pages *pages = a->pages;
	struct ioas_area *left, *right = NULL;
	int ret = -ENOMEM;

	if (cut == a->iova || cut == a->last)
		return 0;
	if (a->state != IOAS_AREA_LIVE || a->closing)
		return -EBUSY;
	if (ioas_pages_is_device(pages))
		return -EOPNOTSUPP;
	if (!cut_is_aligned(a, cut))
		return -EINVAL;
	left = half_create(a, a->iova, cut);
	if (left)
		right = half_create(a, cut + 1, a->last);
	if (right) {
		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		ret = split_pages(a, left, right);
		ioas_mutex_unlock(&a->pages->mutex);
	}
	if (!ret) {
		ioas_area_free(a);
		return 0;
	}
	if (left)
		ioas_area_free(left);
	if (right)
		ioas_area_free(right);
	return ret;
}

int ioas_iopt_split(struct ioas *ioas, const ioas_iova_t *cuts, uint32_t nr)
{
	int ret = 0;

	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	for (uint32_t i = 0; !ret && i < nr; i++) {
		struct ioas_area *a = ioas_rangemap_find(&ioas->areas, cuts[i]);

		if (!a)
			continue;
		ioas_assert_write(&a->ioas->iova_lock);
		ret = split_area(a, cuts[i]);
	}
	ioas_write_unlock(&ioas->iova_lock);
	return ret;
}
