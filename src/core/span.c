/* SPDX-License-Identifier: MIT */
/*
 * span: one walk of an index range over two counted sets
 *
 * Each set's own span, from the current index to the end of the query, is kept
 * in s1 and s2. The result is T1's, if T1 is in a used one; else T2's, cut at
 * the end of T1's hole; else it ends where the shorter hole ends. A set whose
 * span reaches past the result is not asked again: it is cut at the front.
 */
#include "core/span.h"

#include "base/bits.h"

static struct ioas_span set_span(const struct ioas_cset *set, uint64_t index,
				 uint64_t end)
{
	if (set)
		return ioas_cset_span(set, index, end);
	return (struct ioas_span){ index, end, false };
}

/* Bring one set's span to @index, which is not before it. */
static void set_advance(struct ioas_span *s, const struct ioas_cset *set,
			uint64_t index, uint64_t end)
{
	if (index <= s->last)
		s->first = index;
	else
		*s = set_span(set, index, end);
}

/* The result that begins where both sets' spans begin. */
static void dspan_decide(struct ioas_dspan *d)
{
	d->first = d->s1.first;
	d->last = d->s1.last;
	d->label = IOAS_T1;
	if (d->s1.used)
		return;
	d->label = d->s2.used ? IOAS_T2 : IOAS_HOLE;
	d->last = ioas_min(d->s1.last, d->s2.last);
}

void ioas_dspan_start(struct ioas_dspan *d, const struct ioas_cset *t1,
		      const struct ioas_cset *t2, uint64_t first, uint64_t last)
{
	*d = (struct ioas_dspan){ .t1 = t1, .t2 = t2, .end = last };
	d->done = first > last;
	if (d->done)
		return;
	d->s1 = set_span(t1, first, last);
	d->s2 = set_span(t2, first, last);
	dspan_decide(d);
}

void ioas_dspan_next(struct ioas_dspan *d)
{
	if (d->done || d->last == d->end)
		d->done = true;
	else
		ioas_dspan_advance(d, d->last + 1);
}

void ioas_dspan_advance(struct ioas_dspan *d, uint64_t index)
{
	if (d->done || index > d->end) {
		d->done = true;
		return;
	}
	set_advance(&d->s1, d->t1, index, d->end);
	set_advance(&d->s2, d->t2, index, d->end);
	dspan_decide(d);
}
