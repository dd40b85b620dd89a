/* SPDX-License-Identifier: MIT */
/*
 * kinds: what a domain of the universe can be
 *
 *   flat                          no page table
 *   mock                          sizes as one likes, from 512 bytes
 *   amdv1:grow, riscv64:sv39, ..  formats of hardware, in a configuration
 *
 * What is written down here is what docs/reference/page-tables.md says of each
 * configuration (sections 1.5, 2 and 8), so that the library can be asked
 * whether it agrees.
 */
#ifndef TESTS_STATE_KINDS_H
#define TESTS_STATE_KINDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pt/pt.h"
#include "walker/walker.h"

#define KIND_FLAT 0
#define KIND_MOCK 1

struct kind {
	/* Format, and after a colon the configuration. */
	const char *name;
	/* flat: NULL */
	const struct ioas_pt_format *format;
	enum walker_format walker;
	uint8_t granule_lg2;
	uint8_t va_bits;
	uint8_t oa_bits;
	/* At the beginning; 0: as the width asks. */
	uint8_t levels;
	/* enum ioas_pt_flags: set always, and where a domain wants it. */
	uint32_t flags;
	uint32_t options;
	uint64_t c_bit;
	/* Sizes of leaves; further ones with IOAS_PT_CONTIGUOUS. */
	uint64_t sizes;
	uint64_t groups;
};

unsigned int kinds_nr(void);
const struct kind *kind_get(unsigned int i);
/*
 * A mask of those that @names says: "mixed", "flat", "table" (mock), or, with
 * commas, names that may end after the format or at a dash. 0: there is none.
 */
uint64_t kinds_find(const char *names);
uint64_t kinds_all(void);

/* Can a domain of it be what other domains of its format are not? */
bool kind_is_hardware(const struct kind *k);
/* Leaves are made so that a write shows. */
bool kind_tracks(const struct kind *k, uint32_t flags);
/* And as if it had been written. */
bool kind_born_dirty(const struct kind *k, uint32_t flags);
/* Only leaves that allow it remember a write. */
bool kind_marks_writable(const struct kind *k);
/* A leaf that is read in part becomes clean. */
bool kind_clears_partial(const struct kind *k);
uint64_t kind_sizes(const struct kind *k, uint32_t flags);
/* Last IOVA of the lower half of the aperture, or of all of it. */
uint64_t kind_last(const struct kind *k);
uint64_t kind_oa_last(const struct kind *k);
/* Why the format refuses a permission word, or 0. */
int kind_refuses(const struct kind *k, uint32_t prot);
/* The permission word that comes back, and what a device may do. */
uint32_t kind_prot(const struct kind *k, uint32_t prot);
uint32_t kind_access(const struct kind *k, uint32_t prot);
/*
 * Attributes of a leaf that permissions do not show: memory type, coherence,
 * encryption. *@mask: the bits that they are.
 */
uint64_t kind_attributes(const struct kind *k, uint32_t flags, uint32_t prot,
			 uint64_t *mask);

#endif
