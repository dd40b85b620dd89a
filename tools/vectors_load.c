/* SPDX-License-Identifier: MIT */
/*
 * vectors_load: JSON becomes struct vectors
 *
 * Strict: a field that is missing, has another type, or that the schema does
 * not know ends it with its place.
 */
#include "json_read.h"
#include "vectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pt/pt.h"

/* Everything hangs on the vectors and goes with them. */
struct vector_block {
	struct vector_block *next;
	max_align_t data[];
};

struct load {
	struct json_place at;
	struct vectors *vs;
	struct json_object *ids; /* that there are */
};

static void *keep(struct load *l, size_t nr, size_t size)
{
	struct vector_block *block;

	/* No more than a few bytes for each byte of the file. */
	block = ioas_xcalloc(1, sizeof(*block) + nr * size);
	block->next = l->vs->blocks;
	l->vs->blocks = block;
	return block->data;
}

typedef bool load_fn(struct load *l, struct json_object *o,
		     const struct vector *v, void *to);

/* The array @key of @o: @one for each, into an array of @size each. */
static void *load_array(struct load *l, struct json_object *o,
			const char *key, load_fn *one, const struct vector *v,
			size_t size, size_t *nr)
{
	struct json_object *array;
	char *to;

	if (!ioas_json_get_array(&l->at, o, key, &array, nr))
		return NULL;
	to = keep(l, *nr, size);
	for (size_t i = 0; i < *nr; i++) {
		size_t mark = ioas_json_enter(&l->at, key, (long)i);

		if (!one(l, json_object_array_get_idx(array, i), v,
			 to + i * size))
			return NULL;
		ioas_json_leave(&l->at, mark);
	}
	return to;
}

/* ---- words --------------------------------------------------------------- */

struct word {
	const char *name;
	int value;
};

static const struct word errors[] = {
	{ "0", 0 },
	{ "-EADDRINUSE", -EADDRINUSE },
	{ "-EINVAL", -EINVAL },
	{ "-EEXIST", -EEXIST },
	{ "-ENOENT", -ENOENT },
	{ "-ENOMEM", -ENOMEM },
	{ "-ENOSPC", -ENOSPC },
	{ "-ENXIO", -ENXIO },
	{ "-EOPNOTSUPP", -EOPNOTSUPP },
	{ "-EOVERFLOW", -EOVERFLOW },
	{ "-ERANGE", -ERANGE },
	{ NULL, 0 },
};

static const struct word prots[] = {
	{ "read", IOAS_PT_READ },
	{ "write", IOAS_PT_WRITE },
	{ "cache", IOAS_PT_CACHE },
	{ "noexec", IOAS_PT_NOEXEC },
	{ "mmio", IOAS_PT_MMIO },
	{ "priv", IOAS_PT_PRIV },
	{ NULL, 0 },
};

static const struct word ops[] = {
	{ "map", VECTOR_MAP },
	{ "unmap", VECTOR_UNMAP },
	{ "device_write", VECTOR_DEVICE_WRITE },
	{ "read_and_clear_dirty", VECTOR_READ_DIRTY },
	{ "set_pgsize_bitmap", VECTOR_SET_PGSIZES },
	{ "split", VECTOR_SPLIT },
	{ NULL, 0 },
};

static const struct word riscv_modes[] = {
	{ "sv39", 39 }, { "sv48", 48 }, { "sv57", 57 }, { NULL, 0 },
};

static const struct word riscv_x4_modes[] = {
	{ "sv39x4", 41 }, { "sv48x4", 50 }, { "sv57x4", 59 }, { NULL, 0 },
};

static bool find_word(const struct word *words, const char *name, int *value)
{
	for (; words->name; words++) {
		if (!strcmp(words->name, name)) {
			*value = words->value;
			return true;
		}
	}
	return false;
}

static bool get_word(struct load *l, struct json_object *o, const char *key,
		     const struct word *words, int *value)
{
	const char *name;

	if (!ioas_json_get_string(&l->at, o, key, &name))
		return false;
	return find_word(words, name, value) ||
	       ioas_json_bad(&l->at, key, "no such word");
}

