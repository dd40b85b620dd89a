/* SPDX-License-Identifier: MIT */
/*
 * stepmap: a step function over 64-bit indexes, coalesced
 *
 * A row is (key, value): the value holds from the key up to the next row, or
 * to UINT64_MAX after the last. Before the first row there is nothing.
 *
 * Counted set: the value is the number of members that cover an index.
 *
 *    members  [-------------]
 *                   [-------------]
 *    rows     1     2       1     0
 *
 * m members have 2 m ends, so there are at most 2 m rows at any time, also in
 * the middle of a change: it adds a row only at an end of its member that has
 * none, which, for a member that is still counted, means that ends of others
 * cancel it. Removing a member may create rows, where it hid the end of
 * another one. So for m members memory is kept for 2 m insertions up to 2 m
 * rows.
 *
 * Invariants (ioas_cset_validate()):
 *  CS1  inline (count > 0): all members equal [first, last] and count is
 *       nr_members; or two members follow one another, and count is one.
 *       Then removing any of them leaves something that is inline again.
 *  CS2  tree: neighbouring rows differ in count, the first is not zero; the
 *       last is, unless a member ends at UINT64_MAX; the rises add up to
 *       nr_members at most.
 *  CS3  tree: the promise above is covered.
 *  CS4  no members: no tree. A set goes back to inline when it empties, not
 *       before, so that a second member that comes and goes in a loop does
 *       not allocate each time.
 *
 * Pinned store: the value is the frame of the key, and rises by one with each
 * index; NONE marks a hole.
 *
 *    index    4        10    14      20
 *    rows     pfn 100  NONE  pfn 7   NONE       two runs, of 6 pages each
 *
 * Removing [first, last] replaces the rows in [first, last + 1] by at most
 * two: NONE at first, unless the hole melts with one before it, and the rest
 * of the last run at last + 1. Rows that are there are changed in place, so
 * only a removal that cuts a run needs memory.
 *
 * For k promised removals memory is kept for 2 k insertions up to rows + 2 k
 * rows. That covers more removals than k if they are those of k ranges in
 * pieces, as when an access record is removed of which others hold parts: a
 * row appears only at an end of one of the ranges, and once it is gone, its
 * place is inside a hole, where no removal brings it back.
 *
 * Invariants (ioas_store_validate()):
 *  ST1  no row continues the one before it; the first is not NONE.
 *  ST2  pages is the number of indexes stored.
 *  ST3  tail, if set, is the last leaf.
 *  ST4  nothing stored: no nodes; nothing promised either: no tree.
 *  ST5  from an insertion to the next removal, the promise is covered for up to
 *       max_rows rows, and there are no more.
 *
 * Not locked; the owner locks.
 */
#include "core/stepmap.h"

#include "base/errno.h"
#include "seam/fault.h"

static const struct ioas_btree_kind kind = { .cols = 2 };

static uint64_t *values(const struct ioas_bnode *n)
{
	return ioas_bnode_col(n, 1);
}

/*
 * The leaf of the last row with a key of at most @x, and in *@i its place
 * there. NULL if there is none.
 */
static const struct ioas_bnode *row_at(const struct ioas_btree *t, uint64_t x,
				       unsigned int *i)
{
	unsigned int rank = 0;
	const struct ioas_bnode *n = ioas_btree_leaf(t, x, &rank);

	*i = rank - 1;
	return rank ? n : NULL;
}

/* ==== counted set ======================================================== */

static bool is_tree(const struct ioas_cset *s)
{
	return s->nr_members && !s->count;
}

void ioas_cset_init(struct ioas_cset *s)
{
	*s = (struct ioas_cset){ 0 };
}

static void tree_destroy(struct ioas_btree *t)
{
	ioas_btree_fini(t, &kind);
	ioas_free(t, sizeof(*t));
}

void ioas_cset_fini(struct ioas_cset *s)
{
	if (is_tree(s))
		tree_destroy(s->tree);
	ioas_cset_init(s);
}

/* ---- the tree ----------------------------------------------------------- */

/* Memory for all removals of @nr members, and for @more rows now. */
static int tree_reserve(struct ioas_btree *t, uint64_t nr, uint64_t more)
{
	return ioas_btree_reserve(t, &kind, 2 * nr + more, 2 * nr);
}

/* The count at @x, outside an inline set. */
static uint64_t tree_count(const struct ioas_btree *t, uint64_t x)
{
	const struct ioas_bnode *n;
	unsigned int i;

	n = row_at(t, x, &i);
	return n ? values(n)[i] : 0;
}

