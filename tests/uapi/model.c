/* SPDX-License-Identifier: MIT */
/*
 * model: what follows from areas, items, page tables and devices
 *
 *   refresh():  the pages that are held, from nothing
 *               page was not held and is now --> ask where it lies
 *   plan:       beside that, what one operation would hold in addition, to say
 *               beforehand whether it can
 *
 * Loops over everything; there is nothing clever to be wrong.
 */
#include "uops.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/errno.h"

void fail(struct um *m, const char *fmt, ...)
{
	va_list ap;

	if (m->failed)
		return;
	m->failed = true;
	va_start(ap, fmt);
	vsnprintf(m->message, sizeof(m->message), fmt, ap);
	va_end(ap);
}

void say(struct um *m, const char *fmt, ...)
{
	char *text = m->text[m->nr_texts++ % HISTORY];
	int n = snprintf(text, TEXT, "%4llu P%u %s ", (ull)m->nr, m->p,
			 op_name(m->kind));
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, TEXT - (size_t)n, fmt, ap);
	va_end(ap);
	if (m->opts->verbose)
		printf("# epoch %llu op %s\n", (ull)m->epoch, text);
}

/* ---- ids (U 4.2) -------------------------------------------------------- */

uint32_t id_free(const struct um *m, uint32_t nth)
{
	uint32_t id = 1;

	while (m->ids[id].kind != ID_FREE || nth--)
		id++;
	return id;
}

void id_take(struct um *m, uint32_t id, enum id_kind kind, int slot)
{
	m->ids[id] = (struct m_id){ (uint8_t)kind, (uint8_t)slot };
}

void id_drop(struct um *m, uint32_t id)
{
	m->ids[id].kind = ID_FREE;
}

int id_find(const struct um *m, uint32_t id, enum id_kind kind)
{
	if (id >= MAX_IDS || m->ids[id].kind != kind)
		return -1;
	return m->ids[id].slot;
}

void id_check(struct um *m, const uint32_t *ids, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		const uint32_t want = id_free(m, i);
		bool there = false;

		for (uint32_t j = 0; j < nr; j++)
			there |= ids[j] == want;
		if (!there)
			fail(m, "the new ids begin with %u; the model says that %u is one of them",
			     ids[0], want);
	}
}

/* ---- spaces ------------------------------------------------------------- */

uint32_t ioas_domains(const struct um *m, int i)
{
	uint32_t n = 0;

	for (int d = 0; d < IOAS_DOMAINS; d++)
		n += m->hwpt[i * IOAS_DOMAINS + d].used;
	return n;
}

uint32_t hwpt_users(const struct um *m, int h)
{
	uint32_t n = 0;

	for (int d = 0; d < NR_DEVS; d++)
		n += m->dev[d].used && m->dev[d].hwpt == h;
	return n;
}

uint64_t ioas_alignment_of(const struct um *m, int i)
{
	uint64_t align = m->ioas[i].small ? PAGE : 1;

	for (int d = 0; d < IOAS_DOMAINS; d++) {
		const struct m_hwpt *t = m->hwpt + i * IOAS_DOMAINS + d;

		if (t->used)
			align = ioas_max(align, hwpt_granule(t));
	}
	for (int a = 0; a < NR_ACCESSES; a++)
		if (m->access[a].used && m->access[a].ioas == i &&
		    m->access[a].pins)
			align = ioas_max(align, PAGE);
	return align;
}

bool ioas_conforms(const struct um *m, int i, uint64_t align)
{
	for (uint32_t n = 0; n < m->ioas[i].nr_areas; n++) {
		const struct m_area *a = m->area + m->ioas[i].area[n];

		if (a->iova % align || (a->last - a->iova + 1) % align ||
		    a->byte % PAGE % align)
			return false;
	}
	return true;
}

int area_at(const struct um *m, int i, uint64_t iova)
{
	for (uint32_t n = 0; n < m->ioas[i].nr_areas; n++) {
		const uint8_t a = m->ioas[i].area[n];

		if (m->area[a].iova <= iova && iova <= m->area[a].last)
			return a;
	}
	return -1;
}

bool hits_area(const struct um *m, int i, uint64_t first, uint64_t last)
{
	for (uint32_t n = 0; n < m->ioas[i].nr_areas; n++) {
		const struct m_area *a = m->area + m->ioas[i].area[n];

		if (a->iova <= last && first <= a->last)
			return true;
	}
	return false;
}

