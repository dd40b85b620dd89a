/* SPDX-License-Identifier: MIT */
/*
 * the books, against one word for each of a few IOVAs
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "plat/posix/memory.h"
#include "prng.h"
#include "super/books.h"

#define CELLS 64
#define ID 3

struct books_test {
	struct ioas_books b;
	struct ioas_book *book;
	size_t blocks;
};

static const int key_a, key_b;

static size_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

static int setup(void **state)
{
	static struct books_test t;

	t.blocks = blocks_now();
	ioas_books_init(&t.b);
	t.book = ioas_books_get(&t.b, &key_a);
	*state = &t;
	return t.book ? 0 : -1;
}

static int teardown(void **state)
{
	struct books_test *t = *state;

	ioas_books_fini(&t->b);
	assert_int_equal(t->b.nr_areas, 0);
	assert_int_equal(t->b.nr_contexts, 0);
	assert_int_equal(blocks_now(), t->blocks);
	return 0;
}

static struct ioas_deed deed(uint64_t serial)
{
	return (struct ioas_deed){ .serial = serial, .pid = (pid_t)serial };
}

static void map(struct books_test *t, uint64_t first, uint64_t last,
		uint64_t serial)
{
	const struct ioas_deed d = deed(serial);

	ioas_book_map(&t->b, t->book, ID, first, last, &d);
}

static void unmap(struct books_test *t, uint64_t first, uint64_t last,
		  uint64_t serial)
{
	ioas_book_unmap(&t->b, t->book, ID, first, last, serial);
}

static uint64_t who(struct books_test *t, uint64_t iova)
{
	const struct ioas_deed *d = ioas_book_who(t->book, ID, iova);

	return d ? d->serial : 0;
}

static void random_commands_in_order(void **state)
{
	struct books_test *t = *state;
	uint64_t cell[CELLS] = { 0 };
	struct prng rng = { 7 };

	for (uint64_t serial = 1; serial < 20000; serial++) {
		const uint64_t first = prng_below(&rng, CELLS);
		const uint64_t last = first + prng_below(&rng, CELLS - first);
		const bool in = prng_below(&rng, 2);

		if (in)
			map(t, first, last, serial);
		else
			unmap(t, first, last, serial);
		for (uint64_t i = first; i <= last; i++)
			cell[i] = in ? serial : 0;
		for (uint64_t i = 0; i < CELLS; i++)
			assert_int_equal(who(t, i), cell[i]);
		/* In order there is nothing but what is asked for. */
		assert_true(t->b.nr_areas <= CELLS);
	}
	assert_int_equal(t->b.areas_dropped, 0);
}

static void the_ends_of_the_space(void **state)
{
	struct books_test *t = *state;

	map(t, 0, UINT64_MAX, 1);
	assert_int_equal(who(t, 0), 1);
	assert_int_equal(who(t, UINT64_MAX), 1);
	unmap(t, 0, 0, 2);
	unmap(t, UINT64_MAX, UINT64_MAX, 3);
	assert_int_equal(who(t, 0), 0);
	assert_int_equal(who(t, 1), 1);
	assert_int_equal(who(t, UINT64_MAX - 1), 1);
	assert_int_equal(who(t, UINT64_MAX), 0);
	unmap(t, 0, UINT64_MAX, 4);
	assert_int_equal(t->b.nr_areas, 0);
}

/*
 * The unmap began before the map did, and is told of after it: what it removed
 * is what was there before.
 */
static void an_unmap_leaves_what_began_later(void **state)
{
	struct books_test *t = *state;

	map(t, 0, 9, 1);
	map(t, 4, 5, 3);
	unmap(t, 0, 9, 2);
	assert_int_equal(who(t, 3), 0);
	assert_int_equal(who(t, 4), 3);
}

/* And one that is told of late does not hide the newer one. */
static void the_newer_of_two_is_the_answer(void **state)
{
	struct books_test *t = *state;

	map(t, 0, 9, 5);
	map(t, 0, 9, 4);
	assert_int_equal(who(t, 3), 5);
	map(t, 0, 9, 6);
	assert_int_equal(who(t, 3), 6);
	assert_int_equal(t->b.nr_areas, 1);
	map(t, 5, 9, 8);
	map(t, 0, 9, 7);
	assert_int_equal(who(t, 4), 7);
	assert_int_equal(who(t, 5), 8);
}

