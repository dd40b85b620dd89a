/* SPDX-License-Identifier: MIT */
/*
 * t_domain: the table domain against the flat one, and the flat one's checks
 *
 * Both get the same requests over a universe small enough to compare every
 * granule. Breaches of the contract are reported to this file instead of the
 * platform's abort.
 */
#include "pt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/flat.h"
#include "domain/table.h"

#include "breach_test.h"

#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

#define assert_breach(expr)                                   \
	do {                                                  \
		nr_breaches = 0;                              \
		breaches_expected = true;                     \
		(void)(expr);                                 \
		breaches_expected = false;                    \
		if (!nr_breaches)                             \
			fail_msg("not noticed: %s", #expr);   \
	} while (0)

static struct ioas_domain *flat_new(uint64_t pgsizes, uint64_t first,
				    uint64_t last,
				    enum ioas_flat_answer answer)
{
	const struct ioas_flat_options opts = {
		.pgsizes = pgsizes, .first = first, .last = last,
		.answer = answer, .dirty = true,
	};
	struct ioas_domain *d = NULL;

	assert_int_equal(ioas_flat_domain_create(&opts, &d), 0);
	return d;
}

static struct ioas_domain *table_new(uint64_t pgsizes, uint64_t first,
				     uint64_t last)
{
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = pgsizes, .first = first, .last = last },
		.dirty = true,
	};
	struct ioas_domain *d = NULL;

	assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
	return d;
}

/* ---- sinks -------------------------------------------------------------- */

#define MAX_TAKEN 256

/* Takes so many discontiguous pieces, like a batch. */
struct taker {
	struct ioas_unmap_sink sink;
	unsigned int capacity;
	unsigned int nr;
	struct {
		uint64_t iova, addr, length;
	} piece[MAX_TAKEN];
};

static bool taker_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
		      uint64_t addr, uint64_t length)
{
	struct taker *t = (struct taker *)sink;
	unsigned int n = t->nr;

	if (n && t->piece[n - 1].iova + t->piece[n - 1].length == iova &&
	    t->piece[n - 1].addr + t->piece[n - 1].length == addr) {
		t->piece[n - 1].length += length;
		return true;
	}
	if (n == t->capacity)
		return false;
	t->piece[n].iova = iova;
	t->piece[n].addr = addr;
	t->piece[n].length = length;
	t->nr++;
	return true;
}

struct marker {
	struct ioas_dirty_sink sink;
	unsigned int nr;
	struct {
		uint64_t first, last;
	} mark[MAX_TAKEN];
};

/* Adjacent marks melt, so that two domains can be compared. */
static void marker_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
			ioas_iova_t last)
{
	struct marker *m = (struct marker *)sink;

	if (m->nr && m->mark[m->nr - 1].last + 1 == iova) {
		m->mark[m->nr - 1].last = last;
		return;
	}
	assert_in_range(m->nr, 0, MAX_TAKEN - 1);
	m->mark[m->nr].first = iova;
	m->mark[m->nr++].last = last;
}

/* ---- random operations on both ------------------------------------------ */

struct twin {
	struct ioas_domain *table;
	struct ioas_domain *flat;
	uint64_t granule;
	uint64_t first;
	uint64_t nr_granules;
	unsigned int page_lg2;
	/* A leaf is a granule: dirty state is alike. */
	bool exact_dirty;
	uint64_t seed;
	uint64_t start_seed;
	unsigned int step;
};

static void twin_fail(const struct twin *w, const char *what, uint64_t iova)
{
	fail_msg("%s at %#llx: seed %llu step %u", what,
		 (unsigned long long)iova, (unsigned long long)w->start_seed,
		 w->step);
}

static void twin_compare(struct twin *w, uint64_t first, uint64_t last)
{
	for (uint64_t iova = first;; iova += w->granule) {
		uint64_t at = iova + w->step % w->granule;
		uint64_t a = 1, b = 2, length;
		int ret = w->table->ops->translate_run(w->table, at, at, NULL,
						       &a, &length);

		if (ret != w->flat->ops->translate_run(w->flat, at, at, NULL,
						       &b, &length) ||
		    (!ret && a != b))
			twin_fail(w, "translation differs", at);
		if (last - iova < w->granule)
			break;
	}
}

static uint64_t twin_iova(struct twin *w)
{
	return w->first + rng_below(&w->seed, w->nr_granules) * w->granule;
}

