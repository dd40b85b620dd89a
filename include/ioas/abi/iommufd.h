/* SPDX-License-Identifier: MIT */
/*
 * iommufd: what crosses between a program and /dev/iommu
 *
 *     program                                   front end
 *        |   ioctl(fd, IOAS_ABI_IOAS_MAP, &map)     |
 *        |   +------+-------+---------------+       |
 *        +-->| size | flags | ... zeroes    |------>|  in: size bytes, missing
 *            +------+-------+---------------+       |      ones count as zero
 *            struct ioas_abi_ioas_map               |
 *        <------------------------------------------+  out: members named out_
 *                                                      or marked below
 *
 * The interface is that of Linux 7.0; docs/reference/iommufd-uapi.md describes
 * it, and the numbers in brackets below are its sections. Nothing here does
 * anything: no function, no state, no dependence on the machine.
 *
 * Names. A command X of the reference, IOMMU_X for the system, has the request
 * IOAS_ABI_X and the struct ioas_abi_x (in small letters); a constant that the
 * system calls IOMMU_Y, or Y without that prefix, is IOAS_ABI_Y. Members have
 * the names of the reference. <ioas/abi/compat/iommufd.h> adds the system's
 * names; nothing in this header clashes with <linux/iommufd.h> or
 * <linux/vfio.h>.
 *
 * Layout, which <ioas/abi/iommufd_layout.h> asserts member by member, and which
 * a test compares with the tables of the reference:
 *  - members have fixed widths; there is no bitfield and no enum, and a
 *    constant is a macro, so that a program can ask for it by #ifdef;
 *  - 64-bit members are aligned to 8 bytes on every machine: a 32-bit program
 *    has the same structs;
 *  - padding is spelled out: the sizes of the members add up to the struct's;
 *  - a `size` is the program's sizeof; what is past the end of the front end's
 *    struct must be zero (3.2). IOAS_ABI_X_MIN_SIZE stands where that struct
 *    has grown since its first version; elsewhere the least is the sizeof;
 *  - what is called reserved or pad is zero;
 *  - a flag is as wide as its member, so that ~FLAG has all other bits.
 */
#ifndef IOAS_ABI_IOMMUFD_H
#define IOAS_ABI_IOMMUFD_H

#include <stdint.h>

/* Also on i386, where a uint64_t in a struct is aligned to 4. */
typedef uint64_t ioas_abi_u64 __attribute__((__aligned__(8)));

/*
 * Requests (3.1): type in bits 15..8, number in bits 7..0, neither direction
 * nor size.
 */
#define IOAS_ABI_TYPE				0x3bu

#define IOAS_ABI_DESTROY			0x3b80u
#define IOAS_ABI_IOAS_ALLOC			0x3b81u
#define IOAS_ABI_IOAS_ALLOW_IOVAS		0x3b82u
#define IOAS_ABI_IOAS_COPY			0x3b83u
#define IOAS_ABI_IOAS_IOVA_RANGES		0x3b84u
#define IOAS_ABI_IOAS_MAP			0x3b85u
#define IOAS_ABI_IOAS_UNMAP			0x3b86u
#define IOAS_ABI_OPTION				0x3b87u
#define IOAS_ABI_VFIO_IOAS			0x3b88u
#define IOAS_ABI_HWPT_ALLOC			0x3b89u
#define IOAS_ABI_GET_HW_INFO			0x3b8au
#define IOAS_ABI_HWPT_SET_DIRTY_TRACKING	0x3b8bu
#define IOAS_ABI_HWPT_GET_DIRTY_BITMAP		0x3b8cu
#define IOAS_ABI_HWPT_INVALIDATE		0x3b8du
#define IOAS_ABI_FAULT_QUEUE_ALLOC		0x3b8eu
#define IOAS_ABI_IOAS_MAP_FILE			0x3b8fu
#define IOAS_ABI_VIOMMU_ALLOC			0x3b90u
#define IOAS_ABI_VDEVICE_ALLOC			0x3b91u
#define IOAS_ABI_IOAS_CHANGE_PROCESS		0x3b92u
#define IOAS_ABI_VEVENTQ_ALLOC			0x3b93u
#define IOAS_ABI_HW_QUEUE_ALLOC			0x3b94u

#define IOAS_ABI_HWPT_ALLOC_MIN_SIZE		24u
#define IOAS_ABI_GET_HW_INFO_MIN_SIZE		32u
#define IOAS_ABI_VIOMMU_ALLOC_MIN_SIZE		24u
#define IOAS_ABI_VEVENTQ_ALLOC_MIN_SIZE		28u

