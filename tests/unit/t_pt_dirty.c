/* SPDX-License-Identifier: MIT */
/*
 * t_pt_dirty: dirty state in every format that keeps it (page-tables 4.5, 8)
 *
 * What a device does is done by ioas_pt_soil() to the item that a lookup finds;
 * what became of it is read from the words.
 */
#include "pt_each_test.h"

#include <stdlib.h>
#include <string.h>

#define EACH_TRACKED(name)                                                 \
	static void name(void **state)                                     \
	{                                                                  \
		(void)state;                                               \
		for (unsigned int i = 0; i < kit_nr_formats; i++) {        \
			struct kit *k;                                     \
									   \
			if (!kit_tracks(&kit_formats[i]))                  \
				continue;                                  \
			k = kit_new(&kit_formats[i], NULL);                \
			name##_of(k);                                      \
			kit_check(k);                                      \
			kit_free(k);                                       \
		}                                                          \
	}

static bool is_arm(const struct kit *k)
{
	return k->f->walker == WALKER_ARM64_S1 ||
	       k->f->walker == WALKER_ARM64_S2;
}

/* The bit that a device changes, and whether set means dirty (section 8). */
static uint64_t dirty_bit(const struct kit *k, bool *set)
{
	*set = k->f->walker != WALKER_ARM64_S1;
	switch (k->f->walker) {
	case WALKER_AMDV1:
	case WALKER_X86_64:
		return 1 << 6;
	case WALKER_VTDSS:
		return 1 << 9;
	case WALKER_MOCK:
		return 1 << 3;
	default:
		return 1 << 7;
	}
}

/* @word as it is when the item is dirty, or clean. */
static uint64_t word_as(const struct kit *k, uint64_t word, bool dirty)
{
	bool set;
	uint64_t bit = dirty_bit(k, &set);

	return dirty == set ? word | bit : word & ~bit;
}

/* Bits of a leaf that hardware or software may have set besides. */
static uint64_t other_bits(const struct kit *k)
{
	switch (k->f->walker) {
	case WALKER_AMDV1:
		return 1 << 5 | 1 << 1; /* A, ignored */
	case WALKER_VTDSS:
		return 1 << 8 | 1 << 10; /* A, software */
	case WALKER_X86_64:
		return 1 << 11;
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return 3 << 8;
	case WALKER_MOCK:
		return 0;
	default:
		return UINT64_C(7) << 56;
	}
}

static struct ioas_pt_hit find(struct kit *k, uint64_t iova)
{
	struct ioas_pt_hit hit;

	assert_int_equal(ioas_pt_lookup(k->pt, iova, &hit), 0);
	return hit;
}

static void device_writes(struct kit *k, uint64_t iova)
{
	struct ioas_pt_hit hit = find(k, iova);

	assert_true(ioas_pt_soil(k->pt, &hit));
}

struct marks {
	unsigned int nr;
	struct {
		uint64_t first;
		uint64_t last;
	} mark[64];
};

static void mark_add(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	struct marks *m = ctx;

	assert_true(m->nr < 64 && iova <= last);
	m->mark[m->nr].first = iova;
	m->mark[m->nr++].last = last;
}

static struct marks read_marks(struct kit *k, uint64_t iova, uint64_t last,
			       bool clear)
{
	struct marks m = { 0 };

	assert_int_equal(ioas_pt_read_dirty(k->pt, iova, last, clear, mark_add,
					    &m), 0);
	return m;
}

/* Exactly [@first, @last] is reported. */
static void reads(struct kit *k, uint64_t iova, uint64_t last, bool clear,
		  uint64_t first_dirty, uint64_t last_dirty)
{
	struct marks m = read_marks(k, iova, last, clear);

	if (m.nr != 1 || m.mark[0].first != first_dirty ||
	    m.mark[0].last != last_dirty)
		fail_msg("%s: %u reports, [%llx, %llx], not [%llx, %llx]",
			 k->f->name, m.nr,
			 (unsigned long long)m.mark[0].first,
			 (unsigned long long)m.mark[0].last,
			 (unsigned long long)first_dirty,
			 (unsigned long long)last_dirty);
}

