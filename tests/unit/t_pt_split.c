/* SPDX-License-Identifier: MIT */
/*
 * t_pt_split: leaves are cut, and made one (page-tables 4.6)
 *
 * Done over every pair of sizes that a format has, as long as the number of
 * leaves stays small; a few deep ones besides.
 */
#include "pt_each_test.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t prot = KIT_RW | IOAS_PT_CACHE;

static bool breaks(const struct kit *k)
{
	return k->f->flags & IOAS_PT_BREAK;
}

/*
 * Pieces and tables are few; where there are dozens of sizes, those next to
 * each other, some levels apart, and some in between.
 */
static bool worth_it(const struct kit *k, unsigned int lg2, unsigned int small)
{
	unsigned int table = kit_item_lg2(k->f, kit_level_of(k->f, small) + 1);

	if (lg2 - small > k->f->index_lg2 + 1u ||
	    (lg2 > table && lg2 - table > 5))
		return false;
	return __builtin_popcountll(k->f->pgsizes) < 8 || lg2 - small == 1 ||
	       lg2 - small == 4 || lg2 - small == 9;
}

/* Runs @fn for each pair of a size and a smaller one that is worth it. */
static void each_pair(struct kit *k, void (*fn)(struct kit *k, unsigned int lg2,
						unsigned int small))
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		if (!fits(k, lg2))
			continue;
		for (unsigned int s = size_below(k, lg2); s;
		     s = size_below(k, s)) {
			if (!worth_it(k, lg2, s))
				continue;
			fn(k, lg2, s);
			kit_empty(k);
		}
	}
}

#define EACH_PAIR(name)                                   \
	static void name##_of(struct kit *k)              \
	{                                                 \
		each_pair(k, name##_pair);                \
	}                                                 \
	EACH_FORMAT(name)

/* [@iova, + @length) in leaves of 2^@lg2 bytes. */
static void map_small(struct kit *k, uint64_t iova, uint64_t oa,
		      uint64_t length, unsigned int lg2)
{
	assert_int_equal(ioas_pt_set_pgsizes(k->pt, KIT_PGSIZE(lg2)), 0);
	assert_int_equal(kit_map(k, iova, oa, length, prot), 0);
	assert_int_equal(ioas_pt_set_pgsizes(k->pt, k->f->pgsizes), 0);
}

static void read_all(struct kit *k)
{
	if (kit_tracks(k->f))
		ioas_pt_read_dirty(k->pt, 0, UINT64_MAX, true, NULL, NULL);
	kit_forget(k);
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

/* [@iova, + @length) is leaves of 2^@lg2 bytes, all dirty or all clean. */
static void check_leaves(struct kit *k, uint64_t iova, uint64_t oa,
			 uint64_t length, unsigned int lg2, bool dirty)
{
	uint64_t size = KIT_PGSIZE(lg2);
	struct kit_leaves l;

	kit_leaves(k->pt, &l);
	assert_int_equal(l.nr, length / size);
	for (size_t i = 0; i < l.nr; i++) {
		const struct ioas_pt_leaf *leaf = &l.leaf[i];

		assert_true(leaf->iova == iova + i * size);
		assert_true(leaf->oa == oa + i * size);
		assert_int_equal(leaf->lg2, lg2);
		assert_int_equal(leaf->dirty, dirty && kit_tracks(k->f));
	}
	kit_leaves_free(&l);
}

/* The words of leaves, each with its whole group. */
static uint64_t *words_of(struct kit *k, uint64_t iova, uint64_t length,
			  size_t *nr)
{
	uint64_t *words = malloc(sizeof(*words) << (k->f->index_lg2 + 6)), step;

	assert_non_null(words);
	*nr = 0;
	for (uint64_t at = iova; at - iova < length; at += step) {
		struct ioas_pt_hit hit = find(k, at);
		unsigned int level = kit_level_of(k->f, hit.lg2);

		step = KIT_PGSIZE(kit_item_lg2(k->f, level));
		assert_true(*nr < (size_t)64 << k->f->index_lg2);
		words[(*nr)++] = hit.word;
	}
	return words;
}

/* ---- split -------------------------------------------------------------- */

/* The same as mapping with the small size only. */
static void a_cut_leaf_is_as_if_mapped_small_pair(struct kit *k,
						  unsigned int lg2,
						  unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), *cut, *mapped;
	size_t nr_cut, nr_mapped;

	map_small(k, size, 2 * size, size, lg2);
	read_all(k);
	assert_int_equal(ioas_pt_split_to(k->pt, size + size / 2 + 7, small),
			 0);
	check_leaves(k, size, 2 * size, size, small, false);
	kit_check(k);
	cut = words_of(k, size, size, &nr_cut);
	kit_empty(k);
	map_small(k, size, 2 * size, size, small);
	read_all(k);
	mapped = words_of(k, size, size, &nr_mapped);
	assert_int_equal(nr_cut, nr_mapped);
	assert_memory_equal(cut, mapped, nr_cut * sizeof(*cut));
	free(cut);
	free(mapped);
}

EACH_PAIR(a_cut_leaf_is_as_if_mapped_small)

static void pieces_of_a_dirty_leaf_are_dirty_pair(struct kit *k,
						  unsigned int lg2,
						  unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);

	map_small(k, size, 0, size, lg2);
	read_all(k);
	/* Whichever item says so. */
	device_writes(k, 2 * size - 1);
	assert_int_equal(ioas_pt_split_to(k->pt, size, small), 0);
	check_leaves(k, size, 0, size, small, true);
	kit_check(k);
}

