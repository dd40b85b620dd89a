/* SPDX-License-Identifier: MIT */
/*
 * ops_world: what happens around the core: memory that moves, goes or dies,
 * limits, policies, the change of process, sizes of batches
 */
#include "universe.h"

#include "base/errno.h"

/* ---- memory of processes ------------------------------------------------ */

/*
 * Pages [v0, v0 + n - 1] of process a, if they lie in one chunk: which, and
 * which of its bits.
 */
static struct m_chunk *chunk_of(struct world *w, const struct op *op,
				uint64_t *mask)
{
	struct m_origin *o = w->origin + op->a;

	if (o->kind != M_PROCESS || !o->real || o->dead || !op->n)
		return NULL;
	for (int i = 0; i < NR_CHUNKS; i++) {
		struct m_chunk *c = o->chunk + i;

		if (op->v[0] < c->first || op->v[0] - c->first >= c->nr ||
		    c->nr - (op->v[0] - c->first) < op->n)
			continue;
		*mask = mask_of(op->v[0] - c->first,
				op->v[0] - c->first + op->n - 1);
		return c;
	}
	return NULL;
}

int op_remap(struct world *w, const struct op *op)
{
	uint64_t mask;
	const struct m_chunk *c = chunk_of(w, op, &mask);

	if (!c || (c->mapped & mask) != mask)
		return SKIP;
	expect(w, op, 0,
	       ioas_sim_remap(w->origin[op->a].real, op->v[0], op->n,
			      (enum ioas_sim_layout)op->flags));
	return 0;
}

int op_hole(struct world *w, const struct op *op)
{
	uint64_t mask;
	struct m_chunk *c = chunk_of(w, op, &mask);

	if (!c)
		return SKIP;
	if (expect(w, op, 0,
		   ioas_sim_unmap(w->origin[op->a].real, op->v[0], op->n)))
		c->mapped &= ~mask;
	return 0;
}

int op_fill_hole(struct world *w, const struct op *op)
{
	uint64_t mask;
	struct m_chunk *c = chunk_of(w, op, &mask);

	if (!c || c->mapped & mask)
		return SKIP;
	if (!expect(w, op, 0,
		    ioas_sim_map(w->origin[op->a].real, op->v[0], op->n,
				 (enum ioas_sim_layout)op->flags, 0)))
		return 0;
	c->mapped |= mask;
	c->read_only &= ~mask;
	return 0;
}

int op_protect(struct world *w, const struct op *op)
{
	uint64_t mask;
	struct m_chunk *c = chunk_of(w, op, &mask);

	if (!c || (c->mapped & mask) != mask)
		return SKIP;
	if (!expect(w, op, 0,
		    ioas_sim_protect(w->origin[op->a].real, op->v[0], op->n,
				     op->flags)))
		return 0;
	c->read_only &= ~mask;
	if (op->flags & IOAS_SIM_READ_ONLY)
		c->read_only |= mask;
	return 0;
}

int op_die(struct world *w, const struct op *op)
{
	struct m_origin *o = w->origin + op->a;
	struct m_caller *c = w->caller + op->a;

	if (o->kind != M_PROCESS || !o->real || o->dead)
		return SKIP;
	ioas_sim_die(o->real);
	o->dead = true;
	if (c->has_principal) {
		c->gone = true;
		atomic_store(&w->mm[op->a]->gone, true);
	}
	expect(w, op, 0, 0);
	return 0;
}

static bool origin_in_use(const struct world *w, uint8_t origin)
{
	for (int g = 0; g < MAX_OBJECTS; g++)
		if (w->object[g].used && w->object[g].origin == origin)
			return true;
	return false;
}

/* A dead process, or revoked memory, makes room for another. */
int op_origin_create(struct world *w, const struct op *op)
{
	struct m_origin *o = w->origin + op->a;
	const struct rng saved = w->rng;

	if (origin_in_use(w, op->a) || !(o->dead || o->revoked))
		return SKIP;
	ioas_origin_put(o->real);
	/* From the operation alone, so that a trace can be thinned. */
	w->rng = (struct rng){ .state = op->v[0] };
	if (!origin_create(w, op->a))
		fail(w, "a new origin %u cannot be made", op->a);
	w->rng = saved;
	expect(w, op, 0, 0);
	return 0;
}

