/* SPDX-License-Identifier: MIT */
/*
 * arena: making, using and dismantling the world of a race; see arena.h
 *
 * A client holds its lock from before a pin until the pin is in its list, and
 * likewise around an unpin, so a callback waits until the list is true
 * (ioas-core 13.7). It does not hold it while it leaves a space.
 */
#include "arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LG2 6
#define PAGES 8u
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

static ioas_iova_t at_page(unsigned int page)
{
	return (ioas_iova_t)page << PAGE_LG2;
}

/* ---- the machine -------------------------------------------------------- */

/* INV-C5: with its last pin a frame goes, so no domain may lead to it. */
static bool hook_may_unpin(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty)
{
	struct arena *a = data;

	(void)dirty;
	for (uint64_t i = 0; i < nr; i++)
		for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
			const uint64_t addr = (pfn + i) << PAGE_LG2;
			struct ioas_sim_pins pins;

			if (!a->w.domains[d] ||
			    !ioas_flat_domain_reaches(
				    a->w.domains[d], addr,
				    addr + (1u << PAGE_LG2) - 1))
				continue;
			pins = ioas_sim_pins(a->w.sim, pfn + i);
			if (pins.read + pins.write <= 1)
				return false;
		}
	return true;
}

static void hook_violation(void *data, const char *what, ioas_pfn_t pfn)
{
	struct arena *a = data;

	a->w.violations++;
	sched_fail("machine: %s, frame %" PRIu64, what, pfn);
}

/* Each byte of a page says whose it is. */
static void origin_fill(struct arena *a, unsigned int o)
{
	uint8_t page[1u << PAGE_LG2];

	for (unsigned int p = 0; p < PAGES; p++) {
		memset(page, (int)(16 * o + p + 1), sizeof(page));
		SCHED_ASSERT(!ioas_sim_write(a->w.origins[o], at_page(p), page,
					     sizeof(page)));
	}
}

static void origins_create(struct arena *a)
{
	struct ioas_origin **o = a->w.origins;

	SCHED_ASSERT(!ioas_sim_process_create(a->w.sim, &o[PROC]));
	SCHED_ASSERT(!ioas_sim_map(o[PROC], 0, PAGES, IOAS_SIM_RUNS, 0));
	SCHED_ASSERT(!ioas_sim_file_create(a->w.sim, PAGES, 1,
					   IOAS_SIM_SCATTERED, &o[MEMFILE]));
	SCHED_ASSERT(!ioas_sim_device_create(a->w.sim, PAGES, &o[DEVMEM]));
	SCHED_ASSERT(ioas_sim_frame_at(o[DEVMEM], 0, &a->device));
	origin_fill(a, PROC);
	origin_fill(a, MEMFILE);
}

/* ---- clients ------------------------------------------------------------ */

static void client_release(struct world_client *wc, unsigned int i)
{
	const ioas_iova_t iova = wc->pins[i].iova;
	const uint64_t length = wc->pins[i].length;

	wc->pins[i] = wc->pins[--wc->nr_pins];
	ioas_access_unpin(wc->access, iova, length);
}

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct arena_client *c = data;
	struct world_client *wc = &c->a->w.clients[c - c->a->clients];

	SCHED_ASSERT(!ioas_plat_thread()->nr_held); /* D6 */
	SCHED_ASSERT(c->spaces); /* D7 */
	if (length != UINT64_MAX)
		SCHED_ASSERT(c->spaces & 1u << (iova >> (PAGE_LG2 + 4)));
	c->running++;
	sched_point();
	ioas_plat_mutex_lock(&c->lock);
	for (unsigned int i = wc->nr_pins; i-- > 0;)
		if (ioas_intersects(wc->pins[i].iova,
				    wc->pins[i].iova + wc->pins[i].length - 1,
				    iova, iova + length - 1))
			client_release(wc, i);
	ioas_plat_mutex_unlock(&c->lock);
	c->running--;
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

static void clients_create(struct arena *a)
{
	for (unsigned int i = 0; i < ARENA_CLIENTS; i++) {
		a->clients[i].a = a;
		SCHED_ASSERT(!ioas_access_create(&a->w.ctx, &client_ops,
						 &a->clients[i],
						 IOAS_ACCESS_PINS,
						 &a->w.clients[i].access));
	}
}

/* ---- operations: of spaces ---------------------------------------------- */

typedef void exec_fn(struct arena *a, const struct race_op *op,
		     struct arena_result *r);

