/* SPDX-License-Identifier: MIT */
/*
 * t_view_iotlb: what a view remembers, and what it makes dirty
 *
 * How often it looked into the tables tells what it remembered.
 */
#include "view_test.h"

/* ---- the IOTLB ---------------------------------------------------------- */

static void what_was_found_is_found_again_without_a_walk(void **state)
{
	struct fix *f = *state;
	const uint64_t sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB, GIB,
				   4 * GIB };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		uint64_t iova = (i + 2) * 8 * GIB;

		map(f, iova, sizes[i], sizes[i], READ);
		assert_look(f, iova + 5, READ, sizes[i] + 5, 1);
		assert_look(f, iova + 4095, READ, sizes[i] + 4095, 0);
	}
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++)
		assert_look(f, (i + 2) * 8 * GIB, READ, sizes[i], 0);
}

static void what_is_not_mapped_is_not_remembered(void **state)
{
	struct fix *f = *state;

	assert_look(f, 2 * MIB, READ, IOAS_U64_MAX, 1);
	assert_look(f, 2 * MIB, READ, IOAS_U64_MAX, 1);
	map(f, 2 * MIB, 2 * MIB, 0, READ);
	assert_look(f, 2 * MIB, READ, 0, 1);
}

static void random_access_to_a_huge_leaf_needs_few_walks(void **state)
{
	struct fix *f = *state;
	uint64_t seed = 1, before;

	map(f, 4 * GIB, 4 * GIB, 4 * GIB, READ);
	map(f, 9 * GIB, GIB, 9 * GIB, READ);
	map(f, 10 * GIB, 64 * MIB, 10 * GIB, READ);
	before = ioas_dview_walks(f->v);
	for (unsigned int i = 0; i < 20000; i++) {
		uint64_t iova = 4 * GIB + rng_below(&seed, 4 * GIB);

		assert_int_equal(look(f, iova, READ), iova);
		iova = 9 * GIB + rng_below(&seed, GIB + 64 * MIB);
		assert_int_equal(look(f, iova, READ), iova);
	}
	/* One for each GiB; one for each of 32 times 2 MiB. */
	assert_int_equal(ioas_dview_walks(f->v) - before, 4 + 1 + 32);
}

static void a_thousand_regions_fit(void **state)
{
	struct fix *f = *state;
	uint64_t before;

	for (uint64_t i = 0; i < 1024; i++)
		map(f, 16 * GIB + i * 2 * MIB, 2 * MIB,
		    (1024 - i) * 2 * MIB, READ);
	for (uint64_t i = 0; i < 1024; i++)
		look(f, 16 * GIB + i * 2 * MIB, READ);
	before = ioas_dview_walks(f->v);
	for (uint64_t i = 0; i < 1024; i++)
		assert_int_equal(look(f, 16 * GIB + i * 2 * MIB + 77, READ),
				 (1024 - i) * 2 * MIB + 77);
	assert_int_equal(ioas_dview_walks(f->v), before);
}

static void an_unmap_elsewhere_flushes_nothing(void **state)
{
	struct fix *f = *state;

	map(f, 2 * MIB, 4 * KIB, 0x1000, READ);
	map(f, 4 * MIB, 2 * MIB, 2 * MIB, READ);
	map(f, 8 * GIB, GIB, GIB, READ);
	look(f, 2 * MIB, READ);
	look(f, 4 * MIB, READ);
	look(f, 8 * GIB, READ);
	for (uint64_t iova = 6 * MIB; iova < 80 * MIB; iova += 4 * MIB) {
		map(f, iova, 4 * MIB, iova, READ);
		unmap(f, iova, 4 * MIB);
	}
	map(f, 9 * GIB, 8 * KIB, 0, READ);
	unmap(f, 9 * GIB, 8 * KIB);
	assert_look(f, 2 * MIB, READ, 0x1000, 0);
	assert_look(f, 4 * MIB, READ, 2 * MIB, 0);
	assert_look(f, 8 * GIB, READ, GIB, 0);
}

static void a_map_flushes_nothing(void **state)
{
	struct fix *f = *state;

	map(f, 2 * MIB, 4 * KIB, 0x1000, READ);
	look(f, 2 * MIB, READ);
	map(f, 2 * MIB + 4 * KIB, 64 * KIB, 0x9000, READ);
	assert_look(f, 2 * MIB, READ, 0x1000, 0);
}

