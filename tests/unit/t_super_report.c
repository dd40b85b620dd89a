/* SPDX-License-Identifier: MIT */
/*
 * the report: what real contexts are left with, and who is said to have done it
 *
 * The front end runs over a simulated host, which makes an event of each
 * command: its serials are counted from 1 in each case.
 */
#include "uapi_fixture.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "function/function.h"
#include "super/devices.h"
#include "super/dmafault.h"
#include "super/report_impl.h"

static unsigned int nr_errors;

__attribute__((weak)) void ioas_super_error(const struct ioas_super *s,
					    const char *fmt, ...)
{
	(void)s;
	(void)fmt;
	nr_errors++;
}

/* Functions are what they counted. */
struct ioas_function {
	const char *name;
	struct ioas_function_counts counts;
};

static struct ioas_function functions[] = {
	{ "0000:01:00.0",
	  { .reads = 1, .read_bytes = 512, .writes = 3, .write_bytes = 8192,
	    .faults = 4, .aborts = 5, .irqs = 6, .page_requests = 7,
	    .polls = 8, .busy_polls = 9, .sleeps = 10 } },
	{ .name = "0000:02:00.0" },
};

const char *ioas_function_name(const struct ioas_function *f)
{
	return f->name;
}

const struct ioas_model *ioas_function_model(const struct ioas_function *f)
{
	static const struct ioas_model model = { .name = "nvme" };

	(void)f;
	return &model;
}

/* Its lock comes before the report's, which says so in a debug build. */
void ioas_function_counts(struct ioas_function *f,
			  struct ioas_function_counts *out)
{
	static struct ioas_mutex lock;

	ioas_mutex_lock(&lock, IOAS_RANK_FUNCTION);
	*out = f->counts;
	ioas_mutex_unlock(&lock);
}

void ioas_devices_each(const struct ioas_devices *d,
		       void (*fn)(struct ioas_function *f, void *data),
		       void *data)
{
	assert_non_null(d);
	for (unsigned int i = 0; i < 2; i++)
		fn(&functions[i], data);
}

static struct ioas_run_options options;
static struct ioas_super super = { .opts = &options };
static struct ioas_report *report;
static uint64_t serial;
static char path[64];
static char *no_arguments[] = { NULL };

static void event_new(struct ioas_event *e, enum ioas_event_kind kind,
		      struct ioas_ufile *file)
{
	serial++;
	*e = (struct ioas_event){
		.kind = kind, .serial = serial, .when = serial * 1000000,
		.duration = 1000, .pid = getpid(), .tid = getpid(), .fd = 3,
		.file = file,
	};
}

/* Nothing that we do may count as a fault point of the client. */
static void tell(const struct ioas_event *e)
{
	struct ioas_fault *fault = ioas_caller_current()->fault;
	struct ioas_fault before;

	if (fault)
		before = *fault;
	ioas_report_event(report, e);
	if (fault)
		assert_memory_equal(&before, fault, sizeof(before));
}

static void on_command(struct simhost *h, const struct ioas_host_command *c)
{
	struct ioas_event e;

	(void)h;
	event_new(&e, IOAS_EVENT_COMMAND, c->ictx->file);
	e.cmd = c->cmd;
	e.size = c->size;
	memcpy(e.in, c->in, c->size);
	memcpy(e.out, c->out, c->size);
	e.result = c->result;
	tell(&e);
}

