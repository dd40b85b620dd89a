/* SPDX-License-Identifier: MIT */
/*
 * a function's own file: open, bind, attach, detach, close
 * (docs/reference/vfio-device-uapi.md 1, 3)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "domain/view.h"
#include "vdev_fixture.h"

#define BIND IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD
#define ATTACH IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT
#define DETACH IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT

typedef struct ioas_abi_vfio_device_bind_iommufd bind_t;
typedef struct ioas_abi_vfio_device_attach_iommufd_pt attach_t;
typedef struct ioas_abi_vfio_device_detach_iommufd_pt detach_t;

/* ---- before the bind ----------------------------------------------------- */

static void everything_before_bind_is_einval(void **state)
{
	struct vdev_test *t = *state;
	const struct ioas_mmap_request rq = { .offset = V_BAR(4),
					      .length = PAGE,
					      .shared = true };

	for (uint32_t cmd = 0x3b64; cmd < 0x3b80; cmd++)
		if (cmd != BIND)
			expect_errno(sim_ioctl(t->h, t->fd, cmd, VA_HOLE),
				     -EINVAL);
	expect_errno(sim_ioctl(t->h, t->fd, 0x1234, VA_HOLE), -EINVAL);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 4, V_CONFIG), -EINVAL);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, 4, V_CONFIG), -EINVAL);
	expect_errno(sim_mmap(t->h, t->fd, &rq), -EINVAL);
	/* There is no poll operation. */
	assert_true(sim_poll(t->h, t->fd) & IOAS_POLLIN);
}

static void opens_are_independent_until_bind(void **state)
{
	struct vdev_test *t = *state;
	const int second = vdev_open(t, 0), third = vdev_open(t, 0);
	uint32_t id;

	expect_ok(vbind(t, second, &id));
	assert_true(id > 0);
	expect_errno(vbind(t, third, NULL), -EINVAL);
	expect_errno(sim_ioctl(t->h, third, 0x3b6f, 0), -EINVAL);
	expect_ok(sim_close(t->h, second));
	expect_ok(vbind(t, third, NULL));
}

/* ---- bind: the order ----------------------------------------------------- */

static void bind_unreadable_is_efault(void **state)
{
	struct vdev_test *t = *state;
	uint32_t argsz = 24;

	expect_errno(sim_ioctl(t->h, t->fd, BIND, VA_HOLE), -EFAULT);
	/* argsz alone, and nothing behind it. */
	expect_errno(sim_cmd(t->h, t->fd, BIND, &argsz, 4), -EFAULT);
}

static void bind_small_argsz_is_einval(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .argsz = 15, .iommufd = -1 };

	expect_errno(sim_cmd(t->h, t->fd, BIND, &b, sizeof(b)), -EINVAL);
}

static void bind_tail_must_be_zero(void **state)
{
	struct vdev_test *t = *state;
	struct {
		bind_t b;
		uint64_t tail;
	} s = { .b = { .argsz = sizeof(s), .iommufd = -1 }, .tail = 1 };

	expect_errno(sim_cmd(t->h, t->fd, BIND, &s, sizeof(s)), -E2BIG);
	s.tail = 0;
	s.b.iommufd = t->u.c.fd;
	expect_ok(sim_cmd(t->h, t->fd, BIND, &s, sizeof(s)));
}

static void bind_of_16_bytes_is_enough(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .argsz = 16, .iommufd = t->u.c.fd };

	expect_ok(sim_cmd(t->h, t->fd, BIND, &b, 16));
}

static void bind_bad_number_or_flag_is_einval(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .iommufd = -1 };

	expect_errno(vdo(t, t->fd, BIND, &b), -EINVAL);
	b = (bind_t){ .iommufd = 60, .flags = 2 };
	expect_errno(vdo(t, t->fd, BIND, &b), -EINVAL);
}

