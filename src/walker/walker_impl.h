/* SPDX-License-Identifier: MIT */
/*
 * walker_impl: what the files of this room share
 *
 *   word --decoder of the format--> kind, address, size, access, fields
 *        --walker_item()----------> and does it fit the output width?
 *
 * A decoder is the bit tables of one format: rows of struct walker_bits for
 * what stands at a fixed place, walker_lay_run() for addresses, whose borders
 * depend on level, size and encryption bit. Laying a field also judges it, so
 * that a bit is either in the table or a fault: none is overlooked.
 *
 * Everything here but walker_check() wants a configuration that it passed, and
 * a level below cfg->levels; then no shift is out of range.
 */
#ifndef IOAS_WALKER_IMPL_H
#define IOAS_WALKER_IMPL_H

#include "walker/walker.h"

#define WALKER_ALL ((uint32_t)WALKER_READ | WALKER_WRITE | WALKER_EXEC)
#define WALKER_NR(a) (sizeof(a) / sizeof((a)[0]))

/* A row of a bit table. */
struct walker_bits {
	const char *name;
	uint8_t low;
	uint8_t bits;
	/* Reserved: anything but zero faults. */
	bool zero;
	/* What each of the 2^bits values says; NULL: nothing. */
	const char *const *says;
};

struct walker_ops {
	const char *name;
	/*
	 * @e comes zeroed and leaves with everything but the checks of
	 * walker_item(). @e->oa is the item's own: of the whole leaf, but for
	 * formats in which the items of a group differ (@strided).
	 */
	void (*decode)(const struct walker_config *cfg, unsigned int level,
		       uint64_t word, struct walker_entry *e);
	/* Of a word that is a leaf: bits that hardware changes by itself. */
	uint64_t (*soft)(const struct walker_config *cfg, uint64_t word);
	/* Is dirty state kept in this leaf; what it is; the word made dirty. */
	bool (*tracked)(const struct walker_config *cfg, uint64_t word);
	bool (*dirty)(const struct walker_config *cfg, uint64_t word);
	uint64_t (*soil)(uint64_t word);
	/* The bits of the address in items that hold addresses of their own. */
	uint64_t strided;
};

extern const struct walker_ops walker_amdv1;
extern const struct walker_ops walker_vtdss;
extern const struct walker_ops walker_x86_64;
extern const struct walker_ops walker_arm64_s1;
extern const struct walker_ops walker_arm64_s2;
extern const struct walker_ops walker_riscv64;
extern const struct walker_ops walker_riscv64_x4;
extern const struct walker_ops walker_mock;

/* NULL: no such format. */
const struct walker_ops *walker_ops(enum walker_format format);

/* The @bits low bits are one; up to 64. */
static inline uint64_t walker_ones(unsigned int bits)
{
	return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* Bits @low to @high of @word, as a number. */
static inline uint64_t walker_cut(uint64_t word, unsigned int low,
				  unsigned int high)
{
	return (word >> low) & walker_ones(high - low + 1);
}

/* The same bits, where they stand. */
static inline uint64_t walker_mask(unsigned int low, unsigned int high)
{
	return walker_ones(high - low + 1) << low;
}

/* ---- geometry (config.c) ------------------------------------------------ */

unsigned int walker_granule(const struct walker_config *cfg);
/* Bits of IOVA that one inner table resolves. */
unsigned int walker_level_bits(const struct walker_config *cfg);
/* An item of @level spans 2^this bytes of IOVA. */
unsigned int walker_item_lg2(const struct walker_config *cfg,
			     unsigned int level);
/* A table of @level has this many items that an IOVA can reach. */
uint32_t walker_nr_items(const struct walker_config *cfg, unsigned int level);
/* Memory of a table of @level; also its alignment. */
uint64_t walker_table_bytes(const struct walker_config *cfg,
			    unsigned int level);
uint64_t walker_root(const struct walker_config *cfg);

/* IOVAs are [0, low_last] and, if @upper, [high_first, 2^64 - 1]. */
struct walker_aperture {
	uint64_t low_last;
	bool upper;
	uint64_t high_first;
	/* The highest bit that is decoded: those above copy it, if @upper. */
	uint64_t canonical;
};

void walker_aperture(const struct walker_config *cfg,
		     struct walker_aperture *a);
/* Is all of [@first, @last] inside, in one piece? */
bool walker_inside(const struct walker_aperture *a, uint64_t first,
		   uint64_t last);

/* ---- decoding (decode.c) ------------------------------------------------ */

/* @e is invalid; the first reason stays. */
void walker_fault(struct walker_entry *e, const char *why);
void walker_lay(struct walker_entry *e, uint64_t word,
		const struct walker_bits *bits, size_t nr);
/*
 * A run of address bits, in pieces if the encryption bit stands among them.
 * @why: NULL, or the fault if one of them (but for that bit) is set.
 */
void walker_lay_run(const struct walker_config *cfg, struct walker_entry *e,
		    uint64_t word, unsigned int low, unsigned int high,
		    const char *name, const char *why);
/* Decode one item; @e->oa as the item has it, fields in no order. */
void walker_item(const struct walker_config *cfg, unsigned int level,
		 uint64_t word, struct walker_entry *e);

/* ---- groups (group.c) --------------------------------------------------- */

/* A leaf as one of its items, @index of a table of @level, showed it. */
struct walker_group {
	const struct walker_config *cfg;
	unsigned int level;
	uint64_t table;
	uint32_t index;
	uint64_t word;
	const struct walker_entry *entry;
};

uint64_t walker_leaf_oa(const struct walker_entry *e);
uint32_t walker_group_first(const struct walker_group *g);
uint32_t walker_group_items(const struct walker_group *g);
/* Does @word, as item @index of the table, say the same leaf? */
bool walker_group_agrees(const struct walker_group *g, uint32_t index,
			 uint64_t word);
/* Is an item dirty that belongs to the leaf? */
bool walker_group_dirty(const struct walker_group *g,
			const struct walker_memory *mem);
bool walker_read(const struct walker_memory *mem, uint64_t table,
		 uint32_t index, uint64_t *word);

#endif
