/* SPDX-License-Identifier: MIT */
/*
 * t_pt_threads: operations on disjoint ranges of one page table at a time
 *
 *   IOVA    |0123|0123|0123|0123| ...      each digit a stripe of its thread
 *
 * Stripes stand next to each other in one table, in neighbouring tables, or a
 * gigabyte apart; they share tables at every level above. Each thread maps,
 * asks, cuts, merges and unmaps its own and finds them as it left them, also
 * by a walker that sees only what was flushed (page-tables 5, 6.1). Under TSan
 * this is the proof that no operation needs a lock of the page table.
 */
#include "pt_kit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/bits.h"
#include "base/errno.h"
#include "pt/item.h"

#define NR_THREADS 4
#define NR_STRIPES 6
#define NR_STEPS 300
#define NR_CLEARS UINT64_C(100000)

struct stripe {
	uint64_t iova;
	/* 0: not mapped. */
	uint64_t length;
	uint64_t oa;
};

struct shared {
	struct kit *k;
	/* Bytes of a stripe. */
	uint64_t room;
	unsigned int steps;
	pthread_barrier_t start;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	struct prng rng;
	struct stripe stripe[NR_STRIPES];
	/* NULL: nothing. */
	const char *wrong;
};

static void wrong(struct worker *w, const char *what)
{
	if (!w->wrong)
		w->wrong = what;
}

static uint64_t granule_of(const struct worker *w)
{
	return KIT_PGSIZE(w->shared->k->f->granule_lg2);
}

/* ---- what a thread does with a stripe ----------------------------------- */

/* Some pages, or a few large leaves. */
static void stripe_map(struct worker *w, struct stripe *s)
{
	const struct kit_format *f = w->shared->k->f;
	uint64_t granule = granule_of(w), room = w->shared->room;
	bool large = prng_below(&w->rng, 2);
	struct ioas_run runs[2];
	struct ioas_pt_map rq = { .iova = s->iova, .runs = runs, .nr_runs = 2,
				  .prot = KIT_RW };

	s->length = large ? room : (1 + prng_below(&w->rng, 600)) * granule;
	if (s->length > room)
		s->length = room;
	/* So that large leaves fit; frames below 4 GiB do in all formats. */
	s->oa = s->iova & 0x7fffffff & (room - 1);
	if (s->oa + s->length > (uint64_t)1 << (f->oa_bits - 1))
		s->oa = 0;
	if (!large)
		s->oa += granule * prng_below(&w->rng, 16);
	runs[0] = (struct ioas_run){ s->oa, granule };
	runs[1] = (struct ioas_run){ s->oa + granule, s->length - granule };
	if (large || s->length == granule) {
		runs[0].nr = s->length;
		rq.nr_runs = 1;
	}
	rq.length = s->length;
	if (ioas_pt_map(w->shared->k->pt, &rq))
		wrong(w, "map");
}

struct taken {
	const struct stripe *s;
	uint64_t length;
	bool wrong;
};

static bool take(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	struct taken *t = ctx;

	if (iova != t->s->iova + t->length || oa != t->s->oa + t->length)
		t->wrong = true;
	t->length += length;
	return true;
}

static void stripe_unmap(struct worker *w, struct stripe *s)
{
	struct ioas_pt *pt = w->shared->k->pt;
	uint64_t last = s->iova + (s->length - 1);
	struct taken t = { .s = s };
	struct ioas_pt_unmap rq = { .iova = s->iova, .want_last = last,
				    .last = last };

	switch (prng_below(&w->rng, 3)) {
	case 0:
		if (ioas_pt_remove(pt, s->iova, s->length, NULL) != s->length)
			wrong(w, "remove");
		break;
	case 1:
		rq.take = take;
		rq.ctx = &t;
		if (ioas_pt_unmap(pt, &rq) != last || t.wrong ||
		    t.length != s->length)
			wrong(w, "unmap with addresses");
		break;
	default:
		if (ioas_pt_unmap(pt, &rq) != last)
			wrong(w, "unmap");
	}
	s->length = 0;
	if (prng_below(&w->rng, 2))
		ioas_pt_sync(pt);
}

