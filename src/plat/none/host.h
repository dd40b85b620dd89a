/* SPDX-License-Identifier: MIT */
/*
 * host: the two things this platform asks of whatever it runs on
 *
 * Implemented in start.c for Linux without a libc; a port replaces that file.
 */
#ifndef IOAS_PLAT_NONE_HOST_H
#define IOAS_PLAT_NONE_HOST_H

#include <stddef.h>

_Noreturn void ioas_host_exit(int status);
void ioas_host_print(const char *text, size_t length);

#endif
