/* SPDX-License-Identifier: MIT */
/*
 * The frame space against an array: every number of a small window around the
 * borders where the tree changes shape, and threads that look up while others
 * register.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/bits.h"
#include "origin/frames.h"
#include "plat/common/fault_arm.h"
#include "plat/posix/memory.h"
#include "seam/caller.h"

#define SLOT ((uint64_t)1 << 18)

static uint64_t rng;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static void space_init(struct ioas_frames *fs, uint8_t page_lg2)
{
	assert_int_equal(ioas_frames_init(fs, page_lg2), 0);
}

static size_t memory_blocks(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

/* An owner's page n is at owner + n, so that any pointer names its page. */
static char anchor[256];

static void *anchor_pointer(void *owner, uint64_t page)
{
	return (void *)((uintptr_t)owner + (uintptr_t)page);
}

static const struct ioas_frames_ops anchor_ops = {
	.pointer = anchor_pointer,
};

static struct ioas_frames_owner owner_of(void *owner)
{
	return (struct ioas_frames_owner){ .ops = &anchor_ops,
					   .owner = owner };
}

static void init_refuses_page_sizes_out_of_bounds(void **state)
{
	struct ioas_frames fs;

	(void)state;
	assert_int_equal(ioas_frames_init(&fs, 2), -EINVAL);
	assert_int_equal(ioas_frames_init(&fs, 31), -EINVAL);
}

static void own_memory_needs_no_registration(void **state)
{
	struct ioas_frames fs;
	uint64_t page, nr;
	void *owner = anchor;

	(void)state;
	for (uint8_t lg2 = 3; lg2 <= 30; lg2++) {
		uint64_t pfn = (uintptr_t)anchor >> lg2;

		space_init(&fs, lg2);
		assert_true(ioas_frames_lookup(&fs, pfn, &owner, &page));
		assert_null(owner);
		assert_int_equal(page, pfn);
		assert_ptr_equal(ioas_frames_pointer(&fs, pfn),
				 (void *)((uintptr_t)anchor >> lg2 << lg2));
		/* The page of a program at low addresses may begin at 0. */
		assert_ptr_equal(ioas_frames_run(&fs, pfn, &nr),
				 (void *)((uintptr_t)anchor >> lg2 << lg2));
		assert_int_equal(pfn + nr, fs.identity_nr);
		assert_int_equal(fs.identity_nr,
				 (uint64_t)1
					 << (IOAS_FRAMES_IDENTITY_LG2 - lg2));
		assert_null(ioas_frames_pointer(&fs, fs.identity_nr));
		assert_int_equal(ioas_frames_register(
					 &fs, fs.identity_nr - 1, 2,
					 &(struct ioas_frames_owner){
						 .base = anchor }),
				 -EEXIST);
		ioas_frames_fini(&fs);
	}
}

static void linear_memory_is_found_page_by_page(void **state)
{
	struct ioas_frames_owner by = { .owner = &rng };
	struct ioas_frames fs;
	ioas_pfn_t first;
	uint64_t page, nr;
	char memory[8 * 5];
	void *owner;

	(void)state;
	by.base = memory;
	space_init(&fs, 3);
	assert_int_equal(ioas_frames_alloc(&fs, 5, &by, &first), 0);
	assert_true(first >= fs.identity_nr);
	assert_int_equal(first % SLOT, 0);
	for (uint64_t i = 0; i < 5; i++) {
		assert_true(ioas_frames_lookup(&fs, first + i, &owner, &page));
		assert_ptr_equal(owner, &rng);
		assert_int_equal(page, i);
		assert_ptr_equal(ioas_frames_run(&fs, first + i, &nr),
				 memory + 8 * i);
		assert_int_equal(nr, 5 - i);
	}
	/* Numbers beyond the memory belong to nobody, yet are not free. */
	assert_false(ioas_frames_lookup(&fs, first + 5, &owner, &page));
	assert_null(ioas_frames_pointer(&fs, first + 5));
	assert_int_equal(ioas_frames_register(&fs, first + 5, 1, &by),
			 -EEXIST);
	ioas_frames_free(&fs, first);
	assert_null(ioas_frames_pointer(&fs, first));
	ioas_frames_fini(&fs);
}

