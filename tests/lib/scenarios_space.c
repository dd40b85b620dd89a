/* SPDX-License-Identifier: MIT */
/*
 * scenarios_space: what a space, its clients and its memory go through (S13 -
 * S28), as far as it needs no threads and no look at the contents
 */
#include "scenarios.h"

#define IO UINT64_C(0x1000000)
#define VA (16 * P)
#define TOP UINT64_MAX
/* More callbacks than any unmap makes. */
#define NEVER UINT32_MAX

#define MACHINE(nr, layout)                                          \
	{ PROCESS(0) }, { MEMORY(0, 16, nr, layout) }, { SPACE(0) }
#define NEW_DOMAIN(s, d) { DOMAIN(d, PAGES_ALL) }, { ATTACH(s, d) }
#define NEW_CLIENT(c, s) { CLIENT(c, IOAS_ACCESS_PINS) }, { JOIN(c, s) }

static size_t copy_rows(struct op *to, const struct op *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = from[i];
	return n;
}

/* S13: the alignment rises with a domain or a client, and falls again. */
static const struct op s13[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	{ ALIGNED(0, 1) },
	{ DOMAIN(0, P / 2) },
	{ DOMAIN(1, PAGES_4K) },
	{ DOMAIN(2, UINT64_C(1) << 16) },
	{ ATTACH(0, 2), .err = -EINVAL },
	{ ATTACH(0, 0) },
	{ ATTACH(0, 0), .err = -EEXIST },
	{ ALIGNED(0, P / 2) },
	{ MAP(0, 0, VA, 3 * P / 2, IO, RW) },
	{ MAP(0, 0, VA, P / 4, IO + 8 * P, RW), .err = -EINVAL },
	{ CLIENT(0, IOAS_ACCESS_PINS) },
	{ CLIENT(1, 0) },
	{ JOIN(0, 0), .err = -EADDRINUSE },
	{ JOIN(1, 0) },
	{ ATTACH(0, 1), .err = -EADDRINUSE },
	{ ALIGNED(0, P / 2) },
	{ DETACH(0) },
	{ ALIGNED(0, 1) },
	{ MAP(0, 0, VA, P / 4, IO + 8 * P, RW) },
	{ ATTACH(0, 0), .err = -EADDRINUSE },
	{ UNMAP(0, IO + 8 * P, P / 4, P / 4) },
	{ UNMAP(0, IO, 2 * P, 3 * P / 2) },
	{ JOIN(0, 0) },
	{ ALIGNED(0, P) },
	{ MAP(0, 0, VA, P / 2, IO, RW), .err = -EINVAL },
	{ LEAVE(0) },
	{ LEAVE(0), .err = -ENOENT },
	{ ALIGNED(0, 1) },
	{ ATTACH(0, 1) },
	{ ALIGNED(0, P) },
};

/* S14: a client that releases at once, on the third callback, or never. */
static const struct op s14[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 2 * P, IO, RW) },
	{ PIN(0, IO, 2 * P, 0) },
	{ UNMAP(0, IO, 2 * P, 2 * P) },
	{ CALLS(0, 1) },
	{ MAP(0, 0, VA, 2 * P, IO, RW) },
	{ PIN(0, IO, P, 0) },
	{ PIN(0, IO + P, P, 0) },
	{ PATIENCE(0, 2) },
	{ UNMAP(0, IO, 2 * P, 2 * P) },
	{ CALLS(0, 4) },
	{ MAP(0, 0, VA, 2 * P, IO, RW) },
	{ PIN(0, IO, P, 0) },
	{ PATIENCE(0, NEVER) },
	{ UNMAP(0, IO, 2 * P, 0), .err = -EDEADLK },
	/* The area stays closed until an unmap gets through. */
	{ PIN(0, IO, P, 0), .err = -EINVAL },
	{ COPY_BYTES(0, IO, 16, 0), .err = -EINVAL },
	{ HELD(1, 1, 1) },
	{ PATIENCE(0, 0) },
	{ UNMAP(0, IO, 2 * P, 2 * P) },
	{ HELD(0, 0, 0) },
};

