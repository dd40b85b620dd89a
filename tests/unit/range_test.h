/* SPDX-License-Identifier: MIT */
/*
 * range_test: what the tests of the core's range structures share
 *
 * Every case ends with as many blocks of memory as it began with. Included
 * after cmocka.h.
 */
#ifndef TESTS_UNIT_RANGE_TEST_H
#define TESTS_UNIT_RANGE_TEST_H

#include "plat/common/fault_arm.h"
#include "plat/posix/memory.h"
#include "prng.h"
#include "seam/caller.h"

static size_t range_test_blocks;

static inline size_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

static inline int case_begin(void **state)
{
	(void)state;
	range_test_blocks = blocks_now();
	return 0;
}

static inline int case_end(void **state)
{
	(void)state;
	return blocks_now() == range_test_blocks ? 0 : -1;
}

#define range_case(f) cmocka_unit_test_setup_teardown(f, case_begin, case_end)

/* A caller whose fault points fail between begin and end. */
struct faulty {
	struct ioas_fault fault;
	struct ioas_caller caller;
	struct ioas_caller *old;
};

static inline void faulty_begin(struct faulty *f, struct ioas_fault fault)
{
	*f = (struct faulty){ .fault = fault };
	f->caller.fault = &f->fault;
	ioas_fault_arm(&f->fault);
	f->old = ioas_caller_enter(&f->caller);
}

/* The @nth point fails. */
static inline void fail_nth_begin(struct faulty *f, uint64_t nth)
{
	faulty_begin(f, (struct ioas_fault){ .nth = nth });
}

/* Nothing can be allocated. */
static inline void alloc_off_begin(struct faulty *f)
{
	faulty_begin(f, (struct ioas_fault){ .sticky = true });
}

/* Did a point fail? */
static inline bool faulty_end(struct faulty *f)
{
	ioas_caller_leave(f->old);
	ioas_fault_disarm();
	return f->fault.failed != IOAS_NR_FAULT_POINTS;
}

#endif
