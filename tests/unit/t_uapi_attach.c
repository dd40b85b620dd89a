/* SPDX-License-Identifier: MIT */
/*
 * attaching devices (docs/reference/iommufd-uapi.md 4.3, 5.3, 5.4, 7.1 to 7.3,
 * 7.5; iommufd-test-abi.md 4.2 to 4.4); PASIDs are in t_uapi_pasid.c
 *
 *    device --> IOAS     one of its automatic page tables, or a new one
 *           --> HWPT     this one
 *           (replace)    the same, from one to another
 *
 * A refused attach leaves no trace, a refused replace the old attachment.
 *
 * Not here, for every mock device is alone in its group, has no regions of its
 * own, is coherent and fits every automatic page table: 7.1 but its success,
 * 7.2 step 2, 7.3's "all devices of the group", reserved regions of devices,
 * and a second automatic page table. t_uapi_group.c has them.
 */
#include "uapi_device.h"

/* ---- what cases do ------------------------------------------------------- */

static int replace(struct uapi_test *t, struct uc_mock m, uint32_t pt)
{
	return uc_mock_replace(&t->c, m.stdev, &pt);
}

/* Which table it is on now. */
static uint32_t move(struct uapi_test *t, struct uc_mock m, uint32_t pt)
{
	expect_ok(uc_mock_replace(&t->c, m.stdev, &pt));
	return pt;
}

/* The RID: PASID 0. */
static int attach(struct uapi_test *t, struct uc_mock m, uint32_t pt)
{
	return uc_pasid_attach(&t->c, m.stdev, 0, &pt);
}

static void detach(struct uapi_test *t, struct uc_mock m)
{
	expect_ok(uc_pasid_detach(&t->c, m.stdev, 0));
}

static void expect_on(struct uapi_test *t, struct uc_mock m, uint32_t hwpt)
{
	expect_ok(uc_pasid_check(&t->c, m.stdev, 0, hwpt));
}

/* Nothing to compare: 0 if it is there. */
static int hwpt_look(struct uapi_test *t, uint32_t hwpt)
{
	return uc_check_map(&t->c, hwpt, 0, 0, 0);
}

static uint32_t ioas_with_memory(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 2 * PAGE, UC_RW, IOVA));
	return id;
}

/*
 * No device can come to @pt, on any way. @t has what else there is: nothing of
 * it changes.
 */
static void expect_refused(struct uapi_test *t, uint32_t pt, uint32_t flags,
			   int error)
{
	const struct uc_mock elsewhere = device_on(t, ioas_with_memory(t),
						   flags);
	const struct uc_mock nowhere = device_new(t, flags);
	const uint32_t left = id_free(t);
	const uint64_t pinned = pins(t);

	detach(t, nowhere);
	expect_errno(uc_mock_domain_flags(&t->c, pt, flags, NULL), error);
	expect_errno(attach(t, nowhere, pt), error);
	expect_errno(replace(t, elsewhere, pt), error);
	expect_on(t, nowhere, 0);
	expect_on(t, elsewhere, elsewhere.hwpt);
	expect_ok(uc_check_map(&t->c, elsewhere.hwpt, IOVA, 2 * PAGE, VA_RUN));
	assert_int_equal(pins(t), pinned);
	/* The table of the one that is nowhere is gone. */
	assert_int_equal(id_free(t), nowhere.hwpt);
	assert_true(nowhere.hwpt < left);
	expect_ok(uc_destroy(&t->c, nowhere.stdev));
	expect_ok(uc_destroy(&t->c, elsewhere.stdev));
}

/* ---- pt_id --------------------------------------------------------------- */

static void device_with_unknown_flags_is_einval(void **state)
{
	struct uapi_test *t = *state;

	for (unsigned int bit = 0; bit < 32; bit++)
		if (!(1u << bit & (DEV_NO_DIRTY | DEV_PASID)))
			expect_errno(uc_mock_domain_flags(&t->c, NO_ID,
							  1u << bit, NULL),
				     -EINVAL);
}

static void table_that_is_not_there_is_enoent(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, 0, 0, -ENOENT);
	expect_refused(t, NO_ID, 0, -ENOENT);
}

static void object_that_is_no_table_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_refused(t, m.stdev, 0, -EINVAL);
	expect_refused(t, m.idev, 0, -EINVAL);
	expect_refused(t, faultq_new(t, NULL), 0, -EINVAL);
	expect_refused(t, viommu_new(t, m.idev, parent_new(t, m.idev)), 0,
		       -EINVAL);
}

