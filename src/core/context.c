/* SPDX-License-Identifier: MIT */
/*
 * context: policy, and the change of process (ioas-core 12.13)
 */
#include "core/context.h"

#include "base/errno.h"
#include "core/iopt.h"
#include "seam/caller.h"

void ioas_context_init(struct ioas_context *ctx, uint8_t page_lg2,
		       uint8_t huge_lg2)
{
	*ctx = (struct ioas_context){
		.page_lg2 = page_lg2,
		.huge_lg2 = huge_lg2,
	};
	ioas_list_init(&ctx->spaces);
}

void ioas_context_fini(struct ioas_context *ctx)
{
	IOAS_CHECK(!ioas_list_empty(&ctx->spaces));
}

int ioas_context_set_policy(struct ioas_context *ctx, bool mm)
{
	struct ioas_caller *c = ioas_caller_current();
	int ret = 0;

	if (c && !ioas_caller_resource(c))
		return -EPERM;
	ioas_write_lock(&ctx->create_lock, IOAS_RANK_CONTEXT);
	if (!ioas_list_empty(&ctx->spaces))
		ret = -EBUSY;
	else
		ctx->account_mm = mm;
	ioas_write_unlock(&ctx->create_lock);
	return ret;
}

/* ---- change of process -------------------------------------------------- */

/*
 * Every domain lock before every IOVA lock keeps the order of ranks; among
 * equals the order is that of creation. Nobody else holds two of either.
 */
static void lock_all(struct ioas_context *ctx) __no_lock_analysis
{
	ioas_list_for_each(l, &ctx->spaces)
		ioas_write_lock_nested(
			&ioas_list_entry(l, struct ioas, link)->domains_lock,
			IOAS_RANK_DOMAINS);
	ioas_list_for_each(l, &ctx->spaces)
		ioas_write_lock_nested(
			&ioas_list_entry(l, struct ioas, link)->iova_lock,
			IOAS_RANK_IOVA);
}

static void unlock_all(struct ioas_context *ctx) __no_lock_analysis
{
	ioas_list_for_each(l, &ctx->spaces) {
		struct ioas *ioas = ioas_list_entry(l, struct ioas, link);

		ioas_write_unlock(&ioas->iova_lock);
		ioas_write_unlock(&ioas->domains_lock);
	}
}

struct change {
	struct ioas_principal *to;
	/* Pages charged to be moved, by mode. */
	uint64_t sum[IOAS_ACCOUNT_MM + 1];
};

typedef int change_fn(struct change *c, struct ioas_pages *pages);

/* @fn for the pages object of every area, until it fails. */
static int change_each(struct ioas_context *ctx, struct change *c,
		       change_fn *fn)
{
	ioas_list_for_each(l, &ctx->spaces) {
		struct ioas *ioas = ioas_list_entry(l, struct ioas, link);
		struct ioas_range r;

		ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX) {
			const struct ioas_area *a = r.value;
			int ret = fn(c, a->pages);

			if (ret)
				return ret;
		}
	}
	return 0;
}

static bool moves(const struct change *c, const struct ioas_pages *pages)
{
	const struct ioas_principal *from = pages->principal, *to = c->to;

	if (pages->mode == IOAS_ACCOUNT_NONE || from == to)
		return false;
	if (!from || !to)
		return true;
	return from->mm != to->mm ||
	       (pages->mode == IOAS_ACCOUNT_USER && from->user != to->user);
}

/* Several areas may share the object: the mark counts it once. */
static int change_sum(struct change *c, struct ioas_pages *pages)
{
	if (!(pages->origin->flags & IOAS_ORIGIN_FILE))
		return -EINVAL;
	if (pages->seen || !moves(c, pages))
		return 0;
	pages->seen = true;
	c->sum[pages->mode] += pages->nr_charged;
	return 0;
}

static int change_forget(struct change *c, struct ioas_pages *pages)
{
	(void)c;
	pages->seen = false;
	return 0;
}

static int change_move(struct change *c, struct ioas_pages *pages)
{
	struct ioas_principal *from = pages->principal;

	if (!pages->seen)
		return 0;
	pages->seen = false;
	ioas_principal_uncharge(from, pages->mode, pages->nr_charged);
	ioas_principal_pinned(from, -(int64_t)pages->nr_pinned);
	ioas_principal_pinned(c->to, (int64_t)pages->nr_pinned);
	pages->principal = ioas_principal_get(c->to);
	ioas_principal_put(from);
	return 0;
}

static int change_charge(const struct change *c)
{
	const enum ioas_account_mode user = IOAS_ACCOUNT_USER;
	const enum ioas_account_mode mm = IOAS_ACCOUNT_MM;
	int ret = ioas_principal_charge(c->to, user, c->sum[user]);

	if (ret)
		return ret;
	ret = ioas_principal_charge(c->to, mm, c->sum[mm]);
	if (ret)
		ioas_principal_uncharge(c->to, user, c->sum[user]);
	return ret;
}

/* All locks are held: nobody looks at a pages object. */
int ioas_context_change_process(struct ioas_context *ctx)
{
	const struct ioas_caller *caller = ioas_caller_current();
	struct change c = { .to = caller ? caller->principal : NULL };
	int ret;

	ioas_write_lock(&ctx->create_lock, IOAS_RANK_CONTEXT);
	lock_all(ctx);
	ret = change_each(ctx, &c, change_sum);
	if (!ret)
		ret = change_charge(&c);
	change_each(ctx, &c, ret ? change_forget : change_move);
	unlock_all(ctx);
	ioas_write_unlock(&ctx->create_lock);
	return ret;
}
