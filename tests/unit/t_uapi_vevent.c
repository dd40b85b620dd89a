/* SPDX-License-Identifier: MIT */
/*
 * queues of events of a VIOMMU (docs/reference/iommufd-uapi.md 4.3, 6.20, 9;
 * iommufd-test-abi.md 4.17, 5.7)
 *
 *    read:  | flags sequence | virt_id |    12 bytes, an event
 *           | LOST  sequence |               8 bytes, always the last
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 *
 * This test has a queue's file as its own, to set the number that comes next:
 * a wrap takes 2^31 events.
 */
#include "plat/common/fault_arm.h"
#include "uapi_nest.h"

#include "../../src/uapi/veventq.c"

#define TYPE IOAS_ABI_VEVENTQ_TYPE_SELFTEST
#define LOST IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS
#define READABLE (IOAS_POLLIN | IOAS_POLLRDNORM)
#define EVENT 12
#define HEADER 8
/* The virt_id of the device. */
#define VIRT_ID 0x77u

/* A device in a VIOMMU, attached, and a queue for its events. */
struct queue {
	struct nest n;
	uint32_t vdev;
	uint32_t nested;
	uint32_t id;
	int fd;
};

static struct nest nest_attached(struct uapi_test *t, uint64_t virt_id)
{
	const struct nest n = nest_new(t);

	vdevice_new(t, n.viommu, n.dev.idev, virt_id);
	expect_ok(attach(t, n.dev.stdev,
			 nested_new(t, n.dev.idev, n.viommu, 0)));
	return n;
}

static struct queue queue_new(struct uapi_test *t, uint32_t depth)
{
	struct queue q = { .n = nest_new(t), .fd = -1 };

	q.vdev = vdevice_new(t, q.n.viommu, q.n.dev.idev, VIRT_ID);
	q.nested = nested_new(t, q.n.dev.idev, q.n.viommu, 0);
	expect_ok(attach(t, q.n.dev.stdev, q.nested));
	expect_ok(uc_veventq(&t->c, q.n.viommu, TYPE, depth, &q.id, &q.fd));
	return q;
}

static void report(struct uapi_test *t, const struct queue *q, unsigned int nr)
{
	while (nr--)
		expect_ok(uc_vevent(&t->c, q->n.dev.idev));
}

/* The queue itself. */
static struct veventq *queue_of(struct uapi_test *t, const struct queue *q)
{
	return file_queue(sim_file(t->h, q->fd));
}

/* ---- what was read ------------------------------------------------------- */

static uint32_t word(const uint8_t *record, unsigned int i)
{
	uint32_t v;

	memcpy(&v, record + i * sizeof(v), sizeof(v));
	return v;
}

static const uint8_t *event_at(const uint8_t *record, uint32_t sequence)
{
	assert_int_equal(word(record, 0), 0);
	assert_int_equal(word(record, 1), sequence);
	assert_int_equal(word(record, 2), VIRT_ID);
	return record + EVENT;
}

static const uint8_t *lost_at(const uint8_t *record, uint32_t sequence)
{
	assert_int_equal(word(record, 0), LOST);
	assert_int_equal(word(record, 1), sequence);
	return record + HEADER;
}

/* Read all there is: events @first to @last, then perhaps a LOST header. */
static void expect_read(struct uapi_test *t, const struct queue *q,
			uint32_t first, uint32_t nr, int64_t lost)
{
	const size_t bytes = nr * EVENT + (lost < 0 ? 0 : HEADER);
	uint8_t buffer[512];
	const uint8_t *at = buffer;

	expect_ret(uc_read(&t->c, q->fd, buffer, sizeof(buffer)),
		   (int64_t)bytes);
	for (uint32_t i = 0; i < nr; i++)
		at = event_at(at, first + i);
	if (lost >= 0)
		at = lost_at(at, (uint32_t)lost);
	assert_ptr_equal(at, buffer + bytes);
	expect_ret(uc_poll(&t->c, q->fd), 0);
}

/* ---- 6.20 VEVENTQ_ALLOC -------------------------------------------------- */

static int alloc(struct uapi_test *t, struct ioas_abi_veventq_alloc s)
{
	return uc_do(&t->c, IOAS_ABI_VEVENTQ_ALLOC, &s);
}

