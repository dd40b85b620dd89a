/* SPDX-License-Identifier: MIT */
/*
 * map: MAP, MAP_FILE and COPY (U 6.4, 6.6, 6.16)
 *
 * The checks stand in the order in which the reference lists them.
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

#define FIXED IOAS_ABI_IOAS_MAP_FIXED_IOVA
#define PROT (IOAS_ABI_IOAS_MAP_READABLE | IOAS_ABI_IOAS_MAP_WRITEABLE)

/* Bytes of an object, which is there or will be. */
struct piece {
	int object;
	uint64_t byte, length;
};

int op_ioas_alloc(struct um *m)
{
	struct ioas_abi_ioas_alloc s = { .flags = chance(m, 5) };
	const int want = s.flags ? -EOPNOTSUPP : 0;
	int i = 0, got;

	while (i < NR_IOAS && m->ioas[i].used)
		i++;
	if (i == NR_IOAS)
		return SKIP;
	say(m, "flags %u", s.flags);
	got = uapi_request(m, IOAS_ABI_IOAS_ALLOC, &s);
	if (!expect(m, want, got) || want)
		return got;
	id_check(m, &s.out_ioas_id, 1);
	memset(m->ioas + i, 0, sizeof(m->ioas[i]));
	m->ioas[i].used = true;
	m->ioas[i].id = s.out_ioas_id;
	id_take(m, s.out_ioas_id, ID_IOAS, i);
	return 0;
}

/* ---- the steps in common ------------------------------------------------ */

/* U 6.6 steps 7 and 8. */
static int place(const struct um *m, int i, uint32_t flags, uint64_t source,
		 uint64_t length, uint64_t *at)
{
	const uint64_t align = ioas_alignment_of(m, i);
	uint64_t last;

	if (length % align)
		return -EINVAL;
	if (!(flags & FIXED))
		return choose_iova(m, i, source, length, at);
	if (*at % align)
		return -EINVAL;
	if (!ioas_last(*at, length, &last))
		return -EOVERFLOW;
	if (hits_reserved(m, i, *at, last))
		return -EINVAL;
	return hits_area(m, i, *at, last) ? -EEXIST : 0;
}

/* Step 9, and what COPY adds before it. */
static int check_pieces(const struct um *m, int i, uint32_t flags,
			const struct piece *p, uint32_t nr)
{
	const uint64_t align = ioas_alignment_of(m, i);

	for (uint32_t n = 0; n < nr; n++) {
		if (flags & IOAS_ABI_IOAS_MAP_WRITEABLE &&
		    !m->object[p[n].object].writable)
			return -EPERM;
		if (p[n].length % align || p[n].byte % PAGE % align)
			return -EINVAL;
	}
	return 0;
}

/* Step 10. */
static int check_fill(struct um *m, int i, uint32_t flags,
		      const struct piece *p, uint32_t nr)
{
	plan_begin(m);
	for (uint32_t n = 0; ioas_domains(m, i) && n < nr; n++) {
		const struct m_object *g = m->object + p[n].object;
		const uint64_t last = p[n].byte + p[n].length - 1;
		int ret;

		if (g->revoked)
			continue;
		ret = plan_hold(m, p[n].object,
				(uint32_t)(p[n].byte >> PAGE_LG2),
				(uint32_t)(last >> PAGE_LG2));
		/* The table refuses before the charge; a pin may come first. */
		if (!(flags & PROT)) {
			m->alt = ret == -ENOMEM ? 0 : ret;
			return -EINVAL;
		}
		if (ret)
			return ret;
	}
	return 0;
}

static void insert_pieces(struct um *m, int i, uint32_t flags,
			  const struct piece *p, uint32_t nr, uint64_t at)
{
	for (uint32_t n = 0; n < nr; n++) {
		const int slot = area_slot(m);
		struct m_area *a = m->area + slot;

		memset(a, 0, sizeof(*a));
		a->ioas = (uint8_t)i;
		a->object = (uint8_t)p[n].object;
		a->prot = flags & PROT;
		a->iova = at;
		a->last = at + p[n].length - 1;
		a->byte = p[n].byte;
		for (int d = 0; d < IOAS_DOMAINS; d++)
			entry_reset(m, i * IOAS_DOMAINS + d, a);
		area_insert(m, slot);
		at = a->last + 1;
	}
	if (!(flags & FIXED))
		mark(m, MARK_CHOSEN);
	if (!at)
		mark(m, MARK_TOP);
	if (nr > 1)
		mark(m, MARK_MANY_PIECES);
	if (ioas_domains(m, i) > 1)
		mark(m, MARK_TWO_TABLES);
}

