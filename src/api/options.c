/* SPDX-License-Identifier: MIT */
/*
 * options: structs that may be longer or shorter than the library knows
 *
 *   caller older     [size|.......]            the rest counts as zero
 *   library          [size|.............]
 *   caller newer     [size|.............|0000] what we do not know is zero
 */
#include "api/api.h"

#include "base/errno.h"
#include "base/mem.h"

static size_t shorter(size_t a, size_t b)
{
	return a < b ? a : b;
}

int ioas_api_options(void *known, size_t known_size, const void *given)
{
	const uint8_t *bytes = given;
	size_t size;

	memset(known, 0, known_size);
	if (!given)
		return 0;
	memcpy(&size, given, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	for (size_t i = known_size; i < size; i++)
		if (bytes[i])
			return -E2BIG;
	memcpy(known, given, shorter(size, known_size));
	return 0;
}

int ioas_api_answer(void *out, void *known, size_t known_size)
{
	uint8_t *bytes = out;
	size_t size;

	memcpy(&size, out, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	memcpy(known, &size, sizeof(size));
	memcpy(out, known, shorter(size, known_size));
	if (size > known_size)
		memset(bytes + known_size, 0, size - known_size);
	return 0;
}