/* Make a row at @x, that changes nothing; there is memory. */
static void row_need(struct ioas_btree *t, uint64_t x)
{
	struct ioas_btree_path p;
	uint64_t row[] = { x, 0 };

	ioas_btree_seek(t, x, &p);
	if (p.pos[0]) {
		if (p.node[0]->col[p.pos[0] - 1] == x)
			return;
		row[1] = values(p.node[0])[p.pos[0] - 1];
	}
	ioas_btree_insert(t, &kind, &p, row);
}

/* Drop the row at @x, which is there, if it changes nothing. */
static void row_melt(struct ioas_btree *t, uint64_t x)
{
	struct ioas_btree_path p;
	uint64_t before = 0;

	ioas_btree_lower(t, x, &p);
	if (p.pos[0])
		before = values(p.node[0])[p.pos[0] - 1];
	else if (x)
		before = tree_count(t, x - 1);
	if (before == values(p.node[0])[p.pos[0]])
		ioas_btree_remove(t, &kind, &p, 1);
}

/* Add @delta, of two's complement, to the count of [first, last]. */
static void tree_change(struct ioas_btree *t, uint64_t first, uint64_t last,
			uint64_t delta)
{
	const struct ioas_bnode *n;
	unsigned int i;

	row_need(t, first);
	if (last != UINT64_MAX)
		row_need(t, last + 1);
	for (n = row_at(t, first, &i); n; n = n->next, i = 0) {
		for (; i < n->nr && n->col[i] <= last; i++)
			values(n)[i] += delta;
		if (i < n->nr)
			break;
	}
	row_melt(t, first);
	if (last != UINT64_MAX)
		row_melt(t, last + 1);
}

/* ---- members ------------------------------------------------------------ */

/* From inline to a tree with memory for one member more. */
static int set_spill(struct ioas_cset *s)
{
	struct ioas_btree *t = ioas_zalloc(sizeof(*t), IOAS_FP_ALLOC_NODE);
	int ret;

	if (!t)
		return -ENOMEM;
	ret = tree_reserve(t, s->nr_members + 1u, 4);
	if (ret) {
		tree_destroy(t);
		return ret;
	}
	tree_change(t, s->first, s->last, s->count);
	s->tree = t;
	s->count = 0;
	return 0;
}

/* Take the member into an inline set, if it stays inline by CS1. */
static bool inline_add(struct ioas_cset *s, uint64_t first, uint64_t last)
{
	if (!s->nr_members) {
		*s = (struct ioas_cset){ .first = first, .last = last };
	} else if (s->nr_members > s->count) {
		return false;
	} else if (first == s->first && last == s->last) {
		/* one more of the same */
	} else if (s->nr_members > 1) {
		return false;
	} else if (s->last != UINT64_MAX && s->last + 1 == first) {
		s->last = last;
		s->count = 0;
	} else if (last != UINT64_MAX && last + 1 == s->first) {
		s->first = first;
		s->count = 0;
	} else {
		return false;
	}
	s->nr_members++;
	s->count++;
	return true;
}

int ioas_cset_add(struct ioas_cset *s, uint64_t first, uint64_t last)
{
	int ret;

	if (IOAS_CHECK(first > last))
		return -EINVAL;
	if (s->nr_members == UINT32_MAX)
		return -ENOMEM;
	if (!is_tree(s)) {
		if (inline_add(s, first, last))
			return 0;
		ret = set_spill(s);
	} else {
		ret = tree_reserve(s->tree, s->nr_members + 1u, 2);
	}
	if (ret)
		return ret;
	tree_change(s->tree, first, last, 1);
	s->nr_members++;
	return 0;
}

static void inline_del(struct ioas_cset *s, uint64_t first, uint64_t last)
{
	if (IOAS_CHECK(first < s->first || last > s->last))
		return;
	if (s->nr_members == s->count)
		s->count--;
	else if (first == s->first)
		s->first = last + 1;
	else
		s->last = first - 1;
	if (!--s->nr_members)
		ioas_cset_init(s);
}

void ioas_cset_del(struct ioas_cset *s, uint64_t first, uint64_t last)
{
	if (IOAS_CHECK(!s->nr_members || first > last))
		return;
	if (!is_tree(s)) {
		inline_del(s, first, last);
		return;
	}
	tree_change(s->tree, first, last, UINT64_MAX);
	if (!--s->nr_members) {
		tree_destroy(s->tree);
		ioas_cset_init(s);
		return;
	}
	ioas_btree_trim(s->tree, &kind, 2ull * s->nr_members,
			2ull * s->nr_members);
}

