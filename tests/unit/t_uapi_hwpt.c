/* SPDX-License-Identifier: MIT */
/*
 * HWPT_ALLOC, HWPT_INVALIDATE, GET_HW_INFO and the dirty commands: which check
 * comes before which, and what is left of a command that failed. With kinds of
 * IOMMU that the mock is not: a plain one, one without information.
 */
#include "uapi_kinds.h"

#define UNKNOWN (1u << 4)

/* ---- alloc -------------------------------------------------------------- */

static int alloc(const struct device *d, uint32_t pt, uint32_t flags,
		 uint32_t type, uint32_t length)
{
	static const uint64_t data;
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(d, pt, flags);

	assert_true(length <= sizeof(data));
	cmd.data_type = type;
	cmd.data_len = length;
	cmd.fault_id = 99;
	return uc_hwpt_alloc(&w.t.c, &cmd, &data);
}

static void the_first_bad_member_decides(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new(), dev = d->idev->obj.id;
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(d, 0, UNKNOWN);

	(void)state;
	cmd.__reserved = 1;
	cmd.data_len = 1;
	cmd.dev_id = space;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.__reserved = 0;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EINVAL);
	cmd.data_len = 0;
	cmd.data_type = 7;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EINVAL);
	cmd.data_type = 0;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -ENOENT);
	cmd.dev_id = dev;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EINVAL);
	cmd.pt_id = dev;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EINVAL);
	cmd.pt_id = space;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.flags = FAULT | NEST;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -EOPNOTSUPP);
	cmd.flags = FAULT;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), -ENOENT);
	assert_int_equal(cmd.out_hwpt_id, 0);
	assert_int_equal(objects(), 2);
	cmd.flags = 0;
	cmd.__reserved2 = 5;
	assert_int_equal(command(IOAS_ABI_HWPT_ALLOC, &cmd), 0);
	assert_int_equal(cmd.out_hwpt_id, 3);
}

static void a_plain_iommu_takes_no_flags(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new();

	(void)state;
	d->dev.iommu = &iommu_two;
	assert_int_equal(alloc(d, space, PASID, 0, 0), -EOPNOTSUPP);
	assert_int_equal(alloc(d, space, 0, 1, 8), -EOPNOTSUPP);
	assert_int_equal(alloc(d, space, 0, 0, 0), 0);
}

static void a_nested_table_needs_a_parent(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new();
	const uint32_t parent = hwpt_new(d, space, NEST);
	const uint32_t plain = hwpt_new(d, space, 0);
	const uint32_t nested = nested_new(d, parent, PASID, 0);

	(void)state;
	assert_int_equal(alloc(d, parent, NEST, 7, 4), -EOPNOTSUPP);
	assert_int_equal(alloc(d, plain, 0, 0, 0), -EOPNOTSUPP);
	assert_int_equal(alloc(d, plain, 0, 7, 4), -EINVAL);
	assert_int_equal(alloc(d, nested, 0, 7, 4), -EINVAL);
	assert_int_equal(alloc(d, parent, 0, 8, 4), -EOPNOTSUPP);
	assert_int_equal(alloc(d, parent, FAULT, 7, 4), -ENOENT);
	assert_int_equal(attach(d, 0, space), 0);
	assert_int_equal(alloc(d, hwpt_at(d, 0), 0, 7, 4), -EINVAL);
	assert_int_equal(objects(), 6);
	d->dev.iommu = &iommu_two;
	assert_int_equal(alloc(d, parent, 0, 7, 4), -EOPNOTSUPP);
	d->dev.iommu = &iommu_one;
	ioas_idev_detach(d->idev, 0);
	assert_int_equal(destroy(parent), -EBUSY);
	assert_int_equal(destroy(nested), 0);
	assert_int_equal(destroy(parent), 0);
	assert_int_equal(destroy(space), -EBUSY);
	assert_int_equal(destroy(plain), 0);
	assert_int_equal(destroy(space), 0);
}

