/* SPDX-License-Identifier: MIT */
/*
 * world: a host with processes, files and dma-bufs, and what happens around
 * the requests: memory that moves or goes, processes that come and exit, limits
 */
#include "uops.h"

#include <stdlib.h>
#include <string.h>

#include "base/errno.h"
#include "ledger.h"

/* ---- memory of a process ------------------------------------------------ */

static void set_pages(struct m_process *p, uint32_t first, uint32_t nr,
		      enum page_state state)
{
	for (uint32_t i = first; i < first + nr; i++) {
		p->page[i] = (uint8_t)state;
		p->compound[i] = false;
	}
}

static void must(struct um *m, int ret, const char *what)
{
	if (ret)
		fail(m, "%s: %s", what, errno_name(ret));
}

static void map_piece(struct um *m, struct m_process *p, uint32_t first,
		      uint32_t end, enum ioas_sim_layout layout,
		      unsigned int flags)
{
	must(m,
	     ioas_sim_map(p->real->memory, ARENA + first, end - first, layout,
			  flags),
	     "memory of a process");
	set_pages(p, first, end - first,
		  flags & IOAS_SIM_READ_ONLY ? PG_READ : PG_WRITE);
}

/* The simulator must not need memory when nobody gets any. */
static void touch(struct um *m, const struct m_process *p, uint64_t page,
		  uint64_t nr)
{
	const unsigned char byte = 0;

	for (uint64_t i = page; i < page + nr; i++)
		must(m,
		     ioas_sim_write(p->real->memory, i << PAGE_LG2, &byte, 1),
		     "a page of a process");
}

static void arena_init(struct um *m, struct m_process *p)
{
	struct ioas_origin *o = p->real->memory;

	map_piece(m, p, 0, 64, IOAS_SIM_SCATTERED, 0);
	map_piece(m, p, 64, 128, IOAS_SIM_CONSECUTIVE, 0);
	map_piece(m, p, 128, ARENA_READ_ONLY, IOAS_SIM_RUNS, 0);
	map_piece(m, p, ARENA_READ_ONLY, 176, IOAS_SIM_RUNS,
		  IOAS_SIM_READ_ONLY);
	map_piece(m, p, 176, ARENA_FILE, IOAS_SIM_DESCENDING, 0);
	must(m,
	     ioas_sim_alias(o, ARENA + ARENA_FILE, FILE_PAGES, m->file[0].real,
			    0),
	     "shared memory");
	set_pages(p, ARENA_FILE, FILE_PAGES, PG_WRITE);
	must(m,
	     ioas_sim_alias(o, ARENA + ARENA_LARGE, LARGE_PAGES,
			    m->file[1].real, 0),
	     "shared memory");
	set_pages(p, ARENA_LARGE, LARGE_PAGES, PG_WRITE);
	memset(p->compound + ARENA_LARGE, true, LARGE_PAGES);
	must(m,
	     ioas_sim_map(o, BUFFER_PAGE, BUFFER_PAGES, IOAS_SIM_RUNS, 0),
	     "buffers");
	must(m, ioas_sim_map(o, OBSERVE_PAGE, 4, IOAS_SIM_RUNS, 0), "buffers");
	touch(m, p, SIM_SCRATCH_PAGE, SIM_SCRATCH_PAGES);
	touch(m, p, BUFFER_PAGE, BUFFER_PAGES);
	touch(m, p, OBSERVE_PAGE, 4);
}

/* ---- processes ---------------------------------------------------------- */

static void set_limit(struct um *m, struct m_process *p)
{
	p->limit = chance(m, 60) ? 100000 : below(m, chance(m, 50) ? 40 : 600);
	p->unlimited = chance(m, 10);
	p->resource = chance(m, 40);
	atomic_store(&p->real->principal->limit, p->limit);
	for (int t = 0; t < SIM_TASKS; t++) {
		p->real->tasks[t].caller.lock_unlimited = p->unlimited;
		p->real->tasks[t].caller.resource = p->resource;
	}
}

/* The descriptors of process 0 for another one. */
static void send_all(struct um *m, struct m_process *p)
{
	const struct m_process *from = m->process;

	simhost_enter(m->h, from->real);
	p->fd = sim_send(m->h, from->fd, p->real);
	p->other = sim_send(m->h, from->other, p->real);
	for (int f = 0; f < NR_FILES; f++)
		p->file[f] = sim_send(m->h, from->file[f], p->real);
	for (int d = 0; d < NR_DMABUFS; d++)
		if (m->dmabuf[d].used)
			p->dmabuf[d] = sim_send(m->h, from->dmabuf[d], p->real);
	for (int a = 0; a < NR_ACCESSES; a++)
		if (m->access[a].used)
			p->access[a] = sim_send(m->h, from->access[a], p->real);
}

