/* SPDX-License-Identifier: MIT */
/*
 * abi order: which error wins where several apply, as far as the core decides
 *
 * docs/reference/iommufd-uapi.md lists the checks of each command; the first
 * that fails gives the errno. Each row below fails two of them at least, or
 * shows the next one in turn. Numbers in comments are steps of that page.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "limit_matrix.h"
#include "script.h"

#define IO UINT64_C(0x1000000)
#define VA (16 * P)
/* Nothing is mapped there in any process. */
#define NOWHERE (256 * P)
#define TOP UINT64_MAX
#define NEVER UINT32_MAX
#define WR IOAS_PROT_WRITE

#define MACHINE                                                        \
	{ PROCESS(0) }, { MEMORY(0, 16, 16, IOAS_SIM_SCATTERED) },     \
		{ SPACE(0) }
#define NEW_DOMAIN(s, d) { DOMAIN(d, PAGES_ALL) }, { ATTACH(s, d) }
#define NEW_CLIENT(c, s) { CLIENT(c, IOAS_ACCESS_PINS) }, { JOIN(c, s) }

static void run(const char *name, const struct op *ops, size_t nr)
{
	const struct script s = { name, ops, nr };
	const struct world_limits limits = limits_default();

	script_run(&s, &limits, true);
}

#define RUN(ops) run(#ops, ops, IOAS_ARRAY_SIZE(ops))

/* ---- map: 6.6, 5 to 10 -------------------------------------------------- */

static const struct op map_fixed[] = {
	MACHINE,
	NEW_CLIENT(0, 0),
	{ RESERVE(0, IO + 8 * P, IO + 16 * P - 1, 1) },
	{ RESERVE(0, TOP - 4 * P + 1, TOP, 1) },
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	/* 5: the source wraps, or ends at 2^64. */
	{ MAP(0, 0, TOP - P, 2 * P + 1, IO + 1, RW), .err = -EOVERFLOW },
	{ MAP(0, 0, TOP - P + 1, P, IO, RW), .err = -EOVERFLOW },
	/* 6: no length, or too much of it. */
	{ MAP(0, 0, VA, 0, IO, RW), .err = -EINVAL },
	{ MAP(0, 0, 0, TOP - P + 1, IO, RW), .err = -EINVAL },
	/* 7: the length. */
	{ MAP(0, 0, VA, 3 * P / 2, TOP - P + 1, RW), .err = -EINVAL },
	{ MAP(0, 0, VA, P / 2, IO, RW), .err = -EINVAL },
	/* 8: misaligned, wraps, reserved, taken. */
	{ MAP(0, 0, VA, 2 * P, TOP - P + 2, RW), .err = -EINVAL },
	{ MAP(0, 0, VA, 2 * P, TOP - P + 1, RW), .err = -EOVERFLOW },
	{ MAP(0, 0, VA, 8 * P, IO + 2 * P, RW), .err = -EINVAL },
	{ MAP(0, 0, VA + P / 2, P, IO, RW), .err = -EEXIST },
	/* 9: the source's offset in its page. */
	{ MAP(0, 0, VA + P / 2, P, IO + 32 * P, RW), .err = -EINVAL },
	/* 10: pins. */
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, NOWHERE + P / 2, P, IO + 32 * P, RW), .err = -EINVAL },
	{ MAP(0, 0, NOWHERE, P, IO, RW), .err = -EEXIST },
	{ LIMIT(0, 4) },
	{ MAP(0, 0, NOWHERE, P, IO + 32 * P, RW), .err = -EFAULT },
	{ MAP(0, 0, VA, P, IO + 32 * P, RW), .err = -ENOMEM },
	{ HELD(4, 0, 4) },
};

