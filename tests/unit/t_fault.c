/* SPDX-License-Identifier: MIT */
/*
 * fault: which point of which caller fails (src/plat/common/fault.c)
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "plat/common/fault_arm.h"
#include "seam/caller.h"

static struct ioas_fault fault;
static struct ioas_caller caller;

static void arm(struct ioas_fault settings)
{
	fault = settings;
	ioas_fault_arm(&fault);
	caller.fault = &fault;
	assert_null(ioas_caller_enter(&caller));
}

static void disarm(void)
{
	assert_ptr_equal(ioas_caller_current(), &caller);
	ioas_caller_leave(NULL);
	ioas_fault_disarm();
	assert_int_equal(atomic_load(&ioas_plat_faults_armed), 0);
}

static void nth_point_alone_fails(void **state)
{
	(void)state;
	for (uint64_t nth = 0; nth <= 5; nth++) {
		arm((struct ioas_fault){ .nth = nth });
		for (uint64_t i = 1; i <= 4; i++)
			assert_int_equal(ioas_fault_point(IOAS_FP_PIN),
					 i == nth);
		disarm();
		assert_int_equal(fault.nth, nth == 5 ? 1 : 0);
		assert_int_equal(fault.reached[IOAS_FP_PIN], 4);
	}
}

static void failed_point_is_named_and_all_are_counted(void **state)
{
	(void)state;
	arm((struct ioas_fault){ .nth = 3 });
	assert_int_equal(fault.failed, IOAS_NR_FAULT_POINTS);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_false(ioas_fault_point(IOAS_FP_COPY));
	assert_int_equal(fault.failed, IOAS_NR_FAULT_POINTS);
	assert_true(ioas_fault_point(IOAS_FP_REGIONS));
	assert_int_equal(fault.failed, IOAS_FP_REGIONS);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_int_equal(fault.failed, IOAS_FP_REGIONS);
	disarm();
	for (unsigned p = 0; p < IOAS_NR_FAULT_POINTS; p++)
		assert_int_equal(fault.reached[p],
				 p == IOAS_FP_PIN ? 2 :
				 p == IOAS_FP_COPY || p == IOAS_FP_REGIONS);
	/* Arming again forgets. */
	ioas_fault_arm(&fault);
	assert_int_equal(fault.failed, IOAS_NR_FAULT_POINTS);
	assert_int_equal(fault.reached[IOAS_FP_PIN], 0);
	ioas_fault_disarm();
}

static void ignored_points_are_none(void **state)
{
	(void)state;
	arm((struct ioas_fault){ .nth = 2, .sticky = false,
				 .ignored = UINT64_C(1) << IOAS_FP_PIN });
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_false(ioas_fault_point(IOAS_FP_COPY));
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_int_equal(fault.nth, 1);
	assert_true(ioas_fault_point(IOAS_FP_COPY));
	disarm();
	assert_int_equal(fault.reached[IOAS_FP_PIN], 0);
	/* Not even the one that fails them all. */
	arm((struct ioas_fault){ .sticky = true,
				 .ignored = UINT64_C(1) << IOAS_FP_PIN });
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_true(ioas_fault_point(IOAS_FP_COPY));
	disarm();
}

static bool only_copies(struct ioas_fault *f, unsigned int point)
{
	assert_ptr_equal(f, &fault);
	return point == IOAS_FP_COPY;
}

static void decide_is_asked_while_nth_is_zero(void **state)
{
	(void)state;
	arm((struct ioas_fault){ .nth = 2, .decide = only_copies,
				 .chance = UINT32_MAX });
	assert_false(ioas_fault_point(IOAS_FP_COPY));
	assert_true(ioas_fault_point(IOAS_FP_PIN));
	/* In place of chance, which would fail nearly all. */
	for (unsigned i = 0; i < 8; i++)
		assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_true(ioas_fault_point(IOAS_FP_COPY));
	assert_true(ioas_fault_point(IOAS_FP_COPY));
	disarm();
}