/* 6.1: one object of any type but devices and accesses. */
struct ioas_abi_destroy {
	uint32_t size;
	uint32_t id;
};

/* 6.2: an empty address space. */
struct ioas_abi_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

/* Entry of the arrays of 6.3 and 6.5; @last is part of the range. */
struct ioas_abi_iova_range {
	ioas_abi_u64 start;
	ioas_abi_u64 last;
};

/* 6.3: replaces the list of ranges that automatic IOVAs are taken from. */
struct ioas_abi_ioas_allow_iovas {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t __reserved;
	ioas_abi_u64 allowed_iovas;	/* address of the array */
};

/* 6.4: maps memory that another space, or another IOVA, has mapped. */
struct ioas_abi_ioas_copy {
	uint32_t size;
	uint32_t flags;			/* IOAS_ABI_IOAS_MAP_* */
	uint32_t dst_ioas_id;
	uint32_t src_ioas_id;
	ioas_abi_u64 length;
	ioas_abi_u64 dst_iova;		/* in and out */
	ioas_abi_u64 src_iova;
};

/* 6.5: what may be mapped, as ranges. */
struct ioas_abi_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;		/* in: room in the array; out: all */
	uint32_t __reserved;
	ioas_abi_u64 allowed_iovas;	/* address of the array */
	ioas_abi_u64 out_iova_alignment;
};

/* 6.6, 6.4 and 6.16 */
#define IOAS_ABI_IOAS_MAP_FIXED_IOVA		(1u << 0)
#define IOAS_ABI_IOAS_MAP_WRITEABLE		(1u << 1)
#define IOAS_ABI_IOAS_MAP_READABLE		(1u << 2)

/* 6.6: memory of the calling process. */
struct ioas_abi_ioas_map {
	uint32_t size;
	uint32_t flags;			/* IOAS_ABI_IOAS_MAP_* */
	uint32_t ioas_id;
	uint32_t __reserved;
	ioas_abi_u64 user_va;
	ioas_abi_u64 length;
	ioas_abi_u64 iova;		/* in and out */
};

/* 6.7: whole areas; IOVA 0 with length 2^64 - 1 means all of them. */
struct ioas_abi_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	ioas_abi_u64 iova;
	ioas_abi_u64 length;		/* out: bytes that are gone */
};

/* 6.8: option_id, op */
#define IOAS_ABI_OPTION_RLIMIT_MODE		0u
#define IOAS_ABI_OPTION_HUGE_PAGES		1u
#define IOAS_ABI_OPTION_OP_SET			0u
#define IOAS_ABI_OPTION_OP_GET			1u

struct ioas_abi_option {
	uint32_t size;
	uint32_t option_id;
	uint16_t op;
	uint16_t __reserved;
	uint32_t object_id;		/* 0: the context's */
	ioas_abi_u64 val64;		/* in and out */
};

/* 6.9: op */
#define IOAS_ABI_VFIO_IOAS_GET			0u
#define IOAS_ABI_VFIO_IOAS_SET			1u
#define IOAS_ABI_VFIO_IOAS_CLEAR		2u

/* 6.9: the space that the container requests (11) work on. */
struct ioas_abi_vfio_ioas {
	uint32_t size;
	uint32_t ioas_id;		/* in for SET, out for GET */
	uint16_t op;
	uint16_t __reserved;
};

/* 6.10: flags, data_type */
#define IOAS_ABI_HWPT_ALLOC_NEST_PARENT		(1u << 0)
#define IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING	(1u << 1)
#define IOAS_ABI_HWPT_FAULT_ID_VALID		(1u << 2)
#define IOAS_ABI_HWPT_ALLOC_PASID		(1u << 3)

#define IOAS_ABI_HWPT_DATA_NONE			0u
#define IOAS_ABI_HWPT_DATA_VTD_S1		1u
#define IOAS_ABI_HWPT_DATA_ARM_SMMUV3		2u
#define IOAS_ABI_HWPT_DATA_AMD_GUEST		3u

/* 6.10: a page table, of a space or of the program's own making. */
struct ioas_abi_hwpt_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pt_id;			/* IOAS, nest parent or VIOMMU */
	uint32_t out_hwpt_id;
	uint32_t __reserved;
	/* Here ended the first version. */
	uint32_t data_type;
	uint32_t data_len;
	ioas_abi_u64 data_uptr;
	uint32_t fault_id;		/* with IOAS_ABI_HWPT_FAULT_ID_VALID */
	uint32_t __reserved2;
};

