/* SPDX-License-Identifier: MIT */
/*
 * page tables, and what a device tells of itself
 * (docs/reference/iommufd-uapi.md 6.10, 6.11; iommufd-test-abi.md 5.1, 5.2)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 *
 * Not here, for there is one kind of IOMMU in a simulated host: 6.10 5a, 7a,
 * and a driver without nesting. t_uapi_hwpt.c has them.
 */
#include "uapi_device.h"

#define SELFTEST IOAS_ABI_HWPT_DATA_SELFTEST

/* ---- 6.10 HWPT_ALLOC ----------------------------------------------------- */

static int alloc(struct uapi_test *t, struct ioas_abi_hwpt_alloc s)
{
	return uc_hwpt_alloc(&t->c, &s, NULL);
}

/* With the mock's payload, of which @length bytes are said to be there. */
static int alloc_with(struct uapi_test *t, uint32_t dev, uint32_t pt,
		      struct ioas_abi_hwpt_data_selftest data, uint32_t length,
		      uint32_t *id)
{
	struct ioas_abi_hwpt_alloc s = { .dev_id = dev,
					 .pt_id = pt,
					 .data_type = SELFTEST,
					 .data_len = length };
	int ret = uc_hwpt_alloc(&t->c, &s, &data);

	if (!ret)
		*id = s.out_hwpt_id;
	return ret;
}

static void hwpt_reserved_member_is_eopnotsupp(void **state)
{
	/* Data without a type, no device, nothing. */
	expect_errno(alloc(*state, (struct ioas_abi_hwpt_alloc){
					   .flags = UINT32_MAX,
					   .dev_id = NO_ID,
					   .pt_id = NO_ID,
					   .__reserved = 1,
					   .data_len = 4,
					   .data_uptr = VA_HOLE,
					   .fault_id = NO_ID }),
		     -EOPNOTSUPP);
}

static void hwpt_second_reserved_member_is_not_looked_at(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_ok(alloc(t, (struct ioas_abi_hwpt_alloc){
				   .dev_id = m.idev,
				   .pt_id = ioas_new(t),
				   .__reserved2 = UINT32_MAX }));
}

static void hwpt_data_without_type_or_type_without_data_is_einval(void **state)
{
	struct ioas_abi_hwpt_alloc s = { .flags = UINT32_MAX,
					 .dev_id = NO_ID,
					 .pt_id = NO_ID,
					 .data_len = 8,
					 .data_uptr = VA_HOLE,
					 .fault_id = NO_ID };

	expect_errno(alloc(*state, s), -EINVAL);
	s.data_len = 0;
	s.data_type = SELFTEST;
	expect_errno(alloc(*state, s), -EINVAL);
	s.data_type = UINT32_MAX;
	expect_errno(alloc(*state, s), -EINVAL);
}

static void hwpt_of_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { 0, NO_ID, m.stdev, m.hwpt, ioas_new(t) };

	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
					      .flags = UINT32_MAX,
					      .dev_id = ids[i],
					      .pt_id = NO_ID,
					      .fault_id = NO_ID }),
			     -ENOENT);
}

static void hwpt_on_nothing_or_on_another_type_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t nested = nested_new(t, m.idev, parent_new(t, m.idev), 0);
	const uint32_t ids[] = { 0, NO_ID, m.stdev, m.idev, nested,
				 faultq_new(t, NULL) };

	/* Without data a nested one is EOPNOTSUPP, and so are the flags. */
	for (unsigned int i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
					      .flags = UINT32_MAX,
					      .dev_id = m.idev,
					      .pt_id = ids[i],
					      .fault_id = NO_ID }),
			     -EINVAL);
}

static void hwpt_paging_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_misaligned(t);

	for (unsigned int bit = 4; bit < 32; bit++)
		expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
					      .flags = 1u << bit | FAULT,
					      .dev_id = m.idev,
					      .pt_id = ioas,
					      .data_type = SELFTEST,
					      .data_len = 3,
					      .data_uptr = VA_HOLE,
					      .fault_id = NO_ID }),
			     -EOPNOTSUPP);
}

