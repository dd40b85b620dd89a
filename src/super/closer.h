/* SPDX-License-Identifier: MIT */
/*
 * closer: releases that may have to wait, and who waits for them
 *
 *   drain: last close --add--> [ queue ] --> threads: release, may take long
 *      |                                        |
 *      `-- wait: until all are done, but not for one that does not end
 *
 * A call can hold a lock of the front end while it waits for memory of its
 * client, for ever if the client so wants. A release behind that lock waits as
 * well; whoever drains, for any other client, must not.
 *
 * Locks: one mutex; nothing is called under it.
 */
#ifndef IOAS_SUPER_CLOSER_H
#define IOAS_SUPER_CLOSER_H

#include "base/list.h"

struct ioas_closer;

/* Part of what is to be released. */
struct ioas_closing {
	struct ioas_list link;
	/* May free it. On a thread of the closer, or in add. */
	void (*release)(struct ioas_closing *self);
	uint64_t ticket;
};

/* Return: 0 or -ENOMEM. Threads are started when they are needed. */
int ioas_closer_create(struct ioas_closer **out);
/* Waits until everything is released. Accepts NULL. */
void ioas_closer_destroy(struct ioas_closer *c);

/* Have @what released; several at a time, if need be. */
void ioas_closer_add(struct ioas_closer *c, struct ioas_closing *what);
/*
 * Until all that was added is released. What has not ended after a while is not
 * waited for any more, here and later.
 */
void ioas_closer_wait(struct ioas_closer *c);

#endif
