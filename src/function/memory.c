/* SPDX-License-Identifier: MIT */
/*
 * memory: DMA of a function through what it is attached to
 *
 *   pieces   |iova, length, data| |iova, ...| ...
 *      translate, under lock, in a section of the view
 *            v
 *   frames   |pfn, offset, data, length| ...   up to 128 at a time
 *      copied in one go
 *            v
 *   memory of the driver
 *
 * A section ends after each batch, so that who unmaps waits for a copy and no
 * more. What was unmapped when unmap returned is not found any more, and leaves
 * are marked dirty as they are translated, before anything is written.
 */
#include <stdlib.h>

#include "base/bits.h"
#include "domain/ops.h"
#include "domain/table.h"
#include "domain/view.h"
#include "function/impl.h"
#include "origin/frames.h"
#include "uapi/hwpt.h"

/* Pieces of memory copied in one section, and bytes. */
#define BATCH_PIECES 128u
#define BATCH_BYTES (UINT64_C(128) << 10)

/* ---- what is attached --------------------------------------------------- */

static struct ioas_function_view *find(struct ioas_function *f, uint32_t pasid)
	__must_hold(f->lock)
{
	struct ioas_itree_node *n;

	ioas_assert_held(&f->lock);
	n = ioas_itree_exact(&f->attached, pasid, pasid);
	return n ? ioas_container_of(n, struct ioas_function_view, node) : NULL;
}

/* Who waits for the view's sections needs no lock of ours. */
static void view_close(struct ioas_function *f, struct ioas_function_view *w)
	__must_hold(f->lock)
{
	ioas_assert_held(&f->lock);
	if (!w->view)
		return;
	if (f->recent == w)
		f->recent = NULL;
	if (w->pasid != IOAS_PASID_RID) {
		ioas_list_del(&w->used);
		f->nr_viewed--;
	}
	ioas_dview_destroy(w->view);
	w->view = NULL;
}

/* A program may attach a million of PASIDs: those not used for longest go. */
static bool view_open(struct ioas_function *f, struct ioas_function_view *w)
	__must_hold(f->lock)
{
	ioas_assert_held(&f->lock);
	if (f->nr_viewed == IOAS_FUNCTION_VIEWS && w->pasid != IOAS_PASID_RID)
		view_close(f, ioas_list_entry(f->viewed.next,
					      struct ioas_function_view, used));
	if (ioas_dview_create(w->hwpt->domain, NULL, NULL, &w->view))
		return false;
	if (w->pasid != IOAS_PASID_RID) {
		ioas_list_add_tail(&f->viewed, &w->used);
		f->nr_viewed++;
	}
	return true;
}

/* Of @pasid, with a view; NULL: not attached, or there is no memory. */
static struct ioas_function_view *view_use(struct ioas_function *f,
					   uint32_t pasid) __must_hold(f->lock)
{
	struct ioas_function_view *w;

	ioas_assert_held(&f->lock);
	if (f->recent && f->recent->pasid == pasid)
		return f->recent;
	w = find(f, pasid);
	if (!w || (!w->view && !view_open(f, w)))
		return NULL;
	if (pasid != IOAS_PASID_RID) {
		ioas_list_del(&w->used);
		ioas_list_add_tail(&f->viewed, &w->used);
	}
	return f->recent = w;
}

/* Nested page tables are none that a view can walk, and no kind has them. */
static bool is_walkable(const struct ioas_hwpt *hwpt)
{
	return !hwpt->parent && ioas_table_domain_pt(hwpt->domain);
}

/* Attached to nothing yet. NULL: no memory. */
static struct ioas_function_view *attached_add(struct ioas_function *f,
					       uint32_t pasid)
	__must_hold(f->lock)
{
	struct ioas_function_view *w = calloc(1, sizeof(*w));

	ioas_assert_held(&f->lock);
	if (!w)
		return NULL;
	w->pasid = pasid;
	w->node.first = pasid;
	w->node.last = pasid;
	ioas_itree_insert(&f->attached, &w->node);
	return w;
}

