/* SPDX-License-Identifier: MIT */
/*
 * mapping memory and files (docs/reference/iommufd-uapi.md 5.6 to 5.8, 6.6,
 * 6.16)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

/* ---- 6.6 MAP ------------------------------------------------------------- */

static int map(struct uapi_test *t, struct ioas_abi_ioas_map s)
{
	return uc_do(&t->c, IOAS_ABI_IOAS_MAP, &s);
}

static void map_unknown_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 3; bit < 32; bit++)
		expect_errno(map(*state, (struct ioas_abi_ioas_map){
						 .flags = 1u << bit,
						 .ioas_id = NO_ID,
						 .user_va = U64,
						 .length = U64,
						 .iova = U64 }),
			     -EOPNOTSUPP);
}

static void map_reserved_member_is_eopnotsupp(void **state)
{
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .ioas_id = NO_ID,
					 .__reserved = 1,
					 .user_va = U64,
					 .length = U64,
					 .iova = U64 }),
		     -EOPNOTSUPP);
}

static void map_largest_length_or_iova_is_eoverflow(void **state)
{
	/* No protection, no space, an end that wraps. */
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .ioas_id = NO_ID,
					 .user_va = 1,
					 .length = U64 }),
		     -EOVERFLOW);
	/* Also without FIXED_IOVA. */
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .ioas_id = NO_ID, .iova = U64 }),
		     -EOVERFLOW);
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .flags = UC_FIXED,
					 .ioas_id = NO_ID,
					 .iova = U64 }),
		     -EOVERFLOW);
}

static void map_without_protection_is_einval(void **state)
{
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .flags = UC_FIXED,
					 .ioas_id = NO_ID,
					 .user_va = U64,
					 .length = U64 - 1 }),
		     -EINVAL);
}

static void map_into_no_space_is_enoent(void **state)
{
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .flags = UC_R | UC_FIXED,
					 .ioas_id = NO_ID,
					 .user_va = U64,
					 .length = U64 - 1,
					 .iova = U64 - 1 }),
		     -ENOENT);
	expect_errno(map(*state, (struct ioas_abi_ioas_map){
					 .flags = UC_W, .ioas_id = 0 }),
		     -ENOENT);
}

static void map_end_of_memory_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;

	/* Too long and misaligned as well. */
	expect_errno(uc_map(&t->c, ioas_new_aligned(t), 0x101, U64 - 1, UC_R,
			    NULL),
		     -EOVERFLOW);
	expect_errno(uc_map(&t->c, ioas_new(t), U64, 1, UC_R, NULL),
		     -EOVERFLOW);
}

static void map_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_map(&t->c, ioas_new(t), VA_RUN, 0, UC_R, NULL),
		     -EINVAL);
}

static void map_length_beyond_the_last_page_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	/* An automatic IOVA for so much would be EOVERFLOW, later. */
	expect_errno(uc_map(&t->c, id, 0, U64 - 1, UC_R, NULL), -EINVAL);
	expect_errno(uc_map(&t->c, id, 0, U64 - PAGE + 1, UC_R, NULL),
		     -EINVAL);
	expect_errno(uc_map(&t->c, id, 0, U64 - PAGE, UC_R, NULL), -EOVERFLOW);
}

static void map_misaligned_length_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	/* Its IOVA would be EOVERFLOW. */
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 1, 2 * PAGE - 1, UC_R,
				  U64 - PAGE + 1),
		     -EINVAL);
	expect_errno(uc_map(&t->c, id, VA_RUN, PAGE / 2, UC_R, NULL), -EINVAL);
}

static void map_misaligned_iova_is_einval(void **state)
{
	struct uapi_test *t = *state;

	/* And it wraps. */
	expect_errno(uc_map_fixed(&t->c, ioas_new_aligned(t), VA_RUN + 1,
				  2 * PAGE, UC_R, U64 - PAGE),
		     -EINVAL);
}

static void map_iova_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	expect_ok(uc_add_reserved(&t->c, id, U64 - PAGE + 1, PAGE));
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 1, 2 * PAGE, UC_R,
				  U64 - PAGE + 1),
		     -EOVERFLOW);
}

static void map_reserved_iova_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_add_reserved(&t->c, id, IOVA + PAGE + 100, 1));
	/* An area is in the way, too. */
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 1, 2 * PAGE, UC_R, IOVA),
		     -EINVAL);
	/* The one byte keeps a page; the next is free. */
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA + PAGE),
		     -EINVAL);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R,
			       IOVA + 2 * PAGE));
}

