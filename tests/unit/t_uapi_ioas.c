/* SPDX-License-Identifier: MIT */
/*
 * what a space is asked and told (docs/reference/iommufd-uapi.md 6.3, 6.5, 6.8,
 * 6.9); mapping is in t_uapi_map.c
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

#define OPTION_GET IOAS_ABI_OPTION_OP_GET
#define RLIMIT_MODE IOAS_ABI_OPTION_RLIMIT_MODE
#define HUGE_PAGES IOAS_ABI_OPTION_HUGE_PAGES

/* ---- 6.3 ALLOW_IOVAS ----------------------------------------------------- */

static int allow(struct uapi_test *t, uint32_t ioas, uint32_t reserved,
		 const struct ioas_abi_iova_range *r, uint32_t nr)
{
	struct ioas_abi_ioas_allow_iovas s = { .ioas_id = ioas,
					       .num_iovas = nr,
					       .__reserved = reserved };

	s.allowed_iovas = r ? sim_put(t->h, r, nr * sizeof(*r)) : VA_HOLE;
	/* Nothing is copied back. */
	return do_read_only(t, IOAS_ABI_IOAS_ALLOW_IOVAS, &s);
}

/* The last @nr - @good entries of the array are in a hole. */
static int allow_up_to_a_hole(struct uapi_test *t, uint32_t ioas,
			      const struct ioas_abi_iova_range *r,
			      uint32_t good, uint32_t nr)
{
	const size_t size = good * sizeof(*r);
	struct ioas_abi_ioas_allow_iovas s = { .ioas_id = ioas,
					       .num_iovas = nr };

	s.allowed_iovas = sim_hole(t->h) - size;
	sim_poke(t->h, s.allowed_iovas, r, size);
	return do_read_only(t, IOAS_ABI_IOAS_ALLOW_IOVAS, &s);
}

static void allow_reserved_member_is_eopnotsupp(void **state)
{
	expect_errno(allow(*state, NO_ID, 1, NULL, 3), -EOPNOTSUPP);
}

static void allow_no_space_is_enoent(void **state)
{
	expect_errno(allow(*state, NO_ID, 0, NULL, 3), -ENOENT);
}

static void allow_unreadable_entry_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct ioas_abi_iova_range r = { 0x10000, 0x1ffff };
	const uint32_t id = ioas_new(t);

	expect_errno(allow(t, id, 0, NULL, 1), -EFAULT);
	expect_errno(allow(t, id, 0, NULL, UINT32_MAX), -EFAULT);
	expect_errno(allow_up_to_a_hole(t, id, &r, 1, 2), -EFAULT);
}

static void allow_empty_or_one_byte_range_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range one = { 5, 5 }, back = { 6, 5 },
					 top = { U64, U64 };

	expect_errno(allow(t, id, 0, &one, 1), -EINVAL);
	expect_errno(allow(t, id, 0, &back, 1), -EINVAL);
	expect_errno(allow(t, id, 0, &top, 1), -EINVAL);
}

static void allow_overlap_in_the_list_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct ioas_abi_iova_range r[] = { { 0x10000, 0x1ffff },
						 { 0x30000, 0x3ffff },
						 { 0x1ffff, 0x20000 } };

	expect_errno(allow(t, ioas_new(t), 0, r, 3), -EINVAL);
}

static void allow_judges_entries_in_order(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range empty[] = { { 5, 5 } };
	const struct ioas_abi_iova_range twice[] = { { 1, 9 }, { 9, 12 } };

	/* What follows is unreadable, and is not come to. */
	expect_errno(allow_up_to_a_hole(t, id, empty, 1, 2), -EINVAL);
	expect_errno(allow_up_to_a_hole(t, id, twice, 2, 3), -EINVAL);
}

static void allow_reserved_range_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range r[] = { { 0x18000, 0x28000 },
						 { 0x30000, 0x3ffff },
						 { 0x40000, 0x40000 } };

	expect_ok(uc_add_reserved(&t->c, id, 0x10000, 0x10000));
	expect_errno(allow(t, id, 0, r, 2), -EADDRINUSE);
	/* After all entries were judged. */
	expect_errno(allow(t, id, 0, r, 3), -EINVAL);
	expect_errno(allow_up_to_a_hole(t, id, r, 1, 2), -EFAULT);
}

