/* SPDX-License-Identifier: MIT */
/*
 * The front end for this process: numbers of descriptors, memory of the caller,
 * files that go while they are used. What requests do is tested elsewhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>

#include "local_test.h"
#include "seam/caller.h"

/* ---- numbers ------------------------------------------------------------ */

static void a_descriptor_has_the_lowest_number(void **state)
{
	int a, b, c, mem;

	(void)state;
	begin(NULL);
	a = lowest();
	assert_int_equal(open_one(), a);
	b = lowest();
	assert_true(b > a);
	assert_int_equal(open_one(), b);
	c = ioas_local_dup(l, a, 0);
	assert_true(c > b);
	assert_int_equal(fcntl(a, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(c, F_GETFD), 0);
	assert_int_equal(ioas_local_close(l, a), 0);
	assert_int_equal(lowest(), a);
	mem = memfd(1);
	assert_int_equal(mem, a);
	a = lowest();
	assert_int_equal(open_one(), a);
	close(mem);
	end();
}

static void what_is_not_ours_is_ebadf(void **state)
{
	int mem, fd, odd[] = { -1, INT_MIN, INT_MAX, 1 << 24, 1 << 20, 0, 0 };
	void *at;
	const char *name;

	(void)state;
	begin(NULL);
	mem = memfd(1);
	fd = open_one();
	assert_int_equal(ioas_local_close(l, fd), 0);
	odd[5] = mem;
	odd[6] = fd;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(odd); i++) {
		int n = odd[i];

		assert_int_equal(ioas_local_ioctl(l, n, 0x3b80, 0), -EBADF);
		assert_int_equal(ioas_local_read(l, n, 0, 0), -EBADF);
		assert_int_equal(ioas_local_write(l, n, 0, 0), -EBADF);
		assert_int_equal(ioas_local_seek(l, n), -EBADF);
		assert_int_equal(ioas_local_poll_mask(l, n), -EBADF);
		assert_int_equal(ioas_local_dup(l, n, 0), -EBADF);
		assert_int_equal(ioas_local_link_name(l, n, &name), -EBADF);
		assert_int_equal(ioas_local_mmap(l, n, NULL, page_size,
						 PROT_READ, MAP_SHARED, 0, &at),
				 -EBADF);
		assert_int_equal(ioas_local_close(l, n), -EBADF);
	}
	assert_true(fcntl(mem, F_GETFD) >= 0);
	close(mem);
	end();
}

static void the_limit_of_descriptors_is_the_process_s(void **state)
{
	struct ioas_abi_fault_queue_alloc q = { .size = sizeof(q),
						.out_fault_id = 77,
						.out_fault_fd = 78 };
	struct rlimit old, few;
	int fd;

	(void)state;
	begin(NULL);
	fd = open_one();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)lowest();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	errno = 0;
	assert_int_equal(ioas_local_open(l, 0, 0), -EMFILE);
	assert_int_equal(ioas_local_dup(l, fd, 0), -EMFILE);
	assert_int_equal(call(fd, IOAS_ABI_FAULT_QUEUE_ALLOC, &q), -EMFILE);
	assert_int_equal(errno, 0);
	assert_int_equal(q.out_fault_id, 77);
	assert_int_equal(q.out_fault_fd, 78);
	few.rlim_cur++;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(call(fd, IOAS_ABI_FAULT_QUEUE_ALLOC, &q), 0);
	assert_int_equal(q.out_fault_fd, few.rlim_cur - 1);
	assert_int_equal(ioas_local_open(l, 0, 0), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	end();
}

static void many_descriptors_grow_the_table(void **state)
{
	const int all =
		IOAS_POLLIN | IOAS_POLLOUT | IOAS_POLLRDNORM | IOAS_POLLWRNORM;
	struct rlimit old;
	int nr = 600, fds[600];

	(void)state;
	begin(NULL);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	if (old.rlim_cur < 700)
		nr = (int)old.rlim_cur / 2;
	fds[0] = open_one();
	for (int i = 1; i < nr; i++) {
		fds[i] = ioas_local_dup(l, fds[i - 1], 0);
		assert_true(fds[i] > fds[i - 1]);
	}
	for (int i = 0; i < nr; i += 2)
		assert_int_equal(ioas_local_close(l, fds[i]), 0);
	for (int i = 0; i < nr; i++)
		assert_int_equal(ioas_local_poll_mask(l, fds[i]),
				 i % 2 ? all : -EBADF);
	end();
}

