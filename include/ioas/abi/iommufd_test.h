/* SPDX-License-Identifier: MIT */
/*
 * iommufd_test: the request that drives the mock IOMMU and its devices
 *
 *     struct ioas_abi_test_cmd     0      8        16                64   72
 *                                  +------+--------+-----------------+----+
 *                                  | size | id     | members of the  |last|
 *                                  | op   |        | operation, 48   |    |
 *                                  +------+--------+-----------------+----+
 *
 * One ioctl on an iommufd makes mock devices, looks into their page tables,
 * acts as a software client of a space, and injects page faults, events and
 * dirty bits, so that a program can test what it does with an IOMMU where there
 * is none. docs/reference/iommufd-test-abi.md describes it; the numbers in
 * brackets are its sections.
 *
 * Names and layout are as in <ioas/abi/iommufd.h>. An operation Y has the
 * number IOAS_ABI_TEST_OP_Y, the struct ioas_abi_test_y and the member y of the
 * request's union. What the members named id and id of the union stand for,
 * and which are results, is said with each operation; flags that are not named
 * are refused.
 */
#ifndef IOAS_ABI_IOMMUFD_TEST_H
#define IOAS_ABI_IOMMUFD_TEST_H

#include <ioas/abi/iommufd.h>

#define IOAS_ABI_TEST_CMD			0x3ba0u
#define IOAS_ABI_TEST_CMD_MIN_SIZE		68u

/* The mock IOMMU (2) */
#define IOAS_ABI_MOCK_IOMMUPT_DEFAULT		0u
#define IOAS_ABI_MOCK_IOMMUPT_HUGE		1u
#define IOAS_ABI_MOCK_APERTURE_START		0x01000000u
#define IOAS_ABI_MOCK_APERTURE_LAST		0x7fffffffu
#define IOAS_ABI_MOCK_PAGE_SIZE			2048u
#define IOAS_ABI_MOCK_HUGE_PAGE_SIZE		0x100000u
#define IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_ID_MAX	3u
#define IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_NUM	4u
#define IOAS_ABI_MOCK_DEV_CACHE_ID_MAX		3u
#define IOAS_ABI_MOCK_DEV_CACHE_NUM		4u
#define IOAS_ABI_MOCK_PASID_WIDTH		20u
#define IOAS_ABI_TEST_PASID_RESERVED		1024u

/* Flags of operations: of pins, of reads and writes, of what is created (2) */
#define IOAS_ABI_MOCK_FLAGS_ACCESS_WRITE	(1u << 0)
#define IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ		(1u << 16)
#define IOAS_ABI_MOCK_ACCESS_RW_WRITE		(1u << 0)
#define IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH	(1u << 2)
#define IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES	(1u << 0)
#define IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY	(1u << 0)
#define IOAS_ABI_MOCK_FLAGS_DEVICE_PASID	(1u << 2)

/* What the mock answers, and what it is asked for in the usual requests (5) */
#define IOAS_ABI_HW_INFO_TYPE_SELFTEST		0xfeedbeefu
#define IOAS_ABI_HW_INFO_SELFTEST_REGVAL	0xdeadbeefu
#define IOAS_ABI_HWPT_DATA_SELFTEST		0xdeadu
#define IOAS_ABI_TEST_IOTLB_DEFAULT		0x0badbeefu
#define IOAS_ABI_TEST_DEV_CACHE_DEFAULT		0x00baddadu
#define IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST	0xdeadbeefu
#define IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST	0xdeadbeefu
#define IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST_INVALID		0x0dadbeefu
#define IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST_INVALID	0x0dadbeefu
#define IOAS_ABI_TEST_INVALIDATE_FLAG_ALL	(1u << 0)
#define IOAS_ABI_VIOMMU_TYPE_SELFTEST		0xdeadbeefu
#define IOAS_ABI_VEVENTQ_TYPE_SELFTEST		0xbeefbeefu
#define IOAS_ABI_HW_QUEUE_TYPE_SELFTEST		0xdeadbeefu
#define IOAS_ABI_TEST_HW_QUEUE_MAX		2u