static void exec_map(struct arena *a, const struct race_op *op,
		     struct arena_result *r)
{
	ioas_iova_t iova = at_page(op->page);

	r->ret = ioas_iopt_map(a->w.spaces[op->space], a->w.origins[op->who],
			       at_page(op->from), at_page(op->nr), RW,
			       op->page == RACE_ANY ? 0 : IOAS_MAP_FIXED,
			       &iova);
	r->value += r->ret ? 0 : iova;
}

static void exec_copy(struct arena *a, const struct race_op *op,
		      struct arena_result *r)
{
	ioas_iova_t iova = at_page(op->page);

	r->ret = ioas_iopt_copy(a->w.spaces[op->space], a->w.spaces[op->who],
				at_page(op->from), at_page(op->nr), RW,
				op->page == RACE_ANY ? 0 : IOAS_MAP_FIXED,
				&iova);
	r->value += r->ret ? 0 : iova;
}

static void exec_unmap(struct arena *a, const struct race_op *op,
		       struct arena_result *r)
{
	uint64_t bytes;

	r->ret = ioas_iopt_unmap(a->w.spaces[op->space], at_page(op->page),
				 at_page(op->nr), &bytes);
	r->value += bytes;
}

static void exec_attach(struct arena *a, const struct race_op *op,
			struct arena_result *r)
{
	r->ret = ioas_iopt_attach(a->w.spaces[op->space],
				  a->w.domains[op->who]);
	if (!r->ret)
		a->w.domain_space[op->who] = op->space;
}

static void exec_detach(struct arena *a, const struct race_op *op,
			struct arena_result *r)
{
	struct ioas_flat_stats st;

	ioas_iopt_detach(a->w.spaces[op->space], a->w.domains[op->who]);
	a->w.domain_space[op->who] = -1;
	ioas_flat_domain_stats(a->w.domains[op->who], &st);
	SCHED_ASSERT(!st.entries && !st.unsynced);
	r->ret = 0;
}

static void exec_revoke(struct arena *a, const struct race_op *op,
			struct arena_result *r)
{
	const uint64_t addr = a->device << PAGE_LG2;

	ioas_sim_revoke(a->w.origins[op->who]);
	/* When it returns no device can reach the memory (ioas-core 16). */
	for (unsigned int d = 0; d < 2; d++)
		SCHED_ASSERT(!ioas_flat_domain_reaches(
			a->w.domains[d], addr, addr + at_page(PAGES) - 1));
	r->ret = 0;
}

static void exec_track(struct arena *a, const struct race_op *op,
		       struct arena_result *r)
{
	struct ioas_domain *d = a->w.domains[op->who];

	r->ret = ioas_dirty_set(a->w.spaces[op->space], d, true);
	SCHED_ASSERT(!ioas_flat_domain_mark_dirty(
		d, at_page(op->page),
		at_page(op->page) + at_page(op->nr) - 1));
}

static void exec_dirty(struct arena *a, const struct race_op *op,
		       struct arena_result *r)
{
	uint64_t bitmap = 0;
	const struct ioas_dirty_request rq = {
		.iova = at_page(op->page),
		.length = at_page(op->nr),
		.granularity = at_page(1),
		.bitmap = (uintptr_t)&bitmap,
	};

	r->ret = ioas_dirty_read(a->w.spaces[op->space],
				 a->w.domains[op->who], &rq);
	r->value += bitmap;
}

static void exec_change(struct arena *a, const struct race_op *op,
			struct arena_result *r)
{
	(void)op;
	r->ret = ioas_context_change_process(&a->w.ctx);
}

/* ---- operations: of clients --------------------------------------------- */

static void exec_join(struct arena *a, const struct race_op *op,
		      struct arena_result *r)
{
	a->clients[op->who].spaces |= 1u << op->space;
	r->ret = ioas_access_attach(a->w.clients[op->who].access,
				    a->w.spaces[op->space]);
}

/* From here on nobody may call it, and nobody is (D7). */
static void client_is_free(struct arena_client *c)
{
	c->spaces = 0;
	SCHED_ASSERT(!c->running);
}

static void exec_leave(struct arena *a, const struct race_op *op,
		       struct arena_result *r)
{
	r->ret = ioas_access_detach(a->w.clients[op->who].access);
	if (!r->ret)
		client_is_free(&a->clients[op->who]);
}

