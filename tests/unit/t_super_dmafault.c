/* SPDX-License-Identifier: MIT */
/*
 * DMA that failed: what is said of it, and which command is named
 *
 * The front end runs over a simulated host; functions are names here.
 */
#include "uapi_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "function/function.h"
#include "super/dmafault.h"
#include "super/task.h"
#include "uapi/hwpt.h"

struct ioas_function {
	const char *name;
};

static struct ioas_function disk = { "0000:01:00.0" };
static struct ioas_function engine = { "0000:02:00.0" };

const char *ioas_function_name(const struct ioas_function *f)
{
	return f->name;
}

const struct ioas_model *ioas_function_model(const struct ioas_function *f)
{
	static const struct ioas_model nvme = { .name = "nvme" };

	(void)f;
	return &nvme;
}

static struct ioas_run_options options;
static struct ioas_super super;
static struct ioas_process process;
static struct ioas_task task = { .process = &process };
static struct ioas_call call = { .task = &task };
static struct ioas_dmafaults *faults;
/* What stands for stderr, and the real one. */
static int out, stderr_fd;

static void on_command(struct simhost *h, const struct ioas_host_command *c)
{
	(void)h;
	ioas_dmafaults_command(faults, &call, c);
}

static void begin(void)
{
	char path[] = "/tmp/ioas-t-dmafault-XXXXXX";

	out = mkstemp(path);
	assert_true(out >= 0);
	unlink(path);
	stderr_fd = dup(STDERR_FILENO);
	process.pid = getpid();
	super.opts = &options;
	super.host.page_lg2 = 12;
	assert_int_equal(prctl(PR_SET_NAME, "a driver", 0, 0, 0), 0);
	assert_int_equal(ioas_dmafaults_create(&super, &faults), 0);
}

static int setup(void **state)
{
	struct uapi_test *t;

	if (uapi_setup(state))
		return -1;
	t = *state;
	options = (struct ioas_run_options){ 0 };
	begin();
	t->h->on_command = on_command;
	return 0;
}

static int teardown(void **state)
{
	struct uapi_test *t = *state;

	t->h->on_command = NULL;
	ioas_dmafaults_destroy(faults);
	close(out);
	close(stderr_fd);
	return uapi_teardown(state);
}

/* ---- faults -------------------------------------------------------------- */

/* An HWPT of no more than what is looked at; in the space @id. */
static void fault_at(struct uapi_test *t, struct ioas_function_fault fault,
		     uint32_t id)
{
	struct ioas_iommufd *ictx =
		ioas_iommufd_of_file(sim_file(t->h, t->c.fd));
	struct ioas_space *space = ioas_space_get(ictx, id);
	const struct ioas_object_class paging = {
		.type = IOAS_OBJECT_HWPT_PAGING
	};
	struct ioas_hwpt hwpt = { .obj = { .class = &paging, .ictx = ictx },
				  .space = space };

	assert_non_null(space);
	fault.f = fault.f ? fault.f : &disk;
	fault.hwpt = &hwpt;
	ioas_dmafaults_fault(faults, &fault);
	ioas_object_put(&space->obj);
}

#define FAULT_AT(t, id, ...) \
	fault_at(t, (struct ioas_function_fault){ __VA_ARGS__ }, id)

/* What is to be said goes to the file. */
static void loud(void)
{
	assert_true(dup2(out, STDERR_FILENO) >= 0);
}

/* What was said by then; good until the next call. */
static const char *said(void)
{
	static char text[16384];
	ssize_t n;

	ioas_dmafaults_flush(faults);
	assert_true(dup2(stderr_fd, STDERR_FILENO) >= 0);
	n = pread(out, text, sizeof(text) - 1, 0);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static const char *line_of(const char *rest)
{
	static char line[512];

	snprintf(line, sizeof(line),
		 "ioas: run: nvme 0000:01:00.0: DMA fault: %s\n", rest);
	return line;
}

/* As a line ends that names a command of ours. */
static const char *by(const char *rest)
{
	static char text[400];

	snprintf(text, sizeof(text), "%s of a driver (pid %d)", rest,
		 (int)getpid());
	return line_of(text);
}

static void keep(const struct ioas_dmafault_entry *e, void *data)
{
	*(struct ioas_dmafault_entry *)data = *e;
}

static struct ioas_dmafault_entry last_entry(void)
{
	struct ioas_dmafault_entry e = { .count = 0 };

	ioas_dmafaults_each(faults, keep, &e);
	return e;
}

static void count_one(const struct ioas_dmafault_entry *e, void *data)
{
	(void)e;
	++*(unsigned int *)data;
}

static unsigned int places(void)
{
	unsigned int nr = 0;

	ioas_dmafaults_each(faults, count_one, &nr);
	return nr;
}

static uint64_t total(void)
{
	unsigned int nr = 0;

	return ioas_dmafaults_each(faults, count_one, &nr);
}

/* ---- who did it ---------------------------------------------------------- */

static void what_nobody_mapped(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_RW, IOVA));
	loud();
	FAULT_AT(t, ioas, .iova = IOVA + PAGE, .write = true, .pasid = 3);
	assert_string_equal(
		said(), line_of("write of 0x2001000 (PASID 3): never mapped"));
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_NEVER);
}

