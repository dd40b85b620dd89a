/* SPDX-License-Identifier: MIT */
/*
 * abi_vfio: VFIO's part of the ABI, under our names and behind the system's
 *
 *     <ioas/abi/vfio.h> ---- compared with ----> <linux/vfio.h>
 *                \                                 knows nothing of our
 *                 \                                reference, but is as old
 *                  \                               as the system
 *                   +------- compared with ----> numbers of the reference
 *
 * Sizes and offsets are asserted by <ioas/abi/vfio_layout.h>, which this only
 * has to include. t_abi_vfio_compat.c has the names of the system's without it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <linux/ioctl.h>
#include <linux/vfio.h>

#include <ioas/abi/vfio_layout.h>
#include <ioas/abi/compat/vfio.h>

struct pair {
	const char *name;
	unsigned long long ours, theirs;
};

static void compare(const struct pair *pairs, size_t nr)
{
	unsigned int wrong = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		if (pairs[i].ours == pairs[i].theirs)
			continue;
		print_error("%s: %#llx, expected %#llx\n", pairs[i].name,
			    pairs[i].ours, pairs[i].theirs);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#define COMPARE(pairs) compare(pairs, sizeof(pairs) / sizeof(pairs[0]))
#define PAIR(name) { #name, IOAS_ABI_##name, name }

static void requests_are_the_systems(void **state)
{
	static const struct pair pairs[] = {
		PAIR(VFIO_GROUP_GET_STATUS),
		PAIR(VFIO_GROUP_SET_CONTAINER),
		PAIR(VFIO_GROUP_UNSET_CONTAINER),
		PAIR(VFIO_GROUP_GET_DEVICE_FD),
		PAIR(VFIO_DEVICE_GET_INFO),
		PAIR(VFIO_DEVICE_GET_REGION_INFO),
		PAIR(VFIO_DEVICE_GET_IRQ_INFO),
		PAIR(VFIO_DEVICE_SET_IRQS),
		PAIR(VFIO_DEVICE_RESET),
		PAIR(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO),
		PAIR(VFIO_DEVICE_PCI_HOT_RESET),
		PAIR(VFIO_DEVICE_QUERY_GFX_PLANE),
		PAIR(VFIO_DEVICE_GET_GFX_DMABUF),
		PAIR(VFIO_DEVICE_IOEVENTFD),
		PAIR(VFIO_DEVICE_FEATURE),
		PAIR(VFIO_API_VERSION),
		PAIR(VFIO_BASE),
	};

	(void)state;
	COMPARE(pairs);
}

/* Those that came later than many systems' headers, by their numbers. */
static void later_requests_are_the_references(void **state)
{
#define NUMBER(name, nr) \
	{ #name, IOAS_ABI_VFIO_##name, _IO(IOAS_ABI_TYPE, nr) }
	static const struct pair pairs[] = {
		NUMBER(DEVICE_BIND_IOMMUFD, 118),
		NUMBER(DEVICE_ATTACH_IOMMUFD_PT, 119),
		NUMBER(DEVICE_DETACH_IOMMUFD_PT, 120),
		NUMBER(MIG_GET_PRECOPY_INFO, 121),
	};

	(void)state;
	COMPARE(pairs);
}

static void constants_are_the_systems(void **state)
{
	static const struct pair pairs[] = {
		PAIR(VFIO_GROUP_FLAGS_VIABLE),
		PAIR(VFIO_GROUP_FLAGS_CONTAINER_SET),
		PAIR(VFIO_DEVICE_FLAGS_RESET),
		PAIR(VFIO_DEVICE_FLAGS_PCI),
		PAIR(VFIO_DEVICE_FLAGS_PLATFORM),
		PAIR(VFIO_DEVICE_FLAGS_AMBA),
		PAIR(VFIO_DEVICE_FLAGS_CCW),
		PAIR(VFIO_DEVICE_FLAGS_AP),
		PAIR(VFIO_DEVICE_FLAGS_FSL_MC),
		PAIR(VFIO_DEVICE_FLAGS_CAPS),
		PAIR(VFIO_REGION_INFO_FLAG_READ),
		PAIR(VFIO_REGION_INFO_FLAG_WRITE),
		PAIR(VFIO_REGION_INFO_FLAG_MMAP),
		PAIR(VFIO_REGION_INFO_FLAG_CAPS),
		PAIR(VFIO_REGION_INFO_CAP_SPARSE_MMAP),
		PAIR(VFIO_REGION_INFO_CAP_TYPE),
		PAIR(VFIO_REGION_INFO_CAP_MSIX_MAPPABLE),
		PAIR(VFIO_REGION_TYPE_PCI_VENDOR_MASK),
		{ "VENDOR_TYPE", IOAS_ABI_VFIO_REGION_TYPE_PCI_VENDOR_TYPE,
		  (uint32_t)VFIO_REGION_TYPE_PCI_VENDOR_TYPE },
		PAIR(VFIO_PCI_BAR0_REGION_INDEX),
		PAIR(VFIO_PCI_BAR5_REGION_INDEX),
		PAIR(VFIO_PCI_ROM_REGION_INDEX),
		PAIR(VFIO_PCI_CONFIG_REGION_INDEX),
		PAIR(VFIO_PCI_VGA_REGION_INDEX),
		PAIR(VFIO_PCI_NUM_REGIONS),
		PAIR(VFIO_IRQ_INFO_EVENTFD),
		PAIR(VFIO_IRQ_INFO_MASKABLE),
		PAIR(VFIO_IRQ_INFO_AUTOMASKED),
		PAIR(VFIO_IRQ_INFO_NORESIZE),
		PAIR(VFIO_PCI_INTX_IRQ_INDEX),
		PAIR(VFIO_PCI_MSI_IRQ_INDEX),
		PAIR(VFIO_PCI_MSIX_IRQ_INDEX),
		PAIR(VFIO_PCI_ERR_IRQ_INDEX),
		PAIR(VFIO_PCI_REQ_IRQ_INDEX),
		PAIR(VFIO_PCI_NUM_IRQS),
		PAIR(VFIO_IRQ_SET_DATA_NONE),
		PAIR(VFIO_IRQ_SET_DATA_BOOL),
		PAIR(VFIO_IRQ_SET_DATA_EVENTFD),
		PAIR(VFIO_IRQ_SET_ACTION_MASK),
		PAIR(VFIO_IRQ_SET_ACTION_UNMASK),
		PAIR(VFIO_IRQ_SET_ACTION_TRIGGER),
		PAIR(VFIO_IRQ_SET_DATA_TYPE_MASK),
		PAIR(VFIO_IRQ_SET_ACTION_TYPE_MASK),
		PAIR(VFIO_DEVICE_IOEVENTFD_8),
		PAIR(VFIO_DEVICE_IOEVENTFD_16),
		PAIR(VFIO_DEVICE_IOEVENTFD_32),
		PAIR(VFIO_DEVICE_IOEVENTFD_64),
		PAIR(VFIO_DEVICE_IOEVENTFD_SIZE_MASK),
		PAIR(VFIO_DEVICE_FEATURE_MASK),
		PAIR(VFIO_DEVICE_FEATURE_GET),
		PAIR(VFIO_DEVICE_FEATURE_SET),
		PAIR(VFIO_DEVICE_FEATURE_PROBE),
		PAIR(VFIO_DEVICE_FEATURE_PCI_VF_TOKEN),
		PAIR(VFIO_DEVICE_FEATURE_MIGRATION),
		PAIR(VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE),
		PAIR(VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY),
		PAIR(VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP),
		PAIR(VFIO_DEVICE_FEATURE_LOW_POWER_EXIT),
		PAIR(VFIO_DEVICE_FEATURE_DMA_LOGGING_START),
		PAIR(VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP),
		PAIR(VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT),
		PAIR(VFIO_MIGRATION_STOP_COPY),
		PAIR(VFIO_MIGRATION_P2P),
		PAIR(VFIO_DEVICE_STATE_ERROR),
		PAIR(VFIO_DEVICE_STATE_STOP),
		PAIR(VFIO_DEVICE_STATE_RUNNING),
		PAIR(VFIO_DEVICE_STATE_STOP_COPY),
		PAIR(VFIO_DEVICE_STATE_RESUMING),
		PAIR(VFIO_DEVICE_STATE_RUNNING_P2P),
	};

	(void)state;
	COMPARE(pairs);
}

#define SAME_SIZE(a, b) \
	assert_int_equal(sizeof(struct ioas_abi_##a), sizeof(struct b))
#define SAME_PLACE(a, b, member) \
	assert_int_equal(offsetof(struct ioas_abi_##a, member), \
			 offsetof(struct b, member))

static void information_is_the_systems(void **state)
{
	(void)state;
	/* The system's ends with pad, in old versions with cap_offset. */
	SAME_PLACE(vfio_device_get_info, vfio_device_info, flags);
	SAME_PLACE(vfio_device_get_info, vfio_device_info, num_regions);
	SAME_PLACE(vfio_device_get_info, vfio_device_info, num_irqs);
	SAME_PLACE(vfio_device_get_info, vfio_device_info, cap_offset);
	SAME_SIZE(vfio_device_get_region_info, vfio_region_info);
	SAME_PLACE(vfio_device_get_region_info, vfio_region_info, index);
	SAME_PLACE(vfio_device_get_region_info, vfio_region_info, cap_offset);
	SAME_PLACE(vfio_device_get_region_info, vfio_region_info, size);
	SAME_PLACE(vfio_device_get_region_info, vfio_region_info, offset);
	SAME_SIZE(vfio_region_sparse_mmap_area, vfio_region_sparse_mmap_area);
	SAME_PLACE(vfio_region_sparse_mmap_area, vfio_region_sparse_mmap_area,
		   size);
	SAME_SIZE(vfio_region_info_cap_sparse_mmap,
		  vfio_region_info_cap_sparse_mmap);
	SAME_PLACE(vfio_region_info_cap_sparse_mmap,
		   vfio_region_info_cap_sparse_mmap, nr_areas);
	SAME_PLACE(vfio_region_info_cap_sparse_mmap,
		   vfio_region_info_cap_sparse_mmap, areas);
	SAME_SIZE(vfio_region_info_cap_type, vfio_region_info_cap_type);
	SAME_PLACE(vfio_region_info_cap_type, vfio_region_info_cap_type,
		   subtype);
	SAME_SIZE(vfio_device_get_irq_info, vfio_irq_info);
	SAME_PLACE(vfio_device_get_irq_info, vfio_irq_info, index);
	SAME_PLACE(vfio_device_get_irq_info, vfio_irq_info, count);
	SAME_SIZE(vfio_group_get_status, vfio_group_status);
	SAME_PLACE(vfio_group_get_status, vfio_group_status, flags);
}

static void what_changes_a_device_is_the_systems(void **state)
{
	(void)state;
	SAME_SIZE(vfio_device_set_irqs, vfio_irq_set);
	SAME_PLACE(vfio_device_set_irqs, vfio_irq_set, index);
	SAME_PLACE(vfio_device_set_irqs, vfio_irq_set, start);
	SAME_PLACE(vfio_device_set_irqs, vfio_irq_set, count);
	SAME_PLACE(vfio_device_set_irqs, vfio_irq_set, data);
	SAME_SIZE(vfio_pci_dependent_device, vfio_pci_dependent_device);
	SAME_PLACE(vfio_pci_dependent_device, vfio_pci_dependent_device,
		   segment);
	SAME_PLACE(vfio_pci_dependent_device, vfio_pci_dependent_device, bus);
	SAME_PLACE(vfio_pci_dependent_device, vfio_pci_dependent_device,
		   devfn);
	SAME_SIZE(vfio_device_get_pci_hot_reset_info, vfio_pci_hot_reset_info);
	SAME_PLACE(vfio_device_get_pci_hot_reset_info, vfio_pci_hot_reset_info,
		   devices);
	SAME_SIZE(vfio_device_pci_hot_reset, vfio_pci_hot_reset);
	SAME_PLACE(vfio_device_pci_hot_reset, vfio_pci_hot_reset, group_fds);
	SAME_PLACE(vfio_device_ioeventfd, vfio_device_ioeventfd, offset);
	SAME_PLACE(vfio_device_ioeventfd, vfio_device_ioeventfd, data);
	SAME_PLACE(vfio_device_ioeventfd, vfio_device_ioeventfd, fd);
	SAME_SIZE(vfio_device_feature, vfio_device_feature);
	SAME_PLACE(vfio_device_feature, vfio_device_feature, data);
}

static void features_are_the_systems(void **state)
{
	(void)state;
	SAME_SIZE(vfio_device_feature_migration,
		  vfio_device_feature_migration);
	SAME_SIZE(vfio_device_feature_mig_state,
		  vfio_device_feature_mig_state);
	SAME_PLACE(vfio_device_feature_mig_state,
		   vfio_device_feature_mig_state, data_fd);
	SAME_SIZE(vfio_device_low_power_entry_with_wakeup,
		  vfio_device_low_power_entry_with_wakeup);
	SAME_SIZE(vfio_device_feature_dma_logging_control,
		  vfio_device_feature_dma_logging_control);
	SAME_PLACE(vfio_device_feature_dma_logging_control,
		   vfio_device_feature_dma_logging_control, num_ranges);
	SAME_PLACE(vfio_device_feature_dma_logging_control,
		   vfio_device_feature_dma_logging_control, ranges);
	SAME_SIZE(vfio_device_feature_dma_logging_range,
		  vfio_device_feature_dma_logging_range);
	SAME_SIZE(vfio_device_feature_dma_logging_report,
		  vfio_device_feature_dma_logging_report);
	SAME_PLACE(vfio_device_feature_dma_logging_report,
		   vfio_device_feature_dma_logging_report, bitmap);
}

/* The system's names come from its own header, which was included before. */
static void names_stay_the_systems(void **state)
{
	(void)state;
	assert_int_equal(_Generic((struct vfio_irq_set *)NULL,
				  struct ioas_abi_vfio_device_set_irqs *: 1,
				  default: 0), 0);
}

static void file_descriptors_are_signed(void **state)
{
	struct ioas_abi_vfio_device_bind_iommufd bind = { .iommufd = -1 };
	struct ioas_abi_vfio_device_ioeventfd event = { .fd = -1 };
	struct ioas_abi_vfio_device_feature_mig_state mig = { .data_fd = -1 };
	struct ioas_abi_vfio_device_low_power_entry_with_wakeup low = {
		.wakeup_eventfd = -1,
	};

	(void)state;
	assert_true(bind.iommufd < 0);
	assert_true(event.fd < 0);
	assert_true(mig.data_fd < 0);
	assert_true(low.wakeup_eventfd < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_the_systems),
		cmocka_unit_test(later_requests_are_the_references),
		cmocka_unit_test(constants_are_the_systems),
		cmocka_unit_test(information_is_the_systems),
		cmocka_unit_test(what_changes_a_device_is_the_systems),
		cmocka_unit_test(features_are_the_systems),
		cmocka_unit_test(names_stay_the_systems),
		cmocka_unit_test(file_descriptors_are_signed),
	};

	return cmocka_run_group_tests_name("abi_vfio", tests, NULL, NULL);
}
