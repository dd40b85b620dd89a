/* SPDX-License-Identifier: MIT */
/*
 * contexts, their file, ids and lifetime (docs/reference/iommufd-uapi.md 2, 4,
 * 6.1, 6.2, 10)
 */
#include "uapi_fixture.h"

#define OPTION_GET IOAS_ABI_OPTION_OP_GET
#define RLIMIT_MODE IOAS_ABI_OPTION_RLIMIT_MODE
#define HUGE_PAGES IOAS_ABI_OPTION_HUGE_PAGES

/* ---- 2: the file --------------------------------------------------------- */

static void read_and_write_are_einval(void **state)
{
	struct uapi_test *t = *state;
	char buffer[8] = { 0 };

	expect_ret(uc_read(&t->c, t->c.fd, buffer, 8), -EINVAL);
	expect_ret(uc_read(&t->c, t->c.fd, buffer, 0), -EINVAL);
	expect_ret(uc_write(&t->c, t->c.fd, buffer, 8), -EINVAL);
}

static void poll_is_always_ready(void **state)
{
	struct uapi_test *t = *state;

	expect_ret(uc_poll(&t->c, t->c.fd) & (IOAS_POLLIN | IOAS_POLLOUT),
		   IOAS_POLLIN | IOAS_POLLOUT);
}

static void two_opens_share_nothing(void **state)
{
	struct uapi_test *t = *state;
	struct uclient other = t->c;
	uint32_t id = ioas_new(t);

	other.fd = sim_open(t->h, 0);
	assert_int_equal(sim_nr_contexts(t->h), 2);
	expect_errno(uc_destroy(&other, id), -ENOENT);
	expect_ok(uc_ioas_alloc(&other, &id));
	assert_int_equal(id, 1);
}

static void dup_is_the_same_context(void **state)
{
	struct uapi_test *t = *state;
	struct uclient other = t->c;
	uint32_t id = ioas_new(t);

	other.fd = sim_dup(t->h, t->c.fd);
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_ok(uc_destroy(&other, id));
	expect_ok(sim_close(t->h, other.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void last_close_unmaps_unpins_and_uncharges(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id = ioas_new(t);

	mock_new(t, id);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	assert_int_equal(pins(t), 4);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 4);
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(pins(t), 0);
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
}

static void access_file_keeps_the_context(void **state)
{
	struct uapi_test *t = *state;
	int access = access_new(t, ioas_new(t));

	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_ok(sim_close(t->h, access));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void fault_queue_file_keeps_the_context(void **state)
{
	struct uapi_test *t = *state;
	int fd = -1;

	expect_ok(uc_fault_queue(&t->c, NULL, &fd));
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	expect_ok(sim_close(t->h, fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void mock_device_does_not_keep_the_context(void **state)
{
	struct uapi_test *t = *state;

	mock_new(t, ioas_new(t));
	expect_ok(sim_close(t->h, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
}

static void vfio_node_starts_in_process_mode(void **state)
{
	struct uapi_test *t = *state;
	struct uclient vfio = t->c;
	uint64_t val = 7;

	vfio.fd = sim_open(t->h, IOAS_OPEN_VFIO);
	expect_ok(uc_option(&vfio, RLIMIT_MODE, OPTION_GET, 0, &val));
	assert_int_equal(val, 1);
	expect_ok(uc_option(&t->c, RLIMIT_MODE, OPTION_GET, 0, &val));
	assert_int_equal(val, 0);
}

/* ---- 10: mmap without a region ------------------------------------------- */

static void mmap_private_is_einval(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_mmap_request rq = { .offset = PAGE, .length = PAGE,
					.exec = true };

	expect_errno(sim_mmap(t->h, t->c.fd, &rq), -EINVAL);
}

static void mmap_executable_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_mmap_request rq = { .offset = PAGE, .length = PAGE,
					.shared = true, .exec = true };

	expect_errno(sim_mmap(t->h, t->c.fd, &rq), -EPERM);
}

static void mmap_of_no_region_is_enxio(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_mmap_request rq = { .length = PAGE, .shared = true };

	for (uint64_t offset = 0; offset < 4 * PAGE; offset += PAGE) {
		rq.offset = offset;
		expect_errno(sim_mmap(t->h, t->c.fd, &rq), -ENXIO);
	}
	rq.offset = U64 - PAGE + 1;
	expect_errno(sim_mmap(t->h, t->c.fd, &rq), -ENXIO);
}

/* ---- 4.2, 4.3, 6.1: ids and lifetime ------------------------------------- */

static void ids_begin_at_one_and_the_lowest_free_is_taken(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t id = 1; id <= 5; id++)
		assert_int_equal(ioas_new(t), id);
	expect_ok(uc_destroy(&t->c, 2));
	expect_ok(uc_destroy(&t->c, 4));
	assert_int_equal(ioas_new(t), 2);
	assert_int_equal(ioas_new(t), 4);
	assert_int_equal(ioas_new(t), 6);
}

static void ids_of_hundreds_of_objects_are_dense(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t id = 1; id <= 300; id++)
		assert_int_equal(ioas_new(t), id);
	for (uint32_t id = 300; id >= 1; id--)
		expect_ok(uc_destroy(&t->c, id));
	assert_int_equal(ioas_new(t), 1);
}

static void no_id_left_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	uint32_t id;

	sim_context(t->h, t->c.fd)->objects.max = 3;
	for (unsigned int i = 0; i < 3; i++)
		id = ioas_new(t);
	expect_errno(uc_ioas_alloc(&t->c, NULL), -EBUSY);
	expect_errno(uc_fault_queue(&t->c, NULL, NULL), -EBUSY);
	assert_int_equal(sim_nr_fds(t->h), 1);
	expect_ok(uc_destroy(&t->c, id));
	assert_int_equal(ioas_new(t), id);
}

static void failed_creation_frees_its_id(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_alloc s = { .flags = 0 };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_ALLOC, &s), -EFAULT);
	assert_int_equal(ioas_new(t), 1);
	assert_int_equal(ioas_new(t), 2);
}

static void destroy_of_no_object_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_errno(uc_destroy(&t->c, 0), -ENOENT);
	expect_errno(uc_destroy(&t->c, id + 1), -ENOENT);
	expect_errno(uc_destroy(&t->c, 0x7fffffff), -ENOENT);
	expect_errno(uc_destroy(&t->c, 0x80000000u), -ENOENT);
	expect_errno(uc_destroy(&t->c, UINT32_MAX), -ENOENT);
	expect_ok(uc_destroy(&t->c, id));
	expect_errno(uc_destroy(&t->c, id), -ENOENT);
}

static void destroy_writes_nothing(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_destroy s = { .id = ioas_new(t) };

	expect_ok(do_read_only(t, IOAS_ABI_DESTROY, &s));
}

static void areas_do_not_keep_a_space_busy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map(&t->c, id, VA_RUN, 2 * PAGE, UC_RW, NULL));
	expect_ok(uc_destroy(&t->c, id));
}

