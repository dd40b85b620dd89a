/* SPDX-License-Identifier: MIT */
/*
 * fault queues (docs/reference/iommufd-uapi.md 4.3, 6.15, 7.3, 7.5, 8;
 * iommufd-test-abi.md 3.6, 4.16)
 *
 *    TRIGGER_IOPF --> HWPT at the PASID --> queued --read--> cookie --write-->
 *                     (nested RID)            |                 |
 *                                             '-- detach, replace, destroy,
 *                                                 close: gone, unknown
 *
 * A page request of the mock is a group of one record. Not here: a first group
 * that does not fit into the buffer, for it is one record; what the device is
 * answered, which the mock does not show (t_uapi_faultq.c has it); and that the
 * descriptor is not seekable, which is the host's.
 */
#include "uapi_device.h"

#define RECORD sizeof(struct ioas_abi_pgfault)
#define RESPONSE sizeof(struct ioas_abi_page_response)
#define LAST_PAGE IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE
#define PASID_VALID IOAS_ABI_PGFAULT_FLAGS_PASID_VALID
#define QUIET IOAS_POLLOUT
#define READY (IOAS_POLLOUT | IOAS_POLLIN | IOAS_POLLRDNORM)
/* Where the memory of VA_RUN ends. */
#define VA_END (VA_RUN + VA_PAGES * PAGE)

struct queue {
	uint32_t id;
	int fd;
};

/* A device with PASIDs, its RID on an HWPT of a queue. */
struct setup {
	struct queue q;
	struct uc_mock m;
	uint32_t ioas;
	uint32_t hwpt;
};

static struct queue open_queue(struct uapi_test *t)
{
	struct queue q = { .fd = -1 };

	q.id = faultq_new(t, &q.fd);
	return q;
}

static struct setup setup_new(struct uapi_test *t)
{
	const struct uc_mock maker = device_new(t, 0);
	struct setup s = { .q = open_queue(t), .ioas = ioas_new(t) };

	s.hwpt = faulting_new(t, maker.idev, s.ioas, PASID, s.q.id, false);
	s.m = device_on(t, s.hwpt, DEV_PASID);
	return s;
}

/* A request of group @grpid, which names it in the cases. */
static void ask(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		uint32_t grpid)
{
	expect_ok(uc_iopf(&t->c, &(struct ioas_abi_test_trigger_iopf){
					 .dev_id = m.idev,
					 .pasid = pasid,
					 .grpid = grpid }));
}

/* The next record; the test ends if there is none. */
static struct ioas_abi_pgfault take(struct uapi_test *t, int fd)
{
	struct ioas_abi_pgfault r = { 0 };

	expect_ret(uc_read(&t->c, fd, &r, RECORD), RECORD);
	return r;
}

/* Its cookie; it is of group @grpid. */
static uint32_t take_of(struct uapi_test *t, int fd, uint32_t grpid)
{
	const struct ioas_abi_pgfault r = take(t, fd);

	assert_int_equal(r.grpid, grpid);
	return r.cookie;
}

static int64_t answer(struct uapi_test *t, int fd, uint32_t cookie,
		      uint32_t code)
{
	const struct ioas_abi_page_response r = { cookie, code };

	return uc_write(&t->c, fd, &r, sizeof(r));
}

static void expect_empty(struct uapi_test *t, int fd)
{
	struct ioas_abi_pgfault r;

	assert_int_equal(uc_poll(&t->c, fd), QUIET);
	expect_ret(uc_read(&t->c, fd, &r, RECORD), 0);
}

static void expect_unknown(struct uapi_test *t, int fd, uint32_t cookie)
{
	expect_errno(answer(t, fd, cookie, 0), -EINVAL);
}

static void expect_answered(struct uapi_test *t, int fd, uint32_t cookie)
{
	expect_ret(answer(t, fd, cookie, 0), RESPONSE);
}

static void detach(struct uapi_test *t, struct uc_mock m, uint32_t pasid)
{
	expect_ok(uc_pasid_detach(&t->c, m.stdev, pasid));
}

static void attach(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		   uint32_t pt)
{
	expect_ok(uc_pasid_attach(&t->c, m.stdev, pasid, &pt));
}

static void replace(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		    uint32_t pt)
{
	expect_ok(uc_pasid_replace(&t->c, m.stdev, pasid, &pt));
}

