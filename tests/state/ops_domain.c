/* SPDX-License-Identifier: MIT */
/*
 * ops_domain: domains come and go, and say what devices wrote
 *
 * The model of dirty memory is a list of cells per domain: the granules (flat)
 * or leaves (table) that a device wrote since they were last cleared. Which
 * leaf a table uses is its own business, so the table is asked.
 */
#include "universe.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "domain/flat.h"
#include "domain/table.h"

/* ---- create and destroy ------------------------------------------------- */

enum { CREATE_TABLE = 1, CREATE_DIRTY = 2, CREATE_SHORT = 4 };

static int domain_real(const struct op *op, struct ioas_domain **out)
{
	if (op->flags & CREATE_TABLE) {
		const struct ioas_table_options o = {
			.pt = { .pgsizes = op->v[0],
				.first = op->v[1],
				.last = op->v[2] },
			.dirty = op->flags & CREATE_DIRTY,
		};

		return ioas_table_domain_create(&o, out);
	}
	return ioas_flat_domain_create(
		&(struct ioas_flat_options){
			.pgsizes = op->v[0],
			.first = op->v[1],
			.last = op->v[2],
			.answer = op->flags & CREATE_SHORT ? IOAS_FLAT_SHORT :
							     IOAS_FLAT_FULL,
			.dirty = op->flags & CREATE_DIRTY,
		},
		out);
}

int op_domain_create(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;
	int got;

	if (d->real)
		return SKIP;
	memset(d, 0, sizeof(*d));
	d->space = -1;
	got = domain_real(op, &d->real);
	if (!expect(w, op, 0, got))
		return got;
	d->table = op->flags & CREATE_TABLE;
	d->can_dirty = op->flags & CREATE_DIRTY;
	d->granule = ioas_domain_granule(d->real);
	d->first = op->v[1];
	d->last = op->v[2];
	return 0;
}

int op_domain_destroy(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;

	if (!d->real || d->space >= 0)
		return SKIP;
	d->real->ops->destroy(d->real);
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
static int check_join(struct world *w, uint8_t s)
{
	struct plan plan;

	plan_init(w, &plan);
	for (uint32_t i = 0; i < w->space[s].nr_areas; i++) {
		const struct m_area *a = w->area + w->space[s].area[i];
		const struct m_object *g = w->object + a->object;
		const bool none = !(a->prot &
				    (IOAS_PROT_READ | IOAS_PROT_WRITE));
		int ret;

		if (is_device(w, g)) {
			if (none && !w->origin[g->origin].revoked)
				return -EINVAL;
			continue;
		}
		ret = plan_hold(w, &plan, g, a->object, area_mask(w, a));
		if (none && ret != -ENOMEM)
			w->alt = ret;
		if (none)
			return -EINVAL;
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
	return check_join(w, op->a);
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

/* The cell of @iova; false if nothing is mapped there. */
static bool cell_at(const struct world *w, const struct m_domain *d,
		    uint64_t iova, struct m_cell *cell)
{
	const int id = d->space < 0 ? -1 : area_at(w, (uint8_t)d->space, iova);
	struct ioas_pt_leaf leaf;

	if (id < 0 || !area_is_mapped(w, w->area + id))
		return false;
	cell->first = ioas_align_down(iova, d->granule);
	cell->last = cell->first + d->granule - 1;
	if (!d->table)
		return true;
	if (ioas_pt_leaf(ioas_table_domain_pt(d->real), iova, &leaf))
		return false;
	cell->first = leaf.iova;
	cell->last = leaf.iova + ((UINT64_C(1) << leaf.lg2) - 1);
	return true;
}

static void cell_add(struct m_domain *d, const struct m_cell *cell)
{
	for (uint32_t i = 0; i < d->nr_dirty; i++)
		if (d->dirty[i].first == cell->first)
			return;
	d->dirty[d->nr_dirty++] = *cell;
}

int op_dirty_mark(struct world *w, const struct op *op)
{
	struct m_domain *d = w->domain + op->a;
	const uint64_t first = op->v[0], last = op->v[1];
	struct m_cell cell;
	int got = 0;

	if (!d->real || !d->can_dirty || first > last ||
	    (last - first) / d->granule + 2 + d->nr_dirty > MAX_CELLS)
		return SKIP;
	if (d->table)
		ioas_table_domain_mark_dirty(d->real, first, last);
	else
		got = ioas_flat_domain_mark_dirty(d->real, first, last);
	if (!expect(w, op, 0, got) || !d->tracking)
		return 0;
	for (uint64_t at = first;; at = cell.last + 1) {
		if (cell_at(w, d, at, &cell))
			cell_add(d, &cell);
		else
			cell.last = at | (d->granule - 1);
		if (cell.last >= last)
			break;
	}
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
		w->alt = -EOPNOTSUPP;
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

/* The range of an area in the domain: report, and forget unless told not to. */
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
		if (!hit || op->flags & IOAS_DIRTY_NO_CLEAR)
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
