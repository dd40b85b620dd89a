/* SPDX-License-Identifier: MIT */
/*
 * software users of a space (docs/reference/iommufd-test-abi.md 4.7 to 4.10, 6;
 * iommufd-uapi.md 6.7 4d, 7.6); their reads and writes are in t_uapi_rw.c
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

#include "core/access.h"
#include "uapi/space.h"

#define NEEDS_PIN IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define WRITE IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE
#define SYZ IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ
#define PAGES(n) ((uint64_t)(n) * PAGE)
#define LENGTH_MAX (UINT64_C(16) << 20)
/* Where memory of any size is. */
#define VA_LARGE 0x10000000u

/* Eight pages of VA_RUN at IOVA, and an access that pins. */
struct pinning {
	uint32_t ioas;
	int fd;
};

static struct pinning pinning_new(struct uapi_test *t)
{
	struct pinning p = { .ioas = ioas_new(t) };

	p.fd = access_new(t, p.ioas);
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_RUN, PAGES(8), UC_RW, IOVA));
	return p;
}

static uint32_t pin(struct uapi_test *t, int fd, uint64_t iova,
		    uint64_t length)
{
	uint32_t item = NO_ID;

	expect_ok(uc_access_pin(&t->c, fd, 0, iova, length, &item));
	return item;
}

/* Numbers behind which there is no access file. */
static void not_an_access(struct uapi_test *t, int fds[6])
{
	fds[0] = -1;
	fds[1] = 0;
	fds[2] = SIM_FDS - 1;
	fds[3] = t->c.fd;
	fds[4] = sim_open_other(t->h);
	fds[5] = uc_dmabuf_get(&t->c, PAGE, 0);
}

/* ---- 4.7 CREATE_ACCESS --------------------------------------------------- */

static void create_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	t->p->limit = t->c.fd + 1;
	for (unsigned int bit = 1; bit < 32; bit++)
		expect_errno(uc_access_create(&t->c, NO_ID, 1u << bit, NULL),
			     -EOPNOTSUPP);
}

static void create_without_a_descriptor_is_enomem(void **state)
{
	struct uapi_test *t = *state;

	t->p->limit = t->c.fd + 1;
	expect_errno(uc_access_create(&t->c, NO_ID, 0, NULL), -ENOMEM);
	expect_errno(uc_access_create(&t->c, ioas_new(t), NEEDS_PIN, NULL),
		     -ENOMEM);
}

static void create_for_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	struct uc_mock m = mock_new(t, ioas_new(t));
	const uint32_t ids[] = { 0, NO_ID, m.hwpt, m.stdev, m.idev };
	const unsigned int fds = sim_nr_fds(t->h);

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_access_create(&t->c, ids[i], NEEDS_PIN, NULL),
			     -ENOENT);
	assert_int_equal(sim_nr_fds(t->h), fds);
}

static void create_for_misaligned_areas_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	static const struct {
		uint64_t va, length, iova;
	} areas[] = { { VA_RUN + 1, PAGE, IOVA },
		      { VA_RUN, PAGE - 1, IOVA },
		      { VA_RUN, PAGE, IOVA + 1 } };

	for (unsigned int i = 0; i < 3; i++) {
		int fd = -1;

		expect_ok(uc_map_fixed(&t->c, id, areas[i].va, areas[i].length,
				       UC_R, areas[i].iova));
		expect_errno(uc_access_create(&t->c, id, NEEDS_PIN, NULL),
			     -EADDRINUSE);
		/* One that does not pin asks for nothing. */
		expect_ok(uc_access_create(&t->c, id, 0, &fd));
		assert_int_equal(alignment_of(t, id), 1);
		expect_ok(uc_close(&t->c, fd));
		expect_ok(uc_unmap_all(&t->c, id, NULL));
	}
	expect_ok(uc_destroy(&t->c, id));
}

