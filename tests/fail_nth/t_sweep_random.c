/* SPDX-License-Identifier: MIT */
/*
 * sweep random: short random traces, with every fault point failing once, and
 * mistreated as a whole
 *
 * A trace is two spaces, three domains, two clients and an internal one, memory
 * of a process, a file and a device, and 20 operations on them, most of which
 * touch the same few pages. It is written down as a script, so the sweep needs
 * nothing but a clean run to know what is right.
 *
 * The seed is printed; --seed N runs the traces from N on.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "limit_matrix.h"
#include "prng.h"
#include "sweep.h"

#define TRACES 500
/* Of these, as many are mistreated in each way. */
#define ABUSED 120
#define TRACE_OPS 20
#define IO UINT64_C(0x1000000)

static uint64_t first_seed = 1;
static struct sweep total;

static const struct op prelude[] = {
	{ PROCESS(0) },
	{ MEMORY(0, 0, 16, IOAS_SIM_SCATTERED) },
	{ MEMORY(0, 16, 16, IOAS_SIM_CONSECUTIVE) },
	{ MEMORY(0, 32, 32, IOAS_SIM_DESCENDING) },
	{ FILE_PAGES(1, 32, 2) },
	{ DEVICE_PAGES(2, 16) },
	{ SPACE(0) },
	{ SPACE(1) },
	{ DOMAIN(0, PAGES_ALL) },
	{ DOMAIN(1, PAGES_4K) },
	{ DOMAIN(2, PAGES_ALL | P / 2) },
	{ CLIENT(0, IOAS_ACCESS_PINS) },
	{ CLIENT(1, IOAS_ACCESS_PINS) },
	{ CLIENT(2, IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL) },
	{ JOIN(0, 0) },
	{ JOIN(2, 1) },
	{ MAP(0, 0, 12 * P, 8 * P, IO, RW) },
	{ COPY(1, 0, IO + 2 * P, 6 * P, IO + 4 * P, RW) },
};

#define NR_PRELUDE (sizeof(prelude) / sizeof(prelude[0]))

static uint8_t pick(struct prng *r, uint64_t n)
{
	return (uint8_t)prng_below(r, n);
}

/* One of 24 pages; small lengths are more likely. */
static uint64_t random_iova(struct prng *r)
{
	return IO + prng_below(r, 24) * P;
}

static uint64_t random_length(struct prng *r)
{
	static const uint8_t pages[] = { 1, 1, 2, 2, 3, 4, 6, 8, 12, 24 };

	return pages[prng_below(r, sizeof(pages))] * P;
}

static uint32_t random_prot(struct prng *r)
{
	return prng_below(r, 4) ? RW : RD;
}

static struct op random_map(struct prng *r)
{
	const uint8_t o = pick(r, 8) ? pick(r, 2) : 2;
	const uint64_t start = prng_below(r, 32) * P;
	const uint64_t length = random_length(r), iova = random_iova(r);
	const uint32_t prot = random_prot(r);

	if (prng_below(r, 4))
		return (struct op){ MAP(pick(r, 2), o, start, length, iova,
					prot) };
	return (struct op){ MAP_ANY(pick(r, 2), o, start, length, prot) };
}

static struct op random_copy(struct prng *r)
{
	const uint64_t from = random_iova(r), to = random_iova(r);
	const uint64_t length = random_length(r);
	const uint32_t prot = random_prot(r);

	if (prng_below(r, 4))
		return (struct op){ COPY(pick(r, 2), pick(r, 2), from, length,
					 to, prot) };
	return (struct op){ COPY_ANY(pick(r, 2), pick(r, 2), from, length,
				     prot) };
}

static struct op random_client(struct prng *r)
{
	const uint64_t iova = random_iova(r), length = random_length(r);
	const uint64_t flags = prng_below(r, 2);

	switch (prng_below(r, 12)) {
	case 0:
		return (struct op){ JOIN(1, pick(r, 2)) };
	case 1:
		return (struct op){ LEAVE(pick(r, 2)) };
	case 2:
		return (struct op){ MOVE(pick(r, 2), pick(r, 2)) };
	case 3:
	case 4:
		return (struct op){ UNPIN_NTH(pick(r, 3), prng_below(r, 8)) };
	case 5:
	case 6:
		return (struct op){ COPY_BYTES(pick(r, 2), iova + 40,
					       prng_below(r, 2) ? length / 2 :
								  64,
					       flags) };
	default:
		return (struct op){ PIN(pick(r, 3), iova, length, flags) };
	}
}

/* What is rarely asked for. */
static struct op random_rest(struct prng *r)
{
	const uint64_t iova = random_iova(r), length = random_length(r);