static int check_common(uint32_t flags, uint64_t iova, uint64_t length)
{
	if (flags & ~(FIXED | PROT))
		return -EOPNOTSUPP;
	if (iova == UINT64_MAX || length == UINT64_MAX)
		return -EOVERFLOW;
	return flags & PROT ? 0 : -EINVAL;
}

/* Flags, and an IOVA that suits them. */
static uint32_t some_flags(struct um *m, int i, uint64_t length,
			   uint64_t *iova)
{
	uint32_t flags = some_prot(m);

	if (chance(m, 55)) {
		flags |= FIXED;
		*iova = i < 0 ? nonsense(m) : some_place(m, i, length);
	} else {
		*iova = chance(m, 50) ? nonsense(m) : 0;
	}
	if (chance(m, 1))
		flags |= 1u << (3 + below(m, 12));
	return flags;
}

/* ---- MAP ---------------------------------------------------------------- */

static void object_init(struct um *m, const struct map_args *a,
			enum object_kind kind, int index)
{
	struct m_object *g = m->object + a->slot;
	const uint64_t last = a->start + a->length - 1;
	const uint64_t nr = (last >> PAGE_LG2) - (a->start >> PAGE_LG2) + 1;

	memset(g, 0, sizeof(*g));
	g->kind = (uint8_t)kind;
	g->index = (uint8_t)index;
	g->base = a->start >> PAGE_LG2;
	g->nr_pages = (uint32_t)ioas_min(nr, MAX_PAGES + 1);
	g->writable = a->flags & IOAS_ABI_IOAS_MAP_WRITEABLE;
	g->payer = -1;
	if (kind == OBJ_DMABUF)
		return;
	g->payer = (int8_t)m->p;
	if (!m->process[m->p].unlimited)
		g->mode = m->account_mm ? IOAS_ACCOUNT_MM : IOAS_ACCOUNT_USER;
}

static struct piece piece_of(const struct map_args *a)
{
	return (struct piece){ .object = a->slot,
			       .byte = a->start % PAGE,
			       .length = a->length };
}

/* Steps 7 to 10 of MAP. */
static int predict(struct um *m, struct map_args *a)
{
	const struct piece p = piece_of(a);
	int want = place(m, a->i, a->flags, a->start, a->length, &a->iova);

	if (!want)
		want = check_pieces(m, a->i, a->flags, &p, 1);
	if (!want && (m->object[a->slot].nr_pages > MAX_PAGES ||
		      m->ioas[a->i].nr_areas >= SPACE_AREAS))
		return SKIP;
	return want ? want : check_fill(m, a->i, a->flags, &p, 1);
}

int predict_map(struct um *m, struct map_args *a)
{
	a->slot = object_slot(m);
	if (a->start + a->length < a->start)
		return -EOVERFLOW;
	if (!a->length || a->length > UINT64_MAX - PAGE)
		return -EINVAL;
	object_init(m, a, OBJ_PROCESS, m->p);
	return predict(m, a);
}

void commit_map(struct um *m, const struct map_args *a)
{
	const struct piece p = piece_of(a);

	m->object[a->slot].used = true;
	insert_pieces(m, a->i, a->flags, &p, 1, a->iova);
}

/* Memory that belongs to requests is not to be mapped. */
static bool is_ours(uint64_t start, uint64_t length)
{
	return (start >> PAGE_LG2) < ARENA &&
	       start + length > (uint64_t)SIM_SCRATCH_PAGE << PAGE_LG2;
}

static bool out_iova(struct um *m, int want, uint64_t iova, uint64_t got)
{
	return want || m->stays || expect_value(m, "the IOVA", iova, got);
}

