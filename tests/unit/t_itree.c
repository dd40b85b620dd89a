/* SPDX-License-Identifier: MIT */
/*
 * itree: overlapping ranges against a scan of a plain array
 *
 * The twin keeps the members sorted by (first, last), equals in the order of
 * their insertion, and looks at all of them for each question.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "base/bits.h"
#include "core/itree.h"
#include "prng.h"

_Static_assert(sizeof(struct ioas_itree_node) <= 48,
	       "embedded in access records and linked areas");

#define SMALL 8u
#define TWIN_MAX 2048u

struct twin {
	unsigned int nr;
	struct ioas_itree_node *m[TWIN_MAX];
};

static struct twin twin;
static struct ioas_itree_node pool[TWIN_MAX];

static bool after(const struct ioas_itree_node *a,
		  const struct ioas_itree_node *b)
{
	return a->first != b->first ? a->first > b->first : a->last > b->last;
}

static void twin_insert(struct twin *t, struct ioas_itree_node *n)
{
	unsigned int i = t->nr++;

	assert_true(i < TWIN_MAX);
	for (; i && after(t->m[i - 1], n); i--)
		t->m[i] = t->m[i - 1];
	t->m[i] = n;
}

static void twin_remove(struct twin *t, unsigned int i)
{
	t->nr--;
	memmove(&t->m[i], &t->m[i + 1], (t->nr - i) * sizeof(t->m[0]));
}

static void add(struct ioas_itree *tree, struct ioas_itree_node *n,
		uint64_t first, uint64_t last)
{
	n->first = first;
	n->last = last;
	ioas_itree_insert(tree, n);
	twin_insert(&twin, n);
}

/* All members that intersect [a, b], in order. */
static void assert_walk(const struct ioas_itree *tree, uint64_t a, uint64_t b)
{
	const struct ioas_itree_node *n = ioas_itree_first(tree, a, b);
	unsigned int i;

	for (i = 0; i < twin.nr; i++) {
		const struct ioas_itree_node *m = twin.m[i];

		if (m->first > b || m->last < a)
			continue;
		assert_ptr_equal(n, m);
		n = ioas_itree_next(n, a, b);
	}
	assert_null(n);
}

static void assert_exact(const struct ioas_itree *tree, uint64_t a, uint64_t b)
{
	const struct ioas_itree_node *n = ioas_itree_exact(tree, a, b);
	bool is_there = false;
	unsigned int i;

	for (i = 0; i < twin.nr; i++)
		is_there |= twin.m[i]->first == a && twin.m[i]->last == b;
	assert_int_equal(n != NULL, is_there);
	if (n) {
		assert_int_equal(n->first, a);
		assert_int_equal(n->last, b);
	}
}

static bool twin_covers(uint64_t x)
{
	unsigned int i;

	for (i = 0; i < twin.nr; i++)
		if (twin.m[i]->first <= x && x <= twin.m[i]->last)
			return true;
	return false;
}

static void assert_span(const struct ioas_itree *tree, uint64_t a, uint64_t b)
{
	bool used = twin_covers(a);
	uint64_t i = a, last = b;

	while (i < b && twin_covers(i + 1) == used)
		i++;
	assert_int_equal(ioas_itree_span(tree, a, &last), used);
	assert_int_equal(last, i);
}

static void small_check(const struct ioas_itree *tree, uint64_t base)
{
	uint64_t a, b;

	assert_true(ioas_itree_validate(tree));
	for (a = base; a - base < SMALL; a++) {
		for (b = a; b - base < SMALL && b >= a; b++) {
			assert_walk(tree, a, b);
			assert_exact(tree, a, b);
			assert_span(tree, a, b);
		}
	}
}

/* All sets of up to @more members more, from the one at @from on in order. */
static void small_sets(struct ioas_itree *tree, uint64_t base,
		       unsigned int from, unsigned int more)
{
	struct ioas_itree_node *n = &pool[more];
	unsigned int k;

	small_check(tree, base);
	for (k = from; more && k < SMALL * SMALL; k++) {
		if (k / SMALL > k % SMALL)
			continue;
		add(tree, n, base + k / SMALL, base + k % SMALL);
		small_sets(tree, base, k, more - 1);
		ioas_itree_remove(tree, n);
		/* Members come in order, so this is the last of its equals. */
		assert_ptr_equal(twin.m[twin.nr - 1], n);
		twin_remove(&twin, twin.nr - 1);
	}
}

static void all_small_sets_answer_all_queries(void **state)
{
	struct ioas_itree tree = { 0 };

	(void)state;
	twin.nr = 0;
	small_sets(&tree, 0, 0, 3);
	assert_null(tree.root);
	small_sets(&tree, UINT64_MAX - SMALL + 1, 0, 4);
	assert_null(tree.root);
}

/* Every order of insertion and of removal of @NR members. */
#define NR 6u

static void orders_out(struct ioas_itree *tree)
{
	unsigned int i, gone;

	assert_true(ioas_itree_validate(tree));
	for (i = 0; i < twin.nr; i++) {
		struct ioas_itree_node *n = twin.m[i];

		ioas_itree_remove(tree, n);
		twin_remove(&twin, i);
		assert_true(ioas_itree_validate(tree));
		assert_walk(tree, 0, UINT64_MAX);
		for (gone = 0; gone < twin.nr; gone++) {
			struct ioas_itree_node *m = twin.m[gone];

			ioas_itree_remove(tree, m);
			assert_true(ioas_itree_validate(tree));
			ioas_itree_insert(tree, m);
		}
		ioas_itree_insert(tree, n);
		twin_insert(&twin, n);
	}
}

