/* SPDX-License-Identifier: MIT */
/*
 * guard: copies in this process that cannot crash it
 *
 *   copy ----> routine in assembler ----------------------> 0
 *                   | SIGSEGV, SIGBUS at one of its instructions
 *                   v
 *              our handler: go on at the routine's end ----> -EFAULT
 *                   | any other fault
 *                   v
 *              whose handler it was before us
 *
 * Either side of a copy may be anything: not mapped, protected, not an address
 * at all, a page that its file has lost. The fast way costs a few nanoseconds
 * and two signals of the process; where it cannot be, the kernel copies
 * (process_vm_readv), with the same answers at the price of a system call.
 *
 * The signals are shared with the program:
 *  - What is not a fault of ours goes to the handler that was there before, as
 *    the kernel would have delivered it: mask, flags and default action.
 *  - A handler that the program installs later gets our faults, too, and will
 *    take them for a crash. ioas_guard_take() looks who has the signals and
 *    takes them again; it is called whenever a descriptor is opened. A program
 *    that goes on changing its handlers has to call it after each change, or to
 *    choose the system calls.
 *  - A thread that has the two signals blocked dies of a bad address, as of any
 *    fault: that is the kernel's rule. Such programs choose the system calls.
 *  - A later handler that passes what it does not want to ours must pass all
 *    three arguments.
 * The handler stays for the life of the process: do not unload this code.
 */
#ifndef IOAS_HOST_GUARD_H
#define IOAS_HOST_GUARD_H

#include <stdatomic.h>

#include "base/bits.h"

/*
 * Take the two signals, unless we have them. Where that is impossible copies
 * use system calls; so they do before the first call. Any thread.
 */
void ioas_guard_take(void);

/* Not zero: the handler is in place. Changed by ioas_guard_take() alone. */
extern _Atomic uint32_t ioas_guard_fast;

/* The two ways; the first only while ioas_guard_fast. As ioas_guard_copy(). */
int ioas_guard_routine(void *dst, const void *src, size_t n)
	__attribute__((visibility("hidden")));
int ioas_guard_syscall(void *dst, const void *src, size_t n);

/*
 * Copy @n bytes between places that do not overlap. Return: 0 or -EFAULT, and
 * then any part may have been copied, but nothing beyond @n.
 */
static inline int ioas_guard_copy(void *dst, const void *src, size_t n)
{
	if (ioas_unlikely(!atomic_load_explicit(&ioas_guard_fast,
						memory_order_acquire)))
		return ioas_guard_syscall(dst, src, n);
	return ioas_guard_routine(dst, src, n);
}

#endif
