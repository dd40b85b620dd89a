/* SPDX-License-Identifier: MIT */
/*
 * origin: what processes, files and devices of the simulator have in common
 *
 *   pin:    hook - fault point - lock - the kind answers - unlock - report
 *   unpin:  hook - lock - ledger - unlock - report
 *
 * A pin call ends early for one of four reasons: the mode made it short, the
 * budget ran out, the caller has no room for another run, or the kind met
 * something that it cannot pin. Only the last is an error, if nothing was
 * pinned before; a spent budget is -EFAULT then.
 *
 * Locks: sim->lock, never while a hook runs.
 */
#include "base/bits.h"
#include "base/mem.h"
#include "base/run.h"
#include "origin/sim/internal.h"

void ioas_sim_report(struct ioas_sim *sim, const struct ioas_sim_breach *b)
{
	bool broken = b->what;

	if (!broken)
		return;
	sim_lock(sim);
	sim->stats.violations++;
	sim_unlock(sim);
	if (sim->hooks.violation) {
		sim->hooks.violation(sim->hooks.data, b->what, b->pfn);
		return;
	}
	ioas_plat_log(3, b->what);
	IOAS_CHECK(broken);
}

/* ---- answers ------------------------------------------------------------ */

uint64_t ioas_sim_answer_page(const struct ioas_sim_answer *a)
{
	return a->rq->first + a->rq->nr_pinned;
}

uint64_t ioas_sim_answer_room(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			      uint64_t nr)
{
	uint64_t left = a->limit - a->rq->nr_pinned;

	sim_held(a->sim);
	if (!left || !ioas_runs_room(a->rq->runs, a->rq->nr_runs,
				     a->rq->max_runs, pfn))
		return 0;
	if (!a->sim->budget) {
		a->sim->budget = UINT64_MAX;
		return 0;
	}
	return ioas_min(ioas_min(nr, left), a->sim->budget);
}

void ioas_sim_answer_run(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			 uint64_t nr)
{
	struct ioas_pin_request *rq = a->rq;

	sim_held(a->sim);
	ioas_runs_append(rq->runs, &rq->nr_runs, rq->max_runs, pfn, nr);
	rq->nr_pinned += nr;
	if (a->sim->budget != UINT64_MAX)
		a->sim->budget -= nr;
}

void ioas_sim_answer_pin(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			 uint64_t nr)
{
	sim_held(a->so->sim);
	ioas_sim_ledger_pin(a->so, pfn, nr, a->rq->write);
	ioas_sim_answer_run(a, pfn, nr);
}

static uint64_t answer_limit(struct ioas_sim *sim, uint64_t nr)
{
	sim_held(sim);
	switch (sim->mode) {
	case IOAS_SIM_PIN_ONE:
		return 1;
	case IOAS_SIM_PIN_RANDOM:
		return 1 + ioas_sim_below(sim, nr);
	case IOAS_SIM_PIN_ALL:
	default:
		return nr;
	}
}

static int answer_fill(struct ioas_sim_answer *a)
{
	struct ioas_sim *sim = a->sim;
	int err;

	sim_lock(sim);
	sim->stats.pin_calls++;
	a->limit = answer_limit(sim, a->rq->nr);
	err = a->so->kind->pin(a);
	sim->stats.pin_runs += a->rq->nr_runs;
	sim->stats.pin_pages += a->rq->nr_pinned;
	sim_unlock(sim);
	if (a->rq->nr_pinned)
		return 0;
	return err ? err : -EFAULT;
}

int ioas_sim_op_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	struct ioas_sim_origin *so = sim_origin(o);
	struct ioas_sim_answer a = { .sim = so->sim, .so = so, .rq = rq };
	const struct ioas_sim_hooks *hooks = &so->sim->hooks;
	int ret;

	rq->nr_runs = 0;
	rq->nr_pinned = 0;
	if (IOAS_CHECK(!rq->nr || !rq->max_runs))
		return -EINVAL;
	if (hooks->before_pin)
		hooks->before_pin(hooks->data, o, rq->first, rq->nr);
	if (ioas_fault_point(IOAS_FP_PIN))
		return -EFAULT;
	ret = answer_fill(&a);
	ioas_sim_report(so->sim, &a.breach);
	return ret;
}

