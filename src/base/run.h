/* SPDX-License-Identifier: MIT */
/*
 * run: appending to a vector of runs, which melts what continues
 *
 *    runs   [ 100, 3 ][ 7, 1 ] . . .      append (8, 2):   [ 100, 3 ][ 7, 3 ]
 *                                         append (20, 1):  ... [ 20, 1 ]
 */
#ifndef IOAS_BASE_RUN_H
#define IOAS_BASE_RUN_H

#include "base/bits.h"

/* Does @pfn continue the last of @nr_runs? */
static inline bool ioas_runs_melt(const struct ioas_run *runs,
				  uint32_t nr_runs, ioas_pfn_t pfn)
{
	return nr_runs &&
	       runs[nr_runs - 1].pfn + runs[nr_runs - 1].nr == pfn;
}

/* Would an append be accepted? */
static inline bool ioas_runs_room(const struct ioas_run *runs,
				  uint32_t nr_runs, uint32_t max,
				  ioas_pfn_t pfn)
{
	return nr_runs < max || ioas_runs_melt(runs, nr_runs, pfn);
}

/*
 * Lengthen the last run, or use a new one; false refuses: there are @max, and
 * nothing changed.
 */
static inline bool ioas_runs_append(struct ioas_run *runs, uint32_t *nr_runs,
				    uint32_t max, ioas_pfn_t pfn, uint64_t nr)
{
	if (ioas_runs_melt(runs, *nr_runs, pfn)) {
		runs[*nr_runs - 1].nr += nr;
		return true;
	}
	if (*nr_runs == max)
		return false;
	runs[*nr_runs] = (struct ioas_run){ pfn, nr };
	++*nr_runs;
	return true;
}

#endif
