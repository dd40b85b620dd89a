/* SPDX-License-Identifier: MIT */
/*
 * queues that hardware reads by itself (docs/reference/iommufd-uapi.md 4.3,
 * 6.7 4b, 6.21; iommufd-test-abi.md 5.8)
 *
 * The memory that most cases use:
 *
 *    IOVA          + 0        + 8       + 16       + 24 pages
 *    |  one run    |  one run | scattered| hole     | not readable |
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_nest.h"

#define TYPE IOAS_ABI_HW_QUEUE_TYPE_SELFTEST
#define PAGES(n) ((uint64_t)(n) * PAGE)
/* As in the picture; the first two are neighbours in memory, too. */
#define AT_RUN IOVA
#define AT_RUN_2 (IOVA + PAGES(8))
#define AT_SCATTERED (IOVA + PAGES(16))
#define AT_HOLE (IOVA + PAGES(24))
#define AT_WRITE_ONLY (IOVA + PAGES(32))

static struct nest nest_with_memory(struct uapi_test *t)
{
	const struct nest n = nest_new(t);

	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGES(8), UC_R, AT_RUN));
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN + PAGES(8), PAGES(8),
			       UC_RW, AT_RUN_2));
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_SCATTERED, PAGES(8), UC_R,
			       AT_SCATTERED));
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGES(8), UC_W,
			       AT_WRITE_ONLY));
	return n;
}

static int alloc(struct uapi_test *t, struct ioas_abi_hw_queue_alloc s)
{
	return uc_hw_queue(&t->c, &s);
}

/* Queue @index over a range; its id in *@id, which may be NULL. */
static int queue(struct uapi_test *t, uint32_t viommu, uint32_t index,
		 uint64_t iova, uint64_t length, uint32_t *id)
{
	struct ioas_abi_hw_queue_alloc s = { .viommu_id = viommu,
					     .type = TYPE,
					     .index = index,
					     .nesting_parent_iova = iova,
					     .length = length };
	int ret = uc_hw_queue(&t->c, &s);

	if (!ret && id)
		*id = s.out_hw_queue_id;
	return ret;
}

static uint32_t queue_new(struct uapi_test *t, uint32_t viommu, uint32_t index,
			  uint64_t iova, uint64_t length)
{
	uint32_t id = 0;

	expect_ok(queue(t, viommu, index, iova, length, &id));
	return id;
}

/* ---- 6.21: in order ------------------------------------------------------ */

static void queue_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 0; bit < 32; bit++)
		expect_errno(alloc(*state, (struct ioas_abi_hw_queue_alloc){
						   .flags = 1u << bit,
						   .viommu_id = NO_ID,
						   .type = 1,
						   .index = 2,
						   .nesting_parent_iova = 1 }),
			     -EOPNOTSUPP);
}

static void queue_type_zero_is_eopnotsupp(void **state)
{
	expect_errno(alloc(*state, (struct ioas_abi_hw_queue_alloc){
					   .viommu_id = NO_ID,
					   .index = 2,
					   .nesting_parent_iova = 1 }),
		     -EOPNOTSUPP);
}

static void queue_length_zero_is_einval(void **state)
{
	expect_errno(alloc(*state, (struct ioas_abi_hw_queue_alloc){
					   .viommu_id = NO_ID,
					   .type = 1,
					   .index = 2,
					   .nesting_parent_iova = U64 }),
		     -EINVAL);
}

static void queue_range_that_wraps_is_eoverflow(void **state)
{
	expect_errno(alloc(*state, (struct ioas_abi_hw_queue_alloc){
					   .viommu_id = NO_ID,
					   .type = 1,
					   .index = 2,
					   .nesting_parent_iova = U64,
					   .length = 2 }),
		     -EOVERFLOW);
	expect_errno(alloc(*state, (struct ioas_abi_hw_queue_alloc){
					   .viommu_id = NO_ID,
					   .type = 1,
					   .index = 2,
					   .nesting_parent_iova = 2,
					   .length = U64 }),
		     -EOVERFLOW);
}

