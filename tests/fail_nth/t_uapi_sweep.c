/* SPDX-License-Identifier: MIT */
/*
 * uapi sweep: injecting, comparing, counting; see uapi_sweep.h
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "ledger.h"
#include "plat/common/fault_arm.h"
#include "uapi_sweep.h"

/* What programs bound their sweeps at (B.2). */
#define MAX_POINTS 1000

/* What is running, for whoever finds it stopped; and what was counted. */
static struct {
	const struct uapi_case *c;
	const char *how;
	uint64_t nth;
	enum ioas_fault_point failed;
	uint64_t runs, cases, most;
	uint64_t reached[IOAS_NR_FAULT_POINTS];
	uint64_t failures[IOAS_NR_FAULT_POINTS];
	uint64_t spared[IOAS_NR_FAULT_POINTS];
} now;

static void say_where(void)
{
	if (now.c)
		fprintf(stderr, "# in %s, %s, point %" PRIu64 " (%s)\n",
			now.c->name, now.how, now.nth,
			ledger_point_name(now.failed));
	now.c = NULL;
}

static void on_abort(int signum)
{
	say_where();
	signal(signum, SIG_DFL);
}

static int teardown(void **state)
{
	(void)state;
	say_where();
	ledger_refuse(false);
	return 0;
}

/* ---- one run ------------------------------------------------------------ */

static void begin(struct uw *w, const struct uapi_case *c, const char *how,
		  uint64_t nth)
{
	now.c = c;
	now.how = how;
	now.nth = nth;
	now.failed = IOAS_NR_FAULT_POINTS;
	now.runs++;
	uw_init(w);
	c->setup(w);
}

/* The call, with @f for the task that makes it. */
static int64_t call_armed(struct uw *w, const struct uapi_case *c,
			  struct ioas_fault *f)
{
	struct ioas_caller *caller = &simhost_task(w->h)->caller;
	int64_t ret;

	ioas_fault_arm(f);
	caller->fault = f;
	ret = c->call(w);
	caller->fault = NULL;
	ioas_fault_disarm();
	now.failed = f->failed;
	return ret;
}

static void check_digest(struct uw *w, const char *want, const char *when)
{
	char *got = uapi_digest(w);

	if (strcmp(want, got)) {
		fprintf(stderr, "# wanted:\n%s# is:\n%s", want, got);
		fail_msg("the state is not that %s", when);
	}
	free(got);
}

static void check_result(int64_t want, int64_t got, const char *when)
{
	if (want != got)
		fail_msg("returned %" PRId64 " %s, not %" PRId64, got, when,
			 want);
}

/* ---- the clean run ------------------------------------------------------ */

struct clean {
	int64_t ret;
	uint64_t points;
	char *before, *after;
};

static void clean_once(struct clean *k, const struct uapi_case *c)
{
	struct ioas_fault f = { .failed = IOAS_NR_FAULT_POINTS };
	struct uw w;

	begin(&w, c, "clean", 0);
	k->before = uapi_digest(&w);
	k->ret = call_armed(&w, c, &f);
	if (k->ret < 0)
		fail_msg("fails with %" PRId64 " without a fault", k->ret);
	k->points = ledger_points(&f);
	k->after = uapi_digest(&w);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++)
		now.reached[p] += f.reached[p];
	uw_fini(&w);
}

static void clean_free(struct clean *k)
{
	free(k->before);
	free(k->after);
}

/* Twice: the same calls from the same state reach the same points (B.2). */
static void clean_run(struct clean *k, const struct uapi_case *c)
{
	struct clean again;

	clean_once(k, c);
	clean_once(&again, c);
	if (again.points != k->points)
		fail_msg("%" PRIu64 " points, and then %" PRIu64, k->points,
			 again.points);
	check_result(k->ret, again.ret, "the second time");
	if (strcmp(k->before, again.before) || strcmp(k->after, again.after))
		fail_msg("two clean runs differ");
	clean_free(&again);
	if (k->points >= MAX_POINTS)
		fail_msg("%" PRIu64 " points are too many", k->points);
	now.cases++;
	now.most = ioas_max(now.most, k->points);
}

/* ---- one failure -------------------------------------------------------- */

