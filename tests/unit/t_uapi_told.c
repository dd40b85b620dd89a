/* SPDX-License-Identifier: MIT */
/*
 * what the host is told: requests as they came and as they were left, and
 * where memory that programs map has to lie (src/uapi/host.h)
 */
#include "uapi/command.h"
#include "uapi_nest.h"

/* ---- the op command ------------------------------------------------------ */

/* The last request, with copies of its copies. */
static struct {
	unsigned int nr;
	struct ioas_host_command c;
	uint8_t in[IOAS_UCMD_MAX];
	uint8_t out[IOAS_UCMD_MAX];
} told;

static void on_command(struct simhost *h, const struct ioas_host_command *c)
{
	(void)h;
	assert_int_equal(ioas_plat_thread()->nr_held, 0);
	assert_true(c->size <= IOAS_UCMD_MAX);
	told.nr++;
	told.c = *c;
	memcpy(told.in, c->in, c->size);
	memcpy(told.out, c->out, c->size);
}

static void listen(struct uapi_test *t)
{
	memset(&told, 0, sizeof(told));
	t->h->on_command = on_command;
}

static void expect_told(struct uapi_test *t, uint32_t cmd, size_t size,
			int64_t result)
{
	assert_int_equal(told.nr, 1);
	assert_ptr_equal(told.c.ictx, sim_context(t->h, t->c.fd));
	assert_ptr_equal(told.c.ictx->file, sim_file(t->h, t->c.fd));
	assert_int_equal(told.c.cmd, cmd);
	assert_int_equal(told.c.size, size);
	assert_int_equal(told.c.result, result);
	told.nr = 0;
}

static void request_and_answer_are_told(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_alloc s = { .size = sizeof(s) }, *in, *out;

	listen(t);
	expect_ok(uc_do(&t->c, IOAS_ABI_IOAS_ALLOC, &s));
	expect_told(t, IOAS_ABI_IOAS_ALLOC, sizeof(s), 0);
	in = (void *)told.in;
	out = (void *)told.out;
	assert_int_equal(in->out_ioas_id, 0);
	assert_int_equal(out->out_ioas_id, s.out_ioas_id);
	assert_int_not_equal(s.out_ioas_id, 0);
}

/* The handler clears the length of what it does not unmap. */
static void a_failed_request_is_told_with_its_result(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_unmap s = {
		.size = sizeof(s), .ioas_id = ioas_new(t),
		.iova = IOVA, .length = PAGE,
	};

	listen(t);
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_UNMAP, &s), -ENOENT);
	expect_told(t, IOAS_ABI_IOAS_UNMAP, sizeof(s), -ENOENT);
	assert_memory_equal(told.in, &s, sizeof(s));
	s.ioas_id = NO_ID;
	expect_errno(uc_do(&t->c, IOAS_ABI_IOAS_UNMAP, &s), -ENOENT);
	expect_told(t, IOAS_ABI_IOAS_UNMAP, sizeof(s), -ENOENT);
}

static void what_was_not_copied_has_no_size(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_ioas_unmap s = { .size = 4 };

	listen(t);
	expect_errno(sim_cmd(t->h, t->c.fd, IOAS_ABI_IOAS_UNMAP, &s,
			     sizeof(s)), -EINVAL);
	expect_told(t, IOAS_ABI_IOAS_UNMAP, 0, -EINVAL);
	expect_errno(sim_ioctl(t->h, t->c.fd, IOAS_ABI_IOAS_UNMAP,
			       sim_hole(t->h)), -EFAULT);
	expect_told(t, IOAS_ABI_IOAS_UNMAP, 0, -EFAULT);
	expect_errno(sim_ioctl(t->h, t->c.fd, 0x3bff, 0), -ENOTTY);
	expect_told(t, 0x3bff, 0, -ENOTTY);
	expect_errno(sim_ioctl(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_MAP_DMA,
			       sim_hole(t->h)), -EFAULT);
	expect_told(t, IOAS_ABI_VFIO_IOMMU_MAP_DMA, 0, -EFAULT);
}