static void a_space_takes_its_areas_along(void **state)
{
	struct books_test *t = *state;
	const struct ioas_deed d = deed(5);

	ioas_book_space_made(&t->b, t->book, ID, 1);
	map(t, 0, 9, 2);
	ioas_book_space_gone(&t->b, t->book, ID, 3);
	assert_int_equal(who(t, 0), 0);
	assert_int_equal(t->b.nr_areas, 0);
	/* The id again; its first area is told of before its creation is. */
	ioas_book_map(&t->b, t->book, ID, 0, 9, &d);
	ioas_book_space_made(&t->b, t->book, ID, 4);
	assert_int_equal(who(t, 0), 5);
	/* A late word of the first destruction. */
	ioas_book_space_gone(&t->b, t->book, ID, 3);
	assert_int_equal(who(t, 0), 5);
	/* A creation that comes later than all of it: the id was used again. */
	ioas_book_space_made(&t->b, t->book, ID, 8);
	assert_int_equal(who(t, 0), 0);
	/* No space of that id, and not an object of another kind. */
	ioas_book_space_gone(&t->b, t->book, ID + 1, 9);
	unmap(t, 0, UINT64_MAX, 9);
}

static void beyond_the_limit_areas_are_only_counted(void **state)
{
	struct books_test *t = *state;

	t->b.max_areas = 10;
	for (uint64_t i = 0; i < 15; i++)
		map(t, 2 * i, 2 * i, i + 1);
	assert_int_equal(t->b.nr_areas, 10);
	assert_int_equal(t->b.areas_dropped, 5);
	assert_int_equal(who(t, 18), 10);
	assert_int_equal(who(t, 20), 0);
	/* Room again. */
	unmap(t, 0, 0, 100);
	map(t, 20, 20, 101);
	assert_int_equal(who(t, 20), 101);
	/* A cut that would need one more. */
	map(t, 18, 30, 102);
	assert_int_equal(t->b.nr_areas, 9);
	map(t, 40, 40, 103);
	unmap(t, 20, 22, 104);
	assert_int_equal(t->b.nr_areas, 10);
	assert_int_equal(who(t, 19), 102);
	assert_int_equal(who(t, 23), 0);
	assert_int_equal(t->b.areas_dropped, 6);
}

static void contexts_are_apart(void **state)
{
	struct books_test *t = *state;
	struct ioas_deed d = deed(10);
	struct ioas_book *other = ioas_books_get(&t->b, &key_b);

	map(t, 0, 9, 1);
	assert_ptr_not_equal(other, t->book);
	assert_null(ioas_book_who(other, ID, 0));
	/* Told of after its first command: the same file. */
	ioas_books_open(&t->b, &key_a, &d);
	assert_ptr_equal(ioas_books_find(&t->b, &key_a), t->book);
	assert_int_equal(who(t, 0), 1);
	assert_int_equal(t->book->opened.serial, 10);
	/* Another file at its place. */
	d.serial = 20;
	ioas_books_open(&t->b, &key_a, &d);
	assert_null(ioas_book_who(ioas_books_find(&t->b, &key_a), ID, 0));
	/* Taken out, still to be asked. */
	ioas_books_take(&t->b, other);
	assert_null(ioas_books_find(&t->b, &key_b));
	ioas_book_map(&t->b, other, ID, 0, 0, &d);
	assert_int_equal(ioas_book_who(other, ID, 0)->serial, 20);
	ioas_book_free(&t->b, other);
	ioas_book_free(&t->b, NULL);
}

static void contexts_are_bounded(void **state)
{
	struct books_test *t = *state;

	t->b.max_contexts = 1;
	assert_null(ioas_books_get(&t->b, &key_b));
	assert_int_equal(t->b.contexts_dropped, 1);
	assert_non_null(ioas_books_get(&t->b, &key_a));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(random_commands_in_order),
		CASE(the_ends_of_the_space),
		CASE(an_unmap_leaves_what_began_later),
		CASE(the_newer_of_two_is_the_answer),
		CASE(a_space_takes_its_areas_along),
		CASE(beyond_the_limit_areas_are_only_counted),
		CASE(contexts_are_apart),
		CASE(contexts_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
