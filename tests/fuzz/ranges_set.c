/* SPDX-License-Identifier: MIT */
/*
 * ranges set: counted sets, the pinned store, the walk over two sets
 */
#include <string.h>

#include "base/errno.h"
#include "core/span.h"
#include "core/stepmap.h"
#include "ranges.h"

#define MAX_MEMBERS 128

/* Ranges that come and go, and how many cover each value. */
struct members {
	uint64_t base;
	struct slice at[MAX_MEMBERS];
	unsigned int nr;
	uint16_t count[UNIVERSE];
};

static void members_add(struct members *m, struct slice s)
{
	m->at[m->nr++] = s;
	for (uint64_t i = s.first; i <= s.last; i++)
		m->count[i]++;
}

static struct slice members_del(struct members *m, uint64_t nth)
{
	struct slice *at = m->at + nth % m->nr;
	const struct slice s = *at;

	*at = m->at[--m->nr];
	for (uint64_t i = s.first; i <= s.last; i++)
		m->count[i]--;
	return s;
}

/* Something new; the range of another, or one that follows it: cset's case. */
static struct slice some_member(const struct members *m, struct input *in)
{
	const struct slice s = some_slice(in);
	const uint64_t x = input_below(in, 8);
	const struct slice *o;

	if (!m->nr || x > 2)
		return s;
	o = m->at + s.first % m->nr;
	if (x && o->last + 1 < UNIVERSE)
		return (struct slice){ o->last + 1,
				       ioas_max(o->last + 1, s.last) };
	return *o;
}

/* ---- counted set -------------------------------------------------------- */

struct set {
	struct ioas_cset s;
	struct members m;
};

static void set_add(struct set *t, struct input *in)
{
	const struct slice s = some_member(&t->m, in);
	const uint64_t nth = some_fault(in);
	struct failing f;
	bool failed;
	int ret;

	if (t->m.nr == MAX_MEMBERS)
		return;
	failing_begin(&f, nth, false);
	ret = ioas_cset_add(&t->s, t->m.base + s.first, t->m.base + s.last);
	failed = failing_end(&f);
	demand(ret == (failed ? -ENOMEM : 0));
	if (!ret)
		members_add(&t->m, s);
}

static void set_del(struct set *t, uint64_t nth)
{
	struct failing f;
	struct slice s;

	if (!t->m.nr)
		return;
	s = members_del(&t->m, nth);
	failing_begin(&f, 0, true);
	ioas_cset_del(&t->s, t->m.base + s.first, t->m.base + s.last);
	demand(!failing_end(&f));
}

static void set_check(const struct set *t, struct slice s)
{
	uint64_t holes = 0, end = s.first;
	const uint64_t base = t->m.base;
	struct ioas_span span;

	for (uint64_t i = s.first; i <= s.last; i++) {
		demand(ioas_cset_count(&t->s, base + i) == t->m.count[i]);
		holes += !t->m.count[i];
	}
	demand(ioas_cset_holes(&t->s, base + s.first, base + s.last) == holes);
	while (end < s.last && !t->m.count[end + 1] == !t->m.count[s.first])
		end++;
	span = ioas_cset_span(&t->s, base + s.first, base + s.last);
	demand(span.first == base + s.first && span.last == base + end);
	demand(span.used == (t->m.count[s.first] != 0));
	demand(ioas_cset_empty(&t->s) == !t->m.nr);
}

static void set_step(struct set *t, struct input *in)
{
	const uint64_t kind = input_below(in, 8);

	if (kind < 5)
		set_add(t, in);
	else if (kind < 7)
		set_del(t, input_below(in, MAX_MEMBERS));
	else
		set_check(t, some_slice(in));
	demand(ioas_cset_validate(&t->s));
}

static void set_begin(struct set *t, uint64_t base)
{
	memset(t, 0, sizeof(*t));
	t->m.base = base;
	ioas_cset_init(&t->s);
}

