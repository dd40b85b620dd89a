/* SPDX-License-Identifier: MIT */
/*
 * ops_space: maps, copies, unmaps, cuts and rules of address spaces
 *
 * Each operation: predict from the model alone, call the core, compare, and
 * only then change the model. The checks stand in the order in which the
 * reference reports them (docs/reference/ioas-core.md 12.1 to 12.12).
 */
#include "universe.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"

/* Length bytes from byte @byte of @g on, which is or will be object @slot. */
struct piece {
	const struct m_object *g;
	uint8_t slot;
	uint64_t byte;
	uint64_t length;
};

/* ---- create and destroy ------------------------------------------------- */

static int call_create(struct world *w, const struct op *op, void *arg)
{
	(void)op;
	return ioas_iopt_create(&w->ctx, arg);
}

int op_space_create(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct ioas *real = NULL;
	int got;

	if (sp->real)
		return SKIP;
	got = attempt(w, op, call_create, &real);
	if (!expect(w, op, 0, got))
		return got;
	memset(sp, 0, sizeof(*sp));
	sp->real = real;
	return 0;
}

static bool in_use(const struct world *w, uint8_t s)
{
	for (int c = 0; c < NR_CLIENTS; c++)
		if (w->client[c].real && w->client[c].space == s)
			return true;
	return w->space[s].nr_domains;
}

static int call_destroy(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_iopt_destroy(w->space[op->a].real);
}

int op_space_destroy(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	int want, got;

	if (!sp->real)
		return SKIP;
	want = in_use(w, op->a) ? -EBUSY : 0;
	got = attempt_teardown(w, op, call_destroy, NULL);
	if (!expect(w, op, want, got) || got)
		return got;
	while (sp->nr_areas)
		area_remove(w, sp->area[0]);
	sp->real = NULL;
	return 0;
}

/* ---- map and copy ------------------------------------------------------- */

/* 12.1 step 3: where the whole range goes. */
static int place(const struct world *w, const struct op *op, uint64_t source,
		 uint64_t length, uint64_t *at)
{
	const uint64_t align = space_alignment(w, op->a);
	uint64_t last;

	if (length % align)
		return -EINVAL;
	if (!(op->flags & IOAS_MAP_FIXED))
		return choose_iova(w, op->a, source, length, at);
	if (*at % align)
		return -EINVAL;
	if (!ioas_last(*at, length, &last))
		return -EOVERFLOW;
	if (hits_reserved(w, op->a, *at, last))
		return -EINVAL;
	return hits_area(w, op->a, *at, last) ? -EEXIST : 0;
}

/* Step 4, for each piece. */
static int check_pieces(const struct world *w, const struct op *op,
			const struct piece *p, uint32_t nr, uint64_t at)
{
	const uint64_t align = space_alignment(w, op->a);

	for (uint32_t i = 0; i < nr; at += p[i++].length) {
		if (op->prot & IOAS_PROT_WRITE && !p[i].g->writable)
			return -EPERM;
		if (at % align || p[i].length % align ||
		    p[i].byte % w->page % align)
			return -EINVAL;
	}
	return 0;
}

/* Step 5: what filling the domains says. */
static int check_fill(struct world *w, const struct op *op,
		      const struct piece *p, uint32_t nr)
{
	const struct m_domain *domains[NR_DOMAINS];
	struct passage at = { .prot = op->prot, .domains = domains };
	struct plan plan;

	for (int d = 0; d < NR_DOMAINS; d++)
		if (w->domain[d].real && w->domain[d].space == op->a)
			domains[at.nr++] = w->domain + d;
	if (!at.nr)
		return 0;
	plan_init(w, &plan);
	for (uint32_t i = 0; i < nr; i++) {
		int ret;

		at.g = p[i].g;
		at.slot = p[i].slot;
		at.first = p[i].byte >> w->page_lg2;
		at.last = (p[i].byte + p[i].length - 1) >> w->page_lg2;
		ret = plan_fill(w, &plan, &at);
		if (ret)
			return ret;
	}
	return 0;
}

