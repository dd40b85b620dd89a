/* SPDX-License-Identifier: MIT */
/*
 * uapi kinds: devices and kinds of IOMMU that are not the mock's, below the
 * iommufd of uapi_fixture.h
 *
 *   device   a struct ioas_udevice that remembers what it was told
 *   kinds    iommu_one, iommu_two: their page tables do not fit each other
 *
 * What binds and attaches is no request here, but a call of the device's owner.
 * There is one world at a time, and every word is about it.
 */
#ifndef TESTS_UNIT_UAPI_KINDS_H
#define TESTS_UNIT_UAPI_KINDS_H

#include "uapi_fixture.h"

#include "domain/flat.h"
#include "plat/common/fault_arm.h"
#include "uapi/device.h"
#include "uapi/hwpt.h"

#define MAX_PASIDS 8
#define MAX_DEVICES 4

struct device {
	struct ioas_udevice dev;
	struct ioas_idev *idev;
	struct ioas_iova_range reserved;
	/* What is attached at a PASID; PASIDs of the tests are small. */
	struct ioas_hwpt *at[MAX_PASIDS];
	/* What an attach says instead of working, once, after @skip more. */
	int refuse;
	unsigned int skip;
	/* Answers to page requests, by code. */
	unsigned int answers[2];
};

struct world {
	struct uapi_test t;
	struct ioas_iommufd *ictx;
	struct ioas_fault fault;
	struct device devices[MAX_DEVICES];
	struct ioas_igroup *group;
};

static struct world w;

/* ---- devices ------------------------------------------------------------ */

static inline struct device *device_of(struct ioas_udevice *dev)
{
	return ioas_container_of(dev, struct device, dev);
}

static inline int device_attach(struct ioas_udevice *dev, uint32_t pasid,
				struct ioas_hwpt *to, struct ioas_hwpt *from)
{
	struct device *d = device_of(dev);
	const int ret = d->skip ? 0 : d->refuse;

	if (d->skip)
		d->skip--;
	else
		d->refuse = 0;
	if (ret)
		return ret;
	assert_true(d->at[pasid] == from || !d->at[pasid]);
	d->at[pasid] = to;
	return 0;
}

static inline void device_detach(struct ioas_udevice *dev, uint32_t pasid,
				 struct ioas_hwpt *from)
{
	struct device *d = device_of(dev);

	/* NULL: it is blocked since it could not go back. */
	assert_true(d->at[pasid] == from || !d->at[pasid]);
	d->at[pasid] = NULL;
}

static inline void device_answer(struct ioas_udevice *dev, uint32_t pasid,
				 uint32_t grpid, uint32_t code)
{
	(void)pasid;
	(void)grpid;
	device_of(dev)->answers[code]++;
}

static const struct ioas_udevice_ops device_ops = {
	.name = "test",
	.attach = device_attach,
	.detach = device_detach,
	.page_response = device_answer,
};

static inline int iommu_domain_alloc(struct ioas_udevice *dev, uint32_t flags,
				     const struct ioas_user_data *data,
				     struct ioas_domain **out)
{
	const struct ioas_flat_options opts = {
		.pgsizes = PAGE | PAGE << 9,
		.last = UINT64_MAX,
		.dirty = flags & IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING,
	};

	(void)dev;
	return data->length ? -EOPNOTSUPP :
			      ioas_flat_domain_create(&opts, out);
}

static inline uint64_t iommu_capabilities(const struct ioas_udevice *dev)
{
	(void)dev;
	return IOAS_ABI_HW_CAP_DIRTY_TRACKING;
}

static inline int nested_invalidate(struct ioas_hwpt *hwpt,
				    struct ioas_invalidation *inv)
{
	(void)hwpt;
	/* The third entry is a bad one. */
	inv->done = inv->entry_num < 2 ? inv->entry_num : 2;
	return inv->done < inv->entry_num ? -EINVAL : 0;
}

static inline void nested_destroy(struct ioas_hwpt *hwpt)
{
	assert_non_null(hwpt->parent);
}

static const struct ioas_nested_ops nested_ops = {
	.invalidate = nested_invalidate,
	.destroy = nested_destroy,
};

static inline int iommu_nested_alloc(struct ioas_udevice *dev,
				     struct ioas_hwpt *hwpt, uint32_t flags,
				     const struct ioas_user_data *data)
{
	(void)dev;
	(void)flags;
	if (data->type != 7)
		return -EOPNOTSUPP;
	hwpt->nested_ops = &nested_ops;
	return 0;
}

static const struct ioas_iommu_ops iommu_one = {
	.name = "one",
	.user_pasid_table = true,
	.capabilities = iommu_capabilities,
	.domain_alloc = iommu_domain_alloc,
	.nested_alloc = iommu_nested_alloc,
};

static const struct ioas_iommu_ops iommu_two = {
	.name = "two",
	.domain_alloc = iommu_domain_alloc,
	.plain = true,
};

/* Device @n, of the world's group and the first kind. */
static inline struct device *device_init(unsigned int n)
{
	struct device *d = &w.devices[n];

	*d = (struct device){
		.dev = {
			.ops = &device_ops,
			.iommu = &iommu_one,
			.iommu_instance = &iommu_one,
			.group = w.group,
			.reserved = &d->reserved,
			.pasid_bits = 3,
			.coherent = true,
		},
	};
	return d;
}

