/* SPDX-License-Identifier: MIT */
/*
 * queue: tokens in a pair of sockets
 *
 *            ours                                 client's
 *   token ---send--->  [ packet, or none ]  ---read by a copy---> taken
 *                            |
 *                            '---recv by us, through @client: taken back
 *   answers <-recv-  [ packets, at most a few ] <---write by a copy
 *
 * A token is the record that the file's read op would deliver next. It is had
 * by a read whose copy to memory fails, so that the record stays. When a token
 * has been taken, the record is read for good, but only if it still is the same:
 * the queue may have moved on. So no record is lost; one may be seen twice.
 *
 *  T1  While the mutex is free and no trapped call is in, a token is out if poll
 *      says that there is something to read. (The kernel may refuse to send.)
 *  T2  At most one token is out.
 *
 * A token without bytes stands for a record that is too long for one, or that
 * memory was short for: a read of it returns 0, as a read of the file would.
 * Only a settle makes one, as a client can arrange to have every token dropped
 * on its way, and each drop is an event.
 */
#include "super/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seam/caller.h"

/* Refuse packets with descriptors: closing them may take any time. Linux 6.16. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Of a record: a multiple of 8 and of the 40 bytes of a fault record. */
#define TOKEN_MAX 4080u
/* Packets that are taken at a time, and the bytes of one. */
#define PACKETS 64u
#define PACKET_MAX (1u << 20)

struct token {
	size_t length;
	uint8_t data[TOKEN_MAX];
};

struct ioas_squeue {
	/* Set once. The file is borrowed; peer: the client's end, an inode. */
	struct ioas_ufile *file;
	int fd;
	uint64_t peer;

	/* Guards the rest; held while the file's ops run. */
	pthread_mutex_t turn;
	/* Trapped calls that are in the file's read or write op. */
	unsigned int nr_calls;
	/* It was sent, and not yet seen to be gone. */
	bool out;
	struct token token;
	struct token scratch;
};

/* ---- the file's ops, with memory of ours -------------------------------- */

/* A caller whose memory is @data, from address 0 on. */
struct visit {
	struct ioas_caller caller;
	struct ioas_caller *outer;
	/* Where a peeked record goes; or what a read must deliver. */
	struct token *peek;
	const struct token *same;
	/* Of a packet. */
	const uint8_t *packet;
	size_t length;
};

static struct visit *visit_of(struct ioas_caller *c)
{
	return ioas_container_of(c, struct visit, caller);
}

static int visit_copy_to(struct ioas_caller *c, uint64_t dst, const void *src,
			 size_t length)
{
	struct visit *v = visit_of(c);

	if (v->same)
		return !dst && length == v->same->length &&
				       !memcmp(src, v->same->data, length) ?
			       0 :
			       -EFAULT;
	if (v->peek && !dst && length <= sizeof(v->peek->data)) {
		memcpy(v->peek->data, src, length);
		v->peek->length = length;
	}
	return -EFAULT;
}

static int visit_copy_from(struct ioas_caller *c, void *dst, uint64_t src,
			   size_t length)
{
	const struct visit *v = visit_of(c);

	if (src > v->length || length > v->length - src)
		return -EFAULT;
	memcpy(dst, v->packet + src, length);
	return 0;
}

static const struct ioas_uaccess_ops visit_ops = {
	.copy_from = visit_copy_from,
	.copy_to = visit_copy_to,
};

/* Whoever calls remains who it is, but for memory and faults. */
static void visit_begin(struct visit *v)
{
	const struct ioas_caller *now = ioas_caller_current();

	if (now)
		v->caller = *now;
	v->caller.uaccess = &visit_ops;
	v->caller.fault = NULL;
	v->outer = ioas_caller_enter(&v->caller);
}

static void visit_end(struct visit *v)
{
	ioas_caller_leave(v->outer);
}

static void file_read(struct ioas_squeue *q, struct visit *v, uint64_t count)
{
	if (!q->file->ops->read)
		return;
	visit_begin(v);
	q->file->ops->read(q->file, 0, count);
	visit_end(v);
}

