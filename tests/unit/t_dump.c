/* SPDX-License-Identifier: MIT */
/*
 * dump: what a space says of itself, line by line
 *
 * The core prints numbers by itself, and on a machine of 32 bits it divides
 * them by itself: each must read as the C library would write it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/iopt.h"
#include "origin/ops.h"

#define PAGE ((uint64_t)4096)

typedef unsigned long long ull;

/* Memory of any length; nobody pins it. */
static void nothing_destroy(struct ioas_origin *o)
{
	(void)o;
}

static const struct ioas_origin_ops nothing = {
	.name = "nothing",
	.destroy = nothing_destroy,
};

struct fixture {
	struct ioas_context ctx;
	struct ioas *ioas;
	struct ioas_origin origin;
};

static int setup(void **state)
{
	static struct fixture f;

	ioas_origin_init(&f.origin, &nothing, 12, 0);
	ioas_context_init(&f.ctx, 12, 12);
	assert_int_equal(ioas_iopt_create(&f.ctx, &f.ioas), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped;

	ioas_iopt_unmap_all(f->ioas, &unmapped);
	assert_int_equal(ioas_iopt_destroy(f->ioas), 0);
	ioas_context_fini(&f->ctx);
	return 0;
}

static void map(struct fixture *f, ioas_iova_t iova, uint64_t length)
{
	assert_int_equal(ioas_iopt_map(f->ioas, &f->origin, 0, length,
				       IOAS_PROT_READ, IOAS_MAP_FIXED, &iova),
			 0);
}

/* Every line of a dump, each with its newline. */
struct text {
	char all[1024];
	size_t used;
};

static void add_line(void *data, const char *line)
{
	struct text *t = data;
	const size_t room = sizeof(t->all) - t->used;
	const int n = snprintf(t->all + t->used, room, "%s\n", line);

	assert_true(n > 0 && (size_t)n < room);
	t->used += (size_t)n;
}

static void expect_dump(struct fixture *f, const char *want)
{
	struct text t = { .used = 0 };

	ioas_iopt_dump(f->ioas, add_line, &t);
	assert_string_equal(t.all, want);
}

static void every_range_has_its_line(void **state)
{
	static const struct ioas_iova_range hole = { 0, 0x3fff };
	static const struct ioas_iova_range rest = { 0x4000, UINT64_MAX };
	struct fixture *f = *state;

	assert_int_equal(ioas_iopt_reserve(f->ioas, &hole, 1, f), 0);
	assert_int_equal(ioas_iopt_allow(f->ioas, &rest, 1), 0);
	map(f, 0x8000, 2 * PAGE);
	map(f, UINT64_MAX - PAGE + 1, PAGE);
	expect_dump(f, "space: alignment 0x1, 0 domains, 2 areas\n"
		       "  reserved 0x0..0x3fff\n"
		       "  allowed 0x4000..0xffffffffffffffff\n"
		       "  area 0x8000..0x9fff r- live pages 0..1 of 2, 0 pins\n"
		       "    idle 0..1; 0 pinned, 0 charged\n"
		       "  area 0xfffffffffffff000..0xffffffffffffffff r- live"
		       " pages 0..0 of 1, 0 pins\n"
		       "    idle 0..0; 0 pinned, 0 charged\n");
	ioas_iopt_unreserve(f->ioas, f);
}

static void numbers_of_every_length_are_right(void **state)
{
	struct fixture *f = *state;

	for (unsigned int lg2 = 13; lg2 < 64; lg2++) {
		const uint64_t length = ((uint64_t)1 << lg2) - PAGE;
		const ull nr = length / PAGE;
		uint64_t unmapped;
		char want[256];

		map(f, PAGE, length);
		snprintf(want, sizeof(want),
			 "space: alignment 0x1, 0 domains, 1 areas\n"
			 "  area 0x1000..0x%llx r- live pages 0..%llu of %llu,"
			 " 0 pins\n"
			 "    idle 0..%llu; 0 pinned, 0 charged\n",
			 (ull)(PAGE + length - 1), nr - 1, nr, nr - 1);
		expect_dump(f, want);
		assert_int_equal(
			ioas_iopt_unmap(f->ioas, PAGE, length, &unmapped), 0);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_range_has_its_line),
		CASE(numbers_of_every_length_are_right),
	};

	return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
