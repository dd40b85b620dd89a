/* SPDX-License-Identifier: MIT */
/*
 * iova twin: the choice of an IOVA, by looking at every byte
 *
 *    space    |---------- blocked ----------|== 512 bytes ==|-- blocked --|
 *
 * docs/reference/iommufd-uapi.md 5.8 read aloud, with an array that says of
 * each byte whether it is taken and allowed.
 */
#ifndef TESTS_LIB_IOVA_TWIN_H
#define TESTS_LIB_IOVA_TWIN_H

#include <stdbool.h>
#include <stdint.h>

#define TWIN_SIZE 512u
#define TWIN_PAGE_LG2 3u
#define TWIN_PAGE (1u << TWIN_PAGE_LG2)
#define TWIN_HUGE_LG2 6u

struct twin_space {
	/* IOVA of byte 0. */
	uint64_t base;
	bool taken[TWIN_SIZE];
	/* By an area; the rest of what is taken is reserved. */
	bool area[TWIN_SIZE];
	bool allowed[TWIN_SIZE];
	bool any_allowed;
};

/* What ioas_iova_choose() should answer; @length is not zero. */
int twin_choose(const struct twin_space *u, uint64_t alignment,
		uint64_t address, uint64_t length, uint64_t *out);

#endif
