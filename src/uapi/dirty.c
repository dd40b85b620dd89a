/* SPDX-License-Identifier: MIT */
/*
 * dirty: which pages devices wrote (docs/reference/iommufd-uapi.md 6.12, 6.13)
 *
 * The core finds them (core/dirty.h). What it calls an error and the ABI does
 * not: a gap ends the report, and a part of the bitmap that cannot be reached
 * is left out, both without a word.
 */
#include "core/dirty.h"

#include "base/errno.h"
#include "uapi/command.h"
#include "uapi/hwpt.h"

int ioas_cmd_hwpt_set_dirty_tracking(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_hwpt_set_dirty_tracking *cmd = ucmd->cmd;
	struct ioas_hwpt *hwpt;
	int ret = -EOPNOTSUPP;

	if (cmd->flags & ~IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE)
		return -EOPNOTSUPP;
	hwpt = ioas_hwpt_get_paging(ucmd->ictx, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	if (hwpt->dirty)
		ret = ioas_dirty_set(
			hwpt->space->ioas, hwpt->domain,
			cmd->flags & IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE);
	ioas_pt_put(&hwpt->obj);
	return ret;
}

/* Steps 3 to 5; the arithmetic of an empty range is the reference's. */
static int bitmap_check(const struct ioas_abi_hwpt_get_dirty_bitmap *cmd,
			struct ioas *ioas)
{
	const uint64_t ends = cmd->iova | (cmd->iova + cmd->length);
	uint64_t last;

	if (ioas_add_overflow(cmd->iova, cmd->length - 1, &last))
		return -EOVERFLOW;
	if (!ioas_is_aligned(ends, ioas_iopt_alignment(ioas)))
		return -EINVAL;
	/* The mask of what may be no power of two. */
	if (!cmd->page_size || ends & (cmd->page_size - 1))
		return -EINVAL;
	return 0;
}

static int bitmap_report(const struct ioas_abi_hwpt_get_dirty_bitmap *cmd,
			 const struct ioas_hwpt *hwpt)
{
	const struct ioas_dirty_request rq = {
		.iova = cmd->iova,
		.length = cmd->length,
		/* Its lowest set bit; the mask above saw to the alignment. */
		.granularity = cmd->page_size & -cmd->page_size,
		.bitmap = cmd->data,
		.flags = cmd->flags & IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR ?
				 IOAS_DIRTY_NO_CLEAR :
				 0,
		.skip_faults = true,
	};
	int ret;

	/* Nothing to look at, and no byte of the bitmap. */
	if (!cmd->length)
		return 0;
	ret = ioas_dirty_read(hwpt->space->ioas, hwpt->domain, &rq);
	/* All that is left of it is a gap, or a space whose alignment rose. */
	return ret == -EINVAL ? 0 : ret;
}

int ioas_cmd_hwpt_get_dirty_bitmap(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_hwpt_get_dirty_bitmap *cmd = ucmd->cmd;
	struct ioas_hwpt *hwpt;
	int ret;

	if (cmd->flags & ~IOAS_ABI_HWPT_GET_DIRTY_BITMAP_NO_CLEAR ||
	    cmd->__reserved)
		return -EOPNOTSUPP;
	hwpt = ioas_hwpt_get_paging(ucmd->ictx, cmd->hwpt_id);
	if (!hwpt)
		return -ENOENT;
	ret = bitmap_check(cmd, hwpt->space->ioas);
	if (!ret)
		ret = hwpt->dirty ? bitmap_report(cmd, hwpt) : -EOPNOTSUPP;
	ioas_pt_put(&hwpt->obj);
	return ret;
}
