/* SPDX-License-Identifier: MIT */
/*
 * Fault injection as files (src/super/faultsys.c, attribute.c): numbers, knobs,
 * chances, counters of tasks. The neighbours are ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "super/attribute.h"
#include "super/faultsys.h"
#include "super/task.h"

/* ---- numbers ------------------------------------------------------------ */

static void numbers_are_as_c_writes_them(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "0\n", 0, 0 },
		{ "7", 0, 7 },
		{ "+7\n", 0, 7 },
		{ "010", 0, 8 },
		{ "0x10", 0, 16 },
		{ "0XfF\n", 0, 255 },
		{ "000000000000000000000000000000000000012", 0, 10 },
		{ "4294967295", 0, 4294967295 },
		{ "0xffffffff", 0, 4294967295 },
		{ "4294967296", -ERANGE, 0 },
		{ "0x100000000", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "\n", -EINVAL, 0 },
		{ "+", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+-1", -EINVAL, 0 },
		{ "++1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1\n\n", -EINVAL, 0 },
		{ "08", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
		{ "0xg", -EINVAL, 0 },
		{ "1a", -EINVAL, 0 },
		{ "a", -EINVAL, 0 },
		{ "1\n0", -EINVAL, 0 },
		{ "99999999999a", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		uint64_t value = 77;
		int ret = ioas_number_parse(cases[i].text,
					    strlen(cases[i].text), UINT32_MAX,
					    &value);

		if (ret != cases[i].ret ||
		    value != (ret ? 77 : cases[i].value))
			fail_msg("'%s': %d %llu", cases[i].text, ret,
				 (unsigned long long)value);
	}
}

static void what_is_behind_the_length_does_not_count(void **state)
{
	uint64_t value;

	(void)state;
	assert_int_equal(ioas_number_parse("12345", 2, 100, &value), 0);
	assert_int_equal(value, 12);
	assert_int_equal(ioas_number_parse("0x5", 2, 100, &value), -EINVAL);
	assert_int_equal(ioas_number_parse("5\0x", 3, 100, &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(ioas_number_parse("101", 3, 100, &value), -ERANGE);
}

/* ---- knobs -------------------------------------------------------------- */

static void shows(const struct ioas_attribute *a, enum ioas_knob k,
		  const char *want)
{
	char text[IOAS_KNOB_TEXT];

	assert_int_equal(ioas_knob_show(a, k, text), strlen(want));
	assert_string_equal(text, want);
}

static int stores(struct ioas_attribute *a, enum ioas_knob k, const char *text)
{
	return ioas_knob_store(a, k, text, strlen(text));
}

static void knobs_start_as_the_reference_says(void **state)
{
	struct ioas_attribute a;

	(void)state;
	ioas_attribute_init(&a);
	shows(&a, IOAS_KNOB_PROBABILITY, "0\n");
	shows(&a, IOAS_KNOB_INTERVAL, "1\n");
	shows(&a, IOAS_KNOB_TIMES, "1\n");
	shows(&a, IOAS_KNOB_SPACE, "0\n");
	shows(&a, IOAS_KNOB_VERBOSE, "2\n");
	shows(&a, IOAS_KNOB_RATE_INTERVAL, "0\n");
	shows(&a, IOAS_KNOB_RATE_BURST, "10\n");
	shows(&a, IOAS_KNOB_TASK_FILTER, "N\n");
	shows(&a, IOAS_KNOB_IGNORE_WAIT, "Y\n");
	shows(&a, IOAS_KNOB_IGNORE_HIGHMEM, "Y\n");
	shows(&a, IOAS_KNOB_MIN_ORDER, "1\n");
	assert_string_equal(ioas_knob_name(IOAS_FAILSLAB, IOAS_KNOB_TIMES),
			    "times");
	assert_null(ioas_knob_name(IOAS_FAILSLAB, IOAS_KNOB_MIN_ORDER));
	assert_null(ioas_knob_name(IOAS_FAIL_IOMMUFD, IOAS_KNOB_IGNORE_WAIT));
	assert_true(ioas_knob_is_name("times", 5));
	assert_false(ioas_knob_is_name("times", 4));
	assert_false(ioas_knob_is_name("", 0));
}

static void knobs_take_what_is_theirs_only(void **state)
{
	struct ioas_attribute a;

	(void)state;
	ioas_attribute_init(&a);
	assert_int_equal(stores(&a, IOAS_KNOB_TIMES, "-1\n"), 0);
	shows(&a, IOAS_KNOB_TIMES, "-1\n");
	assert_int_equal(stores(&a, IOAS_KNOB_TIMES, "-+1"), -EINVAL);
	assert_int_equal(stores(&a, IOAS_KNOB_TIMES, "-"), -EINVAL);
	assert_int_equal(stores(&a, IOAS_KNOB_TIMES, "2147483648"), -ERANGE);
	assert_int_equal(stores(&a, IOAS_KNOB_TIMES, "-2147483648"), 0);
	shows(&a, IOAS_KNOB_TIMES, "-2147483648\n");
	assert_int_equal(stores(&a, IOAS_KNOB_PROBABILITY, "-1"), -EINVAL);
	assert_int_equal(stores(&a, IOAS_KNOB_PROBABILITY, ""), -EINVAL);
	assert_int_equal(stores(&a, IOAS_KNOB_PROBABILITY, "50\n"), 0);
	shows(&a, IOAS_KNOB_PROBABILITY, "50\n");
	assert_int_equal(stores(&a, IOAS_KNOB_REQUIRE_END,
				"18446744073709551616"),
			 -ERANGE);
	shows(&a, IOAS_KNOB_REQUIRE_END, "18446744073709551615\n");
	assert_int_equal(stores(&a, IOAS_KNOB_TASK_FILTER, "Y\n"), 0);
	shows(&a, IOAS_KNOB_TASK_FILTER, "Y\n");
	assert_int_equal(stores(&a, IOAS_KNOB_TASK_FILTER, "0"), 0);
	shows(&a, IOAS_KNOB_TASK_FILTER, "N\n");
	assert_int_equal(stores(&a, IOAS_KNOB_TASK_FILTER, "1"), 0);
	assert_int_equal(stores(&a, IOAS_KNOB_TASK_FILTER, "2"), -EINVAL);
	assert_int_equal(stores(&a, IOAS_KNOB_TASK_FILTER, ""), -EINVAL);
	shows(&a, IOAS_KNOB_TASK_FILTER, "Y\n");
}

/* ---- decisions ---------------------------------------------------------- */

static bool ignored(const struct ioas_attribute *a, unsigned int point)
{
	return ioas_attributes_ignored(a) >> point & 1;
}

static void some_points_are_none_until_asked_for(void **state)
{
	struct ioas_attribute a[IOAS_NR_ATTRIBUTES];
	struct ioas_attribute *page = &a[IOAS_FAIL_PAGE_ALLOC];

	(void)state;
	for (unsigned int i = 0; i < IOAS_NR_ATTRIBUTES; i++)
		ioas_attribute_init(&a[i]);
	assert_true(ignored(a, IOAS_FP_ALLOC_AREA));
	assert_true(ignored(a, IOAS_FP_WINDOW));
	assert_true(ignored(a, IOAS_FP_TABLE));
	assert_false(ignored(a, IOAS_FP_COPY));
	assert_false(ignored(a, IOAS_FP_PIN));
	assert_false(ignored(a, IOAS_FP_ATTACH));
	assert_int_equal(stores(&a[IOAS_FAILSLAB], IOAS_KNOB_IGNORE_WAIT, "N"),
			 0);
	assert_false(ignored(a, IOAS_FP_ALLOC_AREA));
	assert_false(ignored(a, IOAS_FP_BATCH_LARGE));
	assert_true(ignored(a, IOAS_FP_TABLE));
	/* Both: tables are of order 0. */
	assert_int_equal(stores(page, IOAS_KNOB_IGNORE_WAIT, "N"), 0);
	assert_true(ignored(a, IOAS_FP_TABLE));
	assert_int_equal(stores(page, IOAS_KNOB_MIN_ORDER, "0"), 0);
	assert_false(ignored(a, IOAS_FP_TABLE));
	assert_int_equal(stores(page, IOAS_KNOB_IGNORE_WAIT, "Y"), 0);
	assert_true(ignored(a, IOAS_FP_TABLE));
}

static unsigned int failures(struct ioas_attribute *a, unsigned int point,
			     unsigned int tries, bool marked)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < tries; i++)
		n += ioas_attribute_decide(a, point, marked, i);
	return n;
}

static void chance_times_and_interval_decide(void **state)
{
	const unsigned int p = IOAS_FP_PIN;
	struct ioas_attribute a;

	(void)state;
	ioas_attribute_init(&a);
	assert_int_equal(failures(&a, p, 100, true), 0);
	stores(&a, IOAS_KNOB_PROBABILITY, "100");
	/* Once, if nothing else is said; then no more. */
	assert_int_equal(failures(&a, p, 100, false), 1);
	shows(&a, IOAS_KNOB_TIMES, "0\n");
	stores(&a, IOAS_KNOB_TIMES, "3");
	assert_int_equal(failures(&a, p, 100, false), 3);
	stores(&a, IOAS_KNOB_TIMES, "-1");
	assert_int_equal(failures(&a, p, 100, false), 100);
	shows(&a, IOAS_KNOB_TIMES, "-1\n");
	stores(&a, IOAS_KNOB_INTERVAL, "4");
	assert_int_equal(failures(&a, p, 100, false), 25);
	stores(&a, IOAS_KNOB_INTERVAL, "0");
	assert_int_equal(failures(&a, p, 100, false), 100);
	/* Draws 0 to 99 hit a chance of 30 in a hundred thirty times. */
	stores(&a, IOAS_KNOB_PROBABILITY, "30");
	assert_int_equal(failures(&a, p, 100, false), 30);
}

static void space_is_used_up_first(void **state)
{
	struct ioas_attribute a;

	(void)state;
	ioas_attribute_init(&a);
	stores(&a, IOAS_KNOB_PROBABILITY, "100");
	stores(&a, IOAS_KNOB_TIMES, "-1");
	stores(&a, IOAS_KNOB_SPACE, "10");
	/* 10 down to 1: nine points pass. */
	assert_int_equal(failures(&a, IOAS_FP_PIN, 20, false), 11);
	shows(&a, IOAS_KNOB_SPACE, "1\n");
	stores(&a, IOAS_KNOB_SPACE, "200");
	/* An allocation takes more: 200, 136, 72, 8. */
	assert_int_equal(failures(&a, IOAS_FP_ALLOC_AREA, 20, false), 17);
}

static void a_filter_spares_tasks_that_are_not_marked(void **state)
{
	struct ioas_attribute a;

	(void)state;
	ioas_attribute_init(&a);
	stores(&a, IOAS_KNOB_PROBABILITY, "100");
	stores(&a, IOAS_KNOB_TIMES, "-1");
	stores(&a, IOAS_KNOB_TASK_FILTER, "Y");
	assert_int_equal(failures(&a, IOAS_FP_PIN, 10, false), 0);
	assert_int_equal(failures(&a, IOAS_FP_PIN, 10, true), 10);
}

/* ---- a supervisor, as far as it is needed ------------------------------- */

static struct ioas_super super;
static struct ioas_process process;
static struct ioas_task task;
static struct ioas_call call;
/* Of the last file that was opened. */
static const struct ioas_vfile_ops *opened;
static void *opened_data;
static char opened_name[64];

struct ioas_call *ioas_call_current(void)
{
	return &call;
}

int ioas_task_by_tid(struct ioas_super *s, pid_t tid, struct ioas_task **out)
{
	assert_ptr_equal(s, &super);
	if (tid != task.tid)
		return -ESRCH;
	task.refs++;
	*out = &task;
	return 0;
}

static bool resource;

int ioas_call_enter(struct ioas_call *c)
{
	c->caller.resource = resource;
	return 0;
}

void ioas_call_leave(struct ioas_call *c)
{
	c->caller.resource = false;
}

void ioas_task_put(struct ioas_task *t)
{
	assert_ptr_equal(t, &task);
	task.refs--;
}

enum ioas_verdict ioas_sfiles_open_text(struct ioas_call *c,
					const struct ioas_vfile_ops *ops,
					void *data, const char *name, int flags,
					int64_t *value)
{
	(void)c;
	opened = ops;
	opened_data = data;
	snprintf(opened_name, sizeof(opened_name), "%s", name);
	*value = flags;
	return IOAS_CALL_SENT;
}

static struct ioas_caller *before;

static void begin(void)
{
	process.pid = getpid();
	process.pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	assert_true(process.pidfd >= 0);
	task = (struct ioas_task){
		.refs = 1, .tid = (pid_t)syscall(SYS_gettid),
		.process = &process,
	};
	assert_int_equal(ioas_faultsys_create(&super, &super.faults), 0);
	ioas_faultsys_task(super.faults, &task);
	call = (struct ioas_call){
		.s = &super, .task = &task,
		.caller = { .fault = &task.fault },
	};
	before = ioas_caller_enter(&call.caller);
	opened = NULL;
}

static void end(void)
{
	ioas_caller_leave(before);
	ioas_faultsys_destroy(super.faults);
	super.faults = NULL;
	close(process.pidfd);
	atomic_store(&process.make_it_fail, false);
	assert_int_equal(task.refs, 1);
	assert_int_equal(atomic_load(&ioas_plat_faults_armed), 0);
}

static void release(void)
{
	if (opened->release)
		opened->release(opened_data);
	opened = NULL;
}

static enum ioas_verdict open_path(const char *path, int64_t *value)
{
	return ioas_faultsys_open(&call, path, O_RDWR, value);
}

static void open_own(const char *file)
{
	char path[64];
	int64_t value;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)process.pid,
		 (int)task.tid, file);
	assert_int_equal(open_path(path, &value), IOAS_CALL_SENT);
	assert_string_equal(opened_name, path);
	assert_int_equal(task.refs, 2);
}