/* Bytes from @iova that are not mapped. */
static uint64_t twin_hole(struct twin *w, uint64_t iova)
{
	struct ioas_flat_run run;
	uint64_t end = w->first + w->nr_granules * w->granule;

	if (!ioas_flat_domain_next(w->flat, iova, &run))
		return end - iova;
	return run.iova <= iova ? 0 : run.iova - iova;
}

/* Runs of pages: contiguous ones, short ones, scattered ones, alike ones. */
static uint32_t twin_runs(struct twin *w, struct ioas_run *runs,
			  uint64_t pages, uint64_t congruent)
{
	uint64_t style = rng_below(&w->seed, 4);
	uint32_t nr = 0;

	for (; pages; nr++) {
		uint64_t max = style == 0 ? pages : style == 1 ? 7 : 1;
		uint64_t n = 1 + rng_below(&w->seed, max);

		if (n > pages || nr == 63)
			n = pages;
		if (style == 0)
			n = pages;
		runs[nr].nr = n;
		runs[nr].pfn = rng_below(&w->seed, 1 << 20);
		if (style == 0)
			runs[nr].pfn = (runs[nr].pfn & ~UINT64_C(1023)) |
				       congruent;
		if (nr && rng_below(&w->seed, 3) == 0)
			runs[nr].pfn = runs[nr - 1].pfn + runs[nr - 1].nr;
		pages -= n;
	}
	return nr;
}

static void twin_map(struct twin *w)
{
	struct ioas_run runs[64];
	uint64_t iova = twin_iova(w), hole = twin_hole(w, iova);
	uint64_t page = (uint64_t)1 << w->page_lg2, pages;
	struct ioas_domain_cursor flat_cursor = { { 0 } };
	struct ioas_domain_cursor table_cursor = { { 0 } };
	struct ioas_map_request rq = {
		.iova = iova, .runs = runs,
		.page_lg2 = (uint8_t)w->page_lg2, .prot = RW,
		.cursor = &table_cursor,
	};
	int ret;

	if (!hole)
		return;
	rq.head = (uint32_t)(rng_below(&w->seed, page / w->granule) *
			     w->granule);
	rq.length = (1 + rng_below(&w->seed, rng_below(&w->seed, 2) ? 16 :
				   w->nr_granules)) * w->granule;
	if (rq.length > hole)
		rq.length = hole;
	if (rng_below(&w->seed, 4) == 0)
		rq.max_leaf = page;
	if (rng_below(&w->seed, 2))
		rq.head = (uint32_t)(iova & (page - 1));
	pages = (rq.head + rq.length + page - 1) >> w->page_lg2;
	rq.nr_runs = twin_runs(w, runs, pages, iova >> w->page_lg2 & 1023);
	ret = w->table->ops->map(w->table, &rq);
	rq.cursor = &flat_cursor;
	if (ret || w->flat->ops->map(w->flat, &rq))
		twin_fail(w, "map fails", iova);
	twin_compare(w, iova, iova + rq.length - 1);
}

/* A stretch of whole runs without a gap; false if there is none at @iova. */
static bool twin_stretch(struct twin *w, uint64_t iova, uint64_t *first,
			 uint64_t *last)
{
	uint64_t n = 1 + rng_below(&w->seed, rng_below(&w->seed, 2) ? 4 : 500);
	struct ioas_flat_run run;

	if (!ioas_flat_domain_next(w->flat, iova, &run))
		return false;
	*first = run.iova;
	do {
		*last = run.last;
	} while (--n && ioas_flat_domain_find(w->flat, *last + 1, &run));
	return true;
}

