/* SPDX-License-Identifier: MIT */
/*
 * vectors: tests/data/page-table-vectors.json, for an independent walker
 *
 * The tables of a vector are spread out to words, so that they are memory; its
 * leaves are what the entries say, each once, in order of IOVA.
 */
#ifndef TESTS_LIB_VECTORS_H
#define TESTS_LIB_VECTORS_H

#include "walker/walker.h"

/* A run of equal or evenly spaced items. */
struct vector_entry {
	uint32_t index;
	uint32_t count;
	uint64_t value;
	uint64_t stride;
	bool leaf;
	uint64_t child_pa;
	uint64_t oa; /* of the first leaf */
	uint8_t lg2; /* of each leaf */
};

struct vector_table {
	uint64_t pa;
	uint64_t va_base;
	uint8_t level;
	uint64_t *words;
	uint32_t nr_words;
	struct vector_entry *entries;
	uint32_t nr_entries;
};

struct vector_leaf {
	uint64_t iova;
	uint64_t oa;
	uint8_t lg2;
};

struct vector_walk {
	uint64_t iova;
	/* enum walker_access; 0: ignore permissions */
	uint32_t access;
	bool fault;
	uint64_t pa;
};

struct vector {
	char *id;
	struct walker_config cfg;
	struct vector_table *tables;
	uint32_t nr_tables;
	struct vector_leaf *leaves;
	uint32_t nr_leaves;
	struct vector_walk *walks;
	uint32_t nr_walks;
};

struct vectors {
	struct vector *v;
	uint32_t nr;
};

/* NULL: the file cannot be read or is not what it should be; says so. */
struct vectors *vectors_load(const char *path);
/* NULL is ignored. */
void vectors_free(struct vectors *vs);

/* The tables of @v as memory that can be written. */
struct walker_memory vector_memory(struct vector *v);

#endif
