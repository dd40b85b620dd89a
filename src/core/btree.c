/* SPDX-License-Identifier: MIT */
/*
 * btree: a B+tree of 64-bit keys with columns, the engine of two maps
 *
 * Insertion goes up from the leaf; a full node hands its parent a new right
 * sibling. In the middle a node splits in halves; at the right edge it stays
 * full and the sibling starts with what is new, so that rows that come in
 * ascending order pack completely:
 *
 *      | 1 2 3 4 | + 5   ->   | 1 2 3 4 |  | 5 |
 *
 * Removal goes up too; a node that is too small takes rows from a sibling or
 * merges with it.
 *
 * How many nodes can the future need? Two bounds, the smaller one counts:
 *  - x rows never take more than N(x) nodes: by BT3 there are at most
 *    (x - 1) / MIN + 1 leaves, and n nodes have at most (n - 2) / MIN + 1
 *    parents, up to a level of one.
 *  - one insertion never takes more than H(x) nodes, the levels of that tree:
 *    it splits at most every level, and makes a root only if it adds a level.
 * Neither counts removals: what they free goes to the spare list.
 * While the tree holds at most FANOUT rows no node can overflow, so only the
 * root leaf must be large enough.
 *
 * The invariants stand in btree.h.
 */
#include "core/btree.h"

#include "base/errno.h"
#include "base/mem.h"
#include "seam/fault.h"

_Static_assert(2 * IOAS_BTREE_MIN <= IOAS_BTREE_FANOUT,
	       "two nodes that are too small fit in one");
_Static_assert(IOAS_BTREE_FANOUT == 32,
	       "ioas_bnode_rank() reads eight keys, then four");

/* ---- nodes -------------------------------------------------------------- */

static size_t node_size(const struct ioas_btree_kind *k, unsigned int cap)
{
	return sizeof(struct ioas_bnode) + sizeof(uint64_t) * k->cols * cap;
}

static void node_init(struct ioas_bnode *n, unsigned int cap,
		      unsigned int level)
{
	n->next = NULL;
	n->nr = 0;
	n->cap = (uint8_t)cap;
	n->level = (uint8_t)level;
	n->nr_spare = 0;
	memset(n->col, 0xff, sizeof(uint64_t) * cap);
}

static struct ioas_bnode *node_alloc(const struct ioas_btree_kind *k,
				     unsigned int cap)
{
	struct ioas_bnode *n =
		ioas_alloc(node_size(k, cap), IOAS_FP_ALLOC_NODE);

	if (n)
		node_init(n, cap, 0);
	return n;
}

static void node_free(const struct ioas_btree_kind *k, struct ioas_bnode *n)
{
	ioas_free(n, node_size(k, n->cap));
}

/* Copy @nr rows; the nodes differ. The caller counts and pads. */
static void rows_copy(const struct ioas_btree_kind *k, struct ioas_bnode *dst,
		      unsigned int to, const struct ioas_bnode *src,
		      unsigned int from, unsigned int nr)
{
	unsigned int c;

	for (c = 0; c < k->cols; c++)
		memcpy(ioas_bnode_col(dst, c) + to,
		       ioas_bnode_col(src, c) + from, nr * sizeof(uint64_t));
}

static void keys_pad(struct ioas_bnode *n, unsigned int from, unsigned int nr)
{
	memset(n->col + from, 0xff, nr * sizeof(uint64_t));
}

/* Move @nr rows within a node; at its end there are often none. */
static void rows_move(const struct ioas_btree_kind *k, struct ioas_bnode *n,
		      unsigned int to, unsigned int from, unsigned int nr)
{
	unsigned int c;

	if (!nr)
		return;
	for (c = 0; c < k->cols; c++) {
		uint64_t *col = ioas_bnode_col(n, c);

		memmove(col + to, col + from, nr * sizeof(uint64_t));
	}
}

/* Make room for @nr rows at @pos. */
static void rows_open(const struct ioas_btree_kind *k, struct ioas_bnode *n,
		      unsigned int pos, unsigned int nr)
{
	rows_move(k, n, pos + nr, pos, n->nr - pos);
	n->nr = (uint16_t)(n->nr + nr);
}

