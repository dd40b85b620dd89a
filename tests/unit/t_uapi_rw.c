/* SPDX-License-Identifier: MIT */
/*
 * reads and writes of software users (docs/reference/iommufd-test-abi.md 4.11,
 * 4.24; iommufd-uapi.md 7.6)
 *
 * Where the reference has an ordered list, the request of a case breaks the
 * rule that it is named for and, as far as one struct can, all later ones.
 */
#include "uapi_fixture.h"

#define NEEDS_PIN IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES
#define WRITE IOAS_ABI_MOCK_ACCESS_RW_WRITE
#define SLOW IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH
#define SYZ IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ
#define PAGES(n) ((uint64_t)(n) * PAGE)
#define LENGTH_MAX (UINT64_C(16) << 20)
/* Where memory of any size is. */
#define VA_LARGE 0x10000000u
#define VA_LARGE_2 0x20000000u

/* An access, and what it sees: pages of VA_RUN and of VA_SCATTERED. */
struct view {
	uint32_t ioas;
	int fd;
};

static struct view view_new(struct uapi_test *t)
{
	struct view v = { .ioas = ioas_new(t), .fd = -1 };

	expect_ok(uc_access_create(&t->c, v.ioas, 0, &v.fd));
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_RUN, PAGES(4), UC_RW, IOVA));
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_SCATTERED, PAGES(4), UC_RW,
			       IOVA + PAGES(4)));
	return v;
}

static int rw_at(struct uapi_test *t, int fd, uint64_t iova, uint64_t length,
		 uint64_t uptr, uint32_t flags)
{
	const struct ioas_abi_test_access_rw s = { .iova = iova,
						   .length = length,
						   .uptr = uptr,
						   .flags = flags };

	return uc_access_rw_at(&t->c, fd, &s);
}

/* Bytes that tell where they are. */
static void pattern(uint8_t *b, size_t n, unsigned int seed)
{
	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

/* ---- in order ------------------------------------------------------------ */

static void rw_beyond_16_mib_is_enomem(void **state)
{
	struct uapi_test *t = *state;

	expect_errno(rw_at(t, -1, U64, LENGTH_MAX + 1, VA_HOLE, UINT32_MAX),
		     -ENOMEM);
	expect_errno(rw_at(t, -1, U64, U64, VA_HOLE, UINT32_MAX), -ENOMEM);
}

static void rw_unknown_flag_is_eopnotsupp(void **state)
{
	struct uapi_test *t = *state;

	for (unsigned int bit = 0; bit < 32; bit++)
		if (!((1u << bit) & (WRITE | SLOW | SYZ)))
			expect_errno(rw_at(t, -1, U64, LENGTH_MAX, VA_HOLE,
					   1u << bit | WRITE),
				     -EOPNOTSUPP);
}

static void rw_of_no_access_is_ebadfd(void **state)
{
	struct uapi_test *t = *state;
	const int fds[] = { -1, 0, SIM_FDS - 1, t->c.fd, sim_open_other(t->h),
			    uc_dmabuf_get(&t->c, PAGE, 0) };

	for (unsigned int i = 0; i < 6; i++)
		expect_errno(rw_at(t, fds[i], U64, LENGTH_MAX, VA_HOLE, WRITE),
			     -EBADFD);
}

static void write_from_memory_that_is_not_there_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	/* The range wraps; nothing is mapped. */
	expect_errno(rw_at(t, v.fd, U64, 2, VA_HOLE, WRITE), -EFAULT);
	expect_errno(rw_at(t, v.fd, 0, PAGE, VA_HOLE - 1, WRITE), -EFAULT);
	/* Not a byte is written if one is missing. */
	expect_errno(rw_at(t, v.fd, IOVA, PAGES(2),
			   VA_RUN + PAGES(VA_PAGES - 1), WRITE),
		     -EFAULT);
}

static void rw_length_zero_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	expect_errno(rw_at(t, v.fd, U64, 0, VA_HOLE, 0), -EINVAL);
	expect_errno(rw_at(t, v.fd, U64, 0, VA_HOLE, WRITE), -EINVAL);
}

