/* SPDX-License-Identifier: MIT */
/*
 * contest: see contest.h
 *
 * Who waits for a round sleeps; who has come to the gate turns around, so that
 * all leave it at once. A side that waits long there lets others run: there may
 * be fewer processors than sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contest.h"
#include "uapi/device.h"

/* Turns at the gate before the processor is offered to others. */
#define PATIENCE 2000u
/* The longest delay, as a power of two of turns: some 20 microseconds. */
#define DELAY_LG2 15u
/* Of a copy: half of them are fast. */
#define COPY_LG2 15u
/* Combinations of answers that are counted. */
#define TALLIES 24u

struct tally {
	int64_t ret[SIDES];
	uint64_t nr;
};

struct seat {
	struct contest *contest;
	unsigned int index;
	pthread_t thread;
	sem_t go;
	sem_t done;
};

struct contest {
	struct simhost *h;
	struct sim_process *stranger;
	struct prng prng;
	/* Those that the program may use. */
	cpu_set_t cpus;
	/* [0] is the test's own thread, and has no semaphores. */
	struct seat seats[SIDES];
	bool stop;

	/* The round that runs. Set before the semaphores go up. */
	const struct contest_case *c;
	struct round *round;
	unsigned int nr_sides;
	uint32_t delay[SIDES];
	_Atomic unsigned int at_gate;

	struct tally tallies[TALLIES];
	uint64_t others;
};

/* ---- one round ----------------------------------------------------------- */

static void turn(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/*
 * Between the last check and the answer of a request is a copy to the program:
 * where it takes its time, others see what is made and not yet told.
 */
static void dawdle(void)
{
	static _Thread_local struct prng prng;
	uint64_t lg2 = prng_below(&prng, 2 * COPY_LG2);

	if (lg2 >= COPY_LG2)
		return;
	for (uint64_t n = prng_below(&prng, UINT64_C(1) << lg2); n; n--)
		turn();
}

static void gate(struct contest *t)
{
	unsigned int turns = 0;

	atomic_fetch_add(&t->at_gate, 1);
	while (atomic_load(&t->at_gate) < t->nr_sides)
		if (++turns % PATIENCE == 0)
			sched_yield();
}

static void side_run(struct contest *t, unsigned int i)
{
	gate(t);
	for (uint32_t n = 0; n < t->delay[i]; n++)
		turn();
	t->c->sides[i](t->round);
}

/*
 * Each side on a processor of its own, as far as they go: who is woken would
 * otherwise often share the one of who wakes it, and they would take turns.
 */
static void spread(const struct contest *t, unsigned int index)
{
	const unsigned int nr = (unsigned int)CPU_COUNT(&t->cpus);
	unsigned int skip = nr ? index % nr : 0;
	cpu_set_t one;

	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &t->cpus) || skip--)
			continue;
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *seat_run(void *arg)
{
	struct seat *s = arg;
	struct contest *t = s->contest;

	spread(t, s->index);
	simhost_enter_task(&t->h->processes[0], s->index);
	for (;;) {
		sem_wait(&s->go);
		if (t->stop)
			break;
		side_run(t, s->index);
		sem_post(&s->done);
	}
	simhost_leave(t->h);
	return NULL;
}

/* Small ones as often as large ones. */
static uint32_t delay_draw(struct contest *t)
{
	const uint64_t lg2 = prng_below(&t->prng, DELAY_LG2 + 1);

	return (uint32_t)prng_below(&t->prng, UINT64_C(1) << lg2);
}

static void sides_run(struct contest *t)
{
	t->nr_sides = 0;
	while (t->nr_sides < SIDES && t->c->sides[t->nr_sides])
		t->delay[t->nr_sides++] = delay_draw(t);
	atomic_store(&t->at_gate, 0);
	for (unsigned int i = 1; i < t->nr_sides; i++)
		sem_post(&t->seats[i].go);
	side_run(t, 0);
	for (unsigned int i = 1; i < t->nr_sides; i++)
		sem_wait(&t->seats[i].done);
}

static void count(struct contest *t, const struct round *r)
{
	for (unsigned int i = 0; i < TALLIES; i++) {
		struct tally *y = &t->tallies[i];

		if (!y->nr)
			memcpy(y->ret, r->ret, sizeof(y->ret));
		if (memcmp(y->ret, r->ret, sizeof(y->ret)))
			continue;
		y->nr++;
		return;
	}
	t->others++;
}

