/* SPDX-License-Identifier: MIT */
/*
 * fiber: a stack and where it goes on; ucontext that sanitizers understand
 */
#ifndef IOAS_TESTS_LIB_SCHEDULER_FIBER_H
#define IOAS_TESTS_LIB_SCHEDULER_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct fiber {
	ucontext_t context;
	void (*entry)(void);
	/* NULL: the thread's own stack, for the fiber that starts the rest. */
	void *stack;
	/* Bounds of the stack and the sanitizers' own state of it. */
	const void *bottom;
	size_t size;
	void *fake_stack;
	void *tsan;
};

/*
 * Make the next switch to @f begin @entry, which never returns. @f may have
 * been left anywhere; its stack is allocated once and kept.
 */
void fiber_start(struct fiber *f, void (*entry)(void));
/* @last: @from will not run on; it may only be started again. */
void fiber_switch(struct fiber *from, struct fiber *to, bool last);

#endif
