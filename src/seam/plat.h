/* SPDX-License-Identifier: MIT */
/*
 * plat: everything the core asks of the world
 *
 *      base, core, pt, domain          freestanding C
 *            |
 *      ------v--------------------     this header, and mem{cpy,set,move,cmp}
 *      plat/posix | plat/none | a test's own
 *
 * Preconditions common to all: callable from any thread; no function calls
 * back into the library; none blocks but the lock and wait functions. What can
 * fail says so. Sizes are bytes and not zero. The word of a lock is zero when
 * free, so zeroed memory is an initialised lock.
 */
#ifndef IOAS_SEAM_PLAT_H
#define IOAS_SEAM_PLAT_H

#include <stdatomic.h>

#include "base/annotations.h"
#include "base/check.h"
#include "base/types.h"

/* ---- memory ------------------------------------------------------------- */

/* Uninitialised, aligned for any type; NULL if there is none. */
void *ioas_plat_alloc(size_t size);
/* As above, zero-filled. */
void *ioas_plat_zalloc(size_t size);
/* @size is the size that was asked for; NULL is ignored. */
void ioas_plat_free(void *p, size_t size);
/*
 * Memory for page tables and batches: @align is a power of two up to @size,
 * which is a multiple of it. Uninitialised.
 */
void *ioas_plat_alloc_aligned(size_t size, size_t align);
void ioas_plat_free_aligned(void *p, size_t size, size_t align);
/*
 * A hint: such a block is or will soon be used from end to end, so that large
 * pages would suit it. Until then what nobody touched may cost nothing.
 */
void ioas_plat_use_whole(void *p, size_t size);

/* ---- locks: four bytes each --------------------------------------------- */

struct __ioas_capability("mutex") ioas_mutex {
	_Atomic uint32_t word;
};

struct __ioas_capability("rwlock") ioas_rwlock {
	_Atomic uint32_t word;
};

void ioas_plat_mutex_lock(struct ioas_mutex *m) __acquires(*m);
void ioas_plat_mutex_unlock(struct ioas_mutex *m) __releases(*m);

/* Writers are not starved: a waiting writer stops new readers. */
void ioas_plat_rwlock_read_lock(struct ioas_rwlock *l) __acquires_shared(*l);
void ioas_plat_rwlock_read_unlock(struct ioas_rwlock *l)
	__releases_shared(*l);
void ioas_plat_rwlock_write_lock(struct ioas_rwlock *l) __acquires(*l);
void ioas_plat_rwlock_write_unlock(struct ioas_rwlock *l) __releases(*l);

/* Sleep while *@word is @expected; may wake for no reason. */
void ioas_plat_wait(_Atomic uint32_t *word, uint32_t expected);
/* Wake every sleeper on @word. */
void ioas_plat_wake(_Atomic uint32_t *word);

/*
 * The writer's half of an asymmetric barrier: when it returns, every other
 * thread has executed a full memory barrier since the call began.
 */
void ioas_plat_writer_barrier(void);

/* ---- threads ------------------------------------------------------------ */

struct ioas_caller;

/* One per thread; zeroed when the thread first asks. */
struct ioas_thread {
	/* On whose behalf this thread works now; NULL: the process itself. */
	struct ioas_caller *caller;
	/* What this thread uses now without counting; see ioas_plat_hazard(). */
	_Atomic(const void *) hazard;
	/* It is one of those that ioas_plat_hazard() asks. */
	bool hazards;
	/* Locks held, for src/plat/common/lockdep.c; debug builds only. */
	uint32_t nr_held;
	/* Locks held beyond those in @held: nested, or no room. */
	uint32_t nr_unrecorded;
	struct ioas_held_lock {
		const void *lock;
		uint8_t rank;
		bool shared;
	} held[16];
};

struct ioas_thread *ioas_plat_thread(void);

/*
 * Let ioas_plat_hazard() ask the current thread from now on: sets hazards.
 * False: there is no memory for that.
 */
bool ioas_plat_hazard_join(void);
/*
 * Does a thread use @p? Whoever wants to take @p away first makes that visible
 * and then asks; whoever uses it first says so in hazard and then looks. The
 * call is a full barrier of all threads, so no thread needs one: it has seen
 * what was made visible, or what it said is seen here.
 */
bool ioas_plat_hazard(const void *p);

/* ---- diagnosis ---------------------------------------------------------- */

/* One line for a person, without a newline. Severity as syslog's: 3 error .. 7 debug. */
void ioas_plat_log(int severity, const char *text);

/* Non-zero while somebody listens to trace points (src/seam/trace.h). */
extern _Atomic uint32_t ioas_plat_trace_on;
void ioas_plat_trace(unsigned int point, uint64_t a, uint64_t b, uint64_t c);

/* Non-zero while some caller has faults armed (src/seam/fault.h). */
extern _Atomic uint32_t ioas_plat_faults_armed;
bool ioas_plat_fault_hit(unsigned int point);

/* Debug builds: who holds what (src/seam/lock.h). */
void ioas_plat_lock_acquire(const void *lock, unsigned int rank, bool shared,
			    bool nested);
void ioas_plat_lock_release(const void *lock);
/* Held by this thread; exclusively, if @exclusive. */
bool ioas_plat_lock_held(const void *lock, bool exclusive);

#endif
