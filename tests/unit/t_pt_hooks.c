/* SPDX-License-Identifier: MIT */
/*
 * t_pt_hooks: what walkers are told, and what they see (page-tables 6)
 *
 *   memory, ours  -- flush -->  mirror, theirs  <-- scribbles -- hostile guest
 *
 * An independent walker reads the mirror alone. After each operation it finds
 * what the page table says; while tables change it finds them sound at every
 * flush; and whatever a guest writes there, no answer of ours changes.
 */
#include "pt_each_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static uint64_t table_span(const struct kit *k)
{
	return KIT_PGSIZE(kit_item_lg2(k->f, 1));
}

/* The number of the first event of @kind, or of all. */
static unsigned int first_of(const struct kit *k, enum kit_kind kind)
{
	unsigned int i = 0;

	assert_true(k->nr_events <= KIT_NR_EVENTS);
	while (i < k->nr_events && k->event[i].kind != kind)
		i++;
	return i;
}

/* ---- map ---------------------------------------------------------------- */

static void a_map_is_told_once_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);
	const struct ioas_run runs[] = { { 3 * g, 4 * g }, { g, 2 * g },
					 { 9 * g, 3 * g } };
	const struct ioas_pt_map rq = {
		.iova = table - 5 * g, .runs = runs, .nr_runs = 3,
		.length = 9 * g, .prot = KIT_RW,
	};

	kit_forget(k);
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	assert_int_equal(kit_count(k, KIT_MAPPED), 1);
	assert_int_equal(k->event[k->nr_events - 1].kind, KIT_MAPPED);
	assert_true(k->event[k->nr_events - 1].iova == table - 5 * g);
	assert_true(k->event[k->nr_events - 1].last == table + 4 * g - 1);
	/* What was empty is in nobody's cache. */
	assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	assert_int_equal(kit_count(k, KIT_SYNC), 0);
}

EACH_FORMAT(a_map_is_told_once)

static void a_map_that_fails_is_not_told_of(struct kit *k)
{
	uint64_t g = granule_of(k);

	kit_mapped(k, 4 * g, 0, g);
	kit_forget(k);
	assert_int_equal(kit_map(k, 4 * g, 0, g, KIT_RW), -EADDRINUSE);
	assert_int_equal(kit_map(k, 0, 0, g, 0), -EINVAL);
	assert_int_equal(k->nr_events, 0);
}

EACH_FORMAT(a_map_that_fails_is_not_told)

/* It was there for a moment. */
static void what_is_undone_is_invalidated_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);

	kit_mapped(k, table, 0, g);
	kit_forget(k);
	assert_int_equal(kit_map(k, table - 3 * g, g, 6 * g, KIT_RW),
			 -EADDRINUSE);
	kit_assert_invalidated(k, table - 3 * g, table - 1, false);
	assert_int_equal(kit_count(k, KIT_MAPPED), 0);
}

EACH_FORMAT(what_is_undone_is_invalidated)

/* ---- unmap -------------------------------------------------------------- */

static void an_unmap_is_told_with_its_range_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);

	ioas_pt_set_pgsizes(k->pt, g);
	kit_mapped(k, table - 3 * g, g, 9 * g);
	kit_forget(k);
	kit_unmap(k, table - 3 * g, table + g - 1);
	kit_assert_invalidated(k, table - 3 * g, table + g - 1, false);
	assert_int_equal(kit_count(k, KIT_SYNC), 0);
	kit_forget(k);
	kit_unmap(k, table + g, table + 6 * g - 1);
	kit_assert_invalidated(k, table + g, table + 6 * g - 1, false);
}

EACH_FORMAT(an_unmap_is_told_with_its_range)

static void walkers_learn_when_tables_go_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);

	kit_mapped(k, table - g, g, table + 2 * g);
	kit_forget(k);
	kit_unmap(k, table - g, 2 * table + g - 1);
	kit_assert_invalidated(k, table - g, 2 * table + g - 1, true);
}

EACH_FORMAT(walkers_learn_when_tables_go)

static bool take_one(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	unsigned int *nr = ctx;

	(void)iova;
	(void)oa;
	(void)length;
	return !(*nr)++;
}