/* S15: three areas, the middle one makes trouble. */
static size_t s15_build(unsigned int v, struct op *ops)
{
	static const struct op start[] = {
		MACHINE(16, IOAS_SIM_SCATTERED),
		NEW_DOMAIN(0, 0),
		{ CLIENT(0, IOAS_ACCESS_PINS) },
		{ JOIN(0, 0) },
		{ CLIENT(1, IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL) },
		{ JOIN(1, 0) },
		{ MAP(0, 0, VA, 2 * P, IO, RW) },
		{ MAP(0, 0, VA + 2 * P, 2 * P, IO + 2 * P, RW) },
		{ MAP(0, 0, VA + 4 * P, 2 * P, IO + 4 * P, RW) },
	};
	static const struct op pinned[] = {
		{ PIN(0, IO + P, 4 * P, 0) },
		{ HELD(6, 4, 6) },
		{ UNMAP(0, IO, 6 * P, 6 * P) },
		{ HELD(0, 0, 0) },
	};
	static const struct op stuck[] = {
		{ PIN(0, IO + 3 * P, P, 0) },
		{ PATIENCE(0, NEVER) },
		{ UNMAP(0, IO, 6 * P, 2 * P), .err = -EDEADLK },
		{ HELD(4, 1, 4) },
		{ AREAS(0, 2) },
	};
	static const struct op locked[] = {
		{ PIN(1, IO + 3 * P, P, 0) },
		{ UNMAP(0, IO, 6 * P, 2 * P), .err = -EBUSY },
		{ HELD(4, 1, 4) },
		{ UNPIN(1, IO + 3 * P, P) },
		{ UNMAP(0, IO, 6 * P, 4 * P) },
		{ HELD(0, 0, 0) },
	};
	static const struct op out_high[] = {
		{ UNMAP(0, IO, 3 * P, 2 * P), .err = -ENOENT },
		{ HELD(4, 0, 4) },
		{ UNMAP(0, IO + 3 * P, 3 * P, 0), .err = -ENOENT },
		{ UNMAP(0, IO, P, 0) },
		{ UNMAP(0, IO, 0, 0), .err = -EINVAL },
		{ UNMAP(0, TOP, 2, 0), .err = -EOVERFLOW },
		{ AREAS(0, 2) },
	};
	size_t n = copy_rows(ops, start, IOAS_ARRAY_SIZE(start));

	switch (v) {
	case 0:
		return n + copy_rows(ops + n, pinned, IOAS_ARRAY_SIZE(pinned));
	case 1:
		return n + copy_rows(ops + n, stuck, IOAS_ARRAY_SIZE(stuck));
	case 2:
		return n + copy_rows(ops + n, locked, IOAS_ARRAY_SIZE(locked));
	default:
		return n + copy_rows(ops + n, out_high,
				     IOAS_ARRAY_SIZE(out_high));
	}
}

/* S17: a client moves to another space while it holds pins. */
static const struct op s17[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ COPY(1, 0, IO + 2 * P, 2 * P, IO, RW) },
	{ PIN(0, IO, 3 * P, 0) },
	{ PIN(0, IO + P, 3 * P, 0) },
	{ HELD(4, 4, 4) },
	{ MOVE(0, 0) },
	{ CALLS(0, 0) },
	{ MOVE(0, 1) },
	{ CALLS(0, 1) },
	{ HELD(0, 0, 0) },
	{ ALIGNED(0, 1) },
	{ ALIGNED(1, P) },
	{ PIN(0, IO, 4 * P, 0), .err = -ENOENT },
	{ PIN(0, IO, 2 * P, 0) },
	{ HELD(2, 2, 2) },
	/* A space that cannot have it leaves it where it is. */
	{ MAP(0, 0, VA, P / 2, IO + 16 * P, RW) },
	{ MOVE(0, 0), .err = -EADDRINUSE },
	{ HELD(2, 2, 2) },
	{ UNPIN(0, IO, 2 * P) },
	{ CLIENT(1, 0) },
	{ MOVE(1, 0), .err = -ENOENT },
};

