/* SPDX-License-Identifier: MIT */
/*
 * view stress: devices that translate and use, owners that map and recycle
 *
 *   owner   frames live . map .... unmap . sync . frames dead . used elsewhere
 *   device        enter . translate . use . use . exit, over and over
 *
 * Each owner has windows of one lowest table each, and maps in them many pages
 * in any order, a few pages, or one large leaf; so tables leave the tree and
 * come back elsewhere all the time. A frame says for which IOVA it is live. A
 * device that meets another one, or a dead one, was told wrong; one that writes
 * to a dead one is noticed when the frame is used again.
 *
 * The same over the public header with memory of this process. Each format is a
 * case; how long it takes is a number of operations. Run it under make tsan:
 * what devices and owners share is atomic words, or ordered by the views.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ioas/ioas.h>

#include "base/bits.h"
#include "base/errno.h"
#include "domain/table.h"
#include "domain/view.h"
#include "prng.h"
#include "seam/plat.h"

#define PAGE UINT64_C(4096)
#define PAGES 512u
#define WINDOW (PAGES * PAGE)

#define OWNERS 2
#define WINDOWS 4
/* Stretches of 512 frames that an owner has: more than he uses at a time. */
#define STRETCHES 6
#define DEVICES 3

#define DEAD UINT64_C(0xdeaddeaddeaddead)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

/* Slower by that much. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SLOWER 8
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SLOWER 8
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

/*
 * Maps and unmaps of an owner, at least; and translations of all devices that
 * found something.
 */
#define STEPS (40000u / SLOWER)
#define FOUND (400000u / SLOWER)

static const struct format {
	const char *name;
	struct ioas_pt_params pt;
} formats[] = {
	{ "mock", { .pgsizes = 0x201000, .last = (UINT64_C(1) << 48) - 1 } },
	{ "amdv1", { .flags = IOAS_PT_GROW } },
	{ "vtdss", { .va_bits = 48 } },
	{ "x86_64", { .va_bits = 47, .flags = IOAS_PT_DIRTY } },
	{ "arm64_s1",
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS } },
	{ "riscv64",
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS } },
};

/* Ends the program: threads are inside. */
static void wrong(const char *what, uint64_t a, uint64_t b)
{
	fprintf(stderr, "# %s: %#llx %#llx\n", what, (unsigned long long)a,
		(unsigned long long)b);
	abort();
}

/*
 * Now and then, outside of a section: or the turn would be taken away inside
 * of one, most of the time, and owners would wait for that turn.
 */
static void others_turn(unsigned int *n, unsigned int every)
{
	if (++*n % every == 0)
		sched_yield();
}

/* ---- domains, and frames without memory --------------------------------- */

#define NR_FRAMES ((size_t)OWNERS * STRETCHES * PAGES)

struct frame {
	/* IOVA that it is pinned for, or DEAD. */
	_Atomic uint64_t live_for;
	_Atomic uint64_t writes;
};

struct window {
	uint64_t iova;
	/* What it holds: pages, from which stretch; 0: nothing. */
	unsigned int nr;
	unsigned int stretch;
};

struct owner {
	struct arena *arena;
	unsigned int number;
	struct prng prng;
	struct window windows[WINDOWS];
	bool used[STRETCHES];
	/* What was written by the time that a frame died. */
	uint64_t writes[STRETCHES * PAGES];
};

static struct arena {
	struct ioas_domain *d;
	struct frame frames[NR_FRAMES];
	struct owner owners[OWNERS];
	_Atomic unsigned int owners_left;
	/* Of devices: found, not found, written. */
	_Atomic uint64_t found, missed, written;
} arena;

static uint64_t window_iova(unsigned int owner, unsigned int window)
{
	/* Neighbours, and some that are far apart. */
	return (1 + owner + OWNERS * window) * WINDOW +
	       (window == 3 ? UINT64_C(1) << 34 : 0);
}

static uint64_t owner_frame(const struct owner *o, unsigned int stretch,
			    unsigned int i)
{
	return ((uint64_t)o->number * STRETCHES + stretch) * PAGES + i;
}