/* Every group that a device of the context is in. */
static void groups_validate(struct ioas_iommufd *ictx)
{
	struct ioas_object *obj;
	uint32_t id = 0;

	while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_DEVICE))) {
		const struct ioas_idev *idev =
			ioas_container_of(obj, struct ioas_idev, obj);

		id = obj->id;
		assert_int_equal(ioas_igroup_validate(idev->dev->group), 0);
		ioas_object_put(obj);
	}
}

/* Whatever is open is closed; then there is nothing. */
static void round_end(struct contest *t)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct sim_process *p = i ? t->stranger : t->h->processes;

		simhost_enter(t->h, p);
		for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++)
			sim_close(t->h, fd);
		assert_int_equal(sim_nr_fds(t->h), 0);
	}
	simhost_enter(t->h, t->h->processes);
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(ioas_sim_total_pins(t->h->sim), 0);
	for (unsigned int u = 0; u < SIM_USERS; u++)
		assert_int_equal(atomic_load(&t->h->users[u]->charged), 0);
	assert_int_equal(t->h->nr_shm, 0);
}

static void round_run(struct contest *t, uint64_t number)
{
	struct round r = { .contest = t, .h = t->h, .number = number };

	r.c = (struct uclient){ .transport = &uc_simhost,
				.ctx = t->h,
				.fd = sim_open(t->h, 0) };
	assert_true(r.c.fd >= 0);
	t->c->setup(&r);
	t->round = &r;
	sides_run(t);
	t->c->check(&r);
	count(t, &r);
	ioas_list_for_each(l, &t->h->uapi->contexts) {
		struct ioas_iommufd *ictx =
			ioas_list_entry(l, struct ioas_iommufd, link);

		assert_int_equal(ioas_iommufd_validate(ictx), 0);
		groups_validate(ictx);
	}
	round_end(t);
}

/* ---- a case -------------------------------------------------------------- */

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* A descriptor, a number of bytes, an error. */
static void answer_print(int64_t ret)
{
	if (ret < 0)
		fprintf(stderr, " %s", strerrorname_np((int)-ret));
	else
		fprintf(stderr, " %" PRId64, ret);
}

static void tallies_print(const struct contest *t, uint64_t rounds)
{
	fprintf(stderr, "# %s: %" PRIu64 " rounds", t->c->name, rounds);
	for (unsigned int i = 0; i < TALLIES && t->tallies[i].nr; i++) {
		fprintf(stderr, ";");
		for (unsigned int s = 0; s < t->nr_sides; s++)
			answer_print(t->tallies[i].ret[s]);
		fprintf(stderr, ": %" PRIu64, t->tallies[i].nr);
	}
	if (t->others)
		fprintf(stderr, "; others: %" PRIu64, t->others);
	fprintf(stderr, "\n");
}

void contest_run(struct contest *t, const struct contest_case *c,
		 unsigned int ms)
{
	const double end = now_ms() + ms;
	uint64_t rounds = 0;

	t->c = c;
	t->others = 0;
	memset(t->tallies, 0, sizeof(t->tallies));
	do {
		round_run(t, rounds++);
	} while (now_ms() < end);
	tallies_print(t, rounds);
}

/* ---- life ---------------------------------------------------------------- */

struct contest *contest_create(uint64_t seed)
{
	const struct simhost_options opts = { .seed = seed };
	struct contest *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->prng.state = seed;
	sched_getaffinity(0, sizeof(t->cpus), &t->cpus);
	spread(t, 0);
	t->h = simhost_create(&opts);
	t->h->before_copy = dawdle;
	t->stranger = simhost_process(t->h, 1);
	sim_map_memory(t->h, VA, VA_PAGES * PAGE, IOAS_SIM_RUNS, 0);
	sim_map_memory(t->h, VA_RUN, VA_PAGES * PAGE, IOAS_SIM_CONSECUTIVE, 0);
	for (unsigned int i = 1; i < SIDES; i++) {
		struct seat *s = &t->seats[i];

		s->contest = t;
		s->index = i;
		sem_init(&s->go, 0, 0);
		sem_init(&s->done, 0, 0);
		assert_int_equal(pthread_create(&s->thread, NULL, seat_run, s),
				 0);
	}
	return t;
}

void contest_destroy(struct contest *t)
{
	t->stop = true;
	for (unsigned int i = 1; i < SIDES; i++) {
		sem_post(&t->seats[i].go);
		pthread_join(t->seats[i].thread, NULL);
		sem_destroy(&t->seats[i].go);
		sem_destroy(&t->seats[i].done);
	}
	sched_setaffinity(0, sizeof(t->cpus), &t->cpus);
	simhost_destroy(t->h);
	free(t);
}

struct sim_process *contest_stranger(struct contest *t)
{
	return t->stranger;
}