/* S18: split in small-page mode, and of half pages without a domain. */
static const struct op s18[] = {
	MACHINE(8, IOAS_SIM_CONSECUTIVE),
	{ SMALL(0, 1) },
	{ ALIGNED(0, P) },
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 8 * P, IO, RW) },
	{ MAPS(0, 8) },
	{ SPLIT(0, IO + 3 * P - 1) },
	{ AREAS(0, 2) },
	{ SPLIT(0, IO + 5 * P - 1) },
	{ SPLIT(0, IO + 5 * P - 1) },
	{ SPLIT(0, IO + 5 * P) },
	{ SPLIT(0, IO + 64 * P) },
	{ AREAS(0, 3) },
	{ SPLIT(0, IO + P), .err = -EINVAL },
	{ HELD(8, 0, 8) },
	{ MAPS(0, 8) },
	{ UNMAP(0, IO + 3 * P, 2 * P, 2 * P) },
	{ HELD(6, 0, 6) },
	{ DETACH(0) },
	{ HELD(0, 0, 0) },
	{ ATTACH(0, 0) },
	{ HELD(6, 0, 6) },
	{ MAPS(0, 14) },
	{ UNMAP(0, IO, 3 * P, 3 * P) },
	{ UNMAP(0, IO + 5 * P, 3 * P, 3 * P) },
	{ HELD(0, 0, 0) },
};

static const struct op s18_half[] = {
	MACHINE(3, IOAS_SIM_CONSECUTIVE),
	NEW_CLIENT(0, 0),
	{ LEAVE(0) },
	{ MAP(0, 0, VA, 3 * P, IO, RW) },
	{ SPLIT(0, IO + 3 * P / 2 - 1) },
	{ AREAS(0, 2) },
	{ DOMAIN(0, P / 2) },
	{ ATTACH(0, 0) },
	{ HELD(3, 0, 3) },
	{ MAPS(0, 2) },
	{ UNMAP(0, IO, 3 * P / 2, 3 * P / 2) },
	{ HELD(2, 0, 2) },
	{ PINS_OF(0, 17, 1) },
	{ UNMAP_ALL(0, 3 * P / 2) },
	{ HELD(0, 0, 0) },
};

/* S19: what cannot be split, and why. */
static const struct op s19[] = {
	MACHINE(8, IOAS_SIM_CONSECUTIVE),
	{ DEVICE_PAGES(1, 4) },
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ MAP(0, 1, 0, 4 * P, IO + 16 * P, RW) },
	{ SPLIT(0, IO + P), .err = -EINVAL },
	{ SPLIT(0, IO + 17 * P - 1), .err = -EOPNOTSUPP },
	{ PIN(0, IO, P, 0) },
	{ SPLIT(0, IO + 2 * P - 1), .err = -EINVAL },
	{ PATIENCE(0, NEVER) },
	{ UNMAP(0, IO, 4 * P, 0), .err = -EDEADLK },
	{ SPLIT(0, IO + 2 * P - 1), .err = -EBUSY },
	{ UNPIN(0, IO, P) },
	{ UNMAP(0, IO, 4 * P, 4 * P) },
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ SPLIT(0, IO + 2 * P - 1), .err = -EINVAL },
	/* Both ends of an area are no cut. */
	{ SPLIT(0, IO) },
	{ SPLIT(0, IO + 4 * P - 1) },
	{ SMALL(0, 1), .err = -EINVAL },
	{ AREAS(0, 2) },
};

/* ---- S20: files in folios ----------------------------------------------- */

