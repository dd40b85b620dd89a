/* SPDX-License-Identifier: MIT */
/*
 * vfio: the container requests, for programs that know only VFIO's type1
 *
 *   IOMMU_VFIO_IOAS --sets--> compat IOAS <-- MAP_DMA, UNMAP_DMA, GET_INFO
 *
 * The compat IOAS is an ordinary one, named without a reference: destroying it
 * clears the name. Type1 v1 can unmap parts of a mapping, which needs small
 * pages; v2 cannot.
 *
 * (docs/reference/iommufd-uapi.md 6.9, 11)
 */
#include "base/bits.h"
#include "base/errno.h"
#include "domain/ops.h"
#include "uapi/command.h"
#include "uapi/device.h"

/* ---- the compat IOAS ---------------------------------------------------- */

/* With a user more; NULL: none is set. */
static struct ioas_space *compat_get(struct ioas_iommufd *ictx)
{
	struct ioas_objects *o = &ictx->objects;
	struct ioas_space *space;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	space = ictx->vfio_space;
	if (space && !ioas_object_tryget(&space->obj))
		space = NULL;
	ioas_mutex_unlock(&o->lock);
	return space;
}

static void compat_set(struct ioas_iommufd *ictx, struct ioas_space *space)
{
	struct ioas_objects *o = &ictx->objects;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	ictx->vfio_space = space;
	ioas_mutex_unlock(&o->lock);
}

static int vfio_ioas_get(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_vfio_ioas *cmd = ucmd->cmd;
	struct ioas_space *space = compat_get(ucmd->ictx);

	if (!space)
		return -ENODEV;
	cmd->ioas_id = space->obj.id;
	ioas_object_put(&space->obj);
	return ioas_ucmd_respond(ucmd);
}

static int vfio_ioas_set(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_vfio_ioas *cmd = ucmd->cmd;
	struct ioas_space *space = ioas_space_get(ucmd->ictx, cmd->ioas_id);

	if (!space)
		return -ENOENT;
	compat_set(ucmd->ictx, space);
	ioas_object_put(&space->obj);
	return 0;
}

int ioas_cmd_vfio_ioas(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_vfio_ioas *cmd = ucmd->cmd;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	switch (cmd->op) {
	case IOAS_ABI_VFIO_IOAS_GET:
		return vfio_ioas_get(ucmd);
	case IOAS_ABI_VFIO_IOAS_SET:
		return vfio_ioas_set(ucmd);
	case IOAS_ABI_VFIO_IOAS_CLEAR:
		compat_set(ucmd->ictx, NULL);
		return 0;
	}
	return -EOPNOTSUPP;
}

int ioas_vfio_compat_id(struct ioas_iommufd *ictx, uint32_t *id)
{
	struct ioas_space *space = compat_get(ictx);

	if (!space)
		return -ENODEV;
	*id = space->obj.id;
	ioas_object_put(&space->obj);
	return 0;
}

/* Does @space become it? False: there is one already. */
static bool compat_offer(struct ioas_iommufd *ictx, struct ioas_space *space)
{
	struct ioas_objects *o = &ictx->objects;
	bool taken;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	taken = ictx->vfio_space;
	if (!taken)
		ictx->vfio_space = space;
	ioas_mutex_unlock(&o->lock);
	return !taken;
}

int ioas_vfio_compat_make(struct ioas_iommufd *ictx)
{
	struct ioas_space *space = compat_get(ictx);
	int ret;

	if (space) {
		ioas_object_put(&space->obj);
		return 0;
	}
	ret = ioas_space_create(ictx, &space);
	if (ret)
		return ret;
	/* Another thread was first: ours is of no use. */
	if (compat_offer(ictx, space))
		ioas_object_put(&space->obj);
	else
		(void)ioas_object_put_destroy(&space->obj);
	return 0;
}

/* ---- what there is ------------------------------------------------------ */

static bool space_is_coherent(struct ioas_space *space)
{
	bool all = true;

	ioas_mutex_lock(&space->lock, IOAS_RANK_SPACE);
	ioas_list_for_each(l, &space->hwpts)
		all &= ioas_list_entry(l, struct ioas_hwpt, link)
			       ->iommu->enforces_coherency;
	ioas_mutex_unlock(&space->lock);
	return all;
}