/* Closed by the system's own close, as by close_range(). */
static void a_number_closed_behind_our_back_comes_again(void **state)
{
	uint32_t id;
	int fd, other, mem;

	(void)state;
	begin(NULL);
	fd = open_one();
	id = ioas_new(fd);
	close(fd);
	assert_int_equal(open_one(), fd);
	/* Another context. */
	assert_int_equal(destroy(fd, id), -ENOENT);
	assert_int_equal(ioas_new(fd), id);
	/* Somebody else has it now. */
	close(fd);
	mem = memfd(1);
	assert_int_equal(mem, fd);
	assert_int_equal(ioas_local_close(l, fd), -EBADF);
	assert_true(fcntl(mem, F_GETFD) >= 0);
	assert_int_equal(ioas_local_ioctl(l, fd, 0x3b80, 0), -EBADF);
	other = open_one();
	assert_int_not_equal(other, mem);
	close(other);
	close(mem);
	end();
}

static void a_reserved_number_is_not_open_yet(void **state)
{
	struct ioas_host *h;
	struct ioas_origin *o;
	struct ioas_ufile *f;
	int32_t fd, mem;

	(void)state;
	begin(NULL);
	h = ioas_local_host(l);
	assert_int_equal(h->ops->fd_reserve(h, NULL, IOAS_FD_CLOEXEC, &fd), 0);
	assert_int_equal(ioas_local_ioctl(l, fd, 0x3b80, 0), -EBADF);
	assert_int_equal(ioas_local_close(l, fd), -EBADF);
	assert_int_equal(h->ops->fd_get(h, fd, &f), -EBADF);
	assert_int_equal(h->ops->file_origin(h, fd, &o), -EBADF);
	h->ops->fd_cancel(h, fd);
	assert_int_equal(lowest(), fd);

	mem = memfd(1);
	assert_int_equal(h->ops->fd_get(h, mem, &f), -EINVAL);
	assert_int_equal(h->ops->fd_get(h, mem + 1, &f), -EBADF);
	assert_int_equal(h->ops->file_origin(h, mem + 1, &o), -EBADF);
	assert_int_equal(h->ops->file_origin(h, mem, &o), 0);
	ioas_origin_put(o);
	close(mem);
	fd = open("/", O_PATH | O_CLOEXEC);
	assert_int_equal(h->ops->fd_get(h, fd, &f), -EBADF);
	close(fd);
	end();
}

/* ---- contexts ----------------------------------------------------------- */

static void two_contexts_share_nothing(void **state)
{
	int a, b, c;

	(void)state;
	begin(NULL);
	a = open_one();
	b = open_one();
	assert_int_equal(ioas_new(a), 1);
	assert_int_equal(ioas_new(a), 2);
	assert_int_equal(ioas_new(b), 1);
	assert_int_equal(destroy(b, 2), -ENOENT);
	c = ioas_local_dup(l, a, 0);
	assert_int_equal(destroy(c, 2), 0);
	assert_int_equal(ioas_local_close(l, a), 0);
	assert_int_equal(ioas_new(c), 2);
	assert_int_equal(destroy(c, 1), 0);
	end();
}

static void the_file_says_what_it_is(void **state)
{
	const char *name = NULL;
	int a, b, on = 1;

	(void)state;
	begin(NULL);
	a = open_one();
	b = ioas_local_open(l, IOAS_OPEN_VFIO, 0);
	assert_int_equal(ioas_local_link_name(l, a, &name), 0);
	assert_string_equal(name, "/dev/iommu");
	assert_int_equal(ioas_local_link_name(l, b, &name), 0);
	assert_string_equal(name, "/dev/vfio/vfio");
	assert_int_equal(ioas_local_read(l, a, (uintptr_t)&on, 4), -EINVAL);
	assert_int_equal(ioas_local_write(l, a, (uintptr_t)&on, 4), -EINVAL);
	/* What every descriptor knows. */
	assert_int_equal(call(b, FIOCLEX, NULL), 0);
	assert_int_equal(fcntl(b, F_GETFD), FD_CLOEXEC);
	assert_int_equal(call(b, FIONCLEX, NULL), 0);
	assert_int_equal(fcntl(b, F_GETFD), 0);
	assert_int_equal(call(b, FIONBIO, &on), 0);
	assert_int_equal(call(b, FIONBIO, NULL), -EFAULT);
	assert_int_equal(call(b, 0x1234, NULL), -ENOTTY);
	end();
}