/* Close over @nr rows at @pos. */
static void rows_close(const struct ioas_btree_kind *k, struct ioas_bnode *n,
		       unsigned int pos, unsigned int nr)
{
	rows_move(k, n, pos, pos + nr, n->nr - pos - nr);
	n->nr = (uint16_t)(n->nr - nr);
	keys_pad(n, n->nr, nr);
}

static void row_put(const struct ioas_btree_kind *k, struct ioas_bnode *n,
		    unsigned int pos, const uint64_t *row)
{
	unsigned int c;

	rows_open(k, n, pos, 1);
	for (c = 0; c < k->cols; c++)
		ioas_bnode_col(n, c)[pos] = row[c];
}

/* Fewest rows that @n may have while it is not the root. */
static unsigned int node_min(const struct ioas_bnode *n)
{
	if (n->next)
		return IOAS_BTREE_MIN;
	return n->level ? 2 : 1;
}

/* ---- spare nodes -------------------------------------------------------- */

static uint32_t spare_count(const struct ioas_btree *t)
{
	return t->spare ? t->spare->nr_spare : 0;
}

static void spare_push(struct ioas_btree *t, struct ioas_bnode *n)
{
	n->nr_spare = spare_count(t) + 1;
	n->next = t->spare;
	t->spare = n;
}

/* Take a node into the tree. It was promised. */
static struct ioas_bnode *spare_pop(struct ioas_btree *t, unsigned int level)
{
	struct ioas_bnode *n = t->spare;

	t->spare = n->next;
	t->nr_nodes++;
	node_init(n, IOAS_BTREE_FANOUT, level);
	return n;
}

static void spare_cut(struct ioas_btree *t, const struct ioas_btree_kind *k,
		      uint32_t keep)
{
	while (spare_count(t) > keep) {
		struct ioas_bnode *n = t->spare;

		t->spare = n->next;
		node_free(k, n);
	}
}

/* All or nothing: what was there before stays in any case. */
static int spare_fill(struct ioas_btree *t, const struct ioas_btree_kind *k,
		      uint64_t nr)
{
	uint32_t before = spare_count(t);

	if (nr > UINT32_MAX - t->nr_nodes)
		return -ENOMEM;
	while (spare_count(t) < nr) {
		struct ioas_bnode *n = node_alloc(k, IOAS_BTREE_FANOUT);

		if (!n) {
			spare_cut(t, k, before);
			return -ENOMEM;
		}
		spare_push(t, n);
	}
	return 0;
}

/* ---- promises ----------------------------------------------------------- */

/* Most nodes that @rows rows can take, and in *@levels the most levels. */
static uint64_t nodes_bound(uint64_t rows, unsigned int *levels)
{
	uint64_t level = (rows - 1) / IOAS_BTREE_MIN + 1, nodes = level;

	for (*levels = 1; level > 1; ++*levels) {
		level = (level - 2) / IOAS_BTREE_MIN + 1;
		nodes += level;
	}
	return nodes;
}

/* Spare nodes that the promise takes; see the head. */
static uint64_t spare_need(const struct ioas_btree *t, uint64_t inserts,
			   uint64_t max_rows)
{
	uint64_t total, each;
	unsigned int levels;

	if (!inserts || max_rows <= IOAS_BTREE_FANOUT)
		return 0;
	total = nodes_bound(max_rows, &levels);
	total -= ioas_min(total, t->nr_nodes);
	if (__builtin_mul_overflow(inserts, levels, &each))
		return total;
	return ioas_min(total, each);
}

/* Room that the root leaf needs: of 4, 8, 16, ... rows. */
static unsigned int root_room(uint64_t rows)
{
	unsigned int cap = 4;

	while (cap < IOAS_BTREE_FANOUT && cap < rows)
		cap *= 2;
	return cap;
}

/* Is the root, present and future, large enough? */
static bool root_fits(const struct ioas_btree *t, uint64_t max_rows)
{
	return t->root && t->root->cap >= root_room(max_rows);
}

