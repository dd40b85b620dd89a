/* SPDX-License-Identifier: MIT */
/*
 * uapi nest: what every test of a VIOMMU begins with
 *
 *    IOAS <-- HWPT, automatic <-- device (stdev, idev)
 *         <-- HWPT, nest parent <-- VIOMMU
 *
 * The device is not in the VIOMMU yet, and attached beside it.
 */
#ifndef TESTS_UNIT_UAPI_NEST_H
#define TESTS_UNIT_UAPI_NEST_H

#include "uapi_device.h"

/* Behind it is a hole. */
#define RUN_END (VA_RUN + VA_PAGES * PAGE)
#define VIOMMU_TYPE IOAS_ABI_VIOMMU_TYPE_SELFTEST

struct nest {
	uint32_t ioas;
	struct uc_mock dev;
	uint32_t parent;
	uint32_t viommu;
};

/* Another VIOMMU on the same parent. */
static inline uint32_t viommu_beside(struct uapi_test *t, const struct nest *n)
{
	return viommu_new(t, n->dev.idev, n->parent);
}

/* All but the VIOMMU. */
static inline struct nest nest_parent_new(struct uapi_test *t)
{
	struct nest n = { .ioas = ioas_new(t) };

	n.dev = mock_new(t, n.ioas);
	n.parent = hwpt_new(t, n.dev.idev, n.ioas, NEST);
	return n;
}

static inline struct nest nest_new(struct uapi_test *t)
{
	struct nest n = nest_parent_new(t);

	n.viommu = viommu_beside(t, &n);
	return n;
}

static inline uint32_t vdevice_new(struct uapi_test *t, uint32_t viommu,
				   uint32_t dev, uint64_t virt_id)
{
	uint32_t id = 0;

	expect_ok(uc_vdevice(&t->c, viommu, dev, virt_id, &id));
	return id;
}

/* Move the RID of a device. */
static inline int attach(struct uapi_test *t, uint32_t stdev, uint32_t pt)
{
	return uc_mock_replace(&t->c, stdev, &pt);
}

#endif
