/* SPDX-License-Identifier: MIT */
/*
 * VIOMMUs, their devices, and nested page tables through them
 * (docs/reference/iommufd-uapi.md 4.3, 6.10, 6.17, 6.18; iommufd-test-abi.md
 * 3.4, 5.5, 5.6)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_nest.h"

#define REGION (2 * PAGE)

/* ---- 6.17 VIOMMU_ALLOC --------------------------------------------------- */

static int viommu(struct uapi_test *t, struct ioas_abi_viommu_alloc s)
{
	return uc_do(&t->c, IOAS_ABI_VIOMMU_ALLOC, &s);
}

static void viommu_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 0; bit < 32; bit++)
		expect_errno(viommu(*state, (struct ioas_abi_viommu_alloc){
						    .flags = 1u << bit,
						    .type = 1,
						    .dev_id = NO_ID,
						    .hwpt_id = NO_ID,
						    .data_len = 1 }),
			     -EOPNOTSUPP);
}

static void viommu_default_type_is_eopnotsupp(void **state)
{
	expect_errno(viommu(*state, (struct ioas_abi_viommu_alloc){
					    .dev_id = NO_ID,
					    .hwpt_id = NO_ID,
					    .data_len = 1 }),
		     -EOPNOTSUPP);
}

static void viommu_for_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.stdev, n.parent };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(viommu(t, (struct ioas_abi_viommu_alloc){
					       .type = 1,
					       .dev_id = ids[i],
					       .hwpt_id = NO_ID,
					       .data_len = 1 }),
			     -ENOENT);
}

static void viommu_type_of_other_hardware_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	static const uint32_t types[] = { 1, 2, 3, VIOMMU_TYPE - 1,
					  UINT32_MAX };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(viommu(t, (struct ioas_abi_viommu_alloc){
					       .type = types[i],
					       .dev_id = n.dev.idev,
					       .hwpt_id = NO_ID,
					       .data_len = 1 }),
			     -EOPNOTSUPP);
}

static void viommu_on_no_paging_hwpt_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.parent, 0);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.idev, nested };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(viommu(t, (struct ioas_abi_viommu_alloc){
					       .type = VIOMMU_TYPE,
					       .dev_id = n.dev.idev,
					       .hwpt_id = ids[i],
					       .data_len = 1 }),
			     -ENOENT);
}

static void viommu_on_no_nest_parent_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	uint32_t plain = 0;

	expect_ok(uc_hwpt(&t->c, n.dev.idev, n.ioas, 0, &plain));
	/* Its data would be EFAULT. */
	expect_errno(viommu(t, (struct ioas_abi_viommu_alloc){
				       .type = VIOMMU_TYPE,
				       .dev_id = n.dev.idev,
				       .hwpt_id = plain,
				       .data_len = 8,
				       .data_uptr = VA_HOLE }),
		     -EINVAL);
	/* Nor is an automatic one. */
	expect_errno(uc_viommu(&t->c, n.dev.idev, n.dev.hwpt, NULL), -EINVAL);
	expect_ok(uc_destroy(&t->c, plain));
}

static int viommu_data(struct uapi_test *t, const struct nest *n,
		       uint32_t length, uint64_t address)
{
	return viommu(t, (struct ioas_abi_viommu_alloc){
				 .type = VIOMMU_TYPE,
				 .dev_id = n->dev.idev,
				 .hwpt_id = n->parent,
				 .data_len = length,
				 .data_uptr = address });
}

static void viommu_data_of_wrong_length_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	static const uint32_t lengths[] = { 1, 4, 7, 25, 4096, UINT32_MAX };

	/* Nor can they be read. */
	for (unsigned int i = 0; i < 6; i++)
		expect_errno(viommu_data(t, &n, lengths[i], VA_HOLE), -EINVAL);
	expect_errno(viommu_data(t, &n, 25, sim_room(t->h, 64)), -EINVAL);
}

