/* SPDX-License-Identifier: MIT */
/*
 * fuzz: what the targets share
 *
 *    bytes --> struct input --> choices --> the library | an obvious twin
 *                                                      ^ demand(): the same?
 *
 * A target is a function of its bytes alone, and every string of bytes means
 * something: choices are taken modulo their number, and all that follow the
 * last byte are zero. So a reproducer is a file, and a short one stays valid
 * when bytes are cut from it.
 *
 * Linked with libFuzzer (-Dfuzz=true, clang), or with replay.c, which runs the
 * files that it is given.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The names are libFuzzer's. Return: 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t input_byte(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint64_t input_bytes(struct input *in, unsigned int nr)
{
	uint64_t n = 0;

	while (nr--)
		n = n << 8 | input_byte(in);
	return n;
}

/* 0 to @n - 1, of as many bytes as @n needs; the bias does not matter. */
static inline uint64_t input_below(struct input *in, uint64_t n)
{
	return input_bytes(in, n <= 256 ? 1 : n <= 65536 ? 2 : 8) % n;
}

/* What the library does is not what it should do. */
#define demand(cond)                                                        \
	do {                                                                \
		if (!(cond)) {                                              \
			fprintf(stderr, "fuzz: not true: %s at %s:%d\n",    \
				#cond, __FILE__, __LINE__);                 \
			abort();                                            \
		}                                                           \
	} while (0)

#endif