static size_t s20_build(unsigned int v, struct op *ops)
{
	static const uint8_t folios[] = { 0, 1, 2, 3, IOAS_SIM_FOLIO_MIXED };
	const uint64_t first = v % 4;
	const struct op rows[] = {
		{ FILE_PAGES(0, 21, folios[v / 4]) },
		{ SPACE(0) },
		NEW_DOMAIN(0, 0),
		NEW_CLIENT(0, 0),
		{ MAP(0, 0, first * P, 9 * P, IO, RW) },
		{ HELD(9, 0, 9) },
		{ PINS_OF(0, first + 8, 1) },
		{ MAP(0, 0, (20 - first) * P, P, IO + 16 * P, RW) },
		{ HELD(10, 0, 10) },
		/* Beyond the end: noticed when the last page is pinned. */
		{ MAP(0, 0, 17 * P, 5 * P, IO + 32 * P, RW), .err = -EINVAL },
		{ HELD(10, 0, 10) },
		{ PIN(0, IO + P, 7 * P, 0) },
		{ DETACH(0) },
		{ HELD(7, 7, 7) },
		/* The page after the record. */
		{ BAD_PAGE(first + 8) },
		{ ATTACH(0, 0), .err = -EFAULT },
		{ HELD(7, 7, 7) },
		{ BAD_PAGE(ALL_GOOD) },
		{ ATTACH(0, 0) },
		{ HELD(10, 7, 10) },
		{ UNPIN(0, IO + P, 7 * P) },
		{ UNMAP(0, IO, 9 * P, 9 * P) },
		{ HELD(1, 0, 1) },
	};

	return copy_rows(ops, rows, IOAS_ARRAY_SIZE(rows));
}

/* A page that cannot be pinned, at every place. */
static size_t s20_budget_build(unsigned int v, struct op *ops)
{
	const struct op rows[] = {
		{ FILE_PAGES(0, 16, IOAS_SIM_FOLIO_MIXED) },
		{ SPACE(0) },
		NEW_DOMAIN(0, 0),
		NEW_CLIENT(0, 0),
		{ BAD_PAGE(3 + v) },
		{ MAP(0, 0, 3 * P, 9 * P, IO, RW), .err = -EFAULT },
		{ HELD(0, 0, 0) },
		{ AREAS(0, 0) },
		{ BAD_PAGE(ALL_GOOD) },
		{ MAP(0, 0, 3 * P, 9 * P, IO, RW) },
		{ DETACH(0) },
		{ BAD_PAGE(3 + v) },
		{ PIN(0, IO, 9 * P, 0), .err = -EFAULT },
		{ HELD(0, 0, 0) },
		{ BAD_PAGE(ALL_GOOD) },
		{ PIN(0, IO, 9 * P, 0) },
		{ HELD(9, 9, 9) },
	};

	return copy_rows(ops, rows, IOAS_ARRAY_SIZE(rows));
}

/* S21: the process dies; what is held stays usable, nothing else is. */
static const struct op s21[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	NEW_CLIENT(0, 0),
	NEW_DOMAIN(1, 1),
	{ DOMAIN(0, PAGES_ALL) },
	{ MAP(0, 0, VA, 8 * P, IO, RW) },
	{ COPY(1, 0, IO + 4 * P, 2 * P, IO, RW) },
	{ PIN(0, IO + P, 2 * P, 0) },
	{ HELD(4, 2, 4) },
	{ DIE(0) },
	{ ATTACH(0, 0), .err = -EFAULT },
	{ PIN(0, IO, 2 * P, 0), .err = -EFAULT },
	{ HELD(4, 2, 4) },
	{ COPY_BYTES(0, IO + P, 2 * P, IOAS_ACCESS_WRITE) },
	{ COPY_BYTES(0, IO + 4 * P + 8, 64, 0) },
	{ COPY_BYTES(0, IO + 6 * P, 64, 0), .err = -EFAULT },
	{ COPY_BYTES(0, IO + 6 * P, 2 * P, 0), .err = -EFAULT },
	{ HELD(4, 2, 4) },
	{ PIN(0, IO + 4 * P, 2 * P, 0) },
	{ HELD(4, 4, 4) },
	{ UNMAP_ALL(1, 2 * P) },
	{ HELD(4, 4, 4) },
	{ UNPIN(0, IO + P, 2 * P) },
	{ HELD(2, 2, 2) },
	{ UNMAP_ALL(0, 8 * P) },
	{ HELD(0, 0, 0) },
	{ MAP(0, 0, VA, P, IO, RW) },
	{ MAP(1, 0, VA, P, IO, RW), .err = -EFAULT },
};

