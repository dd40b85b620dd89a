/* SPDX-License-Identifier: MIT */
/*
 * liveness: what a long operation does not hold up (ioas-core 17.4)
 *
 *   one thread    map ----> origin's pin ----> waits at the gate ......> ends
 *   this thread          pins, reads, maps, unmaps elsewhere, opens the gate
 *
 * No clock decides: the long operation is inside of the machine, of which this
 * thread has the key. If anything here waited for it, nobody would ever open
 * the gate, and the alarm ends the program.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "core/access.h"
#include "core/dirty.h"
#include "domain/flat.h"
#include "origin/sim.h"

#define P UINT64_C(4096)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)
/* Pages of what takes long. */
#define BIG (UINT64_C(1) << 30)
/* Where it is mapped; what else there is lies below. */
#define BIG_IOVA (UINT64_C(1) << 44)
#define PATIENCE 60

/* Whoever passes while it is closed waits until it is opened. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool closed;
	bool waiting;
};

static void gate_pass(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->closed) {
		g->waiting = true;
		pthread_cond_broadcast(&g->changed);
		pthread_cond_wait(&g->changed, &g->lock);
	}
	g->waiting = false;
	pthread_mutex_unlock(&g->lock);
}

static void gate_set(struct gate *g, bool closed)
{
	pthread_mutex_lock(&g->lock);
	g->closed = closed;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Somebody stands in front of it. */
static void gate_await(struct gate *g)
{
	pthread_mutex_lock(&g->lock);
	while (!g->waiting)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

static bool gate_holds(struct gate *g)
{
	bool holds;

	pthread_mutex_lock(&g->lock);
	holds = g->closed && g->waiting;
	pthread_mutex_unlock(&g->lock);
	return holds;
}

struct world {
	struct ioas_context ctx;
	struct ioas_sim *sim;
	struct ioas *spaces[2];
	struct ioas_domain *domains[2];
	/* A process with little memory, and one with very much. */
	struct ioas_origin *small;
	struct ioas_origin *big;
	struct ioas_access *access;
	/* Holds a page of the area at 0x800000 and thinks about it for long. */
	struct ioas_access *slow;
	bool slow_pins;
	/* Pins and unpins of the big process; the slow client's callback. */
	struct gate machine;
	struct gate callback;
	/* The long operation: its result, once it has ended. */
	pthread_t thread;
	_Atomic bool ended;
	int ret;
};

/* ---- the world ---------------------------------------------------------- */

static void before_pin(void *data, struct ioas_origin *o, uint64_t first,
		       uint64_t nr)
{
	struct world *w = data;

	(void)first;
	(void)nr;
	if (o == w->big)
		gate_pass(&w->machine);
}

/* Asked before each unpin; the frames of the big process come in big runs. */
static bool may_unpin(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty)
{
	struct world *w = data;

	(void)pfn;
	(void)dirty;
	if (nr >= BIG / 2)
		gate_pass(&w->machine);
	return true;
}

static void access_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	(void)data;
	(void)iova;
	(void)length;
}

static void slow_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct world *w = data;

	if (!w->slow_pins || !ioas_intersects(0x800000, 0x800fff, iova,
					      iova + length - 1))
		return;
	gate_pass(&w->callback);
	w->slow_pins = false;
	ioas_access_unpin(w->slow, 0x800000, P);
}

static const struct ioas_access_ops access_ops = { .unmap = access_unmap };
static const struct ioas_access_ops slow_ops = { .unmap = slow_unmap };

static void gate_init(struct gate *g)
{
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
}

static int map_at(struct world *w, unsigned int s, struct ioas_origin *o,
		  uint64_t page, uint64_t nr, ioas_iova_t iova)
{
	return ioas_iopt_map(w->spaces[s], o, page * P, nr * P, RW,
			     IOAS_MAP_FIXED, &iova);
}

static int unmap_at(struct world *w, unsigned int s, ioas_iova_t iova,
		    uint64_t nr)
{
	uint64_t bytes;
	int ret = ioas_iopt_unmap(w->spaces[s], iova, nr * P, &bytes);

	return !ret && bytes != nr * P ? -ENOENT : ret;
}