static void create_beyond_the_number_of_accesses_is_ebusy(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct ioas_space *space = ioas_space_get(sim_context(t->h, t->c.fd),
						  id);

	/* A process has not so many descriptors here. */
	space->ioas->nr_accesses = IOAS_MAX_ACCESSES;
	expect_errno(uc_access_create(&t->c, id, NEEDS_PIN, NULL), -EBUSY);
	assert_int_equal(alignment_of(t, id), 1);
	space->ioas->nr_accesses = IOAS_MAX_ACCESSES - 1;
	expect_ok(uc_access_create(&t->c, id, NEEDS_PIN, NULL));
	space->ioas->nr_accesses = 1;
	ioas_object_put(&space->obj);
}

static void create_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_CREATE_ACCESS,
				       .id = id,
				       .create_access.flags = NEEDS_PIN };
	const unsigned int fds = sim_nr_fds(t->h);

	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	assert_int_equal(sim_nr_fds(t->h), fds);
	assert_int_equal(alignment_of(t, id), 1);
	expect_ok(uc_destroy(&t->c, id));
}

static void create_gives_a_descriptor_that_closes_on_exec(void **state)
{
	struct uapi_test *t = *state;
	const int fd = access_new(t, ioas_new(t));

	assert_int_equal(t->p->fds[fd].flags, IOAS_FD_CLOEXEC);
	assert_string_equal(sim_file(t->h, fd)->ops->name,
			    "anon_inode:[iommufd_test_staccess]");
}

static void access_aligns_its_space_while_it_is_there(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	int pinning, plain;

	expect_ok(uc_access_create(&t->c, id, 0, &plain));
	assert_int_equal(alignment_of(t, id), 1);
	pinning = access_new(t, id);
	assert_int_equal(alignment_of(t, id), PAGE);
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE / 2, UC_R, IOVA),
		     -EINVAL);
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(uc_close(&t->c, pinning));
	assert_int_equal(alignment_of(t, id), 1);
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(uc_close(&t->c, plain));
	expect_ok(uc_destroy(&t->c, id));
}

static void access_object_goes_with_its_file(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const int fd = access_new(t, ioas), second = sim_dup(t->h, fd);

	expect_errno(uc_destroy(&t->c, ioas + 1), -EBUSY);
	expect_ok(uc_close(&t->c, fd));
	expect_errno(uc_destroy(&t->c, ioas + 1), -EBUSY);
	expect_ok(uc_close(&t->c, second));
	expect_errno(uc_destroy(&t->c, ioas + 1), -ENOENT);
}

/* ---- 4.9 ACCESS_PAGES ---------------------------------------------------- */

static int pages(struct uapi_test *t, int fd,
		 struct ioas_abi_test_access_pages s)
{
	return uc_access_pages(&t->c, fd, &s);
}

static void pages_beyond_16_mib_are_enomem(void **state)
{
	static const uint64_t lengths[] = { LENGTH_MAX + 1, U64 };

	for (unsigned int i = 0; i < 2; i++)
		expect_errno(pages(*state, -1,
				   (struct ioas_abi_test_access_pages){
					   .flags = UINT32_MAX,
					   .iova = U64,
					   .length = lengths[i],
					   .uptr = VA_HOLE }),
			     -ENOMEM);
}

static void pages_unknown_flag_is_eopnotsupp(void **state)
{
	for (unsigned int bit = 0; bit < 32; bit++) {
		if ((1u << bit) & (WRITE | SYZ))
			continue;
		expect_errno(pages(*state, -1,
				   (struct ioas_abi_test_access_pages){
					   .flags = 1u << bit,
					   .iova = U64,
					   .length = LENGTH_MAX }),
			     -EOPNOTSUPP);
	}
}

static void pages_of_no_access_are_ebadfd(void **state)
{
	struct uapi_test *t = *state;
	int fds[6];

	not_an_access(t, fds);
	for (unsigned int i = 0; i < 6; i++)
		expect_errno(pages(t, fds[i],
				   (struct ioas_abi_test_access_pages){
					   .iova = U64,
					   .length = LENGTH_MAX }),
			     -EBADFD);
}

static void pages_of_one_that_does_not_pin_are_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;
	int fd = -1;

	expect_ok(uc_access_create(&t->c, ioas_new(t), 0, &fd));
	expect_errno(uc_access_pin(&t->c, fd, 0, 0, 0, NULL), -EOPNOTSUPP);
	expect_errno(uc_access_pin(&t->c, fd, 0, U64, 2, NULL), -EOPNOTSUPP);
}