static void what_the_owner_refuses_is_not_told_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	unsigned int nr = 0;
	const struct ioas_pt_unmap rq = {
		.iova = g, .want_last = 6 * g - 1, .last = 6 * g - 1,
		.take = take_one, .ctx = &nr,
	};

	kit_mapped(k, g, 4 * g, 2 * g);
	kit_mapped(k, 3 * g, 9 * g, 3 * g);
	kit_forget(k);
	assert_true(ioas_pt_unmap(k->pt, &rq) == 3 * g - 1);
	kit_assert_invalidated(k, g, 3 * g - 1, false);
	assert_true(kit_oa(k->pt, 3 * g) == 9 * g);
}

EACH_FORMAT(what_the_owner_refuses_is_not_told)

/* Entries are cleared, and visible as cleared, before anybody is told (6.1). */
static void a_cleared_entry_is_flushed_first_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);

	ioas_pt_set_pgsizes(k->pt, g);
	kit_mapped(k, table, g, table);
	kit_forget(k);
	kit_unmap(k, table, 2 * table - 1);
	assert_true(first_of(k, KIT_FLUSH) < first_of(k, KIT_INVALIDATE));
	assert_int_equal(kit_count(k, KIT_FLUSH), 1);
	kit_mapped(k, table, g, 5 * g);
	kit_forget(k);
	assert_true(ioas_pt_remove(k->pt, table, 3 * g, NULL) == 3 * g);
	assert_int_equal(kit_count(k, KIT_FLUSH), 1);
	assert_int_equal(k->event[0].nr, 3);
	assert_int_equal(first_of(k, KIT_INVALIDATE), 1);
	/* No entry of a table that stays. */
	kit_forget(k);
	assert_true(ioas_pt_remove(k->pt, table + 3 * g, table, NULL) ==
		    2 * g);
	assert_int_equal(kit_count(k, KIT_FLUSH), 1);
}

EACH_FORMAT(a_cleared_entry_is_flushed_first)

/* ---- sync --------------------------------------------------------------- */

/* The table of level 0 that holds @iova. */
static uint64_t *lowest(struct kit *k, uint64_t iova)
{
	struct ioas_pt_hit hit;

	assert_int_equal(ioas_pt_lookup(k->pt, iova, &hit), 0);
	return hit.item - ((iova >> k->f->granule_lg2) &
			   ((1u << k->f->index_lg2) - 1));
}

/* While the invalidation is on its way another range is mapped. */
static void map_in_the_sync(struct kit *k, const struct kit_event *e)
{
	uint64_t **retired = k->probe_ctx;

	if (e->kind != KIT_SYNC)
		return;
	k->probe = NULL;
	kit_mapped(k, 5 * table_span(k), 0, granule_of(k));
	assert_ptr_not_equal(lowest(k, 5 * table_span(k)), *retired);
}

static void tables_wait_until_the_sync_is_complete_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k), *retired;

	if (7 * table > kit_last(k->f))
		return;
	ioas_pt_set_pgsizes(k->pt, g);
	kit_mapped(k, table, 0, table);
	retired = lowest(k, table);
	kit_unmap(k, table, 2 * table - 1);
	kit_mapped(k, 2 * table, 0, g);
	assert_ptr_not_equal(lowest(k, 2 * table), retired);
	k->probe = map_in_the_sync;
	k->probe_ctx = &retired;
	ioas_pt_sync(k->pt);
	assert_null(k->probe);
	kit_mapped(k, 6 * table, 0, g);
	assert_ptr_equal(lowest(k, 6 * table), retired);
}

EACH_FORMAT(tables_wait_until_the_sync_is_complete)

/* Who still holds the pointer sees a hole or the old page, but no other. */
static void a_retired_table_keeps_what_it_said_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k), *retired;
	uint64_t word[8];

	ioas_pt_set_pgsizes(k->pt, g);
	kit_mapped(k, table, 0, table);
	retired = lowest(k, table);
	memcpy(word, retired, sizeof(word));
	kit_unmap(k, table, 2 * table - 1);
	/* A link to another table that waits, or nothing. */
	assert_int_equal(item_load(retired) & 63, 0);
	assert_memory_equal(word + 1, retired + 1, sizeof(word) - 8);
	for (unsigned int n = 2; n < 6 && (n + 1) * table - 1 <= kit_last(k->f);
	     n++)
		kit_mapped(k, n * table, 0, g);
	assert_memory_equal(word + 1, retired + 1, sizeof(word) - 8);
}

EACH_FORMAT(a_retired_table_keeps_what_it_said)