/* As a write(2) of it does. */
static int put(const char *text)
{
	if (ioas_faultsys_copy(&call))
		return -EFAULT;
	return opened->store(&call, opened_data, text, strlen(text));
}

/* The content, as a number; or -errno. */
static int64_t get(void)
{
	char text[64];
	int n = opened->content(&call, opened_data, text, sizeof(text) - 1);

	if (n < 0)
		return n;
	if (ioas_faultsys_copy(&call))
		return -EFAULT;
	assert_int_equal(text[n - 1], '\n');
	text[n] = '\0';
	return atoll(text);
}

/* ---- fail-nth ----------------------------------------------------------- */

static void the_nth_point_of_any_kind_fails(void **state)
{
	(void)state;
	begin();
	open_own("fail-nth");
	assert_int_equal(put("3\n"), 2);
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_false(ioas_fault_point(IOAS_FP_COPY));
	/* Allocations are no points unless asked for. */
	assert_false(ioas_fault_point(IOAS_FP_ALLOC_AREA));
	assert_true(ioas_fault_point(IOAS_FP_OBJECT));
	assert_false(ioas_fault_point(IOAS_FP_OBJECT));
	assert_int_equal(get(), 0);
	release();
	end();
}

static void the_file_itself_is_made_of_points(void **state)
{
	struct ioas_faultsys *f;

	(void)state;
	begin();
	open_own("fail-nth");
	assert_int_equal(get(), 0);
	assert_int_equal(put("5"), 1);
	/* What it was before the copy that tells it. */
	assert_int_equal(get(), 5);
	assert_int_equal(get(), 4);
	assert_int_equal(task.fault.nth, 3);
	assert_int_equal(put("1"), 1);
	assert_int_equal(get(), -EFAULT);
	assert_int_equal(get(), 0);
	assert_int_equal(put("1"), 1);
	assert_int_equal(put("9"), -EFAULT);
	assert_int_equal(get(), 0);
	/* Without fault injection nothing is a point. */
	f = super.faults;
	super.faults = NULL;
	task.fault.nth = 1;
	assert_int_equal(ioas_faultsys_copy(&call), 0);
	assert_int_equal(task.fault.nth, 1);
	super.faults = f;
	release();
	end();
}

