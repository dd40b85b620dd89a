/* SPDX-License-Identifier: MIT */
/*
 * copies, unmapping, and a change of process (docs/reference/iommufd-uapi.md
 * 6.4, 6.7, 6.19)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

/* ---- 6.4 COPY ------------------------------------------------------------ */

static int copy(struct uapi_test *t, struct ioas_abi_ioas_copy s)
{
	return uc_copy(&t->c, &s);
}

static void copy_unknown_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 3; bit < 32; bit++) {
		/* The test interface has a use for this one. */
		if (1u << bit == IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ)
			continue;
		expect_errno(copy(*state, (struct ioas_abi_ioas_copy){
						  .flags = 1u << bit,
						  .dst_ioas_id = NO_ID,
						  .src_ioas_id = NO_ID,
						  .length = U64,
						  .dst_iova = U64,
						  .src_iova = U64 }),
			     -EOPNOTSUPP);
	}
}

static void copy_largest_length_or_iova_is_eoverflow(void **state)
{
	expect_errno(copy(*state, (struct ioas_abi_ioas_copy){
					  .dst_ioas_id = NO_ID,
					  .src_ioas_id = NO_ID,
					  .length = U64 }),
		     -EOVERFLOW);
	expect_errno(copy(*state, (struct ioas_abi_ioas_copy){
					  .dst_ioas_id = NO_ID,
					  .src_ioas_id = NO_ID,
					  .src_iova = U64 }),
		     -EOVERFLOW);
	/* Also without FIXED_IOVA. */
	expect_errno(copy(*state, (struct ioas_abi_ioas_copy){
					  .dst_ioas_id = NO_ID,
					  .src_ioas_id = NO_ID,
					  .dst_iova = U64 }),
		     -EOVERFLOW);
}

static void copy_without_protection_is_einval(void **state)
{
	expect_errno(copy(*state, (struct ioas_abi_ioas_copy){
					  .flags = UC_FIXED,
					  .dst_ioas_id = NO_ID,
					  .src_ioas_id = NO_ID,
					  .length = U64 - 1,
					  .src_iova = U64 - 1 }),
		     -EINVAL);
}

static void copy_from_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_R,
				     .dst_ioas_id = ioas_new(t),
				     .src_ioas_id = NO_ID }),
		     -ENOENT);
	/* Before the length is looked at. */
	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_R,
				     .dst_ioas_id = NO_ID,
				     .src_ioas_id = NO_ID,
				     .length = U64 - 1,
				     .src_iova = U64 - 1 }),
		     -ENOENT);
}

static void copy_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;

	/* Nothing is mapped, and there is no destination. */
	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_R,
				     .dst_ioas_id = NO_ID,
				     .src_ioas_id = ioas_new(t) }),
		     -EINVAL);
}

static void copy_source_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_R,
				     .dst_ioas_id = NO_ID,
				     .src_ioas_id = ioas_new(t),
				     .length = U64 - 1,
				     .src_iova = U64 - 1 }),
		     -EOVERFLOW);
}

static void copy_of_a_gap_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new_aligned(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_RW | UC_FIXED,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = 2 * PAGE,
					.dst_iova = IOVA + 1 };

	/* [IOVA] [IOVA + PAGE] (gap) [IOVA + 3 PAGE], none of it writable;
	 * the IOVA is misaligned. */
	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, IOVA + PAGE));
	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R,
			       IOVA + 3 * PAGE));
	s.src_iova = IOVA + PAGE;
	expect_errno(uc_copy(&t->c, &s), -ENOENT);
	s.src_iova = IOVA + 2 * PAGE;
	expect_errno(uc_copy(&t->c, &s), -ENOENT);
	s.src_iova = IOVA - PAGE;
	expect_errno(uc_copy(&t->c, &s), -ENOENT);
	s.src_iova = IOVA + 3 * PAGE;
	expect_errno(uc_copy(&t->c, &s), -ENOENT);
}

static void copy_to_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_W | UC_FIXED,
				     .dst_ioas_id = NO_ID,
				     .src_ioas_id = src,
				     .length = PAGE,
				     .dst_iova = U64 - 1,
				     .src_iova = IOVA }),
		     -ENOENT);
}

