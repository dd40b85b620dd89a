/* SPDX-License-Identifier: MIT */
/*
 * vfio_disk: see vfio_disk.h
 */
#include "vfio_disk.h"

#define CC_ENTRIES (6u << 16 | 4u << 20)
#define CC_EN 1u

static volatile uint32_t *reg_at(const struct disk *d, uint32_t reg)
{
	return (volatile uint32_t *)(volatile void *)(d->bar + reg);
}

uint32_t disk_reg(const struct disk *d, uint32_t reg)
{
	return __atomic_load_n(reg_at(d, reg), __ATOMIC_ACQUIRE);
}

void disk_set(const struct disk *d, uint32_t reg, uint32_t value)
{
	__atomic_store_n(reg_at(d, reg), value, __ATOMIC_RELEASE);
}

void disk_csts(const struct disk *d, uint32_t mask, uint32_t value)
{
	const uint64_t since = now_ns();

	while ((disk_reg(d, REG_CSTS) & mask) != value) {
		sched_yield();
		patience(since, "CSTS is not what it should become");
	}
}

uint64_t sq_iova(unsigned int id)
{
	return QUEUES + 2 * SECTOR * id;
}

uint64_t cq_iova(unsigned int id)
{
	return sq_iova(id) + SECTOR;
}

void pair_forget(struct disk *d, unsigned int id, uint32_t depth)
{
	char *at = d->queues + 2 * SECTOR * id;

	memset(at, 0, 2 * SECTOR);
	d->pair[id] = (struct pair){ .sq = (void *)at,
				     .cq = (void *)(at + SECTOR),
				     .depth = depth, .phase = 1 };
}

void disk_enable(struct disk *d, bool on)
{
	if (on) {
		pair_forget(d, 0, DEPTH_MAX);
		disk_set(d, REG_AQA, (DEPTH_MAX - 1) << 16 | (DEPTH_MAX - 1));
		disk_set(d, REG_ASQ, (uint32_t)sq_iova(0));
		disk_set(d, REG_ASQ + 4, (uint32_t)(sq_iova(0) >> 32));
		disk_set(d, REG_ACQ, (uint32_t)cq_iova(0));
		disk_set(d, REG_ACQ + 4, (uint32_t)(cq_iova(0) >> 32));
	}
	disk_set(d, REG_CC, CC_ENTRIES | (on ? CC_EN : 0));
	disk_csts(d, CSTS_RDY, on ? CSTS_RDY : 0);
}

/* ---- queues ------------------------------------------------------------- */

bool pair_room(const struct pair *q)
{
	return q->waiting + 1 < q->depth;
}

uint16_t pair_push(struct disk *d, unsigned int id, const struct sqe *e)
{
	struct pair *q = &d->pair[id];
	const uint16_t cid = q->cid++;

	want(pair_room(q), 1);
	q->sq[q->tail] = *e;
	q->sq[q->tail].cid = cid;
	q->tail = (q->tail + 1) % q->depth;
	q->waiting++;
	return cid;
}

void pair_ring(struct disk *d, unsigned int id)
{
	disk_set(d, 0x1000 + 8 * id, d->pair[id].tail);
}

bool pair_reap(struct disk *d, unsigned int id, struct cqe *out)
{
	struct pair *q = &d->pair[id];
	struct cqe *e = &q->cq[q->head];
	const uint16_t status = __atomic_load_n(&e->status, __ATOMIC_ACQUIRE);

	if ((status & 1) != q->phase)
		return false;
	*out = *e;
	want(out->sqid, id);
	q->waiting--;
	if (++q->head == q->depth) {
		q->head = 0;
		q->phase ^= 1;
	}
	disk_set(d, 0x1000 + 8 * id + 4, q->head);
	return true;
}

struct cqe pair_wait(struct disk *d, unsigned int id)
{
	const uint64_t since = now_ns();
	struct cqe c;

	while (!pair_reap(d, id, &c)) {
		sched_yield();
		patience(since, "a command is not completed");
	}
	return c;
}

uint32_t disk_do(struct disk *d, unsigned int id, const struct sqe *e)
{
	const uint16_t cid = pair_push(d, id, e);
	struct cqe c;

	pair_ring(d, id);
	c = pair_wait(d, id);
	want(c.cid, cid);
	return status_of(&c);
}

