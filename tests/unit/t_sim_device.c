/* SPDX-License-Identifier: MIT */
/*
 * Simulated device memory: nothing is pinned, and revocation reaches every
 * watcher once, under the exporter's lock. And threads that use one machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "plat/common/fault_arm.h"
#include "seam/caller.h"
#include "seam/lock.h"

#include "sim_test.h"

static struct ioas_origin *device_new(struct ioas_sim *sim, uint64_t nr)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_sim_device_create(sim, nr, &o), 0);
	assert_int_equal(o->flags, IOAS_ORIGIN_DEVICE);
	return o;
}

static void a_pin_answers_and_counts_nothing(void **state)
{
	struct breaches seen = { 0 };
	struct ioas_sim *sim = sim_new(12, 1, &seen);
	struct ioas_origin *o = device_new(sim, 1000);
	struct pinned p = pin(o, 10, 990, true, 1);
	uint64_t word = 4;

	(void)state;
	assert_int_equal(p.rq.nr_pinned, 990);
	assert_int_equal(p.runs[0].pfn, frame_of(o, 10));
	assert_int_equal(frame_of(o, 999), frame_of(o, 0) + 999);
	assert_int_equal(pin(o, 10, 991, true, 1).rq.nr_pinned, 990);
	assert_int_equal(pin(o, 1000, 1, true, 1).ret, -EINVAL);
	assert_int_equal(ioas_sim_total_pins(sim), 0);
	assert_true(ioas_sim_idle(sim));
	/* Other devices reach it. */
	memcpy(o->ops->pointer(o, frame_of(o, 7)), &word, 8);
	word = 0;
	assert_int_equal(ioas_sim_read(o, 7 << 12, &word, 8), 0);
	assert_int_equal(word, 4);
	o->ops->unpin(o, p.runs[0].pfn, 1, false);
	assert_int_equal(seen.nr, 1);
	assert_string_equal(seen.what, "unpin of device memory");
	ioas_origin_put(o);
	ioas_sim_destroy(sim);
	assert_int_equal(seen.nr, 1);
}

struct watch {
	struct ioas_origin *o;
	unsigned int calls;
};

static void watch_called(void *data)
{
	struct ioas_mutex pages = { 0 };
	struct watch *w = data;

	w->calls++;
	assert_true(ioas_sim_revoked(w->o));
	/* The core is filling another pages object just now. */
	assert_int_equal(pin(w->o, 0, 1, true, 1).ret, 0);
	/* A pages lock is taken inside the exporter's: the ranks rise. */
	ioas_mutex_lock(&pages, IOAS_RANK_PAGES);
	ioas_mutex_unlock(&pages);
}

static void revocation_reaches_each_watcher_once(void **state)
{
	struct breaches seen = { 0 };
	struct ioas_sim *sim = sim_new(12, 1, &seen);
	struct ioas_origin *o = device_new(sim, 8);
	struct watch w[3] = { { o, 0 }, { o, 0 }, { o, 0 } };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(o->ops->watch(o, watch_called, &w[i]), 0);
	assert_false(ioas_sim_idle(sim));
	assert_int_equal(o->ops->watch(o, NULL, &w[1]), 0);
	assert_false(ioas_sim_revoked(o));
	ioas_sim_revoke(o);
	assert_true(ioas_sim_revoked(o));
	assert_int_equal(w[0].calls, 1);
	assert_int_equal(w[1].calls, 0);
	assert_int_equal(w[2].calls, 1);
	assert_int_equal(seen.nr, 0);
	ioas_sim_revoke(o);
	assert_int_equal(w[0].calls, 1);
	assert_int_equal(o->ops->watch(o, watch_called, &w[1]), -ENODEV);
	assert_int_equal(o->ops->watch(o, NULL, &w[0]), 0);
	assert_int_equal(pin(o, 0, 1, true, 1).ret, 0);
	expect_breach(&seen, "pin of revoked memory", frame_of(o, 0));
	ioas_origin_put(o);
	sim_end(sim);
}

static void a_forgotten_watcher_is_noticed(void **state)
{
	struct breaches seen = { 0 };
	struct ioas_sim *sim = sim_new(12, 1, &seen);
	struct ioas_origin *o = device_new(sim, 8);
	struct watch w = { o, 0 };

	(void)state;
	assert_int_equal(o->ops->watch(o, watch_called, &w), 0);
	ioas_origin_put(o);
	expect_breach(&seen, "origin goes with watchers", 1);
	assert_int_equal(w.calls, 0);
	ioas_sim_destroy(sim);
}