static void other_memory_is_asked_of_its_owner(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t first;
	uint64_t nr;

	(void)state;
	space_init(&fs, 12);
	assert_int_equal(ioas_frames_alloc(&fs, 3, &by, &first), 0);
	assert_ptr_equal(ioas_frames_run(&fs, first + 2, &nr), anchor + 2);
	assert_int_equal(nr, 1);
	assert_null(ioas_frames_run(&fs, first + 3, &nr));
	assert_int_equal(nr, 0);
	ioas_frames_free(&fs, first);
	ioas_frames_fini(&fs);
}

static void bad_arguments_are_einval(void **state)
{
	struct ioas_frames_owner nobody = { .owner = anchor };
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t first = 77;

	(void)state;
	space_init(&fs, 12);
	assert_int_equal(ioas_frames_alloc(&fs, 0, &by, &first), -EINVAL);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &nobody, &first), -EINVAL);
	assert_int_equal(ioas_frames_alloc(&fs, UINT64_MAX, &by, &first),
			 -ENOSPC);
	assert_int_equal(ioas_frames_register(&fs, fs.last, 0, &by), -EINVAL);
	assert_int_equal(ioas_frames_register(&fs, fs.last, 2, &by), -EINVAL);
	assert_int_equal(ioas_frames_register(&fs, 2, UINT64_MAX, &by),
			 -EINVAL);
	assert_int_equal(first, 77);
	assert_int_equal(fs.nr_ranges, 0);
	assert_null(ioas_frames_pointer(&fs, UINT64_MAX));
	ioas_frames_fini(&fs);
}

static void last_frames_of_all_can_be_registered(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;

	(void)state;
	for (uint8_t lg2 = 3; lg2 <= 30; lg2++) {
		space_init(&fs, lg2);
		assert_int_equal(fs.last, UINT64_MAX >> lg2);
		assert_int_equal(
			ioas_frames_register(&fs, fs.last - 9, 10, &by), 0);
		assert_null(ioas_frames_pointer(&fs, fs.last - 10));
		for (uint64_t i = 0; i < 10; i++)
			assert_ptr_equal(
				ioas_frames_pointer(&fs, fs.last - 9 + i),
				anchor + i);
		assert_null(ioas_frames_pointer(&fs, fs.last + 1));
		ioas_frames_free(&fs, fs.last - 9);
		ioas_frames_fini(&fs);
	}
}

static void a_huge_range_costs_a_few_nodes(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	uint64_t nr = ((uint64_t)1 << 50) + 1;
	size_t before = memory_blocks();
	struct ioas_frames fs;
	ioas_pfn_t first;
	uint64_t page;
	void *owner;

	(void)state;
	space_init(&fs, 12);
	assert_int_equal(ioas_frames_alloc(&fs, nr, &by, &first), 0);
	/* Root, range, and what the odd frame at the end and the start need. */
	assert_true(memory_blocks() - before <= 2 + 2 * 6);
	assert_true(ioas_frames_lookup(&fs, first + nr - 1, &owner, &page));
	assert_int_equal(page, nr - 1);
	assert_false(ioas_frames_lookup(&fs, first + nr, &owner, &page));
	ioas_frames_free(&fs, first);
	ioas_frames_fini(&fs);
	assert_int_equal(memory_blocks(), before);
}

static void numbers_are_reused_only_after_a_lap(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t a, b, c, d;
	uint64_t lowest;

	(void)state;
	space_init(&fs, 12);
	lowest = ioas_align_up(fs.identity_nr, SLOT);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &a), 0);
	assert_int_equal(a, lowest);
	ioas_frames_free(&fs, a);
	assert_int_equal(ioas_frames_alloc(&fs, SLOT + 1, &by, &b), 0);
	assert_int_equal(b, a + SLOT);
	/* The lap's end: what is in use is stepped over. */
	assert_int_equal(fs.ceiling, ((uint64_t)1 << 40) - 1);
	fs.next = fs.lap - SLOT + 1;
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &c), 0);
	assert_int_equal(c, fs.lap - SLOT + 1);
	assert_int_equal(ioas_frames_alloc(&fs, 2 * SLOT, &by, &d), 0);
	assert_int_equal(d, b + 2 * SLOT);
	ioas_frames_free(&fs, b);
	ioas_frames_free(&fs, c);
	ioas_frames_free(&fs, d);
	ioas_frames_fini(&fs);
}

