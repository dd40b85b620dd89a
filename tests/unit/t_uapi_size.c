/* SPDX-License-Identifier: MIT */
/*
 * which number is a request, and how long its struct may be
 * (docs/reference/iommufd-uapi.md 3.1 and 3.2, for every command)
 *
 * Each command has a request that is answered, behind the checks of its size,
 * with a result that none of these checks gives: so it shows that they passed.
 */
#include "plat/common/fault_arm.h"
#include "uapi_fixture.h"

/* A struct longer than any, and its tail. */
#define BUFFER 12000u

struct patch {
	uint8_t offset;
	uint32_t value;
};

static const struct command {
	const char *name;
	uint32_t cmd;
	uint32_t size;
	uint32_t min;
	/* Members that are not zero, and what the request returns then. */
	struct patch patches[2];
	int want;
	/* It writes its struct whatever the result is. */
	bool always_writes;
} commands[] = {
	{ "destroy", 0x3b80, 8, 8, { { 0, 0 } }, -ENOENT, false },
	{ "ioas_alloc", 0x3b81, 12, 12, { { 0, 0 } }, 0, true },
	{ "allow_iovas", 0x3b82, 24, 24, { { 0, 0 } }, -ENOENT, false },
	{ "copy", 0x3b83, 40, 40, { { 4, 4 } }, -ENOENT, false },
	{ "iova_ranges", 0x3b84, 32, 32, { { 0, 0 } }, -ENOENT, false },
	{ "map", 0x3b85, 40, 40, { { 4, 4 } }, -ENOENT, false },
	{ "unmap", 0x3b86, 24, 24, { { 0, 0 } }, -ENOENT, false },
	{ "option", 0x3b87, 24, 24, { { 0, 0 } }, -EPERM, false },
	{ "vfio_ioas", 0x3b88, 12, 12, { { 0, 0 } }, -ENODEV, false },
	{ "hwpt_alloc", 0x3b89, 48, 24, { { 0, 0 } }, -ENOENT, false },
	{ "get_hw_info", 0x3b8a, 40, 32, { { 0, 0 } }, -ENOENT, false },
	{ "set_dirty", 0x3b8b, 16, 16, { { 0, 0 } }, -ENOENT, false },
	{ "get_dirty", 0x3b8c, 48, 48, { { 0, 0 } }, -ENOENT, false },
	{ "invalidate", 0x3b8d, 32, 32, { { 0, 0 } }, -ENOENT, true },
	{ "fault_queue", 0x3b8e, 16, 16, { { 0, 0 } }, 0, true },
	{ "map_file", 0x3b8f, 40, 40, { { 4, 4 } }, -ENOENT, false },
	{ "viommu_alloc", 0x3b90, 40, 24, { { 8, 1 } }, -ENOENT, false },
	{ "vdevice_alloc", 0x3b91, 24, 24, { { 0, 0 } }, -ENOENT, false },
	{ "change_process", 0x3b92, 8, 8, { { 0, 0 } }, 0, false },
	{ "veventq_alloc", 0x3b93, 32, 28, { { 12, 1 }, { 16, 1 } }, -ENOENT,
	  false },
	{ "hw_queue_alloc", 0x3b94, 40, 40, { { 12, 1 }, { 32, 1 } }, -ENOENT,
	  false },
	{ "test", 0x3ba0, 72, 68, { { 0, 0 } }, -EOPNOTSUPP, false },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void put32(uint8_t *s, uint32_t offset, uint32_t value)
{
	memcpy(s + offset, &value, sizeof(value));
}

/* The request of @c that says it is @size bytes long, in BUFFER bytes. */
static void fill(const struct command *c, uint8_t *s, uint32_t size)
{
	memset(s, 0, BUFFER);
	for (unsigned int i = 0; i < 2; i++)
		put32(s, c->patches[i].offset, c->patches[i].value);
	put32(s, 0, size);
}

/* What is returned keeps descriptors, of which there are few. */
static void close_queues(struct uapi_test *t)
{
	for (int fd = SIM_FIRST_FD + 1; fd < SIM_FDS; fd++)
		if (sim_close(t->h, fd))
			break;
}

static void expect_cmd(struct uapi_test *t, const struct command *c,
		       uint8_t *s, uint32_t length, int want)
{
	uint32_t size;
	int ret;

	memcpy(&size, s, sizeof(size));
	ret = sim_cmd(t->h, t->c.fd, c->cmd, s, length);
	if (ret != want)
		fail_msg("%s, size %u in %u bytes: got %d (%s), want %d (%s)",
			 c->name, size, length, ret, errno_text(ret), want,
			 errno_text(want));
	close_queues(t);
}

/* The last argument: of all or some of the struct. */
static void expect_address(struct uapi_test *t, uint32_t cmd, uint64_t arg,
			   int want)
{
	const int ret = sim_ioctl(t->h, t->c.fd, cmd, arg);

	if (ret != want)
		fail_msg("request %#x at %#llx: got %d (%s), want %d (%s)", cmd,
			 (unsigned long long)arg, ret, errno_text(ret), want,
			 errno_text(want));
}

/* ---- step 4: the minimum ------------------------------------------------- */

static void size_below_the_minimum_is_einval(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (uint32_t size = 0; size < commands[i].min; size++) {
			fill(&commands[i], s, size);
			expect_cmd(*state, &commands[i], s, commands[i].size,
				   -EINVAL);
		}
}

static void size_below_the_minimum_reads_the_size_alone(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		fill(&commands[i], s, 4);
		expect_cmd(*state, &commands[i], s, 4, -EINVAL);
	}
}