/* Make the root leaf, or move it to a larger node. */
static int root_grow(struct ioas_btree *t, const struct ioas_btree_kind *k,
		     uint64_t rows)
{
	struct ioas_bnode *n = node_alloc(k, root_room(rows));

	if (!n)
		return -ENOMEM;
	if (t->root) {
		rows_copy(k, n, 0, t->root, 0, t->root->nr);
		n->nr = t->root->nr;
		node_free(k, t->root);
	} else {
		t->nr_nodes = 1;
	}
	t->root = n;
	return 0;
}

int ioas_btree_reserve(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       uint64_t inserts, uint64_t max_rows)
{
	int ret;

	if (max_rows > UINT32_MAX)
		return -ENOMEM;
	ret = spare_fill(t, k, spare_need(t, inserts, max_rows));
	if (ret || root_fits(t, max_rows))
		return ret;
	return root_grow(t, k, max_rows);
}

void ioas_btree_trim(struct ioas_btree *t, const struct ioas_btree_kind *k,
		     uint64_t inserts, uint64_t max_rows)
{
	uint64_t need = spare_need(t, inserts, max_rows);

	if (spare_count(t) > need)
		spare_cut(t, k, (uint32_t)need);
}

bool ioas_btree_reserved(const struct ioas_btree *t, uint64_t inserts,
			 uint64_t max_rows)
{
	return !inserts || (root_fits(t, max_rows) &&
			    spare_count(t) >= spare_need(t, inserts, max_rows));
}

int ioas_btree_prepare(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       struct ioas_btree_path *p)
{
	unsigned int full = 0;
	int ret;

	if (t->nr_rows == UINT32_MAX)
		return -ENOMEM;
	while (full <= t->root->level &&
	       p->node[full]->nr == p->node[full]->cap)
		full++;
	if (!full)
		return 0;
	if (t->root->cap < IOAS_BTREE_FANOUT) {
		ret = root_grow(t, k, t->nr_rows + 1u);
		p->node[0] = t->root;
		return ret;
	}
	/* Each full node splits; if all are, there is a new root. */
	return spare_fill(t, k, full + (full > t->root->level));
}

/* ---- paths -------------------------------------------------------------- */

bool ioas_btree_seek(const struct ioas_btree *t, uint64_t x,
		     struct ioas_btree_path *p)
{
	struct ioas_bnode *n = t->root;

	if (!n)
		return false;
	for (; n->level; n = ioas_bnode_child(n, p->pos[n->level])) {
		unsigned int i = ioas_bnode_rank(n, x);

		p->node[n->level] = n;
		p->pos[n->level] = i - (i != 0);
	}
	p->node[0] = n;
	p->pos[0] = ioas_bnode_rank(n, x);
	return true;
}

/* From the end of a leaf to the first row of the next one. */
static bool path_next(struct ioas_btree_path *p)
{
	unsigned int l = 1;

	if (!p->node[0]->next)
		return false;
	while (p->pos[l] + 1 == p->node[l]->nr)
		l++;
	p->pos[l]++;
	for (; l; l--) {
		p->node[l - 1] = ioas_bnode_child(p->node[l], p->pos[l]);
		p->pos[l - 1] = 0;
	}
	return true;
}

bool ioas_btree_lower(const struct ioas_btree *t, uint64_t x,
		      struct ioas_btree_path *p)
{
	if (!ioas_btree_seek(t, x, p))
		return false;
	if (p->pos[0] && p->node[0]->col[p->pos[0] - 1] == x) {
		p->pos[0]--;
		return true;
	}
	return p->pos[0] < p->node[0]->nr || path_next(p);
}

/* ---- keys and summaries above a node ------------------------------------ */

/* The largest that went from, and that came to, what a summary is made of. */
struct change {
	bool known;
	uint64_t was;
	uint64_t is;
};

/* The largest of column 2; in two parts, which do not wait for each other. */
static uint64_t inner_summary(const struct ioas_bnode *n)
{
	const uint64_t *sum = ioas_bnode_col(n, 2);
	uint64_t even = 0, odd = 0;
	unsigned int i;

	for (i = 0; i + 2 <= n->nr; i += 2) {
		even = ioas_max(even, sum[i]);
		odd = ioas_max(odd, sum[i + 1]);
	}
	if (i < n->nr)
		even = ioas_max(even, sum[i]);
	return ioas_max(even, odd);
}

