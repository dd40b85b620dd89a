/* SPDX-License-Identifier: MIT */
/*
 * rangemap: disjoint closed ranges of 64-bit values, each with a pointer
 *
 *      0            first     last          first  last        UINT64_MAX
 *      |--- free ---[ member ]----- gap ----[ member ]---- gap ----|
 *
 * A row is (first, last, value). The gap of a row is the number of values
 * after its last, up to the next row's first. The values before the first row
 * and after the last one are nobody's gap, so that appending a row, as most
 * maps grow, does not change a summary each time. The summary of a node is the
 * largest gap of its rows: the gap of the last row of a leaf is part of it,
 * and a new first row of the next leaf changes it (BT5 in btree.h).
 *
 * Invariants (ioas_rangemap_validate()):
 *  RM1  the tree is sound, its summaries included.
 *  RM2  first <= last, and last is below the first of the next row.
 *
 * Removal cannot fail.
 */
#include "core/rangemap.h"

#include "base/errno.h"

enum { COL_FIRST, COL_LAST, COL_VALUE };
/* In inner nodes. */
enum { COL_GAP = 2 };

/* The last value before the row after row @i, or of all. */
static uint64_t row_end(const struct ioas_bnode *n, unsigned int i)
{
	if (i + 1 < n->nr)
		return n->col[i + 1] - 1;
	return n->next ? n->next->col[0] - 1 : UINT64_MAX;
}

/* Gap of row @i; none after the last row of all. */
static uint64_t row_gap(const struct ioas_bnode *n, unsigned int i)
{
	if (i + 1 == n->nr && !n->next)
		return 0;
	return row_end(n, i) - ioas_bnode_col(n, COL_LAST)[i];
}

/* The largest gap of a leaf; in two parts, which do not wait for each other. */
static uint64_t gap_summary(const struct ioas_bnode *n)
{
	const uint64_t *last = ioas_bnode_col(n, COL_LAST);
	unsigned int i, end = n->nr - 1u;
	uint64_t even, odd = 0;

	even = row_gap(n, end);
	for (i = 0; i + 2 <= end; i += 2) {
		even = ioas_max(even, n->col[i + 1] - last[i] - 1);
		odd = ioas_max(odd, n->col[i + 2] - last[i + 1] - 1);
	}
	if (i < end)
		even = ioas_max(even, n->col[i + 1] - last[i] - 1);
	return ioas_max(even, odd);
}

static const struct ioas_btree_kind kind = {
	.cols = 3,
	.measure = row_gap,
	.summary = gap_summary,
};

void ioas_rangemap_init(struct ioas_rangemap *m)
{
	m->tree = (struct ioas_btree){ 0 };
}

void ioas_rangemap_fini(struct ioas_rangemap *m)
{
	ioas_btree_fini(&m->tree, &kind);
}

/* Path to the row that starts at @first. */
static bool row_seek(const struct ioas_rangemap *m, uint64_t first,
		     struct ioas_btree_path *p)
{
	return ioas_btree_lower(&m->tree, first, p) &&
	       p->node[0]->col[p->pos[0]] == first;
}

/* Does [first, last] intersect a row beside the place @p? */
static bool row_taken(const struct ioas_btree_path *p, uint64_t first,
		      uint64_t last)
{
	const struct ioas_bnode *n = p->node[0];
	unsigned int pos = p->pos[0];

	if (pos && ioas_bnode_col(n, COL_LAST)[pos - 1] >= first)
		return true;
	if (pos < n->nr)
		return n->col[pos] <= last;
	return n->next && n->next->col[0] <= last;
}

int ioas_rangemap_insert(struct ioas_rangemap *m, uint64_t first, uint64_t last,
			 void *value)
{
	uint64_t row[] = { first, last, (uintptr_t)value };
	struct ioas_btree_path p;
	int ret = 0;

	if (IOAS_CHECK(first > last))
		return -EINVAL;
	if (!m->tree.root)
		ret = ioas_btree_reserve(&m->tree, &kind, 1, 1);
	if (ret)
		return ret;
	ioas_btree_seek(&m->tree, first, &p);
	if (IOAS_CHECK(row_taken(&p, first, last)))
		return -EEXIST;
	ret = ioas_btree_prepare(&m->tree, &kind, &p);
	if (!ret)
		ioas_btree_insert(&m->tree, &kind, &p, row);
	return ret;
}

