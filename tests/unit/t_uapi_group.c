/* SPDX-License-Identifier: MIT */
/*
 * Attachments of groups of several devices, which no mock has: who may join
 * whom, who moves with whom, what comes back after a failure. With the rules of
 * PASIDs, of reserved regions and of automatic page tables.
 */
#include "uapi_kinds.h"

/* An MSI window. */
#define WINDOW UINT64_C(0xfee00000)
#define WINDOW_LAST UINT64_C(0xfeefffff)

/* ---- bind --------------------------------------------------------------- */

static void a_group_has_one_owner(void **state)
{
	struct device *a = device_bind(0), *b = device_init(1);
	const int fd = sim_open(w.t.h, 0);
	struct ioas_iommufd *other = sim_context(w.t.h, fd);
	struct ioas_idev *idev;

	(void)state;
	assert_int_equal(ioas_idev_bind(w.ictx, &a->dev, 0, &idev), -EBUSY);
	assert_int_equal(ioas_idev_bind(other, &b->dev, 0, &idev), -EPERM);
	device_unbind(a);
	/* Nobody's again. This one keeps its context. */
	assert_int_equal(ioas_idev_bind(other, &b->dev, 0, &idev), 0);
	assert_int_equal(sim_close(w.t.h, fd), 0);
	assert_int_equal(idev->obj.id, 1);
	ioas_idev_unbind(idev);
	b->dev.coherent = false;
	assert_int_equal(ioas_idev_bind(w.ictx, &b->dev, 0, &idev), -EINVAL);
}

static void a_device_is_its_owners(void **state)
{
	struct device *a = device_bind(0);
	const uint32_t id = a->idev->obj.id;

	(void)state;
	assert_int_equal(destroy(id), -EBUSY);
	device_unbind(a);
	assert_int_equal(destroy(id), -ENOENT);
}

/* ---- joining ------------------------------------------------------------ */

static void devices_of_a_group_are_on_one_hwpt(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t space = space_new();
	const uint32_t one = hwpt_new(a, space, 0), two = hwpt_new(a, space, 0);

	(void)state;
	assert_int_equal(attach(a, 0, one), 0);
	assert_int_equal(attach(a, 0, one), -EBUSY);
	assert_int_equal(attach(a, 0, two), -EBUSY);
	assert_int_equal(attach(b, 0, two), -EINVAL);
	/* Nor one that would have to be made. */
	assert_int_equal(attach(b, 0, space), -EINVAL);
	assert_int_equal(hwpt_at(b, 0), 0);
	assert_int_equal(attach(b, 0, one), 0);
	world_check();
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(destroy(one), -EBUSY);
	assert_int_equal(attach(a, 0, two), -EINVAL);
	ioas_idev_detach(b->idev, 0);
	assert_int_equal(attach(a, 0, two), 0);
	assert_int_equal(destroy(one), 0);
	world_check();
}

static void what_is_no_page_table_is_refused(void **state)
{
	struct device *a = device_bind(0);

	(void)state;
	assert_int_equal(attach(a, 0, 0), -ENOENT);
	assert_int_equal(attach(a, 0, 77), -ENOENT);
	assert_int_equal(attach(a, 0, a->idev->obj.id), -EINVAL);
	assert_int_equal(replace(a, 0, a->idev->obj.id), -EINVAL);
	/* Not attached: nothing. */
	ioas_idev_detach(a->idev, 0);
	ioas_idev_detach(a->idev, 5);
}

/* ---- replace ------------------------------------------------------------ */

static void replace_moves_the_group(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	struct device *c = device_bind(2);
	const uint32_t space = space_new();
	const uint32_t one = hwpt_new(a, space, 0), two = hwpt_new(a, space, 0);

	(void)state;
	assert_int_equal(replace(a, 0, two), -EINVAL);
	assert_int_equal(attach(a, 0, one), 0);
	assert_int_equal(attach(b, 0, one), 0);
	/* It is not attached, though its group is. */
	assert_int_equal(replace(c, 0, two), -EINVAL);
	assert_int_equal(replace(b, 0, one), 0);
	assert_int_equal(replace(b, 0, two), 0);
	assert_int_equal(hwpt_at(a, 0), two);
	assert_int_equal(hwpt_at(b, 0), two);
	assert_int_equal(hwpt_at(c, 0), 0);
	world_check();
	assert_int_equal(destroy(one), 0);
	assert_int_equal(destroy(two), -EBUSY);
}

