/* SPDX-License-Identifier: MIT */
/*
 * access: software users of an IOAS, and what they pin
 * (U 7.6; T 4.7 to 4.10, 6)
 */
#include "uops.h"

#include <string.h>

#include "base/errno.h"

static size_t access_fd(int a)
{
	return offsetof(struct m_process, access) + (size_t)a * sizeof(int);
}

void items_drop(struct um *m, int access)
{
	for (int n = 0; n < NR_ITEMS; n++)
		if (m->item[n].used && m->item[n].access == access)
			m->item[n].used = false;
}

/* Can the IOAS take it? */
static int can_join(const struct um *m, int i, bool pins)
{
	return !pins || ioas_alignment_of(m, i) >= PAGE ||
			       ioas_conforms(m, i, PAGE) ?
		       0 :
		       -EADDRINUSE;
}

int op_access_create(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_CREATE_ACCESS };
	struct ioas_abi_test_create_access *c = &s.create_access;
	const int i = some_ioas(m);
	uint32_t id;
	int a = 0, want, got;

	while (a < NR_ACCESSES && m->access[a].used)
		a++;
	if (i < 0 || a == NR_ACCESSES)
		return SKIP;
	s.id = chance(m, 97) ? m->ioas[i].id : wrong_id(m, ID_IOAS);
	c->flags = chance(m, 65);
	if (chance(m, 2))
		c->flags |= 2;
	if (c->flags & 2)
		want = -EOPNOTSUPP;
	else if (id_find(m, s.id, ID_IOAS) < 0)
		want = -ENOENT;
	else
		want = can_join(m, i, c->flags);
	say(m, "ioas %d id %u flags %u", i, s.id, c->flags);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want)
		return got;
	id = id_free(m, 0);
	id_take(m, id, ID_ACCESS, a);
	m->access[a] = (struct m_access){ .used = true,
					  .id = id,
					  .pins = c->flags,
					  .ioas = (uint8_t)i };
	m->process[m->p].access[a] = (int)c->out_access_fd;
	for (int p = 0; p < NR_PROCS; p++)
		if (m->process[p].live && p != m->p)
			m->process[p].access[a] =
				sim_send(m->h, (int)c->out_access_fd,
					 m->process[p].real);
	return 0;
}

int op_access_close(struct um *m)
{
	const int a = some_access(m);

	if (a < 0)
		return SKIP;
	say(m, "access %d", a);
	close_all(m, access_fd(a));
	expect(m, 0, 0);
	items_drop(m, a);
	m->access[a].used = false;
	id_drop(m, m->access[a].id);
	return 0;
}

/* The descriptor of @a, or, seldom, of something else. */
static uint32_t some_access_fd(struct um *m, int a, bool *wrong)
{
	const struct m_process *p = m->process + m->p;

	*wrong = chance(m, 2);
	if (!*wrong)
		return (uint32_t)p->access[a];
	return (uint32_t)(chance(m, 50) ? p->fd : p->file[0]);
}

int op_access_replace(struct um *m)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_ACCESS_REPLACE_IOAS
	};
	const int a = some_access(m), i = some_ioas(m);
	bool wrong;
	int want = 0, got;

	if (a < 0 || i < 0)
		return SKIP;
	s.id = some_access_fd(m, a, &wrong);
	s.access_replace_ioas.ioas_id =
		chance(m, 97) || wrong ? m->ioas[i].id : wrong_id(m, ID_IOAS);
	if (wrong)
		want = -EBADFD;
	else if (id_find(m, s.access_replace_ioas.ioas_id, ID_IOAS) < 0)
		want = -ENOENT;
	else if (m->access[a].ioas != i)
		want = can_join(m, i, m->access[a].pins);
	say(m, "access %d fd %u to ioas %d", a, s.id, i);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want || m->access[a].ioas == i)
		return got;
	items_drop(m, a);
	m->access[a].ioas = (uint8_t)i;
	return 0;
}

/* ---- ACCESS_PAGES ------------------------------------------------------- */

/* U 7.6, one area of the walk. */
static int pin_area(struct um *m, const struct m_area *a, uint64_t at,
		    uint64_t last, bool write, struct m_part *t)
{
	const struct m_object *g = m->object + a->object;
	const uint64_t byte = a->byte + (at - a->iova);
	const uint64_t end = ioas_min(last, a->last);

	if (byte % PAGE)
		return -EINVAL;
	if (end < last && (byte + (end - at) + 1) % PAGE)
		return -EINVAL;
	if (!(a->prot & (write ? IOAS_ABI_IOAS_MAP_WRITEABLE :
				 IOAS_ABI_IOAS_MAP_READABLE)))
		return -EPERM;
	if (g->kind == OBJ_DMABUF)
		return -EINVAL;
	if (write && !g->writable)
		return -EPERM;
	t->area = (uint8_t)(a - m->area);
	t->first = (uint16_t)(byte >> PAGE_LG2);
	t->last = (uint16_t)((byte + (end - at)) >> PAGE_LG2);
	return plan_hold(m, a->object, t->first, t->last);
}

/* Step 5. */
static int predict_pin(struct um *m, int access, bool write,
		       struct m_item *it, uint64_t length)
{
	const int i = m->access[access].ioas;
	uint64_t at = it->iova;

