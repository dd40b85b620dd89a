/* SPDX-License-Identifier: MIT */
/*
 * dma-bufs of the mock, their mappings and their end
 * (docs/reference/iommufd-test-abi.md 4.22, 4.23; iommufd-uapi.md 6.16)
 *
 * No program has the pages of a dma-buf, so MD_CHECK_MAP cannot see them. What
 * is mapped shows by the bits that DIRTY leaves, and here by asking the domain.
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

#include "domain/ops.h"
#include "uapi/hwpt.h"

#define PAGES(n) ((uint64_t)(n) * PAGE)
#define LAST_PAGE (U64 - PAGE + 1)
#define PAGES_MAX 512u
/* O_CLOEXEC of open(2). */
#define CLOEXEC 02000000u

static int buffer_new(struct uapi_test *t, uint64_t length)
{
	int fd = uc_dmabuf_get(&t->c, (uint32_t)length, 0);

	assert_true(fd >= 0);
	return fd;
}

static int map_at(struct uapi_test *t, uint32_t ioas, int fd, uint64_t start,
		  uint64_t length, uint64_t iova)
{
	struct ioas_abi_ioas_map_file s = { .flags = UC_RW | UC_FIXED,
					    .ioas_id = ioas,
					    .fd = fd,
					    .start = start,
					    .length = length,
					    .iova = iova };

	return uc_map_file(&t->c, &s);
}

/* Where a domain leads from an IOVA; false: nowhere. */
static bool leads(struct uapi_test *t, uint32_t hwpt, uint64_t iova,
		  uint64_t *addr)
{
	struct ioas_hwpt *h =
		ioas_hwpt_get_paging(sim_context(t->h, t->c.fd), hwpt);
	uint64_t length;
	int ret;

	assert_non_null(h);
	ret = h->domain->ops->translate_run(h->domain, iova, iova, NULL, addr,
					    &length);
	ioas_pt_put(&h->obj);
	return !ret;
}

static bool is_mapped(struct uapi_test *t, uint32_t hwpt, uint64_t iova)
{
	uint64_t addr;

	return leads(t, hwpt, iova, &addr);
}

/* ---- 4.22 DMABUF_GET ----------------------------------------------------- */

static void get_of_no_length_or_too_much_is_einval(void **state)
{
	struct uapi_test *t = *state;
	static const uint32_t lengths[] = { 0, PAGES_MAX * PAGE + 1,
					    UINT32_MAX - PAGE + 2,
					    UINT32_MAX };

	/* Nor is there a descriptor. */
	t->p->limit = t->c.fd + 1;
	for (unsigned int i = 0; i < 4; i++)
		expect_errno(uc_dmabuf_get(&t->c, lengths[i], UINT32_MAX),
			     -EINVAL);
}

static void get_without_a_descriptor_is_emfile(void **state)
{
	struct uapi_test *t = *state;

	t->p->limit = t->c.fd + 1;
	expect_errno(uc_dmabuf_get(&t->c, PAGE, 0), -EMFILE);
	t->p->limit++;
	assert_int_equal(uc_dmabuf_get(&t->c, PAGE, 0), t->c.fd + 1);
}

static void get_returns_the_descriptor(void **state)
{
	struct uapi_test *t = *state;

	for (int i = 1; i < 4; i++)
		assert_int_equal(uc_dmabuf_get(&t->c, PAGE, 0), t->c.fd + i);
}

static void get_writes_nothing(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_DMABUF_GET,
				       .dmabuf_get.length = PAGE };

	assert_int_equal(do_read_only(t, IOAS_ABI_TEST_CMD, &s), t->c.fd + 1);
}

static void get_open_flags_are_of_the_descriptor(void **state)
{
	struct uapi_test *t = *state;
	const int plain = uc_dmabuf_get(&t->c, PAGE, 0);
	const int cloexec = uc_dmabuf_get(&t->c, PAGE, CLOEXEC);

	assert_int_equal(t->p->fds[plain].flags, 0);
	assert_int_equal(t->p->fds[cloexec].flags, IOAS_FD_CLOEXEC);
}