static void viommu_data_that_cannot_be_read_are_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);

	t->h->refuse_shm = true;
	expect_errno(viommu_data(t, &n, 8, VA_HOLE), -EFAULT);
	expect_errno(viommu_data(t, &n, 24, RUN_END - 16), -EFAULT);
	expect_errno(viommu_data(t, &n, 24, 0), -EFAULT);
	assert_int_equal(t->h->nr_shm, 0);
}

static void viommu_without_memory_to_share_is_enomem(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);

	t->h->refuse_shm = true;
	/* It could not be told to the program either. */
	expect_errno(viommu_data(t, &n, 24, VA_READ_ONLY), -ENOMEM);
	t->h->refuse_shm = false;
	expect_ok(uc_destroy(&t->c, n.parent));
}

static void viommu_data_that_cannot_be_written_are_efault_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d = { .in_data = 1 };
	struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
					   .dev_id = n.dev.idev,
					   .hwpt_id = n.parent,
					   .data_len = sizeof(d) };

	expect_errno(viommu_data(t, &n, 24, VA_READ_ONLY), -EFAULT);
	assert_int_equal(t->h->nr_shm, 0);
	/* The first offset is free again, and so is the id. */
	expect_ok(uc_viommu_alloc(&t->c, &s, &d));
	assert_int_equal(d.out_mmap_offset, PAGE);
	assert_int_equal(s.out_viommu_id, n.parent + 1);
}

static void viommu_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d = { .in_data = 1 };
	struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
					   .dev_id = n.dev.idev,
					   .hwpt_id = n.parent,
					   .data_len = sizeof(d) };

	s.data_uptr = sim_put(t->h, &d, sizeof(d));
	expect_errno(do_read_only(t, IOAS_ABI_VIOMMU_ALLOC, &s), -EFAULT);
	assert_int_equal(t->h->nr_shm, 0);
	expect_errno(uc_destroy(&t->c, n.parent + 1), -ENOENT);
	expect_ok(uc_viommu_alloc(&t->c, &s, &d));
	assert_int_equal(s.out_viommu_id, n.parent + 1);
	assert_int_equal(d.out_mmap_offset, PAGE);
}

static void viommu_failure_leaves_its_result_alone(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
					   .dev_id = NO_ID,
					   .out_viommu_id = 77 };

	expect_errno(uc_do(&t->c, IOAS_ABI_VIOMMU_ALLOC, &s), -ENOENT);
	assert_int_equal(s.out_viommu_id, 77);
}

static void viommu_without_data_has_nothing_to_share(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);

	/* The address is not looked at. */
	expect_ok(viommu_data(t, &n, 0, VA_HOLE));
	assert_int_equal(t->h->nr_shm, 0);
}

static void viommu_reserved_member_is_ignored(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);

	expect_ok(viommu(t, (struct ioas_abi_viommu_alloc){
				    .type = VIOMMU_TYPE,
				    .dev_id = n.dev.idev,
				    .hwpt_id = n.parent,
				    .__reserved = UINT32_MAX }));
}

static void viommu_of_the_first_version_has_no_data(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_alloc s = { .size = 24,
					   .type = VIOMMU_TYPE,
					   .dev_id = n.dev.idev,
					   .hwpt_id = n.parent,
					   .data_len = 1 };

	expect_ok(uc_call(&t->c, IOAS_ABI_VIOMMU_ALLOC, &s, sizeof(s)));
	expect_ok(uc_destroy(&t->c, s.out_viommu_id));
}

/* As much of the payload as the program has room for (5.5). */
static void viommu_data_are_written_up_to_their_length(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);

	for (uint32_t length = 8; length <= 24; length++) {
		const struct ioas_abi_viommu_data_selftest want = {
			0x1234567, 0x1234567, PAGE, REGION
		};
		struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
						   .dev_id = n.dev.idev,
						   .hwpt_id = n.parent,
						   .data_len = length };
		uint8_t d[32];

		memset(d, 0xcc, sizeof(d));
		memcpy(d, &want.in_data, sizeof(want.in_data));
		expect_ok(uc_viommu_alloc(&t->c, &s, d));
		assert_memory_equal(d, &want, length);
		for (uint32_t i = length; i < sizeof(d); i++)
			assert_int_equal(d[i], 0xcc);
		expect_ok(uc_destroy(&t->c, s.out_viommu_id));
		assert_int_equal(t->h->nr_shm, 0);
	}
}