static uint64_t node_summary(const struct ioas_btree_kind *k,
			     const struct ioas_bnode *n)
{
	return n->level ? inner_summary(n) : k->summary(n);
}

/* As above, where the summary was @sum before the change @c to @n. */
static uint64_t summary_after(const struct ioas_btree_kind *k,
			      const struct ioas_bnode *n, uint64_t sum,
			      const struct change *c)
{
	if (c->known && c->is >= sum)
		return c->is;
	if (c->known && c->was < sum)
		return sum;
	return node_summary(k, n);
}

/* The largest measure in @nr rows of a leaf from @pos, and in the one before. */
static uint64_t rows_measure(const struct ioas_btree_kind *k,
			     const struct ioas_bnode *n, unsigned int pos,
			     unsigned int nr)
{
	uint64_t max = 0;
	unsigned int i;

	if (!k->measure)
		return 0;
	for (i = pos - (pos != 0); i < pos + nr; i++)
		max = ioas_max(max, k->measure(n, i));
	return max;
}

/*
 * Entry @i of @parent describes @n; true if that changed it. @c: what changed
 * in @n, and then, what changed in @parent.
 */
static bool entry_update(const struct ioas_btree_kind *k,
			 const struct ioas_bnode *parent, unsigned int i,
			 const struct ioas_bnode *n, struct change *c)
{
	uint64_t *key = &ioas_bnode_col(parent, 0)[i], *sum;
	bool changed = *key != n->col[0];

	*key = n->col[0];
	if (k->measure) {
		sum = &ioas_bnode_col(parent, 2)[i];
		c->is = summary_after(k, n, *sum, c);
		c->was = *sum;
		c->known = true;
		*sum = c->is;
		changed |= c->was != c->is;
	}
	return changed;
}

void ioas_btree_changed(const struct ioas_btree *t,
			const struct ioas_btree_kind *k,
			const struct ioas_btree_path *p)
{
	struct change c = { 0 };
	unsigned int l;

	for (l = 0; l < t->root->level; l++)
		if (!entry_update(k, p->node[l + 1], p->pos[l + 1], p->node[l],
				  &c))
			return;
}

/* A row of the parent that describes @n. */
static void entry_make(const struct ioas_btree_kind *k,
		       const struct ioas_bnode *n, uint64_t *row)
{
	row[0] = n->col[0];
	row[1] = (uintptr_t)n;
	row[2] = k->measure ? node_summary(k, n) : 0;
}

/* ---- insertion ---------------------------------------------------------- */

/* Put @row at @pos of @n; returns the new right sibling, if @n was full. */
static struct ioas_bnode *row_insert(struct ioas_btree *t,
				     const struct ioas_btree_kind *k,
				     struct ioas_bnode *n, unsigned int pos,
				     const uint64_t *row)
{
	unsigned int at = IOAS_BTREE_FANOUT / 2;
	struct ioas_bnode *r;

	if (n->nr < n->cap) {
		row_put(k, n, pos, row);
		return NULL;
	}
	/* An inner node has two children at least, also at the edge. */
	if (!n->next && pos == n->nr)
		at = n->level ? pos - 1 : pos;
	r = spare_pop(t, n->level);
	r->next = n->next;
	n->next = r;
	rows_copy(k, r, 0, n, at, n->nr - at);
	r->nr = (uint16_t)(n->nr - at);
	keys_pad(n, at, r->nr);
	n->nr = (uint16_t)at;
	if (pos < at)
		row_put(k, n, pos, row);
	else
		row_put(k, r, pos - at, row);
	return r;
}

static void root_split(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       const struct ioas_bnode *r)
{
	struct ioas_bnode *root = spare_pop(t, t->root->level + 1u);
	uint64_t row[IOAS_BTREE_COLS];

	entry_make(k, t->root, row);
	row_put(k, root, 0, row);
	entry_make(k, r, row);
	row_put(k, root, 1, row);
	t->root = root;
}