static void process_init(struct um *m, int slot, uint8_t user)
{
	struct m_process *p = m->process + slot;

	p->live = true;
	p->user = user;
	arena_init(m, p);
	set_limit(m, p);
	if (slot)
		send_all(m, p);
}

static uint32_t nr_live(const struct um *m)
{
	uint32_t n = 0;

	for (int p = 0; p < NR_PROCS; p++)
		n += m->process[p].live;
	return n;
}

int op_process(struct um *m)
{
	const uint8_t user = (uint8_t)below(m, SIM_USERS);
	int p = 0;

	/* A place is used once. */
	while (p < NR_PROCS && m->process[p].real)
		p++;
	if (p == NR_PROCS || nr_live(m) > 3)
		return SKIP;
	say(m, "P%d of user %u", p, user);
	m->process[p].real = simhost_process(m->h, user);
	process_init(m, p, user);
	simhost_enter(m->h, m->process[m->p].real);
	expect(m, 0, 0);
	return 0;
}

/* The first one stays: it has a descriptor of everything. */
int op_exit(struct um *m)
{
	const int p = some_process(m);

	if (!p || p == m->p || chance(m, 50))
		return SKIP;
	say(m, "P%d", p);
	simhost_exit(m->process[p].real);
	m->process[p].live = false;
	expect(m, 0, 0);
	return 0;
}

int op_limit(struct um *m)
{
	struct m_process *p = m->process + some_process(m);

	set_limit(m, p);
	say(m, "P%d limit %llu%s%s", (int)(p - m->process), (ull)p->limit,
	    p->unlimited ? " unlimited" : "", p->resource ? " resource" : "");
	expect(m, 0, 0);
	return 0;
}

/* ---- memory moves ------------------------------------------------------- */

int op_remap(struct um *m)
{
	struct m_process *p = m->process + m->p;
	uint32_t page = (uint32_t)below(m, ARENA_SMALL);
	const uint32_t nr = 1 + (uint32_t)below(m, 6);
	const enum ioas_sim_layout layout =
		(enum ioas_sim_layout)below(m, IOAS_SIM_DESCENDING + 1);
	const bool was = p->page[page] != PG_HOLE;
	int ret;

	if (chance(m, 10))
		page = ARENA_LARGE + (uint32_t)below(m, LARGE_PAGES - nr);
	for (uint32_t i = page; i < page + nr; i++)
		if ((p->page[i] != PG_HOLE) != was ||
		    (p->page[i] == PG_READ) != (p->page[page] == PG_READ))
			return SKIP;
	if (was && chance(m, 40)) {
		say(m, "hole at page %u, %u of them", page, nr);
		ret = ioas_sim_unmap(p->real->memory, ARENA + page, nr);
		set_pages(p, page, nr, PG_HOLE);
	} else if (was) {
		say(m, "page %u, %u of them", page, nr);
		ret = ioas_sim_remap(p->real->memory, ARENA + page, nr, layout);
		set_pages(p, page, nr, (enum page_state)p->page[page]);
	} else {
		say(m, "fill page %u, %u of them", page, nr);
		ret = ioas_sim_map(p->real->memory, ARENA + page, nr, layout,
				   0);
		set_pages(p, page, nr, PG_WRITE);
	}
	expect(m, 0, ret);
	return 0;
}

/* ---- dma-bufs ----------------------------------------------------------- */

int op_dmabuf_get(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_DMABUF_GET };
	int d = 0, want = 0, got;
	uint64_t size;

	while (d < NR_DMABUFS && m->dmabuf[d].used)
		d++;
	if (d == NR_DMABUFS)
		return SKIP;
	s.dmabuf_get.length = (uint32_t)(1 + below(m, 24 * PAGE));
	if (chance(m, 5))
		s.dmabuf_get.length = chance(m, 50) ? 0 : UINT32_MAX;
	size = (s.dmabuf_get.length + PAGE - 1) / PAGE * PAGE;
	if (!size || size > 512 * PAGE)
		want = -EINVAL;
	say(m, "length %#x", s.dmabuf_get.length);
	got = request_test(m, &s);
	if (!expect(m, want, got < 0 ? got : 0) || want)
		return got;
	m->process[m->p].dmabuf[d] = got;
	m->dmabuf[d] = (struct m_dmabuf){ .used = true,
					  .serial = ++m->serial,
					  .size = size };
	for (int p = 0; p < NR_PROCS; p++)
		if (m->process[p].live && p != m->p)
			m->process[p].dmabuf[d] =
				sim_send(m->h, got, m->process[p].real);
	return 0;
}