static void allow_failure_keeps_the_old_list(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range old = { 0x50000, 0x5ffff };
	const struct ioas_abi_iova_range bad[] = { { 0x80000, 0x8ffff },
						   { 7, 7 } };
	uint64_t iova = 0;

	expect_ok(allow(t, id, 0, &old, 1));
	expect_errno(allow(t, id, 0, bad, 2), -EINVAL);
	expect_ok(uc_map(&t->c, id, VA_RUN, PAGE, UC_R, &iova));
	assert_int_equal(iova, 0x50000);
}

static void allow_replaces_the_list(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range a = { 0x50000, 0x5ffff },
					 b = { 0x90000, 0x9ffff };
	uint64_t iova = 0;

	expect_ok(allow(t, id, 0, &a, 1));
	expect_ok(allow(t, id, 0, &b, 1));
	expect_ok(uc_map(&t->c, id, VA_RUN, PAGE, UC_R, &iova));
	assert_int_equal(iova, 0x90000);
	/* What was allowed is free to be reserved again. */
	expect_ok(uc_add_reserved(&t->c, id, 0x50000, 0x1000));
	expect_errno(uc_add_reserved(&t->c, id, 0x9f000, 0x1000), -EADDRINUSE);
}

static void allow_nothing_empties_the_list_with_any_pointer(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range r = { 0x50000, 0x5ffff };
	uint64_t iova = 0;

	expect_ok(allow(t, id, 0, &r, 1));
	expect_ok(allow(t, id, 0, NULL, 0));
	expect_ok(uc_map(&t->c, id, VA_RUN, PAGE, UC_R, &iova));
	assert_int_equal(iova, PAGE);
}

static void allow_does_not_restrict_fixed_iova_nor_ranges(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const struct ioas_abi_iova_range r = { 0x50000, 0x5ffff };
	struct ioas_abi_iova_range all = { 0, 0 };
	uint32_t nr = 1;

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, 0x58000));
	expect_ok(allow(t, id, 0, &r, 1));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, 0x90000));
	expect_ok(uc_ranges(&t->c, id, &all, &nr, NULL));
	assert_int_equal(all.start, 0);
	assert_int_equal(all.last, U64);
}

/* ---- 6.5 IOVA_RANGES ----------------------------------------------------- */

static void ranges_reserved_member_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = NO_ID,
					       .num_iovas = 1,
					       .__reserved = 1,
					       .allowed_iovas = VA_HOLE };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_IOVA_RANGES, &s),
		     -EOPNOTSUPP);
}

static void ranges_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = NO_ID,
					       .num_iovas = 1,
					       .allowed_iovas = VA_HOLE };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_IOVA_RANGES, &s), -ENOENT);
}

/* Three ranges: [0, 0xffff], [0x20000, 0x2ffff], [0x40000, 2^64 - 1]. */
static uint32_t space_of_three_ranges(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_add_reserved(&t->c, id, 0x30000, 0x10000));
	expect_ok(uc_add_reserved(&t->c, id, 0x10000, 0x8000));
	expect_ok(uc_add_reserved(&t->c, id, 0x14000, 0xc000));
	return id;
}

static void ranges_entry_fault_is_efault_and_the_struct_stays(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_iova_ranges s = {
		.ioas_id = space_of_three_ranges(t),
		.num_iovas = 2,
		.out_iova_alignment = 0x77,
	};

	/* One entry fits before the hole. With room for two of three this is
	 * also EMSGSIZE, later. */
	s.allowed_iovas = sim_hole(t->h) - 16;
	expect_errno(do_read_only(t, IOAS_ABI_IOAS_IOVA_RANGES, &s), -EFAULT);
	s.allowed_iovas = VA_READ_ONLY;
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_IOVA_RANGES, &s), -EFAULT);
	assert_int_equal(s.num_iovas, 2);
	assert_int_equal(s.out_iova_alignment, 0x77);
}

