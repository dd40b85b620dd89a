/* SPDX-License-Identifier: MIT */
/*
 * A model behind VFIO: registers, DMA, faults, interrupts, pages on request.
 */
#include "function/impl.h"
#include "function_test.h"

/* For what the function's own thread calls. */
static struct fn_test *fixture;

/* ---- cases --------------------------------------------------------------- */

static void configuration_is_that_of_the_model(void **state)
{
	struct fn_test *t = *state;

	bind_device(t);
	assert_int_equal(get(t, CONFIG, 4),
			 IOAS_ENG_VENDOR | IOAS_ENG_DEVICE << 16);
	assert_int_equal(get(t, CONFIG + 0x2e, 2), 0x4711);
	assert_int_equal(get(t, CONFIG + 0x10, 4) & ~0xfu, 0x80000000u);
	assert_int_equal(get(t, CONFIG + COMMAND, 2), 2);
	assert_int_equal(get(t, BAR(0) + IOAS_ENG_REG_ID, 4), IOAS_ENG_ID);
	/* The old place of a BAR. */
	assert_int_equal(get(t, IOAS_ENG_REG_ID, 4), IOAS_ENG_ID);
	assert_string_equal(ioas_function_name(t->f), "0000:01:00.0");
}

static void bars_need_memory_decoding(void **state)
{
	struct fn_test *t = *state;
	const uint64_t at = sim_room(t->h, 8);

	bind_device(t);
	set(t, CONFIG + COMMAND, 2, 0);
	expect_errno((int)sim_pread(t->h, t->fd, at, 4, BAR(0)), -EIO);
	expect_errno((int)sim_pwrite(t->h, t->fd, at, 4, BAR(2)), -EIO);
	set(t, CONFIG + COMMAND, 2, 2);
	assert_int_equal(get(t, BAR(0), 4), IOAS_ENG_ID);
}

static int map_doors(struct fn_test *t)
{
	const struct ioas_mmap_request rq = { .offset = BAR(2),
					      .length = PAGE,
					      .shared = true };

	return sim_mmap(t->h, t->fd, &rq);
}

static void bars_are_lent_to_who_maps_them(void **state)
{
	struct fn_test *t = *state;
	const void *memory = ioas_bar_memory(t->f, 2);
	uint64_t offset = 0;
	int map;

	bind_device(t);
	assert_null(sim_lent_to(t->h, memory, &offset));
	/* Not all, so none. */
	t->h->refuse_shm = true;
	expect_errno(map_doors(t), -ENOMEM);
	t->h->refuse_shm = false;
	assert_null(sim_lent_to(t->h, memory, &offset));
	map = map_doors(t);
	assert_true(map >= 0);
	assert_ptr_equal(sim_lent_to(t->h, memory, &offset),
			 sim_file(t->h, t->fd));
	assert_int_equal(offset, BAR(2));
	assert_int_equal(map_doors(t), map + 1);
	sim_munmap(t->h, map);
	sim_munmap(t->h, map + 1);
	/* The last close takes it back. */
	expect_ok(sim_close(t->h, t->fd));
	assert_null(sim_lent_to(t->h, memory, &offset));
	open_device(t);
}

static void dma_reaches_memory(void **state)
{
	struct fn_test *t = *state;
	struct ioas_function_counts c;
	struct ioas_eng_descriptor d;

	ready(t);
	submit(t, fill_of(DATA_IOVA + 0x804, 2 * PAGE));
	assert_int_equal(settle(t) & IOAS_ENG_ERROR, 0);
	assert_int_equal(word_at(t, VA_SCATTERED + 0x804), 0x0123456789abcdef);
	assert_int_equal(word_at(t, VA_SCATTERED + 2 * PAGE + 0x7fc),
			 0x0123456789abcdef);
	assert_int_equal(word_at(t, VA_SCATTERED + 2 * PAGE + 0x804), 0);
	sim_peek(t->h, VA_RUN, &d, sizeof(d));
	assert_int_equal(d.status, IOAS_ENG_COMPLETE);
	d = (struct ioas_eng_descriptor){ .op = IOAS_ENG_ATOMIC_ADD,
					  .destination = DATA_IOVA,
					  .length = 8,
					  .value = 5 };
	submit(t, d);
	submit(t, d);
	assert_int_equal(settle(t) & IOAS_ENG_ERROR, 0);
	assert_int_equal(word_at(t, VA_SCATTERED), 10);
	ioas_function_counts(t->f, &c);
	assert_true(c.write_bytes >= 2 * PAGE);
	assert_true(c.reads >= 3);
	assert_int_equal(c.faults + c.aborts, 0);
}

