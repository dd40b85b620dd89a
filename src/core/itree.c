/* SPDX-License-Identifier: MIT */
/*
 * itree: closed ranges that may overlap, in an intrusive balanced tree
 *
 *                  [4..9] 20           subtree_last: the largest last of the
 *                 /         \          node and everything below it
 *           [1..20] 20    [6..8] 15
 *                               \
 *                            [7..15] 15
 *
 * An AVL tree: the worst case of each operation is bounded whatever order the
 * members come in, and the balance (height right minus height left, plus one)
 * fits in the two low bits of the link to the parent.
 *
 * Invariants (ioas_itree_validate()):
 *  IT1  in order, (first, last) never falls.
 *  IT2  subtree_last is what the picture says.
 *  IT3  the heights of two siblings differ by the balance, by one at most.
 *  IT4  a child's parent is its parent.
 *
 * Not locked; the owner locks.
 */
#include "core/itree.h"

#include "base/bits.h"

enum { LEFT, RIGHT };

#define BALANCE_MASK ((uintptr_t)3)

_Static_assert(_Alignof(struct ioas_itree_node) > BALANCE_MASK,
	       "the balance is in the low bits of a pointer to a node");

static struct ioas_itree_node *parent_of(const struct ioas_itree_node *n)
{
	return (struct ioas_itree_node *)(n->parent & ~BALANCE_MASK);
}

static void set_parent(struct ioas_itree_node *n, struct ioas_itree_node *p)
{
	n->parent = (uintptr_t)p | (n->parent & BALANCE_MASK);
}

static int balance(const struct ioas_itree_node *n)
{
	return (int)(n->parent & BALANCE_MASK) - 1;
}

static void set_balance(struct ioas_itree_node *n, int b)
{
	n->parent = (n->parent & ~BALANCE_MASK) | (uintptr_t)(b + 1);
}

/* What a taller child on @side adds to the balance. */
static int weight(int side)
{
	return side == RIGHT ? 1 : -1;
}

static int side_of(const struct ioas_itree_node *p,
		   const struct ioas_itree_node *child)
{
	return p->child[RIGHT] == child ? RIGHT : LEFT;
}

/* What is at the place of @old becomes @new, which may be NULL. */
static void child_replace(struct ioas_itree *t, struct ioas_itree_node *p,
			  const struct ioas_itree_node *old,
			  struct ioas_itree_node *new)
{
	if (p)
		p->child[side_of(p, old)] = new;
	else
		t->root = new;
	if (new)
		set_parent(new, p);
}

static uint64_t subtree_max(const struct ioas_itree_node *n)
{
	uint64_t max = n->last;
	int side;

	for (side = LEFT; side <= RIGHT; side++)
		if (n->child[side])
			max = ioas_max(max, n->child[side]->subtree_last);
	return max;
}

/* (first, last) of @n compared with [first, last]. */
static int node_compare(const struct ioas_itree_node *n, uint64_t first,
			uint64_t last)
{
	if (n->first != first)
		return n->first < first ? -1 : 1;
	if (n->last != last)
		return n->last < last ? -1 : 1;
	return 0;
}

/* ---- balance ------------------------------------------------------------ */

/*
 * The child of @p on the other side comes up, @p goes down on @side:
 *
 *      p                   c
 *    a   c    rotate     p   e
 *       g e    left     a g
 */
static void rotate(struct ioas_itree *t, struct ioas_itree_node *p, int side)
{
	struct ioas_itree_node *c = p->child[!side], *g = c->child[side];

	p->child[!side] = g;
	if (g)
		set_parent(g, p);
	child_replace(t, parent_of(p), p, c);
	c->child[side] = p;
	set_parent(p, c);
	p->subtree_last = subtree_max(p);
	c->subtree_last = subtree_max(c);
}

/* @p is higher by two on @side; returns what takes its place. */
static struct ioas_itree_node *rebalance(struct ioas_itree *t,
					 struct ioas_itree_node *p, int side)
{
	struct ioas_itree_node *c = p->child[side], *g = c->child[!side];
	int w = weight(side), b;

