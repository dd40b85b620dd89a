/* SPDX-License-Identifier: MIT */
/*
 * HWPT_INVALIDATE on a VIOMMU, and the caches of its devices
 * (docs/reference/iommufd-uapi.md 6.14; iommufd-test-abi.md 4.15, 5.4)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_nest.h"

/* ---- 6.14 HWPT_INVALIDATE on a VIOMMU ------------------------------------ */

#define INVALIDATE IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST
#define CACHE_DEFAULT IOAS_ABI_TEST_DEV_CACHE_DEFAULT
#define INVALIDATE_ALL IOAS_ABI_TEST_INVALIDATE_FLAG_ALL

typedef struct ioas_abi_viommu_invalidate_selftest entry_t;

/* Of a VIOMMU whose device has the virt_id 7: what is answered, and handled. */
static int invalidate(struct uapi_test *t, const struct nest *n,
		      const void *entries, uint32_t length, uint32_t *nr)
{
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = n->viommu,
					      .data_type = INVALIDATE,
					      .entry_len = length,
					      .entry_num = *nr };
	int ret = uc_invalidate(&t->c, &s, entries);

	*nr = s.entry_num;
	return ret;
}

static struct nest nest_with_device_7(struct uapi_test *t)
{
	const struct nest n = nest_new(t);

	vdevice_new(t, n.viommu, n.dev.idev, 7);
	return n;
}

static void expect_caches(struct uapi_test *t, uint32_t dev, uint32_t zeroes)
{
	for (uint32_t i = 0; i <= 3; i++)
		expect_ok(uc_check_cache(&t->c, dev, i,
					 zeroes & 1u << i ? 0 : CACHE_DEFAULT));
}

/* What one struct answers, and that it says that nothing was done. */
static void expect_refused(struct uapi_test *t,
			   struct ioas_abi_hwpt_invalidate s, int want)
{
	expect_errno(uc_do(&t->c, IOAS_ABI_HWPT_INVALIDATE, &s), want);
	assert_int_equal(s.entry_num, 0);
}

static void invalidate_reserved_member_is_eopnotsupp(void **state)
{
	expect_refused(*state,
		       (struct ioas_abi_hwpt_invalidate){ .hwpt_id = NO_ID,
							  .entry_num = 3,
							  .__reserved = 1 },
		       -EOPNOTSUPP);
}

static void invalidate_entries_of_no_place_or_length_are_einval(void **state)
{
	expect_refused(*state,
		       (struct ioas_abi_hwpt_invalidate){ .hwpt_id = NO_ID,
							  .entry_num = 3,
							  .entry_len = 12 },
		       -EINVAL);
	expect_refused(*state,
		       (struct ioas_abi_hwpt_invalidate){
			       .hwpt_id = NO_ID,
			       .data_uptr = VA_HOLE,
			       .entry_num = 3 },
		       -EINVAL);
}

static void invalidate_of_nothing_is_enoent(void **state)
{
	static const uint32_t ids[] = { 0, NO_ID };

	for (unsigned int i = 0; i < 2; i++)
		expect_refused(*state,
			       (struct ioas_abi_hwpt_invalidate){
				       .hwpt_id = ids[i],
				       .data_uptr = VA_HOLE,
				       .entry_num = 3,
				       .entry_len = 12 },
			       -ENOENT);
}

static void invalidate_of_anything_else_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { n.ioas, n.parent, n.dev.stdev, n.dev.idev };

	for (unsigned int i = 0; i < 4; i++)
		expect_refused(t,
			       (struct ioas_abi_hwpt_invalidate){
				       .hwpt_id = ids[i],
				       .data_type = INVALIDATE },
			       -EINVAL);
}

static void invalidate_type_is_judged_without_entries(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = n.viommu,
					      .data_type = INVALIDATE };

	expect_ok(uc_invalidate(&t->c, &s, NULL));
	s.data_type = IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST_INVALID;
	expect_refused(t, s, -EINVAL);
	/* And before entries are read. */
	s.data_uptr = VA_HOLE;
	s.entry_len = 12;
	s.entry_num = 1;
	expect_refused(t, s, -EINVAL);
	s.data_type = INVALIDATE;
	expect_refused(t, s, -EFAULT);
}

