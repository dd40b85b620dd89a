/* SPDX-License-Identifier: MIT */
/*
 * user: the memory of a client that is this process, and is not trusted
 *
 * Bytes of the origin are addresses. What it waives of
 * docs/reference/ioas-core.md 4.2 stands in user.c.
 */
#ifndef IOAS_ORIGIN_USER_H
#define IOAS_ORIGIN_USER_H

#include "origin/backing.h"

/*
 * The memory of the current caller, as far as that is this process. @b outlives
 * the origin. Return: 0 with a reference in *@out, or -ENOMEM.
 */
int ioas_origin_user_create(struct ioas_backings *b, struct ioas_origin **out);

#endif
