/* SPDX-License-Identifier: MIT */
/*
 * exec: one operation, on both sides
 */
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "plat/common/fault_arm.h"
#include "seam/caller.h"

typedef unsigned long long ull;

static void count(struct model *m, enum event event)
{
	m->events[event]++;
}

/* ---- with a fault point that fails -------------------------------------- */

struct fault {
	struct ioas_fault fault;
	struct ioas_caller caller;
	struct ioas_caller *old;
};

static void fault_begin(struct fault *f, unsigned int nth)
{
	memset(f, 0, sizeof(*f));
	if (!nth)
		return;
	f->fault.nth = nth;
	f->caller.fault = &f->fault;
	ioas_fault_arm(&f->fault);
	f->old = ioas_caller_enter(&f->caller);
}

/* Did it fail? */
static bool fault_end(struct fault *f)
{
	if (!f->caller.fault)
		return false;
	ioas_caller_leave(f->old);
	ioas_fault_disarm();
	return !f->fault.nth;
}

/* What an operation may not do without memory, it refused to do. */
static bool check_ret(struct model *m, const char *what, int ret, int expect)
{
	if (ret != expect)
		rig_fail(&m->rig, "%s: %d, not %d", what, ret, expect);
	return ret == expect;
}

/* No memory, by the fault point or because the arena is full? */
static bool starved(struct model *m, bool faulted)
{
	bool exhausted = m->rig.arena.exhausted;

	m->rig.arena.exhausted = false;
	m->rig.starved |= faulted || exhausted;
	return faulted || exhausted;
}

/*
 * The root after an operation: as high as the oracle says; if the operation
 * failed, it may have risen for what was not mapped then.
 */
static void check_root(struct model *m, unsigned int before, bool failed)
{
	struct rig *r = &m->rig;
	struct ioas_pt_root root;
	unsigned int levels;

	ioas_pt_root(r->pt, &root);
	levels = root.level + 1u;
	if (levels > before)
		count(m, EV_GROWN);
	if (root.pa != r->walker.root || levels != r->walker.levels)
		rig_fail(r, "the device was not told of the root of level %u",
			 root.level);
	if (failed && levels >= r->oracle.levels &&
	    levels <= r->cfg->max_levels)
		r->oracle.levels = levels;
	if (levels != r->oracle.levels)
		rig_fail(r, "the root has level %u, not %u", root.level,
			 r->oracle.levels - 1);
}

/* ---- map ---------------------------------------------------------------- */

static uint64_t *cursor_of(struct model *m, const struct op *op,
			   uint64_t *fresh)
{
	memset(fresh, 0, 4 * sizeof(*fresh));
	if (!op->cursor)
		return NULL;
	return op->cursor == 3 ? fresh : m->cursor[op->cursor - 1];
}

static void count_map(struct model *m, const struct ioas_pt_map *rq, int ret)
{
	const struct config *cfg = m->rig.cfg;
	const struct leaf *l;

	switch (ret) {
	case -EINVAL:
		count(m, EV_MAP_EINVAL);
		return;
	case -ERANGE:
		count(m, EV_MAP_ERANGE);
		return;
	case -EOVERFLOW:
		count(m, EV_MAP_EOVERFLOW);
		return;
	case -EADDRINUSE:
		count(m, EV_MAP_EADDRINUSE);
		return;
	case -ENOMEM:
		count(m, EV_MAP_ENOMEM);
		return;
	}
	count(m, EV_MAPPED);
	l = oracle_at(&m->rig.oracle, rq->iova);
	if (config_level(cfg, l->lg2))
		count(m, EV_LARGE);
	if ((l->lg2 - cfg->granule_lg2) % cfg->index_lg2)
		count(m, EV_GROUP);
	if (cfg->nr_windows == 2 && rq->iova > cfg->window[0].last)
		count(m, EV_UPPER_HALF);
}

