/* SPDX-License-Identifier: MIT */
/*
 * data: where in memory the data of a command is
 *
 *   PRP   prp1 [ offset | ..page ]            up to two pages: prp2 is the second
 *         prp2 -> list [ page | page | ... | next ] -> list ...
 *   SGL   descriptor in the command: block, or
 *         segment -> [ block | bucket | ... | segment ] -> ... last segment
 *
 * Both become pieces, neighbours joined. A PRP is bounded by the length that it
 * has to describe, as each page of a list but the first holds 511 pages. An SGL
 * can describe nothing for ever (blocks of no bytes, segments that lead back):
 * it is bounded by counts.
 *
 * An address in the controller memory buffer, once CMBMSC says where that is, is
 * no DMA but a copy of our own memory.
 */
#include <string.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

#define DNR(status) ((uint16_t)((status) | NVME_DNR))
#define LIST_ENTRIES (NVME_PAGE / 8u)

#define CMB_MEMORY_SPACE (1u << 1)

struct sgl {
	uint64_t address;
	uint32_t length;
	uint8_t reserved[3];
	/* Type in bits 7:4, subtype. */
	uint8_t kind;
};
_Static_assert(sizeof(struct sgl) == 16, "SGL descriptor");

enum sgl_kind {
	SGL_BLOCK = 0x00,
	SGL_BUCKET = 0x10,
	SGL_SEGMENT = 0x20,
	SGL_LAST = 0x30,
};

/* Of a segment, fetched at once. */
#define SGL_CHUNK 256u

/* Data that is being described. */
struct walk {
	struct nvme *n;
	size_t length;
	size_t done;
	bool to_host;
	unsigned int descriptors;
	unsigned int segments;
};

/* ---- DMA ---------------------------------------------------------------- */

static uint64_t cmb_base(const struct nvme *n)
{
	return n->cmbmsc & ~(uint64_t)(NVME_PAGE - 1);
}

bool ioas_nvme_cmb_wraps(const struct nvme *n)
{
	uint64_t last;

	return (n->cmbmsc & CMB_MEMORY_SPACE) &&
	       !ioas_last(cmb_base(n), n->cmb_size, &last);
}

bool ioas_nvme_cmb_on(const struct nvme *n)
{
	/* Enabled at all, and with a place among addresses. */
	return n->cmb && (n->cmbmsc & 3u) == 3u && !ioas_nvme_cmb_wraps(n);
}

/* Return: pieces copied in whole, before one that was not. */
static size_t dma_plain(struct nvme *n, bool write,
			const struct ioas_dma_piece *piece, size_t nr)
{
	uint64_t failed = 0;
	enum ioas_dma_error rc;
	size_t i;

	if (!nr)
		return 0;
	rc = write ? ioas_dma_write(n->f, IOAS_DMA_NO_PASID, piece, nr, &failed)
		   : ioas_dma_read(n->f, IOAS_DMA_NO_PASID, piece, nr, &failed);
	if (rc == IOAS_DMA_OK)
		return nr;
	n->dma_gone = rc == IOAS_DMA_ABORT;
	/* The first that has it: if that went well, why should this not? */
	for (i = 0; i < nr; i++)
		if (failed - piece[i].iova < piece[i].length)
			return i;
	return 0;
}

/* Between @data and our own memory; what has a phase comes at once. */
static void cmb_copy(struct nvme *n, bool write, uint64_t at, void *data,
		     size_t length)
{
	uint8_t *cmb = n->cmb + (at - cmb_base(n));
	uint64_t word;

	if (write && length == sizeof(word) && !(at % sizeof(word))) {
		memcpy(&word, data, sizeof(word));
		__atomic_store_n((uint64_t *)(void *)cmb, word,
				 __ATOMIC_RELEASE);
	} else if (write) {
		memcpy(cmb, data, length);
	} else {
		memcpy(data, cmb, length);
	}
}

/* Of @p from its byte @done on: how much is on one side of the border. */
static size_t cmb_span(const struct nvme *n, const struct ioas_dma_piece *p,
		       size_t done, bool *inside)
{
	uint64_t at = p->iova + done;
	uint64_t left = p->length - done;
	uint64_t base = cmb_base(n);

	*inside = at - base < n->cmb_size;
	if (*inside)
		return (size_t)ioas_min(left, n->cmb_size - (at - base));
	return (size_t)(at < base ? ioas_min(left, base - at) : left);
}

