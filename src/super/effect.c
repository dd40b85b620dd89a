/* SPDX-License-Identifier: MIT */
#include "super/effect.h"

#include <string.h>

#include "base/bits.h"
#include "uapi/command.h"
#include "uapi/space.h"

/* The union of the requests that matter. */
union request {
	struct ioas_abi_destroy destroy;
	struct ioas_abi_ioas_alloc alloc;
	struct ioas_abi_ioas_map map;
	struct ioas_abi_ioas_map_file map_file;
	struct ioas_abi_ioas_copy copy;
	struct ioas_abi_ioas_unmap unmap;
	struct ioas_abi_vfio_iommu_map_dma map_dma;
	struct ioas_abi_vfio_iommu_unmap_dma unmap_dma;
	uint8_t bytes[IOAS_UCMD_MAX];
};

/* The space that container requests are for; 0: none. */
static uint32_t compat_id(struct ioas_iommufd *ictx)
{
	uint32_t id;

	ioas_mutex_lock(&ictx->objects.lock, IOAS_RANK_OBJECTS);
	id = ictx->vfio_space ? ictx->vfio_space->obj.id : 0;
	ioas_mutex_unlock(&ictx->objects.lock);
	return id;
}

static struct ioas_effect effect_range(enum ioas_effect_what what, uint32_t id,
				       uint64_t iova, uint64_t length)
{
	struct ioas_effect e = { what, id, iova, 0 };

	if (!length || !ioas_last(iova, length, &e.last))
		e.what = IOAS_EFFECT_NOTHING;
	return e;
}

static struct ioas_effect
effect_unmap_dma(struct ioas_iommufd *ictx,
		 const struct ioas_abi_vfio_iommu_unmap_dma *unmap)
{
	const uint32_t id = compat_id(ictx);

	if (unmap->flags & IOAS_ABI_VFIO_DMA_UNMAP_FLAG_ALL)
		return (struct ioas_effect){ IOAS_EFFECT_UNMAP, id, 0,
					     IOAS_U64_MAX };
	return effect_range(IOAS_EFFECT_UNMAP, id, unmap->iova, unmap->size);
}

struct ioas_effect ioas_effect_meant(struct ioas_iommufd *ictx, uint32_t cmd,
				     const void *before, const void *after,
				     uint32_t size)
{
	const enum ioas_effect_what map = IOAS_EFFECT_MAP;
	union request in, out;

	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	memcpy(in.bytes, before, ioas_min(size, sizeof(in)));
	memcpy(out.bytes, after, ioas_min(size, sizeof(out)));
	switch (cmd) {
	case IOAS_ABI_IOAS_ALLOC:
		return (struct ioas_effect){ IOAS_EFFECT_MADE,
					     out.alloc.out_ioas_id, 0, 0 };
	case IOAS_ABI_DESTROY:
		return (struct ioas_effect){ IOAS_EFFECT_GONE, in.destroy.id, 0,
					     0 };
	case IOAS_ABI_IOAS_MAP:
		return effect_range(map, in.map.ioas_id, out.map.iova,
				    in.map.length);
	case IOAS_ABI_IOAS_MAP_FILE:
		return effect_range(map, in.map_file.ioas_id,
				    out.map_file.iova, in.map_file.length);
	case IOAS_ABI_IOAS_COPY:
		return effect_range(map, in.copy.dst_ioas_id,
				    out.copy.dst_iova, in.copy.length);
	case IOAS_ABI_IOAS_UNMAP:
		/* All is 0 and 2^64 - 1: nobody has the last byte (6.7). */
		return effect_range(IOAS_EFFECT_UNMAP, in.unmap.ioas_id,
				    in.unmap.iova, in.unmap.length);
	case IOAS_ABI_VFIO_IOMMU_MAP_DMA:
		return effect_range(map, compat_id(ictx), in.map_dma.iova,
				    in.map_dma.size);
	case IOAS_ABI_VFIO_IOMMU_UNMAP_DMA:
		return effect_unmap_dma(ictx, &in.unmap_dma);
	}
	return (struct ioas_effect){ IOAS_EFFECT_NOTHING, 0, 0, 0 };
}