static void no_file_has_a_position(void **state)
{
	struct ioas_abi_fault_queue_alloc queue = { .size = sizeof(queue) };
	int fd;

	(void)state;
	begin(NULL);
	fd = open_one();
	assert_int_equal(call(fd, IOAS_ABI_FAULT_QUEUE_ALLOC, &queue), 0);
	assert_int_equal(ioas_local_seek(l, fd), -ESPIPE);
	assert_int_equal(ioas_local_seek(l, (int)queue.out_fault_fd), -ESPIPE);
	assert_int_equal(ioas_local_close(l, (int)queue.out_fault_fd), 0);
	end();
}

/* ---- memory of the caller ----------------------------------------------- */

static void bad_addresses_are_faults(void **state)
{
	const uint64_t bad[] = { 0,
				 1,
				 UINT64_MAX,
				 UINT64_MAX - 3,
				 (uint64_t)1 << 63,
				 (uint64_t)1 << 47,
				 (uint64_t)0xffffffffff600000 };
	struct ioas_abi_ioas_alloc *a;

	(void)state;
	for (int no_signals = 0; no_signals < 2; no_signals++) {
		const struct ioas_local_options opts = { .no_signals =
								 no_signals };
		char *p;
		int fd;

		begin(&opts);
		fd = open_one();
		for (size_t i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
			assert_int_equal(ioas_local_ioctl(l, fd,
							  IOAS_ABI_IOAS_ALLOC,
							  bad[i]),
					 -EFAULT);
		p = map_private(2);
		assert_int_equal(mprotect(p + page_size, page_size, PROT_NONE),
				 0);
		/* The size is readable, the rest is not. */
		a = (void *)(p + page_size - 4);
		a->size = sizeof(*a);
		assert_int_equal(call(fd, IOAS_ABI_IOAS_ALLOC, a), -EFAULT);
		/* Readable, not writable: the id is given back. */
		a = (void *)p;
		a->size = sizeof(*a);
		assert_int_equal(mprotect(p, page_size, PROT_READ), 0);
		assert_int_equal(call(fd, IOAS_ABI_IOAS_ALLOC, a), -EFAULT);
		assert_int_equal(ioas_new(fd), 1);
		unmap(p, 2);
		end();
	}
}

static void a_fault_is_this_thread_s(void **state)
{
	struct ioas_abi_ioas_alloc a = { .size = sizeof(a) };
	struct ioas_fault f = { 0 };
	uint64_t nth;
	int64_t ret = -1;
	int fd;

	(void)state;
	begin(NULL);
	fd = open_one();
	for (nth = 1; ret; nth++) {
		assert_true(nth < 100);
		f.nth = nth;
		ioas_local_set_fault(l, &f);
		ret = call(fd, IOAS_ABI_IOAS_ALLOC, &a);
		ioas_local_set_fault(l, NULL);
		assert_int_equal(!ret, f.nth != 0);
	}
	/* The struct in and out, the object, its space, its id at least. */
	assert_true(nth > 4);
	assert_int_equal(a.out_ioas_id, 1);
	assert_int_equal(ioas_new(fd), 2);
	end();
}

/* ---- files of the test -------------------------------------------------- */

static struct {
	_Atomic int inside;
	_Atomic bool go;
	_Atomic int released;
	_Atomic uint32_t mask;
	int nested;
} tf;

static int64_t tf_ioctl(struct ioas_ufile *f, uint32_t cmd, uint64_t arg)
{
	(void)f;
	(void)arg;
	if (cmd == 1) {
		/* A call inside of a call. */
		assert_int_equal(ioas_local_poll_mask(l, tf.nested), 0xf0f);
		assert_int_equal(ioas_local_close(l, tf.nested), 0);
		return 0;
	}
	atomic_fetch_add(&tf.inside, 1);
	while (!atomic_load(&tf.go))
		sched_yield();
	/* Still there. */
	assert_int_equal(atomic_load(&tf.released), 0);
	return 7;
}

static uint32_t tf_poll(struct ioas_ufile *f)
{
	(void)f;
	return atomic_load(&tf.mask);
}

static void tf_release(struct ioas_ufile *f)
{
	atomic_fetch_add(&tf.released, 1);
	free(f);
}

static const struct ioas_ufile_ops tf_ops = {
	.name = "test",
	.ioctl = tf_ioctl,
	.poll = tf_poll,
	.release = tf_release,
};

static int tf_open(void)
{
	struct ioas_host *h = ioas_local_host(l);
	struct ioas_ufile *f = malloc(sizeof(*f));
	int32_t fd;

	assert_non_null(f);
	ioas_ufile_init(f, &tf_ops);
	assert_int_equal(h->ops->fd_reserve(h, NULL, IOAS_FD_CLOEXEC, &fd), 0);
	h->ops->fd_commit(h, fd, f);
	return fd;
}

static void tf_reset(uint32_t mask)
{
	atomic_store(&tf.inside, 0);
	atomic_store(&tf.go, false);
	atomic_store(&tf.released, 0);
	atomic_store(&tf.mask, mask);
}

static void *tf_call(void *arg)
{
	return (void *)(intptr_t)ioas_local_ioctl(l, *(int *)arg, 0, 0);
}

static void a_file_outlives_its_descriptors_while_used(void **state)
{
	pthread_t t[3];
	int fds[2];
	void *ret;

	(void)state;
	begin(NULL);
	tf_reset(0);
	fds[0] = tf_open();
	fds[1] = ioas_local_dup(l, fds[0], 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&t[i], NULL, tf_call, &fds[i & 1]), 0);
	while (atomic_load(&tf.inside) < 3)
		sched_yield();
	/* Neither close waits. */
	assert_int_equal(ioas_local_close(l, fds[0]), 0);
	assert_int_equal(ioas_local_ioctl(l, fds[0], 0, 0), -EBADF);
	assert_int_equal(ioas_local_close(l, fds[1]), 0);
	assert_int_equal(atomic_load(&tf.released), 0);
	atomic_store(&tf.go, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &ret);
		assert_int_equal((intptr_t)ret, 7);
	}
	assert_int_equal(atomic_load(&tf.released), 1);
	end();
}

