/* SPDX-License-Identifier: MIT */
/*
 * projection: what can be observed of a world, as a text, and whether it is
 * legal
 *
 *    space 0: alignment 4096 domains 0
 *     area 1000000-1007fff pages 0 index 0+0 prot 3 live linked pins 1
 *    pages 0: origin 0 base 16 nr 8 writable pinned 8 charged 8
 *     linked 0-7 x1
 *     access 2-4 x1
 *     record 2-4 users 1
 *     store 2 -> 258 x3
 *    domain 0: space 0
 *     1000000-1007fff -> 100000 prot 3
 *
 * Pages objects are numbered in the order in which areas lead to them, so that
 * the texts of two worlds can be compared.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

/* Areas up to this many pages are compared page by page. */
#define PAGE_BY_PAGE 4096

struct text {
	char *s;
	size_t length;
	size_t cap;
};

/* All pages objects of a world, in order of appearance. */
struct objects {
	struct ioas_pages **v;
	/* LIVE areas that lead to it. */
	unsigned int *areas;
	size_t nr;
	size_t cap;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t,
						      const char *format, ...)
{
	for (;;) {
		const size_t room = t->cap - t->length;
		va_list ap;
		int n;

		va_start(ap, format);
		n = vsnprintf(t->s ? t->s + t->length : NULL, room, format, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < room) {
			t->length += (size_t)n;
			return;
		}
		t->cap = t->cap ? 2 * t->cap : 4096;
		t->s = realloc(t->s, t->cap);
		if (!t->s)
			abort();
	}
}

static size_t object_number(struct objects *o, struct ioas_pages *pages)
{
	size_t i = 0;

	while (i < o->nr && o->v[i] != pages)
		i++;
	if (i < o->nr)
		return i;
	if (o->nr == o->cap) {
		o->cap = o->cap ? 2 * o->cap : 16;
		o->v = realloc(o->v, o->cap * sizeof(*o->v));
		o->areas = realloc(o->areas, o->cap * sizeof(*o->areas));
		if (!o->v || !o->areas)
			abort();
	}
	o->v[o->nr] = pages;
	o->areas[o->nr++] = 0;
	return i;
}