static void get_length_is_rounded_up_to_pages(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	static const struct {
		uint32_t length, pages;
	} sizes[] = { { 1, 1 },
		      { PAGE - 1, 1 },
		      { PAGE, 1 },
		      { PAGE + 1, 2 },
		      { (PAGES_MAX - 1) * PAGE + 1, PAGES_MAX },
		      { PAGES_MAX * PAGE, PAGES_MAX } };

	for (unsigned int i = 0; i < 6; i++) {
		const int fd = buffer_new(t, sizes[i].length);
		const uint64_t size = PAGES(sizes[i].pages);

		expect_errno(map_at(t, id, fd, 0, size + 1, IOVA), -EINVAL);
		expect_ok(map_at(t, id, fd, 0, size, IOVA));
		expect_ok(uc_unmap(&t->c, id, IOVA, size, NULL));
		expect_ok(uc_close(&t->c, fd));
	}
}

static void get_memory_is_contiguous_and_lies_as_the_file_does(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = buffer_new(t, PAGES(PAGES_MAX));
	uint64_t first = 0, addr = 0;

	expect_ok(map_at(t, id, fd, 0, PAGES(PAGES_MAX), IOVA));
	expect_ok(map_at(t, id, fd, PAGES(3) + 0x800, PAGES(2), 2 * IOVA));
	assert_true(leads(t, m.hwpt, IOVA, &first));
	for (uint64_t i = 0; i < PAGES_MAX; i++) {
		assert_true(leads(t, m.hwpt, IOVA + PAGES(i) + 5, &addr));
		assert_int_equal(addr, first + PAGES(i) + 5);
	}
	assert_true(leads(t, m.hwpt, 2 * IOVA, &addr));
	assert_int_equal(addr, first + PAGES(3) + 0x800);
}

static void get_file_can_do_nothing_else(void **state)
{
	struct uapi_test *t = *state;
	const int fd = buffer_new(t, PAGE);
	const struct ioas_mmap_request rq = { .length = PAGE, .shared = true };

	expect_errno(sim_mmap(t->h, fd, &rq), -ENODEV);
	expect_errno(sim_read(t->h, fd, VA_RUN, 1), -EINVAL);
	expect_errno(sim_write(t->h, fd, VA_RUN, 1), -EINVAL);
	expect_errno(sim_ioctl(t->h, fd, IOAS_ABI_IOAS_ALLOC, VA_RUN), -ENOTTY);
}

static void get_keeps_no_context(void **state)
{
	struct uapi_test *t = *state;
	const int fd = buffer_new(t, PAGE);
	const uint32_t id = ioas_new(t);

	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA));
	expect_ok(uc_close(&t->c, t->c.fd));
	assert_int_equal(sim_nr_contexts(t->h), 0);
	/* And is good for the next one. */
	t->c.fd = sim_open(t->h, 0);
	expect_ok(map_at(t, ioas_new(t), fd, 0, PAGE, IOVA));
}

/* ---- 6.16 MAP_FILE ------------------------------------------------------- */

static void map_beyond_the_end_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int fd = buffer_new(t, PAGES(2));
	/* More pages than can be counted, too. */
	const uint64_t many = LAST_PAGE;

	/* Revoked: that would be ENODEV. */
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_errno(map_at(t, id, fd, 0, PAGES(2) + 1, IOVA), -EINVAL);
	expect_errno(map_at(t, id, fd, PAGE + 1, PAGE, IOVA), -EINVAL);
	expect_errno(map_at(t, id, fd, PAGES(2), 1, IOVA), -EINVAL);
	expect_errno(map_at(t, id, fd, U64 - 1, 1, IOVA), -EINVAL);
	expect_errno(map_at(t, id, fd, 0, many, IOVA), -EINVAL);
}

