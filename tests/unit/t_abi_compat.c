/* SPDX-License-Identifier: MIT */
/*
 * abi_compat: a program written for Linux, with our names behind the system's
 *
 * Its own functions and variables may be called as structs of the system are.
 * The container's part of the ABI is compared with the system's <linux/vfio.h>,
 * which knows nothing of our reference.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ioas/abi/compat/iommufd.h>

#include <linux/ioctl.h>
#include <linux/vfio.h>

#define SAME_TYPE(a, b) _Generic((struct a *)NULL, struct b *: 1, default: 0)

static uint32_t iommu_option(const struct iommu_option *option)
{
	return option->object_id;
}

static void the_names_of_the_system_are_ours(void **state)
{
	struct iommu_option option = { .object_id = 7 };

	(void)state;
	assert_true(SAME_TYPE(iommu_ioas_map, ioas_abi_ioas_map));
	assert_true(SAME_TYPE(iommu_fault_alloc, ioas_abi_fault_queue_alloc));
	assert_true(SAME_TYPE(iommu_hw_info, ioas_abi_get_hw_info));
	assert_false(SAME_TYPE(iommu_hw_info, ioas_abi_hwpt_alloc));
	assert_int_equal(iommu_option(&option), 7);
}

static void requests_are_what_the_ioctl_macro_makes(void **state)
{
	(void)state;
	assert_int_equal(IOMMU_DESTROY, _IO(IOMMUFD_TYPE, 0x80));
	assert_int_equal(IOMMU_IOAS_MAP, _IO(IOMMUFD_TYPE, 0x85));
	assert_int_equal(IOMMU_HW_QUEUE_ALLOC, _IO(IOMMUFD_TYPE, 0x94));
}

static void container_requests_are_vfios(void **state)
{
	(void)state;
	assert_int_equal(IOAS_ABI_VFIO_GET_API_VERSION, VFIO_GET_API_VERSION);
	assert_int_equal(IOAS_ABI_VFIO_CHECK_EXTENSION, VFIO_CHECK_EXTENSION);
	assert_int_equal(IOAS_ABI_VFIO_SET_IOMMU, VFIO_SET_IOMMU);
	assert_int_equal(IOAS_ABI_VFIO_IOMMU_GET_INFO, VFIO_IOMMU_GET_INFO);
	assert_int_equal(IOAS_ABI_VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_MAP_DMA);
	assert_int_equal(IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_UNMAP_DMA);
	assert_int_equal(IOAS_ABI_VFIO_IOMMU_DIRTY_PAGES,
			 VFIO_IOMMU_DIRTY_PAGES);
}

static void container_constants_are_vfios(void **state)
{
	static const unsigned int pairs[][2] = {
#define PAIR(name) { IOAS_ABI_##name, name }
		PAIR(VFIO_TYPE1_IOMMU),
		PAIR(VFIO_TYPE1v2_IOMMU),
		PAIR(VFIO_DMA_CC_IOMMU),
		PAIR(VFIO_TYPE1_NESTING_IOMMU),
		PAIR(VFIO_NOIOMMU_IOMMU),
		PAIR(VFIO_UNMAP_ALL),
		PAIR(VFIO_UPDATE_VADDR),
		PAIR(VFIO_IOMMU_INFO_PGSIZES),
		PAIR(VFIO_IOMMU_INFO_CAPS),
		{ IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE,
		  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE },
		{ IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL,
		  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL },
		PAIR(VFIO_DMA_MAP_FLAG_READ),
		PAIR(VFIO_DMA_MAP_FLAG_WRITE),
		PAIR(VFIO_DMA_MAP_FLAG_VADDR),
		PAIR(VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP),
		PAIR(VFIO_DMA_UNMAP_FLAG_ALL),
		PAIR(VFIO_DMA_UNMAP_FLAG_VADDR),
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_int_equal(pairs[i][0], pairs[i][1]);
}

static void container_structs_are_vfios(void **state)
{
#define SAME_SIZE(a, b) \
	assert_int_equal(sizeof(struct ioas_abi_##a), sizeof(struct b))
#define SAME_PLACE(a, b, member) \
	assert_int_equal(offsetof(struct ioas_abi_##a, member), \
			 offsetof(struct b, member))
	(void)state;
	/* The system's ends with cap_offset, in old versions before it. */
	SAME_PLACE(vfio_iommu_get_info, vfio_iommu_type1_info, flags);
	SAME_PLACE(vfio_iommu_get_info, vfio_iommu_type1_info, iova_pgsizes);
	SAME_PLACE(vfio_iommu_get_info, vfio_iommu_type1_info, cap_offset);
	SAME_SIZE(vfio_info_cap_header, vfio_info_cap_header);
	SAME_PLACE(vfio_info_cap_header, vfio_info_cap_header, version);
	SAME_PLACE(vfio_info_cap_header, vfio_info_cap_header, next);
	SAME_SIZE(vfio_iova_range, vfio_iova_range);
	SAME_PLACE(vfio_iova_range, vfio_iova_range, end);
	SAME_SIZE(vfio_info_cap_iova_range,
		  vfio_iommu_type1_info_cap_iova_range);
	SAME_PLACE(vfio_info_cap_iova_range,
		   vfio_iommu_type1_info_cap_iova_range, nr_iovas);
	SAME_SIZE(vfio_info_cap_dma_avail, vfio_iommu_type1_info_dma_avail);
	SAME_PLACE(vfio_info_cap_dma_avail, vfio_iommu_type1_info_dma_avail,
		   avail);
	SAME_SIZE(vfio_iommu_map_dma, vfio_iommu_type1_dma_map);
	SAME_PLACE(vfio_iommu_map_dma, vfio_iommu_type1_dma_map, flags);
	SAME_PLACE(vfio_iommu_map_dma, vfio_iommu_type1_dma_map, vaddr);
	SAME_PLACE(vfio_iommu_map_dma, vfio_iommu_type1_dma_map, iova);
	SAME_PLACE(vfio_iommu_map_dma, vfio_iommu_type1_dma_map, size);
	SAME_SIZE(vfio_iommu_unmap_dma, vfio_iommu_type1_dma_unmap);
	SAME_PLACE(vfio_iommu_unmap_dma, vfio_iommu_type1_dma_unmap, flags);
	SAME_PLACE(vfio_iommu_unmap_dma, vfio_iommu_type1_dma_unmap, iova);
	SAME_PLACE(vfio_iommu_unmap_dma, vfio_iommu_type1_dma_unmap, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_names_of_the_system_are_ours),
		cmocka_unit_test(requests_are_what_the_ioctl_macro_makes),
		cmocka_unit_test(container_requests_are_vfios),
		cmocka_unit_test(container_constants_are_vfios),
		cmocka_unit_test(container_structs_are_vfios),
	};

	return cmocka_run_group_tests_name("abi_compat", tests, NULL, NULL);
}
