/* SPDX-License-Identifier: MIT */
/*
 * uapi calls: every request as data
 *
 *    name, number, how often    what it may answer     members, in the order
 *    of all of them             beside -EFAULT,        in which they are
 *                               -EINVAL and -E2BIG     chosen
 *
 * From docs/reference/iommufd-uapi.md 6 and 11, and iommufd-test-abi.md 4. What
 * a request does, only the reference says; here is what it looks like.
 */
#include "uapi.h"

#include <errno.h>

#define FIELD_AT(s, m) offsetof(struct ioas_abi_##s, m)
#define FIELD_BYTES(s, m) sizeof(((struct ioas_abi_##s *)NULL)->m)

/* A member; MB: that is a result as well; OUT: only a result. */
#define M(s, m, k, a) \
	{ #m, FIELD_AT(s, m), FIELD_BYTES(s, m), FIELD_##k, false, (a) }
#define MB(s, m, k, a) \
	{ #m, FIELD_AT(s, m), FIELD_BYTES(s, m), FIELD_##k, true, (a) }
#define OUT(s, m) M(s, m, OUT, 0)
/* The same of the test request. */
#define T(m, k, a) M(test_cmd, m, k, a)
#define TB(m, k, a) MB(test_cmd, m, k, a)
#define TOUT(m) OUT(test_cmd, m)

#define CALL_MIN(NAME, s, least, often, how)                               \
	.name = #NAME, .cmd = IOAS_ABI_##NAME,                             \
	.size = sizeof(struct ioas_abi_##s), .min = (least),               \
	.weight = (often), .flags = (how)
#define CALL(NAME, s, often, how) \
	CALL_MIN(NAME, s, sizeof(struct ioas_abi_##s), often, how)
#define TEST(NAME, often, how)                                             \
	.name = #NAME, .cmd = IOAS_ABI_TEST_CMD,                           \
	.op = IOAS_ABI_TEST_OP_##NAME,                                     \
	.size = sizeof(struct ioas_abi_test_cmd),                          \
	.min = IOAS_ABI_TEST_CMD_MIN_SIZE, .weight = (often), .flags = (how)

#define ERR_MAP                                                            \
	(ERR(EOPNOTSUPP) | ERR(EOVERFLOW) | ERR(ENOENT) | ERR(ENOSPC) |    \
	 ERR(EEXIST) | ERR(ENOMEM))
#define ERR_ATTACH \
	(ERR(ENOENT) | ERR(EADDRINUSE) | ERR(ENOMEM) | ERR(EOPNOTSUPP))
#define ERR_TABLE ERR_ATTACH
#define ERR_PIN                                                            \
	(ERR(EOVERFLOW) | ERR(ENOENT) | ERR(EPERM) | ERR(ENOMEM))
#define ERR_OPTION                                                         \
	(ERR(EOPNOTSUPP) | ERR(EPERM) | ERR(EBUSY) | ERR(ENOENT) |         \
	 ERR(EADDRINUSE))
#define ERR_UNMAP \
	(ERR(ENOENT) | ERR(EOVERFLOW) | ERR(EBUSY) | ERR(EDEADLK))

const struct uapi_call uapi_calls[] = {
	{ CALL(DESTROY, destroy, 5, CALL_RELEASES),
	  .errnos = ERR(ENOENT) | ERR(EBUSY),
	  .fields = { M(destroy, id, ID, IS_ANY) } },
	{ CALL(IOAS_ALLOC, ioas_alloc, 3, 0),
	  .errnos = ERR(EOPNOTSUPP),
	  .fields = { M(ioas_alloc, flags, ZERO, 0),
		      M(ioas_alloc, out_ioas_id, OUT_ID, IS(IOAS)) } },
	{ CALL(IOAS_ALLOW_IOVAS, ioas_allow_iovas, 3, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT) | ERR(EADDRINUSE),
	  .fields = { M(ioas_allow_iovas, ioas_id, ID, IS(IOAS)),
		      M(ioas_allow_iovas, num_iovas, NUM, 4),
		      M(ioas_allow_iovas, __reserved, ZERO, 0),
		      M(ioas_allow_iovas, allowed_iovas, BUFFER,
			BUFFER_RANGES) } },
	{ CALL(IOAS_COPY, ioas_copy, 6, CALL_STAYS),
	  .errnos = ERR_MAP | ERR(EPERM),
	  .fields = { M(ioas_copy, flags, PICK, LIST_MAP_FLAGS),
		      M(ioas_copy, dst_ioas_id, ID, IS(IOAS)),
		      M(ioas_copy, src_ioas_id, ID, IS(IOAS)),
		      M(ioas_copy, src_iova, AREA, 0),
		      M(ioas_copy, length, REST, 0),
		      MB(ioas_copy, dst_iova, IOVA, 0) } },
	{ CALL(IOAS_IOVA_RANGES, ioas_iova_ranges, 3, CALL_ANSWERS),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT) | ERR(EMSGSIZE),
	  .fields = { M(ioas_iova_ranges, ioas_id, ID, IS(IOAS)),
		      MB(ioas_iova_ranges, num_iovas, NUM, 6),
		      M(ioas_iova_ranges, __reserved, ZERO, 0),
		      M(ioas_iova_ranges, allowed_iovas, BUFFER, BUFFER_OUT),
		      OUT(ioas_iova_ranges, out_iova_alignment) } },
	{ CALL(IOAS_MAP, ioas_map, 12, CALL_STAYS),
	  .errnos = ERR_MAP,
	  .fields = { M(ioas_map, flags, PICK, LIST_MAP_FLAGS),
		      M(ioas_map, ioas_id, ID, IS(IOAS)),
		      M(ioas_map, __reserved, ZERO, 0),
		      M(ioas_map, user_va, VA, 0),
		      M(ioas_map, length, LENGTH, 0),
		      MB(ioas_map, iova, IOVA, 0) } },
	{ CALL(IOAS_UNMAP, ioas_unmap, 6, CALL_RELEASES | CALL_PARTIAL),
	  .errnos = ERR_UNMAP,
	  .fields = { M(ioas_unmap, ioas_id, ID, IS(IOAS)),
		      M(ioas_unmap, iova, AREA, 0),
		      MB(ioas_unmap, length, REST, 0) } },
	{ CALL(IOAS_UNMAP, ioas_unmap, 1, CALL_RELEASES | CALL_PARTIAL),
	  .errnos = ERR_UNMAP,
	  .fields = { M(ioas_unmap, ioas_id, ID, IS(IOAS)),
		      M(ioas_unmap, iova, ZERO, 0),
		      MB(ioas_unmap, length, ONES, 0) } },
	/* The two options: of the context, and of a space. */
	{ CALL(OPTION, option, 2, CALL_STAYS),
	  .errnos = ERR_OPTION,
	  .fields = { M(option, option_id, ZERO, 0),
		      M(option, op, NUM, 2),
		      M(option, __reserved, ZERO, 0),
		      M(option, object_id, ZERO, 0),
		      MB(option, val64, NUM, 2) } },
	{ CALL(OPTION, option, 3, CALL_STAYS),
	  .errnos = ERR_OPTION,
	  .fields = { M(option, option_id, PICK, LIST_BOOL),
		      M(option, op, NUM, 2),
		      M(option, __reserved, ZERO, 0),
		      M(option, object_id, ID, IS(IOAS)),
		      MB(option, val64, NUM, 2) } },
	{ CALL(VFIO_IOAS, vfio_ioas, 3, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENODEV) | ERR(ENOENT),
	  .fields = { MB(vfio_ioas, ioas_id, ID, IS(IOAS)),
		      M(vfio_ioas, op, PICK, LIST_VFIO_OP),
		      M(vfio_ioas, __reserved, ZERO, 0) } },
	/* Page tables: of a space, and on another one or a VIOMMU. */
	{ CALL_MIN(HWPT_ALLOC, hwpt_alloc, IOAS_ABI_HWPT_ALLOC_MIN_SIZE, 4, 0),
	  .errnos = ERR_TABLE,
	  .fields = { M(hwpt_alloc, flags, PICK, LIST_PAGING_FLAGS),
		      M(hwpt_alloc, dev_id, ID, IS(DEVICE)),
		      M(hwpt_alloc, pt_id, ID, IS(IOAS)),
		      M(hwpt_alloc, out_hwpt_id, OUT_ID, IS_HWPT),
		      M(hwpt_alloc, __reserved, ZERO, 0),
		      M(hwpt_alloc, data_type, PICK, LIST_HWPT_DATA),
		      M(hwpt_alloc, data_len, PICK, LIST_HWPT_LENGTH),
		      M(hwpt_alloc, data_uptr, BUFFER, BUFFER_HWPT),
		      M(hwpt_alloc, fault_id, ID, IS(FAULT)) } },
	/* Of the first version: no payload. */
	{ CALL_MIN(HWPT_ALLOC, hwpt_alloc, IOAS_ABI_HWPT_ALLOC_MIN_SIZE, 3, 0),
	  .errnos = ERR_TABLE,
	  .fields = { M(hwpt_alloc, flags, PICK, LIST_PAGING_FLAGS),
		      M(hwpt_alloc, dev_id, ID, IS(DEVICE)),
		      M(hwpt_alloc, pt_id, ID, IS(IOAS)),
		      M(hwpt_alloc, out_hwpt_id, OUT_ID, IS_HWPT),
		      M(hwpt_alloc, __reserved, ZERO, 0),
		      M(hwpt_alloc, fault_id, ID, IS(FAULT)) } },
	{ CALL_MIN(HWPT_ALLOC, hwpt_alloc, IOAS_ABI_HWPT_ALLOC_MIN_SIZE, 5, 0),
	  .errnos = ERR_TABLE,
	  .fields = { M(hwpt_alloc, flags, PICK, LIST_NESTED_FLAGS),
		      M(hwpt_alloc, dev_id, ID, IS(DEVICE)),
		      M(hwpt_alloc, pt_id, ID, IS_PARENT | IS(VIOMMU)),
		      M(hwpt_alloc, out_hwpt_id, OUT_ID, IS_HWPT),
		      M(hwpt_alloc, __reserved, ZERO, 0),
		      M(hwpt_alloc, data_type, PICK, LIST_HWPT_DATA),
		      M(hwpt_alloc, data_len, PICK, LIST_HWPT_LENGTH),
		      M(hwpt_alloc, data_uptr, BUFFER, BUFFER_HWPT),
		      M(hwpt_alloc, fault_id, ID, IS(FAULT)) } },
	{ CALL_MIN(GET_HW_INFO, get_hw_info, IOAS_ABI_GET_HW_INFO_MIN_SIZE, 2,
		   0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT),
	  .fields = { M(get_hw_info, flags, NUM, 2),
		      M(get_hw_info, dev_id, ID, IS(DEVICE)),
		      MB(get_hw_info, data_len, PICK, LIST_INFO_LENGTH),
		      M(get_hw_info, data_uptr, BUFFER, BUFFER_OUT),
		      MB(get_hw_info, in_data_type, PICK, LIST_INFO_TYPE),
		      OUT(get_hw_info, out_max_pasid_log2),
		      M(get_hw_info, __reserved, ZERO, 0),
		      OUT(get_hw_info, out_capabilities) } },
	{ CALL(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking, 3, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT),
	  .fields = { M(hwpt_set_dirty_tracking, flags, PICK, LIST_BOOL),
		      M(hwpt_set_dirty_tracking, hwpt_id, ID, IS_DIRTY),
		      M(hwpt_set_dirty_tracking, __reserved, ZERO, 0) } },
	{ CALL(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap, 4, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT) | ERR(EOVERFLOW),
	  .fields = { M(hwpt_get_dirty_bitmap, hwpt_id, ID, IS_DIRTY),
		      M(hwpt_get_dirty_bitmap, flags, NUM, 2),
		      M(hwpt_get_dirty_bitmap, __reserved, ZERO, 0),
		      M(hwpt_get_dirty_bitmap, iova, AREA, 0),
		      M(hwpt_get_dirty_bitmap, length, REST, 0),
		      M(hwpt_get_dirty_bitmap, page_size, GRANULE, 0),
		      M(hwpt_get_dirty_bitmap, data, BUFFER, BUFFER_OUT) } },
	{ CALL(HWPT_INVALIDATE, hwpt_invalidate, 3,
	       CALL_ANSWERS | CALL_PARTIAL),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT),
	  .fields = { M(hwpt_invalidate, hwpt_id, ID, IS(HWPT_NESTED)),
		      M(hwpt_invalidate, data_type, PICK, LIST_INVALIDATE),
		      M(hwpt_invalidate, entry_len, PICK, LIST_ENTRY_NESTED),
		      MB(hwpt_invalidate, entry_num, NUM, 5),
		      M(hwpt_invalidate, data_uptr, BUFFER, BUFFER_WORDS),
		      M(hwpt_invalidate, __reserved, ZERO, 0) } },
	{ CALL(HWPT_INVALIDATE, hwpt_invalidate, 3,
	       CALL_ANSWERS | CALL_PARTIAL),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT) | ERR(ENOMEM),
	  .fields = { M(hwpt_invalidate, hwpt_id, ID, IS(VIOMMU)),
		      M(hwpt_invalidate, data_type, PICK, LIST_INVALIDATE),
		      M(hwpt_invalidate, entry_len, PICK, LIST_ENTRY_VIOMMU),
		      MB(hwpt_invalidate, entry_num, NUM, 5),
		      M(hwpt_invalidate, data_uptr, BUFFER, BUFFER_WORDS),
		      M(hwpt_invalidate, __reserved, ZERO, 0) } },
	{ CALL(FAULT_QUEUE_ALLOC, fault_queue_alloc, 2, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(EMFILE),
	  .fields = { M(fault_queue_alloc, flags, ZERO, 0),
		      M(fault_queue_alloc, out_fault_id, OUT_ID, IS(FAULT)),
		      M(fault_queue_alloc, out_fault_fd, OUT_FD,
			FILE_FAULTS) } },
	{ CALL(IOAS_MAP_FILE, ioas_map_file, 5, CALL_STAYS),
	  .errnos = ERR_MAP | ERR(EBADF) | ERR(ENODEV),
	  .fields = { M(ioas_map_file, flags, PICK, LIST_MAP_FLAGS),
		      M(ioas_map_file, ioas_id, ID, IS(IOAS)),
		      M(ioas_map_file, fd, FD, FILE_DMABUF | FILE_OTHER),
		      M(ioas_map_file, start, START, 0),
		      M(ioas_map_file, length, LENGTH, 0),
		      MB(ioas_map_file, iova, IOVA, 0) } },
	{ CALL_MIN(VIOMMU_ALLOC, viommu_alloc, IOAS_ABI_VIOMMU_ALLOC_MIN_SIZE,
		   3, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT),
	  .fields = { M(viommu_alloc, flags, ZERO, 0),
		      M(viommu_alloc, type, PICK, LIST_VIOMMU),
		      M(viommu_alloc, dev_id, ID, IS(DEVICE)),
		      M(viommu_alloc, hwpt_id, ID, IS_PARENT),
		      M(viommu_alloc, out_viommu_id, OUT_ID, IS(VIOMMU)),
		      M(viommu_alloc, data_len, PICK, LIST_VIOMMU_LENGTH),
		      M(viommu_alloc, data_uptr, BUFFER, BUFFER_WORDS) } },
	{ CALL(VDEVICE_ALLOC, vdevice_alloc, 4, 0),
	  .errnos = ERR(ENOENT) | ERR(EEXIST),
	  .fields = { M(vdevice_alloc, viommu_id, ID, IS(VIOMMU)),
		      M(vdevice_alloc, dev_id, ID, IS(DEVICE)),
		      M(vdevice_alloc, out_vdevice_id, OUT_ID, IS(VDEVICE)),
		      M(vdevice_alloc, virt_id, NUM, 4) } },
	{ CALL(IOAS_CHANGE_PROCESS, ioas_change_process, 2, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOMEM),
	  .fields = { M(ioas_change_process, __reserved, ZERO, 0) } },
	{ CALL_MIN(VEVENTQ_ALLOC, veventq_alloc,
		   IOAS_ABI_VEVENTQ_ALLOC_MIN_SIZE, 3, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOENT) | ERR(EEXIST) | ERR(EMFILE),
	  .fields = { M(veventq_alloc, flags, ZERO, 0),
		      M(veventq_alloc, viommu_id, ID, IS(VIOMMU)),
		      M(veventq_alloc, type, PICK, LIST_VEVENTQ),
		      M(veventq_alloc, veventq_depth, PICK, LIST_DEPTH),
		      M(veventq_alloc, out_veventq_id, OUT_ID, IS(VEVENTQ)),
		      M(veventq_alloc, out_veventq_fd, OUT_FD, FILE_EVENTS),
		      M(veventq_alloc, __reserved, ZERO, 0) } },
	{ CALL(HW_QUEUE_ALLOC, hw_queue_alloc, 4, 0),
	  .errnos = ERR_PIN | ERR(EOPNOTSUPP) | ERR(ERANGE) | ERR(EADDRINUSE) |
		    ERR(EEXIST) | ERR(EIO),
	  .fields = { M(hw_queue_alloc, flags, ZERO, 0),
		      M(hw_queue_alloc, viommu_id, ID, IS(VIOMMU)),
		      M(hw_queue_alloc, type, PICK, LIST_HW_QUEUE),
		      M(hw_queue_alloc, index, NUM, 3),
		      M(hw_queue_alloc, out_hw_queue_id, OUT_ID, IS(HW_QUEUE)),
		      M(hw_queue_alloc, nesting_parent_iova, AREA, 0),
		      M(hw_queue_alloc, length, REST, 0) } },

	/* ---- container requests ----------------------------------------- */

	{ CALL_MIN(VFIO_GET_API_VERSION, destroy, 0, 1,
		   CALL_SCALAR | CALL_VFIO),
	  .fields = { M(destroy, id, ZERO, 0) } },
	{ CALL_MIN(VFIO_CHECK_EXTENSION, destroy, 0, 1,
		   CALL_SCALAR | CALL_VFIO | CALL_TRUTH),
	  .errnos = ERR(ENODEV),
	  .fields = { M(destroy, id, PICK, LIST_EXTENSION) } },
	{ CALL_MIN(VFIO_SET_IOMMU, destroy, 0, 2, CALL_SCALAR | CALL_VFIO),
	  .errnos = ERR(ENODEV) | ERR(EADDRINUSE) | ERR(EPERM),
	  .fields = { M(destroy, id, PICK, LIST_EXTENSION) } },
	{ CALL_MIN(VFIO_IOMMU_GET_INFO, vfio_iommu_get_info, 16, 3, CALL_VFIO),
	  .errnos = ERR(ENODEV),
	  .fields = { MB(vfio_iommu_get_info, argsz, OUT, 0),
		      OUT(vfio_iommu_get_info, flags),
		      OUT(vfio_iommu_get_info, iova_pgsizes),
		      OUT(vfio_iommu_get_info, cap_offset),
		      OUT(vfio_iommu_get_info, pad) } },
	{ CALL(VFIO_IOMMU_MAP_DMA, vfio_iommu_map_dma, 5, CALL_VFIO),
	  .errnos = ERR_MAP | ERR(ENODEV),
	  .fields = { M(vfio_iommu_map_dma, flags, PICK, LIST_DMA_FLAGS),
		      M(vfio_iommu_map_dma, vaddr, VA, 0),
		      M(vfio_iommu_map_dma, iova, IOVA, 0),
		      M(vfio_iommu_map_dma, size, LENGTH, 0) } },
	{ CALL(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_unmap_dma, 5,
	       CALL_VFIO | CALL_PARTIAL | CALL_ANSWERS),
	  .errnos = ERR_UNMAP | ERR(ENODEV) | ERR(EOPNOTSUPP),
	  .fields = { M(vfio_iommu_unmap_dma, flags, ZERO, 0),
		      M(vfio_iommu_unmap_dma, iova, AREA, 0),
		      MB(vfio_iommu_unmap_dma, size, REST, 0) } },
	{ CALL(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_unmap_dma, 1,
	       CALL_VFIO | CALL_PARTIAL | CALL_ANSWERS),
	  .errnos = ERR_UNMAP | ERR(ENODEV) | ERR(EOPNOTSUPP),
	  .fields = { M(vfio_iommu_unmap_dma, flags, NUM, 3),
		      M(vfio_iommu_unmap_dma, iova, ZERO, 0),
		      MB(vfio_iommu_unmap_dma, size, ZERO, 0) } },

	/* ---- the test request ------------------------------------------- */

	{ TEST(ADD_RESERVED, 2, 0),
	  .errnos = ERR(EOVERFLOW) | ERR(ENOENT) | ERR(EADDRINUSE),
	  .fields = { T(id, ID, IS(IOAS)),
		      T(add_reserved.start, IOVA, 0),
		      T(add_reserved.length, LENGTH, 0) } },
	{ TEST(MOCK_DOMAIN, 4, 0),
	  .errnos = ERR_ATTACH,
	  .fields = { T(id, ID, IS_PT),
		      T(mock_domain.out_stdev_id, OUT_ID, IS(SELFTEST)),
		      T(mock_domain.out_hwpt_id, OUT_ID, IS_HWPT),
		      T(mock_domain.out_idev_id, OUT_ID, IS(DEVICE)) } },
	{ TEST(MOCK_DOMAIN_FLAGS, 4, 0),
	  .errnos = ERR_ATTACH,
	  .fields = { T(id, ID, IS_PT),
		      T(mock_domain_flags.out_stdev_id, OUT_ID, IS(SELFTEST)),
		      T(mock_domain_flags.out_hwpt_id, OUT_ID, IS_HWPT),
		      T(mock_domain_flags.out_idev_id, OUT_ID, IS(DEVICE)),
		      T(mock_domain_flags.dev_flags, PICK,
			LIST_DEVICE_FLAGS) } },
	{ TEST(MOCK_DOMAIN_REPLACE, 5, CALL_RETURNS),
	  .errnos = ERR_ATTACH,
	  .fields = { T(id, ID, IS(SELFTEST)),
		      TB(mock_domain_replace.pt_id, ID, IS_PT) } },
	{ TEST(MD_CHECK_MAP, 2, 0),
	  .errnos = ERR(ENOENT),
	  .fields = { T(id, ID, IS(HWPT_PAGING)),
		      T(md_check_map.iova, AREA, 0),
		      T(md_check_map.length, REST, 0),
		      T(md_check_map.uptr, SAME, 0) } },
	{ TEST(MD_CHECK_REFS, 2, 0),
	  .errnos = ERR(EIO),
	  .fields = { T(md_check_refs.length, LENGTH, 0),
		      T(md_check_refs.uptr, VA, 0),
		      T(md_check_refs.refs, NUM, 3) } },
	{ TEST(CREATE_ACCESS, 4, 0),
	  .errnos = ERR(EOPNOTSUPP) | ERR(ENOMEM) | ERR(ENOENT) |
		    ERR(EADDRINUSE),
	  .fields = { T(id, ID, IS(IOAS)),
		      T(create_access.out_access_fd, OUT_FD, FILE_ACCESS),
		      T(create_access.flags, PICK, LIST_BOOL) } },
	{ TEST(ACCESS_REPLACE_IOAS, 3, 0),
	  .errnos = ERR(EBADFD) | ERR(ENOENT) | ERR(EADDRINUSE),
	  .fields = { T(id, FD, FILE_ACCESS),
		      T(access_replace_ioas.ioas_id, ID, IS(IOAS)) } },
	{ TEST(ACCESS_PAGES, 7, 0),
	  .errnos = ERR_PIN | ERR(EOPNOTSUPP) | ERR(EBADFD) | ERR(EBADE),
	  .fields = { T(access_pages.flags, PICK, LIST_PIN_FLAGS),
		      T(id, FD, FILE_ACCESS),
		      TOUT(access_pages.out_access_pages_id),
		      T(access_pages.iova, AREA, 0),
		      T(access_pages.length, REST, 0),
		      T(access_pages.uptr, SAME, 1) } },
	{ TEST(DESTROY_ACCESS_PAGES, 4, CALL_RELEASES),
	  .errnos = ERR(EBADFD) | ERR(ENOENT),
	  .fields = { T(id, FD, FILE_ACCESS),
		      T(destroy_access_pages.access_pages_id, NUM, 6) } },
	{ TEST(ACCESS_RW, 5, CALL_SCRIBBLES),
	  .errnos = ERR_PIN | ERR(EOPNOTSUPP) | ERR(EBADFD),
	  .fields = { T(access_rw.flags, PICK, LIST_RW_FLAGS),
		      T(id, FD, FILE_ACCESS),
		      T(access_rw.iova, AREA, 0),
		      T(access_rw.length, REST, 0),
		      T(access_rw.uptr, VA, 0) } },
	{ TEST(SET_TEMP_MEMORY_LIMIT, 1, 0),
	  .fields = { T(set_temp_memory_limit.limit, PICK, LIST_LIMIT) } },
	/* As if a device had written: that is not undone. */
	{ TEST(DIRTY, 4, CALL_STAYS),
	  .errnos = ERR(ENOENT) | ERR(ENOMEM),
	  .fields = { T(id, ID, IS_DIRTY),
		      T(dirty.flags, ZERO, 0),
		      T(dirty.iova, AREA, 0),
		      T(dirty.length, REST, 0),
		      T(dirty.page_size, GRANULE, 0),
		      T(dirty.uptr, BUFFER, BUFFER_BITS),
		      TOUT(dirty.out_nr_dirty) } },
	{ TEST(MD_CHECK_IOTLB, 1, 0),
	  .errnos = ERR(ENOENT),
	  .fields = { T(id, ID, IS(HWPT_NESTED)),
		      T(md_check_iotlb.id, NUM, 5),
		      T(md_check_iotlb.iotlb, PICK, LIST_IOTLB) } },
	{ TEST(TRIGGER_IOPF, 5, 0),
	  .errnos = ERR(ENOENT),
	  .fields = { T(trigger_iopf.dev_id, ID, IS(DEVICE)),
		      T(trigger_iopf.pasid, PASID, 0),
		      T(trigger_iopf.grpid, NUM, 4),
		      T(trigger_iopf.perm, NUM, 16),
		      T(trigger_iopf.addr, IOVA, 0) } },
	{ TEST(DEV_CHECK_CACHE, 1, 0),
	  .errnos = ERR(ENOENT),
	  .fields = { T(id, ID, IS(DEVICE)),
		      T(dev_check_cache.id, NUM, 5),
		      T(dev_check_cache.cache, PICK, LIST_CACHE) } },
	{ TEST(TRIGGER_VEVENT, 4, 0),
	  .errnos = ERR(ENOENT) | ERR(EOPNOTSUPP),
	  .fields = { T(trigger_vevent.dev_id, ID, IS(DEVICE)) } },
	{ TEST(PASID_ATTACH, 4, 0),
	  .errnos = ERR_ATTACH | ERR(EBUSY),
	  .fields = { T(id, ID, IS(SELFTEST)),
		      T(pasid_attach.pasid, PASID, 0),
		      TB(pasid_attach.pt_id, ID, IS_PASID) } },
	{ TEST(PASID_REPLACE, 4, CALL_RETURNS),
	  .errnos = ERR_ATTACH | ERR(EBUSY),
	  .fields = { T(id, ID, IS(SELFTEST)),
		      T(pasid_replace.pasid, PASID, 0),
		      TB(pasid_replace.pt_id, ID, IS_PASID) } },
	{ TEST(PASID_DETACH, 3, CALL_RELEASES),
	  .errnos = ERR(ENOENT),
	  .fields = { T(id, ID, IS(SELFTEST)),
		      T(pasid_detach.pasid, PASID, 0) } },
	{ TEST(PASID_CHECK_HWPT, 2, 0),
	  .errnos = ERR(ENOENT),
	  .fields = { T(id, ID, IS(SELFTEST)),
		      T(pasid_check_hwpt.pasid, PASID, 0),
		      T(pasid_check_hwpt.hwpt_id, ID, IS_HWPT) } },
	{ TEST(DMABUF_GET, 2, CALL_FD),
	  .errnos = ERR(EMFILE),
	  .fields = { T(dmabuf_get.length, LENGTH, 1),
		      T(dmabuf_get.open_flags, PICK, LIST_OPEN) } },
	{ TEST(DMABUF_REVOKE, 2, 0),
	  .errnos = ERR(EBADF) | ERR(EOPNOTSUPP),
	  .fields = { T(dmabuf_revoke.dmabuf_fd, FD, FILE_DMABUF),
		      T(dmabuf_revoke.revoked, NUM, 2) } },
};

const unsigned int uapi_nr_calls = IOAS_ARRAY_SIZE(uapi_calls);

/* ---- what members are chosen from --------------------------------------- */

#define RW 6u
#define FIXED 1u
#define SYZ IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ
#define PARENT IOAS_ABI_HWPT_ALLOC_NEST_PARENT
#define DIRTY IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING
#define FAULTS IOAS_ABI_HWPT_FAULT_ID_VALID
#define PASID IOAS_ABI_HWPT_ALLOC_PASID

#define LIST(name, ...)                                                    \
	[LIST_##name] = { (const uint32_t[]){ __VA_ARGS__ },               \
			  sizeof((const uint32_t[]){ __VA_ARGS__ }) /      \
				  sizeof(uint32_t) }

/* The first is what a request without a byte gets: it should work. */
static const struct {
	const uint32_t *values;
	unsigned int nr;
} lists[] = {
	LIST(MAP_FLAGS, FIXED | RW, FIXED | RW, RW, FIXED | 4, 4, FIXED | 2,
	     2, SYZ | FIXED | RW),
	LIST(DMA_FLAGS, 3, 3, 1, 2, 0),
	LIST(BOOL, 1, 1, 1, 0),
	LIST(VFIO_OP, IOAS_ABI_VFIO_IOAS_SET, IOAS_ABI_VFIO_IOAS_SET,
	     IOAS_ABI_VFIO_IOAS_GET, IOAS_ABI_VFIO_IOAS_CLEAR),
	LIST(PAGING_FLAGS, 0, PARENT, PARENT | PASID, DIRTY, PASID,
	     DIRTY | PASID, FAULTS, FAULTS | PASID, PARENT | DIRTY),
	LIST(NESTED_FLAGS, 0, PASID, FAULTS, FAULTS | PASID),
	LIST(HWPT_DATA, IOAS_ABI_HWPT_DATA_SELFTEST,
	     IOAS_ABI_HWPT_DATA_SELFTEST, IOAS_ABI_HWPT_DATA_SELFTEST,
	     IOAS_ABI_HWPT_DATA_VTD_S1),
	LIST(HWPT_LENGTH, 8, 8, 4, 6),
	LIST(INFO_LENGTH, 8, 0, 4, 16, 256, 600),
	LIST(INFO_TYPE, IOAS_ABI_HW_INFO_TYPE_SELFTEST, 0, 1),
	LIST(INVALIDATE, IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
	     IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
	     IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST_INVALID),
	LIST(ENTRY_NESTED, 8, 8, 8, 4, 12),
	LIST(ENTRY_VIOMMU, 12, 12, 8, 4, 16),
	LIST(VIOMMU, IOAS_ABI_VIOMMU_TYPE_SELFTEST,
	     IOAS_ABI_VIOMMU_TYPE_SELFTEST, 1),
	LIST(VIOMMU_LENGTH, 0, 24, 8, 16, 12),
	LIST(VEVENTQ, IOAS_ABI_VEVENTQ_TYPE_SELFTEST,
	     IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 1),
	LIST(DEPTH, 2, 1, 3, UINT32_MAX),
	LIST(HW_QUEUE, IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
	     IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
	     IOAS_ABI_HW_QUEUE_TYPE_SELFTEST, 1),
	LIST(EXTENSION, 3, 1, 4, 8, 9, 6, 10, 0),
	LIST(DEVICE_FLAGS, IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, 0,
	     IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY,
	     IOAS_ABI_MOCK_FLAGS_DEVICE_PASID |
		     IOAS_ABI_MOCK_FLAGS_DEVICE_NO_DIRTY),
	LIST(PIN_FLAGS, 0, 1, 1, SYZ, SYZ | 1),
	LIST(RW_FLAGS, 0, 1, 4, 5, SYZ, SYZ | 5),
	LIST(LIMIT, 65536, 12, 11, 0),
	LIST(IOTLB, 0, 1, 2, IOAS_ABI_TEST_IOTLB_DEFAULT),
	LIST(CACHE, IOAS_ABI_TEST_DEV_CACHE_DEFAULT, 0),
	LIST(OPEN, 0, 02000000),
};

const uint32_t *uapi_list(enum uapi_list list, unsigned int *nr)
{
	*nr = lists[list].nr;
	return lists[list].values;
}

uint32_t uapi_errno(int64_t err)
{
	switch (-err) {
#define UAPI_ERRNO_CASE(name) \
	case name:            \
		return UINT32_C(1) << UAPI_BIT_##name;
		UAPI_ERRNOS(UAPI_ERRNO_CASE)
#undef UAPI_ERRNO_CASE
	default:
		return 0;
	}
}