static void bind_with_the_group_open_is_ebusy(void **state)
{
	struct vdev_test *t = *state;
	const int group = vgroup_open(t);
	bind_t b = { .iommufd = 60, .flags = 1 };

	expect_errno(vdo(t, t->fd, BIND, &b), -EBUSY);
	expect_ok(sim_close(t->h, group));
	expect_ok(vbind(t, t->fd, NULL));
}

static void bind_twice_is_einval(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .iommufd = 60 };

	vbound(t);
	expect_errno(vdo(t, t->fd, BIND, &b), -EINVAL);
}

static void bind_with_a_token_is_einval(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .iommufd = 60, .flags = 1, .token_uuid_ptr = VA_HOLE };

	expect_errno(vdo(t, t->fd, BIND, &b), -EINVAL);
}

static void bind_to_what_is_no_iommufd(void **state)
{
	struct vdev_test *t = *state;
	const int second = vdev_open(t, 0);
	bind_t b = { .iommufd = 60 };

	expect_ok(vbind(t, second, NULL));
	/* Bound through another file comes later. */
	expect_errno(vdo(t, t->fd, BIND, &b), -EBADF);
	b.iommufd = sim_open_other(t->h);
	expect_errno(vdo(t, t->fd, BIND, &b), -EBADFD);
	b.iommufd = second;
	expect_errno(vdo(t, t->fd, BIND, &b), -EBADFD);
	b.iommufd = t->u.c.fd;
	expect_errno(vdo(t, t->fd, BIND, &b), -EINVAL);
}

static void bind_errors_of_the_iommufd(void **state)
{
	struct vdev_test *t = *state;
	const int other = vdev_open(t, 1);
	bind_t b = { .iommufd = sim_open(t->h, 0) };

	t->fns[0].v.dev.coherent = false;
	expect_errno(vbind(t, t->fd, NULL), -EINVAL);
	t->fns[0].v.dev.coherent = true;
	/* A group has one owner. */
	vbound(t);
	expect_errno(vdo(t, other, BIND, &b), -EPERM);
	expect_ok(vbind(t, other, NULL));
}

static void bind_that_cannot_enable_is_undone(void **state)
{
	struct vdev_test *t = *state;

	t->fns[0].enable_error = -EAGAIN;
	expect_errno(vbind(t, t->fd, NULL), -EAGAIN);
	t->fns[0].enable_error = 0;
	expect_errno(uc_destroy(&t->u.c, 1), -ENOENT);
	vbound(t);
	expect_ok(strcmp(t->fns[0].notes, "E"));
}

static void bind_that_cannot_tell_is_undone(void **state)
{
	struct vdev_test *t = *state;
	bind_t b = { .argsz = sizeof(b), .iommufd = t->u.c.fd };

	expect_errno(sim_cmd_read_only(t->h, t->fd, BIND, &b, sizeof(b)),
		     -EFAULT);
	expect_ok(strcmp(t->fns[0].notes, "ED"));
	vbound(t);
}

/* ---- attach -------------------------------------------------------------- */

static void attach_checks_in_order(void **state)
{
	struct vdev_test *t = *state;
	attach_t a = { .argsz = 11, .flags = 2 };
	const int other = vdev_open(t, 1);

	vbound(t);
	expect_errno(sim_ioctl(t->h, t->fd, ATTACH, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, ATTACH, &a, sizeof(a)), -EINVAL);
	a.argsz = 12;
	expect_errno(sim_cmd(t->h, t->fd, ATTACH, &a, sizeof(a)), -EINVAL);
	a.flags = 1;
	expect_errno(sim_cmd(t->h, t->fd, ATTACH, &a, sizeof(a)), -EINVAL);
	expect_ok(vbind(t, other, NULL));
	/* No PASIDs come before a struct that is too small for one. */
	expect_errno(sim_cmd(t->h, other, ATTACH, &a, sizeof(a)), -EOPNOTSUPP);
	a = (attach_t){ .argsz = 12, .pt_id = NO_ID };
	expect_errno(sim_cmd(t->h, t->fd, ATTACH, &a, 12), -ENOENT);
	a.argsz = 16;
	a.flags = 1;
	expect_errno(sim_cmd(t->h, t->fd, ATTACH, &a, 12), -EFAULT);
}