static void handle_that_is_none_is_enoent_whatever_the_table(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { 0, NO_ID, m.hwpt, m.idev };

	for (unsigned int i = 0; i < 4; i++) {
		const struct uc_mock none = { .stdev = ids[i] };

		expect_errno(replace(t, none, m.idev), -ENOENT);
		expect_errno(attach(t, none, m.idev), -ENOENT);
	}
}

static void attach_to_an_hwpt_is_to_that_one(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t ids[] = { m.hwpt, parent,
				 nested_new(t, m.idev, parent, 0),
				 hwpt_huge_new(t, m.idev, ioas_new(t), 0) };

	for (unsigned int i = 0; i < 4; i++) {
		const struct uc_mock on = device_on(t, ids[i], 0);

		assert_int_equal(on.hwpt, ids[i]);
		expect_on(t, on, ids[i]);
		expect_errno(uc_destroy(&t->c, ids[i]), -EBUSY);
		expect_ok(uc_destroy(&t->c, on.stdev));
	}
}

static void results_that_cannot_be_written_undo_the_device(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t), before = id_free(t);
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
		.id = ioas,
	};

	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	s.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_FLAGS;
	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	assert_int_equal(id_free(t), before);
	assert_int_equal(pins(t), 0);
	expect_untouched(t, ioas);
	expect_ok(uc_destroy(&t->c, ioas));
}

static void unwritten_result_undoes_attach_and_replace(
	void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_on(t, ioas_with_memory(t), 0);
	const uint32_t ioas = ioas_new(t);
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN_REPLACE,
		.id = m.stdev,
		.mock_domain_replace.pt_id = ioas,
	};

	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	expect_on(t, m, m.hwpt);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE, VA_RUN));
	detach(t, m);
	s.op = IOAS_ABI_TEST_OP_PASID_ATTACH;
	s.pasid_attach = (struct ioas_abi_test_pasid_attach){ .pt_id = ioas };
	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	expect_on(t, m, 0);
	expect_untouched(t, ioas);
	expect_ok(uc_destroy(&t->c, ioas));
}

/* ---- automatic page tables ----------------------------------------------- */

static void automatic_table_is_shared(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock m = mock_new(t, ioas);

	for (unsigned int i = 0; i < 20; i++) {
		const struct uc_mock other = device_on(
			t, ioas, i % 2 ? DEV_NO_DIRTY | DEV_PASID : 0);

		assert_int_equal(other.hwpt, m.hwpt);
		assert_int_not_equal(other.stdev, m.stdev);
		assert_int_not_equal(other.idev, m.idev);
	}
	/* Pinned once. */
	assert_int_equal(pins(t), 2);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE, VA_RUN));
}

static void automatic_table_goes_with_the_last_device(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock a = mock_new(t, ioas), b = mock_new(t, ioas);
	const struct uc_mock c = mock_new(t, ioas);

	/* A handle that is destroyed, a replace, a detach. */
	expect_ok(uc_destroy(&t->c, a.stdev));
	expect_ok(hwpt_look(t, a.hwpt));
	move(t, b, ioas_new(t));
	expect_ok(hwpt_look(t, a.hwpt));
	expect_errno(uc_destroy(&t->c, ioas), -EBUSY);
	assert_int_equal(pins(t), 2);
	detach(t, c);
	assert_int_equal(pins(t), 0);
	expect_errno(hwpt_look(t, a.hwpt), -ENOENT);
	expect_errno(uc_destroy(&t->c, a.hwpt), -ENOENT);
	expect_untouched(t, ioas);
	expect_ok(uc_destroy(&t->c, ioas));
}

static void automatic_table_goes_with_a_replace(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	const uint32_t manual = hwpt_new(t, m.idev, ioas, 0);

	/* The table that it goes to is of the same space. */
	assert_int_equal(move(t, m, manual), manual);
	expect_errno(hwpt_look(t, m.hwpt), -ENOENT);
	assert_int_not_equal(move(t, m, ioas), manual);
	expect_ok(hwpt_look(t, manual));
}

