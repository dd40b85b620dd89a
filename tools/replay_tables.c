/* SPDX-License-Identifier: MIT */
/*
 * replay_tables: the tables in memory against those of a vector
 *
 *   vector   root 0x100000000 [ .. | A | .. ]     A -> child_pa of the file
 *                   ||               ~~
 *   memory   root 0x60000000  [ .. | B | .. ]     B -> our table
 *
 * Both trees are walked side by side. Leaves are the same words. Table entries
 * are the same but for the address: which bits of A are the address is seen by
 * turning each and asking the walker where the entry then leads; the rest must
 * be equal, and where B leads is what is compared with the table that the file
 * names. So nothing of an encoding is known here.
 *
 * A table of the file is compared once; one that was not reached is missing.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

struct pair {
	const struct vector_table *want;
	uint64_t got;
	unsigned int level;
	uint64_t iova; /* of the first item */
};

struct side_by_side {
	struct replay *r;
	struct walker_config cfg;
	struct walker_memory mem;
	bool *seen; /* by table of the vector */
};

static struct replay_text hex(uint64_t value)
{
	return ioas_replay_text("0x%llx", (unsigned long long)value);
}

static struct replay_text word_text(uint64_t value)
{
	return ioas_replay_text("0x%016llx", (unsigned long long)value);
}

static struct replay_text table_text(const struct pair *p, const char *what)
{
	return ioas_replay_text("table 0x%llx (level %u): %s",
				(unsigned long long)p->want->pa,
				p->want->level, what);
}

static struct replay_text item_text(const struct pair *p, uint32_t index,
				    const char *what)
{
	return ioas_replay_text("table 0x%llx (level %u): item %u%s%s",
				(unsigned long long)p->want->pa,
				p->want->level, index, what[0] ? ": " : "",
				what);
}

/* Bits of a table entry that say where it leads. */
static uint64_t address_bits(const struct side_by_side *s, unsigned int level,
			     uint64_t word, uint64_t child)
{
	uint64_t mask = 0;

	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t flip = (uint64_t)1 << bit;
		struct walker_entry e;

		walker_decode(&s->cfg, level, word ^ flip, &e);
		if (e.kind == WALKER_TABLE && e.child != child)
			mask |= flip;
	}
	return mask;
}

static void compare_leaf(struct side_by_side *s, const struct pair *p,
			 const struct vector_entry *want, uint32_t index,
			 uint64_t word)
{
	unsigned int item = s->cfg.granule_lg2 +
			    p->level * (s->cfg.granule_lg2 - 3u);
	struct walker_entry e;
	uint64_t group, oa;
	char a[8], b[8];

	walker_decode(&s->cfg, p->level, word, &e);
	if (e.kind != WALKER_LEAF) {
		ioas_replay_differs(s->r, item_text(p, index, "kind"),
				    ioas_replay_text("a leaf"),
				    ioas_replay_text("something else"));
		return;
	}
	if (e.lg2 != want->leaf_lg2) {
		ioas_replay_differs(
			s->r, item_text(p, index, "leaf size"),
			ioas_replay_text("%s",
					 ioas_size_text(want->leaf_lg2, a)),
			ioas_replay_text("%s", ioas_size_text(e.lg2, b)));
		return;
	}
	/* How many leaves after the first of the entry is this one? */
	group = e.lg2 > item ? (uint64_t)1 << (e.lg2 - item) : 1;
	oa = want->oa + ((index / group - want->index / group) << e.lg2);
	if (e.oa != oa)
		ioas_replay_differs(s->r, item_text(p, index, "output"),
				    hex(oa), hex(e.oa));
}

/* What to compare next, if the entries agree in all but the address. */
static bool compare_table(struct side_by_side *s, const struct pair *p,
			  const struct vector_entry *want, uint32_t index,
			  uint64_t word, struct pair *next)
{
	struct walker_entry a, b;
	uint64_t rest;

	walker_decode(&s->cfg, p->level, want->value, &a);
	walker_decode(&s->cfg, p->level, word, &b);
	if (a.kind != WALKER_TABLE || a.child != want->child_pa) {
		ioas_replay_differs(
			s->r, item_text(p, index, "value of the file"),
			ioas_replay_text("a table entry for 0x%llx",
					 (unsigned long long)want->child_pa),
			word_text(want->value));
		return false;
	}
	rest = ~address_bits(s, p->level, want->value, a.child);
	if (b.kind != WALKER_TABLE || ((word ^ want->value) & rest)) {
		ioas_replay_differs(s->r,
				    item_text(p, index,
					      "table entry, but for the "
					      "address"),
				    word_text(want->value & rest),
				    word_text(word & rest));
		return false;
	}
	*next = (struct pair){
		.want = ioas_vector_table(s->r->v, want->child_pa),
		.got = b.child,
		.level = b.child_level,
	};
	if (next->want && next->want->pa == want->child_pa)
		return true;
	ioas_replay_differs(s->r, item_text(p, index, "child_pa"),
			    ioas_replay_text("one of the tables"),
			    hex(want->child_pa));
	return false;
}

