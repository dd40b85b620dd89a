/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine: layouts have the shapes they promise, the ledger is
 * exact after every step, and every broken promise is noticed. Tests of the
 * core lean on this, so it is tried harder than a fake usually is.
 *
 * Files are in t_sim_file.c, device memory and threads in t_sim_device.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/bits.h"
#include "origin/sim/table.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

#include "sim_test.h"

/* ---- layouts ------------------------------------------------------------ */

static void table_matches_an_array(void **state)
{
	static const uint64_t bases[] = { 0, 40, UINT64_MAX - 299 };
	struct ioas_sim_table t;

	(void)state;
	for (unsigned int b = 0; b < IOAS_ARRAY_SIZE(bases); b++) {
		uint64_t value[300] = { 0 }, nr = 0;

		ioas_sim_table_init(&t, 16);
		for (unsigned int n = 0; n < 4000; n++) {
			/* Spread, so that there are chunks to hash. */
			unsigned int i = (unsigned int)random_below(300);
			uint64_t key = bases[b] + i * (b ? 1 : 1009);
			uint64_t *r = ioas_sim_table_find(&t, key);

			assert_int_equal(r ? r[1] : 0, value[i]);
			if (r) {
				ioas_sim_table_del(&t, key);
				value[i] = 0;
				nr--;
			} else {
				r = ioas_sim_table_add(&t, key);
				assert_int_equal(r[0] | r[1], 0);
				value[i] = r[1] = n + 1;
				nr++;
			}
			assert_int_equal(t.nr, nr);
		}
		ioas_sim_table_fini(&t);
	}
}

/* Does the step from frame @a to frame @b fit the layout? */
static bool step_fits(enum ioas_sim_layout layout, ioas_pfn_t a, ioas_pfn_t b)
{
	switch (layout) {
	case IOAS_SIM_CONSECUTIVE:
	case IOAS_SIM_HIGH:
	case IOAS_SIM_GIANT:
		return b == a + 1;
	case IOAS_SIM_DESCENDING:
		return b + 1 == a;
	case IOAS_SIM_SCATTERED:
		return b != a && b != a + 1;
	case IOAS_SIM_RUNS:
		return b > a;
	default:
		return true;
	}
}

static void each_layout_has_its_shape(void **state)
{
	(void)state;
	for (enum ioas_sim_layout l = 0; l < IOAS_SIM_NR_LAYOUTS; l++) {
		for (uint64_t nr = 1; nr < 70; nr++) {
			struct ioas_sim *sim = sim_new(12, nr, NULL);
			struct ioas_origin *o = process_new(sim);
			unsigned int equal = 0;

			assert_int_equal(ioas_sim_map(o, 100, nr, l, 0), 0);
			for (uint64_t i = 1; i < nr; i++) {
				assert_true(step_fits(l, frame_of(o, 99 + i),
						      frame_of(o, 100 + i)));
				for (uint64_t j = 0; j < i; j++)
					equal += frame_of(o, 100 + i) ==
						 frame_of(o, 100 + j);
			}
			if (l != IOAS_SIM_ALIASED)
				assert_int_equal(equal, 0);
			else if (nr > 40)
				assert_true(equal > 0);
			if (l == IOAS_SIM_HIGH)
				assert_int_equal(frame_of(o, 99 + nr),
						 UINT64_MAX >> 12);
			ioas_origin_put(o);
			sim_end(sim);
		}
	}
}

static void runs_have_one_to_eight_pages(void **state)
{
	struct ioas_sim *sim = sim_new(12, 5, NULL);
	struct ioas_origin *o = process_new(sim);
	unsigned int seen = 0;
	uint64_t length = 1;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 1000, IOAS_SIM_RUNS, 0), 0);
	for (uint64_t i = 1; i < 1000; i++) {
		if (frame_of(o, i) == frame_of(o, i - 1) + 1) {
			length++;
			continue;
		}
		assert_true(length <= 8);
		seen |= 1u << length;
		length = 1;
	}
	assert_int_equal(seen, 0x1fe);
	ioas_origin_put(o);
	sim_end(sim);
}

static void consecutive_calls_continue_each_other(void **state)
{
	struct ioas_sim *sim = sim_new(3, 1, NULL);
	struct ioas_origin *a = process_new(sim), *b = process_new(sim);

	(void)state;
	assert_int_equal(ioas_sim_map(a, 7, 2, IOAS_SIM_CONSECUTIVE, 0), 0);
	assert_int_equal(ioas_sim_map(b, 9, 2, IOAS_SIM_CONSECUTIVE, 0), 0);
	assert_int_equal(frame_of(b, 9), frame_of(a, 8) + 1);
	ioas_origin_put(a);
	ioas_origin_put(b);
	sim_end(sim);
}

