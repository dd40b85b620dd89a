/* SPDX-License-Identifier: MIT */
/*
 * invalidation of nested page tables (docs/reference/iommufd-uapi.md 6.14;
 * iommufd-test-abi.md 4.14, 5.3)
 *
 *    iotlb   | 0 | 1 | 2 | 3 |   of a nested HWPT: what it was made with, or 0
 *
 * The number of entries done is a result of every call, errors included: each
 * expectation here is of both.
 */
#include "uapi_device.h"

#define SELFTEST IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST
#define ALL IOAS_ABI_TEST_INVALIDATE_FLAG_ALL
#define VALUE IOAS_ABI_TEST_IOTLB_DEFAULT

typedef struct ioas_abi_hwpt_invalidate_selftest entry_t;

static uint32_t nested(struct uapi_test *t)
{
	const struct uc_mock m = device_new(t, 0);

	return nested_new(t, m.idev, parent_new(t, m.idev), 0);
}

static int invalidate(struct uapi_test *t, struct ioas_abi_hwpt_invalidate s,
		      uint32_t *done)
{
	int ret = uc_invalidate(&t->c, &s, NULL);

	*done = s.entry_num;
	return ret;
}

/* @entries, of a right request. */
static int run(struct uapi_test *t, uint32_t hwpt, const entry_t *entries,
	       uint32_t nr, uint32_t *done)
{
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = hwpt,
					      .data_type = SELFTEST,
					      .entry_len = sizeof(*entries),
					      .entry_num = nr };
	int ret = uc_invalidate(&t->c, &s, entries);

	*done = s.entry_num;
	return ret;
}

/* @done is what the call counted. */
static void check_done(int ret, int want, uint32_t done, uint32_t number,
		       const char *call, int line)
{
	expect_at(ret, want, call, __FILE__, line);
	expect_at(done, number, call, __FILE__, line);
}

#define expect_invalidate(t, want, number, ...)                            \
	do {                                                               \
		const struct ioas_abi_hwpt_invalidate s_ = { __VA_ARGS__ }; \
		uint32_t done_ = 77;                                       \
		int ret_ = invalidate((t), s_, &done_);                    \
									   \
		check_done(ret_, (want), done_, (number), #__VA_ARGS__,    \
			   __LINE__);                                      \
	} while (0)

#define expect_run(t, hwpt, entries, nr, want, number)                    \
	do {                                                              \
		uint32_t done_ = 77;                                      \
		int ret_ = run((t), (hwpt), (entries), (nr), &done_);     \
									  \
		check_done(ret_, (want), done_, (number), #entries,       \
			   __LINE__);                                     \
	} while (0)

/* Bit i of @zero: entry i is zero; otherwise what it was made with. */
static void expect_iotlb(struct uapi_test *t, uint32_t hwpt, uint32_t zero)
{
	for (uint32_t i = 0; i < 4; i++) {
		const bool z = zero >> i & 1;

		expect_ok(uc_check_iotlb(&t->c, hwpt, i, z ? 0 : VALUE));
		expect_errno(uc_check_iotlb(&t->c, hwpt, i, z ? VALUE : 0),
			     -EINVAL);
	}
}

/* ---- the rows of 6.14 ---------------------------------------------------- */

static void reserved_member_is_eopnotsupp(void **state)
{
	expect_invalidate(*state, -EOPNOTSUPP, 0, .hwpt_id = NO_ID,
			  .data_type = 1, .entry_num = 3, .__reserved = 1);
}

static void entries_without_address_or_length_are_einval(void **state)
{
	expect_invalidate(*state, -EINVAL, 0, .hwpt_id = NO_ID, .data_type = 1,
			  .entry_len = 8, .entry_num = 3);
	expect_invalidate(*state, -EINVAL, 0, .hwpt_id = NO_ID, .data_type = 1,
			  .data_uptr = VA_HOLE, .entry_num = 3);
}