static void after_an_unmap_nothing_is_remembered_of_it(void **state)
{
	struct fix *f = *state;
	const uint64_t sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB, GIB,
				   4 * GIB, 300 * GIB };

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		uint64_t iova = 8 * GIB;

		map(f, iova, sizes[i], 0, READ);
		for (uint64_t at = 0; at < sizes[i]; at += sizes[i] / 16 + 1)
			look(f, iova + at, READ);
		unmap(f, iova, sizes[i]);
		for (uint64_t at = 0; at < sizes[i]; at += sizes[i] / 16 + 1)
			assert_true(look(f, iova + at, READ) == IOAS_U64_MAX);
		/* And something else may come. */
		map(f, iova, sizes[i], 64 * GIB, READ);
		assert_int_equal(look(f, iova + 5, READ), 64 * GIB + 5);
		unmap(f, iova, sizes[i]);
	}
}

/* Two small leaves of one region: what is left is walked to once more. */
static void neighbours_in_a_region_go_together(void **state)
{
	struct fix *f = *state;

	map(f, 2 * MIB, 4 * KIB, 0x1000, READ);
	map(f, 2 * MIB + 8 * KIB, 4 * KIB, 0x9000, READ);
	look(f, 2 * MIB, READ);
	unmap(f, 2 * MIB + 8 * KIB, 4 * KIB);
	assert_look(f, 2 * MIB, READ, 0x1000, 1);
	assert_look(f, 2 * MIB, READ, 0x1000, 0);
}

static void a_split_changes_no_answer(void **state)
{
	struct fix *f = *state;

	map(f, 4 * GIB, GIB, 4 * GIB, RW);
	assert_look(f, 4 * GIB + 3 * MIB, READ, 4 * GIB + 3 * MIB, 1);
	ioas_dview_exit(f->v);
	assert_int_equal(f->d->ops->split(f->d, 4 * GIB + 2 * MIB), 0);
	f->d->ops->sync(f->d);
	ioas_dview_enter(f->v);
	assert_look(f, 4 * GIB + 3 * MIB, READ, 4 * GIB + 3 * MIB, 1);
	assert_look(f, 4 * GIB + MIB, READ, 4 * GIB + MIB, 1);
	/* One part goes, the other stays. */
	unmap(f, 4 * GIB + 2 * MIB, GIB - 2 * MIB);
	assert_true(look(f, 4 * GIB + 3 * MIB, READ) == IOAS_U64_MAX);
	assert_int_equal(look(f, 4 * GIB + MIB, READ), 4 * GIB + MIB);
}

/* A view of its own remembers on its own. */
static void views_do_not_share_what_they_remember(void **state)
{
	struct fix *f = *state;
	struct fix other = { .d = f->d };

	assert_int_equal(ioas_dview_create(f->d, note_fault, &other, &other.v),
			 0);
	ioas_dview_enter(other.v);
	map(f, 2 * MIB, 2 * MIB, 0, RW);
	assert_look(f, 2 * MIB, READ, 0, 1);
	assert_look(&other, 2 * MIB, READ, 0, 1);
	ioas_dview_exit(other.v);
	unmap(f, 2 * MIB, 2 * MIB);
	ioas_dview_enter(other.v);
	assert_look(&other, 2 * MIB, READ, IOAS_U64_MAX, 1);
	assert_int_equal(other.nr_faults, 1);
	assert_int_equal(f->nr_faults, 0);
	ioas_dview_exit(other.v);
	ioas_dview_destroy(other.v);
}

/* Leaves that are smaller than any when the view was made. */
static void page_sizes_may_become_smaller(void **state)
{
	const struct ioas_table_options opts = {
		.format = ioas_pt_format_find("vtdss", 0),
		.pt = { .pgsizes = 2 * MIB },
	};
	struct fix f = { 0 };

	(void)state;
	assert_int_equal(ioas_table_domain_create(&opts, &f.d), 0);
	assert_int_equal(ioas_dview_create(f.d, NULL, NULL, &f.v), 0);
	assert_int_equal(ioas_pt_set_pgsizes(ioas_table_domain_pt(f.d),
					     2 * MIB | 4 * KIB), 0);
	ioas_dview_enter(f.v);
	map(&f, 2 * MIB, 4 * KIB, 0x5000, READ);
	map(&f, 2 * MIB + 4 * KIB, 4 * KIB, 0x9000, READ);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(look(&f, 2 * MIB, READ), 0x5000);
		assert_int_equal(look(&f, 2 * MIB + 4 * KIB, READ), 0x9000);
		assert_true(look(&f, 2 * MIB + 8 * KIB, READ) == IOAS_U64_MAX);
	}
	ioas_dview_exit(f.v);
	ioas_dview_destroy(f.v);
	f.d->ops->destroy(f.d);
}

