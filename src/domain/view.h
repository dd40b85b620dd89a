/* SPDX-License-Identifier: MIT */
/*
 * view: a device thread's eye on a domain
 *
 *   enter -- translate, translate, .. -- exit       no lock, no shared line
 *                                                   is written
 *   unmap: items cleared, generations of the regions grow, barrier
 *   sync:  waits until every view that was inside has left once
 *
 * A view belongs to one thread at a time. Inside, between enter and exit, what
 * it translated stays valid: whoever unmaps waits in sync, and only then are
 * frames unpinned and tables used again. So a section is short: it covers a
 * copy, not a wait. Who is inside must not map, unmap or sync the same domain,
 * nor take a lock that somebody may hold who does.
 *
 * The IOTLB of a view remembers leaves with the generation of their region, so
 * that an unmap elsewhere does not flush it. What is not mapped is not
 * remembered.
 *
 * Invariants:
 *  V1  a translation used inside a section was valid at some time since enter.
 *  V2  when sync returns, no view uses what was unmapped before sync began.
 *  V3  a write is allowed only after the leaf was made dirty, if the domain
 *      tracks; a clear that a sync completes is seen by every later write.
 *
 * Reference: docs/reference/page-tables.md sections 5 and 7.
 */
#ifndef IOAS_DOMAIN_VIEW_H
#define IOAS_DOMAIN_VIEW_H

#include "domain/ops.h"

/* Why an access failed. */
enum ioas_dview_reason {
	IOAS_DVIEW_NOT_MAPPED = 1,
	IOAS_DVIEW_DENIED,
};

/* What a device tried and could not. */
struct ioas_dview_fault {
	/* First byte that failed. */
	ioas_iova_t iova;
	/* IOAS_PROT_READ and IOAS_PROT_WRITE. */
	uint32_t access;
	enum ioas_dview_reason reason;
};

struct ioas_dview_segment {
	uint64_t addr;
	uint64_t length;
};

struct ioas_dview;

/**
 * ioas_dview_create() - for one thread at a time
 * @d:     with a page table (ioas_table_domain_create()); it outlives the view
 * @fault: called inside the failing call; may be NULL
 * @ctx:   for @fault
 * @out:   written on success
 *
 * Return: 0, -EOPNOTSUPP (the domain has no page table), -ENOMEM.
 */
int ioas_dview_create(struct ioas_domain *d,
		      void (*fault)(void *ctx,
				    const struct ioas_dview_fault *fault),
		      void *ctx, struct ioas_dview **out);
/* Not inside a section. NULL is ignored. */
void ioas_dview_destroy(struct ioas_dview *v);
/* Does a view of @d exist? Then @d must not be destroyed. */
bool ioas_dview_exists(struct ioas_domain *d);

/* Sections do not nest. */
void ioas_dview_enter(struct ioas_dview *v);
void ioas_dview_exit(struct ioas_dview *v);

/**
 * ioas_dview_translate() - the first stretch of a range
 * @v:      inside a section
 * @iova:   first byte
 * @last:   last byte, not below @iova
 * @access: IOAS_PROT_READ and IOAS_PROT_WRITE, at least one; with WRITE the
 *          leaf becomes dirty if the domain tracks
 * @addr:   out: output address of @iova
 * @length: out: bytes that follow contiguously, within @last and within the
 *          leaf (or what the IOTLB remembers of it)
 *
 * Return: 0, -ENOENT (not mapped), -EACCES (permission); a failure is reported
 * as a fault too.
 */
int ioas_dview_translate(struct ioas_dview *v, ioas_iova_t iova,
			 ioas_iova_t last, uint32_t access, uint64_t *addr,
			 uint64_t *length);

/**
 * ioas_dview_segments() - all of a range, as few pieces as possible
 * @segments: out: in order
 * @nr:       in: room; out: how many were written, also on error
 * @done:     out, also on error: bytes that they cover, from @iova on; modulo
 *            2^64
 *
 * Return: 0; -EMSGSIZE (too little room: go on from @iova + *@done); -ENOENT,
 * -EACCES as above, for the byte at @iova + *@done.
 */
int ioas_dview_segments(struct ioas_dview *v, ioas_iova_t iova,
			ioas_iova_t last, uint32_t access,
			struct ioas_dview_segment *segments, uint32_t *nr,
			uint64_t *done);

/* Translations so far that the IOTLB did not know, failed ones included. */
uint64_t ioas_dview_walks(const struct ioas_dview *v);

#endif