static void hwpt_tracking_of_a_device_that_cannot_is_eopnotsupp(
	void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, DEV_NO_DIRTY);

	expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
				      .flags = DIRTY | FAULT,
				      .dev_id = m.idev,
				      .pt_id = ioas_misaligned(t),
				      .data_type = SELFTEST,
				      .data_len = 3,
				      .data_uptr = VA_HOLE,
				      .fault_id = NO_ID }),
		     -EOPNOTSUPP);
}

static void hwpt_nest_parent_with_a_fault_queue_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
				      .flags = NEST | FAULT,
				      .dev_id = m.idev,
				      .pt_id = ioas_misaligned(t),
				      .data_type = SELFTEST,
				      .data_len = 3,
				      .data_uptr = VA_HOLE,
				      .fault_id = faultq_new(t, NULL) }),
		     -EOPNOTSUPP);
}

/* 5e, 6c, 7c: the payload, the same for every pt_id. */
static void expect_payload_checks(struct uapi_test *t, uint32_t dev,
				  uint32_t pt)
{
	struct ioas_abi_hwpt_alloc s = { .flags = FAULT,
					 .dev_id = dev,
					 .pt_id = pt,
					 .data_uptr = VA_HOLE,
					 .fault_id = NO_ID };

	s.data_len = 3;
	for (s.data_type = 1; s.data_type < 5; s.data_type++)
		expect_errno(alloc(t, s), -EOPNOTSUPP);
	s.data_type = SELFTEST;
	for (s.data_len = 1; s.data_len < 20; s.data_len++) {
		const bool fits = s.data_len >= 4 && s.data_len <= 8;

		expect_errno(alloc(t, s), fits ? -EFAULT : -EINVAL);
	}
	s.data_len = UINT32_MAX;
	expect_errno(alloc(t, s), -EINVAL);
	/* The last byte is missing. */
	s.data_len = 8;
	s.data_uptr = sim_hole(t->h) - 7;
	expect_errno(alloc(t, s), -EFAULT);
	s.data_uptr = U64 - 3;
	expect_errno(alloc(t, s), -EFAULT);
}

static void hwpt_paging_payload_of_another_kind_is_refused(
	void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_payload_checks(t, m.idev, ioas_misaligned(t));
}

static void hwpt_paging_of_no_table_there_is_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_misaligned(t);

	for (uint32_t type = 2; type; type <<= 1)
		expect_errno(alloc_with(
				     t, m.idev, ioas,
				     (struct ioas_abi_hwpt_data_selftest){
					     .pagetable_type = type },
				     8, NULL),
			     -EOPNOTSUPP);
}

static void hwpt_missing_payload_is_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const struct ioas_abi_hwpt_data_selftest data = {
		UINT32_MAX, IOAS_ABI_MOCK_IOMMUPT_HUGE
	};
	uint32_t id = 0;

	/* The type of the table is not there, then its first bytes are. */
	for (uint32_t length = 4; length <= 8; length++) {
		const uint32_t ioas = ioas_new(t);

		expect_ok(alloc_with(t, m.idev, ioas, data, length, &id));
		if (length == 4)
			expect_range(t, ioas, IOAS_ABI_MOCK_APERTURE_START,
				     IOAS_ABI_MOCK_APERTURE_LAST);
		else
			expect_range(t, ioas, 0, HUGE_LAST);
	}
}

/* A space that a default table cannot be added to: nothing is left of it. */
static void expect_refused(struct uapi_test *t, uint32_t ioas, int error)
{
	const struct uc_mock m = device_new(t, 0);
	const uint32_t before = id_free(t);

	/* The queue that is not there comes later. */
	expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
				      .flags = FAULT,
				      .dev_id = m.idev,
				      .pt_id = ioas,
				      .fault_id = NO_ID }),
		     error);
	assert_int_equal(id_free(t), before);
	assert_int_equal(pins(t), 0);
	expect_untouched(t, ioas);
	expect_ok(uc_destroy(&t->c, ioas));
}

static void hwpt_over_misaligned_areas_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, ioas_misaligned(t), -EADDRINUSE);
}