static void alloc_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 0; bit < 32; bit++)
		expect_errno(alloc(*state, (struct ioas_abi_veventq_alloc){
						   .flags = 1u << bit,
						   .viommu_id = NO_ID,
						   .type = TYPE }),
			     -EOPNOTSUPP);
}

static void alloc_reserved_member_is_eopnotsupp(void **state)
{
	expect_errno(alloc(*state,
			   (struct ioas_abi_veventq_alloc){ .viommu_id = NO_ID,
							    .type = TYPE,
							    .__reserved = 1 }),
		     -EOPNOTSUPP);
}

static void alloc_type_zero_is_eopnotsupp(void **state)
{
	expect_errno(alloc(*state, (struct ioas_abi_veventq_alloc){
					   .viommu_id = NO_ID }),
		     -EOPNOTSUPP);
}

static void alloc_depth_zero_is_einval(void **state)
{
	expect_errno(alloc(*state,
			   (struct ioas_abi_veventq_alloc){ .viommu_id = NO_ID,
							    .type = TYPE }),
		     -EINVAL);
}

static void alloc_in_no_viommu_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.parent, n.dev.idev };

	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, NULL, NULL));
	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_veventq(&t->c, ids[i], TYPE, 1, NULL, NULL),
			     -ENOENT);
}

static void alloc_of_a_type_that_is_there_is_eexist(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	uint32_t id = 0;
	int fd = -1;

	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, &id, &fd));
	/* Without a descriptor, too. */
	t->p->limit = fd + 1;
	expect_errno(uc_veventq(&t->c, n.viommu, TYPE, 2, NULL, NULL),
		     -EEXIST);
	t->p->limit = SIM_FDS;
	/* Of another type, of another VIOMMU. */
	expect_ok(uc_veventq(&t->c, n.viommu, 1, 1, NULL, NULL));
	expect_ok(uc_veventq(&t->c, viommu_beside(t, &n), TYPE, 1, NULL, NULL));
	/* It is there until it is destroyed. */
	expect_ok(uc_close(&t->c, fd));
	expect_errno(uc_veventq(&t->c, n.viommu, TYPE, 1, NULL, NULL),
		     -EEXIST);
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, NULL, NULL));
}

static void alloc_takes_any_type_but_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	static const uint32_t types[] = { 1, 2, 3, TYPE, UINT32_MAX };

	for (unsigned int i = 0; i < 5; i++)
		expect_ok(uc_veventq(&t->c, n.viommu, types[i], 1, NULL, NULL));
}

static void alloc_without_a_descriptor_is_emfile_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_veventq_alloc s = { .viommu_id = n.viommu,
					    .type = TYPE,
					    .veventq_depth = 1,
					    .out_veventq_id = 77,
					    .out_veventq_fd = 78 };

	t->p->limit = t->c.fd + 1;
	expect_errno(uc_do(&t->c, IOAS_ABI_VEVENTQ_ALLOC, &s), -EMFILE);
	assert_int_equal(s.out_veventq_id, 77);
	assert_int_equal(s.out_veventq_fd, 78);
	t->p->limit = SIM_FDS;
	t->h->refuse_fd = true;
	expect_errno(uc_do(&t->c, IOAS_ABI_VEVENTQ_ALLOC, &s), -ENOMEM);
	t->h->refuse_fd = false;
	expect_errno(uc_destroy(&t->c, n.viommu + 1), -ENOENT);
	expect_ok(uc_do(&t->c, IOAS_ABI_VEVENTQ_ALLOC, &s));
	assert_int_equal(s.out_veventq_id, n.viommu + 1);
}

static void alloc_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_veventq_alloc s = { .viommu_id = n.viommu,
					    .type = TYPE,
					    .veventq_depth = 1 };
	const unsigned int fds = sim_nr_fds(t->h);

	expect_errno(do_read_only(t, IOAS_ABI_VEVENTQ_ALLOC, &s), -EFAULT);
	assert_int_equal(sim_nr_fds(t->h), fds);
	expect_ok(uc_do(&t->c, IOAS_ABI_VEVENTQ_ALLOC, &s));
	assert_int_equal(s.out_veventq_id, n.viommu + 1);
	assert_int_equal(s.out_veventq_fd, t->c.fd + 1);
}