static void automatic_table_lives_by_an_explicit_attachment(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock a = mock_new(t, ioas);
	const struct uc_mock b = device_on(t, a.hwpt, 0);
	struct uc_mock c;

	expect_ok(uc_destroy(&t->c, a.stdev));
	expect_ok(uc_check_map(&t->c, b.hwpt, IOVA, 2 * PAGE, VA_RUN));
	expect_errno(uc_destroy(&t->c, b.hwpt), -EBUSY);
	/* It still is the one of its space. */
	c = mock_new(t, ioas);
	assert_int_equal(c.hwpt, a.hwpt);
	expect_ok(uc_destroy(&t->c, b.stdev));
	expect_ok(uc_destroy(&t->c, c.stdev));
	expect_errno(hwpt_look(t, a.hwpt), -ENOENT);
	expect_ok(uc_destroy(&t->c, ioas));
}

static void automatic_table_cannot_be_destroyed_nor_nested_on(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const struct ioas_abi_hwpt_data_selftest data = { 0, 0 };

	expect_errno(uc_destroy(&t->c, m.hwpt), -EBUSY);
	expect_errno(uc_hwpt_mock(&t->c, m.idev, m.hwpt, 0, &data, NULL),
		     -EINVAL);
	expect_errno(uc_viommu(&t->c, m.idev, m.hwpt, NULL), -EINVAL);
	expect_on(t, m, m.hwpt);
}

static void manual_table_is_never_chosen(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t manual = hwpt_new(t, maker.idev, ioas, 0);
	const struct uc_mock m = mock_new(t, ioas);

	assert_int_not_equal(m.hwpt, manual);
	/* Not even by a device that is on it already. */
	assert_int_equal(move(t, m, manual), manual);
	assert_int_not_equal(move(t, m, ioas), manual);
	expect_ok(uc_destroy(&t->c, manual));
}

static void manual_table_is_not_chosen_though_no_other_fits(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t low = ioas_low(t);
	const uint32_t manual = hwpt_huge_new(t, maker.idev, low, 0);

	expect_errno(uc_mock_domain(&t->c, low, NULL), -EADDRINUSE);
	assert_int_equal(device_on(t, manual, 0).hwpt, manual);
	expect_errno(uc_mock_domain(&t->c, low, NULL), -EADDRINUSE);
}

/* ---- refusals ------------------------------------------------------------ */

static void attached_device_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	const uint32_t misaligned = ioas_misaligned(t), before = id_free(t);

	/* What is asked for is looked at first, if it fits only then. */
	expect_errno(attach(t, m, NO_ID), -ENOENT);
	expect_errno(attach(t, m, m.idev), -EINVAL);
	expect_errno(attach(t, m, ioas), -EBUSY);
	expect_errno(attach(t, m, m.hwpt), -EBUSY);
	expect_errno(attach(t, m, misaligned), -EBUSY);
	expect_on(t, m, m.hwpt);
	assert_int_equal(id_free(t), before);
	expect_untouched(t, misaligned);
}

static void misaligned_areas_are_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_misaligned(t);

	expect_refused(t, ioas, 0, -EADDRINUSE);
	expect_untouched(t, ioas);
}

static void areas_outside_the_aperture_are_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_low(t);

	expect_refused(t, ioas, 0, -EADDRINUSE);
	expect_untouched(t, ioas);
}

static void allowed_ranges_outside_the_aperture_are_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_allowed_low(t);

	expect_refused(t, ioas, 0, -EADDRINUSE);
	expect_untouched(t, ioas);
	/* They are what is wrong. */
	expect_ok(uc_allow(&t->c, ioas, NULL, 0));
	mock_new(t, ioas);
}

static void missing_memory_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_of_hole(t);

	expect_refused(t, ioas, 0, -EFAULT);
	expect_untouched(t, ioas);
}

static void what_is_no_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_of_no_memory(t);

	expect_refused(t, ioas, 0, -EINVAL);
	expect_untouched(t, ioas);
}

static void memory_beyond_the_limit_is_enomem(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_too_large(t);

	expect_refused(t, ioas, 0, -ENOMEM);
	expect_untouched(t, ioas);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
}

