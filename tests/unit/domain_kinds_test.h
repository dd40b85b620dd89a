/* SPDX-License-Identifier: MIT */
/*
 * domain kinds test: a domain of each kind that tests/state knows
 */
#ifndef DOMAIN_KINDS_TEST_H
#define DOMAIN_KINDS_TEST_H

#include "domain_test.h"

#include "../state/kinds.h"

#include "base/bits.h"

/* A page is what a leaf at least is, or 4 KiB. */
static inline unsigned int kind_page_lg2(const struct kind *k)
{
	return kind_is_hardware(k) ? k->granule_lg2 : 12;
}

/* Flags that a domain with dirty tracking has to have. */
static inline uint32_t kind_dirty_flags(const struct kind *k, bool dirty)
{
	return k->flags | (dirty ? k->options & IOAS_PT_DIRTY : 0u);
}

/* Return: what the library says. @pgsizes 0: all that there are. */
static inline int kind_create(const struct kind *k, uint64_t pgsizes,
			      uint64_t first, uint64_t last, uint32_t flags,
			      bool dirty, struct ioas_domain **out)
{
	const struct ioas_flat_options flat = {
		.pgsizes = pgsizes, .first = first, .last = last,
		.dirty = dirty,
	};
	const struct ioas_table_options table = {
		.format = k->format,
		.pt = { .pgsizes = pgsizes, .first = first, .last = last,
			.va_bits = k->va_bits, .oa_bits = k->oa_bits,
			.levels = k->levels, .flags = flags,
			.c_bit = k->c_bit },
		.dirty = dirty,
	};

	return k->format ? ioas_table_domain_create(&table, out) :
			   ioas_flat_domain_create(&flat, out);
}

/* With dirty tracking. */
static inline struct ioas_domain *kind_new(const struct kind *k,
					   uint64_t pgsizes, uint64_t first,
					   uint64_t last)
{
	struct ioas_domain *d = NULL;
	int ret = kind_create(k, pgsizes, first, last,
			      kind_dirty_flags(k, true) |
				      (k->options & IOAS_PT_CONTIGUOUS),
			      true, &d);

	if (ret)
		fail_msg("%s: %d", k->name, ret);
	return d;
}

#endif