static void viommu_ids_are_good_for_several_on_one_parent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t second = viommu_beside(t, &n);

	assert_int_not_equal(n.viommu, second);
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_errno(uc_destroy(&t->c, n.viommu), -ENOENT);
	expect_errno(uc_destroy(&t->c, n.parent), -EBUSY);
	expect_ok(uc_destroy(&t->c, second));
	expect_ok(uc_destroy(&t->c, n.parent));
}

/* ---- 6.18 VDEVICE_ALLOC -------------------------------------------------- */

static void vdevice_in_no_viommu_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.parent, n.dev.idev };

	vdevice_new(t, n.viommu, n.dev.idev, 1);
	for (unsigned int i = 0; i < 5; i++) {
		expect_errno(uc_vdevice(&t->c, ids[i], NO_ID, 1, NULL),
			     -ENOENT);
		expect_errno(uc_vdevice(&t->c, ids[i], n.dev.idev, 1, NULL),
			     -ENOENT);
	}
}

static void vdevice_of_no_device_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.dev.stdev, n.viommu };

	/* The virt_id is taken. */
	vdevice_new(t, n.viommu, n.dev.idev, 1);
	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_vdevice(&t->c, n.viommu, ids[i], 1, NULL),
			     -ENOENT);
}

static void vdevice_of_a_device_that_has_one_is_eexist(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t other = viommu_beside(t, &n);
	const uint32_t id = vdevice_new(t, n.viommu, n.dev.idev, 1);

	expect_errno(uc_vdevice(&t->c, n.viommu, n.dev.idev, 1, NULL),
		     -EEXIST);
	expect_errno(uc_vdevice(&t->c, n.viommu, n.dev.idev, 2, NULL),
		     -EEXIST);
	/* On any VIOMMU. */
	expect_errno(uc_vdevice(&t->c, other, n.dev.idev, 2, NULL), -EEXIST);
	expect_ok(uc_destroy(&t->c, id));
	vdevice_new(t, other, n.dev.idev, 1);
}

static void vdevice_with_a_virt_id_in_use_is_eexist(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const struct uc_mock second = mock_new(t, n.ioas);
	const uint32_t other = viommu_beside(t, &n);
	const uint32_t id = vdevice_new(t, n.viommu, n.dev.idev, 5);
	uint32_t second_id = 0;

	expect_errno(uc_vdevice(&t->c, n.viommu, second.idev, 5, NULL),
		     -EEXIST);
	/* Nothing is left of that: in another VIOMMU it is free. */
	second_id = vdevice_new(t, other, second.idev, 5);
	expect_ok(uc_destroy(&t->c, second_id));
	/* And here, once it is given back. */
	expect_ok(uc_destroy(&t->c, id));
	vdevice_new(t, n.viommu, second.idev, 5);
}

static void vdevice_virt_id_is_any_number_of_64_bits(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	static const uint64_t ids[] = { 0, 1, UINT32_MAX,
					(uint64_t)UINT32_MAX + 1, U64 };

	for (unsigned int i = 0; i < 5; i++)
		vdevice_new(t, n.viommu, mock_new(t, n.ioas).idev, ids[i]);
}

static void vdevice_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_vdevice_alloc s = { .viommu_id = n.viommu,
					    .dev_id = n.dev.idev,
					    .virt_id = 5 };

	expect_errno(do_read_only(t, IOAS_ABI_VDEVICE_ALLOC, &s), -EFAULT);
	expect_errno(uc_destroy(&t->c, n.viommu + 1), -ENOENT);
	expect_ok(uc_do(&t->c, IOAS_ABI_VDEVICE_ALLOC, &s));
	assert_int_equal(s.out_vdevice_id, n.viommu + 1);
}

