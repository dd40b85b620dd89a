/* SPDX-License-Identifier: MIT */
/*
 * observe: what can be seen from outside, against the model
 *
 *   requests    MD_CHECK_MAP, MD_CHECK_REFS, IOVA_RANGES, OPTION GET, VFIO_IOAS
 *   behind it   pins of the simulated frames, charges, objects, descriptors,
 *               the validators of the front end and of the core
 */
#include "uops.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"

/* ---- MD_CHECK_MAP (T 4.5) ----------------------------------------------- */

/* What the table has at @iova: an object's page. False: nothing. */
static bool translate(const struct um *m, int h, uint64_t iova,
		      const struct m_object **g, uint64_t *byte)
{
	const int id = area_at(m, hwpt_ioas(h), iova);
	const struct m_area *a = m->area + id;

	if (id < 0 || !area_is_mapped(m, a))
		return false;
	*g = m->object + a->object;
	*byte = a->byte + (iova - a->iova);
	return true;
}

static int predict_bytes(const struct um *m, int h, uint64_t iova,
			 uint64_t uptr)
{
	const struct m_object *g = NULL;
	ioas_pfn_t pfn = 0;
	uint64_t byte;

	if (page_of(m, m->p, uptr >> PAGE_LG2) == PG_HOLE)
		return -EFAULT;
	ioas_sim_frame_at(m->process[m->p].real->memory, uptr >> PAGE_LG2,
			  &pfn);
	if (!translate(m, h, iova, &g, &byte) || g->kind == OBJ_DMABUF ||
	    g->frame[byte >> PAGE_LG2] != pfn || byte % PAGE != uptr % PAGE)
		return -EINVAL;
	return 0;
}

static int predict_map_check(const struct um *m, uint32_t id, uint64_t iova,
			     uint64_t length, uint64_t uptr)
{
	const int h = id_find(m, id, ID_HWPT);
	uint64_t p;

	if (h < 0)
		return -ENOENT;
	p = hwpt_granule(m->hwpt + h);
	if (iova % p || length % p || uptr % p || uptr + length < uptr)
		return -EINVAL;
	for (uint64_t done = 0; done < length; done += p) {
		const int ret = predict_bytes(m, h, iova + done, uptr + done);

		if (ret)
			return ret;
	}
	return 0;
}

/* Where the memory behind byte @byte of an object is in this process. */
static uint64_t address_of(const struct m_object *g, uint64_t byte)
{
	uint64_t at = (g->base << PAGE_LG2) + byte;

	if (g->kind == OBJ_FILE && g->index <= 1)
		at += (uint64_t)(ARENA + (g->index ? ARENA_LARGE : ARENA_FILE))
		      << PAGE_LG2;
	return at;
}

int op_check_map(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_MD_CHECK_MAP };
	const int h = some_hwpt(m);
	const struct m_area *a;
	uint64_t iova, length, uptr;
	int id, want, got;

	if (h < 0)
		return SKIP;
	some_range(m, hwpt_ioas(h), &iova, &length);
	id = area_at(m, hwpt_ioas(h), iova);
	a = m->area + id;
	uptr = (ARENA + below(m, ARENA_SMALL)) << PAGE_LG2;
	if (id >= 0 && chance(m, 92)) {
		const struct m_object *g = m->object + a->object;

		uptr = address_of(g, a->byte + (iova - a->iova));
		if (g->kind == OBJ_PROCESS)
			become(m, g->index);
	}
	if (length > 600 * PAGE)
		return SKIP;
	s.id = chance(m, 98) ? m->hwpt[h].id : wrong_id(m, ID_HWPT);
	s.md_check_map.iova = iova;
	s.md_check_map.length = length;
	s.md_check_map.uptr = uptr;
	/* The memory of requests is there, too. */
	if (uptr < (uint64_t)ARENA << PAGE_LG2)
		return SKIP;
	want = predict_map_check(m, s.id, iova, length, uptr);
	say(m, "hwpt %u iova %#llx length %#llx uptr %#llx", s.id, (ull)iova,
	    (ull)length, (ull)uptr);
	got = request_test(m, &s);
	if (expect(m, want, got) && !want && length)
		mark(m, MARK_MAP_MATCHES);
	return got;
}

/* ---- MD_CHECK_REFS (T 4.6) ---------------------------------------------- */

/*
 * The pages from @page on; of several errors any. Pins of a page of a folio
 * need not be compared, but who knows them may.
 */
static int predict_refs(struct um *m, uint64_t page, uint64_t nr,
			uint32_t refs)
{
	int want = 0;

	for (uint64_t i = page; i < page + nr; i++) {
		ioas_pfn_t pfn = 0;
		int ret = 0;

		if (page_of(m, m->p, i) == PG_HOLE) {
			ret = -EFAULT;
		} else {
			ioas_sim_frame_at(m->process[m->p].real->memory, i,
					  &pfn);
			if (frame_holders(m, pfn) != refs)
				ret = -EIO;
		}
		if (ret == -EIO && m->process[m->p].compound[i - ARENA]) {
			m->alt = -EIO;
			ret = 0;
		}
		if (want && ret && ret != want)
			m->alt = ret;
		if (!want)
			want = ret;
	}
	return want;
}

