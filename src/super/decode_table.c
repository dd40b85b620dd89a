/* SPDX-License-Identifier: MIT */
/*
 * decode_table: what is known of each request
 *
 * In the order of the reference (docs/reference/iommufd-uapi.md 3.1 and 11,
 * iommufd-test-abi.md 8), under the names that the system's headers have.
 */
#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "super/decode.h"
#include "super/decode_impl.h"

enum {
	IN = DECODE_IN,
	OUT = DECODE_OUT,
	BOTH = DECODE_IN | DECODE_OUT,
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words -------------------------------------------------------------- */

#define WORD(name) { IOAS_ABI_##name, "IOMMU_" #name }
/* The system has no prefix there, either. */
#define BARE(name) { IOAS_ABI_##name, #name }

static const struct decode_word map_flags[] = {
	WORD(IOAS_MAP_FIXED_IOVA),
	WORD(IOAS_MAP_WRITEABLE),
	WORD(IOAS_MAP_READABLE),
};

static const struct decode_word option_ids[] = {
	WORD(OPTION_RLIMIT_MODE),
	WORD(OPTION_HUGE_PAGES),
};

static const struct decode_word option_ops[] = {
	WORD(OPTION_OP_SET),
	WORD(OPTION_OP_GET),
};

static const struct decode_word vfio_ioas_ops[] = {
	WORD(VFIO_IOAS_GET),
	WORD(VFIO_IOAS_SET),
	WORD(VFIO_IOAS_CLEAR),
};

static const struct decode_word hwpt_flags[] = {
	WORD(HWPT_ALLOC_NEST_PARENT),
	WORD(HWPT_ALLOC_DIRTY_TRACKING),
	WORD(HWPT_FAULT_ID_VALID),
	WORD(HWPT_ALLOC_PASID),
};

static const struct decode_word hwpt_data[] = {
	WORD(HWPT_DATA_NONE),
	WORD(HWPT_DATA_VTD_S1),
	WORD(HWPT_DATA_ARM_SMMUV3),
	WORD(HWPT_DATA_AMD_GUEST),
	WORD(HWPT_DATA_SELFTEST),
};

static const struct decode_word hw_info_flags[] = {
	WORD(HW_INFO_FLAG_INPUT_TYPE),
};

static const struct decode_word hw_info_types[] = {
	WORD(HW_INFO_TYPE_NONE),
	WORD(HW_INFO_TYPE_INTEL_VTD),
	WORD(HW_INFO_TYPE_ARM_SMMUV3),
	WORD(HW_INFO_TYPE_TEGRA241_CMDQV),
	WORD(HW_INFO_TYPE_AMD),
	WORD(HW_INFO_TYPE_SELFTEST),
};

static const struct decode_word hw_capabilities[] = {
	WORD(HW_CAP_DIRTY_TRACKING),
	WORD(HW_CAP_PCI_PASID_EXEC),
	WORD(HW_CAP_PCI_PASID_PRIV),
	WORD(HW_CAP_PCI_ATS_NOT_SUPPORTED),
};

static const struct decode_word tracking_flags[] = {
	WORD(HWPT_DIRTY_TRACKING_ENABLE),
};

static const struct decode_word bitmap_flags[] = {
	WORD(HWPT_GET_DIRTY_BITMAP_NO_CLEAR),
};

/* Of a nested HWPT and of a VIOMMU; the mock's two are one number. */
static const struct decode_word invalidate_data[] = {
	WORD(HWPT_INVALIDATE_DATA_VTD_S1),
	WORD(VIOMMU_INVALIDATE_DATA_ARM_SMMUV3),
	WORD(HWPT_INVALIDATE_DATA_SELFTEST),
};

static const struct decode_word viommu_types[] = {
	WORD(VIOMMU_TYPE_DEFAULT),
	WORD(VIOMMU_TYPE_ARM_SMMUV3),
	WORD(VIOMMU_TYPE_TEGRA241_CMDQV),
	WORD(VIOMMU_TYPE_SELFTEST),
};

static const struct decode_word veventq_types[] = {
	WORD(VEVENTQ_TYPE_ARM_SMMUV3),
	WORD(VEVENTQ_TYPE_TEGRA241_CMDQV),
	WORD(VEVENTQ_TYPE_SELFTEST),
};

static const struct decode_word hw_queue_types[] = {
	WORD(HW_QUEUE_TYPE_TEGRA241_CMDQV),
	WORD(HW_QUEUE_TYPE_SELFTEST),
};

static const struct decode_word extensions[] = {
	BARE(VFIO_TYPE1_IOMMU),
	BARE(VFIO_TYPE1v2_IOMMU),
	BARE(VFIO_DMA_CC_IOMMU),
	BARE(VFIO_TYPE1_NESTING_IOMMU),
	BARE(VFIO_NOIOMMU_IOMMU),
	BARE(VFIO_UNMAP_ALL),
	BARE(VFIO_UPDATE_VADDR),
};

static const struct decode_word info_flags[] = {
	BARE(VFIO_IOMMU_INFO_PGSIZES),
	BARE(VFIO_IOMMU_INFO_CAPS),
};

static const struct decode_word dma_map_flags[] = {
	BARE(VFIO_DMA_MAP_FLAG_READ),
	BARE(VFIO_DMA_MAP_FLAG_WRITE),
	BARE(VFIO_DMA_MAP_FLAG_VADDR),
};

static const struct decode_word dma_unmap_flags[] = {
	BARE(VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP),
	BARE(VFIO_DMA_UNMAP_FLAG_ALL),
	BARE(VFIO_DMA_UNMAP_FLAG_VADDR),
};

static const struct decode_word device_flags[] = {
	BARE(MOCK_FLAGS_DEVICE_NO_DIRTY),
	BARE(MOCK_FLAGS_DEVICE_PASID),
};

static const struct decode_word create_access_flags[] = {
	BARE(MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES),
};

static const struct decode_word access_flags[] = {
	BARE(MOCK_FLAGS_ACCESS_WRITE),
	BARE(MOCK_FLAGS_ACCESS_SYZ),
};

static const struct decode_word rw_flags[] = {
	BARE(MOCK_ACCESS_RW_WRITE),
	BARE(MOCK_ACCESS_RW_SLOW_PATH),
	BARE(MOCK_FLAGS_ACCESS_SYZ),
};

static const struct decode_word fault_permissions[] = {
	WORD(PGFAULT_PERM_READ),
	WORD(PGFAULT_PERM_WRITE),
	WORD(PGFAULT_PERM_EXEC),
	WORD(PGFAULT_PERM_PRIV),
};

/* ---- fields of the commands --------------------------------------------- */

#define PLACE(s, member) \
	offsetof(struct ioas_abi_##s, member), \
	sizeof(((struct ioas_abi_##s *)0)->member)
#define CALLED(s, member, as, k, d) { as, PLACE(s, member), DECODE_##k, d, 0, NULL }
#define FIELD(s, member, k, d) CALLED(s, member, #member, k, d)
#define WORDS(s, member, k, d, words) \
	{ #member, PLACE(s, member), DECODE_##k, d, NR(words), words }
#define SIZE(s) FIELD(s, size, SIZE, IN)

static const struct decode_field destroy_fields[] = {
	SIZE(destroy),
	FIELD(destroy, id, NUMBER, IN),
};

static const struct decode_field ioas_alloc_fields[] = {
	SIZE(ioas_alloc),
	FIELD(ioas_alloc, flags, FLAGS, IN),
	FIELD(ioas_alloc, out_ioas_id, NUMBER, OUT),
};

static const struct decode_field allow_fields[] = {
	SIZE(ioas_allow_iovas),
	FIELD(ioas_allow_iovas, ioas_id, NUMBER, IN),
	FIELD(ioas_allow_iovas, num_iovas, NUMBER, IN),
	FIELD(ioas_allow_iovas, __reserved, RESERVED, IN),
	FIELD(ioas_allow_iovas, allowed_iovas, HEX, IN),
};

static const struct decode_field copy_fields[] = {
	SIZE(ioas_copy),
	WORDS(ioas_copy, flags, FLAGS, IN, map_flags),
	FIELD(ioas_copy, dst_ioas_id, NUMBER, IN),
	FIELD(ioas_copy, src_ioas_id, NUMBER, IN),
	FIELD(ioas_copy, length, NUMBER, IN),
	FIELD(ioas_copy, dst_iova, HEX, BOTH),
	FIELD(ioas_copy, src_iova, HEX, IN),
};

static const struct decode_field iova_ranges_fields[] = {
	SIZE(ioas_iova_ranges),
	FIELD(ioas_iova_ranges, ioas_id, NUMBER, IN),
	FIELD(ioas_iova_ranges, num_iovas, NUMBER, BOTH),
	FIELD(ioas_iova_ranges, __reserved, RESERVED, IN),
	FIELD(ioas_iova_ranges, allowed_iovas, HEX, IN),
	FIELD(ioas_iova_ranges, out_iova_alignment, NUMBER, OUT),
};

static const struct decode_field map_fields[] = {
	SIZE(ioas_map),
	WORDS(ioas_map, flags, FLAGS, IN, map_flags),
	FIELD(ioas_map, ioas_id, NUMBER, IN),
	FIELD(ioas_map, __reserved, RESERVED, IN),
	FIELD(ioas_map, user_va, HEX, IN),
	FIELD(ioas_map, length, NUMBER, IN),
	FIELD(ioas_map, iova, HEX, BOTH),
};

static const struct decode_field unmap_fields[] = {
	SIZE(ioas_unmap),
	FIELD(ioas_unmap, ioas_id, NUMBER, IN),
	FIELD(ioas_unmap, iova, HEX, IN),
	FIELD(ioas_unmap, length, NUMBER, BOTH),
};

static const struct decode_field option_fields[] = {
	SIZE(option),
	WORDS(option, option_id, ENUM, IN, option_ids),
	WORDS(option, op, ENUM, IN, option_ops),
	FIELD(option, __reserved, RESERVED, IN),
	FIELD(option, object_id, NUMBER, IN),
	FIELD(option, val64, NUMBER, BOTH),
};

static const struct decode_field vfio_ioas_fields[] = {
	SIZE(vfio_ioas),
	FIELD(vfio_ioas, ioas_id, NUMBER, BOTH),
	WORDS(vfio_ioas, op, ENUM, IN, vfio_ioas_ops),
	FIELD(vfio_ioas, __reserved, RESERVED, IN),
};

static const struct decode_field hwpt_alloc_fields[] = {
	SIZE(hwpt_alloc),
	WORDS(hwpt_alloc, flags, FLAGS, IN, hwpt_flags),
	FIELD(hwpt_alloc, dev_id, NUMBER, IN),
	FIELD(hwpt_alloc, pt_id, NUMBER, IN),
	FIELD(hwpt_alloc, out_hwpt_id, NUMBER, OUT),
	FIELD(hwpt_alloc, __reserved, RESERVED, IN),
	WORDS(hwpt_alloc, data_type, ENUM, IN, hwpt_data),
	FIELD(hwpt_alloc, data_len, NUMBER, IN),
	FIELD(hwpt_alloc, data_uptr, HEX, IN),
	FIELD(hwpt_alloc, fault_id, NUMBER, IN),
	FIELD(hwpt_alloc, __reserved2, RESERVED, IN),
};

static const struct decode_field hw_info_fields[] = {
	SIZE(get_hw_info),
	WORDS(get_hw_info, flags, FLAGS, IN, hw_info_flags),
	FIELD(get_hw_info, dev_id, NUMBER, IN),
	FIELD(get_hw_info, data_len, NUMBER, BOTH),
	FIELD(get_hw_info, data_uptr, HEX, IN),
	WORDS(get_hw_info, in_data_type, ENUM, IN, hw_info_types),
	WORDS(get_hw_info, out_data_type, ENUM, OUT, hw_info_types),
	FIELD(get_hw_info, out_max_pasid_log2, NUMBER, OUT),
	WORDS(get_hw_info, out_capabilities, FLAGS, OUT, hw_capabilities),
};

static const struct decode_field tracking_fields[] = {
	SIZE(hwpt_set_dirty_tracking),
	WORDS(hwpt_set_dirty_tracking, flags, FLAGS, IN, tracking_flags),
	FIELD(hwpt_set_dirty_tracking, hwpt_id, NUMBER, IN),
	FIELD(hwpt_set_dirty_tracking, __reserved, RESERVED, IN),
};

static const struct decode_field bitmap_fields[] = {
	SIZE(hwpt_get_dirty_bitmap),
	FIELD(hwpt_get_dirty_bitmap, hwpt_id, NUMBER, IN),
	WORDS(hwpt_get_dirty_bitmap, flags, FLAGS, IN, bitmap_flags),
	FIELD(hwpt_get_dirty_bitmap, __reserved, RESERVED, IN),
	FIELD(hwpt_get_dirty_bitmap, iova, HEX, IN),
	FIELD(hwpt_get_dirty_bitmap, length, NUMBER, IN),
	FIELD(hwpt_get_dirty_bitmap, page_size, NUMBER, IN),
	FIELD(hwpt_get_dirty_bitmap, data, HEX, IN),
};

static const struct decode_field invalidate_fields[] = {
	SIZE(hwpt_invalidate),
	FIELD(hwpt_invalidate, hwpt_id, NUMBER, IN),
	FIELD(hwpt_invalidate, data_uptr, HEX, IN),
	WORDS(hwpt_invalidate, data_type, ENUM, IN, invalidate_data),
	FIELD(hwpt_invalidate, entry_len, NUMBER, IN),
	FIELD(hwpt_invalidate, entry_num, NUMBER, BOTH),
	FIELD(hwpt_invalidate, __reserved, RESERVED, IN),
};

static const struct decode_field fault_queue_fields[] = {
	SIZE(fault_queue_alloc),
	FIELD(fault_queue_alloc, flags, FLAGS, IN),
	FIELD(fault_queue_alloc, out_fault_id, NUMBER, OUT),
	FIELD(fault_queue_alloc, out_fault_fd, FD, OUT),
};

static const struct decode_field map_file_fields[] = {
	SIZE(ioas_map_file),
	WORDS(ioas_map_file, flags, FLAGS, IN, map_flags),
	FIELD(ioas_map_file, ioas_id, NUMBER, IN),
	FIELD(ioas_map_file, fd, FD, IN),
	FIELD(ioas_map_file, start, HEX, IN),
	FIELD(ioas_map_file, length, NUMBER, IN),
	FIELD(ioas_map_file, iova, HEX, BOTH),
};

static const struct decode_field viommu_fields[] = {
	SIZE(viommu_alloc),
	FIELD(viommu_alloc, flags, FLAGS, IN),
	WORDS(viommu_alloc, type, ENUM, IN, viommu_types),
	FIELD(viommu_alloc, dev_id, NUMBER, IN),
	FIELD(viommu_alloc, hwpt_id, NUMBER, IN),
	FIELD(viommu_alloc, out_viommu_id, NUMBER, OUT),
	FIELD(viommu_alloc, data_len, NUMBER, IN),
	FIELD(viommu_alloc, __reserved, RESERVED, IN),
	FIELD(viommu_alloc, data_uptr, HEX, IN),
};

static const struct decode_field vdevice_fields[] = {
	SIZE(vdevice_alloc),
	FIELD(vdevice_alloc, viommu_id, NUMBER, IN),
	FIELD(vdevice_alloc, dev_id, NUMBER, IN),
	FIELD(vdevice_alloc, out_vdevice_id, NUMBER, OUT),
	FIELD(vdevice_alloc, virt_id, HEX, IN),
};

static const struct decode_field change_process_fields[] = {
	SIZE(ioas_change_process),
	FIELD(ioas_change_process, __reserved, RESERVED, IN),
};

static const struct decode_field veventq_fields[] = {
	SIZE(veventq_alloc),
	FIELD(veventq_alloc, flags, FLAGS, IN),
	FIELD(veventq_alloc, viommu_id, NUMBER, IN),
	WORDS(veventq_alloc, type, ENUM, IN, veventq_types),
	FIELD(veventq_alloc, veventq_depth, NUMBER, IN),
	FIELD(veventq_alloc, out_veventq_id, NUMBER, OUT),
	FIELD(veventq_alloc, out_veventq_fd, FD, OUT),
	FIELD(veventq_alloc, __reserved, RESERVED, IN),
};

static const struct decode_field hw_queue_fields[] = {
	SIZE(hw_queue_alloc),
	FIELD(hw_queue_alloc, flags, FLAGS, IN),
	FIELD(hw_queue_alloc, viommu_id, NUMBER, IN),
	WORDS(hw_queue_alloc, type, ENUM, IN, hw_queue_types),
	FIELD(hw_queue_alloc, index, NUMBER, IN),
	FIELD(hw_queue_alloc, out_hw_queue_id, NUMBER, OUT),
	FIELD(hw_queue_alloc, nesting_parent_iova, HEX, IN),
	FIELD(hw_queue_alloc, length, NUMBER, IN),
};

/* Of every operation; its own fields follow in the object. */
static const struct decode_field test_fields[] = {
	SIZE(test_cmd),
	FIELD(test_cmd, id, NUMBER, IN),
};

/* The argument itself. */
static const struct decode_field extension_fields[] = {
	{ "extension", 0, 8, DECODE_ENUM, IN, NR(extensions), extensions },
};

static const struct decode_field set_iommu_fields[] = {
	{ "type", 0, 8, DECODE_ENUM, IN, NR(extensions), extensions },
};

static const struct decode_field get_info_fields[] = {
	FIELD(vfio_iommu_get_info, argsz, NUMBER, BOTH),
	WORDS(vfio_iommu_get_info, flags, FLAGS, OUT, info_flags),
	FIELD(vfio_iommu_get_info, iova_pgsizes, HEX, OUT),
	FIELD(vfio_iommu_get_info, cap_offset, NUMBER, OUT),
};

static const struct decode_field map_dma_fields[] = {
	FIELD(vfio_iommu_map_dma, argsz, NUMBER, IN),
	WORDS(vfio_iommu_map_dma, flags, FLAGS, IN, dma_map_flags),
	FIELD(vfio_iommu_map_dma, vaddr, HEX, IN),
	FIELD(vfio_iommu_map_dma, iova, HEX, IN),
	FIELD(vfio_iommu_map_dma, size, NUMBER, IN),
};

static const struct decode_field unmap_dma_fields[] = {
	FIELD(vfio_iommu_unmap_dma, argsz, NUMBER, IN),
	WORDS(vfio_iommu_unmap_dma, flags, FLAGS, IN, dma_unmap_flags),
	FIELD(vfio_iommu_unmap_dma, iova, HEX, IN),
	FIELD(vfio_iommu_unmap_dma, size, NUMBER, BOTH),
};

#define COMMAND(name, s, always, fields)                              \
	{ IOAS_ABI_##name, "IOMMU_" #name, sizeof(struct ioas_abi_##s), \
	  always, NR(fields), fields, IOAS_REQUEST_TOLD }
#define CONTAINER(name, size, always, fields) \
	{ IOAS_ABI_##name, #name, size, always, NR(fields), fields, \
	  IOAS_REQUEST_TOLD }
#define NO_FIELDS(name) \
	{ IOAS_ABI_##name, #name, 0, false, 0, NULL, IOAS_REQUEST_TOLD }

const struct decode_command ioas_decode_commands[] = {
	COMMAND(DESTROY, destroy, false, destroy_fields),
	COMMAND(IOAS_ALLOC, ioas_alloc, false, ioas_alloc_fields),
	COMMAND(IOAS_ALLOW_IOVAS, ioas_allow_iovas, false, allow_fields),
	COMMAND(IOAS_COPY, ioas_copy, false, copy_fields),
	COMMAND(IOAS_IOVA_RANGES, ioas_iova_ranges, false, iova_ranges_fields),
	COMMAND(IOAS_MAP, ioas_map, false, map_fields),
	COMMAND(IOAS_UNMAP, ioas_unmap, false, unmap_fields),
	COMMAND(OPTION, option, false, option_fields),
	COMMAND(VFIO_IOAS, vfio_ioas, false, vfio_ioas_fields),
	COMMAND(HWPT_ALLOC, hwpt_alloc, false, hwpt_alloc_fields),
	COMMAND(GET_HW_INFO, get_hw_info, false, hw_info_fields),
	COMMAND(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking, false,
		tracking_fields),
	COMMAND(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap, false,
		bitmap_fields),
	COMMAND(HWPT_INVALIDATE, hwpt_invalidate, true, invalidate_fields),
	COMMAND(FAULT_QUEUE_ALLOC, fault_queue_alloc, false,
		fault_queue_fields),
	COMMAND(IOAS_MAP_FILE, ioas_map_file, false, map_file_fields),
	COMMAND(VIOMMU_ALLOC, viommu_alloc, false, viommu_fields),
	COMMAND(VDEVICE_ALLOC, vdevice_alloc, false, vdevice_fields),
	COMMAND(IOAS_CHANGE_PROCESS, ioas_change_process, false,
		change_process_fields),
	COMMAND(VEVENTQ_ALLOC, veventq_alloc, false, veventq_fields),
	COMMAND(HW_QUEUE_ALLOC, hw_queue_alloc, false, hw_queue_fields),
	COMMAND(TEST_CMD, test_cmd, false, test_fields),
	NO_FIELDS(VFIO_GET_API_VERSION),
	CONTAINER(VFIO_CHECK_EXTENSION, 0, false, extension_fields),
	CONTAINER(VFIO_SET_IOMMU, 0, false, set_iommu_fields),
	CONTAINER(VFIO_IOMMU_GET_INFO,
		  sizeof(struct ioas_abi_vfio_iommu_get_info), false,
		  get_info_fields),
	CONTAINER(VFIO_IOMMU_MAP_DMA, sizeof(struct ioas_abi_vfio_iommu_map_dma),
		  false, map_dma_fields),
	CONTAINER(VFIO_IOMMU_UNMAP_DMA,
		  sizeof(struct ioas_abi_vfio_iommu_unmap_dma), true,
		  unmap_dma_fields),
	NO_FIELDS(VFIO_IOMMU_DIRTY_PAGES),
};

/* ---- operations of the test request ------------------------------------- */

#define TEST_AS(op, member, as, k, d) CALLED(test_cmd, op.member, as, k, d)
#define TEST(op, member, k, d) TEST_AS(op, member, #member, k, d)
#define TEST_WORDS(op, member, k, d, words) \
	{ #member, PLACE(test_cmd, op.member), DECODE_##k, d, NR(words), words }

static const struct decode_field add_reserved_fields[] = {
	TEST(add_reserved, start, HEX, IN),
	TEST(add_reserved, length, NUMBER, IN),
};

static const struct decode_field mock_domain_fields[] = {
	TEST(mock_domain, out_stdev_id, NUMBER, OUT),
	TEST(mock_domain, out_hwpt_id, NUMBER, OUT),
	TEST(mock_domain, out_idev_id, NUMBER, OUT),
};

static const struct decode_field mock_domain_flags_fields[] = {
	TEST(mock_domain_flags, out_stdev_id, NUMBER, OUT),
	TEST(mock_domain_flags, out_hwpt_id, NUMBER, OUT),
	TEST(mock_domain_flags, out_idev_id, NUMBER, OUT),
	TEST_WORDS(mock_domain_flags, dev_flags, FLAGS, IN, device_flags),
};

static const struct decode_field mock_domain_replace_fields[] = {
	TEST(mock_domain_replace, pt_id, NUMBER, BOTH),
};

static const struct decode_field md_check_map_fields[] = {
	TEST(md_check_map, iova, HEX, IN),
	TEST(md_check_map, length, NUMBER, IN),
	TEST(md_check_map, uptr, HEX, IN),
};

static const struct decode_field md_check_refs_fields[] = {
	TEST(md_check_refs, length, NUMBER, IN),
	TEST(md_check_refs, uptr, HEX, IN),
	TEST(md_check_refs, refs, NUMBER, IN),
};

static const struct decode_field create_access_fields[] = {
	TEST(create_access, out_access_fd, FD, OUT),
	TEST_WORDS(create_access, flags, FLAGS, IN, create_access_flags),
};

static const struct decode_field destroy_access_pages_fields[] = {
	TEST(destroy_access_pages, access_pages_id, NUMBER, IN),
};

static const struct decode_field access_pages_fields[] = {
	TEST_WORDS(access_pages, flags, FLAGS, IN, access_flags),
	TEST(access_pages, out_access_pages_id, NUMBER, OUT),
	TEST(access_pages, iova, HEX, IN),
	TEST(access_pages, length, NUMBER, IN),
	TEST(access_pages, uptr, HEX, IN),
};

static const struct decode_field access_rw_fields[] = {
	TEST(access_rw, iova, HEX, IN),
	TEST(access_rw, length, NUMBER, IN),
	TEST(access_rw, uptr, HEX, IN),
	TEST_WORDS(access_rw, flags, FLAGS, IN, rw_flags),
};

static const struct decode_field set_temp_memory_limit_fields[] = {
	TEST(set_temp_memory_limit, limit, NUMBER, IN),
};

static const struct decode_field access_replace_ioas_fields[] = {
	TEST(access_replace_ioas, ioas_id, NUMBER, IN),
};

static const struct decode_field dirty_fields[] = {
	TEST(dirty, flags, FLAGS, IN),
	TEST(dirty, iova, HEX, IN),
	TEST(dirty, length, NUMBER, IN),
	TEST(dirty, page_size, NUMBER, IN),
	TEST(dirty, uptr, HEX, IN),
	TEST(dirty, out_nr_dirty, NUMBER, OUT),
};

/* The entry is an id, too, beside that of the object. */
static const struct decode_field md_check_iotlb_fields[] = {
	TEST_AS(md_check_iotlb, id, "entry", NUMBER, IN),
	TEST(md_check_iotlb, iotlb, HEX, IN),
};

static const struct decode_field trigger_iopf_fields[] = {
	TEST(trigger_iopf, dev_id, NUMBER, IN),
	TEST(trigger_iopf, pasid, NUMBER, IN),
	TEST(trigger_iopf, grpid, NUMBER, IN),
	TEST_WORDS(trigger_iopf, perm, FLAGS, IN, fault_permissions),
	TEST(trigger_iopf, addr, HEX, IN),
};

static const struct decode_field dev_check_cache_fields[] = {
	TEST_AS(dev_check_cache, id, "entry", NUMBER, IN),
	TEST(dev_check_cache, cache, HEX, IN),
};

static const struct decode_field trigger_vevent_fields[] = {
	TEST(trigger_vevent, dev_id, NUMBER, IN),
};

static const struct decode_field pasid_attach_fields[] = {
	TEST(pasid_attach, pasid, NUMBER, IN),
	TEST(pasid_attach, pt_id, NUMBER, BOTH),
};

static const struct decode_field pasid_replace_fields[] = {
	TEST(pasid_replace, pasid, NUMBER, IN),
	TEST(pasid_replace, pt_id, NUMBER, BOTH),
};

static const struct decode_field pasid_detach_fields[] = {
	TEST(pasid_detach, pasid, NUMBER, IN),
};

static const struct decode_field pasid_check_hwpt_fields[] = {
	TEST(pasid_check_hwpt, pasid, NUMBER, IN),
	TEST(pasid_check_hwpt, hwpt_id, NUMBER, IN),
};

static const struct decode_field dmabuf_get_fields[] = {
	TEST(dmabuf_get, length, NUMBER, IN),
	TEST(dmabuf_get, open_flags, HEX, IN),
};

static const struct decode_field dmabuf_revoke_fields[] = {
	TEST(dmabuf_revoke, dmabuf_fd, FD, IN),
	TEST(dmabuf_revoke, revoked, NUMBER, IN),
};

/* The same members as of a command; cmd is the op. */
#define OPERATION(op, fields)                                           \
	{ IOAS_ABI_TEST_OP_##op, "IOMMU_TEST_OP_" #op,                  \
	  sizeof(struct ioas_abi_test_cmd), false, NR(fields), fields,   \
	  IOAS_REQUEST_TOLD }

const struct decode_command ioas_decode_operations[] = {
	OPERATION(ADD_RESERVED, add_reserved_fields),
	OPERATION(MOCK_DOMAIN, mock_domain_fields),
	OPERATION(MD_CHECK_MAP, md_check_map_fields),
	OPERATION(MD_CHECK_REFS, md_check_refs_fields),
	OPERATION(CREATE_ACCESS, create_access_fields),
	OPERATION(DESTROY_ACCESS_PAGES, destroy_access_pages_fields),
	OPERATION(ACCESS_PAGES, access_pages_fields),
	OPERATION(ACCESS_RW, access_rw_fields),
	OPERATION(SET_TEMP_MEMORY_LIMIT, set_temp_memory_limit_fields),
	OPERATION(MOCK_DOMAIN_REPLACE, mock_domain_replace_fields),
	OPERATION(ACCESS_REPLACE_IOAS, access_replace_ioas_fields),
	OPERATION(MOCK_DOMAIN_FLAGS, mock_domain_flags_fields),
	OPERATION(DIRTY, dirty_fields),
	OPERATION(MD_CHECK_IOTLB, md_check_iotlb_fields),
	OPERATION(TRIGGER_IOPF, trigger_iopf_fields),
	OPERATION(DEV_CHECK_CACHE, dev_check_cache_fields),
	OPERATION(TRIGGER_VEVENT, trigger_vevent_fields),
	OPERATION(PASID_ATTACH, pasid_attach_fields),
	OPERATION(PASID_REPLACE, pasid_replace_fields),
	OPERATION(PASID_DETACH, pasid_detach_fields),
	OPERATION(PASID_CHECK_HWPT, pasid_check_hwpt_fields),
	OPERATION(DMABUF_GET, dmabuf_get_fields),
	OPERATION(DMABUF_REVOKE, dmabuf_revoke_fields),
};

_Static_assert(1 + NR(ioas_decode_commands) + NR(ioas_decode_operations) +
				       DECODE_NR_DEVICE <=
		       IOAS_NR_COMMANDS,
	       "IOAS_NR_COMMANDS");

const unsigned int ioas_decode_nr_commands = NR(ioas_decode_commands);
const unsigned int ioas_decode_nr_operations = NR(ioas_decode_operations);
