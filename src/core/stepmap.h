/* SPDX-License-Identifier: MIT */
/*
 * stepmap: a step function over 64-bit indexes, coalesced
 *
 *  value   none | a a a a | none | b b | c c c | none ...
 *               ^ step    ^      ^     ^       ^
 *
 * Two uses, told apart by how a value continues along a step:
 *  - constant: how many members of a set cover an index (linked set, access
 *    set): `ioas_cset`. Neighbours with equal counts are one step.
 *  - linear: which frame is stored for an index (pinned store): `ioas_store`.
 *    Neighbours with consecutive frames are one step.
 *
 * 16 bytes per step. Removal never fails: the memory that a removal may need
 * (removing the middle of a step creates one) is reserved by the insertion
 * that made it possible.
 */
#ifndef IOAS_CORE_STEPMAP_H
#define IOAS_CORE_STEPMAP_H

#include "core/btree.h"

/* ---- counted set -------------------------------------------------------- */

/*
 * The common case needs no memory: one range, covered by members that are all
 * equal to it, or by two that follow one another (the halves of a split area).
 * Then @count says how often it is covered. Zero with members: see @tree.
 */
struct ioas_cset {
	uint64_t first;
	union {
		uint64_t last;
		struct ioas_btree *tree;
	};
	uint32_t nr_members;
	uint32_t count;
};

/* A maximal range, clipped to the query, that is all used or all hole. */
struct ioas_span {
	uint64_t first;
	uint64_t last;
	bool used;
};

void ioas_cset_init(struct ioas_cset *s);
void ioas_cset_fini(struct ioas_cset *s);
/* Add a member [first, last]; overlaps and repeats are counted. 0, -ENOMEM. */
int ioas_cset_add(struct ioas_cset *s, uint64_t first, uint64_t last);
/* Remove a member that was added. Cannot fail, does not allocate. */
void ioas_cset_del(struct ioas_cset *s, uint64_t first, uint64_t last);
/* The span that contains @index, clipped to [index, last]. O(log n + steps). */
struct ioas_span ioas_cset_span(const struct ioas_cset *s, uint64_t index,
				uint64_t last);
/* How many members cover @index. */
uint64_t ioas_cset_count(const struct ioas_cset *s, uint64_t index);
bool ioas_cset_empty(const struct ioas_cset *s);
/* Number of indexes in [first, last], of 2^64 - 1 at most, in no member. */
uint64_t ioas_cset_holes(const struct ioas_cset *s, uint64_t first,
			 uint64_t last);
size_t ioas_cset_memory(const struct ioas_cset *s);
bool ioas_cset_validate(const struct ioas_cset *s);

/* ---- pinned store ------------------------------------------------------- */

struct ioas_store_tree;

/* NULL while nothing is stored and nothing promised. */
struct ioas_store {
	struct ioas_store_tree *tree;
};

void ioas_store_init(struct ioas_store *s);
void ioas_store_fini(struct ioas_store *s);
/*
 * Promise that @extra removals of ranges that split a run will not need memory
 * (called when an access record is added). 0 or -ENOMEM. The promise is given
 * back by ioas_store_unreserve(), after the last removal that may use it. The
 * pieces of one range that others do not hold need one promise together.
 */
int ioas_store_reserve(struct ioas_store *s, uint32_t extra);
void ioas_store_unreserve(struct ioas_store *s, uint32_t extra);
/*
 * Store @run at indexes [index, index + run.nr - 1], all empty now; melts with
 * neighbours that it continues. No frame is UINT64_MAX. Ascending order is the
 * fast case. 0 or -ENOMEM, and then nothing changed.
 */
int ioas_store_insert(struct ioas_store *s, uint64_t index,
		      struct ioas_run run);
/* Empty [first, last]: all of it is stored. Cannot fail (see reserve). */
void ioas_store_remove(struct ioas_store *s, uint64_t first, uint64_t last);
/*
 * The run that starts at @index, clipped to [index, last]; nr 0 if nothing is
 * stored at @index.
 */
struct ioas_run ioas_store_get(const struct ioas_store *s, uint64_t index,
			       uint64_t last);
/* Where a walk along a store is. Zeroed at first; void once the store changes. */
struct ioas_store_cursor {
	const struct ioas_bnode *node;
	unsigned int row;
};
/*
 * As ioas_store_get(). Who asks for the index where the last answer ended is
 * spared the search, which is most of the time in fragmented memory.
 */
struct ioas_run ioas_store_next(const struct ioas_store *s,
				struct ioas_store_cursor *c, uint64_t index,
				uint64_t last);
/* Runs (counted now), pages and bytes of memory held, reserve included. */
uint64_t ioas_store_runs(const struct ioas_store *s);
uint64_t ioas_store_pages(const struct ioas_store *s);
size_t ioas_store_memory(const struct ioas_store *s);
bool ioas_store_validate(const struct ioas_store *s);

#endif