	if (!length)
		return -EINVAL;
	if (!ioas_last(at, length, &it->last))
		return -EOVERFLOW;
	plan_begin(m);
	for (;;) {
		const int id = area_at(m, i, at);
		int ret;

		if (id < 0)
			return -ENOENT;
		ret = pin_area(m, m->area + id, at, it->last, write,
			       it->part + it->nr_parts++);
		if (ret || m->area[id].last >= it->last)
			return ret;
		at = m->area[id].last + 1;
	}
}

/* Where a page of an object lies, or would. */
static bool frame_of(struct um *m, const struct m_object *g, uint32_t page,
		     ioas_pfn_t *pfn)
{
	struct ioas_origin *o = g->kind == OBJ_PROCESS ?
					m->process[g->index].real->memory :
					m->file[g->index].real;

	if (g->held[page]) {
		*pfn = g->frame[page];
		return true;
	}
	return o && ioas_sim_frame_at(o, g->base + page, pfn);
}

/* Step 6. */
static int predict_same(struct um *m, const struct m_item *it, uint64_t uptr)
{
	uint64_t page = (uptr - it->iova % PAGE) >> PAGE_LG2;

	for (uint32_t n = 0; n < it->nr_parts; n++)
		for (uint32_t i = it->part[n].first; i <= it->part[n].last;
		     i++, page++) {
			const struct m_object *g =
				m->object +
				m->area[it->part[n].area].object;
			ioas_pfn_t want = 0, is = 0;

			if (page_of(m, m->p, page) == PG_HOLE)
				return -EFAULT;
			frame_of(m, g, i, &want);
			ioas_sim_frame_at(m->process[m->p].real->memory, page,
					  &is);
			if (want != is)
				return -EBADE;
		}
	return 0;
}

/* The address of what is behind @iova, mostly. */
static uint64_t some_uptr(struct um *m, int i, uint64_t iova)
{
	const int id = area_at(m, i, iova);
	const struct m_area *a = m->area + id;

	if (id < 0 || chance(m, 10))
		return (ARENA + below(m, ARENA_SMALL)) << PAGE_LG2;
	iova = a->byte + (iova - a->iova) +
	       (m->object[a->object].base << PAGE_LG2);
	if (m->object[a->object].kind == OBJ_FILE)
		iova += (uint64_t)(ARENA + (m->object[a->object].index ?
						    ARENA_LARGE :
						    ARENA_FILE))
			<< PAGE_LG2;
	return iova;
}

int op_pin(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_ACCESS_PAGES };
	struct ioas_abi_test_access_pages *t = &s.access_pages;
	struct m_item it = { .used = true };
	int a = some_access(m), n = 0, want, got;
	uint64_t length;
	bool wrong;

	for (int k = 0; k < 4 && a >= 0 && !m->access[a].pins; k++)
		a = some_access(m);
	while (n < NR_ITEMS && m->item[n].used)
		n++;
	if (a < 0 || n == NR_ITEMS)
		return SKIP;
	s.id = some_access_fd(m, a, &wrong);
	some_range(m, m->access[a].ioas, &it.iova, &length);
	it.access = (uint8_t)a;
	t->iova = it.iova;
	t->length = length;
	t->flags = chance(m, 45);
	if (chance(m, 2))
		t->flags |= 2u << below(m, 10);
	if (chance(m, 30))
		t->uptr = some_uptr(m, m->access[a].ioas, it.iova);
	if (length > 16 << 20)
		want = -ENOMEM;
	else if (t->flags > 1)
		want = -EOPNOTSUPP;
	else if (wrong)
		want = -EBADFD;
	else if (!m->access[a].pins)
		want = -EOPNOTSUPP;
	else
		want = predict_pin(m, a, t->flags, &it, length);
	if (!want && t->uptr)
		want = predict_same(m, &it, t->uptr);
	say(m, "access %d fd %u flags %#x iova %#llx length %#llx uptr %#llx",
	    a, s.id, t->flags, (ull)t->iova, (ull)length, (ull)t->uptr);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want)
		return got;
	expect_value(m, "the item", m->access[a].next_item,
		     t->out_access_pages_id);
	it.id = m->access[a].next_item++;
	m->item[n] = it;
	return 0;
}

static const struct m_item *some_item(struct um *m)
{
	uint64_t i = below(m, NR_ITEMS);

	for (int n = 0; n < NR_ITEMS && !m->item[i].used; n++)
		i = (i + 1) % NR_ITEMS;
	return m->item + i;
}

int op_unpin(struct um *m)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_DESTROY_ACCESS_PAGES
	};
	const struct m_item *it = some_item(m);
	int a = some_access(m), n, want = -ENOENT, got;
	uint32_t id = (uint32_t)below(m, 20);
	bool wrong;

	if (a < 0)
		return SKIP;
	if (it->used && chance(m, 92)) {
		a = it->access;
		id = it->id;
	}
	s.id = some_access_fd(m, a, &wrong);
	s.destroy_access_pages.access_pages_id = id;
	for (n = 0; n < NR_ITEMS; n++)
		if (m->item[n].used && m->item[n].access == a &&
		    m->item[n].id == id)
			break;
	if (n < NR_ITEMS)
		want = 0;
	if (wrong)
		want = -EBADFD;
	say(m, "access %d fd %u item %u", a, s.id, id);
	got = request_test_release(m, &s);
	if (expect(m, want, got) && !want)
		m->item[n].used = false;
	return got;
}
