/* SPDX-License-Identifier: MIT */
/*
 * scenarios_pins: who holds which page (S1 - S7, S9, S12, S29, S30, S32)
 */
#include "scenarios.h"

/* Where things are mapped, and where memory begins, in bytes. */
#define IO UINT64_C(0x1000000)
#define VA (16 * P)

/* Process 0 has @nr pages from VA on; space 0 exists. */
#define MACHINE(nr, layout)                                          \
	{ PROCESS(0) }, { MEMORY(0, 16, nr, layout) }, { SPACE(0) }

#define NEW_DOMAIN(s, d) { DOMAIN(d, PAGES_ALL) }, { ATTACH(s, d) }
#define NEW_CLIENT(c, s) { CLIENT(c, IOAS_ACCESS_PINS) }, { JOIN(c, s) }

/* S1: the table of ioas-core A.1, row by row. */
static const struct op s1[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 8 * P, IO, RW) },
	{ HELD(0, 0, 0) },
	{ PIN(0, IO + 2 * P, 3 * P, IOAS_ACCESS_WRITE) },
	{ HELD(3, 3, 3) },
	NEW_DOMAIN(0, 0),
	{ HELD(8, 3, 8) },
	{ MAPS(0, 8) },
	{ PIN(0, IO + 4 * P, 3 * P, IOAS_ACCESS_WRITE) },
	{ HELD(8, 5, 8) },
	NEW_DOMAIN(0, 1),
	{ HELD(8, 5, 8) },
	{ MAPS(1, 8) },
	{ DETACH(0) },
	{ HELD(8, 5, 8) },
	{ DETACH(1) },
	{ HELD(5, 5, 5) },
	{ UNPIN(0, IO + 2 * P, 3 * P) },
	{ HELD(3, 3, 3) },
	{ CALLS(0, 0) },
	{ UNMAP(0, IO, 8 * P, 8 * P) },
	{ CALLS(0, 1) },
	{ HELD(0, 0, 0) },
	{ AREAS(0, 0) },
};

/* The same with one run of frames: one map call, wherever frames come from. */
static const struct op s1_run[] = {
	MACHINE(8, IOAS_SIM_CONSECUTIVE),
	NEW_CLIENT(0, 0),
	{ MAP(0, 0, VA, 8 * P, IO, RW) },
	{ PIN(0, IO + 2 * P, 3 * P, IOAS_ACCESS_WRITE) },
	NEW_DOMAIN(0, 0),
	{ MAPS(0, 1) },
	{ PIN(0, IO + 4 * P, 3 * P, 0) },
	NEW_DOMAIN(0, 1),
	{ MAPS(1, 1) },
	{ DETACH(0) },
	{ DETACH(1) },
	{ HELD(5, 5, 5) },
	{ UNPIN(0, IO + 4 * P, 3 * P) },
	{ HELD(3, 3, 3) },
	{ UNPIN(0, IO + 2 * P, 3 * P) },
	{ HELD(0, 0, 0) },
	{ CALLS(0, 0) },
	{ UNMAP_ALL(0, 8 * P) },
};

/* ---- S2: three holders come and go in every order ----------------------- */

enum { S2_ATTACH, S2_PIN, S2_COPY, S2_HOLDERS };

static struct op s2_event(unsigned int what, bool leave)
{
	static const struct op come[] = {
		{ ATTACH(0, 0) },
		{ PIN(0, IO + P, 2 * P, 0) },
		{ COPY(1, 0, IO + 2 * P, 2 * P, IO, RD) },
	};
	static const struct op go[] = {
		{ DETACH(0) },
		{ UNPIN(0, IO + P, 2 * P) },
		{ UNMAP(1, IO, 2 * P, 2 * P) },
	};

	return leave ? go[what] : come[what];
}

/* The expected row: space 0 has pages 0-3, the client 1-2, the copy 2-3. */
static struct op s2_held(unsigned int in)
{
	static const uint8_t pages[] = { 0xf, 0x6, 0xc };
	unsigned int held = 0, stored = 0;

	for (unsigned int i = 0; i < S2_HOLDERS; i++)
		if (in >> i & 1)
			held |= pages[i];
	if (in >> S2_PIN & 1)
		stored = 2;
	held = (unsigned int)__builtin_popcount(held);
	return (struct op){ HELD(held, stored, held) };
}

/*
 * Every sequence of the six events in which each leaves after it came: 90. The
 * digits of @v in base 3, 2, ... would skip the illegal ones; counting them all
 * and taking the v-th legal one is simpler.
 */
