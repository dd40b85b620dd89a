/* SPDX-License-Identifier: MIT */
/*
 * loop: threads that serve notices
 *
 *   leader    RECV, drain closes, serve, again
 *   watcher   children, ends of processes, closes while nobody calls. While
 *             calls come it looks every few milliseconds: a leader that is
 *             still at the same call is left to it, and another is started
 *
 * So the usual call is served by a thread that sleeps on the caller's own
 * processor, and one that takes long, or for ever (memory served by somebody
 * else), holds up nobody but its caller.
 */
#ifndef IOAS_SUPER_LOOP_H
#define IOAS_SUPER_LOOP_H

#include "super/super.h"

/*
 * Serve until no task is left under the filter. @pid is the program, whose
 * status goes to *@status. Return: 0 or -errno.
 */
int ioas_loop_run(struct ioas_super *s, pid_t pid, int *status);
/* The program has ended, others that it started go on. super.c */
void ioas_super_ended(struct ioas_super *s, int status);
/* The same, and we end, whatever our threads are at. super.c */
_Noreturn void ioas_super_leave(struct ioas_super *s, int status);

/* For our own threads, at the end; and for devices, to be taken apart. */
#define IOAS_STOP_MS 5000

/* One notice: calls.c. */
void ioas_call_serve(struct ioas_super *s, const struct ioas_notice *n);

#endif