static void map_iova_in_use_is_eexist(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 3 * PAGE, UC_R, IOVA));
	/* The memory is misaligned. */
	for (unsigned int i = 0; i < 3; i++)
		expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 1, PAGE, UC_R,
					  IOVA + i * PAGE),
			     -EEXIST);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 1, 5 * PAGE, UC_R,
				  IOVA - PAGE),
		     -EEXIST);
}

static void map_misaligned_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	/* With a domain, nothing there would be EFAULT. */
	mock_new(t, id);
	expect_errno(uc_map_fixed(&t->c, id, VA_HOLE + 0x800, PAGE, UC_R, IOVA),
		     -EINVAL);
	expect_errno(uc_map_fixed(&t->c, id, VA_HOLE, PAGE, UC_R, IOVA),
		     -EFAULT);
}

static void map_alignment_of_the_mock_is_half_a_page(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);

	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, 0x400, UC_R, IOVA),
		     -EINVAL);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, 0x800, UC_R, IOVA + 0x400),
		     -EINVAL);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN + 0x400, 0x800, UC_R, IOVA),
		     -EINVAL);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN + 0x800, 0x1800, UC_R,
			       IOVA + 0x800));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + 0x800, 0x1800,
			       VA_RUN + 0x800));
}

static void map_of_missing_memory_with_a_domain_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const uint64_t end = VA_RUN + VA_PAGES * PAGE;

	mock_new(t, id);
	expect_errno(uc_map_fixed(&t->c, id, VA_HOLE, PAGE, UC_R, IOVA),
		     -EFAULT);
	expect_errno(uc_map_fixed(&t->c, id, end - 2 * PAGE, 3 * PAGE, UC_R,
				  IOVA),
		     -EFAULT);
	assert_int_equal(pins(t), 0);
	/* The range is free again. */
	expect_ok(uc_map_fixed(&t->c, id, end - 2 * PAGE, 2 * PAGE, UC_R,
			       IOVA));
	assert_int_equal(pins(t), 2);
}

static void map_for_writing_of_read_only_memory_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	mock_new(t, id);
	expect_errno(uc_map_fixed(&t->c, id, VA_READ_ONLY, PAGE, UC_RW, IOVA),
		     -EFAULT);
	expect_errno(uc_map_fixed(&t->c, id, VA_READ_ONLY, PAGE, UC_W, IOVA),
		     -EFAULT);
	expect_ok(uc_map_fixed(&t->c, id, VA_READ_ONLY, PAGE, UC_R, IOVA));
}

static void map_without_a_domain_takes_any_memory(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_HOLE, PAGE, UC_RW, IOVA));
	/* It is judged when the domain comes; nothing remains of that. */
	expect_errno(uc_mock_domain(&t->c, id, NULL), -EFAULT);
	expect_ok(uc_unmap(&t->c, id, IOVA, PAGE, NULL));
	mock_new(t, id);
}

static void map_beyond_the_lock_limit_is_enomem(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	mock_new(t, id);
	atomic_store(&t->p->principal->limit, 3);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_R, IOVA),
		     -ENOMEM);
	/* What cannot be pinned is found first. */
	expect_errno(uc_map_fixed(&t->c, id, VA_HOLE - PAGE, 4 * PAGE, UC_R,
				  IOVA),
		     -EFAULT);
	assert_int_equal(pins(t), 0);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 3 * PAGE, UC_R, IOVA));
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R,
				  IOVA + 4 * PAGE),
		     -ENOMEM);
	simhost_task(t->h)->caller.lock_unlimited = true;
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R,
			       IOVA + 4 * PAGE));
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 3);
	assert_int_equal(atomic_load(&t->p->mm->pinned), 4);
}

static void map_copy_out_fault_is_efault_and_the_mapping_stays(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map s = { .flags = UC_R | UC_FIXED,
				       .ioas_id = ioas_new(t),
				       .user_va = VA_RUN,
				       .length = PAGE,
				       .iova = IOVA };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_MAP, &s), -EFAULT);
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_MAP, &s), -EEXIST);
	expect_ok(uc_unmap(&t->c, s.ioas_id, IOVA, PAGE, NULL));
}

