/* SPDX-License-Identifier: MIT */
/*
 * where interrupts go (docs/reference/vfio-device-uapi.md 7)
 */
#include "vdev_fixture.h"

#define SET IOAS_ABI_VFIO_DEVICE_SET_IRQS
#define INTX IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX
#define MSI IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX
#define MSIX IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX
#define ERR IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX
#define REQ IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX
#define NONE IOAS_ABI_VFIO_IRQ_SET_DATA_NONE
#define BOOL IOAS_ABI_VFIO_IRQ_SET_DATA_BOOL
#define FD IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD
#define MASK IOAS_ABI_VFIO_IRQ_SET_ACTION_MASK
#define UNMASK IOAS_ABI_VFIO_IRQ_SET_ACTION_UNMASK
#define TRIGGER IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER
#define HEAD 20u
#define BAD_FD 61

struct set {
	uint32_t argsz, flags, index, start, count;
	union {
		uint8_t bools[V_MSIX * 4];
		int32_t fds[V_MSIX];
	};
};

static int setup_bound(void **state)
{
	int ret = vdev_setup(state);

	if (!ret)
		vbound(*state);
	return ret;
}

#define bound_case(f) \
	cmocka_unit_test_setup_teardown(f, setup_bound, vdev_teardown)

/* With what comes behind the head, for so many. */
static int set(struct vdev_test *t, uint32_t index, uint32_t flags,
	       uint32_t start, uint32_t count, const void *data)
{
	struct set s = {
		.flags = flags, .index = index, .start = start, .count = count
	};
	uint32_t length = flags & BOOL ? count : flags & FD ? count * 4 : 0;

	s.argsz = HEAD + length;
	if (length)
		memcpy(s.bools, data, length);
	return sim_cmd(t->h, t->fd, SET, &s, s.argsz);
}

static int set_fd(struct vdev_test *t, uint32_t index, uint32_t start, int fd)
{
	return set(t, index, FD | TRIGGER, start, 1, &(int32_t){ fd });
}

static int set_none(struct vdev_test *t, uint32_t index, uint32_t action,
		    uint32_t start, uint32_t count)
{
	return set(t, index, NONE | action, start, count, NULL);
}

static int set_bool(struct vdev_test *t, uint32_t index, uint32_t action,
		    uint8_t on)
{
	return set(t, index, BOOL | action, 0, 1, &on);
}

static void expect_mode(struct vdev_test *t, uint32_t index, uint32_t nr)
{
	assert_int_equal(t->fns[0].v.irqs.index, index);
	assert_int_equal(t->fns[0].irq_index, index);
	assert_int_equal(t->fns[0].irq_nr, nr);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
}

#define OFF IOAS_VDEV_IRQ_NONE

/* ---- 7.1 ----------------------------------------------------------------- */

static void head_is_checked_first(void **state)
{
	struct vdev_test *t = *state;
	struct set s = { .argsz = 19, .flags = NONE | TRIGGER };

	expect_errno(sim_ioctl(t->h, t->fd, SET, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, SET, &s, 19), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, SET, &s, 20), -EINVAL);
	expect_errno(set_none(t, 5, TRIGGER, 0, 0), -EINVAL);
	expect_errno(set_none(t, UINT32_MAX, TRIGGER, 0, 0), -EINVAL);
	expect_errno(set_none(t, MSIX, TRIGGER, 0, UINT32_MAX), -EINVAL);
	expect_errno(set_none(t, MSIX, TRIGGER, 2, UINT32_MAX - 2), -EINVAL);
	/* The sum wraps, and the action is not there either. */
	expect_errno(set_none(t, MSIX, MASK, 2, UINT32_MAX), -EINVAL);
	expect_errno(set_none(t, MSIX, TRIGGER | 1u << 6, 0, 0), -EINVAL);
}