static void memory_of_a_process_that_is_gone_is_efault_unless_held(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 1);
	const uint32_t held = ioas_new(t), lost = ioas_new(t);
	struct uclient theirs = t->c;
	const int access = access_new(t, held);

	theirs.fd = sim_send(t->h, t->c.fd, other);
	simhost_enter(t->h, other);
	sim_map_memory(t->h, VA_RUN, 2 * PAGE, IOAS_SIM_SCATTERED, 0);
	expect_ok(uc_map_fixed(&theirs, held, VA_RUN, 2 * PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&theirs, lost, VA_RUN, 2 * PAGE, UC_R, IOVA));
	simhost_enter(t->h, t->p);
	expect_ok(uc_access_pin(&t->c, access, 0, IOVA, 2 * PAGE, NULL));
	simhost_exit(other);
	expect_refused(t, lost, 0, -EFAULT);
	assert_int_equal(pins(t), 2);
	mock_new(t, held);
	assert_int_equal(pins(t), 2);
}

static void space_that_was_refused_can_be_repaired(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_of_hole(t);
	const struct uc_mock m = device_new(t, 0);

	expect_errno(replace(t, m, ioas), -EFAULT);
	sim_map_memory(t->h, VA_HOLE, PAGE, IOAS_SIM_SCATTERED, 0);
	expect_ok(uc_check_map(&t->c, move(t, m, ioas), IOVA + PAGE, PAGE,
			       VA_HOLE));
}

static void dirty_table_and_a_device_that_cannot_are_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t dirty = hwpt_new(t, maker.idev, ioas, DIRTY);

	expect_refused(t, dirty, DEV_NO_DIRTY, -EINVAL);
	/* It can, in the space that the table is of; others can, on it. */
	assert_int_not_equal(device_on(t, ioas, DEV_NO_DIRTY).hwpt, dirty);
	assert_int_equal(device_on(t, dirty, 0).hwpt, dirty);
}

/* ---- replace ------------------------------------------------------------- */

static void replace_of_what_is_not_attached_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t misaligned = ioas_misaligned(t);

	detach(t, m);
	expect_errno(replace(t, m, NO_ID), -ENOENT);
	expect_errno(replace(t, m, m.idev), -EINVAL);
	expect_errno(replace(t, m, ioas_new(t)), -EINVAL);
	expect_errno(replace(t, m, misaligned), -EINVAL);
	expect_untouched(t, misaligned);
	expect_ok(uc_destroy(&t->c, misaligned));
}

static void replace_by_the_same_changes_nothing(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock m = mock_new(t, ioas);

	assert_int_equal(move(t, m, m.hwpt), m.hwpt);
	/* The space stands for the table that it is on. */
	assert_int_equal(move(t, m, ioas), m.hwpt);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE, VA_RUN));
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_ok(uc_destroy(&t->c, ioas));
}

static void replace_moves_from_space_to_space(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t from = ioas_with_memory(t), to = ioas_new(t);
	const struct uc_mock m = mock_new(t, from);
	uint32_t hwpt;

	expect_ok(uc_map_fixed(&t->c, to, VA_SCATTERED, 3 * PAGE, UC_R, IOVA));
	hwpt = move(t, m, to);
	assert_int_not_equal(hwpt, to);
	expect_on(t, m, hwpt);
	expect_ok(uc_check_map(&t->c, hwpt, IOVA, 3 * PAGE, VA_SCATTERED));
	assert_int_equal(pins(t), 3);
	expect_untouched(t, from);
	expect_ok(uc_destroy(&t->c, from));
	expect_errno(uc_destroy(&t->c, to), -EBUSY);
}

static void replace_moves_one_device_of_a_table(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock a = mock_new(t, ioas), b = mock_new(t, ioas);
	const uint32_t hwpt = move(t, a, ioas_new(t));

	expect_on(t, a, hwpt);
	expect_on(t, b, b.hwpt);
	expect_ok(uc_check_map(&t->c, b.hwpt, IOVA, 2 * PAGE, VA_RUN));
	/* And back, to the one that is still there. */
	assert_int_equal(move(t, a, ioas), b.hwpt);
	expect_errno(hwpt_look(t, hwpt), -ENOENT);
}

static void replace_goes_between_a_parent_and_what_nests_on_it(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t nested = nested_new(t, m.idev, parent, 0);

	assert_int_equal(move(t, m, parent), parent);
	assert_int_equal(move(t, m, nested), nested);
	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	assert_int_equal(move(t, m, parent), parent);
	expect_ok(uc_destroy(&t->c, nested));
	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	move(t, m, ioas_new(t));
	expect_ok(uc_destroy(&t->c, parent));
}

