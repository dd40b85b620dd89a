/* SPDX-License-Identifier: MIT */
/*
 * what the validator of functions sees (src/uapi/vdev/vdev.h, D1 to D3)
 *
 * Each case breaks one promise and mends it again.
 */
#include "vdev_fixture.h"

static unsigned int reports;

/* In place of the platform's, which ends the test. */
void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func)
{
	(void)cond;
	(void)file;
	(void)line;
	(void)func;
	reports++;
}

static void expect_reports(struct vdev_test *t, unsigned int nr)
{
	reports = 0;
	assert_int_equal(ioas_vgroup_validate(&t->g), nr);
	assert_int_equal(reports, nr);
}

static void d1_users_are_who_has_it_bound(void **state)
{
	struct vdev_test *t = *state;

	expect_reports(t, 0);
	t->fns[1].v.users = 1;
	expect_reports(t, 1);
	t->fns[1].v.users = 0;
	vbound(t);
	expect_reports(t, 0);
	t->fns[0].v.users = 0;
	expect_reports(t, 1);
	t->fns[0].v.users = 1;
}

static void d2_a_file_of_its_own_is_alone(void **state)
{
	struct vdev_test *t = *state;
	int node;

	vbound(t);
	t->fns[0].v.users = 2;
	expect_reports(t, 1);
	t->fns[0].v.users = 1;
	t->g.opened = sim_file(t->h, t->fd);
	/* No container, and no device file that came from the node. */
	expect_reports(t, 2);
	t->g.opened = NULL;
	expect_ok(sim_close(t->h, t->fd));
	node = vgroup_open(t);
	expect_reports(t, 0);
	expect_ok(sim_close(t->h, node));
}

static void d3_interrupts_are_of_a_function_in_use(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev_irqs *q = &t->fns[1].v.irqs;
	struct ioas_uevent event = { .refs = 1 }, *events[1] = { NULL };

	q->err = &event;
	expect_reports(t, 1);
	q->err = NULL;
	q->nr = 1;
	expect_reports(t, 1);
	*q = (struct ioas_vdev_irqs){
		.index = 0, .nr = 1, .nr_events = 1, .events = events
	};
	expect_reports(t, 1);
	*q = (struct ioas_vdev_irqs){ .index = IOAS_VDEV_IRQ_NONE };
	expect_reports(t, 0);
}

static void d3_eventfds_are_below_the_vectors(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_vdev_irqs *q = &t->fns[0].v.irqs;
	struct ioas_uevent event = { .refs = 1 };
	struct ioas_uevent *events[V_MSI] = { NULL, NULL, NULL, NULL };

	vbound(t);
	*q = (struct ioas_vdev_irqs){
		.index = IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX,
		.nr = 2,
		.nr_events = V_MSI,
		.events = events,
	};
	events[1] = &event;
	expect_reports(t, 0);
	events[3] = &event;
	expect_reports(t, 1);
	events[3] = NULL;
	q->nr = 0;
	expect_reports(t, 1);
	q->nr = V_MSI + 1;
	expect_reports(t, 1);
	q->nr = 2;
	q->index = IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX;
	expect_reports(t, 1);
	*q = (struct ioas_vdev_irqs){ .index = IOAS_VDEV_IRQ_NONE };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(d1_users_are_who_has_it_bound),
		vdev_case(d2_a_file_of_its_own_is_alone),
		vdev_case(d3_interrupts_are_of_a_function_in_use),
		vdev_case(d3_eventfds_are_below_the_vectors),
	};

	return cmocka_run_group_tests_name("functions: the validator", tests,
					   NULL, NULL);
}