static void what_was_unmapped(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	uint64_t bytes;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, 2 * PAGE, UC_RW, IOVA));
	expect_ok(uc_unmap(&t->c, ioas, IOVA, 2 * PAGE, &bytes));
	loud();
	FAULT_AT(t, ioas, .iova = IOVA + 0x1fff);
	assert_string_equal(
		said(), by("read of 0x2001fff: not mapped; unmapped last by "
			   "IOMMU_IOAS_UNMAP [0x2000000, 0x2001fff]"));
}

static void what_was_mapped_to_be_read(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct ioas_dmafault_entry e;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, IOVA));
	loud();
	FAULT_AT(t, ioas, .iova = IOVA, .write = true, .denied = true);
	assert_string_equal(
		said(), by("write of 0x2000000: not writable; mapped last by "
			   "IOMMU_IOAS_MAP [0x2000000, 0x2000fff]"));
	e = last_entry();
	assert_int_equal(e.deed, IOAS_DMAFAULT_MAPPED);
	assert_int_equal(e.pid, getpid());
	assert_string_equal(e.comm, "a driver");
	assert_string_equal(e.name, "0000:01:00.0");
	assert_string_equal(e.model, "nvme");
}

/* Each of them is at the address of the fault, or in its space, but not both. */
static void what_happened_elsewhere_is_not_to_blame(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t), other = ioas_new(t);
	struct uclient c = t->c;
	uint32_t same = 0;
	uint64_t bytes;

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, 2 * IOVA));
	expect_ok(uc_map_fixed(&t->c, other, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_unmap(&t->c, other, IOVA, PAGE, &bytes));
	/* Another context, where ids are the same. */
	c.fd = sim_open(t->h, 0);
	expect_ok(uc_ioas_alloc(&c, &same));
	assert_int_equal(same, ioas);
	expect_ok(uc_map_fixed(&c, same, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_unmap(&c, same, IOVA, PAGE, &bytes));
	FAULT_AT(t, ioas, .iova = IOVA, .denied = true, .write = true);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_MAPPED);
	assert_int_equal(last_entry().first, IOVA);
	expect_ok(uc_close(&c, c.fd));
}

static void a_space_does_not_inherit(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t old = ioas_new(t);
	uint32_t ioas;

	expect_ok(uc_map_fixed(&t->c, old, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_destroy(&t->c, old));
	ioas = ioas_new(t);
	assert_int_equal(ioas, old);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_NEVER);
}

static void a_context_does_not_inherit(void **state)
{
	struct uapi_test *t = *state;
	uint32_t ioas = ioas_new(t);

	/* Its memory may be what the next one has. */
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_close(&t->c, t->c.fd));
	t->c.fd = sim_open(t->h, 0);
	t->h->on_command = NULL;
	ioas = ioas_new(t);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_NEVER);
}

static void requests_of_containers_are_of_the_compat_space(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	uint64_t size = PAGE;

	expect_ok(uc_vfio_ioas_set(&t->c, ioas));
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	expect_ok(uc_vfio_map(&t->c, VA_RUN, IOVA, PAGE, 1));
	FAULT_AT(t, ioas, .iova = IOVA, .denied = true, .write = true);
	assert_string_equal(last_entry().command, "VFIO_IOMMU_MAP_DMA");
	expect_ok(uc_vfio_unmap(&t->c, IOVA, &size, 0));
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_string_equal(last_entry().command, "VFIO_IOMMU_UNMAP_DMA");
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_UNMAPPED);
}

