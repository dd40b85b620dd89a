/* SPDX-License-Identifier: MIT */
/*
 * btree: a B+tree of 64-bit keys with columns, the engine of two maps
 *
 *                     inner   | key   |  5 | 40 | 90 |   first key below child
 *                             | child |  . |  . |  . |
 *                             | gap   |  7 |  3 | 12 |   summary of the child
 *                                /        |        \
 *   leaf | 5 | 9 | 20 | -next-> | 40 | 44 | -next-> | 90 | ...     column 0
 *        | a | b | c  |         | d  | e  |         | f  |         column 1
 *
 * rangemap keeps disjoint closed ranges (areas) in rows of three columns,
 * stepmap keeps a step function (counts of covering members, frames of the
 * pinned store) in rows of two. A node has one array per column, so that a
 * search reads one array of keys.
 *
 * Invariants (ioas_btree_validate() checks each under its number):
 *  BT1  keys rise strictly along each level; a key of an inner node is exactly
 *       the first key below its child; unused keys are UINT64_MAX.
 *  BT2  all leaves have level 0, a child is one level below its parent.
 *  BT3  a node that is neither the root nor the last of its level has at least
 *       IOAS_BTREE_MIN rows; the last leaf has one, an inner node two.
 *  BT4  ->next links the nodes of a level from left to right.
 *  BT5  if the kind measures rows, column 2 of an inner node is the summary of
 *       the child: the largest measure of a row below it.
 *  BT6  nr_rows, nr_nodes and the length of the spare list are what they say.
 *
 * Removal never allocates. ioas_btree_reserve() makes a promised number of
 * insertions independent of the allocator. Not locked; the owner locks.
 */
#ifndef IOAS_CORE_BTREE_H
#define IOAS_CORE_BTREE_H

#include "base/check.h"
#include "base/types.h"

enum {
	/* Rows of a full node: 32 keys are four cache lines. */
	IOAS_BTREE_FANOUT = 32,
	/*
	 * Below half of that, so that a split (16 + 17 rows) is three removals
	 * away from a merge, and a merge (28 rows) five insertions from a
	 * split: one area mapped and unmapped in a loop does neither.
	 */
	IOAS_BTREE_MIN = 14,
	/* Room for 2^32 rows: 14^8 * 14 > 2^34, so nine levels, and one more. */
	IOAS_BTREE_LEVELS = 10,
	IOAS_BTREE_COLS = 3,
};

struct ioas_bnode {
	/* Right neighbour of the same level; in the spare list: the next. */
	struct ioas_bnode *next;
	/* Rows in use, and room; only a root leaf has less than the fanout. */
	uint16_t nr;
	uint8_t cap;
	uint8_t level;
	/* In the spare list: nodes from here to its end. */
	uint32_t nr_spare;
	/* Column 0 of @cap rows, then column 1, ... */
	uint64_t col[];
};

/* NULL, NULL, 0, 0: an empty tree. */
struct ioas_btree {
	struct ioas_bnode *root;
	struct ioas_bnode *spare;
	uint32_t nr_rows;
	uint32_t nr_nodes;
};

/* What the two users of the engine differ in. */
struct ioas_btree_kind {
	unsigned int cols;
	/* A number for row @i of a leaf; NULL: there are no summaries. */
	uint64_t (*measure)(const struct ioas_bnode *n, unsigned int i);
	/* The largest of a leaf, in one go; for column 2 of its parent. */
	uint64_t (*summary)(const struct ioas_bnode *n);
};

/*
 * From the root to a row of a leaf: at level l, node[l] and a position in it.
 * pos[0] is a row, or a place between rows where one can be inserted.
 */
struct ioas_btree_path {
	struct ioas_bnode *node[IOAS_BTREE_LEVELS];
	unsigned int pos[IOAS_BTREE_LEVELS];
};

static inline uint64_t *ioas_bnode_col(const struct ioas_bnode *n,
				       unsigned int col)
{
	return (uint64_t *)&n->col[col * n->cap];
}

static inline struct ioas_bnode *ioas_bnode_child(const struct ioas_bnode *n,
						  unsigned int i)
{
	return (struct ioas_bnode *)(uintptr_t)ioas_bnode_col(n, 1)[i];
}

