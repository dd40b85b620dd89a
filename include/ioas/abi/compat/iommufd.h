/* SPDX-License-Identifier: MIT */
/*
 * compat/iommufd: the system's names for what <ioas/abi/iommufd.h> defines
 *
 * For programs written for Linux: include this in place of <linux/iommufd.h>,
 * and struct iommu_ioas_map, IOMMU_IOAS_MAP and the like are there, on systems
 * that have no such header or an old one as well.
 *
 * The names are macros, also those of structs: a function iommu_option() of the
 * program's own becomes ioas_abi_option() wherever this is included, which is
 * harmless as long as it is included wherever that function is named. VFIO's
 * names are left to <linux/vfio.h>, which may be included before or after. A
 * member of hardware's payloads that the reference has no name for has ours.
 *
 * If <linux/iommufd.h> was included before, the names are its own, as many as
 * it has; then this asserts that it numbers its requests as we do and has their
 * structs no shorter than the first version's. Included after this, it is
 * skipped, as its names are taken.
 */
#ifndef IOAS_ABI_COMPAT_IOMMUFD_H
#define IOAS_ABI_COMPAT_IOMMUFD_H

#include <ioas/abi/iommufd.h>

/* A request is a macro of the system's header too. */
#ifdef IOMMU_DESTROY