static bool s2_sequence(unsigned int v, unsigned int *events)
{
	unsigned int legal = 0;

	for (unsigned int code = 0; code < 729; code++) {
		unsigned int c = code, count[S2_HOLDERS] = { 0 };

		for (unsigned int i = 0; i < 6; i++, c /= 3) {
			events[i] = c % 3;
			count[c % 3]++;
		}
		if (count[0] == 2 && count[1] == 2 && count[2] == 2 &&
		    legal++ == v)
			return true;
	}
	return false;
}

static size_t s2_build(unsigned int v, struct op *ops)
{
	static const struct op start[] = {
		MACHINE(4, IOAS_SIM_SCATTERED),
		{ SPACE(1) },
		NEW_CLIENT(0, 0),
		{ DOMAIN(0, PAGES_ALL) },
		NEW_DOMAIN(1, 1),
		{ MAP(0, 0, VA, 4 * P, IO, RW) },
	};
	unsigned int events[6], in = 0;
	size_t n = 0;

	for (; n < IOAS_ARRAY_SIZE(start); n++)
		ops[n] = start[n];
	if (!s2_sequence(v, events))
		return 0;
	for (unsigned int i = 0; i < 6; i++) {
		ops[n++] = s2_event(events[i], in >> events[i] & 1);
		in ^= 1u << events[i];
		ops[n++] = s2_held(in);
	}
	return n;
}

/* ---- S3: two records, every way to overlap ------------------------------ */

static size_t s3_build(unsigned int v, struct op *ops)
{
	/* The second record beside [10, 19]; pages of both. */
	static const struct {
		uint64_t first, nr, both;
	} second[] = {
		{ 12, 4, 10 }, /* nested */
		{ 5, 10, 15 }, /* overlaps to the left */
		{ 15, 10, 15 }, /* to the right */
		{ 10, 10, 10 }, /* identical */
		{ 20, 10, 20 }, /* adjacent */
		{ 25, 5, 15 }, /* apart */
		{ 8, 14, 14 }, /* contains it */
	};
	const uint64_t a2 = IO + second[v % 7].first * P;
	const uint64_t n2 = second[v % 7].nr, both = second[v % 7].both;
	const bool first_goes_first = v / 7 & 1, domain = v / 14;
	const uint64_t left = first_goes_first ? n2 : 10;
	const struct op rows[] = {
		MACHINE(40, IOAS_SIM_RUNS),
		NEW_CLIENT(0, 0),
		{ DOMAIN(0, PAGES_ALL) },
		{ MAP(0, 0, VA, 40 * P, IO, RW) },
		{ PIN(0, IO + 10 * P, 10 * P, 0) },
		{ HELD(10, 10, 10) },
		{ PIN(0, a2, n2 * P, 0) },
		{ HELD(both, both, both) },
		{ PIN(0, a2, n2 * P, 0) },
		{ UNPIN(0, a2, n2 * P) },
		{ HELD(both, both, both) },
	};
	size_t n = 0;

	for (; n < IOAS_ARRAY_SIZE(rows); n++)
		ops[n] = rows[n];
	if (domain) {
		ops[n++] = (struct op){ ATTACH(0, 0) };
		ops[n++] = (struct op){ HELD(40, both, 40) };
	}
	ops[n++] = first_goes_first ?
			   (struct op){ UNPIN(0, IO + 10 * P, 10 * P) } :
			   (struct op){ UNPIN(0, a2, n2 * P) };
	ops[n++] = (struct op){ HELD(domain ? 40 : left, left,
				     domain ? 40 : left) };
	ops[n++] = first_goes_first ?
			   (struct op){ UNPIN(0, a2, n2 * P) } :
			   (struct op){ UNPIN(0, IO + 10 * P, 10 * P) };
	ops[n++] = (struct op){ HELD(domain ? 40 : 0, 0, domain ? 40 : 0) };
	return n;
}

/* ---- S4: drain with a held middle --------------------------------------- */

/*
 * Frames 100-104 | 300 301 | 77 of ioas-core 11.4. Held by a second space
 * meanwhile: every range [f, l], by its domain or by a client of it.
 */
