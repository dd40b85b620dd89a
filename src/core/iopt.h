/* SPDX-License-Identifier: MIT */
/*
 * iopt: the IO address space
 *
 *   struct ioas
 *     areas      [iova] -> area -> pages object        rangemap, disjoint
 *     reserved   IOVA that cannot be mapped, by owner   itree, overlapping
 *     allowed    IOVA that may never become reserved    itree, disjoint
 *     domains    each holds a complete copy of the map  dense array
 *     accesses   software clients                       list
 *
 * Invariants: A1-A9, B1-B6 of docs/reference/ioas-core.md section 7. What a
 * walk of the space can see of them ioas_iopt_validate() checks; who holds the
 * rest stands in docs/invariants.md.
 *
 * Locks, in order: domains_lock (DL) guards the domains and the accesses'
 * membership, and excludes transitional areas; iova_lock (IL) guards areas,
 * reserved, allowed, alignment; access_lock is a leaf for walking the
 * accesses. A holder of DL exclusive sees LIVE areas only (A7): map and unmap
 * hold DL shared from the insertion of an area to its publication, and from
 * its removal from sight to its end.
 */
#ifndef IOAS_CORE_IOPT_H
#define IOAS_CORE_IOPT_H

#include "core/area.h"
#include "core/context.h"
#include "core/rangemap.h"

/* A reserved range, with its owner, or an allowed one, without. */
struct ioas_iova_entry {
	struct ioas_itree_node node;
	const void *owner;
	/* Outside the aperture of the owner, a domain: goes only with it. */
	bool aperture;
};

struct ioas_iova_range {
	ioas_iova_t first;
	ioas_iova_t last;
};

struct ioas {
	struct ioas_context *ctx;
	/* In ctx->spaces. */
	struct ioas_list link;
	struct ioas_rwlock domains_lock;
	struct ioas_rwlock iova_lock;

	/* Guarded by domains_lock. */
	struct ioas_domain **domains;
	uint32_t nr_domains;
	uint32_t cap_domains;

	/* Guarded by iova_lock. */
	struct ioas_rangemap areas;
	struct ioas_itree reserved;
	struct ioas_itree allowed;
	/* Bytes; a power of two up to the page size (A9). */
	uint32_t alignment;
	bool small_pages;

	/* struct ioas_attachment; changes under domains_lock and access_lock. */
	struct ioas_list accesses;
	/* So many; at most IOAS_MAX_ACCESSES. Guarded by domains_lock. */
	uint32_t nr_accesses;
	struct ioas_mutex access_lock;
};

/* Place of @domain in the array; nr_domains: it is not attached. */
static inline uint32_t ioas_domain_index(const struct ioas *ioas,
					 const struct ioas_domain *domain)
{
	uint32_t d = 0;

	while (d < ioas->nr_domains && ioas->domains[d] != domain)
		d++;
	return d;
}

enum ioas_map_flags {
	/* Map at *iova; otherwise choose. */
	IOAS_MAP_FIXED = 1u << 0,
};

/* Return: 0 or -ENOMEM. */
int ioas_iopt_create(struct ioas_context *ctx, struct ioas **out);
/*
 * Unmaps everything. Return: 0, or -EBUSY: a domain or an access is attached,
 * and nothing changed. Accepts NULL.
 */
int ioas_iopt_destroy(struct ioas *ioas);

/**
 * ioas_iopt_map() - make a slice of memory visible to devices
 * @ioas:   space to change
 * @origin: memory; the space takes a reference of its own
 * @start:  first byte of @origin
 * @length: bytes
 * @prot:   IOAS_PROT_*; may be none
 * @flags:  IOAS_MAP_FIXED
 * @iova:   in with IOAS_MAP_FIXED; out on success
 *
 * All or nothing. Pins, if the space has a domain; otherwise the mapping is a
 * promise. The pinned pages are charged to the current caller. (ioas-core 12.1)
 *
 * Return: 0; -EOVERFLOW (@start + @length or *@iova + @length wraps, or too
 * long to choose an IOVA); -EINVAL (zero or misaligned length, misaligned
 * IOVA or @start, reserved IOVA); -EEXIST (an area is there); -ENOSPC (no
 * hole); -ENOMEM (memory or lock limit); -EFAULT and other errors of the
 * origin's pin or a domain's map.
 */
int ioas_iopt_map(struct ioas *ioas, struct ioas_origin *origin,
		  uint64_t start, uint64_t length, uint32_t prot,
		  unsigned int flags, ioas_iova_t *iova);

/**
 * ioas_iopt_copy() - map what is mapped elsewhere, sharing its pages objects
 * @dst:      space to change; may be @src
 * @src:      space to copy from
 * @src_iova: first byte; may lie inside an area
 * @length:   bytes; may span adjacent areas
 * @prot:     of the copy; write needs a writable pages object
 * @flags:    IOAS_MAP_FIXED
 * @dst_iova: in with IOAS_MAP_FIXED; out on success
 *
 * (ioas-core 12.2) Return: as ioas_iopt_map(), and -ENOENT (the source has a
 * gap or a transitional area), -EPERM (write on pages that are not writable),
 * -EINVAL (spaces of two contexts).
 */
