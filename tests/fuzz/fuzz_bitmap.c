/* SPDX-License-Identifier: MIT */
/*
 * fuzz bitmap: the sink of dirty ranges against one bit at a time
 *
 *    request     where, granularity, window, which bits are set before
 *    then        a range, and another ...
 *
 * The caller's memory has exactly the bytes that the bitmap needs, with guards
 * around them, and may end to be reachable after some accesses: then the only
 * promises are -EFAULT, or success if faults are skipped, and that nothing
 * outside was touched.
 */
#include <string.h>

#include "base/bits.h"
#include "base/errno.h"
#include "core/dirty.h"
#include "fuzz.h"

#define MAX_STEPS 64
#define MAX_BITS 1024u
#define GUARD 8u
#define BYTES (MAX_BITS / 8)
#define PAGE_LG2 5

static struct {
	uint8_t memory[GUARD + BYTES + GUARD];
	uint64_t address;
	uint64_t bytes;
	/* Accesses until they fail; UINT64_MAX: never. */
	uint64_t good;
} user;

static int user_access(void *buffer, uint64_t address, size_t n, bool write)
{
	const uint64_t at = address - user.address;

	demand(at < user.bytes && n && n <= user.bytes - at);
	if (!user.good)
		return -EFAULT;
	if (user.good != UINT64_MAX)
		user.good--;
	if (write)
		memcpy(user.memory + GUARD + at, buffer, n);
	else
		memcpy(buffer, user.memory + GUARD + at, n);
	return 0;
}

static int copy_from(struct ioas_caller *caller, void *dst, uint64_t src,
		     size_t length)
{
	(void)caller;
	return user_access(dst, src, length, false);
}

static int copy_to(struct ioas_caller *caller, uint64_t dst, const void *src,
		   size_t length)
{
	(void)caller;
	return user_access((void *)(uintptr_t)src, dst, length, true);
}

static const struct ioas_uaccess_ops uaccess = { copy_from, copy_to };

/* What a bitmap of @rq, with @old everywhere, becomes. */
static void mark_twin(uint8_t *bitmap, const struct ioas_dirty_request *rq,
		      ioas_iova_t first, ioas_iova_t last)
{
	for (uint64_t bit = 0; bit * rq->granularity < rq->length; bit++) {
		const ioas_iova_t at = rq->iova + bit * rq->granularity;

		if (ioas_intersects(at, at + (rq->granularity - 1), first,
				    last))
			bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static struct ioas_dirty_request some_request(struct input *in)
{
	const uint64_t g = UINT64_C(1) << input_below(in, 25);
	const uint64_t bits = 1 + input_below(in, MAX_BITS);
	struct ioas_dirty_request rq = {
		.length = bits * g,
		.granularity = g,
		.bitmap = user.address,
		.window = (uint32_t)input_below(in, 20),
	};

	switch (input_below(in, 4)) {
	case 0:
		break;
	case 1:
		rq.iova = UINT64_MAX - rq.length + 1;
		break;
	default:
		rq.iova = input_below(in, 65536) * g;
		break;
	}
	return rq;
}

/* From a little below to a little above. */
static ioas_iova_t some_iova(struct input *in,
			     const struct ioas_dirty_request *rq)
{
	const uint64_t bits = rq->length / rq->granularity;
	const uint64_t x = input_below(in, MAX_BITS + 8);
	ioas_iova_t at = rq->iova + (x % (bits + 8) - 4) * rq->granularity;

	switch (input_below(in, 3)) {
	case 0:
		return at;
	case 1:
		return at - 1;
	default:
		return at + input_below(in, 256) % rq->granularity;
	}
}

static void mark_some(struct input *in, const struct ioas_dirty_request *rq,
		      struct ioas_bitmap *b, uint8_t *want)
{
	for (unsigned int i = 0; i < MAX_STEPS && in->left; i++) {
		const ioas_iova_t x = some_iova(in, rq), y = some_iova(in, rq);
		const ioas_iova_t first = ioas_min(x, y);
		const ioas_iova_t last = ioas_max(x, y);

		b->sink.mark(&b->sink, first, last);
		mark_twin(want + GUARD, rq, first, last);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioas_caller caller = { .uaccess = &uaccess }, *old;
	uint8_t want[sizeof(user.memory)], room[16];
	struct ioas_dirty_request rq;
	struct input in = { data, size };
	struct ioas_bitmap b;
	uint8_t failing;
	int ret;

	user.address = UINT64_C(0x7fffffff) + input_below(&in, 8);
	rq = some_request(&in);
	user.bytes = (rq.length / rq.granularity + 7) / 8;
	memset(user.memory, input_byte(&in), sizeof(user.memory));
	memcpy(want, user.memory, sizeof(want));
	failing = input_byte(&in);
	user.good = (failing & ~64) < 32 ? failing & ~64u : UINT64_MAX;
	old = ioas_caller_enter(&caller);
	rq.skip_faults = failing & 64;
	ioas_bitmap_init(&b, &rq, PAGE_LG2, room, sizeof(room));
	mark_some(&in, &rq, &b, want);
	ret = ioas_bitmap_finish(&b);
	ioas_caller_leave(old);
	if (user.good) {
		demand(!ret);
		demand(!memcmp(user.memory, want, sizeof(want)));
	} else {
		demand(!ret || (ret == -EFAULT && !rq.skip_faults));
		demand(!memcmp(user.memory, want, GUARD));
		demand(!memcmp(user.memory + GUARD + user.bytes,
			       want + GUARD + user.bytes,
			       sizeof(want) - GUARD - user.bytes));
	}
	return 0;
}
