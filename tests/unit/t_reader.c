/* SPDX-License-Identifier: MIT */
/*
 * reader: what it delivers, and what it pins for that, against a page at a time
 *
 *    pages object   ....RRRR......RR....    records of a client
 *                   ......LLLLL.........    linked areas, each with a domain
 *                   ^ holes: the reader pins these, and only these
 *
 * The twin is two arrays of flags and the machine's own idea of which frame a
 * page has.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "core/reader.h"
#include "limit_matrix.h"
#include "prng.h"
#include "script.h"

#define NR 64u
#define IO UINT64_C(0x1000000)
#define VA (16 * P)

struct held {
	struct world w;
	struct ioas_pages *pages;
	bool stored[NR];
	bool linked[NR];
};

static bool is_hole(const struct held *h, uint64_t i)
{
	return !h->stored[i] && !h->linked[i];
}

static uint64_t holes(const struct held *h, uint64_t first, uint64_t last)
{
	uint64_t n = 0;

	for (uint64_t i = first; i <= last; i++)
		n += is_hole(h, i);
	return n;
}

static uint64_t hole_spans(const struct held *h, uint64_t first, uint64_t last)
{
	uint64_t n = 0;

	for (uint64_t i = first; i <= last; i++)
		n += is_hole(h, i) && (i == first || !is_hole(h, i - 1));
	return n;
}

/* Space 0 has all pages and a client, space 1 a domain and some slices. */
static void held_init(struct held *h, const struct world_limits *limits,
		      struct prng *r)
{
	struct world *w = &h->w;
	ioas_iova_t iova = IO;
	unsigned int n;

	*h = (struct held){ 0 };
	world_init(w, limits);
	world_process(w, 0);
	world_map_memory(w, 0, 16, NR / 2, IOAS_SIM_RUNS, 0);
	world_map_memory(w, 0, 16 + NR / 2, NR / 2,
			 (enum ioas_sim_layout)prng_below(r, 4), 0);
	assert_int_equal(world_space(w, 0), 0);
	assert_int_equal(world_space(w, 1), 0);
	assert_int_equal(world_client(w, 0, IOAS_ACCESS_PINS), 0);
	assert_int_equal(ioas_access_attach(w->clients[0].access, w->spaces[0]),
			 0);
	assert_int_equal(world_domain(w, 0, PAGES_ALL, 0, UINT64_MAX), 0);
	assert_int_equal(world_attach(w, 1, 0), 0);
	assert_int_equal(ioas_iopt_map(w->spaces[0], w->origins[0], VA, NR * P,
				       RW, IOAS_MAP_FIXED, &iova),
			 0);
	h->pages = ((struct ioas_area *)ioas_rangemap_find(&w->spaces[0]->areas,
							   IO))
			   ->pages;
	for (n = (unsigned int)prng_below(r, 5); n; n--) {
		const uint64_t a = prng_below(r, NR);
		const uint64_t b = a + prng_below(r, NR - a) / (1 + n % 3);

		assert_int_equal(world_pin(w, 0, IO + a * P, (b - a + 1) * P,
					   0),
				 0);
		for (uint64_t i = a; i <= b; i++)
			h->stored[i] = true;
	}
	for (n = (unsigned int)prng_below(r, 4); n; n--) {
		const uint64_t a = prng_below(r, NR);
		const uint64_t b = a + prng_below(r, NR - a) / (1 + n % 3);

		iova = IO + 2 * n * NR * P;
		assert_int_equal(ioas_iopt_copy(w->spaces[1], w->spaces[0],
						IO + a * P, (b - a + 1) * P,
						RW, IOAS_MAP_FIXED, &iova),
				 0);
		for (uint64_t i = a; i <= b; i++)
			h->linked[i] = true;
	}
}

/* The batch has the frames of its indexes. */
static void check_batch(struct held *h, const struct ioas_reader *r)
{
	uint64_t index = r->bstart;

	assert_true(r->batch.total > 0);
	assert_int_equal(r->batch.total, r->bend - r->bstart);
	assert_int_equal(r->batch.kind, IOAS_KIND_CPU);
	for (uint32_t i = 0; i < r->batch.nr_runs; i++)
		for (uint64_t n = 0; n < r->batch.runs[i].nr; n++, index++) {
			ioas_pfn_t pfn;

			assert_true(ioas_sim_frame_at(h->w.origins[0],
						      16 + index, &pfn));
			assert_int_equal(r->batch.runs[i].pfn + n, pfn);
		}
	assert_int_equal(index, r->bend);
}

static void check_pins(struct held *h, uint64_t pins)
{
	assert_int_equal(ioas_sim_total_pins(h->w.sim), pins);
	assert_int_equal(h->pages->nr_pinned, pins);
	for (uint64_t i = 0; i < NR; i++) {
		struct ioas_sim_pins p;
		ioas_pfn_t pfn;

		assert_true(ioas_sim_frame_at(h->w.origins[0], 16 + i, &pfn));
		p = ioas_sim_pins(h->w.sim, pfn);
		assert_true(p.read + p.write <= 1); /* C6 */
		assert_true(is_hole(h, i) || p.read + p.write == 1);
		assert_int_equal(p.read, 0); /* C7 */
	}
}