/* Of an object that is held, often. */
static uint64_t some_page(struct um *m)
{
	const struct m_object *g = m->object + below(m, 12);

	if (!g->used || g->kind > OBJ_FILE || chance(m, 20))
		return ARENA + below(m, ARENA_SMALL);
	if (g->kind == OBJ_PROCESS)
		become(m, g->index);
	return (address_of(g, 0) >> PAGE_LG2) + below(m, g->nr_pages);
}

int op_check_refs(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_MD_CHECK_REFS };
	uint64_t page = some_page(m), nr = 1 + below(m, 6);
	ioas_pfn_t pfn = 0;
	int want, got;

	if (page < ARENA)
		return SKIP;
	if (page_of(m, m->p, page) != PG_HOLE &&
	    ioas_sim_frame_at(m->process[m->p].real->memory, page, &pfn) &&
	    chance(m, 90))
		s.md_check_refs.refs = frame_holders(m, pfn);
	else
		s.md_check_refs.refs = (uint32_t)below(m, 3);
	/* As far as it is the same, mostly. */
	while (nr > 1 && chance(m, 90) &&
	       predict_refs(m, page, nr, s.md_check_refs.refs))
		nr--;
	m->alt = 0;
	s.md_check_refs.uptr = page << PAGE_LG2;
	s.md_check_refs.length = nr << PAGE_LG2;
	if (chance(m, 2))
		s.md_check_refs.length += UNIT;
	if (chance(m, 1))
		s.md_check_refs.length = UINT64_MAX - PAGE + 1;
	if (s.md_check_refs.length > 8 * PAGE ||
	    s.md_check_refs.length % PAGE ||
	    s.md_check_refs.uptr + s.md_check_refs.length <
		    s.md_check_refs.uptr)
		want = -EINVAL;
	else
		want = predict_refs(m, page, nr, s.md_check_refs.refs);
	say(m, "uptr %#llx length %#llx refs %u", (ull)s.md_check_refs.uptr,
	    (ull)s.md_check_refs.length, s.md_check_refs.refs);
	got = request_test(m, &s);
	if (expect(m, want, got) && !want && s.md_check_refs.refs > 1)
		mark(m, MARK_REFS_MANY);
	return got;
}

/* ---- spaces ------------------------------------------------------------- */

static void compare_ranges(struct um *m, int i)
{
	const uint64_t at = (uint64_t)OBSERVE_PAGE << PAGE_LG2;
	struct ioas_abi_ioas_iova_ranges s = { .ioas_id = m->ioas[i].id,
					       .num_iovas = MAX_USABLE,
					       .allowed_iovas = at };
	struct ioas_abi_iova_range r[MAX_USABLE];
	struct m_range want[MAX_USABLE];
	const uint32_t nr = usable_ranges(m, i, want);
	const int ret = uapi_observe(m, IOAS_ABI_IOAS_IOVA_RANGES, &s);

	if (ret) {
		fail(m, "IOVA_RANGES of ioas %d: %s", i, errno_name(ret));
		return;
	}
	sim_peek(m->h, at, r, sizeof(r));
	expect_value(m, "the number of ranges", nr, s.num_iovas);
	expect_value(m, "the alignment", ioas_alignment_of(m, i),
		     s.out_iova_alignment);
	for (uint32_t n = 0; n < nr && !m->failed; n++)
		if (r[n].start != want[n].first || r[n].last != want[n].last)
			fail(m, "range %u of ioas %d is %#llx..%#llx; the model says %#llx..%#llx",
			     n, i, (ull)r[n].start, (ull)r[n].last,
			     (ull)want[n].first, (ull)want[n].last);
}

static void compare_options(struct um *m, int i)
{
	struct ioas_abi_option s = { .option_id = IOAS_ABI_OPTION_HUGE_PAGES,
				     .op = IOAS_ABI_OPTION_OP_GET,
				     .object_id = m->ioas[i].id };

	if (uapi_observe(m, IOAS_ABI_OPTION, &s))
		fail(m, "the option of ioas %d cannot be read", i);
	expect_value(m, "large pages", !m->ioas[i].small, s.val64);
}

static void compare_compat(struct um *m)
{
	struct ioas_abi_vfio_ioas s = { .op = IOAS_ABI_VFIO_IOAS_GET };
	const int ret = uapi_observe(m, IOAS_ABI_VFIO_IOAS, &s);

	if (ret != (m->compat < 0 ? -ENODEV : 0))
		fail(m, "VFIO_IOAS GET: %s; the model says %d", errno_name(ret),
		     m->compat);
	else if (!ret)
		expect_value(m, "the compat IOAS", m->ioas[m->compat].id,
			     s.ioas_id);
}

