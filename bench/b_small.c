/* SPDX-License-Identifier: MIT */
/*
 * b_small: 10^5 areas of 4 KiB, no domain
 *
 *   map     in order of IOVA, side by side, until there are n
 *   unmap   a random half of them, in random order
 *   remap   the same, in another random order
 *
 * Half, so that the tree keeps its size while it is measured; 10^5 areas with
 * their objects are 16 MB, more than the caches that are near.
 *
 *   twin    a B+tree without augmentation and an object of 160 bytes per area
 *           from the same allocator: overlap check, insert, look up, remove,
 *           free; without a lock, and beside it within a mutex pair
 *
 * (performance.md section 5, row 7)
 */
#include <stdlib.h>

#include "seam/plat.h"
#include "twin_btree.h"
#include "world.h"

enum phase { MAP, UNMAP, REMAP };

struct small {
	uint32_t n;
	/* Two random orders of one random half. */
	uint32_t *out;
	uint32_t *in;
	struct bench_world *w;
	struct ioas_mutex mutex;
};

struct small_phase {
	struct small *s;
	enum phase phase;
	bool locked;
};

static void core_map(struct small *s, uint32_t i)
{
	ioas_iova_t iova = s->w->iova + i * PAGE;

	bench_check(!ioas_iopt_map(s->w->ioas, &s->w->origin->origin,
				   i * PAGE, PAGE, RW, IOAS_MAP_FIXED, &iova),
		    "map");
}

static void core_unmap(struct small *s, uint32_t i)
{
	uint64_t unmapped;

	bench_check(!ioas_iopt_unmap(s->w->ioas, s->w->iova + i * PAGE, PAGE,
				     &unmapped) &&
			    unmapped == PAGE,
		    "unmap");
}

static double small_core(void *ctx)
{
	const struct small_phase *p = ctx;
	struct small *s = p->s;
	uint64_t at[4], unmapped;

	at[0] = bench_now();
	for (uint32_t i = 0; i < s->n; i++)
		core_map(s, i);
	at[1] = bench_now();
	for (uint32_t i = 0; i < s->n / 2; i++)
		core_unmap(s, s->out[i]);
	at[2] = bench_now();
	for (uint32_t i = 0; i < s->n / 2; i++)
		core_map(s, s->in[i]);
	at[3] = bench_now();
	bench_check(!ioas_iopt_unmap_all(s->w->ioas, &unmapped) &&
			    unmapped == s->n * PAGE,
		    "every area was there");
	return (double)(at[p->phase + 1] - at[p->phase]);
}

/* As large as ours; the fields that ours fills. */
struct twin_object {
	uint64_t iova;
	uint64_t last;
	uint64_t start;
	uint64_t nr_pages;
	struct ioas_origin *origin;
	uint64_t rest[15];
};

_Static_assert(sizeof(struct twin_object) == 160, "as large as ours");

static void twin_map(struct twin_btree *t, struct small *s, uint32_t i)
{
	struct twin_object *o = ioas_plat_zalloc(sizeof(*o));

	bench_check(o, "out of memory");
	o->iova = s->w->iova + i * PAGE;
	o->last = o->iova + (PAGE - 1);
	o->start = i * PAGE;
	o->nr_pages = 1;
	o->origin = &s->w->origin->origin;
	bench_check(twin_insert(t, o->iova, o->last, o), "twin maps");
}

static void twin_unmap(struct twin_btree *t, struct small *s, uint32_t i)
{
	const uint64_t iova = s->w->iova + i * PAGE;
	struct twin_object *o = twin_find(t, iova);

	bench_check(o && o->iova == iova && twin_remove(t, iova) == o,
		    "twin unmaps");
	ioas_plat_free(o, sizeof(*o));
}

static void twin_step(struct twin_btree *t, const struct small_phase *p,
		      uint32_t i, bool map)
{
	if (p->locked)
		ioas_plat_mutex_lock(&p->s->mutex);
	if (map)
		twin_map(t, p->s, i);
	else
		twin_unmap(t, p->s, i);
	if (p->locked)
		ioas_plat_mutex_unlock(&p->s->mutex);
}

static double small_twin(void *ctx)
{
	const struct small_phase *p = ctx;
	struct small *s = p->s;
	struct twin_btree t;
	uint64_t at[4];

	twin_init(&t);
	at[0] = bench_now();
	for (uint32_t i = 0; i < s->n; i++)
		twin_step(&t, p, i, true);
	at[1] = bench_now();
	for (uint32_t i = 0; i < s->n / 2; i++)
		twin_step(&t, p, s->out[i], false);
	at[2] = bench_now();
	for (uint32_t i = 0; i < s->n / 2; i++)
		twin_step(&t, p, s->in[i], true);
	at[3] = bench_now();
	for (uint32_t i = 0; i < s->n; i++)
		twin_unmap(&t, s, i);
	twin_fini(&t);
	return (double)(at[p->phase + 1] - at[p->phase]);
}

/* The first half of a permutation, and the same in another order. */
static void choose_half(struct small *s)
{
	uint32_t *order = bench_permutation(s->n / 2);

	s->out = bench_permutation(s->n);
	s->in = bench_memory(s->n / 2 * sizeof(*s->in));
	for (uint32_t i = 0; i < s->n / 2; i++)
		s->in[i] = s->out[order[i]];
	free(order);
}

static void measure(struct small *s, enum phase phase, const char *name,
		    double budget)
{
	struct small_phase ours = { s, phase, false };
	struct small_phase locked = { s, phase, true };
	const struct bench_row row = {
		.name = name,
		.unit = "call",
		.ops = phase == MAP ? s->n : s->n / 2,
		.budget = budget,
		.contender = {
			{ "core", small_core, &ours },
			{ "twin: plain B+tree, no lock", small_twin, &ours },
			{ "twin: the same within a mutex", small_twin,
			  &locked },
		},
	};

	bench_run(&row);
}

int main(int argc, char **argv)
{
	struct small s = { 0 };

	bench_start(argc, argv, "small");
	s.n = (uint32_t)bench_scale(100000);
	s.w = bench_world_create(0, 0);
	choose_half(&s);
	measure(&s, MAP, "map, 10^5 areas of 4 KiB", 150);
	measure(&s, UNMAP, "random unmap, 10^5 areas of 4 KiB", 250);
	measure(&s, REMAP, "random remap, 10^5 areas of 4 KiB", 200);
	bench_world_destroy(s.w);
	free(s.out);
	free(s.in);
	return bench_finish();
}
