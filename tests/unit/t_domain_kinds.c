/* SPDX-License-Identifier: MIT */
/*
 * t_domain_kinds: the contract of ops.h, for domains of every kind
 *
 * A page is as large as the smallest leaf. Breaches of the contract are
 * reported to this file instead of the platform's abort.
 */
#include "domain_kinds_test.h"

#define for_each_kind(i, k) \
	for (unsigned int i = 0; (k = i < kinds_nr() ? kind_get(i) : NULL); i++)

/* Where tests map: page 8 and what follows. */
static uint64_t page_at(const struct kind *k, uint64_t page)
{
	return page << kind_page_lg2(k);
}

/* One page size, and an aperture that every kind has. */
static struct ioas_domain *small_domain(const struct kind *k)
{
	return kind_new(k, page_at(k, 1), 0, 0x3fffffff);
}

static const struct ioas_run five[] = { { 10, 1 }, { 11, 1 }, { 20, 2 },
					{ 30, 1 } };

static int map_five(const struct kind *k, struct ioas_domain *d)
{
	const struct ioas_map_request rq = {
		.iova = page_at(k, 8), .runs = five, .nr_runs = 4,
		.page_lg2 = (uint8_t)kind_page_lg2(k),
		.length = page_at(k, 5), .prot = RW,
	};

	return d->ops->map(d, &rq);
}

static int map_pages(const struct kind *k, struct ioas_domain *d,
		     uint64_t iova, uint64_t pfn, uint64_t nr, uint32_t prot)
{
	const struct ioas_run run = { pfn, nr };
	const struct ioas_map_request rq = {
		.iova = iova, .runs = &run, .nr_runs = 1,
		.page_lg2 = (uint8_t)kind_page_lg2(k),
		.length = page_at(k, nr), .prot = prot,
	};

	return d->ops->map(d, &rq);
}

static int mapped_at(struct ioas_domain *d, uint64_t iova)
{
	uint64_t addr, length;

	return d->ops->translate_run(d, iova, iova, NULL, &addr, &length);
}

static void expect_int(const struct kind *k, const char *what, int64_t is,
		       int64_t want)
{
	if (is != want)
		fail_msg("%s: %s is %#llx, not %#llx", k->name, what,
			 (unsigned long long)is, (unsigned long long)want);
}

#define expect(k, is, want) expect_int(k, #is, (int64_t)(is), (int64_t)(want))

/* ---- create ------------------------------------------------------------- */

static void a_domain_is_what_was_asked_for(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d = NULL;
		const uint32_t contiguous = k->options & IOAS_PT_CONTIGUOUS;

		if (!kind_is_hardware(k))
			continue;
		expect(k, kind_create(k, 0, 0, 0, k->flags, false, &d), 0);
		expect(k, d->first, 0);
		expect(k, d->last, kind_last(k));
		expect(k, d->pgsizes, kind_sizes(k, 0));
		d->ops->destroy(d);
		expect(k, kind_create(k, 0, 0x1000000, 0x1ffffff,
				      k->flags | contiguous, false, &d), 0);
		expect(k, d->first, 0x1000000);
		expect(k, d->last, 0x1ffffff);
		expect(k, d->pgsizes, kind_sizes(k, contiguous));
		d->ops->destroy(d);
	}
}

static void a_domain_is_not_what_the_format_lacks(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d = NULL;

		if (!kind_is_hardware(k))
			continue;
		expect(k, kind_create(k, 0x800, 0, 0, k->flags, false, &d),
		       -EINVAL);
		if (kind_last(k) != UINT64_MAX)
			expect(k, kind_create(k, 0, 0, kind_last(k) + 1,
					      k->flags, false, &d),
			       -EOPNOTSUPP);
		expect(k, kind_create(k, 0, 2, 1, k->flags, false, &d),
		       -EINVAL);
		expect(k, kind_create(k, 0, 0, 0, k->flags | 1u << 31, false,
				      &d), -EOPNOTSUPP);
	}
}

struct create_arg {
	const struct kind *k;
};

static int fault_create(void *arg)
{
	const struct kind *k = ((struct create_arg *)arg)->k;
	struct ioas_domain *d = NULL;
	int ret = kind_create(k, page_at(k, 1), 0, 0xffffff, k->flags, false,
			      &d);

	if (d)
		d->ops->destroy(d);
	return ret;
}

/* The domain, and of a page table what belongs to all tables, and the root. */
static void create_fails_cleanly_at_any_point(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct create_arg arg = { k };
		uint64_t nth = 1;
		int ret;

		for (; fault_run(nth, fault_create, &arg, &ret); nth++)
			expect(k, ret, -ENOMEM);
		expect(k, ret, 0);
		expect(k, nth, k->format ? 4 : 2);
	}
}