static void insert_pieces(struct world *w, const struct op *op,
			  const struct piece *p, uint32_t nr, uint64_t at)
{
	for (uint32_t i = 0; i < nr; i++) {
		const int slot = area_slot(w);
		struct m_area *a = w->area + slot;

		memset(a, 0, sizeof(*a));
		a->space = op->a;
		a->object = p[i].slot;
		a->prot = op->prot;
		a->iova = at;
		a->last = at + p[i].length - 1;
		a->byte = p[i].byte;
		area_insert(w, (uint8_t)slot);
		at = a->last + 1;
	}
	w->stats->chosen += !(op->flags & IOAS_MAP_FIXED);
	w->stats->top += at == 0;
}

/* 12.1 step 1: the pages object, or why there is none. */
static int predict_object(const struct world *w, const struct op *op,
			  struct m_object *g)
{
	const struct m_origin *o = w->origin + op->b;
	const struct m_caller *c = w->caller + op->caller;
	const uint64_t start = op->v[0], length = op->v[1];
	uint64_t last;

	if (o->kind == M_PROCESS && start + length < start)
		return -EOVERFLOW;
	if (!length)
		return -EINVAL;
	if (!ioas_last(start, length, &last))
		return -EOVERFLOW;
	if (length > UINT64_MAX - w->page)
		return -EINVAL;
	memset(g, 0, sizeof(*g));
	g->origin = op->b;
	g->base = start >> w->page_lg2;
	g->writable = op->prot & IOAS_PROT_WRITE;
	g->payer = -1;
	if (o->kind == M_DEVICE) {
		if (o->revoked)
			return -ENODEV;
		if (last >> w->page_lg2 >= o->nr_pages)
			return -EINVAL;
	} else if (c->has_principal) {
		g->payer = (int8_t)op->caller;
		if (!c->real.lock_unlimited)
			g->mode = w->account_mm ? IOAS_ACCOUNT_MM :
						  IOAS_ACCOUNT_USER;
	}
	last = (last >> w->page_lg2) - g->base + 1;
	g->nr_pages = (uint32_t)ioas_min(last, MAX_PAGES + 1);
	return 0;
}

static int call_map(struct world *w, const struct op *op, void *arg)
{
	uint64_t *at = arg;

	*at = op->v[2];
	return ioas_iopt_map(w->space[op->a].real, w->origin[op->b].real,
			     op->v[0], op->v[1], op->prot, op->flags, at);
}

static bool check_at(struct world *w, uint64_t at, uint64_t want)
{
	if (at != want)
		fail(w, "IOVA %#llx; the model says %#llx",
		     (unsigned long long)at, (unsigned long long)want);
	return at == want;
}

int op_map(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	uint64_t want_at = op->v[2], at;
	struct m_object g;
	struct piece p = { .g = &g };
	int want, got, slot = object_slot(w);

	if (!sp->real || !w->origin[op->b].real)
		return SKIP;
	want = predict_object(w, op, &g);
	p.slot = (uint8_t)slot;
	p.byte = op->v[0] % w->page;
	p.length = op->v[1];
	if (!want)
		want = place(w, op, op->v[0], p.length, &want_at);
	if (!want)
		want = check_pieces(w, op, &p, 1, want_at);
	if (!want && (g.nr_pages > MAX_PAGES || sp->nr_areas == SPACE_AREAS))
		return SKIP;
	if (!want)
		want = check_fill(w, op, &p, 1);
	got = attempt(w, op, call_map, &at);
	if (!expect(w, op, want, got))
		return got;
	if (!check_at(w, at, got ? op->v[2] : want_at) || got)
		return got;
	g.used = true;
	w->object[slot] = g;
	insert_pieces(w, op, &p, 1, at);
	count_transition(w, sp->nr_domains == 0 ? 1 :
			    sp->nr_domains == 1 ? 2 :
						  3);
	return 0;
}

/* 12.2 step 1. */
static int collect(const struct world *w, const struct op *op, struct piece *p,
		   uint32_t *nr)
{
	const struct m_space *sp = w->space + op->b;
	uint64_t at = op->v[0], last;

	if (!op->v[1])
		return -EINVAL;
	if (!ioas_last(at, op->v[1], &last))
		return -EOVERFLOW;
	*nr = 0;
	for (uint32_t i = 0; i < sp->nr_areas; i++) {
		const struct m_area *a = w->area + sp->area[i];

		if (a->last < at)
			continue;
		if (a->iova > at)
			return -ENOENT;
		p->g = w->object + a->object;
		p->slot = a->object;
		p->byte = a->byte + (at - a->iova);
		p->length = ioas_min(last, a->last) - at + 1;
		p++;
		++*nr;
		if (last <= a->last)
			return 0;
		at = a->last + 1;
	}
	return -ENOENT;
}