static void ranges_too_little_room_is_emsgsize_and_tells_all(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = space_of_three_ranges(t);
	struct ioas_abi_iova_range r[3] = { { 1, 1 }, { 2, 2 }, { 3, 3 } };
	uint64_t alignment = 0;
	uint32_t nr = 2;

	/* The third entry goes to the call and must come back as it was. */
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = id, .num_iovas = 2 };

	s.allowed_iovas = sim_put(t->h, r, sizeof(r));
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_IOVA_RANGES, &s), -EMSGSIZE);
	sim_peek(t->h, s.allowed_iovas, r, sizeof(r));
	assert_int_equal(s.num_iovas, 3);
	assert_int_equal(s.out_iova_alignment, 1);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].last, 0xffff);
	assert_int_equal(r[1].start, 0x20000);
	assert_int_equal(r[1].last, 0x2ffff);
	assert_int_equal(r[2].start, 3);
	assert_int_equal(r[2].last, 3);
	nr = 0;
	expect_errno(uc_ranges(&t->c, id, NULL, &nr, &alignment), -EMSGSIZE);
	assert_int_equal(nr, 3);
	assert_int_equal(alignment, 1);
}

static void ranges_room_for_all_succeeds(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = space_of_three_ranges(t);
	struct ioas_abi_iova_range r[4] = { { 0, 0 } };
	uint32_t nr = 4;

	/* Areas and allowed ranges do not count. */
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, 0x50000));
	r[0] = (struct ioas_abi_iova_range){ 0x60000, 0x6ffff };
	expect_ok(uc_allow(&t->c, id, r, 1));
	expect_ok(uc_ranges(&t->c, id, r, &nr, NULL));
	assert_int_equal(nr, 3);
	assert_int_equal(r[1].start, 0x20000);
	assert_int_equal(r[2].start, 0x40000);
	assert_int_equal(r[2].last, U64);
	nr = 3;
	expect_ok(uc_ranges(&t->c, id, r, &nr, NULL));
}

static void ranges_many_do_not_fit_a_small_buffer_of_ours(void **state)
{
	struct uapi_test *t = *state;
	static struct ioas_abi_iova_range r[400];
	const uint32_t id = ioas_new(t);
	uint32_t nr = 400;

	for (uint64_t i = 0; i < 300; i++)
		expect_ok(uc_add_reserved(&t->c, id, (2 * i + 1) << 12,
					  0x1000));
	expect_ok(uc_ranges(&t->c, id, r, &nr, NULL));
	assert_int_equal(nr, 301);
	for (uint64_t i = 0; i < 300; i++) {
		assert_int_equal(r[i].start, 2 * i << 12);
		assert_int_equal(r[i].last, ((2 * i + 1) << 12) - 1);
	}
	assert_int_equal(r[300].last, U64);
}

static void ranges_of_a_space_all_reserved_are_none(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	uint32_t nr = 0;

	expect_ok(uc_add_reserved(&t->c, id, 0, U64));
	expect_ok(uc_add_reserved(&t->c, id, U64, 1));
	expect_ok(uc_ranges(&t->c, id, NULL, &nr, NULL));
	assert_int_equal(nr, 0);
}

static void ranges_of_a_mock_domain_are_its_aperture(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct ioas_abi_iova_range r = { 0, 0 };
	uint64_t alignment = 0;
	uint32_t nr = 1;

	mock_new(t, id);
	expect_ok(uc_ranges(&t->c, id, &r, &nr, &alignment));
	assert_int_equal(r.start, IOAS_ABI_MOCK_APERTURE_START);
	assert_int_equal(r.last, IOAS_ABI_MOCK_APERTURE_LAST);
	assert_int_equal(alignment, IOAS_ABI_MOCK_PAGE_SIZE);
}

static void ranges_struct_fault_is_efault(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = ioas_new(t) };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_IOVA_RANGES, &s), -EFAULT);
}

/* ---- 6.8 OPTION ---------------------------------------------------------- */

static int option(struct uapi_test *t, struct ioas_abi_option s)
{
	return uc_do(&t->c, IOAS_ABI_OPTION, &s);
}

static void option_reserved_member_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(option(t, (struct ioas_abi_option){
				       .option_id = HUGE_PAGES,
				       .op = 9,
				       .__reserved = 1,
				       .object_id = NO_ID }),
		     -EOPNOTSUPP);
}