/* ---- questions ---------------------------------------------------------- */

/* The span of an inline set that contains @index, up to UINT64_MAX. */
static struct ioas_span inline_span(const struct ioas_cset *s, uint64_t index)
{
	struct ioas_span span = { index, UINT64_MAX, false };

	if (!s->nr_members || index > s->last)
		return span;
	span.used = index >= s->first;
	span.last = span.used ? s->last : s->first - 1;
	return span;
}

static struct ioas_span tree_span(const struct ioas_btree *t, uint64_t index,
				  uint64_t last)
{
	struct ioas_span span = { index, UINT64_MAX, false };
	const struct ioas_bnode *n;
	unsigned int i = 0;

	n = ioas_btree_leaf(t, index, &i);
	span.used = i && values(n)[i - 1];
	for (; n; n = n->next, i = 0) {
		for (; i < n->nr && n->col[i] <= last; i++) {
			if ((values(n)[i] != 0) != span.used) {
				span.last = n->col[i] - 1;
				return span;
			}
		}
		if (i < n->nr)
			break;
	}
	return span;
}

struct ioas_span ioas_cset_span(const struct ioas_cset *s, uint64_t index,
				uint64_t last)
{
	struct ioas_span span = is_tree(s) ? tree_span(s->tree, index, last) :
					     inline_span(s, index);

	span.last = ioas_min(span.last, last);
	return span;
}

uint64_t ioas_cset_count(const struct ioas_cset *s, uint64_t index)
{
	if (is_tree(s))
		return tree_count(s->tree, index);
	return inline_span(s, index).used ? s->count : 0;
}

bool ioas_cset_empty(const struct ioas_cset *s)
{
	return !s->nr_members;
}

uint64_t ioas_cset_holes(const struct ioas_cset *s, uint64_t first,
			 uint64_t last)
{
	struct ioas_span span;
	uint64_t holes = 0;

	for (;; first = span.last + 1) {
		span = ioas_cset_span(s, first, last);
		if (!span.used)
			holes += span.last - span.first + 1;
		if (span.last == last)
			return holes;
	}
}

size_t ioas_cset_memory(const struct ioas_cset *s)
{
	if (!is_tree(s))
		return 0;
	return sizeof(*s->tree) + ioas_btree_memory(s->tree, &kind);
}

/* ---- validation --------------------------------------------------------- */

/* CS2 */
static bool counts_valid(const struct ioas_cset *s)
{
	const struct ioas_bnode *n;
	uint64_t count = 0, rises = 0;
	unsigned int i;

	for (n = ioas_btree_leaf(s->tree, 0, &i); n; n = n->next) {
		for (i = 0; i < n->nr; i++) {
			if (values(n)[i] == count)
				return false;
			if (values(n)[i] > count)
				rises += values(n)[i] - count;
			count = values(n)[i];
		}
	}
	return s->tree->nr_rows && rises <= s->nr_members &&
	       count <= s->nr_members;
}

bool ioas_cset_validate(const struct ioas_cset *s)
{
	uint64_t ends = 2ull * s->nr_members;

	if (!s->nr_members)
		return !s->count && !s->first && !s->last; /* CS4 */
	if (s->count)
		return s->first <= s->last && /* CS1 */
		       (s->count == s->nr_members ||
			(s->count == 1 && s->nr_members == 2 &&
			 s->first < s->last));
	return ioas_btree_validate(s->tree, &kind) &&
	       s->tree->nr_rows <= ends && counts_valid(s) &&
	       ioas_btree_reserved(s->tree, ends, ends); /* CS3 */
}

/* ==== pinned store ======================================================= */

/* No frame has this number: see ioas_store_insert(). */
#define NONE UINT64_MAX

struct ioas_store_tree {
	struct ioas_btree t;
	/* The last leaf, if known, for insertion in ascending order. */
	struct ioas_bnode *tail;
	uint64_t pages;
	/* Removals that must not need memory. */
	uint32_t promised;
	/* Up to here rows can be added to the tail without looking again. */
	uint32_t max_rows;
};

/* What is at an index. */
struct frame {
	bool stored;
	uint64_t pfn;
};

static const struct frame no_frame = { false, NONE };

static bool frame_equal(struct frame a, struct frame b)
{
	return a.stored == b.stored && a.pfn == b.pfn;
}