static void memory_does_not_grow_with_the_numbers_given_out(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t pfn, last = 0;
	size_t before;

	(void)state;
	space_init(&fs, 12);
	/* More than a lap; a range that is in use lengthens it. */
	assert_int_equal(ioas_frames_alloc(&fs, fs.identity_nr, &by, &pfn), 0);
	before = memory_blocks();
	for (unsigned int i = 0; i < 20000; i++) {
		ioas_pfn_t one;

		assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &one), 0);
		assert_true(one > pfn);
		assert_int_not_equal(one, last);
		last = one;
		ioas_frames_free(&fs, one);
	}
	assert_true(memory_blocks() <= before + 12);
	ioas_frames_free(&fs, pfn);
	ioas_frames_fini(&fs);
}

static void numbers_above_the_ceiling_are_the_last_resort(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t low, high, again;
	uint64_t lowest;

	(void)state;
	space_init(&fs, 12);
	lowest = ioas_align_up(fs.identity_nr, SLOT);
	assert_int_equal(ioas_frames_alloc(&fs, fs.ceiling - lowest + 1, &by,
					   &low),
			 0);
	assert_int_equal(low, lowest);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &high), 0);
	assert_int_equal(high, fs.ceiling + 1);
	ioas_frames_free(&fs, low);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &again), 0);
	assert_int_equal(again, lowest);
	ioas_frames_free(&fs, again);
	ioas_frames_free(&fs, high);
	ioas_frames_fini(&fs);
}

/* ---- copies: each byte of a range knows where it is --------------------- */

#define COPY_PAGES 3u

struct copy_range {
	uint8_t bytes[COPY_PAGES * 8];
	unsigned int calls;
};

static void *no_pointer(void *owner, uint64_t page)
{
	(void)owner;
	(void)page;
	return NULL;
}

static int range_copy(void *owner, uint64_t page, uint64_t offset,
		      void *buffer, uint64_t length, bool write)
{
	struct copy_range *r = owner;
	uint8_t *p = r->bytes + page * 8 + offset;

	r->calls++;
	assert_true(page * 8 + offset + length <= sizeof(r->bytes));
	if (write)
		memcpy(p, buffer, (size_t)length);
	else
		memcpy(buffer, p, (size_t)length);
	return 0;
}

static void copies_go_on_from_range_to_range(void **state)
{
	static const struct ioas_frames_ops ops = { .pointer = no_pointer,
						    .copy = range_copy };
	static const struct ioas_frames_ops mute = { .pointer = no_pointer };
	struct copy_range a = { .calls = 0 }, c = { .calls = 0 };
	uint8_t b[COPY_PAGES * 8], buffer[9 * 8], model[9 * 8];
	const uint64_t first = (uint64_t)1 << 50;
	struct ioas_frames fs;

	(void)state;
	space_init(&fs, 3);
	/* By copy, by memory, by copy; then one that has neither. */
	assert_int_equal(ioas_frames_register(&fs, first, 3,
					      &(struct ioas_frames_owner){
						      &ops, &a, NULL }),
			 0);
	assert_int_equal(ioas_frames_register(&fs, first + 3, 3,
					      &(struct ioas_frames_owner){
						      NULL, NULL, b }),
			 0);
	assert_int_equal(ioas_frames_register(&fs, first + 6, 3,
					      &(struct ioas_frames_owner){
						      &ops, &c, NULL }),
			 0);
	assert_int_equal(ioas_frames_register(&fs, first + 9, 1,
					      &(struct ioas_frames_owner){
						      &mute, &c, NULL }),
			 0);
	for (unsigned int i = 0; i < sizeof(model); i++)
		model[i] = (uint8_t)(i + 1);
	assert_int_equal(ioas_frames_copy(&fs, first, 0, model, sizeof(model),
					  true),
			 0);
	assert_memory_equal(a.bytes, model, 24);
	assert_memory_equal(b, model + 24, 24);
	assert_memory_equal(c.bytes, model + 48, 24);
	/* One call for what lies in one range. */
	assert_int_equal(a.calls, 1);
	assert_int_equal(c.calls, 1);
	for (unsigned int at = 0; at < sizeof(model); at++)
		for (unsigned int n = 0; n <= sizeof(model) - at; n++) {
			memset(buffer, 0, sizeof(buffer));
			assert_int_equal(ioas_frames_copy(&fs, first + at / 8,
							  at % 8, buffer, n,
							  false),
					 0);
			assert_memory_equal(buffer, model + at, n);
			assert_true(n == sizeof(model) || !buffer[n]);
		}
	assert_int_equal(ioas_frames_copy(&fs, first + 8, 0, buffer, 9, false),
			 -EFAULT);
	assert_int_equal(ioas_frames_copy(&fs, first + 10, 0, buffer, 1, false),
			 -EFAULT);
	for (unsigned int i = 0; i < 9; i += 3)
		ioas_frames_free(&fs, first + i);
	ioas_frames_free(&fs, first + 9);
	ioas_frames_fini(&fs);
}

