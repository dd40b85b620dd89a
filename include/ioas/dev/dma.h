/* SPDX-License-Identifier: MIT */
/*
 * dma: registers and descriptors of the DMA engine
 *
 *   BAR0  registers, exact: every access reaches the engine
 *         0x000 global     0x100 ring 0     0x180 ring 1
 *   BAR2  a page of doorbells, may be mapped
 *   BAR4  MSI-X table and pending bits
 *
 *   base --> | 0 | 1 | 2 | 3 | .. | size - 1 |   descriptors of 64 bytes
 *              ^ head      ^ tail                head == tail: nothing to do
 *
 * What a driver needs to know; docs/dma-engine.md is the data sheet. Everything
 * is little-endian. Registers have 32 bits; a pair of them that makes 64 may be
 * accessed at once or by halves.
 */
#ifndef IOAS_DEV_DMA_H
#define IOAS_DEV_DMA_H

#include <stdint.h>

/* Nobody's: 1234 is not given out, emulators use it. */
#define IOAS_ENG_VENDOR 0x1234u
#define IOAS_ENG_DEVICE 0x10a5u
/* System peripheral, other. */
#define IOAS_ENG_CLASS 0x088000u

#define IOAS_ENG_RINGS 2u
#define IOAS_ENG_PASID_BITS 20u
/* Groups of page requests are below this, as in PCI. */
#define IOAS_ENG_GROUPS 512u
/* Descriptors of a ring: a power of two. */
#define IOAS_ENG_RING_MIN 2u
#define IOAS_ENG_RING_MAX 65536u
/* Bytes of one descriptor. */
#define IOAS_ENG_LENGTH_MAX (UINT64_C(1) << 32)
/* Bytes of a probe. */
#define IOAS_ENG_PROBE_MAX 4096u
/* Entries of a list. */
#define IOAS_ENG_LIST_MAX 65536u
/* Chained starts without the driver. */
#define IOAS_ENG_CHAIN_MAX 16u
/* Page requests on one spot. */
#define IOAS_ENG_RETRIES 4u

/* ---- BAR0, global ------------------------------------------------------- */

enum ioas_eng_register {
	/* Read only: IOAS_ENG_ID, IOAS_ENG_VERSION. */
	IOAS_ENG_REG_ID = 0x00,
	IOAS_ENG_REG_VERSION = 0x04,
	/* Read only, 64 bits: IOAS_ENG_CAP_*. */
	IOAS_ENG_REG_CAP = 0x08,
	/* Write only: IOAS_ENG_RESET. */
	IOAS_ENG_REG_CONTROL = 0x10,
	/* A bit for each vector: it sends; it has something, write 1 to clear. */
	IOAS_ENG_REG_IRQ_ENABLE = 0x14,
	IOAS_ENG_REG_IRQ_STATUS = 0x18,
	/* Yours, 64 bits. */
	IOAS_ENG_REG_SCRATCH = 0x20,
	/* Errors of all rings since the reset. */
	IOAS_ENG_REG_ERRORS = 0x28,
};

#define IOAS_ENG_ID 0x414d4449u /* "IDMA" */
#define IOAS_ENG_VERSION 0x00010000u
#define IOAS_ENG_RESET 1u

/* IOAS_ENG_REG_CAP: where fields of 8 bits begin; the upper half: operations. */
#define IOAS_ENG_CAP_RINGS_SHIFT 0
#define IOAS_ENG_CAP_VECTORS_SHIFT 8
#define IOAS_ENG_CAP_RING_LG2_SHIFT 16
#define IOAS_ENG_CAP_PASID_SHIFT 24
#define IOAS_ENG_CAP_OPS_SHIFT 32

/* Ring r has vector r. */
#define IOAS_ENG_VECTOR_ERROR 2u
#define IOAS_ENG_VECTOR_PAGE 3u
#define IOAS_ENG_VECTORS 4u

/* ---- BAR0, one ring ----------------------------------------------------- */

#define IOAS_ENG_RING(r) (0x100u + 0x80u * (r))

