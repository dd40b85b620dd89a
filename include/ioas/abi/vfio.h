/* SPDX-License-Identifier: MIT */
/*
 * vfio: what crosses between a driver and the file of a VFIO device
 *
 *     driver                            /dev/vfio/devices/vfioN
 *        |   ioctl: argsz, flags, ...            |    section
 *        +-- BIND_IOMMUFD, ATTACH, DETACH ------>|    3
 *        +-- GET_INFO, REGION_INFO, IRQ_INFO --->|    4   and a chain of
 *        |       +-------+-----+-----+-----+     |        capabilities (2.1)
 *        |<------| fixed | cap | cap | ... |-----+
 *        |       +-------+-----+-----+-----+     |
 *        +-- pread, pwrite, mmap: regions ------>|    5, 6
 *        +-- SET_IRQS: eventfds ---------------->|    7
 *        +-- RESET, IOEVENTFD, FEATURE --------->|    8, 9, 10
 *
 * The interface is that of Linux 7.0; docs/reference/vfio-device-uapi.md
 * describes it, and the numbers in brackets below are its sections. What a
 * container answers (IOAS_ABI_VFIO_IOMMU_* and the like) is in
 * <ioas/abi/iommufd.h>. Nothing here does anything: no function, no state.
 *
 * Names. A request VFIO_X of the reference is IOAS_ABI_VFIO_X and has the
 * struct ioas_abi_vfio_x (in small letters); a constant that the system calls
 * VFIO_Y is IOAS_ABI_VFIO_Y. Members have the names of the reference.
 * <ioas/abi/compat/vfio.h> adds the system's names; nothing in this header
 * clashes with <linux/vfio.h>.
 *
 * Layout, which <ioas/abi/vfio_layout.h> asserts member by member, follows the
 * rules of <ioas/abi/iommufd.h>, but for these of VFIO:
 *  - argsz is the room that the program offers; more than the struct is
 *    accepted, whatever it holds (2; BIND_IOMMUFD wants zeroes there).
 *    IOAS_ABI_VFIO_X_MIN_SIZE is the least, where that is not the sizeof;
 *  - an array at the end of a struct has no length and no part in its sizeof.
 */
#ifndef IOAS_ABI_VFIO_H
#define IOAS_ABI_VFIO_H

#include <ioas/abi/iommufd.h>

/* C++ knows arrays without a length only as an extension. */
#define IOAS_ABI_VFIO_TAIL(type, name)		__extension__ type name[]
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc99-extensions"
#endif

/* Requests (2, 12): type and encoding are those of iommufd. */
#define IOAS_ABI_VFIO_BASE			100u
#define IOAS_ABI_VFIO_API_VERSION		0u

#define IOAS_ABI_VFIO_GROUP_GET_STATUS		0x3b67u
#define IOAS_ABI_VFIO_GROUP_SET_CONTAINER	0x3b68u
#define IOAS_ABI_VFIO_GROUP_UNSET_CONTAINER	0x3b69u
#define IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD	0x3b6au
#define IOAS_ABI_VFIO_DEVICE_GET_INFO		0x3b6bu
#define IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO	0x3b6cu
#define IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO	0x3b6du
#define IOAS_ABI_VFIO_DEVICE_SET_IRQS		0x3b6eu
#define IOAS_ABI_VFIO_DEVICE_RESET		0x3b6fu
#define IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO	0x3b70u
#define IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET	0x3b71u
#define IOAS_ABI_VFIO_DEVICE_QUERY_GFX_PLANE	0x3b72u
#define IOAS_ABI_VFIO_DEVICE_GET_GFX_DMABUF	0x3b73u
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD		0x3b74u
#define IOAS_ABI_VFIO_DEVICE_FEATURE		0x3b75u
#define IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD	0x3b76u
#define IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT	0x3b77u
#define IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT	0x3b78u
#define IOAS_ABI_VFIO_MIG_GET_PRECOPY_INFO	0x3b79u

#define IOAS_ABI_VFIO_DEVICE_GET_INFO_MIN_SIZE		16u
#define IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD_MIN_SIZE	16u
#define IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN_SIZE	12u
#define IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT_MIN_SIZE	8u
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_MIN_SIZE		28u

/*
 * Binding and attaching (3)
 */

/* 3.1: flags */
#define IOAS_ABI_VFIO_DEVICE_BIND_FLAG_TOKEN	(1u << 0)