static int call_copy(struct world *w, const struct op *op, void *arg)
{
	uint64_t *at = arg;

	*at = op->v[2];
	return ioas_iopt_copy(w->space[op->a].real, w->space[op->b].real,
			      op->v[0], op->v[1], op->prot, op->flags, at);
}

int op_copy(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct piece p[SPACE_AREAS];
	uint64_t want_at = op->v[2], at;
	uint32_t nr = 0;
	int want, got;

	if (!sp->real || !w->space[op->b].real)
		return SKIP;
	want = collect(w, op, p, &nr);
	if (!want)
		want = place(w, op,
			     (p->g->base << w->page_lg2) + p->byte, op->v[1],
			     &want_at);
	if (!want)
		want = check_pieces(w, op, p, nr, want_at);
	if (!want && sp->nr_areas + nr > SPACE_AREAS)
		return SKIP;
	if (!want)
		want = check_fill(w, op, p, nr);
	got = attempt(w, op, call_copy, &at);
	if (!expect(w, op, want, got))
		return got;
	if (!check_at(w, at, got ? op->v[2] : want_at) || got)
		return got;
	insert_pieces(w, op, p, nr, at);
	count_transition(w, sp->nr_domains ? 17 : 16);
	return 0;
}

/* ---- unmap -------------------------------------------------------------- */

/* One round of callbacks in the model: who lets go, lets go now. */
static void notify(struct world *w, const struct m_area *a)
{
	for (int i = 0; i < NR_CLIENTS; i++) {
		struct m_client *c = w->client + i;

		if (!c->real || c->space != a->space ||
		    c->flags & IOAS_ACCESS_INTERNAL || !c->patience)
			continue;
		if (c->patience > 1) {
			c->patience--;
			continue;
		}
		for (int p = 0; p < MAX_PINS; p++) {
			struct m_pin *pin = w->pin + p;

			if (!pin->used || pin->client != i ||
			    pin->iova > a->last ||
			    pin->iova + pin->length - 1 < a->iova)
				continue;
			if (!pin->released)
				fail(w, "client %d was not told to let go of pin %d",
				     i, p);
			pin->used = false;
		}
	}
}

/* Does another area, or a pin, keep some of its pages? */
static bool is_shared(const struct world *w, uint8_t area)
{
	const struct m_area *a = w->area + area;

	for (int i = 0; i < MAX_AREAS; i++)
		if (i != area && w->area[i].used &&
		    w->area[i].object == a->object &&
		    area_mask(w, w->area + i) & area_mask(w, a))
			return true;
	return false;
}

/* 12.4, with the callbacks that the core has made already. */
static int model_unmap(struct world *w, uint8_t s, uint64_t start,
		       uint64_t last, uint64_t *bytes)
{
	const struct m_space *sp = w->space + s;
	uint32_t i = 0;

	*bytes = 0;
	while (i < sp->nr_areas) {
		const uint8_t id = sp->area[i];
		struct m_area *a = w->area + id;
		const bool pinned = area_pins(w, id);

		if (a->last < start) {
			i++;
			continue;
		}
		if (a->iova > last)
			break;
		if (area_locks(w, id))
			return -EBUSY;
		if (a->iova < start || a->last > last)
			return -ENOENT;
		for (int round = 0; area_pins(w, id); round++) {
			a->closing = true;
			if (round > 100)
				return -EDEADLK;
			notify(w, a);
		}
		*bytes += a->last - a->iova + 1;
		count_transition(w, pinned ? 15 : 14);
		if (is_shared(w, id))
			count_transition(w, 18);
		area_remove(w, id);
	}
	return 0;
}

static int call_unmap(struct world *w, const struct op *op, void *arg)
{
	struct ioas *s = w->space[op->a].real;

	*(uint64_t *)arg = 0xdead;
	if (op->kind == OP_UNMAP_ALL)
		return ioas_iopt_unmap_all(s, arg);
	return ioas_iopt_unmap(s, op->v[0], op->v[1], arg);
}

