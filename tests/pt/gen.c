/* SPDX-License-Identifier: MIT */
/*
 * gen: operations that are likely to matter
 *
 *   anchors   borders of tables, of large leaves, of the aperture; nearly
 *             everything happens within a few granules or leaves of one
 *   lengths   around a size, or a few granules
 *   outputs   in step with the IOVA, so that leaves grow; going on from a
 *             neighbour; at the end of the width; out of step
 */
#include "model.h"

#include <string.h>

#define BIT(n) ((uint64_t)1 << (n))
/* Leaves of one map, and of all of them. */
#define MAX_LEAVES 600
#define ENOUGH_LEAVES 1500

static uint64_t below(struct model *m, uint64_t n)
{
	return prng_below(&m->rng, n);
}

static bool chance(struct model *m, unsigned int percent)
{
	return below(m, 100) < percent;
}

static uint64_t granule_of(const struct model *m)
{
	return m->rig.oracle.pgsizes & -m->rig.oracle.pgsizes;
}

/* One of the sizes in @sizes, which is not 0; small ones more often. */
static uint64_t pick_size(struct model *m, uint64_t sizes)
{
	unsigned int nr = (unsigned int)__builtin_popcountll(sizes);
	uint64_t k = below(m, nr);

	if (chance(m, 30))
		k = below(m, k + 1);
	while (k--)
		sizes &= sizes - 1;
	return sizes & -sizes;
}

/* ---- addresses ---------------------------------------------------------- */

static uint64_t pick_anchor(struct model *m)
{
	const struct config *cfg = m->rig.cfg;
	const struct window *w = &cfg->window[below(m, cfg->nr_windows)];
	uint64_t span = w->last - w->first, at = prng_next(&m->rng), size;

	at = span == UINT64_MAX ? at : w->first + at % (span + 1);
	/* Often a small number: what is only mapped there meets. */
	if (chance(m, 30))
		at = w->first + (at & 0xffffff);
	switch (below(m, 6)) {
	case 0:
		return w->first;
	case 1:
		return w->last + 1;
	case 2:
	case 3:
		size = BIT(config_item_lg2(
				cfg, (unsigned int)below(m, cfg->max_levels)) &
			   63);
		break;
	default:
		size = pick_size(m, cfg->pgsizes);
		break;
	}
	/* Where a root that grows ends now. */
	if (cfg->max_levels > cfg->walker.levels && chance(m, 50))
		return BIT(config_item_lg2(
			cfg, cfg->walker.levels + (unsigned int)below(
				     m, cfg->max_levels -
						cfg->walker.levels)));
	return at & ~(size - 1);
}

void gen_init(struct model *m, uint64_t seed)
{
	const struct config *cfg = m->rig.cfg;
	uint64_t span;

	m->rng.state = seed;
	for (unsigned int i = 0; i < 8; i++)
		m->anchor[i] = pick_anchor(m);
	if (cfg->max_levels == cfg->walker.levels || chance(m, 40))
		return;
	/* Let the root not grow for nothing: all within a part of it. */
	span = BIT(config_item_lg2(cfg, cfg->walker.levels +
				   (unsigned int)below(m, 2)) & 63);
	for (unsigned int i = 0; i < 8; i++)
		m->anchor[i] &= span - 1;
}

/* A random leaf, large ones more often; NULL: there is none. */
static const struct leaf *pick_leaf(struct model *m)
{
	const struct oracle *o = &m->rig.oracle;
	const struct leaf *best = NULL;

	for (uint64_t n = 1 + below(m, 8); n && o->nr; n--) {
		const struct leaf *l = &o->leaf[below(m, o->nr)];

		if (!best || l->lg2 > best->lg2)
			best = l;
	}
	return best;
}

/* An end of a leaf, or the middle. */
static uint64_t near_leaf(struct model *m, const struct leaf *l)
{
	switch (below(m, 3)) {
	case 0:
		return l->iova;
	case 1:
		return leaf_last(l) + 1;
	default:
		return l->iova + (BIT(l->lg2) / 2);
	}
}