static void a_bad_number_changes_nothing_but_counts(void **state)
{
	(void)state;
	begin();
	open_own("fail-nth");
	assert_int_equal(put("100"), 3);
	assert_int_equal(put("x"), -EINVAL);
	assert_int_equal(put(""), -EINVAL);
	assert_int_equal(put("4294967296"), -ERANGE);
	assert_int_equal(get(), 97);
	release();
	end();
}

static void main_thread_is_the_one_of_its_process(void **state)
{
	char path[64];
	int64_t value;

	(void)state;
	begin();
	snprintf(path, sizeof(path), "/proc/%d/fail-nth", (int)task.tid);
	assert_int_equal(open_path(path, &value), IOAS_CALL_SENT);
	release();
	/* A thread of somebody else. */
	snprintf(path, sizeof(path), "/proc/1/task/%d/fail-nth", (int)task.tid);
	assert_int_equal(open_path(path, &value), IOAS_CALL_RETURN);
	assert_int_equal(value, -ENOENT);
	/* A process that is not known. */
	assert_int_equal(open_path("/proc/1/fail-nth", &value),
			 IOAS_CALL_CONTINUE);
	end();
}

static void *just_end(void *tid)
{
	*(pid_t *)tid = (pid_t)syscall(SYS_gettid);
	return NULL;
}