/* What failing at a point may be called (B.1). */
static bool is_errno_of(enum ioas_fault_point p, int64_t ret)
{
	switch (p) {
	case IOAS_FP_COPY:
		return ret == -EFAULT;
	case IOAS_FP_OBJECT:
		/* EINVAL: what a page table is made on (U 6.10 step 4). */
		return ret == -ENOENT || ret == -EINVAL;
	case IOAS_FP_PIN:
	case IOAS_FP_ALIVE:
		return ret == -EFAULT || ret == -ENOMEM;
	case IOAS_FP_REGIONS:
	case IOAS_FP_STORE:
		return ret == -EINVAL || ret == -ENOMEM;
	case IOAS_FP_FD:
		return ret == -EMFILE || ret == -ENOMEM;
	case IOAS_FP_ID:
		return ret == -ENOMEM || ret == -EBUSY;
	default:
		return ret == -ENOMEM;
	}
}

/*
 * What can do without: a batch has smaller ones and the stack, a window is
 * read ahead, a pin of fewer folios is followed by another one.
 */
static bool may_spare(const struct uapi_case *c, enum ioas_fault_point p)
{
	return c->flags & UC_LOSSY || p == IOAS_FP_BATCH_LARGE ||
	       p == IOAS_FP_BATCH_SMALL || p == IOAS_FP_WINDOW ||
	       p == IOAS_FP_FOLIO;
}

static void check_spared(struct uw *w, const struct uapi_case *c,
			 const struct clean *k, int64_t ret)
{
	if (!may_spare(c, now.failed))
		fail_msg("returned %" PRId64 " though a point failed", ret);
	now.spared[now.failed]++;
	if (!(c->flags & UC_LOSSY)) {
		check_result(k->ret, ret, "without what failed");
		check_digest(w, k->after, "of the clean run");
	}
}

/* Only the answer could not be written. */
static bool is_answer(const struct clean *k, uint64_t points)
{
	return now.failed == IOAS_FP_COPY && points == k->points;
}

/* The same, and the effect is there. */
static bool effect_stays(struct uw *w, const struct uapi_case *c,
			 const struct clean *k, int64_t ret, uint64_t points)
{
	char *got;
	bool same;

	if (!(c->flags & UC_KEEPS) || ret != -EFAULT || !is_answer(k, points))
		return false;
	got = uapi_digest(w);
	same = !strcmp(got, k->after);
	free(got);
	return same;
}

static void check_failure(struct uw *w, const struct uapi_case *c,
			  const struct clean *k, int64_t ret, uint64_t points,
			  uint64_t nth)
{
	now.failures[now.failed]++;
	/* Of pairs, any later point may have been the one that it died of. */
	if (now.how[0] == 'f' && !is_errno_of(now.failed, ret))
		fail_msg("returned %" PRId64, ret);
	/* What was done in part is told, which is a copy. */
	if (points != nth && now.how[0] == 'f' && !(c->flags & UC_PARTIAL))
		fail_msg("%" PRIu64 " points on the way back", points - nth);
	if (effect_stays(w, c, k, ret, points))
		return;
	if (!(c->flags & UC_PARTIAL) &&
	    !(c->flags & UC_FORGETS && is_answer(k, points)))
		check_digest(w, k->before, "before the failure");
	check_result(k->ret, c->call(w), "after the failure");
	check_digest(w, k->after, "of the clean run");
}

/*
 * The n-th point fails; in @pairs every one after it as well: what can do
 * without the first must bear the second. True if it did without.
 */
static bool failing_run(const struct uapi_case *c, const struct clean *k,
			uint64_t nth, bool pairs)
{
	struct ioas_fault f = { .nth = nth, .failed = IOAS_NR_FAULT_POINTS };
	struct uw w;
	int64_t ret;
	bool spared;

	begin(&w, c, pairs ? "pairs" : "failing", nth);
	ledger_fail_after(pairs ? &f : NULL);
	ret = call_armed(&w, c, &f);
	ledger_fail_after(NULL);
	if (now.failed == IOAS_NR_FAULT_POINTS)
		fail_msg("was not reached again");
	/* The second size of a batch comes up where the first failed. */
	if (pairs)
		now.failures[IOAS_FP_BATCH_SMALL] +=
			f.reached[IOAS_FP_BATCH_SMALL];
	spared = ret >= 0;
	if (spared)
		check_spared(&w, c, k, ret);
	else
		check_failure(&w, c, k, ret, ledger_points(&f), nth);
	uw_fini(&w);
	return spared;
}

