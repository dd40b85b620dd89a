/* SPDX-License-Identifier: MIT */
/*
 * table: fixed-size records by 64-bit key, sparse
 *
 * Records live in chunks of 64 consecutive keys, and chunks in a hash, so that
 * neighbours cost one hash step together. A record does not move while it
 * exists; an empty chunk is freed. Not locked; the owner locks.
 */
#ifndef IOAS_ORIGIN_SIM_TABLE_H
#define IOAS_ORIGIN_SIM_TABLE_H

#include "base/types.h"

struct ioas_sim_chunk;

struct ioas_sim_table {
	size_t size;
	struct ioas_sim_chunk **bucket;
	/* lg2 of the number of buckets. */
	unsigned int bits;
	uint64_t nr_chunks;
	uint64_t nr;
	/* Found last, or NULL. */
	struct ioas_sim_chunk *recent;
};

/* @size of a record: a multiple of 8. No allocation. */
void ioas_sim_table_init(struct ioas_sim_table *t, size_t size);
/* Forgets the records that are left. */
void ioas_sim_table_fini(struct ioas_sim_table *t);
/* NULL: there is none. */
void *ioas_sim_table_find(struct ioas_sim_table *t, uint64_t key);
/* A zeroed record for a key that has none; NULL: no memory. */
void *ioas_sim_table_add(struct ioas_sim_table *t, uint64_t key);
/* The key has a record. Cannot fail. */
void ioas_sim_table_del(struct ioas_sim_table *t, uint64_t key);
/* Every record, in no order. @fn may delete the one that it is given. */
void ioas_sim_table_each(struct ioas_sim_table *t,
			 void (*fn)(void *data, uint64_t key, void *record),
			 void *data);

#endif
