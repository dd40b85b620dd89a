/* SPDX-License-Identifier: MIT */
/*
 * ranges map: rangemap (disjoint, with values) and itree (overlapping)
 */
#include <string.h>

#include "base/errno.h"
#include "core/itree.h"
#include "core/rangemap.h"
#include "ranges.h"

/* ---- rangemap ----------------------------------------------------------- */

static struct {
	struct ioas_rangemap m;
	uint64_t base;
	/* Which range has the value, 0: none; and by start, where it ends. */
	uint16_t id[UNIVERSE];
	uint16_t last[UNIVERSE];
	bool starts[UNIVERSE];
	uint64_t count;
	uint16_t next_id;
} map;

static void *value_of(uint16_t id)
{
	return (void *)(uintptr_t)(id * 8u);
}

static bool map_is_free(struct slice s)
{
	for (uint64_t i = s.first; i <= s.last; i++)
		if (map.id[i])
			return false;
	return true;
}

static void map_note(struct slice s, uint16_t id)
{
	for (uint64_t i = s.first; i <= s.last; i++)
		map.id[i] = id;
	map.starts[s.first] = id;
	map.last[s.first] = (uint16_t)s.last;
}

static void map_insert(struct slice s, uint64_t nth)
{
	const uint16_t id = ++map.next_id;
	struct failing f;
	bool failed;
	int ret;

	if (!map_is_free(s))
		return;
	failing_begin(&f, nth, false);
	ret = ioas_rangemap_insert(&map.m, map.base + s.first,
				   map.base + s.last, value_of(id));
	failed = failing_end(&f);
	demand(ret == (failed ? -ENOMEM : 0));
	if (ret)
		return;
	map_note(s, id);
	map.count++;
}

/* Start of the first range from @at on, around the corner; UNIVERSE: none. */
static uint64_t map_start(uint64_t at)
{
	for (unsigned int i = 0; i < UNIVERSE; i++, at = (at + 1) % UNIVERSE)
		if (map.starts[at])
			return at;
	return UNIVERSE;
}

static void map_remove(uint64_t at)
{
	const struct slice s = { at, map.last[at] };
	struct failing f;

	failing_begin(&f, 0, true);
	demand(ioas_rangemap_remove(&map.m, map.base + at) ==
	       value_of(map.id[at]));
	demand(!failing_end(&f));
	map_note(s, 0);
	map.count--;
}

static void map_split(uint64_t at, struct input *in)
{
	const uint64_t last = map.last[at];
	const uint16_t left = ++map.next_id, right = ++map.next_id;
	const uint64_t nth = some_fault(in);
	struct failing f;
	uint64_t cut;
	bool failed;
	int ret;

	if (last == at)
		return;
	cut = at + input_below(in, UNIVERSE) % (last - at);
	failing_begin(&f, nth, false);
	ret = ioas_rangemap_split(&map.m, map.base + at, map.base + cut,
				  value_of(left), value_of(right));
	failed = failing_end(&f);
	demand(ret == (failed ? -ENOMEM : 0));
	if (ret)
		return;
	map_note((struct slice){ at, cut }, left);
	map_note((struct slice){ cut + 1, last }, right);
	map.count++;
}

/* Many of equal size at equal distances. */
static void map_comb(struct input *in)
{
	struct slice s = some_slice(in);
	const uint64_t stride = 1 + input_below(in, 8);
	const bool remove = input_below(in, 2);

	for (uint64_t at = s.first; at <= s.last; at += stride) {
		const uint64_t last = ioas_min(at + stride / 3, UNIVERSE - 1);

		if (remove && map.starts[at])
			map_remove(at);
		else if (!remove)
			map_insert((struct slice){ at, last }, 0);
	}
}

/* Every member that intersects the slice, in order. */
static void map_check(struct slice s)
{
	const uint64_t last = map.base + s.last;
	struct ioas_range r;
	bool ok = ioas_rangemap_first(&map.m, map.base + s.first, last, &r);
	uint16_t id = 0;

	for (uint64_t i = s.first; i <= s.last; i++) {
		demand(ioas_rangemap_find(&map.m, map.base + i) ==
		       (map.id[i] ? value_of(map.id[i]) : NULL));
		if (!map.id[i] || map.id[i] == id)
			continue;
		id = map.id[i];
		demand(ok && r.value == value_of(id));
		demand(r.first <= map.base + i && r.last >= map.base + i);
		demand(map.starts[r.first - map.base] &&
		       map.last[r.first - map.base] == r.last - map.base);
		ok = ioas_rangemap_next(&map.m, last, &r);
	}
	demand(!ok);
	demand(ioas_rangemap_count(&map.m) == map.count);
}

static void map_gap(struct slice s, uint64_t length)
{
	uint64_t g = 0, h = 0, i = s.first, j;
	const bool ok = ioas_rangemap_gap(&map.m, map.base + s.first,
					  map.base + s.last, length, &g, &h);

	for (;; i = j) {
		while (i <= s.last && map.id[i])
			i++;
		for (j = i; j <= s.last && !map.id[j];)
			j++;
		if (i > s.last || j - i >= length)
			break;
	}
	demand(ok == (i <= s.last));
	if (ok)
		demand(g == map.base + i && h == map.base + j - 1);
}

