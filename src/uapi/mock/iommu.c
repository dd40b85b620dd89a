/* SPDX-License-Identifier: MIT */
/*
 * iommu: page tables of the mock IOMMU (3.1 to 3.4), and what it says of itself
 *
 *   DEFAULT   |-- 2^24 ........ 2^31 - 1 --|       leaves of P/2, P, 2P, ...
 *   HUGE      |-- 0 ................. 2^38 - 1 --| leaves of P and 1 MiB
 *
 * Both are page tables of src/pt in its own format. P/2, half a CPU page, shows
 * whether a program, and the front end, take the alignment from the table.
 *
 * Locks: the values of a nested HWPT are atomics.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "domain/table.h"
#include "seam/fault.h"

/* No leaf is larger, with either table. */
#define LEAF_MAX_LG2 37u
#define HUGE_LAST ((UINT64_C(1) << 38) - 1)

struct nested {
	_Atomic uint32_t iotlb[IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_NUM];
};

/* ---- payload ------------------------------------------------------------ */

/*
 * What HWPT_ALLOC brought for us (5.2); zero, if nothing. Return: 0,
 * -EOPNOTSUPP (another's), -EINVAL (length) or -EFAULT.
 */
static int payload_read(const struct ioas_user_data *data,
			struct ioas_abi_hwpt_data_selftest *payload)
{
	*payload = (struct ioas_abi_hwpt_data_selftest){ 0 };
	if (!data || !data->length)
		return 0;
	if (data->type != IOAS_ABI_HWPT_DATA_SELFTEST)
		return -EOPNOTSUPP;
	if (data->length < sizeof(payload->iotlb) ||
	    data->length > sizeof(*payload))
		return -EINVAL;
	return ioas_copy_from(payload, data->address, data->length);
}

/* ---- paging ------------------------------------------------------------- */

static int table_params(uint32_t pagetable, uint8_t page_lg2,
			struct ioas_table_options *opts)
{
	const uint64_t half = UINT64_C(1) << (page_lg2 - 1);

	switch (pagetable) {
	case IOAS_ABI_MOCK_IOMMUPT_DEFAULT:
		/* half and every power of two above it */
		opts->pt.pgsizes = (UINT64_C(2) << LEAF_MAX_LG2) - half;
		opts->pt.first = IOAS_ABI_MOCK_APERTURE_START;
		opts->pt.last = IOAS_ABI_MOCK_APERTURE_LAST;
		/* One dirty bit for each half page (3.3). */
		opts->small_leaf = half;
		return 0;
	case IOAS_ABI_MOCK_IOMMUPT_HUGE:
		opts->pt.pgsizes = IOAS_ABI_MOCK_HUGE_PAGE_SIZE | 2 * half;
		opts->pt.last = HUGE_LAST;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static int mock_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
			     const struct ioas_user_data *data,
			     struct ioas_domain **out)
{
	const struct ioas_mock *mock = dev->iommu_instance;
	struct ioas_abi_hwpt_data_selftest payload;
	struct ioas_table_options opts = {
		.dirty = flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING,
	};
	int ret;