static void one_seed_gives_one_machine(void **state)
{
	ioas_pfn_t first[100];

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		struct ioas_sim *sim = sim_new(12, 42, NULL);
		struct ioas_origin *o = process_new(sim);

		assert_int_equal(ioas_sim_map(o, 0, 100, IOAS_SIM_ALIASED, 0),
				 0);
		for (uint64_t i = 0; i < 100; i++) {
			if (round)
				assert_int_equal(first[i], frame_of(o, i));
			first[i] = frame_of(o, i);
		}
		ioas_origin_put(o);
		sim_end(sim);
	}
}

static void layout_calls_check_their_range(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	ioas_pfn_t old;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 10, 0, IOAS_SIM_RUNS, 0), -EINVAL);
	assert_int_equal(ioas_sim_map(o, UINT64_MAX, 2, IOAS_SIM_RUNS, 0),
			 -EINVAL);
	assert_int_equal(ioas_sim_map(o, 10, 4, IOAS_SIM_RUNS, 0), 0);
	old = frame_of(o, 13);
	assert_int_equal(ioas_sim_map(o, 13, 1, IOAS_SIM_RUNS, 0), -EEXIST);
	assert_int_equal(ioas_sim_map(o, 0, 1000, IOAS_SIM_GIANT, 0), -EEXIST);
	assert_int_equal(ioas_sim_remap(o, 13, 2, IOAS_SIM_RUNS), -ENOENT);
	assert_int_equal(ioas_sim_protect(o, 13, 2, 0), -ENOENT);
	assert_int_equal(frame_of(o, 13), old);
	assert_int_equal(ioas_sim_map(o, 100, 50, IOAS_SIM_GIANT, 0), 0);
	assert_int_equal(ioas_sim_map(o, 149, 1, IOAS_SIM_RUNS, 0), -EEXIST);
	assert_int_equal(ioas_sim_remap(o, 120, 1, IOAS_SIM_RUNS), -EINVAL);
	assert_int_equal(ioas_sim_unmap(o, 120, 1), -EINVAL);
	assert_int_equal(ioas_sim_unmap(o, 12, 1000), 0);
	assert_int_equal(ioas_sim_map(o, 12, 1000, IOAS_SIM_RUNS, 0), 0);
	assert_true(ioas_sim_frame_at(o, 11, &old));
	ioas_origin_put(o);
	sim_end(sim);
}

static void frame_numbers_run_out_as_enospc(void **state)
{
	struct ioas_sim_options opts = { .page_lg2 = 12,
					 .first_pfn = 1000,
					 .last_pfn = 1009 };
	struct ioas_origin *o;
	struct ioas_sim *sim;

	(void)state;
	assert_int_equal(ioas_sim_create(&opts, &sim), 0);
	o = process_new(sim);
	assert_int_equal(ioas_sim_map(o, 0, 11, IOAS_SIM_HIGH, 0), -ENOSPC);
	assert_int_equal(ioas_sim_map(o, 0, 4, IOAS_SIM_HIGH, 0), 0);
	assert_int_equal(ioas_sim_map(o, 4, 6, IOAS_SIM_CONSECUTIVE, 0), 0);
	assert_int_equal(frame_of(o, 0), 1006);
	assert_int_equal(frame_of(o, 4), 1000);
	assert_int_equal(ioas_sim_map(o, 10, 1, IOAS_SIM_HIGH, 0), -ENOSPC);
	assert_int_equal(ioas_sim_map(o, 10, 1, IOAS_SIM_RUNS, 0), -ENOSPC);
	ioas_origin_put(o);
	sim_end(sim);
}

static void options_are_checked(void **state)
{
	struct ioas_sim_options opts = { .page_lg2 = 2 };
	struct ioas_sim *sim = NULL;

	(void)state;
	assert_int_equal(ioas_sim_create(&opts, &sim), -EINVAL);
	opts.page_lg2 = 17;
	assert_int_equal(ioas_sim_create(&opts, &sim), -EINVAL);
	opts.page_lg2 = 12;
	opts.last_pfn = (UINT64_MAX >> 12) + 1;
	assert_int_equal(ioas_sim_create(&opts, &sim), -EINVAL);
	opts.last_pfn = 5;
	opts.first_pfn = 6;
	assert_int_equal(ioas_sim_create(&opts, &sim), -EINVAL);
	assert_null(sim);
	ioas_sim_destroy(NULL);
}

/* ---- pins --------------------------------------------------------------- */