/* ---- steps 5 and 6: what is read ----------------------------------------- */

static void missing_tail_is_zero_and_is_not_read(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		for (uint32_t size = c->min; size <= c->size; size++) {
			fill(c, s, size);
			expect_cmd(*state, c, s, size, c->want);
		}
	}
}

static void missing_tail_is_zero_though_memory_has_junk_there(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		fill(c, s, c->min);
		memset(s + c->min, 0xff, BUFFER - c->min);
		expect_cmd(*state, c, s, c->size + 64, c->want);
	}
}

static void zero_tail_of_any_length_is_accepted(void **state)
{
	static const uint32_t tails[] = { 1, 2, 7, 8, 9, 63, 64, 65, 4096,
					  10000 };
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (unsigned int k = 0; k < 10; k++) {
			const struct command *c = &commands[i];

			fill(c, s, c->size + tails[k]);
			expect_cmd(*state, c, s, c->size + tails[k], c->want);
		}
}

static void nonzero_byte_anywhere_in_the_tail_is_e2big(void **state)
{
	static const uint32_t tails[] = { 1, 2, 8, 65, 10000 };
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (unsigned int k = 0; k < 5; k++) {
			const uint32_t size = commands[i].size + tails[k];
			const uint32_t at[] = { commands[i].size,
						commands[i].size + tails[k] / 2,
						size - 1 };

			for (unsigned int j = 0; j < 3; j++) {
				fill(&commands[i], s, size);
				s[at[j]] = 0x80;
				expect_cmd(*state, &commands[i], s, size,
					   -E2BIG);
			}
		}
}

static void byte_behind_the_size_is_not_looked_at(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		fill(c, s, c->size + 5);
		s[c->size + 5] = 1;
		expect_cmd(*state, c, s, c->size + 6, c->want);
	}
}

static void unreadable_tail_is_efault(void **state)
{
	static const uint32_t sizes[] = { 1, 8, 100, 100000, 0xfffff000u };
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (unsigned int k = 0; k < 5; k++) {
			fill(&commands[i], s, commands[i].size + sizes[k]);
			expect_cmd(*state, &commands[i], s, commands[i].size,
				   -EFAULT);
		}
}

/* fault-injection A.3 */
static void no_fault_fails_the_zero_tail_of_a_release(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_fault fault = { .sticky = true };
	static uint8_t s[BUFFER];
	uint32_t id = ioas_new(t);
	int ret;

	put32(s, 0, sizeof(s));
	put32(s, 4, id);
	ioas_fault_arm(&fault);
	t->p->tasks[0].caller.fault = &fault;
	ret = sim_cmd(t->h, t->c.fd, IOAS_ABI_DESTROY, s, sizeof(s));
	t->p->tasks[0].caller.fault = NULL;
	ioas_fault_disarm();
	assert_int_equal(ret, 0);
}

static void largest_size_reads_up_to_the_hole(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		fill(&commands[i], s, UINT32_MAX);
		expect_cmd(*state, &commands[i], s, BUFFER, -EFAULT);
	}
}

static void struct_that_is_not_all_readable_is_efault(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (uint32_t length = 4; length < commands[i].size; length++) {
			fill(&commands[i], s, commands[i].size);
			expect_cmd(*state, &commands[i], s, length, -EFAULT);
		}
}

/* ---- step 2: the size ---------------------------------------------------- */

