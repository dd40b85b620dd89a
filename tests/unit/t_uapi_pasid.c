/* SPDX-License-Identifier: MIT */
/*
 * attaching PASIDs of devices (docs/reference/iommufd-uapi.md 7.2 to 7.5;
 * iommufd-test-abi.md 3.5, 4.18 to 4.21)
 *
 *    device   RID      --> HWPT       with the flag, while a PASID is attached
 *             PASID n  --> HWPT       with the flag, n below 2^20
 *
 * Not here, for every mock device is alone in its group and has operations for
 * PASIDs: limits of other devices, EOPNOTSUPP. t_uapi_group.c has the first.
 */
#include "uapi_device.h"

#define PASID_MAX ((1u << IOAS_ABI_MOCK_PASID_WIDTH) - 1)
#define SPECIAL IOAS_ABI_TEST_PASID_RESERVED

/* A device with PASIDs, its RID on the first of two tables that allow them. */
struct pasids {
	struct uc_mock m;
	uint32_t ioas;
	uint32_t a;
	uint32_t b;
	/* One that does not. */
	uint32_t plain;
};

static struct pasids pasids_new(struct uapi_test *t)
{
	const struct uc_mock maker = device_new(t, 0);
	struct pasids p = { .ioas = ioas_new(t) };

	p.a = hwpt_new(t, maker.idev, p.ioas, PASID);
	p.b = hwpt_new(t, maker.idev, p.ioas, PASID);
	p.plain = hwpt_new(t, maker.idev, p.ioas, 0);
	p.m = device_on(t, p.a, DEV_PASID);
	return p;
}

static int attach(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		  uint32_t pt)
{
	const uint32_t asked = pt;
	int ret = uc_pasid_attach(&t->c, m.stdev, pasid, &pt);

	/* An HWPT, here: the result is what was asked for. */
	assert_int_equal(pt, asked);
	return ret;
}

static int replace(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		   uint32_t pt)
{
	const uint32_t asked = pt;
	int ret = uc_pasid_replace(&t->c, m.stdev, pasid, &pt);

	assert_int_equal(pt, asked);
	return ret;
}

static int detach(struct uapi_test *t, struct uc_mock m, uint32_t pasid)
{
	return uc_pasid_detach(&t->c, m.stdev, pasid);
}

static void expect_on(struct uapi_test *t, struct uc_mock m, uint32_t pasid,
		      uint32_t hwpt)
{
	expect_ok(uc_pasid_check(&t->c, m.stdev, pasid, hwpt));
}

/* ---- attach -------------------------------------------------------------- */

static void attach_of_no_handle_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t ids[] = { 0, NO_ID, p.m.idev, p.m.hwpt, p.ioas };

	for (unsigned int i = 0; i < 5; i++) {
		const struct uc_mock none = { .stdev = ids[i] };

		expect_errno(attach(t, none, UINT32_MAX, p.m.idev), -ENOENT);
		expect_errno(replace(t, none, UINT32_MAX, p.m.idev), -ENOENT);
		expect_errno(detach(t, none, 7), -ENOENT);
		expect_errno(uc_pasid_check(&t->c, ids[i], 7, p.m.idev),
			     -ENOENT);
	}
}

static void attach_to_no_table_is_enoent_to_no_page_table_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, 7, p.a));
	/* Attached, and beyond the limit. */
	expect_errno(attach(t, p.m, 7, 0), -ENOENT);
	expect_errno(attach(t, p.m, UINT32_MAX, NO_ID), -ENOENT);
	expect_errno(attach(t, p.m, 7, p.m.idev), -EINVAL);
	expect_errno(replace(t, p.m, 8, 0), -ENOENT);
	expect_errno(replace(t, p.m, 8, NO_ID), -ENOENT);
	expect_errno(replace(t, p.m, 7, p.m.stdev), -EINVAL);
	expect_on(t, p.m, 7, p.a);
	expect_on(t, p.m, 8, 0);
}

static void attached_pasid_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, 7, p.a));
	expect_errno(attach(t, p.m, 7, p.a), -EBUSY);
	expect_errno(attach(t, p.m, 7, p.b), -EBUSY);
	/* Neither may be at a PASID. */
	expect_errno(attach(t, p.m, 7, p.plain), -EBUSY);
	expect_errno(attach(t, p.m, 7, p.ioas), -EBUSY);
	expect_on(t, p.m, 7, p.a);
	expect_errno(attach(t, p.m, 0, p.b), -EBUSY);
}

static void table_without_the_flag_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_errno(attach(t, p.m, 7, p.plain), -EINVAL);
	/* Also where there is nothing at the RID. */
	expect_ok(detach(t, p.m, 0));
	expect_errno(attach(t, p.m, 7, p.plain), -EINVAL);
	expect_on(t, p.m, 7, 0);
	expect_ok(uc_destroy(&t->c, p.plain));
}

