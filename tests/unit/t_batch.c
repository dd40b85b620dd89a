/* SPDX-License-Identifier: MIT */
/*
 * batch: against a plain list of frames
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <string.h>

#include "base/errno.h"
#include "core/batch.h"
#include "ledger.h"
#include "plat/common/fault_arm.h"
#include "prng.h"
#include "seam/caller.h"

#define MAX_PAGES 64u
#define PAGE_LG2 3u
#define PAGE (1u << PAGE_LG2)

/* What a batch should hold. */
struct list {
	ioas_pfn_t pfn[MAX_PAGES];
	uint64_t nr;
	enum ioas_kind kind;
};

/* An origin that writes down what it gets back, and has a page per frame. */
static struct {
	struct ioas_origin head;
	ioas_pfn_t back[MAX_PAGES];
	uint64_t nr;
	bool dirty;
	uint8_t memory[256][PAGE];
	/* Frames from here on have no pointer. */
	ioas_pfn_t no_pointer;
} fake;

static void fake_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty)
{
	(void)o;
	assert_true(nr > 0);
	while (nr--) {
		assert_true(fake.nr < MAX_PAGES);
		fake.back[fake.nr++] = pfn++;
	}
	fake.dirty = dirty;
}

static void *fake_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	(void)o;
	return pfn < fake.no_pointer ? fake.memory[pfn % 256] : NULL;
}

static const struct ioas_origin_ops fake_ops = { .unpin = fake_unpin,
						 .pointer = fake_pointer };

static void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.head.ops = &fake_ops;
	fake.no_pointer = UINT64_MAX;
}

static void check_equal(const struct ioas_batch *b, const struct list *l)
{
	uint64_t n = 0;

	assert_true(ioas_batch_validate(b));
	assert_int_equal(b->total, l->nr);
	for (uint32_t r = 0; r < b->nr_runs; r++) {
		assert_true(b->runs[r].nr > 0);
		if (r)
			assert_true(b->runs[r - 1].pfn + b->runs[r - 1].nr !=
				    b->runs[r].pfn);
		for (uint64_t i = 0; i < b->runs[r].nr; i++)
			assert_int_equal(b->runs[r].pfn + i, l->pfn[n++]);
	}
	assert_int_equal(n, l->nr);
	if (l->nr)
		assert_int_equal(b->kind, l->kind);
}

static uint64_t count_runs(const struct list *l)
{
	uint64_t runs = 0;

	for (uint64_t i = 0; i < l->nr; i++)
		runs += !i || l->pfn[i] != l->pfn[i - 1] + 1;
	return runs;
}

/* The list's opinion of an append. */
static bool list_append(struct list *l, ioas_pfn_t pfn, uint64_t nr,
			enum ioas_kind kind, uint32_t cap)
{
	const struct list old = *l;

	if (l->nr && l->kind != kind)
		return false;
	l->kind = kind;
	for (uint64_t i = 0; i < nr; i++)
		l->pfn[l->nr++] = pfn + i;
	if (count_runs(l) <= cap)
		return true;
	*l = old;
	return false;
}

/* Frames 0 to 199, in runs that often continue each other. */
static void fill_random(struct ioas_batch *b, struct list *l, struct prng *r,
			unsigned int appends)
{
	l->nr = 0;
	l->kind = IOAS_KIND_CPU;
	ioas_batch_clear(b);
	for (unsigned int i = 0; i < appends; i++) {
		const uint64_t nr = 1 + prng_below(r, 4);
		const enum ioas_kind kind = prng_below(r, 16) ?
						    IOAS_KIND_CPU :
						    IOAS_KIND_MMIO;
		ioas_pfn_t pfn = prng_below(r, 200);

		if (l->nr + nr > MAX_PAGES)
			return;
		if (l->nr && prng_below(r, 2))
			pfn = l->pfn[l->nr - 1] + 1;
		assert_int_equal(ioas_batch_append(b, pfn, nr, kind),
				 list_append(l, pfn, nr, kind, b->cap));
		check_equal(b, l);
	}
}

