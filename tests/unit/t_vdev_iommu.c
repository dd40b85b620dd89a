/* SPDX-License-Identifier: MIT */
/*
 * kinds of IOMMU behind functions: each maps, refuses and tracks the same
 */
#include "domain/view.h"
#include "vdev_fixture.h"

#define DIRTY IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING
#define TOP ((UINT64_C(1) << 48) - PAGE)

/* The function of @state behind kind @i, bound and with tables that track. */
static uint32_t behind(struct vdev_test *t, unsigned int i, uint32_t *space)
{
	uint32_t hwpt, pt;

	t->fns[0].v.dev.iommu = ioas_vdev_iommu_at(i);
	*space = ioas_new(&t->u);
	expect_ok(uc_hwpt(&t->u.c, vbound(t), *space, DIRTY, &hwpt));
	pt = hwpt;
	expect_ok(vattach(t, t->fd, &pt));
	return hwpt;
}

static void maps(struct vdev_test *t, unsigned int i)
{
	uint64_t addr, length;
	struct ioas_dview *v;
	uint32_t space;

	behind(t, i, &space);
	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_R, IOVA));
	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_RW, TOP));
	expect_errno(uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_R,
				  TOP + PAGE),
		     -EINVAL);
	expect_errno(uc_map_fixed(&t->u.c, space, VA_RUN, PAGE, UC_R,
				  ioas_vdev_reserved[0].first),
		     -EINVAL);
	expect_ok(ioas_dview_create(t->fns[0].domain, NULL, NULL, &v));
	ioas_dview_enter(v);
	expect_ok(ioas_dview_translate(v, TOP, TOP + PAGE - 1, IOAS_PROT_WRITE,
				       &addr, &length));
	assert_int_equal(length, PAGE);
	expect_errno(ioas_dview_translate(v, IOVA, IOVA, IOAS_PROT_WRITE, &addr,
					  &length),
		     -EACCES);
	expect_errno(ioas_dview_translate(v, IOVA + PAGE, IOVA + PAGE,
					  IOAS_PROT_READ, &addr, &length),
		     -ENOENT);
	ioas_dview_exit(v);
	ioas_dview_destroy(v);
}

static void tracks(struct vdev_test *t, unsigned int i)
{
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.iova = IOVA,
		.length = 4 * PAGE,
		.page_size = PAGE,
	};
	const struct ioas_udevice *dev = &t->fns[0].v.dev;
	uint64_t addr, length, bits = 0;
	struct ioas_dview *v;
	uint32_t space;

	s.hwpt_id = behind(t, i, &space);
	assert_true(dev->iommu->capabilities(dev) &
		    IOAS_ABI_HW_CAP_DIRTY_TRACKING);
	expect_ok(uc_map_fixed(&t->u.c, space, VA_RUN, 4 * PAGE, UC_RW, IOVA));
	expect_ok(uc_dirty_set(&t->u.c, s.hwpt_id,
			       IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	/* What is mapped begins as dirty in some of them. */
	expect_ok(uc_dirty_get(&t->u.c, &s, &bits));
	bits = 0;
	expect_ok(ioas_dview_create(t->fns[0].domain, NULL, NULL, &v));
	ioas_dview_enter(v);
	expect_ok(ioas_dview_translate(v, IOVA + 2 * PAGE, IOVA + 2 * PAGE,
				       IOAS_PROT_WRITE, &addr, &length));
	ioas_dview_exit(v);
	expect_ok(uc_dirty_get(&t->u.c, &s, &bits));
	assert_int_equal(bits, 4);
	ioas_dview_destroy(v);
}

/* With a function, a context and tables of its own for each kind. */
static void for_each_kind(void **state,
			  void (*fn)(struct vdev_test *t, unsigned int i))
{
	for (unsigned int i = 0; ioas_vdev_iommu_at(i); i++) {
		fn(*state, i);
		vdev_teardown(state);
		vdev_setup(state);
	}
}

static void every_kind_maps_48_bits(void **state)
{
	for_each_kind(state, maps);
}

static void every_kind_tracks_dirty_pages(void **state)
{
	for_each_kind(state, tracks);
}

static void kinds_are_found_by_name(void **state)
{
	static const char *const names[] = { "vtdss", "x86_64", "amdv1",
					     "riscv64" };
	unsigned int i;

	(void)state;
	for (i = 0; i < IOAS_ARRAY_SIZE(names); i++) {
		assert_ptr_equal(ioas_vdev_iommu_find(names[i]),
				 ioas_vdev_iommu_at(i));
		assert_string_equal(ioas_vdev_iommu_at(i)->name, names[i]);
	}
	assert_null(ioas_vdev_iommu_at(i));
	assert_ptr_equal(ioas_vdev_iommu_find("vtdss"), &ioas_vdev_iommu);
	assert_null(ioas_vdev_iommu_find(""));
	assert_null(ioas_vdev_iommu_find("vtd"));
	assert_null(ioas_vdev_iommu_find("vtdss2"));
	assert_null(ioas_vdev_iommu_find("mock"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vdev_case(every_kind_maps_48_bits),
		vdev_case(every_kind_tracks_dirty_pages),
		cmocka_unit_test(kinds_are_found_by_name),
	};

	return cmocka_run_group_tests_name("functions: kinds of IOMMU", tests,
					   NULL, NULL);
}
