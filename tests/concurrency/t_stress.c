/* SPDX-License-Identifier: MIT */
/*
 * stress: threads that do anything to two spaces, for a while
 *
 *   2 threads per CPU    map, copy, unmap, pin, read, write, dirty, attach,
 *                        detach, join, leave, replace, revoke
 *   the main thread      now and then stops them and validates everything;
 *                        watches that operations still come to an end
 *
 * Objects that may only be used by one at a time have a lock of ours: a domain
 * while it is attached or detached, an origin while another takes its place, a
 * client around its pins (13.7). Everything else is left to the core.
 *
 * Each thread has a client of its own, which it makes and destroys, beside the
 * clients that all of them move from space to space. After a client has left,
 * or is gone, its callback is an error (D7).
 *
 *	t_stress --seconds 600 --seed 7 --threads 8
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/access.h"
#include "core/dirty.h"
#include "domain/flat.h"
#include "domain/table.h"
#include "origin/sim.h"
#include "prng.h"
#include "seam/caller.h"

#define PAGE_LG2 12
#define P (UINT64_C(1) << PAGE_LG2)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

#define SPACES 2
#define DOMAINS 4
#define SHARED_CLIENTS 2
#define MAX_THREADS 64
#define MAX_PINS 8
/* Pages of IOVA that are used, and of each origin. */
#define WINDOW 48
#define PAGES 64
/* Milliseconds from one look at everything to the next. */
#define CHECK_MS 200
/* Seconds without one operation that ends. */
#define PATIENCE 10

/* From the command line. */
static struct {
	double seconds;
	uint64_t seed;
	unsigned int threads;
} options = { .seconds = 5, .seed = 1 };

struct client {
	struct ioas_access *access;
	/* Around every pin and its place in the list. */
	pthread_mutex_t lock;
	struct pin {
		ioas_iova_t iova;
		uint64_t length;
	} pins[MAX_PINS];
	unsigned int nr_pins;
	/* It may be called: it is in a space, or on its way. */
	_Atomic bool member;
	_Atomic unsigned int running;
};

static struct {
	struct ioas_context ctx;
	struct ioas_sim *sim;
	struct ioas_caller caller;
	struct ioas_principal *principals[2];
	struct ioas_user *user;
	struct ioas *spaces[SPACES];
	struct ioas_domain *domains[DOMAINS];
	/* Space that it is attached to, or -1. Under domain_locks. */
	int domain_space[DOMAINS];
	pthread_mutex_t domain_locks[DOMAINS];
	struct ioas_origin *process;
	struct ioas_origin *file;
	/* Replaced when it was revoked; under device_lock. */
	struct ioas_origin *device;
	pthread_mutex_t device_lock;
	struct client shared[SHARED_CLIENTS];
	/* Held shared by an operation, exclusively by who looks at all. */
	pthread_rwlock_t world;
	_Atomic bool stop;
	_Atomic uint64_t done;
	_Atomic uint64_t violations;
} all;

struct worker {
	pthread_t thread;
	struct prng prng;
	struct client own;
	/* What it does now, for the watchdog. */
	_Atomic(const char *) doing;
};

static struct worker workers[MAX_THREADS];

static void wrong(const char *what, int value)
{
	fprintf(stderr, "# %s: %d; --seed %llu\n", what, value,
		(unsigned long long)options.seed);
	abort();
}

/* @ret is 0 or one of @legal, which ends with 0. */
static bool said(const char *what, int ret, const int *legal)
{
	if (!ret)
		return true;
	while (*legal && *legal != ret)
		legal++;
	if (!*legal)
		wrong(what, ret);
	return false;
}

#define SAID(what, ret, ...) said(what, ret, (const int[]){ __VA_ARGS__, 0 })

static unsigned int below(struct worker *w, unsigned int n)
{
	return (unsigned int)prng_below(&w->prng, n);
}

static struct ioas *any_space(struct worker *w)
{
	return all.spaces[below(w, SPACES)];
}

static ioas_iova_t any_iova(struct worker *w)
{
	return (1 + below(w, WINDOW)) * P;
}

static struct client *any_client(struct worker *w)
{
	unsigned int c = below(w, SHARED_CLIENTS + 1);