#define for_each_area(space, r)                                              \
	for (bool r##_ok =                                                   \
		     ioas_rangemap_first(&(space)->areas, 0, UINT64_MAX, &r); \
	     r##_ok;                                                         \
	     r##_ok = ioas_rangemap_next(&(space)->areas, UINT64_MAX, &r))

static void objects_find(struct objects *o, struct world *w)
{
	memset(o, 0, sizeof(*o));
	for (unsigned int s = 0; s < WORLD_SPACES; s++) {
		struct ioas_range r;

		if (!w->spaces[s])
			continue;
		for_each_area(w->spaces[s], r) {
			struct ioas_area *a = r.value;

			const size_t i = object_number(o, a->pages);

			o->areas[i]++;
		}
	}
}

static void objects_free(struct objects *o)
{
	free(o->v);
	free(o->areas);
}

static int number_of(void *const *v, int nr, const void *p)
{
	for (int i = 0; i < nr; i++)
		if (v[i] == p)
			return i;
	return -1;
}

/* ---- text --------------------------------------------------------------- */

static void put_itree(struct text *t, struct world *w, const char *name,
		      const struct ioas_itree *tree)
{
	struct ioas_itree_node *n;

	for (n = ioas_itree_first(tree, 0, UINT64_MAX); n;
	     n = ioas_itree_next(n, 0, UINT64_MAX)) {
		const void *owner =
			ioas_container_of(n, struct ioas_iova_entry, node)
				->owner;
		int d = number_of((void *const *)w->domains, WORLD_DOMAINS,
				  owner);

		put(t, " %s %" PRIx64 "-%" PRIx64, name, n->first, n->last);
		if (d >= 0)
			put(t, " domain %d\n", d);
		else
			put(t, " token %" PRIuPTR "\n", (uintptr_t)owner);
	}
}

static void put_space(struct text *t, struct world *w, unsigned int s,
		      struct objects *o)
{
	struct ioas *ioas = w->spaces[s];
	struct ioas_range r;

	put(t, "space %u: alignment %u%s domains", s, ioas->alignment,
	    ioas->small_pages ? " small" : "");
	for (uint32_t i = 0; i < ioas->nr_domains; i++)
		put(t, " %d",
		    number_of((void *const *)w->domains, WORLD_DOMAINS,
			      ioas->domains[i]));
	put(t, "\n");
	for_each_area(ioas, r) {
		struct ioas_area *a = r.value;

		put(t,
		    " area %" PRIx64 "-%" PRIx64
		    " pages %zu index %" PRIu64 "+%u prot %u state %u",
		    r.first, r.last, object_number(o, a->pages), a->index,
		    a->page_offset, a->prot, a->state);
		put(t, "%s%s pins %u locks %u\n", a->closing ? " closing" : "",
		    a->storage ? " linked" : "", a->nr_accesses, a->nr_locks);
	}
	put_itree(t, w, "reserved", &ioas->reserved);
	put_itree(t, w, "allowed", &ioas->allowed);
}

static void put_set(struct text *t, const char *name,
		    const struct ioas_cset *set, uint64_t nr)
{
	uint64_t index = 0, next;

	for (; set && index < nr; index = next) {
		struct ioas_span span = ioas_cset_span(set, index, nr - 1);

		next = span.last + 1;
		if (!span.used)
			continue;
		if (span.last - span.first >= PAGE_BY_PAGE) {
			put(t, " %s %" PRIu64 "-%" PRIu64 "\n", name,
			    span.first, span.last);
			continue;
		}
		for (uint64_t i = span.first; i <= span.last; i++)
			put(t, " %s %" PRIu64 " x%" PRIu64 "\n", name, i,
			    ioas_cset_count(set, i));
	}
}

static void put_access(struct text *t, const struct ioas_access_set *as,
		       uint64_t nr)
{
	struct ioas_itree_node *n;
	struct ioas_run run;

	for (n = ioas_itree_first(&as->records, 0, UINT64_MAX); n;
	     n = ioas_itree_next(n, 0, UINT64_MAX))
		put(t, " record %" PRIu64 "-%" PRIu64 " users %u\n", n->first,
		    n->last,
		    ioas_container_of(n, struct ioas_record, node)->users);
	for (uint64_t i = 0; i < nr; i += run.nr) {
		struct ioas_span span = ioas_cset_span(&as->set, i, nr - 1);

		run = (struct ioas_run){ 0, span.last - i + 1 };
		if (!span.used)
			continue;
		run = ioas_store_get(&as->store, i, nr - 1);
		assert_true(run.nr);
		put(t, " store %" PRIu64 " -> %" PRIu64 " x%" PRIu64 "\n", i,
		    run.pfn, run.nr);
	}
}

static void put_object(struct text *t, struct world *w, size_t i,
		       struct ioas_pages *pages)
{
	struct ioas_cset one;

	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	put(t, "pages %zu: origin %d base %" PRIu64 " nr %" PRIu64 "%s", i,
	    number_of((void *const *)w->origins, WORLD_ORIGINS, pages->origin),
	    pages->base, pages->nr_pages, pages->writable ? " writable" : "");
	put(t,
	    " mode %u principal %d refs %u pinned %" PRIu64 " charged %" PRIu64
	    "\n",
	    pages->mode,
	    number_of((void *const *)w->principals, WORLD_PRINCIPALS,
		      pages->principal),
	    atomic_load(&pages->refs), pages->nr_pinned, pages->nr_charged);
	put_set(t, "linked", ioas_pages_linked_set(pages, &one),
		pages->nr_pages);
	put_set(t, "access", ioas_pages_access_set(pages), pages->nr_pages);
	if (ioas_pages_access_set(pages))
		put_access(t, pages->access, pages->nr_pages);
	ioas_mutex_unlock(&pages->mutex);
}

/* A page table says where the areas of its space lead. */
static void put_table(struct text *t, struct world *w, unsigned int d)
{
	struct ioas_domain *dom = w->domains[d];
	struct ioas_range r;

	if (w->domain_space[d] < 0)
		return;
	for_each_area(w->spaces[w->domain_space[d]], r) {
		ioas_iova_t at = r.first;
		uint64_t addr, n;

		while (!dom->ops->translate_run(dom, at, r.last, NULL, &addr,
						&n)) {
			put(t, " %" PRIx64 "+%" PRIx64 " -> %" PRIx64 "\n", at,
			    n, addr);
			if (n - 1 == r.last - at)
				break;
			at += n;
		}
	}
}

/* Runs that continue each other are one line: calls are not observable. */
static void put_flat(struct text *t, struct world *w, unsigned int d)
{
	struct ioas_flat_run run, sum = { 0 };
	ioas_iova_t iova = 0;
	bool any = false;

	while (ioas_flat_domain_next(w->domains[d], iova, &run)) {
		if (any && sum.last + 1 == run.iova && sum.prot == run.prot &&
		    sum.addr + (sum.last - sum.iova) + 1 == run.addr) {
			sum.last = run.last;
		} else {
			if (any)
				put(t,
				    " %" PRIx64 "-%" PRIx64 " -> %" PRIx64
				    " prot %u\n",
				    sum.iova, sum.last, sum.addr, sum.prot);
			sum = run;
			any = true;
		}
		if (run.last == UINT64_MAX)
			break;
		iova = run.last + 1;
	}
	if (any)
		put(t, " %" PRIx64 "-%" PRIx64 " -> %" PRIx64 " prot %u\n",
		    sum.iova, sum.last, sum.addr, sum.prot);
}

static void put_clients(struct text *t, struct world *w)
{
	for (unsigned int c = 0; c < WORLD_CLIENTS; c++) {
		const struct world_client *cl = &w->clients[c];

		if (!cl->access)
			continue;
		put(t, "client %u: space %d unpin %d\n", c,
		    number_of((void *const *)w->spaces, WORLD_SPACES,
			      cl->access->ioas),
		    number_of((void *const *)w->spaces, WORLD_SPACES,
			      cl->access->unpin_ioas));
		for (unsigned int i = 0; i < cl->nr_pins; i++)
			put(t, " pin %" PRIx64 "+%" PRIx64 "\n",
			    cl->pins[i].iova, cl->pins[i].length);
	}
}

static void put_ledgers(struct text *t, struct world *w)
{
	put(t, "user charged %" PRIu64 "\n", world_charged(w));
	for (unsigned int i = 0; i < WORLD_PRINCIPALS; i++)
		put(t,
		    "principal %u: limit %" PRIx64 " charged %" PRIu64
		    " pinned %" PRIu64 " refs %u\n",
		    i, atomic_load(&w->principals[i]->limit),
		    atomic_load(&w->principals[i]->mm->charged),
		    atomic_load(&w->principals[i]->mm->pinned),
		    atomic_load(&w->principals[i]->refs));
	for (unsigned int o = 0; o < WORLD_ORIGINS; o++)
		if (w->origins[o])
			put(t, "origin %u: refs %u pins %" PRIu64 "\n", o,
			    atomic_load(&w->origins[o]->refs),
			    ioas_sim_origin_pins(w->origins[o]));
	put(t, "context %s\n", w->ctx.account_mm ? "mm" : "user");
}

char *world_snapshot(struct world *w)
{
	struct text t = { 0 };
	struct objects o;

	objects_find(&o, w);
	for (unsigned int s = 0; s < WORLD_SPACES; s++)
		if (w->spaces[s])
			put_space(&t, w, s, &o);
	for (size_t i = 0; i < o.nr; i++)
		put_object(&t, w, i, o.v[i]);
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++)
		if (w->domains[d]) {
			put(&t, "domain %u: space %d\n", d,
			    w->domain_space[d]);
			if (w->limits.table)
				put_table(&t, w, d);
			else
				put_flat(&t, w, d);
		}
	put_clients(&t, w);
	put_ledgers(&t, w);
	objects_free(&o);
	return t.s;
}

