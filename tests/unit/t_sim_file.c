/* SPDX-License-Identifier: MIT */
/*
 * Simulated files: folios are a partition, a folio is pinned once per call and
 * once more per further page, and a failure of that leaves no trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

#include "sim_test.h"

static struct ioas_origin *file_new(struct ioas_sim *sim, uint64_t nr,
				    unsigned int lg2,
				    enum ioas_sim_layout layout)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_sim_file_create(sim, nr, lg2, layout, &o), 0);
	assert_int_equal(o->flags, IOAS_ORIGIN_FILE);
	return o;
}

/* Checks the folio around @page and returns its first and last page. */
static void folio_check(struct ioas_origin *o, uint64_t page, uint64_t nr_pages,
			uint64_t *first, uint64_t *last)
{
	uint64_t nr, f, n;

	assert_true(ioas_sim_folio(o, page, first, &nr));
	assert_true(ioas_is_pow2(nr));
	assert_in_range(nr, 1, 512);
	assert_int_equal(*first % nr, 0);
	*last = *first + nr - 1;
	assert_in_range(page, *first, *last);
	assert_true(*last < nr_pages);
	for (uint64_t i = *first; i <= *last; i++) {
		assert_true(ioas_sim_folio(o, i, &f, &n));
		assert_int_equal(f, *first);
		assert_int_equal(n, nr);
	}
}

static void folios_are_a_partition(void **state)
{
	static const unsigned int lg2[] = { 0, 1, 2, 5, 9,
					    IOAS_SIM_FOLIO_MIXED };

	(void)state;
	for (unsigned int k = 0; k < IOAS_ARRAY_SIZE(lg2); k++) {
		for (uint64_t nr = 1; nr < 1100; nr += 1 + nr / 8) {
			struct ioas_sim *sim = sim_new(12, nr, NULL);
			struct ioas_origin *o =
				file_new(sim, nr, lg2[k], IOAS_SIM_RUNS);
			bool fixed = lg2[k] != IOAS_SIM_FOLIO_MIXED;
			uint64_t want = fixed ? (uint64_t)1 << lg2[k] : 0;
			uint64_t first, last = 0;

			for (uint64_t at = 0; at < nr; at = last + 1) {
				folio_check(o, at, nr, &first, &last);
				assert_int_equal(first, at);
				if (fixed && at + want <= nr)
					assert_int_equal(last - first + 1,
							 want);
			}
			assert_int_equal(last, nr - 1);
			assert_false(ioas_sim_folio(o, nr, &first, &last));
			ioas_origin_put(o);
			sim_end(sim);
		}
	}
}

static void mixed_folios_have_every_size(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = file_new(sim, 200000, IOAS_SIM_FOLIO_MIXED,
					 IOAS_SIM_RUNS);
	uint64_t first, nr, seen = 0;

	(void)state;
	for (uint64_t at = 0; at < 200000; at += nr) {
		assert_true(ioas_sim_folio(o, at, &first, &nr));
		seen |= nr;
	}
	assert_int_equal(seen, 0x3ff);
	ioas_origin_put(o);
	sim_end(sim);
}