/* ---- nested tables of a VIOMMU (iommufd-test-abi 3.4) -------------------- */

static void table_of_a_viommu_without_a_vdevice_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t v = viommu_new(t, m.idev, parent);
	const uint32_t nested = nested_new(t, m.idev, v, 0);
	const uint32_t other = viommu_new(t, m.idev, parent);
	uint32_t vdevice = 0;

	expect_refused(t, nested, 0, -ENOENT);
	expect_errno(replace(t, m, nested), -ENOENT);
	/* One on another VIOMMU is none. */
	expect_ok(uc_vdevice(&t->c, other, m.idev, 7, &vdevice));
	expect_errno(replace(t, m, nested), -ENOENT);
	expect_on(t, m, m.hwpt);
	expect_ok(uc_destroy(&t->c, vdevice));
	expect_ok(uc_vdevice(&t->c, v, m.idev, 7, NULL));
	assert_int_equal(move(t, m, nested), nested);
	/* It is that device's. */
	expect_refused(t, nested, 0, -ENOENT);
}

/* ---- detach, destroy ----------------------------------------------------- */

static void detach_of_nothing_succeeds(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	detach(t, m);
	detach(t, m);
	expect_on(t, m, 0);
	expect_ok(uc_destroy(&t->c, m.stdev));
}

static void detached_device_can_be_attached_again(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_with_memory(t);
	const struct uc_mock m = mock_new(t, ioas);
	uint32_t pt = ioas;

	detach(t, m);
	assert_int_equal(pins(t), 0);
	expect_ok(uc_pasid_attach(&t->c, m.stdev, 0, &pt));
	assert_int_not_equal(pt, ioas);
	expect_on(t, m, pt);
	expect_ok(uc_check_map(&t->c, pt, IOVA, 2 * PAGE, VA_RUN));
}

static void destroyed_handle_takes_the_device_along(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t before = id_free(t), ioas = ioas_with_memory(t);
	const struct uc_mock m = mock_new(t, ioas);

	/* The device itself has an owner. */
	expect_errno(uc_destroy(&t->c, m.idev), -EBUSY);
	detach(t, m);
	expect_errno(uc_destroy(&t->c, m.idev), -EBUSY);
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_errno(uc_destroy(&t->c, m.stdev), -ENOENT);
	expect_errno(uc_destroy(&t->c, m.idev), -ENOENT);
	expect_ok(uc_destroy(&t->c, ioas));
	assert_int_equal(id_free(t), before);
}

static void table_is_busy_for_each_device_on_it(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t hwpt = hwpt_new(t, maker.idev, ioas, 0);
	const struct uc_mock a = device_on(t, hwpt, 0);
	const struct uc_mock b = device_on(t, hwpt, 0);

	expect_errno(uc_destroy(&t->c, hwpt), -EBUSY);
	expect_ok(uc_destroy(&t->c, a.stdev));
	expect_errno(uc_destroy(&t->c, hwpt), -EBUSY);
	detach(t, b);
	/* A manual one stays, until it is destroyed. */
	expect_errno(uc_destroy(&t->c, ioas), -EBUSY);
	expect_ok(uc_destroy(&t->c, hwpt));
	expect_ok(uc_destroy(&t->c, ioas));
}

static void nested_table_is_busy_for_each_device_on_it(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t parent = parent_new(t, maker.idev);
	const uint32_t nested = nested_new(t, maker.idev, parent, 0);
	const struct uc_mock a = device_on(t, nested, 0);
	const struct uc_mock b = device_on(t, nested, 0);

	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	detach(t, a);
	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	expect_ok(uc_destroy(&t->c, b.stdev));
	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	expect_ok(uc_destroy(&t->c, nested));
	expect_ok(uc_destroy(&t->c, parent));
}

/* ---- alignment and ranges (5.3, 5.4) ------------------------------------- */

static void table_decides_alignment_and_range_while_it_is_there(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock a = mock_new(t, ioas);
	uint32_t huge;

	assert_int_equal(alignment_of(t, ioas), PAGE / 2);
	huge = hwpt_huge_new(t, maker.idev, ioas, 0);
	device_on(t, huge, 0);
	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_range(t, ioas, IOAS_ABI_MOCK_APERTURE_START,
		     IOAS_ABI_MOCK_APERTURE_LAST);
	expect_ok(uc_destroy(&t->c, a.stdev));
	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_range(t, ioas, 0, HUGE_LAST);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, 0));
	expect_errno(uc_mock_domain(&t->c, ioas, NULL), -EADDRINUSE);
	expect_errno(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE / 2, UC_R, IOVA),
		     -EINVAL);
}

