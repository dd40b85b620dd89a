/* SPDX-License-Identifier: MIT */
/*
 * dma_engine: registers, one ring, its interrupts, and pages on demand
 */
#include "dma_engine.h"

#include <err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ENTRIES 64u
#define WAIT_MS 30000

/* ---- registers: every access is a system call, and exact ---------------- */

static uint32_t rd32(struct engine *e, uint32_t reg)
{
	uint32_t value;

	if (pread(e->v.fd, &value, 4, (off_t)(e->bar0.offset + reg)) != 4)
		err(1, "register 0x%x", reg);
	return value;
}

static void wr32(struct engine *e, uint32_t reg, uint32_t value)
{
	if (pwrite(e->v.fd, &value, 4, (off_t)(e->bar0.offset + reg)) != 4)
		err(1, "register 0x%x", reg);
}

static void start(struct engine *e)
{
	const uint32_t r = IOAS_ENG_RING(0);

	vfio_msix(&e->v, e->eventfd, IOAS_ENG_VECTORS);
	wr32(e, r + IOAS_ENG_RING_BASE, (uint32_t)(e->iova + RING));
	wr32(e, r + IOAS_ENG_RING_BASE + 4, (uint32_t)(e->iova >> 32));
	wr32(e, r + IOAS_ENG_RING_SIZE, ENTRIES);
	wr32(e, IOAS_ENG_REG_IRQ_ENABLE, 1u << 0 | 1u << IOAS_ENG_VECTOR_ERROR);
	wr32(e, r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START | IOAS_ENG_DOORBELL);
}

void engine_open(struct engine *e, const char *bdf, bool legacy)
{
	const struct vfio_match match = { .vendor = IOAS_ENG_VENDOR,
					  .device = IOAS_ENG_DEVICE };

	*e = (struct engine){ .faults = -1 };
	vfio_open(&e->v, &match, bdf, legacy);
	e->bar0 = vfio_region(&e->v, 0);
	if (rd32(e, IOAS_ENG_REG_ID) != IOAS_ENG_ID)
		errx(1, "%s is no DMA engine", e->v.bdf);
	vfio_bus_master(&e->v);
	e->doors = vfio_map_bar(&e->v, 2);
	e->memory = vfio_dma_alloc(&e->v, ALL, false, &e->iova);
	e->ring = (volatile void *)(e->memory + RING);
	for (unsigned int i = 0; i < IOAS_ENG_VECTORS; i++) {
		e->eventfd[i] = eventfd(0, EFD_CLOEXEC);
		if (e->eventfd[i] < 0)
			err(1, "eventfd");
	}
	start(e);
	for (uint32_t i = 0; i < MIB; i++)
		e->memory[SOURCE + i] = (uint8_t)(i * i >> 8 ^ i);
}

/* ---- one order ---------------------------------------------------------- */

/* The page that a request is for becomes one of IOAS 2; then the answer. */
static void answer(struct engine *e)
{
	struct iommu_hwpt_pgfault f;
	struct iommu_ioas_map map = { .size = sizeof(map) };
	struct iommu_hwpt_page_response yes = {
		.code = IOMMUFD_PAGE_RESP_SUCCESS };
	const size_t page = vfio_pages(1);

	if (read(e->faults, &f, sizeof(f)) != (ssize_t)sizeof(f))
		err(1, "fault queue");
	map.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
		    IOMMU_IOAS_MAP_WRITEABLE;
	map.ioas_id = e->lazy_ioas;
	map.iova = f.addr & ~(uint64_t)(page - 1);
	map.user_va = (uintptr_t)e->lazy + map.iova % MIB;
	map.length = page;
	if (ioctl(e->v.iommu, IOMMU_IOAS_MAP, &map))
		err(1, "IOMMU_IOAS_MAP of a page that was asked for");
	yes.cookie = f.cookie;
	if (write(e->faults, &yes, sizeof(yes)) != (ssize_t)sizeof(yes))
		err(1, "answer to a page request");
	e->asked++;
}

/* Until an interrupt; page requests are answered meanwhile. */
static void wait_irq(struct engine *e)
{
	struct pollfd p[] = {
		{ .fd = e->eventfd[0], .events = POLLIN },
		{ .fd = e->eventfd[IOAS_ENG_VECTOR_ERROR], .events = POLLIN },
		{ .fd = e->faults, .events = POLLIN },
	};
	uint64_t count;

	for (;;) {
		if (poll(p, 3, WAIT_MS) <= 0)
			errx(1, "nothing happens");
		if (p[2].revents)
			answer(e);
		for (int i = 0; i < 2; i++) {
			if (!p[i].revents)
				continue;
			if (read(p[i].fd, &count, 8) != 8)
				err(1, "eventfd");
			return;
		}
	}
}

uint32_t engine_do(struct engine *e, const struct ioas_eng_descriptor *d,
		   uint64_t *result)
{
	const uint32_t bits = 1u << 0 | 1u << IOAS_ENG_VECTOR_ERROR;
	volatile struct ioas_eng_descriptor *slot = &e->ring[e->tail];

	*slot = *d;
	slot->flags |= IOAS_ENG_INTERRUPT;
	e->tail = (e->tail + 1) % ENTRIES;
	vfio_wmb();
	e->doors[IOAS_ENG_DOOR_TAIL(0) / 4] = e->tail;
	do {
		wait_irq(e);
		/* Cleared, and then looked at: what comes now sends again. */
		wr32(e, IOAS_ENG_REG_IRQ_STATUS, bits);
	} while (!(slot->status & IOAS_ENG_COMPLETE));
	vfio_rmb();
	*result = slot->result;
	return slot->status & ~IOAS_ENG_COMPLETE;
}

uint64_t engine_must(struct engine *e, const char *what,
		     const struct ioas_eng_descriptor *d)
{
	uint64_t result;
	const uint32_t status = engine_do(e, d, &result);

	if (status)
		errx(1, "%s: error %u, 0x%x at IOVA 0x%llx", what, status,
		     engine_error(e), (unsigned long long)engine_error_iova(e));
	return result;
}

/* ---- errors ------------------------------------------------------------- */

uint32_t engine_error(struct engine *e)
{
	return rd32(e, IOAS_ENG_RING(0) + IOAS_ENG_RING_ERROR);
}

uint64_t engine_error_iova(struct engine *e)
{
	const uint32_t reg = IOAS_ENG_RING(0) + IOAS_ENG_RING_ERROR_IOVA;

	return rd32(e, reg) | (uint64_t)rd32(e, reg + 4) << 32;
}

void engine_resume(struct engine *e)
{
	const uint32_t r = IOAS_ENG_RING(0);

	wr32(e, r + IOAS_ENG_RING_HEAD, e->tail);
	wr32(e, r + IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR);
	wr32(e, r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START | IOAS_ENG_DOORBELL);
}

void engine_close(struct engine *e)
{
	wr32(e, IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	vfio_dma_unmap_all(&e->v);
	vfio_close(&e->v);
}
