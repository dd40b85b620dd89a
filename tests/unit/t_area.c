/* SPDX-License-Identifier: MIT */
/*
 * area: index and IOVA arithmetic, exhaustively for pages of 8 bytes
 *
 * The twin counts bytes: byte n of an area is byte index * P + offset + n of
 * its pages object. Areas lie at 0, in the middle and at the last IOVA.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "core/area.h"

#define PAGE 8u
#define MAX_LENGTH 40u

static struct ioas_pages pages = { .page_lg2 = 3, .nr_pages = UINT64_MAX / 8 };

static void check_bytes(const struct ioas_area *a, uint64_t length)
{
	const uint64_t first = a->index * PAGE + a->page_offset;

	for (uint64_t n = 0; n < length; n++) {
		const ioas_iova_t v = a->iova + n;

		assert_int_equal(ioas_area_byte(a, v), first + n);
		assert_int_equal(ioas_area_index(a, v), (first + n) / PAGE);
	}
	assert_int_equal(ioas_area_last_index(a), (first + length - 1) / PAGE);
}

/* Pages partition the area, each within its 8 bytes. */
static void check_pages(const struct ioas_area *a, uint64_t length)
{
	const uint64_t last = ioas_area_last_index(a);
	uint64_t sum = 0;

	for (uint64_t i = a->index; i <= last; i++) {
		const ioas_iova_t lo = ioas_area_iova_first(a, i);
		const ioas_iova_t hi = ioas_area_iova_last(a, i);

		assert_true(lo <= hi);
		assert_int_equal(lo, a->iova + sum);
		assert_int_equal(ioas_area_index(a, lo), i);
		assert_int_equal(ioas_area_index(a, hi), i);
		assert_int_equal(ioas_area_byte(a, lo) % PAGE,
				 ioas_area_head(a, i));
		if (i != a->index)
			assert_int_equal(ioas_area_head(a, i), 0);
		if (i != last)
			assert_int_equal(ioas_area_byte(a, hi) % PAGE,
					 PAGE - 1);
		sum += hi - lo + 1;
	}
	assert_int_equal(sum, length);
	assert_int_equal(ioas_area_iova_last(a, last), a->last);
}

static void check_place(ioas_iova_t iova, uint32_t offset, uint64_t length)
{
	static const uint64_t indexes[] = { 0, 1, 5, UINT64_MAX / 8 - 16 };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(indexes); i++) {
		struct ioas_area a = {
			.iova = iova,
			.last = iova + (length - 1),
			.pages = &pages,
			.index = indexes[i],
			.page_offset = offset,
		};

		check_bytes(&a, length);
		check_pages(&a, length);
	}
}

static void index_and_iova_are_inverse(void **state)
{
	(void)state;
	for (uint32_t offset = 0; offset < PAGE; offset++)
		for (uint64_t length = 1; length <= MAX_LENGTH; length++)
			for (uint64_t n = 0; n <= 2 * PAGE; n++) {
				check_place(n, offset, length);
				check_place((UINT64_C(1) << 63) - n, offset,
					    length);
				check_place(UINT64_MAX - (length - 1) - n,
					    offset, length);
			}
}

/* The area of all IOVAs has a length that 64 bits cannot hold. */
static void the_whole_space_is_an_area(void **state)
{
	struct ioas_area a = { .last = UINT64_MAX, .pages = &pages };

	(void)state;
	assert_int_equal(ioas_area_last_index(&a), UINT64_MAX / 8);
	assert_int_equal(ioas_area_iova_last(&a, UINT64_MAX / 8), UINT64_MAX);
	assert_int_equal(ioas_area_iova_first(&a, UINT64_MAX / 8),
			 UINT64_MAX - 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_and_iova_are_inverse),
		cmocka_unit_test(the_whole_space_is_an_area),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