static void hwpt_over_areas_outside_the_aperture_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t high = ioas_new(t);

	expect_refused(t, ioas_low(t), -EADDRINUSE);
	/* From the last byte of the aperture on. */
	expect_ok(uc_map_fixed(&t->c, high, VA_RUN, 2 * PAGE, UC_R,
			       IOAS_ABI_MOCK_APERTURE_LAST + 1 - PAGE));
	expect_refused(t, high, -EADDRINUSE);
}

static void hwpt_with_allowed_ranges_outside_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, ioas_allowed_low(t), -EADDRINUSE);
}

static void hwpt_over_missing_memory_is_efault(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, ioas_of_hole(t), -EFAULT);
}

static void hwpt_over_what_is_no_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, ioas_of_no_memory(t), -EINVAL);
}

static void hwpt_beyond_the_lock_limit_is_enomem(void **state)
{
	struct uapi_test *t = *state;

	expect_refused(t, ioas_too_large(t), -ENOMEM);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
}

static void hwpt_nested_other_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	/* The parent is automatic. */
	for (unsigned int bit = 0; bit < 32; bit++)
		if (!(1u << bit & (FAULT | PASID)))
			expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
						      .flags = 1u << bit,
						      .dev_id = m.idev,
						      .pt_id = m.hwpt,
						      .data_type = SELFTEST,
						      .data_len = 3,
						      .data_uptr = VA_HOLE }),
				     -EOPNOTSUPP);
}

static void hwpt_nested_without_data_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_errno(uc_hwpt(&t->c, m.idev, m.hwpt, 0, NULL), -EOPNOTSUPP);
	expect_errno(uc_hwpt(&t->c, m.idev, parent_new(t, m.idev), 0, NULL),
		     -EOPNOTSUPP);
}

static void hwpt_nested_on_no_nest_parent_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_hwpt_alloc s = { .flags = FAULT,
					 .dev_id = m.idev,
					 .pt_id = m.hwpt,
					 .data_type = 1,
					 .data_len = 8,
					 .data_uptr = VA_HOLE,
					 .fault_id = NO_ID };

	/* An automatic one, and one that was not made for it. */
	expect_errno(alloc(t, s), -EINVAL);
	s.pt_id = hwpt_new(t, m.idev, ioas_new(t), DIRTY | PASID);
	expect_errno(alloc(t, s), -EINVAL);
}

static void hwpt_nested_payload_of_another_kind_is_refused(
	void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_payload_checks(t, m.idev, parent_new(t, m.idev));
}

static void hwpt_on_a_viommu_other_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t v = viommu_new(t, m.idev, parent_new(t, m.idev));

	for (unsigned int bit = 0; bit < 32; bit++)
		if (!(1u << bit & (FAULT | PASID)))
			expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
						      .flags = 1u << bit,
						      .dev_id = m.idev,
						      .pt_id = v,
						      .data_type = SELFTEST,
						      .data_len = 3,
						      .data_uptr = VA_HOLE }),
				     -EOPNOTSUPP);
}

static void hwpt_on_a_viommu_without_data_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t v = viommu_new(t, m.idev, parent_new(t, m.idev));

	expect_errno(uc_hwpt(&t->c, m.idev, v, 0, NULL), -EOPNOTSUPP);
}

static void hwpt_on_a_viommu_payload_of_another_kind_is_refused(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_payload_checks(t, m.idev,
			      viommu_new(t, m.idev, parent_new(t, m.idev)));
}

static void hwpt_of_no_fault_queue_is_enoent_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t pts[] = { ioas, parent, viommu_new(t, m.idev, parent) };
	const uint32_t queues[] = { 0, NO_ID, m.hwpt, ioas };
	const struct ioas_abi_hwpt_data_selftest data = { 0, 0 };
	const uint32_t before = id_free(t);

	for (unsigned int i = 0; i < 12; i++) {
		struct ioas_abi_hwpt_alloc s = { .flags = FAULT,
						 .dev_id = m.idev,
						 .pt_id = pts[i / 4],
						 .data_type = SELFTEST,
						 .data_len = sizeof(data),
						 .fault_id = queues[i % 4] };

		expect_errno(uc_hwpt_alloc(&t->c, &s, &data), -ENOENT);
	}
	assert_int_equal(id_free(t), before);
	expect_untouched(t, ioas);
	expect_ok(uc_destroy(&t->c, pts[2]));
	expect_ok(uc_destroy(&t->c, parent));
}