static bool dma_split(struct nvme *n, bool write,
		      const struct ioas_dma_piece *p)
{
	size_t done, step;

	for (done = 0; done < p->length; done += step) {
		uint64_t at = p->iova + done;
		uint8_t *data = (uint8_t *)p->data + done;
		struct ioas_dma_piece part = { .iova = at, .data = data };
		bool inside;

		step = cmb_span(n, p, done, &inside);
		part.length = step;
		/* What may be gone is not touched. */
		n->dma_gone = inside && p->mapped;
		if (n->dma_gone)
			return false;
		if (inside)
			cmb_copy(n, write, at, data, step);
		else if (!dma_plain(n, write, &part, 1))
			return false;
	}
	return true;
}

/* As dma_plain(); those that have nothing to do with the buffer together. */
static size_t dma_mixed(struct nvme *n, bool write,
			const struct ioas_dma_piece *piece, size_t nr)
{
	size_t done = 0, i;
	bool inside;

	for (i = 0; i < nr; i++) {
		if (cmb_span(n, &piece[i], 0, &inside) == piece[i].length &&
		    !inside)
			continue;
		done += dma_plain(n, write, piece + done, i - done);
		if (done < i || !dma_split(n, write, &piece[i]))
			return done;
		done++;
	}
	return done + dma_plain(n, write, piece + done, nr - done);
}

bool ioas_nvme_dma(struct nvme *n, bool write,
		   const struct ioas_dma_piece *piece, size_t nr, size_t *good)
{
	uint64_t last;
	size_t end = 0, done;

	n->dma_gone = false;
	/* What goes on behind the last address is nowhere. */
	while (end < nr && ioas_last(piece[end].iova, piece[end].length, &last))
		end++;
	done = ioas_nvme_cmb_on(n) ? dma_mixed(n, write, piece, end)
			 : dma_plain(n, write, piece, end);
	if (good)
		*good = done;
	return done == nr;
}

/* A list: not so cheap that it costs nothing. */
static bool fetch(struct nvme *n, uint64_t iova, void *data, size_t length)
{
	struct ioas_dma_piece piece = {
		.iova = iova, .data = data, .length = length
	};

	n->cost += NVME_COMMAND_COST;
	return ioas_nvme_dma(n, false, &piece, 1, NULL);
}

/* ---- pieces ------------------------------------------------------------- */

/* @length bytes at @iova are next. Return: there was room for them. */
static bool piece_add(struct walk *w, uint64_t iova, size_t length)
{
	struct nvme *n = w->n;
	struct ioas_dma_piece *p = &n->piece[n->nr_out + n->nr_pieces];
	uint8_t *data = n->buffer + w->done;

	w->done += length;
	if (!length)
		return true;
	if (n->nr_pieces && iova && p[-1].iova + p[-1].length == iova &&
	    (uint8_t *)p[-1].data + p[-1].length == data) {
		p[-1].length += length;
		return true;
	}
	if (n->nr_pieces == NVME_PIECES)
		return false;
	*p = (struct ioas_dma_piece){
		.iova = iova, .data = data, .length = length
	};
	n->nr_pieces++;
	return true;
}

/* ---- PRP ---------------------------------------------------------------- */

static uint16_t prp_page(struct walk *w, uint64_t page)
{
	if (page & (NVME_PAGE - 1))
		return DNR(NVME_PRP_OFFSET);
	/* Cannot fail: there are more pieces than pages in a transfer. */
	piece_add(w, page, ioas_min(w->length - w->done, NVME_PAGE));
	return NVME_OK;
}

/* Pages of the list at @list, and of those that it leads to. */
static uint16_t prp_list(struct walk *w, uint64_t list)
{
	uint64_t entry[LIST_ENTRIES];
	uint16_t status = NVME_OK;
	unsigned int i, nr;
	size_t left;

	while (w->done < w->length && status == NVME_OK) {
		nr = LIST_ENTRIES - (unsigned int)(list % NVME_PAGE / 8u);
		left = (w->length - w->done + NVME_PAGE - 1) / NVME_PAGE;
		if (left < nr)
			nr = (unsigned int)left;
		if (!fetch(w->n, list, entry, nr * 8u))
			return NVME_TRANSFER_ERROR;
		/* The last of a page is a pointer if it is not the last. */
		for (i = 0; i < nr && status == NVME_OK; i++) {
			if (i + 1 < nr || nr == left)
				status = prp_page(w, entry[i]);
			else if (entry[i] & (NVME_PAGE - 1))
				status = DNR(NVME_PRP_OFFSET);
			else
				list = entry[i];
		}
	}
	return status;
}