EACH_PAIR(pieces_of_a_dirty_leaf_are_dirty)

/* Bits that say "used", in the formats where they begin as zero. */
static uint64_t used_bit(const struct kit *k)
{
	return k->f->walker == WALKER_AMDV1 ? 1 << 5 :
	       k->f->walker == WALKER_VTDSS ? 1 << 8 : 0;
}

static void regress_pieces_of_a_used_leaf_are_used_pair(struct kit *k,
							unsigned int lg2,
							unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), used = used_bit(k);
	uint64_t piece = KIT_PGSIZE(small);

	if (!used)
		return;
	map_small(k, size, 0, size, lg2);
	item_fetch_or(find(k, 2 * size - 1).item, used);
	assert_int_equal(ioas_pt_split_to(k->pt, size, small), 0);
	for (uint64_t at = size; at < 2 * size; at += piece)
		assert_true(find(k, at).word & used);
	check_leaves(k, size, 0, size, small, false);
}

EACH_PAIR(regress_pieces_of_a_used_leaf_are_used)

static void a_cut_invalidates_the_leaf_pair(struct kit *k, unsigned int lg2,
					    unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);

	map_small(k, size, 0, size, lg2);
	kit_forget(k);
	assert_int_equal(ioas_pt_split_to(k->pt, size + 1, small), 0);
	kit_assert_invalidated(k, size, 2 * size - 1, true);
	/* Only where nobody may see both at once has it to be complete. */
	assert_int_equal(kit_count(k, KIT_SYNC), breaks(k));
	assert_int_equal(kit_count(k, KIT_MAPPED), 0);
}

EACH_PAIR(a_cut_invalidates_the_leaf)

struct watch {
	uint64_t iova;
	uint64_t length;
	uint64_t oa;
	bool empty; /* while walkers are told, there is nothing */
	unsigned int told;
	/* Soil the leaf once, when something is flushed. */
	bool soil;
	/* Soil what was found before. */
	struct ioas_pt_hit *hit;
};

/* Each translation is what it was, or there is none; nothing in between. */
static void watch_words(struct kit *k, const struct kit_event *e)
{
	struct watch *w = k->probe_ctx;
	bool gone = w->empty && (e->kind == KIT_INVALIDATE ||
				 e->kind == KIT_SYNC);
	uint64_t step = KIT_PGSIZE(k->f->granule_lg2);

	if (w->length / step > 64)
		step = w->length / 64;
	w->told += e->kind == KIT_INVALIDATE;
	for (uint64_t at = 0; at < w->length; at += step) {
		struct ioas_pt_hit hit;
		int ret = ioas_pt_lookup(k->pt, w->iova + at, &hit);
		uint64_t mask;

		if (gone) {
			assert_int_equal(ret, -ENOENT);
			continue;
		}
		if (ret && w->empty)
			continue;
		assert_int_equal(ret, 0);
		mask = KIT_PGSIZE(hit.lg2) - 1;
		assert_true(hit.oa + ((w->iova + at) & mask) == w->oa + at);
	}
}