static void pages_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, 0, NULL), -EINVAL);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, U64, 0, NULL), -EINVAL);
}

static void pages_that_wrap_are_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_errno(uc_access_pin(&t->c, p.fd, 0, U64, 2, NULL), -EOVERFLOW);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, U64, 1, NULL), -ENOENT);
}

static void pages_that_begin_inside_a_page_are_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_RUN, PAGE, UC_W,
			       IOVA + PAGES(8)));
	/* Not readable, either; or with a gap behind. */
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA + PAGES(8) + 1, 1,
				   NULL),
		     -EINVAL);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA + PAGES(7) + 0x800,
				   PAGES(8), NULL),
		     -EINVAL);
	/* They may end inside one. */
	pin(t, p.fd, IOVA, 1);
	pin(t, p.fd, IOVA + PAGE, PAGE + 1);
	assert_int_equal(pins(t), 3);
}

static void pages_for_writing_of_a_mapping_that_cannot_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	/* And there is no such memory. */
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_HOLE, PAGE, UC_R,
			       IOVA + PAGES(8)));
	expect_errno(uc_access_pin(&t->c, p.fd, WRITE, IOVA + PAGES(8), PAGE,
				   NULL),
		     -EPERM);
	/* All or nothing. */
	expect_errno(uc_access_pin(&t->c, p.fd, WRITE, IOVA + PAGES(7),
				   PAGES(2), NULL),
		     -EPERM);
	assert_int_equal(pins(t), 0);
}

static void pages_for_reading_of_a_mapping_that_cannot_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_HOLE, PAGE, UC_W,
			       IOVA + PAGES(8)));
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA + PAGES(8), PAGE,
				   NULL),
		     -EPERM);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA + PAGES(7), PAGES(2),
				   NULL),
		     -EPERM);
	assert_int_equal(pins(t), 0);
}

static void pages_of_device_memory_are_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = p.ioas,
		.fd = uc_dmabuf_get(&t->c, PAGE, 0),
		.length = PAGE,
		.iova = IOVA + PAGES(8),
	};

	expect_ok(uc_map_file(&t->c, &s));
	expect_errno(uc_access_pin(&t->c, p.fd, 0, s.iova, PAGE, NULL),
		     -EINVAL);
	expect_errno(uc_access_pin(&t->c, p.fd, WRITE, IOVA, PAGES(9), NULL),
		     -EINVAL);
	assert_int_equal(pins(t), 0);
}

static void pages_that_cannot_be_pinned_are_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_HOLE - PAGE, PAGES(2), UC_RW,
			       IOVA + PAGES(8)));
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, PAGES(10), NULL),
		     -EFAULT);
	assert_int_equal(pins(t), 0);
}

static void pages_beyond_the_lock_limit_are_enomem(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	atomic_store(&t->p->principal->limit, 3);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, PAGES(4), NULL),
		     -ENOMEM);
	assert_int_equal(pins(t), 0);
	pin(t, p.fd, IOVA, PAGES(3));
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 3);
	/* What is pinned is charged once. */
	pin(t, p.fd, IOVA, PAGES(2));
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 3);
}

static void pages_with_a_gap_are_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA + PAGES(8), 1, NULL),
		     -ENOENT);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, PAGES(9), NULL),
		     -ENOENT);
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA - PAGE, PAGES(2), NULL),
		     -ENOENT);
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_RUN, PAGE, UC_R,
			       IOVA + PAGES(9)));
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, PAGES(10), NULL),
		     -ENOENT);
	assert_int_equal(pins(t), 0);
}

static int compare(struct uapi_test *t, int fd, uint64_t iova, uint64_t length,
		   uint64_t uptr)
{
	return pages(t, fd,
		     (struct ioas_abi_test_access_pages){ .iova = iova,
							  .length = length,
							  .uptr = uptr });
}