static size_t line_length(const char *s)
{
	return strcspn(s, "\n");
}

bool world_equal(const char *a, const char *b)
{
	while (*a && *b) {
		const size_t m = line_length(a), n = line_length(b);

		if (m != n || memcmp(a, b, m)) {
			fprintf(stderr, "# - %.*s\n# + %.*s\n", (int)m, a,
				(int)n, b);
			return false;
		}
		a += m + (a[m] == '\n');
		b += n + (b[n] == '\n');
	}
	if (*a == *b)
		return true;
	fprintf(stderr, "# %c %.*s\n", *a ? '-' : '+',
		(int)line_length(*a ? a : b), *a ? a : b);
	return false;
}

bool world_flat_stats(struct world *w, unsigned int d,
		      struct ioas_flat_stats *st)
{
	if (!w->limits.table)
		ioas_flat_domain_stats(w->domains[d], st);
	return !w->limits.table;
}

/* ---- sums --------------------------------------------------------------- */

uint64_t world_stored(struct world *w)
{
	struct objects o;
	uint64_t sum = 0;

	objects_find(&o, w);
	for (size_t i = 0; i < o.nr; i++) {
		ioas_mutex_lock(&o.v[i]->mutex, IOAS_RANK_PAGES);
		if (ioas_pages_access_set(o.v[i]))
			sum += ioas_store_pages(&o.v[i]->access->store);
		ioas_mutex_unlock(&o.v[i]->mutex);
	}
	objects_free(&o);
	return sum;
}

