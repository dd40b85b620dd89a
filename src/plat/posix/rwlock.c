/* SPDX-License-Identifier: MIT */
/*
 * rwlock: readers or one writer, in one futex word, nobody starves
 *
 *    31       30      29 ........ 20  19 ........ 10  9 .......... 0
 *   +--------+-------+---------------+---------------+---------------+
 *   | writer | phase | waiting       | waiting       | readers       |
 *   | inside |       | writers       | readers       | inside        |
 *   +--------+-------+---------------+---------------+---------------+
 *
 *   reader: enters unless a writer is inside or waits. Else it counts itself
 *           as waiting, remembers the phase and sleeps until that changes:
 *           then it is inside already.
 *   writer: enters when nobody is inside. Else it counts itself as waiting
 *           and tries again whenever it is woken.
 *   read unlock, the last one:   wakes one waiting writer.
 *   write unlock, readers wait:  moves them all inside, turns the phase, wakes
 *                                them; else wakes one waiting writer.
 *
 *  W1  A writer inside is alone: it enters by one compare-and-swap from a word
 *      without readers inside, and readers enter only while its bit is clear.
 *  W2  A waiting writer is delayed by the readers that were inside or were let
 *      in together by the writer before it, never by new ones.
 *  W3  Readers wait only while a writer is inside or waits, so some write
 *      unlock follows, and lets them in whoever else waits: no reader is
 *      delayed by more than the writers until then.
 *  W4  One bit of phase is enough. It turns for a second time at a write
 *      unlock, that writer entered when no reader was inside, and each reader
 *      let in by the first turn is inside until it has run.
 *  W5  No wake is lost. Whoever sleeps is counted in the word first, the kernel
 *      compares the word before it sleeps, and whoever makes the lock free
 *      with writers waiting wakes one. That one may be overtaken by a writer
 *      that does not sleep; then the overtaker's unlock wakes again.
 *
 * Sleepers of the two kinds are told apart by the set of the futex, so that a
 * wake for readers does not stir every writer. A count that is full (1,023)
 * makes newcomers yield and try again: slow, and still right.
 */
#include "plat/posix/futex.h"

#include <sched.h>

#include "seam/plat.h"

#define FIELD_MAX UINT32_C(1023)

#define READER UINT32_C(1)
#define READERS (FIELD_MAX * READER)
#define WAITING_READER (UINT32_C(1) << 10)
#define WAITING_READERS (FIELD_MAX * WAITING_READER)
#define WAITING_WRITER (UINT32_C(1) << 20)
#define WAITING_WRITERS (FIELD_MAX * WAITING_WRITER)
#define PHASE (UINT32_C(1) << 30)
#define WRITER (UINT32_C(1) << 31)

_Static_assert((READERS ^ WAITING_READERS ^ WAITING_WRITERS ^ PHASE ^ WRITER) ==
		       UINT32_MAX,
	       "every bit of the word has one meaning");

enum { SLEEPING_READERS = 1, SLEEPING_WRITERS = 2 };

static uint32_t word_load(struct ioas_rwlock *l)
{
	return atomic_load_explicit(&l->word, memory_order_relaxed);
}

/* On failure *@old is what the word is now. */
static bool word_acquire(struct ioas_rwlock *l, uint32_t *old, uint32_t new)
{
	return atomic_compare_exchange_weak_explicit(
		&l->word, old, new, memory_order_acquire, memory_order_relaxed);
}

/*
 * Add one to the field of @unit unless it is full. Whoever finds it full waits
 * for the others like everybody else who has no place in the word: by trying.
 */
static bool word_count(struct ioas_rwlock *l, uint32_t *old, uint32_t unit)
{
	uint32_t field = unit * FIELD_MAX;

	if ((*old & field) != field)
		return word_acquire(l, old, *old + unit);
	sched_yield();
	*old = word_load(l);
	return false;
}

/* Until a write unlock has moved this reader inside. */
static void read_sleep(struct ioas_rwlock *l, uint32_t phase)
{
	uint32_t w;

	for (;;) {
		w = atomic_load_explicit(&l->word, memory_order_acquire);
		if ((w & PHASE) != phase)
			return;
		futex_sleep(&l->word, w, SLEEPING_READERS);
	}
}

static void read_wait(struct ioas_rwlock *l)
{
	uint32_t w = word_load(l);

	for (;;) {
		if (!(w & (WRITER | WAITING_WRITERS))) {
			if (word_count(l, &w, READER))
				return;
		} else if (word_count(l, &w, WAITING_READER)) {
			read_sleep(l, w & PHASE);
			return;
		}
	}
}

__no_lock_analysis void ioas_plat_rwlock_read_lock(struct ioas_rwlock *l)
{
	uint32_t w = word_load(l);

	if (ioas_unlikely((w & (WRITER | WAITING_WRITERS)) ||
			  (w & READERS) == READERS ||
			  !word_acquire(l, &w, w + READER)))
		read_wait(l);
}

__no_lock_analysis void ioas_plat_rwlock_read_unlock(struct ioas_rwlock *l)
{
	uint32_t w = atomic_fetch_sub_explicit(&l->word, READER,
					       memory_order_release);

	IOAS_CHECK(!(w & READERS));
	if (ioas_unlikely((w & WAITING_WRITERS) && (w & READERS) == READER))
		futex_wake(&l->word, 1, SLEEPING_WRITERS);
}

static void write_wait(struct ioas_rwlock *l)
{
	uint32_t w = word_load(l);

	while (!word_count(l, &w, WAITING_WRITER))
		;
	w += WAITING_WRITER;
	for (;;) {
		if (!(w & (WRITER | READERS))) {
			if (word_acquire(l, &w, (w - WAITING_WRITER) | WRITER))
				return;
			continue;
		}
		futex_sleep(&l->word, w, SLEEPING_WRITERS);
		w = word_load(l);
	}
}

__no_lock_analysis void ioas_plat_rwlock_write_lock(struct ioas_rwlock *l)
{
	uint32_t w = word_load(l);

	if (ioas_unlikely((w & ~PHASE) || !word_acquire(l, &w, w | WRITER)))
		write_wait(l);
}

/* What the word becomes: the readers that waited are inside, in a new phase. */
static uint32_t word_admit(uint32_t w)
{
	uint32_t waiting = (w & WAITING_READERS) / WAITING_READER;

	w &= ~(WRITER | WAITING_READERS);
	return waiting ? (w ^ PHASE) + waiting * READER : w;
}

__no_lock_analysis void ioas_plat_rwlock_write_unlock(struct ioas_rwlock *l)
{
	uint32_t w = word_load(l);

	IOAS_CHECK(!(w & WRITER));
	while (!atomic_compare_exchange_weak_explicit(
		&l->word, &w, word_admit(w), memory_order_release,
		memory_order_relaxed))
		;
	if (ioas_unlikely(w & WAITING_READERS))
		futex_wake(&l->word, INT_MAX, SLEEPING_READERS);
	else if (ioas_unlikely(w & WAITING_WRITERS))
		futex_wake(&l->word, 1, SLEEPING_WRITERS);
}