static void rw_that_wraps_is_eoverflow(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	expect_errno(rw_at(t, v.fd, U64, 2, VA_HOLE, 0), -EOVERFLOW);
	expect_errno(rw_at(t, v.fd, U64, 2, VA_RUN, WRITE), -EOVERFLOW);
}

static void rw_without_permission_is_eperm(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	/* Nor is the memory there; a gap comes behind. */
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_HOLE, PAGE, UC_R,
			       IOVA + PAGES(8)));
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_HOLE, PAGE, UC_W,
			       IOVA + PAGES(16)));
	expect_errno(rw_at(t, v.fd, IOVA + PAGES(8), PAGES(2), VA_RUN, WRITE),
		     -EPERM);
	expect_errno(rw_at(t, v.fd, IOVA + PAGES(16), PAGES(2), VA_HOLE, 0),
		     -EPERM);
}

static void rw_of_device_memory_is_einval(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = v.ioas,
		.fd = uc_dmabuf_get(&t->c, PAGE, 0),
		.length = PAGE,
		.iova = IOVA + PAGES(8),
	};

	expect_ok(uc_map_file(&t->c, &s));
	/* A gap comes behind. */
	expect_errno(rw_at(t, v.fd, s.iova, PAGES(2), VA_HOLE, 0), -EINVAL);
	expect_errno(rw_at(t, v.fd, s.iova, PAGES(2), VA_RUN, WRITE), -EINVAL);
	expect_errno(rw_at(t, v.fd, s.iova, 1, VA_HOLE, SLOW), -EINVAL);
}

static void rw_of_memory_that_is_not_there_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_HOLE, PAGE, UC_RW,
			       IOVA + PAGES(8)));
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_READ_ONLY, PAGE, UC_RW,
			       IOVA + PAGES(9)));
	for (uint32_t slow = 0; slow <= SLOW; slow += SLOW) {
		expect_errno(rw_at(t, v.fd, IOVA + PAGES(8), 1, VA_RUN, slow),
			     -EFAULT);
		expect_errno(rw_at(t, v.fd, IOVA + PAGES(8), 1, VA_RUN,
				   WRITE | slow),
			     -EFAULT);
		/* It cannot be written, whatever the mapping says. */
		expect_errno(rw_at(t, v.fd, IOVA + PAGES(9), 1, VA_RUN,
				   WRITE | slow),
			     -EFAULT);
	}
}

static void rw_of_a_gap_is_enoent(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	expect_errno(rw_at(t, v.fd, IOVA + PAGES(8), 1, VA_HOLE, 0), -ENOENT);
	expect_errno(rw_at(t, v.fd, IOVA - 1, 2, VA_HOLE, 0), -ENOENT);
	expect_errno(rw_at(t, v.fd, IOVA, PAGES(8) + 1, VA_HOLE, 0), -ENOENT);
	expect_errno(rw_at(t, v.fd, IOVA, PAGES(8) + 1, VA_RUN, WRITE),
		     -ENOENT);
}

static void read_into_memory_that_cannot_be_written_is_efault(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);

	expect_errno(rw_at(t, v.fd, IOVA, 1, VA_HOLE, 0), -EFAULT);
	expect_errno(rw_at(t, v.fd, IOVA, 1, VA_READ_ONLY, 0), -EFAULT);
	expect_errno(rw_at(t, v.fd, IOVA, PAGES(2),
			   VA_RUN + PAGES(VA_PAGES - 1), 0),
		     -EFAULT);
}

/* ---- what is transferred ------------------------------------------------- */

static void rw_moves_any_bytes_through_either_path(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	static const struct {
		uint64_t offset;
		size_t length;
	} ranges[] = { { 0, 1 },
		       { PAGE - 1, 1 },
		       { PAGE - 1, 2 },
		       { 5, PAGE },
		       { 4 * PAGE - 3, 6 },
		       { 3 * PAGE + 17, 2 * PAGE },
		       { 8 * PAGE - 1, 1 } };
	static uint8_t out[2 * PAGE], in[2 * PAGE];

	for (unsigned int i = 0; i < 7; i++) {
		const uint64_t at = IOVA + ranges[i].offset;

		for (uint32_t flags = 0; flags <= SLOW; flags += SLOW) {
			pattern(out, ranges[i].length, i + flags);
			expect_ok(uc_access_rw(&t->c, v.fd, at, out,
					       ranges[i].length,
					       WRITE | flags));
			memset(in, 0, sizeof(in));
			expect_ok(uc_access_rw(&t->c, v.fd, at, in,
					       ranges[i].length,
					       flags ^ SLOW));
			assert_memory_equal(in, out, ranges[i].length);
		}
	}
	/* Nothing stays pinned. */
	assert_int_equal(pins(t), 0);
}