static void a_cut_is_live_or_broken_before_made_pair(struct kit *k,
						     unsigned int lg2,
						     unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	struct watch w = { .iova = size, .length = size, .oa = 2 * size,
			   .empty = breaks(k) };

	map_small(k, size, 2 * size, size, lg2);
	k->probe = watch_words;
	k->probe_ctx = &w;
	assert_int_equal(ioas_pt_split_to(k->pt, size, small), 0);
	k->probe = NULL;
	assert_int_equal(w.told, 1);
	check_leaves(k, size, 2 * size, size, small,
		     k->f->flags & IOAS_PT_DIRTY &&
			     (k->f->walker == WALKER_ARM64_S1 ||
			      k->f->walker == WALKER_ARM64_S2));
}

EACH_PAIR(a_cut_is_live_or_broken_before_made)

/* A device writes when the new table is ready and not yet in place. */
static void soil_once(struct kit *k, const struct kit_event *e)
{
	struct watch *w = k->probe_ctx;

	if (e->kind != KIT_FLUSH || !w->soil)
		return;
	w->soil = false;
	device_writes(k, w->iova);
}

static void a_write_during_the_cut_is_not_lost_pair(struct kit *k,
						    unsigned int lg2,
						    unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	struct watch w = { .iova = 2 * size - 1, .soil = true };

	if (!kit_tracks(k->f))
		return;
	map_small(k, size, 0, size, lg2);
	read_all(k);
	k->probe = soil_once;
	k->probe_ctx = &w;
	assert_int_equal(ioas_pt_split_to(k->pt, size, small), 0);
	k->probe = NULL;
	assert_false(w.soil);
	check_leaves(k, size, 0, size, small, true);
	kit_check(k);
}

EACH_PAIR(a_write_during_the_cut_is_not_lost)

static void without_memory_a_leaf_stays_whole_pair(struct kit *k,
						   unsigned int lg2,
						   unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	unsigned int budget = 0;
	struct kit_leaves before, after;
	int ret;

	map_small(k, size, 0, size, lg2);
	kit_leaves(k->pt, &before);
	/* Tables that were used before are not asked for again. */
	do {
		k->budget = budget++;
		kit_forget(k);
		ret = ioas_pt_split_to(k->pt, size, small);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
		kit_leaves(k->pt, &after);
		assert_true(kit_leaves_equal(&before, &after));
		kit_leaves_free(&after);
		assert_true(ioas_pt_validate(k->pt));
	} while (budget < 1000);
	k->budget = UINT32_MAX;
	kit_leaves_free(&before);
	assert_int_equal(ret, 0);
	kit_check(k);
}

EACH_PAIR(without_memory_a_leaf_stays_whole)

/* The image of a part of a root is a table, though the root is none. */
static void regress_an_image_of_a_root_is_not_lost(void **state)
{
	const char *const names[] = {
		"riscv64_x4 Sv39x4", "arm64_s1 4K small root",
		"arm64_s2 4K two roots", "arm64_s2 16K sixteen roots",
	};

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct kit *k = kit_new(kit_find(names[i]), NULL);
		unsigned int lg2 = kit_item_lg2(k->f, k->f->levels - 1u);
		uint64_t memory;

		map_small(k, 0, 0, KIT_PGSIZE(lg2), lg2);
		/* The image, one table below, and no more. */
		k->budget = 1;
		memory = ioas_pt_memory(k->pt);
		for (int n = 0; n < 3; n++)
			assert_int_equal(ioas_pt_split_to(
				k->pt, 0, k->f->granule_lg2), -ENOMEM);
		assert_int_equal(ioas_pt_memory(k->pt), memory +
				 ((uint64_t)8 << k->f->index_lg2));
		kit_check(k);
		kit_free(k);
	}
}

