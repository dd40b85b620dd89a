/* SPDX-License-Identifier: MIT */
/*
 * oracle: what a page table has to contain
 *
 *   leaf  [ iova oa lg2 attrs dirty ][ .. ][ .. ]      a sorted array
 *
 * No tables, no words: every operation of pt/pt.h on a list of leaves, as
 * docs/reference/page-tables.md sections 3 and 4 tell it. It is slow, and
 * shares nothing with src/pt.
 */
#ifndef TESTS_PT_ORACLE_H
#define TESTS_PT_ORACLE_H

#include "configs.h"

struct leaf {
	uint64_t iova;
	uint64_t oa;
	/* Effective permissions: see struct config. */
	uint32_t attrs;
	uint8_t lg2;
	bool dirty;
};

struct oracle {
	const struct config *cfg;
	/* Sizes that a map may use now. */
	uint64_t pgsizes;
	/* Of the root, which may grow. */
	unsigned int levels;
	struct leaf *leaf;
	size_t nr;
	size_t room;
};

struct span {
	uint64_t first;
	uint64_t last;
};

/* Ranges, those that touch melted; for what dirty queries report. */
#define MAX_SPANS 4096
struct spans {
	size_t nr;
	struct span span[MAX_SPANS];
};

void spans_add(struct spans *s, uint64_t first, uint64_t last);

void oracle_init(struct oracle *o, const struct config *cfg);
void oracle_fini(struct oracle *o);

static inline uint64_t leaf_last(const struct leaf *l)
{
	return l->iova + (((uint64_t)1 << l->lg2) - 1);
}

/* The first leaf that ends at or after @iova: an index, or o->nr. */
size_t oracle_seek(const struct oracle *o, uint64_t iova);
/* The leaf that holds @iova, or NULL. */
struct leaf *oracle_at(const struct oracle *o, uint64_t iova);
/* Is [@iova, @last] mapped without gaps, and no leaf cut by its ends? */
bool oracle_whole(const struct oracle *o, uint64_t iova, uint64_t last);
/* Could @l become dirty by a write? */
bool oracle_soilable(const struct oracle *o, const struct leaf *l);

/* Section 3: the largest size that fits; 0: none. */
uint64_t oracle_size(uint64_t sizes, uint64_t iova, uint64_t oa,
		     uint64_t length);
/* Leaves of such a run, counted up to @limit. */
unsigned int oracle_count(uint64_t sizes, uint64_t iova, uint64_t oa,
			  uint64_t length, unsigned int limit);
/* Sizes that a map with @max_leaf uses. */
uint64_t oracle_sizes(const struct oracle *o, uint64_t max_leaf);

/* As ioas_pt_map(), if there is memory. */
int oracle_map(struct oracle *o, const struct ioas_pt_map *rq);
/* Where an unmap that nobody refuses ends. */
uint64_t oracle_unmap_end(const struct oracle *o,
			  const struct ioas_pt_unmap *rq);
/* [@iova, @last] is gone. Return: tables that left the tree with it. */
uint32_t oracle_unmap(struct oracle *o, uint64_t iova, uint64_t last);
uint64_t oracle_remove(struct oracle *o, uint64_t iova, uint64_t length,
		       uint32_t *tables);
int oracle_translate(const struct oracle *o, uint64_t iova, uint64_t last,
		     uint64_t *oa, uint64_t *length);
void oracle_mark(struct oracle *o, uint64_t iova, uint64_t last);
int oracle_read_dirty(struct oracle *o, uint64_t iova, uint64_t last,
		      bool clear, struct spans *spans);
/*
 * As ioas_pt_split(), with what it does when: each step cuts the leaf to the
 * next smaller size. @until: stop when the leaf at @iova is not larger than
 * 2^this, as it is if memory ran out.
 */
int oracle_split(struct oracle *o, uint64_t iova, unsigned int until);
int oracle_split_to(struct oracle *o, uint64_t iova, unsigned int lg2);
int oracle_merge(struct oracle *o, uint64_t iova, unsigned int lg2);
int oracle_set_pgsizes(struct oracle *o, uint64_t pgsizes);

#endif