/* They are live before a device can find them. */
static void frames_live(struct owner *o, const struct window *w,
			const struct ioas_run *runs, uint32_t nr_runs)
{
	uint64_t iova = w->iova;

	for (uint32_t r = 0; r < nr_runs; r++)
		for (uint64_t k = 0; k < runs[r].nr; k++, iova += PAGE) {
			uint64_t pfn = runs[r].pfn + k;
			struct frame *f = &o->arena->frames[pfn];
			uint64_t base = owner_frame(o, 0, 0);
			uint64_t writes = atomic_load(&f->writes);

			if (writes != o->writes[pfn - base])
				wrong("a write to a dead frame", pfn, writes);
			atomic_store_explicit(&f->live_for, iova,
					      memory_order_relaxed);
		}
	/* The stores above come before the leaves on any machine. */
	ioas_plat_writer_barrier();
}

static void frames_die(struct owner *o, unsigned int stretch)
{
	uint64_t base = owner_frame(o, 0, 0);

	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t pfn = owner_frame(o, stretch, i);
		struct frame *f = &o->arena->frames[pfn];

		atomic_store_explicit(&f->live_for, DEAD,
				      memory_order_relaxed);
		o->writes[pfn - base] = atomic_load(&f->writes);
	}
}

static unsigned int stretch_take(struct owner *o)
{
	unsigned int s;

	do {
		s = (unsigned int)prng_below(&o->prng, STRETCHES);
	} while (o->used[s]);
	o->used[s] = true;
	return s;
}

/* Pages in an order that puts no two neighbours side by side. */
static uint32_t runs_scattered(struct owner *o, unsigned int stretch,
			       struct ioas_run *runs, unsigned int nr)
{
	unsigned int from = (unsigned int)prng_below(&o->prng, PAGES);

	for (unsigned int i = 0; i < nr; i++) {
		runs[i].pfn = owner_frame(o, stretch, (from + i * 7) % PAGES);
		runs[i].nr = 1;
	}
	return nr;
}

static void window_map(struct owner *o, struct window *w)
{
	static _Thread_local struct ioas_run runs[PAGES];
	struct ioas_map_request rq = {
		.iova = w->iova, .runs = runs, .page_lg2 = 12,
		.prot = RW | IOAS_PROT_CACHE,
	};

	w->stretch = stretch_take(o);
	w->nr = PAGES;
	switch (prng_below(&o->prng, 4)) {
	case 0:
		runs[0] = (struct ioas_run){ owner_frame(o, w->stretch, 0),
					     PAGES };
		rq.nr_runs = 1;
		break;
	case 1:
		w->nr = 1 + (unsigned int)prng_below(&o->prng, 20);
		rq.nr_runs = runs_scattered(o, w->stretch, runs, w->nr);
		break;
	default:
		rq.nr_runs = runs_scattered(o, w->stretch, runs, w->nr);
	}
	rq.length = w->nr * PAGE;
	frames_live(o, w, runs, rq.nr_runs);
	if (o->arena->d->ops->map(o->arena->d, &rq))
		wrong("map fails", w->iova, w->nr);
}

static void window_unmap(struct owner *o, struct window *w)
{
	struct ioas_domain *d = o->arena->d;
	const struct ioas_unmap_request rq = {
		.iova = w->iova, .want_last = w->iova + w->nr * PAGE - 1,
		.last = w->iova + w->nr * PAGE - 1,
	};

	if (d->ops->unmap(d, &rq) != rq.last)
		wrong("unmap stops", w->iova, w->nr);
	d->ops->sync(d);
	frames_die(o, w->stretch);
	o->used[w->stretch] = false;
	w->nr = 0;
}

/* Nothing that a device could notice. */
static void window_other(struct owner *o, struct window *w)
{
	struct ioas_domain *d = o->arena->d;

	if (prng_below(&o->prng, 2) && d->ops->split)
		d->ops->split(d, w->iova + (w->nr / 2) * PAGE);
	else
		d->ops->read_and_clear_dirty(d, w->iova,
					     w->iova + WINDOW - 1, 0, NULL);
	d->ops->sync(d);
}

static void *owner_run(void *arg)
{
	struct owner *o = arg;

	for (unsigned int n = 0; n < STEPS || atomic_load(&arena.found) < FOUND;
	     others_turn(&n, 16)) {
		struct window *w =
			&o->windows[prng_below(&o->prng, WINDOWS)];

		if (!w->nr)
			window_map(o, w);
		else if (prng_below(&o->prng, 4))
			window_unmap(o, w);
		else
			window_other(o, w);
	}
	for (unsigned int i = 0; i < WINDOWS; i++)
		if (o->windows[i].nr)
			window_unmap(o, &o->windows[i]);
	atomic_fetch_sub(&o->arena->owners_left, 1);
	return NULL;
}

