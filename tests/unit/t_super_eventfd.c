/* SPDX-License-Identifier: MIT */
/*
 * super_eventfd: counters of clients that never stop us
 *
 * A signal that waits ends a test: nobody reads meanwhile, and an alarm comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

/* Its static functions as well. */
#include "../../src/super/eventfd.c"

#define FULL (UINT64_MAX - 1)
#define NR_THREADS 4
#define NR_EACH 2000

struct world {
	struct ioas_eventfds *e;
	/* The client's, of one that was opened. */
	int fd;
	struct ioas_uevent *event;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(ioas_eventfds_create(&w->e), 0);
	w->fd = eventfd(0, EFD_NONBLOCK);
	assert_true(w->fd >= 0);
	assert_int_equal(ioas_eventfd_open(w->e, dup(w->fd), &w->event), 0);
	*state = w;
	alarm(30);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	alarm(0);
	ioas_eventfd_close(w->event);
	close(w->fd);
	ioas_eventfds_destroy(w->e);
	free(w);
	return 0;
}

/* As where there are no rings to be had. */
static int setup_without(void **state)
{
	struct world *w;

	setup(state);
	w = *state;
	if (w->e->ring)
		syscall(SYS_io_destroy, w->e->ring);
	w->e->ring = 0;
	return 0;
}

static void need_ring(const struct world *w)
{
	if (!w->e->ring)
		skip();
}

static void signal_times(struct world *w, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		ioas_eventfd_signal(w->e, w->event);
}

/* 0: nothing came. */
static uint64_t taken(const struct world *w)
{
	eventfd_t value = 0;

	return eventfd_read(w->fd, &value) ? 0 : value;
}

static short ready(const struct world *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN | POLLOUT };

	assert_true(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void each_signal_adds_one(void **state)
{
	struct world *w = *state;

	assert_int_equal(taken(w), 0);
	signal_times(w, 1);
	assert_int_equal(ready(w), POLLIN | POLLOUT);
	assert_int_equal(taken(w), 1);
	/* More than a ring has room for. */
	signal_times(w, 5000);
	assert_int_equal(taken(w), 5000);
	assert_int_equal(taken(w), 0);
}

static void semaphores_count_too(void **state)
{
	struct world *w = *state;

	ioas_eventfd_close(w->event);
	close(w->fd);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE);
	assert_int_equal(ioas_eventfd_open(w->e, dup(w->fd), &w->event), 0);
	signal_times(w, 2);
	assert_int_equal(taken(w), 1);
	assert_int_equal(taken(w), 1);
	assert_int_equal(taken(w), 0);
}

/* Whether the client's file would wait or not. */
static void a_full_counter_stops_nobody(void **state)
{
	struct world *w = *state;

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(fcntl(w->fd, F_SETFL, i ? O_NONBLOCK : 0), 0);
		eventfd_write(w->fd, FULL);
		signal_times(w, 1000);
		assert_true(ready(w) & POLLIN);
		assert_true(taken(w) >= FULL);
		signal_times(w, 3);
		assert_int_equal(taken(w), 3);
	}
}

/* As of a device: a counter that is over its end says so. */
static void more_than_full_is_an_error(void **state)
{
	struct world *w = *state;

	need_ring(w);
	eventfd_write(w->fd, FULL);
	assert_int_equal(ready(w), POLLIN);
	signal_times(w, 2);
	assert_int_equal(ready(w), POLLIN | POLLERR);
	assert_int_equal(taken(w), UINT64_MAX);
}

static void *fill(void *data)
{
	struct world *w = data;

	for (unsigned int i = 0; i < 20000; i++) {
		eventfd_write(w->fd, FULL);
		if (i % 16 == 0)
			taken(w);
	}
	return NULL;
}

/* Whatever the counter is when it is signalled. */
static void one_who_fills_it_all_the_while_stops_nobody(void **state)
{
	struct world *w = *state;
	pthread_t t;

	need_ring(w);
	assert_int_equal(pthread_create(&t, NULL, fill, w), 0);
	signal_times(w, 20000);
	pthread_join(t, NULL);
	taken(w);
	signal_times(w, 1);
	assert_int_equal(taken(w), 1);
}

static void *signal_each(void *data)
{
	signal_times(data, NR_EACH);
	return NULL;
}

static void any_thread_may_signal(void **state)
{
	pthread_t t[NR_THREADS];

	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, signal_each,
						*state), 0);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(taken(*state), NR_THREADS * NR_EACH);
}

/* The event keeps the counter, not the client's number. */
static void the_client_may_close_it(void **state)
{
	struct world *w = *state;
	const int other = dup(w->fd);

	close(w->fd);
	signal_times(w, 2);
	w->fd = other;
	assert_int_equal(taken(w), 2);
}

static int open_copy(const struct world *w, const char *path, int flags)
{
	const int fd = open(path, flags | O_CLOEXEC);
	struct ioas_uevent *event;
	int ret = ioas_eventfd_open(w->e, fd, &event);

	if (ret)
		close(fd);
	else
		ioas_eventfd_close(event);
	return ret;
}

static void only_eventfds_are_eventfds(void **state)
{
	const struct world *w = *state;
	struct ioas_uevent *event;
	char path[32];
	int fd[2];

	assert_int_equal(open_copy(w, "/dev/null", O_RDWR), -EINVAL);
	assert_int_equal(open_copy(w, "/proc/self/maps", O_RDONLY), -EINVAL);
	assert_int_equal(open_copy(w, "/dev/null", O_PATH), -EBADF);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	assert_int_equal(open_copy(w, path, O_PATH), -EBADF);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(ioas_eventfd_open(w->e, fd[0], &event), -EINVAL);
	assert_int_equal(ioas_eventfd_open(w->e, fd[1], &event), -EINVAL);
	/* They are still the caller's. */
	assert_int_equal(close(fd[0]), 0);
	assert_int_equal(close(fd[1]), 0);
	/* Names that say it are of other files. */
	fd[0] = (int)syscall(SYS_memfd_create, "anon_inode:[eventfd]", 0);
	assert_int_equal(ioas_eventfd_open(w->e, fd[0], &event), -EINVAL);
	assert_int_equal(close(fd[0]), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define WITHOUT(name)                                              \
	{                                                          \
#name "_without_a_ring", name, setup_without, teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_signal_adds_one),
		TEST(semaphores_count_too),
		TEST(a_full_counter_stops_nobody),
		TEST(more_than_full_is_an_error),
		TEST(one_who_fills_it_all_the_while_stops_nobody),
		TEST(any_thread_may_signal),
		TEST(the_client_may_close_it),
		TEST(only_eventfds_are_eventfds),
		WITHOUT(each_signal_adds_one),
		WITHOUT(a_full_counter_stops_nobody),
		WITHOUT(any_thread_may_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
