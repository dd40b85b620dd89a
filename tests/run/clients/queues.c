/* SPDX-License-Identifier: MIT */
/*
 * queues: descriptors that carry records: page faults and responses, events
 *
 *   device --> queue --> poll, select, epoll say so --> read
 *                                                       write: responses
 *
 * Never blocks, whatever the flags; only whole records; iommufd-uapi 8 and 9.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "client.h"

#define FAULT sizeof(struct ioas_abi_pgfault)
#define ANSWER sizeof(struct ioas_abi_page_response)
/* A header and a word (iommufd-test-abi 5.7). */
#define EVENT 12
#define VIRT_ID 42

/* A device whose faults arrive at fd. */
struct faults {
	struct uclient c;
	struct uc_mock m;
	uint32_t ioas, queue, hwpt;
	int fd;
};

static struct faults faults_new(void)
{
	struct ioas_abi_hwpt_alloc s = { .flags =
						 IOAS_ABI_HWPT_FAULT_ID_VALID };
	struct faults f = { .c = iommu_open() };
	uint32_t pt;

	f.ioas = ioas_new(&f.c);
	f.m = mock_new(&f.c, f.ioas);
	want_ok(uc_fault_queue(&f.c, &f.queue, &f.fd));
	s.dev_id = f.m.idev;
	s.pt_id = f.ioas;
	s.fault_id = f.queue;
	want_ok(uc_hwpt_alloc(&f.c, &s, NULL));
	f.hwpt = pt = s.out_hwpt_id;
	want_ok(uc_mock_replace(&f.c, f.m.stdev, &pt));
	return f;
}

static void fault(const struct faults *f, uint32_t group)
{
	const struct ioas_abi_test_trigger_iopf s = { .dev_id = f->m.idev,
						      .grpid = group,
						      .perm = 1,
						      .addr = group * PAGE };

	want_ok(uc_iopf(&f->c, &s));
}

static short ready(int fd, short events, int timeout)
{
	struct pollfd p = { fd, events, 0 };

	must(poll(&p, 1, timeout));
	return p.revents;
}

