/* SPDX-License-Identifier: MIT */
/*
 * lockgraph: which lock is taken under which, against docs/locking.md
 *
 *   SPACE -> ... -> OBJECTS -> CONTEXT -> CLIENT -> DOMAINS -> ... -> LEAF
 *
 * src/plat/common/lockdep.c records a workload that uses every operation. What
 * was seen has no cycle, every edge of it goes forward in the order that
 * the document draws, and every edge that the document's table promises is
 * there, so that the workload is known to be a broad one. After each operation
 * nothing is held; inside of a client's callback every lock can be taken.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat/common/lockdep.h"
#include "scenarios.h"
#include "world.h"

#define P UINT64_C(4096)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

static const char *const names[IOAS_NR_RANKS] = {
	[IOAS_RANK_VDEV] = "VDEV",	   [IOAS_RANK_FUNCTION] = "FUNCTION",
	[IOAS_RANK_SPACE] = "SPACE",	   [IOAS_RANK_GROUP] = "GROUP",
	[IOAS_RANK_VIOMMU] = "VIOMMU",	   [IOAS_RANK_READER] = "READER",
	[IOAS_RANK_QUEUE] = "QUEUE",	   [IOAS_RANK_UAPI] = "UAPI",
	[IOAS_RANK_OBJECTS] = "OBJECTS",   [IOAS_RANK_CONTEXT] = "CONTEXT",
	[IOAS_RANK_CLIENT] = "CLIENT",	   [IOAS_RANK_DOMAINS] = "DOMAINS",
	[IOAS_RANK_IOVA] = "IOVA",	   [IOAS_RANK_EXPORTER] = "EXPORTER",
	[IOAS_RANK_PAGES] = "PAGES",	   [IOAS_RANK_ORIGIN] = "ORIGIN",
	[IOAS_RANK_ACCOUNT] = "ACCOUNT",   [IOAS_RANK_TABLE] = "TABLE",
	[IOAS_RANK_LEAF] = "LEAF",	   [IOAS_RANK_IRQ] = "IRQ",
};

/* ---- the workload ------------------------------------------------------- */

/* O6: nothing is held behind a call. */
static int after(int ret)
{
	const struct ioas_thread *t = ioas_plat_thread();

	assert_int_equal(t->nr_held, 0);
	assert_int_equal(t->nr_unrecorded, 0);
	return ret;
}

#define OK(call) assert_int_equal(after(call), 0)
#define VOID(call) ((call), (void)after(0))

static void map_at(struct world *w, unsigned int s, unsigned int o,
		   uint64_t page, uint64_t nr, ioas_iova_t iova)
{
	OK(ioas_iopt_map(w->spaces[s], w->origins[o], page * P, nr * P, RW,
			 IOAS_MAP_FIXED, &iova));
}

static void unmap_at(struct world *w, unsigned int s, ioas_iova_t iova,
		     uint64_t nr)
{
	uint64_t bytes;

	OK(ioas_iopt_unmap(w->spaces[s], iova, nr * P, &bytes));
	assert_int_equal(bytes, nr * P);
}

static void world_make(struct world *w)
{
	world_init(w, NULL);
	OK(world_space(w, 0));
	OK(world_space(w, 1));
	for (unsigned int d = 0; d < 2; d++)
		OK(world_domain(w, d, P, 0, UINT64_MAX));
	OK(world_client(w, 0, IOAS_ACCESS_PINS));
	OK(world_client(w, 1, IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL));
	world_process(w, 0);
	world_map_memory(w, 0, 0, 64, IOAS_SIM_RUNS, 0);
	world_file(w, 1, 64, 2);
	world_device(w, 2, 64);
}

