/* SPDX-License-Identifier: MIT */
/*
 * oracle: operations on a list of leaves
 */
#include "oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void spans_add(struct spans *s, uint64_t first, uint64_t last)
{
	struct span *end = s->nr ? &s->span[s->nr - 1] : NULL;

	if (end && end->last + 1 == first) {
		end->last = last;
		return;
	}
	/* More than a test makes; the comparison will say so. */
	if (s->nr < MAX_SPANS)
		s->span[s->nr++] = (struct span){ first, last };
}

void oracle_init(struct oracle *o, const struct config *cfg)
{
	memset(o, 0, sizeof(*o));
	o->cfg = cfg;
	o->pgsizes = cfg->pgsizes;
	o->levels = cfg->walker.levels;
}

void oracle_fini(struct oracle *o)
{
	free(o->leaf);
	o->leaf = NULL;
	o->nr = o->room = 0;
}

size_t oracle_seek(const struct oracle *o, uint64_t iova)
{
	size_t low = 0, high = o->nr;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (leaf_last(&o->leaf[mid]) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct leaf *oracle_at(const struct oracle *o, uint64_t iova)
{
	size_t i = oracle_seek(o, iova);

	return i < o->nr && o->leaf[i].iova <= iova ? &o->leaf[i] : NULL;
}

bool oracle_whole(const struct oracle *o, uint64_t iova, uint64_t last)
{
	size_t i = oracle_seek(o, iova);

	for (; i < o->nr && o->leaf[i].iova == iova; i++) {
		if (leaf_last(&o->leaf[i]) >= last)
			return leaf_last(&o->leaf[i]) == last;
		iova = leaf_last(&o->leaf[i]) + 1;
	}
	return false;
}

bool oracle_soilable(const struct oracle *o, const struct leaf *l)
{
	return o->cfg->tracks &&
	       (!o->cfg->write_to_soil || l->attrs & IOAS_PT_WRITE);
}

/* @nr places before leaf @i, for leaves that the caller fills in. */
static struct leaf *make_room(struct oracle *o, size_t i, size_t nr)
{
	if (o->nr + nr > o->room) {
		o->room = (o->nr + nr) * 2;
		o->leaf = realloc(o->leaf, o->room * sizeof(*o->leaf));
		if (!o->leaf)
			abort();
	}
	memmove(o->leaf + i + nr, o->leaf + i, (o->nr - i) * sizeof(*o->leaf));
	o->nr += nr;
	return o->leaf + i;
}

static void drop(struct oracle *o, size_t i, size_t nr)
{
	o->nr -= nr;
	memmove(o->leaf + i, o->leaf + i + nr, (o->nr - i) * sizeof(*o->leaf));
}

/* ---- map ---------------------------------------------------------------- */

uint64_t oracle_size(uint64_t sizes, uint64_t iova, uint64_t oa,
		     uint64_t length)
{
	while (sizes) {
		uint64_t size = (uint64_t)1 << (63 - __builtin_clzll(sizes));

		if (!(iova & (size - 1)) && !(oa & (size - 1)) &&
		    size <= length)
			return size;
		sizes &= ~size;
	}
	return 0;
}

unsigned int oracle_count(uint64_t sizes, uint64_t iova, uint64_t oa,
			  uint64_t length, unsigned int limit)
{
	unsigned int nr = 0;

	while (length && nr < limit) {
		uint64_t size = oracle_size(sizes, iova, oa, length);

		if (!size)
			break;
		iova += size;
		oa += size;
		length -= size;
		nr++;
	}
	return nr;
}

uint64_t oracle_sizes(const struct oracle *o, uint64_t max_leaf)
{
	uint64_t sizes = 0;

	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (!max_leaf || (uint64_t)1 << lg2 <= max_leaf)
			sizes |= o->pgsizes & (uint64_t)1 << lg2;
	return sizes;
}

/* Grow the root as 4.7 says: it spans @last and has leaves of 2^@lg2. */
static void grow(struct oracle *o, uint64_t last, unsigned int lg2)
{
	const struct config *cfg = o->cfg;

	while (o->levels < cfg->max_levels &&
	       (last >> config_item_lg2(cfg, o->levels) ||
		config_level(cfg, lg2) >= o->levels))
		o->levels++;
}

/* Output addresses of a run, as far as the request goes. */
struct output {
	uint64_t oa;
	uint64_t length;
	bool beyond;
};

static struct output output_of(const struct oracle *o,
			       const struct ioas_pt_map *rq, uint32_t i,
			       uint64_t left)
{
	const struct ioas_run *run = &rq->runs[i];
	uint64_t head = i ? 0 : rq->head, last;
	struct output out = { .length = left };

	/* Numbers of pages so large that bytes do not fit are legal. */
	if (!rq->page_lg2 || run->nr < (uint64_t)1 << (64 - rq->page_lg2))
		out.length = min(left, (run->nr << rq->page_lg2) - head);
	out.beyond = run->pfn >> 1 >> (63 - rq->page_lg2) ||
		     __builtin_add_overflow(run->pfn << rq->page_lg2, head,
					    &out.oa) ||
		     out.oa > o->cfg->oa_last;
	if (out.length &&
	    (__builtin_add_overflow(out.oa, out.length - 1, &last) ||
	     last > o->cfg->oa_last))
		out.beyond = true;
	return out;
}

/* Does it begin within the width? */
static bool begins_beyond(const struct oracle *o, const struct ioas_pt_map *rq)
{
	struct ioas_pt_map one = *rq;
	struct ioas_run run = { rq->runs[0].pfn, 1 };

	one.runs = &run;
	return output_of(o, &one, 0, 1).beyond;
}

/* What 4.1 asks before anything is looked at, in its order. */
static int check_map(const struct oracle *o, const struct ioas_pt_map *rq)
{
	uint64_t granule = o->pgsizes & -o->pgsizes, last, oa;

	if (!(rq->prot & (IOAS_PT_READ | IOAS_PT_WRITE)) || !rq->nr_runs ||
	    rq->page_lg2 > 63 || (uint64_t)rq->head >> rq->page_lg2)
		return -EINVAL;
	if (begins_beyond(o, rq))
		return -ERANGE;
	oa = (rq->runs[0].pfn << rq->page_lg2) + rq->head;
	if (rq->nr_runs == 1 && rq->length &&
	    (__builtin_add_overflow(oa, rq->length - 1, &last) ||
	     last > o->cfg->oa_last))
		return -ERANGE;
	if (rq->prot > 63 ||
	    (o->cfg->params.flags & IOAS_PT_REQUIRE_WRITE &&
	     !(rq->prot & IOAS_PT_WRITE)))
		return -EINVAL;
	if (!rq->length)
		return -EINVAL;
	if (__builtin_add_overflow(rq->iova, rq->length - 1, &last))
		return -EOVERFLOW;
	if ((rq->iova | rq->length | oa) & (granule - 1))
		return -EINVAL;
	if (!config_window(o->cfg, rq->iova, last))
		return -ERANGE;
	return oracle_sizes(o, rq->max_leaf) ? 0 : -EINVAL;
}

static bool overlaps(const struct oracle *o, uint64_t iova, uint64_t last)
{
	size_t i = oracle_seek(o, iova);

	return i < o->nr && o->leaf[i].iova <= last;
}

/* Runs one after the other; the first that cannot be is why. */
static int check_runs(const struct oracle *o, const struct ioas_pt_map *rq)
{
	uint64_t granule = o->pgsizes & -o->pgsizes;
	uint64_t left = rq->length, iova = rq->iova;

	for (uint32_t i = 0; i < rq->nr_runs; i++) {
		struct output out;

		if (!left || !rq->runs[i].nr)
			return -EINVAL;
		out = output_of(o, rq, i, left);
		if (out.beyond)
			return -ERANGE;
		if ((out.oa | out.length) & (granule - 1))
			return -EINVAL;
		if (overlaps(o, iova, iova + out.length - 1))
			return -EADDRINUSE;
		iova += out.length;
		left -= out.length;
	}
	return left ? -EINVAL : 0;
}

static void add_run(struct oracle *o, uint64_t sizes, uint64_t iova,
		    const struct output *out, uint32_t prot)
{
	unsigned int nr = oracle_count(sizes, iova, out->oa, out->length,
				       UINT32_MAX);
	struct leaf *l = make_room(o, oracle_seek(o, iova), nr);
	uint64_t done = 0;

	for (; nr; nr--, l++) {
		uint64_t size = oracle_size(sizes, iova + done, out->oa + done,
					    out->length - done);

		*l = (struct leaf){
			.iova = iova + done,
			.oa = out->oa + done,
			.attrs = (prot & o->cfg->kept) | o->cfg->implied,
			.lg2 = (uint8_t)__builtin_ctzll(size),
		};
		l->dirty = o->cfg->born_dirty && oracle_soilable(o, l);
		grow(o, leaf_last(l), l->lg2);
		done += size;
	}
}

int oracle_map(struct oracle *o, const struct ioas_pt_map *rq)
{
	uint64_t left = rq->length, iova = rq->iova;
	int ret = check_map(o, rq);

	if (!ret)
		ret = check_runs(o, rq);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < rq->nr_runs; i++) {
		struct output out = output_of(o, rq, i, left);

		add_run(o, oracle_sizes(o, rq->max_leaf), iova, &out,
			rq->prot);
		iova += out.length;
		left -= out.length;
	}
	return 0;
}

/* ---- unmap and remove --------------------------------------------------- */

uint64_t oracle_unmap_end(const struct oracle *o,
			  const struct ioas_pt_unmap *rq)
{
	size_t i = oracle_seek(o, rq->iova);
	const struct leaf *l = &o->leaf[i];

	while (leaf_last(l) < rq->last) {
		const struct leaf *next = l + 1;

		if (rq->take && next->iova > rq->want_last &&
		    (!next->oa || l->oa + ((uint64_t)1 << l->lg2) != next->oa))
			break;
		l = next;
	}
	return leaf_last(l);
}

/*
 * Tables whose whole span is in [@first, @last], where there are leaves without
 * gaps: each stands below an item that it fills with leaves of lower levels.
 */
static uint32_t count_tables(const struct oracle *o, uint64_t first,
			     uint64_t last)
{
	uint32_t nr = 0;

	for (size_t i = oracle_seek(o, first);
	     i < o->nr && o->leaf[i].iova <= last; i++) {
		const struct leaf *l = &o->leaf[i];

		for (unsigned int level = 1; level < o->levels; level++) {
			unsigned int lg2 = config_item_lg2(o->cfg, level);
			uint64_t mask = ((uint64_t)1 << lg2) - 1;

			if (l->lg2 < lg2 && !(l->iova & mask) &&
			    last - l->iova >= mask)
				nr++;
		}
	}
	return nr;
}

uint32_t oracle_unmap(struct oracle *o, uint64_t iova, uint64_t last)
{
	uint32_t tables = count_tables(o, iova, last);
	size_t i = oracle_seek(o, iova), end = i;

	while (end < o->nr && o->leaf[end].iova <= last)
		end++;
	drop(o, i, end - i);
	return tables;
}

uint64_t oracle_remove(struct oracle *o, uint64_t iova, uint64_t length,
		       uint32_t *tables)
{
	const struct window *w = config_window(o->cfg, iova, iova);
	size_t from = oracle_seek(o, iova), i = from;
	uint64_t last, next = iova;

	*tables = 0;
	if (!length || !w)
		return 0;
	if (__builtin_add_overflow(iova, length - 1, &last) || last > w->last)
		last = w->last;
	/* A hole, or a leaf that began earlier, ends it. */
	while (i < o->nr && o->leaf[i].iova == next && (next || i == 0)) {
		next = leaf_last(&o->leaf[i++]) + 1;
		if (!next || next > last)
			break;
	}
	if (i == from)
		return 0;
	/* A leaf in which the range ends goes, the table around it stays. */
	*tables = count_tables(o, iova, min(last, next - 1));
	drop(o, from, i - from);
	return next - iova;
}

/* ---- reading ------------------------------------------------------------ */

int oracle_translate(const struct oracle *o, uint64_t iova, uint64_t last,
		     uint64_t *oa, uint64_t *length)
{
	size_t i = oracle_seek(o, iova);
	const struct leaf *l = &o->leaf[i];

	if (i == o->nr || l->iova > iova)
		return -ENOENT;
	*oa = l->oa + (iova - l->iova);
	for (; leaf_last(l) < last && i + 1 < o->nr; i++, l++) {
		uint64_t next = l->oa + ((uint64_t)1 << l->lg2);

		/* Beyond the last output address there is none. */
		if (l[1].iova != leaf_last(l) + 1 || l[1].oa != next || !next)
			break;
	}
	*length = min(leaf_last(l), last) - iova + 1;
	return 0;
}

void oracle_mark(struct oracle *o, uint64_t iova, uint64_t last)
{
	for (size_t i = oracle_seek(o, iova);
	     i < o->nr && o->leaf[i].iova <= last; i++)
		if (oracle_soilable(o, &o->leaf[i]))
			o->leaf[i].dirty = true;
}

int oracle_read_dirty(struct oracle *o, uint64_t iova, uint64_t last,
		      bool clear, struct spans *spans)
{
	spans->nr = 0;
	if (!o->cfg->tracks)
		return -EOPNOTSUPP;
	for (size_t i = oracle_seek(o, iova);
	     i < o->nr && o->leaf[i].iova <= last; i++) {
		struct leaf *l = &o->leaf[i];
		bool whole = l->iova >= iova && leaf_last(l) <= last;

		if (!l->dirty)
			continue;
		spans_add(spans, l->iova < iova ? iova : l->iova,
			  min(leaf_last(l), last));
		if (clear && (whole || o->cfg->clears_partial))
			l->dirty = false;
	}
	return 0;
}

/* ---- split and merge ---------------------------------------------------- */

/* Leaf @i becomes leaves of 2^@lg2, each as dirty as it was. */
static void split_leaf(struct oracle *o, size_t i, unsigned int lg2)
{
	struct leaf old = o->leaf[i], *l;
	size_t nr = (size_t)1 << (old.lg2 - lg2);

	l = make_room(o, i, nr - 1);
	for (size_t k = 0; k < nr; k++) {
		l[k] = old;
		l[k].lg2 = (uint8_t)lg2;
		l[k].iova += (uint64_t)k << lg2;
		l[k].oa += (uint64_t)k << lg2;
	}
}

int oracle_split(struct oracle *o, uint64_t iova, unsigned int until)
{
	uint64_t granule = o->pgsizes & -o->pgsizes;

	if (!config_window(o->cfg, iova, iova) || iova & (granule - 1))
		return -EINVAL;
	for (;;) {
		struct leaf *l = oracle_at(o, iova);
		uint64_t size;

		if (!l || l->iova == iova || l->lg2 <= until)
			return 0;
		size = (uint64_t)1 << l->lg2;
		do {
			size /= 2;
		} while (!(o->pgsizes & size));
		split_leaf(o, (size_t)(l - o->leaf),
			   (unsigned int)__builtin_ctzll(size));
	}
}

int oracle_split_to(struct oracle *o, uint64_t iova, unsigned int lg2)
{
	struct leaf *l = oracle_at(o, iova);

	if (lg2 > 63 || !(o->pgsizes >> lg2 & 1))
		return -EINVAL;
	if (!l)
		return -ENOENT;
	if (l->lg2 > lg2)
		split_leaf(o, (size_t)(l - o->leaf), lg2);
	return 0;
}

/* Of the leaves in [@iova, @last] the first that does not fit says why. */
static int check_merge(const struct oracle *o, uint64_t iova, uint64_t last,
		       uint64_t mask)
{
	const struct leaf *first = oracle_at(o, iova);

	for (const struct leaf *l = first;; l++) {
		if (!l || l == o->leaf + o->nr || l->iova != iova)
			return -ENOENT;
		if (l->attrs != first->attrs || (first->oa & mask) ||
		    l->oa - first->oa != l->iova - first->iova)
			return -EINVAL;
		if (leaf_last(l) == last)
			return 0;
		iova = leaf_last(l) + 1;
	}
}

int oracle_merge(struct oracle *o, uint64_t iova, unsigned int lg2)
{
	uint64_t mask = lg2 > 63 ? 0 : ((uint64_t)1 << lg2) - 1;
	uint64_t last = iova + mask;
	struct leaf *l = oracle_at(o, iova);
	size_t i = oracle_seek(o, iova), end = i;
	bool dirty = false;
	int ret;

	if (lg2 > 63 || !(o->pgsizes >> lg2 & 1) || iova & mask)
		return -EINVAL;
	if (!config_window(o->cfg, iova, last))
		return -ENOENT;
	if (l && l->lg2 >= lg2)
		return 0;
	ret = check_merge(o, iova, last, mask);
	if (ret)
		return ret;
	for (; end < o->nr && o->leaf[end].iova <= last; end++)
		dirty |= o->leaf[end].dirty;
	l->lg2 = (uint8_t)lg2;
	l->dirty = dirty;
	grow(o, last, lg2);
	drop(o, i + 1, end - i - 1);
	return 0;
}

int oracle_set_pgsizes(struct oracle *o, uint64_t pgsizes)
{
	if (!pgsizes || pgsizes & ~o->cfg->pgsizes)
		return -EINVAL;
	o->pgsizes = pgsizes;
	return 0;
}