int ioas_iopt_copy(struct ioas *dst, struct ioas *src, ioas_iova_t src_iova,
		   uint64_t length, uint32_t prot, unsigned int flags,
		   ioas_iova_t *dst_iova);

/**
 * ioas_iopt_unmap() - remove the whole areas inside a range
 * @ioas:     space to change
 * @iova:     first byte
 * @length:   bytes
 * @unmapped: out, always: bytes removed, also when an error is returned
 *
 * Areas go in ascending order; an error leaves the earlier ones removed
 * (ioas-core 12.4). Clients that pinned are told and waited for, without
 * locks. An empty range is success.
 *
 * Return: 0; -EINVAL (zero length); -EOVERFLOW (wraps); -EBUSY (area in
 * transition or locked); -ENOENT (area sticks out); -EDEADLK (a client does
 * not release its pins).
 */
int ioas_iopt_unmap(struct ioas *ioas, ioas_iova_t iova, uint64_t length,
		    uint64_t *unmapped);
/* The whole 64-bit space. */
int ioas_iopt_unmap_all(struct ioas *ioas, uint64_t *unmapped);

/*
 * Give a domain a complete copy of the map, and keep it so (12.6). Return: 0;
 * -EEXIST (attached already); -EINVAL (granule above the page size);
 * -EADDRINUSE (areas outside its aperture or misaligned, or allowed ranges
 * outside); -ENOMEM; errors of pin and map.
 */
int ioas_iopt_attach(struct ioas *ioas, struct ioas_domain *domain);
/* Cannot fail. @domain is attached (checked). It is empty afterwards (12.7). */
void ioas_iopt_detach(struct ioas *ioas, struct ioas_domain *domain);

/*
 * Reserve @nr ranges for @owner, all or none (12.8). Return: 0, -EINVAL (last
 * below first), -EADDRINUSE (mapped or allowed), -ENOMEM.
 */
int ioas_iopt_reserve(struct ioas *ioas, const struct ioas_iova_range *ranges,
		      uint32_t nr, const void *owner);
/* Forget every range of @owner. Cannot fail. */
void ioas_iopt_unreserve(struct ioas *ioas, const void *owner);

/*
 * Replace the allowed list (12.9). Return: 0, -EINVAL (first >= last, or
 * ranges overlap), -EADDRINUSE (reserved), -ENOMEM.
 */
int ioas_iopt_allow(struct ioas *ioas, const struct ioas_iova_range *ranges,
		    uint32_t nr);

/*
 * The same step by step, for a list that arrives in pieces and may be wrong at
 * any of them. Starts zeroed. The space is not touched before the commit, which
 * leaves @allow as it was if it fails, else empty.
 */
struct ioas_allow {
	struct ioas_itree ranges;
};

/* Return: 0, -EINVAL (first >= last, or overlaps an earlier one), -ENOMEM. */
int ioas_allow_add(struct ioas_allow *allow, ioas_iova_t first,
		   ioas_iova_t last);
/* Return: 0 or -EADDRINUSE (reserved). */
int ioas_allow_commit(struct ioas *ioas, struct ioas_allow *allow);
/* Forget what was not committed. */
void ioas_allow_drop(struct ioas_allow *allow);

/*
 * Usable ranges: those not reserved (12.10). Writes up to *@nr of them, then
 * the number there is to *@nr, and the alignment. Return: 0 or -EMSGSIZE.
 */
int ioas_iopt_ranges(struct ioas *ioas, struct ioas_iova_range *ranges,
		     uint32_t *nr, uint64_t *alignment);

/* What IOVAs, lengths and page offsets are multiples of at the moment. */
uint64_t ioas_iopt_alignment(struct ioas *ioas);
/*
 * Page sizes that every domain has, as bits; all ones if there is no domain.
 * *@alignment: that of the same moment.
 */
uint64_t ioas_iopt_pgsizes(struct ioas *ioas, uint64_t *alignment);
/*
 * Where the @n-th area begins, counted from 0 by IOVA; transitional ones count.
 * False if there are not so many.
 */
bool ioas_iopt_nth(struct ioas *ioas, uint32_t n, ioas_iova_t *iova);

/*
 * Cut areas so that each of @cuts is the last IOVA of its area (12.11), in the
 * order given; the first or last IOVA of an area is no cut. Stops at the first
 * error; earlier cuts stay. Return: 0; -EBUSY (transitional or closing);
 * -EOPNOTSUPP (device memory); -EINVAL (misaligned, pinned, or may be mapped by
 * large leaves); -ENOMEM.
 */
int ioas_iopt_split(struct ioas *ioas, const ioas_iova_t *cuts, uint32_t nr);

/*
 * Map page by page from now on, so that areas can be split (12.12). Return: 0,
 * -EINVAL (domains and areas are present), -EADDRINUSE (misaligned areas).
 */
int ioas_iopt_set_small_pages(struct ioas *ioas, bool on);

/* Number of violations of invariants, each reported by a check. Takes locks. */
unsigned int ioas_iopt_validate(struct ioas *ioas);
/* A picture for people, line by line, to @print. */
void ioas_iopt_dump(struct ioas *ioas, void (*print)(void *data, const char *line),
		    void *data);

#endif
