/* SPDX-License-Identifier: MIT */
/*
 * info: what a function is, its regions, its interrupts
 * (docs/reference/vfio-device-uapi.md 4, 2.1)
 *
 *   argsz
 *   |<------------------------------------------------>|
 *   | fixed struct | capability | capability | ...
 *                  ^ cap_offset, if all of them fit below argsz; otherwise 0
 *                    and argsz says how much it takes
 */
#include "uapi/vdev/impl.h"

int64_t ioas_vdev_get_info(struct ioas_vdev_file *f, uint64_t arg)
{
	const size_t least = IOAS_ABI_VFIO_DEVICE_GET_INFO_MIN_SIZE;
	struct ioas_abi_vfio_device_get_info info = { 0 };
	int ret = ioas_copy_from(&info, arg, least);

	if (ret)
		return ret;
	if (info.argsz < least)
		return -EINVAL;
	info.flags = IOAS_ABI_VFIO_DEVICE_FLAGS_PCI;
	if (f->v->ops->reset)
		info.flags |= IOAS_ABI_VFIO_DEVICE_FLAGS_RESET;
	info.num_regions = IOAS_ABI_VFIO_PCI_NUM_REGIONS;
	info.num_irqs = IOAS_ABI_VFIO_PCI_NUM_IRQS;
	return ioas_copy_to(arg, &info, ioas_min(info.argsz, sizeof(info)));
}

/* ---- regions ------------------------------------------------------------ */

/* The largest chain there is: areas, or a header alone. */
struct region_chain {
	union {
		struct ioas_abi_vfio_info_cap_header header;
		struct {
			struct ioas_abi_vfio_info_cap_header header;
			uint32_t nr_areas;
			uint32_t reserved;
			struct ioas_abi_vfio_region_sparse_mmap_area
				areas[IOAS_VDEV_AREAS];
		} sparse;
	};
	/* 0: no capability. */
	uint32_t length;
};

static void chain_sparse(struct region_chain *c,
			 const struct ioas_vdev_bar *bar)
{
	c->sparse.header.id = IOAS_ABI_VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	c->sparse.header.version = 1;
	c->sparse.nr_areas = bar->nr_areas;
	for (uint32_t i = 0; i < bar->nr_areas; i++) {
		c->sparse.areas[i].offset = bar->areas[i].first;
		c->sparse.areas[i].size = bar->areas[i].length;
	}
	c->length = (uint32_t)(sizeof(struct ioas_abi_vfio_info_cap_header) +
			       2 * sizeof(uint32_t) +
			       bar->nr_areas * sizeof(c->sparse.areas[0]));
}

/* Is the table of MSI-X in @index, and may be mapped with the rest of it? */
static bool msix_mappable(const struct ioas_vdev *v, uint32_t index)
{
	return v->msix_length && v->msix_bar == index &&
	       !v->bars[index].nr_areas;
}

static void chain_make(struct region_chain *c, const struct ioas_vdev *v,
		       uint32_t index, uint32_t flags)
{
	*c = (struct region_chain){ .length = 0 };
	if (!(flags & IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (v->bars[index].nr_areas) {
		chain_sparse(c, &v->bars[index]);
	} else if (msix_mappable(v, index)) {
		c->header.id = IOAS_ABI_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE;
		c->header.version = 1;
		c->length = sizeof(c->header);
	}
}

/* Behind the struct, if there is room; @argsz and @cap_offset say so. */
static int chain_write(const struct region_chain *c, uint64_t arg,
		       uint32_t fixed, uint32_t *argsz, uint32_t *cap_offset)
{
	*cap_offset = 0;
	if (!c->length)
		return 0;
	if (*argsz < fixed + c->length) {
		*argsz = fixed + c->length;
		return 0;
	}
	*cap_offset = fixed;
	return ioas_copy_to(arg + fixed, &c->sparse, c->length);
}

int64_t ioas_vdev_get_region_info(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_get_region_info info;
	struct ioas_vdev_region region;
	struct region_chain chain;
	int ret = ioas_copy_from(&info, arg, sizeof(info));

	if (ret)
		return ret;
	/* There is no VGA. */
	if (info.argsz < sizeof(info) ||
	    info.index >= IOAS_ABI_VFIO_PCI_VGA_REGION_INDEX)
		return -EINVAL;
	region = ioas_vdev_region(f->v, info.index);
	info.flags = region.flags;
	info.size = region.size;
	if (info.index < IOAS_VDEV_BARS)
		info.offset = ioas_vdev_bar_offset(info.index);
	else
		info.offset = (uint64_t)info.index
			      << IOAS_ABI_VFIO_PCI_OFFSET_SHIFT;
	chain_make(&chain, f->v, info.index, info.flags);
	if (chain.length)
		info.flags |= IOAS_ABI_VFIO_REGION_INFO_FLAG_CAPS;
	ret = chain_write(&chain, arg, sizeof(info), &info.argsz,
			  &info.cap_offset);
	return ret ? ret : ioas_copy_to(arg, &info, sizeof(info));
}

/* ---- interrupts --------------------------------------------------------- */

#define EVENTFD IOAS_ABI_VFIO_IRQ_INFO_EVENTFD
#define NORESIZE IOAS_ABI_VFIO_IRQ_INFO_NORESIZE

/* MSI-X: vectors can be added. */
static const uint32_t irq_flags[IOAS_ABI_VFIO_PCI_NUM_IRQS] = {
	[IOAS_ABI_VFIO_PCI_INTX_IRQ_INDEX] = EVENTFD |
					     IOAS_ABI_VFIO_IRQ_INFO_MASKABLE |
					     IOAS_ABI_VFIO_IRQ_INFO_AUTOMASKED,
	[IOAS_ABI_VFIO_PCI_MSI_IRQ_INDEX] = EVENTFD | NORESIZE,
	[IOAS_ABI_VFIO_PCI_MSIX_IRQ_INDEX] = EVENTFD,
	[IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX] = EVENTFD | NORESIZE,
	[IOAS_ABI_VFIO_PCI_REQ_IRQ_INDEX] = EVENTFD | NORESIZE,
};

int64_t ioas_vdev_get_irq_info(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_get_irq_info info;
	int ret = ioas_copy_from(&info, arg, sizeof(info));

	if (ret)
		return ret;
	if (info.argsz < sizeof(info) ||
	    info.index >= IOAS_ABI_VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.count = f->v->nr_irqs[info.index];
	if (info.index == IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX && !info.count)
		return -EINVAL;
	info.flags = irq_flags[info.index];
	return ioas_copy_to(arg, &info, sizeof(info));
}