static void dirty_tracking_is_offered_only_if_asked_for(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d = NULL;
		const uint64_t page = page_at(k, 1);
		bool tracks = kind_tracks(k, k->flags);

		expect(k, kind_create(k, page, 0, 0xffffff, k->flags, false,
				      &d), 0);
		expect(k, !d->ops->read_and_clear_dirty, 1);
		expect(k, !d->ops->set_dirty_tracking, 1);
		expect(k, ioas_domain_granule(d), page);
		expect(k, !ioas_table_domain_pt(d), !k->format);
		d->ops->destroy(d);
		d = NULL;
		expect(k, kind_create(k, page, 0, 0xffffff, k->flags, true,
				      &d), tracks ? 0 : -EOPNOTSUPP);
		if (d)
			d->ops->destroy(d);
	}
}

/* ---- map ---------------------------------------------------------------- */

struct fault_arg {
	const struct kind *k;
	struct ioas_domain *d;
};

static int fault_map(void *arg)
{
	struct fault_arg *f = arg;

	return map_five(f->k, f->d);
}

static void map_that_fails_at_any_point_maps_nothing(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		uint64_t nth = 0;
		bool failed;

		do {
			struct fault_arg f = { k, small_domain(k) };
			int ret;

			failed = fault_run(++nth, fault_map, &f, &ret);
			expect(k, ret, failed ? -ENOMEM : 0);
			for (uint64_t p = 7; p < 14; p++)
				expect(k, mapped_at(f.d, page_at(k, p)),
				       p >= 8 && p < 13 && !failed ? 0 :
								     -ENOENT);
			if (failed)
				expect(k, map_five(k, f.d), 0);
			f.d->ops->destroy(f.d);
		} while (failed);
		/* Four runs and some memory. */
		assert_in_range(nth, 6, 10);
	}
}

static void errors_are_those_of_the_contract(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		const uint64_t page = page_at(k, 1), last = kind_last(k);
		const uint64_t top = kind_oa_last(k) / page;
		struct ioas_domain *d;

		if (!k->format)
			continue;
		d = kind_new(k, page, 0, last);
		expect(k, map_pages(k, d, page, 1, 1, RW), 0);
		expect(k, map_pages(k, d, page, 1, 1, RW), -EADDRINUSE);
		expect(k, map_pages(k, d, page, 1, 1, 0), -EINVAL);
		expect(k, map_pages(k, d, page + 512, 1, 1, RW), -EINVAL);
		expect(k, map_pages(k, d, last - page + 1, 1, 2, RW), -ERANGE);
		expect(k, map_pages(k, d, last - page + 1, top, 1, RW), 0);
		expect(k, mapped_at(d, last), 0);
		if (last != UINT64_MAX)
			expect(k, map_pages(k, d, last + 1, 1, 1, RW),
			       -ERANGE);
		expect(k, map_pages(k, d, 2 * page, top + 1, 1, RW), -ERANGE);
		expect(k, map_pages(k, d, 2 * page, top, 2, RW), -ERANGE);
		expect(k, mapped_at(d, 2 * page), -ENOENT);
		expect(k, ioas_table_domain_validate(d), 1);
		d->ops->destroy(d);
	}
}

/* Every word of six bits, and what comes back of it. */
static void permissions_are_those_of_the_format(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d;
		struct ioas_pt_leaf leaf;

		if (!k->format)
			continue;
		d = small_domain(k);
		for (uint32_t prot = 0; prot < 64; prot++) {
			const uint64_t at = page_at(k, prot);
			const int want = kind_refuses(k, prot);

			expect(k, map_pages(k, d, at, prot, 1, prot), want);
			expect(k, ioas_pt_leaf(ioas_table_domain_pt(d), at,
					       &leaf), want ? -ENOENT : 0);
			if (!want)
				expect(k, leaf.prot, kind_prot(k, prot));
		}
		expect(k, map_pages(k, d, page_at(k, 64), 0, 1, 64 | RW),
		       -EINVAL);
		d->ops->destroy(d);
	}
}

/* ---- unmap -------------------------------------------------------------- */

static void a_sink_with_one_place_gets_one_run_at_a_time(void **state)
{
	static const uint64_t ends[] = { 10, 12, 13 };
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d = small_domain(k);
		uint64_t at = page_at(k, 8);

		expect(k, map_five(k, d), 0);
		for (size_t n = 0; n < 3; n++) {
			const uint64_t end = page_at(k, ends[n]);
			struct taker t = { .sink.add = taker_add,
					   .capacity = 1 };
			const struct ioas_unmap_request rq = {
				.iova = at, .want_last = page_at(k, 13) - 1,
				.last = page_at(k, 13) - 1, .sink = &t.sink,
			};

			expect(k, d->ops->unmap(d, &rq), end - 1);
			expect(k, t.piece[0].length, end - at);
			at = end;
			expect(k, mapped_at(d, at), n < 2 ? 0 : -ENOENT);
		}
		d->ops->sync(d);
		d->ops->destroy(d);
	}
}

