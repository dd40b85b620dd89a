/* SPDX-License-Identifier: MIT */
/*
 * Fault queues: what a read takes, what an answer finds, and who is answered
 * when an attachment, a file or the room in the queue ends.
 */
#include <pthread.h>

#include "uapi_kinds.h"

#include "uapi/faultq.h"

#define RECORD sizeof(struct ioas_abi_pgfault)
#define PASID_VALID IOAS_ABI_PGFAULT_FLAGS_PASID_VALID
#define LAST_PAGE IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE
#define OUT IOAS_POLLOUT
#define IN (IOAS_POLLIN | IOAS_POLLRDNORM)

/* A queue, a device, and a page table that leads from one to the other. */
struct queue {
	struct device *d;
	uint32_t space;
	uint32_t fault;
	int fd;
	uint32_t hwpt;
};

static uint32_t fault_new(int *fd)
{
	uint32_t id = 0;

	expect_ok(uc_fault_queue(&w.t.c, &id, fd));
	assert_int_equal(w.t.p->fds[*fd].flags, IOAS_FD_CLOEXEC);
	return id;
}

static uint32_t faulting_new(const struct queue *q)
{
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(
		q->d, q->space,
		IOAS_ABI_HWPT_FAULT_ID_VALID | IOAS_ABI_HWPT_ALLOC_PASID);

	cmd.fault_id = q->fault;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

static struct queue queue_new(void)
{
	struct queue q = { .d = device_bind(0), .space = space_new() };

	q.fault = fault_new(&q.fd);
	q.hwpt = faulting_new(&q);
	assert_int_equal(attach(q.d, 0, q.hwpt), 0);
	return q;
}

static void request(struct device *d, uint32_t flags, uint32_t pasid,
		    uint32_t grpid)
{
	const struct ioas_page_request rq = {
		.flags = flags | LAST_PAGE,
		.pasid = pasid,
		.grpid = grpid,
		.perm = IOAS_ABI_PGFAULT_PERM_WRITE,
		.addr = 0x1000 * (uint64_t)grpid,
	};

	ioas_idev_page_request(d->idev, &rq);
}

static int64_t queue_read(const struct queue *q, void *to, size_t count)
{
	return uc_read(&w.t.c, q->fd, to, count);
}

static int64_t queue_write(const struct queue *q, const void *from,
			   size_t count)
{
	return uc_write(&w.t.c, q->fd, from, count);
}

static int queue_poll(const struct queue *q)
{
	return uc_poll(&w.t.c, q->fd);
}

static int64_t answer(const struct queue *q, uint32_t cookie, uint32_t code)
{
	const struct ioas_abi_page_response r = { cookie, code };

	return queue_write(q, &r, sizeof(r));
}

/* Read one: its cookie. */
static uint32_t take(const struct queue *q)
{
	struct ioas_abi_pgfault r = { .flags = 0 };

	assert_int_equal(queue_read(q, &r, RECORD), RECORD);
	return r.cookie;
}

/* ---- alloc -------------------------------------------------------------- */

static void a_queue_is_used_by_its_file(void **state)
{
	struct ioas_abi_fault_queue_alloc cmd = { .flags = 0 };
	int fd;
	uint32_t id;

	(void)state;
	cmd.flags = 1;
	assert_int_equal(command(IOAS_ABI_FAULT_QUEUE_ALLOC, &cmd),
			 -EOPNOTSUPP);
	id = fault_new(&fd);
	assert_int_equal(id, 1);
	assert_string_equal(sim_file(w.t.h, fd)->ops->name,
			    "anon_inode:[iommufd-pgfault]");
	assert_int_equal(destroy(id), -EBUSY);
	assert_int_equal(sim_close(w.t.h, fd), 0);
	assert_int_equal(destroy(id), 0);
}

static void failed_alloc_leaves_nothing(void **state)
{
	struct ioas_abi_fault_queue_alloc cmd = { .flags = 0 };
	uint64_t n = 1;

	(void)state;
	for (;; n++) {
		int ret;

		fault_begin(n);
		ret = command(IOAS_ABI_FAULT_QUEUE_ALLOC, &cmd);
		if (!fault_end()) {
			assert_int_equal(ret, 0);
			break;
		}
		assert_true(ret == -ENOMEM || ret == -EFAULT);
		assert_int_equal(sim_nr_fds(w.t.h), 1);
		assert_false(ioas_objects_any(w.ictx));
	}
	assert_true(n > 4);
}

static void file_keeps_the_context(void **state)
{
	int fd;

	(void)state;
	fault_new(&fd);
	assert_int_equal(sim_close(w.t.h, w.t.c.fd), 0);
	assert_int_equal(sim_nr_contexts(w.t.h), 1);
	assert_int_equal(sim_poll(w.t.h, fd), OUT);
	assert_int_equal(sim_close(w.t.h, fd), 0);
	assert_int_equal(sim_nr_contexts(w.t.h), 0);
}

/* ---- read --------------------------------------------------------------- */

static void a_record_tells_what_was_asked(void **state)
{
	struct queue q = queue_new();
	struct ioas_abi_pgfault r[3] = { { .flags = 0 } };

	(void)state;
	assert_int_equal(queue_poll(&q), OUT);
	assert_int_equal(queue_read(&q, r, sizeof(r)), 0);
	assert_int_equal(attach(q.d, 5, q.hwpt), 0);
	request(q.d, PASID_VALID, 5, 9);
	assert_int_equal(w.t.h->nr_changed, 1);
	assert_ptr_equal(w.t.h->last_changed, sim_file(w.t.h, q.fd));
	request(q.d, 0, 0, 10);
	assert_int_equal(queue_poll(&q), OUT | IN);
	assert_int_equal(queue_read(&q, r, 0), 0);
	assert_int_equal(queue_read(&q, r, RECORD - 1), -ESPIPE);
	assert_int_equal(queue_read(&q, r, RECORD + 8), -ESPIPE);
	memset(r, 0xff, sizeof(r));
	assert_int_equal(queue_read(&q, r, sizeof(r)), 2 * RECORD);
	assert_int_equal(queue_poll(&q), OUT);
	assert_int_equal(r[0].flags, PASID_VALID | LAST_PAGE);
	assert_int_equal(r[0].dev_id, q.d->idev->obj.id);
	assert_int_equal(r[0].pasid, 5);
	assert_int_equal(r[0].grpid, 9);
	assert_int_equal(r[0].perm, IOAS_ABI_PGFAULT_PERM_WRITE);
	assert_int_equal(r[0].__reserved, 0);
	assert_int_equal(r[0].addr, 0x9000);
	assert_int_equal(r[0].length, 0);
	assert_int_equal(r[0].cookie, 1);
	assert_int_equal(r[1].flags, LAST_PAGE);
	assert_int_equal(r[1].cookie, 2);
	assert_int_equal(answer(&q, 1, IOAS_ABI_PAGE_RESP_SUCCESS), 8);
	assert_int_equal(answer(&q, 1, IOAS_ABI_PAGE_RESP_SUCCESS), -EINVAL);
	assert_int_equal(q.d->answers[IOAS_ABI_PAGE_RESP_SUCCESS], 1);
}

static void unreadable_buffer_keeps_the_group(void **state)
{
	struct queue q = queue_new();
	struct ioas_abi_pgfault r = { .flags = 0 };

	(void)state;
	request(q.d, 0, 0, 1);
	assert_int_equal(sim_read(w.t.h, q.fd, 0, RECORD), -EFAULT);
	assert_int_equal(queue_poll(&q), OUT | IN);
	request(q.d, 0, 0, 2);
	/* No room for the cookie, and then none behind the first. */
	fault_begin(1);
	assert_int_equal(queue_read(&q, &r, RECORD), -ENOMEM);
	assert_true(fault_end());
	assert_int_equal(queue_read(&q, &r, RECORD), RECORD);
	assert_int_equal(r.grpid, 1);
	assert_int_equal(r.cookie, 1);
}

static void what_was_read_before_the_error_counts(void **state)
{
	struct queue q = queue_new();
	struct ioas_abi_pgfault r[2] = { { .flags = 0 } };

	(void)state;
	request(q.d, 0, 0, 1);
	request(q.d, 0, 0, 2);
	/* Points of a group: cookie, copy; the first also makes the table. */
	fault_begin(5);
	assert_int_equal(queue_read(&q, r, sizeof(r)), RECORD);
	assert_true(fault_end());
	assert_int_equal(r[0].cookie, 1);
	assert_int_equal(take(&q), 2);
}

static void the_lowest_free_cookie_is_used(void **state)
{
	struct queue q = queue_new();

	(void)state;
	for (uint32_t i = 1; i <= 700; i++) {
		request(q.d, 0, 0, i);
		assert_int_equal(take(&q), i);
	}
	assert_int_equal(answer(&q, 600, 0), 8);
	assert_int_equal(answer(&q, 300, 0), 8);
	assert_int_equal(answer(&q, 2, 1), 8);
	assert_int_equal(answer(&q, 701, 0), -EINVAL);
	assert_int_equal(answer(&q, 0, 0), -EINVAL);
	assert_int_equal(answer(&q, UINT32_MAX, 0), -EINVAL);
	for (unsigned int i = 0; i < 4; i++)
		request(q.d, 0, 0, i);
	assert_int_equal(take(&q), 2);
	assert_int_equal(take(&q), 300);
	assert_int_equal(take(&q), 600);
	assert_int_equal(take(&q), 701);
}

/* ---- write -------------------------------------------------------------- */

static void the_first_bad_answer_stops(void **state)
{
	struct queue q = queue_new();
	struct ioas_abi_page_response r[3] = { { 1, 0 }, { 2, 2 }, { 2, 0 } };

	(void)state;
	request(q.d, 0, 0, 1);
	request(q.d, 0, 0, 2);
	take(&q);
	take(&q);
	assert_int_equal(queue_write(&q, r, 7), -ESPIPE);
	assert_int_equal(queue_write(&q, r, 0), 0);
	assert_int_equal(sim_write(w.t.h, q.fd, 0, 8), -EFAULT);
	assert_int_equal(queue_write(&q, &r[1], 16), -EINVAL);
	assert_int_equal(queue_write(&q, r, sizeof(r)), 8);
	assert_int_equal(q.d->answers[0], 1);
	assert_int_equal(queue_write(&q, &r[2], 8), 8);
	assert_int_equal(q.d->answers[0], 2);
	assert_int_equal(q.d->answers[1], 0);
}

/* ---- who is answered "invalid" ------------------------------------------ */

static void detach_answers_what_is_left(void **state)
{
	struct queue q = queue_new();
	uint32_t other;

	(void)state;
	assert_int_equal(attach(q.d, 3, q.hwpt), 0);
	request(q.d, 0, 0, 1);
	request(q.d, PASID_VALID, 3, 2);
	request(q.d, PASID_VALID, 3, 3);
	assert_int_equal(take(&q), 1);
	assert_int_equal(take(&q), 2);
	ioas_idev_detach(q.d->idev, 3);
	assert_int_equal(q.d->answers[1], 2);
	assert_int_equal(queue_poll(&q), OUT);
	assert_int_equal(answer(&q, 2, 0), -EINVAL);
	/* Replace: the same, though the new one has the same queue. */
	other = faulting_new(&q);
	request(q.d, 0, 0, 4);
	assert_int_equal(replace(q.d, 0, other), 0);
	assert_int_equal(q.d->answers[1], 4);
	assert_int_equal(answer(&q, 1, 0), -EINVAL);
	request(q.d, 0, 0, 5);
	assert_int_equal(take(&q), 1);
	/* A replace that fails takes nothing away. */
	q.d->refuse = -EINVAL;
	assert_int_equal(replace(q.d, 0, q.hwpt), -EINVAL);
	assert_int_equal(answer(&q, 1, 0), 8);
}

static void nobody_answers_for_it(void **state)
{
	struct queue q = queue_new();
	struct device *d = q.d;

	(void)state;
	/* No attachment at this PASID, and the RID's is no nested one. */
	request(d, PASID_VALID, 3, 1);
	assert_int_equal(d->answers[1], 1);
	ioas_idev_detach(d->idev, 0);
	request(d, 0, 0, 2);
	assert_int_equal(d->answers[1], 2);
	assert_int_equal(attach(d, 0, hwpt_new(d, q.space, 0)), 0);
	request(d, 0, 0, 3);
	assert_int_equal(d->answers[1], 3);
	assert_int_equal(queue_poll(&q), OUT);
}

static void a_nested_rid_answers_for_pasids(void **state)
{
	struct queue q = queue_new();
	const uint32_t parent =
		hwpt_new(q.d, q.space, IOAS_ABI_HWPT_ALLOC_NEST_PARENT);
	const uint32_t nested = nested_new(q.d, parent, 0, q.fault);
	struct ioas_abi_pgfault r = { .flags = 0 };

	(void)state;
	assert_int_equal(replace(q.d, 0, nested), 0);
	request(q.d, PASID_VALID, 77, 1);
	assert_int_equal(queue_read(&q, &r, RECORD), RECORD);
	assert_int_equal(r.pasid, 77);
	/* It is the RID's. */
	ioas_idev_detach(q.d->idev, 77);
	assert_int_equal(q.d->answers[1], 0);
	ioas_idev_detach(q.d->idev, 0);
	assert_int_equal(q.d->answers[1], 1);
}

static void a_closed_file_answers_nobody(void **state)
{
	struct queue q = queue_new();

	(void)state;
	request(q.d, 0, 0, 1);
	request(q.d, 0, 0, 2);
	take(&q);
	assert_int_equal(sim_close(w.t.h, q.fd), 0);
	assert_int_equal(q.d->answers[1], 2);
	request(q.d, 0, 0, 3);
	assert_int_equal(q.d->answers[1], 3);
	/* The page table uses it still. */
	assert_int_equal(destroy(q.fault), -EBUSY);
	ioas_idev_detach(q.d->idev, 0);
	assert_int_equal(destroy(q.hwpt), 0);
	assert_int_equal(destroy(q.fault), 0);
}

static void a_full_queue_refuses(void **state)
{
	struct queue q = queue_new();

	(void)state;
	for (uint32_t i = 0; i < IOAS_FAULTQ_MAX; i++)
		request(q.d, 0, 0, i);
	assert_int_equal(q.d->answers[1], 0);
	request(q.d, 0, 0, 1);
	assert_int_equal(q.d->answers[1], 1);
	for (uint32_t i = 1; i <= IOAS_FAULTQ_MAX; i++)
		assert_int_equal(take(&q), i);
	request(q.d, 0, 0, 1);
	assert_int_equal(q.d->answers[1], 2);
	assert_int_equal(answer(&q, IOAS_FAULTQ_MAX, 0), 8);
	request(q.d, 0, 0, 1);
	assert_int_equal(take(&q), IOAS_FAULTQ_MAX);
}

/* A detach of another thread, in the middle of the copy of a record. */
static struct device *pulled;

static void *pull(void *data)
{
	struct device *d = data;

	ioas_idev_detach(d->idev, 0);
	return NULL;
}

static void pull_before_copy(void)
{
	pthread_t thread;

	if (pulled) {
		assert_int_equal(pthread_create(&thread, NULL, pull, pulled),
				 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	pulled = NULL;
}

static void a_group_may_go_while_it_is_read(void **state)
{
	struct queue q = queue_new();

	(void)state;
	request(q.d, 0, 0, 1);
	w.t.h->before_copy = pull_before_copy;
	pulled = q.d;
	assert_int_equal(take(&q), 1);
	assert_int_equal(q.d->answers[1], 1);
	assert_int_equal(queue_poll(&q), OUT);
	assert_int_equal(answer(&q, 1, 0), -EINVAL);
	/* And while it cannot be. */
	assert_int_equal(attach(q.d, 0, q.hwpt), 0);
	request(q.d, 0, 0, 2);
	pulled = q.d;
	assert_int_equal(sim_read(w.t.h, q.fd, 0, RECORD), -EFAULT);
	assert_int_equal(q.d->answers[1], 2);
	assert_int_equal(queue_poll(&q), OUT);
	assert_int_equal(attach(q.d, 0, q.hwpt), 0);
	request(q.d, 0, 0, 3);
	assert_int_equal(take(&q), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kinds_case(a_queue_is_used_by_its_file),
		kinds_case(failed_alloc_leaves_nothing),
		kinds_case(file_keeps_the_context),
		kinds_case(a_record_tells_what_was_asked),
		kinds_case(unreadable_buffer_keeps_the_group),
		kinds_case(what_was_read_before_the_error_counts),
		kinds_case(the_lowest_free_cookie_is_used),
		kinds_case(the_first_bad_answer_stops),
		kinds_case(detach_answers_what_is_left),
		kinds_case(nobody_answers_for_it),
		kinds_case(a_nested_rid_answers_for_pasids),
		kinds_case(a_closed_file_answers_nobody),
		kinds_case(a_full_queue_refuses),
		kinds_case(a_group_may_go_while_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