static inline struct device *device_bind(unsigned int n)
{
	struct device *d = device_init(n);

	assert_int_equal(ioas_idev_bind(w.ictx, &d->dev, IOAS_BIND_WEAK,
					&d->idev), 0);
	return d;
}

/* A group of its own; dropped when the device is unbound. */
static inline struct device *device_bind_alone(unsigned int n)
{
	struct device *d = device_init(n);

	d->dev.group = ioas_igroup_create();
	assert_non_null(d->dev.group);
	assert_int_equal(ioas_idev_bind(w.ictx, &d->dev, IOAS_BIND_WEAK,
					&d->idev), 0);
	ioas_igroup_put(d->dev.group);
	return d;
}

static inline void device_unbind(struct device *d)
{
	ioas_idev_unbind(d->idev);
	assert_null(d->dev.idev);
	d->idev = NULL;
	for (unsigned int i = 0; i < MAX_PASIDS; i++)
		assert_null(d->at[i]);
}

static inline void device_reserve(struct device *d, uint64_t first,
				  uint64_t last)
{
	d->reserved = (struct ioas_iova_range){ first, last };
	d->dev.nr_reserved = 1;
}

static inline int attach(struct device *d, uint32_t pasid, uint32_t pt_id)
{
	return ioas_idev_attach(d->idev, pasid, &pt_id);
}

static inline int replace(struct device *d, uint32_t pasid, uint32_t pt_id)
{
	return ioas_idev_replace(d->idev, pasid, &pt_id);
}

/* Id of the HWPT at @pasid; 0: none. */
static inline uint32_t hwpt_at(struct device *d, uint32_t pasid)
{
	struct ioas_hwpt *h = ioas_idev_hwpt(d->idev, pasid);
	uint32_t id = 0;

	assert_ptr_equal(h, d->at[pasid]);
	if (h) {
		id = h->obj.id;
		ioas_object_put(&h->obj);
	}
	return id;
}

/* ---- requests ----------------------------------------------------------- */

/* Fills in the size. */
#define command(cmd, s) uc_do(&w.t.c, (cmd), (s))

static inline uint32_t space_new(void)
{
	return ioas_new(&w.t);
}

static inline int destroy(uint32_t id)
{
	return uc_destroy(&w.t.c, id);
}

/* One page of the process to @iova. */
static inline int map(uint32_t space, uint64_t va, uint64_t iova)
{
	return uc_map_fixed(&w.t.c, space, va, PAGE, UC_RW, iova);
}

static inline int unmap_all(uint32_t space)
{
	return uc_unmap_all(&w.t.c, space, NULL);
}

static inline struct ioas_abi_hwpt_alloc
hwpt_request(const struct device *d, uint32_t pt_id, uint32_t flags)
{
	return (struct ioas_abi_hwpt_alloc){
		.flags = flags,
		.dev_id = d->idev->obj.id,
		.pt_id = pt_id,
	};
}

static inline uint32_t hwpt_new(const struct device *d, uint32_t pt_id,
				uint32_t flags)
{
	uint32_t id = 0;

	expect_ok(uc_hwpt(&w.t.c, d->idev->obj.id, pt_id, flags, &id));
	return id;
}

/* A nested one; @fault 0: none. */
static inline uint32_t nested_new(const struct device *d, uint32_t parent,
				  uint32_t flags, uint32_t fault)
{
	static const uint32_t data;
	struct ioas_abi_hwpt_alloc s = hwpt_request(d, parent, flags);

	s.data_type = 7;
	s.data_len = sizeof(data);
	if (fault)
		s.flags |= IOAS_ABI_HWPT_FAULT_ID_VALID;
	s.fault_id = fault;
	expect_ok(uc_hwpt_alloc(&w.t.c, &s, &data));
	return s.out_hwpt_id;
}

/* Objects that are visible in the context. */
static inline unsigned int objects(void)
{
	struct ioas_object *obj;
	unsigned int nr = 0;
	uint32_t id = 0;

	while ((obj = ioas_object_next(w.ictx, id, IOAS_OBJECT_ANY))) {
		id = obj->id;
		ioas_object_put(obj);
		nr++;
	}
	return nr;
}

/* ---- life --------------------------------------------------------------- */

static inline int kinds_setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	uapi_begin(&w.t, NULL);
	w.ictx = sim_context(w.t.h, w.t.c.fd);
	w.group = ioas_igroup_create();
	assert_non_null(w.group);
	return 0;
}

static inline int kinds_teardown(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < MAX_DEVICES; i++)
		if (w.devices[i].idev)
			device_unbind(&w.devices[i]);
	ioas_igroup_put(w.group);
	uapi_end(&w.t);
	return 0;
}

#define kinds_case(f) \
	cmocka_unit_test_setup_teardown(f, kinds_setup, kinds_teardown)

/* The groups are sound, and so is everything below. */
static inline void world_check(void)
{
	for (unsigned int i = 0; i < MAX_DEVICES; i++)
		if (w.devices[i].idev)
			assert_int_equal(ioas_igroup_validate(
						 w.devices[i].dev.group), 0);
	uapi_validate(&w.t);
}

/* The @nth point from now on fails. */
static inline void fault_begin(uint64_t nth)
{
	w.fault = (struct ioas_fault){ .nth = nth };
	ioas_fault_arm(&w.fault);
	simhost_task(w.t.h)->caller.fault = &w.fault;
}

/* Did it? */
static inline bool fault_end(void)
{
	simhost_task(w.t.h)->caller.fault = NULL;
	ioas_fault_disarm();
	return !w.fault.nth;
}

#endif