static void a_full_space_is_enospc(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct ioas_frames fs;
	ioas_pfn_t all, one = 5;

	(void)state;
	space_init(&fs, 12);
	assert_int_equal(ioas_frames_alloc(&fs, fs.last - fs.identity_nr + 1,
					   &by, &all),
			 0);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &one), -ENOSPC);
	assert_int_equal(one, 5);
	ioas_frames_free(&fs, all);
	assert_int_equal(ioas_frames_alloc(&fs, 1, &by, &one), 0);
	ioas_frames_free(&fs, one);
	ioas_frames_fini(&fs);
}

/* ---- against an array --------------------------------------------------- */

#define WINDOW 64u

struct model {
	struct ioas_frames fs;
	uint64_t base;
	/* Start of the range that has the frame, plus one; 0: none. */
	unsigned int start[WINDOW];
};

static void model_check(struct model *m)
{
	for (unsigned int i = 0; i < WINDOW; i++) {
		void *owner = NULL;
		uint64_t page = 0;
		bool found = ioas_frames_lookup(&m->fs, m->base + i, &owner,
						&page);

		assert_int_equal(found, m->start[i] != 0);
		if (found) {
			assert_ptr_equal(owner, anchor + m->start[i]);
			assert_int_equal(page, i + 1 - m->start[i]);
		}
	}
}

static void model_step(struct model *m)
{
	unsigned int first = (unsigned int)(next_random() % WINDOW);
	unsigned int nr = 1 + (unsigned int)(next_random() % 20);
	struct ioas_frames_owner by = owner_of(anchor + first + 1);
	int want = 0;

	if (m->start[first]) {
		first = m->start[first] - 1;
		ioas_frames_free(&m->fs, m->base + first);
		for (unsigned int i = first; i < WINDOW; i++)
			if (m->start[i] == first + 1)
				m->start[i] = 0;
		return;
	}
	if (nr > WINDOW - first)
		nr = WINDOW - first;
	for (unsigned int i = first; i < first + nr; i++)
		if (m->start[i])
			want = -EEXIST;
	assert_int_equal(
		ioas_frames_register(&m->fs, m->base + first, nr, &by), want);
	for (unsigned int i = first; !want && i < first + nr; i++)
		m->start[i] = first + 1;
}

static void ranges_in_any_order_match_an_array(void **state)
{
	static const uint64_t borders[] = {
		(uint64_t)1 << 36, /* above identity, start of everything */
		((uint64_t)1 << 36) + 512 - 30, /* between two nodes */
		((uint64_t)1 << 36) + SLOT - 32, /* between two slots */
		((uint64_t)1 << 45) - 7, /* between two of the root's */
		((uint64_t)1 << 52) - WINDOW, /* end of everything */
	};

	(void)state;
	for (unsigned int b = 0; b < IOAS_ARRAY_SIZE(borders); b++) {
		struct model m = { .base = borders[b] };

		rng = 0x1234567 + b;
		space_init(&m.fs, 12);
		for (unsigned int n = 0; n < 2000; n++) {
			model_step(&m);
			model_check(&m);
		}
		for (unsigned int i = 0; i < WINDOW; i++)
			if (m.start[i] == i + 1)
				ioas_frames_free(&m.fs, m.base + i);
		ioas_frames_fini(&m.fs);
	}
}

