/* SPDX-License-Identifier: MIT */
/*
 * output: writing to files that may be anybody's
 */
#ifndef IOAS_SUPER_OUTPUT_H
#define IOAS_SUPER_OUTPUT_H

#include <stddef.h>

/*
 * All of it, in one write if the file takes it. A pipe that nobody reads is an
 * error and no signal; one that is full and does not block is waited for, for a
 * second. Return: 0 or -errno; part of it may have been written.
 */
int ioas_output_write(int fd, const char *text, size_t length);

#endif