static void what_cannot_be_cut_is_told_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	unsigned int lg2 = k->f->granule_lg2, larger = ioas_ctz(
		k->f->pgsizes & ~g);
	uint64_t size = KIT_PGSIZE(larger);

	kit_mapped(k, size, 0, size);
	kit_forget(k);
	assert_int_equal(ioas_pt_split_to(k->pt, size, 64), -EINVAL);
	assert_int_equal(ioas_pt_split_to(k->pt, size, 0), -EINVAL);
	for (unsigned int s = 0; s < 64; s++)
		if (!(k->f->pgsizes >> s & 1))
			assert_int_equal(ioas_pt_split_to(k->pt, size, s),
					 -EINVAL);
	assert_int_equal(ioas_pt_split_to(k->pt, 0, lg2), -ENOENT);
	assert_int_equal(ioas_pt_split_to(k->pt, 2 * size, lg2), -ENOENT);
	/* Outside of the aperture, where it has one. */
	if (kit_last(k->f) != UINT64_MAX)
		assert_int_equal(ioas_pt_split_to(k->pt, kit_last(k->f) + 1,
						  lg2), -ENOENT);
	/* Not larger. */
	for (unsigned int s = larger; s < 62; s++)
		if (k->f->pgsizes >> s & 1)
			assert_int_equal(ioas_pt_split_to(k->pt, size, s), 0);
	assert_int_equal(k->nr_events, 0);
	kit_assert_leaf(k, size, size, 0, larger);
}

EACH_FORMAT(what_cannot_be_cut_is_told)

/* At any border: no leaf straddles it, and the output is the same. */
static void no_leaf_straddles_a_border_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		uint64_t size = KIT_PGSIZE(lg2);
		const uint64_t at[] = { size + g, size + size / 2,
					2 * size - g,
					size + size / 2 + g };

		if (!fits(k, lg2) || lg2 < k->f->granule_lg2 + 2u)
			continue;
		for (unsigned int i = 0; i < 4; i++) {
			struct ioas_pt_leaf leaf;
			uint64_t oa, length;

			map_small(k, size, 2 * size, size, lg2);
			assert_int_equal(ioas_pt_split(k->pt, at[i]), 0);
			assert_int_equal(ioas_pt_leaf(k->pt, at[i], &leaf), 0);
			assert_true(leaf.iova == at[i]);
			assert_int_equal(ioas_pt_translate_run(
				k->pt, size, UINT64_MAX, NULL, &oa, &length),
				0);
			assert_true(oa == 2 * size && length == size);
			kit_check(k);
			/* So the halves can go one by one. */
			kit_unmap(k, at[i], 2 * size - 1);
			kit_unmap(k, size, at[i] - 1);
			ioas_pt_sync(k->pt);
		}
	}
}

EACH_FORMAT(no_leaf_straddles_a_border)

static void a_border_that_cuts_nothing_changes_nothing_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);
	unsigned int larger = ioas_ctz(k->f->pgsizes & ~g);
	uint64_t size = KIT_PGSIZE(larger);

	kit_mapped(k, size, 0, size);
	kit_forget(k);
	assert_int_equal(ioas_pt_split(k->pt, 0), 0);
	assert_int_equal(ioas_pt_split(k->pt, size), 0);
	assert_int_equal(ioas_pt_split(k->pt, 2 * size), 0);
	assert_int_equal(ioas_pt_split(k->pt, last + 1 - g), 0);
	assert_int_equal(ioas_pt_split(k->pt, size + 1), -EINVAL);
	assert_int_equal(ioas_pt_split(k->pt, size + g / 2), -EINVAL);
	if (last != UINT64_MAX)
		assert_int_equal(ioas_pt_split(k->pt, last + 1), -EINVAL);
	assert_int_equal(k->nr_events, 0);
}

EACH_FORMAT(a_border_that_cuts_nothing_changes_nothing)

/* ---- merge -------------------------------------------------------------- */

