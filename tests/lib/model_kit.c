/* SPDX-License-Identifier: MIT */
/* model_kit: see its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "model_kit.h"

#define PAGES (KIT_MEMORY / KIT_PAGE)
#define TICK 50u

enum page { PAGE_WRITABLE, PAGE_READ_ONLY, PAGE_NONE };

struct ioas_function {
	const struct ioas_model *model;
	struct ioas_identity id;
	void *state;
	bool created;
	bool bus_master;
	void *bar[IOAS_MODEL_BARS];
	uint8_t *memory;
	uint8_t page[PAGES];
	uint64_t pasid_stride;
	unsigned int irqs[IOAS_MODEL_VECTORS];
	bool intx;
	unsigned int dmas, faults, aborts;
	uint64_t fault_iova;
	uint32_t fault_pasid;
	unsigned int fail_in;
	enum ioas_dma_error fail_as;
	bool fail_first;
	bool failed;
	kit_piece_fn on_piece;
	void *context;
	unsigned int requests;
	struct kit_request request;
	bool may_request;
};

struct model_kit {
	struct ioas_function f;
};

static char why_line[256];
static uint64_t clock_now = 1000000000u;

/* ---- services ----------------------------------------------------------- */

void *ioas_bar_memory(struct ioas_function *f, unsigned int bar)
{
	assert_true(bar < IOAS_MODEL_BARS);
	return f->bar[bar];
}

/* How many of @length bytes at @iova can be had; where they are. */
static size_t reachable(struct ioas_function *f, uint32_t pasid,
			uint64_t iova, size_t length, bool write, uint8_t **at)
{
	uint64_t first = iova + pasid * f->pasid_stride;
	size_t done = 0;

	while (done < length) {
		uint64_t here = first + done;
		size_t step = KIT_PAGE - (size_t)(here % KIT_PAGE);

		if (here < first || here >= KIT_MEMORY ||
		    f->page[here / KIT_PAGE] == PAGE_NONE ||
		    (write && f->page[here / KIT_PAGE] != PAGE_WRITABLE))
			break;
		done += step;
	}
	*at = done ? f->memory + first : NULL;
	return done < length ? done : length;
}

static enum ioas_dma_error dma_fail(struct ioas_function *f, uint32_t pasid,
				    uint64_t iova, enum ioas_dma_error error,
				    uint64_t *failed)
{
	if (error == IOAS_DMA_FAULT)
		f->faults++;
	else
		f->aborts++;
	f->fault_iova = iova;
	f->fault_pasid = pasid;
	if (failed)
		*failed = iova;
	return error;
}

/* A DMA call begins. Return: it is the one that is to fail. */
static bool dma_begin(struct ioas_function *f)
{
	assert_true(f->created);
	f->dmas++;
	if (!f->fail_in || --f->fail_in)
		return false;
	f->failed = true;
	return true;
}

/* As the PCI side does it: by the kernel, which has an error for what is gone. */
static bool copy_mapped(void *to, void *from, size_t length)
{
	struct iovec local = { to, length }, remote = { from, length };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) ==
	       (ssize_t)length;
}

static enum ioas_dma_error dma(struct ioas_function *f, uint32_t pasid,
			       const struct ioas_dma_piece *p, size_t nr,
			       bool write, uint64_t *failed)
{
	bool fail = dma_begin(f);
	size_t i, got;
	uint8_t *at;

	assert_true(nr);
	if (!f->bus_master)
		return dma_fail(f, pasid, p->iova, IOAS_DMA_ABORT, failed);
	for (i = 0; i < nr; i++) {
		assert_true(p[i].length);
		if (fail && i == (f->fail_first ? 0 : nr / 2))
			return dma_fail(f, pasid, p[i].iova, f->fail_as,
					failed);
		got = reachable(f, pasid, p[i].iova, p[i].length, write, &at);
		if (f->on_piece)
			f->on_piece(f->context, write, p[i].iova, p[i].data,
				    p[i].length);
		if (got && p[i].mapped && !copy_mapped(at, p[i].data, got))
			return dma_fail(f, pasid, p[i].iova, IOAS_DMA_ABORT,
					failed);
		if (got && write && !p[i].mapped)
			memcpy(at, p[i].data, got);
		else if (got && !write)
			memcpy(p[i].data, at, got);
		if (got < p[i].length)
			return dma_fail(f, pasid, p[i].iova + got,
					IOAS_DMA_FAULT, failed);
	}
	return IOAS_DMA_OK;
}