/* ---- the other common ops ----------------------------------------------- */

void ioas_sim_op_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty)
{
	struct ioas_sim_origin *so = sim_origin(o);
	struct ioas_sim *sim = so->sim;
	const struct ioas_sim_hooks *hooks = &sim->hooks;
	struct ioas_sim_breach b = { NULL, 0 };

	if (hooks->may_unpin && !hooks->may_unpin(hooks->data, pfn, nr, dirty))
		breach_note(&b, "INV-C5: unpin of what is still mapped", pfn);
	sim_lock(so->sim);
	sim->stats.unpin_calls++;
	sim->stats.unpin_pages += nr;
	sim->stats.dirty_pages += dirty ? nr : 0;
	ioas_sim_ledger_unpin(so, pfn, nr, dirty, &b);
	sim_unlock(so->sim);
	ioas_sim_report(sim, &b);
}

/* A pinned frame, or one of a window, which has no pins of its own. */
static bool frame_usable(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_window *w;
	struct ioas_sim_frame *f;

	sim_held(sim);
	w = ioas_sim_window(sim, pfn);
	f = ioas_sim_frame(sim, pfn);
	if (w)
		return w->device || w->write || w->read;
	return f && (f->write || f->read);
}

void *ioas_sim_pointer(struct ioas_sim *sim, ioas_pfn_t pfn)
{
	struct ioas_sim_breach b = { NULL, 0 };
	void *p = NULL;

	sim_lock(sim);
	if (frame_usable(sim, pfn))
		p = ioas_sim_frame_data(sim, pfn);
	else
		breach_note(&b, "pointer to a frame that is not pinned", pfn);
	sim_unlock(sim);
	ioas_sim_report(sim, &b);
	return p;
}

void *ioas_sim_op_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	return ioas_sim_pointer(sim_origin(o)->sim, pfn);
}

int ioas_sim_transfer(struct ioas_sim_origin *so, uint64_t offset,
		      void *buffer, uint64_t length, bool towards,
		      unsigned int flags)
{
	struct ioas_sim *sim = so->sim;
	uint64_t mask = page_bytes(sim) - 1;
	char *b = buffer;

	sim_held(sim);
	for (uint64_t done = 0, n; done < length; done += n) {
		uint64_t at = offset + done;
		ioas_pfn_t pfn;
		char *p;
		int ret = so->kind->at(so, at >> sim->page_lg2, flags, &pfn);

		if (ret)
			return ret;
		p = ioas_sim_frame_data(sim, pfn);
		if (!p)
			return -ENOMEM;
		n = ioas_min(length - done, mask + 1 - (at & mask));
		if (towards) {
			memcpy(p + (at & mask), b + done, (size_t)n);
			if (flags & IOAS_SIM_AT_WRITE)
				ioas_sim_frame_soil(sim, pfn);
		} else {
			memcpy(b + done, p + (at & mask), (size_t)n);
		}
	}
	return 0;
}

/* ---- life --------------------------------------------------------------- */

void ioas_sim_origin_init(struct ioas_sim_origin *so, struct ioas_sim *sim,
			  const struct ioas_origin_ops *ops,
			  const struct ioas_sim_kind *kind)
{
	ioas_origin_init(&so->o, ops, sim->page_lg2, 0);
	so->sim = sim;
	so->kind = kind;
	sim_lock(sim);
	ioas_list_add_tail(&sim->origins, &so->link);
	sim_unlock(sim);
}

void ioas_sim_origin_fini(struct ioas_sim_origin *so)
{
	struct ioas_sim_breach b = { NULL, 0 };

	sim_lock(so->sim);
	ioas_list_del(&so->link);
	if (so->pins)
		breach_note(&b, "origin goes with pins", so->pins);
	if (so->guards)
		breach_note(&b, "origin goes with guards", so->guards);
	if (so->watchers)
		breach_note(&b, "origin goes with watchers", so->watchers);
	sim_unlock(so->sim);
	ioas_sim_report(so->sim, &b);
}