uint32_t queue_create_cq(struct disk *d, uint32_t id, uint32_t depth,
			 uint64_t iova, int vector)
{
	const struct sqe e = {
		.opcode = ADMIN_CREATE_CQ, .prp1 = iova,
		.cdw10 = (depth - 1) << 16 | id,
		.cdw11 = 1u | (vector < 0 ? 0 : 2u | (uint32_t)vector << 16),
	};

	return disk_do(d, 0, &e);
}

uint32_t queue_create_sq(struct disk *d, uint32_t id, uint32_t depth,
			 uint64_t iova, uint32_t cq)
{
	const struct sqe e = {
		.opcode = ADMIN_CREATE_SQ, .prp1 = iova,
		.cdw10 = (depth - 1) << 16 | id, .cdw11 = 1u | cq << 16,
	};

	return disk_do(d, 0, &e);
}

uint32_t queue_delete(struct disk *d, uint32_t opcode, uint32_t id)
{
	const struct sqe e = { .opcode = (uint8_t)opcode, .cdw10 = id };

	return disk_do(d, 0, &e);
}

void pair_create(struct disk *d, unsigned int id, uint32_t depth, int vector)
{
	pair_forget(d, id, depth);
	want(queue_create_cq(d, id, depth, cq_iova(id), vector), ST_OK);
	want(queue_create_sq(d, id, depth, sq_iova(id), id), ST_OK);
}

void pair_delete(struct disk *d, unsigned int id)
{
	want(queue_delete(d, ADMIN_DELETE_SQ, id), ST_OK);
	want(queue_delete(d, ADMIN_DELETE_CQ, id), ST_OK);
}

/* ---- the disk ----------------------------------------------------------- */

struct sqe rw(uint32_t opcode, uint32_t nsid, uint64_t lba, uint32_t nr,
	      uint64_t at)
{
	return (struct sqe){ .opcode = (uint8_t)opcode, .nsid = nsid,
			     .prp1 = at, .cdw10 = (uint32_t)lba,
			     .cdw11 = (uint32_t)(lba >> 32), .cdw12 = nr - 1 };
}

/* What the namespaces are. */
static void identify(struct disk *d)
{
	struct sqe e = { .opcode = ADMIN_IDENTIFY, .prp1 = ARENA,
			 .cdw10 = 2 };
	uint32_t ids[NAMESPACES_MAX + 1];

	want(disk_do(d, 0, &e), ST_OK);
	memcpy(ids, d->arena, sizeof(ids));
	for (d->nr_ns = 0; ids[d->nr_ns]; d->nr_ns++) {
		struct namespace *ns = &d->ns[d->nr_ns];

		want(d->nr_ns < NAMESPACES_MAX, 1);
		want(ids[d->nr_ns], d->nr_ns + 1);
		e.cdw10 = 0;
		e.nsid = d->nr_ns + 1;
		want(disk_do(d, 0, &e), ST_OK);
		memcpy(&ns->blocks, d->arena, 8);
		/* FLBAS says which of the formats. */
		ns->lg2 = (unsigned char)
			d->arena[128 + 4 * (d->arena[26] & 15) + 2];
		want(ns->lg2 == 9 || ns->lg2 == 12, 1);
	}
	want(d->nr_ns > 0, 1);
}

struct disk disk_open(void *(*memory)(size_t pages))
{
	struct disk d = { .v = vfio_open_dma(FN_NVME) };

	d.bar = bar_map(&d.v, 0, 0, 0x4000);
	d.queues = memory(2 * PAIRS * SECTOR / PAGE);
	d.arena = memory(ARENA_PAGES * SECTOR / PAGE);
	map_at(&d.v, d.queues, 2 * PAIRS * SECTOR, UC_RW, QUEUES);
	map_at(&d.v, d.arena, ARENA_PAGES * SECTOR, UC_RW, ARENA);
	want(disk_reg(&d, REG_VS), 0x00010400);
	disk_enable(&d, true);
	identify(&d);
	return d;
}

void disk_close(struct disk *d)
{
	want_ok(munmap((void *)(uintptr_t)d->bar, 0x4000));
	vfio_close(&d->v);
	want_ok(munmap(d->queues, 2 * PAIRS * SECTOR));
	want_ok(munmap(d->arena, ARENA_PAGES * SECTOR));
}
