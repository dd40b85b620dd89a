/* SPDX-License-Identifier: MIT */
/*
 * types: the integers that mean something
 *
 * An IOVA is a byte address that a device uses. A frame (identifier: pfn)
 * is the opaque number of one CPU page of memory; what it means belongs to
 * the origin of the memory. A run is the currency of the whole library:
 * @nr pages with consecutive frames at consecutive page indexes.
 */
#ifndef IOAS_BASE_TYPES_H
#define IOAS_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t ioas_iova_t;
typedef uint64_t ioas_pfn_t;

struct ioas_run {
	ioas_pfn_t pfn;
	uint64_t nr;
};

#endif