static bool hits(const struct m_range *r, uint32_t nr, uint64_t first,
		 uint64_t last)
{
	for (uint32_t n = 0; n < nr; n++)
		if (r[n].first <= last && first <= r[n].last)
			return true;
	return false;
}

bool hits_reserved(const struct um *m, int i, uint64_t first, uint64_t last)
{
	return hits(m->ioas[i].reserved, m->ioas[i].nr_reserved, first, last);
}

bool hits_allowed(const struct um *m, int i, uint64_t first, uint64_t last)
{
	return hits(m->ioas[i].allowed, m->ioas[i].nr_allowed, first, last);
}

/* ---- areas -------------------------------------------------------------- */

int area_slot(const struct um *m)
{
	int a = 0;

	while (a < MAX_AREAS && m->area[a].used)
		a++;
	return a < MAX_AREAS ? a : -1;
}

int object_slot(const struct um *m)
{
	int g = 0;

	while (g < MAX_OBJECTS && m->object[g].used)
		g++;
	return g < MAX_OBJECTS ? g : -1;
}

void area_insert(struct um *m, int area)
{
	struct m_ioas *s = m->ioas + m->area[area].ioas;
	uint32_t i = s->nr_areas++;

	for (; i && m->area[s->area[i - 1]].iova > m->area[area].iova; i--)
		s->area[i] = s->area[i - 1];
	s->area[i] = (uint8_t)area;
	m->area[area].used = true;
}

void area_remove(struct um *m, int area)
{
	struct m_ioas *s = m->ioas + m->area[area].ioas;
	uint32_t i = 0;

	while (s->area[i] != area)
		i++;
	for (s->nr_areas--; i < s->nr_areas; i++)
		s->area[i] = s->area[i + 1];
	m->area[area].used = false;
}

bool area_pinned(const struct um *m, int area)
{
	for (int n = 0; n < NR_ITEMS; n++)
		for (uint32_t i = 0;
		     m->item[n].used && i < m->item[n].nr_parts; i++)
			if (m->item[n].part[i].area == area)
				return true;
	return false;
}

bool area_is_mapped(const struct um *m, const struct m_area *a)
{
	return !m->object[a->object].revoked;
}

void entry_reset(struct um *m, int h, struct m_area *a)
{
	struct m_entry *e = a->in + h % IOAS_DOMAINS;

	memset(e, 0, sizeof(*e));
	e->small = m->ioas[hwpt_ioas(h)].small;
}

/* ---- pages -------------------------------------------------------------- */

enum page_state page_of(const struct um *m, int process, uint64_t page)
{
	if (!m->process[process].live || page < ARENA ||
	    page - ARENA >= ARENA_PAGES)
		return PG_HOLE;
	return m->process[process].page[page - ARENA];
}

int page_error(const struct um *m, const struct m_object *g, uint64_t page,
	       bool write)
{
	enum page_state state;

	switch (g->kind) {
	case OBJ_FILE:
		return page < m->file[g->index].nr_pages ? 0 : -EINVAL;
	case OBJ_OTHER:
		return -EINVAL;
	case OBJ_DMABUF:
		return 0;
	default:
		state = page_of(m, g->index, page);
		if (state == PG_HOLE || (write && state == PG_READ))
			return -EFAULT;
		return 0;
	}
}

void plan_begin(struct um *m)
{
	m->plan++;
	m->planned = m->totals;
}

static int plan_charge(struct um *m, const struct m_object *g, uint64_t n)
{
	const struct m_process *p;
	uint64_t *total;

	if (!n || g->payer < 0 || g->mode == IOAS_ACCOUNT_NONE)
		return 0;
	p = m->process + g->payer;
	if (g->mode == IOAS_ACCOUNT_MM && !p->live)
		return 0;
	total = g->mode == IOAS_ACCOUNT_USER ? m->planned.user + p->user :
					       m->planned.mm + g->payer;
	if (*total + n > p->limit)
		return -ENOMEM;
	*total += n;
	return 0;
}

int plan_hold(struct um *m, int object, uint32_t first, uint32_t last)
{
	struct m_object *g = m->object + object;
	uint64_t n = 0;
	int ret;

	if (g->kind == OBJ_DMABUF)
		return 0;
	for (uint32_t i = first; i <= last; i++) {
		if (g->held[i] || g->planned[i] == m->plan)
			continue;
		ret = page_error(m, g, g->base + i, g->writable);
		if (ret)
			return ret;
		n++;
	}
	ret = plan_charge(m, g, n);
	for (uint32_t i = first; !ret && i <= last; i++)
		g->planned[i] = m->plan;
	return ret;
}

