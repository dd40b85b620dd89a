/* SPDX-License-Identifier: MIT */
/*
 * view races: a device inside a section against whoever changes the tables
 *
 *   device   enter . translate . use the frame . use it again . exit
 *   owner    unmap . sync . the frame is somebody else's
 *
 * All interleavings with a few preemptions (scheduler.h). The turn may pass at
 * every dot, at every lock, wait and barrier, at every table that a walk enters
 * (tables have addresses that need from_pa(), which is such a point), and where
 * a view has seen a leaf and has not acted on it (the format is one of ours).
 *
 * A frame knows whether it is pinned, and for which IOVA: a device that uses
 * one otherwise is wrong. A page has contents and a copy, which is renewed when
 * it is harvested as dirty: in the end both are the same, or a write was lost.
 *
 *	t_view_races --schedule unmap:0110...     one schedule, see scheduler.h
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/errno.h"
#include "domain/table.h"
#include "domain/view.h"
#include "pt/impl.h"
#include "scheduler.h"
#include "seam/plat.h"

#define PAGE UINT64_C(4096)
#define TABLE (512 * PAGE)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

/* IOVA: a page, one in another region, and a whole table. */
#define X (5 * PAGE)
#define Y (TABLE + 7 * PAGE)
#define T (4 * TABLE)
#define U (8 * TABLE)
#define FAR (UINT64_C(1) << 40)

#define NR_FRAMES 2048

struct world {
	struct ioas_domain *d;
	struct ioas_dview *v[2];
	/* IOVA that the frame is pinned for; 0: it is not pinned. */
	uint64_t pinned_for[NR_FRAMES];
	/* Of the page at X. */
	unsigned int contents;
	unsigned int copy;
};

struct race {
	struct sched_test test;
	/* amdv1, whose root rises, and not mock. */
	bool grows;
	/* 2 MiB at X as one leaf, and not a page. */
	bool large;
	/* A whole table of pages at T. */
	bool table;
	/* Tracking is on from the start. */
	bool track;
	/* The views know X, also for writing. */
	bool warm;
	/* No view at the start. */
	bool bare;
};

/* ---- tables whose entries lead through a point --------------------------- */

static void *mem_alloc(void *ctx, size_t bytes)
{
	(void)ctx;
	return ioas_plat_alloc_aligned(bytes, bytes);
}

static void mem_free(void *ctx, void *table, size_t bytes)
{
	(void)ctx;
	ioas_plat_free_aligned(table, bytes, bytes);
}

static uint64_t mem_to_pa(void *ctx, const void *table)
{
	(void)ctx;
	return (uintptr_t)table;
}

static void *mem_from_pa(void *ctx, uint64_t pa)
{
	(void)ctx;
	sched_point();
	return (void *)(uintptr_t)pa;
}

static const struct ioas_pt_mem_ops mem_ops = {
	.alloc = mem_alloc,
	.free = mem_free,
	.to_pa = mem_to_pa,
	.from_pa = mem_from_pa,
};

/* ---- formats with a point behind the look of a view ---------------------- */

/* Of mock and amdv1: copies, but for lookup. */
static struct ioas_pt_format slow_mock, slow_amdv1;

static int mock_lookup(struct ioas_pt *pt, ioas_iova_t iova,
		       struct ioas_pt_hit *hit)
{
	int ret = ioas_pt_mock.lookup(pt, iova, hit);

	sched_point();
	return ret;
}

static int amdv1_lookup(struct ioas_pt *pt, ioas_iova_t iova,
			struct ioas_pt_hit *hit)
{
	int ret = ioas_pt_amdv1.lookup(pt, iova, hit);

	sched_point();
	return ret;
}

static void formats_make(void)
{
	slow_mock = ioas_pt_mock;
	slow_mock.lookup = mock_lookup;
	slow_amdv1 = ioas_pt_amdv1;
	slow_amdv1.lookup = amdv1_lookup;
}

/* ---- owners ------------------------------------------------------------- */

static void own_map(struct world *w, uint64_t iova, uint64_t nr, uint64_t pfn)
{
	const struct ioas_run run = { pfn, nr };
	const struct ioas_map_request rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = nr * PAGE, .prot = RW | IOAS_PROT_CACHE,
	};

	for (uint64_t i = 0; i < nr; i++)
		w->pinned_for[pfn + i] = iova + i * PAGE;
	SCHED_ASSERT(!w->d->ops->map(w->d, &rq));
}

static void own_unmap(struct world *w, uint64_t iova, uint64_t nr,
		      uint64_t pfn)
{
	const struct ioas_unmap_request rq = {
		.iova = iova, .want_last = iova + nr * PAGE - 1,
		.last = iova + nr * PAGE - 1,
	};

	SCHED_ASSERT(w->d->ops->unmap(w->d, &rq) == rq.last);
	sched_point();
	w->d->ops->sync(w->d);
	for (uint64_t i = 0; i < nr; i++)
		w->pinned_for[pfn + i] = 0;
}

static void unmap_x(void *world)
{
	own_unmap(world, X, 1, 5);
}