/* S23: permission of the area, and of the pages object. */
static const struct op s23[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 16, 4, IOAS_SIM_SCATTERED) },
	{ MEMORY_READ_ONLY(0, 20, 4, IOAS_SIM_SCATTERED) },
	{ SPACE(0) },
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ MAP(0, 0, VA, 4 * P, IO + 8 * P, RD) },
	/* A read-only area of a writable object. */
	{ COPY(0, 0, IO, 4 * P, IO + 16 * P, RD) },
	{ PIN(0, IO + 16 * P, P, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ COPY_BYTES(0, IO + 16 * P, 8, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ COPY_BYTES(0, IO + 16 * P, 8, 0) },
	{ PIN(0, IO + 16 * P, P, 0) },
	/* An object that is not writable. */
	{ COPY(0, 0, IO + 8 * P, 4 * P, IO + 24 * P, RW), .err = -EPERM },
	{ PIN(0, IO + 8 * P, P, IOAS_ACCESS_WRITE), .err = -EPERM },
	{ COPY_BYTES(0, IO + 8 * P, 8, IOAS_ACCESS_WRITE), .err = -EPERM },
	/* Write only. */
	{ COPY(0, 0, IO, 4 * P, IO + 24 * P, IOAS_PROT_WRITE) },
	{ PIN(0, IO + 24 * P, P, 0), .err = -EPERM },
	{ COPY_BYTES(0, IO + 24 * P, 8, 0), .err = -EPERM },
	{ COPY_BYTES(0, IO + 24 * P, 8, IOAS_ACCESS_WRITE) },
	{ PIN(0, IO + 24 * P, P, IOAS_ACCESS_WRITE) },
	{ HELD(1, 1, 1) },
	/* Memory that cannot be written: noticed when it is pinned. */
	{ MAP(0, 0, VA + 4 * P, 4 * P, IO + 32 * P, RW) },
	{ PIN(0, IO + 32 * P, P, 0), .err = -EFAULT },
	{ MAP(0, 0, VA + 4 * P, 4 * P, IO + 40 * P, RD) },
	{ PIN(0, IO + 40 * P, P, 0) },
	{ HELD(2, 2, 2) },
};

/* S24: device memory is mapped as one run, never pinned, and can be taken. */
static const struct op s24[] = {
	{ DEVICE_PAGES(0, 8) },
	{ SPACE(0) },
	{ SPACE(1) },
	NEW_CLIENT(0, 0),
	NEW_DOMAIN(0, 0),
	NEW_DOMAIN(1, 2),
	{ MAP(0, 0, 4 * P, 5 * P, IO, RW), .err = -EINVAL },
	{ MAP(0, 0, P, 6 * P, IO, RW) },
	{ HELD(0, 0, 0) },
	{ MAPS(0, 1) },
	NEW_DOMAIN(0, 1),
	{ MAPS(1, 1) },
	{ PAGE_OF(1, IO + P, 0, 2) },
	{ COPY(1, 0, IO + P, 2 * P, IO, RD) },
	{ MAPS(2, 1) },
	{ PIN(0, IO, P, 0), .err = -EINVAL },
	{ COPY_BYTES(0, IO, 8, 0), .err = -EINVAL },
	{ DETACH(0) },
	{ REVOKE(0) },
	{ REVOKE(0) },
	NEW_DOMAIN(0, 3),
	{ MAPS(3, 0) },
	{ COPY(0, 1, IO, 2 * P, IO + 16 * P, RD) },
	{ MAPS(1, 1) },
	{ MAPS(3, 0) },
	{ MAP(0, 0, 0, P, IO + 32 * P, RW), .err = -ENODEV },
	{ DETACH(1) },
	{ UNMAP_ALL(0, 8 * P) },
	{ UNMAP_ALL(1, 2 * P) },
	{ HELD(0, 0, 0) },
};

/* S25: the charges move to another process; what is shared moves once. */
static const struct op s25[] = {
	{ POLICY(1) },
	{ FILE_PAGES(0, 8, 1) },
	{ PROCESS(1) },
	{ MEMORY(1, 16, 4, IOAS_SIM_SCATTERED) },
	{ SPACE(0) },
	{ SPACE(1) },
	NEW_DOMAIN(0, 0),
	NEW_DOMAIN(1, 1),
	{ MAP(0, 0, 0, 4 * P, IO, RW) },
	{ COPY(1, 0, IO, 4 * P, IO, RW) },
	{ HELD(4, 0, 0) },
	{ CHARGED_MM(0, 4) },
	{ CALLER(1) },
	{ LIMIT(1, 3) },
	{ CHANGE_PROCESS(), .err = -ENOMEM },
	{ CHARGED_MM(0, 4) },
	{ CHARGED_MM(1, 0) },
	{ LIMIT(1, 4) },
	{ MAP(1, 1, VA, P, IO + 16 * P, RW) },
	{ CHANGE_PROCESS(), .err = -EINVAL },
	{ UNMAP(1, IO + 16 * P, P, P) },
	{ CHANGE_PROCESS() },
	{ CHARGED_MM(0, 0) },
	{ CHARGED_MM(1, 4) },
	{ CHANGE_PROCESS() },
	{ CHARGED_MM(1, 4) },
	{ POLICY(0), .err = -EBUSY },
	{ UNMAP_ALL(0, 4 * P) },
	{ CHARGED_MM(1, 4) },
	{ UNMAP_ALL(1, 4 * P) },
	{ CHARGED_MM(1, 0) },
};

/* S26: dirty bits, fine and coarse. */
static const struct op s26[] = {
	MACHINE(16, IOAS_SIM_CONSECUTIVE),
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 8 * P, IO, RW) },
	{ MAP(0, 0, VA + 8 * P, 8 * P, IO + 8 * P, RW) },
	{ DIRTY_SET(0, 0, 1) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, 0, 0) },
	{ TOUCH(0, IO + P, 2 * P) },
	{ TOUCH(0, IO + 9 * P, 1) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, IOAS_DIRTY_NO_CLEAR, 3) },
	{ DIRTY_READ(0, 0, IO, 16 * P, 4 * P, IOAS_DIRTY_NO_CLEAR, 2) },
	{ DIRTY_READ(0, 0, IO, 16 * P, 16 * P, IOAS_DIRTY_NO_CLEAR, 1) },
	{ DIRTY_READ(0, 0, IO + 2 * P, 2 * P, P, 0, 1) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, IOAS_DIRTY_NO_CLEAR, 2) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, 0, 2) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, 0, 0) },
	{ TOUCH(0, IO, P) },
	/* On again forgets. */
	{ DIRTY_SET(0, 0, 1) },
	{ DIRTY_READ(0, 0, IO, 16 * P, P, 0, 0) },
	{ DIRTY_READ(0, 0, IO, 16 * P, 3 * P, 0, 0), .err = -EINVAL },
	{ DIRTY_READ(0, 0, IO, 16 * P, 0, 0, 0), .err = -EINVAL },
	{ DIRTY_READ(0, 0, IO + P, 2 * P, 2 * P, 0, 0), .err = -EINVAL },
	{ DIRTY_READ(0, 0, IO + 1, P, 1, 0, 0), .err = -EINVAL },
	{ DIRTY_READ(0, 0, IO, 0, P, 0, 0), .err = -EINVAL },
	{ DIRTY_READ(0, 0, TOP - P + 1, 2 * P, P, 0, 0), .err = -EOVERFLOW },
	{ TOUCH(0, IO + 15 * P, P) },
	/* A gap: what lies before it is reported. */
	{ DIRTY_READ(0, 0, IO + 8 * P, 16 * P, P, 0, 1), .err = -EINVAL },
	{ TOUCH(0, IO, 16 * P) },
	{ UNMAP(0, IO, 8 * P, 8 * P) },
	{ DIRTY_READ(0, 0, IO + 8 * P, 8 * P, P, 0, 8) },
	{ DIRTY_SET(0, 0, 0) },
	{ DIRTY_SET(0, 0, 0) },
	{ TOUCH(0, IO + 8 * P, P) },
	{ DIRTY_READ(0, 0, IO + 8 * P, 8 * P, P, 0, 0) },
};