static int setup(void **state)
{
	struct ioas_event e;
	struct uapi_test *t;
	int fd;

	if (uapi_setup(state))
		return -1;
	t = *state;
	strcpy(path, "/tmp/ioas-t-report-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	nr_errors = 0;
	serial = 0;
	options = (struct ioas_run_options){ .report = true,
					     .report_file = path,
					     .argv = no_arguments };
	assert_int_equal(ioas_report_create(&super, &report), 0);
	t->h->on_command = on_command;
	event_new(&e, IOAS_EVENT_OPEN, sim_file(t->h, t->c.fd));
	tell(&e);
	return 0;
}

static int teardown(void **state)
{
	struct uapi_test *t = *state;

	t->h->on_command = NULL;
	unlink(path);
	ioas_report_destroy(report);
	return uapi_teardown(state);
}

/* The last close. */
static void release(struct uapi_test *t)
{
	ioas_report_release(report, sim_file(t->h, t->c.fd));
}

static struct json_object *written(int status)
{
	struct json_object *o;

	assert_int_equal(ioas_report_write(report, status), 0);
	o = json_object_from_file(path);
	assert_non_null(o);
	return o;
}

/* By a path of members and indexes: "/left_mapped/list/0/iova". */
static const char *at(struct json_object *o, const char *pointer)
{
	struct json_object *v;

	return json_pointer_get(o, pointer, &v) ? "none" :
						  json_object_get_string(v);
}

#define expect_at_is(o, pointer, want) \
	assert_string_equal(at((o), (pointer)), (want))

/* Area @i that was left, and the command: "" if it is not known. */
static void expect_left(struct json_object *o, unsigned int i, uint64_t iova,
			uint64_t length, uint64_t by, const char *command)
{
	char pointer[64], want[32];

	snprintf(pointer, sizeof(pointer), "/left_mapped/list/%u/iova", i);
	snprintf(want, sizeof(want), "0x%llx", (unsigned long long)iova);
	expect_at_is(o, pointer, want);
	snprintf(pointer, sizeof(pointer), "/left_mapped/list/%u/length", i);
	snprintf(want, sizeof(want), "%llu", (unsigned long long)length);
	expect_at_is(o, pointer, want);
	snprintf(pointer, sizeof(pointer), "/left_mapped/list/%u/by/serial", i);
	snprintf(want, sizeof(want), "%llu", (unsigned long long)by);
	expect_at_is(o, pointer, *command ? want : "none");
	snprintf(pointer, sizeof(pointer), "/left_mapped/list/%u/by/command",
		 i);
	expect_at_is(o, pointer, *command ? command : "none");
}

static void expect_sum(struct json_object *o, uint64_t areas, uint64_t bytes)
{
	char want[32];

	snprintf(want, sizeof(want), "%llu", (unsigned long long)areas);
	expect_at_is(o, "/left_mapped/areas", want);
	snprintf(want, sizeof(want), "%llu", (unsigned long long)bytes);
	expect_at_is(o, "/left_mapped/bytes", want);
}

/* ---- what is left -------------------------------------------------------- */

static void who_unmaps_leaves_nothing(void **state)
{
	struct uapi_test *t = *state;
	uint64_t bytes;
	struct json_object *o;
	const uint32_t ioas = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_ok(uc_unmap(&t->c, ioas, IOVA, PAGE, &bytes));
	release(t);
	o = written(0);
	expect_sum(o, 0, 0);
	expect_at_is(o, "/contexts/list/0/maps", "1");
	expect_at_is(o, "/contexts/list/0/unmaps", "1");
	expect_at_is(o, "/contexts/list/0/spaces", "1");
	expect_at_is(o, "/contexts/list/0/opened/serial", "1");
	expect_at_is(o, "/contexts/list/0/file", "/dev/iommu");
	expect_at_is(o, "/contexts/list/0/closed", "true");
	json_object_put(o);
}

static void leaks_have_the_command_that_made_them(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t a = ioas_new(t), b = ioas_new(t);
	struct ioas_abi_ioas_copy copy = {
		.flags = UC_R | UC_FIXED, .dst_ioas_id = b, .src_ioas_id = a,
		.length = 2 * PAGE, .src_iova = IOVA, .dst_iova = 2 * IOVA,
	};
	struct ioas_abi_ioas_map_file file = {
		.flags = UC_RW | UC_FIXED, .ioas_id = b, .length = PAGE,
		.iova = 3 * IOVA,
		.fd = sim_open_file(t->h, 4, IOAS_SIM_CONSECUTIVE),
	};
	struct json_object *o;

	/* 4, 5, 6, 7 */
	expect_ok(uc_map_fixed(&t->c, a, VA_RUN, PAGE, UC_RW, IOVA));
	expect_ok(uc_map_fixed(&t->c, a, VA_SCATTERED, PAGE, UC_R,
			       IOVA + PAGE));
	expect_ok(uc_copy(&t->c, &copy));
	expect_ok(uc_map_file(&t->c, &file));
	release(t);
	o = written(0);
	expect_sum(o, 5, 5 * PAGE);
	expect_left(o, 0, IOVA, PAGE, 4, "IOMMU_IOAS_MAP");
	expect_at_is(o, "/left_mapped/list/0/prot", "rw");
	expect_left(o, 1, IOVA + PAGE, PAGE, 5, "IOMMU_IOAS_MAP");
	expect_at_is(o, "/left_mapped/list/1/prot", "r-");
	/* A copy has an area for each of its source. */
	expect_left(o, 2, 2 * IOVA, PAGE, 6, "IOMMU_IOAS_COPY");
	expect_left(o, 3, 2 * IOVA + PAGE, PAGE, 6, "IOMMU_IOAS_COPY");
	expect_left(o, 4, 3 * IOVA, PAGE, 7, "IOMMU_IOAS_MAP_FILE");
	expect_at_is(o, "/left_mapped/list/4/context", "1");
	assert_int_equal(atoi(at(o, "/left_mapped/list/4/by/pid")), getpid());
	json_object_put(o);
}

/* Chosen by us: the IOVA is in the answer alone. */
static void chosen_iovas_are_known(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct json_object *o;
	uint64_t iova = 0;

	expect_ok(uc_map(&t->c, ioas, VA_RUN, PAGE, UC_RW, &iova));
	release(t);
	o = written(0);
	expect_left(o, 0, iova, PAGE, 3, "IOMMU_IOAS_MAP");
	json_object_put(o);
}

static void a_destroyed_space_leaves_nothing(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t first = ioas_new(t);
	struct json_object *o;

	expect_ok(uc_map_fixed(&t->c, first, VA_RUN, PAGE, UC_RW, IOVA));
	expect_ok(uc_destroy(&t->c, first));
	/* The same id, the same IOVA; 5 and 6. */
	assert_int_equal(ioas_new(t), first);
	expect_ok(uc_map_fixed(&t->c, first, VA_RUN, 2 * PAGE, UC_RW, IOVA));
	release(t);
	o = written(0);
	expect_sum(o, 1, 2 * PAGE);
	expect_left(o, 0, IOVA, 2 * PAGE, 6, "IOMMU_IOAS_MAP");
	json_object_put(o);
}

/* Type 1 of old cuts what it unmaps in part. */
static void parts_of_a_container_mapping(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	uint64_t size = PAGE;
	struct json_object *o;

	expect_ok(uc_vfio_ioas_set(&t->c, ioas));
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	/* 5, 6 */
	expect_ok(uc_vfio_map(&t->c, VA_RUN, IOVA, 4 * PAGE, 3));
	expect_ok(uc_vfio_unmap(&t->c, IOVA + PAGE, &size, 0));
	release(t);
	o = written(0);
	expect_sum(o, 2, 3 * PAGE);
	expect_left(o, 0, IOVA, PAGE, 5, "VFIO_IOMMU_MAP_DMA");
	expect_left(o, 1, IOVA + 2 * PAGE, 2 * PAGE, 5, "VFIO_IOMMU_MAP_DMA");
	json_object_put(o);
}

static void all_of_a_container_is_unmapped(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t other = ioas_new(t), ioas = ioas_new(t);
	uint64_t size = 0;
	struct json_object *o;

	expect_ok(uc_vfio_ioas_set(&t->c, ioas));
	expect_ok(uc_vfio_map(&t->c, VA_RUN, IOVA, 4 * PAGE, 3));
	assert_int_equal(report->books.nr_areas, 1);
	expect_ok(uc_map_fixed(&t->c, other, VA_RUN, PAGE, UC_RW, IOVA));
	assert_int_equal(report->books.nr_areas, 2);
	expect_ok(uc_vfio_unmap(&t->c, 0, &size,
				IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL));
	assert_int_equal(report->books.nr_areas, 1);
	release(t);
	o = written(0);
	expect_sum(o, 1, PAGE);
	expect_left(o, 0, IOVA, PAGE, 6, "IOMMU_IOAS_MAP");
	json_object_put(o);
}

/* ---- results that leave open what was done ------------------------------- */

/* The mapping stays although its answer could not be written (3.3). */
static void a_map_that_faults_on_its_answer(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map map = {
		.flags = UC_RW | UC_FIXED, .ioas_id = ioas_new(t),
		.user_va = VA_RUN, .length = PAGE, .iova = IOVA,
	};
	struct json_object *o;

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_MAP, &map), -EFAULT);
	/* And one that faults for good: it has no area. */
	mock_new(t, map.ioas_id);
	expect_errno(uc_map_fixed(&t->c, map.ioas_id, VA_HOLE, PAGE, UC_RW,
				  2 * IOVA),
		     -EFAULT);
	assert_int_equal(report->books.nr_areas, 1);
	release(t);
	o = written(0);
	expect_sum(o, 1, PAGE);
	expect_left(o, 0, IOVA, PAGE, 3, "IOMMU_IOAS_MAP");
	expect_at_is(o, "/left_mapped/list/0/pages/domain", "1");
	json_object_put(o);
}

