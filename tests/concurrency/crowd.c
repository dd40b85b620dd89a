/* SPDX-License-Identifier: MIT */
/*
 * crowd: the threads, and who looks after them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"
#include "uapi/device.h"

/* Milliseconds from one look at everything to the next. */
#define CHECK_MS 100
/* Seconds without one request that ends. */
#define PATIENCE 20

struct crowd crowd;

static struct actor actors[CROWD_MAX];
static pthread_t threads[CROWD_MAX];
/* Held shared by a request, exclusively by who looks at all. */
static pthread_rwlock_t world;

void crowd_wrong(const struct actor *a, const char *what, int64_t value)
{
	fprintf(stderr, "# %s: %s: %" PRId64 "; --host %s --seed %" PRIu64 "\n",
		a ? atomic_load(&a->doing) : "main", what, value,
		crowd.host->name, crowd.options.seed);
	abort();
}

/* ---- threads ------------------------------------------------------------- */

static void one_request(struct actor *a)
{
	const struct ioas_thread *t = ioas_plat_thread();

	crowd_act(a);
	if (t->nr_held || t->nr_unrecorded)
		crowd_wrong(a, "locks are left", t->nr_held);
	atomic_store(&a->doing, NULL);
	atomic_fetch_add(&crowd.done, 1);
}

static void *thread_run(void *arg)
{
	struct actor *a = arg;

	crowd.host->enter(a);
	while (!atomic_load(&crowd.stop)) {
		pthread_rwlock_rdlock(&world);
		one_request(a);
		pthread_rwlock_unlock(&world);
	}
	crowd.host->leave();
	return NULL;
}

/* ---- the main thread ----------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void context_validate(struct ioas_iommufd *ictx)
{
	struct ioas_object *obj;
	uint32_t id = 0;

	if (ioas_iommufd_validate(ictx))
		crowd_wrong(NULL, "context", 0);
	while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_DEVICE))) {
		const struct ioas_idev *idev =
			ioas_container_of(obj, struct ioas_idev, obj);

		id = obj->id;
		if (ioas_igroup_validate(idev->dev->group))
			crowd_wrong(NULL, "group", id);
		ioas_object_put(obj);
	}
}

/* Everybody stands still. */
static void validate(void)
{
	ioas_list_for_each(l, &crowd.host->uapi()->contexts)
		context_validate(ioas_list_entry(l, struct ioas_iommufd, link));
	crowd.host->validate();
}

/* Progress is what the watchdog lives on. */
struct watchdog {
	uint64_t done;
	double since;
};

static void watchdog_look(struct watchdog *dog)
{
	const uint64_t done = atomic_load(&crowd.done);

	if (done != dog->done) {
		*dog = (struct watchdog){ done, now() };
		return;
	}
	if (now() - dog->since < PATIENCE)
		return;
	for (unsigned int i = 0; i < crowd.options.threads; i++) {
		const char *doing = atomic_load(&actors[i].doing);

		fprintf(stderr, "# thread %u: %s\n", i,
			doing ? doing : "nothing");
	}
	crowd_wrong(NULL, "no request ended for seconds", PATIENCE);
}

/* Waits for requests that run; none begins meanwhile. */
static void stop_the_world(struct watchdog *dog)
{
	struct timespec until;

	do {
		watchdog_look(dog);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (pthread_rwlock_timedwrlock(&world, &until));
	validate();
	dog->since = now();
	pthread_rwlock_unlock(&world);
}

static void watch(void)
{
	const double end = now() + crowd.options.seconds;
	struct watchdog dog = { 0, now() };

	while (now() < end) {
		usleep(CHECK_MS * 1000);
		watchdog_look(&dog);
		stop_the_world(&dog);
	}
}

/* ---- life ---------------------------------------------------------------- */

static void actors_init(void)
{
	const unsigned int processes = crowd.host->nr_processes;

	for (unsigned int i = 0; i < crowd.options.threads; i++) {
		memset(&actors[i], 0, sizeof(actors[i]));
		actors[i].index = i;
		/* Two of three are of the first. */
		actors[i].process = i % 3 == 2 && processes > 1;
		actors[i].prng.state = crowd.options.seed * 1000 + i;
	}
}

static void files_init(void)
{
	for (unsigned int p = 0; p < PROCESSES; p++)
		for (unsigned int k = 0; k < NR_FILES; k++)
			for (unsigned int s = 0; s < SLOTS; s++)
				atomic_store(&crowd.files[p][k][s], -1);
}

/* As the first actor: the contexts, in every process. */
static void contexts_init(void)
{
	const struct crowd_host *host = crowd.host;

	host->enter(&actors[0]);
	for (unsigned int b = 0; b < BOARDS; b++) {
		int fd = host->open(0);

		assert_true(fd >= 0);
		atomic_store(&crowd.contexts[0][b], fd);
		for (unsigned int p = 1; p < host->nr_processes; p++)
			atomic_store(&crowd.contexts[p][b],
				     host->send(&actors[0], fd, p));
	}
	host->leave();
}

static void world_init(void)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&world, &attr);
	pthread_rwlockattr_destroy(&attr);
}

static void regions_unmap(void)
{
	crowd.host->enter(&actors[0]);
	for (unsigned int s = 0; s < SLOTS; s++) {
		void *region = atomic_exchange(&crowd.regions[s], NULL);

		if (region)
			crowd.host->region_unmap(region);
	}
	crowd.host->leave();
}

void crowd_run(const struct crowd_host *host, const struct crowd_options *o)
{
	memset(&crowd, 0, sizeof(crowd));
	crowd.host = host;
	crowd.options = *o;
	crowd.ctx = host->create(o->seed, o->threads);
	world_init();
	actors_init();
	files_init();
	contexts_init();
	for (unsigned int i = 0; i < o->threads; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_run,
						&actors[i]),
				 0);
	watch();
	atomic_store(&crowd.stop, true);
	for (unsigned int i = 0; i < o->threads; i++)
		pthread_join(threads[i], NULL);
	validate();
	fprintf(stderr,
		"# %s: %" PRIu64 " requests of %u threads, %" PRIu64
		" successes\n",
		host->name, atomic_load(&crowd.done), o->threads,
		atomic_load(&crowd.worked));
	regions_unmap();
	pthread_rwlock_destroy(&world);
	host->destroy();
}
