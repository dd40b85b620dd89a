/* SPDX-License-Identifier: MIT */
/*
 * closes: descriptors that are closed and replaced while others use them
 *
 *   one thread    ioctl(N), again and again
 *   another       close(N), dup2(iommufd, N), dup2(/dev/null, N), open
 *
 * Each call finds one of these files, or none, and answers accordingly; the
 * contexts of the one and of the other are not mixed up.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

#define ROUNDS 400

static _Atomic bool stop;
/* Of the thread that calls. */
static _Atomic unsigned long calls;
static int number;
static uint32_t in_a, in_b;

static bool allowed(int ret)
{
	return ret == 0 || ret == -EBADF || ret == -ENOTTY || ret == -EINVAL ||
	       ret == -ENOENT;
}

/* The number is always one of the two. */
static void *exact_caller(void *arg)
{
	const struct uclient c = iommu_at(number);

	(void)arg;
	while (!atomic_load(&stop)) {
		uint32_t id = 0;
		int ret;

		want_ok(uc_ioas_alloc(&c, &id));
		want(id > 0, 1);
		ret = uc_destroy(&c, 0x7fffff);
		want(ret, -ENOENT);
		calls++;
	}
	return NULL;
}

/* It may be nothing, or something else. */
static void *plain_caller(void *arg)
{
	const struct uclient c = iommu_at(number);

	(void)arg;
	while (!atomic_load(&stop)) {
		uint64_t iova = 0;
		uint32_t id = 0;

		want(allowed(uc_ioas_alloc(&c, &id)), 1);
		want(allowed(uc_map(&c, in_a, 0, 0, UC_RW, &iova)), 1);
		want(allowed(uc_unmap_all(&c, in_b, NULL)), 1);
		calls++;
	}
	return NULL;
}

static void race(void *(*f)(void *), bool replace)
{
	struct uclient a = iommu_open(), b = iommu_open();
	const int null = (int)must(open("/dev/null", O_RDWR | O_CLOEXEC));
	pthread_t t;
	int new;

	in_a = ioas_new(&a);
	in_b = ioas_new(&b);
	number = (int)must(fcntl(a.fd, F_DUPFD, 50));
	stop = false;
	calls = 0;
	alarm(60);
	want_ok(pthread_create(&t, NULL, f, NULL));
	for (unsigned int i = 0; i < ROUNDS || calls < ROUNDS; i++) {
		must(dup2(i % 2 ? a.fd : b.fd, number));
		if (!replace)
			continue;
		must(dup2(null, number));
		want_ok(close(number));
		new = (int)must(iommu_open_flags(O_RDWR | O_CLOEXEC));
		must(dup2(new, number));
		want_ok(close(new));
	}
	stop = true;
	want_ok(pthread_join(t, NULL));
	alarm(0);
	close(number);
	close(null);
	close(a.fd);
	close(b.fd);
}

static void replaced(void)
{
	race(plain_caller, true);
}

static void exchanged(void)
{
	race(exact_caller, false);
}

/* The last close is seen before the next call of the same thread. */
static void ordered(void)
{
	struct uclient c = iommu_open();
	char *p = memory_shared(1);

	for (unsigned int i = 0; i < 200; i++) {
		struct uclient own = iommu_open();
		const uint32_t ioas = ioas_new(&own);

		mock_new(&own, ioas);
		want_ok(uc_map_fixed(&own, ioas, va(p), PAGE, UC_RW, IOVA));
		want_ok(refs_are(&c, p, 1, 1));
		if (i % 2) {
			const int copy = (int)must(dup(own.fd));

			want_ok(close(own.fd));
			want_ok(refs_are(&c, p, 1, 1));
			own.fd = copy;
		}
		want_ok(close(own.fd));
		want_ok(refs_are(&c, p, 1, 0));
	}
	close(c.fd);
}

/* Numbers of copies are the lowest, flags are as asked for. */
static void copies(void)
{
	struct uclient c = iommu_open();
	int a, b;

	want(fcntl(c.fd, F_GETFD), FD_CLOEXEC);
	a = (int)must(dup(c.fd));
	want(fcntl(a, F_GETFD), 0);
	b = (int)must(fcntl(c.fd, F_DUPFD_CLOEXEC, 100));
	want(b, 100);
	want(fcntl(b, F_GETFD), FD_CLOEXEC);
	want_ok(close(c.fd));
	c.fd = b;
	want(ioas_new(&c), 1);
	c.fd = a;
	want(ioas_new(&c), 2);
	want(must(iommu_open_flags(O_RDONLY)) < 100, 1);
	close(a);
	close(b);
	want(uc_ioas_alloc(&c, NULL), -EBADF);
}

static const struct client_case cases[] = {
	{ "exchanged", exchanged },
	{ "replaced", replaced },
	{ "ordered", ordered },
	{ "copies", copies },
};

CLIENT_MAIN(cases)