/* The hook is called once, with what was mapped. */
static void check_mapped(struct model *m, const struct ioas_pt_map *rq, int ret)
{
	struct rig *r = &m->rig;

	if (r->nr_mapped != (ret ? 0u : 1u) ||
	    (!ret && (r->mapped.first != rq->iova ||
		      r->mapped.last != rq->iova + (rq->length - 1))))
		rig_fail(r, "mapped() %u times, 0x%llx to 0x%llx",
			 r->nr_mapped, (ull)r->mapped.first,
			 (ull)r->mapped.last);
	r->nr_mapped = 0;
}

static void exec_map(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	uint64_t fresh[4];
	const struct ioas_pt_map rq = {
		.iova = op->iova, .runs = op->run, .nr_runs = op->nr_runs,
		.page_lg2 = op->page_lg2, .head = op->head,
		.length = op->length, .prot = op->prot,
		.max_leaf = op->value,
		.cursor = cursor_of(m, op, fresh),
	};
	unsigned int levels = r->oracle.levels;
	struct fault fault;
	bool nothing;
	int ret;

	r->expect = EXPECT_HOLE;
	fault_begin(&fault, op->fault);
	ret = ioas_pt_map(r->pt, &rq);
	nothing = starved(m, fault_end(&fault));
	if (nothing)
		check_ret(m, "map without memory", ret, -ENOMEM);
	else
		check_ret(m, "map", ret, oracle_map(&r->oracle, &rq));
	check_root(m, levels, ret);
	check_mapped(m, &rq, ret);
	if (!r->failed)
		count_map(m, &rq, ret);
}

/* ---- unmap and remove --------------------------------------------------- */

struct taker {
	struct model *m;
	const struct op *op;
	unsigned int nr;
	uint64_t next_iova;
	uint64_t next_oa;
	bool refused;
};

static bool take(void *ctx, ioas_iova_t iova, uint64_t oa, uint64_t length)
{
	struct taker *t = ctx;
	struct rig *r = &t->m->rig;
	bool goes_on = t->nr && oa == t->next_oa && iova == t->next_iova;
	uint64_t expect = 0, room = 0;

	t->nr++;
	if (t->refused || iova != t->next_iova)
		rig_fail(r, "a piece at 0x%llx, and 0x%llx is next",
			 (ull)iova, (ull)t->next_iova);
	if (oracle_translate(&r->oracle, iova, iova + (length - 1), &expect,
			     &room) ||
	    expect != oa || room != length)
		rig_fail(r, "a piece 0x%llx -> 0x%llx + 0x%llx, "
			 "not 0x%llx + 0x%llx",
			 (ull)iova, (ull)oa, (ull)length, (ull)expect,
			 (ull)room);
	/* What continues the piece before is not refused; nor is the first. */
	if (t->op->refuse && t->nr >= t->op->refuse && t->nr > 1 && !goes_on) {
		t->refused = true;
		return false;
	}
	t->next_iova = iova + length;
	t->next_oa = oa + length;
	return true;
}

static uint64_t tables_freed(const struct rig *r)
{
	struct ioas_pt_stats stats;

	ioas_pt_stats(r->pt, &stats);
	return stats.tables_freed;
}

static void check_freed(struct model *m, uint64_t before, uint32_t tables)
{
	struct rig *r = &m->rig;

	if (tables)
		count(m, EV_TABLES_LEFT);
	if (tables_freed(r) - before != tables)
		rig_fail(r, "%llu tables left the tree, not %u",
			 (ull)(tables_freed(r) - before), tables);
}

