/* SPDX-License-Identifier: MIT */
/*
 * t_domain_twin: page tables of every kind against the flat domain
 *
 * Both get the same requests over a universe small enough to compare every
 * granule.
 */
#include "domain_kinds_test.h"

struct twin {
	const struct kind *kind;
	struct ioas_domain *table;
	struct ioas_domain *flat;
	uint64_t granule;
	uint64_t first;
	uint64_t nr_granules;
	unsigned int page_lg2;
	/* A leaf is a granule: dirty state is alike. */
	bool exact_dirty;
	/* Frames are below this. */
	uint64_t nr_frames;
	uint64_t seed;
	uint64_t start_seed;
	unsigned int step;
};

static void twin_fail(const struct twin *w, const char *what, uint64_t iova)
{
	fail_msg("%s: %s at %#llx: seed %llu step %u", w->kind->name, what,
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
		runs[nr].pfn = rng_below(&w->seed, w->nr_frames);
		if (style == 0)
			runs[nr].pfn = (runs[nr].pfn & ~UINT64_C(1023)) |
				       congruent;
		if (nr && rng_below(&w->seed, 3) == 0)
			runs[nr].pfn = runs[nr - 1].pfn + runs[nr - 1].nr;
		pages -= n;
	}
	return nr;
}

/* Where leaves are born dirty they become as clean as those of the twin. */
static void twin_wash(struct twin *w, uint64_t first, uint64_t last)
{
	struct marker m = { .sink.mark = marker_mark };

	if (!kind_born_dirty(w->kind, IOAS_PT_DIRTY))
		return;
	w->table->ops->read_and_clear_dirty(w->table, first, last, 0, &m.sink);
	if (m.nr != 1 || m.mark[0].first != first || m.mark[0].last != last)
		twin_fail(w, "not born dirty", first);
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
	twin_wash(w, iova, iova + rq.length - 1);
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
	/* What is read in part is a matter of taste. */
	uint64_t part = kind_clears_partial(w->kind) ? 0 : w->granule - 1;
	unsigned int flags = rng_below(&w->seed, 2) ? IOAS_DIRTY_NO_CLEAR : 0;

	if (last >= w->first + w->nr_granules * w->granule)
		last = w->first + w->nr_granules * w->granule - 1;
	ioas_table_domain_mark_dirty(w->table, first, first + 2 * w->granule);
	assert_int_equal(ioas_flat_domain_mark_dirty(
		w->flat, first, first + 2 * w->granule), 0);
	if (!w->exact_dirty)
		return;
	first &= ~part;
	last |= part;
	w->table->ops->read_and_clear_dirty(w->table, first, last, flags,
					    &a.sink);
	w->flat->ops->read_and_clear_dirty(w->flat, first, last, flags,
					   &b.sink);
	if (a.nr != b.nr ||
	    memcmp(a.mark, b.mark, a.nr * sizeof(a.mark[0])))
		twin_fail(w, "dirty state differs", first);
}

static void twin_step(struct twin *w)
{
	switch (rng_below(&w->seed, 8)) {
	case 0: case 1: case 2:
		twin_map(w);
		break;
	case 3: case 4: case 5:
		twin_unmap(w);
		break;
	case 6:
		twin_read(w);
		break;
	default:
		twin_dirty(w);
		break;
	}
}

static void twin_run(const struct kind *k, uint64_t pgsizes,
		     unsigned int page_lg2, uint64_t first,
		     uint64_t nr_granules, unsigned int steps, uint64_t seed)
{
	uint64_t granule = pgsizes & -pgsizes;
	uint64_t last = first + (nr_granules * granule - 1);
	struct twin w = {
		.kind = k,
		.table = kind_new(k, pgsizes, first, last),
		.flat = kind_new(kind_get(KIND_FLAT), pgsizes, first, last),
		.granule = granule, .first = first,
		.nr_granules = nr_granules, .page_lg2 = page_lg2,
		.exact_dirty = pgsizes == granule,
		.nr_frames = ioas_min((uint64_t)1 << 20,
				      kind_oa_last(k) >> page_lg2 >> 1),
		.seed = seed, .start_seed = seed,
	};

	w.table->ops->set_dirty_tracking(w.table, true);
	w.flat->ops->set_dirty_tracking(w.flat, true);
	for (; w.step < steps; w.step++) {
		twin_step(&w);
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

static void mock_and_flat_agree(void **state)
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
		twin_run(kind_get(KIND_MOCK), worlds[i].pgsizes,
			 worlds[i].page_lg2, worlds[i].first,
			 worlds[i].nr_granules, 30000, 1000 + i);
}

/*
 * Pages alone at the end of the aperture, and all sizes where it begins; pages
 * of the granule, and of four granules.
 */
static void hardware_and_flat_agree(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kinds_nr(); i++) {
		const struct kind *k = kind_get(i);
		const unsigned int lg2 = k->granule_lg2;
		const uint64_t sizes = kind_sizes(k, IOAS_PT_CONTIGUOUS);

		if (!kind_is_hardware(k))
			continue;
		twin_run(k, sizes & -sizes, lg2,
			 kind_last(k) - ((UINT64_C(700) << lg2) - 1), 700,
			 1500, 2000 + i);
		twin_run(k, sizes & -sizes, lg2 + 2, 0, 900, 1000, 3000 + i);
		twin_run(k, sizes, lg2, 0, 2600, 1500, 4000 + i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mock_and_flat_agree),
		cmocka_unit_test(hardware_and_flat_agree),
	};

	return cmocka_run_group_tests_name("domain_twin", tests, NULL, NULL);
}