	ret = payload_read(data, &payload);
	if (!ret)
		ret = table_params(payload.pagetable_type,
				   ioas_mock_host(mock)->page_lg2, &opts);
	return ret ? ret : ioas_table_domain_create(&opts, out);
}

/* ---- nested ------------------------------------------------------------- */

static void iotlb_set(struct nested *n, uint32_t id, uint32_t value)
{
	atomic_store_explicit(&n->iotlb[id], value, memory_order_relaxed);
}

static void iotlb_set_all(struct nested *n, uint32_t value)
{
	for (uint32_t i = 0; i < IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_NUM; i++)
		iotlb_set(n, i, value);
}

/* In the order of 5.3. */
static int nested_invalidate_one(struct nested *n, uint64_t address)
{
	struct ioas_abi_hwpt_invalidate_selftest entry;
	int ret = ioas_copy_from(&entry, address, sizeof(entry));

	if (ret)
		return ret;
	if (entry.flags & ~IOAS_ABI_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (entry.iotlb_id > IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_ID_MAX)
		return -EINVAL;
	if (entry.flags & IOAS_ABI_TEST_INVALIDATE_FLAG_ALL)
		iotlb_set_all(n, 0);
	else
		iotlb_set(n, entry.iotlb_id, 0);
	return 0;
}

static int nested_invalidate(struct ioas_hwpt *hwpt,
			     struct ioas_invalidation *inv)
{
	const uint32_t size = sizeof(struct ioas_abi_hwpt_invalidate_selftest);

	inv->done = 0;
	if (inv->type != IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	if (inv->entry_num && inv->entry_len != size)
		return -EINVAL;
	for (; inv->done < inv->entry_num; inv->done++) {
		uint64_t address;
		int ret = -EFAULT;

		if (!ioas_add_overflow(inv->address,
				       (uint64_t)inv->done * size, &address))
			ret = nested_invalidate_one(hwpt->nested, address);
		if (ret)
			return ret;
	}
	return 0;
}

static void nested_destroy(struct ioas_hwpt *hwpt)
{
	ioas_free(hwpt->nested, sizeof(struct nested));
}

static const struct ioas_nested_ops nested_ops = {
	.invalidate = nested_invalidate,
	.destroy = nested_destroy,
};

int ioas_mock_nested_create(struct ioas_hwpt *hwpt, uint32_t flags,
			    const struct ioas_user_data *data)
{
	struct ioas_abi_hwpt_data_selftest payload;
	struct nested *n;
	int ret;

	if (flags & ~(IOAS_ABI_HWPT_FAULT_ID_VALID | IOAS_ABI_HWPT_ALLOC_PASID))
		return -EOPNOTSUPP;
	ret = payload_read(data, &payload);
	if (ret)
		return ret;
	n = ioas_alloc(sizeof(*n), IOAS_FP_ALLOC_SPACE);
	if (!n)
		return -ENOMEM;
	iotlb_set_all(n, payload.iotlb);
	hwpt->nested = n;
	hwpt->nested_ops = &nested_ops;
	return 0;
}

uint32_t ioas_mock_nested_iotlb(const struct ioas_hwpt *hwpt, uint32_t n)
{
	const struct nested *nested = hwpt->nested;

	return atomic_load_explicit(&nested->iotlb[n], memory_order_relaxed);
}

static int mock_nested_alloc(struct ioas_udevice *dev, struct ioas_hwpt *hwpt,
			     uint32_t flags, const struct ioas_user_data *data)
{
	(void)dev;
	return ioas_mock_nested_create(hwpt, flags, data);
}

/* ---- the rest ----------------------------------------------------------- */

static uint64_t mock_capabilities(const struct ioas_udevice *dev)
{
	uint64_t caps = IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED;

	if (!ioas_mock_device_const(dev)->no_dirty)
		caps |= IOAS_ABI_HW_CAP_DIRTY_TRACKING;
	return caps;
}

/* 5.1 */
static int mock_hw_info(const struct ioas_udevice *dev, uint32_t *type,
			void *data, uint32_t *length)
{
	const struct ioas_abi_hw_info_selftest info = {
		.test_reg = IOAS_ABI_HW_INFO_SELFTEST_REGVAL,
	};

	(void)dev;
	if (*type != IOAS_ABI_HW_INFO_TYPE_DEFAULT &&
	    *type != IOAS_ABI_HW_INFO_TYPE_SELFTEST)
		return -EOPNOTSUPP;
	memcpy(data, &info, sizeof(info));
	*length = sizeof(info);
	*type = IOAS_ABI_HW_INFO_TYPE_SELFTEST;
	return 0;
}

static int mock_viommu_check(struct ioas_udevice *dev, uint32_t type)
{
	(void)dev;
	return type == IOAS_ABI_VIOMMU_TYPE_SELFTEST ? 0 : -EOPNOTSUPP;
}

static int mock_viommu_init(struct ioas_viommu *viommu, uint32_t type,
			    const struct ioas_user_data *data)
{
	(void)type;
	return ioas_mock_viommu_init(viommu, data);
}

const struct ioas_iommu_ops ioas_mock_iommu = {
	.name = "mock",
	.enforces_coherency = true,
	.user_pasid_table = true,
	.capabilities = mock_capabilities,
	.hw_info = mock_hw_info,
	.domain_alloc = mock_domain_alloc,
	.nested_alloc = mock_nested_alloc,
	.viommu_check = mock_viommu_check,
	.viommu_init = mock_viommu_init,
};
