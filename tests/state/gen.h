/* SPDX-License-Identifier: MIT */
/*
 * gen: between gen.c and gen_domain.c
 */
#ifndef TESTS_STATE_GEN_H
#define TESTS_STATE_GEN_H

#include "universe.h"

static inline uint64_t below(struct world *w, uint64_t n)
{
	return rng_below(&w->rng, n);
}

static inline bool chance(struct world *w, uint32_t percent)
{
	return rng_chance(&w->rng, percent);
}

/* gen.c: one of those that there are, if there is one. */
uint8_t some_space(struct world *w);
uint8_t some_domain(struct world *w, bool attached);
/* NULL: the space has none. */
const struct m_area *some_area(struct world *w, uint8_t s);
uint64_t in_windows(struct world *w);
/* At a border of what exists, anywhere in the windows, or nonsense. */
uint64_t some_iova(struct world *w, uint8_t s);
/* A range in terms of the areas of a space: [*iova, + *length). */
void area_range(struct world *w, uint8_t s, uint64_t *iova, uint64_t *length);

/* gen_domain.c: numbers of an operation; its kind is chosen. */
void gen_domain(struct world *w, struct op *op);
void gen_dirty(struct world *w, struct op *op);
void gen_cut(struct world *w, struct op *op);
/* Does everything in the space lie in the aperture of the domain? */
bool has_room(const struct world *w, uint8_t s, uint8_t d);

#endif
