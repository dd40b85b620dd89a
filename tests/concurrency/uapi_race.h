/* SPDX-License-Identifier: MIT */
/*
 * uapi_race: what the cases of several programs have in common
 *
 *	t_uapi_race_x --ms 2000 --seed 7 --filter name_of_a_case
 */
#ifndef TESTS_CONCURRENCY_UAPI_RACE_H
#define TESTS_CONCURRENCY_UAPI_RACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contest.h"

#define NEST IOAS_ABI_HWPT_ALLOC_NEST_PARENT
#define PASID IOAS_ABI_HWPT_ALLOC_PASID
/* Nothing answers 1. */
#define NONE 1

/* ---- what checks say ----------------------------------------------------- */

/* Where a check stands in its file. */
struct place {
	const char *file;
	int line;
};

#define HERE ((struct place){ __FILE__, __LINE__ })

static inline void wrong(const struct round *r, const char *what,
			 struct place at)
{
	print_error("%s:%d: %s; round %" PRIu64 "; sides: %" PRId64 ", %" PRId64
		    ", %" PRId64 "\n",
		    at.file, at.line, what, r->number, r->ret[0], r->ret[1],
		    r->ret[2]);
	_fail(at.file, at.line);
}

static inline void must_at(const struct round *r, int64_t got, int64_t want,
			   const char *call, struct place at)
{
	char what[256];

	if (got == want)
		return;
	snprintf(what, sizeof(what), "%s: %" PRId64 ", not %" PRId64, call, got,
		 want);
	wrong(r, what, at);
}

#define must(r, call, want) must_at((r), (call), (want), #call, HERE)
#define must_ok(r, call) must((r), (call), 0)

/* Is the answer of side @i one of @legal, of which the last is NONE? */
static inline void among_at(const struct round *r, unsigned int i,
			    const int64_t *legal, struct place at)
{
	while (*legal != NONE && *legal != r->ret[i])
		legal++;
	if (*legal == NONE)
		wrong(r, "answer of a side", at);
}

#define among(r, i, ...) \
	among_at((r), (i), (const int64_t[]){ __VA_ARGS__, NONE }, HERE)

/* The sides' answers are one of these two pairs. */
static inline void either_at(const struct round *r, int64_t a0, int64_t a1,
			     int64_t b0, int64_t b1, struct place at)
{
	const int64_t *ret = r->ret;

	if ((ret[0] != a0 || ret[1] != a1) && (ret[0] != b0 || ret[1] != b1))
		wrong(r, "answers of the sides", at);
}

#define either(r, a0, a1, b0, b1) either_at((r), (a0), (a1), (b0), (b1), HERE)

/* ---- what setups make ---------------------------------------------------- */

static inline uint32_t space_new(struct round *r)
{
	uint32_t id = 0;

	must_ok(r, uc_ioas_alloc(&r->c, &id));
	return id;
}

/* Two spaces and nothing in them. */
static inline void setup_spaces(struct round *r)
{
	r->ioas[0] = space_new(r);
	r->ioas[1] = space_new(r);
	r->fd = -1;
}

static inline void map_at(struct round *r, unsigned int space, uint64_t va)
{
	must_ok(r,
		uc_map_fixed(&r->c, r->ioas[space], va, 4 * PAGE, UC_RW, IOVA));
}

static inline void device_new(struct round *r, unsigned int i,
			      unsigned int space)
{
	must_ok(r, uc_mock_domain_flags(&r->c, r->ioas[space],
					IOAS_ABI_MOCK_FLAGS_DEVICE_PASID,
					&r->dev[i]));
}

/* A device on a space with memory. */
static inline void setup_device(struct round *r)
{
	setup_spaces(r);
	map_at(r, 0, VA);
	device_new(r, 0, 0);
}

/* Whatever holds it. @length 0 asks for its existence alone. */
static inline int reaches(struct round *r, uint32_t hwpt, uint64_t length)
{
	return uc_check_map(&r->c, hwpt, IOVA, length, VA);
}

/* ---- sides --------------------------------------------------------------- */

static inline void destroy_device_0(struct round *r)
{
	r->ret[0] = uc_destroy(&r->c, r->dev[0].stdev);
}

static inline void unmap_0(struct round *r)
{
	r->ret[0] = uc_unmap(&r->c, r->ioas[0], IOVA, 4 * PAGE, NULL);
}

static inline void close_0(struct round *r)
{
	r->ret[0] = uc_close(&r->c, r->fd);
}

/* ---- program ------------------------------------------------------------- */

/* From the command line. */
static struct {
	unsigned int ms;
	uint64_t seed;
} options = { .ms = 100, .seed = 1 };

static struct contest *contest;

static inline void race(void **state)
{
	contest_run(contest, *state, options.ms);
}

static inline int group_setup(void **state)
{
	(void)state;
	contest = contest_create(options.seed);
	return 0;
}

static inline int group_teardown(void **state)
{
	(void)state;
	contest_destroy(contest);
	return 0;
}

static inline void race_arguments(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const unsigned long long n = strtoull(argv[i + 1], NULL, 0);

		if (!strcmp(argv[i], "--ms"))
			options.ms = (unsigned int)n;
		else if (!strcmp(argv[i], "--seed"))
			options.seed = n;
		else if (!strcmp(argv[i], "--filter"))
			cmocka_set_test_filter(argv[i + 1]);
	}
}

#define RACE(c) { #c, race, NULL, NULL, (void *)(uintptr_t)&(c) }

/* The main() of a program. @tests: struct CMUnitTest[], of RACE(). */
#define race_main(argc, argv, tests)     \
	(race_arguments((argc), (argv)), \
	 cmocka_run_group_tests((tests), group_setup, group_teardown))

#endif
