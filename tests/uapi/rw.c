/* SPDX-License-Identifier: MIT */
/*
 * rw: an access reads and writes (U 7.6; T 4.11)
 *
 *    IOVA     | area            | area      |
 *    pieces   [--|----|----|--] [--|---]        inside of one frame each
 *    shadow   what is in these frames before --> what has to be in them after
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

#define MAX_PIECES (MAX_COPY / PAGE + 2 * SPACE_AREAS)

struct rw_piece {
	/* Index of the frame in the shadow. */
	uint32_t frame;
	uint32_t offset, length;
};

static struct {
	struct rw_piece piece[MAX_PIECES];
	uint32_t nr_pieces;
	ioas_pfn_t pfn[MAX_PIECES];
	unsigned char page[MAX_PIECES][PAGE];
	uint32_t nr_frames;
} shadow;

static uint32_t shadow_frame(struct um *m, ioas_pfn_t pfn)
{
	uint32_t f = 0;

	while (f < shadow.nr_frames && shadow.pfn[f] != pfn)
		f++;
	if (f == shadow.nr_frames) {
		shadow.nr_frames++;
		shadow.pfn[f] = pfn;
		if (ioas_sim_frame_read(m->h->sim, pfn, 0, shadow.page[f],
					PAGE))
			fail(m, "frame %#llx cannot be read", (ull)pfn);
	}
	return f;
}

/*
 * Where page @page of the object is. A page that the process has moved away
 * under a pin is one thing for who copies and another for who pins: SKIP.
 */
static int locate(struct um *m, const struct m_object *g, uint32_t page,
		  ioas_pfn_t *pfn)
{
	struct ioas_origin *o = g->kind == OBJ_PROCESS ?
					m->process[g->index].real->memory :
					m->file[g->index].real;
	const bool is = o && ioas_sim_frame_at(o, g->base + page, pfn);

	if (!g->held[page])
		return is ? 0 : -EFAULT;
	if (g->kind == OBJ_PROCESS && m->process[g->index].live &&
	    (!is || *pfn != g->frame[page]))
		return SKIP;
	*pfn = g->frame[page];
	return 0;
}

/* One page of an area: 0, an error or SKIP. */
static int rw_page(struct um *m, const struct m_object *g, uint64_t byte,
		   uint64_t length, bool write)
{
	struct rw_piece *p = shadow.piece + shadow.nr_pieces;
	const uint32_t page = (uint32_t)(byte >> PAGE_LG2);
	ioas_pfn_t pfn = 0;
	int ret = 0;

	if (!g->held[page])
		ret = page_error(m, g, g->base + page, write);
	/* A file that ends before it: as a pin, or as memory. */
	if (ret == -EINVAL)
		m->alt = -EFAULT;
	if (ret)
		return ret;
	/* What is mapped for writing may be pinned for writing. */
	if (!g->held[page] && page_error(m, g, g->base + page, g->writable))
		m->alt = -EFAULT;
	ret = locate(m, g, page, &pfn);
	if (ret)
		return ret;
	p->frame = shadow_frame(m, pfn);
	p->offset = (uint32_t)(byte % PAGE);
	p->length = (uint32_t)length;
	shadow.nr_pieces++;
	return 0;
}

static int rw_area(struct um *m, const struct m_area *a, uint64_t at,
		   uint64_t end, bool write)
{
	const struct m_object *g = m->object + a->object;
	uint64_t byte = a->byte + (at - a->iova);
	const uint64_t stop = byte + (end - at) + 1;

	if (!(a->prot & (write ? IOAS_ABI_IOAS_MAP_WRITEABLE :
				 IOAS_ABI_IOAS_MAP_READABLE)))
		return -EPERM;
	if (write && !g->writable)
		return -EPERM;
	if (g->kind == OBJ_DMABUF)
		return -EINVAL;
	while (byte < stop) {
		const uint64_t n = ioas_min(stop - byte, PAGE - byte % PAGE);
		const int ret = rw_page(m, g, byte, n, write);

		if (ret)
			return ret;
		byte += n;
	}
	return 0;
}

/* Step 5. */
static int predict_rw(struct um *m, int i, uint64_t at, uint64_t length,
		      bool write)
{
	uint64_t last;

	if (!length)
		return -EINVAL;
	if (!ioas_last(at, length, &last))
		return -EOVERFLOW;
	for (;;) {
		const int id = area_at(m, i, at);
		int ret;

		if (id < 0)
			return -ENOENT;
		ret = rw_area(m, m->area + id, at,
			      ioas_min(last, m->area[id].last), write);
		if (ret || m->area[id].last >= last)
			return ret;
		at = m->area[id].last + 1;
	}
}