static void map_of_a_revoked_one_is_enodev(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);
	const int fd = buffer_new(t, PAGES(2));

	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	/* Before all that has to do with the IOVA, and the alignment. */
	expect_errno(map_at(t, id, fd, 0, PAGE, IOVA), -ENODEV);
	expect_errno(map_at(t, id, fd, 1, 1, IOVA + 1), -ENODEV);
	expect_errno(map_at(t, id, fd, 0, PAGES(2), LAST_PAGE), -ENODEV);
	/* And again usable. */
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 0));
	expect_errno(map_at(t, id, fd, 0, PAGE, IOVA), -EEXIST);
	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA + PAGE));
}

static void map_then_is_judged_as_memory_is(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);
	const int fd = buffer_new(t, PAGES(4));

	expect_errno(map_at(t, id, fd, 1, PAGE - 1, LAST_PAGE), -EINVAL);
	expect_errno(map_at(t, id, fd, 1, PAGES(2), IOVA + 1), -EINVAL);
	expect_errno(map_at(t, id, fd, 1, PAGES(2), LAST_PAGE), -EOVERFLOW);
	expect_ok(uc_add_reserved(&t->c, id, IOVA + PAGE, 1));
	expect_errno(map_at(t, id, fd, 1, PAGES(2), IOVA), -EINVAL);
	expect_errno(map_at(t, id, fd, 1, PAGES(2), 2 * IOVA), -EINVAL);
	expect_ok(map_at(t, id, fd, 0, PAGES(2), 2 * IOVA));
	expect_errno(map_at(t, id, fd, 1, PAGES(2), 2 * IOVA + PAGE),
		     -EEXIST);
}

static void map_finds_an_iova_by_itself(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_map_file s = { .flags = UC_R,
					    .ioas_id = ioas_new(t),
					    .fd = buffer_new(t, PAGES(8)),
					    .start = 0x20,
					    .length = PAGES(4) };

	expect_ok(uc_map_file(&t->c, &s));
	/* The offset in the file counts as an address does. */
	assert_int_equal(s.iova, PAGE + 0x20);
	s.start = 0;
	expect_ok(uc_map_file(&t->c, &s));
	assert_int_equal(s.iova, PAGES(8));
}

static void map_is_not_accounted(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);

	atomic_store(&t->p->principal->limit, 0);
	expect_ok(map_at(t, id, buffer_new(t, PAGES(64)), 0, PAGES(64), IOVA));
	assert_true(is_mapped(t, m.hwpt, IOVA + PAGES(63)));
	assert_int_equal(atomic_load(&t->h->users[0]->charged), 0);
	assert_int_equal(atomic_load(&t->p->mm->charged), 0);
	assert_int_equal(atomic_load(&t->p->mm->pinned), 0);
	assert_int_equal(pins(t), 0);
}

static void map_outlives_the_descriptor(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = buffer_new(t, PAGE);

	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA));
	expect_ok(uc_close(&t->c, fd));
	assert_true(is_mapped(t, m.hwpt, IOVA));
	expect_ok(uc_unmap(&t->c, id, IOVA, PAGE, NULL));
	assert_false(is_mapped(t, m.hwpt, IOVA));
}

static void map_is_in_every_domain_and_in_later_ones(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int fd = buffer_new(t, PAGES(2));
	struct uc_mock m;
	uint32_t second = 0;

	expect_ok(map_at(t, id, fd, 0, PAGES(2), IOVA));
	m = mock_new(t, id);
	assert_true(is_mapped(t, m.hwpt, IOVA + PAGE));
	expect_ok(uc_hwpt(&t->c, m.idev, id, 0, &second));
	assert_true(is_mapped(t, second, IOVA + PAGE));
	expect_ok(map_at(t, id, fd, 0, PAGE, 2 * IOVA));
	assert_true(is_mapped(t, m.hwpt, 2 * IOVA));
	assert_true(is_mapped(t, second, 2 * IOVA));
	expect_ok(uc_unmap_all(&t->c, id, NULL));
	assert_false(is_mapped(t, m.hwpt, IOVA));
	assert_false(is_mapped(t, second, 2 * IOVA));
}