/* ---- requests that no client need make ----------------------------------- */

static void tell(struct uapi_test *t, uint32_t cmd, const void *request,
		 size_t size, int64_t result)
{
	const struct ioas_host_command m = {
		.ictx = ioas_iommufd_of_file(sim_file(t->h, t->c.fd)),
		.cmd = cmd, .size = (uint32_t)size, .in = request,
		.out = request, .result = result,
	};

	ioas_dmafaults_command(faults, &call, &m);
}

static void tell_map(struct uapi_test *t, uint32_t ioas, uint64_t iova,
		     int64_t result)
{
	const struct ioas_abi_ioas_map m = { .ioas_id = ioas, .length = PAGE,
					     .iova = iova };

	tell(t, IOAS_ABI_IOAS_MAP, &m, sizeof(m), result);
}

static void tell_unmap(struct uapi_test *t, uint32_t ioas, uint64_t iova,
		       uint64_t length, int64_t result)
{
	const struct ioas_abi_ioas_unmap m = { .ioas_id = ioas, .iova = iova,
					       .length = length };

	tell(t, IOAS_ABI_IOAS_UNMAP, &m, sizeof(m), result);
}

static void maps_that_failed_did_nothing(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	tell_map(t, ioas, IOVA, -EFAULT);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_NEVER);
}

static void an_unmap_that_failed_may_have_done_a_part(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	tell_map(t, ioas, IOVA, 0);
	tell_unmap(t, ioas, IOVA, 4 * PAGE, -EBUSY);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_UNMAPPED);
	assert_int_equal(last_entry().last, IOVA + 4 * PAGE - 1);
	/* It is there: so that was another part. */
	FAULT_AT(t, ioas, .iova = IOVA, .write = true, .denied = true);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_MAPPED);
}

static void a_range_that_wraps_is_none(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	tell_unmap(t, ioas, IOVA, U64, -EOVERFLOW);
	tell_unmap(t, ioas, IOVA, 0, -EINVAL);
	tell(t, IOAS_ABI_IOAS_UNMAP, NULL, 0, -EFAULT);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_NEVER);
}

static void what_is_long_ago_is_forgotten(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	tell_unmap(t, ioas, IOVA, PAGE, 0);
	for (unsigned int i = 1; i < IOAS_DMAFAULT_COMMANDS; i++)
		tell_unmap(t, ioas, 2 * IOVA, PAGE, 0);
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_UNMAPPED);
	/* One more is one too many. */
	tell_unmap(t, ioas, 2 * IOVA, PAGE, 0);
	loud();
	FAULT_AT(t, ioas, .iova = IOVA, .write = true);
	assert_non_null(strstr(said(), line_of("write of 0x2000000: not mapped; "
					       "no command on it is "
					       "remembered")));
}

static void addresses_of_a_guest_are_its_own(void **state)
{
	struct uapi_test *t = *state;
	const struct ioas_object_class nested = {
		.type = IOAS_OBJECT_HWPT_NESTED
	};
	struct ioas_hwpt parent = { .space = NULL };
	struct ioas_hwpt hwpt = { .obj = { .class = &nested },
				  .parent = &parent };
	struct ioas_function_fault fault = { .f = &disk, .hwpt = &hwpt,
					     .iova = IOVA };

	tell_map(t, 1, IOVA, 0);
	loud();
	ioas_dmafaults_fault(faults, &fault);
	assert_string_equal(said(), line_of("read of 0x2000000: not mapped by "
					    "the nested page table"));
	/* Through none at all. */
	fault.hwpt = NULL;
	fault.write = true;
	ioas_dmafaults_fault(faults, &fault);
	assert_int_equal(last_entry().deed, IOAS_DMAFAULT_UNKNOWN);
}

/* ---- how often, how much -------------------------------------------------- */

static void the_same_is_said_once(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct ioas_dmafault_entry e;

	loud();
	for (unsigned int i = 0; i < 1000; i++)
		FAULT_AT(t, ioas, .iova = IOVA + i);
	assert_string_equal(said(), line_of("read of 0x2000000: never mapped"));
	e = last_entry();
	assert_int_equal(e.count, 1000);
	assert_int_equal(places(), 1);
	assert_int_equal(total(), 1000);
	FAULT_AT(t, ioas, .iova = IOVA, .write = true);
	FAULT_AT(t, ioas, .iova = IOVA, .pasid = 1);
	FAULT_AT(t, ioas, .iova = IOVA, .denied = true);
	FAULT_AT(t, ioas, .iova = IOVA + PAGE);
	FAULT_AT(t, ioas, .iova = IOVA, .f = &engine);
	assert_int_equal(places(), 6);
	assert_int_equal(total(), 1005);
}

