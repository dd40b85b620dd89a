/* SPDX-License-Identifier: MIT */
/*
 * gen: arguments of what is done next
 *
 *   most     at a border of what exists (areas, reserved and allowed ranges,
 *            items, ends of apertures), or one unit beside it
 *   some     anywhere in the windows where things happen
 *   few      nonsense
 *
 * It looks at the model alone.
 */
#include "uops.h"

/* ---- slots -------------------------------------------------------------- */

int some_ioas(struct um *m)
{
	int i = (int)below(m, NR_IOAS);

	for (int n = 0; n < NR_IOAS; n++, i = (i + 1) % NR_IOAS)
		if (m->ioas[i].used)
			return i;
	return -1;
}

int full_ioas(struct um *m)
{
	int i = (int)below(m, NR_IOAS);

	for (int n = 0; n < NR_IOAS; n++, i = (i + 1) % NR_IOAS)
		if (m->ioas[i].used && m->ioas[i].nr_areas)
			return i;
	return some_ioas(m);
}

int some_hwpt(struct um *m)
{
	int h = (int)below(m, NR_HWPTS);

	for (int n = 0; n < NR_HWPTS; n++, h = (h + 1) % NR_HWPTS)
		if (m->hwpt[h].used)
			return h;
	return -1;
}

int some_device(struct um *m)
{
	int d = (int)below(m, NR_DEVS);

	for (int n = 0; n < NR_DEVS; n++, d = (d + 1) % NR_DEVS)
		if (m->dev[d].used)
			return d;
	return -1;
}

/* In an IOAS with areas, if there is one. */
int some_access(struct um *m)
{
	int a = (int)below(m, NR_ACCESSES), any = -1;

	for (int n = 0; n < NR_ACCESSES; n++, a = (a + 1) % NR_ACCESSES) {
		if (!m->access[a].used)
			continue;
		any = a;
		if (m->ioas[m->access[a].ioas].nr_areas)
			return a;
	}
	return any;
}

void become(struct um *m, int process)
{
	if (!m->process[process].live)
		return;
	m->p = (uint8_t)process;
	simhost_enter(m->h, m->process[process].real);
}

int some_process(struct um *m)
{
	int p = (int)below(m, NR_PROCS);

	while (!m->process[p].live)
		p = (p + 1) % NR_PROCS;
	return p;
}

uint32_t wrong_id(struct um *m, enum id_kind kind)
{
	for (int n = 0; n < 4; n++) {
		const uint32_t id = (uint32_t)below(m, 12);

		if (m->ids[id].kind != kind && m->ids[id].kind != ID_FREE)
			return id;
	}
	return chance(m, 50) ? 0 : 777;
}

/* ---- addresses ---------------------------------------------------------- */

#define WINDOW (48 * PAGE)

static uint64_t some_window(struct um *m)
{
	const uint64_t kind = below(m, m->narrow ? 80 : 100);

	if (kind < 70)
		return IOAS_ABI_MOCK_APERTURE_START;
	if (kind < 80)
		return IOAS_ABI_MOCK_APERTURE_LAST - WINDOW / 2 + 1;
	if (kind < 86)
		return 0;
	if (kind < 92)
		return (UINT64_C(1) << 38) - WINDOW / 2;
	return UINT64_MAX - WINDOW + 1;
}

uint64_t nonsense(struct um *m)
{
	static const uint64_t odd[] = { 0,
					1,
					7,
					UINT64_MAX,
					UINT64_MAX - 1,
					UINT64_C(1) << 63,
					(UINT64_C(1) << 63) - 1,
					UINT64_MAX - PAGE,
					UINT64_MAX - PAGE + 1 };

	if (chance(m, 70))
		return odd[below(m, IOAS_ARRAY_SIZE(odd))];
	return prng_next(&m->rng);
}

/* What a step of one is in this IOAS. */
uint64_t some_unit(struct um *m, int i)
{
	if (chance(m, 2))
		return 1;
	if (chance(m, 80))
		return PAGE;
	return ioas_max(ioas_alignment_of(m, i), UNIT >> (chance(m, 40) * 2));
}

static const struct m_area *some_area(struct um *m, int i)
{
	const struct m_ioas *s = m->ioas + i;

	return s->nr_areas ? m->area + s->area[below(m, s->nr_areas)] : NULL;
}

static uint64_t border(struct um *m, int i)
{
	const struct m_ioas *s = m->ioas + i;
	const struct m_area *a = some_area(m, i);
	const struct m_item *it = m->item + below(m, NR_ITEMS);
	const uint64_t kind = below(m, 8);
	const struct m_range *r = NULL;

	if (a && kind < 4)
		return kind < 2 ? a->iova : a->last + 1;
	if (kind == 4 && s->nr_reserved)
		r = s->reserved + below(m, s->nr_reserved);
	if (kind == 5 && s->nr_allowed)
		r = s->allowed + below(m, s->nr_allowed);
	if (r && m->narrow)
		return r->last + 1;
	if (r)
		return chance(m, 50) ? r->first : r->last + 1;
	if (kind == 6 && it->used)
		return it->iova;
	return some_window(m) + (!m->narrow && chance(m, 50) ? WINDOW : 0);
}