/* Is it the table that it should be? Then its size in items. */
static uint32_t compare_head(struct side_by_side *s, const struct pair *p)
{
	uint64_t bytes = ioas_arena_table(s->r->arena, p->got);
	size_t number = (size_t)(p->want - s->r->v->tables);

	if (s->seen[number]) {
		ioas_replay_differs(s->r, table_text(p, "reached"),
				    ioas_replay_text("once"),
				    ioas_replay_text("twice"));
		return 0;
	}
	s->seen[number] = true;
	if (!bytes) {
		ioas_replay_differs(s->r, table_text(p, "address"),
				    ioas_replay_text("a table"),
				    hex(p->got));
		return 0;
	}
	if (bytes != p->want->size)
		ioas_replay_differs(s->r, table_text(p, "size"),
				    hex(p->want->size), hex(bytes));
	if (p->level != p->want->level)
		ioas_replay_differs(s->r, table_text(p, "level"),
				    ioas_replay_text("%u", p->want->level),
				    ioas_replay_text("%u", p->level));
	if (p->iova != p->want->va_base)
		ioas_replay_differs(s->r, table_text(p, "va_base"),
				    hex(p->want->va_base), hex(p->iova));
	if (p->level != p->want->level)
		return 0;
	return (uint32_t)((bytes > p->want->size ? bytes : p->want->size) / 8);
}

static uint64_t item_iova(const struct side_by_side *s, const struct pair *p,
			  uint32_t index)
{
	unsigned int lg2 = s->cfg.granule_lg2 +
			   p->level * (s->cfg.granule_lg2 - 3u);
	uint64_t iova = p->iova + ((uint64_t)index << lg2);
	uint64_t sign = (uint64_t)1 << (s->cfg.va_bits - 1);

	/* The upper half begins with ones. */
	if ((s->cfg.flags & WALKER_SIGN_EXTEND) && (iova & sign))
		iova |= -sign;
	return iova;
}

/* As deep as there are levels. */
static void compare(struct side_by_side *s, const struct pair *p)
{
	uint32_t nr = compare_head(s, p);

	for (uint32_t i = 0; i < nr; i++) {
		const struct vector_entry *want = ioas_vector_entry(p->want, i);
		uint64_t word = 0;
		struct pair next;

		s->mem.read(s->mem.ctx, p->got + (uint64_t)i * 8, &word);
		if (want && want->is_table) {
			if (!compare_table(s, p, want, i, word, &next))
				continue;
			next.iova = item_iova(s, p, i);
			if (next.level < p->level)
				compare(s, &next);
			continue;
		}
		if (word != ioas_vector_word(p->want, i))
			ioas_replay_differs(s->r, item_text(p, i, ""),
					    word_text(ioas_vector_word(p->want,
								       i)),
					    word_text(word));
		else if (want)
			compare_leaf(s, p, want, i, word);
	}
}

/* A number of the root by the name it has in the file. */
static unsigned int root_number(const struct ioas_pt_root *root,
				const char *name)
{
	const struct {
		const char *name;
		unsigned int value;
	} numbers[] = {
		{ "mode", root->code },
		{ "aw", root->code },
		{ "levels", root->code },
		{ "start_level", root->start_level },
		{ "tsz", root->tsz },
		{ "tg0", root->tg0 },
		{ "ps", root->ps },
		{ "sl0", root->sl0 },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!strcmp(numbers[i].name, name))
			return numbers[i].value;
	return UINT32_MAX;
}

static void compare_root(struct replay *r, const struct ioas_pt_root *root)
{
	const struct vector *v = r->v;
	bool arm = v->format == WALKER_ARM64_S1 ||
		   v->format == WALKER_ARM64_S2;

	for (size_t i = 0; i < v->nr_root; i++) {
		const struct vector_root *want = &v->root[i];
		struct replay_text what =
			ioas_replay_text("root: %s", want->name);
		unsigned int got;

		if (want->is_address) {
			if (want->value != v->root[0].value)
				ioas_replay_differs(r, what, hex(want->value),
						    hex(v->root[0].value));
			continue;
		}
		got = root_number(root, want->name);
		if (got != want->value)
			ioas_replay_differs(
				r, what,
				ioas_replay_text("%llu",
						 (unsigned long long)
							 want->value),
				ioas_replay_text("%u", got));
	}
	if (arm && root->start_level != v->config.start_level)
		ioas_replay_differs(
			r, ioas_replay_text("config: start_level"),
			ioas_replay_text("%u", v->config.start_level),
			ioas_replay_text("%u", root->start_level));
}

void ioas_replay_tables(struct replay *r)
{
	const struct vector *v = r->v;
	struct side_by_side s = {
		.r = r,
		.mem = ioas_arena_memory(r->arena),
		.seen = ioas_xcalloc(v->nr_tables, sizeof(bool)),
	};
	struct ioas_pt_root root;
	struct pair top;

	ioas_pt_root(r->pt, &root);
	compare_root(r, &root);
	ioas_replay_walker(r, &s.cfg);
	top = (struct pair){
		.want = ioas_vector_table(v, v->root[0].value),
		.got = root.pa,
		.level = root.level,
	};
	if (top.want && top.want->pa == v->root[0].value)
		compare(&s, &top);
	else
		ioas_replay_differs(r, ioas_replay_text("root: %s",
							v->root[0].name),
				    ioas_replay_text("one of the tables"),
				    hex(v->root[0].value));
	for (size_t i = 0; i < v->nr_tables; i++) {
		top.want = &v->tables[i];
		if (!s.seen[i])
			ioas_replay_differs(r, table_text(&top, "reached"),
					    ioas_replay_text("once"),
					    ioas_replay_text("never"));
	}
	free(s.seen);
}