static void reads_nothing(struct kit *k, uint64_t iova, uint64_t last)
{
	assert_int_equal(read_marks(k, iova, last, false).nr, 0);
}

/* Map, and begin from a known state. */
static void mapped_clean(struct kit *k, uint64_t iova, uint64_t oa,
			 uint64_t length)
{
	kit_mapped(k, iova, oa, length);
	read_marks(k, iova, iova + (length - 1), true);
	kit_forget(k);
}

/* ---- who has it --------------------------------------------------------- */

static void formats_without_it_say_so(void **state)
{
	unsigned int nr = 0;

	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i], NULL);
		struct marks m = { 0 };
		struct ioas_pt_hit hit;

		kit_mapped(k, 0, 0, granule_of(k));
		assert_int_equal(ioas_pt_tracks_dirty(k->pt),
				 kit_tracks(k->f));
		if (!kit_tracks(k->f)) {
			ioas_pt_mark_dirty(k->pt, 0, UINT64_MAX);
			assert_int_equal(ioas_pt_read_dirty(k->pt, 0, 1, true,
							    mark_add, &m),
					 -EOPNOTSUPP);
			assert_int_equal(m.nr, 0);
			assert_false(kit_dirty(k->pt, 0));
			/* Nothing has to be done before a write. */
			hit = find(k, 0);
			assert_true(hit.dirty);
			nr++;
		}
		kit_free(k);
	}
	assert_true(nr > 4);
}

/* Arm begins as dirty (8.3.5), the others as clean. */
static void a_new_leaf_is_as_its_format_says_of(struct kit *k)
{
	kit_mapped(k, 0, 0, granule_of(k));
	assert_int_equal(kit_dirty(k->pt, 0), is_arm(k));
	assert_int_equal(find(k, 0).dirty, is_arm(k));
}

EACH_TRACKED(a_new_leaf_is_as_its_format_says)

static void arm64_leaves_that_are_read_only_are_left_alone(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k;
		uint64_t word;

		if (!kit_tracks(&kit_formats[i]))
			continue;
		k = kit_new(&kit_formats[i], NULL);
		if (is_arm(k)) {
			assert_int_equal(kit_map(k, 0, 0, granule_of(k),
						 IOAS_PT_READ), 0);
			word = find(k, 0).word;
			ioas_pt_mark_dirty(k->pt, 0, 1);
			reads_nothing(k, 0, UINT64_MAX);
			read_marks(k, 0, UINT64_MAX, true);
			assert_true(find(k, 0).word == word);
		}
		kit_free(k);
	}
}

/* ---- a leaf of several items -------------------------------------------- */

/* Is every item as it was, but for dirty state of items in @dirty? */
static void check_words(struct kit *k, const uint64_t *items,
			const uint64_t *before, unsigned int nr,
			unsigned int dirty)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_true(item_load(&items[i]) ==
			    word_as(k, before[i], i == dirty));
}

/* The item @n of the leaf was used by a device that wrote. */
static void one_item(struct kit *k, unsigned int lg2, unsigned int n)
{
	unsigned int level = kit_level_of(k->f, lg2), nr = nr_items_of(k, lg2);
	uint64_t item_size = KIT_PGSIZE(kit_item_lg2(k->f, level));
	uint64_t size = KIT_PGSIZE(lg2), before[512];
	const uint64_t *items = find(k, size).item;

	for (unsigned int i = 0; i < nr; i++)
		before[i] = item_load(&items[i]);
	device_writes(k, size + n * item_size + 5);
	check_words(k, items, before, nr, n);
	assert_true(kit_dirty(k->pt, size));
	assert_true(kit_dirty(k->pt, 2 * size - 1));
	/* The full leaf (9.2), wherever the item stands. */
	reads(k, 0, UINT64_MAX, false, size, 2 * size - 1);
	reads(k, size, 2 * size - 1, true, size, 2 * size - 1);
	check_words(k, items, before, nr, nr);
	reads_nothing(k, 0, UINT64_MAX);
}