static void append_agrees_with_a_list(void **state)
{
	struct prng r = { 1 };
	struct list l;

	(void)state;
	for (unsigned int round = 0; round < 5000; round++) {
		struct ioas_run runs[8];
		struct ioas_batch b;

		ioas_batch_init(&b, runs, 1 + round % 8);
		fill_random(&b, &l, &r, 20);
		ioas_batch_fini(&b);
	}
}

static void refusal_changes_nothing(void **state)
{
	struct ioas_run runs[2];
	struct ioas_batch b;

	(void)state;
	ioas_batch_init(&b, runs, 1);
	assert_true(ioas_batch_append(&b, 10, 5, IOAS_KIND_CPU));
	assert_false(ioas_batch_append(&b, 20, 1, IOAS_KIND_CPU));
	assert_false(ioas_batch_append(&b, 15, 1, IOAS_KIND_MMIO));
	assert_true(ioas_batch_append(&b, 15, 1, IOAS_KIND_CPU));
	assert_int_equal(b.total, 6);
	assert_int_equal(b.nr_runs, 1);
	assert_int_equal(b.runs[0].nr, 6);
	ioas_batch_clear(&b);
	assert_true(ioas_batch_append(&b, 1, 1, IOAS_KIND_MMIO));
	assert_int_equal(b.kind, IOAS_KIND_MMIO);
}

static void a_total_that_does_not_fit_is_refused(void **state)
{
	struct ioas_run runs[4];
	struct ioas_batch b;

	(void)state;
	ioas_batch_init(&b, runs, 4);
	assert_true(ioas_batch_append(&b, 1, UINT64_MAX - 5, IOAS_KIND_CPU));
	assert_false(ioas_batch_append(&b, 0, 6, IOAS_KIND_CPU));
	assert_int_equal(b.total, UINT64_MAX - 5);
	assert_int_equal(b.nr_runs, 1);
	assert_true(ioas_batch_append(&b, 0, 5, IOAS_KIND_CPU));
	assert_int_equal(b.total, UINT64_MAX);
	assert_false(ioas_batch_append(&b, 5, 1, IOAS_KIND_CPU));
}

static void unpin_hands_back_exactly_the_frames_asked_for(void **state)
{
	struct prng r = { 2 };
	struct list l;

	(void)state;
	for (unsigned int round = 0; round < 300; round++) {
		struct ioas_run runs[8];
		struct ioas_batch b;

		ioas_batch_init(&b, runs, 8);
		fill_random(&b, &l, &r, 10);
		for (uint64_t skip = 0; skip <= l.nr; skip++)
			for (uint64_t nr = 0; nr <= l.nr - skip; nr++) {
				fake_reset();
				ioas_batch_unpin(&b, &fake.head, skip, nr,
						 nr & 1);
				assert_int_equal(fake.nr, nr);
				assert_memory_equal(fake.back, l.pfn + skip,
						    (size_t)nr * sizeof(*l.pfn));
				if (nr)
					assert_int_equal(fake.dirty, nr & 1);
			}
		check_equal(&b, &l);
	}
}

/* A carry is what lies in the last run; more than that may not remain. */
static void heads_are_dropped_and_carries_remain(void **state)
{
	struct prng r = { 3 };
	struct list l;

	(void)state;
	for (unsigned int round = 0; round < 2000; round++) {
		struct ioas_run runs[8];
		struct ioas_batch b;
		uint64_t carry, nr;

		ioas_batch_init(&b, runs, 1 + round % 8);
		fill_random(&b, &l, &r, 12);
		if (!l.nr)
			continue;
		carry = prng_below(&r, b.runs[b.nr_runs - 1].nr + 1);
		nr = l.nr - carry;
		fake_reset();
		if (round & 1) {
			ioas_batch_skip_head(&b, nr);
		} else {
			ioas_batch_unpin_head(&b, &fake.head, nr, true);
			assert_int_equal(fake.nr, nr);
			assert_memory_equal(fake.back, l.pfn,
					    (size_t)nr * sizeof(*l.pfn));
		}
		memmove(l.pfn, l.pfn + nr, (size_t)carry * sizeof(*l.pfn));
		l.nr = carry;
		check_equal(&b, &l);
		/* From a carry any head may go, and more than there is. */
		nr = prng_below(&r, carry + 3);
		ioas_batch_skip_head(&b, nr);
		l.nr = nr < carry ? carry - nr : 0;
		memmove(l.pfn, l.pfn + nr, (size_t)l.nr * sizeof(*l.pfn));
		check_equal(&b, &l);
	}
}