static void unmap_y(void *world)
{
	own_unmap(world, Y, 1, 7);
}

static void unmap_x_map_another(void *world)
{
	own_unmap(world, X, 1, 5);
	own_map(world, X, 1, 9);
}

/* The table of T leaves the tree, and comes back elsewhere. */
static void reuse_table(void *world)
{
	own_unmap(world, T, 512, 512);
	own_map(world, U, 512, 1024);
}

/* The empty table of X makes room for a leaf. */
static void unmap_x_map_large(void *world)
{
	own_unmap(world, X, 1, 5);
	own_map(world, 0, 512, 512);
}

static void map_far(void *world)
{
	own_map(world, FAR, 1, 11);
}

static void split_large(void *world)
{
	struct world *w = world;

	SCHED_ASSERT(!w->d->ops->split(w->d, 256 * PAGE));
	w->d->ops->sync(w->d);
}

struct marks {
	struct ioas_dirty_sink sink;
	bool x;
};

static void marks_add(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		      ioas_iova_t last)
{
	struct marks *m = (struct marks *)sink;

	m->x |= iova <= X && X <= last;
}

static void harvest(void *world)
{
	struct world *w = world;
	struct marks m = { { marks_add }, false };

	w->d->ops->read_and_clear_dirty(w->d, 0, TABLE - 1, 0, &m.sink);
	sched_point();
	w->d->ops->sync(w->d);
	if (m.x)
		w->copy = w->contents;
}

static void harvest_twice(void *world)
{
	harvest(world);
	harvest(world);
}

/* As the core does it; then everything is copied once. */
static void begin_tracking(void *world)
{
	struct world *w = world;

	w->d->ops->read_and_clear_dirty(w->d, 0, TABLE - 1, 0, NULL);
	w->d->ops->sync(w->d);
	sched_point();
	w->d->ops->set_dirty_tracking(w->d, true);
	w->copy = w->contents;
}

/* ---- devices ------------------------------------------------------------ */

static void device_look(struct world *w, struct ioas_dview *v, uint64_t iova)
{
	uint64_t addr, length;
	int ret;

	ioas_dview_enter(v);
	sched_point();
	ret = ioas_dview_translate(v, iova, iova, IOAS_PROT_READ, &addr,
				   &length);
	SCHED_ASSERT(!ret || ret == -ENOENT);
	for (unsigned int i = 0; !ret && i < 2; i++) {
		SCHED_ASSERT(w->pinned_for[addr / PAGE] == iova);
		sched_point();
	}
	ioas_dview_exit(v);
	sched_point();
}

static void device_write(struct world *w, struct ioas_dview *v)
{
	uint64_t addr, length;

	ioas_dview_enter(v);
	sched_point();
	SCHED_ASSERT(!ioas_dview_translate(v, X, X, IOAS_PROT_WRITE, &addr,
					   &length));
	sched_point();
	w->contents++;
	ioas_dview_exit(v);
	sched_point();
}

static void device_0(void *world)
{
	struct world *w = world;

	device_look(w, w->v[0], X);
	device_look(w, w->v[0], X);
}

static void device_1(void *world)
{
	struct world *w = world;

	device_look(w, w->v[1], Y);
	device_look(w, w->v[1], X);
}

static void device_table(void *world)
{
	struct world *w = world;

	device_look(w, w->v[0], T + 77 * PAGE);
	device_look(w, w->v[0], T);
}

static void device_writes(void *world)
{
	struct world *w = world;

	device_write(w, w->v[0]);
	device_write(w, w->v[0]);
}

/* It is not seen by who began earlier. */
static void device_appears(void *world)
{
	struct world *w = world;

	SCHED_ASSERT(!ioas_dview_create(w->d, NULL, NULL, &w->v[0]));
	device_look(w, w->v[0], X);
}

/* Somebody may be waiting for it still. */
static void device_0_disappears(void *world)
{
	struct world *w = world;

	device_look(w, w->v[0], X);
	ioas_dview_destroy(w->v[0]);
	w->v[0] = NULL;
}

static void device_1_disappears(void *world)
{
	struct world *w = world;

	device_look(w, w->v[1], Y);
	ioas_dview_destroy(w->v[1]);
	w->v[1] = NULL;
}

/* ---- the world ---------------------------------------------------------- */

static struct ioas_domain *domain_new(const struct race *race)
{
	struct ioas_table_options opts = {
		.format = &slow_mock,
		.pt = { .pgsizes = PAGE | TABLE, .mem = &mem_ops },
		.dirty = true,
	};
	struct ioas_domain *d = NULL;

	if (race->grows) {
		opts.format = &slow_amdv1;
		opts.pt.flags = IOAS_PT_GROW;
	} else {
		opts.pt.last = (UINT64_C(1) << 48) - 1;
	}
	if (ioas_table_domain_create(&opts, &d))
		sched_fail("there is no domain");
	return d;
}