static void twin_unmap(struct twin *w)
{
	struct taker a = { .sink.add = taker_add }, b;
	struct ioas_unmap_request rq = { 0 };
	uint64_t first, last, gone;

	if (!twin_stretch(w, twin_iova(w), &first, &last))
		return;
	a.capacity = 1 + (unsigned int)rng_below(&w->seed, 5);
	if (rng_below(&w->seed, 2))
		a.capacity = MAX_TAKEN;
	b = a;
	rq.iova = first;
	rq.last = rq.want_last = last;
	if (rng_below(&w->seed, 4)) {
		rq.sink = &a.sink;
		rq.want_last = first + rng_below(&w->seed, last - first + 1);
	}
	gone = w->table->ops->unmap(w->table, &rq);
	rq.sink = rq.sink ? &b.sink : NULL;
	if (gone != w->flat->ops->unmap(w->flat, &rq))
		twin_fail(w, "unmap differs", first);
	if (a.nr != b.nr || memcmp(a.piece, b.piece,
				   a.nr * sizeof(a.piece[0])))
		twin_fail(w, "frames differ", first);
	if (gone < rq.want_last && a.nr != a.capacity)
		twin_fail(w, "unmap stopped early", first);
	if (rng_below(&w->seed, 2)) {
		w->table->ops->sync(w->table);
		w->flat->ops->sync(w->flat);
	}
	twin_compare(w, first, last);
}

/* Read a range as runs from both; cut by each in its own way. */
static void twin_read(struct twin *w)
{
	struct ioas_domain_cursor cursor = { { 0 } };
	uint64_t first, last, at, addr, length, other, other_length;

	if (!twin_stretch(w, twin_iova(w), &first, &last))
		return;
	first += rng_below(&w->seed, last - first + 1);
	for (at = first; at <= last; at += length) {
		if (w->table->ops->translate_run(w->table, at, last, &cursor,
						 &addr, &length) ||
		    w->flat->ops->translate_run(w->flat, at, last, NULL,
						&other, &other_length))
			twin_fail(w, "nothing there", at);
		if (addr != other || length > last - at + 1 || !length)
			twin_fail(w, "run differs", at);
		/* Both domains answer in full here. */
		if (length != other_length)
			twin_fail(w, "length of run differs", at);
		if (length == last - at + 1)
			break;
	}
}

static void twin_dirty(struct twin *w)
{
	struct marker a = { .sink.mark = marker_mark }, b = a;
	uint64_t first = twin_iova(w) + w->granule / 2;
	uint64_t last = first + rng_below(&w->seed, 64 * w->granule);
	unsigned int flags = rng_below(&w->seed, 2) ? IOAS_DIRTY_NO_CLEAR : 0;

	if (last >= w->first + w->nr_granules * w->granule)
		last = w->first + w->nr_granules * w->granule - 1;
	ioas_table_domain_mark_dirty(w->table, first, first + 2 * w->granule);
	assert_int_equal(ioas_flat_domain_mark_dirty(
		w->flat, first, first + 2 * w->granule), 0);
	if (!w->exact_dirty)
		return;
	w->table->ops->read_and_clear_dirty(w->table, first, last, flags,
					    &a.sink);
	w->flat->ops->read_and_clear_dirty(w->flat, first, last, flags,
					   &b.sink);
	if (a.nr != b.nr ||
	    memcmp(a.mark, b.mark, a.nr * sizeof(a.mark[0])))
		twin_fail(w, "dirty state differs", first);
}

static void twin_run(uint64_t pgsizes, unsigned int page_lg2, uint64_t first,
		     uint64_t nr_granules, unsigned int steps, uint64_t seed)
{
	uint64_t granule = pgsizes & -pgsizes;
	uint64_t last = first + (nr_granules * granule - 1);
	struct twin w = {
		.table = table_new(pgsizes, first, last),
		.flat = flat_new(pgsizes, first, last, IOAS_FLAT_FULL),
		.granule = granule, .first = first,
		.nr_granules = nr_granules, .page_lg2 = page_lg2,
		.exact_dirty = pgsizes == granule,
		.seed = seed, .start_seed = seed,
	};

	w.table->ops->set_dirty_tracking(w.table, true);
	w.flat->ops->set_dirty_tracking(w.flat, true);
	for (; w.step < steps; w.step++) {
		switch (rng_below(&w.seed, 8)) {
		case 0: case 1: case 2:
			twin_map(&w);
			break;
		case 3: case 4: case 5:
			twin_unmap(&w);
			break;
		case 6:
			twin_read(&w);
			break;
		default:
			twin_dirty(&w);
			break;
		}
		if (w.step % 512)
			continue;
		twin_compare(&w, first, last);
		if (!ioas_table_domain_validate(w.table) ||
		    !ioas_flat_domain_validate(w.flat))
			twin_fail(&w, "invalid", 0);
	}
	w.table->ops->destroy(w.table);
	w.flat->ops->destroy(w.flat);
}