int op_map(struct um *m)
{
	struct map_args a = { .i = some_ioas(m) };
	struct ioas_abi_ioas_map s = { .__reserved = chance(m, 1) };
	int want, got;

	if (a.i < 0)
		return SKIP;
	some_memory(m, a.i, &a.start, &a.length);
	a.flags = some_flags(m, a.i, a.length, &a.iova);
	s.ioas_id = chance(m, 98) ? m->ioas[a.i].id : wrong_id(m, ID_IOAS);
	s.flags = a.flags;
	s.user_va = a.start;
	s.length = a.length;
	s.iova = a.iova;
	if (is_ours(a.start, a.length))
		return SKIP;
	want = s.__reserved ? -EOPNOTSUPP :
			      check_common(a.flags, a.iova, a.length);
	if (!want && id_find(m, s.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	if (!want)
		want = predict_map(m, &a);
	if (want == SKIP)
		return SKIP;
	say(m, "ioas %d flags %#x va %#llx length %#llx iova %#llx", a.i,
	    s.flags, (ull)s.user_va, (ull)s.length, (ull)s.iova);
	got = uapi_request(m, IOAS_ABI_IOAS_MAP, &s);
	if (!expect(m, want, got) || !out_iova(m, want, a.iova, s.iova) || want)
		return got;
	commit_map(m, &a);
	return 0;
}

/* ---- MAP_FILE ----------------------------------------------------------- */

/* What @s->fd stands for. */
enum fd_kind { FD_FILE, FD_OTHER, FD_DMABUF, FD_NONE, FD_SELF };

static enum fd_kind some_fd(struct um *m, struct ioas_abi_ioas_map_file *s,
			    int *index)
{
	const struct m_process *p = m->process + m->p;
	const uint64_t kind = below(m, 100);

	*index = (int)below(m, NR_DMABUFS);
	if (kind < 30 && m->dmabuf[*index].used) {
		s->fd = p->dmabuf[*index];
		return FD_DMABUF;
	}
	if (kind > 97) {
		s->fd = kind == 98 ? 62 : -1;
		return FD_NONE;
	}
	if (kind > 94) {
		s->fd = p->other;
		return FD_OTHER;
	}
	if (kind > 93) {
		s->fd = p->fd;
		return FD_SELF;
	}
	*index = chance(m, 92) ? 0 : 1;
	s->fd = p->file[*index];
	return FD_FILE;
}

static uint64_t some_offset(struct um *m, int i, uint64_t size,
			    uint64_t *length)
{
	const uint64_t step = some_unit(m, i);
	uint64_t start = below(m, (size >> PAGE_LG2) + 1) << PAGE_LG2;

	*length = some_length(m, i);
	if (size > 100 * PAGE && chance(m, 70)) {
		start = 0;
		*length = LARGE * (1 + below(m, 2));
	}
	if (chance(m, 85) && start < size && *length > size - start)
		*length = (1 + below(m, (size - start) >> PAGE_LG2))
			  << PAGE_LG2;
	if (chance(m, 20))
		start += below(m, PAGE) / step * step;
	return chance(m, 1) ? nonsense(m) : start;
}

/* Steps 5 to 8 and the object. */
static int predict_file(struct um *m, struct map_args *a, enum fd_kind kind,
			int index)
{
	const struct m_dmabuf *d = m->dmabuf + index;
	uint64_t last;

	a->slot = object_slot(m);
	if (!a->length)
		return -EINVAL;
	if (!ioas_last(a->start, a->length, &last))
		return -EOVERFLOW;
	if (kind == FD_DMABUF) {
		if (last >= d->size)
			return -EINVAL;
		if (d->revoked)
			return -ENODEV;
		object_init(m, a, OBJ_DMABUF, index);
		m->object[a->slot].serial = d->serial;
		return predict(m, a);
	}
	if (kind == FD_NONE)
		return -EBADF;
	if (a->length > UINT64_MAX - PAGE)
		return -EINVAL;
	object_init(m, a, kind == FD_FILE ? OBJ_FILE : OBJ_OTHER, index);
	return predict(m, a);
}

int op_map_file(struct um *m)
{
	struct map_args a = { .i = some_ioas(m) };
	struct ioas_abi_ioas_map_file s = { .flags = 0 };
	int want, got, index;
	enum fd_kind kind;

	if (a.i < 0)
		return SKIP;
	kind = some_fd(m, &s, &index);
	a.start = some_offset(m, a.i,
			      kind == FD_DMABUF ? m->dmabuf[index].size :
			      kind == FD_FILE	? m->file[index].nr_pages
							  << PAGE_LG2 :
						  16 * PAGE,
			      &a.length);
	a.flags = some_flags(m, a.i, a.length, &a.iova);
	s.ioas_id = chance(m, 98) ? m->ioas[a.i].id : wrong_id(m, ID_IOAS);
	s.flags = a.flags;
	s.start = a.start;
	s.length = a.length;
	s.iova = a.iova;
	want = check_common(a.flags, a.iova, a.length);
	if (!want && id_find(m, s.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	if (!want)
		want = predict_file(m, &a, kind, index);
	if (want == SKIP)
		return SKIP;
	say(m, "ioas %d flags %#x fd %d kind %d start %#llx length %#llx iova %#llx",
	    a.i, s.flags, s.fd, kind, (ull)s.start, (ull)s.length,
	    (ull)s.iova);
	got = uapi_request(m, IOAS_ABI_IOAS_MAP_FILE, &s);
	if (!expect(m, want, got) || !out_iova(m, want, a.iova, s.iova) || want)
		return got;
	commit_map(m, &a);
	return 0;
}

/* ---- COPY --------------------------------------------------------------- */

/* Step 6. */
static int collect(const struct um *m, int src, uint64_t at, uint64_t last,
		   struct piece *p, uint32_t *nr)
{
	for (*nr = 0;; ++*nr) {
		const int id = area_at(m, src, at);
		const struct m_area *a = m->area + id;

		if (id < 0)
			return -ENOENT;
		p[*nr].object = a->object;
		p[*nr].byte = a->byte + (at - a->iova);
		p[*nr].length = ioas_min(last, a->last) - at + 1;
		if (last <= a->last) {
			++*nr;
			return 0;
		}
		at = a->last + 1;
	}
}

/* Steps 2 to 9. @dst: -1: none. */
static int predict_copy(struct um *m, const struct ioas_abi_ioas_copy *s,
			struct piece *p, uint32_t *nr, uint64_t *at)
{
	const int src = id_find(m, s->src_ioas_id, ID_IOAS);
	const int dst = id_find(m, s->dst_ioas_id, ID_IOAS);
	const struct m_object *g;
	uint64_t last;
	int want;

	if (src < 0)
		return -ENOENT;
	if (!s->length)
		return -EINVAL;
	if (!ioas_last(s->src_iova, s->length, &last))
		return -EOVERFLOW;
	want = collect(m, src, s->src_iova, last, p, nr);
	if (want)
		return want;
	if (dst < 0)
		return -ENOENT;
	g = m->object + p->object;
	want = place(m, dst, s->flags, (g->base << PAGE_LG2) + p->byte,
		     s->length, at);
	if (!want)
		want = check_pieces(m, dst, s->flags, p, *nr);
	if (!want && m->ioas[dst].nr_areas + *nr > SPACE_AREAS)
		return SKIP;
	return want ? want : check_fill(m, dst, s->flags, p, *nr);
}

int op_copy(struct um *m)
{
	const int src = full_ioas(m), dst = some_ioas(m);
	struct ioas_abi_ioas_copy s = { .flags = 0 };
	struct piece p[SPACE_AREAS];
	uint64_t at, iova, length;
	uint32_t nr = 0;
	int want, got;

	if (src < 0)
		return SKIP;
	some_range(m, src, &iova, &length);
	s.flags = some_flags(m, dst, length, &at);
	s.src_ioas_id = chance(m, 98) ? m->ioas[src].id : wrong_id(m, ID_IOAS);
	s.dst_ioas_id = chance(m, 98) ? m->ioas[dst].id : wrong_id(m, ID_IOAS);
	s.length = length;
	s.src_iova = iova;
	s.dst_iova = at;
	want = check_common(s.flags, at, length);
	if (want != -EOPNOTSUPP && iova == UINT64_MAX)
		want = -EOVERFLOW;
	if (!want)
		want = predict_copy(m, &s, p, &nr, &at);
	if (want == SKIP)
		return SKIP;
	say(m, "flags %#x ioas %d iova %#llx length %#llx to ioas %d iova %#llx",
	    s.flags, src, (ull)s.src_iova, (ull)s.length, dst,
	    (ull)s.dst_iova);
	got = uapi_request(m, IOAS_ABI_IOAS_COPY, &s);
	if (!expect(m, want, got) || !out_iova(m, want, at, s.dst_iova) || want)
		return got;
	insert_pieces(m, dst, s.flags, p, nr, at);
	return 0;
}
