/* SPDX-License-Identifier: MIT */
/*
 * compare: a page table, as three parties see it
 *
 *   oracle ---- ioas_pt_for_each_leaf, _leaf, _lookup, _translate_run
 *     `-------- walker_for_each, walker_walk
 */
#include "rig.h"

#include <errno.h>
#include <string.h>

typedef unsigned long long ull;

/* ---- enumeration -------------------------------------------------------- */

struct visit {
	struct rig *rig;
	size_t i;
};

/* The next leaf of the oracle; NULL: there is none, or it differs. */
static const struct leaf *visit_next(struct visit *v, const char *who,
				     uint64_t iova, uint64_t oa,
				     unsigned int lg2, unsigned int level)
{
	const struct oracle *o = &v->rig->oracle;
	const struct leaf *l = &o->leaf[v->i];

	if (v->i == o->nr) {
		rig_fail(v->rig, "%s has a leaf too many, at 0x%llx", who,
			 (ull)iova);
		return NULL;
	}
	v->i++;
	if (l->iova == iova && l->oa == oa && l->lg2 == lg2 &&
	    config_level(v->rig->cfg, lg2) == level)
		return l;
	rig_fail(v->rig,
		 "%s: 0x%llx -> 0x%llx, 2^%u, level %u; "
		 "not 0x%llx -> 0x%llx, 2^%u",
		 who, (ull)iova, (ull)oa, lg2, level, (ull)l->iova,
		 (ull)l->oa, l->lg2);
	return NULL;
}

static bool visit_pt(void *ctx, const struct ioas_pt_leaf *leaf)
{
	struct visit *v = ctx;
	struct rig *r = v->rig;
	const struct leaf *l = visit_next(v, "src/pt", leaf->iova, leaf->oa,
					  leaf->lg2, leaf->level);

	if (!l)
		return false;
	if ((leaf->prot ^ l->attrs) & r->cfg->shown ||
	    leaf->prot & ~r->cfg->shown)
		return rig_fail(r, "src/pt: prot 0x%x at 0x%llx, not 0x%x",
				leaf->prot, (ull)l->iova, l->attrs);
	if (leaf->dirty != (r->cfg->tracks && l->dirty))
		return rig_fail(r, "src/pt: dirty is %d at 0x%llx",
				leaf->dirty, (ull)l->iova);
	return true;
}

bool rig_compare_leaves(struct rig *r)
{
	struct visit v = { .rig = r };

	ioas_pt_for_each_leaf(r->pt, visit_pt, &v);
	if (!r->failed && v.i < r->oracle.nr)
		rig_fail(r, "src/pt lacks a leaf at 0x%llx",
			 (ull)r->oracle.leaf[v.i].iova);
	return !r->failed;
}

static bool visit_walker(void *ctx, const struct walker_leaf *leaf)
{
	struct visit *v = ctx;
	struct rig *r = v->rig;
	const struct leaf *l = visit_next(v, "walker", leaf->iova, leaf->oa,
					  leaf->lg2, leaf->level);

	if (!l)
		return false;
	if (leaf->access != config_access(r->cfg, l->attrs))
		return rig_fail(r, "walker: access %u at 0x%llx, attrs 0x%x",
				leaf->access, (ull)l->iova, l->attrs);
	if (r->cfg->tracks && leaf->dirty != l->dirty)
		return rig_fail(r, "walker: dirty is %d at 0x%llx",
				leaf->dirty, (ull)l->iova);
	return true;
}

/* Has the root more items than other tables, or fewer? */
static bool own_root(const struct config *cfg)
{
	const struct walker_config *w = &cfg->walker;

	if (w->format == WALKER_ARM64_S1 || w->format == WALKER_ARM64_S2)
		return w->va_bits - config_item_lg2(cfg, w->levels - 1u) !=
		       cfg->index_lg2;
	return w->format == WALKER_RISCV64_X4;
}

/* T5, by the counters and by what a device can reach. */
static bool check_tables(struct rig *r, const struct walker_tally *tally)
{
	struct ioas_pt_stats stats;
	uint64_t tables;

	ioas_pt_stats(r->pt, &stats);
	tables = stats.tables_allocated - stats.tables_freed;
	/* A root of another size than tables is not counted with them. */
	if (own_root(r->cfg))
		tables++;
	/*
	 * A map that ran out of memory leaves tables that nobody was told of;
	 * who uses them next says so (6.1).
	 */
	if (tables != tally->tables &&
	    !(r->mode == RIG_SHADOW && r->starved && tables > tally->tables))
		return rig_fail(r, "%llu tables in use, a walker reads %llu",
				(ull)tables, (ull)tally->tables);
	if (r->mode != RIG_IDENTITY &&
	    ioas_pt_memory(r->pt) != r->arena.outstanding)
		return rig_fail(r, "%llu bytes of tables, %llu were allocated",
				(ull)ioas_pt_memory(r->pt),
				(ull)r->arena.outstanding);
	return true;
}

