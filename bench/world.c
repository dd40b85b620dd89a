/* SPDX-License-Identifier: MIT */
/*
 * world: set up and taken down
 */
#include "world.h"

#include <stdlib.h>

/* Every size of leaf fits here in IOVA. */
#define HOME ((ioas_iova_t)1 << 40)
/* Pages that bench_check_map() looks at. */
#define SAMPLE 64

void *bench_memory(size_t bytes)
{
	void *p = malloc(bytes);

	bench_check(p, "out of memory");
	return p;
}

uint32_t *bench_permutation(uint32_t n)
{
	uint32_t *p = bench_memory(n * sizeof(*p));

	for (uint32_t i = 0; i < n; i++)
		p[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(bench_random() % i), t = p[j];

		p[j] = p[i - 1];
		p[i - 1] = t;
	}
	return p;
}

struct ioas_domain *bench_domain(uint64_t pgsizes)
{
	const struct ioas_table_options o = {
		.pt = {
			.pgsizes = pgsizes,
			.last = ((ioas_iova_t)1 << 48) - 1,
		},
		.dirty = true,
	};
	struct ioas_domain *d = NULL;

	bench_check(!ioas_table_domain_create(&o, &d), "domain");
	return d;
}

void bench_attach(struct bench_world *w, struct ioas_domain *d)
{
	bench_check(!ioas_iopt_attach(w->ioas, d), "attach");
}

struct bench_world *bench_world_create(uint64_t run, uint64_t pgsizes)
{
	struct bench_world *w = bench_memory(sizeof(*w));

	ioas_context_init(&w->ctx, PAGE_LG2, 21);
	bench_check(!ioas_iopt_create(&w->ctx, &w->ioas), "space");
	w->origin = bench_origin_create(run);
	bench_check(w->origin, "origin");
	w->domain = NULL;
	w->iova = HOME;
	if (pgsizes) {
		w->domain = bench_domain(pgsizes);
		bench_attach(w, w->domain);
	}
	return w;
}

void bench_world_destroy(struct bench_world *w)
{
	uint64_t unmapped;

	bench_check(!ioas_iopt_unmap_all(w->ioas, &unmapped), "unmap all");
	if (w->domain) {
		ioas_iopt_detach(w->ioas, w->domain);
		w->domain->ops->destroy(w->domain);
	}
	bench_check(bench_origin_clean(w->origin), "frames came back");
	bench_check(!ioas_iopt_destroy(w->ioas), "destroy");
	ioas_origin_put(&w->origin->origin);
	ioas_context_fini(&w->ctx);
	free(w);
}

void bench_map(struct bench_world *w, uint64_t start, uint64_t length)
{
	bench_check(!ioas_iopt_map(w->ioas, &w->origin->origin, start, length,
				   RW, IOAS_MAP_FIXED, &w->iova),
		    "map");
}

void bench_unmap(struct bench_world *w, uint64_t length)
{
	uint64_t unmapped;

	bench_check(!ioas_iopt_unmap(w->ioas, w->iova, length, &unmapped) &&
			    unmapped == length,
		    "unmap");
}

void bench_check_map(struct bench_world *w, struct ioas_domain *d,
		     uint64_t length)
{
	for (unsigned int i = 0; i < SAMPLE; i++) {
		uint64_t page = bench_random() % (length >> PAGE_LG2);
		ioas_iova_t iova = w->iova + (page << PAGE_LG2);
		uint64_t addr, len;

		bench_check(!d->ops->translate_run(d, iova, iova, NULL, &addr,
						   &len),
			    "page is mapped");
		bench_check(addr == bench_frame(w->origin, page) << PAGE_LG2,
			    "page translates to its frame");
	}
}