static void map_maps_what_it_says_for_each_layout(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const uint64_t all = VA_PAGES * PAGE;

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, all, UC_RW, IOVA));
	expect_ok(uc_map_fixed(&t->c, id, VA_SCATTERED, all, UC_R, IOVA + all));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, all, VA_RUN));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + all, all, VA_SCATTERED));
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + 2 * all, PAGE,
				  VA_SCATTERED),
		     -EINVAL);
	assert_int_equal(pins(t), 2 * VA_PAGES);
}

static void map_is_of_the_process_that_calls(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 1);
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	struct uclient theirs = t->c;

	theirs.fd = sim_send(t->h, t->c.fd, other);
	assert_true(theirs.fd >= 0);
	simhost_enter(t->h, other);
	sim_map_memory(t->h, VA_HOLE, PAGE, IOAS_SIM_SCATTERED, 0);
	expect_errno(uc_map_fixed(&theirs, id, VA_RUN, PAGE, UC_R, IOVA),
		     -EFAULT);
	expect_ok(uc_map_fixed(&theirs, id, VA_HOLE, PAGE, UC_R, IOVA));
	expect_ok(uc_check_map(&theirs, m.hwpt, IOVA, PAGE, VA_HOLE));
	assert_int_equal(atomic_load(&t->h->users[1]->charged), 1);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
	/* It stays when that process goes. */
	simhost_enter(t->h, t->p);
	simhost_exit(other);
	assert_int_equal(pins(t), 1);
	expect_ok(uc_unmap(&t->c, id, IOVA, PAGE, NULL));
	assert_int_equal(pins(t), 0);
}

static void map_of_a_process_that_is_gone_is_efault_when_pinned(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 0);
	const uint32_t id = ioas_new(t);
	struct uclient theirs = t->c;

	theirs.fd = sim_send(t->h, t->c.fd, other);
	simhost_enter(t->h, other);
	sim_map_memory(t->h, VA_RUN, PAGE, IOAS_SIM_SCATTERED, 0);
	expect_ok(uc_map_fixed(&theirs, id, VA_RUN, PAGE, UC_R, IOVA));
	simhost_enter(t->h, t->p);
	simhost_exit(other);
	expect_errno(uc_mock_domain(&t->c, id, NULL), -EFAULT);
	expect_ok(uc_destroy(&t->c, id));
}

/* ---- 5.8: automatic IOVA ------------------------------------------------- */

static uint64_t map_auto(struct uapi_test *t, uint32_t id, uint64_t va,
			 uint64_t length)
{
	uint64_t iova = U64;

	expect_ok(uc_map(&t->c, id, va, length, UC_R, &iova));
	return iova;
}

static void auto_iova_is_the_lowest_from_one_page_on(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(map_auto(t, id, VA_RUN, PAGE), i * PAGE);
	expect_ok(uc_unmap(&t->c, id, 2 * PAGE, PAGE, NULL));
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), 2 * PAGE);
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), 5 * PAGE);
}

static void auto_iova_is_aligned_to_the_length(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	assert_int_equal(map_auto(t, id, VA_RUN, 3 * PAGE), 4 * PAGE);
	assert_int_equal(map_auto(t, id, VA_RUN, 8 * PAGE), 8 * PAGE);
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), PAGE);
	/* At most as aligned as the memory is. */
	assert_int_equal(map_auto(t, id, VA_RUN + 2 * PAGE, 8 * PAGE),
			 16 * PAGE);
	assert_int_equal(map_auto(t, id, VA_RUN + PAGE, 8 * PAGE), 24 * PAGE);
}

static void auto_iova_alignment_ends_at_a_huge_page(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	/* Without a domain the memory need not be there; address 0 is aligned
	 * to anything. */
	assert_int_equal(map_auto(t, id, 0, 1u << 30), 1u << 21);
}

static void auto_iova_keeps_the_offset_in_the_page(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	assert_int_equal(map_auto(t, id, VA_RUN + 0x10, PAGE), PAGE + 0x10);
	/* By OR: behind what ends at 0x200f. */
	assert_int_equal(map_auto(t, id, VA_RUN + 0x123, 1), 0x2133);
	assert_int_equal(map_auto(t, ioas_new(t), VA_RUN + 0x123, 1), 0x1123);
}

static void auto_iova_avoids_reserved_ranges(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_add_reserved(&t->c, id, PAGE + 1, 1));
	expect_ok(uc_add_reserved(&t->c, id, 3 * PAGE, 2 * PAGE));
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), 2 * PAGE);
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), 5 * PAGE);
}