static void failed_replace_brings_everyone_back(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t from = space_new(), to = space_new();
	const uint32_t one = hwpt_new(a, from, 0), two = hwpt_new(a, to, 0);

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	device_reserve(b, 0, PAGE - 1);
	assert_int_equal(attach(a, 0, one), 0);
	assert_int_equal(attach(b, 0, one), 0);
	b->refuse = -EINVAL;
	assert_int_equal(replace(a, 0, two), -EINVAL);
	assert_int_equal(hwpt_at(a, 0), one);
	assert_int_equal(hwpt_at(b, 0), one);
	world_check();
	/* An area where only the second one must not have any. */
	assert_int_equal(map(to, VA_SCATTERED, 0), 0);
	assert_int_equal(replace(a, 0, two), -EADDRINUSE);
	assert_int_equal(hwpt_at(b, 0), one);
	world_check();
	assert_int_equal(destroy(two), 0);
	assert_int_equal(unmap_all(to), 0);
	assert_int_equal(replace(a, 0, to), 0);
	world_check();
}

static void device_that_cannot_go_back_is_blocked(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t space = space_new();
	const uint32_t one = hwpt_new(a, space, 0), two = hwpt_new(a, space, 0);

	(void)state;
	assert_int_equal(attach(a, 0, one), 0);
	assert_int_equal(attach(b, 0, one), 0);
	a->refuse = -ENOENT;
	a->skip = 1;
	b->refuse = -EINVAL;
	assert_int_equal(replace(b, 0, two), -EINVAL);
	assert_null(a->at[0]);
	assert_int_equal(hwpt_at(b, 0), one);
	assert_int_equal(attach(a, 0, one), -EBUSY);
	world_check();
	assert_int_equal(replace(b, 0, two), 0);
	assert_int_equal(hwpt_at(a, 0), two);
	world_check();
}

/* ---- reserved regions --------------------------------------------------- */

static void regions_are_there_while_attached(void **state)
{
	struct device *a = device_bind(0);
	const uint32_t space = space_new(), other = space_new();
	const uint32_t one = hwpt_new(a, space, PASID);
	const uint32_t two = hwpt_new(a, space, PASID);
	const uint32_t three = hwpt_new(a, other, PASID);

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), 0);
	assert_int_equal(attach(a, 0, one), -EADDRINUSE);
	assert_null(a->at[0]);
	/* A PASID has none. */
	assert_int_equal(attach(a, 1, one), 0);
	world_check();
	assert_int_equal(unmap_all(space), 0);
	assert_int_equal(attach(a, 0, one), 0);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), -EINVAL);
	/* The same space: they stay. */
	assert_int_equal(replace(a, 0, two), 0);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), -EINVAL);
	world_check();
	assert_int_equal(replace(a, 0, three), 0);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), 0);
	assert_int_equal(map(other, VA_SCATTERED, WINDOW), -EINVAL);
	world_check();
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(map(other, VA_SCATTERED, WINDOW), 0);
}

static void regions_go_below_a_nested_table(void **state)
{
	struct device *a = device_bind(0);
	const uint32_t space = space_new();
	const uint32_t parent =
		hwpt_new(a, space, IOAS_ABI_HWPT_ALLOC_NEST_PARENT);
	const uint32_t nested = nested_new(a, parent, 0, 0);

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	assert_int_equal(attach(a, 0, parent), 0);
	assert_int_equal(replace(a, 0, nested), 0);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), -EINVAL);
	world_check();
	assert_int_equal(destroy(parent), -EBUSY);
	assert_int_equal(destroy(nested), -EBUSY);
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(map(space, VA_SCATTERED, WINDOW), 0);
	assert_int_equal(destroy(parent), -EBUSY);
	assert_int_equal(destroy(nested), 0);
	assert_int_equal(destroy(parent), 0);
	world_check();
}

/* ---- PASIDs ------------------------------------------------------------- */