/* S27, S28: both ends of the address space, where nothing may wrap. */
static const struct op s28[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	NEW_CLIENT(0, 0),
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 2 * P, TOP - 2 * P + 1, RW) },
	{ MAP(0, 0, VA, 2 * P, 0, RW) },
	{ MAP(0, 0, VA, 2 * P, TOP - P + 1, RW), .err = -EOVERFLOW },
	{ MAP(0, 0, VA, P, TOP - P + 1, RW), .err = -EEXIST },
	{ RESERVE(0, TOP - P + 1, TOP, 1), .err = -EADDRINUSE },
	{ RESERVE(0, 0, 0, 1), .err = -EADDRINUSE },
	{ RESERVE(0, 2, 1, 1), .err = -EINVAL },
	{ PIN(0, TOP - 2 * P + 1, 2 * P, 0) },
	{ PIN(0, TOP - P + 1, 2 * P, 0), .err = -EOVERFLOW },
	{ PIN(0, TOP - 4 * P + 1, 4 * P, 0), .err = -ENOENT },
	{ COPY_BYTES(0, TOP, 1, 0) },
	{ COPY(0, 0, TOP - P + 1, P, TOP - 16 * P + 1, RW) },
	{ HELD(4, 2, 4) },
	{ UNMAP_ALL(0, 5 * P) },
	{ UNMAP_ALL(0, 0) },
	{ HELD(0, 0, 0) },
	{ RESERVE(0, TOP - 2 * P + 1, TOP, 1) },
	{ RESERVE(0, 0, P - 1, 2) },
	{ RESERVE(0, TOP - P + 1, TOP, 2) },
	{ MAP(0, 0, VA, P, 0, RW), .err = -EINVAL },
	{ MAP(0, 0, VA, P, TOP - P + 1, RW), .err = -EINVAL },
	{ MAP(0, 0, VA, P, TOP - 3 * P + 1, RW) },
	{ UNRESERVE(0, 2) },
	{ MAP(0, 0, VA, P, 0, RW) },
	{ MAP(0, 0, VA, P, TOP - P + 1, RW), .err = -EINVAL },
	{ UNRESERVE(0, 1) },
	{ MAP(0, 0, VA, P, TOP - P + 1, RW) },
	{ ALLOW(0, TOP - 8 * P + 1, TOP) },
	{ RESERVE(0, TOP - 5 * P + 1, TOP - 4 * P, 1), .err = -EADDRINUSE },
	{ ALLOW(0, 5, 5), .err = -EINVAL },
	{ MAP_ANY(0, 0, VA, P, RW), .out = TOP - 8 * P + 1 },
	{ ALLOW(0, 1, 0) },
	{ MAP_ANY(0, 0, VA, P, RW), .out = P },
	{ RESERVE(0, 8 * P, 9 * P, 1) },
	{ ALLOW(0, 4 * P, 16 * P), .err = -EADDRINUSE },
	{ DOMAIN_APERTURE(1, PAGES_4K, 0, TOP >> 1) },
	{ ATTACH(0, 1), .err = -EADDRINUSE },
	{ UNMAP(0, TOP >> 1, TOP / 2 + 2, 3 * P) },
	{ ATTACH(0, 1) },
	{ MAP(0, 0, VA, P, TOP - P + 1, RW), .err = -EINVAL },
};

#define TABLE_OF(name_, ops_) \
	{ .name = name_, .ops = ops_, .nr = IOAS_ARRAY_SIZE(ops_), \
	  .variants = 1 }
#define FAMILY(name_, build_, variants_) \
	{ .name = name_, .build = build_, .variants = variants_ }

const struct scenario scenarios_space[] = {
	TABLE_OF("S13 alignment", s13),
	TABLE_OF("S14 patience of a client", s14),
	FAMILY("S15 trouble in the middle", s15_build, 4),
	TABLE_OF("S17 a client moves", s17),
	TABLE_OF("S18 split", s18),
	TABLE_OF("S18 split of half pages", s18_half),
	TABLE_OF("S19 split refused", s19),
	FAMILY("S20 folios", s20_build, 20),
	FAMILY("S20 folios, a page that cannot be pinned", s20_budget_build, 9),
	TABLE_OF("S21 the process dies", s21),
	TABLE_OF("S23 permissions", s23),
	TABLE_OF("S24 device memory", s24),
	TABLE_OF("S25 change of process", s25),
	TABLE_OF("S26 dirty", s26),
	TABLE_OF("S28 both ends of the address space", s28),
};
const size_t nr_scenarios_space = IOAS_ARRAY_SIZE(scenarios_space);
