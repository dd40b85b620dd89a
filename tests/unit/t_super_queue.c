/* SPDX-License-Identifier: MIT */
/* queue: what a program sees of a queue file that is a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "uapi/uaccess.h"

/* Its static functions as well. */
#include "../../src/super/queue.c"

#define NR_RECORDS 16u
#define NR_WRITES 512u

/* ---- a queue file, scripted --------------------------------------------- */

struct fake {
	struct ioas_ufile file;
	/* What is queued, and how long each is. */
	unsigned int head, nr;
	uint8_t record[NR_RECORDS][2 * TOKEN_MAX];
	size_t length[NR_RECORDS];
	/* First bytes of what was written. */
	uint8_t written[NR_WRITES];
	unsigned int nr_written;
	size_t last_length;
	/* Write so many more into it while a write is served. */
	unsigned int nr_more;
	int more;
	/* Read by a copy when poll is asked next; 0: not. */
	int read_at_poll;
	unsigned int nr_ops;
	/* As seen by the last op. */
	struct ioas_caller caller;
};

static struct fake *fake_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct fake, file);
}

static void fake_note(struct fake *f)
{
	f->nr_ops++;
	f->caller = *ioas_caller_current();
}

static int64_t fake_read(struct ioas_ufile *file, uint64_t buffer,
			 uint64_t count)
{
	struct fake *f = fake_of(file);
	uint64_t done = 0;

	fake_note(f);
	while (f->nr && f->length[f->head] <= count - done) {
		if (ioas_copy_to(buffer + done, f->record[f->head],
				 f->length[f->head]))
			return done ? (int64_t)done : -EFAULT;
		done += f->length[f->head];
		f->head = (f->head + 1) % NR_RECORDS;
		f->nr--;
	}
	return (int64_t)done;
}

static int64_t fake_write(struct ioas_ufile *file, uint64_t buffer,
			  uint64_t count)
{
	struct fake *f = fake_of(file);
	uint8_t byte;

	fake_note(f);
	if (ioas_copy_from(&byte, buffer, 1))
		return -EFAULT;
	/* Nothing beyond it can be had. */
	if (!ioas_copy_from(&(uint8_t){ 0 }, buffer + count, 1))
		return -EINVAL;
	f->last_length = count;
	f->written[f->nr_written++ % NR_WRITES] = byte;
	if (f->nr_more) {
		f->nr_more--;
		byte++;
		assert_int_equal(write(f->more, &byte, 1), 1);
	}
	return (int64_t)count;
}

static uint32_t fake_poll(struct ioas_ufile *file)
{
	struct fake *f = fake_of(file);
	uint8_t byte;

	if (f->read_at_poll)
		assert_int_equal(recv(f->read_at_poll, &byte, 1, MSG_DONTWAIT),
				 1);
	f->read_at_poll = 0;
	return IOAS_POLLOUT | (f->nr ? IOAS_POLLIN : 0);
}

static const struct ioas_ufile_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.poll = fake_poll,
};

static const struct ioas_ufile_ops read_only_ops = {
	.read = fake_read,
	.poll = fake_poll,
};

/* A record of @length bytes that begins with @first. */
static void fake_add(struct fake *f, uint8_t first, size_t length)
{
	const unsigned int i = (f->head + f->nr) % NR_RECORDS;

	assert_true(f->nr < NR_RECORDS);
	for (size_t n = 0; n < length; n++)
		f->record[i][n] = (uint8_t)(first + n);
	f->length[i] = length;
	f->nr++;
}

static void fake_drop(struct fake *f)
{
	f->head = (f->head + 1) % NR_RECORDS;
	f->nr--;
}

/* ---- fixture ------------------------------------------------------------ */

struct world {
	struct fake *f;
	struct ioas_squeue *q;
	/* The client's end; -1: closed. */
	int client;
	/* Of the supervisor: our end, edges. */
	int epoll;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
					   EPOLLET };

	assert_non_null(w);
	w->f = calloc(1, sizeof(*w->f));
	assert_non_null(w->f);
	ioas_ufile_init(&w->f->file, &fake_ops);
	assert_int_equal(ioas_squeue_create(&w->f->file, &w->q, &w->client),
			 0);
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	assert_true(w->epoll >= 0);
	assert_int_equal(epoll_ctl(w->epoll, EPOLL_CTL_ADD,
				   ioas_squeue_fd(w->q), &e), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->client >= 0)
		close(w->client);
	close(w->epoll);
	ioas_squeue_destroy(w->q);
	free(w->f);
	free(w);
	return 0;
}