static void numbers(void)
{
	struct faults f = faults_new();
	struct stat st;

	/* Close-on-exec, and nothing that has a position. */
	want(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	want(lseek(f.fd, 0, SEEK_SET), -1);
	want(errno, ESPIPE);
	want(pread(f.fd, &st, FAULT, 0), -1);
	want(errno, ESPIPE);
	want(pwrite(f.fd, &st, ANSWER, 0), -1);
	want(errno, ESPIPE);
	want(uc_destroy(&f.c, f.queue), -EBUSY);
	want_ok(close(f.fd));
	/* The page table has it still. */
	want(uc_destroy(&f.c, f.queue), -EBUSY);
	close(f.c.fd);
}

static void faults_are_read(void)
{
	struct ioas_abi_pgfault r[4];
	struct faults f = faults_new();

	want(ready(f.fd, POLLIN | POLLOUT, 0), POLLOUT);
	want(read(f.fd, r, sizeof(r)), 0);
	for (uint32_t i = 1; i <= 3; i++)
		fault(&f, i);
	want(ready(f.fd, POLLIN | POLLRDNORM | POLLOUT, -1),
	     POLLIN | POLLRDNORM | POLLOUT);
	/* A count that is no multiple is refused before anything is taken. */
	want(read(f.fd, r, FAULT + 1), -1);
	want(errno, ESPIPE);
	want(read(f.fd, r, 0), 0);
	want(read(f.fd, r, 2 * FAULT), 2 * FAULT);
	want(r[0].grpid, 1);
	want(r[0].cookie, 1);
	want(r[0].dev_id, f.m.idev);
	want(r[0].addr, PAGE);
	want(r[1].grpid, 2);
	want(r[1].cookie, 2);
	want(ready(f.fd, POLLIN, 0), POLLIN);
	/* Nothing there to write to: it stays. */
	want(read(f.fd, nowhere(), FAULT), -1);
	want(errno, EFAULT);
	want(read(f.fd, r, sizeof(r)), FAULT);
	want(r[0].grpid, 3);
	want(ready(f.fd, POLLIN, 0), 0);
	want(read(f.fd, r, sizeof(r)), 0);
	close(f.fd);
	close(f.c.fd);
}

static void answers_are_written(void)
{
	struct ioas_abi_page_response a[3] = { { 1, 0 }, { 7, 0 }, { 2, 0 } };
	struct ioas_abi_pgfault r[4];
	struct faults f = faults_new();

	for (uint32_t i = 1; i <= 3; i++)
		fault(&f, i);
	want(read(f.fd, r, sizeof(r)), 3 * FAULT);
	want(write(f.fd, a, ANSWER - 1), -1);
	want(errno, ESPIPE);
	/* The first is taken, the second is nobody's. */
	want(write(f.fd, a, sizeof(a)), ANSWER);
	want(write(f.fd, a, ANSWER), -1);
	want(errno, EINVAL);
	a[2].code = 2;
	want(write(f.fd, a + 2, ANSWER), -1);
	want(errno, EINVAL);
	a[2].code = 1;
	want(write(f.fd, a + 2, ANSWER), ANSWER);
	want(write(f.fd, nowhere(), ANSWER), -1);
	want(errno, EFAULT);
	/* The lowest cookie that is free. */
	fault(&f, 9);
	want(read(f.fd, r, FAULT), FAULT);
	want(r[0].cookie, 1);
	close(f.fd);
	close(f.c.fd);
}

static void vectors(void)
{
	struct ioas_abi_pgfault r[4];
	struct iovec in[2] = { { r, FAULT }, { r + 1, FAULT } };
	struct faults f = faults_new();

	fault(&f, 1);
	fault(&f, 2);
	want(readv(f.fd, in, 2), 2 * FAULT);
	want(r[0].grpid, 1);
	want(r[1].grpid, 2);
	close(f.fd);
	close(f.c.fd);
}

static void *fault_later(void *arg)
{
	usleep(20000);
	fault(arg, 5);
	return NULL;
}

static void polls_wake_up(void)
{
	struct ioas_abi_pgfault r;
	struct faults f = faults_new();
	pthread_t t;
	fd_set in;

	alarm(30);
	for (int i = 0; i < 4; i++) {
		want_ok(pthread_create(&t, NULL, fault_later, &f));
		if (i % 2) {
			FD_ZERO(&in);
			FD_SET(f.fd, &in);
			want(select(f.fd + 1, &in, NULL, NULL, NULL), 1);
		} else {
			want(ready(f.fd, POLLIN, -1), POLLIN);
		}
		want(read(f.fd, &r, FAULT), FAULT);
		want(r.grpid, 5);
		want_ok(pthread_join(t, NULL));
		want(ready(f.fd, POLLIN, 0), 0);
	}
	alarm(0);
	close(f.fd);
	close(f.c.fd);
}

static int epoll_in(int ep, int timeout)
{
	struct epoll_event e;
	const int n = epoll_wait(ep, &e, 1, timeout);

	return n > 0 ? (int)(e.events & EPOLLIN) : n;
}

static void epolls_wake_up(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct ioas_abi_pgfault r[4];
	struct faults f = faults_new();
	const int level = epoll_create1(0), edge = epoll_create1(0);

	want_ok(epoll_ctl(level, EPOLL_CTL_ADD, f.fd, &e));
	e.events = EPOLLIN | EPOLLET;
	want_ok(epoll_ctl(edge, EPOLL_CTL_ADD, f.fd, &e));
	want(epoll_in(level, 0), 0);
	want(epoll_in(edge, 0), 0);
	for (uint32_t i = 0; i < 3; i++) {
		fault(&f, i + 1);
		fault(&f, i + 7);
		want(epoll_in(level, -1), EPOLLIN);
		want(epoll_in(level, -1), EPOLLIN);
		want(epoll_in(edge, -1), EPOLLIN);
		want(read(f.fd, r, FAULT), FAULT);
		/* One is left. */
		want(epoll_in(level, -1), EPOLLIN);
		want(read(f.fd, r, sizeof(r)), FAULT);
		want(epoll_in(level, 0), 0);
		want(epoll_in(edge, 0), 0);
	}
	close(level);
	close(edge);
	close(f.fd);
	close(f.c.fd);
}

/* Through a copy at a low number, and in another process. */
static void copies(void)
{
	struct ioas_abi_page_response a = { 1, 0 };
	struct ioas_abi_pgfault r[2];
	struct faults f = faults_new();
	int copy;
	pid_t pid;

	copy = (int)must(dup(f.fd));
	fault(&f, 1);
	want(ready(copy, POLLIN, -1), POLLIN);
	want(read(copy, r, FAULT), FAULT);
	want(r[0].grpid, 1);
	want(ready(f.fd, POLLIN, 0), 0);
	want(write(copy, &a, ANSWER), ANSWER);
	fault(&f, 2);
	want_ok(close(f.fd));
	pid = (pid_t)must(fork());
	if (!pid) {
		want(ready(copy, POLLIN, -1), POLLIN);
		want(read(copy, r, sizeof(r)), FAULT);
		want(r[0].grpid, 2);
		want(read(copy, r, sizeof(r)), 0);
		_exit(0);
	}
	want_child(pid);
	want(read(copy, r, sizeof(r)), 0);
	want(write(copy, &a, ANSWER), ANSWER);
	close(copy);
	close(f.c.fd);
}

/* A queue holds the context alive, alone. */
static void alone(void)
{
	struct uclient c = iommu_open();
	struct faults f = faults_new();
	struct ioas_abi_pgfault r;
	char *p = memory_shared(1);

	want_ok(uc_map_fixed(&f.c, f.ioas, va(p), PAGE, UC_RW, IOVA));
	fault(&f, 1);
	want_ok(close(f.c.fd));
	want_ok(refs_are(&c, p, 1, 1));
	want(ready(f.fd, POLLIN, 0), POLLIN);
	want(read(f.fd, &r, FAULT), FAULT);
	want_ok(refs_are(&c, p, 1, 1));
	want_ok(close(f.fd));
	want_ok(refs_are(&c, p, 1, 0));
	close(c.fd);
}

/* Below a limit that leaves few numbers, and at it. */
static void few_numbers(void)
{
	const struct rlimit rl = { 24, 24 };
	struct faults f;
	struct ioas_abi_pgfault r;
	uint32_t id;
	int fd, ret;

	want_ok(setrlimit(RLIMIT_NOFILE, &rl));
	f = faults_new();
	want(f.fd < 24, 1);
	fault(&f, 3);
	want(ready(f.fd, POLLIN, -1), POLLIN);
	want(read(f.fd, &r, FAULT), FAULT);
	want(r.grpid, 3);
	while ((ret = uc_fault_queue(&f.c, &id, &fd)) == 0)
		want(fd < 24, 1);
	want(ret, -EMFILE);
}

/* ---- events -------------------------------------------------------------- */

struct events {
	struct uclient c;
	struct uc_mock m;
	uint32_t queue;
	int fd;
};

static struct events events_new(uint32_t depth)
{
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb = 1 };
	struct events e = { .c = iommu_open() };
	uint32_t ioas, parent, viommu, vdevice, nested;

	ioas = ioas_new(&e.c);
	e.m = mock_new(&e.c, ioas);
	want_ok(uc_hwpt(&e.c, e.m.idev, ioas, IOAS_ABI_HWPT_ALLOC_NEST_PARENT,
			&parent));
	want_ok(uc_viommu(&e.c, e.m.idev, parent, &viommu));
	want_ok(uc_vdevice(&e.c, viommu, e.m.idev, VIRT_ID, &vdevice));
	want_ok(uc_hwpt_mock(&e.c, e.m.idev, viommu, 0, &data, &nested));
	want_ok(uc_mock_replace(&e.c, e.m.stdev, &nested));
	want_ok(uc_veventq(&e.c, viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, depth,
			   &e.queue, &e.fd));
	return e;
}

