/* SPDX-License-Identifier: MIT */
/*
 * t_domain_leaf: how large the leaves of a table domain are
 */
#include "pt_test.h"

#include <stdlib.h>

#include "domain/table.h"

#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

/* Takes the only dirty range there is. */
struct marker {
	struct ioas_dirty_sink sink;
	unsigned int nr;
	uint64_t first;
	uint64_t last;
};

static void marker_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
			ioas_iova_t last)
{
	struct marker *m = (struct marker *)sink;

	m->nr++;
	m->first = iova;
	m->last = last;
}

/* Pages 16 to 19, from the middle of the first to the middle of the last. */
static void map_half_pages(struct ioas_domain *d, uint64_t max_leaf)
{
	const struct ioas_run run = { 16, 4 };
	const struct ioas_map_request rq = {
		.iova = 0x10800, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.head = 0x800, .length = 0x3000, .prot = RW,
		.max_leaf = max_leaf,
	};

	assert_int_equal(d->ops->map(d, &rq), 0);
}

static void assert_leaf(struct ioas_domain *d, uint64_t iova, unsigned int lg2)
{
	struct ioas_pt_leaf leaf;

	assert_int_equal(ioas_pt_leaf(ioas_table_domain_pt(d), iova, &leaf),
			 0);
	assert_int_equal(leaf.lg2, lg2);
}

static void small_leaves_are_used_where_pages_are_asked_for(void **state)
{
	static const struct {
		uint64_t small_leaf;
		uint64_t max_leaf;
		/* Of the leaf at 0x12000, where one of a page fits. */
		unsigned int lg2;
	} cases[] = {
		{ 0x800, 0x1000, 11 }, { 0x800, 0x2000, 12 },
		{ 0x800, 0, 12 },      { 0, 0x1000, 12 },
		{ 0x1000, 0x800, 11 }, { 0x800, 0x800, 11 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct ioas_table_options opts = {
			.pt = { .pgsizes = 0xf800, .last = 0xfffff },
			.dirty = true,
			.small_leaf = cases[i].small_leaf,
		};
		struct marker m = { .sink.mark = marker_mark };
		struct ioas_domain *d = NULL;

		assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
		map_half_pages(d, cases[i].max_leaf);
		assert_leaf(d, 0x10800, 11);
		assert_leaf(d, 0x12000, cases[i].lg2);
		assert_int_equal(d->ops->set_dirty_tracking(d, true), 0);
		ioas_table_domain_mark_dirty(d, 0x12000, 0x12000);
		assert_int_equal(d->ops->read_and_clear_dirty(
					 d, 0x10800, 0x137ff, 0, &m.sink), 0);
		assert_int_equal(m.nr, 1);
		assert_int_equal(m.first, 0x12000);
		assert_int_equal(m.last - m.first,
				 (1ull << cases[i].lg2) - 1);
		assert_true(ioas_table_domain_validate(d));
		d->ops->destroy(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			small_leaves_are_used_where_pages_are_asked_for),
	};

	return cmocka_run_group_tests_name("domain_leaf", tests, NULL, NULL);
}