static void table_and_flat_agree(void **state)
{
	static const struct {
		uint64_t pgsizes;
		unsigned int page_lg2;
		uint64_t first;
		uint64_t nr_granules;
	} worlds[] = {
		{ 0x200, 9, 0, 1600 },
		{ 0x200, 12, 0, 1100 },
		{ 0x1000, 12, UINT64_C(0) - 0x1000 * 700, 700 },
		{ UINT64_C(0x3FFFFFF800), 12, 0x1000000, 2000 },
		{ 0x40200, 9, 0, 3000 },
		{ 0x201000, 12, 0, 2600 },
		{ 0x10000, 16, 0, 600 },
		{ ~UINT64_C(511), 12, UINT64_C(0) - 512 * 4096, 4096 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(worlds) / sizeof(worlds[0]); i++)
		twin_run(worlds[i].pgsizes, worlds[i].page_lg2,
			 worlds[i].first, worlds[i].nr_granules, 30000,
			 1000 + i);
}

/* ---- contract ----------------------------------------------------------- */

static struct ioas_domain *make_table(void)
{
	return table_new(0x1000, 0, 0xffffffff);
}

static struct ioas_domain *make_flat(void)
{
	return flat_new(0x1000, 0, 0xffffffff, IOAS_FLAT_FULL);
}

static struct ioas_domain *(*const makers[])(void) = { make_table, make_flat };

static const struct ioas_run five[] = { { 10, 1 }, { 11, 1 }, { 20, 2 },
					{ 30, 1 } };

static int map_five(struct ioas_domain *d)
{
	const struct ioas_map_request rq = {
		.iova = 0x8000, .runs = five, .nr_runs = 4, .page_lg2 = 12,
		.length = 5 * 4096, .prot = RW,
	};

	return d->ops->map(d, &rq);
}

static void a_sink_with_one_place_gets_one_run_at_a_time(void **state)
{
	static const uint64_t ends[] = { 0x9fff, 0xbfff, 0xcfff };

	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct ioas_domain *d = makers[m]();
		uint64_t at = 0x8000, addr, length;

		assert_int_equal(map_five(d), 0);
		for (size_t i = 0; i < 3; i++) {
			struct taker t = { .sink.add = taker_add,
					   .capacity = 1 };
			const struct ioas_unmap_request rq = {
				.iova = at, .want_last = 0xcfff,
				.last = 0xcfff, .sink = &t.sink,
			};

			assert_int_equal(d->ops->unmap(d, &rq), ends[i]);
			assert_int_equal(t.piece[0].length, ends[i] + 1 - at);
			at = ends[i] + 1;
			assert_int_equal(d->ops->translate_run(
				d, at, at, NULL, &addr, &length),
				i < 2 ? 0 : -ENOENT);
		}
		d->ops->sync(d);
		d->ops->destroy(d);
	}
}

struct fault_arg {
	struct ioas_domain *d;
};

static int fault_map(void *arg)
{
	return map_five(((struct fault_arg *)arg)->d);
}

static void map_that_fails_at_any_point_maps_nothing(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		uint64_t nth = 0;
		bool failed;

		do {
			struct fault_arg f = { makers[m]() };
			uint64_t addr, length;
			int ret;

			failed = fault_run(++nth, fault_map, &f, &ret);
			assert_int_equal(ret, failed ? -ENOMEM : 0);
			for (uint64_t at = 0x7000; at < 0xe000; at += 0x1000) {
				bool in = at >= 0x8000 && at < 0xd000;

				ret = f.d->ops->translate_run(
					f.d, at, at, NULL, &addr, &length);
				assert_int_equal(ret, in && !failed ?
							 0 : -ENOENT);
			}
			if (failed)
				assert_int_equal(map_five(f.d), 0);
			f.d->ops->destroy(f.d);
		} while (failed);
		/* Four runs and some memory. */
		assert_in_range(nth, 6, 10);
	}
}

struct create_arg {
	bool flat;
};

static int fault_create(void *arg)
{
	static const struct ioas_table_options table = {
		.pt = { .pgsizes = 0x1000, .last = 0xffff },
	};
	static const struct ioas_flat_options flat = { .pgsizes = 1,
						       .last = 7 };
	struct ioas_domain *d = NULL;
	int ret = ((struct create_arg *)arg)->flat ?
			  ioas_flat_domain_create(&flat, &d) :
			  ioas_table_domain_create(&table, &d);

	if (d)
		d->ops->destroy(d);
	return ret;
}