static void frames_of_a_folio_are_aligned_and_in_order(void **state)
{
	static const enum ioas_sim_layout layouts[] = {
		IOAS_SIM_CONSECUTIVE, IOAS_SIM_SCATTERED, IOAS_SIM_RUNS,
		IOAS_SIM_DESCENDING, IOAS_SIM_HIGH,
	};

	(void)state;
	for (unsigned int k = 0; k < IOAS_ARRAY_SIZE(layouts); k++) {
		struct ioas_sim *sim = sim_new(12, k, NULL);
		struct ioas_origin *o = file_new(
			sim, 700, IOAS_SIM_FOLIO_MIXED, layouts[k]);
		uint64_t first, nr;
		struct pinned p;

		for (uint64_t at = 0; at < 700; at += p.rq.nr_pinned) {
			p = pin(o, at, 700 - at, true, 1);
			assert_int_equal(p.ret, 0);
			unpin_all(o, &p, true);
		}
		for (uint64_t at = 0; at < 700; at += nr) {
			assert_true(ioas_sim_folio(o, at, &first, &nr));
			assert_int_equal(frame_of(o, at) % nr, 0);
			for (uint64_t i = 1; i < nr; i++)
				assert_int_equal(frame_of(o, at + i),
						 frame_of(o, at) + i);
			if (!at)
				continue;
			if (layouts[k] == IOAS_SIM_CONSECUTIVE ||
			    layouts[k] == IOAS_SIM_HIGH)
				assert_int_equal(frame_of(o, at),
						 frame_of(o, at - 1) + 1);
			if (layouts[k] == IOAS_SIM_SCATTERED)
				assert_int_not_equal(frame_of(o, at),
						     frame_of(o, at - 1) + 1);
			if (layouts[k] == IOAS_SIM_DESCENDING)
				assert_true(frame_of(o, at) <
					    frame_of(o, at - 1));
		}
		ioas_origin_put(o);
		sim_end(sim);
	}
}

static void pages_are_missing_until_used(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = file_new(sim, 64, 2, IOAS_SIM_SCATTERED);
	uint64_t word = 5;
	ioas_pfn_t pfn;
	struct pinned p;

	(void)state;
	assert_false(ioas_sim_frame_at(o, 9, &pfn));
	assert_int_equal(ioas_sim_read(o, 9 << 12, &word, 8), -EFAULT);
	p = pin(o, 9, 1, false, 1);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(ioas_sim_frame_at(o, i, &pfn),
				 i >= 8 && i < 12);
	unpin_all(o, &p, false);
	/* What was there stays where it is. */
	pfn = frame_of(o, 9);
	assert_int_equal(pfn, p.runs[0].pfn);
	assert_int_equal(ioas_sim_write(o, (20 << 12) - 4, &word, 8), 0);
	for (uint64_t i = 16; i < 24; i++)
		assert_true(ioas_sim_frame_at(o, i, &pfn));
	assert_false(ioas_sim_dirty(sim, frame_of(o, 20)));
	word = 0;
	assert_int_equal(ioas_sim_read(o, (20 << 12) - 4, &word, 8), 0);
	assert_int_equal(word, 5);
	assert_int_equal(ioas_sim_write(o, 64 << 12, &word, 1), -EFAULT);
	ioas_origin_put(o);
	sim_end(sim);
}

#define FILE_PAGES 37u

/* Folios that [@first, @first + @nr) touches. */
static uint64_t folios_touched(struct ioas_origin *o, uint64_t first,
			       uint64_t nr)
{
	uint64_t f, n, count = 0;

	for (uint64_t at = first; at < first + nr; at = f + n, count++)
		assert_true(ioas_sim_folio(o, at, &f, &n));
	return count;
}

static void every_slice_pins_each_folio_once(void **state)
{
	struct ioas_sim *sim = sim_new(3, 8, NULL);
	struct ioas_origin *o = file_new(sim, FILE_PAGES, IOAS_SIM_FOLIO_MIXED,
					 IOAS_SIM_RUNS);
	struct ioas_sim_stats st;

	(void)state;
	for (uint64_t first = 0; first < FILE_PAGES; first++) {
		for (uint64_t nr = 1; nr <= FILE_PAGES - first; nr++) {
			struct pinned p;
			uint64_t folios = folios_touched(o, first, nr);

			ioas_sim_reset_stats(sim);
			p = pin(o, first, nr, true, PIN_RUNS);
			assert_int_equal(p.rq.nr_pinned, nr);
			ioas_sim_get_stats(sim, &st);
			assert_int_equal(st.folio_pins, folios);
			assert_int_equal(st.folio_extra, nr - folios);
			for (uint64_t i = 0; i < FILE_PAGES; i++) {
				ioas_pfn_t pfn;

				if (!ioas_sim_frame_at(o, i, &pfn))
					continue;
				assert_int_equal(
					ioas_sim_pins(sim, pfn).write,
					i >= first && i < first + nr);
			}
			assert_true(ioas_sim_validate(sim));
			/* Page by page, backwards: folios must not care. */
			for (uint64_t i = nr; i--;)
				o->ops->unpin(o, frame_of(o, first + i), 1,
					      true);
			assert_true(ioas_sim_idle(sim));
		}
	}
	ioas_origin_put(o);
	sim_end(sim);
}