/* The IOVA that it did not ask for is another's. */
static void a_map_that_fails_takes_no_credit(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct ioas_fault fault = { .nth = 1 };
	uint64_t iova = IOVA;
	struct json_object *o;

	mock_new(t, ioas);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_errno(uc_map(&t->c, ioas, VA_HOLE, PAGE, UC_RW, &iova),
		     -EFAULT);
	/* Its request is known, and never got further. */
	simhost_task(t->h)->caller.fault = &fault;
	atomic_fetch_add(&ioas_plat_faults_armed, 1);
	expect_errno(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA),
		     -EFAULT);
	atomic_fetch_sub(&ioas_plat_faults_armed, 1);
	simhost_task(t->h)->caller.fault = NULL;
	release(t);
	o = written(0);
	expect_sum(o, 1, PAGE);
	expect_left(o, 0, IOVA, PAGE, 4, "IOMMU_IOAS_MAP");
	json_object_put(o);
}

/* It stops in the second area; the first is gone. */
static void an_unmap_that_fails_half_way(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct json_object *o;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, 2 * PAGE, UC_RW,
			       IOVA + PAGE));
	expect_errno(uc_unmap(&t->c, ioas, IOVA, 2 * PAGE, NULL), -ENOENT);
	assert_int_equal(report->books.nr_areas, 1);
	release(t);
	o = written(0);
	expect_sum(o, 1, 2 * PAGE);
	expect_left(o, 0, IOVA + PAGE, 2 * PAGE, 4, "IOMMU_IOAS_MAP");
	json_object_put(o);
}