static void hwpt_fault_queue_without_the_flag_is_not_looked_at(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_ok(alloc(t, (struct ioas_abi_hwpt_alloc){
				   .dev_id = m.idev,
				   .pt_id = ioas_new(t),
				   .fault_id = NO_ID }));
}

static void hwpt_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t), parent = parent_new(t, m.idev);
	const uint32_t before = id_free(t);
	const uint64_t data = sim_hole(t->h) - 8;
	struct ioas_abi_hwpt_alloc s = { .dev_id = m.idev, .pt_id = ioas };

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_ALLOC, &s), -EFAULT);
	assert_int_equal(s.out_hwpt_id, 0);
	expect_untouched(t, ioas);
	assert_int_equal(pins(t), 0);
	s.pt_id = parent;
	s.data_type = SELFTEST;
	s.data_len = 8;
	s.data_uptr = data;
	expect_errno(do_read_only(t, IOAS_ABI_HWPT_ALLOC, &s), -EFAULT);
	assert_int_equal(id_free(t), before);
	expect_ok(uc_destroy(&t->c, ioas));
	expect_ok(uc_destroy(&t->c, parent));
}

static void hwpt_failure_writes_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_hwpt_alloc s = { .dev_id = m.idev,
					 .pt_id = ioas_misaligned(t),
					 .out_hwpt_id = 4711 };

	expect_errno(uc_hwpt_alloc(&t->c, &s, NULL), -EADDRINUSE);
	assert_int_equal(s.out_hwpt_id, 4711);
}

static void hwpt_of_the_first_version_has_no_data(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_hwpt_alloc s = {
		.size = IOAS_ABI_HWPT_ALLOC_MIN_SIZE,
		.dev_id = m.idev,
		.pt_id = ioas_new(t),
	};

	expect_ok(uc_call(&t->c, IOAS_ABI_HWPT_ALLOC, &s, s.size));
	expect_ok(uc_destroy(&t->c, s.out_hwpt_id));
	/* Its queue has no id. */
	s.flags = FAULT;
	expect_errno(uc_call(&t->c, IOAS_ABI_HWPT_ALLOC, &s, s.size), -ENOENT);
}

static void hwpt_paging_takes_every_set_of_flags_but_one(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t), queue = faultq_new(t, NULL);

	for (uint32_t flags = 0; flags < 16; flags++) {
		const bool both = flags & NEST && flags & FAULT;

		expect_errno(alloc(t, (struct ioas_abi_hwpt_alloc){
					      .flags = flags,
					      .dev_id = m.idev,
					      .pt_id = ioas,
					      .fault_id = queue }),
			     both ? -EOPNOTSUPP : 0);
	}
}

static void hwpt_nested_takes_a_fault_queue_and_pasids(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t pts[] = { parent, viommu_new(t, m.idev, parent) };
	const uint32_t queue = faultq_new(t, NULL);

	for (unsigned int i = 0; i < 2; i++) {
		nested_new(t, m.idev, pts[i], 0);
		nested_new(t, m.idev, pts[i], PASID);
		faulting_new(t, m.idev, pts[i], 0, queue, true);
		faulting_new(t, m.idev, pts[i], PASID, queue, true);
	}
}

static void hwpt_has_the_areas_that_were_there_and_those_that_come(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	uint32_t ids[2];

	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, 3 * PAGE, UC_R, IOVA));
	assert_int_equal(pins(t), 0);
	ids[0] = hwpt_new(t, m.idev, ioas, 0);
	ids[1] = hwpt_huge_new(t, m.idev, ioas, 0);
	expect_ok(uc_map_fixed(&t->c, ioas, VA_SCATTERED, 2 * PAGE, UC_RW,
			       IOVA + 3 * PAGE));
	/* Each page once. */
	assert_int_equal(pins(t), 5);
	for (unsigned int i = 0; i < 2; i++) {
		expect_ok(uc_check_map(&t->c, ids[i], IOVA, 3 * PAGE, VA_RUN));
		expect_ok(uc_check_map(&t->c, ids[i], IOVA + 3 * PAGE, 2 * PAGE,
				       VA_SCATTERED));
	}
	expect_ok(uc_unmap(&t->c, ioas, IOVA, 3 * PAGE, NULL));
	for (unsigned int i = 0; i < 2; i++)
		expect_errno(uc_check_map(&t->c, ids[i], IOVA, PAGE, VA_RUN),
			     -EINVAL);
	assert_int_equal(pins(t), 2);
}

