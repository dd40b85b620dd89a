/* SPDX-License-Identifier: MIT */
/*
 * count: between the library and its platform
 */
#include "count.h"

#include "seam/plat.h"

void *__real_ioas_plat_alloc(size_t size);
void *__real_ioas_plat_zalloc(size_t size);
void __real_ioas_plat_free(void *p, size_t size);
void *__real_ioas_plat_alloc_aligned(size_t size, size_t align);
void __real_ioas_plat_free_aligned(void *p, size_t size, size_t align);

void *__wrap_ioas_plat_alloc(size_t size);
void *__wrap_ioas_plat_zalloc(size_t size);
void __wrap_ioas_plat_free(void *p, size_t size);
void *__wrap_ioas_plat_alloc_aligned(size_t size, size_t align);
void __wrap_ioas_plat_free_aligned(void *p, size_t size, size_t align);

static struct count now;

static void *born(void *p, size_t size)
{
	if (p) {
		now.bytes += size;
		now.blocks++;
		now.total++;
	}
	return p;
}

static void gone(const void *p, size_t size)
{
	if (p) {
		now.bytes -= size;
		now.blocks--;
	}
}

void *__wrap_ioas_plat_alloc(size_t size)
{
	return born(__real_ioas_plat_alloc(size), size);
}

void *__wrap_ioas_plat_zalloc(size_t size)
{
	return born(__real_ioas_plat_zalloc(size), size);
}

void __wrap_ioas_plat_free(void *p, size_t size)
{
	gone(p, size);
	__real_ioas_plat_free(p, size);
}

void *__wrap_ioas_plat_alloc_aligned(size_t size, size_t align)
{
	return born(__real_ioas_plat_alloc_aligned(size, align), size);
}

void __wrap_ioas_plat_free_aligned(void *p, size_t size, size_t align)
{
	gone(p, size);
	__real_ioas_plat_free_aligned(p, size, align);
}

struct count count_now(void)
{
	return now;
}