/* Near something, on a granule. */
static uint64_t near_something(struct model *m)
{
	const struct leaf *l = pick_leaf(m);
	uint64_t granule = granule_of(m), iova;
	unsigned int how = (unsigned int)below(m, 100);

	if (how < 20 && l)
		iova = near_leaf(m, l);
	else
		iova = m->anchor[below(m, 8)];
	if (how >= 97)
		iova = prng_next(&m->rng);
	else if (how >= 75)
		iova += (below(m, 9) - 4) * pick_size(m, m->rig.cfg->pgsizes);
	else if (how >= 15)
		iova += (below(m, 33) - 16) * granule;
	return iova & ~(granule - 1);
}

/* Most often inside the aperture. */
static uint64_t pick_iova(struct model *m)
{
	uint64_t iova = near_something(m);

	for (int i = 0; i < 4 && !config_window(m->rig.cfg, iova, iova); i++)
		iova = near_something(m);
	return iova;
}

/* Up to a few of a size, or of granules. */
static uint64_t pick_length(struct model *m, uint64_t sizes)
{
	uint64_t granule = granule_of(m), length;

	if (chance(m, 45))
		return (1 + below(m, 40)) * granule;
	length = pick_size(m, sizes) * (1 + below(m, 3));
	if (chance(m, 60))
		length += (below(m, 33) - 8) * granule;
	return length ? length : granule;
}

/* ---- map ---------------------------------------------------------------- */

static uint64_t pick_oa(struct model *m, uint64_t iova, uint64_t length)
{
	const struct config *cfg = m->rig.cfg;
	uint64_t granule = granule_of(m), oa = prng_next(&m->rng);
	const struct leaf *l = oracle_at(&m->rig.oracle, iova - 1);
	uint64_t step = pick_size(m, cfg->pgsizes);

	/* The largest leaf that this can hold. */
	if (chance(m, 50))
		step = BIT(63 - (unsigned int)__builtin_clzll(length));
	/* So that what was mapped before goes on. */
	if (l && chance(m, 40))
		return l->oa + (iova - l->iova);
	oa &= cfg->oa_last;
	if (chance(m, 30))
		oa &= 0xfffffff;
	if (cfg->walker.oa_bits == 52 && cfg->granule_lg2 == 16 &&
	    chance(m, 25))
		oa = BIT(48) - (below(m, 3)) * step;
	if (chance(m, 15))
		oa = cfg->oa_last - (length - 1) + (below(m, 5) == 0) * granule;
	/* In step with the IOVA up to a larger leaf than is needed. */
	if (chance(m, 75)) {
		step = step >> 63 ? step : step * 2;
		oa = (oa & ~(step - 1)) | (iova & (step - 1));
	}
	return oa & ~(granule - 1);
}

/* Until it makes a number of leaves that a test can bear. */
static uint64_t bear(struct model *m, uint64_t sizes, uint64_t iova,
		     uint64_t oa, uint64_t length)
{
	uint64_t granule = granule_of(m);

	while (oracle_count(sizes, iova, oa, length, MAX_LEAVES) >=
	       MAX_LEAVES)
		length = length / 2 & ~(granule - 1);
	return length ? length : granule;
}

/* Pages of this many bytes: from less than a granule to some of them. */
static unsigned int pick_page_lg2(struct model *m, unsigned int least)
{
	unsigned int granule = (unsigned int)__builtin_ctzll(granule_of(m));
	unsigned int lg2 = least + (unsigned int)below(m, granule - least + 4);

	return lg2 > granule && lg2 > 31 ? granule : lg2;
}

