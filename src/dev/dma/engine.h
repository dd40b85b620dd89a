/* SPDX-License-Identifier: MIT */
/*
 * engine: what the files of the DMA engine share
 *
 *             fetch         fence over                 all bytes
 *   IDLE ------------> FENCE ----------> WORK ------------------> STORE
 *    ^  head != tail                      |  ^                      |
 *    |                          must ask  v  | granted              v
 *    |<------------- error, abort ------ PAGE --------------> COMPLETE
 *    '-----------------------------------------------------------'
 *                                          completion written, head + 1
 *
 *  N1  a ring that is not running is IDLE.
 *  N2  a descriptor is read once; all that follows uses the copy.
 *  N3  PROGRESS bytes are done, as if byte by byte, whatever stopped them.
 *  N4  a group is asked for once until it is answered, also if who asked is
 *      gone: no answer is taken for another's.
 *  N5  status of a descriptor, HEAD, STATUS, interrupt: in this order, and
 *      after all other DMA of the descriptor.
 */
#ifndef IOAS_DEV_DMA_ENGINE_H
#define IOAS_DEV_DMA_ENGINE_H

#include <ioas/dev/dma.h>
#include <ioas/dev/model.h>

/* Bytes of one step, and what a poll may cost in bytes. */
#define ENG_STEP 4096u
#define ENG_BUDGET 8192u
/* What a step costs besides its bytes. */
#define ENG_STEP_COST 256u

#define ENG_GLOBAL_REGS (0x30u / 4)
#define ENG_RING_REGS (0x40u / 4)

enum eng_phase {
	ENG_IDLE,
	ENG_FENCE,
	ENG_WORK,
	ENG_PAGE,
	ENG_STORE,
	ENG_COMPLETE,
};

/* Where the next bytes of a source or destination are. */
struct eng_cursor {
	uint64_t iova;
	/* In this piece. */
	uint64_t left;
	/* Of the entries that are left: the first, and how many. */
	uint64_t entry;
	uint32_t nr;
};

struct eng_ring {
	/* As the driver reads them, but for bits of STATUS. */
	uint32_t reg[ENG_RING_REGS];
	enum eng_phase phase;
	/* PAGE: what comes after it, what is asked for, and where that was. */
	enum eng_phase resume;
	uint64_t asked_iova;
	enum ioas_eng_stage asked_at;
	/* Requests since something got on. */
	unsigned int retries;
	/* Of the descriptor that it is at; grows. */
	uint64_t serial;
	/* FENCE: of what the others are at, 0: not waited for. */
	uint64_t fence[IOAS_ENG_RINGS];
	/* Chained starts that led here. */
	unsigned int depth;
	/* TAIL in BAR2 when last looked at. */
	uint32_t door;
	struct ioas_eng_descriptor d;
	struct eng_cursor source, destination;
	uint32_t crc;
};

struct eng {
	struct ioas_function *f;
	uint32_t reg[ENG_GLOBAL_REGS];
	struct eng_ring ring[IOAS_ENG_RINGS];
	/* By group: PASID + 1 of a request without answer; 0: none. */
	uint32_t asked[IOAS_ENG_GROUPS];
	uint8_t bytes[2][ENG_STEP];
};

/* A pair of registers that makes 64 bits. */
static inline uint64_t eng_get64(const uint32_t *reg, unsigned int offset)
{
	return reg[offset / 4] | (uint64_t)reg[offset / 4 + 1] << 32;
}

static inline void eng_set64(uint32_t *reg, unsigned int offset, uint64_t v)
{
	reg[offset / 4] = (uint32_t)v;
	reg[offset / 4 + 1] = (uint32_t)(v >> 32);
}

static inline uint32_t *eng_reg(struct eng_ring *r,
				enum ioas_eng_ring_register offset)
{
	return &r->reg[offset / 4];
}

static inline bool eng_running(const struct eng_ring *r)
{
	return r->reg[IOAS_ENG_RING_STATUS / 4] & IOAS_ENG_RUNNING;
}

/* Of the descriptor at HEAD. */
static inline uint64_t eng_here(const struct eng_ring *r)
{
	return eng_get64(r->reg, IOAS_ENG_RING_BASE) +
	       r->reg[IOAS_ENG_RING_HEAD / 4] *
		       (uint64_t)sizeof(struct ioas_eng_descriptor);
}

/* ---- ring.c ------------------------------------------------------------- */

/* Vector @vector has something. */
void ioas_eng_event(struct eng *e, unsigned int vector);
/* Stop @r, and say why. */
void ioas_eng_fail(struct eng *e, struct eng_ring *r, enum ioas_eng_error code,
		   enum ioas_eng_stage stage, uint64_t iova);
void ioas_eng_start(struct eng *e, struct eng_ring *r);
void ioas_eng_abort(struct eng_ring *r);
/* TAIL has been written: can it be? */
void ioas_eng_tail(struct eng *e, struct eng_ring *r);
/* One step. Return: what it cost; 0: there was nothing to do. */
unsigned int ioas_eng_step(struct eng *e, struct eng_ring *r);
void ioas_eng_answer(struct eng *e, uint32_t pasid, uint32_t group,
		     bool granted);

/* ---- work.c ------------------------------------------------------------- */

/* Is the copied descriptor one? Prepares cursors. */
enum ioas_eng_error ioas_eng_decode(struct eng_ring *r);
/*
 * One step of WORK: bytes, or an entry of a list. Moves @r on, to where it
 * stops as well. Return: bytes.
 */
unsigned int ioas_eng_work(struct eng *e, struct eng_ring *r);
/* A step of STORE. */
void ioas_eng_store(struct eng *e, struct eng_ring *r);
/* CRC32C as storage and networks use it; 0 begins. */
uint32_t ioas_eng_crc32c(uint32_t crc, const void *bytes, size_t length);

#endif