static size_t s4_build(unsigned int v, struct op *ops)
{
	static const struct op start[] = {
		{ PROCESS(0) },
		{ MEMORY(0, 16, 5, IOAS_SIM_CONSECUTIVE) },
		{ MEMORY(0, 99, 1, IOAS_SIM_DESCENDING) },
		{ MEMORY(0, 21, 2, IOAS_SIM_CONSECUTIVE) },
		{ MEMORY(0, 98, 1, IOAS_SIM_DESCENDING) },
		{ MEMORY(0, 23, 1, IOAS_SIM_CONSECUTIVE) },
		{ SPACE(0) },
		{ SPACE(1) },
		NEW_DOMAIN(0, 0),
		NEW_CLIENT(0, 1),
		{ DOMAIN(1, PAGES_ALL) },
		{ MAP(0, 0, VA, 8 * P, IO, RW) },
		{ HELD(8, 0, 8) },
		{ MAPS(0, 3) },
	};
	const bool record = v / 36;
	uint64_t f = 0, l, nr;
	size_t n = 0;

	for (v %= 36; v >= 8 - f; f++)
		v -= (unsigned int)(8 - f);
	l = f + v;
	nr = l - f + 1;
	for (; n < IOAS_ARRAY_SIZE(start); n++)
		ops[n] = start[n];
	ops[n++] = (struct op){ COPY(1, 0, IO + f * P, nr * P, IO, RW) };
	ops[n++] = record ? (struct op){ PIN(0, IO, nr * P, 0) } :
			    (struct op){ ATTACH(1, 1) };
	ops[n++] = (struct op){ HELD(8, record ? nr : 0, 8) };
	ops[n++] = (struct op){ UNMAP(0, IO, 8 * P, 8 * P) };
	ops[n++] = (struct op){ HELD(nr, record ? nr : 0, nr) };
	/* What is left is as good as new. */
	ops[n++] = record ? (struct op){ ATTACH(1, 1) } :
			    (struct op){ PIN(0, IO, nr * P, 0) };
	ops[n++] = (struct op){ HELD(nr, nr, nr) };
	ops[n++] = (struct op){ UNMAP(1, IO, nr * P, nr * P) };
	ops[n++] = (struct op){ HELD(0, 0, 0) };
	return n;
}

/* ---- S5: three domains leave in every order ----------------------------- */

static size_t s5_build(unsigned int v, struct op *ops)
{
	static const struct op start[] = {
		MACHINE(8, IOAS_SIM_SCATTERED),
		NEW_CLIENT(0, 0),
		NEW_DOMAIN(0, 0),
		NEW_DOMAIN(0, 1),
		{ MAP(0, 0, VA, 8 * P, IO, RW) },
		NEW_DOMAIN(0, 2),
		{ MAPS(0, 8) },
		{ MAPS(1, 8) },
		{ MAPS(2, 8) },
		{ PIN(0, IO + 2 * P, 3 * P, 0) },
		{ HELD(8, 3, 8) },
	};
	static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 },
					     { 1, 0, 2 }, { 1, 2, 0 },
					     { 2, 0, 1 }, { 2, 1, 0 } };
	size_t n = 0;

	for (; n < IOAS_ARRAY_SIZE(start); n++)
		ops[n] = start[n];
	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t held = i < 2 ? 8 : 3;

		ops[n++] = (struct op){ DETACH(order[v][i]) };
		ops[n++] = (struct op){ HELD(held, 3, held) };
	}
	ops[n++] = (struct op){ UNPIN(0, IO + 2 * P, 3 * P) };
	ops[n++] = (struct op){ HELD(0, 0, 0) };
	return n;
}

/* S6: the storage domain leaves; nobody looks for frames in it afterwards. */
static const struct op s6[] = {
	MACHINE(8, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	NEW_DOMAIN(0, 0),
	NEW_DOMAIN(0, 1),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ DETACH(0) },
	{ DOMAIN_DESTROY(0) },
	{ HELD(4, 0, 4) },
	{ MAP(0, 0, VA + 4 * P, 4 * P, IO + 4 * P, RW) },
	{ HELD(8, 0, 8) },
	{ COPY(1, 0, IO + 2 * P, 4 * P, IO, RW) },
	{ AREAS(1, 2) },
	{ COPY(0, 0, IO, 4 * P, IO + 16 * P, RD) },
	{ HELD(8, 0, 8) },
	{ UNMAP(0, IO, 4 * P, 4 * P) },
	{ HELD(8, 0, 8) },
	NEW_DOMAIN(1, 2),
	{ HELD(8, 0, 8) },
	{ UNMAP(0, IO + 16 * P, 4 * P, 4 * P) },
	{ HELD(6, 0, 6) },
	{ UNMAP(0, IO + 4 * P, 4 * P, 4 * P) },
	{ HELD(4, 0, 4) },
	{ UNMAP_ALL(1, 4 * P) },
	{ HELD(0, 0, 0) },
};