static void a_pin_answers_in_runs_up_to_the_room(void **state)
{
	struct ioas_sim *sim = sim_new(12, 3, NULL);
	struct ioas_origin *o = process_new(sim);

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 60, IOAS_SIM_RUNS, 0), 0);
	guard(o, true);
	for (uint32_t room = 1; room < 20; room++) {
		for (uint64_t first = 0; first < 60; first++) {
			struct pinned p =
				pin(o, first, 60 - first, true, room);
			uint64_t n = 0;

			assert_int_equal(p.ret, 0);
			assert_true(p.rq.nr_runs <= room);
			if (p.rq.nr_pinned < 60 - first)
				assert_int_equal(p.rq.nr_runs, room);
			for (uint32_t r = 0; r < p.rq.nr_runs; r++)
				for (uint64_t i = 0; i < p.runs[r].nr; i++)
					assert_int_equal(
						p.runs[r].pfn + i,
						frame_of(o, first + n++));
			assert_int_equal(n, p.rq.nr_pinned);
			assert_int_equal(ioas_sim_total_pins(sim), n);
			unpin_all(o, &p, false);
		}
	}
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

#define LEDGER_PAGES 40u

/* Random pins and unpins in any cut, against two counters per page. */
static void ledger_run(enum ioas_sim_layout layout,
		       enum ioas_sim_pin_mode mode, uint64_t seed)
{
	struct ioas_sim *sim = sim_new(3, seed, NULL);
	struct ioas_origin *o = process_new(sim);
	uint64_t pins[LEDGER_PAGES] = { 0 }, total = 0;

	assert_int_equal(ioas_sim_map(o, 0, LEDGER_PAGES, layout, 0), 0);
	ioas_sim_set_pin_mode(sim, mode);
	guard(o, true);
	for (unsigned int n = 0; n < 300; n++) {
		uint64_t first = random_below(LEDGER_PAGES);
		uint64_t nr = 1 + random_below(LEDGER_PAGES - first);
		struct pinned p;

		if (pins[first] && random_below(2)) {
			o->ops->unpin(o, frame_of(o, first), 1,
				      random_below(2));
			pins[first]--;
			total--;
			continue;
		}
		p = pin(o, first, nr, true, 16);
		assert_int_equal(p.ret, 0);
		assert_in_range(p.rq.nr_pinned, 1, nr);
		if (mode == IOAS_SIM_PIN_ONE)
			assert_int_equal(p.rq.nr_pinned, 1);
		for (uint64_t i = 0; i < p.rq.nr_pinned; i++)
			pins[first + i]++;
		total += p.rq.nr_pinned;
		for (uint64_t i = 0; i < LEDGER_PAGES; i++) {
			uint64_t want = 0;

			for (uint64_t j = 0; j < LEDGER_PAGES; j++)
				if (frame_of(o, i) == frame_of(o, j))
					want += pins[j];
			assert_int_equal(
				ioas_sim_pins(sim, frame_of(o, i)).write,
				want);
		}
		assert_int_equal(ioas_sim_total_pins(sim), total);
		assert_int_equal(ioas_sim_origin_pins(o), total);
		assert_true(ioas_sim_validate(sim));
	}
	for (uint64_t i = 0; i < LEDGER_PAGES; i++)
		for (; pins[i]; pins[i]--)
			o->ops->unpin(o, frame_of(o, i), 1, true);
	guard(o, false);
	assert_true(ioas_sim_idle(sim));
	ioas_origin_put(o);
	sim_end(sim);
}

static void the_ledger_is_exact_per_page(void **state)
{
	(void)state;
	for (enum ioas_sim_layout l = 0; l < IOAS_SIM_GIANT; l++)
		for (enum ioas_sim_pin_mode m = 0; m <= IOAS_SIM_PIN_RANDOM;
		     m++)
			ledger_run(l, m, 10 * l + m);
}