/* 3.1: the device becomes an object of an iommufd. */
struct ioas_abi_vfio_device_bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
	/* Here ended the first version. */
	ioas_abi_u64 token_uuid_ptr;	/* with ..._FLAG_TOKEN: 16 bytes */
};

/* 3.2, 3.3: flags */
#define IOAS_ABI_VFIO_DEVICE_ATTACH_PASID	(1u << 0)
#define IOAS_ABI_VFIO_DEVICE_DETACH_PASID	(1u << 0)

/* 3.2: DMA, all or that of a PASID, goes to a space or a page table. */
struct ioas_abi_vfio_device_attach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;			/* in: IOAS or HWPT; out: HWPT */
	/* Here ended the first version. */
	uint32_t pasid;
};

/* 3.3: from now on it is blocked. */
struct ioas_abi_vfio_device_detach_iommufd_pt {
	uint32_t argsz;
	uint32_t flags;
	/* Here ended the first version. */
	uint32_t pasid;
};

/*
 * Information (4); capabilities (2.1) start with
 * struct ioas_abi_vfio_info_cap_header of <ioas/abi/iommufd.h>.
 */

/* 4.1: flags */
#define IOAS_ABI_VFIO_DEVICE_FLAGS_RESET	(1u << 0)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_PCI		(1u << 1)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_PLATFORM	(1u << 2)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_AMBA		(1u << 3)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_CCW		(1u << 4)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_AP		(1u << 5)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_FSL_MC	(1u << 6)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_CAPS		(1u << 7)
#define IOAS_ABI_VFIO_DEVICE_FLAGS_CDX		(1u << 8)

struct ioas_abi_vfio_device_get_info {
	uint32_t argsz;			/* in: room; out: all there is */
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
	/* Here ended the first version. */
	uint32_t cap_offset;
	uint32_t pad;
};

/* 4.1: id of a capability, and its flags */
#define IOAS_ABI_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP	5u
#define IOAS_ABI_VFIO_PCI_ATOMIC_COMP32		(1u << 0)
#define IOAS_ABI_VFIO_PCI_ATOMIC_COMP64		(1u << 1)
#define IOAS_ABI_VFIO_PCI_ATOMIC_COMP128	(1u << 2)

struct ioas_abi_vfio_device_info_cap_pci_atomic_comp {
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t flags;
	uint32_t reserved;
};

/* 4.2: flags */
#define IOAS_ABI_VFIO_REGION_INFO_FLAG_READ	(1u << 0)
#define IOAS_ABI_VFIO_REGION_INFO_FLAG_WRITE	(1u << 1)
#define IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP	(1u << 2)
#define IOAS_ABI_VFIO_REGION_INFO_FLAG_CAPS	(1u << 3)

struct ioas_abi_vfio_device_get_region_info {
	uint32_t argsz;			/* in: room; out: all there is */
	uint32_t flags;
	uint32_t index;
	uint32_t cap_offset;
	ioas_abi_u64 size;
	ioas_abi_u64 offset;		/* in the file */
};

/* 4.2: index of a region of a PCI function; BARs are 0 to 5 */
#define IOAS_ABI_VFIO_PCI_BAR0_REGION_INDEX	0u
#define IOAS_ABI_VFIO_PCI_BAR1_REGION_INDEX	1u
#define IOAS_ABI_VFIO_PCI_BAR2_REGION_INDEX	2u
#define IOAS_ABI_VFIO_PCI_BAR3_REGION_INDEX	3u
#define IOAS_ABI_VFIO_PCI_BAR4_REGION_INDEX	4u
#define IOAS_ABI_VFIO_PCI_BAR5_REGION_INDEX	5u
#define IOAS_ABI_VFIO_PCI_ROM_REGION_INDEX	6u
#define IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX	7u
#define IOAS_ABI_VFIO_PCI_VGA_REGION_INDEX	8u
#define IOAS_ABI_VFIO_PCI_NUM_REGIONS		9u

/* 4.2: where a region is in the file; programs ask, and filters look at it */
#define IOAS_ABI_VFIO_PCI_OFFSET_SHIFT		40u

/* 4.2: id of a capability; all are of version 1 */
#define IOAS_ABI_VFIO_REGION_INFO_CAP_SPARSE_MMAP	1u
#define IOAS_ABI_VFIO_REGION_INFO_CAP_TYPE		2u
#define IOAS_ABI_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE	3u

/* Entry of the array of what may be mapped, if not all. */
struct ioas_abi_vfio_region_sparse_mmap_area {
	ioas_abi_u64 offset;		/* in the region */
	ioas_abi_u64 size;
};