static void alloc_gives_a_descriptor_that_closes_on_exec(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);

	assert_int_equal(t->p->fds[q.fd].flags, IOAS_FD_CLOEXEC);
	assert_string_equal(sim_file(t->h, q.fd)->ops->name,
			    "anon_inode:[iommufd-viommu-event]");
}

/* ---- 4.17 TRIGGER_VEVENT ------------------------------------------------- */

static void trigger_for_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_attached(t, VIRT_ID);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.stdev, n.viommu };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_vevent(&t->c, ids[i]), -ENOENT);
}

static void trigger_of_a_device_in_no_viommu_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);

	/* Without a queue that is EOPNOTSUPP, later. */
	vdevice_new(t, n.viommu, n.dev.idev, VIRT_ID);
	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
	expect_ok(attach(t, n.dev.stdev,
			 nested_new(t, n.dev.idev, n.parent, 0)));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
	expect_ok(attach(t, n.dev.stdev, n.parent));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
	/* And when it has left. */
	expect_ok(attach(t, n.dev.stdev, nested));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -EOPNOTSUPP);
	expect_ok(attach(t, n.dev.stdev, n.ioas));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
}

static void trigger_of_virt_id_zero_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_attached(t, 0);

	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, NULL, NULL));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -ENOENT);
}

static void trigger_without_a_queue_of_its_type_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_attached(t, VIRT_ID);
	uint32_t id = 0;
	int fd = -1;

	expect_errno(uc_vevent(&t->c, n.dev.idev), -EOPNOTSUPP);
	expect_ok(uc_veventq(&t->c, n.viommu, TYPE + 1, 1, &id, &fd));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -EOPNOTSUPP);
	expect_ret(uc_poll(&t->c, fd), 0);
	/* Nor is one of another VIOMMU of any use. */
	expect_ok(uc_veventq(&t->c, viommu_beside(t, &n), TYPE, 1, NULL, NULL));
	expect_errno(uc_vevent(&t->c, n.dev.idev), -EOPNOTSUPP);
	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, NULL, NULL));
	expect_ok(uc_vevent(&t->c, n.dev.idev));
}

static void trigger_into_a_full_queue_succeeds(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);

	report(t, &q, 5);
}

static void trigger_tells_the_virt_id_of_the_attachment(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 4);
	const uint32_t second = nested_new(t, q.n.dev.idev, q.n.viommu, 0);
	uint32_t vdev = 0;

	/* Another VDEVICE since: it stays who it was. */
	expect_ok(uc_destroy(&t->c, q.vdev));
	report(t, &q, 1);
	vdev = vdevice_new(t, q.n.viommu, q.n.dev.idev, VIRT_ID + 1);
	report(t, &q, 1);
	/* Also on the next HWPT of that VIOMMU. */
	expect_ok(attach(t, q.n.dev.stdev, second));
	report(t, &q, 1);
	expect_read(t, &q, 0, 3, -1);
	/* Until it has been elsewhere. */
	expect_ok(attach(t, q.n.dev.stdev, q.n.ioas));
	expect_ok(uc_destroy(&t->c, vdev));
	vdevice_new(t, q.n.viommu, q.n.dev.idev, VIRT_ID);
	expect_ok(attach(t, q.n.dev.stdev, second));
	report(t, &q, 1);
	expect_read(t, &q, 3, 1, -1);
}

static void trigger_tells_which_device_it_was(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 4);
	const struct uc_mock second = mock_new(t, q.n.ioas);
	uint8_t b[2 * EVENT];

	vdevice_new(t, q.n.viommu, second.idev, 0xffffffff);
	expect_ok(attach(t, second.stdev, q.nested));
	expect_ok(uc_vevent(&t->c, second.idev));
	report(t, &q, 1);
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), 2 * EVENT);
	assert_int_equal(word(b, 2), 0xffffffff);
	event_at(b + EVENT, 1);
}

static void trigger_tells_the_host_that_the_file_is_ready(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);
	const uint64_t before = t->h->nr_changed;

	report(t, &q, 2);
	assert_int_equal(t->h->nr_changed, before + 2);
	assert_ptr_equal(t->h->last_changed, sim_file(t->h, q.fd));
}