static void any_item_makes_the_leaf_dirty_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2);
		unsigned int nr;

		if (!fits(k, lg2))
			continue;
		nr = nr_items_of(k, lg2);
		mapped_clean(k, size, 0, size);
		for (unsigned int n = 0; n < nr; n = n ? 2 * n : 1) {
			one_item(k, lg2, n);
			one_item(k, lg2, nr - 1 - n);
		}
		kit_unmap(k, size, 2 * size - 1);
		ioas_pt_sync(k->pt);
	}
}

EACH_TRACKED(any_item_makes_the_leaf_dirty)

static void all_items_are_cleared_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), step, word;
		unsigned int nr;

		if (!fits(k, lg2))
			continue;
		nr = nr_items_of(k, lg2);
		step = size / nr;
		mapped_clean(k, size, 0, size);
		word = find(k, size).word;
		for (unsigned int n = 0; n < nr; n++)
			device_writes(k, size + n * step);
		reads(k, 0, UINT64_MAX, true, size, 2 * size - 1);
		for (unsigned int n = 0; n < nr; n++)
			assert_false(find(k, size + n * step).dirty);
		assert_true(find(k, size).word == word);
		kit_unmap(k, size, 2 * size - 1);
		ioas_pt_sync(k->pt);
	}
}

EACH_TRACKED(all_items_are_cleared)

/* ---- ranges ------------------------------------------------------------- */

static void the_intersection_is_reported_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), g = granule_of(k);

		if (!fits(k, lg2))
			continue;
		mapped_clean(k, size, 0, size);
		device_writes(k, size + size / 2);
		reads(k, size, size + g - 1, false, size, size + g - 1);
		reads(k, 2 * size - g, UINT64_MAX, false, 2 * size - g,
		      2 * size - 1);
		reads(k, 0, size, false, size, size);
		reads(k, size + 3, size + 5, false, size + 3, size + 5);
		reads_nothing(k, 0, size - 1);
		reads_nothing(k, 2 * size, UINT64_MAX);
		kit_unmap(k, size, 2 * size - 1);
		ioas_pt_sync(k->pt);
	}
}

EACH_TRACKED(the_intersection_is_reported)

/* The item that says so lies behind the range, or before it. */
static void an_item_outside_the_range_counts_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2), half = size + size / 2;

		if (!fits(k, lg2) || nr_items_of(k, lg2) < 2)
			continue;
		mapped_clean(k, size, 0, size);
		device_writes(k, 2 * size - 1);
		reads(k, size, half - 1, false, size, half - 1);
		reads(k, 0, half - 1, false, size, half - 1);
		reads(k, size, 2 * size - 1, true, size, 2 * size - 1);
		device_writes(k, size);
		reads(k, half, 2 * size - 1, false, half, 2 * size - 1);
		reads(k, half, UINT64_MAX, false, half, 2 * size - 1);
		kit_unmap(k, size, 2 * size - 1);
		ioas_pt_sync(k->pt);
	}
}

EACH_TRACKED(an_item_outside_the_range_counts)

/* What is known of the rest would be lost (9.6); the mock format does that. */
static void a_leaf_covered_in_part_stays_dirty_of(struct kit *k)
{
	bool mock = k->f->walker == WALKER_MOCK;

	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2);
		const struct { uint64_t first, last; } parts[] = {
			{ size, 2 * size - 2 }, { size + 1, 2 * size - 1 },
			{ size + size / 2, size + size / 2 },
			{ 0, size }, { 2 * size - 1, UINT64_MAX },
		};

		if (!fits(k, lg2))
			continue;
		mapped_clean(k, size, 0, size);
		for (unsigned int i = 0; i < 5; i++) {
			device_writes(k, size);
			kit_forget(k);
			assert_int_equal(read_marks(k, parts[i].first,
						    parts[i].last, true).nr,
					 1);
			assert_int_equal(kit_dirty(k->pt, size), !mock);
			assert_int_equal(kit_count(k, KIT_INVALIDATE), mock);
		}
		kit_unmap(k, size, 2 * size - 1);
		ioas_pt_sync(k->pt);
	}
}

