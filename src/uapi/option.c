/* SPDX-License-Identifier: MIT */
/*
 * option: IOMMU_DESTROY and IOMMU_OPTION
 * (docs/reference/iommufd-uapi.md 6.1, 6.8)
 */
#include "base/errno.h"
#include "uapi/command.h"
#include "uapi/space.h"

int ioas_cmd_destroy(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_destroy *cmd = ucmd->cmd;

	return ioas_object_destroy_id(ucmd->ictx, cmd->id);
}

/*
 * A space is an object, and so is one under construction: with no id taken
 * there is nothing that was charged by the old policy.
 */
static int rlimit_set(struct ioas_iommufd *ictx, uint64_t val)
{
	struct ioas_caller *c = ioas_caller_current();

	if (c && !ioas_caller_resource(c))
		return -EPERM;
	if (ioas_objects_any(ictx))
		return -EBUSY;
	if (val > 1)
		return -EINVAL;
	return ioas_context_set_policy(&ictx->core, val);
}

static int rlimit_mode(struct ioas_iommufd *ictx, struct ioas_abi_option *cmd)
{
	if (cmd->object_id)
		return -EOPNOTSUPP;
	if (cmd->op == IOAS_ABI_OPTION_OP_SET)
		return rlimit_set(ictx, cmd->val64);
	if (cmd->op != IOAS_ABI_OPTION_OP_GET)
		return -EOPNOTSUPP;
	cmd->val64 = ictx->core.account_mm;
	return 0;
}

static int huge_pages_option(struct ioas_space *space,
			     struct ioas_abi_option *cmd)
{
	if (cmd->op == IOAS_ABI_OPTION_OP_SET)
		return cmd->val64 > 1 ?
			       -EINVAL :
			       ioas_space_set_huge_pages(space, cmd->val64);
	if (cmd->op != IOAS_ABI_OPTION_OP_GET)
		return -EOPNOTSUPP;
	cmd->val64 = ioas_space_huge_pages(space);
	return 0;
}

static int space_option(struct ioas_iommufd *ictx, struct ioas_abi_option *cmd)
{
	struct ioas_space *space = ioas_space_get(ictx, cmd->object_id);
	int ret;

	if (!space)
		return -ENOENT;
	ret = huge_pages_option(space, cmd);
	ioas_object_put(&space->obj);
	return ret;
}

int ioas_cmd_option(struct ioas_ucmd *ucmd)
{
	struct ioas_abi_option *cmd = ucmd->cmd;
	int ret = -EOPNOTSUPP;

	if (cmd->__reserved)
		return -EOPNOTSUPP;
	if (cmd->option_id == IOAS_ABI_OPTION_RLIMIT_MODE)
		ret = rlimit_mode(ucmd->ictx, cmd);
	else if (cmd->option_id == IOAS_ABI_OPTION_HUGE_PAGES)
		ret = space_option(ucmd->ictx, cmd);
	if (ret)
		return ret;
	/* Only the value goes back, after SET as well. */
	return ioas_copy_to(ucmd->user +
				    offsetof(struct ioas_abi_option, val64),
			    &cmd->val64, sizeof(cmd->val64));
}
