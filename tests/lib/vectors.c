/* SPDX-License-Identifier: MIT */
/*
 * vectors: JSON to tables, walks and leaves
 *
 * A field that is missing or no number spoils the whole file: the first one is
 * named, and nothing is loaded.
 */
#include "vectors.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words of a table, items of a run: 16 tables of 8192. */
#define MAX_WORDS (1u << 17)

struct loader {
	const char *id;
	bool bad;
};

static void complain(struct loader *l, const char *what)
{
	if (!l->bad)
		fprintf(stderr, "vectors: %s: %s\n", l->id ? l->id : "file",
			what);
	l->bad = true;
}

static void *take(struct loader *l, size_t nr, size_t bytes)
{
	void *p = calloc(nr ? nr : 1, bytes);

	if (!p)
		complain(l, "no memory");
	return p;
}

/* ---- fields ------------------------------------------------------------- */

static struct json_object *field(struct loader *l, struct json_object *o,
				 const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value))
		complain(l, key);
	return value;
}

static uint64_t number_of(struct loader *l, struct json_object *value,
			  const char *key)
{
	const char *text = json_object_get_string(value);
	char *end = NULL;
	uint64_t n;

	if (!text)
		return 0;
	n = strtoull(text, &end, 0);
	if (end == text || *end)
		complain(l, key);
	return n;
}

static uint64_t number(struct loader *l, struct json_object *o,
		       const char *key)
{
	return number_of(l, field(l, o, key), key);
}

/* Absent and null are 0. */
static uint64_t optional(struct loader *l, struct json_object *o,
			 const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(o, key, &value) || !value)
		return 0;
	return number_of(l, value, key);
}

static bool truth(struct json_object *o, const char *key)
{
	return json_object_get_boolean(json_object_object_get(o, key));
}

static const char *text(struct loader *l, struct json_object *o,
			const char *key)
{
	const char *s = json_object_get_string(field(l, o, key));

	return s ? s : "";
}

/* Elements of an array, at most 4096; NULL array: 0. */
static uint32_t length(struct loader *l, struct json_object *array,
		       const char *key)
{
	size_t nr;

	if (!json_object_is_type(array, json_type_array)) {
		complain(l, key);
		return 0;
	}
	nr = json_object_array_length(array);
	if (nr > 4096)
		complain(l, key);
	return nr > 4096 ? 0 : (uint32_t)nr;
}

/* ---- configuration ------------------------------------------------------ */

static uint8_t log2_of(struct loader *l, uint64_t n, const char *key)
{
	if (!n || (n & (n - 1))) {
		complain(l, key);
		return 0;
	}
	return (uint8_t)__builtin_ctzll(n);
}

static bool is_arm(const struct walker_config *cfg)
{
	return cfg->format == WALKER_ARM64_S1 || cfg->format == WALKER_ARM64_S2;
}

static uint32_t load_flags(struct json_object *config)
{
	uint32_t flags = 0;

	if (truth(config, "sign_extend"))
		flags |= WALKER_SIGN_EXTEND;
	if (truth(config, "contiguous") || truth(config, "svnapot"))
		flags |= WALKER_CONTIGUOUS;
	if (truth(config, "hw_dirty"))
		flags |= WALKER_DIRTY;
	if (truth(config, "s2fwb"))
		flags |= WALKER_S2FWB;
	return flags;
}

/* The root's address has a name of its own in some formats. */
static uint64_t load_root(struct loader *l, const struct walker_config *cfg,
			  struct json_object *root)
{
	if (cfg->format == WALKER_AMDV1)
		return number(l, root, "host_pt_root");
	if (cfg->format == WALKER_VTDSS)
		return number(l, root, "ssptptr");
	return number(l, root, "root");
}

static void load_config(struct loader *l, struct json_object *o,
			struct walker_config *cfg)
{
	struct json_object *config = field(l, o, "config");
	struct json_object *root = field(l, o, "root");
	int format = walker_format_find(text(l, o, "format"));