static void one_run(struct model *m, struct op *op, uint64_t sizes)
{
	uint64_t oa = pick_oa(m, op->iova, op->length), pages;

	op->length = bear(m, sizes, op->iova, oa, op->length);
	op->page_lg2 = (uint8_t)pick_page_lg2(m, 9);
	op->nr_runs = 1;
	op->head = (uint32_t)(oa & (BIT(op->page_lg2) - 1));
	pages = (op->head + op->length + BIT(op->page_lg2) - 1) >>
		op->page_lg2;
	/* The last page need not be used up, nor the last pages. */
	op->run[0] = (struct ioas_run){ oa >> op->page_lg2,
					pages + below(m, 4) / 3 };
}

/* Pages no smaller than the granule; the first begins a bit in. */
static void many_runs(struct model *m, struct op *op, uint64_t sizes)
{
	uint64_t granule = granule_of(m), iova = op->iova, page;
	unsigned int lg2 = pick_page_lg2(
		m, (unsigned int)__builtin_ctzll(granule));

	page = BIT(lg2);
	op->page_lg2 = (uint8_t)lg2;
	op->nr_runs = 2 + (uint32_t)below(m, MAX_RUNS - 1);
	op->head = (uint32_t)(below(m, page / granule) * granule);
	op->length = 0;
	for (uint32_t i = 0; i < op->nr_runs; i++) {
		uint64_t want = page * (1 + below(m, 20)), oa;
		uint64_t head = i ? 0 : op->head;

		oa = pick_oa(m, iova, want) & ~(page - 1);
		if (i && chance(m, 30))
			oa = (op->run[i - 1].pfn + op->run[i - 1].nr) * page;
		want = bear(m, sizes, iova + head, oa + head, want);
		want = (want + page - 1) & ~(page - 1);
		op->run[i] = (struct ioas_run){ oa >> lg2, want >> lg2 };
		iova += want - head;
		op->length += want - head;
	}
	/* The last run need not be used up. */
	if (chance(m, 30) && op->run[op->nr_runs - 1].nr > 1)
		op->length -= page / 2 < granule ? granule : page / 2;
}

/* Something of it becomes wrong. */
static void spoil(struct model *m, struct op *op)
{
	uint64_t granule = granule_of(m);
	uint64_t less = 1 + below(m, granule - 1);

	switch (below(m, 12)) {
	case 0:
		op->iova += chance(m, 50) ? less : granule / 2;
		break;
	case 1:
		op->length += chance(m, 50) ? less : granule / 2;
		break;
	case 2:
		op->length = 0;
		break;
	case 3:
		op->prot &= ~(uint32_t)(IOAS_PT_READ | IOAS_PT_WRITE);
		break;
	case 4:
		op->prot |= 1u << (6 + below(m, 26));
		break;
	case 5:
		op->iova = -(uint64_t)granule * (1 + below(m, 3));
		op->length = granule * (1 + below(m, 6));
		break;
	case 6:
		op->run[below(m, op->nr_runs)].pfn =
			(m->rig.cfg->oa_last >> op->page_lg2) + below(m, 3);
		break;
	case 7:
		op->run[below(m, op->nr_runs)].pfn |= BIT(below(m, 64));
		break;
	case 8:
		op->run[below(m, op->nr_runs)].nr = below(m, 2);
		break;
	case 9:
		op->nr_runs = (uint32_t)below(m, op->nr_runs);
		break;
	case 10:
		op->head = (uint32_t)less;
		break;
	default:
		/* Less than a granule, or a bound that is no power of two. */
		op->value = 1 + below(m, granule * 3);
		break;
	}
}

/* After what is mapped at @iova, if a little of that is. */
static uint64_t skip_mapped(struct model *m, uint64_t iova)
{
	const struct oracle *o = &m->rig.oracle;
	size_t i = oracle_seek(o, iova);

	for (; i < o->nr && o->leaf[i].iova <= iova; i++)
		iova = leaf_last(&o->leaf[i]) + 1;
	return iova & ~(granule_of(m) - 1);
}