static void write_goes_to_the_memory_and_nowhere_else(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	static uint8_t was[PAGE], is[PAGE];
	uint8_t out[6];

	pattern(was, PAGE, 3);
	pattern(out, sizeof(out), 200);
	/* Across the border of two areas. */
	sim_poke(t->h, VA_RUN + PAGES(3), was, PAGE);
	sim_poke(t->h, VA_SCATTERED, was, PAGE);
	expect_ok(uc_access_rw(&t->c, v.fd, IOVA + PAGES(4) - 2, out,
			       sizeof(out), WRITE));
	sim_peek(t->h, VA_RUN + PAGES(3), is, PAGE);
	assert_memory_equal(is, was, PAGE - 2);
	assert_memory_equal(is + PAGE - 2, out, 2);
	sim_peek(t->h, VA_SCATTERED, is, PAGE);
	assert_memory_equal(is, out + 2, 4);
	assert_memory_equal(is + 4, was + 4, PAGE - 4);
}

static void rw_that_fails_later_has_moved_what_comes_before(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	static uint8_t out[PAGES(2)], in[PAGE];

	pattern(out, sizeof(out), 9);
	expect_errno(uc_access_rw(&t->c, v.fd, IOVA + PAGES(7), out,
				  sizeof(out), WRITE),
		     -ENOENT);
	sim_peek(t->h, VA_SCATTERED + PAGES(3), in, PAGE);
	assert_memory_equal(in, out, PAGE);
}

static void rw_works_with_an_access_that_pins(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	const int fd = access_new(t, v.ioas);
	uint32_t value = 0x12345678, back = 0;

	expect_ok(uc_access_rw(&t->c, fd, IOVA + 1, &value, 4, WRITE));
	expect_ok(uc_access_rw(&t->c, v.fd, IOVA + 1, &back, 4, 0));
	assert_int_equal(back, value);
}

static void rw_of_16_mib_works(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	uint8_t *a = malloc(LENGTH_MAX), *b = malloc(LENGTH_MAX);

	assert_true(a && b);
	sim_map_memory(t->h, VA_LARGE, LENGTH_MAX, IOAS_SIM_RUNS, 0);
	sim_map_memory(t->h, VA_LARGE_2, LENGTH_MAX, IOAS_SIM_RUNS, 0);
	expect_ok(uc_map_fixed(&t->c, v.ioas, VA_LARGE, LENGTH_MAX, UC_RW,
			       2 * IOVA));
	pattern(a, LENGTH_MAX, 1);
	sim_poke(t->h, VA_LARGE_2, a, LENGTH_MAX);
	expect_ok(rw_at(t, v.fd, 2 * IOVA, LENGTH_MAX, VA_LARGE_2, WRITE));
	sim_peek(t->h, VA_LARGE, b, LENGTH_MAX);
	assert_memory_equal(a, b, LENGTH_MAX);
	pattern(a, LENGTH_MAX, 2);
	sim_poke(t->h, VA_LARGE, a, LENGTH_MAX);
	expect_ok(rw_at(t, v.fd, 2 * IOVA, LENGTH_MAX, VA_LARGE_2, 0));
	sim_peek(t->h, VA_LARGE_2, b, LENGTH_MAX);
	assert_memory_equal(a, b, LENGTH_MAX);
	free(a);
	free(b);
}