static void queue_of_no_viommu_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint32_t ids[] = { 0, NO_ID, n.ioas, n.parent, n.dev.idev };

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(alloc(t, (struct ioas_abi_hw_queue_alloc){
					      .viommu_id = ids[i],
					      .type = 1,
					      .index = 2,
					      .length = U64 }),
			     -ENOENT);
}

static void queue_type_of_other_hardware_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	static const uint32_t types[] = { 1, 2, TYPE - 1, UINT32_MAX };

	for (unsigned int i = 0; i < 4; i++)
		expect_errno(alloc(t, (struct ioas_abi_hw_queue_alloc){
					      .viommu_id = n.viommu,
					      .type = types[i],
					      .index = 2,
					      .length = U64 }),
			     -EOPNOTSUPP);
}

/* Also an area that is in the way of the alignment. */
static void queue_pages_that_cannot_be_counted_are_erange(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	const uint64_t most = U64 - PAGE + 1;

	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, 0x800, UC_R, IOVA));
	expect_errno(queue(t, n.viommu, 2, 0, U64, NULL), -ERANGE);
	expect_errno(queue(t, n.viommu, 2, 0, most + 1, NULL), -ERANGE);
	expect_errno(queue(t, n.viommu, 2, 1, most, NULL), -ERANGE);
	expect_errno(queue(t, n.viommu, 2, PAGE - 1, most - PAGE + 2, NULL),
		     -ERANGE);
	expect_errno(queue(t, n.viommu, 2, U64 - 1, 2, NULL), -EADDRINUSE);
	/* These can. */
	expect_errno(queue(t, n.viommu, 2, 0, most, NULL), -EADDRINUSE);
	expect_errno(queue(t, n.viommu, 2, 1, most - 1, NULL), -EADDRINUSE);
}

static void queue_in_a_space_of_half_pages_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);

	/* Nothing is mapped where the queue should be. */
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, 0x800, UC_R, IOVA));
	expect_errno(queue(t, n.viommu, 2, AT_HOLE, PAGE, NULL), -EADDRINUSE);
	assert_int_equal(alignment_of(t, n.ioas), 0x800);
	expect_ok(uc_unmap(&t->c, n.ioas, IOVA, 0x800, NULL));
	expect_errno(queue(t, n.viommu, 2, AT_HOLE, PAGE, NULL), -ENOENT);
	assert_int_equal(alignment_of(t, n.ioas), 0x800);
}

static void queue_in_a_hole_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	expect_errno(queue(t, n.viommu, 2, AT_HOLE, PAGE, NULL), -ENOENT);
	/* Whole pages are asked for. */
	expect_errno(queue(t, n.viommu, 2, AT_HOLE - 1, 2, NULL), -ENOENT);
	/* What comes first is not contiguous. */
	expect_errno(queue(t, n.viommu, 2, AT_HOLE - PAGES(2), PAGES(3), NULL),
		     -ENOENT);
	expect_errno(queue(t, n.viommu, 2, AT_WRITE_ONLY - PAGE, PAGES(2),
			   NULL),
		     -ENOENT);
	assert_int_equal(pins(t), 32);
}

static void queue_in_device_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = n.ioas,
		.fd = uc_dmabuf_get(&t->c, PAGE, 0),
		.length = PAGE,
		.iova = IOVA,
	};

	expect_ok(uc_map_file(&t->c, &s));
	expect_errno(queue(t, n.viommu, 2, IOVA, PAGE, NULL), -EINVAL);
}

static void queue_in_memory_that_is_not_readable_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	expect_errno(queue(t, n.viommu, 2, AT_WRITE_ONLY, PAGE, NULL), -EPERM);
	/* Behind pages that are not contiguous. */
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGES(8), UC_W,
			       AT_HOLE));
	expect_errno(queue(t, n.viommu, 2, AT_HOLE - PAGES(3), PAGES(4), NULL),
		     -EPERM);
	assert_int_equal(pins(t), 40);
}

