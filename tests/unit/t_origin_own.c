/* SPDX-License-Identifier: MIT */
/*
 * The memory of this process as an origin: one run whatever the length,
 * addresses for frames, and copies that are plain copies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "origin/frames.h"
#include "origin/own.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

static struct ioas_origin *own(uint8_t page_lg2)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_own_create(page_lg2, &o), 0);
	assert_int_equal(o->page_lg2, page_lg2);
	assert_int_equal(o->flags, 0);
	return o;
}

static void page_sizes_are_checked(void **state)
{
	struct ioas_origin *o = NULL;

	(void)state;
	assert_int_equal(ioas_origin_own_create(2, &o), -EINVAL);
	assert_int_equal(ioas_origin_own_create(31, &o), -EINVAL);
	assert_null(o);
}

static void a_pin_is_one_run_however_long(void **state)
{
	struct ioas_origin *o = own(12);
	uint64_t limit = (uint64_t)1 << (IOAS_FRAMES_IDENTITY_LG2 - 12);
	struct ioas_run run = { 0, 0 };
	struct ioas_pin_request rq = {
		.runs = &run, .max_runs = 1, .write = true
	};

	(void)state;
	for (uint64_t nr = 1; nr < limit; nr *= 7) {
		rq.first = limit - nr;
		rq.nr = nr;
		assert_int_equal(o->ops->pin(o, &rq), 0);
		assert_int_equal(rq.nr_runs, 1);
		assert_int_equal(rq.nr_pinned, nr);
		assert_int_equal(run.pfn, rq.first);
		assert_int_equal(run.nr, nr);
		o->ops->unpin(o, run.pfn, nr, true);
	}
	ioas_origin_put(o);
}

static void beyond_all_addresses_is_a_short_count_then_efault(void **state)
{
	struct ioas_origin *o = own(12);
	uint64_t limit = (uint64_t)1 << (IOAS_FRAMES_IDENTITY_LG2 - 12);
	struct ioas_run run;
	struct ioas_pin_request rq = {
		.first = limit - 2, .nr = 5, .runs = &run, .max_runs = 1
	};

	(void)state;
	assert_int_equal(o->ops->pin(o, &rq), 0);
	assert_int_equal(rq.nr_pinned, 2);
	rq.first = limit;
	assert_int_equal(o->ops->pin(o, &rq), -EFAULT);
	rq.first = UINT64_MAX;
	assert_int_equal(o->ops->pin(o, &rq), -EFAULT);
	ioas_origin_put(o);
}

static void frames_lead_back_to_the_bytes(void **state)
{
	static char memory[64];
	struct ioas_origin *o = own(3);
	uint64_t page = (uintptr_t)memory >> 3;
	struct ioas_frames fs;

	(void)state;
	assert_int_equal(ioas_frames_init(&fs, 3), 0);
	for (uint64_t i = 0; i < 4; i++) {
		char *p = o->ops->pointer(o, page + i);

		assert_ptr_equal(p, (void *)((uintptr_t)(page + i) << 3));
		assert_ptr_equal(p, ioas_frames_pointer(&fs, page + i));
	}
	ioas_frames_fini(&fs);
	ioas_origin_put(o);
}

static void copies_go_both_ways_at_any_offset(void **state)
{
	char memory[40], buffer[40];
	struct ioas_origin *o = own(3);

	(void)state;
	for (size_t at = 0; at < 20; at++) {
		for (size_t length = 0; length <= 20; length++) {
			memset(memory, 'm', sizeof(memory));
			memset(buffer, 'b', sizeof(buffer));
			assert_int_equal(o->ops->copy(o,
						      (uintptr_t)memory + at,
						      buffer, length,
						      IOAS_COPY_WRITE),
					 0);
			for (size_t i = 0; i < sizeof(memory); i++)
				assert_int_equal(
					memory[i],
					i >= at && i < at + length ? 'b' :
								     'm');
			memset(buffer, 'c', sizeof(buffer));
			assert_int_equal(
				o->ops->copy(o, (uintptr_t)memory, buffer,
					     at + length, 0),
				0);
			assert_memory_equal(buffer, memory, at + length);
			assert_int_equal(buffer[at + length], 'c');
		}
	}
	ioas_origin_put(o);
}

static void a_copy_beyond_all_addresses_is_efault(void **state)
{
	struct ioas_origin *o = own(12);
	uint64_t end = (uint64_t)1 << IOAS_FRAMES_IDENTITY_LG2;
	char buffer[4];

	(void)state;
	assert_int_equal(o->ops->copy(o, end - 2, buffer, 4, 0), -EFAULT);
	assert_int_equal(o->ops->copy(o, end, buffer, 1, 0), -EFAULT);
	assert_int_equal(o->ops->copy(o, UINT64_MAX, buffer, 4, 0), -EFAULT);
	ioas_origin_put(o);
}

static void pin_and_copy_have_a_fault_point_each(void **state)
{
	struct ioas_fault fault = { .sticky = true };
	struct ioas_caller caller = { .fault = &fault };
	struct ioas_origin *o = own(12), *none = NULL;
	struct ioas_caller *old;
	struct ioas_run run;
	struct ioas_pin_request rq = {
		.first = 1, .nr = 1, .runs = &run, .max_runs = 1
	};
	char buffer[1] = { 'x' }, memory[1] = { 'y' };

	(void)state;
	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	assert_int_equal(o->ops->pin(o, &rq), -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_PIN);
	assert_int_equal(o->ops->copy(o, (uintptr_t)memory, buffer, 1, 0),
			 -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_COPY);
	assert_int_equal(ioas_origin_own_create(12, &none), -ENOMEM);
	assert_int_equal(fault.failed, IOAS_FP_ALLOC_SPACE);
	assert_null(none);
	o->ops->unpin(o, 1, 1, true);
	ioas_origin_put(o);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	assert_int_equal(buffer[0], 'x');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_sizes_are_checked),
		cmocka_unit_test(a_pin_is_one_run_however_long),
		cmocka_unit_test(
			beyond_all_addresses_is_a_short_count_then_efault),
		cmocka_unit_test(frames_lead_back_to_the_bytes),
		cmocka_unit_test(copies_go_both_ways_at_any_offset),
		cmocka_unit_test(a_copy_beyond_all_addresses_is_efault),
		cmocka_unit_test(pin_and_copy_have_a_fault_point_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
