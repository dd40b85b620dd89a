/* SPDX-License-Identifier: MIT */
/*
 * iommu: page tables of emulated functions, and what their IOMMU says of itself
 *
 *   |-- 0 ........ | interrupts, 1 MiB | ............ 2^48 - 1 --|
 *                    at 0xfee00000
 *
 * The format is that of VT-d's second stage. Nothing is nested: a program that
 * asks for the kind of IOMMU hears none.
 */
#include "base/errno.h"
#include "domain/table.h"
#include "uapi/command.h"
#include "uapi/vdev/vdev.h"

#define IOVA_BITS 48u
#define LEAVES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

const struct ioas_iova_range ioas_vdev_reserved[1] = {
	{ .first = 0xfee00000, .last = 0xfeefffff },
};

static int vdev_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
			     const struct ioas_user_data *data,
			     struct ioas_domain **out)
{
	const struct ioas_table_options opts = {
		.format = &ioas_pt_vtdss,
		.pt = { .pgsizes = LEAVES,
			.last = (UINT64_C(1) << IOVA_BITS) - 1,
			.va_bits = IOVA_BITS,
			.flags = IOAS_PT_FORCE_COHERENT },
		.dirty = flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING,
	};

	(void)dev;
	if (flags & ~(IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING |
		      IOAS_ABI_HWPT_ALLOC_PASID | IOAS_ABI_HWPT_FAULT_ID_VALID))
		return -EOPNOTSUPP;
	if (data && data->length)
		return -EOPNOTSUPP;
	return ioas_table_domain_create(&opts, out);
}

static uint64_t vdev_capabilities(const struct ioas_udevice *dev)
{
	(void)dev;
	return IOAS_ABI_HW_CAP_DIRTY_TRACKING |
	       IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED;
}

const struct ioas_iommu_ops ioas_vdev_iommu = {
	.name = "vdev",
	.enforces_coherency = true,
	.capabilities = vdev_capabilities,
	.domain_alloc = vdev_domain_alloc,
};
