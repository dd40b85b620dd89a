/* SPDX-License-Identifier: MIT */
/*
 * twin_btree: what one would write without thinking of IOVA allocation
 *
 * A B+tree in memory: keys and children in the inner nodes, (start, last,
 * pointer) in the leaves, leaves linked. No augmentation, no reserve, no
 * validation; nodes of 32, as ours, merged below a quarter. It is honest: no
 * lock, no error path beyond an allocation that fails, binary search.
 */
#ifndef IOAS_BENCH_TWIN_BTREE_H
#define IOAS_BENCH_TWIN_BTREE_H

#include <stdbool.h>
#include <stdint.h>

struct twin_node;

struct twin_btree {
	struct twin_node *root;
	/* Levels above the leaves. */
	unsigned int height;
};

/* Ends the program if there is no memory. */
void twin_init(struct twin_btree *t);
void twin_fini(struct twin_btree *t);
/* False, and nothing changed: it intersects what is there. */
bool twin_insert(struct twin_btree *t, uint64_t start, uint64_t last,
		 void *ptr);
/* The pointer of the range that starts at @start, which is there. */
void *twin_remove(struct twin_btree *t, uint64_t start);
/* The pointer of the range that contains @x, or NULL. */
void *twin_find(const struct twin_btree *t, uint64_t x);
/* Lowest hole of @length at or after @from: scans the leaves. */
uint64_t twin_first_fit(const struct twin_btree *t, uint64_t from,
			uint64_t length);

#endif
