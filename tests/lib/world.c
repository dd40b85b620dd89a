/* SPDX-License-Identifier: MIT */
/*
 * world: building, checking and dismantling it; the projection is in
 * projection.c
 *
 * Locks: none of its own. Callbacks of clients run on the thread that unmaps,
 * which is the test's.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "plat/common/fault_arm.h"
#include "world.h"

/* ---- hooks of the machine ----------------------------------------------- */

/*
 * INV-C5: when the last pin of a frame goes, no domain may lead to it. With
 * more pins left another holder may still have it mapped, legally.
 */
static bool hook_may_unpin(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty)
{
	struct world *w = data;
	const uint8_t lg2 = w->ctx.page_lg2;

	(void)dirty;
	for (uint64_t i = 0; !w->giant && !w->limits.table && i < nr; i++) {
		struct ioas_sim_pins pins = ioas_sim_pins(w->sim, pfn + i);
		const uint64_t addr = (pfn + i) << lg2;

		if (pins.read + pins.write > 1)
			continue;
		for (unsigned int d = 0; d < WORLD_DOMAINS; d++)
			if (w->domains[d] &&
			    ioas_flat_domain_reaches(
				    w->domains[d], addr,
				    addr + (((uint64_t)1 << lg2) - 1)))
				return false;
	}
	return true;
}

/* A short count up to the bad page, an error if it is the first. */
static void hook_before_pin(void *data, struct ioas_origin *o, uint64_t first,
			    uint64_t nr)
{
	struct world *w = data;

	(void)o;
	ioas_sim_set_pin_budget(w->sim, w->bad_page - first < nr ?
						w->bad_page - first :
						UINT64_MAX);
}

static void hook_violation(void *data, const char *what, ioas_pfn_t pfn)
{
	struct world *w = data;

	fprintf(stderr, "# machine: %s, frame %" PRIu64 "\n", what, pfn);
	w->violations++;
}

/* ---- clients ------------------------------------------------------------ */

static void client_forget(struct world_client *c, unsigned int i)
{
	c->pins[i] = c->pins[--c->nr_pins];
}

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct world_client *c = data;
	bool any = false;

	c->callbacks++;
	c->iova = iova;
	c->length = length;
	for (unsigned int i = 0; i < c->nr_pins; i++)
		any |= ioas_intersects(c->pins[i].iova,
				       c->pins[i].iova + c->pins[i].length - 1,
				       iova, iova + length - 1);
	if (!any)
		return;
	if (c->refusals < c->patience) {
		c->refusals++;
		return;
	}
	c->refusals = 0;
	for (unsigned int i = c->nr_pins; i-- > 0;)
		if (ioas_intersects(c->pins[i].iova,
				    c->pins[i].iova + c->pins[i].length - 1,
				    iova, iova + length - 1)) {
			ioas_access_unpin(c->access, c->pins[i].iova,
					  c->pins[i].length);
			client_forget(c, i);
		}
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

int world_client(struct world *w, unsigned int c, unsigned int flags)
{
	struct world_client *cl = &w->clients[c];

	assert_null(cl->access);
	*cl = (struct world_client){ .w = w, .flags = flags };
	return ioas_access_create(&w->ctx,
				  flags & IOAS_ACCESS_INTERNAL ? NULL :
								 &client_ops,
				  cl, flags, &cl->access);
}

void world_client_destroy(struct world *w, unsigned int c)
{
	struct world_client *cl = &w->clients[c];

	cl->patience = 0;
	/* An internal client is not asked: it lets go by itself. */
	while (cl->flags & IOAS_ACCESS_INTERNAL && cl->nr_pins)
		world_unpin(w, c, cl->pins[0].iova, cl->pins[0].length);
	ioas_access_destroy(cl->access);
	cl->access = NULL;
	assert_int_equal(cl->nr_pins, 0);
}

int world_pin(struct world *w, unsigned int c, ioas_iova_t iova,
	      uint64_t length, unsigned int flags)
{
	struct world_client *cl = &w->clients[c];
	struct ioas_run runs[256];
	struct ioas_run_list list = { .runs = runs, .max = 256 };
	int ret = ioas_access_pin(cl->access, iova, length, flags,
				  length >> w->ctx.page_lg2 <= 255 ? &list :
								     NULL);

	if (ret)
		return ret;
	assert_true(cl->nr_pins < WORLD_PINS);
	cl->pins[cl->nr_pins].iova = iova;
	cl->pins[cl->nr_pins].length = length;
	cl->nr_pins++;
	return 0;
}

