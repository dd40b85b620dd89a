/* SPDX-License-Identifier: MIT */
/*
 * bitmap: the sink of dirty ranges, exhaustively over a small universe
 *
 * The twin looks at every IOVA of a reported range and sets one bit for it.
 * The caller's memory is reached through a fake that checks each access against
 * the bytes that the bitmap has.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "base/errno.h"
#include "core/dirty.h"

#define ADDRESS UINT64_C(0xfffffffffffff003)
#define GUARD 8u
#define BYTES 32u
/* Pages of the caller's memory: five, of which the first and last in part. */
#define PAGE_LG2 3
#define PAGE (1u << PAGE_LG2)
#define PAGES 5u

static struct {
	uint8_t memory[GUARD + BYTES + GUARD];
	/* Bytes that the bitmap has; accesses outside are counted. */
	uint64_t bytes;
	unsigned int outside;
	unsigned int writes;
	/* Accesses from this one on fail; 0: none. */
	unsigned int fail_at;
	unsigned int accesses;
	/* Pages from that of ADDRESS on that fail to be read, to be written. */
	bool unreadable[PAGES];
	bool unwritable[PAGES];
	unsigned int crossings;
} user;

/* Of byte @at of the bitmap. */
static uint64_t page_of(uint64_t at)
{
	return (ADDRESS % PAGE + at) / PAGE;
}

static int user_access(void *buffer, uint64_t address, size_t n, bool write)
{
	const uint64_t at = address - ADDRESS;

	if (user.fail_at && ++user.accesses >= user.fail_at)
		return -EFAULT;
	if (at >= user.bytes || n > user.bytes - at) {
		user.outside++;
		return -EFAULT;
	}
	user.crossings += page_of(at) != page_of(at + n - 1);
	for (uint64_t p = page_of(at); p <= page_of(at + n - 1); p++)
		if (write ? user.unwritable[p] : user.unreadable[p])
			return -EFAULT;
	user.writes += write;
	if (write)
		memcpy(user.memory + GUARD + at, buffer, n);
	else
		memcpy(buffer, user.memory + GUARD + at, n);
	return 0;
}

static int copy_from(struct ioas_caller *caller, void *dst, uint64_t src,
		     size_t length)
{
	(void)caller;
	return user_access(dst, src, length, false);
}

static int copy_to(struct ioas_caller *caller, uint64_t dst, const void *src,
		   size_t length)
{
	(void)caller;
	return user_access((void *)(uintptr_t)src, dst, length, true);
}

static const struct ioas_uaccess_ops uaccess = { copy_from, copy_to };
static struct ioas_caller caller = { .uaccess = &uaccess };

static void user_reset(uint64_t bytes, uint8_t fill)
{
	memset(&user, 0, sizeof(user));
	memset(user.memory, fill, sizeof(user.memory));
	user.bytes = bytes;
}