static int64_t check_extension(struct ioas_iommufd *ictx, uint64_t extension)
{
	struct ioas_space *space;
	bool coherent;

	switch (extension) {
	case IOAS_ABI_VFIO_TYPE1_IOMMU:
	case IOAS_ABI_VFIO_TYPE1v2_IOMMU:
	case IOAS_ABI_VFIO_UNMAP_ALL:
		return 1;
	case IOAS_ABI_VFIO_DMA_CC_IOMMU:
		space = compat_get(ictx);
		if (!space)
			return -ENODEV;
		coherent = space_is_coherent(space);
		ioas_object_put(&space->obj);
		return coherent;
	}
	return 0;
}

static int set_iommu(struct ioas_space *space, uint64_t type)
{
	return type == IOAS_ABI_VFIO_TYPE1_IOMMU ?
		       ioas_space_set_huge_pages(space, false) :
		       0;
}

static int64_t vfio_set_iommu(struct ioas_iommufd *ictx, uint64_t type)
{
	struct ioas_space *space;
	int ret;

	if (type != IOAS_ABI_VFIO_TYPE1_IOMMU &&
	    type != IOAS_ABI_VFIO_TYPE1v2_IOMMU)
		return -EINVAL;
	space = compat_get(ictx);
	if (!space)
		return -ENODEV;
	ret = set_iommu(space, type);
	ioas_object_put(&space->obj);
	return ret;
}

/* ---- information -------------------------------------------------------- */

struct info_dma_avail {
	struct ioas_abi_vfio_info_cap_dma_avail cap;
	/* Capabilities begin at multiples of eight. */
	uint32_t pad;
};

#define INFO_SIZE ((uint32_t)sizeof(struct ioas_abi_vfio_iommu_get_info))
#define INFO_RANGES (INFO_SIZE + (uint32_t)sizeof(struct info_dma_avail))

static uint64_t info_pgsizes(struct ioas_space *space)
{
	const uint64_t page = ioas_page_size(&space->obj.ictx->core);
	uint64_t alignment;
	uint64_t sizes = ioas_iopt_pgsizes(space->ioas, &alignment);

	if (sizes & (page - 1))
		sizes = (sizes & ~(page - 1)) | page;
	return ioas_max(sizes, alignment);
}

/* The whole chain, for which there is room. */
static int info_chain(uint64_t user, const struct ioas_iova_range *ranges,
		      uint32_t nr)
{
	const struct info_dma_avail avail = {
		.cap = {
			.header = {
				.id = IOAS_ABI_VFIO_IOMMU_INFO_CAP_DMA_AVAIL,
				.version = 1,
				.next = INFO_RANGES,
			},
			.avail = UINT32_MAX,
		},
	};
	const struct ioas_abi_vfio_info_cap_iova_range cap = {
		.header = {
			.id = IOAS_ABI_VFIO_IOMMU_INFO_CAP_IOVA_RANGE,
			.version = 1,
		},
		.nr_iovas = nr,
	};
	int ret = ioas_copy_to(user + INFO_SIZE, &avail, sizeof(avail));

	if (!ret)
		ret = ioas_copy_to(user + INFO_RANGES, &cap, sizeof(cap));
	if (!ret)
		ret = ioas_space_write_ranges(user + INFO_RANGES + sizeof(cap),
					      ranges, nr);
	return ret;
}

/* @r without @hole, which may cut one of them in two. Return: 0 or -ENOMEM. */
static int ranges_without(struct ioas_space_ranges *r,
			  const struct ioas_iova_range *hole)
{
	struct ioas_space_ranges out = { .cap = r->nr + 1,
					 .alignment = r->alignment };

	out.ranges = ioas_alloc(out.cap * sizeof(*out.ranges),
				IOAS_FP_ALLOC_LIST);
	if (!out.ranges)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->nr; i++) {
		struct ioas_iova_range in = r->ranges[i];

		if (in.last < hole->first || in.first > hole->last) {
			out.ranges[out.nr++] = in;
			continue;
		}
		if (in.first < hole->first)
			out.ranges[out.nr++] = (struct ioas_iova_range){
				in.first, hole->first - 1
			};
		if (in.last > hole->last)
			out.ranges[out.nr++] = (struct ioas_iova_range){
				hole->last + 1, in.last
			};
	}
	ioas_space_ranges_free(r);
	*r = out;
	return 0;
}