static void hwpt_skips_device_memory_that_was_taken_back(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW | UC_FIXED,
					    .ioas_id = ioas_new(t),
					    .length = 2 * PAGE,
					    .iova = IOVA };

	s.fd = uc_dmabuf_get(&t->c, 2 * PAGE, 0);
	assert_true(s.fd >= 0);
	expect_ok(uc_map_file(&t->c, &s));
	hwpt_new(t, m.idev, s.ioas_id, 0);
	expect_ok(uc_dmabuf_revoke(&t->c, s.fd, 1));
	hwpt_new(t, m.idev, s.ioas_id, 0);
	assert_int_equal(pins(t), 0);
	expect_ok(uc_unmap(&t->c, s.ioas_id, IOVA, 2 * PAGE, NULL));
}

static void hwpt_tables_have_their_apertures_and_alignments(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t huge = hwpt_huge_new(t, m.idev, ioas, 0);
	uint32_t id;

	expect_range(t, ioas, 0, HUGE_LAST);
	assert_int_equal(alignment_of(t, ioas), PAGE);
	/* Both: what both can. */
	id = hwpt_new(t, m.idev, ioas, 0);
	expect_range(t, ioas, IOAS_ABI_MOCK_APERTURE_START,
		     IOAS_ABI_MOCK_APERTURE_LAST);
	assert_int_equal(alignment_of(t, ioas), PAGE);
	expect_ok(uc_destroy(&t->c, huge));
	expect_range(t, ioas, IOAS_ABI_MOCK_APERTURE_START,
		     IOAS_ABI_MOCK_APERTURE_LAST);
	assert_int_equal(alignment_of(t, ioas), IOAS_ABI_MOCK_PAGE_SIZE);
	expect_ok(uc_destroy(&t->c, id));
	expect_untouched(t, ioas);
}

static void hwpt_of_large_pages_takes_areas_at_zero(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t low = ioas_low(t), half = ioas_new(t);
	const struct ioas_abi_hwpt_data_selftest huge = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE,
	};
	const uint32_t id = hwpt_huge_new(t, m.idev, low, 0);

	expect_ok(uc_map_fixed(&t->c, low, VA_RUN, PAGE, UC_R, 0));
	expect_ok(uc_map_fixed(&t->c, low, VA_RUN, PAGE, UC_R,
			       HUGE_LAST + 1 - PAGE));
	expect_ok(uc_check_map(&t->c, id, 0, PAGE, VA_RUN));
	expect_errno(uc_map_fixed(&t->c, low, VA_RUN, PAGE, UC_R,
				  HUGE_LAST + 1),
		     -EINVAL);
	/* But not of half a page. */
	expect_ok(uc_map_fixed(&t->c, half, VA_RUN, PAGE / 2, UC_R, IOVA));
	expect_errno(uc_hwpt_mock(&t->c, m.idev, half, 0, &huge, NULL),
		     -EADDRINUSE);
	hwpt_new(t, m.idev, half, 0);
}

static void hwpt_is_another_each_time_and_attached_to_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t a = hwpt_new(t, m.idev, ioas, 0);
	const uint32_t b = hwpt_new(t, m.idev, ioas, 0);

	assert_int_not_equal(a, b);
	expect_errno(uc_destroy(&t->c, ioas), -EBUSY);
	expect_ok(uc_destroy(&t->c, a));
	expect_errno(uc_destroy(&t->c, ioas), -EBUSY);
	expect_ok(uc_destroy(&t->c, b));
	expect_ok(uc_destroy(&t->c, ioas));
}

