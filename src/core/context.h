/* SPDX-License-Identifier: MIT */
/*
 * context: what the spaces of one open instance have in common
 *
 * Page size, accounting policy, and the list of spaces for the operations that
 * concern all of them. Locks: create_lock guards the list and the policy; it
 * is held shared by a copy between its two halves and exclusive by a change
 * of process (ioas-core 12.13).
 */
#ifndef IOAS_CORE_CONTEXT_H
#define IOAS_CORE_CONTEXT_H

#include "base/list.h"
#include "seam/lock.h"

/* Sizes that tests turn down to 1; 0 means the default. */
struct ioas_tuning {
	/* Runs in a batch for filling, in a batch for draining. */
	uint32_t fill_runs;
	uint32_t drain_runs;
	/* Runs and pages in the reader's read-ahead window. */
	uint32_t window_runs;
	uint64_t window_pages;
	/* Read and write by the slow path only (ioas-core 13.5). */
	bool slow_copy;
};

struct ioas_context {
	uint8_t page_lg2;
	/* Size up to which a chosen IOVA is aligned; page_lg2 if none. */
	uint8_t huge_lg2;
	/*
	 * Charge processes rather than users. Changes under create_lock, and
	 * only while there is no space: who maps needs no lock to read it.
	 */
	bool account_mm;
	struct ioas_tuning tuning;
	struct ioas_rwlock create_lock;
	/* struct ioas, in order of creation. Guarded by create_lock. */
	struct ioas_list spaces;
};

/* In place; @page_lg2 is 3 or more, @huge_lg2 not less than it. */
void ioas_context_init(struct ioas_context *ctx, uint8_t page_lg2,
		       uint8_t huge_lg2);
/* Every space must be gone (checked). */
void ioas_context_fini(struct ioas_context *ctx);

/*
 * Charge processes (@mm) or users from now on. Return: 0, -EPERM (caller lacks
 * the capability), -EBUSY (there are spaces).
 */
int ioas_context_set_policy(struct ioas_context *ctx, bool mm);

/*
 * Charge every pages object of the context to the current caller, which took
 * it over from another process (ioas-core 12.13). All or nothing.
 *
 * Return: 0, -EINVAL (an area whose memory is not a file's), -ENOMEM (limit
 * or memory).
 */
int ioas_context_change_process(struct ioas_context *ctx);

/* Checks every space and pages object; number of violations reported. */
unsigned int ioas_context_validate(struct ioas_context *ctx);

static inline uint64_t ioas_page_size(const struct ioas_context *ctx)
{
	return (uint64_t)1 << ctx->page_lg2;
}

#endif
