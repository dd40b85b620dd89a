/* SPDX-License-Identifier: MIT */
/*
 * iova twin: steps as numbered in docs/reference/iommufd-uapi.md 5.8
 */
#include "iova_twin.h"

#include "base/errno.h"

/* Rounded up to @align; false if that wraps. */
static bool round_up(uint64_t n, uint64_t align, uint64_t *up)
{
	const uint64_t rest = n % align;

	*up = rest ? n + (align - rest) : n;
	return *up >= n;
}

static bool byte_taken(const struct twin_space *u, uint64_t iova)
{
	return iova - u->base >= TWIN_SIZE || u->taken[iova - u->base];
}

/* Step 7: the gaps inside [@c, @e], from below. */
static bool twin_gaps(const struct twin_space *u, uint64_t c, uint64_t e,
		      uint64_t align, uint64_t off, uint64_t length,
		      uint64_t *out)
{
	const uint64_t top = u->base + (TWIN_SIZE - 1);
	uint64_t g = c > u->base ? c : u->base;

	if (e > top)
		e = top;
	while (g <= e && g >= u->base) {
		uint64_t h = g, d;

		if (byte_taken(u, g)) {
			if (g++ == UINT64_MAX)
				return false;
			continue;
		}
		while (h < e && !byte_taken(u, h + 1))
			h++;
		if (round_up(g, align, &d)) {
			d |= off;
			if (d < h && h - d >= length - 1) {
				*out = d;
				return true;
			}
		}
		if (h == UINT64_MAX)
			return false;
		g = h + 1;
	}
	return false;
}

/* Step 6. */
static bool twin_window(const struct twin_space *u, uint64_t s, uint64_t e,
			uint64_t align, uint64_t off, uint64_t length,
			uint64_t *out)
{
	uint64_t c;

	if (!round_up(s, align, &c))
		return false;
	c |= off;
	if (c >= e || e - c < length - 1)
		return false;
	return twin_gaps(u, c, e, align, off, length, out);
}

/* Step 5: windows are maximal runs of allowed bytes, clipped. */
static int twin_windows(const struct twin_space *u, uint64_t align,
			uint64_t off, uint64_t length, uint64_t *out)
{
	const uint64_t lo = TWIN_PAGE, hi = UINT64_MAX - TWIN_PAGE;

	if (!u->any_allowed)
		return twin_window(u, lo, hi, align, off, length, out) ?
			       0 :
			       -ENOSPC;
	for (unsigned int i = 0; i < TWIN_SIZE; i++) {
		unsigned int j = i;
		uint64_t s, e;

		if (!u->allowed[i])
			continue;
		while (j + 1 < TWIN_SIZE && u->allowed[j + 1])
			j++;
		s = u->base + i < lo ? lo : u->base + i;
		e = u->base + j > hi ? hi : u->base + j;
		if (s <= e && twin_window(u, s, e, align, off, length, out))
			return 0;
		i = j;
	}
	return -ENOSPC;
}

/* Steps 1 to 4. */
int twin_choose(const struct twin_space *u, uint64_t alignment,
		uint64_t address, uint64_t length, uint64_t *out)
{
	uint64_t align = 1;

	if (length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	while (align < length)
		align *= 2;
	while (address && align > 1 && address % align)
		align /= 2;
	if (align > 1u << TWIN_HUGE_LG2)
		align = 1u << TWIN_HUGE_LG2;
	if (align < alignment)
		return -EINVAL;
	return twin_windows(u, align, address % TWIN_PAGE, length, out);
}