static void pages_that_are_not_those_of_the_caller_are_ebade(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_errno(compare(t, p.fd, IOVA, PAGE, VA_RUN + PAGE), -EBADE);
	expect_errno(compare(t, p.fd, IOVA, PAGES(8), VA_SCATTERED), -EBADE);
	/* One of many, moved away since. */
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_SCATTERED, PAGES(8), UC_R,
			       IOVA + PAGES(8)));
	pin(t, p.fd, IOVA + PAGES(8), PAGES(8));
	assert_int_equal(ioas_sim_remap(t->p->memory, VA_SCATTERED / PAGE + 7,
					1, IOAS_SIM_SCATTERED),
			 0);
	expect_errno(compare(t, p.fd, IOVA + PAGES(8), PAGES(8), VA_SCATTERED),
		     -EBADE);
	expect_ok(compare(t, p.fd, IOVA + PAGES(8), PAGES(7), VA_SCATTERED));
	/* The pins of those that failed are gone. */
	assert_int_equal(pins(t), 8);
}

static void pages_that_the_caller_has_not_are_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_errno(compare(t, p.fd, IOVA, PAGE, VA_HOLE), -EFAULT);
	expect_errno(compare(t, p.fd, IOVA, PAGE, U64), -EFAULT);
	/* The first page is another one: that is found before. */
	expect_errno(compare(t, p.fd, IOVA, PAGES(2),
			     VA_RUN + PAGES(VA_PAGES - 1)),
		     -EBADE);
	sim_unmap_memory(t->h, VA_RUN + PAGES(7), PAGE);
	expect_errno(compare(t, p.fd, IOVA + PAGES(6), PAGES(2),
			     VA_RUN + PAGES(6)),
		     -EFAULT);
	assert_int_equal(pins(t), 0);
}

static void pages_that_are_the_same_are_an_item(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_SCATTERED, PAGES(64), UC_R,
			       IOVA + PAGES(8)));
	expect_ok(compare(t, p.fd, IOVA, PAGES(8), VA_RUN));
	expect_ok(compare(t, p.fd, IOVA + PAGES(8), PAGES(64), VA_SCATTERED));
	expect_ok(compare(t, p.fd, IOVA + PAGES(20), PAGES(2) + 1,
			  VA_SCATTERED + PAGES(12)));
	assert_int_equal(pins(t), 72);
}

static void pages_are_numbered_from_zero_in_each_access(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const int second = access_new(t, p.ioas);

	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(pin(t, p.fd, IOVA, PAGE), i);
	assert_int_equal(pin(t, second, IOVA, PAGE), 0);
	/* A number is not used again. */
	expect_ok(uc_access_unpin(&t->c, p.fd, 1));
	assert_int_equal(pin(t, p.fd, IOVA, PAGE), 3);
	expect_errno(uc_access_unpin(&t->c, p.fd, 1), -ENOENT);
}

static void pages_may_be_pinned_several_times(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	uint32_t items[3];

	for (unsigned int i = 0; i < 3; i++)
		items[i] = pin(t, p.fd, IOVA + i * PAGE, PAGES(3));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(5), 1));
	expect_ok(uc_access_unpin(&t->c, p.fd, items[1]));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(5), 1));
	expect_ok(uc_access_unpin(&t->c, p.fd, items[0]));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(2), 0));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(2), PAGES(3), 1));
	expect_ok(uc_access_unpin(&t->c, p.fd, items[2]));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(5), 0));
}

static void pages_of_16_mib_can_be_pinned(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	sim_map_memory(t->h, VA_LARGE, LENGTH_MAX, IOAS_SIM_RUNS, 0);
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_LARGE, LENGTH_MAX, UC_RW,
			       2 * IOVA));
	expect_ok(compare(t, p.fd, 2 * IOVA, LENGTH_MAX, VA_LARGE));
	assert_int_equal(pins(t), LENGTH_MAX / PAGE);
}

static void pages_copy_out_fault_is_efault_and_undone(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ACCESS_PAGES,
		.id = (uint32_t)p.fd,
		.access_pages = { .iova = IOVA, .length = PAGE },
	};

	expect_errno(do_read_only(t, IOAS_ABI_TEST_CMD, &s), -EFAULT);
	assert_int_equal(pins(t), 0);
	assert_int_equal(pin(t, p.fd, IOVA, PAGE), 0);
}

/* ---- 4.10 DESTROY_ACCESS_PAGES ------------------------------------------- */