EACH_TRACKED(a_leaf_covered_in_part_stays_dirty)

static void holes_and_empty_tables_are_skipped_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	struct marks m;

	mapped_clean(k, 3 * g, 0, g);
	mapped_clean(k, 8 * g, 0, g);
	mapped_clean(k, 2 * table + 5 * g, 0, g);
	kit_mapped(k, 4 * table, 0, g);
	kit_unmap(k, 4 * table, 4 * table + g - 1);
	device_writes(k, 8 * g);
	device_writes(k, 2 * table + 5 * g);
	m = read_marks(k, 0, UINT64_MAX, true);
	assert_int_equal(m.nr, 2);
	assert_true(m.mark[0].first == 8 * g && m.mark[0].last == 9 * g - 1);
	assert_true(m.mark[1].first == 2 * table + 5 * g &&
		    m.mark[1].last == 2 * table + 6 * g - 1);
	reads_nothing(k, 0, UINT64_MAX);
}

EACH_TRACKED(holes_and_empty_tables_are_skipped)

static void both_halves_are_read_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);
	struct marks m;

	if (!kit_signed(k->f))
		return;
	mapped_clean(k, last + 1 - g, 0, g);
	mapped_clean(k, ~last, 0, g);
	ioas_pt_mark_dirty(k->pt, 0, UINT64_MAX);
	m = read_marks(k, 0, UINT64_MAX, false);
	assert_int_equal(m.nr, 2);
	assert_true(m.mark[0].last == last && m.mark[1].first == ~last);
	reads(k, ~last, UINT64_MAX, true, ~last, ~last + g - 1);
	reads(k, 0, UINT64_MAX, true, last + 1 - g, last);
	reads_nothing(k, 0, UINT64_MAX);
}

EACH_TRACKED(both_halves_are_read)

static void adjacent_leaves_are_reported_as_one_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	struct marks m;

	mapped_clean(k, table - 4 * g, g, 8 * g);
	ioas_pt_mark_dirty(k->pt, table - 2 * g, table + g - 1);
	ioas_pt_mark_dirty(k->pt, table + 3 * g, table + 3 * g);
	m = read_marks(k, 0, UINT64_MAX, false);
	assert_int_equal(m.nr, 2);
	assert_true(m.mark[0].first == table - 2 * g &&
		    m.mark[0].last == table + g - 1);
	assert_true(m.mark[1].first == table + 3 * g);
}

EACH_TRACKED(adjacent_leaves_are_reported_as_one)

static void marks_are_for_what_is_mapped_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);

	mapped_clean(k, 5 * g, 0, g);
	mapped_clean(k, last + 1 - g, 0, g);
	ioas_pt_mark_dirty(k->pt, 0, 5 * g - 1);
	ioas_pt_mark_dirty(k->pt, 6 * g, last - g);
	reads_nothing(k, 0, UINT64_MAX);
	ioas_pt_mark_dirty(k->pt, 6 * g - 1, 6 * g);
	reads(k, 0, UINT64_MAX, true, 5 * g, 6 * g - 1);
	ioas_pt_mark_dirty(k->pt, last, UINT64_MAX);
	reads(k, 0, UINT64_MAX, true, last + 1 - g, last);
}

EACH_TRACKED(marks_are_for_what_is_mapped)

/* ---- what a clear touches ----------------------------------------------- */

static void reading_changes_no_word_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	char *before = malloc(k->used);

	assert_non_null(before);
	kit_mapped(k, g, 0, 40 * g);
	before = realloc(before, k->used);
	assert_non_null(before);
	ioas_pt_mark_dirty(k->pt, 5 * g, 30 * g);
	memcpy(before, k->memory, k->used);
	kit_forget(k);
	read_marks(k, 0, UINT64_MAX, false);
	assert_memory_equal(before, k->memory, k->used);
	assert_int_equal(k->nr_events, 0);
	free(before);
}

EACH_TRACKED(reading_changes_no_word)