static void rw_of_a_file_reaches_its_memory(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_RW | UC_FIXED,
		.ioas_id = v.ioas,
		.fd = sim_open_file(t->h, 4, IOAS_SIM_SCATTERED),
		.start = PAGE,
		.length = PAGES(3),
		.iova = IOVA + PAGES(8),
	};
	static uint8_t out[PAGES(2)], in[PAGES(2)];

	expect_ok(uc_map_file(&t->c, &s));
	pattern(out, sizeof(out), 77);
	expect_ok(uc_access_rw(&t->c, v.fd, s.iova + 5, out, sizeof(out),
			       WRITE));
	assert_int_equal(ioas_sim_read(sim_file_memory(t->h, s.fd), PAGE + 5,
				       in, sizeof(in)),
			 0);
	assert_memory_equal(in, out, sizeof(in));
	/* Beyond the end there is nothing. */
	s.start = PAGES(4);
	s.length = PAGE;
	s.iova += PAGES(3);
	expect_ok(uc_map_file(&t->c, &s));
	expect_errno(uc_access_rw(&t->c, v.fd, s.iova, in, 1, 0), -EINVAL);
}

static void rw_syz_counts_areas(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	uint32_t value = 0x5a5a1234, back = 0;

	/* The second area, 6 bytes into it. */
	expect_ok(uc_access_rw(&t->c, v.fd, UINT64_C(6) << 32 | 1, &value, 4,
			       WRITE | SYZ));
	sim_peek(t->h, VA_SCATTERED + 6, &back, 4);
	assert_int_equal(back, value);
	/* No third one: IOVA 0. */
	expect_errno(uc_access_rw(&t->c, v.fd, 2, &back, 4, SYZ), -ENOENT);
}

/* ---- whose memory -------------------------------------------------------- */

static void rw_is_of_the_memory_of_who_mapped(void **state)
{
	struct uapi_test *t = *state;
	const struct view v = view_new(t);
	struct sim_process *other = simhost_process(t->h, 1);
	const int fd = sim_send(t->h, v.fd, other);
	struct uclient theirs = t->c;
	static uint8_t ours[PAGES(3)], out[PAGES(3)], in[PAGES(3)];

	theirs.fd = sim_send(t->h, t->c.fd, other);
	pattern(ours, sizeof(ours), 1);
	sim_poke(t->h, VA_RUN, ours, sizeof(ours));
	simhost_enter(t->h, other);
	/* Something else, at the same address. */
	sim_map_memory(t->h, VA_RUN, PAGES(4), IOAS_SIM_SCATTERED, 0);
	for (uint32_t slow = 0; slow <= SLOW; slow += SLOW) {
		/* A page, and several. */
		expect_ok(uc_access_rw(&theirs, fd, IOVA + 3, in, 8, slow));
		assert_memory_equal(in, ours + 3, 8);
		expect_ok(uc_access_rw(&theirs, fd, IOVA, in, sizeof(in),
				       slow));
		assert_memory_equal(in, ours, sizeof(in));
		pattern(out, sizeof(out), slow + 50);
		expect_ok(uc_access_rw(&theirs, fd, IOVA, out, sizeof(out),
				       WRITE | slow));
		simhost_enter(t->h, t->p);
		sim_peek(t->h, VA_RUN, ours, sizeof(ours));
		assert_memory_equal(ours, out, sizeof(ours));
		simhost_enter(t->h, other);
	}
	simhost_enter(t->h, t->p);
	assert_int_equal(pins(t), 0);
}

/* Four pages of a process that is gone then, and what was in them. */
static void map_of_a_process(struct uapi_test *t, struct sim_process *other,
			     uint32_t id, const uint8_t *data)
{
	struct uclient theirs = t->c;

	theirs.fd = sim_send(t->h, t->c.fd, other);
	simhost_enter(t->h, other);
	sim_map_memory(t->h, VA_RUN, PAGES(4), IOAS_SIM_SCATTERED, 0);
	sim_poke(t->h, VA_RUN, data, PAGES(4));
	expect_ok(uc_map_fixed(&theirs, id, VA_RUN, PAGES(4), UC_RW, IOVA));
	simhost_enter(t->h, t->p);
}

static void rw_of_a_dead_process_is_efault(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 0);
	const uint32_t id = ioas_new(t);
	const int fd = access_new(t, id);
	static uint8_t data[PAGES(4)], in[PAGES(4)];

	map_of_a_process(t, other, id, data);
	simhost_exit(other);
	for (uint32_t slow = 0; slow <= SLOW; slow += SLOW) {
		expect_errno(uc_access_rw(&t->c, fd, IOVA, in, 1, slow),
			     -EFAULT);
		expect_errno(uc_access_rw(&t->c, fd, IOVA, in, sizeof(in),
					  WRITE | slow),
			     -EFAULT);
	}
}

