/* SPDX-License-Identifier: MIT */
/*
 * model_kit: the PCI side of a model, over plain memory
 *
 *    test  --kit_mmio_*-->  BARs  <--poll--  model
 *      |                                       |
 *      '-- kit_memory() --> [ 4 MiB from IOVA 0 ] <-- ioas_dma_*() --'
 *                             pages can be unmapped, or read only
 *
 * Single-threaded. Ops are called by the test alone, services by the model.
 * Asserts what a model owes the PCI side: an identity that makes sense, vectors
 * in range, no DMA in create.
 */
#ifndef TESTS_MODEL_KIT_H
#define TESTS_MODEL_KIT_H

#include <ioas/dev/model.h>

#define KIT_MEMORY (4u << 20)
#define KIT_PAGE 4096u

struct model_kit;

/*
 * Create and reset a device; all memory mapped, bus mastering on.
 * Return: 0, or what create returned; then kit_why() has its line.
 */
int model_kit_new(const struct ioas_model *m,
		  const struct ioas_model_setting *settings, size_t nr,
		  struct model_kit **kit);
void model_kit_free(struct model_kit *kit);
/* The line of the last create that failed. */
const char *kit_why(void);

const struct ioas_identity *kit_identity(const struct model_kit *kit);
void *kit_state(struct model_kit *kit);
struct ioas_function *kit_function(struct model_kit *kit);

/* The driver's memory: @length bytes at @iova, wherever mapped or not. */
void *kit_memory(struct model_kit *kit, uint64_t iova, size_t length);
/* Of whole pages. All are mapped, writable, at first. */
void kit_map(struct model_kit *kit, uint64_t iova, uint64_t length);
void kit_unmap(struct model_kit *kit, uint64_t iova, uint64_t length);
void kit_read_only(struct model_kit *kit, uint64_t iova, uint64_t length);
/* PASID p finds at an IOVA what is at IOVA + p * @stride. 0 at first. */
void kit_pasid_stride(struct model_kit *kit, uint64_t stride);

/* As the driver does it: memory where a BAR is shared, else the op. */
uint64_t kit_mmio_read(struct model_kit *kit, unsigned int bar,
		       uint64_t offset, unsigned int width);
void kit_mmio_write(struct model_kit *kit, unsigned int bar, uint64_t offset,
		    unsigned int width, uint64_t value);
/* Memory of a shared BAR. */
void *kit_bar(struct model_kit *kit, unsigned int bar);

/* Poll @n times. Return: how many of these did something. */
unsigned int kit_poll(struct model_kit *kit, unsigned int n);
/* Poll until nothing is done. Return: that was within @most polls. */
bool kit_settle(struct model_kit *kit, unsigned int most);
/* BARs to zero, then the op. Memory and bus mastering stay. */
void kit_reset(struct model_kit *kit);
void kit_bus_master(struct model_kit *kit, bool on);
void kit_page_response(struct model_kit *kit, uint32_t pasid, uint32_t group,
		       bool granted);

/* Interrupts of @vector since creation. */
unsigned int kit_irqs(const struct model_kit *kit, unsigned int vector);
bool kit_intx(const struct model_kit *kit);

/* DMA calls of all kinds, and those that ended in FAULT, in ABORT. */
unsigned int kit_dmas(const struct model_kit *kit);
unsigned int kit_faults(const struct model_kit *kit);
unsigned int kit_aborts(const struct model_kit *kit);
/* Address and PASID of the last that failed. */
uint64_t kit_fault_iova(const struct model_kit *kit);
uint32_t kit_fault_pasid(const struct model_kit *kit);
/*
 * Let the @nth DMA call from now fail (1: the next) as @error, after the first
 * half of its pieces; 0: none.
 */
void kit_fail_dma(struct model_kit *kit, unsigned int nth,
		  enum ioas_dma_error error);
bool kit_failed_dma(const struct model_kit *kit);
/* Such a call fails at its first piece, not in the middle. */
void kit_fail_first(struct model_kit *kit, bool first);

/* Called for each piece, before its bytes are copied. NULL: nobody. */
typedef void (*kit_piece_fn)(void *context, bool write, uint64_t iova,
			     const void *data, size_t length);
void kit_on_piece(struct model_kit *kit, kit_piece_fn fn, void *context);

/* Page requests: how many, and what the last asked for. */
struct kit_request {
	uint32_t pasid;
	uint32_t group;
	uint64_t iova;
	bool write;
};
unsigned int kit_requests(const struct model_kit *kit,
			  struct kit_request *last);
/* Whether ioas_dma_request() says yes. At first it does. */
void kit_may_request(struct model_kit *kit, bool may);

/* The clock goes on by some nanoseconds per look; and by this. */
void kit_advance(uint64_t nanoseconds);

#endif