static void a_call_may_call(void **state)
{
	int fd;

	(void)state;
	begin(NULL);
	tf_reset(0xf0f);
	fd = tf_open();
	tf.nested = tf_open();
	assert_int_equal(ioas_local_ioctl(l, fd, 1, 0), 0);
	assert_int_equal(atomic_load(&tf.released), 1);
	/* Even close itself. */
	tf.nested = fd;
	assert_int_equal(ioas_local_ioctl(l, fd, 1, 0), 0);
	assert_int_equal(atomic_load(&tf.released), 2);
	assert_int_equal(ioas_local_close(l, fd), -EBADF);
	end();
}

struct racer {
	_Atomic bool *stop;
	int fd;
	bool odd;
};

/* Whatever file is behind the number at the moment. */
static void *race_calls(void *arg)
{
	struct racer *r = arg;

	while (!atomic_load(r->stop)) {
		struct ioas_abi_ioas_alloc a = { .size = sizeof(a) };
		int64_t ret = call(r->fd, IOAS_ABI_IOAS_ALLOC, &a);
		int copy;

		r->odd |= ret && ret != -EBADF;
		ret = destroy(r->fd, a.out_ioas_id);
		r->odd |=
			ret && ret != -EBADF && ret != -ENOENT && ret != -EBUSY;
		copy = ioas_local_dup(l, r->fd, 0);
		r->odd |= copy < 0 && copy != -EBADF;
		if (copy >= 0)
			ioas_local_close(l, copy);
	}
	return NULL;
}

static void closing_races_with_calls(void **state)
{
	_Atomic bool stop = false;
	struct racer r[3];
	pthread_t t[3];
	int fd;

	(void)state;
	begin(NULL);
	fd = open_one();
	for (int i = 0; i < 3; i++) {
		r[i] = (struct racer){ .stop = &stop, .fd = fd };
		assert_int_equal(pthread_create(&t[i], NULL, race_calls, &r[i]),
				 0);
	}
	for (int i = 0; i < 1500; i++) {
		/* Also the racers' own, when they got the number. */
		ioas_local_close(l, fd);
		(void)ioas_local_open(l, 0, 0);
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], NULL);
		assert_false(r[i].odd);
	}
	end();
}

static void threads_come_and_go(void **state)
{
	pthread_t t[8];
	void *ret;
	int fd;

	(void)state;
	begin(NULL);
	tf_reset(0);
	atomic_store(&tf.go, true);
	fd = tf_open();
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 8; i++)
			assert_int_equal(
				pthread_create(&t[i], NULL, tf_call, &fd), 0);
		for (int i = 0; i < 8; i++) {
			pthread_join(t[i], &ret);
			assert_int_equal((intptr_t)ret, 7);
		}
	}
	end();
}