static void no_object_is_enoent(void **state)
{
	expect_invalidate(*state, -ENOENT, 0, .hwpt_id = NO_ID, .data_type = 1,
			  .data_uptr = VA_HOLE, .entry_len = 8,
			  .entry_num = 3);
	expect_invalidate(*state, -ENOENT, 0, .hwpt_id = 0);
}

static void object_of_another_type_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { m.stdev, m.hwpt, m.idev, ioas_new(t),
				 faultq_new(t, NULL), parent_new(t, m.idev) };

	/* Unreadable memory would be EFAULT. */
	for (unsigned int i = 0; i < 6; i++) {
		expect_invalidate(t, -EINVAL, 0, .hwpt_id = ids[i],
				  .data_uptr = VA_HOLE, .data_type = SELFTEST,
				  .entry_len = 8, .entry_num = 3);
		expect_invalidate(t, -EINVAL, 0, .hwpt_id = ids[i],
				  .data_type = SELFTEST);
	}
}

static void another_type_of_data_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t types[] = {
		0, 1, IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST_INVALID, UINT32_MAX
	};
	const uint32_t id = nested(t);

	for (unsigned int i = 0; i < 4; i++) {
		expect_invalidate(t, -EINVAL, 0, .hwpt_id = id,
				  .data_uptr = VA_HOLE, .data_type = types[i],
				  .entry_len = 8, .entry_num = 3);
		expect_invalidate(t, -EINVAL, 0, .hwpt_id = id,
				  .data_type = types[i]);
	}
}

static void no_entry_asks_for_the_type(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);

	expect_invalidate(t, 0, 0, .hwpt_id = id, .data_type = SELFTEST);
	/* Nothing else is looked at. */
	expect_invalidate(t, 0, 0, .hwpt_id = id, .data_type = SELFTEST,
			  .data_uptr = VA_HOLE, .entry_len = 3);
	expect_iotlb(t, id, 0);
}

static void entry_of_another_length_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);

	for (uint32_t length = 1; length < 40; length++)
		if (length != 8)
			expect_invalidate(t, -EINVAL, 0, .hwpt_id = id,
					  .data_uptr = VA_HOLE,
					  .data_type = SELFTEST,
					  .entry_len = length, .entry_num = 3);
	expect_invalidate(t, -EINVAL, 0, .hwpt_id = id, .data_uptr = VA_HOLE,
			  .data_type = SELFTEST, .entry_len = UINT32_MAX,
			  .entry_num = UINT32_MAX);
	expect_iotlb(t, id, 0);
}

/* ---- entries (iommufd-test-abi 5.3) -------------------------------------- */

static void unreadable_entry_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);

	expect_invalidate(t, -EFAULT, 0, .hwpt_id = id, .data_uptr = VA_HOLE,
			  .data_type = SELFTEST, .entry_len = 8,
			  .entry_num = 1);
	/* Half of it is there. */
	expect_invalidate(t, -EFAULT, 0, .hwpt_id = id,
			  .data_uptr = VA_RUN + VA_PAGES * PAGE - 4,
			  .data_type = SELFTEST, .entry_len = 8,
			  .entry_num = 1);
	expect_invalidate(t, -EFAULT, 0, .hwpt_id = id, .data_uptr = U64 - 3,
			  .data_type = SELFTEST, .entry_len = 8,
			  .entry_num = UINT32_MAX);
	expect_iotlb(t, id, 0);
}

static void entries_before_the_end_of_memory_are_done(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);
	const entry_t entries[] = { { 0, 3 }, { 0, 1 } };
	const uint64_t at = VA_RUN + VA_PAGES * PAGE - sizeof(entries);

	sim_poke(t->h, at, entries, sizeof(entries));
	expect_invalidate(t, -EFAULT, 2, .hwpt_id = id, .data_uptr = at,
			  .data_type = SELFTEST, .entry_len = 8,
			  .entry_num = UINT32_MAX);
	expect_iotlb(t, id, 1u << 3 | 1u << 1);
}

