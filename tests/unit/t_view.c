/* SPDX-License-Identifier: MIT */
/*
 * t_view: what a view answers and reports; one thread, the mock format
 *
 * What it remembers and marks is t_view_iotlb.c, other formats t_view_book.c.
 * That threads may do all this at the same time is
 * tests/concurrency/t_view_races.c and t_view_stress.c.
 */
#include "view_test.h"

#include "domain/flat.h"
#include "breach_test.h"

/* ---- life --------------------------------------------------------------- */

static void a_domain_without_a_page_table_has_no_view(void **state)
{
	const struct ioas_flat_options opts = { .pgsizes = 4096,
						.last = LAST };
	struct ioas_dview *v = NULL;
	struct ioas_domain *d;

	(void)state;
	assert_int_equal(ioas_flat_domain_create(&opts, &d), 0);
	assert_int_equal(ioas_dview_create(d, NULL, NULL, &v), -EOPNOTSUPP);
	assert_null(v);
	assert_false(ioas_dview_exists(d));
	d->ops->destroy(d);
}

struct creation {
	struct ioas_domain *d;
	struct ioas_dview *v;
};

static int create(void *arg)
{
	struct creation *c = arg;

	return ioas_dview_create(c->d, NULL, NULL, &c->v);
}

static void without_memory_there_is_no_view(void **state)
{
	uint64_t nth = 1;
	int ret;

	(void)state;
	/* A new domain each time: the first view of one needs more. */
	for (;; nth++) {
		struct creation c = { domain_new(&formats[0]), NULL };
		bool failed = fault_run(nth, create, &c, &ret);

		assert_int_equal(ret, failed ? -ENOMEM : 0);
		assert_int_equal(c.v != NULL, !failed);
		assert_int_equal(ioas_dview_exists(c.d), !failed);
		ioas_dview_destroy(c.v);
		assert_false(ioas_dview_exists(c.d));
		c.d->ops->destroy(c.d);
		if (!failed)
			break;
	}
	assert_int_equal(nth, 3);
}

static void destroying_no_view_is_harmless(void **state)
{
	(void)state;
	ioas_dview_destroy(NULL);
}

static void a_domain_is_not_destroyed_under_its_views(void **state)
{
	struct fix *f = *state;

	nr_breaches = 0;
	breaches_expected = true;
	f->d->ops->destroy(f->d);
	breaches_expected = false;
	assert_int_equal(nr_breaches, 1);
	/* And it was not. */
	map(f, 2 * MIB, MIB, 0, RW);
	assert_int_equal(look(f, 2 * MIB, READ), 0);
}

static void a_view_that_is_destroyed_inside_a_section_leaves_it(void **state)
{
	struct fix *f = *state;
	struct ioas_dview *v;

	assert_int_equal(ioas_dview_create(f->d, NULL, NULL, &v), 0);
	ioas_dview_enter(v);
	nr_breaches = 0;
	breaches_expected = true;
	ioas_dview_destroy(v);
	breaches_expected = false;
	assert_int_equal(nr_breaches, 1);
	/* Nobody waits for it. */
	map(f, 2 * MIB, MIB, 0, RW);
	unmap(f, 2 * MIB, MIB);
}

/* ---- answers ------------------------------------------------------------ */

static void a_translation_ends_with_the_leaf_or_the_range(void **state)
{
	struct fix *f = *state;
	const uint64_t sizes[] = { 4 * KIB, 64 * KIB, 2 * MIB };
	uint64_t addr, length;

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		uint64_t size = sizes[i], iova = 4 * GIB + 4 * GIB * i;

		map(f, iova, size, 7 * size, READ);
		assert_int_equal(ioas_dview_translate(f->v, iova + 5,
						      iova + 5, READ, &addr,
						      &length), 0);
		assert_int_equal(addr, 7 * size + 5);
		assert_int_equal(length, 1);
		assert_int_equal(ioas_dview_translate(f->v, iova + 5,
						      UINT64_MAX, READ, &addr,
						      &length), 0);
		assert_int_equal(addr, 7 * size + 5);
		assert_in_range(length, 4096 - 5, size - 5);
		assert_int_equal(look(f, iova + size - 1, READ),
				 8 * size - 1);
		assert_true(look(f, iova + size, READ) == IOAS_U64_MAX);
		assert_true(look(f, iova - 1, READ) == IOAS_U64_MAX);
	}
}