const char *ioas_vector_error(int error, char text[16])
{
	for (const struct word *word = errors; word->name; word++)
		if (word->value == error)
			return word->name;
	snprintf(text, 16, "%d", error);
	return text;
}

static bool get_u8(struct load *l, struct json_object *o, const char *key,
		   uint64_t max, uint8_t *value)
{
	uint64_t number;

	if (!ioas_json_get_count(&l->at, o, key, max, &number))
		return false;
	*value = (uint8_t)number;
	return true;
}

/* One that is not zero. */
static bool get_width(struct load *l, struct json_object *o, const char *key,
		      uint64_t max, uint8_t *value)
{
	return get_u8(l, o, key, max, value) &&
	       (*value || ioas_json_bad(&l->at, key, "zero"));
}

static bool get_flag(struct load *l, struct json_object *o, const char *key,
		     uint32_t flag, uint32_t *flags)
{
	bool on;

	if (!ioas_json_get_bool(&l->at, o, key, &on))
		return false;
	*flags |= on ? flag : 0;
	return true;
}

/* ---- configuration ------------------------------------------------------- */

static bool get_c_bit(struct load *l, struct json_object *o,
		      struct vector_config *c)
{
	struct json_object *value;

	if (json_object_object_get_ex(o, "c_bit_mask", &value) && !value)
		return true;
	if (!ioas_json_get_hex(&l->at, o, "c_bit_mask", &c->c_bit))
		return false;
	if (!c->c_bit || c->c_bit & (c->c_bit - 1))
		return ioas_json_bad(&l->at, "c_bit_mask", "not one bit");
	return true;
}

static bool get_widths(struct load *l, struct json_object *o,
		       struct vector_config *c)
{
	c->granule_lg2 = 12;
	return get_width(l, o, "levels", WALKER_MAX_LEVELS, &c->levels) &&
	       get_width(l, o, "va_bits", 64, &c->va_bits) &&
	       get_width(l, o, "oa_bits", 64, &c->oa_bits);
}

static bool load_amdv1(struct load *l, struct json_object *o,
		       struct vector_config *c)
{
	return ioas_json_keys(&l->at, o,
			      "levels va_bits oa_bits dynamic_top "
			      "force_coherence c_bit_mask") &&
	       get_widths(l, o, c) &&
	       get_flag(l, o, "dynamic_top", VECTOR_DYNAMIC_TOP, &c->flags) &&
	       get_flag(l, o, "force_coherence", VECTOR_FORCE_COHERENCE,
			&c->flags) &&
	       get_c_bit(l, o, c);
}

static bool load_vtdss(struct load *l, struct json_object *o,
		       struct vector_config *c)
{
	return ioas_json_keys(&l->at, o,
			      "levels va_bits oa_bits snoop require_write") &&
	       get_widths(l, o, c) &&
	       get_flag(l, o, "snoop", VECTOR_FORCE_COHERENCE, &c->flags) &&
	       get_flag(l, o, "require_write", VECTOR_REQUIRE_WRITE,
			&c->flags);
}

static bool get_hw_dirty(struct load *l, struct json_object *o,
			 struct vector_config *c)
{
	return !ioas_json_has(o, "hw_dirty") ||
	       get_flag(l, o, "hw_dirty", VECTOR_HW_DIRTY, &c->flags);
}

static bool load_x86_64(struct load *l, struct json_object *o,
			struct vector_config *c)
{
	return ioas_json_keys(&l->at, o,
			      "levels va_bits oa_bits sign_extend c_bit_mask "
			      "hw_dirty") &&
	       get_widths(l, o, c) &&
	       get_flag(l, o, "sign_extend", VECTOR_SIGN_EXTEND, &c->flags) &&
	       get_c_bit(l, o, c) && get_hw_dirty(l, o, c);
}

static bool load_riscv(struct load *l, struct json_object *o,
		       struct vector_config *c, const struct word *modes)
{
	int width = 0;