static void range_is_that_of_the_index(void **state)
{
	struct vdev_test *t = *state;

	expect_errno(set_none(t, MSIX, MASK, V_MSIX, 0), -EINVAL);
	expect_errno(set_none(t, MSIX, TRIGGER, V_MSIX - 1, 2), -EINVAL);
	expect_errno(set_none(t, MSI, MASK, V_MSI, 1), -EINVAL);
	/* Comes before an action that is not there. */
	expect_errno(set_none(t, ERR, MASK, 1, 1), -EINVAL);
	t->fns[0].v.nr_irqs[MSI] = 0;
	expect_errno(set_none(t, MSI, TRIGGER, 0, 0), -EINVAL);
}

static void one_kind_of_data_of_full_size(void **state)
{
	struct vdev_test *t = *state;
	struct set s = { .argsz = HEAD + 7,
			 .flags = FD | TRIGGER,
			 .index = MSIX,
			 .count = 2 };

	expect_errno(set(t, MSIX, TRIGGER, 0, 1, NULL), -EINVAL);
	expect_errno(set(t, MSIX, NONE | BOOL | MASK, 0, 1, "\1"), -EINVAL);
	expect_errno(set(t, MSIX, BOOL | FD, 0, 1, "\1\0\0"), -EINVAL);
	expect_errno(sim_cmd(t->h, t->fd, SET, &s, HEAD + 8), -EINVAL);
	s.argsz = HEAD + 8;
	expect_errno(sim_cmd(t->h, t->fd, SET, &s, HEAD + 7), -EFAULT);
}

static void other_actions_are_enotty(void **state)
{
	static const uint32_t actions[] = { 0, MASK, UNMASK, MASK | TRIGGER,
					    UNMASK | TRIGGER };
	struct vdev_test *t = *state;

	for (uint32_t index = MSI; index <= REQ; index++)
		for (unsigned int i = 0; i < 5; i++)
			expect_errno(set_none(t, index, actions[i], 0, 1),
				     -ENOTTY);
	expect_errno(set_none(t, INTX, 0, 0, 1), -ENOTTY);
	expect_errno(set_none(t, INTX, MASK | UNMASK, 0, 1), -ENOTTY);
}

/* ---- INTx ---------------------------------------------------------------- */

static void intx_goes_on_and_off(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);

	expect_errno(set_none(t, INTX, TRIGGER, 0, 0), -EINVAL);
	expect_errno(set_none(t, INTX, TRIGGER, 0, 1), -EINVAL);
	expect_errno(set_fd(t, INTX, 0, BAD_FD), -EBADF);
	expect_errno(set_fd(t, INTX, 0, t->fd), -EINVAL);
	expect_mode(t, OFF, 0);
	expect_ok(set_fd(t, INTX, 0, fd));
	expect_mode(t, INTX, 1);
	expect_errno(set_fd(t, MSI, 0, fd), -EINVAL);
	expect_errno(set_fd(t, MSIX, 0, fd), -EINVAL);
	expect_errno(set_none(t, MSI, TRIGGER, 0, 0), -EINVAL);
	expect_ok(set_none(t, INTX, TRIGGER, 0, 0));
	expect_mode(t, OFF, 0);
}

static void intx_loops_back(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h), other = sim_open_event(t->h);

	expect_ok(set_fd(t, INTX, 0, fd));
	expect_ok(set_none(t, INTX, TRIGGER, 0, 1));
	expect_ok(set_bool(t, INTX, TRIGGER, 1));
	expect_ok(set_bool(t, INTX, TRIGGER, 0));
	assert_int_equal(sim_event_take(t->h, fd), 2);
	expect_ok(set_fd(t, INTX, 0, other));
	expect_ok(set_none(t, INTX, TRIGGER, 0, 1));
	assert_int_equal(sim_event_take(t->h, fd), 0);
	assert_int_equal(sim_event_take(t->h, other), 1);
	/* Nobody listens, but it is enabled. */
	expect_ok(set_fd(t, INTX, 0, -1));
	expect_ok(set_none(t, INTX, TRIGGER, 0, 1));
	expect_mode(t, INTX, 1);
	assert_int_equal(sim_event_take(t->h, other), 0);
}