static void vdevice_failure_leaves_its_result_alone(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_vdevice_alloc s = { .out_vdevice_id = 77 };

	expect_errno(uc_do(&t->c, IOAS_ABI_VDEVICE_ALLOC, &s), -ENOENT);
	assert_int_equal(s.out_vdevice_id, 77);
}

static void vdevice_is_kept_busy_by_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t id = vdevice_new(t, n.viommu, n.dev.idev, 1);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);

	expect_ok(attach(t, n.dev.stdev, nested));
	expect_ok(uc_destroy(&t->c, id));
	/* The attachment stays; a new one would be refused. */
	expect_ok(attach(t, n.dev.stdev, nested));
	expect_ok(attach(t, n.dev.stdev, n.ioas));
	expect_errno(attach(t, n.dev.stdev, nested), -ENOENT);
}

/* ---- 4.3: tombstones ----------------------------------------------------- */

static void unbind_buries_the_vdevice(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const struct uc_mock second = mock_new(t, n.ioas);
	const uint32_t dead = vdevice_new(t, n.viommu, second.idev, 5);
	uint32_t last = 0;

	expect_errno(uc_destroy(&t->c, n.viommu), -EBUSY);
	expect_ok(uc_destroy(&t->c, second.stdev));
	expect_errno(uc_destroy(&t->c, dead), -ENOENT);
	/* Its ids come back, that one never. */
	for (unsigned int i = 0; i < 8; i++) {
		last = ioas_new(t);
		assert_int_not_equal(last, dead);
	}
	assert_true(last > dead);
	/* Its virt_id is free, and the VIOMMU is not in use. */
	expect_ok(uc_destroy(&t->c, vdevice_new(t, n.viommu, n.dev.idev, 5)));
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_errno(uc_destroy(&t->c, dead), -ENOENT);
}

static void unbind_of_an_attached_device_buries_it_too(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);
	const uint32_t dead = vdevice_new(t, n.viommu, n.dev.idev, 5);
	struct uc_mock next;

	expect_ok(attach(t, n.dev.stdev, nested));
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_errno(uc_destroy(&t->c, dead), -ENOENT);
	/* The next device gets the ids, and has no part in this. */
	next = mock_new(t, n.ioas);
	assert_int_equal(next.idev, n.dev.idev);
	expect_errno(attach(t, next.stdev, nested), -ENOENT);
	vdevice_new(t, n.viommu, next.idev, 5);
	expect_ok(attach(t, next.stdev, nested));
}

static void id_of_a_buried_vdevice_is_nothing_to_anybody(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const struct uc_mock second = mock_new(t, n.ioas);
	const uint32_t dead = vdevice_new(t, n.viommu, second.idev, 5);

	expect_ok(uc_destroy(&t->c, second.stdev));
	expect_errno(uc_map_fixed(&t->c, dead, VA_RUN, PAGE, UC_R, IOVA),
		     -ENOENT);
	expect_errno(uc_hwpt(&t->c, dead, n.ioas, 0, NULL), -ENOENT);
	expect_errno(uc_hwpt(&t->c, n.dev.idev, dead, 0, NULL), -EINVAL);
	expect_errno(attach(t, n.dev.stdev, dead), -ENOENT);
	expect_errno(uc_vdevice(&t->c, dead, n.dev.idev, 1, NULL), -ENOENT);
}

static void vdevice_destroyed_first_leaves_no_tombstone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t id = vdevice_new(t, n.viommu, n.dev.idev, 5);

	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_ok(uc_destroy(&t->c, n.parent));
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_ok(uc_destroy(&t->c, n.ioas));
	for (uint32_t i = 1; i <= id; i++)
		assert_int_equal(ioas_new(t), i);
}