void ioas_btree_insert(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       const struct ioas_btree_path *p, const uint64_t *row)
{
	uint64_t entry[IOAS_BTREE_COLS];
	struct change c = { 0 };
	struct ioas_bnode *r;
	unsigned int l;

	c.was = rows_measure(k, p->node[0], p->pos[0], 0);
	r = row_insert(t, k, p->node[0], p->pos[0], row);
	c.known = !r;
	if (c.known)
		c.is = rows_measure(k, p->node[0], p->pos[0], 1);
	t->nr_rows++;
	for (l = 0; l < t->root->level; l++) {
		struct ioas_bnode *parent = p->node[l + 1];
		unsigned int i = p->pos[l + 1];
		bool changed = entry_update(k, parent, i, p->node[l], &c);

		if (r) {
			entry_make(k, r, entry);
			r = row_insert(t, k, parent, i + 1, entry);
			c.known = false;
		} else if (!changed) {
			return;
		}
	}
	if (r)
		root_split(t, k, r);
}

/* ---- removal ------------------------------------------------------------ */

/* All rows of @r, the right neighbour, to the end of @l. */
static void node_merge(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       struct ioas_bnode *l, struct ioas_bnode *r)
{
	rows_copy(k, l, l->nr, r, 0, r->nr);
	l->nr = (uint16_t)(l->nr + r->nr);
	l->next = r->next;
	t->nr_nodes--;
	spare_push(t, r);
}

/* Move rows between neighbours until they differ by one at most. */
static void node_even(const struct ioas_btree_kind *k, struct ioas_bnode *l,
		      struct ioas_bnode *r)
{
	unsigned int want = (l->nr + r->nr) / 2u, nr;

	if (l->nr < want) {
		nr = want - l->nr;
		rows_copy(k, l, l->nr, r, 0, nr);
		l->nr = (uint16_t)want;
		rows_close(k, r, 0, nr);
	} else {
		nr = l->nr - want;
		rows_open(k, r, 0, nr);
		rows_copy(k, r, 0, l, want, nr);
		l->nr = (uint16_t)want;
		keys_pad(l, want, nr);
	}
}

/* One of the children @i and @i + 1 of @parent is too small. */
static void rebalance(struct ioas_btree *t, const struct ioas_btree_kind *k,
		      struct ioas_bnode *parent, unsigned int i)
{
	struct ioas_bnode *l = ioas_bnode_child(parent, i);
	struct ioas_bnode *r = ioas_bnode_child(parent, i + 1);
	struct change cl = { 0 }, cr = { 0 };

	if (l->nr + r->nr <= 2 * IOAS_BTREE_MIN || !l->nr || !r->nr) {
		node_merge(t, k, l, r);
		rows_close(k, parent, i + 1, 1);
	} else {
		node_even(k, l, r);
		entry_update(k, parent, i + 1, r, &cr);
	}
	entry_update(k, parent, i, l, &cl);
}

/* The first row of a leaf went: the last row before it has a new neighbour. */
static void before_changed(const struct ioas_btree *t,
			   const struct ioas_btree_kind *k, uint64_t x)
{
	struct ioas_btree_path p;

	if (ioas_btree_seek(t, x, &p))
		ioas_btree_changed(t, k, &p);
}

void ioas_btree_remove(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       const struct ioas_btree_path *p, unsigned int nr)
{
	uint64_t x = p->node[0]->col[p->pos[0]];
	struct ioas_bnode *root = t->root;
	struct change c = { .known = true };
	unsigned int l;

	c.was = rows_measure(k, p->node[0], p->pos[0], nr);
	rows_close(k, p->node[0], p->pos[0], nr);
	c.is = rows_measure(k, p->node[0], p->pos[0], 0);
	t->nr_rows -= nr;
	for (l = 0; l < root->level; l++) {
		struct ioas_bnode *parent = p->node[l + 1];
		unsigned int i = p->pos[l + 1];

		if (p->node[l]->nr < node_min(p->node[l])) {
			rebalance(t, k, parent, i - (i != 0));
			c.known = false;
		} else if (!entry_update(k, parent, i, p->node[l], &c)) {
			break;
		}
	}
	if (root->level && root->nr == 1) {
		t->root = ioas_bnode_child(root, 0);
		t->nr_nodes--;
		spare_push(t, root);
	}
	if (k->measure && !p->pos[0])
		before_changed(t, k, x);
}