/* ---- hooks that nobody wants -------------------------------------------- */

static void nobody_listens(struct ioas_pt_params *params)
{
	params->hooks = NULL;
}

static void only_what_must_be(struct ioas_pt_params *params)
{
	static struct ioas_pt_hooks hooks;

	hooks = kit_hooks;
	hooks.mapped = NULL;
	hooks.flush = NULL;
	hooks.grown = NULL;
	params->hooks = &hooks;
}

static void hooks_may_be_missing(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2 * kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i / 2],
					i % 2 ? nobody_listens :
						only_what_must_be);
		struct prng rng = { i };

		for (int n = 0; n < 40; n++) {
			struct kit_request rq;

			kit_random(k->f, &rng, &rq);
			kit_map(k, rq.iova, rq.oa, rq.length, rq.prot);
			kit_random(k->f, &rng, &rq);
			ioas_pt_remove(k->pt, rq.iova, rq.length, NULL);
			ioas_pt_split(k->pt, rq.iova);
			if (n % 4 == 3)
				ioas_pt_sync(k->pt);
			assert_true(ioas_pt_validate(k->pt));
		}
		kit_free(k);
	}
}

/* ---- flush: what, how often, in which order ----------------------------- */

/* Bits of table entries that mean nothing to walkers (6.1, and the formats). */
static uint64_t flushed_bit(const struct kit *k)
{
	switch (k->f->walker) {
	case WALKER_AMDV1:
		return 1 << 4;
	case WALKER_VTDSS:
		return 1 << 10;
	case WALKER_X86_64:
		return 1 << 9;
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return 1 << 8;
	case WALKER_MOCK:
		return 1 << 7;
	default:
		return UINT64_C(1) << 55;
	}
}

static void a_map_flushes_each_stretch_once_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);
	unsigned int new_tables;

	kit_forget(k);
	kit_mapped(k, table + 8 * g, g, 5 * g);
	/* Each new table and the entry that leads to it; then the leaves. */
	new_tables = k->live - 1;
	assert_int_equal(kit_count(k, KIT_FLUSH), 2 * new_tables + 1);
	kit_forget(k);
	kit_mapped(k, table + 20 * g, g, 7 * g);
	assert_int_equal(kit_count(k, KIT_FLUSH), 1);
	assert_int_equal(k->event[0].nr, 7);
	assert_ptr_equal(k->event[0].items, lowest(k, table + 20 * g) + 20);
}

EACH_FORMAT(a_map_flushes_each_stretch_once)

static void a_whole_table_is_flushed_before_its_entry_of(struct kit *k)
{
	uint64_t g = granule_of(k), table = table_span(k);
	unsigned int last;

	ioas_pt_set_pgsizes(k->pt, g);
	kit_mapped(k, 0, 0, g);
	kit_forget(k);
	kit_mapped(k, table, g, table);
	assert_int_equal(kit_count(k, KIT_FLUSH), 2);
	last = k->nr_events - 2;
	assert_int_equal(k->event[0].nr, 1u << k->f->index_lg2);
	assert_ptr_equal(k->event[0].items, lowest(k, table));
	assert_int_equal(k->event[last].nr, 1);
}

EACH_FORMAT(a_whole_table_is_flushed_before_its_entry)

static void entries_remember_that_they_were_flushed_of(struct kit *k)
{
	uint64_t g = granule_of(k), bit = flushed_bit(k);
	struct ioas_pt_root root;

	kit_mapped(k, 0, g, g);
	ioas_pt_root(k->pt, &root);
	for (unsigned int level = root.level; level; level--)
		assert_true(item_load(kit_item(k, 0, level)) & bit);
	assert_false(item_load(kit_item(k, 0, 0)) & bit);
}

EACH_FORMAT(entries_remember_that_they_were_flushed)

/*
 * Thread A stored an entry and has not flushed it; thread B finds it, and does
 * not return before walkers see the way to what it mapped.
 */
static void who_finds_an_unflushed_entry_flushes_it_of(struct kit *k)
{
	uint64_t g = granule_of(k), bit = flushed_bit(k);
	struct ioas_pt_root root;

	ioas_pt_root(k->pt, &root);
	kit_mapped(k, 0, g, g);
	for (unsigned int level = root.level; level; level--) {
		uint64_t *item = kit_item(k, 0, level);
		uint64_t *seen = (uint64_t *)(void *)
			(k->mirror + ((char *)item - k->memory));

		item_fetch_clear(item, bit);
		*seen = 0;
		kit_mapped(k, level * g, g, g);
		assert_true(item_load(item) & bit);
		kit_check(k);
	}
}

