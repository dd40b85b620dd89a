/* SPDX-License-Identifier: MIT */
/*
 * test: the table of operations of IOMMU_TEST_CMD (1), and the short ones
 *
 * Dispatch has copied the struct, of at least the minimum size. An operation
 * with results writes it back as its last step; what it created is undone if
 * that fails.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "seam/fault.h"

/* Bytes below which no batch of pages works (4.12), and the default. */
#define TEMP_LIMIT_MIN 12u
#define TEMP_LIMIT_DEFAULT 65536u

int ioas_mock_create(struct ioas_uapi *uapi, struct ioas_mock **out)
{
	struct ioas_mock *mock = ioas_zalloc(sizeof(*mock),
					     IOAS_FP_ALLOC_SPACE);

	if (!mock)
		return -ENOMEM;
	mock->uapi = uapi;
	atomic_store_explicit(&mock->temp_limit, TEMP_LIMIT_DEFAULT,
			      memory_order_relaxed);
	*out = mock;
	return 0;
}

void ioas_mock_destroy(struct ioas_mock *mock)
{
	ioas_free(mock, sizeof(*mock));
}

uint64_t ioas_mock_syz_iova(struct ioas_space *space, uint64_t n)
{
	ioas_iova_t iova;

	if (!ioas_iopt_nth(space->ioas, (uint32_t)n, &iova))
		return 0;
	return iova + (n >> 32);
}

/* 4.1. The mock is the owner, and never takes it back. */
static int test_add_reserved(struct ioas_ucmd *ucmd,
			     struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_add_reserved *r = &cmd->add_reserved;
	struct ioas_iova_range range = { .first = r->start };
	struct ioas_space *space;
	int ret;

	if (!r->length)
		return -EINVAL;
	if (!ioas_last(r->start, r->length, &range.last))
		return -EOVERFLOW;
	space = ioas_space_get(ucmd->ictx, cmd->id);
	if (!space)
		return -ENOENT;
	ret = ioas_iopt_reserve(space->ioas, &range, 1, ioas_mock_of(ucmd));
	ioas_object_put(&space->obj);
	return ret;
}

/* 4.12. Batches have their own sizes here: the value is only kept. */
static int test_set_temp_memory_limit(struct ioas_ucmd *ucmd,
				      struct ioas_abi_test_cmd *cmd)
{
	const uint32_t limit = cmd->set_temp_memory_limit.limit;

	if (limit < TEMP_LIMIT_MIN)
		return -EINVAL;
	atomic_store_explicit(&ioas_mock_of(ucmd)->temp_limit, limit,
			      memory_order_relaxed);
	return 0;
}

static const struct {
	ioas_test_fn *fn;
	/* It undoes something: no fault point may make it fail. */
	bool releases;
} ops[] = {
	[IOAS_ABI_TEST_OP_ADD_RESERVED] = { test_add_reserved, false },
	[IOAS_ABI_TEST_OP_MOCK_DOMAIN] = { ioas_test_mock_domain, false },
	[IOAS_ABI_TEST_OP_MD_CHECK_MAP] = { ioas_test_md_check_map, false },
	[IOAS_ABI_TEST_OP_MD_CHECK_REFS] = { ioas_test_md_check_refs, false },
	[IOAS_ABI_TEST_OP_CREATE_ACCESS] = { ioas_test_create_access, false },
	[IOAS_ABI_TEST_OP_DESTROY_ACCESS_PAGES] = {
		ioas_test_destroy_access_pages, true },
	[IOAS_ABI_TEST_OP_ACCESS_PAGES] = { ioas_test_access_pages, false },
	[IOAS_ABI_TEST_OP_ACCESS_RW] = { ioas_test_access_rw, false },
	[IOAS_ABI_TEST_OP_SET_TEMP_MEMORY_LIMIT] = {
		test_set_temp_memory_limit, false },
	[IOAS_ABI_TEST_OP_MOCK_DOMAIN_REPLACE] = {
		ioas_test_mock_domain_replace, false },
	[IOAS_ABI_TEST_OP_ACCESS_REPLACE_IOAS] = {
		ioas_test_access_replace_ioas, false },
	[IOAS_ABI_TEST_OP_MOCK_DOMAIN_FLAGS] = {
		ioas_test_mock_domain_flags, false },
	[IOAS_ABI_TEST_OP_DIRTY] = { ioas_test_dirty, false },
	[IOAS_ABI_TEST_OP_MD_CHECK_IOTLB] = { ioas_test_md_check_iotlb, false },
	[IOAS_ABI_TEST_OP_TRIGGER_IOPF] = { ioas_test_trigger_iopf, false },
	[IOAS_ABI_TEST_OP_DEV_CHECK_CACHE] = {
		ioas_test_dev_check_cache, false },
	[IOAS_ABI_TEST_OP_TRIGGER_VEVENT] = { ioas_test_trigger_vevent, false },
	[IOAS_ABI_TEST_OP_PASID_ATTACH] = { ioas_test_pasid_attach, false },
	[IOAS_ABI_TEST_OP_PASID_REPLACE] = { ioas_test_pasid_replace, false },
	[IOAS_ABI_TEST_OP_PASID_DETACH] = { ioas_test_pasid_detach, true },
	[IOAS_ABI_TEST_OP_PASID_CHECK_HWPT] = {
		ioas_test_pasid_check_hwpt, false },
	[IOAS_ABI_TEST_OP_DMABUF_GET] = { ioas_test_dmabuf_get, false },
	[IOAS_ABI_TEST_OP_DMABUF_REVOKE] = { ioas_test_dmabuf_revoke, false },
};

int ioas_cmd_test(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_test_cmd *cmd = ucmd->cmd;

	if (cmd->op >= IOAS_ARRAY_SIZE(ops) || !ops[cmd->op].fn)
		return -EOPNOTSUPP;
	return ops[cmd->op].fn(ucmd, cmd);
}

bool ioas_test_op_releases(uint32_t op)
{
	return op < IOAS_ARRAY_SIZE(ops) && ops[op].releases;
}
