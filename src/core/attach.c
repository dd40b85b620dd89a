/* SPDX-License-Identifier: MIT */
/*
 * attach: domains come and go (ioas-core 12.6, 12.7, 12.12)
 *
 *   first domain    every area: IDLE -> DOM, ACC -> BOTH; the areas are linked
 *   further ones    frames come from the store or another domain
 *   one leaves      nothing is read, nothing unpinned; another one stores
 *   the last leaves frames that no record needs go back to the origin
 *
 * Both locks are held exclusive throughout, so every area is LIVE (A7).
 */
#include "base/errno.h"
#include "base/mem.h"
#include "core/drain.h"
#include "core/iova.h"
#include "seam/fault.h"
#include "seam/trace.h"

/* What lies outside its aperture, owned by the domain. */
static int reserve_aperture(struct ioas *ioas, const struct ioas_domain *d)
	__must_hold(ioas->iova_lock)
{
	struct ioas_iova_range outside[2];
	uint32_t nr = 0;

	if (d->first)
		outside[nr++] = (struct ioas_iova_range){ 0, d->first - 1 };
	if (d->last != IOAS_U64_MAX)
		outside[nr++] = (struct ioas_iova_range){ d->last + 1,
							  IOAS_U64_MAX };
	return ioas_iova_reserve(ioas, outside, nr, d, true);
}

static int domains_room(struct ioas *ioas)
{
	const uint32_t cap = ioas->cap_domains ? ioas->cap_domains * 2 : 2;
	struct ioas_domain **grown;

	if (ioas->nr_domains < ioas->cap_domains)
		return 0;
	grown = ioas_alloc(cap * sizeof(*grown), IOAS_FP_ALLOC_LIST);
	if (!grown)
		return -ENOMEM;
	if (ioas->nr_domains)
		memcpy(grown, ioas->domains,
		       ioas->nr_domains * sizeof(*grown));
	ioas_free(ioas->domains, ioas->cap_domains * sizeof(*grown));
	ioas->domains = grown;
	ioas->cap_domains = cap;
	return 0;
}

/* Every area below @end, chained by next; all of them, if NULL. */
static struct ioas_area *areas_chain(struct ioas *ioas,
				     const struct ioas_area *end)
{
	struct ioas_area *chain = NULL, **tail = &chain;
	struct ioas_range r;

	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		struct ioas_area *a = r.value;

		if (a == end)
			break;
		IOAS_CHECK(a->state != IOAS_AREA_LIVE); /* A7 */
		a->next = NULL;
		*tail = a;
		tail = &a->next;
	}
	return chain;
}

/* Out of @domain, while others keep the pages. */
static void areas_leave(struct ioas *ioas, struct ioas_area *chain,
			struct ioas_domain *domain)
{
	for (struct ioas_area *a = chain; a; a = a->next) {
		struct ioas_pages *pages = a->pages;
		const bool device = ioas_pages_is_device(pages);

		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		ioas_assert_held(&pages->mutex);
		if (a->storage == domain)
			a->storage = ioas->domains[0];
		if (!device || !pages->device->revoked)
			ioas_area_unmap(a, domain, a->index,
					ioas_area_last_index(a));
		if (device) {
			/* From here on a revocation does not see it. */
			ioas_sync(&domain, 1);
			ioas_device_unregister(pages, a, domain);
		}
		ioas_mutex_unlock(&a->pages->mutex);
	}
	ioas_sync(&domain, 1);
}

/* @domain is not in the list; was it the only one? */
static void areas_forget(struct ioas *ioas, struct ioas_area *chain,
			 struct ioas_domain *domain)
{
	if (ioas->nr_domains)
		areas_leave(ioas, chain, domain);
	else
		ioas_areas_drain(chain, &domain, 1, &ioas->ctx->tuning);
}

static int areas_join(struct ioas *ioas, struct ioas_domain *domain)
{
	struct ioas_area *chain = areas_chain(ioas, NULL);

	for (struct ioas_area *a = chain; a; a = a->next) {
		int ret;

		ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
		ret = ioas_area_fill(a, &domain, 1, !ioas->nr_domains);
		ioas_mutex_unlock(&a->pages->mutex);
		if (ret) {
			areas_forget(ioas, areas_chain(ioas, a), domain);
			return ret;
		}
	}
	return 0;
}

static int attach_locked(struct ioas *ioas, struct ioas_domain *domain)
	__must_hold(ioas->domains_lock) __must_hold(ioas->iova_lock)
{
	const uint64_t granule = ioas_domain_granule(domain);
	int ret;

	if (ioas_domain_index(ioas, domain) < ioas->nr_domains)
		return -EEXIST;
	if (granule > ioas_page_size(ioas->ctx))
		return -EINVAL;
	if (granule > ioas->alignment && !ioas_iova_conforms(ioas, granule))
		return -EADDRINUSE;
	ret = reserve_aperture(ioas, domain);
	if (ret)
		return ret;
	ret = domains_room(ioas);
	if (!ret)
		ret = areas_join(ioas, domain);
	if (ret) {
		ioas_iova_unreserve(ioas, domain, true);
		return ret;
	}
	ioas->domains[ioas->nr_domains++] = domain;
	ioas->alignment = (uint32_t)ioas_max(ioas->alignment, granule);
	return 0;
}

int ioas_iopt_attach(struct ioas *ioas, struct ioas_domain *domain)
{
	int ret;

	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ret = attach_locked(ioas, domain);
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	ioas_trace(IOAS_TP_ATTACH, (uintptr_t)ioas, (uintptr_t)domain,
		   (uint64_t)ret);
	return ret;
}

void ioas_iopt_detach(struct ioas *ioas, struct ioas_domain *domain)
{
	uint32_t d;

	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	d = ioas_domain_index(ioas, domain);
	if (!IOAS_CHECK(d == ioas->nr_domains)) {
		ioas->domains[d] = ioas->domains[--ioas->nr_domains];
		areas_forget(ioas, areas_chain(ioas, NULL), domain);
		ioas_iova_unreserve(ioas, domain, true);
		ioas_iova_realign(ioas);
	}
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	ioas_trace(IOAS_TP_DETACH, (uintptr_t)ioas, (uintptr_t)domain, 0);
}

static int small_pages_on(struct ioas *ioas) __must_hold(ioas->iova_lock)
{
	struct ioas_range r;
	int ret;

	if (ioas->small_pages)
		return 0;
	if (ioas->nr_domains &&
	    ioas_rangemap_first(&ioas->areas, 0, IOAS_U64_MAX, &r))
		return -EINVAL;
	ret = ioas_iova_raise(ioas, ioas_page_size(ioas->ctx));
	if (!ret)
		ioas->small_pages = true;
	return ret;
}

int ioas_iopt_set_small_pages(struct ioas *ioas, bool on)
{
	int ret = 0;

	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	if (on) {
		ret = small_pages_on(ioas);
	} else if (ioas->small_pages) {
		ioas->small_pages = false;
		ioas_iova_realign(ioas);
	}
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	return ret;
}