#ifdef __cplusplus
#define IOAS_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define IOAS_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif
#define IOAS_ABI_SAME(request, tag, least) \
	IOAS_ABI_ASSERT(IOMMU_##request == IOAS_ABI_##request && \
			sizeof(struct tag) >= (least), \
			"<linux/iommufd.h> has another " #request)

#ifdef IOMMU_DESTROY
IOAS_ABI_SAME(DESTROY, iommu_destroy, sizeof(struct ioas_abi_destroy));
#endif
#ifdef IOMMU_IOAS_ALLOC
IOAS_ABI_SAME(IOAS_ALLOC, iommu_ioas_alloc, sizeof(struct ioas_abi_ioas_alloc));
#endif
#ifdef IOMMU_IOAS_ALLOW_IOVAS
IOAS_ABI_SAME(IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas,
	      sizeof(struct ioas_abi_ioas_allow_iovas));
#endif
#ifdef IOMMU_IOAS_COPY
IOAS_ABI_SAME(IOAS_COPY, iommu_ioas_copy, sizeof(struct ioas_abi_ioas_copy));
#endif
#ifdef IOMMU_IOAS_IOVA_RANGES
IOAS_ABI_SAME(IOAS_IOVA_RANGES, iommu_ioas_iova_ranges,
	      sizeof(struct ioas_abi_ioas_iova_ranges));
#endif
#ifdef IOMMU_IOAS_MAP
IOAS_ABI_SAME(IOAS_MAP, iommu_ioas_map, sizeof(struct ioas_abi_ioas_map));
#endif
#ifdef IOMMU_IOAS_UNMAP
IOAS_ABI_SAME(IOAS_UNMAP, iommu_ioas_unmap, sizeof(struct ioas_abi_ioas_unmap));
#endif
#ifdef IOMMU_OPTION
IOAS_ABI_SAME(OPTION, iommu_option, sizeof(struct ioas_abi_option));
#endif
#ifdef IOMMU_VFIO_IOAS
IOAS_ABI_SAME(VFIO_IOAS, iommu_vfio_ioas, sizeof(struct ioas_abi_vfio_ioas));
#endif
#ifdef IOMMU_HWPT_ALLOC
IOAS_ABI_SAME(HWPT_ALLOC, iommu_hwpt_alloc, IOAS_ABI_HWPT_ALLOC_MIN_SIZE);
#endif
#ifdef IOMMU_GET_HW_INFO
IOAS_ABI_SAME(GET_HW_INFO, iommu_hw_info, IOAS_ABI_GET_HW_INFO_MIN_SIZE);
#endif
#ifdef IOMMU_HWPT_SET_DIRTY_TRACKING
IOAS_ABI_SAME(HWPT_SET_DIRTY_TRACKING, iommu_hwpt_set_dirty_tracking,
	      sizeof(struct ioas_abi_hwpt_set_dirty_tracking));
#endif
#ifdef IOMMU_HWPT_GET_DIRTY_BITMAP
IOAS_ABI_SAME(HWPT_GET_DIRTY_BITMAP, iommu_hwpt_get_dirty_bitmap,
	      sizeof(struct ioas_abi_hwpt_get_dirty_bitmap));
#endif
#ifdef IOMMU_HWPT_INVALIDATE
IOAS_ABI_SAME(HWPT_INVALIDATE, iommu_hwpt_invalidate,
	      sizeof(struct ioas_abi_hwpt_invalidate));
#endif
#ifdef IOMMU_FAULT_QUEUE_ALLOC
IOAS_ABI_SAME(FAULT_QUEUE_ALLOC, iommu_fault_alloc,
	      sizeof(struct ioas_abi_fault_queue_alloc));
#endif
#ifdef IOMMU_IOAS_MAP_FILE
IOAS_ABI_SAME(IOAS_MAP_FILE, iommu_ioas_map_file,
	      sizeof(struct ioas_abi_ioas_map_file));
#endif
#ifdef IOMMU_VIOMMU_ALLOC
IOAS_ABI_SAME(VIOMMU_ALLOC, iommu_viommu_alloc, IOAS_ABI_VIOMMU_ALLOC_MIN_SIZE);
#endif
#ifdef IOMMU_VDEVICE_ALLOC
IOAS_ABI_SAME(VDEVICE_ALLOC, iommu_vdevice_alloc,
	      sizeof(struct ioas_abi_vdevice_alloc));
#endif
#ifdef IOMMU_IOAS_CHANGE_PROCESS
IOAS_ABI_SAME(IOAS_CHANGE_PROCESS, iommu_ioas_change_process,
	      sizeof(struct ioas_abi_ioas_change_process));
#endif
#ifdef IOMMU_VEVENTQ_ALLOC
IOAS_ABI_SAME(VEVENTQ_ALLOC, iommu_veventq_alloc,
	      IOAS_ABI_VEVENTQ_ALLOC_MIN_SIZE);
#endif
#ifdef IOMMU_HW_QUEUE_ALLOC
IOAS_ABI_SAME(HW_QUEUE_ALLOC, iommu_hw_queue_alloc,
	      sizeof(struct ioas_abi_hw_queue_alloc));
#endif

#undef IOAS_ABI_SAME
#undef IOAS_ABI_ASSERT

#else /* IOMMU_DESTROY */

/* What the system's header asks for before it defines anything. */
#define _IOMMUFD_H

/* Structs */
#define iommu_destroy				ioas_abi_destroy
#define iommu_ioas_alloc			ioas_abi_ioas_alloc
#define iommu_iova_range			ioas_abi_iova_range
#define iommu_ioas_allow_iovas			ioas_abi_ioas_allow_iovas
#define iommu_ioas_copy				ioas_abi_ioas_copy
#define iommu_ioas_iova_ranges			ioas_abi_ioas_iova_ranges
#define iommu_ioas_map				ioas_abi_ioas_map
#define iommu_ioas_unmap			ioas_abi_ioas_unmap
#define iommu_option				ioas_abi_option
#define iommu_vfio_ioas				ioas_abi_vfio_ioas
#define iommu_hwpt_alloc			ioas_abi_hwpt_alloc
#define iommu_hw_info				ioas_abi_get_hw_info
#define iommu_hwpt_set_dirty_tracking		ioas_abi_hwpt_set_dirty_tracking
#define iommu_hwpt_get_dirty_bitmap		ioas_abi_hwpt_get_dirty_bitmap
#define iommu_hwpt_invalidate			ioas_abi_hwpt_invalidate
#define iommu_fault_alloc			ioas_abi_fault_queue_alloc
#define iommu_ioas_map_file			ioas_abi_ioas_map_file
#define iommu_viommu_alloc			ioas_abi_viommu_alloc
#define iommu_vdevice_alloc			ioas_abi_vdevice_alloc
#define iommu_ioas_change_process		ioas_abi_ioas_change_process
#define iommu_veventq_alloc			ioas_abi_veventq_alloc
#define iommu_hw_queue_alloc			ioas_abi_hw_queue_alloc
#define iommu_hwpt_pgfault			ioas_abi_pgfault
#define iommu_hwpt_page_response		ioas_abi_page_response
#define iommufd_vevent_header			ioas_abi_vevent_header
#define iommu_hw_info_vtd			ioas_abi_hw_info_intel_vtd
#define iommu_hw_info_arm_smmuv3		ioas_abi_hw_info_arm_smmuv3
#define iommu_hw_info_tegra241_cmdqv		ioas_abi_hw_info_tegra241_cmdqv
#define iommu_hw_info_amd			ioas_abi_hw_info_amd
#define iommu_hwpt_vtd_s1			ioas_abi_hwpt_data_vtd_s1
#define iommu_hwpt_arm_smmuv3			ioas_abi_hwpt_data_arm_smmuv3
#define iommu_hwpt_amd_guest			ioas_abi_hwpt_data_amd_guest
#define iommu_hwpt_vtd_s1_invalidate		ioas_abi_hwpt_invalidate_vtd_s1
#define iommu_viommu_arm_smmuv3_invalidate \
	ioas_abi_viommu_invalidate_arm_smmuv3
#define iommu_viommu_tegra241_cmdqv \
	ioas_abi_viommu_data_tegra241_cmdqv
#define iommu_vevent_arm_smmuv3			ioas_abi_vevent_arm_smmuv3
#define iommu_vevent_tegra241_cmdqv		ioas_abi_vevent_tegra241_cmdqv

/* Requests */
#define IOMMUFD_TYPE				IOAS_ABI_TYPE
#define IOMMU_DESTROY				IOAS_ABI_DESTROY
#define IOMMU_IOAS_ALLOC			IOAS_ABI_IOAS_ALLOC
#define IOMMU_IOAS_ALLOW_IOVAS			IOAS_ABI_IOAS_ALLOW_IOVAS
#define IOMMU_IOAS_COPY				IOAS_ABI_IOAS_COPY
#define IOMMU_IOAS_IOVA_RANGES			IOAS_ABI_IOAS_IOVA_RANGES
#define IOMMU_IOAS_MAP				IOAS_ABI_IOAS_MAP
#define IOMMU_IOAS_UNMAP			IOAS_ABI_IOAS_UNMAP
#define IOMMU_OPTION				IOAS_ABI_OPTION
#define IOMMU_VFIO_IOAS				IOAS_ABI_VFIO_IOAS
#define IOMMU_HWPT_ALLOC			IOAS_ABI_HWPT_ALLOC
#define IOMMU_GET_HW_INFO			IOAS_ABI_GET_HW_INFO
#define IOMMU_HWPT_SET_DIRTY_TRACKING		IOAS_ABI_HWPT_SET_DIRTY_TRACKING
#define IOMMU_HWPT_GET_DIRTY_BITMAP		IOAS_ABI_HWPT_GET_DIRTY_BITMAP
#define IOMMU_HWPT_INVALIDATE			IOAS_ABI_HWPT_INVALIDATE
#define IOMMU_FAULT_QUEUE_ALLOC			IOAS_ABI_FAULT_QUEUE_ALLOC
#define IOMMU_IOAS_MAP_FILE			IOAS_ABI_IOAS_MAP_FILE
#define IOMMU_VIOMMU_ALLOC			IOAS_ABI_VIOMMU_ALLOC
#define IOMMU_VDEVICE_ALLOC			IOAS_ABI_VDEVICE_ALLOC
#define IOMMU_IOAS_CHANGE_PROCESS		IOAS_ABI_IOAS_CHANGE_PROCESS
#define IOMMU_VEVENTQ_ALLOC			IOAS_ABI_VEVENTQ_ALLOC
#define IOMMU_HW_QUEUE_ALLOC			IOAS_ABI_HW_QUEUE_ALLOC

/* Flags, types, operations and answers, in the order of iommufd.h */
#define IOMMU_IOAS_MAP_FIXED_IOVA		IOAS_ABI_IOAS_MAP_FIXED_IOVA
#define IOMMU_IOAS_MAP_WRITEABLE		IOAS_ABI_IOAS_MAP_WRITEABLE
#define IOMMU_IOAS_MAP_READABLE			IOAS_ABI_IOAS_MAP_READABLE
#define IOMMU_OPTION_RLIMIT_MODE		IOAS_ABI_OPTION_RLIMIT_MODE
#define IOMMU_OPTION_HUGE_PAGES			IOAS_ABI_OPTION_HUGE_PAGES
#define IOMMU_OPTION_OP_SET			IOAS_ABI_OPTION_OP_SET
#define IOMMU_OPTION_OP_GET			IOAS_ABI_OPTION_OP_GET
#define IOMMU_VFIO_IOAS_GET			IOAS_ABI_VFIO_IOAS_GET
#define IOMMU_VFIO_IOAS_SET			IOAS_ABI_VFIO_IOAS_SET
#define IOMMU_VFIO_IOAS_CLEAR			IOAS_ABI_VFIO_IOAS_CLEAR
#define IOMMU_HWPT_ALLOC_NEST_PARENT		IOAS_ABI_HWPT_ALLOC_NEST_PARENT
#define IOMMU_HWPT_ALLOC_DIRTY_TRACKING \
	IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING
#define IOMMU_HWPT_FAULT_ID_VALID		IOAS_ABI_HWPT_FAULT_ID_VALID
#define IOMMU_HWPT_ALLOC_PASID			IOAS_ABI_HWPT_ALLOC_PASID
#define IOMMU_HWPT_DATA_NONE			IOAS_ABI_HWPT_DATA_NONE
#define IOMMU_HWPT_DATA_VTD_S1			IOAS_ABI_HWPT_DATA_VTD_S1
#define IOMMU_HWPT_DATA_ARM_SMMUV3		IOAS_ABI_HWPT_DATA_ARM_SMMUV3
#define IOMMU_HWPT_DATA_AMD_GUEST		IOAS_ABI_HWPT_DATA_AMD_GUEST
#define IOMMU_HW_INFO_FLAG_INPUT_TYPE		IOAS_ABI_HW_INFO_FLAG_INPUT_TYPE
#define IOMMU_HW_INFO_TYPE_NONE			IOAS_ABI_HW_INFO_TYPE_NONE
#define IOMMU_HW_INFO_TYPE_DEFAULT		IOAS_ABI_HW_INFO_TYPE_DEFAULT
#define IOMMU_HW_INFO_TYPE_INTEL_VTD		IOAS_ABI_HW_INFO_TYPE_INTEL_VTD
#define IOMMU_HW_INFO_TYPE_ARM_SMMUV3		IOAS_ABI_HW_INFO_TYPE_ARM_SMMUV3
#define IOMMU_HW_INFO_TYPE_TEGRA241_CMDQV \
	IOAS_ABI_HW_INFO_TYPE_TEGRA241_CMDQV
#define IOMMU_HW_INFO_TYPE_AMD			IOAS_ABI_HW_INFO_TYPE_AMD
#define IOMMU_HW_CAP_DIRTY_TRACKING		IOAS_ABI_HW_CAP_DIRTY_TRACKING
#define IOMMU_HW_CAP_PCI_PASID_EXEC		IOAS_ABI_HW_CAP_PCI_PASID_EXEC
#define IOMMU_HW_CAP_PCI_PASID_PRIV		IOAS_ABI_HW_CAP_PCI_PASID_PRIV
#define IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED \
	IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED
#define IOMMU_HWPT_DIRTY_TRACKING_ENABLE \
	IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE
#define IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR \
	IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR
#define IOMMU_HWPT_INVALIDATE_DATA_VTD_S1 \
	IOAS_ABI_HWPT_INVALIDATE_DATA_VTD_S1
#define IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3 \
	IOAS_ABI_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3
#define IOMMU_VIOMMU_TYPE_DEFAULT		IOAS_ABI_VIOMMU_TYPE_DEFAULT
#define IOMMU_VIOMMU_TYPE_ARM_SMMUV3		IOAS_ABI_VIOMMU_TYPE_ARM_SMMUV3
#define IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV \
	IOAS_ABI_VIOMMU_TYPE_TEGRA241_CMDQV
#define IOMMU_VEVENTQ_TYPE_ARM_SMMUV3		IOAS_ABI_VEVENTQ_TYPE_ARM_SMMUV3
#define IOMMU_VEVENTQ_TYPE_TEGRA241_CMDQV \
	IOAS_ABI_VEVENTQ_TYPE_TEGRA241_CMDQV
#define IOMMU_HW_QUEUE_TYPE_TEGRA241_CMDQV \
	IOAS_ABI_HW_QUEUE_TYPE_TEGRA241_CMDQV
#define IOMMU_PGFAULT_FLAGS_PASID_VALID \
	IOAS_ABI_PGFAULT_FLAGS_PASID_VALID
#define IOMMU_PGFAULT_FLAGS_LAST_PAGE		IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE
#define IOMMU_PGFAULT_PERM_READ			IOAS_ABI_PGFAULT_PERM_READ
#define IOMMU_PGFAULT_PERM_WRITE		IOAS_ABI_PGFAULT_PERM_WRITE
#define IOMMU_PGFAULT_PERM_EXEC			IOAS_ABI_PGFAULT_PERM_EXEC
#define IOMMU_PGFAULT_PERM_PRIV			IOAS_ABI_PGFAULT_PERM_PRIV
#define IOMMUFD_PAGE_RESP_SUCCESS		IOAS_ABI_PAGE_RESP_SUCCESS
#define IOMMUFD_PAGE_RESP_INVALID		IOAS_ABI_PAGE_RESP_INVALID
#define IOMMU_VEVENTQ_FLAG_LOST_EVENTS \
	IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS
#define IOMMU_HW_INFO_VTD_ERRATA_772415_SPR17 \
	IOAS_ABI_HW_INFO_VTD_ERRATUM_772415
#define IOMMU_VTD_S1_SRE			IOAS_ABI_VTD_S1_SRE
#define IOMMU_VTD_S1_EAFE			IOAS_ABI_VTD_S1_EAFE
#define IOMMU_VTD_S1_WPE			IOAS_ABI_VTD_S1_WPE
#define IOMMU_VTD_INV_FLAGS_LEAF		IOAS_ABI_VTD_INV_FLAGS_LEAF

#endif /* IOMMU_DESTROY */

#endif
