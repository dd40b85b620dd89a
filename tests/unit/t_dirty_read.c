/* SPDX-License-Identifier: MIT */
/*
 * dirty read: piece by piece, and without a lock while memory is copied
 *
 *   space    | scattered | 2M 2M 2M | scattered | ...     no gaps
 *   domain 0   is read by ioas_dirty_read(), in stretches
 *   domain 1   has the same leaves and writes, and is read in one go
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "prng.h"
#include "script.h"

#define MIB (UINT64_C(1) << 20)
#define IO (UINT64_C(1) << 32)
#define TOP UINT64_MAX
/* Pages of each kind, and of the span. */
#define FEW 300u
#define LARGE (4 * MIB / P)
#define STRIPES 4u
#define SPAN (STRIPES * (2 * MIB + 4 * MIB))
/* Finest bits. */
#define FINEST 64u

static uint8_t bitmap[SPAN / FINEST / 8];
static uint8_t twin[SPAN / FINEST / 8];

/* ---- the space ----------------------------------------------------------- */

static void map_piece(struct world *w, uint64_t page, ioas_iova_t iova,
		      uint64_t length)
{
	assert_int_equal(ioas_iopt_map(w->spaces[0], w->origins[0], page * P,
				       length, RW, IOAS_MAP_FIXED, &iova), 0);
}

/* LARGE pages from @page on that large leaves can map; where they begin. */
static uint64_t large_memory(struct world *w, uint64_t page)
{
	const uint64_t leaf = 2 * MIB / P;
	ioas_pfn_t pfn;

	world_map_memory(w, 0, page, LARGE + leaf, IOAS_SIM_CONSECUTIVE, 0);
	assert_true(ioas_sim_frame_at(w->origins[0], page, &pfn));
	return page + (leaf - pfn % leaf) % leaf;
}

/* Each stripe: 2 MiB of small leaves in two areas, then 4 MiB of large ones. */
static void setup_world(struct world *w, bool table, unsigned int nr_domains)
{
	const struct world_limits limits = { .table = table };
	const uint64_t small = 2 * MIB / P;
	uint64_t page = small;

	world_init(w, &limits);
	world_process(w, 0);
	assert_int_equal(world_space(w, 0), 0);
	for (unsigned int d = 0; d < nr_domains; d++) {
		assert_int_equal(world_domain(w, d, PAGES_ALL, 0, TOP), 0);
		assert_int_equal(world_attach(w, 0, d), 0);
	}
	for (unsigned int i = 0; i < STRIPES; i++) {
		const ioas_iova_t at = IO + i * (6 * MIB);

		world_map_memory(w, 0, page, small, IOAS_SIM_SCATTERED, 0);
		map_piece(w, page, at, FEW * P);
		map_piece(w, page + FEW, at + FEW * P, 2 * MIB - FEW * P);
		page += small;
		map_piece(w, large_memory(w, page), at + 2 * MIB, 4 * MIB);
		page += LARGE + small;
	}
	for (unsigned int d = 0; d < nr_domains; d++)
		assert_int_equal(ioas_dirty_set(w->spaces[0], w->domains[d],
						true), 0);
}

/* ---- the twin ------------------------------------------------------------ */

struct twin {
	struct ioas_dirty_sink sink;
	const struct ioas_dirty_request *rq;
};

static void twin_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		      ioas_iova_t last)
{
	const struct ioas_dirty_request *rq =
		ioas_container_of(sink, struct twin, sink)->rq;

	for (uint64_t bit = (iova - rq->iova) / rq->granularity;
	     bit <= (last - rq->iova) / rq->granularity; bit++)
		twin[bit / 8] |= (uint8_t)(1u << bit % 8);
}

/* Returns the number of bytes that are not zero. */
static unsigned int compare(struct world *w, struct ioas_dirty_request rq)
{
	struct twin t = { { twin_mark }, &rq };
	unsigned int nr = 0;

	memset(bitmap, 0, sizeof(bitmap));
	memset(twin, 0, sizeof(twin));
	rq.bitmap = (uintptr_t)bitmap;
	assert_int_equal(ioas_dirty_read(w->spaces[0], w->domains[0], &rq), 0);
	w->domains[1]->ops->read_and_clear_dirty(w->domains[1], rq.iova,
						 rq.iova + (rq.length - 1),
						 rq.flags, &t.sink);
	w->domains[1]->ops->sync(w->domains[1]);
	assert_memory_equal(bitmap, twin, sizeof(twin));
	for (size_t i = 0; i < sizeof(twin); i++)
		nr += !!twin[i];
	return nr;
}

static void touch(struct world *w, ioas_iova_t iova, uint64_t length)
{
	for (unsigned int d = 0; d < 2; d++)
		world_touch(w, d, iova, iova + (length - 1));
}

static void some_writes(struct world *w, struct prng *r)
{
	const unsigned int nr = (unsigned int)prng_below(r, 40);

	for (unsigned int i = 0; i < nr; i++) {
		const uint64_t at = prng_below(r, SPAN / P);
		const uint64_t pages = prng_below(r, 8) ? 1 : 400;

		touch(w, IO + at * P, ioas_min(pages, SPAN / P - at) * P);
	}
}

