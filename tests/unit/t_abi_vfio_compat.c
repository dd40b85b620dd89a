/* SPDX-License-Identifier: MIT */
/*
 * abi_vfio_compat: a driver written for Linux, over our names
 *
 * <linux/vfio.h>, included late as a header of the driver's may do, must find
 * its names taken and add none of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ioas/abi/compat/iommufd.h>
#include <ioas/abi/compat/vfio.h>

#include <linux/ioctl.h>
#include <linux/vfio.h>

#define SAME_TYPE(a, b) _Generic((struct a *)NULL, struct b *: 1, default: 0)

static void the_names_of_the_system_are_ours(void **state)
{
	(void)state;
	assert_true(SAME_TYPE(vfio_device_info, ioas_abi_vfio_device_get_info));
	assert_true(SAME_TYPE(vfio_region_info,
			      ioas_abi_vfio_device_get_region_info));
	assert_true(SAME_TYPE(vfio_irq_info,
			      ioas_abi_vfio_device_get_irq_info));
	assert_true(SAME_TYPE(vfio_irq_set, ioas_abi_vfio_device_set_irqs));
	assert_true(SAME_TYPE(vfio_iommu_type1_dma_map,
			      ioas_abi_vfio_iommu_map_dma));
	assert_false(SAME_TYPE(vfio_irq_info, ioas_abi_vfio_device_set_irqs));
	assert_int_equal(VFIO_DEVICE_BIND_IOMMUFD, _IO(VFIO_TYPE,
						       VFIO_BASE + 18));
	assert_int_equal(VFIO_IOMMU_GET_INFO, _IO(VFIO_TYPE, VFIO_BASE + 12));
}

/* As drivers do it: a struct, and an array that follows it. */
static void an_array_follows_the_struct(void **state)
{
	static const int32_t fds[] = { -1, 7, 8 };
	const size_t bytes = sizeof(struct vfio_irq_set) + sizeof(fds);
	struct vfio_irq_set *set = calloc(1, bytes);
	int32_t fd;

	(void)state;
	assert_non_null(set);
	set->argsz = (uint32_t)bytes;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = 3;
	memcpy(set->data, fds, sizeof(fds));
	assert_int_equal(set->argsz, 32);
	memcpy(&fd, (const char *)set + 24, sizeof(fd));
	assert_int_equal(fd, 7);
	free(set);
}

static void areas_that_may_be_mapped_follow_their_head(void **state)
{
	uint64_t words[4] = { 0 };
	struct vfio_region_info_cap_sparse_mmap *cap = (void *)words;

	(void)state;
	cap->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap->header.version = 1;
	cap->nr_areas = 1;
	cap->areas[0].offset = 0x1000;
	cap->areas[0].size = 0x2000;
	assert_int_equal(words[1], 1);
	assert_int_equal(words[2], 0x1000);
	assert_int_equal(words[3], 0x2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_names_of_the_system_are_ours),
		cmocka_unit_test(an_array_follows_the_struct),
		cmocka_unit_test(areas_that_may_be_mapped_follow_their_head),
	};

	return cmocka_run_group_tests_name("abi_vfio_compat", tests, NULL,
					   NULL);
}
