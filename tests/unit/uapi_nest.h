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

#include "uapi_fixture.h"

#define NEST_PARENT IOAS_ABI_HWPT_ALLOC_NEST_PARENT
#define FAULT_VALID IOAS_ABI_HWPT_FAULT_ID_VALID
#define PASID_FLAG IOAS_ABI_HWPT_ALLOC_PASID
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
static inline uint32_t viommu_new(struct uapi_test *t, const struct nest *n)
{
	uint32_t id = 0;

	expect_ok(uc_viommu(&t->c, n->dev.idev, n->parent, &id));
	return id;
}

/* All but the VIOMMU. */
static inline struct nest nest_parent_new(struct uapi_test *t)
{
	struct nest n = { .ioas = ioas_new(t) };

	n.dev = mock_new(t, n.ioas);
	expect_ok(uc_hwpt(&t->c, n.dev.idev, n.ioas, NEST_PARENT, &n.parent));
	return n;
}

static inline struct nest nest_new(struct uapi_test *t)
{
	struct nest n = nest_parent_new(t);

	n.viommu = viommu_new(t, &n);
	return n;
}

static inline uint32_t vdevice_new(struct uapi_test *t, uint32_t viommu,
				   uint32_t dev, uint64_t virt_id)
{
	uint32_t id = 0;

	expect_ok(uc_vdevice(&t->c, viommu, dev, virt_id, &id));
	return id;
}

/* A nested HWPT on a nest parent or through a VIOMMU. */
static inline int nested_alloc(struct uapi_test *t, uint32_t dev, uint32_t pt,
			       uint32_t *id)
{
	const struct ioas_abi_hwpt_data_selftest data = {
		.iotlb = IOAS_ABI_TEST_IOTLB_DEFAULT,
	};

	return uc_hwpt_mock(&t->c, dev, pt, 0, &data, id);
}

static inline uint32_t nested_new(struct uapi_test *t, uint32_t dev,
				  uint32_t pt)
{
	uint32_t id = 0;

	expect_ok(nested_alloc(t, dev, pt, &id));
	return id;
}

/* Move the RID of a device. */
static inline int attach(struct uapi_test *t, uint32_t stdev, uint32_t pt)
{
	return uc_mock_replace(&t->c, stdev, &pt);
}

#endif
