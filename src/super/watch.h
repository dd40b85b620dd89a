/* SPDX-License-Identifier: MIT */
/*
 * watch: eventfds of clients by which they tell us something
 *
 *   client adds to the counter --epoll--> a thread: takes the count, calls
 *
 * The thread is started with the first watch. It holds a lock while it calls, by
 * which the end of a watch waits for a call in progress.
 *
 * Locks: one mutex, before every lock of the front end but that of a group
 * (VDEV), under which watches come and go.
 */
#ifndef IOAS_SUPER_WATCH_H
#define IOAS_SUPER_WATCH_H

struct ioas_watches;

/* Return: 0 or -ENOMEM. */
int ioas_watches_create(struct ioas_watches **out);
/* No watch is left. Accepts NULL. */
void ioas_watches_destroy(struct ioas_watches *w);

/*
 * Call @fn(@ctx) when @fd, an eventfd, which is borrowed, has been added to. No
 * other watch has this @ctx. Return: 0 or -ENOMEM.
 */
int ioas_watches_add(struct ioas_watches *w, int fd, void (*fn)(void *ctx),
		     void *ctx);
/* Not from @fn. */
void ioas_watches_remove(struct ioas_watches *w, void *ctx);

#endif