static void readers_and_writers_are_told_apart(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	struct ioas_sim_pins now;
	ioas_pfn_t pfn;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 5, 1, IOAS_SIM_RUNS, 0), 0);
	pfn = frame_of(o, 5);
	guard(o, true);
	pin(o, 5, 1, true, 1);
	pin(o, 5, 1, false, 1);
	assert_false(ioas_sim_idle(sim));
	now = ioas_sim_pins(sim, pfn);
	assert_int_equal(now.write, 1);
	assert_int_equal(now.read, 1);
	assert_int_equal(ioas_sim_holds(sim, pfn), 1);
	o->ops->unpin(o, pfn, 1, false);
	now = ioas_sim_pins(sim, pfn);
	assert_int_equal(now.write, 1);
	assert_int_equal(now.read, 0);
	assert_false(ioas_sim_dirty(sim, pfn));
	o->ops->unpin(o, pfn, 1, true);
	assert_true(ioas_sim_dirty(sim, pfn));
	ioas_sim_clear_dirty(sim, pfn);
	assert_false(ioas_sim_dirty(sim, pfn));
	pin(o, 5, 1, false, 1);
	assert_int_equal(ioas_sim_holds(sim, pfn), 2);
	o->ops->unpin(o, pfn, 1, false);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void holes_and_permissions_end_a_pin(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	struct pinned p;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 4, IOAS_SIM_CONSECUTIVE, 0), 0);
	assert_int_equal(ioas_sim_map(o, 4, 2, IOAS_SIM_CONSECUTIVE,
				      IOAS_SIM_READ_ONLY),
			 0);
	guard(o, true);
	p = pin(o, 1, 10, true, 4);
	assert_int_equal(p.rq.nr_pinned, 3);
	unpin_all(o, &p, true);
	p = pin(o, 1, 10, false, 4);
	assert_int_equal(p.rq.nr_pinned, 5);
	unpin_all(o, &p, false);
	assert_int_equal(pin(o, 4, 1, true, 4).ret, -EFAULT);
	assert_int_equal(pin(o, 6, 1, false, 4).ret, -EFAULT);
	assert_int_equal(ioas_sim_protect(o, 2, 1, IOAS_SIM_READ_ONLY), 0);
	assert_int_equal(ioas_sim_protect(o, 4, 1, 0), 0);
	assert_int_equal(pin(o, 2, 1, true, 4).ret, -EFAULT);
	p = pin(o, 3, 9, true, 4);
	assert_int_equal(p.rq.nr_pinned, 2);
	unpin_all(o, &p, true);
	assert_int_equal(ioas_sim_unmap(o, 3, 1), 0);
	assert_int_equal(pin(o, 3, 1, false, 4).ret, -EFAULT);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void the_budget_fails_one_page_once(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	struct pinned p;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 10, IOAS_SIM_SCATTERED, 0), 0);
	guard(o, true);
	for (uint64_t n = 0; n <= 10; n++) {
		ioas_sim_set_pin_budget(sim, n);
		p = pin(o, 0, 10, true, 16);
		assert_int_equal(p.ret, n ? 0 : -EFAULT);
		assert_int_equal(p.rq.nr_pinned, n);
		unpin_all(o, &p, true);
		if (n == 10)
			break;
		p = pin(o, 0, 10, true, 16);
		assert_int_equal(p.rq.nr_pinned, 10);
		unpin_all(o, &p, true);
	}
	/* Pages that found no room have not used it up. */
	ioas_sim_set_pin_budget(sim, 3);
	p = pin(o, 0, 10, true, 3);
	assert_int_equal(p.rq.nr_pinned, 3);
	unpin_all(o, &p, true);
	assert_int_equal(pin(o, 0, 1, true, 1).ret, -EFAULT);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void what_is_pinned_survives_a_remap(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	char before[8] = "before", now[8] = { 0 };
	struct pinned p, q;
	ioas_pfn_t old;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 20, 3, IOAS_SIM_DESCENDING, 0), 0);
	assert_int_equal(ioas_sim_write(o, 21 << 12, before, 8), 0);
	old = frame_of(o, 21);
	guard(o, true);
	p = pin(o, 20, 3, true, 4);
	assert_int_equal(ioas_sim_remap(o, 20, 3, IOAS_SIM_RUNS), 0);
	assert_int_not_equal(frame_of(o, 21), old);
	assert_int_equal(ioas_sim_pins(sim, old).write, 1);
	memcpy(now, o->ops->pointer(o, old), 8);
	assert_string_equal(now, "before");
	q = pin(o, 21, 1, true, 1);
	assert_int_equal(q.runs[0].pfn, frame_of(o, 21));
	assert_int_equal(ioas_sim_total_pins(sim), 4);
	unpin_all(o, &p, true);
	/* Nobody has the old frame any more. */
	assert_int_equal(ioas_sim_frame_read(sim, old, 0, now, 8), -EFAULT);
	unpin_all(o, &q, true);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void aliases_are_one_frame(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *a = process_new(sim), *b = process_new(sim);
	uint64_t word = 77;

	(void)state;
	assert_int_equal(ioas_sim_map(a, 0, 4, IOAS_SIM_SCATTERED, 0), 0);
	assert_int_equal(ioas_sim_alias(a, 8, 2, a, 1), 0);
	assert_int_equal(ioas_sim_alias(b, 8, 2, a, 2), 0);
	assert_int_equal(ioas_sim_alias(b, 9, 2, a, 2), -EEXIST);
	assert_int_equal(ioas_sim_alias(b, 0, 2, a, 3), -ENOENT);
	assert_int_equal(frame_of(a, 9), frame_of(b, 8));
	assert_int_equal(ioas_sim_write(a, 2 << 12, &word, 8), 0);
	word = 0;
	assert_int_equal(ioas_sim_read(b, 8 << 12, &word, 8), 0);
	assert_int_equal(word, 77);
	guard(a, true);
	pin(a, 2, 1, true, 1);
	pin(a, 9, 1, true, 1);
	assert_int_equal(ioas_sim_pins(sim, frame_of(b, 8)).write, 2);
	a->ops->unpin(a, frame_of(b, 8), 1, true);
	a->ops->unpin(a, frame_of(b, 8), 1, true);
	guard(a, false);
	ioas_origin_put(a);
	assert_int_equal(ioas_sim_read(b, 8 << 12, &word, 8), 0);
	ioas_origin_put(b);
	sim_end(sim);
}