static void attach_to_a_space_makes_page_tables(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	uint32_t pt = space, again = space;

	vbound(t);
	expect_ok(vattach(t, t->fd, &pt));
	assert_int_not_equal(pt, space);
	assert_non_null(t->fns[0].domain);
	expect_ok(vattach(t, t->fd, &again));
	assert_int_equal(again, pt);
	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(vdetach(t, t->fd));
	assert_null(t->fns[0].domain);
	/* The automatic HWPT is gone, so is what was pinned. */
	assert_int_equal(pins(&t->u), 0);
	expect_ok(vdetach(t, t->fd));
}

static void what_is_mapped_is_what_the_function_sees(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	uint64_t addr, length;
	struct ioas_dview *v;
	uint32_t pt = space;

	vbound(t);
	expect_ok(vattach(t, t->fd, &pt));
	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, 4 * PAGE, UC_R, IOVA));
	expect_ok(ioas_dview_create(t->fns[0].domain, NULL, NULL, &v));
	ioas_dview_enter(v);
	expect_ok(ioas_dview_translate(v, IOVA + 5, IOVA + 4 * PAGE - 1,
				       IOAS_PROT_READ, &addr, &length));
	assert_int_equal(addr % PAGE, 5);
	assert_in_range(length, 1, 4 * PAGE - 5);
	expect_errno(ioas_dview_translate(v, IOVA, IOVA, IOAS_PROT_WRITE, &addr,
					  &length),
		     -EACCES);
	expect_errno(ioas_dview_translate(v, IOVA + 4 * PAGE, IOVA + 4 * PAGE,
					  IOAS_PROT_READ, &addr, &length),
		     -ENOENT);
	ioas_dview_exit(v);
	ioas_dview_destroy(v);
}

static void attach_elsewhere_replaces(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t a = ioas_new(&t->u), b = ioas_new(&t->u);
	uint32_t pt = a, other = b;

	vbound(t);
	expect_ok(vattach(t, t->fd, &pt));
	expect_ok(vattach(t, t->fd, &other));
	assert_int_not_equal(other, pt);
	expect_ok(uc_destroy(&t->u.c, a));
	expect_errno(uc_destroy(&t->u.c, b), -EBUSY);
	pt = NO_ID;
	expect_errno(vattach(t, t->fd, &pt), -ENOENT);
	assert_non_null(t->fns[0].domain);
}

static void attach_that_cannot_tell_is_detached(void **state)
{
	struct vdev_test *t = *state;
	attach_t a = { .argsz = sizeof(a), .pt_id = ioas_new(&t->u) };
	uint32_t pt = a.pt_id;

	vbound(t);
	for (int i = 0; i < 2; i++) {
		expect_errno(
			sim_cmd_read_only(t->h, t->fd, ATTACH, &a, sizeof(a)),
			-EFAULT);
		assert_null(t->fns[0].domain);
		/* The second time it is a replace. */
		if (!i)
			expect_ok(vattach(t, t->fd, &pt));
	}
	expect_ok(uc_destroy(&t->u.c, a.pt_id));
}

static void attach_keeps_interrupts_out_of_the_space(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	uint32_t pt = space;

	vbound(t);
	expect_ok(vattach(t, t->fd, &pt));
	expect_errno(
		uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_RW, 0xfee00000),
		-EINVAL);
	expect_ok(vdetach(t, t->fd));
	expect_ok(
		uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_RW, 0xfee00000));
	pt = space;
	expect_errno(vattach(t, t->fd, &pt), -EADDRINUSE);
}

