/* SPDX-License-Identifier: MIT */
/*
 * mem: the four functions of the C library that a compiler may call anyway
 */
#ifndef IOAS_BASE_MEM_H
#define IOAS_BASE_MEM_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memset(void *dst, int c, size_t n);
void *memmove(void *dst, const void *src, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