/* Without a place of its own: 5.8 in the place of 8. */
static const struct op map_chosen[] = {
	MACHINE,
	NEW_CLIENT(0, 0),
	{ MAP_ANY(0, 0, 0, UINT64_C(1) << 63, RW), .err = -EOVERFLOW },
	{ MAP_ANY(0, 0, 0, (UINT64_C(1) << 63) + 1, RW), .err = -EINVAL },
	{ MAP_ANY(0, 0, VA + P / 2, P, RW), .err = -EINVAL },
	{ RESERVE(0, 0, TOP, 1) },
	{ MAP_ANY(0, 0, 0, UINT64_C(1) << 63, RW), .err = -EOVERFLOW },
	{ MAP_ANY(0, 0, VA + P / 2, P, RW), .err = -EINVAL },
	{ MAP_ANY(0, 0, VA, P, RW), .err = -ENOSPC },
	{ UNRESERVE(0, 1) },
	/* What is allowed bounds a choice, and nothing else. */
	{ ALLOW(0, IO, IO + 2 * P - 1) },
	{ MAP(0, 0, VA, P, IO, RW) },
	{ MAP_ANY(0, 0, VA, 2 * P, RW), .err = -ENOSPC },
	{ MAP_ANY(0, 0, VA, P, RW), .out = IO + P },
	{ MAP_ANY(0, 0, VA, P, RW), .err = -ENOSPC },
	{ MAP(0, 0, VA, P, IO + 2 * P, RW) },
	{ ALLOW(0, 1, 0) },
	{ MAP_ANY(0, 0, VA, P, RW), .out = P },
};

static void map_checks_come_in_order(void **state)
{
	(void)state;
	RUN(map_fixed);
	RUN(map_chosen);
}

/* ---- copy: 6.4, 5 to 8 -------------------------------------------------- */

/* Space 0: pages that may be written, then some that may not; no alignment. */
#define SOURCE                                                       \
	MACHINE, { SPACE(1) }, { MAP(0, 0, VA, 4 * P, IO, RW) },     \
		{ MAP(0, 0, VA, 4 * P, IO + 4 * P, RD) },            \
		{ MAP(0, 0, VA + P / 2, 2 * P, IO + 16 * P, RD) }

static const struct op copy_order[] = {
	SOURCE,
	NEW_CLIENT(0, 1),
	{ RESERVE(1, IO + 8 * P, IO + 16 * P - 1, 1) },
	{ COPY(1, 0, IO, P, IO, RW) },
	/* 5, 6 */
	{ COPY(1, 0, IO + 64 * P, 0, IO, RW), .err = -EINVAL },
	{ COPY(1, 0, TOP, 2, IO, RW), .err = -EOVERFLOW },
	{ COPY(1, 0, IO + 7 * P, P + 1, IO + 1, RW), .err = -ENOENT },
	{ COPY(1, 0, IO - P, 2 * P, IO, RW), .err = -ENOENT },
	/* 8: as 7 and 8 of a map */
	{ COPY(1, 0, IO, 3 * P / 2, TOP - P + 1, RW), .err = -EINVAL },
	{ COPY(1, 0, IO, 2 * P, TOP - P + 2, RW), .err = -EINVAL },
	{ COPY(1, 0, IO, 2 * P, TOP - P + 1, RW), .err = -EOVERFLOW },
	{ COPY(1, 0, IO + 4 * P, P, IO + 8 * P, RW), .err = -EINVAL },
	{ COPY(1, 0, IO + 4 * P, P, IO, RW), .err = -EEXIST },
	{ COPY_ANY(1, 0, IO + 16 * P, P, RW), .err = -EINVAL },
	/* permission, then the offset */
	{ COPY(1, 0, IO + 4 * P, P, IO + 32 * P, RW), .err = -EPERM },
	{ COPY(1, 0, IO + 16 * P, P, IO + 32 * P, RW), .err = -EPERM },
	{ COPY(1, 0, IO + 16 * P, P, IO + 32 * P, RD), .err = -EINVAL },
	/* the second of two areas */
	{ COPY(1, 0, IO + 3 * P, 2 * P, IO + 32 * P, RW), .err = -EPERM },
	{ AREAS(1, 1) },
	{ COPY(1, 0, IO + 3 * P, 2 * P, IO + 32 * P, RD) },
	{ AREAS(1, 3) },
	/* no place is left */
	{ RESERVE(1, 0, IO - 1, 1) },
	{ RESERVE(1, IO + 64 * P, TOP, 1) },
	{ RESERVE(1, IO + P, IO + 32 * P - 1, 1) },
	{ RESERVE(1, IO + 34 * P, IO + 64 * P, 1) },
	{ COPY_ANY(1, 0, IO + 4 * P, P, RW), .err = -ENOSPC },
};

