/* SPDX-License-Identifier: MIT */
/*
 * batch: the bounded vector of runs; invariant H1 in batch.h
 */
#include "core/batch.h"

#include "base/errno.h"
#include "base/mem.h"
#include "seam/fault.h"
#include "seam/trace.h"

/* Memory of a large batch and of a small one (ioas-core 9). */
#define BATCH_LARGE ((size_t)64 << 10)
#define BATCH_SMALL ((size_t)4 << 10)

void ioas_batch_init(struct ioas_batch *b, struct ioas_run *runs, uint32_t nr)
{
	b->runs = runs;
	b->cap = nr;
	b->allocated = 0;
	ioas_batch_clear(b);
}

static size_t batch_bytes(uint64_t pages, size_t limit)
{
	return pages < limit / sizeof(struct ioas_run) ?
		       (size_t)pages * sizeof(struct ioas_run) :
		       limit;
}

static void batch_adopt(struct ioas_batch *b, void *memory, size_t bytes)
{
	ioas_batch_init(b, memory, (uint32_t)(bytes / sizeof(struct ioas_run)));
	b->allocated = bytes;
}

/* Tests turn the capacity down; the memory stays as large as it is. */
static void batch_tune(struct ioas_batch *b, uint32_t runs)
{
	if (runs && runs < b->cap)
		b->cap = runs;
}

int ioas_batch_init_fill(struct ioas_batch *b, struct ioas_run *runs,
			 uint32_t nr, uint64_t pages,
			 const struct ioas_tuning *tuning)
{
	size_t bytes = batch_bytes(pages, BATCH_LARGE);
	void *memory;

	if (pages <= nr) {
		ioas_batch_init(b, runs, nr);
		batch_tune(b, tuning->fill_runs);
		return 0;
	}
	memory = ioas_alloc(bytes, IOAS_FP_BATCH_LARGE);
	if (!memory) {
		bytes = batch_bytes(pages, BATCH_SMALL);
		memory = ioas_alloc(bytes, IOAS_FP_BATCH_SMALL);
	}
	if (!memory)
		return -ENOMEM;
	batch_adopt(b, memory, bytes);
	batch_tune(b, tuning->fill_runs);
	return 0;
}

/* No fault points: this is teardown, which does not depend on the memory. */
void ioas_batch_init_drain(struct ioas_batch *b, struct ioas_run *runs,
			   uint32_t nr, uint64_t pages,
			   const struct ioas_tuning *tuning)
{
	size_t bytes = batch_bytes(pages, BATCH_LARGE);
	void *memory = NULL;

	if (pages > nr && (!tuning->drain_runs || tuning->drain_runs > nr)) {
		memory = ioas_plat_alloc(bytes);
		if (!memory) {
			bytes = batch_bytes(pages, BATCH_SMALL);
			memory = ioas_plat_alloc(bytes);
		}
	}
	if (memory)
		batch_adopt(b, memory, bytes);
	else
		ioas_batch_init(b, runs, nr);
	batch_tune(b, tuning->drain_runs);
}

void ioas_batch_fini(struct ioas_batch *b)
{
	if (b->allocated)
		ioas_free(b->runs, b->allocated);
	b->allocated = 0;
	b->runs = NULL;
}

bool ioas_batch_validate(const struct ioas_batch *b)
{
	uint64_t total = 0;

	if (b->nr_runs > b->cap ||
	    (b->kind != IOAS_KIND_CPU && b->kind != IOAS_KIND_MMIO))
		return false;
	for (uint32_t i = 0; i < b->nr_runs; i++)
		if (!b->runs[i].nr ||
		    ioas_add_overflow(total, b->runs[i].nr, &total))
			return false;
	return total == b->total;
}

static void unpin_run(struct ioas_origin *origin, ioas_pfn_t pfn, uint64_t nr,
		      bool dirty)
{
	ioas_trace(IOAS_TP_UNPIN, pfn, nr, dirty);
	origin->ops->unpin(origin, pfn, nr, dirty);
}

void ioas_batch_unpin(const struct ioas_batch *b, struct ioas_origin *origin,
		      uint64_t skip, uint64_t nr, bool dirty)
{
	const struct ioas_run *r = b->runs;

	if (IOAS_CHECK(skip + nr > b->total))
		return;
	for (; nr; r++) {
		uint64_t n;

		if (skip >= r->nr) {
			skip -= r->nr;
			continue;
		}
		n = ioas_min(r->nr - skip, nr);
		unpin_run(origin, r->pfn + skip, n, dirty);
		nr -= n;
		skip = 0;
	}
}

void ioas_batch_skip_head(struct ioas_batch *b, uint64_t nr)
{
	struct ioas_run *r;

	if (nr >= b->total) {
		ioas_batch_clear(b);
		return;
	}
	r = b->runs + b->nr_runs - 1;
	if (IOAS_CHECK(b->total - nr > r->nr)) /* more than a carry */
		return;
	b->runs[0].pfn = r->pfn + r->nr - (b->total - nr);
	b->runs[0].nr = b->total - nr;
	b->nr_runs = 1;
	b->total -= nr;
}

void ioas_batch_unpin_head(struct ioas_batch *b, struct ioas_origin *origin,
			   uint64_t nr, bool dirty)
{
	ioas_batch_unpin(b, origin, 0, nr, dirty);
	ioas_batch_skip_head(b, nr);
}

/*
 * Copy up to @length bytes at byte @at of page @skip of @run: to the end of the
 * page where frames have pointers, else to the end of the run. *@n: how many.
 */
static int run_copy(const struct ioas_run *run, struct ioas_origin *origin,
		    uint8_t page_lg2, uint64_t skip, uint64_t at, char *buf,
		    uint64_t length, bool write, uint64_t *n)
{
	const uint64_t nr = run->nr - skip;
	char *p = origin->ops->pointer(origin, run->pfn + skip);

	if (p) {
		*n = ioas_min(((uint64_t)1 << page_lg2) - at, length);
		if (write)
			memcpy(p + at, buf, (size_t)*n);
		else
			memcpy(buf, p + at, (size_t)*n);
		return 0;
	}
	if (!origin->ops->copy_frame)
		return -EFAULT;
	*n = length;
	if (nr <= IOAS_U64_MAX >> page_lg2)
		*n = ioas_min((nr << page_lg2) - at, length);
	return origin->ops->copy_frame(origin, run->pfn + skip, at, buf, *n,
				       write);
}

int ioas_batch_copy(const struct ioas_batch *b, struct ioas_origin *origin,
		    uint8_t page_lg2, uint64_t offset, void *buffer,
		    uint64_t length, bool write)
{
	const uint64_t page = (uint64_t)1 << page_lg2;
	const struct ioas_run *r = b->runs;
	uint64_t skip = offset >> page_lg2;
	uint64_t in_page = offset & (page - 1);
	char *buf = buffer;

	while (length) {
		uint64_t n;
		int ret;

		while (skip >= r->nr)
			skip -= (r++)->nr;
		ret = run_copy(r, origin, page_lg2, skip, in_page, buf, length,
			       write, &n);
		if (ret)
			return ret;
		buf += n;
		length -= n;
		in_page += n;
		skip += in_page >> page_lg2;
		in_page &= page - 1;
	}
	return 0;
}
