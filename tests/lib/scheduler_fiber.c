/* SPDX-License-Identifier: MIT */
/*
 * fiber: a stack and where it goes on; ucontext that sanitizers understand
 *
 * AddressSanitizer has to be told which stack is in use before and after each
 * switch, and to forget the poison of frames that were left for good.
 * ThreadSanitizer takes each fiber for a thread, ordered by the switches: it
 * reports no races here, which is right, since there are none between fibers.
 */
#include "scheduler_fiber.h"

#include <stdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Enough for printf below a few frames of the library, with red zones. */
#define STACK_SIZE ((size_t)256 * 1024)

/* Who switched last, so that the other side can tell whose stack that was. */
static struct fiber *previous;

static void switch_begin(struct fiber *from, struct fiber *to, bool last)
{
	previous = from;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack,
				       to->bottom, to->size);
#endif
#ifdef WITH_TSAN
	if (!from->tsan)
		from->tsan = __tsan_get_current_fiber();
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)to;
	(void)last;
}

/* @f runs now. The bounds of a thread's own stack are learnt here. */
static void switch_end(struct fiber *f)
{
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(f ? f->fake_stack : NULL,
					&previous->bottom, &previous->size);
#endif
	(void)f;
}

static struct fiber *starting;

static void fiber_enter(void)
{
	struct fiber *f = starting;

	switch_end(NULL);
	f->entry();
	abort();
}

void fiber_start(struct fiber *f, void (*entry)(void))
{
	if (!f->stack) {
		f->stack = malloc(STACK_SIZE);
		if (!f->stack || getcontext(&f->context)) {
			perror("fiber");
			abort();
		}
		f->bottom = f->stack;
		f->size = STACK_SIZE;
	}
#ifdef WITH_ASAN
	__asan_unpoison_memory_region(f->stack, STACK_SIZE);
#endif
#ifdef WITH_TSAN
	/* Its call stack would keep the frames that were left. */
	if (f->tsan)
		__tsan_destroy_fiber(f->tsan);
	f->tsan = __tsan_create_fiber(0);
#endif
	f->fake_stack = NULL;
	f->entry = entry;
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK_SIZE;
	f->context.uc_link = NULL;
	makecontext(&f->context, fiber_enter, 0);
}

void fiber_switch(struct fiber *from, struct fiber *to, bool last)
{
	/* Read by a fiber that begins; others are past that. */
	starting = to;
	switch_begin(from, to, last);
	if (swapcontext(&from->context, &to->context)) {
		perror("fiber");
		abort();
	}
	switch_end(from);
}
