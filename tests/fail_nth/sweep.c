/* SPDX-License-Identifier: MIT */
/*
 * sweep: injecting, comparing, counting; see sweep.h
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"
#include "prng.h"
#include "sweep.h"

/* A run without faults: what each row answers, and the state after it. */
struct clean {
	struct outcome outcomes[SWEEP_OPS];
	char *texts[SWEEP_OPS + 1]; /* 0: before the first row */
	uint64_t points;
};

/* What is running, for whoever finds it stopped. */
static struct {
	const struct script *script;
	size_t row;
	uint64_t nth;
	enum ioas_fault_point failed;
	bool again;
	bool pairs;
	uint64_t seed;
} now;

static void say_where(void)
{
	if (!now.script)
		return;
	fprintf(stderr,
		"# in %s (seed %" PRIu64 ") row %zu, point %" PRIu64
		" (%s)%s\n",
		now.script->name, now.seed, now.row, now.nth,
		ledger_point_name(now.failed), now.again ? ", again" : "");
	for (size_t i = 0; i <= now.row && i < now.script->nr; i++)
		op_print(now.script->ops + i);
	now.script = NULL;
}

static void on_abort(int signum)
{
	say_where();
	signal(signum, SIG_DFL);
}

int sweep_teardown(void **state)
{
	(void)state;
	say_where();
	return 0;
}

void sweep_at(uint64_t seed)
{
	now.seed = seed;
}

static void begin(struct world *w, const struct script *s,
		  const struct world_limits *limits, uint64_t nth)
{
	assert_true(s->nr <= SWEEP_OPS);
	signal(SIGABRT, on_abort);
	world_init(w, limits);
	w->fault.nth = nth;
	now.script = s;
	now.nth = nth;
	now.failed = IOAS_NR_FAULT_POINTS;
	now.again = false;
	now.pairs = false;
}

/* ---- the clean run ------------------------------------------------------ */

static void clean_run(struct clean *c, struct sweep *sweep,
		      const struct script *s, const struct world_limits *limits)
{
	struct world w;

	begin(&w, s, limits, 0);
	c->texts[0] = world_snapshot(&w);
	for (size_t i = now.row = 0; i < s->nr; now.row = ++i) {
		const uint64_t before = ledger_points(&w.fault);

		script_step(&w, s->ops + i, &c->outcomes[i]);
		script_expect(s, i, c->outcomes[i]);
		c->texts[i + 1] = world_snapshot(&w);
		if (op_is_release(s->ops + i) &&
		    ledger_points(&w.fault) != before)
			fail_msg("%s has fault points (INV-F2)",
				 op_name(s->ops + i));
	}
	world_check(&w, s->name);
	c->points = ledger_points(&w.fault);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++)
		sweep->reached[p] += w.fault.reached[p];
	world_fini(&w);
	sweep->runs++;
}

static void clean_free(struct clean *c, const struct script *s)
{
	for (size_t i = 0; i <= s->nr; i++)
		free(c->texts[i]);
}

/* ---- one failure -------------------------------------------------------- */

static void check_state(struct world *w, const char *want, const char *what)
{
	char *got = world_snapshot(w);
	const bool equal = world_equal(want, got);

	free(got);
	if (!equal)
		fail_msg("the state is not that %s", what);
}

/*
 * A read of dirty bits may have cleared some before it failed (ioas-core 15),
 * so only its error can be asked for when it runs again.
 */
static bool same_outcome(const struct op *op, struct outcome a,
			 struct outcome b)
{
	return a.ret == b.ret && (a.out == b.out || op->kind == OP_DIRTY_READ);
}

static void check_outcome(const struct op *op, struct outcome got,
			  struct outcome want)
{
	if (!same_outcome(op, got, want))
		fail_msg("%s: %d and %" PRIx64 ", not %d and %" PRIx64
			 " as in the clean run",
			 op_name(op), got.ret, got.out, want.ret, want.out);
}

/*
 * The point failed inside of row @i, which answered @got. True if the row could
 * do without: it did what it does in the clean run.
 */
static bool check_failure(struct world *w, struct sweep *sweep,
			  const struct clean *c, const struct op *op, size_t i,
			  struct outcome got)
{
	const enum ioas_fault_point p = w->fault.failed;
	const bool went_on = ledger_points(&w->fault) != now.nth;

	now.failed = p;
	sweep->failed[p]++;
	/* The second size of a batch comes up only where the first failed. */
	if (now.pairs) {
		sweep->reached[IOAS_FP_BATCH_SMALL] +=
			w->fault.reached[IOAS_FP_BATCH_SMALL];
		sweep->failed[IOAS_FP_BATCH_SMALL] +=
			w->fault.reached[IOAS_FP_BATCH_SMALL];
	}
	if (same_outcome(op, got, c->outcomes[i]) &&
	    (got.ret >= 0 || went_on)) {
		sweep->spared[p]++;
		check_state(w, c->texts[i + 1], "of the clean run");
		return true;
	}
	if (got.ret >= 0)
		fail_msg("%s did not report the failure", op_name(op));
	if (went_on && !now.pairs)
		fail_msg("%s: fault points on the way back (INV-F2)",
			 op_name(op));
	check_state(w, c->texts[i], "before the failure");
	world_check(w, "after the failure");
	now.again = true;
	script_step(w, op, &got);
	check_outcome(op, got, c->outcomes[i]);
	check_state(w, c->texts[i + 1], "of the clean run");
	return false;
}

