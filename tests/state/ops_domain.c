/* SPDX-License-Identifier: MIT */
/*
 * ops_domain: domains come and go, say what devices wrote, and cut leaves
 */
#include "universe.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "domain/flat.h"
#include "domain/table.h"

/* ---- create and destroy ------------------------------------------------- */

static int flat_create(const struct op *op, struct m_domain *d)
{
	d->first = op->v[1];
	d->last = op->v[2];
	return ioas_flat_domain_create(
		&(struct ioas_flat_options){
			.pgsizes = op->v[0],
			.first = op->v[1],
			.last = op->v[2],
			.answer = op->flags & CREATE_SHORT ? IOAS_FLAT_SHORT :
							     IOAS_FLAT_FULL,
			.dirty = op->flags & CREATE_DIRTY,
		},
		&d->real);
}

int op_domain_create(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;
	int want = 0, got;

	if (d->real)
		return SKIP;
	memset(d, 0, sizeof(*d));
	d->world = w;
	d->space = -1;
	d->kind = kind_get(op->b);
	d->table = d->kind->format;
	if (d->table)
		want = table_expected(op);
	got = d->table ? table_create(w, op, d) : flat_create(op, d);
	if (!expect(w, op, want, got) || got)
		return got;
	d->can_dirty = op->flags & CREATE_DIRTY;
	d->granule = ioas_domain_granule(d->real);
	return 0;
}

int op_domain_destroy(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;

	if (!d->real || d->space >= 0)
		return SKIP;
	if (d->table)
		table_destroy(d);
	else
		d->real->ops->destroy(d->real);
	cells_fini(d);
	d->real = NULL;
	expect(w, op, 0, 0);
	return 0;
}

/* ---- attach and detach -------------------------------------------------- */

static bool blocked(const struct world *w, uint8_t s, uint64_t first,
		    uint64_t last)
{
	return hits_area(w, s, first, last) || hits_allowed(w, s, first, last);
}

/* 12.6 step 5: every area into the new domain. */
static int check_join(struct world *w, uint8_t s, const struct m_domain *d)
{
	struct passage at = { .domains = &d, .nr = 1 };
	struct plan plan;

	plan_init(w, &plan);
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const struct m_area *a = w->area + w->space[s].area[i];
		int ret;

		at.g = w->object + a->object;
		at.slot = a->object;
		at.prot = a->prot;
		at.first = area_first_page(w, a);
		at.last = area_last_page(w, a);
		ret = plan_fill(w, &plan, &at);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_attach(struct world *w, const struct op *op)
{
	const struct m_domain *d = w->domain + op->b;

	if (d->space == op->a)
		return -EEXIST;
	if (d->granule > w->page)
		return -EINVAL;
	if (d->granule > space_alignment(w, op->a) &&
	    !space_conforms(w, op->a, d->granule))
		return -EADDRINUSE;
	if (d->first && blocked(w, op->a, 0, d->first - 1))
		return -EADDRINUSE;
	if (d->last != UINT64_MAX &&
	    blocked(w, op->a, d->last + 1, UINT64_MAX))
		return -EADDRINUSE;
	return check_join(w, op->a, d);
}

static int call_attach(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_iopt_attach(w->space[op->a].real, w->domain[op->b].real);
}

static void reserve_outside(struct world *w, uint8_t s, uint8_t d)
{
	struct m_space *sp = w->space + s;
	const struct m_domain *dom = w->domain + d;

	if (dom->first)
		sp->reserved[sp->nr_reserved++] = (struct m_range){
			.last = dom->first - 1,
			.owner = (uint8_t)(NR_OWNERS + d),
		};
	if (dom->last != UINT64_MAX)
		sp->reserved[sp->nr_reserved++] = (struct m_range){
			.first = dom->last + 1,
			.last = UINT64_MAX,
			.owner = (uint8_t)(NR_OWNERS + d),
		};
}

int op_attach(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct m_domain *d = w->domain + op->b;
	int want, got;

	if (!sp->real || !d->real || (d->space >= 0 && d->space != op->a) ||
	    (d->space < 0 && sp->nr_domains >= w->max_domains))
		return SKIP;
	want = check_attach(w, op);
	got = attempt(w, op, call_attach, NULL);
	if (!expect(w, op, want, got) || got)
		return got;
	count_transition(w, sp->nr_domains ? 5 : 4);
	d->space = (int8_t)op->a;
	reserve_outside(w, op->a, op->b);
	return 0;
}

static int call_detach(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	ioas_iopt_detach(w->space[op->a].real, w->domain[op->b].real);
	return 0;
}

/* Is a page of the space's areas pinned by a client? */
static bool records_alive(const struct world *w, uint8_t s)
{
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const struct m_area *a = w->area + w->space[s].area[i];

		if (w->object[a->object].A & area_mask(w, a))
			return true;
	}
	return false;
}