static void alignment_is_the_largest_of_all_reasons(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	const int access = access_new(t, ioas);

	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_ok(uc_close(&t->c, access));
	assert_int_equal(alignment_of(t, ioas), PAGE / 2);
	expect_ok(uc_huge_pages(&t->c, ioas, 0));
	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_ok(uc_destroy(&t->c, m.stdev));
	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_ok(uc_huge_pages(&t->c, ioas, 1));
	expect_untouched(t, ioas);
}

static void half_pages_keep_a_table_of_pages_away(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const struct ioas_abi_hwpt_data_selftest huge = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE,
	};
	const struct uc_mock m = mock_new(t, ioas);

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN + PAGE / 2, PAGE, UC_R,
			       IOVA + PAGE / 2));
	expect_errno(uc_hwpt_mock(&t->c, maker.idev, ioas, 0, &huge, NULL),
		     -EADDRINUSE);
	assert_int_equal(alignment_of(t, ioas), PAGE / 2);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + PAGE / 2, PAGE,
			       VA_RUN + PAGE / 2));
}

static void range_below_the_aperture_is_free_without_the_device(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);

	expect_errno(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R,
				  IOAS_ABI_MOCK_APERTURE_START - PAGE),
		     -EINVAL);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R,
			       IOAS_ABI_MOCK_APERTURE_START));
	detach(t, m);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R,
			       IOAS_ABI_MOCK_APERTURE_START - PAGE));
}

static void device_of_a_nested_table_adds_nothing_to_its_space(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t ioas = ioas_with_memory(t);
	const uint32_t parent = hwpt_new(t, maker.idev, ioas, NEST);
	const uint32_t nested = nested_new(t, maker.idev, parent, 0);

	device_on(t, nested, 0);
	expect_range(t, ioas, IOAS_ABI_MOCK_APERTURE_START,
		     IOAS_ABI_MOCK_APERTURE_LAST);
	assert_int_equal(alignment_of(t, ioas), PAGE / 2);
	assert_int_equal(pins(t), 2);
	/* What is mapped reaches the parent. */
	expect_ok(uc_check_map(&t->c, parent, IOVA, 2 * PAGE, VA_RUN));
	expect_errno(uc_check_map(&t->c, nested, IOVA, 2 * PAGE, VA_RUN),
		     -ENOENT);
}

/* ---- two contexts -------------------------------------------------------- */

static struct uclient second_context(struct uapi_test *t)
{
	struct uclient c = t->c;

	c.fd = sim_open(t->h, 0);
	assert_true(c.fd >= 0);
	return c;
}

static void ids_of_another_context_are_none(void **state)
{
	struct uapi_test *t = *state;
	const struct uclient other = second_context(t);
	/* Numbers beyond those that a refused request takes meanwhile. */
	const uint32_t parent = parent_new(t, device_new(t, 0).idev);
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { parent, m.stdev, m.hwpt, m.idev };
	struct uc_mock theirs;
	uint32_t ioas = 0, pt = 0;

	for (unsigned int i = 0; i < 4; i++) {
		expect_errno(uc_mock_domain(&other, ids[i], NULL), -ENOENT);
		expect_errno(uc_mock_replace(&other, ids[i], &pt), -ENOENT);
	}
	expect_ok(uc_ioas_alloc(&other, &ioas));
	expect_ok(uc_mock_domain(&other, ioas, &theirs));
	/* The same numbers, perhaps, for other objects. */
	expect_ok(uc_destroy(&other, theirs.stdev));
	expect_on(t, m, m.hwpt);
}

static void contexts_pin_the_same_memory_each(void **state)
{
	struct uapi_test *t = *state;
	const struct uclient other = second_context(t);
	const struct uc_mock m = mock_new(t, ioas_with_memory(t));
	uint32_t ioas = 0;

	expect_ok(uc_ioas_alloc(&other, &ioas));
	expect_ok(uc_map_fixed(&other, ioas, VA_RUN, 2 * PAGE, UC_R, IOVA));
	expect_ok(uc_mock_domain(&other, ioas, NULL));
	expect_ok(uc_check_refs(&t->c, VA_RUN, 2 * PAGE, 2));
	/* With its file it goes, devices and all; ours stay. */
	expect_ok(uc_close(&other, other.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_ok(uc_check_refs(&t->c, VA_RUN, 2 * PAGE, 1));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE, VA_RUN));
}