static void faults_are_told(void **state)
{
	struct fn_test *t = *state;

	ready(t);
	submit(t, fill_of(DATA_IOVA + 15 * PAGE, 2 * PAGE));
	assert_true(settle(t) & IOAS_ENG_ERROR);
	assert_int_equal(ring_error(t), IOAS_ENG_FAULT);
	assert_int_equal(t->nr_faults, 1);
	assert_int_equal(t->fault.iova, DATA_IOVA + 16 * PAGE);
	assert_true(t->fault.write);
	assert_false(t->fault.denied);
	assert_ptr_equal(t->fault.f, t->f);
	/* What lies before the fault has been done. */
	assert_int_equal(word_at(t, VA_SCATTERED + 16 * PAGE - 8),
			 0x0123456789abcdef);
}

static void read_only_is_denied(void **state)
{
	struct fn_test *t = *state;

	ready(t);
	expect_ok(uc_unmap(&t->u.c, t->ioas, DATA_IOVA, 16 * PAGE, NULL));
	expect_ok(uc_map_fixed(&t->u.c, t->ioas, VA_READ_ONLY, PAGE, UC_R,
			       DATA_IOVA));
	submit(t, fill_of(DATA_IOVA, 8));
	assert_true(settle(t) & IOAS_ENG_ERROR);
	assert_int_equal(t->nr_faults, 1);
	assert_true(t->fault.denied);
}

static void nothing_without_bus_master_or_attachment(void **state)
{
	struct fn_test *t = *state;
	struct ioas_abi_vfio_device_detach_iommufd_pt d = { 0 };

	ready(t);
	master(t, false);
	submit(t, fill_of(DATA_IOVA, 8));
	assert_true(settle(t) & IOAS_ENG_ERROR);
	assert_int_equal(ring_error(t), IOAS_ENG_DMA_ABORT);
	master(t, true);
	expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &d));
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_STATUS, 4, IOAS_ENG_ERROR);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_CONTROL, 4, IOAS_ENG_START);
	assert_true(settle(t) & IOAS_ENG_ERROR);
	assert_int_equal(ring_error(t), IOAS_ENG_DMA_ABORT);
	assert_int_equal(word_at(t, VA_SCATTERED), 0);
	assert_int_equal(t->nr_faults, 0);
}

static void after_unmap_memory_is_left_alone(void **state)
{
	struct fn_test *t = *state;

	ready(t);
	submit(t, fill_of(DATA_IOVA, 8));
	settle(t);
	expect_ok(uc_unmap(&t->u.c, t->ioas, DATA_IOVA, 16 * PAGE, NULL));
	sim_poke(t->h, VA_SCATTERED, &(uint64_t){ 1 }, 8);
	submit(t, fill_of(DATA_IOVA, 8));
	assert_true(settle(t) & IOAS_ENG_ERROR);
	assert_int_equal(word_at(t, VA_SCATTERED), 1);
}

static void vectors_reach_their_eventfd(void **state)
{
	struct fn_test *t = *state;
	const int event = sim_open_event(t->h);
	/* SET_IRQS with one descriptor behind it. */
	struct {
		uint32_t argsz, flags, index, start, count;
		int32_t fd;
	} s = { .argsz = sizeof(s),
		.flags = IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD |
			 IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX,
		.count = 1,
		.fd = event };
	struct ioas_eng_descriptor d = fill_of(DATA_IOVA, 8);

	ready(t);
	expect_ok(sim_cmd(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, &s,
			  sizeof(s)));
	set(t, BAR(0) + IOAS_ENG_REG_IRQ_ENABLE, 4, 1);
	d.flags = IOAS_ENG_INTERRUPT;
	submit(t, d);
	settle(t);
	assert_int_equal(sim_event_take(t->h, event), 1);
}

static void reset_and_close_leave_nothing_on(void **state)
{
	struct fn_test *t = *state;

	ready(t);
	set(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8, 77);
	set(t, BAR(2), 4, 88);
	expect_ok(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET, 0));
	assert_int_equal(get(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8), 0);
	assert_int_equal(get(t, BAR(2), 4), 0);
	/* Configuration stays. */
	assert_int_equal(get(t, CONFIG + COMMAND, 2), BUS_MASTER);
	set(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8, 77);
	expect_ok(sim_close(t->h, t->fd));
	assert_int_equal(ioas_function_validate(t->f), 0);
	open_device(t);
	bind_device(t);
	assert_int_equal(get(t, CONFIG + COMMAND, 2), 2);
	assert_int_equal(get(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8), 0);
}