EACH_FORMAT(who_finds_an_unflushed_entry_flushes_it)

/* Nothing is flushed when nothing changes. */
static void questions_flush_nothing_of(struct kit *k)
{
	uint64_t g = granule_of(k);
	struct ioas_pt_leaf leaf;
	struct kit_leaves l;
	uint64_t oa, length;

	kit_mapped(k, g, 0, 3 * g);
	kit_forget(k);
	kit_leaves(k->pt, &l);
	kit_leaves_free(&l);
	ioas_pt_leaf(k->pt, g, &leaf);
	ioas_pt_translate_run(k->pt, g, UINT64_MAX, NULL, &oa, &length);
	ioas_pt_validate(k->pt);
	assert_int_equal(k->nr_events, 0);
}

EACH_FORMAT(questions_flush_nothing)

/*
 * At every flush what walkers can reach is sound: a table is there before the
 * entry that leads to it, and no leaf is seen in part.
 */
static void mirror_is_sound(struct kit *k, const struct kit_event *e)
{
	struct walker_memory io = kit_walker_memory(k);
	struct walker_config cfg;
	const char *why = NULL;

	/* The root's own flush comes before there is a page table. */
	if (e->kind != KIT_FLUSH || !k->pt)
		return;
	kit_walker(k, &cfg);
	if (!walker_for_each(&cfg, &io, NULL, NULL, NULL, &why))
		fail_msg("%s: while it changes: %s", k->f->name, why);
	++*(unsigned int *)k->probe_ctx;
}

static void some_operation(struct kit *k, struct prng *rng);

static void walkers_never_see_a_table_in_part_of(struct kit *k)
{
	struct prng rng = { 77 };
	unsigned int seen = 0;

	k->probe = mirror_is_sound;
	k->probe_ctx = &seen;
	/* Small tables: the whole mirror is read at each flush. */
	for (int n = 0; n < (k->f->granule_lg2 == 12 ? 24 : 12); n++)
		some_operation(k, &rng);
	k->probe = NULL;
	assert_true(seen > 3);
}

EACH_FORMAT(walkers_never_see_a_table_in_part)

/* ---- the mirror, after every operation ---------------------------------- */

/* Some byte of what is mapped, or nowhere in particular. */
static uint64_t some_iova(struct kit *k, struct prng *rng)
{
	struct kit_leaves l;
	uint64_t iova = kit_spot(k->f, rng);

	kit_leaves(k->pt, &l);
	if (l.nr && prng_below(rng, 8)) {
		const struct ioas_pt_leaf *leaf =
			&l.leaf[prng_below(rng, l.nr)];

		iova = leaf->iova + prng_below(rng, KIT_PGSIZE(leaf->lg2));
	}
	kit_leaves_free(&l);
	return iova;
}

static unsigned int some_lg2(const struct kit *k, struct prng *rng,
			     unsigned int most)
{
	uint64_t sizes = k->f->pgsizes & (KIT_PGSIZE(most + 1) - 1);
	uint64_t nr = prng_below(rng, (uint64_t)__builtin_popcountll(sizes));

	while (nr--)
		sizes &= sizes - 1;
	return ioas_ctz(sizes);
}

static void some_cut(struct kit *k, struct prng *rng)
{
	uint64_t iova = some_iova(k, rng);
	struct ioas_pt_leaf leaf;
	unsigned int lg2 = k->f->granule_lg2;

	if (ioas_pt_leaf(k->pt, iova, &leaf))
		return;
	/* At most some tables. */
	if (leaf.lg2 > k->f->granule_lg2 + 10u)
		lg2 = size_below(k, leaf.lg2);
	ioas_pt_split_to(k->pt, iova, lg2);
}

/* A whole leaf, or its neighbours too, by the removal that has no books. */
static void some_removal(struct kit *k, struct prng *rng)
{
	uint64_t iova = some_iova(k, rng);
	struct ioas_pt_leaf leaf;

	if (!ioas_pt_leaf(k->pt, iova, &leaf) && prng_below(rng, 4))
		iova = leaf.iova;
	ioas_pt_remove(k->pt, iova,
		       prng_below(rng, 3) ? prng_next(rng) >> 12 :
					    granule_of(k), NULL);
}