struct ioas_abi_vfio_region_info_cap_sparse_mmap {
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
	IOAS_ABI_VFIO_TAIL(struct ioas_abi_vfio_region_sparse_mmap_area, areas);
};

/* 4.2: of a type of a vendor of PCI: this bit, and the vendor's id */
#define IOAS_ABI_VFIO_REGION_TYPE_PCI_VENDOR_TYPE	(1u << 31)
#define IOAS_ABI_VFIO_REGION_TYPE_PCI_VENDOR_MASK	0xffffu

struct ioas_abi_vfio_region_info_cap_type {
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t type;
	uint32_t subtype;
};

/* 4.3: flags */
#define IOAS_ABI_VFIO_IRQ_INFO_EVENTFD		(1u << 0)
#define IOAS_ABI_VFIO_IRQ_INFO_MASKABLE		(1u << 1)
#define IOAS_ABI_VFIO_IRQ_INFO_AUTOMASKED	(1u << 2)
#define IOAS_ABI_VFIO_IRQ_INFO_NORESIZE		(1u << 3)

/* 4.3, 7: index of the interrupts of a PCI function */
#define IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX	0u
#define IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX		1u
#define IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX	2u
#define IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX		3u
#define IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX		4u
#define IOAS_ABI_VFIO_PCI_NUM_IRQS		5u

struct ioas_abi_vfio_device_get_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

/*
 * Interrupts (7)
 */

/* flags: one of the first three and one of the others */
#define IOAS_ABI_VFIO_IRQ_SET_DATA_NONE		(1u << 0)
#define IOAS_ABI_VFIO_IRQ_SET_DATA_BOOL		(1u << 1)
#define IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD	(1u << 2)
#define IOAS_ABI_VFIO_IRQ_SET_ACTION_MASK	(1u << 3)
#define IOAS_ABI_VFIO_IRQ_SET_ACTION_UNMASK	(1u << 4)
#define IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER	(1u << 5)
#define IOAS_ABI_VFIO_IRQ_SET_DATA_TYPE_MASK	(7u << 0)
#define IOAS_ABI_VFIO_IRQ_SET_ACTION_TYPE_MASK	(7u << 3)

struct ioas_abi_vfio_device_set_irqs {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
	/* count times nothing, a byte (BOOL) or an int32_t (EVENTFD) */
	IOAS_ABI_VFIO_TAIL(uint8_t, data);
};

/*
 * Reset of what shares a slot or a bus (8.2, 8.3)
 */

/* flags of the answer; devid of what is owned or not, without an own id */
#define IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID		(1u << 0)
#define IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED	(1u << 1)
#define IOAS_ABI_VFIO_PCI_DEVID_OWNED			0u
#define IOAS_ABI_VFIO_PCI_DEVID_NOT_OWNED		0xffffffffu

struct ioas_abi_vfio_pci_dependent_device {
	union {
		uint32_t group_id;
		uint32_t devid;
	};
	uint16_t segment;
	uint8_t bus;
	uint8_t devfn;
};

struct ioas_abi_vfio_device_get_pci_hot_reset_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	IOAS_ABI_VFIO_TAIL(struct ioas_abi_vfio_pci_dependent_device, devices);
};

struct ioas_abi_vfio_device_pci_hot_reset {
	uint32_t argsz;
	uint32_t flags;
	uint32_t count;
	IOAS_ABI_VFIO_TAIL(int32_t, group_fds);
};

/*
 * An eventfd that writes a register (9)
 */

/* flags: the width, exactly one */
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_8	(1u << 0)
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_16	(1u << 1)
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_32	(1u << 2)
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_64	(1u << 3)
#define IOAS_ABI_VFIO_DEVICE_IOEVENTFD_SIZE_MASK	0xfu

struct ioas_abi_vfio_device_ioeventfd {
	uint32_t argsz;
	uint32_t flags;
	ioas_abi_u64 offset;		/* in the file */
	ioas_abi_u64 data;
	int32_t fd;			/* -1: no more */
	uint32_t reserved;
};

/*
 * Features (10)
 */

/* flags: a number, and what is asked of it */
#define IOAS_ABI_VFIO_DEVICE_FEATURE_MASK	0xffffu
#define IOAS_ABI_VFIO_DEVICE_FEATURE_GET	(1u << 16)
#define IOAS_ABI_VFIO_DEVICE_FEATURE_SET	(1u << 17)
#define IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE	(1u << 18)