/* And only of items that were dirty; accessed and software bits stay (9.7). */
static void clearing_changes_one_bit_of(struct kit *k)
{
	uint64_t g = granule_of(k), other = other_bits(k), word[8];
	uint64_t *items;

	mapped_clean(k, 8 * g, g, 8 * g);
	items = find(k, 8 * g).item;
	for (unsigned int i = 0; i < 8; i++) {
		item_fetch_or(&items[i], i & 2 ? other : 0);
		if (i & 1)
			device_writes(k, (8 + i) * g);
		word[i] = item_load(&items[i]);
	}
	assert_int_equal(read_marks(k, 0, UINT64_MAX, true).nr, 4);
	for (unsigned int i = 0; i < 8; i++) {
		assert_true(item_load(&items[i]) ==
			    word_as(k, word[i], false));
		if (!(i & 1))
			assert_true(item_load(&items[i]) == word[i]);
		item_fetch_clear(&items[i], other);
	}
}

EACH_TRACKED(clearing_changes_one_bit)

/* Clean items are not even written: who flushes sees only the others. */
static void clean_leaves_are_not_flushed_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	const uint64_t *items;

	mapped_clean(k, 8 * g, g, 8 * g);
	items = find(k, 8 * g).item;
	device_writes(k, 11 * g);
	kit_forget(k);
	read_marks(k, 0, UINT64_MAX, true);
	assert_int_equal(kit_count(k, KIT_FLUSH), 1);
	assert_ptr_equal(k->event[0].items, items + 3);
	assert_int_equal(k->event[0].nr, 1);
}

EACH_TRACKED(clean_leaves_are_not_flushed)

static void what_was_cleared_is_invalidated_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = KIT_PGSIZE(kit_item_lg2(k->f, 1));

	mapped_clean(k, g, 2 * g, 8 * g);
	mapped_clean(k, table + g, 2 * g, 8 * g);
	read_marks(k, 0, UINT64_MAX, true);
	assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	ioas_pt_mark_dirty(k->pt, 3 * g, 3 * g);
	ioas_pt_mark_dirty(k->pt, table + 5 * g, table + 5 * g);
	kit_forget(k);
	read_marks(k, 0, UINT64_MAX, false);
	assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	/* Not mock: what is covered in part. */
	if (k->f->walker != WALKER_MOCK) {
		read_marks(k, 3 * g + 1, table + 5 * g, true);
		assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	}
	read_marks(k, 0, UINT64_MAX, true);
	kit_assert_invalidated(k, 3 * g, table + 6 * g - 1, false);
	assert_int_equal(kit_count(k, KIT_SYNC), 0);
}

EACH_TRACKED(what_was_cleared_is_invalidated)

/* ---- lock-free writers -------------------------------------------------- */

static void a_leaf_that_changed_is_not_soiled_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	struct ioas_pt_hit hit;

	mapped_clean(k, g, 0, g);
	hit = find(k, g);
	kit_unmap(k, g, 2 * g - 1);
	assert_false(ioas_pt_soil(k->pt, &hit));
	assert_int_equal(*hit.item, 0);
	mapped_clean(k, g, 2 * g, g);
	assert_false(ioas_pt_soil(k->pt, &hit));
	reads_nothing(k, 0, UINT64_MAX);
	hit = find(k, g);
	assert_true(ioas_pt_soil(k->pt, &hit));
	reads(k, 0, UINT64_MAX, true, g, 2 * g - 1);
}

EACH_TRACKED(a_leaf_that_changed_is_not_soiled)

/* ---- everything at random ----------------------------------------------- */

static size_t leaf_at(const struct kit_leaves *l, uint64_t iova)
{
	size_t i = 0;

	while (i < l->nr && iova - l->leaf[i].iova >=
				    KIT_PGSIZE(l->leaf[i].lg2))
		i++;
	return i;
}