	if (!ioas_json_keys(&l->at, o,
			    "mode levels va_bits oa_bits svnapot sign_extend "
			    "hw_dirty") ||
	    !get_widths(l, o, c) ||
	    !get_word(l, o, "mode", modes, &width) ||
	    !get_flag(l, o, "svnapot", VECTOR_CONTIGUOUS, &c->flags) ||
	    !get_flag(l, o, "sign_extend", VECTOR_SIGN_EXTEND, &c->flags) ||
	    !get_hw_dirty(l, o, c))
		return false;
	if (width != c->va_bits)
		return ioas_json_bad(&l->at, "mode", "not of %u va_bits",
				     c->va_bits);
	return true;
}

static bool get_granule(struct load *l, struct json_object *o,
			struct vector_config *c)
{
	uint64_t granule;

	if (!ioas_json_get_count(&l->at, o, "granule", 65536, &granule))
		return false;
	if (granule != 4096 && granule != 16384 && granule != 65536)
		return ioas_json_bad(&l->at, "granule",
				     "not 4096, 16384 or 65536");
	c->granule_lg2 = (uint8_t)__builtin_ctzll(granule);
	return true;
}

static bool load_arm64(struct load *l, struct json_object *o,
		       struct vector_config *c, bool stage2)
{
	const char *keys = stage2 ? "granule ias oas start_level levels "
				    "contiguous s2fwb hw_dirty" :
				    "granule ias oas start_level levels "
				    "contiguous hw_dirty";

	return ioas_json_keys(&l->at, o, keys) && get_granule(l, o, c) &&
	       get_width(l, o, "ias", 64, &c->va_bits) &&
	       get_width(l, o, "oas", 64, &c->oa_bits) &&
	       get_u8(l, o, "start_level", 3, &c->start_level) &&
	       get_width(l, o, "levels", WALKER_MAX_LEVELS, &c->levels) &&
	       get_flag(l, o, "contiguous", VECTOR_CONTIGUOUS, &c->flags) &&
	       (!stage2 ||
		get_flag(l, o, "s2fwb", VECTOR_S2FWB, &c->flags)) &&
	       (stage2 ? get_hw_dirty(l, o, c) :
			 get_flag(l, o, "hw_dirty", VECTOR_HW_DIRTY,
				  &c->flags));
}

static bool load_config(struct load *l, struct json_object *o,
			struct vector *v)
{
	struct vector_config *c = &v->config;
	size_t mark = ioas_json_enter(&l->at, "config", -1);
	bool ok = false;

	switch (v->format) {
	case WALKER_AMDV1:
		ok = load_amdv1(l, o, c);
		break;
	case WALKER_VTDSS:
		ok = load_vtdss(l, o, c);
		break;
	case WALKER_X86_64:
		ok = load_x86_64(l, o, c);
		break;
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		ok = load_arm64(l, o, c, v->format == WALKER_ARM64_S2);
		break;
	case WALKER_RISCV64:
		ok = load_riscv(l, o, c, riscv_modes);
		break;
	case WALKER_RISCV64_X4:
		ok = load_riscv(l, o, c, riscv_x4_modes);
		break;
	default:
		break;
	}
	ioas_json_leave(&l->at, mark);
	return ok;
}

/* ---- operations ---------------------------------------------------------- */

static bool load_prot(struct load *l, struct json_object *o, uint32_t *prot)
{
	struct json_object *array;
	size_t nr;

	*prot = 0;
	if (!ioas_json_get_array(&l->at, o, "prot", &array, &nr))
		return false;
	for (size_t i = 0; i < nr; i++) {
		struct json_object *name = json_object_array_get_idx(array, i);
		int bit;

		if (!json_object_is_type(name, json_type_string) ||
		    !find_word(prots, json_object_get_string(name), &bit))
			return ioas_json_bad(&l->at, "prot",
					     "a word that it does not have");
		*prot |= (uint32_t)bit;
	}
	return true;
}

