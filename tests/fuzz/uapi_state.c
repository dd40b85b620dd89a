/* SPDX-License-Identifier: MIT */
/*
 * uapi state: everything of the machine that can be seen, as a list of facts
 *
 *    contexts --> objects, users --> spaces: areas, ranges, tables
 *       |             `- devices, VIOMMUs, queues
 *    processes --> descriptors, mappings, what they pay
 *
 * Two lists that are equal are two states that no program can tell apart.
 * While the list is made, the books are balanced: each pin of the simulated
 * machine is one of a pages object, and each page paid for is pinned.
 */
#include <inttypes.h>
#include <string.h>

#include "core/iopt.h"
#include "domain/table.h"
#include "uapi.h"
#include "uapi/access.h"
#include "uapi/faultq.h"
#include "uapi/mock/mock.h"
#include "uapi/viommu.h"

#define MAX_PAGES 1024
/* Of an area in a table: more are not looked at. */
#define MAX_RUNS 80

/* One look. */
struct look {
	struct uapi_fuzz *f;
	struct uapi_state *s;
	/* Pages objects, each counted once. */
	const struct ioas_pages *seen[MAX_PAGES];
	unsigned int nr_seen;
	uint64_t pinned;
	uint64_t mm_pinned[SIM_PROCESSES];
	uint64_t mm_charged[SIM_PROCESSES];
	uint64_t user_charged[SIM_USERS];
};

static void fact_add(struct look *l, const char *what, uint64_t value)
{
	if (l->s->nr_facts < UAPI_STATE)
		l->s->facts[l->s->nr_facts++] =
			(struct uapi_fact){ what, value };
}