	return c < SHARED_CLIENTS ? &all.shared[c] : &w->own;
}

/* ---- clients ------------------------------------------------------------ */

static void client_drop(struct client *c, unsigned int i)
{
	const struct pin pin = c->pins[i];

	c->pins[i] = c->pins[--c->nr_pins];
	ioas_access_unpin(c->access, pin.iova, pin.length);
}

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct client *c = data;

	if (!atomic_load(&c->member))
		wrong("D7: callback of a client that has left", 0);
	if (ioas_plat_thread()->nr_held)
		wrong("D6: callback with locks",
		      (int)ioas_plat_thread()->nr_held);
	atomic_fetch_add(&c->running, 1);
	pthread_mutex_lock(&c->lock);
	for (unsigned int i = c->nr_pins; i-- > 0;)
		if (ioas_intersects(c->pins[i].iova,
				    c->pins[i].iova + c->pins[i].length - 1,
				    iova, iova + length - 1))
			client_drop(c, i);
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_sub(&c->running, 1);
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

static void client_create(struct client *c)
{
	int ret = ioas_access_create(&all.ctx, &client_ops, c,
				     IOAS_ACCESS_PINS, &c->access);

	if (ret)
		wrong("create", ret);
}

static void do_pin(struct worker *w)
{
	struct client *c = any_client(w);
	const struct pin pin = { any_iova(w), (1 + below(w, 6)) * P };
	struct ioas_run runs[8];
	struct ioas_run_list list = { .runs = runs, .max = 8 };
	int ret;

	pthread_mutex_lock(&c->lock);
	if (c->access && c->nr_pins < MAX_PINS) {
		ret = ioas_access_pin(c->access, pin.iova, pin.length,
				      below(w, 2), &list);
		if (SAID("pin", ret, -ENOENT, -EINVAL))
			c->pins[c->nr_pins++] = pin;
	}
	pthread_mutex_unlock(&c->lock);
}

static void do_unpin(struct worker *w)
{
	struct client *c = any_client(w);

	pthread_mutex_lock(&c->lock);
	if (c->nr_pins)
		client_drop(c, below(w, c->nr_pins));
	pthread_mutex_unlock(&c->lock);
}

static void do_rw(struct worker *w)
{
	struct client *c = any_client(w);
	char buffer[300] = "";
	int ret;

	if (!c->access)
		return;
	ret = ioas_access_rw(c->access, any_iova(w) + below(w, 4096), buffer,
			     1 + below(w, sizeof(buffer)), below(w, 2));
	SAID("rw", ret, -ENOENT, -EINVAL);
}

/* A client of this thread alone comes and goes for good. */
static void do_own(struct worker *w)
{
	struct client *c = &w->own;

	if (!c->access) {
		client_create(c);
		atomic_store(&c->member, true);
		SAID("join", ioas_access_attach(c->access, any_space(w)), 0);
		return;
	}
	ioas_access_destroy(c->access);
	c->access = NULL;
	atomic_store(&c->member, false);
	if (atomic_load(&c->running) || c->nr_pins)
		wrong("D7: destroyed, and still in use", (int)c->nr_pins);
}

/* Several threads may try to move a shared one at once. */
static void do_move(struct worker *w)
{
	struct client *c = &all.shared[below(w, SHARED_CLIENTS)];
	struct ioas_access *a = c->access;
	int ret;

	switch (below(w, 3)) {
	case 0:
		ret = ioas_access_attach(a, any_space(w));
		SAID("attach", ret, -EINVAL);
		break;
	case 1:
		SAID("detach", ioas_access_detach(a), -ENOENT, -EBUSY);
		break;
	default:
		ret = ioas_access_replace(a, any_space(w));
		SAID("replace", ret, -ENOENT, -EBUSY);
	}
}

/* ---- spaces ------------------------------------------------------------- */

static struct ioas_origin *any_origin(struct worker *w)
{
	struct ioas_origin *o = below(w, 4) ? all.process : all.file;

	if (below(w, 8))
		return ioas_origin_get(o);
	pthread_mutex_lock(&all.device_lock);
	o = ioas_origin_get(all.device);
	pthread_mutex_unlock(&all.device_lock);
	return o;
}

