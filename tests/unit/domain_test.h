/* SPDX-License-Identifier: MIT */
/*
 * domain test: sinks, and breaches of the contract that a test expects
 */
#ifndef DOMAIN_TEST_H
#define DOMAIN_TEST_H

#include "pt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/flat.h"
#include "domain/table.h"

#include "breach_test.h"

#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)

#define assert_breach(expr)                                   \
	do {                                                  \
		nr_breaches = 0;                              \
		breaches_expected = true;                     \
		(void)(expr);                                 \
		breaches_expected = false;                    \
		if (!nr_breaches)                             \
			fail_msg("not noticed: %s", #expr);   \
	} while (0)

#define MAX_TAKEN 256

/* Takes so many discontiguous pieces, like a batch. */
struct taker {
	struct ioas_unmap_sink sink;
	unsigned int capacity;
	unsigned int nr;
	struct {
		uint64_t iova, addr, length;
	} piece[MAX_TAKEN];
};

static inline bool taker_add(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			     uint64_t addr, uint64_t length)
{
	struct taker *t = (struct taker *)sink;
	unsigned int n = t->nr;

	if (n && t->piece[n - 1].iova + t->piece[n - 1].length == iova &&
	    t->piece[n - 1].addr + t->piece[n - 1].length == addr) {
		t->piece[n - 1].length += length;
		return true;
	}
	if (n == t->capacity)
		return false;
	t->piece[n].iova = iova;
	t->piece[n].addr = addr;
	t->piece[n].length = length;
	t->nr++;
	return true;
}

struct marker {
	struct ioas_dirty_sink sink;
	unsigned int nr;
	struct {
		uint64_t first, last;
	} mark[MAX_TAKEN];
};

/* Adjacent marks melt, so that two domains can be compared. */
static inline void marker_mark(struct ioas_dirty_sink *sink, ioas_iova_t iova,
			       ioas_iova_t last)
{
	struct marker *m = (struct marker *)sink;

	if (m->nr && m->mark[m->nr - 1].last + 1 == iova) {
		m->mark[m->nr - 1].last = last;
		return;
	}
	assert_in_range(m->nr, 0, MAX_TAKEN - 1);
	m->mark[m->nr].first = iova;
	m->mark[m->nr++].last = last;
}

/* A sink that takes nothing breaks its promise. */
static inline bool refuse_all(struct ioas_unmap_sink *sink, ioas_iova_t iova,
			      uint64_t addr, uint64_t length)
{
	(void)sink;
	(void)iova;
	(void)addr;
	(void)length;
	return false;
}

#endif