int op_revoke(struct world *w, const struct op *op)
{
	struct m_origin *o = w->origin + op->a;

	if (o->kind != M_DEVICE || !o->real)
		return SKIP;
	ioas_sim_revoke(o->real);
	if (!o->revoked && origin_in_use(w, op->a))
		count_transition(w, 20);
	o->revoked = true;
	expect(w, op, 0, 0);
	return 0;
}

/* ---- who pays ----------------------------------------------------------- */

int op_limit(struct world *w, const struct op *op)
{
	struct m_caller *c = w->caller + op->a;

	if (!c->has_principal)
		return SKIP;
	c->limit = op->v[0];
	atomic_store(&w->principal[op->a]->limit, op->v[0]);
	expect(w, op, 0, 0);
	return 0;
}

static int call_change(struct world *w, const struct op *op, void *arg)
{
	(void)op;
	(void)arg;
	return ioas_context_change_process(&w->ctx);
}

/* 12.13: does the object change hands? */
static bool moves(const struct m_object *g, int8_t to)
{
	return g->used && g->mode != IOAS_ACCOUNT_NONE && g->payer != to;
}

static int check_change(const struct world *w, int8_t to)
{
	uint64_t user = 0, mm = 0;
	const struct m_caller *c;

	for (int i = 0; i < MAX_OBJECTS; i++)
		if (w->object[i].used &&
		    w->origin[w->object[i].origin].kind != M_FILE)
			return -EINVAL;
	if (to < 0)
		return 0;
	c = w->caller + to;
	for (int i = 0; i < MAX_OBJECTS; i++) {
		const struct m_object *g = w->object + i;
		const uint64_t n = (uint64_t)__builtin_popcountll(g->A | g->D);

		if (moves(g, to) && g->mode == IOAS_ACCOUNT_USER)
			user += n;
		if (moves(g, to) && g->mode == IOAS_ACCOUNT_MM)
			mm += n;
	}
	if (user && w->totals.user[c->user] + user > c->limit)
		return -ENOMEM;
	if (mm && !c->gone && w->totals.mm[to] + mm > c->limit)
		return -ENOMEM;
	return 0;
}

int op_change_process(struct world *w, const struct op *op)
{
	const int8_t to = w->caller[op->caller].has_principal ?
				  (int8_t)op->caller :
				  -1;
	const int want = check_change(w, to);
	const int got = attempt(w, op, call_change, NULL);

	if (!expect(w, op, want, got) || got)
		return got;
	for (int i = 0; i < MAX_OBJECTS; i++)
		if (moves(w->object + i, to)) {
			w->object[i].payer = to;
			count_transition(w, 21);
		}
	return 0;
}

static int call_policy(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_context_set_policy(&w->ctx, op->n);
}

int op_policy(struct world *w, const struct op *op)
{
	int want = 0, got;

	if (!w->caller[op->caller].real.resource)
		want = -EPERM;
	for (int s = 0; s < NR_SPACES && !want; s++)
		if (w->space[s].real)
			want = -EBUSY;
	got = attempt(w, op, call_policy, NULL);
	if (expect(w, op, want, got) && !got)
		w->account_mm = op->n;
	return got;
}

/* ---- sizes -------------------------------------------------------------- */

int op_tuning(struct world *w, const struct op *op)
{
	struct ioas_tuning *t = &w->ctx.tuning;
	const struct options *o = w->opts;

	t->fill_runs = o->batch_capacity ? o->batch_capacity :
					   (uint32_t)op->v[0];
	t->drain_runs = o->drain_capacity ? o->drain_capacity :
					    (uint32_t)op->v[1];
	t->window_runs = o->window ? o->window : (uint32_t)op->v[2];
	t->window_pages = o->window ? o->window : op->v[3];
	t->slow_copy = o->slow_copy || op->flags;
	expect(w, op, 0, 0);
	return 0;
}

int op_pin_mode(struct world *w, const struct op *op)
{
	ioas_sim_set_pin_mode(w->sim, (enum ioas_sim_pin_mode)op->n);
	expect(w, op, 0, 0);
	return 0;
}