/* What continues @f @nr indexes later. */
static struct frame frame_after(struct frame f, uint64_t nr)
{
	if (f.stored)
		f.pfn += nr;
	return f;
}

static struct frame frame_at(const struct ioas_btree *t, uint64_t index)
{
	const struct ioas_bnode *n;
	unsigned int i;

	n = row_at(t, index, &i);
	if (!n || values(n)[i] == NONE)
		return no_frame;
	return (struct frame){ true, values(n)[i] + (index - n->col[i]) };
}

void ioas_store_init(struct ioas_store *s)
{
	s->tree = NULL;
}

void ioas_store_fini(struct ioas_store *s)
{
	if (!s->tree)
		return;
	ioas_btree_fini(&s->tree->t, &kind);
	ioas_free(s->tree, sizeof(*s->tree));
	s->tree = NULL;
}

static int store_make(struct ioas_store *s)
{
	if (!s->tree)
		s->tree = ioas_zalloc(sizeof(*s->tree), IOAS_FP_ALLOC_NODE);
	return s->tree ? 0 : -ENOMEM;
}

/* Free what neither rows nor promises need: ST4. */
static void store_trim(struct ioas_store *s)
{
	struct ioas_store_tree *st = s->tree;
	uint64_t rows = 2ull * st->promised;

	st->tail = NULL;
	st->max_rows = 0;
	if (st->t.nr_rows)
		ioas_btree_trim(&st->t, &kind, rows, st->t.nr_rows + rows);
	else
		ioas_btree_fini(&st->t, &kind);
	if (!st->t.nr_rows && !st->promised)
		ioas_store_fini(s);
}

int ioas_store_reserve(struct ioas_store *s, uint32_t extra)
{
	int ret = store_make(s);
	struct ioas_store_tree *st = s->tree;
	uint64_t rows;

	if (ret)
		return ret;
	rows = 2 * ((uint64_t)st->promised + extra);
	if (extra > UINT32_MAX - st->promised)
		ret = -ENOMEM;
	else if (st->t.nr_rows)
		ret = ioas_btree_reserve(&st->t, &kind, rows,
					 st->t.nr_rows + rows);
	if (!ret)
		st->promised += extra;
	store_trim(s);
	return ret;
}

void ioas_store_unreserve(struct ioas_store *s, uint32_t extra)
{
	if (IOAS_CHECK(extra && (!s->tree || s->tree->promised < extra)))
		return;
	if (!extra)
		return;
	s->tree->promised -= extra;
	store_trim(s);
}

/* ---- changing rows ------------------------------------------------------ */

/* Remove all rows with a key in [lo, hi]. */
static void rows_remove(struct ioas_btree *t, uint64_t lo, uint64_t hi)
{
	struct ioas_btree_path p;

	while (ioas_btree_lower(t, lo, &p)) {
		unsigned int end = ioas_bnode_rank(p.node[0], hi);

		if (end <= p.pos[0])
			return;
		ioas_btree_remove(t, &kind, &p, end - p.pos[0]);
	}
}

/* A new key, between those of its neighbours, and value for the row at @key. */
static void row_change(struct ioas_btree *t, uint64_t key, const uint64_t *row)
{
	struct ioas_btree_path p;

	ioas_btree_lower(t, key, &p);
	p.node[0]->col[p.pos[0]] = row[0];
	values(p.node[0])[p.pos[0]] = row[1];
	ioas_btree_changed(t, &kind, &p);
}

static void row_add(struct ioas_btree *t, const uint64_t *row)
{
	struct ioas_btree_path p;

	ioas_btree_seek(t, row[0], &p);
	ioas_btree_insert(t, &kind, &p, row);
}

/*
 * Replace the rows with keys in [lo, hi] by the @nr (up to two) at @row: the
 * first old ones become new ones, which takes no memory; the others go first.
 * The first new key is @lo if there are two, and the last one may be @hi, so
 * the order of the rows holds at every step.
 */
static void rows_replace(struct ioas_btree *t, uint64_t lo, uint64_t hi,
			 uint64_t (*row)[2], unsigned int nr)
{
	struct ioas_btree_path p;
	uint64_t from = lo, old[2];
	unsigned int i, kept = 0;

	while (kept < nr && from <= hi && ioas_btree_lower(t, from, &p) &&
	       p.node[0]->col[p.pos[0]] <= hi) {
		old[kept] = p.node[0]->col[p.pos[0]];
		if (old[kept++] == hi)
			break;
		from = old[kept - 1] + 1;
	}
	if (!kept || old[kept - 1] < hi)
		rows_remove(t, from, hi);
	for (i = 0; i < kept; i++)
		row_change(t, old[i], row[i]);
	for (; i < nr; i++)
		row_add(t, row[i]);
}

