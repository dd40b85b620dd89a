/* SPDX-License-Identifier: MIT */
/*
 * ring: descriptors in order, events, errors; engine.h has the diagram
 */
#include "dev/dma/engine.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

void ioas_eng_event(struct eng *e, unsigned int vector)
{
	uint32_t *status = &e->reg[IOAS_ENG_REG_IRQ_STATUS / 4];
	uint32_t bit = 1u << vector;
	bool before = *status & bit;

	*status |= bit;
	/* A message for a bit that comes up, none for one that is up. */
	if (!before && (e->reg[IOAS_ENG_REG_IRQ_ENABLE / 4] & bit))
		ioas_irq(e->f, vector);
}

static void stop(struct eng_ring *r)
{
	*eng_reg(r, IOAS_ENG_RING_STATUS) &= ~(uint32_t)IOAS_ENG_RUNNING;
	r->phase = ENG_IDLE;
}

/*
 * Tell the driver in its memory. The word with status is the last piece: who
 * polls it finds all the rest in place.
 */
static enum ioas_dma_error tell(struct eng *e, struct eng_ring *r,
				enum ioas_eng_error code, uint64_t *failed)
{
	uint64_t here = eng_here(r) +
			offsetof(struct ioas_eng_descriptor, result);
	struct {
		uint32_t order;
		uint32_t status;
	} last = {*eng_reg(r, IOAS_ENG_RING_DONE) + 1,
		  IOAS_ENG_COMPLETE | (uint32_t)code};
	struct ioas_dma_piece pieces[] = {
		{.iova = here,
		 .data = &r->d.result,
		 .length = sizeof(r->d.result)},
		{.iova = here + sizeof(r->d.result),
		 .data = &last,
		 .length = sizeof(last)},
	};

	return ioas_dma_write(e->f, *eng_reg(r, IOAS_ENG_RING_PASID), pieces,
			      IOAS_ARRAY_SIZE(pieces), failed);
}

void ioas_eng_fail(struct eng *e, struct eng_ring *r, enum ioas_eng_error code,
		   enum ioas_eng_stage stage, uint64_t iova)
{
	uint32_t word = (uint32_t)code | (uint32_t)stage << 8;

	if (r->phase != ENG_IDLE)
		word |= (uint32_t)r->d.op << 16;
	*eng_reg(r, IOAS_ENG_RING_ERROR) = word;
	*eng_reg(r, IOAS_ENG_RING_ERROR_INDEX) =
		*eng_reg(r, IOAS_ENG_RING_HEAD);
	eng_set64(r->reg, IOAS_ENG_RING_ERROR_IOVA, iova);
	/* Should this fail as well, the registers have said what matters. */
	if (r->phase != ENG_IDLE && stage != IOAS_ENG_AT_RING &&
	    stage != IOAS_ENG_AT_COMPLETION)
		tell(e, r, code, NULL);
	stop(r);
	e->reg[IOAS_ENG_REG_ERRORS / 4]++;
	*eng_reg(r, IOAS_ENG_RING_STATUS) |= IOAS_ENG_ERROR;
	ioas_eng_event(e, IOAS_ENG_VECTOR_ERROR);
}

/* Can the ring be where its registers say? */
static bool ring_valid(const struct eng_ring *r)
{
	uint64_t base = eng_get64(r->reg, IOAS_ENG_RING_BASE);
	uint32_t size = r->reg[IOAS_ENG_RING_SIZE / 4];
	uint64_t bytes = size * (uint64_t)sizeof(r->d), last;

	return size >= IOAS_ENG_RING_MIN && size <= IOAS_ENG_RING_MAX &&
	       ioas_is_pow2(size) && !(base % sizeof(r->d)) &&
	       ioas_last(base, bytes, &last) &&
	       r->reg[IOAS_ENG_RING_HEAD / 4] < size &&
	       !(r->reg[IOAS_ENG_RING_PASID / 4] >> IOAS_ENG_PASID_BITS);
}

static void check_tail(struct eng *e, struct eng_ring *r)
{
	uint32_t tail = *eng_reg(r, IOAS_ENG_RING_TAIL);

	if (tail >= *eng_reg(r, IOAS_ENG_RING_SIZE))
		ioas_eng_fail(e, r, IOAS_ENG_BAD_TAIL, IOAS_ENG_AT_RING, tail);
}

void ioas_eng_start(struct eng *e, struct eng_ring *r)
{
	uint32_t *status = eng_reg(r, IOAS_ENG_RING_STATUS);

	if (*status & (IOAS_ENG_RUNNING | IOAS_ENG_ERROR))
		return;
	eng_set64(r->reg, IOAS_ENG_RING_PROGRESS, 0);
	if (!ring_valid(r)) {
		ioas_eng_fail(e, r, IOAS_ENG_BAD_RING, IOAS_ENG_AT_RING,
			      eng_get64(r->reg, IOAS_ENG_RING_BASE));
		return;
	}
	*status |= IOAS_ENG_RUNNING;
	check_tail(e, r);
}

void ioas_eng_abort(struct eng_ring *r)
{
	if (!eng_running(r))
		return;
	stop(r);
	*eng_reg(r, IOAS_ENG_RING_STATUS) |= IOAS_ENG_ABORTED;
}

void ioas_eng_tail(struct eng *e, struct eng_ring *r)
{
	if (eng_running(r))
		check_tail(e, r);
}

/* ---- one descriptor ----------------------------------------------------- */