bool rig_compare_walker(struct rig *r)
{
	struct visit v = { .rig = r };
	struct walker_tally tally;
	const char *why = NULL;

	if (!walker_for_each(&r->walker, &r->memory, visit_walker, &v, &tally,
			     &why))
		return rig_fail(r, "walker: %s, after %zu leaves", why, v.i);
	if (!r->failed && v.i < r->oracle.nr)
		rig_fail(r, "walker lacks a leaf at 0x%llx",
			 (ull)r->oracle.leaf[v.i].iova);
	return !r->failed && check_tables(r, &tally);
}

/* ---- one address -------------------------------------------------------- */

/* Is this an address for the device? */
static bool walker_reaches(const struct rig *r, uint64_t iova)
{
	unsigned int bits = r->walker.va_bits;
	unsigned int span = config_item_lg2(r->cfg, r->walker.levels);

	if (r->walker.flags & WALKER_SIGN_EXTEND) {
		iova >>= bits - 1;
		return !iova || iova == UINT64_MAX >> (bits - 1);
	}
	/* The root has not grown yet, or is only as high as it must. */
	if ((r->walker.format == WALKER_AMDV1 ||
	     r->walker.format == WALKER_MOCK) && span < bits)
		bits = span;
	return bits >= 64 || !(iova >> bits);
}

static bool check_walk(struct rig *r, uint64_t iova, uint32_t access,
		       const struct leaf *l, const struct walker_result *w)
{
	enum walker_status expect = WALKER_OK;

	if (!walker_reaches(r, iova))
		expect = WALKER_OUT_OF_APERTURE;
	else if (!l)
		expect = WALKER_NOT_MAPPED;
	else if (access & ~config_access(r->cfg, l->attrs))
		expect = WALKER_DENIED;
	if (w->status != expect)
		return rig_fail(r, "walk of 0x%llx for %u: %u, not %u (%s)",
				(ull)iova, access, w->status, expect,
				w->why ? w->why : "");
	if (!l)
		return true;
	if (w->oa != l->oa + (iova - l->iova) || w->leaf_iova != l->iova ||
	    w->leaf_oa != l->oa || w->lg2 != l->lg2)
		return rig_fail(r, "walk of 0x%llx: 0x%llx, leaf 0x%llx 2^%u",
				(ull)iova, (ull)w->oa, (ull)w->leaf_iova,
				w->lg2);
	if (w->access != config_access(r->cfg, l->attrs) ||
	    (r->cfg->tracks && w->dirty != l->dirty))
		return rig_fail(r, "walk of 0x%llx: access %u, dirty %d",
				(ull)iova, w->access, w->dirty);
	return true;
}

static bool check_lookup(struct rig *r, uint64_t iova, const struct leaf *l)
{
	struct ioas_pt_hit hit;
	int ret = ioas_pt_lookup(r->pt, iova, &hit);

	if (ret != (l ? 0 : -ENOENT))
		return rig_fail(r, "lookup of 0x%llx: %d", (ull)iova, ret);
	if (!l)
		return true;
	if (hit.oa != l->oa || hit.lg2 != l->lg2 ||
	    (hit.prot ^ l->attrs) & r->cfg->shown)
		return rig_fail(r, "lookup of 0x%llx: 0x%llx 2^%u prot 0x%x",
				(ull)iova, (ull)hit.oa, hit.lg2, hit.prot);
	/* Of one item; the leaf is dirty if any of them is. */
	if (r->cfg->tracks ? hit.dirty && !l->dirty : !hit.dirty)
		return rig_fail(r, "lookup of 0x%llx: dirty is %d", (ull)iova,
				hit.dirty);
	return true;
}

static bool check_leaf(struct rig *r, uint64_t iova, const struct leaf *l)
{
	struct ioas_pt_leaf leaf;
	uint64_t oa, length;
	int ret = ioas_pt_leaf(r->pt, iova, &leaf);
	int run = ioas_pt_translate_run(r->pt, iova, iova, NULL, &oa, &length);

	if (ret != (l ? 0 : -ENOENT) || run != ret)
		return rig_fail(r, "leaf at 0x%llx: %d, translation: %d",
				(ull)iova, ret, run);
	if (!l)
		return true;
	if (oa != l->oa + (iova - l->iova) || length != 1)
		return rig_fail(r, "0x%llx translates to 0x%llx, %llu bytes",
				(ull)iova, (ull)oa, (ull)length);
	if (leaf.iova != l->iova || leaf.oa != l->oa || leaf.lg2 != l->lg2)
		return rig_fail(r, "leaf at 0x%llx: 0x%llx -> 0x%llx 2^%u",
				(ull)iova, (ull)leaf.iova, (ull)leaf.oa,
				leaf.lg2);
	return true;
}

bool rig_walk(struct rig *r, uint64_t iova, uint32_t access)
{
	const struct leaf *l = oracle_at(&r->oracle, iova);
	struct walker_result w;

	walker_walk(&r->walker, &r->memory, iova, access, &w);
	r->nr_walks++;
	if (!check_walk(r, iova, access, l, &w) ||
	    !check_lookup(r, iova, l) || !check_leaf(r, iova, l))
		return false;
	rig_remember(r, &w, iova, false);
	return true;
}