/* By the page table, a lookup, and a walker that sees the mirror. */
static void stripe_look(struct worker *w, const struct stripe *s)
{
	struct kit *k = w->shared->k;
	struct walker_memory io = kit_walker_memory(k);
	uint64_t at = prng_below(&w->rng, s->length ? s->length : 1);
	uint64_t iova = s->iova + at, oa, length;
	struct walker_config cfg;
	struct walker_result r;
	struct ioas_pt_hit hit;
	int ret = ioas_pt_translate_run(k->pt, iova, s->iova + w->shared->room -
							     1,
					NULL, &oa, &length);
	int looked = ioas_pt_lookup(k->pt, iova, &hit);

	kit_walker(k, &cfg);
	walker_walk(&cfg, &io, iova, 0, &r);
	if (!s->length) {
		if (ret != -ENOENT || looked != -ENOENT)
			wrong(w, "something is mapped");
		else if (r.status == WALKER_OK)
			wrong(w, "a walker finds something");
		return;
	}
	if (ret || oa != s->oa + at || length != s->length - at)
		wrong(w, "translation");
	if (looked || hit.oa + (iova & (KIT_PGSIZE(hit.lg2) - 1)) != s->oa + at)
		wrong(w, "lookup");
	if (r.status != WALKER_OK || r.oa != s->oa + at)
		wrong(w, "a walker does not see it");
}

static void count_bytes(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	*(uint64_t *)ctx += last - iova + 1;
}

/* Everything dirty, then nothing. */
static void stripe_dirty(struct worker *w, const struct stripe *s)
{
	struct ioas_pt *pt = w->shared->k->pt;
	uint64_t last = s->iova + (s->length - 1), bytes = 0;

	if (!kit_tracks(w->shared->k->f))
		return;
	ioas_pt_mark_dirty(pt, s->iova, last);
	ioas_pt_read_dirty(pt, s->iova, last, true, count_bytes, &bytes);
	if (bytes != s->length)
		wrong(w, "dirty state is lost");
	bytes = 0;
	ioas_pt_read_dirty(pt, s->iova, last, false, count_bytes, &bytes);
	if (bytes)
		wrong(w, "dirty state comes back");
}

/* Cut a leaf of moderate size, perhaps make it one again. */
static void stripe_cut(struct worker *w, const struct stripe *s)
{
	struct kit *k = w->shared->k;
	uint64_t iova = s->iova + prng_below(&w->rng, s->length);
	struct ioas_pt_leaf leaf;
	int ret;

	if (ioas_pt_leaf(k->pt, iova, &leaf) ||
	    leaf.lg2 > k->f->granule_lg2 + 9u)
		return;
	if (ioas_pt_split_to(k->pt, iova, k->f->granule_lg2))
		wrong(w, "split");
	if (prng_below(&w->rng, 2))
		return;
	/* Mock outputs, for one, need not be aligned any more. */
	ret = ioas_pt_merge(k->pt, leaf.iova, leaf.lg2);
	if (ret)
		wrong(w, "merge");
	ioas_pt_sync(k->pt);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	pthread_barrier_wait(&w->shared->start);
	for (unsigned int n = 0; n < w->shared->steps && !w->wrong; n++) {
		struct stripe *s = &w->stripe[prng_below(&w->rng, NR_STRIPES)];

		if (!s->length) {
			stripe_map(w, s);
			stripe_look(w, s);
			continue;
		}
		switch (prng_below(&w->rng, 4)) {
		case 0:
			stripe_cut(w, s);
			break;
		case 1:
			stripe_dirty(w, s);
			break;
		default:
			stripe_look(w, s);
			stripe_unmap(w, s);
		}
		stripe_look(w, s);
	}
	return NULL;
}

/* ---- all of them -------------------------------------------------------- */