/* What the other rings are at now. It began before us: there is no circle. */
static void fence_begin(struct eng *e, struct eng_ring *r)
{
	unsigned int i;

	for (i = 0; i < IOAS_ENG_RINGS; i++) {
		const struct eng_ring *other = &e->ring[i];

		r->fence[i] = 0;
		if (other != r && other->phase != ENG_IDLE)
			r->fence[i] = other->serial;
	}
}

static bool fence_over(const struct eng *e, const struct eng_ring *r)
{
	unsigned int i;

	for (i = 0; i < IOAS_ENG_RINGS; i++) {
		const struct eng_ring *other = &e->ring[i];

		if (r->fence[i] && other->serial == r->fence[i] &&
		    other->phase != ENG_IDLE)
			return false;
	}
	return true;
}

static void fetch(struct eng *e, struct eng_ring *r)
{
	struct ioas_dma_piece piece = {.iova = eng_here(r),
				       .data = &r->d,
				       .length = sizeof(r->d)};
	uint64_t failed = piece.iova;
	enum ioas_dma_error error;
	enum ioas_eng_error code;

	eng_set64(r->reg, IOAS_ENG_RING_PROGRESS, 0);
	error = ioas_dma_read(e->f, *eng_reg(r, IOAS_ENG_RING_PASID), &piece,
			      1, &failed);
	if (error != IOAS_DMA_OK) {
		code = error == IOAS_DMA_FAULT ? IOAS_ENG_FAULT :
						 IOAS_ENG_DMA_ABORT;
		ioas_eng_fail(e, r, code, IOAS_ENG_AT_DESCRIPTOR, failed);
		return;
	}
	r->serial++;
	r->retries = 0;
	r->d.result = 0;
	r->phase = ENG_FENCE;
	code = ioas_eng_decode(r);
	if (code != IOAS_ENG_OK)
		ioas_eng_fail(e, r, code, IOAS_ENG_AT_DESCRIPTOR, piece.iova);
	else if (r->d.flags & IOAS_ENG_FENCE)
		fence_begin(e, r);
	else
		r->phase = ENG_WORK;
}

/* HEAD where the driver can look without a trap. */
static void publish(struct eng *e, unsigned int nr)
{
	uint8_t *page = ioas_bar_memory(e->f, 2);
	struct eng_ring *r = &e->ring[nr];

	if (*eng_reg(r, IOAS_ENG_RING_CONTROL) & IOAS_ENG_DOORBELL)
		__atomic_store_n((uint32_t *)(void *)(page +
						      IOAS_ENG_DOOR_HEAD(nr)),
				 *eng_reg(r, IOAS_ENG_RING_HEAD),
				 __ATOMIC_RELEASE);
}

static void complete(struct eng *e, struct eng_ring *r)
{
	unsigned int nr = (unsigned int)(r - e->ring);
	uint32_t *head = eng_reg(r, IOAS_ENG_RING_HEAD);
	uint64_t failed = eng_here(r);
	enum ioas_dma_error error = tell(e, r, IOAS_ENG_OK, &failed);

	if (error != IOAS_DMA_OK) {
		ioas_eng_fail(e, r,
			      error == IOAS_DMA_FAULT ? IOAS_ENG_FAULT :
							IOAS_ENG_DMA_ABORT,
			      IOAS_ENG_AT_COMPLETION, failed);
		return;
	}
	r->phase = ENG_IDLE;
	*head = (*head + 1) & (*eng_reg(r, IOAS_ENG_RING_SIZE) - 1);
	++*eng_reg(r, IOAS_ENG_RING_DONE);
	eng_set64(r->reg, IOAS_ENG_RING_PROGRESS, 0);
	publish(e, nr);
	if (r->d.flags & IOAS_ENG_INTERRUPT) {
		*eng_reg(r, IOAS_ENG_RING_STATUS) |= IOAS_ENG_DONE;
		ioas_eng_event(e, nr);
	}
}

unsigned int ioas_eng_step(struct eng *e, struct eng_ring *r)
{
	unsigned int bytes = 0;

	if (!eng_running(r))
		return 0;
	switch (r->phase) {
	case ENG_IDLE:
		if (*eng_reg(r, IOAS_ENG_RING_HEAD) ==
		    *eng_reg(r, IOAS_ENG_RING_TAIL))
			return 0;
		fetch(e, r);
		break;
	case ENG_FENCE:
		if (!fence_over(e, r))
			return 0;
		r->phase = ENG_WORK;
		break;
	case ENG_WORK:
		bytes = ioas_eng_work(e, r);
		break;
	case ENG_PAGE:
		return 0;
	case ENG_STORE:
		ioas_eng_store(e, r);
		break;
	case ENG_COMPLETE:
		complete(e, r);
		break;
	}
	return ENG_STEP_COST + bytes;
}

void ioas_eng_answer(struct eng *e, uint32_t pasid, uint32_t group,
		     bool granted)
{
	unsigned int i;

	if (group >= IOAS_ENG_GROUPS || pasid >> IOAS_ENG_PASID_BITS ||
	    e->asked[group] != pasid + 1)
		return;
	e->asked[group] = 0;
	for (i = 0; i < IOAS_ENG_RINGS; i++) {
		struct eng_ring *r = &e->ring[i];

		if (r->phase != ENG_PAGE || r->d.group != group)
			continue;
		r->phase = r->resume;
		if (!granted)
			ioas_eng_fail(e, r, IOAS_ENG_DENIED, r->asked_at,
				      r->asked_iova);
	}
}