/*
 * What a container can map. VFIO knows its devices when the kind of IOMMU is
 * set; here they come with their descriptors, so what they will take away is
 * taken away before.
 */
static int info_ranges(struct ioas_space *space, struct ioas_space_ranges *r)
{
	const struct ioas_iova_range *hole =
		atomic_load(&space->obj.ictx->vfio_holes);
	int ret = ioas_space_collect(space, UINT32_MAX, r);

	for (; !ret && hole && hole->first <= hole->last; hole++) {
		ret = ranges_without(r, hole);
		if (ret)
			ioas_space_ranges_free(r);
	}
	return ret;
}

static int info_fill(struct ioas_space *space, uint64_t user,
		     struct ioas_abi_vfio_iommu_get_info *info)
{
	const uint32_t argsz = info->argsz;
	struct ioas_space_ranges r;
	uint64_t chain;
	int ret = info_ranges(space, &r);

	if (ret)
		return ret;
	chain = INFO_RANGES - INFO_SIZE +
		sizeof(struct ioas_abi_vfio_info_cap_iova_range) +
		(uint64_t)r.nr * sizeof(struct ioas_abi_vfio_iova_range);
	*info = (struct ioas_abi_vfio_iommu_get_info){
		.argsz = (uint32_t)ioas_min(INFO_SIZE + chain, UINT32_MAX),
		.flags = IOAS_ABI_VFIO_IOMMU_INFO_PGSIZES |
			 IOAS_ABI_VFIO_IOMMU_INFO_CAPS,
		.iova_pgsizes = info_pgsizes(space),
	};
	if (argsz >= INFO_SIZE + chain) {
		info->cap_offset = INFO_SIZE;
		ret = info_chain(user, r.ranges, r.nr);
	}
	ioas_space_ranges_free(&r);
	return ret ? ret :
		     ioas_copy_to(user, info, ioas_min(argsz, sizeof(*info)));
}

static int64_t vfio_get_info(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_vfio_iommu_get_info *info = ucmd->cmd;
	const size_t least =
		offsetof(struct ioas_abi_vfio_iommu_get_info, cap_offset);
	struct ioas_space *space;
	int ret;

	*info = (struct ioas_abi_vfio_iommu_get_info){ 0 };
	ret = ioas_copy_from(info, ucmd->user, least);
	if (ret)
		return ret;
	ioas_ucmd_copied(ucmd, sizeof(*info));
	if (info->argsz < least)
		return -EINVAL;
	space = compat_get(ucmd->ictx);
	if (!space)
		return -ENODEV;
	ret = info_fill(space, ucmd->user, info);
	ioas_object_put(&space->obj);
	return ret;
}

/* ---- map and unmap ------------------------------------------------------ */

