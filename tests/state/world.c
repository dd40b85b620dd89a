/* SPDX-License-Identifier: MIT */
/*
 * world: an epoch begins with nothing and ends with nothing
 *
 *   processes  pages 16 .. 16+N of each, and the last pages of its address
 *              space; runs, single frames, holes, memory that only reads
 *   files      in folios; devices: one range
 *   IOVA       three windows: at 0, in the middle, at the end of 64 bits
 *
 * Hooks of the simulated memory say when a promise to it is broken: among them
 * that the last pin of a frame goes while a domain still maps it (INV-C5).
 */
#include "universe.h"

#include <string.h>

#include "base/errno.h"
#include "domain/flat.h"
#include "ledger.h"

#define LOW_PAGES 60
#define TOP_PAGES 24

/* ---- hooks of the simulated memory -------------------------------------- */

static bool reachable(const struct world *w, ioas_pfn_t pfn)
{
	const uint64_t first = pfn << w->page_lg2;

	const uint64_t last = first + w->page - 1;

	for (int d = 0; d < NR_DOMAINS; d++) {
		const struct m_domain *dom = w->domain + d;

		if (!dom->real)
			continue;
		if (dom->table ? table_reaches(dom, first, last) :
				 ioas_flat_domain_reaches(dom->real, first,
							  last))
			return true;
	}
	return false;
}

static bool may_unpin(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty)
{
	const struct world *w = data;

	(void)dirty;
	for (uint64_t i = 0; i < nr; i++) {
		const struct ioas_sim_pins p = ioas_sim_pins(w->sim, pfn + i);

		if (p.read + p.write == 1 && reachable(w, pfn + i))
			return false;
	}
	return true;
}

static void violation(void *data, const char *what, ioas_pfn_t pfn)
{
	fail(data, "simulated memory: %s (%#llx)", what,
	     (unsigned long long)pfn);
}

/* ---- origins ------------------------------------------------------------ */

static enum ioas_sim_layout random_layout(struct world *w)
{
	static const enum ioas_sim_layout layouts[] = {
		IOAS_SIM_CONSECUTIVE, IOAS_SIM_CONSECUTIVE, IOAS_SIM_SCATTERED,
		IOAS_SIM_RUNS,	      IOAS_SIM_RUNS,	    IOAS_SIM_DESCENDING,
		IOAS_SIM_HIGH,	      IOAS_SIM_ALIASED,
	};

	return layouts[rng_below(&w->rng, IOAS_ARRAY_SIZE(layouts))];
}

/* Runs of random layouts, now and then a hole or pages that only read. */
static void chunk_fill(struct world *w, struct ioas_origin *o,
		       struct m_chunk *c)
{
	for (uint32_t at = 0; at < c->nr;) {
		enum ioas_sim_layout layout = random_layout(w);
		uint32_t n = 1 + (uint32_t)rng_below(&w->rng, 24);
		const bool hole = rng_chance(&w->rng, 12);
		const bool ro = rng_chance(&w->rng, 12);
		uint64_t mask;

		if (hole || ro)
			n = 1 + n % 3;
		else if (!at && rng_chance(&w->rng, w->large ? 80 : 10)) {
			n = c->nr;
			layout = rng_chance(&w->rng, 80) ?
					 IOAS_SIM_CONSECUTIVE :
					 IOAS_SIM_HIGH;
		}
		n = (uint32_t)ioas_min(n, c->nr - at);
		mask = mask_of(at, at + n - 1);
		if (!hole && !ioas_sim_map(o, c->first + at, n, layout,
					   ro ? IOAS_SIM_READ_ONLY : 0)) {
			c->mapped |= mask;
			c->read_only |= ro ? mask : 0;
		}
		at += n;
	}
}

static bool process_create(struct world *w, uint8_t slot)
{
	struct m_origin *o = w->origin + slot;

	if (ioas_sim_process_create(w->sim, &o->real))
		return false;
	o->chunk[0].first = 16;
	o->chunk[0].nr = LOW_PAGES;
	o->chunk[1].first = (UINT64_MAX >> w->page_lg2) - TOP_PAGES + 1;
	o->chunk[1].nr = TOP_PAGES;
	for (int i = 0; i < NR_CHUNKS; i++)
		chunk_fill(w, o->real, o->chunk + i);
	w->caller[slot].real.mm = ioas_sim_mm(o->real);
	return true;
}

bool origin_create(struct world *w, uint8_t slot)
{
	static const enum ioas_sim_layout layouts[] = {
		IOAS_SIM_CONSECUTIVE,
		IOAS_SIM_SCATTERED,
		IOAS_SIM_RUNS,
		IOAS_SIM_DESCENDING,
	};
	const unsigned int folio = (unsigned int)rng_below(&w->rng, 5);
	struct m_origin *o = w->origin + slot;

	memset(o, 0, sizeof(*o));
	if (slot < NR_PROCESSES)
		return process_create(w, slot);
	o->nr_pages = 20 + rng_below(&w->rng, 30);
	if (slot >= NR_PROCESSES + NR_FILES) {
		o->kind = M_DEVICE;
		return !ioas_sim_device_create(w->sim, o->nr_pages, &o->real);
	}
	o->kind = M_FILE;
	return !ioas_sim_file_create(
		w->sim, o->nr_pages,
		folio == 4 ? IOAS_SIM_FOLIO_MIXED : folio,
		layouts[rng_below(&w->rng, IOAS_ARRAY_SIZE(layouts))],
		&o->real);
}

