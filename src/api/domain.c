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
#include "domain/view.h"

#define MOCK_PAGE_SIZES \
	((uint64_t)1 << 12 | (uint64_t)1 << 21 | (uint64_t)1 << 30)
#define MOCK_LAST (((uint64_t)1 << 48) - 1)

/* By enum ioas_format. */
static const char *const format_names[] = {
	[IOAS_PT_MOCK] = "mock",
	[IOAS_PT_AMDV1] = "amdv1",
	[IOAS_PT_VTDSS] = "vtdss",
	[IOAS_PT_X86_64] = "x86_64",
	[IOAS_PT_ARM64_S1] = "arm64_s1",
	[IOAS_PT_ARM64_S2] = "arm64_s2",
	[IOAS_PT_RISCV64] = "riscv64",
	[IOAS_PT_RISCV64_X4] = "riscv64_x4",
};

/* By bit of enum ioas_domain_flags: enum ioas_pt_flags. */
static const uint32_t pt_flags[] = {
	IOAS_PT_DIRTY,
	IOAS_PT_SIGN_EXTEND,
	IOAS_PT_GROW,
	IOAS_PT_FORCE_COHERENT,
	IOAS_PT_REQUIRE_WRITE,
	IOAS_PT_CONTIGUOUS,
	IOAS_PT_S2FWB,
	IOAS_PT_BREAK,
};

_Static_assert(IOAS_DOMAIN_BREAK ==
		       1u << (sizeof(pt_flags) / sizeof(*pt_flags) - 1),
	       "a bit of enum ioas_domain_flags has no place");

static uint32_t domain_pt_flags(unsigned int flags)
{
	uint32_t pt = 0;

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(pt_flags); i++)
		if (flags >> i & 1)
			pt |= pt_flags[i];
	return pt;
}

/* Return: 0, -EINVAL or -EOPNOTSUPP; the rest is checked by the page table. */
static int domain_options(const struct ioas_domain_options *o,
			  struct ioas_table_options *table)
{
	if (o->format >= IOAS_ARRAY_SIZE(format_names) ||
	    o->flags >> IOAS_ARRAY_SIZE(pt_flags))
		return -EOPNOTSUPP;
	if (o->reserved)
		return -EINVAL;
	*table = (struct ioas_table_options){
		.format = ioas_pt_format_find(format_names[o->format],
					      o->granule_lg2),
		.pt = {
			.pgsizes = o->page_sizes,
			.first = o->first,
			.last = o->last,
			.va_bits = o->va_bits,
			.oa_bits = o->oa_bits,
			.levels = o->levels,
			.flags = domain_pt_flags(o->flags),
			.c_bit = o->c_bit,
		},
		.dirty = o->flags & IOAS_DOMAIN_DIRTY,
	};
	if (o->format == IOAS_PT_MOCK && !o->page_sizes)
		table->pt.pgsizes = MOCK_PAGE_SIZES;
	if (o->format == IOAS_PT_MOCK && !o->last)
		table->pt.last = MOCK_LAST;
	return table->format ? 0 : -EOPNOTSUPP;
}

int ioas_domain_create(const struct ioas_domain_options *opts,
		       struct ioas_domain **domain)
{
	struct ioas_domain_options o;
	struct ioas_table_options table;
	int ret;

	ret = ioas_api_options(&o, sizeof(o), opts);
	if (!ret)
		ret = domain_options(&o, &table);
	return ret ? ret : ioas_table_domain_create(&table, domain);
}

int ioas_domain_destroy(struct ioas_domain *domain)
{
	if (!domain)
		return 0;
	if (atomic_load(&domain->user) || ioas_dview_exists(domain))
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