static void *setup(void *arg)
{
	const struct race *race = arg;
	struct world *w = calloc(1, sizeof(*w));
	uint64_t addr, length;

	w->d = domain_new(race);
	if (race->large)
		own_map(w, 0, 512, 0);
	else
		own_map(w, X, 1, 5);
	own_map(w, Y, 1, 7);
	if (race->table)
		own_map(w, T, 512, 512);
	if (race->track)
		w->d->ops->set_dirty_tracking(w->d, true);
	for (unsigned int i = 0; !race->bare && i < 2; i++) {
		SCHED_ASSERT(!ioas_dview_create(w->d, NULL, NULL, &w->v[i]));
		if (!race->warm)
			continue;
		ioas_dview_enter(w->v[i]);
		SCHED_ASSERT(!ioas_dview_translate(w->v[i], X, X, RW, &addr,
						   &length));
		ioas_dview_exit(w->v[i]);
	}
	return w;
}

static const char *check(void *world)
{
	struct world *w = world;
	const char *wrong = NULL;

	for (unsigned int i = 0; i < 2; i++)
		ioas_dview_destroy(w->v[i]);
	harvest(w);
	if (w->copy != w->contents)
		wrong = "a write was lost";
	if (!ioas_table_domain_validate(w->d))
		wrong = "the tables are not sound";
	w->d->ops->destroy(w->d);
	free(w);
	return wrong;
}

static const struct race races[] = {
	{ .test = { .name = "unmap", .threads = { device_0, unmap_x } } },
	{ .test = { .name = "unmap_of_what_it_knows",
		    .threads = { device_0, unmap_x } },
	  .warm = true },
	{ .test = { .name = "another_frame",
		    .threads = { device_0, unmap_x_map_another } } },
	{ .test = { .name = "another_frame_for_what_it_knows",
		    .threads = { device_0, unmap_x_map_another } },
	  .warm = true },
	{ .test = { .name = "two_devices",
		    .threads = { device_0, device_1, unmap_x },
		    .max_preemptions = 2 } },
	{ .test = { .name = "two_owners",
		    .threads = { device_1, unmap_x, unmap_y },
		    .max_preemptions = 2 },
	  .warm = true },
	{ .test = { .name = "table_elsewhere",
		    .threads = { device_table, reuse_table } },
	  .table = true },
	{ .test = { .name = "table_becomes_a_leaf",
		    .threads = { device_0, unmap_x_map_large } } },
	{ .test = { .name = "root_rises", .threads = { device_0, map_far } },
	  .grows = true },
	{ .test = { .name = "device_appears",
		    .threads = { device_appears, unmap_x } },
	  .bare = true },
	{ .test = { .name = "devices_disappear",
		    .threads = { device_0_disappears, device_1_disappears,
				 unmap_x },
		    .max_preemptions = 2 } },
	{ .test = { .name = "two_wait_for_one_that_disappears",
		    .threads = { device_0_disappears, unmap_x, unmap_y },
		    .max_preemptions = 2 } },
	{ .test = { .name = "harvest",
		    .threads = { device_writes, harvest_twice } },
	  .track = true },
	{ .test = { .name = "harvest_of_what_it_knows",
		    .threads = { device_writes, harvest_twice } },
	  .track = true, .warm = true },
	{ .test = { .name = "harvest_of_a_large_leaf",
		    .threads = { device_writes, harvest_twice } },
	  .track = true, .warm = true, .large = true },
	{ .test = { .name = "tracking_begins",
		    .threads = { device_writes, begin_tracking } },
	  .warm = true },
	{ .test = { .name = "split",
		    .threads = { device_writes, split_large } },
	  .track = true, .large = true },
	{ .test = { .name = "split_and_harvest",
		    .threads = { device_writes, split_large, harvest },
		    .max_preemptions = 2 },
	  .track = true, .large = true, .warm = true },
};

/*
 * To the thread sanitizer all of this is one thread: it sees nothing here, and
 * takes twenty times as long.
 */
#if defined(__SANITIZE_THREAD__)
#define FEWER 1
#elif defined(__has_feature)
#define FEWER __has_feature(thread_sanitizer)
#else
#define FEWER 0
#endif

static uint64_t nr_schedules;

static void race_run(void **state)
{
	const struct race *race = *state;
	struct sched_test t = race->test;
	struct sched_result r;

	t.setup = setup;
	t.arg = (void *)(uintptr_t)race;
	t.check = check;
	t.max_preemptions = (t.max_preemptions ? t.max_preemptions : 3) -
			    FEWER;
	assert_int_equal(sched_explore(&t, &r), SCHED_PASSED);
	nr_schedules += r.nr_schedules;
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[IOAS_ARRAY_SIZE(races)];
	int failed;

	formats_make();
	sched_args(argc, argv);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(races); i++)
		tests[i] = (struct CMUnitTest){
			.name = races[i].test.name,
			.test_func = race_run,
			.initial_state = (void *)(uintptr_t)&races[i],
		};
	failed = _cmocka_run_group_tests("t_view_races", tests,
					 IOAS_ARRAY_SIZE(tests), NULL, NULL);
	fprintf(stderr, "# %llu schedules\n",
		(unsigned long long)nr_schedules);
	return failed;
}
