/* SPDX-License-Identifier: MIT */
/*
 * region: the offsets of an iommufd, and who has memory of it mapped
 *
 * A region can be in the list before its owner is published, and in the last
 * case never will be. Nobody may become a user of the owner then, so a mapping
 * asks for the owner by its id: a reserved or dying id gives nothing. The
 * region keeps the pointer good meanwhile: it leaves the list, under the lock,
 * in the owner's destroy.
 */
#include "uapi/region.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/iommufd.h"

/* Offsets are an off_t to a program. */
#define OFFSET_MAX ((uint64_t)INT64_MAX)

static struct ioas_region *region_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct ioas_region, link);
}

void ioas_regions_init(struct ioas_regions *r)
{
	ioas_list_init(&r->list);
}

void ioas_regions_fini(struct ioas_regions *r)
{
	IOAS_CHECK(!ioas_list_empty(&r->list));
}

/* The first page is never used (section 10). */
static uint64_t offset_base(const struct ioas_iommufd *ictx)
{
	const uint64_t page = ioas_page_size(&ictx->core);

	return ioas_max(ioas_align_up(ictx->uapi->mmap_base, page), page);
}

/* Insert @region into the lowest hole that has room for it. */
static int region_insert(struct ioas_regions *r, struct ioas_region *region,
			 uint64_t base) __must_hold(r->lock)
{
	struct ioas_list *at = r->list.next;
	uint64_t offset = base, last;

	ioas_assert_held(&r->lock);
	for (;; at = at->next) {
		if (!ioas_last(offset, region->length, &last) ||
		    last > OFFSET_MAX)
			return -ENOSPC;
		if (at == &r->list || last < region_of(at)->offset)
			break;
		offset = region_of(at)->offset + region_of(at)->length;
	}
	region->offset = offset;
	ioas_list_add_tail(at, &region->link);
	return 0;
}

/* What programs see of the range from now on; @shm of length 0: nothing. */
static void region_show(struct ioas_regions *r, struct ioas_region *region,
			struct ioas_shm shm)
{
	ioas_mutex_lock(&r->lock, IOAS_RANK_QUEUE);
	region->shm = shm;
	ioas_mutex_unlock(&r->lock);
}

/* Zeroed memory. The host's own allocation is a fault point of ours. */
static int shm_create(struct ioas_region *region)
{
	struct ioas_iommufd *ictx = region->owner->ictx;
	struct ioas_shm shm;
	int ret = -ENOMEM;

	if (!ioas_fault_point(IOAS_FP_ALLOC_LIST))
		ret = ioas_host_of(ictx)->shm_create(
			ictx->uapi->host, ictx->file, region->offset,
			region->length, &shm);
	if (!ret)
		region_show(&ictx->regions, region, shm);
	return ret;
}

static void shm_destroy(struct ioas_region *region)
{
	struct ioas_iommufd *ictx = region->owner->ictx;
	struct ioas_shm shm = region->shm;

	region_show(&ictx->regions, region, (struct ioas_shm){ .fd = -1 });
	ioas_host_of(ictx)->shm_destroy(ictx->uapi->host, &shm);
}

/* The range is free for others. */
static void region_remove(struct ioas_region *region)
{
	struct ioas_regions *r = &region->owner->ictx->regions;

	ioas_mutex_lock(&r->lock, IOAS_RANK_QUEUE);
	ioas_list_del(&region->link);
	ioas_mutex_unlock(&r->lock);
	ioas_free(region, sizeof(*region));
}

int ioas_region_create(struct ioas_object *owner, uint64_t length,
		       struct ioas_region **out)
{
	struct ioas_iommufd *ictx = owner->ictx;
	struct ioas_regions *r = &ictx->regions;
	struct ioas_region *region;
	int ret;

	if (IOAS_CHECK(!length ||
		       !ioas_is_aligned(length, ioas_page_size(&ictx->core))))
		return -EINVAL;
	region = ioas_zalloc(sizeof(*region), IOAS_FP_ALLOC_LIST);
	if (!region)
		return -ENOMEM;
	region->owner = owner;
	region->length = length;
	ioas_mutex_lock(&r->lock, IOAS_RANK_QUEUE);
	ret = region_insert(r, region, offset_base(ictx));
	ioas_mutex_unlock(&r->lock);
	if (ret) {
		ioas_free(region, sizeof(*region));
		return ret;
	}
	ret = shm_create(region);
	if (ret) {
		region_remove(region);
		return ret;
	}
	*out = region;
	return 0;
}

void ioas_region_destroy(struct ioas_region *region)
{
	if (!region)
		return;
	shm_destroy(region);
	region_remove(region);
}

static struct ioas_region *region_find(struct ioas_regions *r, uint64_t offset)
	__must_hold(r->lock)
{
	ioas_assert_held(&r->lock);
	ioas_list_for_each(l, &r->list)
		if (region_of(l)->offset == offset)
			return region_of(l);
	return NULL;
}

/*
 * Become a user of the owner, if it is there for programs. The id of a dying
 * one may be somebody else's already.
 */
static bool region_hold(const struct ioas_region *region)
{
	struct ioas_object *owner = region->owner;
	struct ioas_object *found = ioas_object_get_sure(
		owner->ictx, owner->id,
		(enum ioas_object_type)owner->class->type);

	if (found == owner)
		return true;
	ioas_object_put(found);
	return false;
}

int ioas_region_map(struct ioas_iommufd *ictx,
		    const struct ioas_mmap_request *rq,
		    struct ioas_region **out)
{
	const uint64_t length =
		ioas_align_up(rq->length, ioas_page_size(&ictx->core));
	struct ioas_regions *r = &ictx->regions;
	struct ioas_region *region;
	bool found;

	/* After rounding up, step 1 is left with zero and what wrapped. */
	if (!length || !rq->shared)
		return -EINVAL;
	if (rq->exec)
		return -EPERM;
	ioas_mutex_lock(&r->lock, IOAS_RANK_QUEUE);
	region = region_find(r, rq->offset);
	found = region && region->shm.length == length && region_hold(region);
	ioas_mutex_unlock(&r->lock);
	if (!found)
		return -ENXIO;
	/* A mapping outlives the descriptor (section 2). */
	ioas_iommufd_get(ictx);
	*out = region;
	return 0;
}

void ioas_region_dup(struct ioas_region *region)
{
	if (region->ops) {
		region->ops->dup(region);
		return;
	}
	ioas_object_hold(region->owner);
	ioas_iommufd_get(region->owner->ictx);
}

void ioas_region_unmap(struct ioas_region *region)
{
	struct ioas_object *owner = region->owner;
	struct ioas_iommufd *ictx;

	if (region->ops) {
		region->ops->unmap(region);
		return;
	}
	ictx = owner->ictx;
	ioas_object_put(owner);
	ioas_iommufd_put(ictx);
}