static void rw_of_a_dead_process_works_where_a_domain_pins(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 0);
	const uint32_t id = ioas_new(t);
	struct uc_mock m = mock_new(t, id);
	const int fd = access_new(t, id);
	static uint8_t data[PAGES(4)], in[PAGES(4)];

	pattern(data, sizeof(data), 4);
	map_of_a_process(t, other, id, data);
	simhost_exit(other);
	for (uint32_t slow = 0; slow <= SLOW; slow += SLOW) {
		expect_ok(uc_access_rw(&t->c, fd, IOVA, in, sizeof(in), slow));
		assert_memory_equal(in, data, sizeof(in));
		pattern(data, sizeof(data), slow + 8);
		expect_ok(uc_access_rw(&t->c, fd, IOVA + 5, data + 5, 11,
				       WRITE | slow));
		expect_ok(uc_access_rw(&t->c, fd, IOVA, data, sizeof(data),
				       WRITE | slow));
	}
	/* With the pins they are gone. */
	expect_ok(uc_destroy(&t->c, m.stdev));
	expect_errno(uc_access_rw(&t->c, fd, IOVA, in, 1, 0), -EFAULT);
}

static void rw_of_a_dead_process_works_where_an_access_pins(void **state)
{
	struct uapi_test *t = *state;
	struct sim_process *other = simhost_process(t->h, 0);
	const uint32_t id = ioas_new(t);
	const int fd = access_new(t, id);
	static uint8_t data[PAGES(4)], in[PAGES(4)];
	uint32_t item = 0;

	pattern(data, sizeof(data), 4);
	map_of_a_process(t, other, id, data);
	expect_ok(uc_access_pin(&t->c, fd, 0, IOVA + PAGE, PAGES(2), &item));
	simhost_exit(other);
	expect_ok(uc_access_rw(&t->c, fd, IOVA + PAGE, in, PAGES(2), 0));
	assert_memory_equal(in, data + PAGE, PAGES(2));
	expect_errno(uc_access_rw(&t->c, fd, IOVA, in, PAGES(2), 0), -EFAULT);
	expect_errno(uc_access_rw(&t->c, fd, IOVA + PAGES(2), in, PAGES(2), 0),
		     -EFAULT);
	expect_ok(uc_access_unpin(&t->c, fd, item));
	expect_errno(uc_access_rw(&t->c, fd, IOVA + PAGE, in, 1, 0), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(rw_beyond_16_mib_is_enomem),
		uapi_case(rw_unknown_flag_is_eopnotsupp),
		uapi_case(rw_of_no_access_is_ebadfd),
		uapi_case(write_from_memory_that_is_not_there_is_efault),
		uapi_case(rw_length_zero_is_einval),
		uapi_case(rw_that_wraps_is_eoverflow),
		uapi_case(rw_without_permission_is_eperm),
		uapi_case(rw_of_device_memory_is_einval),
		uapi_case(rw_of_memory_that_is_not_there_is_efault),
		uapi_case(rw_of_a_gap_is_enoent),
		uapi_case(read_into_memory_that_cannot_be_written_is_efault),
		uapi_case(rw_moves_any_bytes_through_either_path),
		uapi_case(write_goes_to_the_memory_and_nowhere_else),
		uapi_case(rw_that_fails_later_has_moved_what_comes_before),
		uapi_case(rw_works_with_an_access_that_pins),
		uapi_case(rw_of_16_mib_works),
		uapi_case(rw_of_a_file_reaches_its_memory),
		uapi_case(rw_syz_counts_areas),
		uapi_case(rw_is_of_the_memory_of_who_mapped),
		uapi_case(rw_of_a_dead_process_is_efault),
		uapi_case(rw_of_a_dead_process_works_where_a_domain_pins),
		uapi_case(rw_of_a_dead_process_works_where_an_access_pins),
	};

	return cmocka_run_group_tests_name("reads and writes", tests, NULL, NULL);
}
