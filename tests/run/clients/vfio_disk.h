/* SPDX-License-Identifier: MIT */
/*
 * vfio_disk: a driver of the NVMe controller, as small as tests need it
 *
 *   [ SQ page | CQ page ] x 65   QUEUES     pair 0: admin
 *   [ arena: data, PRP lists, SGLs ]  ARENA
 *   BAR0, mapped: registers, doorbells
 *
 * Statuses are code and type, 0x7ff; numbers are those of NVM Express 1.4.
 */
#ifndef TESTS_RUN_VFIO_DISK_H
#define TESTS_RUN_VFIO_DISK_H

#include "vfio_kit.h"

#define QUEUES (IOVA + UINT64_C(0x1000000))
#define ARENA (IOVA + UINT64_C(0x4000000))
#define ARENA_PAGES 1024u
#define PAIRS 65u
/* One page: 64 commands. */
#define DEPTH_MAX 64u
#define NAMESPACES_MAX 4u
#define SECTOR 4096u

#define REG_CAP 0x00u
#define REG_VS 0x08u
#define REG_CC 0x14u
#define REG_CSTS 0x1cu
#define REG_NSSR 0x20u
#define REG_AQA 0x24u
#define REG_ASQ 0x28u
#define REG_ACQ 0x30u
#define REG_CMBSZ 0x3cu
#define REG_CMBMSC 0x50u
#define CSTS_RDY 1u
#define CSTS_CFS 2u
#define CSTS_SHST 0xcu

#define ADMIN_DELETE_SQ 0x00u
#define ADMIN_CREATE_SQ 0x01u
#define ADMIN_DELETE_CQ 0x04u
#define ADMIN_CREATE_CQ 0x05u
#define ADMIN_IDENTIFY 0x06u
#define ADMIN_ABORT 0x08u
#define IO_FLUSH 0x00u
#define IO_WRITE 0x01u
#define IO_READ 0x02u
#define IO_COMPARE 0x05u
#define IO_ZEROES 0x08u
#define IO_DATASET 0x09u

#define ST_OK 0x000u
#define ST_OPCODE 0x001u
#define ST_FIELD 0x002u
#define ST_TRANSFER 0x004u
#define ST_ABORT_QUEUE 0x008u
#define ST_NAMESPACE 0x00bu
#define ST_SGL_SEGMENT 0x00du
#define ST_SGL_NUMBER 0x00eu
#define ST_SGL_LENGTH 0x00fu
#define ST_SGL_TYPE 0x011u
#define ST_PRP 0x013u
#define ST_PROTECTED 0x020u
#define ST_RANGE 0x080u
#define ST_QUEUE_CQ 0x100u
#define ST_QUEUE_ID 0x101u
#define ST_QUEUE_SIZE 0x102u
#define ST_VECTOR 0x108u
#define ST_DELETION 0x10cu
#define ST_COMPARE 0x285u

/* PSDT: data are described by an SGL. */
#define FLAG_SGL 0x40u
#define SGL_BLOCK 0x00u
#define SGL_BUCKET 0x10u
#define SGL_SEGMENT 0x20u
#define SGL_LAST 0x30u

struct sqe {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid, cdw2, cdw3;
	uint64_t mptr, prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct sqe) == 64, "submission queue entry");

struct cqe {
	uint32_t dw0, dw1;
	uint16_t sq_head, sqid, cid, status;
};
_Static_assert(sizeof(struct cqe) == 16, "completion queue entry");

struct sgl {
	uint64_t address;
	uint32_t length;
	uint8_t reserved[3];
	uint8_t kind;
};
_Static_assert(sizeof(struct sgl) == 16, "SGL descriptor");

struct pair {
	struct sqe *sq;
	struct cqe *cq;
	uint32_t depth, tail, head;
	uint16_t phase;
	/* Submitted, not completed; the next command's number. */
	uint32_t waiting;
	uint16_t cid;
};

struct namespace {
	unsigned int lg2;
	uint64_t blocks;
};

struct disk {
	struct vfio v;
	volatile char *bar;
	char *queues;
	char *arena;
	struct pair pair[PAIRS];
	unsigned int nr_ns;
	struct namespace ns[NAMESPACES_MAX];
};

uint32_t disk_reg(const struct disk *d, uint32_t reg);
void disk_set(const struct disk *d, uint32_t reg, uint32_t value);
/* CC.EN, and wait until CSTS.RDY is that. */
void disk_enable(struct disk *d, bool on);
/* Wait until these bits of CSTS are that. */
void disk_csts(const struct disk *d, uint32_t mask, uint32_t value);
/* Everything but queues of I/O. */
struct disk disk_open(void *(*memory)(size_t pages));
void disk_close(struct disk *d);

uint64_t sq_iova(unsigned int id);
uint64_t cq_iova(unsigned int id);
/* Of @depth entries; @vector -1: none. */
void pair_create(struct disk *d, unsigned int id, uint32_t depth, int vector);
void pair_delete(struct disk *d, unsigned int id);
/* As if it had just been made. */
void pair_forget(struct disk *d, unsigned int id, uint32_t depth);
uint32_t queue_create_cq(struct disk *d, uint32_t id, uint32_t depth,
			 uint64_t iova, int vector);
uint32_t queue_create_sq(struct disk *d, uint32_t id, uint32_t depth,
			 uint64_t iova, uint32_t cq);
uint32_t queue_delete(struct disk *d, uint32_t opcode, uint32_t id);

/* Is there room for another command? */
bool pair_room(const struct pair *q);
/* Into the ring; pair_ring() tells of it. Return: its number. */
uint16_t pair_push(struct disk *d, unsigned int id, const struct sqe *e);
void pair_ring(struct disk *d, unsigned int id);
/* A completion, if there is one. */
bool pair_reap(struct disk *d, unsigned int id, struct cqe *out);
struct cqe pair_wait(struct disk *d, unsigned int id);
/* One command, to its end. Return: its status. */
uint32_t disk_do(struct disk *d, unsigned int id, const struct sqe *e);
/* @nr blocks from @lba on, by PRPs in the arena at @at. */
struct sqe rw(uint32_t opcode, uint32_t nsid, uint64_t lba, uint32_t nr,
	      uint64_t at);

static inline uint32_t status_of(const struct cqe *c)
{
	return c->status >> 1 & 0x7ffu;
}

#endif