static void hwpt_keeps_its_space_busy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	uint32_t manual = 0;

	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(uc_hwpt(&t->c, m.idev, id, 0, &manual));
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(uc_destroy(&t->c, manual));
	expect_ok(uc_destroy(&t->c, id));
}

static void access_keeps_its_space_busy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	int access = access_new(t, id);

	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(sim_close(t->h, access));
	expect_ok(uc_destroy(&t->c, id));
}

static void replaced_access_frees_the_space_it_leaves(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t a = ioas_new(t), b = ioas_new(t);
	int access = access_new(t, a);

	expect_ok(uc_access_replace(&t->c, access, b));
	expect_ok(uc_destroy(&t->c, a));
	expect_errno(uc_destroy(&t->c, b), -EBUSY);
}

static void device_and_access_are_always_ebusy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	uint32_t next = ioas_new(t);

	expect_errno(uc_destroy(&t->c, m.idev), -EBUSY);
	/* The ACCESS object has the next id, which no reply tells. */
	access_new(t, id);
	expect_errno(uc_destroy(&t->c, next + 1), -EBUSY);
}

static void automatic_hwpt_goes_with_the_last_device(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock a = mock_new(t, id), b = mock_new(t, id);

	assert_int_equal(a.hwpt, b.hwpt);
	expect_errno(uc_destroy(&t->c, a.hwpt), -EBUSY);
	expect_ok(uc_destroy(&t->c, a.stdev));
	expect_errno(uc_destroy(&t->c, a.hwpt), -EBUSY);
	expect_ok(uc_destroy(&t->c, b.stdev));
	expect_errno(uc_destroy(&t->c, a.hwpt), -ENOENT);
	expect_errno(uc_destroy(&t->c, a.idev), -ENOENT);
	expect_ok(uc_destroy(&t->c, id));
}