static void fact(struct look *l, const char *what, uint64_t value)
{
	fact_add(l, what, value);
	l->s->hash = (l->s->hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	l->s->hash ^= l->s->hash >> 29;
}

static void fact_pointer(struct look *l, const char *what, const void *p)
{
	fact_add(l, what, (uint64_t)(uintptr_t)p);
}

/* The first fact that is another one; nr_facts: all are the same. */
static unsigned int first_change(const struct uapi_state *a,
				 const struct uapi_state *b)
{
	unsigned int i = 0;

	while (i < a->nr_facts && i < b->nr_facts &&
	       a->facts[i].what == b->facts[i].what &&
	       a->facts[i].value == b->facts[i].value)
		i++;
	return i;
}

static bool same(const struct uapi_state *a, const struct uapi_state *b)
{
	return a->nr_facts == b->nr_facts && first_change(a, b) == a->nr_facts;
}

static void print_facts(const struct uapi_state *s, unsigned int from,
			unsigned int to)
{
	for (unsigned int i = from; i < to && i < s->nr_facts; i++)
		fprintf(stderr, "fuzz:   %s %#" PRIx64 "\n", s->facts[i].what,
			s->facts[i].value);
}

bool uapi_same(const struct uapi_fuzz *f)
{
	const unsigned int i = first_change(f->then, f->now);

	if (same(f->then, f->now))
		return true;
	fprintf(stderr, "fuzz: was\n");
	print_facts(f->then, i < 12 ? 0 : i - 12, i + 4);
	fprintf(stderr, "fuzz: is\n");
	print_facts(f->now, i, i + 4);
	return false;
}

/* ---- books -------------------------------------------------------------- */

static void count_owner(struct look *l, const struct ioas_pages *pages)
{
	struct simhost *h = l->f->h;

	for (unsigned int i = 0; i < SIM_PROCESSES; i++) {
		if (!h->processes[i].h ||
		    h->processes[i].mm != pages->principal->mm)
			continue;
		l->mm_pinned[i] += pages->nr_pinned;
		if (pages->mode == IOAS_ACCOUNT_MM)
			l->mm_charged[i] += pages->nr_charged;
	}
	for (unsigned int u = 0; u < SIM_USERS; u++)
		if (pages->mode == IOAS_ACCOUNT_USER &&
		    h->users[u] == pages->principal->user)
			l->user_charged[u] += pages->nr_charged;
}

static void count_pages(struct look *l, const struct ioas_pages *pages)
{
	for (unsigned int i = 0; i < l->nr_seen; i++)
		if (l->seen[i] == pages)
			return;
	demand(l->nr_seen < MAX_PAGES);
	l->seen[l->nr_seen++] = pages;
	l->pinned += pages->nr_pinned;
	if (pages->principal)
		count_owner(l, pages);
}

/* A page that nothing holds has no pin, and nobody pays for it. */
static void balance(struct look *l)
{
	struct simhost *h = l->f->h;

	demand(ioas_sim_total_pins(h->sim) == l->pinned);
	for (unsigned int i = 0; i < SIM_PROCESSES; i++) {
		const struct sim_process *p = &h->processes[i];

		if (!p->h || atomic_load(&p->mm->gone))
			continue;
		demand(atomic_load(&p->mm->pinned) == l->mm_pinned[i]);
		demand(atomic_load(&p->mm->charged) == l->mm_charged[i]);
	}
	for (unsigned int u = 0; u < SIM_USERS; u++)
		demand(atomic_load(&h->users[u]->charged) ==
		       l->user_charged[u]);
}

/* ---- spaces ------------------------------------------------------------- */

/* In runs as long as they are, however the table cuts them. */
static void look_table(struct look *l, struct ioas_domain *d,
		       const struct ioas_area *a)
{
	struct ioas_domain_cursor cursor = { 0 };
	uint64_t addr, length, next = 0;
	ioas_iova_t at = a->iova;

	for (unsigned int i = 0; i < MAX_RUNS; i++) {
		if (d->ops->translate_run(d, at, a->last, &cursor, &addr,
					  &length)) {
			fact(l, "no translation", at);
			return;
		}
		if (!i || addr != next) {
			fact(l, "at", at);
			fact(l, "translation", addr);
		}
		if (length > a->last - at)
			return;
		at += length;
		next = addr + length;
	}
}

static void look_area(struct look *l, struct ioas *ioas,
		      const struct ioas_area *a)
{
	demand(a->state == IOAS_AREA_LIVE && !a->closing);
	fact(l, "area", a->iova);
	fact(l, "last", a->last);
	fact(l, "prot", a->prot);
	fact(l, "page offset", a->page_offset);
	fact(l, "index", a->index);
	fact(l, "accesses", a->nr_accesses);
	fact(l, "locks", a->nr_locks);
	fact_pointer(l, "pages", a->pages);
	fact(l, "pages' users", atomic_load(&a->pages->refs));
	fact(l, "pinned", a->pages->nr_pinned);
	fact(l, "charged", a->pages->nr_charged);
	fact(l, "mode", a->pages->mode);
	fact_pointer(l, "principal", a->pages->principal);
	count_pages(l, a->pages);
	for (uint32_t d = 0; d < ioas->nr_domains; d++)
		look_table(l, ioas->domains[d], a);
}

static void look_ranges(struct look *l, const struct ioas_itree *t,
			const char *what)
{
	struct ioas_itree_node *n = ioas_itree_first(t, 0, UINT64_MAX);

	for (; n; n = ioas_itree_next(n, 0, UINT64_MAX)) {
		fact(l, what, n->first);
		fact(l, "last", n->last);
	}
}

static void look_space(struct look *l, const struct ioas_space *s)
{
	struct ioas *ioas = s->ioas;
	struct ioas_range r;

	look_ranges(l, &ioas->reserved, "reserved");
	look_ranges(l, &ioas->allowed, "allowed");
	fact(l, "alignment", ioas->alignment);
	fact(l, "small pages", ioas->small_pages);
	fact(l, "domains", ioas->nr_domains);
	fact(l, "accesses", ioas->nr_accesses);
	ioas_list_for_each(e, &s->hwpts)
		fact(l, "table",
		     ioas_list_entry(e, struct ioas_hwpt, link)->obj.id);
	ioas_for_each_range(&r, &ioas->areas, 0, UINT64_MAX)
		look_area(l, ioas, r.value);
}

/* ---- the other objects -------------------------------------------------- */

struct dirty_look {
	struct ioas_dirty_sink sink;
	struct look *l;
};

static void dirty_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		       ioas_iova_t last)
{
	struct look *l = ioas_container_of(sink, struct dirty_look, sink)->l;

	fact(l, "dirty", iova);
	fact(l, "last", last);
}

