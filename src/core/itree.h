/* SPDX-License-Identifier: MIT */
/*
 * itree: closed ranges that may overlap, in an intrusive balanced tree
 *
 * Ordered by (first, last); each node knows the largest last of its subtree.
 * Members: access records, linked areas of a shared pages object, reserved and
 * allowed IOVA. Insertion and removal cannot fail: the node is in the member.
 */
#ifndef IOAS_CORE_ITREE_H
#define IOAS_CORE_ITREE_H

#include "base/types.h"

struct ioas_itree_node {
	/* Set by the owner before insertion, then constant. */
	uint64_t first;
	uint64_t last;
	/* private: largest last from here down; parent and balance; children */
	uint64_t subtree_last;
	uintptr_t parent;
	struct ioas_itree_node *child[2];
};

/* Zeroed: empty. */
struct ioas_itree {
	struct ioas_itree_node *root;
};

/* Equal ranges are allowed; a new one goes after its equals. */
void ioas_itree_insert(struct ioas_itree *t, struct ioas_itree_node *n);
void ioas_itree_remove(struct ioas_itree *t, struct ioas_itree_node *n);
/* Lowest (by first, then last) member that intersects [first, last]; NULL. */
struct ioas_itree_node *ioas_itree_first(const struct ioas_itree *t,
					 uint64_t first, uint64_t last);
/* Next after @n, in the same order, that intersects [first, last]; NULL. */
struct ioas_itree_node *ioas_itree_next(const struct ioas_itree_node *n,
					uint64_t first, uint64_t last);
/* A member that is exactly [first, last]; NULL. */
struct ioas_itree_node *ioas_itree_exact(const struct ioas_itree *t,
					 uint64_t first, uint64_t last);
/*
 * Greedy span (ioas-core 8.2): is @index in the union of the members, and
 * *@last (in: end of the query) is cut to the last index for which the answer
 * is the same. Adjacent members melt.
 */
bool ioas_itree_span(const struct ioas_itree *t, uint64_t index,
		     uint64_t *last);
bool ioas_itree_validate(const struct ioas_itree *t);

#endif