/* The next record; without bytes if there is none, or none can be had. */
static void file_peek(struct ioas_squeue *q, struct token *t)
{
	struct visit v = { .peek = t };

	t->length = 0;
	file_read(q, &v, TOKEN_MAX);
}

/* Take the record that is @t away, if it still is the next. */
static void file_consume(struct ioas_squeue *q, const struct token *t)
{
	struct visit v = { .same = t };

	if (t->length)
		file_read(q, &v, t->length);
}

static void file_write(struct ioas_squeue *q, const void *data, size_t length)
{
	struct visit v = { .packet = data, .length = length };

	if (!q->file->ops->write)
		return;
	visit_begin(&v);
	q->file->ops->write(q->file, 0, length);
	visit_end(&v);
}

static bool file_readable(struct ioas_squeue *q)
{
	/* Only what can be polled is a queue. */
	return q->file->ops->poll(q->file) & IOAS_POLLIN;
}

/* ---- packets ------------------------------------------------------------ */

static bool end_says(const struct ioas_squeue *q, short event)
{
	struct pollfd p = { .fd = q->fd, .events = event };

	return poll(&p, 1, 0) > 0 && (p.revents & event);
}

static void packet_drop(struct ioas_squeue *q)
{
	uint8_t byte;

	recv(q->fd, &byte, 1, MSG_DONTWAIT);
}

static void packet_serve(struct ioas_squeue *q, size_t length)
{
	uint8_t *data = length <= PACKET_MAX ? malloc(length) : NULL;
	ssize_t n;

	if (!data) {
		packet_drop(q);
		return;
	}
	n = recv(q->fd, data, length, MSG_DONTWAIT);
	if (n > 0)
		file_write(q, data, (size_t)n);
	free(data);
}