static void death_ends_all_but_held_pins(void **state)
{
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	char text[6] = "alive";
	struct pinned p;
	ioas_pfn_t pfn;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 4, IOAS_SIM_SCATTERED, 0), 0);
	assert_int_equal(ioas_sim_map(o, 1000, 4000, IOAS_SIM_GIANT, 0), 0);
	assert_int_equal(ioas_sim_write(o, 0, text, 6), 0);
	guard(o, true);
	p = pin(o, 0, 2, true, 2);
	pfn = p.runs[0].pfn;
	ioas_sim_die(o);
	assert_int_equal(pin(o, 0, 1, true, 1).ret, -EFAULT);
	assert_int_equal(pin(o, 1000, 1, true, 1).ret, -EFAULT);
	assert_int_equal(o->ops->get_alive(o), -EFAULT);
	assert_int_equal(o->ops->copy(o, 0, text, 1, IOAS_COPY_ADOPT),
			 -EAGAIN);
	assert_false(ioas_sim_frame_at(o, 0, &pfn));
	assert_int_equal(ioas_sim_map(o, 9, 1, IOAS_SIM_RUNS, 0), -EINVAL);
	assert_string_equal(o->ops->pointer(o, pfn), "alive");
	unpin_all(o, &p, true);
	guard(o, false);
	assert_true(ioas_sim_idle(sim));
	ioas_origin_put(o);
	sim_end(sim);
}

/* ---- giant -------------------------------------------------------------- */