static void events_are_read(void)
{
	struct events e = events_new(2);
	uint32_t w[16];

	want(ready(e.fd, POLLIN, 0), 0);
	want(read(e.fd, w, sizeof(w)), 0);
	for (int i = 0; i < 3; i++)
		want_ok(uc_vevent(&e.c, e.m.idev));
	want(ready(e.fd, POLLIN | POLLRDNORM, -1), POLLIN | POLLRDNORM);
	/* The first does not fit. */
	want(read(e.fd, w, EVENT - 1), 0);
	want(read(e.fd, w, 7), 0);
	want(read(e.fd, nowhere(), 64), -1);
	want(errno, EFAULT);
	want(read(e.fd, w, EVENT + 8), EVENT);
	want(w[0], 0);
	want(w[1], 0);
	want(w[2], VIRT_ID);
	/* The second, and that the third was lost. */
	want(read(e.fd, w, sizeof(w)), EVENT + 8);
	want(w[1], 1);
	want(w[3], IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS);
	want(w[4], 2);
	want(ready(e.fd, POLLIN, 0), 0);
	want_ok(uc_vevent(&e.c, e.m.idev));
	want(ready(e.fd, POLLIN, -1), POLLIN);
	want(read(e.fd, w, sizeof(w)), EVENT);
	want(w[1], 3);
	want(write(e.fd, w, EVENT), -1);
	want(errno, EINVAL);
	want(uc_destroy(&e.c, e.queue), -EBUSY);
	want_ok(close(e.fd));
	want_ok(uc_destroy(&e.c, e.queue));
	close(e.c.fd);
}

static const struct client_case cases[] = {
	{ "numbers", numbers },
	{ "faults_are_read", faults_are_read },
	{ "answers_are_written", answers_are_written },
	{ "vectors", vectors },
	{ "polls_wake_up", polls_wake_up },
	{ "epolls_wake_up", epolls_wake_up },
	{ "copies", copies },
	{ "alone", alone },
	{ "events_are_read", events_are_read },
	{ "few_numbers", few_numbers },
};

CLIENT_MAIN(cases)