static void exec_replace(struct arena *a, const struct race_op *op,
			 struct arena_result *r)
{
	struct arena_client *c = &a->clients[op->who];

	c->spaces |= 1u << op->space;
	r->ret = ioas_access_replace(a->w.clients[op->who].access,
				     a->w.spaces[op->space]);
	if (!r->ret)
		c->spaces = 1u << op->space;
}

static void exec_destroy(struct arena *a, const struct race_op *op,
			 struct arena_result *r)
{
	ioas_access_destroy(a->w.clients[op->who].access);
	a->w.clients[op->who].access = NULL;
	client_is_free(&a->clients[op->who]);
	r->ret = 0;
}

static void exec_pin(struct arena *a, const struct race_op *op,
		     struct arena_result *r)
{
	struct arena_client *c = &a->clients[op->who];
	struct world_client *wc = &a->w.clients[op->who];
	struct ioas_run runs[PAGES];
	struct ioas_run_list list = { .runs = runs, .max = PAGES };

	ioas_plat_mutex_lock(&c->lock);
	r->ret = ioas_access_pin(wc->access, at_page(op->page),
				 at_page(op->nr), IOAS_ACCESS_WRITE, &list);
	if (!r->ret) {
		wc->pins[wc->nr_pins].iova = at_page(op->page);
		wc->pins[wc->nr_pins++].length = at_page(op->nr);
	}
	for (uint32_t i = 0; i < list.nr; i++)
		r->value = r->value * 31 + runs[i].pfn * PAGES + runs[i].nr;
	ioas_plat_mutex_unlock(&c->lock);
}

/* A pin that a callback has released already is no concern of anybody. */
static void exec_unpin(struct arena *a, const struct race_op *op,
		       struct arena_result *r)
{
	struct arena_client *c = &a->clients[op->who];
	struct world_client *wc = &a->w.clients[op->who];

	r->ret = 0;
	ioas_plat_mutex_lock(&c->lock);
	for (unsigned int i = 0; i < wc->nr_pins; i++)
		if (wc->pins[i].iova == at_page(op->page) &&
		    wc->pins[i].length == at_page(op->nr)) {
			r->value++;
			client_release(wc, i);
			break;
		}
	ioas_plat_mutex_unlock(&c->lock);
}

static void exec_read(struct arena *a, const struct race_op *op,
		      struct arena_result *r)
{
	uint8_t byte = 0;

	r->ret = ioas_access_rw(a->w.clients[op->who].access,
				at_page(op->page) + 5, &byte, 1, 0);
	r->value += byte;
}

static exec_fn *const exec[RACE_NR_KINDS] = {
	[RACE_MAP] = exec_map,	     [RACE_COPY] = exec_copy,
	[RACE_UNMAP] = exec_unmap,   [RACE_ATTACH] = exec_attach,
	[RACE_DETACH] = exec_detach, [RACE_JOIN] = exec_join,
	[RACE_LEAVE] = exec_leave,   [RACE_REPLACE] = exec_replace,
	[RACE_DESTROY] = exec_destroy, [RACE_PIN] = exec_pin,
	[RACE_UNPIN] = exec_unpin,   [RACE_READ] = exec_read,
	[RACE_REVOKE] = exec_revoke, [RACE_TRACK] = exec_track,
	[RACE_DIRTY] = exec_dirty,   [RACE_CHANGE] = exec_change,
};

void arena_exec(struct arena *a, const struct race_op *op,
		struct arena_result *r)
{
	struct ioas_caller caller = {
		.principal = a->w.principals[op->kind == RACE_CHANGE],
	};
	struct ioas_caller *old = ioas_caller_enter(&caller);

	exec[op->kind](a, op, r);
	r->done = true;
	ioas_caller_leave(old);
	SCHED_ASSERT(!ioas_plat_thread()->nr_held); /* O6 */
	SCHED_ASSERT(!ioas_plat_thread()->nr_unrecorded);
}

/* ---- life --------------------------------------------------------------- */

static void principals_create(struct world *w)
{
	w->user = ioas_user_create();
	for (unsigned int i = 0; i < WORLD_PRINCIPALS; i++) {
		struct ioas_mm *mm = ioas_mm_create();

		w->principals[i] =
			ioas_principal_create(w->user, mm, UINT64_MAX);
		ioas_mm_put(mm);
	}
}