int op_detach(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct m_domain *d = w->domain + op->b;
	uint32_t n = 0;

	if (!sp->real || !d->real || d->space != op->a)
		return SKIP;
	if (!expect(w, op, 0, attempt_teardown(w, op, call_detach, NULL)))
		return 0;
	count_transition(w, sp->nr_domains > 1	     ? 6 :
			    records_alive(w, op->a) ? 8 :
						      7);
	for (uint32_t i = 0; i < sp->nr_reserved; i++)
		if (sp->reserved[i].owner != NR_OWNERS + op->b)
			sp->reserved[n++] = sp->reserved[i];
	sp->nr_reserved = n;
	d->space = -1;
	return 0;
}

/* ---- dirty -------------------------------------------------------------- */

/* Writes, one per granule, by a device that walks the tables itself. */
static void write_by_device(struct world *w, struct m_domain *d,
			    uint64_t first, uint64_t last)
{
	for (uint64_t at = first;; at += d->granule) {
		struct m_cell cell;
		const bool mapped = cell_at(w, d, at, &cell);
		const int id = mapped ? area_at(w, (uint8_t)d->space, at) : -1;
		const bool may = mapped &&
				 kind_access(d->kind,
					     area_prot(w, w->area + id)) &
					 WALKER_WRITE;

		if (table_write(d, at) != may)
			fail(w, "%s: a device writes to %#llx: %d; the model says %d",
			     d->kind->name, (unsigned long long)at, !may, may);
		if (may)
			cell_add(d, &cell);
		if (last - at < d->granule)
			break;
	}
}

static bool remembers(const struct world *w, const struct m_domain *d,
		      uint64_t iova)
{
	const int id = area_at(w, (uint8_t)d->space, iova);

	return !kind_marks_writable(d->kind) ||
	       w->area[id].prot & IOAS_PROT_WRITE;
}

/* Writes that somebody reports. */
static int write_reported(struct world *w, struct m_domain *d, uint64_t first,
			  uint64_t last)
{
	struct m_cell cell;
	int got = 0;

	if (d->table)
		ioas_table_domain_mark_dirty(d->real, first, last);
	else
		got = ioas_flat_domain_mark_dirty(d->real, first, last);
	if (!d->tracking)
		return got;
	for (uint64_t at = first;; at = cell.last + 1) {
		if (!cell_at(w, d, at, &cell))
			cell.last = at | (d->granule - 1);
		else if (remembers(w, d, at))
			cell_add(d, &cell);
		if (cell.last >= last)
			break;
	}
	return got;
}

int op_dirty_mark(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;
	const uint64_t first = op->v[0], last = op->v[1];
	int got = 0;

	if (!d->real || !d->can_dirty || first > last ||
	    (last - first) / d->granule + 2 > MAX_WRITE)
		return SKIP;
	d->touched = true;
	if (op->n && d->table && d->tracking && !table_is_shadowed(d))
		write_by_device(w, d, first, last);
	else
		got = write_reported(w, d, first, last);
	expect(w, op, 0, got);
	return 0;
}

static int call_dirty_set(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_dirty_set(w->space[op->a].real, w->domain[op->b].real,
			      op->n);
}

int op_dirty_set(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->b;
	int want = 0, got;

	if (!w->space[op->a].real || !d->real)
		return SKIP;
	if (d->space != op->a)
		want = -ENOENT;
	else if (!d->can_dirty)
		want = -EOPNOTSUPP;
	if (want && !d->can_dirty)
		may_also(w, -EOPNOTSUPP);
	got = attempt(w, op, call_dirty_set, NULL);
	if (!expect(w, op, want, got) || got)
		return got;
	if (op->n)
		d->nr_dirty = 0;
	d->tracking = op->n;
	return 0;
}

struct dirty_call {
	uint8_t bits[MAX_BITMAP + 2];
	uint8_t before;
};

