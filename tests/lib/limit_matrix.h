/* SPDX-License-Identifier: MIT */
/*
 * limit matrix: the matrix of docs/reference/ioas-tests.md section 9
 *
 *    fill runs x drain runs x window x pages per pin call x translate_run
 *        5     x     4      x   5    x        3           x      2      = 600
 *
 * All combinations, or a selection in which every pair of values of every two
 * knobs occurs.
 */
#ifndef TESTS_LIB_LIMIT_MATRIX_H
#define TESTS_LIB_LIMIT_MATRIX_H

#include "world.h"

#define LIMITS_ALL 600u

/* Combination @i of all; 0 is not the default. */
struct world_limits limits_at(unsigned int i);
/* Every knob at its default. */
struct world_limits limits_default(void);
/* How many the selection has, and its @i-th combination. */
unsigned int limits_nr_pairwise(void);
struct world_limits limits_pairwise(unsigned int i);

#endif