/* The unmap ends all the same. */
static void a_sink_that_takes_nothing_does_not_hang(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct ioas_domain *d = small_domain(k);
		struct ioas_unmap_sink sink = { refuse_all };
		const struct ioas_unmap_request rq = {
			.iova = page_at(k, 10),
			.want_last = page_at(k, 13) - 1,
			.last = page_at(k, 13) - 1, .sink = &sink,
		};
		uint64_t gone = 0;

		expect(k, map_five(k, d), 0);
		assert_breach(gone = d->ops->unmap(d, &rq));
		expect(k, gone, page_at(k, 12) - 1);
		d->ops->destroy(d);
	}
}

/* A leaf of the second size of the format, at its own size. */
static struct ioas_domain *one_leaf(const struct kind *k, uint64_t *size)
{
	const uint64_t sizes = kind_is_hardware(k) ?
				       kind_sizes(k, IOAS_PT_CONTIGUOUS) :
				       0x201000;
	const uint64_t larger = sizes & (sizes - 1);
	struct ioas_domain *d;

	*size = larger & -larger;
	d = kind_new(k, (sizes & -sizes) | *size, 0, 0x3fffffff);
	expect(k, map_pages(k, d, *size, *size >> kind_page_lg2(k),
			    *size >> kind_page_lg2(k), RW), 0);
	return d;
}

/* 0: the end, 1: the beginning; with a sink or without. */
static void unmap_part(const struct kind *k, struct ioas_domain *d,
		       uint64_t size, int which, bool sink)
{
	struct taker t = { .sink.add = taker_add, .capacity = MAX_TAKEN };
	const uint64_t page = page_at(k, 1);
	const uint64_t first = which ? size : 2 * size - page;
	const struct ioas_unmap_request cut = {
		.iova = first, .want_last = first + page - 1,
		.last = first + page - 1, .sink = sink ? &t.sink : NULL,
	};

	assert_breach(d->ops->unmap(d, &cut));
}

static void a_table_notices_an_unmap_inside_a_leaf(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		for (int n = 0; k->format && n < 4; n++) {
			uint64_t size;
			struct ioas_domain *d = one_leaf(k, &size);

			unmap_part(k, d, size, n & 1, n & 2);
			d->ops->destroy(d);
		}
	}
}

static void split_lets_an_unmap_end_there(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		const uint64_t page = page_at(k, 1);
		uint64_t size;
		struct ioas_domain *d;

		if (!k->format)
			continue;
		d = one_leaf(k, &size);
		const struct ioas_unmap_request cut = {
			.iova = size, .want_last = size + page - 1,
			.last = size + page - 1,
		};

		expect(k, d->ops->split(d, size + page), 0);
		expect(k, d->ops->unmap(d, &cut), size + page - 1);
		expect(k, mapped_at(d, size + page - 1), -ENOENT);
		expect(k, mapped_at(d, size + page), 0);
		expect(k, mapped_at(d, 2 * size - 1), 0);
		expect(k, ioas_table_domain_validate(d), 1);
		d->ops->destroy(d);
	}
}

/* ---- dirty -------------------------------------------------------------- */

static void forget(struct ioas_domain *d)
{
	d->ops->read_and_clear_dirty(d, 0, 0x3fffffff, 0, NULL);
}

static void devices_mark_only_while_tracking_is_on(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		struct marker m = { .sink.mark = marker_mark };
		struct ioas_domain *d;

		if (!k->format)
			continue;
		d = small_domain(k);
		expect(k, map_five(k, d), 0);
		forget(d);
		ioas_table_domain_mark_dirty(d, page_at(k, 8), page_at(k, 8));
		d->ops->set_dirty_tracking(d, true);
		expect(k, ioas_table_domain_tracks_dirty(d), 1);
		ioas_table_domain_mark_dirty(d, page_at(k, 10) - 1,
					     page_at(k, 10));
		d->ops->read_and_clear_dirty(d, 0, 0x3fffffff, 0, &m.sink);
		expect(k, m.nr, 1);
		expect(k, m.mark[0].first, page_at(k, 9));
		expect(k, m.mark[0].last, page_at(k, 11) - 1);
		d->ops->set_dirty_tracking(d, false);
		expect(k, ioas_table_domain_tracks_dirty(d), 0);
		d->ops->destroy(d);
	}
}