static void a_merged_leaf_is_as_if_mapped_large_pair(struct kit *k,
						     unsigned int lg2,
						     unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), *merged, *mapped;
	size_t nr_merged, nr_mapped;

	map_small(k, size, 2 * size, size, small);
	read_all(k);
	assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
	check_leaves(k, size, 2 * size, size, lg2, false);
	kit_check(k);
	merged = words_of(k, size, size, &nr_merged);
	kit_empty(k);
	map_small(k, size, 2 * size, size, lg2);
	read_all(k);
	mapped = words_of(k, size, size, &nr_mapped);
	assert_int_equal(nr_merged, nr_mapped);
	assert_memory_equal(merged, mapped, nr_mapped * sizeof(*mapped));
	free(merged);
	free(mapped);
}

EACH_PAIR(a_merged_leaf_is_as_if_mapped_large)

static void it_is_dirty_if_one_of_them_was_pair(struct kit *k,
						unsigned int lg2,
						unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	const uint64_t at[] = { size, 2 * size - 1, size + size / 2 };

	for (unsigned int i = 0; i < 3; i++) {
		map_small(k, size, 0, size, small);
		read_all(k);
		if (kit_tracks(k->f))
			device_writes(k, at[i]);
		assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
		check_leaves(k, size, 0, size, lg2, true);
		kit_check(k);
		kit_empty(k);
	}
}

EACH_PAIR(it_is_dirty_if_one_of_them_was)

/* Any item of any of them. */
static void regress_it_is_used_if_one_of_them_was_pair(struct kit *k,
						       unsigned int lg2,
						       unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), used = used_bit(k);
	const uint64_t at[] = { size, 2 * size - 1, size + size / 2 };

	for (unsigned int i = 0; used && i < 3; i++) {
		map_small(k, size, 0, size, small);
		item_fetch_or(find(k, at[i]).item, used);
		assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
		assert_true(find(k, size).word & used);
		check_leaves(k, size, 0, size, lg2, false);
		kit_empty(k);
	}
}

EACH_PAIR(regress_it_is_used_if_one_of_them_was)

/* Written after the items were exchanged, before nobody uses the old ones. */
static void soil_old(struct kit *k, const struct kit_event *e)
{
	struct watch *w = k->probe_ctx;

	if (e->kind == KIT_INVALIDATE && w->hit) {
		w->soil = ioas_pt_soil(k->pt, w->hit);
		w->hit = NULL;
	}
}

static void a_write_during_the_merge_is_not_lost_pair(struct kit *k,
						      unsigned int lg2,
						      unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	struct ioas_pt_hit hit;
	struct watch w = { .hit = &hit };
	bool below = kit_level_of(k->f, lg2) != kit_level_of(k->f, small);

	if (!kit_tracks(k->f))
		return;
	map_small(k, size, 0, size, small);
	read_all(k);
	hit = find(k, 2 * size - 1);
	k->probe = soil_old;
	k->probe_ctx = &w;
	assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
	k->probe = NULL;
	/* An item that was exchanged is no longer what a device saw. */
	assert_int_equal(w.soil, below);
	check_leaves(k, size, 0, size, lg2, below);
	kit_check(k);
}

EACH_PAIR(a_write_during_the_merge_is_not_lost)

static void a_merge_invalidates_the_leaf_and_waits_pair(struct kit *k,
							unsigned int lg2,
							unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);

	map_small(k, size, 0, size, small);
	kit_forget(k);
	assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
	kit_assert_invalidated(k, size, 2 * size - 1, true);
	assert_int_equal(kit_count(k, KIT_SYNC), 1);
}

EACH_PAIR(a_merge_invalidates_the_leaf_and_waits)

static void a_merge_is_live_or_broken_before_made_pair(struct kit *k,
						       unsigned int lg2,
						       unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);
	struct watch w = { .iova = size, .length = size, .oa = 2 * size,
			   .empty = breaks(k) };

	map_small(k, size, 2 * size, size, small);
	k->probe = watch_words;
	k->probe_ctx = &w;
	assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
	k->probe = NULL;
	assert_int_equal(w.told, 1);
}