static void option_unknown_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(option(t, (struct ioas_abi_option){ .option_id = 2 }),
		     -EOPNOTSUPP);
	expect_errno(option(t, (struct ioas_abi_option){
				       .option_id = UINT32_MAX,
				       .op = OPTION_GET }),
		     -EOPNOTSUPP);
}

static void rlimit_mode_of_an_object_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	/* Before the capability is asked for. */
	expect_errno(option(t, (struct ioas_abi_option){
				       .object_id = ioas_new(t), .val64 = 2 }),
		     -EOPNOTSUPP);
}

static void rlimit_mode_other_op_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(option(t, (struct ioas_abi_option){ .op = 2,
							 .val64 = 2 }),
		     -EOPNOTSUPP);
	expect_errno(option(t, (struct ioas_abi_option){ .op = 0xffff }),
		     -EOPNOTSUPP);
}

static void rlimit_mode_set_without_the_capability_is_eperm(void **state)
{
	struct uapi_test *t = *state;

	ioas_new(t);
	expect_errno(uc_rlimit_mode(&t->c, 2), -EPERM);
}

static void rlimit_mode_set_with_any_object_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);

	simhost_task(t->h)->caller.resource = true;
	expect_errno(uc_rlimit_mode(&t->c, 2), -EBUSY);
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_fault_queue(&t->c, NULL, NULL));
	expect_errno(uc_rlimit_mode(&t->c, 1), -EBUSY);
}

static void rlimit_mode_set_other_value_is_einval(void **state)
{
	struct uapi_test *t = *state;

	simhost_task(t->h)->caller.resource = true;
	expect_errno(uc_rlimit_mode(&t->c, 2), -EINVAL);
	expect_errno(uc_rlimit_mode(&t->c, (uint64_t)1 << 32), -EINVAL);
	expect_errno(uc_rlimit_mode(&t->c, U64), -EINVAL);
}

static void rlimit_mode_is_set_and_got_and_decides_who_pays(void **state)
{
	struct uapi_test *t = *state;
	uint64_t val = 9;
	uint32_t id;

	simhost_task(t->h)->caller.resource = true;
	expect_ok(uc_option(&t->c, RLIMIT_MODE, OPTION_GET, 0, &val));
	assert_int_equal(val, 0);
	expect_ok(uc_rlimit_mode(&t->c, 1));
	expect_ok(uc_option(&t->c, RLIMIT_MODE, OPTION_GET, 0, &val));
	assert_int_equal(val, 1);
	id = ioas_new(t);
	mock_new(t, id);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 2 * PAGE, UC_R, IOVA));
	assert_int_equal(atomic_load(&t->p->mm->charged), 2);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
}

static void option_writes_its_value_alone(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);
	struct ioas_abi_option s = { .size = sizeof(s), .op = OPTION_GET,
				     .option_id = HUGE_PAGES,
				     .object_id = id, .val64 = 5 };
	uint64_t at, val = 0;

	/* All but val64 lies on a page that cannot be written. */
	at = VA_READ_ONLY + VA_READ_ONLY_PAGES * PAGE;
	sim_map_memory(t->h, at, PAGE, IOAS_SIM_SCATTERED, 0);
	at -= offsetof(struct ioas_abi_option, val64);
	sim_poke(t->h, at, &s, sizeof(s));
	expect_ok(sim_ioctl(t->h, t->c.fd, IOAS_ABI_OPTION, at));
	sim_peek(t->h, at + offsetof(struct ioas_abi_option, val64), &val, 8);
	assert_int_equal(val, 1);
}

static void option_set_stays_when_the_write_back_faults(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);
	struct ioas_abi_option s = { .option_id = HUGE_PAGES, .object_id = id };

	expect_errno(do_read_only(t, IOAS_ABI_OPTION, &s), -EFAULT);
	assert_int_equal(alignment_of(t, id), PAGE);
}

static void huge_pages_of_no_space_is_enoent_for_any_op(void **state)
{
	struct uapi_test *t = *state;

	for (uint16_t op = 0; op < 4; op++)
		expect_errno(option(t, (struct ioas_abi_option){
					       .option_id = HUGE_PAGES,
					       .op = op,
					       .object_id = NO_ID,
					       .val64 = 2 }),
			     -ENOENT);
}