/* Not into what is mapped behind. */
static void fit_hole(struct model *m, struct op *op)
{
	const struct oracle *o = &m->rig.oracle;
	const struct window *w = config_window(m->rig.cfg, op->iova, op->iova);
	size_t i = oracle_seek(o, op->iova);
	uint64_t room;

	if (!w)
		return;
	room = w->last - op->iova;
	if (i < o->nr && o->leaf[i].iova > op->iova &&
	    o->leaf[i].iova - op->iova <= room)
		room = o->leaf[i].iova - op->iova - 1;
	room = (room + 1) & ~(granule_of(m) - 1);
	if (room && room < op->length)
		op->length = room;
}

/* Aligned on both sides: large leaves, or a table full of small ones. */
static void large_run(struct model *m, struct op *op)
{
	const struct config *cfg = m->rig.cfg;
	uint64_t sizes = m->rig.oracle.pgsizes, size, step, oa;
	unsigned int nr = (unsigned int)__builtin_popcountll(sizes);

	for (uint64_t k = below(m, nr); k; k--)
		sizes &= sizes - 1;
	size = step = sizes & -sizes;
	op->length = size * (1 + below(m, 3));
	/* All of a table, in leaves of this size. */
	if (chance(m, 50) && config_level(cfg, 63 - (unsigned int)
					  __builtin_clzll(size)) < 5) {
		unsigned int level = config_level(
			cfg, 63 - (unsigned int)__builtin_clzll(size));
		unsigned int lg2 = config_item_lg2(cfg, level + 1);

		step = BIT(lg2 < 63 ? lg2 : 63);
		op->length = step;
		op->value = size;
	}
	op->iova = (m->anchor[below(m, 8)] & ~(step - 1)) +
		   (below(m, 5) - 2) * step;
	/* All that the root spans, while it has nothing else to do. */
	if (cfg->max_levels > cfg->walker.levels && !m->rig.oracle.nr) {
		step = BIT(config_item_lg2(cfg, m->rig.oracle.levels) & 63);
		op->length = step;
		op->value = chance(m, 50) ? step / 2 : 0;
		op->iova = 0;
	}
	oa = prng_next(&m->rng) & cfg->oa_last & ~(step - 1);
	if (chance(m, 20) || cfg->oa_last < step)
		oa = 0;
	op->nr_runs = 1;
	op->page_lg2 = (uint8_t)__builtin_ctzll(granule_of(m));
	if (chance(m, 50))
		fit_hole(m, op);
	op->length = bear(m, oracle_sizes(&m->rig.oracle, op->value), op->iova,
			  oa, op->length);
	op->run[0] = (struct ioas_run){ oa >> op->page_lg2,
					op->length >> op->page_lg2 };
}

static void small_runs(struct model *m, struct op *op)
{
	uint64_t sizes;

	op->iova = pick_iova(m);
	if (chance(m, 60))
		op->iova = skip_mapped(m, op->iova);
	if (chance(m, 30))
		op->value = pick_size(m, m->rig.oracle.pgsizes) +
			    (below(m, 4) == 0) * granule_of(m);
	sizes = oracle_sizes(&m->rig.oracle, op->value);
	op->length = pick_length(m, sizes);
	if (chance(m, 60))
		fit_hole(m, op);
	if (chance(m, 65))
		one_run(m, op, sizes);
	else
		many_runs(m, op, sizes);
}

/* It was, before it was spoiled. */
static bool still_bearable(const struct model *m, const struct op *op)
{
	uint64_t sizes = oracle_sizes(&m->rig.oracle, op->value);
	uint64_t left = op->length, head = op->head, iova = op->iova;

	for (uint32_t i = 0; i < op->nr_runs && op->page_lg2 < 64; i++) {
		uint64_t oa = (op->run[i].pfn << op->page_lg2) + head;
		uint64_t bytes = (op->run[i].nr << op->page_lg2) - head;

		if (bytes > left)
			bytes = left;
		if (oracle_count(sizes, iova, oa, bytes, 4 * MAX_LEAVES) >=
		    4 * MAX_LEAVES)
			return false;
		iova += bytes;
		left -= bytes;
		head = 0;
	}
	return true;
}