/*
 * Read [first, last] up to @batches batches, hand back what was delivered, and
 * finish: the pins are those of before.
 */
static void read_some(struct held *h, uint64_t first, uint64_t last,
		      unsigned int batches)
{
	const uint64_t before = ioas_sim_total_pins(h->w.sim);
	const struct ioas_tuning *t = &h->w.ctx.tuning;
	struct ioas_sim_stats st;
	struct ioas_reader r;
	uint64_t index = first, next = 0;

	ioas_sim_reset_stats(h->w.sim);
	ioas_mutex_lock(&h->pages->mutex, IOAS_RANK_PAGES);
	assert_int_equal(ioas_reader_init(&r, h->pages, first, last, t), 0);
	for (; batches && !ioas_reader_done(&r); batches--) {
		const struct ioas_run *end = r.batch.runs + r.batch.nr_runs - 1;

		assert_int_equal(r.bstart, index);
		check_batch(h, &r);
		/* H3: with opaque frames, the limit is never inside a run. */
		if (index != first)
			assert_true(r.batch.runs[0].pfn != next);
		index = r.bend;
		next = end->pfn + end->nr;
		ioas_reader_release_batch(&r, true);
		/* The last one is left where it is. */
		if (batches > 1)
			assert_int_equal(ioas_reader_next(&r), 0);
	}
	if (ioas_reader_done(&r))
		assert_int_equal(index, last + 1);
	ioas_reader_fini(&r);
	check_pins(h, before);
	ioas_mutex_unlock(&h->pages->mutex);
	ioas_sim_get_stats(h->w.sim, &st);
	assert_int_equal(st.pin_pages, st.unpin_pages);
	/* A window has room for eight runs at least. */
	if (!t->window_pages && h->w.limits.pin_mode == IOAS_SIM_PIN_ALL)
		assert_true(st.pin_calls <= hole_spans(h, first, last) +
						    holes(h, first, last) / 8);
}

/* Read all of it and keep it: exactly the holes are pinned. */
static void read_and_keep(struct held *h, uint64_t first, uint64_t last)
{
	const uint64_t before = ioas_sim_total_pins(h->w.sim);
	struct ioas_reader r;

	ioas_mutex_lock(&h->pages->mutex, IOAS_RANK_PAGES);
	assert_int_equal(ioas_reader_init(&r, h->pages, first, last,
					  &h->w.ctx.tuning),
			 0);
	while (!ioas_reader_done(&r)) {
		check_batch(h, &r);
		assert_int_equal(ioas_reader_next(&r), 0);
	}
	ioas_reader_fini(&r);
	check_pins(h, before + holes(h, first, last));
	for (uint64_t i = first; i <= last; i++) {
		ioas_pfn_t pfn;

		assert_true(ioas_sim_frame_at(h->w.origins[0], 16 + i, &pfn));
		if (!is_hole(h, i))
			continue;
		h->w.origins[0]->ops->unpin(h->w.origins[0], pfn, 1, true);
		ioas_pages_pinned(h->pages, -1);
	}
	check_pins(h, before);
	ioas_mutex_unlock(&h->pages->mutex);
}

static void batches_are_the_frames_of_the_range(void **state)
{
	const uint64_t seed = 7;
	struct prng r = { seed };

	(void)state;
	print_message("# seed %u\n", (unsigned int)seed);
	for (unsigned int round = 0; round < 1200; round++) {
		const struct world_limits limits = limits_at(round %
							     LIMITS_ALL);
		struct held h;

		held_init(&h, &limits, &r);
		for (unsigned int i = 0; i < 6; i++) {
			const uint64_t first = prng_below(&r, NR);
			const uint64_t n = prng_below(&r, NR - first);
			const uint64_t last = first + n;

			read_and_keep(&h, first, last);
			read_some(&h, first, last, NR + 1);
			read_some(&h, first, last,
				  1 + (unsigned int)prng_below(&r, 4));
		}
		world_check(&h.w, "after reading");
		world_fini(&h.w);
	}
}

/* The first hole can be pinned, the second cannot. */
static void an_error_leaves_nothing_pinned(void **state)
{
	const struct world_limits limits = limits_default();
	struct prng r = { 3 };

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		struct ioas_reader reader;
		uint64_t bad, before;
		struct held h;
		int ret;

		held_init(&h, &limits, &r);
		bad = prng_below(&r, NR);
		before = ioas_sim_total_pins(h.w.sim);
		h.w.bad_page = 16 + bad;
		ioas_mutex_lock(&h.pages->mutex, IOAS_RANK_PAGES);
		ret = ioas_reader_init(&reader, h.pages, 0, NR - 1,
				       &h.w.ctx.tuning);
		while (!ret && !ioas_reader_done(&reader)) {
			ioas_reader_release_batch(&reader, false);
			ret = ioas_reader_next(&reader);
			if (ret) {
				assert_int_equal(reader.batch.total, 0);
				ioas_reader_fini(&reader);
			}
		}
		assert_int_equal(ret, is_hole(&h, bad) ? -EFAULT : 0);
		if (!ret)
			ioas_reader_fini(&reader);
		check_pins(&h, before);
		ioas_mutex_unlock(&h.pages->mutex);
		world_fini(&h.w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_are_the_frames_of_the_range),
		cmocka_unit_test(an_error_leaves_nothing_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