static void failed_alloc_leaves_nothing(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new();
	struct ioas_abi_hwpt_alloc cmd = hwpt_request(d, space, 0);
	uint64_t n = 1;

	(void)state;
	assert_int_equal(map(space, VA_SCATTERED, PAGE), 0);
	assert_int_equal(map(space, VA_SCATTERED + PAGE, 3 * PAGE), 0);
	for (;; n++) {
		int ret;

		fault_begin(n);
		ret = command(IOAS_ABI_HWPT_ALLOC, &cmd);
		if (!fault_end()) {
			assert_int_equal(ret, 0);
			break;
		}
		assert_int_not_equal(ret, 0);
		assert_int_equal(objects(), 2);
		assert_int_equal(pins(&w.t), 0);
		world_check();
	}
	assert_true(n > 8);
	assert_int_equal(pins(&w.t), 2);
	assert_int_equal(destroy(cmd.out_hwpt_id), 0);
	assert_int_equal(pins(&w.t), 0);
}

/* ---- invalidate --------------------------------------------------------- */

static void the_number_done_is_always_written(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t parent = hwpt_new(d, space_new(), NEST);
	const uint32_t nested = nested_new(d, parent, 0, 0);
	static const uint32_t entries[3];
	struct ioas_abi_hwpt_invalidate cmd = { .entry_num = 0 };
	const struct {
		uint32_t id, len, num, reserved;
		int ret;
		uint32_t done;
	} cases[] = {
		{ 99, 0, 3, 1, -EOPNOTSUPP, 0 },
		{ 99, 0, 3, 0, -EINVAL, 0 },
		{ 99, 4, 3, 0, -ENOENT, 0 },
		{ parent, 4, 3, 0, -EINVAL, 0 },
		{ d->idev->obj.id, 4, 3, 0, -EINVAL, 0 },
		{ nested, 4, 3, 0, -EINVAL, 2 },
		{ nested, 4, 1, 0, 0, 1 },
		{ nested, 0, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		cmd.hwpt_id = cases[i].id;
		cmd.entry_len = cases[i].len;
		cmd.entry_num = cases[i].num;
		cmd.__reserved = cases[i].reserved;
		assert_int_equal(uc_invalidate(&w.t.c, &cmd, entries),
				 cases[i].ret);
		assert_int_equal(cmd.entry_num, cases[i].done);
	}
	/* Points: the copy in, the lookup, the copy out. */
	cmd.entry_num = 1;
	cmd.entry_len = 4;
	fault_begin(3);
	assert_int_equal(uc_invalidate(&w.t.c, &cmd, entries), -EFAULT);
	assert_true(fault_end());
}

/* ---- information -------------------------------------------------------- */

static int info(const struct ioas_udevice *dev, uint32_t *type, void *data,
		uint32_t *length)
{
	(void)dev;
	if (*type && *type != 3)
		return -EOPNOTSUPP;
	assert_true(*length >= 64);
	*type = 3;
	memset(data, 0x5a, 8);
	*length = 8;
	return 0;
}

/* To a buffer of @size bytes, whatever the request says. */
static int info_get(struct ioas_abi_get_hw_info *cmd, void *data, size_t size)
{
	int ret;

	cmd->data_uptr = sim_put(w.t.h, data, size);
	ret = uc_hw_info(&w.t.c, cmd, NULL);
	sim_peek(w.t.h, cmd->data_uptr, data, size);
	return ret;
}

static void information_fits_the_buffer(void **state)
{
	struct ioas_iommu_ops iommu = iommu_one;
	struct device *d = device_bind(0);
	uint8_t data[16] = { 0 }, want[16] = { 0 };
	struct ioas_abi_get_hw_info cmd = {
		.flags = 2, .in_data_type = 9, .data_len = sizeof(data),
	};

	(void)state;
	iommu.hw_info = info;
	d->dev.iommu = &iommu;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), -EOPNOTSUPP);
	cmd.flags = 0;
	cmd.__reserved[2] = 1;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), -EOPNOTSUPP);
	cmd.__reserved[2] = 0;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), -ENOENT);
	cmd.dev_id = d->idev->obj.id;
	memset(data, 0xff, sizeof(data));
	memset(want, 0x5a, 8);
	/* Nobody asked for type 9. */
	assert_int_equal(info_get(&cmd, data, sizeof(data)), 0);
	assert_memory_equal(data, want, sizeof(data));
	assert_int_equal(cmd.data_len, 8);
	assert_int_equal(cmd.out_data_type, 3);
	assert_int_equal(cmd.out_max_pasid_log2, 3);
	assert_int_equal(cmd.out_capabilities, IOAS_ABI_HW_CAP_DIRTY_TRACKING);
	cmd.flags = IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE;
	cmd.in_data_type = 4;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), -EOPNOTSUPP);
	cmd.in_data_type = 3;
	memset(data, 0xff, sizeof(data));
	cmd.data_len = 3;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), 0);
	assert_int_equal(cmd.data_len, 8);
	assert_int_equal(data[2], 0x5a);
	assert_int_equal(data[3], 0xff);
	cmd.data_uptr = UINT64_MAX - 2;
	assert_int_equal(uc_hw_info(&w.t.c, &cmd, NULL), -EFAULT);
	cmd.data_uptr = 0;
	assert_int_equal(uc_hw_info(&w.t.c, &cmd, NULL), -EFAULT);
	cmd.data_len = 0;
	assert_int_equal(uc_hw_info(&w.t.c, &cmd, NULL), 0);
	d->dev.iommu = &iommu_one;
}