static void hwpt_outlives_the_device_that_it_was_made_for(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ioas = ioas_new(t);
	const uint32_t id = hwpt_new(t, m.idev, ioas, 0);

	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_ok(uc_map_fixed(&t->c, ioas, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_check_map(&t->c, id, IOVA, PAGE, VA_RUN));
}

static void hwpt_is_busy_while_something_nests_on_it(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t parent = parent_new(t, m.idev);
	const uint32_t nested = nested_new(t, m.idev, parent, 0);
	const uint32_t v = viommu_new(t, m.idev, parent);
	const uint32_t through = nested_new(t, m.idev, v, 0);

	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	expect_ok(uc_destroy(&t->c, nested));
	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	expect_errno(uc_destroy(&t->c, v), -EBUSY);
	expect_ok(uc_destroy(&t->c, through));
	expect_errno(uc_destroy(&t->c, parent), -EBUSY);
	expect_ok(uc_destroy(&t->c, v));
	expect_ok(uc_destroy(&t->c, parent));
}

/* ---- 6.11 GET_HW_INFO ---------------------------------------------------- */

static int info(struct uapi_test *t, struct ioas_abi_get_hw_info s)
{
	return uc_hw_info(&t->c, &s, NULL);
}

static void info_unknown_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 1; bit < 32; bit++)
		expect_errno(info(*state, (struct ioas_abi_get_hw_info){
						  .flags = 1u << bit,
						  .dev_id = NO_ID,
						  .data_len = 8,
						  .data_uptr = VA_HOLE }),
			     -EOPNOTSUPP);
}

static void info_reserved_byte_is_eopnotsupp(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct ioas_abi_get_hw_info s = { .dev_id = NO_ID,
						  .data_len = 8,
						  .data_uptr = VA_HOLE };

		s.__reserved[i] = 0x80;
		expect_errno(info(*state, s), -EOPNOTSUPP);
	}
}

static void info_of_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t ids[] = { 0, NO_ID, m.stdev, m.hwpt };

	for (unsigned int i = 0; i < 4; i++)
		expect_errno(info(t, (struct ioas_abi_get_hw_info){
					     .flags = 1,
					     .dev_id = ids[i],
					     .in_data_type = 1,
					     .data_len = 8,
					     .data_uptr = VA_HOLE }),
			     -ENOENT);
}

static void info_of_another_type_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const uint32_t types[] = { 1, 2, 3, 4, 0xfeedbeee, UINT32_MAX };

	for (unsigned int i = 0; i < 6; i++)
		expect_errno(info(t, (struct ioas_abi_get_hw_info){
					     .flags = 1,
					     .dev_id = m.idev,
					     .in_data_type = types[i],
					     .data_len = 8,
					     .data_uptr = VA_HOLE }),
			     -EOPNOTSUPP);
}

static void info_type_counts_only_with_its_flag(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	const struct {
		uint32_t flags, type;
	} asked[] = { { 0, 0 }, { 0, 1 }, { 0, UINT32_MAX }, { 1, 0 },
		      { 1, IOAS_ABI_HW_INFO_TYPE_SELFTEST } };

	for (unsigned int i = 0; i < 5; i++) {
		struct ioas_abi_get_hw_info s = { .flags = asked[i].flags,
						  .dev_id = m.idev,
						  .in_data_type =
							  asked[i].type };

		expect_ok(uc_hw_info(&t->c, &s, NULL));
		assert_int_equal(s.out_data_type,
				 IOAS_ABI_HW_INFO_TYPE_SELFTEST);
		assert_int_equal(s.data_len, 8);
	}
}

static void info_without_room_needs_no_address(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	expect_ok(info(t, (struct ioas_abi_get_hw_info){ .dev_id = m.idev }));
	expect_ok(info(t, (struct ioas_abi_get_hw_info){ .dev_id = m.idev,
							 .data_uptr = U64 }));
}