struct ioas_abi_vfio_device_feature {
	uint32_t argsz;
	uint32_t flags;
	IOAS_ABI_VFIO_TAIL(uint8_t, data);
};

#define IOAS_ABI_VFIO_DEVICE_FEATURE_PCI_VF_TOKEN		0u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_MIGRATION			1u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE		2u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY		3u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP	4u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT		5u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_START		6u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP		7u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT		8u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE		9u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_BUS_MASTER			10u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_BUF			11u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2		12u

/* 0: set */
struct ioas_abi_vfio_device_feature_pci_vf_token {
	uint8_t uuid[16];
};

/* 1: flags */
#define IOAS_ABI_VFIO_MIGRATION_STOP_COPY	(UINT64_C(1) << 0)
#define IOAS_ABI_VFIO_MIGRATION_P2P		(UINT64_C(1) << 1)
#define IOAS_ABI_VFIO_MIGRATION_PRE_COPY	(UINT64_C(1) << 2)

/* 1: get */
struct ioas_abi_vfio_device_feature_migration {
	ioas_abi_u64 flags;
};

/* 2: device_state */
#define IOAS_ABI_VFIO_DEVICE_STATE_ERROR	0u
#define IOAS_ABI_VFIO_DEVICE_STATE_STOP		1u
#define IOAS_ABI_VFIO_DEVICE_STATE_RUNNING	2u
#define IOAS_ABI_VFIO_DEVICE_STATE_STOP_COPY	3u
#define IOAS_ABI_VFIO_DEVICE_STATE_RESUMING	4u
#define IOAS_ABI_VFIO_DEVICE_STATE_RUNNING_P2P	5u
#define IOAS_ABI_VFIO_DEVICE_STATE_PRE_COPY	6u
#define IOAS_ABI_VFIO_DEVICE_STATE_PRE_COPY_P2P	7u

/* 2: get and set */
struct ioas_abi_vfio_device_feature_mig_state {
	uint32_t device_state;
	int32_t data_fd;
};

/* 4: set */
struct ioas_abi_vfio_device_low_power_entry_with_wakeup {
	int32_t wakeup_eventfd;
	uint32_t reserved;
};

/* Entry of the array of 6. */
struct ioas_abi_vfio_device_feature_dma_logging_range {
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
};

/* 6: set */
struct ioas_abi_vfio_device_feature_dma_logging_control {
	ioas_abi_u64 page_size;
	uint32_t num_ranges;
	uint32_t __reserved;
	ioas_abi_u64 ranges;		/* address of the array */
};

/* 8: get */
struct ioas_abi_vfio_device_feature_dma_logging_report {
	ioas_abi_u64 iova;
	ioas_abi_u64 length;
	ioas_abi_u64 page_size;
	ioas_abi_u64 bitmap;		/* address of the bitmap */
};

/* 9: get */
struct ioas_abi_vfio_device_feature_mig_data_size {
	ioas_abi_u64 stop_copy_length;
};

/* 10: op */
#define IOAS_ABI_VFIO_DEVICE_FEATURE_CLEAR_MASTER	0u
#define IOAS_ABI_VFIO_DEVICE_FEATURE_SET_MASTER		1u

/* 10: set */
struct ioas_abi_vfio_device_feature_bus_master {
	uint32_t op;
};

/* Entry of the array of 11. */
struct ioas_abi_vfio_region_dma_range {
	ioas_abi_u64 offset;
	ioas_abi_u64 length;
};

/* 11: get; the answer is a descriptor. */
struct ioas_abi_vfio_device_feature_dma_buf {
	uint32_t region_index;
	uint32_t open_flags;
	uint32_t flags;
	uint32_t nr_ranges;
	IOAS_ABI_VFIO_TAIL(struct ioas_abi_vfio_region_dma_range, dma_ranges);
};

/* 2: of a file of migration data (nr 121) */
struct ioas_abi_vfio_mig_get_precopy_info {
	uint32_t argsz;
	uint32_t flags;
	ioas_abi_u64 initial_bytes;
	ioas_abi_u64 dirty_bytes;
};

/*
 * The group interface (12)
 */

/* flags */
#define IOAS_ABI_VFIO_GROUP_FLAGS_VIABLE	(1u << 0)
#define IOAS_ABI_VFIO_GROUP_FLAGS_CONTAINER_SET	(1u << 1)

struct ioas_abi_vfio_group_get_status {
	uint32_t argsz;
	uint32_t flags;
};

#ifdef __clang__
#pragma clang diagnostic pop
#endif
#undef IOAS_ABI_VFIO_TAIL

#endif
