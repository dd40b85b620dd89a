/* SPDX-License-Identifier: MIT */
/*
 * dirty: what devices wrote, by entry of a page table
 * (U 6.12, 6.13; T 3.3, 4.13)
 *
 *   HUGE table      entries of 1 MiB, where IOVA and frames allow it, or of
 *                   a page
 *   DEFAULT table   2048 bytes, if large pages are disabled
 *                   otherwise nobody says: what was made dirty must be
 *                   reported, and what was not dirty in its area must not
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

#define UNITS(bytes) ((uint32_t)((bytes) / UNIT))
/* Of a bitmap. */
#define MAX_BYTES 2048u

/* Is the size of the entries known? */
static bool is_exact(const struct um *m, int h, const struct m_area *a)
{
	return m->hwpt[h].huge || a->in[h % IOAS_DOMAINS].small;
}

/* Are the frames of a whole large page from page @first on one, and aligned? */
static bool is_large(const struct m_object *g, uint64_t first)
{
	if (g->kind == OBJ_DMABUF || g->frame[first] % (LARGE / PAGE))
		return false;
	for (uint64_t i = 0; i < LARGE / PAGE; i++)
		if (g->frame[first + i] != g->frame[first] + i)
			return false;
	return true;
}

/* The units of the entry that has unit @u of the area. */
static void entry_of(const struct um *m, int h, const struct m_area *a,
		     uint32_t u, uint32_t *first, uint32_t *last)
{
	const uint64_t block = ioas_align_down(a->iova + u * UNIT, LARGE);

	*first = *last = u;
	if (!m->hwpt[h].huge)
		return;
	*first = u & ~1u;
	*last = u | 1u;
	if (a->in[h % IOAS_DOMAINS].small || block < a->iova ||
	    block + (LARGE - 1) > a->last ||
	    !is_large(m->object + a->object,
		      (a->byte + (block - a->iova)) >> PAGE_LG2))
		return;
	*first = UNITS(block - a->iova);
	*last = *first + UNITS(LARGE) - 1;
}

/* One that tracks, or could, and has something to be tracked, mostly. */
static uint32_t some_table(struct um *m, int *h)
{
	*h = some_hwpt(m);
	for (int n = 0; *h >= 0 && n < 12; n++) {
		const struct m_hwpt *t = m->hwpt + *h;

		if (t->tracking ||
		    (t->dirty && m->kind != OP_DIRTY && chance(m, 30)))
			break;
		*h = some_hwpt(m);
	}
	if (*h < 0)
		return 0;
	return chance(m, 97) ? m->hwpt[*h].id : wrong_id(m, ID_HWPT);
}

/* ---- SET_DIRTY_TRACKING ------------------------------------------------- */

static void clear_all(struct um *m, int h)
{
	const struct m_ioas *s = m->ioas + hwpt_ioas(h);

	for (uint32_t n = 0; n < s->nr_areas; n++) {
		struct m_entry *e =
			m->area[s->area[n]].in + h % IOAS_DOMAINS;

		memset(e->dirty, 0, sizeof(e->dirty));
		e->any = false;
	}
}

int op_set_dirty(struct um *m)
{
	struct ioas_abi_hwpt_set_dirty_tracking s = { .flags = chance(m, 90) };
	int h, want = 0, got;

	s.hwpt_id = some_table(m, &h);
	if (h < 0)
		return SKIP;
	if (chance(m, 2))
		s.flags |= 2;
	s.__reserved = chance(m, 5);
	if (s.flags > 1)
		want = -EOPNOTSUPP;
	else if (id_find(m, s.hwpt_id, ID_HWPT) < 0)
		want = -ENOENT;
	else if (!m->hwpt[h].dirty)
		want = -EOPNOTSUPP;
	say(m, "hwpt %u flags %u", s.hwpt_id, s.flags);
	got = uapi_request(m, IOAS_ABI_HWPT_SET_DIRTY_TRACKING, &s);
	if (!expect(m, want, got) || want)
		return got;
	m->hwpt[h].tracking = s.flags;
	if (s.flags)
		clear_all(m, h);
	return 0;
}

/* ---- the device writes -------------------------------------------------- */

