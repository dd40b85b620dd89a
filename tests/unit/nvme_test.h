/* SPDX-License-Identifier: MIT */
/*
 * nvme_test: a driver of an NVMe controller, over model_kit
 *
 *   0x10000 admin SQ, 0x11000 admin CQ
 *   0x20000 + 0x4000 * id: SQ, and CQ behind it, of an I/O queue
 *   0x100000 ...: data, lists
 */
#ifndef TESTS_NVME_TEST_H
#define TESTS_NVME_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "dev/models.h"
#include "dev/nvme/nvme.h"
#include "model_kit.h"

#define CC_ENABLE 0x00460001u
#define DATA 0x100000u
#define LISTS 0x300000u
#define QUEUE_IOVA(id) (0x20000u + 0x4000u * (id))
/* What a status is but for the bit that points to the log. */
#define STATUS(cqe) (((cqe).status >> 1) & 0x5fffu)
#define DNR(status) ((unsigned int)(status) | NVME_DNR)

enum { ADMIN_SIZE = 32, IO_SIZE = 16, TEST_QUEUES = 8 };

struct test_queue {
	unsigned int id, cqid;
	uint32_t size, cq_size;
	uint64_t sq, cq;
	uint32_t tail, head;
	unsigned int phase;
};

struct driver {
	struct model_kit *kit;
	struct test_queue q[TEST_QUEUES];
	uint16_t cid;
};

static inline uint32_t reg32(struct driver *d, uint64_t offset)
{
	return (uint32_t)kit_mmio_read(d->kit, 0, offset, 4);
}

static inline void reg32_set(struct driver *d, uint64_t offset, uint32_t value)
{
	kit_mmio_write(d->kit, 0, offset, 4, value);
}

/* Poll; others may have to do something meanwhile, so not for ever at once. */
static inline void wait_some(struct driver *d, int i)
{
	kit_poll(d->kit, 1);
	if (i > 100)
		usleep(1000);
}

static inline void wait_csts(struct driver *d, uint32_t csts)
{
	int i;

	for (i = 0; i < 5000 && reg32(d, 0x1c) != csts; i++)
		wait_some(d, i);
	assert_int_equal(reg32(d, 0x1c), csts);
}

static inline void driver_disable(struct driver *d)
{
	reg32_set(d, 0x14, 0);
	assert_true(kit_settle(d->kit, 10));
	assert_int_equal(reg32(d, 0x1c) & 1, 0);
}

/* Halves of 64-bit registers: the upper one first, for once. */
static inline void driver_enable(struct driver *d)
{
	memset(kit_memory(d->kit, 0, 1u << 20), 0, 1u << 20);
	memset(d->q, 0, sizeof(d->q));
	d->q[0] = (struct test_queue){
		.size = ADMIN_SIZE, .cq_size = ADMIN_SIZE,
		.sq = 0x10000, .cq = 0x11000, .phase = 1,
	};
	reg32_set(d, 0x24, (ADMIN_SIZE - 1u) << 16 | (ADMIN_SIZE - 1u));
	reg32_set(d, 0x2c, 0);
	reg32_set(d, 0x28, 0x10000);
	reg32_set(d, 0x34, 0);
	reg32_set(d, 0x30, 0x11000);
	reg32_set(d, 0x14, CC_ENABLE);
	assert_true(kit_settle(d->kit, 10));
	assert_int_equal(reg32(d, 0x1c), 1);
}

/* Put @e in the queue, without the doorbell. Return: its id. */
static inline uint16_t queue_put(struct driver *d, unsigned int q,
				 struct nvme_sqe e)
{
	struct test_queue *t = &d->q[q];

	e.cid = ++d->cid;
	memcpy(kit_memory(d->kit, t->sq + t->tail * 64u, 64), &e, 64);
	t->tail = (t->tail + 1) % t->size;
	return e.cid;
}

static inline void queue_ring(struct driver *d, unsigned int q)
{
	reg32_set(d, 0x1000 + 8u * d->q[q].id, d->q[q].tail);
}

/* Take a completion, if there is one; the doorbell if @ring. */
static inline bool queue_take(struct driver *d, unsigned int q,
			      struct nvme_cqe *e, bool ring)
{
	struct test_queue *t = &d->q[q];

	memcpy(e, kit_memory(d->kit, t->cq + t->head * 16u, 16), 16);
	if ((e->status & 1u) != t->phase)
		return false;
	if (++t->head == t->cq_size) {
		t->head = 0;
		t->phase ^= 1;
	}
	if (ring)
		reg32_set(d, 0x1004 + 8u * t->cqid, t->head);
	return true;
}

/* One command, until it is completed. */
static inline struct nvme_cqe queue_do(struct driver *d, unsigned int q,
				       struct nvme_sqe e)
{
	uint16_t cid = queue_put(d, q, e);
	struct nvme_cqe c;
	int i;

	queue_ring(d, q);
	for (i = 0; i < 5000 && !queue_take(d, q, &c, true); i++)
		wait_some(d, i);
	assert_true(i < 5000);
	assert_int_equal(c.cid, cid);
	assert_int_equal(c.sqid, d->q[q].id);
	return c;
}

static inline unsigned int status_of(struct driver *d, unsigned int q,
				     struct nvme_sqe e)
{
	return STATUS(queue_do(d, q, e));
}

static inline void io_queue_new(struct driver *d, unsigned int id,
				uint32_t size)
{
	uint64_t at = QUEUE_IOVA(id);

	d->q[id] = (struct test_queue){
		.id = id, .cqid = id, .size = size, .cq_size = size,
		.sq = at, .cq = at + 0x2000, .phase = 1,
	};
	memset(kit_memory(d->kit, at, 0x4000), 0, 0x4000);
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){
		.opcode = 5, .prp1 = at + 0x2000,
		.cdw10 = id | (size - 1) << 16, .cdw11 = 3 | id << 16 }), 0);
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){
		.opcode = 1, .prp1 = at, .cdw10 = id | (size - 1) << 16,
		.cdw11 = 1 | id << 16 }), 0);
}

static inline struct nvme_sqe io_sqe(uint8_t opcode, uint32_t nsid,
				     uint64_t lba, uint32_t blocks,
				     uint64_t prp1, uint64_t prp2)
{
	return (struct nvme_sqe){
		.opcode = opcode, .nsid = nsid, .prp1 = prp1, .prp2 = prp2,
		.cdw10 = (uint32_t)lba, .cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = blocks - 1,
	};
}

static inline struct driver *driver_new(const struct ioas_model_setting *s,
					size_t nr)
{
	struct driver *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	assert_int_equal(model_kit_new(&ioas_model_nvme, s, nr, &d->kit), 0);
	driver_enable(d);
	return d;
}

static inline void driver_free(struct driver *d)
{
	model_kit_free(d->kit);
	free(d);
}

#endif
