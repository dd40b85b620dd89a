/* SPDX-License-Identifier: MIT */
/*
 * lockdep: the graph of acquisitions seen so far, for tests
 */
#ifndef IOAS_PLAT_COMMON_LOCKDEP_H
#define IOAS_PLAT_COMMON_LOCKDEP_H

#include "base/types.h"

/* Ranks are below this: each is one bit of a set. */
#define IOAS_NR_RANKS 24

/*
 * The ranks that some thread took while it held a lock of @rank, as a set of
 * bits. Nested acquisitions of one rank are no edge: their order is the
 * caller's, not the rank's.
 */
uint32_t ioas_lockdep_after(unsigned int rank);
void ioas_lockdep_forget(void);

#endif
