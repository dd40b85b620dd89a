/* SPDX-License-Identifier: MIT */
/*
 * uapi digest: a context and its host, in words
 *
 * Objects with their users, spaces with areas and ranges, what page tables
 * translate to and have dirty, what devices are attached to, descriptors and
 * what poll says of them, pins and charges. Two states with the same digest are
 * the same to a program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/iopt.h"
#include "core/pages.h"
#include "domain/ops.h"
#include "uapi/faultq.h"
#include "uapi/hwpt.h"
#include "uapi/mock/mock.h"
#include "uapi_sweep.h"

/* Ids that a case may have in use. */
#define IDS 40

static void print_area(FILE *f, const struct ioas_area *a)
{
	const struct ioas_pages *p = a->pages;

	fprintf(f, " area %#" PRIx64 "..%#" PRIx64
		   " prot %#x page %" PRIu64 "+%u state %u%s, %u accesses %u locks",
		a->iova, a->last, a->prot, p->base + a->index, a->page_offset,
		a->state, a->closing ? " closing" : "", a->nr_accesses,
		a->nr_locks);
	fprintf(f, "; pages %" PRIu64 " pinned %" PRIu64 " charged %" PRIu64
		   " mode %u refs %u\n",
		p->nr_pages, p->nr_pinned, p->nr_charged, p->mode,
		atomic_load(&p->refs));
}

static void print_ranges(FILE *f, const char *what, const struct ioas_itree *t)
{
	struct ioas_itree_node *n = ioas_itree_first(t, 0, UINT64_MAX);

	for (; n; n = ioas_itree_next(n, 0, UINT64_MAX))
		fprintf(f, " %s %#" PRIx64 "..%#" PRIx64 "\n", what, n->first,
			n->last);
}

static void print_space(FILE *f, const struct ioas *s)
{
	struct ioas_range it;

	fprintf(f, " alignment %u%s, %u domains, %u accesses\n", s->alignment,
		s->small_pages ? " small" : "", s->nr_domains,
		s->nr_accesses);
	print_ranges(f, "reserved", &s->reserved);
	print_ranges(f, "allowed", &s->allowed);
	ioas_for_each_range(&it, &s->areas, 0, UINT64_MAX)
		print_area(f, it.value);
}

/* Runs of addresses that one area is translated to. */
static void print_translation(FILE *f, struct ioas_domain *d, uint64_t iova,
			      uint64_t last)
{
	const uint64_t granule = ioas_domain_granule(d);
	uint64_t next = UINT64_MAX, addr, length;

	for (; iova <= last; iova += granule) {
		if (d->ops->translate_run(d, iova, last, NULL, &addr,
					  &length)) {
			fprintf(f, " [%#" PRIx64 " none]", iova);
			next = UINT64_MAX;
			continue;
		}
		if (addr != next)
			fprintf(f, " [%#" PRIx64 " %#" PRIx64 "]", iova, addr);
		next = addr + granule;
	}
	fprintf(f, "\n");
}

static void print_dirty(FILE *f, struct uw *w, uint32_t id, uint64_t iova,
			uint64_t last)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = id,
		.flags = IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR,
		.iova = iova,
		.length = last - iova + 1,
		.page_size = 2048,
	};
	unsigned char bits[512] = { 0 };

	assert_true(s.length / s.page_size <= 8 * sizeof(bits));
	assert_int_equal(uc_dirty_get(&w->c, &s, bits), 0);
	fprintf(f, "  dirty");
	for (uint64_t i = 0; i < s.length / s.page_size; i++)
		if (bits[i / 8] >> i % 8 & 1)
			fprintf(f, " %" PRIu64, i);
	fprintf(f, "\n");
}

static void print_hwpt(FILE *f, struct uw *w, const struct ioas_hwpt *h)
{
	struct ioas_range it;

	if (ioas_hwpt_is_nested(h)) {
		fprintf(f, " on %u, iotlb", h->parent->obj.id);
		for (uint32_t n = 0; n < 4; n++)
			fprintf(f, " %#x", ioas_mock_nested_iotlb(h, n));
		fprintf(f, "\n");
		return;
	}
	fprintf(f, " of %u%s%s%s\n", h->space->obj.id,
		h->automatic ? " automatic" : "", h->dirty ? " dirty" : "",
		h->fault ? " fault" : "");
	ioas_for_each_range(&it, &h->space->ioas->areas, 0, UINT64_MAX) {
		const struct ioas_area *a = it.value;

		print_translation(f, h->domain, a->iova, a->last);
		if (h->dirty)
			print_dirty(f, w, h->obj.id, a->iova, a->last);
	}
}