static void gen_map(struct model *m, struct op *op)
{
	op->kind = OP_MAP;
	if (chance(m, 20))
		large_run(m, op);
	else
		small_runs(m, op);
	op->prot = (uint32_t)below(m, 64) | 1u << below(m, 2);
	if (chance(m, 60))
		op->prot = IOAS_PT_READ | IOAS_PT_WRITE | IOAS_PT_CACHE;
	if (chance(m, 10))
		spoil(m, op);
	if (!still_bearable(m, op))
		op->prot = 0;
	op->cursor = (uint8_t)below(m, 4);
	if (chance(m, 8))
		op->fault = (uint8_t)(1 + below(m, 8));
}

/* ---- unmap, remove ------------------------------------------------------ */

/* From a leaf on, as far as there is no gap, up to @max leaves. */
static const struct leaf *stretch(struct model *m, const struct leaf *l,
				  uint64_t max)
{
	const struct oracle *o = &m->rig.oracle;
	uint64_t nr = 1 + below(m, max);

	while (--nr && l + 1 < o->leaf + o->nr &&
	       l[1].iova == leaf_last(l) + 1 && l[1].iova)
		l++;
	return l;
}

/* All that a table around @l spans, or two tables; false: there is a gap. */
static bool whole_table(struct model *m, const struct leaf *l, struct op *op)
{
	const struct config *cfg = m->rig.cfg;
	unsigned int level = config_level(cfg, l->lg2) + 1 +
			     (unsigned int)below(m, 2);
	unsigned int lg2 = config_item_lg2(cfg, level);
	uint64_t first, last;

	if (lg2 > 62)
		return false;
	first = l->iova & -BIT(lg2);
	last = first + (BIT(lg2) - 1);
	if (!oracle_whole(&m->rig.oracle, first, last))
		return false;
	if (oracle_whole(&m->rig.oracle, first, last + BIT(lg2)) &&
	    chance(m, 50))
		last += BIT(lg2);
	op->iova = first;
	op->last = op->value = last;
	op->length = last - first + 1;
	return true;
}

static bool gen_unmap(struct model *m, struct op *op)
{
	const struct leaf *l = pick_leaf(m), *want;

	if (!l)
		return false;
	op->kind = OP_UNMAP;
	op->iova = l->iova;
	op->take = chance(m, 70);
	if (whole_table(m, l, op))
		return true;
	want = stretch(m, l, chance(m, 30) ? 600 : 20);
	op->value = leaf_last(want);
	op->last = op->value;
	if (op->take && chance(m, 50))
		op->last = leaf_last(stretch(m, want, 40));
	if (op->take && chance(m, 60))
		op->refuse = (uint8_t)(2 + below(m, 4));
	return true;
}

static void gen_remove(struct model *m, struct op *op)
{
	const struct leaf *l = pick_leaf(m);
	uint64_t granule = granule_of(m);

	op->kind = OP_REMOVE;
	op->iova = l && chance(m, 75) ? l->iova : pick_iova(m);
	op->length = pick_length(m, m->rig.cfg->pgsizes);
	if (l && chance(m, 40))
		op->length = leaf_last(stretch(m, l, 600)) - l->iova + 1;
	if (l)
		whole_table(m, l, op);
	if (chance(m, 10))
		op->length += below(m, granule);
	if (chance(m, 5))
		op->iova += below(m, granule);
	if (chance(m, 5))
		op->length = -op->iova + (below(m, 3) - 1);
	if (chance(m, 3))
		op->length = prng_next(&m->rng);
	if (chance(m, 3))
		op->length = 0;
}

/* ---- split, merge ------------------------------------------------------- */

/* Sizes below that of @l into which it can be cut without too many pieces. */
static uint64_t smaller(const struct model *m, const struct leaf *l)
{
	uint64_t sizes = m->rig.oracle.pgsizes & (BIT(l->lg2) - 1);

	for (unsigned int lg2 = 0; lg2 + 9 < l->lg2; lg2++)
		sizes &= ~BIT(lg2);
	return sizes;
}