static void failures_are_no_maps(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct json_object *o;

	expect_errno(uc_map_fixed(&t->c, NO_ID, VA_RUN, PAGE, UC_RW, IOVA),
		     -ENOENT);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_errno(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA),
		     -EEXIST);
	expect_errno(uc_map_fixed(&t->c, ioas, VA_RUN, 0, UC_RW, IOVA),
		     -EINVAL);
	expect_errno(sim_ioctl(t->h, t->c.fd, IOAS_ABI_IOAS_MAP,
			       sim_hole(t->h)),
		     -EFAULT);
	expect_errno(sim_ioctl(t->h, t->c.fd, 0x3bff, 0), -ENOTTY);
	release(t);
	o = written(0);
	expect_sum(o, 1, PAGE);
	expect_left(o, 0, IOVA, PAGE, 4, "IOMMU_IOAS_MAP");
	expect_at_is(o, "/commands/count", "7");
	expect_at_is(o, "/commands/failed", "5");
	expect_at_is(o, "/commands/us", "7.000");
	json_object_put(o);
}

/* ---- tiers --------------------------------------------------------------- */

static void pages_by_who_holds_them(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t), other = ioas_new(t);
	const int pins = access_new(t, ioas), alone = access_new(t, other);
	struct json_object *o;

	mock_new(t, ioas);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(uc_access_pin(&t->c, pins, 0, IOVA + PAGE, 2 * PAGE, NULL));
	expect_ok(uc_map_fixed(&t->c, other, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(uc_access_pin(&t->c, alone, 0, IOVA, PAGE, NULL));
	release(t);
	o = written(0);
	expect_sum(o, 2, 8 * PAGE);
	expect_at_is(o, "/left_mapped/list/0/pages/pinned", "4");
	expect_at_is(o, "/left_mapped/list/0/pages/store", "0");
	expect_at_is(o, "/left_mapped/list/0/pages/domain", "2");
	expect_at_is(o, "/left_mapped/list/0/pages/both", "2");
	expect_at_is(o, "/left_mapped/list/1/pages/pinned", "1");
	expect_at_is(o, "/left_mapped/list/1/pages/store", "1");
	expect_at_is(o, "/left_mapped/pages/pinned", "5");
	json_object_put(o);
}

/* ---- bounds -------------------------------------------------------------- */

static void beyond_the_limit_areas_have_no_command(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const unsigned int nr = IOAS_REPORT_LEAKS + 10;
	struct json_object *o;

	report->books.max_areas = 2;
	for (unsigned int i = 0; i < nr; i++)
		expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW,
				       IOVA + (uint64_t)i * 2 * PAGE));
	release(t);
	o = written(0);
	expect_sum(o, nr, (uint64_t)nr * PAGE);
	expect_left(o, 1, IOVA + 2 * PAGE, PAGE, 4, "IOMMU_IOAS_MAP");
	expect_left(o, 2, IOVA + 4 * PAGE, PAGE, 0, "");
	assert_int_equal(atoi(at(o, "/books/areas_dropped")), nr - 2);
	expect_at_is(o, "/left_mapped/list/256", "none");
	json_object_put(o);
}