static void unknown_flag_of_an_entry_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);

	/* It is for no entry of the IOTLB, either. */
	for (unsigned int bit = 1; bit < 32; bit++) {
		const entry_t e = { 1u << bit | ALL, 4 };

		expect_run(t, id, &e, 1, -EOPNOTSUPP, 0);
	}
	expect_iotlb(t, id, 0);
}

static void entry_beyond_the_iotlb_is_einval_whatever_its_flags(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);

	for (uint32_t flags = 0; flags < 2; flags++) {
		const entry_t next = { flags, 4 }, last = { flags, UINT32_MAX };

		expect_run(t, id, &next, 1, -EINVAL, 0);
		expect_run(t, id, &last, 1, -EINVAL, 0);
	}
	expect_iotlb(t, id, 0);
}

static void entry_clears_its_value_alone(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t i = 0; i < 4; i++) {
		const uint32_t id = nested(t);
		const entry_t e = { 0, i };

		expect_run(t, id, &e, 1, 0, 1);
		expect_iotlb(t, id, 1u << i);
	}
}

static void flag_clears_all_values_of_that_table(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t), other = nested(t);
	const entry_t e = { ALL, 2 };

	expect_run(t, id, &e, 1, 0, 1);
	expect_iotlb(t, id, 15);
	expect_iotlb(t, other, 0);
}

static void entries_are_done_in_order_up_to_the_first_bad_one(void **state)
{
	struct uapi_test *t = *state;
	const struct {
		entry_t bad;
		int error;
	} row[] = { { { 2, 1 }, -EOPNOTSUPP }, { { 0, 4 }, -EINVAL } };

	for (unsigned int i = 0; i < 2; i++) {
		const uint32_t id = nested(t);
		const entry_t entries[] = { { 0, 2 }, { 0, 0 }, row[i].bad,
					    { 0, 1 }, { 0, 99 } };

		expect_run(t, id, entries, 5, row[i].error, 2);
		expect_iotlb(t, id, 1u << 2 | 1u << 0);
	}
}

static void many_entries_are_all_done(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);
	entry_t entries[1000] = { { 0, 0 } };

	entries[999].iotlb_id = 3;
	expect_run(t, id, entries, 1000, 0, 1000);
	expect_iotlb(t, id, 1u << 3 | 1u << 0);
}

static void table_of_a_viommu_is_invalidated_in_the_same_way(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t v = viommu_new(t, m.idev, parent_new(t, m.idev));
	const uint32_t id = nested_new(t, m.idev, v, 0);
	const entry_t entries[] = { { 0, 1 }, { 0, 4 } };

	expect_run(t, id, entries, 2, -EINVAL, 1);
	expect_iotlb(t, id, 1u << 1);
}

/* ---- write-back ---------------------------------------------------------- */

static void write_back_fault_replaces_every_result(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = nested(t);
	const entry_t e = { 0, 2 };
	struct ioas_abi_hwpt_invalidate s = { .hwpt_id = NO_ID,
					      .__reserved = 1 };

	expect_errno(do_read_only(t, IOAS_ABI_HWPT_INVALIDATE, &s), -EFAULT);
	s.__reserved = 0;
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_INVALIDATE, &s), -EFAULT);
	s.hwpt_id = id;
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_INVALIDATE, &s), -EFAULT);
	s.data_type = SELFTEST;
	s.entry_len = sizeof(e);
	s.entry_num = 1;
	s.data_uptr = VA_RUN;
	sim_poke(t->h, VA_RUN, &e, sizeof(e));
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_INVALIDATE, &s), -EFAULT);
	assert_int_equal(s.entry_num, 1);
	/* What was done stays done. */
	expect_iotlb(t, id, 1u << 2);
}