static void create_fails_cleanly_at_any_point(void **state)
{
	static const uint64_t nr_points[] = { 3, 1 };

	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct create_arg arg = { m == 1 };
		uint64_t nth = 1;
		int ret;

		for (; fault_run(nth, fault_create, &arg, &ret); nth++)
			assert_int_equal(ret, -ENOMEM);
		assert_int_equal(ret, 0);
		assert_int_equal(nth, nr_points[m] + 1);
	}
}

static void dirty_tracking_is_offered_only_if_asked_for(void **state)
{
	const struct ioas_table_options table = {
		.pt = { .pgsizes = 0x1000, .last = 0xffff },
	};
	const struct ioas_flat_options flat = { .pgsizes = 1, .last = 7 };
	struct ioas_domain *d = NULL;

	(void)state;
	assert_int_equal(ioas_table_domain_create(&table, &d), 0);
	assert_null(d->ops->read_and_clear_dirty);
	assert_null(d->ops->set_dirty_tracking);
	assert_int_equal(ioas_domain_granule(d), 0x1000);
	d->ops->destroy(d);
	assert_int_equal(ioas_flat_domain_create(&flat, &d), 0);
	assert_null(d->ops->read_and_clear_dirty);
	assert_null(ioas_table_domain_pt(d));
	d->ops->destroy(d);
}

static void devices_mark_only_while_tracking_is_on(void **state)
{
	struct ioas_domain *d = make_table();
	struct marker m = { .sink.mark = marker_mark };

	(void)state;
	assert_int_equal(map_five(d), 0);
	ioas_table_domain_mark_dirty(d, 0x8000, 0x8000);
	d->ops->set_dirty_tracking(d, true);
	assert_true(ioas_table_domain_tracks_dirty(d));
	ioas_table_domain_mark_dirty(d, 0x9fff, 0xa000);
	d->ops->read_and_clear_dirty(d, 0, 0xffffffff, 0, &m.sink);
	assert_int_equal(m.nr, 1);
	assert_int_equal(m.mark[0].first, 0x9000);
	assert_int_equal(m.mark[0].last, 0xafff);
	d->ops->set_dirty_tracking(d, false);
	assert_false(ioas_table_domain_tracks_dirty(d));
	d->ops->destroy(d);
}

static void split_lets_an_unmap_end_there(void **state)
{
	struct ioas_domain *d = table_new(0x201000, 0, 0xffffffff);
	const struct ioas_run run = { 512, 512 };
	const struct ioas_map_request rq = {
		.iova = 0x200000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 0x200000, .prot = RW,
	};
	const struct ioas_unmap_request cut = {
		.iova = 0x200000, .want_last = 0x204fff, .last = 0x204fff,
	};

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	/* Without: it would end inside a leaf. */
	assert_breach(d->ops->unmap(d, &cut));
	d->ops->destroy(d);

	d = table_new(0x201000, 0, 0xffffffff);
	assert_int_equal(d->ops->map(d, &rq), 0);
	assert_int_equal(d->ops->split(d, 0x205000), 0);
	assert_int_equal(d->ops->unmap(d, &cut), 0x204fff);
	assert_true(ioas_table_domain_validate(d));
	d->ops->destroy(d);
}

static void table_notices_an_unmap_inside_a_leaf(void **state)
{
	static const uint64_t ranges[][2] = { { 0x2000, 0x2fff },
					      { 0x3000, 0x3fff } };
	const struct ioas_run run = { 2, 2 };
	const struct ioas_map_request rq = {
		.iova = 0x2000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 0x2000, .prot = RW,
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct ioas_domain *d = table_new(0x3000, 0, 0xffffffff);
		struct taker t = { .sink.add = taker_add,
				   .capacity = MAX_TAKEN };
		const struct ioas_unmap_request cut = {
			.iova = ranges[i & 1][0],
			.want_last = ranges[i & 1][1],
			.last = ranges[i & 1][1],
			.sink = i < 2 ? &t.sink : NULL,
		};

		assert_int_equal(d->ops->map(d, &rq), 0);
		assert_breach(d->ops->unmap(d, &cut));
		d->ops->destroy(d);
	}
}

