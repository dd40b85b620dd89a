/* SPDX-License-Identifier: MIT */
/* region: offsets, and who may map them (docs/reference/iommufd-uapi.md 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/errno.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"
#include "uapi/iommufd.h"

#define PAGE 4096u

/* ---- neighbours --------------------------------------------------------- */

/* A host whose memory is of malloc. */
struct fake_host {
	struct ioas_host host;
	/* Called before memory is made or destroyed, if set. */
	void (*between)(void);
	struct ioas_ufile *file;
	uint64_t offset;
	unsigned int nr_shm;
	bool no_memory;
};

static int shm_create(struct ioas_host *h, struct ioas_ufile *file,
		      uint64_t offset, uint64_t length, struct ioas_shm *out)
{
	struct fake_host *f = ioas_container_of(h, struct fake_host, host);

	f->file = file;
	f->offset = offset;
	if (f->between)
		f->between();
	if (f->no_memory)
		return -ENOMEM;
	/* Enormous ones are only asked for, not touched. */
	out->memory = calloc(1, length > 64 * PAGE ? 1 : length);
	assert_non_null(out->memory);
	out->length = length;
	out->fd = -1;
	f->nr_shm++;
	return 0;
}

static void shm_destroy(struct ioas_host *h, struct ioas_shm *shm)
{
	struct fake_host *f = ioas_container_of(h, struct fake_host, host);

	if (f->between)
		f->between();
	free(shm->memory);
	f->nr_shm--;
}

static const struct ioas_host_ops host_ops = {
	.shm_create = shm_create,
	.shm_destroy = shm_destroy,
};

/* The context is the fixture's: a put destroys nothing. */
struct ioas_iommufd *ioas_iommufd_get(struct ioas_iommufd *ictx)
{
	atomic_fetch_add(&ictx->refs, 1);
	return ictx;
}

void ioas_iommufd_put(struct ioas_iommufd *ictx)
{
	atomic_fetch_sub(&ictx->refs, 1);
}

/* ---- fixture ------------------------------------------------------------ */

/* An object with room for regions. */
#define NR_REGIONS 8u

struct owner {
	struct ioas_object obj;
	struct ioas_region *region[NR_REGIONS];
};

struct world {
	struct fake_host host;
	struct ioas_uapi uapi;
	struct ioas_iommufd ictx;
	/* Published. */
	struct owner *owner;
};

static void owner_destroy(struct ioas_object *obj)
{
	struct owner *o = ioas_container_of(obj, struct owner, obj);

	for (unsigned int i = 0; i < NR_REGIONS; i++)
		ioas_region_destroy(o->region[i]);
}

static const struct ioas_object_class owner_class = {
	.type = IOAS_OBJECT_VIOMMU,
	.size = sizeof(struct owner),
	.destroy = owner_destroy,
};

static struct owner *owner_create(struct world *w)
{
	struct ioas_object *obj;

	assert_int_equal(ioas_object_alloc(&w->ictx, &owner_class, &obj), 0);
	return ioas_container_of(obj, struct owner, obj);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->host.host.ops = &host_ops;
	w->host.host.page_lg2 = 12;
	w->host.host.huge_lg2 = 21;
	w->uapi.host = &w->host.host;
	w->uapi.mmap_base = PAGE;
	w->ictx.uapi = &w->uapi;
	w->ictx.refs = 1;
	ioas_context_init(&w->ictx.core, 12, 21);
	ioas_objects_init(&w->ictx.objects);
	ioas_regions_init(&w->ictx.regions);
	w->owner = owner_create(w);
	ioas_object_publish(&w->owner->obj);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	ioas_objects_destroy_all(&w->ictx);
	assert_int_equal(w->host.nr_shm, 0);
	assert_int_equal(w->ictx.refs, 1);
	ioas_regions_fini(&w->ictx.regions);
	ioas_objects_fini(&w->ictx.objects);
	ioas_context_fini(&w->ictx.core);
	free(w);
	return 0;
}

/* Region @i of @o, of @pages pages. Its offset in pages. */
static uint64_t create(struct owner *o, unsigned int i, uint64_t pages)
{
	assert_int_equal(ioas_region_create(&o->obj, pages * PAGE,
					    &o->region[i]), 0);
	assert_int_equal(o->region[i]->shm.length, pages * PAGE);
	assert_int_equal(o->region[i]->offset % PAGE, 0);
	return o->region[i]->offset / PAGE;
}

static void drop(struct owner *o, unsigned int i)
{
	ioas_region_destroy(o->region[i]);
	o->region[i] = NULL;
}