/* Up to 64 pages of the area are, in each table, what the model says. */
static void compare_area(struct um *m, const struct m_area *a)
{
	const struct m_object *g = m->object + a->object;
	const uint64_t length = ioas_min(a->last - a->iova + 1, 64 * PAGE);

	if (g->kind != OBJ_PROCESS || !m->process[g->index].live)
		return;
	simhost_enter(m->h, m->process[g->index].real);
	for (int d = 0; d < IOAS_DOMAINS; d++) {
		const int h = a->ioas * IOAS_DOMAINS + d;
		struct ioas_abi_test_cmd s = {
			.op = IOAS_ABI_TEST_OP_MD_CHECK_MAP,
			.id = m->hwpt[h].id,
		};
		const uint8_t p = m->p;
		int want, got;

		if (!m->hwpt[h].used)
			continue;
		m->p = g->index;
		s.md_check_map.iova = a->iova;
		s.md_check_map.length = length;
		s.md_check_map.uptr = address_of(g, a->byte);
		want = predict_map_check(m, s.id, a->iova, length,
					 s.md_check_map.uptr);
		got = uapi_observe(m, IOAS_ABI_TEST_CMD, &s);
		m->p = p;
		if (got != want)
			fail(m, "CHECK_MAP of %#llx in hwpt %u: %s; the model says %s",
			     (ull)a->iova, s.id, errno_name(got),
			     errno_name(want));
	}
	simhost_enter(m->h, m->process[m->p].real);
}

/* ---- behind it ---------------------------------------------------------- */

static int pfn_order(const void *a, const void *b)
{
	const ioas_pfn_t x = *(const ioas_pfn_t *)a;
	const ioas_pfn_t y = *(const ioas_pfn_t *)b;

	return (x > y) - (x < y);
}

static ioas_pfn_t frames[MAX_OBJECTS * MAX_PAGES];

/* Every frame has a pin for each object that holds it, and none more. */
static void compare_pins(struct um *m)
{
	size_t nr = 0, j;

	for (int g = 0; g < MAX_OBJECTS; g++)
		for (uint32_t i = 0;
		     m->object[g].used && i < m->object[g].nr_pages; i++)
			if (m->object[g].held[i])
				frames[nr++] = m->object[g].frame[i];
	qsort(frames, nr, sizeof(frames[0]), pfn_order);
	for (size_t i = 0; i < nr && !m->failed; i = j) {
		const struct ioas_sim_pins pins =
			ioas_sim_pins(m->h->sim, frames[i]);

		for (j = i; j < nr && frames[j] == frames[i]; j++)
			;
		if (pins.write + pins.read != j - i)
			fail(m, "frame %#llx has %llu pins; the model says %llu",
			     (ull)frames[i], (ull)(pins.write + pins.read),
			     (ull)(j - i));
	}
	expect_value(m, "the sum of all pins", nr,
		     ioas_sim_total_pins(m->h->sim));
}

static void compare_totals(struct um *m)
{
	for (int u = 0; u < SIM_USERS; u++)
		expect_value(m, "the charge of a user", m->totals.user[u],
			     atomic_load(&m->h->users[u]->charged));
	for (int p = 0; p < NR_PROCS; p++) {
		const struct m_process *proc = m->process + p;

		if (!proc->live)
			continue;
		expect_value(m, "the charge of a process", m->totals.mm[p],
			     atomic_load(&proc->real->mm->charged));
		expect_value(m, "the pinned pages of a process",
			     m->totals.pinned[p],
			     atomic_load(&proc->real->mm->pinned));
	}
}

static void compare_counts(struct um *m)
{
	struct m_process *p = m->process + m->p;
	uint32_t ids = 0, fds = 2 + NR_FILES;

	for (int id = 1; id < MAX_IDS; id++)
		ids += m->ids[id].kind != ID_FREE;
	for (int a = 0; a < NR_ACCESSES; a++)
		fds += m->access[a].used;
	for (int d = 0; d < NR_DMABUFS; d++)
		fds += m->dmabuf[d].used;
	expect_value(m, "the number of objects", ids,
		     sim_context(m->h, p->fd)->objects.nr);
	expect_value(m, "the number of descriptors", fds,
		     sim_nr_fds(m->h));
}

void compare_all(struct um *m)
{
	struct ioas_iommufd *ictx = sim_context(m->h, m->process[m->p].fd);

	compare_pins(m);
	compare_totals(m);
	compare_counts(m);
	compare_compat(m);
	for (int i = 0; i < NR_IOAS && !m->failed; i++) {
		if (!m->ioas[i].used)
			continue;
		compare_ranges(m, i);
		compare_options(m, i);
		for (uint32_t n = 0; n < m->ioas[i].nr_areas && !m->failed;
		     n++)
			compare_area(m, m->area + m->ioas[i].area[n]);
	}
	if (!m->failed && ioas_iommufd_validate(ictx))
		fail(m, "the front end is not sound");
	if (!m->failed && !ioas_sim_validate(m->h->sim))
		fail(m, "the simulator is not sound");
}

void compare_step(struct um *m)
{
	const int i = some_ioas(m);

	if (m->nr % 16 == 0) {
		compare_all(m);
		return;
	}
	compare_pins(m);
	compare_totals(m);
	compare_counts(m);
	if (m->failed || i < 0)
		return;
	compare_ranges(m, i);
	if (m->ioas[i].nr_areas)
		compare_area(m, m->area + m->ioas[i].area[below(
					m, m->ioas[i].nr_areas)]);
}