	if (format < 0) {
		complain(l, "format");
		return;
	}
	cfg->format = (enum walker_format)format;
	cfg->flags = load_flags(config);
	cfg->root = load_root(l, cfg, root);
	cfg->granule_lg2 = 12;
	cfg->c_bit = optional(l, config, "c_bit_mask");
	/* The depth after the operations: amdv1 grows. */
	cfg->levels = (uint8_t)(cfg->format == WALKER_AMDV1 ?
					number(l, root, "mode") :
					number(l, config, "levels"));
	if (is_arm(cfg)) {
		cfg->granule_lg2 =
			log2_of(l, number(l, config, "granule"), "granule");
		cfg->va_bits = (uint8_t)number(l, config, "ias");
		cfg->oa_bits = (uint8_t)number(l, config, "oas");
	} else {
		cfg->va_bits = (uint8_t)number(l, config, "va_bits");
		cfg->oa_bits = (uint8_t)number(l, config, "oa_bits");
	}
}

/* ---- tables ------------------------------------------------------------- */

static void load_entry(struct loader *l, struct json_object *o,
		       struct vector_table *t, struct vector_entry *e)
{
	uint64_t index = number(l, o, "index"), count = number(l, o, "count");

	if (index >= t->nr_words || count > t->nr_words - index) {
		complain(l, "count");
		return;
	}
	e->index = (uint32_t)index;
	e->count = (uint32_t)count;
	e->value = number(l, o, "value");
	e->stride = count > 1 ? number(l, o, "stride") : 0;
	e->leaf = !strcmp(text(l, o, "kind"), "leaf");
	if (e->leaf) {
		e->oa = number(l, o, "oa");
		e->lg2 = log2_of(l, number(l, o, "leaf_size"), "leaf_size");
	} else {
		e->child_pa = number(l, o, "child_pa");
	}
	for (uint32_t i = 0; i < e->count; i++)
		t->words[e->index + i] = e->value + i * e->stride;
}

static void load_table(struct loader *l, struct json_object *o,
		       struct vector_table *t)
{
	struct json_object *entries = field(l, o, "entries");
	uint64_t bytes = number(l, o, "size");

	t->pa = number(l, o, "pa");
	t->va_base = number(l, o, "va_base");
	t->level = (uint8_t)number(l, o, "level");
	if (t->level > 5 || bytes / 8 > MAX_WORDS) {
		complain(l, "level or size");
		return;
	}
	t->nr_words = (uint32_t)(bytes / 8);
	t->words = take(l, t->nr_words, sizeof(*t->words));
	t->nr_entries = length(l, entries, "entries");
	t->entries = take(l, t->nr_entries, sizeof(*t->entries));
	for (uint32_t i = 0; !l->bad && i < t->nr_entries; i++)
		load_entry(l, json_object_array_get_idx(entries, i), t,
			   &t->entries[i]);
}

static void load_tables(struct loader *l, struct json_object *o,
			struct vector *v)
{
	struct json_object *tables = field(l, o, "tables");

	v->nr_tables = length(l, tables, "tables");
	v->tables = take(l, v->nr_tables, sizeof(*v->tables));
	for (uint32_t i = 0; !l->bad && i < v->nr_tables; i++)
		load_table(l, json_object_array_get_idx(tables, i),
			   &v->tables[i]);
}

/* ---- leaves ------------------------------------------------------------- */

static unsigned int item_lg2(const struct walker_config *cfg,
			     unsigned int level)
{
	unsigned int g = cfg->granule_lg2;

	return g + level * (is_arm(cfg) ? g - 3 : 9);
}

/*
 * The leaves that begin in a run of items. A leaf of several items begins in
 * one of them only; the run may be a later part of it. With @out NULL counts.
 */
static uint32_t run_leaves(const struct vector *v, const struct vector_table *t,
			   const struct vector_entry *e,
			   struct vector_leaf *out)
{
	unsigned int item = item_lg2(&v->cfg, t->level);
	uint64_t start = t->va_base + ((uint64_t)e->index << item);
	uint64_t mask = ((uint64_t)1 << e->lg2) - 1;
	uint32_t nr = 0;

	for (uint32_t i = 0; e->leaf && i < e->count; i++) {
		uint64_t iova = start + ((uint64_t)i << item);

		if (iova & mask)
			continue;
		if (out)
			out[nr] = (struct vector_leaf){
				.iova = iova,
				.oa = e->oa + iova - (start & ~mask),
				.lg2 = e->lg2,
			};
		nr++;
	}
	return nr;
}

static int by_iova(const void *a, const void *b)
{
	const struct vector_leaf *x = a, *y = b;

	return (x->iova > y->iova) - (x->iova < y->iova);
}

static uint32_t gather(const struct vector *v, struct vector_leaf *out)
{
	uint32_t nr = 0;

	for (uint32_t i = 0; i < v->nr_tables; i++) {
		const struct vector_table *t = &v->tables[i];

		for (uint32_t k = 0; k < t->nr_entries; k++)
			nr += run_leaves(v, t, &t->entries[k],
					 out ? out + nr : NULL);
	}
	return nr;
}

