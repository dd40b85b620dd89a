/* SPDX-License-Identifier: MIT */
/*
 * space: IOAS objects, and the commands that work on one
 * (docs/reference/iommufd-uapi.md 6.2 to 6.7, 6.16, 6.19)
 *
 * The core checks alignment, reserved ranges, overlaps and memory in the order
 * of the reference; what stands here are the checks before that, and what the
 * ABI sees differently from the core.
 */
#include "uapi/space.h"

#include "base/bits.h"
#include "base/errno.h"
#include "domain/ops.h"
#include "origin/ops.h"
#include "uapi/command.h"
#include "uapi/mock/mock.h"

#define MAP_FLAGS                                                    \
	(IOAS_ABI_IOAS_MAP_FIXED_IOVA | IOAS_ABI_IOAS_MAP_WRITEABLE | \
	 IOAS_ABI_IOAS_MAP_READABLE)

/* ---- the object --------------------------------------------------------- */

static void space_destroy(struct ioas_object *obj)
{
	struct ioas_space *space =
		ioas_container_of(obj, struct ioas_space, obj);
	struct ioas_objects *o = &obj->ictx->objects;

	ioas_mutex_lock(&o->lock, IOAS_RANK_OBJECTS);
	if (obj->ictx->vfio_space == space)
		obj->ictx->vfio_space = NULL;
	ioas_mutex_unlock(&o->lock);
	/* Every page table and every access is a user: none is left. */
	IOAS_CHECK(ioas_iopt_destroy(space->ioas));
}

static const struct ioas_object_class space_class = {
	.type = IOAS_OBJECT_IOAS,
	.size = sizeof(struct ioas_space),
	/* Map and unmap look nothing else up. */
	.light = true,
	.destroy = space_destroy,
};

static struct ioas_space *space_of(struct ioas_object *obj)
{
	return obj ? ioas_container_of(obj, struct ioas_space, obj) : NULL;
}

struct ioas_space *ioas_space_get(struct ioas_iommufd *ictx, uint32_t id)
{
	return space_of(ioas_object_get(ictx, id, IOAS_OBJECT_IOAS));
}

/* A light use; ends with ioas_object_unuse(). */
static struct ioas_space *space_use(struct ioas_object_use *use,
				    struct ioas_iommufd *ictx, uint32_t id)
{
	return space_of(ioas_object_use(use, ictx, id, IOAS_OBJECT_IOAS));
}

int ioas_space_create(struct ioas_iommufd *ictx, struct ioas_space **out)
{
	struct ioas_space *space;
	struct ioas_object *obj;
	int ret = ioas_object_alloc(ictx, &space_class, &obj);

	if (ret)
		return ret;
	space = space_of(obj);
	ioas_list_init(&space->hwpts);
	ret = ioas_iopt_create(&ictx->core, &space->ioas);
	if (ret) {
		ioas_object_abort(obj);
		return ret;
	}
	ioas_object_hold(obj);
	ioas_object_publish(obj);
	*out = space;
	return 0;
}

int ioas_cmd_ioas_alloc(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_ioas_alloc *cmd = ucmd->cmd;
	struct ioas_space *space;
	struct ioas_object *obj;
	int ret;

	if (cmd->flags)
		return -EOPNOTSUPP;
	ret = ioas_ucmd_object(ucmd, &space_class, &obj);
	if (ret)
		return ret;
	space = space_of(obj);
	ioas_list_init(&space->hwpts);
	ret = ioas_iopt_create(&ucmd->ictx->core, &space->ioas);
	if (ret)
		return ret;
	cmd->out_ioas_id = obj->id;
	return ioas_ucmd_respond(ucmd);
}

/* ---- ranges ------------------------------------------------------------- */

/* Entry by entry, so that the first bad one decides. */
static int allow_read(struct ioas_allow *allow,
		      const struct ioas_abi_ioas_allow_iovas *cmd)
{
	for (uint32_t i = 0; i < cmd->num_iovas; i++) {
		struct ioas_abi_iova_range r;
		int ret = ioas_copy_from(
			&r, cmd->allowed_iovas + (uint64_t)i * sizeof(r),
			sizeof(r));

		if (!ret)
			ret = ioas_allow_add(allow, r.start, r.last);
		if (ret)
			return ret;
	}
	return 0;
}