static bool exec_unmap(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	struct taker taker = { .m = m, .op = op, .next_iova = op->iova };
	const struct ioas_pt_unmap rq = {
		.iova = op->iova, .last = op->last, .want_last = op->value,
		.take = op->take ? take : NULL, .ctx = &taker,
	};
	uint64_t freed = tables_freed(r), end, last;

	if (!oracle_whole(&r->oracle, op->iova, op->last) ||
	    !oracle_whole(&r->oracle, op->iova, op->value))
		return false;
	end = oracle_unmap_end(&r->oracle, &rq);
	r->expect = EXPECT_HOLE;
	last = ioas_pt_unmap(r->pt, &rq);
	if (taker.refused) {
		count(m, EV_REFUSED);
		if (taker.next_iova - 1 >= end)
			rig_fail(r, "a piece beyond 0x%llx", (ull)end);
		end = taker.next_iova - 1;
	} else if (op->take && taker.next_iova - 1 != end) {
		rig_fail(r, "pieces end at 0x%llx, not 0x%llx",
			 (ull)(taker.next_iova - 1), (ull)end);
	}
	if (last != end)
		rig_fail(r, "unmapped up to 0x%llx, not 0x%llx", (ull)last,
			 (ull)end);
	check_freed(m, freed, oracle_unmap(&r->oracle, op->iova, end));
	count(m, EV_UNMAPPED);
	return true;
}

static void exec_remove(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	uint64_t freed = tables_freed(r), removed, expect;
	uint32_t tables = 99, expect_tables;

	r->expect = EXPECT_HOLE;
	removed = ioas_pt_remove(r->pt, op->iova, op->length, &tables);
	expect = oracle_remove(&r->oracle, op->iova, op->length,
			       &expect_tables);
	if (removed != expect || tables != expect_tables)
		rig_fail(r, "removed 0x%llx, %u tables, not 0x%llx, %u",
			 (ull)removed, tables, (ull)expect, expect_tables);
	check_freed(m, freed, expect_tables);
	if (expect)
		count(m, EV_REMOVED);
	if (expect > op->length)
		count(m, EV_REMOVED_MORE);
}

/* ---- split and merge ---------------------------------------------------- */

static enum rig_expect while_replaced(const struct rig *r)
{
	return r->cfg->params.flags & IOAS_PT_BREAK ? EXPECT_HOLE :
						      EXPECT_SAME;
}

static void exec_split(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	size_t nr = r->oracle.nr;
	struct ioas_pt_leaf leaf;
	struct fault fault;
	int ret;

	r->expect = while_replaced(r);
	fault_begin(&fault, op->fault);
	ret = ioas_pt_split(r->pt, op->iova);
	if (starved(m, fault_end(&fault))) {
		check_ret(m, "split without memory", ret, -ENOMEM);
		/* As far as it came. */
		if (ioas_pt_leaf(r->pt, op->iova, &leaf))
			rig_fail(r, "a leaf is lost");
		else
			oracle_split(&r->oracle, op->iova, leaf.lg2);
		count(m, EV_SPLIT_ENOMEM);
		return;
	}
	check_ret(m, "split", ret, oracle_split(&r->oracle, op->iova, 0));
	if (r->oracle.nr > nr)
		count(m, EV_SPLIT);
}

static void exec_split_to(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	size_t nr = r->oracle.nr;
	struct fault fault;
	int ret;

	r->expect = while_replaced(r);
	fault_begin(&fault, op->fault);
	ret = ioas_pt_split_to(r->pt, op->iova, op->lg2);
	if (starved(m, fault_end(&fault))) {
		check_ret(m, "split_to without memory", ret, -ENOMEM);
		count(m, EV_SPLIT_ENOMEM);
		return;
	}
	check_ret(m, "split_to", ret,
		  oracle_split_to(&r->oracle, op->iova, op->lg2));
	if (r->oracle.nr > nr)
		count(m, EV_SPLIT);
}

static void exec_merge(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	unsigned int levels = r->oracle.levels;
	size_t nr = r->oracle.nr;
	struct fault fault;
	bool nothing;
	int ret, expect;

	r->expect = while_replaced(r);
	fault_begin(&fault, op->fault);
	ret = ioas_pt_merge(r->pt, op->iova, op->lg2);
	nothing = starved(m, fault_end(&fault));
	if (nothing) {
		check_ret(m, "merge without memory", ret, -ENOMEM);
	} else {
		expect = oracle_merge(&r->oracle, op->iova, op->lg2);
		/* Leaves that do not fit, and a hole: either may be said. */
		if (expect == -EINVAL && op->lg2 < 64 &&
		    r->oracle.pgsizes >> op->lg2 & 1 &&
		    !oracle_whole(&r->oracle, op->iova,
				  op->iova + ((1ull << op->lg2) - 1)))
			expect = ret == -ENOENT ? ret : expect;
		check_ret(m, "merge", ret, expect);
		count(m, r->oracle.nr < nr ? EV_MERGED : EV_MERGE_REFUSED);
	}
	check_root(m, levels, ret);
}