/* ---- dirty -------------------------------------------------------------- */

struct marks {
	struct ioas_dirty_sink sink;
	uint64_t bytes;
	uint64_t first;
	uint64_t last;
};

static void marks_add(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		      ioas_iova_t last)
{
	struct marks *m = (struct marks *)sink;

	if (!m->bytes)
		m->first = iova;
	m->last = last;
	m->bytes += last - iova + 1;
}

/* What is dirty, and is no longer. */
static struct marks harvest(struct fix *f, uint64_t iova, uint64_t length)
{
	struct marks m = { .sink.mark = marks_add };

	ioas_dview_exit(f->v);
	assert_int_equal(f->d->ops->read_and_clear_dirty(
				 f->d, iova, iova + length - 1, 0, &m.sink),
			 0);
	f->d->ops->sync(f->d);
	ioas_dview_enter(f->v);
	return m;
}

/* What the core does: forget, then switch. */
static void track(struct fix *f, bool on)
{
	ioas_dview_exit(f->v);
	if (on) {
		f->d->ops->read_and_clear_dirty(f->d, 0, LAST, 0, NULL);
		f->d->ops->sync(f->d);
	}
	assert_int_equal(f->d->ops->set_dirty_tracking(f->d, on), 0);
	ioas_dview_enter(f->v);
}

static void nothing_is_marked_while_nobody_tracks(void **state)
{
	struct fix *f = *state;

	map(f, 2 * MIB, 2 * MIB, 0, RW);
	assert_int_equal(look(f, 2 * MIB, WRITE), 0);
	assert_int_equal(harvest(f, 2 * MIB, 2 * MIB).bytes, 0);
}

static void what_was_writable_before_is_marked_once_tracking_is_on(void **state)
{
	struct fix *f = *state;

	map(f, 2 * MIB, 2 * MIB, 0, RW);
	map(f, 4 * GIB, GIB, 0, RW);
	map(f, 8 * GIB, 4 * KIB, 0, RW);
	look(f, 2 * MIB, WRITE);
	look(f, 4 * GIB, RW);
	look(f, 8 * GIB, READ);
	track(f, true);
	look(f, 2 * MIB, WRITE);
	look(f, 4 * GIB, WRITE);
	look(f, 8 * GIB, WRITE);
	assert_int_equal(harvest(f, 2 * MIB, 2 * MIB).bytes, 2 * MIB);
	assert_int_equal(harvest(f, 4 * GIB, GIB).bytes, GIB);
	assert_int_equal(harvest(f, 8 * GIB, 4 * KIB).bytes, 4 * KIB);
}

static void a_write_marks_its_leaf_and_a_read_none(void **state)
{
	struct fix *f = *state;
	struct marks m;

	track(f, true);
	map(f, 2 * MIB, 16 * KIB, 0x7000, RW);
	look(f, 2 * MIB, READ);
	look(f, 2 * MIB + 4 * KIB, READ);
	look(f, 2 * MIB + 5 * KIB, WRITE);
	m = harvest(f, 2 * MIB, 16 * KIB);
	assert_int_equal(m.bytes, 4 * KIB);
	assert_int_equal(m.first, 2 * MIB + 4 * KIB);
	assert_int_equal(harvest(f, 2 * MIB, 16 * KIB).bytes, 0);
	/* A refused one neither. */
	map(f, 4 * MIB, 4 * KIB, 0x7000, READ);
	assert_int_equal(ioas_dview_translate(f->v, 4 * MIB, 4 * MIB, WRITE,
					      &m.first, &m.last), -EACCES);
	assert_int_equal(harvest(f, 4 * MIB, 4 * KIB).bytes, 0);
}

