/* SPDX-License-Identifier: MIT */
/*
 * functions by the node of their group
 * (docs/reference/vfio-device-uapi.md 12, iommufd-uapi.md 11.7)
 */
#include "vdev_fixture.h"

#define STATUS IOAS_ABI_VFIO_GROUP_GET_STATUS
#define SET IOAS_ABI_VFIO_GROUP_SET_CONTAINER
#define UNSET IOAS_ABI_VFIO_GROUP_UNSET_CONTAINER
#define DEVICE_FD IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD
#define VIABLE IOAS_ABI_VFIO_GROUP_FLAGS_VIABLE
#define CONTAINER_SET IOAS_ABI_VFIO_GROUP_FLAGS_CONTAINER_SET

/* The node of the group, open; no container. */
static int node_new(struct vdev_test *t)
{
	const int fd = vgroup_open(t);

	assert_true(fd >= SIM_FIRST_FD);
	return fd;
}

static int set_container(struct vdev_test *t, int node, int32_t fd)
{
	return sim_cmd(t->h, node, SET, &fd, sizeof(fd));
}

/* ... with the iommufd of the fixture. */
static int node_with_container(struct vdev_test *t)
{
	const int fd = node_new(t);

	expect_ok(set_container(t, fd, t->u.c.fd));
	return fd;
}

static int device_fd(struct vdev_test *t, int node, const char *name)
{
	return sim_ioctl(t->h, node, DEVICE_FD,
			 sim_put(t->h, name, strlen(name) + 1));
}

static uint32_t status_of(struct vdev_test *t, int node)
{
	struct ioas_abi_vfio_group_get_status s = { .flags = 0xff };

	expect_ok(vdo(t, node, STATUS, &s));
	return s.flags;
}

/* ---- the node ------------------------------------------------------------ */

static void open_is_exclusive(void **state)
{
	struct vdev_test *t = *state;
	int node = node_new(t);

	expect_errno(vgroup_open(t), -EBUSY);
	expect_ok(sim_close(t->h, node));
	node = node_new(t);
	expect_ok(sim_close(t->h, node));
	vbound(t);
	expect_errno(vgroup_open(t), -EBUSY);
	expect_ok(sim_close(t->h, t->fd));
	node_new(t);
}

static void a_file_that_is_not_bound_is_in_nobodys_way(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_new(t);

	expect_errno(vbind(t, t->fd, NULL), -EBUSY);
	expect_ok(sim_close(t->h, node));
	vbound(t);
}

static void status_tells_of_the_container(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_abi_vfio_group_get_status s = { .argsz = 7 };
	const int node = node_new(t);

	assert_int_equal(status_of(t, node), VIABLE);
	expect_ok(set_container(t, node, t->u.c.fd));
	assert_int_equal(status_of(t, node), VIABLE | CONTAINER_SET);
	expect_ok(sim_ioctl(t->h, node, UNSET, 0));
	assert_int_equal(status_of(t, node), VIABLE);
	expect_errno(sim_cmd(t->h, node, STATUS, &s, sizeof(s)), -EINVAL);
	expect_errno(sim_ioctl(t->h, node, STATUS, VA_HOLE), -EFAULT);
}

static void other_requests_are_enotty(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_new(t);

	for (uint32_t cmd = 0x3b64; cmd < 0x3b80; cmd++)
		if (cmd < STATUS || cmd > DEVICE_FD)
			expect_errno(sim_ioctl(t->h, node, cmd, VA_HOLE),
				     -ENOTTY);
	expect_errno(sim_pread(t->h, node, VA_RUN, 1, 0), -ESPIPE);
}

/* ---- containers ---------------------------------------------------------- */

static void container_errors_in_order(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_new(t), other = sim_open_other(t->h);

	expect_errno(sim_ioctl(t->h, node, SET, VA_HOLE), -EFAULT);
	expect_errno(set_container(t, node, 60), -EBADF);
	expect_errno(set_container(t, node, -1), -EBADF);
	expect_errno(set_container(t, node, other), -EBADFD);
	expect_errno(set_container(t, node, t->fd), -EBADFD);
	expect_errno(sim_ioctl(t->h, node, UNSET, 0), -EINVAL);
	expect_ok(set_container(t, node, t->u.c.fd));
	expect_errno(set_container(t, node, 60), -EBADF);
	expect_errno(set_container(t, node, other), -EINVAL);
	expect_errno(set_container(t, node, t->u.c.fd), -EINVAL);
}