/* 4: op */
#define IOAS_ABI_TEST_OP_ADD_RESERVED		1u
#define IOAS_ABI_TEST_OP_MOCK_DOMAIN		2u
#define IOAS_ABI_TEST_OP_MD_CHECK_MAP		3u
#define IOAS_ABI_TEST_OP_MD_CHECK_REFS		4u
#define IOAS_ABI_TEST_OP_CREATE_ACCESS		5u
#define IOAS_ABI_TEST_OP_DESTROY_ACCESS_PAGES	6u
#define IOAS_ABI_TEST_OP_ACCESS_PAGES		7u
#define IOAS_ABI_TEST_OP_ACCESS_RW		8u
#define IOAS_ABI_TEST_OP_SET_TEMP_MEMORY_LIMIT	9u
#define IOAS_ABI_TEST_OP_MOCK_DOMAIN_REPLACE	10u
#define IOAS_ABI_TEST_OP_ACCESS_REPLACE_IOAS	11u
#define IOAS_ABI_TEST_OP_MOCK_DOMAIN_FLAGS	12u
#define IOAS_ABI_TEST_OP_DIRTY			13u
#define IOAS_ABI_TEST_OP_MD_CHECK_IOTLB		14u
#define IOAS_ABI_TEST_OP_TRIGGER_IOPF		15u
#define IOAS_ABI_TEST_OP_DEV_CHECK_CACHE	16u
#define IOAS_ABI_TEST_OP_TRIGGER_VEVENT		17u
#define IOAS_ABI_TEST_OP_PASID_ATTACH		18u
#define IOAS_ABI_TEST_OP_PASID_REPLACE		19u
#define IOAS_ABI_TEST_OP_PASID_DETACH		20u
#define IOAS_ABI_TEST_OP_PASID_CHECK_HWPT	21u
#define IOAS_ABI_TEST_OP_DMABUF_GET		22u
#define IOAS_ABI_TEST_OP_DMABUF_REVOKE		23u

/* 4.1, id: an IOAS. A range that nothing can be mapped into any more. */
struct ioas_abi_test_add_reserved {
	ioas_abi_u64 start;
	ioas_abi_u64 length;
};

/* 4.2, id: an IOAS or an HWPT. A device, bound and attached; results. */
struct ioas_abi_test_mock_domain {
	uint32_t out_stdev_id;
	uint32_t out_hwpt_id;
	uint32_t out_idev_id;
};

/* 4.3: as 4.2, of a device with ..._FLAGS_DEVICE_*. */
struct ioas_abi_test_mock_domain_flags {
	uint32_t out_stdev_id;
	uint32_t out_hwpt_id;
	uint32_t out_idev_id;
	uint32_t dev_flags;
};

/* 4.4, id: a stdev. Result: the HWPT. */
struct ioas_abi_test_mock_domain_replace {
	uint32_t pt_id;
};

/* 4.5, id: a paging HWPT. Does it map this memory there? */
struct ioas_abi_test_md_check_map {
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 uptr;
};

/* 4.6, id: not used. Is each page of this memory pinned so often? */
struct ioas_abi_test_md_check_refs {
	ioas_abi_u64 length;
	ioas_abi_u64 uptr;
	uint32_t refs;
	uint32_t pad;
};

/* 4.7, id: an IOAS. Flags: ..._ACCESS_CREATE_*. */
struct ioas_abi_test_create_access {
	uint32_t out_access_fd;
	uint32_t flags;
};

/* 4.8, id: an access file. */
struct ioas_abi_test_access_replace_ioas {
	uint32_t ioas_id;
};

/* 4.9, id: an access file. Pins; flags: ..._FLAGS_ACCESS_WRITE and SYZ. */
struct ioas_abi_test_access_pages {
	uint32_t flags;
	uint32_t out_access_pages_id;
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 uptr;		/* 0: do not compare */
};

/* 4.10, id: an access file. Unpins. */
struct ioas_abi_test_destroy_access_pages {
	uint32_t access_pages_id;
};

/* 4.11, id: an access file. Flags: ..._ACCESS_RW_* and SYZ. */
struct ioas_abi_test_access_rw {
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 uptr;
	uint32_t flags;
	uint32_t pad;
};

/* 4.12, id: not used. */
struct ioas_abi_test_set_temp_memory_limit {
	uint32_t limit;
};

/* 4.13, id: a paging HWPT. Makes entries dirty, by a bitmap at @uptr. */
struct ioas_abi_test_dirty {
	uint32_t flags;
	uint32_t pad;
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 page_size;
	ioas_abi_u64 uptr;
	ioas_abi_u64 out_nr_dirty;
};

/* 4.14, id: a nested HWPT. Has entry @id this value? */
struct ioas_abi_test_md_check_iotlb {
	uint32_t id;
	uint32_t iotlb;
};

/* 4.15, id: an idev. Has entry @id this value? */
struct ioas_abi_test_dev_check_cache {
	uint32_t id;
	uint32_t cache;
};