/* 6.11: flags, type, out_capabilities */
#define IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE	(1u << 0)

#define IOAS_ABI_HW_INFO_TYPE_NONE		0u	/* answer: no data */
#define IOAS_ABI_HW_INFO_TYPE_DEFAULT		0u	/* request: whatever */
#define IOAS_ABI_HW_INFO_TYPE_INTEL_VTD		1u
#define IOAS_ABI_HW_INFO_TYPE_ARM_SMMUV3	2u
#define IOAS_ABI_HW_INFO_TYPE_TEGRA241_CMDQV	3u
#define IOAS_ABI_HW_INFO_TYPE_AMD		4u

#define IOAS_ABI_HW_CAP_DIRTY_TRACKING		(UINT64_C(1) << 0)
#define IOAS_ABI_HW_CAP_PCI_PASID_EXEC		(UINT64_C(1) << 1)
#define IOAS_ABI_HW_CAP_PCI_PASID_PRIV		(UINT64_C(1) << 2)
#define IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED	(UINT64_C(1) << 3)

/* 6.11: what IOMMU a device is behind, and what it can do. */
struct ioas_abi_get_hw_info {
	uint32_t size;
	uint32_t flags;
	uint32_t dev_id;
	uint32_t data_len;		/* in: room; out: all there is */
	ioas_abi_u64 data_uptr;
	union {
		uint32_t in_data_type;	/* with ..._FLAG_INPUT_TYPE */
		uint32_t out_data_type;
	};
	uint8_t out_max_pasid_log2;
	uint8_t __reserved[3];
	/* Here ended the first version. */
	ioas_abi_u64 out_capabilities;
};

/* 6.12: flags */
#define IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE	(1u << 0)

struct ioas_abi_hwpt_set_dirty_tracking {
	uint32_t size;
	uint32_t flags;
	uint32_t hwpt_id;
	uint32_t __reserved;
};

/* 6.13: flags */
#define IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR	(1u << 0)

/* 6.13: bit i of the bitmap is for page i from @iova on; bits are only set. */
struct ioas_abi_hwpt_get_dirty_bitmap {
	uint32_t size;
	uint32_t hwpt_id;
	uint32_t flags;
	uint32_t __reserved;
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 page_size;		/* bytes per bit */
	ioas_abi_u64 data;		/* address of the bitmap */
};

/* 6.14: data_type, for a nested HWPT and for a VIOMMU */
#define IOAS_ABI_HWPT_INVALIDATE_DATA_VTD_S1		0u
#define IOAS_ABI_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3	1u

struct ioas_abi_hwpt_invalidate {
	uint32_t size;
	uint32_t hwpt_id;
	ioas_abi_u64 data_uptr;		/* address of the array */
	uint32_t data_type;
	uint32_t entry_len;
	uint32_t entry_num;		/* out, also of errors: how many done */
	uint32_t __reserved;
};

/* 6.15: answers page requests through a file; its records are below (8). */
struct ioas_abi_fault_queue_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_fault_id;
	uint32_t out_fault_fd;
};

/* 6.16: as ioas_map, of a memfd, of a file of hugetlbfs or of a dma-buf. */
struct ioas_abi_ioas_map_file {
	uint32_t size;
	uint32_t flags;			/* IOAS_ABI_IOAS_MAP_* */
	uint32_t ioas_id;
	int32_t fd;
	ioas_abi_u64 start;
	ioas_abi_u64 length;
	ioas_abi_u64 iova;		/* in and out */
};

/* 6.17: type */
#define IOAS_ABI_VIOMMU_TYPE_DEFAULT		0u
#define IOAS_ABI_VIOMMU_TYPE_ARM_SMMUV3		1u
#define IOAS_ABI_VIOMMU_TYPE_TEGRA241_CMDQV	2u

/* 6.17: a guest's share of the IOMMU that a device is behind. */
struct ioas_abi_viommu_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t type;
	uint32_t dev_id;
	uint32_t hwpt_id;		/* the nest parent */
	uint32_t out_viommu_id;
	/* Here ended the first version. */
	uint32_t data_len;
	uint32_t __reserved;
	ioas_abi_u64 data_uptr;
};

/* 6.18: a device as a guest's IOMMU knows it. */
struct ioas_abi_vdevice_alloc {
	uint32_t size;
	uint32_t viommu_id;
	uint32_t dev_id;
	uint32_t out_vdevice_id;
	ioas_abi_u64 virt_id;
};

/* 6.19: the caller becomes the one who pays for what is pinned. */
struct ioas_abi_ioas_change_process {
	uint32_t size;
	uint32_t __reserved;
};