static void some_unmap(struct kit *k, struct prng *rng)
{
	struct ioas_pt_leaf leaf;

	if (!ioas_pt_leaf(k->pt, some_iova(k, rng), &leaf))
		kit_unmap(k, leaf.iova,
			  leaf.iova + (KIT_PGSIZE(leaf.lg2) - 1));
}

static void some_map(struct kit *k, struct prng *rng)
{
	struct kit_request rq;

	kit_random(k->f, rng, &rq);
	kit_map(k, rq.iova, rq.oa, rq.length, rq.prot);
}

static void some_dirt(struct kit *k, struct prng *rng)
{
	uint64_t iova = some_iova(k, rng), last = some_iova(k, rng);

	if (last < iova)
		last = iova;
	ioas_pt_mark_dirty(k->pt, iova, iova);
	if (kit_tracks(k->f) && prng_below(rng, 2))
		ioas_pt_read_dirty(k->pt, iova, last, prng_below(rng, 4), NULL,
				   NULL);
}

static void some_operation(struct kit *k, struct prng *rng)
{
	uint64_t iova, g = granule_of(k);

	switch (prng_below(rng, 12)) {
	case 0: case 1: case 2: case 3:
		some_map(k, rng);
		break;
	case 4:
		some_unmap(k, rng);
		break;
	case 5:
		some_removal(k, rng);
		break;
	case 6:
		ioas_pt_split(k->pt, some_iova(k, rng) & ~(g - 1));
		break;
	case 7:
		some_cut(k, rng);
		break;
	case 8:
		iova = some_iova(k, rng);
		for (unsigned int n = 0; n < 4; n++) {
			unsigned int lg2 = some_lg2(k, rng,
						    k->f->granule_lg2 + 12u);

			ioas_pt_merge(k->pt, iova & ~(KIT_PGSIZE(lg2) - 1),
				      lg2);
		}
		break;
	case 9: case 10:
		some_dirt(k, rng);
		break;
	default:
		ioas_pt_sync(k->pt);
	}
}

static void a_walker_of_the_mirror_sees_the_same_of(struct kit *k)
{
	struct prng rng = { 99 };
	int nr = k->f->granule_lg2 == 16 ? 30 : 80;

	for (int n = 0; n < nr; n++) {
		some_operation(k, &rng);
		kit_check(k);
		/* What is held is never handed back: begin again. */
		if (k->used > k->size / 2)
			break;
	}
}

EACH_FORMAT(a_walker_of_the_mirror_sees_the_same)

/* The same of single translations and permissions. */
static void each_walk_of_the_mirror_is_a_lookup_of(struct kit *k)
{
	struct walker_memory io = kit_walker_memory(k);
	struct prng rng = { 101 };
	struct walker_config cfg;

	for (int n = 0; n < 12; n++)
		some_operation(k, &rng);
	kit_walker(k, &cfg);
	for (int n = 0; n < 300; n++) {
		uint64_t iova = some_iova(k, &rng) + prng_below(&rng, 2) *
						     prng_below(&rng, 1 << 20);
		struct walker_result r;
		struct ioas_pt_hit hit;
		int ret = ioas_pt_lookup(k->pt, iova, &hit);

		walker_walk(&cfg, &io, iova, 0, &r);
		if (ret) {
			assert_int_equal(ret, -ENOENT);
			assert_true(r.status == WALKER_NOT_MAPPED ||
				    r.status == WALKER_OUT_OF_APERTURE);
			continue;
		}
		assert_int_equal(r.status, WALKER_OK);
		assert_true(r.leaf_oa == hit.oa && r.lg2 == hit.lg2);
		assert_true(r.oa == hit.oa + (iova &
					      (KIT_PGSIZE(hit.lg2) - 1)));
	}
}

EACH_FORMAT(each_walk_of_the_mirror_is_a_lookup)

/* ---- a guest that means harm -------------------------------------------- */

struct guest {
	struct kit *k;
	atomic_bool stop;
	atomic_uint rounds;
};

static void scribble(struct kit *k, struct prng *rng, unsigned int nr)
{
	uint64_t *words = (uint64_t *)(void *)k->mirror;

	while (nr--) {
		uint64_t at = prng_below(rng, 64 * KIT_KIB / 8);
		uint64_t word = prng_next(rng);

		/* Also what looks like an entry. */
		if (word & 1)
			word = KIT_PA + (word & 0xffff000) + (word >> 52);
		__atomic_store_n(&words[at], word, __ATOMIC_RELAXED);
	}
}