/* S7: ioas-core A.2, then the other way round, then pins through the copy. */
static const struct op s7[] = {
	MACHINE(4, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	NEW_DOMAIN(0, 0),
	NEW_DOMAIN(1, 1),
	NEW_CLIENT(0, 1),
	{ MAP(0, 0, VA, 4 * P, 0x10000, RW) },
	{ COPY(1, 0, 0x11000, 2 * P, 0x80000, RW) },
	{ HELD(4, 0, 4) },
	{ UNMAP(0, 0x10000, 4 * P, 4 * P) },
	{ HELD(2, 0, 2) },
	NEW_DOMAIN(1, 2),
	{ HELD(2, 0, 2) },
	{ MAPS(2, 2) },
	{ COPY(0, 1, 0x80000, 2 * P, 0x10000, RD) },
	{ PIN(0, 0x80000, P, 0) },
	{ HELD(2, 1, 2) },
	{ DETACH(0) },
	{ HELD(2, 1, 2) },
	{ DETACH(1) },
	{ DETACH(2) },
	{ HELD(1, 1, 1) },
	{ ATTACH(0, 0) },
	{ HELD(2, 1, 2) },
	{ UNPIN(0, 0x80000, P) },
	{ HELD(2, 0, 2) },
	{ UNMAP_ALL(0, 2 * P) },
	{ HELD(0, 0, 0) },
	{ UNMAP_ALL(1, 2 * P) },
};

/* S9: ioas-core A.5: four are charged, five more are needed. */
static const struct op s9[] = {
	MACHINE(16, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	{ SPACE(2) },
	NEW_DOMAIN(0, 0),
	NEW_DOMAIN(0, 1),
	NEW_DOMAIN(1, 2),
	{ MAP(2, 0, VA, 8 * P, IO, RW) },
	{ COPY(1, 2, IO + 2 * P, 3 * P, IO, RW) },
	{ MAP(1, 0, VA + 8 * P, P, IO + 8 * P, RW) },
	{ HELD(4, 0, 4) },
	{ LIMIT(0, 8) },
	{ COPY(0, 2, IO, 8 * P, IO, RW), .err = -ENOMEM },
	{ HELD(4, 0, 4) },
	{ AREAS(0, 0) },
	{ LIMIT(0, 9) },
	{ COPY(0, 2, IO, 8 * P, IO, RW) },
	{ HELD(9, 0, 9) },
	{ MAP(0, 0, VA, P, IO + 16 * P, RW), .err = -ENOMEM },
	/* Nothing new is pinned: a copy and a domain more cost nothing. */
	{ COPY(1, 0, IO, 8 * P, IO + 16 * P, RW) },
	{ DETACH(0) },
	{ ATTACH(0, 0) },
	{ LIMIT(0, 2) },
	{ UNMAP(1, IO + 16 * P, 8 * P, 8 * P) },
	{ UNMAP(0, IO, 8 * P, 8 * P) },
	{ HELD(4, 0, 4) },
	{ MAP(0, 0, VA, P, IO, RW), .err = -ENOMEM },
	{ UNMAP_ALL(1, 4 * P) },
	{ HELD(0, 0, 0) },
	{ MAP(0, 0, VA, 2 * P, IO, RW) },
	{ HELD(2, 0, 2) },
	{ MAP(0, 0, VA, 1 * P, IO + 2 * P, RW), .err = -ENOMEM },
	/* An unlimited caller is not charged; its pages stay uncharged. */
	{ UNLIMITED(1) },
	{ MAP(0, 0, VA + 2 * P, 4 * P, IO + 2 * P, RW) },
	{ UNLIMITED(0) },
	{ HELD(6, 0, 2) },
	{ UNMAP_ALL(0, 6 * P) },
};

/* S9: two objects over the same memory are charged twice (INV-E4). */
static const struct op s9_twice[] = {
	MACHINE(4, IOAS_SIM_SCATTERED),
	{ SPACE(1) },
	NEW_DOMAIN(0, 0),
	NEW_CLIENT(0, 1),
	{ LIMIT(0, 7) },
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ MAP(1, 0, VA, 4 * P, IO, RW) },
	{ PIN(0, IO, 4 * P, 0), .err = -ENOMEM },
	{ HELD(4, 0, 4) },
	{ PIN(0, IO + P, 3 * P, 0) },
	{ HELD(7, 3, 7) },
	{ PINS_OF(0, 17, 2) },
	{ PINS_OF(0, 16, 1) },
	{ UNMAP_ALL(0, 4 * P) },
	{ HELD(3, 3, 3) },
	{ PIN(0, IO, 4 * P, 0) },
	{ HELD(4, 4, 4) },
};

/* ---- S12: half pages ---------------------------------------------------- */

static size_t s12_build(unsigned int v, struct op *ops)
{
	/* In half pages. */
	const uint64_t offset = v % 2, at = v / 2 % 2, length = v / 4 % 6 + 1;
	const bool scattered = v / 24;
	const uint64_t H = P / 2, pages = (offset + length + 1) / 2;
	const struct op rows[] = {
		MACHINE(4, scattered ? IOAS_SIM_SCATTERED :
				       IOAS_SIM_CONSECUTIVE),
		{ CLIENT(0, 0) },
		{ JOIN(0, 0) },
		{ DOMAIN(0, H | PAGES_ALL) },
		{ DOMAIN(1, H) },
		{ ATTACH(0, 0) },
		{ ALIGNED(0, H) },
		{ MAP(0, 0, VA + offset * H, length * H, IO + at * H, RW) },
		{ HELD(pages, 0, pages) },
		{ MAPS(0, scattered ? pages : 1) },
		{ ATTACH(0, 1) },
		{ MAPS(1, scattered ? pages : 1) },
		{ PIN(0, IO + at * H, P / 2, 0), .err = offset ? -EINVAL : 0 },
		{ HELD(pages, !offset, pages) },
		{ COPY_BYTES(0, IO + at * H, length * H, IOAS_ACCESS_WRITE) },
		{ DETACH(0) },
		{ HELD(pages, !offset, pages) },
		{ MAP(0, 0, VA, H / 2, IO + 16 * P, RW), .err = -EINVAL },
		{ MAP(0, 0, VA, H, IO + H / 2, RW), .err = -EINVAL },
		{ MAP(0, 0, VA + H / 2, H, IO + 16 * P, RW), .err = -EINVAL },
		{ UNMAP(0, IO + at * H, length * H, length * H) },
		{ HELD(0, 0, 0) },
	};
	size_t n = 0;

	for (; n < IOAS_ARRAY_SIZE(rows); n++)
		ops[n] = rows[n];
	return n;
}

/* Two areas meet inside page 1; the page goes with the later of them. */
#define S12_MEET(first_iova, first_left, second_iova)              \
	MACHINE(3, IOAS_SIM_CONSECUTIVE),                          \
	{ SPACE(1) },                                              \
	{ DOMAIN(0, P / 2) },                                      \
	{ ATTACH(0, 0) },                                          \
	{ MAP(1, 0, VA, 3 * P, IO, RW) },                          \
	{ COPY(0, 1, IO, 3 * P / 2, IO, RW) },                     \
	{ HELD(2, 0, 2) },                                         \
	{ COPY(0, 1, IO + 3 * P / 2, 3 * P / 2, IO + 2 * P, RW) }, \
	{ HELD(3, 0, 3) },                                         \
	{ PINS_OF(0, 17, 1) },                                     \
	{ MAPS(0, 2) },                                            \
	{ UNMAP(0, first_iova, 3 * P / 2, 3 * P / 2) },            \
	{ HELD(first_left, 0, first_left) },                       \
	{ PINS_OF(0, 17, 1) },                                     \
	{ UNMAP(0, second_iova, 3 * P / 2, 3 * P / 2) },           \
	{ HELD(0, 0, 0) }

static const struct op s12_low_first[] = { S12_MEET(IO, 2, IO + 2 * P) };
static const struct op s12_high_first[] = { S12_MEET(IO + 2 * P, 2, IO) };

/* S29: the same frame at two addresses in one area. */
static const struct op s29[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 16, 2, IOAS_SIM_SCATTERED) },
	{ ALIAS(0, 18, 2, 16) },
	{ SPACE(0) },
	NEW_CLIENT(0, 0),
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ HELD(4, 0, 4) },
	{ PINS_OF(0, 16, 2) },
	{ PINS_OF(0, 17, 2) },
	{ PAGE_OF(0, IO + 2 * P, 0, 16) },
	{ PIN(0, IO, P, 0) },
	{ DETACH(0) },
	{ HELD(1, 1, 1) },
	{ PINS_OF(0, 16, 1) },
	{ PINS_OF(0, 17, 0) },
	{ UNPIN(0, IO, P) },
	{ HELD(0, 0, 0) },
};