static void use_spaces(struct world *w)
{
	const struct ioas_iova_range range = { 0x40000000, 0x4fffffff };
	ioas_iova_t iova = 0x300000, cut = 0x100fff;
	struct ioas_iova_range usable[8];
	uint64_t alignment;
	uint32_t nr = 8;

	OK(ioas_iopt_set_small_pages(w->spaces[0], true));
	OK(world_attach(w, 0, 0));
	map_at(w, 0, 0, 0, 4, 0x100000);
	OK(world_attach(w, 0, 1));
	OK(ioas_iopt_copy(w->spaces[1], w->spaces[0], 0x100000, 4 * P, RW,
			  IOAS_MAP_FIXED, &iova));
	OK(ioas_iopt_split(w->spaces[0], &cut, 1));
	OK(ioas_iopt_reserve(w->spaces[0], &range, 1, w));
	OK(ioas_iopt_ranges(w->spaces[0], usable, &nr, &alignment));
	VOID(ioas_iopt_unreserve(w->spaces[0], w));
	OK(ioas_iopt_allow(w->spaces[0], &range, 1));
	OK(ioas_iopt_allow(w->spaces[0], NULL, 0));
	VOID(world_detach(w, 0));
	unmap_at(w, 0, 0x100000, 4);
	VOID(world_detach(w, 1));
	unmap_at(w, 1, 0x300000, 4);
}

static void use_clients(struct world *w)
{
	char buffer[16] = "";

	map_at(w, 0, 0, 8, 8, 0x200000);
	OK(world_attach(w, 0, 0));
	OK(ioas_access_attach(w->clients[0].access, w->spaces[0]));
	OK(ioas_access_attach(w->clients[1].access, w->spaces[0]));
	OK(world_pin(w, 1, 0x200000, P, 0));
	OK(world_pin(w, 0, 0x201000, 2 * P, 0));
	w->ctx.tuning.slow_copy = true;
	OK(ioas_access_rw(w->clients[0].access, 0x202000, buffer,
			  sizeof(buffer), IOAS_ACCESS_WRITE));
	VOID(world_unpin(w, 1, 0x200000, P));
	unmap_at(w, 0, 0x200000, 8);
	assert_int_equal(w->clients[0].callbacks, 1);
	OK(ioas_access_replace(w->clients[0].access, w->spaces[1]));
	OK(ioas_access_detach(w->clients[0].access));
	OK(ioas_access_detach(w->clients[1].access));
	VOID(world_detach(w, 0));
}

static void use_files_and_devices(struct world *w)
{
	uint64_t bitmap = 0;
	const struct ioas_dirty_request rq = {
		.iova = 0x400000,
		.length = 4 * P,
		.granularity = P,
		.bitmap = (uintptr_t)&bitmap,
	};

	OK(world_attach(w, 0, 0));
	map_at(w, 0, 1, 0, 4, 0x400000);
	w->caller.principal = w->principals[1];
	OK(ioas_context_change_process(&w->ctx));
	w->caller.principal = w->principals[0];
	OK(ioas_dirty_set(w->spaces[0], w->domains[0], true));
	OK(ioas_dirty_read(w->spaces[0], w->domains[0], &rq));
	map_at(w, 0, 2, 0, 4, 0x500000);
	map_at(w, 0, 2, 8, 4, 0x600000);
	unmap_at(w, 0, 0x500000, 4);
	VOID(ioas_sim_revoke(w->origins[2]));
	OK((int)ioas_context_validate(&w->ctx));
}

static void all_scenarios(void)
{
	const struct world_limits limits = { .bitmap_window = 0 };
	struct op room[SCENARIO_OPS];
	const struct scenario *s;

	for (size_t i = 0; (s = scenario_at(i)); i++) {
		const struct script script = scenario_script(s, 0, room);

		VOID(script_run(&script, &limits, false));
	}
}

/* ---- the graph ---------------------------------------------------------- */

static unsigned int rank_named(const char *name, size_t length)
{
	for (unsigned int r = 0; r < IOAS_NR_RANKS; r++)
		if (names[r] && strlen(names[r]) == length &&
		    !memcmp(names[r], name, length))
			return r;
	fail_msg("docs/locking.md names a rank %.*s", (int)length, name);
	return 0;
}