/* The list is one for all contexts. */
static void two_contexts_with_many_leaks(void **state)
{
	struct uapi_test *t = *state;
	struct uapi_test u = *t;
	const unsigned int nr = IOAS_REPORT_LEAKS - 50;
	const uint32_t a = ioas_new(t);
	struct json_object *o;
	uint32_t b;

	u.c.fd = sim_open(t->h, 0);
	b = ioas_new(&u);
	for (unsigned int i = 0; i < nr; i++) {
		const uint64_t iova = IOVA + (uint64_t)i * 2 * PAGE;

		expect_ok(uc_map_fixed(&t->c, a, VA_RUN, PAGE, UC_RW, iova));
		expect_ok(uc_map_fixed(&u.c, b, VA_RUN, PAGE, UC_RW, iova));
	}
	release(&u);
	expect_ok(uc_close(&u.c, u.c.fd));
	release(t);
	o = written(0);
	expect_sum(o, 2 * nr, (uint64_t)2 * nr * PAGE);
	expect_at_is(o, "/left_mapped/list/205/context", "1");
	expect_at_is(o, "/left_mapped/list/206/context", "2");
	expect_at_is(o, "/left_mapped/list/255/context", "2");
	expect_at_is(o, "/left_mapped/list/256", "none");
	expect_at_is(o, "/contexts/list/1/areas", "206");
	json_object_put(o);
}

