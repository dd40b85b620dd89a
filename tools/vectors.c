/* SPDX-License-Identifier: MIT */
/* vectors: what their users ask */
#include "vectors.h"

#include <string.h>

const struct vector *ioas_vectors_find(const struct vectors *vs,
				       const char *id)
{
	for (size_t i = 0; i < vs->nr; i++)
		if (!strcmp(vs->vector[i].id, id))
			return &vs->vector[i];
	return NULL;
}

const struct vector_table *ioas_vector_table(const struct vector *v,
					     uint64_t pa)
{
	size_t low = 0, high = v->nr_tables;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct vector_table *t = &v->tables[mid];

		if (pa < t->pa)
			high = mid;
		else if (pa - t->pa >= t->size)
			low = mid + 1;
		else
			return t;
	}
	return NULL;
}

const struct vector_entry *
ioas_vector_entry(const struct vector_table *table, uint32_t index)
{
	size_t low = 0, high = table->nr_entries;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct vector_entry *e = &table->entries[mid];

		if (index < e->index)
			high = mid;
		else if (index - e->index >= e->count)
			low = mid + 1;
		else
			return e;
	}
	return NULL;
}

uint64_t ioas_vector_word(const struct vector_table *table, uint32_t index)
{
	const struct vector_entry *e = ioas_vector_entry(table, index);

	return e ? e->value + (index - e->index) * e->stride : 0;
}

bool ioas_parse_access(const char *text, uint32_t *access)
{
	*access = 0;
	if (!strcmp(text, "none"))
		return true;
	for (; *text; text++) {
		if (*text == 'r')
			*access |= WALKER_READ;
		else if (*text == 'w')
			*access |= WALKER_WRITE;
		else if (*text == 'x')
			*access |= WALKER_EXEC;
		else
			return false;
	}
	return true;
}

const char *ioas_access_text(uint32_t access)
{
	static const char *const texts[] = {
		"none", "r", "w", "rw", "x", "rx", "wx", "rwx",
	};

	return texts[access & 7];
}

static uint32_t walker_flags(const struct vector *v)
{
	uint32_t flags = 0;

	if (v->config.flags & VECTOR_SIGN_EXTEND)
		flags |= WALKER_SIGN_EXTEND;
	if (v->config.flags & VECTOR_CONTIGUOUS)
		flags |= WALKER_CONTIGUOUS;
	if (v->config.flags & VECTOR_HW_DIRTY)
		flags |= WALKER_DIRTY;
	if (v->config.flags & VECTOR_S2FWB)
		flags |= WALKER_S2FWB;
	return flags;
}

void ioas_vector_walker(const struct vector *v, unsigned int top_level,
			uint64_t root, struct walker_config *cfg)
{
	const struct vector_config *c = &v->config;

	*cfg = (struct walker_config){
		.format = v->format,
		.levels = (uint8_t)(top_level + 1),
		.va_bits = c->va_bits,
		.oa_bits = c->oa_bits,
		.granule_lg2 = c->granule_lg2,
		.flags = walker_flags(v),
		.c_bit = c->c_bit,
		.root = root,
	};
}
