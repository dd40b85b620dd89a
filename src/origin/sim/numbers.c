/* SPDX-License-Identifier: MIT */
/*
 * numbers: which frames fresh pages get
 *
 *   first_pfn                                              last_pfn
 *      |== given out ==|low ......unused...... high|== given out ==|
 *         every layout but HIGH                       HIGH
 *
 * A number is given out once and never again, so that a stale one can never be
 * right by accident. 2^48 of them, the fewest, last for any test.
 */
#include "origin/sim/internal.h"

#include "base/bits.h"

#define RUN_MAX 8u

uint64_t ioas_sim_mix(uint64_t a, uint64_t b)
{
	uint64_t x = a + b * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

uint64_t ioas_sim_random(struct ioas_sim *sim)
{
	sim_held(sim);
	return ioas_sim_mix(sim->seed, ++sim->random);
}

uint64_t ioas_sim_below(struct ioas_sim *sim, uint64_t n)
{
	/* The bias is below n / 2^64. */
	return ioas_sim_random(sim) % n;
}

int ioas_sim_numbers(struct ioas_sim *sim, uint64_t nr, uint64_t align,
		     bool top, ioas_pfn_t *first)
{
	uint64_t from = ioas_align_up(sim->low, align);
	uint64_t last;

	sim_held(sim);
	if (from < sim->low || !ioas_last(from, nr, &last) || last > sim->high)
		return -ENOSPC;
	if (top) {
		from = ioas_align_down(sim->high - nr + 1, align);
		sim->high = from - 1;
	} else {
		sim->low = last + 1;
	}
	*first = from;
	return 0;
}

static int arrange_scattered(struct ioas_sim *sim, uint64_t nr,
			     ioas_pfn_t *pfns)
{
	ioas_pfn_t first;
	int ret;

	sim_held(sim);
	ret = ioas_sim_numbers(sim, 2 * nr, 1, false, &first);
	if (ret)
		return ret;
	/* Every other number, shuffled: no two follow each other. */
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t j = ioas_sim_below(sim, i + 1);

		pfns[i] = pfns[j];
		pfns[j] = first + 2 * i;
	}
	return 0;
}

static int arrange_runs(struct ioas_sim *sim, uint64_t nr, ioas_pfn_t *pfns)
{
	uint64_t left = 0;
	ioas_pfn_t next = 0;
	int ret;

	sim_held(sim);
	for (uint64_t i = 0; i < nr; i++, left--, next++) {
		if (!left) {
			left = 1 + ioas_sim_below(sim, RUN_MAX);
			/* The last number stays unused: a gap. */
			ret = ioas_sim_numbers(sim, left + 1, 1, false, &next);
			if (ret)
				return ret;
		}
		pfns[i] = next;
	}
	return 0;
}

static int arrange_aliased(struct ioas_sim *sim, uint64_t nr, ioas_pfn_t *pfns)
{
	int ret = 0;

	sim_held(sim);
	for (uint64_t i = 0; i < nr && !ret; i++) {
		if (i && ioas_sim_random(sim) & 1)
			pfns[i] = pfns[ioas_sim_below(sim, i)];
		else
			ret = ioas_sim_numbers(sim, 1, 1, false, &pfns[i]);
	}
	return ret;
}

int ioas_sim_arrange(struct ioas_sim *sim, enum ioas_sim_layout layout,
		     uint64_t nr, ioas_pfn_t *pfns)
{
	bool down = layout == IOAS_SIM_DESCENDING;
	ioas_pfn_t first;
	int ret;

	switch (layout) {
	case IOAS_SIM_CONSECUTIVE:
	case IOAS_SIM_DESCENDING:
	case IOAS_SIM_HIGH:
		break;
	case IOAS_SIM_SCATTERED:
		return arrange_scattered(sim, nr, pfns);
	case IOAS_SIM_RUNS:
		return arrange_runs(sim, nr, pfns);
	case IOAS_SIM_ALIASED:
		return arrange_aliased(sim, nr, pfns);
	case IOAS_SIM_GIANT:
	case IOAS_SIM_NR_LAYOUTS:
	default:
		return -EINVAL;
	}
	ret = ioas_sim_numbers(sim, nr, 1, layout == IOAS_SIM_HIGH, &first);
	if (ret)
		return ret;
	for (uint64_t i = 0; i < nr; i++)
		pfns[i] = first + (down ? nr - 1 - i : i);
	return 0;
}