/* What is mapped at the end is what the threads say. */
static void compare(struct kit *k, const struct worker *w)
{
	uint64_t mapped = 0, leaves = 0, oa, length;
	struct kit_leaves l;

	for (unsigned int t = 0; t < NR_THREADS; t++)
		for (unsigned int i = 0; i < NR_STRIPES; i++) {
			const struct stripe *s = &w[t].stripe[i];

			mapped += s->length;
			if (!s->length)
				continue;
			assert_int_equal(ioas_pt_translate_run(
				k->pt, s->iova, s->iova + (s->length - 1),
				NULL, &oa, &length), 0);
			assert_true(oa == s->oa && length == s->length);
		}
	kit_leaves(k->pt, &l);
	for (size_t i = 0; i < l.nr; i++)
		leaves += KIT_PGSIZE(l.leaf[i].lg2);
	kit_leaves_free(&l);
	assert_true(leaves == mapped);
	kit_check(k);
}

static void run(struct kit *k, struct worker *w, struct shared *shared)
{
	const char *what = NULL;

	pthread_barrier_init(&shared->start, NULL, NR_THREADS);
	k->quiet = true;
	for (unsigned int t = 0; t < NR_THREADS; t++) {
		w[t].shared = shared;
		w[t].rng.state += t;
		assert_int_equal(pthread_create(&w[t].thread, NULL, work,
						&w[t]), 0);
	}
	for (unsigned int t = 0; t < NR_THREADS; t++) {
		pthread_join(w[t].thread, NULL);
		if (w[t].wrong)
			what = w[t].wrong;
	}
	pthread_barrier_destroy(&shared->start);
	if (what)
		fail_msg("%s: %s", k->f->name, what);
	compare(k, w);
}

/* Stripes of @room bytes side by side from @base on. */
static void side_by_side(struct kit *k, uint64_t base, uint64_t room)
{
	struct shared shared = { .k = k, .room = room, .steps = NR_STEPS };
	struct worker w[NR_THREADS] = { 0 };

	for (unsigned int t = 0; t < NR_THREADS; t++)
		for (uint64_t i = 0; i < NR_STRIPES; i++)
			w[t].stripe[i].iova =
				base + (i * NR_THREADS + t) * room;
	run(k, w, &shared);
}

#define NR_ALL (NR_THREADS * NR_STRIPES)

/* As far down as they fit; in the upper half, if there is one. */
static uint64_t base_of(const struct kit_format *f, uint64_t room)
{
	uint64_t all = NR_ALL * room, last = kit_last(f);

	if (all - 1 > last)
		return UINT64_MAX;
	return kit_signed(f) ? -all & -room : (last + 1 - all) & -room;
}

static void stripes_of(unsigned int (*room_lg2)(const struct kit_format *f))
{
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		const struct kit_format *f = &kit_formats[i];
		uint64_t room = KIT_PGSIZE(room_lg2(f));
		uint64_t base = base_of(f, room);
		struct kit *k;

		if (base == UINT64_MAX || room > (uint64_t)1 << 31)
			continue;
		k = kit_new(f, NULL);
		side_by_side(k, base, room);
		kit_free(k);
	}
}

/* Leaves of several items do not fit: those of one table are ours and theirs. */
static unsigned int four_pages(const struct kit_format *f)
{
	return f->granule_lg2 + 2u;
}

static unsigned int one_page(const struct kit_format *f)
{
	return f->granule_lg2;
}

static unsigned int a_table(const struct kit_format *f)
{
	return kit_item_lg2(f, 1);
}

static unsigned int a_gigabyte(const struct kit_format *f)
{
	(void)f;
	return 30;
}

static void stripes_of_a_page_share_a_table(void **state)
{
	(void)state;
	stripes_of(one_page);
}

static void stripes_of_four_pages_share_a_table(void **state)
{
	(void)state;
	stripes_of(four_pages);
}

static void stripes_of_a_table_share_the_one_above(void **state)
{
	(void)state;
	stripes_of(a_table);
}

