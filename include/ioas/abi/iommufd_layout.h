/* SPDX-License-Identifier: MIT */
/*
 * iommufd_layout: the size of each struct, the place of each member
 *
 * Includes the two ABI headers and asserts, while it is compiled, that this
 * compiler and machine lay their structs out as the reference says. Where that
 * is so it adds nothing to a program.
 *
 * Written by scripts/check-abi --write from docs/reference/iommufd-uapi.md and
 * docs/reference/iommufd-test-abi.md; a test fails where it differs from them.
 */
#ifndef IOAS_ABI_IOMMUFD_LAYOUT_H
#define IOAS_ABI_IOMMUFD_LAYOUT_H

#include <stddef.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#ifdef __cplusplus
#define IOAS_ABI_ASSERT(cond, text) static_assert(cond, text)
#define IOAS_ABI_ALIGN(type) alignof(type)
#else
#define IOAS_ABI_ASSERT(cond, text) _Static_assert(cond, text)
#define IOAS_ABI_ALIGN(type) _Alignof(type)
#endif

#define IOAS_ABI_SIZE(tag, bytes) \
	IOAS_ABI_ASSERT(sizeof(struct ioas_abi_##tag) == (bytes), \
			"struct ioas_abi_" #tag " has " #bytes " bytes")
#define IOAS_ABI_MEMBER(tag, member, offset, bytes) \
	IOAS_ABI_ASSERT( \
		offsetof(struct ioas_abi_##tag, member) == (offset) && \
		sizeof(((struct ioas_abi_##tag *)0)->member) == (bytes), \
		"ioas_abi_" #tag "." #member ": " #bytes " bytes at " #offset)
#define IOAS_ABI_OPERATION(name, offset, bytes) \
	IOAS_ABI_ASSERT( \
		offsetof(struct ioas_abi_test_cmd, name) == (offset) && \
		sizeof(struct ioas_abi_test_##name) <= (bytes), \
		"operation " #name ": at " #offset ", within " #bytes " bytes")

/* What the sizes do not show where members happen to be aligned anyway. */
IOAS_ABI_ASSERT(IOAS_ABI_ALIGN(ioas_abi_u64) == 8, "64-bit members at 8 bytes");

IOAS_ABI_SIZE(destroy, 8);
IOAS_ABI_MEMBER(destroy, size, 0, 4);
IOAS_ABI_MEMBER(destroy, id, 4, 4);

IOAS_ABI_SIZE(ioas_alloc, 12);
IOAS_ABI_MEMBER(ioas_alloc, size, 0, 4);
IOAS_ABI_MEMBER(ioas_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(ioas_alloc, out_ioas_id, 8, 4);

IOAS_ABI_SIZE(ioas_allow_iovas, 24);
IOAS_ABI_MEMBER(ioas_allow_iovas, size, 0, 4);
IOAS_ABI_MEMBER(ioas_allow_iovas, ioas_id, 4, 4);
IOAS_ABI_MEMBER(ioas_allow_iovas, num_iovas, 8, 4);
IOAS_ABI_MEMBER(ioas_allow_iovas, __reserved, 12, 4);
IOAS_ABI_MEMBER(ioas_allow_iovas, allowed_iovas, 16, 8);

IOAS_ABI_SIZE(ioas_copy, 40);
IOAS_ABI_MEMBER(ioas_copy, size, 0, 4);
IOAS_ABI_MEMBER(ioas_copy, flags, 4, 4);
IOAS_ABI_MEMBER(ioas_copy, dst_ioas_id, 8, 4);
IOAS_ABI_MEMBER(ioas_copy, src_ioas_id, 12, 4);
IOAS_ABI_MEMBER(ioas_copy, length, 16, 8);
IOAS_ABI_MEMBER(ioas_copy, dst_iova, 24, 8);
IOAS_ABI_MEMBER(ioas_copy, src_iova, 32, 8);

IOAS_ABI_SIZE(ioas_iova_ranges, 32);
IOAS_ABI_MEMBER(ioas_iova_ranges, size, 0, 4);
IOAS_ABI_MEMBER(ioas_iova_ranges, ioas_id, 4, 4);
IOAS_ABI_MEMBER(ioas_iova_ranges, num_iovas, 8, 4);
IOAS_ABI_MEMBER(ioas_iova_ranges, __reserved, 12, 4);
IOAS_ABI_MEMBER(ioas_iova_ranges, allowed_iovas, 16, 8);
IOAS_ABI_MEMBER(ioas_iova_ranges, out_iova_alignment, 24, 8);

IOAS_ABI_SIZE(ioas_map, 40);
IOAS_ABI_MEMBER(ioas_map, size, 0, 4);
IOAS_ABI_MEMBER(ioas_map, flags, 4, 4);
IOAS_ABI_MEMBER(ioas_map, ioas_id, 8, 4);
IOAS_ABI_MEMBER(ioas_map, __reserved, 12, 4);
IOAS_ABI_MEMBER(ioas_map, user_va, 16, 8);
IOAS_ABI_MEMBER(ioas_map, length, 24, 8);
IOAS_ABI_MEMBER(ioas_map, iova, 32, 8);

IOAS_ABI_SIZE(ioas_unmap, 24);
IOAS_ABI_MEMBER(ioas_unmap, size, 0, 4);
IOAS_ABI_MEMBER(ioas_unmap, ioas_id, 4, 4);
IOAS_ABI_MEMBER(ioas_unmap, iova, 8, 8);
IOAS_ABI_MEMBER(ioas_unmap, length, 16, 8);

IOAS_ABI_SIZE(option, 24);
IOAS_ABI_MEMBER(option, size, 0, 4);
IOAS_ABI_MEMBER(option, option_id, 4, 4);
IOAS_ABI_MEMBER(option, op, 8, 2);
IOAS_ABI_MEMBER(option, __reserved, 10, 2);
IOAS_ABI_MEMBER(option, object_id, 12, 4);
IOAS_ABI_MEMBER(option, val64, 16, 8);

IOAS_ABI_SIZE(vfio_ioas, 12);
IOAS_ABI_MEMBER(vfio_ioas, size, 0, 4);
IOAS_ABI_MEMBER(vfio_ioas, ioas_id, 4, 4);
IOAS_ABI_MEMBER(vfio_ioas, op, 8, 2);
IOAS_ABI_MEMBER(vfio_ioas, __reserved, 10, 2);

IOAS_ABI_SIZE(hwpt_alloc, 48);
IOAS_ABI_MEMBER(hwpt_alloc, size, 0, 4);
IOAS_ABI_MEMBER(hwpt_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(hwpt_alloc, dev_id, 8, 4);
IOAS_ABI_MEMBER(hwpt_alloc, pt_id, 12, 4);
IOAS_ABI_MEMBER(hwpt_alloc, out_hwpt_id, 16, 4);
IOAS_ABI_MEMBER(hwpt_alloc, __reserved, 20, 4);
IOAS_ABI_MEMBER(hwpt_alloc, data_type, 24, 4);
IOAS_ABI_MEMBER(hwpt_alloc, data_len, 28, 4);
IOAS_ABI_MEMBER(hwpt_alloc, data_uptr, 32, 8);
IOAS_ABI_MEMBER(hwpt_alloc, fault_id, 40, 4);
IOAS_ABI_MEMBER(hwpt_alloc, __reserved2, 44, 4);

IOAS_ABI_SIZE(get_hw_info, 40);
IOAS_ABI_MEMBER(get_hw_info, size, 0, 4);
IOAS_ABI_MEMBER(get_hw_info, flags, 4, 4);
IOAS_ABI_MEMBER(get_hw_info, dev_id, 8, 4);
IOAS_ABI_MEMBER(get_hw_info, data_len, 12, 4);
IOAS_ABI_MEMBER(get_hw_info, data_uptr, 16, 8);
IOAS_ABI_MEMBER(get_hw_info, in_data_type, 24, 4);
IOAS_ABI_MEMBER(get_hw_info, out_data_type, 24, 4);
IOAS_ABI_MEMBER(get_hw_info, out_max_pasid_log2, 28, 1);
IOAS_ABI_MEMBER(get_hw_info, __reserved, 29, 3);
IOAS_ABI_MEMBER(get_hw_info, out_capabilities, 32, 8);

IOAS_ABI_SIZE(hwpt_set_dirty_tracking, 16);
IOAS_ABI_MEMBER(hwpt_set_dirty_tracking, size, 0, 4);
IOAS_ABI_MEMBER(hwpt_set_dirty_tracking, flags, 4, 4);
IOAS_ABI_MEMBER(hwpt_set_dirty_tracking, hwpt_id, 8, 4);
IOAS_ABI_MEMBER(hwpt_set_dirty_tracking, __reserved, 12, 4);

IOAS_ABI_SIZE(hwpt_get_dirty_bitmap, 48);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, size, 0, 4);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, hwpt_id, 4, 4);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, flags, 8, 4);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, __reserved, 12, 4);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, iova, 16, 8);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, length, 24, 8);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, page_size, 32, 8);
IOAS_ABI_MEMBER(hwpt_get_dirty_bitmap, data, 40, 8);

IOAS_ABI_SIZE(hwpt_invalidate, 32);
IOAS_ABI_MEMBER(hwpt_invalidate, size, 0, 4);
IOAS_ABI_MEMBER(hwpt_invalidate, hwpt_id, 4, 4);
IOAS_ABI_MEMBER(hwpt_invalidate, data_uptr, 8, 8);
IOAS_ABI_MEMBER(hwpt_invalidate, data_type, 16, 4);
IOAS_ABI_MEMBER(hwpt_invalidate, entry_len, 20, 4);
IOAS_ABI_MEMBER(hwpt_invalidate, entry_num, 24, 4);
IOAS_ABI_MEMBER(hwpt_invalidate, __reserved, 28, 4);

IOAS_ABI_SIZE(fault_queue_alloc, 16);
IOAS_ABI_MEMBER(fault_queue_alloc, size, 0, 4);
IOAS_ABI_MEMBER(fault_queue_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(fault_queue_alloc, out_fault_id, 8, 4);
IOAS_ABI_MEMBER(fault_queue_alloc, out_fault_fd, 12, 4);

IOAS_ABI_SIZE(ioas_map_file, 40);
IOAS_ABI_MEMBER(ioas_map_file, size, 0, 4);
IOAS_ABI_MEMBER(ioas_map_file, flags, 4, 4);
IOAS_ABI_MEMBER(ioas_map_file, ioas_id, 8, 4);
IOAS_ABI_MEMBER(ioas_map_file, fd, 12, 4);
IOAS_ABI_MEMBER(ioas_map_file, start, 16, 8);
IOAS_ABI_MEMBER(ioas_map_file, length, 24, 8);
IOAS_ABI_MEMBER(ioas_map_file, iova, 32, 8);

IOAS_ABI_SIZE(viommu_alloc, 40);
IOAS_ABI_MEMBER(viommu_alloc, size, 0, 4);
IOAS_ABI_MEMBER(viommu_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(viommu_alloc, type, 8, 4);
IOAS_ABI_MEMBER(viommu_alloc, dev_id, 12, 4);
IOAS_ABI_MEMBER(viommu_alloc, hwpt_id, 16, 4);
IOAS_ABI_MEMBER(viommu_alloc, out_viommu_id, 20, 4);
IOAS_ABI_MEMBER(viommu_alloc, data_len, 24, 4);
IOAS_ABI_MEMBER(viommu_alloc, __reserved, 28, 4);
IOAS_ABI_MEMBER(viommu_alloc, data_uptr, 32, 8);

IOAS_ABI_SIZE(vdevice_alloc, 24);
IOAS_ABI_MEMBER(vdevice_alloc, size, 0, 4);
IOAS_ABI_MEMBER(vdevice_alloc, viommu_id, 4, 4);
IOAS_ABI_MEMBER(vdevice_alloc, dev_id, 8, 4);
IOAS_ABI_MEMBER(vdevice_alloc, out_vdevice_id, 12, 4);
IOAS_ABI_MEMBER(vdevice_alloc, virt_id, 16, 8);

IOAS_ABI_SIZE(ioas_change_process, 8);
IOAS_ABI_MEMBER(ioas_change_process, size, 0, 4);
IOAS_ABI_MEMBER(ioas_change_process, __reserved, 4, 4);

IOAS_ABI_SIZE(veventq_alloc, 32);
IOAS_ABI_MEMBER(veventq_alloc, size, 0, 4);
IOAS_ABI_MEMBER(veventq_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(veventq_alloc, viommu_id, 8, 4);
IOAS_ABI_MEMBER(veventq_alloc, type, 12, 4);
IOAS_ABI_MEMBER(veventq_alloc, veventq_depth, 16, 4);
IOAS_ABI_MEMBER(veventq_alloc, out_veventq_id, 20, 4);
IOAS_ABI_MEMBER(veventq_alloc, out_veventq_fd, 24, 4);
IOAS_ABI_MEMBER(veventq_alloc, __reserved, 28, 4);

IOAS_ABI_SIZE(hw_queue_alloc, 40);
IOAS_ABI_MEMBER(hw_queue_alloc, size, 0, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, flags, 4, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, viommu_id, 8, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, type, 12, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, index, 16, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, out_hw_queue_id, 20, 4);
IOAS_ABI_MEMBER(hw_queue_alloc, nesting_parent_iova, 24, 8);
IOAS_ABI_MEMBER(hw_queue_alloc, length, 32, 8);

IOAS_ABI_SIZE(pgfault, 40);
IOAS_ABI_MEMBER(pgfault, flags, 0, 4);
IOAS_ABI_MEMBER(pgfault, dev_id, 4, 4);
IOAS_ABI_MEMBER(pgfault, pasid, 8, 4);
IOAS_ABI_MEMBER(pgfault, grpid, 12, 4);
IOAS_ABI_MEMBER(pgfault, perm, 16, 4);
IOAS_ABI_MEMBER(pgfault, __reserved, 20, 4);
IOAS_ABI_MEMBER(pgfault, addr, 24, 8);
IOAS_ABI_MEMBER(pgfault, length, 32, 4);
IOAS_ABI_MEMBER(pgfault, cookie, 36, 4);

IOAS_ABI_SIZE(vfio_iommu_get_info, 24);
IOAS_ABI_MEMBER(vfio_iommu_get_info, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_iommu_get_info, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_iommu_get_info, iova_pgsizes, 8, 8);
IOAS_ABI_MEMBER(vfio_iommu_get_info, cap_offset, 16, 4);
IOAS_ABI_MEMBER(vfio_iommu_get_info, pad, 20, 4);

IOAS_ABI_SIZE(vfio_iommu_map_dma, 32);
IOAS_ABI_MEMBER(vfio_iommu_map_dma, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_iommu_map_dma, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_iommu_map_dma, vaddr, 8, 8);
IOAS_ABI_MEMBER(vfio_iommu_map_dma, iova, 16, 8);
IOAS_ABI_MEMBER(vfio_iommu_map_dma, size, 24, 8);

IOAS_ABI_SIZE(vfio_iommu_unmap_dma, 24);
IOAS_ABI_MEMBER(vfio_iommu_unmap_dma, argsz, 0, 4);
IOAS_ABI_MEMBER(vfio_iommu_unmap_dma, flags, 4, 4);
IOAS_ABI_MEMBER(vfio_iommu_unmap_dma, iova, 8, 8);
IOAS_ABI_MEMBER(vfio_iommu_unmap_dma, size, 16, 8);

IOAS_ABI_SIZE(test_cmd, 72);
IOAS_ABI_MEMBER(test_cmd, size, 0, 4);
IOAS_ABI_MEMBER(test_cmd, op, 4, 4);
IOAS_ABI_MEMBER(test_cmd, id, 8, 4);
IOAS_ABI_MEMBER(test_cmd, __reserved, 12, 4);
IOAS_ABI_MEMBER(test_cmd, last, 64, 4);
IOAS_ABI_MEMBER(test_cmd, padding, 68, 4);

IOAS_ABI_SIZE(iova_range, 16);
IOAS_ABI_MEMBER(iova_range, start, 0, 8);
IOAS_ABI_MEMBER(iova_range, last, 8, 8);

IOAS_ABI_SIZE(page_response, 8);
IOAS_ABI_MEMBER(page_response, cookie, 0, 4);
IOAS_ABI_MEMBER(page_response, code, 4, 4);

IOAS_ABI_SIZE(vevent_header, 8);
IOAS_ABI_MEMBER(vevent_header, flags, 0, 4);
IOAS_ABI_MEMBER(vevent_header, sequence, 4, 4);

IOAS_ABI_SIZE(vfio_info_cap_header, 8);
IOAS_ABI_MEMBER(vfio_info_cap_header, id, 0, 2);
IOAS_ABI_MEMBER(vfio_info_cap_header, version, 2, 2);
IOAS_ABI_MEMBER(vfio_info_cap_header, next, 4, 4);

IOAS_ABI_SIZE(vfio_info_cap_dma_avail, 12);
IOAS_ABI_MEMBER(vfio_info_cap_dma_avail, header, 0, 8);
IOAS_ABI_MEMBER(vfio_info_cap_dma_avail, avail, 8, 4);

IOAS_ABI_SIZE(vfio_info_cap_iova_range, 16);
IOAS_ABI_MEMBER(vfio_info_cap_iova_range, header, 0, 8);
IOAS_ABI_MEMBER(vfio_info_cap_iova_range, nr_iovas, 8, 4);
IOAS_ABI_MEMBER(vfio_info_cap_iova_range, reserved, 12, 4);

IOAS_ABI_SIZE(vfio_iova_range, 16);
IOAS_ABI_MEMBER(vfio_iova_range, start, 0, 8);
IOAS_ABI_MEMBER(vfio_iova_range, end, 8, 8);

IOAS_ABI_SIZE(viommu_data_tegra241_cmdqv, 16);
IOAS_ABI_MEMBER(viommu_data_tegra241_cmdqv, mmap_offset, 0, 8);
IOAS_ABI_MEMBER(viommu_data_tegra241_cmdqv, mmap_length, 8, 8);

IOAS_ABI_SIZE(vevent_arm_smmuv3, 32);
IOAS_ABI_MEMBER(vevent_arm_smmuv3, evt, 0, 32);

IOAS_ABI_SIZE(vevent_tegra241_cmdqv, 16);
IOAS_ABI_MEMBER(vevent_tegra241_cmdqv, error_map, 0, 16);

IOAS_ABI_SIZE(hw_info_selftest, 8);
IOAS_ABI_MEMBER(hw_info_selftest, flags, 0, 4);
IOAS_ABI_MEMBER(hw_info_selftest, test_reg, 4, 4);

IOAS_ABI_SIZE(hwpt_data_selftest, 8);
IOAS_ABI_MEMBER(hwpt_data_selftest, iotlb, 0, 4);
IOAS_ABI_MEMBER(hwpt_data_selftest, pagetable_type, 4, 4);

IOAS_ABI_SIZE(hwpt_invalidate_selftest, 8);
IOAS_ABI_MEMBER(hwpt_invalidate_selftest, flags, 0, 4);
IOAS_ABI_MEMBER(hwpt_invalidate_selftest, iotlb_id, 4, 4);

IOAS_ABI_SIZE(viommu_invalidate_selftest, 12);
IOAS_ABI_MEMBER(viommu_invalidate_selftest, flags, 0, 4);
IOAS_ABI_MEMBER(viommu_invalidate_selftest, vdev_id, 4, 4);
IOAS_ABI_MEMBER(viommu_invalidate_selftest, cache_id, 8, 4);

IOAS_ABI_SIZE(viommu_data_selftest, 24);
IOAS_ABI_MEMBER(viommu_data_selftest, in_data, 0, 4);
IOAS_ABI_MEMBER(viommu_data_selftest, out_data, 4, 4);
IOAS_ABI_MEMBER(viommu_data_selftest, out_mmap_offset, 8, 8);
IOAS_ABI_MEMBER(viommu_data_selftest, out_mmap_length, 16, 8);

IOAS_ABI_SIZE(vevent_selftest, 4);
IOAS_ABI_MEMBER(vevent_selftest, virt_id, 0, 4);

IOAS_ABI_SIZE(hw_info_intel_vtd, 24);
IOAS_ABI_MEMBER(hw_info_intel_vtd, flags, 0, 4);
IOAS_ABI_MEMBER(hw_info_intel_vtd, reserved, 4, 4);
IOAS_ABI_MEMBER(hw_info_intel_vtd, cap_reg, 8, 8);
IOAS_ABI_MEMBER(hw_info_intel_vtd, ecap_reg, 16, 8);

IOAS_ABI_SIZE(hw_info_arm_smmuv3, 40);
IOAS_ABI_MEMBER(hw_info_arm_smmuv3, flags, 0, 4);
IOAS_ABI_MEMBER(hw_info_arm_smmuv3, reserved, 4, 4);
IOAS_ABI_MEMBER(hw_info_arm_smmuv3, idr, 8, 24);
IOAS_ABI_MEMBER(hw_info_arm_smmuv3, iidr, 32, 4);
IOAS_ABI_MEMBER(hw_info_arm_smmuv3, aidr, 36, 4);

IOAS_ABI_SIZE(hw_info_tegra241_cmdqv, 8);
IOAS_ABI_MEMBER(hw_info_tegra241_cmdqv, flags, 0, 4);
IOAS_ABI_MEMBER(hw_info_tegra241_cmdqv, version, 4, 1);
IOAS_ABI_MEMBER(hw_info_tegra241_cmdqv, log2vcmdqs, 5, 1);
IOAS_ABI_MEMBER(hw_info_tegra241_cmdqv, log2vsids, 6, 1);
IOAS_ABI_MEMBER(hw_info_tegra241_cmdqv, reserved, 7, 1);

IOAS_ABI_SIZE(hw_info_amd, 16);
IOAS_ABI_MEMBER(hw_info_amd, efr, 0, 8);
IOAS_ABI_MEMBER(hw_info_amd, efr2, 8, 8);

IOAS_ABI_SIZE(hwpt_data_vtd_s1, 24);
IOAS_ABI_MEMBER(hwpt_data_vtd_s1, flags, 0, 8);
IOAS_ABI_MEMBER(hwpt_data_vtd_s1, pgtbl_addr, 8, 8);
IOAS_ABI_MEMBER(hwpt_data_vtd_s1, addr_width, 16, 4);
IOAS_ABI_MEMBER(hwpt_data_vtd_s1, reserved, 20, 4);

IOAS_ABI_SIZE(hwpt_data_arm_smmuv3, 16);
IOAS_ABI_MEMBER(hwpt_data_arm_smmuv3, ste, 0, 16);

IOAS_ABI_SIZE(hwpt_data_amd_guest, 32);
IOAS_ABI_MEMBER(hwpt_data_amd_guest, dte, 0, 32);

IOAS_ABI_SIZE(hwpt_invalidate_vtd_s1, 24);
IOAS_ABI_MEMBER(hwpt_invalidate_vtd_s1, addr, 0, 8);
IOAS_ABI_MEMBER(hwpt_invalidate_vtd_s1, npages, 8, 8);
IOAS_ABI_MEMBER(hwpt_invalidate_vtd_s1, flags, 16, 4);
IOAS_ABI_MEMBER(hwpt_invalidate_vtd_s1, reserved, 20, 4);

IOAS_ABI_SIZE(viommu_invalidate_arm_smmuv3, 16);
IOAS_ABI_MEMBER(viommu_invalidate_arm_smmuv3, cmd, 0, 16);

IOAS_ABI_SIZE(test_add_reserved, 16);
IOAS_ABI_MEMBER(test_add_reserved, start, 0, 8);
IOAS_ABI_MEMBER(test_add_reserved, length, 8, 8);

IOAS_ABI_SIZE(test_mock_domain, 12);
IOAS_ABI_MEMBER(test_mock_domain, out_stdev_id, 0, 4);
IOAS_ABI_MEMBER(test_mock_domain, out_hwpt_id, 4, 4);
IOAS_ABI_MEMBER(test_mock_domain, out_idev_id, 8, 4);

IOAS_ABI_SIZE(test_md_check_map, 24);
IOAS_ABI_MEMBER(test_md_check_map, iova, 0, 8);
IOAS_ABI_MEMBER(test_md_check_map, length, 8, 8);
IOAS_ABI_MEMBER(test_md_check_map, uptr, 16, 8);

IOAS_ABI_SIZE(test_md_check_refs, 24);
IOAS_ABI_MEMBER(test_md_check_refs, length, 0, 8);
IOAS_ABI_MEMBER(test_md_check_refs, uptr, 8, 8);
IOAS_ABI_MEMBER(test_md_check_refs, refs, 16, 4);
IOAS_ABI_MEMBER(test_md_check_refs, pad, 20, 4);

IOAS_ABI_SIZE(test_create_access, 8);
IOAS_ABI_MEMBER(test_create_access, out_access_fd, 0, 4);
IOAS_ABI_MEMBER(test_create_access, flags, 4, 4);

IOAS_ABI_SIZE(test_destroy_access_pages, 4);
IOAS_ABI_MEMBER(test_destroy_access_pages, access_pages_id, 0, 4);

IOAS_ABI_SIZE(test_access_pages, 32);
IOAS_ABI_MEMBER(test_access_pages, flags, 0, 4);
IOAS_ABI_MEMBER(test_access_pages, out_access_pages_id, 4, 4);
IOAS_ABI_MEMBER(test_access_pages, iova, 8, 8);
IOAS_ABI_MEMBER(test_access_pages, length, 16, 8);
IOAS_ABI_MEMBER(test_access_pages, uptr, 24, 8);

IOAS_ABI_SIZE(test_access_rw, 32);
IOAS_ABI_MEMBER(test_access_rw, iova, 0, 8);
IOAS_ABI_MEMBER(test_access_rw, length, 8, 8);
IOAS_ABI_MEMBER(test_access_rw, uptr, 16, 8);
IOAS_ABI_MEMBER(test_access_rw, flags, 24, 4);
IOAS_ABI_MEMBER(test_access_rw, pad, 28, 4);

IOAS_ABI_SIZE(test_set_temp_memory_limit, 4);
IOAS_ABI_MEMBER(test_set_temp_memory_limit, limit, 0, 4);

IOAS_ABI_SIZE(test_mock_domain_replace, 4);
IOAS_ABI_MEMBER(test_mock_domain_replace, pt_id, 0, 4);

IOAS_ABI_SIZE(test_access_replace_ioas, 4);
IOAS_ABI_MEMBER(test_access_replace_ioas, ioas_id, 0, 4);

IOAS_ABI_SIZE(test_mock_domain_flags, 16);
IOAS_ABI_MEMBER(test_mock_domain_flags, out_stdev_id, 0, 4);
IOAS_ABI_MEMBER(test_mock_domain_flags, out_hwpt_id, 4, 4);
IOAS_ABI_MEMBER(test_mock_domain_flags, out_idev_id, 8, 4);
IOAS_ABI_MEMBER(test_mock_domain_flags, dev_flags, 12, 4);

IOAS_ABI_SIZE(test_dirty, 48);
IOAS_ABI_MEMBER(test_dirty, flags, 0, 4);
IOAS_ABI_MEMBER(test_dirty, pad, 4, 4);
IOAS_ABI_MEMBER(test_dirty, iova, 8, 8);
IOAS_ABI_MEMBER(test_dirty, length, 16, 8);
IOAS_ABI_MEMBER(test_dirty, page_size, 24, 8);
IOAS_ABI_MEMBER(test_dirty, uptr, 32, 8);
IOAS_ABI_MEMBER(test_dirty, out_nr_dirty, 40, 8);

IOAS_ABI_SIZE(test_md_check_iotlb, 8);
IOAS_ABI_MEMBER(test_md_check_iotlb, id, 0, 4);
IOAS_ABI_MEMBER(test_md_check_iotlb, iotlb, 4, 4);

IOAS_ABI_SIZE(test_trigger_iopf, 24);
IOAS_ABI_MEMBER(test_trigger_iopf, dev_id, 0, 4);
IOAS_ABI_MEMBER(test_trigger_iopf, pasid, 4, 4);
IOAS_ABI_MEMBER(test_trigger_iopf, grpid, 8, 4);
IOAS_ABI_MEMBER(test_trigger_iopf, perm, 12, 4);
IOAS_ABI_MEMBER(test_trigger_iopf, addr, 16, 8);

IOAS_ABI_SIZE(test_dev_check_cache, 8);
IOAS_ABI_MEMBER(test_dev_check_cache, id, 0, 4);
IOAS_ABI_MEMBER(test_dev_check_cache, cache, 4, 4);

IOAS_ABI_SIZE(test_trigger_vevent, 4);
IOAS_ABI_MEMBER(test_trigger_vevent, dev_id, 0, 4);

IOAS_ABI_SIZE(test_pasid_attach, 8);
IOAS_ABI_MEMBER(test_pasid_attach, pasid, 0, 4);
IOAS_ABI_MEMBER(test_pasid_attach, pt_id, 4, 4);

IOAS_ABI_SIZE(test_pasid_replace, 8);
IOAS_ABI_MEMBER(test_pasid_replace, pasid, 0, 4);
IOAS_ABI_MEMBER(test_pasid_replace, pt_id, 4, 4);

IOAS_ABI_SIZE(test_pasid_detach, 4);
IOAS_ABI_MEMBER(test_pasid_detach, pasid, 0, 4);

IOAS_ABI_SIZE(test_pasid_check_hwpt, 8);
IOAS_ABI_MEMBER(test_pasid_check_hwpt, pasid, 0, 4);
IOAS_ABI_MEMBER(test_pasid_check_hwpt, hwpt_id, 4, 4);

IOAS_ABI_SIZE(test_dmabuf_get, 8);
IOAS_ABI_MEMBER(test_dmabuf_get, length, 0, 4);
IOAS_ABI_MEMBER(test_dmabuf_get, open_flags, 4, 4);

IOAS_ABI_SIZE(test_dmabuf_revoke, 8);
IOAS_ABI_MEMBER(test_dmabuf_revoke, dmabuf_fd, 0, 4);
IOAS_ABI_MEMBER(test_dmabuf_revoke, revoked, 4, 4);

IOAS_ABI_OPERATION(add_reserved, 16, 48);
IOAS_ABI_OPERATION(mock_domain, 16, 48);
IOAS_ABI_OPERATION(md_check_map, 16, 48);
IOAS_ABI_OPERATION(md_check_refs, 16, 48);
IOAS_ABI_OPERATION(create_access, 16, 48);
IOAS_ABI_OPERATION(destroy_access_pages, 16, 48);
IOAS_ABI_OPERATION(access_pages, 16, 48);
IOAS_ABI_OPERATION(access_rw, 16, 48);
IOAS_ABI_OPERATION(set_temp_memory_limit, 16, 48);
IOAS_ABI_OPERATION(mock_domain_replace, 16, 48);
IOAS_ABI_OPERATION(access_replace_ioas, 16, 48);
IOAS_ABI_OPERATION(mock_domain_flags, 16, 48);
IOAS_ABI_OPERATION(dirty, 16, 48);
IOAS_ABI_OPERATION(md_check_iotlb, 16, 48);
IOAS_ABI_OPERATION(trigger_iopf, 16, 48);
IOAS_ABI_OPERATION(dev_check_cache, 16, 48);
IOAS_ABI_OPERATION(trigger_vevent, 16, 48);
IOAS_ABI_OPERATION(pasid_attach, 16, 48);
IOAS_ABI_OPERATION(pasid_replace, 16, 48);
IOAS_ABI_OPERATION(pasid_detach, 16, 48);
IOAS_ABI_OPERATION(pasid_check_hwpt, 16, 48);
IOAS_ABI_OPERATION(dmabuf_get, 16, 48);
IOAS_ABI_OPERATION(dmabuf_revoke, 16, 48);

#undef IOAS_ABI_OPERATION
#undef IOAS_ABI_MEMBER
#undef IOAS_ABI_SIZE
#undef IOAS_ABI_ALIGN
#undef IOAS_ABI_ASSERT

#endif