/* ---- bytes -------------------------------------------------------------- */

static uint8_t *byte_of(const struct list *l, uint64_t offset)
{
	return &fake.memory[l->pfn[offset / PAGE] % 256][offset % PAGE];
}

static void check_copy(const struct ioas_batch *b, const struct list *l,
		       uint64_t offset, uint64_t length)
{
	uint8_t buffer[MAX_PAGES * PAGE + 1];

	for (uint64_t i = 0; i < sizeof(fake.memory); i++)
		fake.memory[i / PAGE][i % PAGE] = (uint8_t)(i * 7 + i / 251);
	memset(buffer, 0xee, sizeof(buffer));
	assert_int_equal(ioas_batch_copy(b, &fake.head, PAGE_LG2, offset,
					 buffer, length, false),
			 0);
	for (uint64_t i = 0; i < length; i++)
		assert_int_equal(buffer[i], *byte_of(l, offset + i));
	assert_int_equal(buffer[length], 0xee);
}

/* Every frame once, so that the last write to a byte is the only one. */
static void check_write(const struct ioas_batch *b, const struct list *l,
			uint64_t offset, uint64_t length)
{
	uint8_t buffer[MAX_PAGES * PAGE], want[sizeof(fake.memory)];

	memset(fake.memory, 0x55, sizeof(fake.memory));
	for (uint64_t i = 0; i < length; i++) {
		buffer[i] = (uint8_t)(i + 1);
		*byte_of(l, offset + i) = buffer[i];
	}
	memcpy(want, fake.memory, sizeof(want));
	memset(fake.memory, 0x55, sizeof(fake.memory));
	assert_int_equal(ioas_batch_copy(b, &fake.head, PAGE_LG2, offset,
					 buffer, length, true),
			 0);
	assert_memory_equal(fake.memory, want, sizeof(want));
}

static void bytes_are_copied_at_every_offset(void **state)
{
	static const struct ioas_run runs[] = {
		{ 10, 2 }, { 100, 1 }, { 7, 1 },
	};
	struct ioas_run room[4];
	struct list l = { 0 };
	struct ioas_batch b;

	(void)state;
	fake_reset();
	ioas_batch_init(&b, room, 4);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(ioas_batch_append(&b, runs[i].pfn, runs[i].nr,
					      IOAS_KIND_CPU));
		assert_true(list_append(&l, runs[i].pfn, runs[i].nr,
					IOAS_KIND_CPU, 4));
	}
	for (uint64_t offset = 0; offset < 4 * PAGE; offset++)
		for (uint64_t n = 0; n <= 4 * PAGE - offset; n++) {
			check_copy(&b, &l, offset, n);
			check_write(&b, &l, offset, n);
		}
}

static void a_frame_without_a_pointer_is_efault(void **state)
{
	struct ioas_run room[2];
	uint8_t buffer[2 * PAGE];
	struct ioas_batch b;

	(void)state;
	fake_reset();
	fake.no_pointer = 11;
	ioas_batch_init(&b, room, 2);
	assert_true(ioas_batch_append(&b, 10, 2, IOAS_KIND_CPU));
	assert_int_equal(ioas_batch_copy(&b, &fake.head, PAGE_LG2, 0, buffer,
					 PAGE, false),
			 0);
	assert_int_equal(ioas_batch_copy(&b, &fake.head, PAGE_LG2, 0, buffer,
					 PAGE + 1, false),
			 -EFAULT);
}

