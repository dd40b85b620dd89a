/* SPDX-License-Identifier: MIT */
/*
 * nvme_io: queues, and what goes through them
 *
 *   submission queue    | c4 |    | c2 | c3 |   we write at the tail
 *                              ^ tail ^ head
 *   completion queue    | 1  | 0  | 0  | 0  |   the phase turns each round, so
 *                              ^ head           that a new entry shows itself
 *
 * Where a command's data is: PRP1 is its first page; PRP2 is the second, or, if
 * there are more, a list of them all. IOVA are in one piece, however scattered
 * the memory is, so the list of a buffer is written once.
 */
#include "nvme_ctrl.h"

#include <err.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* After that a controller is taken for dead. */
#define COMMAND_MS 30000
/*
 * Looks at memory, some microseconds, before somebody else may have the CPU:
 * where there are few, even the controller. And before a look at the clock.
 */
#define SPINS 64u
#define SPINS_CLOCK (SPINS * 256u)

uint64_t nvme_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- queues ------------------------------------------------------------- */

void nvme_queue_create(struct nvme *n, struct nvme_queue *q, uint32_t id,
		       uint32_t size)
{
	const size_t stride = 4u << (n->cap >> 32 & 15);
	volatile uint8_t *door = n->bar + NVME_DOORBELLS + 2 * id * stride;
	const bool shared = n->o.shared;

	q->size = size;
	q->phase = 1;
	q->sq = vfio_dma_alloc(n->v, size * sizeof(*q->sq), shared,
			       &q->sq_iova);
	q->cq = vfio_dma_alloc(n->v, size * sizeof(*q->cq), shared,
			       &q->cq_iova);
	q->sq_door = (volatile uint32_t *)door;
	q->cq_door = (volatile uint32_t *)(door + stride);
}

void nvme_queue_put(struct nvme_queue *q, const struct nvme_command *c)
{
	q->sq[q->sq_tail] = *c;
	q->sq_tail = q->sq_tail + 1 == q->size ? 0 : q->sq_tail + 1;
}

/* Commands first, then the word of them, unless it is the same as before. */
void nvme_queue_ring(struct nvme_queue *q)
{
	if (q->sq_rung == q->sq_tail)
		return;
	vfio_wmb();
	*q->sq_door = q->sq_rung = q->sq_tail;
}

/* An entry of this round? Its other words are read after its phase. */
static bool queue_take(struct nvme_queue *q, struct nvme_completion *out)
{
	const volatile struct nvme_completion *c = &q->cq[q->cq_head];
	const uint16_t status = c->status;

	if ((status & 1) != q->phase)
		return false;
	vfio_rmb();
	out->result = c->result;
	out->cid = c->cid;
	out->status = (uint16_t)(status >> 1);
	if (++q->cq_head == q->size) {
		q->cq_head = 0;
		q->phase ^= 1;
	}
	return true;
}

static void queue_sleep(struct nvme_queue *q)
{
	struct pollfd p = { .fd = q->eventfd, .events = POLLIN };
	uint64_t count;

	if (poll(&p, 1, COMMAND_MS) != 1)
		errx(1, "no interrupt");
	if (read(q->eventfd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		err(1, "eventfd");
}

/*
 * Wait for the next. An interrupt may come for what was seen already, and many
 * commands may have one: so look first, sleep then.
 */
void nvme_queue_wait(struct nvme *n, struct nvme_queue *q,
		     struct nvme_completion *out)
{
	uint64_t limit = 0;

	for (uint32_t spins = 1; !queue_take(q, out); spins++) {
		if (q->eventfd >= 0) {
			queue_sleep(q);
			continue;
		}
		vfio_relax();
		if (spins % SPINS)
			continue;
		sched_yield();
		if (spins % SPINS_CLOCK)
			continue;
		if (!limit)
			limit = nvme_now() + COMMAND_MS * UINT64_C(1000000);
		if (nvme_now() > limit ||
		    nvme_read32(n, NVME_CSTS) & NVME_CSTS_FATAL)
			errx(1, "no completion; CSTS is 0x%x",
			     nvme_read32(n, NVME_CSTS));
	}
}

/* A buffer for each, in one piece as the controller sees it, and its list. */
void nvme_slots_create(struct nvme *n)
{
	const uint32_t bytes = (uint32_t)vfio_pages(n->o.bytes);
	uint64_t data, lists, *list;
	uint8_t *memory;

	n->slot = calloc(n->o.depth, sizeof(*n->slot));
	if (!n->slot)
		err(1, "memory");
	memory = vfio_dma_alloc(n->v, (size_t)n->o.depth * bytes, n->o.shared,
				&data);
	list = vfio_dma_alloc(n->v, (size_t)n->o.depth * NVME_PAGE, n->o.shared,
			      &lists);
	for (uint32_t i = 0; i < n->o.depth; i++) {
		n->slot[i].data = memory + (size_t)i * bytes;
		n->slot[i].iova = data + (uint64_t)i * bytes;
		n->slot[i].list = lists + (uint64_t)i * NVME_PAGE;
		for (uint32_t p = 0; p < NVME_LIST; p++)
			*list++ = n->slot[i].iova +
				  (uint64_t)(p + 1) * NVME_PAGE;
	}
}

void nvme_submit(struct nvme *n, uint16_t slot, uint8_t opcode, uint64_t lba,
		 uint32_t blocks)
{
	const struct nvme_slot *s = &n->slot[slot];
	const uint64_t bytes = (uint64_t)blocks * n->block;
	struct nvme_command c = {
		.opcode = opcode,
		.cid = slot,
		.nsid = n->o.nsid,
		.cdw10 = (uint32_t)lba,
		.cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = blocks - 1,
	};

	if (opcode == NVME_FLUSH) {
		c.cdw10 = c.cdw11 = c.cdw12 = 0;
	} else {
		c.prp1 = s->iova;
		if (bytes > 2 * NVME_PAGE)
			c.prp2 = s->list;
		else if (bytes > NVME_PAGE)
			c.prp2 = s->iova + NVME_PAGE;
	}
	nvme_queue_put(&n->io, &c);
}

void nvme_ring(struct nvme *n)
{
	nvme_queue_ring(&n->io);
}

unsigned int nvme_wait(struct nvme *n, struct nvme_done *done,
		       unsigned int max)
{
	struct nvme_completion c;
	unsigned int nr = 0;

	nvme_queue_wait(n, &n->io, &c);
	do {
		if (c.cid >= n->o.depth)
			errx(1, "a completion of command %u", c.cid);
		done[nr++] = (struct nvme_done){ c.cid, c.status };
	} while (nr < max && queue_take(&n->io, &c));
	/* What was read before may be overwritten after this. */
	vfio_mb();
	*n->io.cq_door = n->io.cq_head;
	return nr;
}

void nvme_check(const struct nvme_done *done)
{
	/* Bits 7:0 are the code, 10:8 its type. */
	if (done->status)
		errx(1, "command %u failed: type %u, code 0x%x", done->slot,
		     done->status >> 8 & 7, done->status & 0xff);
}