static void intx_is_told_once_until_it_is_unmasked(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);

	expect_ok(set_fd(t, INTX, 0, fd));
	ioas_vdev_intx(v, true);
	ioas_vdev_intx(v, true);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	expect_ok(set_none(t, INTX, UNMASK, 0, 1));
	assert_int_equal(sim_event_take(t->h, fd), 1);
	ioas_vdev_intx(v, false);
	expect_ok(set_bool(t, INTX, UNMASK, 1));
	assert_int_equal(sim_event_take(t->h, fd), 0);
	ioas_vdev_intx(v, true);
	assert_int_equal(sim_event_take(t->h, fd), 1);
}

static void intx_is_quiet_while_masked_or_disabled(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);

	expect_ok(set_fd(t, INTX, 0, fd));
	expect_ok(set_bool(t, INTX, MASK, 0));
	ioas_vdev_intx(v, true);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	ioas_vdev_intx(v, false);
	expect_ok(set_none(t, INTX, UNMASK, 0, 1));
	expect_ok(set_none(t, INTX, MASK, 0, 1));
	ioas_vdev_intx(v, true);
	assert_int_equal(sim_event_take(t->h, fd), 0);
	ioas_vdev_intx_disable(v, true);
	expect_ok(set_none(t, INTX, UNMASK, 0, 1));
	assert_int_equal(sim_event_take(t->h, fd), 0);
	ioas_vdev_intx_disable(v, false);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	/* A line that is up when it is enabled is told. */
	expect_ok(set_none(t, INTX, TRIGGER, 0, 0));
	expect_ok(set_fd(t, INTX, 0, fd));
	assert_int_equal(sim_event_take(t->h, fd), 1);
}

static void intx_is_unmasked_by_an_eventfd(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);
	const int32_t unmask = sim_open_event(t->h);

	expect_ok(set_fd(t, INTX, 0, fd));
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &unmask));
	ioas_vdev_intx(v, true);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	/* The line is up still: told again. */
	sim_event_write(t->h, unmask);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	ioas_vdev_intx(v, false);
	sim_event_write(t->h, unmask);
	assert_int_equal(sim_event_take(t->h, fd), 0);
	assert_false(v->irqs.masked);
	/* It goes with the index. */
	expect_ok(set_none(t, INTX, TRIGGER, 0, 0));
	assert_null(v->irqs.unmask);
	expect_ok(set_fd(t, INTX, 0, fd));
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &unmask));
}

static void intx_mask_errors(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);
	const int32_t none = -1;

	expect_errno(set_none(t, INTX, MASK, 0, 1), -EINVAL);
	expect_errno(set_none(t, INTX, UNMASK, 0, 1), -EINVAL);
	expect_ok(set_fd(t, INTX, 0, fd));
	expect_errno(set_none(t, INTX, MASK, 0, 0), -EINVAL);
	expect_errno(set_none(t, INTX, UNMASK, 0, 0), -EINVAL);
	expect_errno(set(t, INTX, FD | MASK, 0, 1, &none), -ENOTTY);
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &none));
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &fd));
	expect_errno(set(t, INTX, FD | UNMASK, 0, 1, &fd), -EBUSY);
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &(int32_t){ -1 }));
	expect_errno(set(t, INTX, FD | UNMASK, 0, 1, &(int32_t){ BAD_FD }),
		     -EBADF);
	expect_ok(set(t, INTX, FD | UNMASK, 0, 1, &fd));
}

/* ---- MSI and MSI-X ------------------------------------------------------- */

