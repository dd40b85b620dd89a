/* SPDX-License-Identifier: MIT */
/*
 * uapi words: what tests of the front end say, over whatever transport
 *
 * Included by a fixture (uapi_fixture.h, uapi_local.h), which has defined struct
 * uapi_test with the client of an iommufd:
 *
 *	struct uapi_test {
 *		struct uclient c;
 *		...
 *	};
 */
#ifndef TESTS_UNIT_UAPI_WORDS_H
#define TESTS_UNIT_UAPI_WORDS_H

#include <errno.h>
#include <string.h>

/* Where a fixed mapping finds room, with a mock domain or without. */
#define IOVA 0x2000000u
/* The id of nothing. */
#define NO_ID 0x7abcdef0u
#define U64 UINT64_MAX

/* Flags of an HWPT. */
#define NEST IOAS_ABI_HWPT_ALLOC_NEST_PARENT
#define DIRTY IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING
#define FAULT IOAS_ABI_HWPT_FAULT_ID_VALID
#define PASID IOAS_ABI_HWPT_ALLOC_PASID

/* ---- expectations -------------------------------------------------------- */

static inline const char *errno_text(long long ret)
{
	return ret < 0 && ret > -4096 ? strerror((int)-ret) : "a result";
}

static inline void expect_at(long long got, long long want, const char *call,
			     const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s:%d: %s\n\tgot %lld (%s), want %lld (%s)\n", file, line,
		    call, got, errno_text(got), want, errno_text(want));
	_fail(file, line);
}

#define expect_ret(call, want) \
	expect_at((call), (want), #call, __FILE__, __LINE__)
#define expect_errno(call, want) expect_ret(call, want)
#define expect_ok(call) expect_ret(call, 0)

/* ---- short words -------------------------------------------------------- */

static inline uint32_t ioas_new(struct uapi_test *t)
{
	uint32_t id = 0;

	expect_ok(uc_ioas_alloc(&t->c, &id));
	return id;
}

/* A space that is aligned to pages, without a domain. */
static inline uint32_t ioas_new_aligned(struct uapi_test *t)
{
	uint32_t id = ioas_new(t);

	expect_ok(uc_huge_pages(&t->c, id, 0));
	return id;
}

static inline struct uc_mock mock_new(struct uapi_test *t, uint32_t pt)
{
	struct uc_mock m = { 0, 0, 0 };

	expect_ok(uc_mock_domain(&t->c, pt, &m));
	return m;
}

static inline int access_new(struct uapi_test *t, uint32_t ioas)
{
	int fd = -1;

	expect_ok(uc_access_create(
		&t->c, ioas, IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
		&fd));
	return fd;
}

static inline uint64_t alignment_of(struct uapi_test *t, uint32_t ioas)
{
	struct ioas_abi_iova_range r[16];
	uint64_t alignment = 0;
	uint32_t nr = 16;

	expect_ok(uc_ranges(&t->c, ioas, r, &nr, &alignment));
	return alignment;
}

#endif