enum ioas_dma_error ioas_dma_read(struct ioas_function *f, uint32_t pasid,
				  const struct ioas_dma_piece *pieces,
				  size_t nr, uint64_t *failed)
{
	return dma(f, pasid, pieces, nr, false, failed);
}

enum ioas_dma_error ioas_dma_write(struct ioas_function *f, uint32_t pasid,
				   const struct ioas_dma_piece *pieces,
				   size_t nr, uint64_t *failed)
{
	return dma(f, pasid, pieces, nr, true, failed);
}

enum ioas_dma_error ioas_dma_translate(struct ioas_function *f, uint32_t pasid,
				       uint64_t iova, uint64_t length,
				       bool write, uint64_t *failed)
{
	uint64_t got;
	uint8_t *at;

	assert_true(f->created);
	assert_in_range(length, 1, 65536);
	if (!f->bus_master)
		return dma_fail(f, pasid, iova, IOAS_DMA_ABORT, failed);
	got = reachable(f, pasid, iova, length, write, &at);
	if (got == length)
		return IOAS_DMA_OK;
	f->fault_iova = iova + got;
	f->fault_pasid = pasid;
	if (failed)
		*failed = iova + got;
	return IOAS_DMA_FAULT;
}

enum ioas_dma_error ioas_dma_fetch_add(struct ioas_function *f, uint32_t pasid,
				       uint64_t iova, unsigned int width,
				       uint64_t value, uint64_t *old)
{
	bool fail = dma_begin(f);
	uint32_t half;
	uint8_t *at;

	assert_true(width == 4 || width == 8);
	assert_true(!(iova % width));
	if (!f->bus_master)
		return dma_fail(f, pasid, iova, IOAS_DMA_ABORT, NULL);
	if (fail)
		return dma_fail(f, pasid, iova, f->fail_as, NULL);
	if (reachable(f, pasid, iova, width, true, &at) < width)
		return dma_fail(f, pasid, iova, IOAS_DMA_FAULT, NULL);
	if (width == 8) {
		memcpy(old, at, 8);
		value += *old;
		memcpy(at, &value, 8);
		return IOAS_DMA_OK;
	}
	memcpy(&half, at, 4);
	*old = half;
	half += (uint32_t)value;
	memcpy(at, &half, 4);
	return IOAS_DMA_OK;
}

bool ioas_dma_request(struct ioas_function *f, uint32_t pasid, uint32_t group,
		      uint64_t iova, bool write)
{
	if (!f->may_request)
		return false;
	f->requests++;
	f->request = (struct kit_request){
		.pasid = pasid, .group = group, .iova = iova, .write = write,
	};
	return true;
}

void ioas_irq(struct ioas_function *f, unsigned int vector)
{
	assert_true(vector < f->id.vectors || vector < f->id.msi ||
		    (f->id.intx && !vector));
	f->irqs[vector]++;
	if (f->id.intx)
		f->intx = true;
}

void ioas_intx_clear(struct ioas_function *f)
{
	f->intx = false;
}

uint64_t ioas_model_now(void)
{
	return clock_now += TICK;
}

/* ---- a device ----------------------------------------------------------- */

static void check_identity(const struct ioas_identity *id)
{
	unsigned int i;

	assert_true(id->vectors <= IOAS_MODEL_VECTORS);
	assert_true(!id->msi || ioas_is_pow2(id->msi));
	assert_true(id->class_code < 1u << 24);
	for (i = 0; i < IOAS_MODEL_BARS; i++) {
		const struct ioas_bar *b = &id->bar[i];

		if (!b->size)
			continue;
		assert_true(b->size >= 16 && ioas_is_pow2(b->size));
		assert_true(b->exact_first + b->exact_length <= b->size);
		if (!(b->flags & IOAS_BAR_64))
			continue;
		assert_true(i + 1 < IOAS_MODEL_BARS);
		assert_false(id->bar[++i].size);
	}
	if (!id->vectors)
		return;
	assert_true(id->msix_table + id->vectors * 16u <=
		    id->bar[id->msix_bar].size);
	assert_true(id->msix_pba + (id->vectors + 63u) / 64u * 8u <=
		    id->bar[id->msix_bar].size);
}

