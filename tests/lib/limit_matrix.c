/* SPDX-License-Identifier: MIT */
/*
 * limit matrix: the selection is greedy: of all combinations take the one with the
 * most pairs not seen yet, until none is left. 27 of 600 where 25 is the bound.
 */
#include "limit_matrix.h"

#include <string.h>

#define KNOBS 5
#define VALUES 5

static const unsigned int nr_values[KNOBS] = { 5, 4, 5, 3, 2 };
static unsigned int selection[LIMITS_ALL];
static unsigned int nr_selected;

static void digits(unsigned int i, unsigned int *d)
{
	for (unsigned int k = 0; k < KNOBS; k++) {
		d[k] = i % nr_values[k];
		i /= nr_values[k];
	}
}

struct world_limits limits_at(unsigned int i)
{
	static const uint32_t fill[] = { 1, 2, 3, 7, 0 };
	static const uint32_t drain[] = { 1, 2, 21, 0 };
	static const uint32_t window[] = { 1, 2, 3, 8, 0 };
	static const enum ioas_sim_pin_mode pin[] = { IOAS_SIM_PIN_ONE,
						      IOAS_SIM_PIN_RANDOM,
						      IOAS_SIM_PIN_ALL };
	unsigned int d[KNOBS];

	digits(i, d);
	return (struct world_limits){
		.tuning = { .fill_runs = fill[d[0]],
			    .drain_runs = drain[d[1]],
			    .window_runs = window[d[2]],
			    .window_pages = window[d[2]] },
		.pin_mode = pin[d[3]],
		.answer = d[4] ? IOAS_FLAT_SHORT : IOAS_FLAT_FULL,
		.bitmap_window = d[4],
	};
}

struct world_limits limits_default(void)
{
	return (struct world_limits){ .pin_mode = IOAS_SIM_PIN_ALL,
				      .answer = IOAS_FLAT_FULL };
}

typedef bool seen_t[KNOBS][KNOBS][VALUES][VALUES];

/* Pairs of combination @i that are new; marks them if @mark. */
static unsigned int new_pairs(seen_t seen, unsigned int i, bool mark)
{
	unsigned int d[KNOBS], n = 0;

	digits(i, d);
	for (unsigned int a = 0; a < KNOBS; a++)
		for (unsigned int b = a + 1; b < KNOBS; b++) {
			n += !seen[a][b][d[a]][d[b]];
			if (mark)
				seen[a][b][d[a]][d[b]] = true;
		}
	return n;
}

static void select_pairs(void)
{
	static seen_t seen;

	for (;;) {
		unsigned int best = 0, most = 0;

		for (unsigned int i = 0; i < LIMITS_ALL; i++) {
			unsigned int n = new_pairs(seen, i, false);

			if (n > most) {
				most = n;
				best = i;
			}
		}
		if (!most)
			return;
		new_pairs(seen, best, true);
		selection[nr_selected++] = best;
	}
}

unsigned int limits_nr_pairwise(void)
{
	if (!nr_selected)
		select_pairs();
	return nr_selected;
}

struct world_limits limits_pairwise(unsigned int i)
{
	return limits_at(selection[i % limits_nr_pairwise()]);
}
