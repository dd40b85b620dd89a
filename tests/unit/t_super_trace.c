/* SPDX-License-Identifier: MIT */
/*
 * the trace: lines, and files that take no more
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "super/trace.h"

/* Messages go here, not to people. */
static _Atomic unsigned int nr_errors;
static char last_error[256];

__attribute__((weak)) void ioas_super_error(const struct ioas_super *s,
					    const char *fmt, ...)
{
	va_list ap;

	(void)s;
	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	atomic_fetch_add(&nr_errors, 1);
}

static struct ioas_super super;
static char path[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	atomic_store(&nr_errors, 0);
	strcpy(path, "/tmp/ioas-t-trace-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static struct ioas_trace *trace_new(const char *name)
{
	struct ioas_trace *t = NULL;

	assert_int_equal(ioas_trace_create(&super, name, &t), 0);
	return t;
}

static struct ioas_event event_map(uint64_t serial)
{
	struct ioas_event e = {
		.kind = IOAS_EVENT_COMMAND, .serial = serial,
		.when = UINT64_C(1764418946000000007), .duration = 2500,
		.pid = getpid(), .tid = getpid(), .fd = 5,
		.cmd = IOAS_ABI_IOAS_MAP,
		.size = sizeof(struct ioas_abi_ioas_map),
	};
	struct ioas_abi_ioas_map map = {
		.size = sizeof(map), .ioas_id = 1, .length = 4096,
	};

	memcpy(e.in, &map, sizeof(map));
	map.iova = 0x1000;
	memcpy(e.out, &map, sizeof(map));
	return e;
}

/* Line @nr of the file, from 0; NULL: there is none. */
static struct json_object *line_of(unsigned int nr)
{
	FILE *f = fopen(path, "r");
	char line[4096], *got = NULL;
	struct json_object *o;

	assert_non_null(f);
	for (unsigned int i = 0; i <= nr; i++)
		got = fgets(line, sizeof(line), f);
	fclose(f);
	if (!got)
		return NULL;
	assert_int_equal(line[strlen(line) - 1], '\n');
	o = json_tokener_parse(line);
	assert_non_null(o);
	return o;
}

static const char *text_of(struct json_object *o, const char *name)
{
	struct json_object *v = json_object_object_get(o, name);

	return v ? json_object_get_string(v) : "none";
}

/* ---- lines --------------------------------------------------------------- */

static void a_command_is_one_line(void **state)
{
	struct ioas_trace *t = trace_new(path);
	struct ioas_event e = event_map(12);
	struct json_object *o;

	(void)state;
	assert_int_equal(prctl(PR_SET_NAME, "a \"b\"\n\xff", 0, 0, 0), 0);
	ioas_trace_event(t, &e);
	/* Nothing waits for the end of the trace. */
	o = line_of(0);
	assert_string_equal(text_of(o, "serial"), "12");
	assert_string_equal(text_of(o, "time"), "2025-11-29T12:22:26.000000007Z");
	assert_int_equal(atoi(text_of(o, "pid")), getpid());
	assert_string_equal(text_of(o, "comm"), "a \"b\"??");
	assert_string_equal(text_of(o, "event"), "ioctl");
	assert_string_equal(text_of(o, "fd"), "5");
	assert_string_equal(text_of(o, "command"), "IOMMU_IOAS_MAP");
	assert_string_equal(
		text_of(json_object_object_get(o, "args"), "length"), "4096");
	assert_string_equal(text_of(json_object_object_get(o, "out"), "iova"),
			    "0x1000");
	assert_string_equal(text_of(o, "result"), "0");
	assert_string_equal(text_of(o, "error"), "none");
	assert_string_equal(text_of(o, "duration_us"), "2.500");
	json_object_put(o);
	assert_null(line_of(1));
	ioas_trace_destroy(t);
}

static void errors_have_names(void **state)
{
	struct ioas_trace *t = trace_new(path);
	struct ioas_event e = event_map(1);
	struct json_object *o;

	(void)state;
	e.result = -EFAULT;
	ioas_trace_event(t, &e);
	e.result = -4000;
	e.cmd = 0x3bff;
	e.size = 0;
	ioas_trace_event(t, &e);
	o = line_of(0);
	assert_string_equal(text_of(o, "result"), "-14");
	assert_string_equal(text_of(o, "error"), "EFAULT");
	assert_string_equal(text_of(o, "out"), "none");
	json_object_put(o);
	o = line_of(1);
	assert_string_equal(text_of(o, "command"), "0x3bff");
	assert_string_equal(text_of(o, "args"), "{ }");
	assert_string_equal(text_of(o, "error"), "4000");
	json_object_put(o);
	ioas_trace_destroy(t);
}

static void every_kind_has_its_arguments(void **state)
{
	static const struct ioas_ufile_ops ops = { .name = "/dev/iommu" };
	static const char *const want[][2] = {
		{ "open", "{ \"flags\": [ \"O_RDWR\" ] }" },
		{ "close", "{ }" },
		{ "ioctl", "{ }" },
		{ "read", "{ \"count\": 2 }" },
		{ "write", "{ \"count\": 2 }" },
		{ "mmap", "{ \"offset\": \"0x2\" }" },
	};
	struct ioas_trace *t = trace_new(path);
	struct ioas_ufile file;

	(void)state;
	ioas_ufile_init(&file, &ops);
	for (unsigned int i = 0; i < 6; i++) {
		const struct ioas_event e = {
			.kind = i, .serial = i + 1, .fd = -1, .file = &file,
			.arg = 2,
		};
		struct json_object *o;

		ioas_trace_event(t, &e);
		o = line_of(i);
		assert_string_equal(text_of(o, "event"), want[i][0]);
		assert_string_equal(text_of(o, "args"), want[i][1]);
		assert_string_equal(text_of(o, "file"), "/dev/iommu");
		/* Nobody's descriptor, nobody's process. */
		assert_string_equal(text_of(o, "fd"), "none");
		assert_string_equal(text_of(o, "pid"), "none");
		json_object_put(o);
	}
	ioas_trace_destroy(t);
}

/* Of whatever number; of a device the file says what it means. */
static void expect_device(struct ioas_event e, const char *command,
			  const char *args)
{
	struct ioas_trace *t = trace_new(path);
	struct json_object *o;

	e.device = true;
	e.fd = 4;
	ioas_trace_event(t, &e);
	ioas_trace_destroy(t);
	o = line_of(0);
	assert_string_equal(text_of(o, "command"), command);
	assert_string_equal(text_of(o, "args"), args);
	assert_string_equal(text_of(o, "file"), "/dev/vfio/devices/vfio3");
	json_object_put(o);
	assert_int_equal(truncate(path, 0), 0);
}

static void devices_have_requests_and_places(void **state)
{
	static const struct ioas_ufile_ops ops = { .name = "vfio" };
	struct ioas_ufile file;
	struct ioas_event e = { .file = &file,
				.name = "/dev/vfio/devices/vfio3" };

	(void)state;
	ioas_ufile_init(&file, &ops);
	e.kind = IOAS_EVENT_COMMAND;
	e.cmd = 0x3b71;
	expect_device(e, "VFIO_DEVICE_PCI_HOT_RESET", "{ }");
	e.cmd = IOAS_ABI_IOAS_MAP;
	expect_device(e, "0x3b85", "{ }");
	e.kind = IOAS_EVENT_READ;
	e.arg = 4;
	expect_device(e, "none", "{ \"count\": 4 }");
	e.placed = true;
	e.position = (UINT64_C(0x10) << 40) + 0x14;
	expect_device(e, "none",
		      "{ \"count\": 4, \"place\": \"bar0+0x14\" }");
	e.kind = IOAS_EVENT_WRITE;
	e.position = (UINT64_C(7) << 40) + 4;
	expect_device(e, "none",
		      "{ \"count\": 4, \"place\": \"config+0x4\" }");
	e.kind = IOAS_EVENT_MMAP;
	e.arg = UINT64_C(0x12) << 40;
	expect_device(e, "none",
		      "{ \"offset\": \"0x120000000000\", "
		      "\"place\": \"bar2+0x0\" }");
}

static void runs_share_a_file(void **state)
{
	struct ioas_trace *a = trace_new(path), *b = trace_new(path);

	(void)state;
	for (uint64_t i = 0; i < 10; i++) {
		const struct ioas_event e = event_map(i);

		ioas_trace_event(i % 2 ? a : b, &e);
	}
	for (unsigned int i = 0; i < 10; i++) {
		struct json_object *o = line_of(i);

		assert_int_equal(atoi(text_of(o, "serial")), i);
		json_object_put(o);
	}
	ioas_trace_destroy(a);
	ioas_trace_destroy(b);
}

static void *write_many(void *arg)
{
	for (uint64_t i = 0; i < 500; i++) {
		const struct ioas_event e = event_map(i);

		ioas_trace_event(arg, &e);
	}
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	struct ioas_trace *t = trace_new(path);
	char line[4096];
	unsigned int nr = 0;
	pthread_t thread[4];
	FILE *f;

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, write_many, t), 0);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ioas_trace_destroy(t);
	f = fopen(path, "r");
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); nr++) {
		struct json_object *o = json_tokener_parse(line);

		assert_non_null(o);
		json_object_put(o);
	}
	fclose(f);
	assert_int_equal(nr, 2000);
}

