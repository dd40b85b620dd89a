/* SPDX-License-Identifier: MIT */
/*
 * abi_system: the compatibility include behind the system's own header
 *
 * The definitions below stand for a <linux/iommufd.h> of an early version, with
 * some of the requests, in structs as they first were. scripts/check-headers
 * compiles the include beside the real one, where there is one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <linux/ioctl.h>

#define IOMMU_DESTROY _IO(0x3b, 0x80)
#define IOMMU_HWPT_ALLOC _IO(0x3b, 0x89)

struct iommu_destroy {
	uint32_t size, id;
};

struct iommu_hwpt_alloc {
	uint32_t size, flags, dev_id, pt_id, out_hwpt_id, reserved;
};

#include <ioas/abi/compat/iommufd.h>

static void names_stay_the_systems(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct iommu_hwpt_alloc), 24);
	assert_int_equal(sizeof(struct ioas_abi_hwpt_alloc), 48);
	assert_int_equal(_Generic((struct iommu_destroy *)NULL,
				  struct ioas_abi_destroy *: 1, default: 0), 0);
}

static void names_that_the_system_lacks_are_not_added(void **state)
{
	(void)state;
#ifdef IOMMU_IOAS_MAP
	fail_msg("half of the names are the system's, half are ours");
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stay_the_systems),
		cmocka_unit_test(names_that_the_system_lacks_are_not_added),
	};

	return cmocka_run_group_tests_name("abi_system", tests, NULL, NULL);
}