/* ---- 9.2: queueing ------------------------------------------------------- */

static void events_come_in_order_with_their_numbers(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 40);

	report(t, &q, 3);
	expect_read(t, &q, 0, 3, -1);
	report(t, &q, 40);
	expect_read(t, &q, 3, 40, -1);
}

static void events_beyond_the_depth_are_lost(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t depth = 1; depth <= 4; depth++) {
		const struct queue q = queue_new(t, depth);

		report(t, &q, depth + 1);
		expect_read(t, &q, 0, depth, depth);
		/* Its number is used up. */
		report(t, &q, 1);
		expect_read(t, &q, depth + 1, 1, -1);
	}
}

static void lost_header_tells_the_last_number(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);

	report(t, &q, 10);
	expect_read(t, &q, 0, 2, 9);
	report(t, &q, 2);
	expect_read(t, &q, 10, 2, -1);
}

static void lost_header_goes_when_an_event_comes_behind_it(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[64];

	report(t, &q, 4);
	/* 0 1 LOST 3 */
	expect_ret(uc_read(&t->c, q.fd, b, EVENT), EVENT);
	event_at(b, 0);
	report(t, &q, 1);
	/* 1 4: the gap says it all */
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), 2 * EVENT);
	event_at(event_at(b, 1), 4);
	expect_ret(uc_poll(&t->c, q.fd), 0);
}

static void lost_header_is_not_counted(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[64];

	report(t, &q, 3);
	expect_ret(uc_read(&t->c, q.fd, b, 2 * EVENT), 2 * EVENT);
	/* LOST 2 is all there is: both places are free. */
	report(t, &q, 3);
	expect_read(t, &q, 3, 2, 5);
}

static void lost_header_moves_behind_later_events(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[64];

	report(t, &q, 3);
	expect_ret(uc_read(&t->c, q.fd, b, EVENT), EVENT);
	report(t, &q, 2);
	/* 1 3 LOST 4 */
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), 2 * EVENT + HEADER);
	lost_at(event_at(event_at(b, 1), 3), 4);
}

static void largest_depth_is_accepted(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, UINT32_MAX);

	report(t, &q, 42);
	expect_read(t, &q, 0, 42, -1);
}

static void sequence_wraps_to_zero_after_the_largest(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[64];

	queue_of(t, &q)->sequence = 0x7fffffff;
	report(t, &q, 2);
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), 2 * EVENT);
	event_at(event_at(b, 0x7fffffff), 0);
	/* Lost ones, too. */
	queue_of(t, &q)->sequence = 0x7ffffffd;
	report(t, &q, 4);
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), 2 * EVENT + HEADER);
	lost_at(event_at(event_at(b, 0x7ffffffd), 0x7ffffffe), 0);
}

static void shortage_of_memory_loses_the_event(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 4);
	/* Copy of the request, lookup of the device, event. */
	struct ioas_fault fault = { .nth = 3 };

	ioas_fault_arm(&fault);
	simhost_task(t->h)->caller.fault = &fault;
	report(t, &q, 1);
	simhost_task(t->h)->caller.fault = NULL;
	ioas_fault_disarm();
	assert_int_equal(fault.failed, IOAS_FP_ALLOC_LIST);
	expect_read(t, &q, 0, 0, 0);
	report(t, &q, 1);
	expect_read(t, &q, 1, 1, -1);
}

/* ---- 9.3: read and poll -------------------------------------------------- */

static void read_of_an_empty_queue_is_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);

	expect_ret(sim_read(t->h, q.fd, VA_HOLE, 100), 0);
	expect_ret(uc_poll(&t->c, q.fd), 0);
}

static void read_below_the_first_element_is_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);

	report(t, &q, 2);
	for (uint64_t count = 0; count < EVENT; count++)
		expect_ret(sim_read(t->h, q.fd, VA_HOLE, count), 0);
	expect_ret(sim_read(t->h, q.fd, VA_RUN, EVENT), EVENT);
	/* A LOST header is 8 bytes. */
	for (uint64_t count = 0; count < HEADER; count++)
		expect_ret(sim_read(t->h, q.fd, VA_HOLE, count), 0);
	expect_ret(sim_read(t->h, q.fd, VA_RUN, HEADER), HEADER);
}