static void what_cannot_be_reached_is_reported(void **state)
{
	struct fix *f = *state;
	uint64_t addr = 1, length = 2;

	map(f, 16 * MIB, 4 * KIB, 0x5000, READ);
	assert_int_equal(ioas_dview_translate(f->v, 16 * MIB + 4096,
					      UINT64_MAX, RW, &addr, &length),
			 -ENOENT);
	assert_int_equal(f->nr_faults, 1);
	assert_int_equal(f->fault.iova, 16 * MIB + 4096);
	assert_int_equal(f->fault.access, RW);
	assert_int_equal(f->fault.reason, IOAS_DVIEW_NOT_MAPPED);
	assert_int_equal(ioas_dview_translate(f->v, 16 * MIB + 9, UINT64_MAX,
					      WRITE, &addr, &length),
			 -EACCES);
	assert_int_equal(f->nr_faults, 2);
	assert_int_equal(f->fault.iova, 16 * MIB + 9);
	assert_int_equal(f->fault.access, WRITE);
	assert_int_equal(f->fault.reason, IOAS_DVIEW_DENIED);
	assert_int_equal(addr, 1);
	assert_int_equal(length, 2);
	/* What can be is not. */
	assert_int_equal(look(f, 16 * MIB, READ), 0x5000);
	assert_int_equal(f->nr_faults, 2);
}

static void a_view_without_a_callback_only_returns(void **state)
{
	struct fix *f = *state;
	uint64_t addr, length;
	struct ioas_dview *v;

	assert_int_equal(ioas_dview_create(f->d, NULL, NULL, &v), 0);
	ioas_dview_enter(v);
	assert_int_equal(ioas_dview_translate(v, MIB, MIB, READ, &addr,
					      &length), -ENOENT);
	ioas_dview_exit(v);
	ioas_dview_destroy(v);
	assert_int_equal(f->nr_faults, 0);
}

static void outside_the_aperture_nothing_is_mapped(void **state)
{
	struct fix *f = *state;

	map(f, MIB, 4 * KIB, 0, RW);
	map(f, LAST + 1 - 4 * KIB, 4 * KIB, 0x4000, RW);
	assert_true(look(f, 0, READ) == IOAS_U64_MAX);
	assert_true(look(f, MIB - 1, READ) == IOAS_U64_MAX);
	assert_int_equal(look(f, MIB, READ), 0);
	assert_int_equal(look(f, LAST, READ), 0x4fff);
	assert_true(look(f, LAST + 1, READ) == IOAS_U64_MAX);
	assert_true(look(f, UINT64_MAX, READ) == IOAS_U64_MAX);
}

/* Each twice: from the tables, and from what is remembered. */
static void permissions_are_those_of_the_leaf(void **state)
{
	struct fix *f = *state;

	for (uint32_t prot = 1; prot <= RW; prot++) {
		for (uint32_t access = 1; access <= RW; access++) {
			uint64_t iova = (prot * 4 + access) * GIB;
			uint64_t addr, length;

			map(f, iova, 2 * MIB, iova, prot);
			for (unsigned int i = 0; i < 4; i++) {
				/* Something may do, and be remembered. */
				if (i == 2)
					look(f, iova, prot & -prot);
				assert_int_equal(
					ioas_dview_translate(
						f->v, iova, iova, access,
						&addr, &length),
					access & ~prot ? -EACCES : 0);
			}
		}
	}
}

/* ---- segments ----------------------------------------------------------- */

