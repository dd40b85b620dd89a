/* SPDX-License-Identifier: MIT */
/*
 * t_pt_remove: the removal that keeps no books (page-tables 4.3, 9.10)
 *
 *   leaves     |   A   |  B  |   C   |   hole   |  D  |
 *   asked for      |--------->        inside A: nothing goes
 *                      |------------------------------>  B and C go
 *                      |-------->     ends inside C: B and C go
 */
#include "pt_each_test.h"

static void removed(struct kit *k, uint64_t iova, uint64_t length,
		    uint64_t expected, uint32_t tables)
{
	uint32_t nr = 99;
	uint64_t ret = ioas_pt_remove(k->pt, iova, length, &nr);

	if (ret != expected || nr != tables)
		fail_msg("%s: remove %llx of %llx: %llx with %u tables, "
			 "not %llx with %u", k->f->name,
			 (unsigned long long)iova, (unsigned long long)length,
			 (unsigned long long)ret, nr,
			 (unsigned long long)expected, tables);
}

static void a_removal_stops_at_the_first_hole_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	kit_mapped(k, g, 0, 3 * g);
	kit_mapped(k, 5 * g, 0, g);
	kit_forget(k);
	removed(k, 0, 9 * g, 0, 0);
	assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	removed(k, g, 9 * g, 3 * g, 0);
	kit_assert_invalidated(k, g, 4 * g - 1, false);
	assert_int_equal(kit_oa(k->pt, 5 * g), 0);
	removed(k, 5 * g, 0, 0, 0);
	removed(k, 5 * g, 1, g, 0);
}

EACH_FORMAT(a_removal_stops_at_the_first_hole)

/* And does not drop the table that the hole is in. */
static void a_table_with_a_hole_stays_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	unsigned int live;

	kit_mapped(k, table, 0, table / 2);
	kit_mapped(k, table + table / 2 + g, g, table / 2 - g);
	live = k->live;
	removed(k, table, table, table / 2, 0);
	assert_int_equal(k->live, live);
	assert_true(kit_oa(k->pt, 2 * table - 1) == table / 2 - 1);
	kit_check(k);
	/* Empty now, but nobody asked for the whole of it. */
	removed(k, table + table / 2 + g, table, table / 2 - g, 0);
	removed(k, table, table, 0, 0);
}

EACH_FORMAT(a_table_with_a_hole_stays)

static void a_removal_does_not_begin_inside_a_leaf_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);

		if (!fits(k, lg2) || size == g)
			continue;
		kit_mapped(k, size, 0, size);
		kit_forget(k);
		removed(k, size + g, size - g, 0, 0);
		removed(k, size + size / 2, size, 0, 0);
		assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
		kit_assert_leaf(k, size, size, 0, lg2);
		kit_unmap(k, size, 2 * size - 1);
	}
}

EACH_FORMAT(a_removal_does_not_begin_inside_a_leaf)

static void a_leaf_is_removed_as_a_whole_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);

		if (!fits(k, lg2))
			continue;
		kit_mapped(k, size, 0, size);
		kit_forget(k);
		removed(k, size, g, size, 0);
		kit_assert_invalidated(k, size, 2 * size - 1, false);
		assert_true(kit_oa(k->pt, 2 * size - 1) == UINT64_MAX);
		kit_check(k);
	}
}

EACH_FORMAT(a_leaf_is_removed_as_a_whole)

/* Tables go when the whole of what they span was asked for. */
static void a_removal_of_a_whole_table_frees_it_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));

	/* Two tables, the second in part. */
	kit_mapped(k, table, 0, table - g);
	kit_mapped(k, 2 * table - g, table, 4 * g);
	kit_forget(k);
	removed(k, table, table + 2 * g, table + 2 * g, 1);
	kit_assert_invalidated(k, table, 2 * table + 2 * g - 1, true);
	removed(k, 2 * table + 2 * g, g, g, 0);
	assert_true(kit_oa(k->pt, table) == UINT64_MAX);
}

EACH_FORMAT(a_removal_of_a_whole_table_frees_it)

static void the_root_is_never_freed_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f), n = 0, pos;
	struct ioas_pt_root before, after;
	struct kit_leaves l;

	/* Level by level the last item of the root, in the largest leaves. */
	ioas_pt_root(k->pt, &before);
	kit_mapped(k, last + 1 - g, 0, g);
	removed(k, last + 1 - g, UINT64_MAX, g, 0);
	pos = last + 1 - KIT_PGSIZE(kit_item_lg2(k->f, before.level));
	while (n++ < 4 && !kit_map(k, pos, 0, g, KIT_RW))
		pos += g;
	removed(k, 0, UINT64_MAX, 0, 0);
	kit_leaves(k->pt, &l);
	ioas_pt_root(k->pt, &after);
	assert_int_equal(l.nr, 4);
	assert_true(k->f->flags & IOAS_PT_GROW || before.pa == after.pa);
	kit_leaves_free(&l);
}

