/* SPDX-License-Identifier: MIT */
/*
 * vfio_layout: the size of each struct, the place of each member
 *
 * Includes <ioas/abi/vfio.h> and asserts, while it is compiled, that this
 * compiler and machine lay its structs out as the reference says,
 * docs/reference/vfio-device-uapi.md. Where that is so it adds nothing to a
 * program.
 */
#ifndef IOAS_ABI_VFIO_LAYOUT_H
#define IOAS_ABI_VFIO_LAYOUT_H

#include <stddef.h>

#include <ioas/abi/vfio.h>

#ifdef __cplusplus
#define IOAS_ABI_ASSERT(cond, text) static_assert(cond, text)
#else
#define IOAS_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define IOAS_ABI_SIZE(tag, bytes) \
	IOAS_ABI_ASSERT(sizeof(struct ioas_abi_##tag) == (bytes), \
			"struct ioas_abi_" #tag " has " #bytes " bytes")
#define IOAS_ABI_MEMBER(tag, member, offset, bytes) \
	IOAS_ABI_ASSERT( \
		offsetof(struct ioas_abi_##tag, member) == (offset) && \
		sizeof(((struct ioas_abi_##tag *)0)->member) == (bytes), \
		"ioas_abi_" #tag "." #member ": " #bytes " bytes at " #offset)
/* An array without a length. */
#define IOAS_ABI_TAIL(tag, member, offset) \
	IOAS_ABI_ASSERT(offsetof(struct ioas_abi_##tag, member) == (offset), \
			"ioas_abi_" #tag "." #member ": at " #offset)

IOAS_ABI_SIZE(vfio_device_bind_iommufd, 24);
IOAS_ABI_MEMBER(vfio_device_bind_iommufd, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_bind_iommufd, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_bind_iommufd, iommufd, 8, 4);
IOAS_ABI_MEMBER(vfio_device_bind_iommufd, out_devid, 12, 4);
IOAS_ABI_MEMBER(vfio_device_bind_iommufd, token_uuid_ptr, 16, 8);

IOAS_ABI_SIZE(vfio_device_attach_iommufd_pt, 16);
IOAS_ABI_MEMBER(vfio_device_attach_iommufd_pt, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_attach_iommufd_pt, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_attach_iommufd_pt, pt_id, 8, 4);
IOAS_ABI_MEMBER(vfio_device_attach_iommufd_pt, pasid, 12, 4);

IOAS_ABI_SIZE(vfio_device_detach_iommufd_pt, 12);
IOAS_ABI_MEMBER(vfio_device_detach_iommufd_pt, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_detach_iommufd_pt, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_detach_iommufd_pt, pasid, 8, 4);

IOAS_ABI_SIZE(vfio_device_get_info, 24);
IOAS_ABI_MEMBER(vfio_device_get_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_get_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_get_info, num_regions, 8, 4);
IOAS_ABI_MEMBER(vfio_device_get_info, num_irqs, 12, 4);
IOAS_ABI_MEMBER(vfio_device_get_info, cap_offset, 16, 4);
IOAS_ABI_MEMBER(vfio_device_get_info, pad, 20, 4);

IOAS_ABI_SIZE(vfio_device_info_cap_pci_atomic_comp, 16);
IOAS_ABI_MEMBER(vfio_device_info_cap_pci_atomic_comp, header, 0, 8);
IOAS_ABI_MEMBER(vfio_device_info_cap_pci_atomic_comp, flags, 8, 4);
IOAS_ABI_MEMBER(vfio_device_info_cap_pci_atomic_comp, reserved, 12, 4);

IOAS_ABI_SIZE(vfio_device_get_region_info, 32);
IOAS_ABI_MEMBER(vfio_device_get_region_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_get_region_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_get_region_info, index, 8, 4);
IOAS_ABI_MEMBER(vfio_device_get_region_info, cap_offset, 12, 4);
IOAS_ABI_MEMBER(vfio_device_get_region_info, size, 16, 8);
IOAS_ABI_MEMBER(vfio_device_get_region_info, offset, 24, 8);

IOAS_ABI_SIZE(vfio_region_sparse_mmap_area, 16);
IOAS_ABI_MEMBER(vfio_region_sparse_mmap_area, offset, 0, 8);
IOAS_ABI_MEMBER(vfio_region_sparse_mmap_area, size, 8, 8);

IOAS_ABI_SIZE(vfio_region_info_cap_sparse_mmap, 16);
IOAS_ABI_MEMBER(vfio_region_info_cap_sparse_mmap, header, 0, 8);
IOAS_ABI_MEMBER(vfio_region_info_cap_sparse_mmap, nr_areas, 8, 4);
IOAS_ABI_MEMBER(vfio_region_info_cap_sparse_mmap, reserved, 12, 4);
IOAS_ABI_TAIL(vfio_region_info_cap_sparse_mmap, areas, 16);

IOAS_ABI_SIZE(vfio_region_info_cap_type, 16);
IOAS_ABI_MEMBER(vfio_region_info_cap_type, header, 0, 8);
IOAS_ABI_MEMBER(vfio_region_info_cap_type, type, 8, 4);
IOAS_ABI_MEMBER(vfio_region_info_cap_type, subtype, 12, 4);

IOAS_ABI_SIZE(vfio_device_get_irq_info, 16);
IOAS_ABI_MEMBER(vfio_device_get_irq_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_get_irq_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_get_irq_info, index, 8, 4);
IOAS_ABI_MEMBER(vfio_device_get_irq_info, count, 12, 4);

IOAS_ABI_SIZE(vfio_device_set_irqs, 20);
IOAS_ABI_MEMBER(vfio_device_set_irqs, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_set_irqs, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_set_irqs, index, 8, 4);
IOAS_ABI_MEMBER(vfio_device_set_irqs, start, 12, 4);
IOAS_ABI_MEMBER(vfio_device_set_irqs, count, 16, 4);
IOAS_ABI_TAIL(vfio_device_set_irqs, data, 20);

IOAS_ABI_SIZE(vfio_pci_dependent_device, 8);
IOAS_ABI_MEMBER(vfio_pci_dependent_device, group_id, 0, 4);
IOAS_ABI_MEMBER(vfio_pci_dependent_device, devid, 0, 4);
IOAS_ABI_MEMBER(vfio_pci_dependent_device, segment, 4, 2);
IOAS_ABI_MEMBER(vfio_pci_dependent_device, bus, 6, 1);
IOAS_ABI_MEMBER(vfio_pci_dependent_device, devfn, 7, 1);

IOAS_ABI_SIZE(vfio_device_get_pci_hot_reset_info, 12);
IOAS_ABI_MEMBER(vfio_device_get_pci_hot_reset_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_get_pci_hot_reset_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_get_pci_hot_reset_info, count, 8, 4);
IOAS_ABI_TAIL(vfio_device_get_pci_hot_reset_info, devices, 12);

IOAS_ABI_SIZE(vfio_device_pci_hot_reset, 12);
IOAS_ABI_MEMBER(vfio_device_pci_hot_reset, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_pci_hot_reset, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_pci_hot_reset, count, 8, 4);
IOAS_ABI_TAIL(vfio_device_pci_hot_reset, group_fds, 12);

IOAS_ABI_SIZE(vfio_device_ioeventfd, 32);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, offset, 8, 8);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, data, 16, 8);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, fd, 24, 4);
IOAS_ABI_MEMBER(vfio_device_ioeventfd, reserved, 28, 4);

IOAS_ABI_SIZE(vfio_device_feature, 8);
IOAS_ABI_MEMBER(vfio_device_feature, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_device_feature, flags, 4, 4);
IOAS_ABI_TAIL(vfio_device_feature, data, 8);

IOAS_ABI_SIZE(vfio_device_feature_pci_vf_token, 16);
IOAS_ABI_MEMBER(vfio_device_feature_pci_vf_token, uuid, 0, 16);

IOAS_ABI_SIZE(vfio_device_feature_migration, 8);
IOAS_ABI_MEMBER(vfio_device_feature_migration, flags, 0, 8);

IOAS_ABI_SIZE(vfio_device_feature_mig_state, 8);
IOAS_ABI_MEMBER(vfio_device_feature_mig_state, device_state, 0, 4);
IOAS_ABI_MEMBER(vfio_device_feature_mig_state, data_fd, 4, 4);

IOAS_ABI_SIZE(vfio_device_low_power_entry_with_wakeup, 8);
IOAS_ABI_MEMBER(vfio_device_low_power_entry_with_wakeup, wakeup_eventfd, 0, 4);
IOAS_ABI_MEMBER(vfio_device_low_power_entry_with_wakeup, reserved, 4, 4);

IOAS_ABI_SIZE(vfio_device_feature_dma_logging_range, 16);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_range, iova, 0, 8);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_range, length, 8, 8);

IOAS_ABI_SIZE(vfio_device_feature_dma_logging_control, 24);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_control, page_size, 0, 8);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_control, num_ranges, 8, 4);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_control, __reserved, 12, 4);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_control, ranges, 16, 8);