static void huge_pages_other_op_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(option(t, (struct ioas_abi_option){
				       .option_id = HUGE_PAGES, .op = 2,
				       .object_id = ioas_new(t), .val64 = 2 }),
		     -EOPNOTSUPP);
}

static void huge_pages_set_other_value_is_einval(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);

	expect_errno(uc_huge_pages(&t->c, id, 2), -EINVAL);
	expect_errno(uc_huge_pages(&t->c, id, (uint64_t)1 << 32), -EINVAL);
	expect_errno(uc_huge_pages(&t->c, id, U64), -EINVAL);
}

static void huge_pages_off_with_domain_and_area_is_einval(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);

	mock_new(t, id);
	/* The area is misaligned, too. */
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE / 2, UC_R, IOVA));
	expect_errno(uc_huge_pages(&t->c, id, 0), -EINVAL);
	expect_ok(uc_huge_pages(&t->c, id, 1));
}

static void huge_pages_off_over_misaligned_areas_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);
	uint64_t val = 0;

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 0x100, UC_R, IOVA));
	expect_errno(uc_huge_pages(&t->c, id, 0), -EADDRINUSE);
	expect_ok(uc_option(&t->c, HUGE_PAGES, OPTION_GET, id, &val));
	assert_int_equal(val, 1);
	assert_int_equal(alignment_of(t, id), 1);
}

static void huge_pages_off_with_domain_or_area_alone_is_fine(void **state)
{
	struct uapi_test *t = *state;
	uint32_t a = ioas_new(t), b = ioas_new(t);

	mock_new(t, a);
	expect_ok(uc_huge_pages(&t->c, a, 0));
	assert_int_equal(alignment_of(t, a), PAGE);
	expect_ok(uc_map_fixed(&t->c, b, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_huge_pages(&t->c, b, 0));
	assert_int_equal(alignment_of(t, b), PAGE);
}

static void huge_pages_off_twice_is_fine_with_domain_and_area(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new_aligned(t);
	uint64_t val = 9;

	mock_new(t, id);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_huge_pages(&t->c, id, 0));
	expect_ok(uc_option(&t->c, HUGE_PAGES, OPTION_GET, id, &val));
	assert_int_equal(val, 0);
	expect_ok(uc_huge_pages(&t->c, id, 1));
	assert_int_equal(alignment_of(t, id), IOAS_ABI_MOCK_PAGE_SIZE);
}

/* ---- 6.9 VFIO_IOAS ------------------------------------------------------- */

static void vfio_ioas_reserved_member_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_vfio_ioas s = { .ioas_id = NO_ID, .__reserved = 1 };

	for (uint16_t op = 0; op < 3; op++) {
		s.op = op;
		expect_errno(uc_do(&t->c, IOAS_ABI_VFIO_IOAS, &s),
			     -EOPNOTSUPP);
	}
}

static void vfio_ioas_unknown_op_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = NO_ID;

	expect_errno(uc_vfio_ioas(&t->c, 3, &id), -EOPNOTSUPP);
	expect_errno(uc_vfio_ioas(&t->c, 0xffff, &id), -EOPNOTSUPP);
}

static void vfio_ioas_get_of_none_is_enodev(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = NO_ID;

	expect_errno(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id),
		     -ENODEV);
}

static void vfio_ioas_set_of_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(uc_vfio_ioas_set(&t->c, 0), -ENOENT);
	expect_errno(uc_vfio_ioas_set(&t->c, NO_ID), -ENOENT);
}

static void vfio_ioas_is_set_got_and_cleared(void **state)
{
	struct uapi_test *t = *state;
	uint32_t a = ioas_new(t), b = ioas_new(t), id = 0;

	expect_ok(uc_vfio_ioas_set(&t->c, a));
	expect_ok(uc_vfio_ioas_set(&t->c, b));
	expect_ok(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id));
	assert_int_equal(id, b);
	/* A failure keeps what is set. */
	expect_errno(uc_vfio_ioas_set(&t->c, NO_ID), -ENOENT);
	expect_ok(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id));
	assert_int_equal(id, b);
	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_CLEAR, &id));
	expect_errno(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id),
		     -ENODEV);
	expect_ok(uc_destroy(&t->c, b));
}