/* Place of each rank in the arrows of docs/locking.md; 0: not in them. */
static void document_read(unsigned int place[IOAS_NR_RANKS])
{
	FILE *f = fopen(IOAS_LOCKING_MD, "r");
	unsigned int n = 0;
	char line[512];

	if (!f)
		fail_msg("no %s", IOAS_LOCKING_MD);
	while (fgets(line, sizeof(line), f)) {
		if (!n && strncmp(line, " VDEV -> ", 9))
			continue;
		if (!strstr(line, " -> "))
			break;
		for (char *at = strtok(line, " ->\n"); at;
		     at = strtok(NULL, " ->\n"))
			place[rank_named(at, strlen(at))] = ++n;
	}
	fclose(f);
	assert_int_equal(n, IOAS_RANK_LEAF - IOAS_RANK_VDEV + 1);
}

static bool edge(unsigned int from, unsigned int to)
{
	return ioas_lockdep_after(from) >> to & 1;
}

/* Ranks without an incoming edge go, again and again: a cycle would stay. */
static bool graph_has_cycle(const uint32_t graph[IOAS_NR_RANKS])
{
	uint32_t left = (UINT32_C(1) << IOAS_NR_RANKS) - 1, last = 0;

	while (left && left != last) {
		uint32_t entered = 0;

		last = left;
		for (unsigned int r = 0; r < IOAS_NR_RANKS; r++)
			if (left >> r & 1)
				entered |= graph[r];
		left &= entered;
	}
	return left;
}

/* The table "Who takes what" of docs/locking.md, and what fakes take. */
static const struct {
	unsigned int from, to;
} promised[] = {
	{ IOAS_RANK_CONTEXT, IOAS_RANK_DOMAINS }, /* copy, change of process */
	{ IOAS_RANK_CONTEXT, IOAS_RANK_IOVA },
	{ IOAS_RANK_CONTEXT, IOAS_RANK_PAGES }, /* copy: fill */
	{ IOAS_RANK_CLIENT, IOAS_RANK_DOMAINS }, /* attach of a client */
	{ IOAS_RANK_CLIENT, IOAS_RANK_IOVA }, /* pin */
	{ IOAS_RANK_CLIENT, IOAS_RANK_PAGES },
	{ IOAS_RANK_DOMAINS, IOAS_RANK_IOVA },
	{ IOAS_RANK_DOMAINS, IOAS_RANK_PAGES }, /* map: fill */
	{ IOAS_RANK_DOMAINS, IOAS_RANK_LEAF }, /* membership of clients */
	{ IOAS_RANK_IOVA, IOAS_RANK_PAGES }, /* pin, attach of a domain */
	{ IOAS_RANK_EXPORTER, IOAS_RANK_PAGES }, /* revocation */
	{ IOAS_RANK_PAGES, IOAS_RANK_ORIGIN },
	{ IOAS_RANK_PAGES, IOAS_RANK_TABLE },
};

static void locks_are_taken_in_the_order_of_the_document(void **state)
{
	unsigned int place[IOAS_NR_RANKS] = { 0 };
	uint32_t graph[IOAS_NR_RANKS];
	static struct world w;

	(void)state;
	if (!IOAS_DEBUG)
		skip();
	document_read(place);
	ioas_lockdep_forget();
	world_make(&w);
	use_spaces(&w);
	use_clients(&w);
	use_files_and_devices(&w);
	world_fini(&w);
	all_scenarios();
	for (unsigned int r = 0; r < IOAS_NR_RANKS; r++)
		graph[r] = ioas_lockdep_after(r);
	assert_false(graph_has_cycle(graph));
	for (unsigned int a = 0; a < IOAS_NR_RANKS; a++)
		for (unsigned int b = 0; b < IOAS_NR_RANKS; b++)
			if (edge(a, b) &&
			    (!place[a] || !place[b] || place[a] >= place[b]))
				fail_msg("rank %u, then %u", a, b);
	for (size_t i = 0; i < sizeof(promised) / sizeof(*promised); i++)
		if (!edge(promised[i].from, promised[i].to))
			fail_msg("%s under %s was not seen",
				 names[promised[i].to],
				 names[promised[i].from]);
}

/* All rank above all below, but for the arrows @from -> @to that are added. */
static bool cycle_with(unsigned int from, unsigned int to)
{
	const uint32_t all = (UINT32_C(1) << IOAS_NR_RANKS) - 1;
	uint32_t graph[IOAS_NR_RANKS];

	for (unsigned int r = 0; r < IOAS_NR_RANKS; r++)
		graph[r] = all << (r + 1) & all;
	graph[from] |= UINT32_C(1) << to;
	return graph_has_cycle(graph);
}

