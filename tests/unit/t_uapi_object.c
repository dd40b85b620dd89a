/* SPDX-License-Identifier: MIT */
/* object: ids, users, tombstones (docs/reference/iommufd-uapi.md 4). */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/errno.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"
#include "uapi/iommufd.h"

/* An object that uses another, and tells when it went. */
struct thing {
	struct ioas_object obj;
	struct ioas_object *uses;
};

static _Atomic unsigned int nr_destroyed;
static _Atomic uint32_t last_destroyed;

static void thing_destroy(struct ioas_object *obj)
{
	struct thing *t = ioas_container_of(obj, struct thing, obj);

	atomic_fetch_add(&nr_destroyed, 1);
	atomic_store(&last_destroyed, obj->id);
	ioas_object_put(t->uses);
}

static const struct ioas_object_class thing_class = {
	.type = IOAS_OBJECT_IOAS,
	.size = sizeof(struct thing),
	.destroy = thing_destroy,
};

static const struct ioas_object_class owned_class = {
	.type = IOAS_OBJECT_DEVICE,
	.size = sizeof(struct thing),
	.owned = true,
	.destroy = thing_destroy,
};

static const struct ioas_object_class light_class = {
	.type = IOAS_OBJECT_SELFTEST,
	.size = sizeof(struct thing),
	.light = true,
	.destroy = thing_destroy,
};

static int setup(void **state)
{
	struct ioas_iommufd *ictx = calloc(1, sizeof(*ictx));

	assert_non_null(ictx);
	ioas_objects_init(&ictx->objects);
	nr_destroyed = 0;
	*state = ictx;
	return 0;
}

static int teardown(void **state)
{
	struct ioas_iommufd *ictx = *state;

	assert_int_equal(ioas_objects_validate(&ictx->objects), 0);
	ioas_objects_destroy_all(ictx);
	ioas_objects_fini(&ictx->objects);
	free(ictx);
	return 0;
}

static struct ioas_object *reserve(struct ioas_iommufd *ictx)
{
	struct ioas_object *obj;

	assert_int_equal(ioas_object_alloc(ictx, &thing_class, &obj), 0);
	return obj;
}

static struct ioas_object *create(struct ioas_iommufd *ictx)
{
	struct ioas_object *obj = reserve(ictx);

	ioas_object_publish(obj);
	return obj;
}

static struct ioas_object *create_user_of(struct ioas_iommufd *ictx,
					  struct ioas_object *used)
{
	struct ioas_object *obj = create(ictx);

	ioas_object_hold(used);
	ioas_container_of(obj, struct thing, obj)->uses = used;
	return obj;
}

static void ids_are_the_lowest_that_are_free(void **state)
{
	struct ioas_iommufd *ictx = *state;

	for (uint32_t id = 1; id <= 5000; id++)
		assert_int_equal(create(ictx)->id, id);
	assert_int_equal(ioas_object_destroy_id(ictx, 4711), 0);
	assert_int_equal(ioas_object_destroy_id(ictx, 64), 0);
	assert_int_equal(ioas_object_destroy_id(ictx, 1), 0);
	assert_int_equal(create(ictx)->id, 1);
	assert_int_equal(create(ictx)->id, 64);
	assert_int_equal(create(ictx)->id, 4711);
	assert_int_equal(create(ictx)->id, 5001);
}

static void zero_is_nobodys_id(void **state)
{
	struct ioas_iommufd *ictx = *state;

	assert_null(ioas_object_get(ictx, 0, IOAS_OBJECT_ANY));
	assert_int_equal(ioas_object_destroy_id(ictx, 0), -ENOENT);
	create(ictx);
	assert_null(ioas_object_get(ictx, 0, IOAS_OBJECT_ANY));
	assert_int_equal(ioas_object_destroy_id(ictx, 0), -ENOENT);
}

static void ids_that_were_never_given_out_find_nothing(void **state)
{
	static const uint32_t ids[] = { 2, 63, 64, 4096, 0x7fffffff,
					0x80000000, 0xffffffff };
	struct ioas_iommufd *ictx = *state;

	create(ictx);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(ids); i++) {
		assert_null(ioas_object_get(ictx, ids[i], IOAS_OBJECT_ANY));
		assert_int_equal(ioas_object_destroy_id(ictx, ids[i]),
				 -ENOENT);
	}
}

