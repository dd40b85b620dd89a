/* SPDX-License-Identifier: MIT */
/*
 * t_pin: pins and unpins that do not belong together (ioas-core 13.3), counts
 * at their end, and a linked set that is not sound
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/errno.h"
#include "core/access.h"
#include "domain/flat.h"
#include "origin/own.h"

#include "breach_test.h"

#define PAGE ((uint64_t)4096)
#define PAGES 4
#define FIRST (16 * PAGE)
#define COPY (32 * PAGE)

struct fixture {
	struct ioas_context ctx;
	struct ioas *ioas;
	struct ioas_origin *own;
	/* One with a callback, which is never called, and one without. */
	struct ioas_access *client;
	struct ioas_access *internal;
	char *memory;
};

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	(void)data;
	(void)iova;
	(void)length;
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

static int setup(void **state)
{
	static struct fixture f;
	ioas_iova_t iova = FIRST;

	f = (struct fixture){ 0 };
	nr_breaches = 0;
	breaches_expected = false;
	f.memory = aligned_alloc(PAGE, PAGES * PAGE);
	ioas_context_init(&f.ctx, 12, 21);
	assert_int_equal(ioas_iopt_create(&f.ctx, &f.ioas), 0);
	assert_int_equal(ioas_origin_own_create(12, &f.own), 0);
	assert_int_equal(ioas_iopt_map(f.ioas, f.own, (uintptr_t)f.memory,
				       PAGES * PAGE, IOAS_PROT_READ,
				       IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(ioas_access_create(&f.ctx, &client_ops, NULL,
					    IOAS_ACCESS_PINS, &f.client),
			 0);
	assert_int_equal(ioas_access_create(&f.ctx, NULL, NULL,
					    IOAS_ACCESS_PINS |
						    IOAS_ACCESS_INTERNAL,
					    &f.internal),
			 0);
	assert_int_equal(ioas_access_attach(f.client, f.ioas), 0);
	assert_int_equal(ioas_access_attach(f.internal, f.ioas), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ioas_access_destroy(f->internal);
	ioas_access_destroy(f->client);
	assert_int_equal(ioas_iopt_validate(f->ioas), 0);
	assert_int_equal(ioas_iopt_destroy(f->ioas), 0);
	ioas_origin_put(f->own);
	ioas_context_fini(&f->ctx);
	free(f->memory);
	return 0;
}

static struct ioas_area *area_of(struct fixture *f)
{
	return ioas_rangemap_find(&f->ioas->areas, FIRST);
}

static int pin(struct ioas_access *access, uint64_t nr)
{
	return ioas_access_pin(access, FIRST, nr * PAGE, 0, NULL);
}

static void unpin(struct ioas_access *access, uint64_t nr)
{
	ioas_access_unpin(access, FIRST, nr * PAGE);
}

/* It is reported, and both counts of the area are as before. */
static void wrong_unpin(struct fixture *f, struct ioas_access *access,
			uint64_t nr)
{
	const struct ioas_area *a = area_of(f);
	const uint32_t accesses = a->nr_accesses, locks = a->nr_locks;

	nr_breaches = 0;
	breaches_expected = true;
	unpin(access, nr);
	breaches_expected = false;
	assert_int_equal(nr_breaches, 1);
	assert_int_equal(a->nr_accesses, accesses);
	assert_int_equal(a->nr_locks, locks);
	assert_int_equal(ioas_context_validate(&f->ctx), 0);
}

static void an_unpin_of_another_range_is_ignored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pin(f->client, 2), 0);
	wrong_unpin(f, f->client, 1);
	wrong_unpin(f, f->client, 3);
	unpin(f->client, 2);
	wrong_unpin(f, f->client, 2);
}

static void an_unpin_by_another_kind_of_client_is_ignored(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pin(f->client, 2), 0);
	wrong_unpin(f, f->internal, 2);
	unpin(f->client, 2);
	assert_int_equal(pin(f->internal, 2), 0);
	wrong_unpin(f, f->client, 2);
	unpin(f->internal, 2);
	assert_int_equal(area_of(f)->nr_locks, 0);
}

/* Four thousand million pins: what follows would count as none. */
static void a_pin_that_cannot_be_counted_is_enomem(void **state)
{
	struct fixture *f = *state;
	struct ioas_area *a = area_of(f);
	struct ioas_record *rec;

	assert_int_equal(pin(f->client, 2), 0);
	a->nr_accesses = UINT32_MAX;
	assert_int_equal(pin(f->client, 2), -ENOMEM);
	assert_int_equal(pin(f->client, 1), -ENOMEM);
	a->nr_accesses = 1;
	rec = ioas_container_of(a->pages->access->records.root,
				struct ioas_record, node);
	rec->users = UINT32_MAX;
	assert_int_equal(pin(f->client, 2), -ENOMEM);
	rec->users = 1;
	assert_int_equal(a->nr_accesses, 1);
	unpin(f->client, 2);
}

/* What the validator says of a space that is not sound. */
static unsigned int violations(struct fixture *f)
{
	unsigned int nr;

	breaches_expected = true;
	nr = ioas_iopt_validate(f->ioas);
	breaches_expected = false;
	return nr;
}

static void a_linked_set_that_lies_is_noticed(void **state)
{
	struct fixture *f = *state;
	const struct ioas_flat_options opts = { .pgsizes = PAGE,
						.last = UINT64_MAX };
	struct ioas_domain *d;
	struct ioas_linked *many;
	ioas_iova_t iova = COPY;
	struct ioas_pages *pages = area_of(f)->pages;

	assert_int_equal(ioas_flat_domain_create(&opts, &d), 0);
	assert_int_equal(ioas_iopt_attach(f->ioas, d), 0);
	assert_int_equal(ioas_iopt_copy(f->ioas, f->ioas, FIRST, PAGE,
					IOAS_PROT_READ, IOAS_MAP_FIXED, &iova),
			 0);
	assert_int_equal(violations(f), 0);
	many = (struct ioas_linked *)(pages->linked - 1);
	many->nr++;
	assert_int_not_equal(violations(f), 0);
	many->nr--;
	many->set.nr_members++;
	assert_int_not_equal(violations(f), 0);
	many->set.nr_members--;
	/* A tree that is not sound is not asked: the query would not end well. */
	area_of(f)->link->node.last--;
	assert_int_not_equal(violations(f), 0);
	area_of(f)->link->node.last++;
	ioas_iopt_detach(f->ioas, d);
	d->ops->destroy(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_unpin_of_another_range_is_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(
			an_unpin_by_another_kind_of_client_is_ignored, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_pin_that_cannot_be_counted_is_enomem, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_linked_set_that_lies_is_noticed, setup, teardown),
	};

	return cmocka_run_group_tests_name("pin", tests, NULL, NULL);
}
