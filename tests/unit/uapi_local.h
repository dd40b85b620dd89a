/* SPDX-License-Identifier: MIT */
/*
 * uapi local: an iommufd of this very process, with its real memory
 *
 *   case   struct uapi_test   host of this process, one iommufd, its client
 *   memory                    whatever the case maps
 *
 * After each case every object is validated and everything is closed, and there
 * are as many blocks of memory, descriptors and shared mappings as before, and
 * no page that is pinned. Included after cmocka.h.
 */
#ifndef TESTS_UNIT_UAPI_LOCAL_H
#define TESTS_UNIT_UAPI_LOCAL_H

#include "core/account.h"
#include "host/local.h"
#include "memory_test.h"
#include "uclient.h"

/* Pages that a case may lock, if it does not say otherwise. */
#define LOCK_PAGES 4096u

struct uapi_test {
	struct ioas_local *l;
	struct uclient c;
};

#include "uapi_words.h"

/* ---- life ---------------------------------------------------------------- */

static inline void local_begin(struct uapi_test *t,
			       const struct ioas_local_options *opts)
{
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page_lg2 = (uint8_t)ioas_log2(page_size);
	mt.blocks = blocks_now();
	mt.fds = fds_now();
	mt.shared = shared_now();
	assert_int_equal(ioas_local_create(opts, &t->l), 0);
	t->c = (struct uclient){ .transport = &uc_local,
				 .ctx = t->l,
				 .fd = ioas_local_open(t->l, 0,
						       IOAS_FD_CLOEXEC) };
	assert_true(t->c.fd >= 0);
}

static inline void local_validate(struct uapi_test *t)
{
	ioas_list_for_each(e, &ioas_local_uapi(t->l)->contexts)
		assert_int_equal(ioas_iommufd_validate(ioas_list_entry(
					 e, struct ioas_iommufd, link)),
				 0);
}

static inline void local_end(struct uapi_test *t)
{
	const struct ioas_principal *p = ioas_local_principal(t->l, NULL);

	local_validate(t);
	for (int fd = 0; fd < 1024; fd++)
		(void)ioas_local_close(t->l, fd);
	assert_true(ioas_list_empty(&ioas_local_uapi(t->l)->contexts));
	assert_int_equal(ioas_local_pinned(t->l), 0);
	assert_int_equal(atomic_load(&p->user->charged), 0);
	assert_int_equal(atomic_load(&p->mm->charged), 0);
	assert_int_equal(atomic_load(&p->mm->pinned), 0);
	ioas_local_destroy(t->l);
	assert_int_equal(blocks_now(), mt.blocks);
	assert_int_equal(fds_now(), mt.fds);
	assert_int_equal(shared_now(), mt.shared);
}

/* The test interface, and a limit of its own; nothing that is asked for. */
static inline struct ioas_local_options local_options(void)
{
	return (struct ioas_local_options){
		.test_abi = true,
		.rights = { .lock_unlimited = IOAS_LOCAL_NO,
			    .resource = IOAS_LOCAL_NO,
			    .own_limit = true,
			    .lock_limit = (uint64_t)LOCK_PAGES *
					  (uint64_t)sysconf(_SC_PAGESIZE) },
	};
}

/*
 * One case. It begins in the test, not before it: cmocka takes the signals of
 * faults for each, which the host has to get back (host/guard.h).
 */
struct local_case {
	void (*test)(void **state);
	/* NULL: local_options(). */
	const struct ioas_local_options *opts;
	/* NULL: uc_local. */
	const struct uc_transport *transport;
};

static inline void local_run(void **state)
{
	const struct ioas_local_options usual = local_options();
	const struct local_case *c = *state;
	struct uapi_test t;
	void *arg = &t;

	local_begin(&t, c->opts ? c->opts : &usual);
	if (c->transport)
		t.c.transport = c->transport;
	c->test(&arg);
	local_end(&t);
}

#define local_case_with(f, options, over)          \
	{ #f, local_run, NULL, NULL,               \
	  &(struct local_case){ (f), (options), (over) } }
#define local_case(f) local_case_with(f, NULL, NULL)

/* ---- short words --------------------------------------------------------- */

static inline uint64_t va(const void *at)
{
	return (uintptr_t)at;
}

static inline int map_here(struct uapi_test *t, uint32_t ioas, const void *at,
			   size_t pages, uint32_t flags, uint64_t iova)
{
	return uc_map_fixed(&t->c, ioas, va(at), pages * page_size, flags,
			    iova);
}

static inline int map_file(struct uapi_test *t, uint32_t ioas, int fd,
			   size_t page, size_t pages, uint32_t flags,
			   uint64_t iova)
{
	struct ioas_abi_ioas_map_file s = { .flags = flags | UC_FIXED,
					    .ioas_id = ioas,
					    .fd = fd,
					    .start = page * page_size,
					    .length = pages * page_size,
					    .iova = iova };

	return uc_map_file(&t->c, &s);
}

/* Does the page table lead to what is behind @at now? */
static inline int leads_to(struct uapi_test *t, uint32_t hwpt, uint64_t iova,
			   const void *at, size_t pages)
{
	return uc_check_map(&t->c, hwpt, iova, pages * page_size, va(at));
}

static inline int refs_are(struct uapi_test *t, const void *at, size_t pages,
			   uint32_t refs)
{
	return uc_check_refs(&t->c, va(at), pages * page_size, refs);
}

/* ---- a guest ------------------------------------------------------------- */

/* A device, its VIOMMU with memory to share, and a nested table for it. */
struct guest {
	struct uc_mock m;
	uint32_t ioas, parent, viommu, vdevice, nested;
	struct ioas_abi_viommu_data_selftest data;
};

#define GUEST_VIRT_ID 42u
#define GUEST_IOTLB 0x77u

static inline struct guest guest_new(struct uapi_test *t)
{
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb =
								  GUEST_IOTLB };
	struct ioas_abi_viommu_alloc s = {
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
	};
	struct guest g = { .data.in_data = 0x1234 };

	g.ioas = ioas_new(t);
	g.m = mock_new(t, g.ioas);
	expect_ok(uc_hwpt(&t->c, g.m.idev, g.ioas,
			  IOAS_ABI_HWPT_ALLOC_NEST_PARENT, &g.parent));
	s.dev_id = g.m.idev;
	s.hwpt_id = g.parent;
	s.data_len = sizeof(g.data);
	expect_ok(uc_viommu_alloc(&t->c, &s, &g.data));
	g.viommu = s.out_viommu_id;
	expect_ok(uc_vdevice(&t->c, g.viommu, g.m.idev, GUEST_VIRT_ID,
			     &g.vdevice));
	expect_ok(uc_hwpt_mock(&t->c, g.m.idev, g.viommu, 0, &data, &g.nested));
	return g;
}

#endif