static void table_errors_are_those_of_the_contract(void **state)
{
	struct ioas_domain *d = make_table();
	struct ioas_run run = { 1, 1 };
	struct ioas_map_request rq = {
		.iova = 0x1000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 4096, .prot = RW,
	};

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	assert_int_equal(d->ops->map(d, &rq), -EADDRINUSE);
	rq.prot = 0;
	assert_int_equal(d->ops->map(d, &rq), -EINVAL);
	rq.prot = RW;
	rq.iova = UINT64_C(0x100000000);
	assert_int_equal(d->ops->map(d, &rq), -ERANGE);
	rq.iova = ~UINT64_C(4095);
	rq.length = 8192;
	run.nr = 2;
	assert_int_equal(d->ops->map(d, &rq), -ERANGE);
	d->ops->destroy(d);
}

/* ---- the flat domain's own ---------------------------------------------- */

static void pages_of_eight_bytes_work(void **state)
{
	struct ioas_domain *d = flat_new(1, 0, 255, IOAS_FLAT_FULL);
	const struct ioas_run runs[] = { { 4, 2 }, { 9, 1 } };
	const struct ioas_map_request rq = {
		.iova = 3, .runs = runs, .nr_runs = 2, .page_lg2 = 3,
		.head = 5, .length = 15, .prot = RW,
	};
	uint64_t addr, length;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	for (uint64_t i = 0; i < 15; i++) {
		uint64_t want = i < 11 ? 37 + i : 72 + i - 11;

		assert_int_equal(d->ops->translate_run(d, 3 + i, 255, NULL,
						       &addr, &length), 0);
		assert_int_equal(addr, want);
		assert_int_equal(length, i < 11 ? 11 - i : 15 - i);
	}
	assert_int_equal(d->ops->translate_run(d, 18, 18, NULL, &addr,
					       &length), -ENOENT);
	assert_int_equal(d->ops->translate_run(d, 2, 2, NULL, &addr, &length),
			 -ENOENT);
	d->ops->destroy(d);
}