static int device_attach(struct ioas_udevice *dev, uint32_t pasid,
			 struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	struct ioas_function *f = ioas_function_of_device(dev);
	struct ioas_function_view *w;

	(void)from;
	if (!is_walkable(to))
		return -EINVAL;
	ioas_function_lock(f);
	w = find(f, pasid);
	if (!w)
		w = attached_add(f, pasid);
	if (w) {
		view_close(f, w);
		w->hwpt = to;
	}
	ioas_function_unlock(f);
	return w ? 0 : -ENOMEM;
}

static void device_detach(struct ioas_udevice *dev, uint32_t pasid,
			  struct ioas_hwpt *from)
{
	struct ioas_function *f = ioas_function_of_device(dev);
	struct ioas_function_view *w;

	(void)from;
	ioas_function_lock(f);
	w = find(f, pasid);
	if (w) {
		view_close(f, w);
		ioas_itree_remove(&f->attached, &w->node);
	}
	ioas_function_unlock(f);
	free(w);
}

const struct ioas_udevice_ops ioas_function_device_ops = {
	.name = "function",
	.attach = device_attach,
	.detach = device_detach,
	.page_response = ioas_function_pri_answer,
};

/* ---- failures ----------------------------------------------------------- */

static enum ioas_dma_error aborted(struct ioas_function *f, uint64_t iova,
				   uint64_t *failed) __must_hold(f->lock)
{
	ioas_function_tally(&f->tally.aborts, 1);
	if (failed)
		*failed = iova;
	return IOAS_DMA_ABORT;
}

static enum ioas_dma_error faulted(struct ioas_function *f,
				   const struct ioas_function_view *w,
				   uint64_t iova, bool write, bool denied,
				   uint64_t *failed) __must_hold(f->lock)
{
	const struct ioas_function_fault fault = {
		.f = f,
		.hwpt = w->hwpt,
		.pasid = w->pasid,
		.iova = iova,
		.write = write,
		.denied = denied,
	};

	ioas_function_tally(&f->tally.faults, 1);
	if (f->watch.fault)
		f->watch.fault(f->watch.ctx, &fault);
	if (failed)
		*failed = iova;
	return IOAS_DMA_FAULT;
}

/* The way of @pasid; NULL: DMA is not possible now. */
static struct ioas_function_view *way(struct ioas_function *f, uint32_t pasid)
	__must_hold(f->lock)
{
	ioas_assert_held(&f->lock);
	return f->on && f->bus_master ? view_use(f, pasid) : NULL;
}

/* ---- copies ------------------------------------------------------------- */

/* Where in a list of pieces we are. */
struct cursor {
	const struct ioas_dma_piece *piece;
	size_t nr;
	/* Into the first of them. */
	uint64_t done;
};

static void cursor_move(struct cursor *at, uint64_t bytes)
{
	at->done += bytes;
	while (at->nr && at->done >= at->piece->length) {
		at->done -= at->piece->length;
		at->piece++;
		at->nr--;
	}
}

static uint64_t cursor_iova(const struct cursor *at)
{
	return at->nr ? at->piece->iova + at->done : 0;
}

struct batch {
	struct ioas_frames_piece piece[BATCH_PIECES];
	uint32_t nr;
	uint64_t bytes;
};

/* One stretch more. Return: as of a translation; -ENOENT beyond 2^64, too. */
static int batch_add(struct ioas_function *f, struct ioas_function_view *w,
		     const struct cursor *at, uint32_t access, struct batch *b)
{
	const uint64_t left = at->piece->length - at->done;
	const uint64_t page = UINT64_C(1) << f->page_lg2;
	uint64_t last, addr, got;
	int ret;

	/* A piece that goes on beyond the last address is nowhere. */
	if (!ioas_last(at->piece->iova, at->piece->length, &last))
		return -ENOENT;
	last = at->piece->iova + at->done + ioas_min(left, BATCH_BYTES) - 1;
	ret = ioas_dview_translate(w->view, at->piece->iova + at->done, last,
				   access, &addr, &got);
	if (ret)
		return ret;
	b->piece[b->nr++] = (struct ioas_frames_piece){
		.pfn = addr >> f->page_lg2,
		.offset = addr & (page - 1),
		.buffer = (char *)at->piece->data + at->done,
		.length = got,
		.fragile = at->piece->mapped && access & IOAS_PROT_WRITE,
	};
	b->bytes += got;
	return 0;
}

