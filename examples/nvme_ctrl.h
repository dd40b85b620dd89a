/* SPDX-License-Identifier: MIT */
/*
 * nvme_ctrl: an NVMe controller with one pair of IO queues
 *
 *   driver                     memory                      controller
 *     write a command   ---->  submission queue   <----  fetches it
 *     doorbell: new tail  ----------------------------------^
 *                              data, PRP list     <--->  moves the data
 *     look at the phase ---->  completion queue   <----  writes an entry
 *     doorbell: new head  ---------------------------------->
 *
 * Each entry of the submission queue has a slot: a number that the completion
 * repeats, and a buffer. Names and numbers are those of NVM Express 1.4.
 */
#ifndef EXAMPLES_NVME_CTRL_H
#define EXAMPLES_NVME_CTRL_H

#include "vfio.h"

#define NVME_PAGE 4096u
/* A PRP list is one page here: that many more pages than the first. */
#define NVME_LIST (NVME_PAGE / 8)

/* Registers that both files look at. */
#define NVME_CSTS 0x1c
#define NVME_CSTS_FATAL 2u
#define NVME_DOORBELLS 0x1000

/* Opcodes of IO. */
enum { NVME_FLUSH = 0, NVME_WRITE = 1, NVME_READ = 2 };

struct nvme_command {
	uint8_t opcode;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint64_t metadata;
	uint64_t prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "submission queue entry");

struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head;
	uint16_t sq_id;
	uint16_t cid;
	/* Bit 0: the phase, which differs from that of the round before. */
	uint16_t status;
};
_Static_assert(sizeof(struct nvme_completion) == 16, "completion queue entry");

struct nvme_queue {
	struct nvme_command *sq;
	volatile struct nvme_completion *cq;
	volatile uint32_t *sq_door;
	volatile uint32_t *cq_door;
	uint64_t sq_iova, cq_iova;
	uint32_t size;
	uint32_t sq_tail;
	/* The tail that the controller knows. */
	uint32_t sq_rung;
	uint32_t cq_head;
	uint16_t phase;
	/* What its vector signals; -1: it is polled. */
	int eventfd;
};

struct nvme_slot {
	uint8_t *data;
	uint64_t iova;
	/* Where the PRP list is: its second page and those behind. */
	uint64_t list;
};

struct nvme_options {
	/* Wait for interrupts instead of polling; buffers of a memfd. */
	bool irq;
	bool shared;
	/* Commands at a time; bytes of each at most, 0: what there may be. */
	uint32_t depth;
	uint32_t bytes;
	uint32_t nsid;
};

struct nvme {
	struct vfio *v;
	struct nvme_options o;
	volatile uint8_t *bar;
	uint64_t cap;
	struct nvme_queue admin;
	struct nvme_queue io;
	struct nvme_slot *slot;
	/* Of the controller. */
	char serial[21], model[41], firmware[9];
	uint32_t namespaces;
	/* Bytes of a command, at most. */
	uint32_t max_bytes;
	/* Of the namespace. */
	uint64_t blocks;
	uint32_t block;
};

/* Something that was completed: which slot; 0, or what went wrong. */
struct nvme_done {
	uint16_t slot;
	uint16_t status;
};

void nvme_open(struct nvme *n, struct vfio *v, const struct nvme_options *o);
/* Everything is on the medium. */
void nvme_close(struct nvme *n);

/* Put a command in the queue; nvme_ring() makes it known. */
void nvme_submit(struct nvme *n, uint16_t slot, uint8_t opcode, uint64_t lba,
		 uint32_t blocks);
void nvme_ring(struct nvme *n);
/* Wait until something is done. Return: how much, at most @max. */
unsigned int nvme_wait(struct nvme *n, struct nvme_done *done,
		       unsigned int max);
/* It went well, or the program ends. */
void nvme_check(const struct nvme_done *done);

/* ---- between nvme_ctrl.c and nvme_io.c ---------------------------------- */

uint32_t nvme_read32(struct nvme *n, size_t at);
/* Nanoseconds. */
uint64_t nvme_now(void);
void nvme_queue_create(struct nvme *n, struct nvme_queue *q, uint32_t id,
		       uint32_t size);
void nvme_queue_put(struct nvme_queue *q, const struct nvme_command *c);
void nvme_queue_ring(struct nvme_queue *q);
void nvme_queue_wait(struct nvme *n, struct nvme_queue *q,
		     struct nvme_completion *out);
void nvme_slots_create(struct nvme *n);

#endif