IOAS_ABI_SIZE(vfio_device_feature_dma_logging_report, 32);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_report, iova, 0, 8);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_report, length, 8, 8);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_report, page_size, 16, 8);
IOAS_ABI_MEMBER(vfio_device_feature_dma_logging_report, bitmap, 24, 8);

IOAS_ABI_SIZE(vfio_device_feature_mig_data_size, 8);
IOAS_ABI_MEMBER(vfio_device_feature_mig_data_size, stop_copy_length, 0, 8);

IOAS_ABI_SIZE(vfio_device_feature_bus_master, 4);
IOAS_ABI_MEMBER(vfio_device_feature_bus_master, op, 0, 4);

IOAS_ABI_SIZE(vfio_region_dma_range, 16);
IOAS_ABI_MEMBER(vfio_region_dma_range, offset, 0, 8);
IOAS_ABI_MEMBER(vfio_region_dma_range, length, 8, 8);

IOAS_ABI_SIZE(vfio_device_feature_dma_buf, 16);
IOAS_ABI_MEMBER(vfio_device_feature_dma_buf, region_index, 0, 4);
IOAS_ABI_MEMBER(vfio_device_feature_dma_buf, open_flags, 4, 4);
IOAS_ABI_MEMBER(vfio_device_feature_dma_buf, flags, 8, 4);
IOAS_ABI_MEMBER(vfio_device_feature_dma_buf, nr_ranges, 12, 4);
IOAS_ABI_TAIL(vfio_device_feature_dma_buf, dma_ranges, 16);

IOAS_ABI_SIZE(vfio_mig_get_precopy_info, 24);
IOAS_ABI_MEMBER(vfio_mig_get_precopy_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_mig_get_precopy_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_mig_get_precopy_info, initial_bytes, 8, 8);
IOAS_ABI_MEMBER(vfio_mig_get_precopy_info, dirty_bytes, 16, 8);

IOAS_ABI_SIZE(vfio_group_get_status, 8);
IOAS_ABI_MEMBER(vfio_group_get_status, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_group_get_status, flags, 4, 4);

#undef IOAS_ABI_TAIL
#undef IOAS_ABI_MEMBER
#undef IOAS_ABI_SIZE
#undef IOAS_ABI_ASSERT

#endif