static void space_is_einval_for_its_tables_lack_the_flag(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t empty = ioas_new(t), before = id_free(t);
	const struct uc_mock m = mock_new(t, p.ioas);

	expect_errno(attach(t, p.m, 7, p.ioas), -EINVAL);
	expect_errno(attach(t, p.m, 7, m.hwpt), -EINVAL);
	expect_on(t, m, 0, m.hwpt);
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_errno(attach(t, p.m, 7, p.ioas), -EINVAL);
	expect_errno(attach(t, p.m, 7, empty), -EINVAL);
	assert_int_equal(id_free(t), before);
	expect_untouched(t, empty);
}

static void rid_on_a_table_without_the_flag_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(replace(t, p.m, 0, p.plain));
	expect_errno(attach(t, p.m, 7, p.a), -EINVAL);
	expect_ok(detach(t, p.m, 0));
	/* It need not be attached at all. */
	expect_ok(attach(t, p.m, 7, p.a));
	expect_on(t, p.m, 0, 0);
	expect_on(t, p.m, 7, p.a);
}

static void rid_cannot_lose_the_flag_while_a_pasid_is_attached(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t before = id_free(t);

	expect_ok(attach(t, p.m, PASID_MAX, p.b));
	expect_errno(replace(t, p.m, 0, p.plain), -EINVAL);
	expect_errno(replace(t, p.m, 0, p.ioas), -EINVAL);
	expect_on(t, p.m, 0, p.a);
	expect_ok(replace(t, p.m, 0, p.b));
	expect_ok(detach(t, p.m, 0));
	expect_errno(attach(t, p.m, 0, p.plain), -EINVAL);
	expect_errno(attach(t, p.m, 0, p.ioas), -EINVAL);
	expect_on(t, p.m, 0, 0);
	assert_int_equal(id_free(t), before);
	expect_ok(detach(t, p.m, PASID_MAX));
	expect_ok(attach(t, p.m, 0, p.plain));
}

static void pasid_beyond_the_width_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t beyond[] = { PASID_MAX + 1, PASID_MAX + 2, 1u << 31,
				    UINT32_MAX };

	for (unsigned int i = 0; i < 4; i++) {
		expect_errno(attach(t, p.m, beyond[i], p.a), -EINVAL);
		expect_errno(replace(t, p.m, beyond[i], p.a), -EINVAL);
		expect_ok(detach(t, p.m, beyond[i]));
		expect_on(t, p.m, beyond[i], 0);
	}
	expect_ok(attach(t, p.m, PASID_MAX, p.a));
	expect_ok(attach(t, p.m, 1, p.a));
	expect_on(t, p.m, PASID_MAX, p.a);
}

static void device_without_pasids_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	/* Its RID may be on a table that allows them. */
	const struct uc_mock m = device_on(t, p.a, DEV_NO_DIRTY);

	expect_errno(attach(t, m, 1, p.a), -EINVAL);
	expect_errno(replace(t, m, 1, p.a), -EINVAL);
	expect_ok(detach(t, m, 0));
	expect_errno(attach(t, m, 1, p.a), -EINVAL);
	expect_ok(attach(t, m, 0, p.b));
}

static void pasid_of_a_dirty_table_is_not_looked_at(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock maker = device_new(t, 0);
	const uint32_t dirty = hwpt_new(t, maker.idev, ioas_new(t),
					PASID | DIRTY);
	const struct uc_mock m = device_on(
		t, hwpt_new(t, maker.idev, ioas_new(t), PASID),
		DEV_PASID | DEV_NO_DIRTY);

	/* That is for the RID. */
	expect_errno(replace(t, m, 0, dirty), -EINVAL);
	expect_ok(attach(t, m, 1, dirty));
}

static void pasid_may_be_on_a_nested_table(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t parent = parent_new(t, p.m.idev);
	const uint32_t v = viommu_new(t, p.m.idev, parent);
	const uint32_t nested = nested_new(t, p.m.idev, parent, PASID);
	/* There is no VDEVICE: that is for the RID. */
	const uint32_t through = nested_new(t, p.m.idev, v, PASID);

	expect_errno(attach(t, p.m, 1, nested_new(t, p.m.idev, parent, 0)),
		     -EINVAL);
	expect_ok(attach(t, p.m, 1, nested));
	expect_errno(replace(t, p.m, 0, through), -ENOENT);
	expect_ok(replace(t, p.m, 1, through));
	expect_ok(uc_destroy(&t->c, nested));
	expect_errno(uc_destroy(&t->c, through), -EBUSY);
}

