/* SPDX-License-Identifier: MIT */
/*
 * work: what descriptors do, a step at a time
 *
 *   source       |####....|   |........|      pieces of a list, or one range
 *   destination  |##|  |##.......|
 *   this step:     up to the end of either piece, of length, of ENG_STEP
 *
 * A step that is cut short by a failure does what lies before it, and then
 * reports the byte at which a copy byte by byte, reading before writing, would
 * have failed (N3).
 */
#include "dev/dma/engine.h"

#include <string.h>

#include "base/bits.h"

/* ---- CRC32C ------------------------------------------------------------- */

uint32_t ioas_eng_crc32c(uint32_t crc, const void *bytes, size_t length)
{
	/* What four bits give, twice a byte: small, and fast enough here. */
	static const uint32_t nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const uint8_t *b = bytes;

	crc = ~crc;
	while (length--) {
		crc ^= *b++;
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

/* ---- failing ------------------------------------------------------------ */

/* Ask for a page; @resume: what comes after a yes. */
static void ask(struct eng *e, struct eng_ring *r, enum ioas_eng_stage stage,
		uint64_t iova, bool write, enum eng_phase resume)
{
	uint16_t group = r->d.group;

	if (e->asked[group]) {
		ioas_eng_fail(e, r, IOAS_ENG_BAD_GROUP, stage, iova);
		return;
	}
	/* All in place before: the answer may come within the call. */
	e->asked[group] = r->d.pasid + 1;
	r->asked_iova = iova;
	r->asked_at = stage;
	r->resume = resume;
	r->retries++;
	r->phase = ENG_PAGE;
	if (!ioas_dma_request(e->f, r->d.pasid, group, iova, write)) {
		e->asked[group] = 0;
		ioas_eng_fail(e, r, IOAS_ENG_NOT_ASKED, stage, iova);
	} else if (r->phase == ENG_PAGE) {
		ioas_eng_event(e, IOAS_ENG_VECTOR_PAGE);
	}
}

/* DMA failed at @iova: the end of the descriptor, or a reason to ask. */
static void dma_failed(struct eng *e, struct eng_ring *r,
		       enum ioas_dma_error error, enum ioas_eng_stage stage,
		       uint64_t iova, bool write)
{
	if (error != IOAS_DMA_FAULT)
		ioas_eng_fail(e, r, IOAS_ENG_DMA_ABORT, stage, iova);
	else if (!(r->d.flags & IOAS_ENG_ASK) ||
		 r->retries >= IOAS_ENG_RETRIES)
		ioas_eng_fail(e, r, IOAS_ENG_FAULT, stage, iova);
	else
		ask(e, r, stage, iova, write, r->phase);
}

/*
 * Who will ask for a page has its address translated first: what is missing is
 * no fault. *@length: bytes that can go through.
 */
static enum ioas_dma_error reach(struct eng *e, const struct eng_ring *r,
				 bool write, uint64_t iova,
				 unsigned int *length)
{
	uint64_t failed = iova;
	enum ioas_dma_error error;

	if (!*length || !(r->d.flags & IOAS_ENG_ASK) ||
	    r->retries >= IOAS_ENG_RETRIES)
		return IOAS_DMA_OK;
	error = ioas_dma_translate(e->f, r->d.pasid, iova, *length, write,
				   &failed);
	if (error != IOAS_DMA_OK)
		*length = failed - iova < *length ?
				  (unsigned int)(failed - iova) :
				  0;
	return error;
}

static enum ioas_dma_error copy_run(struct eng *e, const struct eng_ring *r,
				    bool write, uint64_t iova, void *bytes,
				    unsigned int *length)
{
	struct ioas_dma_piece piece = {.iova = iova,
				       .data = bytes,
				       .length = *length};
	uint64_t failed = iova;
	enum ioas_dma_error error;

	if (!*length)
		return IOAS_DMA_OK;
	error = write ? ioas_dma_write(e->f, r->d.pasid, &piece, 1, &failed) :
			ioas_dma_read(e->f, r->d.pasid, &piece, 1, &failed);
	if (error != IOAS_DMA_OK)
		*length = failed - iova < *length ?
				  (unsigned int)(failed - iova) :
				  0;
	return error;
}

/* One run of memory. *@length: bytes that went through. */
static enum ioas_dma_error dma(struct eng *e, const struct eng_ring *r,
			       bool write, uint64_t iova, void *bytes,
			       unsigned int *length)
{
	const enum ioas_dma_error missing = reach(e, r, write, iova, length);
	const enum ioas_dma_error error =
		copy_run(e, r, write, iova, bytes, length);

	return error != IOAS_DMA_OK ? error : missing;
}

/* ---- operations --------------------------------------------------------- */

static uint64_t progress(const struct eng_ring *r)
{
	return eng_get64(r->reg, IOAS_ENG_RING_PROGRESS);
}

/* @n bytes more are done. */
static void advance(struct eng_ring *r, unsigned int n)
{
	if (!n)
		return;
	r->retries = 0;
	r->source.iova += n;
	r->source.left -= n;
	r->destination.iova += n;
	r->destination.left -= n;
	eng_set64(r->reg, IOAS_ENG_RING_PROGRESS, progress(r) + n);
}

static void source_failed(struct eng *e, struct eng_ring *r,
			  enum ioas_dma_error error)
{
	dma_failed(e, r, error, IOAS_ENG_AT_SOURCE, r->source.iova, false);
}

static void destination_failed(struct eng *e, struct eng_ring *r,
			       enum ioas_dma_error error, bool write)
{
	dma_failed(e, r, error, IOAS_ENG_AT_DESTINATION, r->destination.iova,
		   write);
}

static void copy_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	unsigned int done = n;
	enum ioas_dma_error get, put;

	get = dma(e, r, false, r->source.iova, e->bytes[0], &done);
	put = dma(e, r, true, r->destination.iova, e->bytes[0], &done);
	advance(r, done);
	if (put != IOAS_DMA_OK)
		destination_failed(e, r, put, true);
	else if (get != IOAS_DMA_OK)
		source_failed(e, r, get);
}

static void pattern(uint8_t *bytes, unsigned int n, uint64_t value,
		    uint64_t phase)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		bytes[i] = (uint8_t)(value >> (phase + i) % 8 * 8);
}