static void lost_memory_is_listed_once(void **state)
{
	struct json_object *o;

	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		ioas_report_lost(report, getpid(), 0x1000, "munmap");
	ioas_report_lost(report, getpid(), 0x1000, "execve");
	for (unsigned int i = 0; i < 100; i++)
		ioas_report_lost(report, getpid(), 0x10000 + i, "a\nb");
	o = written(0);
	expect_at_is(o, "/lost/count", "106");
	expect_at_is(o, "/lost/list/0/address", "0x1000");
	expect_at_is(o, "/lost/list/0/count", "5");
	expect_at_is(o, "/lost/list/1/why", "execve");
	expect_at_is(o, "/lost/list/2/why", "a?b");
	expect_at_is(o, "/lost/list/63/count", "1");
	expect_at_is(o, "/lost/list/64", "none");
	json_object_put(o);
}

/* ---- writing ------------------------------------------------------------- */

static void the_end_of_the_program(void **state)
{
	struct json_object *o;

	(void)state;
	o = written(3 << 8);
	expect_at_is(o, "/program/status", "3");
	expect_at_is(o, "/program/signal", "none");
	json_object_put(o);
	o = written(SIGKILL);
	expect_at_is(o, "/program/signal", "9");
	expect_at_is(o, "/program/status", "none");
	/* Whoever did not close is there, too; once. */
	expect_at_is(o, "/contexts/list/0/closed", "false");
	expect_at_is(o, "/contexts/list/1", "none");
	json_object_put(o);
}

static void a_file_that_takes_no_more(void **state)
{
	(void)state;
	options.report_file = "/dev/full";
	expect_errno(ioas_report_write(report, 0), -ENOSPC);
	assert_int_equal(nr_errors, 1);
	options.report_file = "/nowhere/at/all";
	expect_errno(ioas_report_write(report, 0), -ENOENT);
	assert_int_equal(nr_errors, 2);
	expect_ok(ioas_report_write(NULL, 0));
}

/* What goes to standard error. */
static void text_of(char *text, size_t room, int status)
{
	const int saved = dup(STDERR_FILENO);
	const int fd = open(path, O_RDWR | O_TRUNC);
	ssize_t got;

	options.report_file = NULL;
	assert_true(fd >= 0);
	dup2(fd, STDERR_FILENO);
	assert_int_equal(ioas_report_write(report, status), 0);
	dup2(saved, STDERR_FILENO);
	got = pread(fd, text, room - 1, 0);
	assert_true(got > 0);
	text[got] = '\0';
	close(fd);
	close(saved);
}

static void text_for_people(void **state)
{
	static char *argv[] = { "prog", "a\nb", NULL };
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	char text[8192];
	unsigned int lines = 0;

	options.argv = argv;
	text_of(text, sizeof(text), 0);
	assert_non_null(strstr(text, "ioas: report: prog a?b\n"));
	assert_non_null(strstr(text, "nothing was left mapped"));
	for (unsigned int i = 0; i < 30; i++)
		expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW,
				       IOVA + (uint64_t)i * 2 * PAGE));
	expect_errno(uc_destroy(&t->c, NO_ID), -ENOENT);
	ioas_report_lost(report, 1, 0x1000, "munmap");
	release(t);
	text_of(text, sizeof(text), SIGKILL);
	assert_non_null(strstr(text, "by signal 9"));
	assert_null(strstr(text, "nothing was left mapped"));
	assert_non_null(strstr(text, "30 areas, 120.0 KiB"));
	assert_non_null(strstr(text, "0x2000000..0x2000fff rw"));
	assert_non_null(strstr(text, "IOMMU_IOAS_MAP, #3 of "));
	assert_non_null(strstr(text, "... and 10 more"));
	assert_non_null(strstr(text, "IOMMU_DESTROY  ENOENT 1"));
	assert_non_null(strstr(text, "munmap"));
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_true(lines < 45);
}