void *ioas_rangemap_remove(struct ioas_rangemap *m, uint64_t first)
{
	struct ioas_btree_path p;
	void *value;

	if (IOAS_CHECK(!row_seek(m, first, &p)))
		return NULL;
	value = (void *)(uintptr_t)ioas_bnode_col(p.node[0],
						  COL_VALUE)[p.pos[0]];
	ioas_btree_remove(&m->tree, &kind, &p, 1);
	ioas_btree_trim(&m->tree, &kind, 0, 0);
	if (!m->tree.nr_rows)
		ioas_btree_fini(&m->tree, &kind);
	return value;
}

int ioas_rangemap_split(struct ioas_rangemap *m, uint64_t first, uint64_t cut,
			void *left, void *right)
{
	uint64_t row[3], *last;
	struct ioas_btree_path p;
	int ret;

	if (IOAS_CHECK(!row_seek(m, first, &p)))
		return -ENOENT;
	last = &ioas_bnode_col(p.node[0], COL_LAST)[p.pos[0]];
	if (IOAS_CHECK(cut < first || cut >= *last))
		return -EINVAL;
	row[COL_FIRST] = cut + 1;
	row[COL_LAST] = *last;
	row[COL_VALUE] = (uintptr_t)right;
	p.pos[0]++;
	ret = ioas_btree_prepare(&m->tree, &kind, &p);
	if (ret)
		return ret;
	/* The leaf may have moved. */
	ioas_bnode_col(p.node[0], COL_LAST)[p.pos[0] - 1] = cut;
	ioas_bnode_col(p.node[0], COL_VALUE)[p.pos[0] - 1] = (uintptr_t)left;
	ioas_btree_insert(&m->tree, &kind, &p, row);
	return 0;
}

void ioas_rangemap_set(struct ioas_rangemap *m, uint64_t first, void *value)
{
	struct ioas_btree_path p;

	if (IOAS_CHECK(!row_seek(m, first, &p)))
		return;
	ioas_bnode_col(p.node[0], COL_VALUE)[p.pos[0]] = (uintptr_t)value;
}

static void range_get(struct ioas_range *r, const struct ioas_bnode *n,
		      unsigned int i)
{
	r->first = n->col[i];
	r->last = ioas_bnode_col(n, COL_LAST)[i];
	r->value = (void *)(uintptr_t)ioas_bnode_col(n, COL_VALUE)[i];
}

bool ioas_rangemap_first(const struct ioas_rangemap *m, uint64_t first,
			 uint64_t last, struct ioas_range *r)
{
	const struct ioas_bnode *n;
	unsigned int i = 0;

	n = ioas_btree_leaf(&m->tree, first, &i);
	if (!n)
		return false;
	if (i && ioas_bnode_col(n, COL_LAST)[i - 1] >= first) {
		i--;
	} else if (i == n->nr) {
		n = n->next;
		i = 0;
	}
	if (!n || n->col[i] > last)
		return false;
	range_get(r, n, i);
	return true;
}

bool ioas_rangemap_next(const struct ioas_rangemap *m, uint64_t last,
			struct ioas_range *r)
{
	return r->last < last && ioas_rangemap_first(m, r->last + 1, last, r);
}

void *ioas_rangemap_find(const struct ioas_rangemap *m, uint64_t x)
{
	const struct ioas_bnode *n;
	unsigned int i = 0;

	n = ioas_btree_leaf(&m->tree, x, &i);
	if (!i || ioas_bnode_col(n, COL_LAST)[i - 1] < x)
		return NULL;
	return (void *)(uintptr_t)ioas_bnode_col(n, COL_VALUE)[i - 1];
}

uint64_t ioas_rangemap_count(const struct ioas_rangemap *m)
{
	return m->tree.nr_rows;
}

/* ---- gaps --------------------------------------------------------------- */

/* Is [from, to], cut at @hi, a gap of @length? */
static bool gap_fits(uint64_t from, uint64_t to, uint64_t hi, uint64_t length,
		     uint64_t *g_first, uint64_t *g_last)
{
	to = ioas_min(to, hi);
	if (from > to || to - from < length - 1)
		return false;
	*g_first = from;
	*g_last = to;
	return true;
}