static void fill_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	enum ioas_dma_error error;

	pattern(e->bytes[0], n, r->d.value, progress(r));
	error = dma(e, r, true, r->destination.iova, e->bytes[0], &n);
	advance(r, n);
	if (error != IOAS_DMA_OK)
		destination_failed(e, r, error, true);
}

static void crc32c_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	enum ioas_dma_error error;

	error = dma(e, r, false, r->source.iova, e->bytes[0], &n);
	r->crc = ioas_eng_crc32c(r->crc, e->bytes[0], n);
	r->d.result = r->crc;
	advance(r, n);
	if (error != IOAS_DMA_OK)
		source_failed(e, r, error);
}

static void compare_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	unsigned int both = n, same = 0;
	enum ioas_dma_error one, two;

	one = dma(e, r, false, r->source.iova, e->bytes[0], &both);
	two = dma(e, r, false, r->destination.iova, e->bytes[1], &both);
	while (same < both && e->bytes[0][same] == e->bytes[1][same])
		same++;
	advance(r, same);
	r->d.result = progress(r);
	/* What could not be read behind a difference is of no interest. */
	if (same < both)
		r->phase = ENG_STORE;
	else if (two != IOAS_DMA_OK)
		destination_failed(e, r, two, false);
	else if (one != IOAS_DMA_OK)
		source_failed(e, r, one);
}

