/* SPDX-License-Identifier: MIT */
/*
 * lockdep: every misuse is reported, nothing else is
 *
 * The file is compiled in, with a platform that records failed checks instead
 * of dying of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "../../src/plat/common/lockdep.c"

static struct ioas_thread self;
static unsigned nr_failed;
static const char *failed;

struct ioas_thread *ioas_plat_thread(void)
{
	return &self;
}

void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	(void)file;
	(void)line;
	(void)func;
	nr_failed++;
	failed = cond;
}

/* Locks are compared, never looked at. */
static char locks[32];

static int begin(void **state)
{
	(void)state;
	memset(&self, 0, sizeof(self));
	ioas_lockdep_forget();
	nr_failed = 0;
	failed = "";
	return 0;
}

static void take(unsigned n, unsigned rank)
{
	ioas_plat_lock_acquire(&locks[n], rank, false, false);
}

static void take_nested(unsigned n, unsigned rank)
{
	ioas_plat_lock_acquire(&locks[n], rank, false, true);
}

static void drop(unsigned n)
{
	ioas_plat_lock_release(&locks[n]);
}

static void every_pair_of_ranks_is_judged(void **state)
{
	for (unsigned a = 1; a < IOAS_NR_RANKS; a++) {
		for (unsigned b = 1; b < IOAS_NR_RANKS; b++) {
			begin(state);
			take(0, a);
			take(1, b);
			assert_int_equal(nr_failed, b > a ? 0 : 1);
			begin(state);
			take(0, a);
			take_nested(1, b);
			assert_int_equal(nr_failed, b >= a ? 0 : 1);
		}
	}
}

static void rank_is_compared_with_all_that_are_held(void **state)
{
	(void)state;
	take(0, IOAS_RANK_IOVA);
	take(1, IOAS_RANK_PAGES);
	take(2, IOAS_RANK_LEAF);
	drop(1);
	assert_int_equal(nr_failed, 0);
	take(3, IOAS_RANK_ACCOUNT);
	assert_int_equal(nr_failed, 1);
	assert_string_equal(failed, "out_of_order && !taken_twice");
	drop(2);
	drop(3);
	take(4, IOAS_RANK_PAGES);
	assert_int_equal(nr_failed, 1);
}

static void lock_is_not_taken_twice(void **state)
{
	(void)state;
	ioas_plat_lock_acquire(&locks[0], IOAS_RANK_IOVA, true, false);
	ioas_plat_lock_acquire(&locks[0], IOAS_RANK_IOVA, true, false);
	assert_int_equal(nr_failed, 1);
	assert_string_equal(failed, "taken_twice");
	begin(state);
	take(0, IOAS_RANK_IOVA);
	take_nested(0, IOAS_RANK_IOVA);
	assert_string_equal(failed, "taken_twice");
}

static void release_of_what_is_not_held_fails(void **state)
{
	(void)state;
	drop(0);
	assert_int_equal(nr_failed, 1);
	take(0, IOAS_RANK_IOVA);
	drop(1);
	assert_int_equal(nr_failed, 2);
	drop(0);
	assert_int_equal(nr_failed, 2);
	drop(0);
	assert_int_equal(nr_failed, 3);
}

static void rank_out_of_bounds_fails(void **state)
{
	(void)state;
	take(0, 0);
	assert_true(nr_failed > 0);
	begin(state);
	take(0, IOAS_NR_RANKS);
	assert_int_equal(nr_failed, 1);
}

static void held_tells_shared_from_exclusive(void **state)
{
	(void)state;
	ioas_plat_lock_acquire(&locks[0], IOAS_RANK_IOVA, true, false);
	take(1, IOAS_RANK_PAGES);
	assert_true(ioas_plat_lock_held(&locks[0], false));
	assert_false(ioas_plat_lock_held(&locks[0], true));
	assert_true(ioas_plat_lock_held(&locks[1], false));
	assert_true(ioas_plat_lock_held(&locks[1], true));
	assert_false(ioas_plat_lock_held(&locks[2], false));
	drop(0);
	assert_false(ioas_plat_lock_held(&locks[0], false));
	assert_true(ioas_plat_lock_held(&locks[1], true));
}

static void any_order_of_release_empties_the_stack(void **state)
{
	static const unsigned orders[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};

	for (unsigned i = 0; i < 6; i++) {
		begin(state);
		for (unsigned n = 0; n < 3; n++)
			take(n, n + 1);
		for (unsigned n = 0; n < 3; n++) {
			drop(orders[i][n]);
			for (unsigned k = 0; k < 3; k++)
				assert_int_equal(
					ioas_plat_lock_held(
						&locks[orders[i][k]], true),
					k > n);
		}
		assert_int_equal(self.nr_held, 0);
		assert_int_equal(nr_failed, 0);
	}
}