static unsigned int lines(const char *text)
{
	unsigned int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

static void a_function_has_so_many_lines(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const char *text;

	loud();
	for (unsigned int i = 0; i < 2 * IOAS_DMAFAULT_PLACES; i++)
		FAULT_AT(t, ioas, .iova = IOVA + i * PAGE);
	/* Another is not to suffer for it. */
	FAULT_AT(t, ioas, .iova = IOVA, .f = &engine);
	text = said();
	assert_int_equal(lines(text), IOAS_DMAFAULT_PLACES + 2);
	assert_non_null(strstr(text, line_of("more at other places, which are "
					     "only counted")));
	assert_non_null(strstr(text, "0000:02:00.0"));
	assert_int_equal(places(), IOAS_DMAFAULT_PLACES + 1);
	assert_int_equal(total(), 2 * IOAS_DMAFAULT_PLACES + 1);
}

static void names_of_programs_are_made_clean(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	assert_int_equal(prctl(PR_SET_NAME, "a\nb\x1b[1m", 0, 0, 0), 0);
	/* Names are remembered for a while, by number. */
	process.pid = getpid() + 256 * 4096;
	tell_map(t, ioas, 2 * IOVA, 0);
	process.pid = getpid();
	tell_map(t, ioas, IOVA, 0);
	loud();
	FAULT_AT(t, ioas, .iova = IOVA, .denied = true);
	assert_non_null(strstr(said(), " of a?b?[1m (pid "));
}

static void quiet_is_only_listed(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);

	ioas_dmafaults_destroy(faults);
	options.quiet = true;
	assert_int_equal(ioas_dmafaults_create(&super, &faults), 0);
	loud();
	FAULT_AT(t, ioas, .iova = IOVA);
	assert_string_equal(said(), "");
	assert_int_equal(places(), 1);
}

/* Returning at all is the claim: a device would stand still. */
static void nobody_waits_for_who_reads(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	while (write(p[1], "x", 1) == 1)
		;
	assert_int_equal(fcntl(p[1], F_SETFL, 0), 0);
	assert_true(dup2(p[1], STDERR_FILENO) >= 0);
	for (unsigned int i = 0; i < 4; i++)
		FAULT_AT(t, ioas, .iova = IOVA + i * PAGE);
	tell_map(t, ioas, IOVA, 0);
	assert_int_equal(places(), 4);
	assert_true(dup2(stderr_fd, STDERR_FILENO) >= 0);
	/* Nor does it wait for ever: nobody reads any more. */
	close(p[1]);
	close(p[0]);
}

static void of_none_there_is_nothing(void **state)
{
	const struct ioas_function_fault fault = { .f = &disk };
	const struct ioas_host_command m = { .size = 0 };
	unsigned int nr = 0;

	(void)state;
	ioas_dmafaults_command(NULL, &call, &m);
	ioas_dmafaults_fault(NULL, &fault);
	ioas_dmafaults_flush(NULL);
	ioas_dmafaults_destroy(NULL);
	assert_int_equal(ioas_dmafaults_each(NULL, count_one, &nr), 0);
	assert_int_equal(nr, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_nobody_mapped),
		CASE(what_was_unmapped),
		CASE(what_was_mapped_to_be_read),
		CASE(what_happened_elsewhere_is_not_to_blame),
		CASE(a_space_does_not_inherit),
		CASE(a_context_does_not_inherit),
		CASE(requests_of_containers_are_of_the_compat_space),
		CASE(maps_that_failed_did_nothing),
		CASE(an_unmap_that_failed_may_have_done_a_part),
		CASE(a_range_that_wraps_is_none),
		CASE(what_is_long_ago_is_forgotten),
		CASE(addresses_of_a_guest_are_its_own),
		CASE(the_same_is_said_once),
		CASE(a_function_has_so_many_lines),
		CASE(names_of_programs_are_made_clean),
		CASE(quiet_is_only_listed),
		CASE(nobody_waits_for_who_reads),
		CASE(of_none_there_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