EACH_PAIR(a_merge_is_live_or_broken_before_made)

/* What it left behind may still be walked until the owner says sync. */
static void its_tables_wait_for_a_sync_of(struct kit *k)
{
	uint64_t g = granule_of(k), size = KIT_PGSIZE(kit_item_lg2(k->f, 1));
	struct ioas_pt_stats before, after;
	const uint64_t *old;

	if (!fits(k, kit_item_lg2(k->f, 1)) || 4 * size > oa_last_of(k))
		return;
	map_small(k, size, 0, size, k->f->granule_lg2);
	old = find(k, size + g).item;
	ioas_pt_stats(k->pt, &before);
	assert_int_equal(ioas_pt_merge(k->pt, size, ioas_log2(size)), 0);
	ioas_pt_stats(k->pt, &after);
	/* Two of them were scratch. */
	assert_int_equal(after.tables_freed - before.tables_freed, 3);
	for (unsigned int n = 2; n < 5; n++) {
		kit_mapped(k, n * size + g, 0, g);
		assert_ptr_not_equal(find(k, n * size + g).item, old);
	}
	ioas_pt_sync(k->pt);
	kit_mapped(k, 5 * size + g, 0, g);
	assert_ptr_equal(find(k, 5 * size + g).item, old);
}

EACH_FORMAT(its_tables_wait_for_a_sync)

/* Refused so, and everything is as it was. */
static void not_merged(struct kit *k, uint64_t iova, unsigned int lg2,
		       int expected)
{
	struct kit_leaves before, after;

	kit_leaves(k->pt, &before);
	kit_forget(k);
	assert_int_equal(ioas_pt_merge(k->pt, iova, lg2), expected);
	assert_int_equal(k->nr_events, 0);
	kit_leaves(k->pt, &after);
	assert_true(kit_leaves_equal(&before, &after));
	kit_leaves_free(&before);
	kit_leaves_free(&after);
}

static void a_hole_is_not_merged_pair(struct kit *k, unsigned int lg2,
				      unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), piece = KIT_PGSIZE(small);
	const uint64_t hole[] = { size, size + size / 2, 2 * size - piece };

	not_merged(k, size, lg2, -ENOENT);
	for (unsigned int i = 0; i < 3; i++) {
		map_small(k, size, 0, size, small);
		kit_unmap(k, hole[i], hole[i] + piece - 1);
		not_merged(k, size, lg2, -ENOENT);
		kit_empty(k);
	}
}

EACH_PAIR(a_hole_is_not_merged)

static void outputs_have_to_follow_and_be_aligned_pair(struct kit *k,
						       unsigned int lg2,
						       unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), piece = KIT_PGSIZE(small);

	map_small(k, size, size + piece, size, small);
	not_merged(k, size, lg2, -EINVAL);
	kit_empty(k);
	map_small(k, size, size, size - piece, small);
	map_small(k, 2 * size - piece, 0, piece, small);
	not_merged(k, size, lg2, -EINVAL);
	kit_empty(k);
	map_small(k, size, 0, piece, small);
	map_small(k, size + piece, size + piece, size - piece, small);
	not_merged(k, size, lg2, -EINVAL);
}

EACH_PAIR(outputs_have_to_follow_and_be_aligned)

static void attributes_have_to_agree_pair(struct kit *k, unsigned int lg2,
					  unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2), piece = KIT_PGSIZE(small);

	map_small(k, size, 0, size - piece, small);
	assert_int_equal(kit_map(k, 2 * size - piece, size - piece, piece,
				 IOAS_PT_READ | IOAS_PT_CACHE), 0);
	not_merged(k, size, lg2, -EINVAL);
}

EACH_PAIR(attributes_have_to_agree)