static void a_task_that_is_gone_is_said(void **state)
{
	pthread_t thread;

	(void)state;
	begin();
	open_own("fail-nth");
	assert_int_equal(pthread_create(&thread, NULL, just_end, &task.tid), 0);
	pthread_join(thread, NULL);
	/* The kernel wakes who joins before the number is free. */
	while (!syscall(SYS_tgkill, getpid(), task.tid, 0))
		usleep(100);
	assert_int_equal(get(), -ESRCH);
	assert_int_equal(put("1"), -ESRCH);
	assert_int_equal(task.fault.nth, 0);
	release();
	end();
}

/* ---- make-it-fail, knobs ------------------------------------------------ */

static void marking_needs_a_right(void **state)
{
	(void)state;
	begin();
	open_own("make-it-fail");
	assert_int_equal(get(), 0);
	assert_int_equal(put("1"), -EPERM);
	resource = true;
	assert_int_equal(put(" 1 \n"), 4);
	assert_int_equal(get(), 1);
	assert_int_equal(put("2"), -EINVAL);
	assert_int_equal(put("-1"), -EINVAL);
	assert_int_equal(put(""), -EINVAL);
	assert_int_equal(put("0"), 1);
	assert_int_equal(get(), 0);
	resource = false;
	release();
	end();
}