static void set_end(struct set *t)
{
	set_check(t, (struct slice){ 0, UNIVERSE - 1 });
	while (t->m.nr) {
		set_del(t, t->m.nr / 2);
		demand(ioas_cset_validate(&t->s));
	}
	demand(ioas_cset_empty(&t->s));
	ioas_cset_fini(&t->s);
}

void fuzz_cset(struct input *in)
{
	static struct set t;

	set_begin(&t, some_base(in));
	for (unsigned int i = 0; i < 2 * MAX_STEPS && in->left; i++)
		set_step(&t, in);
	set_end(&t);
}

/* ---- double span -------------------------------------------------------- */

static enum ioas_label label_at(const struct set *t, uint64_t i)
{
	return t[0].m.count[i] ? IOAS_T1 :
	       t[1].m.count[i] ? IOAS_T2 :
				 IOAS_HOLE;
}

/* Walk; where the input says so, advance to somewhere instead. */
static void walk(const struct set *t, struct input *in)
{
	const struct slice s = some_slice(in);
	const uint64_t base = t[0].m.base;
	uint64_t at = s.first, end;
	struct ioas_dspan d;

	ioas_dspan_start(&d, &t[0].s, &t[1].s, base + s.first, base + s.last);
	while (at <= s.last) {
		const enum ioas_label label = label_at(t, at);
		const uint64_t x = input_below(in, 256);

		for (end = at; end < s.last && label_at(t, end + 1) == label;)
			end++;
		demand(!d.done && d.label == label);
		demand(d.first == base + at && d.last == base + end);
		at = end + 1;
		if (x & 3 || !in->left) {
			ioas_dspan_next(&d);
			continue;
		}
		at = d.first - base + (x >> 2);
		/* Past the end of 64 bits there is nothing to name. */
		at = ioas_min(at, UNIVERSE - 1);
		ioas_dspan_advance(&d, base + at);
	}
	demand(d.done);
}

void fuzz_dspan(struct input *in)
{
	static struct set t[2];
	const uint64_t base = some_base(in);

	set_begin(t, base);
	set_begin(t + 1, base);
	for (unsigned int i = 0; i < MAX_STEPS && in->left; i++) {
		const uint64_t kind = input_below(in, 4);

		if (kind < 2)
			set_step(t + kind, in);
		else
			walk(t, in);
	}
	set_end(t);
	set_end(t + 1);
}

/* ---- pinned store ------------------------------------------------------- */

/*
 * Used as the core does: a record reserves a promise, stores what no other
 * record holds, and when it goes removes what is left to no other.
 */
static struct {
	struct ioas_store s;
	struct members m;
	ioas_pfn_t pfn[UNIVERSE];
} store;

static void store_drop(struct slice s)
{
	for (uint64_t i = s.first; i <= s.last; i++) {
		uint64_t end = i;

		if (store.m.count[i])
			continue;
		while (end < s.last && !store.m.count[end + 1])
			end++;
		ioas_store_remove(&store.s, store.m.base + i,
				  store.m.base + end);
		i = end;
	}
}

/* Indexes [@i, @end] get frames; in runs of @n. 0 or -ENOMEM. */
static int store_fill(uint64_t i, uint64_t end, ioas_pfn_t pfn, uint64_t n)
{
	while (i <= end) {
		const struct ioas_run run = { pfn, ioas_min(n, end - i + 1) };
		const int ret =
			ioas_store_insert(&store.s, store.m.base + i, run);

		if (ret)
			return ret;
		for (uint64_t k = 0; k < run.nr; k++)
			store.pfn[i + k] = pfn + k;
		i += run.nr;
		/* Sometimes the next one follows. */
		pfn += run.nr + (pfn & 3);
	}
	return 0;
}