/* From now on [first, last] holds @f and what continues it. */
static void frames_set(struct ioas_btree *t, uint64_t first, uint64_t last,
		       struct frame f)
{
	struct frame before = no_frame, after, next;
	unsigned int nr = 0;
	uint64_t row[2][2];

	if (first)
		before = frame_after(frame_at(t, first - 1), 1);
	if (!frame_equal(before, f)) {
		row[nr][0] = first;
		row[nr++][1] = f.pfn;
	}
	if (last == UINT64_MAX) {
		rows_replace(t, first, last, row, nr);
		return;
	}
	next = frame_after(f, last - first + 1);
	after = frame_at(t, last + 1);
	if (!frame_equal(next, after)) {
		row[nr][0] = last + 1;
		row[nr++][1] = after.pfn;
	}
	rows_replace(t, first, last + 1, row, nr);
}

/* ---- insertion ---------------------------------------------------------- */

static void tail_append(struct ioas_btree *t, struct ioas_bnode *n,
			uint64_t key, uint64_t value)
{
	n->col[n->nr] = key;
	values(n)[n->nr++] = value;
	t->nr_rows++;
}

/*
 * Insertion in ascending order: the last row of the last leaf is NONE, and
 * @run begins there or behind. Stays within the leaf and leaves its first row
 * alone, so nothing above it changes. False: not so simple.
 */
static bool tail_insert(struct ioas_store_tree *st, uint64_t index,
			uint64_t last, ioas_pfn_t pfn)
{
	struct ioas_bnode *n = st->tail;
	unsigned int end;

	if (!n || n->nr < 2 || n->nr + 2 > n->cap || last == UINT64_MAX ||
	    st->t.nr_rows + 2ull > st->max_rows)
		return false;
	end = n->nr - 1u;
	if (values(n)[end] != NONE || n->col[end] > index)
		return false;
	if (n->col[end] < index) {
		tail_append(&st->t, n, index, pfn);
		tail_append(&st->t, n, last + 1, NONE);
	} else if (values(n)[end - 1] + (index - n->col[end - 1]) == pfn) {
		n->col[end] = last + 1;
	} else {
		values(n)[end] = pfn;
		tail_append(&st->t, n, last + 1, NONE);
	}
	return true;
}

/*
 * The same where the leaf is full, or has but one row: there is memory, and
 * the run begins where the last one ended. A third of the descents that
 * frames_set() takes, which would be half the time of a fragmented pin.
 */
static bool tail_extend(struct ioas_store_tree *st, uint64_t index,
			uint64_t last, ioas_pfn_t pfn)
{
	const uint64_t row[] = { last + 1, NONE };
	const struct frame f = { true, pfn };
	struct ioas_bnode *n = st->tail;

	if (!n || !index || last == UINT64_MAX || n->col[n->nr - 1u] != index ||
	    values(n)[n->nr - 1u] != NONE ||
	    frame_equal(frame_after(frame_at(&st->t, index - 1), 1), f))
		return false;
	values(n)[n->nr - 1u] = pfn;
	row_add(&st->t, row);
	return true;
}

/*
 * Memory for one insertion of two rows, then for the promised removals. The
 * tail may grow by some rows without a new node before this is asked again.
 */
static int insert_reserve(struct ioas_store_tree *st)
{
	uint64_t promised = 2ull * st->promised, rows = st->t.nr_rows;
	uint64_t max = rows + 2 + ioas_min(rows / 4, IOAS_BTREE_FANOUT);
	const struct ioas_bnode *root = st->t.root;
	int ret =
		ioas_btree_reserve(&st->t, &kind, 2 + promised, max + promised);

	/* A root leaf that was too small has moved. */
	if (root && st->tail == root)
		st->tail = st->t.root;
	if (!ret)
		st->max_rows = (uint32_t)max;
	return ret;
}