/*
 * The n-th point fails; in @pairs every one after it as well, until the
 * operation is over: what can do without the first must bear the second. True
 * if the operation could do without.
 */
static bool failing_run(struct sweep *sweep, const struct clean *c,
			const struct script *s,
			const struct world_limits *limits, uint64_t nth,
			bool pairs)
{
	bool failed = false, spared = false;
	struct world w;

	begin(&w, s, limits, nth);
	now.pairs = pairs;
	ledger_fail_after(pairs ? &w.fault : NULL);
	for (size_t i = now.row = 0; i < s->nr; now.row = ++i) {
		struct outcome got;

		/* Calls are counted whether they failed or not. */
		if (failed && (s->ops[i].kind == OP_MAPS ||
			       s->ops[i].kind == OP_CALLS))
			continue;
		script_step(&w, s->ops + i, &got);
		if (!failed && w.fault.failed != IOAS_NR_FAULT_POINTS) {
			failed = true;
			ledger_fail_after(NULL);
			spared = check_failure(&w, sweep, c, s->ops + i, i,
					       got);
		} else if (op_is_request(s->ops + i)) {
			check_outcome(s->ops + i, got, c->outcomes[i]);
		}
	}
	if (!failed)
		fail_msg("point %" PRIu64 " was not reached again", nth);
	check_state(&w, c->texts[s->nr], "at the end of the clean run");
	world_fini(&w);
	sweep->runs++;
	return spared;
}

void sweep_script(struct sweep *sweep, const struct script *s,
		  const struct world_limits *limits)
{
	static struct clean c;

	clean_run(&c, sweep, s, limits);
	for (uint64_t n = 1; n <= c.points; n++)
		if (failing_run(sweep, &c, s, limits, n, false))
			failing_run(sweep, &c, s, limits, n, true);
	clean_free(&c, s);
	now.script = NULL;
}

/* ---- abuse -------------------------------------------------------------- */

/* What may fail half way, and says so (INV-F1). */
static bool may_be_partial(const struct op *op)
{
	return op->kind == OP_UNMAP || op->kind == OP_UNMAP_ALL;
}

static void abuse_row(struct world *w, const struct op *op)
{
	char *before = world_snapshot(w);
	struct outcome got;

	script_step(w, op, &got);
	if (got.ret < 0 && !may_be_partial(op))
		check_state(w, before, "before the failure");
	if (op_is_release(op) && got.ret == -ENOMEM)
		fail_msg("%s failed for lack of memory (INV-F2)", op_name(op));
	free(before);
}

/* Release things one by one, in an order that the seed gives. */
static void random_teardown(struct world *w, uint64_t seed)
{
	struct prng r = { seed };

	for (unsigned int i = 0; i < 24; i++) {
		const uint8_t a = (uint8_t)prng_below(&r, WORLD_SPACES);
		const struct op ops[] = {
			{ UNPIN_NTH(a, prng_below(&r, 8)) },
			{ DETACH(a) },
			{ UNMAP_ALL(a, 0) },
			{ LEAVE(a) },
		};
		const struct op *op = ops + prng_below(&r, 4);
		const bool client = op->kind == OP_UNPIN_NTH ||
				    op->kind == OP_LEAVE;

		if (client ? !w->clients[a].access :
			     op->kind == OP_UNMAP_ALL && !w->spaces[a])
			continue;
		/* Leaving is a promise to let go, which this one breaks. */
		if (op->kind == OP_LEAVE &&
		    w->clients[a].flags & IOAS_ACCESS_INTERNAL)
			continue;
		abuse_row(w, op);
		world_check(w, op_name(op));
	}
}

static void abuse_begin(struct world *w, const struct sweep_abuse *abuse)
{
	ledger_fail_point(abuse->point, 0);
	w->fault.chance = abuse->chance;
	w->fault.seed = abuse->seed;
	for (unsigned int i = 0; abuse->no_charge && i < WORLD_PRINCIPALS; i++)
		atomic_store(&w->principals[i]->limit, 0);
}

void sweep_abuse(const struct script *s, const struct world_limits *limits,
		 const struct sweep_abuse *abuse)
{
	struct world w;

	begin(&w, s, limits, 0);
	for (size_t i = now.row = 0; i < s->nr && i < abuse->off_from;
	     now.row = ++i) {
		if (i == abuse->from)
			abuse_begin(&w, abuse);
		abuse_row(&w, s->ops + i);
	}
	world_check(&w, "after the abuse");
	if (abuse->off_from < s->nr) {
		w.fault.sticky = true;
		ledger_refuse(true);
		random_teardown(&w, abuse->seed);
	}
	world_fini(&w);
	now.script = NULL;
}

/* ---- report ------------------------------------------------------------- */

/* Objects, descriptors and devices are the front end's. */
static bool is_the_cores(unsigned int point)
{
	return point < IOAS_FP_REGIONS;
}

void sweep_print(const struct sweep *sweep)
{
	print_message("# %" PRIu64 " runs; reached, failed, done without:\n",
		      sweep->runs);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++)
		print_message("# %-12s %9" PRIu64 " %9" PRIu64 " %9" PRIu64
			      "%s\n",
			      ledger_point_name(p), sweep->reached[p],
			      sweep->failed[p], sweep->spared[p],
			      is_the_cores(p) ? "" : "  (not the core's)");
}

void sweep_report(const struct sweep *sweep)
{
	sweep_print(sweep);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++)
		if (is_the_cores(p) && !sweep->failed[p])
			fail_msg("%s never failed", ledger_point_name(p));
}
