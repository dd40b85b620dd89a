/* SPDX-License-Identifier: MIT */
/*
 * memory of a VIOMMU, mapped by the program (docs/reference/iommufd-uapi.md
 * 10; iommufd-test-abi.md 5.5)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_nest.h"

#define REGION (2 * PAGE)

/* ---- 10: the memory of a VIOMMU ------------------------------------------ */

/* A VIOMMU with a region; where it is. */
static uint32_t region_new(struct uapi_test *t, const struct nest *n,
			   uint32_t in_data,
			   struct ioas_abi_viommu_data_selftest *d)
{
	struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
					   .dev_id = n->dev.idev,
					   .hwpt_id = n->parent,
					   .data_len = sizeof(*d) };

	*d = (struct ioas_abi_viommu_data_selftest){ .in_data = in_data };
	expect_ok(uc_viommu_alloc(&t->c, &s, d));
	assert_int_equal(d->out_data, in_data);
	assert_int_equal(d->out_mmap_length, REGION);
	return s.out_viommu_id;
}

static int map_region(struct uapi_test *t, uint64_t offset, uint64_t length)
{
	const struct ioas_mmap_request rq = { .offset = offset,
					      .length = length,
					      .shared = true };

	return sim_mmap(t->h, t->c.fd, &rq);
}

static int mmap_with(struct uapi_test *t, struct ioas_mmap_request rq)
{
	return sim_mmap(t->h, t->c.fd, &rq);
}

static void mmap_of_no_length_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;

	region_new(t, &n, 1, &d);
	expect_errno(mmap_with(t, (struct ioas_mmap_request){ .offset = PAGE,
							      .shared = true,
							      .exec = true }),
		     -EINVAL);
	/* Up to pages this wraps. */
	expect_errno(mmap_with(t, (struct ioas_mmap_request){ .offset = PAGE,
							      .length = U64,
							      .shared = true,
							      .exec = true }),
		     -EINVAL);
}

static void mmap_that_is_not_shared_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;

	region_new(t, &n, 1, &d);
	expect_errno(mmap_with(t, (struct ioas_mmap_request){ .length = REGION,
							      .exec = true }),
		     -EINVAL);
	expect_errno(mmap_with(t, (struct ioas_mmap_request){
					  .offset = d.out_mmap_offset,
					  .length = REGION }),
		     -EINVAL);
}

static void mmap_for_execution_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;

	region_new(t, &n, 1, &d);
	expect_errno(mmap_with(t, (struct ioas_mmap_request){ .length = PAGE,
							      .shared = true,
							      .exec = true }),
		     -EPERM);
	expect_errno(mmap_with(t, (struct ioas_mmap_request){
					  .offset = d.out_mmap_offset,
					  .length = REGION,
					  .shared = true,
					  .exec = true }),
		     -EPERM);
}

static void mmap_outside_any_region_is_enxio(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	static const uint64_t offsets[] = { 0, 3 * PAGE, 1u << 30,
					    U64 - PAGE + 1 };

	region_new(t, &n, 1, &d);
	assert_int_equal(d.out_mmap_offset, PAGE);
	for (unsigned int i = 0; i < 4; i++)
		expect_errno(map_region(t, offsets[i], REGION), -ENXIO);
}

static void mmap_of_a_part_of_a_region_is_enxio(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;

	region_new(t, &n, 1, &d);
	region_new(t, &n, 2, &d);
	expect_errno(map_region(t, PAGE, PAGE), -ENXIO);
	expect_errno(map_region(t, PAGE, 3 * PAGE), -ENXIO);
	expect_errno(map_region(t, PAGE, 4 * PAGE), -ENXIO);
	expect_errno(map_region(t, 2 * PAGE, PAGE), -ENXIO);
	expect_errno(map_region(t, 2 * PAGE, REGION), -ENXIO);
	/* Nobody holds anything. */
	for (uint32_t id = n.parent + 1; id <= n.parent + 2; id++)
		expect_ok(uc_destroy(&t->c, id));
}

static void mmap_rounds_the_length_up_itself(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	int m;

	region_new(t, &n, 1, &d);
	expect_errno(map_region(t, PAGE, PAGE - 1), -ENXIO);
	expect_errno(map_region(t, PAGE, REGION + 1), -ENXIO);
	m = map_region(t, PAGE, PAGE + 1);
	assert_true(m >= 0);
	sim_munmap(t->h, m);
}