static void make_dirty(struct um *m, int h, uint64_t iova)
{
	const int id = area_at(m, hwpt_ioas(h), iova);
	struct m_area *a = m->area + id;
	struct m_entry *e;
	uint32_t first, last;

	if (id < 0 || !area_is_mapped(m, a))
		return;
	e = a->in + h % IOAS_DOMAINS;
	e->any = true;
	entry_of(m, h, a, UNITS(iova - a->iova), &first, &last);
	for (uint32_t u = first; u <= last; u++)
		e->dirty[u] = true;
	if (last - first + 1 == UNITS(LARGE))
		mark(m, MARK_LARGE_DIRTY);
	if (first == last && e->small)
		mark(m, MARK_SMALL_DIRTY);
}

/* A page size, and a range that suits it and the areas, mostly. */
static void some_bits(struct um *m, int h, uint64_t *iova, uint64_t *length,
		      uint64_t *size)
{
	static const uint8_t lg2s[] = { 11, 11, 11, 12, 12, 12, 13, 9, 20 };

	*size = UINT64_C(1) << lg2s[below(m, sizeof(lg2s))];
	some_range(m, hwpt_ioas(h), iova, length);
	if (chance(m, 90)) {
		*iova = ioas_align_down(*iova, *size);
		*length = ioas_max(ioas_align_down(*length, *size), *size);
	}
	if (chance(m, 2))
		*size = chance(m, 50) ? 0 : 3 * UNIT;
}

int op_dirty(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_DIRTY };
	struct ioas_abi_test_dirty *t = &s.dirty;
	uint64_t iova, length, size, set = 0;
	uint8_t bits[MAX_BYTES] = { 0 };
	const uint64_t density = 1 + below(m, 20);
	int h, want = 0, got;

	s.id = some_table(m, &h);
	if (h < 0)
		return SKIP;
	some_bits(m, h, &iova, &length, &size);
	*t = (struct ioas_abi_test_dirty){
		.flags = chance(m, 10), .iova = iova, .length = length,
		.page_size = size, .uptr = chance(m, 98) ? buffer_at() : 0
	};
	if (!size || !length || iova % size || length % size || !t->uptr)
		want = -EINVAL;
	else if (id_find(m, s.id, ID_HWPT) < 0)
		want = -ENOENT;
	else if (!m->hwpt[h].tracking)
		want = -EINVAL;
	else if (length / size > 8 * MAX_BYTES)
		return SKIP;
	for (uint64_t i = 0; !want && i < length / size; i++)
		if (!below(m, density)) {
			bits[i / 8] |= (uint8_t)(1u << i % 8);
			set++;
		}
	sim_poke(m->h, buffer_at(), bits, sizeof(bits));
	say(m, "hwpt %u iova %#llx length %#llx size %#llx, %llu bits", s.id,
	    (ull)iova, (ull)length, (ull)size, (ull)set);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want)
		return got;
	expect_value(m, "the number of bits", set, t->out_nr_dirty);
	for (uint64_t i = 0; i < length / size; i++)
		if (bits[i / 8] >> i % 8 & 1)
			make_dirty(m, h, iova + i * size);
	return 0;
}

/* ---- GET_DIRTY_BITMAP --------------------------------------------------- */

/* What the bitmap has to say, and may. */
struct answer {
	uint64_t iova, size;
	bool clear;
	uint8_t must[MAX_BYTES], may[MAX_BYTES];
};

static void set_bits(uint8_t *bits, const struct answer *r, uint64_t first,
		     uint64_t last)
{
	for (uint64_t i = (first - r->iova) / r->size;
	     i <= (last - r->iova) / r->size; i++)
		bits[i / 8] |= (uint8_t)(1u << i % 8);
}

/* Bytes [@first, @last] of the area. */
static void read_area(struct um *m, int h, struct m_area *a, uint64_t first,
		      uint64_t last, struct answer *r)
{
	struct m_entry *e = a->in + h % IOAS_DOMAINS;
	const bool exact = is_exact(m, h, a);
	const uint32_t to = UNITS(last - a->iova);
	uint32_t from, end;

	if (!exact && e->any)
		set_bits(r->may, r, first, last);
	for (uint32_t u = UNITS(first - a->iova); u <= to; u++) {
		const uint64_t at = a->iova + u * UNIT;

		if (!e->dirty[u])
			continue;
		set_bits(r->must, r, at, at + (UNIT - 1));
		set_bits(r->may, r, at, at + (UNIT - 1));
	}
	for (uint32_t u = UNITS(first - a->iova); r->clear && exact && u <= to;
	     u++) {
		entry_of(m, h, a, u, &from, &end);
		memset(e->dirty + from, 0, end - from + 1);
	}
	if (r->clear && !exact) {
		memset(e->dirty, 0, sizeof(e->dirty));
		e->any &= first != a->iova || last != a->last;
	}
}

