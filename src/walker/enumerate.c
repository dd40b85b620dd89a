/* SPDX-License-Identifier: MIT */
/*
 * enumerate: every leaf of a tree, and whether the tree is sound
 *
 *   root [ 0 .. | lower half .. | hole, not read | upper half ]
 *          `-> table, once -> table, once -> leaves, in order
 *
 * Tables that were entered are remembered in units of an inner table, to whose
 * size inner tables are aligned: two tables overlap exactly if they share a
 * unit, and a root of another size takes all units that it touches. So a tree
 * costs no more than the memory that holds it, wherever its entries point.
 */
#include "walker/walker_impl.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing; a slot holds a unit's number and one, so that 0 is free. */
struct visited {
	uint64_t *slot;
	size_t nr_slots; /* a power of two, or 0 */
	size_t nr;
};

struct survey {
	const struct walker_config *cfg;
	const struct walker_memory *mem;
	bool (*fn)(void *ctx, const struct walker_leaf *leaf);
	void *ctx;
	struct walker_aperture aperture;
	struct walker_tally *tally;
	struct visited visited;
	/* NULL: sound so far. */
	const char *why;
	bool stop;
};

/* A table that is being read. */
struct place {
	uint64_t table;
	unsigned int level;
	uint64_t iova; /* of its first item */
	uint32_t access; /* of the path */
};

/* ---- tables that were entered ------------------------------------------- */