static void pasid_needs_tables_that_allow_it(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t space = space_new();
	const uint32_t plain = hwpt_new(a, space, 0);
	const uint32_t one = hwpt_new(a, space, PASID);

	(void)state;
	assert_int_equal(attach(a, 1, plain), -EINVAL);
	assert_int_equal(attach(a, 1, space), -EINVAL);
	assert_int_equal(attach(a, 0, plain), 0);
	assert_int_equal(attach(a, 1, one), -EINVAL);
	assert_int_equal(replace(a, 0, one), 0);
	assert_int_equal(attach(a, 1, one), 0);
	assert_int_equal(attach(a, 1, one), -EBUSY);
	assert_int_equal(attach(b, 2, one), 0);
	world_check();
	assert_int_equal(replace(a, 0, plain), -EINVAL);
	assert_int_equal(replace(a, 1, plain), -EINVAL);
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(attach(a, 0, plain), -EINVAL);
	ioas_idev_detach(a->idev, 1);
	/* The other device's counts as well. */
	assert_int_equal(attach(a, 0, plain), -EINVAL);
	ioas_idev_detach(b->idev, 2);
	assert_int_equal(attach(a, 0, plain), 0);
	world_check();
}

static void pasid_is_below_everybodys_limit(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	struct device *c = device_bind(2);
	const uint32_t one = hwpt_new(a, space_new(), PASID);

	(void)state;
	b->dev.pasid_bits = 2;
	c->dev.pasid_bits = 0;
	assert_int_equal(attach(a, 3, one), 0);
	assert_int_equal(attach(a, 4, one), -EINVAL);
	assert_int_equal(attach(a, UINT32_MAX, one), -EINVAL);
	assert_int_equal(attach(c, 3, one), -EINVAL);
	/* Its RID may use what is for PASIDs. */
	assert_int_equal(attach(c, 0, one), 0);
	device_unbind(b);
	assert_int_equal(attach(a, 4, one), 0);
	world_check();
}

static void unbind_detaches_everything(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t one = hwpt_new(a, space_new(), PASID);

	(void)state;
	for (uint32_t pasid = 0; pasid < 5; pasid++) {
		assert_int_equal(attach(a, pasid, one), 0);
		assert_int_equal(attach(b, pasid, one), 0);
	}
	device_unbind(a);
	world_check();
	assert_int_equal(hwpt_at(b, 4), one);
	assert_int_equal(destroy(one), -EBUSY);
	device_unbind(b);
	assert_int_equal(destroy(one), 0);
}

/* ---- automatic page tables ---------------------------------------------- */

static void an_ioas_gets_one_automatic_table(void **state)
{
	struct device *a = device_bind(0), *b = device_bind_alone(1);
	const uint32_t space = space_new();
	uint32_t manual, id = space, other = space;

	(void)state;
	manual = hwpt_new(a, space, 0);
	assert_int_equal(ioas_idev_attach(a->idev, 0, &id), 0);
	assert_int_not_equal(id, manual);
	assert_int_equal(ioas_idev_attach(b->idev, 0, &other), 0);
	assert_int_equal(other, id);
	assert_int_equal(replace(b, 0, space), 0);
	assert_int_equal(hwpt_at(b, 0), id);
	assert_int_equal(destroy(id), -EBUSY);
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(destroy(id), -EBUSY);
	assert_int_equal(replace(b, 0, manual), 0);
	assert_int_equal(destroy(id), -ENOENT);
	world_check();
}

static void a_table_of_another_kind_is_passed_over(void **state)
{
	struct device *a = device_bind(0), *b = device_bind_alone(1);
	const uint32_t space = space_new();

	(void)state;
	b->dev.iommu = &iommu_two;
	assert_int_equal(attach(a, 0, space), 0);
	assert_int_equal(attach(b, 0, hwpt_at(a, 0)), -EINVAL);
	assert_int_equal(attach(b, 0, space), 0);
	assert_int_not_equal(hwpt_at(a, 0), hwpt_at(b, 0));
	ioas_idev_detach(a->idev, 0);
	ioas_idev_detach(b->idev, 0);
	assert_int_equal(objects(), 3);
	/* Other errors are not passed over. */
	assert_int_equal(attach(a, 0, space), 0);
	b->dev.iommu = &iommu_one;
	b->refuse = -ENODEV;
	assert_int_equal(attach(b, 0, space), -ENODEV);
	assert_int_equal(objects(), 4);
	world_check();
}

