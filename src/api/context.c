/* SPDX-License-Identifier: MIT */
/*
 * context: the surroundings of spaces that share pages
 *
 *   context -- page size, list of spaces       (core)
 *           -- frame space: output address to pointer
 *           -- principal: one user, one process, the lock limit
 */
#include "api/api.h"

#include <unistd.h>

#include "base/errno.h"
#include "core/account.h"
#include "origin/own.h"

#define HUGE_SIZE_DEFAULT ((uint64_t)2 << 20)

const char *ioas_version(void)
{
	return IOAS_VERSION;
}

/* Fill in defaults; false if a size makes no sense. */
static bool context_sizes(struct ioas_context_options *o)
{
	if (!o->page_size)
		o->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	if (!o->huge_size)
		o->huge_size = ioas_max(HUGE_SIZE_DEFAULT, o->page_size);
	if (!o->lock_limit)
		o->lock_limit = IOAS_U64_MAX;
	return ioas_is_pow2(o->page_size) && ioas_is_pow2(o->huge_size) &&
	       o->page_size >> IOAS_FRAMES_PAGE_LG2_MIN &&
	       o->page_size >> IOAS_FRAMES_PAGE_LG2_MAX <= 1 &&
	       o->huge_size >= o->page_size;
}

static struct ioas_principal *principal_create(uint64_t limit)
{
	struct ioas_user *user = ioas_user_create();
	struct ioas_mm *mm = ioas_mm_create();
	struct ioas_principal *p = NULL;

	if (user && mm)
		p = ioas_principal_create(user, mm, limit);
	ioas_user_put(user);
	ioas_mm_put(mm);
	return p;
}

int ioas_context_create(const struct ioas_context_options *opts,
			struct ioas_context **ctx)
{
	struct ioas_context_options o;
	struct ioas_api_context *api;
	uint8_t page_lg2;
	int ret;

	ret = ioas_api_options(&o, sizeof(o), opts);
	if (ret)
		return ret;
	if (!context_sizes(&o))
		return -EINVAL;
	page_lg2 = (uint8_t)ioas_log2(o.page_size);
	api = ioas_zalloc(sizeof(*api), IOAS_FP_ALLOC_SPACE);
	if (!api)
		return -ENOMEM;
	ret = ioas_frames_init(&api->frames, page_lg2);
	if (ret)
		goto err_free;
	ret = -ENOMEM;
	api->principal = principal_create(o.lock_limit >> page_lg2);
	if (!api->principal)
		goto err_frames;
	ioas_context_init(&api->core, page_lg2,
			  (uint8_t)ioas_log2(o.huge_size));
	*ctx = &api->core;
	return 0;

err_frames:
	ioas_frames_fini(&api->frames);
err_free:
	ioas_free(api, sizeof(*api));
	return ret;
}

int ioas_context_destroy(struct ioas_context *ctx)
{
	struct ioas_api_context *api;

	if (!ctx)
		return 0;
	api = ioas_api_context(ctx);
	if (atomic_load(&api->users))
		return -EBUSY;
	ioas_context_fini(ctx);
	ioas_principal_put(api->principal);
	ioas_frames_fini(&api->frames);
	ioas_free(api, sizeof(*api));
	return 0;
}

int ioas_pointer(struct ioas_context *ctx, uint64_t address, void **p,
		 uint64_t *length)
{
	const struct ioas_frames *fs = &ioas_api_context(ctx)->frames;
	uint64_t offset = address & (ioas_page_size(ctx) - 1);
	uint64_t nr;
	char *base;

	base = ioas_frames_run(fs, address >> fs->page_lg2, &nr);
	if (!base)
		return -EFAULT;
	*p = base + offset;
	if (length)
		*length = (nr << fs->page_lg2) - offset;
	return 0;
}

int ioas_origin_own(struct ioas_context *ctx, struct ioas_origin **origin)
{
	return ioas_origin_own_create(ctx->page_lg2, origin);
}

void ioas_origin_destroy(struct ioas_origin *origin)
{
	ioas_origin_put(origin);
}
