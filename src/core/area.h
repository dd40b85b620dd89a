/* SPDX-License-Identifier: MIT */
/*
 * area: one interval of IOVA backed by a slice of one pages object
 *
 *   pages:     |<----- P ----->|<----- P ----->|<----- P ----->|
 *   index      i0              i0+1            i0+2 = i1
 *   area            [===========================]
 *                   ^ iova (page_offset o)      ^ last
 *
 * Only the first and the last page can be partial (ioas-core 5). States:
 *
 *   (absent) --insert--> SETUP --publish--> LIVE --unmap--> TEARDOWN --> (absent)
 *                          +------ failed ------------------------------> (absent)
 *
 * SETUP and TEARDOWN are transitional: the IOVA is in use, the content is not
 * usable.
 */
#ifndef IOAS_CORE_AREA_H
#define IOAS_CORE_AREA_H

#include "core/pages.h"

struct ioas;

enum ioas_area_state {
	IOAS_AREA_SETUP,
	IOAS_AREA_LIVE,
	IOAS_AREA_TEARDOWN,
};

struct ioas_area {
	/* Set once. */
	struct ioas *ioas;
	ioas_iova_t iova;
	ioas_iova_t last;
	struct ioas_pages *pages;
	/* First page of the slice. */
	uint64_t index;
	/* Where the first byte lies in its page. */
	uint32_t page_offset;
	/* enum ioas_prot */
	uint8_t prot;
	bool in_block;

	/* Guarded by ioas->iova_lock; written under it exclusively. */
	uint8_t state;
	/* An unmap waits for clients: no new pins, reads or writes. */
	bool closing;

	/* Written under the iova_lock shared and the pages lock. */
	uint32_t nr_accesses;
	/* Those of them by internal clients. */
	uint32_t nr_locks;

	/* Guarded by the pages lock. */
	struct ioas_domain *storage;
	union {
		/* Set while the linked set has several members. */
		struct ioas_link *link;
		/* Of an unlinked area: runs that wait in a gather. */
		uintptr_t gathered;
	};

	/* Next of the areas that one operation tears down. */
	struct ioas_area *next;
};

/*
 * A mapping's area and its pages object, in one allocation of at most 160
 * bytes. A copy can outlive the area, and a split replaces it; so the block is
 * freed with the later of the two.
 */
struct ioas_area_block {
	struct ioas_area area;
	struct ioas_pages pages;
};

enum ioas_block_part {
	IOAS_BLOCK_AREA = 1u << 0,
	IOAS_BLOCK_PAGES = 1u << 1,
};

/* One part is done with; the last frees the block. */
void ioas_area_block_drop(struct ioas_area_block *block,
			  enum ioas_block_part part);

/* Byte position of @iova in the pages object. */
static inline uint64_t ioas_area_byte(const struct ioas_area *a,
				      ioas_iova_t iova)
{
	return (iova - a->iova) + a->page_offset +
	       (a->index << a->pages->page_lg2);
}

static inline uint64_t ioas_area_index(const struct ioas_area *a,
				       ioas_iova_t iova)
{
	return ioas_area_byte(a, iova) >> a->pages->page_lg2;
}

static inline uint64_t ioas_area_last_index(const struct ioas_area *a)
{
	return ioas_area_index(a, a->last);
}

/* First and last IOVA of page @index. The sums may wrap on the way (5). */
static inline ioas_iova_t ioas_area_iova_first(const struct ioas_area *a,
					       uint64_t index)
{
	if (index == a->index)
		return a->iova;
	return a->iova - a->page_offset +
	       ((index - a->index) << a->pages->page_lg2);
}

static inline ioas_iova_t ioas_area_iova_last(const struct ioas_area *a,
					      uint64_t index)
{
	ioas_iova_t last = a->iova - a->page_offset +
			   ((index + 1 - a->index) << a->pages->page_lg2) - 1;

	return index == ioas_area_last_index(a) ? a->last : last;
}

/* Offset in its page of the first byte of page @index that the area maps. */
static inline uint32_t ioas_area_head(const struct ioas_area *a,
				      uint64_t index)
{
	return index == a->index ? a->page_offset : 0;
}

/* Frees the area; its block goes with the later of area and pages object. */
void ioas_area_free(struct ioas_area *area);

#endif