/* Copies that the fake was asked for; @limit bytes work. */
static struct {
	unsigned int calls;
	uint64_t bytes;
	uint64_t limit;
} copied;

static int fake_copy_frame(struct ioas_origin *o, ioas_pfn_t pfn,
			   uint64_t offset, void *buffer, uint64_t length,
			   bool write)
{
	uint8_t *p = fake.memory[pfn] + offset;

	(void)o;
	assert_true(offset < PAGE);
	copied.calls++;
	copied.bytes += length;
	if (copied.bytes > copied.limit)
		return -EFAULT;
	if (write)
		memcpy(p, buffer, (size_t)length);
	else
		memcpy(buffer, p, (size_t)length);
	return 0;
}

static void frames_without_pointers_are_copied_run_by_run(void **state)
{
	static const struct ioas_origin_ops ops = {
		.unpin = fake_unpin,
		.pointer = fake_pointer,
		.copy_frame = fake_copy_frame,
	};
	uint8_t buffer[7 * PAGE], model[7 * PAGE];
	struct ioas_run room[3];
	struct ioas_batch b;

	(void)state;
	fake_reset();
	fake.head.ops = &ops;
	fake.no_pointer = 100;
	copied.limit = UINT64_MAX;
	for (unsigned int i = 0; i < sizeof(model); i++)
		model[i] = (uint8_t)(i * 7 + 3);
	ioas_batch_init(&b, room, 3);
	assert_true(ioas_batch_append(&b, 100, 3, IOAS_KIND_CPU));
	assert_true(ioas_batch_append(&b, 10, 2, IOAS_KIND_CPU));
	assert_true(ioas_batch_append(&b, 120, 2, IOAS_KIND_CPU));
	assert_int_equal(ioas_batch_copy(&b, &fake.head, PAGE_LG2, 0, model,
					 sizeof(model), true),
			 0);
	assert_int_equal(copied.calls, 2);
	assert_memory_equal(fake.memory[100], model, 3 * PAGE);
	assert_memory_equal(fake.memory[10], model + 3 * PAGE, 2 * PAGE);
	assert_memory_equal(fake.memory[120], model + 5 * PAGE, 2 * PAGE);
	for (unsigned int at = 0; at < sizeof(model); at++)
		for (unsigned int n = 1; n <= sizeof(model) - at; n++) {
			memset(buffer, 0, sizeof(buffer));
			assert_int_equal(ioas_batch_copy(&b, &fake.head,
							 PAGE_LG2, at, buffer,
							 n, false),
					 0);
			assert_memory_equal(buffer, model + at, n);
		}
	/* What was copied before an error stays copied. */
	copied.bytes = 0;
	copied.limit = 3 * PAGE;
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(ioas_batch_copy(&b, &fake.head, PAGE_LG2, 0, buffer,
					 sizeof(buffer), false),
			 -EFAULT);
	assert_memory_equal(buffer, model, 5 * PAGE);
	assert_int_equal(buffer[5 * PAGE], 0);
}

/* ---- memory ------------------------------------------------------------- */

#define INLINE 21u

/* Runs that a batch for @pages must have: all, up to 64 KiB of them. */
static uint32_t ideal_cap(uint64_t pages)
{
	if (pages <= INLINE)
		return INLINE;
	return pages < 4096 ? (uint32_t)pages : 4096;
}

