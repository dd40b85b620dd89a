/* SPDX-License-Identifier: MIT */
/*
 * requests in words: every command, every operation of the test request
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>
#include <ioas/abi/vfio.h>

#include "prng.h"
#include "super/decode.h"

static void expect_text(struct json_object *o, const char *want)
{
	const char *text =
		o ? json_object_to_json_string_ext(
			    o, JSON_C_TO_STRING_PLAIN |
				       JSON_C_TO_STRING_NOSLASHESCAPE) :
		    "none";

	assert_string_equal(text, want);
	json_object_put(o);
}

static void expect_request(const struct ioas_request *rq, const char *args,
			   const char *out)
{
	expect_text(ioas_decode_args(rq), args);
	expect_text(ioas_decode_out(rq), out);
}

/* IN and OUT: initialisers in brackets. */
#define UNPACK(...) { __VA_ARGS__ }
#define EXPECT_AS(number, s, res, IN, OUT, args_text, out_text)           \
	do {                                                              \
		struct ioas_abi_##s in_ = UNPACK IN, out_ = UNPACK OUT;   \
		const struct ioas_request rq_ = {                         \
			.cmd = (number), .size = sizeof(in_), .in = &in_, \
			.out = &out_, .result = (res)                     \
		};                                                        \
		expect_request(&rq_, args_text, out_text);                \
	} while (0)