static void atomic_add_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	enum ioas_dma_error error;
	unsigned int length = n;
	uint64_t old = 0;

	error = reach(e, r, true, r->destination.iova, &length);
	if (error == IOAS_DMA_OK)
		error = ioas_dma_fetch_add(e->f, r->d.pasid,
					   r->destination.iova, n, r->d.value,
					   &old);
	if (error != IOAS_DMA_OK) {
		destination_failed(e, r, error, true);
		return;
	}
	r->d.result = old;
	advance(r, n);
}

static void page_request_step(struct eng *e, struct eng_ring *r,
			      unsigned int n)
{
	(void)n;
	ask(e, r, IOAS_ENG_AT_SOURCE, r->d.source,
	    r->d.flags & IOAS_ENG_WRITE, ENG_STORE);
}

static void probe_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	uint64_t code = IOAS_ENG_OK;
	enum ioas_dma_error error;

	pattern(e->bytes[0], n, r->d.value, 0);
	error = dma(e, r, r->d.flags & IOAS_ENG_WRITE, r->destination.iova,
		    e->bytes[0], &n);
	if (error != IOAS_DMA_OK)
		code = error == IOAS_DMA_FAULT ? IOAS_ENG_FAULT :
						 IOAS_ENG_DMA_ABORT;
	advance(r, n);
	r->d.result = code << 32 | n;
	r->phase = ENG_STORE;
}

static void chain_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	struct eng_ring *to;
	unsigned int depth = r->depth + 1;
	enum ioas_eng_error code = IOAS_ENG_BAD_CHAIN;

	(void)n;
	if (r->d.group >= IOAS_ENG_RINGS)
		goto refused;
	to = &e->ring[r->d.group];
	if (*eng_reg(to, IOAS_ENG_RING_STATUS) & IOAS_ENG_ERROR)
		goto refused;
	code = IOAS_ENG_CHAIN_LOOP;
	if (depth > IOAS_ENG_CHAIN_MAX)
		goto refused;
	/* The depth never sinks but by the driver: so every loop has an end. */
	if (depth < to->depth)
		depth = to->depth;
	*eng_reg(to, IOAS_ENG_RING_TAIL) =
		r->d.value > UINT32_MAX ? UINT32_MAX : (uint32_t)r->d.value;
	to->depth = depth;
	r->phase = ENG_STORE;
	ioas_eng_tail(e, to);
	/* Does nothing if it runs, or has just been stopped. */
	ioas_eng_start(e, to);
	return;

refused:
	ioas_eng_fail(e, r, code, IOAS_ENG_AT_DESCRIPTOR, eng_here(r));
}

static void nop_step(struct eng *e, struct eng_ring *r, unsigned int n)
{
	(void)e;
	(void)n;
	r->phase = ENG_STORE;
}

/* ---- decode ------------------------------------------------------------- */

enum {
	USES_SOURCE = 1u << 0,
	USES_DESTINATION = 1u << 1,
	USES_GROUP = 1u << 2,
	ALIGNED = 1u << 3,
};

struct operation {
	void (*step)(struct eng *e, struct eng_ring *r, unsigned int n);
	uint8_t flags;
	uint8_t uses;
	/* 0: length is of no matter. */
	uint64_t length_max;
};

#define ALWAYS (IOAS_ENG_INTERRUPT | IOAS_ENG_FENCE)
#define BULK IOAS_ENG_LENGTH_MAX