/* S30: 2^50 pages in one run: every total has 64 bits. */
#define GIANT (UINT64_C(1) << 50)
static const struct op s30[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 16, GIANT, IOAS_SIM_GIANT) },
	{ SPACE(0) },
	{ SPACE(1) },
	{ DOMAIN(0, PAGES_ALL) },
	{ ATTACH(0, 0) },
	{ MAP(0, 0, VA, GIANT * P, IO, RW) },
	{ HELD(GIANT, 0, GIANT) },
	{ MAPS(0, 1) },
	{ COPY(1, 0, IO + P, (GIANT - 2) * P, IO, RW) },
	{ DOMAIN(1, PAGES_4K) },
	{ ATTACH(1, 1) },
	{ MAPS(1, 1) },
	{ HELD(GIANT, 0, GIANT) },
	{ LIMIT(0, GIANT) },
	{ MAP(0, 0, VA, P, P, RW), .err = -ENOMEM },
	{ UNMAP_ALL(0, GIANT * P) },
	{ HELD(GIANT - 2, 0, GIANT - 2) },
	{ DETACH(1) },
	{ HELD(0, 0, 0) },
};

/* S32: what is held keeps its frames; what is mapped anew sees the new ones. */
static const struct op s32[] = {
	MACHINE(4, IOAS_SIM_SCATTERED),
	NEW_CLIENT(0, 0),
	NEW_DOMAIN(0, 0),
	{ MAP(0, 0, VA, 4 * P, IO, RW) },
	{ PAGE_OF(0, IO, 0, 16) },
	{ REMAP(0, 16, 4, IOAS_SIM_SCATTERED) },
	{ PAGE_OF(0, IO, 0, 16), .out = 1 },
	{ HELD(4, 0, 4) },
	{ PIN(0, IO, 2 * P, 0) },
	{ DETACH(0) },
	{ ATTACH(0, 0) },
	/* Pages 0 and 1 were held meanwhile, 2 and 3 were not. */
	{ PAGE_OF(0, IO, 0, 16), .out = 1 },
	{ PAGE_OF(0, IO + P, 0, 17), .out = 1 },
	{ PAGE_OF(0, IO + 2 * P, 0, 18) },
	{ PAGE_OF(0, IO + 3 * P, 0, 19) },
	{ MAP(0, 0, VA, 4 * P, IO + 16 * P, RW) },
	{ PAGE_OF(0, IO + 16 * P, 0, 16) },
	{ HELD(8, 2, 8) },
	{ UNMAP(0, IO, 4 * P, 4 * P) },
	{ HELD(4, 0, 4) },
};

