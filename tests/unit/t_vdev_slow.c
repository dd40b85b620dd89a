/* SPDX-License-Identifier: MIT */
/*
 * memory of a program that is slow to come, while it is told a result
 *
 *   request --> done, lock let go --> copy --> told, or taken back
 *                                      |
 *                                      '-- here another task does something
 *
 * A page of the program's may be made to wait by the program itself: nobody
 * else may have to wait with it, and what others did meanwhile is left alone.
 */
#include <pthread.h>

#include "vdev_fixture.h"

#define DETACH IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT
#define HOT_INFO IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
#define PASID IOAS_ABI_HWPT_ALLOC_PASID

static struct slow {
	struct vdev_test *t;
	/* Copies that the request makes before it does anything. */
	unsigned int before;
	/* By another task, during a copy to the program. */
	void (*meanwhile)(struct vdev_test *t);
	/* In the end it does not come. */
	bool fails;
	unsigned int nr_copies;
	uint32_t pt;
} slow;

static void *other_task(void *arg)
{
	struct vdev_test *t = arg;

	simhost_enter_task(t->u.p, 1);
	slow.meanwhile(t);
	simhost_leave(t->h);
	return NULL;
}

/* A copy can fail, so we are asked before each: it stands for the copy. */
static bool slow_copy(struct ioas_fault *f, unsigned int point)
{
	pthread_t thread;

	(void)f;
	if (point != IOAS_FP_COPY || slow.nr_copies++ < slow.before)
		return false;
	if (IOAS_DEBUG)
		assert_false(ioas_plat_lock_held(&slow.t->g.lock, true));
	if (slow.meanwhile) {
		assert_int_equal(pthread_create(&thread, NULL, other_task,
						slow.t),
				 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
	return slow.fails;
}

static struct ioas_fault slow_fault = { .decide = slow_copy };

/*
 * From now on, and until slow_end(), what the first task is told takes time,
 * but for its first @before copies, in which it is asked.
 */
static void slow_begin(struct vdev_test *t, unsigned int before, bool fails,
		       void (*meanwhile)(struct vdev_test *t))
{
	slow = (struct slow){ .t = t,
			      .before = before,
			      .meanwhile = meanwhile,
			      .fails = fails };
	t->u.p->tasks[0].caller.fault = &slow_fault;
	atomic_fetch_add(&ioas_plat_faults_armed, 1);
}

static void slow_end(struct vdev_test *t)
{
	atomic_fetch_sub(&ioas_plat_faults_armed, 1);
	t->u.p->tasks[0].caller.fault = NULL;
	assert_true(slow.nr_copies > slow.before);
}

/* ---- bind ---------------------------------------------------------------- */

static int another;

static void bind_others(struct vdev_test *t)
{
	/* It has a user already, whom nobody can see yet. */
	expect_errno(vbind(t, another, NULL), -EINVAL);
	expect_errno(vbind(t, t->fd, NULL), -EINVAL);
	expect_errno(vgroup_open(t), -EBUSY);
	expect_errno(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET, 0),
		     -EINVAL);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
}

static void bind_tells_without_the_lock(void **state)
{
	struct vdev_test *t = *state;
	uint32_t id;

	another = vdev_open(t, 0);
	slow_begin(t, 2, false, bind_others);
	expect_ok(vbind(t, t->fd, &id));
	slow_end(t);
	assert_int_equal(id, t->fns[0].v.idev->obj.id);
	expect_ok(strcmp(t->fns[0].notes, "E"));
	expect_ok(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET, 0));
}

static void bind_that_cannot_tell_is_undone(void **state)
{
	struct vdev_test *t = *state;

	another = vdev_open(t, 0);
	slow_begin(t, 2, true, bind_others);
	expect_errno(vbind(t, t->fd, NULL), -EFAULT);
	slow_end(t);
	expect_ok(strcmp(t->fns[0].notes, "ED"));
	expect_errno(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET, 0),
		     -EINVAL);
	expect_ok(vbind(t, another, NULL));
}