static void stripes_a_gigabyte_apart_share_the_root(void **state)
{
	(void)state;
	stripes_of(a_gigabyte);
}

/* ---- growth ------------------------------------------------------------- */

static void two_levels(struct ioas_pt_params *params)
{
	params->levels = 2;
}

/* Each stripe higher than the one before, so that all threads raise it. */
static void threads_raise_the_root_while_others_map(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 24; round++) {
		struct kit *k = kit_new(kit_find("amdv1 grows"), two_levels);
		struct shared shared = { .k = k, .room = 2 * KIT_MIB,
					 .steps = NR_STEPS / 3 };
		struct worker w[NR_THREADS] = { 0 };
		struct ioas_pt_root root;

		for (unsigned int t = 0; t < NR_THREADS; t++)
			for (unsigned int i = 0; i < NR_STRIPES; i++) {
				w[t].rng.state = round * 100;
				w[t].stripe[i].iova = KIT_PGSIZE(
					22 + 8 * i) + t * 2 * KIT_MIB;
			}
		run(k, w, &shared);
		ioas_pt_root(k->pt, &root);
		assert_int_equal(root.level, 5);
		kit_free(k);
	}
}

/* ---- what a device writes meanwhile (9.7) -------------------------------- */

struct device {
	uint64_t *item;
	uint64_t bit;
	atomic_bool stop;
	unsigned int lost, back;
};

/* Sets and clears a bit of its own, and finds it as it left it. */
static void *device_run(void *arg)
{
	struct device *d = arg;

	while (!atomic_load_explicit(&d->stop, memory_order_relaxed)) {
		item_fetch_or(d->item, d->bit);
		d->lost += !(item_load(d->item) & d->bit);
		d->lost += !(item_fetch_clear(d->item, d->bit) & d->bit);
		d->back += !!(item_load(d->item) & d->bit);
	}
	return NULL;
}

static void a_clear_loses_no_other_bit(void **state)
{
	static const struct { const char *name; uint64_t bit; } rows[] = {
		{ "amdv1 grows", 1 << 5 }, { "vtdss 4 levels", 1 << 8 },
		{ "x86_64 sign", 1 << 11 },
		{ "arm64_s1 4K", (uint64_t)1 << 56 },
		{ "arm64_s2 4K eight roots", (uint64_t)1 << 56 },
		{ "riscv64 Sv48", 1 << 9 },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kit *k = kit_new(kit_find(rows[i].name), NULL);
		struct device d = { .bit = rows[i].bit };
		struct ioas_pt_hit hit;
		pthread_t thread;
		uint64_t bytes = 0;

		k->quiet = true;
		kit_mapped(k, 0, 0, 4096);
		assert_int_equal(ioas_pt_lookup(k->pt, 0, &hit), 0);
		d.item = hit.item;
		assert_int_equal(pthread_create(&thread, NULL, device_run, &d),
				 0);
		for (uint64_t n = 0; n < NR_CLEARS; n++) {
			ioas_pt_mark_dirty(k->pt, 0, 4095);
			ioas_pt_read_dirty(k->pt, 0, 4095, true, count_bytes,
					   &bytes);
		}
		atomic_store(&d.stop, true);
		pthread_join(thread, NULL);
		assert_int_equal(d.lost, 0);
		assert_int_equal(d.back, 0);
		assert_int_equal(bytes, NR_CLEARS * 4096);
		kit_free(k);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stripes_of_a_page_share_a_table),
		cmocka_unit_test(stripes_of_four_pages_share_a_table),
		cmocka_unit_test(stripes_of_a_table_share_the_one_above),
		cmocka_unit_test(stripes_a_gigabyte_apart_share_the_root),
		cmocka_unit_test(threads_raise_the_root_while_others_map),
		cmocka_unit_test(a_clear_loses_no_other_bit),
	};

	return cmocka_run_group_tests_name("pt_threads", tests, NULL, NULL);
}