/* ---- the whole tree ----------------------------------------------------- */

/* Leftmost node one level below @n; NULL below the leaves. */
static struct ioas_bnode *level_below(const struct ioas_bnode *n)
{
	return n->level ? ioas_bnode_child(n, 0) : NULL;
}

void ioas_btree_fini(struct ioas_btree *t, const struct ioas_btree_kind *k)
{
	struct ioas_bnode *level = t->root;

	while (level) {
		struct ioas_bnode *n = level;

		level = level_below(level);
		while (n) {
			struct ioas_bnode *next = n->next;

			node_free(k, n);
			n = next;
		}
	}
	spare_cut(t, k, 0);
	*t = (struct ioas_btree){ 0 };
}

size_t ioas_btree_memory(const struct ioas_btree *t,
			 const struct ioas_btree_kind *k)
{
	size_t nodes = (size_t)t->nr_nodes + spare_count(t);

	if (t->root && !t->root->level)
		return node_size(k, t->root->cap) +
		       (nodes - 1) * node_size(k, IOAS_BTREE_FANOUT);
	return nodes * node_size(k, IOAS_BTREE_FANOUT);
}

/* ---- validation --------------------------------------------------------- */

static bool spares_valid(const struct ioas_btree *t)
{
	const struct ioas_bnode *n;
	uint32_t nr = spare_count(t);

	for (n = t->spare; n; n = n->next)
		if (n->nr_spare != nr-- || n->cap != IOAS_BTREE_FANOUT)
			return false;
	return !nr; /* BT6 */
}

/* Order, padding and fill of one node: BT1, BT3. */
static bool node_valid(const struct ioas_btree *t, const struct ioas_bnode *n,
		       unsigned int level)
{
	unsigned int i;

	if (n->level != level || n->nr > n->cap)
		return false;
	if (n != t->root &&
	    (n->nr < node_min(n) || n->cap != IOAS_BTREE_FANOUT))
		return false;
	if (n == t->root && n->level && n->nr < 2)
		return false;
	for (i = 1; i < n->nr; i++)
		if (n->col[i - 1] >= n->col[i])
			return false;
	for (i = n->nr; i < n->cap; i++)
		if (n->col[i] != UINT64_MAX)
			return false;
	return !n->next || n->col[n->nr - 1] < n->next->col[0];
}

/*
 * The entries of the level of @n describe the level below, in order: BT1, BT4,
 * BT5. Adds up the nodes of the level.
 */
static bool level_valid(const struct ioas_btree *t,
			const struct ioas_btree_kind *k,
			const struct ioas_bnode *n, uint64_t *nodes,
			uint64_t *rows)
{
	const struct ioas_bnode *child = level_below(n);
	unsigned int level = n->level, i;

	for (*rows = 0; n; n = n->next) {
		if (!node_valid(t, n, level))
			return false;
		++*nodes;
		*rows += n->nr;
		for (i = 0; level && i < n->nr; i++) {
			if (ioas_bnode_child(n, i) != child ||
			    child->level + 1u != level || /* BT2 */
			    n->col[i] != child->col[0] ||
			    (k->measure &&
			     ioas_bnode_col(n, 2)[i] != node_summary(k, child)))
				return false;
			child = child->next;
		}
	}
	return !child;
}

bool ioas_btree_validate(const struct ioas_btree *t,
			 const struct ioas_btree_kind *k)
{
	const struct ioas_bnode *n;
	uint64_t nodes = 0, rows = 0;

	if (!spares_valid(t))
		return false;
	for (n = t->root; n; n = level_below(n))
		if (!level_valid(t, k, n, &nodes, &rows))
			return false;
	return nodes == t->nr_nodes && rows == t->nr_rows &&
	       (!t->root || !t->root->next);
}
