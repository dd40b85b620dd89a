/* SPDX-License-Identifier: MIT */
/*
 * iova alloc: the choice of an IOVA against a scan of every byte
 *
 *    space    |------------ blocked ------------|== universe ==|-- blocked --|
 *                                                 512 bytes
 *
 * The universe lies at the bottom, in the middle or at the top of the 64-bit
 * space; everything else is reserved. The twin is in tests/lib/iova_twin.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "base/errno.h"
#include "core/iova.h"
#include "iova_twin.h"
#include "prng.h"

/* ---- the space ---------------------------------------------------------- */

struct fixture {
	struct ioas_context ctx;
	struct ioas *ioas;
	/* What the rangemap holds; its content does not matter. */
	char value;
};

static void fixture_init(struct fixture *f)
{
	ioas_context_init(&f->ctx, TWIN_PAGE_LG2, TWIN_HUGE_LG2);
	assert_int_equal(ioas_iopt_create(&f->ctx, &f->ioas), 0);
}

static void fixture_fini(struct fixture *f)
{
	ioas_rangemap_fini(&f->ioas->areas);
	ioas_rangemap_init(&f->ioas->areas);
	assert_int_equal(ioas_iopt_destroy(f->ioas), 0);
	ioas_context_fini(&f->ctx);
}

static void take(struct fixture *f, struct twin_space *u, unsigned int first,
		 unsigned int last, bool area)
{
	const struct ioas_iova_range r = { u->base + first, u->base + last };

	/* Reserved ranges may overlap, areas nothing at all. */
	for (unsigned int i = first; i <= last; i++)
		if (area ? u->taken[i] : u->area[i])
			return;
	if (area)
		assert_int_equal(ioas_rangemap_insert(&f->ioas->areas, r.first,
						      r.last, &f->value),
				 0);
	else
		assert_int_equal(ioas_iopt_reserve(f->ioas, &r, 1, f), 0);
	memset(u->taken + first, true, last - first + 1);
	if (area)
		memset(u->area + first, true, last - first + 1);
}

/* Reserve all but the universe. */
static void fence(struct fixture *f, const struct twin_space *u)
{
	const struct ioas_iova_range below = { 0, u->base - 1 };
	const struct ioas_iova_range above = { u->base + TWIN_SIZE,
					       UINT64_MAX };

	if (u->base)
		assert_int_equal(ioas_iopt_reserve(f->ioas, &below, 1, f), 0);
	if (u->base + TWIN_SIZE)
		assert_int_equal(ioas_iopt_reserve(f->ioas, &above, 1, f), 0);
}

/* An allowed list that avoids what is reserved: set it before the rest. */
static void allow(struct fixture *f, struct twin_space *u, struct prng *r)
{
	struct ioas_iova_range ranges[6];
	uint32_t nr = (uint32_t)prng_below(r, 7), n = 0;
	unsigned int at = 0;

	while (n < nr && at < TWIN_SIZE - 2) {
		const unsigned int first = at + (unsigned int)prng_below(r, 60);
		unsigned int last = first + 1 +
				    (unsigned int)prng_below(r, 120);

		if (last >= TWIN_SIZE)
			break;
		ranges[n].first = u->base + first;
		ranges[n++].last = u->base + last;
		memset(u->allowed + first, true, last - first + 1);
		at = last + 1;
	}
	u->any_allowed = n;
	assert_int_equal(ioas_iopt_allow(f->ioas, ranges, n), 0);
}

static void populate(struct fixture *f, struct twin_space *u, struct prng *r)
{
	static const ioas_iova_t bases[] = {
		0, UINT64_C(1) << 63, (UINT64_C(1) << 32) - TWIN_SIZE / 2,
		UINT64_MAX - TWIN_SIZE + 1,
	};
	unsigned int n = (unsigned int)prng_below(r, 30);

	memset(u, 0, sizeof(*u));
	u->base = bases[prng_below(r, IOAS_ARRAY_SIZE(bases))];
	fence(f, u);
	if (prng_below(r, 2))
		allow(f, u, r);
	while (n--) {
		const unsigned int first =
			(unsigned int)prng_below(r, TWIN_SIZE);
		unsigned int last = first + (unsigned int)prng_below(r, 40);
		bool area = prng_below(r, 3);

		if (last >= TWIN_SIZE)
			last = TWIN_SIZE - 1;
		/* Nothing reserved may be allowed. */
		for (unsigned int i = first; i <= last; i++)
			area |= u->allowed[i];
		take(f, u, first, last, area);
	}
}

static void check(struct fixture *f, const struct twin_space *u,
		  uint64_t address, uint64_t length)
{
	ioas_iova_t got = UINT64_C(0xdead), want = UINT64_C(0xdead);
	int ret, expected;

	ioas_write_lock(&f->ioas->iova_lock, IOAS_RANK_IOVA);
	ret = ioas_iova_choose(f->ioas, address, length, &got);
	ioas_write_unlock(&f->ioas->iova_lock);
	expected = twin_choose(u, f->ioas->alignment, address, length, &want);
	if (ret != expected || got != want)
		fail_msg("address %" PRIx64 " length %" PRIu64
			 " base %" PRIx64 ": %d, %" PRIx64
			 ", not %d, %" PRIx64,
			 address, length, u->base, ret, got, expected, want);
}