static bool load_pair(struct load *l, struct json_object *pair,
		      const struct vector *v, void *to_range)
{
	struct vector_range *range = to_range;
	uint64_t *const to[] = { &range->start, &range->length };

	(void)v;
	if (!json_object_is_type(pair, json_type_array) ||
	    json_object_array_length(pair) != 2)
		return ioas_json_bad(&l->at, NULL, "not [start, length]");
	for (size_t i = 0; i < 2; i++) {
		struct json_object *o = json_object_array_get_idx(pair, i);

		if (!json_object_is_type(o, json_type_string) ||
		    !ioas_parse_hex(json_object_get_string(o), to[i]))
			return ioas_json_bad(&l->at, NULL,
					     "not two hexadecimal strings");
	}
	if (!range->length ||
	    range->length - 1 > UINT64_MAX - range->start)
		return ioas_json_bad(&l->at, NULL, "empty or past 2^64");
	return true;
}

/* What an operation may have, in the order of enum vector_op_kind. */
static const char *const op_keys[] = {
	"op iova pa len prot ret mapped kernel_ret",
	"op iova len unmapped tables_freed",
	"op iova effect",
	"op iova len clear dirty ret",
	"op value ret",
	"op iova to_size ret",
};

static bool load_expected(struct load *l, struct json_object *o,
			  struct vector_op *op)
{
	switch (op->kind) {
	case VECTOR_MAP:
		return ioas_json_get_hex(&l->at, o, "pa", &op->pa) &&
		       load_prot(l, o, &op->prot) &&
		       ioas_json_get_hex(&l->at, o, "mapped", &op->mapped);
	case VECTOR_UNMAP:
		return ioas_json_get_hex(&l->at, o, "unmapped",
					 &op->unmapped) &&
		       ioas_json_get_count(&l->at, o, "tables_freed",
					   UINT32_MAX, &op->tables_freed);
	case VECTOR_READ_DIRTY:
		return ioas_json_get_bool(&l->at, o, "clear", &op->clear) &&
		       (op->dirty = load_array(l, o, "dirty", load_pair, NULL,
					       sizeof(*op->dirty),
					       &op->nr_dirty));
	case VECTOR_SET_PGSIZES:
		return ioas_json_get_hex(&l->at, o, "value", &op->value);
	case VECTOR_SPLIT:
		return ioas_json_get_hex(&l->at, o, "to_size", &op->value);
	case VECTOR_DEVICE_WRITE:
	default:
		return true;
	}
}

static bool load_op(struct load *l, struct json_object *o,
		    const struct vector *v, void *to)
{
	struct vector_op *op = to;
	int kind = 0;

	(void)v;
	if (!json_object_is_type(o, json_type_object))
		return ioas_json_bad(&l->at, NULL, "not an object");
	if (!get_word(l, o, "op", ops, &kind) ||
	    !ioas_json_keys(&l->at, o, op_keys[kind]))
		return false;
	op->kind = (enum vector_op_kind)kind;
	if (kind != VECTOR_SET_PGSIZES &&
	    !ioas_json_get_hex(&l->at, o, "iova", &op->iova))
		return false;
	if ((kind == VECTOR_MAP || kind == VECTOR_UNMAP ||
	     kind == VECTOR_READ_DIRTY) &&
	    !ioas_json_get_hex(&l->at, o, "len", &op->length))
		return false;
	if ((kind == VECTOR_MAP || ioas_json_has(o, "ret")) &&
	    !get_word(l, o, "ret", errors, &op->ret))
		return false;
	return load_expected(l, o, op);
}

/* A vector that is one map says so a second time. */
static bool load_single(struct load *l, struct json_object *o,
			const struct vector *v)
{
	const struct vector_op *op = v->ops;
	uint64_t iova, pa, length;
	uint32_t prot;

	if (!ioas_json_has(o, "iova") && !ioas_json_has(o, "pa") &&
	    !ioas_json_has(o, "len") && !ioas_json_has(o, "prot"))
		return true;
	if (!ioas_json_get_hex(&l->at, o, "iova", &iova) ||
	    !ioas_json_get_hex(&l->at, o, "pa", &pa) ||
	    !ioas_json_get_hex(&l->at, o, "len", &length) ||
	    !load_prot(l, o, &prot))
		return false;
	if (v->nr_ops != 1 || op->kind != VECTOR_MAP || op->iova != iova ||
	    op->pa != pa || op->length != length || op->prot != prot)
		return ioas_json_bad(&l->at, "iova",
				     "iova, pa, len, prot are not those of "
				     "the only map of ops");
	return true;
}