static void device_use(struct arena *a, struct ioas_dview *v, struct prng *r)
{
	uint64_t iova = window_iova((unsigned int)prng_below(r, OWNERS),
				    (unsigned int)prng_below(r, WINDOWS)) +
			prng_below(r, PAGES) * PAGE;
	uint32_t access = prng_below(r, 4) ? IOAS_PROT_READ : RW;
	uint64_t addr, length;
	struct frame *f;
	int ret;

	ret = ioas_dview_translate(v, iova, iova + PAGE - 1, access, &addr,
				   &length);
	if (ret == -ENOENT) {
		atomic_fetch_add_explicit(&a->missed, 1, memory_order_relaxed);
		return;
	}
	if (ret || addr / PAGE >= NR_FRAMES || length != PAGE)
		wrong("translation", (uint64_t)ret, addr);
	f = &a->frames[addr / PAGE];
	for (unsigned int i = 0; i < 16; i++) {
		uint64_t live = atomic_load_explicit(&f->live_for,
						     memory_order_relaxed);

		if (live != iova)
			wrong("a frame that is not the device's", iova, live);
	}
	if (access & IOAS_PROT_WRITE) {
		atomic_fetch_add_explicit(&f->writes, 1, memory_order_relaxed);
		atomic_fetch_add_explicit(&a->written, 1,
					  memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&a->found, 1, memory_order_relaxed);
}

static void device_section(struct arena *a, struct ioas_dview *v,
			   struct prng *r)
{
	ioas_dview_enter(v);
	for (uint64_t n = 1 + prng_below(r, 8); n; n--)
		device_use(a, v, r);
	ioas_dview_exit(v);
}

static void *device_run(void *arg)
{
	struct arena *a = &arena;
	const unsigned int number = (unsigned int)(uintptr_t)arg;
	const unsigned int every = 4u << 2 * number;
	struct prng prng = { number };
	struct ioas_dview *v;
	unsigned int n = 0;

	if (ioas_dview_create(a->d, NULL, NULL, &v))
		wrong("no view", 0, 0);
	while (atomic_load_explicit(&a->owners_left, memory_order_relaxed)) {
		device_section(a, v, &prng);
		others_turn(&n, every);
	}
	ioas_dview_destroy(v);
	return NULL;
}

/* It comes and goes: who unmaps may not know it yet, or wait for it still. */
static void *visitor_run(void *arg)
{
	struct arena *a = &arena;
	struct prng prng = { (uintptr_t)arg };
	struct ioas_dview *v;

	while (atomic_load_explicit(&a->owners_left, memory_order_relaxed)) {
		if (ioas_dview_create(a->d, NULL, NULL, &v))
			wrong("no view", 0, 0);
		device_section(a, v, &prng);
		ioas_dview_destroy(v);
		sched_yield();
	}
	return NULL;
}

static void arena_init(struct arena *a, const struct format *format)
{
	const struct ioas_table_options opts = {
		.format = ioas_pt_format_find(format->name, 0),
		.pt = format->pt,
		.dirty = true,
	};

	assert_non_null(opts.format);
	assert_int_equal(ioas_table_domain_create(&opts, &a->d), 0);
	assert_int_equal(a->d->ops->set_dirty_tracking(a->d, true), 0);
	atomic_store(&a->owners_left, OWNERS);
	atomic_store(&a->found, 0);
	atomic_store(&a->missed, 0);
	atomic_store(&a->written, 0);
	for (size_t i = 0; i < NR_FRAMES; i++) {
		atomic_store(&a->frames[i].live_for, DEAD);
		atomic_store(&a->frames[i].writes, 0);
	}
	for (unsigned int i = 0; i < OWNERS; i++) {
		a->owners[i] = (struct owner){ .arena = a, .number = i,
					       .prng = { 77 + i } };
		for (unsigned int w = 0; w < WINDOWS; w++)
			a->owners[i].windows[w].iova = window_iova(i, w);
	}
}

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, run, arg), 0);
	return t;
}

