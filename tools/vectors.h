/* SPDX-License-Identifier: MIT */
/*
 * vectors: a file of test vectors, read and checked
 *
 *   vector   config --> a page table --ops in order--> tables, root, walks
 *                                                      as expected
 *
 * The schema is docs/reference/page-tables.md 10.2. What is loaded has the
 * types and ranges of the schema; that a vector makes sense (an address that
 * names a table, say) is for its user to find out.
 */
#ifndef IOAS_TOOLS_VECTORS_H
#define IOAS_TOOLS_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "walker/walker.h"

/* Items of a table: 256 KiB is the largest that an architecture has. */
#define VECTOR_MAX_TABLE (UINT64_C(1) << 20)

/* Flags of a configuration, as the file names them. */
enum vector_flags {
	VECTOR_DYNAMIC_TOP = 1u << 0,
	VECTOR_FORCE_COHERENCE = 1u << 1, /* or snoop */
	VECTOR_REQUIRE_WRITE = 1u << 2,
	VECTOR_SIGN_EXTEND = 1u << 3,
	VECTOR_CONTIGUOUS = 1u << 4, /* or svnapot */
	VECTOR_HW_DIRTY = 1u << 5,
	VECTOR_S2FWB = 1u << 6,
};

struct vector_config {
	uint8_t levels;
	uint8_t va_bits; /* or ias */
	uint8_t oa_bits; /* or oas */
	uint8_t granule_lg2;
	uint8_t start_level; /* arm64 */
	uint32_t flags;
	uint64_t c_bit;
};

enum vector_op_kind {
	VECTOR_MAP,
	VECTOR_UNMAP,
	VECTOR_DEVICE_WRITE,
	VECTOR_READ_DIRTY,
	VECTOR_SET_PGSIZES,
	VECTOR_SPLIT,
};

struct vector_range {
	uint64_t start;
	uint64_t length;
};

struct vector_op {
	enum vector_op_kind kind;
	uint64_t iova;
	uint64_t pa;
	uint64_t length;
	uint32_t prot; /* enum ioas_pt_prot */
	int ret; /* 0 or a negative errno */
	uint64_t mapped;
	uint64_t unmapped;
	uint64_t tables_freed;
	bool clear;
	struct vector_range *dirty;
	size_t nr_dirty;
	uint64_t value; /* sizes to use from now on, or to split to */
};

/* Items @index to @index + @count - 1. */
struct vector_entry {
	uint32_t index;
	uint32_t count;
	uint64_t value;
	uint64_t stride;
	bool is_table;
	uint64_t child_pa;
	uint64_t oa;
	uint8_t leaf_lg2;
};

/* Entries are sorted and do not overlap. */
struct vector_table {
	uint64_t pa;
	uint64_t size;
	uint64_t va_base;
	uint8_t level;
	struct vector_entry *entries;
	size_t nr_entries;
};

/* A number of the root: its name in the file, and whether it is an address. */
struct vector_root {
	const char *name;
	uint64_t value;
	bool is_address;
};

#define VECTOR_MAX_ROOT 6

struct vector_walk {
	uint64_t iova;
	uint32_t access; /* enum walker_access */
	bool fault;
	uint64_t pa;
};

struct vector {
	const char *id;
	enum walker_format format;
	struct vector_config config;
	uint64_t pgsizes;
	struct vector_op *ops;
	size_t nr_ops;
	/* The address comes first. */
	struct vector_root root[VECTOR_MAX_ROOT];
	size_t nr_root;
	/* Sorted by address; no address twice. */
	struct vector_table *tables;
	size_t nr_tables;
	struct vector_walk *walks;
	size_t nr_walks;
};

struct vectors {
	struct vector *vector;
	size_t nr;
	struct vector_block *blocks;
};

/*
 * ioas_vectors_load() - read @path
 * Return: NULL after saying on stderr what is wrong and where.
 */
struct vectors *ioas_vectors_load(const char *path);
void ioas_vectors_free(struct vectors *vs);

/* NULL: there is none. */
const struct vector *ioas_vectors_find(const struct vectors *vs,
				       const char *id);
const struct vector_table *ioas_vector_table(const struct vector *v,
					     uint64_t pa);
/* The word that an item is to have. */
uint64_t ioas_vector_word(const struct vector_table *table, uint32_t index);
/* The entry that item @index belongs to; NULL: empty. */
const struct vector_entry *
ioas_vector_entry(const struct vector_table *table, uint32_t index);

/* "-EINVAL", "0" */
const char *ioas_vector_error(int error, char text[16]);
/* Letters of rwx, as enum walker_access; "" and "none": no permission. */
bool ioas_parse_access(const char *text, uint32_t *access);
/* "rw"; "none" */
const char *ioas_access_text(uint32_t access);

/* A walker for tables of @v, whose root is of @top_level and at @root. */
void ioas_vector_walker(const struct vector *v, unsigned int top_level,
			uint64_t root, struct walker_config *cfg);

#endif