/* 8.3.5: what may be written, if leaves remember. */
static void some_leaves_are_born_dirty(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		const uint32_t prots[] = { IOAS_PROT_READ, RW };
		struct ioas_domain *d;

		if (!k->format || k->flags & IOAS_PT_REQUIRE_WRITE)
			continue;
		d = small_domain(k);
		for (uint64_t n = 0; n < 2; n++) {
			struct marker m = { .sink.mark = marker_mark };

			expect(k, map_pages(k, d, page_at(k, 8 + n), n, 1,
					    prots[n]), 0);
			d->ops->read_and_clear_dirty(d, page_at(k, 8),
						     page_at(k, 10) - 1, 0,
						     &m.sink);
			expect(k, m.nr,
			       n && kind_born_dirty(k, IOAS_PT_DIRTY));
		}
		d->ops->destroy(d);
	}
}

/* One read of [@first, @last] finds all of it dirty, or nothing. */
static void expect_dirty(const struct kind *k, struct ioas_domain *d,
			 uint64_t first, uint64_t last, bool dirty)
{
	struct marker m = { .sink.mark = marker_mark };

	d->ops->read_and_clear_dirty(d, first, last, 0, &m.sink);
	expect(k, m.nr, dirty);
	if (!dirty)
		return;
	expect(k, m.mark[0].first, first);
	expect(k, m.mark[0].last, last);
}

/* Written in one half, read in the other, where items are others. */
static void a_leaf_that_is_read_in_part_stays_dirty(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		for (int n = 0; k->format && n < 2; n++) {
			uint64_t size, half;
			struct ioas_domain *d = one_leaf(k, &size);

			half = size + size / 2;
			forget(d);
			d->ops->set_dirty_tracking(d, true);
			ioas_table_domain_mark_dirty(d, n ? half : half - 1,
						     n ? half : half - 1);
			expect_dirty(k, d, n ? size : half,
				     n ? half - 1 : 2 * size - 1, true);
			expect_dirty(k, d, size, 2 * size - 1,
				     !kind_clears_partial(k));
			expect_dirty(k, d, size, 2 * size - 1, false);
			d->ops->destroy(d);
		}
	}
}

/* What is cut is dirty everywhere, and what is merged if a part of it was. */
static void cut_and_merge_keep_what_is_dirty(void **state)
{
	const struct kind *k;

	(void)state;
	for_each_kind(i, k) {
		const uint64_t page = page_at(k, 1);
		struct ioas_domain *d;
		struct ioas_pt *pt;
		uint64_t size;

		if (!k->format)
			continue;
		d = one_leaf(k, &size);
		pt = ioas_table_domain_pt(d);
		forget(d);
		d->ops->set_dirty_tracking(d, true);
		ioas_table_domain_mark_dirty(d, size, size);
		expect(k, ioas_pt_split_to(pt, size, kind_page_lg2(k)), 0);
		expect_dirty(k, d, size, 2 * size - 1, true);
		expect_dirty(k, d, size, 2 * size - 1, false);
		ioas_table_domain_mark_dirty(d, size + page, size + page);
		expect(k, ioas_pt_merge(pt, size, ioas_log2(size)), 0);
		expect_dirty(k, d, size, 2 * size - 1, true);
		expect_dirty(k, d, size, 2 * size - 1, false);
		expect(k, ioas_table_domain_validate(d), 1);
		d->ops->destroy(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_is_what_was_asked_for),
		cmocka_unit_test(a_domain_is_not_what_the_format_lacks),
		cmocka_unit_test(create_fails_cleanly_at_any_point),
		cmocka_unit_test(dirty_tracking_is_offered_only_if_asked_for),
		cmocka_unit_test(map_that_fails_at_any_point_maps_nothing),
		cmocka_unit_test(errors_are_those_of_the_contract),
		cmocka_unit_test(permissions_are_those_of_the_format),
		cmocka_unit_test(a_sink_with_one_place_gets_one_run_at_a_time),
		cmocka_unit_test(a_sink_that_takes_nothing_does_not_hang),
		cmocka_unit_test(a_table_notices_an_unmap_inside_a_leaf),
		cmocka_unit_test(split_lets_an_unmap_end_there),
		cmocka_unit_test(devices_mark_only_while_tracking_is_on),
		cmocka_unit_test(some_leaves_are_born_dirty),
		cmocka_unit_test(a_leaf_that_is_read_in_part_stays_dirty),
		cmocka_unit_test(cut_and_merge_keep_what_is_dirty),
	};

	return cmocka_run_group_tests_name("domain_kinds", tests, NULL, NULL);
}