#define EXPECT(name, s, IN, OUT, args_text, out_text) \
	EXPECT_AS(IOAS_ABI_##name, s, 0, IN, OUT, args_text, out_text)
#define OWN(s) .size = sizeof(struct ioas_abi_##s)
#define NONE (0)

/* ---- commands ------------------------------------------------------------ */

static void spaces(void **state)
{
	(void)state;
	EXPECT(DESTROY, destroy, (OWN(destroy), .id = 7), NONE, "{\"id\":7}",
	       "none");
	EXPECT(IOAS_ALLOC, ioas_alloc, (OWN(ioas_alloc)), (.out_ioas_id = 3),
	       "{\"flags\":[]}", "{\"out_ioas_id\":3}");
	EXPECT(IOAS_ALLOW_IOVAS, ioas_allow_iovas,
	       (OWN(ioas_allow_iovas), 3, 2, .allowed_iovas = 0x7000), NONE,
	       "{\"ioas_id\":3,\"num_iovas\":2,\"allowed_iovas\":\"0x7000\"}",
	       "none");
	EXPECT(IOAS_IOVA_RANGES, ioas_iova_ranges,
	       (OWN(ioas_iova_ranges), 3, 1, .allowed_iovas = 0x7000),
	       (.num_iovas = 4, .out_iova_alignment = 4096),
	       "{\"ioas_id\":3,\"num_iovas\":1,\"allowed_iovas\":\"0x7000\"}",
	       "{\"num_iovas\":4,\"out_iova_alignment\":4096}");
	EXPECT(OPTION, option,
	       (OWN(option), IOAS_ABI_OPTION_HUGE_PAGES, IOAS_ABI_OPTION_OP_SET,
		0, 3, 1),
	       (.val64 = 1),
	       "{\"option_id\":\"IOMMU_OPTION_HUGE_PAGES\","
	       "\"op\":\"IOMMU_OPTION_OP_SET\",\"object_id\":3,\"val64\":1}",
	       "{\"val64\":1}");
	EXPECT(VFIO_IOAS, vfio_ioas, (OWN(vfio_ioas), 5, 1), (.ioas_id = 5),
	       "{\"ioas_id\":5,\"op\":\"IOMMU_VFIO_IOAS_SET\"}",
	       "{\"ioas_id\":5}");
	EXPECT(IOAS_CHANGE_PROCESS, ioas_change_process,
	       (OWN(ioas_change_process)), NONE, "{}", "none");
}

static void mappings(void **state)
{
	(void)state;
	EXPECT(IOAS_MAP, ioas_map,
	       (OWN(ioas_map), .flags = 7, .ioas_id = 1, .user_va = 0x7f0000,
		.length = 8192, .iova = 0x1000000),
	       (.iova = 0x1000000),
	       "{\"flags\":[\"IOMMU_IOAS_MAP_FIXED_IOVA\","
	       "\"IOMMU_IOAS_MAP_WRITEABLE\",\"IOMMU_IOAS_MAP_READABLE\"],"
	       "\"ioas_id\":1,\"user_va\":\"0x7f0000\",\"length\":8192,"
	       "\"iova\":\"0x1000000\"}",
	       "{\"iova\":\"0x1000000\"}");
	EXPECT(IOAS_MAP_FILE, ioas_map_file,
	       (OWN(ioas_map_file), 4, 1, -1, 0x2000, 4096), (.iova = 0x4000),
	       "{\"flags\":[\"IOMMU_IOAS_MAP_READABLE\"],\"ioas_id\":1,"
	       "\"fd\":-1,\"start\":\"0x2000\",\"length\":4096,"
	       "\"iova\":\"0x0\"}",
	       "{\"iova\":\"0x4000\"}");
	EXPECT(IOAS_COPY, ioas_copy,
	       (OWN(ioas_copy), 0, 2, 1, 4096, 0, 0x5000),
	       (.dst_iova = 0x6000),
	       "{\"flags\":[],\"dst_ioas_id\":2,\"src_ioas_id\":1,"
	       "\"length\":4096,\"dst_iova\":\"0x0\",\"src_iova\":\"0x5000\"}",
	       "{\"dst_iova\":\"0x6000\"}");
	EXPECT(IOAS_UNMAP, ioas_unmap,
	       (OWN(ioas_unmap), 1, 0, UINT64_MAX), (.length = 12288),
	       "{\"ioas_id\":1,\"iova\":\"0x0\","
	       "\"length\":18446744073709551615}",
	       "{\"length\":12288}");
}

static void page_tables(void **state)
{
	(void)state;
	EXPECT(HWPT_ALLOC, hwpt_alloc,
	       (OWN(hwpt_alloc), 0x13, 2, 1, .data_type = 0xdead, .data_len = 8,
		.data_uptr = 0x10),
	       (.out_hwpt_id = 9),
	       "{\"flags\":[\"IOMMU_HWPT_ALLOC_NEST_PARENT\","
	       "\"IOMMU_HWPT_ALLOC_DIRTY_TRACKING\",\"0x10\"],\"dev_id\":2,"
	       "\"pt_id\":1,\"data_type\":\"IOMMU_HWPT_DATA_SELFTEST\","
	       "\"data_len\":8,\"data_uptr\":\"0x10\",\"fault_id\":0}",
	       "{\"out_hwpt_id\":9}");
	EXPECT(GET_HW_INFO, get_hw_info, (OWN(get_hw_info), 0, 2, 8, 0x10),
	       (.data_len = 8, .out_data_type = 0xfeedbeef,
		.out_max_pasid_log2 = 20, .out_capabilities = 1),
	       "{\"flags\":[],\"dev_id\":2,\"data_len\":8,"
	       "\"data_uptr\":\"0x10\","
	       "\"in_data_type\":\"IOMMU_HW_INFO_TYPE_NONE\"}",
	       "{\"data_len\":8,"
	       "\"out_data_type\":\"IOMMU_HW_INFO_TYPE_SELFTEST\","
	       "\"out_max_pasid_log2\":20,"
	       "\"out_capabilities\":[\"IOMMU_HW_CAP_DIRTY_TRACKING\"]}");
	EXPECT(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking,
	       (OWN(hwpt_set_dirty_tracking), 1, 4), NONE,
	       "{\"flags\":[\"IOMMU_HWPT_DIRTY_TRACKING_ENABLE\"],"
	       "\"hwpt_id\":4}",
	       "none");
	EXPECT(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap,
	       (OWN(hwpt_get_dirty_bitmap), 4, 1, 0, 0x1000, 8192, 4096, 0x20),
	       NONE,
	       "{\"hwpt_id\":4,"
	       "\"flags\":[\"IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR\"],"
	       "\"iova\":\"0x1000\",\"length\":8192,\"page_size\":4096,"
	       "\"data\":\"0x20\"}",
	       "none");
	EXPECT(HWPT_INVALIDATE, hwpt_invalidate,
	       (OWN(hwpt_invalidate), 4, 0x30, 0xdeadbeef, 8, 2),
	       (.entry_num = 1),
	       "{\"hwpt_id\":4,\"data_uptr\":\"0x30\","
	       "\"data_type\":\"IOMMU_HWPT_INVALIDATE_DATA_SELFTEST\","
	       "\"entry_len\":8,\"entry_num\":2}",
	       "{\"entry_num\":1}");
}

static void queues_and_guests(void **state)
{
	(void)state;
	EXPECT(FAULT_QUEUE_ALLOC, fault_queue_alloc, (OWN(fault_queue_alloc)),
	       (.out_fault_id = 5, .out_fault_fd = 1001), "{\"flags\":[]}",
	       "{\"out_fault_id\":5,\"out_fault_fd\":1001}");
	EXPECT(VIOMMU_ALLOC, viommu_alloc,
	       (OWN(viommu_alloc), 0, 0xdeadbeef, 2, 4, .data_len = 24,
		.data_uptr = 0x40),
	       (.out_viommu_id = 6),
	       "{\"flags\":[],\"type\":\"IOMMU_VIOMMU_TYPE_SELFTEST\","
	       "\"dev_id\":2,\"hwpt_id\":4,\"data_len\":24,"
	       "\"data_uptr\":\"0x40\"}",
	       "{\"out_viommu_id\":6}");
	EXPECT(VDEVICE_ALLOC, vdevice_alloc,
	       (OWN(vdevice_alloc), 6, 2, .virt_id = 0x99),
	       (.out_vdevice_id = 8),
	       "{\"viommu_id\":6,\"dev_id\":2,\"virt_id\":\"0x99\"}",
	       "{\"out_vdevice_id\":8}");
	EXPECT(VEVENTQ_ALLOC, veventq_alloc,
	       (OWN(veventq_alloc), 0, 6, 0xbeefbeef, 2),
	       (.out_veventq_id = 9, .out_veventq_fd = 1002),
	       "{\"flags\":[],\"viommu_id\":6,"
	       "\"type\":\"IOMMU_VEVENTQ_TYPE_SELFTEST\",\"veventq_depth\":2}",
	       "{\"out_veventq_id\":9,\"out_veventq_fd\":1002}");
	EXPECT(HW_QUEUE_ALLOC, hw_queue_alloc,
	       (OWN(hw_queue_alloc), 0, 6, 0xdeadbeef, 1, 0, 0x8000, 4096),
	       (.out_hw_queue_id = 10),
	       "{\"flags\":[],\"viommu_id\":6,"
	       "\"type\":\"IOMMU_HW_QUEUE_TYPE_SELFTEST\",\"index\":1,"
	       "\"nesting_parent_iova\":\"0x8000\",\"length\":4096}",
	       "{\"out_hw_queue_id\":10}");
}

static void expect_number(uint32_t cmd, uint64_t arg, const char *args)
{
	const struct ioas_request rq = { .cmd = cmd, .arg = arg };

	expect_request(&rq, args, "none");
}

static void containers(void **state)
{
	(void)state;
	expect_number(IOAS_ABI_VFIO_GET_API_VERSION, 5, "{}");
	expect_number(IOAS_ABI_VFIO_CHECK_EXTENSION, 9,
		     "{\"extension\":\"VFIO_UNMAP_ALL\"}");
	expect_number(IOAS_ABI_VFIO_CHECK_EXTENSION, ((uint64_t)1 << 32) + 9,
		     "{\"extension\":4294967305}");
	expect_number(IOAS_ABI_VFIO_SET_IOMMU, 1,
		     "{\"type\":\"VFIO_TYPE1_IOMMU\"}");
	expect_number(IOAS_ABI_VFIO_IOMMU_DIRTY_PAGES, 1, "{}");
	EXPECT(VFIO_IOMMU_GET_INFO, vfio_iommu_get_info, (.argsz = 24),
	       (.argsz = 80, .flags = 3, .iova_pgsizes = 0x1000,
		.cap_offset = 24),
	       "{\"argsz\":24}",
	       "{\"argsz\":80,\"flags\":[\"VFIO_IOMMU_INFO_PGSIZES\","
	       "\"VFIO_IOMMU_INFO_CAPS\"],\"iova_pgsizes\":\"0x1000\","
	       "\"cap_offset\":24}");
	EXPECT(VFIO_IOMMU_MAP_DMA, vfio_iommu_map_dma,
	       (32, 3, 0x7000, 0x1000, 4096), NONE,
	       "{\"argsz\":32,\"flags\":[\"VFIO_DMA_MAP_FLAG_READ\","
	       "\"VFIO_DMA_MAP_FLAG_WRITE\"],\"vaddr\":\"0x7000\","
	       "\"iova\":\"0x1000\",\"size\":4096}",
	       "none");
	EXPECT(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_unmap_dma, (24, 2, 0, 0),
	       (.size = 4096),
	       "{\"argsz\":24,\"flags\":[\"VFIO_DMA_UNMAP_FLAG_ALL\"],"
	       "\"iova\":\"0x0\",\"size\":0}",
	       "{\"size\":4096}");
}

/* ---- operations ---------------------------------------------------------- */

#define OP(name, IN, OUT, args_text, out_text)                               \
	EXPECT(TEST_CMD, test_cmd,                                           \
	       (OWN(test_cmd), IOAS_ABI_TEST_OP_##name, .id = 1, UNWRAP IN), \
	       OUT,                                                          \
	       "{\"op\":\"IOMMU_TEST_OP_" #name "\",\"id\":1" args_text "}", \
	       out_text)
#define UNWRAP(...) __VA_ARGS__

/* ---- devices and groups -------------------------------------------------- */

#define DEVICE(name, s, IN, OUT, args_text, out_text)                        \
	do {                                                                 \
		struct ioas_abi_vfio_##s in_ = UNPACK IN, out_ = UNPACK OUT; \
		const struct ioas_request rq_ = {                            \
			.cmd = IOAS_ABI_VFIO_##name, .size = sizeof(in_),    \
			.in = &in_, .out = &out_, .device = true             \
		};                                                           \
		expect_request(&rq_, args_text, out_text);                   \
	} while (0)

static void what_devices_are(void **state)
{
	(void)state;
	DEVICE(DEVICE_GET_INFO, device_get_info, (.argsz = 24),
	       (24, 3, 9, 5, .cap_offset = 0), "{\"argsz\":24}",
	       "{\"argsz\":24,\"flags\":[\"VFIO_DEVICE_FLAGS_RESET\","
	       "\"VFIO_DEVICE_FLAGS_PCI\"],\"num_regions\":9,"
	       "\"num_irqs\":5,\"cap_offset\":0}");
	DEVICE(DEVICE_GET_REGION_INFO, device_get_region_info,
	       (.argsz = 32, .index = 7), (32, 3, 7, 0, 256, 7ull << 40),
	       "{\"argsz\":32,\"index\":\"VFIO_PCI_CONFIG_REGION_INDEX\"}",
	       "{\"argsz\":32,\"flags\":[\"VFIO_REGION_INFO_FLAG_READ\","
	       "\"VFIO_REGION_INFO_FLAG_WRITE\"],\"cap_offset\":0,"
	       "\"size\":256,\"offset\":\"0x70000000000\"}");
	DEVICE(DEVICE_GET_IRQ_INFO, device_get_irq_info,
	       (.argsz = 16, .index = 2), (16, 9, 2, 4),
	       "{\"argsz\":16,\"index\":\"VFIO_PCI_MSIX_IRQ_INDEX\"}",
	       "{\"flags\":[\"VFIO_IRQ_INFO_EVENTFD\","
	       "\"VFIO_IRQ_INFO_NORESIZE\"],\"count\":4}");
	DEVICE(DEVICE_GET_PCI_HOT_RESET_INFO, device_get_pci_hot_reset_info,
	       (.argsz = 12), (12, 1, 2), "{\"argsz\":12}",
	       "{\"flags\":[\"VFIO_PCI_HOT_RESET_FLAG_DEV_ID\"],"
	       "\"count\":2}");
}

static void what_devices_do(void **state)
{
	(void)state;
	DEVICE(DEVICE_SET_IRQS, device_set_irqs, (24, 0x24, 2, 1, 1), NONE,
	       "{\"argsz\":24,\"flags\":[\"VFIO_IRQ_SET_DATA_EVENTFD\","
	       "\"VFIO_IRQ_SET_ACTION_TRIGGER\"],"
	       "\"index\":\"VFIO_PCI_MSIX_IRQ_INDEX\",\"start\":1,"
	       "\"count\":1}",
	       "none");
	DEVICE(DEVICE_IOEVENTFD, device_ioeventfd,
	       (40, 4, (0x12ull << 40) + 8, 3, -1, 0), NONE,
	       "{\"argsz\":40,\"flags\":[\"VFIO_DEVICE_IOEVENTFD_32\"],"
	       "\"offset\":\"bar2+0x8\",\"data\":\"0x3\",\"fd\":-1}",
	       "none");
	DEVICE(DEVICE_FEATURE, device_feature, (12, 10 | 1 << 17), NONE,
	       "{\"argsz\":12,"
	       "\"feature\":\"VFIO_DEVICE_FEATURE_BUS_MASTER\","
	       "\"flags\":[\"VFIO_DEVICE_FEATURE_SET\"]}",
	       "none");
	DEVICE(DEVICE_PCI_HOT_RESET, device_pci_hot_reset, (16, 0, 1), NONE,
	       "{\"argsz\":16,\"flags\":[],\"count\":1}", "none");
	DEVICE(DEVICE_BIND_IOMMUFD, device_bind_iommufd,
	       (16, 0, .iommufd = 5), (.out_devid = 1),
	       "{\"argsz\":16,\"flags\":[],\"iommufd\":5,"
	       "\"token_uuid_ptr\":\"0x0\"}",
	       "{\"out_devid\":1}");
	DEVICE(DEVICE_ATTACH_IOMMUFD_PT, device_attach_iommufd_pt, (16, 1, 2, 3),
	       (16, 1, 4, 3),
	       "{\"argsz\":16,\"flags\":[\"VFIO_DEVICE_ATTACH_PASID\"],"
	       "\"pt_id\":2,\"pasid\":3}",
	       "{\"pt_id\":4}");
	DEVICE(DEVICE_DETACH_IOMMUFD_PT, device_detach_iommufd_pt, (12, 1, 3),
	       NONE,
	       "{\"argsz\":12,\"flags\":[\"VFIO_DEVICE_DETACH_PASID\"],"
	       "\"pasid\":3}",
	       "none");
}

static void groups(void **state)
{
	static const char name[] = "0000:01:00.0\0beyond";
	const int32_t container = 7;
	struct ioas_request rq = { .device = true };

	(void)state;
	DEVICE(GROUP_GET_STATUS, group_get_status, (8, 0), (8, 3),
	       "{\"argsz\":8}",
	       "{\"flags\":[\"VFIO_GROUP_FLAGS_VIABLE\","
	       "\"VFIO_GROUP_FLAGS_CONTAINER_SET\"]}");
	rq.cmd = IOAS_ABI_VFIO_GROUP_SET_CONTAINER;
	rq.in = rq.out = &container;
	rq.size = 4;
	expect_request(&rq, "{\"container\":7}", "none");
	rq.cmd = IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD;
	rq.in = rq.out = name;
	rq.size = sizeof(name);
	expect_request(&rq, "{\"name\":\"0000:01:00.0\"}", "none");
	/* Where the zero is not among the bytes. */
	rq.size = 4;
	expect_request(&rq, "{\"name\":\"0000\"}", "none");
	rq.size = 0;
	expect_request(&rq, "{}", "none");
}

/* A container's number, too, and another request there. */
static void numbers_mean_what_the_file_makes_of_them(void **state)
{
	bool seen[IOAS_NR_COMMANDS] = { false };
	uint32_t size;

	(void)state;
	for (uint32_t cmd = 0x3b67; cmd <= 0x3b78; cmd++) {
		const unsigned int i = ioas_device_command_index(cmd);

		assert_true(i && i < IOAS_NR_COMMANDS && !seen[i]);
		seen[i] = true;
		assert_string_equal(ioas_command_index_name(i),
				    ioas_device_command_name(cmd));
		assert_memory_equal(ioas_device_command_name(cmd), "VFIO_", 5);
		assert_true(i != ioas_command_index(cmd, NULL, 0));
	}
	assert_string_equal(ioas_command_name(0x3b71), "VFIO_IOMMU_MAP_DMA");
	assert_string_equal(ioas_device_command_name(0x3b71),
			    "VFIO_DEVICE_PCI_HOT_RESET");
	assert_null(ioas_device_command_name(IOAS_ABI_IOAS_MAP));
	assert_int_equal(ioas_device_command_index(IOAS_ABI_IOAS_MAP), 0);
	assert_int_equal(ioas_device_request(IOAS_ABI_IOAS_MAP, &size),
			 IOAS_REQUEST_TOLD);
	assert_int_equal(size, 0);
	assert_int_equal(ioas_device_request(0x3b6b, &size),
			 IOAS_REQUEST_ARGSZ);
	assert_int_equal(size, sizeof(struct ioas_abi_vfio_device_get_info));
}

static void expect_place(uint64_t offset, const char *want)
{
	char place[IOAS_DECODE_PLACE];

	ioas_decode_place(offset, place);
	assert_string_equal(place, want);
}

static void positions_are_in_regions(void **state)
{
	(void)state;
	expect_place(0, "bar0+0x0");
	expect_place((5ull << 40) + 0x14, "bar5+0x14");
	expect_place((0x10ull << 40) + 0x14, "bar0+0x14");
	expect_place((0x16ull << 40) - 1, "bar5+0xffffffffff");
	expect_place(6ull << 40, "rom+0x0");
	expect_place((7ull << 40) + 4, "config+0x4");
	expect_place(8ull << 40, "vga+0x0");
	expect_place(9ull << 40, "0x90000000000");
	expect_place(0x16ull << 40, "0x160000000000");
	expect_place(UINT64_MAX, "0xffffffffffffffff");
}

static void test_operations(void **state)
{
	(void)state;
	OP(ADD_RESERVED, (.add_reserved = { 16, 32 }), NONE,
	   ",\"start\":\"0x10\",\"length\":32", "none");
	OP(MOCK_DOMAIN, (.last = 0), (.mock_domain = { 2, 3, 4 }), "",
	   "{\"out_stdev_id\":2,\"out_hwpt_id\":3,\"out_idev_id\":4}");
	OP(MD_CHECK_MAP, (.md_check_map = { 16, 32, 48 }), NONE,
	   ",\"iova\":\"0x10\",\"length\":32,\"uptr\":\"0x30\"", "none");
	OP(MD_CHECK_REFS, (.md_check_refs = { 16, 32, .refs = 1 }), NONE,
	   ",\"length\":16,\"uptr\":\"0x20\",\"refs\":1", "none");
	OP(CREATE_ACCESS, (.create_access = { 0, 1 }),
	   (.create_access = { .out_access_fd = 1003 }),
	   ",\"flags\":[\"MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES\"]",
	   "{\"out_access_fd\":1003}");
	OP(DESTROY_ACCESS_PAGES, (.destroy_access_pages = { 5 }), NONE,
	   ",\"access_pages_id\":5", "none");
	OP(ACCESS_PAGES, (.access_pages = { 0x10001, 0, 16, 32, 48 }),
	   (.access_pages = { .out_access_pages_id = 7 }),
	   ",\"flags\":[\"MOCK_FLAGS_ACCESS_WRITE\","
	   "\"MOCK_FLAGS_ACCESS_SYZ\"],\"iova\":\"0x10\",\"length\":32,"
	   "\"uptr\":\"0x30\"",
	   "{\"out_access_pages_id\":7}");
	OP(ACCESS_RW, (.access_rw = { 16, 32, 48, .flags = 5 }), NONE,
	   ",\"iova\":\"0x10\",\"length\":32,\"uptr\":\"0x30\","
	   "\"flags\":[\"MOCK_ACCESS_RW_WRITE\","
	   "\"MOCK_ACCESS_RW_SLOW_PATH\"]",
	   "none");
	OP(SET_TEMP_MEMORY_LIMIT, (.set_temp_memory_limit = { 9 }), NONE,
	   ",\"limit\":9", "none");
	OP(MOCK_DOMAIN_REPLACE, (.mock_domain_replace = { 9 }),
	   (.mock_domain_replace = { 10 }), ",\"pt_id\":9", "{\"pt_id\":10}");
	OP(ACCESS_REPLACE_IOAS, (.access_replace_ioas = { 9 }), NONE,
	   ",\"ioas_id\":9", "none");
	OP(MOCK_DOMAIN_FLAGS, (.mock_domain_flags = { .dev_flags = 7 }),
	   (.mock_domain_flags = { 2, 3, .out_idev_id = 4 }),
	   ",\"dev_flags\":[\"MOCK_FLAGS_DEVICE_NO_DIRTY\","
	   "\"MOCK_FLAGS_DEVICE_PASID\",\"0x2\"]",
	   "{\"out_stdev_id\":2,\"out_hwpt_id\":3,\"out_idev_id\":4}");
	OP(DIRTY, (.dirty = { .iova = 16, .length = 32, .page_size = 64, .uptr = 80 }),
	   (.dirty = { .out_nr_dirty = 3 }),
	   ",\"flags\":[],\"iova\":\"0x10\",\"length\":32,"
	   "\"page_size\":64,\"uptr\":\"0x50\"",
	   "{\"out_nr_dirty\":3}");
}

static void more_test_operations(void **state)
{
	(void)state;
	OP(MD_CHECK_IOTLB, (.md_check_iotlb = { 2, 255 }), NONE,
	   ",\"entry\":2,\"iotlb\":\"0xff\"", "none");
	OP(TRIGGER_IOPF, (.trigger_iopf = { 2, 3, 4, 3, 16 }), NONE,
	   ",\"dev_id\":2,\"pasid\":3,\"grpid\":4,"
	   "\"perm\":[\"IOMMU_PGFAULT_PERM_READ\","
	   "\"IOMMU_PGFAULT_PERM_WRITE\"],\"addr\":\"0x10\"",
	   "none");
	OP(DEV_CHECK_CACHE, (.dev_check_cache = { 2, 255 }), NONE,
	   ",\"entry\":2,\"cache\":\"0xff\"", "none");
	OP(TRIGGER_VEVENT, (.trigger_vevent = { 2 }), NONE, ",\"dev_id\":2",
	   "none");
	OP(PASID_ATTACH, (.pasid_attach = { 2, 3 }), (.pasid_attach = { 2, 4 }),
	   ",\"pasid\":2,\"pt_id\":3", "{\"pt_id\":4}");
	OP(PASID_REPLACE, (.pasid_replace = { 2, 3 }),
	   (.pasid_replace = { 2, 4 }), ",\"pasid\":2,\"pt_id\":3",
	   "{\"pt_id\":4}");
	OP(PASID_DETACH, (.pasid_detach = { 2 }), NONE, ",\"pasid\":2", "none");
	OP(PASID_CHECK_HWPT, (.pasid_check_hwpt = { 2, 3 }), NONE,
	   ",\"pasid\":2,\"hwpt_id\":3", "none");
	OP(DMABUF_GET, (.dmabuf_get = { 4096, O_CLOEXEC }), NONE,
	   ",\"length\":4096,\"open_flags\":\"0x80000\"", "none");
	OP(DMABUF_REVOKE, (.dmabuf_revoke = { -1, 1 }), NONE,
	   ",\"dmabuf_fd\":-1,\"revoked\":1", "none");
}

/* ---- what is odd --------------------------------------------------------- */

static void reserved_members_and_sizes_show_if_they_are_wrong(void **state)
{
	(void)state;
	EXPECT_AS(IOAS_ABI_IOAS_MAP, ioas_map, -EOPNOTSUPP,
		  (.size = 41, .__reserved = 6), (.iova = 9),
		  "{\"size\":41,\"flags\":[],\"ioas_id\":0,\"__reserved\":6,"
		  "\"user_va\":\"0x0\",\"length\":0,\"iova\":\"0x0\"}",
		  "none");
}

/* The reference, 3.3: what is written back of a request that failed. */
static void results_of_errors_show_only_where_they_come_back(void **state)
{
	(void)state;
	EXPECT_AS(IOAS_ABI_IOAS_ALLOC, ioas_alloc, -ENOMEM, (OWN(ioas_alloc)),
		  (.out_ioas_id = 3), "{\"flags\":[]}", "none");
	EXPECT_AS(IOAS_ABI_HWPT_INVALIDATE, hwpt_invalidate, -EINVAL,
		  (OWN(hwpt_invalidate)), (.entry_num = 1),
		  "{\"hwpt_id\":0,\"data_uptr\":\"0x0\","
		  "\"data_type\":\"IOMMU_HWPT_INVALIDATE_DATA_VTD_S1\","
		  "\"entry_len\":0,\"entry_num\":0}",
		  "{\"entry_num\":1}");
	EXPECT_AS(IOAS_ABI_IOAS_IOVA_RANGES, ioas_iova_ranges, -EMSGSIZE,
		  (OWN(ioas_iova_ranges)), (.num_iovas = 4),
		  "{\"ioas_id\":0,\"num_iovas\":0,\"allowed_iovas\":\"0x0\"}",
		  "{\"num_iovas\":4,\"out_iova_alignment\":0}");
	EXPECT_AS(IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, vfio_iommu_unmap_dma, -ENOENT,
		  (24, 0, 0x1000, 4096), (.size = 0),
		  "{\"argsz\":24,\"flags\":[],\"iova\":\"0x1000\","
		  "\"size\":4096}",
		  "{\"size\":0}");
}

static void unknown_commands_are_numbers(void **state)
{
	const struct ioas_request rq = { .cmd = 0x3bff, .result = -ENOTTY };
	struct ioas_abi_test_cmd test = { OWN(test_cmd), .op = 99, .id = 1 };
	const struct ioas_request op = {
		.cmd = IOAS_ABI_TEST_CMD, .size = sizeof(test), .in = &test,
		.out = &test, .result = -EOPNOTSUPP,
	};

	(void)state;
	assert_null(ioas_command_name(0x3bff));
	assert_null(ioas_command_name(0x12343b85));
	assert_int_equal(ioas_command_index(0x3bff, NULL, 0), 0);
	assert_string_equal(ioas_command_index_name(0), "unknown");
	assert_string_equal(ioas_command_index_name(1000), "unknown");
	expect_request(&rq, "{}", "none");
	expect_request(&op, "{\"op\":99,\"id\":1}", "none");
	assert_string_equal(ioas_command_index_name(ioas_command_index(
				    IOAS_ABI_TEST_CMD, &test, sizeof(test))),
			    "IOMMU_TEST_CMD");
}

/* No number of the reference is missing, none is there twice. */
static void every_command_has_an_index_of_its_own(void **state)
{
	bool seen[IOAS_NR_COMMANDS] = { false };
	struct ioas_abi_test_cmd test = { OWN(test_cmd) };
	unsigned int i;

	(void)state;
	for (uint32_t cmd = 0x3b80; cmd <= 0x3b94; cmd++) {
		assert_non_null(ioas_command_name(cmd));
		i = ioas_command_index(cmd, NULL, 0);
		assert_true(i && i < IOAS_NR_COMMANDS && !seen[i]);
		assert_string_equal(ioas_command_index_name(i),
				    ioas_command_name(cmd));
		seen[i] = true;
	}
	for (test.op = 1; test.op <= IOAS_ABI_TEST_OP_DMABUF_REVOKE;
	     test.op++) {
		i = ioas_command_index(IOAS_ABI_TEST_CMD, &test, sizeof(test));
		assert_true(i && i < IOAS_NR_COMMANDS && !seen[i]);
		assert_memory_equal(ioas_command_index_name(i),
				    "IOMMU_TEST_OP_", 14);
		seen[i] = true;
	}
}

/* A request that was copied in part shows the members that are whole. */
static void nothing_beyond_the_size_is_shown(void **state)
{
	struct ioas_abi_ioas_map map = { OWN(ioas_map), .ioas_id = 1 };
	struct ioas_request rq = {
		.cmd = IOAS_ABI_IOAS_MAP, .in = &map, .out = &map,
	};

	(void)state;
	expect_request(&rq, "{}", "none");
	rq.size = 11;
	expect_request(&rq, "{\"flags\":[]}", "none");
	rq.size = 12;
	expect_request(&rq, "{\"flags\":[],\"ioas_id\":1}", "none");
}

/* Whatever the bytes are, what comes out can be read back. */
static void garbage_is_decoded_to_json(void **state)
{
	struct prng rng = { 1 };

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		const uint32_t size = (uint32_t)(prng_next(&rng) % 73);
		uint8_t *in = malloc(size ? size : 1);
		const struct ioas_request rq = {
			.cmd = 0x3b60 + (uint32_t)(prng_next(&rng) % 0x44),
			.size = size, .in = in, .out = in,
			.arg = prng_next(&rng),
			.result = prng_next(&rng) % 2 ? 0 : -EMSGSIZE,
			.device = prng_next(&rng) % 2,
		};
		struct json_object *o, *back;

		for (uint32_t b = 0; b < size; b++)
			in[b] = (uint8_t)prng_next(&rng);
		if (size >= 8 && prng_next(&rng) % 2)
			in[4] %= 24, in[5] = in[6] = in[7] = 0;
		o = ioas_decode_args(&rq);
		back = json_tokener_parse(json_object_to_json_string(o));
		assert_true(json_object_is_type(back, json_type_object));
		json_object_put(back);
		json_object_put(o);
		json_object_put(ioas_decode_out(&rq));
		free(in);
	}
}

/* ---- words --------------------------------------------------------------- */

static void words_of_members(void **state)
{
	struct json_object *o = json_object_new_object();

	(void)state;
	ioas_json_put_time(o, "t", UINT64_C(1764418946000000007));
	ioas_json_put_us(o, "us", 12345);
	ioas_json_put_text(o, "s", "a\"\n\x01\xff/b");
	ioas_json_put_open_flags(o, "f", O_RDWR | O_CLOEXEC | 1 << 30);
	expect_text(o, "{\"t\":\"2025-11-29T12:22:26.000000007Z\","
		       "\"us\":12.345,\"s\":\"a\\\"??""?/b\","
		       "\"f\":[\"O_RDWR\",\"O_CLOEXEC\",\"0x40000000\"]}");
	assert_string_equal(ioas_error_name(-EFAULT), "EFAULT");
	assert_string_equal(ioas_error_name(EADDRINUSE), "EADDRINUSE");
	assert_null(ioas_error_name(-4000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spaces),
		cmocka_unit_test(mappings),
		cmocka_unit_test(page_tables),
		cmocka_unit_test(queues_and_guests),
		cmocka_unit_test(containers),
		cmocka_unit_test(what_devices_are),
		cmocka_unit_test(what_devices_do),
		cmocka_unit_test(groups),
		cmocka_unit_test(numbers_mean_what_the_file_makes_of_them),
		cmocka_unit_test(positions_are_in_regions),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(more_test_operations),
		cmocka_unit_test(
			reserved_members_and_sizes_show_if_they_are_wrong),
		cmocka_unit_test(
			results_of_errors_show_only_where_they_come_back),
		cmocka_unit_test(unknown_commands_are_numbers),
		cmocka_unit_test(every_command_has_an_index_of_its_own),
		cmocka_unit_test(nothing_beyond_the_size_is_shown),
		cmocka_unit_test(garbage_is_decoded_to_json),
		cmocka_unit_test(words_of_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
