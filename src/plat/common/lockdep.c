/* SPDX-License-Identifier: MIT */
/*
 * lockdep: does every thread take its locks in the order of their ranks?
 *
 *   struct ioas_thread             graph[rank]: ranks taken while it was held
 *   held: | DOMAINS | IOVA |           DOMAINS: IOVA, PAGES
 *          take PAGES ->               IOVA:    PAGES
 *
 * A cycle in the graph is a deadlock that waits for its day; with strictly
 * rising ranks there is none, so one run through each acquisition proves what
 * no stress test could. Each of these is reported as a failed check:
 *
 *  - a rank not above every rank that is held (nested: below one of them);
 *  - a lock taken twice by one thread, also for reading: a writer between the
 *    two readers would block the second behind itself;
 *  - the release of a lock that is not held.
 *
 * A nested lock is one of any number of one rank, so it is checked but not
 * recorded (src/seam/lock.h); nor is a lock beyond the 16 that fit. Such locks
 * are only counted, and while there are any, an unknown lock gets the benefit
 * of the doubt when it is released or asserted.
 *
 * Locks: none. The stack belongs to its thread, the graph only gains bits.
 */
#include "plat/common/lockdep.h"

#include "seam/lock.h"

#define NR_SLOTS IOAS_ARRAY_SIZE(((struct ioas_thread *)0)->held)

/* A row has a bit for each rank. */
static _Atomic uint32_t graph[IOAS_NR_RANKS];

_Static_assert(IOAS_RANK_LEAF < IOAS_NR_RANKS && IOAS_NR_RANKS <= 32,
	       "a rank is a bit of the graph");

static struct ioas_held_lock *held_find(struct ioas_thread *t, const void *lock)
{
	for (uint32_t i = t->nr_held; i-- > 0;)
		if (t->held[i].lock == lock)
			return &t->held[i];
	return NULL;
}

/* The highest rank this thread holds; 0: none. */
static unsigned held_top(const struct ioas_thread *t)
{
	unsigned top = 0;

	for (uint32_t i = 0; i < t->nr_held; i++)
		if (t->held[i].rank > top)
			top = t->held[i].rank;
	return top;
}

/* Reads first: a bit that is already set costs no shared write. */
static void graph_add(unsigned int from, unsigned int to)
{
	uint32_t bit = UINT32_C(1) << to;

	if (from != to &&
	    !(atomic_load_explicit(&graph[from], memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(&graph[from], bit,
					 memory_order_relaxed);
}

void ioas_plat_lock_acquire(const void *lock, unsigned int rank, bool shared,
			    bool nested)
{
	struct ioas_thread *t = ioas_plat_thread();
	unsigned top = held_top(t);
	bool taken_twice = held_find(t, lock);
	bool out_of_order = nested ? rank < top : rank <= top;

	IOAS_CHECK(taken_twice);
	IOAS_CHECK(out_of_order && !taken_twice);
	if (IOAS_CHECK(!rank || rank >= IOAS_NR_RANKS))
		rank = IOAS_NR_RANKS - 1;
	for (uint32_t i = 0; i < t->nr_held; i++)
		graph_add(t->held[i].rank, rank);
	if (nested || t->nr_held == NR_SLOTS) {
		t->nr_unrecorded++;
		return;
	}
	t->held[t->nr_held++] = (struct ioas_held_lock){
		.lock = lock,
		.rank = (uint8_t)rank,
		.shared = shared,
	};
}

void ioas_plat_lock_release(const void *lock)
{
	struct ioas_thread *t = ioas_plat_thread();
	struct ioas_held_lock *h = held_find(t, lock);

	if (!h) {
		if (!IOAS_CHECK(!t->nr_unrecorded))
			t->nr_unrecorded--;
		return;
	}
	/* Locks may be dropped in any order: close the gap. */
	t->nr_held--;
	for (; h < &t->held[t->nr_held]; h++)
		h[0] = h[1];
}

bool ioas_plat_lock_held(const void *lock, bool exclusive)
{
	struct ioas_thread *t = ioas_plat_thread();
	const struct ioas_held_lock *h = held_find(t, lock);

	if (!h)
		return t->nr_unrecorded;
	return !exclusive || !h->shared;
}

uint32_t ioas_lockdep_after(unsigned int rank)
{
	return rank < IOAS_NR_RANKS ? atomic_load_explicit(&graph[rank],
							   memory_order_relaxed)
				    : 0;
}

void ioas_lockdep_forget(void)
{
	for (unsigned i = 0; i < IOAS_NR_RANKS; i++)
		atomic_store_explicit(&graph[i], 0, memory_order_relaxed);
}