static int some_dmabuf(struct um *m)
{
	const int d = (int)below(m, NR_DMABUFS);

	return m->dmabuf[d].used ? d : -1;
}

int op_dmabuf_close(struct um *m)
{
	const int d = some_dmabuf(m);

	if (d < 0)
		return SKIP;
	say(m, "dma-buf %d", d);
	close_all(m, offsetof(struct m_process, dmabuf) +
			     (size_t)d * sizeof(int));
	m->dmabuf[d].used = false;
	expect(m, 0, 0);
	return 0;
}

int op_dmabuf_revoke(struct um *m)
{
	struct ioas_abi_test_cmd s = { .op = IOAS_ABI_TEST_OP_DMABUF_REVOKE };
	const struct m_process *p = m->process + m->p;
	const int d = some_dmabuf(m);
	const uint64_t kind = below(m, 100);
	int want = 0, got;

	if (d < 0)
		return SKIP;
	s.dmabuf_revoke.revoked = (uint32_t)below(m, 3);
	s.dmabuf_revoke.dmabuf_fd = p->dmabuf[d];
	if (kind > 94) {
		s.dmabuf_revoke.dmabuf_fd = kind == 95 ? p->fd :
					    kind == 96 ? p->file[0] :
							 61;
		want = kind < 97 ? -EINVAL : -EBADF;
	}
	say(m, "dma-buf %d fd %d revoked %u", d, s.dmabuf_revoke.dmabuf_fd,
	    s.dmabuf_revoke.revoked);
	got = request_test(m, &s);
	if (!expect(m, want, got) || want)
		return got;
	m->dmabuf[d].revoked = s.dmabuf_revoke.revoked;
	for (int g = 0; g < MAX_OBJECTS; g++)
		if (m->object[g].used && m->object[g].kind == OBJ_DMABUF &&
		    m->object[g].serial == m->dmabuf[d].serial)
			m->object[g].revoked = true;
	return 0;
}

/* ---- who pays (U 6.19) -------------------------------------------------- */

static uint64_t nr_held(const struct m_object *g)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < g->nr_pages; i++)
		n += g->held[i];
	return n;
}

static bool moves(const struct um *m, const struct m_object *g)
{
	return g->used && g->mode != IOAS_ACCOUNT_NONE && g->payer != m->p;
}

static int predict_change(const struct um *m)
{
	const struct m_process *p = m->process + m->p;
	uint64_t user = 0, mm = 0;

	for (int i = 0; i < MAX_OBJECTS; i++) {
		const struct m_object *g = m->object + i;

		if (g->used && (g->kind == OBJ_PROCESS || g->kind == OBJ_DMABUF))
			return -EINVAL;
		if (moves(m, g) && g->mode == IOAS_ACCOUNT_USER)
			user += nr_held(g);
		if (moves(m, g) && g->mode == IOAS_ACCOUNT_MM)
			mm += nr_held(g);
	}
	if (user && m->totals.user[p->user] + user > p->limit)
		return -ENOMEM;
	return mm && m->totals.mm[m->p] + mm > p->limit ? -ENOMEM : 0;
}

int op_change_process(struct um *m)
{
	struct ioas_abi_ioas_change_process s = { .__reserved = chance(m, 2) };
	const int want = s.__reserved ? -EOPNOTSUPP : predict_change(m);
	int got;

	say(m, "reserved %u", s.__reserved);
	got = uapi_request(m, IOAS_ABI_IOAS_CHANGE_PROCESS, &s);
	if (!expect(m, want, got) || want)
		return got;
	for (int i = 0; i < MAX_OBJECTS; i++)
		if (moves(m, m->object + i)) {
			if (nr_held(m->object + i))
				mark(m, MARK_MOVED_CHARGE);
			m->object[i].payer = (int8_t)m->p;
		}
	return 0;
}