static void mmap_offsets_are_the_lowest_that_are_free(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	uint32_t ids[3];

	for (unsigned int i = 0; i < 3; i++) {
		ids[i] = region_new(t, &n, i, &d);
		assert_int_equal(d.out_mmap_offset, PAGE + i * REGION);
	}
	expect_ok(uc_destroy(&t->c, ids[1]));
	expect_errno(map_region(t, PAGE + REGION, REGION), -ENXIO);
	region_new(t, &n, 9, &d);
	assert_int_equal(d.out_mmap_offset, PAGE + REGION);
	expect_ok(uc_destroy(&t->c, ids[0]));
	region_new(t, &n, 9, &d);
	assert_int_equal(d.out_mmap_offset, PAGE);
}

static void mmap_offset_is_of_one_context(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	struct uapi_test other = *t;

	region_new(t, &n, 1, &d);
	other.c.fd = sim_open(t->h, 0);
	expect_errno(map_region(&other, d.out_mmap_offset, REGION), -ENXIO);
}

static void mmap_shows_in_data_and_is_shared(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	struct ioas_shm *a, *b;
	int m[2];

	region_new(t, &n, 0xfeedcafe, &d);
	for (unsigned int i = 0; i < 2; i++)
		m[i] = map_region(t, d.out_mmap_offset, d.out_mmap_length);
	assert_true(m[0] >= 0 && m[1] >= 0);
	a = sim_mapping_shm(t->h, m[0]);
	b = sim_mapping_shm(t->h, m[1]);
	assert_int_equal(a->length, REGION);
	assert_int_equal(*(uint32_t *)a->memory, 0xfeedcafe);
	for (size_t i = sizeof(uint32_t); i < REGION; i++)
		assert_int_equal(((uint8_t *)a->memory)[i], 0);
	memset(a->memory, 0x5a, REGION);
	assert_memory_equal(b->memory, a->memory, REGION);
	assert_int_equal(((uint8_t *)b->memory)[REGION - 1], 0x5a);
}

static void mmap_keeps_the_viommu_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	const uint32_t id = region_new(t, &n, 1, &d);
	const int first = map_region(t, PAGE, REGION);
	const int second = map_region(t, PAGE, REGION);

	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	sim_munmap(t->h, first);
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	sim_munmap(t->h, second);
	expect_ok(uc_destroy(&t->c, id));
	assert_int_equal(t->h->nr_shm, 0);
}

static void mmap_that_is_inherited_keeps_the_viommu_busy(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct sim_process *child = simhost_process(t->h, 0);
	struct ioas_abi_viommu_data_selftest d;
	const uint32_t id = region_new(t, &n, 1, &d);
	const int m = map_region(t, PAGE, REGION);

	child->mappings[m] = t->p->mappings[m];
	ioas_region_dup(child->mappings[m].region);
	ioas_ufile_get(child->mappings[m].file);
	sim_munmap(t->h, m);
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	simhost_exit(child);
	expect_ok(uc_destroy(&t->c, id));
}

static void mmap_keeps_the_context(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d;
	int m;

	region_new(t, &n, 0x11, &d);
	m = map_region(t, PAGE, REGION);
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	assert_int_equal(*(uint32_t *)sim_mapping_shm(t->h, m)->memory, 0x11);
	sim_munmap(t->h, m);
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(t->h->nr_shm, 0);
}

static void release_of_the_context_takes_all_of_it(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_new(t);
	struct ioas_abi_viommu_data_selftest d;

	region_new(t, &n, 1, &d);
	vdevice_new(t, n.viommu, n.dev.idev, 1);
	expect_ok(attach(t, n.dev.stdev,
			 nested_new(t, n.dev.idev, n.viommu, 0)));
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(t->h->nr_shm, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(mmap_of_no_length_is_einval),
		uapi_case(mmap_that_is_not_shared_is_einval),
		uapi_case(mmap_for_execution_is_eperm),
		uapi_case(mmap_outside_any_region_is_enxio),
		uapi_case(mmap_of_a_part_of_a_region_is_enxio),
		uapi_case(mmap_rounds_the_length_up_itself),
		uapi_case(mmap_offsets_are_the_lowest_that_are_free),
		uapi_case(mmap_offset_is_of_one_context),
		uapi_case(mmap_shows_in_data_and_is_shared),
		uapi_case(mmap_keeps_the_viommu_busy),
		uapi_case(mmap_that_is_inherited_keeps_the_viommu_busy),
		uapi_case(mmap_keeps_the_context),
		uapi_case(release_of_the_context_takes_all_of_it),
	};

	return cmocka_run_group_tests_name("mmap", tests, NULL, NULL);
}