bool rig_write(struct rig *r, uint64_t iova)
{
	struct leaf *l = oracle_at(&r->oracle, iova);
	struct walker_result w;

	walker_write(&r->walker, &r->memory, iova, &w);
	if (l && config_access(r->cfg, l->attrs) & WALKER_WRITE)
		oracle_mark(&r->oracle, iova, iova);
	if (!check_walk(r, iova, WALKER_WRITE, l, &w))
		return false;
	rig_remember(r, &w, iova, w.status == WALKER_OK);
	return true;
}

/* ---- what the device remembers ------------------------------------------ */

static const char unsaid[] = " changed, and no invalidation said so";

void rig_remember(struct rig *r, const struct walker_result *walk,
		  uint64_t iova, bool dirty)
{
	struct cached *c = &r->cached[r->next_cached++ % NR_CACHED];

	memset(c, 0, sizeof(*c));
	c->used = true;
	c->iova = iova;
	for (unsigned int i = 0; i < walk->nr_steps; i++)
		c->table[walk->step[i].level] = walk->step[i].table;
	c->leaf = walk->status == WALKER_OK || walk->status == WALKER_DENIED;
	c->oa = walk->oa;
	c->lg2 = walk->lg2;
	c->access = walk->access;
	c->dirty = dirty && r->cfg->tracks;
}

void rig_forget(struct rig *r, uint64_t iova, uint64_t last, bool tables)
{
	for (unsigned int i = 0; i < NR_CACHED; i++) {
		struct cached *c = &r->cached[i];
		uint64_t mask = c->leaf ? ((uint64_t)1 << c->lg2) - 1 : 0;

		/* A leaf goes if it is touched. */
		if ((c->iova & ~mask) <= last && (c->iova | mask) >= iova)
			c->leaf = c->dirty = false;
		if (tables && c->iova >= iova && c->iova <= last)
			c->used = false;
	}
}

bool rig_check_cached(struct rig *r)
{
	for (unsigned int i = 0; i < NR_CACHED; i++) {
		const struct cached *c = &r->cached[i];
		const struct leaf *l;

		if (!c->used || !c->leaf)
			continue;
		l = oracle_at(&r->oracle, c->iova);
		if (!l || c->oa != l->oa + (c->iova - l->iova) ||
		    c->lg2 != l->lg2 ||
		    c->access != config_access(r->cfg, l->attrs))
			return rig_fail(r, "0x%llx -> 0x%llx%s", (ull)c->iova,
					(ull)c->oa, unsaid);
		if (c->dirty && !l->dirty)
			return rig_fail(r, "dirty state of 0x%llx%s",
					(ull)c->iova, unsaid);
	}
	return true;
}

/* A table of @c that the walk @w does not find; or -1. */
static int lost_level(const struct cached *c, const struct walker_result *w)
{
	unsigned int low = w->nr_steps ? w->step[w->nr_steps - 1].level : 0;

	for (unsigned int k = 0; k < w->nr_steps; k++) {
		uint64_t old = c->table[w->step[k].level];

		if (old && old != w->step[k].table)
			return w->step[k].level;
	}
	/* What was below a leaf, or a hole, is nobody's. */
	for (unsigned int level = 0; level < low; level++)
		if (c->table[level])
			return (int)level;
	return -1;
}

/* Tables on the way: those that are remembered must be those that are used. */
static bool check_paths(struct rig *r)
{
	for (unsigned int i = 0; i < NR_CACHED; i++) {
		const struct cached *c = &r->cached[i];
		struct walker_result w;
		int lost;

		if (!c->used)
			continue;
		walker_walk(&r->walker, &r->memory, c->iova, 0, &w);
		lost = lost_level(c, &w);
		if (lost >= 0)
			return rig_fail(r, "a table of level %d over 0x%llx%s",
					lost, (ull)c->iova, unsaid);
	}
	return true;
}

void rig_check_expect(struct rig *r, uint64_t iova, uint64_t last)
{
	const uint64_t at[] = { iova, iova + (last - iova) / 2, last };

	for (unsigned int i = 0; i < 3; i++) {
		const struct leaf *l = oracle_at(&r->oracle, at[i]);
		struct walker_result w;

		walker_walk(&r->walker, &r->memory, at[i], 0, &w);
		if (r->expect == EXPECT_HOLE &&
		    w.status != WALKER_NOT_MAPPED &&
		    w.status != WALKER_OUT_OF_APERTURE)
			rig_fail(r, "0x%llx is invalidated and translates",
				 (ull)at[i]);
		if (r->expect == EXPECT_SAME && l &&
		    (w.status != WALKER_OK ||
		     w.oa != l->oa + (at[i] - l->iova)))
			rig_fail(r, "0x%llx does not translate as before",
				 (ull)at[i]);
	}
}

bool rig_compare(struct rig *r)
{
	if (!ioas_pt_validate(r->pt))
		return rig_fail(r, "an invariant is broken");
	return rig_compare_leaves(r) && rig_compare_walker(r) &&
	       check_paths(r) && rig_check_cached(r);
}