static void function_level_reset(void **state)
{
	struct fn_test *t = *state;
	unsigned int cap = 0x40;

	ready(t);
	set(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8, 77);
	while (get(t, CONFIG + cap, 1) != 0x10) {
		cap = (unsigned int)get(t, CONFIG + cap + 1, 1);
		assert_int_not_equal(cap, 0);
	}
	assert_true(get(t, CONFIG + cap + 4, 4) & 1u << 28);
	set(t, CONFIG + cap + 8, 2, 1u << 15);
	assert_int_equal(get(t, BAR(0) + IOAS_ENG_REG_SCRATCH, 8), 0);
	assert_int_equal(get(t, CONFIG + COMMAND, 2), BUS_MASTER);
}

static void pages_on_request(void **state)
{
	struct fn_test *t = *state;
	struct ioas_abi_pgfault fault;
	struct ioas_abi_page_response answer;
	struct ioas_abi_hwpt_alloc a = { 0 };
	uint32_t queue;
	int fd;
	struct ioas_eng_descriptor d = fill_of(0x500000, 8);
	const struct timespec pause = { .tv_nsec = 1000000 };
	int64_t n = 0;

	ready(t);
	expect_ok(uc_fault_queue(&t->u.c, &queue, &fd));
	a.flags = IOAS_ABI_HWPT_FAULT_ID_VALID;
	a.dev_id = t->device;
	a.pt_id = t->ioas;
	a.fault_id = queue;
	a.size = sizeof(a);
	expect_ok(sim_cmd(t->h, t->u.c.fd, IOAS_ABI_HWPT_ALLOC, &a,
			  sizeof(a)));
	attach(t, a.out_hwpt_id);
	d.flags = IOAS_ENG_ASK;
	d.group = 9;
	submit(t, d);
	for (unsigned int i = 0; i < 20000 && n != sizeof(fault); i++) {
		if (i)
			nanosleep(&pause, NULL);
		n = uc_read(&t->u.c, fd, &fault, sizeof(fault));
	}
	assert_int_equal(n, sizeof(fault));
	assert_int_equal(fault.grpid, 9);
	assert_int_equal(fault.addr & ~(uint64_t)(PAGE - 1), 0x500000);
	assert_int_equal(fault.dev_id, t->device);
	expect_ok(uc_map_fixed(&t->u.c, t->ioas, VA_SCATTERED + 20 * PAGE,
			       PAGE, UC_RW, 0x500000));
	answer = (struct ioas_abi_page_response){
		.cookie = fault.cookie, .code = IOAS_ABI_PAGE_RESP_SUCCESS
	};
	assert_int_equal(uc_write(&t->u.c, fd, &answer, sizeof(answer)),
			 sizeof(answer));
	assert_int_equal(settle(t) & IOAS_ENG_ERROR, 0);
	assert_int_equal(word_at(t, VA_SCATTERED + 20 * PAGE),
			 0x0123456789abcdef);
	expect_ok(uc_close(&t->u.c, fd));
}

static void idle_functions_sleep(void **state)
{
	struct fn_test *t = *state;
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct ioas_function_counts before, after;

	ready(t);
	nanosleep(&pause, NULL);
	ioas_function_counts(t->f, &before);
	nanosleep(&pause, NULL);
	ioas_function_counts(t->f, &after);
	/* At 4 ms each; a busy machine makes it fewer. */
	assert_true(after.polls - before.polls < 1000);
	expect_ok(sim_close(t->h, t->fd));
	nanosleep(&pause, NULL);
	ioas_function_counts(t->f, &before);
	nanosleep(&pause, NULL);
	ioas_function_counts(t->f, &after);
	assert_int_equal(after.polls, before.polls);
	open_device(t);
}

/* Somebody has news each time that it has just looked, and found nothing. */
static bool poll_kicked(void *state)
{
	struct fn_test *t = fixture;

	(void)state;
	ioas_function_kick(t->f);
	return false;
}

static void set_model(struct fn_test *t, const struct ioas_model *model)
{
	ioas_function_lock(t->f);
	t->f->model = model;
	ioas_function_unlock(t->f);
}

