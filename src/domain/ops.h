/* SPDX-License-Identifier: MIT */
/*
 * domain ops: the contract between the core and an IO page table
 *
 *   core  -- map(runs) ------------------>  domain
 *         <- unmap(range, sink gets runs) -
 *         <- translate_run(iova) ----------
 *         -- sync -----------------------> nothing can use what was removed
 *
 * A domain answers in runs. How it cuts a run into entries is its own
 * business; it uses the largest leaf that @max_leaf, the sizes in @pgsizes and
 * the alignment of both addresses allow.
 *
 * Concurrency: operations on disjoint ranges of one domain may run at the same
 * time. On overlapping ranges the core serialises what maps, unmaps or splits
 * against everything; translations and reads of dirty bits may overlap.
 *
 * Normative: docs/reference/ioas-core.md 4.1, as amended by docs/words.md.
 */
#ifndef IOAS_DOMAIN_OPS_H
#define IOAS_DOMAIN_OPS_H

#include "base/types.h"

enum ioas_prot {
	IOAS_PROT_READ = 1u << 0,
	IOAS_PROT_WRITE = 1u << 1,
	IOAS_PROT_CACHE = 1u << 2,
	IOAS_PROT_NOEXEC = 1u << 3,
	IOAS_PROT_MMIO = 1u << 4,
	IOAS_PROT_PRIV = 1u << 5,
};

/*
 * Where a walk of a domain left off. Zero it before the first use. It stays
 * good while its owner works upward through one range that nobody else may
 * change: it spares the walk from the root, and holds no resource.
 */
struct ioas_domain_cursor {
	uint64_t word[4];
};

struct ioas_map_request {
	ioas_iova_t iova;
	/* Frames of 2^page_lg2 bytes, in order; runs[0] begins @head bytes in. */
	const struct ioas_run *runs;
	uint32_t nr_runs;
	uint8_t page_lg2;
	uint32_t head;
	/* Bytes in all. The last frame may be mapped in part only. */
	uint64_t length;
	/* enum ioas_prot */
	uint32_t prot;
	/* No leaf may be larger than this many bytes; 0: no bound. */
	uint64_t max_leaf;
	/* May be NULL. */
	struct ioas_domain_cursor *cursor;
};

/* Receives what an unmap removes, in ascending order of IOVA. */
struct ioas_unmap_sink {
	/*
	 * @length bytes from output address @addr were mapped at @iova. False
	 * refuses: the range stays mapped and the unmap stops before it. A
	 * range that continues the previous one in both addresses is never
	 * refused.
	 */
	bool (*add)(struct ioas_unmap_sink *sink, ioas_iova_t iova,
		    uint64_t addr, uint64_t length);
};

struct ioas_unmap_request {
	ioas_iova_t iova;
	/*
	 * Remove up to @want_last at least, and go on towards @last only while
	 * output addresses stay contiguous with what the sink accepted last.
	 */
	ioas_iova_t want_last;
	ioas_iova_t last;
	/* NULL: nobody wants the addresses; @want_last equals @last then. */
	struct ioas_unmap_sink *sink;
};

/* Receives dirty ranges, clipped to the range asked for. */
struct ioas_dirty_sink {
	void (*mark)(struct ioas_dirty_sink *sink, ioas_iova_t iova,
		     ioas_iova_t last);
};

enum ioas_dirty_flags {
	/* Report, but do not clear. */
	IOAS_DIRTY_NO_CLEAR = 1u << 0,
};

struct ioas_domain;

struct ioas_domain_ops {
	const char *name;

	/*
	 * All or nothing: on error nothing of the request is mapped. One run is
	 * one map call in the sense of INV-B5: no unmap begins or ends inside
	 * it, so leaves never straddle two runs that are not contiguous. Every
	 * address, and @length, is a multiple of the granule.
	 *
	 * Return: 0, -ENOMEM, or the format's own refusal: -EINVAL (neither
	 * read nor write, permission that cannot be expressed), -ERANGE (an
	 * address that does not fit), -EADDRINUSE (something is mapped).
	 */
	int (*map)(struct ioas_domain *d, const struct ioas_map_request *rq);

	/*
	 * Remove a range that is mapped without gaps and whose ends fall on
	 * ends of runs. Cannot fail and does not allocate. May leave the
	 * invalidation to sync.
	 *
	 * Return: the last IOVA removed. Less than want_last only if the sink
	 * refused; the sink accepted at least one byte in any case.
	 */
	ioas_iova_t (*unmap)(struct ioas_domain *d,
			     const struct ioas_unmap_request *rq);

	/*
	 * Output address of @iova in *@addr, and in *@length how many bytes
	 * follow it contiguously, not beyond @last. A shorter answer is legal,
	 * but never shorter than to the end of the leaf or of @last.
	 * @cursor may be NULL.
	 *
	 * Return: 0 or -ENOENT.
	 */
	int (*translate_run)(struct ioas_domain *d, ioas_iova_t iova,
			     ioas_iova_t last,
			     struct ioas_domain_cursor *cursor, uint64_t *addr,
			     uint64_t *length);

	/* When it returns nothing can use what was unmapped. Cannot fail. */
	void (*sync)(struct ioas_domain *d);

	/*
	 * Dirty tracking; NULL if the domain has none. @sink NULL: forget. The
	 * range may have gaps. Clearing waits for a sync of the caller's.
	 * Return: 0.
	 */
	int (*read_and_clear_dirty)(struct ioas_domain *d, ioas_iova_t iova,
				    ioas_iova_t last, unsigned int flags,
				    struct ioas_dirty_sink *sink);
	int (*set_dirty_tracking)(struct ioas_domain *d, bool on);
	/*
	 * Where what is tracked as one, and covers @iova, ends; @iova if nothing
	 * does. Whoever reads in pieces cuts there: read in part it would stay
	 * dirty, or its rest be forgotten. There if read_and_clear_dirty is.
	 */
	ioas_iova_t (*leaf_last)(struct ioas_domain *d, ioas_iova_t iova);

	/*
	 * Cut leaves so that none straddles the border before @iova; NULL if
	 * the domain cannot. Return: 0, -ENOMEM, -EOPNOTSUPP.
	 */
	int (*split)(struct ioas_domain *d, ioas_iova_t iova);

	/* Frees the domain, mapped or not. */
	void (*destroy)(struct ioas_domain *d);
};

/* The head of every domain; immutable while it is attached. */
struct ioas_domain {
	const struct ioas_domain_ops *ops;
	/* Bit n: a leaf of 2^n bytes exists. Lowest bit: the granule. */
	uint64_t pgsizes;
	/* Aperture: usable IOVAs. */
	ioas_iova_t first;
	ioas_iova_t last;
	/* For whoever owns the domain; NULL at first. Nobody else looks. */
	_Atomic(void *) user;
};

static inline uint64_t ioas_domain_granule(const struct ioas_domain *d)
{
	return d->pgsizes & -d->pgsizes;
}

#endif