static void open_knob(const char *name)
{
	char path[64];
	int64_t value;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", name);
	assert_int_equal(open_path(path, &value), IOAS_CALL_SENT);
	assert_string_equal(opened_name, path);
}

static void knob(const char *name, const char *text)
{
	open_knob(name);
	assert_int_equal(put(text), strlen(text));
	release();
}

static void knobs_make_points_and_let_them_fail(void **state)
{
	(void)state;
	begin();
	assert_false(ioas_fault_point(IOAS_FP_ALLOC_AREA));
	assert_int_equal(task.fault.reached[IOAS_FP_ALLOC_AREA], 0);
	knob("failslab/ignore-gfp-wait", "N");
	assert_false(ioas_fault_point(IOAS_FP_ALLOC_AREA));
	assert_int_equal(task.fault.reached[IOAS_FP_ALLOC_AREA], 1);
	knob("failslab/probability", "100");
	knob("failslab/times", "2");
	assert_false(ioas_fault_point(IOAS_FP_PIN));
	assert_true(ioas_fault_point(IOAS_FP_ALLOC_AREA));
	assert_true(ioas_fault_point(IOAS_FP_WINDOW));
	assert_false(ioas_fault_point(IOAS_FP_WINDOW));
	/* The counter alone decides while it is not zero. */
	knob("failslab/times", "-1");
	task.fault.nth = 2;
	assert_false(ioas_fault_point(IOAS_FP_WINDOW));
	assert_true(ioas_fault_point(IOAS_FP_WINDOW));
	assert_true(ioas_fault_point(IOAS_FP_WINDOW));
	/* Marked tasks only. */
	knob("failslab/task-filter", "Y");
	assert_false(ioas_fault_point(IOAS_FP_WINDOW));
	atomic_store(&process.make_it_fail, true);
	assert_true(ioas_fault_point(IOAS_FP_WINDOW));
	end();
}

