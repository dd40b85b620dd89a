/* SPDX-License-Identifier: MIT */
/*
 * unmap: UNMAP, and MAP_DMA and UNMAP_DMA of container requests
 * (U 6.7, 11.5, 11.6)
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

/* ---- unmap -------------------------------------------------------------- */

/* Accesses let go of what they have of the area (T 6). */
static void notify(struct um *m, const struct m_area *a)
{
	for (int n = 0; n < NR_ITEMS; n++) {
		struct m_item *it = m->item + n;

		if (!it->used || m->access[it->access].ioas != a->ioas ||
		    it->iova > a->last || it->last < a->iova)
			continue;
		it->used = false;
		mark(m, MARK_NOTIFIED);
	}
}

/* U 6.7 step 4. */
static int model_unmap(struct um *m, int i, uint64_t first, uint64_t last,
		       uint64_t *bytes)
{
	const struct m_ioas *s = m->ioas + i;
	uint32_t n = 0;

	*bytes = 0;
	while (n < s->nr_areas) {
		const int id = s->area[n];
		const struct m_area *a = m->area + id;

		if (a->last < first) {
			n++;
			continue;
		}
		if (a->iova > last)
			break;
		if (a->iova < first || a->last > last)
			return -ENOENT;
		notify(m, a);
		*bytes += a->last - a->iova + 1;
		area_remove(m, id);
	}
	return 0;
}

static int predict_unmap(struct um *m, int i, uint64_t iova, uint64_t length,
			 uint64_t *bytes)
{
	uint64_t last;
	int want;

	if (i < 0)
		return -ENOENT;
	if (!iova && length == UINT64_MAX)
		return model_unmap(m, i, 0, UINT64_MAX, bytes);
	if (iova == UINT64_MAX || length == UINT64_MAX)
		return -EOVERFLOW;
	if (!length)
		return -EINVAL;
	if (!ioas_last(iova, length, &last))
		return -EOVERFLOW;
	want = model_unmap(m, i, iova, last, bytes);
	return !want && !*bytes ? -ENOENT : want;
}

static int do_unmap(struct um *m, int i, uint64_t iova, uint64_t length)
{
	struct ioas_abi_ioas_unmap s = { .iova = iova, .length = length };
	uint64_t bytes;
	int want, got;

	s.ioas_id = chance(m, 98) ? m->ioas[i].id : wrong_id(m, ID_IOAS);
	say(m, "ioas %d iova %#llx length %#llx", i, (ull)iova, (ull)length);
	got = uapi_release(m, IOAS_ABI_IOAS_UNMAP, &s);
	want = predict_unmap(m, id_find(m, s.ioas_id, ID_IOAS), iova, length,
			     &bytes);
	if (expect(m, want, got) && !want)
		expect_value(m, "the length", bytes, s.length);
	return got;
}

int op_unmap(struct um *m)
{
	const int i = full_ioas(m);
	uint64_t iova, length;

	if (i < 0)
		return SKIP;
	some_range(m, i, &iova, &length);
	/* A superset of several. */
	if (chance(m, 12)) {
		iova = some_iova(m, i);
		length = some_iova(m, i) - iova;
	}
	return do_unmap(m, i, iova, length);
}

int op_unmap_all(struct um *m)
{
	const int i = full_ioas(m);

	return i < 0 ? SKIP : do_unmap(m, i, 0, UINT64_MAX);
}

/* ---- MAP_DMA ------------------------------------------------------------ */

int op_vfio_map(struct um *m)
{
	const int i = m->compat >= 0 ? m->compat : some_ioas(m);
	struct map_args a = { .i = i, .flags = some_prot(m) };
	struct ioas_abi_vfio_iommu_map_dma s = { .argsz = sizeof(s) };
	int want = 0, got;

	if (i < 0 || (m->compat < 0 && chance(m, 80)))
		return SKIP;
	some_memory(m, i, &a.start, &a.length);
	a.iova = some_place(m, i, a.length);
	if (a.start >> PAGE_LG2 < ARENA)
		return SKIP;
	if (chance(m, 2))
		s.argsz--;
	s.flags = (a.flags & IOAS_ABI_IOAS_MAP_READABLE ?
			   IOAS_ABI_VFIO_DMA_MAP_FLAG_READ :
			   0) |
		  (a.flags & IOAS_ABI_IOAS_MAP_WRITEABLE ?
			   IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE :
			   0);
	if (chance(m, 2))
		s.flags |= IOAS_ABI_VFIO_DMA_MAP_FLAG_VADDR << below(m, 3);
	s.vaddr = a.start;
	s.iova = a.iova;
	s.size = a.length;
	if (s.argsz < sizeof(s) || s.flags > 3)
		want = -EINVAL;
	else if (m->compat < 0)
		want = -ENODEV;
	a.flags |= IOAS_ABI_IOAS_MAP_FIXED_IOVA;
	if (!want)
		want = predict_map(m, &a);
	if (want == SKIP)
		return SKIP;
	say(m, "flags %#x va %#llx size %#llx iova %#llx", s.flags,
	    (ull)s.vaddr, (ull)s.size, (ull)s.iova);
	got = request(m, IOAS_ABI_VFIO_IOMMU_MAP_DMA, &s, sizeof(s));
	if (!expect(m, want, got) || want)
		return got;
	commit_map(m, &a);
	return 0;
}

