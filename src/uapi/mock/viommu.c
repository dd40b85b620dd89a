/* SPDX-License-Identifier: MIT */
/*
 * viommu: VIOMMUs of the mock IOMMU (5.4, 5.5, 5.7, 5.8)
 *
 *   VIOMMU -- region    two pages that the program maps, if it asked for them
 *          `- queue[2]  queue 1 is a user of queue 0
 *
 * Locks: lock (rank QUEUE) guards queue[]. A device's cache is atomics; that
 * the device of a VDEVICE does not go is what viommu->lock is for.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "domain/ops.h"
#include "seam/fault.h"

#define REGION_PAGES 2u
/* The payload's first version ends behind out_data. */
#define PAYLOAD_MIN 8u
/*
 * Entries of one invalidation that are read at a time: all of them, before the
 * first has an effect. 12 MiB; a program that asks for more gets no memory.
 */
#define INVALIDATE_MAX (1u << 20)

struct mock_viommu {
	/* NULL: none was asked for. Set once. */
	struct ioas_region *region;
	struct ioas_mutex lock;
	/* Guarded by lock. */
	struct ioas_hw_queue *queue[IOAS_ABI_TEST_HW_QUEUE_MAX];
};

/* ---- life --------------------------------------------------------------- */

/* 5.5: two pages to share, told to the program in its payload. */
static int region_create(struct ioas_viommu *v, struct mock_viommu *m,
			 const struct ioas_user_data *data)
{
	const uint64_t length = REGION_PAGES *
				ioas_page_size(&v->obj.ictx->core);
	struct ioas_abi_viommu_data_selftest payload = { 0 };
	int ret;

	if (data->length < PAYLOAD_MIN || data->length > sizeof(payload))
		return -EINVAL;
	ret = ioas_copy_from(&payload, data->address, data->length);
	if (!ret)
		ret = ioas_region_create(&v->obj, length, &m->region);
	if (ret)
		return ret;
	memcpy(m->region->shm.memory, &payload.in_data,
	       sizeof(payload.in_data));
	payload.out_data = payload.in_data;
	payload.out_mmap_offset = m->region->offset;
	payload.out_mmap_length = length;
	ret = ioas_copy_to(data->address, &payload, data->length);
	if (ret)
		ioas_region_destroy(m->region);
	return ret;
}

int ioas_mock_viommu_init(struct ioas_viommu *v,
			  const struct ioas_user_data *data)
{
	struct mock_viommu *m = ioas_zalloc(sizeof(*m), IOAS_FP_ALLOC_SPACE);
	int ret = 0;

	if (!m)
		return -ENOMEM;
	if (data && data->length)
		ret = region_create(v, m, data);
	if (ret) {
		ioas_free(m, sizeof(*m));
		return ret;
	}
	v->ops = &ioas_mock_viommu_ops;
	v->driver = m;
	return 0;
}

static void viommu_destroy(struct ioas_viommu *v)
{
	struct mock_viommu *m = v->driver;

	/* Every queue is a user: none is left. */
	IOAS_CHECK(m->queue[0] || m->queue[1]);
	ioas_region_destroy(m->region);
	ioas_free(m, sizeof(*m));
}

static int viommu_nested_alloc(struct ioas_viommu *v, struct ioas_udevice *dev,
			       struct ioas_hwpt *hwpt, uint32_t flags,
			       const struct ioas_user_data *data)
{
	(void)v;
	(void)dev;
	return ioas_mock_nested_create(hwpt, flags, data);
}

/* ---- invalidation (5.4) ------------------------------------------------- */

typedef struct ioas_abi_viommu_invalidate_selftest entry_t;

static int entries_read(const struct ioas_invalidation *inv, entry_t *entries)
{
	for (uint32_t i = 0; i < inv->entry_num; i++) {
		uint64_t address;
		int ret = -EFAULT;

		if (!ioas_add_overflow(inv->address,
				       (uint64_t)i * inv->entry_len, &address))
			ret = ioas_copy_struct_from(&entries[i],
						    sizeof(entries[i]), address,
						    inv->entry_len);
		if (ret)
			return ret;
	}
	return 0;
}

static void cache_clear(struct ioas_mock_device *d, const entry_t *e)
{
	const bool all = e->flags & IOAS_ABI_TEST_INVALIDATE_FLAG_ALL;

	for (uint32_t i = 0; i < IOAS_ABI_MOCK_DEV_CACHE_NUM; i++)
		if (all || i == e->cache_id)
			atomic_store_explicit(&d->cache[i], 0,
					      memory_order_relaxed);
}