static void memory_that_cannot_be_pinned_undoes_it(void **state)
{
	struct device *a = device_bind(0);
	const uint32_t good = space_new(), bad = space_new();
	uint32_t id;

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	assert_int_equal(map(bad, VA_HOLE, PAGE), 0);
	assert_int_equal(attach(a, 0, bad), -EFAULT);
	assert_int_equal(objects(), 3);
	assert_null(a->at[0]);
	assert_int_equal(map(good, VA_SCATTERED, PAGE), 0);
	assert_int_equal(attach(a, 0, good), 0);
	assert_int_equal(pins(&w.t), 1);
	id = hwpt_at(a, 0);
	assert_int_equal(replace(a, 0, bad), -EFAULT);
	assert_int_equal(hwpt_at(a, 0), id);
	world_check();
	assert_int_equal(map(bad, VA_SCATTERED, WINDOW), 0);
	assert_int_equal(replace(a, 0, bad), -EADDRINUSE);
	assert_int_equal(objects(), 4);
	ioas_idev_detach(a->idev, 0);
	assert_int_equal(objects(), 3);
	assert_int_equal(pins(&w.t), 0);
}

/* ---- failure atomicity -------------------------------------------------- */

static void failed_attach_leaves_nothing(void **state)
{
	struct device *a = device_bind(0);
	const uint32_t space = space_new();
	uint64_t n = 1;

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	assert_int_equal(map(space, VA_SCATTERED, PAGE), 0);
	for (;; n++) {
		int ret;

		fault_begin(n);
		ret = attach(a, 0, space);
		world_check();
		if (!fault_end()) {
			assert_int_equal(ret, 0);
			break;
		}
		assert_int_not_equal(ret, 0);
		assert_int_equal(objects(), 2);
		assert_int_equal(pins(&w.t), 0);
		assert_null(a->at[0]);
	}
	assert_true(n > 8);
}

static void failed_replace_changes_nothing(void **state)
{
	struct device *a = device_bind(0), *b = device_bind(1);
	const uint32_t from = space_new(), to = space_new();
	uint32_t id;
	uint64_t n = 1;

	(void)state;
	device_reserve(a, WINDOW, WINDOW_LAST);
	device_reserve(b, WINDOW - PAGE, WINDOW - 1);
	assert_int_equal(map(to, VA_SCATTERED, PAGE), 0);
	assert_int_equal(attach(a, 0, from), 0);
	assert_int_equal(attach(b, 0, from), 0);
	id = hwpt_at(a, 0);
	for (;; n++) {
		int ret;

		fault_begin(n);
		ret = replace(b, 0, to);
		if (!fault_end()) {
			assert_int_equal(ret, 0);
			break;
		}
		assert_int_not_equal(ret, 0);
		assert_int_equal(objects(), 5);
		assert_int_equal(pins(&w.t), 0);
		assert_int_equal(hwpt_at(a, 0), id);
		assert_int_equal(hwpt_at(b, 0), id);
		world_check();
	}
	assert_true(n > 8);
	assert_int_equal(objects(), 5);
	assert_int_equal(hwpt_at(a, 0), hwpt_at(b, 0));
	world_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kinds_case(a_group_has_one_owner),
		kinds_case(a_device_is_its_owners),
		kinds_case(devices_of_a_group_are_on_one_hwpt),
		kinds_case(what_is_no_page_table_is_refused),
		kinds_case(replace_moves_the_group),
		kinds_case(failed_replace_brings_everyone_back),
		kinds_case(device_that_cannot_go_back_is_blocked),
		kinds_case(regions_are_there_while_attached),
		kinds_case(regions_go_below_a_nested_table),
		kinds_case(pasid_needs_tables_that_allow_it),
		kinds_case(pasid_is_below_everybodys_limit),
		kinds_case(unbind_detaches_everything),
		kinds_case(an_ioas_gets_one_automatic_table),
		kinds_case(a_table_of_another_kind_is_passed_over),
		kinds_case(memory_that_cannot_be_pinned_undoes_it),
		kinds_case(failed_attach_leaves_nothing),
		kinds_case(failed_replace_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