int op_temp_limit(struct um *m)
{
	struct ioas_abi_test_cmd s = {
		.op = IOAS_ABI_TEST_OP_SET_TEMP_MEMORY_LIMIT
	};
	const uint32_t limit = (uint32_t)below(m, chance(m, 50) ? 64 : 70000);

	s.set_temp_memory_limit.limit = limit;
	say(m, "%u", limit);
	expect(m, limit < 12 ? -EINVAL : 0, request_test(m, &s));
	return 0;
}

/* ---- an epoch ----------------------------------------------------------- */

static const enum ioas_sim_layout file_layouts[NR_FILES] = {
	IOAS_SIM_RUNS, IOAS_SIM_CONSECUTIVE
};

/* All of its pages are there. */
static void file_init(struct um *m, int f, uint64_t nr_pages, unsigned int folio)
{
	const unsigned char byte = (unsigned char)(f + 1);

	m->file[f].nr_pages = nr_pages;
	must(m,
	     ioas_sim_file_create(m->h->sim, nr_pages, folio, file_layouts[f],
				  &m->file[f].real),
	     "a file");
	for (uint64_t i = 0; i < nr_pages; i++)
		must(m,
		     ioas_sim_write(m->file[f].real, i << PAGE_LG2, &byte, 1),
		     "a page of a file");
}

/* Some operations are switched off, but not those that begin things. */
static void swarm(struct um *m)
{
	for (int k = 0; k < NR_OPS; k++)
		m->off[k] = chance(m, 20);
	m->narrow = chance(m, 60);
	m->off[OP_IOAS_ALLOC] = false;
	if (chance(m, 90)) {
		m->off[OP_MAP] = m->off[OP_DEVICE] = false;
		m->off[OP_HWPT_ALLOC] = m->off[OP_ACCESS_CREATE] = false;
		m->off[OP_VFIO_IOAS] = false;
	}
	/* For files alone, or no process ever changes. */
	if (chance(m, 20)) {
		m->off[OP_MAP] = m->off[OP_VFIO_MAP] = true;
		m->off[OP_DMABUF_GET] = true;
		m->off[OP_MAP_FILE] = m->off[OP_CHANGE_PROCESS] = false;
		m->off[OP_PROCESS] = false;
	}
}

static void open_all(struct um *m)
{
	struct m_process *p = m->process;

	m->account_mm = chance(m, 30);
	p->fd = sim_open(m->h, m->account_mm ? IOAS_OPEN_VFIO : 0);
	p->other = sim_open_other(m->h);
	for (int f = 0; f < NR_FILES; f++)
		p->file[f] = sim_open_memory(m->h, m->file[f].real);
}

void world_init(struct um *m, const struct options *opts, struct stats *stats,
		uint64_t epoch)
{
	struct simhost_options ho = { .page_lg2 = PAGE_LG2,
				      .huge_lg2 = HUGE_LG2 };

	memset(m, 0, sizeof(*m));
	m->opts = opts;
	m->stats = stats;
	m->epoch = epoch;
	m->compat = -1;
	m->rng.state = opts->seed;
	m->rng.state = prng_next(&m->rng) ^
		       (epoch * UINT64_C(0xd1342543de82ef95));
	ho.seed = prng_next(&m->rng);
	swarm(m);
	m->h = simhost_create(&ho);
	file_init(m, 0, FILE_PAGES, 0);
	file_init(m, 1, LARGE_PAGES, 9);
	open_all(m);
	m->process[0].real = m->h->processes;
	process_init(m, 0, 0);
	for (int p = 1; p < 3; p++) {
		m->process[p].real = simhost_process(m->h, p == 2);
		process_init(m, p, p == 2);
	}
	simhost_enter(m->h, m->process[0].real);
	stats->epochs++;
}

/* Descriptors go in any order; the last one takes everything along. */
void world_fini(struct um *m)
{
	compare_all(m);
	if (m->failed)
		return;
	for (int n = 0; n < 40; n++) {
		struct m_process *p = m->process + some_process(m);

		simhost_enter(m->h, p->real);
		sim_close(m->h, SIM_FIRST_FD + (int)below(m, 20));
	}
	ledger_refuse(chance(m, 30));
	for (int p = 1; p < NR_PROCS; p++)
		if (m->process[p].live)
			simhost_exit(m->process[p].real);
	ledger_refuse(false);
	for (int f = 0; f < NR_FILES; f++)
		ioas_origin_put(m->file[f].real);
	simhost_destroy(m->h);
	if (ledger_violations())
		fail(m, "memory was released that was not alive, or as another size");
	if (ledger_live()) {
		ledger_print();
		fail(m, "%llu allocations are left", (ull)ledger_live());
	}
}