/* ---- dirty state -------------------------------------------------------- */

static void mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	spans_add(ctx, iova, last);
}

static void exec_read_dirty(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	int ret;

	m->seen.nr = 0;
	r->expect = op->clear ? EXPECT_SAME : EXPECT_NONE;
	ret = ioas_pt_read_dirty(r->pt, op->iova, op->last, op->clear, mark,
				 &m->seen);
	check_ret(m, "read_dirty", ret,
		  oracle_read_dirty(&r->oracle, op->iova, op->last, op->clear,
				    &m->expected));
	if (m->seen.nr != m->expected.nr ||
	    memcmp(m->seen.span, m->expected.span,
		   m->seen.nr * sizeof(*m->seen.span)))
		rig_fail(r, "%zu dirty ranges, not %zu; the first: "
			 "0x%llx to 0x%llx, not 0x%llx to 0x%llx",
			 m->seen.nr, m->expected.nr,
			 (ull)m->seen.span[0].first,
			 (ull)m->seen.span[0].last,
			 (ull)m->expected.span[0].first,
			 (ull)m->expected.span[0].last);
	if (m->expected.nr)
		count(m, op->clear ? EV_CLEANED : EV_DIRTY);
}

/* A device of the copy cannot tell the original that it wrote. */
static bool can_write(const struct model *m)
{
	return m->rig.mode != RIG_SHADOW;
}

static bool exec_soil(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	const struct leaf *l = oracle_at(&r->oracle, op->iova);
	struct ioas_pt_hit hit;
	int ret;

	if (!can_write(m))
		return false;
	ret = ioas_pt_lookup(r->pt, op->iova, &hit);
	if (ret != (l ? 0 : -ENOENT))
		rig_fail(r, "lookup: %d", ret);
	if (!l || ret || hit.dirty)
		return true;
	if (!ioas_pt_soil(r->pt, &hit))
		rig_fail(r, "soil, and nobody changed the item");
	oracle_mark(&r->oracle, op->iova, op->iova);
	/* What was found is not what is there any more. */
	if (oracle_soilable(&r->oracle, l) && ioas_pt_soil(r->pt, &hit))
		rig_fail(r, "soil of what has changed");
	ioas_pt_lookup(r->pt, op->iova, &hit);
	if (oracle_soilable(&r->oracle, l) && !hit.dirty)
		rig_fail(r, "it is clean after soil");
	return true;
}

/* ---- the rest ----------------------------------------------------------- */

static void exec_translate(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	uint64_t fresh[4], oa = 0, length = 0, expect_oa = 0, expect = 0;
	int ret = ioas_pt_translate_run(r->pt, op->iova, op->last,
					cursor_of(m, op, fresh), &oa, &length);

	check_ret(m, "translate_run", ret,
		  oracle_translate(&r->oracle, op->iova, op->last, &expect_oa,
				   &expect));
	if (!ret && (oa != expect_oa || length != expect))
		rig_fail(r, "translation 0x%llx + 0x%llx, not 0x%llx + 0x%llx",
			 (ull)oa, (ull)length, (ull)expect_oa, (ull)expect);
}

static void exec_set_pgsizes(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;

	check_ret(m, "set_pgsizes", ioas_pt_set_pgsizes(r->pt, op->value),
		  oracle_set_pgsizes(&r->oracle, op->value));
	if (ioas_pt_pgsizes(r->pt) != r->oracle.pgsizes)
		rig_fail(r, "sizes are 0x%llx", (ull)ioas_pt_pgsizes(r->pt));
}