static void vfio_ioas_is_not_busy_and_destroying_it_clears(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);

	expect_ok(uc_vfio_ioas_set(&t->c, id));
	expect_ok(uc_destroy(&t->c, id));
	expect_errno(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id),
		     -ENODEV);
	/* The id is somebody else's now. */
	assert_int_equal(ioas_new(t), id);
	expect_errno(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id),
		     -ENODEV);
}

static void vfio_ioas_writes_only_for_get(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_vfio_ioas s = { .ioas_id = ioas_new(t),
					.op = IOAS_ABI_VFIO_IOAS_SET };

	expect_ok(do_read_only(t, IOAS_ABI_VFIO_IOAS, &s));
	s.op = IOAS_ABI_VFIO_IOAS_GET;
	expect_errno(do_read_only(t, IOAS_ABI_VFIO_IOAS, &s), -EFAULT);
	s.op = IOAS_ABI_VFIO_IOAS_CLEAR;
	expect_ok(do_read_only(t, IOAS_ABI_VFIO_IOAS, &s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(allow_reserved_member_is_eopnotsupp),
		uapi_case(allow_no_space_is_enoent),
		uapi_case(allow_unreadable_entry_is_efault),
		uapi_case(allow_empty_or_one_byte_range_is_einval),
		uapi_case(allow_overlap_in_the_list_is_einval),
		uapi_case(allow_judges_entries_in_order),
		uapi_case(allow_reserved_range_is_eaddrinuse),
		uapi_case(allow_failure_keeps_the_old_list),
		uapi_case(allow_replaces_the_list),
		uapi_case(allow_nothing_empties_the_list_with_any_pointer),
		uapi_case(allow_does_not_restrict_fixed_iova_nor_ranges),
		uapi_case(ranges_reserved_member_is_eopnotsupp),
		uapi_case(ranges_no_space_is_enoent),
		uapi_case(ranges_entry_fault_is_efault_and_the_struct_stays),
		uapi_case(ranges_too_little_room_is_emsgsize_and_tells_all),
		uapi_case(ranges_room_for_all_succeeds),
		uapi_case(ranges_many_do_not_fit_a_small_buffer_of_ours),
		uapi_case(ranges_of_a_space_all_reserved_are_none),
		uapi_case(ranges_of_a_mock_domain_are_its_aperture),
		uapi_case(ranges_struct_fault_is_efault),
		uapi_case(option_reserved_member_is_eopnotsupp),
		uapi_case(option_unknown_is_eopnotsupp),
		uapi_case(rlimit_mode_of_an_object_is_eopnotsupp),
		uapi_case(rlimit_mode_other_op_is_eopnotsupp),
		uapi_case(rlimit_mode_set_without_the_capability_is_eperm),
		uapi_case(rlimit_mode_set_with_any_object_is_ebusy),
		uapi_case(rlimit_mode_set_other_value_is_einval),
		uapi_case(rlimit_mode_is_set_and_got_and_decides_who_pays),
		uapi_case(option_writes_its_value_alone),
		uapi_case(option_set_stays_when_the_write_back_faults),
		uapi_case(huge_pages_of_no_space_is_enoent_for_any_op),
		uapi_case(huge_pages_other_op_is_eopnotsupp),
		uapi_case(huge_pages_set_other_value_is_einval),
		uapi_case(huge_pages_off_with_domain_and_area_is_einval),
		uapi_case(huge_pages_off_over_misaligned_areas_is_eaddrinuse),
		uapi_case(huge_pages_off_with_domain_or_area_alone_is_fine),
		uapi_case(huge_pages_off_twice_is_fine_with_domain_and_area),
		uapi_case(vfio_ioas_reserved_member_is_eopnotsupp),
		uapi_case(vfio_ioas_unknown_op_is_eopnotsupp),
		uapi_case(vfio_ioas_get_of_none_is_enodev),
		uapi_case(vfio_ioas_set_of_no_space_is_enoent),
		uapi_case(vfio_ioas_is_set_got_and_cleared),
		uapi_case(vfio_ioas_is_not_busy_and_destroying_it_clears),
		uapi_case(vfio_ioas_writes_only_for_get),
	};

	return cmocka_run_group_tests_name("spaces", tests, NULL,
					   NULL);
}