void world_unpin(struct world *w, unsigned int c, ioas_iova_t iova,
		 uint64_t length)
{
	struct world_client *cl = &w->clients[c];

	for (unsigned int i = 0; i < cl->nr_pins; i++)
		if (cl->pins[i].iova == iova && cl->pins[i].length == length) {
			client_forget(cl, i);
			ioas_access_unpin(cl->access, iova, length);
			return;
		}
}

/* ---- spaces and domains ------------------------------------------------- */

int world_space(struct world *w, unsigned int s)
{
	assert_null(w->spaces[s]);
	return ioas_iopt_create(&w->ctx, &w->spaces[s]);
}

int world_space_destroy(struct world *w, unsigned int s)
{
	int ret = ioas_iopt_destroy(w->spaces[s]);

	if (!ret)
		w->spaces[s] = NULL;
	return ret;
}

int world_domain(struct world *w, unsigned int d, uint64_t pgsizes,
		 ioas_iova_t first, ioas_iova_t last)
{
	const struct ioas_flat_options opts = {
		.pgsizes = pgsizes,
		.first = first,
		.last = last,
		.answer = w->limits.answer,
		.dirty = true,
	};

	const struct ioas_table_options table = {
		.pt = { .pgsizes = pgsizes, .first = first, .last = last },
		.dirty = true,
	};

	assert_null(w->domains[d]);
	w->domain_space[d] = -1;
	if (w->limits.table)
		return ioas_table_domain_create(&table, &w->domains[d]);
	return ioas_flat_domain_create(&opts, &w->domains[d]);
}

void world_touch(struct world *w, unsigned int d, ioas_iova_t iova,
		 ioas_iova_t last)
{
	if (w->limits.table)
		ioas_table_domain_mark_dirty(w->domains[d], iova, last);
	else
		assert_int_equal(ioas_flat_domain_mark_dirty(w->domains[d],
							     iova, last),
				 0);
}

void world_domain_destroy(struct world *w, unsigned int d)
{
	if (!w->domains[d])
		return;
	assert_int_equal(w->domain_space[d], -1);
	w->domains[d]->ops->destroy(w->domains[d]);
	w->domains[d] = NULL;
}

int world_attach(struct world *w, unsigned int s, unsigned int d)
{
	int ret = ioas_iopt_attach(w->spaces[s], w->domains[d]);

	if (!ret)
		w->domain_space[d] = (int)s;
	return ret;
}

void world_detach(struct world *w, unsigned int d)
{
	struct ioas_flat_stats st;

	ioas_iopt_detach(w->spaces[w->domain_space[d]], w->domains[d]);
	w->domain_space[d] = -1;
	if (world_flat_stats(w, d, &st) && (st.entries || st.unsynced))
		fail_msg("domain %u keeps %" PRIu64 " entries, %" PRIu64
			 " unsynced",
			 d, st.entries, st.unsynced);
}

/* ---- memory ------------------------------------------------------------- */

void world_process(struct world *w, unsigned int o)
{
	assert_null(w->origins[o]);
	assert_int_equal(ioas_sim_process_create(w->sim, &w->origins[o]), 0);
}

void world_map_memory(struct world *w, unsigned int o, uint64_t page,
		      uint64_t nr, enum ioas_sim_layout layout,
		      unsigned int flags)
{
	assert_int_equal(ioas_sim_map(w->origins[o], page, nr, layout, flags),
			 0);
	if (layout == IOAS_SIM_GIANT)
		w->giant = true;
}

void world_file(struct world *w, unsigned int o, uint64_t nr,
		unsigned int folio_lg2)
{
	assert_null(w->origins[o]);
	assert_int_equal(ioas_sim_file_create(w->sim, nr, folio_lg2,
					      IOAS_SIM_SCATTERED,
					      &w->origins[o]),
			 0);
}

void world_device(struct world *w, unsigned int o, uint64_t nr)
{
	assert_null(w->origins[o]);
	assert_int_equal(ioas_sim_device_create(w->sim, nr, &w->origins[o]), 0);
}

