/* SPDX-License-Identifier: MIT */
/*
 * sweep: a script again and again, with every fault point failing once
 *
 *    clean run     op 0 | op 1 |  op 2  | op 3 ...    texts t0 t1 t2 t3
 *    points               1  2   3 4 5    6
 *    n = 4         op 0 | op 1 | op 2 fails: as t1 | op 2 again: as t2 | op 3
 *
 * After the n-th point failed: the operation said so, or could do without; the
 * state is that before it (INV-F1); nothing on the way back had a fault point
 * (INV-F2); the same operation again has the result and the state of the clean
 * run; at the end everything can be destroyed and no ledger has an entry
 * (INV-F4).
 */
#ifndef TESTS_FAIL_NTH_SWEEP_H
#define TESTS_FAIL_NTH_SWEEP_H

#include "script.h"

#define SWEEP_OPS 128

struct sweep {
	/* How often each point was reached, failed, and was done without. */
	uint64_t reached[IOAS_NR_FAULT_POINTS];
	uint64_t failed[IOAS_NR_FAULT_POINTS];
	uint64_t spared[IOAS_NR_FAULT_POINTS];
	uint64_t runs;
};

/* Every point of the script, one run each; its rows' own numbers as well. */
void sweep_script(struct sweep *sweep, const struct script *s,
		  const struct world_limits *limits);

/* How a script is mistreated as a whole. */
struct sweep_abuse {
	/* The row where it begins. */
	size_t from;
	/* A point that always fails; IOAS_NR_FAULT_POINTS: none. */
	enum ioas_fault_point point;
	/* Any point fails with this chance in 2^32. */
	uint32_t chance;
	uint64_t seed;
	/* No allocation and no point succeeds from this row on; SIZE_MAX. */
	size_t off_from;
	/* Nothing can be charged. */
	bool no_charge;
};

/*
 * Rows may fail, but then leave everything as it was; at the end everything
 * can be destroyed.
 */
void sweep_abuse(const struct script *s, const struct world_limits *limits,
		 const struct sweep_abuse *abuse);

/* The seed of what comes next, to be printed with a failure. */
void sweep_at(uint64_t seed);

/* Print the points with their numbers. */
void sweep_print(const struct sweep *sweep);
/* As well; fails the test if one that the core can reach never failed. */
void sweep_report(const struct sweep *sweep);

/* Teardown of a cmocka test: says where the sweep stopped, if it did. */
int sweep_teardown(void **state);

#endif