/* V3: what a harvest cleared is marked by the next write, remembered or not. */
static void after_a_harvest_a_write_marks_again(void **state)
{
	struct fix *f = *state;
	const uint64_t sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB, 64 * MIB, GIB,
				   4 * GIB };

	track(f, true);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		uint64_t iova = (i + 2) * 8 * GIB;

		map(f, iova, sizes[i], sizes[i], RW);
		for (unsigned int k = 0; k < 3; k++) {
			assert_look(f, iova + 5, WRITE, sizes[i] + 5, 1);
			assert_look(f, iova + 9, RW, sizes[i] + 9, 0);
			assert_int_equal(harvest(f, iova, sizes[i]).bytes,
					 sizes[i]);
			assert_int_equal(harvest(f, iova, sizes[i]).bytes, 0);
		}
	}
}

/* A look that leaves it dirty costs nobody a walk. */
static void a_harvest_that_keeps_flushes_nothing(void **state)
{
	struct fix *f = *state;
	struct marks m = { .sink.mark = marks_add };

	track(f, true);
	map(f, 2 * MIB, 2 * MIB, 0, RW);
	assert_look(f, 2 * MIB, WRITE, 0, 1);
	assert_int_equal(f->d->ops->read_and_clear_dirty(
				 f->d, 0, LAST, IOAS_DIRTY_NO_CLEAR, &m.sink),
			 0);
	assert_int_equal(m.bytes, 2 * MIB);
	assert_look(f, 2 * MIB, WRITE, 0, 0);
}

/* Read first, then written: the entry has to learn. */
static void an_entry_of_a_read_does_not_let_a_write_pass(void **state)
{
	struct fix *f = *state;

	track(f, true);
	map(f, 2 * MIB, 2 * MIB, 0, RW);
	assert_look(f, 2 * MIB, READ, 0, 1);
	assert_look(f, 2 * MIB, READ, 0, 0);
	assert_look(f, 2 * MIB, WRITE, 0, 1);
	assert_look(f, 2 * MIB, WRITE, 0, 0);
	assert_int_equal(harvest(f, 2 * MIB, 2 * MIB).bytes, 2 * MIB);
	/* Dirty already, by somebody else. */
	ioas_table_domain_mark_dirty(f->d, 2 * MIB, 2 * MIB);
	assert_look(f, 2 * MIB, READ, 0, 1);
	assert_look(f, 2 * MIB, WRITE, 0, 0);
}

static void segments_mark_what_they_return_and_no_more(void **state)
{
	struct fix *f = *state;
	struct ioas_dview_segment s[1];
	uint32_t nr = 1;
	uint64_t done;

	track(f, true);
	map_mixed(f, RW);
	assert_int_equal(ioas_dview_segments(f->v, MIXED,
					     MIXED + MIXED_LENGTH, WRITE, s,
					     &nr, &done), -EMSGSIZE);
	assert_int_equal(harvest(f, MIXED, MIXED_LENGTH).bytes, MIXED_LENGTH);
	assert_int_equal(harvest(f, MIXED, MIXED_LENGTH + 4 * KIB).bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_found_is_found_again_without_a_walk),
		CASE(what_is_not_mapped_is_not_remembered),
		CASE(random_access_to_a_huge_leaf_needs_few_walks),
		CASE(a_thousand_regions_fit),
		CASE(an_unmap_elsewhere_flushes_nothing),
		CASE(a_map_flushes_nothing),
		CASE(after_an_unmap_nothing_is_remembered_of_it),
		CASE(neighbours_in_a_region_go_together),
		CASE(a_split_changes_no_answer),
		CASE(views_do_not_share_what_they_remember),
		cmocka_unit_test(page_sizes_may_become_smaller),
		CASE(nothing_is_marked_while_nobody_tracks),
		CASE(what_was_writable_before_is_marked_once_tracking_is_on),
		CASE(a_write_marks_its_leaf_and_a_read_none),
		CASE(after_a_harvest_a_write_marks_again),
		CASE(a_harvest_that_keeps_flushes_nothing),
		CASE(an_entry_of_a_read_does_not_let_a_write_pass),
		CASE(segments_mark_what_they_return_and_no_more),
	};

	return cmocka_run_group_tests_name("t_view_iotlb", tests, NULL, NULL);
}