static uint64_t *visited_find(const struct visited *v, uint64_t key)
{
	size_t mask = v->nr_slots - 1;
	size_t i = (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & mask;

	while (v->slot[i] && v->slot[i] != key)
		i = (i + 1) & mask;
	return &v->slot[i];
}

static bool visited_grow(struct visited *v)
{
	struct visited larger = {
		.nr_slots = v->nr_slots ? v->nr_slots * 2 : 64,
		.nr = v->nr,
	};

	larger.slot = calloc(larger.nr_slots, sizeof(*larger.slot));
	if (!larger.slot)
		return false;
	for (size_t i = 0; i < v->nr_slots; i++) {
		if (v->slot[i])
			*visited_find(&larger, v->slot[i]) = v->slot[i];
	}
	free(v->slot);
	*v = larger;
	return true;
}

/* NULL, or why @unit cannot be entered. */
static const char *visited_add(struct visited *v, uint64_t unit)
{
	uint64_t *slot;

	/* Half of it stays free. */
	if (v->nr * 2 >= v->nr_slots && !visited_grow(v))
		return "no memory to remember the tables";
	slot = visited_find(v, unit + 1);
	if (*slot)
		return "a table is reached twice";
	*slot = unit + 1;
	v->nr++;
	return NULL;
}

static bool enter(struct survey *s, const struct place *p)
{
	uint64_t bytes = walker_table_bytes(s->cfg, p->level);
	unsigned int unit_lg2 = walker_level_bits(s->cfg) + 3;
	uint64_t last = (p->table + bytes - 1) >> unit_lg2;

	for (uint64_t u = p->table >> unit_lg2; !s->why && u <= last; u++)
		s->why = visited_add(&s->visited, u);
	if (s->why)
		return false;
	s->tally->tables++;
	s->tally->table_bytes += bytes;
	return true;
}

/* ---- items -------------------------------------------------------------- */

static bool read_word(struct survey *s, uint64_t table, uint32_t index,
		      uint64_t *word)
{
	if (walker_read(s->mem, table, index, word))
		return true;
	s->why = "a table lies where there is no memory";
	return false;
}

/* All items say the same leaf; are some of them dirty? */
static bool check_group(struct survey *s, const struct walker_group *g,
			bool *dirty)
{
	const struct walker_ops *ops = walker_ops(s->cfg->format);
	uint32_t first = walker_group_first(g), nr = walker_group_items(g);
	uint64_t word = g->word;

	*dirty = false;
	/* What came before was something else. */
	if (g->index != first)
		s->why = "a group is not complete";
	for (uint32_t i = first; !s->why && i - first < nr; i++) {
		/* No item is read twice: it might have changed. */
		if (i != first && !read_word(s, g->table, i, &word))
			break;
		if (!walker_group_agrees(g, i, word))
			s->why = "items of a group disagree";
		*dirty |= ops->dirty(s->cfg, word);
	}
	return !s->why;
}

static void report(struct survey *s, const struct walker_leaf *leaf)
{
	s->tally->leaves++;
	s->tally->mapped += (uint64_t)1 << leaf->lg2;
	s->tally->by_lg2[leaf->lg2]++;
	if (s->fn && !s->fn(s->ctx, leaf))
		s->stop = true;
}

/* Return: items that the leaf takes; any number on a failure. */
static uint32_t read_leaf(struct survey *s, const struct place *p,
			  uint32_t index, uint64_t iova, uint64_t word,
			  const struct walker_entry *e)
{
	struct walker_group g = {
		.cfg = s->cfg,
		.level = p->level,
		.table = p->table,
		.index = index,
		.word = word,
		.entry = e,
	};
	struct walker_leaf leaf = {
		.iova = iova,
		.oa = walker_leaf_oa(e),
		.lg2 = e->lg2,
		.level = (uint8_t)p->level,
		.access = p->access & e->access,
	};

	if (!check_group(s, &g, &leaf.dirty))
		return 1;
	if (!walker_inside(&s->aperture, iova, iova + walker_ones(e->lg2))) {
		s->why = "a leaf reaches beyond the aperture";
		return 1;
	}
	report(s, &leaf);
	return walker_group_items(&g);
}

static uint64_t canonical(const struct walker_aperture *a, uint64_t iova)
{
	return a->upper && (iova & a->canonical) ? iova | -a->canonical : iova;
}

/* Can an access reach a part of [@iova, @iova + 2^@lg2)? */
static bool reachable(const struct walker_aperture *a, uint64_t iova,
		      unsigned int lg2)
{
	return iova <= a->low_last ||
	       (a->upper && iova + walker_ones(lg2) >= a->high_first);
}

/* As deep as there are levels: a table below is of a lower one. */
static void read_table(struct survey *s, const struct place *p)
{
	unsigned int item = walker_item_lg2(s->cfg, p->level);
	uint32_t nr = walker_nr_items(s->cfg, p->level), step;
	struct walker_entry e;
	uint64_t word;

	if (!enter(s, p))
		return;
	for (uint32_t i = 0; i < nr && !s->why && !s->stop; i += step) {
		uint64_t iova = canonical(&s->aperture,
					  p->iova + ((uint64_t)i << item));

		step = 1;
		if (!reachable(&s->aperture, iova, item))
			continue;
		if (!read_word(s, p->table, i, &word))
			return;
		/* Empty in every format; most are. */
		if (!word)
			continue;
		walker_item(s->cfg, p->level, word, &e);
		if (e.kind == WALKER_INVALID) {
			s->why = e.why;
		} else if (e.kind == WALKER_LEAF) {
			step = read_leaf(s, p, i, iova, word, &e);
		} else if (e.kind == WALKER_TABLE) {
			read_table(s, &(struct place){
				.table = e.child,
				.level = e.child_level,
				.iova = iova,
				.access = p->access & e.access,
			});
		}
	}
}

bool walker_for_each(const struct walker_config *cfg,
		     const struct walker_memory *mem,
		     bool (*fn)(void *ctx, const struct walker_leaf *leaf),
		     void *ctx, struct walker_tally *tally, const char **why)
{
	struct walker_tally local;
	struct survey s = {
		.cfg = cfg,
		.mem = mem,
		.fn = fn,
		.ctx = ctx,
		.tally = tally ? tally : &local,
		.why = walker_check(cfg),
	};

	memset(s.tally, 0, sizeof(*s.tally));
	if (!s.why) {
		walker_aperture(cfg, &s.aperture);
		read_table(&s, &(struct place){
			.table = walker_root(cfg),
			.level = cfg->levels - 1u,
			.access = WALKER_ALL,
		});
		free(s.visited.slot);
	}
	if (s.why && why)
		*why = s.why;
	return !s.why;
}