/* ---- tables and walks ---------------------------------------------------- */

static bool load_leaf(struct load *l, struct json_object *o,
		      struct vector_entry *e)
{
	uint64_t size;

	if (!ioas_json_get_hex(&l->at, o, "oa", &e->oa) ||
	    !ioas_json_get_hex(&l->at, o, "leaf_size", &size))
		return false;
	if (!size || size & (size - 1))
		return ioas_json_bad(&l->at, "leaf_size",
				     "not a power of two");
	e->leaf_lg2 = (uint8_t)__builtin_ctzll(size);
	return true;
}

static bool load_entry(struct load *l, struct json_object *o,
		       uint64_t nr_items, struct vector_entry *e)
{
	static const struct word kinds[] = {
		{ "leaf", 0 }, { "table", 1 }, { NULL, 0 },
	};
	uint64_t index, count;
	int kind = 0;

	if (!ioas_json_keys(&l->at, o,
			    "index count value stride kind child_pa oa "
			    "leaf_size") ||
	    !ioas_json_get_count(&l->at, o, "index", nr_items - 1, &index) ||
	    !ioas_json_get_count(&l->at, o, "count", nr_items - index,
				 &count) ||
	    !ioas_json_get_hex(&l->at, o, "value", &e->value) ||
	    !get_word(l, o, "kind", kinds, &kind))
		return false;
	e->index = (uint32_t)index;
	e->count = (uint32_t)count;
	e->is_table = kind;
	if (!count)
		return ioas_json_bad(&l->at, "count", "zero");
	if ((count > 1 || ioas_json_has(o, "stride")) &&
	    !ioas_json_get_hex(&l->at, o, "stride", &e->stride))
		return false;
	if (!kind)
		return load_leaf(l, o, e);
	if (count > 1)
		return ioas_json_bad(&l->at, "count",
				     "not 1 in an entry that is a table");
	return ioas_json_get_hex(&l->at, o, "child_pa", &e->child_pa);
}

