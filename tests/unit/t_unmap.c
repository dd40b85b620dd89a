/* SPDX-License-Identifier: MIT */
/*
 * t_unmap: how long an unmap waits for clients (ioas-core 12.4, 13.7)
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/errno.h"
#include "core/access.h"
#include "origin/own.h"

#define PAGE ((uint64_t)4096)
#define FIRST (16 * PAGE)
#define SECOND (32 * PAGE)

/* A client that lets go of an area when it was told so many times. */
struct client {
	struct ioas_access *access;
	unsigned int patience;
	unsigned int told[2];
	bool held[2];
};

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct client *c = data;
	static const ioas_iova_t at[2] = { FIRST, SECOND };

	for (unsigned int i = 0; i < 2; i++) {
		if (at[i] < iova || at[i] - iova >= length)
			continue;
		c->told[i]++;
		if (!c->held[i] || c->told[i] < c->patience)
			continue;
		c->held[i] = false;
		ioas_access_unpin(c->access, at[i], PAGE);
	}
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

struct fixture {
	struct ioas_context ctx;
	struct ioas *ioas;
	struct ioas_origin *own;
	struct client client;
	char *memory;
};

static int setup(void **state)
{
	static struct fixture f;
	ioas_iova_t iova;

	f = (struct fixture){ 0 };
	f.memory = aligned_alloc(PAGE, 2 * PAGE);
	ioas_context_init(&f.ctx, 12, 21);
	assert_int_equal(ioas_iopt_create(&f.ctx, &f.ioas), 0);
	assert_int_equal(ioas_origin_own_create(12, &f.own), 0);
	for (unsigned int i = 0; i < 2; i++) {
		iova = i ? SECOND : FIRST;
		assert_int_equal(
			ioas_iopt_map(f.ioas, f.own,
				      (uintptr_t)f.memory + i * PAGE, PAGE,
				      IOAS_PROT_READ, IOAS_MAP_FIXED, &iova),
			0);
	}
	assert_int_equal(ioas_access_create(&f.ctx, &client_ops, &f.client,
					    IOAS_ACCESS_PINS,
					    &f.client.access),
			 0);
	assert_int_equal(ioas_access_attach(f.client.access, f.ioas), 0);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->client.patience = 0;
	assert_true(ioas_access_validate(f->client.access));
	assert_int_equal(ioas_access_detach(f->client.access), 0);
	assert_true(ioas_access_validate(f->client.access));
	ioas_access_destroy(f->client.access);
	assert_int_equal(ioas_iopt_destroy(f->ioas), 0);
	ioas_origin_put(f->own);
	ioas_context_fini(&f->ctx);
	free(f->memory);
	return 0;
}

static void pin(struct client *c, unsigned int i)
{
	assert_int_equal(ioas_access_pin(c->access, i ? SECOND : FIRST, PAGE, 0,
					 NULL),
			 0);
	c->held[i] = true;
}

static void a_client_is_told_once_and_a_hundred_times_again(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped;

	pin(&f->client, 0);
	f->client.patience = 101;
	assert_int_equal(ioas_iopt_unmap(f->ioas, FIRST, PAGE, &unmapped), 0);
	assert_int_equal(unmapped, PAGE);
	assert_int_equal(f->client.told[0], 101);
}

static void a_client_that_never_lets_go_is_edeadlk(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped;

	pin(&f->client, 0);
	f->client.patience = 1000;
	assert_int_equal(ioas_iopt_unmap(f->ioas, FIRST, PAGE, &unmapped),
			 -EDEADLK);
	assert_int_equal(unmapped, 0);
	assert_int_equal(f->client.told[0], 101);
	/* The area stays closed until an unmap succeeds. */
	assert_int_equal(ioas_access_pin(f->client.access, FIRST, PAGE, 0,
					 NULL),
			 -EINVAL);
	f->client.patience = 0;
	assert_int_equal(ioas_iopt_unmap(f->ioas, FIRST, PAGE, &unmapped), 0);
}

/* Mutant 19b: the count is per area, so sixty and sixty are not too many. */
static void every_area_has_its_own_hundred(void **state)
{
	struct fixture *f = *state;
	uint64_t unmapped;

	pin(&f->client, 0);
	pin(&f->client, 1);
	f->client.patience = 60;
	assert_int_equal(ioas_iopt_unmap(f->ioas, FIRST,
					 SECOND + PAGE - FIRST, &unmapped),
			 0);
	assert_int_equal(unmapped, 2 * PAGE);
	assert_int_equal(f->client.told[0], 60);
	assert_int_equal(f->client.told[1], 60);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_client_is_told_once_and_a_hundred_times_again),
		CASE(a_client_that_never_lets_go_is_edeadlk),
		CASE(every_area_has_its_own_hundred),
	};

	return cmocka_run_group_tests_name("unmap", tests, NULL, NULL);
}