	if (balance(c) != -w) {
		/* An even child occurs in removal; the height stays. */
		b = balance(c) ? 0 : w;
		rotate(t, p, !side);
		set_balance(p, b);
		set_balance(c, -b);
		return c;
	}
	b = balance(g);
	rotate(t, c, side);
	rotate(t, p, !side);
	set_balance(p, b == w ? -w : 0);
	set_balance(c, b == -w ? w : 0);
	set_balance(g, 0);
	return g;
}

/* The subtree of @n has become higher by one. */
static void grown(struct ioas_itree *t, struct ioas_itree_node *n)
{
	struct ioas_itree_node *p;

	for (p = parent_of(n); p; n = p, p = parent_of(p)) {
		int side = side_of(p, n), b = balance(p) + weight(side);

		if (b == 2 * weight(side)) {
			rebalance(t, p, side);
			return;
		}
		set_balance(p, b);
		if (!b)
			return;
	}
}

/* The subtree of @p on @side has become lower by one. */
static void shrunk(struct ioas_itree *t, struct ioas_itree_node *p, int side)
{
	while (p) {
		int b = balance(p) - weight(side);
		struct ioas_itree_node *up;

		if (b == -2 * weight(side))
			p = rebalance(t, p, !side);
		else
			set_balance(p, b);
		if (balance(p))
			return;
		up = parent_of(p);
		if (up)
			side = side_of(up, p);
		p = up;
	}
}

/* ---- members ------------------------------------------------------------ */

void ioas_itree_insert(struct ioas_itree *t, struct ioas_itree_node *n)
{
	struct ioas_itree_node *p = NULL, **link = &t->root;

	while (*link) {
		p = *link;
		p->subtree_last = ioas_max(p->subtree_last, n->last);
		link = &p->child[node_compare(p, n->first, n->last) <= 0];
	}
	n->child[LEFT] = NULL;
	n->child[RIGHT] = NULL;
	n->subtree_last = n->last;
	n->parent = (uintptr_t)p;
	set_balance(n, 0);
	*link = n;
	grown(t, n);
}

static struct ioas_itree_node *leftmost(struct ioas_itree_node *n)
{
	while (n->child[LEFT])
		n = n->child[LEFT];
	return n;
}

/*
 * Take out @n. With two children its successor s, which has no left child,
 * takes its place and its balance; what shrinks is where s was.
 */
void ioas_itree_remove(struct ioas_itree *t, struct ioas_itree_node *n)
{
	struct ioas_itree_node *s, *p, *up;
	int side = LEFT;

	if (n->child[LEFT] && n->child[RIGHT]) {
		s = leftmost(n->child[RIGHT]);
		p = parent_of(s);
		side = side_of(p, s);
		child_replace(t, p, s, s->child[RIGHT]);
		if (p == n)
			p = s;
		s->child[LEFT] = n->child[LEFT];
		s->child[RIGHT] = n->child[RIGHT];
		set_parent(s->child[LEFT], s);
		if (s->child[RIGHT])
			set_parent(s->child[RIGHT], s);
		set_balance(s, balance(n));
	} else {
		s = n->child[n->child[LEFT] ? LEFT : RIGHT];
		p = parent_of(n);
		if (p)
			side = side_of(p, n);
	}
	child_replace(t, parent_of(n), n, s);
	for (up = p; up; up = parent_of(up))
		up->subtree_last = subtree_max(up);
	shrunk(t, p, side);
}

/* ---- questions ---------------------------------------------------------- */

/*
 * Lowest member below @n that intersects [first, last], where @n's subtree
 * reaches @first. If there are members on the left that do, the lowest of them
 * is the answer or begins behind @last, and then so does all that follows.
 */
static struct ioas_itree_node *lowest(struct ioas_itree_node *n, uint64_t first,
				      uint64_t last)
{
	for (;;) {
		struct ioas_itree_node *l = n->child[LEFT];

		if (l && l->subtree_last >= first)
			n = l;
		else if (n->first > last)
			return NULL;
		else if (n->last >= first)
			return n;
		else
			n = n->child[RIGHT];
	}
}