/*
 * From a read-only, misaligned source into a space aligned to pages: each step
 * with all that follow it wrong.
 */
static void copy_then_is_judged_as_map(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new_aligned(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_RW | UC_FIXED,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = 2 * PAGE - 1,
					.dst_iova = U64 - PAGE,
					.src_iova = IOVA };

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN + 0x10, 8 * PAGE, UC_R,
			       IOVA));
	/* Length, IOVA, end of the IOVA. */
	expect_errno(uc_copy(&t->c, &s), -EINVAL);
	s.length = 2 * PAGE;
	expect_errno(uc_copy(&t->c, &s), -EINVAL);
	s.dst_iova = U64 - PAGE + 1;
	expect_errno(uc_copy(&t->c, &s), -EOVERFLOW);
	/* A reserved range and an area, an area alone. */
	expect_ok(uc_map_fixed(&t->c, dst, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_add_reserved(&t->c, dst, IOVA + PAGE, PAGE));
	s.dst_iova = IOVA;
	expect_errno(uc_copy(&t->c, &s), -EINVAL);
	s.dst_iova = IOVA - PAGE;
	expect_errno(uc_copy(&t->c, &s), -EEXIST);
	/* Writing what is read-only, then where the source lies. */
	s.dst_iova = IOVA + 4 * PAGE;
	expect_errno(uc_copy(&t->c, &s), -EPERM);
	s.flags = UC_R | UC_FIXED;
	expect_errno(uc_copy(&t->c, &s), -EINVAL);
	s.src_iova = IOVA + PAGE - 0x10;
	expect_ok(uc_copy(&t->c, &s));
	assert_int_equal(s.dst_iova, IOVA + 4 * PAGE);
}

static void copy_automatic_without_room_is_enospc_before_eperm(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_add_reserved(&t->c, dst, 0, U64));
	expect_errno(copy(t, (struct ioas_abi_ioas_copy){
				     .flags = UC_W,
				     .dst_ioas_id = dst,
				     .src_ioas_id = src,
				     .length = PAGE,
				     .src_iova = IOVA }),
		     -ENOSPC);
}

static void copy_for_reading_of_what_is_only_written_is_allowed(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_W, IOVA));
	expect_ok(copy(t, (struct ioas_abi_ioas_copy){
				  .flags = UC_R,
				  .dst_ioas_id = src,
				  .src_ioas_id = src,
				  .length = PAGE,
				  .src_iova = IOVA }));
}

static void copy_chooses_an_iova_by_the_first_byte_copied(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_R,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = PAGE,
					.dst_iova = 77,
					.src_iova = IOVA + 0x30 };

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, 4 * PAGE, UC_R, IOVA));
	expect_ok(uc_copy(&t->c, &s));
	assert_int_equal(s.dst_iova, PAGE + 0x30);
}

static void copy_makes_an_area_per_piece(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);
	struct uc_mock m = mock_new(t, dst);
	uint64_t unmapped = 0;

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, 4 * PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->c, src, VA_SCATTERED, 4 * PAGE, UC_R,
			       IOVA + 4 * PAGE));
	expect_ok(copy(t, (struct ioas_abi_ioas_copy){
				  .flags = UC_R | UC_FIXED,
				  .dst_ioas_id = dst,
				  .src_ioas_id = src,
				  .length = 4 * PAGE,
				  .dst_iova = IOVA,
				  .src_iova = IOVA + 2 * PAGE }));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, 2 * PAGE,
			       VA_RUN + 2 * PAGE));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + 2 * PAGE, 2 * PAGE,
			       VA_SCATTERED));
	assert_int_equal(pins(t), 4);
	/* Each goes alone, whatever becomes of the source. */
	expect_ok(uc_destroy(&t->c, src));
	expect_ok(uc_unmap(&t->c, dst, IOVA, 2 * PAGE, &unmapped));
	assert_int_equal(unmapped, 2 * PAGE);
	assert_int_equal(pins(t), 2);
	expect_ok(uc_unmap(&t->c, dst, IOVA + 2 * PAGE, 2 * PAGE, NULL));
}

