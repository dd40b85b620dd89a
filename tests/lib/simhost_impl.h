/* SPDX-License-Identifier: MIT */
/*
 * simhost_impl: what the files of the simulated host share
 */
#ifndef TESTS_LIB_SIMHOST_IMPL_H
#define TESTS_LIB_SIMHOST_IMPL_H

#include "simhost.h"

static inline void host_lock(struct simhost *h) __acquires(h->lock)
{
	ioas_mutex_lock(&h->lock, IOAS_RANK_LEAF);
}

static inline void host_unlock(struct simhost *h) __releases(h->lock)
{
	ioas_mutex_unlock(&h->lock);
}

/* What is open at @fd; NULL: nothing. h->lock is held. */
struct sim_fd *sim_fd_find(struct sim_process *p, int fd);
/*
 * The lowest free number becomes one of @kind. h->lock is held. Return: the
 * number, or -EMFILE.
 */
int sim_fd_take(struct sim_process *p, enum sim_fd_kind kind,
		unsigned int flags);
/* Where @memory is lent; of NULL: unused. NULL: none. h->lock is held. */
struct sim_lend *sim_lend_find(struct simhost *h, const void *memory);
/* Accepts NULL. */
void sim_event_put(struct simhost *h, struct ioas_uevent *event);

#endif