/* The run of areas from the first byte on. */
static void read_run(struct um *m, int h, uint64_t length, struct answer *r)
{
	const uint64_t last = r->iova + length - 1;
	uint64_t at = r->iova;

	while (length) {
		const int id = area_at(m, hwpt_ioas(h), at);
		struct m_area *a = m->area + id;
		uint64_t end;

		if (id < 0)
			return;
		end = ioas_min(last, a->last);
		if (area_is_mapped(m, a))
			read_area(m, h, a, at, end, r);
		if (end == last)
			return;
		at = end + 1;
	}
}

static int predict_get(const struct um *m,
		       const struct ioas_abi_hwpt_get_dirty_bitmap *s)
{
	const int h = id_find(m, s->hwpt_id, ID_HWPT);
	const uint64_t end = s->iova + s->length, mask = s->page_size - 1;
	uint64_t align, last;

	if (s->flags > 1 || s->__reserved)
		return -EOPNOTSUPP;
	if (h < 0)
		return -ENOENT;
	if (s->length ? !ioas_last(s->iova, s->length, &last) : s->iova > 0)
		return -EOVERFLOW;
	align = ioas_alignment_of(m, hwpt_ioas(h));
	if (s->iova % align || end % align)
		return -EINVAL;
	if (!s->page_size || s->iova & mask || end & mask)
		return -EINVAL;
	return m->hwpt[h].dirty ? 0 : -EOPNOTSUPP;
}

/* Bits that were there stay; and nothing is written beyond. */
static void check_bits(struct um *m, uint64_t at, const struct answer *r,
		       uint8_t before)
{
	uint8_t got[MAX_BYTES];

	sim_peek(m->h, at, got, sizeof(got));
	for (uint32_t i = 0; i < MAX_BYTES; i++)
		if ((got[i] & ~(r->may[i] | before)) ||
		    ((r->must[i] | before) & ~got[i])) {
			fail(m, "byte %u of the bitmap is %#x; the model says %#x, at most %#x",
			     i, got[i], r->must[i] | before,
			     r->may[i] | before);
			return;
		}
}

int op_get_dirty(struct um *m)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = { .flags = chance(m, 40) };
	const uint8_t before = chance(m, 30) ? 0x11 : 0;
	const uint64_t at = buffer_at() + below(m, 9);
	uint64_t iova, length, size;
	uint8_t filler[MAX_BYTES];
	struct answer r;
	int h, want, got;

	s.hwpt_id = some_table(m, &h);
	if (h < 0)
		return SKIP;
	some_bits(m, h, &iova, &length, &size);
	s.iova = iova;
	s.length = chance(m, 99) ? length : 0;
	s.page_size = size;
	s.data = at;
	s.__reserved = chance(m, 1);
	if (chance(m, 1))
		s.flags |= 2;
	want = predict_get(m, &s);
	if (!s.length && !s.iova)
		return SKIP;
	if (!want && (!ioas_is_pow2(size) || length / size > 8 * MAX_BYTES))
		return SKIP;
	memset(filler, before, sizeof(filler));
	sim_poke(m->h, at, filler, sizeof(filler));
	say(m, "hwpt %u flags %u iova %#llx length %#llx size %#llx",
	    s.hwpt_id, s.flags, (ull)s.iova, (ull)s.length, (ull)size);
	got = uapi_request(m, IOAS_ABI_HWPT_GET_DIRTY_BITMAP, &s);
	memset(&r, 0, sizeof(r));
	r.iova = iova;
	r.size = size;
	r.clear = !s.flags;
	if (!want)
		read_run(m, h, s.length, &r);
	if (expect(m, want, got))
		check_bits(m, at, &r, before);
	return got;
}