/*
 * Move from row pos[0] of the leaf of @p to the first row from there on whose
 * gap has @length. Upwards, the next entry of a node with such a summary;
 * then down again, where the summaries promise that there is one.
 */
static bool gap_seek(const struct ioas_btree *t, struct ioas_btree_path *p,
		     uint64_t length)
{
	struct ioas_bnode *n = p->node[0];
	unsigned int l = 0, i = p->pos[0];

	while (i < n->nr && row_gap(n, i) < length)
		i++;
	while (i == n->nr) {
		if (l++ == t->root->level)
			return false;
		n = p->node[l];
		i = p->pos[l] + 1;
		while (i < n->nr && ioas_bnode_col(n, COL_GAP)[i] < length)
			i++;
	}
	while (n->level) {
		n = ioas_bnode_child(n, i);
		i = 0;
		while ((n->level ? ioas_bnode_col(n, COL_GAP)[i] :
				   row_gap(n, i)) < length)
			i++;
	}
	p->node[0] = n;
	p->pos[0] = i;
	return true;
}

/* What is free behind the last row, from @lo on. */
static bool tail_fits(const struct ioas_btree *t, uint64_t lo, uint64_t hi,
		      uint64_t length, uint64_t *g_first, uint64_t *g_last)
{
	const struct ioas_bnode *n;
	unsigned int rank = 0;
	uint64_t last;

	n = ioas_btree_leaf(t, UINT64_MAX, &rank);
	if (n) {
		last = ioas_bnode_col(n, COL_LAST)[rank - 1];
		if (last == UINT64_MAX)
			return false;
		lo = ioas_max(lo, last + 1);
	}
	return gap_fits(lo, UINT64_MAX, hi, length, g_first, g_last);
}

bool ioas_rangemap_gap(const struct ioas_rangemap *m, uint64_t lo, uint64_t hi,
		       uint64_t length, uint64_t *g_first, uint64_t *g_last)
{
	struct ioas_btree_path p;
	uint64_t last;

	if (IOAS_CHECK(!length) || lo > hi)
		return false;
	if (!ioas_btree_seek(&m->tree, lo, &p))
		return tail_fits(&m->tree, lo, hi, length, g_first, g_last);
	if (!p.pos[0]) {
		/* Before all members; their first is above @lo. */
		if (gap_fits(lo, p.node[0]->col[0] - 1, hi, length, g_first,
			     g_last))
			return true;
	} else if (ioas_bnode_col(p.node[0], COL_LAST)[p.pos[0] - 1] < lo) {
		/* The gap of the row before counts from @lo only. */
		if (gap_fits(lo, row_end(p.node[0], p.pos[0] - 1), hi, length,
			     g_first, g_last))
			return true;
	} else {
		p.pos[0]--;
	}
	if (!gap_seek(&m->tree, &p, length))
		return tail_fits(&m->tree, lo, hi, length, g_first, g_last);
	last = ioas_bnode_col(p.node[0], COL_LAST)[p.pos[0]];
	return gap_fits(last + 1, row_end(p.node[0], p.pos[0]), hi, length,
			g_first, g_last);
}

size_t ioas_rangemap_memory(const struct ioas_rangemap *m)
{
	return ioas_btree_memory(&m->tree, &kind);
}

/* RM2 in one leaf, and towards the next. */
static bool leaf_valid(const struct ioas_bnode *n)
{
	const uint64_t *last = ioas_bnode_col(n, COL_LAST);
	unsigned int i;

	for (i = 0; i < n->nr; i++) {
		if (n->col[i] > last[i])
			return false;
		if (i + 1 < n->nr && last[i] >= n->col[i + 1])
			return false;
	}
	return !n->next || last[n->nr - 1] < n->next->col[0];
}

bool ioas_rangemap_validate(const struct ioas_rangemap *m)
{
	const struct ioas_bnode *n;
	unsigned int rank;

	if (!ioas_btree_validate(&m->tree, &kind)) /* RM1 */
		return false;
	for (n = ioas_btree_leaf(&m->tree, 0, &rank); n; n = n->next)
		if (!leaf_valid(n))
			return false;
	return true;
}
