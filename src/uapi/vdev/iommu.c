/* SPDX-License-Identifier: MIT */
/*
 * iommu: page tables of emulated functions, and what their IOMMU says of itself
 *
 *   |-- 0 ........ | interrupts, 1 MiB | ............ 2^48 - 1 --|
 *                    at 0xfee00000
 *
 *   vtdss     VT-d, second stage
 *   x86_64    VT-d, first stage
 *   amdv1     AMD, host tables
 *   riscv64   second stage, Sv48x4
 *
 * Programs see the same with each: all track dirty pages, none is nested, and
 * who asks which it is hears of none. What differs is what mappings are written
 * into, and so what a mapping without a permission still allows: x86_64 and
 * riscv64 have no leaf that cannot be read.
 *
 * Those of Arm are not among them: with a granule of 4 KiB they hold output
 * addresses of 48 bits, and frames of other processes have higher ones.
 */
#include "base/bits.h"
#include "base/errno.h"
#include "domain/table.h"
#include "uapi/command.h"
#include "uapi/vdev/vdev.h"

#define IOVA_BITS 48u
#define LEAVES (UINT64_C(1) << 12 | UINT64_C(1) << 21 | UINT64_C(1) << 30)

/* Interrupt messages. */
#define WINDOW { .first = 0xfee00000, .last = 0xfeefffff }

const struct ioas_iova_range ioas_vdev_reserved[1] = { WINDOW };

const struct ioas_iova_range ioas_vdev_holes[3] = {
	WINDOW,
	{ .first = UINT64_C(1) << IOVA_BITS, .last = IOAS_U64_MAX },
	{ .first = 1, .last = 0 },
};

static int vdev_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
			     const struct ioas_user_data *data,
			     struct ioas_domain **out);
static uint64_t vdev_capabilities(const struct ioas_udevice *dev);

const struct ioas_iommu_ops ioas_vdev_iommu = {
	.name = "vtdss",
	.enforces_coherency = true,
	.capabilities = vdev_capabilities,
	.domain_alloc = vdev_domain_alloc,
};

static const struct ioas_iommu_ops amdv1 = {
	.name = "amdv1",
	.enforces_coherency = true,
	.capabilities = vdev_capabilities,
	.domain_alloc = vdev_domain_alloc,
};

static const struct ioas_iommu_ops x86_64 = {
	.name = "x86_64",
	.enforces_coherency = true,
	.capabilities = vdev_capabilities,
	.domain_alloc = vdev_domain_alloc,
};

static const struct ioas_iommu_ops riscv64 = {
	.name = "riscv64",
	.enforces_coherency = true,
	.capabilities = vdev_capabilities,
	.domain_alloc = vdev_domain_alloc,
};

static const struct kind {
	const struct ioas_iommu_ops *ops;
	const struct ioas_pt_format *format;
	/* enum ioas_pt_flags. */
	uint32_t flags;
} kinds[] = {
	{ &ioas_vdev_iommu, &ioas_pt_vtdss, IOAS_PT_FORCE_COHERENT },
	{ &x86_64, &ioas_pt_x86_64, 0 },
	{ &amdv1, &ioas_pt_amdv1, IOAS_PT_FORCE_COHERENT },
	{ &riscv64, &ioas_pt_riscv64_x4, 0 },
};

static const struct kind *kind_of(const struct ioas_udevice *dev)
{
	const struct kind *k = kinds;

	while (k < kinds + IOAS_ARRAY_SIZE(kinds) - 1 && k->ops != dev->iommu)
		k++;
	return k;
}

static int vdev_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
			     const struct ioas_user_data *data,
			     struct ioas_domain **out)
{
	const struct kind *k = kind_of(dev);
	const bool dirty = flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING;
	const struct ioas_table_options opts = {
		.format = k->format,
		.pt = { .pgsizes = LEAVES,
			.last = (UINT64_C(1) << IOVA_BITS) - 1,
			.flags = k->flags | (dirty ? IOAS_PT_DIRTY : 0) },
		.dirty = dirty,
	};

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

/* ---- by name ------------------------------------------------------------ */

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct ioas_iommu_ops *ioas_vdev_iommu_find(const char *name)
{
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(kinds); i++)
		if (same_name(kinds[i].ops->name, name))
			return kinds[i].ops;
	return NULL;
}

const struct ioas_iommu_ops *ioas_vdev_iommu_at(unsigned int index)
{
	return index < IOAS_ARRAY_SIZE(kinds) ? kinds[index].ops : NULL;
}