/*
 * Where a pin of [@first, ...) ends if its @nth fault point fails: the first
 * is that of the call, then one per folio that gives more than one page.
 */
static uint64_t pages_before(struct ioas_origin *o, uint64_t first,
			     uint64_t nth)
{
	uint64_t at = first, f, n;

	if (nth == 1)
		return 0;
	for (nth--; at < FILE_PAGES; at = f + n) {
		assert_true(ioas_sim_folio(o, at, &f, &n));
		if (f + n - at > 1 && !--nth)
			break;
	}
	return at - first;
}

static void a_failed_folio_leaves_no_pin(void **state)
{
	struct ioas_sim *sim = sim_new(3, 8, NULL);
	struct ioas_origin *o = file_new(sim, FILE_PAGES, IOAS_SIM_FOLIO_MIXED,
					 IOAS_SIM_SCATTERED);
	uint64_t failures = 0;

	(void)state;
	for (uint64_t first = 0; first < FILE_PAGES; first++) {
		for (uint64_t nth = 1;; nth++) {
			struct ioas_fault fault = { .nth = nth };
			struct ioas_caller caller = { .fault = &fault }, *old;
			uint64_t want = pages_before(o, first, nth);
			struct pinned p;

			ioas_fault_arm(&fault);
			old = ioas_caller_enter(&caller);
			p = pin(o, first, FILE_PAGES - first, true, PIN_RUNS);
			ioas_caller_leave(old);
			ioas_fault_disarm();
			assert_int_equal(p.rq.nr_pinned, want);
			if (!want)
				assert_int_equal(p.ret, nth == 1 ? -EFAULT :
								   -ENOMEM);
			assert_int_equal(ioas_sim_total_pins(sim), want);
			assert_true(ioas_sim_validate(sim));
			unpin_all(o, &p, true);
			assert_true(ioas_sim_idle(sim));
			if (fault.nth)
				break;
			failures += fault.failed == IOAS_FP_FOLIO;
		}
	}
	/* Some starts are followed by several folios. */
	assert_true(failures > FILE_PAGES);
	ioas_origin_put(o);
	sim_end(sim);
}

static void beyond_the_end_is_einval(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = file_new(sim, 5, 1, IOAS_SIM_CONSECUTIVE);
	struct pinned p;

	(void)state;
	p = pin(o, 2, 100, true, 1);
	assert_int_equal(p.rq.nr_pinned, 3);
	unpin_all(o, &p, true);
	assert_int_equal(pin(o, 5, 1, true, 1).ret, -EINVAL);
	assert_int_equal(pin(o, UINT64_MAX, 1, true, 1).ret, -EINVAL);
	ioas_origin_put(o);
	sim_end(sim);
}

static void short_answers_end_inside_folios(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = file_new(sim, 64, 4, IOAS_SIM_SCATTERED);
	struct pinned p;

	(void)state;
	p = pin(o, 3, 61, true, 2);
	assert_int_equal(p.rq.nr_pinned, 13 + 16);
	unpin_all(o, &p, true);
	ioas_sim_set_pin_budget(sim, 20);
	p = pin(o, 3, 61, true, 9);
	assert_int_equal(p.rq.nr_pinned, 20);
	unpin_all(o, &p, true);
	ioas_sim_set_pin_budget(sim, UINT64_MAX);
	ioas_sim_set_pin_mode(sim, IOAS_SIM_PIN_ONE);
	p = pin(o, 3, 61, true, 9);
	assert_int_equal(p.rq.nr_pinned, 1);
	assert_true(ioas_sim_validate(sim));
	unpin_all(o, &p, true);
	ioas_origin_put(o);
	sim_end(sim);
}