static void giant_totals_need_sixty_four_bits(void **state)
{
	uint64_t nr = (uint64_t)1 << 50, first = (uint64_t)1 << 51;
	struct ioas_sim *sim = sim_new(12, 1, NULL);
	struct ioas_origin *o = process_new(sim);
	struct pinned p, q;
	uint64_t word;

	(void)state;
	assert_int_equal(ioas_sim_map(o, first, nr, IOAS_SIM_GIANT, 0), 0);
	guard(o, true);
	p = pin(o, first, nr, true, 1);
	assert_int_equal(p.rq.nr_pinned, nr);
	assert_int_equal(p.runs[0].nr, nr);
	q = pin(o, first + 5, nr, false, 1);
	assert_int_equal(q.rq.nr_pinned, nr - 5);
	assert_int_equal(q.runs[0].pfn, p.runs[0].pfn + 5);
	assert_int_equal(ioas_sim_holds(sim, q.runs[0].pfn), 1);
	assert_int_equal(ioas_sim_total_pins(sim), 2 * nr - 5);
	assert_int_equal(ioas_sim_pins(sim, p.runs[0].pfn).read, nr - 5);
	assert_true(ioas_sim_validate(sim));
	/* Contents exist where they are used. */
	word = 99;
	memcpy(o->ops->pointer(o, p.runs[0].pfn + nr - 1), &word, 8);
	word = 0;
	assert_int_equal(ioas_sim_read(o, (first + nr - 1) << 12, &word, 8),
			 0);
	assert_int_equal(word, 99);
	unpin_all(o, &q, false);
	/* Cuts of many sizes add up. */
	for (uint64_t left = nr; left; left /= 3)
		o->ops->unpin(o, p.runs[0].pfn + nr - left, left - left / 3,
			      true);
	assert_int_equal(ioas_sim_total_pins(sim), 0);
	assert_true(ioas_sim_dirty(sim, p.runs[0].pfn));
	/* A range that is unmapped while pinned goes with its last pin. */
	p = pin(o, first, 3, true, 1);
	assert_int_equal(ioas_sim_unmap(o, first, nr), 0);
	assert_int_equal(pin(o, first, 1, true, 1).ret, -EFAULT);
	assert_non_null(o->ops->pointer(o, p.runs[0].pfn + 1));
	unpin_all(o, &p, true);
	assert_int_equal(ioas_sim_frame_read(sim, p.runs[0].pfn, 0, &word, 8),
			 -EFAULT);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

/* ---- contents and copies ------------------------------------------------ */

static void contents_are_distinct_and_repeatable(void **state)
{
	uint64_t seen[2][8];

	(void)state;
	for (unsigned int round = 0; round < 2; round++) {
		struct ioas_sim *sim = sim_new(3, 9, NULL);
		struct ioas_origin *o = process_new(sim);

		assert_int_equal(ioas_sim_map(o, 0, 8, IOAS_SIM_RUNS, 0), 0);
		assert_int_equal(ioas_sim_read(o, 0, seen[round], 64), 0);
		for (unsigned int i = 0; i < 8; i++)
			for (unsigned int j = 0; j < i; j++)
				assert_int_not_equal(seen[round][i],
						     seen[round][j]);
		ioas_origin_put(o);
		sim_end(sim);
	}
	assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
}

/* Every offset and length over four pages of 8 bytes, against an array. */
static void contents_match_an_array(void **state)
{
	struct ioas_sim *sim = sim_new(3, 9, NULL);
	struct ioas_origin *o = process_new(sim);
	unsigned char model[32], bytes[32], now[32];

	(void)state;
	assert_int_equal(ioas_sim_map(o, 1, 4, IOAS_SIM_SCATTERED, 0), 0);
	assert_int_equal(ioas_sim_read(o, 8, model, 32), 0);
	ioas_sim_set_mm(o, NULL);
	for (size_t at = 0; at < 32; at++) {
		for (size_t n = 1; n <= 32 - at; n++) {
			for (size_t i = 0; i < n; i++)
				bytes[i] = (unsigned char)random_below(256);
			memcpy(model + at, bytes, n);
			assert_int_equal(o->ops->copy(o, 8 + at, bytes, n,
						      IOAS_COPY_WRITE),
					 0);
			assert_int_equal(o->ops->copy(o, 8, now, 32, 0), 0);
			assert_memory_equal(now, model, 32);
		}
	}
	assert_true(ioas_sim_dirty(sim, frame_of(o, 1)));
	ioas_origin_put(o);
	sim_end(sim);
}

static void a_copy_takes_the_way_of_its_caller(void **state)
{
	struct ioas_sim *sim = sim_new(12, 9, NULL);
	struct ioas_origin *o = process_new(sim);
	struct ioas_caller self = { .mm = ioas_sim_mm(o) }, *old;
	struct ioas_sim_stats st;
	char buffer[8192];

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 2, IOAS_SIM_SCATTERED, 0), 0);
	assert_int_equal(ioas_sim_map(o, 2, 1, IOAS_SIM_SCATTERED,
				      IOAS_SIM_READ_ONLY),
			 0);
	/* Another process: one page only, unless it adopts. */
	assert_int_equal(o->ops->copy(o, 0, buffer, 4096, 0), 0);
	assert_int_equal(o->ops->copy(o, 1, buffer, 4096, 0), -EAGAIN);
	assert_int_equal(o->ops->copy(o, 1, buffer, 4096, IOAS_COPY_ADOPT), 0);
	/* The process itself. */
	old = ioas_caller_enter(&self);
	assert_int_equal(o->ops->copy(o, 1, buffer, 4096, 0), 0);
	assert_int_equal(o->ops->copy(o, 8191, buffer, 2, 0), 0);
	assert_int_equal(o->ops->copy(o, 8191, buffer, 2, IOAS_COPY_WRITE),
			 -EFAULT);
	assert_int_equal(o->ops->copy(o, 3 << 12, buffer, 1, 0), -EFAULT);
	assert_int_equal(o->ops->copy(o, UINT64_MAX, buffer, 2, 0), -EFAULT);
	assert_int_equal(o->ops->copy(o, 3 << 12, buffer, 0, 0), 0);
	ioas_caller_leave(old);
	ioas_sim_get_stats(sim, &st);
	assert_int_equal(st.copies_direct, 3);
	assert_int_equal(st.copies_pinned, 1);
	assert_int_equal(ioas_sim_total_pins(sim), 0);
	ioas_origin_put(o);
	sim_end(sim);
}

static void fault_points_fail_pin_guard_and_copy(void **state)
{
	struct ioas_fault fault = { .sticky = true };
	struct ioas_sim *sim = sim_new(12, 9, NULL);
	struct ioas_origin *o = process_new(sim);
	struct ioas_caller caller = { .fault = &fault }, *old;
	char byte;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 2, IOAS_SIM_SCATTERED, 0), 0);
	guard(o, true);
	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	assert_int_equal(pin(o, 0, 2, true, 2).ret, -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_PIN);
	assert_int_equal(o->ops->get_alive(o), -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_ALIVE);
	assert_int_equal(o->ops->copy(o, 0, &byte, 1, 0), -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_COPY);
	/* The process itself needs no guard. */
	caller.mm = ioas_sim_mm(o);
	assert_int_equal(o->ops->get_alive(o), 0);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	guard(o, false);
	guard(o, false);
	assert_true(ioas_sim_idle(sim));
	ioas_origin_put(o);
	sim_end(sim);
}