static const struct operation operations[IOAS_ENG_NR_OPS] = {
	[IOAS_ENG_NOP] = {nop_step, ALWAYS, 0, 0},
	[IOAS_ENG_COPY] = {copy_step,
			   ALWAYS | IOAS_ENG_SOURCE_LIST |
				   IOAS_ENG_DESTINATION_LIST | IOAS_ENG_ASK,
			   USES_SOURCE | USES_DESTINATION, BULK},
	[IOAS_ENG_FILL] = {fill_step,
			   ALWAYS | IOAS_ENG_DESTINATION_LIST | IOAS_ENG_ASK,
			   USES_DESTINATION, BULK},
	[IOAS_ENG_CRC32C] = {crc32c_step,
			     ALWAYS | IOAS_ENG_SOURCE_LIST | IOAS_ENG_STORE |
				     IOAS_ENG_ASK,
			     USES_SOURCE, BULK},
	[IOAS_ENG_COMPARE] = {compare_step,
			      ALWAYS | IOAS_ENG_SOURCE_LIST |
				      IOAS_ENG_DESTINATION_LIST |
				      IOAS_ENG_STORE | IOAS_ENG_ASK,
			      USES_SOURCE | USES_DESTINATION, BULK},
	[IOAS_ENG_ATOMIC_ADD] = {atomic_add_step, ALWAYS | IOAS_ENG_ASK,
				 USES_DESTINATION | ALIGNED, 8},
	[IOAS_ENG_PAGE_REQUEST] = {page_request_step, ALWAYS | IOAS_ENG_WRITE,
				   USES_GROUP, 0},
	[IOAS_ENG_PROBE] = {probe_step, ALWAYS | IOAS_ENG_WRITE,
			    USES_DESTINATION, IOAS_ENG_PROBE_MAX},
	[IOAS_ENG_CHAIN] = {chain_step, ALWAYS, 0, 0},
};

/* A range, or the list of @nr entries at @iova. */
static enum ioas_eng_error cursor_init(struct eng_cursor *c, bool list,
				       uint64_t iova, uint64_t length,
				       uint32_t nr)
{
	uint64_t last;

	if (!list) {
		*c = (struct eng_cursor){.iova = iova, .left = length};
		return ioas_last(iova, length, &last) ? IOAS_ENG_OK :
							IOAS_ENG_BAD_RANGE;
	}
	*c = (struct eng_cursor){.entry = iova, .nr = nr};
	if (!nr || nr > IOAS_ENG_LIST_MAX)
		return IOAS_ENG_BAD_LIST;
	if (iova % sizeof(struct ioas_eng_entry))
		return IOAS_ENG_UNALIGNED;
	return ioas_last(iova, nr * sizeof(struct ioas_eng_entry), &last) ?
		       IOAS_ENG_OK :
		       IOAS_ENG_BAD_RANGE;
}

static enum ioas_eng_error decode_length(const struct ioas_eng_descriptor *d,
					 const struct operation *op)
{
	if (!op->length_max)
		return IOAS_ENG_OK;
	if (!d->length || d->length > op->length_max)
		return IOAS_ENG_BAD_LENGTH;
	if (!(op->uses & ALIGNED))
		return IOAS_ENG_OK;
	if (d->length != 4 && d->length != 8)
		return IOAS_ENG_BAD_LENGTH;
	return d->destination % d->length ? IOAS_ENG_UNALIGNED : IOAS_ENG_OK;
}

/* Where IOAS_ENG_STORE stores. */
static uint64_t store_iova(const struct ioas_eng_descriptor *d)
{
	return d->op == IOAS_ENG_COMPARE ? d->value : d->destination;
}

/* What is not used has all bytes that there can be. */
static const struct eng_cursor unused = {.left = UINT64_MAX};

static enum ioas_eng_error decode_ranges(struct eng_ring *r,
					 const struct operation *op)
{
	const struct ioas_eng_descriptor *d = &r->d;
	enum ioas_eng_error code = IOAS_ENG_OK;
	uint64_t last;

	r->source = unused;
	r->destination = unused;
	if (op->uses & USES_SOURCE)
		code = cursor_init(&r->source, d->flags & IOAS_ENG_SOURCE_LIST,
				   d->source, d->length, d->nr_source);
	if (code == IOAS_ENG_OK && (op->uses & USES_DESTINATION))
		code = cursor_init(&r->destination,
				   d->flags & IOAS_ENG_DESTINATION_LIST,
				   d->destination, d->length,
				   d->nr_destination);
	if (code == IOAS_ENG_OK && (d->flags & IOAS_ENG_STORE) &&
	    !ioas_last(store_iova(d), sizeof(d->result), &last))
		code = IOAS_ENG_BAD_RANGE;
	return code;
}