static void a_cycle_is_seen(void **state)
{
	(void)state;
	for (unsigned int a = 0; a < IOAS_NR_RANKS; a++)
		for (unsigned int b = 0; b < IOAS_NR_RANKS; b++)
			assert_int_equal(cycle_with(a, b), b <= a);
}

/* ---- D6 ----------------------------------------------------------------- */

/* A client that takes everything there is from inside of its callback. */
struct taker {
	struct world *w;
	struct ioas_access *access;
	struct ioas_pages *pages;
	ioas_iova_t iova;
	unsigned int callbacks;
};

/* With one thread a word is zero exactly if the lock is free. */
static void rwlock_try(struct ioas_rwlock *l, enum ioas_rank rank)
{
	assert_int_equal(atomic_load(&l->word), 0);
	ioas_write_lock(l, rank);
	ioas_write_unlock(l);
}

static void mutex_try(struct ioas_mutex *m, enum ioas_rank rank)
{
	assert_int_equal(atomic_load(&m->word), 0);
	ioas_mutex_lock(m, rank);
	ioas_mutex_unlock(m);
}

static void taker_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct taker *t = data;

	(void)after(0);
	rwlock_try(&t->w->ctx.create_lock, IOAS_RANK_CONTEXT);
	mutex_try(&t->access->lock, IOAS_RANK_CLIENT);
	for (unsigned int s = 0; s < 2; s++) {
		rwlock_try(&t->w->spaces[s]->domains_lock, IOAS_RANK_DOMAINS);
		rwlock_try(&t->w->spaces[s]->iova_lock, IOAS_RANK_IOVA);
		mutex_try(&t->w->spaces[s]->access_lock, IOAS_RANK_LEAF);
	}
	if (t->pages)
		mutex_try(&t->pages->mutex, IOAS_RANK_PAGES);
	t->callbacks++;
	if (t->pages && ioas_intersects(t->iova, t->iova + P - 1, iova,
					iova + length - 1)) {
		ioas_access_unpin(t->access, t->iova, P);
		t->pages = NULL;
	}
}

static void taker_pin(struct taker *t, unsigned int s, ioas_iova_t iova)
{
	struct ioas_area *a;

	OK(ioas_access_pin(t->access, iova, P, IOAS_ACCESS_WRITE, NULL));
	a = ioas_rangemap_find(&t->w->spaces[s]->areas, iova);
	t->pages = a->pages;
	t->iova = iova;
}

static void callbacks_run_without_a_lock(void **state)
{
	static const struct ioas_access_ops ops = { .unmap = taker_unmap };
	static struct world w;
	struct taker t = { .w = &w };

	(void)state;
	world_make(&w);
	OK(world_attach(&w, 0, 0));
	OK(ioas_access_create(&w.ctx, &ops, &t, IOAS_ACCESS_PINS, &t.access));
	OK(ioas_access_attach(t.access, w.spaces[0]));
	map_at(&w, 0, 0, 0, 4, 0x100000);
	map_at(&w, 0, 0, 8, 4, 0x200000);
	map_at(&w, 1, 0, 16, 4, 0x300000);
	taker_pin(&t, 0, 0x101000);
	unmap_at(&w, 0, 0x100000, 4);
	assert_int_equal(t.callbacks, 1);
	taker_pin(&t, 0, 0x200000);
	OK(ioas_access_replace(t.access, w.spaces[1]));
	assert_int_equal(t.callbacks, 2);
	taker_pin(&t, 1, 0x302000);
	OK(ioas_access_detach(t.access));
	assert_int_equal(t.callbacks, 3);
	OK(ioas_access_attach(t.access, w.spaces[1]));
	taker_pin(&t, 1, 0x302000);
	VOID(ioas_access_destroy(t.access));
	assert_int_equal(t.callbacks, 4);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locks_are_taken_in_the_order_of_the_document),
		cmocka_unit_test(a_cycle_is_seen),
		cmocka_unit_test(callbacks_run_without_a_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