static void copy_shares_the_pins_and_the_charge(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	mock_new(t, id);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(copy(t, (struct ioas_abi_ioas_copy){
				  .flags = UC_RW | UC_FIXED,
				  .dst_ioas_id = id,
				  .src_ioas_id = id,
				  .length = 4 * PAGE,
				  .dst_iova = IOVA + 4 * PAGE,
				  .src_iova = IOVA }));
	assert_int_equal(pins(t), 4);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 4);
	expect_ok(uc_unmap(&t->c, id, IOVA, 4 * PAGE, NULL));
	assert_int_equal(pins(t), 4);
	/* Another map of the same memory pins again. */
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	assert_int_equal(pins(t), 8);
}

static void copy_that_cannot_be_pinned_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = 2 * PAGE,
					.dst_iova = IOVA,
					.src_iova = IOVA };

	mock_new(t, dst);
	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->c, src, VA_HOLE, PAGE, UC_R, IOVA + PAGE));
	expect_errno(uc_copy(&t->c, &s), -EFAULT);
	assert_int_equal(pins(t), 0);
	s.length = PAGE;
	expect_ok(uc_copy(&t->c, &s));
	assert_int_equal(pins(t), 1);
}

static void copy_copy_out_fault_is_efault_and_the_mapping_stays(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = id,
					.src_ioas_id = id,
					.length = PAGE,
					.dst_iova = IOVA + PAGE,
					.src_iova = IOVA };

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(do_read_only(t, IOAS_ABI_IOAS_COPY, &s), -EFAULT);
	expect_errno(uc_copy(&t->c, &s), -EEXIST);
}

/* ---- 6.7 UNMAP ----------------------------------------------------------- */

static void unmap_of_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_unmap(&t->c, NO_ID, U64, U64, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, NO_ID, 0, 0, NULL), -ENOENT);
	expect_errno(uc_unmap_all(&t->c, NO_ID, NULL), -ENOENT);
}

static void unmap_all_of_nothing_succeeds(void **state)
{
	struct uapi_test *t = *state;
	uint64_t unmapped = 5;

	expect_ok(uc_unmap_all(&t->c, ioas_new(t), &unmapped));
	assert_int_equal(unmapped, 0);
}

static void unmap_all_unmaps_all(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	uint64_t unmapped = 0;

	mock_new(t, id);
	for (unsigned int i = 0; i < 8; i++)
		expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_RW,
				       IOVA + 2 * i * PAGE));
	expect_ok(uc_unmap_all(&t->c, id, &unmapped));
	assert_int_equal(unmapped, 8 * PAGE);
	assert_int_equal(pins(t), 0);
}

static void unmap_largest_iova_or_length_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_errno(uc_unmap(&t->c, id, 1, U64, NULL), -EOVERFLOW);
	/* Before the length is found to be zero. */
	expect_errno(uc_unmap(&t->c, id, U64, 0, NULL), -EOVERFLOW);
	expect_errno(uc_unmap(&t->c, id, U64, U64, NULL), -EOVERFLOW);
	expect_errno(uc_unmap(&t->c, id, U64, 1, NULL), -EOVERFLOW);
}

static void unmap_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_errno(uc_unmap(&t->c, id, 0, 0, NULL), -EINVAL);
	expect_errno(uc_unmap(&t->c, id, U64 - 1, 0, NULL), -EINVAL);
}

static void unmap_range_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(uc_unmap(&t->c, id, 3, U64 - 1, NULL), -EOVERFLOW);
	expect_errno(uc_unmap(&t->c, id, U64 - 1, 3, NULL), -EOVERFLOW);
}

static void unmap_of_a_part_of_an_area_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 3 * PAGE, UC_R, IOVA));
	expect_errno(uc_unmap(&t->c, id, IOVA, PAGE, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA + PAGE, PAGE, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA + PAGE, 2 * PAGE, NULL),
		     -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA, 3 * PAGE - 1, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA + 1, U64 - IOVA - 2, NULL),
		     -ENOENT);
	expect_ok(uc_unmap(&t->c, id, IOVA, 3 * PAGE, NULL));
}