static void look_dirty(struct look *l, struct ioas_hwpt *h)
{
	struct dirty_look d = { .sink.mark = dirty_mark, .l = l };
	struct ioas_range r;

	fact(l, "tracks dirty", ioas_table_domain_tracks_dirty(h->domain));
	ioas_for_each_range(&r, &h->space->ioas->areas, 0, UINT64_MAX)
		h->domain->ops->read_and_clear_dirty(h->domain, r.first, r.last,
						     IOAS_DIRTY_NO_CLEAR,
						     &d.sink);
}

static void look_hwpt(struct look *l, struct ioas_hwpt *h)
{
	fact(l, "fault queue", h->fault ? h->fault->obj.id : 0);
	fact(l, "pasid", h->pasid);
	fact(l, "automatic", h->automatic);
	if (ioas_hwpt_is_nested(h)) {
		fact(l, "parent", h->parent->obj.id);
		fact(l, "viommu", h->viommu ? h->viommu->obj.id : 0);
		for (uint32_t i = 0; i < IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_NUM;
		     i++)
			fact(l, "iotlb", ioas_mock_nested_iotlb(h, i));
		return;
	}
	if (h->dirty)
		look_dirty(l, h);
	/* Nobody is on it, and nobody will be. */
	demand(!h->automatic || atomic_load(&h->obj.users) > 1);
}

static void look_device(struct look *l, struct ioas_idev *idev)
{
	static const uint32_t pasids[] = {
		0,
		1,
		2,
		IOAS_ABI_TEST_PASID_RESERVED,
		(1u << IOAS_ABI_MOCK_PASID_WIDTH) - 1,
	};
	const struct ioas_mock_device *d = ioas_mock_device_of(idev->dev);

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(pasids); i++) {
		struct ioas_hwpt *h = ioas_idev_hwpt(idev, pasids[i]);

		fact(l, "attached", h ? h->obj.id : 0);
		if (h)
			ioas_object_put(&h->obj);
	}
	fact(l, "vdevice", idev->vdev ? idev->vdev->obj.id : 0);
	for (unsigned int i = 0; i < IOAS_ABI_MOCK_DEV_CACHE_NUM; i++)
		fact(l, "cache", atomic_load(&d->cache[i]));
	fact(l, "virt_id", d->virt_id);
}

static void look_queue(struct look *l, const struct ioas_faultq *q)
{
	uint32_t nr = 0;

	ioas_list_for_each(e, &q->queued)
		nr++;
	fact(l, "queued", nr);
	ioas_list_for_each(e, &q->outstanding)
		nr++;
	fact(l, "groups", nr);
	demand(nr == q->nr && !q->reading);
}

static void look_viommu(struct look *l, const struct ioas_viommu *v)
{
	uint32_t nr = 0;

	fact(l, "parent", v->parent->obj.id);
	for (const struct ioas_itree_node *n =
		     ioas_itree_first(&v->vdevs, 0, UINT64_MAX);
	     n; n = ioas_itree_next(n, 0, UINT64_MAX))
		fact(l, "virt_id", n->first);
	ioas_list_for_each(e, &v->veventqs)
		nr++;
	fact(l, "event queues", nr);
}

static void look_object(struct look *l, struct ioas_object *obj)
{
	const struct ioas_uaccess_client *c;

	switch (obj->class->type) {
	case IOAS_OBJECT_IOAS:
		look_space(l, ioas_container_of(obj, struct ioas_space, obj));
		break;
	case IOAS_OBJECT_HWPT_PAGING:
	case IOAS_OBJECT_HWPT_NESTED:
		look_hwpt(l, ioas_hwpt_of(obj));
		break;
	case IOAS_OBJECT_DEVICE:
		look_device(l, ioas_container_of(obj, struct ioas_idev, obj));
		break;
	case IOAS_OBJECT_ACCESS:
		c = ioas_container_of(obj, struct ioas_uaccess_client, obj);
		fact(l, "space", c->space ? c->space->obj.id : 0);
		break;
	case IOAS_OBJECT_FAULT:
		look_queue(l, ioas_container_of(obj, struct ioas_faultq, obj));
		break;
	case IOAS_OBJECT_VIOMMU:
		look_viommu(l, ioas_container_of(obj, struct ioas_viommu, obj));
		break;
	default:
		break;
	}
}

static uint32_t object_is(const struct ioas_object *obj)
{
	uint32_t is = UINT32_C(1) << obj->class->type;
	const struct ioas_hwpt *h;

	if (!(is & IS_HWPT))
		return is;
	h = ioas_container_of(obj, struct ioas_hwpt, obj);
	return is | (h->nest_parent ? IS_PARENT : 0) |
	       (h->dirty ? IS_DIRTY : 0) | (h->pasid ? IS_PASID : 0);
}

