/* SPDX-License-Identifier: MIT */
/*
 * compat/vfio: the system's names for what <ioas/abi/vfio.h> defines
 *
 * For programs written for Linux: include this in place of <linux/vfio.h>, and
 * struct vfio_region_info, VFIO_DEVICE_SET_IRQS and the like are there, on
 * systems that have no such header or an old one as well. It has what concerns
 * PCI functions, groups and the containers of <ioas/abi/iommufd.h>.
 *
 * The names are macros, also those of structs, and what is said of that in
 * <ioas/abi/compat/iommufd.h> holds here.
 *
 * If <linux/vfio.h> was included before, the names are its own, as many as it
 * has; then this asserts that it numbers its requests as we do and has their
 * structs no shorter than the first version's. Included after this, it is
 * skipped, as its names are taken.
 */
#ifndef IOAS_ABI_COMPAT_VFIO_H
#define IOAS_ABI_COMPAT_VFIO_H

#include <ioas/abi/vfio.h>

/* A request is a macro of the system's header too. */
#ifdef VFIO_DEVICE_GET_INFO

#ifdef __cplusplus
#define IOAS_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define IOAS_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif
#define IOAS_ABI_SAME(request, tag, least) \
	IOAS_ABI_ASSERT(VFIO_##request == IOAS_ABI_VFIO_##request && \
			sizeof(struct tag) >= (least), \
			"<linux/vfio.h> has another " #request)

#ifdef VFIO_GROUP_GET_STATUS
IOAS_ABI_SAME(GROUP_GET_STATUS, vfio_group_status,
	      sizeof(struct ioas_abi_vfio_group_get_status));
#endif
#ifdef VFIO_DEVICE_GET_INFO
IOAS_ABI_SAME(DEVICE_GET_INFO, vfio_device_info,
	      IOAS_ABI_VFIO_DEVICE_GET_INFO_MIN_SIZE);
#endif
#ifdef VFIO_DEVICE_GET_REGION_INFO
IOAS_ABI_SAME(DEVICE_GET_REGION_INFO, vfio_region_info,
	      sizeof(struct ioas_abi_vfio_device_get_region_info));
#endif
#ifdef VFIO_DEVICE_GET_IRQ_INFO
IOAS_ABI_SAME(DEVICE_GET_IRQ_INFO, vfio_irq_info,
	      sizeof(struct ioas_abi_vfio_device_get_irq_info));
#endif
#ifdef VFIO_DEVICE_SET_IRQS
IOAS_ABI_SAME(DEVICE_SET_IRQS, vfio_irq_set,
	      sizeof(struct ioas_abi_vfio_device_set_irqs));
#endif
#ifdef VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
IOAS_ABI_SAME(DEVICE_GET_PCI_HOT_RESET_INFO, vfio_pci_hot_reset_info,
	      sizeof(struct ioas_abi_vfio_device_get_pci_hot_reset_info));
#endif
#ifdef VFIO_DEVICE_PCI_HOT_RESET
IOAS_ABI_SAME(DEVICE_PCI_HOT_RESET, vfio_pci_hot_reset,
	      sizeof(struct ioas_abi_vfio_device_pci_hot_reset));
#endif
#ifdef VFIO_DEVICE_IOEVENTFD
IOAS_ABI_SAME(DEVICE_IOEVENTFD, vfio_device_ioeventfd,
	      IOAS_ABI_VFIO_DEVICE_IOEVENTFD_MIN_SIZE);
#endif
#ifdef VFIO_DEVICE_FEATURE
IOAS_ABI_SAME(DEVICE_FEATURE, vfio_device_feature,
	      sizeof(struct ioas_abi_vfio_device_feature));
#endif
#ifdef VFIO_DEVICE_BIND_IOMMUFD
IOAS_ABI_SAME(DEVICE_BIND_IOMMUFD, vfio_device_bind_iommufd,
	      IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD_MIN_SIZE);
#endif
#ifdef VFIO_DEVICE_ATTACH_IOMMUFD_PT
IOAS_ABI_SAME(DEVICE_ATTACH_IOMMUFD_PT, vfio_device_attach_iommufd_pt,
	      IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN_SIZE);
#endif
#ifdef VFIO_DEVICE_DETACH_IOMMUFD_PT
IOAS_ABI_SAME(DEVICE_DETACH_IOMMUFD_PT, vfio_device_detach_iommufd_pt,
	      IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT_MIN_SIZE);
#endif
#ifdef VFIO_MIG_GET_PRECOPY_INFO
IOAS_ABI_SAME(MIG_GET_PRECOPY_INFO, vfio_precopy_info,
	      sizeof(struct ioas_abi_vfio_mig_get_precopy_info));
#endif

#undef IOAS_ABI_SAME
#undef IOAS_ABI_ASSERT

#else /* VFIO_DEVICE_GET_INFO */

/* What the system's header asks for before it defines anything. */
#define VFIO_H

/* Structs */
#define vfio_device_bind_iommufd \
	ioas_abi_vfio_device_bind_iommufd
#define vfio_device_attach_iommufd_pt \
	ioas_abi_vfio_device_attach_iommufd_pt
#define vfio_device_detach_iommufd_pt \
	ioas_abi_vfio_device_detach_iommufd_pt
#define vfio_device_info			ioas_abi_vfio_device_get_info
#define vfio_device_info_cap_pci_atomic_comp \
	ioas_abi_vfio_device_info_cap_pci_atomic_comp
#define vfio_region_info \
	ioas_abi_vfio_device_get_region_info
#define vfio_region_sparse_mmap_area \
	ioas_abi_vfio_region_sparse_mmap_area
#define vfio_region_info_cap_sparse_mmap \
	ioas_abi_vfio_region_info_cap_sparse_mmap
#define vfio_region_info_cap_type \
	ioas_abi_vfio_region_info_cap_type
#define vfio_irq_info \
	ioas_abi_vfio_device_get_irq_info
#define vfio_irq_set				ioas_abi_vfio_device_set_irqs
#define vfio_pci_dependent_device \
	ioas_abi_vfio_pci_dependent_device
#define vfio_pci_hot_reset_info \
	ioas_abi_vfio_device_get_pci_hot_reset_info
#define vfio_pci_hot_reset \
	ioas_abi_vfio_device_pci_hot_reset
#define vfio_device_ioeventfd			ioas_abi_vfio_device_ioeventfd
#define vfio_device_feature			ioas_abi_vfio_device_feature
#define vfio_device_feature_migration \
	ioas_abi_vfio_device_feature_migration
#define vfio_device_feature_mig_state \
	ioas_abi_vfio_device_feature_mig_state
#define vfio_device_low_power_entry_with_wakeup \
	ioas_abi_vfio_device_low_power_entry_with_wakeup
#define vfio_device_feature_dma_logging_range \
	ioas_abi_vfio_device_feature_dma_logging_range
#define vfio_device_feature_dma_logging_control \
	ioas_abi_vfio_device_feature_dma_logging_control
#define vfio_device_feature_dma_logging_report \
	ioas_abi_vfio_device_feature_dma_logging_report
#define vfio_device_feature_mig_data_size \
	ioas_abi_vfio_device_feature_mig_data_size
#define vfio_device_feature_bus_master \
	ioas_abi_vfio_device_feature_bus_master
#define vfio_region_dma_range			ioas_abi_vfio_region_dma_range
#define vfio_device_feature_dma_buf \
	ioas_abi_vfio_device_feature_dma_buf
#define vfio_precopy_info \
	ioas_abi_vfio_mig_get_precopy_info
#define vfio_group_status			ioas_abi_vfio_group_get_status

/* Structs of containers */
#define vfio_iommu_type1_info			ioas_abi_vfio_iommu_get_info
#define vfio_info_cap_header			ioas_abi_vfio_info_cap_header
#define vfio_iova_range				ioas_abi_vfio_iova_range
#define vfio_iommu_type1_info_cap_iova_range \
	ioas_abi_vfio_info_cap_iova_range
#define vfio_iommu_type1_info_dma_avail		ioas_abi_vfio_info_cap_dma_avail
#define vfio_iommu_type1_dma_map		ioas_abi_vfio_iommu_map_dma
#define vfio_iommu_type1_dma_unmap		ioas_abi_vfio_iommu_unmap_dma

/* Requests and constants, in the order of vfio.h */
#define VFIO_TYPE				IOAS_ABI_TYPE
#define VFIO_BASE				IOAS_ABI_VFIO_BASE
#define VFIO_API_VERSION			IOAS_ABI_VFIO_API_VERSION
#define VFIO_GROUP_GET_STATUS			IOAS_ABI_VFIO_GROUP_GET_STATUS
#define VFIO_GROUP_SET_CONTAINER \
	IOAS_ABI_VFIO_GROUP_SET_CONTAINER
#define VFIO_GROUP_UNSET_CONTAINER \
	IOAS_ABI_VFIO_GROUP_UNSET_CONTAINER
#define VFIO_GROUP_GET_DEVICE_FD \
	IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD
#define VFIO_DEVICE_GET_INFO			IOAS_ABI_VFIO_DEVICE_GET_INFO
#define VFIO_DEVICE_GET_REGION_INFO \
	IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO
#define VFIO_DEVICE_GET_IRQ_INFO \
	IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO
#define VFIO_DEVICE_SET_IRQS			IOAS_ABI_VFIO_DEVICE_SET_IRQS
#define VFIO_DEVICE_RESET			IOAS_ABI_VFIO_DEVICE_RESET
#define VFIO_DEVICE_GET_PCI_HOT_RESET_INFO \
	IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO
#define VFIO_DEVICE_PCI_HOT_RESET \
	IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET
#define VFIO_DEVICE_QUERY_GFX_PLANE \
	IOAS_ABI_VFIO_DEVICE_QUERY_GFX_PLANE
#define VFIO_DEVICE_GET_GFX_DMABUF \
	IOAS_ABI_VFIO_DEVICE_GET_GFX_DMABUF
#define VFIO_DEVICE_IOEVENTFD			IOAS_ABI_VFIO_DEVICE_IOEVENTFD
#define VFIO_DEVICE_FEATURE			IOAS_ABI_VFIO_DEVICE_FEATURE
#define VFIO_DEVICE_BIND_IOMMUFD \
	IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD
#define VFIO_DEVICE_ATTACH_IOMMUFD_PT \
	IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT
#define VFIO_DEVICE_DETACH_IOMMUFD_PT \
	IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT
#define VFIO_MIG_GET_PRECOPY_INFO \
	IOAS_ABI_VFIO_MIG_GET_PRECOPY_INFO
#define VFIO_DEVICE_BIND_FLAG_TOKEN \
	IOAS_ABI_VFIO_DEVICE_BIND_FLAG_TOKEN
#define VFIO_DEVICE_ATTACH_PASID \
	IOAS_ABI_VFIO_DEVICE_ATTACH_PASID
#define VFIO_DEVICE_DETACH_PASID \
	IOAS_ABI_VFIO_DEVICE_DETACH_PASID
#define VFIO_DEVICE_FLAGS_RESET			IOAS_ABI_VFIO_DEVICE_FLAGS_RESET
#define VFIO_DEVICE_FLAGS_PCI			IOAS_ABI_VFIO_DEVICE_FLAGS_PCI
#define VFIO_DEVICE_FLAGS_PLATFORM \
	IOAS_ABI_VFIO_DEVICE_FLAGS_PLATFORM
#define VFIO_DEVICE_FLAGS_AMBA			IOAS_ABI_VFIO_DEVICE_FLAGS_AMBA
#define VFIO_DEVICE_FLAGS_CCW			IOAS_ABI_VFIO_DEVICE_FLAGS_CCW
#define VFIO_DEVICE_FLAGS_AP			IOAS_ABI_VFIO_DEVICE_FLAGS_AP
#define VFIO_DEVICE_FLAGS_FSL_MC \
	IOAS_ABI_VFIO_DEVICE_FLAGS_FSL_MC
#define VFIO_DEVICE_FLAGS_CAPS			IOAS_ABI_VFIO_DEVICE_FLAGS_CAPS
#define VFIO_DEVICE_FLAGS_CDX			IOAS_ABI_VFIO_DEVICE_FLAGS_CDX
#define VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP \
	IOAS_ABI_VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP
#define VFIO_PCI_ATOMIC_COMP32			IOAS_ABI_VFIO_PCI_ATOMIC_COMP32
#define VFIO_PCI_ATOMIC_COMP64			IOAS_ABI_VFIO_PCI_ATOMIC_COMP64
#define VFIO_PCI_ATOMIC_COMP128			IOAS_ABI_VFIO_PCI_ATOMIC_COMP128
#define VFIO_REGION_INFO_FLAG_READ \
	IOAS_ABI_VFIO_REGION_INFO_FLAG_READ
#define VFIO_REGION_INFO_FLAG_WRITE \
	IOAS_ABI_VFIO_REGION_INFO_FLAG_WRITE
#define VFIO_REGION_INFO_FLAG_MMAP \
	IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP
#define VFIO_REGION_INFO_FLAG_CAPS \
	IOAS_ABI_VFIO_REGION_INFO_FLAG_CAPS
#define VFIO_PCI_BAR0_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR0_REGION_INDEX
#define VFIO_PCI_BAR1_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR1_REGION_INDEX
#define VFIO_PCI_BAR2_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR2_REGION_INDEX
#define VFIO_PCI_BAR3_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR3_REGION_INDEX
#define VFIO_PCI_BAR4_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR4_REGION_INDEX
#define VFIO_PCI_BAR5_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_BAR5_REGION_INDEX
#define VFIO_PCI_ROM_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_ROM_REGION_INDEX
#define VFIO_PCI_CONFIG_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX
#define VFIO_PCI_VGA_REGION_INDEX \
	IOAS_ABI_VFIO_PCI_VGA_REGION_INDEX
#define VFIO_PCI_NUM_REGIONS			IOAS_ABI_VFIO_PCI_NUM_REGIONS
#define VFIO_REGION_INFO_CAP_SPARSE_MMAP \
	IOAS_ABI_VFIO_REGION_INFO_CAP_SPARSE_MMAP
#define VFIO_REGION_INFO_CAP_TYPE \
	IOAS_ABI_VFIO_REGION_INFO_CAP_TYPE
#define VFIO_REGION_INFO_CAP_MSIX_MAPPABLE \
	IOAS_ABI_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE
#define VFIO_REGION_TYPE_PCI_VENDOR_TYPE \
	IOAS_ABI_VFIO_REGION_TYPE_PCI_VENDOR_TYPE
#define VFIO_REGION_TYPE_PCI_VENDOR_MASK \
	IOAS_ABI_VFIO_REGION_TYPE_PCI_VENDOR_MASK
#define VFIO_IRQ_INFO_EVENTFD			IOAS_ABI_VFIO_IRQ_INFO_EVENTFD
#define VFIO_IRQ_INFO_MASKABLE			IOAS_ABI_VFIO_IRQ_INFO_MASKABLE
#define VFIO_IRQ_INFO_AUTOMASKED \
	IOAS_ABI_VFIO_IRQ_INFO_AUTOMASKED
#define VFIO_IRQ_INFO_NORESIZE			IOAS_ABI_VFIO_IRQ_INFO_NORESIZE
#define VFIO_PCI_INTX_IRQ_INDEX			IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX
#define VFIO_PCI_MSI_IRQ_INDEX			IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX
#define VFIO_PCI_MSIX_IRQ_INDEX			IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX
#define VFIO_PCI_ERR_IRQ_INDEX			IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX
#define VFIO_PCI_REQ_IRQ_INDEX			IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX
#define VFIO_PCI_NUM_IRQS			IOAS_ABI_VFIO_PCI_NUM_IRQS
#define VFIO_IRQ_SET_DATA_NONE			IOAS_ABI_VFIO_IRQ_SET_DATA_NONE
#define VFIO_IRQ_SET_DATA_BOOL			IOAS_ABI_VFIO_IRQ_SET_DATA_BOOL
#define VFIO_IRQ_SET_DATA_EVENTFD \
	IOAS_ABI_VFIO_IRQ_SET_DATA_EVENTFD
#define VFIO_IRQ_SET_ACTION_MASK \
	IOAS_ABI_VFIO_IRQ_SET_ACTION_MASK
#define VFIO_IRQ_SET_ACTION_UNMASK \
	IOAS_ABI_VFIO_IRQ_SET_ACTION_UNMASK
#define VFIO_IRQ_SET_ACTION_TRIGGER \
	IOAS_ABI_VFIO_IRQ_SET_ACTION_TRIGGER
#define VFIO_IRQ_SET_DATA_TYPE_MASK \
	IOAS_ABI_VFIO_IRQ_SET_DATA_TYPE_MASK
#define VFIO_IRQ_SET_ACTION_TYPE_MASK \
	IOAS_ABI_VFIO_IRQ_SET_ACTION_TYPE_MASK
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID \
	IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID
#define VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED \
	IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED
#define VFIO_PCI_DEVID_OWNED			IOAS_ABI_VFIO_PCI_DEVID_OWNED
#define VFIO_PCI_DEVID_NOT_OWNED \
	IOAS_ABI_VFIO_PCI_DEVID_NOT_OWNED
#define VFIO_DEVICE_IOEVENTFD_8			IOAS_ABI_VFIO_DEVICE_IOEVENTFD_8
#define VFIO_DEVICE_IOEVENTFD_16 \
	IOAS_ABI_VFIO_DEVICE_IOEVENTFD_16
#define VFIO_DEVICE_IOEVENTFD_32 \
	IOAS_ABI_VFIO_DEVICE_IOEVENTFD_32
#define VFIO_DEVICE_IOEVENTFD_64 \
	IOAS_ABI_VFIO_DEVICE_IOEVENTFD_64
#define VFIO_DEVICE_IOEVENTFD_SIZE_MASK \
	IOAS_ABI_VFIO_DEVICE_IOEVENTFD_SIZE_MASK
#define VFIO_DEVICE_FEATURE_MASK \
	IOAS_ABI_VFIO_DEVICE_FEATURE_MASK
#define VFIO_DEVICE_FEATURE_GET			IOAS_ABI_VFIO_DEVICE_FEATURE_GET
#define VFIO_DEVICE_FEATURE_SET			IOAS_ABI_VFIO_DEVICE_FEATURE_SET
#define VFIO_DEVICE_FEATURE_PROBE \
	IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE
#define VFIO_DEVICE_FEATURE_PCI_VF_TOKEN \
	IOAS_ABI_VFIO_DEVICE_FEATURE_PCI_VF_TOKEN
#define VFIO_DEVICE_FEATURE_MIGRATION \
	IOAS_ABI_VFIO_DEVICE_FEATURE_MIGRATION
#define VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE \
	IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE
#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY \
	IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY
#define VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP \
	IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP
#define VFIO_DEVICE_FEATURE_LOW_POWER_EXIT \
	IOAS_ABI_VFIO_DEVICE_FEATURE_LOW_POWER_EXIT
#define VFIO_DEVICE_FEATURE_DMA_LOGGING_START \
	IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_START
#define VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP \
	IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP
#define VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT \
	IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT
#define VFIO_DEVICE_FEATURE_MIG_DATA_SIZE \
	IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_DATA_SIZE
#define VFIO_DEVICE_FEATURE_BUS_MASTER \
	IOAS_ABI_VFIO_DEVICE_FEATURE_BUS_MASTER
#define VFIO_DEVICE_FEATURE_DMA_BUF \
	IOAS_ABI_VFIO_DEVICE_FEATURE_DMA_BUF
#define VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2 \
	IOAS_ABI_VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2
#define VFIO_MIGRATION_STOP_COPY \
	IOAS_ABI_VFIO_MIGRATION_STOP_COPY
#define VFIO_MIGRATION_P2P			IOAS_ABI_VFIO_MIGRATION_P2P
#define VFIO_MIGRATION_PRE_COPY			IOAS_ABI_VFIO_MIGRATION_PRE_COPY
#define VFIO_DEVICE_STATE_ERROR			IOAS_ABI_VFIO_DEVICE_STATE_ERROR
#define VFIO_DEVICE_STATE_STOP			IOAS_ABI_VFIO_DEVICE_STATE_STOP
#define VFIO_DEVICE_STATE_RUNNING \
	IOAS_ABI_VFIO_DEVICE_STATE_RUNNING
#define VFIO_DEVICE_STATE_STOP_COPY \
	IOAS_ABI_VFIO_DEVICE_STATE_STOP_COPY
#define VFIO_DEVICE_STATE_RESUMING \
	IOAS_ABI_VFIO_DEVICE_STATE_RESUMING
#define VFIO_DEVICE_STATE_RUNNING_P2P \
	IOAS_ABI_VFIO_DEVICE_STATE_RUNNING_P2P
#define VFIO_DEVICE_STATE_PRE_COPY \
	IOAS_ABI_VFIO_DEVICE_STATE_PRE_COPY
#define VFIO_DEVICE_STATE_PRE_COPY_P2P \
	IOAS_ABI_VFIO_DEVICE_STATE_PRE_COPY_P2P
#define VFIO_DEVICE_FEATURE_CLEAR_MASTER \
	IOAS_ABI_VFIO_DEVICE_FEATURE_CLEAR_MASTER
#define VFIO_DEVICE_FEATURE_SET_MASTER \
	IOAS_ABI_VFIO_DEVICE_FEATURE_SET_MASTER
#define VFIO_GROUP_FLAGS_VIABLE			IOAS_ABI_VFIO_GROUP_FLAGS_VIABLE
#define VFIO_GROUP_FLAGS_CONTAINER_SET \
	IOAS_ABI_VFIO_GROUP_FLAGS_CONTAINER_SET

/* Requests and constants of containers, in the order of iommufd.h */
#define VFIO_GET_API_VERSION			IOAS_ABI_VFIO_GET_API_VERSION
#define VFIO_CHECK_EXTENSION			IOAS_ABI_VFIO_CHECK_EXTENSION
#define VFIO_SET_IOMMU				IOAS_ABI_VFIO_SET_IOMMU
#define VFIO_IOMMU_GET_INFO			IOAS_ABI_VFIO_IOMMU_GET_INFO
#define VFIO_IOMMU_MAP_DMA			IOAS_ABI_VFIO_IOMMU_MAP_DMA
#define VFIO_IOMMU_UNMAP_DMA			IOAS_ABI_VFIO_IOMMU_UNMAP_DMA
#define VFIO_IOMMU_DIRTY_PAGES			IOAS_ABI_VFIO_IOMMU_DIRTY_PAGES
#define VFIO_TYPE1_IOMMU			IOAS_ABI_VFIO_TYPE1_IOMMU
#define VFIO_TYPE1v2_IOMMU			IOAS_ABI_VFIO_TYPE1v2_IOMMU
#define VFIO_DMA_CC_IOMMU			IOAS_ABI_VFIO_DMA_CC_IOMMU
#define VFIO_TYPE1_NESTING_IOMMU \
	IOAS_ABI_VFIO_TYPE1_NESTING_IOMMU
#define VFIO_NOIOMMU_IOMMU			IOAS_ABI_VFIO_NOIOMMU_IOMMU
#define VFIO_UNMAP_ALL				IOAS_ABI_VFIO_UNMAP_ALL
#define VFIO_UPDATE_VADDR			IOAS_ABI_VFIO_UPDATE_VADDR
#define VFIO_IOMMU_INFO_PGSIZES			IOAS_ABI_VFIO_IOMMU_INFO_PGSIZES
#define VFIO_IOMMU_INFO_CAPS			IOAS_ABI_VFIO_IOMMU_INFO_CAPS
#define VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE \
	IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE
#define VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL \
	IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL
#define VFIO_DMA_MAP_FLAG_READ			IOAS_ABI_VFIO_DMA_MAP_FLAG_READ
#define VFIO_DMA_MAP_FLAG_WRITE			IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE
#define VFIO_DMA_MAP_FLAG_VADDR			IOAS_ABI_VFIO_DMA_MAP_FLAG_VADDR
#define VFIO_DMA_UNMAP_FLAG_ALL			IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL
#define VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP \
	IOAS_ABI_VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define VFIO_DMA_UNMAP_FLAG_VADDR \
	IOAS_ABI_VFIO_DMA_UNMAP_FLAG_VADDR

#endif /* VFIO_DEVICE_GET_INFO */

#endif