static void unpin_of_no_access_is_ebadfd(void **state)
{
	struct uapi_test *t = *state;
	int fds[6];

	not_an_access(t, fds);
	for (unsigned int i = 0; i < 6; i++)
		expect_errno(uc_access_unpin(&t->c, fds[i], 0), -EBADFD);
}

static void unpin_of_no_item_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	uint32_t item;

	expect_errno(uc_access_unpin(&t->c, p.fd, 0), -ENOENT);
	item = pin(t, p.fd, IOVA, PAGE);
	expect_errno(uc_access_unpin(&t->c, p.fd, item + 1), -ENOENT);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
	expect_errno(uc_access_unpin(&t->c, p.fd, item), -ENOENT);
}

/* ---- 4.8 ACCESS_REPLACE_IOAS --------------------------------------------- */

static void replace_of_no_access_is_ebadfd(void **state)
{
	struct uapi_test *t = *state;
	int fds[6];

	not_an_access(t, fds);
	for (unsigned int i = 0; i < 6; i++)
		expect_errno(uc_access_replace(&t->c, fds[i], NO_ID), -EBADFD);
}

static void replace_by_no_space_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct uc_mock m = mock_new(t, ioas_new(t));
	const uint32_t ids[] = { 0, NO_ID, m.hwpt, m.stdev, m.idev };
	const uint32_t item = pin(t, p.fd, IOVA, PAGE);

	for (unsigned int i = 0; i < 5; i++)
		expect_errno(uc_access_replace(&t->c, p.fd, ids[i]), -ENOENT);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
}

static void replace_by_misaligned_areas_is_eaddrinuse(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t other = ioas_new(t);
	const uint32_t item = pin(t, p.fd, IOVA, PAGE);

	expect_ok(uc_map_fixed(&t->c, other, VA_RUN, 1, UC_R, IOVA));
	expect_errno(uc_access_replace(&t->c, p.fd, other), -EADDRINUSE);
	/* It is where it was, with what it had. */
	expect_errno(uc_destroy(&t->c, p.ioas), -EBUSY);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
	expect_ok(uc_destroy(&t->c, other));
}

static void replace_by_the_same_space_changes_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t item = pin(t, p.fd, IOVA, PAGES(2));

	expect_ok(uc_access_replace(&t->c, p.fd, p.ioas));
	assert_int_equal(pins(t), 2);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
}

static void replace_drops_all_items(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t other = ioas_new(t);
	uint32_t items[3];

	for (unsigned int i = 0; i < 3; i++)
		items[i] = pin(t, p.fd, IOVA + i * PAGE, PAGES(2));
	expect_ok(uc_access_replace(&t->c, p.fd, other));
	assert_int_equal(pins(t), 0);
	for (unsigned int i = 0; i < 3; i++)
		expect_errno(uc_access_unpin(&t->c, p.fd, items[i]), -ENOENT);
	/* Nothing is mapped there. */
	expect_errno(uc_access_pin(&t->c, p.fd, 0, IOVA, PAGE, NULL), -ENOENT);
	assert_int_equal(alignment_of(t, p.ioas), 1);
	assert_int_equal(alignment_of(t, other), PAGE);
	expect_ok(uc_destroy(&t->c, p.ioas));
	expect_errno(uc_destroy(&t->c, other), -EBUSY);
}

/* ---- 4.24: the fuzzing aid ----------------------------------------------- */

static uint64_t syz(uint32_t n, uint32_t offset)
{
	return (uint64_t)offset << 32 | n;
}

static void syz_pin_counts_areas_in_ascending_order(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_SCATTERED, PAGES(2), UC_R,
			       IOVA / 2));
	expect_ok(uc_access_pin(&t->c, p.fd, SYZ, syz(0, PAGE), PAGE, NULL));
	expect_ok(uc_access_pin(&t->c, p.fd, SYZ | WRITE, syz(1, 0), PAGE,
				NULL));
	expect_ok(uc_check_refs(&t->c, VA_SCATTERED + PAGE, PAGE, 1));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGE, 1));
	assert_int_equal(pins(t), 2);
	/* Beyond the area, and one that is not there: IOVA 0. */
	expect_errno(uc_access_pin(&t->c, p.fd, SYZ, syz(0, PAGES(2)), PAGE,
				   NULL),
		     -ENOENT);
	expect_errno(uc_access_pin(&t->c, p.fd, SYZ, syz(2, 0), PAGE, NULL),
		     -ENOENT);
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_RUN, PAGE, UC_R, 0));
	expect_ok(uc_access_pin(&t->c, p.fd, SYZ, syz(99, PAGE), PAGE, NULL));
}

