/* SPDX-License-Identifier: MIT */
/*
 * threads at one function: its file, its group, its interrupts
 *
 * Each thread is a task of the process. What they find may be either of two
 * answers; what must hold at any time is what the validator says.
 */
#include <pthread.h>

#include "vdev_fixture.h"

#define ROUNDS 1500u
#define SIDES 3u

struct side {
	struct vdev_test *t;
	unsigned int task;
	void (*work)(struct vdev_test *t);
	pthread_t thread;
};

static int event_fd;

static void *side_run(void *arg)
{
	struct side *s = arg;

	simhost_enter_task(s->t->u.p, s->task);
	for (unsigned int i = 0; i < ROUNDS; i++)
		s->work(s->t);
	simhost_leave(s->t->h);
	return NULL;
}

static void run(struct vdev_test *t,
		void (*const work[SIDES])(struct vdev_test *))
{
	struct side sides[SIDES];

	for (unsigned int i = 0; i < SIDES; i++) {
		sides[i] =
			(struct side){ .t = t, .task = i + 1, .work = work[i] };
		assert_int_equal(pthread_create(&sides[i].thread, NULL,
						side_run, &sides[i]),
				 0);
	}
	for (unsigned int i = 0; i < SIDES; i++)
		assert_int_equal(pthread_join(sides[i].thread, NULL), 0);
}

static void either(int ret, int want)
{
	if (ret && ret != want)
		fail_msg("%d", ret);
}

/* ---- interrupts ---------------------------------------------------------- */

static int set(struct vdev_test *t, uint32_t index, uint32_t count)
{
	struct {
		uint32_t argsz, flags, index, start, count;
		int32_t fds[2];
	} s = { .flags = IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER |
			 (count ? IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD :
				  IOAS_ABI_VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.count = count,
		.fds = { event_fd, event_fd } };

	return vdo(t, t->fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, &s);
}

static void set_vectors(struct vdev_test *t)
{
	either(set(t, IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX, 2), -EINVAL);
	either(set(t, IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX, 0), -EINVAL);
}

static void set_line(struct vdev_test *t)
{
	either(set(t, IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX, 1), -EINVAL);
	either(set(t, IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX, 0), -EINVAL);
}

static void raise_all(struct vdev_test *t)
{
	struct ioas_vdev *v = &t->fns[0].v;

	ioas_vdev_signal(v, 0);
	ioas_vdev_signal(v, 1);
	ioas_vdev_intx(v, true);
	ioas_vdev_intx(v, false);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
}

static void interrupts_while_they_are_set(void **state)
{
	struct vdev_test *t = *state;

	vbound(t);
	event_fd = sim_open_event(t->h);
	run(t, (void (*const[SIDES])(struct vdev_test *)){
		       set_vectors, set_line, raise_all });
	sim_event_take(t->h, event_fd);
	expect_ok(set(t, IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX, 2));
	raise_all(t);
	assert_int_equal(sim_event_take(t->h, event_fd), 2);
}

/* ---- who has the function ------------------------------------------------ */

static void bind_and_close(struct vdev_test *t)
{
	const int fd = vdev_open(t, 0);
	const int ret = vbind(t, fd, NULL);

	/* The group is open, or the other file is bound. */
	if (ret != -EBUSY)
		either(ret, -EINVAL);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	expect_ok(sim_close(t->h, fd));
}

static void group_and_close(struct vdev_test *t)
{
	const int node = vgroup_open(t);
	int32_t container = t->u.c.fd;
	int fd;

	if (node < 0) {
		assert_int_equal(node, -EBUSY);
		return;
	}
	expect_ok(sim_cmd(t->h, node, IOAS_ABI_VFIO_GROUP_SET_CONTAINER,
			  &container, sizeof(container)));
	fd = sim_ioctl(t->h, node, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD,
		       sim_put(t->h, "0000:00:03.0", 13));
	assert_true(fd >= SIM_FIRST_FD);
	expect_ok(sim_close(t->h, node));
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	expect_ok(sim_close(t->h, fd));
}

static void one_owner_at_a_time(void **state)
{
	run(*state, (void (*const[SIDES])(struct vdev_test *)){
			    bind_and_close, bind_and_close, group_and_close });
}

/* ---- where DMA goes ------------------------------------------------------ */

static uint32_t spaces[2];

static void attach_0(struct vdev_test *t)
{
	uint32_t pt = spaces[0];

	expect_ok(vattach(t, t->fd, &pt));
}

static void attach_1(struct vdev_test *t)
{
	uint32_t pt = spaces[1];

	expect_ok(vattach(t, t->fd, &pt));
}

static void detach_it(struct vdev_test *t)
{
	expect_ok(vdetach(t, t->fd));
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
}

static void attach_is_replace_or_attach(void **state)
{
	struct vdev_test *t = *state;

	vbound(t);
	for (unsigned int i = 0; i < 2; i++)
		spaces[i] = ioas_new(&t->u);
	run(t, (void (*const[SIDES])(struct vdev_test *)){ attach_0, attach_1,
							   detach_it });
	expect_ok(vdetach(t, t->fd));
	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_destroy(&t->u.c, spaces[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(interrupts_while_they_are_set),
		vdev_case(one_owner_at_a_time),
		vdev_case(attach_is_replace_or_attach),
	};

	return cmocka_run_group_tests_name("functions: threads", tests, NULL,
					   NULL);
}
