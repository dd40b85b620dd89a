/* SPDX-License-Identifier: MIT */
/*
 * decode: what one word says, by the decoder of its format
 *
 * Decoders lay down the fields of a word one by one. Together they cover every
 * bit once; t_walker_decode.c holds them to it.
 */
#include "walker/walker_impl.h"

#include <string.h>

static const struct walker_ops *const formats[WALKER_NR_FORMATS] = {
	[WALKER_AMDV1] = &walker_amdv1,
	[WALKER_VTDSS] = &walker_vtdss,
	[WALKER_X86_64] = &walker_x86_64,
	[WALKER_ARM64_S1] = &walker_arm64_s1,
	[WALKER_ARM64_S2] = &walker_arm64_s2,
	[WALKER_RISCV64] = &walker_riscv64,
	[WALKER_RISCV64_X4] = &walker_riscv64_x4,
	[WALKER_MOCK] = &walker_mock,
};

const struct walker_ops *walker_ops(enum walker_format format)
{
	return (unsigned int)format < WALKER_NR_FORMATS ? formats[format] :
							  NULL;
}

const char *walker_format_name(enum walker_format format)
{
	const struct walker_ops *ops = walker_ops(format);

	return ops ? ops->name : NULL;
}

int walker_format_find(const char *name)
{
	for (int i = 0; name && i < WALKER_NR_FORMATS; i++) {
		if (!strcmp(formats[i]->name, name))
			return i;
	}
	return -1;
}

void walker_fault(struct walker_entry *e, const char *why)
{
	if (e->kind == WALKER_INVALID)
		return;
	e->kind = WALKER_INVALID;
	e->why = why;
}

static void lay(struct walker_entry *e, uint64_t word, unsigned int low,
		unsigned int high, const char *name, const char *meaning)
{
	struct walker_field *f = &e->field[e->nr_fields];

	if (e->nr_fields == WALKER_MAX_FIELDS)
		return;
	e->nr_fields++;
	f->name = name;
	f->low = (uint8_t)low;
	f->bits = (uint8_t)(high - low + 1);
	f->value = walker_cut(word, low, high);
	f->meaning = meaning;
}

void walker_lay(struct walker_entry *e, uint64_t word,
		const struct walker_bits *bits, size_t nr)
{
	for (const struct walker_bits *b = bits; b < bits + nr; b++) {
		unsigned int high = b->low + b->bits - 1u;
		uint64_t value = walker_cut(word, b->low, high);
		const char *meaning = b->says ? b->says[value] : "";

		if (b->zero && value) {
			meaning = "must be 0";
			walker_fault(e, "a reserved bit is set");
		}
		lay(e, word, b->low, high, b->name, meaning);
	}
}

static void lay_piece(struct walker_entry *e, uint64_t word, unsigned int low,
		      unsigned int high, const char *name, const char *why)
{
	bool bad = why && walker_cut(word, low, high);

	if (bad)
		walker_fault(e, why);
	lay(e, word, low, high, name, bad ? "must be 0" : "");
}

void walker_lay_run(const struct walker_config *cfg, struct walker_entry *e,
		    uint64_t word, unsigned int low, unsigned int high,
		    const char *name, const char *why)
{
	unsigned int c;

	if (!(cfg->c_bit & walker_mask(low, high))) {
		lay_piece(e, word, low, high, name, why);
		return;
	}
	c = (unsigned int)__builtin_ctzll(cfg->c_bit);
	if (c > low)
		lay_piece(e, word, low, c - 1, name, why);
	lay(e, word, c, c, "C",
	    word & cfg->c_bit ? "encrypted" : "not encrypted");
	if (c < high)
		lay_piece(e, word, c + 1, high, name, why);
}

static void judge_address(const struct walker_config *cfg, unsigned int level,
			  struct walker_entry *e)
{
	uint64_t beyond = ~walker_ones(cfg->oa_bits);

	if (e->kind == WALKER_TABLE) {
		if (e->child & beyond)
			walker_fault(e, "the table is beyond the output width");
		else if (e->child & (walker_table_bytes(cfg, 0) - 1) &&
			 cfg->levels > 1)
			walker_fault(e, "the table is not aligned");
		else if (e->child_level >= level)
			walker_fault(e, "the table is not of a lower level");
	} else if (e->kind == WALKER_LEAF) {
		if ((e->oa | walker_ones(e->lg2)) & beyond)
			walker_fault(e, "the output is beyond its width");
	}
}

void walker_item(const struct walker_config *cfg, unsigned int level,
		 uint64_t word, struct walker_entry *e)
{
	const struct walker_ops *ops = walker_ops(cfg->format);

	memset(e, 0, sizeof(*e));
	ops->decode(cfg, level, word, e);
	judge_address(cfg, level, e);
	if (e->kind == WALKER_LEAF) {
		e->tracked = ops->tracked(cfg, word);
		e->dirty = ops->dirty(cfg, word);
	}
	if (e->kind != WALKER_TABLE) {
		e->child = 0;
		e->child_level = 0;
	}
	if (e->kind != WALKER_LEAF) {
		e->oa = 0;
		e->lg2 = 0;
	}
	if (e->kind != WALKER_TABLE && e->kind != WALKER_LEAF)
		e->access = 0;
}

static void sort_fields(struct walker_entry *e)
{
	for (unsigned int i = 1; i < e->nr_fields; i++) {
		struct walker_field f = e->field[i];
		unsigned int k = i;

		for (; k && e->field[k - 1].low > f.low; k--)
			e->field[k] = e->field[k - 1];
		e->field[k] = f;
	}
}

void walker_decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *entry)
{
	const char *why = walker_check(cfg);

	if (!why && level >= cfg->levels)
		why = "the table has no such level";
	if (why) {
		memset(entry, 0, sizeof(*entry));
		walker_fault(entry, why);
		lay(entry, word, 0, 63, "word", "");
		return;
	}
	walker_item(cfg, level, word, entry);
	entry->oa = walker_leaf_oa(entry);
	sort_fields(entry);
}
