/* SPDX-License-Identifier: MIT */
/*
 * domain: page tables, and to which space each belongs
 *
 *   domain->user    NULL --attach--> space --detach--> NULL
 *                     ^-- failed --'
 *
 * A domain holds the map of one space; the core would mix two. So whoever
 * attaches first claims it here.
 */
#include "api/api.h"

#include "base/errno.h"
#include "core/dirty.h"
#include "domain/table.h"

#define PAGE_SIZES_DEFAULT \
	((uint64_t)1 << 12 | (uint64_t)1 << 21 | (uint64_t)1 << 30)
#define LAST_DEFAULT (((uint64_t)1 << 48) - 1)

int ioas_domain_create(const struct ioas_domain_options *opts,
		       struct ioas_domain **domain)
{
	struct ioas_domain_options o;
	struct ioas_table_options table;
	int ret;

	ret = ioas_api_options(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (o.format != IOAS_PT_MOCK ||
	    o.flags & ~(unsigned int)IOAS_DOMAIN_DIRTY)
		return -EOPNOTSUPP;
	table = (struct ioas_table_options){
		.format = &ioas_pt_mock,
		.pt = {
			.pgsizes = o.page_sizes ? o.page_sizes :
						  PAGE_SIZES_DEFAULT,
			.first = o.first,
			.last = o.last ? o.last : LAST_DEFAULT,
		},
		.dirty = o.flags & IOAS_DOMAIN_DIRTY,
	};
	return ioas_table_domain_create(&table, domain);
}

int ioas_domain_destroy(struct ioas_domain *domain)
{
	if (!domain)
		return 0;
	if (atomic_load(&domain->user))
		return -EBUSY;
	domain->ops->destroy(domain);
	return 0;
}

int ioas_attach(struct ioas *ioas, struct ioas_domain *domain)
{
	struct ioas_api_call call;
	void *space = NULL;
	int ret;

	if (!atomic_compare_exchange_strong(&domain->user, &space, ioas))
		return space == ioas ? -EEXIST : -EBUSY;
	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_iopt_attach(ioas, domain);
	ioas_api_leave(&call);
	if (ret)
		atomic_store(&domain->user, NULL);
	return ret;
}

int ioas_detach(struct ioas *ioas, struct ioas_domain *domain)
{
	struct ioas_api_call call;

	if (atomic_load(&domain->user) != ioas)
		return -ENOENT;
	ioas_api_enter(&call, ioas->ctx);
	ioas_iopt_detach(ioas, domain);
	ioas_api_leave(&call);
	atomic_store(&domain->user, NULL);
	return 0;
}

int ioas_domain_translate(struct ioas_domain *domain, uint64_t iova,
			  uint64_t *address, uint64_t *length)
{
	uint64_t follow, last;
	int ret;

	if (length && !*length)
		return -EINVAL;
	if (iova < domain->first || iova > domain->last)
		return -ENOENT;
	/* A range that wraps ends where the domain does. */
	if (!ioas_last(iova, length ? *length : 1, &last))
		last = domain->last;
	ret = domain->ops->translate_run(domain, iova,
					 ioas_min(last, domain->last), NULL,
					 address, &follow);
	if (!ret && length)
		*length = follow;
	return ret;
}

int ioas_domain_mark_dirty(struct ioas_domain *domain, uint64_t iova,
			   uint64_t length)
{
	uint64_t last;

	if (!length)
		return -EINVAL;
	if (!ioas_last(iova, length, &last))
		return -EOVERFLOW;
	if (!domain->ops->set_dirty_tracking)
		return -EOPNOTSUPP;
	iova = ioas_max(iova, domain->first);
	last = ioas_min(last, domain->last);
	if (iova <= last)
		ioas_table_domain_mark_dirty(domain, iova, last);
	return 0;
}

int ioas_set_dirty_tracking(struct ioas *ioas, struct ioas_domain *domain,
			    bool on)
{
	return ioas_dirty_set(ioas, domain, on);
}

int ioas_read_dirty(struct ioas *ioas, struct ioas_domain *domain,
		    const struct ioas_dirty_query *query)
{
	struct ioas_dirty_query q;
	struct ioas_dirty_request rq;
	struct ioas_api_call call;
	int ret;

	ret = ioas_api_options(&q, sizeof(q), query);
	if (ret)
		return ret;
	if (q.flags & ~(unsigned int)IOAS_DIRTY_KEEP)
		return -EOPNOTSUPP;
	if (!q.bitmap)
		return -EINVAL;
	rq = (struct ioas_dirty_request){
		.iova = q.iova,
		.length = q.length,
		.granularity = q.granularity,
		.bitmap = (uintptr_t)q.bitmap,
		.flags = q.flags & IOAS_DIRTY_KEEP ? IOAS_DIRTY_NO_CLEAR : 0,
	};
	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_dirty_read(ioas, domain, &rq);
	ioas_api_leave(&call);
	return ret;
}

static bool count_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	struct ioas_domain_stats *st = ctx;

	st->nr_entries++;
	st->entries[leaf->lg2]++;
	return true;
}

int ioas_domain_stats(struct ioas_domain *domain,
		      struct ioas_domain_stats *stats)
{
	struct ioas_pt *pt = ioas_table_domain_pt(domain);
	struct ioas_domain_stats st = { 0 };

	if (pt) {
		st.memory = ioas_pt_memory(pt);
		ioas_pt_for_each_leaf(pt, count_leaf, &st);
	}
	return ioas_api_answer(stats, &st, sizeof(st));
}