uint64_t world_charged(struct world *w)
{
	return atomic_load(&w->user->charged);
}

unsigned int world_areas(struct world *w, unsigned int s)
{
	return (unsigned int)ioas_rangemap_count(&w->spaces[s]->areas);
}

/* ---- checks ------------------------------------------------------------- */

/* B1, B4: every domain leads where the first one does, and that is pinned. */
static void check_area(struct world *w, struct ioas *ioas,
		       struct ioas_area *a, const char *what)
{
	const uint64_t last = ioas_area_last_index(a);

	for (uint64_t i = a->index; i <= last; i++) {
		const ioas_iova_t iova = ioas_area_iova_first(a, i);
		uint64_t first = 0, addr, n;

		for (uint32_t d = 0; d < ioas->nr_domains; d++) {
			struct ioas_domain *dom = ioas->domains[d];

			if (dom->ops->translate_run(dom, iova,
						    ioas_area_iova_last(a, i),
						    NULL, &addr, &n))
				fail_msg("%s: B1: %" PRIx64 " not in domain %u",
					 what, iova, d);
			if (d && addr != first)
				fail_msg("%s: B4: %" PRIx64 " is %" PRIx64
					 " and %" PRIx64,
					 what, iova, first, addr);
			if ((addr & (ioas_page_size(&w->ctx) - 1)) !=
			    ioas_area_head(a, i))
				fail_msg("%s: offset of %" PRIx64, what, iova);
			first = addr;
		}
	}
}

static void check_space(struct world *w, unsigned int s, const char *what)
{
	struct ioas *ioas = w->spaces[s];
	struct ioas_flat_stats st;
	struct ioas_range r;
	uint64_t bytes = 0;

	for_each_area(ioas, r) {
		struct ioas_area *a = r.value;

		if (ioas_pages_is_device(a->pages) && a->pages->device->revoked)
			continue;
		bytes += r.last - r.first + 1;
		if (r.last - r.first < (uint64_t)PAGE_BY_PAGE
					       << w->ctx.page_lg2)
			check_area(w, ioas, a, what);
	}
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
		if (w->domain_space[d] != (int)s ||
		    !world_flat_stats(w, d, &st))
			continue;
		if (st.bytes != bytes)
			fail_msg("%s: B2: domain %u maps %" PRIu64
				 " bytes, the areas have %" PRIu64,
				 what, d, st.bytes, bytes);
		if (st.unsynced)
			fail_msg("%s: domain %u is not synced", what, d);
	}
}

/* C1, C2, E1, E2, A6. */
static void check_objects(struct world *w, const char *what)
{
	uint64_t pinned = 0, charged = 0;
	struct objects o;

	objects_find(&o, w);
	for (size_t i = 0; i < o.nr; i++) {
		struct ioas_pages *p = o.v[i];

		pinned += p->nr_pinned;
		charged += p->mode == IOAS_ACCOUNT_USER ? p->nr_charged : 0;
		if (atomic_load(&p->refs) != o.areas[i])
			fail_msg("%s: A6: %u references, %u areas", what,
				 atomic_load(&p->refs), o.areas[i]);
	}
	objects_free(&o);
	if (pinned != ioas_sim_total_pins(w->sim))
		fail_msg("%s: C1: objects pinned %" PRIu64
			 ", the machine says %" PRIu64,
			 what, pinned, ioas_sim_total_pins(w->sim));
	if (charged != world_charged(w))
		fail_msg("%s: E2: objects charged %" PRIu64
			 ", the user pays %" PRIu64,
			 what, charged, world_charged(w));
}

void world_check(struct world *w, const char *what)
{
	if (ioas_context_validate(&w->ctx))
		fail_msg("%s: the context is not valid", what);
	for (unsigned int s = 0; s < WORLD_SPACES; s++)
		if (w->spaces[s])
			check_space(w, s, what);
	for (unsigned int d = 0; d < WORLD_DOMAINS; d++)
		if (w->domains[d] &&
		    !(w->limits.table ?
			      ioas_table_domain_validate(w->domains[d]) :
			      ioas_flat_domain_validate(w->domains[d])))
			fail_msg("%s: domain %u is not valid", what, d);
	check_objects(w, what);
	if (!ioas_sim_validate(w->sim))
		fail_msg("%s: the machine is not valid", what);
	if (w->violations)
		fail_msg("%s: a promise to the machine was broken", what);
}