static void segments_melt_over_leaves_of_several_sizes(void **state)
{
	struct fix *f = *state;
	struct ioas_dview_segment s[4];
	uint32_t nr = 4;
	uint64_t done;

	map_mixed(f, READ);
	assert_int_equal(ioas_dview_segments(f->v, MIXED + 1,
					     MIXED + MIXED_LENGTH + 9, READ, s,
					     &nr, &done), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(done, MIXED_LENGTH + 9);
	assert_int_equal(s[0].addr, 8 * GIB - 16 * KIB + 1);
	assert_int_equal(s[0].length, MIXED_LENGTH - 1);
	assert_int_equal(s[1].addr, 0x3000);
	assert_int_equal(s[1].length, 10);
	assert_int_equal(f->nr_faults, 0);
}

static void segments_without_room_say_how_far_they_came(void **state)
{
	struct fix *f = *state;
	struct ioas_dview_segment s[1];
	uint32_t nr = 0;
	uint64_t done = 1;

	map_mixed(f, READ);
	assert_int_equal(ioas_dview_segments(f->v, MIXED, MIXED, READ, s, &nr,
					     &done), -EMSGSIZE);
	assert_int_equal(nr, 0);
	assert_int_equal(done, 0);
	nr = 1;
	assert_int_equal(ioas_dview_segments(f->v, MIXED,
					     MIXED + MIXED_LENGTH, READ, s,
					     &nr, &done), -EMSGSIZE);
	assert_int_equal(nr, 1);
	assert_int_equal(done, MIXED_LENGTH);
	assert_int_equal(s[0].length, MIXED_LENGTH);
	nr = 1;
	assert_int_equal(ioas_dview_segments(f->v, MIXED + done,
					     MIXED + MIXED_LENGTH, READ, s,
					     &nr, &done), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(done, 1);
	assert_int_equal(s[0].addr, 0x3000);
	/* Exactly enough is enough. */
	nr = 1;
	assert_int_equal(ioas_dview_segments(f->v, MIXED,
					     MIXED + MIXED_LENGTH - 1, READ, s,
					     &nr, &done), 0);
	assert_int_equal(done, MIXED_LENGTH);
	assert_int_equal(f->nr_faults, 0);
}

static void segments_end_at_what_cannot_be_reached(void **state)
{
	struct fix *f = *state;
	struct ioas_dview_segment s[3];
	uint32_t nr = 3;
	uint64_t done;

	map_mixed(f, READ);
	map(f, MIXED + MIXED_LENGTH + 4 * KIB, 4 * KIB, 0x4000, WRITE);
	assert_int_equal(ioas_dview_segments(f->v, MIXED, UINT64_MAX, READ, s,
					     &nr, &done), -EACCES);
	assert_int_equal(nr, 2);
	assert_int_equal(done, MIXED_LENGTH + 4 * KIB);
	assert_int_equal(f->fault.iova, MIXED + done);
	assert_int_equal(f->fault.reason, IOAS_DVIEW_DENIED);
	nr = 3;
	assert_int_equal(ioas_dview_segments(f->v, MIXED + done, UINT64_MAX,
					     WRITE, s, &nr, &done), -ENOENT);
	assert_int_equal(nr, 1);
	assert_int_equal(done, 4 * KIB);
	assert_int_equal(f->fault.iova, MIXED + MIXED_LENGTH + 8 * KIB);
	assert_int_equal(f->fault.reason, IOAS_DVIEW_NOT_MAPPED);
	/* Without room it is told as well. */
	nr = 0;
	assert_int_equal(ioas_dview_segments(f->v, 64 * GIB, UINT64_MAX, READ,
					     s, &nr, &done), -ENOENT);
	assert_int_equal(f->nr_faults, 3);
}

/* Both ends of the 64-bit spaces; a length that no segment can have. */
static void segments_do_not_melt_over_the_end_of_everything(void **state)
{
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = UINT64_C(1) << 63 | UINT64_C(1) << 54,
			.last = UINT64_MAX },
	};
	const struct ioas_run half = { 0, UINT64_C(1) << 51 };
	const struct ioas_run upper = { UINT64_C(1) << 51, UINT64_C(1) << 51 };
	struct ioas_map_request rq = {
		.runs = &half, .nr_runs = 1, .page_lg2 = 12,
		.length = UINT64_C(1) << 63, .prot = RW,
	};
	struct ioas_dview_segment s[4];
	struct ioas_dview *v;
	struct ioas_domain *d;
	uint32_t nr = 4;
	uint64_t done;

	(void)state;
	assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
	assert_int_equal(d->ops->map(d, &rq), 0);
	rq.iova = UINT64_C(1) << 63;
	rq.runs = &upper;
	assert_int_equal(d->ops->map(d, &rq), 0);
	assert_int_equal(ioas_dview_create(d, NULL, NULL, &v), 0);
	ioas_dview_enter(v);
	assert_int_equal(ioas_dview_segments(v, 0, UINT64_MAX, READ, s, &nr,
					     &done), 0);
	/* 2^64 bytes. */
	assert_int_equal(done, 0);
	assert_int_equal(nr, 2);
	assert_true(s[0].length + s[1].length == 0);
	assert_int_equal(s[1].addr, s[0].length);
	nr = 4;
	assert_int_equal(ioas_dview_segments(v, 1, UINT64_MAX, READ, s, &nr,
					     &done), 0);
	assert_int_equal(nr, 1);
	assert_true(done == UINT64_MAX);
	assert_true(s[0].addr == 1 && s[0].length == UINT64_MAX);
	ioas_dview_exit(v);
	ioas_dview_destroy(v);
	d->ops->destroy(d);
}