	switch (prng_below(r, 8)) {
	case 0:
		return (struct op){ SPLIT(pick(r, 2), iova + P - 1) };
	case 1:
		return (struct op){ SMALL(pick(r, 2), pick(r, 2)) };
	case 2:
		return (struct op){ RESERVE(pick(r, 2), iova, iova + P - 1,
					    1 + prng_below(r, 2)) };
	case 3:
		return (struct op){ UNRESERVE(pick(r, 2),
					      1 + prng_below(r, 2)) };
	case 4:
		return (struct op){ ALLOW(pick(r, 2), iova, iova + 8 * P) };
	case 5:
		return (struct op){ DIRTY_READ(pick(r, 2), pick(r, 3), iova,
					       length, P, 0, 0) };
	case 6:
		return (struct op){ DIRTY_SET(pick(r, 2), pick(r, 3), 1) };
	default:
		return (struct op){ REMAP(0, prng_below(r, 60), 4,
					  IOAS_SIM_SCATTERED) };
	}
}

static struct op random_op(struct prng *r)
{
	const uint64_t dice = prng_below(r, 20);
	const uint64_t iova = random_iova(r), length = random_length(r);

	if (dice < 5)
		return random_map(r);
	if (dice < 8)
		return random_copy(r);
	if (dice < 10)
		return (struct op){ UNMAP(pick(r, 2), iova, length, 0) };
	if (dice < 12)
		return (struct op){ ATTACH(pick(r, 2), pick(r, 3)) };
	if (dice < 13)
		return (struct op){ DETACH(pick(r, 3)) };
	if (dice < 18)
		return random_client(r);
	return random_rest(r);
}

static struct script random_trace(uint64_t seed, struct op *ops)
{
	struct prng r = { seed };
	size_t n = 0;

	for (; n < NR_PRELUDE; n++)
		ops[n] = prelude[n];
	for (unsigned int i = 0; i < TRACE_OPS; i++) {
		ops[n] = random_op(&r);
		ops[n++].err = ERR_ANY;
	}
	return (struct script){ "trace", ops, n };
}

/* A file's pages and a short count must not depend on what failed before. */
static struct world_limits limits_of_trace(uint64_t seed)
{
	struct world_limits limits = limits_pairwise((unsigned int)seed);

	if (limits.pin_mode == IOAS_SIM_PIN_RANDOM)
		limits.pin_mode = IOAS_SIM_PIN_ALL;
	limits.tuning.slow_copy = seed & 1;
	return limits;
}

/* ---- cases -------------------------------------------------------------- */

static void every_point_of_a_trace_fails_once(void **state)
{
	struct op ops[SWEEP_OPS];

	(void)state;
	for (uint64_t seed = first_seed; seed < first_seed + TRACES; seed++) {
		const struct world_limits limits = limits_of_trace(seed);
		const struct script s = random_trace(seed, ops);

		sweep_at(seed);
		sweep_script(&total, &s, &limits);
	}
	sweep_print(&total);
}

static void abuse_traces(const struct sweep_abuse *abuse)
{
	struct op ops[SWEEP_OPS];

	for (uint64_t seed = first_seed; seed < first_seed + ABUSED; seed++) {
		const struct world_limits limits = limits_of_trace(seed);
		const struct script s = random_trace(seed, ops);
		struct sweep_abuse a = *abuse;
		struct prng r = { ~seed };

		sweep_at(seed);
		a.seed = seed;
		a.from = NR_PRELUDE;
		if (a.off_from != SIZE_MAX)
			a.off_from = NR_PRELUDE + prng_below(&r, TRACE_OPS);
		sweep_abuse(&s, &limits, &a);
	}
}

static void teardown_works_with_the_allocator_off(void **state)
{
	const struct sweep_abuse abuse = { .point = IOAS_NR_FAULT_POINTS };

	(void)state;
	abuse_traces(&abuse);
}

static void one_point_may_fail_for_good(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++) {
		struct sweep_abuse abuse = { .off_from = SIZE_MAX };

		abuse.point = (enum ioas_fault_point)p;
		abuse_traces(&abuse);
	}
}

static void nothing_may_be_charged(void **state)
{
	const struct sweep_abuse abuse = { .point = IOAS_NR_FAULT_POINTS,
					   .off_from = SIZE_MAX,
					   .no_charge = true };

	(void)state;
	abuse_traces(&abuse);
}

static void points_may_fail_at_random(void **state)
{
	static const unsigned int percent[] = { 1, 10, 50 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct sweep_abuse abuse = {
			.point = IOAS_NR_FAULT_POINTS,
			.off_from = SIZE_MAX,
			.chance = UINT32_MAX / 100 * percent[i],
		};

		abuse_traces(&abuse);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_point_of_a_trace_fails_once,
					  sweep_teardown),
		cmocka_unit_test_teardown(teardown_works_with_the_allocator_off,
					  sweep_teardown),
		cmocka_unit_test_teardown(one_point_may_fail_for_good,
					  sweep_teardown),
		cmocka_unit_test_teardown(nothing_may_be_charged,
					  sweep_teardown),
		cmocka_unit_test_teardown(points_may_fail_at_random,
					  sweep_teardown),
	};

	if (argc == 3 && !strcmp(argv[1], "--seed"))
		first_seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests_name("sweep_random", tests, NULL, NULL);
}