static int entry_order(const void *a, const void *b)
{
	const struct vector_entry *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

static bool load_entries(struct load *l, struct json_object *o,
			 struct vector_table *t)
{
	struct json_object *array;
	struct vector_entry *e;

	if (!ioas_json_get_array(&l->at, o, "entries", &array,
				 &t->nr_entries))
		return false;
	t->entries = keep(l, t->nr_entries, sizeof(*t->entries));
	for (size_t i = 0; i < t->nr_entries; i++) {
		size_t mark = ioas_json_enter(&l->at, "entries", (long)i);

		if (!load_entry(l, json_object_array_get_idx(array, i),
				t->size / 8, &t->entries[i]))
			return false;
		ioas_json_leave(&l->at, mark);
	}
	qsort(t->entries, t->nr_entries, sizeof(*t->entries), entry_order);
	for (size_t i = 1; i < t->nr_entries; i++) {
		e = &t->entries[i];
		if (e[-1].index + e[-1].count > e->index)
			return ioas_json_bad(&l->at, "entries",
					     "item %u is given twice",
					     e->index);
	}
	return true;
}

static bool load_table(struct load *l, struct json_object *o,
		       const struct vector *v, void *to)
{
	bool arm = v->format == WALKER_ARM64_S1 ||
		   v->format == WALKER_ARM64_S2;
	const char *keys = arm ? "pa level arm_level size va_base entries" :
				 "pa level size va_base entries";
	struct vector_table *t = to;
	uint8_t arm_level = 0;

	if (!ioas_json_keys(&l->at, o, keys) ||
	    !ioas_json_get_hex(&l->at, o, "pa", &t->pa) ||
	    !get_u8(l, o, "level", WALKER_MAX_LEVELS - 1, &t->level) ||
	    !ioas_json_get_hex(&l->at, o, "size", &t->size) ||
	    !ioas_json_get_hex(&l->at, o, "va_base", &t->va_base) ||
	    (arm && !get_u8(l, o, "arm_level", 3, &arm_level)))
		return false;
	if (arm && arm_level + t->level != 3)
		return ioas_json_bad(&l->at, "arm_level", "not 3 - level");
	if (!t->size || t->size % 8 || t->size > VECTOR_MAX_TABLE)
		return ioas_json_bad(&l->at, "size",
				     "not a multiple of 8 up to 1 MiB");
	if (t->pa % 8 || t->pa > UINT64_MAX - VECTOR_MAX_TABLE)
		return ioas_json_bad(&l->at, "pa",
				     "not a multiple of 8, or too high");
	return load_entries(l, o, t);
}

static int table_order(const void *a, const void *b)
{
	const struct vector_table *x = a, *y = b;

	return (x->pa > y->pa) - (x->pa < y->pa);
}

static bool load_walk(struct load *l, struct json_object *o,
		      const struct vector *v, void *to)
{
	struct vector_walk *w = to;
	struct json_object *pa;
	const char *access;

	(void)v;
	if (!ioas_json_keys(&l->at, o, "iova access pa") ||
	    !ioas_json_get_hex(&l->at, o, "iova", &w->iova) ||
	    !ioas_json_get_string(&l->at, o, "access", &access))
		return false;
	if (!ioas_parse_access(access, &w->access))
		return ioas_json_bad(&l->at, "access", "not letters of rwx");
	w->fault = json_object_object_get_ex(o, "pa", &pa) && !pa;
	return w->fault || ioas_json_get_hex(&l->at, o, "pa", &w->pa);
}

/* ---- vectors ------------------------------------------------------------- */

/* What "root" has. Kinds: A an address, P a page number, N a number. */
static const struct root_fields {
	const char *keys;
	const char *kinds;
	const char *name[VECTOR_MAX_ROOT];
} root_fields[] = {
	[WALKER_AMDV1] = { "host_pt_root mode", "AN",
			   { "host_pt_root", "mode" } },
	[WALKER_VTDSS] = { "ssptptr aw", "AN", { "ssptptr", "aw" } },
	[WALKER_X86_64] = { "root levels", "AN", { "root", "levels" } },
	[WALKER_ARM64_S1] = { "root start_level tsz tg0 ps", "ANNNN",
			      { "root", "start_level", "tsz", "tg0", "ps" } },
	[WALKER_ARM64_S2] = { "root start_level tsz tg0 ps sl0", "ANNNNN",
			      { "root", "start_level", "tsz", "tg0", "ps",
				"sl0" } },
	[WALKER_RISCV64] = { "root ppn mode", "APN",
			     { "root", "ppn", "mode" } },
	[WALKER_RISCV64_X4] = { "root ppn mode", "APN",
				{ "root", "ppn", "mode" } },
};

static bool load_root(struct load *l, struct json_object *o,
		      struct vector *v)
{
	const struct root_fields *f = &root_fields[v->format];
	size_t mark = ioas_json_enter(&l->at, "root", -1);

	if (!ioas_json_keys(&l->at, o, f->keys))
		return false;
	for (size_t i = 0; f->kinds[i]; i++) {
		struct vector_root *r = &v->root[v->nr_root++];

		r->name = f->name[i];
		r->is_address = f->kinds[i] != 'N';
		if (r->is_address ?
			    !ioas_json_get_hex(&l->at, o, r->name, &r->value) :
			    !ioas_json_get_count(&l->at, o, r->name, 255,
						 &r->value))
			return false;
		if (f->kinds[i] != 'P')
			continue;
		if (r->value >> 44)
			return ioas_json_bad(&l->at, r->name,
					     "not a page number of 44 bits");
		r->value <<= 12;
	}
	ioas_json_leave(&l->at, mark);
	return true;
}

static bool sort_tables(struct load *l, struct vector *v)
{
	qsort(v->tables, v->nr_tables, sizeof(*v->tables), table_order);
	for (size_t i = 1; i < v->nr_tables; i++) {
		const struct vector_table *t = &v->tables[i];

		if (t[-1].pa + t[-1].size > t->pa)
			return ioas_json_bad(&l->at, "tables",
					     "the tables at 0x%llx and "
					     "0x%llx overlap",
					     (unsigned long long)t[-1].pa,
					     (unsigned long long)t->pa);
	}
	return true;
}

static bool load_parts(struct load *l, struct json_object *o,
		       struct vector *v)
{
	struct json_object *config, *root;

	if (!ioas_json_get_object(&l->at, o, "config", &config) ||
	    !load_config(l, config, v) ||
	    !ioas_json_get_hex(&l->at, o, "pgsize_bitmap", &v->pgsizes))
		return false;
	v->ops = load_array(l, o, "ops", load_op, v, sizeof(*v->ops),
			    &v->nr_ops);
	if (!v->ops || !load_single(l, o, v) ||
	    !ioas_json_get_object(&l->at, o, "root", &root) ||
	    !load_root(l, root, v))
		return false;
	v->tables = load_array(l, o, "tables", load_table, v,
			       sizeof(*v->tables), &v->nr_tables);
	if (!v->tables || !sort_tables(l, v))
		return false;
	v->walks = load_array(l, o, "walks", load_walk, v, sizeof(*v->walks),
			      &v->nr_walks);
	return v->walks;
}

/* Names go to terminals and into messages. */
static bool id_is_plain(const char *id)
{
	size_t length = strlen(id);

	return length && length < 64 &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			  "0123456789._-") == length;
}

