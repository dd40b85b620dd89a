/* SPDX-License-Identifier: MIT */
/*
 * faultsys: fault injection as programs see it (docs/reference/fault-injection.md B)
 *
 *   /proc/PID/fail-nth, /proc/PID/task/TID/fail-nth   the task's own counter
 *   /proc/PID/make-it-fail                            task-filter
 *   /sys/kernel/debug/fail*                           chance, for all tasks
 *
 *   point reached --> nth of the task, if not zero
 *                     else the attribute of the point: probability, interval...
 *
 * Locks: none. A point can be reached under any lock, so the knobs are atomics.
 */
#ifndef IOAS_SUPER_FAULTSYS_H
#define IOAS_SUPER_FAULTSYS_H

#include "super/files.h"

struct ioas_task;

int ioas_faultsys_create(struct ioas_super *s, struct ioas_faultsys **out);
void ioas_faultsys_destroy(struct ioas_faultsys *f);

/* A new task: faults off, points and chance as the attributes say. */
void ioas_faultsys_task(struct ioas_faultsys *f, struct ioas_task *t);
/* A call of @t begins: what was written to the knobs counts from now on. */
void ioas_faultsys_begin(struct ioas_faultsys *f, struct ioas_task *t);

/*
 * A small text file is about to be copied to or from the memory of who calls: a
 * point of its task. Return: 0 or -EFAULT.
 */
int ioas_faultsys_copy(struct ioas_call *c);

/*
 * Answer open(2) of one of these files; @path is absolute, without "self".
 * IOAS_CALL_CONTINUE: it is none.
 */
enum ioas_verdict ioas_faultsys_open(struct ioas_call *c, const char *path,
				     int flags, int64_t *value);

#endif
