/* SPDX-License-Identifier: MIT */
/*
 * vfio: a function that is open: its BARs, interrupts, and memory for it
 */
#include "vfio.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PCI_COMMAND 4
#define PCI_COMMAND_MASTER 4u

size_t vfio_pages(size_t length)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (length + page - 1) & ~(page - 1);
}

/* ---- configuration, BARs, interrupts ------------------------------------ */

void vfio_bus_master(struct vfio *v)
{
	const off_t at = (off_t)(v->config + PCI_COMMAND);
	uint16_t command;

	if (pread(v->fd, &command, 2, at) != 2)
		err(1, "configuration");
	command |= PCI_COMMAND_MASTER;
	if (pwrite(v->fd, &command, 2, at) != 2)
		err(1, "configuration");
}

struct vfio_region_info vfio_region(struct vfio *v, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(v->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		err(1, "VFIO_DEVICE_GET_REGION_INFO");
	return info;
}

volatile void *vfio_map_bar(struct vfio *v, uint32_t bar)
{
	const struct vfio_region_info info = vfio_region(v, bar);
	void *p;

	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
		errx(1, "BAR%u cannot be mapped", bar);
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		 (off_t)info.offset);
	if (p == MAP_FAILED)
		err(1, "BAR%u", bar);
	return p;
}

uint32_t vfio_msix_count(struct vfio *v)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	if (ioctl(v->fd, VFIO_DEVICE_GET_IRQ_INFO, &info))
		err(1, "VFIO_DEVICE_GET_IRQ_INFO");
	return info.count;
}

void vfio_msix(struct vfio *v, const int *eventfd, uint32_t nr)
{
	const size_t length = sizeof(struct vfio_irq_set) + nr * sizeof(int);
	struct vfio_irq_set *set = calloc(1, length);

	if (!set)
		err(1, "memory");
	set->argsz = (uint32_t)length;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = nr;
	memcpy(set->data, eventfd, nr * sizeof(int));
	if (ioctl(v->fd, VFIO_DEVICE_SET_IRQS, set))
		err(1, "VFIO_DEVICE_SET_IRQS");
	free(set);
}

/* ---- memory ------------------------------------------------------------- */

static uint64_t map_legacy(struct vfio *v, void *memory, size_t length,
			   bool writable)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ |
			 (writable ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)memory,
		.iova = v->next_iova,
		.size = length,
	};

	if (ioctl(v->iommu, VFIO_IOMMU_MAP_DMA, &map))
		err(1, "VFIO_IOMMU_MAP_DMA");
	v->next_iova += length;
	return map.iova;
}

uint64_t vfio_dma_map(struct vfio *v, void *memory, size_t length,
		      bool writable)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE |
			 (writable ? IOMMU_IOAS_MAP_WRITEABLE : 0),
		.ioas_id = v->ioas_id,
		.user_va = (uintptr_t)memory,
		.length = length,
	};

	if (v->legacy)
		return map_legacy(v, memory, length, writable);
	if (ioctl(v->iommu, IOMMU_IOAS_MAP, &map))
		err(1, "IOMMU_IOAS_MAP");
	return map.iova;
}

void vfio_dma_unmap_all(struct vfio *v)
{
	struct vfio_iommu_type1_dma_unmap old = {
		.argsz = sizeof(old),
		.flags = VFIO_DMA_UNMAP_FLAG_ALL,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = v->ioas_id,
		.length = UINT64_MAX,
	};

	if (v->legacy ? ioctl(v->iommu, VFIO_IOMMU_UNMAP_DMA, &old) :
			ioctl(v->iommu, IOMMU_IOAS_UNMAP, &unmap))
		err(1, "unmap");
}

void *vfio_dma_alloc(struct vfio *v, size_t length, bool shared,
		     uint64_t *iova)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;
	void *p;

	length = vfio_pages(length);
	if (shared) {
		flags = MAP_SHARED;
		fd = memfd_create("dma", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)length))
			err(1, "memory");
	}
	p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		err(1, "memory");
	/* The descriptor stays: who maps this for the function may need it. */
	*iova = vfio_dma_map(v, p, length, true);
	return p;
}