/* 4.16, id: not used. A page request; perm: IOAS_ABI_PGFAULT_PERM_*. */
struct ioas_abi_test_trigger_iopf {
	uint32_t dev_id;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	ioas_abi_u64 addr;
};

/* 4.17, id: not used. */
struct ioas_abi_test_trigger_vevent {
	uint32_t dev_id;
};

/* 4.18, id: a stdev. */
struct ioas_abi_test_pasid_attach {
	uint32_t pasid;
	uint32_t pt_id;			/* in and out */
};

/* 4.19, id: a stdev. */
struct ioas_abi_test_pasid_replace {
	uint32_t pasid;
	uint32_t pt_id;			/* in and out */
};

/* 4.20, id: a stdev. */
struct ioas_abi_test_pasid_detach {
	uint32_t pasid;
};

/* 4.21, id: a stdev. Is this attached? 0: is nothing? */
struct ioas_abi_test_pasid_check_hwpt {
	uint32_t pasid;
	uint32_t hwpt_id;
};

/* 4.22, id: not used. The ioctl returns the file. */
struct ioas_abi_test_dmabuf_get {
	uint32_t length;
	uint32_t open_flags;
};

/* 4.23, id: not used. */
struct ioas_abi_test_dmabuf_revoke {
	int32_t dmabuf_fd;
	uint32_t revoked;
};

/* 1: the argument of IOAS_ABI_TEST_CMD. */
struct ioas_abi_test_cmd {
	uint32_t size;
	uint32_t op;
	uint32_t id;
	uint32_t __reserved;
	union {
		struct ioas_abi_test_add_reserved add_reserved;
		struct ioas_abi_test_mock_domain mock_domain;
		struct ioas_abi_test_mock_domain_flags mock_domain_flags;
		struct ioas_abi_test_mock_domain_replace mock_domain_replace;
		struct ioas_abi_test_md_check_map md_check_map;
		struct ioas_abi_test_md_check_refs md_check_refs;
		struct ioas_abi_test_create_access create_access;
		struct ioas_abi_test_access_replace_ioas access_replace_ioas;
		struct ioas_abi_test_access_pages access_pages;
		struct ioas_abi_test_destroy_access_pages destroy_access_pages;
		struct ioas_abi_test_access_rw access_rw;
		struct ioas_abi_test_set_temp_memory_limit
			set_temp_memory_limit;
		struct ioas_abi_test_dirty dirty;
		struct ioas_abi_test_md_check_iotlb md_check_iotlb;
		struct ioas_abi_test_dev_check_cache dev_check_cache;
		struct ioas_abi_test_trigger_iopf trigger_iopf;
		struct ioas_abi_test_trigger_vevent trigger_vevent;
		struct ioas_abi_test_pasid_attach pasid_attach;
		struct ioas_abi_test_pasid_replace pasid_replace;
		struct ioas_abi_test_pasid_detach pasid_detach;
		struct ioas_abi_test_pasid_check_hwpt pasid_check_hwpt;
		struct ioas_abi_test_dmabuf_get dmabuf_get;
		struct ioas_abi_test_dmabuf_revoke dmabuf_revoke;
	};
	uint32_t last;			/* not looked at */
	uint32_t padding;
};

/*
 * Payloads of the usual requests, when they are about the mock (5)
 */

/* 5.1, get_hw_info */
struct ioas_abi_hw_info_selftest {
	uint32_t flags;
	uint32_t test_reg;
};

/* 5.2, hwpt_alloc: the one for nested HWPTs, the other for paging ones */
struct ioas_abi_hwpt_data_selftest {
	uint32_t iotlb;
	uint32_t pagetable_type;	/* IOAS_ABI_MOCK_IOMMUPT_* */
};

/* 5.3, hwpt_invalidate of a nested HWPT */
struct ioas_abi_hwpt_invalidate_selftest {
	uint32_t flags;			/* IOAS_ABI_TEST_INVALIDATE_FLAG_ALL */
	uint32_t iotlb_id;
};

/* 5.4, hwpt_invalidate of a VIOMMU */
struct ioas_abi_viommu_invalidate_selftest {
	uint32_t flags;			/* IOAS_ABI_TEST_INVALIDATE_FLAG_ALL */
	uint32_t vdev_id;
	uint32_t cache_id;
};

/* 5.5, viommu_alloc */
struct ioas_abi_viommu_data_selftest {
	uint32_t in_data;
	uint32_t out_data;
	ioas_abi_u64 out_mmap_offset;
	ioas_abi_u64 out_mmap_length;
};

/* 5.7, an event */
struct ioas_abi_vevent_selftest {
	uint32_t virt_id;
};

#endif