static void vectors_go_where_they_are_told(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	int32_t fds[4];

	for (uint32_t i = 0; i < 4; i++)
		fds[i] = i == 2 ? -1 : sim_open_event(t->h);
	assert_false(ioas_vdev_signal(v, 0));
	for (uint32_t index = MSI; index <= MSIX; index++) {
		expect_ok(set(t, index, FD | TRIGGER, 0, 4, fds));
		expect_mode(t, index, 4);
		for (uint32_t i = 0; i < 6; i++)
			assert_true(ioas_vdev_signal(v, i));
		expect_ok(set_none(t, index, TRIGGER, 0, 4));
		expect_ok(set(t, index, BOOL | TRIGGER, 1, 3, "\0\1\1"));
		assert_int_equal(sim_event_take(t->h, fds[0]), 2);
		assert_int_equal(sim_event_take(t->h, fds[1]), 2);
		assert_int_equal(sim_event_take(t->h, fds[3]), 3);
		expect_ok(set_none(t, index, TRIGGER, 0, 0));
		expect_mode(t, OFF, 0);
		expect_errno(set_none(t, index, TRIGGER, 0, 1), -EINVAL);
	}
}

static void first_vectors_are_start_and_count(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);

	expect_errno(set(t, MSIX, FD | TRIGGER, 0, 0, NULL), -EINVAL);
	expect_ok(set_fd(t, MSIX, 5, fd));
	expect_mode(t, MSIX, 6);
	ioas_vdev_signal(&t->fns[0].v, 4);
	assert_int_equal(sim_event_take(t->h, fd), 0);
	ioas_vdev_signal(&t->fns[0].v, 5);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	/* Not enabled: nothing of it is there. */
	expect_errno(set_none(t, MSI, TRIGGER, 0, 0), -EINVAL);
	expect_errno(set_fd(t, MSI, 0, fd), -EINVAL);
}

static void an_error_while_enabling_disables(void **state)
{
	struct vdev_test *t = *state;
	int32_t fds[3] = { sim_open_event(t->h), BAD_FD, -1 };

	expect_errno(set(t, MSIX, FD | TRIGGER, 0, 3, fds), -EBADF);
	expect_mode(t, OFF, 0);
	fds[1] = sim_open_other(t->h);
	expect_errno(set(t, MSI, FD | TRIGGER, 0, 3, fds), -EINVAL);
	expect_mode(t, OFF, 0);
	expect_ok(sim_close(t->h, fds[0]));
	assert_int_equal(t->h->nr_events, 0);
}

static void an_error_later_leaves_those_before_without(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);
	int32_t fds[4] = { fd, fd, fd, fd };

	expect_ok(set(t, MSIX, FD | TRIGGER, 0, 4, fds));
	fds[1] = BAD_FD;
	expect_errno(set(t, MSIX, FD | TRIGGER, 1, 3, fds), -EBADF);
	expect_mode(t, MSIX, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ioas_vdev_signal(v, i);
		assert_int_equal(sim_event_take(t->h, fd), i == 0 || i == 3);
	}
}

static void vectors_can_be_added_to_msix_only(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);

	expect_ok(set_fd(t, MSIX, 0, fd));
	/* For nobody none is added. */
	expect_ok(set_fd(t, MSIX, V_MSIX - 2, -1));
	expect_mode(t, MSIX, 1);
	expect_ok(set_fd(t, MSIX, V_MSIX - 1, fd));
	expect_mode(t, MSIX, V_MSIX);
	ioas_vdev_signal(v, V_MSIX - 1);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	expect_ok(set_none(t, MSIX, TRIGGER, 0, 0));
	expect_ok(set_fd(t, MSI, 0, fd));
	expect_errno(set_fd(t, MSI, 1, fd), -EINVAL);
	expect_errno(set_fd(t, MSI, 1, -1), -EINVAL);
	expect_mode(t, MSI, 1);
	/* An eventfd that is taken away is released. */
	expect_ok(set_fd(t, MSI, 0, -1));
	expect_ok(sim_close(t->h, fd));
	assert_int_equal(t->h->nr_events, 0);
}

/* ---- ERR and REQ --------------------------------------------------------- */