static void last_close_takes_devices_along(void **state)
{
	struct uapi_test *t = *state;
	const struct uclient other = second_context(t);
	struct uc_mock m = { 0, 0, 0 };
	uint32_t ioas = 0, parent = 0, pt;

	expect_ok(uc_ioas_alloc(&other, &ioas));
	expect_ok(uc_map_fixed(&other, ioas, VA_RUN, 2 * PAGE, UC_R, IOVA));
	expect_ok(uc_mock_domain_flags(&other, ioas, DEV_PASID, &m));
	expect_ok(uc_hwpt(&other, m.idev, ioas, NEST | PASID, &parent));
	pt = parent;
	expect_ok(uc_mock_replace(&other, m.stdev, &pt));
	for (uint32_t pasid = 1; pasid < 20; pasid++)
		expect_ok(uc_pasid_attach(&other, m.stdev, pasid, &pt));
	expect_ok(uc_close(&other, other.fd));
	assert_int_equal(pins(t), 0);
	assert_int_equal(sim_nr_contexts(t->h), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(device_with_unknown_flags_is_einval),
		uapi_case(table_that_is_not_there_is_enoent),
		uapi_case(object_that_is_no_table_is_einval),
		uapi_case(handle_that_is_none_is_enoent_whatever_the_table),
		uapi_case(attach_to_an_hwpt_is_to_that_one),
		uapi_case(results_that_cannot_be_written_undo_the_device),
		uapi_case(unwritten_result_undoes_attach_and_replace),
		uapi_case(automatic_table_is_shared),
		uapi_case(automatic_table_goes_with_the_last_device),
		uapi_case(automatic_table_goes_with_a_replace),
		uapi_case(automatic_table_lives_by_an_explicit_attachment),
		uapi_case(automatic_table_cannot_be_destroyed_nor_nested_on),
		uapi_case(manual_table_is_never_chosen),
		uapi_case(manual_table_is_not_chosen_though_no_other_fits),
		uapi_case(attached_device_is_ebusy),
		uapi_case(misaligned_areas_are_eaddrinuse),
		uapi_case(areas_outside_the_aperture_are_eaddrinuse),
		uapi_case(allowed_ranges_outside_the_aperture_are_eaddrinuse),
		uapi_case(missing_memory_is_efault),
		uapi_case(what_is_no_memory_is_einval),
		uapi_case(memory_beyond_the_limit_is_enomem),
		uapi_case(
			memory_of_a_process_that_is_gone_is_efault_unless_held),
		uapi_case(space_that_was_refused_can_be_repaired),
		uapi_case(dirty_table_and_a_device_that_cannot_are_einval),
		uapi_case(replace_of_what_is_not_attached_is_einval),
		uapi_case(replace_by_the_same_changes_nothing),
		uapi_case(replace_moves_from_space_to_space),
		uapi_case(replace_moves_one_device_of_a_table),
		uapi_case(replace_goes_between_a_parent_and_what_nests_on_it),
		uapi_case(table_of_a_viommu_without_a_vdevice_is_enoent),
		uapi_case(detach_of_nothing_succeeds),
		uapi_case(detached_device_can_be_attached_again),
		uapi_case(destroyed_handle_takes_the_device_along),
		uapi_case(table_is_busy_for_each_device_on_it),
		uapi_case(nested_table_is_busy_for_each_device_on_it),
		uapi_case(table_decides_alignment_and_range_while_it_is_there),
		uapi_case(alignment_is_the_largest_of_all_reasons),
		uapi_case(half_pages_keep_a_table_of_pages_away),
		uapi_case(range_below_the_aperture_is_free_without_the_device),
		uapi_case(device_of_a_nested_table_adds_nothing_to_its_space),
		uapi_case(ids_of_another_context_are_none),
		uapi_case(contexts_pin_the_same_memory_each),
		uapi_case(last_close_takes_devices_along),
	};

	return cmocka_run_group_tests_name("attaching devices", tests, NULL,
					    NULL);
}
