/* SPDX-License-Identifier: MIT */
/*
 * choose: the choice of an IOVA, and what can be mapped, from lists of ranges
 *
 * The steps of docs/reference/iommufd-uapi.md 5.8, read aloud: each question
 * asks every area and every reserved range.
 */
#include "umodel.h"

#include "base/errno.h"

/* Rounded up to @align; false if that wraps. */
static bool round_up(uint64_t n, uint64_t align, uint64_t *up)
{
	const uint64_t rest = n % align;

	*up = rest ? n + (align - rest) : n;
	return *up >= n;
}

/*
 * The range that @at lies in, reserved or an area: its last address to *@last.
 * Otherwise false, and *@last is the end of the gap.
 */
static bool taken(const struct um *m, int i, uint64_t at, bool areas,
		  uint64_t *last)
{
	const struct m_ioas *s = m->ioas + i;
	uint64_t end = UINT64_MAX;
	const uint32_t n = s->nr_reserved + (areas ? s->nr_areas : 0);

	for (uint32_t j = 0; j < n; j++) {
		const bool res = j < s->nr_reserved;
		const struct m_area *a =
			res ? NULL : m->area + s->area[j - s->nr_reserved];
		const uint64_t from = res ? s->reserved[j].first : a->iova;
		const uint64_t to = res ? s->reserved[j].last : a->last;

		if (from <= at && at <= to) {
			*last = to;
			return true;
		}
		if (from > at)
			end = ioas_min(end, from - 1);
	}
	*last = end;
	return false;
}

struct wish {
	uint64_t align, off, length;
};

/* Step 7. */
static bool try_gaps(const struct um *m, int i, uint64_t c, uint64_t e,
		     const struct wish *w, uint64_t *out)
{
	uint64_t g = c, h, d;

	for (;; g = h + 1) {
		const bool used = taken(m, i, g, true, &h);

		h = ioas_min(h, e);
		if (!used && round_up(g, w->align, &d)) {
			d |= w->off;
			if (d < h && h - d >= w->length - 1) {
				*out = d;
				return true;
			}
		}
		if (h >= e)
			return false;
	}
}

/* Step 6. */
static bool try_window(const struct um *m, int i, uint64_t s, uint64_t e,
		       const struct wish *w, uint64_t *out)
{
	uint64_t c;

	if (!round_up(s, w->align, &c))
		return false;
	c |= w->off;
	if (c >= e || e - c < w->length - 1)
		return false;
	return try_gaps(m, i, c, e, w, out);
}

/* The allowed range that begins lowest at or above @from, grown by neighbours. */
static bool next_window(const struct m_ioas *s, uint64_t from, uint64_t *first,
			uint64_t *last)
{
	bool found = false, grown = true;

	for (uint32_t j = 0; j < s->nr_allowed; j++)
		if (s->allowed[j].first >= from &&
		    (!found || s->allowed[j].first < *first)) {
			found = true;
			*first = s->allowed[j].first;
			*last = s->allowed[j].last;
		}
	while (found && grown) {
		grown = false;
		for (uint32_t j = 0; j < s->nr_allowed; j++)
			if (*last != UINT64_MAX &&
			    s->allowed[j].first == *last + 1) {
				*last = s->allowed[j].last;
				grown = true;
			}
	}
	return found;
}

/* Step 5. */
static int try_windows(const struct um *m, int i, const struct wish *w,
		       uint64_t *out)
{
	const uint64_t lo = PAGE, hi = UINT64_MAX - PAGE;
	const struct m_ioas *s = m->ioas + i;
	uint64_t from = 0, first = 0, last = 0;

	if (!s->nr_allowed)
		return try_window(m, i, lo, hi, w, out) ? 0 : -ENOSPC;
	while (next_window(s, from, &first, &last)) {
		const uint64_t a = ioas_max(first, lo), b = ioas_min(last, hi);

		if (a <= b && try_window(m, i, a, b, w, out))
			return 0;
		if (last == UINT64_MAX)
			break;
		from = last + 1;
	}
	return -ENOSPC;
}

/* Steps 1 to 4. */
int choose_iova(const struct um *m, int i, uint64_t source, uint64_t length,
		uint64_t *out)
{
	struct wish w = { .align = 1, .off = source % PAGE, .length = length };

	if (length >= UINT64_MAX / 2)
		return -EOVERFLOW;
	while (w.align < length)
		w.align *= 2;
	while (source && source % w.align)
		w.align /= 2;
	w.align = ioas_min(w.align, UINT64_C(1) << HUGE_LG2);
	if (w.align < ioas_alignment_of(m, i))
		return -EINVAL;
	return try_windows(m, i, &w, out);
}

uint32_t usable_ranges(const struct um *m, int i, struct m_range *out)
{
	uint64_t first = 0, last;
	uint32_t n = 0;

	for (;; first = last + 1) {
		if (!taken(m, i, first, false, &last)) {
			/* What touches is one range. */
			out[n++] = (struct m_range){ .first = first,
						     .last = last };
		}
		if (last == UINT64_MAX)
			return n;
	}
}