uint64_t some_iova(struct um *m, int i)
{
	const uint64_t step = some_unit(m, i), kind = below(m, 100);
	uint64_t at;

	if (kind >= 97 && (!m->narrow || chance(m, 20)))
		return nonsense(m);
	if (kind >= 92)
		return IOAS_ABI_MOCK_APERTURE_START + LARGE * (2 + below(m, 6));
	if (kind >= 60)
		return (some_window(m) + below(m, WINDOW)) / step * step;
	at = border(m, i);
	if (chance(m, 30))
		at += chance(m, 50) ? step : -step;
	return at;
}

uint64_t some_place(struct um *m, int i, uint64_t length)
{
	uint64_t at = some_iova(m, i), last;

	/* Where it can be one entry. */
	if (length >= LARGE && chance(m, 75))
		at = IOAS_ABI_MOCK_APERTURE_START + LARGE * (2 + below(m, 6));
	for (int n = 0; n < 4; n++) {
		if (ioas_last(at, length, &last) && !hits_area(m, i, at, last) &&
		    !hits_reserved(m, i, at, last))
			break;
		at = some_iova(m, i);
		/* Or so that it ends where something begins. */
		if (chance(m, 30))
			at -= length;
	}
	return at;
}

uint64_t some_length(struct um *m, int i)
{
	const uint64_t step = some_unit(m, i), kind = below(m, 100);

	if (kind < 2)
		return nonsense(m);
	if (kind < 15)
		return (1 + below(m, 8)) * step;
	if (kind < 75)
		return (1 + below(m, 6)) * PAGE / step * step;
	return ((1 + below(m, chance(m, 70) ? 20 : 60)) * PAGE +
		below(m, 3) * step) /
	       step * step;
}

uint32_t some_prot(struct um *m)
{
	const uint64_t kind = below(m, 100);

	if (kind < 60)
		return IOAS_ABI_IOAS_MAP_READABLE | IOAS_ABI_IOAS_MAP_WRITEABLE;
	if (kind < 88)
		return IOAS_ABI_IOAS_MAP_READABLE;
	if (kind < 98)
		return IOAS_ABI_IOAS_MAP_WRITEABLE;
	return 0;
}

/* Inside of [@iova, @last], mostly on pages. */
static void some_part(struct um *m, const struct m_area *a, uint64_t *iova,
		      uint64_t *last)
{
	const uint64_t pages = (a->last - a->iova) / PAGE + 1;
	const uint64_t skip = below(m, pages) * PAGE;
	const uint64_t end = *last;

	*iova += skip;
	if (skip && a->byte % PAGE)
		*iova -= a->byte % PAGE;
	*last = *iova + (1 + below(m, 5)) * PAGE - 1;
	if (*last > end && chance(m, 80))
		*last = end;
}

void some_range(struct um *m, int i, uint64_t *iova, uint64_t *length)
{
	const struct m_area *a = some_area(m, i), *b = a;
	const uint64_t step = some_unit(m, i), kind = below(m, 100);
	int next;
	uint64_t last;

	*iova = some_iova(m, i);
	*length = some_length(m, i);
	if (!a || kind >= 92)
		return;
	next = a->last == UINT64_MAX ? -1 : area_at(m, i, a->last + 1);
	if (next >= 0 && chance(m, 50))
		b = m->area + next;
	*iova = a->iova;
	last = b->last;
	if (kind >= 50)
		some_part(m, a, iova, &last);
	if (kind >= 86) {
		*iova += chance(m, 50) ? step : -step;
		last += chance(m, 50) ? step : -step;
	}
	*length = last - *iova + 1;
}

/* Somewhere in the small pieces of the arena; seldom the large one. */
void some_memory(struct um *m, int i, uint64_t *va, uint64_t *length)
{
	const uint64_t step = some_unit(m, i);
	uint64_t page = ARENA + below(m, ARENA_HOLE);

	*length = some_length(m, i);
	if (chance(m, 8))
		page = ARENA + ARENA_READ_ONLY + below(m, 16);
	if (chance(m, 6)) {
		page = ARENA + ARENA_LARGE;
		if (chance(m, 15))
			page += below(m, LARGE_PAGES);
		*length = ((1 + below(m, 2)) * LARGE) +
			  (chance(m, 30) ? below(m, 4) * PAGE : 0);
	}
	*va = page << PAGE_LG2;
	if (chance(m, 22))
		*va += below(m, PAGE) / step * step;
	if (chance(m, 2))
		*va = nonsense(m);
	/* A piece of the arena has few pages. */
	if (chance(m, 80) && *length <= 60 * PAGE && page < ARENA + ARENA_HOLE &&
	    *va + *length > (uint64_t)(ARENA + ARENA_HOLE) << PAGE_LG2)
		*va = (ARENA + below(m, 100)) << PAGE_LG2;
}
