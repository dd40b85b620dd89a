/* SPDX-License-Identifier: MIT */
/*
 * resets, and requests that no function of ours grants
 * (docs/reference/vfio-device-uapi.md 2, 8, 9, 10)
 */
#include "vdev_fixture.h"

#define RESET IOAS_ABI_VFIO_DEVICE_RESET
#define HOT_INFO IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
#define HOT IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET
#define FEATURE IOAS_ABI_VFIO_DEVICE_FEATURE
#define IOEVENTFD IOAS_ABI_VFIO_DEVICE_IOEVENTFD
#define GET IOAS_ABI_VFIO_DEVICE_FEATURE_GET
#define SET IOAS_ABI_VFIO_DEVICE_FEATURE_SET
#define PROBE IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE

typedef struct ioas_abi_vfio_device_ioeventfd io_t;

struct hot_info {
	uint32_t argsz, flags, count;
	struct ioas_abi_vfio_pci_dependent_device devices[V_FNS];
};

struct hot {
	uint32_t argsz, flags, count;
	int32_t fds[4];
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

/* The first function by way of the group, whose node is *@node. */
static int by_group(struct vdev_test *t, int *node)
{
	*node = vgroup_open(t);
	expect_ok(sim_cmd(t->h, *node, IOAS_ABI_VFIO_GROUP_SET_CONTAINER,
			  &(int32_t){ t->u.c.fd }, 4));
	return sim_ioctl(t->h, *node, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD,
			 sim_put(t->h, "0000:00:03.0", 13));
}

/* Functions that have no reset. */
static void forbid_reset(struct vdev_test *t, unsigned int i)
{
	static struct ioas_vdev_ops ops;

	ops = vfn_ops;
	ops.reset = NULL;
	t->fns[i].v.ops = &ops;
}

/* ---- 8 ------------------------------------------------------------------- */

static void reset_is_the_functions(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);
	struct {
		uint32_t argsz, flags, index, start, count;
		int32_t fd;
	} s = { .flags = 0x24, .index = 2, .count = 1, .fd = fd };

	expect_ok(vdo(t, t->fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, &s));
	expect_ok(sim_ioctl(t->h, t->fd, RESET, VA_HOLE));
	assert_string_equal(t->fns[0].notes, "ER");
	/* What was set up for interrupts stays. */
	ioas_vdev_signal(&t->fns[0].v, 0);
	assert_int_equal(sim_event_take(t->h, fd), 1);
	t->fns[0].reset_error = -EAGAIN;
	expect_errno(sim_ioctl(t->h, t->fd, RESET, 0), -EAGAIN);
}

static void hot_reset_info_names_all_that_are_affected(void **state)
{
	struct vdev_test *t = *state;
	struct hot_info h = { 0 };

	expect_ok(vdo(t, t->fd, HOT_INFO, &h));
	assert_int_equal(h.flags, 3);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.devices[0].devid, t->fns[0].v.idev->obj.id);
	assert_int_equal(h.devices[0].devfn, 0x18);
	assert_int_equal(h.devices[1].devid, IOAS_ABI_VFIO_PCI_DEVID_OWNED);
	assert_int_equal(h.devices[1].devfn, 0x19);
	assert_int_equal(h.devices[1].bus, 0);
}

static void hot_reset_info_without_room_is_enospc(void **state)
{
	struct vdev_test *t = *state;
	struct hot_info h = { .argsz = 11 };

	expect_errno(sim_ioctl(t->h, t->fd, HOT_INFO, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, HOT_INFO, &h, sizeof(h)), -EINVAL);
	for (h.argsz = 12; h.argsz < sizeof(h); h.argsz++) {
		h.flags = 9;
		h.count = 0;
		h.devices[0].devid = 0x55;
		expect_errno(sim_cmd(t->h, t->fd, HOT_INFO, &h, sizeof(h)),
			     -ENOSPC);
		assert_int_equal(h.count, 2);
		assert_int_equal(h.flags, 0);
		assert_int_equal(h.devices[0].devid, 0x55);
	}
	forbid_reset(t, 1);
	expect_errno(vdo(t, t->fd, HOT_INFO, &h), -ENODEV);
}

static void hot_reset_info_of_a_group_names_groups(void **state)
{
	struct vdev_test *t = *state;
	struct hot_info h = { 0 };
	int node, fd = by_group(t, &node);

	expect_ok(vdo(t, fd, HOT_INFO, &h));
	assert_int_equal(h.flags, 0);
	assert_int_equal(h.count, 2);
	assert_int_equal(h.devices[0].group_id, 7);
	assert_int_equal(h.devices[1].group_id, 7);
}

static void hot_reset_resets_all(void **state)
{
	struct vdev_test *t = *state;
	struct hot h = { .argsz = 12 };

	expect_ok(sim_cmd(t->h, t->fd, HOT, &h, 12));
	assert_string_equal(t->fns[0].notes, "ER");
	assert_string_equal(t->fns[1].notes, "R");
	t->fns[0].reset_error = -EIO;
	expect_errno(sim_cmd(t->h, t->fd, HOT, &h, 12), -EIO);
	assert_string_equal(t->fns[1].notes, "RR");
}

