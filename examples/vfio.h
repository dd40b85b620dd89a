/* SPDX-License-Identifier: MIT */
/*
 * vfio: a PCI function in the hands of a program
 *
 *   /sys/bus/pci/devices/BDF          where is it, what is it called
 *        |
 *        v        cdev (the new way)           group (--legacy)
 *   open          /dev/vfio/devices/vfioN      /dev/vfio/G
 *   memory        /dev/iommu: IOAS             /dev/vfio/vfio: container
 *   join them     BIND, ATTACH                 SET_CONTAINER, SET_IOMMU
 *        |
 *        v        the same for both:
 *   configuration, BARs, interrupts by eventfd, memory at an IOVA
 *
 * For examples: what goes wrong ends the program, with a line that says what.
 */
#ifndef EXAMPLES_VFIO_H
#define EXAMPLES_VFIO_H

/* In place of <linux/iommufd.h> and <linux/vfio.h>, which may be old. */
#include <ioas/abi/compat/iommufd.h>
#include <ioas/abi/compat/vfio.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfio {
	char bdf[16];
	bool legacy;
	/* The function; /dev/iommu or the container; the group, or -1. */
	int fd;
	int iommu;
	int group;
	/* Not of the group interface: ids in the iommufd. */
	uint32_t dev_id;
	uint32_t ioas_id;
	/* Of the group interface, where the program chooses. */
	uint64_t next_iova;
	/* Where configuration space is in fd. */
	uint64_t config;
};

/* What is looked for; 0: whatever. */
struct vfio_match {
	uint32_t class_code;
	uint32_t vendor;
	uint32_t device;
};

/* @bdf NULL: the first function that matches and that vfio-pci has. */
void vfio_open(struct vfio *v, const struct vfio_match *match,
	       const char *bdf, bool legacy);
/* DMA stops, mappings go, the function is reset. */
void vfio_close(struct vfio *v);

/* All that the function does in memory is PCI's bus mastering: off at first. */
void vfio_bus_master(struct vfio *v);

/* A BAR: where it is in the file; mapped, all of it. */
struct vfio_region_info vfio_region(struct vfio *v, uint32_t index);
volatile void *vfio_map_bar(struct vfio *v, uint32_t bar);

/* MSI-X vectors 0 to @nr - 1 go to these eventfds. */
void vfio_msix(struct vfio *v, const int *eventfd, uint32_t nr);
uint32_t vfio_msix_count(struct vfio *v);

/*
 * Zeroed memory that the function reaches as well, at *@iova, in one piece;
 * @shared: of a memfd, and not private.
 */
void *vfio_dma_alloc(struct vfio *v, size_t length, bool shared,
		     uint64_t *iova);
/* Memory of before. */
uint64_t vfio_dma_map(struct vfio *v, void *memory, size_t length,
		      bool writable);
/* When nothing uses it any more; the memory stays the program's. */
void vfio_dma_unmap_all(struct vfio *v);

/* Not of the group interface; @pasid 0: none. Replaces what was attached. */
void vfio_attach(struct vfio *v, uint32_t pt_id, uint32_t pasid);

size_t vfio_pages(size_t length);

/*
 * DMA is coherent with the caches on x86, and on other machines behind an IOMMU
 * that promises so, without which VFIO refuses the function. What is left is
 * order: what was written to memory before must be there when the function is
 * told; what the function wrote last must be read first; and reads must be over
 * when the function is told so.
 */
#if defined(__x86_64__)
#define vfio_wmb() __asm__ volatile("" ::: "memory")
#define vfio_rmb() __asm__ volatile("" ::: "memory")
#define vfio_mb() __asm__ volatile("" ::: "memory")
#define vfio_relax() __asm__ volatile("pause")
#elif defined(__aarch64__)
#define vfio_wmb() __asm__ volatile("dsb st" ::: "memory")
#define vfio_rmb() __asm__ volatile("dmb oshld" ::: "memory")
#define vfio_mb() __asm__ volatile("dsb sy" ::: "memory")
#define vfio_relax() __asm__ volatile("yield")
#else
#define vfio_wmb() __sync_synchronize()
#define vfio_rmb() __sync_synchronize()
#define vfio_mb() __sync_synchronize()
#define vfio_relax() ((void)0)
#endif

#endif