/*
 * A section: translate as much as goes, copy that. @at moves behind what was
 * copied. Return: 0, -ENOENT, -EACCES (translation, of the byte at @at),
 * -EFAULT (memory that is not there).
 */
static int section(struct ioas_function *f, struct ioas_function_view *w,
		   struct cursor *at, bool write) __must_hold(f->lock)
{
	const uint32_t access = write ? IOAS_PROT_WRITE : IOAS_PROT_READ;
	struct cursor ahead = *at;
	struct batch b;
	uint64_t done = 0;
	int ret = 0, copied = 0;

	b.nr = 0;
	b.bytes = 0;
	ioas_dview_enter(w->view);
	while (!ret && ahead.nr && b.nr < BATCH_PIECES &&
	       b.bytes < BATCH_BYTES) {
		ret = batch_add(f, w, &ahead, access, &b);
		if (!ret)
			cursor_move(&ahead, b.piece[b.nr - 1].length);
	}
	if (b.nr)
		copied = ioas_frames_copy_pieces(f->frames, b.piece, b.nr,
						 write, &done);
	ioas_dview_exit(w->view);
	cursor_move(at, copied ? done : b.bytes);
	return copied ? copied : ret;
}

static void count(struct ioas_function *f, bool write, uint64_t bytes)
	__must_hold(f->lock)
{
	if (write) {
		ioas_function_tally(&f->tally.writes, 1);
		ioas_function_tally(&f->tally.write_bytes, bytes);
	} else {
		ioas_function_tally(&f->tally.reads, 1);
		ioas_function_tally(&f->tally.read_bytes, bytes);
	}
}

static uint64_t total(const struct ioas_dma_piece *pieces, size_t nr)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < nr; i++)
		bytes += pieces[i].length;
	return bytes;
}

static enum ioas_dma_error dma(struct ioas_function *f, uint32_t pasid,
			       const struct ioas_dma_piece *pieces, size_t nr,
			       bool write, uint64_t *failed)
	__must_hold(f->lock)
{
	struct ioas_function_view *w = way(f, pasid);
	struct cursor at = { .piece = pieces, .nr = nr };
	int ret = 0;

	/* Empty pieces in front. */
	cursor_move(&at, 0);
	if (!w)
		return aborted(f, cursor_iova(&at), failed);
	while (!ret && at.nr)
		ret = section(f, w, &at, write);
	if (!ret) {
		count(f, write, total(pieces, nr));
		return IOAS_DMA_OK;
	}
	if (ret == -EFAULT)
		return aborted(f, cursor_iova(&at), failed);
	return faulted(f, w, cursor_iova(&at), write, ret == -EACCES, failed);
}

enum ioas_dma_error ioas_dma_read(struct ioas_function *f, uint32_t pasid,
				  const struct ioas_dma_piece *pieces,
				  size_t nr, uint64_t *failed)
{
	ioas_assert_held(&f->lock);
	return dma(f, pasid, pieces, nr, false, failed);
}

enum ioas_dma_error ioas_dma_write(struct ioas_function *f, uint32_t pasid,
				   const struct ioas_dma_piece *pieces,
				   size_t nr, uint64_t *failed)
{
	ioas_assert_held(&f->lock);
	return dma(f, pasid, pieces, nr, true, failed);
}

/* ---- translation alone -------------------------------------------------- */