static void a_reserved_id_shows_nothing_until_published(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = reserve(ictx);

	assert_true(ioas_objects_any(ictx));
	assert_null(ioas_object_get(ictx, obj->id, IOAS_OBJECT_ANY));
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), -ENOENT);
	assert_int_not_equal(create(ictx)->id, obj->id);
	ioas_object_publish(obj);
	assert_ptr_equal(ioas_object_get(ictx, obj->id, IOAS_OBJECT_IOAS), obj);
	ioas_object_put(obj);
}

static void an_aborted_id_is_free_again(void **state)
{
	struct ioas_iommufd *ictx = *state;

	ioas_object_abort(reserve(ictx));
	assert_int_equal(nr_destroyed, 1);
	assert_false(ioas_objects_any(ictx));
	assert_int_equal(create(ictx)->id, 1);
}

static void a_lookup_asks_for_the_type(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create(ictx);

	assert_null(ioas_object_get(ictx, obj->id, IOAS_OBJECT_FAULT));
	assert_non_null(ioas_object_get(ictx, obj->id, IOAS_OBJECT_ANY));
	ioas_object_put(obj);
}

static void no_id_is_left_is_ebusy(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj;

	ictx->objects.max = 100;
	for (int i = 0; i < 100; i++)
		create(ictx);
	assert_int_equal(ioas_object_alloc(ictx, &thing_class, &obj), -EBUSY);
	assert_int_equal(ioas_object_destroy_id(ictx, 50), 0);
	assert_int_equal(create(ictx)->id, 50);
}

static void an_object_with_users_is_busy(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create(ictx);

	assert_true(ioas_object_tryget(obj));
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), -EBUSY);
	ioas_object_put(obj);
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), 0);
	assert_int_equal(nr_destroyed, 1);
}

static void what_has_an_owner_is_always_busy(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj;

	assert_int_equal(ioas_object_alloc(ictx, &owned_class, &obj), 0);
	ioas_object_publish(obj);
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), -EBUSY);
	ioas_object_remove(obj);
	assert_int_equal(nr_destroyed, 1);
	assert_int_equal(create(ictx)->id, 1);
}

static void the_last_user_can_take_the_object_along(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create(ictx);

	ioas_object_hold(obj);
	ioas_object_hold(obj);
	assert_false(ioas_object_put_destroy(obj));
	assert_int_equal(nr_destroyed, 0);
	assert_true(ioas_object_put_destroy(obj));
	assert_int_equal(nr_destroyed, 1);
	assert_false(ioas_objects_any(ictx));
}

static void a_tombstone_is_never_given_out_again(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create(ictx);
	const uint32_t id = obj->id;

	assert_true(ioas_object_claim(obj));
	assert_false(ioas_object_claim(obj));
	ioas_object_finish(obj);
	assert_int_equal(nr_destroyed, 1);
	assert_null(ioas_object_get(ictx, id, IOAS_OBJECT_ANY));
	assert_int_equal(ioas_object_destroy_id(ictx, id), -ENOENT);
	assert_true(ioas_objects_any(ictx));
	for (int i = 0; i < 200; i++)
		assert_int_not_equal(create(ictx)->id, id);
}

static void *drop_later(void *obj)
{
	usleep(2000);
	ioas_object_put(obj);
	return NULL;
}

static void the_owners_destroy_waits_for_users(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj;
	pthread_t thread;

	assert_int_equal(ioas_object_alloc(ictx, &owned_class, &obj), 0);
	ioas_object_publish(obj);
	ioas_object_hold(obj);
	assert_int_equal(pthread_create(&thread, NULL, drop_later, obj), 0);
	ioas_object_remove(obj);
	assert_int_equal(nr_destroyed, 1);
	pthread_join(thread, NULL);
}

static void everything_goes_dependents_first(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *a, *b, *hole = create(ictx);

	/* The dependent one has the lower id: c uses b uses a. */
	b = create(ictx);
	a = create(ictx);
	ioas_object_hold(a);
	ioas_container_of(b, struct thing, obj)->uses = a;
	assert_int_equal(ioas_object_destroy_id(ictx, hole->id), 0);
	create_user_of(ictx, b);
	nr_destroyed = 0;
	ioas_objects_destroy_all(ictx);
	assert_int_equal(nr_destroyed, 3);
	assert_int_equal(last_destroyed, 3);
	assert_false(ioas_objects_any(ictx));
}