static void unreadable_size_is_efault(void **state)
{
	struct uapi_test *t = *state;

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		expect_address(t, commands[i].cmd, 0, -EFAULT);
		expect_address(t, commands[i].cmd, VA_HOLE, -EFAULT);
		expect_address(t, commands[i].cmd, UINT64_MAX, -EFAULT);
		expect_address(t, commands[i].cmd, UINT64_MAX - 3, -EFAULT);
		for (unsigned int left = 1; left < 4; left++)
			expect_address(t, commands[i].cmd,
				       sim_hole(t->h) - left, -EFAULT);
	}
}

/* ---- step 3: the number -------------------------------------------------- */

/* Type byte, direction, size bits: each makes it another number. */
static const uint32_t other_bits[] = {
	0x00000100u, 0x00008000u, 0x00010000u, 0x00080000u, 0x20000000u,
	0x40000000u, 0x80000000u, 0xc0000000u, 0xffffff00u,
};

static void other_type_direction_or_size_bits_are_enotty(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (unsigned int k = 0; k < 9; k++) {
			struct command c = commands[i];

			c.cmd ^= other_bits[k];
			fill(&c, s, c.size);
			expect_cmd(*state, &c, s, c.size, -ENOTTY);
		}
}

static void number_is_compared_before_the_minimum(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		struct command c = commands[i];

		c.cmd |= 0x40000000u;
		fill(&c, s, 0);
		expect_cmd(*state, &c, s, 4, -ENOTTY);
		fill(&c, s, UINT32_MAX);
		expect_cmd(*state, &c, s, 4, -ENOTTY);
	}
}

static void size_is_read_before_the_number_is_compared(void **state)
{
	for (unsigned int i = 0; i < NR_COMMANDS; i++)
		for (unsigned int k = 0; k < 9; k++)
			expect_address(*state, commands[i].cmd ^ other_bits[k],
				       VA_HOLE, -EFAULT);
}

static void unassigned_number_in_the_range_is_enotty(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t cmd = 0x3b95; cmd < 0x3ba0; cmd++)
		expect_address(t, cmd, sim_room(t->h, 64), -ENOTTY);
}

static void unassigned_number_reads_the_size_first(void **state)
{
	for (uint32_t cmd = 0x3b95; cmd < 0x3ba0; cmd++)
		expect_address(*state, cmd, VA_HOLE, -EFAULT);
}

/* ---- step 1: outside the range ------------------------------------------- */

static void number_behind_the_last_is_enotty_untouched(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t cmd = 0x3ba1; cmd <= 0x3bff; cmd++) {
		expect_address(t, cmd, VA_HOLE, -ENOTTY);
		expect_address(t, cmd, sim_room(t->h, 64), -ENOTTY);
	}
}

/* The container's: 100 to 102 and 112 to 114. */
static bool is_container(uint32_t cmd)
{
	return (cmd >= 0x3b64 && cmd <= 0x3b66) ||
	       (cmd >= 0x3b70 && cmd <= 0x3b72);
}

static void number_before_the_first_is_enotty_untouched(void **state)
{
	for (uint32_t cmd = 0x3b00; cmd < 0x3b80; cmd++)
		if (!is_container(cmd))
			expect_address(*state, cmd, VA_HOLE, -ENOTTY);
}

static void container_number_with_other_bits_is_enotty_untouched(void **state)
{
	for (uint32_t cmd = 0x3b00; cmd < 0x3b80; cmd++)
		for (unsigned int k = 0; is_container(cmd) && k < 9; k++)
			expect_address(*state, cmd ^ other_bits[k], VA_HOLE,
				       -ENOTTY);
}

static void without_the_test_abi_its_numbers_are_enotty_untouched(void **state)
{
	struct uapi_test *t = *state;

	for (uint32_t cmd = 0x3b95; cmd <= 0x3bff; cmd++) {
		expect_address(t, cmd, VA_HOLE, -ENOTTY);
		expect_address(t, cmd, sim_room(t->h, 128), -ENOTTY);
	}
}

static void without_the_test_abi_all_others_are_there(void **state)
{
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS - 1; i++) {
		fill(&commands[i], s, commands[i].size);
		expect_cmd(*state, &commands[i], s, commands[i].size,
			   commands[i].want);
	}
}

/* ---- copy-out (3.3) ------------------------------------------------------ */

