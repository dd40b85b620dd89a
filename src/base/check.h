/* SPDX-License-Identifier: MIT */
/*
 * check: we broke a promise of our own
 *
 * IOAS_CHECK(cond) is true when @cond is, after reporting it once through the
 * platform: `if (IOAS_CHECK(!area)) return -EINVAL;`. It is always compiled.
 * Under test the platform aborts. What a client or a guest says never reaches
 * a check: bad input is an error return.
 *
 * IOAS_DCHECK() may be slow and exists in debug builds only.
 */
#ifndef IOAS_BASE_CHECK_H
#define IOAS_BASE_CHECK_H

#include "base/bits.h"

#ifndef IOAS_DEBUG
#define IOAS_DEBUG 0
#endif

/* Implemented by the platform (src/seam/plat.h). */
void ioas_plat_check_failed(const char *cond, const char *file, int line,
			    const char *func);

#define IOAS_CHECK(cond)                                                  \
	__extension__({                                                   \
		bool ioas_broken_ = ioas_unlikely(!!(cond));              \
		if (ioas_broken_)                                         \
			ioas_plat_check_failed(#cond, __FILE__, __LINE__, \
					       __func__);                 \
		ioas_broken_;                                             \
	})

#define IOAS_DCHECK(cond) ((void)(IOAS_DEBUG && IOAS_CHECK(cond)))

#endif
