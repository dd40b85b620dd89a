/* SPDX-License-Identifier: MIT */
/*
 * ledger: every allocation of the library, and every fault point, seen from
 * outside
 *
 *    library --> ioas_plat_alloc()      --wrap--> ledger --> the platform
 *            --> ioas_plat_fault_hit()  --wrap--> ledger --> the platform
 *
 * The linker redirects the calls (tests/lib/meson.build), so the library under
 * test is the one that ships. The ledger knows what is alive, checks that a
 * release names the size that was asked for, and can refuse everything: also
 * the allocations that have no fault point, because they are allowed to fail.
 */
#ifndef TESTS_LIB_LEDGER_H
#define TESTS_LIB_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "seam/fault.h"

/* Allocations alive now. */
uint64_t ledger_live(void);
/* Successful allocations since the program began. */
uint64_t ledger_total(void);
/* Print up to a dozen of those alive. */
void ledger_print(void);
/* Refuse all allocations from now on, or stop refusing. */
void ledger_refuse(bool on);
/* How many were refused since refusing was switched on. */
uint64_t ledger_refused(void);
/* Releases with a wrong size, or of what is not alive. */
uint64_t ledger_violations(void);

/*
 * Once a point of @f failed (f->failed), let every later one fail too: the
 * pairs of ioas-tests 8, all second members at once. NULL: off.
 */
void ledger_fail_after(struct ioas_fault *f);
/*
 * The @nth hit of this point fails; 0: every one. IOAS_NR_FAULT_POINTS: none.
 */
void ledger_fail_point(enum ioas_fault_point point, uint64_t nth);
/* Points of @f reached since it was armed. */
uint64_t ledger_points(const struct ioas_fault *f);
/* Name of a point, as in IOAS_FAULT_POINTS. */
const char *ledger_point_name(unsigned int point);

#endif