static void a_walk_finds_each_visible_object_in_order(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj;
	uint32_t id = 0, n = 0;

	for (int i = 0; i < 300; i++)
		create(ictx);
	for (uint32_t i = 2; i <= 300; i += 3)
		assert_int_equal(ioas_object_destroy_id(ictx, i), 0);
	ioas_object_abort(reserve(ictx));
	while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_ANY))) {
		assert_true(obj->id > id);
		assert_int_not_equal(obj->id % 3, 2);
		id = obj->id;
		n++;
		ioas_object_put(obj);
	}
	assert_int_equal(n, 200);
	assert_null(ioas_object_next(ictx, 0, IOAS_OBJECT_FAULT));
}

/* Each point of an allocation fails once; nothing stays taken. */
static void a_failed_allocation_leaves_no_trace(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_fault fault = { 0 };
	struct ioas_caller caller = { .fault = &fault };
	struct ioas_caller *old;
	uint64_t n = 0;

	for (int i = 0; i < 63; i++)
		create(ictx);
	do {
		struct ioas_object *obj = NULL;
		int ret;

		fault.nth = ++n;
		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = ioas_object_alloc(ictx, &thing_class, &obj);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		assert_int_equal(ret, fault.nth ? 0 : -ENOMEM);
		assert_int_equal(ictx->objects.nr, fault.nth ? 64 : 63);
		assert_int_equal(ioas_objects_validate(&ictx->objects), 0);
		if (!ret)
			ioas_object_abort(obj);
	} while (!fault.nth);
	assert_true(n > 3);
}

static struct ioas_object *create_light(struct ioas_iommufd *ictx)
{
	struct ioas_object *obj;

	assert_int_equal(ioas_object_alloc(ictx, &light_class, &obj), 0);
	ioas_object_publish(obj);
	return obj;
}

static void what_a_thread_uses_is_busy_and_stays(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create_light(ictx);
	struct ioas_object_use use;
	const uint32_t id = obj->id;

	assert_ptr_equal(ioas_object_use(&use, ictx, id, IOAS_OBJECT_SELFTEST),
			 obj);
	assert_non_null(use.thread);
	assert_int_equal(atomic_load(&obj->users), 0);
	assert_int_equal(ioas_object_destroy_id(ictx, id), -EBUSY);
	/* It is where it was. */
	assert_ptr_equal(ioas_object_get(ictx, id, IOAS_OBJECT_SELFTEST), obj);
	assert_false(ioas_object_put_destroy(obj));
	ioas_object_unuse(&use);
	assert_int_equal(ioas_object_destroy_id(ictx, id), 0);
	assert_int_equal(nr_destroyed, 1);
}

static void a_use_within_a_use_counts(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *a = create_light(ictx), *b = create_light(ictx);
	struct ioas_object_use first, second;

	assert_non_null(ioas_object_use(&first, ictx, a->id, IOAS_OBJECT_ANY));
	assert_non_null(ioas_object_use(&second, ictx, b->id,
					IOAS_OBJECT_ANY));
	assert_non_null(first.thread);
	assert_null(second.thread);
	assert_int_equal(ioas_object_destroy_id(ictx, a->id), -EBUSY);
	assert_int_equal(ioas_object_destroy_id(ictx, b->id), -EBUSY);
	ioas_object_unuse(&second);
	ioas_object_unuse(&first);
}

static void a_use_finds_what_a_lookup_finds(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *light = create_light(ictx), *other = create(ictx);
	struct ioas_object *hidden = reserve(ictx);
	struct ioas_object_use use;

	assert_null(ioas_object_use(&use, ictx, 0, IOAS_OBJECT_ANY));
	assert_null(ioas_object_use(&use, ictx, 77, IOAS_OBJECT_ANY));
	assert_null(ioas_object_use(&use, ictx, UINT32_MAX, IOAS_OBJECT_ANY));
	assert_null(ioas_object_use(&use, ictx, hidden->id, IOAS_OBJECT_ANY));
	assert_null(ioas_object_use(&use, ictx, light->id, IOAS_OBJECT_IOAS));
	/* Of a class that is not light. */
	assert_ptr_equal(ioas_object_use(&use, ictx, other->id,
					 IOAS_OBJECT_IOAS),
			 other);
	assert_null(use.thread);
	ioas_object_unuse(&use);
	/* None of them left a hazard behind. */
	assert_int_equal(ioas_object_destroy_id(ictx, light->id), 0);
	ioas_object_abort(hidden);
}