/* Bytes from @iova on that are mapped, at most @length. */
static uint64_t mapped(struct ioas_function_view *w, uint64_t iova,
		       uint64_t length, uint32_t access)
{
	uint64_t done = 0, last, addr, got;

	if (!ioas_last(iova, length, &last))
		return 0;
	ioas_dview_enter(w->view);
	while (done < length &&
	       !ioas_dview_translate(w->view, iova + done, last, access, &addr,
				     &got))
		done += got;
	ioas_dview_exit(w->view);
	return done;
}

enum ioas_dma_error ioas_dma_translate(struct ioas_function *f, uint32_t pasid,
				       uint64_t iova, uint64_t length,
				       bool write, uint64_t *failed)
{
	const uint32_t access = write ? IOAS_PROT_WRITE : IOAS_PROT_READ;
	struct ioas_function_view *w;
	uint64_t done;

	ioas_assert_held(&f->lock);
	w = way(f, pasid);
	if (!w)
		return aborted(f, iova, failed);
	length = ioas_min(length, BATCH_BYTES);
	done = mapped(w, iova, length, access);
	if (done == length)
		return IOAS_DMA_OK;
	if (failed)
		*failed = iova + done;
	return IOAS_DMA_FAULT;
}

/* ---- atomic addition ---------------------------------------------------- */

/* Memory of this process. */
static uint64_t add_here(void *p, unsigned int width, uint64_t value)
{
	if (width == 4)
		return __atomic_fetch_add((uint32_t *)p, (uint32_t)value,
					  __ATOMIC_ACQ_REL);
	return __atomic_fetch_add((uint64_t *)p, value, __ATOMIC_ACQ_REL);
}

/*
 * Of another process, where nothing atomic can be done: no other function, but
 * the driver itself can come in between.
 */
static int add_there(struct ioas_function *f, ioas_pfn_t pfn, uint64_t offset,
		     unsigned int width, uint64_t value, uint64_t *old)
{
	uint64_t sum;
	int ret;

	*old = 0;
	ret = ioas_frames_copy(f->frames, pfn, offset, old, width, false);
	if (ret)
		return ret;
	sum = *old + value;
	return ioas_frames_copy(f->frames, pfn, offset, &sum, width, true);
}

static int add(struct ioas_function *f, struct ioas_function_view *w,
	       uint64_t iova, unsigned int width, uint64_t value, uint64_t *old)
	__must_hold(f->lock)
{
	const uint64_t page = UINT64_C(1) << f->page_lg2;
	uint64_t addr, got, nr, last;
	char *base;
	int ret;

	if (!ioas_last(iova, width, &last))
		return -ENOENT;
	ioas_dview_enter(w->view);
	ret = ioas_dview_translate(w->view, iova, last,
				   IOAS_PROT_READ | IOAS_PROT_WRITE, &addr,
				   &got);
	if (!ret) {
		base = ioas_frames_run(f->frames, addr >> f->page_lg2, &nr);
		if (base)
			*old = add_here(base + (addr & (page - 1)), width,
					value);
		else
			ret = add_there(f, addr >> f->page_lg2,
					addr & (page - 1), width, value, old);
	}
	ioas_dview_exit(w->view);
	return ret;
}

enum ioas_dma_error ioas_dma_fetch_add(struct ioas_function *f, uint32_t pasid,
				       uint64_t iova, unsigned int width,
				       uint64_t value, uint64_t *old)
{
	struct ioas_function_view *w;
	uint64_t before = 0;
	int ret;

	ioas_assert_held(&f->lock);
	w = way(f, pasid);
	/* An atomic that is not aligned is no request at all. */
	if (!w || (width != 4 && width != 8) || iova & (width - 1))
		return aborted(f, iova, NULL);
	ret = add(f, w, iova, width, value, &before);
	if (ret == -EFAULT)
		return aborted(f, iova, NULL);
	if (ret)
		return faulted(f, w, iova, true, ret == -EACCES, NULL);
	count(f, true, width);
	*old = before;
	return IOAS_DMA_OK;
}