static void find_leaves(struct loader *l, struct vector *v)
{
	v->nr_leaves = gather(v, NULL);
	v->leaves = take(l, v->nr_leaves, sizeof(*v->leaves));
	if (l->bad)
		return;
	gather(v, v->leaves);
	qsort(v->leaves, v->nr_leaves, sizeof(*v->leaves), by_iova);
}

/* ---- walks and vectors -------------------------------------------------- */

static uint32_t load_access(struct loader *l, const char *letters)
{
	uint32_t access = 0;

	for (; *letters; letters++) {
		if (*letters == 'r')
			access |= WALKER_READ;
		else if (*letters == 'w')
			access |= WALKER_WRITE;
		else if (*letters == 'x')
			access |= WALKER_EXEC;
		else
			complain(l, "access");
	}
	return access;
}

static void load_walks(struct loader *l, struct json_object *o,
		       struct vector *v)
{
	struct json_object *walks = field(l, o, "walks");

	v->nr_walks = length(l, walks, "walks");
	v->walks = take(l, v->nr_walks, sizeof(*v->walks));
	for (uint32_t i = 0; !l->bad && i < v->nr_walks; i++) {
		struct json_object *w = json_object_array_get_idx(walks, i);
		struct json_object *pa = field(l, w, "pa");

		v->walks[i].iova = number(l, w, "iova");
		v->walks[i].access = load_access(l, text(l, w, "access"));
		v->walks[i].fault = !pa;
		v->walks[i].pa = number_of(l, pa, "pa");
	}
}

static void load_vector(struct loader *l, struct json_object *o,
			struct vector *v)
{
	v->id = strdup(text(l, o, "id"));
	l->id = v->id;
	load_config(l, o, &v->cfg);
	if (!l->bad)
		load_tables(l, o, v);
	if (!l->bad)
		find_leaves(l, v);
	if (!l->bad)
		load_walks(l, o, v);
}

struct vectors *vectors_load(const char *path)
{
	struct json_object *file = json_object_from_file(path), *list;
	struct loader l = { 0 };
	struct vectors *vs = take(&l, 1, sizeof(*vs));

	if (!file)
		complain(&l, json_util_get_last_err());
	if (!l.bad) {
		list = field(&l, file, "vectors");
		vs->nr = length(&l, list, "vectors");
		vs->v = take(&l, vs->nr, sizeof(*vs->v));
		for (uint32_t i = 0; !l.bad && i < vs->nr; i++)
			load_vector(&l, json_object_array_get_idx(list, i),
				    &vs->v[i]);
	}
	json_object_put(file);
	if (l.bad) {
		vectors_free(vs);
		vs = NULL;
	}
	return vs;
}

static void free_vector(struct vector *v)
{
	for (uint32_t i = 0; v->tables && i < v->nr_tables; i++) {
		free(v->tables[i].words);
		free(v->tables[i].entries);
	}
	free(v->tables);
	free(v->leaves);
	free(v->walks);
	free(v->id);
}

void vectors_free(struct vectors *vs)
{
	if (!vs)
		return;
	for (uint32_t i = 0; vs->v && i < vs->nr; i++)
		free_vector(&vs->v[i]);
	free(vs->v);
	free(vs);
}

/* ---- memory ------------------------------------------------------------- */

static uint64_t *word_at(struct vector *v, uint64_t pa)
{
	for (uint32_t i = 0; i < v->nr_tables; i++) {
		struct vector_table *t = &v->tables[i];

		if (pa >= t->pa && (pa - t->pa) / 8 < t->nr_words)
			return &t->words[(pa - t->pa) / 8];
	}
	return NULL;
}

static bool read_vector(void *ctx, uint64_t pa, uint64_t *word)
{
	const uint64_t *at = word_at(ctx, pa);

	if (at)
		*word = *at;
	return at;
}

static bool replace_vector(void *ctx, uint64_t pa, uint64_t old, uint64_t new)
{
	uint64_t *at = word_at(ctx, pa);

	if (!at || *at != old)
		return false;
	*at = new;
	return true;
}

struct walker_memory vector_memory(struct vector *v)
{
	return (struct walker_memory){
		.read = read_vector,
		.replace = replace_vector,
		.ctx = v,
	};
}