static size_t bar_size(const struct ioas_bar *b)
{
	return (size_t)(b->size < 4096 ? 4096 : b->size);
}

int model_kit_new(const struct ioas_model *m,
		  const struct ioas_model_setting *settings, size_t nr,
		  struct model_kit **kit)
{
	struct model_kit *k = calloc(1, sizeof(*k));
	unsigned int i;
	int rc;

	assert_non_null(k);
	assert_int_equal(m->abi, IOAS_MODEL_ABI);
	k->f.model = m;
	k->f.memory = calloc(1, KIT_MEMORY);
	assert_non_null(k->f.memory);
	k->f.may_request = true;
	why_line[0] = '\0';
	rc = m->create(&k->f, settings, nr, &k->f.id, &k->f.state, why_line,
		       sizeof(why_line));
	if (rc) {
		assert_true(why_line[0] && !strchr(why_line, '\n'));
		free(k->f.memory);
		free(k);
		return rc;
	}
	check_identity(&k->f.id);
	for (i = 0; i < IOAS_MODEL_BARS; i++) {
		const struct ioas_bar *b = &k->f.id.bar[i];

		if (!b->size || !(b->flags & IOAS_BAR_SHARED))
			continue;
		k->f.bar[i] = aligned_alloc(4096, bar_size(b));
		assert_non_null(k->f.bar[i]);
	}
	k->f.created = true;
	kit_reset(k);
	kit_bus_master(k, true);
	*kit = k;
	return 0;
}

void model_kit_free(struct model_kit *kit)
{
	unsigned int i;

	if (!kit)
		return;
	kit->f.model->destroy(kit->f.state);
	for (i = 0; i < IOAS_MODEL_BARS; i++)
		free(kit->f.bar[i]);
	free(kit->f.memory);
	free(kit);
}

const char *kit_why(void)
{
	return why_line;
}

const struct ioas_identity *kit_identity(const struct model_kit *kit)
{
	return &kit->f.id;
}

void *kit_state(struct model_kit *kit)
{
	return kit->f.state;
}

struct ioas_function *kit_function(struct model_kit *kit)
{
	return &kit->f;
}

void *kit_memory(struct model_kit *kit, uint64_t iova, size_t length)
{
	assert_true(iova <= KIT_MEMORY && length <= KIT_MEMORY - iova);
	return kit->f.memory + iova;
}

static void set_pages(struct model_kit *kit, uint64_t iova, uint64_t length,
		      enum page how)
{
	assert_true(!(iova % KIT_PAGE) && !(length % KIT_PAGE));
	assert_true(iova + length <= KIT_MEMORY);
	memset(kit->f.page + iova / KIT_PAGE, (int)how, length / KIT_PAGE);
}

void kit_map(struct model_kit *kit, uint64_t iova, uint64_t length)
{
	set_pages(kit, iova, length, PAGE_WRITABLE);
}

void kit_unmap(struct model_kit *kit, uint64_t iova, uint64_t length)
{
	set_pages(kit, iova, length, PAGE_NONE);
}

void kit_read_only(struct model_kit *kit, uint64_t iova, uint64_t length)
{
	set_pages(kit, iova, length, PAGE_READ_ONLY);
}

void kit_pasid_stride(struct model_kit *kit, uint64_t stride)
{
	kit->f.pasid_stride = stride;
}

/* Memory behind an access; NULL: it is the model's. */
static uint8_t *mmio(struct model_kit *kit, unsigned int bar, uint64_t offset,
		     unsigned int width)
{
	const struct ioas_bar *b = &kit->f.id.bar[bar];

	assert_true(bar < IOAS_MODEL_BARS);
	assert_true(ioas_is_pow2(width) && width <= 8 && !(offset % width));
	assert_true(offset + width <= b->size);
	if (!(b->flags & IOAS_BAR_SHARED) ||
	    (offset >= b->exact_first &&
	     offset - b->exact_first < b->exact_length))
		return NULL;
	return (uint8_t *)kit->f.bar[bar] + offset;
}