/* Would every step of a split be bearable? */
static bool bearable(const struct model *m, const struct leaf *l)
{
	uint64_t sizes = m->rig.oracle.pgsizes & (2 * BIT(l->lg2) - 1);
	unsigned int above = l->lg2, pieces = 0;

	while (sizes) {
		unsigned int lg2 = 63 - (unsigned int)__builtin_clzll(sizes);

		if (above > lg2 + 13)
			return false;
		pieces += 1u << (above - lg2);
		sizes &= ~BIT(lg2);
		above = lg2;
	}
	return pieces < 9000;
}

static bool gen_split(struct model *m, struct op *op)
{
	const struct leaf *l = pick_leaf(m);
	uint64_t granule = granule_of(m);

	if (!l || !bearable(m, l))
		return false;
	op->kind = OP_SPLIT;
	op->iova = l->iova + (below(m, BIT(l->lg2)) & ~(granule - 1));
	if (chance(m, 50))
		op->iova = l->iova + (BIT(l->lg2) / 2 & ~(granule - 1));
	if (chance(m, 5))
		op->iova++;
	if (chance(m, 5))
		op->iova = m->anchor[below(m, 8)] & ~(granule - 1);
	if (oracle_at(&m->rig.oracle, op->iova) &&
	    !bearable(m, oracle_at(&m->rig.oracle, op->iova)))
		op->iova |= 1;
	if (chance(m, 15))
		op->fault = (uint8_t)(1 + below(m, 5));
	return true;
}

static bool gen_split_to(struct model *m, struct op *op)
{
	const struct leaf *l = pick_leaf(m);
	uint64_t sizes = l ? smaller(m, l) : 0;

	if (!sizes)
		return false;
	op->kind = OP_SPLIT_TO;
	op->iova = l->iova + below(m, BIT(l->lg2));
	op->lg2 = (uint8_t)__builtin_ctzll(pick_size(m, sizes));
	if (chance(m, 5))
		op->lg2 = l->lg2;
	if (chance(m, 3))
		op->lg2 = (uint8_t)(l->lg2 + 1 + below(m, 20));
	if (chance(m, 3))
		op->iova = leaf_last(l) + 1;
	if (oracle_at(&m->rig.oracle, op->iova) &&
	    oracle_at(&m->rig.oracle, op->iova)->lg2 > op->lg2 + 12)
		return false;
	if (chance(m, 15))
		op->fault = (uint8_t)(1 + below(m, 5));
	return true;
}

/* Sizes to which leaves around @l could become one, as far as outputs go. */
static uint64_t mergeable(const struct model *m, const struct leaf *l)
{
	const struct oracle *o = &m->rig.oracle;
	uint64_t sizes = 0;

	for (unsigned int lg2 = l->lg2 + 1u; lg2 < 64; lg2++) {
		uint64_t mask = BIT(lg2) - 1, oa, length;

		if ((o->pgsizes >> lg2 & 1) &&
		    !oracle_translate(o, l->iova & ~mask, l->iova | mask, &oa,
				      &length) &&
		    length == mask + 1 && !(oa & mask))
			sizes |= BIT(lg2);
	}
	return sizes;
}

static bool gen_merge(struct model *m, struct op *op)
{
	const struct leaf *l = pick_leaf(m);
	uint64_t sizes;

	if (!l)
		return false;
	op->kind = OP_MERGE;
	sizes = mergeable(m, l);
	if (!sizes && chance(m, 60))
		return false;
	if (!sizes && l->lg2 < 63)
		sizes = m->rig.oracle.pgsizes & -(2 * BIT(l->lg2));
	op->lg2 = (uint8_t)__builtin_ctzll(
		sizes ? pick_size(m, sizes) : m->rig.oracle.pgsizes);
	op->iova = l->iova & -BIT(op->lg2);
	if (chance(m, 5))
		op->iova += granule_of(m);
	if (chance(m, 3))
		op->lg2 = (uint8_t)below(m, 70);
	if (chance(m, 10))
		op->fault = (uint8_t)(1 + below(m, 4));
	return true;
}

