/* SPDX-License-Identifier: MIT */
/*
 * look: what a space says about itself
 *
 * Reads under the core's own locks, in their order: domains, IOVA, pages.
 */
#include "api/api.h"

#include "base/errno.h"
#include "core/account.h"
#include "core/stepmap.h"

static void count_areas(struct ioas *ioas, struct ioas_stats *st)
	__must_hold_shared(ioas->iova_lock)
{
	struct ioas_range r;

	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
		st->nr_mappings++;
		st->mapped += r.last - r.first + 1;
	}
}

static uint64_t count_clients(struct ioas *ioas)
{
	uint64_t nr = 0;

	ioas_mutex_lock(&ioas->access_lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, &ioas->accesses)
		nr++;
	ioas_mutex_unlock(&ioas->access_lock);
	return nr;
}

int ioas_stats(struct ioas *ioas, struct ioas_stats *stats)
{
	struct ioas_principal *p = ioas_api_context(ioas->ctx)->principal;
	struct ioas_stats st = { 0 };

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	count_areas(ioas, &st);
	st.nr_domains = ioas->nr_domains;
	st.nr_clients = count_clients(ioas);
	st.alignment = ioas->alignment;
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
	st.page_size = ioas_page_size(ioas->ctx);
	st.context_pinned = atomic_load(&p->mm->pinned);
	st.context_charged = atomic_load(&p->user->charged) +
			     atomic_load(&p->mm->charged);
	return ioas_api_answer(stats, &st, sizeof(st));
}

/* Domains of @ioas that translate @iova, and to which address. */
static void page_domains(struct ioas *ioas, ioas_iova_t iova,
			 struct ioas_page_info *info)
	__must_hold_shared(ioas->domains_lock)
{
	for (uint32_t i = 0; i < ioas->nr_domains; i++) {
		struct ioas_domain *d = ioas->domains[i];
		uint64_t address, length;

		if (d->ops->translate_run(d, iova, iova, NULL, &address,
					  &length))
			continue;
		info->address = address;
		info->nr_domains++;
	}
}

/* Which sets have the page, and what its object counts. */
static void page_tiers(struct ioas_pages *pages, struct ioas_page_info *info)
	__must_hold(pages->mutex)
{
	const struct ioas_cset *linked, *access;
	struct ioas_cset tmp;
	bool dom, acc;

	info->nr_pinned = pages->nr_pinned;
	info->nr_charged = pages->nr_charged;
	linked = ioas_pages_linked_set(pages, &tmp);
	dom = linked && ioas_cset_count(linked, info->index);
	acc = false;
	if (!ioas_pages_is_device(pages) && pages->access) {
		access = ioas_pages_access_set(pages);
		acc = access && ioas_cset_count(access, info->index);
		info->store_runs = ioas_store_runs(&pages->access->store);
	}
	if (acc)
		info->state = dom ? IOAS_PAGE_BOTH : IOAS_PAGE_ACC;
	else
		info->state = dom ? IOAS_PAGE_DOM : IOAS_PAGE_IDLE;
}

/* The frame as the store has it: the only place while the state is ACC. */
static void page_store(const struct ioas_area *area, ioas_iova_t iova,
		       struct ioas_page_info *info)
	__must_hold(area->pages->mutex)
{
	struct ioas_pages *pages = area->pages;
	uint64_t mask = ((uint64_t)1 << pages->page_lg2) - 1;
	struct ioas_run run;

	if (ioas_pages_is_device(pages) || !pages->access)
		return;
	run = ioas_store_get(&pages->access->store, info->index, info->index);
	if (!run.nr)
		return;
	info->in_store = 1;
	info->address = (run.pfn << pages->page_lg2) |
			(ioas_area_byte(area, iova) & mask);
}

static void area_flags(const struct ioas_area *area,
		       struct ioas_page_info *info)
{
	info->area_first = area->iova;
	info->area_last = area->last;
	if (area->prot & IOAS_PROT_READ)
		info->flags |= IOAS_READ;
	if (area->prot & IOAS_PROT_WRITE)
		info->flags |= IOAS_WRITE;
	if (area->prot & IOAS_PROT_NOEXEC)
		info->flags |= IOAS_NOEXEC;
}

int ioas_page_info(struct ioas *ioas, uint64_t iova,
		   struct ioas_page_info *info)
{
	struct ioas_page_info in = { 0 };
	struct ioas_area *area;
	int ret = -ENOENT;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	area = ioas_rangemap_find(&ioas->areas, iova);
	/* An area that is being made or removed tells nothing. */
	if (!area || area->state != IOAS_AREA_LIVE)
		goto out_unlock;
	area_flags(area, &in);
	in.index = ioas_area_index(area, iova);
	ioas_mutex_lock(&area->pages->mutex, IOAS_RANK_PAGES);
	page_tiers(area->pages, &in);
	page_domains(ioas, iova, &in);
	page_store(area, iova, &in);
	ioas_mutex_unlock(&area->pages->mutex);
	ret = 0;
out_unlock:
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
	return ret ? ret : ioas_api_answer(info, &in, sizeof(in));
}

unsigned int ioas_validate(struct ioas *ioas)
{
	return ioas_iopt_validate(ioas);
}

void ioas_dump(struct ioas *ioas, void (*print)(void *data, const char *line),
	       void *data)
{
	ioas_iopt_dump(ioas, print, data);
}
