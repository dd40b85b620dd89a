/* SPDX-License-Identifier: MIT */
/*
 * fault: the points where an operation can be made to fail
 *
 * A point stands before every allocation, pin, client copy and table
 * allocation (ioas-tests 8, fault-injection B). It exists in every build,
 * behind one predictable branch. Points belong to the caller: the n-th point
 * that its operations reach fails. Release paths have none.
 */
#ifndef IOAS_SEAM_FAULT_H
#define IOAS_SEAM_FAULT_H

#include "base/errno.h"
#include "seam/plat.h"

/* Name, and what the point makes fail. Numbers are stable: append only. */
#define IOAS_FAULT_POINTS(X)                                      \
	X(ALLOC_PAGES, "area and pages object")                   \
	X(ALLOC_AREA, "area of a copy or a split")                \
	X(ALLOC_RECORD, "access record and its sets")             \
	X(ALLOC_RANGE, "reserved or allowed range")               \
	X(ALLOC_LIST, "element of a list (copy, domain, client)") \
	X(ALLOC_NODE, "node of a B+tree")                         \
	X(ALLOC_LINK, "linked set that is shared")                \
	X(ALLOC_SPACE, "address space, access or domain")         \
	X(BATCH_LARGE, "batch, first size")                       \
	X(BATCH_SMALL, "batch, second size")                      \
	X(WINDOW, "read-ahead window")                            \
	X(PIN, "pin by the origin")                               \
	X(FOLIO, "additional pins of a folio")                    \
	X(ALIVE, "guard of another process")                      \
	X(STORE, "insertion into the pinned store")               \
	X(DOMAIN_MAP, "map call of a domain")                     \
	X(TABLE, "memory of a page table")                        \
	X(CHARGE, "charge of pinned memory")                      \
	X(DEVICE, "registration of device memory")                \
	X(COPY, "copy of a client's memory")                      \
	X(REGIONS, "reserved regions of a device")                \
	X(OBJECT, "lookup of an object")                          \
	X(ID, "id of an object")                                  \
	X(FD, "file descriptor")                                  \
	X(ATTACH, "attachment of a device")

enum ioas_fault_point {
#define IOAS_FAULT_ENUM(name, text) IOAS_FP_##name,
	IOAS_FAULT_POINTS(IOAS_FAULT_ENUM)
#undef IOAS_FAULT_ENUM
	IOAS_NR_FAULT_POINTS
};

/* One caller's faults. Used by one thread at a time. */
struct ioas_fault {
	/* Points until the failure; 0: off. */
	uint64_t nth;
	/* Fail each point with this chance in 2^32, from @seed; 0: off. */
	uint32_t chance;
	uint64_t seed;
	/* Every point from now on fails (allocator off). */
	bool sticky;
	/* The point that failed last; IOAS_NR_FAULT_POINTS: none yet. */
	enum ioas_fault_point failed;
	/* How often each point was reached. */
	uint64_t reached[IOAS_NR_FAULT_POINTS];
	/* Bit per point: for this caller it is none. */
	uint64_t ignored;
	/* Asked in place of chance, while nth is 0; NULL: chance decides. */
	bool (*decide)(struct ioas_fault *f, unsigned int point);
};
_Static_assert(IOAS_NR_FAULT_POINTS <= 64, "a bit of ignored for each");

/*
 * Another thread than the one that uses it may look at nth, and set it: a
 * counter can be a file (fault-injection B.2).
 */
static inline uint64_t ioas_fault_nth(const struct ioas_fault *f)
{
	return __atomic_load_n(&f->nth, __ATOMIC_RELAXED);
}

static inline void ioas_fault_set_nth(struct ioas_fault *f, uint64_t nth)
{
	__atomic_store_n(&f->nth, nth, __ATOMIC_RELAXED);
}

/* Some caller has faults armed; false: the current one has not. */
static inline bool ioas_faults_armed(void)
{
	return ioas_unlikely(atomic_load_explicit(&ioas_plat_faults_armed,
						  memory_order_relaxed));
}

/* True: the operation behind the point has to fail now. */
static inline bool ioas_fault_point(enum ioas_fault_point point)
{
	return ioas_faults_armed() && ioas_plat_fault_hit(point);
}

/* The allocations of everything above the seam. */
static inline void *ioas_alloc(size_t size, enum ioas_fault_point point)
{
	return ioas_fault_point(point) ? NULL : ioas_plat_alloc(size);
}

static inline void *ioas_zalloc(size_t size, enum ioas_fault_point point)
{
	return ioas_fault_point(point) ? NULL : ioas_plat_zalloc(size);
}

static inline void ioas_free(void *p, size_t size)
{
	ioas_plat_free(p, size);
}

#endif