static void result_that_cannot_be_written_undoes_it(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_PASID_ATTACH,
		.id = p.m.stdev,
		.pasid_attach = { .pasid = 7, .pt_id = p.a },
	};

	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	expect_on(t, p.m, 7, 0);
	expect_ok(attach(t, p.m, 7, p.a));
	s.op = IOAS_ABI_TEST_OP_PASID_REPLACE;
	s.pasid_replace.pt_id = p.b;
	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	expect_on(t, p.m, 7, p.a);
	expect_ok(uc_destroy(&t->c, p.b));
}

/* ---- replace, detach ----------------------------------------------------- */

static void replace_of_what_is_not_attached_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, 7, p.a));
	expect_errno(replace(t, p.m, 8, p.a), -EINVAL);
	expect_errno(replace(t, p.m, 8, p.ioas), -EINVAL);
	expect_on(t, p.m, 8, 0);
}

static void replace_moves_that_pasid_alone(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, 7, p.a));
	expect_ok(attach(t, p.m, 8, p.a));
	expect_ok(replace(t, p.m, 7, p.b));
	expect_ok(replace(t, p.m, 7, p.b));
	expect_on(t, p.m, 0, p.a);
	expect_on(t, p.m, 7, p.b);
	expect_on(t, p.m, 8, p.a);
}

static void refused_replace_keeps_the_old_table(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t before = id_free(t);

	expect_ok(attach(t, p.m, 7, p.a));
	expect_errno(replace(t, p.m, 7, p.plain), -EINVAL);
	expect_errno(replace(t, p.m, 7, p.ioas), -EINVAL);
	expect_errno(replace(t, p.m, 7, NO_ID), -ENOENT);
	expect_on(t, p.m, 7, p.a);
	assert_int_equal(id_free(t), before);
}

static void detach_of_nothing_succeeds(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(detach(t, p.m, 7));
	expect_ok(attach(t, p.m, 7, p.b));
	expect_ok(detach(t, p.m, 8));
	expect_on(t, p.m, 7, p.b);
	expect_ok(detach(t, p.m, 7));
	expect_ok(detach(t, p.m, 7));
	expect_on(t, p.m, 7, 0);
	expect_ok(attach(t, p.m, 7, p.a));
}

/* ---- lifetimes (iommufd-uapi 4.3) ---------------------------------------- */

static void table_is_busy_for_each_pasid_on_it(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t pasid[] = { 1, 1000, PASID_MAX };

	expect_ok(replace(t, p.m, 0, p.b));
	for (unsigned int i = 0; i < 3; i++)
		expect_ok(attach(t, p.m, pasid[i], p.a));
	expect_ok(detach(t, p.m, 0));
	expect_ok(uc_destroy(&t->c, p.b));
	for (unsigned int i = 0; i < 3; i++) {
		expect_errno(uc_destroy(&t->c, p.a), -EBUSY);
		expect_ok(detach(t, p.m, pasid[i]));
	}
	expect_ok(uc_destroy(&t->c, p.a));
}

static void handle_goes_with_what_is_still_attached(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	for (uint32_t pasid = 1; pasid < 40; pasid++)
		expect_ok(attach(t, p.m, pasid, pasid % 2 ? p.a : p.b));
	expect_ok(uc_destroy(&t->c, p.m.stdev));
	expect_ok(uc_destroy(&t->c, p.a));
	expect_ok(uc_destroy(&t->c, p.b));
}

static void devices_have_pasids_of_their_own(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const struct uc_mock other = device_on(t, p.b, DEV_PASID);

	expect_ok(attach(t, p.m, 7, p.a));
	expect_on(t, other, 7, 0);
	expect_ok(attach(t, other, 7, p.b));
	expect_ok(detach(t, p.m, 7));
	expect_on(t, other, 7, p.b);
}

/* ---- PASID_CHECK_HWPT (iommufd-test-abi 4.21) ---------------------------- */

static void check_tells_nothing_missing_wrong_and_other(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);
	const uint32_t stdev = p.m.stdev;

	expect_ok(uc_pasid_check(&t->c, stdev, 7, 0));
	expect_ok(attach(t, p.m, 7, p.a));
	expect_errno(uc_pasid_check(&t->c, stdev, 7, 0), -EINVAL);
	expect_errno(uc_pasid_check(&t->c, stdev, 7, NO_ID), -ENOENT);
	expect_errno(uc_pasid_check(&t->c, stdev, 7, p.ioas), -EINVAL);
	expect_errno(uc_pasid_check(&t->c, stdev, 7, p.m.idev), -EINVAL);
	expect_errno(uc_pasid_check(&t->c, stdev, 7, p.b), -EINVAL);
	expect_ok(uc_pasid_check(&t->c, stdev, 7, p.a));
	/* The same where nothing is attached. */
	expect_errno(uc_pasid_check(&t->c, stdev, 8, NO_ID), -ENOENT);
	expect_errno(uc_pasid_check(&t->c, stdev, 8, p.ioas), -EINVAL);
	expect_errno(uc_pasid_check(&t->c, stdev, 8, p.a), -EINVAL);
	expect_errno(uc_pasid_check(&t->c, stdev, 0, 0), -EINVAL);
}

