/* SPDX-License-Identifier: MIT */
/*
 * fuzz iova: the choice of an IOVA against a scan of every byte
 *
 * All of a space but 512 bytes is reserved. In these bytes ranges are reserved
 * and allowed, and areas come, at a place of their own or at the one that was
 * chosen, and go. Only the tree of areas sees them: there are no pages.
 */
#include <string.h>

#include "base/errno.h"
#include "core/iova.h"
#include "fuzz.h"
#include "iova_twin.h"

#define MAX_STEPS 96

struct target {
	struct input in;
	struct ioas_context ctx;
	struct ioas *ioas;
	struct twin_space twin;
	/* Where areas begin, and how long they are; 0: none. */
	uint16_t length[TWIN_SIZE];
	char value;
};

static struct ioas_iova_range some_range(struct target *t)
{
	const uint64_t first = input_below(&t->in, TWIN_SIZE);
	const uint64_t length = 1 + input_below(&t->in, 64);

	return (struct ioas_iova_range){
		t->twin.base + first,
		t->twin.base + ioas_min(first + length, TWIN_SIZE) - 1,
	};
}

/* Is a byte of the range set? */
static bool any(const struct target *t, const bool *bytes,
		const struct ioas_iova_range *r)
{
	for (uint64_t i = r->first - t->twin.base;
	     i <= r->last - t->twin.base; i++)
		if (bytes[i])
			return true;
	return false;
}

static void set(const struct target *t, bool *bytes,
		const struct ioas_iova_range *r, bool value)
{
	memset(bytes + (r->first - t->twin.base), value,
	       r->last - r->first + 1);
}

static void reserve(struct target *t)
{
	const struct ioas_iova_range r = some_range(t);
	const bool in_use = any(t, t->twin.area, &r) ||
			    any(t, t->twin.allowed, &r);
	const int ret = ioas_iopt_reserve(t->ioas, &r, 1, t);

	demand(ret == (in_use ? -EADDRINUSE : 0));
	if (!ret)
		set(t, t->twin.taken, &r, true);
}

/* The reserved ranges outside of the universe have another owner. */
static void unreserve(struct target *t)
{
	ioas_iopt_unreserve(t->ioas, t);
	memcpy(t->twin.taken, t->twin.area, sizeof(t->twin.taken));
}

static void allow(struct target *t)
{
	const uint32_t nr = (uint32_t)input_below(&t->in, 5);
	struct ioas_iova_range r[4];
	bool want[TWIN_SIZE] = { false };
	int expected = 0, ret;

	for (uint32_t i = 0; i < nr; i++) {
		r[i] = some_range(t);
		if (r[i].first == r[i].last || any(t, want, r + i))
			expected = -EINVAL;
		set(t, want, r + i, true);
	}
	for (uint32_t i = 0; i < TWIN_SIZE && !expected; i++)
		if (want[i] && t->twin.taken[i] && !t->twin.area[i])
			expected = -EADDRINUSE;
	ret = ioas_iopt_allow(t->ioas, r, nr);
	demand(ret == expected);
	if (ret)
		return;
	memcpy(t->twin.allowed, want, sizeof(want));
	t->twin.any_allowed = nr;
}

static void area_add(struct target *t, const struct ioas_iova_range *r)
{
	demand(!ioas_rangemap_insert(&t->ioas->areas, r->first, r->last,
				     &t->value));
	set(t, t->twin.taken, r, true);
	set(t, t->twin.area, r, true);
	t->length[r->first - t->twin.base] =
		(uint16_t)(r->last - r->first + 1);
}

static void area_del(struct target *t)
{
	uint64_t at = input_below(&t->in, TWIN_SIZE);
	struct ioas_iova_range r;

	for (unsigned int i = 0; i < TWIN_SIZE && !t->length[at]; i++)
		at = (at + 1) % TWIN_SIZE;
	if (!t->length[at])
		return;
	r.first = t->twin.base + at;
	r.last = r.first + (t->length[at] - 1u);
	demand(ioas_rangemap_remove(&t->ioas->areas, r.first) == &t->value);
	set(t, t->twin.taken, &r, false);
	set(t, t->twin.area, &r, false);
	t->length[at] = 0;
}

/* And take it, sometimes. */
static void choose(struct target *t)
{
	const uint64_t align = UINT64_C(1)
			       << input_below(&t->in, TWIN_PAGE_LG2 + 1);
	const uint64_t address = input_below(&t->in, 512);
	const uint64_t x = input_below(&t->in, 256);
	const uint64_t length = x == 255 ? UINT64_MAX / 2 - 1 :
				x == 254 ? UINT64_MAX :
					   1 + x;
	struct ioas_iova_range r = { 1, 1 };
	uint64_t want = 1;
	int ret, expected;

	ioas_write_lock(&t->ioas->iova_lock, IOAS_RANK_IOVA);
	t->ioas->alignment = (uint32_t)align;
	ret = ioas_iova_choose(t->ioas, address, length, &r.first);
	t->ioas->alignment = 1;
	ioas_write_unlock(&t->ioas->iova_lock);
	expected = twin_choose(&t->twin, align, address, length, &want);
	if (ret != expected || r.first != want)
		fprintf(stderr, "fuzz: %d at %#llx, not %d at %#llx\n", ret,
			(unsigned long long)r.first, expected,
			(unsigned long long)want);
	demand(ret == expected && r.first == want);
	r.last = r.first + (length - 1);
	if (!ret && input_below(&t->in, 2))
		area_add(t, &r);
}

static void step(struct target *t)
{
	struct ioas_iova_range r;

	switch (input_below(&t->in, 8)) {
	case 0:
		reserve(t);
		break;
	case 1:
		unreserve(t);
		break;
	case 2:
		allow(t);
		break;
	case 3:
		r = some_range(t);
		if (!any(t, t->twin.taken, &r))
			area_add(t, &r);
		break;
	case 4:
		area_del(t);
		break;
	default:
		choose(t);
		break;
	}
}

static void begin(struct target *t)
{
	static const ioas_iova_t bases[] = {
		0, 256, (UINT64_C(1) << 32) - TWIN_SIZE / 2,
		UINT64_MAX - TWIN_SIZE + 1,
	};
	const uint64_t base =
		bases[input_below(&t->in, IOAS_ARRAY_SIZE(bases))];
	const struct ioas_iova_range below = { 0, base - 1 };
	const struct ioas_iova_range above = { base + TWIN_SIZE, UINT64_MAX };

	t->twin.base = base;
	ioas_context_init(&t->ctx, TWIN_PAGE_LG2, TWIN_HUGE_LG2);
	demand(!ioas_iopt_create(&t->ctx, &t->ioas));
	if (base)
		demand(!ioas_iopt_reserve(t->ioas, &below, 1, bases));
	if (above.first)
		demand(!ioas_iopt_reserve(t->ioas, &above, 1, bases));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target t;

	t = (struct target){ .in = { data, size } };
	begin(&t);
	for (unsigned int i = 0; i < MAX_STEPS && t.in.left; i++)
		step(&t);
	demand(ioas_rangemap_validate(&t.ioas->areas));
	demand(ioas_itree_validate(&t.ioas->reserved));
	demand(ioas_itree_validate(&t.ioas->allowed));
	ioas_rangemap_fini(&t.ioas->areas);
	ioas_rangemap_init(&t.ioas->areas);
	demand(!ioas_iopt_destroy(t.ioas));
	ioas_context_fini(&t.ctx);
	return 0;
}