static void queue_that_is_not_contiguous_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	expect_errno(queue(t, n.viommu, 2, AT_SCATTERED, PAGES(2), NULL),
		     -EFAULT);
	/* Two bytes on two pages. */
	expect_errno(queue(t, n.viommu, 2, AT_SCATTERED + PAGE - 1, 2, NULL),
		     -EFAULT);
	/* Of one area each. */
	expect_errno(queue(t, n.viommu, 2, AT_SCATTERED - PAGE, PAGES(2), NULL),
		     -EFAULT);
	expect_ok(queue(t, n.viommu, 0, AT_SCATTERED + PAGE - 1, 1, NULL));
}

static void queue_index_beyond_the_last_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	expect_errno(queue(t, n.viommu, 2, AT_RUN, PAGE, NULL), -EINVAL);
	expect_errno(queue(t, n.viommu, UINT32_MAX, AT_RUN, PAGE, NULL),
		     -EINVAL);
}

static void queue_index_in_use_is_eexist(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t other = viommu_beside(t, &n);
	uint32_t id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);

	expect_errno(queue(t, n.viommu, 0, AT_RUN, PAGE, NULL), -EEXIST);
	expect_errno(queue(t, n.viommu, 0, AT_RUN_2, PAGE, NULL), -EEXIST);
	/* In that VIOMMU. */
	expect_ok(queue(t, other, 0, AT_RUN, PAGE, NULL));
	expect_ok(uc_destroy(&t->c, id));
	id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	queue_new(t, n.viommu, 1, AT_RUN, PAGE);
	expect_errno(queue(t, n.viommu, 1, AT_RUN, PAGE, NULL), -EEXIST);
}

static void queue_1_without_queue_0_is_eio(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t other = viommu_beside(t, &n);
	const uint32_t zero = queue_new(t, other, 0, AT_RUN, PAGE);

	/* Another VIOMMU has one. */
	expect_errno(queue(t, n.viommu, 1, AT_RUN, PAGE, NULL), -EIO);
	expect_ok(queue(t, other, 1, AT_RUN, PAGE, NULL));
	expect_errno(uc_destroy(&t->c, zero), -EBUSY);
	/* The failure left nothing. */
	queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	queue_new(t, n.viommu, 1, AT_RUN, PAGE);
}

static void queue_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	struct ioas_abi_hw_queue_alloc s = { .viommu_id = n.viommu,
					     .type = TYPE,
					     .nesting_parent_iova = AT_RUN,
					     .length = PAGE };

	expect_errno(do_read_only(t, IOAS_ABI_HW_QUEUE_ALLOC, &s), -EFAULT);
	assert_int_equal(alignment_of(t, n.ioas), 0x800);
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL));
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGES(8), UC_R, AT_RUN));
	expect_ok(uc_hw_queue(&t->c, &s));
	assert_int_equal(s.out_hw_queue_id, n.viommu + 1);
}

static void queue_failure_leaves_its_result_alone(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	struct ioas_abi_hw_queue_alloc s = { .viommu_id = n.viommu,
					     .type = TYPE,
					     .index = 1,
					     .out_hw_queue_id = 77,
					     .nesting_parent_iova = AT_RUN,
					     .length = PAGE };

	expect_errno(uc_hw_queue(&t->c, &s), -EIO);
	assert_int_equal(s.out_hw_queue_id, 77);
}

/* ---- what is accepted ---------------------------------------------------- */

static void queue_may_begin_and_end_anywhere(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	static const struct {
		uint64_t offset;
		uint64_t length;
	} ranges[] = { { 0, 1 },
		       { 1, 1 },
		       { 0x123, 0x4567 },
		       { PAGE - 1, 2 },
		       { PAGE, 3 * PAGE },
		       { 0, 8 * PAGE } };

	for (unsigned int i = 0; i < 6; i++)
		expect_ok(uc_destroy(&t->c,
				     queue_new(t, n.viommu, 0,
					       AT_RUN + ranges[i].offset,
					       ranges[i].length)));
}

static void queue_may_lie_in_areas_that_are_one_run(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN + PAGES(7) + 5,
				      PAGE);

	/* Both are locked. */
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL), -EBUSY);
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN_2, PAGES(8), NULL),
		     -EBUSY);
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(16), NULL));
}