/* ---- broken promises ---------------------------------------------------- */

static void each_broken_promise_is_noticed(void **state)
{
	struct breaches seen = { 0 };
	struct ioas_sim *sim = sim_new(12, 9, &seen);
	struct ioas_origin *a = process_new(sim), *b = process_new(sim);
	ioas_pfn_t pfn;

	(void)state;
	assert_int_equal(ioas_sim_map(a, 0, 4, IOAS_SIM_CONSECUTIVE, 0), 0);
	pfn = frame_of(a, 0);

	pin(a, 0, 1, false, 1);
	expect_breach(&seen, "pin in another process, no guard", 0);
	guard(a, true);
	a->ops->unpin(a, pfn, 1, true);
	expect_breach(&seen, "dirty unpin without a pin for writing", pfn);
	a->ops->unpin(a, pfn, 1, false);
	expect_breach(&seen, "unpin of a frame that is not pinned", pfn);
	pin(a, 0, 2, true, 1);
	a->ops->unpin(a, pfn, 3, false);
	expect_breach(&seen, "unpin of a frame that is not pinned", pfn + 2);
	assert_int_equal(ioas_sim_total_pins(sim), 0);
	assert_null(a->ops->pointer(a, pfn));
	expect_breach(&seen, "pointer to a frame that is not pinned", pfn);
	pin(a, 0, 1, true, 1);
	b->ops->unpin(b, pfn, 1, false);
	expect_breach(&seen, "unpin through an origin that did not pin", pfn);
	assert_false(ioas_sim_validate(sim));
	guard(a, false);
	a->ops->put_alive(a);
	expect_breach(&seen, "guard dropped that was not taken", 0);
	ioas_origin_put(a);
	expect_breach(&seen, "origin goes with pins", 1);
	guard(b, true);
	ioas_origin_put(b);
	expect_breach(&seen, "origin goes with guards", 1);
	ioas_sim_destroy(sim);
	assert_int_equal(seen.nr, 0);
}

static bool no_unpin(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty)
{
	struct breaches *seen = data;

	seen->unpin = (struct ioas_run){ pfn, nr };
	seen->dirty = dirty;
	return false;
}