static void map_can_be_copied(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t src = ioas_new(t), dst = ioas_new(t);
	struct uc_mock m = mock_new(t, dst);
	const int fd = buffer_new(t, PAGES(4));
	struct ioas_abi_ioas_copy s = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = dst,
					.src_ioas_id = src,
					.length = PAGES(2),
					.dst_iova = IOVA,
					.src_iova = IOVA + PAGE };

	expect_ok(map_at(t, src, fd, 0, PAGES(4), IOVA));
	expect_ok(uc_copy(&t->c, &s));
	assert_true(is_mapped(t, m.hwpt, IOVA + PAGE));
	/* It ends with the buffer as well. */
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	assert_false(is_mapped(t, m.hwpt, IOVA + PAGE));
	/* And what is over can be copied, to no effect. */
	s.dst_iova = 2 * IOVA;
	expect_ok(uc_copy(&t->c, &s));
	assert_false(is_mapped(t, m.hwpt, 2 * IOVA));
	expect_ok(uc_unmap_all(&t->c, dst, NULL));
}

static void map_cannot_be_pinned_or_moved(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int access = access_new(t, id), fd = buffer_new(t, PAGES(2));
	uint8_t b[8] = { 0 };

	expect_ok(map_at(t, id, fd, 0, PAGES(2), IOVA));
	for (uint32_t revoked = 0; revoked < 2; revoked++) {
		expect_errno(uc_access_pin(&t->c, access, 0, IOVA, PAGE, NULL),
			     -EINVAL);
		expect_errno(uc_access_rw(&t->c, access, IOVA, b, 8, 0),
			     -EINVAL);
		expect_errno(uc_access_rw(
				     &t->c, access, IOVA, b, 8,
				     IOAS_ABI_MOCK_ACCESS_RW_WRITE |
					     IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH),
			     -EINVAL);
		expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	}
}

static void map_cannot_be_split(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);
	const int fd = buffer_new(t, PAGES(4));
	uint64_t size = PAGE;

	expect_ok(map_at(t, id, fd, 0, PAGES(4), IOVA));
	expect_ok(uc_vfio_ioas_set(&t->c, id));
	expect_errno(uc_vfio_unmap(&t->c, IOVA, &size, 0), -EOPNOTSUPP);
	expect_errno(uc_vfio_unmap(&t->c, IOVA + PAGE, &size, 0), -EOPNOTSUPP);
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_errno(uc_vfio_unmap(&t->c, IOVA, &size, 0), -EOPNOTSUPP);
	size = PAGES(4);
	expect_ok(uc_vfio_unmap(&t->c, IOVA, &size, 0));
	assert_int_equal(size, PAGES(4));
}

static void map_is_no_memory_of_a_program(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);

	expect_ok(map_at(t, id, buffer_new(t, PAGE), 0, PAGE, IOVA));
	expect_errno(uc_check_map(&t->c, m.hwpt, IOVA, PAGE, VA_RUN), -EINVAL);
}

/* ---- 4.23 DMABUF_REVOKE -------------------------------------------------- */

static void revoke_of_nothing_open_is_ebadf(void **state)
{
	struct uapi_test *t = *state;
	static const int fds[] = { -1, 0, SIM_FDS - 1, INT32_MAX, INT32_MIN };

	for (unsigned int i = 0; i < 5; i++) {
		expect_errno(uc_dmabuf_revoke(&t->c, fds[i], 1), -EBADF);
		expect_errno(uc_dmabuf_revoke(&t->c, fds[i], 0), -EBADF);
	}
}

static void revoke_of_another_file_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const int fds[] = { t->c.fd, sim_open_other(t->h),
			    sim_open_file(t->h, 1, IOAS_SIM_SCATTERED),
			    access_new(t, ioas_new(t)) };

	for (unsigned int i = 0; i < 4; i++)
		expect_errno(uc_dmabuf_revoke(&t->c, fds[i], 1), -EINVAL);
}

