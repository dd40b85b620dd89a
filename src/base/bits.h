/* SPDX-License-Identifier: MIT */
/*
 * bits: checked sums, alignment, powers of two, closed ranges
 *
 * IOVAs and indexes are kept as closed ranges [first, last]: the last byte of
 * the 64-bit space is a legal IOVA, so one past it cannot be expressed.
 */
#ifndef IOAS_BASE_BITS_H
#define IOAS_BASE_BITS_H

#include "base/types.h"

#define IOAS_U64_MAX UINT64_MAX

#define IOAS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ioas_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* Sum of @a and @b in *@sum; true if it did not fit. */
static inline bool ioas_add_overflow(uint64_t a, uint64_t b, uint64_t *sum)
{
	return __builtin_add_overflow(a, b, sum);
}

/*
 * Last byte of @length bytes from @first, in *@last; false if @length is zero
 * or the range wraps. The only place where an address and a length are added.
 */
static inline bool ioas_last(uint64_t first, uint64_t length, uint64_t *last)
{
	return length && !__builtin_add_overflow(first, length - 1, last);
}

static inline uint64_t ioas_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t ioas_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline bool ioas_is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* Index of the highest bit of @n, which is not zero. */
static inline unsigned ioas_log2(uint64_t n)
{
	return 63u - (unsigned)__builtin_clzll(n);
}

/* Index of the lowest bit of @n, which is not zero. */
static inline unsigned ioas_ctz(uint64_t n)
{
	return (unsigned)__builtin_ctzll(n);
}

/* @align is a power of two here and below. */
static inline bool ioas_is_aligned(uint64_t n, uint64_t align)
{
	return !(n & (align - 1));
}

static inline uint64_t ioas_align_down(uint64_t n, uint64_t align)
{
	return n & ~(align - 1);
}

/* Wraps to zero above the last multiple of @align; callers check. */
static inline uint64_t ioas_align_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* Do the closed ranges [@a, @b] and [@x, @y] share an element? */
static inline bool ioas_intersects(uint64_t a, uint64_t b, uint64_t x,
				   uint64_t y)
{
	return a <= y && x <= b;
}

#define ioas_likely(x) __builtin_expect(!!(x), 1)
#define ioas_unlikely(x) __builtin_expect(!!(x), 0)

#endif