static void tombstone_keeps_the_accounting_mode(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	simhost_task(t->h)->caller.resource = true;
	expect_ok(uc_destroy(&t->c,
			     vdevice_new(t, n.viommu, n.dev.idev, 5)));
	vdevice_new(t, n.viommu, n.dev.idev, 5);
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_ok(uc_destroy(&t->c, n.parent));
	expect_ok(uc_destroy(&t->c, n.ioas));
	/* There is no object any more. */
	expect_errno(uc_rlimit_mode(&t->c, 1), -EBUSY);
}

static void no_tombstone_no_object_and_the_mode_may_change(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	simhost_task(t->h)->caller.resource = true;
	expect_ok(uc_destroy(&t->c,
			     vdevice_new(t, n.viommu, n.dev.idev, 5)));
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_errno(uc_rlimit_mode(&t->c, 1), -EBUSY);
	expect_ok(uc_destroy(&t->c, n.parent));
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_ok(uc_destroy(&t->c, n.ioas));
	expect_ok(uc_rlimit_mode(&t->c, 1));
}

/* ---- 6.10 step 7: nested HWPTs through a VIOMMU -------------------------- */

static int hwpt(struct uapi_test *t, const struct nest *n, uint32_t flags,
		uint32_t type, uint32_t length, uint64_t address)
{
	struct ioas_abi_hwpt_alloc s = { .flags = flags,
					 .dev_id = n->dev.idev,
					 .pt_id = n->viommu,
					 .data_type = type,
					 .data_len = length,
					 .data_uptr = address,
					 .fault_id = NO_ID };

	return uc_hwpt_alloc(&t->c, &s, NULL);
}

static void nested_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	for (unsigned int bit = 0; bit < 32; bit++) {
		if ((1u << bit) & (FAULT | PASID))
			continue;
		expect_errno(hwpt(t, &n, 1u << bit | FAULT,
				  IOAS_ABI_HWPT_DATA_SELFTEST, 3, VA_HOLE),
			     -EOPNOTSUPP);
	}
}

static void nested_without_data_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	expect_errno(hwpt(t, &n, FAULT, 0, 0, VA_HOLE), -EOPNOTSUPP);
}

static void nested_data_of_another_type_are_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	for (uint32_t type = 1; type <= 4; type++)
		expect_errno(hwpt(t, &n, FAULT, type, 3, VA_HOLE),
			     -EOPNOTSUPP);
}

static void nested_data_of_wrong_length_are_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	expect_errno(hwpt(t, &n, FAULT, IOAS_ABI_HWPT_DATA_SELFTEST, 3,
			  VA_HOLE),
		     -EINVAL);
	expect_errno(hwpt(t, &n, FAULT, IOAS_ABI_HWPT_DATA_SELFTEST, 9,
			  VA_HOLE),
		     -EINVAL);
}

static void nested_data_that_cannot_be_read_are_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	expect_errno(hwpt(t, &n, FAULT, IOAS_ABI_HWPT_DATA_SELFTEST, 8,
			  VA_HOLE),
		     -EFAULT);
}

static void nested_with_no_fault_queue_is_enoent_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	expect_errno(hwpt(t, &n, FAULT, IOAS_ABI_HWPT_DATA_SELFTEST, 4,
			  sim_room(t->h, 4)),
		     -ENOENT);
	/* The VIOMMU has no user left. */
	expect_ok(uc_destroy(&t->c, n.viommu));
}

static void nested_iotlb_comes_from_the_data(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t id = nested_new(t, n.dev.idev, n.viommu, 0);

	for (uint32_t i = 0; i <= 3; i++)
		expect_ok(uc_check_iotlb(&t->c, id, i,
					 IOAS_ABI_TEST_IOTLB_DEFAULT));
}

/* ---- test-abi 3.4 -------------------------------------------------------- */