/* 6.20: type */
#define IOAS_ABI_VEVENTQ_TYPE_ARM_SMMUV3	1u
#define IOAS_ABI_VEVENTQ_TYPE_TEGRA241_CMDQV	2u

/* 6.20: events of a VIOMMU through a file; its records are below (9). */
struct ioas_abi_veventq_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t veventq_depth;
	uint32_t out_veventq_id;
	uint32_t out_veventq_fd;
	/* Here ended the first version. */
	uint32_t __reserved;
};

/* 6.21: type */
#define IOAS_ABI_HW_QUEUE_TYPE_TEGRA241_CMDQV	1u

/* 6.21: a queue in guest memory that hardware reads by itself. */
struct ioas_abi_hw_queue_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t viommu_id;
	uint32_t type;
	uint32_t index;
	uint32_t out_hw_queue_id;
	ioas_abi_u64 nesting_parent_iova;
	ioas_abi_u64 length;
};

/*
 * Records of the two kinds of queue files
 */

/* 8.1: flags, perm */
#define IOAS_ABI_PGFAULT_FLAGS_PASID_VALID	(1u << 0)
#define IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE	(1u << 1)

#define IOAS_ABI_PGFAULT_PERM_READ		(1u << 0)
#define IOAS_ABI_PGFAULT_PERM_WRITE		(1u << 1)
#define IOAS_ABI_PGFAULT_PERM_EXEC		(1u << 2)
#define IOAS_ABI_PGFAULT_PERM_PRIV		(1u << 3)

/* 8.1, read from a fault queue: groups, each closed by LAST_PAGE. */
struct ioas_abi_pgfault {
	uint32_t flags;
	uint32_t dev_id;
	uint32_t pasid;
	uint32_t grpid;
	uint32_t perm;
	uint32_t __reserved;
	ioas_abi_u64 addr;
	uint32_t length;
	uint32_t cookie;		/* of the group */
};

/* 8.2: code */
#define IOAS_ABI_PAGE_RESP_SUCCESS		0u
#define IOAS_ABI_PAGE_RESP_INVALID		1u

/* 8.2, written to a fault queue: one per group. */
struct ioas_abi_page_response {
	uint32_t cookie;
	uint32_t code;
};

/* 9.1: flags */
#define IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS	(1u << 0)

/* 9.1, read from an event queue: data of the type's length follow, or none. */
struct ioas_abi_vevent_header {
	uint32_t flags;
	uint32_t sequence;
};

/*
 * VFIO container requests (11): on the same file, for the space of 6.9. These
 * are VFIO's structs, so they start with argsz and have their own rules.
 */
#define IOAS_ABI_VFIO_GET_API_VERSION		0x3b64u
#define IOAS_ABI_VFIO_CHECK_EXTENSION		0x3b65u
#define IOAS_ABI_VFIO_SET_IOMMU			0x3b66u
#define IOAS_ABI_VFIO_IOMMU_GET_INFO		0x3b70u
#define IOAS_ABI_VFIO_IOMMU_MAP_DMA		0x3b71u
#define IOAS_ABI_VFIO_IOMMU_UNMAP_DMA		0x3b72u
#define IOAS_ABI_VFIO_IOMMU_DIRTY_PAGES		0x3b75u

/* 11.2: argument of CHECK_EXTENSION, some of SET_IOMMU */
#define IOAS_ABI_VFIO_TYPE1_IOMMU		1u
#define IOAS_ABI_VFIO_TYPE1v2_IOMMU		3u
#define IOAS_ABI_VFIO_DMA_CC_IOMMU		4u
#define IOAS_ABI_VFIO_TYPE1_NESTING_IOMMU	6u
#define IOAS_ABI_VFIO_NOIOMMU_IOMMU		8u
#define IOAS_ABI_VFIO_UNMAP_ALL			9u
#define IOAS_ABI_VFIO_UPDATE_VADDR		10u

/* 11.4: flags */
#define IOAS_ABI_VFIO_IOMMU_INFO_PGSIZES	(1u << 0)
#define IOAS_ABI_VFIO_IOMMU_INFO_CAPS		(1u << 1)

struct ioas_abi_vfio_iommu_get_info {
	uint32_t argsz;			/* in: room; out: all there is */
	uint32_t flags;
	ioas_abi_u64 iova_pgsizes;
	uint32_t cap_offset;		/* first capability, 0: not complete */
	uint32_t pad;
};

/* 11.4: id of a capability; both are of version 1 */
#define IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE	1u
#define IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL	3u