/* Ends on, before and after the borders of entries at three levels. */
static void a_range_takes_no_number_of_its_neighbours(void **state)
{
	static const uint64_t sizes[] = { 512, SLOT, 3 * SLOT };
	struct ioas_frames_owner by = owner_of(anchor);
	uint64_t base = (uint64_t)1 << 40;
	struct ioas_frames fs;

	(void)state;
	space_init(&fs, 12);
	for (unsigned int n = 0; n < IOAS_ARRAY_SIZE(sizes) * 25; n++) {
		uint64_t first = base + n % 5 - 2;
		uint64_t last = base + sizes[n / 25] + n / 5 % 5 - 3;

		assert_int_equal(ioas_frames_register(&fs, first,
						      last - first + 1, &by),
				 0);
		assert_int_equal(ioas_frames_register(&fs, first - 1, 1, &by),
				 0);
		assert_int_equal(ioas_frames_register(&fs, last + 1, 1, &by),
				 0);
		assert_int_equal(ioas_frames_register(&fs, first, 1, &by),
				 -EEXIST);
		assert_int_equal(ioas_frames_register(&fs, last, 1, &by),
				 -EEXIST);
		ioas_frames_free(&fs, first - 1);
		ioas_frames_free(&fs, first);
		ioas_frames_free(&fs, last + 1);
		/* Without the nodes, so that each shape makes its own. */
		ioas_frames_fini(&fs);
		space_init(&fs, 12);
	}
	ioas_frames_fini(&fs);
}

static void a_big_range_may_follow_small_ones(void **state)
{
	struct ioas_frames_owner small = owner_of(anchor);
	struct ioas_frames_owner big = owner_of(&rng);
	uint64_t base = (uint64_t)1 << 40;
	struct ioas_frames fs;
	uint64_t page;
	void *owner;

	(void)state;
	space_init(&fs, 12);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(ioas_frames_register(&fs, base + 1000 * i, 7,
						      &small),
				 0);
	assert_int_equal(ioas_frames_register(&fs, base, SLOT, &big),
			 -EEXIST);
	for (unsigned int i = 0; i < 3; i++)
		ioas_frames_free(&fs, base + 1000 * i);
	/* The nodes that the small ones left are filled, not replaced. */
	assert_int_equal(ioas_frames_register(&fs, base, SLOT, &big), 0);
	for (uint64_t i = 0; i < SLOT; i += 37) {
		assert_true(ioas_frames_lookup(&fs, base + i, &owner, &page));
		assert_ptr_equal(owner, &rng);
		assert_int_equal(page, i);
	}
	ioas_frames_free(&fs, base);
	assert_int_equal(ioas_frames_register(&fs, base + 5, 1, &small), 0);
	assert_false(ioas_frames_lookup(&fs, base + 4, &owner, &page));
	assert_false(ioas_frames_lookup(&fs, base + 6, &owner, &page));
	ioas_frames_free(&fs, base + 5);
	ioas_frames_fini(&fs);
}

/* ---- failures ----------------------------------------------------------- */

/* Run with the @nth point failing. True: it was reached. */
static bool with_fault(uint64_t nth, int (*scenario)(struct ioas_frames *fs),
		       struct ioas_frames *fs, int *ret)
{
	struct ioas_fault fault = { .nth = nth };
	struct ioas_caller caller = { .fault = &fault };
	struct ioas_caller *old;

	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	*ret = scenario(fs);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	return !fault.nth;
}

static int register_across_nodes(struct ioas_frames *fs)
{
	struct ioas_frames_owner by = owner_of(anchor);

	return ioas_frames_register(fs, ((uint64_t)1 << 45) - 3, 6, &by);
}

