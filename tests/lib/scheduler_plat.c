/* SPDX-License-Identifier: MIT */
/*
 * sched plat: the seam on coroutines
 *
 * Only one thread runs, and switches happen in sched_point() and
 * sched_wait_for() alone, so nothing here needs to be atomic: a lock's word is
 * its plain state, and what waits for it is found by looking at the threads.
 *
 *   mutex   0 free, 1 taken
 *   rwlock  number of readers inside, or WRITER
 *
 * A point where a lock is not free is left out: to give up the turn there is
 * to wait for the lock, which costs no preemption and tries all others as
 * well. Not so for a writer, which by waiting stops new readers: that it has
 * not begun to wait is a case of its own.
 */
#include "scheduler_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITER UINT32_MAX
/* What uninitialised memory holds, so that reading it leads somewhere bad. */
#define POISON 0xa5

_Atomic uint32_t ioas_plat_trace_on;

static uint64_t nr_blocks;

/* ---- memory ------------------------------------------------------------- */

uint64_t sched_nr_blocks(void)
{
	return nr_blocks;
}

static void *memory_count(void *p)
{
	if (p)
		nr_blocks++;
	return p;
}

void *ioas_plat_alloc(size_t size)
{
	void *p = memory_count(malloc(size));

	return p ? memset(p, POISON, size) : NULL;
}

void *ioas_plat_zalloc(size_t size)
{
	return memory_count(calloc(1, size));
}

void ioas_plat_free(void *p, size_t size)
{
	(void)size;
	if (p)
		nr_blocks--;
	free(p);
}

void *ioas_plat_alloc_aligned(size_t size, size_t align)
{
	void *p;

	if (align <= _Alignof(max_align_t))
		return ioas_plat_alloc(size);
	p = memory_count(aligned_alloc(align, size));
	return p ? memset(p, POISON, size) : NULL;
}

void ioas_plat_free_aligned(void *p, size_t size, size_t align)
{
	(void)align;
	ioas_plat_free(p, size);
}

void ioas_plat_use_whole(void *p, size_t size)
{
	(void)p;
	(void)size;
}

/* ---- locks -------------------------------------------------------------- */

static uint32_t word_get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void word_set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static bool writer_waits(const struct ioas_rwlock *l)
{
	const struct sched_thread *t;

	for (unsigned i = 0; (t = sched_thread_at(i)); i++)
		if (t->wait == SCHED_WAIT_WRITE && t->object == l)
			return true;
	return false;
}

static bool read_open(const struct ioas_rwlock *l)
{
	return word_get(&l->word) != WRITER && !writer_waits(l);
}

/* To all that wait for @object in the manner of @wait. */
static void release_all(enum sched_wait wait, const void *object)
{
	struct sched_thread *t;

	for (unsigned i = 0; (t = sched_thread_at(i)); i++)
		if (t->wait == wait && t->object == object)
			t->released = true;
}

bool sched_thread_ready(const struct sched_thread *t)
{
	const struct ioas_mutex *m = t->object;
	const struct ioas_rwlock *l = t->object;

	switch (t->wait) {
	case SCHED_WAIT_NOTHING:
		return true;
	case SCHED_WAIT_MUTEX:
		return !word_get(&m->word);
	case SCHED_WAIT_READ:
		return t->released ? word_get(&l->word) != WRITER :
				     read_open(l);
	case SCHED_WAIT_WRITE:
		return !word_get(&l->word);
	case SCHED_WAIT_WORD:
		return t->released;
	case SCHED_WAIT_FOREVER:
		break;
	}
	return false;
}

__no_lock_analysis void ioas_plat_mutex_lock(struct ioas_mutex *m)
{
	if (!word_get(&m->word))
		sched_point();
	if (word_get(&m->word))
		sched_wait_for(SCHED_WAIT_MUTEX, m);
	word_set(&m->word, 1);
}

__no_lock_analysis void ioas_plat_mutex_unlock(struct ioas_mutex *m)
{
	if (word_get(&m->word) != 1)
		sched_fail("unlock of a mutex that is not locked");
	word_set(&m->word, 0);
	sched_released();
}

__no_lock_analysis void ioas_plat_rwlock_read_lock(struct ioas_rwlock *l)
{
	if (read_open(l))
		sched_point();
	if (!read_open(l))
		sched_wait_for(SCHED_WAIT_READ, l);
	word_set(&l->word, word_get(&l->word) + 1);
}

__no_lock_analysis void ioas_plat_rwlock_read_unlock(struct ioas_rwlock *l)
{
	uint32_t readers = word_get(&l->word);

	if (!readers || readers == WRITER)
		sched_fail("read unlock of a lock without readers");
	word_set(&l->word, readers - 1);
	sched_released();
}

__no_lock_analysis void ioas_plat_rwlock_write_lock(struct ioas_rwlock *l)
{
	sched_point();
	if (word_get(&l->word))
		sched_wait_for(SCHED_WAIT_WRITE, l);
	word_set(&l->word, WRITER);
}

__no_lock_analysis void ioas_plat_rwlock_write_unlock(struct ioas_rwlock *l)
{
	if (word_get(&l->word) != WRITER)
		sched_fail("write unlock of a lock without a writer");
	word_set(&l->word, 0);
	release_all(SCHED_WAIT_READ, l);
	sched_released();
}

void ioas_plat_wait(_Atomic uint32_t *word, uint32_t expected)
{
	sched_point();
	if (word_get(word) == expected)
		sched_wait_for(SCHED_WAIT_WORD, word);
}

void ioas_plat_wake(_Atomic uint32_t *word)
{
	sched_point();
	release_all(SCHED_WAIT_WORD, word);
}

/* Between two points a thread runs alone: every switch is a barrier. */
void ioas_plat_writer_barrier(void)
{
	sched_point();
}

/* ---- the rest ----------------------------------------------------------- */

struct ioas_thread *ioas_plat_thread(void)
{
	static struct ioas_thread outside;
	struct sched_thread *t = sched_current();

	return t ? &t->plat : &outside;
}

void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	sched_fail("check failed: %s at %s:%d in %s", cond, file, line, func);
}

/* Nothing that is tested here depends on them. */
void ioas_plat_log(int severity, const char *text)
{
	if (severity <= 3)
		fprintf(stderr, "# log: %s\n", text);
}

void ioas_plat_trace(unsigned int point, uint64_t a, uint64_t b, uint64_t c)
{
	(void)point;
	(void)a;
	(void)b;
	(void)c;
}