static void world_init(struct world *w)
{
	const struct ioas_sim_options sim = {
		.page_lg2 = 12,
		.hooks = { .data = w,
			   .before_pin = before_pin,
			   .may_unpin = may_unpin },
	};
	const struct ioas_flat_options flat = {
		.pgsizes = P,
		.last = UINT64_MAX,
		.dirty = true,
	};

	*w = (struct world){ .ret = 1 };
	gate_init(&w->machine);
	gate_init(&w->callback);
	ioas_context_init(&w->ctx, 12, 12);
	assert_int_equal(ioas_sim_create(&sim, &w->sim), 0);
	assert_int_equal(ioas_sim_process_create(w->sim, &w->small), 0);
	assert_int_equal(ioas_sim_map(w->small, 0, 64, IOAS_SIM_RUNS, 0), 0);
	assert_int_equal(ioas_sim_process_create(w->sim, &w->big), 0);
	assert_int_equal(ioas_sim_map(w->big, 0, BIG, IOAS_SIM_GIANT, 0), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ioas_iopt_create(&w->ctx, &w->spaces[i]), 0);
		assert_int_equal(ioas_flat_domain_create(&flat,
							 &w->domains[i]),
				 0);
		assert_int_equal(ioas_iopt_attach(w->spaces[i],
						  w->domains[i]),
				 0);
	}
	assert_int_equal(ioas_access_create(&w->ctx, &access_ops, w,
					    IOAS_ACCESS_PINS, &w->access),
			 0);
	assert_int_equal(ioas_access_create(&w->ctx, &slow_ops, w,
					    IOAS_ACCESS_PINS, &w->slow),
			 0);
	assert_int_equal(ioas_access_attach(w->access, w->spaces[0]), 0);
	assert_int_equal(ioas_access_attach(w->slow, w->spaces[0]), 0);
	assert_int_equal(map_at(w, 0, w->small, 0, 8, 0x100000), 0);
	assert_int_equal(map_at(w, 1, w->small, 32, 8, 0x100000), 0);
}

static void world_fini(struct world *w)
{
	ioas_access_destroy(w->access);
	ioas_access_destroy(w->slow);
	for (unsigned int i = 0; i < 2; i++) {
		ioas_iopt_detach(w->spaces[i], w->domains[i]);
		w->domains[i]->ops->destroy(w->domains[i]);
		assert_int_equal(ioas_iopt_destroy(w->spaces[i]), 0);
	}
	assert_true(ioas_sim_idle(w->sim));
	ioas_origin_put(w->small);
	ioas_origin_put(w->big);
	ioas_sim_destroy(w->sim);
	ioas_context_fini(&w->ctx);
}

/* ---- the long operations ------------------------------------------------ */

static void *long_map(void *arg)
{
	struct world *w = arg;

	w->ret = map_at(w, 0, w->big, 0, BIG, BIG_IOVA);
	atomic_store(&w->ended, true);
	return NULL;
}

static void *long_unmap(void *arg)
{
	struct world *w = arg;

	w->ret = unmap_at(w, 0, BIG_IOVA, BIG);
	atomic_store(&w->ended, true);
	return NULL;
}

/* It waits for the slow client. */
static void *held_unmap(void *arg)
{
	struct world *w = arg;

	w->ret = unmap_at(w, 0, 0x800000, 4);
	atomic_store(&w->ended, true);
	return NULL;
}

static void long_begin(struct world *w, void *(*run)(void *), struct gate *g)
{
	gate_set(g, true);
	assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
	gate_await(g);
}

static void long_end(struct world *w, struct gate *g)
{
	/* Nothing so far has waited for it. */
	assert_true(gate_holds(g));
	assert_false(atomic_load(&w->ended));
	gate_set(g, false);
	assert_int_equal(pthread_join(w->thread, NULL), 0);
	assert_int_equal(w->ret, 0);
}

/* ---- what goes on meanwhile --------------------------------------------- */