static void queues_may_share_their_memory(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	uint32_t ids[2];

	for (uint32_t i = 0; i < 2; i++)
		ids[i] = queue_new(t, n.viommu, i, AT_RUN, PAGES(4));
	/* The page is pinned once for its source, which is mapped once. */
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(8), PAGE, 1));
	expect_ok(uc_destroy(&t->c, ids[1]));
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL), -EBUSY);
	expect_ok(uc_destroy(&t->c, ids[0]));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL));
}

static void queue_pins_nothing_twice(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint64_t before = pins(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN_2, PAGES(4));

	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(8), PAGES(8), 1));
	assert_int_equal(pins(t), before);
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(8), PAGES(8), 1));
	assert_int_equal(pins(t), before);
}

/* ---- while it exists ----------------------------------------------------- */

static void unmap_of_its_memory_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);

	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL), -EBUSY);
	/* A part of the area: that would be ENOENT, later (4c). */
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN + PAGES(4), PAGE, NULL),
		     -EBUSY);
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN + PAGES(4), PAGES(8), NULL),
		     -EBUSY);
	/* A part of another one comes first, and is. */
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, PAGES(2), UC_R,
			       AT_RUN - PAGES(2)));
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN - PAGE, PAGES(2), NULL),
		     -ENOENT);
	expect_ok(uc_destroy(&t->c, id));
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN + PAGES(4), PAGE, NULL),
		     -ENOENT);
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL));
}

static void unmap_of_everything_is_ebusy_where_it_lies(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN_2, PAGE);
	uint64_t unmapped = 0;

	expect_errno(uc_unmap_all(&t->c, n.ioas, &unmapped), -EBUSY);
	/* What comes before is gone; what comes behind is not. */
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL), -ENOENT);
	expect_ok(uc_unmap(&t->c, n.ioas, AT_SCATTERED, PAGES(8), NULL));
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_unmap_all(&t->c, n.ioas, &unmapped));
	assert_int_equal(unmapped, PAGES(16));
}

static void unmap_of_other_areas_works(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	queue_new(t, n.viommu, 0, AT_RUN, PAGES(8));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN_2, PAGES(8), NULL));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_SCATTERED, PAGES(24), NULL));
}

static void unmap_is_ebusy_before_an_access_is_told(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const int access = access_new(t, n.ioas);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	uint32_t item = 0;

	expect_ok(uc_access_pin(&t->c, access, 0, AT_RUN, PAGE, &item));
	expect_errno(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL), -EBUSY);
	/* The access may go on. */
	expect_ok(uc_access_pin(&t->c, access, 0, AT_RUN, PAGE, NULL));
	expect_ok(uc_access_unpin(&t->c, access, item));
	expect_ok(uc_destroy(&t->c, id));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_RUN, PAGES(8), NULL));
}

static void copy_of_its_memory_can_be_unmapped(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = n.ioas,
					.src_ioas_id = n.ioas,
					.length = PAGES(8),
					.dst_iova = AT_HOLE,
					.src_iova = AT_RUN };

	queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	expect_ok(uc_copy(&t->c, &s));
	expect_ok(uc_unmap(&t->c, n.ioas, AT_HOLE, PAGES(8), NULL));
}

static void alignment_is_a_page(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	uint32_t id;

	assert_int_equal(alignment_of(t, n.ioas), 0x800);
	id = queue_new(t, n.viommu, 0, AT_RUN, 1);
	assert_int_equal(alignment_of(t, n.ioas), PAGE);
	expect_errno(uc_map_fixed(&t->c, n.ioas, VA_RUN, 0x800, UC_R, AT_HOLE),
		     -EINVAL);
	expect_ok(uc_destroy(&t->c, id));
	assert_int_equal(alignment_of(t, n.ioas), 0x800);
	expect_ok(uc_map_fixed(&t->c, n.ioas, VA_RUN, 0x800, UC_R, AT_HOLE));
}