/* Neither permission is the domain's to refuse. */
static uint32_t dma_prot(uint32_t flags)
{
	uint32_t prot = IOAS_PROT_CACHE;

	if (flags & IOAS_ABI_VFIO_DMA_MAP_FLAG_READ)
		prot |= IOAS_PROT_READ;
	if (flags & IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOAS_PROT_WRITE;
	return prot;
}

static int map_dma(struct ioas_space *space,
		   const struct ioas_abi_vfio_iommu_map_dma *map)
{
	struct ioas_host *host = space->obj.ictx->uapi->host;
	int (*const memory)(struct ioas_host *h, struct ioas_origin **out) =
		host->ops->container_origin ? host->ops->container_origin :
					      host->ops->user_origin;
	struct ioas_origin *origin;
	ioas_iova_t iova = map->iova;
	int ret = memory(host, &origin);

	if (ret)
		return ret;
	return ioas_iopt_map(space->ioas, origin, map->vaddr, map->size,
			     dma_prot(map->flags), IOAS_MAP_FIXED, &iova);
}

static int64_t vfio_map_dma(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_vfio_iommu_map_dma *map = ucmd->cmd;
	struct ioas_space *space;
	int ret = ioas_copy_from(ucmd->cmd, ucmd->user, sizeof(*map));

	if (ret)
		return ret;
	ioas_ucmd_copied(ucmd, sizeof(*map));
	if (map->argsz < sizeof(*map) ||
	    map->flags & ~(IOAS_ABI_VFIO_DMA_MAP_FLAG_READ |
			   IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE))
		return -EINVAL;
	space = compat_get(ucmd->ictx);
	if (!space)
		return -ENODEV;
	ret = map_dma(space, map);
	ioas_object_put(&space->obj);
	return ret;
}

/* The end first, then the beginning (11.6 step 5). */
static int cut_ends(struct ioas_space *space,
		    const struct ioas_abi_vfio_iommu_unmap_dma *unmap)
{
	ioas_iova_t cuts[2];
	uint32_t nr = 1;

	/* A range that is none is what the unmap will complain about. */
	if (!ioas_last(unmap->iova, unmap->size, &cuts[0]) ||
	    ioas_space_huge_pages(space))
		return 0;
	if (unmap->iova)
		cuts[nr++] = unmap->iova - 1;
	return ioas_iopt_split(space->ioas, cuts, nr);
}

static int unmap_range(struct ioas *ioas, ioas_iova_t iova, uint64_t size,
		       uint64_t *unmapped)
{
	*unmapped = 0;
	if (iova == IOAS_U64_MAX || size == IOAS_U64_MAX)
		return -EOVERFLOW;
	return ioas_iopt_unmap(ioas, iova, size, unmapped);
}

static int unmap_dma(struct ioas_space *space, uint64_t user,
		     struct ioas_abi_vfio_iommu_unmap_dma *unmap)
{
	const bool all = unmap->flags & IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL;
	struct ioas_fault *fault;
	uint64_t unmapped;
	int ret = 0;

	if (all && (unmap->iova || unmap->size))
		return -EINVAL;
	if (!all)
		ret = cut_ends(space, unmap);
	if (ret)
		return ret;
	/* Only a cut may fail for lack of memory. */
	fault = ioas_faults_off();
	ret = all ? ioas_iopt_unmap_all(space->ioas, &unmapped) :
		    unmap_range(space->ioas, unmap->iova, unmap->size,
				&unmapped);
	unmap->size = unmapped;
	if (ioas_copy_to(user, unmap, sizeof(*unmap)))
		ret = -EFAULT;
	ioas_faults_on(fault);
	return ret;
}

static int64_t vfio_unmap_dma(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_vfio_iommu_unmap_dma *unmap = ucmd->cmd;
	struct ioas_space *space;
	int ret = ioas_copy_from_sure(unmap, ucmd->user, sizeof(*unmap));

	if (ret)
		return ret;
	ioas_ucmd_copied(ucmd, sizeof(*unmap));
	if (unmap->argsz < sizeof(*unmap) ||
	    unmap->flags & ~IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL)
		return -EINVAL;
	space = compat_get(ucmd->ictx);
	if (!space)
		return -ENODEV;
	ret = unmap_dma(space, ucmd->user, unmap);
	ioas_object_put(&space->obj);
	return ret;
}

int64_t ioas_vfio_ioctl(struct ioas_ucmd *ucmd, uint32_t cmd)
{
	switch (cmd) {
	case IOAS_ABI_VFIO_GET_API_VERSION:
		return 0;
	case IOAS_ABI_VFIO_CHECK_EXTENSION:
		return check_extension(ucmd->ictx, ucmd->user);
	case IOAS_ABI_VFIO_SET_IOMMU:
		return vfio_set_iommu(ucmd->ictx, ucmd->user);
	case IOAS_ABI_VFIO_IOMMU_GET_INFO:
		return vfio_get_info(ucmd);
	case IOAS_ABI_VFIO_IOMMU_MAP_DMA:
		return vfio_map_dma(ucmd);
	case IOAS_ABI_VFIO_IOMMU_UNMAP_DMA:
		return vfio_unmap_dma(ucmd);
	}
	return -ENOTTY;
}