static struct ioas_dirty_request some_request(struct prng *r)
{
	static const uint64_t sizes[] = { FINEST, 512, P, 4 * P, 2 * MIB };
	const uint64_t g = sizes[prng_below(r, IOAS_ARRAY_SIZE(sizes))];
	const uint64_t unit = ioas_max(g, P), units = SPAN / unit;
	const uint64_t at = prng_below(r, 3) ? prng_below(r, units) : 0;

	return (struct ioas_dirty_request){
		.iova = IO + at * unit,
		.length = (1 + prng_below(r, units - at)) * unit,
		.granularity = g,
		.flags = prng_below(r, 4) ? 0 : IOAS_DIRTY_NO_CLEAR,
		.window = prng_below(r, 4) ? 0 : 8,
	};
}

static void check_twins(bool table)
{
	const struct ioas_dirty_request all = {
		.iova = IO, .length = SPAN, .granularity = FINEST,
	};
	struct prng r = { 7 };
	unsigned int found = 0;
	struct world w;

	setup_world(&w, table, 2);
	assert_int_equal(w.domains[0]->ops->leaf_last(w.domains[0],
						      IO + 2 * MIB),
			 IO + 2 * MIB + (table ? 2 * MIB : P) - 1);
	for (unsigned int i = 0; i < 300; i++) {
		some_writes(&w, &r);
		found += !!compare(&w, some_request(&r));
	}
	assert_true(found > 100);
	/* The finest bits of everything: 192 stages full, or large leaves. */
	touch(&w, IO, SPAN);
	assert_int_equal(compare(&w, all), sizeof(twin));
	assert_int_equal(compare(&w, all), 0);
	world_fini(&w);
}

static void stretches_find_what_one_read_finds(void **state)
{
	(void)state;
	check_twins(true);
}

static void stretches_of_a_flat_domain_do_too(void **state)
{
	(void)state;
	check_twins(false);
}

/* ---- memory that takes its time ------------------------------------------ */

static struct {
	struct world *w;
	unsigned int copies;
	/* Unmap this at the first copy; 0: nothing. */
	ioas_iova_t unmap;
	uint64_t length;
} slow;

/* Whoever wants to change the space can. */
static void *change(void *arg)
{
	struct ioas *ioas = slow.w->spaces[0];

	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_write_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_write_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
	return arg;
}

static void be_slow(void)
{
	uint64_t unmapped;
	pthread_t thread;

	assert_int_equal(ioas_plat_thread()->nr_held, 0);
	assert_int_equal(pthread_create(&thread, NULL, change, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (slow.unmap && !slow.copies)
		assert_int_equal(ioas_iopt_unmap(slow.w->spaces[0], slow.unmap,
						 slow.length, &unmapped), 0);
	slow.copies++;
}

static int slow_from(struct ioas_caller *c, void *dst, uint64_t src, size_t n)
{
	(void)c;
	be_slow();
	memcpy(dst, (const void *)(uintptr_t)src, n);
	return 0;
}

static int slow_to(struct ioas_caller *c, uint64_t dst, const void *src,
		   size_t n)
{
	(void)c;
	be_slow();
	memcpy((void *)(uintptr_t)dst, src, n);
	return 0;
}

static const struct ioas_uaccess_ops slow_memory = { slow_from, slow_to };

static void no_lock_is_held_while_memory_is_copied(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = IO,
		.length = SPAN,
		.granularity = 512,
		.bitmap = (uintptr_t)bitmap,
	};
	struct world w;

	(void)state;
	setup_world(&w, true, 1);
	world_touch(&w, 0, IO, IO + SPAN - 1);
	memset(bitmap, 0, sizeof(bitmap));
	memset(&slow, 0, sizeof(slow));
	slow.w = &w;
	w.caller.uaccess = &slow_memory;
	assert_int_equal(ioas_dirty_read(w.spaces[0], w.domains[0], &rq), 0);
	w.caller.uaccess = NULL;
	/* Each window is read and written: 256 bytes. */
	assert_true(slow.copies >= 2 * (SPAN / 512 / 8 / 256));
	for (size_t i = 0; i < SPAN / 512 / 8; i++)
		assert_int_equal(bitmap[i], 0xff);
	world_fini(&w);
}

/* What goes meanwhile is a gap, up to which everything is reported. */
static void a_change_in_between_is_seen(void **state)
{
	const struct ioas_dirty_request rq = {
		.iova = IO,
		.length = SPAN,
		.granularity = 512,
		.bitmap = (uintptr_t)bitmap,
	};
	struct world w;

	(void)state;
	setup_world(&w, true, 1);
	world_touch(&w, 0, IO, IO + SPAN - 1);
	memset(bitmap, 0, sizeof(bitmap));
	memset(&slow, 0, sizeof(slow));
	slow.w = &w;
	slow.unmap = IO + 2 * MIB;
	slow.length = 4 * MIB;
	w.caller.uaccess = &slow_memory;
	assert_int_equal(ioas_dirty_read(w.spaces[0], w.domains[0], &rq),
			 -EINVAL);
	w.caller.uaccess = NULL;
	for (size_t i = 0; i < SPAN / 512 / 8; i++)
		assert_int_equal(bitmap[i],
				 i < 2 * MIB / 512 / 8 ? 0xff : 0);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stretches_find_what_one_read_finds),
		cmocka_unit_test(stretches_of_a_flat_domain_do_too),
		cmocka_unit_test(no_lock_is_held_while_memory_is_copied),
		cmocka_unit_test(a_change_in_between_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