EACH_FORMAT(the_root_is_never_freed)

static void a_removal_ends_with_its_half_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);

	kit_mapped(k, last + 1 - 2 * g, 0, 2 * g);
	removed(k, last + 1 - 2 * g, UINT64_MAX, 2 * g, 0);
	if (last != UINT64_MAX)
		removed(k, last + 1, g, 0, 0);
	if (!kit_signed(k->f))
		return;
	kit_mapped(k, last + 1 - g, 0, g);
	kit_mapped(k, ~last, 0, g);
	kit_mapped(k, (uint64_t)-g, 0, g);
	removed(k, last + 1 - g, UINT64_MAX, g, 0);
	removed(k, (uint64_t)-g, UINT64_MAX, g, 0);
	removed(k, ~last, UINT64_MAX, g, 0);
}

EACH_FORMAT(a_removal_ends_with_its_half)

/* What 4.3 says, of the leaves that there were. */
static uint64_t remove_twin(const struct kit_leaves *l, uint64_t iova,
			    uint64_t length)
{
	uint64_t at = iova, last = iova + (length - 1);

	if (last < iova)
		last = UINT64_MAX;
	for (size_t i = 0; i < l->nr; i++) {
		if (l->leaf[i].iova != at || (at != iova && at > last))
			continue;
		at += KIT_PGSIZE(l->leaf[i].lg2);
		if (!at)
			break;
	}
	return at - iova;
}

static void a_removal_is_that_of_its_twin_of(struct kit *k)
{
	struct prng rng = { 8 };

	for (int n = 0; n < 60; n++) {
		struct kit_leaves before, after;
		struct kit_request rq;
		uint64_t gone;
		size_t left = 0;

		kit_random(k->f, &rng, &rq);
		if (rq.length > 600 * granule_of(k))
			rq.length = 600 * granule_of(k);
		if (n % 3) {
			kit_map(k, rq.iova, rq.oa, rq.length, rq.prot);
			continue;
		}
		kit_leaves(k->pt, &before);
		if (before.nr && n % 2)
			rq.iova = before.leaf[prng_below(&rng, before.nr)].iova;
		gone = remove_twin(&before, rq.iova, rq.length);
		assert_true(ioas_pt_remove(k->pt, rq.iova, rq.length, NULL) ==
			    gone);
		kit_leaves(k->pt, &after);
		for (size_t i = 0; i < before.nr; i++) {
			if (before.leaf[i].iova - rq.iova < gone)
				continue;
			assert_true(left < after.nr && after.leaf[left].iova ==
						       before.leaf[i].iova);
			left++;
		}
		assert_int_equal(left, after.nr);
		kit_leaves_free(&before);
		kit_leaves_free(&after);
		kit_check(k);
	}
}

EACH_FORMAT(a_removal_is_that_of_its_twin)

/* All 2^64 bytes: no number says how many that is. */
static void regress_everything_can_be_removed_at_once(void **state)
{
	struct kit *k = kit_new(kit_find("amdv1 grows"), NULL);
	const uint64_t size = (uint64_t)1 << 51;
	uint32_t tables = 0;

	(void)state;
	for (uint64_t n = 0; n < 8192; n++)
		kit_mapped(k, n * size, 0, size);
	kit_forget(k);
	assert_int_equal(ioas_pt_remove(k->pt, 0, UINT64_MAX, &tables), 0);
	kit_assert_invalidated(k, 0, UINT64_MAX, true);
	assert_int_equal(tables, 127);
	assert_true(kit_oa(k->pt, 5 * size) == UINT64_MAX);
	kit_check(k);
	kit_free(k);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removal_stops_at_the_first_hole),
		cmocka_unit_test(a_table_with_a_hole_stays),
		cmocka_unit_test(a_removal_does_not_begin_inside_a_leaf),
		cmocka_unit_test(a_leaf_is_removed_as_a_whole),
		cmocka_unit_test(a_removal_of_a_whole_table_frees_it),
		cmocka_unit_test(the_root_is_never_freed),
		cmocka_unit_test(a_removal_ends_with_its_half),
		cmocka_unit_test(a_removal_is_that_of_its_twin),
		cmocka_unit_test(regress_everything_can_be_removed_at_once),
	};

	return cmocka_run_group_tests_name("pt_remove", tests, NULL, NULL);
}
