/* SPDX-License-Identifier: MIT */
/*
 * span: one walk of an index range over two counted sets
 *
 *    T1        .....########..............####.....
 *    T2        ..#######.......................####..
 *    result    --222########--------------####---   # = T1, 2 = T2, - = hole
 *
 * Each step yields what holds the next indexes: T1 (whether or not T2 does),
 * T2 alone, or neither. Normative: docs/reference/ioas-core.md 8.3.
 *
 * Invariants: the spans partition the query range, consecutive spans differ in
 * label, both ends may be any value up to UINT64_MAX. The sets must not change
 * during the walk, but for indexes that lie before the current span.
 */
#ifndef IOAS_CORE_SPAN_H
#define IOAS_CORE_SPAN_H

#include "core/stepmap.h"

enum ioas_label {
	IOAS_HOLE,
	IOAS_T1,
	IOAS_T2,
};

struct ioas_dspan {
	/* The current span, unless @done. */
	uint64_t first;
	uint64_t last;
	enum ioas_label label;
	bool done;
	/* private: sets (NULL: empty), end of the query, where each set is */
	const struct ioas_cset *t1;
	const struct ioas_cset *t2;
	uint64_t end;
	struct ioas_span s1;
	struct ioas_span s2;
};

/* Position on the first span of [first, last]; done if that is empty. */
void ioas_dspan_start(struct ioas_dspan *d, const struct ioas_cset *t1,
		      const struct ioas_cset *t2, uint64_t first,
		      uint64_t last);
/* The span after the current one; done past the end. */
void ioas_dspan_next(struct ioas_dspan *d);
/*
 * As if the query had begun at @index, which is not before the current span.
 * Beyond the end: done.
 */
void ioas_dspan_advance(struct ioas_dspan *d, uint64_t index);

#endif