/* One area into one more table. */
static int plan_area(struct um *m, const struct m_area *a)
{
	const bool none = !a->prot;
	int ret;

	if (!area_is_mapped(m, a))
		return 0;
	ret = plan_hold(m, a->object, area_first(a), area_last(a));
	/* The table refuses before the charge; a pin may come first. */
	if (none && ret != -ENOMEM)
		m->alt = ret;
	return none ? -EINVAL : ret;
}

int plan_table(struct um *m, int i, const struct m_hwpt *t)
{
	const uint64_t first = hwpt_first(t), last = hwpt_last(t);

	if (hwpt_granule(t) > ioas_alignment_of(m, i) &&
	    !ioas_conforms(m, i, hwpt_granule(t)))
		return -EADDRINUSE;
	if (first && (hits_area(m, i, 0, first - 1) ||
		      hits_allowed(m, i, 0, first - 1)))
		return -EADDRINUSE;
	if (hits_area(m, i, last + 1, UINT64_MAX) ||
	    hits_allowed(m, i, last + 1, UINT64_MAX))
		return -EADDRINUSE;
	plan_begin(m);
	for (uint32_t n = 0; n < m->ioas[i].nr_areas; n++) {
		const int ret = plan_area(m, m->area + m->ioas[i].area[n]);

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what is held ------------------------------------------------------- */

static void page_held(struct um *m, struct m_object *g, uint32_t i)
{
	struct ioas_origin *o = g->kind == OBJ_PROCESS ?
					m->process[g->index].real->memory :
					m->file[g->index].real;

	if (!o || !ioas_sim_frame_at(o, g->base + i, &g->frame[i]))
		fail(m, "page %#llx of %s %u is held, and has no frame",
		     (ull)(g->base + i),
		     g->kind == OBJ_PROCESS ? "process" : "file", g->index);
}

static void count_page(struct um *m, const struct m_object *g)
{
	if (g->payer < 0)
		return;
	m->totals.pinned[g->payer]++;
	if (g->mode == IOAS_ACCOUNT_USER)
		m->totals.user[m->process[g->payer].user]++;
	if (g->mode == IOAS_ACCOUNT_MM)
		m->totals.mm[g->payer]++;
}

/* Mark @need for the pages of @area of object @g. */
static void need_area(const struct um *m, const struct m_area *a, bool *need)
{
	if (!ioas_domains(m, a->ioas))
		return;
	for (uint32_t i = area_first(a); i <= area_last(a); i++)
		need[i] = true;
}

static void object_refresh(struct um *m, int object)
{
	struct m_object *g = m->object + object;
	bool need[MAX_PAGES] = { false };
	uint32_t areas = 0;

	for (int a = 0; a < MAX_AREAS; a++) {
		if (!m->area[a].used || m->area[a].object != object)
			continue;
		areas++;
		need_area(m, m->area + a, need);
	}
	for (int n = 0; n < NR_ITEMS; n++)
		for (uint32_t i = 0;
		     m->item[n].used && i < m->item[n].nr_parts; i++) {
			const struct m_part *t = m->item[n].part + i;

			if (m->area[t->area].object != object)
				continue;
			for (uint32_t j = t->first; j <= t->last; j++)
				need[j] = true;
		}
	g->used = areas;
	for (uint32_t i = 0; i < g->nr_pages && g->kind != OBJ_DMABUF; i++) {
		if (need[i] && !g->held[i])
			page_held(m, g, i);
		g->held[i] = need[i];
		if (need[i])
			count_page(m, g);
	}
}

void refresh(struct um *m)
{
	memset(&m->totals, 0, sizeof(m->totals));
	for (int g = 0; g < MAX_OBJECTS; g++)
		if (m->object[g].used)
			object_refresh(m, g);
}

uint32_t frame_holders(const struct um *m, ioas_pfn_t pfn)
{
	uint32_t n = 0;

	for (int g = 0; g < MAX_OBJECTS; g++)
		for (uint32_t i = 0;
		     m->object[g].used && i < m->object[g].nr_pages; i++)
			n += m->object[g].held[i] &&
			     m->object[g].frame[i] == pfn;
	return n;
}