static void a_process_can_map_a_file(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *f = file_new(sim, 16, 3, IOAS_SIM_SCATTERED);
	struct ioas_origin *o = process_new(sim);
	struct ioas_sim_stats st;
	struct pinned p, q;

	(void)state;
	assert_int_equal(ioas_sim_alias(o, 100, 10, f, 4), 0);
	assert_int_equal(frame_of(o, 100), frame_of(f, 4));
	guard(o, true);
	p = pin(o, 100, 10, true, 4);
	q = pin(f, 0, 16, true, 4);
	ioas_sim_get_stats(sim, &st);
	assert_int_equal(st.folio_pins, 2);
	assert_int_equal(ioas_sim_pins(sim, frame_of(f, 5)).write, 2);
	assert_true(ioas_sim_validate(sim));
	unpin_all(f, &q, true);
	/* The process keeps the frames, and its pins, without the file. */
	ioas_origin_put(f);
	assert_true(ioas_sim_validate(sim));
	unpin_all(o, &p, true);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void a_giant_file_is_one_run(void **state)
{
	uint64_t nr = (uint64_t)1 << 50;
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = file_new(sim, nr, 0, IOAS_SIM_GIANT);
	struct pinned p;

	(void)state;
	p = pin(o, 7, nr, true, 1);
	assert_int_equal(p.rq.nr_pinned, nr - 7);
	assert_int_equal(ioas_sim_total_pins(sim), nr - 7);
	unpin_all(o, &p, true);
	assert_int_equal(pin(o, nr, 1, true, 1).ret, -EINVAL);
	ioas_origin_put(o);
	sim_end(sim);
}

static void no_numbers_left_is_enomem_at_the_pin(void **state)
{
	struct ioas_sim_options opts = { .page_lg2 = 12,
					 .first_pfn = 1024,
					 .last_pfn = 1024 + 9 };
	struct ioas_origin *o, *none = NULL;
	struct ioas_sim *sim;
	struct pinned p;

	(void)state;
	assert_int_equal(ioas_sim_create(&opts, &sim), 0);
	assert_int_equal(ioas_sim_file_create(sim, 11, 0, IOAS_SIM_HIGH,
					      &none),
			 -ENOSPC);
	assert_int_equal(ioas_sim_file_create(sim, 8, 10, IOAS_SIM_RUNS,
					      &none),
			 -EINVAL);
	assert_int_equal(ioas_sim_file_create(sim, 0, 0, IOAS_SIM_RUNS, &none),
			 -EINVAL);
	assert_int_equal(ioas_sim_file_create(sim, 8, 0, IOAS_SIM_ALIASED,
					      &none),
			 -EINVAL);
	assert_null(none);
	o = file_new(sim, 8, 0, IOAS_SIM_SCATTERED);
	/* Ten numbers make five pages with gaps. */
	p = pin(o, 0, 8, true, 8);
	assert_int_equal(p.rq.nr_pinned, 5);
	assert_int_equal(pin(o, 5, 1, true, 1).ret, -ENOMEM);
	unpin_all(o, &p, true);
	ioas_origin_put(o);
	sim_end(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_case(folios_are_a_partition),
		sim_case(mixed_folios_have_every_size),
		sim_case(frames_of_a_folio_are_aligned_and_in_order),
		sim_case(pages_are_missing_until_used),
		sim_case(every_slice_pins_each_folio_once),
		sim_case(a_failed_folio_leaves_no_pin),
		sim_case(beyond_the_end_is_einval),
		sim_case(short_answers_end_inside_folios),
		sim_case(a_process_can_map_a_file),
		sim_case(a_giant_file_is_one_run),
		sim_case(no_numbers_left_is_enomem_at_the_pin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