static void attach_without_a_vdevice_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);

	expect_errno(attach(t, n.dev.stdev, nested), -ENOENT);
	/* The old attachment is unchanged. */
	expect_errno(uc_destroy(&t->c, n.dev.hwpt), -EBUSY);
	/* A new device cannot have one yet; nothing of it remains. */
	expect_errno(uc_mock_domain(&t->c, nested, NULL), -ENOENT);
	expect_ok(uc_destroy(&t->c, nested));
	assert_int_equal(ioas_new(t), nested);
}

static void attach_with_a_vdevice_elsewhere_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);

	vdevice_new(t, viommu_beside(t, &n), n.dev.idev, 1);
	expect_errno(attach(t, n.dev.stdev, nested), -ENOENT);
}

static void attach_with_a_vdevice_works(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);
	const uint32_t second = nested_new(t, n.dev.idev, n.viommu, 0);

	/* Any virt_id will do. */
	vdevice_new(t, n.viommu, n.dev.idev, 0);
	expect_ok(attach(t, n.dev.stdev, nested));
	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	expect_ok(attach(t, n.dev.stdev, second));
	expect_ok(uc_destroy(&t->c, nested));
	/* One on the parent itself asks for none. */
	expect_ok(attach(t, n.dev.stdev,
			 nested_new(t, n.dev.idev, n.parent, 0)));
}

static void attach_of_each_device_asks_for_its_own(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const struct uc_mock second = mock_new(t, n.ioas);
	const uint32_t nested = nested_new(t, n.dev.idev, n.viommu, 0);

	vdevice_new(t, n.viommu, n.dev.idev, 1);
	expect_ok(attach(t, n.dev.stdev, nested));
	expect_errno(attach(t, second.stdev, nested), -ENOENT);
	vdevice_new(t, n.viommu, second.idev, 2);
	expect_ok(attach(t, second.stdev, nested));
}

static void attach_of_a_pasid_asks_for_no_vdevice(void **state)
{
	struct uapi_test *t = *state;
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb = 1 };
	struct nest n = nest_new(t);
	struct uc_mock dev;
	uint32_t nested = 0, pt = 0;

	expect_ok(uc_hwpt(&t->c, n.dev.idev, n.ioas, PASID, &pt));
	expect_ok(uc_mock_domain_flags(
		&t->c, pt, IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, &dev));
	expect_ok(uc_hwpt_mock(&t->c, dev.idev, n.viommu, PASID, &data,
			       &nested));
	pt = nested;
	expect_ok(uc_pasid_attach(&t->c, dev.stdev, 7, &pt));
	assert_int_equal(pt, nested);
	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	expect_ok(uc_pasid_detach(&t->c, dev.stdev, 7));
	expect_ok(uc_destroy(&t->c, nested));
}

/* ---- 4.3: what keeps what busy ------------------------------------------- */

static void viommu_keeps_its_parent_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	expect_errno(uc_destroy(&t->c, n.parent), -EBUSY);
	/* And nothing else: its device may go. */
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_errno(uc_destroy(&t->c, n.ioas), -EBUSY);
	expect_ok(uc_destroy(&t->c, n.viommu));
	expect_ok(uc_destroy(&t->c, n.parent));
	expect_ok(uc_destroy(&t->c, n.ioas));
}

static void viommu_is_busy_with_each_of_its_objects(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_hw_queue_alloc q = {
		.viommu_id = n.viommu,
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = IOVA,
		.length = PAGE,
	};
	uint32_t ids[4] = { 0 };
	int fd = -1;

	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGE, UC_R, IOVA));
	ids[0] = nested_new(t, n.dev.idev, n.viommu, 0);
	ids[1] = vdevice_new(t, n.viommu, n.dev.idev, 1);
	expect_ok(uc_hw_queue(&t->c, &q));
	ids[2] = q.out_hw_queue_id;
	expect_ok(uc_veventq(&t->c, n.viommu, 1, 1, &ids[3], &fd));
	expect_ok(uc_close(&t->c, fd));
	for (unsigned int i = 0; i < 4; i++) {
		expect_errno(uc_destroy(&t->c, n.viommu), -EBUSY);
		expect_ok(uc_destroy(&t->c, ids[i]));
	}
	expect_ok(uc_destroy(&t->c, n.viommu));
}