int ioas_cmd_ioas_allow_iovas(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_ioas_allow_iovas *cmd = ucmd->cmd;
	struct ioas_allow allow = { 0 };
	struct ioas_space *space;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	space = ioas_space_get(ucmd->ictx, cmd->ioas_id);
	if (!space)
		return -ENOENT;
	ret = allow_read(&allow, cmd);
	if (!ret)
		ret = ioas_allow_commit(space->ioas, &allow);
	ioas_allow_drop(&allow);
	ioas_object_put(&space->obj);
	return ret;
}

/* The list may grow between counting and asking. */
int ioas_space_collect(struct ioas_space *space, uint32_t room,
		       struct ioas_space_ranges *out)
{
	struct ioas_space_ranges r = { 0 };

	for (;;) {
		int ret;

		r.nr = r.cap;
		ret = ioas_iopt_ranges(space->ioas, r.ranges, &r.nr,
				       &r.alignment);
		if (!ret || r.cap == room) {
			*out = r;
			return 0;
		}
		ioas_space_ranges_free(&r);
		r.cap = (uint32_t)ioas_min(r.nr, room);
		r.ranges = ioas_alloc(r.cap * sizeof(*r.ranges),
				      IOAS_FP_ALLOC_LIST);
		if (!r.ranges)
			return -ENOMEM;
	}
}

void ioas_space_ranges_free(struct ioas_space_ranges *r)
{
	ioas_free(r->ranges, r->cap * sizeof(*r->ranges));
	r->ranges = NULL;
}

int ioas_space_write_ranges(uint64_t user, const struct ioas_iova_range *ranges,
			    uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++) {
		const struct ioas_abi_iova_range r = { ranges[i].first,
						       ranges[i].last };
		int ret = ioas_copy_to(user + (uint64_t)i * sizeof(r), &r,
				       sizeof(r));

		if (ret)
			return ret;
	}
	return 0;
}

static int ranges_answer(struct ioas_ucmd *ucmd, struct ioas_space *space)
{
	struct ioas_abi_ioas_iova_ranges *cmd = ucmd->cmd;
	const uint32_t room = cmd->num_iovas;
	struct ioas_space_ranges r;
	int ret = ioas_space_collect(space, room, &r);

	if (ret)
		return ret;
	ret = ioas_space_write_ranges(cmd->allowed_iovas, r.ranges,
				      (uint32_t)ioas_min(r.nr, room));
	ioas_space_ranges_free(&r);
	if (ret)
		return ret;
	cmd->num_iovas = r.nr;
	cmd->out_iova_alignment = r.alignment;
	ret = ioas_ucmd_respond(ucmd);
	return !ret && r.nr > room ? -EMSGSIZE : ret;
}

int ioas_cmd_ioas_iova_ranges(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_ioas_iova_ranges *cmd = ucmd->cmd;
	struct ioas_space *space;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	space = ioas_space_get(ucmd->ictx, cmd->ioas_id);
	if (!space)
		return -ENOENT;
	ret = ranges_answer(ucmd, space);
	ioas_object_put(&space->obj);
	return ret;
}

/* ---- map ---------------------------------------------------------------- */

/* Of IOAS_ABI_IOAS_MAP_* bits. */
static uint32_t map_prot(uint32_t flags)
{
	uint32_t prot = IOAS_PROT_CACHE;

	if (flags & IOAS_ABI_IOAS_MAP_READABLE)
		prot |= IOAS_PROT_READ;
	if (flags & IOAS_ABI_IOAS_MAP_WRITEABLE)
		prot |= IOAS_PROT_WRITE;
	return prot;
}

