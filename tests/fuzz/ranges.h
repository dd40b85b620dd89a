/* SPDX-License-Identifier: MIT */
/*
 * ranges: the five targets behind fuzz_ranges, and what they share
 *
 * Each plays on UNIVERSE values at one end or in the middle of the 64-bit
 * space, next to an array that has an element for each value.
 */
#ifndef TESTS_FUZZ_RANGES_H
#define TESTS_FUZZ_RANGES_H

#include "base/bits.h"
#include "fuzz.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

/* Enough for trees of three levels when every second value is a range. */
#define UNIVERSE 1024u
#define MAX_STEPS 96

struct slice {
	uint64_t first, last;
};

/* Within the universe; a quarter of them short. */
static inline struct slice some_slice(struct input *in)
{
	const uint64_t first = input_below(in, UNIVERSE);
	const uint64_t x = input_below(in, 256);
	const uint64_t length = 1 + (x < 64 ? x % 4 : x);

	return (struct slice){ first,
			       ioas_min(first + length, UNIVERSE) - 1 };
}

/* Value 0 of the universe. */
static inline uint64_t some_base(struct input *in)
{
	static const uint64_t bases[] = { 0, UINT64_C(1) << 40,
					  UINT64_MAX - UNIVERSE + 1 };

	return bases[input_below(in, IOAS_ARRAY_SIZE(bases))];
}

/* From begin to end the n-th fault point fails. */
struct failing {
	struct ioas_fault fault;
	struct ioas_caller caller;
	struct ioas_caller *old;
};

static inline void failing_begin(struct failing *f, uint64_t nth, bool sticky)
{
	*f = (struct failing){ .fault = { .nth = nth, .sticky = sticky } };
	f->caller.fault = &f->fault;
	ioas_fault_arm(&f->fault);
	f->old = ioas_caller_enter(&f->caller);
}

/* Did a point fail? */
static inline bool failing_end(struct failing *f)
{
	ioas_caller_leave(f->old);
	ioas_fault_disarm();
	return f->fault.failed != IOAS_NR_FAULT_POINTS;
}

/* One of eight: the point that fails; 0: none. */
static inline uint64_t some_fault(struct input *in)
{
	const uint64_t x = input_below(in, 256);

	return x & 7 ? 0 : 1 + (x >> 3) % 4;
}

void fuzz_rangemap(struct input *in);
void fuzz_itree(struct input *in);
void fuzz_cset(struct input *in);
void fuzz_store(struct input *in);
void fuzz_dspan(struct input *in);

#endif