static void hot_reset_errors(void **state)
{
	struct vdev_test *t = *state;
	struct hot h = { .argsz = 11 };

	expect_errno(sim_ioctl(t->h, t->fd, HOT, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, HOT, &h, sizeof(h)), -EINVAL);
	h = (struct hot){ .flags = 1 };
	expect_errno(vdo(t, t->fd, HOT, &h), -EINVAL);
	h = (struct hot){ .count = 1 };
	expect_errno(vdo(t, t->fd, HOT, &h), -EINVAL);
	h.count = 0;
	forbid_reset(t, 1);
	expect_errno(vdo(t, t->fd, HOT, &h), -ENODEV);
	assert_string_equal(t->fns[0].notes, "E");
}

static void hot_reset_by_the_group_wants_its_node(void **state)
{
	struct vdev_test *t = *state;
	int node, fd = by_group(t, &node);
	struct hot h = { .count = 0 };

	expect_errno(vdo(t, fd, HOT, &h), -EINVAL);
	h = (struct hot){ .count = 1, .fds = { 60 } };
	expect_errno(vdo(t, fd, HOT, &h), -EBADF);
	h.fds[0] = t->u.c.fd;
	expect_errno(vdo(t, fd, HOT, &h), -EINVAL);
	h.fds[0] = sim_open_other(t->h);
	expect_errno(vdo(t, fd, HOT, &h), -EINVAL);
	h = (struct hot){ .count = UINT32_MAX, .fds = { node } };
	expect_errno(vdo(t, fd, HOT, &h), -EINVAL);
	h.argsz = 12;
	h.count = 1;
	expect_errno(sim_cmd(t->h, fd, HOT, &h, 12), -EFAULT);
	expect_ok(vdo(t, fd, HOT, &h));
	assert_string_equal(t->fns[1].notes, "R");
}

static void hot_reset_by_another_group_is_einval(void **state)
{
	struct vdev_test *t = *state;
	int node, fd = by_group(t, &node);
	struct ioas_vgroup other;
	struct ioas_ufile *f;
	struct hot h = { .count = 1 };

	expect_ok(ioas_vgroup_init(&other, t->h->uapi, 8));
	expect_ok(ioas_vgroup_open(&other, &f));
	h.fds[0] = sim_open_ufile(t->h, f);
	expect_errno(vdo(t, fd, HOT, &h), -EINVAL);
	h = (struct hot){ .count = 2, .fds = { h.fds[0], node } };
	expect_ok(vdo(t, fd, HOT, &h));
	expect_ok(sim_close(t->h, h.fds[0]));
	ioas_vgroup_fini(&other);
}

/* ---- 9 ------------------------------------------------------------------- */

static int io(struct vdev_test *t, uint32_t flags, uint64_t offset, int fd)
{
	io_t s = { .flags = flags, .offset = offset, .fd = fd };

	return vdo(t, t->fd, IOEVENTFD, &s);
}

static void ioeventfd_is_judged(void **state)
{
	struct vdev_test *t = *state;
	io_t s = { .argsz = 27, .flags = 4 };
	const int fd = sim_open_event(t->h);

	expect_errno(sim_ioctl(t->h, t->fd, IOEVENTFD, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, IOEVENTFD, &s, sizeof(s)), -EINVAL);
	expect_errno(io(t, 0, V_BAR(2), fd), -EINVAL);
	expect_errno(io(t, 3, V_BAR(2), fd), -EINVAL);
	expect_errno(io(t, 16, V_BAR(2), fd), -EINVAL);
	expect_errno(io(t, 8, V_BAR(2), fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(2), -2), -EINVAL);
	expect_errno(io(t, 4, V_CONFIG, fd), -EINVAL);
	expect_errno(io(t, 4, U64, fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(2) + 61, fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(1), fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(0) + V_TABLE, fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(0) + V_TABLE - 3, fd), -EINVAL);
	expect_errno(io(t, 4, V_BAR(2), -1), -ENODEV);
	expect_errno(io(t, 4, V_BAR(2), 60), -EBADF);
	expect_errno(io(t, 4, V_BAR(2), t->fd), -EINVAL);
}

static int io_data(struct vdev_test *t, uint32_t width, uint64_t offset,
		   uint64_t data, int fd)
{
	io_t s = { .flags = width, .offset = offset, .data = data, .fd = fd };

	return vdo(t, t->fd, IOEVENTFD, &s);
}

