/* SPDX-License-Identifier: MIT */
/*
 * pages: life of a pages object, its linked set, its charge
 */
#include "core/area.h"

#include "base/errno.h"
#include "seam/caller.h"
#include "seam/fault.h"

/* ---- linked set: the area itself, or a tagged struct ioas_linked -------- */

#define LINKED_MANY ((uintptr_t)1)

static struct ioas_linked *linked_many(const struct ioas_pages *pages)
{
	return pages->linked & LINKED_MANY ?
		       (struct ioas_linked *)(pages->linked - LINKED_MANY) :
		       NULL;
}

static struct ioas_area *linked_one(const struct ioas_pages *pages)
{
	return pages->linked & LINKED_MANY ?
		       NULL :
		       (struct ioas_area *)pages->linked;
}

const struct ioas_cset *ioas_pages_linked_set(const struct ioas_pages *pages,
					      struct ioas_cset *tmp)
{
	const struct ioas_linked *many = linked_many(pages);
	const struct ioas_area *one = linked_one(pages);

	if (many)
		return &many->set;
	if (!one)
		return NULL;
	ioas_cset_init(tmp);
	/* A set of one lives in place: no memory, so no failure. */
	return IOAS_CHECK(ioas_cset_add(tmp, one->index,
					ioas_area_last_index(one))) ?
		       NULL :
		       tmp;
}

const struct ioas_cset *ioas_pages_access_set(const struct ioas_pages *pages)
{
	return ioas_pages_is_device(pages) || !pages->access ?
		       NULL :
		       &pages->access->set;
}

struct ioas_area *ioas_pages_area_at(const struct ioas_pages *pages,
				     uint64_t index)
{
	const struct ioas_linked *many = linked_many(pages);
	struct ioas_area *one = linked_one(pages);
	struct ioas_itree_node *n;

	if (many) {
		n = ioas_itree_first(&many->areas, index, index);
		return n ? ioas_container_of(n, struct ioas_link, node)->area :
			   NULL;
	}
	if (one && index >= one->index && index <= ioas_area_last_index(one))
		return one;
	return NULL;
}

/* Make @area a member of @many. 0 or -ENOMEM, and then nothing changed. */
static int linked_add(struct ioas_linked *many, struct ioas_area *area)
{
	const uint64_t last = ioas_area_last_index(area);
	struct ioas_link *link = ioas_zalloc(sizeof(*link), IOAS_FP_ALLOC_LINK);

	if (!link)
		return -ENOMEM;
	if (ioas_cset_add(&many->set, area->index, last)) {
		ioas_free(link, sizeof(*link));
		return -ENOMEM;
	}
	link->area = area;
	link->node.first = area->index;
	link->node.last = last;
	ioas_itree_insert(&many->areas, &link->node);
	many->nr++;
	area->link = link;
	return 0;
}

static void linked_del(struct ioas_linked *many, struct ioas_area *area)
{
	struct ioas_link *link = area->link;

	ioas_itree_remove(&many->areas, &link->node);
	ioas_cset_del(&many->set, link->node.first, link->node.last);
	many->nr--;
	ioas_free(link, sizeof(*link));
	area->link = NULL;
}

static void linked_free(struct ioas_linked *many)
{
	ioas_cset_fini(&many->set);
	ioas_free(many, sizeof(*many));
}

/* From one member to room for several. */
static int linked_grow(struct ioas_pages *pages)
{
	struct ioas_linked *many = ioas_zalloc(sizeof(*many),
					       IOAS_FP_ALLOC_LINK);

	if (!many)
		return -ENOMEM;
	ioas_cset_init(&many->set);
	if (linked_add(many, linked_one(pages))) {
		linked_free(many);
		return -ENOMEM;
	}
	pages->linked = (uintptr_t)many | LINKED_MANY;
	return 0;
}