static void other_tasks_see_knobs_when_they_call(void **state)
{
	static struct ioas_task other;

	(void)state;
	begin();
	ioas_faultsys_task(super.faults, &other);
	assert_true(other.fault.ignored >> IOAS_FP_WINDOW & 1);
	knob("failslab/ignore-gfp-wait", "0");
	ioas_faultsys_begin(super.faults, &other);
	assert_false(other.fault.ignored >> IOAS_FP_WINDOW & 1);
	end();
}

static void each_attribute_has_its_files(void **state)
{
	static const char *const files[] = {
		"probability", "interval", "times", "space", "verbose",
		"verbose_ratelimit_interval_ms", "verbose_ratelimit_burst",
		"task-filter",
	};
	char path[64];
	int64_t value;

	(void)state;
	begin();
	for (unsigned int id = 0; id < IOAS_NR_ATTRIBUTES; id++) {
		for (size_t i = 0; i < IOAS_ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path), "%s/%s",
				 ioas_attribute_name(id), files[i]);
			open_knob(path);
			release();
		}
	}
	assert_int_equal(open_path("/sys/kernel/debug/failslab", &value),
			 IOAS_CALL_CONTINUE);
	assert_int_equal(open_path("/sys/kernel/debug/failslab/timesx", &value),
			 IOAS_CALL_CONTINUE);
	assert_int_equal(open_path("/sys/kernel/debug/fail_iommufd/min-order",
				   &value),
			 IOAS_CALL_CONTINUE);
	end();
}

static void flags_of_open_are_checked(void **state)
{
	const char *path = "/sys/kernel/debug/failslab/times";
	int64_t value;

	(void)state;
	begin();
	assert_int_equal(ioas_faultsys_open(&call, path, O_CREAT | O_EXCL,
					    &value),
			 IOAS_CALL_RETURN);
	assert_int_equal(value, -EEXIST);
	assert_int_equal(ioas_faultsys_open(&call, path, O_DIRECTORY, &value),
			 IOAS_CALL_RETURN);
	assert_int_equal(value, -ENOTDIR);
	assert_int_equal(ioas_faultsys_open(&call, path, O_CREAT, &value),
			 IOAS_CALL_SENT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_as_c_writes_them),
		cmocka_unit_test(what_is_behind_the_length_does_not_count),
		cmocka_unit_test(knobs_start_as_the_reference_says),
		cmocka_unit_test(knobs_take_what_is_theirs_only),
		cmocka_unit_test(some_points_are_none_until_asked_for),
		cmocka_unit_test(chance_times_and_interval_decide),
		cmocka_unit_test(space_is_used_up_first),
		cmocka_unit_test(a_filter_spares_tasks_that_are_not_marked),
		cmocka_unit_test(the_nth_point_of_any_kind_fails),
		cmocka_unit_test(the_file_itself_is_made_of_points),
		cmocka_unit_test(a_bad_number_changes_nothing_but_counts),
		cmocka_unit_test(main_thread_is_the_one_of_its_process),
		cmocka_unit_test(a_task_that_is_gone_is_said),
		cmocka_unit_test(marking_needs_a_right),
		cmocka_unit_test(knobs_make_points_and_let_them_fail),
		cmocka_unit_test(other_tasks_see_knobs_when_they_call),
		cmocka_unit_test(each_attribute_has_its_files),
		cmocka_unit_test(flags_of_open_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