static int map(struct world *w, struct ioas_mmap_request rq)
{
	struct ioas_region *region = NULL;
	int ret = ioas_region_map(&w->ictx, &rq, &region);

	if (!ret) {
		assert_non_null(region);
		ioas_region_unmap(region);
	} else {
		assert_null(region);
	}
	return ret;
}

/* ---- offsets ------------------------------------------------------------ */

static void offsets_are_the_lowest_that_fit(void **state)
{
	struct world *w = *state;
	struct owner *o = w->owner;

	assert_int_equal(create(o, 0, 2), 1);
	assert_int_equal(create(o, 1, 1), 3);
	assert_int_equal(create(o, 2, 3), 4);
	assert_int_equal(create(o, 3, 1), 7);
	drop(o, 0);
	drop(o, 2);
	/* Holes: [1, 2] and [4, 6]. */
	assert_int_equal(create(o, 0, 3), 4);
	assert_int_equal(create(o, 2, 1), 1);
	assert_int_equal(create(o, 4, 1), 2);
	assert_int_equal(create(o, 5, 1), 8);
}

static void offsets_begin_where_the_instance_says(void **state)
{
	static const struct {
		uint64_t base, first;
	} rows[] = {
		{ 0, 1 }, { 1, 1 }, { PAGE + 1, 2 }, { 16 * PAGE, 16 },
		{ UINT64_C(1) << 40, UINT64_C(1) << 28 },
	};
	struct world *w = *state;

	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		w->uapi.mmap_base = rows[i].base;
		assert_int_equal(create(w->owner, 0, 1), rows[i].first);
		drop(w->owner, 0);
	}
}

static void no_hole_is_enospc(void **state)
{
	const uint64_t end = (uint64_t)INT64_MAX / PAGE + 1;
	struct world *w = *state;
	struct owner *o = w->owner;
	struct ioas_region *none = NULL;

	w->uapi.mmap_base = (end - 4) * PAGE;
	assert_int_equal(create(o, 0, 2), end - 4);
	assert_int_equal(ioas_region_create(&o->obj, 3 * PAGE, &none),
			 -ENOSPC);
	assert_int_equal(create(o, 1, 2), end - 2);
	assert_int_equal(ioas_region_create(&o->obj, PAGE, &none), -ENOSPC);
	/* A sum that wraps. */
	assert_int_equal(ioas_region_create(&o->obj, 0 - (uint64_t)PAGE,
					    &none), -ENOSPC);
	assert_null(none);
	assert_int_equal(w->host.nr_shm, 2);
}

static void a_failed_creation_leaves_no_trace(void **state)
{
	struct world *w = *state;
	struct ioas_region *none = NULL;
	struct ioas_fault fault = { 0 };
	struct ioas_caller caller = { .fault = &fault };
	struct ioas_caller *old;
	uint64_t n = 0;
	int ret;

	w->host.no_memory = true;
	assert_int_equal(ioas_region_create(&w->owner->obj, PAGE, &none),
			 -ENOMEM);
	w->host.no_memory = false;
	do {
		fault.nth = ++n;
		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = ioas_region_create(&w->owner->obj, PAGE, &none);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		assert_int_equal(ret, fault.nth ? 0 : -ENOMEM);
		assert_int_equal(w->host.nr_shm, fault.nth ? 1 : 0);
	} while (!fault.nth);
	assert_int_equal(n, 3);
	assert_int_equal(none->offset, PAGE);
	ioas_region_destroy(none);
	assert_true(ioas_list_empty(&w->ictx.regions.list));
}

/* ---- memory of a range -------------------------------------------------- */

/* For hooks, which have no argument. */
static struct world *the_world;
static unsigned int nr_between;

static void the_host_learns_file_and_offset(void **state)
{
	struct world *w = *state;
	struct ioas_ufile file = { 0 };

	w->ictx.file = &file;
	create(w->owner, 0, 2);
	assert_ptr_equal(w->host.file, &file);
	assert_int_equal(w->host.offset, PAGE);
	create(w->owner, 1, 1);
	assert_int_equal(w->host.offset, 3 * PAGE);
	w->ictx.file = NULL;
}

/* The range is taken, but there is nothing to map: the owner is published. */
static void between(void)
{
	struct world *w = the_world;
	struct ioas_mmap_request rq = { PAGE, PAGE, true, false };

	w->host.between = NULL;
	assert_int_equal(map(w, rq), -ENXIO);
	rq.length = 2 * PAGE;
	assert_int_equal(map(w, rq), -ENXIO);
	assert_int_equal(create(w->owner, 7, 1), 3);
	drop(w->owner, 7);
	nr_between++;
}