int ioas_store_insert(struct ioas_store *s, uint64_t index, struct ioas_run run)
{
	struct ioas_store_tree *st;
	unsigned int rank = 0;
	uint64_t last;
	int ret;

	if (IOAS_CHECK(!ioas_last(index, run.nr, &last) ||
		       run.pfn > UINT64_MAX - run.nr ||
		       ioas_store_pages(s) > UINT64_MAX - run.nr))
		return -EINVAL;
	if (ioas_fault_point(IOAS_FP_STORE))
		return -ENOMEM;
	ret = store_make(s);
	if (ret)
		return ret;
	st = s->tree;
	if (!tail_insert(st, index, last, run.pfn)) {
		ret = insert_reserve(st);
		if (ret) {
			store_trim(s);
			return ret;
		}
		if (!tail_extend(st, index, last, run.pfn))
			frames_set(&st->t, index, last,
				   (struct frame){ true, run.pfn });
		st->tail = ioas_btree_leaf(&st->t, UINT64_MAX, &rank);
	}
	st->pages += run.nr;
	return 0;
}

void ioas_store_remove(struct ioas_store *s, uint64_t first, uint64_t last)
{
	if (IOAS_CHECK(!s->tree || first > last ||
		       last - first >= s->tree->pages))
		return;
	frames_set(&s->tree->t, first, last, no_frame);
	s->tree->pages -= last - first + 1;
	store_trim(s);
}

/* ---- questions ---------------------------------------------------------- */

struct ioas_run ioas_store_next(const struct ioas_store *s,
				struct ioas_store_cursor *c, uint64_t index,
				uint64_t last)
{
	const struct ioas_bnode *n = c->node;
	struct ioas_run run = { 0, 0 };
	unsigned int i = c->row;

	if (!s->tree || index > last)
		return run;
	if (!n || n->col[i] != index)
		n = row_at(&s->tree->t, index, &i);
	if (!n || values(n)[i] == NONE)
		return run;
	run.pfn = values(n)[i] + (index - n->col[i]);
	if (++i == n->nr) {
		n = n->next;
		i = 0;
	}
	c->node = n;
	c->row = i;
	if (n)
		last = ioas_min(last, n->col[i] - 1);
	run.nr = last - index + 1;
	return run;
}

struct ioas_run ioas_store_get(const struct ioas_store *s, uint64_t index,
			       uint64_t last)
{
	struct ioas_store_cursor c = { 0 };

	return ioas_store_next(s, &c, index, last);
}

uint64_t ioas_store_runs(const struct ioas_store *s)
{
	const struct ioas_bnode *n = NULL;
	uint64_t runs = 0;
	unsigned int i;

	if (s->tree)
		n = ioas_btree_leaf(&s->tree->t, 0, &i);
	for (; n; n = n->next)
		for (i = 0; i < n->nr; i++)
			runs += values(n)[i] != NONE;
	return runs;
}

uint64_t ioas_store_pages(const struct ioas_store *s)
{
	return s->tree ? s->tree->pages : 0;
}

size_t ioas_store_memory(const struct ioas_store *s)
{
	if (!s->tree)
		return 0;
	return sizeof(*s->tree) + ioas_btree_memory(&s->tree->t, &kind);
}

/* ---- validation --------------------------------------------------------- */

/* ST1, ST2 */
static bool frames_valid(const struct ioas_store_tree *st)
{
	struct frame expect = no_frame;
	uint64_t pages = 0, at = 0;
	const struct ioas_bnode *n;
	unsigned int i;

	for (n = ioas_btree_leaf(&st->t, 0, &i); n; n = n->next) {
		for (i = 0; i < n->nr; i++) {
			struct frame f = { values(n)[i] != NONE, values(n)[i] };

			expect = frame_after(expect, n->col[i] - at);
			if (frame_equal(f, expect))
				return false;
			if (expect.stored)
				pages += n->col[i] - at;
			at = n->col[i];
			expect = f;
		}
	}
	if (expect.stored)
		pages += UINT64_MAX - at + 1;
	return pages == st->pages;
}

bool ioas_store_validate(const struct ioas_store *s)
{
	const struct ioas_store_tree *st = s->tree;
	unsigned int rank;
	uint64_t promised;

	if (!st)
		return true;
	promised = 2ull * st->promised;
	if (!st->t.nr_rows)
		return st->promised && !st->t.nr_nodes && !st->t.spare &&
		       !st->tail && !st->pages; /* ST4 */
	if (st->tail && st->tail != ioas_btree_leaf(&st->t, UINT64_MAX, &rank))
		return false; /* ST3 */
	if (st->max_rows &&
	    (st->t.nr_rows > st->max_rows ||
	     !ioas_btree_reserved(&st->t, promised, st->max_rows + promised)))
		return false; /* ST5 */
	return ioas_btree_validate(&st->t, &kind) && frames_valid(st);
}