static void a_watch_needs_memory(void **state)
{
	struct ioas_fault fault = { .nth = 1 };
	struct ioas_caller caller = { .fault = &fault }, *old;
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = device_new(sim, 8);
	struct watch w = { o, 0 };

	(void)state;
	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	assert_int_equal(o->ops->watch(o, watch_called, &w), -ENOMEM);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	assert_true(ioas_sim_idle(sim));
	ioas_sim_revoke(o);
	assert_int_equal(w.calls, 0);
	ioas_origin_put(o);
	sim_end(sim);
}

/* ---- threads ------------------------------------------------------------ */

static void *revoke_thread(void *data)
{
	ioas_sim_revoke(data);
	return NULL;
}

/* Whoever withdraws knows afterwards whether it was called. */
static void withdrawing_waits_for_a_call_under_way(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);

	(void)state;
	for (unsigned int n = 0; n < 50; n++) {
		struct ioas_origin *o = device_new(sim, 8);
		struct watch w = { o, 0 };
		unsigned int calls;
		pthread_t t;

		assert_int_equal(o->ops->watch(o, watch_called, &w), 0);
		assert_int_equal(pthread_create(&t, NULL, revoke_thread, o),
				 0);
		assert_int_equal(o->ops->watch(o, NULL, &w), 0);
		calls = w.calls;
		pthread_join(t, NULL);
		assert_int_equal(w.calls, calls);
		ioas_origin_put(o);
	}
	sim_end(sim);
}

#define WORKERS 3u
#define WORKER_PAGES 16u

struct worker {
	struct ioas_sim *sim;
	struct ioas_origin *o;
	struct ioas_origin *file;
	unsigned int wrong;
};

/* As pin() of the other tests, but without assertions: those are not ours. */
static int worker_pin(struct ioas_origin *o, uint64_t first,
		      struct ioas_pin_request *rq, struct ioas_run *runs)
{
	*rq = (struct ioas_pin_request){
		.first = first,
		.nr = WORKER_PAGES - first,
		.write = true,
		.runs = runs,
		.max_runs = WORKER_PAGES,
	};
	return o->ops->pin(o, rq);
}

static void worker_unpin(struct ioas_origin *o,
			 const struct ioas_pin_request *rq)
{
	for (uint32_t r = 0; r < rq->nr_runs; r++)
		o->ops->unpin(o, rq->runs[r].pfn, rq->runs[r].nr, true);
}

static void *worker_run(void *data)
{
	struct worker *w = data;
	struct ioas_run runs[2][WORKER_PAGES];
	struct ioas_pin_request rq[2];

	w->wrong += w->o->ops->get_alive(w->o) != 0;
	for (unsigned int n = 0; n < 300; n++) {
		uint64_t first = n * 7 % WORKER_PAGES;
		uint64_t *word;

		w->wrong += worker_pin(w->o, first, &rq[0], runs[0]) != 0;
		w->wrong += worker_pin(w->file, first, &rq[1], runs[1]) != 0;
		w->wrong += ioas_sim_remap(w->o, first, 1, IOAS_SIM_RUNS) != 0;
		/* Pinned by us alone: nobody else writes there. */
		word = w->o->ops->pointer(w->o, runs[0][0].pfn);
		*word = n;
		w->wrong += ioas_sim_pins(w->sim, runs[1][0].pfn).write == 0;
		worker_unpin(w->o, &rq[0]);
		worker_unpin(w->file, &rq[1]);
	}
	w->o->ops->put_alive(w->o);
	return NULL;
}

static void threads_share_a_machine(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *file = NULL;
	struct worker w[WORKERS];
	pthread_t t[WORKERS];

	(void)state;
	assert_int_equal(ioas_sim_file_create(sim, WORKER_PAGES, 2,
					      IOAS_SIM_SCATTERED, &file),
			 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		w[i] = (struct worker){ .sim = sim,
					.o = process_new(sim),
					.file = file };
		assert_int_equal(ioas_sim_map(w[i].o, 0, WORKER_PAGES,
					      IOAS_SIM_SCATTERED, 0),
				 0);
		assert_int_equal(
			pthread_create(&t[i], NULL, worker_run, &w[i]), 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].wrong, 0);
		ioas_origin_put(w[i].o);
	}
	ioas_origin_put(file);
	sim_end(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_case(a_pin_answers_and_counts_nothing),
		sim_case(revocation_reaches_each_watcher_once),
		sim_case(a_forgotten_watcher_is_noticed),
		sim_case(a_watch_needs_memory),
		sim_case(withdrawing_waits_for_a_call_under_way),
		sim_case(threads_share_a_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