/* Back to the area itself, as soon as one is left. */
static void linked_shrink(struct ioas_pages *pages, struct ioas_linked *many)
{
	struct ioas_itree_node *n;
	struct ioas_area *area;

	if (many->nr > 1)
		return;
	n = ioas_itree_first(&many->areas, 0, IOAS_U64_MAX);
	area = ioas_container_of(n, struct ioas_link, node)->area;
	linked_del(many, area);
	linked_free(many);
	pages->linked = (uintptr_t)area;
}

int ioas_pages_link(struct ioas_pages *pages, struct ioas_area *area)
{
	int ret;

	ioas_assert_held(&pages->mutex);
	if (!pages->linked) {
		pages->linked = (uintptr_t)area;
		return 0;
	}
	if (linked_one(pages) && linked_grow(pages))
		return -ENOMEM;
	ret = linked_add(linked_many(pages), area);
	linked_shrink(pages, linked_many(pages));
	return ret;
}

void ioas_pages_unlink(struct ioas_pages *pages, struct ioas_area *area)
{
	struct ioas_linked *many = linked_many(pages);

	ioas_assert_held(&pages->mutex);
	if (!many) {
		IOAS_CHECK(linked_one(pages) != area); /* B3 */
		pages->linked = 0;
		return;
	}
	linked_del(many, area);
	linked_shrink(pages, many);
}

/* Does @area, a member of @pages, match what the set knows of it? */
static bool member_valid(const struct ioas_pages *pages,
			 const struct ioas_area *area,
			 const struct ioas_link *link)
{
	if (area->pages != pages || !area->storage || area->link != link)
		return false;
	return !link || (link->node.first == area->index &&
			 link->node.last == ioas_area_last_index(area));
}

bool ioas_pages_linked_validate(const struct ioas_pages *pages)
{
	const struct ioas_linked *many = linked_many(pages);
	const struct ioas_area *one = linked_one(pages);
	struct ioas_itree_node *n;
	uint32_t nr = 0;

	if (!many)
		return !one || member_valid(pages, one, NULL);
	if (!ioas_itree_validate(&many->areas) ||
	    !ioas_cset_validate(&many->set))
		return false;
	for (n = ioas_itree_first(&many->areas, 0, IOAS_U64_MAX); n;
	     n = ioas_itree_next(n, 0, IOAS_U64_MAX), nr++) {
		const struct ioas_link *link =
			ioas_container_of(n, struct ioas_link, node);

		if (!member_valid(pages, link->area, link) ||
		    !ioas_cset_count(&many->set, n->first) ||
		    !ioas_cset_count(&many->set, n->last))
			return false;
	}
	return nr > 1 && nr == many->nr && nr == many->set.nr_members;
}

/* ---- charge ------------------------------------------------------------- */

void ioas_pages_pinned(struct ioas_pages *pages, int64_t nr)
{
	ioas_assert_held(&pages->mutex);
	IOAS_CHECK(nr < 0 && pages->nr_pinned < (uint64_t)-nr); /* C2 */
	pages->nr_pinned += (uint64_t)nr;
	ioas_principal_pinned(pages->principal, nr);
}

int ioas_pages_settle(struct ioas_pages *pages)
{
	const uint64_t pinned = pages->nr_pinned, charged = pages->nr_charged;
	int ret = 0;

	ioas_assert_held(&pages->mutex);
	if (pinned > charged)
		ret = ioas_principal_charge(pages->principal, pages->mode,
					    pinned - charged);
	else if (pinned < charged)
		ioas_principal_uncharge(pages->principal, pages->mode,
					charged - pinned);
	if (!ret)
		pages->nr_charged = pinned; /* E1 */
	return ret;
}

/* ---- life --------------------------------------------------------------- */