/* ---- files that take no more --------------------------------------------- */

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
	struct ioas_trace *t = NULL;

	(void)state;
	assert_int_equal(ioas_trace_create(&super, "/nowhere/at/all", &t),
			 -ENOENT);
	assert_null(t);
	assert_int_equal(nr_errors, 1);
	assert_non_null(strstr(last_error, "/nowhere/at/all"));
	ioas_trace_destroy(NULL);
}

static void a_full_disk_ends_the_trace_with_one_message(void **state)
{
	struct ioas_trace *t = trace_new("/dev/full");
	const struct ioas_event e = event_map(1);

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		ioas_trace_event(t, &e);
	assert_int_equal(nr_errors, 1);
	assert_non_null(strstr(last_error, strerror(ENOSPC)));
	ioas_trace_destroy(t);
	assert_int_equal(nr_errors, 1);
}

/* SIGPIPE would end us. */
static void a_reader_that_leaves_ends_only_the_trace(void **state)
{
	const struct ioas_event e = event_map(1);
	struct ioas_trace *t;
	int ends[2];
	char name[32];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ends[1]);
	t = trace_new(name);
	close(ends[1]);
	ioas_trace_event(t, &e);
	assert_int_equal(nr_errors, 0);
	close(ends[0]);
	ioas_trace_event(t, &e);
	ioas_trace_event(t, &e);
	assert_int_equal(nr_errors, 1);
	assert_non_null(strstr(last_error, strerror(EPIPE)));
	ioas_trace_destroy(t);
}

static void nobody_asked_for_it(void **state)
{
	const struct ioas_event e = event_map(1);

	(void)state;
	ioas_trace_event(NULL, &e);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_command_is_one_line),
		CASE(errors_have_names),
		CASE(every_kind_has_its_arguments),
		CASE(devices_have_requests_and_places),
		CASE(runs_share_a_file),
		CASE(lines_of_threads_do_not_mix),
		CASE(a_file_that_cannot_be_opened_is_an_error),
		CASE(a_full_disk_ends_the_trace_with_one_message),
		CASE(a_reader_that_leaves_ends_only_the_trace),
		CASE(nobody_asked_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