static void info_fits_the_buffer_and_zeroes_the_rest(void **state)
{
	static const uint8_t all[8] = { 0, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde };
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);

	for (uint32_t room = 0; room < 600; room++) {
		const uint64_t at = sim_room(t->h, 640);
		struct ioas_abi_get_hw_info s = { .dev_id = m.idev,
						  .data_len = room,
						  .data_uptr = at };
		uint8_t seen[640];

		memset(seen, 0x55, sizeof(seen));
		sim_poke(t->h, at, seen, sizeof(seen));
		expect_ok(uc_hw_info(&t->c, &s, NULL));
		assert_int_equal(s.data_len, sizeof(all));
		sim_peek(t->h, at, seen, sizeof(seen));
		for (uint32_t i = 0; i < room; i++)
			assert_int_equal(seen[i], i < 8 ? all[i] : 0);
		for (uint32_t i = room; i < sizeof(seen); i++)
			assert_int_equal(seen[i], 0x55);
	}
}

static void info_buffer_that_cannot_be_written_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_get_hw_info s = { .dev_id = m.idev,
					  .data_len = 8,
					  .data_uptr = VA_HOLE };

	expect_errno(info(t, s), -EFAULT);
	s.data_uptr = VA_READ_ONLY;
	expect_errno(info(t, s), -EFAULT);
	s.data_uptr = VA_RUN + VA_PAGES * PAGE - 7;
	expect_errno(info(t, s), -EFAULT);
	s.data_uptr--;
	expect_ok(info(t, s));
	/* Of the zeroes, too, however many there are to be. */
	s.data_len = 9;
	expect_errno(info(t, s), -EFAULT);
	s.data_uptr = VA_RUN;
	s.data_len = UINT32_MAX;
	expect_errno(info(t, s), -EFAULT);
	s.data_uptr = U64 - 3;
	s.data_len = 8;
	expect_errno(info(t, s), -EFAULT);
}

static void info_failure_leaves_the_struct(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, DEV_PASID);
	struct ioas_abi_get_hw_info s = { .dev_id = m.idev,
					  .data_len = 9,
					  .data_uptr = VA_HOLE,
					  .in_data_type = 77,
					  .out_capabilities = 4711 };

	expect_errno(uc_hw_info(&t->c, &s, NULL), -EFAULT);
	assert_int_equal(s.data_len, 9);
	assert_int_equal(s.out_data_type, 77);
	assert_int_equal(s.out_max_pasid_log2, 0);
	assert_int_equal(s.out_capabilities, 4711);
}

static void info_tells_what_the_device_can(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t no_ats = IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED;
	const uint64_t all = no_ats | IOAS_ABI_HW_CAP_DIRTY_TRACKING;
	const struct {
		uint32_t flags, width;
		uint64_t caps;
	} row[] = {
		{ 0, 0, all },
		{ DEV_NO_DIRTY, 0, no_ats },
		{ DEV_PASID, 20, all },
		{ DEV_NO_DIRTY | DEV_PASID, 20, no_ats },
	};

	for (unsigned int i = 0; i < 4; i++) {
		const struct uc_mock m = device_new(t, row[i].flags);
		struct ioas_abi_get_hw_info s = { .dev_id = m.idev };

		expect_ok(uc_hw_info(&t->c, &s, NULL));
		assert_int_equal(s.out_max_pasid_log2, row[i].width);
		assert_int_equal(s.out_capabilities, row[i].caps);
	}
}

static void info_of_the_first_version_has_no_capabilities(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, DEV_PASID);
	struct ioas_abi_get_hw_info s = {
		.size = IOAS_ABI_GET_HW_INFO_MIN_SIZE,
		.dev_id = m.idev,
		.out_capabilities = 4711,
	};

	/* A struct that ends where the memory does; and one that goes on. */
	expect_ok(uc_call(&t->c, IOAS_ABI_GET_HW_INFO, &s, s.size));
	assert_int_equal(s.out_max_pasid_log2, 20);
	s.data_len = 0;
	expect_ok(uc_call(&t->c, IOAS_ABI_GET_HW_INFO, &s, sizeof(s)));
	assert_int_equal(s.out_capabilities, 4711);
}