/* ---- 6.15 FAULT_QUEUE_ALLOC ---------------------------------------------- */

static void alloc_with_a_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	t->p->limit = t->c.fd + 1;
	for (unsigned int bit = 0; bit < 32; bit++) {
		struct ioas_abi_fault_queue_alloc s = { .flags = 1u << bit };

		expect_errno(do_read_only(t, IOAS_ABI_FAULT_QUEUE_ALLOC, &s),
			     -EOPNOTSUPP);
	}
}

static void alloc_without_a_descriptor_is_emfile_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t before = id_free(t);
	struct ioas_abi_fault_queue_alloc s = { .out_fault_id = 4711 };

	t->p->limit = t->c.fd + 1;
	expect_errno(do_read_only(t, IOAS_ABI_FAULT_QUEUE_ALLOC, &s), -EMFILE);
	expect_errno(uc_do(&t->c, IOAS_ABI_FAULT_QUEUE_ALLOC, &s), -EMFILE);
	assert_int_equal(s.out_fault_id, 4711);
	assert_int_equal(id_free(t), before);
	t->p->limit++;
	expect_ok(uc_fault_queue(&t->c, NULL, NULL));
}

static void alloc_without_memory_is_enomem_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t before = id_free(t);

	t->h->refuse_fd = true;
	expect_errno(uc_fault_queue(&t->c, NULL, NULL), -ENOMEM);
	assert_int_equal(id_free(t), before);
	assert_int_equal(sim_nr_fds(t->h), 1);
}

static void alloc_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t before = id_free(t);
	struct ioas_abi_fault_queue_alloc s = { .flags = 0 };

	expect_errno(do_read_only(t, IOAS_ABI_FAULT_QUEUE_ALLOC, &s), -EFAULT);
	assert_int_equal(id_free(t), before);
	assert_int_equal(sim_nr_fds(t->h), 1);
}

static void file_has_its_name_and_is_closed_on_exec(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = open_queue(t);

	assert_string_equal(sim_file(t->h, q.fd)->ops->name,
			    "anon_inode:[iommufd-pgfault]");
	assert_int_equal(t->p->fds[q.fd].flags, IOAS_FD_CLOEXEC);
}

static void file_takes_no_ioctl_and_no_mmap(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = open_queue(t);
	const struct ioas_mmap_request rq = { .length = PAGE };

	expect_errno(sim_ioctl(t->h, q.fd, IOAS_ABI_DESTROY, 0), -ENOTTY);
	expect_errno(sim_mmap(t->h, q.fd, &rq), -ENODEV);
}

/* ---- lifetimes ----------------------------------------------------------- */

static void queue_is_busy_while_its_file_is_open(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = open_queue(t);
	const int again = sim_dup(t->h, q.fd);

	expect_errno(uc_destroy(&t->c, q.id), -EBUSY);
	expect_ok(uc_close(&t->c, q.fd));
	expect_errno(uc_destroy(&t->c, q.id), -EBUSY);
	expect_ok(uc_close(&t->c, again));
	expect_ok(uc_destroy(&t->c, q.id));
	expect_errno(uc_destroy(&t->c, q.id), -ENOENT);
}

static void queue_is_busy_for_each_table_of_it(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const struct queue q = open_queue(t);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t hwpts[] = {
		faulting_new(t, m.idev, ioas_new(t), 0, q.id, false),
		faulting_new(t, m.idev, parent, 0, q.id, true),
		faulting_new(t, m.idev, viommu_new(t, m.idev, parent), 0, q.id,
			     true),
	};

	expect_ok(uc_close(&t->c, q.fd));
	for (unsigned int i = 0; i < 3; i++) {
		expect_errno(uc_destroy(&t->c, q.id), -EBUSY);
		/* The other way round nobody is held. */
		expect_ok(uc_destroy(&t->c, hwpts[i]));
	}
	expect_ok(uc_destroy(&t->c, q.id));
}