static void viommu_and_space_are_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);

	expect_errno(uc_destroy(&t->c, n.viommu), -EBUSY);
	expect_errno(uc_destroy(&t->c, n.ioas), -EBUSY);
	expect_ok(uc_destroy(&t->c, id));
	expect_errno(uc_destroy(&t->c, id), -ENOENT);
	expect_ok(uc_destroy(&t->c, n.viommu));
}

static void queue_0_is_busy_while_queue_1_exists(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t zero = queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	uint32_t one = queue_new(t, n.viommu, 1, AT_RUN_2, PAGE);

	expect_errno(uc_destroy(&t->c, zero), -EBUSY);
	expect_ok(uc_destroy(&t->c, one));
	one = queue_new(t, n.viommu, 1, AT_RUN_2, PAGE);
	expect_errno(uc_destroy(&t->c, zero), -EBUSY);
	expect_ok(uc_destroy(&t->c, one));
	expect_ok(uc_destroy(&t->c, zero));
}

static void its_access_cannot_be_destroyed(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);
	const uint32_t id = queue_new(t, n.viommu, 0, AT_RUN, PAGE);

	/* An object of the queue's own. */
	expect_errno(uc_destroy(&t->c, id + 1), -EBUSY);
	expect_ok(uc_destroy(&t->c, id));
	expect_errno(uc_destroy(&t->c, id + 1), -ENOENT);
}

static void memory_stays_though_the_program_unmaps_it(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	queue_new(t, n.viommu, 0, AT_RUN, PAGES(8));
	sim_unmap_memory(t->h, VA_RUN, PAGES(64));
	/* A later one finds the pages that are pinned. */
	queue_new(t, n.viommu, 1, AT_RUN, PAGES(16));
}

static void release_of_the_context_takes_both_queues(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_with_memory(t);

	queue_new(t, n.viommu, 0, AT_RUN, PAGE);
	queue_new(t, n.viommu, 1, AT_RUN, PAGE);
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(pins(t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(queue_flag_is_eopnotsupp),
		uapi_case(queue_type_zero_is_eopnotsupp),
		uapi_case(queue_length_zero_is_einval),
		uapi_case(queue_range_that_wraps_is_eoverflow),
		uapi_case(queue_of_no_viommu_is_enoent),
		uapi_case(queue_type_of_other_hardware_is_eopnotsupp),
		uapi_case(queue_pages_that_cannot_be_counted_are_erange),
		uapi_case(queue_in_a_space_of_half_pages_is_eaddrinuse),
		uapi_case(queue_in_a_hole_is_enoent),
		uapi_case(queue_in_device_memory_is_einval),
		uapi_case(queue_in_memory_that_is_not_readable_is_eperm),
		uapi_case(queue_that_is_not_contiguous_is_efault),
		uapi_case(queue_index_beyond_the_last_is_einval),
		uapi_case(queue_index_in_use_is_eexist),
		uapi_case(queue_1_without_queue_0_is_eio),
		uapi_case(queue_copy_out_fault_is_efault_and_undone),
		uapi_case(queue_failure_leaves_its_result_alone),
		uapi_case(queue_may_begin_and_end_anywhere),
		uapi_case(queue_may_lie_in_areas_that_are_one_run),
		uapi_case(queues_may_share_their_memory),
		uapi_case(queue_pins_nothing_twice),
		uapi_case(unmap_of_its_memory_is_ebusy),
		uapi_case(unmap_of_everything_is_ebusy_where_it_lies),
		uapi_case(unmap_of_other_areas_works),
		uapi_case(unmap_is_ebusy_before_an_access_is_told),
		uapi_case(copy_of_its_memory_can_be_unmapped),
		uapi_case(alignment_is_a_page),
		uapi_case(viommu_and_space_are_busy),
		uapi_case(queue_0_is_busy_while_queue_1_exists),
		uapi_case(its_access_cannot_be_destroyed),
		uapi_case(memory_stays_though_the_program_unmaps_it),
		uapi_case(release_of_the_context_takes_both_queues),
	};

	return cmocka_run_group_tests_name("hardware queues", tests, NULL, NULL);
}