static int call_dirty_read(struct world *w, const struct op *op, void *arg)
{
	struct dirty_call *c = arg;
	const struct ioas_dirty_request rq = {
		.iova = op->v[0],
		.length = op->v[1],
		.granularity = op->v[2],
		.bitmap = (uintptr_t)(c->bits + 1),
		.flags = op->flags,
		.window = op->n,
	};

	memset(c->bits, c->before, sizeof(c->bits));
	return ioas_dirty_read(w->space[op->a].real, w->domain[op->b].real,
			       &rq);
}

static int check_dirty_read(struct world *w, const struct op *op)
{
	const struct m_domain *d = w->domain + op->b;
	const uint64_t align = space_alignment(w, op->a);
	const uint64_t iova = op->v[0], length = op->v[1], g = op->v[2];
	uint64_t last;

	if (d->space != op->a)
		return -ENOENT;
	if (!d->can_dirty)
		return -EOPNOTSUPP;
	if (!length)
		return -EINVAL;
	if (!ioas_last(iova, length, &last))
		return -EOVERFLOW;
	if (iova % align || (last + 1) % align || !ioas_is_pow2(g) ||
	    iova % g || (last + 1) % g)
		return -EINVAL;
	return 0;
}

/* Set the bits of a cell that lies in the area and in the range. */
static void set_bits(uint8_t *bits, const struct op *op, uint64_t first,
		     uint64_t last)
{
	const uint64_t g = op->v[2];

	for (uint64_t n = (first - op->v[0]) / g; n <= (last - op->v[0]) / g;
	     n++)
		bits[1 + n / 8] |= (uint8_t)(1u << n % 8);
}

/*
 * The range of an area in the domain: report, and forget unless told not to, or
 * unless a leaf has been read in part (page-tables 4.5).
 */
static void read_area(struct m_domain *d, const struct op *op, uint8_t *bits,
		      uint64_t first, uint64_t last)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->nr_dirty; i++) {
		const struct m_cell *c = d->dirty + i;
		const bool hit = c->first <= last && first <= c->last;

		if (hit)
			set_bits(bits, op, ioas_max(first, c->first),
				 ioas_min(last, c->last));
		const bool part = hit && (c->first < first || c->last > last);

		d->world->stats->partial += part && d->table;
		if (!hit || op->flags & IOAS_DIRTY_NO_CLEAR ||
		    (part && !kind_clears_partial(d->kind)))
			d->dirty[n++] = *c;
	}
	d->nr_dirty = n;
}

static int model_dirty_read(struct world *w, const struct op *op,
			    uint8_t *bits)
{
	uint64_t at = op->v[0], last = at + op->v[1] - 1;

	for (;;) {
		const int id = area_at(w, op->a, at);
		uint64_t end;

		if (id < 0)
			return -EINVAL;
		end = ioas_min(last, w->area[id].last);
		read_area(w->domain + op->b, op, bits, at, end);
		if (end == last)
			return 0;
		at = end + 1;
	}
}

int op_dirty_read(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->b;
	struct dirty_call c = { .before = op->caller & 1 ? 0x11 : 0 };
	uint8_t bits[sizeof(c.bits)];
	int want, got;

	if (!w->space[op->a].real || !d->real)
		return SKIP;
	want = check_dirty_read(w, op);
	if (!want && (op->v[1] - 1) / op->v[2] / 8 >= MAX_BITMAP)
		return SKIP;
	got = attempt(w, op, call_dirty_read, &c);
	memset(bits, c.before, sizeof(bits));
	if (!want)
		want = model_dirty_read(w, op, bits);
	if (!expect(w, op, want, got))
		return got;
	for (uint32_t i = 0; i < sizeof(bits); i++)
		if (bits[i] != c.bits[i])
			fail(w, "byte %d of the bitmap is %#x; the model says %#x",
			     (int)i - 1, c.bits[i], bits[i]);
	return got;
}

/* ---- leaves are cut and merged ------------------------------------------ */

enum { CUT_AT, CUT_TO, CUT_MERGE };

static int call_cut(struct world *w, const struct op *op, void *arg)
{
	struct m_domain *d = w->domain + op->a;
	struct ioas_pt *pt = ioas_table_domain_pt(d->real);

	(void)arg;
	if (op->n == CUT_TO)
		return ioas_pt_split_to(pt, op->v[0], (unsigned int)op->v[1]);
	if (op->n == CUT_MERGE)
		return ioas_pt_merge(pt, op->v[0], (unsigned int)op->v[1]);
	return d->real->ops->split(d->real, op->v[0]);
}

