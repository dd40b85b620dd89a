/* SPDX-License-Identifier: MIT */
/*
 * queue: a queue file whose readiness programs poll
 *
 *   front end's queue --poll op--> token packet in the client's end, or none
 *   client: poll, epoll            sees the socket: readable while a token is in
 *           read, write            trapped (files.h), exact
 *   a copy at a descriptor that the filter cannot tell: reads the token, which
 *   is the next record, and its writes arrive at our end as packets
 *
 * Our end of the pair says when the client's last descriptor is closed (end of
 * file), when a token was taken (writable, edge) and when a packet came in.
 *
 * What such a copy cannot have: a read of an empty queue is EAGAIN instead of 0
 * (unless the client clears O_NONBLOCK: then it waits); one read is one record;
 * errors of its writes are dropped.
 *
 * A trapped read that waits for memory of its client, perhaps for ever, keeps
 * the front end's reader out. Such calls say that they are there (enter, leave),
 * and nothing here waits for them.
 *
 * Locks: one mutex each, before every lock of the front end.
 */
#ifndef IOAS_SUPER_QUEUE_H
#define IOAS_SUPER_QUEUE_H

#include "uapi/file.h"

struct ioas_squeue;

/*
 * @file is borrowed for the life of the queue. *@client is the end for the
 * client, which the caller closes. Calls no ops of the file: settle it first
 * when all is in place. Return: 0, -EMFILE, -ENOMEM.
 */
int ioas_squeue_create(struct ioas_ufile *file, struct ioas_squeue **out,
		       int *client);
/* Releases nothing of the file. No call is in progress. Accepts NULL. */
void ioas_squeue_destroy(struct ioas_squeue *q);

/* Our end, for EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET. */
int ioas_squeue_fd(const struct ioas_squeue *q);
/*
 * Our end has something to tell. Return: true: the client's last descriptor is
 * closed. Takes packets and tokens into account; calls the file's ops. Never
 * waits for a client.
 */
bool ioas_squeue_event(struct ioas_squeue *q);
/*
 * Bring the token in line with what the file's poll says. @client: a descriptor
 * of the client's end, through which a token is taken back; -1: none at hand,
 * then a stale token stays until the next time. Calls the file's ops. Never
 * waits for a client.
 */
void ioas_squeue_settle(struct ioas_squeue *q, int client);

/*
 * Around the file's read or write op for a trapped call. The second settles, as
 * above; if a call of another thread is still there, that one will.
 */
void ioas_squeue_enter(struct ioas_squeue *q);
void ioas_squeue_leave(struct ioas_squeue *q, int client);

#endif