/* The size that is told is of the struct we know. */
static void missing_bytes_are_told_as_zero(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_test_cmd s = {
		.size = IOAS_ABI_TEST_CMD_MIN_SIZE, .op = UINT32_MAX,
	};
	static const uint8_t none[IOAS_UCMD_MAX];

	listen(t);
	expect_errno(sim_cmd(t->h, t->c.fd, IOAS_ABI_TEST_CMD, &s,
			     IOAS_ABI_TEST_CMD_MIN_SIZE), -EOPNOTSUPP);
	expect_told(t, IOAS_ABI_TEST_CMD, sizeof(s), -EOPNOTSUPP);
	assert_memory_equal(told.in + IOAS_ABI_TEST_CMD_MIN_SIZE, none,
			    sizeof(s) - IOAS_ABI_TEST_CMD_MIN_SIZE);
}

static void container_requests_are_told(void **state)
{
	struct uapi_test *t = *state;
	struct ioas_abi_vfio_iommu_map_dma map = {
		.argsz = sizeof(map),
		.flags = IOAS_ABI_VFIO_DMA_MAP_FLAG_READ,
		.vaddr = VA_RUN, .iova = IOVA, .size = 2 * PAGE,
	};
	struct ioas_abi_vfio_iommu_unmap_dma unmap = {
		.argsz = sizeof(unmap),
		.flags = IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL,
	}, *out = (void *)told.out;
	struct ioas_abi_vfio_iommu_get_info info = { .argsz = sizeof(info) };
	struct ioas_abi_vfio_ioas set = {
		.size = sizeof(set), .op = IOAS_ABI_VFIO_IOAS_SET,
		.ioas_id = ioas_new(t),
	};

	expect_ok(uc_do(&t->c, IOAS_ABI_VFIO_IOAS, &set));
	listen(t);
	expect_ok(sim_ioctl(t->h, t->c.fd, IOAS_ABI_VFIO_GET_API_VERSION, 0));
	expect_told(t, IOAS_ABI_VFIO_GET_API_VERSION, 0, 0);
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_MAP_DMA, &map,
			  sizeof(map)));
	expect_told(t, IOAS_ABI_VFIO_IOMMU_MAP_DMA, sizeof(map), 0);
	assert_memory_equal(told.in, &map, sizeof(map));
	assert_memory_equal(told.out, &map, sizeof(map));
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, &unmap,
			  sizeof(unmap)));
	expect_told(t, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, sizeof(unmap), 0);
	assert_int_equal(out->size, 2 * PAGE);
	expect_ok(sim_cmd(t->h, t->c.fd, IOAS_ABI_VFIO_IOMMU_GET_INFO, &info,
			  sizeof(info)));
	expect_told(t, IOAS_ABI_VFIO_IOMMU_GET_INFO, sizeof(info), 0);
	assert_memory_equal(told.out, &info, sizeof(info));
}

/* ---- memory that programs map -------------------------------------------- */

static void memory_is_for_the_file_and_offset_of_its_maps(void **state)
{
	struct uapi_test *t = *state;
	const struct nest n = nest_parent_new(t);
	struct ioas_abi_viommu_data_selftest d = { 0 };
	struct ioas_abi_viommu_alloc s = { .type = VIOMMU_TYPE,
					   .dev_id = n.dev.idev,
					   .hwpt_id = n.parent,
					   .data_len = sizeof(d) };

	for (unsigned int i = 0; i < 2; i++) {
		expect_ok(uc_viommu_alloc(&t->c, &s, &d));
		assert_ptr_equal(t->h->last_shm, sim_file(t->h, t->c.fd));
		assert_int_equal(t->h->last_shm_offset, d.out_mmap_offset);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uapi_case(request_and_answer_are_told),
		uapi_case(a_failed_request_is_told_with_its_result),
		uapi_case(what_was_not_copied_has_no_size),
		uapi_case(missing_bytes_are_told_as_zero),
		uapi_case(container_requests_are_told),
		uapi_case(memory_is_for_the_file_and_offset_of_its_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