static void a_range_without_memory_is_taken_and_invisible(void **state)
{
	struct world *w = *state;

	the_world = w;
	nr_between = 0;
	w->host.between = between;
	assert_int_equal(create(w->owner, 0, 2), 1);
	w->host.between = between;
	drop(w->owner, 0);
	assert_int_equal(nr_between, 2);
	assert_true(ioas_list_empty(&w->ictx.regions.list));
}

/* ---- mappings ----------------------------------------------------------- */

static void a_request_is_checked_in_order(void **state)
{
	static const struct {
		struct ioas_mmap_request rq;
		int ret;
	} rows[] = {
		/* Offset, length, shared, exec. */
		{ { 0, 0, false, true }, -EINVAL },
		{ { PAGE, 0, true, false }, -EINVAL },
		{ { PAGE, UINT64_MAX, true, false }, -EINVAL },
		{ { PAGE, 2 * PAGE, false, true }, -EINVAL },
		{ { PAGE, 2 * PAGE, false, false }, -EINVAL },
		{ { 0, PAGE, true, true }, -EPERM },
		{ { PAGE, 2 * PAGE, true, true }, -EPERM },
		{ { 0, 2 * PAGE, true, false }, -ENXIO },
		{ { 0, PAGE, true, false }, -ENXIO },
		{ { 2 * PAGE, PAGE, true, false }, -ENXIO },
		{ { PAGE, PAGE, true, false }, -ENXIO },
		{ { PAGE, 3 * PAGE, true, false }, -ENXIO },
		{ { PAGE + 1, 2 * PAGE, true, false }, -ENXIO },
		{ { 3 * PAGE, 2 * PAGE, true, false }, -ENXIO },
		{ { PAGE, 2 * PAGE, true, false }, 0 },
		/* It rounds up. */
		{ { PAGE, PAGE + 1, true, false }, 0 },
		{ { PAGE, 2 * PAGE - 1, true, false }, 0 },
	};
	struct world *w = *state;

	create(w->owner, 0, 2);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(rows); i++)
		assert_int_equal(map(w, rows[i].rq), rows[i].ret);
}

static void mappings_keep_owner_and_context(void **state)
{
	struct ioas_mmap_request rq = { PAGE, PAGE, true, false };
	struct world *w = *state;
	const uint32_t id = w->owner->obj.id;
	struct ioas_region *region = NULL;

	create(w->owner, 0, 1);
	assert_int_equal(ioas_region_map(&w->ictx, &rq, &region), 0);
	assert_ptr_equal(region, w->owner->region[0]);
	assert_int_equal(w->ictx.refs, 2);
	ioas_region_dup(region);
	assert_int_equal(w->ictx.refs, 3);
	ioas_region_unmap(region);
	assert_int_equal(ioas_object_destroy_id(&w->ictx, id), -EBUSY);
	ioas_region_unmap(region);
	assert_int_equal(w->ictx.refs, 1);
	assert_int_equal(ioas_object_destroy_id(&w->ictx, id), 0);
	assert_int_equal(w->host.nr_shm, 0);
	assert_int_equal(map(w, rq), -ENXIO);
}

/* Its creation may still fail, and counts on being alone then. */
static void an_owner_that_is_not_published_shows_nothing(void **state)
{
	struct world *w = *state;
	struct owner *o = owner_create(w);
	struct ioas_mmap_request rq = { PAGE, PAGE, true, false };

	assert_int_equal(create(o, 0, 1), 1);
	assert_int_equal(map(w, rq), -ENXIO);
	assert_int_equal(o->obj.users, 0);
	ioas_object_publish(&o->obj);
	assert_int_equal(map(w, rq), 0);
}

/* As in the middle of a destroy: the id is free, and taken by another. */
static void the_id_of_a_dying_owner_helps_nobody(void **state)
{
	struct world *w = *state;
	struct owner *o = owner_create(w);
	struct ioas_mmap_request rq = { PAGE, PAGE, true, false };
	const uint32_t id = o->obj.id;

	assert_int_equal(create(o, 0, 1), 1);
	o->obj.id = w->owner->obj.id;
	assert_int_equal(map(w, rq), -ENXIO);
	assert_int_equal(w->owner->obj.users, 0);
	assert_int_equal(o->obj.users, 0);
	o->obj.id = id;
	ioas_object_abort(&o->obj);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offsets_are_the_lowest_that_fit),
		TEST(offsets_begin_where_the_instance_says),
		TEST(no_hole_is_enospc),
		TEST(a_failed_creation_leaves_no_trace),
		TEST(the_host_learns_file_and_offset),
		TEST(a_range_without_memory_is_taken_and_invisible),
		TEST(a_request_is_checked_in_order),
		TEST(mappings_keep_owner_and_context),
		TEST(an_owner_that_is_not_published_shows_nothing),
		TEST(the_id_of_a_dying_owner_helps_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