static void do_map(struct worker *w)
{
	struct ioas_origin *o = any_origin(w);
	const unsigned int flags = below(w, 4) ? IOAS_MAP_FIXED : 0;
	const uint64_t nr = 1 + below(w, 8);
	ioas_iova_t iova = any_iova(w);
	int ret = ioas_iopt_map(any_space(w), o, below(w, PAGES - 8) * P,
				nr * P, RW, flags, &iova);

	SAID("map", ret, -EEXIST, -ENODEV, -ENOSPC);
	ioas_origin_put(o);
}

static void do_copy(struct worker *w)
{
	ioas_iova_t iova = any_iova(w);
	int ret = ioas_iopt_copy(any_space(w), any_space(w), any_iova(w),
				 (1 + below(w, 8)) * P, RW, IOAS_MAP_FIXED,
				 &iova);

	SAID("copy", ret, -EEXIST, -ENOENT);
}

static void do_unmap(struct worker *w)
{
	uint64_t bytes;
	int ret = ioas_iopt_unmap(any_space(w), any_iova(w),
				  (1 + below(w, 24)) * P, &bytes);

	SAID("unmap", ret, -ENOENT, -EBUSY);
}

static void do_domain(struct worker *w)
{
	const unsigned int d = below(w, DOMAINS);
	const unsigned int s = below(w, SPACES);

	pthread_mutex_lock(&all.domain_locks[d]);
	if (all.domain_space[d] >= 0) {
		ioas_iopt_detach(all.spaces[all.domain_space[d]],
				 all.domains[d]);
		all.domain_space[d] = -1;
	} else if (SAID("attach",
			ioas_iopt_attach(all.spaces[s], all.domains[d]), 0)) {
		all.domain_space[d] = (int)s;
	}
	pthread_mutex_unlock(&all.domain_locks[d]);
}

static void do_dirty(struct worker *w)
{
	struct ioas_domain *d = all.domains[below(w, DOMAINS)];
	struct ioas *space = any_space(w);
	uint64_t bitmap = 0;
	const struct ioas_dirty_request rq = {
		.iova = any_iova(w),
		.length = (1 + below(w, 8)) * P,
		.granularity = P,
		.bitmap = (uintptr_t)&bitmap,
	};

	if (below(w, 2))
		SAID("dirty", ioas_dirty_read(space, d, &rq), -EINVAL,
		     -ENOENT);
	else
		SAID("track", ioas_dirty_set(space, d, true), -ENOENT);
}

static void do_revoke(struct worker *w)
{
	struct ioas_origin *old = NULL, *new;

	if (below(w, 8))
		return;
	if (ioas_sim_device_create(all.sim, PAGES, &new))
		wrong("no device", 0);
	pthread_mutex_lock(&all.device_lock);
	old = all.device;
	all.device = new;
	pthread_mutex_unlock(&all.device_lock);
	ioas_sim_revoke(old);
	ioas_origin_put(old);
}

static void do_change(struct worker *w)
{
	struct ioas_caller caller = {
		.principal = all.principals[below(w, 2)],
	};
	struct ioas_caller *old = ioas_caller_enter(&caller);

	/* Refused, since there is memory of a process: most of the time. */
	SAID("change", ioas_context_change_process(&all.ctx), -EINVAL);
	ioas_caller_leave(old);
}

/* ---- threads ------------------------------------------------------------ */

/* How often of 100. */
static const struct {
	const char *name;
	unsigned int chance;
	void (*run)(struct worker *w);
} doings[] = {
	{ "map", 22, do_map },	     { "copy", 12, do_copy },
	{ "unmap", 14, do_unmap },   { "pin", 16, do_pin },
	{ "unpin", 8, do_unpin },    { "rw", 8, do_rw },
	{ "own client", 4, do_own }, { "shared client", 4, do_move },
	{ "domain", 4, do_domain },  { "dirty", 5, do_dirty },
	{ "revoke", 2, do_revoke },  { "change", 1, do_change },
};

