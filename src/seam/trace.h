/* SPDX-License-Identifier: MIT */
/*
 * trace: points where a listener may look on
 *
 * One branch when nobody listens. The platform turns them into static probes
 * or lines of a log; the table is the list of what exists.
 */
#ifndef IOAS_SEAM_TRACE_H
#define IOAS_SEAM_TRACE_H

#include "seam/plat.h"

/* name, meaning of the three arguments */
#define IOAS_TRACE_POINTS(X)                    \
	X(MAP, "iova, last, error")             \
	X(UNMAP, "iova, last, bytes")           \
	X(COPY, "source iova, last, error")     \
	X(ATTACH, "space, domain, error")       \
	X(DETACH, "space, domain, 0")           \
	X(PIN, "first pfn, pages, for writing") \
	X(UNPIN, "first pfn, pages, dirty")     \
	X(FILL, "pages object, first, last")    \
	X(DRAIN, "pages object, first, last")   \
	X(NOTIFY, "access, iova, length")       \
	X(SYNC, "domain, 0, 0")

enum ioas_trace_point {
#define IOAS_TRACE_ENUM(name, text) IOAS_TP_##name,
	IOAS_TRACE_POINTS(IOAS_TRACE_ENUM)
#undef IOAS_TRACE_ENUM
	IOAS_NR_TRACE_POINTS
};

static inline void ioas_trace(enum ioas_trace_point point, uint64_t a,
			      uint64_t b, uint64_t c)
{
	if (ioas_unlikely(atomic_load_explicit(&ioas_plat_trace_on,
					       memory_order_relaxed)))
		ioas_plat_trace(point, a, b, c);
}

#endif