static void revoke_takes_it_from_all_domains_at_once(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t), other = ioas_new(t);
	struct uc_mock m = mock_new(t, id), n = mock_new(t, other);
	const int fd = buffer_new(t, PAGES(4)), bystander = buffer_new(t, PAGE);
	uint32_t second = 0;

	expect_ok(uc_hwpt(&t->c, m.idev, id, 0, &second));
	expect_ok(map_at(t, id, fd, 0, PAGES(4), IOVA));
	expect_ok(map_at(t, id, fd, PAGE, PAGES(2), 2 * IOVA));
	expect_ok(map_at(t, other, fd, 0, PAGES(4), IOVA));
	expect_ok(map_at(t, id, bystander, 0, PAGE, 3 * IOVA));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, 4 * IOVA));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	for (uint64_t i = 0; i < 4; i++) {
		assert_false(is_mapped(t, m.hwpt, IOVA + PAGES(i)));
		assert_false(is_mapped(t, second, IOVA + PAGES(i)));
		assert_false(is_mapped(t, n.hwpt, IOVA + PAGES(i)));
		assert_false(is_mapped(t, m.hwpt, 2 * IOVA + PAGES(i)));
	}
	/* Nothing else. */
	assert_true(is_mapped(t, m.hwpt, 3 * IOVA));
	assert_true(is_mapped(t, second, 3 * IOVA));
	expect_ok(uc_check_map(&t->c, second, 4 * IOVA, PAGE, VA_RUN));
}

static void revoke_takes_it_from_other_contexts(void **state)
{
	struct uapi_test *t = *state;
	const int fd = buffer_new(t, PAGE);
	struct uapi_test other = *t;
	struct uc_mock m;
	uint32_t id;

	other.c.fd = sim_open(t->h, 0);
	id = ioas_new(&other);
	m = mock_new(&other, id);
	expect_ok(map_at(&other, id, fd, 0, PAGE, IOVA));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	assert_false(is_mapped(&other, m.hwpt, IOVA));
}

static void revoked_area_keeps_its_iova(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int fd = buffer_new(t, PAGES(4));
	uint64_t unmapped = 0;

	mock_new(t, id);
	expect_ok(map_at(t, id, fd, 0, PAGES(4), IOVA));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_errno(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA + PAGE),
		     -EEXIST);
	expect_errno(uc_unmap(&t->c, id, IOVA, PAGES(2), NULL), -ENOENT);
	expect_errno(uc_add_reserved(&t->c, id, IOVA, 1), -EADDRINUSE);
	expect_ok(uc_unmap(&t->c, id, IOVA, PAGES(4), &unmapped));
	assert_int_equal(unmapped, PAGES(4));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGES(4), UC_R, IOVA));
}

static void revoked_area_is_skipped_by_new_domains(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int fd = buffer_new(t, PAGES(4));
	struct uc_mock m;

	/* Also if there was none when it ended. */
	expect_ok(map_at(t, id, fd, 0, PAGES(4), IOVA));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA + PAGES(4)));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	m = mock_new(t, id);
	assert_false(is_mapped(t, m.hwpt, IOVA));
	expect_ok(uc_check_map(&t->c, m.hwpt, IOVA + PAGES(4), PAGE, VA_RUN));
	expect_ok(uc_destroy(&t->c, m.stdev));
	m = mock_new(t, id);
	assert_false(is_mapped(t, m.hwpt, IOVA));
}

static void revoked_area_does_not_come_back(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = buffer_new(t, PAGES(2));

	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 0));
	assert_false(is_mapped(t, m.hwpt, IOVA));
	expect_ok(uc_destroy(&t->c, m.stdev));
	m = mock_new(t, id);
	assert_false(is_mapped(t, m.hwpt, IOVA));
	/* A new mapping is needed, and works. */
	expect_ok(map_at(t, id, fd, 0, PAGE, 2 * IOVA));
	assert_true(is_mapped(t, m.hwpt, 2 * IOVA));
}

static void to_make_it_usable_ends_mappings_as_well(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = buffer_new(t, PAGE);

	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA));
	/* It was never revoked. */
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 0));
	assert_false(is_mapped(t, m.hwpt, IOVA));
	expect_ok(map_at(t, id, fd, 0, PAGE, 2 * IOVA));
	assert_true(is_mapped(t, m.hwpt, 2 * IOVA));
	assert_false(is_mapped(t, m.hwpt, IOVA));
}