static void invalidate_reads_the_whole_array_first(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	const entry_t e = { INVALIDATE_ALL, 7, 0 };
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = n.viommu,
					      .data_uptr = RUN_END - sizeof(e),
					      .data_type = INVALIDATE,
					      .entry_len = sizeof(e),
					      .entry_num = 2 };

	/* The second lies in a hole. */
	sim_poke(t->h, s.data_uptr, &e, sizeof(e));
	expect_refused(t, s, -EFAULT);
	expect_caches(t, n.dev.idev, 0);
}

static void invalidate_with_a_tail_that_is_not_zero_is_e2big(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	struct {
		entry_t e;
		uint8_t tail[8];
	} array[2] = { { .e = { INVALIDATE_ALL, 7, 0 } },
		       /* Its flags would be EOPNOTSUPP. */
		       { .e = { 0xff, 7, 0 }, .tail = { [7] = 1 } } };
	uint32_t nr = 2;

	expect_errno(invalidate(t, &n, array, sizeof(array[0]), &nr), -E2BIG);
	assert_int_equal(nr, 0);
	expect_caches(t, n.dev.idev, 0);
	/* Zero, and so known. */
	array[1].tail[7] = 0;
	array[1].e.flags = 0;
	nr = 2;
	expect_ok(invalidate(t, &n, array, sizeof(array[0]), &nr));
	assert_int_equal(nr, 2);
	expect_caches(t, n.dev.idev, 0xf);
}

static void invalidate_short_entries_are_extended_with_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const entry_t e = { 0, 7, 3 };
	const struct uc_mock zero = mock_new(t, n.ioas);
	const uint8_t all[3] = { INVALIDATE_ALL, 0, INVALIDATE_ALL };
	uint32_t nr = 1;

	vdevice_new(t, n.viommu, n.dev.idev, 7);
	/* Without a cache_id: entry 0. */
	expect_ok(invalidate(t, &n, &e, 8, &nr));
	assert_int_equal(nr, 1);
	expect_caches(t, n.dev.idev, 1);
	/* Without a vdev_id it is about virt_id 0. */
	expect_errno(invalidate(t, &n, &e, 4, &nr), -EINVAL);
	vdevice_new(t, n.viommu, zero.idev, 0);
	nr = 1;
	expect_ok(invalidate(t, &n, &e, 4, &nr));
	expect_caches(t, zero.idev, 1);
	nr = 3;
	expect_ok(invalidate(t, &n, all, 1, &nr));
	assert_int_equal(nr, 3);
	expect_caches(t, zero.idev, 0xf);
}

static void invalidate_stops_at_the_first_bad_entry(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	static const struct {
		entry_t e;
		int ret;
	} bad[] = {
		/* Each breaks the later rules as well. */
		{ { INVALIDATE_ALL | 2, 8, 4 }, -EOPNOTSUPP },
		{ { 1u << 31, 8, 4 }, -EOPNOTSUPP },
		{ { 0, 8, 4 }, -EINVAL },
		/* Also with FLAG_ALL. */
		{ { INVALIDATE_ALL, 7, 4 }, -EINVAL },
		{ { INVALIDATE_ALL, 7, UINT32_MAX }, -EINVAL },
		{ { 0, 8, 0 }, -EINVAL },
	};

	for (unsigned int i = 0; i < 6; i++) {
		const entry_t e[] = { { 0, 7, 1 }, bad[i].e, { 0, 7, 2 } };
		uint32_t nr = 3;

		expect_errno(invalidate(t, &n, e, sizeof(e[0]), &nr),
			     bad[i].ret);
		assert_int_equal(nr, 1);
		expect_caches(t, n.dev.idev, 1u << 1);
	}
}

static void invalidate_clears_one_entry_or_all(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	const struct uc_mock other = mock_new(t, n.ioas);
	const entry_t one[] = { { 0, 7, 3 }, { 0, 7, 1 } };
	const entry_t all = { INVALIDATE_ALL, 7, 2 };
	uint32_t nr = 2;

	vdevice_new(t, n.viommu, other.idev, 8);
	expect_caches(t, n.dev.idev, 0);
	expect_ok(invalidate(t, &n, one, sizeof(one[0]), &nr));
	assert_int_equal(nr, 2);
	expect_caches(t, n.dev.idev, 1u << 3 | 1u << 1);
	nr = 1;
	expect_ok(invalidate(t, &n, &all, sizeof(all), &nr));
	assert_int_equal(nr, 1);
	expect_caches(t, n.dev.idev, 0xf);
	expect_caches(t, other.idev, 0);
}