/* ---- PASID 1024 (iommufd-test-abi 3.5) ----------------------------------- */

static void special_pasid_fails_every_second_time(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, SPECIAL, p.a));
	for (unsigned int i = 0; i < 3; i++) {
		expect_errno(replace(t, p.m, SPECIAL, p.b), -ENOMEM);
		expect_on(t, p.m, SPECIAL, p.a);
		expect_ok(replace(t, p.m, SPECIAL, p.b));
		expect_on(t, p.m, SPECIAL, p.b);
		expect_errno(replace(t, p.m, SPECIAL, p.a), -ENOMEM);
		expect_ok(replace(t, p.m, SPECIAL, p.a));
	}
}

static void special_pasid_is_disarmed_by_a_detach(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	for (unsigned int i = 0; i < 3; i++) {
		expect_ok(attach(t, p.m, SPECIAL, p.a));
		expect_ok(detach(t, p.m, SPECIAL));
	}
	/* Also when it had been disarmed already. */
	expect_ok(attach(t, p.m, SPECIAL, p.a));
	expect_errno(replace(t, p.m, SPECIAL, p.b), -ENOMEM);
	expect_ok(detach(t, p.m, SPECIAL));
	expect_ok(attach(t, p.m, SPECIAL, p.b));
}

static void special_pasid_counts_what_reaches_the_device_alone(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, SPECIAL, p.a));
	/* Refused before, or nothing to do. */
	expect_errno(attach(t, p.m, SPECIAL, p.b), -EBUSY);
	expect_errno(replace(t, p.m, SPECIAL, p.plain), -EINVAL);
	expect_errno(replace(t, p.m, SPECIAL, p.ioas), -EINVAL);
	expect_ok(replace(t, p.m, SPECIAL, p.a));
	/* Others, of this device and of another. */
	expect_ok(attach(t, p.m, SPECIAL + 1, p.b));
	expect_ok(detach(t, p.m, SPECIAL + 1));
	expect_ok(replace(t, p.m, 0, p.b));
	expect_ok(attach(t, device_on(t, p.b, DEV_PASID), SPECIAL, p.b));
	expect_errno(replace(t, p.m, SPECIAL, p.b), -ENOMEM);
	expect_ok(replace(t, p.m, SPECIAL, p.b));
}

static void special_pasid_that_failed_leaves_no_trace(void **state)
{
	struct uapi_test *t = *state;
	const struct pasids p = pasids_new(t);

	expect_ok(attach(t, p.m, SPECIAL, p.a));
	expect_errno(replace(t, p.m, SPECIAL, p.b), -ENOMEM);
	expect_ok(uc_destroy(&t->c, p.b));
	expect_ok(detach(t, p.m, SPECIAL));
	expect_ok(uc_destroy(&t->c, p.m.stdev));
	expect_ok(uc_destroy(&t->c, p.a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(attach_of_no_handle_is_enoent),
		uapi_case(attach_to_no_table_is_enoent_to_no_page_table_einval),
		uapi_case(attached_pasid_is_ebusy),
		uapi_case(table_without_the_flag_is_einval),
		uapi_case(space_is_einval_for_its_tables_lack_the_flag),
		uapi_case(rid_on_a_table_without_the_flag_is_einval),
		uapi_case(rid_cannot_lose_the_flag_while_a_pasid_is_attached),
		uapi_case(pasid_beyond_the_width_is_einval),
		uapi_case(device_without_pasids_is_einval),
		uapi_case(pasid_of_a_dirty_table_is_not_looked_at),
		uapi_case(pasid_may_be_on_a_nested_table),
		uapi_case(result_that_cannot_be_written_undoes_it),
		uapi_case(replace_of_what_is_not_attached_is_einval),
		uapi_case(replace_moves_that_pasid_alone),
		uapi_case(refused_replace_keeps_the_old_table),
		uapi_case(detach_of_nothing_succeeds),
		uapi_case(table_is_busy_for_each_pasid_on_it),
		uapi_case(handle_goes_with_what_is_still_attached),
		uapi_case(devices_have_pasids_of_their_own),
		uapi_case(check_tells_nothing_missing_wrong_and_other),
		uapi_case(special_pasid_fails_every_second_time),
		uapi_case(special_pasid_is_disarmed_by_a_detach),
		uapi_case(special_pasid_counts_what_reaches_the_device_alone),
		uapi_case(special_pasid_that_failed_leaves_no_trace),
	};

	return cmocka_run_group_tests_name("PASIDs", tests, NULL, NULL);
}