static void what_cannot_be_merged_is_told_of(struct kit *k)
{
	uint64_t g = granule_of(k), last = kit_last(k->f);
	unsigned int larger = ioas_ctz(k->f->pgsizes & ~g);
	uint64_t size = KIT_PGSIZE(larger);

	map_small(k, size, 0, size, k->f->granule_lg2);
	not_merged(k, size, 64, -EINVAL);
	for (unsigned int s = 0; s < 64; s++)
		if (!(k->f->pgsizes >> s & 1))
			not_merged(k, 0, s, -EINVAL);
	not_merged(k, size + g, larger, -EINVAL);
	not_merged(k, size + 1, larger, -EINVAL);
	if (last != UINT64_MAX)
		not_merged(k, last + 1, k->f->granule_lg2, -ENOENT);
	/* One leaf as large, or larger. */
	not_merged(k, size, k->f->granule_lg2, 0);
	assert_int_equal(ioas_pt_merge(k->pt, size, larger), 0);
	not_merged(k, size, larger, 0);
	not_merged(k, size, k->f->granule_lg2, 0);
	not_merged(k, size + g, k->f->granule_lg2, 0);
}

EACH_FORMAT(what_cannot_be_merged_is_told)

/* In a group one item may be a table and the next a leaf. */
static void a_group_of_a_table_and_a_leaf_is_merged_of(struct kit *k)
{
	for (unsigned int lg2 = 0; lg2 < 62; lg2++) {
		unsigned int level, item;
		uint64_t size = KIT_PGSIZE(lg2), half = size / 2;

		if (!fits(k, lg2) || nr_items_of(k, lg2) < 2)
			continue;
		level = kit_level_of(k->f, lg2);
		item = kit_item_lg2(k->f, level);
		if (!level || !(k->f->pgsizes >> item & 1) ||
		    nr_items_of(k, lg2) > 64)
			continue;
		map_small(k, size, size, half, item);
		map_small(k, size + half, size + half,
			  size / nr_items_of(k, lg2), size_below(k, item));
		if (half > KIT_PGSIZE(item))
			map_small(k, size + half + KIT_PGSIZE(item),
				  size + half + KIT_PGSIZE(item),
				  half - KIT_PGSIZE(item), item);
		read_all(k);
		assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
		check_leaves(k, size, size, size, lg2, false);
		kit_check(k);
		kit_empty(k);
	}
}

EACH_FORMAT(a_group_of_a_table_and_a_leaf_is_merged)

static void a_merge_without_memory_changes_nothing_pair(struct kit *k,
							unsigned int lg2,
							unsigned int small)
{
	uint64_t size = KIT_PGSIZE(lg2);

	map_small(k, size, 0, size, small);
	k->budget = 0;
	/* Unless tables of the last pair are left. */
	for (unsigned int n = 0; n < 2; n++) {
		struct kit_leaves before, after;
		int ret;

		kit_leaves(k->pt, &before);
		ret = ioas_pt_merge(k->pt, size, lg2);
		k->budget = n ? UINT32_MAX : 1;
		kit_leaves(k->pt, &after);
		if (ret) {
			assert_int_equal(ret, -ENOMEM);
			assert_true(kit_leaves_equal(&before, &after));
		}
		kit_leaves_free(&before);
		kit_leaves_free(&after);
		kit_check(k);
	}
	k->budget = UINT32_MAX;
	assert_int_equal(ioas_pt_merge(k->pt, size, lg2), 0);
	check_leaves(k, size, 0, size, lg2, kit_dirty(k->pt, size));
}

EACH_PAIR(a_merge_without_memory_changes_nothing)

/* ---- deep --------------------------------------------------------------- */

/* A leaf of level 2 in pages: some hundred tables. */
static void several_levels_are_cut_and_merged_at_once(void **state)
{
	const char *const names[] = {
		"amdv1 4 levels", "x86_64 sign", "arm64_s1 4K",
		"riscv64 Sv48", "riscv64_x4 Sv39x4",
	};

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		struct kit *k = kit_new(kit_find(names[i]), NULL);

		k->quiet = true;
		map_small(k, KIT_GIB, 2 * KIT_GIB, KIT_GIB, 30);
		read_all(k);
		device_writes(k, KIT_GIB);
		assert_int_equal(ioas_pt_split_to(k->pt, KIT_GIB, 12), 0);
		check_leaves(k, KIT_GIB, 2 * KIT_GIB, KIT_GIB, 12, true);
		read_all(k);
		device_writes(k, 2 * KIT_GIB - 1);
		assert_true(ioas_pt_validate(k->pt));
		assert_int_equal(ioas_pt_merge(k->pt, KIT_GIB, 30), 0);
		check_leaves(k, KIT_GIB, 2 * KIT_GIB, KIT_GIB, 30, true);
		kit_check(k);
		kit_free(k);
	}
}

