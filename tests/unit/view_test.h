/* SPDX-License-Identifier: MIT */
/*
 * view test: formats, and a domain with a view that is inside a section
 */
#ifndef TESTS_UNIT_VIEW_TEST_H
#define TESTS_UNIT_VIEW_TEST_H

#include "pt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "domain/table.h"
#include "domain/view.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define READ IOAS_PROT_READ
#define WRITE IOAS_PROT_WRITE
#define RW (READ | WRITE)

/* A page table as these tests want it: 4 KiB, and IOVAs of 39 bits at least. */
struct format {
	const char *name;
	unsigned int granule_lg2;
	struct ioas_pt_params pt;
	/* It cannot tell: what may be written may be read as well. */
	uint32_t implied_by_write;
};

static const struct format formats[] = {
	{ "mock", 0,
	  { .pgsizes = UINT64_C(0x40211000), .last = 512 * GIB - 1 }, 0 },
	{ "amdv1", 0, { .levels = 3, .flags = IOAS_PT_GROW }, 0 },
	{ "vtdss", 0, { .va_bits = 48 }, 0 },
	{ "x86_64", 0, { .va_bits = 47, .flags = IOAS_PT_DIRTY }, READ },
	{ "arm64_s1", 12,
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS },
	  READ },
	{ "arm64_s2", 12, { .va_bits = 40, .flags = IOAS_PT_DIRTY }, 0 },
	{ "riscv64", 0,
	  { .va_bits = 48, .flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS },
	  READ },
	{ "riscv64_x4", 0, { .va_bits = 41, .flags = IOAS_PT_DIRTY }, READ },
};

#define NR_FORMATS (sizeof(formats) / sizeof(formats[0]))

static inline struct ioas_domain *domain_new(const struct format *f)
{
	const struct ioas_table_options opts = {
		.format = ioas_pt_format_find(f->name, f->granule_lg2),
		.pt = f->pt,
		.dirty = true,
	};
	struct ioas_domain *d = NULL;

	assert_non_null(opts.format);
	assert_int_equal(ioas_table_domain_create(&opts, &d), 0);
	return d;
}

/* One run of pages of 4 KiB, so that leaves are as large as they can be. */
static inline int domain_map(struct ioas_domain *d, uint64_t iova,
			     uint64_t length, uint64_t addr, uint32_t prot)
{
	const struct ioas_run run = { addr >> 12, length >> 12 };
	const struct ioas_map_request rq = {
		.iova = iova, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = length, .prot = prot | IOAS_PROT_CACHE,
	};

	return d->ops->map(d, &rq);
}

static inline void domain_unmap(struct ioas_domain *d, uint64_t iova,
				uint64_t length)
{
	const struct ioas_unmap_request rq = {
		.iova = iova, .want_last = iova + length - 1,
		.last = iova + length - 1,
	};

	assert_true(d->ops->unmap(d, &rq) == rq.last);
	d->ops->sync(d);
}

/* 4K, 64K, 2M, 64M, 1G: entries of each class, smaller and larger than it. */
#define SIZES (UINT64_C(1) << 12 | UINT64_C(1) << 16 | UINT64_C(1) << 21 | \
	       UINT64_C(1) << 26 | UINT64_C(1) << 30 | UINT64_C(1) << 32)
#define LAST (512 * GIB - 1)

struct fix {
	struct ioas_domain *d;
	struct ioas_dview *v;
	unsigned int nr_faults;
	struct ioas_dview_fault fault;
};

static inline void note_fault(void *ctx, const struct ioas_dview_fault *fault)
{
	struct fix *f = ctx;

	f->nr_faults++;
	f->fault = *fault;
}

static inline int setup(void **state)
{
	const struct ioas_table_options opts = {
		.pt = { .pgsizes = SIZES, .first = MIB, .last = LAST },
		.dirty = true,
	};
	struct fix *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(ioas_table_domain_create(&opts, &f->d), 0);
	assert_int_equal(ioas_dview_create(f->d, note_fault, f, &f->v), 0);
	ioas_dview_enter(f->v);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fix *f = *state;

	ioas_dview_exit(f->v);
	ioas_dview_destroy(f->v);
	assert_true(ioas_table_domain_validate(f->d));
	f->d->ops->destroy(f->d);
	free(f);
	return 0;
}

/* The thread is inside: it has to leave, or it might wait for itself. */
static inline void map(struct fix *f, uint64_t iova, uint64_t length,
		       uint64_t addr, uint32_t prot)
{
	ioas_dview_exit(f->v);
	assert_int_equal(domain_map(f->d, iova, length, addr, prot), 0);
	ioas_dview_enter(f->v);
}

static inline void unmap(struct fix *f, uint64_t iova, uint64_t length)
{
	ioas_dview_exit(f->v);
	domain_unmap(f->d, iova, length);
	ioas_dview_enter(f->v);
}

/* One byte; IOAS_U64_MAX: not there. */
static inline uint64_t look(struct fix *f, uint64_t iova, uint32_t access)
{
	uint64_t addr, length;
	int ret = ioas_dview_translate(f->v, iova, iova, access, &addr,
				       &length);

	if (ret) {
		assert_int_equal(ret, -ENOENT);
		return IOAS_U64_MAX;
	}
	assert_int_equal(length, 1);
	return addr;
}

/* The same, and how many walks it takes. */
#define assert_look(f, iova, access, addr, walks)                      \
	do {                                                           \
		uint64_t before_ = ioas_dview_walks((f)->v);           \
		assert_int_equal(look(f, iova, access), addr);         \
		assert_int_equal(ioas_dview_walks((f)->v) - before_,   \
				 walks);                               \
	} while (0)

/* 4K 4K .. 2M .. 64K that go on in memory, then one page elsewhere. */
#define MIXED (4 * GIB - 16 * KIB)
#define MIXED_LENGTH (16 * KIB + 2 * MIB + 64 * KIB)

static inline void map_mixed(struct fix *f, uint32_t prot)
{
	map(f, MIXED, MIXED_LENGTH, 8 * GIB - 16 * KIB, prot);
	map(f, MIXED + MIXED_LENGTH, 4 * KIB, 0x3000, prot);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