/* Return: there was one, or there may be one. */
static bool packet_take(struct ioas_squeue *q)
{
	const ssize_t n = recv(q->fd, NULL, 0,
			       MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	/* That the client's end was closed with a token in, once. */
	if (n < 0)
		return errno == ECONNRESET || errno == EINTR;
	if (n > 0) {
		packet_serve(q, (size_t)n);
		return true;
	}
	/* An empty one; or there will be none any more. */
	packet_drop(q);
	return !end_says(q, POLLRDHUP);
}

/*
 * A client can write as fast as we read. What is left then is told once more:
 * the kernel wakes who waits to write whenever the size of the buffer is set.
 */
static void packets_take(struct ioas_squeue *q)
{
	unsigned int n = 0;
	int size;
	socklen_t length = sizeof(size);

	/* See end_fill(). */
	if (!q->file->ops->write)
		return;
	while (n < PACKETS && packet_take(q))
		n++;
	if (n < PACKETS ||
	    getsockopt(q->fd, SOL_SOCKET, SO_SNDBUF, &size, &length))
		return;
	/* It answers with the double of what it was told. */
	size /= 2;
	setsockopt(q->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

/* ---- tokens ------------------------------------------------------------- */

/* Not yet read: the kernel counts what we sent until it is freed. */
static bool token_waits(const struct ioas_squeue *q)
{
	int bytes = 0;

	return !ioctl(q->fd, SIOCOUTQ, &bytes) && bytes > 0;
}

/* Somebody has read it. */
static void token_taken(struct ioas_squeue *q)
{
	q->out = false;
	file_consume(q, &q->token);
}

static bool token_is_next(struct ioas_squeue *q)
{
	file_peek(q, &q->scratch);
	return q->scratch.length == q->token.length &&
	       !memcmp(q->scratch.data, q->token.data, q->token.length);
}

static void token_take_back(struct ioas_squeue *q, int client)
{
	uint8_t byte;

	/*
	 * Somebody may have read it since we looked, or be about to: then that
	 * will be seen later. It was not the next record, so it takes nothing.
	 */
	if (recv(client, &byte, 1, MSG_DONTWAIT) >= 0 || !token_waits(q))
		q->out = false;
}

static void token_send(struct ioas_squeue *q, bool empty_too)
{
	file_peek(q, &q->token);
	if (!q->token.length && !empty_too)
		return;
	/* It fails if there is nobody to read it, or no memory. */
	q->out = send(q->fd, q->token.data, q->token.length,
		      MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* @client: see settle. @event: not because something else has changed. */
static void squeue_update(struct ioas_squeue *q, int client, bool event)
{
	packets_take(q);
	if (q->out && !token_waits(q))
		token_taken(q);
	/* There is no way to take it back. */
	if (q->out && client < 0)
		return;
	if (q->out && !(file_readable(q) && token_is_next(q)))
		token_take_back(q, client);
	if (!q->out && file_readable(q))
		token_send(q, !event);
}

/* ---- the end ------------------------------------------------------------ */

/* A line of /proc/net/unix: is its socket @inode? */
static bool line_is_of(const char *line, uint64_t inode)
{
	uint64_t found;

	return sscanf(line, "%*[^:]: %*s %*s %*s %*s %*s %" SCNu64, &found) ==
		       1 &&
	       found == inode;
}

static bool socket_exists(uint64_t inode)
{
	FILE *f = fopen("/proc/self/net/unix", "re");
	bool found = false;
	char line[256];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = line_is_of(line, inode);
	fclose(f);
	return found;
}

/*
 * The client's end is closed, or was only shut down by its owner: that looks
 * the same from here, but not in the kernel's list.
 */
static bool client_closed(const struct ioas_squeue *q)
{
	return end_says(q, POLLHUP) && !socket_exists(q->peer);
}

/* ---- external ----------------------------------------------------------- */

int ioas_squeue_fd(const struct ioas_squeue *q)
{
	return q->fd;
}

bool ioas_squeue_event(struct ioas_squeue *q)
{
	/* First, so that what was written before a close is seen below. */
	const bool closed = client_closed(q);

	pthread_mutex_lock(&q->turn);
	if (!q->nr_calls)
		squeue_update(q, -1, true);
	pthread_mutex_unlock(&q->turn);
	return closed;
}

void ioas_squeue_settle(struct ioas_squeue *q, int client)
{
	pthread_mutex_lock(&q->turn);
	if (!q->nr_calls)
		squeue_update(q, client, false);
	pthread_mutex_unlock(&q->turn);
}

void ioas_squeue_enter(struct ioas_squeue *q)
{
	pthread_mutex_lock(&q->turn);
	q->nr_calls++;
	pthread_mutex_unlock(&q->turn);
}

void ioas_squeue_leave(struct ioas_squeue *q, int client)
{
	pthread_mutex_lock(&q->turn);
	if (!--q->nr_calls)
		squeue_update(q, client, false);
	pthread_mutex_unlock(&q->turn);
}

/*
 * What cannot be written to is never ready for it: the client's end has a full
 * buffer from the beginning. Nobody takes these packets.
 */
static void end_fill(int client)
{
	const int least = 1;

	setsockopt(client, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	while (send(client, &least, 1, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		;
}

static int pair_create(struct ioas_squeue *q, int *client)
{
	const int off = 0;
	struct stat st;
	int fd[2];

	/* Not trapped, a read of nothing must not wait: the kernel's does not. */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, fd))
		return errno == EMFILE || errno == ENFILE ? -EMFILE : -ENOMEM;
	if (fstat(fd[1], &st)) {
		close(fd[0]);
		close(fd[1]);
		return -ENOMEM;
	}
	/* A kernel without it lets them come. */
	setsockopt(fd[0], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
	if (!q->file->ops->write)
		end_fill(fd[1]);
	q->peer = st.st_ino;
	q->fd = fd[0];
	*client = fd[1];
	return 0;
}

int ioas_squeue_create(struct ioas_ufile *file, struct ioas_squeue **out,
		       int *client)
{
	struct ioas_squeue *q = calloc(1, sizeof(*q));
	int ret;

	if (!q)
		return -ENOMEM;
	q->file = file;
	ret = pair_create(q, client);
	if (ret) {
		free(q);
		return ret;
	}
	pthread_mutex_init(&q->turn, NULL);
	*out = q;
	return 0;
}

void ioas_squeue_destroy(struct ioas_squeue *q)
{
	if (!q)
		return;
	pthread_mutex_destroy(&q->turn);
	close(q->fd);
	free(q);
}
