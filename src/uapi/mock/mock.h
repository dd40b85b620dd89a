/* SPDX-License-Identifier: MIT */
/*
 * mock: an IOMMU without hardware, its devices, and the request that drives
 * them (docs/reference/iommufd-test-abi.md)
 *
 *   IOMMU_TEST_CMD --> test.c: table of operations
 *                        |- device.c   devices: make, attach, trigger
 *                        |- check.c    look into tables and page counts
 *                        |- access.c   software users of an IOAS, as files
 *                        `- dmabuf.c   memory that can be taken back
 *   HWPT_ALLOC, ...  --> iommu.c, viommu.c: what the front end asks of a kind
 *                        of IOMMU
 *
 * Numbers in brackets in this room are sections of that page.
 */
#ifndef IOAS_UAPI_MOCK_MOCK_H
#define IOAS_UAPI_MOCK_MOCK_H

#include "uapi/command.h"
#include "uapi/viommu.h"

/* One per instance; all mock devices are behind it. */
struct ioas_mock {
	/* Set once. */
	struct ioas_uapi *uapi;
	/* What SET_TEMP_MEMORY_LIMIT said last. */
	_Atomic uint32_t temp_limit;
};

/* Return: 0 or -ENOMEM. */
int ioas_mock_create(struct ioas_uapi *uapi, struct ioas_mock **out);
/* Accepts NULL. */
void ioas_mock_destroy(struct ioas_mock *mock);

/*
 * An IOVA of the fuzzing aid (4.24): half of @n is the number of an area, half
 * an offset in it. 0: there is no such area.
 */
uint64_t ioas_mock_syz_iova(struct ioas_space *space, uint64_t n);

static inline struct ioas_mock *ioas_mock_of(const struct ioas_ucmd *ucmd)
{
	return ucmd->ictx->uapi->mock;
}

static inline struct ioas_host *ioas_mock_host(const struct ioas_mock *mock)
{
	return mock->uapi->host;
}

/* ---- test.c ------------------------------------------------------------- */

/* An operation; @cmd is the copy of the program's struct. */
typedef int ioas_test_fn(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd);

/* device.c */
ioas_test_fn ioas_test_mock_domain, ioas_test_mock_domain_flags,
	ioas_test_mock_domain_replace, ioas_test_pasid_attach,
	ioas_test_pasid_replace, ioas_test_pasid_detach,
	ioas_test_pasid_check_hwpt, ioas_test_trigger_iopf,
	ioas_test_trigger_vevent, ioas_test_dev_check_cache;
/* check.c */
ioas_test_fn ioas_test_md_check_map, ioas_test_md_check_refs,
	ioas_test_md_check_iotlb, ioas_test_dirty;
/* access.c */
ioas_test_fn ioas_test_create_access, ioas_test_access_replace_ioas,
	ioas_test_access_pages, ioas_test_destroy_access_pages,
	ioas_test_access_rw;
/* dmabuf.c */
ioas_test_fn ioas_test_dmabuf_get, ioas_test_dmabuf_revoke;

/* ---- iommu.c, viommu.c -------------------------------------------------- */

extern const struct ioas_iommu_ops ioas_mock_iommu;
extern const struct ioas_viommu_ops ioas_mock_viommu_ops;

/* A mock's page table? */
static inline bool ioas_mock_is_hwpt(const struct ioas_hwpt *hwpt)
{
	return hwpt->iommu == &ioas_mock_iommu;
}

/*
 * Make @hwpt, of a parent or a VIOMMU, a nested one (5.2). Return: 0,
 * -EOPNOTSUPP, -EINVAL, -EFAULT, -ENOMEM.
 */
int ioas_mock_nested_create(struct ioas_hwpt *hwpt, uint32_t flags,
			    const struct ioas_user_data *data);
/* Value @n of the IOTLB of a nested HWPT of ours; n <= ..._IOTLB_ID_MAX. */
uint32_t ioas_mock_nested_iotlb(const struct ioas_hwpt *hwpt, uint32_t n);

/* Second half of ioas_iommu_ops.viommu_init; see there. */
int ioas_mock_viommu_init(struct ioas_viommu *v,
			  const struct ioas_user_data *data);

/* ---- device.c ----------------------------------------------------------- */

/* A device and its handle, a SELFTEST object. */
struct ioas_mock_device {
	struct ioas_object obj;
	/* Set once. */
	struct ioas_udevice dev;
	struct ioas_idev *idev;
	bool no_dirty;
	_Atomic uint32_t cache[IOAS_ABI_MOCK_DEV_CACHE_NUM];

	/*
	 * The VIOMMU of the RID's HWPT, which is a user of it, and who the
	 * device is there (3.4). Guarded by the group's lock, as is the rest.
	 */
	struct ioas_viommu *viommu;
	uint64_t virt_id;
	/* The next attach at PASID 1024 fails (3.5). */
	bool armed;
};

/* NULL: another kind of device. */
struct ioas_mock_device *ioas_mock_device_of(struct ioas_udevice *dev);
/* As ioas_mock_device_of(), of a device that is known to be ours. */
static inline const struct ioas_mock_device *
ioas_mock_device_const(const struct ioas_udevice *dev)
{
	return ioas_container_of(dev, const struct ioas_mock_device, dev);
}

/* ---- check.c ------------------------------------------------------------ */

/* Frames that follow each other behind a caller's addresses. 0: go on. */
typedef int ioas_mock_run_fn(void *ctx, const struct ioas_run *run);

/*
 * Call @fn for the frames behind pages [@page, @page + @nr) of the caller's
 * memory, in order. They are pinned for reading during the call. Return: 0,
 * what @fn returned, or the error of a page that cannot be read (-EFAULT).
 */
int ioas_mock_user_runs(struct ioas_mock *mock, uint64_t page, uint64_t nr,
			ioas_mock_run_fn *fn, void *ctx);

#endif