static uint16_t prp_map(struct walk *w, uint64_t prp1, uint64_t prp2)
{
	uint64_t first = NVME_PAGE - prp1 % NVME_PAGE;

	if (prp1 & 3)
		return DNR(NVME_PRP_OFFSET);
	piece_add(w, prp1, ioas_min(first, w->length));
	if (w->done == w->length)
		return NVME_OK;
	if (w->length - w->done <= NVME_PAGE)
		return prp_page(w, prp2);
	return prp2 & 7 ? DNR(NVME_PRP_OFFSET) : prp_list(w, prp2);
}

/* ---- SGL ---------------------------------------------------------------- */

/* A descriptor that is no segment. */
static uint16_t sgl_block(struct walk *w, const struct sgl *d)
{
	if (d->kind != SGL_BLOCK && d->kind != SGL_BUCKET)
		return DNR(NVME_SGL_TYPE);
	/* A bucket is no source of data. */
	if (d->kind == SGL_BUCKET && !w->to_host)
		return NVME_OK;
	if (d->length > w->length - w->done)
		return DNR(NVME_SGL_LENGTH);
	if (d->kind == SGL_BUCKET)
		w->done += d->length;
	else if (!piece_add(w, d->address, d->length))
		return DNR(NVME_SGL_NUMBER);
	return NVME_OK;
}

static bool sgl_is_segment(const struct sgl *d)
{
	return d->kind == SGL_SEGMENT || d->kind == SGL_LAST;
}

/*
 * Descriptor @d of a segment of kind @in, @last of it or not. What leads on has
 * to be last, and nothing else is, but in the last segment, where nothing does.
 */
static uint16_t sgl_entry(struct walk *w, const struct sgl *d, uint8_t in,
			  bool last)
{
	if (!sgl_is_segment(d))
		return last && in == SGL_SEGMENT ? DNR(NVME_SGL_SEGMENT)
						 : sgl_block(w, d);
	if (in == SGL_LAST)
		return DNR(NVME_SGL_SEGMENT);
	return last ? NVME_OK : DNR(NVME_SGL_NUMBER);
}

/* The segment that *@d describes; what it ends with is *@d then. */
static uint16_t sgl_segment(struct walk *w, struct sgl *d)
{
	struct sgl chunk[SGL_CHUNK], from = *d;
	uint32_t left = d->length / 16u;
	uint16_t status = NVME_OK;
	uint32_t i, nr;

	if (!d->length || d->length % 16u || d->address & 7u)
		return DNR(NVME_SGL_SEGMENT);
	if (++w->segments > NVME_SEGMENTS ||
	    left > NVME_DESCRIPTORS - w->descriptors)
		return DNR(NVME_SGL_NUMBER);
	w->descriptors += left;
	for (; left && status == NVME_OK; left -= nr) {
		nr = left < SGL_CHUNK ? left : SGL_CHUNK;
		if (!fetch(w->n, from.address, chunk, nr * 16u))
			return NVME_TRANSFER_ERROR;
		from.address += nr * 16u;
		for (i = 0; i < nr && status == NVME_OK; i++)
			status = sgl_entry(w, &chunk[i], from.kind,
					   i + 1 == left);
		*d = chunk[nr - 1];
	}
	return status;
}

static uint16_t sgl_map(struct walk *w, uint64_t low, uint64_t high)
{
	struct sgl d;
	uint16_t status;

	memcpy(&d, &low, 8);
	memcpy((uint8_t *)&d + 8, &high, 8);
	if (!sgl_is_segment(&d))
		status = sgl_block(w, &d);
	else
		do
			status = sgl_segment(w, &d);
		while (status == NVME_OK && sgl_is_segment(&d));
	if (status == NVME_OK && w->done != w->length)
		status = DNR(NVME_SGL_LENGTH);
	return status;
}

/* ---- for commands ------------------------------------------------------- */

uint16_t ioas_nvme_data_map(struct nvme *n, const struct nvme_cmd *cmd,
			    size_t length, bool to_host)
{
	struct walk w = { .n = n, .length = length, .to_host = to_host };
	const struct nvme_sqe *e = &cmd->sqe;

	n->nr_pieces = 0;
	if (length > NVME_BYTES_MAX)
		return DNR(NVME_INVALID_FIELD);
	n->length = length;
	n->cost += length;
	return e->flags >> 6 ? sgl_map(&w, e->prp1, e->prp2)
			     : prp_map(&w, e->prp1, e->prp2);
}

uint16_t ioas_nvme_data_fetch(struct nvme *n)
{
	return ioas_nvme_dma(n, false, n->piece + n->nr_out, n->nr_pieces,
			     NULL) ? NVME_OK : NVME_TRANSFER_ERROR;
}
