/* SPDX-License-Identifier: MIT */
/*
 * walker: IO page tables as hardware reads them
 *
 *   root ---> [ item | item | .. ]      each item is read once, by its address
 *                |                      in the memory that the caller gives
 *                v
 *             [ item | .. ]  ---> OA, size, permissions; or why not
 *
 * Written from the bit tables of docs/reference/page-tables.md section 8 and
 * linked without src/pt, so that two readings of the reference meet in every
 * test. It trusts nothing: tables may be anywhere, hold anything and point in
 * circles. A walk takes at most WALKER_MAX_LEVELS steps.
 *
 * Levels count from the bottom, as in page-tables 1.1.
 */
#ifndef IOAS_WALKER_WALKER_H
#define IOAS_WALKER_WALKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALKER_MAX_LEVELS 8
#define WALKER_MAX_FIELDS 24

enum walker_format {
	WALKER_AMDV1,
	WALKER_VTDSS,
	WALKER_X86_64,
	WALKER_ARM64_S1,
	WALKER_ARM64_S2,
	WALKER_RISCV64,
	WALKER_RISCV64_X4,
	WALKER_MOCK,
	WALKER_NR_FORMATS
};

/* Of an unprivileged request, as those of devices are. */
enum walker_access {
	WALKER_READ = 1u << 0,
	WALKER_WRITE = 1u << 1,
	WALKER_EXEC = 1u << 2,
};

enum walker_flags {
	/* x86_64, riscv64: bits above the width copy the highest of it. */
	WALKER_SIGN_EXTEND = 1u << 0,
	/* arm64, riscv64: groups (Contiguous, Svnapot) are understood. */
	WALKER_CONTIGUOUS = 1u << 1,
	/*
	 * x86_64, arm64, riscv64: hardware updates dirty state, so a clean leaf
	 * may be written. amdv1, vtdss and mock always do.
	 */
	WALKER_DIRTY = 1u << 2,
	/* arm64_s2: memory attributes are those of forced write-back. */
	WALKER_S2FWB = 1u << 3,
};

/* What registers and device tables tell a walker. */
struct walker_config {
	enum walker_format format;
	/* Tables from the root to a page. */
	uint8_t levels;
	uint8_t va_bits;
	uint8_t oa_bits;
	/* arm64: 12, 14 or 16; mock: 9 or more; else ignored (12). */
	uint8_t granule_lg2;
	/* enum walker_flags */
	uint32_t flags;
	/* amdv1, x86_64: the memory encryption bit, or 0. */
	uint64_t c_bit;
	/* Address of the root table. */
	uint64_t root;
};

/* Physical memory. */
struct walker_memory {
	/* The 64-bit little-endian word at @pa, as a number; false: none. */
	bool (*read)(void *ctx, uint64_t pa, uint64_t *word);
	/* Replace @old by @new; false: it is not @old. NULL: read only. */
	bool (*replace)(void *ctx, uint64_t pa, uint64_t old, uint64_t new);
	void *ctx;
};

enum walker_kind {
	WALKER_EMPTY,
	WALKER_TABLE,
	WALKER_LEAF,
	/* Reserved bits or an encoding that the architecture faults on. */
	WALKER_INVALID,
};

/* A named part of an entry. */
struct walker_field {
	const char *name;
	uint8_t low; /* lowest bit */
	uint8_t bits;
	uint64_t value;
	/* What it says, or "" */
	const char *meaning;
};

/* One word, decoded. */
struct walker_entry {
	enum walker_kind kind;
	/* WALKER_INVALID: why. */
	const char *why;
	uint64_t child; /* table: address of the table below */
	uint8_t child_level; /* table: its level (amdv1 may skip some) */
	uint64_t oa; /* leaf: first output address of the whole leaf */
	uint8_t lg2; /* leaf: log2 of its size, groups included */
	uint32_t access; /* what it allows: enum walker_access */
	bool tracked; /* leaf: dirty state is kept in it */
	bool dirty; /* leaf: as this item has it */
	struct walker_field field[WALKER_MAX_FIELDS];
	unsigned int nr_fields;
};

enum walker_status {
	WALKER_OK,
	WALKER_OUT_OF_APERTURE,
	WALKER_NOT_MAPPED,
	WALKER_DENIED,
	WALKER_MALFORMED, /* an invalid entry on the way */
	WALKER_NO_MEMORY, /* a table lies where there is no memory */
};

struct walker_step {
	uint8_t level;
	uint32_t index;
	uint64_t table;
	uint64_t word;
	enum walker_kind kind;
};

struct walker_result {
	enum walker_status status;
	uint64_t oa; /* of the IOVA, not of the leaf */
	uint64_t leaf_iova;
	uint64_t leaf_oa;
	uint8_t lg2;
	uint32_t access; /* AND of the path */
	bool dirty; /* any item of the leaf */
	/* WALKER_MALFORMED: why. */
	const char *why;
	struct walker_step step[WALKER_MAX_LEVELS];
	unsigned int nr_steps;
};

/* A leaf, for enumeration. */
struct walker_leaf {
	uint64_t iova;
	uint64_t oa;
	uint8_t lg2;
	uint8_t level;
	uint32_t access;
	bool dirty;
};

/* What enumeration saw. */
struct walker_tally {
	uint64_t tables;
	uint64_t table_bytes;
	uint64_t leaves;
	uint64_t mapped; /* bytes; wraps if all 2^64 are */
	uint64_t by_lg2[64]; /* leaves of each size */
};

/* Short name of a format, "amdv1"; NULL: no such format. */
const char *walker_format_name(enum walker_format format);
/* Its number, or -1. */
int walker_format_find(const char *name);

/*
 * walker_check() - can hardware be set up so?
 * Return: NULL, or what is wrong with @cfg, for a person.
 */
const char *walker_check(const struct walker_config *cfg);

/*
 * walker_walk() - translate @iova for @access; 0 asks for no permission
 * @result is filled in any case. Changes nothing.
 */
enum walker_status walker_walk(const struct walker_config *cfg,
			       const struct walker_memory *mem, uint64_t iova,
			       uint32_t access, struct walker_result *result);

/*
 * walker_write() - as a device that writes: walk, and set the dirty state of
 * the item that was used, as the architecture does it (and no accessed bit)
 */
enum walker_status walker_write(const struct walker_config *cfg,
				const struct walker_memory *mem, uint64_t iova,
				struct walker_result *result);

/* Decode @word of a table of @level; what it is and every field by name. */
void walker_decode(const struct walker_config *cfg, unsigned int level,
		   uint64_t word, struct walker_entry *entry);

/*
 * walker_for_each() - every leaf in order of IOVA (upper half last); false
 * from @fn stops
 * @tally: filled; may be NULL
 * @why:   out, on a failure: for a person
 *
 * A table that is reached twice, an invalid entry, a group that is not
 * complete or whose items disagree, and missing memory end it.
 * Return: true if the tree is sound as far as it was read.
 */
bool walker_for_each(const struct walker_config *cfg,
		     const struct walker_memory *mem,
		     bool (*fn)(void *ctx, const struct walker_leaf *leaf),
		     void *ctx, struct walker_tally *tally, const char **why);

#endif