static void devices_never_use_what_was_unmapped(void **state)
{
	const struct format *format = *state;
	pthread_t threads[OWNERS + DEVICES + 1];
	unsigned int n = 0;

	arena_init(&arena, format);
	for (unsigned int i = 0; i < DEVICES; i++)
		threads[n++] = start(device_run, (void *)(uintptr_t)(i + 1));
	threads[n++] = start(visitor_run, (void *)(uintptr_t)99);
	for (unsigned int i = 0; i < OWNERS; i++)
		threads[n++] = start(owner_run, &arena.owners[i]);
	while (n)
		pthread_join(threads[--n], NULL);
	fprintf(stderr, "# %s: found %llu, not found %llu, written %llu\n",
		format->name,
		(unsigned long long)atomic_load(&arena.found),
		(unsigned long long)atomic_load(&arena.missed),
		(unsigned long long)atomic_load(&arena.written));
	assert_true(atomic_load(&arena.found));
	assert_true(atomic_load(&arena.missed));
	assert_true(atomic_load(&arena.written));
	assert_false(ioas_dview_exists(arena.d));
	assert_true(ioas_table_domain_validate(arena.d));
	arena.d->ops->destroy(arena.d);
}

/* ---- spaces, and memory ------------------------------------------------- */

#define MAPPERS 2u
#define MAPPER_SLOTS 8u
#define SLOT_PAGES 8u
#define SLOT (SLOT_PAGES * PAGE)
#define IOVA_BASE UINT64_C(0x40000000)

static struct {
	struct ioas_context *ctx;
	struct ioas_origin *memory;
	struct ioas *ioas;
	struct ioas_domain *domain;
	char *bytes;
	_Atomic unsigned int mappers_left;
	_Atomic uint64_t found;
} all;

/* Two words of a page say for which IOVA it is live. */
static void page_set(char *page, uint64_t value)
{
	__atomic_store_n((uint64_t *)(void *)page, value, __ATOMIC_RELAXED);
	__atomic_store_n((uint64_t *)(void *)(page + PAGE - 8), value,
			 __ATOMIC_RELAXED);
}

static uint64_t page_get(const char *page)
{
	uint64_t first = __atomic_load_n((const uint64_t *)(const void *)page,
					 __ATOMIC_RELAXED);
	uint64_t last = __atomic_load_n(
		(const uint64_t *)(const void *)(page + PAGE - 8),
		__ATOMIC_RELAXED);

	return first == last ? first : DEAD;
}

/* Half of the slots and of the memory, which has a stretch to spare. */
struct mapper {
	unsigned int number;
	/* Memory at each slot, or NULL; and what is nowhere. */
	char *at[MAPPER_SLOTS];
	char *spare[MAPPER_SLOTS + 1];
	unsigned int nr_spare;
};

static uint64_t mapper_iova(const struct mapper *m, unsigned int slot)
{
	return IOVA_BASE + (m->number * MAPPER_SLOTS + slot) * SLOT;
}

static void slot_map(struct mapper *m, unsigned int slot, unsigned int which)
{
	uint64_t iova = mapper_iova(m, slot);
	char *bytes = m->spare[which];

	m->spare[which] = m->spare[--m->nr_spare];
	for (unsigned int i = 0; i < SLOT_PAGES; i++)
		page_set(bytes + i * PAGE, iova + i * PAGE);
	ioas_plat_writer_barrier();
	if (ioas_map(all.ioas, all.memory, (uintptr_t)bytes, SLOT,
		     IOAS_READ | IOAS_WRITE | IOAS_FIXED, &iova))
		wrong("map fails", iova, 0);
	m->at[slot] = bytes;
}

static void slot_unmap(struct mapper *m, unsigned int slot)
{
	uint64_t iova = mapper_iova(m, slot), nr = 0;

	if (ioas_unmap(all.ioas, iova, SLOT, &nr) || nr != SLOT)
		wrong("unmap fails", iova, nr);
	for (unsigned int i = 0; i < SLOT_PAGES; i++)
		page_set(m->at[slot] + i * PAGE, DEAD);
	m->spare[m->nr_spare++] = m->at[slot];
	m->at[slot] = NULL;
}

static void *mapper_run(void *arg)
{
	struct mapper m = { .number = (unsigned int)(uintptr_t)arg };
	struct prng prng = { m.number + 5 };
	char *bytes = all.bytes + m.number * (MAPPER_SLOTS + 1) * SLOT;

	for (unsigned int i = 0; i <= MAPPER_SLOTS; i++)
		m.spare[m.nr_spare++] = bytes + i * SLOT;
	for (unsigned int n = 0; n < STEPS || atomic_load(&all.found) < FOUND;
	     others_turn(&n, 16)) {
		unsigned int slot =
			(unsigned int)prng_below(&prng, MAPPER_SLOTS);

		if (m.at[slot])
			slot_unmap(&m, slot);
		slot_map(&m, slot,
			 (unsigned int)prng_below(&prng, m.nr_spare));
	}
	for (unsigned int i = 0; i < MAPPER_SLOTS; i++)
		if (m.at[i])
			slot_unmap(&m, i);
	atomic_fetch_sub(&all.mappers_left, 1);
	return NULL;
}