static void syz_copy_counts_areas_of_the_source(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);
	struct uc_mock m = mock_new(t, dst);
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED | SYZ,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = PAGE,
					.dst_iova = IOVA,
					.src_iova = syz(1, PAGE) };

	expect_ok(uc_map_fixed(&t->c, src, VA_RUN, PAGE, UC_R, PAGE));
	expect_ok(uc_map_fixed(&t->c, src, VA_SCATTERED, PAGES(2), UC_R,
			       PAGES(4)));
	expect_ok(uc_copy(&t->c, &s));
	assert_int_equal(s.flags, UC_R | UC_FIXED);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGE,
			       VA_SCATTERED + PAGE));
}

/* ---- 6: unmap ------------------------------------------------------------ */

static void unmap_drops_every_item_that_it_meets(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const int second = access_new(t, p.ioas);
	uint32_t a, b, c, d;

	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_SCATTERED, PAGES(4), UC_R,
			       IOVA + PAGES(8)));
	a = pin(t, p.fd, IOVA, PAGE);
	b = pin(t, p.fd, IOVA + PAGES(7), PAGES(2));
	c = pin(t, p.fd, IOVA + PAGES(9), PAGE);
	d = pin(t, second, IOVA + PAGES(8), PAGE);
	expect_ok(uc_unmap(&t->c, p.ioas, IOVA, PAGES(8), NULL));
	expect_errno(uc_access_unpin(&t->c, p.fd, a), -ENOENT);
	/* Also the part in the area that stays. */
	expect_errno(uc_access_unpin(&t->c, p.fd, b), -ENOENT);
	assert_int_equal(pins(t), 2);
	expect_ok(uc_access_unpin(&t->c, p.fd, c));
	expect_ok(uc_access_unpin(&t->c, second, d));
	assert_int_equal(pins(t), 0);
}

static void unmap_tells_every_access(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	int fds[3];

	for (unsigned int i = 0; i < 3; i++) {
		fds[i] = access_new(t, p.ioas);
		pin(t, fds[i], IOVA + i * PAGE, PAGE);
		pin(t, fds[i], IOVA, PAGES(8));
	}
	expect_ok(uc_unmap_all(&t->c, p.ioas, NULL));
	assert_int_equal(pins(t), 0);
	for (unsigned int i = 0; i < 3; i++)
		for (uint32_t item = 0; item < 2; item++)
			expect_errno(uc_access_unpin(&t->c, fds[i], item),
				     -ENOENT);
}

static void unmap_that_does_not_fit_drops_nothing(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t item = pin(t, p.fd, IOVA, PAGE);

	/* 4c comes before 4d. */
	expect_errno(uc_unmap(&t->c, p.ioas, IOVA, PAGES(7), NULL), -ENOENT);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
}

static void unmap_by_the_container_drops_items(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t item = pin(t, p.fd, IOVA, PAGE);
	uint64_t size = PAGES(8);

	expect_ok(uc_vfio_ioas_set(&t->c, p.ioas));
	expect_ok(uc_vfio_unmap(&t->c, IOVA, &size, 0));
	assert_int_equal(size, PAGES(8));
	assert_int_equal(pins(t), 0);
	expect_errno(uc_access_unpin(&t->c, p.fd, item), -ENOENT);
}

static void unmap_frees_the_range_for_new_items(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	pin(t, p.fd, IOVA, PAGE);
	expect_ok(uc_unmap(&t->c, p.ioas, IOVA, PAGES(8), NULL));
	expect_ok(uc_map_fixed(&t->c, p.ioas, VA_SCATTERED, PAGES(8), UC_R,
			       IOVA));
	expect_ok(compare(t, p.fd, IOVA, PAGES(8), VA_SCATTERED));
}

/* ---- 6: life, pins ------------------------------------------------------- */

