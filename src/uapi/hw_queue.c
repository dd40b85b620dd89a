/* SPDX-License-Identifier: MIT */
/*
 * hw_queue: HW_QUEUE_ALLOC (iommufd-uapi 6.21)
 *
 *   base_iova, queue_length      what the program asked for
 *     . . |--------------------------| . .
 *   iova, length                 whole pages, pinned by an access of its own
 *   |------------|------------|------------|
 *   offset -'                    frames: one run
 *
 * The access is internal: nobody can be asked to let go of what hardware reads,
 * so an unmap of the areas is refused while the queue is there. It holds the
 * IOAS and raises its alignment to a page.
 *
 * Locks: none; creation and destruction of one queue do not overlap.
 */
#include "base/errno.h"
#include "uapi/access.h"
#include "uapi/command.h"
#include "uapi/viommu.h"

static void hw_queue_destroy(struct ioas_object *obj)
{
	struct ioas_hw_queue *q =
		ioas_container_of(obj, struct ioas_hw_queue, obj);

	if (!q->viommu)
		return;
	if (q->inited && q->viommu->ops->hw_queue_fini)
		q->viommu->ops->hw_queue_fini(q);
	if (q->pinned)
		ioas_access_unpin(q->client->access, q->iova, q->length);
	ioas_uaccess_destroy(q->client);
	ioas_object_put(&q->viommu->obj);
}

static const struct ioas_object_class hw_queue_class = {
	.type = IOAS_OBJECT_HW_QUEUE,
	.size = sizeof(struct ioas_hw_queue),
	.destroy = hw_queue_destroy,
};

bool ioas_hw_queue_tryget(struct ioas_hw_queue *q)
{
	/*
	 * Who undoes a creation that failed counts on being alone. Once it
	 * cannot fail any more a user is welcome, published or not.
	 */
	return atomic_load_explicit(&q->ready, memory_order_acquire) &&
	       ioas_object_tryget(&q->obj);
}

/* Step 6: whole pages around the range, in bytes. 0 or -ERANGE. */
static int pages_around(ioas_iova_t iova, uint64_t length, uint64_t page,
			uint64_t *bytes)
{
	uint64_t end;

	if (ioas_add_overflow(iova & (page - 1), length, &end))
		return -ERANGE;
	*bytes = ioas_align_up(end, page);
	return *bytes ? 0 : -ERANGE;
}

/*
 * Step 8, of a range that is not one run. All of step 7 comes first, so ask
 * what it says of the pages that a pin into a single run did not get to.
 */
static int hw_queue_scattered(struct ioas_hw_queue *q)
{
	int ret = ioas_access_pin(q->client->access, q->iova, q->length, 0,
				  NULL);

	if (ret)
		return ret;
	ioas_access_unpin(q->client->access, q->iova, q->length);
	return -EFAULT;
}

/* Steps 7 and 8. What is left on error is undone by the destroy. */
static int hw_queue_pin(struct ioas_hw_queue *q)
{
	struct ioas_run_list list = { .runs = &q->frames, .max = 1 };
	int ret = ioas_uaccess_create(q->obj.ictx, NULL, NULL,
				      IOAS_ACCESS_INTERNAL | IOAS_ACCESS_PINS,
				      &q->client);

	if (ret)
		return ret;
	ret = ioas_uaccess_attach_space(q->client, q->viommu->parent->space);
	if (ret)
		return ret;
	ret = ioas_access_pin(q->client->access, q->iova, q->length, 0, &list);
	if (ret == -EMSGSIZE)
		return hw_queue_scattered(q);
	q->pinned = !ret;
	return ret;
}

/* Step 6: an object that knows its range. */
static int hw_queue_create(struct ioas_ucmd *ucmd, struct ioas_viommu *v,
			   struct ioas_hw_queue **out)
{
	const struct ioas_abi_hw_queue_alloc *cmd = ucmd->cmd;
	const uint64_t page = ioas_page_size(&ucmd->ictx->core);
	struct ioas_hw_queue *q;
	struct ioas_object *obj;
	uint64_t bytes;
	int ret = pages_around(cmd->nesting_parent_iova, cmd->length, page,
			       &bytes);

	if (!ret)
		ret = ioas_ucmd_object(ucmd, &hw_queue_class, &obj);
	if (ret)
		return ret;
	q = ioas_container_of(obj, struct ioas_hw_queue, obj);
	ioas_object_hold(&v->obj);
	q->viommu = v;
	q->type = cmd->type;
	q->index = cmd->index;
	q->base_iova = cmd->nesting_parent_iova;
	q->queue_length = cmd->length;
	q->iova = ioas_align_down(q->base_iova, page);
	q->length = bytes;
	q->offset = (uint32_t)(q->base_iova - q->iova);
	*out = q;
	return 0;
}

/* From step 5 on. */
static int hw_queue_alloc(struct ioas_ucmd *ucmd, struct ioas_viommu *v)
{
	struct ioas_abi_hw_queue_alloc *cmd = ucmd->cmd;
	struct ioas_hw_queue *q;
	int ret;

	if (!v->ops->hw_queue_check || !v->ops->hw_queue_init)
		return -EOPNOTSUPP;
	ret = v->ops->hw_queue_check(v, cmd->type);
	if (!ret)
		ret = hw_queue_create(ucmd, v, &q);
	if (!ret)
		ret = hw_queue_pin(q);
	if (!ret)
		ret = v->ops->hw_queue_init(q);
	if (ret)
		return ret;
	q->inited = true;
	cmd->out_hw_queue_id = q->obj.id;
	ret = ioas_ucmd_respond(ucmd);
	if (!ret)
		atomic_store_explicit(&q->ready, true, memory_order_release);
	return ret;
}

int ioas_cmd_hw_queue_alloc(struct ioas_ucmd *ucmd)
{
	const struct ioas_abi_hw_queue_alloc *cmd = ucmd->cmd;
	struct ioas_viommu *v;
	uint64_t last;
	int ret;

	if (cmd->flags || !cmd->type)
		return -EOPNOTSUPP;
	if (!cmd->length)
		return -EINVAL;
	if (!ioas_last(cmd->nesting_parent_iova, cmd->length, &last))
		return -EOVERFLOW;
	v = ioas_viommu_get(ucmd->ictx, cmd->viommu_id);
	if (!v)
		return -ENOENT;
	ret = hw_queue_alloc(ucmd, v);
	ioas_object_put(&v->obj);
	return ret;
}
