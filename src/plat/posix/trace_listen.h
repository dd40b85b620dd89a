/* SPDX-License-Identifier: MIT */
/*
 * trace listen: be told when a trace point (src/seam/trace.h) is passed
 *
 * One listener per process. It is called in the thread that passes the point,
 * under whatever locks that holds: it may not call the library, nor listen or
 * unlisten, and should be short.
 */
#ifndef IOAS_PLAT_POSIX_TRACE_LISTEN_H
#define IOAS_PLAT_POSIX_TRACE_LISTEN_H

#include "seam/trace.h"

struct ioas_trace_listener {
	/* @point is an enum ioas_trace_point. */
	void (*event)(void *arg, unsigned int point, uint64_t a, uint64_t b,
		      uint64_t c);
	void *arg;
};

/*
 * Borrows @l until ioas_trace_unlisten().
 *
 * Return: 0 or -EBUSY (somebody listens).
 */
int ioas_trace_listen(const struct ioas_trace_listener *l);
/* When it returns, no call of the listener is under way or will begin. */
void ioas_trace_unlisten(void);

#endif