static void errors_of_the_size_write_nothing(void **state)
{
	struct uapi_test *t = *state;
	struct {
		struct ioas_abi_hwpt_invalidate s;
		uint64_t tail;
	} longer = { { .size = sizeof(longer), .entry_num = 3 }, 1 };
	struct ioas_abi_hwpt_invalidate s = { .size = sizeof(s) - 1,
					      .entry_num = 3 };

	expect_errno(uc_call(&t->c, IOAS_ABI_HWPT_INVALIDATE, &s, sizeof(s)),
		     -EINVAL);
	assert_int_equal(s.entry_num, 3);
	expect_errno(uc_call(&t->c, IOAS_ABI_HWPT_INVALIDATE, &longer,
			     sizeof(longer)),
		     -E2BIG);
	assert_int_equal(longer.s.entry_num, 3);
	longer.tail = 0;
	expect_errno(uc_call(&t->c, IOAS_ABI_HWPT_INVALIDATE, &longer,
			     sizeof(longer)),
		     -EINVAL);
	assert_int_equal(longer.s.entry_num, 0);
}

static void all_members_but_the_number_come_back_as_they_were(void **state)
{
	struct uapi_test *t = *state;
	const struct ioas_abi_hwpt_invalidate was = {
		.size = sizeof(was),
		.hwpt_id = NO_ID,
		.data_uptr = 11,
		.data_type = 12,
		.entry_len = 13,
		.entry_num = 14,
		.__reserved = 15,
	};
	struct ioas_abi_hwpt_invalidate s = was;

	expect_errno(uc_invalidate(&t->c, &s, NULL), -EOPNOTSUPP);
	assert_int_equal(s.entry_num, 0);
	s.entry_num = was.entry_num;
	assert_memory_equal(&s, &was, sizeof(s));
}

/* ---- MD_CHECK_IOTLB (iommufd-test-abi 4.14) ------------------------------ */

static void values_are_looked_at_in_nested_tables_alone(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t id = nested(t);
	const uint32_t ids[] = { 0, NO_ID, m.hwpt, m.idev, m.stdev };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_check_iotlb(&t->c, ids[i], 4, 0), -ENOENT);
	expect_errno(uc_check_iotlb(&t->c, id, 4, VALUE), -EINVAL);
	expect_errno(uc_check_iotlb(&t->c, id, UINT32_MAX, VALUE), -EINVAL);
	expect_errno(uc_check_iotlb(&t->c, id, 3, VALUE - 1), -EINVAL);
	expect_ok(uc_check_iotlb(&t->c, id, 3, VALUE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(reserved_member_is_eopnotsupp),
		uapi_case(entries_without_address_or_length_are_einval),
		uapi_case(no_object_is_enoent),
		uapi_case(object_of_another_type_is_einval),
		uapi_case(another_type_of_data_is_einval),
		uapi_case(no_entry_asks_for_the_type),
		uapi_case(entry_of_another_length_is_einval),
		uapi_case(unreadable_entry_is_efault),
		uapi_case(entries_before_the_end_of_memory_are_done),
		uapi_case(unknown_flag_of_an_entry_is_eopnotsupp),
		uapi_case(entry_beyond_the_iotlb_is_einval_whatever_its_flags),
		uapi_case(entry_clears_its_value_alone),
		uapi_case(flag_clears_all_values_of_that_table),
		uapi_case(entries_are_done_in_order_up_to_the_first_bad_one),
		uapi_case(many_entries_are_all_done),
		uapi_case(table_of_a_viommu_is_invalidated_in_the_same_way),
		uapi_case(write_back_fault_replaces_every_result),
		uapi_case(errors_of_the_size_write_nothing),
		uapi_case(all_members_but_the_number_come_back_as_they_were),
		uapi_case(values_are_looked_at_in_nested_tables_alone),
	};

	return cmocka_run_group_tests_name("invalidation", tests, NULL, NULL);
}
