/* SPDX-License-Identifier: MIT */
/*
 * item: how the words of a table are read and written
 *
 * Entries are little-endian in every format and visible to walkers that run
 * at the same time, so each access is one 64-bit access. The builtins instead
 * of stdatomic: a table that nobody can see yet is filled with plain stores,
 * which the compiler may widen, and both need to be the same type.
 */
#ifndef IOAS_PT_ITEM_H
#define IOAS_PT_ITEM_H

#include "base/types.h"

static inline uint64_t item_le(uint64_t e)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(e);
#else
	return e;
#endif
}

/* Of a leaf: needs no order against other leaves (page-tables 5). */
static inline uint64_t item_load(const uint64_t *item)
{
	return item_le(__atomic_load_n(item, __ATOMIC_RELAXED));
}

/* Of what may be a table entry: the table behind it is complete. */
static inline uint64_t item_load_table(const uint64_t *item)
{
	return item_le(__atomic_load_n(item, __ATOMIC_ACQUIRE));
}

static inline void item_store(uint64_t *item, uint64_t e)
{
	__atomic_store_n(item, item_le(e), __ATOMIC_RELAXED);
}

/*
 * Two items of a table that nobody sees yet, at an even index: one store where
 * the machine has it.
 */
typedef uint64_t item_pair __attribute__((vector_size(16), may_alias));

static inline void item_store_pair(uint64_t *item, const item_pair *e)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	*(item_pair *)(void *)item =
		(item_pair){ item_le((*e)[0]), item_le((*e)[1]) };
#else
	*(item_pair *)(void *)item = *e;
#endif
}

/* Publish a table in an empty item; false if there is something already. */
static inline bool item_publish(uint64_t *item, uint64_t e)
{
	uint64_t empty = 0;

	return __atomic_compare_exchange_n(item, &empty, item_le(e), false,
					   __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

/* @old becomes @e; false if it is something else. */
static inline bool item_replace(uint64_t *item, uint64_t old, uint64_t e)
{
	old = item_le(old);
	return __atomic_compare_exchange_n(item, &old, item_le(e), false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static inline uint64_t item_exchange(uint64_t *item, uint64_t e)
{
	return item_le(__atomic_exchange_n(item, item_le(e),
					   __ATOMIC_ACQ_REL));
}

static inline uint64_t item_fetch_or(uint64_t *item, uint64_t bits)
{
	return item_le(__atomic_fetch_or(item, item_le(bits),
					 __ATOMIC_RELAXED));
}

static inline uint64_t item_fetch_clear(uint64_t *item, uint64_t bits)
{
	return item_le(__atomic_fetch_and(item, item_le(~bits),
					  __ATOMIC_RELAXED));
}

#endif