/* ---- at random ---------------------------------------------------------- */

static void cuts_and_merges_keep_every_output_of(struct kit *k)
{
	struct prng rng = { 31 };
	struct kit_request rq;

	do {
		kit_random(k->f, &rng, &rq);
	} while (rq.length > 400 * granule_of(k));
	assert_int_equal(kit_map(k, rq.iova, rq.oa, rq.length, KIT_RW), 0);
	for (int n = 0; n < 60; n++) {
		uint64_t at = rq.iova + prng_below(&rng, rq.length), sizes;
		unsigned int lg2 = k->f->granule_lg2;
		uint64_t oa, length;

		sizes = k->f->pgsizes & (16 * KIT_PGSIZE(lg2) * 32 - 1);
		for (uint64_t nr = prng_below(
			     &rng, (uint64_t)__builtin_popcountll(sizes));
		     nr; nr--) {
			sizes &= sizes - 1;
			lg2 = ioas_ctz(sizes);
		}
		if (n % 3 == 0)
			ioas_pt_split_to(k->pt, at, lg2);
		else if (n % 3 == 1)
			ioas_pt_split(k->pt, at & ~(granule_of(k) - 1));
		else
			ioas_pt_merge(k->pt, at & ~(KIT_PGSIZE(lg2) - 1), lg2);
		assert_int_equal(ioas_pt_translate_run(k->pt, rq.iova,
						       UINT64_MAX, NULL, &oa,
						       &length), 0);
		assert_true(oa == rq.oa && length == rq.length);
		kit_check(k);
	}
}

EACH_FORMAT(cuts_and_merges_keep_every_output)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_leaf_is_as_if_mapped_small),
		cmocka_unit_test(pieces_of_a_dirty_leaf_are_dirty),
		cmocka_unit_test(regress_pieces_of_a_used_leaf_are_used),
		cmocka_unit_test(a_cut_invalidates_the_leaf),
		cmocka_unit_test(a_cut_is_live_or_broken_before_made),
		cmocka_unit_test(a_write_during_the_cut_is_not_lost),
		cmocka_unit_test(without_memory_a_leaf_stays_whole),
		cmocka_unit_test(regress_an_image_of_a_root_is_not_lost),
		cmocka_unit_test(what_cannot_be_cut_is_told),
		cmocka_unit_test(no_leaf_straddles_a_border),
		cmocka_unit_test(a_border_that_cuts_nothing_changes_nothing),
		cmocka_unit_test(a_merged_leaf_is_as_if_mapped_large),
		cmocka_unit_test(it_is_dirty_if_one_of_them_was),
		cmocka_unit_test(regress_it_is_used_if_one_of_them_was),
		cmocka_unit_test(a_write_during_the_merge_is_not_lost),
		cmocka_unit_test(a_merge_invalidates_the_leaf_and_waits),
		cmocka_unit_test(a_merge_is_live_or_broken_before_made),
		cmocka_unit_test(its_tables_wait_for_a_sync),
		cmocka_unit_test(a_hole_is_not_merged),
		cmocka_unit_test(outputs_have_to_follow_and_be_aligned),
		cmocka_unit_test(attributes_have_to_agree),
		cmocka_unit_test(what_cannot_be_merged_is_told),
		cmocka_unit_test(a_group_of_a_table_and_a_leaf_is_merged),
		cmocka_unit_test(a_merge_without_memory_changes_nothing),
		cmocka_unit_test(several_levels_are_cut_and_merged_at_once),
		cmocka_unit_test(cuts_and_merges_keep_every_output),
	};

	return cmocka_run_group_tests_name("pt_split", tests, NULL, NULL);
}