static void close_drops_all_items(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	for (unsigned int i = 0; i < 4; i++)
		pin(t, p.fd, IOVA + i * PAGE, PAGES(2));
	assert_int_equal(pins(t), 5);
	expect_ok(uc_close(&t->c, p.fd));
	assert_int_equal(pins(t), 0);
	expect_ok(uc_destroy(&t->c, p.ioas));
}

static void file_keeps_the_context_and_its_pins(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);

	pin(t, p.fd, IOVA, PAGES(2));
	expect_ok(uc_close(&t->c, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 1);
	assert_int_equal(pins(t), 2);
	expect_ok(uc_close(&t->c, p.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
	assert_int_equal(pins(t), 0);
}

static void items_stay_pinned_when_all_devices_go(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct uc_mock m = mock_new(t, p.ioas);

	assert_int_equal(pins(t), 8);
	pin(t, p.fd, IOVA + PAGE, PAGES(3));
	assert_int_equal(pins(t), 8);
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGE, 0));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGE, PAGES(3), 1));
	expect_ok(uc_check_refs(&t->c, VA_RUN + PAGES(4), PAGES(4), 0));
}

static void items_are_reused_by_a_device(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct uc_mock m;
	uint32_t item = pin(t, p.fd, IOVA + PAGE, PAGES(3));

	/* The program moves on; the device gets what is pinned. */
	assert_int_equal(ioas_sim_remap(t->p->memory, VA_RUN / PAGE + 2, 1,
					IOAS_SIM_SCATTERED),
			 0);
	m = mock_new(t, p.ioas);
	assert_int_equal(pins(t), 8);
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA, PAGES(2), VA_RUN));
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA + PAGES(2), PAGE,
				  VA_RUN + PAGES(2)),
		     -EINVAL);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
	assert_int_equal(pins(t), 8);
	expect_ok(uc_destroy(&t->c, m.stdev));
	assert_int_equal(pins(t), 0);
}

static void items_are_reused_by_a_copy(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	const uint32_t dst = ioas_new(t);
	struct uc_mock m = mock_new(t, dst);
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = dst,
					.src_ioas_id = p.ioas,
					.length = PAGES(8),
					.dst_iova = 2 * IOVA,
					.src_iova = IOVA };

	pin(t, p.fd, IOVA, PAGES(4));
	expect_ok(uc_copy(&t->c, &s));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 1));
	expect_ok(uc_check_map(&t->c, m.hwpt, 2 * IOVA, PAGES(8), VA_RUN));
	/* They hold each other's pages, in whatever order they go. */
	expect_ok(uc_unmap(&t->c, p.ioas, IOVA, PAGES(8), NULL));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 1));
	/* The same memory mapped again is another source. */
	expect_ok(uc_map_fixed(&t->c, dst, VA_RUN, PAGES(8), UC_R, IOVA));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 2));
	expect_ok(uc_unmap(&t->c, dst, 2 * IOVA, PAGES(8), NULL));
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(8), 1));
}

static void items_pin_the_memory_of_who_mapped(void **state)
{
	struct uapi_test *t = *state;
	const struct pinning p = pinning_new(t);
	struct sim_process *other = simhost_process(t->h, 1);
	struct uclient theirs = t->c;
	const int fd = sim_send(t->h, p.fd, other);
	uint32_t item = 0;

	theirs.fd = sim_send(t->h, t->c.fd, other);
	simhost_enter(t->h, other);
	expect_ok(uc_access_pin(&theirs, fd, WRITE, IOVA, PAGES(2), &item));
	simhost_enter(t->h, t->p);
	expect_ok(uc_check_refs(&t->c, VA_RUN, PAGES(2), 1));
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 2);
	assert_int_equal(atomic_load(&t->h->users[1]->charged), 0);
	/* And outlive the process that pinned. */
	simhost_exit(other);
	assert_int_equal(pins(t), 2);
	expect_ok(uc_access_unpin(&t->c, p.fd, item));
}