static void every_failure_leaves_nothing_registered(void **state)
{
	size_t before = memory_blocks();
	struct ioas_frames fs;
	uint64_t nth;
	int ret = -1;

	(void)state;
	space_init(&fs, 12);
	for (nth = 1; with_fault(nth, register_across_nodes, &fs, &ret);
	     nth++) {
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(fs.nr_ranges, 0);
		for (uint64_t i = 0; i < 6; i++)
			assert_null(ioas_frames_pointer(
				&fs, ((uint64_t)1 << 45) - 3 + i));
		/* Nodes stay, so start over to meet each of them. */
		ioas_frames_fini(&fs);
		space_init(&fs, 12);
	}
	assert_int_equal(ret, 0);
	/* One range, and five nodes on either side of the border. */
	assert_int_equal(nth, 1 + 2 * 5 + 1);
	ioas_frames_free(&fs, ((uint64_t)1 << 45) - 3);
	ioas_frames_fini(&fs);
	assert_int_equal(memory_blocks(), before);
}

/* ---- threads ------------------------------------------------------------ */

#define READERS 2u

struct crowd {
	struct ioas_frames fs;
	ioas_pfn_t steady;
	_Atomic bool done;
	_Atomic unsigned int wrong;
};

static void *crowd_read(void *data)
{
	struct crowd *c = data;
	unsigned int i = 0;

	do {
		void *p = ioas_frames_pointer(&c->fs, c->steady + i % 11);

		if (p != anchor + i % 11)
			atomic_fetch_add(&c->wrong, 1);
		i++;
	} while (!atomic_load(&c->done));
	return NULL;
}

static void *crowd_write(void *data)
{
	struct ioas_frames_owner by = owner_of(&rng);
	struct crowd *c = data;

	for (unsigned int i = 0; i < 3000; i++) {
		ioas_pfn_t first;

		/* Neighbours on both sides, in the same node. */
		if (ioas_frames_register(&c->fs, c->steady - 2, 2, &by) ||
		    ioas_frames_register(&c->fs, c->steady + 11, 90, &by) ||
		    ioas_frames_alloc(&c->fs, 700, &by, &first)) {
			atomic_fetch_add(&c->wrong, 1);
			break;
		}
		ioas_frames_free(&c->fs, first);
		ioas_frames_free(&c->fs, c->steady + 11);
		ioas_frames_free(&c->fs, c->steady - 2);
	}
	atomic_store(&c->done, true);
	return NULL;
}

static void lookups_ignore_what_happens_beside_them(void **state)
{
	struct ioas_frames_owner by = owner_of(anchor);
	struct crowd c = { .steady = ((uint64_t)1 << 41) + 20 };
	pthread_t readers[READERS], writer;

	(void)state;
	space_init(&c.fs, 12);
	assert_int_equal(ioas_frames_register(&c.fs, c.steady, 11, &by), 0);
	for (unsigned int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, crowd_read,
						&c),
				 0);
	assert_int_equal(pthread_create(&writer, NULL, crowd_write, &c), 0);
	pthread_join(writer, NULL);
	for (unsigned int i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(c.wrong, 0);
	ioas_frames_free(&c.fs, c.steady);
	ioas_frames_fini(&c.fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_page_sizes_out_of_bounds),
		cmocka_unit_test(own_memory_needs_no_registration),
		cmocka_unit_test(linear_memory_is_found_page_by_page),
		cmocka_unit_test(other_memory_is_asked_of_its_owner),
		cmocka_unit_test(bad_arguments_are_einval),
		cmocka_unit_test(last_frames_of_all_can_be_registered),
		cmocka_unit_test(a_huge_range_costs_a_few_nodes),
		cmocka_unit_test(numbers_are_reused_only_after_a_lap),
		cmocka_unit_test(
			memory_does_not_grow_with_the_numbers_given_out),
		cmocka_unit_test(numbers_above_the_ceiling_are_the_last_resort),
		cmocka_unit_test(copies_go_on_from_range_to_range),
		cmocka_unit_test(a_full_space_is_enospc),
		cmocka_unit_test(ranges_in_any_order_match_an_array),
		cmocka_unit_test(a_range_takes_no_number_of_its_neighbours),
		cmocka_unit_test(a_big_range_may_follow_small_ones),
		cmocka_unit_test(every_failure_leaves_nothing_registered),
		cmocka_unit_test(lookups_ignore_what_happens_beside_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
