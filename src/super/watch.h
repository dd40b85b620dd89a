/* SPDX-License-Identifier: MIT */
/*
 * watch: eventfds of clients by which they tell us something
 *
 *   client adds to the counter --epoll--> a thread: takes the count, calls
 *
 *   lane of owner 1   epoll set, thread: calls, or waits for owner 1
 *   lane of owner 2   epoll set, thread: goes on
 *
 * What is called may have to wait for its owner, for as long as a client likes.
 * So each owner has a lane, which is made with its first watch and lives to the
 * end of the run. A lane holds a lock while it calls, by which the end of a watch
 * waits for a call in progress.
 *
 * Locks: the mutex of a lane, before every lock of the front end but that of a
 * group (VDEV), under which watches come and go. The list of lanes has one that
 * nothing is called under.
 */
#ifndef IOAS_SUPER_WATCH_H
#define IOAS_SUPER_WATCH_H

struct ioas_vdev;
struct ioas_watches;

/* Return: 0 or -ENOMEM. */
int ioas_watches_create(struct ioas_watches **out);
/* No watch is left. Accepts NULL. */
void ioas_watches_destroy(struct ioas_watches *w);

/*
 * Call @fn(@ctx) when @fd, an eventfd, which is borrowed, has been added to. It
 * waits for nobody but @owner, which is only compared. No other watch of @owner
 * has this @ctx. Return: 0 or -ENOMEM.
 */
int ioas_watches_add(struct ioas_watches *w, const struct ioas_vdev *owner,
		     int fd, void (*fn)(void *ctx), void *ctx);
/* Not from @fn. */
void ioas_watches_remove(struct ioas_watches *w, const struct ioas_vdev *owner,
			 void *ctx);

#endif
