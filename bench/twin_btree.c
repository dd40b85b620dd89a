/* SPDX-License-Identifier: MIT */
/*
 * twin_btree: insertion splits on the way down, removal merges on the way down
 */
#include "twin_btree.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define FANOUT 32
#define MERGE (FANOUT / 4)

struct twin_node {
	uint16_t nr;
	bool leaf;
	/* Leaf: starts. Inner: first key of each child but that of child 0. */
	uint64_t key[FANOUT];
	union {
		struct twin_node *child[FANOUT];
		struct {
			uint64_t last[FANOUT];
			void *ptr[FANOUT];
			struct twin_node *next;
		};
	};
};

static struct twin_node *node_new(bool leaf)
{
	struct twin_node *n = malloc(sizeof(*n));

	bench_check(n, "out of memory");
	n->nr = 0;
	n->leaf = leaf;
	n->next = NULL;
	return n;
}

void twin_init(struct twin_btree *t)
{
	t->root = node_new(true);
	t->height = 0;
}

static void node_free(struct twin_node *n)
{
	for (unsigned int i = 0; !n->leaf && i < n->nr; i++)
		node_free(n->child[i]);
	free(n);
}

void twin_fini(struct twin_btree *t)
{
	node_free(t->root);
}

/* Number of keys up to @x, from key @from on. */
static unsigned int rank(const struct twin_node *n, unsigned int from,
			 uint64_t x)
{
	unsigned int lo = from, hi = n->nr;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (n->key[mid] <= x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Child of an inner node for @x. */
static unsigned int slot(const struct twin_node *n, uint64_t x)
{
	return rank(n, 1, x) - 1;
}

static struct twin_node *leaf_of(const struct twin_btree *t, uint64_t x)
{
	struct twin_node *n = t->root;

	while (!n->leaf)
		n = n->child[slot(n, x)];
	return n;
}

void *twin_find(const struct twin_btree *t, uint64_t x)
{
	const struct twin_node *n = leaf_of(t, x);
	unsigned int i = rank(n, 0, x);

	return i && n->last[i - 1] >= x ? n->ptr[i - 1] : NULL;
}

static void rows_move(struct twin_node *to, unsigned int at,
		      struct twin_node *from, unsigned int i, unsigned int nr)
{
	memmove(&to->key[at], &from->key[i], nr * sizeof(*to->key));
	if (to->leaf) {
		memmove(&to->last[at], &from->last[i], nr * sizeof(*to->last));
		memmove(&to->ptr[at], &from->ptr[i], nr * sizeof(*to->ptr));
	} else {
		memmove(&to->child[at], &from->child[i],
			nr * sizeof(*to->child));
	}
}

/* Child @i of @parent is full; the parent is not. */
static void child_split(struct twin_node *parent, unsigned int i)
{
	struct twin_node *left = parent->child[i];
	struct twin_node *right = node_new(left->leaf);
	const unsigned int half = FANOUT / 2;

	rows_move(right, 0, left, half, FANOUT - half);
	left->nr = half;
	right->nr = FANOUT - half;
	if (left->leaf) {
		right->next = left->next;
		left->next = right;
	}
	rows_move(parent, i + 2, parent, i + 1, parent->nr - i - 1u);
	parent->key[i + 1] = right->key[0];
	parent->child[i + 1] = right;
	parent->nr++;
}

static void root_grow(struct twin_btree *t)
{
	struct twin_node *root = node_new(false);

	root->nr = 1;
	root->key[0] = 0;
	root->child[0] = t->root;
	t->root = root;
	t->height++;
}

static bool overlaps(const struct twin_node *n, unsigned int i, uint64_t start,
		     uint64_t last)
{
	if (i && n->last[i - 1] >= start)
		return true;
	if (i < n->nr)
		return n->key[i] <= last;
	return n->next && n->next->nr && n->next->key[0] <= last;
}

bool twin_insert(struct twin_btree *t, uint64_t start, uint64_t last,
		 void *ptr)
{
	struct twin_node *n;
	unsigned int i;

	if (t->root->nr == FANOUT)
		root_grow(t);
	for (n = t->root; !n->leaf; n = n->child[i]) {
		i = slot(n, start);
		if (n->child[i]->nr == FANOUT) {
			child_split(n, i);
			i += n->key[i + 1] <= start;
		}
	}
	i = rank(n, 0, start);
	if (overlaps(n, i, start, last))
		return false;
	rows_move(n, i + 1, n, i, n->nr - i);
	n->key[i] = start;
	n->last[i] = last;
	n->ptr[i] = ptr;
	n->nr++;
	return true;
}

/* Join child @i of @parent and the one after it, if they fit in one. */
static void child_merge(struct twin_node *parent, unsigned int i)
{
	struct twin_node *left = parent->child[i];
	struct twin_node *right = parent->child[i + 1];

	if (left->nr + right->nr >= FANOUT)
		return;
	/* The key of child 0 of an inner node stands in its parent. */
	if (!right->leaf)
		right->key[0] = parent->key[i + 1];
	rows_move(left, left->nr, right, 0, right->nr);
	left->nr = (uint16_t)(left->nr + right->nr);
	if (left->leaf)
		left->next = right->next;
	rows_move(parent, i + 1, parent, i + 2, parent->nr - i - 2u);
	parent->nr--;
	free(right);
}

static void root_shrink(struct twin_btree *t)
{
	struct twin_node *root = t->root;

	if (root->leaf || root->nr > 1)
		return;
	t->root = root->child[0];
	t->height--;
	free(root);
}

void *twin_remove(struct twin_btree *t, uint64_t start)
{
	struct twin_node *n;
	unsigned int i;
	void *ptr;

	for (n = t->root; !n->leaf; n = n->child[i]) {
		i = slot(n, start);
		if (n->child[i]->nr > MERGE || n->nr == 1)
			continue;
		child_merge(n, i + 1u < n->nr ? i : i - 1);
		i = slot(n, start);
	}
	i = rank(n, 0, start) - 1;
	ptr = n->ptr[i];
	rows_move(n, i, n, i + 1, n->nr - i - 1u);
	n->nr--;
	root_shrink(t);
	return ptr;
}

uint64_t twin_first_fit(const struct twin_btree *t, uint64_t from,
			uint64_t length)
{
	for (const struct twin_node *n = leaf_of(t, from); n; n = n->next) {
		for (unsigned int i = 0; i < n->nr; i++) {
			if (n->last[i] < from)
				continue;
			if (n->key[i] > from && n->key[i] - from >= length)
				return from;
			from = n->last[i] + 1;
		}
	}
	return from;
}