static void pasids_need_page_tables_that_allow_them(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	const uint32_t dev = vbound(t);
	uint32_t pt = space, hwpt, other;
	detach_t d = { .flags = 1, .pasid = 5 };

	expect_errno(vattach_pasid(t, t->fd, 5, &pt), -EINVAL);
	expect_ok(uc_hwpt(&t->u.c, dev, space, PASID, &hwpt));
	expect_ok(uc_hwpt(&t->u.c, dev, space, PASID | DIRTY, &other));
	pt = hwpt;
	expect_ok(vattach_pasid(t, t->fd, 5, &pt));
	pt = other;
	expect_ok(vattach_pasid(t, t->fd, 5, &pt));
	expect_ok(uc_destroy(&t->u.c, hwpt));
	pt = other;
	expect_errno(vattach_pasid(t, t->fd, 1u << 16, &pt), -EINVAL);
	expect_ok(vdo(t, t->fd, DETACH, &d));
	expect_ok(vdo(t, t->fd, DETACH, &d));
	expect_ok(uc_destroy(&t->u.c, other));
}

static void page_tables_refuse_what_they_lack(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u), dev = vbound(t);
	struct ioas_abi_hwpt_alloc s = { .dev_id = dev,
					 .pt_id = space,
					 .data_type = 0xdead,
					 .data_len = 8 };
	uint64_t data = 0;

	expect_errno(uc_hwpt(&t->u.c, dev, space, NEST, NULL), -EOPNOTSUPP);
	expect_errno(uc_hwpt_alloc(&t->u.c, &s, &data), -EOPNOTSUPP);
}