static void more_nested_locks_than_fit_are_tolerated(void **state)
{
	(void)state;
	take(0, IOAS_RANK_CONTEXT);
	for (unsigned n = 1; n < 32; n++)
		take_nested(n, IOAS_RANK_IOVA);
	/* Their own ranks are not known any more, but others' are. */
	assert_true(ioas_plat_lock_held(&locks[0], true));
	assert_true(ioas_plat_lock_held(&locks[31], true));
	for (unsigned n = 1; n < 32; n++)
		drop(n);
	assert_false(ioas_plat_lock_held(&locks[31], true));
	drop(0);
	assert_int_equal(nr_failed, 0);
	drop(1);
	assert_int_equal(nr_failed, 1);
}

static void seventeenth_lock_is_tolerated(void **state)
{
	(void)state;
	/* Ranks do not reach that far; their order is not the subject. */
	for (unsigned n = 0; n < 17; n++)
		take(n, IOAS_RANK_PAGES);
	assert_int_equal(nr_failed, 16);
	for (unsigned n = 17; n-- > 0;)
		drop(n);
	assert_int_equal(nr_failed, 16);
	assert_int_equal(self.nr_held, 0);
	assert_int_equal(self.nr_unrecorded, 0);
}

/* Warshall: does a path lead from some rank back to itself? */
static bool graph_has_cycle(void)
{
	uint32_t reach[IOAS_NR_RANKS];

	for (unsigned i = 0; i < IOAS_NR_RANKS; i++)
		reach[i] = ioas_lockdep_after(i);
	for (unsigned k = 0; k < IOAS_NR_RANKS; k++)
		for (unsigned i = 0; i < IOAS_NR_RANKS; i++)
			if (reach[i] >> k & 1)
				reach[i] |= reach[k];
	for (unsigned i = 0; i < IOAS_NR_RANKS; i++)
		if (reach[i] >> i & 1)
			return true;
	return false;
}

static void graph_records_every_pair_that_was_held_together(void **state)
{
	(void)state;
	take(0, IOAS_RANK_DOMAINS);
	take(1, IOAS_RANK_IOVA);
	take(2, IOAS_RANK_PAGES);
	drop(1);
	take_nested(3, IOAS_RANK_PAGES);
	take(4, IOAS_RANK_LEAF);
	assert_int_equal(ioas_lockdep_after(IOAS_RANK_DOMAINS),
			 1u << IOAS_RANK_IOVA | 1u << IOAS_RANK_PAGES |
				 1u << IOAS_RANK_LEAF);
	assert_int_equal(ioas_lockdep_after(IOAS_RANK_IOVA),
			 1u << IOAS_RANK_PAGES);
	/* A nested lock of the same rank is no edge. */
	assert_int_equal(ioas_lockdep_after(IOAS_RANK_PAGES),
			 1u << IOAS_RANK_LEAF);
	assert_int_equal(ioas_lockdep_after(IOAS_RANK_LEAF), 0);
	assert_int_equal(ioas_lockdep_after(IOAS_NR_RANKS), 0);
	assert_false(graph_has_cycle());
	ioas_lockdep_forget();
	assert_int_equal(ioas_lockdep_after(IOAS_RANK_DOMAINS), 0);
}

static void graph_shows_a_cycle(void **state)
{
	(void)state;
	take(0, IOAS_RANK_IOVA);
	take(1, IOAS_RANK_PAGES);
	drop(1);
	drop(0);
	assert_false(graph_has_cycle());
	take(1, IOAS_RANK_PAGES);
	take(0, IOAS_RANK_IOVA);
	assert_true(graph_has_cycle());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_pair_of_ranks_is_judged, begin),
		cmocka_unit_test_setup(rank_is_compared_with_all_that_are_held,
				       begin),
		cmocka_unit_test_setup(lock_is_not_taken_twice, begin),
		cmocka_unit_test_setup(release_of_what_is_not_held_fails,
				       begin),
		cmocka_unit_test_setup(rank_out_of_bounds_fails, begin),
		cmocka_unit_test_setup(held_tells_shared_from_exclusive, begin),
		cmocka_unit_test_setup(any_order_of_release_empties_the_stack,
				       begin),
		cmocka_unit_test_setup(more_nested_locks_than_fit_are_tolerated,
				       begin),
		cmocka_unit_test_setup(seventeenth_lock_is_tolerated, begin),
		cmocka_unit_test_setup(
			graph_records_every_pair_that_was_held_together, begin),
		cmocka_unit_test_setup(graph_shows_a_cycle, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