static void unmap_keeps_what_it_removed_before_an_error(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	for (unsigned int i = 0; i < 3; i++)
		expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 2 * PAGE, UC_R,
				       IOVA + 2 * i * PAGE));
	expect_errno(uc_unmap(&t->c, id, IOVA, 3 * PAGE, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA, 2 * PAGE, NULL), -ENOENT);
	expect_ok(uc_unmap(&t->c, id, IOVA + 2 * PAGE, 2 * PAGE, NULL));
}

static void unmap_of_nothing_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_errno(uc_unmap(&t->c, id, IOVA, PAGE, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, 0, U64 - 1, NULL), -ENOENT);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(uc_unmap(&t->c, id, IOVA + PAGE, PAGE, NULL), -ENOENT);
	expect_errno(uc_unmap(&t->c, id, IOVA - PAGE, PAGE, NULL), -ENOENT);
}

static void unmap_tells_the_sum_and_skips_holes(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	uint64_t unmapped = 0;

	for (unsigned int i = 0; i < 4; i++)
		expect_ok(uc_map_fixed(&t->c, id, VA_RUN, (i + 1) * PAGE, UC_R,
				       IOVA + 8 * i * PAGE));
	expect_ok(uc_unmap(&t->c, id, IOVA - 5, U64 - IOVA, &unmapped));
	assert_int_equal(unmapped, 10 * PAGE);
}

static void unmap_of_pinned_pages_takes_them_from_the_access(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	int access = access_new(t, id);
	uint32_t item = 0;

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_R, IOVA));
	expect_ok(uc_access_pin(&t->c, access, 0, IOVA + PAGE, 2 * PAGE,
				&item));
	assert_int_equal(pins(t), 2);
	expect_ok(uc_unmap(&t->c, id, IOVA, 4 * PAGE, NULL));
	assert_int_equal(pins(t), 0);
	expect_errno(uc_access_unpin(&t->c, access, item), -ENOENT);
}

static void unmap_copy_out_fault_is_efault_and_it_is_gone(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_unmap s = { .ioas_id = ioas_new(t),
					 .iova = IOVA,
					 .length = PAGE };

	expect_ok(uc_map_fixed(&t->c, s.ioas_id, VA_RUN, PAGE, UC_R, IOVA));
	expect_errno(do_read_only(t, IOAS_ABI_IOAS_UNMAP, &s), -EFAULT);
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_UNMAP, &s), -ENOENT);
}

/* ---- 6.19 CHANGE_PROCESS ------------------------------------------------- */

static int change(struct uapi_test *t, uint32_t reserved)
{
	struct ioas_abi_ioas_change_process s = { .__reserved = reserved };

	/* Nothing is written. */
	return do_read_only(t, IOAS_ABI_IOAS_CHANGE_PROCESS, &s);
}

/* Four pinned pages of a file, charged to process 0, at IOVA. */
static uint32_t map_some_file(struct uapi_test *t)
{
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = ioas_new(t),
		.fd = sim_open_file(t->h, 8, IOAS_SIM_SCATTERED),
		.length = 4 * PAGE,
		.iova = IOVA,
	};

	mock_new(t, s.ioas_id);
	expect_ok(uc_map_file(&t->c, &s));
	return s.ioas_id;
}

/* The rest of the case is another process, with the same iommufd. */
static struct sim_process *become(struct uapi_test *t, unsigned int user)
{
	struct sim_process *p = simhost_process(t->h, user);

	t->c.fd = sim_send(t->h, t->c.fd, p);
	assert_true(t->c.fd >= 0);
	simhost_enter(t->h, p);
	return p;
}

static void change_process_reserved_member_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	expect_ok(uc_map(&t->c, ioas_new(t), VA_RUN, PAGE, UC_R, NULL));
	expect_errno(change(t, 1), -EOPNOTSUPP);
}

static void change_process_of_memory_of_a_process_is_einval(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *p;

	map_some_file(t);
	/* In any space, and pinned or not. */
	expect_ok(uc_map(&t->c, ioas_new(t), VA_HOLE, PAGE, UC_R, NULL));
	p = become(t, 1);
	atomic_store(&p->principal->limit, 1);
	expect_errno(change(t, 0), -EINVAL);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 4);
}