static void hwpt_removal_lowers_the_alignment_and_frees_iova(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);

	assert_int_equal(alignment_of(t, id), IOAS_ABI_MOCK_PAGE_SIZE);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_RW, 0), -EINVAL);
	expect_ok(uc_destroy(&t->c, m.stdev));
	assert_int_equal(alignment_of(t, id), 1);
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_RW, 0));
}

static void id_of_another_type_is_no_space(void **state)
{
	struct uapi_test *t = *state;
	struct uc_mock m = mock_new(t, ioas_new(t));
	const uint32_t ids[] = { m.stdev, m.hwpt, m.idev };
	uint64_t val = 0;
	uint32_t nr = 0;

	for (unsigned int i = 0; i < 3; i++) {
		expect_errno(uc_allow(&t->c, ids[i], NULL, 0), -ENOENT);
		expect_errno(uc_ranges(&t->c, ids[i], NULL, &nr, NULL),
			     -ENOENT);
		expect_errno(uc_map(&t->c, ids[i], VA_RUN, PAGE, UC_R, NULL),
			     -ENOENT);
		expect_errno(uc_unmap_all(&t->c, ids[i], NULL), -ENOENT);
		expect_errno(uc_option(&t->c, HUGE_PAGES, OPTION_GET, ids[i],
				       &val),
			     -ENOENT);
		expect_errno(uc_vfio_ioas_set(&t->c, ids[i]), -ENOENT);
	}
}

/* ---- 6.2 IOAS_ALLOC ------------------------------------------------------ */

static void alloc_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	for (unsigned int bit = 0; bit < 32; bit++) {
		struct ioas_abi_ioas_alloc s = { .flags = 1u << bit };

		expect_errno(do_read_only(t, IOAS_ABI_IOAS_ALLOC, &s),
			     -EOPNOTSUPP);
	}
}

static void alloc_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_alloc s = { .flags = 0 };

	expect_errno(do_read_only(t, IOAS_ABI_IOAS_ALLOC, &s), -EFAULT);
	expect_errno(uc_destroy(&t->c, 1), -ENOENT);
}

static void new_space_is_all_iova_aligned_to_one(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_iova_range r[2] = { { 1, 1 }, { 2, 2 } };
	const uint32_t id = ioas_new(t);
	uint64_t alignment = 0, val = 0;
	uint32_t nr = 2;

	expect_ok(uc_ranges(&t->c, id, r, &nr, &alignment));
	assert_int_equal(nr, 1);
	assert_int_equal(r[0].start, 0);
	assert_int_equal(r[0].last, U64);
	assert_int_equal(r[1].start, 2);
	assert_int_equal(alignment, 1);
	expect_ok(uc_option(&t->c, HUGE_PAGES, OPTION_GET, id, &val));
	assert_int_equal(val, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(read_and_write_are_einval),
		uapi_case(poll_is_always_ready),
		uapi_case(two_opens_share_nothing),
		uapi_case(dup_is_the_same_context),
		uapi_case(last_close_unmaps_unpins_and_uncharges),
		uapi_case(access_file_keeps_the_context),
		uapi_case(fault_queue_file_keeps_the_context),
		uapi_case(mock_device_does_not_keep_the_context),
		uapi_case(vfio_node_starts_in_process_mode),
		uapi_case(mmap_private_is_einval),
		uapi_case(mmap_executable_is_eperm),
		uapi_case(mmap_of_no_region_is_enxio),
		uapi_case(ids_begin_at_one_and_the_lowest_free_is_taken),
		uapi_case(ids_of_hundreds_of_objects_are_dense),
		uapi_case(no_id_left_is_ebusy),
		uapi_case(failed_creation_frees_its_id),
		uapi_case(destroy_of_no_object_is_enoent),
		uapi_case(destroy_writes_nothing),
		uapi_case(areas_do_not_keep_a_space_busy),
		uapi_case(hwpt_keeps_its_space_busy),
		uapi_case(access_keeps_its_space_busy),
		uapi_case(replaced_access_frees_the_space_it_leaves),
		uapi_case(device_and_access_are_always_ebusy),
		uapi_case(automatic_hwpt_goes_with_the_last_device),
		uapi_case(hwpt_removal_lowers_the_alignment_and_frees_iova),
		uapi_case(id_of_another_type_is_no_space),
		uapi_case(alloc_unknown_flag_is_eopnotsupp),
		uapi_case(alloc_copy_out_fault_is_efault_and_undone),
		uapi_case(new_space_is_all_iova_aligned_to_one),
	};

	return cmocka_run_group_tests_name("contexts and ids", tests, NULL,
					   NULL);
}