static void items_of_a_process_that_is_gone(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 1);
	const uint32_t id = ioas_new(t);
	const int fd = access_new(t, id);
	struct uclient theirs = t->c;

	theirs.fd = sim_send(t->h, t->c.fd, other);
	simhost_enter(t->h, other);
	sim_map_memory(t->h, VA_RUN, PAGES(4), IOAS_SIM_SCATTERED, 0);
	expect_ok(uc_map_fixed(&theirs, id, VA_RUN, PAGES(4), UC_RW, IOVA));
	simhost_enter(t->h, t->p);
	pin(t, fd, IOVA, PAGES(2));
	simhost_exit(other);
	/* What is held can be pinned again, the rest cannot. */
	pin(t, fd, IOVA, PAGES(2));
	pin(t, fd, IOVA + PAGE, PAGE);
	expect_errno(uc_access_pin(&t->c, fd, 0, IOVA + PAGE, PAGES(2), NULL),
		     -EFAULT);
	assert_int_equal(pins(t), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(create_unknown_flag_is_eopnotsupp),
		uapi_case(create_without_a_descriptor_is_enomem),
		uapi_case(create_for_no_space_is_enoent),
		uapi_case(create_for_misaligned_areas_is_eaddrinuse),
		uapi_case(create_beyond_the_number_of_accesses_is_ebusy),
		uapi_case(create_copy_out_fault_is_efault_and_undone),
		uapi_case(create_gives_a_descriptor_that_closes_on_exec),
		uapi_case(access_aligns_its_space_while_it_is_there),
		uapi_case(access_object_goes_with_its_file),
		uapi_case(pages_beyond_16_mib_are_enomem),
		uapi_case(pages_unknown_flag_is_eopnotsupp),
		uapi_case(pages_of_no_access_are_ebadfd),
		uapi_case(pages_of_one_that_does_not_pin_are_eopnotsupp),
		uapi_case(pages_length_zero_is_einval),
		uapi_case(pages_that_wrap_are_eoverflow),
		uapi_case(pages_that_begin_inside_a_page_are_einval),
		uapi_case(pages_for_writing_of_a_mapping_that_cannot_is_eperm),
		uapi_case(pages_for_reading_of_a_mapping_that_cannot_is_eperm),
		uapi_case(pages_of_device_memory_are_einval),
		uapi_case(pages_that_cannot_be_pinned_are_efault),
		uapi_case(pages_beyond_the_lock_limit_are_enomem),
		uapi_case(pages_with_a_gap_are_enoent),
		uapi_case(pages_that_are_not_those_of_the_caller_are_ebade),
		uapi_case(pages_that_the_caller_has_not_are_efault),
		uapi_case(pages_that_are_the_same_are_an_item),
		uapi_case(pages_are_numbered_from_zero_in_each_access),
		uapi_case(pages_may_be_pinned_several_times),
		uapi_case(pages_of_16_mib_can_be_pinned),
		uapi_case(pages_copy_out_fault_is_efault_and_undone),
		uapi_case(unpin_of_no_access_is_ebadfd),
		uapi_case(unpin_of_no_item_is_enoent),
		uapi_case(replace_of_no_access_is_ebadfd),
		uapi_case(replace_by_no_space_is_enoent),
		uapi_case(replace_by_misaligned_areas_is_eaddrinuse),
		uapi_case(replace_by_the_same_space_changes_nothing),
		uapi_case(replace_drops_all_items),
		uapi_case(syz_pin_counts_areas_in_ascending_order),
		uapi_case(syz_copy_counts_areas_of_the_source),
		uapi_case(unmap_drops_every_item_that_it_meets),
		uapi_case(unmap_tells_every_access),
		uapi_case(unmap_that_does_not_fit_drops_nothing),
		uapi_case(unmap_by_the_container_drops_items),
		uapi_case(unmap_frees_the_range_for_new_items),
		uapi_case(close_drops_all_items),
		uapi_case(file_keeps_the_context_and_its_pins),
		uapi_case(items_stay_pinned_when_all_devices_go),
		uapi_case(items_are_reused_by_a_device),
		uapi_case(items_are_reused_by_a_copy),
		uapi_case(items_pin_the_memory_of_who_mapped),
		uapi_case(items_of_a_process_that_is_gone),
	};

	return cmocka_run_group_tests_name("accesses", tests, NULL, NULL);
}