static void auto_iova_of_the_mock_is_in_its_aperture(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	mock_new(t, id);
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE),
			 IOAS_ABI_MOCK_APERTURE_START);
}

static void auto_iova_stays_in_the_allowed_ranges(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	/* Adjacent ones are as good as one. */
	const struct ioas_abi_iova_range r[] = { { 0x52000, 0x53fff },
						 { 0x10000, 0x10fff },
						 { 0x50000, 0x51fff } };

	expect_ok(uc_allow(&t->c, id, r, 3));
	assert_int_equal(map_auto(t, id, VA_RUN, 4 * PAGE), 0x50000);
	assert_int_equal(map_auto(t, id, VA_RUN, PAGE), 0x10000);
	expect_errno(uc_map(&t->c, id, VA_RUN, PAGE, UC_R, NULL), -ENOSPC);
}

static void auto_iova_of_half_the_space_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const uint64_t half = U64 / 2;

	/* Also without room, and misaligned. */
	expect_errno(uc_map(&t->c, ioas_new(t), 0, half, UC_R, NULL),
		     -EOVERFLOW);
	expect_errno(uc_map(&t->c, ioas_new_aligned(t), 0x10,
			    half / PAGE * PAGE + PAGE, UC_R, NULL),
		     -EOVERFLOW);
}

static void auto_iova_with_misaligned_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);

	/* Nor is there room. */
	expect_ok(uc_add_reserved(&t->c, id, 0, U64));
	expect_errno(uc_map(&t->c, id, VA_RUN + 0x10, PAGE, UC_R, NULL),
		     -EINVAL);
}

static void auto_iova_without_room_is_enospc(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_add_reserved(&t->c, id, 0, U64));
	expect_errno(uc_map(&t->c, id, VA_RUN, PAGE, UC_R, NULL), -ENOSPC);
	/* A byte is left, but it is the last one. */
	expect_errno(uc_map(&t->c, id, VA_RUN + 0xfff, 1, UC_R, NULL),
		     -ENOSPC);
}

/* ---- 6.16 MAP_FILE ------------------------------------------------------- */

static int map_file(struct uapi_test *t, struct ioas_abi_ioas_map_file s)
{
	return uc_map_file(&t->c, &s);
}

static void map_file_unknown_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 3; bit < 32; bit++)
		expect_errno(map_file(*state, (struct ioas_abi_ioas_map_file){
						      .flags = 1u << bit,
						      .ioas_id = NO_ID,
						      .fd = -1,
						      .start = U64,
						      .length = U64,
						      .iova = U64 }),
			     -EOPNOTSUPP);
}

static void map_file_largest_length_or_iova_is_eoverflow(void **state)
{
	expect_errno(map_file(*state, (struct ioas_abi_ioas_map_file){
					      .ioas_id = NO_ID,
					      .fd = -1,
					      .start = U64,
					      .length = U64 }),
		     -EOVERFLOW);
	expect_errno(map_file(*state, (struct ioas_abi_ioas_map_file){
					      .ioas_id = NO_ID,
					      .fd = -1,
					      .iova = U64 }),
		     -EOVERFLOW);
}

static void map_file_without_protection_is_einval(void **state)
{
	expect_errno(map_file(*state, (struct ioas_abi_ioas_map_file){
					      .flags = UC_FIXED,
					      .ioas_id = NO_ID,
					      .fd = -1 }),
		     -EINVAL);
}

static void map_file_into_no_space_is_enoent(void **state)
{
	expect_errno(map_file(*state, (struct ioas_abi_ioas_map_file){
					      .flags = UC_R,
					      .ioas_id = NO_ID,
					      .fd = -1 }),
		     -ENOENT);
}

static void map_file_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(map_file(t, (struct ioas_abi_ioas_map_file){
					 .flags = UC_R,
					 .ioas_id = ioas_new(t),
					 .fd = -1,
					 .start = U64 }),
		     -EINVAL);
}

static void map_file_end_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(map_file(t, (struct ioas_abi_ioas_map_file){
					 .flags = UC_R,
					 .ioas_id = ioas_new_aligned(t),
					 .fd = -1,
					 .start = U64,
					 .length = 2 }),
		     -EOVERFLOW);
}