/* The leaves that [@iova, @last] meets are dirty, and no byte besides. */
static void check_marks(const struct kit_leaves *l, const struct marks *m,
			uint64_t iova, uint64_t last)
{
	for (size_t i = 0; i < l->nr; i++) {
		uint64_t first = l->leaf[i].iova;
		uint64_t end = first + (KIT_PGSIZE(l->leaf[i].lg2) - 1);
		bool marked = false;

		if (end < iova || first > last)
			continue;
		first = first < iova ? iova : first;
		end = end > last ? last : end;
		for (unsigned int n = 0; n < m->nr; n++) {
			marked |= m->mark[n].first <= first &&
				  m->mark[n].last >= end;
			assert_true(m->mark[n].first >= iova &&
				    m->mark[n].last <= last);
		}
		assert_int_equal(marked, l->leaf[i].dirty);
	}
}

static void every_read_says_what_was_written_of(struct kit *k)
{
	struct prng rng = { 21 };
	struct kit_leaves l;

	for (int n = 0; n < 6; n++) {
		struct kit_request rq;

		kit_random(k->f, &rng, &rq);
		if (rq.length > 300 * granule_of(k))
			rq.length = 300 * granule_of(k);
		kit_map(k, rq.iova, rq.oa, rq.length, KIT_RW);
	}
	read_marks(k, 0, UINT64_MAX, true);
	kit_leaves(k->pt, &l);
	for (int n = 0; n < 100; n++) {
		size_t i = prng_below(&rng, l.nr), j = prng_below(&rng, l.nr);
		uint64_t iova = l.leaf[i].iova +
				prng_below(&rng, KIT_PGSIZE(l.leaf[i].lg2));
		uint64_t last = l.leaf[j].iova +
				prng_below(&rng, KIT_PGSIZE(l.leaf[j].lg2));
		struct marks m;

		if (n % 4) {
			device_writes(k, iova);
			l.leaf[leaf_at(&l, iova)].dirty = true;
			continue;
		}
		if (iova > last || prng_below(&rng, 3)) {
			iova = n % 3 ? l.leaf[i].iova : iova;
			last = iova + (KIT_PGSIZE(l.leaf[i].lg2) - 1);
		}
		if (last < iova)
			last = UINT64_MAX;
		m = read_marks(k, iova, last, n % 8);
		check_marks(&l, &m, iova, last);
		for (i = 0; i < l.nr && n % 8; i++) {
			uint64_t end = l.leaf[i].iova +
				       (KIT_PGSIZE(l.leaf[i].lg2) - 1);
			bool whole = l.leaf[i].iova >= iova && end <= last;
			bool some = l.leaf[i].iova <= last && end >= iova;

			if (k->f->walker == WALKER_MOCK ? some : whole)
				l.leaf[i].dirty = false;
		}
	}
	kit_leaves_free(&l);
	/* Devices wrote to the memory; now the mirror says the same. */
	read_marks(k, 0, UINT64_MAX, true);
}

EACH_TRACKED(every_read_says_what_was_written)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_without_it_say_so),
		cmocka_unit_test(a_new_leaf_is_as_its_format_says),
		cmocka_unit_test(
			arm64_leaves_that_are_read_only_are_left_alone),
		cmocka_unit_test(any_item_makes_the_leaf_dirty),
		cmocka_unit_test(all_items_are_cleared),
		cmocka_unit_test(the_intersection_is_reported),
		cmocka_unit_test(an_item_outside_the_range_counts),
		cmocka_unit_test(a_leaf_covered_in_part_stays_dirty),
		cmocka_unit_test(holes_and_empty_tables_are_skipped),
		cmocka_unit_test(both_halves_are_read),
		cmocka_unit_test(adjacent_leaves_are_reported_as_one),
		cmocka_unit_test(marks_are_for_what_is_mapped),
		cmocka_unit_test(reading_changes_no_word),
		cmocka_unit_test(clearing_changes_one_bit),
		cmocka_unit_test(clean_leaves_are_not_flushed),
		cmocka_unit_test(what_was_cleared_is_invalidated),
		cmocka_unit_test(a_leaf_that_changed_is_not_soiled),
		cmocka_unit_test(every_read_says_what_was_written),
	};

	return cmocka_run_group_tests_name("pt_dirty", tests, NULL, NULL);
}