/* One more than there are: nothing fails (B.2). */
static void run_beyond(const struct uapi_case *c, const struct clean *k)
{
	struct ioas_fault f = { .nth = k->points + 1,
				.failed = IOAS_NR_FAULT_POINTS };
	struct uw w;

	begin(&w, c, "beyond", k->points + 1);
	check_result(k->ret, call_armed(&w, c, &f), "with no fault");
	assert_int_equal(now.failed, IOAS_NR_FAULT_POINTS);
	assert_int_equal(f.nth, 1);
	uw_fini(&w);
}

/* ---- releases ----------------------------------------------------------- */

static void release_sticky(const struct uapi_case *c, const struct clean *k)
{
	struct ioas_fault f = { .sticky = true };
	struct uw w;

	begin(&w, c, "every point fails", 0);
	check_result(k->ret, call_armed(&w, c, &f), "with every point failing");
	check_digest(&w, k->after, "of the clean run");
	uw_fini(&w);
}

static void release_poor(const struct uapi_case *c, const struct clean *k)
{
	struct uw w;
	int64_t ret;

	begin(&w, c, "no memory", 0);
	ledger_refuse(true);
	ret = c->call(&w);
	ledger_refuse(false);
	check_result(k->ret, ret, "without memory");
	check_digest(&w, k->after, "of the clean run");
	uw_fini(&w);
}

/* ---- tables of cases ---------------------------------------------------- */

static void sweep(const struct uapi_case *c)
{
	struct clean k;

	signal(SIGABRT, on_abort);
	clean_run(&k, c);
	if (getenv("SWEEP_VERBOSE"))
		fprintf(stderr, "# %-40s %4" PRIu64 " points\n", c->name,
			k.points);
	if (c->flags & UC_RELEASE) {
		if (k.points)
			fail_msg("a release has %" PRIu64 " fault points",
				 k.points);
		release_sticky(c, &k);
		release_poor(c, &k);
	} else {
		if (!k.points && !(c->flags & UC_NO_POINTS))
			fail_msg("has no fault point");
		for (uint64_t n = 1; n <= k.points; n++)
			if (failing_run(c, &k, n, false))
				failing_run(c, &k, n, true);
		run_beyond(c, &k);
	}
	clean_free(&k);
	now.c = NULL;
}

static void sweep_all(const struct uapi_case *c)
{
	for (; c->name; c++)
		sweep(c);
}

static void requests_about_spaces(void **state)
{
	(void)state;
	sweep_all(uapi_space_cases);
}

static void requests_about_page_tables(void **state)
{
	(void)state;
	sweep_all(uapi_table_cases);
}

static void devices_attach_and_move(void **state)
{
	(void)state;
	sweep_all(uapi_device_cases);
}

static void virtual_iommus_and_queues(void **state)
{
	(void)state;
	sweep_all(uapi_queue_cases);
}

static void accesses_pin_and_copy(void **state)
{
	(void)state;
	sweep_all(uapi_access_cases);
}

static void container_requests(void **state)
{
	(void)state;
	sweep_all(uapi_vfio_cases);
}

static void the_rest_of_the_test_request(void **state)
{
	(void)state;
	sweep_all(uapi_test_cases);
}

static void releases_need_nothing(void **state)
{
	(void)state;
	sweep_all(uapi_release_cases);
}

/* Points that the front end and the mock reach in one case or other. */
static void every_point_failed_once(void **state)
{
	unsigned int missing = 0;

	(void)state;
	print_message("# %" PRIu64 " cases, %" PRIu64 " runs, at most %" PRIu64
		      " points a call; reached, failed, done without:\n",
		      now.cases, now.runs, now.most);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++) {
		print_message("# %-12s %7" PRIu64 " %7" PRIu64 " %7" PRIu64
			      "\n",
			      ledger_point_name(p), now.reached[p],
			      now.failures[p], now.spared[p]);
		missing += !now.failures[p] && !now.spared[p];
	}
	if (missing)
		fail_msg("%u points never failed", missing);
	assert_int_equal(ledger_violations(), 0);
}

int main(void)
{
#define SWEEP(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
		SWEEP(requests_about_spaces),
		SWEEP(requests_about_page_tables),
		SWEEP(devices_attach_and_move),
		SWEEP(virtual_iommus_and_queues),
		SWEEP(accesses_pin_and_copy),
		SWEEP(container_requests),
		SWEEP(the_rest_of_the_test_request),
		SWEEP(releases_need_nothing),
		SWEEP(every_point_failed_once),
	};
#undef SWEEP

	return cmocka_run_group_tests(tests, NULL, NULL);
}
