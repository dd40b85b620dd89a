/* SPDX-License-Identifier: MIT */
/*
 * view_impl: what a domain keeps for its views; for src/domain only
 *
 *   struct ioas_views                          in the table domain
 *     list ----> view ----> view ----> ..      who may be inside
 *     generations                              what they may remember
 *
 * Who changes tables calls, in this order:
 *
 *   items changed -> ioas_views_invalidate() -> ioas_views_sync() -> reuse
 *
 * Without a view both are a load and a branch. That load needs no order after
 * the stores to the items, although a view may be registered at that moment:
 * registration ends with a barrier of all threads, so whoever did not see the
 * view has changed his items for its eyes.
 *
 *   who unmaps           | who registers           | the view
 *   item = 0             | nr = 1                  |
 *   nr? 0: nothing to do |                         |
 *                        | barrier of all threads  |
 *                        |                         | enter, walk: sees item 0
 */
#ifndef IOAS_DOMAIN_VIEW_IMPL_H
#define IOAS_DOMAIN_VIEW_IMPL_H

#include "base/list.h"
#include "domain/view.h"
#include "pt/pt.h"
#include "seam/lock.h"

struct view_generations;

struct ioas_views {
	/* Set once. @track: the domain's switch. */
	struct ioas_pt *pt;
	const atomic_bool *track;
	/* Views that exist. */
	_Atomic uint32_t nr;
	/* Guards @list and, until it is set, @generations. */
	struct ioas_mutex lock;
	struct ioas_list list;
	/* NULL until there is a first view. */
	struct view_generations *generations;
	/*
	 * Invalidations so far, and how many of them no view can have missed.
	 * 64 bits, like the generations, so that they do not come around.
	 */
	_Atomic uint64_t stale;
	_Atomic uint64_t settled;
};

void ioas_views_init(struct ioas_views *vs, struct ioas_pt *pt,
		     const atomic_bool *track);
/* False: there are views still, and nothing was done. */
bool ioas_views_fini(struct ioas_views *vs);

void ioas_views_changed(struct ioas_views *vs, ioas_iova_t iova,
			ioas_iova_t last);
void ioas_views_grace(struct ioas_views *vs);

static inline bool ioas_views_present(struct ioas_views *vs)
{
	/* The compiler keeps what was done to the items before it. */
	atomic_signal_fence(memory_order_seq_cst);
	return ioas_unlikely(
		atomic_load_explicit(&vs->nr, memory_order_acquire));
}

/* Leaves in [@iova, @last], as wholes, are not what they were. */
static inline void ioas_views_invalidate(struct ioas_views *vs,
					 ioas_iova_t iova, ioas_iova_t last)
{
	if (ioas_views_present(vs))
		ioas_views_changed(vs, iova, last);
}

/* No view uses what was invalidated before the call. */
static inline void ioas_views_sync(struct ioas_views *vs)
{
	if (ioas_views_present(vs))
		ioas_views_grace(vs);
}

/* Of a domain with a page table; NULL for others. In table.c. */
struct ioas_views *ioas_table_domain_views(struct ioas_domain *d);

#endif