static void read_stops_before_what_does_not_fit(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 3);
	uint8_t b[64];

	report(t, &q, 4);
	memset(b, 0xcc, sizeof(b));
	expect_ret(uc_read(&t->c, q.fd, b, 2 * EVENT - 1), EVENT);
	event_at(b, 0);
	for (unsigned int i = EVENT; i < sizeof(b); i++)
		assert_int_equal(b[i], 0xcc);
	expect_ret(uc_read(&t->c, q.fd, b, 2 * EVENT + HEADER - 1), 2 * EVENT);
	event_at(event_at(b, 1), 2);
	expect_ret(uc_poll(&t->c, q.fd), READABLE);
	expect_read(t, &q, 0, 0, 3);
}

static void read_needs_no_alignment(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[2 * EVENT];

	report(t, &q, 2);
	expect_ret(sim_read(t->h, q.fd, VA_RUN + PAGE - 5, UINT64_MAX),
		   2 * EVENT);
	sim_peek(t->h, VA_RUN + PAGE - 5, b, sizeof(b));
	event_at(event_at(b, 0), 1);
}

static void read_that_faults_keeps_the_element(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);

	report(t, &q, 3);
	expect_errno(sim_read(t->h, q.fd, VA_HOLE, 100), -EFAULT);
	expect_errno(sim_read(t->h, q.fd, VA_READ_ONLY, 100), -EFAULT);
	expect_errno(sim_read(t->h, q.fd, RUN_END - EVENT + 1, 100), -EFAULT);
	expect_ret(uc_poll(&t->c, q.fd), READABLE);
	expect_read(t, &q, 0, 2, 2);
}

static void read_that_faults_later_tells_what_it_has(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);
	uint8_t b[EVENT];

	report(t, &q, 3);
	/* Room for one event and a half. */
	expect_ret(sim_read(t->h, q.fd, RUN_END - 18, 100), EVENT);
	sim_peek(t->h, RUN_END - 18, b, sizeof(b));
	event_at(b, 0);
	expect_read(t, &q, 1, 1, 2);
}

static void read_that_faults_keeps_a_lost_header(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);

	report(t, &q, 2);
	expect_ret(sim_read(t->h, q.fd, RUN_END - EVENT, 100), EVENT);
	expect_errno(sim_read(t->h, q.fd, RUN_END - 4, 100), -EFAULT);
	expect_ret(uc_poll(&t->c, q.fd), READABLE);
	expect_read(t, &q, 0, 0, 1);
}

static void poll_is_readable_with_an_element(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);
	uint8_t b[EVENT];

	expect_ret(uc_poll(&t->c, q.fd), 0);
	report(t, &q, 2);
	expect_ret(uc_poll(&t->c, q.fd), READABLE);
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), EVENT);
	/* A LOST header is one. */
	expect_ret(uc_poll(&t->c, q.fd), READABLE);
	expect_ret(uc_read(&t->c, q.fd, b, sizeof(b)), HEADER);
	expect_ret(uc_poll(&t->c, q.fd), 0);
}

static void write_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);
	static const uint8_t b[EVENT];

	expect_errno(uc_write(&t->c, q.fd, b, sizeof(b)), -EINVAL);
	expect_errno(sim_write(t->h, q.fd, 0, 0), -EINVAL);
}

/* ---- 4.3, 2: who keeps what ---------------------------------------------- */

static void queue_is_busy_while_its_file_is_open(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);
	const int second = sim_dup(t->h, q.fd);

	report(t, &q, 2);
	expect_errno(uc_destroy(&t->c, q.id), -EBUSY);
	expect_ok(uc_close(&t->c, q.fd));
	expect_errno(uc_destroy(&t->c, q.id), -EBUSY);
	expect_ok(uc_close(&t->c, second));
	/* With events that nobody read. */
	expect_ok(uc_destroy(&t->c, q.id));
	expect_errno(uc_destroy(&t->c, q.id), -ENOENT);
}

