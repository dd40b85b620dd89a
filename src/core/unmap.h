/* SPDX-License-Identifier: MIT */
/*
 * unmap: what map and access share with unmap
 */
#ifndef IOAS_CORE_UNMAP_H
#define IOAS_CORE_UNMAP_H

#include "core/iopt.h"

/* Free a chain of areas that is in no tree, and drop their pages objects. */
void ioas_areas_free(struct ioas_area *chain);

/*
 * Tell every client that is not internal to let go of a range (12.5). No lock
 * is held; the callbacks run without locks.
 */
void ioas_access_notify(struct ioas *ioas, ioas_iova_t iova, uint64_t length);

#endif
