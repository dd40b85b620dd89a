/* SPDX-License-Identifier: MIT */
/*
 * flat: a domain that is a sorted array of runs, obviously right
 *
 * The oracle of the tests. It checks whatever the contract of ops.h asks of
 * its caller and reports breaches through IOAS_CHECK(): alignment, aperture,
 * double map, gaps, an unmap that cuts a run (INV-B5), operations on
 * overlapping ranges at the same time, a sink that refuses a continuation.
 * Any granule works, down to one byte.
 */
#ifndef IOAS_DOMAIN_FLAT_H
#define IOAS_DOMAIN_FLAT_H

#include "domain/ops.h"

enum ioas_flat_answer {
	/* translate_run goes as far as it can. */
	IOAS_FLAT_FULL,
	/* It stops at the end of the page: legal, and the least allowed. */
	IOAS_FLAT_SHORT,
};

struct ioas_flat_options {
	uint64_t pgsizes;
	ioas_iova_t first;
	ioas_iova_t last;
	enum ioas_flat_answer answer;
	/* Offer the dirty tracking ops. */
	bool dirty;
};

struct ioas_flat_stats {
	uint64_t maps; /* successful calls */
	uint64_t runs; /* map calls in the sense of INV-B5 */
	uint64_t unmaps; /* calls */
	uint64_t removed; /* runs */
	uint64_t translates;
	uint64_t syncs;
	uint64_t dirty_reads;
	uint64_t allocations;
	uint64_t entries; /* runs mapped now */
	uint64_t bytes; /* bytes mapped now */
	uint64_t unsynced; /* runs removed since the last sync */
};

/**
 * ioas_flat_domain_create() - an empty domain
 * @opts: read during the call
 * @out:  written on success; destroyed by its ops
 *
 * Return: 0, -EINVAL (no page size, empty aperture), -ENOMEM.
 */
int ioas_flat_domain_create(const struct ioas_flat_options *opts,
			    struct ioas_domain **out);

/* One run, as it was mapped. */
struct ioas_flat_run {
	ioas_iova_t iova;
	ioas_iova_t last;
	uint64_t addr;
	/* enum ioas_prot */
	uint32_t prot;
	/* Number of the map call (INV-B5); never used twice. */
	uint64_t id;
};

/* The run that holds @iova; false if nothing is mapped there. */
bool ioas_flat_domain_find(struct ioas_domain *d, ioas_iova_t iova,
			   struct ioas_flat_run *run);
/* The first run at or after @iova; to enumerate all of them. */
bool ioas_flat_domain_next(struct ioas_domain *d, ioas_iova_t iova,
			   struct ioas_flat_run *run);
/*
 * Could a device still reach an output address in [@addr, @addr_last]: mapped,
 * or unmapped and not yet synced (INV-C5)? Looks at every run.
 */
bool ioas_flat_domain_reaches(struct ioas_domain *d, uint64_t addr,
			      uint64_t addr_last);

bool ioas_flat_domain_tracks_dirty(struct ioas_domain *d);
/*
 * A device wrote: granules become dirty. Does nothing while tracking is off;
 * skips what is not mapped. Return: 0 or -ENOMEM.
 */
int ioas_flat_domain_mark_dirty(struct ioas_domain *d, ioas_iova_t iova,
				ioas_iova_t last);
bool ioas_flat_domain_is_dirty(struct ioas_domain *d, ioas_iova_t iova);

void ioas_flat_domain_stats(struct ioas_domain *d,
			    struct ioas_flat_stats *stats);
/* No operation may be running. True if the array is sorted and disjoint. */
bool ioas_flat_domain_validate(struct ioas_domain *d);

#endif