/* ---- UNMAP_DMA ---------------------------------------------------------- */

static void copy_entry(struct m_entry *to, const struct m_entry *from,
		       uint64_t skip)
{
	memset(to, 0, sizeof(*to));
	to->small = from->small;
	to->any = from->any;
	memcpy(to->dirty, from->dirty + skip / UNIT,
	       sizeof(to->dirty) - (size_t)(skip / UNIT));
}

/* Cut the area after @x. */
static void cut(struct um *m, int area, uint64_t x)
{
	struct m_area *a = m->area + area;
	struct m_area *b = m->area + area_slot(m);
	const uint64_t skip = x + 1 - a->iova;

	*b = *a;
	b->iova = x + 1;
	b->byte += skip;
	for (int d = 0; d < IOAS_DOMAINS; d++)
		copy_entry(b->in + d, a->in + d, skip);
	a->last = x;
	area_insert(m, (int)(b - m->area));
	mark(m, MARK_CUT);
}

/* Step 5, one end. */
static int try_cut(struct um *m, int i, uint64_t x)
{
	const int id = area_at(m, i, x);
	const struct m_area *a = m->area + id;
	bool pinned, odd, device;

	if (id < 0 || x == a->last || x == a->iova)
		return 0;
	odd = (x + 1) % ioas_alignment_of(m, i);
	pinned = area_pinned(m, id);
	device = m->object[a->object].kind == OBJ_DMABUF;
	/* A dma-buf that could not be cut for another reason either. */
	if (device && odd)
		m->alt = -EINVAL;
	if (device)
		return -EOPNOTSUPP;
	if (odd || pinned)
		return -EINVAL;
	cut(m, id, x);
	return 0;
}

static int try_cuts(struct um *m, int i, uint64_t iova, uint64_t size)
{
	uint64_t last;
	int want;

	if (!m->ioas[i].small || !ioas_last(iova, size, &last))
		return 0;
	want = try_cut(m, i, last);
	if (!want && iova)
		want = try_cut(m, i, iova - 1);
	return want;
}

/* Step 6. */
static int predict_dma(struct um *m, int i, uint64_t iova, uint64_t size,
		       uint64_t *bytes)
{
	uint64_t last;

	*bytes = 0;
	if (iova == UINT64_MAX || size == UINT64_MAX)
		return -EOVERFLOW;
	if (!size)
		return -EINVAL;
	if (!ioas_last(iova, size, &last))
		return -EOVERFLOW;
	return model_unmap(m, i, iova, last, bytes);
}

/* Steps 2 to 6. False: nothing is written back. */
static bool predict_unmap_dma(struct um *m,
			      const struct ioas_abi_vfio_iommu_unmap_dma *s,
			      int *want, uint64_t *bytes)
{
	const bool all = s->flags & IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL;

	if (s->argsz < sizeof(*s) ||
	    s->flags & ~IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL)
		*want = -EINVAL;
	else if (m->compat < 0)
		*want = -ENODEV;
	else if (all && (s->iova || s->size))
		*want = -EINVAL;
	else if (!all)
		*want = try_cuts(m, m->compat, s->iova, s->size);
	if (*want)
		return false;
	if (all)
		*want = model_unmap(m, m->compat, 0, UINT64_MAX, bytes);
	else
		*want = predict_dma(m, m->compat, s->iova, s->size, bytes);
	return true;
}

int op_vfio_unmap(struct um *m)
{
	const int i = m->compat >= 0 ? m->compat : some_ioas(m);
	struct ioas_abi_vfio_iommu_unmap_dma s = { .argsz = sizeof(s) }, old;
	uint64_t iova, size, bytes = 0;
	int want = 0, got;

	if (i < 0 || (m->compat < 0 && chance(m, 80)) ||
	    m->ioas[i].nr_areas + 2 > SPACE_AREAS)
		return SKIP;
	some_range(m, i, &iova, &size);
	s.iova = iova;
	s.size = size;
	if (chance(m, 2))
		s.argsz--;
	if (chance(m, 2))
		s.flags = 1u << below(m, 4);
	if (chance(m, 60) && s.flags == IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL)
		s.iova = s.size = 0;
	say(m, "flags %#x iova %#llx size %#llx", s.flags, (ull)s.iova,
	    (ull)s.size);
	old = s;
	got = request(m, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, &s, sizeof(s));
	if (predict_unmap_dma(m, &old, &want, &bytes))
		old.size = bytes;
	if (expect(m, want, got))
		expect_value(m, "the size", old.size, s.size);
	return got;
}
