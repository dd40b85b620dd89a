/* SPDX-License-Identifier: MIT */
/*
 * census: how many pages objects hold a frame
 */
#ifndef IOAS_CORE_CENSUS_H
#define IOAS_CORE_CENSUS_H

#include "core/context.h"

/**
 * ioas_context_holders() - count the pins that a context has on frames
 * @ctx:    what to look at: every pages object of every space, once
 * @run:    frames; may be none
 * @counts: one for each; what is there already is added to
 *
 * A pages object has one pin per page that a domain or a record needs, so a
 * frame that it has at two indexes counts twice, and one that two objects have
 * counts for each. Device memory is never pinned. Every object is
 * looked at by itself: the sum is exact if nothing changes meanwhile.
 *
 * Context: any thread; excludes copies and other walks of the context.
 * Return: 0, or -EFAULT if a tier does not have what it must (checked).
 */
int ioas_context_holders(struct ioas_context *ctx, struct ioas_run run,
			 uint32_t *counts);

#endif