static void one_operation(struct worker *w)
{
	const struct ioas_thread *t = ioas_plat_thread();
	unsigned int at = below(w, 100), i = 0;

	while (at >= doings[i].chance)
		at -= doings[i++].chance;
	atomic_store(&w->doing, doings[i].name);
	doings[i].run(w);
	atomic_store(&w->doing, NULL);
	if (t->nr_held || t->nr_unrecorded)
		wrong("O6: locks are left", (int)t->nr_held);
	atomic_fetch_add(&all.done, 1);
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;

	ioas_caller_enter(&all.caller);
	while (!atomic_load(&all.stop)) {
		pthread_rwlock_rdlock(&all.world);
		one_operation(w);
		pthread_rwlock_unlock(&all.world);
	}
	ioas_caller_leave(NULL);
	return NULL;
}

/* ---- the world ---------------------------------------------------------- */

static void hook_violation(void *data, const char *what, ioas_pfn_t pfn)
{
	(void)data;
	(void)pfn;
	fprintf(stderr, "# machine: %s\n", what);
	atomic_fetch_add(&all.violations, 1);
}

static void domains_create(void)
{
	const struct ioas_flat_options flat = {
		.pgsizes = P | 2 * P,
		.last = UINT64_MAX,
		.dirty = true,
	};
	const struct ioas_table_options table = {
		.pt = { .pgsizes = P | P << 9, .last = UINT64_C(0xffffffffff) },
		.dirty = true,
	};

	for (unsigned int d = 0; d < DOMAINS; d++) {
		pthread_mutex_init(&all.domain_locks[d], NULL);
		all.domain_space[d] = -1;
		assert_int_equal(
			d % 2 ? ioas_table_domain_create(&table,
							 &all.domains[d]) :
				ioas_flat_domain_create(&flat,
							&all.domains[d]),
			0);
	}
}

static void machine_create(void)
{
	const struct ioas_sim_options opts = {
		.page_lg2 = PAGE_LG2,
		.seed = options.seed,
		.last_pfn = (UINT64_C(1) << 36) - 1,
		.hooks.violation = hook_violation,
	};

	assert_int_equal(ioas_sim_create(&opts, &all.sim), 0);
	ioas_sim_set_pin_mode(all.sim, IOAS_SIM_PIN_RANDOM);
	assert_int_equal(ioas_sim_process_create(all.sim, &all.process), 0);
	assert_int_equal(ioas_sim_map(all.process, 0, PAGES, IOAS_SIM_RUNS, 0),
			 0);
	assert_int_equal(ioas_sim_file_create(all.sim, PAGES, 2,
					      IOAS_SIM_SCATTERED, &all.file),
			 0);
	assert_int_equal(ioas_sim_device_create(all.sim, PAGES, &all.device),
			 0);
	pthread_mutex_init(&all.device_lock, NULL);
}

static void principals_create(void)
{
	all.user = ioas_user_create();
	for (unsigned int i = 0; i < 2; i++) {
		struct ioas_mm *mm = ioas_mm_create();

		all.principals[i] =
			ioas_principal_create(all.user, mm, UINT64_MAX);
		ioas_mm_put(mm);
	}
	all.caller.principal = all.principals[0];
}

static int world_create(void **state)
{
	pthread_rwlockattr_t attr;

	(void)state;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(
		&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&all.world, &attr);
	ioas_context_init(&all.ctx, PAGE_LG2, PAGE_LG2);
	machine_create();
	principals_create();
	domains_create();
	for (unsigned int s = 0; s < SPACES; s++)
		assert_int_equal(ioas_iopt_create(&all.ctx, &all.spaces[s]), 0);
	for (unsigned int c = 0; c < SHARED_CLIENTS; c++) {
		pthread_mutex_init(&all.shared[c].lock, NULL);
		atomic_store(&all.shared[c].member, true);
		client_create(&all.shared[c]);
	}
	return 0;
}

/* Everybody stands still. */
static void world_check(void)
{
	assert_int_equal(ioas_context_validate(&all.ctx), 0);
	assert_true(ioas_sim_validate(all.sim));
	assert_int_equal(atomic_load(&all.violations), 0);
	for (unsigned int d = 0; d < DOMAINS; d++)
		assert_true(d % 2 ? ioas_table_domain_validate(all.domains[d]) :
				    ioas_flat_domain_validate(all.domains[d]));
}

