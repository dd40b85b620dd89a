/* SPDX-License-Identifier: MIT */
/*
 * pt mock test: page tables of the mock format, made and looked at
 */
#ifndef PT_MOCK_TEST_H
#define PT_MOCK_TEST_H

#include "pt_test.h"

#include <string.h>

#include "pt/pt.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define RW (IOAS_PT_READ | IOAS_PT_WRITE)
#define ALL_SIZES UINT64_C(0x3FFFFFF800)

static inline struct ioas_pt *pt_new(uint64_t pgsizes, uint64_t first,
				     uint64_t last)
{
	const struct ioas_pt_params params = {
		.pgsizes = pgsizes, .first = first, .last = last,
		.count = true,
	};
	struct ioas_pt *pt = NULL;

	assert_int_equal(ioas_pt_create(&ioas_pt_mock, &params, &pt), 0);
	return pt;
}

/* One run, given in bytes. */
static inline int map_bytes(struct ioas_pt *pt, uint64_t iova, uint64_t oa,
			    uint64_t length, uint32_t prot)
{
	const struct ioas_run run = { oa >> 9, (length + 511) >> 9 };
	const struct ioas_pt_map rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 9,
		.head = (uint32_t)(oa & 511), .length = length, .prot = prot,
	};

	return ioas_pt_map(pt, &rq);
}

static inline uint64_t unmap_bytes(struct ioas_pt *pt, uint64_t iova,
				   uint64_t last)
{
	const struct ioas_pt_unmap rq = {
		.iova = iova, .want_last = last, .last = last,
	};

	return ioas_pt_unmap(pt, &rq);
}

/* Output address, or -1. */
static inline uint64_t translate(struct ioas_pt *pt, uint64_t iova)
{
	uint64_t oa, length;

	if (ioas_pt_translate_run(pt, iova, iova, NULL, &oa, &length))
		return UINT64_MAX;
	assert_int_equal(length, 1);
	return oa;
}

static inline bool count_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	(void)leaf;
	++*(unsigned int *)ctx;
	return true;
}

static inline unsigned int nr_leaves(struct ioas_pt *pt)
{
	unsigned int nr = 0;

	ioas_pt_for_each_leaf(pt, count_leaf, &nr);
	return nr;
}

/* A word as a table holds it, little-endian; and back, which is the same. */
static inline uint64_t raw_word(uint64_t word)
{
	unsigned char bytes[8];

	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(word >> 8 * i);
	memcpy(&word, bytes, 8);
	return word;
}

/* The item for @iova at @level, found by the picture in mock.c alone. */
static inline uint64_t *raw_item(struct ioas_pt *pt, uint64_t iova,
				 unsigned int granule_lg2,
				 unsigned int level)
{
	struct ioas_pt_root root;
	uint64_t pa, *item;

	ioas_pt_root(pt, &root);
	pa = root.pa;
	for (unsigned int at = root.level;; at--) {
		uint64_t index = iova >> (granule_lg2 + 9 * at) & 511;

		item = (uint64_t *)(uintptr_t)pa + index;
		if (at == level)
			return item;
		assert_int_equal(raw_word(*item) & 511, 256);
		pa = raw_word(*item) & ~UINT64_C(511);
	}
}

#endif
