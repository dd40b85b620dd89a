/* SPDX-License-Identifier: MIT */
/*
 * comm: what processes are called, remembered for a while
 *
 * A slot for each number, modulo their count; a name is asked for again after a
 * second, since programs execute others and numbers are used again. Of a
 * process that is gone the last name stays. Not locked; the owner locks.
 */
#ifndef IOAS_SUPER_COMM_H
#define IOAS_SUPER_COMM_H

#include <sys/types.h>

#include "base/types.h"

#define IOAS_COMM_SLOTS 256
/* With its end. */
#define IOAS_COMM_MAX 16

/* Starts zeroed. */
struct ioas_comms {
	struct ioas_comm {
		pid_t pid;
		char name[IOAS_COMM_MAX];
		/* Nanoseconds, by the clock that the callers use. */
		uint64_t when;
	} slot[IOAS_COMM_SLOTS];
};

/* Good until the next call. "?" if nothing is known. */
const char *ioas_comm_of(struct ioas_comms *c, pid_t pid, uint64_t now);

#endif