static void map_file_of_nothing_open_is_ebadf(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = { .flags = UC_R | UC_FIXED,
					    .ioas_id = ioas_new_aligned(t),
					    .start = 1,
					    .length = PAGE - 1,
					    .iova = 1 };
	static const int32_t fds[] = { -1, 0, 17, INT32_MAX, INT32_MIN };

	for (unsigned int i = 0; i < 5; i++) {
		s.fd = fds[i];
		expect_errno(uc_map_file(&t->c, &s), -EBADF);
	}
}

static void map_file_beyond_a_dmabuf_is_einval(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = ioas_new(t),
		.fd = uc_dmabuf_get(&t->c, 2 * PAGE, 0),
		.length = 3 * PAGE,
		.iova = IOVA,
	};

	assert_true(s.fd >= 0);
	/* The IOVA is in use. */
	expect_ok(uc_map_fixed(&t->c, s.ioas_id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	s.start = PAGE;
	s.length = 2 * PAGE;
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	s.length = PAGE;
	expect_errno(uc_map_file(&t->c, &s), -EEXIST);
	s.iova += PAGE;
	expect_ok(uc_map_file(&t->c, &s));
}

static void map_file_then_is_judged_as_map(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_R | UC_FIXED,
		.ioas_id = ioas_new_aligned(t),
		.fd = sim_open_file(t->h, 8, IOAS_SIM_SCATTERED),
		.start = 1,
		.length = 2 * PAGE - 1,
		.iova = U64 - PAGE,
	};

	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	s.length = 2 * PAGE;
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	s.iova = U64 - PAGE + 1;
	expect_errno(uc_map_file(&t->c, &s), -EOVERFLOW);
	expect_ok(uc_map_fixed(&t->c, s.ioas_id, VA_RUN, PAGE, UC_R, IOVA));
	s.iova = IOVA;
	expect_errno(uc_map_file(&t->c, &s), -EEXIST);
	s.iova = IOVA + PAGE;
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	s.start = 0;
	expect_ok(uc_map_file(&t->c, &s));
	s.length = U64 - 1;
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
}

static void map_file_automatic_iova_follows_the_offset(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_R,
		.ioas_id = ioas_new(t),
		.fd = sim_open_file(t->h, 64, IOAS_SIM_SCATTERED),
		.start = 2 * PAGE + 0x20,
		.length = 4 * PAGE,
	};

	expect_ok(uc_map_file(&t->c, &s));
	assert_int_equal(s.iova, PAGE + 0x20);
	s.start = 0;
	expect_ok(uc_map_file(&t->c, &s));
	assert_int_equal(s.iova, 8 * PAGE);
}

static void map_file_of_what_is_no_memory_is_einval_when_pinned(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t), with_domain = ioas_new(t);
	/* Something else, and the iommufd itself. */
	const int fds[] = { sim_open_other(t->h), t->c.fd };

	mock_new(t, with_domain);
	for (unsigned int i = 0; i < 2; i++) {
		struct ioas_abi_ioas_map_file s = { .flags = UC_R | UC_FIXED,
						    .ioas_id = id,
						    .fd = fds[i],
						    .length = PAGE,
						    .iova = IOVA };

		expect_ok(uc_map_file(&t->c, &s));
		expect_errno(uc_mock_domain(&t->c, id, NULL), -EINVAL);
		expect_ok(uc_unmap(&t->c, id, IOVA, PAGE, NULL));
		s.ioas_id = with_domain;
		expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	}
}

static void map_file_beyond_the_end_is_einval_when_pinned(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t), with_domain = ioas_new(t);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = id,
		.fd = sim_open_file(t->h, 4, IOAS_SIM_SCATTERED),
		.start = PAGE,
		.length = 4 * PAGE,
		.iova = IOVA,
	};

	mock_new(t, with_domain);
	expect_ok(uc_map_file(&t->c, &s));
	expect_errno(uc_mock_domain(&t->c, id, NULL), -EINVAL);
	s.ioas_id = with_domain;
	expect_errno(uc_map_file(&t->c, &s), -EINVAL);
	assert_int_equal(pins(t), 0);
	s.length = 3 * PAGE;
	expect_ok(uc_map_file(&t->c, &s));
	assert_int_equal(pins(t), 3);
}