static void mark_twin(uint8_t *bitmap, const struct ioas_dirty_request *rq,
		      ioas_iova_t iova, ioas_iova_t last)
{
	for (uint64_t n = 0; n < rq->length; n++) {
		const ioas_iova_t at = rq->iova + n;
		const uint64_t bit = n / rq->granularity;

		if (at >= iova && at <= last)
			bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

/* One request, up to two reported ranges; old bits stay. */
static void check_marks(const struct ioas_dirty_request *rq,
			const ioas_iova_t marks[2][2], unsigned int nr)
{
	uint8_t want[sizeof(user.memory)], room[64];
	struct ioas_bitmap b;

	user_reset((rq->length / rq->granularity + 7) / 8, 0x10);
	memcpy(want, user.memory, sizeof(want));
	ioas_bitmap_init(&b, rq, PAGE_LG2, room, sizeof(room));
	for (unsigned int i = 0; i < nr; i++) {
		b.sink.mark(&b.sink, marks[i][0], marks[i][1]);
		mark_twin(want + GUARD, rq, marks[i][0], marks[i][1]);
	}
	assert_int_equal(ioas_bitmap_finish(&b), 0);
	assert_memory_equal(user.memory, want, sizeof(want));
	assert_int_equal(user.outside, 0);
}

/* All ranges that begin and end within or just outside of the request. */
static void check_request(const struct ioas_dirty_request *rq)
{
	const ioas_iova_t end = rq->iova + rq->length;

	for (ioas_iova_t x = rq->iova - 3; x != end + 3; x++)
		for (ioas_iova_t y = x; y != end + 3; y++) {
			const ioas_iova_t marks[2][2] = { { x, y } };

			if (x <= y)
				check_marks(rq, marks, 1);
		}
}

static void every_range_sets_its_bits_and_no_other(void **state)
{
	(void)state;
	for (uint64_t g = 1; g <= 8; g *= 2)
		for (uint64_t bits = 1; bits <= 26; bits += 1 + bits / 5)
			for (uint32_t window = 0; window <= 3; window++) {
				const struct ioas_dirty_request rq = {
					.iova = 64,
					.length = bits * g,
					.granularity = g,
					.bitmap = ADDRESS,
					.window = window,
				};

				check_request(&rq);
			}
}

static void ranges_at_the_last_iova_do_not_wrap(void **state)
{
	(void)state;
	for (uint64_t length = 8; length <= 128; length += 8) {
		const struct ioas_dirty_request rq = {
			.iova = UINT64_MAX - length + 1,
			.length = length,
			.granularity = 4,
			.bitmap = ADDRESS,
			.window = 1,
		};

		for (ioas_iova_t x = rq.iova - 2; x; x++) {
			const ioas_iova_t marks[2][2] = { { x, UINT64_MAX },
							  { rq.iova, x } };

			check_marks(&rq, marks, 2);
		}
	}
}

/* The second range may lie before the first: windows go back. */
static void ranges_come_in_any_order(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = 0,
		.length = 200,
		.granularity = 1,
		.bitmap = ADDRESS,
		.window = 2,
	};

	(void)state;
	for (ioas_iova_t a = 0; a < 200; a += 3)
		for (ioas_iova_t b = 0; b < 200; b++) {
			const ioas_iova_t marks[2][2] = {
				{ a, a + 20 },
				{ b, b },
			};

			check_marks(&rq, marks, 2);
		}
}

static void granularity_above_the_length_is_one_bit(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = 0,
		.length = 64,
		.granularity = 64,
		.bitmap = ADDRESS,
	};

	(void)state;
	check_request(&rq);
}

static void nothing_dirty_writes_nothing(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = 0,
		.length = 64,
		.granularity = 1,
		.bitmap = ADDRESS,
	};
	struct ioas_bitmap b;
	uint8_t room[4];

	(void)state;
	user_reset(8, 0);
	ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
	b.sink.mark(&b.sink, 64, 70);
	assert_int_equal(ioas_bitmap_finish(&b), 0);
	assert_int_equal(user.writes, 0);
}

static void an_unreachable_bitmap_is_efault(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = 0,
		.length = 64,
		.granularity = 1,
		.bitmap = ADDRESS,
		.window = 1,
	};

	(void)state;
	/* Eight windows: read and written back, each of the 16 may fail. */
	for (unsigned int n = 1; n <= 17; n++) {
		struct ioas_bitmap b;
		uint8_t room[1];

		user_reset(8, 0);
		user.fail_at = n;
		ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
		b.sink.mark(&b.sink, 0, 63);
		assert_int_equal(ioas_bitmap_finish(&b), n < 17 ? -EFAULT : 0);
	}
}

/* ---- faults that are skipped -------------------------------------------- */

/* Each digit of @code, in base 3: a good, a missing or a read-only page. */
static void user_pages(unsigned int code)
{
	for (unsigned int p = 0; p < PAGES; p++, code /= 3) {
		user.unreadable[p] = code % 3 == 1;
		user.unwritable[p] = code % 3 != 0;
	}
}

/* Bits of good pages only. */
static void check_skipped(const struct ioas_dirty_request *rq,
			  unsigned int code, const ioas_iova_t marks[2][2])
{
	uint8_t want[sizeof(user.memory)], room[16];
	struct ioas_bitmap b;

	user_reset(BYTES, 0x10);
	user_pages(code);
	ioas_bitmap_init(&b, rq, PAGE_LG2, room, sizeof(room));
	memcpy(want, user.memory, sizeof(want));
	for (unsigned int i = 0; i < 2; i++) {
		b.sink.mark(&b.sink, marks[i][0], marks[i][1]);
		mark_twin(want + GUARD, rq, marks[i][0], marks[i][1]);
	}
	assert_int_equal(ioas_bitmap_finish(&b), 0);
	for (unsigned int at = 0; at < BYTES; at++)
		if (user.unwritable[page_of(at)])
			want[GUARD + at] = 0x10;
	assert_memory_equal(user.memory, want, sizeof(want));
	assert_int_equal(user.outside + user.crossings, 0);
}