struct ioas_abi_vfio_info_cap_header {
	uint16_t id;
	uint16_t version;
	uint32_t next;			/* from the start of the buffer */
};

/* Entry of the array behind ioas_abi_vfio_info_cap_iova_range. */
struct ioas_abi_vfio_iova_range {
	ioas_abi_u64 start;
	ioas_abi_u64 end;		/* inclusive, for all its name */
};

/* Followed by nr_iovas entries; no member, as C++ has no such arrays. */
struct ioas_abi_vfio_info_cap_iova_range {
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t nr_iovas;
	uint32_t reserved;
};

/* In the chain 16 bytes, with the gap that aligns the next one. */
struct ioas_abi_vfio_info_cap_dma_avail {
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t avail;
};

/* 11.5: flags */
#define IOAS_ABI_VFIO_DMA_MAP_FLAG_READ		(1u << 0)
#define IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE	(1u << 1)
#define IOAS_ABI_VFIO_DMA_MAP_FLAG_VADDR	(1u << 2)	/* refused */

struct ioas_abi_vfio_iommu_map_dma {
	uint32_t argsz;
	uint32_t flags;
	ioas_abi_u64 vaddr;
	ioas_abi_u64 iova;
	ioas_abi_u64 size;
};

/* 11.6: flags */
#define IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL		(1u << 1)
/* Refused: */
#define IOAS_ABI_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP	(1u << 0)
#define IOAS_ABI_VFIO_DMA_UNMAP_FLAG_VADDR		(1u << 2)

struct ioas_abi_vfio_iommu_unmap_dma {
	uint32_t argsz;
	uint32_t flags;
	ioas_abi_u64 iova;
	ioas_abi_u64 size;		/* out: bytes that are gone */
};

/*
 * Payloads of kinds of hardware (13). Words of the architectures' own formats
 * are little-endian, whatever the host is.
 */

/* Data of get_hw_info, by type */
#define IOAS_ABI_HW_INFO_VTD_ERRATUM_772415	(1u << 0)

struct ioas_abi_hw_info_intel_vtd {
	uint32_t flags;
	uint32_t reserved;
	ioas_abi_u64 cap_reg;
	ioas_abi_u64 ecap_reg;
};

struct ioas_abi_hw_info_arm_smmuv3 {
	uint32_t flags;
	uint32_t reserved;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};

struct ioas_abi_hw_info_tegra241_cmdqv {
	uint32_t flags;
	uint8_t version;
	uint8_t log2vcmdqs;
	uint8_t log2vsids;
	uint8_t reserved;
};

struct ioas_abi_hw_info_amd {
	ioas_abi_u64 efr;
	ioas_abi_u64 efr2;
};

/* Data of hwpt_alloc for a nested HWPT, by data_type */
#define IOAS_ABI_VTD_S1_SRE			(UINT64_C(1) << 0)
#define IOAS_ABI_VTD_S1_EAFE			(UINT64_C(1) << 1)
#define IOAS_ABI_VTD_S1_WPE			(UINT64_C(1) << 2)

struct ioas_abi_hwpt_data_vtd_s1 {
	ioas_abi_u64 flags;
	ioas_abi_u64 pgtbl_addr;
	uint32_t addr_width;
	uint32_t reserved;
};

/* The first two words of a stream table entry. */
struct ioas_abi_hwpt_data_arm_smmuv3 {
	ioas_abi_u64 ste[2];
};

struct ioas_abi_hwpt_data_amd_guest {
	ioas_abi_u64 dte[4];
};

/* Entries of hwpt_invalidate, by data_type */
#define IOAS_ABI_VTD_INV_FLAGS_LEAF		(1u << 0)

struct ioas_abi_hwpt_invalidate_vtd_s1 {
	ioas_abi_u64 addr;
	ioas_abi_u64 npages;		/* all ones with addr 0: everything */
	uint32_t flags;
	uint32_t reserved;
};

struct ioas_abi_viommu_invalidate_arm_smmuv3 {
	ioas_abi_u64 cmd[2];
};

/* Data of viommu_alloc, written by the front end: what to mmap (10) */
struct ioas_abi_viommu_data_tegra241_cmdqv {
	ioas_abi_u64 mmap_offset;
	ioas_abi_u64 mmap_length;
};

/* Data behind ioas_abi_vevent_header, by type of the queue */
struct ioas_abi_vevent_arm_smmuv3 {
	ioas_abi_u64 evt[4];
};

struct ioas_abi_vevent_tegra241_cmdqv {
	ioas_abi_u64 error_map[2];
};

#endif