/* ---- the rest ----------------------------------------------------------- */

/* For operations that take any range. */
static void gen_range(struct model *m, struct op *op, enum op_kind kind)
{
	const struct leaf *l = pick_leaf(m);

	op->kind = kind;
	op->iova = pick_iova(m);
	if (l && chance(m, 70))
		op->iova = near_leaf(m, l);
	op->last = op->iova + pick_length(m, m->rig.cfg->pgsizes) - 1;
	if (l && chance(m, 30))
		op->last = leaf_last(stretch(m, l, 100));
	/* From inside a leaf, or before, to somewhere inside. */
	if (l && chance(m, 30)) {
		op->iova = l->iova - below(m, 4) * granule_of(m);
		if (chance(m, 50))
			op->iova = l->iova + below(m, BIT(l->lg2));
		op->last = l->iova + below(m, BIT(l->lg2));
		/* Clean items are passed by some at a time. */
		if (chance(m, 50))
			op->last |= 16 * granule_of(m) - 1;
	}
	if (chance(m, 20))
		op->last += below(m, 5000);
	if (chance(m, 10))
		op->iova += below(m, 5000);
	if (chance(m, 5)) {
		op->iova = 0;
		op->last = UINT64_MAX;
	}
	if (op->last < op->iova)
		op->last = UINT64_MAX;
}

static void gen_set_pgsizes(struct model *m, struct op *op)
{
	uint64_t all = m->rig.cfg->pgsizes;

	op->kind = OP_SET_PGSIZES;
	op->value = all & prng_next(&m->rng);
	/* A large granule makes most of the rest impossible. */
	if (chance(m, 85))
		op->value |= all & -all;
	if (chance(m, 45))
		op->value = all;
	if (chance(m, 5))
		op->value |= BIT(below(m, 64));
	if (chance(m, 2))
		op->value = 0;
}

static void gen_point(struct model *m, struct op *op, enum op_kind kind)
{
	const struct leaf *l = pick_leaf(m);

	op->kind = kind;
	op->iova = pick_iova(m) + below(m, granule_of(m));
	if (l && chance(m, 80))
		op->iova = l->iova + below(m, BIT(l->lg2));
	op->prot = (uint32_t)below(m, 8);
}

static bool gen_one(struct model *m, struct op *op)
{
	unsigned int how = (unsigned int)below(m, 100);

	/* Too much of it, or a granule so large that little is possible. */
	if (how < 34 && m->rig.oracle.nr > ENOUGH_LEAVES)
		how = 46;
	if (granule_of(m) != (m->rig.cfg->pgsizes & -m->rig.cfg->pgsizes) &&
	    chance(m, 25))
		how = 81;
	if (how < 34)
		gen_map(m, op);
	else if (how < 44)
		return gen_unmap(m, op);
	else if (how < 54)
		gen_remove(m, op);
	else if (how < 58)
		return gen_split(m, op);
	else if (how < 62)
		return gen_split_to(m, op);
	else if (how < 70)
		return gen_merge(m, op);
	else if (how < 74)
		gen_range(m, op, OP_MARK_DIRTY);
	else if (how < 81)
		gen_range(m, op, OP_READ_DIRTY);
	else if (how < 83)
		gen_set_pgsizes(m, op);
	else if (how < 88)
		gen_range(m, op, OP_TRANSLATE);
	else if (how < 92)
		gen_point(m, op, OP_SOIL);
	else if (how < 96)
		gen_point(m, op, OP_WRITE);
	else if (how < 98)
		op->kind = OP_SYNC;
	else
		gen_point(m, op, OP_WALK);
	op->clear = chance(m, 60);
	if (op->kind == OP_TRANSLATE)
		op->cursor = (uint8_t)below(m, 4);
	return true;
}

void gen_op(struct model *m, struct op *op)
{
	do {
		memset(op, 0, sizeof(*op));
	} while (!gen_one(m, op));
}