static void invalidate_knows_only_its_own_devices(void **state)
{
	struct uapi_test *t = *state;
	struct nest n = nest_new(t);
	const uint32_t other = viommu_beside(t, &n);
	const uint32_t vdev = vdevice_new(t, other, n.dev.idev, 7);
	const entry_t e = { INVALIDATE_ALL, 7, 0 };
	uint32_t nr = 1;

	expect_errno(invalidate(t, &n, &e, sizeof(e), &nr), -EINVAL);
	n.viommu = other;
	expect_ok(uc_destroy(&t->c, vdev));
	nr = 1;
	expect_errno(invalidate(t, &n, &e, sizeof(e), &nr), -EINVAL);
	assert_int_equal(nr, 0);
	expect_caches(t, n.dev.idev, 0);
}

static void invalidate_copy_out_fault_is_efault_and_it_is_done(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	const entry_t e[] = { { INVALIDATE_ALL, 7, 0 }, { 2, 0, 0 } };
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = n.viommu,
					      .data_type = INVALIDATE,
					      .entry_len = sizeof(e[0]),
					      .entry_num = 2 };

	s.data_uptr = sim_put(t->h, e, sizeof(e));
	/* In place of EOPNOTSUPP. */
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_INVALIDATE, &s), -EFAULT);
	expect_caches(t, n.dev.idev, 0xf);
}

static void invalidate_of_more_than_there_can_be_handles_none(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_device_7(t);
	const entry_t e = { INVALIDATE_ALL, 7, 0 };
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = n.viommu,
					      .data_type = INVALIDATE,
					      .entry_len = sizeof(e),
					      .entry_num = UINT32_MAX };

	s.data_uptr = sim_put(t->h, &e, sizeof(e));
	expect_refused(t, s, -ENOMEM);
	expect_caches(t, n.dev.idev, 0);
}

/* ---- 4.15 DEV_CHECK_CACHE ------------------------------------------------ */

static void check_cache_of_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.stdev, n.viommu };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_check_cache(&t->c, ids[i], 4, 0), -ENOENT);
}

static void check_cache_beyond_the_last_entry_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = mock_new(t, ioas_new(t));

	expect_errno(uc_check_cache(&t->c, m.idev, 4, CACHE_DEFAULT), -EINVAL);
	expect_errno(uc_check_cache(&t->c, m.idev, UINT32_MAX, CACHE_DEFAULT),
		     -EINVAL);
}

static void check_cache_compares_the_value(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = mock_new(t, ioas_new(t));

	expect_caches(t, m.idev, 0);
	expect_errno(uc_check_cache(&t->c, m.idev, 3, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(invalidate_reserved_member_is_eopnotsupp),
		uapi_case(invalidate_entries_of_no_place_or_length_are_einval),
		uapi_case(invalidate_of_nothing_is_enoent),
		uapi_case(invalidate_of_anything_else_is_einval),
		uapi_case(invalidate_type_is_judged_without_entries),
		uapi_case(invalidate_reads_the_whole_array_first),
		uapi_case(invalidate_with_a_tail_that_is_not_zero_is_e2big),
		uapi_case(invalidate_short_entries_are_extended_with_zero),
		uapi_case(invalidate_stops_at_the_first_bad_entry),
		uapi_case(invalidate_clears_one_entry_or_all),
		uapi_case(invalidate_knows_only_its_own_devices),
		uapi_case(invalidate_copy_out_fault_is_efault_and_it_is_done),
		uapi_case(invalidate_of_more_than_there_can_be_handles_none),
		uapi_case(check_cache_of_no_device_is_enoent),
		uapi_case(check_cache_beyond_the_last_entry_is_einval),
		uapi_case(check_cache_compares_the_value),
	};

	return cmocka_run_group_tests_name("invalidation", tests, NULL, NULL);
}