static void nested_hwpt_keeps_its_parent_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	const uint32_t nested = nested_new(t, n.dev.idev, n.parent, 0);

	expect_errno(uc_destroy(&t->c, n.parent), -EBUSY);
	expect_ok(attach(t, n.dev.stdev, nested));
	expect_errno(uc_destroy(&t->c, nested), -EBUSY);
	expect_ok(uc_destroy(&t->c, n.dev.stdev));
	expect_ok(uc_destroy(&t->c, nested));
	expect_ok(uc_destroy(&t->c, n.parent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(viommu_flag_is_eopnotsupp),
		uapi_case(viommu_default_type_is_eopnotsupp),
		uapi_case(viommu_for_no_device_is_enoent),
		uapi_case(viommu_type_of_other_hardware_is_eopnotsupp),
		uapi_case(viommu_on_no_paging_hwpt_is_enoent),
		uapi_case(viommu_on_no_nest_parent_is_einval),
		uapi_case(viommu_data_of_wrong_length_is_einval),
		uapi_case(viommu_data_that_cannot_be_read_are_efault),
		uapi_case(viommu_without_memory_to_share_is_enomem),
		uapi_case(viommu_data_that_cannot_be_written_are_efault_undone),
		uapi_case(viommu_copy_out_fault_is_efault_and_undone),
		uapi_case(viommu_failure_leaves_its_result_alone),
		uapi_case(viommu_without_data_has_nothing_to_share),
		uapi_case(viommu_reserved_member_is_ignored),
		uapi_case(viommu_of_the_first_version_has_no_data),
		uapi_case(viommu_data_are_written_up_to_their_length),
		uapi_case(viommu_ids_are_good_for_several_on_one_parent),
		uapi_case(vdevice_in_no_viommu_is_enoent),
		uapi_case(vdevice_of_no_device_is_enoent),
		uapi_case(vdevice_of_a_device_that_has_one_is_eexist),
		uapi_case(vdevice_with_a_virt_id_in_use_is_eexist),
		uapi_case(vdevice_virt_id_is_any_number_of_64_bits),
		uapi_case(vdevice_copy_out_fault_is_efault_and_undone),
		uapi_case(vdevice_failure_leaves_its_result_alone),
		uapi_case(vdevice_is_kept_busy_by_nothing),
		uapi_case(unbind_buries_the_vdevice),
		uapi_case(unbind_of_an_attached_device_buries_it_too),
		uapi_case(id_of_a_buried_vdevice_is_nothing_to_anybody),
		uapi_case(vdevice_destroyed_first_leaves_no_tombstone),
		uapi_case(tombstone_keeps_the_accounting_mode),
		uapi_case(no_tombstone_no_object_and_the_mode_may_change),
		uapi_case(nested_unknown_flag_is_eopnotsupp),
		uapi_case(nested_without_data_is_eopnotsupp),
		uapi_case(nested_data_of_another_type_are_eopnotsupp),
		uapi_case(nested_data_of_wrong_length_are_einval),
		uapi_case(nested_data_that_cannot_be_read_are_efault),
		uapi_case(nested_with_no_fault_queue_is_enoent_and_undone),
		uapi_case(nested_iotlb_comes_from_the_data),
		uapi_case(attach_without_a_vdevice_is_enoent),
		uapi_case(attach_with_a_vdevice_elsewhere_is_enoent),
		uapi_case(attach_with_a_vdevice_works),
		uapi_case(attach_of_each_device_asks_for_its_own),
		uapi_case(attach_of_a_pasid_asks_for_no_vdevice),
		uapi_case(viommu_keeps_its_parent_busy),
		uapi_case(viommu_is_busy_with_each_of_its_objects),
		uapi_case(nested_hwpt_keeps_its_parent_busy),
	};

	return cmocka_run_group_tests_name("VIOMMU", tests, NULL, NULL);
}