static void file_keeps_the_context_and_stays_usable(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	uint32_t cookie;

	ask(t, s.m, 0, 1);
	ask(t, s.m, 0, 2);
	cookie = take_of(t, s.q.fd, 1);
	expect_ok(uc_close(&t->c, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	assert_int_equal(uc_poll(&t->c, s.q.fd), READY);
	expect_answered(t, s.q.fd, cookie);
	expect_answered(t, s.q.fd, take_of(t, s.q.fd, 2));
	expect_empty(t, s.q.fd);
	expect_ok(uc_close(&t->c, s.q.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void context_may_end_with_requests_that_nobody_answered(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	for (uint32_t i = 0; i < 10; i++)
		ask(t, s.m, 0, i);
	take_of(t, s.q.fd, 0);
	expect_ok(uc_close(&t->c, t->c.fd));
	expect_ok(uc_close(&t->c, s.q.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void two_files_of_a_process_keep_one_context(void **state)
{
	struct uapi_test *t = *state;
	const struct queue a = open_queue(t), b = open_queue(t);

	expect_ok(uc_close(&t->c, t->c.fd));
	expect_ok(uc_close(&t->c, a.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_empty(t, b.fd);
	expect_ok(uc_close(&t->c, b.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

/* ---- 8.1 read ------------------------------------------------------------ */

static void read_of_broken_records_is_espipe(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	/* Whether something is there or not, and wherever it is to go. */
	for (unsigned int i = 0; i < 2; i++) {
		for (uint64_t count = 1; count < 3 * RECORD; count++)
			if (count % RECORD)
				expect_errno(sim_read(t->h, s.q.fd, VA_HOLE,
						      count),
					     -ESPIPE);
		expect_errno(sim_read(t->h, s.q.fd, VA_HOLE, U64), -ESPIPE);
		ask(t, s.m, 0, 1);
	}
	take_of(t, s.q.fd, 1);
}

static void read_of_nothing_is_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	expect_ret(sim_read(t->h, s.q.fd, VA_HOLE, RECORD), 0);
	expect_ret(sim_read(t->h, s.q.fd, VA_HOLE, 0), 0);
	ask(t, s.m, 0, 1);
	expect_ret(sim_read(t->h, s.q.fd, VA_HOLE, 0), 0);
	take_of(t, s.q.fd, 1);
	expect_ret(sim_read(t->h, s.q.fd, VA_HOLE, RECORD), 0);
}

static void record_of_a_rid_tells_what_was_asked(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct ioas_abi_pgfault want = {
		.flags = LAST_PAGE,
		.dev_id = s.m.idev,
		.grpid = 0xfffffffe,
		.perm = 0xf,
		.addr = 0xfedcba9876543210,
		.cookie = 1,
	};
	struct ioas_abi_pgfault seen;

	expect_ok(uc_iopf(&t->c, &(struct ioas_abi_test_trigger_iopf){
					 .dev_id = s.m.idev,
					 .grpid = want.grpid,
					 .perm = want.perm,
					 .addr = want.addr }));
	memset(&seen, 0x55, sizeof(seen));
	expect_ret(uc_read(&t->c, s.q.fd, &seen, sizeof(seen)), RECORD);
	assert_memory_equal(&seen, &want, sizeof(want));
}

static void record_of_a_pasid_says_so(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	struct ioas_abi_pgfault r;

	attach(t, s.m, 4711, s.hwpt);
	ask(t, s.m, 4711, 3);
	r = take(t, s.q.fd);
	assert_int_equal(r.flags, LAST_PAGE | PASID_VALID);
	assert_int_equal(r.pasid, 4711);
	assert_int_equal(r.grpid, 3);
	assert_int_equal(r.dev_id, s.m.idev);
	assert_int_equal(r.perm, 0);
	assert_int_equal(r.addr, 0);
}

static void records_come_in_the_order_of_the_requests(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	struct ioas_abi_pgfault r[6];

	memset(r, 0x55, sizeof(r));
	for (uint32_t i = 0; i < 7; i++)
		ask(t, s.m, 0, 10 + i);
	/* As many as fit; then as many as there are, and no byte more. */
	expect_ret(uc_read(&t->c, s.q.fd, r, 3 * RECORD), 3 * RECORD);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(r[i].grpid, 10 + i);
		assert_int_equal(r[i].cookie, 1 + i);
	}
	assert_int_equal(r[3].grpid, 0x55555555);
	expect_ret(uc_read(&t->c, s.q.fd, r, 6 * RECORD), 4 * RECORD);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(r[i].grpid, 13 + i);
		assert_int_equal(r[i].cookie, 4 + i);
	}
	assert_int_equal(r[4].grpid, 0x55555555);
}

static void cookie_is_the_lowest_that_is_free_when_read(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	for (uint32_t i = 0; i < 8; i++)
		ask(t, s.m, 0, i);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(take_of(t, s.q.fd, i), i + 1);
	expect_answered(t, s.q.fd, 4);
	expect_answered(t, s.q.fd, 2);
	assert_int_equal(take_of(t, s.q.fd, 5), 2);
	assert_int_equal(take_of(t, s.q.fd, 6), 4);
	assert_int_equal(take_of(t, s.q.fd, 7), 6);
}

static void cookies_of_hundreds_of_groups_are_dense(void **state)
{
	static struct ioas_abi_pgfault r[600];
	const uint32_t answered[] = { 600, 1, 257, 256, 300 };
	const uint32_t next[] = { 1, 256, 257, 300, 600, 601 };
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	for (uint32_t i = 0; i < 606; i++)
		ask(t, s.m, 0, i);
	expect_ret(uc_read(&t->c, s.q.fd, r, sizeof(r)), sizeof(r));
	for (uint32_t i = 0; i < 600; i++)
		assert_int_equal(r[i].cookie, i + 1);
	for (unsigned int i = 0; i < 5; i++)
		expect_answered(t, s.q.fd, answered[i]);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(take_of(t, s.q.fd, 600 + i), next[i]);
}

static void cookies_are_of_one_queue(void **state)
{
	struct uapi_test *t = *state;
	const struct setup a = setup_new(t), b = setup_new(t);

	ask(t, a.m, 0, 1);
	ask(t, b.m, 0, 2);
	assert_int_equal(take_of(t, a.q.fd, 1), 1);
	expect_unknown(t, b.q.fd, 1);
	assert_int_equal(take_of(t, b.q.fd, 2), 1);
	expect_answered(t, a.q.fd, 1);
	expect_answered(t, b.q.fd, 1);
}

static void unwritable_buffer_is_efault_and_keeps_the_group(
	void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint64_t at[] = { VA_HOLE, VA_READ_ONLY, VA_END - RECORD + 1,
				U64 - 8, 0 };

	ask(t, s.m, 0, 1);
	ask(t, s.m, 0, 2);
	for (unsigned int i = 0; i < 5; i++) {
		expect_errno(sim_read(t->h, s.q.fd, at[i], 2 * RECORD),
			     -EFAULT);
		/* Its cookie is nobody's. */
		expect_unknown(t, s.q.fd, 1);
		assert_int_equal(uc_poll(&t->c, s.q.fd), READY);
	}
	assert_int_equal(take_of(t, s.q.fd, 1), 1);
	assert_int_equal(take_of(t, s.q.fd, 2), 2);
}

static void records_before_a_fault_are_the_result(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint64_t at = VA_END - 2 * RECORD - 4;
	struct ioas_abi_pgfault r[2];

	for (uint32_t i = 1; i <= 4; i++)
		ask(t, s.m, 0, i);
	expect_ret(sim_read(t->h, s.q.fd, at, 100 * RECORD), 2 * RECORD);
	sim_peek(t->h, at, r, sizeof(r));
	assert_int_equal(r[0].grpid, 1);
	assert_int_equal(r[1].grpid, 2);
	assert_int_equal(take_of(t, s.q.fd, 3), 3);
	assert_int_equal(take_of(t, s.q.fd, 4), 4);
}

/* ---- 8.2 write ----------------------------------------------------------- */

static void write_of_broken_responses_is_espipe(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = open_queue(t);

	for (uint64_t count = 1; count < 3 * RESPONSE; count++)
		if (count % RESPONSE)
			expect_errno(sim_write(t->h, q.fd, VA_HOLE, count),
				     -ESPIPE);
	expect_errno(sim_write(t->h, q.fd, VA_HOLE, U64), -ESPIPE);
	expect_ret(sim_write(t->h, q.fd, VA_HOLE, 0), 0);
}

static void unreadable_response_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = open_queue(t);
	const uint64_t at[] = { 0, VA_HOLE, VA_END - RESPONSE + 1, U64 - 3 };

	for (unsigned int i = 0; i < 4; i++)
		expect_errno(sim_write(t->h, q.fd, at[i], RESPONSE), -EFAULT);
}

static void other_code_is_einval_and_answers_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t codes[] = { 2, 3, 1u << 31, UINT32_MAX };
	uint32_t cookie;

	ask(t, s.m, 0, 1);
	cookie = take_of(t, s.q.fd, 1);
	for (unsigned int i = 0; i < 4; i++)
		expect_errno(answer(t, s.q.fd, cookie, codes[i]), -EINVAL);
	expect_answered(t, s.q.fd, cookie);
}

static void unknown_cookie_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t cookies[] = { 0, 1, 2, 257, 1u << 31, UINT32_MAX };

	/* Not even the one that it will get. */
	ask(t, s.m, 0, 1);
	for (unsigned int i = 0; i < 6; i++)
		expect_unknown(t, s.q.fd, cookies[i]);
	assert_int_equal(take_of(t, s.q.fd, 1), 1);
}

static void cookie_is_answered_once_with_either_code(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	for (uint32_t code = 0; code < 2; code++) {
		ask(t, s.m, 0, 1);
		assert_int_equal(take_of(t, s.q.fd, 1), 1);
		expect_ret(answer(t, s.q.fd, 1, code), RESPONSE);
		expect_unknown(t, s.q.fd, 1);
	}
}

static void responses_are_done_up_to_the_first_bad_one(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct ioas_abi_page_response bad[] = {
		{ 99, 0 }, /* no such cookie */
		{ 4, 2 }, /* no such code */
		{ 3, 0 }, /* answered before, in the same call */
	};

	for (unsigned int i = 0; i < 3; i++) {
		const struct ioas_abi_page_response r[] = {
			{ 3, 0 }, { 1, 1 }, bad[i], { 2, 0 }
		};

		for (uint32_t k = 1; k <= 4; k++)
			ask(t, s.m, 0, k);
		for (uint32_t k = 1; k <= 4; k++)
			assert_int_equal(take_of(t, s.q.fd, k), k);
		expect_ret(uc_write(&t->c, s.q.fd, r, sizeof(r)),
			   2 * RESPONSE);
		expect_unknown(t, s.q.fd, 1);
		expect_unknown(t, s.q.fd, 3);
		expect_answered(t, s.q.fd, 2);
		expect_answered(t, s.q.fd, 4);
	}
}

static void responses_before_a_fault_are_the_result(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct ioas_abi_page_response r[] = { { 2, 0 }, { 1, 0 } };
	const uint64_t at = VA_END - sizeof(r);

	for (uint32_t k = 1; k <= 3; k++) {
		ask(t, s.m, 0, k);
		take_of(t, s.q.fd, k);
	}
	sim_poke(t->h, at, r, sizeof(r));
	expect_ret(sim_write(t->h, s.q.fd, at, 100 * RESPONSE),
		   sizeof(r));
	expect_unknown(t, s.q.fd, 2);
	expect_answered(t, s.q.fd, 3);
}

/* ---- 8.3 poll ------------------------------------------------------------ */

static void poll_tells_what_is_queued_and_that_one_may_write(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	uint64_t changes = t->h->nr_changed;

	assert_int_equal(uc_poll(&t->c, s.q.fd), QUIET);
	ask(t, s.m, 0, 1);
	ask(t, s.m, 0, 2);
	assert_int_equal(uc_poll(&t->c, s.q.fd), READY);
	/* Who waits is told. */
	assert_true(t->h->nr_changed > changes);
	assert_ptr_equal(t->h->last_changed, sim_file(t->h, s.q.fd));
	take_of(t, s.q.fd, 1);
	assert_int_equal(uc_poll(&t->c, s.q.fd), READY);
	take_of(t, s.q.fd, 2);
	/* What was read is not queued any more, answered or not. */
	assert_int_equal(uc_poll(&t->c, s.q.fd), QUIET);
	changes = t->h->nr_changed;
	ask(t, s.m, 0, 3);
	assert_true(t->h->nr_changed > changes);
	detach(t, s.m, 0);
	assert_int_equal(uc_poll(&t->c, s.q.fd), QUIET);
}

/* ---- 8.4 who receives ---------------------------------------------------- */

static void request_of_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t ids[] = { 0, NO_ID, s.m.stdev, s.hwpt, s.q.id };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_iopf(&t->c,
				     &(struct ioas_abi_test_trigger_iopf){
					     .dev_id = ids[i] }),
			     -ENOENT);
	expect_empty(t, s.q.fd);
}

static void request_that_nobody_receives_is_no_error(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct uc_mock automatic = device_new(t, 0);

	/* A table without a queue, none at all, a PASID without a table. */
	ask(t, automatic, 0, 1);
	detach(t, automatic, 0);
	ask(t, automatic, 0, 2);
	ask(t, automatic, 7, 3);
	/* The RID's table is a paging one. */
	ask(t, s.m, 7, 4);
	ask(t, s.m, UINT32_MAX, 5);
	expect_empty(t, s.q.fd);
}

static void request_goes_to_the_queue_at_its_pasid(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct queue q = open_queue(t);
	const uint32_t hwpt = faulting_new(t, s.m.idev, s.ioas, PASID, q.id,
					   false);

	attach(t, s.m, 7, hwpt);
	ask(t, s.m, 7, 1);
	ask(t, s.m, 0, 2);
	take_of(t, q.fd, 1);
	take_of(t, s.q.fd, 2);
	expect_empty(t, q.fd);
	expect_empty(t, s.q.fd);
}

static void devices_of_a_table_share_its_queue(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct uc_mock other = device_on(t, s.hwpt, 0);

	ask(t, other, 0, 1);
	ask(t, s.m, 0, 2);
	assert_int_equal(take(t, s.q.fd).dev_id, other.idev);
	assert_int_equal(take(t, s.q.fd).dev_id, s.m.idev);
}

static void tables_may_share_a_queue(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t hwpt = faulting_new(t, s.m.idev, s.ioas, PASID, s.q.id,
					   false);

	attach(t, s.m, 7, hwpt);
	ask(t, s.m, 7, 1);
	ask(t, s.m, 0, 2);
	assert_int_equal(take_of(t, s.q.fd, 1), 1);
	assert_int_equal(take_of(t, s.q.fd, 2), 2);
}

/* The RID goes to a nested table, whose queue's file is @fd. */
static void expect_nested_rid_answers(struct uapi_test *t, struct setup s,
				      uint32_t nested, int fd)
{
	struct ioas_abi_pgfault r;

	replace(t, s.m, 0, nested);
	ask(t, s.m, 0, 1);
	ask(t, s.m, 7, 2);
	r = take(t, fd);
	assert_int_equal(r.flags, LAST_PAGE);
	r = take(t, fd);
	assert_int_equal(r.flags, LAST_PAGE | PASID_VALID);
	assert_int_equal(r.pasid, 7);
	assert_int_equal(r.grpid, 2);
	expect_empty(t, s.q.fd);
}

static void nested_rid_answers_for_a_pasid_without_a_table(
	void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct queue q = open_queue(t);
	const uint32_t parent = parent_new(t, s.m.idev);
	const uint32_t v = viommu_new(t, s.m.idev, parent);
	const uint32_t on_parent = faulting_new(t, s.m.idev, parent, PASID,
						q.id, true);
	const uint32_t on_viommu = faulting_new(t, s.m.idev, v, PASID, q.id,
						true);

	expect_ok(uc_vdevice(&t->c, v, s.m.idev, 5, NULL));
	expect_nested_rid_answers(t, s, on_parent, q.fd);
	expect_nested_rid_answers(t, s, on_viommu, q.fd);
}

static void table_of_the_pasid_answers_though_it_has_no_queue(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct queue q = open_queue(t);
	const uint32_t nested = faulting_new(t, s.m.idev,
					     parent_new(t, s.m.idev), PASID,
					     q.id, true);

	replace(t, s.m, 0, nested);
	attach(t, s.m, 7, hwpt_new(t, s.m.idev, s.ioas, PASID));
	ask(t, s.m, 7, 1);
	expect_empty(t, q.fd);
	detach(t, s.m, 7);
	ask(t, s.m, 7, 2);
	take_of(t, q.fd, 2);
}

static void nested_rid_without_a_queue_answers_for_nobody(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	replace(t, s.m, 0,
		nested_new(t, s.m.idev, parent_new(t, s.m.idev), PASID));
	ask(t, s.m, 0, 1);
	ask(t, s.m, 7, 2);
	expect_empty(t, s.q.fd);
}

/* ---- the end of an attachment (7.3, 7.5) --------------------------------- */

/* Two requests are there: one that was read, and one that was not. */
static void expect_flushed(struct uapi_test *t, struct setup s,
			   uint32_t cookie)
{
	expect_empty(t, s.q.fd);
	expect_unknown(t, s.q.fd, cookie);
}

static uint32_t ask_twice(struct uapi_test *t, struct setup s, uint32_t pasid)
{
	ask(t, s.m, pasid, 1);
	ask(t, s.m, pasid, 2);
	return take_of(t, s.q.fd, 1);
}

static void detach_takes_queued_and_read_requests_away(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	uint32_t cookie = ask_twice(t, s, 0);

	detach(t, s.m, 0);
	expect_flushed(t, s, cookie);
	/* The cookie is free again. */
	attach(t, s.m, 0, s.hwpt);
	ask(t, s.m, 0, 3);
	assert_int_equal(take_of(t, s.q.fd, 3), cookie);
	expect_answered(t, s.q.fd, cookie);
}

static void destroyed_device_takes_its_requests_away(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	uint32_t cookie;

	attach(t, s.m, 7, s.hwpt);
	ask(t, s.m, 7, 9);
	assert_int_equal(take_of(t, s.q.fd, 9), 1);
	cookie = ask_twice(t, s, 0);
	expect_ok(uc_destroy(&t->c, s.m.stdev));
	expect_flushed(t, s, cookie);
	expect_unknown(t, s.q.fd, 1);
	expect_ok(uc_destroy(&t->c, s.hwpt));
	expect_ok(uc_close(&t->c, s.q.fd));
	expect_ok(uc_destroy(&t->c, s.q.id));
}

static void replace_takes_requests_away_whatever_comes(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t), other = setup_new(t);
	const uint32_t same_queue = faulting_new(t, s.m.idev, s.ioas, PASID,
						 s.q.id, false);
	/* None, another, the same queue on another table; and back. */
	const uint32_t to[] = { hwpt_new(t, s.m.idev, s.ioas, PASID),
				other.hwpt, same_queue };

	for (unsigned int i = 0; i < 3; i++) {
		const uint32_t cookie = ask_twice(t, s, 0);

		replace(t, s.m, 0, to[i]);
		expect_flushed(t, s, cookie);
		expect_empty(t, other.q.fd);
		replace(t, s.m, 0, s.hwpt);
	}
	ask(t, s.m, 0, 3);
	take_of(t, s.q.fd, 3);
}

static void replace_by_the_same_or_refused_keeps_requests(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t cookie = ask_twice(t, s, 0);
	uint32_t pt = s.hwpt;

	replace(t, s.m, 0, s.hwpt);
	pt = ioas_of_hole(t);
	expect_errno(uc_mock_replace(&t->c, s.m.stdev, &pt), -EFAULT);
	expect_answered(t, s.q.fd, cookie);
	take_of(t, s.q.fd, 2);
}

static void end_of_a_pasid_takes_its_requests_alone(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const struct uc_mock other = device_on(t, s.hwpt, 0);

	attach(t, s.m, 7, s.hwpt);
	attach(t, s.m, 8, s.hwpt);
	ask(t, s.m, 7, 70);
	ask(t, s.m, 0, 1);
	ask(t, s.m, 8, 80);
	ask(t, other, 0, 2);
	assert_int_equal(take_of(t, s.q.fd, 70), 1);
	ask(t, s.m, 7, 71);
	detach(t, s.m, 7);
	expect_unknown(t, s.q.fd, 1);
	assert_int_equal(take_of(t, s.q.fd, 1), 1);
	assert_int_equal(take_of(t, s.q.fd, 80), 2);
	assert_int_equal(take_of(t, s.q.fd, 2), 3);
	/* The RID's end is not the PASID's. */
	detach(t, s.m, 0);
	expect_unknown(t, s.q.fd, 1);
	expect_answered(t, s.q.fd, 2);
	expect_answered(t, s.q.fd, 3);
}

static void end_of_a_nested_rid_takes_what_it_received_for_pasids(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	const uint32_t nested = faulting_new(t, s.m.idev,
					     parent_new(t, s.m.idev), PASID,
					     s.q.id, true);
	uint32_t cookie;

	replace(t, s.m, 0, nested);
	cookie = ask_twice(t, s, 7);
	/* The end of nothing. */
	detach(t, s.m, 7);
	expect_answered(t, s.q.fd, cookie);
	assert_int_equal(take_of(t, s.q.fd, 2), cookie);
	detach(t, s.m, 0);
	expect_flushed(t, s, cookie);
}

static void closed_file_leaves_a_table_without_a_reader(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);

	ask_twice(t, s, 0);
	expect_ok(uc_close(&t->c, s.q.fd));
	/* Nothing is kept for one that cannot come any more. */
	ask(t, s.m, 0, 3);
	expect_errno(uc_destroy(&t->c, s.q.id), -EBUSY);
	expect_ok(uc_destroy(&t->c, s.m.stdev));
	expect_ok(uc_destroy(&t->c, s.hwpt));
	expect_ok(uc_destroy(&t->c, s.q.id));
}

static void other_process_reads_and_answers_as_well(void **state)
{
	struct uapi_test *t = *state;
	const struct setup s = setup_new(t);
	struct sim_process *other = simhost_process(t->h, 1);
	const int fd = sim_send(t->h, s.q.fd, other);

	ask(t, s.m, 0, 1);
	simhost_enter(t->h, other);
	expect_answered(t, fd, take_of(t, fd, 1));
	simhost_exit(other);
	simhost_enter(t->h, t->p);
	expect_empty(t, s.q.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(alloc_with_a_flag_is_eopnotsupp),
		uapi_case(alloc_without_a_descriptor_is_emfile_and_undone),
		uapi_case(alloc_without_memory_is_enomem_and_undone),
		uapi_case(alloc_copy_out_fault_is_efault_and_undone),
		uapi_case(file_has_its_name_and_is_closed_on_exec),
		uapi_case(file_takes_no_ioctl_and_no_mmap),
		uapi_case(queue_is_busy_while_its_file_is_open),
		uapi_case(queue_is_busy_for_each_table_of_it),
		uapi_case(file_keeps_the_context_and_stays_usable),
		uapi_case(context_may_end_with_requests_that_nobody_answered),
		uapi_case(two_files_of_a_process_keep_one_context),
		uapi_case(read_of_broken_records_is_espipe),
		uapi_case(read_of_nothing_is_zero),
		uapi_case(record_of_a_rid_tells_what_was_asked),
		uapi_case(record_of_a_pasid_says_so),
		uapi_case(records_come_in_the_order_of_the_requests),
		uapi_case(cookie_is_the_lowest_that_is_free_when_read),
		uapi_case(cookies_of_hundreds_of_groups_are_dense),
		uapi_case(cookies_are_of_one_queue),
		uapi_case(unwritable_buffer_is_efault_and_keeps_the_group),
		uapi_case(records_before_a_fault_are_the_result),
		uapi_case(write_of_broken_responses_is_espipe),
		uapi_case(unreadable_response_is_efault),
		uapi_case(other_code_is_einval_and_answers_nothing),
		uapi_case(unknown_cookie_is_einval),
		uapi_case(cookie_is_answered_once_with_either_code),
		uapi_case(responses_are_done_up_to_the_first_bad_one),
		uapi_case(responses_before_a_fault_are_the_result),
		uapi_case(poll_tells_what_is_queued_and_that_one_may_write),
		uapi_case(request_of_no_device_is_enoent),
		uapi_case(request_that_nobody_receives_is_no_error),
		uapi_case(request_goes_to_the_queue_at_its_pasid),
		uapi_case(devices_of_a_table_share_its_queue),
		uapi_case(tables_may_share_a_queue),
		uapi_case(nested_rid_answers_for_a_pasid_without_a_table),
		uapi_case(table_of_the_pasid_answers_though_it_has_no_queue),
		uapi_case(nested_rid_without_a_queue_answers_for_nobody),
		uapi_case(detach_takes_queued_and_read_requests_away),
		uapi_case(destroyed_device_takes_its_requests_away),
		uapi_case(replace_takes_requests_away_whatever_comes),
		uapi_case(replace_by_the_same_or_refused_keeps_requests),
		uapi_case(end_of_a_pasid_takes_its_requests_alone),
		uapi_case(
			end_of_a_nested_rid_takes_what_it_received_for_pasids),
		uapi_case(closed_file_leaves_a_table_without_a_reader),
		uapi_case(other_process_reads_and_answers_as_well),
	};

	return cmocka_run_group_tests_name("fault queues", tests, NULL, NULL);
}
