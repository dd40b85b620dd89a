/* SPDX-License-Identifier: MIT */
/*
 * check: report a broken promise, once for each place
 *
 * With IOAS_ABORT_ON_CHECK in the environment, and always in debug builds,
 * the first one is the last: a test must not run on in a broken state.
 */
#include <stdio.h>
#include <stdlib.h>

#include "seam/plat.h"

/*
 * Places that have reported. More than there are checks that ever fail in one
 * process; when it is full, places report each time.
 */
#define NR_PLACES 256

static _Atomic uintptr_t places[NR_PLACES];

/* True if the check at @place has failed before. Linear probing. */
static bool place_seen(uintptr_t place)
{
	for (size_t i = 0; i < NR_PLACES; i++) {
		uintptr_t empty = 0;

		if (atomic_compare_exchange_strong(
			    &places[(place + i) % NR_PLACES], &empty, place))
			return false;
		if (empty == place)
			return true;
	}
	return false;
}

void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	/*
	 * The name of a function is an array of its own, so its address and
	 * the line make a place. Odd, hence never zero.
	 */
	uintptr_t place = ((uintptr_t)func * 31 + (uintptr_t)line) * 2 + 1;

	if (!place_seen(place))
		fprintf(stderr, "ioas: check failed: %s at %s:%d in %s\n", cond,
			file, line, func);
	if (IOAS_DEBUG || getenv("IOAS_ABORT_ON_CHECK"))
		abort();
}