static bool load_vector(struct load *l, struct json_object *o,
			const struct vector *none, void *to)
{
	struct vector *v = to;
	const char *id, *format;
	char *copy;
	int number;

	(void)none;
	if (!ioas_json_keys(&l->at, o,
			    "id format title note config pgsize_bitmap iova pa "
			    "len prot ops root tables walks checked_by") ||
	    !ioas_json_get_string(&l->at, o, "id", &id))
		return false;
	if (!id_is_plain(id))
		return ioas_json_bad(&l->at, "id",
				     "not 1 to 63 letters, digits, . _ -");
	if (ioas_json_has(l->ids, id))
		return ioas_json_bad(&l->at, "id", "%s is there twice", id);
	json_object_object_add(l->ids, id, NULL);
	copy = keep(l, strlen(id) + 1, 1);
	v->id = strcpy(copy, id);
	l->at.path[0] = '\0';
	snprintf(l->at.object, sizeof(l->at.object), "vector %s", id);
	if (!ioas_json_get_string(&l->at, o, "format", &format))
		return false;
	number = walker_format_find(format);
	if (number < 0 || number == WALKER_MOCK)
		return ioas_json_bad(&l->at, "format", "no such format");
	v->format = (enum walker_format)number;
	if (!load_parts(l, o, v))
		return false;
	l->at.object[0] = '\0';
	return true;
}

static bool load_file(struct load *l, struct json_object *o)
{
	uint64_t schema;

	if (!ioas_json_keys(&l->at, o, "schema conventions formats vectors") ||
	    !ioas_json_get_count(&l->at, o, "schema", INT64_MAX, &schema))
		return false;
	if (schema != 1)
		return ioas_json_bad(&l->at, "schema", "not 1");
	l->vs->vector = load_array(l, o, "vectors", load_vector, NULL,
				   sizeof(struct vector), &l->vs->nr);
	if (l->vs->vector && !l->vs->nr)
		ioas_json_bad(&l->at, "vectors", "empty");
	return !l->at.failed;
}

struct vectors *ioas_vectors_load(const char *path)
{
	struct load l = { .at.file = path };
	struct json_object *o = ioas_json_load(&l.at);

	if (!o)
		return NULL;
	l.vs = ioas_xcalloc(1, sizeof(*l.vs));
	l.ids = json_object_new_object();
	if (!load_file(&l, o)) {
		ioas_vectors_free(l.vs);
		l.vs = NULL;
	}
	json_object_put(l.ids);
	json_object_put(o);
	return l.vs;
}

void ioas_vectors_free(struct vectors *vs)
{
	struct vector_block *block, *next;

	if (!vs)
		return;
	for (block = vs->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	free(vs);
}