static void fill_capacity_follows_the_range(void **state)
{
	static const uint64_t sizes[] = {
		1,    20,   21,	  22,	 255,		    256,	257,
		4095, 4096, 4097, 10000, UINT64_C(1) << 50, UINT64_MAX,
	};
	static const struct ioas_tuning none;
	const uint64_t live = ledger_live();

	(void)state;
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		struct ioas_run room[INLINE];
		struct ioas_batch b;

		assert_int_equal(ioas_batch_init_fill(&b, room, INLINE,
						      sizes[i], &none),
				 0);
		assert_int_equal(b.cap, ideal_cap(sizes[i]));
		assert_int_equal(b.total, 0);
		ioas_batch_fini(&b);
		ioas_batch_init_drain(&b, room, INLINE, sizes[i], &none);
		assert_int_equal(b.cap, ideal_cap(sizes[i]));
		ioas_batch_fini(&b);
	}
	assert_int_equal(ledger_live(), live);
}

static void tuning_turns_the_capacity_down(void **state)
{
	(void)state;
	for (uint32_t cap = 1; cap < 40; cap++) {
		const struct ioas_tuning t = { .fill_runs = cap,
					       .drain_runs = cap };
		struct ioas_run room[INLINE];
		struct ioas_batch b;

		for (uint64_t pages = 1; pages < 100; pages += 7) {
			const uint64_t want = ioas_min(cap, ideal_cap(pages));

			assert_int_equal(ioas_batch_init_fill(&b, room, INLINE,
							      pages, &t),
					 0);
			assert_int_equal(b.cap, want);
			ioas_batch_fini(&b);
			ioas_batch_init_drain(&b, room, INLINE, pages, &t);
			assert_int_equal(b.cap, want);
			ioas_batch_fini(&b);
		}
	}
}

static void draining_needs_no_memory(void **state)
{
	static const struct ioas_tuning none;
	struct ioas_run room[INLINE];
	struct ioas_batch b;

	(void)state;
	ledger_refuse(true);
	ioas_batch_init_drain(&b, room, INLINE, 1000, &none);
	assert_int_equal(b.cap, INLINE);
	assert_ptr_equal(b.runs, room);
	assert_int_equal(ledger_refused(), 2);
	ioas_batch_fini(&b);
	assert_int_equal(ioas_batch_init_fill(&b, room, INLINE, 1000, &none),
			 -ENOMEM);
	assert_int_equal(ioas_batch_init_fill(&b, room, INLINE, INLINE, &none),
			 0);
	ledger_refuse(false);
}

static void filling_tries_two_sizes(void **state)
{
	static const struct ioas_tuning none;
	struct ioas_fault fault = { .nth = 1 };
	struct ioas_caller caller = { .fault = &fault };
	struct ioas_caller *old = ioas_caller_enter(&caller);
	struct ioas_run room[INLINE];
	struct ioas_batch b;

	(void)state;
	ioas_fault_arm(&fault);
	assert_int_equal(ioas_batch_init_fill(&b, room, INLINE, 100000, &none),
			 0);
	assert_int_equal(fault.failed, IOAS_FP_BATCH_LARGE);
	assert_int_equal(b.cap, 256);
	ioas_batch_fini(&b);
	fault.sticky = true;
	assert_int_equal(ioas_batch_init_fill(&b, room, INLINE, 100000, &none),
			 -ENOMEM);
	assert_int_equal(fault.failed, IOAS_FP_BATCH_SMALL);
	ioas_caller_leave(old);
	ioas_fault_disarm();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(append_agrees_with_a_list),
		cmocka_unit_test(refusal_changes_nothing),
		cmocka_unit_test(a_total_that_does_not_fit_is_refused),
		cmocka_unit_test(unpin_hands_back_exactly_the_frames_asked_for),
		cmocka_unit_test(heads_are_dropped_and_carries_remain),
		cmocka_unit_test(bytes_are_copied_at_every_offset),
		cmocka_unit_test(a_frame_without_a_pointer_is_efault),
		cmocka_unit_test(frames_without_pointers_are_copied_run_by_run),
		cmocka_unit_test(fill_capacity_follows_the_range),
		cmocka_unit_test(tuning_turns_the_capacity_down),
		cmocka_unit_test(draining_needs_no_memory),
		cmocka_unit_test(filling_tries_two_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
