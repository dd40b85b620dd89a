/* SPDX-License-Identifier: MIT */
/*
 * exec: one operation on both sides
 *
 *   attempt:   fault armed --> call --> failed because of it?
 *                                        yes: nothing has changed; call again
 *                                        no:  that is the answer
 *
 * Calls that must not fail for want of anything run with every fault point
 * failing, or with an allocator that refuses everything, and are not repeated.
 */
#include "universe.h"

#include <stdio.h>
#include <string.h>

#include "base/errno.h"
#include "ledger.h"
#include "plat/common/fault_arm.h"

static int call_as(struct world *w, const struct op *op, call_fn *call,
		   void *arg)
{
	struct ioas_caller *old =
		ioas_caller_enter(&w->caller[op->caller].real);
	const int ret = call(w, op, arg);

	ioas_caller_leave(old);
	return ret;
}

static int call_faulty(struct world *w, const struct op *op, call_fn *call,
		       void *arg, struct ioas_fault *f)
{
	struct ioas_caller *c = &w->caller[op->caller].real;
	int ret;

	ioas_fault_arm(f);
	c->fault = f;
	ret = call_as(w, op, call, arg);
	c->fault = NULL;
	ioas_fault_disarm();
	for (unsigned int i = 0; i < IOAS_NR_FAULT_POINTS; i++)
		w->stats->points[i] += f->reached[i];
	return ret;
}

int attempt(struct world *w, const struct op *op, call_fn *call, void *arg)
{
	struct ioas_fault f = { .nth = op->fail,
				.failed = IOAS_NR_FAULT_POINTS };
	int ret;

	if (op->fail_mode == FAIL_NTH) {
		ret = call_faulty(w, op, call, arg, &f);
		if (f.failed == IOAS_NR_FAULT_POINTS)
			return ret;
	} else if (op->fail_mode == FAIL_BUDGET) {
		ioas_sim_set_pin_budget(w->sim, op->fail);
		ret = call_as(w, op, call, arg);
		ioas_sim_set_pin_budget(w->sim, UINT64_MAX);
	} else {
		return call_as(w, op, call, arg);
	}
	if (ret >= 0) {
		w->stats->absorbed[op->kind] += op->fail_mode == FAIL_NTH;
		return ret;
	}
	w->stats->injected[op->kind]++;
	compare_all(w);
	if (w->failed)
		return ret;
	return call_as(w, op, call, arg);
}

int attempt_teardown(struct world *w, const struct op *op, call_fn *call,
		     void *arg)
{
	struct ioas_fault f = { .sticky = true };
	int ret;

	if (op->fail_mode == FAIL_NTH) {
		ret = call_faulty(w, op, call, arg, &f);
		w->stats->absorbed[op->kind] +=
			f.failed != IOAS_NR_FAULT_POINTS;
		return ret;
	}
	if (op->fail_mode != FAIL_NO_MEMORY)
		return call_as(w, op, call, arg);
	ledger_refuse(true);
	ret = call_as(w, op, call, arg);
	w->stats->absorbed[op->kind] += ledger_refused() != 0;
	ledger_refuse(false);
	return ret;
}

bool expect(struct world *w, const struct op *op, int want, int got)
{
	if (w->failed)
		return false;
	if (got != want && !(w->alt[0] && got == w->alt[0]) &&
	    !(w->alt[1] && got == w->alt[1])) {
		fail(w, "returned %s; the model says %s or %s or %s",
		     errno_name(got), errno_name(want),
		     errno_name(w->alt[0] ? w->alt[0] : want),
		     errno_name(w->alt[1] ? w->alt[1] : want));
		return false;
	}
	if (!got)
		w->stats->ok[op->kind]++;
	else
		w->stats->refused[op->kind][-got < MAX_ERRNO ? -got : 0]++;
	return true;
}

void count_transition(struct world *w, unsigned int t)
{
	w->stats->transition[t]++;
}