/* ---- devices ------------------------------------------------------------- */

static void devices_begin(void)
{
	const struct ioas_function_fault faults[] = {
		{ .f = &functions[0], .iova = 0x1000, .write = true },
		{ .f = &functions[0], .iova = 0x1008, .write = true },
		{ .f = &functions[1], .iova = 0x5000, .pasid = 3,
		  .denied = true },
	};

	/* Compared with NULL only. */
	super.devices = (struct ioas_devices *)functions;
	options.quiet = true;
	assert_int_equal(ioas_dmafaults_create(&super, &super.dmafaults), 0);
	super.host.page_lg2 = 12;
	for (unsigned int i = 0; i < 3; i++)
		ioas_dmafaults_fault(super.dmafaults, &faults[i]);
}

static void devices_end(void)
{
	ioas_dmafaults_destroy(super.dmafaults);
	super.dmafaults = NULL;
	super.devices = NULL;
}

static void devices_and_their_faults_are_listed(void **state)
{
	struct json_object *o;

	(void)state;
	o = written(0);
	expect_at_is(o, "/devices", "none");
	expect_at_is(o, "/dma_faults", "none");
	json_object_put(o);
	devices_begin();
	o = written(0);
	expect_at_is(o, "/devices/0",
		     "{ \"device\": \"0000:01:00.0\", \"model\": \"nvme\", "
		     "\"reads\": 1, \"read_bytes\": 512, \"writes\": 3, "
		     "\"write_bytes\": 8192, \"faults\": 4, \"aborts\": 5, "
		     "\"interrupts\": 6, \"page_requests\": 7, "
		     "\"polls\": 8, \"busy_polls\": 9, \"sleeps\": 10 }");
	expect_at_is(o, "/devices/1/device", "0000:02:00.0");
	expect_at_is(o, "/devices/2", "none");
	expect_at_is(o, "/dma_faults/count", "3");
	expect_at_is(o, "/dma_faults/list/0",
		     "{ \"device\": \"0000:01:00.0\", \"model\": \"nvme\", "
		     "\"pasid\": 0, \"iova\": \"0x1000\", "
		     "\"access\": \"write\", \"why\": \"not mapped\", "
		     "\"count\": 2, \"last\": { \"did\": \"unknown\" } }");
	expect_at_is(o, "/dma_faults/list/1/why", "denied");
	expect_at_is(o, "/dma_faults/list/1/access", "read");
	expect_at_is(o, "/dma_faults/list/1/pasid", "3");
	expect_at_is(o, "/dma_faults/list/2", "none");
	json_object_put(o);
	devices_end();
}

/* A command that was known when the fault came. */
static void the_guilty_command_is_in_the_report(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct ioas_iommufd *ictx =
		ioas_iommufd_of_file(sim_file(t->h, t->c.fd));
	const struct ioas_abi_ioas_unmap unmap = {
		.ioas_id = ioas, .iova = IOVA, .length = PAGE,
	};
	const struct ioas_host_command m = {
		.ictx = ictx, .cmd = IOAS_ABI_IOAS_UNMAP,
		.size = sizeof(unmap), .in = &unmap, .out = &unmap,
	};
	const struct ioas_object_class paging = {
		.type = IOAS_OBJECT_HWPT_PAGING
	};
	struct ioas_hwpt hwpt = { .obj.class = &paging };
	const struct ioas_function_fault fault = {
		.f = &functions[1], .hwpt = &hwpt, .iova = IOVA,
	};
	struct json_object *o;

	devices_begin();
	hwpt.space = ioas_space_get(ictx, ioas);
	assert_non_null(hwpt.space);
	ioas_dmafaults_command(super.dmafaults, NULL, &m);
	ioas_dmafaults_fault(super.dmafaults, &fault);
	ioas_object_put(&hwpt.space->obj);
	o = written(0);
	expect_at_is(o, "/dma_faults/list/2/last",
		     "{ \"did\": \"unmapped\", "
		     "\"command\": \"IOMMU_IOAS_UNMAP\", "
		     "\"first\": \"0x2000000\", \"last\": \"0x2000fff\", "
		     "\"pid\": 0, \"comm\": \"?\" }");
	json_object_put(o);
	devices_end();
}