struct ioas_itree_node *ioas_itree_first(const struct ioas_itree *t,
					 uint64_t first, uint64_t last)
{
	if (!t->root || t->root->subtree_last < first)
		return NULL;
	return lowest(t->root, first, last);
}

struct ioas_itree_node *ioas_itree_next(const struct ioas_itree_node *n,
					uint64_t first, uint64_t last)
{
	for (;;) {
		struct ioas_itree_node *r = n->child[RIGHT], *up;

		if (r && r->subtree_last >= first)
			return lowest(r, first, last);
		for (up = parent_of(n); up && up->child[RIGHT] == n;
		     up = parent_of(up))
			n = up;
		if (!up || up->first > last)
			return NULL;
		if (up->last >= first)
			return up;
		n = up;
	}
}

struct ioas_itree_node *ioas_itree_exact(const struct ioas_itree *t,
					 uint64_t first, uint64_t last)
{
	struct ioas_itree_node *n = t->root;

	while (n) {
		int order = node_compare(n, first, last);

		if (!order)
			return n;
		n = n->child[order < 0];
	}
	return NULL;
}

/* Is @x covered, and by members that begin up to @x, how far: in *@last. */
static bool covered(const struct ioas_itree *t, uint64_t x, uint64_t *last)
{
	const struct ioas_itree_node *n = t->root;
	bool used = false;

	*last = x;
	while (n) {
		const struct ioas_itree_node *l = n->child[LEFT];

		if (n->first > x) {
			n = l;
			continue;
		}
		if (l && l->subtree_last >= *last) {
			*last = l->subtree_last;
			used = true;
		}
		if (n->last >= *last) {
			*last = n->last;
			used = true;
		}
		n = n->child[RIGHT];
	}
	return used;
}

/* The last index before a member begins that begins after @x. */
static uint64_t before_next(const struct ioas_itree *t, uint64_t x)
{
	const struct ioas_itree_node *n = t->root;
	uint64_t last = UINT64_MAX;

	while (n) {
		if (n->first > x) {
			last = n->first - 1;
			n = n->child[LEFT];
		} else {
			n = n->child[RIGHT];
		}
	}
	return last;
}

bool ioas_itree_span(const struct ioas_itree *t, uint64_t index, uint64_t *last)
{
	uint64_t reach, more;

	if (!covered(t, index, &reach)) {
		*last = ioas_min(*last, before_next(t, index));
		return false;
	}
	while (reach < *last && covered(t, reach + 1, &more))
		reach = more;
	*last = ioas_min(*last, reach);
	return true;
}

/* ---- validation --------------------------------------------------------- */

/* Deeper than an AVL tree of 2^64 members. */
enum { MAX_DEPTH = 96 };

/* Height of the subtree @n; -1 if it is not sound (IT2, IT3, IT4). */
static int subtree_validate(const struct ioas_itree_node *n,
			    const struct ioas_itree_node *p, int depth)
{
	int left, right;

	if (!n)
		return 0;
	if (depth == MAX_DEPTH || parent_of(n) != p || n->first > n->last)
		return -1;
	left = subtree_validate(n->child[LEFT], n, depth + 1);
	right = subtree_validate(n->child[RIGHT], n, depth + 1);
	if (left < 0 || right < 0 || right - left != balance(n) ||
	    balance(n) > 1 || n->subtree_last != subtree_max(n))
		return -1;
	return 1 + (left > right ? left : right);
}

bool ioas_itree_validate(const struct ioas_itree *t)
{
	const struct ioas_itree_node *n, *next;

	if (subtree_validate(t->root, NULL, 0) < 0)
		return false;
	for (n = ioas_itree_first(t, 0, UINT64_MAX); n; n = next) {
		next = ioas_itree_next(n, 0, UINT64_MAX);
		if (next && node_compare(n, next->first, next->last) > 0)
			return false; /* IT1 */
	}
	return true;
}