enum ioas_eng_ring_register {
	/* IOAS_ENG_START, _ABORT, _DOORBELL; only the last is read back. */
	IOAS_ENG_RING_CONTROL = 0x00,
	/* IOAS_ENG_BUSY and so on. */
	IOAS_ENG_RING_STATUS = 0x04,
	/* 64 bits. This and SIZE, HEAD, PASID do not change while it runs. */
	IOAS_ENG_RING_BASE = 0x08,
	IOAS_ENG_RING_SIZE = 0x10,
	/* Index of what is being done, or comes next. */
	IOAS_ENG_RING_HEAD = 0x14,
	/* Index behind the last that may be done. */
	IOAS_ENG_RING_TAIL = 0x18,
	/* Read only: descriptors done since the reset. */
	IOAS_ENG_RING_DONE = 0x1c,
	/* Of descriptors, not of what they point at; 0: none. */
	IOAS_ENG_RING_PASID = 0x20,
	/* Read only: the latest error. IOVA and PROGRESS have 64 bits. */
	IOAS_ENG_RING_ERROR = 0x28,
	IOAS_ENG_RING_ERROR_INDEX = 0x2c,
	IOAS_ENG_RING_ERROR_IOVA = 0x30,
	/* Read only: bytes done of the descriptor at HEAD. */
	IOAS_ENG_RING_PROGRESS = 0x38,
};

enum ioas_eng_control {
	IOAS_ENG_START = 1u << 0,
	IOAS_ENG_ABORT = 1u << 1,
	/* TAIL is taken from BAR2 too. */
	IOAS_ENG_DOORBELL = 1u << 2,
};

enum ioas_eng_status {
	/* Started, and not stopped by an error or an abort. */
	IOAS_ENG_RUNNING = 1u << 0,
	/* And has something to do. */
	IOAS_ENG_BUSY = 1u << 1,
	/* For the answer to a page request. */
	IOAS_ENG_WAITING = 1u << 2,
	/* Write 1 to clear: a descriptor with IOAS_ENG_INTERRUPT is done, */
	IOAS_ENG_DONE = 1u << 8,
	/* an error stopped the ring: cleared before it starts again, */
	IOAS_ENG_ERROR = 1u << 9,
	/* an abort found something to stop. */
	IOAS_ENG_ABORTED = 1u << 10,
};

/* ---- BAR2 --------------------------------------------------------------- */

/* The driver writes TAIL at the first, the engine HEAD at the second. */
#define IOAS_ENG_DOOR_TAIL(r) (8u * (r))
#define IOAS_ENG_DOOR_HEAD(r) (8u * (r) + 4u)

/* ---- descriptors -------------------------------------------------------- */

enum ioas_eng_op {
	IOAS_ENG_NOP = 0,
	/* source to destination. */
	IOAS_ENG_COPY = 1,
	/* value, again and again, to destination. */
	IOAS_ENG_FILL = 2,
	/* result: CRC32C of source, continued from value (0: from the start). */
	IOAS_ENG_CRC32C = 3,
	/* result: offset of the first difference; length: there is none. */
	IOAS_ENG_COMPARE = 4,
	/* Adds value to length (4 or 8) bytes at destination; result: before. */
	IOAS_ENG_ATOMIC_ADD = 5,
	/* Asks for the page at source, with group. */
	IOAS_ENG_PAGE_REQUEST = 6,
	/*
	 * Reads, or with IOAS_ENG_WRITE writes value to, length bytes at
	 * destination. Failing is no error. result: bytes done; from bit 32
	 * on the code.
	 */
	IOAS_ENG_PROBE = 7,
	/* Ring group gets the tail value, and is started. */
	IOAS_ENG_CHAIN = 8,
	IOAS_ENG_NR_OPS
};

enum ioas_eng_flag {
	/* When it is done: IOAS_ENG_DONE, and the ring's vector. */
	IOAS_ENG_INTERRUPT = 1u << 0,
	/* Begins when what other rings are at now is over. */
	IOAS_ENG_FENCE = 1u << 1,
	/* source, destination: of a list of nr_source, nr_destination entries. */
	IOAS_ENG_SOURCE_LIST = 1u << 2,
	IOAS_ENG_DESTINATION_LIST = 1u << 3,
	/* The result goes to destination, 8 bytes (COMPARE: to value), as well. */
	IOAS_ENG_STORE = 1u << 4,
	/* A fault is no error: ask for the page, with group, and go on. */
	IOAS_ENG_ASK = 1u << 5,
	/* PAGE_REQUEST, PROBE: for writing. */
	IOAS_ENG_WRITE = 1u << 6,
};