static void use_space(struct world *w, unsigned int s)
{
	ioas_iova_t iova = 0x300000;
	uint64_t bitmap = 0;
	const struct ioas_dirty_request rq = {
		.iova = 0x100000,
		.length = 8 * P,
		.granularity = P,
		.bitmap = (uintptr_t)&bitmap,
	};

	assert_int_equal(map_at(w, s, w->small, 16, 8, 0x200000), 0);
	assert_int_equal(ioas_iopt_copy(w->spaces[s], w->spaces[s], 0x100000,
					4 * P, RW, IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(ioas_dirty_read(w->spaces[s], w->domains[s], &rq), 0);
	assert_int_equal(unmap_at(w, s, 0x300000, 4), 0);
	assert_int_equal(unmap_at(w, s, 0x200000, 8), 0);
}

static void use_client(struct world *w)
{
	char buffer[3 * P], byte;

	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(ioas_access_pin(w->access, 0x101000, 3 * P,
						 IOAS_ACCESS_WRITE, NULL),
				 0);
		assert_int_equal(ioas_access_rw(w->access, 0x100800, buffer,
						sizeof(buffer),
						IOAS_ACCESS_WRITE),
				 0);
		assert_int_equal(ioas_access_rw(w->access, 0x100fff, &byte, 1,
						0),
				 0);
		ioas_access_unpin(w->access, 0x101000, 3 * P);
	}
}

static void everything_else(struct world *w)
{
	use_client(w);
	use_space(w, 0);
	use_space(w, 1);
	ioas_iopt_detach(w->spaces[1], w->domains[1]);
	assert_int_equal(ioas_iopt_attach(w->spaces[1], w->domains[1]), 0);
}

static void a_long_map_holds_up_nobody_else(void **state)
{
	struct world *w = *state;

	long_begin(w, long_map, &w->machine);
	everything_else(w);
	/* What is being mapped is not there yet, and its IOVA is taken. */
	assert_int_equal(ioas_access_pin(w->access, BIG_IOVA, P, 0, NULL),
			 -ENOENT);
	assert_int_equal(map_at(w, 0, w->small, 0, 1, BIG_IOVA), -EEXIST);
	assert_int_equal(unmap_at(w, 0, BIG_IOVA, BIG), -EBUSY);
	long_end(w, &w->machine);
}

static void a_long_unmap_holds_up_nobody_else(void **state)
{
	struct world *w = *state;

	assert_int_equal(map_at(w, 0, w->big, 0, BIG, BIG_IOVA), 0);
	long_begin(w, long_unmap, &w->machine);
	everything_else(w);
	assert_int_equal(ioas_access_pin(w->access, BIG_IOVA, P, 0, NULL),
			 -ENOENT);
	assert_int_equal(map_at(w, 0, w->small, 0, 1, BIG_IOVA), -EEXIST);
	assert_int_equal(unmap_at(w, 0, BIG_IOVA, BIG), -EBUSY);
	long_end(w, &w->machine);
}

static void a_slow_client_holds_up_nobody_else(void **state)
{
	struct world *w = *state;
	char byte;

	assert_int_equal(map_at(w, 0, w->small, 48, 4, 0x800000), 0);
	assert_int_equal(ioas_access_pin(w->slow, 0x800000, P,
					 IOAS_ACCESS_WRITE, NULL),
			 0);
	w->slow_pins = true;
	long_begin(w, held_unmap, &w->callback);
	everything_else(w);
	/* No lock at all is held: domains of this space come and go too. */
	ioas_iopt_detach(w->spaces[0], w->domains[0]);
	assert_int_equal(ioas_iopt_attach(w->spaces[0], w->domains[0]), 0);
	/* The area that is waited for takes nobody else in. */
	assert_int_equal(ioas_access_pin(w->access, 0x801000, P, 0, NULL),
			 -EINVAL);
	assert_int_equal(ioas_access_rw(w->access, 0x801000, &byte, 1, 0),
			 -EINVAL);
	/* Clients come and go, but for the one that is being asked. */
	assert_int_equal(ioas_access_replace(w->access, w->spaces[1]), 0);
	assert_int_equal(ioas_access_detach(w->access), 0);
	long_end(w, &w->callback);
	assert_false(w->slow_pins);
}

static int setup(void **state)
{
	static struct world w;

	alarm(PATIENCE);
	world_init(&w);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	world_fini(*state);
	alarm(0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_long_map_holds_up_nobody_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_long_unmap_holds_up_nobody_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_slow_client_holds_up_nobody_else, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
