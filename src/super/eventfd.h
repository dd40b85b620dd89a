/* SPDX-License-Identifier: MIT */
/*
 * eventfd: interrupts of functions, on eventfds of clients
 *
 *   client's eventfd --pidfd_getfd--> a descriptor of ours --signal--> counter
 *
 * Whoever signals holds locks of the front end, and the client may leave the
 * counter full, or fill it just then: nothing here waits for it.
 *
 * Locks: one mutex, for the first event.
 */
#ifndef IOAS_SUPER_EVENTFD_H
#define IOAS_SUPER_EVENTFD_H

#include <stdbool.h>
#include <stdint.h>

struct ioas_eventfds;
struct ioas_uevent;

/* Return: 0 or -ENOMEM. */
int ioas_eventfds_create(struct ioas_eventfds **out);
/* No event is left. Accepts NULL. */
void ioas_eventfds_destroy(struct ioas_eventfds *e);

/*
 * @fd, a descriptor of ours, is taken on success. Return: 0; -EBADF: it is
 * O_PATH; -EINVAL: no eventfd, whose close may have to wait; -ENOMEM.
 */
int ioas_eventfd_open(struct ioas_eventfds *e, int fd,
		      struct ioas_uevent **out);
void ioas_eventfd_close(struct ioas_uevent *event);
/* Our descriptor of it. */
int ioas_eventfd_fd(const struct ioas_uevent *event);
/* Adds 1. Any thread. */
void ioas_eventfd_signal(const struct ioas_eventfds *e,
			 const struct ioas_uevent *event);

/* Is @fd, a descriptor of ours, one of those that readlink(2) calls @name? */
bool ioas_fd_is_called(int fd, const char *name);

#endif