static void sticky_fails_everything(void **state)
{
	(void)state;
	arm((struct ioas_fault){ .sticky = true, .nth = 2 });
	for (unsigned i = 0; i < 4; i++)
		assert_true(ioas_fault_point(IOAS_FP_TABLE));
	assert_int_equal(fault.nth, 0);
	fault.sticky = false;
	assert_false(ioas_fault_point(IOAS_FP_TABLE));
	disarm();
}

static void chance_fails_its_share_and_repeats_with_its_seed(void **state)
{
	bool first[4096];
	unsigned nr_failed = 0;

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		arm((struct ioas_fault){ .chance = UINT32_C(1) << 30,
					 .seed = 1 });
		for (unsigned i = 0; i < 4096; i++) {
			bool failed = ioas_fault_point(IOAS_FP_PIN);

			if (run)
				assert_int_equal(failed, first[i]);
			first[i] = failed;
			nr_failed += failed;
		}
		disarm();
	}
	/* A quarter of 8,192: 2,048, with a deviation of 39. */
	assert_in_range(nr_failed, 2048 - 200, 2048 + 200);
}

static void seeds_differ(void **state)
{
	unsigned nr_same = 0;
	bool first[64];

	(void)state;
	for (uint64_t seed = 0; seed < 2; seed++) {
		arm((struct ioas_fault){ .chance = UINT32_C(1) << 31,
					 .seed = seed });
		for (unsigned i = 0; i < 64; i++) {
			bool failed = ioas_fault_point(IOAS_FP_PIN);

			nr_same += seed && first[i] == failed;
			first[i] = failed;
		}
		disarm();
	}
	assert_in_range(nr_same, 16, 48);
}

static void nth_silences_chance(void **state)
{
	(void)state;
	arm((struct ioas_fault){ .nth = 3, .chance = UINT32_MAX });
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_true(ioas_fault_point(IOAS_FP_PIN));
	/* Used up: 1 in 2^32 that this one does not fail. */
	assert_true(ioas_fault_point(IOAS_FP_PIN));
	disarm();
}

static void only_the_caller_with_faults_fails(void **state)
{
	struct ioas_caller other = { .fault = NULL };
	struct ioas_caller *old;

	(void)state;
	arm((struct ioas_fault){ .sticky = true });
	assert_true(ioas_fault_point(IOAS_FP_PIN));
	old = ioas_caller_enter(&other);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	ioas_caller_enter(NULL);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	ioas_caller_leave(old);
	assert_true(ioas_fault_point(IOAS_FP_PIN));
	disarm();
	assert_int_equal(fault.reached[IOAS_FP_PIN], 2);
}

static void nothing_happens_unless_armed(void **state)
{
	(void)state;
	fault = (struct ioas_fault){ .sticky = true };
	caller.fault = &fault;
	ioas_caller_enter(&caller);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	ioas_caller_leave(NULL);
	assert_int_equal(fault.reached[IOAS_FP_PIN], 0);
}

static void allocations_fail_at_their_point(void **state)
{
	void *p;

	(void)state;
	arm((struct ioas_fault){ .nth = 2 });
	p = ioas_alloc(16, IOAS_FP_ALLOC_AREA);
	assert_non_null(p);
	assert_null(ioas_zalloc(16, IOAS_FP_ALLOC_NODE));
	assert_int_equal(fault.failed, IOAS_FP_ALLOC_NODE);
	ioas_free(p, 16);
	p = ioas_zalloc(16, IOAS_FP_ALLOC_NODE);
	assert_non_null(p);
	ioas_free(p, 16);
	disarm();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nth_point_alone_fails),
		cmocka_unit_test(failed_point_is_named_and_all_are_counted),
		cmocka_unit_test(ignored_points_are_none),
		cmocka_unit_test(decide_is_asked_while_nth_is_zero),
		cmocka_unit_test(sticky_fails_everything),
		cmocka_unit_test(
			chance_fails_its_share_and_repeats_with_its_seed),
		cmocka_unit_test(seeds_differ),
		cmocka_unit_test(nth_silences_chance),
		cmocka_unit_test(only_the_caller_with_faults_fails),
		cmocka_unit_test(nothing_happens_unless_armed),
		cmocka_unit_test(allocations_fail_at_their_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
