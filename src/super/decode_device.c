/* SPDX-License-Identifier: MIT */
/*
 * decode_device: what is known of the requests of devices and groups
 *
 * In the order of the reference (docs/reference/vfio-device-uapi.md 2, 12). They
 * have a table of their own, since some of their numbers are also a container's.
 */
#include <ioas/abi/vfio.h>

#include "super/decode.h"
#include "super/decode_impl.h"

enum {
	IN = DECODE_IN,
	OUT = DECODE_OUT,
	BOTH = DECODE_IN | DECODE_OUT,
};

#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* ---- words -------------------------------------------------------------- */

#define WORD(name) { IOAS_ABI_VFIO_##name, "VFIO_" #name }

static const struct decode_word status_flags[] = {
	WORD(GROUP_FLAGS_VIABLE),
	WORD(GROUP_FLAGS_CONTAINER_SET),
};

static const struct decode_word info_flags[] = {
	WORD(DEVICE_FLAGS_RESET),
	WORD(DEVICE_FLAGS_PCI),
	WORD(DEVICE_FLAGS_CAPS),
};

static const struct decode_word region_flags[] = {
	WORD(REGION_INFO_FLAG_READ),
	WORD(REGION_INFO_FLAG_WRITE),
	WORD(REGION_INFO_FLAG_MMAP),
	WORD(REGION_INFO_FLAG_CAPS),
};

static const struct decode_word regions[] = {
	WORD(PCI_BAR0_REGION_INDEX),   WORD(PCI_BAR1_REGION_INDEX),
	WORD(PCI_BAR2_REGION_INDEX),   WORD(PCI_BAR3_REGION_INDEX),
	WORD(PCI_BAR4_REGION_INDEX),   WORD(PCI_BAR5_REGION_INDEX),
	WORD(PCI_ROM_REGION_INDEX),    WORD(PCI_CONFIG_REGION_INDEX),
	WORD(PCI_VGA_REGION_INDEX),
};

static const struct decode_word irq_flags[] = {
	WORD(IRQ_INFO_EVENTFD),
	WORD(IRQ_INFO_MASKABLE),
	WORD(IRQ_INFO_AUTOMASKED),
	WORD(IRQ_INFO_NORESIZE),
};

static const struct decode_word irqs[] = {
	WORD(PCI_INTX_IRQ_INDEX), WORD(PCI_MSI_IRQ_INDEX),
	WORD(PCI_MSIX_IRQ_INDEX), WORD(PCI_ERR_IRQ_INDEX),
	WORD(PCI_REQ_IRQ_INDEX),
};

static const struct decode_word irq_set_flags[] = {
	WORD(IRQ_SET_DATA_NONE),     WORD(IRQ_SET_DATA_BOOL),
	WORD(IRQ_SET_DATA_EVENTFD),  WORD(IRQ_SET_ACTION_MASK),
	WORD(IRQ_SET_ACTION_UNMASK), WORD(IRQ_SET_ACTION_TRIGGER),
};

static const struct decode_word reset_flags[] = {
	WORD(PCI_HOT_RESET_FLAG_DEV_ID),
	WORD(PCI_HOT_RESET_FLAG_DEV_ID_OWNED),
};

static const struct decode_word ioeventfd_flags[] = {
	WORD(DEVICE_IOEVENTFD_8),
	WORD(DEVICE_IOEVENTFD_16),
	WORD(DEVICE_IOEVENTFD_32),
	WORD(DEVICE_IOEVENTFD_64),
};

static const struct decode_word features[] = {
	WORD(DEVICE_FEATURE_PCI_VF_TOKEN),
	WORD(DEVICE_FEATURE_MIGRATION),
	WORD(DEVICE_FEATURE_MIG_DEVICE_STATE),
	WORD(DEVICE_FEATURE_LOW_POWER_ENTRY),
	WORD(DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP),
	WORD(DEVICE_FEATURE_LOW_POWER_EXIT),
	WORD(DEVICE_FEATURE_DMA_LOGGING_START),
	WORD(DEVICE_FEATURE_DMA_LOGGING_STOP),
	WORD(DEVICE_FEATURE_DMA_LOGGING_REPORT),
	WORD(DEVICE_FEATURE_MIG_DATA_SIZE),
	WORD(DEVICE_FEATURE_BUS_MASTER),
	WORD(DEVICE_FEATURE_DMA_BUF),
	WORD(DEVICE_FEATURE_MIG_PRECOPY_INFOv2),
};