/* Area by area: permission and offset of the first before those of the next. */
static const struct op copy_by_area[] = {
	SOURCE,
	NEW_CLIENT(0, 1),
	{ MAP(0, 0, VA + P / 2, P, IO + 32 * P, RW) },
	{ MAP(0, 0, VA, P, IO + 33 * P, RD) },
	{ MAP(0, 0, VA + P / 2, P, IO + 34 * P, RW) },
	{ COPY(1, 0, IO + 32 * P, 2 * P, IO, RW), .err = -EINVAL },
	{ COPY(1, 0, IO + 33 * P, 2 * P, IO, RW), .err = -EPERM },
	{ AREAS(1, 0) },
};

/* Permission before pins; a copy has the permission that it was given. */
static const struct op copy_pins[] = {
	SOURCE,
	NEW_DOMAIN(1, 0),
	NEW_CLIENT(0, 1),
	{ MAP(0, 0, NOWHERE, P, IO + 32 * P, RD) },
	{ MAP(0, 0, VA, P, IO + 33 * P, WR) },
	{ COPY(1, 0, IO + 32 * P, P, IO, RW), .err = -EPERM },
	{ COPY(1, 0, IO + 32 * P, P, IO, RD), .err = -EFAULT },
	{ COPY(1, 0, IO + 33 * P, P, IO, RD) },
	{ COPY_BYTES(0, IO, 8, 0) },
	{ COPY_BYTES(0, IO, 8, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ HELD(1, 0, 1) },
};

static void copy_checks_come_in_order(void **state)
{
	(void)state;
	RUN(copy_order);
	RUN(copy_by_area);
	RUN(copy_pins);
}

/* ---- unmap: 6.7, 3 and 4 ------------------------------------------------ */

static const struct op unmap_order[] = {
	MACHINE,
	NEW_CLIENT(0, 0),
	{ CLIENT(1, IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL) },
	{ JOIN(1, 0) },
	{ MAP(0, 0, VA, 4 * P, IO, RD) },
	{ MAP(0, 0, VA, 4 * P, IO + 4 * P, RD) },
	{ UNMAP(0, IO, 0, 0), .err = -EINVAL },
	{ UNMAP(0, TOP, 2, 0), .err = -EOVERFLOW },
	/* b before c */
	{ PIN(1, IO, P, 0) },
	{ UNMAP(0, IO, P, 0), .err = -EBUSY },
	{ UNPIN(1, IO, P) },
	/* c before d: nobody is told, and nothing closes */
	{ PIN(0, IO, P, 0) },
	{ UNMAP(0, IO, P, 0), .err = -ENOENT },
	{ UNMAP(0, IO + P, 3 * P, 0), .err = -ENOENT },
	{ CALLS(0, 0) },
	{ PIN(0, IO + P, P, 0) },
	/* The first area that cannot go decides. */
	{ PATIENCE(0, NEVER) },
	{ UNMAP(0, IO, 5 * P, 0), .err = -EDEADLK },
	/* It is blocked now: that comes before all else. */
	{ PIN(0, IO, P, IOAS_ACCESS_WRITE), .err = -EINVAL },
	{ PIN(0, IO + 3 * P, 16 * P, 0), .err = -EINVAL },
	{ COPY_BYTES(0, IO, 8, IOAS_ACCESS_WRITE), .err = -EINVAL },
	{ UNMAP(0, IO, P, 0), .err = -ENOENT },
	{ PATIENCE(0, 0) },
	{ UNMAP(0, IO, 5 * P, 4 * P), .err = -ENOENT },
	{ UNMAP(0, IO, 4 * P, 0) },
	{ UNMAP_ALL(0, 4 * P) },
	{ UNMAP_ALL(0, 0) },
};

static void unmap_checks_come_in_order(void **state)
{
	(void)state;
	RUN(unmap_order);
}

/* ---- domains: 5.3, 5.4, 5.6; large pages: 6.8 --------------------------- */

static const struct op attach_order[] = {
	MACHINE,
	{ MAP(0, 0, NOWHERE, P / 2, IO, RW) },
	{ DOMAIN_APERTURE(0, UINT64_C(1) << 16, 0, P - 1) },
	{ ATTACH(0, 0), .err = -EINVAL },
	{ DOMAIN(1, PAGES_4K) },
	{ ATTACH(0, 1), .err = -EADDRINUSE },
	{ DOMAIN_APERTURE(2, P / 2, 0, P - 1) },
	{ ATTACH(0, 2), .err = -EADDRINUSE },
	{ DOMAIN(3, P / 2) },
	{ ATTACH(0, 3), .err = -EFAULT },
	{ ALIGNED(0, 1) },
	{ ALLOW(0, IO, IO + 4 * P) },
	{ UNMAP_ALL(0, P / 2) },
	{ ATTACH(0, 2), .err = -EADDRINUSE },
	{ ATTACH(0, 3) },
};

static const struct op small_order[] = {
	MACHINE,
	{ DOMAIN(0, P / 2) },
	{ MAP(0, 0, VA, P / 2, IO, RW) },
	{ SMALL(0, 1), .err = -EADDRINUSE },
	{ ALIGNED(0, 1) },
	{ ATTACH(0, 0) },
	{ SMALL(0, 1), .err = -EINVAL },
	{ SMALL(0, 0) },
	{ UNMAP_ALL(0, P / 2) },
	{ SMALL(0, 1) },
	{ ALIGNED(0, P) },
	{ MAP(0, 0, VA, P, IO, RW) },
	/* Off already; and on again whatever there is. */
	{ SMALL(0, 1) },
	{ SMALL(0, 0) },
	{ ALIGNED(0, P / 2) },
	{ SMALL(0, 1), .err = -EINVAL },
	{ DETACH(0) },
	{ SMALL(0, 1) },
};

static void page_sizes_are_checked_in_order(void **state)
{
	(void)state;
	RUN(attach_order);
	RUN(small_order);
}

/* ---- accesses: 7.6 ------------------------------------------------------ */

static const struct op access_moves[] = {
	MACHINE,
	{ SPACE(1) },
	{ MAP(0, 0, VA, P, IO, RW) },
	{ MAP(1, 0, VA, P / 2, IO, RW) },
	{ CLIENT(0, IOAS_ACCESS_PINS) },
	{ MOVE(0, 0), .err = -ENOENT },
	{ MOVE(0, 1), .err = -ENOENT },
	{ JOIN(0, 1), .err = -EADDRINUSE },
	{ JOIN(0, 0) },
	{ JOIN(0, 0), .err = -EINVAL },
	{ PIN(0, IO, P, 0) },
	/* Nothing happens to what it holds, unless it goes. */
	{ MOVE(0, 0) },
	{ MOVE(0, 1), .err = -EADDRINUSE },
	{ CALLS(0, 0) },
	{ HELD(1, 1, 1) },
	{ UNMAP_ALL(1, P / 2) },
	{ MOVE(0, 1) },
	{ CALLS(0, 1) },
	{ HELD(0, 0, 0) },
};

/* Space 0 has no alignment: client 0 pins, but asks for none. */
static const struct op pin_order[] = {
	MACHINE,
	{ DEVICE_PAGES(1, 4) },
	{ CLIENT(0, 0) },
	{ PIN(0, IO, 0, 0), .err = -EINVAL },
	{ PIN(0, TOP, 2, 0), .err = -EOVERFLOW },
	{ PIN(0, IO, P, 0), .err = -ENOENT },
	{ JOIN(0, 0) },
	{ PIN(0, IO, P, 0), .err = -ENOENT },
	/* The offset of the first byte, before permission. */
	{ MAP(0, 0, VA + P / 2, P, IO, RD) },
	{ PIN(0, IO, P, IOAS_ACCESS_WRITE), .err = -EINVAL },
	/* The end of an area that is not the last; a gap comes after it. */
	{ MAP(0, 0, VA, P / 2, IO + 8 * P, RD) },
	{ MAP(0, 0, VA, P, IO + 8 * P + P / 2, RD) },
	{ PIN(0, IO + 8 * P, P, IOAS_ACCESS_WRITE), .err = -EINVAL },
	{ PIN(0, IO + 8 * P, P, 0), .err = -EINVAL },
	{ PIN(0, IO + 8 * P, P / 2, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ PIN(0, IO + 8 * P, P / 2, 0) },
	/* Area by area, all or nothing. */
	{ MAP(0, 0, VA, P, IO + 16 * P, RW) },
	{ MAP(0, 0, VA + P, P, IO + 17 * P, RD) },
	{ PIN(0, IO + 16 * P, 3 * P, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ PIN(0, IO + 16 * P, 3 * P, 0), .err = -ENOENT },
	{ HELD(1, 1, 1) },
	{ MAP(0, 0, NOWHERE, P, IO + 18 * P, WR) },
	{ PIN(0, IO + 16 * P, 4 * P, 0), .err = -EPERM },
	{ PIN(0, IO + 18 * P, 2 * P, IOAS_ACCESS_WRITE), .err = -EFAULT },
	/* Device memory. */
	{ MAP(0, 1, 0, 2 * P, IO + 32 * P, RD) },
	{ PIN(0, IO + 32 * P, P, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ PIN(0, IO + 32 * P, P, 0), .err = -EINVAL },
	{ PIN(0, IO + 33 * P, 2 * P, 0), .err = -EINVAL },
	{ HELD(1, 1, 1) },
};

static const struct op rw_order[] = {
	MACHINE,
	{ DEVICE_PAGES(1, 4) },
	{ CLIENT(0, 0) },
	{ COPY_BYTES(0, IO, 0, 0), .err = -EINVAL },
	{ COPY_BYTES(0, TOP, 2, 0), .err = -EOVERFLOW },
	{ COPY_BYTES(0, IO, 8, 0), .err = -ENOENT },
	{ JOIN(0, 0) },
	{ COPY_BYTES(0, IO, 8, 0), .err = -ENOENT },
	{ MAP(0, 1, 0, P, IO, RD) },
	{ COPY_BYTES(0, IO, 2 * P, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ COPY_BYTES(0, IO, 2 * P, 0), .err = -EINVAL },
	{ MAP(0, 0, NOWHERE, P, IO + 8 * P, RD) },
	{ COPY_BYTES(0, IO + 8 * P, 8, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ COPY_BYTES(0, IO + 8 * P, 2 * P, 0), .err = -EFAULT },
	/* No alignment is asked for. */
	{ MAP(0, 0, VA + 3, 1, IO + 16 * P + 1, RW) },
	{ COPY_BYTES(0, IO + 16 * P + 1, 1, IOAS_ACCESS_WRITE) },
	{ COPY_BYTES(0, IO + 16 * P + 1, 2, 0), .err = -ENOENT },
};

static void access_checks_come_in_order(void **state)
{
	(void)state;
	RUN(access_moves);
	RUN(pin_order);
	RUN(rw_order);
}

/* Alignment, then the number; a space that is full is as it was. */
static void a_space_has_65536_accesses_at_most(void **state)
{
	struct ioas_access *a, *b;
	ioas_iova_t iova = IO;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_process(&w, 0);
	world_map_memory(&w, 0, 16, 4, IOAS_SIM_SCATTERED, 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(world_space(&w, i), 0);
		assert_int_equal(world_client(&w, i, IOAS_ACCESS_PINS), 0);
	}
	a = w.clients[0].access;
	b = w.clients[1].access;
	w.spaces[0]->nr_accesses = 65536;
	assert_int_equal(ioas_access_attach(a, w.spaces[0]), -EBUSY);
	assert_int_equal(w.spaces[0]->alignment, 1);
	assert_int_equal(ioas_access_attach(a, w.spaces[1]), 0);
	assert_int_equal(ioas_access_replace(a, w.spaces[0]), -EBUSY);
	assert_true(a->ioas == w.spaces[1]);
	assert_int_equal(ioas_iopt_map(w.spaces[0], w.origins[0], VA, 1, RW,
				       IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(ioas_access_attach(b, w.spaces[0]), -EADDRINUSE);
	iova = 0;
	assert_int_equal(ioas_iopt_unmap_all(w.spaces[0], &iova), 0);
	w.spaces[0]->nr_accesses = 65535;
	assert_int_equal(ioas_access_attach(b, w.spaces[0]), 0);
	assert_int_equal(w.spaces[0]->nr_accesses, 65536);
	assert_int_equal(ioas_access_replace(a, w.spaces[0]), -EBUSY);
	assert_int_equal(ioas_access_detach(b), 0);
	assert_int_equal(ioas_access_replace(a, w.spaces[0]), 0);
	assert_int_equal(w.spaces[0]->nr_accesses, 65536);
	assert_int_equal(w.spaces[1]->nr_accesses, 0);
	w.spaces[0]->nr_accesses = 1;
	world_fini(&w);
}

/* ---- cuts: 11.6, 5 ------------------------------------------------------ */

static const struct op split_order[] = {
	MACHINE,
	{ DEVICE_PAGES(1, 4) },
	{ SMALL(0, 1) },
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ MAP(0, 1, 0, 4 * P, IO + 16 * P, RW) },
	/* Where nothing is; both ends of an area, whatever it is. */
	{ SPLIT(0, IO - 1) },
	{ SPLIT(0, IO + 16 * P) },
	{ SPLIT(0, IO + 20 * P - 1) },
	{ PIN(0, IO, P, 0) },
	{ SPLIT(0, IO) },
	{ SPLIT(0, IO + 4 * P - 1) },
	{ SPLIT(0, IO + P), .err = -EINVAL },
	{ SPLIT(0, IO + P - 1), .err = -EINVAL },
	{ SPLIT(0, IO + 17 * P), .err = -EOPNOTSUPP },
	{ SPLIT(0, IO + 17 * P - 1), .err = -EOPNOTSUPP },
	{ PATIENCE(0, NEVER) },
	{ UNMAP(0, IO, 4 * P, 0), .err = -EDEADLK },
	{ SPLIT(0, IO) },
	{ SPLIT(0, IO + 4 * P - 1) },
	{ SPLIT(0, IO + P), .err = -EBUSY },
	{ SPLIT(0, IO + P - 1), .err = -EBUSY },
	{ AREAS(0, 2) },
};

static void cut_checks_come_in_order(void **state)
{
	(void)state;
	RUN(split_order);
}

/* As a container's unmap asks: the end of the range, then its beginning. */
static void cuts_are_made_in_the_order_given(void **state)
{
	const ioas_iova_t last = IO + 3 * P - 1, first = IO + P - 1;
	const ioas_iova_t cuts[] = { last, first };
	const ioas_iova_t bad_last[] = { last + 1, first };
	const ioas_iova_t bad_first[] = { last, first + 1 };
	ioas_iova_t iova = IO;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_process(&w, 0);
	world_map_memory(&w, 0, 16, 4, IOAS_SIM_SCATTERED, 0);
	assert_int_equal(world_space(&w, 0), 0);
	assert_int_equal(ioas_iopt_set_small_pages(w.spaces[0], true), 0);
	assert_int_equal(ioas_iopt_map(w.spaces[0], w.origins[0], VA, 4 * P,
				       RW, IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(ioas_iopt_split(w.spaces[0], bad_last, 2), -EINVAL);
	assert_int_equal(world_areas(&w, 0), 1);
	assert_int_equal(ioas_iopt_split(w.spaces[0], bad_first, 2), -EINVAL);
	assert_int_equal(world_areas(&w, 0), 2);
	assert_int_equal(ioas_iopt_split(w.spaces[0], cuts, 2), 0);
	assert_int_equal(world_areas(&w, 0), 3);
	assert_int_equal(ioas_iopt_split(w.spaces[0], cuts, 2), 0);
	assert_int_equal(world_areas(&w, 0), 3);
	world_check(&w, "after the cuts");
	world_fini(&w);
}

/* ---- allowed ranges: 6.3; change of process: 6.19 ----------------------- */

static int allow(struct ioas *ioas, ioas_iova_t a, ioas_iova_t b,
		 ioas_iova_t x, ioas_iova_t y)
{
	const struct ioas_iova_range ranges[] = { { a, b }, { x, y } };

	return ioas_iopt_allow(ioas, ranges, 2);
}

static void allowed_ranges_are_checked_in_order(void **state)
{
	const struct ioas_iova_range taken = { IO, IO + P - 1 };
	struct ioas_iova_range other = { 4 * P, 4 * P };
	struct ioas *ioas;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	assert_int_equal(world_space(&w, 0), 0);
	ioas = w.spaces[0];
	assert_int_equal(allow(ioas, P, 2 * P - 1, 4 * P, 5 * P - 1), 0);
	assert_int_equal(ioas_iopt_reserve(ioas, &taken, 1, &w), 0);
	/* Every entry, before any is compared with what is reserved. */
	assert_int_equal(allow(ioas, IO, IO + P, 9, 8), -EINVAL);
	assert_int_equal(allow(ioas, IO, IO + P, 9, 9), -EINVAL);
	assert_int_equal(allow(ioas, IO, IO + P, IO + P, IO + 2 * P), -EINVAL);
	assert_int_equal(allow(ioas, P, 2 * P, IO + P - 1, IO + P),
			 -EADDRINUSE);
	/* The old list is still there. */
	assert_int_equal(ioas_iopt_reserve(ioas, &other, 1, &w), -EADDRINUSE);
	other.first = other.last = 3 * P;
	assert_int_equal(ioas_iopt_reserve(ioas, &other, 1, &w), 0);
	/* No order is asked for, neighbours may touch. */
	assert_int_equal(allow(ioas, 6 * P, 7 * P - 1, 5 * P, 6 * P - 1), 0);
	assert_int_equal(ioas_iopt_allow(ioas, NULL, 0), 0);
	other.first = other.last = 4 * P;
	assert_int_equal(ioas_iopt_reserve(ioas, &other, 1, &w), 0);
	world_fini(&w);
}

static const struct op process_order[] = {
	{ POLICY(1) },
	{ FILE_PAGES(0, 8, 0) },
	{ PROCESS(1) },
	{ DEVICE_PAGES(2, 4) },
	{ SPACE(0) },
	{ SPACE(1) },
	{ CALLER(1) },
	{ CHANGE_PROCESS() },
	{ CALLER(0) },
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, 0, 4 * P, IO, RW) },
	{ CALLER(1) },
	{ LIMIT(1, 3) },
	/* A source that is no file, pinned or not, before the limit. */
	{ MAP(1, 1, VA, P, IO, RW) },
	{ CHANGE_PROCESS(), .err = -EINVAL },
	{ UNMAP_ALL(1, P) },
	{ MAP(1, 2, 0, P, IO, RW) },
	{ CHANGE_PROCESS(), .err = -EINVAL },
	{ UNMAP_ALL(1, P) },
	{ CHANGE_PROCESS(), .err = -ENOMEM },
	{ CHARGED_MM(0, 4) },
	{ CHARGED_MM(1, 0) },
	{ LIMIT(1, 4) },
	{ CHANGE_PROCESS() },
	{ CHARGED_MM(0, 0) },
	{ CHARGED_MM(1, 4) },
};

static void change_of_process_checks_sources_first(void **state)
{
	(void)state;
	RUN(process_order);
}

/* ---- a bitmap with a page that is not there: 6.13 ----------------------- */

static struct {
	unsigned char bytes[2 * P + 8];
	/* Address of the page that cannot be reached. */
	uint64_t missing;
} bitmap;

static bool is_missing(uint64_t at, size_t n)
{
	return ioas_intersects(at, at + (n - 1), bitmap.missing,
			       bitmap.missing + (P - 1));
}

static int copy_from(struct ioas_caller *c, void *dst, uint64_t src, size_t n)
{
	(void)c;
	if (is_missing(src, n))
		return -EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, n);
	return 0;
}

static int copy_to(struct ioas_caller *c, uint64_t dst, const void *src,
		   size_t n)
{
	(void)c;
	if (is_missing(dst, n))
		return -EFAULT;
	memcpy((void *)(uintptr_t)dst, src, n);
	return 0;
}

/* A bit for each byte of 16 pages, all dirty: two pages of bitmap. */
static void a_missing_page_of_the_bitmap_is_skipped(void **state)
{
	static const struct ioas_uaccess_ops uaccess = { copy_from, copy_to };
	struct ioas_dirty_request rq = {
		.iova = IO,
		.length = 16 * P,
		.granularity = 1,
		.bitmap = (uintptr_t)(bitmap.bytes + 4),
		.flags = IOAS_DIRTY_NO_CLEAR,
	};
	ioas_iova_t iova = IO;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_process(&w, 0);
	world_map_memory(&w, 0, 16, 16, IOAS_SIM_CONSECUTIVE, 0);
	assert_int_equal(world_space(&w, 0), 0);
	assert_int_equal(world_domain(&w, 0, PAGES_ALL, 0, TOP), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	assert_int_equal(ioas_iopt_map(w.spaces[0], w.origins[0], VA, 16 * P,
				       RW, IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(ioas_dirty_set(w.spaces[0], w.domains[0], true), 0);
	world_touch(&w, 0, IO, IO + 16 * P - 1);
	w.caller.uaccess = &uaccess;
	/* The first whole page; part of it is not the bitmap's. */
	bitmap.missing = ioas_align_up(rq.bitmap, P);
	assert_int_equal(ioas_dirty_read(w.spaces[0], w.domains[0], &rq),
			 -EFAULT);
	memset(bitmap.bytes, 0, sizeof(bitmap.bytes));
	rq.skip_faults = true;
	rq.flags = 0;
	assert_int_equal(ioas_dirty_read(w.spaces[0], w.domains[0], &rq), 0);
	for (uint64_t i = 0; i < 2 * P; i++)
		assert_int_equal(bitmap.bytes[4 + i],
				 is_missing(rq.bitmap + i, 1) ? 0 : 0xff);
	/* Lost or not, it was read. */
	memset(bitmap.bytes, 0, sizeof(bitmap.bytes));
	bitmap.missing = 0;
	assert_int_equal(ioas_dirty_read(w.spaces[0], w.domains[0], &rq), 0);
	for (uint64_t i = 0; i < 2 * P; i++)
		assert_int_equal(bitmap.bytes[4 + i], 0);
	w.caller.uaccess = NULL;
	world_fini(&w);
}

/* ---- what a front end asks ---------------------------------------------- */

static void areas_are_numbered_by_iova(void **state)
{
	static const ioas_iova_t at[] = { IO + 8 * P, 0, IO, TOP - P + 1 };
	ioas_iova_t iova;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	world_process(&w, 0);
	assert_int_equal(world_space(&w, 0), 0);
	iova = 7;
	assert_false(ioas_iopt_nth(w.spaces[0], 0, &iova));
	assert_int_equal(iova, 7);
	for (unsigned int i = 0; i < 4; i++) {
		iova = at[i];
		assert_int_equal(ioas_iopt_map(w.spaces[0], w.origins[0], VA,
					       P, RW, IOAS_MAP_FIXED, &iova),
				 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		static const unsigned int order[] = { 1, 2, 0, 3 };

		assert_true(ioas_iopt_nth(w.spaces[0], i, &iova));
		assert_int_equal(iova, at[order[i]]);
	}
	assert_false(ioas_iopt_nth(w.spaces[0], 4, &iova));
	assert_false(ioas_iopt_nth(w.spaces[0], UINT32_MAX, &iova));
	world_fini(&w);
}

static void page_sizes_are_those_of_all_domains(void **state)
{
	uint64_t alignment = 0;
	struct ioas *ioas;
	struct world w;

	(void)state;
	world_init(&w, NULL);
	assert_int_equal(world_space(&w, 0), 0);
	ioas = w.spaces[0];
	assert_int_equal(ioas_iopt_pgsizes(ioas, &alignment), UINT64_MAX);
	assert_int_equal(alignment, 1);
	assert_int_equal(world_domain(&w, 0, P / 2 | PAGES_ALL, 0, TOP), 0);
	assert_int_equal(world_domain(&w, 1, P | 512 * P, 0, TOP), 0);
	assert_int_equal(world_attach(&w, 0, 0), 0);
	assert_int_equal(ioas_iopt_pgsizes(ioas, &alignment),
			 P / 2 | PAGES_ALL);
	assert_int_equal(alignment, P / 2);
	assert_int_equal(world_attach(&w, 0, 1), 0);
	assert_int_equal(ioas_iopt_pgsizes(ioas, &alignment), P | 512 * P);
	assert_int_equal(alignment, P);
	assert_int_equal(ioas_iopt_alignment(ioas), P);
	world_detach(&w, 1);
	world_detach(&w, 0);
	assert_int_equal(ioas_iopt_alignment(ioas), 1);
	world_fini(&w);
}

#define CASE(name) cmocka_unit_test_teardown(name, script_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(map_checks_come_in_order),
		CASE(copy_checks_come_in_order),
		CASE(unmap_checks_come_in_order),
		CASE(page_sizes_are_checked_in_order),
		CASE(access_checks_come_in_order),
		CASE(a_space_has_65536_accesses_at_most),
		CASE(cut_checks_come_in_order),
		CASE(cuts_are_made_in_the_order_given),
		CASE(allowed_ranges_are_checked_in_order),
		CASE(change_of_process_checks_sources_first),
		CASE(a_missing_page_of_the_bitmap_is_skipped),
		CASE(areas_are_numbered_by_iova),
		CASE(page_sizes_are_those_of_all_domains),
	};

	return cmocka_run_group_tests_name("abi order", tests, NULL, NULL);
}