/* A merge of what one area maps there: 0, or why not (page-tables 4.6). */
static int check_merge(const struct world *w, const struct m_domain *d,
		       const struct m_area *a, uint64_t first, uint64_t last)
{
	const uint64_t oa = address_of(w, a, first);
	struct m_cell leaf;

	if (cell_at(w, d, first, &leaf) && leaf.last >= last)
		return 0;
	for (uint64_t at = first;; at += d->granule) {
		if (address_of(w, a, at) != oa + (at - first))
			return -EINVAL;
		if (last - at < d->granule)
			break;
	}
	return oa & (last - first) ? -EINVAL : 0;
}

static int check_cut(const struct world *w, const struct op *op)
{
	const struct m_domain *d = w->domain + op->a;
	const uint64_t iova = op->v[0], lg2 = op->v[1];
	const bool inside = iova >= d->first && iova <= d->last;
	struct m_cell leaf;
	uint64_t last;
	int id;

	if (op->n == CUT_AT)
		return !inside || iova % d->granule ? -EINVAL : 0;
	if (lg2 > 63 || !(d->real->pgsizes >> lg2 & 1))
		return -EINVAL;
	last = iova + ((UINT64_C(1) << lg2) - 1);
	if (op->n == CUT_MERGE && iova % (UINT64_C(1) << lg2))
		return -EINVAL;
	if (!inside || (op->n == CUT_MERGE && last > d->last) ||
	    !cell_at(w, d, iova, &leaf))
		return -ENOENT;
	if (op->n == CUT_TO)
		return 0;
	/* Areas stay apart (INV-B5), and pages where they are small (B6). */
	id = area_at(w, (uint8_t)d->space, iova);
	if (last > w->area[id].last ||
	    (w->space[d->space].small_pages &&
	     last - iova >= (d->small_leaf ? d->small_leaf : w->page)))
		return SKIP;
	return check_merge(w, d, w->area + id, iova, last);
}

static void count_cut(struct world *w, const struct m_domain *d,
		      uint64_t first, uint64_t before, uint64_t after)
{
	struct stats *st = w->stats;
	const uint64_t size = ioas_max(before, after);
	const bool dirty = cells_hit(d, ioas_align_down(first, size),
				     ioas_align_down(first, size) + size - 1);

	st->cuts += after < before;
	st->merges += after > before;
	st->dirty_cuts += after < before && dirty;
	st->dirty_merges += after > before && dirty;
}

static uint64_t leaf_size(const struct world *w, const struct m_domain *d,
			  uint64_t iova)
{
	struct m_cell leaf;

	return cell_at(w, d, iova, &leaf) ? leaf.last - leaf.first + 1 : 0;
}

/* Is the leaf there what was asked for? */
static void check_cut_leaf(struct world *w, const struct op *op)
{
	const struct m_domain *d = w->domain + op->a;
	uint64_t size;
	struct m_cell leaf;

	if (!cell_at(w, d, op->v[0], &leaf))
		return;
	size = leaf.last - leaf.first + 1;
	if (op->n == CUT_AT ? leaf.first != op->v[0] :
	    op->n == CUT_TO ? size > UINT64_C(1) << op->v[1] :
			      size < UINT64_C(1) << op->v[1])
		fail(w, "%s: a leaf of %#llx bytes at %#llx", d->kind->name,
		     (unsigned long long)size, (unsigned long long)leaf.first);
}

int op_cut(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;
	uint64_t before;
	int want, got;

	/* The upper half, where there is one, is not the core's. */
	if (!d->real || !d->table || op->v[0] >> 63)
		return SKIP;
	want = check_cut(w, op);
	if (want == SKIP)
		return SKIP;
	before = d->space < 0 ? 0 : leaf_size(w, d, op->v[0]);
	got = attempt(w, op, call_cut, NULL);
	if (!expect(w, op, want, got) || got)
		return got;
	d->real->ops->sync(d->real);
	check_cut_leaf(w, op);
	if (before)
		count_cut(w, d, op->v[0], before,
			  leaf_size(w, d, op->v[0]));
	cells_recut(d);
	return 0;
}