/* ---- attach -------------------------------------------------------------- */

static void attach_again(struct vdev_test *t)
{
	uint32_t pt = slow.pt;

	expect_ok(vattach(t, t->fd, &pt));
}

static void attach_pasid(struct vdev_test *t)
{
	uint32_t pt = slow.pt;

	expect_ok(vattach_pasid(t, t->fd, 5, &pt));
}

static void detach_and_attach(struct vdev_test *t)
{
	expect_ok(vdetach(t, t->fd));
	attach_again(t);
}

/* Memory does not come, and what was done meanwhile stays or goes. */
static void attach_fails(struct vdev_test *t, uint32_t first, uint32_t then,
			 void (*meanwhile)(struct vdev_test *t), bool stays)
{
	slow_begin(t, 1, true, meanwhile);
	slow.pt = then;
	expect_errno(vattach(t, t->fd, &first), -EFAULT);
	slow_end(t);
	assert_int_equal(!!t->fns[0].domain, stays);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	expect_ok(vdetach(t, t->fd));
}

static void attach_that_cannot_tell_is_detached(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u), dev = vbound(t);
	uint32_t hwpt;
	struct ioas_abi_vfio_device_detach_iommufd_pt d = { .flags = 1,
							    .pasid = 5 };

	attach_fails(t, space, 0, NULL, false);
	/* Another PASID is another attachment. */
	expect_ok(uc_hwpt(&t->u.c, dev, space, PASID, &hwpt));
	attach_fails(t, hwpt, hwpt, attach_pasid, false);
	expect_errno(uc_destroy(&t->u.c, hwpt), -EBUSY);
	expect_ok(vdo(t, t->fd, DETACH, &d));
	expect_ok(uc_destroy(&t->u.c, hwpt));
}

static void what_another_attached_since_stays(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t a = ioas_new(&t->u), b = ioas_new(&t->u);

	vbound(t);
	attach_fails(t, a, b, attach_again, true);
	/* The same, which changes nothing, is an attach none the less. */
	attach_fails(t, a, a, attach_again, true);
	attach_fails(t, a, a, detach_and_attach, true);
}

static void attach_tells_without_the_lock(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	uint32_t pt = space;

	vbound(t);
	slow_begin(t, 1, false, NULL);
	expect_ok(vattach(t, t->fd, &pt));
	slow_end(t);
	assert_int_not_equal(pt, space);
	assert_non_null(t->fns[0].domain);
}

/* ---- hot reset, close ---------------------------------------------------- */

static void hot_reset_info_tells_without_the_lock(void **state)
{
	struct vdev_test *t = *state;
	struct {
		uint32_t argsz, flags, count;
		struct ioas_abi_vfio_pci_dependent_device devices[V_FNS];
	} h = { 0 };

	vbound(t);
	slow_begin(t, 1, false, NULL);
	expect_ok(vdo(t, t->fd, HOT_INFO, &h));
	slow_end(t);
	assert_int_equal(h.count, V_FNS);
	assert_int_equal(h.devices[1].devfn, 0x19);
}

/* Somebody has the lock: us, who would wait for ourselves. */
static void close_of_what_is_not_bound_takes_no_lock(void **state)
{
	struct vdev_test *t = *state;
	const int fd = vdev_open(t, 0);

	ioas_mutex_lock(&t->g.lock, IOAS_RANK_VDEV);
	expect_ok(sim_close(t->h, fd));
	ioas_mutex_unlock(&t->g.lock);
	assert_int_equal(t->fns[0].v.nr_files, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(bind_tells_without_the_lock),
		vdev_case(bind_that_cannot_tell_is_undone),
		vdev_case(attach_tells_without_the_lock),
		vdev_case(attach_that_cannot_tell_is_detached),
		vdev_case(what_another_attached_since_stays),
		vdev_case(hot_reset_info_tells_without_the_lock),
		vdev_case(close_of_what_is_not_bound_takes_no_lock),
	};

	return cmocka_run_group_tests_name("functions: slow memory", tests,
					   NULL, NULL);
}