/* Steps that MAP, MAP_FILE and COPY have in common before any lookup. */
static int map_check(uint32_t flags, uint64_t iova, uint64_t length)
{
	if (flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (iova == IOAS_U64_MAX || length == IOAS_U64_MAX)
		return -EOVERFLOW;
	if (!(flags &
	      (IOAS_ABI_IOAS_MAP_READABLE | IOAS_ABI_IOAS_MAP_WRITEABLE)))
		return -EINVAL;
	return 0;
}

static unsigned int map_flags(uint32_t flags)
{
	return flags & IOAS_ABI_IOAS_MAP_FIXED_IOVA ? IOAS_MAP_FIXED : 0;
}

static int map_user(struct ioas_iommufd *ictx, struct ioas_abi_ioas_map *cmd)
{
	struct ioas_host *host = ictx->uapi->host;
	struct ioas_origin *origin;
	struct ioas_object_use use;
	struct ioas_space *space;
	int ret;

	space = ioas_fault_point(IOAS_FP_OBJECT) ?
			NULL :
			space_use(&use, ictx, cmd->ioas_id);
	if (!space)
		return -ENOENT;
	ret = host->ops->user_origin(host, &origin);
	if (!ret)
		ret = ioas_iopt_map(space->ioas, origin, cmd->user_va,
				    cmd->length, map_prot(cmd->flags),
				    map_flags(cmd->flags), &cmd->iova);
	ioas_object_unuse(&use);
	return ret;
}

int ioas_cmd_ioas_map(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_ioas_map *cmd = ucmd->cmd;
	int ret;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	ret = map_check(cmd->flags, cmd->iova, cmd->length);
	if (!ret)
		ret = map_user(ucmd->ictx, cmd);
	return ret ? ret : ioas_ucmd_respond(ucmd);
}

/* A dma-buf's memory, if @fd is one, else a file's. With a reference. */
static int file_origin(struct ioas_host *host,
		       const struct ioas_abi_ioas_map_file *cmd,
		       struct ioas_origin **out)
{
	struct ioas_ufile *f;
	int ret;

	/* Also so many pages that they cannot be counted (7). */
	const bool many = cmd->length >> host->page_lg2 >= UINT32_MAX;

	if (ioas_fault_point(IOAS_FP_FD))
		return -ENOMEM;
	ret = host->ops->fd_get(host, cmd->fd, &f);
	if (ret == -EBADF)
		return ret;
	if (ret || !f->ops->origin) {
		if (!ret)
			ioas_ufile_put(f);
		return host->ops->file_origin(host, cmd->fd, out);
	}
	ret = f->ops->origin(f, cmd->start, cmd->length, out);
	if (!ret) {
		if (many)
			ret = -EINVAL;
		else
			ioas_origin_get(*out);
	}
	ioas_ufile_put(f);
	return ret;
}

static int map_file(struct ioas_ucmd *ucmd, struct ioas_space *space)
{
	struct ioas_abi_ioas_map_file *cmd = ucmd->cmd;
	struct ioas_origin *origin;
	uint64_t last;
	int ret;

	if (!cmd->length)
		return -EINVAL;
	if (!ioas_last(cmd->start, cmd->length, &last))
		return -EOVERFLOW;
	ret = file_origin(ucmd->ictx->uapi->host, cmd, &origin);
	if (ret)
		return ret;
	ret = ioas_iopt_map(space->ioas, origin, cmd->start, cmd->length,
			    map_prot(cmd->flags), map_flags(cmd->flags),
			    &cmd->iova);
	ioas_origin_put(origin);
	return ret;
}

int ioas_cmd_ioas_map_file(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_ioas_map_file *cmd = ucmd->cmd;
	struct ioas_space *space;
	int ret = map_check(cmd->flags, cmd->iova, cmd->length);

	if (ret)
		return ret;
	space = ioas_space_get(ucmd->ictx, cmd->ioas_id);
	if (!space)
		return -ENOENT;
	ret = map_file(ucmd, space);
	ioas_object_put(&space->obj);
	return ret ? ret : ioas_ucmd_respond(ucmd);
}

/* ---- copy --------------------------------------------------------------- */

/* A fuzzing aid of the test ABI: src_iova as the place in the n-th area. */
static void copy_syz(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_ioas_copy *cmd = ucmd->cmd;
	struct ioas_object_use use;
	struct ioas_space *src;

	if (!ucmd->ictx->uapi->mock ||
	    !(cmd->flags & IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ))
		return;
	cmd->flags &= ~IOAS_ABI_MOCK_FLAGS_ACCESS_SYZ;
	src = space_use(&use, ucmd->ictx, cmd->src_ioas_id);
	if (src) {
		cmd->src_iova = ioas_mock_syz_iova(src, cmd->src_iova);
		ioas_object_unuse(&use);
	}
}

static int copy_to(struct ioas_ucmd *ucmd, struct ioas_space *src)
{
	struct ioas_abi_ioas_copy *cmd = ucmd->cmd;
	struct ioas_space *dst;
	ioas_iova_t last;
	int ret;

	if (!cmd->length)
		return -EINVAL;
	if (!ioas_last(cmd->src_iova, cmd->length, &last))
		return -EOVERFLOW;
	/* A gap in the source is -ENOENT as well: the order does not show. */
	dst = ioas_space_get(ucmd->ictx, cmd->dst_ioas_id);
	if (!dst)
		return -ENOENT;
	ret = ioas_iopt_copy(dst->ioas, src->ioas, cmd->src_iova, cmd->length,
			     map_prot(cmd->flags), map_flags(cmd->flags),
			     &cmd->dst_iova);
	ioas_object_put(&dst->obj);
	return ret;
}

int ioas_cmd_ioas_copy(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_ioas_copy *cmd = ucmd->cmd;
	struct ioas_space *src;
	int ret;

	copy_syz(ucmd);
	if (cmd->flags & ~MAP_FLAGS)
		return -EOPNOTSUPP;
	if (cmd->src_iova == IOAS_U64_MAX)
		return -EOVERFLOW;
	ret = map_check(cmd->flags, cmd->dst_iova, cmd->length);
	if (ret)
		return ret;
	src = ioas_space_get(ucmd->ictx, cmd->src_ioas_id);
	if (!src)
		return -ENOENT;
	ret = copy_to(ucmd, src);
	ioas_object_put(&src->obj);
	return ret ? ret : ioas_ucmd_respond(ucmd);
}

/* ---- unmap -------------------------------------------------------------- */

static int unmap(struct ioas *ioas, uint64_t iova, uint64_t length,
		 uint64_t *unmapped)
{
	int ret;

	if (!iova && length == IOAS_U64_MAX)
		return ioas_iopt_unmap_all(ioas, unmapped);
	if (iova == IOAS_U64_MAX || length == IOAS_U64_MAX)
		return -EOVERFLOW;
	ret = ioas_iopt_unmap(ioas, iova, length, unmapped);
	return !ret && !*unmapped ? -ENOENT : ret;
}

int ioas_cmd_ioas_unmap(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_ioas_unmap *cmd = ucmd->cmd;
	struct ioas_object_use use;
	struct ioas_space *space;
	uint64_t unmapped = 0;
	int ret;

	space = space_use(&use, ucmd->ictx, cmd->ioas_id);
	if (!space)
		return -ENOENT;
	ret = unmap(space->ioas, cmd->iova, cmd->length, &unmapped);
	ioas_object_unuse(&use);
	if (ret)
		return ret;
	cmd->length = unmapped;
	return ioas_ucmd_respond(ucmd);
}

/* ---- the rest ----------------------------------------------------------- */

bool ioas_space_huge_pages(struct ioas_space *space)
{
	struct ioas *ioas = space->ioas;
	bool small;

	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	small = ioas->small_pages;
	ioas_read_unlock(&ioas->iova_lock);
	return !small;
}

int ioas_space_set_huge_pages(struct ioas_space *space, bool on)
{
	return ioas_iopt_set_small_pages(space->ioas, !on);
}

int ioas_cmd_ioas_change_process(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_ioas_change_process *cmd = ucmd->cmd;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	return ioas_context_change_process(&ucmd->ictx->core);
}
