/* SPDX-License-Identifier: MIT */
/*
 * pt each test: a case over every format
 */
#ifndef PT_EACH_TEST_H
#define PT_EACH_TEST_H

#include "pt_kit.h"

#include "base/bits.h"
#include "base/errno.h"
#include "pt/item.h"

/* A case @name that runs name_of() over a new page table of each format. */
#define EACH_FORMAT(name)                                                  \
	static void name(void **state)                                     \
	{                                                                  \
		(void)state;                                               \
		for (unsigned int i = 0; i < kit_nr_formats; i++) {        \
			struct kit *k = kit_new(&kit_formats[i], NULL);    \
									   \
			name##_of(k);                                      \
			kit_check(k);                                      \
			kit_free(k);                                       \
		}                                                          \
	}

static inline uint64_t granule_of(const struct kit *k)
{
	return KIT_PGSIZE(k->f->granule_lg2);
}

/* Output addresses end here. */
static inline uint64_t oa_last_of(const struct kit *k)
{
	uint64_t last = UINT64_MAX >> (64 - k->f->oa_bits);

	return k->f->c_bit ? k->f->c_bit - 1 : last;
}

/* Can a leaf of 2^@lg2 bytes stand at its own size and at twice that? */
static inline bool fits(const struct kit *k, unsigned int lg2)
{
	return k->f->pgsizes >> lg2 & 1 && lg2 < 62 &&
	       KIT_PGSIZE(lg2) * 3 - 1 <= kit_last(k->f) &&
	       KIT_PGSIZE(lg2) * 3 - 1 <= oa_last_of(k);
}

/* Items that a leaf of 2^@lg2 bytes stands in. */
static inline unsigned int nr_items_of(const struct kit *k, unsigned int lg2)
{
	unsigned int level = kit_level_of(k->f, lg2);

	return 1u << (lg2 - kit_item_lg2(k->f, level));
}

/* The largest size of the format below 2^@lg2; 0: it is the granule. */
static inline unsigned int size_below(const struct kit *k, unsigned int lg2)
{
	uint64_t sizes = k->f->pgsizes & (KIT_PGSIZE(lg2) - 1);

	return sizes ? ioas_log2(sizes) : 0;
}

/* Nothing is mapped any more; leaves without a gap go at once. */
static inline void kit_empty(struct kit *k)
{
	struct kit_leaves l;
	uint64_t last = 0;

	kit_leaves(k->pt, &l);
	for (size_t i = 0, j; i < l.nr; i = j) {
		for (j = i; j == i || (j < l.nr && last + 1 == l.leaf[j].iova);
		     j++)
			last = l.leaf[j].iova +
			       (KIT_PGSIZE(l.leaf[j].lg2) - 1);
		kit_unmap(k, l.leaf[i].iova, last);
	}
	kit_leaves_free(&l);
	ioas_pt_sync(k->pt);
}

#endif