static void no_information_is_of_no_type(void **state)
{
	struct device *d = device_bind(0);
	uint8_t data[4];
	struct ioas_abi_get_hw_info cmd = {
		.dev_id = d->idev->obj.id,
		.flags = IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE, .in_data_type = 1,
		.data_len = sizeof(data),
	};

	(void)state;
	memset(data, 0xff, sizeof(data));
	assert_int_equal(info_get(&cmd, data, sizeof(data)), -EOPNOTSUPP);
	cmd.in_data_type = IOAS_ABI_HW_INFO_TYPE_DEFAULT;
	assert_int_equal(info_get(&cmd, data, sizeof(data)), 0);
	assert_int_equal(cmd.out_data_type, IOAS_ABI_HW_INFO_TYPE_NONE);
	assert_int_equal(cmd.data_len, 0);
	assert_int_equal(data[0] | data[3], 0);
}

/* ---- dirty -------------------------------------------------------------- */

static int track(uint32_t hwpt, uint32_t flags)
{
	struct ioas_abi_hwpt_set_dirty_tracking cmd = {
		.flags = flags, .hwpt_id = hwpt, .__reserved = 1,
	};

	return command(IOAS_ABI_HWPT_SET_DIRTY_TRACKING, &cmd);
}

static struct ioas_abi_hwpt_get_dirty_bitmap
bitmap_request(uint32_t hwpt, uint64_t iova, uint64_t length)
{
	return (struct ioas_abi_hwpt_get_dirty_bitmap){
		.hwpt_id = hwpt, .iova = iova, .length = length,
		.page_size = PAGE,
	};
}

/* To eight bytes, whatever the request asks for. */
static int bitmap_get(struct ioas_abi_hwpt_get_dirty_bitmap *cmd,
		      uint8_t bits[8])
{
	int ret;

	cmd->data = sim_put(w.t.h, bits, 8);
	ret = uc_dirty_get(&w.t.c, cmd, NULL);
	sim_peek(w.t.h, cmd->data, bits, 8);
	return ret;
}

static void a_device_writes(uint32_t hwpt, uint64_t iova)
{
	struct ioas_hwpt *h = ioas_hwpt_get_paging(w.ictx, hwpt);

	assert_int_equal(ioas_flat_domain_mark_dirty(h->domain, iova, iova),
			 0);
	ioas_object_put(&h->obj);
}