int op_unmap(struct world *w, const struct op *op)
{
	uint64_t first = op->v[0], last = UINT64_MAX, want_bytes = 0, bytes;
	int want = 0, got;

	if (!w->space[op->a].real)
		return SKIP;
	got = attempt_teardown(w, op, call_unmap, &bytes);
	if (op->kind == OP_UNMAP_ALL)
		first = 0;
	else if (!op->v[1])
		want = -EINVAL;
	else if (!ioas_last(first, op->v[1], &last))
		want = -EOVERFLOW;
	if (!want)
		want = model_unmap(w, op->a, first, last, &want_bytes);
	if (!expect(w, op, want, got))
		return got;
	/* All of the 64-bit space is one byte more than a length can say. */
	if (bytes != want_bytes)
		fail(w, "%#llx bytes unmapped; the model says %#llx",
		     (unsigned long long)bytes, (unsigned long long)want_bytes);
	return got;
}

int op_unmap_all(struct world *w, const struct op *op)
{
	return op_unmap(w, op);
}

/* ---- reserved and allowed ranges ---------------------------------------- */

static struct ioas_iova_range *op_ranges_of(const struct op *op,
					    struct ioas_iova_range *r)
{
	for (uint32_t i = 0; i < op->n; i++) {
		r[i].first = op->v[2 * i];
		r[i].last = op->v[2 * i + 1];
	}
	return r;
}

/* Owners are compared, never looked at. */
static const char owners[NR_OWNERS];

static int call_reserve(struct world *w, const struct op *op, void *arg)
{
	return ioas_iopt_reserve(w->space[op->a].real, arg, op->n,
				 owners + op->b);
}

int op_reserve(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct ioas_iova_range r[MAX_LIST];
	int want = 0, got;

	if (!sp->real || sp->nr_reserved + op->n > MAX_RANGES)
		return SKIP;
	op_ranges_of(op, r);
	for (uint32_t i = 0; i < op->n; i++) {
		int bad = 0;

		if (r[i].first > r[i].last)
			bad = -EINVAL;
		else if (hits_area(w, op->a, r[i].first, r[i].last) ||
			 hits_allowed(w, op->a, r[i].first, r[i].last))
			bad = -EADDRINUSE;
		/* Which of several bad ranges is reported is not said. */
		if (want && bad && bad != want)
			may_also(w, bad);
		if (!want)
			want = bad;
	}
	got = attempt(w, op, call_reserve, r);
	if (!expect(w, op, want, got) || got)
		return got;
	for (uint32_t i = 0; i < op->n; i++)
		sp->reserved[sp->nr_reserved++] = (struct m_range){
			.first = r[i].first, .last = r[i].last, .owner = op->b
		};
	return 0;
}

static int call_unreserve(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	ioas_iopt_unreserve(w->space[op->a].real, owners + op->b);
	return 0;
}

int op_unreserve(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	uint32_t n = 0;
	int got;

	if (!sp->real)
		return SKIP;
	got = attempt_teardown(w, op, call_unreserve, NULL);
	if (!expect(w, op, 0, got))
		return got;
	for (uint32_t i = 0; i < sp->nr_reserved; i++)
		if (sp->reserved[i].owner != op->b)
			sp->reserved[n++] = sp->reserved[i];
	sp->nr_reserved = n;
	return 0;
}

static int call_allow(struct world *w, const struct op *op, void *arg)
{
	return ioas_iopt_allow(w->space[op->a].real, arg, op->n);
}

int op_allow(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	struct ioas_iova_range r[MAX_LIST];
	int want = 0, got;

	if (!sp->real)
		return SKIP;
	op_ranges_of(op, r);
	for (uint32_t i = 0; i < op->n && !want; i++) {
		if (r[i].first >= r[i].last)
			want = -EINVAL;
		for (uint32_t j = 0; j < i && !want; j++)
			if (r[i].first <= r[j].last && r[j].first <= r[i].last)
				want = -EINVAL;
	}
	for (uint32_t i = 0; i < op->n && !want; i++)
		if (hits_reserved(w, op->a, r[i].first, r[i].last))
			want = -EADDRINUSE;
	got = attempt(w, op, call_allow, r);
	if (!expect(w, op, want, got) || got)
		return got;
	sp->nr_allowed = op->n;
	for (uint32_t i = 0; i < op->n; i++)
		sp->allowed[i] = (struct m_range){ .first = r[i].first,
						   .last = r[i].last };
	return 0;
}

struct ranges_call {
	struct ioas_iova_range r[MAX_USABLE];
	uint32_t nr;
	uint64_t align;
};