static void ioeventfd_writes_a_register(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h), other = sim_open_event(t->h);
	uint8_t *bar2 = t->fns[0].memory[2];

	expect_ok(io_data(t, 4, V_BAR(2) + 60, 0x11223344, fd));
	expect_ok(io_data(t, 2, V_BAR(2) + 4, 0x5566, fd));
	expect_ok(io_data(t, 4, V_BAR(0) + V_TABLE - 4, 7, other));
	expect_errno(io_data(t, 4, V_BAR(2) + 60, 0x11223344, other), -EEXIST);
	sim_event_write(t->h, fd);
	assert_int_equal(*(uint32_t *)(bar2 + 60), 0x11223344);
	assert_int_equal(*(uint16_t *)(bar2 + 4), 0x5566);
	assert_int_equal(sim_event_take(t->h, fd), 0);
	expect_errno(io_data(t, 4, V_BAR(2) + 4, 0x5566, -1), -ENODEV);
	expect_ok(io_data(t, 2, V_BAR(2) + 4, 0x5566, -1));
	memset(bar2, 0, 64);
	sim_event_write(t->h, fd);
	assert_int_equal(*(uint32_t *)(bar2 + 60), 0x11223344);
	assert_int_equal(*(uint16_t *)(bar2 + 4), 0);
	/* An access that is not aligned is done by those that are. */
	memset(t->fns[0].widths, 0, sizeof(t->fns[0].widths));
	expect_ok(io_data(t, 4, V_BAR(2) + 9, 0xa1b2c3d4, other));
	sim_event_write(t->h, other);
	assert_string_equal(t->fns[0].widths, "4121");
	assert_memory_equal(bar2 + 9, "\xd4\xc3\xb2\xa1", 4);
	/* The last close takes them back. */
	expect_ok(sim_close(t->h, t->fd));
	memset(bar2, 0, 64);
	sim_event_write(t->h, fd);
	assert_int_equal(*(uint32_t *)(bar2 + 60), 0);
	t->fd = vdev_open(t, 0);
}

static void ioeventfds_have_a_limit(void **state)
{
	struct vdev_test *t = *state;
	const int fd = sim_open_event(t->h);
	int ret = 0;

	/* Memory of the function says how many there are. */
	t->fns[0].v.nr_ioeventfds = 999;
	expect_ok(io_data(t, 4, V_BAR(2), 1, fd));
	ret = io_data(t, 4, V_BAR(2), 2, fd);
	t->fns[0].v.nr_ioeventfds = 1;
	expect_errno(ret, -ENOSPC);
}

/* ---- 10 and the rest ----------------------------------------------------- */

static int feature(struct vdev_test *t, uint32_t flags)
{
	uint32_t s[2] = { sizeof(s), flags };

	return sim_cmd(t->h, t->fd, FEATURE, s, sizeof(s));
}

static void features_there_are_none(void **state)
{
	struct vdev_test *t = *state;
	uint32_t s[2] = { 7, GET };

	expect_errno(sim_ioctl(t->h, t->fd, FEATURE, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, FEATURE, s, sizeof(s)), -EINVAL);
	expect_errno(feature(t, 1u << 19), -EINVAL);
	expect_errno(feature(t, GET | SET), -EINVAL);
	expect_errno(feature(t, GET | SET | PROBE), -ENOTTY);
	for (uint32_t n = 0; n < 20; n++) {
		const int want = n == 12 ? -EINVAL : -ENOTTY;

		expect_errno(feature(t, n), want);
		expect_errno(feature(t, n | GET), want);
		expect_errno(feature(t, n | SET), want);
		expect_errno(feature(t, n | PROBE), want);
		expect_errno(feature(t, n | SET | PROBE), want);
	}
}

static void other_requests_are_enotty(void **state)
{
	struct vdev_test *t = *state;

	for (uint32_t cmd = 0x3b64; cmd < 0x3b80; cmd++) {
		const bool known =
			(cmd >= IOAS_ABI_VFIO_DEVICE_GET_INFO && cmd <= HOT) ||
			(cmd >= IOEVENTFD &&
			 cmd <= IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT);

		if (!known)
			expect_errno(sim_ioctl(t->h, t->fd, cmd, VA_HOLE),
				     -ENOTTY);
	}
	expect_errno(sim_ioctl(t->h, t->fd, 0xdeadbeef, VA_HOLE), -ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_case(reset_is_the_functions),
		bound_case(hot_reset_info_names_all_that_are_affected),
		bound_case(hot_reset_info_without_room_is_enospc),
		vdev_case(hot_reset_info_of_a_group_names_groups),
		bound_case(hot_reset_resets_all),
		bound_case(hot_reset_errors),
		vdev_case(hot_reset_by_the_group_wants_its_node),
		vdev_case(hot_reset_by_another_group_is_einval),
		bound_case(ioeventfd_is_judged),
		bound_case(ioeventfd_writes_a_register),
		bound_case(ioeventfds_have_a_limit),
		bound_case(features_there_are_none),
		bound_case(other_requests_are_enotty),
	};

	return cmocka_run_group_tests_name("functions: resets", tests, NULL,
					   NULL);
}
