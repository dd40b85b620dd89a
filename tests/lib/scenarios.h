/* SPDX-License-Identifier: MIT */
/*
 * scenarios: S1 to S32 of docs/reference/ioas-tests.md section 7, as far as
 * they are scripts
 *
 * Each has its numbers for pins, store entries, charges and map calls in it.
 * They are independent of every limit: a batch ends at a discontinuity of
 * frames, so there is one map call for each run of frames whatever the size of
 * batches and windows (INV-H3).
 *
 * What needs more than a script (threads, timing, contents) is in
 * tests/unit/t_scenarios_more.c.
 */
#ifndef TESTS_LIB_SCENARIOS_H
#define TESTS_LIB_SCENARIOS_H

#include "script.h"

#define SCENARIO_OPS 64

/* One table, or a family of them that a function writes. */
struct scenario {
	const char *name;
	const struct op *ops;
	size_t nr;
	/* Rows of variant @v to @ops, which has room for SCENARIO_OPS. */
	size_t (*build)(unsigned int v, struct op *ops);
	unsigned int variants;
	/* So many pages that nobody may look at one at a time. */
	bool giant;
};

/* The @i-th scenario; NULL after the last. */
const struct scenario *scenario_at(size_t i);
/* The number behind the S of its name. */
unsigned int scenario_number(const struct scenario *s);
/* Variant @v as a script; @room has SCENARIO_OPS rows, if it is needed. */
struct script scenario_script(const struct scenario *s, unsigned int v,
			      struct op *room);

/* The parts of the list. */
extern const struct scenario scenarios_pins[], scenarios_space[];
extern const size_t nr_scenarios_pins, nr_scenarios_space;

#endif