static bool exec(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;

	switch (op->kind) {
	case OP_MAP:
		exec_map(m, op);
		return true;
	case OP_UNMAP:
		return exec_unmap(m, op);
	case OP_REMOVE:
		exec_remove(m, op);
		return true;
	case OP_SPLIT:
		exec_split(m, op);
		return true;
	case OP_SPLIT_TO:
		exec_split_to(m, op);
		return true;
	case OP_MERGE:
		exec_merge(m, op);
		return true;
	case OP_MARK_DIRTY:
		ioas_pt_mark_dirty(r->pt, op->iova, op->last);
		oracle_mark(&r->oracle, op->iova, op->last);
		return true;
	case OP_WRITE:
		if (can_write(m))
			rig_write(r, op->iova);
		return can_write(m);
	case OP_READ_DIRTY:
		exec_read_dirty(m, op);
		return true;
	case OP_SET_PGSIZES:
		exec_set_pgsizes(m, op);
		return true;
	case OP_TRANSLATE:
		exec_translate(m, op);
		return true;
	case OP_SOIL:
		return exec_soil(m, op);
	case OP_SYNC:
		ioas_pt_sync(r->pt);
		return true;
	case OP_WALK:
		rig_walk(r, op->iova, op->prot);
		return true;
	case OP_COMPARE:
		rig_compare(r);
		return true;
	case NR_OPS:
		break;
	}
	return false;
}

bool exec_op(struct model *m, const struct op *op)
{
	struct rig *r = &m->rig;
	bool done;

	r->expect = EXPECT_NONE;
	done = exec(m, op);
	r->expect = EXPECT_NONE;
	if (!done || r->failed)
		return done;
	rig_check_cached(r);
	/* Where it happened. */
	rig_walk(r, op->iova, WALKER_READ);
	rig_walk(r, op->iova - 1, WALKER_WRITE);
	if (op->kind == OP_MAP || op->kind == OP_REMOVE)
		rig_walk(r, op->iova + op->length, 0);
	return true;
}

/* ---- text --------------------------------------------------------------- */

static const char *const op_names[NR_OPS] = {
	"map", "unmap", "remove", "split", "split_to", "merge", "mark_dirty",
	"write", "read_dirty", "set_pgsizes", "translate", "soil", "sync",
	"walk", "compare",
};

static const char *const event_names[NR_EVENTS] = {
	"mapped", "map: -EINVAL", "map: -ERANGE", "map: -EOVERFLOW",
	"map: -EADDRINUSE", "map: -ENOMEM", "unmapped", "take refused",
	"removed", "removed more than asked", "tables left the tree", "split",
	"split: -ENOMEM", "merged", "merge refused", "dirty read",
	"dirty cleared", "root grew", "large leaf", "group", "upper half",
};

const char *event_name(enum event event)
{
	return event_names[event];
}

static size_t print_map(char *line, size_t size, const struct op *op)
{
	size_t at = (size_t)snprintf(line, size,
				     " length 0x%llx prot 0x%x page 2^%u "
				     "head 0x%x max_leaf 0x%llx runs",
				     (ull)op->length, op->prot, op->page_lg2,
				     op->head, (ull)op->value);

	for (uint32_t i = 0; i < op->nr_runs && at < size; i++)
		at += (size_t)snprintf(line + at, size - at, " 0x%llx+0x%llx",
				       (ull)op->run[i].pfn,
				       (ull)op->run[i].nr);
	return at;
}

void op_print(char *line, size_t size, const struct op *op)
{
	size_t at = (size_t)snprintf(line, size, "%s 0x%llx",
				     op_names[op->kind], (ull)op->iova);

	if (op->kind == OP_MAP)
		at += print_map(line + at, size - at, op);
	else
		at += (size_t)snprintf(line + at, size - at,
				       " length 0x%llx last 0x%llx "
				       "value 0x%llx lg2 %u",
				       (ull)op->length, (ull)op->last,
				       (ull)op->value, op->lg2);
	if (at < size)
		snprintf(line + at, size - at,
			 " cursor %u take %d refuse %u clear %d fault %u",
			 op->cursor, op->take, op->refuse, op->clear,
			 op->fault);
}