/* Step 5 and what is around it; @good: the buffer is memory. */
static int predict(struct um *m, int a,
		   const struct ioas_abi_test_access_rw *t, bool wrong,
		   bool good)
{
	const bool write = t->flags & IOAS_ABI_MOCK_ACCESS_RW_WRITE;
	int ret;

	if (t->length > 16 << 20)
		return -ENOMEM;
	if (t->flags & ~(IOAS_ABI_MOCK_ACCESS_RW_WRITE |
			 IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH))
		return -EOPNOTSUPP;
	if (wrong)
		return -EBADFD;
	if (t->length > MAX_COPY)
		return SKIP;
	if (write && !good && t->length)
		return -EFAULT;
	ret = predict_rw(m, m->access[a].ioas, t->iova, t->length, write);
	return ret || good ? ret : -EFAULT;
}

/* After success: the buffer, or the frames. */
static void check_data(struct um *m, bool write, const unsigned char *data,
		       uint64_t uptr, uint64_t length)
{
	unsigned char got[MAX_COPY > PAGE ? MAX_COPY : PAGE];
	uint64_t done = 0;

	if (!write)
		sim_peek(m->h, uptr, got, (size_t)length);
	for (uint32_t i = 0; i < shadow.nr_pieces && !m->failed; i++) {
		const struct rw_piece *p = shadow.piece + i;
		unsigned char *page = shadow.page[p->frame] + p->offset;

		if (write)
			memcpy(page, data + done, p->length);
		else if (memcmp(page, got + done, p->length))
			fail(m, "bytes %#llx..%#llx are not those of frame %#llx",
			     (ull)done, (ull)(done + p->length - 1),
			     (ull)shadow.pfn[p->frame]);
		done += p->length;
	}
	for (uint32_t f = 0; f < shadow.nr_frames && !m->failed; f++)
		if (ioas_sim_frame_read(m->h->sim, shadow.pfn[f], 0, got,
					PAGE) ||
		    memcmp(got, shadow.page[f], PAGE))
			fail(m, "frame %#llx has other bytes than it should",
			     (ull)shadow.pfn[f]);
}

int op_rw(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_ACCESS_RW };
	struct ioas_abi_test_access_rw *t = &s.access_rw;
	const uint64_t end = buffer_at() + (BUFFER_PAGES << PAGE_LG2);
	const bool wrong = chance(m, 2);
	static unsigned char data[MAX_COPY];
	const int a = some_access(m);
	uint64_t iova, length;
	bool write, good = true;
	int want, got;

	if (a < 0)
		return SKIP;
	some_range(m, m->access[a].ioas, &iova, &length);
	if (chance(m, 50)) {
		iova += below(m, PAGE);
		length = 1 + below(m, 2 * PAGE);
	}
	t->iova = iova;
	t->length = length;
	t->uptr = buffer_at() + below(m, 4096);
	t->flags = (uint32_t)(below(m, 2) | below(m, 2) << 2);
	if (chance(m, 1))
		t->flags |= 2u << (2 * below(m, 5));
	if (chance(m, 2) && length <= MAX_COPY && length) {
		t->uptr = end - below(m, length);
		good = false;
	}
	s.id = (uint32_t)(wrong ? m->process[m->p].other :
				  m->process[m->p].access[a]);
	write = t->flags & IOAS_ABI_MOCK_ACCESS_RW_WRITE;
	shadow.nr_pieces = shadow.nr_frames = 0;
	want = predict(m, a, t, wrong, good);
	if (want == SKIP)
		return SKIP;
	for (uint32_t i = 0; i < MAX_COPY; i += 8)
		memcpy(data + i, (uint64_t[]){ prng_next(&m->rng) }, 8);
	if (length <= MAX_COPY)
		sim_poke(m->h, t->uptr, data,
			 (size_t)ioas_min(length, end - t->uptr));
	say(m, "access %d fd %u flags %#x iova %#llx length %#llx", a, s.id,
	    t->flags, (ull)iova, (ull)length);
	got = request_test(m, &s);
	if (expect(m, want, got) && !got)
		check_data(m, write, data, t->uptr, length);
	return got;
}