static void devices_are_lines(void **state)
{
	char text[8192];

	(void)state;
	text_of(text, sizeof(text), 0);
	assert_null(strstr(text, "devices"));
	devices_begin();
	text_of(text, sizeof(text), 0);
	assert_non_null(strstr(text, "\n    0000:01:00.0 nvme              1"
				     "      512 B          3    8.0 KiB        4"
				     "           6\n"));
	assert_non_null(strstr(text, "dma faults   3, at 2 places\n"));
	assert_non_null(strstr(text, "0000:01:00.0 nvme: 2 times: write of "
				     "0x1000: not mapped"));
	assert_non_null(strstr(text, "0000:02:00.0 nvme: 1 time: read of "
				     "0x5000 (PASID 3): not readable"));
	devices_end();
}

/* The client's faults are for the client's own points. */
static void faults_of_the_client_stay_its_own(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_fault fault = { .nth = 1000000 };
	const uint32_t ioas = ioas_new(t);

	simhost_task(t->h)->caller.fault = &fault;
	atomic_fetch_add(&ioas_plat_faults_armed, 1);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	expect_errno(uc_unmap(&t->c, ioas, IOVA, 1, NULL), -ENOENT);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	assert_true(fault.nth < 1000000);
	fault = (struct ioas_fault){ .nth = 1 };
	release(t);
	assert_int_equal(fault.nth, 1);
	atomic_fetch_sub(&ioas_plat_faults_armed, 1);
	simhost_task(t->h)->caller.fault = NULL;
}

/* Other files than contexts are counted, and nothing else. */
static void other_files_are_no_contexts(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_event e;
	struct json_object *o;
	uint32_t id;
	int fd;

	expect_ok(uc_fault_queue(&t->c, &id, &fd));
	event_new(&e, IOAS_EVENT_OPEN, sim_file(t->h, fd));
	tell(&e);
	event_new(&e, IOAS_EVENT_READ, sim_file(t->h, fd));
	tell(&e);
	ioas_report_release(report, sim_file(t->h, fd));
	event_new(&e, IOAS_EVENT_COMMAND, NULL);
	tell(&e);
	o = written(0);
	expect_at_is(o, "/contexts/opened", "1");
	expect_at_is(o, "/contexts/closed", "0");
	expect_at_is(o, "/events/open", "2");
	expect_at_is(o, "/events/read", "1");
	json_object_put(o);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(who_unmaps_leaves_nothing),
		CASE(leaks_have_the_command_that_made_them),
		CASE(chosen_iovas_are_known),
		CASE(a_destroyed_space_leaves_nothing),
		CASE(parts_of_a_container_mapping),
		CASE(all_of_a_container_is_unmapped),
		CASE(a_map_that_faults_on_its_answer),
		CASE(a_map_that_fails_takes_no_credit),
		CASE(an_unmap_that_fails_half_way),
		CASE(failures_are_no_maps),
		CASE(pages_by_who_holds_them),
		CASE(beyond_the_limit_areas_have_no_command),
		CASE(two_contexts_with_many_leaks),
		CASE(lost_memory_is_listed_once),
		CASE(the_end_of_the_program),
		CASE(a_file_that_takes_no_more),
		CASE(text_for_people),
		CASE(devices_and_their_faults_are_listed),
		CASE(the_guilty_command_is_in_the_report),
		CASE(devices_are_lines),
		CASE(faults_of_the_client_stay_its_own),
		CASE(other_files_are_no_contexts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