#define TABLE_OF(name_, ops_) \
	{ .name = name_, .ops = ops_, .nr = IOAS_ARRAY_SIZE(ops_), \
	  .variants = 1 }
#define FAMILY(name_, build_, variants_) \
	{ .name = name_, .build = build_, .variants = variants_ }

const struct scenario scenarios_pins[] = {
	TABLE_OF("S1 life of eight pages", s1),
	TABLE_OF("S1 life of eight pages, one run", s1_run),
	FAMILY("S2 holders in every order", s2_build, 90),
	FAMILY("S3 two records", s3_build, 28),
	FAMILY("S4 drain with a held middle", s4_build, 72),
	FAMILY("S5 three domains leave", s5_build, 6),
	TABLE_OF("S6 the storage domain leaves", s6),
	TABLE_OF("S7 copy shares", s7),
	TABLE_OF("S9 limit", s9),
	TABLE_OF("S9 two objects pay twice", s9_twice),
	FAMILY("S12 half pages", s12_build, 48),
	TABLE_OF("S12 areas meet inside a page, low first", s12_low_first),
	TABLE_OF("S12 areas meet inside a page, high first", s12_high_first),
	TABLE_OF("S29 one frame twice", s29),
	{ .name = "S30 giant area",
	  .ops = s30,
	  .nr = IOAS_ARRAY_SIZE(s30),
	  .variants = 1,
	  .giant = true },
	TABLE_OF("S32 remapped behind a mapping", s32),
};
const size_t nr_scenarios_pins = IOAS_ARRAY_SIZE(scenarios_pins);
