/* SPDX-License-Identifier: MIT */
/*
 * scenarios: finding and unfolding them
 */
#include "scenarios.h"

#include <stdio.h>
#include <stdlib.h>

const struct scenario *scenario_at(size_t i)
{
	if (i < nr_scenarios_pins)
		return scenarios_pins + i;
	i -= nr_scenarios_pins;
	return i < nr_scenarios_space ? scenarios_space + i : NULL;
}

unsigned int scenario_number(const struct scenario *s)
{
	return (unsigned int)strtoul(s->name + 1, NULL, 10);
}

struct script scenario_script(const struct scenario *s, unsigned int v,
			      struct op *room)
{
	static char name[128];

	if (s->ops)
		return (struct script){ s->name, s->ops, s->nr };
	snprintf(name, sizeof(name), "%s (variant %u)", s->name, v);
	return (struct script){ name, room, s->build(v, room) };
}