/* How many of four keys, @step apart, are at most @x. */
static inline unsigned int ioas_bnode_rank4(const uint64_t *key,
					    unsigned int step, uint64_t x)
{
	return (unsigned int)(key[0] <= x) + (key[step] <= x) +
	       (key[2 * step] <= x) + (key[3 * step] <= x);
}

/*
 * How many keys of @n are at most @x. No branch depends on a key: in a full
 * node every fourth key is looked at, then the block of four that is left.
 * Unused keys are the largest value, so it does not matter how many are in
 * use; that count decides only for @x = UINT64_MAX.
 */
static inline unsigned int ioas_bnode_rank(const struct ioas_bnode *n,
					   uint64_t x)
{
	const uint64_t *key = n->col;
	unsigned int c = 0, i;

	if (ioas_likely(n->cap == IOAS_BTREE_FANOUT)) {
		c = ioas_bnode_rank4(key + 3, 4, x) +
		    ioas_bnode_rank4(key + 19, 4, x);
		c = (c - (c == IOAS_BTREE_FANOUT / 4)) * 4;
		c += ioas_bnode_rank4(key + c, 1, x);
	} else {
		for (i = 0; i < n->cap; i += 4)
			c += ioas_bnode_rank4(key + i, 1, x);
	}
	return c < n->nr ? c : n->nr;
}

/*
 * The leaf where @x belongs, and in *@rank the number of its keys up to @x;
 * NULL if there are no nodes. By BT1 the rank is zero only below all keys.
 */
static inline struct ioas_bnode *ioas_btree_leaf(const struct ioas_btree *t,
						 uint64_t x, unsigned int *rank)
{
	struct ioas_bnode *n = t->root;

	if (!n)
		return NULL;
	while (n->level) {
		unsigned int i = ioas_bnode_rank(n, x);

		n = ioas_bnode_child(n, i - (i != 0));
	}
	*rank = ioas_bnode_rank(n, x);
	return n;
}

/* Frees all nodes; leaves an empty tree. */
void ioas_btree_fini(struct ioas_btree *t, const struct ioas_btree_kind *k);

/*
 * Path to where @x belongs: pos[0] is the number of keys of the leaf up to
 * @x, so the row of @x itself, if there is one, is before it. False if the
 * tree has no nodes.
 */
bool ioas_btree_seek(const struct ioas_btree *t, uint64_t x,
		     struct ioas_btree_path *p);
/* Path to the first row whose key is at least @x; false if there is none. */
bool ioas_btree_lower(const struct ioas_btree *t, uint64_t x,
		      struct ioas_btree_path *p);

/*
 * Make sure that @inserts insertions, between them any removals, in which the
 * tree never holds more than @max_rows rows, need no allocation. 0 or -ENOMEM;
 * then the rows are unchanged, and what was promised before still holds.
 */
int ioas_btree_reserve(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       uint64_t inserts, uint64_t max_rows);
/* Free spare nodes that such a promise does not need. */
void ioas_btree_trim(struct ioas_btree *t, const struct ioas_btree_kind *k,
		     uint64_t inserts, uint64_t max_rows);
/* Would such a promise hold now? For validators. */
bool ioas_btree_reserved(const struct ioas_btree *t, uint64_t inserts,
			 uint64_t max_rows);

/*
 * Get the memory for one insertion at @p, which may move to a larger root
 * leaf. Not for an empty tree: ioas_btree_reserve(t, k, 1, 1) makes its root.
 */
int ioas_btree_prepare(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       struct ioas_btree_path *p);
/* Insert @row (of k->cols values) at @p. The memory is there. */
void ioas_btree_insert(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       const struct ioas_btree_path *p, const uint64_t *row);
/* Remove @nr rows of the leaf of @p, from pos[0] on. An empty root stays. */
void ioas_btree_remove(struct ioas_btree *t, const struct ioas_btree_kind *k,
		       const struct ioas_btree_path *p, unsigned int nr);
/*
 * The row at @p has changed, its key within the bounds of its neighbours:
 * bring keys and summaries above it up to date.
 */
void ioas_btree_changed(const struct ioas_btree *t,
			const struct ioas_btree_kind *k,
			const struct ioas_btree_path *p);

size_t ioas_btree_memory(const struct ioas_btree *t,
			 const struct ioas_btree_kind *k);
bool ioas_btree_validate(const struct ioas_btree *t,
			 const struct ioas_btree_kind *k);

#endif