static void *looker_run(void *arg)
{
	const unsigned int number = (unsigned int)(uintptr_t)arg;
	const unsigned int every = 4u << 2 * number;
	struct prng prng = { number };
	struct ioas_view *v;
	unsigned int n = 0;

	if (ioas_view_create(all.ctx, all.domain, NULL, &v))
		wrong("no view", 0, 0);
	while (atomic_load_explicit(&all.mappers_left, memory_order_relaxed)) {
		uint64_t iova = IOVA_BASE +
				prng_below(&prng, MAPPERS * MAPPER_SLOTS *
							  SLOT_PAGES) * PAGE;
		uint64_t got, value;
		void *p;
		int ret;

		ioas_view_enter(v);
		ret = ioas_view_map(v, iova, PAGE, IOAS_READ, &p, &got);
		for (unsigned int i = 0; !ret && i < 8; i++) {
			value = page_get(p);
			if (value != iova)
				wrong("memory that is not the device's", iova,
				      value);
		}
		ioas_view_exit(v);
		if (ret && ret != -ENOENT)
			wrong("view map", iova, (uint64_t)ret);
		if (!ret)
			atomic_fetch_add_explicit(&all.found, 1,
						  memory_order_relaxed);
		others_turn(&n, every);
	}
	ioas_view_destroy(v);
	return NULL;
}

static void space_create(unsigned int format, unsigned int flags)
{
	const struct ioas_context_options ctx = {
		.size = sizeof(ctx), .page_size = PAGE };
	const struct ioas_domain_options domain = {
		.size = sizeof(domain), .format = format, .flags = flags };

	const unsigned int slots = MAPPERS * (MAPPER_SLOTS + 1);

	all.bytes = aligned_alloc(PAGE, slots * SLOT);
	assert_non_null(all.bytes);
	for (unsigned int i = 0; i < slots * SLOT_PAGES; i++)
		page_set(all.bytes + i * PAGE, DEAD);
	assert_int_equal(ioas_context_create(&ctx, &all.ctx), 0);
	assert_int_equal(ioas_origin_own(all.ctx, &all.memory), 0);
	assert_int_equal(ioas_create(all.ctx, &all.ioas), 0);
	assert_int_equal(ioas_domain_create(&domain, &all.domain), 0);
	assert_int_equal(ioas_attach(all.ioas, all.domain), 0);
}

static void space_destroy(void)
{
	assert_int_equal(ioas_validate(all.ioas), 0);
	assert_int_equal(ioas_detach(all.ioas, all.domain), 0);
	assert_int_equal(ioas_domain_destroy(all.domain), 0);
	assert_int_equal(ioas_destroy(all.ioas), 0);
	ioas_origin_destroy(all.memory);
	assert_int_equal(ioas_context_destroy(all.ctx), 0);
	free(all.bytes);
}

static void memory_is_the_owners_again_after_an_unmap(void **state)
{
	pthread_t threads[MAPPERS + DEVICES];
	unsigned int n = 0;

	(void)state;
	space_create(IOAS_PT_AMDV1, IOAS_DOMAIN_GROW);
	atomic_store(&all.mappers_left, MAPPERS);
	atomic_store(&all.found, 0);
	for (unsigned int i = 0; i < DEVICES; i++)
		threads[n++] = start(looker_run, (void *)(uintptr_t)(i + 1));
	for (unsigned int i = 0; i < MAPPERS; i++)
		threads[n++] = start(mapper_run, (void *)(uintptr_t)i);
	while (n)
		pthread_join(threads[--n], NULL);
	fprintf(stderr, "# memory: found %llu\n",
		(unsigned long long)atomic_load(&all.found));
	assert_true(atomic_load(&all.found));
	space_destroy();
}

/* ---- one section, one unmap --------------------------------------------- */

struct unmapper {
	uint64_t iova;
	_Atomic bool begun;
	_Atomic bool done;
};

static void *unmapper_run(void *arg)
{
	struct unmapper *u = arg;

	atomic_store(&u->begun, true);
	if (ioas_unmap(all.ioas, u->iova, SLOT, NULL))
		wrong("unmap fails", u->iova, 0);
	atomic_store(&u->done, true);
	return NULL;
}