static void domains_create(struct world *w)
{
	const struct ioas_flat_options opts = {
		.pgsizes = at_page(1) | at_page(2),
		.last = UINT64_MAX,
		.dirty = true,
	};

	for (unsigned int d = 0; d < 3; d++)
		SCHED_ASSERT(!ioas_flat_domain_create(&opts, &w->domains[d]));
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++)
		w->domain_space[d] = -1;
}

struct arena *arena_create(const struct race_op *before)
{
	struct arena *a = calloc(1, sizeof(*a));
	struct ioas_sim_options opts = {
		.page_lg2 = PAGE_LG2,
		.seed = 1,
		.hooks = { .data = a,
			   .may_unpin = hook_may_unpin,
			   .violation = hook_violation },
	};

	if (!a)
		abort();
	ioas_context_init(&a->w.ctx, PAGE_LG2, PAGE_LG2);
	SCHED_ASSERT(!ioas_sim_create(&opts, &a->w.sim));
	principals_create(&a->w);
	domains_create(&a->w);
	origins_create(a);
	for (unsigned int s = 0; s < 2; s++)
		SCHED_ASSERT(!ioas_iopt_create(&a->w.ctx, &a->w.spaces[s]));
	clients_create(a);
	for (; before->kind; before++) {
		struct arena_result r = { 0 };

		arena_exec(a, before, &r);
		if (r.ret)
			sched_fail("preparation %d says %d", before->kind,
				   r.ret);
	}
	return a;
}

char *arena_text(struct arena *a)
{
	char *state = world_snapshot(&a->w), *text = NULL;
	char results[64 * RACE_THREADS * RACE_OPS] = "";
	size_t n = 0;

	for (unsigned int t = 0; t < RACE_THREADS; t++)
		for (unsigned int i = 0; i < RACE_OPS; i++) {
			const struct arena_result *r = &a->results[t][i];

			if (r->done)
				n += (size_t)snprintf(
					results + n, sizeof(results) - n,
					"thread %u: %d, %" PRIx64 "\n", t,
					r->ret, r->value);
		}
	if (asprintf(&text, "%s%s", results, state) < 0)
		abort();
	free(state);
	return text;
}

const char *arena_wrong(struct arena *a)
{
	if (ioas_context_validate(&a->w.ctx))
		return "the context is not valid";
	for (unsigned int d = 0; d < 3; d++)
		if (!ioas_flat_domain_validate(a->w.domains[d]))
			return "a domain is not valid";
	if (!ioas_sim_validate(a->w.sim))
		return "the machine is not valid";
	return NULL;
}

static const char *principals_destroy(struct world *w)
{
	const char *wrong = NULL;

	if (atomic_load(&w->user->charged))
		wrong = "a charge is left";
	for (unsigned int i = 0; i < WORLD_PRINCIPALS; i++) {
		struct ioas_principal *p = w->principals[i];

		if (atomic_load(&p->refs) != 1 || atomic_load(&p->mm->pinned))
			wrong = "a principal is held or has pins";
		ioas_principal_put(p);
	}
	ioas_user_put(w->user);
	return wrong;
}

static const char *origins_destroy(struct world *w)
{
	const char *wrong = NULL;

	if (!ioas_sim_idle(w->sim))
		wrong = "pins are left";
	for (unsigned int o = PROC; o <= DEVMEM; o++) {
		if (atomic_load(&w->origins[o]->refs) != 1)
			wrong = "an origin is held";
		ioas_origin_put(w->origins[o]);
	}
	ioas_sim_destroy(w->sim);
	return wrong;
}

const char *arena_destroy(struct arena *a)
{
	const char *wrong, *more = NULL;
	struct world *w = &a->w;

	for (unsigned int i = 0; i < ARENA_CLIENTS; i++)
		ioas_access_destroy(w->clients[i].access);
	for (unsigned int d = 0; d < 3; d++) {
		if (w->domain_space[d] >= 0)
			ioas_iopt_detach(w->spaces[w->domain_space[d]],
					 w->domains[d]);
		w->domains[d]->ops->destroy(w->domains[d]);
		w->domains[d] = NULL;
	}
	for (unsigned int s = 0; s < 2; s++)
		if (ioas_iopt_destroy(w->spaces[s]))
			more = "a space is busy";
	wrong = origins_destroy(w);
	more = wrong ? wrong : more;
	wrong = principals_destroy(w);
	more = wrong ? wrong : more;
	ioas_context_fini(&w->ctx);
	free(a);
	return more;
}