static void news_after_a_look_keep_it_awake(void **state)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct ioas_model model = ioas_model_dma;
	struct ioas_function_counts first, now;

	fixture = *state;
	model.poll = poll_kicked;
	ready(fixture);
	set_model(fixture, &model);
	ioas_function_counts(fixture->f, &first);
	do {
		nanosleep(&pause, NULL);
		ioas_function_counts(fixture->f, &now);
		/* One may have begun before. */
		assert_true(now.sleeps - first.sleeps <= 1);
	} while (now.polls - first.polls < 5000);
	set_model(fixture, &ioas_model_dma);
}

/* ---- who has the lock ---------------------------------------------------- */

static void counts_are_there_while_it_is_busy(void **state)
{
	struct fn_test *t = *state;
	struct ioas_function_counts c;

	ready(t);
	submit(t, fill_of(DATA_IOVA, PAGE));
	settle(t);
	/* As the thread has it while it is in memory that does not come. */
	ioas_function_lock(t->f);
	ioas_function_counts(t->f, &c);
	assert_true(c.write_bytes >= PAGE);
	ioas_function_unlock(t->f);
}

/* ---- views --------------------------------------------------------------- */

#define PASIDS 200u

static void pasid_do(struct fn_test *t, uint32_t cmd, uint32_t pasid,
		     uint32_t pt)
{
	/* A detach has no page table. */
	uint32_t s[4] = { sizeof(s), 1, pasid };

	if (cmd == IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT) {
		s[2] = pt;
		s[3] = pasid;
	}
	expect_ok(sim_cmd(t->h, t->fd, cmd, s, sizeof(s)));
}

/* The ring itself is the RID's. */
static void fill_by(struct fn_test *t, uint32_t pasid)
{
	struct ioas_eng_descriptor d = fill_of(DATA_IOVA, 8);

	d.pasid = pasid;
	sim_poke(t->h, VA_SCATTERED, &(uint64_t){ 0 }, 8);
	submit(t, d);
	assert_int_equal(settle(t) & IOAS_ENG_ERROR, 0);
	assert_int_equal(word_at(t, VA_SCATTERED), 0x0123456789abcdef);
}

static void views_are_made_by_use_and_few_are_kept(void **state)
{
	struct fn_test *t = *state;
	uint32_t hwpt;

	ready(t);
	expect_ok(uc_hwpt(&t->u.c, t->device, t->ioas,
			  IOAS_ABI_HWPT_ALLOC_PASID, &hwpt));
	attach(t, hwpt);
	for (uint32_t i = 1; i <= PASIDS; i++)
		pasid_do(t, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, i, hwpt);
	assert_int_equal(t->f->nr_viewed, 0);
	assert_int_equal(ioas_function_validate(t->f), 0);
	fill_by(t, 0);
	assert_int_equal(t->f->nr_viewed, 0);
	/* PASID 1 comes again and again, so it stays. */
	for (uint32_t i = 1; i <= PASIDS; i++) {
		fill_by(t, i);
		fill_by(t, 1);
		assert_int_equal(ioas_function_validate(t->f), 0);
	}
	assert_int_equal(t->f->nr_viewed, IOAS_FUNCTION_VIEWS);
	fill_by(t, 2);
	fill_by(t, 0);
	for (uint32_t i = 1; i <= PASIDS; i++) {
		const bool kept = i <= 2 ||
				  i > PASIDS - (IOAS_FUNCTION_VIEWS - 2);
		const uint32_t before = t->f->nr_viewed;

		pasid_do(t, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, i, 0);
		assert_int_equal(before - t->f->nr_viewed, kept);
	}
	assert_int_equal(t->f->nr_viewed, 0);
	/* What is attached elsewhere has no view of where it was. */
	attach(t, t->ioas);
	expect_ok(uc_destroy(&t->u.c, hwpt));
	fill_by(t, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fn_case(configuration_is_that_of_the_model),
		fn_case(bars_need_memory_decoding),
		fn_case(bars_are_lent_to_who_maps_them),
		fn_case(dma_reaches_memory),
		fn_case(faults_are_told),
		fn_case(read_only_is_denied),
		fn_case(nothing_without_bus_master_or_attachment),
		fn_case(after_unmap_memory_is_left_alone),
		fn_case(vectors_reach_their_eventfd),
		fn_case(reset_and_close_leave_nothing_on),
		fn_case(function_level_reset),
		fn_case(pages_on_request),
		fn_case(idle_functions_sleep),
		fn_case(news_after_a_look_keep_it_awake),
		fn_case(counts_are_there_while_it_is_busy),
		fn_case(views_are_made_by_use_and_few_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
