/* SPDX-License-Identifier: MIT */
/*
 * races: the pairs and triples of docs/reference/ioas-tests.md section 10
 *
 * Each row is a race (race.h): what is there before, and what each thread
 * does. Pairs run with three preemptions, triples with two: half a million
 * schedules, ten microseconds each.
 *
 *	t_races --schedule map_attach:0011...     one schedule, see scheduler.h
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/bits.h"
#include "race.h"

static const struct race races[] = {
	/* ---- map ---- */
	{ "map_map",
	  { ATTACH(0, 0) },
	  { { MAP(0, 1, 2, PROC, 0) }, { MAP(0, 2, 2, PROC, 2) } } },
	{ "map_map_chosen",
	  { MAP(0, 0, 1, PROC, 5) },
	  { { MAP(0, RACE_ANY, 1, PROC, 0) },
	    { MAP(0, RACE_ANY, 1, PROC, 1) } } },
	{ "map_attach",
	  { MAP(0, 1, 1, PROC, 0) },
	  { { MAP(0, 4, 2, PROC, 2) }, { ATTACH(0, 0) } } },
	{ "map_attach_second",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0) },
	  { { MAP(0, 4, 2, PROC, 2) }, { ATTACH(0, 1) } } },
	{ "map_detach",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0) },
	  { { MAP(0, 4, 2, PROC, 2) }, { DETACH(0, 0) } } },
	{ "map_detach_first_of_two",
	  { ATTACH(0, 0), ATTACH(0, 1) },
	  { { MAP(0, 4, 2, PROC, 2) }, { DETACH(0, 0) } } },
	{ "map_unmap",
	  { ATTACH(0, 0) },
	  { { MAP(0, 1, 2, PROC, 0) }, { UNMAP(0, 1, 2) } } },
	{ "map_unmap_without_domain",
	  { MAP(0, 1, 2, PROC, 0) },
	  { { MAP(0, 1, 2, PROC, 2) }, { UNMAP(0, 1, 2) } } },
	{ "map_pin",
	  { ATTACH(0, 0), JOIN(0, 0) },
	  { { MAP(0, 1, 2, PROC, 0) }, { PIN(0, 1, 2) } } },
	{ "map_read",
	  { ATTACH(0, 0), JOIN(0, 0) },
	  { { MAP(0, 1, 2, PROC, 0) }, { READ(0, 2) } } },

	/* ---- unmap ---- */
	{ "unmap_unmap",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0) },
	  { { UNMAP(0, 1, 2) }, { UNMAP(0, 1, 2) } } },
	{ "unmap_unmap_of_two_areas",
	  { MAP(0, 1, 1, PROC, 0), MAP(0, 2, 1, PROC, 3), ATTACH(0, 0) },
	  { { UNMAP_PARTS(0, 1, 2, 2) }, { UNMAP(0, 2, 1) } } },
	{ "unmap_unmap_of_pinned",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 1) },
	  { { UNMAP(0, 1, 2) }, { UNMAP(0, 1, 2) } } },
	{ "unmap_pin",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), JOIN(0, 0) },
	  { { UNMAP(0, 1, 2) }, { PIN(0, 1, 1) } } },
	{ "unmap_pin_of_pinned",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 1) },
	  { { UNMAP(0, 1, 2) }, { PIN(1, 1, 2) } } },
	{ "unmap_unpin",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { UNPIN(0, 1, 2) } } },
	{ "unmap_unpin_pin_again",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { UNPIN(0, 1, 2), PIN(0, 1, 1) } } },
	{ "unmap_read_of_pinned",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { READ(1, 1), READ(1, 2) } } },
	/* S16: what is mapped into the hole stays. */
	{ "unmap_map_into_the_hole",
	  { MAP(0, 1, 1, PROC, 0), MAP(0, 2, 1, PROC, 1), JOIN(0, 0),
	    PIN(0, 2, 1) },
	  { { UNMAP_PARTS(0, 1, 2, 2) }, { MAP(0, 1, 1, PROC, 4) } } },
	{ "unmap_map_into_the_hole_with_domain",
	  { MAP(0, 1, 1, PROC, 0), MAP(0, 2, 1, PROC, 1), JOIN(0, 0),
	    PIN(0, 2, 1), ATTACH(0, 0) },
	  { { UNMAP_PARTS(0, 1, 2, 2) }, { MAP(0, 1, 1, PROC, 4) } } },
	{ "unmap_attach",
	  { MAP(0, 1, 2, PROC, 0) },
	  { { UNMAP(0, 1, 2) }, { ATTACH(0, 0) } } },
	{ "unmap_detach",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), ATTACH(0, 1) },
	  { { UNMAP(0, 1, 2) }, { DETACH(0, 0) } } },

	/* ---- pins ---- */
	{ "pin_pin_overlapping",
	  { MAP(0, 1, 4, PROC, 0), JOIN(0, 0), JOIN(0, 1) },
	  { { PIN(0, 1, 3) }, { PIN(1, 2, 3) } } },
	{ "pin_pin_same_range",
	  { MAP(0, 1, 3, PROC, 0), ATTACH(0, 0), JOIN(0, 0), JOIN(0, 1) },
	  { { PIN(0, 1, 3) }, { PIN(1, 1, 3), UNPIN(1, 1, 3) } } },
	{ "pin_pin_shared_by_copy",
	  { MAP(0, 1, 3, PROC, 0), COPY(1, 17, 3, 0, 1), JOIN(0, 0),
	    JOIN(1, 1) },
	  { { PIN(0, 1, 2) }, { PIN(1, 18, 2) } } },
	{ "unpin_unpin_overlapping",
	  { MAP(0, 1, 4, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 3),
	    PIN(1, 2, 3) },
	  { { UNPIN(0, 1, 3) }, { UNPIN(1, 2, 3) } } },
	{ "pin_attach",
	  { MAP(0, 1, 3, PROC, 0), JOIN(0, 0) },
	  { { PIN(0, 2, 2) }, { ATTACH(0, 0) } } },
	{ "unpin_detach_domain",
	  { MAP(0, 1, 3, PROC, 0), JOIN(0, 0), ATTACH(0, 0), PIN(0, 2, 2) },
	  { { UNPIN(0, 2, 2) }, { DETACH(0, 0) } } },

	/* ---- clients ---- */
	{ "pin_leave",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0) },
	  { { PIN(0, 1, 2) }, { LEAVE(0) } } },
	{ "unpin_leave",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { UNPIN(0, 1, 2) }, { LEAVE(0) } } },
	{ "unmap_leave",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { LEAVE(0) } } },
	{ "unmap_destroy",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { DESTROY(0) } } },
	{ "unmap_destroy_bystander",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { DESTROY(1) } } },
	{ "unmap_join",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { JOIN(0, 1) } } },
	{ "unmap_replace",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { UNMAP(0, 1, 2) }, { REPLACE(1, 0) } } },
	{ "unmap_of_new_space_replace",
	  { MAP(1, 17, 2, PROC, 0), JOIN(0, 0), JOIN(1, 1), PIN(1, 17, 2) },
	  { { UNMAP(1, 17, 2) }, { REPLACE(1, 0) } } },
	{ "pin_replace",
	  { MAP(0, 1, 2, PROC, 0), MAP(1, 17, 2, PROC, 2), JOIN(0, 0) },
	  { { PIN(0, 1, 2), PIN(0, 17, 1) }, { REPLACE(1, 0) } } },
	{ "leave_replace",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { LEAVE(0) }, { REPLACE(1, 0) } } },
	{ "leave_leave",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { LEAVE(0) }, { LEAVE(0) } } },
	{ "destroy_destroy_of_neighbours",
	  { JOIN(0, 0), JOIN(0, 1) },
	  { { DESTROY(0) }, { DESTROY(1) } } },

	/* ---- copies ---- */
	{ "copy_unmap_source",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { COPY(1, 17, 2, 0, 1) }, { UNMAP(0, 1, 2) } } },
	{ "copy_unmap_source_of_two_areas",
	  { MAP(0, 1, 1, PROC, 0), MAP(0, 2, 1, PROC, 3), ATTACH(0, 0) },
	  { { COPY(1, 17, 2, 0, 1) }, { UNMAP_PARTS(0, 1, 2, 2) } } },
	{ "copy_detach_source_domain",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { COPY(1, 17, 2, 0, 1) }, { DETACH(0, 0) } } },
	{ "copy_attach_source_domain",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(1, 1) },
	  { { COPY(1, 17, 2, 0, 1) }, { ATTACH(0, 0) } } },
	{ "copy_unpin_source",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), PIN(0, 1, 2), ATTACH(1, 1) },
	  { { COPY(1, 17, 2, 0, 1) }, { UNPIN(0, 1, 2) } } },
	{ "copy_copy_back",
	  { MAP(0, 1, 2, PROC, 0), MAP(1, 17, 2, PROC, 2), ATTACH(0, 0) },
	  { { COPY(1, 20, 2, 0, 1) }, { COPY(0, 4, 2, 1, 17) } } },
	{ "unmap_of_both_sharers",
	  { MAP(0, 1, 2, PROC, 0), COPY(1, 17, 2, 0, 1), ATTACH(0, 0),
	    ATTACH(1, 1) },
	  { { UNMAP(0, 1, 2) }, { UNMAP(1, 17, 2) } } },

	/* ---- domains ---- */
	{ "attach_attach",
	  { MAP(0, 1, 2, PROC, 0) },
	  { { ATTACH(0, 0) }, { ATTACH(0, 1) } } },
	{ "attach_attach_same_domain",
	  { MAP(0, 1, 2, PROC, 0) },
	  { { ATTACH(0, 0) }, { ATTACH(0, 0) } } },
	{ "attach_detach",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0) },
	  { { ATTACH(0, 1) }, { DETACH(0, 0) } } },
	{ "attach_attach_of_sharers",
	  { MAP(0, 1, 2, PROC, 0), COPY(1, 17, 2, 0, 1) },
	  { { ATTACH(0, 0) }, { ATTACH(1, 1) } } },
	{ "detach_detach_of_sharers",
	  { MAP(0, 1, 2, PROC, 0), COPY(1, 17, 2, 0, 1), ATTACH(0, 0),
	    ATTACH(1, 1) },
	  { { DETACH(0, 0) }, { DETACH(1, 1) } } },
	{ "dirty_unmap",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), TRACK(0, 0, 1, 1) },
	  { { DIRTY(0, 0, 1, 2) }, { UNMAP(0, 1, 2) } } },
	{ "dirty_dirty",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), TRACK(0, 0, 1, 2) },
	  { { DIRTY(0, 0, 1, 2) }, { DIRTY(0, 0, 1, 2) } } },
	{ "dirty_detach",
	  { MAP(0, 1, 2, PROC, 0), ATTACH(0, 0), TRACK(0, 0, 1, 2) },
	  { { DIRTY(0, 0, 1, 2) }, { DETACH(0, 0) } } },
	{ "dirty_map",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0), TRACK(0, 0, 1, 1) },
	  { { DIRTY(0, 0, 1, 2) }, { MAP(0, 2, 1, PROC, 4) } } },

	/* ---- device memory ---- */
	{ "map_revoke",
	  { ATTACH(0, 0) },
	  { { MAP(0, 1, 2, DEVMEM, 0) }, { REVOKE(DEVMEM) } } },
	{ "attach_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0) },
	  { { ATTACH(0, 0) }, { REVOKE(DEVMEM) } } },
	{ "unmap_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0), ATTACH(0, 0), ATTACH(0, 1) },
	  { { UNMAP(0, 1, 2) }, { REVOKE(DEVMEM) } } },
	{ "detach_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0), ATTACH(0, 0), ATTACH(0, 1) },
	  { { DETACH(0, 0) }, { REVOKE(DEVMEM) } } },
	{ "copy_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { COPY(1, 17, 2, 0, 1) }, { REVOKE(DEVMEM) } } },
	{ "dirty_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0), ATTACH(0, 0), TRACK(0, 0, 1, 1) },
	  { { DIRTY(0, 0, 1, 2) }, { REVOKE(DEVMEM) } } },
	{ "revoke_revoke",
	  { MAP(0, 1, 2, DEVMEM, 0), ATTACH(0, 0) },
	  { { REVOKE(DEVMEM) }, { REVOKE(DEVMEM) } } },

	/* ---- change of process ---- */
	{ "change_map",
	  { MAP(0, 1, 2, MEMFILE, 0), ATTACH(0, 0) },
	  { { CHANGE() }, { MAP(0, 4, 2, MEMFILE, 4) } } },
	{ "change_unmap",
	  { MAP(0, 1, 2, MEMFILE, 0), ATTACH(0, 0) },
	  { { CHANGE() }, { UNMAP(0, 1, 2) } } },
	{ "change_copy",
	  { MAP(0, 1, 2, MEMFILE, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { CHANGE() }, { COPY(1, 17, 2, 0, 1) } } },
	{ "change_copy_unmap_source",
	  { MAP(0, 1, 2, MEMFILE, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { CHANGE() }, { COPY(1, 17, 2, 0, 1), UNMAP(0, 1, 2) } } },
	{ "change_pin",
	  { MAP(0, 1, 2, MEMFILE, 0), JOIN(0, 0) },
	  { { CHANGE() }, { PIN(0, 1, 2) } } },
	{ "change_unpin",
	  { MAP(0, 1, 2, MEMFILE, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { CHANGE() }, { UNPIN(0, 1, 2) } } },
	{ "change_attach",
	  { MAP(0, 1, 2, MEMFILE, 0) },
	  { { CHANGE() }, { ATTACH(0, 0) } } },
	{ "change_leave",
	  { MAP(0, 1, 2, MEMFILE, 0), JOIN(0, 0), PIN(0, 1, 2) },
	  { { CHANGE() }, { LEAVE(0) } } },
	{ "change_read",
	  { MAP(0, 1, 2, MEMFILE, 0), JOIN(0, 0) },
	  { { CHANGE() }, { READ(0, 2) } } },
};

static const struct race triples[] = {
	{ "map_attach_unmap",
	  { MAP(0, 1, 1, PROC, 0) },
	  { { MAP(0, 2, 1, PROC, 2) },
	    { ATTACH(0, 0) },
	    { UNMAP(0, 1, 1) } } },
	{ "map_detach_unmap",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0) },
	  { { MAP(0, 2, 1, PROC, 2) },
	    { DETACH(0, 0) },
	    { UNMAP(0, 1, 1) } } },
	{ "unmap_unmap_map",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0) },
	  { { UNMAP(0, 1, 1) },
	    { UNMAP(0, 1, 1) },
	    { MAP(0, 1, 1, PROC, 4) } } },
	{ "unmap_unpin_leave",
	  { MAP(0, 1, 1, PROC, 0), JOIN(0, 0), PIN(0, 1, 1) },
	  { { UNMAP(0, 1, 1) }, { UNPIN(0, 1, 1) }, { LEAVE(0) } } },
	{ "unmap_unmap_destroy",
	  { MAP(0, 1, 1, PROC, 0), MAP(0, 2, 1, PROC, 1), JOIN(0, 0),
	    PIN(0, 1, 1), PIN(0, 2, 1) },
	  { { UNMAP(0, 1, 1) }, { UNMAP(0, 2, 1) }, { DESTROY(0) } } },
	{ "unmap_replace_unmap",
	  { MAP(0, 1, 1, PROC, 0), MAP(1, 17, 1, PROC, 1), JOIN(0, 0),
	    PIN(0, 1, 1) },
	  { { UNMAP(0, 1, 1) }, { REPLACE(1, 0) }, { UNMAP(1, 17, 1) } } },
	{ "copy_unmap_detach",
	  { MAP(0, 1, 1, PROC, 0), ATTACH(0, 0), ATTACH(1, 1) },
	  { { COPY(1, 17, 1, 0, 1) }, { UNMAP(0, 1, 1) }, { DETACH(0, 0) } } },
	{ "pin_pin_unmap",
	  { MAP(0, 1, 2, PROC, 0), JOIN(0, 0), JOIN(0, 1) },
	  { { PIN(0, 1, 2) }, { PIN(1, 2, 1) }, { UNMAP(0, 1, 2) } } },
	{ "attach_attach_map",
	  { ATTACH(0, 2) },
	  { { ATTACH(0, 0) }, { ATTACH(0, 1) }, { MAP(0, 1, 1, PROC, 0) } } },
	{ "map_unmap_revoke",
	  { MAP(0, 1, 1, DEVMEM, 0), ATTACH(0, 0) },
	  { { MAP(0, 4, 1, DEVMEM, 2) },
	    { UNMAP(0, 1, 1) },
	    { REVOKE(DEVMEM) } } },
	{ "change_copy_unmap",
	  { MAP(0, 1, 1, MEMFILE, 0), ATTACH(0, 0) },
	  { { CHANGE() }, { COPY(1, 17, 1, 0, 1) }, { UNMAP(0, 1, 1) } } },
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

static void pair(void **state)
{
	const struct race *r = *state;

	assert_true(race_run(r, 3 - FEWER, &nr_schedules));
}

static void triple(void **state)
{
	const struct race *r = *state;

	assert_true(race_run(r, 2 - FEWER, &nr_schedules));
}

int main(int argc, char **argv)
{
	struct CMUnitTest tests[2 * IOAS_ARRAY_SIZE(races) +
				IOAS_ARRAY_SIZE(triples)];
	size_t n = 0;
	int failed;

	sched_args(argc, argv);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(races); i++)
		tests[n++] = (struct CMUnitTest){
			.name = races[i].name,
			.test_func = pair,
			.initial_state = (void *)(uintptr_t)&races[i],
		};
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(triples); i++)
		tests[n++] = (struct CMUnitTest){
			.name = triples[i].name,
			.test_func = triple,
			.initial_state = (void *)(uintptr_t)&triples[i],
		};
	failed = _cmocka_run_group_tests("t_races", tests, n, NULL, NULL);
	fprintf(stderr, "# %llu schedules\n",
		(unsigned long long)nr_schedules);
	return failed;
}