static void short_answers_end_with_the_page(void **state)
{
	struct ioas_domain *d = flat_new(0x800, 0, 0xffff, IOAS_FLAT_SHORT);
	const struct ioas_run run = { 4, 3 };
	const struct ioas_map_request rq = {
		.iova = 0x800, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.head = 0x800, .length = 0x2000, .prot = RW,
	};
	uint64_t addr, length;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	assert_int_equal(d->ops->translate_run(d, 0x801, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(addr, 0x4801);
	assert_int_equal(length, 0x7ff);
	assert_int_equal(d->ops->translate_run(d, 0x1000, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(length, 0x1000);
	assert_int_equal(d->ops->translate_run(d, 0x2000, 0xffff, NULL, &addr,
					       &length), 0);
	assert_int_equal(length, 0x800);
	d->ops->destroy(d);
}

static void small_pages_are_map_calls_of_their_own(void **state)
{
	struct ioas_domain *d = flat_new(0x800, 0, 0xffff, IOAS_FLAT_FULL);
	const struct ioas_run run = { 4, 3 };
	struct ioas_map_request rq = {
		.iova = 0x800, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.head = 0x800, .length = 0x2000, .prot = RW,
		.max_leaf = 0x1000,
	};
	static const uint64_t starts[] = { 0x800, 0x1000, 0x2000 };
	struct ioas_flat_stats stats;
	struct ioas_flat_run r;

	(void)state;
	assert_int_equal(d->ops->map(d, &rq), 0);
	ioas_flat_domain_stats(d, &stats);
	assert_int_equal(stats.runs, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(ioas_flat_domain_find(d, starts[i], &r));
		assert_int_equal(r.iova, starts[i]);
		assert_int_equal(r.id, i + 1);
	}
	assert_false(ioas_flat_domain_find(d, 0x2800, &r));
	d->ops->destroy(d);
}

static void frames_are_within_reach_until_the_sync(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0x9fff, .last = 0x9fff,
	};
	struct ioas_flat_stats stats;

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_true(ioas_flat_domain_reaches(d, 10 << 12, 10 << 12));
	assert_false(ioas_flat_domain_reaches(d, 12 << 12, (20 << 12) - 1));
	d->ops->unmap(d, &rq);
	ioas_flat_domain_stats(d, &stats);
	assert_int_equal(stats.unsynced, 2);
	assert_int_equal(stats.entries, 2);
	assert_true(ioas_flat_domain_reaches(d, (11 << 12) + 5, 12 << 12));
	d->ops->sync(d);
	assert_false(ioas_flat_domain_reaches(d, 10 << 12, 12 << 12));
	assert_true(ioas_flat_domain_reaches(d, 21 << 12, 21 << 12));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->destroy(d);
}

static void dirty_granules_go_with_their_mapping(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request rq = {
		.iova = 0xa000, .want_last = 0xbfff, .last = 0xbfff,
	};

	(void)state;
	d->ops->set_dirty_tracking(d, true);
	assert_true(ioas_flat_domain_tracks_dirty(d));
	assert_int_equal(map_five(d), 0);
	assert_int_equal(ioas_flat_domain_mark_dirty(d, 0x9800, 0xfffff), 0);
	assert_false(ioas_flat_domain_is_dirty(d, 0x8000));
	assert_true(ioas_flat_domain_is_dirty(d, 0x9000));
	assert_true(ioas_flat_domain_is_dirty(d, 0xbfff));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->unmap(d, &rq);
	assert_false(ioas_flat_domain_is_dirty(d, 0xa000));
	assert_true(ioas_flat_domain_is_dirty(d, 0xc000));
	assert_true(ioas_flat_domain_validate(d));
	d->ops->destroy(d);
}

/* ---- breaches ----------------------------------------------------------- */

static uint64_t unmap_range(struct ioas_domain *d, uint64_t iova,
			    uint64_t last)
{
	const struct ioas_unmap_request rq = {
		.iova = iova, .want_last = last, .last = last,
	};

	return d->ops->unmap(d, &rq);
}

static void flat_notices_wrong_unmaps(void **state)
{
	struct ioas_domain *d = make_flat();
	const struct ioas_unmap_request open_end = {
		.iova = 0x8000, .want_last = 0x8fff, .last = 0x9fff,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	/* Inside the run [0xa000, 0xbfff], both ends; gaps; nothing at all. */
	assert_breach(unmap_range(d, 0x8000, 0xafff));
	assert_breach(unmap_range(d, 0xb000, 0xcfff));
	assert_breach(unmap_range(d, 0x7000, 0xcfff));
	assert_breach(unmap_range(d, 0x8000, 0xdfff));
	assert_breach(unmap_range(d, 0x100000, 0x100fff));
	assert_breach(unmap_range(d, 0x9000, 0x8fff));
	assert_breach(d->ops->unmap(d, &open_end));
	assert_int_equal(unmap_range(d, 0x8000, 0xcfff), 0xcfff);
	d->ops->destroy(d);
}

static int map_one(struct ioas_domain *d, uint64_t iova, uint64_t pfn,
		   uint64_t nr, uint64_t length)
{
	const struct ioas_run run = { pfn, nr };
	const struct ioas_map_request rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = length, .prot = RW,
	};

	return d->ops->map(d, &rq);
}

static void flat_notices_wrong_maps(void **state)
{
	struct ioas_domain *d = make_flat();
	struct ioas_domain_cursor cursor = { { 1 } };
	const struct ioas_run run = { 1, 1 };
	const struct ioas_map_request strange = {
		.iova = 0x1000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = 4096, .prot = RW, .cursor = &cursor,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(map_one(d, 0xc000, 1, 1, 4096));
	assert_breach(map_one(d, 0x7000, 1, 2, 8192));
	assert_breach(map_one(d, 0x1800, 1, 1, 4096));
	assert_breach(map_one(d, 0x1000, 1, 1, 2048));
	assert_breach(map_one(d, 0x1000, 1, 2, 4096));
	assert_breach(map_one(d, 0x1000, 1, 1, 8192));
	assert_breach(map_one(d, 0x1000, UINT64_MAX, 1, 4096));
	assert_breach(map_one(d, 0xfffff000, 1, 2, 8192));
	assert_breach(map_one(d, 0x1000, 1, 0, 0));
	assert_breach(d->ops->map(d, &strange));
	d->ops->destroy(d);
}

struct meddler {
	struct ioas_unmap_sink sink;
	struct ioas_domain *d;
	bool refuse;
	unsigned int nr;
};

static bool meddler_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			uint64_t addr, uint64_t length)
{
	struct meddler *m = (struct meddler *)sink;
	uint64_t a, l;

	(void)addr;
	(void)length;
	m->nr++;
	if (m->refuse)
		return m->nr == 1;
	m->d->ops->translate_run(m->d, iova, iova, NULL, &a, &l);
	return true;
}

static void flat_notices_a_refused_continuation(void **state)
{
	struct ioas_domain *d = make_flat();
	struct meddler m = { { meddler_add }, d, true, 0 };
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0xcfff, .last = 0xcfff,
		.sink = &m.sink,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(d->ops->unmap(d, &rq));
	d->ops->destroy(d);
}

static void flat_notices_overlap_in_time(void **state)
{
	struct ioas_domain *d = make_flat();
	struct meddler m = { { meddler_add }, d, false, 0 };
	const struct ioas_unmap_request rq = {
		.iova = 0x8000, .want_last = 0xcfff, .last = 0xcfff,
		.sink = &m.sink,
	};

	(void)state;
	assert_int_equal(map_five(d), 0);
	assert_breach(d->ops->unmap(d, &rq));
	d->ops->destroy(d);
}

static bool refuse_all(struct ioas_unmap_sink *sink, ioas_iova_t iova,
		       uint64_t addr, uint64_t length)
{
	(void)sink;
	(void)iova;
	(void)addr;
	(void)length;
	return false;
}

/* A sink that takes nothing breaks its promise; the unmap ends all the same. */
static void a_sink_that_takes_nothing_does_not_hang(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct ioas_domain *d = makers[m]();
		struct ioas_unmap_sink sink = { refuse_all };
		const struct ioas_unmap_request rq = {
			.iova = 0xa000, .want_last = 0xcfff, .last = 0xcfff,
			.sink = &sink,
		};
		uint64_t gone = 0;

		assert_int_equal(map_five(d), 0);
		assert_breach(gone = d->ops->unmap(d, &rq));
		assert_int_equal(gone, 0xbfff);
		d->ops->destroy(d);
	}
}

static void a_hundred_thousand_runs_are_no_trouble(void **state)
{
	enum { N = 100000 };
	struct ioas_domain *d = flat_new(0x1000, 0, UINT64_MAX,
					 IOAS_FLAT_FULL);
	struct ioas_flat_run run;
	uint64_t addr, length;

	(void)state;
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(map_one(d, i * 8192, i, 1, 4096), 0);
	for (uint64_t i = 0; i < N; i += 7) {
		assert_int_equal(d->ops->translate_run(d, i * 8192 + 1,
						       UINT64_MAX, NULL, &addr,
						       &length), 0);
		assert_int_equal(addr, i * 4096 + 1);
	}
	assert_true(ioas_flat_domain_validate(d));
	for (uint64_t i = 0; i < N; i++)
		unmap_range(d, i * 8192, i * 8192 + 4095);
	assert_false(ioas_flat_domain_next(d, 0, &run));
	d->ops->destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_and_flat_agree),
		cmocka_unit_test(a_sink_with_one_place_gets_one_run_at_a_time),
		cmocka_unit_test(map_that_fails_at_any_point_maps_nothing),
		cmocka_unit_test(create_fails_cleanly_at_any_point),
		cmocka_unit_test(dirty_tracking_is_offered_only_if_asked_for),
		cmocka_unit_test(devices_mark_only_while_tracking_is_on),
		cmocka_unit_test(split_lets_an_unmap_end_there),
		cmocka_unit_test(table_notices_an_unmap_inside_a_leaf),
		cmocka_unit_test(table_errors_are_those_of_the_contract),
		cmocka_unit_test(pages_of_eight_bytes_work),
		cmocka_unit_test(short_answers_end_with_the_page),
		cmocka_unit_test(small_pages_are_map_calls_of_their_own),
		cmocka_unit_test(frames_are_within_reach_until_the_sync),
		cmocka_unit_test(dirty_granules_go_with_their_mapping),
		cmocka_unit_test(flat_notices_wrong_unmaps),
		cmocka_unit_test(flat_notices_wrong_maps),
		cmocka_unit_test(flat_notices_a_refused_continuation),
		cmocka_unit_test(flat_notices_overlap_in_time),
		cmocka_unit_test(a_sink_that_takes_nothing_does_not_hang),
		cmocka_unit_test(a_hundred_thousand_runs_are_no_trouble),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
