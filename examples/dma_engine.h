/* SPDX-License-Identifier: MIT */
/*
 * dma_engine: a driver of the DMA engine (docs/dma-engine.md)
 *
 *     this program                          engine
 *       source -------------- mapped ------->  reads
 *       destination <-------- mapped --------  writes
 *       ring of descriptors - mapped ------->  what to do
 *       tail in BAR2 ----------------------->  that there is something to do
 *       eventfd <--------------- MSI-X ------  that it is done, or failed
 */
#ifndef EXAMPLES_DMA_ENGINE_H
#define EXAMPLES_DMA_ENGINE_H

#include "vfio.h"

#include <ioas/dev/dma.h>

#define KIB 1024u
#define MIB (1024u * KIB)

/* Memory, in one piece; where in it something is. */
enum { RING = 0, LIST = 8 * KIB, WORD = 16 * KIB, SOURCE = MIB,
       DESTINATION = 2 * MIB, ALL = 3 * MIB };

struct engine {
	struct vfio v;
	struct vfio_region_info bar0;
	volatile uint32_t *doors;
	uint8_t *memory;
	uint64_t iova;
	volatile struct ioas_eng_descriptor *ring;
	uint32_t tail;
	int eventfd[IOAS_ENG_VECTORS];
	/* Page requests come from here; -1: from nowhere. */
	int faults;
	/* Memory of IOAS 2: a page is mapped when it is asked for. */
	uint8_t *lazy;
	uint32_t lazy_ioas;
	unsigned int asked;
};

void engine_open(struct engine *e, const char *bdf, bool legacy);
void engine_close(struct engine *e);

/*
 * Have it done, and page requests answered meanwhile. Return: the status of the
 * descriptor; its result in *@result.
 */
uint32_t engine_do(struct engine *e, const struct ioas_eng_descriptor *d,
		   uint64_t *result);
/* The same; what fails ends the program. Return: the result. */
uint64_t engine_must(struct engine *e, const char *what,
		     const struct ioas_eng_descriptor *d);

/* Of an error: the register, and the first byte that could not be reached. */
uint32_t engine_error(struct engine *e);
uint64_t engine_error_iova(struct engine *e);
/* After an error: go on with the next descriptor. */
void engine_resume(struct engine *e);

#endif