static void random_spaces_agree_with_a_scan(void **state)
{
	const uint64_t seed = 20;
	struct prng r = { seed };

	(void)state;
	print_message("# seed %" PRIu64 "\n", seed);
	for (unsigned int round = 0; round < 2500; round++) {
		struct twin_space u;
		struct fixture f;

		fixture_init(&f);
		populate(&f, &u, &r);
		f.ioas->alignment = 1u << prng_below(&r, TWIN_PAGE_LG2 + 1);
		for (unsigned int i = 0; i < 60; i++)
			check(&f, &u, prng_below(&r, 300),
			      1 + prng_below(&r, i & 1 ? 16 : 200));
		f.ioas->alignment = 1;
		fixture_fini(&f);
	}
}

/* Holes that fit exactly, and holes that are a byte too short. */
static void exact_fits_are_found_and_shorter_ones_are_not(void **state)
{
	(void)state;
	for (unsigned int hole = 1; hole < 70; hole++) {
		struct twin_space u = { .base = UINT64_MAX - TWIN_SIZE + 1 };
		struct fixture f;

		fixture_init(&f);
		fence(&f, &u);
		/* Holes of hole - 1 and of hole bytes, at all walls. */
		take(&f, &u, 0, 63, true);
		take(&f, &u, 64 + hole - 1, 191, false);
		take(&f, &u, 192 + hole, TWIN_SIZE - 1, true);
		for (uint64_t address = 0; address < 2 * TWIN_PAGE; address++)
			for (uint64_t length = 1; length < 70; length++)
				check(&f, &u, address, length);
		fixture_fini(&f);
	}
}

static void the_top_of_the_space_does_not_wrap(void **state)
{
	(void)state;
	for (unsigned int free_bytes = 0; free_bytes < 40; free_bytes++) {
		struct twin_space u = { .base = UINT64_MAX - TWIN_SIZE + 1 };
		struct fixture f;

		fixture_init(&f);
		fence(&f, &u);
		take(&f, &u, 0, TWIN_SIZE - 1 - free_bytes, true);
		for (uint64_t address = 0; address < 80; address++)
			for (uint64_t length = 1; length < 40; length++)
				check(&f, &u, address, length);
		fixture_fini(&f);
	}
}

static void an_empty_space_starts_above_page_zero(void **state)
{
	static const struct {
		uint64_t address, length, want;
		int err;
	} cases[] = {
		{ 0, 1, TWIN_PAGE, 0 },
		{ 0, 64, 64, 0 },
		{ 0, 65, 64, 0 }, /* not above the platform's huge page */
		{ 0, UINT64_C(1) << 62, 64, 0 },
		{ 0, (UINT64_C(1) << 63) - 2, 64, 0 },
		{ 0, (UINT64_C(1) << 63) - 1, 0, -EOVERFLOW },
		{ 0, UINT64_MAX, 0, -EOVERFLOW },
		{ 0, 0, 0, -EOVERFLOW },
		{ 5, 64, TWIN_PAGE | 5, 0 },
		{ 24, 64, TWIN_PAGE, 0 },
		{ UINT64_MAX - 63, 64, 64, 0 },
	};
	struct fixture f;

	(void)state;
	fixture_init(&f);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		ioas_iova_t got = 0;

		ioas_write_lock(&f.ioas->iova_lock, IOAS_RANK_IOVA);
		assert_int_equal(ioas_iova_choose(f.ioas, cases[i].address,
						  cases[i].length, &got),
				 cases[i].err);
		ioas_write_unlock(&f.ioas->iova_lock);
		assert_int_equal(got, cases[i].want);
	}
	fixture_fini(&f);
}

/* Adjacent allowed ranges are one window. */
static void adjacent_allowed_ranges_melt(void **state)
{
	const struct ioas_iova_range two[] = { { 64, 95 }, { 96, 127 } };
	struct fixture f;
	ioas_iova_t got;

	(void)state;
	fixture_init(&f);
	assert_int_equal(ioas_iopt_allow(f.ioas, two, 2), 0);
	ioas_write_lock(&f.ioas->iova_lock, IOAS_RANK_IOVA);
	assert_int_equal(ioas_iova_choose(f.ioas, 0, 64, &got), 0);
	assert_int_equal(got, 64);
	assert_int_equal(ioas_iova_choose(f.ioas, 0, 65, &got), -ENOSPC);
	ioas_write_unlock(&f.ioas->iova_lock);
	fixture_fini(&f);
}

/* Pages of 4 KiB, huge pages of 2 MiB: the offset in the page is kept. */
static void large_pages_line_up_with_the_address(void **state)
{
	const uint64_t huge = UINT64_C(1) << 21;
	struct ioas_context ctx;
	struct ioas *ioas;
	ioas_iova_t got;

	(void)state;
	ioas_context_init(&ctx, 12, 21);
	assert_int_equal(ioas_iopt_create(&ctx, &ioas), 0);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	assert_int_equal(ioas_iova_choose(ioas, 16 * huge, 8 * huge, &got), 0);
	assert_int_equal(got, huge);
	assert_int_equal(ioas_iova_choose(ioas, 0x7000800, 0x2000, &got), 0);
	assert_int_equal(got, 0x1800);
	assert_int_equal(ioas_iova_choose(ioas, 0x7000000, 0x1000, &got), 0);
	assert_int_equal(got, 0x1000);
	ioas_write_unlock(&ioas->iova_lock);
	assert_int_equal(ioas_iopt_destroy(ioas), 0);
	ioas_context_fini(&ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_spaces_agree_with_a_scan),
		cmocka_unit_test(exact_fits_are_found_and_shorter_ones_are_not),
		cmocka_unit_test(the_top_of_the_space_does_not_wrap),
		cmocka_unit_test(an_empty_space_starts_above_page_zero),
		cmocka_unit_test(adjacent_allowed_ranges_melt),
		cmocka_unit_test(large_pages_line_up_with_the_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
