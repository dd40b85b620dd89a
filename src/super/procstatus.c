/* SPDX-License-Identifier: MIT */
/*
 * procstatus: texts with other numbers, or one more line
 */
#include "super/procstatus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line "Key:      number kB". */
#define LINE_MAX_LENGTH 64

/* The number that is added to the line at @line; NULL: none. */
static const uint64_t *addend(const char *line, size_t length,
			      const struct ioas_procstatus *add)
{
	if (length < 6 || length >= LINE_MAX_LENGTH)
		return NULL;
	if (!memcmp(line, "VmLck:", 6))
		return &add->locked;
	if (!memcmp(line, "VmPin:", 6))
		return &add->pinned;
	return NULL;
}

/* Into @out; the length as snprintf(3) says it. */
static int line_add(const char *line, size_t length, uint64_t add, char *out,
		    size_t room)
{
	char copy[LINE_MAX_LENGTH];
	uint64_t number;

	memcpy(copy, line, length);
	copy[length] = '\0';
	number = strtoull(copy + 6, NULL, 10);
	return snprintf(out, room, "%.6s\t%8" PRIu64 " kB\n", line,
			number + add);
}

int ioas_procstatus_add(const char *text, size_t length,
			const struct ioas_procstatus *add, char *out,
			size_t room)
{
	const char *end = text + length;
	size_t used = 0;

	while (text != end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const size_t n = (size_t)((newline ? newline + 1 : end) - text);
		const uint64_t *more = addend(text, n, add);
		const size_t left = room - used;
		int written;

		if (more) {
			written = line_add(text, n, *more, out + used, left);
			if ((size_t)written >= left)
				return -ENOSPC;
			used += (size_t)written;
		} else {
			if (n > left)
				return -ENOSPC;
			memcpy(out + used, text, n);
			used += n;
		}
		text += n;
	}
	return (int)used;
}

int ioas_procstatus_add_function(const char *text, size_t length,
				 const char *syspath, char *out, size_t room)
{
	const int n = snprintf(out, room, "%.*svfio-device-syspath: %s\n",
			       (int)length, text, syspath);

	return n < 0 || (size_t)n >= room ? -ENOSPC : n;
}