int ioas_pages_check(const struct ioas_origin *origin, uint8_t page_lg2,
		     uint64_t start, uint64_t length)
{
	const uint64_t page = (uint64_t)1 << page_lg2;
	uint64_t sum;
	bool wraps;

	/* A process's range must end below 2^64, a file's may end there. */
	if (origin->flags & (IOAS_ORIGIN_FILE | IOAS_ORIGIN_DEVICE))
		wraps = length && !ioas_last(start, length, &sum);
	else
		wraps = ioas_add_overflow(start, length, &sum);
	if (wraps)
		return -EOVERFLOW;
	return length && length <= IOAS_U64_MAX - page ? 0 : -EINVAL;
}

static void pages_principal(struct ioas_pages *pages, bool account_mm)
{
	struct ioas_caller *c = ioas_caller_current();

	if (ioas_pages_is_device(pages))
		return;
	if (c)
		pages->principal = ioas_principal_get(c->principal);
	if (pages->principal && !ioas_caller_lock_unlimited(c))
		pages->mode = account_mm ? IOAS_ACCOUNT_MM : IOAS_ACCOUNT_USER;
}

int ioas_pages_init(struct ioas_pages *pages, struct ioas_origin *origin,
		    uint8_t page_lg2, uint64_t start, uint64_t length,
		    bool writable, bool account_mm)
{
	int ret = ioas_pages_check(origin, page_lg2, start, length);

	if (ret)
		return ret;
	pages->origin = origin;
	pages->page_lg2 = page_lg2;
	pages->writable = writable;
	pages->mode = IOAS_ACCOUNT_NONE;
	pages->base = start >> page_lg2;
	pages->nr_pages = ((start + length - 1) >> page_lg2) - pages->base + 1;
	atomic_store_explicit(&pages->refs, 1, memory_order_relaxed);
	if (ioas_pages_is_device(pages)) {
		ret = ioas_device_open(pages);
		if (ret)
			return ret;
	}
	ioas_origin_get(origin);
	pages_principal(pages, account_mm);
	return 0;
}

/* C9: nobody holds anything of it any more. */
static void pages_check_empty(const struct ioas_pages *pages)
	__no_lock_analysis
{
	IOAS_CHECK(pages->linked);
	IOAS_CHECK(!ioas_pages_is_device(pages) && pages->access);
	IOAS_CHECK(pages->nr_pinned || pages->nr_charged);
}

void ioas_pages_put(struct ioas_pages *pages)
{
	if (!pages || atomic_fetch_sub_explicit(&pages->refs, 1,
						memory_order_acq_rel) != 1)
		return;
	pages_check_empty(pages);
	if (ioas_pages_is_device(pages))
		ioas_device_close(pages);
	ioas_principal_put(pages->principal);
	ioas_origin_put(pages->origin);
	if (atomic_load_explicit(&pages->block, memory_order_relaxed))
		ioas_area_block_drop(ioas_container_of(pages,
						       struct ioas_area_block,
						       pages),
				     IOAS_BLOCK_PAGES);
	else
		ioas_free(pages, sizeof(*pages));
}

/* ---- the block of an area and its pages object -------------------------- */

_Static_assert(sizeof(void *) > 8 || sizeof(struct ioas_area_block) <= 160,
	       "performance.md 5: area + pages object");
_Static_assert(sizeof(void *) > 8 || sizeof(struct ioas_record) <= 64,
	       "performance.md 5: access record");

void ioas_area_block_drop(struct ioas_area_block *block,
			  enum ioas_block_part part)
{
	uint32_t left = atomic_fetch_and_explicit(&block->pages.block,
						  ~(uint32_t)part,
						  memory_order_acq_rel);

	if (left == part)
		ioas_free(block, sizeof(*block));
}

void ioas_area_free(struct ioas_area *area)
{
	IOAS_CHECK(area->link || area->nr_accesses);
	if (area->in_block)
		ioas_area_block_drop(ioas_container_of(area,
						       struct ioas_area_block,
						       area),
				     IOAS_BLOCK_AREA);
	else
		ioas_free(area, sizeof(*area));
}