static void failed_request_writes_nothing(void **state)
{
	struct uapi_test *t = *state;
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		fill(c, s, c->size);
		expect_ret(sim_cmd_read_only(t->h, t->c.fd, c->cmd, s, c->size),
			   c->always_writes ? -EFAULT : c->want);
	}
	assert_int_equal(sim_nr_fds(t->h), 1);
}

static void failed_request_leaves_its_struct_as_it_was(void **state)
{
	static uint8_t s[BUFFER], before[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		if (!c->want)
			continue;
		fill(c, s, c->size + 8);
		memcpy(before, s, BUFFER);
		expect_cmd(*state, c, s, c->size + 8, c->want);
		assert_memory_equal(s, before, BUFFER);
	}
}

static void size_errors_write_nothing(void **state)
{
	struct uapi_test *t = *state;
	static uint8_t s[BUFFER];

	for (unsigned int i = 0; i < NR_COMMANDS; i++) {
		const struct command *c = &commands[i];

		fill(c, s, c->min - 1);
		expect_ret(sim_cmd_read_only(t->h, t->c.fd, c->cmd, s, c->size),
			   -EINVAL);
		fill(c, s, c->size + 1);
		s[c->size] = 1;
		expect_ret(sim_cmd_read_only(t->h, t->c.fd, c->cmd, s,
					     c->size + 1),
			   -E2BIG);
	}
}

static void result_behind_a_short_size_is_not_written(void **state)
{
	struct uapi_test *t = *state;
	struct uc_mock m = mock_new(t, ioas_new(t));
	struct ioas_abi_get_hw_info s = { .size = 32, .dev_id = m.idev };

	/* A hole follows the 32 bytes. */
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_GET_HW_INFO, &s, 32));
	assert_int_equal(s.out_data_type, IOAS_ABI_HW_INFO_TYPE_SELFTEST);
	s = (struct ioas_abi_get_hw_info){ .size = 32, .dev_id = m.idev,
					   .out_capabilities = 0x55 };
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_GET_HW_INFO, &s, sizeof(s)));
	assert_int_equal(s.out_capabilities, 0x55);
}

static void result_is_written_with_the_size_it_came_with(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_alloc s[2];

	memset(s, 0, sizeof(s));
	s[0].size = sizeof(s);
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_IOAS_ALLOC, s, sizeof(s)));
	assert_int_equal(s[0].size, sizeof(s));
	assert_int_equal(s[0].out_ioas_id, 1);
	assert_int_equal(s[1].size, 0);
}

int main(void)
{
	static struct simhost_options no_test_abi = { .no_test_abi = true };
	const struct CMUnitTest tests[] = {
		uapi_case(size_below_the_minimum_is_einval),
		uapi_case(size_below_the_minimum_reads_the_size_alone),
		uapi_case(missing_tail_is_zero_and_is_not_read),
		uapi_case(missing_tail_is_zero_though_memory_has_junk_there),
		uapi_case(zero_tail_of_any_length_is_accepted),
		uapi_case(nonzero_byte_anywhere_in_the_tail_is_e2big),
		uapi_case(byte_behind_the_size_is_not_looked_at),
		uapi_case(unreadable_tail_is_efault),
		uapi_case(no_fault_fails_the_zero_tail_of_a_release),
		uapi_case(largest_size_reads_up_to_the_hole),
		uapi_case(struct_that_is_not_all_readable_is_efault),
		uapi_case(unreadable_size_is_efault),
		uapi_case(other_type_direction_or_size_bits_are_enotty),
		uapi_case(number_is_compared_before_the_minimum),
		uapi_case(size_is_read_before_the_number_is_compared),
		uapi_case(unassigned_number_in_the_range_is_enotty),
		uapi_case(unassigned_number_reads_the_size_first),
		uapi_case(number_behind_the_last_is_enotty_untouched),
		uapi_case(number_before_the_first_is_enotty_untouched),
		uapi_case(container_number_with_other_bits_is_enotty_untouched),
		uapi_case_with(
			without_the_test_abi_its_numbers_are_enotty_untouched,
			&no_test_abi),
		uapi_case_with(without_the_test_abi_all_others_are_there,
			       &no_test_abi),
		uapi_case(failed_request_writes_nothing),
		uapi_case(failed_request_leaves_its_struct_as_it_was),
		uapi_case(size_errors_write_nothing),
		uapi_case(result_behind_a_short_size_is_not_written),
		uapi_case(result_is_written_with_the_size_it_came_with),
	};

	return cmocka_run_group_tests_name("the size protocol", tests, NULL,
					   NULL);
}