static void a_container_gets_a_compat_space(void **state)
{
	struct vdev_test *t = *state;
	uint32_t id = 0, again = 0;
	int node;

	expect_errno(uc_vfio_set_iommu(&t->u.c, IOAS_ABI_VFIO_TYPE1v2_IOMMU),
		     -ENODEV);
	node = node_with_container(t);
	expect_ok(uc_vfio_set_iommu(&t->u.c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	expect_ok(uc_vfio_ioas(&t->u.c, IOAS_ABI_VFIO_IOAS_GET, &id));
	expect_ok(sim_ioctl(t->h, node, UNSET, 0));
	/* The one that is there is taken again. */
	expect_ok(set_container(t, node, t->u.c.fd));
	expect_ok(uc_vfio_ioas(&t->u.c, IOAS_ABI_VFIO_IOAS_GET, &again));
	assert_int_equal(again, id);
	/* It is as good as any other. */
	expect_ok(uc_map_fixed(&t->u.c, id, VA_RUN, PAGE, UC_RW, IOVA));
	expect_ok(uc_destroy(&t->u.c, id));
	expect_errno(device_fd(t, node, "0000:00:03.0"), -ENODEV);
}

static void a_container_is_kept(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_new(t);
	const int container = sim_open(t->h, IOAS_OPEN_VFIO);

	expect_ok(set_container(t, node, container));
	expect_ok(sim_close(t->h, container));
	assert_int_equal(sim_nr_contexts(t->h), 2);
	expect_ok(sim_close(t->h, node));
	assert_int_equal(sim_nr_contexts(t->h), 1);
}

/* ---- devices ------------------------------------------------------------- */

/* GET_INFO with room for three ranges. */
struct info {
	struct ioas_abi_vfio_iommu_get_info head;
	uint64_t avail[2];
	struct ioas_abi_vfio_info_cap_iova_range cap;
	struct ioas_abi_vfio_iova_range ranges[3];
};

static void expect_reach(struct vdev_test *t)
{
	struct info i = { .head.argsz = sizeof(i) };

	expect_ok(uc_vfio_info(&t->u.c, &i, sizeof(i)));
	assert_int_equal(i.cap.nr_iovas, 2);
	assert_int_equal(i.ranges[0].start, 0);
	assert_int_equal(i.ranges[0].end, 0xfedfffff);
	assert_int_equal(i.ranges[1].start, 0xfef00000);
	assert_int_equal(i.ranges[1].end, 0xffffffffffff);
}

/* Drivers choose IOVA before they open the device, QEMU's of NVMe for one. */
static void a_container_knows_what_is_reached_before_the_device(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_caller *caller = &t->u.p->tasks[0].caller;
	const int node = node_with_container(t);
	uint64_t nth = 0;
	int ret;

	expect_reach(t);
	assert_true(device_fd(t, node, "0000:00:03.0") >= 0);
	expect_reach(t);
	do {
		struct info i = { .head.argsz = sizeof(i) };
		struct ioas_fault fault = { .nth = ++nth };

		caller->fault = &fault;
		atomic_fetch_add(&ioas_plat_faults_armed, 1);
		ret = uc_vfio_info(&t->u.c, &i, sizeof(i));
		atomic_fetch_sub(&ioas_plat_faults_armed, 1);
		caller->fault = NULL;
	} while (ret);
	assert_true(nth > 4);
	expect_reach(t);
}

static void device_errors_in_order(void **state)
{
	struct vdev_test *t = *state;
	static char endless[200];
	const int node = node_new(t);

	memset(endless, 'x', sizeof(endless));
	expect_errno(sim_ioctl(t->h, node, DEVICE_FD, VA_HOLE), -EFAULT);
	expect_errno(sim_ioctl(t->h, node, DEVICE_FD,
			       sim_put(t->h, endless, sizeof(endless))),
		     -EINVAL);
	expect_errno(device_fd(t, node, ""), -ENODEV);
	expect_errno(device_fd(t, node, "0000:00:04.0"), -ENODEV);
	expect_errno(device_fd(t, node, "0000:00:03.01"), -ENODEV);
	expect_errno(device_fd(t, node, "0000:00:03."), -ENODEV);
	expect_errno(device_fd(t, node, "0000:00:03.0"), -EINVAL);
	expect_ok(set_container(t, node, t->u.c.fd));
	/* No function takes a token. */
	expect_errno(device_fd(t, node, "0000:00:03.0 vf_token=1"), -EINVAL);
	assert_true(device_fd(t, node, "0000:00:03.0") >= SIM_FIRST_FD);
}

static void a_name_ends_where_its_memory_does(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_with_container(t);
	const uint64_t at = VA_RUN + VA_PAGES * PAGE - 13;

	sim_poke(t->h, at, "0000:00:03.1", 13);
	assert_true(sim_ioctl(t->h, node, DEVICE_FD, at) >= SIM_FIRST_FD);
	sim_poke(t->h, at + 12, "x", 1);
	expect_errno(sim_ioctl(t->h, node, DEVICE_FD, at), -EFAULT);
}

static void a_device_is_bound_and_attached_at_once(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_with_container(t);
	const int fd = device_fd(t, node, "0000:00:03.0");
	struct ioas_abi_vfio_device_get_info info = { 0 };
	uint32_t pt = 1;

	assert_string_equal(t->fns[0].notes, "EA");
	assert_non_null(t->fns[0].domain);
	assert_int_equal(t->u.p->fds[fd].flags, IOAS_FD_CLOEXEC);
	expect_ok(vdo(t, fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, &info));
	expect_errno(vbind(t, fd, NULL), -EINVAL);
	expect_errno(vattach(t, fd, &pt), -ENOTTY);
	expect_errno(vdetach(t, fd), -ENOTTY);
	expect_ret(uc_vfio_extension(&t->u.c, IOAS_ABI_VFIO_DMA_CC_IOMMU), 1);
	expect_ok(uc_vfio_set_iommu(&t->u.c, IOAS_ABI_VFIO_TYPE1_IOMMU));
	expect_ok(sim_close(t->h, fd));
	assert_string_equal(t->fns[0].notes, "EADd");
}

static void opens_of_a_device_are_counted(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_with_container(t);
	const int a = device_fd(t, node, "0000:00:03.0");
	const int b = device_fd(t, node, "0000:00:03.0");
	const int c = device_fd(t, node, "0000:00:03.1");

	assert_int_equal(t->fns[0].v.users, 2);
	expect_errno(sim_ioctl(t->h, node, UNSET, 0), -EBUSY);
	expect_ok(sim_close(t->h, a));
	assert_string_equal(t->fns[0].notes, "EA");
	expect_ok(sim_close(t->h, b));
	assert_string_equal(t->fns[0].notes, "EADd");
	expect_errno(sim_ioctl(t->h, node, UNSET, 0), -EBUSY);
	/* A device keeps the node open, and so the group closed to others. */
	expect_ok(sim_close(t->h, node));
	expect_errno(vgroup_open(t), -EBUSY);
	expect_errno(vbind(t, t->fd, NULL), -EBUSY);
	expect_ok(sim_close(t->h, c));
	vbound(t);
}

static void devices_of_a_group_are_on_one_page_table(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_with_container(t);
	const uint64_t iova = IOVA;

	device_fd(t, node, "0000:00:03.0");
	device_fd(t, node, "0000:00:03.1");
	assert_ptr_equal(t->fns[0].domain, t->fns[1].domain);
	expect_ok(sim_cmd(
		t->h, t->u.c.fd, IOAS_ABI_VFIO_IOMMU_MAP_DMA,
		&(struct ioas_abi_vfio_iommu_map_dma){ .argsz = 32,
						       .flags = 3,
						       .vaddr = VA_RUN,
						       .iova = iova,
						       .size = 2 * PAGE },
		32));
	assert_int_equal(pins(&t->u), 2);
}

static void a_device_that_gets_no_number_is_closed(void **state)
{
	struct vdev_test *t = *state;
	const int node = node_with_container(t);

	t->h->refuse_fd = true;
	expect_errno(device_fd(t, node, "0000:00:03.0"), -ENOMEM);
	t->h->refuse_fd = false;
	assert_string_equal(t->fns[0].notes, "EADd");
	expect_ok(sim_ioctl(t->h, node, UNSET, 0));
}

static void every_fault_on_the_way_is_undone(void **state)
{
	struct vdev_test *t = *state;
	struct ioas_caller *caller = &t->u.p->tasks[0].caller;
	const int node = node_new(t);
	const unsigned int fds = sim_nr_fds(t->h);
	uint64_t nth = 0;
	int ret;

	do {
		struct ioas_fault fault = { .nth = ++nth };

		caller->fault = &fault;
		atomic_fetch_add(&ioas_plat_faults_armed, 1);
		ret = set_container(t, node, t->u.c.fd);
		if (!ret)
			ret = device_fd(t, node, "0000:00:03.0");
		atomic_fetch_sub(&ioas_plat_faults_armed, 1);
		caller->fault = NULL;
		assert_int_equal(ioas_vgroup_validate(&t->g), 0);
		if (ret < 0) {
			assert_int_equal(sim_nr_fds(t->h), fds);
			assert_int_equal(t->fns[0].v.users, 0);
			sim_ioctl(t->h, node, UNSET, 0);
		}
	} while (ret < 0);
	assert_true(nth > 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(open_is_exclusive),
		vdev_case(a_file_that_is_not_bound_is_in_nobodys_way),
		vdev_case(status_tells_of_the_container),
		vdev_case(other_requests_are_enotty),
		vdev_case(container_errors_in_order),
		vdev_case(a_container_gets_a_compat_space),
		vdev_case(a_container_is_kept),
		vdev_case(a_container_knows_what_is_reached_before_the_device),
		vdev_case(device_errors_in_order),
		vdev_case(a_name_ends_where_its_memory_does),
		vdev_case(a_device_is_bound_and_attached_at_once),
		vdev_case(opens_of_a_device_are_counted),
		vdev_case(devices_of_a_group_are_on_one_page_table),
		vdev_case(a_device_that_gets_no_number_is_closed),
		vdev_case(every_fault_on_the_way_is_undone),
	};

	return cmocka_run_group_tests_name("functions: groups", tests, NULL,
					   NULL);
}
