/* SPDX-License-Identifier: MIT */
/*
 * uapi device: devices, page tables and queues for cases of the front end
 *
 *    device_new      a device on an automatic HWPT of an IOAS of its own
 *    hwpt_new        a manual HWPT, attached to nothing
 *    parent_new      a nest parent, on an IOAS of its own
 *    nested_new      a nested HWPT on a parent or a VIOMMU
 *
 * Each ends the test if it fails.
 */
#ifndef TESTS_UNIT_UAPI_DEVICE_H
#define TESTS_UNIT_UAPI_DEVICE_H

#include "uapi_fixture.h"

#define DEV_NO_DIRTY IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY
#define DEV_PASID IOAS_ABI_MOCK_FLAGS_DEVICE_PASID

/* The last IOVA of the table with large pages only. */
#define HUGE_LAST ((UINT64_C(1) << 38) - 1)

static inline struct uc_mock device_on(struct uapi_test *t, uint32_t pt,
				       uint32_t flags)
{
	struct uc_mock m = { 0, 0, 0 };

	expect_ok(uc_mock_domain_flags(&t->c, pt, flags, &m));
	return m;
}

static inline struct uc_mock device_new(struct uapi_test *t, uint32_t flags)
{
	return device_on(t, ioas_new(t), flags);
}

static inline uint32_t hwpt_new(struct uapi_test *t, uint32_t dev,
				uint32_t ioas, uint32_t flags)
{
	uint32_t id = 0;

	expect_ok(uc_hwpt(&t->c, dev, ioas, flags, &id));
	return id;
}

static inline uint32_t hwpt_huge_new(struct uapi_test *t, uint32_t dev,
				     uint32_t ioas, uint32_t flags)
{
	const struct ioas_abi_hwpt_data_selftest data = {
		.pagetable_type = IOAS_ABI_MOCK_IOMMUPT_HUGE,
	};
	uint32_t id = 0;

	expect_ok(uc_hwpt_mock(&t->c, dev, ioas, flags, &data, &id));
	return id;
}

static inline uint32_t parent_new(struct uapi_test *t, uint32_t dev)
{
	return hwpt_new(t, dev, ioas_new(t), NEST);
}

static inline uint32_t nested_new(struct uapi_test *t, uint32_t dev,
				  uint32_t pt, uint32_t flags)
{
	const struct ioas_abi_hwpt_data_selftest data = {
		.iotlb = IOAS_ABI_TEST_IOTLB_DEFAULT,
	};
	uint32_t id = 0;

	expect_ok(uc_hwpt_mock(&t->c, dev, pt, flags, &data, &id));
	return id;
}

static inline uint32_t viommu_new(struct uapi_test *t, uint32_t dev,
				  uint32_t parent)
{
	uint32_t id = 0;

	expect_ok(uc_viommu(&t->c, dev, parent, &id));
	return id;
}

/* An HWPT whose page requests go to a queue. @pt: an IOAS or a nest parent. */
static inline uint32_t faulting_new(struct uapi_test *t, uint32_t dev,
				    uint32_t pt, uint32_t flags,
				    uint32_t queue, bool nested)
{
	const struct ioas_abi_hwpt_data_selftest data = { 0, 0 };
	struct ioas_abi_hwpt_alloc s = {
		.flags = flags | FAULT,
		.dev_id = dev,
		.pt_id = pt,
		.data_type = nested ? IOAS_ABI_HWPT_DATA_SELFTEST : 0,
		.data_len = nested ? sizeof(data) : 0,
		.fault_id = queue,
	};

	expect_ok(uc_hwpt_alloc(&t->c, &s, &data));
	return s.out_hwpt_id;
}

static inline uint32_t faultq_new(struct uapi_test *t, int *fd)
{
	uint32_t id = 0;

	expect_ok(uc_fault_queue(&t->c, &id, fd));
	return id;
}

/* The lowest free id: the same as before, if nothing was left. */
static inline uint32_t id_free(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_destroy(&t->c, id));
	return id;
}

/* The only range of IOVA that a space has. */
static inline struct ioas_abi_iova_range range_of(struct uapi_test *t,
						  uint32_t ioas)
{
	struct ioas_abi_iova_range r[4] = { { 0, 0 } };
	uint32_t nr = 4;

	expect_ok(uc_ranges(&t->c, ioas, r, &nr, NULL));
	assert_int_equal(nr, 1);
	return r[0];
}

static inline void expect_range(struct uapi_test *t, uint32_t ioas,
				uint64_t start, uint64_t last)
{
	const struct ioas_abi_iova_range r = range_of(t, ioas);

	assert_int_equal(r.start, start);
	assert_int_equal(r.last, last);
}

/* As a space is that no domain was ever added to. */
static inline void expect_untouched(struct uapi_test *t, uint32_t ioas)
{
	expect_range(t, ioas, 0, U64);
	assert_int_equal(alignment_of(t, ioas), 1);
}

/* ---- what a domain cannot be added to ------------------------------------ */

/* Spaces with an area or an allowed range that something is wrong with. */

static inline uint32_t ioas_misaligned(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN + 1, 1, UC_R, IOVA + 1));
	return id;
}

/* Outside of the default table's aperture, inside of the other's. */
static inline uint32_t ioas_low(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R,
			       IOAS_ABI_MOCK_APERTURE_START - PAGE));
	return id;
}

static inline uint32_t ioas_allowed_low(struct uapi_test *t)
{
	static const struct ioas_abi_iova_range r = { 0, IOVA };
	const uint32_t id = ioas_new(t);

	expect_ok(uc_allow(&t->c, id, &r, 1));
	return id;
}

/* EFAULT */
static inline uint32_t ioas_of_hole(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	/* Behind one that can be pinned. */
	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->c, id, VA_HOLE, PAGE, UC_R, IOVA + PAGE));
	return id;
}

/* EINVAL */
static inline uint32_t ioas_of_no_memory(struct uapi_test *t)
{
	struct ioas_abi_ioas_map_file s = {
		.flags = UC_R | UC_FIXED,
		.ioas_id = ioas_new(t),
		.fd = sim_open_other(t->h),
		.length = PAGE,
		.iova = IOVA + PAGE,
	};

	expect_ok(uc_map_fixed(&t->c, s.ioas_id, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_file(&t->c, &s));
	return s.ioas_id;
}

/* ENOMEM, with a lock limit of three pages. */
static inline uint32_t ioas_too_large(struct uapi_test *t)
{
	const uint32_t id = ioas_new(t);

	expect_ok(uc_map_fixed(&t->c, id, VA_RUN, 4 * PAGE, UC_R, IOVA));
	atomic_store(&t->p->principal->limit, 3);
	return id;
}

#endif
