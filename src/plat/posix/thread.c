/* SPDX-License-Identifier: MIT */
/*
 * thread: what the library remembers about each thread
 */
#include "seam/plat.h"

static _Thread_local struct ioas_thread self;

struct ioas_thread *ioas_plat_thread(void)
{
	return &self;
}
