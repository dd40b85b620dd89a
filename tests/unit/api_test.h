/* SPDX-License-Identifier: MIT */
/*
 * api fixture: a context, a space, a domain, and 64 pages of memory
 */
#ifndef TESTS_UNIT_API_TEST_H
#define TESTS_UNIT_API_TEST_H

#include <ioas/ioas.h>

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define NR 64u
#define SPAN ((uint64_t)PAGE * NR)
#define RW (IOAS_READ | IOAS_WRITE)

struct fixture {
	struct ioas_context *ctx;
	struct ioas_origin *memory;
	struct ioas *ioas;
	struct ioas_domain *domain;
	uint8_t *bytes;
};

static inline int setup(void **state)
{
	const struct ioas_context_options ctx = {
		.size = sizeof(ctx), .page_size = PAGE };
	const struct ioas_domain_options domain = {
		.size = sizeof(domain), .flags = IOAS_DOMAIN_DIRTY };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->bytes = aligned_alloc(PAGE, SPAN);
	assert_non_null(f->bytes);
	for (size_t i = 0; i < SPAN; i++)
		f->bytes[i] = (uint8_t)(i * 7 + i / PAGE);
	assert_int_equal(ioas_context_create(&ctx, &f->ctx), 0);
	assert_int_equal(ioas_origin_own(f->ctx, &f->memory), 0);
	assert_int_equal(ioas_create(f->ctx, &f->ioas), 0);
	assert_int_equal(ioas_domain_create(&domain, &f->domain), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	ioas_detach(f->ioas, f->domain);
	assert_int_equal(ioas_validate(f->ioas), 0);
	assert_int_equal(ioas_domain_destroy(f->domain), 0);
	assert_int_equal(ioas_destroy(f->ioas), 0);
	ioas_origin_destroy(f->memory);
	assert_int_equal(ioas_context_destroy(f->ctx), 0);
	free(f->bytes);
	free(f);
	return 0;
}

static inline uint64_t map_all(struct fixture *f, unsigned int flags)
{
	uint64_t iova = 0;

	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  SPAN, flags, &iova), 0);
	return iova;
}

static inline struct ioas_page_info page_info(struct ioas *ioas, uint64_t iova)
{
	struct ioas_page_info info = { .size = sizeof(info) };

	assert_int_equal(ioas_page_info(ioas, iova, &info), 0);
	return info;
}

static inline struct ioas_stats stats(struct ioas *ioas)
{
	struct ioas_stats st = { .size = sizeof(st) };

	assert_int_equal(ioas_stats(ioas, &st), 0);
	return st;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