static void page_tables_track_dirty_pages_if_asked(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u), dev = vbound(t);
	uint32_t hwpt, plain;

	expect_ok(uc_hwpt(&t->u.c, dev, space, 0, &plain));
	expect_errno(uc_dirty_set(&t->u.c, plain,
				  IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE),
		     -EOPNOTSUPP);
	expect_ok(uc_hwpt(&t->u.c, dev, space, DIRTY, &hwpt));
	expect_ok(uc_dirty_set(&t->u.c, hwpt,
			       IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	expect_ok(vattach(t, t->fd, &hwpt));
	expect_ok(vdetach(t, t->fd));
}

static void detach_checks_in_order(void **state)
{
	struct vdev_test *t = *state;
	detach_t d = { .argsz = 7, .flags = 2 };
	const int other = vdev_open(t, 1);

	vbound(t);
	expect_ok(vbind(t, other, NULL));
	expect_errno(sim_ioctl(t->h, t->fd, DETACH, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, DETACH, &d, sizeof(d)), -EINVAL);
	d.argsz = 8;
	expect_errno(sim_cmd(t->h, t->fd, DETACH, &d, sizeof(d)), -EINVAL);
	d.flags = 1;
	expect_errno(sim_cmd(t->h, other, DETACH, &d, sizeof(d)), -EOPNOTSUPP);
	expect_errno(sim_cmd(t->h, t->fd, DETACH, &d, sizeof(d)), -EINVAL);
	d.argsz = 12;
	expect_errno(sim_cmd(t->h, t->fd, DETACH, &d, 8), -EFAULT);
}

/* ---- close --------------------------------------------------------------- */

static void the_last_close_undoes_everything(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t dev = vbound(t);
	uint32_t pt = ioas_new(&t->u);
	const int copy = sim_dup(t->h, t->fd);

	expect_ok(vattach(t, t->fd, &pt));
	expect_ok(sim_close(t->h, t->fd));
	expect_errno(uc_destroy(&t->u.c, dev), -EBUSY);
	expect_ok(strcmp(t->fns[0].notes, "EA"));
	expect_ok(sim_close(t->h, copy));
	expect_ok(strcmp(t->fns[0].notes, "EADd"));
	expect_errno(uc_destroy(&t->u.c, dev), -ENOENT);
	t->fd = vdev_open(t, 0);
	vbound(t);
}

static void a_bound_file_keeps_the_iommufd(void **state)
{
	struct vdev_test *t = *state;
	uint32_t pt = ioas_new(&t->u);

	vbound(t);
	expect_ok(vattach(t, t->fd, &pt));
	expect_ok(sim_close(t->h, t->u.c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_ok(vdetach(t, t->fd));
	expect_ok(sim_close(t->h, t->fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void a_mapping_keeps_the_file(void **state)
{
	struct vdev_test *t = *state;
	const struct ioas_mmap_request rq = { .offset = V_BAR(4),
					      .length = PAGE,
					      .shared = true };
	int m;

	vbound(t);
	m = sim_mmap(t->h, t->fd, &rq);
	assert_true(m >= 0);
	expect_ok(sim_close(t->h, t->fd));
	expect_ok(strcmp(t->fns[0].notes, "E"));
	sim_munmap(t->h, m);
	expect_ok(strcmp(t->fns[0].notes, "ED"));
}

/* ---- faults -------------------------------------------------------------- */

/* Bind and attach with the @nth point failing. True: none was left. */
static bool bind_and_attach(struct vdev_test *t, uint32_t space, uint64_t nth)
{
	struct ioas_fault fault = { .nth = nth,
				    .failed = IOAS_NR_FAULT_POINTS };
	struct ioas_caller *caller = &t->u.p->tasks[0].caller;
	const int fd = vdev_open(t, 0);
	uint32_t pt = space;
	int ret;

	caller->fault = &fault;
	atomic_fetch_add(&ioas_plat_faults_armed, 1);
	ret = vbind(t, fd, NULL);
	if (!ret)
		ret = vattach(t, fd, &pt);
	atomic_fetch_sub(&ioas_plat_faults_armed, 1);
	caller->fault = NULL;
	if (ret)
		assert_int_not_equal(fault.failed, IOAS_NR_FAULT_POINTS);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	expect_ok(sim_close(t->h, fd));
	assert_int_equal(t->fns[0].v.users, 0);
	assert_null(t->fns[0].domain);
	return !ret;
}

static void every_fault_of_bind_and_attach_is_undone(void **state)
{
	struct vdev_test *t = *state;
	const uint32_t space = ioas_new(&t->u);
	uint64_t nth = 1;

	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_RW, IOVA));
	while (!bind_and_attach(t, space, nth))
		nth++;
	assert_true(nth > 8);
	assert_int_equal(pins(&t->u), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(everything_before_bind_is_einval),
		vdev_case(opens_are_independent_until_bind),
		vdev_case(bind_unreadable_is_efault),
		vdev_case(bind_small_argsz_is_einval),
		vdev_case(bind_tail_must_be_zero),
		vdev_case(bind_of_16_bytes_is_enough),
		vdev_case(bind_bad_number_or_flag_is_einval),
		vdev_case(bind_with_the_group_open_is_ebusy),
		vdev_case(bind_twice_is_einval),
		vdev_case(bind_with_a_token_is_einval),
		vdev_case(bind_to_what_is_no_iommufd),
		vdev_case(bind_errors_of_the_iommufd),
		vdev_case(bind_that_cannot_enable_is_undone),
		vdev_case(bind_that_cannot_tell_is_undone),
		vdev_case(attach_checks_in_order),
		vdev_case(attach_to_a_space_makes_page_tables),
		vdev_case(what_is_mapped_is_what_the_function_sees),
		vdev_case(attach_elsewhere_replaces),
		vdev_case(attach_that_cannot_tell_is_detached),
		vdev_case(attach_keeps_interrupts_out_of_the_space),
		vdev_case(pasids_need_page_tables_that_allow_them),
		vdev_case(page_tables_refuse_what_they_lack),
		vdev_case(page_tables_track_dirty_pages_if_asked),
		vdev_case(detach_checks_in_order),
		vdev_case(the_last_close_undoes_everything),
		vdev_case(a_bound_file_keeps_the_iommufd),
		vdev_case(a_mapping_keeps_the_file),
		vdev_case(every_fault_of_bind_and_attach_is_undone),
	};

	return cmocka_run_group_tests_name("functions: bind and attach", tests,
					   NULL, NULL);
}