/* ---- poll --------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void *change_later(void *arg)
{
	struct ioas_host *h = ioas_local_host(l);
	const struct timespec nap = { .tv_nsec = 20000000 };

	nanosleep(&nap, NULL);
	/* A change that is not the one waited for. */
	h->ops->file_changed(h, NULL);
	nanosleep(&nap, NULL);
	atomic_store(&tf.mask, IOAS_POLLOUT | IOAS_POLLIN);
	h->ops->file_changed(h, NULL);
	return arg;
}

static void poll_waits_for_a_change(void **state)
{
	pthread_t t;
	uint64_t then;
	int fd;

	(void)state;
	begin(NULL);
	tf_reset(IOAS_POLLOUT);
	fd = tf_open();
	assert_int_equal(ioas_local_poll_mask(l, fd), IOAS_POLLOUT);
	assert_int_equal(ioas_local_poll(l, fd, IOAS_POLLOUT, -1),
			 IOAS_POLLOUT);
	assert_int_equal(ioas_local_poll(l, fd, IOAS_POLLIN, 0), 0);
	then = now_ms();
	assert_int_equal(ioas_local_poll(l, fd, IOAS_POLLIN, 30), 0);
	assert_true(now_ms() - then >= 29);
	for (int timeout = -1; timeout < 60000; timeout += 30000) {
		if (!timeout)
			continue;
		atomic_store(&tf.mask, IOAS_POLLOUT);
		assert_int_equal(pthread_create(&t, NULL, change_later, NULL),
				 0);
		assert_int_equal(ioas_local_poll(l, fd, IOAS_POLLIN, timeout),
				 IOAS_POLLIN);
		pthread_join(t, NULL);
	}
	end();
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void poll_is_interrupted(void **state)
{
	struct sigaction act, old;
	int fd;

	(void)state;
	begin(NULL);
	tf_reset(0);
	fd = tf_open();
	memset(&act, 0, sizeof(act));
	act.sa_handler = on_alarm;
	assert_int_equal(sigaction(SIGALRM, &act, &old), 0);
	ualarm(30000, 0);
	assert_int_equal(ioas_local_poll(l, fd, IOAS_POLLIN, 20000), -EINTR);
	sigaction(SIGALRM, &old, NULL);
	end();
}

/* ---- life --------------------------------------------------------------- */

static void every_fault_point_of_create_is_undone(void **state)
{
	const struct ioas_local_options opts = { .test_abi = true };
	struct ioas_fault f = { 0 };
	struct ioas_caller c = { .fault = &f };
	const size_t blocks = blocks_now();
	uint64_t nth;
	int ret = -1;

	(void)state;
	for (nth = 1; ret; nth++) {
		struct ioas_caller *old = ioas_caller_enter(&c);

		assert_true(nth < 50);
		f.nth = nth;
		ioas_fault_arm(&f);
		ret = ioas_local_create(&opts, &l);
		ioas_fault_disarm();
		ioas_caller_leave(old);
		if (ret)
			assert_int_equal(blocks_now(), blocks);
	}
	assert_true(nth > 5);
	ioas_local_destroy(l);
	ioas_local_destroy(NULL);
	assert_int_equal(blocks_now(), blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_has_the_lowest_number),
		cmocka_unit_test(what_is_not_ours_is_ebadf),
		cmocka_unit_test(the_limit_of_descriptors_is_the_process_s),
		cmocka_unit_test(many_descriptors_grow_the_table),
		cmocka_unit_test(a_number_closed_behind_our_back_comes_again),
		cmocka_unit_test(a_reserved_number_is_not_open_yet),
		cmocka_unit_test(two_contexts_share_nothing),
		cmocka_unit_test(the_file_says_what_it_is),
		cmocka_unit_test(no_file_has_a_position),
		cmocka_unit_test(bad_addresses_are_faults),
		cmocka_unit_test(a_fault_is_this_thread_s),
		cmocka_unit_test(a_file_outlives_its_descriptors_while_used),
		cmocka_unit_test(a_call_may_call),
		cmocka_unit_test(closing_races_with_calls),
		cmocka_unit_test(threads_come_and_go),
		cmocka_unit_test(poll_waits_for_a_change),
		cmocka_unit_test(poll_is_interrupted),
		cmocka_unit_test(every_fault_point_of_create_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