static op_fn *const handlers[NR_OPS] = {
	[OP_SPACE_CREATE] = op_space_create,
	[OP_SPACE_DESTROY] = op_space_destroy,
	[OP_MAP_USER] = op_map,
	[OP_MAP_FILE] = op_map,
	[OP_MAP_DEVICE] = op_map,
	[OP_COPY] = op_copy,
	[OP_UNMAP] = op_unmap,
	[OP_UNMAP_ALL] = op_unmap_all,
	[OP_DOMAIN_CREATE] = op_domain_create,
	[OP_DOMAIN_DESTROY] = op_domain_destroy,
	[OP_ATTACH] = op_attach,
	[OP_DETACH] = op_detach,
	[OP_RESERVE] = op_reserve,
	[OP_UNRESERVE] = op_unreserve,
	[OP_ALLOW] = op_allow,
	[OP_RANGES] = op_ranges,
	[OP_SPLIT] = op_split,
	[OP_SMALL_PAGES] = op_small_pages,
	[OP_CLIENT_CREATE] = op_client_create,
	[OP_CLIENT_DESTROY] = op_client_destroy,
	[OP_CLIENT_ATTACH] = op_client_attach,
	[OP_CLIENT_DETACH] = op_client_detach,
	[OP_CLIENT_REPLACE] = op_client_replace,
	[OP_CLIENT_PATIENCE] = op_client_patience,
	[OP_PIN] = op_pin,
	[OP_UNPIN] = op_unpin,
	[OP_RW] = op_rw,
	[OP_DIRTY_SET] = op_dirty_set,
	[OP_DIRTY_MARK] = op_dirty_mark,
	[OP_DIRTY_READ] = op_dirty_read,
	[OP_CUT] = op_cut,
	[OP_REMAP] = op_remap,
	[OP_HOLE] = op_hole,
	[OP_FILL_HOLE] = op_fill_hole,
	[OP_PROTECT] = op_protect,
	[OP_DIE] = op_die,
	[OP_ORIGIN_CREATE] = op_origin_create,
	[OP_LIMIT] = op_limit,
	[OP_CHANGE_PROCESS] = op_change_process,
	[OP_POLICY] = op_policy,
	[OP_REVOKE] = op_revoke,
	[OP_TUNING] = op_tuning,
	[OP_PIN_MODE] = op_pin_mode,
};

/* Operations that hold pages, and no more than they need. */
static bool pins_exactly(uint8_t kind)
{
	return kind == OP_MAP_USER || kind == OP_MAP_FILE || kind == OP_COPY ||
	       kind == OP_ATTACH || kind == OP_PIN;
}

/* Device memory answers a pin call, and nothing is pinned. */
static bool has_device(const struct world *w)
{
	for (int g = 0; g < MAX_OBJECTS; g++)
		if (w->object[g].used && is_device(w, w->object + g))
			return true;
	return false;
}

/*
 * C6: a page that is held is not pinned again, nor one that is not wanted.
 * C8: what is released of a writable object is reported dirty.
 */
static void check_pinned_pages(struct world *w, const struct op *op, int ret)
{
	struct ioas_sim_stats st;

	ioas_sim_get_stats(w->sim, &st);
	if (st.dirty_pages < w->released_writable)
		fail(w, "C8: %llu pages were unpinned dirty, %llu of writable "
			"objects are no longer held",
		     (unsigned long long)st.dirty_pages,
		     (unsigned long long)w->released_writable);
	if (ret || op->fail_mode || !pins_exactly(op->kind) || has_device(w))
		return;
	if (st.pin_pages != w->newly_held)
		fail(w, "C6: %llu pages were pinned, %llu became held",
		     (unsigned long long)st.pin_pages,
		     (unsigned long long)w->newly_held);
}

bool execute(struct world *w, const struct op *op)
{
	int ret;

	w->alt[0] = w->alt[1] = 0;
	ioas_sim_reset_stats(w->sim);
	ret = handlers[op->kind](w, op);
	if (ret == SKIP) {
		w->stats->skipped[op->kind]++;
		return false;
	}
	w->stats->ops++;
	if (w->failed)
		return true;
	refresh(w);
	check_pinned_pages(w, op, ret);
	if (!w->failed)
		compare_all(w);
	return true;
}