/* Where output addresses end, and begin. */
static void segments_do_not_melt_over_the_end_of_memory(void **state)
{
	struct fix *f = *state;
	struct ioas_dview_segment s[2];
	uint32_t nr = 2;
	uint64_t done;

	map(f, 2 * MIB, 4 * KIB, -UINT64_C(4096), READ);
	map(f, 2 * MIB + 4 * KIB, 4 * KIB, 0, READ);
	assert_int_equal(ioas_dview_segments(f->v, 2 * MIB,
					     2 * MIB + 8 * KIB - 1, READ, s,
					     &nr, &done), 0);
	assert_int_equal(nr, 2);
	assert_true(s[0].addr == -UINT64_C(4096));
	assert_int_equal(s[1].addr, 0);
}

/* ---- whoever made the domain -------------------------------------------- */

struct heard {
	unsigned int invalidated, synced, mapped;
	uint64_t first, last;
	bool tables;
};

static void hear_invalidate(void *ctx, ioas_iova_t iova, ioas_iova_t last,
			    bool tables)
{
	struct heard *h = ctx;

	h->invalidated++;
	h->first = iova;
	h->last = last;
	h->tables = tables;
}

static void hear_sync(void *ctx)
{
	struct heard *h = ctx;

	h->synced++;
}

static void hear_mapped(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct heard *h = ctx;

	h->mapped++;
	h->first = iova;
	h->last = last;
}

static void who_made_the_domain_hears_what_its_views_hear(void **state)
{
	static const struct ioas_pt_hooks hooks = {
		.invalidate = hear_invalidate,
		.sync = hear_sync,
		.mapped = hear_mapped,
	};
	struct heard h = { 0 };
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = SIZES, .last = LAST, .hooks = &hooks,
			.hooks_ctx = &h },
	};
	struct ioas_domain *d;

	(void)state;
	assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
	assert_int_equal(domain_map(d, 2 * MIB, 8 * KIB, 0, RW), 0);
	assert_int_equal(h.mapped, 1);
	assert_int_equal(h.first, 2 * MIB);
	assert_int_equal(h.last, 2 * MIB + 8 * KIB - 1);
	domain_unmap(d, 2 * MIB, 8 * KIB);
	assert_int_equal(h.invalidated, 1);
	assert_int_equal(h.synced, 1);
	assert_int_equal(h.last, 2 * MIB + 8 * KIB - 1);
	assert_false(h.tables);
	d->ops->destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_without_a_page_table_has_no_view),
		cmocka_unit_test(without_memory_there_is_no_view),
		cmocka_unit_test(destroying_no_view_is_harmless),
		CASE(a_domain_is_not_destroyed_under_its_views),
		CASE(a_view_that_is_destroyed_inside_a_section_leaves_it),
		CASE(a_translation_ends_with_the_leaf_or_the_range),
		CASE(what_cannot_be_reached_is_reported),
		CASE(a_view_without_a_callback_only_returns),
		CASE(outside_the_aperture_nothing_is_mapped),
		CASE(permissions_are_those_of_the_leaf),
		CASE(segments_melt_over_leaves_of_several_sizes),
		CASE(segments_without_room_say_how_far_they_came),
		CASE(segments_end_at_what_cannot_be_reached),
		cmocka_unit_test(
			segments_do_not_melt_over_the_end_of_everything),
		CASE(segments_do_not_melt_over_the_end_of_memory),
		cmocka_unit_test(who_made_the_domain_hears_what_its_views_hear),
	};

	return cmocka_run_group_tests_name("t_view", tests, NULL, NULL);
}