static void map_step(struct input *in)
{
	const uint64_t kind = input_below(in, 8);
	uint64_t at;

	switch (kind) {
	case 0:
	case 1:
		map_insert(some_slice(in), some_fault(in));
		break;
	case 2:
		map_comb(in);
		break;
	case 3:
		map_check(some_slice(in));
		break;
	case 4:
		map_gap(some_slice(in), 1 + input_below(in, 64));
		break;
	default:
		at = map_start(input_below(in, UNIVERSE));
		if (at == UNIVERSE)
			break;
		if (kind == 5) {
			map_remove(at);
		} else if (kind == 6) {
			map_split(at, in);
		} else {
			map_note((struct slice){ at, map.last[at] },
				 ++map.next_id);
			ioas_rangemap_set(&map.m, map.base + at,
					  value_of(map.id[at]));
		}
		break;
	}
}

void fuzz_rangemap(struct input *in)
{
	memset(&map, 0, sizeof(map));
	map.base = some_base(in);
	ioas_rangemap_init(&map.m);
	for (unsigned int i = 0; i < MAX_STEPS && in->left; i++) {
		map_step(in);
		demand(ioas_rangemap_validate(&map.m));
	}
	map_check((struct slice){ 0, UNIVERSE - 1 });
	if (map.count & 1)
		for (uint64_t at; (at = map_start(0)) != UNIVERSE;)
			map_remove(at);
	ioas_rangemap_fini(&map.m);
}

/* ---- itree -------------------------------------------------------------- */

#define MAX_NODES 96

static struct {
	struct ioas_itree t;
	uint64_t base;
	struct ioas_itree_node node[MAX_NODES];
	/* Number of the insertion; 0: not in the tree. */
	uint32_t serial[MAX_NODES];
	uint32_t next_serial;
} tree;

/* Does node @a come before @b? */
static bool tree_before(unsigned int a, unsigned int b)
{
	const struct ioas_itree_node *x = tree.node + a, *y = tree.node + b;

	if (x->first != y->first)
		return x->first < y->first;
	if (x->last != y->last)
		return x->last < y->last;
	return tree.serial[a] < tree.serial[b];
}

/* The first after @after (MAX_NODES: of all) that intersects; or MAX_NODES. */
static unsigned int tree_next(unsigned int after, uint64_t first, uint64_t last)
{
	unsigned int best = MAX_NODES;

	for (unsigned int i = 0; i < MAX_NODES; i++) {
		const struct ioas_itree_node *n = tree.node + i;

		if (!tree.serial[i] ||
		    !ioas_intersects(n->first, n->last, first, last) ||
		    (after < MAX_NODES && !tree_before(after, i)))
			continue;
		if (best == MAX_NODES || tree_before(i, best))
			best = i;
	}
	return best;
}

static void tree_check(struct slice s)
{
	const uint64_t first = tree.base + s.first, last = tree.base + s.last;
	const struct ioas_itree_node *n =
		ioas_itree_first(&tree.t, first, last);
	unsigned int i = tree_next(MAX_NODES, first, last);

	for (; i < MAX_NODES; i = tree_next(i, first, last)) {
		demand(n == tree.node + i);
		n = ioas_itree_next(n, first, last);
	}
	demand(!n);
	n = ioas_itree_exact(&tree.t, first, last);
	for (i = 0; i < MAX_NODES; i++)
		if (tree.serial[i] && tree.node[i].first == first &&
		    tree.node[i].last == last)
			break;
	demand(!n == (i == MAX_NODES));
	demand(!n || (n->first == first && n->last == last));
}

static bool tree_covers(uint64_t at)
{
	return tree_next(MAX_NODES, at, at) != MAX_NODES;
}

static void tree_span(struct slice s)
{
	const uint64_t first = tree.base + s.first;
	uint64_t last = tree.base + s.last, at = first;
	const bool used = ioas_itree_span(&tree.t, first, &last);

	demand(used == tree_covers(first));
	while (at != tree.base + s.last && tree_covers(at + 1) == used)
		at++;
	demand(last == at);
}

static void tree_step(struct input *in)
{
	const unsigned int i = (unsigned int)input_below(in, MAX_NODES);
	struct ioas_itree_node *n = tree.node + i;
	struct slice s;

	if (input_below(in, 4) == 3) {
		s = some_slice(in);
		tree_check(s);
		tree_span(s);
	} else if (tree.serial[i]) {
		ioas_itree_remove(&tree.t, n);
		tree.serial[i] = 0;
	} else {
		s = some_slice(in);
		n->first = tree.base + s.first;
		n->last = tree.base + s.last;
		ioas_itree_insert(&tree.t, n);
		tree.serial[i] = ++tree.next_serial;
	}
}

void fuzz_itree(struct input *in)
{
	memset(&tree, 0, sizeof(tree));
	tree.base = some_base(in);
	for (unsigned int i = 0; i < 4 * MAX_STEPS && in->left; i++) {
		tree_step(in);
		demand(ioas_itree_validate(&tree.t));
	}
	tree_check((struct slice){ 0, UNIVERSE - 1 });
}