static void bits_of_pages_that_cannot_be_reached_are_lost_alone(void **state)
{
	static const ioas_iova_t marks[][2][2] = {
		{ { 0, 255 }, { 0, 0 } },      { { 39, 40 }, { 103, 104 } },
		{ { 0, 39 }, { 232, 255 } },   { { 232, 255 }, { 0, 39 } },
		{ { 100, 109 }, { 50, 200 } },
	};

	(void)state;
	for (uint32_t window = 0; window <= 9; window++)
		for (unsigned int code = 0; code < 243; code++)
			for (size_t i = 0; i < IOAS_ARRAY_SIZE(marks); i++) {
				const struct ioas_dirty_request rq = {
					.length = 8 * BYTES,
					.granularity = 1,
					.bitmap = ADDRESS,
					.window = window,
					.skip_faults = true,
				};

				check_skipped(&rq, code, marks[i]);
			}
}

/* A page is tried once, not once for each window of it. */
static void a_missing_page_is_tried_once(void **state)
{
	const struct ioas_dirty_request rq = {
		.length = 8 * BYTES,
		.granularity = 1,
		.bitmap = ADDRESS,
		.window = 1,
		.skip_faults = true,
	};
	struct ioas_bitmap b;
	uint8_t room[1];

	(void)state;
	user_reset(BYTES, 0);
	user.fail_at = 1;
	ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
	b.sink.mark(&b.sink, 0, 255);
	assert_int_equal(ioas_bitmap_finish(&b), 0);
	assert_int_equal(user.accesses, PAGES);
}

/* Addresses do not go on at 0. */
static void a_bitmap_beyond_the_last_address_is_not_reached(void **state)
{
	for (unsigned int skip = 0; skip < 2; skip++) {
		const struct ioas_dirty_request rq = {
			.length = 8 * 32,
			.granularity = 1,
			.bitmap = UINT64_MAX - 1,
			.skip_faults = skip,
		};
		struct ioas_bitmap b;
		uint8_t room[64];

		(void)state;
		user_reset(BYTES, 0);
		ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
		b.sink.mark(&b.sink, 16, 255);
		assert_int_equal(ioas_bitmap_finish(&b), skip ? 0 : -EFAULT);
		assert_int_equal(user.outside, 0);
	}
}

/* One bit for 2^61 bytes and more is one byte of bitmap. */
static void regress_giant_granularity(void **state)
{
	(void)state;
	for (unsigned int lg2 = 58; lg2 < 64; lg2++) {
		const struct ioas_dirty_request rq = {
			.length = UINT64_C(1) << lg2,
			.granularity = UINT64_C(1) << lg2,
			.bitmap = ADDRESS,
		};
		struct ioas_bitmap b;
		uint8_t room[16];

		user_reset(1, 0);
		ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
		b.sink.mark(&b.sink, 4096, 8191);
		assert_int_equal(ioas_bitmap_finish(&b), 0);
		assert_int_equal(user.outside, 0);
		assert_int_equal(user.memory[GUARD], 1);
	}
}

static int group_setup(void **state)
{
	(void)state;
	ioas_caller_enter(&caller);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_range_sets_its_bits_and_no_other),
		cmocka_unit_test(ranges_at_the_last_iova_do_not_wrap),
		cmocka_unit_test(ranges_come_in_any_order),
		cmocka_unit_test(granularity_above_the_length_is_one_bit),
		cmocka_unit_test(nothing_dirty_writes_nothing),
		cmocka_unit_test(an_unreachable_bitmap_is_efault),
		cmocka_unit_test(
			bits_of_pages_that_cannot_be_reached_are_lost_alone),
		cmocka_unit_test(a_missing_page_is_tried_once),
		cmocka_unit_test(
			a_bitmap_beyond_the_last_address_is_not_reached),
		cmocka_unit_test(regress_giant_granularity),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