uint64_t kit_mmio_read(struct model_kit *kit, unsigned int bar,
		       uint64_t offset, unsigned int width)
{
	const uint8_t *at = mmio(kit, bar, offset, width);
	uint64_t value = 0;

	if (at)
		memcpy(&value, at, width);
	else if (kit->f.model->read)
		value = kit->f.model->read(kit->f.state, bar, offset, width);
	else
		memset(&value, 0xff, width);
	return value;
}

void kit_mmio_write(struct model_kit *kit, unsigned int bar, uint64_t offset,
		    unsigned int width, uint64_t value)
{
	uint8_t *at = mmio(kit, bar, offset, width);

	if (at)
		memcpy(at, &value, width);
	else if (kit->f.model->write)
		kit->f.model->write(kit->f.state, bar, offset, width, value);
}

void *kit_bar(struct model_kit *kit, unsigned int bar)
{
	assert_true(bar < IOAS_MODEL_BARS);
	assert_non_null(kit->f.bar[bar]);
	return kit->f.bar[bar];
}

unsigned int kit_poll(struct model_kit *kit, unsigned int n)
{
	unsigned int busy = 0;

	while (kit->f.model->poll && n--)
		busy += kit->f.model->poll(kit->f.state);
	return busy;
}

bool kit_settle(struct model_kit *kit, unsigned int most)
{
	while (most--)
		if (!kit_poll(kit, 1))
			return true;
	return false;
}

void kit_reset(struct model_kit *kit)
{
	unsigned int i;

	for (i = 0; i < IOAS_MODEL_BARS; i++)
		if (kit->f.bar[i])
			memset(kit->f.bar[i], 0, bar_size(&kit->f.id.bar[i]));
	kit->f.intx = false;
	kit->f.model->reset(kit->f.state);
}

void kit_bus_master(struct model_kit *kit, bool on)
{
	kit->f.bus_master = on;
	if (kit->f.model->bus_master)
		kit->f.model->bus_master(kit->f.state, on);
}

void kit_page_response(struct model_kit *kit, uint32_t pasid, uint32_t group,
		       bool granted)
{
	if (kit->f.model->page_response)
		kit->f.model->page_response(kit->f.state, pasid, group,
					    granted);
}

unsigned int kit_irqs(const struct model_kit *kit, unsigned int vector)
{
	assert_true(vector < IOAS_MODEL_VECTORS);
	return kit->f.irqs[vector];
}

bool kit_intx(const struct model_kit *kit)
{
	return kit->f.intx;
}

unsigned int kit_dmas(const struct model_kit *kit)
{
	return kit->f.dmas;
}

unsigned int kit_faults(const struct model_kit *kit)
{
	return kit->f.faults;
}

unsigned int kit_aborts(const struct model_kit *kit)
{
	return kit->f.aborts;
}

uint64_t kit_fault_iova(const struct model_kit *kit)
{
	return kit->f.fault_iova;
}

uint32_t kit_fault_pasid(const struct model_kit *kit)
{
	return kit->f.fault_pasid;
}

void kit_fail_dma(struct model_kit *kit, unsigned int nth,
		  enum ioas_dma_error error)
{
	kit->f.fail_in = nth;
	kit->f.fail_as = error;
	kit->f.failed = false;
}

void kit_fail_first(struct model_kit *kit, bool first)
{
	kit->f.fail_first = first;
}

bool kit_failed_dma(const struct model_kit *kit)
{
	return kit->f.failed;
}

void kit_on_piece(struct model_kit *kit, kit_piece_fn fn, void *context)
{
	kit->f.on_piece = fn;
	kit->f.context = context;
}

unsigned int kit_requests(const struct model_kit *kit,
			  struct kit_request *last)
{
	if (last)
		*last = kit->f.request;
	return kit->f.requests;
}

void kit_may_request(struct model_kit *kit, bool may)
{
	kit->f.may_request = may;
}

void kit_advance(uint64_t nanoseconds)
{
	clock_now += nanoseconds;
}