static int entry_do(struct ioas_viommu *v, const entry_t *e)
{
	struct ioas_mock_device *d = NULL;
	struct ioas_vdevice *vdev;

	if (e->flags & ~IOAS_ABI_TEST_INVALIDATE_FLAG_ALL)
		return -EOPNOTSUPP;
	if (e->cache_id > IOAS_ABI_MOCK_DEV_CACHE_ID_MAX)
		return -EINVAL;
	ioas_mutex_lock(&v->lock, IOAS_RANK_VIOMMU);
	vdev = ioas_viommu_find(v, e->vdev_id);
	if (vdev)
		d = ioas_mock_device_of(vdev->idev->dev);
	if (d)
		cache_clear(d, e);
	ioas_mutex_unlock(&v->lock);
	return d ? 0 : -EINVAL;
}

static int viommu_invalidate(struct ioas_viommu *v,
			     struct ioas_invalidation *inv)
{
	const size_t bytes = (size_t)inv->entry_num * sizeof(entry_t);
	entry_t *entries;
	int ret;

	inv->done = 0;
	if (inv->type != IOAS_ABI_VIOMMU_INVALIDATE_DATA_SELFTEST)
		return -EINVAL;
	if (!inv->entry_num)
		return 0;
	if (inv->entry_num > INVALIDATE_MAX)
		return -ENOMEM;
	entries = ioas_alloc(bytes, IOAS_FP_ALLOC_LIST);
	if (!entries)
		return -ENOMEM;
	ret = entries_read(inv, entries);
	while (!ret && inv->done < inv->entry_num) {
		ret = entry_do(v, &entries[inv->done]);
		inv->done += !ret;
	}
	ioas_free(entries, bytes);
	return ret;
}

/* ---- queues (5.8) ------------------------------------------------------- */

static int viommu_hw_queue_check(struct ioas_viommu *v, uint32_t type)
{
	(void)v;
	return type == IOAS_ABI_HW_QUEUE_TYPE_SELFTEST ? 0 : -EOPNOTSUPP;
}

/*
 * Does the parent's page table lead to the pinned memory? The pin keeps this
 * leaf, and the tables on the way to it, where they are.
 */
static bool queue_is_mapped(const struct ioas_hw_queue *q)
{
	struct ioas_domain *d = q->viommu->parent->domain;
	const uint8_t page_lg2 = q->obj.ictx->core.page_lg2;
	uint64_t addr, length;

	return !d->ops->translate_run(d, q->base_iova, q->base_iova, NULL,
				      &addr, &length) &&
	       addr == (q->frames.pfn << page_lg2) + q->offset;
}

static int queue_insert(struct mock_viommu *m, struct ioas_hw_queue *q)
	__must_hold(m->lock)
{
	ioas_assert_held(&m->lock);
	if (m->queue[q->index])
		return -EEXIST;
	if (q->index &&
	    (!m->queue[q->index - 1] ||
	     !ioas_hw_queue_tryget(m->queue[q->index - 1])))
		return -EIO;
	m->queue[q->index] = q;
	return 0;
}

static void queue_remove(struct mock_viommu *m, struct ioas_hw_queue *q)
{
	struct ioas_hw_queue *before = NULL;

	ioas_mutex_lock(&m->lock, IOAS_RANK_QUEUE);
	m->queue[q->index] = NULL;
	if (q->index)
		before = m->queue[q->index - 1];
	ioas_mutex_unlock(&m->lock);
	/* Still there, because we are its user. */
	if (before)
		ioas_object_put(&before->obj);
}

static int viommu_hw_queue_init(struct ioas_hw_queue *q)
{
	struct mock_viommu *m = q->viommu->driver;
	int ret;

	if (q->index >= IOAS_ABI_TEST_HW_QUEUE_MAX)
		return -EINVAL;
	ioas_mutex_lock(&m->lock, IOAS_RANK_QUEUE);
	ret = queue_insert(m, q);
	ioas_mutex_unlock(&m->lock);
	if (!ret && !queue_is_mapped(q)) {
		queue_remove(m, q);
		ret = -EFAULT;
	}
	return ret;
}

static void viommu_hw_queue_fini(struct ioas_hw_queue *q)
{
	queue_remove(q->viommu->driver, q);
}

const struct ioas_viommu_ops ioas_mock_viommu_ops = {
	.invalidate = viommu_invalidate,
	.nested_alloc = viommu_nested_alloc,
	.hw_queue_check = viommu_hw_queue_check,
	.hw_queue_init = viommu_hw_queue_init,
	.hw_queue_fini = viommu_hw_queue_fini,
	.destroy = viommu_destroy,
};
