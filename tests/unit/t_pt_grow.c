/* SPDX-License-Identifier: MIT */
/*
 * t_pt_grow: the root of amdv1 rises (page-tables 4.7)
 *
 *   bits   30     39     48     57     64
 *   level   1      2      3      4      5      of the root that spans them
 */
#include "pt_each_test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define AT(bits) ((uint64_t)1 << (bits))

static void two_levels(struct ioas_pt_params *params)
{
	params->levels = 2;
}

static void four_levels(struct ioas_pt_params *params)
{
	params->levels = 4;
}

static void forty_bits(struct ioas_pt_params *params)
{
	params->va_bits = 40;
}

static void encrypted(struct ioas_pt_params *params)
{
	params->c_bit = AT(47);
}

static struct kit *growing(void (*change)(struct ioas_pt_params *params))
{
	return kit_new(kit_find("amdv1 grows"), change);
}

static unsigned int level_of(const struct kit *k)
{
	struct ioas_pt_root root;

	ioas_pt_root(k->pt, &root);
	assert_int_equal(root.code, root.level + 1);
	return root.level;
}

static void end(struct kit *k)
{
	kit_check(k);
	kit_free(k);
}

/* ---- when, and how far -------------------------------------------------- */

static void what_does_not_fit_raises_the_root(void **state)
{
	static const struct { unsigned int bits, level; } rows[] = {
		{ 38, 2 }, { 39, 3 }, { 47, 3 }, { 48, 4 }, { 56, 4 },
		{ 57, 5 }, { 63, 5 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kit *k = growing(NULL);

		kit_mapped(k, AT(rows[i].bits), 0, 4096);
		assert_int_equal(level_of(k), rows[i].level);
		end(k);
	}
}

static void the_last_byte_of_a_request_decides(void **state)
{
	struct kit *k = growing(NULL);

	(void)state;
	kit_mapped(k, AT(39) - 4096, 0, 4096);
	assert_int_equal(level_of(k), 2);
	kit_unmap(k, AT(39) - 4096, AT(39) - 1);
	kit_mapped(k, AT(39) - 4096, 0, 8192);
	assert_int_equal(level_of(k), 3);
	assert_int_equal(kit_oa(k->pt, AT(39)), 4096);
	end(k);
}

static void several_levels_are_added_at_once(void **state)
{
	struct kit *k = growing(two_levels);
	struct kit_event e = { 0 };

	(void)state;
	kit_mapped(k, 0x1000, 0x5000, 4096);
	kit_forget(k);
	kit_mapped(k, (uint64_t)-4096, 0x7000, 4096);
	assert_int_equal(level_of(k), 5);
	assert_int_equal(kit_count(k, KIT_GROWN), 1);
	for (unsigned int i = 0; i < k->nr_events; i++)
		if (k->event[i].kind == KIT_GROWN)
			e = k->event[i];
	assert_int_equal(e.level, 5);
	assert_int_equal(kit_oa(k->pt, 0x1000), 0x5000);
	assert_int_equal(kit_oa(k->pt, UINT64_MAX), 0x7fff);
	end(k);
}

/* And keeps its address: item 0 leads to it. */
static void the_old_root_becomes_an_inner_table(void **state)
{
	struct kit *k = growing(NULL);
	struct ioas_pt_root before, after;
	uint64_t *item;

	(void)state;
	ioas_pt_root(k->pt, &before);
	kit_mapped(k, AT(39), 0, 4096);
	ioas_pt_root(k->pt, &after);
	assert_true(before.pa != after.pa);
	item = kit_item(k, 0, 3);
	assert_ptr_equal(item, k->memory + (after.pa - KIT_PA));
	assert_ptr_equal(kit_child(k, 3, item_load(item)),
			 k->memory + (before.pa - KIT_PA));
	end(k);
}

static void old_mappings_stay(void **state)
{
	struct kit *k = growing(NULL);
	struct kit_leaves before, after;
	struct prng rng = { 3 };

	(void)state;
	for (int n = 0; n < 40; n++) {
		uint64_t iova = prng_below(&rng, AT(27)) << 12;

		kit_map(k, iova, iova & 0xffff000, 4096, KIT_RW);
	}
	kit_leaves(k->pt, &before);
	for (unsigned int bits = 40; bits < 64; bits += 8) {
		kit_mapped(k, AT(bits), 0, 4096);
		kit_unmap(k, AT(bits), AT(bits) + 4095);
		kit_leaves(k->pt, &after);
		assert_true(kit_leaves_equal(&before, &after));
		kit_leaves_free(&after);
	}
	kit_leaves_free(&before);
	end(k);
}

static void the_root_never_sinks(void **state)
{
	struct kit *k = growing(NULL);

	(void)state;
	kit_mapped(k, AT(63), 0, 4096);
	assert_int_equal(ioas_pt_remove(k->pt, AT(63), AT(63), NULL), 4096);
	ioas_pt_sync(k->pt);
	assert_int_equal(level_of(k), 5);
	kit_mapped(k, 0, 0, 4096);
	assert_int_equal(level_of(k), 5);
	end(k);
}

/*
 * A leaf as large as all that the root spans belongs a level above it, though
 * its last byte would fit.
 */
static void regress_a_leaf_as_large_as_the_root_spans(void **state)
{
	static const struct {
		void (*change)(struct ioas_pt_params *params);
		unsigned int lg2, level;
	} rows[] = { { two_levels, 30, 2 }, { four_levels, 48, 4 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct kit *k = growing(rows[i].change);

		kit_mapped(k, 0, AT(rows[i].lg2), AT(rows[i].lg2));
		assert_int_equal(level_of(k), rows[i].level);
		kit_assert_leaf(k, 5, 0, AT(rows[i].lg2), rows[i].lg2);
		assert_int_equal(kit_count(k, KIT_GROWN), 1);
		end(k);
	}
}

static void a_bound_or_an_output_may_make_it_smaller(void **state)
{
	struct kit *k = growing(two_levels);
	const struct ioas_run run = { 0, AT(30) };
	const struct ioas_pt_map rq = { .runs = &run, .nr_runs = 1,
					.length = AT(30), .prot = KIT_RW,
					.max_leaf = AT(29) };

	(void)state;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	assert_int_equal(level_of(k), 1);
	kit_unmap(k, 0, AT(30) - 1);
	kit_mapped(k, 0, AT(21), AT(30));
	assert_int_equal(level_of(k), 1);
	kit_assert_leaf(k, 0, 0, AT(21), 21);
	assert_int_equal(kit_count(k, KIT_GROWN), 0);
	end(k);
}

static void regress_a_merge_may_need_a_level_more(void **state)
{
	struct kit *k = growing(two_levels);
	struct kit_leaves l;

	(void)state;
	kit_mapped(k, 0, AT(32), AT(29));
	kit_mapped(k, AT(29), AT(32) + AT(29), AT(29));
	assert_int_equal(ioas_pt_merge(k->pt, 0, 30), 0);
	assert_int_equal(level_of(k), 2);
	kit_assert_leaf(k, 0, 0, AT(32), 30);
	kit_leaves(k->pt, &l);
	assert_int_equal(l.nr, 1);
	kit_leaves_free(&l);
	/* One that is refused raises nothing. */
	kit_free(k);
	k = growing(two_levels);
	kit_mapped(k, 0, AT(32), AT(29));
	assert_int_equal(ioas_pt_merge(k->pt, 0, 30), -ENOENT);
	assert_int_equal(level_of(k), 1);
	end(k);
}

/* ---- limits ------------------------------------------------------------- */

static void the_width_is_the_limit(void **state)
{
	struct kit *k = growing(forty_bits);

	(void)state;
	assert_int_equal(kit_map(k, AT(40), 0, 4096, KIT_RW), -ERANGE);
	assert_int_equal(kit_map(k, AT(40) - 4096, 0, 8192, KIT_RW), -ERANGE);
	assert_int_equal(kit_map(k, AT(63), 0, 4096, KIT_RW), -ERANGE);
	assert_int_equal(level_of(k), 2);
	assert_int_equal(kit_count(k, KIT_GROWN), 0);
	kit_mapped(k, AT(40) - 4096, 0, 4096);
	assert_int_equal(level_of(k), 3);
	assert_true(ioas_pt_validate(k->pt));
	kit_free(k);
}

static void a_fixed_root_does_not_rise(void **state)
{
	struct kit *k = kit_new(kit_find("amdv1 4 levels"), NULL);

	(void)state;
	assert_int_equal(kit_map(k, AT(48), 0, 4096, KIT_RW), -ERANGE);
	kit_mapped(k, AT(48) - 4096, 0, 4096);
	assert_int_equal(level_of(k), 3);
	assert_int_equal(kit_count(k, KIT_GROWN), 0);
	end(k);
}

static void what_is_refused_raises_nothing(void **state)
{
	struct kit *k = growing(NULL);

	(void)state;
	assert_int_equal(kit_map(k, AT(50), 0, 4096, 0), -EINVAL);
	assert_int_equal(kit_map(k, AT(50), AT(52), 4096, KIT_RW), -ERANGE);
	assert_int_equal(kit_map(k, AT(50), 0, 0, KIT_RW), -EINVAL);
	assert_int_equal(kit_map(k, AT(50), 0, 4097, KIT_RW), -EINVAL);
	assert_int_equal(level_of(k), 2);
	end(k);
}

static void without_memory_it_stays_as_it_is(void **state)
{
	(void)state;
	/* Three levels are missing, and four tables below for the page. */
	for (unsigned int budget = 0; budget < 8; budget++) {
		struct kit *k = growing(NULL);
		struct ioas_pt_root before, after;
		struct kit_leaves l;
		int ret;

		kit_mapped(k, 0x3000, 0x9000, 4096);
		ioas_pt_root(k->pt, &before);
		kit_forget(k);
		k->budget = budget;
		ret = kit_map(k, AT(62), 0, 4096, KIT_RW);
		assert_int_equal(ret, -ENOMEM);
		ioas_pt_root(k->pt, &after);
		if (budget < 3) {
			assert_true(before.pa == after.pa);
			assert_int_equal(after.level, 2);
			assert_int_equal(kit_count(k, KIT_GROWN), 0);
		}
		kit_leaves(k->pt, &l);
		assert_int_equal(l.nr, 1);
		kit_leaves_free(&l);
		kit_check(k);
		k->budget = 100;
		kit_mapped(k, AT(62), 0, 4096);
		assert_int_equal(level_of(k), 5);
		assert_int_equal(kit_oa(k->pt, 0x3000), 0x9000);
		end(k);
	}
}

/* ---- what walkers are told ---------------------------------------------- */

/* When the hook is called the new root is complete, and leads to nothing new. */
static void look_at_the_new_root(struct kit *k, const struct kit_event *e)
{
	struct walker_memory io = kit_walker_memory(k);
	struct walker_config cfg;
	struct walker_result r;
	const char *why = NULL;

	if (e->kind != KIT_GROWN)
		return;
	*(unsigned int *)k->probe_ctx += 1;
	kit_walker(k, &cfg);
	/* Software has the old one still. */
	assert_true(cfg.root != e->pa);
	assert_int_equal(cfg.levels, 3);
	cfg.root = e->pa;
	cfg.levels = (uint8_t)(e->level + 1);
	assert_true(walker_for_each(&cfg, &io, NULL, NULL, NULL, &why));
	assert_int_equal(walker_walk(&cfg, &io, 0x1000, 0, &r), WALKER_OK);
	assert_int_equal(r.oa, 0x2000);
	assert_int_equal(walker_walk(&cfg, &io, AT(60), 0, &r),
			 WALKER_NOT_MAPPED);
	assert_true(kit_oa(k->pt, AT(60)) == UINT64_MAX);
}

static void walkers_learn_of_it_before_it_is_used(void **state)
{
	struct kit *k = growing(NULL);
	unsigned int seen = 0;

	(void)state;
	kit_mapped(k, 0x1000, 0x2000, 4096);
	k->probe = look_at_the_new_root;
	k->probe_ctx = &seen;
	kit_mapped(k, AT(60), 0, 4096);
	k->probe = NULL;
	assert_int_equal(seen, 1);
	end(k);
}

static void growth_needs_no_invalidation(void **state)
{
	struct kit *k = growing(NULL);

	(void)state;
	for (unsigned int bits = 39; bits < 64; bits += 9)
		kit_mapped(k, AT(bits), 0, 4096);
	assert_int_equal(kit_count(k, KIT_GROWN), 3);
	assert_int_equal(kit_count(k, KIT_INVALIDATE), 0);
	assert_int_equal(kit_count(k, KIT_SYNC), 0);
	end(k);
}

static void new_roots_are_encrypted_too(void **state)
{
	struct kit *k = growing(encrypted);
	struct ioas_pt_root root;
	uint64_t table;

	(void)state;
	kit_mapped(k, AT(60), 0, 4096);
	ioas_pt_root(k->pt, &root);
	assert_int_equal(root.level, 5);
	for (table = root.pa; root.level > 2; root.level--) {
		uint64_t word = item_load((uint64_t *)(void *)
					  (k->memory + (table - KIT_PA)));

		assert_true(word & AT(47));
		table = word & (AT(47) - 4096);
	}
	assert_true(ioas_pt_validate(k->pt));
	kit_free(k);
}

/* ---- above the root there is nothing ------------------------------------ */

static void mark_count(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	(void)iova;
	(void)last;
	++*(unsigned int *)ctx;
}

static void above_the_root_nothing_is_mapped(void **state)
{
	struct kit *k = growing(NULL);
	struct ioas_pt_leaf leaf;
	unsigned int marks = 0;

	(void)state;
	kit_mapped(k, 0x1000, 0x2000, 4096);
	assert_true(kit_oa(k->pt, AT(39) + 0x1000) == UINT64_MAX);
	assert_int_equal(ioas_pt_leaf(k->pt, AT(39) + 0x1000, &leaf), -ENOENT);
	assert_int_equal(ioas_pt_remove(k->pt, AT(39) + 0x1000, 4096, NULL), 0);
	assert_int_equal(ioas_pt_split(k->pt, AT(39) + 0x1000), 0);
	assert_int_equal(ioas_pt_split_to(k->pt, AT(39) + 0x1000, 12),
			 -ENOENT);
	assert_int_equal(ioas_pt_merge(k->pt, AT(39), 13), -ENOENT);
	ioas_pt_mark_dirty(k->pt, AT(39), UINT64_MAX);
	assert_int_equal(ioas_pt_read_dirty(k->pt, 0, UINT64_MAX, true,
					    mark_count, &marks), 0);
	assert_int_equal(marks, 0);
	assert_int_equal(level_of(k), 2);
	end(k);
}

static void a_cursor_outlives_a_growth(void **state)
{
	struct kit *k = growing(NULL);
	uint64_t cursor[4] = { 0 }, oa, length;
	const struct ioas_run run = { 0x5000, 4096 };
	struct ioas_pt_map rq = { .iova = 0x1000, .runs = &run, .nr_runs = 1,
				  .length = 4096, .prot = KIT_RW,
				  .cursor = cursor };

	(void)state;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	kit_mapped(k, AT(55), 0, 4096);
	rq.iova = 0x2000;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	rq.iova = AT(55) + 4096;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	rq.iova = 0x600000;
	assert_int_equal(ioas_pt_map(k->pt, &rq), 0);
	assert_int_equal(ioas_pt_translate_run(k->pt, 0x2000, 0x2000, cursor,
					       &oa, &length), 0);
	assert_int_equal(oa, 0x5000);
	end(k);
}

/* ---- two at a time ------------------------------------------------------ */

#define ROUNDS 150

struct pair {
	struct kit *k;
	pthread_barrier_t start;
	atomic_uint grown;
};

struct grower {
	struct pair *pair;
	uint64_t iova;
	int ret;
};

static void *grower(void *arg)
{
	struct grower *g = arg;

	pthread_barrier_wait(&g->pair->start);
	g->ret = kit_map(g->pair->k, g->iova, g->iova & 0xfffff000, 4096,
			 KIT_RW);
	return NULL;
}

static struct pair *counted;

static void count_grown(void *ctx, uint64_t pa, unsigned int level)
{
	(void)ctx;
	(void)pa;
	(void)level;
	atomic_fetch_add(&counted->grown, 1);
}

static void two_threads_may_raise_it_at_once(void **state)
{
	static struct ioas_pt_hooks hooks;
	struct pair pair = { 0 };

	(void)state;
	counted = &pair;
	hooks = kit_hooks;
	hooks.grown = count_grown;
	pthread_barrier_init(&pair.start, NULL, 2);
	for (unsigned int n = 0; n < ROUNDS; n++) {
		struct kit *k = kit_begin(kit_find("amdv1 grows"));
		/* The same level, or one above the other. */
		struct grower g[] = {
			{ &pair, AT(45) + 0x1000, 0 },
			{ &pair, AT(n % 2 ? 62 : 46) + 0x1000, 0 },
		};
		struct ioas_pt_params params;
		pthread_t thread;

		kit_params(k->f, &params);
		k->quiet = true;
		params.mem = &kit_mem_ops;
		params.mem_ctx = k;
		params.hooks = &hooks;
		params.hooks_ctx = k;
		atomic_store(&pair.grown, 0);
		assert_int_equal(ioas_pt_create(k->f->format, &params, &k->pt),
				 0);
		kit_mapped(k, 0x1000, 0x7000, 4096);
		pair.k = k;
		assert_int_equal(pthread_create(&thread, NULL, grower, &g[0]),
				 0);
		grower(&g[1]);
		pthread_join(thread, NULL);
		assert_int_equal(g[0].ret, 0);
		assert_int_equal(g[1].ret, 0);
		assert_int_equal(level_of(k), n % 2 ? 5 : 3);
		/* Once, or first a little and then more. */
		assert_in_range(atomic_load(&pair.grown), 1, n % 2 ? 2 : 1);
		assert_int_equal(kit_oa(k->pt, 0x1000), 0x7000);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(kit_oa(k->pt, g[i].iova),
					 g[i].iova & 0xfffff000);
		end(k);
	}
	pthread_barrier_destroy(&pair.start);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_fit_raises_the_root),
		cmocka_unit_test(the_last_byte_of_a_request_decides),
		cmocka_unit_test(several_levels_are_added_at_once),
		cmocka_unit_test(the_old_root_becomes_an_inner_table),
		cmocka_unit_test(old_mappings_stay),
		cmocka_unit_test(the_root_never_sinks),
		cmocka_unit_test(regress_a_leaf_as_large_as_the_root_spans),
		cmocka_unit_test(a_bound_or_an_output_may_make_it_smaller),
		cmocka_unit_test(regress_a_merge_may_need_a_level_more),
		cmocka_unit_test(the_width_is_the_limit),
		cmocka_unit_test(a_fixed_root_does_not_rise),
		cmocka_unit_test(what_is_refused_raises_nothing),
		cmocka_unit_test(without_memory_it_stays_as_it_is),
		cmocka_unit_test(walkers_learn_of_it_before_it_is_used),
		cmocka_unit_test(growth_needs_no_invalidation),
		cmocka_unit_test(new_roots_are_encrypted_too),
		cmocka_unit_test(above_the_root_nothing_is_mapped),
		cmocka_unit_test(a_cursor_outlives_a_growth),
		cmocka_unit_test(two_threads_may_raise_it_at_once),
	};

	return cmocka_run_group_tests_name("pt_grow", tests, NULL, NULL);
}