static void change_process_of_a_dmabuf_is_einval(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW,
		.ioas_id = ioas_new(t),
		.fd = uc_dmabuf_get(&t->c, PAGE, 0),
		.length = PAGE,
	};

	expect_ok(uc_map_file(&t->c, &s));
	become(t, 1);
	expect_errno(change(t, 0), -EINVAL);
}

static void change_process_beyond_the_limit_is_enomem(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *p;

	map_some_file(t);
	p = become(t, 1);
	atomic_store(&p->principal->limit, 3);
	expect_errno(change(t, 0), -ENOMEM);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 4);
	assert_int_equal(atomic_load(&t->p->mm->pinned), 4);
	assert_int_equal(atomic_load(&t->h->users[1]->charged), 0);
	assert_int_equal(atomic_load(&p->mm->pinned), 0);
}

static void change_process_moves_the_charge_once(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = map_some_file(t);
	struct sim_process *p;

	/* A source of two areas is moved once. */
	expect_ok(copy(t, (struct ioas_abi_ioas_copy){
				  .flags = UC_R | UC_FIXED,
				  .dst_ioas_id = id,
				  .src_ioas_id = id,
				  .length = 4 * PAGE,
				  .dst_iova = IOVA + 4 * PAGE,
				  .src_iova = IOVA }));
	p = become(t, 1);
	atomic_store(&p->principal->limit, 4);
	for (unsigned int i = 0; i < 2; i++) {
		expect_ok(change(t, 0));
		assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
		assert_int_equal(atomic_load(&t->p->mm->pinned), 0);
		assert_int_equal(atomic_load(&t->h->users[1]->charged), 4);
		assert_int_equal(atomic_load(&p->mm->pinned), 4);
	}
}

static void change_process_of_nothing_succeeds(void **state)
{
	struct uapi_test *t = *state;

	expect_ok(change(t, 0));
	ioas_new(t);
	become(t, 1);
	expect_ok(change(t, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(copy_unknown_flag_is_eopnotsupp),
		uapi_case(copy_largest_length_or_iova_is_eoverflow),
		uapi_case(copy_without_protection_is_einval),
		uapi_case(copy_from_no_space_is_enoent),
		uapi_case(copy_length_zero_is_einval),
		uapi_case(copy_source_that_wraps_is_eoverflow),
		uapi_case(copy_of_a_gap_is_enoent),
		uapi_case(copy_to_no_space_is_enoent),
		uapi_case(copy_then_is_judged_as_map),
		uapi_case(copy_automatic_without_room_is_enospc_before_eperm),
		uapi_case(copy_for_reading_of_what_is_only_written_is_allowed),
		uapi_case(copy_chooses_an_iova_by_the_first_byte_copied),
		uapi_case(copy_makes_an_area_per_piece),
		uapi_case(copy_shares_the_pins_and_the_charge),
		uapi_case(copy_that_cannot_be_pinned_is_efault_and_undone),
		uapi_case(copy_copy_out_fault_is_efault_and_the_mapping_stays),
		uapi_case(unmap_of_no_space_is_enoent),
		uapi_case(unmap_all_of_nothing_succeeds),
		uapi_case(unmap_all_unmaps_all),
		uapi_case(unmap_largest_iova_or_length_is_eoverflow),
		uapi_case(unmap_length_zero_is_einval),
		uapi_case(unmap_range_that_wraps_is_eoverflow),
		uapi_case(unmap_of_a_part_of_an_area_is_enoent),
		uapi_case(unmap_keeps_what_it_removed_before_an_error),
		uapi_case(unmap_of_nothing_is_enoent),
		uapi_case(unmap_tells_the_sum_and_skips_holes),
		uapi_case(unmap_of_pinned_pages_takes_them_from_the_access),
		uapi_case(unmap_copy_out_fault_is_efault_and_it_is_gone),
		uapi_case(change_process_reserved_member_is_eopnotsupp),
		uapi_case(change_process_of_memory_of_a_process_is_einval),
		uapi_case(change_process_of_a_dmabuf_is_einval),
		uapi_case(change_process_beyond_the_limit_is_enomem),
		uapi_case(change_process_moves_the_charge_once),
		uapi_case(change_process_of_nothing_succeeds),
	};

	return cmocka_run_group_tests_name("copies and unmapping", tests, NULL,
					   NULL);
}