/* ---- contexts, processes ------------------------------------------------ */

static void look_context(struct look *l, struct ioas_iommufd *ictx)
{
	struct uapi_context *c = &l->s->contexts[l->s->nr_contexts++];
	struct ioas_object *obj = NULL;
	uint32_t id = 0;

	*c = (struct uapi_context){ .ictx = ictx };
	fact_pointer(l, "context", ictx);
	fact(l, "references", atomic_load(&ictx->refs));
	fact(l, "ids", ictx->objects.nr);
	fact(l, "compat space",
	     ictx->vfio_space ? ictx->vfio_space->obj.id : 0);
	fact(l, "pays the process", ictx->core.account_mm);
	ioas_list_for_each(e, &ictx->regions.list) {
		const struct ioas_region *r =
			ioas_list_entry(e, struct ioas_region, link);

		fact(l, "region", r->offset);
		fact(l, "of", r->owner->id);
	}
	while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_ANY))) {
		id = obj->id;
		fact(l, "object", id);
		fact(l, "type", obj->class->type);
		fact(l, "users", atomic_load(&obj->users) - 1);
		look_object(l, obj);
		ioas_object_put(obj);
		if (c->nr < UAPI_OBJECTS)
			c->objects[c->nr++] = (struct uapi_known){
				.obj = obj, .id = id, .is = object_is(obj)
			};
	}
}

static void look_process(struct look *l, const struct sim_process *p)
{
	fact(l, "process", (uint64_t)p->live);
	for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++) {
		const struct sim_fd *e = &p->fds[fd];

		demand(e->kind != SIM_FD_RESERVED);
		if (e->kind == SIM_FD_FREE)
			continue;
		fact(l, "descriptor", (uint64_t)fd);
		fact_pointer(l, "file", e->file);
		fact(l, "ready",
		     e->file && e->file->ops->poll ?
			     e->file->ops->poll(e->file) :
			     0);
	}
	for (int m = 0; m < SIM_MAPPINGS; m++)
		fact_pointer(l, "mapping", p->mappings[m].region);
}

/* ---- validators --------------------------------------------------------- */

static void validate_object(struct ioas_object *obj, bool tables)
{
	const struct ioas_uaccess_client *c;
	const struct ioas_idev *idev;

	switch (obj->class->type) {
	case IOAS_OBJECT_HWPT_PAGING:
		demand(!tables ||
		       ioas_table_domain_validate(ioas_hwpt_of(obj)->domain));
		break;
	case IOAS_OBJECT_DEVICE:
		idev = ioas_container_of(obj, struct ioas_idev, obj);
		demand(!ioas_igroup_validate(idev->dev->group));
		break;
	case IOAS_OBJECT_ACCESS:
		c = ioas_container_of(obj, struct ioas_uaccess_client, obj);
		demand(ioas_access_validate(c->access));
		break;
	default:
		break;
	}
}

static void validate(struct uapi_fuzz *f)
{
	for (unsigned int i = 0; i < f->now->nr_contexts; i++) {
		struct uapi_context *c = &f->now->contexts[i];

		demand(!ioas_iommufd_validate(c->ictx));
		for (unsigned int o = 0; o < c->nr; o++)
			/* Page tables are large. */
			validate_object(c->objects[o].obj, f->looks % 8 == 0);
	}
	f->looks++;
}

void uapi_look(struct uapi_fuzz *f)
{
	static struct look l;
	struct uapi_state *s = f->then;

	f->then = f->now;
	f->now = s;
	s->nr_contexts = 0;
	s->nr_facts = 0;
	s->hash = 0;
	l = (struct look){ .f = f, .s = s };
	ioas_list_for_each(e, &f->h->uapi->contexts)
		look_context(&l, ioas_list_entry(e, struct ioas_iommufd, link));
	for (unsigned int i = 0; i < f->nr_procs; i++)
		look_process(&l, f->procs[i]);
	fact(&l, "pieces of shared memory", f->h->nr_shm);
	balance(&l);
	/* The larger it is the longer that takes. */
	if (!same(f->then, f->now) &&
	    ++f->changes % (1 + s->nr_facts / 128) == 0)
		validate(f);
}