static void orders_in(struct ioas_itree *tree, unsigned int used)
{
	unsigned int i, k;

	if (used == (1u << NR) - 1) {
		orders_out(tree);
		return;
	}
	for (i = 0; i < NR; i++) {
		if (used & 1u << i)
			continue;
		add(tree, &pool[i], 3 * i, 3 * i + (i * 5 % 7));
		orders_in(tree, used | 1u << i);
		ioas_itree_remove(tree, &pool[i]);
		for (k = 0; twin.m[k] != &pool[i]; k++)
			;
		twin_remove(&twin, k);
	}
}

static void any_order_in_and_out_stays_balanced(void **state)
{
	struct ioas_itree tree = { 0 };

	(void)state;
	twin.nr = 0;
	orders_in(&tree, 0);
	assert_null(tree.root);
}

static void one_of_two_equals_can_go(void **state)
{
	struct ioas_itree tree = { 0 };
	unsigned int i;

	(void)state;
	twin.nr = 0;
	for (i = 0; i < 9; i++)
		add(&tree, &pool[i], 4, 9);
	assert_walk(&tree, 9, 9);
	ioas_itree_remove(&tree, &pool[4]);
	twin_remove(&twin, 4);
	assert_true(ioas_itree_validate(&tree));
	assert_walk(&tree, 0, UINT64_MAX);
	/* It comes back as the last of them. */
	add(&tree, &pool[4], 4, 9);
	assert_ptr_equal(twin.m[8], &pool[4]);
	assert_walk(&tree, 0, UINT64_MAX);
}

static void ends_of_the_space(void **state)
{
	struct ioas_itree tree = { 0 };
	uint64_t last = UINT64_MAX;

	(void)state;
	twin.nr = 0;
	assert_false(ioas_itree_span(&tree, 0, &last));
	assert_int_equal(last, UINT64_MAX);
	add(&tree, &pool[0], UINT64_MAX, UINT64_MAX);
	add(&tree, &pool[1], 0, 0);
	assert_false(ioas_itree_span(&tree, 1, &last));
	assert_int_equal(last, UINT64_MAX - 1);
	add(&tree, &pool[2], 1, UINT64_MAX - 1);
	last = UINT64_MAX;
	assert_true(ioas_itree_span(&tree, 0, &last));
	assert_int_equal(last, UINT64_MAX);
	add(&tree, &pool[3], 0, UINT64_MAX);
	assert_walk(&tree, 0, 0);
	assert_walk(&tree, UINT64_MAX, UINT64_MAX);
	assert_walk(&tree, 0, UINT64_MAX);
	assert_true(ioas_itree_validate(&tree));
}

#define UNIVERSE 4096u

/* Up to a thousand members, to and fro, down to none. */
static void random_run(uint64_t seed, uint64_t base, uint64_t most)
{
	struct ioas_itree tree = { 0 };
	struct prng rng = { seed };
	unsigned int step, free_nr = TWIN_MAX, i;
	static struct ioas_itree_node *free_node[TWIN_MAX];

	twin.nr = 0;
	for (i = 0; i < TWIN_MAX; i++)
		free_node[i] = &pool[i];
	for (step = 0; step < 3000 || twin.nr; step++) {
		unsigned int grow = step < 1500 ? 13 : step < 3000 ? 8 : 0;
		uint64_t a = prng_below(&rng, UNIVERSE), b;

		b = ioas_min(a + prng_below(&rng, most), UNIVERSE - 1);
		if (prng_below(&rng, 16) < grow && free_nr) {
			add(&tree, free_node[--free_nr], base + a, base + b);
		} else if (twin.nr) {
			i = (unsigned int)prng_below(&rng, twin.nr);
			ioas_itree_remove(&tree, twin.m[i]);
			free_node[free_nr++] = twin.m[i];
			twin_remove(&twin, i);
		}
		a = prng_below(&rng, UNIVERSE);
		b = a + prng_below(&rng, UNIVERSE - a);
		assert_walk(&tree, base + a, base + b);
		assert_exact(&tree, base + a, base + b);
		if (step % 8 == 0)
			assert_true(ioas_itree_validate(&tree));
		if (step % 32 == 0)
			assert_span(&tree, base + a,
				    base + ioas_min(a + 80, b));
	}
	assert_null(tree.root);
}

static void random_runs_agree_with_a_sorted_array(void **state)
{
	(void)state;
	print_message("# seeds 0x17ee to 0x17f0\n");
	random_run(0x17ee, 0, 4);
	random_run(0x17ef, UINT64_MAX - UNIVERSE + 1, 300);
	random_run(0x17f0, 1 << 20, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_small_sets_answer_all_queries),
		cmocka_unit_test(any_order_in_and_out_stays_balanced),
		cmocka_unit_test(one_of_two_equals_can_go),
		cmocka_unit_test(ends_of_the_space),
		cmocka_unit_test(random_runs_agree_with_a_sorted_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