struct ioas_eng_descriptor {
	uint8_t op;
	uint8_t flags;
	uint16_t group;
	/* 0: none. */
	uint32_t pasid;
	uint64_t source;
	uint64_t destination;
	uint64_t length;
	uint64_t value;
	uint32_t nr_source;
	uint32_t nr_destination;
	/* The engine writes these, in this order. */
	uint64_t result;
	/* IOAS_ENG_COMPLETE and an error code: valid is what comes last. */
	uint32_t order;
	uint32_t status;
};

#define IOAS_ENG_COMPLETE 0x80000000u

struct ioas_eng_entry {
	uint64_t iova;
	uint32_t length;
	/* 0. */
	uint32_t reserved;
};

/* ---- errors ------------------------------------------------------------- */

/* Bits 0 to 7 of IOAS_ENG_RING_ERROR, and of the status of a descriptor. */
enum ioas_eng_error {
	IOAS_ENG_OK = 0,
	/* BASE, SIZE, HEAD or PASID is impossible. */
	IOAS_ENG_BAD_RING = 1,
	IOAS_ENG_BAD_TAIL = 2,
	IOAS_ENG_BAD_OP = 3,
	/* Unknown, or not for this operation. */
	IOAS_ENG_BAD_FLAGS = 4,
	IOAS_ENG_BAD_PASID = 5,
	/* Zero, too long, or not 4 or 8. */
	IOAS_ENG_BAD_LENGTH = 6,
	/* Goes over the end of the address space. */
	IOAS_ENG_BAD_RANGE = 7,
	IOAS_ENG_UNALIGNED = 8,
	/* No entries, too many, or one with a reserved bit. */
	IOAS_ENG_BAD_LIST = 9,
	/* The entries end before length. */
	IOAS_ENG_SHORT_LIST = 10,
	/* Not mapped, or not with this permission. */
	IOAS_ENG_FAULT = 11,
	/* No bus mastering, not attached, memory is gone. */
	IOAS_ENG_DMA_ABORT = 12,
	/* Too high, or not answered yet. */
	IOAS_ENG_BAD_GROUP = 13,
	/* The request could not be made. */
	IOAS_ENG_NOT_ASKED = 14,
	/* The answer was no. */
	IOAS_ENG_DENIED = 15,
	/* No such ring, or one that an error stopped. */
	IOAS_ENG_BAD_CHAIN = 16,
	/* More than IOAS_ENG_CHAIN_MAX starts. */
	IOAS_ENG_CHAIN_LOOP = 17,
};

/* Bits 8 to 15 of IOAS_ENG_RING_ERROR: while it did this. */
enum ioas_eng_stage {
	IOAS_ENG_AT_RING = 0,
	/* Reading, or checking, the descriptor. */
	IOAS_ENG_AT_DESCRIPTOR = 1,
	/* An entry of a list. */
	IOAS_ENG_AT_LIST = 2,
	IOAS_ENG_AT_SOURCE = 3,
	IOAS_ENG_AT_DESTINATION = 4,
	/* Storing the result. */
	IOAS_ENG_AT_RESULT = 5,
	/* Writing result and status of the descriptor. */
	IOAS_ENG_AT_COMPLETION = 6,
};

/* Bits 16 to 23: the operation, if it got that far. */
#define IOAS_ENG_ERROR_CODE(e) ((e)&0xffu)
#define IOAS_ENG_ERROR_STAGE(e) ((e) >> 8 & 0xffu)
#define IOAS_ENG_ERROR_OP(e) ((e) >> 16 & 0xffu)

#ifdef __cplusplus
#define IOAS_ENG_ASSERT(c) static_assert(c, #c)
#else
#define IOAS_ENG_ASSERT(c) _Static_assert(c, #c)
#endif
IOAS_ENG_ASSERT(sizeof(struct ioas_eng_descriptor) == 64);
IOAS_ENG_ASSERT(sizeof(struct ioas_eng_entry) == 16);

#endif