static void the_test_may_forbid_an_unpin(void **state)
{
	struct breaches seen = { 0 };
	struct ioas_sim *sim = sim_new(12, 9, &seen);
	struct ioas_sim_hooks hooks = breach_hooks(&seen);
	struct ioas_origin *o = process_new(sim);
	ioas_pfn_t pfn;

	(void)state;
	hooks.may_unpin = no_unpin;
	assert_int_equal(ioas_sim_map(o, 0, 4, IOAS_SIM_CONSECUTIVE, 0), 0);
	pfn = frame_of(o, 0);
	guard(o, true);
	pin(o, 0, 4, true, 1);
	ioas_sim_set_hooks(sim, &hooks);
	o->ops->unpin(o, pfn, 3, true);
	expect_breach(&seen, "INV-C5: unpin of what is still mapped", pfn);
	assert_int_equal(seen.unpin.pfn, pfn);
	assert_int_equal(seen.unpin.nr, 3);
	assert_true(seen.dirty);
	hooks.may_unpin = NULL;
	ioas_sim_set_hooks(sim, &hooks);
	o->ops->unpin(o, pfn + 3, 1, true);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

static void kill_at_third(void *data, struct ioas_origin *o, uint64_t first,
			  uint64_t nr)
{
	unsigned int *calls = data;

	assert_int_equal(first, *calls);
	assert_int_equal(nr, 1);
	if (++*calls == 3)
		ioas_sim_die(o);
	else
		assert_int_equal(ioas_sim_remap(o, first, nr, IOAS_SIM_RUNS),
				 0);
}

static void the_test_may_act_at_a_given_pin(void **state)
{
	unsigned int calls = 0;
	struct ioas_sim_options opts = {
		.page_lg2 = 12,
		.hooks = { .data = &calls, .before_pin = kill_at_third },
	};
	struct ioas_origin *o;
	struct ioas_sim *sim;
	struct pinned p[2];

	(void)state;
	assert_int_equal(ioas_sim_create(&opts, &sim), 0);
	o = process_new(sim);
	assert_int_equal(ioas_sim_map(o, 0, 4, IOAS_SIM_CONSECUTIVE, 0), 0);
	guard(o, true);
	p[0] = pin(o, 0, 1, true, 1);
	assert_int_equal(p[0].runs[0].pfn, frame_of(o, 0));
	p[1] = pin(o, 1, 1, true, 1);
	assert_int_equal(pin(o, 2, 1, true, 1).ret, -EFAULT);
	unpin_all(o, &p[0], true);
	unpin_all(o, &p[1], true);
	guard(o, false);
	ioas_origin_put(o);
	sim_end(sim);
}

/* ---- the frame space ---------------------------------------------------- */

static void frames_lead_to_contents(void **state)
{
	struct ioas_sim_options opts = { .page_lg2 = 12 };
	struct ioas_frames fs;
	struct ioas_origin *o;
	struct ioas_sim *sim, *other = NULL;
	struct pinned p;

	(void)state;
	assert_int_equal(ioas_frames_init(&fs, 12), 0);
	opts.frames = &fs;
	for (unsigned int round = 0; round < 2; round++) {
		/* First any numbers, then the last ones there are. */
		opts.first_pfn = round ? fs.last - 99 : 0;
		assert_int_equal(ioas_sim_create(&opts, &sim), 0);
		if (round)
			assert_int_equal(ioas_sim_create(&opts, &other),
					 -EEXIST);
		o = process_new(sim);
		assert_int_equal(ioas_sim_map(o, 0, 3, IOAS_SIM_HIGH, 0), 0);
		guard(o, true);
		p = pin(o, 0, 3, true, 1);
		for (uint64_t i = 0; i < 3; i++) {
			char *at = ioas_frames_pointer(&fs, p.runs[0].pfn + i);

			assert_non_null(at);
			assert_ptr_equal(at,
					 o->ops->pointer(o, p.runs[0].pfn + i));
			assert_true(ioas_is_aligned((uintptr_t)at, 4096));
		}
		unpin_all(o, &p, true);
		guard(o, false);
		ioas_origin_put(o);
		sim_end(sim);
	}
	opts.page_lg2 = 13;
	assert_int_equal(ioas_sim_create(&opts, &other), -EINVAL);
	assert_null(other);
	ioas_frames_fini(&fs);
}

static void statistics_count_calls_and_pages(void **state)
{
	struct ioas_sim *sim = sim_new(16, 9, NULL);
	struct ioas_origin *o = process_new(sim);
	struct ioas_sim_stats st;
	struct pinned p;

	(void)state;
	assert_int_equal(ioas_sim_map(o, 0, 6, IOAS_SIM_DESCENDING, 0), 0);
	guard(o, true);
	p = pin(o, 0, 6, true, 6);
	unpin_all(o, &p, true);
	pin(o, 9, 6, true, 6);
	guard(o, false);
	ioas_sim_get_stats(sim, &st);
	assert_int_equal(st.pin_calls, 2);
	assert_int_equal(st.pin_runs, 6);
	assert_int_equal(st.pin_pages, 6);
	assert_int_equal(st.unpin_calls, 6);
	assert_int_equal(st.unpin_pages, 6);
	assert_int_equal(st.dirty_pages, 6);
	assert_int_equal(st.alive_calls, 1);
	assert_int_equal(st.violations, 0);
	ioas_sim_reset_stats(sim);
	ioas_sim_get_stats(sim, &st);
	assert_int_equal(st.pin_calls, 0);
	ioas_origin_put(o);
	sim_end(sim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_case(table_matches_an_array),
		sim_case(each_layout_has_its_shape),
		sim_case(runs_have_one_to_eight_pages),
		sim_case(consecutive_calls_continue_each_other),
		sim_case(one_seed_gives_one_machine),
		sim_case(layout_calls_check_their_range),
		sim_case(frame_numbers_run_out_as_enospc),
		sim_case(options_are_checked),
		sim_case(a_pin_answers_in_runs_up_to_the_room),
		sim_case(the_ledger_is_exact_per_page),
		sim_case(readers_and_writers_are_told_apart),
		sim_case(holes_and_permissions_end_a_pin),
		sim_case(the_budget_fails_one_page_once),
		sim_case(what_is_pinned_survives_a_remap),
		sim_case(aliases_are_one_frame),
		sim_case(death_ends_all_but_held_pins),
		sim_case(giant_totals_need_sixty_four_bits),
		sim_case(contents_are_distinct_and_repeatable),
		sim_case(contents_match_an_array),
		sim_case(a_copy_takes_the_way_of_its_caller),
		sim_case(fault_points_fail_pin_guard_and_copy),
		sim_case(each_broken_promise_is_noticed),
		sim_case(the_test_may_forbid_an_unpin),
		sim_case(the_test_may_act_at_a_given_pin),
		sim_case(frames_lead_to_contents),
		sim_case(statistics_count_calls_and_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
