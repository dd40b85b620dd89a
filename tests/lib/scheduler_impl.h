/* SPDX-License-Identifier: MIT */
/*
 * sched impl: what the scheduler and its platform share
 */
#ifndef IOAS_TESTS_LIB_SCHEDULER_IMPL_H
#define IOAS_TESTS_LIB_SCHEDULER_IMPL_H

#include "scheduler.h"
#include "scheduler_fiber.h"
#include "seam/plat.h"

enum sched_wait {
	SCHED_WAIT_NOTHING,
	SCHED_WAIT_MUTEX,
	SCHED_WAIT_READ,
	SCHED_WAIT_WRITE,
	SCHED_WAIT_WORD,
	/* It has returned. */
	SCHED_WAIT_FOREVER,
};

struct sched_thread {
	struct fiber fiber;
	struct ioas_thread plat;
	enum sched_wait wait;
	/* The lock or word that it waits for. */
	const void *object;
	/* WAIT_WORD: woken. WAIT_READ: may overtake writers that wait. */
	bool released;
	/* Its fiber waits for the next schedule. */
	bool parked;
};

/* ---- scheduler.c -------------------------------------------------------- */

/* The thread that runs; NULL in setup() and check(). */
struct sched_thread *sched_current(void);
/* The @i-th thread of the schedule; NULL behind the last. */
struct sched_thread *sched_thread_at(unsigned int i);
/*
 * Let others run until sched_thread_ready(). If the schedule ends first it
 * does not return. Outside of threads the wait is wrong, and returns at once.
 */
void sched_wait_for(enum sched_wait wait, const void *object);
/* A point behind the release of a lock, unless the test does without. */
void sched_released(void);

/* ---- scheduler_plat.c --------------------------------------------------- */

bool sched_thread_ready(const struct sched_thread *t);
/* Blocks of ioas_plat_alloc() and its kin that are in use. */
uint64_t sched_nr_blocks(void);

#endif