static void pause_ms(long ms)
{
	const struct timespec t = { 0, ms * 1000000 };

	nanosleep(&t, NULL);
}

static void an_unmap_waits_for_the_view_that_is_inside(void **state)
{
	struct unmapper u = { .iova = IOVA_BASE };
	struct ioas_view *inside, *outside;
	uint64_t got;
	pthread_t t;
	void *p;

	(void)state;
	space_create(IOAS_PT_MOCK, 0);
	assert_int_equal(ioas_map(all.ioas, all.memory, (uintptr_t)all.bytes,
				  SLOT, IOAS_READ | IOAS_FIXED, &u.iova), 0);
	assert_int_equal(ioas_view_create(all.ctx, all.domain, NULL, &inside),
			 0);
	assert_int_equal(ioas_view_create(all.ctx, all.domain, NULL, &outside),
			 0);
	for (unsigned int i = 0; i < 2; i++) {
		ioas_view_enter(inside);
		assert_int_equal(ioas_view_map(inside, u.iova, 1, IOAS_READ,
					       &p, &got), 0);
		atomic_store(&u.begun, false);
		atomic_store(&u.done, false);
		t = start(unmapper_run, &u);
		while (!atomic_load(&u.begun))
			pause_ms(1);
		pause_ms(50);
		assert_false(atomic_load(&u.done));
		/* Others come and go. */
		ioas_view_enter(outside);
		ioas_view_exit(outside);
		assert_false(atomic_load(&u.done));
		ioas_view_exit(inside);
		pthread_join(t, NULL);
		assert_true(atomic_load(&u.done));
		ioas_view_enter(outside);
		assert_int_equal(ioas_view_map(outside, u.iova, 1, IOAS_READ,
					       &p, &got), -ENOENT);
		ioas_view_exit(outside);
		assert_int_equal(ioas_map(all.ioas, all.memory,
					  (uintptr_t)all.bytes, SLOT,
					  IOAS_READ | IOAS_FIXED, &u.iova), 0);
	}
	ioas_view_destroy(inside);
	ioas_view_destroy(outside);
	space_destroy();
}

/* A section on one domain holds up nobody on another. */
static void an_unmap_elsewhere_does_not_wait(void **state)
{
	uint64_t iova = IOVA_BASE, got;
	struct ioas_domain *d;
	struct ioas_view *v;
	void *p;

	(void)state;
	space_create(IOAS_PT_MOCK, 0);
	assert_int_equal(ioas_domain_create(NULL, &d), 0);
	assert_int_equal(ioas_view_create(all.ctx, d, NULL, &v), 0);
	ioas_view_enter(v);
	assert_int_equal(ioas_map(all.ioas, all.memory, (uintptr_t)all.bytes,
				  SLOT, IOAS_READ | IOAS_FIXED, &iova), 0);
	assert_int_equal(ioas_unmap(all.ioas, iova, SLOT, NULL), 0);
	assert_int_equal(ioas_view_map(v, iova, 1, IOAS_READ, &p, &got),
			 -ENOENT);
	ioas_view_exit(v);
	ioas_view_destroy(v);
	assert_int_equal(ioas_domain_destroy(d), 0);
	space_destroy();
}

int main(void)
{
	const struct CMUnitTest directed[] = {
		cmocka_unit_test(an_unmap_waits_for_the_view_that_is_inside),
		cmocka_unit_test(an_unmap_elsewhere_does_not_wait),
		cmocka_unit_test(memory_is_the_owners_again_after_an_unmap),
	};
	enum { NR_DIRECTED = IOAS_ARRAY_SIZE(directed) };
	struct CMUnitTest tests[NR_DIRECTED + IOAS_ARRAY_SIZE(formats)];
	char names[IOAS_ARRAY_SIZE(formats)][64];

	for (size_t i = 0; i < NR_DIRECTED; i++)
		tests[i] = directed[i];
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(formats); i++) {
		snprintf(names[i], sizeof(names[i]),
			 "devices_never_use_what_was_unmapped_%s",
			 formats[i].name);
		tests[NR_DIRECTED + i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = devices_never_use_what_was_unmapped,
			.initial_state = (void *)(uintptr_t)&formats[i],
		};
	}
	return _cmocka_run_group_tests("t_view_stress", tests,
				       IOAS_ARRAY_SIZE(tests), NULL, NULL);
}
