/* SPDX-License-Identifier: MIT */
/*
 * space: the public face of an address space
 */
#include "api/api.h"

#include "base/errno.h"

#define MAP_FLAGS (IOAS_READ | IOAS_WRITE | IOAS_NOEXEC | IOAS_FIXED)

int ioas_create(struct ioas_context *ctx, struct ioas **ioas)
{
	struct ioas_api_call call;
	int ret;

	ioas_api_enter(&call, ctx);
	ret = ioas_iopt_create(ctx, ioas);
	ioas_api_leave(&call);
	if (!ret)
		atomic_fetch_add(&ioas_api_context(ctx)->users, 1);
	return ret;
}

int ioas_destroy(struct ioas *ioas)
{
	struct ioas_api_context *api;
	struct ioas_api_call call;
	int ret;

	if (!ioas)
		return 0;
	api = ioas_api_context(ioas->ctx);
	ioas_api_enter(&call, &api->core);
	ret = ioas_iopt_destroy(ioas);
	ioas_api_leave(&call);
	if (!ret)
		atomic_fetch_sub(&api->users, 1);
	return ret;
}

/* Permissions and flags of the core; 0, -EOPNOTSUPP or -EINVAL. */
static int map_flags(unsigned int flags, uint32_t *prot, unsigned int *core)
{
	if (flags & ~(unsigned int)MAP_FLAGS)
		return -EOPNOTSUPP;
	if (!(flags & (IOAS_READ | IOAS_WRITE)))
		return -EINVAL;
	*prot = IOAS_PROT_CACHE;
	if (flags & IOAS_READ)
		*prot |= IOAS_PROT_READ;
	if (flags & IOAS_WRITE)
		*prot |= IOAS_PROT_WRITE;
	if (flags & IOAS_NOEXEC)
		*prot |= IOAS_PROT_NOEXEC;
	*core = flags & IOAS_FIXED ? IOAS_MAP_FIXED : 0;
	return 0;
}

int ioas_map(struct ioas *ioas, struct ioas_origin *origin, uint64_t start,
	     uint64_t length, unsigned int flags, uint64_t *iova)
{
	struct ioas_api_call call;
	unsigned int core;
	uint32_t prot;
	int ret;

	ret = map_flags(flags, &prot, &core);
	if (ret)
		return ret;
	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_iopt_map(ioas, origin, start, length, prot, core, iova);
	ioas_api_leave(&call);
	return ret;
}

int ioas_copy(struct ioas *dst, struct ioas *src, uint64_t src_iova,
	      uint64_t length, unsigned int flags, uint64_t *dst_iova)
{
	struct ioas_api_call call;
	unsigned int core;
	uint32_t prot;
	int ret;

	ret = map_flags(flags, &prot, &core);
	if (ret)
		return ret;
	ioas_api_enter(&call, dst->ctx);
	ret = ioas_iopt_copy(dst, src, src_iova, length, prot, core, dst_iova);
	ioas_api_leave(&call);
	return ret;
}

int ioas_unmap(struct ioas *ioas, uint64_t iova, uint64_t length,
	       uint64_t *unmapped)
{
	struct ioas_api_call call;
	uint64_t bytes = 0;
	int ret;

	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_iopt_unmap(ioas, iova, length, &bytes);
	ioas_api_leave(&call);
	if (unmapped)
		*unmapped = bytes;
	return ret;
}

int ioas_unmap_all(struct ioas *ioas, uint64_t *unmapped)
{
	struct ioas_api_call call;
	uint64_t bytes = 0;
	int ret;

	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_iopt_unmap_all(ioas, &bytes);
	ioas_api_leave(&call);
	if (unmapped)
		*unmapped = bytes;
	return ret;
}

/* Ranges as the core has them: room for @nr, in *@out. 0 or -ENOMEM. */
static int ranges_alloc(uint32_t nr, struct ioas_iova_range **out)
{
	size_t size = nr * sizeof(**out);

	*out = NULL;
	if (!nr)
		return 0;
	if (size / sizeof(**out) != nr)
		return -ENOMEM;
	*out = ioas_alloc(size, IOAS_FP_ALLOC_LIST);
	return *out ? 0 : -ENOMEM;
}

static void ranges_free(struct ioas_iova_range *ranges, uint32_t nr)
{
	if (ranges)
		ioas_free(ranges, nr * sizeof(*ranges));
}

static int ranges_copy(const struct ioas_interval *in, uint32_t nr,
		       struct ioas_iova_range **out)
{
	int ret = ranges_alloc(nr, out);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < nr; i++)
		(*out)[i] = (struct ioas_iova_range){ in[i].first,
						      in[i].last };
	return 0;
}

int ioas_reserve(struct ioas *ioas, const struct ioas_interval *ranges,
		 uint32_t nr, const void *owner)
{
	struct ioas_iova_range *core;
	struct ioas_api_call call;
	int ret;

	if (!owner)
		return -EINVAL;
	ioas_api_enter(&call, ioas->ctx);
	ret = ranges_copy(ranges, nr, &core);
	if (ret)
		goto out_leave;
	ret = ioas_iopt_reserve(ioas, core, nr, owner);
	ranges_free(core, nr);
out_leave:
	ioas_api_leave(&call);
	return ret;
}

void ioas_unreserve(struct ioas *ioas, const void *owner)
{
	ioas_iopt_unreserve(ioas, owner);
}

int ioas_allow(struct ioas *ioas, const struct ioas_interval *ranges,
	       uint32_t nr)
{
	struct ioas_iova_range *core;
	struct ioas_api_call call;
	int ret;

	ioas_api_enter(&call, ioas->ctx);
	ret = ranges_copy(ranges, nr, &core);
	if (ret)
		goto out_leave;
	ret = ioas_iopt_allow(ioas, core, nr);
	ranges_free(core, nr);
out_leave:
	ioas_api_leave(&call);
	return ret;
}

int ioas_ranges(struct ioas *ioas, struct ioas_interval *ranges, uint32_t *nr,
		uint64_t *alignment)
{
	struct ioas_iova_range *core;
	uint64_t core_alignment;
	uint32_t room = *nr;
	int ret;

	ret = ranges_alloc(room, &core);
	if (ret)
		return ret;
	ret = ioas_iopt_ranges(ioas, core, nr, &core_alignment);
	for (uint32_t i = 0; i < ioas_min(room, *nr); i++)
		ranges[i] = (struct ioas_interval){ core[i].first,
						    core[i].last };
	if (alignment)
		*alignment = core_alignment;
	ranges_free(core, room);
	return ret;
}

int ioas_split(struct ioas *ioas, uint64_t last)
{
	struct ioas_api_call call;
	int ret;

	ioas_api_enter(&call, ioas->ctx);
	ret = ioas_iopt_split(ioas, &last, 1);
	ioas_api_leave(&call);
	return ret;
}

int ioas_set_small_pages(struct ioas *ioas, bool on)
{
	return ioas_iopt_set_small_pages(ioas, on);
}
