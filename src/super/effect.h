/* SPDX-License-Identifier: MIT */
/*
 * effect: what a command does to what is mapped
 *
 *   request before and after --> made, gone, map, unmap of [first, last] in a
 *                                space
 */
#ifndef IOAS_SUPER_EFFECT_H
#define IOAS_SUPER_EFFECT_H

#include "base/types.h"

struct ioas_iommufd;

enum ioas_effect_what {
	IOAS_EFFECT_NOTHING,
	IOAS_EFFECT_MADE,
	IOAS_EFFECT_GONE,
	IOAS_EFFECT_MAP,
	/* A map that failed, but there is such an area. */
	IOAS_EFFECT_MAYBE_MAP,
	IOAS_EFFECT_UNMAP,
};

struct ioas_effect {
	enum ioas_effect_what what;
	/* The space; GONE: any object. */
	uint32_t id;
	uint64_t first;
	uint64_t last;
};

/*
 * What the command would have done, had all gone well: of @in and @out, the
 * request before and after, there are @size bytes.
 */
struct ioas_effect ioas_effect_meant(struct ioas_iommufd *ictx, uint32_t cmd,
				     const void *in, const void *out,
				     uint32_t size);

#endif