static void *use_once(void *arg)
{
	struct ioas_iommufd *ictx = arg;
	struct ioas_object_use use;

	if (ioas_object_use(&use, ictx, 1, IOAS_OBJECT_ANY))
		ioas_object_unuse(&use);
	return NULL;
}

static void threads_come_and_go_with_their_hazards(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create_light(ictx);

	for (int i = 0; i < 50; i++) {
		pthread_t thread[3];

		for (int t = 0; t < 3; t++)
			assert_int_equal(pthread_create(&thread[t], NULL,
							use_once, ictx), 0);
		for (int t = 0; t < 3; t++)
			pthread_join(thread[t], NULL);
	}
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), 0);
}

/* Of a thread of another context, which is about to notice its mistake. */
static void a_stray_hazard_keeps_no_context(void **state)
{
	struct ioas_iommufd *ictx = *state;
	struct ioas_object *obj = create_light(ictx);
	struct ioas_thread *t = ioas_plat_thread();

	assert_true(t->hazards || ioas_plat_hazard_join());
	atomic_store(&t->hazard, obj);
	assert_int_equal(ioas_object_destroy_id(ictx, obj->id), -EBUSY);
	ioas_objects_destroy_all(ictx);
	atomic_store(&t->hazard, NULL);
	assert_int_equal(nr_destroyed, 1);
	assert_false(ioas_objects_any(ictx));
}

struct hammer {
	struct ioas_iommufd *ictx;
	const struct ioas_object_class *class;
	unsigned int seed;
};

/* Create, use, destroy; whatever another thread's ids are, too. */
static void *hammer(void *arg)
{
	struct hammer *h = arg;

	for (int i = 0; i < 3000; i++) {
		uint32_t id = 1 + (uint32_t)rand_r(&h->seed) % 8;
		struct ioas_object *obj;

		struct ioas_object_use use;

		switch (rand_r(&h->seed) % 4) {
		case 0:
			if (!ioas_object_alloc(h->ictx, h->class, &obj))
				ioas_object_publish(obj);
			break;
		case 1:
			obj = ioas_object_get(h->ictx, id, IOAS_OBJECT_ANY);
			/* While it is ours it has that id. */
			if (obj && obj->id != id)
				abort();
			ioas_object_put(obj);
			break;
		case 2:
			obj = ioas_object_use(&use, h->ictx, id,
					      IOAS_OBJECT_ANY);
			if (!obj)
				break;
			if (obj->id != id)
				abort();
			ioas_object_unuse(&use);
			break;
		case 3:
			ioas_object_destroy_id(h->ictx, id);
			break;
		}
	}
	return NULL;
}

static void threads_may_race_for_ids(void **state)
{
	struct hammer h[4];
	pthread_t thread[4];

	for (unsigned int i = 0; i < 4; i++) {
		h[i] = (struct hammer){
			*state, i < 2 ? &light_class : &thing_class, i
		};
		assert_int_equal(pthread_create(&thread[i], NULL, hammer,
						&h[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ids_are_the_lowest_that_are_free),
		TEST(zero_is_nobodys_id),
		TEST(ids_that_were_never_given_out_find_nothing),
		TEST(a_reserved_id_shows_nothing_until_published),
		TEST(an_aborted_id_is_free_again),
		TEST(a_lookup_asks_for_the_type),
		TEST(no_id_is_left_is_ebusy),
		TEST(an_object_with_users_is_busy),
		TEST(what_has_an_owner_is_always_busy),
		TEST(the_last_user_can_take_the_object_along),
		TEST(a_tombstone_is_never_given_out_again),
		TEST(the_owners_destroy_waits_for_users),
		TEST(everything_goes_dependents_first),
		TEST(a_walk_finds_each_visible_object_in_order),
		TEST(a_failed_allocation_leaves_no_trace),
		TEST(what_a_thread_uses_is_busy_and_stays),
		TEST(a_use_within_a_use_counts),
		TEST(a_use_finds_what_a_lookup_finds),
		TEST(threads_come_and_go_with_their_hazards),
		TEST(a_stray_hazard_keeps_no_context),
		TEST(threads_may_race_for_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
