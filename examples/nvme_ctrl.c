/* SPDX-License-Identifier: MIT */
/*
 * nvme_ctrl: bring a controller up, and give it commands
 *
 *   disable: CC.EN=0, RDY=0 --> admin queues: AQA, ASQ, ACQ --> CC.EN=1, RDY=1
 *     --> IDENTIFY controller, namespace --> CREATE queues for completion and
 *     submission
 */
#include "nvme_ctrl.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ADMIN_ENTRIES 32u

/* Registers. */
enum { CAP = 0x00, CC = 0x14, AQA = 0x24, ASQ = 0x28, ACQ = 0x30 };

#define CC_EN 1u
/* Entries of 64 and of 16 bytes. */
#define CC_SIZES (6u << 16 | 4u << 20)
#define CC_SHN_NORMAL (1u << 14)
#define CSTS_RDY 1u
#define CSTS_SHST 0xcu
#define CSTS_SHST_DONE 8u

/* Admin commands. */
enum { CREATE_SQ = 1, CREATE_CQ = 5, IDENTIFY = 6, SET_FEATURES = 9 };
#define FEATURE_QUEUES 7u

uint32_t nvme_read32(struct nvme *n, size_t at)
{
	return *(volatile uint32_t *)(n->bar + at);
}

static void write32(struct nvme *n, size_t at, uint32_t value)
{
	*(volatile uint32_t *)(n->bar + at) = value;
}

/* Not every controller takes 8 bytes at once. */
static void write64(struct nvme *n, size_t at, uint64_t value)
{
	write32(n, at, (uint32_t)value);
	write32(n, at + 4, (uint32_t)(value >> 32));
}

/* Until bits of CSTS have a value. CAP.TO says how long that may take. */
static void wait_status(struct nvme *n, uint32_t mask, uint32_t value,
			const char *what)
{
	/* In units of half a second. */
	const uint64_t to = (n->cap >> 24 & 0xff) + 1;
	const uint64_t limit = nvme_now() + to * 500 * UINT64_C(1000000);
	uint32_t csts;

	while (((csts = nvme_read32(n, NVME_CSTS)) & mask) != value) {
		if (csts == UINT32_MAX || (value && csts & NVME_CSTS_FATAL))
			errx(1, "%s: CSTS is 0x%x", what, csts);
		if (nvme_now() > limit)
			errx(1, "%s: no answer, CSTS is 0x%x", what, csts);
		usleep(100);
	}
}

/* ---- admin commands ----------------------------------------------------- */

static void admin(struct nvme *n, struct nvme_command *c, const char *what)
{
	struct nvme_completion done;

	c->cid = (uint16_t)n->admin.sq_tail;
	nvme_queue_put(&n->admin, c);
	nvme_queue_ring(&n->admin);
	nvme_queue_wait(n, &n->admin, &done);
	*n->admin.cq_door = n->admin.cq_head;
	if (done.cid != c->cid || done.status)
		errx(1, "%s: status 0x%x", what, done.status);
}

static void copy_text(char *to, const uint8_t *from, size_t length)
{
	memcpy(to, from, length);
	while (length && (to[length - 1] == ' ' || !to[length - 1]))
		length--;
	to[length] = '\0';
}

static void identify_controller(struct nvme *n, uint8_t *page, uint64_t iova)
{
	struct nvme_command c = { .opcode = IDENTIFY, .prp1 = iova,
				  .cdw10 = 1 };
	const uint32_t unit = NVME_PAGE << (n->cap >> 48 & 15);

	admin(n, &c, "IDENTIFY controller");
	copy_text(n->serial, page + 4, 20);
	copy_text(n->model, page + 24, 40);
	copy_text(n->firmware, page + 64, 8);
	memcpy(&n->namespaces, page + 516, 4);
	n->max_bytes = (NVME_LIST + 1) * NVME_PAGE;
	if (page[77] && page[77] < 20 && unit << page[77] < n->max_bytes)
		n->max_bytes = unit << page[77];
}

static void identify_namespace(struct nvme *n, uint8_t *page, uint64_t iova)
{
	struct nvme_command c = { .opcode = IDENTIFY, .prp1 = iova,
				  .nsid = n->o.nsid };
	uint32_t format;

	admin(n, &c, "IDENTIFY namespace");
	memcpy(&n->blocks, page, 8);
	memcpy(&format, page + 128 + 4 * (page[26] & 15), 4);
	if (!n->blocks || format & 0xffff || (format >> 16 & 0xff) > 16)
		errx(1, "namespace %u: not there, or of a format with metadata",
		     n->o.nsid);
	n->block = 1u << (format >> 16 & 0xff);
}