static void clients_destroy(void)
{
	for (unsigned int c = 0; c < SHARED_CLIENTS; c++) {
		ioas_access_destroy(all.shared[c].access);
		assert_int_equal(all.shared[c].nr_pins, 0);
	}
	for (unsigned int i = 0; i < options.threads; i++) {
		ioas_access_destroy(workers[i].own.access);
		assert_int_equal(workers[i].own.nr_pins, 0);
	}
}

static int world_destroy(void **state)
{
	(void)state;
	clients_destroy();
	for (unsigned int d = 0; d < DOMAINS; d++) {
		if (all.domain_space[d] >= 0)
			ioas_iopt_detach(all.spaces[all.domain_space[d]],
					 all.domains[d]);
		all.domains[d]->ops->destroy(all.domains[d]);
	}
	for (unsigned int s = 0; s < SPACES; s++)
		assert_int_equal(ioas_iopt_destroy(all.spaces[s]), 0);
	assert_true(ioas_sim_idle(all.sim));
	assert_int_equal(atomic_load(&all.violations), 0);
	assert_int_equal(atomic_load(&all.user->charged), 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(atomic_load(&all.principals[i]->refs), 1);
		assert_int_equal(atomic_load(&all.principals[i]->mm->pinned),
				 0);
		ioas_principal_put(all.principals[i]);
	}
	ioas_user_put(all.user);
	ioas_origin_put(all.process);
	ioas_origin_put(all.file);
	ioas_origin_put(all.device);
	ioas_sim_destroy(all.sim);
	ioas_context_fini(&all.ctx);
	return 0;
}

/* ---- the main thread ---------------------------------------------------- */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Progress is what the watchdog lives on. */
struct watchdog {
	uint64_t done;
	double since;
};

static void watchdog_look(struct watchdog *dog)
{
	const uint64_t done = atomic_load(&all.done);

	if (done != dog->done) {
		*dog = (struct watchdog){ done, now() };
		return;
	}
	if (now() - dog->since < PATIENCE)
		return;
	for (unsigned int i = 0; i < options.threads; i++) {
		const char *doing = atomic_load(&workers[i].doing);

		fprintf(stderr, "# thread %u: %s\n", i,
			doing ? doing : "nothing");
	}
	wrong("no operation ended for seconds", PATIENCE);
}

/* Waits for operations that run; none begins meanwhile. */
static void stop_the_world(struct watchdog *dog)
{
	struct timespec until;

	do {
		watchdog_look(dog);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	} while (pthread_rwlock_timedwrlock(&all.world, &until));
	world_check();
	dog->since = now();
	pthread_rwlock_unlock(&all.world);
}

static void everything_holds_while_threads_do_anything(void **state)
{
	const double end = now() + options.seconds;
	struct watchdog dog = { 0, now() };
	unsigned int checks = 0;

	(void)state;
	for (unsigned int i = 0; i < options.threads; i++) {
		workers[i].prng.state = options.seed * 1000 + i;
		pthread_mutex_init(&workers[i].own.lock, NULL);
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
						worker_run, &workers[i]),
				 0);
	}
	while (now() < end) {
		usleep(CHECK_MS * 1000);
		watchdog_look(&dog);
		stop_the_world(&dog);
		checks++;
	}
	atomic_store(&all.stop, true);
	for (unsigned int i = 0; i < options.threads; i++)
		pthread_join(workers[i].thread, NULL);
	world_check();
	fprintf(stderr, "# %llu operations of %u threads, %u checks\n",
		(unsigned long long)atomic_load(&all.done), options.threads,
		checks);
}

static void arguments(int argc, char **argv)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	options.threads = cpus > 0 && cpus < MAX_THREADS / 2 ?
				  2 * (unsigned int)cpus :
				  MAX_THREADS;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seconds"))
			options.seconds = strtod(argv[i + 1], NULL);
		else if (!strcmp(argv[i], "--seed"))
			options.seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--threads"))
			options.threads = (unsigned int)strtoul(argv[i + 1],
								NULL, 0);
	}
	if (!options.threads || options.threads > MAX_THREADS)
		options.threads = MAX_THREADS;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			everything_holds_while_threads_do_anything,
			world_create, world_destroy),
	};

	arguments(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
