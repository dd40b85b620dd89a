/* SPDX-License-Identifier: MIT */
/*
 * rangemap: disjoint closed ranges of 64-bit values, each with a pointer
 *
 *    [first .. last] -> value      [first .. last] -> value     ...
 *                            gap                         gap
 *
 * The areas of an address space by IOVA. A B+tree with starts, lasts and values
 * in separate arrays, and in every inner node the largest gap below each child,
 * so that a hole of a wanted length is found in O(log n) (performance D5).
 *
 * Not locked; the owner locks. Pointers returned are the values, not nodes.
 */
#ifndef IOAS_CORE_RANGEMAP_H
#define IOAS_CORE_RANGEMAP_H

#include "core/btree.h"

struct ioas_rangemap {
	struct ioas_btree tree;
};

struct ioas_range {
	uint64_t first;
	uint64_t last;
	void *value;
};

/* An empty map; no allocation. */
void ioas_rangemap_init(struct ioas_rangemap *m);
/* Frees every node. The values are the caller's. */
void ioas_rangemap_fini(struct ioas_rangemap *m);

/*
 * Insert [first, last], which intersects no member (checked).
 * Return: 0 or -ENOMEM, and then nothing changed.
 */
int ioas_rangemap_insert(struct ioas_rangemap *m, uint64_t first, uint64_t last,
			 void *value);
/* Remove the member that starts at @first; returns its value. No allocation. */
void *ioas_rangemap_remove(struct ioas_rangemap *m, uint64_t first);
/*
 * Replace the member [first, last] by [first, cut] -> @left and
 * [cut + 1, last] -> @right (first <= cut < last). 0 or -ENOMEM.
 */
int ioas_rangemap_split(struct ioas_rangemap *m, uint64_t first, uint64_t cut,
			void *left, void *right);
/* Change the value of the member that starts at @first. */
void ioas_rangemap_set(struct ioas_rangemap *m, uint64_t first, void *value);

/* The lowest member that intersects [first, last]; false if none. */
bool ioas_rangemap_first(const struct ioas_rangemap *m, uint64_t first,
			 uint64_t last, struct ioas_range *r);
/* Value of the member that contains @x, or NULL: the hot path. */
void *ioas_rangemap_find(const struct ioas_rangemap *m, uint64_t x);
uint64_t ioas_rangemap_count(const struct ioas_rangemap *m);

/*
 * The lowest gap (maximal range that intersects no member, clipped to
 * [lo, hi]) that begins at or after @lo and has at least @length bytes:
 * gap in *g_first, *g_last; false if none. O(log n) thanks to the largest gap
 * in inner nodes. @length is not zero.
 */
bool ioas_rangemap_gap(const struct ioas_rangemap *m, uint64_t lo, uint64_t hi,
		       uint64_t length, uint64_t *g_first, uint64_t *g_last);

/* Bytes of memory in nodes. */
size_t ioas_rangemap_memory(const struct ioas_rangemap *m);
/* Checks the structure (order, disjoint, fill, gaps); true if sound. */
bool ioas_rangemap_validate(const struct ioas_rangemap *m);

/*
 * Next member after *r that intersects [.., last], in O(log n); *r itself may
 * have been removed meanwhile.
 */
bool ioas_rangemap_next(const struct ioas_rangemap *m, uint64_t last,
			struct ioas_range *r);

/* @r: each member of @map that intersects [@from, @to], in ascending order. */
#define ioas_for_each_range(r, map, from, to)                              \
	for (bool ioas_more_ = ioas_rangemap_first(map, from, to, r);      \
	     ioas_more_; ioas_more_ = ioas_rangemap_next(map, to, r))

#endif
