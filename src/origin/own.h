/* SPDX-License-Identifier: MIT */
/*
 * own: the memory of this process, trusted
 *
 * Page indexes are virtual addresses / page size, and so are frames.
 * What it waives of docs/reference/ioas-core.md 4.2 stands in own.c.
 */
#ifndef IOAS_ORIGIN_OWN_H
#define IOAS_ORIGIN_OWN_H

#include "origin/ops.h"

/* Return: 0 with a reference in *@out, -EINVAL (page size) or -ENOMEM. */
int ioas_origin_own_create(uint8_t page_lg2, struct ioas_origin **out);

#endif
