/* SPDX-License-Identifier: MIT */
/*
 * table: a domain whose mappings live in an IO page table
 *
 * It adds to src/pt what the core expects of a domain: the ops, dirty tracking
 * that can be switched, the errors of docs/reference/ioas-core.md Appendix B.
 */
#ifndef IOAS_DOMAIN_TABLE_H
#define IOAS_DOMAIN_TABLE_H

#include "domain/ops.h"
#include "pt/pt.h"

struct ioas_table_options {
	const struct ioas_pt_format *format; /* NULL: &ioas_pt_mock */
	/* Page sizes, aperture, memory and hooks; as for ioas_pt_create(). */
	struct ioas_pt_params pt;
	/* Offer the dirty tracking ops; some formats need IOAS_PT_DIRTY too. */
	bool dirty;
	/*
	 * Largest leaf where leaves of a page are asked for, for dirty bits
	 * finer than a page; a size of @pt.pgsizes. 0: the page.
	 */
	uint64_t small_leaf;
};

/**
 * ioas_table_domain_create() - an empty domain
 * @opts: read during the call
 * @out:  written on success; destroyed by its ops
 *
 * The aperture is the lower half where the format has two.
 *
 * Return: 0, -EOPNOTSUPP (@dirty, but leaves are not tracked), or what
 * ioas_pt_create() says.
 */
int ioas_table_domain_create(const struct ioas_table_options *opts,
			     struct ioas_domain **out);

/* The page table of @d, which a device may walk; NULL if @d has none. */
struct ioas_pt *ioas_table_domain_pt(struct ioas_domain *d);

/* Tracking is switched on. */
bool ioas_table_domain_tracks_dirty(struct ioas_domain *d);

/*
 * A device wrote [@iova, @last]: leaves become dirty. Does nothing while
 * tracking is off; skips what is not mapped.
 */
void ioas_table_domain_mark_dirty(struct ioas_domain *d, ioas_iova_t iova,
				  ioas_iova_t last);

/* No operation may be running. True if the tables are sound. */
bool ioas_table_domain_validate(struct ioas_domain *d);

#endif