/* ---- who pays ----------------------------------------------------------- */

/*
 * Caller i is process i; the last is nobody's process. One of them may lock
 * memory without limit, and one has nobody who pays.
 */
static bool callers_init(struct world *w)
{
	for (int u = 0; u < NR_USERS; u++) {
		w->user[u] = ioas_user_create();
		if (!w->user[u])
			return false;
	}
	for (int c = 0; c < NR_CALLERS; c++) {
		struct m_caller *mc = w->caller + c;

		mc->process = c < NR_PROCESSES ? (int8_t)c : -1;
		mc->user = (int8_t)(c % NR_USERS);
		mc->limit = rng_chance(&w->rng, 70) ? 1000 : 30;
		mc->real.lock_unlimited = c == 2;
		mc->real.resource = c & 1;
		mc->has_principal = c != 3 || rng_chance(&w->rng, 50);
		if (!mc->has_principal)
			continue;
		w->mm[c] = ioas_mm_create();
		w->principal[c] = ioas_principal_create(w->user[mc->user],
							w->mm[c], mc->limit);
		mc->real.principal = w->principal[c];
		if (!w->mm[c] || !w->principal[c])
			return false;
	}
	return true;
}

static void callers_fini(struct world *w)
{
	for (int c = 0; c < NR_CALLERS; c++) {
		ioas_principal_put(w->principal[c]);
		ioas_mm_put(w->mm[c]);
	}
	for (int u = 0; u < NR_USERS; u++)
		ioas_user_put(w->user[u]);
}

/* ---- an epoch ----------------------------------------------------------- */

/* A third of the operations is switched off, but not those that begin things. */
static void swarm(struct world *w)
{
	for (int i = 0; i < NR_OPS; i++)
		w->off[i] = rng_chance(&w->rng, 33);
	w->off[OP_SPACE_CREATE] = false;
	if (rng_chance(&w->rng, 80)) {
		w->off[OP_MAP_USER] = false;
		w->off[OP_DOMAIN_CREATE] = false;
		w->off[OP_ATTACH] = false;
		w->off[OP_CLIENT_CREATE] = false;
		w->off[OP_CLIENT_ATTACH] = false;
	}
	/* These say nothing without each other. */
	if (rng_chance(&w->rng, 60))
		for (int i = OP_DIRTY_SET; i <= OP_CUT; i++)
			w->off[i] = false;
	/* 32 pages are 2 MiB, the second size of most formats. */
	w->large = w->page_lg2 == 16 && rng_chance(&w->rng, 40);
	if (w->large) {
		w->off[OP_SMALL_PAGES] = rng_chance(&w->rng, 60);
		w->off[OP_HOLE] = true;
		w->off[OP_REMAP] = true;
		w->off[OP_PROTECT] = true;
	}
	/* An epoch for files alone, now and then, or no process ever changes. */
	if (rng_chance(&w->rng, 15)) {
		w->off[OP_MAP_USER] = true;
		w->off[OP_MAP_DEVICE] = true;
		w->off[OP_MAP_FILE] = false;
		w->off[OP_CHANGE_PROCESS] = false;
	}
}

/* One of the kinds in @mask. */
static const struct kind *random_kind(struct world *w, uint64_t mask)
{
	uint64_t n = rng_below(&w->rng, (uint64_t)__builtin_popcountll(mask));

	while (n--)
		mask &= mask - 1;
	return kind_get(ioas_ctz(mask));
}

/* Pages as small as the granule of a kind, or larger, up to 64 KiB. */
static uint8_t random_page(struct world *w)
{
	static const uint8_t lg2s[] = { 3, 12, 12, 11, 16 };
	static const uint8_t more[] = { 0, 0, 1, 2, 4, 4, 4 };
	const uint64_t soft = UINT64_C(1) << KIND_FLAT |
			      UINT64_C(1) << KIND_MOCK;
	const struct kind *k = random_kind(w, w->opts->kinds);

	if (!kind_is_hardware(k) ||
	    (w->opts->kinds & soft && rng_chance(&w->rng, 40)))
		return lg2s[rng_below(&w->rng, 5)];
	return (uint8_t)ioas_min(16, k->granule_lg2 +
					     more[rng_below(&w->rng, 7)]);
}

static const struct kind *narrowest_kind(const struct world *w)
{
	const struct kind *k = kind_get(KIND_FLAT);

	for (unsigned int i = 0; i < kinds_nr(); i++)
		if (w->usable >> i & 1 && kind_last(kind_get(i)) < kind_last(k))
			k = kind_get(i);
	return k;
}