static void create_io(struct nvme *n)
{
	const uint32_t limit = (uint32_t)(n->cap & 0xffff) + 1;
	struct nvme_command cq = { .opcode = CREATE_CQ }, sq = {
		.opcode = CREATE_SQ };
	struct nvme_command queues = { .opcode = SET_FEATURES,
				       .cdw10 = FEATURE_QUEUES };
	const uint32_t entries = n->o.depth + 1;

	/* A queue that is full looks like an empty one: one stays free. */
	if (!n->o.depth || entries > limit)
		errx(1, "the depth may be 1 to %u", limit - 1);
	nvme_queue_create(n, &n->io, 1, entries);
	cq.prp1 = n->io.cq_iova;
	sq.prp1 = n->io.sq_iova;
	cq.cdw10 = sq.cdw10 = (entries - 1) << 16 | 1;
	/* In one piece; with a vector and interrupts, or without. */
	cq.cdw11 = 1;
	if (n->o.irq)
		cq.cdw11 |= 1u << 16 | 2;
	sq.cdw11 = 1u << 16 | 1;
	/* One of each, which is 0 there. */
	admin(n, &queues, "SET FEATURES number of queues");
	admin(n, &cq, "CREATE completion queue");
	admin(n, &sq, "CREATE submission queue");
}

/* ---- from nothing to ready, and back ------------------------------------ */

static void enable(struct nvme *n)
{
	const uint64_t cap = n->cap;

	if (cap >> 48 & 15 || !(cap >> 37 & 1))
		errx(1, "no pages of 4 KiB, or not the NVM command set");
	write32(n, CC, 0);
	wait_status(n, CSTS_RDY, 0, "disable");
	nvme_queue_create(n, &n->admin, 0, ADMIN_ENTRIES);
	write32(n, AQA, (ADMIN_ENTRIES - 1) << 16 | (ADMIN_ENTRIES - 1));
	write64(n, ASQ, n->admin.sq_iova);
	write64(n, ACQ, n->admin.cq_iova);
	vfio_wmb();
	write32(n, CC, CC_SIZES | CC_EN);
	wait_status(n, CSTS_RDY, CSTS_RDY, "enable");
}

/* Vector 0 is the admin queue's, 1 is the other's. */
static void interrupts(struct nvme *n)
{
	int fd[2];

	n->admin.eventfd = n->io.eventfd = -1;
	if (!n->o.irq)
		return;
	if (vfio_msix_count(n->v) < 2)
		errx(1, "fewer than two vectors");
	for (int i = 0; i < 2; i++) {
		fd[i] = eventfd(0, EFD_CLOEXEC);
		if (fd[i] < 0)
			err(1, "eventfd");
	}
	vfio_msix(n->v, fd, 2);
	n->admin.eventfd = fd[0];
	n->io.eventfd = fd[1];
}

void nvme_open(struct nvme *n, struct vfio *v, const struct nvme_options *o)
{
	uint64_t iova;
	uint8_t *page;

	*n = (struct nvme){ .v = v, .o = *o };
	vfio_bus_master(v);
	n->bar = vfio_map_bar(v, 0);
	n->cap = nvme_read32(n, CAP) | (uint64_t)nvme_read32(n, CAP + 4) << 32;
	interrupts(n);
	enable(n);
	page = vfio_dma_alloc(v, NVME_PAGE, o->shared, &iova);
	identify_controller(n, page, iova);
	identify_namespace(n, page, iova);
	if (!n->o.bytes)
		n->o.bytes = n->max_bytes;
	if (n->o.bytes > n->max_bytes || n->o.bytes % n->block)
		errx(1, "a command has blocks of %u, and %u bytes at most",
		     n->block, n->max_bytes);
	create_io(n);
	nvme_slots_create(n);
}

void nvme_close(struct nvme *n)
{
	write32(n, CC, CC_SIZES | CC_EN | CC_SHN_NORMAL);
	wait_status(n, CSTS_SHST, CSTS_SHST_DONE, "shutdown");
	write32(n, CC, 0);
	wait_status(n, CSTS_RDY, 0, "disable");
}
