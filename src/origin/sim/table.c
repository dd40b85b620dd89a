/* SPDX-License-Identifier: MIT */
/*
 * table: a hash of chunks
 *
 *   bucket[hash(key / 64)] -> chunk -> chunk      chunk: used bits, 64 records
 *
 * As many buckets as chunks, doubled when exceeded. If there is no memory for
 * more buckets the chains grow instead.
 */
#include "origin/sim/table.h"

#include "base/bits.h"
#include "seam/plat.h"

#define CHUNK_LG2 6u
#define CHUNK_MASK (((uint64_t)1 << CHUNK_LG2) - 1)
#define TABLE_MIN_BITS 6u

struct ioas_sim_chunk {
	struct ioas_sim_chunk *next;
	/* Keys divided by 64. */
	uint64_t key;
	/* Bit per record. */
	uint64_t used;
	uint64_t records[];
};

static size_t chunk_size(const struct ioas_sim_table *t)
{
	return sizeof(struct ioas_sim_chunk) + (t->size << CHUNK_LG2);
}

static void *chunk_record(const struct ioas_sim_table *t,
			  struct ioas_sim_chunk *c, uint64_t key)
{
	return (char *)c->records + (size_t)(key & CHUNK_MASK) * t->size;
}

static size_t bucket_bytes(const struct ioas_sim_table *t)
{
	return sizeof(*t->bucket) << t->bits;
}

/* Multiplication by 2^64 / golden ratio: neighbours spread. */
static size_t bucket_index(const struct ioas_sim_table *t, uint64_t chunk_key)
{
	return (size_t)((chunk_key * 0x9e3779b97f4a7c15u) >> (64 - t->bits));
}

static struct ioas_sim_chunk *chunk_find(struct ioas_sim_table *t,
					 uint64_t chunk_key)
{
	struct ioas_sim_chunk *c = t->recent;

	if (c && c->key == chunk_key)
		return c;
	if (!t->bucket)
		return NULL;
	for (c = t->bucket[bucket_index(t, chunk_key)]; c; c = c->next) {
		if (c->key == chunk_key) {
			t->recent = c;
			return c;
		}
	}
	return NULL;
}

static void chunk_link(struct ioas_sim_table *t, struct ioas_sim_chunk *c)
{
	struct ioas_sim_chunk **b = &t->bucket[bucket_index(t, c->key)];

	c->next = *b;
	*b = c;
}

/* Make room for one chunk more. False: no memory, and no bucket at all. */
static bool table_grow(struct ioas_sim_table *t)
{
	struct ioas_sim_table old = *t;

	if (t->bucket && t->nr_chunks < (uint64_t)1 << t->bits)
		return true;
	t->bits = old.bucket ? old.bits + 1 : TABLE_MIN_BITS;
	t->bucket = ioas_plat_zalloc(bucket_bytes(t));
	if (!t->bucket) {
		*t = old;
		return old.bucket;
	}
	for (size_t i = 0; old.bucket && i < (size_t)1 << old.bits; i++) {
		struct ioas_sim_chunk *c = old.bucket[i], *next;

		for (; c; c = next) {
			next = c->next;
			chunk_link(t, c);
		}
	}
	if (old.bucket)
		ioas_plat_free(old.bucket, bucket_bytes(&old));
	return true;
}

static void chunk_free(struct ioas_sim_table *t, struct ioas_sim_chunk *c)
{
	struct ioas_sim_chunk **b = &t->bucket[bucket_index(t, c->key)];

	while (*b != c)
		b = &(*b)->next;
	*b = c->next;
	if (t->recent == c)
		t->recent = NULL;
	t->nr_chunks--;
	ioas_plat_free(c, chunk_size(t));
}

void ioas_sim_table_init(struct ioas_sim_table *t, size_t size)
{
	*t = (struct ioas_sim_table){ .size = size };
}

static void record_forget(void *data, uint64_t key, void *record)
{
	(void)record;
	ioas_sim_table_del(data, key);
}

void ioas_sim_table_fini(struct ioas_sim_table *t)
{
	ioas_sim_table_each(t, record_forget, t);
	if (t->bucket)
		ioas_plat_free(t->bucket, bucket_bytes(t));
	t->bucket = NULL;
}

void *ioas_sim_table_find(struct ioas_sim_table *t, uint64_t key)
{
	struct ioas_sim_chunk *c = chunk_find(t, key >> CHUNK_LG2);

	if (!c || !(c->used >> (key & CHUNK_MASK) & 1))
		return NULL;
	return chunk_record(t, c, key);
}

void *ioas_sim_table_add(struct ioas_sim_table *t, uint64_t key)
{
	struct ioas_sim_chunk *c = chunk_find(t, key >> CHUNK_LG2);

	if (!c) {
		if (!table_grow(t))
			return NULL;
		c = ioas_plat_zalloc(chunk_size(t));
		if (!c)
			return NULL;
		c->key = key >> CHUNK_LG2;
		chunk_link(t, c);
		t->nr_chunks++;
		t->recent = c;
	}
	if (IOAS_CHECK(c->used >> (key & CHUNK_MASK) & 1))
		return NULL;
	c->used |= (uint64_t)1 << (key & CHUNK_MASK);
	t->nr++;
	return chunk_record(t, c, key);
}

void ioas_sim_table_del(struct ioas_sim_table *t, uint64_t key)
{
	struct ioas_sim_chunk *c = chunk_find(t, key >> CHUNK_LG2);
	uint64_t *words;

	if (IOAS_CHECK(!c || !(c->used >> (key & CHUNK_MASK) & 1)))
		return;
	words = chunk_record(t, c, key);
	for (size_t i = 0; i < t->size / sizeof(*words); i++)
		words[i] = 0;
	c->used &= ~((uint64_t)1 << (key & CHUNK_MASK));
	t->nr--;
	if (!c->used)
		chunk_free(t, c);
}

/* The records of @c, which vanishes with its last one. */
static void chunk_each(struct ioas_sim_table *t, struct ioas_sim_chunk *c,
		       void (*fn)(void *data, uint64_t key, void *record),
		       void *data)
{
	uint64_t base = c->key << CHUNK_LG2;
	uint64_t left = c->used;

	while (left) {
		uint64_t key = base + ioas_ctz(left);

		left &= left - 1;
		fn(data, key, chunk_record(t, c, key));
	}
}

void ioas_sim_table_each(struct ioas_sim_table *t,
			 void (*fn)(void *data, uint64_t key, void *record),
			 void *data)
{
	for (size_t i = 0; t->bucket && i < (size_t)1 << t->bits; i++) {
		struct ioas_sim_chunk *c = t->bucket[i], *next;

		for (; c; c = next) {
			next = c->next;
			chunk_each(t, c, fn, data);
		}
	}
}