static void choose_kinds(struct world *w)
{
	const uint64_t kinds = w->opts->kinds;
	const struct kind *k;

	for (unsigned int i = 0; i < kinds_nr(); i++)
		if (kinds >> i & 1 && kind_get(i)->granule_lg2 <= w->page_lg2)
			w->usable |= UINT64_C(1) << i;
	/* A mock needs room for its flags. */
	if (!w->usable)
		w->usable = UINT64_C(1) << KIND_FLAT;
	k = random_kind(w, w->usable);
	w->oa_last = rng_chance(&w->rng, 60) ? kind_oa_last(k) : UINT64_MAX;
	/* Most domains should have room for what is mapped. */
	k = rng_chance(&w->rng, 85) ? random_kind(w, w->usable) :
				      kind_get(KIND_FLAT);
	if (rng_chance(&w->rng, 60))
		k = narrowest_kind(w);
	w->window_size = 40 * w->page;
	w->window[1] = ioas_min(UINT64_C(1) << 32, kind_last(k) / 2 + 1);
	w->window[2] = kind_last(k) - w->window_size + 1;
}

static void choose_sizes(struct world *w)
{
	const struct options *o = w->opts;
	struct op tuning = { .kind = OP_TUNING };

	w->page_lg2 = o->page_size ? (uint8_t)ioas_log2(o->page_size) :
				     random_page(w);
	w->page = UINT64_C(1) << w->page_lg2;
	w->huge_lg2 = (uint8_t)(w->page_lg2 + (rng_chance(&w->rng, 50) ? 3 : 0));
	w->max_domains = o->domains ? o->domains :
				      1 + (uint32_t)rng_below(&w->rng, 4);
	choose_kinds(w);
	ioas_context_init(&w->ctx, w->page_lg2, w->huge_lg2);
	for (int i = 0; i < 4; i++)
		tuning.v[i] = rng_below(&w->rng, 5);
	tuning.flags = rng_chance(&w->rng, 20);
	op_tuning(w, &tuning);
}

bool world_init(struct world *w, const struct options *opts,
		struct stats *stats, uint64_t epoch)
{
	struct rng seed = { .state = opts->seed };
	struct ioas_sim_options so = { 0 };

	memset(w, 0, sizeof(*w));
	w->opts = opts;
	w->stats = stats;
	w->epoch = epoch;
	w->rng.state = rng_next(&seed) ^ (epoch * UINT64_C(0xd1342543de82ef95));
	for (int d = 0; d < NR_DOMAINS; d++)
		w->domain[d].space = -1;
	for (int c = 0; c < NR_CLIENTS; c++)
		w->client[c].space = -1;
	choose_sizes(w);
	swarm(w);
	so.page_lg2 = w->page_lg2;
	so.last_pfn = w->oa_last >> w->page_lg2;
	so.seed = rng_next(&w->rng);
	so.hooks = (struct ioas_sim_hooks){ .data = w,
					    .may_unpin = may_unpin,
					    .violation = violation };
	if (ioas_sim_create(&so, &w->sim) || !callers_init(w))
		return false;
	for (uint8_t i = 0; i < NR_ORIGINS; i++)
		if (!origin_create(w, i))
			return false;
	stats->epochs++;
	return true;
}

/* One operation of the end, on both sides like any other. */
static void end_op(struct world *w, uint8_t kind, int a, int b)
{
	const struct op op = { .kind = kind,
			       .a = (uint8_t)a,
			       .b = (uint8_t)b,
			       .fail_mode = w->epoch & 1 ? FAIL_NO_MEMORY :
							   FAIL_NTH,
			       .fail = 1 };

	if (!w->failed)
		execute(w, &op);
}

static void destroy_all(struct world *w)
{
	for (int p = 0; p < MAX_PINS; p++)
		end_op(w, OP_UNPIN, p, 0);
	for (int c = 0; c < NR_CLIENTS; c++)
		end_op(w, OP_CLIENT_DESTROY, c, 0);
	for (int d = 0; d < NR_DOMAINS; d++) {
		if (w->domain[d].real && w->domain[d].space >= 0)
			end_op(w, OP_DETACH, w->domain[d].space, d);
		end_op(w, OP_DOMAIN_DESTROY, d, 0);
	}
	for (int s = 0; s < NR_SPACES; s++)
		end_op(w, OP_SPACE_DESTROY, s, 0);
}

void world_fini(struct world *w)
{
	destroy_all(w);
	if (w->failed)
		return;
	ioas_context_fini(&w->ctx);
	for (int i = 0; i < NR_ORIGINS; i++)
		ioas_origin_put(w->origin[i].real);
	callers_fini(w);
	if (!ioas_sim_idle(w->sim))
		fail(w, "C9: pins are left");
	ioas_sim_destroy(w->sim);
	if (ledger_violations())
		fail(w, "F4: memory was released that was not alive, or as another size");
	if (ledger_live()) {
		ledger_print();
		fail(w, "F4: %llu allocations are left",
		     (unsigned long long)ledger_live());
	}
}