/* The upper half; the lower one is the number. */
static const struct decode_word feature_flags[] = {
	{ IOAS_ABI_VFIO_DEVICE_FEATURE_GET >> 16, "VFIO_DEVICE_FEATURE_GET" },
	{ IOAS_ABI_VFIO_DEVICE_FEATURE_SET >> 16, "VFIO_DEVICE_FEATURE_SET" },
	{ IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE >> 16,
	  "VFIO_DEVICE_FEATURE_PROBE" },
};

static const struct decode_word bind_flags[] = {
	WORD(DEVICE_BIND_FLAG_TOKEN),
};

static const struct decode_word attach_flags[] = {
	WORD(DEVICE_ATTACH_PASID),
};

static const struct decode_word detach_flags[] = {
	WORD(DEVICE_DETACH_PASID),
};

/* ---- fields ------------------------------------------------------------- */

#define PLACE(s, member)                        \
	offsetof(struct ioas_abi_vfio_##s, member), \
	sizeof(((struct ioas_abi_vfio_##s *)0)->member)
#define FIELD(s, member, k, d) \
	{ #member, PLACE(s, member), DECODE_##k, d, 0, NULL }
#define WORDS(s, member, k, d, words) \
	{ #member, PLACE(s, member), DECODE_##k, d, NR(words), words }

static const struct decode_field status_fields[] = {
	FIELD(group_get_status, argsz, NUMBER, IN),
	WORDS(group_get_status, flags, FLAGS, OUT, status_flags),
};

static const struct decode_field container_fields[] = {
	{ "container", 0, 4, DECODE_FD, IN, 0, NULL },
};

static const struct decode_field name_fields[] = {
	{ "name", 0, 0, DECODE_TEXT, IN, 0, NULL },
};

static const struct decode_field info_fields[] = {
	FIELD(device_get_info, argsz, NUMBER, BOTH),
	WORDS(device_get_info, flags, FLAGS, OUT, info_flags),
	FIELD(device_get_info, num_regions, NUMBER, OUT),
	FIELD(device_get_info, num_irqs, NUMBER, OUT),
	FIELD(device_get_info, cap_offset, NUMBER, OUT),
};

static const struct decode_field region_fields[] = {
	FIELD(device_get_region_info, argsz, NUMBER, BOTH),
	WORDS(device_get_region_info, flags, FLAGS, OUT, region_flags),
	WORDS(device_get_region_info, index, ENUM, IN, regions),
	FIELD(device_get_region_info, cap_offset, NUMBER, OUT),
	FIELD(device_get_region_info, size, NUMBER, OUT),
	FIELD(device_get_region_info, offset, HEX, OUT),
};

static const struct decode_field irq_info_fields[] = {
	FIELD(device_get_irq_info, argsz, NUMBER, IN),
	WORDS(device_get_irq_info, flags, FLAGS, OUT, irq_flags),
	WORDS(device_get_irq_info, index, ENUM, IN, irqs),
	FIELD(device_get_irq_info, count, NUMBER, OUT),
};

static const struct decode_field set_irqs_fields[] = {
	FIELD(device_set_irqs, argsz, NUMBER, IN),
	WORDS(device_set_irqs, flags, FLAGS, IN, irq_set_flags),
	WORDS(device_set_irqs, index, ENUM, IN, irqs),
	FIELD(device_set_irqs, start, NUMBER, IN),
	FIELD(device_set_irqs, count, NUMBER, IN),
};

static const struct decode_field reset_info_fields[] = {
	FIELD(device_get_pci_hot_reset_info, argsz, NUMBER, IN),
	WORDS(device_get_pci_hot_reset_info, flags, FLAGS, OUT, reset_flags),
	FIELD(device_get_pci_hot_reset_info, count, NUMBER, OUT),
};

static const struct decode_field hot_reset_fields[] = {
	FIELD(device_pci_hot_reset, argsz, NUMBER, IN),
	FIELD(device_pci_hot_reset, flags, FLAGS, IN),
	FIELD(device_pci_hot_reset, count, NUMBER, IN),
};

static const struct decode_field ioeventfd_fields[] = {
	FIELD(device_ioeventfd, argsz, NUMBER, IN),
	WORDS(device_ioeventfd, flags, FLAGS, IN, ioeventfd_flags),
	FIELD(device_ioeventfd, offset, PLACE, IN),
	FIELD(device_ioeventfd, data, HEX, IN),
	FIELD(device_ioeventfd, fd, FD, IN),
	FIELD(device_ioeventfd, reserved, RESERVED, IN),
};

static const struct decode_field feature_fields[] = {
	FIELD(device_feature, argsz, NUMBER, IN),
	{ "feature", 4, 2, DECODE_ENUM, IN, NR(features), features },
	{ "flags", 6, 2, DECODE_FLAGS, IN, NR(feature_flags), feature_flags },
};

static const struct decode_field bind_fields[] = {
	FIELD(device_bind_iommufd, argsz, NUMBER, IN),
	WORDS(device_bind_iommufd, flags, FLAGS, IN, bind_flags),
	FIELD(device_bind_iommufd, iommufd, FD, IN),
	FIELD(device_bind_iommufd, out_devid, NUMBER, OUT),
	FIELD(device_bind_iommufd, token_uuid_ptr, HEX, IN),
};

static const struct decode_field attach_fields[] = {
	FIELD(device_attach_iommufd_pt, argsz, NUMBER, IN),
	WORDS(device_attach_iommufd_pt, flags, FLAGS, IN, attach_flags),
	FIELD(device_attach_iommufd_pt, pt_id, NUMBER, BOTH),
	FIELD(device_attach_iommufd_pt, pasid, NUMBER, IN),
};

static const struct decode_field detach_fields[] = {
	FIELD(device_detach_iommufd_pt, argsz, NUMBER, IN),
	WORDS(device_detach_iommufd_pt, flags, FLAGS, IN, detach_flags),
	FIELD(device_detach_iommufd_pt, pasid, NUMBER, IN),
};

/* ---- requests ----------------------------------------------------------- */

#define REQUEST(name, s, from, fields)                                   \
	{ IOAS_ABI_VFIO_##name, "VFIO_" #name,                           \
	  sizeof(struct ioas_abi_vfio_##s), false, NR(fields), fields, from }
#define ARGSZ(name, s, fields) REQUEST(name, s, IOAS_REQUEST_ARGSZ, fields)
#define NO_FIELDS(name) \
	{ IOAS_ABI_VFIO_##name, "VFIO_" #name, 0, false, 0, NULL, 0 }

const struct decode_command ioas_decode_device[] = {
	ARGSZ(GROUP_GET_STATUS, group_get_status, status_fields),
	{ IOAS_ABI_VFIO_GROUP_SET_CONTAINER, "VFIO_GROUP_SET_CONTAINER", 4,
	  false, NR(container_fields), container_fields, IOAS_REQUEST_WHOLE },
	NO_FIELDS(GROUP_UNSET_CONTAINER),
	{ IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD, "VFIO_GROUP_GET_DEVICE_FD",
	  DECODE_TEXT_MAX, false, NR(name_fields), name_fields, IOAS_REQUEST_TEXT },
	ARGSZ(DEVICE_GET_INFO, device_get_info, info_fields),
	ARGSZ(DEVICE_GET_REGION_INFO, device_get_region_info, region_fields),
	ARGSZ(DEVICE_GET_IRQ_INFO, device_get_irq_info, irq_info_fields),
	ARGSZ(DEVICE_SET_IRQS, device_set_irqs, set_irqs_fields),
	NO_FIELDS(DEVICE_RESET),
	ARGSZ(DEVICE_GET_PCI_HOT_RESET_INFO, device_get_pci_hot_reset_info,
	      reset_info_fields),
	ARGSZ(DEVICE_PCI_HOT_RESET, device_pci_hot_reset, hot_reset_fields),
	NO_FIELDS(DEVICE_QUERY_GFX_PLANE),
	NO_FIELDS(DEVICE_GET_GFX_DMABUF),
	ARGSZ(DEVICE_IOEVENTFD, device_ioeventfd, ioeventfd_fields),
	ARGSZ(DEVICE_FEATURE, device_feature, feature_fields),
	ARGSZ(DEVICE_BIND_IOMMUFD, device_bind_iommufd, bind_fields),
	ARGSZ(DEVICE_ATTACH_IOMMUFD_PT, device_attach_iommufd_pt,
	      attach_fields),
	ARGSZ(DEVICE_DETACH_IOMMUFD_PT, device_detach_iommufd_pt,
	      detach_fields),
};

_Static_assert(NR(ioas_decode_device) == DECODE_NR_DEVICE, "how many");

const unsigned int ioas_decode_nr_device = NR(ioas_decode_device);