enum ioas_eng_error ioas_eng_decode(struct eng_ring *r)
{
	const struct ioas_eng_descriptor *d = &r->d;
	const struct operation *op;
	enum ioas_eng_error code;

	if (d->op >= IOAS_ENG_NR_OPS)
		return IOAS_ENG_BAD_OP;
	op = &operations[d->op];
	if (d->flags & ~op->flags)
		return IOAS_ENG_BAD_FLAGS;
	if (d->pasid >> IOAS_ENG_PASID_BITS)
		return IOAS_ENG_BAD_PASID;
	if (((op->uses & USES_GROUP) || (d->flags & IOAS_ENG_ASK)) &&
	    d->group >= IOAS_ENG_GROUPS)
		return IOAS_ENG_BAD_GROUP;
	code = decode_length(d, op);
	if (code != IOAS_ENG_OK)
		return code;
	r->crc = (uint32_t)d->value;
	return decode_ranges(r, op);
}

/* ---- steps -------------------------------------------------------------- */

/* The next entry of a list. It is read once, when its turn comes. */
static void next_entry(struct eng *e, struct eng_ring *r, struct eng_cursor *c)
{
	unsigned int length = sizeof(struct ioas_eng_entry);
	struct ioas_eng_entry entry;
	enum ioas_dma_error error;
	uint64_t last;

	if (!c->nr) {
		ioas_eng_fail(e, r, IOAS_ENG_SHORT_LIST, IOAS_ENG_AT_LIST,
			      c->entry);
		return;
	}
	error = dma(e, r, false, c->entry, &entry, &length);
	if (error != IOAS_DMA_OK) {
		dma_failed(e, r, error, IOAS_ENG_AT_LIST, c->entry + length,
			   false);
		return;
	}
	if (entry.reserved || (entry.length && !ioas_last(entry.iova,
							  entry.length,
							  &last))) {
		ioas_eng_fail(e, r,
			      entry.reserved ? IOAS_ENG_BAD_LIST :
					       IOAS_ENG_BAD_RANGE,
			      IOAS_ENG_AT_LIST, c->entry);
		return;
	}
	c->iova = entry.iova;
	c->left = entry.length;
	c->entry += sizeof(entry);
	c->nr--;
	r->retries = 0;
}

unsigned int ioas_eng_work(struct eng *e, struct eng_ring *r)
{
	const struct operation *op = &operations[r->d.op];
	uint64_t n = ENG_STEP, all = r->d.length;

	if (!op->length_max) {
		op->step(e, r, 0);
		return 0;
	}
	if (!r->source.left) {
		next_entry(e, r, &r->source);
		return 0;
	}
	if (!r->destination.left) {
		next_entry(e, r, &r->destination);
		return 0;
	}
	n = ioas_min(n, all - progress(r));
	n = ioas_min(n, ioas_min(r->source.left, r->destination.left));
	op->step(e, r, (unsigned int)n);
	if (r->phase == ENG_WORK && progress(r) == all)
		r->phase = ENG_STORE;
	return (unsigned int)n;
}

void ioas_eng_store(struct eng *e, struct eng_ring *r)
{
	unsigned int length = sizeof(r->d.result);
	uint64_t iova = store_iova(&r->d);
	enum ioas_dma_error error = IOAS_DMA_OK;

	if (r->d.flags & IOAS_ENG_STORE)
		error = dma(e, r, true, iova, &r->d.result, &length);
	if (error != IOAS_DMA_OK)
		dma_failed(e, r, error, IOAS_ENG_AT_RESULT, iova + length,
			   true);
	else
		r->phase = ENG_COMPLETE;
}
