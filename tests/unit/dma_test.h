/* SPDX-License-Identifier: MIT */
/*
 * dma_test: a driver of the DMA engine, for its tests
 *
 *   0x10000  ring 0      0x14000  ring 1
 *   0x20000  lists       0x30000  results
 *   0x100000 sources     0x200000 destinations
 */
#ifndef TESTS_DMA_TEST_H
#define TESTS_DMA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <ioas/dev/dma.h>

#include "dev/models.h"
#include "model_kit.h"
#include "prng.h"

#define RING_IOVA(r) (0x10000u + 0x4000u * (r))
#define RING_SIZE 16u
#define LISTS 0x20000u
#define RESULTS 0x30000u
#define SOURCE 0x100000u
#define DESTINATION 0x200000u
#define SETTLE 100000u

typedef struct ioas_eng_descriptor desc_t;
typedef struct ioas_eng_entry entry_t;

static struct model_kit *kit;

static inline uint32_t global(unsigned int offset)
{
	return (uint32_t)kit_mmio_read(kit, 0, offset, 4);
}

static inline void global_set(unsigned int offset, uint32_t value)
{
	kit_mmio_write(kit, 0, offset, 4, value);
}

static inline uint32_t ring_get(unsigned int r, unsigned int offset)
{
	return global(IOAS_ENG_RING(r) + offset);
}

static inline uint64_t ring_get64(unsigned int r, unsigned int offset)
{
	return kit_mmio_read(kit, 0, IOAS_ENG_RING(r) + offset, 8);
}

static inline void ring_set(unsigned int r, unsigned int offset, uint32_t v)
{
	global_set(IOAS_ENG_RING(r) + offset, v);
}

static inline void ring_set64(unsigned int r, unsigned int offset, uint64_t v)
{
	kit_mmio_write(kit, 0, IOAS_ENG_RING(r) + offset, 8, v);
}

static inline desc_t *desc_at(unsigned int r, unsigned int index)
{
	return kit_memory(kit, RING_IOVA(r) + index * sizeof(desc_t),
			  sizeof(desc_t));
}

/* Registers of ring @r, which is then started, with nothing to do. */
static inline void ring_begin(unsigned int r)
{
	ring_set64(r, IOAS_ENG_RING_BASE, RING_IOVA(r));
	ring_set(r, IOAS_ENG_RING_SIZE, RING_SIZE);
	ring_set(r, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	assert_int_equal(ring_get(r, IOAS_ENG_RING_STATUS), IOAS_ENG_RUNNING);
}

static inline int setup(void **state)
{
	unsigned int r;

	(void)state;
	assert_int_equal(model_kit_new(&ioas_model_dma, NULL, 0, &kit), 0);
	for (r = 0; r < IOAS_ENG_RINGS; r++)
		ring_begin(r);
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 0xf);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	model_kit_free(kit);
	kit = NULL;
	return 0;
}

/* Put @d at TAIL; the engine is told. Return: where it lies. */
static inline desc_t *post(unsigned int r, const desc_t *d)
{
	uint32_t tail = ring_get(r, IOAS_ENG_RING_TAIL);
	desc_t *at = desc_at(r, tail);

	*at = *d;
	at->status = 0;
	ring_set(r, IOAS_ENG_RING_TAIL, (tail + 1) % RING_SIZE);
	return at;
}

static inline void settle(void)
{
	assert_true(kit_settle(kit, SETTLE));
}

/* Post, wait; it ends with @code. Return: the result. */
static inline uint64_t run(const desc_t *d, enum ioas_eng_error code)
{
	desc_t *at = post(0, d);

	settle();
	assert_int_equal(at->status, IOAS_ENG_COMPLETE | (uint32_t)code);
	return at->result;
}

/* The latest error of ring @r. */
static inline void expect_error(unsigned int r, enum ioas_eng_error code,
				enum ioas_eng_stage stage, uint64_t iova)
{
	uint32_t error = ring_get(r, IOAS_ENG_RING_ERROR);
	uint32_t status = ring_get(r, IOAS_ENG_RING_STATUS);

	assert_true(status & IOAS_ENG_ERROR);
	assert_false(status & (IOAS_ENG_RUNNING | IOAS_ENG_BUSY));
	assert_int_equal(IOAS_ENG_ERROR_CODE(error), code);
	assert_int_equal(IOAS_ENG_ERROR_STAGE(error), stage);
	assert_int_equal(ring_get64(r, IOAS_ENG_RING_ERROR_IOVA), iova);
	assert_int_equal(ring_get(r, IOAS_ENG_RING_ERROR_INDEX),
			 ring_get(r, IOAS_ENG_RING_HEAD));
}

/* Clear the error; go on with the descriptor at HEAD, or the one behind. */
static inline void go_on(unsigned int r, bool skip)
{
	uint32_t head = ring_get(r, IOAS_ENG_RING_HEAD);

	ring_set(r, IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR | IOAS_ENG_ABORTED);
	if (skip)
		ring_set(r, IOAS_ENG_RING_HEAD, (head + 1) % RING_SIZE);
	ring_set(r, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
}

static inline void scramble(uint64_t iova, size_t length, uint64_t seed)
{
	struct prng p = {seed};
	uint8_t *at = kit_memory(kit, iova, length);
	size_t i;

	for (i = 0; i < length; i++)
		at[i] = (uint8_t)prng_next(&p);
}

#endif