/* ---- life --------------------------------------------------------------- */

void world_init(struct world *w, const struct world_limits *limits)
{
	struct ioas_sim_options opts;

	memset(w, 0, sizeof(*w));
	w->live_before = ledger_live();
	w->ledger_violations_before = ledger_violations();
	if (limits)
		w->limits = *limits;
	if (!w->limits.page_lg2)
		w->limits.page_lg2 = 12;
	if (!w->limits.huge_lg2)
		w->limits.huge_lg2 = 21;
	ioas_context_init(&w->ctx, w->limits.page_lg2, w->limits.huge_lg2);
	w->ctx.tuning = w->limits.tuning;
	opts = (struct ioas_sim_options){
		.page_lg2 = w->limits.page_lg2,
		.seed = 1,
		.hooks = { .data = w,
			   .may_unpin = hook_may_unpin,
			   .before_pin = hook_before_pin,
			   .violation = hook_violation },
	};
	assert_int_equal(ioas_sim_create(&opts, &w->sim), 0);
	ioas_sim_set_pin_mode(w->sim, w->limits.pin_mode);
	w->user = ioas_user_create();
	assert_non_null(w->user);
	for (unsigned int i = 0; i < WORLD_PRINCIPALS; i++) {
		struct ioas_mm *mm = ioas_mm_create();

		assert_non_null(mm);
		w->principals[i] =
			ioas_principal_create(w->user, mm, UINT64_MAX);
		assert_non_null(w->principals[i]);
		ioas_mm_put(mm);
	}
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++)
		w->domain_space[d] = -1;
	w->bad_page = UINT64_MAX;
	w->caller.principal = w->principals[0];
	w->caller.resource = true;
	ioas_fault_arm(&w->fault);
	w->caller.fault = &w->fault;
	w->old_caller = ioas_caller_enter(&w->caller);
}

static void world_check_ledgers(struct world *w)
{
	if (ledger_live() != w->live_before) {
		ledger_print();
		fail_msg("%" PRIu64 " allocations left, %" PRIu64 " before",
			 ledger_live(), w->live_before);
	}
	assert_int_equal(ledger_violations(), w->ledger_violations_before);
	assert_int_equal(w->violations, 0);
}

void world_fini(struct world *w)
{
	const uint64_t points = ledger_points(&w->fault);

	for (unsigned int c = 0; c < WORLD_CLIENTS; c++)
		if (w->clients[c].access)
			world_client_destroy(w, c);
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
		if (w->domain_space[d] >= 0)
			world_detach(w, d);
		world_domain_destroy(w, d);
	}
	for (unsigned int s = 0; s < WORLD_SPACES; s++)
		if (w->spaces[s])
			assert_int_equal(world_space_destroy(w, s), 0);
	/* Teardown has no fault points (INV-F2). */
	assert_int_equal(ledger_points(&w->fault), points);
	ledger_refuse(false);
	ledger_fail_after(NULL);
	ledger_fail_point(IOAS_NR_FAULT_POINTS, 0);
	assert_true(ioas_sim_idle(w->sim));
	assert_true(ioas_sim_validate(w->sim));
	for (unsigned int o = 0; o < WORLD_ORIGINS; o++) {
		if (w->origins[o] &&
		    atomic_load(&w->origins[o]->refs) != 1)
			fail_msg("origin %u has %u references", o,
				 atomic_load(&w->origins[o]->refs));
		ioas_origin_put(w->origins[o]);
	}
	ioas_sim_destroy(w->sim);
	assert_int_equal(atomic_load(&w->user->charged), 0);
	for (unsigned int i = 0; i < WORLD_PRINCIPALS; i++) {
		struct ioas_mm *mm = w->principals[i]->mm;

		assert_int_equal(atomic_load(&w->principals[i]->refs), 1);
		if (!atomic_load(&mm->gone)) {
			assert_int_equal(atomic_load(&mm->charged), 0);
			assert_int_equal(atomic_load(&mm->pinned), 0);
		}
		ioas_principal_put(w->principals[i]);
	}
	ioas_user_put(w->user);
	ioas_context_fini(&w->ctx);
	ioas_caller_leave(w->old_caller);
	ioas_fault_disarm();
	world_check_ledgers(w);
}
