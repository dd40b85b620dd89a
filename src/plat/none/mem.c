/* SPDX-License-Identifier: MIT */
/*
 * mem: the four functions that the compiler expects to exist
 *
 * Byte by byte: this platform proves that the core links, not that it is fast.
 * gcc knows these loops and would replace each by a call of the function that
 * it is in; the attribute forbids it. clang leaves functions of these names
 * alone.
 */
#include "base/mem.h"

#if defined(__clang__)
#define AS_WRITTEN
#else
#define AS_WRITTEN \
	__attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

AS_WRITTEN void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	while (n--)
		*d++ = *s++;
	return dst;
}

AS_WRITTEN void *memset(void *dst, int c, size_t n)
{
	unsigned char *d = dst;

	while (n--)
		*d++ = (unsigned char)c;
	return dst;
}

AS_WRITTEN void *memmove(void *dst, const void *src, size_t n)
{
	unsigned char *d = dst;
	const unsigned char *s = src;

	if (d < s) {
		while (n--)
			*d++ = *s++;
	} else {
		while (n--)
			d[n] = s[n];
	}
	return dst;
}

AS_WRITTEN int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x < *y ? -1 : 1;
	return 0;
}
