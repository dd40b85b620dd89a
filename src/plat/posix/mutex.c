/* SPDX-License-Identifier: MIT */
/*
 * mutex: three states in one futex word, and the wait and wake of the seam
 *
 *              lock                     lock while taken
 *   FREE ----------------> TAKEN ----------------------> CONTENDED
 *     ^                      |                               |
 *     +------- unlock -------+------ unlock, wake one -------+
 *
 *  M1  Whoever sleeps has stored CONTENDED first, and the kernel compares
 *      before it sleeps: an unlock in between is seen, no wake is lost.
 *  M2  Whoever has slept takes the lock as CONTENDED, because others may sleep
 *      still: one wake too many at the end, never one too few.
 *
 * A running thread may overtake a woken one. That is on purpose: to hand the
 * lock over would cost a switch of threads for every contended section.
 */
#include "plat/posix/futex.h"

#include "seam/plat.h"

enum { FREE, TAKEN, CONTENDED };

static void mutex_wait(struct ioas_mutex *m)
{
	while (atomic_exchange_explicit(&m->word, CONTENDED,
					memory_order_acquire) != FREE)
		futex_sleep(&m->word, CONTENDED, FUTEX_BITSET_MATCH_ANY);
}

__no_lock_analysis void ioas_plat_mutex_lock(struct ioas_mutex *m)
{
	uint32_t free = FREE;

	if (ioas_unlikely(!atomic_compare_exchange_strong_explicit(
		    &m->word, &free, TAKEN, memory_order_acquire,
		    memory_order_relaxed)))
		mutex_wait(m);
}

__no_lock_analysis void ioas_plat_mutex_unlock(struct ioas_mutex *m)
{
	uint32_t old = atomic_exchange_explicit(&m->word, FREE,
						memory_order_release);

	IOAS_CHECK(old == FREE);
	if (ioas_unlikely(old == CONTENDED))
		futex_wake(&m->word, 1, FUTEX_BITSET_MATCH_ANY);
}

void ioas_plat_wait(_Atomic uint32_t *word, uint32_t expected)
{
	futex_sleep(word, expected, FUTEX_BITSET_MATCH_ANY);
}

void ioas_plat_wake(_Atomic uint32_t *word)
{
	futex_wake(word, INT_MAX, FUTEX_BITSET_MATCH_ANY);
}