static void map_file_maps_the_file_and_outlives_its_descriptor(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = id,
		.fd = sim_open_file(t->h, 8, IOAS_SIM_SCATTERED),
		.start = 2 * PAGE,
		.length = 4 * PAGE,
		.iova = IOVA,
	};

	/* The process maps the same pages, to compare. */
	assert_int_equal(ioas_sim_alias(t->p->memory, VA_HOLE / PAGE, 8,
					sim_file_memory(t->h, s.fd), 0),
			 0);
	expect_ok(uc_map_file(&t->c, &s));
	expect_ok(sim_close(t->h, s.fd));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 4 * PAGE,
			       VA_HOLE + 2 * PAGE));
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGE, VA_HOLE), -EINVAL);
	assert_int_equal(pins(t), 4);
	expect_ok(uc_unmap(&t->c, id, IOVA, 4 * PAGE, NULL));
	assert_int_equal(pins(t), 0);
}

static void map_file_copy_out_fault_is_efault_and_it_stays(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_R | UC_FIXED,
		.ioas_id = ioas_new(t),
		.fd = sim_open_file(t->h, 1, IOAS_SIM_SCATTERED),
		.length = PAGE,
		.iova = IOVA,
	};

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_MAP_FILE, &s), -EFAULT);
	expect_errno(uc_map_file(&t->c, &s), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(map_unknown_flag_is_eopnotsupp),
		uapi_case(map_reserved_member_is_eopnotsupp),
		uapi_case(map_largest_length_or_iova_is_eoverflow),
		uapi_case(map_without_protection_is_einval),
		uapi_case(map_into_no_space_is_enoent),
		uapi_case(map_end_of_memory_that_wraps_is_eoverflow),
		uapi_case(map_length_zero_is_einval),
		uapi_case(map_length_beyond_the_last_page_is_einval),
		uapi_case(map_misaligned_length_is_einval),
		uapi_case(map_misaligned_iova_is_einval),
		uapi_case(map_iova_that_wraps_is_eoverflow),
		uapi_case(map_reserved_iova_is_einval),
		uapi_case(map_iova_in_use_is_eexist),
		uapi_case(map_misaligned_memory_is_einval),
		uapi_case(map_alignment_of_the_mock_is_half_a_page),
		uapi_case(map_of_missing_memory_with_a_domain_is_efault),
		uapi_case(map_for_writing_of_read_only_memory_is_efault),
		uapi_case(map_without_a_domain_takes_any_memory),
		uapi_case(map_beyond_the_lock_limit_is_enomem),
		uapi_case(map_copy_out_fault_is_efault_and_the_mapping_stays),
		uapi_case(map_maps_what_it_says_for_each_layout),
		uapi_case(map_is_of_the_process_that_calls),
		uapi_case(map_of_a_process_that_is_gone_is_efault_when_pinned),
		uapi_case(auto_iova_is_the_lowest_from_one_page_on),
		uapi_case(auto_iova_is_aligned_to_the_length),
		uapi_case(auto_iova_alignment_ends_at_a_huge_page),
		uapi_case(auto_iova_keeps_the_offset_in_the_page),
		uapi_case(auto_iova_avoids_reserved_ranges),
		uapi_case(auto_iova_of_the_mock_is_in_its_aperture),
		uapi_case(auto_iova_stays_in_the_allowed_ranges),
		uapi_case(auto_iova_of_half_the_space_is_eoverflow),
		uapi_case(auto_iova_with_misaligned_memory_is_einval),
		uapi_case(auto_iova_without_room_is_enospc),
		uapi_case(map_file_unknown_flag_is_eopnotsupp),
		uapi_case(map_file_largest_length_or_iova_is_eoverflow),
		uapi_case(map_file_without_protection_is_einval),
		uapi_case(map_file_into_no_space_is_enoent),
		uapi_case(map_file_length_zero_is_einval),
		uapi_case(map_file_end_that_wraps_is_eoverflow),
		uapi_case(map_file_of_nothing_open_is_ebadf),
		uapi_case(map_file_beyond_a_dmabuf_is_einval),
		uapi_case(map_file_then_is_judged_as_map),
		uapi_case(map_file_automatic_iova_follows_the_offset),
		uapi_case(map_file_of_what_is_no_memory_is_einval_when_pinned),
		uapi_case(map_file_beyond_the_end_is_einval_when_pinned),
		uapi_case(map_file_maps_the_file_and_outlives_its_descriptor),
		uapi_case(map_file_copy_out_fault_is_efault_and_it_stays),
	};

	return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
