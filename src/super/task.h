/* SPDX-License-Identifier: MIT */
/*
 * task: who calls
 *
 *   task (tid) --> process (tgid, pidfd) --> mm: memory, origin, who pays
 *   faults                                    replaced when it executes
 *
 * Learned from the first trapped call of each, kept until the process is gone.
 * Numbers are reused by the system, so each look-up checks that the thread is
 * still of the process, and the process still the one of the pidfd.
 *
 * Locks: one mutex (rank LEAF) guards the tables. Fields of a task belong to
 * the call in progress: a task has one at a time.
 */
#ifndef IOAS_SUPER_TASK_H
#define IOAS_SUPER_TASK_H

#include "base/list.h"
#include "core/account.h"
#include "seam/fault.h"
#include "super/super.h"

struct ioas_peer;

/* An address space of clients, and who pays for what it maps. */
struct ioas_client_mm {
	/* In tasks' list. */
	struct ioas_list link;
	_Atomic uint32_t refs;
	struct ioas_super *s;
	/* The process by which it was learned, and which program that ran. */
	pid_t pid;
	uint64_t image;
	struct ioas_peer *peer;
	/* Its memory for the front end (host ops user_, container_origin). */
	struct ioas_origin *origin;
	struct ioas_origin *container_origin;
	struct ioas_principal *principal;
};

struct ioas_process {
	/* In tasks' list of processes. */
	struct ioas_list link;
	_Atomic uint32_t refs;
	pid_t pid;
	int pidfd;
	/* Tells when it has ended; under the tables' lock: it has. */
	struct ioas_source source;
	bool ended;
	/* It may have executed since mm was learned, or be about to. Atomic. */
	_Atomic bool executed;
	/* Under the tables' lock; NULL: not yet needed. */
	struct ioas_client_mm *mm;
	/*
	 * Under the same: threads of which nobody knows yet whether their execve
	 * has failed, the last one of them, and of how many programs this is.
	 */
	uint32_t nr_executing;
	pid_t executing;
	uint32_t program;
	/* make-it-fail (fault-injection B.3). */
	_Atomic bool make_it_fail;
};

struct ioas_task {
	struct ioas_list link;
	_Atomic uint32_t refs;
	pid_t tid;
	struct ioas_process *process;
	/* It is one of nr_executing, if that is the process's program. */
	bool executing;
	uint32_t program;
	/* Its fail-nth and what else may fail it. */
	struct ioas_fault fault;
};

int ioas_tasks_create(struct ioas_super *s, struct ioas_tasks **out);
void ioas_tasks_destroy(struct ioas_tasks *t);

/* Who made @n, with a reference. Return: 0, -ESRCH (gone), -ENOMEM, -EPERM. */
int ioas_task_find(struct ioas_super *s, const struct ioas_notice *n,
		   struct ioas_task **out);
/*
 * A task by its number as the clients know it, or main thread of a process
 * that made no trapped call yet. As above.
 */
int ioas_task_by_tid(struct ioas_super *s, pid_t tid, struct ioas_task **out);
void ioas_task_put(struct ioas_task *t);

/*
 * The memory of @p now, with a reference; made if need be. Return: 0, -ESRCH,
 * -EPERM (its memory is not ours to see), -ENOMEM.
 */
int ioas_process_mm(struct ioas_super *s, struct ioas_process *p,
		    struct ioas_client_mm **out);
void ioas_client_mm_put(struct ioas_client_mm *mm);
/*
 * A soft limit of process @pid, RLIMIT_NOFILE or RLIMIT_MEMLOCK; UINT64_MAX: none.
 * Return: 0, -ESRCH, -EPERM.
 */
int ioas_process_limit(pid_t pid, int which, uint64_t *out);

/*
 * It is about to execute a program, which may fail; and it calls again: if it
 * has executed it, what it had in memory is gone.
 */
void ioas_task_executes(struct ioas_super *s, struct ioas_task *task);
void ioas_task_executed(const struct ioas_call *c);

/* Call @fn for each mm there is, the tables locked. */
void ioas_tasks_each_mm(struct ioas_tasks *t,
			void (*fn)(struct ioas_client_mm *mm, void *data),
			void *data);

#endif