/* On failure some of it may be stored. */
static int store_record(struct slice s, ioas_pfn_t pfn, uint64_t n)
{
	int ret = ioas_store_reserve(&store.s, 1);

	for (uint64_t i = s.first, end; !ret && i <= s.last; i = end + 1) {
		end = i;
		if (store.m.count[i])
			continue;
		while (end < s.last && !store.m.count[end + 1])
			end++;
		ret = store_fill(i, end, pfn + i * (pfn & 1), n);
	}
	return ret;
}

static bool store_has(uint64_t i)
{
	return ioas_store_get(&store.s, store.m.base + i, store.m.base + i).nr;
}

/* What a record stored before it failed. */
static void store_undo(struct slice s)
{
	for (uint64_t i = s.first; i <= s.last; i++) {
		uint64_t end = i;

		if (store.m.count[i] || !store_has(i))
			continue;
		while (end < s.last && !store.m.count[end + 1] &&
		       store_has(end + 1))
			end++;
		ioas_store_remove(&store.s, store.m.base + i,
				  store.m.base + end);
		i = end;
	}
	ioas_store_unreserve(&store.s, 1);
}

static void store_add(struct input *in)
{
	const struct slice s = some_member(&store.m, in);
	const ioas_pfn_t pfn = 1 + input_below(in, 65536) * 4;
	const uint64_t n = 1 + input_below(in, 32), nth = some_fault(in);
	struct failing f;
	int ret;

	if (store.m.nr == MAX_MEMBERS)
		return;
	failing_begin(&f, nth, false);
	ret = store_record(s, pfn, n);
	if (!failing_end(&f)) {
		demand(!ret);
		members_add(&store.m, s);
		return;
	}
	demand(ret == -ENOMEM);
	if (f.fault.reached[IOAS_FP_STORE])
		store_undo(s);
}

static void store_del(uint64_t nth)
{
	struct failing f;
	struct slice s;

	if (!store.m.nr)
		return;
	s = members_del(&store.m, nth);
	failing_begin(&f, 0, true);
	store_drop(s);
	demand(!failing_end(&f));
	ioas_store_unreserve(&store.s, 1);
}

static void store_check(struct slice s)
{
	struct ioas_store_cursor c = { 0 };

	for (uint64_t i = s.first, n; i <= s.last; i += n) {
		const uint64_t at = store.m.base + i;
		const struct ioas_run a =
			ioas_store_get(&store.s, at, store.m.base + s.last);
		const struct ioas_run b = ioas_store_next(
			&store.s, &c, at, store.m.base + s.last);

		demand(a.nr == b.nr && (!a.nr || a.pfn == b.pfn));
		for (n = 0; i + n <= s.last && store.m.count[i + n] &&
			    store.pfn[i + n] == store.pfn[i] + n;)
			n++;
		demand(a.nr == n && (!n || a.pfn == store.pfn[i]));
		n = ioas_max(n, 1);
	}
}

static void store_count(void)
{
	uint64_t pages = 0, runs = 0;

	for (unsigned int i = 0; i < UNIVERSE; i++) {
		if (!store.m.count[i])
			continue;
		pages++;
		runs += !i || !store.m.count[i - 1] ||
			store.pfn[i - 1] + 1 != store.pfn[i];
	}
	demand(ioas_store_pages(&store.s) == pages);
	demand(ioas_store_runs(&store.s) == runs);
}

void fuzz_store(struct input *in)
{
	memset(&store, 0, sizeof(store));
	store.m.base = some_base(in);
	ioas_store_init(&store.s);
	for (unsigned int i = 0; i < 2 * MAX_STEPS && in->left; i++) {
		const uint64_t kind = input_below(in, 8);

		if (kind < 4)
			store_add(in);
		else if (kind < 6)
			store_del(input_below(in, MAX_MEMBERS));
		else
			store_check(some_slice(in));
		demand(ioas_store_validate(&store.s));
	}
	store_check((struct slice){ 0, UNIVERSE - 1 });
	store_count();
	while (store.m.nr) {
		store_del(store.m.nr / 2);
		demand(ioas_store_validate(&store.s));
	}
	store_count();
	ioas_store_fini(&store.s);
}