static void revoke_may_be_repeated(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new(t);
	const int fd = buffer_new(t, PAGE);

	mock_new(t, id);
	expect_ok(map_at(t, id, fd, 0, PAGE, IOVA));
	for (uint32_t revoked = 3; revoked; revoked--)
		expect_ok(uc_dmabuf_revoke(&t->c, fd, revoked));
	/* Any number but zero revokes. */
	expect_errno(map_at(t, id, fd, 0, PAGE, 2 * IOVA), -ENODEV);
	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_dmabuf_revoke(&t->c, fd, 0));
	expect_ok(map_at(t, id, fd, 0, PAGE, 2 * IOVA));
}

/* By what a program can see itself. */
static void revoked_area_is_clean_and_no_gap(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t id = ioas_new_aligned(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = buffer_new(t, PAGES(4));
	const uint8_t ones = 0xff;
	uint32_t hwpt = 0;

	expect_ok(uc_hwpt(&t->c, m.idev, id,
			  IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &hwpt));
	expect_ok(map_at(t, id, fd, 0, PAGES(4), IOVA));
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGES(4), UC_RW,
			       IOVA + PAGES(4)));
	expect_ok(uc_dirty_set(&t->c, hwpt,
			       IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	for (unsigned int revoked = 0; revoked < 2; revoked++) {
		struct ioas_abi_test_dirty d = { .iova = IOVA,
						 .length = PAGES(8),
						 .page_size = PAGE };
		struct ioas_abi_hwpt_get_dirty_bitmap g = {
			.hwpt_id = hwpt,
			.iova = IOVA,
			.length = PAGES(8),
			.page_size = PAGE
		};
		uint8_t bits = 0;

		expect_ok(uc_dirty(&t->c, hwpt, &d, &ones));
		assert_int_equal(d.out_nr_dirty, 8);
		expect_ok(uc_dirty_get(&t->c, &g, &bits));
		assert_int_equal(bits, revoked ? 0xf0 : 0xff);
		expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(get_of_no_length_or_too_much_is_einval),
		uapi_case(get_without_a_descriptor_is_emfile),
		uapi_case(get_returns_the_descriptor),
		uapi_case(get_writes_nothing),
		uapi_case(get_open_flags_are_of_the_descriptor),
		uapi_case(get_length_is_rounded_up_to_pages),
		uapi_case(get_memory_is_contiguous_and_lies_as_the_file_does),
		uapi_case(get_file_can_do_nothing_else),
		uapi_case(get_keeps_no_context),
		uapi_case(map_beyond_the_end_is_einval),
		uapi_case(map_of_a_revoked_one_is_enodev),
		uapi_case(map_then_is_judged_as_memory_is),
		uapi_case(map_finds_an_iova_by_itself),
		uapi_case(map_is_not_accounted),
		uapi_case(map_outlives_the_descriptor),
		uapi_case(map_is_in_every_domain_and_in_later_ones),
		uapi_case(map_can_be_copied),
		uapi_case(map_cannot_be_pinned_or_moved),
		uapi_case(map_cannot_be_split),
		uapi_case(map_is_no_memory_of_a_program),
		uapi_case(revoke_of_nothing_open_is_ebadf),
		uapi_case(revoke_of_another_file_is_einval),
		uapi_case(revoke_takes_it_from_all_domains_at_once),
		uapi_case(revoke_takes_it_from_other_contexts),
		uapi_case(revoked_area_keeps_its_iova),
		uapi_case(revoked_area_is_skipped_by_new_domains),
		uapi_case(revoked_area_does_not_come_back),
		uapi_case(to_make_it_usable_ends_mappings_as_well),
		uapi_case(revoke_may_be_repeated),
		uapi_case(revoked_area_is_clean_and_no_gap),
	};

	return cmocka_run_group_tests_name("dma-bufs", tests, NULL, NULL);
}