static int call_ranges(struct world *w, const struct op *op, void *arg)
{
	struct ranges_call *c = arg;

	memset(c->r, 0x5a, sizeof(c->r));
	c->nr = op->n;
	return ioas_iopt_ranges(w->space[op->a].real, c->r, &c->nr, &c->align);
}

int op_ranges(struct world *w, const struct op *op)
{
	struct ioas_iova_range r[MAX_USABLE];
	struct ranges_call c;
	uint32_t nr;
	int got;

	if (!w->space[op->a].real)
		return SKIP;
	nr = usable_ranges(w, op->a, r, MAX_USABLE);
	got = attempt(w, op, call_ranges, &c);
	if (!expect(w, op, nr > op->n ? -EMSGSIZE : 0, got))
		return got;
	if (c.nr != nr)
		fail(w, "%u ranges; the model says %u", c.nr, nr);
	if (c.align != space_alignment(w, op->a))
		fail(w, "alignment %#llx; the model says %#llx",
		     (unsigned long long)c.align,
		     (unsigned long long)space_alignment(w, op->a));
	for (uint32_t i = 0; i < nr && i < op->n; i++)
		if (c.r[i].first != r[i].first || c.r[i].last != r[i].last)
			fail(w, "range %u is %#llx..%#llx; the model says %#llx..%#llx",
			     i, (unsigned long long)c.r[i].first,
			     (unsigned long long)c.r[i].last,
			     (unsigned long long)r[i].first,
			     (unsigned long long)r[i].last);
	for (uint32_t i = op->n; i < MAX_USABLE; i++)
		if (c.r[i].first != UINT64_C(0x5a5a5a5a5a5a5a5a))
			fail(w, "range %u beyond the array was written", i);
	return got;
}

/* ---- split and small pages ---------------------------------------------- */

/* 12.11, one cut: 0, or why not. *@area: the area to cut, or -1. */
static int check_cut(const struct world *w, uint8_t s, uint64_t x, int *area)
{
	const uint64_t align = space_alignment(w, s);
	const struct m_area *a;
	const int id = area_at(w, s, x);

	*area = -1;
	if (id < 0)
		return 0;
	a = w->area + id;
	if (x == a->iova || x == a->last)
		return 0;
	if (a->closing)
		return -EBUSY;
	if (is_device(w, w->object + a->object))
		return -EOPNOTSUPP;
	if ((x + 1) % align || (a->byte + (x + 1 - a->iova)) % align)
		return -EINVAL;
	if (area_pins(w, (uint8_t)id))
		return -EINVAL;
	if (w->space[s].nr_domains && !w->space[s].small_pages)
		return -EINVAL;
	*area = id;
	return 0;
}

static void model_cut(struct world *w, uint8_t area, uint64_t x)
{
	struct m_area *a = w->area + area;
	const int slot = area_slot(w);
	struct m_area *b = w->area + slot;

	*b = *a;
	b->iova = x + 1;
	b->byte += x + 1 - a->iova;
	a->last = x;
	area_insert(w, (uint8_t)slot);
	for (int d = 0; d < NR_DOMAINS; d++)
		w->domain[d].born[slot] = w->domain[d].born[area];
	count_transition(w, 19);
}

static int call_split(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_iopt_split(w->space[op->a].real, op->v, op->n);
}

int op_split(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	int want = 0, got, area;

	if (!sp->real || sp->nr_areas + op->n > SPACE_AREAS)
		return SKIP;
	/* The prediction follows the call: each cut depends on those before. */
	got = attempt(w, op, call_split, NULL);
	for (uint32_t i = 0; i < op->n && !want; i++) {
		want = check_cut(w, op->a, op->v[i], &area);
		if (!want && area >= 0)
			model_cut(w, (uint8_t)area, op->v[i]);
	}
	expect(w, op, want, got);
	return got;
}

static int call_small(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_iopt_set_small_pages(w->space[op->a].real, op->n);
}

int op_small_pages(struct world *w, const struct op *op)
{
	struct m_space *sp = w->space + op->a;
	int want = 0, got;

	if (!sp->real)
		return SKIP;
	if (op->n && !sp->small_pages) {
		if (sp->nr_domains && sp->nr_areas)
			want = -EINVAL;
		else if (!space_conforms(w, op->a, w->page))
			want = -EADDRINUSE;
	}
	got = attempt(w, op, call_small, NULL);
	if (expect(w, op, want, got) && !got)
		sp->small_pages = op->n;
	return got;
}