static void errors_and_requests_have_one_each(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev *v = &t->fns[0].v;
	const int fd = sim_open_event(t->h);

	for (uint32_t index = ERR; index <= REQ; index++) {
		expect_errno(set_none(t, index, TRIGGER, 0, 0), -EINVAL);
		expect_errno(set_none(t, index, TRIGGER, 0, 1), -EINVAL);
		expect_ok(set_bool(t, index, TRIGGER, 1));
		expect_errno(set(t, index, BOOL | TRIGGER, 0, 0, NULL),
			     -EINVAL);
		expect_errno(set(t, index, FD | TRIGGER, 0, 0, NULL), -EINVAL);
		expect_errno(set_fd(t, index, 0, -2), -EINVAL);
		expect_errno(set_fd(t, index, 0, BAD_FD), -EBADF);
		expect_errno(set_fd(t, index, 0, t->fd), -EINVAL);
		expect_ok(set_fd(t, index, 0, fd));
		expect_ok(set_none(t, index, TRIGGER, 0, 1));
		expect_ok(set_bool(t, index, TRIGGER, 1));
		expect_ok(set_bool(t, index, TRIGGER, 0));
		assert_int_equal(sim_event_take(t->h, fd), 2);
		ioas_vdev_signal_err(v);
		assert_int_equal(sim_event_take(t->h, fd), index == ERR);
		ioas_vdev_signal_req(v);
		assert_int_equal(sim_event_take(t->h, fd), index == REQ);
		expect_ok(index == ERR ? set_none(t, index, TRIGGER, 0, 0) :
					 set_fd(t, index, 0, -1));
		expect_errno(set_none(t, index, TRIGGER, 0, 1), -EINVAL);
	}
	/* They stand beside the others. */
	expect_ok(set_fd(t, ERR, 0, fd));
	expect_ok(set_fd(t, MSIX, 0, fd));
}

/* ---- close, faults ------------------------------------------------------- */

static void close_releases_every_eventfd(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);

	expect_ok(set_fd(t, MSIX, 3, fd));
	expect_ok(set_fd(t, ERR, 0, fd));
	expect_ok(set_fd(t, REQ, 0, fd));
	expect_ok(sim_close(t->h, fd));
	assert_int_equal(t->h->nr_events, 1);
	expect_ok(sim_close(t->h, t->fd));
	assert_int_equal(t->h->nr_events, 0);
	expect_mode(t, OFF, 0);
}

static void every_fault_leaves_nothing_enabled(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_caller *caller = &t->u.p->tasks[0].caller;
	const int32_t fd = sim_open_event(t->h);
	const int32_t fds[3] = { fd, fd, fd };
	uint64_t nth = 0;
	int ret;

	do {
		struct ioas_fault fault = { .nth = ++nth };

		caller->fault = &fault;
		atomic_fetch_add(&ioas_plat_faults_armed, 1);
		ret = set(t, MSIX, FD | TRIGGER, 0, 3, fds);
		atomic_fetch_sub(&ioas_plat_faults_armed, 1);
		caller->fault = NULL;
		if (ret)
			expect_mode(t, OFF, 0);
	} while (ret);
	/* Two copies, two allocations, three eventfds. */
	assert_int_equal(nth, 8);
	expect_mode(t, MSIX, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_case(head_is_checked_first),
		bound_case(range_is_that_of_the_index),
		bound_case(one_kind_of_data_of_full_size),
		bound_case(other_actions_are_enotty),
		bound_case(intx_goes_on_and_off),
		bound_case(intx_loops_back),
		bound_case(intx_is_told_once_until_it_is_unmasked),
		bound_case(intx_is_quiet_while_masked_or_disabled),
		bound_case(intx_is_unmasked_by_an_eventfd),
		bound_case(intx_mask_errors),
		bound_case(vectors_go_where_they_are_told),
		bound_case(first_vectors_are_start_and_count),
		bound_case(an_error_while_enabling_disables),
		bound_case(an_error_later_leaves_those_before_without),
		bound_case(vectors_can_be_added_to_msix_only),
		bound_case(errors_and_requests_have_one_each),
		bound_case(close_releases_every_eventfd),
		bound_case(every_fault_leaves_nothing_enabled),
	};

	return cmocka_run_group_tests_name("functions: interrupts", tests, NULL,
					   NULL);
}
