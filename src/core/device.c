/* SPDX-License-Identifier: MIT */
/*
 * device: pages objects over memory that its exporter may take back
 *
 *   exporter's lock -> revoke() -> pages lock -> every pair is unmapped
 *
 * Every fill registers its (area, domain) pairs before it maps, every drain
 * unregisters them, so that a revocation at any time finds all of them. A
 * revoked object stays empty: filling maps nothing, draining unmaps nothing,
 * pairs still come and go (ioas-core 16).
 */
#include "core/transfer.h"

#include "base/errno.h"
#include "seam/fault.h"

static struct ioas_device_pair *pair_of(struct ioas_itree_node *n)
{
	return ioas_container_of(n, struct ioas_device_pair, node);
}

static void device_revoke(void *data)
{
	struct ioas_pages *pages = data;
	struct ioas_device *dev;

	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	dev = pages->device;
	if (!dev->revoked) {
		struct ioas_itree_node *n =
			ioas_itree_first(&dev->pairs, 0, IOAS_U64_MAX);

		for (; n; n = ioas_itree_next(n, 0, IOAS_U64_MAX)) {
			const struct ioas_device_pair *p = pair_of(n);

			ioas_assert_held(&p->area->pages->mutex);
			ioas_area_unmap(p->area, p->domain, p->area->index,
					ioas_area_last_index(p->area));
			p->domain->ops->sync(p->domain);
		}
		dev->revoked = true;
	}
	ioas_mutex_unlock(&pages->mutex);
}

/*
 * The slice exists, and is one run that can be counted. Under the pages lock
 * the memory cannot be gone before we are told: what is gone must not be asked.
 */
static int device_probe(struct ioas_pages *pages) __must_hold(pages->mutex)
{
	struct ioas_run run;
	struct ioas_pin_request rq = {
		.first = pages->base,
		.nr = pages->nr_pages,
		.write = pages->writable,
		.runs = &run,
		.max_runs = 1,
	};
	int ret;

	ioas_assert_held(&pages->mutex);
	if (pages->device->revoked)
		return -ENODEV;
	ret = pages->origin->ops->pin(pages->origin, &rq);
	if (ret)
		return ret;
	return rq.nr_pinned == pages->nr_pages ? 0 : -EINVAL;
}

int ioas_device_open(struct ioas_pages *pages)
{
	struct ioas_origin *o = pages->origin;
	int ret;

	pages->device = ioas_zalloc(sizeof(*pages->device),
				    IOAS_FP_ALLOC_PAGES);
	if (!pages->device)
		return -ENOMEM;
	ret = o->ops->watch(o, device_revoke, pages);
	if (!ret) {
		ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
		ret = device_probe(pages);
		ioas_mutex_unlock(&pages->mutex);
		if (ret)
			o->ops->watch(o, NULL, pages);
	}
	if (ret) {
		ioas_free(pages->device, sizeof(*pages->device));
		pages->device = NULL;
	}
	return ret;
}

void ioas_device_close(struct ioas_pages *pages)
{
	/* Waits for a revocation that is running. */
	IOAS_CHECK(pages->origin->ops->watch(pages->origin, NULL, pages));
	IOAS_CHECK(pages->device->pairs.root);
	ioas_free(pages->device, sizeof(*pages->device));
}

static struct ioas_device_pair *device_find(const struct ioas_pages *pages,
					    const struct ioas_area *area,
					    const struct ioas_domain *domain)
{
	const uint64_t key = (uintptr_t)area;
	struct ioas_itree_node *n =
		ioas_itree_first(&pages->device->pairs, key, key);

	while (n && pair_of(n)->domain != domain)
		n = ioas_itree_next(n, key, key);
	return n ? pair_of(n) : NULL;
}

int ioas_device_register(struct ioas_pages *pages, struct ioas_area *area,
			 struct ioas_domain *domain)
{
	struct ioas_device_pair *p;

	ioas_assert_held(&pages->mutex);
	IOAS_DCHECK(device_find(pages, area, domain));
	p = ioas_alloc(sizeof(*p), IOAS_FP_DEVICE);
	if (!p)
		return -ENOMEM;
	p->node.first = (uintptr_t)area;
	p->node.last = (uintptr_t)area;
	p->area = area;
	p->domain = domain;
	ioas_itree_insert(&pages->device->pairs, &p->node);
	return 0;
}

void ioas_device_unregister(struct ioas_pages *pages, struct ioas_area *area,
			    struct ioas_domain *domain)
{
	struct ioas_device_pair *p;

	ioas_assert_held(&pages->mutex);
	p = device_find(pages, area, domain);
	if (IOAS_CHECK(!p))
		return;
	ioas_itree_remove(&pages->device->pairs, &p->node);
	ioas_free(p, sizeof(*p));
}
