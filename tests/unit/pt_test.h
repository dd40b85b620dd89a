/* SPDX-License-Identifier: MIT */
/*
 * pt test: what the tests of pt and domain share
 */
#ifndef PT_TEST_H
#define PT_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plat/common/fault_arm.h"
#include "seam/caller.h"

/* splitmix64 */
static inline uint64_t rng_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t rng_below(uint64_t *state, uint64_t n)
{
	return rng_next(state) % n;
}

/* Run @fn with the @nth fault point failing; true if so many were reached. */
static inline bool fault_run(uint64_t nth, int (*fn)(void *), void *arg,
			     int *ret)
{
	struct ioas_fault fault = { .nth = nth };
	struct ioas_caller caller = { .fault = &fault }, *old;

	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	*ret = fn(arg);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	return !fault.nth;
}

#endif
