/* SPDX-License-Identifier: MIT */
/*
 * threads: many threads of one process at one iommufd
 *
 *   own     each maps and unmaps in a space of its own, and checks every result
 *   shared  all map at the same places of one space: one of them gets each
 *   alone   each opens and closes an iommufd of its own
 */
#include <pthread.h>
#include <stdatomic.h>

#include "client.h"

#define NR_THREADS 8
#define ROUNDS 60
#define PLACES 64

static struct uclient the;
static uint32_t shared_ioas;
static _Atomic unsigned int taken;

static void all_threads(void *(*f)(void *))
{
	pthread_t t[NR_THREADS];

	for (size_t i = 0; i < NR_THREADS; i++)
		want_ok(pthread_create(&t[i], NULL, f, (void *)i));
	for (size_t i = 0; i < NR_THREADS; i++)
		want_ok(pthread_join(t[i], NULL));
}

static void *in_own_space(void *arg)
{
	const size_t me = (size_t)arg, pages = 1 + me;
	const uint32_t ioas = ioas_new(&the);
	char *p = memory_private(pages);
	uint64_t iova, bytes;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		const uint64_t at = IOVA + i * 16 * PAGE;

		want_ok(uc_map_fixed(&the, ioas, va(p), pages * PAGE, UC_RW,
				     at));
		want(uc_map_fixed(&the, ioas, va(p), PAGE, UC_RW, at), -EEXIST);
		want_ok(uc_map(&the, ioas, va(p), PAGE, UC_R, &iova));
		want_ok(uc_unmap(&the, ioas, iova, PAGE, &bytes));
		want(bytes, PAGE);
		want_ok(uc_unmap(&the, ioas, at, pages * PAGE, &bytes));
		want(bytes, pages * PAGE);
		want(uc_unmap(&the, ioas, at, pages * PAGE, NULL), -ENOENT);
	}
	want_ok(uc_destroy(&the, ioas));
	return NULL;
}

static void own(void)
{
	the = iommu_open();
	all_threads(in_own_space);
	close(the.fd);
}

static void *for_each_place(void *arg)
{
	char *p = memory_private(1);

	(void)arg;
	for (unsigned int i = 0; i < PLACES; i++) {
		const int ret = uc_map_fixed(&the, shared_ioas, va(p), PAGE,
					     UC_RW, IOVA + i * PAGE);

		if (ret != -EEXIST)
			want_ok(ret);
		if (!ret)
			taken++;
	}
	return NULL;
}

static void shared(void)
{
	uint64_t bytes;

	the = iommu_open();
	shared_ioas = ioas_new(&the);
	taken = 0;
	all_threads(for_each_place);
	want(taken, PLACES);
	want_ok(uc_unmap_all(&the, shared_ioas, &bytes));
	want(bytes, PLACES * PAGE);
	close(the.fd);
}

static void *with_own_file(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct uclient c = iommu_open();
		const uint32_t ioas = ioas_new(&c);

		/* Each context counts from one. */
		want(ioas, 1);
		want_ok(close(c.fd));
	}
	return NULL;
}

static void alone(void)
{
	all_threads(with_own_file);
}

static const struct client_case cases[] = {
	{ "own", own },
	{ "shared", shared },
	{ "alone", alone },
};

CLIENT_MAIN(cases)