static void info_copy_out_fault_is_efault_and_the_data_are_there(void **state)
{
	struct uapi_test *t = *state;
	const struct uc_mock m = device_new(t, 0);
	struct ioas_abi_get_hw_info s = { .dev_id = m.idev,
					  .data_len = 8,
					  .data_uptr = VA_RUN };
	struct ioas_abi_hw_info_selftest data;

	expect_errno(do_read_only(t, IOAS_ABI_GET_HW_INFO, &s), -EFAULT);
	sim_peek(t->h, VA_RUN, &data, sizeof(data));
	assert_int_equal(data.test_reg, IOAS_ABI_HW_INFO_SELFTEST_REGVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(hwpt_reserved_member_is_eopnotsupp),
		uapi_case(hwpt_second_reserved_member_is_not_looked_at),
		uapi_case(
			hwpt_data_without_type_or_type_without_data_is_einval),
		uapi_case(hwpt_of_no_device_is_enoent),
		uapi_case(hwpt_on_nothing_or_on_another_type_is_einval),
		uapi_case(hwpt_paging_unknown_flag_is_eopnotsupp),
		uapi_case(hwpt_tracking_of_a_device_that_cannot_is_eopnotsupp),
		uapi_case(hwpt_nest_parent_with_a_fault_queue_is_eopnotsupp),
		uapi_case(hwpt_paging_payload_of_another_kind_is_refused),
		uapi_case(hwpt_paging_of_no_table_there_is_is_eopnotsupp),
		uapi_case(hwpt_missing_payload_is_zero),
		uapi_case(hwpt_over_misaligned_areas_is_eaddrinuse),
		uapi_case(hwpt_over_areas_outside_the_aperture_is_eaddrinuse),
		uapi_case(hwpt_with_allowed_ranges_outside_is_eaddrinuse),
		uapi_case(hwpt_over_missing_memory_is_efault),
		uapi_case(hwpt_over_what_is_no_memory_is_einval),
		uapi_case(hwpt_beyond_the_lock_limit_is_enomem),
		uapi_case(hwpt_nested_other_flag_is_eopnotsupp),
		uapi_case(hwpt_nested_without_data_is_eopnotsupp),
		uapi_case(hwpt_nested_on_no_nest_parent_is_einval),
		uapi_case(hwpt_nested_payload_of_another_kind_is_refused),
		uapi_case(hwpt_on_a_viommu_other_flag_is_eopnotsupp),
		uapi_case(hwpt_on_a_viommu_without_data_is_eopnotsupp),
		uapi_case(hwpt_on_a_viommu_payload_of_another_kind_is_refused),
		uapi_case(hwpt_of_no_fault_queue_is_enoent_and_undone),
		uapi_case(hwpt_fault_queue_without_the_flag_is_not_looked_at),
		uapi_case(hwpt_copy_out_fault_is_efault_and_undone),
		uapi_case(hwpt_failure_writes_nothing),
		uapi_case(hwpt_of_the_first_version_has_no_data),
		uapi_case(hwpt_paging_takes_every_set_of_flags_but_one),
		uapi_case(hwpt_nested_takes_a_fault_queue_and_pasids),
		uapi_case(
			hwpt_has_the_areas_that_were_there_and_those_that_come),
		uapi_case(hwpt_skips_device_memory_that_was_taken_back),
		uapi_case(hwpt_tables_have_their_apertures_and_alignments),
		uapi_case(hwpt_of_large_pages_takes_areas_at_zero),
		uapi_case(hwpt_is_another_each_time_and_attached_to_nothing),
		uapi_case(hwpt_outlives_the_device_that_it_was_made_for),
		uapi_case(hwpt_is_busy_while_something_nests_on_it),
		uapi_case(info_unknown_flag_is_eopnotsupp),
		uapi_case(info_reserved_byte_is_eopnotsupp),
		uapi_case(info_of_no_device_is_enoent),
		uapi_case(info_of_another_type_is_eopnotsupp),
		uapi_case(info_type_counts_only_with_its_flag),
		uapi_case(info_without_room_needs_no_address),
		uapi_case(info_fits_the_buffer_and_zeroes_the_rest),
		uapi_case(info_buffer_that_cannot_be_written_is_efault),
		uapi_case(info_failure_leaves_the_struct),
		uapi_case(info_tells_what_the_device_can),
		uapi_case(info_of_the_first_version_has_no_capabilities),
		uapi_case(info_copy_out_fault_is_efault_and_the_data_are_there),
	};

	return cmocka_run_group_tests_name("page tables", tests, NULL, NULL);
}