static void *guest_run(void *arg)
{
	struct guest *g = arg;
	struct prng rng = { 5 };

	while (!atomic_load_explicit(&g->stop, memory_order_relaxed)) {
		scribble(g->k, &rng, 64);
		atomic_fetch_add_explicit(&g->rounds, 1,
					  memory_order_relaxed);
	}
	return NULL;
}

/* The twin has no guest; the same operations have the same answers. */
static void compare_twins(struct kit *k, struct kit *twin)
{
	struct kit_leaves a, b;
	struct ioas_pt_root root, twin_root;

	assert_true(ioas_pt_validate(k->pt));
	kit_leaves(k->pt, &a);
	kit_leaves(twin->pt, &b);
	assert_true(kit_leaves_equal(&a, &b));
	kit_leaves_free(&a);
	kit_leaves_free(&b);
	ioas_pt_root(k->pt, &root);
	ioas_pt_root(twin->pt, &twin_root);
	assert_int_equal(root.pa, twin_root.pa);
	assert_int_equal(root.level, twin_root.level);
	assert_int_equal(root.code, twin_root.code);
	assert_int_equal(root.start_level, twin_root.start_level);
	assert_int_equal(k->nr_events, twin->nr_events);
}

static void what_a_guest_writes_changes_no_answer_of(struct kit *k)
{
	struct kit *twin = kit_new(k->f, NULL);
	struct prng rng = { 55 }, twin_rng = { 55 };
	struct guest g = { .k = k };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, guest_run, &g), 0);
	while (!atomic_load(&g.rounds))
		;
	for (int n = 0; n < 40; n++) {
		some_operation(k, &rng);
		some_operation(twin, &twin_rng);
		compare_twins(k, twin);
	}
	atomic_store(&g.stop, true);
	pthread_join(thread, NULL);
	/* The mirror is the guest's; what is ours is that of the twin. */
	memcpy(k->mirror, twin->mirror, k->used);
	kit_free(twin);
}

EACH_FORMAT(what_a_guest_writes_changes_no_answer)

/* And deterministically, between any two operations. */
static void a_mirror_of_noise_changes_no_answer_of(struct kit *k)
{
	struct kit *twin = kit_new(k->f, NULL);
	struct prng rng = { 56 }, twin_rng = { 56 }, noise = { 3 };

	for (int n = 0; n < 40; n++) {
		scribble(k, &noise, 4096);
		some_operation(k, &rng);
		some_operation(twin, &twin_rng);
		compare_twins(k, twin);
	}
	memcpy(k->mirror, twin->mirror, k->used);
	kit_free(twin);
}

EACH_FORMAT(a_mirror_of_noise_changes_no_answer)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_is_told_once),
		cmocka_unit_test(a_map_that_fails_is_not_told),
		cmocka_unit_test(what_is_undone_is_invalidated),
		cmocka_unit_test(an_unmap_is_told_with_its_range),
		cmocka_unit_test(walkers_learn_when_tables_go),
		cmocka_unit_test(what_the_owner_refuses_is_not_told),
		cmocka_unit_test(a_cleared_entry_is_flushed_first),
		cmocka_unit_test(tables_wait_until_the_sync_is_complete),
		cmocka_unit_test(a_retired_table_keeps_what_it_said),
		cmocka_unit_test(hooks_may_be_missing),
		cmocka_unit_test(a_map_flushes_each_stretch_once),
		cmocka_unit_test(a_whole_table_is_flushed_before_its_entry),
		cmocka_unit_test(entries_remember_that_they_were_flushed),
		cmocka_unit_test(who_finds_an_unflushed_entry_flushes_it),
		cmocka_unit_test(questions_flush_nothing),
		cmocka_unit_test(walkers_never_see_a_table_in_part),
		cmocka_unit_test(a_walker_of_the_mirror_sees_the_same),
		cmocka_unit_test(each_walk_of_the_mirror_is_a_lookup),
		cmocka_unit_test(what_a_guest_writes_changes_no_answer),
		cmocka_unit_test(a_mirror_of_noise_changes_no_answer),
	};

	return cmocka_run_group_tests_name("pt_hooks", tests, NULL, NULL);
}