static void queue_takes_events_after_its_file_was_closed(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 1);
	const uint64_t before = t->h->nr_changed;

	expect_ok(uc_close(&t->c, q.fd));
	report(t, &q, 2);
	/* There is no file to speak of. */
	assert_int_equal(t->h->nr_changed, before);
	expect_ok(uc_destroy(&t->c, q.id));
	expect_errno(uc_vevent(&t->c, q.n.dev.idev), -EOPNOTSUPP);
}

static void queue_keeps_its_viommu_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	uint32_t id = 0;
	int fd = -1;

	expect_ok(uc_veventq(&t->c, n.viommu, TYPE, 1, &id, &fd));
	expect_errno(uc_destroy(&t->c, n.viommu), -EBUSY);
	expect_ok(uc_close(&t->c, fd));
	expect_errno(uc_destroy(&t->c, n.viommu), -EBUSY);
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_destroy(&t->c, n.viommu));
}

static void file_keeps_the_context(void **state)
{
	struct uapi_test *t = *state;
	const struct queue q = queue_new(t, 2);

	report(t, &q, 3);
	expect_ok(uc_close(&t->c, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_read(t, &q, 0, 2, 2);
	expect_ok(uc_close(&t->c, q.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void file_works_in_another_process(void **state)
{
	struct uapi_test *t = *state;
	struct queue q = queue_new(t, 2);
	struct sim_process *other = simhost_process(t->h, 1);

	report(t, &q, 3);
	q.fd = sim_send(t->h, q.fd, other);
	simhost_enter(t->h, other);
	expect_read(t, &q, 0, 2, 2);
	simhost_enter(t->h, t->p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(alloc_flag_is_eopnotsupp),
		uapi_case(alloc_reserved_member_is_eopnotsupp),
		uapi_case(alloc_type_zero_is_eopnotsupp),
		uapi_case(alloc_depth_zero_is_einval),
		uapi_case(alloc_in_no_viommu_is_enoent),
		uapi_case(alloc_of_a_type_that_is_there_is_eexist),
		uapi_case(alloc_takes_any_type_but_zero),
		uapi_case(alloc_without_a_descriptor_is_emfile_and_undone),
		uapi_case(alloc_copy_out_fault_is_efault_and_undone),
		uapi_case(alloc_gives_a_descriptor_that_closes_on_exec),
		uapi_case(trigger_for_no_device_is_enoent),
		uapi_case(trigger_of_a_device_in_no_viommu_is_enoent),
		uapi_case(trigger_of_virt_id_zero_is_enoent),
		uapi_case(trigger_without_a_queue_of_its_type_is_eopnotsupp),
		uapi_case(trigger_into_a_full_queue_succeeds),
		uapi_case(trigger_tells_the_virt_id_of_the_attachment),
		uapi_case(trigger_tells_which_device_it_was),
		uapi_case(trigger_tells_the_host_that_the_file_is_ready),
		uapi_case(events_come_in_order_with_their_numbers),
		uapi_case(events_beyond_the_depth_are_lost),
		uapi_case(lost_header_tells_the_last_number),
		uapi_case(lost_header_goes_when_an_event_comes_behind_it),
		uapi_case(lost_header_is_not_counted),
		uapi_case(lost_header_moves_behind_later_events),
		uapi_case(largest_depth_is_accepted),
		uapi_case(sequence_wraps_to_zero_after_the_largest),
		uapi_case(shortage_of_memory_loses_the_event),
		uapi_case(read_of_an_empty_queue_is_zero),
		uapi_case(read_below_the_first_element_is_zero),
		uapi_case(read_stops_before_what_does_not_fit),
		uapi_case(read_needs_no_alignment),
		uapi_case(read_that_faults_keeps_the_element),
		uapi_case(read_that_faults_later_tells_what_it_has),
		uapi_case(read_that_faults_keeps_a_lost_header),
		uapi_case(poll_is_readable_with_an_element),
		uapi_case(write_is_einval),
		uapi_case(queue_is_busy_while_its_file_is_open),
		uapi_case(queue_takes_events_after_its_file_was_closed),
		uapi_case(queue_keeps_its_viommu_busy),
		uapi_case(file_keeps_the_context),
		uapi_case(file_works_in_another_process),
	};

	return cmocka_run_group_tests_name("event queues", tests, NULL, NULL);
}