static bool ended(const struct world *w)
{
	struct epoll_event e;

	return epoll_wait(w->epoll, &e, 1, 0) == 1;
}

/*
 * As the supervisor: serve events until there are none. Return: closed. More
 * than @max of them fail.
 */
static bool serve_at_most(struct world *w, unsigned int max)
{
	unsigned int n = 0;

	while (ended(w)) {
		assert_true(n++ < max);
		if (ioas_squeue_event(w->q))
			return true;
	}
	return false;
}

static bool serve(struct world *w)
{
	return serve_at_most(w, 100);
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLIN);
}

/* A read by a copy that the filter cannot tell. */
static void low_read(struct world *w, uint8_t first, size_t length)
{
	uint8_t buffer[TOKEN_MAX + 1];

	assert_int_equal(recv(w->client, buffer, sizeof(buffer), MSG_DONTWAIT),
			 length);
	for (size_t i = 0; i < length; i++)
		assert_int_equal(buffer[i], (uint8_t)(first + i));
}

static void low_read_has_nothing(struct world *w)
{
	uint8_t byte;

	assert_int_equal(recv(w->client, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* Memory of a client that takes everything. */
static int any_copy_to(struct ioas_caller *c, uint64_t dst, const void *src,
		       size_t length)
{
	(void)c;
	(void)dst;
	(void)src;
	(void)length;
	return 0;
}

static const struct ioas_uaccess_ops any_ops = { .copy_to = any_copy_to };

static int64_t trapped_read(struct world *w, uint64_t count)
{
	struct ioas_caller caller = { .uaccess = &any_ops };
	struct ioas_caller *old;
	int64_t ret;

	ioas_squeue_enter(w->q);
	old = ioas_caller_enter(&caller);
	ret = w->f->file.ops->read(&w->f->file, 4096, count);
	ioas_caller_leave(old);
	ioas_squeue_leave(w->q, w->client);
	return ret;
}

/* ---- readiness ---------------------------------------------------------- */

static void readable_exactly_while_something_is_queued(void **state)
{
	struct world *w = *state;

	ioas_squeue_settle(w->q, -1);
	assert_false(readable(w->client));
	fake_add(w->f, 1, 40);
	fake_add(w->f, 2, 40);
	ioas_squeue_settle(w->q, -1);
	assert_true(readable(w->client));
	assert_int_equal(w->f->nr, 2);
	assert_int_equal(trapped_read(w, 40), 40);
	assert_true(readable(w->client));
	assert_int_equal(trapped_read(w, 40), 40);
	assert_false(readable(w->client));
	assert_int_equal(trapped_read(w, 40), 0);
	fake_add(w->f, 3, 40);
	ioas_squeue_settle(w->q, w->client);
	assert_true(readable(w->client));
	assert_false(serve(w));
	assert_true(readable(w->client));
	assert_int_equal(w->f->nr, 1);
}

/* One edge for each record that becomes the next, none for nothing. */
static void edges_are_seen_once(void **state)
{
	struct world *w = *state;
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	const int ep = epoll_create1(EPOLL_CLOEXEC);

	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, w->client, &e), 0);
	assert_int_equal(epoll_wait(ep, &e, 1, 0), 0);
	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	assert_int_equal(epoll_wait(ep, &e, 1, 0), 1);
	assert_int_equal(e.events, EPOLLIN);
	ioas_squeue_settle(w->q, w->client);
	assert_false(serve(w));
	assert_int_equal(epoll_wait(ep, &e, 1, 0), 0);
	assert_int_equal(trapped_read(w, 40), 40);
	assert_int_equal(epoll_wait(ep, &e, 1, 0), 0);
	fake_add(w->f, 2, 40);
	ioas_squeue_settle(w->q, -1);
	assert_int_equal(epoll_wait(ep, &e, 1, 0), 1);
	close(ep);
}

static void a_waiting_poll_wakes(void **state)
{
	struct world *w = *state;
	struct pollfd p = { .fd = w->client, .events = POLLIN };
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(poll(&p, 1, 10000) == 1 && p.revents == POLLIN ? 0 : 1);
	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* No descriptor of the client's end at hand: what is out stays out. */
static void a_stale_token_waits_for_a_descriptor(void **state)
{
	struct world *w = *state;

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	fake_drop(w->f);
	ioas_squeue_settle(w->q, -1);
	assert_true(readable(w->client));
	ioas_squeue_settle(w->q, w->client);
	assert_false(readable(w->client));
	/* Another record is next. */
	fake_add(w->f, 2, 40);
	ioas_squeue_settle(w->q, w->client);
	fake_drop(w->f);
	fake_add(w->f, 3, 24);
	ioas_squeue_settle(w->q, w->client);
	low_read(w, 3, 24);
	low_read_has_nothing(w);
}

/* ---- copies at low descriptors ------------------------------------------ */

static void a_low_read_takes_the_record(void **state)
{
	struct world *w = *state;

	for (uint8_t i = 0; i < 8; i++)
		fake_add(w->f, i, 8 + 8u * i);
	ioas_squeue_settle(w->q, -1);
	for (uint8_t i = 0; i < 8; i++) {
		assert_int_equal(w->f->nr, 8 - i);
		low_read(w, i, 8 + 8u * i);
		low_read_has_nothing(w);
		assert_false(serve(w));
	}
	assert_int_equal(w->f->nr, 0);
	assert_false(readable(w->client));
}

/* It read what somebody else had read, too; what came then is not lost. */
static void a_stale_low_read_takes_nothing(void **state)
{
	struct world *w = *state;

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	fake_drop(w->f);
	fake_add(w->f, 2, 40);
	low_read(w, 1, 40);
	assert_false(serve(w));
	assert_int_equal(w->f->nr, 1);
	low_read(w, 2, 40);
	assert_false(serve(w));
	assert_int_equal(w->f->nr, 0);
	/* The same but shorter. */
	fake_add(w->f, 3, 40);
	ioas_squeue_settle(w->q, -1);
	fake_drop(w->f);
	fake_add(w->f, 3, 24);
	low_read(w, 3, 40);
	assert_false(serve(w));
	assert_int_equal(w->f->nr, 1);
}

/* As above, but it comes between our look and our taking back. */
static void a_token_gone_when_it_is_taken_back_was_read(void **state)
{
	struct world *w = *state;

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	fake_drop(w->f);
	fake_add(w->f, 2, 40);
	w->f->read_at_poll = w->client;
	ioas_squeue_settle(w->q, w->client);
	assert_int_equal(w->f->nr, 1);
	low_read(w, 2, 40);
}

static void a_small_low_read_loses_the_rest(void **state)
{
	struct world *w = *state;
	uint8_t byte;

	fake_add(w->f, 1, 40);
	fake_add(w->f, 2, 40);
	ioas_squeue_settle(w->q, -1);
	assert_int_equal(read(w->client, &byte, 1), 1);
	assert_false(serve(w));
	low_read(w, 2, 40);
}

static void low_writes_arrive_in_order(void **state)
{
	struct world *w = *state;
	const int copy = dup(w->client);

	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(write(i & 1 ? copy : w->client, &i, 1), 1);
	assert_false(serve(w));
	assert_int_equal(w->f->nr_written, 5);
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(w->f->written[i], i);
	close(copy);
}

static void what_cannot_be_written_is_never_ready_for_it(void **state)
{
	struct world *w = *state;
	struct pollfd p = { .events = POLLIN | POLLOUT };
	struct ioas_squeue *q;

	w->f->file.ops = &read_only_ops;
	assert_int_equal(ioas_squeue_create(&w->f->file, &q, &p.fd), 0);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(send(p.fd, "x", 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(ioas_squeue_event(q));
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(w->f->nr_ops, 0);
	close(p.fd);
	assert_true(ioas_squeue_event(q));
	ioas_squeue_destroy(q);
}

/* ---- the end ------------------------------------------------------------ */

static void the_last_copy_closes(void **state)
{
	struct world *w = *state;
	const int copy = dup(w->client);
	int go[2], status;
	pid_t pid;

	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		/* Has both, and only waits. */
		close(go[1]);
		_exit(read(go[0], &status, 1) ? 1 : 0);
	}
	close(go[0]);
	close(w->client);
	assert_false(serve(w));
	assert_false(ioas_squeue_event(w->q));
	close(copy);
	w->client = -1;
	assert_false(serve(w));
	assert_false(ioas_squeue_event(w->q));
	close(go[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(serve(w));
}

static void closed_with_a_token_in(void **state)
{
	struct world *w = *state;

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	assert_false(serve(w));
	close(w->client);
	w->client = -1;
	assert_true(serve(w));
}

/* What was written before a close happened before it. */
static void a_close_does_not_overtake_writes(void **state)
{
	struct world *w = *state;

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(write(w->client, &i, 1), 1);
	close(w->client);
	w->client = -1;
	assert_true(serve(w));
	assert_int_equal(w->f->nr_written, 4);
}

static void a_shutdown_is_no_close(void **state)
{
	static const int how[] = { SHUT_RD, SHUT_WR, SHUT_RDWR };
	struct world *w = *state;

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(how); i++) {
		fake_add(w->f, (uint8_t)i, 40);
		ioas_squeue_settle(w->q, w->client);
		assert_int_equal(shutdown(w->client, how[i]), 0);
		assert_false(serve(w));
		assert_false(ioas_squeue_event(w->q));
		ioas_squeue_settle(w->q, w->client);
		assert_int_equal(w->f->nr, 1);
		assert_int_equal(trapped_read(w, 40), 40);
		assert_false(serve(w));
	}
	close(w->client);
	w->client = -1;
	assert_true(serve(w));
}

static void lines_of_sockets(void **state)
{
	static const char short_line[] =
		"0000000000000000: 00000003 00000000 00000000 0005 03 12345\n";
	static const char long_line[] =
		"ffff888012345678: 00000002 00000000 00010000 0001 01   678 "
		"/run/12345\n";

	(void)state;
	assert_true(line_is_of(short_line, 12345));
	assert_false(line_is_of(short_line, 1234));
	assert_false(line_is_of(short_line, 5));
	assert_true(line_is_of(long_line, 678));
	assert_false(line_is_of(long_line, 12345));
	assert_false(line_is_of("Num       RefCount Protocol Flags    Type St "
				"Inode Path\n", 0));
	assert_false(line_is_of("", 0));
}

/* ---- hostile clients ---------------------------------------------------- */

/* Its writes never end while we serve them: a few at a time. */
static void a_flood_is_served_in_portions(void **state)
{
	struct world *w = *state;

	w->f->nr_more = 3 * PACKETS;
	w->f->more = w->client;
	assert_int_equal(write(w->client, "", 1), 1);
	assert_true(ended(w));
	assert_false(ioas_squeue_event(w->q));
	assert_int_equal(w->f->nr_written, PACKETS);
	assert_false(serve(w));
	assert_int_equal(w->f->nr_written, 3 * PACKETS + 1);
}

static void packets_of_any_size(void **state)
{
	static const size_t sizes[] = { 1, 7, 0, 8, 4096, 4097, 65536, 100000 };
	struct world *w = *state;
	uint8_t *data = calloc(1, 100000);

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		data[0] = (uint8_t)i;
		assert_int_equal(send(w->client, data, sizes[i], 0), sizes[i]);
		assert_false(serve(w));
		if (sizes[i])
			assert_int_equal(w->f->last_length, sizes[i]);
	}
	assert_int_equal(w->f->nr_written, IOAS_ARRAY_SIZE(sizes) - 1);
	free(data);
}

/* A full socket is emptied, and its writer goes on. */
static void a_full_socket(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;

	for (unsigned int round = 0; round < 3; round++) {
		while (send(w->client, &(uint8_t){ 0 }, 1, MSG_DONTWAIT) == 1)
			n++;
		assert_int_equal(errno, EAGAIN);
		assert_false(serve(w));
		assert_int_equal(w->f->nr_written, n);
	}
	assert_true(n >= 3);
	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	assert_true(readable(w->client));
}

static void a_tiny_buffer_holds_a_token(void **state)
{
	struct world *w = *state;
	const int one = 1;

	setsockopt(w->client, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
	setsockopt(w->client, SOL_SOCKET, SO_SNDBUF, &one, sizeof(one));
	fake_add(w->f, 1, TOKEN_MAX);
	ioas_squeue_settle(w->q, -1);
	low_read(w, 1, TOKEN_MAX);
	assert_false(serve(w));
	assert_int_equal(w->f->nr, 0);
}

/* Readable, and nothing to be had, as the file itself says. */
static void a_record_that_is_too_long(void **state)
{
	struct world *w = *state;
	uint8_t byte;

	fake_add(w->f, 1, TOKEN_MAX + 1);
	ioas_squeue_settle(w->q, -1);
	assert_true(readable(w->client));
	assert_int_equal(recv(w->client, &byte, 1, MSG_DONTWAIT), 0);
	assert_false(serve(w));
	assert_int_equal(w->f->nr, 1);
	assert_false(readable(w->client));
	ioas_squeue_settle(w->q, -1);
	assert_true(readable(w->client));
	assert_int_equal(trapped_read(w, TOKEN_MAX + 1), TOKEN_MAX + 1);
	assert_false(readable(w->client));
}

/* A client that throws away what it is sent does not keep us busy. */
static void dropped_tokens_come_to_an_end(void **state)
{
	struct world *w = *state;
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &drop };

	assert_int_equal(setsockopt(w->client, SOL_SOCKET, SO_ATTACH_FILTER,
				    &prog, sizeof(prog)), 0);
	for (uint8_t i = 0; i < NR_RECORDS; i++)
		fake_add(w->f, i, i == 10 ? TOKEN_MAX + 1 : 40);
	ioas_squeue_settle(w->q, -1);
	assert_false(serve_at_most(w, 3 * NR_RECORDS));
	assert_int_equal(w->f->nr, NR_RECORDS - 10);
	ioas_squeue_settle(w->q, w->client);
	assert_false(serve_at_most(w, 3));
	assert_false(readable(w->client));
}

/* Descriptors in a packet are not taken, or at least not kept. */
static void descriptors_do_not_stay(void **state)
{
	struct world *w = *state;
	struct iovec iov = { .iov_base = "12345678", .iov_len = 8 };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { 0 };
	struct msghdr m = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.room,
		.msg_controllen = sizeof(u.room),
	};
	int fd[2];
	char c;

	assert_int_equal(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
	u.head.cmsg_level = SOL_SOCKET;
	u.head.cmsg_type = SCM_RIGHTS;
	u.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&u.head), &fd[1], sizeof(int));
	if (sendmsg(w->client, &m, 0) < 0)
		assert_int_equal(errno, EPERM);
	close(fd[1]);
	assert_false(serve(w));
	assert_int_equal(read(fd[0], &c, 1), 0);
	close(fd[0]);
}

/* ---- callers ------------------------------------------------------------ */

static void ops_run_in_the_name_of_the_caller(void **state)
{
	struct world *w = *state;
	struct ioas_fault fault = { 0 };
	struct ioas_caller caller = { .mm = w, .fault = &fault };
	struct ioas_caller *old = ioas_caller_enter(&caller);

	fake_add(w->f, 1, 40);
	ioas_squeue_settle(w->q, -1);
	assert_ptr_equal(ioas_caller_current(), &caller);
	ioas_caller_leave(old);
	assert_ptr_equal(w->f->caller.mm, w);
	assert_null(w->f->caller.fault);
	low_read(w, 1, 40);
	assert_false(serve(w));
	assert_null(w->f->caller.mm);
	assert_null(ioas_caller_current());
}

/* Such a call may wait for its client's memory, and keeps the reader out. */
static void nothing_waits_for_a_trapped_call(void **state)
{
	struct world *w = *state;

	ioas_squeue_enter(w->q);
	ioas_squeue_enter(w->q);
	fake_add(w->f, 1, 40);
	assert_int_equal(write(w->client, "x", 1), 1);
	ioas_squeue_settle(w->q, w->client);
	assert_false(serve(w));
	ioas_squeue_leave(w->q, w->client);
	assert_int_equal(w->f->nr_ops, 0);
	assert_false(readable(w->client));
	ioas_squeue_leave(w->q, w->client);
	assert_int_equal(w->f->nr_written, 1);
	assert_true(readable(w->client));
}

static void no_descriptors_left(void **state)
{
	struct world *w = *state;
	struct ioas_squeue *q = NULL;
	int client = -1, fds[4096], n = 0;

	while (n < 4096 && (fds[n] = dup(0)) >= 0)
		n++;
	if (n < 4096)
		assert_int_equal(ioas_squeue_create(&w->f->file, &q, &client),
				 -EMFILE);
	while (n)
		close(fds[--n]);
	assert_null(q);
	assert_int_equal(client, -1);
	ioas_squeue_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(readable_exactly_while_something_is_queued),
		TEST(edges_are_seen_once),
		TEST(a_waiting_poll_wakes),
		TEST(a_stale_token_waits_for_a_descriptor),
		TEST(a_low_read_takes_the_record),
		TEST(a_stale_low_read_takes_nothing),
		TEST(a_token_gone_when_it_is_taken_back_was_read),
		TEST(a_small_low_read_loses_the_rest),
		TEST(low_writes_arrive_in_order),
		TEST(what_cannot_be_written_is_never_ready_for_it),
		TEST(the_last_copy_closes),
		TEST(closed_with_a_token_in),
		TEST(a_close_does_not_overtake_writes),
		TEST(a_shutdown_is_no_close),
		TEST(lines_of_sockets),
		TEST(a_flood_is_served_in_portions),
		TEST(packets_of_any_size),
		TEST(a_full_socket),
		TEST(a_tiny_buffer_holds_a_token),
		TEST(a_record_that_is_too_long),
		TEST(dropped_tokens_come_to_an_end),
		TEST(descriptors_do_not_stay),
		TEST(ops_run_in_the_name_of_the_caller),
		TEST(nothing_waits_for_a_trapped_call),
		TEST(no_descriptors_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