/* What it is attached to, and its caches. */
static void print_stdev(FILE *f, struct uw *w, uint32_t id)
{
	static const uint32_t pasids[] = { 0, 1, 7, 1024 };

	for (uint32_t p = 0; p < 4; p++)
		for (uint32_t h = 1; h < IDS; h++)
			if (!uc_pasid_check(&w->c, id, pasids[p], h))
				fprintf(f, " pasid %u: hwpt %u", pasids[p], h);
	fprintf(f, "\n");
}

static void print_idev(FILE *f, struct uw *w, const struct ioas_idev *d)
{
	fprintf(f, " caches");
	for (uint32_t n = 0; n < 4; n++)
		fprintf(f, " %d",
			uc_check_cache(&w->c, d->obj.id, n,
				       IOAS_ABI_TEST_DEV_CACHE_DEFAULT));
	fprintf(f, "%s\n", d->vdev ? " vdevice" : "");
}

static void print_object(FILE *f, struct uw *w, struct ioas_object *obj)
{
	const uint8_t type = obj->class->type;

	/* One user is who looks. */
	fprintf(f, "object %u type %u users %u\n", obj->id, type,
		atomic_load(&obj->users) - 1);
	switch (type) {
	case IOAS_OBJECT_IOAS:
		print_space(f, ioas_container_of(obj, struct ioas_space, obj)
				       ->ioas);
		break;
	case IOAS_OBJECT_HWPT_PAGING:
	case IOAS_OBJECT_HWPT_NESTED:
		print_hwpt(f, w, ioas_hwpt_of(obj));
		break;
	case IOAS_OBJECT_SELFTEST:
		print_stdev(f, w, obj->id);
		break;
	case IOAS_OBJECT_DEVICE:
		print_idev(f, w, ioas_container_of(obj, struct ioas_idev, obj));
		break;
	case IOAS_OBJECT_FAULT:
		fprintf(f, " %u groups\n",
			ioas_container_of(obj, struct ioas_faultq, obj)->nr);
		break;
	default:
		break;
	}
}

static void print_objects(FILE *f, struct uw *w, struct ioas_iommufd *ictx)
{
	for (int type = IOAS_OBJECT_ANY + 1; type < IOAS_NR_OBJECT_TYPES;
	     type++) {
		struct ioas_object *obj;
		uint32_t after = 0;

		while ((obj = ioas_object_next(ictx, after,
					       (enum ioas_object_type)type))) {
			after = obj->id;
			print_object(f, w, obj);
			ioas_object_put(obj);
		}
	}
	fprintf(f, "%u ids\n", ictx->objects.nr);
}

static void print_context(FILE *f, struct uw *w)
{
	struct ioas_iommufd *ictx = sim_context(w->h, w->c.fd);
	uint32_t compat = 0;
	uint64_t mode = 0;

	if (uc_vfio_ioas(&w->c, IOAS_ABI_VFIO_IOAS_GET, &compat))
		compat = 0;
	assert_int_equal(uc_option(&w->c, IOAS_ABI_OPTION_RLIMIT_MODE,
				   IOAS_ABI_OPTION_OP_GET, 0, &mode),
			 0);
	fprintf(f, "compat %u mode %" PRIu64 "\n", compat, mode);
	print_objects(f, w, ictx);
	ioas_list_for_each(l, &ictx->regions.list) {
		const struct ioas_region *r =
			ioas_list_entry(l, struct ioas_region, link);

		fprintf(f, "region of %u at %#" PRIx64 ", %#" PRIx64 "\n",
			r->owner->id, r->offset, r->shm.length);
	}
}

static void print_host(FILE *f, struct uw *w)
{
	const struct sim_process *p = simhost_task(w->h)->process;

	for (int fd = SIM_FIRST_FD; fd < SIM_FDS; fd++)
		if (p->fds[fd].kind != SIM_FD_FREE)
			fprintf(f, "fd %d kind %d poll %#x\n", fd,
				p->fds[fd].kind,
				p->fds[fd].kind == SIM_FD_OURS ?
					sim_poll(w->h, fd) :
					0);
	fprintf(f, "%u contexts, %" PRIu64 " shm, %" PRIu64 " pins\n",
		sim_nr_contexts(w->h), w->h->nr_shm,
		ioas_sim_total_pins(w->h->sim));
	for (unsigned int u = 0; u < SIM_USERS; u++)
		fprintf(f, "user %u: %" PRIu64 "\n", u,
			atomic_load(&w->h->users[u]->charged));
	for (unsigned int i = 0; i < SIM_PROCESSES; i++)
		if (w->h->processes[i].mm)
			fprintf(f, "mm %u: %" PRIu64 " %" PRIu64 "\n", i,
				atomic_load(&w->h->processes[i].mm->charged),
				atomic_load(&w->h->processes[i].mm->pinned));
}

char *uapi_digest(struct uw *w)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	/* Nothing of it may be left when a case closed its descriptor. */
	if (w->c.fd >= 0)
		print_context(f, w);
	print_host(f, w);
	fclose(f);
	return text;
}
