/* SPDX-License-Identifier: MIT */
/*
 * shrink: the operations of an epoch, and the fewest that still fail
 */
#ifndef TESTS_PT_SHRINK_H
#define TESTS_PT_SHRINK_H

#include "model.h"

#define MAX_TRACE 1024

/* Shared with a child that runs it. */
struct trace {
	uint64_t seed;
	uint64_t epoch;
	uint32_t config;
	uint32_t nr;
	struct op op[MAX_TRACE];
};

/* A new epoch with these operations; everything is compared after each. */
bool trace_replay(const struct trace *t, const struct op *ops, uint32_t nr,
		  bool print);
/* Run @fn in a child; if it fails, thin what is in @t then. */
int shrink_run(struct trace *t, int (*fn)(void));

#endif