static void bitmap_checks_in_order(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new();
	const uint32_t hwpt = hwpt_new(d, space, 0);
	uint8_t bits[8] = { 0 };
	struct ioas_abi_hwpt_get_dirty_bitmap cmd =
		bitmap_request(99, UINT64_MAX, 2);

	(void)state;
	cmd.page_size = 0;
	cmd.flags = 2;
	assert_int_equal(bitmap_get(&cmd, bits), -EOPNOTSUPP);
	cmd.flags = 1;
	cmd.__reserved = 1;
	assert_int_equal(bitmap_get(&cmd, bits), -EOPNOTSUPP);
	cmd.__reserved = 0;
	assert_int_equal(bitmap_get(&cmd, bits), -ENOENT);
	cmd.hwpt_id = hwpt;
	assert_int_equal(bitmap_get(&cmd, bits), -EOVERFLOW);
	cmd.iova = PAGE;
	cmd.length = 0;
	assert_int_equal(bitmap_get(&cmd, bits), -EOVERFLOW);
	cmd.length = PAGE;
	assert_int_equal(bitmap_get(&cmd, bits), -EINVAL);
	cmd.page_size = 4 * PAGE;
	assert_int_equal(bitmap_get(&cmd, bits), -EINVAL);
	cmd.page_size = 16;
	cmd.length = 16;
	assert_int_equal(bitmap_get(&cmd, bits), -EINVAL);
	cmd.length = PAGE;
	assert_int_equal(bitmap_get(&cmd, bits), -EOPNOTSUPP);
	assert_int_equal(track(hwpt, 2), -EOPNOTSUPP);
	assert_int_equal(track(space, 1), -ENOENT);
	assert_int_equal(track(hwpt, 1), -EOPNOTSUPP);
}

static void dirty_pages_are_reported_up_to_a_gap(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new(), hwpt = hwpt_new(d, space, DIRTY);
	uint8_t bits[8] = { 0 };
	struct ioas_abi_hwpt_get_dirty_bitmap cmd =
		bitmap_request(hwpt, 0, 8 * PAGE);

	(void)state;
	for (uint64_t page = 0; page < 8; page++)
		if (page != 5)
			assert_int_equal(map(space, VA_SCATTERED + page * PAGE,
					     page * PAGE), 0);
	assert_int_equal(track(hwpt, 1), 0);
	a_device_writes(hwpt, PAGE);
	a_device_writes(hwpt, 6 * PAGE);
	cmd.flags = IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR;
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 1 << 1);
	/* No page of the bitmap is there, and then all of it. */
	cmd.data = 8;
	assert_int_equal(uc_dirty_get(&w.t.c, &cmd, NULL), 0);
	cmd.flags = 0;
	bits[0] = 0x80;
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 0x82);
	bits[0] = 0;
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 0);
	cmd.iova = 6 * PAGE;
	cmd.length = PAGE;
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 1);
	assert_int_equal(track(hwpt, 0), 0);
}

static void odd_bitmaps(void **state)
{
	struct device *d = device_bind(0);
	const uint32_t space = space_new(), hwpt = hwpt_new(d, space, DIRTY);
	uint8_t bits[8] = { 0 };
	struct ioas_abi_hwpt_get_dirty_bitmap cmd =
		bitmap_request(hwpt, 0, 0);

	(void)state;
	assert_int_equal(map(space, VA_SCATTERED, 0), 0);
	assert_int_equal(track(hwpt, 1), 0);
	a_device_writes(hwpt, 0);
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 0);
	/* 5 * 2^10: the mask is that of it less one, the unit is 2^10. */
	cmd.length = PAGE;
	cmd.page_size = 5 << 10;
	assert_int_equal(bitmap_get(&cmd, bits), -EINVAL);
	cmd.length = 8 * PAGE;
	assert_int_equal(bitmap_get(&cmd, bits), 0);
	assert_int_equal(bits[0], 0xf);
	assert_int_equal(bits[1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kinds_case(the_first_bad_member_decides),
		kinds_case(a_plain_iommu_takes_no_flags),
		kinds_case(a_nested_table_needs_a_parent),
		kinds_case(failed_alloc_leaves_nothing),
		kinds_case(the_number_done_is_always_written),
		kinds_case(information_fits_the_buffer),
		kinds_case(no_information_is_of_no_type),
		kinds_case(bitmap_checks_in_order),
		kinds_case(dirty_pages_are_reported_up_to_a_gap),
		kinds_case(odd_bitmaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
